/* Formats as bytes: round trips, limits, and bytes that a peer might send instead. */
#include "bus/format.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

static const struct wr_format_parts video = { "video/x-raw", "gst-caps", "format=NV12", 11 };

/* The format's bytes at the very end of a block of their own, so that the sanitizers see a step too far. */
static uint8_t *
encoded(const struct wr_format_parts *parts, size_t *size)
{
        uint8_t *bytes;

        *size = wr_format_bytes(parts);
        cr_assert(ne(sz, *size, 0));
        bytes = malloc(*size);
        wr_format_encode(parts, bytes);
        return bytes;
}

static void
expect_round_trip(const struct wr_format_parts *parts)
{
        struct wr_format_parts back;
        size_t size;
        uint8_t *bytes = encoded(parts, &size);

        cr_assert(eq(int, wr_format_decode(bytes, size, &back), WEIR_OK));
        cr_assert(eq(str, (char *)back.type, (char *)(parts->type ? parts->type : "")));
        cr_assert(eq(str, (char *)back.encoding, (char *)(parts->encoding ? parts->encoding : "")));
        cr_assert(eq(u64, back.schema_size, parts->schema_size));
        if (parts->schema_size > 0)
                cr_assert(zero(int, memcmp(back.schema, parts->schema, parts->schema_size)));
        cr_assert(zero(int, ((const char *)back.schema)[back.schema_size]));
        free(bytes);
}

static char *
text_of(size_t size)
{
        char *text = calloc(1, size + 1);

        return memset(text, 't', size);
}

Test(format, comes_back_as_it_was_given)
{
        static const uint8_t binary[] = { 0, 1, 0, 255 };

        expect_round_trip(&video);
        expect_round_trip(&(struct wr_format_parts){ "t", NULL, binary, sizeof(binary) });
}

Test(format, of_nothing_is_three_empty_strings)
{
        expect_round_trip(&(struct wr_format_parts){ 0 });
        cr_assert(eq(sz, wr_format_bytes(&(struct wr_format_parts){ 0 }), 19));
}

Test(format, has_the_layout_that_the_header_tells)
{
        static const uint8_t expected[] = { 1, 0, 0, 0,   2, 0,   0,   0, 3,   0,   0,   0, 0,
                                            0, 0, 0, 'a', 0, 'b', 'c', 0, 'd', 'e', 'f', 0 };
        size_t size;
        uint8_t *bytes = encoded(&(struct wr_format_parts){ "a", "bc", "def", 3 }, &size);

        cr_assert(eq(sz, size, sizeof(expected)));
        cr_assert(zero(int, memcmp(bytes, expected, size)));
        free(bytes);
}

Test(format, parts_at_their_limits_pass_and_one_byte_more_is_refused)
{
        char *type = text_of(WR_FORMAT_TYPE_MAX + 1), *encoding = text_of(WR_FORMAT_ENCODING_MAX + 1);
        char *schema = text_of(WR_FORMAT_SCHEMA_MAX);
        struct wr_format_parts parts = { type + 1, encoding + 1, schema, WR_FORMAT_SCHEMA_MAX };

        expect_round_trip(&parts);
        cr_assert(eq(sz, wr_format_bytes(&parts), WR_FORMAT_BYTES_MAX));
        parts.type = type;
        cr_assert(zero(sz, wr_format_bytes(&parts)));
        parts = (struct wr_format_parts){ "", encoding, NULL, 0 };
        cr_assert(zero(sz, wr_format_bytes(&parts)));
        parts = (struct wr_format_parts){ "", "", schema, WR_FORMAT_SCHEMA_MAX + 1 };
        cr_assert(zero(sz, wr_format_bytes(&parts)));
        free(type);
        free(encoding);
        free(schema);
}

Test(format, cut_short_anywhere_or_grown_is_corrupt)
{
        struct wr_format_parts back;
        size_t size;
        uint8_t *bytes = encoded(&video, &size);

        for (size_t cut = 0; cut < size; cut++) {
                uint8_t *part = malloc(cut ? cut : 1);

                memcpy(part, bytes, cut);
                cr_assert(eq(int, wr_format_decode(part, cut, &back), WEIR_E_CORRUPT), "cut at %zu", cut);
                free(part);
        }
        bytes = realloc(bytes, size + 1);
        bytes[size] = 0;
        cr_assert(eq(int, wr_format_decode(bytes, size + 1, &back), WEIR_E_CORRUPT));
        free(bytes);
}

Test(format, lengths_that_do_not_add_up_are_corrupt)
{
        static const uint32_t lengths[] = { 0, 12, 127, 128, 0x7fffffff, 0x80000000, UINT32_MAX - 1, UINT32_MAX };
        static const uint64_t schemas[] = { 0, 12, 1 << 20, (1 << 20) + 1, INT64_MAX, UINT64_MAX - 20, UINT64_MAX };
        struct wr_format_parts back;
        size_t size;
        uint8_t *bytes = encoded(&video, &size), *copy = malloc(size);

        for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
                for (size_t at = 0; at <= 4; at += 4) {
                        memcpy(memcpy(copy, bytes, size) + at, &lengths[i], 4);
                        cr_assert(eq(int, wr_format_decode(copy, size, &back), WEIR_E_CORRUPT));
                }
        }
        for (size_t i = 0; i < sizeof(schemas) / sizeof(*schemas); i++) {
                memcpy(memcpy(copy, bytes, size) + 8, &schemas[i], 8);
                cr_assert(eq(int, wr_format_decode(copy, size, &back), WEIR_E_CORRUPT));
        }
        free(bytes);
        free(copy);
}

Test(format, a_zero_byte_inside_type_or_encoding_and_a_missing_one_behind_any_part_are_corrupt)
{
        struct wr_format_parts back;
        size_t size, at[] = { 16 + 3, 16 + 11, 16 + 12 + 2, 16 + 12 + 8, 0 };
        uint8_t *bytes = encoded(&video, &size);

        at[4] = size - 1;
        for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
                uint8_t was = bytes[at[i]];

                bytes[at[i]] = was ? 0 : 'x';
                cr_assert(eq(int, wr_format_decode(bytes, size, &back), WEIR_E_CORRUPT), "byte %zu", at[i]);
                bytes[at[i]] = was;
        }
        cr_assert(eq(int, wr_format_decode(bytes, size, &back), WEIR_OK));
        free(bytes);
}
