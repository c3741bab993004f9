/* __attribute__((format(WR_PRINTF, ...))): formats are C's on both systems. To mingw, `printf` alone means the formats
 * of an older library of Microsoft's, to which %zu is none. */
#ifndef WR_PRINTF_H
#define WR_PRINTF_H

#if defined(__MINGW32__) && !defined(__clang__)
#        define WR_PRINTF gnu_printf
#else
#        define WR_PRINTF printf
#endif

#endif
