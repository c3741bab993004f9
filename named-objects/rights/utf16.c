/* One code point at a time: decoded, checked, written as one unit or as a pair of surrogates. */
#include "named-objects/rights/utf16.h"

/* What a first byte says: how many follow, its own bits, and the least that so many bytes may say. */
struct lead {
        size_t follow;
        uint32_t bits, least;
};

static bool
read_lead(uint8_t byte, struct lead *lead)
{
        if (byte < 0x80)
                *lead = (struct lead){ 0, byte, 1 };
        else if (byte >= 0xc0 && byte < 0xe0)
                *lead = (struct lead){ 1, byte & 0x1fu, 0x80 };
        else if (byte >= 0xe0 && byte < 0xf0)
                *lead = (struct lead){ 2, byte & 0x0fu, 0x800 };
        else if (byte >= 0xf0 && byte < 0xf8)
                *lead = (struct lead){ 3, byte & 0x07u, 0x10000 };
        else
                return false;
        return true;
}

/* Returns how many bytes the code point took, 0 if it is none. */
static size_t
decode(const uint8_t *at, size_t left, uint32_t *point)
{
        struct lead lead;

        if (!read_lead(at[0], &lead) || lead.follow >= left)
                return 0;
        *point = lead.bits;
        for (size_t i = 1; i <= lead.follow; i++) {
                if ((at[i] & 0xc0) != 0x80)
                        return 0;
                *point = *point << 6 | (at[i] & 0x3fu);
        }
        if (*point < lead.least || *point > 0x10ffff || (*point >= 0xd800 && *point < 0xe000))
                return 0;
        return lead.follow + 1;
}

static uint32_t
in_case(uint32_t point, enum wr_utf16_case letters)
{
        if (letters == WR_UTF16_LOWER && point >= 'A' && point <= 'Z')
                return point - 'A' + 'a';
        if (letters == WR_UTF16_UPPER && point >= 'a' && point <= 'z')
                return point - 'a' + 'A';
        return point;
}

static void
put_unit(uint8_t *bytes, size_t index, uint32_t unit)
{
        if (bytes == NULL)
                return;
        bytes[2 * index] = (uint8_t)unit;
        bytes[2 * index + 1] = (uint8_t)(unit >> 8);
}

bool
wr_utf16_from(const char *text, size_t size, enum wr_utf16_case letters, uint8_t *bytes, size_t room, size_t *units)
{
        const uint8_t *at = (const uint8_t *)text;
        uint32_t point;

        *units = 0;
        while (size > 0) {
                size_t took = decode(at, size, &point);

                if (took == 0 || room - *units < (point > 0xffff ? 2u : 1u))
                        return false;
                point = in_case(point, letters);
                if (point > 0xffff) {
                        put_unit(bytes, (*units)++, 0xd800 + ((point - 0x10000) >> 10));
                        put_unit(bytes, (*units)++, 0xdc00 + (point & 0x3ff));
                } else {
                        put_unit(bytes, (*units)++, point);
                }
                at += took;
                size -= took;
        }
        return true;
}
