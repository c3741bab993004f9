/*
 * A text that is being written into memory of the caller: always ended with 0, cut where the room ends, its length
 * counted on, so that whoever writes it answers as snprintf does.
 */
#ifndef WR_LINE_H
#define WR_LINE_H

#include <stddef.h>
#include <stdint.h>

struct wr_line {
        char *text; /* may be NULL when room is 0 */
        size_t room;
        size_t length; /* of the whole text, the final 0 not counted */
};

void
wr_line_begin(struct wr_line *line, char *text, size_t room);

void
wr_line_put(struct wr_line *line, const char *text, size_t size);

/* As above, up to the 0. */
void
wr_line_add(struct wr_line *line, const char *text);

/* In lower-case digits, without leading zeros. */
void
wr_line_number(struct wr_line *line, uint64_t number, unsigned base);

/* 'text' of somebody else for a sentence: at most 32 characters of it, what is not printable ASCII as a question mark.
 */
void
wr_line_quote(struct wr_line *line, const char *text, size_t size);

#endif
