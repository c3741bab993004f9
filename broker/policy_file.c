/*
 * Characters are looked at one at a time, with where they stand. A function that reads something returns false once
 * an error is noted, and nothing is read after that. The end of the text reads as a character of its own, END.
 */
#include "broker/policy_file.h"

#include <string.h>

enum { END = -1, KEY_MAX = 64 };

struct place {
        unsigned line, column;
        const char *at;
};

struct reader {
        const char *at, *end, *text_begin;
        struct place place;
        struct wr_policy_error *error;
        wr_setting_visit *visit;
        void *user;
        char table[KEY_MAX], entry[WR_POLICY_TEXT_MAX], key[KEY_MAX], text[WR_POLICY_TEXT_MAX];
};

static int
look(const struct reader *r)
{
        return r->at < r->end ? (unsigned char)*r->at : END;
}

static void
advance(struct reader *r)
{
        if (*r->at == '\n') {
                r->place.line++;
                r->place.column = 1;
        } else if (((unsigned char)*r->at & 0xc0) != 0x80) {
                r->place.column++;
        }
        r->at++;
}

static bool
fail(struct reader *r, const char *what)
{
        *r->error = (struct wr_policy_error){ r->place.line, r->place.column, what };
        return false;
}

static struct place
place_of(const struct reader *r)
{
        return (struct place){ r->place.line, r->place.column, r->at };
}

static void
skip_blanks(struct reader *r)
{
        while (look(r) == ' ' || look(r) == '\t')
                advance(r);
}

static bool
skip_comment(struct reader *r)
{
        if (look(r) != '#')
                return true;
        while (look(r) != '\n' && look(r) != END) {
                if ((look(r) < 0x20 && look(r) != '\t' && look(r) != '\r') || look(r) == 0x7f)
                        return fail(r, "a control character in a comment");
                advance(r);
        }
        return true;
}

/* A line's end, or the text's; "\r\n" is one. */
static bool
end_line(struct reader *r)
{
        skip_blanks(r);
        if (!skip_comment(r))
                return false;
        if (look(r) == '\r' && r->end - r->at > 1 && r->at[1] == '\n')
                advance(r);
        if (look(r) == END)
                return true;
        if (look(r) != '\n')
                return fail(r, "expected the end of the line");
        advance(r);
        return true;
}

/* Blanks, comments and line ends, inside an array. */
static bool
skip_lines(struct reader *r)
{
        for (;;) {
                skip_blanks(r);
                if (!skip_comment(r))
                        return false;
                if (look(r) != '\n' && look(r) != '\r')
                        return true;
                advance(r);
        }
}

static bool
is_bare(int c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* ---- strings -------------------------------------------------------------------------------------------------- */

struct text {
        char *to;
        size_t length, room;
};

static bool
put(struct reader *r, struct text *text, unsigned byte)
{
        if (text->length + 1 >= text->room)
                return fail(r, "too long");
        text->to[text->length++] = (char)byte;
        return true;
}

static bool
put_point(struct reader *r, struct text *text, uint32_t point)
{
        if (point == 0 || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
                return fail(r, "no character has this number");
        if (point < 0x80)
                return put(r, text, point);
        if (point < 0x800)
                return put(r, text, 0xc0 | point >> 6) && put(r, text, 0x80 | (point & 0x3f));
        if (point < 0x10000)
                return put(r, text, 0xe0 | point >> 12) && put(r, text, 0x80 | (point >> 6 & 0x3f)) &&
                       put(r, text, 0x80 | (point & 0x3f));
        return put(r, text, 0xf0 | point >> 18) && put(r, text, 0x80 | (point >> 12 & 0x3f)) &&
               put(r, text, 0x80 | (point >> 6 & 0x3f)) && put(r, text, 0x80 | (point & 0x3f));
}

static bool
read_hexadecimal(struct reader *r, int digits, uint32_t *value)
{
        *value = 0;
        for (int i = 0; i < digits; i++) {
                int c = look(r) | 0x20;

                if (look(r) >= '0' && look(r) <= '9')
                        *value = *value << 4 | (uint32_t)(look(r) - '0');
                else if (look(r) != END && c >= 'a' && c <= 'f')
                        *value = *value << 4 | (uint32_t)(c - 'a' + 10);
                else
                        return fail(r, "expected a hexadecimal digit");
                advance(r);
        }
        return true;
}

/* Behind the backslash. */
static bool
read_escape(struct reader *r, struct text *text)
{
        static const char names[] = "\"\\btnfr", meanings[] = "\"\\\b\t\n\f\r";
        const char *name = look(r) > 0 ? strchr(names, look(r)) : NULL;
        int digits = look(r) == 'u' ? 4 : look(r) == 'U' ? 8 : 0;
        uint32_t point;

        if (!name && digits == 0)
                return fail(r, "an unknown escape");
        advance(r);
        if (name)
                return put(r, text, (unsigned char)meanings[name - names]);
        return read_hexadecimal(r, digits, &point) && put_point(r, text, point);
}

/* "..." with escapes or '...' without. */
static bool
read_string(struct reader *r, char *to, size_t room)
{
        struct text text = { to, 0, room };
        int quote = look(r);

        if (quote != '"' && quote != '\'')
                return fail(r, "expected a string");
        advance(r);
        while (look(r) != quote) {
                int c = look(r);

                if (c == END || c == '\n')
                        return fail(r, "the string has no end");
                if ((c < 0x20 && c != '\t') || c == 0x7f)
                        return fail(r, "a control character in a string");
                advance(r);
                if (c == '\\' && quote == '"' ? !read_escape(r, &text) : !put(r, &text, (unsigned)c))
                        return false;
        }
        advance(r);
        to[text.length] = '\0';
        return true;
}

/* A bare word, or a string. */
static bool
read_key(struct reader *r, char *to, size_t room, const char *expected)
{
        struct text text = { to, 0, room };

        if (look(r) == '"' || look(r) == '\'')
                return read_string(r, to, room);
        if (!is_bare(look(r)))
                return fail(r, expected);
        for (; is_bare(look(r)); advance(r))
                if (!put(r, &text, (unsigned)look(r)))
                        return false;
        to[text.length] = '\0';
        return true;
}

/* ---- settings ------------------------------------------------------------------------------------------------- */

/* place: where the setting began, and where an error of it is told; it ends where the reader stands. */
static bool
tell(struct reader *r, enum wr_setting_kind kind, struct place place, int64_t number)
{
        struct wr_setting setting = { .kind = kind,
                                      .table = r->table,
                                      .entry = r->entry,
                                      .key = kind == WR_SETTING_TABLE ? NULL : r->key,
                                      .text = r->text,
                                      .number = number,
                                      .line = place.line,
                                      .column = place.column,
                                      .from = (size_t)(place.at - r->text_begin),
                                      .to = (size_t)(r->at - r->text_begin) };
        const char *wrong = r->visit(r->user, &setting);

        if (!wrong)
                return true;
        *r->error = (struct wr_policy_error){ place.line, place.column, wrong };
        return false;
}

static bool
read_table(struct reader *r)
{
        const struct place place = place_of(r);

        advance(r);
        if (look(r) == '[')
                return fail(r, "arrays of tables are not part of this format");
        skip_blanks(r);
        r->entry[0] = '\0';
        if (!read_key(r, r->table, sizeof(r->table), "expected a table's name"))
                return false;
        skip_blanks(r);
        if (look(r) == '.') {
                advance(r);
                skip_blanks(r);
                if (!read_key(r, r->entry, sizeof(r->entry), "expected a name behind the '.'"))
                        return false;
                skip_blanks(r);
        }
        if (look(r) != ']')
                return fail(r, "expected ']'");
        advance(r);
        return tell(r, WR_SETTING_TABLE, place, 0) && end_line(r);
}

static bool
read_array(struct reader *r, struct place place)
{
        struct place bracket;

        advance(r);
        if (!tell(r, WR_SETTING_ARRAY, place, 0))
                return false;
        for (;;) {
                if (!skip_lines(r))
                        return false;
                if (look(r) == ']')
                        break;
                const struct place element = place_of(r);

                if (look(r) != '"' && look(r) != '\'')
                        return fail(r, "an array holds strings only: expected a string or ']'");
                if (!read_string(r, r->text, sizeof(r->text)) || !tell(r, WR_SETTING_ELEMENT, element, 0) ||
                    !skip_lines(r))
                        return false;
                if (look(r) == ',')
                        advance(r);
                else if (look(r) != ']')
                        return fail(r, "expected ',' or ']'");
        }
        bracket = place_of(r);
        advance(r);
        return tell(r, WR_SETTING_END, bracket, 0);
}

static bool
read_integer(struct reader *r, int64_t *number)
{
        bool is_negative = look(r) == '-';
        uint64_t value = 0, most = (uint64_t)INT64_MAX;
        bool after_digit = false;

        if (look(r) == '-' || look(r) == '+')
                advance(r);
        for (; (look(r) >= '0' && look(r) <= '9') || look(r) == '_'; advance(r)) {
                uint64_t digit = (uint64_t)(look(r) - '0');

                if (look(r) == '_') {
                        if (!after_digit)
                                return fail(r, "a '_' stands between two digits");
                        after_digit = false;
                        continue;
                }
                if (value > (most - digit) / 10)
                        return fail(r, "too large a number");
                value = value * 10 + digit;
                after_digit = true;
        }
        if (!after_digit)
                return fail(r, "expected a digit");
        if (is_bare(look(r)) || look(r) == '.' || look(r) == ':')
                return fail(r, "numbers other than decimal integers, and dates, are not part of this format");
        *number = is_negative ? -(int64_t)value : (int64_t)value;
        return true;
}

static bool
read_word(struct reader *r, const char *word)
{
        size_t length = strlen(word);

        if ((size_t)(r->end - r->at) < length || memcmp(r->at, word, length) != 0)
                return false;
        for (size_t i = 0; i < length; i++)
                advance(r);
        return true;
}

static bool
read_value(struct reader *r)
{
        const struct place place = place_of(r);
        int64_t number = 0;
        int c = look(r);

        if (c == '"' || c == '\'')
                return read_string(r, r->text, sizeof(r->text)) && tell(r, WR_SETTING_STRING, place, 0);
        if (c == '[')
                return read_array(r, place);
        if (c == '{')
                return fail(r, "inline tables are not part of this format");
        if (c == '-' || c == '+' || (c >= '0' && c <= '9'))
                return read_integer(r, &number) && tell(r, WR_SETTING_INTEGER, place, number);
        if (read_word(r, "true"))
                return tell(r, WR_SETTING_BOOLEAN, place, 1);
        if (read_word(r, "false"))
                return tell(r, WR_SETTING_BOOLEAN, place, 0);
        return fail(r, "expected a value: a string, a number, true, false or an array of strings");
}

static bool
read_setting(struct reader *r)
{
        if (!read_key(r, r->key, sizeof(r->key), "expected a key or a [table]"))
                return false;
        skip_blanks(r);
        if (look(r) == '.')
                return fail(r, "dotted keys are not part of this format: write a [table]");
        if (look(r) != '=')
                return fail(r, "expected '='");
        advance(r);
        skip_blanks(r);
        return read_value(r) && end_line(r);
}

bool
wr_policy_file_read(const char *text, size_t size, wr_setting_visit *visit, void *user, struct wr_policy_error *error)
{
        const char *begin = size > 0 ? text : ""; /* no text has no place in memory */
        struct reader r = { .at = begin,
                            .end = begin + size,
                            .text_begin = begin,
                            .place = { 1, 1, begin },
                            .error = error,
                            .visit = visit,
                            .user = user };

        if (size > WR_POLICY_FILE_MAX)
                return fail(&r, "the file is larger than 1 MiB");
        if (size >= 3 && memcmp(begin, "\xef\xbb\xbf", 3) == 0)
                r.at += 3;
        while (look(&r) != END) {
                bool is_empty;

                skip_blanks(&r);
                is_empty = look(&r) == '\n' || look(&r) == '\r' || look(&r) == '#' || look(&r) == END;
                if (is_empty ? !end_line(&r) : look(&r) == '[' ? !read_table(&r) : !read_setting(&r))
                        return false;
        }
        return true;
}
