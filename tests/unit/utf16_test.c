/* UTF-8 to UTF-16: every length of sequence, both sides of every border, and what is no UTF-8. */
#include "named-objects/rights/utf16.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

enum { ROOM = 16 };

static void
expect_units(const char *text, const char *expected, size_t count)
{
        uint8_t bytes[2 * ROOM];
        size_t units;

        cr_assert(wr_utf16_from(text, strlen(text), WR_UTF16_AS_IS, bytes, ROOM, &units), "%s", text);
        cr_assert(eq(sz, units, count));
        cr_assert(zero(int, memcmp(bytes, expected, 2 * count)), "%s", text);
        cr_assert(wr_utf16_from(text, strlen(text), WR_UTF16_AS_IS, NULL, count, &units));
        cr_assert(not(wr_utf16_from(text, strlen(text), WR_UTF16_AS_IS, NULL, count - 1, &units)));
}

static void
expect_refused(const char *text, size_t size)
{
        uint8_t bytes[2 * ROOM];
        size_t units;

        cr_assert(not(wr_utf16_from(text, size, WR_UTF16_AS_IS, bytes, ROOM, &units)), "%02x %02x", (uint8_t)text[0],
                  (uint8_t)text[1]);
}

Test(utf16, sequences_of_every_length_become_units_at_both_ends_of_their_range)
{
        expect_units("\x01\x7f", "\x01\0\x7f", 2);
        expect_units("\xc2\x80\xdf\xbf", "\x80\x00\xff\x07", 2);
        expect_units("\xe0\xa0\x80\xef\xbf\xbf", "\x00\x08\xff\xff", 2);
        expect_units("\xed\x9f\xbf\xee\x80\x80", "\xff\xd7\x00\xe0", 2);
        expect_units("\xf0\x90\x80\x80", "\x00\xd8\x00\xdc", 2);
        expect_units("\xf4\x8f\xbf\xbf", "\xff\xdb\xff\xdf", 2);
}

Test(utf16, nothing_is_no_units)
{
        size_t units = 1;

        cr_assert(wr_utf16_from("", 0, WR_UTF16_AS_IS, NULL, 0, &units));
        cr_assert(zero(sz, units));
}

Test(utf16, overlong_forms_are_refused)
{
        expect_refused("\xc0\x80", 2);
        expect_refused("\xc1\xbf", 2);
        expect_refused("\xe0\x9f\xbf", 3);
        expect_refused("\xf0\x8f\xbf\xbf", 4);
}

Test(utf16, surrogates_and_code_points_above_the_last_are_refused)
{
        expect_refused("\xed\xa0\x80", 3);
        expect_refused("\xed\xbf\xbf", 3);
        expect_refused("\xf4\x90\x80\x80", 4);
        expect_refused("\xf8\x88\x80\x80\x80", 5);
        expect_refused("\xff", 1);
}

Test(utf16, cut_and_broken_sequences_are_refused)
{
        expect_refused("\x80", 1);
        expect_refused("\xc2", 1);
        expect_refused("\xe2\x82", 2);
        expect_refused("\xf0\x9f\x8c", 3);
        expect_refused("\xc2z", 2);
        expect_refused("\xe2\x82z", 3);
        expect_refused("a\0b", 3);
}

Test(utf16, only_the_letters_of_ascii_change_case)
{
        uint8_t bytes[2 * ROOM];
        size_t units;

        cr_assert(wr_utf16_from("@AZ[`az{\xc3\x84", 10, WR_UTF16_LOWER, bytes, ROOM, &units));
        cr_assert(zero(int, memcmp(bytes, "@\0a\0z\0[\0`\0a\0z\0{\0\xc4", 18)));
        cr_assert(wr_utf16_from("@AZ[`az{\xc3\xa4", 10, WR_UTF16_UPPER, bytes, ROOM, &units));
        cr_assert(zero(int, memcmp(bytes, "@\0A\0Z\0[\0`\0A\0Z\0{\0\xe4", 18)));
}
