/* One byte at a time; the texts are short. */
#include "named-objects/rights/line.h"

#include <string.h>

enum { QUOTED_MAX = 32 };

void
wr_line_begin(struct wr_line *line, char *text, size_t room)
{
        *line = (struct wr_line){ .text = text, .room = room };
        if (room > 0)
                text[0] = '\0';
}

void
wr_line_put(struct wr_line *line, const char *text, size_t size)
{
        for (size_t i = 0; i < size; i++, line->length++) {
                if (line->length + 1 >= line->room)
                        continue;
                line->text[line->length] = text[i];
                line->text[line->length + 1] = '\0';
        }
}

void
wr_line_add(struct wr_line *line, const char *text)
{
        wr_line_put(line, text, strlen(text));
}

void
wr_line_number(struct wr_line *line, uint64_t number, unsigned base)
{
        char digits[64];
        size_t at = sizeof(digits);

        do {
                digits[--at] = "0123456789abcdef"[number % base];
                number /= base;
        } while (number > 0);
        wr_line_put(line, digits + at, sizeof(digits) - at);
}

void
wr_line_quote(struct wr_line *line, const char *text, size_t size)
{
        wr_line_add(line, "'");
        for (size_t i = 0; i < size && i < QUOTED_MAX; i++)
                wr_line_put(line, text[i] >= ' ' && text[i] <= '~' ? &text[i] : "?", 1);
        wr_line_add(line, size > QUOTED_MAX ? "...'" : "'");
}
