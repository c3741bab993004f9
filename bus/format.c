/*
 * A format's three parts as one run of bytes, and back.
 *
 *      0            4                8              16           16+t   17+t                18+t+e
 *      | t: type    | e: encoding    | s: schema    | type       | 0 |  encoding      | 0 | schema      | 0 |
 *
 * Encoding trusts its caller for everything but lengths; decoding trusts nothing: the lengths are bounded before
 * they are added up, so that no sum wraps, and must then account for every byte.
 */
#include "bus/format.h"

#include <stdbool.h>
#include <string.h>

enum { LENGTHS_BYTES = 16 };

static size_t
text_bytes(const char *text, size_t bytes_max)
{
        return text ? strnlen(text, bytes_max + 1) : 0;
}

size_t
wr_format_bytes(const struct wr_format_parts *parts)
{
        size_t type_bytes = text_bytes(parts->type, WR_FORMAT_TYPE_MAX);
        size_t encoding_bytes = text_bytes(parts->encoding, WR_FORMAT_ENCODING_MAX);

        if (type_bytes > WR_FORMAT_TYPE_MAX || encoding_bytes > WR_FORMAT_ENCODING_MAX ||
            parts->schema_size > WR_FORMAT_SCHEMA_MAX)
                return 0;
        return LENGTHS_BYTES + type_bytes + 1 + encoding_bytes + 1 + (size_t)parts->schema_size + 1;
}

/* Writes the bytes and their closing zero; returns where the next part goes. */
static uint8_t *
part_put(uint8_t *to, const void *bytes, size_t size)
{
        if (size > 0) /* an absent part is NULL, which memcpy must not see */
                memcpy(to, bytes, size);
        to[size] = 0;
        return to + size + 1;
}

void
wr_format_encode(const struct wr_format_parts *parts, void *to)
{
        uint32_t type_bytes = (uint32_t)text_bytes(parts->type, WR_FORMAT_TYPE_MAX);
        uint32_t encoding_bytes = (uint32_t)text_bytes(parts->encoding, WR_FORMAT_ENCODING_MAX);
        uint8_t *next = to;

        memcpy(next, &type_bytes, 4);
        memcpy(next + 4, &encoding_bytes, 4);
        memcpy(next + 8, &parts->schema_size, 8);
        next = part_put(next + LENGTHS_BYTES, parts->type, type_bytes);
        next = part_put(next, parts->encoding, encoding_bytes);
        part_put(next, parts->schema, (size_t)parts->schema_size);
}

/* Exactly `size` bytes of text and its zero: a reader compares C strings, and two that differ behind a zero byte
 * would look alike to it. */
static bool
text_is_whole(const uint8_t *text, size_t size)
{
        return memchr(text, 0, size + 1) == text + size;
}

enum weir_result
wr_format_decode(const void *bytes, size_t size, struct wr_format_parts *parts)
{
        const uint8_t *type, *encoding, *schema;
        uint32_t type_bytes, encoding_bytes;
        uint64_t schema_bytes;

        if (size < LENGTHS_BYTES)
                return WEIR_E_CORRUPT;
        memcpy(&type_bytes, bytes, 4);
        memcpy(&encoding_bytes, (const uint8_t *)bytes + 4, 4);
        memcpy(&schema_bytes, (const uint8_t *)bytes + 8, 8);
        if (type_bytes > WR_FORMAT_TYPE_MAX || encoding_bytes > WR_FORMAT_ENCODING_MAX ||
            schema_bytes > WR_FORMAT_SCHEMA_MAX)
                return WEIR_E_CORRUPT;
        if (size != LENGTHS_BYTES + (size_t)type_bytes + 1 + encoding_bytes + 1 + (size_t)schema_bytes + 1)
                return WEIR_E_CORRUPT;
        type = (const uint8_t *)bytes + LENGTHS_BYTES;
        encoding = type + type_bytes + 1;
        schema = encoding + encoding_bytes + 1;
        if (!text_is_whole(type, type_bytes) || !text_is_whole(encoding, encoding_bytes) || schema[schema_bytes] != 0)
                return WEIR_E_CORRUPT;
        *parts = (struct wr_format_parts){ (const char *)type, (const char *)encoding, schema, schema_bytes };
        return WEIR_OK;
}
