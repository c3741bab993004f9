/*
 * Topic names and patterns. Both are checked segment by segment; a pattern is matched with one point of return per
 * level ('*' within a segment, "**" between segments), so the work is bounded by the product of the two lengths
 * whatever a client sends.
 */
#include "bus/topic.h"

#include "bus/message.h"

#include <stdint.h>
#include <string.h>

static bool
refuse(const char **why, const char *sentence)
{
        if (why)
                *why = sentence;
        return false;
}

/* Length of the UTF-8 sequence at `text` and its code point; 0 when it is none. A byte of 0 ends every sequence, so
 * nothing behind the string's end is read. */
static size_t
utf8_length(const char *text, uint32_t *point)
{
        static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        const uint8_t *bytes = (const uint8_t *)text;
        size_t length = 0;

        if (bytes[0] < 0x80)
                length = 1;
        else if (bytes[0] >= 0xc0 && bytes[0] < 0xf8)
                length = bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
        if (length < 2) {
                *point = bytes[0];
                return length;
        }
        *point = bytes[0] & (0x7fU >> length);
        for (size_t i = 1; i < length; i++) {
                if ((bytes[i] & 0xc0) != 0x80)
                        return 0;
                *point = *point << 6 | (bytes[i] & 0x3f);
        }
        /* Overlong forms and surrogates would give one name two spellings. */
        if (*point < smallest[length] || *point > 0x10ffff || (*point >= 0xd800 && *point < 0xe000))
                return 0;
        return length;
}

static bool
characters_valid(const char *name, const char **why)
{
        uint32_t point;

        for (size_t length; *name != '\0'; name += length) {
                length = utf8_length(name, &point);
                if (length == 0)
                        return refuse(why, "it is not UTF-8");
                if (point < 0x20 || (point >= 0x7f && point < 0xa0))
                        return refuse(why, "it has a control character");
        }
        return true;
}

static bool
segment_valid(const char *segment, size_t length, bool is_pattern, const char **why)
{
        if (length == 0)
                return refuse(why, "a segment is empty");
        if (length <= 2 && strncmp(segment, "..", length) == 0)
                return refuse(why, "a segment is '.' or '..'");
        if (!is_pattern && memchr(segment, '*', length))
                return refuse(why, "it has a '*', which belongs to patterns");
        if (length == 2 && strncmp(segment, "**", 2) == 0)
                return true;
        for (size_t i = 0; i + 1 < length; i++)
                if (segment[i] == '*' && segment[i + 1] == '*')
                        return refuse(why, "'**' does not stand alone in its segment");
        return true;
}

static bool
valid(const char *name, bool is_pattern, const char **why)
{
        size_t length = strnlen(name, WR_TOPIC_MAX + 1);

        if (length == 0)
                return refuse(why, "it is empty");
        if (length > WR_TOPIC_MAX)
                return refuse(why, "it is longer than 200 bytes");
        if (!characters_valid(name, why))
                return false;
        for (;;) {
                size_t segment = strcspn(name, "/");

                if (!segment_valid(name, segment, is_pattern, why))
                        return false;
                if (name[segment] == '\0')
                        return true;
                name += segment + 1;
        }
}

bool
wr_topic_valid(const char *name, const char **why)
{
        return valid(name, false, why);
}

bool
wr_topic_pattern_valid(const char *pattern, const char **why)
{
        return valid(pattern, true, why);
}

static bool
is_end(char byte)
{
        return byte == '/' || byte == '\0';
}

/* One segment against one segment: the last '*' takes one byte more whenever the rest does not fit. Where they match,
 * both stand at their segments' ends. */
static bool
segment_matches(const char **pattern, const char **name)
{
        const char *p = *pattern, *n = *name, *star = NULL, *star_end = NULL;

        while (!is_end(*n)) {
                if (*p == '*') {
                        star = ++p;
                        star_end = n;
                } else if (*p == *n) {
                        p++;
                        n++;
                } else if (star) {
                        p = star;
                        n = ++star_end;
                } else {
                        return false;
                }
        }
        while (*p == '*')
                p++;
        *pattern = p;
        *name = n;
        return is_end(*p);
}

/* From the end of a segment to the start of the next, or NULL behind the last. */
static const char *
next_of(const char *end)
{
        return *end == '/' ? end + 1 : NULL;
}

static const char *
segment_next(const char *name)
{
        while (!is_end(*name))
                name++;
        return next_of(name);
}

static bool
is_any(const char *pattern)
{
        return pattern && pattern[0] == '*' && pattern[1] == '*' && is_end(pattern[2]);
}

bool
wr_topic_matches(const char *pattern, const char *name)
{
        const char *again = NULL, *again_name = NULL; /* behind the last "**", and what it has not taken yet */
        bool any = false;

        while (name) {
                const char *p = pattern, *n = name;

                if (is_any(pattern)) {
                        any = true;
                        again = pattern = segment_next(pattern);
                        again_name = name;
                        if (!pattern)
                                return true; /* whatever is left of the name */
                } else if (pattern && segment_matches(&p, &n)) {
                        pattern = next_of(p);
                        name = next_of(n);
                } else if (any) {
                        pattern = again;
                        name = again_name = segment_next(again_name);
                } else {
                        return false;
                }
        }
        while (is_any(pattern))
                pattern = segment_next(pattern);
        return !pattern;
}

size_t
wr_topic_prefix(const char *pattern)
{
        return strcspn(pattern, "*");
}
