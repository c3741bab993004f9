/*
 * Formats: the input is decoded as bytes that came from a peer, and what is accepted must encode to the same bytes.
 * Then the input's own bytes become the parts of a format, which must come back as they were or be refused.
 */
#include "bus/format.h"

#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
expect(int held)
{
        if (!held)
                abort();
}

static void
expect_same(const struct wr_format_parts *a, const struct wr_format_parts *b)
{
        expect(strcmp(a->type, b->type) == 0);
        expect(strcmp(a->encoding, b->encoding) == 0);
        expect(a->schema_size == b->schema_size);
        expect(memcmp(a->schema, b->schema, b->schema_size) == 0);
}

static void
decode(const uint8_t *bytes, size_t size)
{
        struct wr_format_parts parts;
        uint8_t *again;

        if (wr_format_decode(bytes, size, &parts) != WEIR_OK)
                return;
        expect(wr_format_bytes(&parts) == size);
        again = malloc(size);
        wr_format_encode(&parts, again);
        expect(memcmp(again, bytes, size) == 0);
        free(again);
}

/* The first byte says how long the two texts are, in units that reach over their limits. */
static void
encode(const uint8_t *bytes, size_t size)
{
        char type[151] = { 0 }, encoding[76] = { 0 };
        size_t type_bytes = size ? bytes[0] % 16 * 10u : 0, encoding_bytes = size ? bytes[0] / 16 * 5u : 0;
        struct wr_format_parts parts = { type, encoding, bytes, size }, back;
        uint8_t *encoded;

        memset(type, 't', type_bytes);
        memset(encoding, 'e', encoding_bytes);
        if (size % 7 == 1)
                parts = (struct wr_format_parts){ NULL, NULL, NULL, 0 };
        size = wr_format_bytes(&parts);
        expect((size == 0) == (type_bytes > WR_FORMAT_TYPE_MAX || encoding_bytes > WR_FORMAT_ENCODING_MAX) ||
               parts.type == NULL);
        if (size == 0)
                return;
        encoded = malloc(size);
        wr_format_encode(&parts, encoded);
        expect(wr_format_decode(encoded, size, &back) == WEIR_OK);
        if (parts.type)
                expect_same(&back, &parts);
        free(encoded);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        decode(bytes, size);
        encode(bytes, size);
        return 0;
}
