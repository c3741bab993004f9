/*
 * UTF-8 to UTF-16LE, strictly: what Windows hashes and limits is UTF-16, what weir is given is UTF-8.
 *
 * Overlong forms, surrogates, code points above 0x10ffff, cut sequences and U+0000 are refused. Only the letters of
 * ASCII change case: the names of packages and capabilities are ASCII, and what Windows does to other letters in them
 * is not published. Pure: no system call, no allocation.
 */
#ifndef WR_UTF16_H
#define WR_UTF16_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wr_utf16_case { WR_UTF16_AS_IS, WR_UTF16_LOWER, WR_UTF16_UPPER };

/* Writes two bytes for each unit and returns true; false if the text is no UTF-8 or has more than `room` units.
 * bytes may be NULL to count only. */
bool
wr_utf16_from(const char *text, size_t size, enum wr_utf16_case letters, uint8_t *bytes, size_t room, size_t *units);

#endif
