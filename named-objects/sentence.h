/* A sentence for the user, into room that the caller may not have. */
#ifndef WR_SENTENCE_H
#define WR_SENTENCE_H

#include "bus/os/printf.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

__attribute__((format(WR_PRINTF, 3, 4))) static inline void
wr_sentence(char *sentence, size_t room, const char *format, ...)
{
        va_list values;

        if (sentence == NULL || room == 0)
                return;
        va_start(values, format);
        vsnprintf(sentence, room, format, values);
        va_end(values);
}

/* The end of a noun behind its number: 0 frames, 1 frame, 2 frames. */
static inline const char *
wr_s(uint64_t count)
{
        return count == 1 ? "" : "s";
}

#endif
