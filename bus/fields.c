#include "bus/fields.h"

#include <string.h>

uint64_t
wr_fields_number(const uint8_t *bytes, size_t count)
{
        uint64_t value = 0;

        for (size_t i = 0; i < count; i++)
                value |= (uint64_t)bytes[i] << (8 * i);
        return value;
}

void
wr_fields_number_put(uint8_t *bytes, size_t count, uint64_t value)
{
        for (size_t i = 0; i < count; i++)
                bytes[i] = (uint8_t)(value >> (8 * i));
}

size_t
wr_fields_bytes(const struct wr_field *fields)
{
        size_t bytes = 0;

        for (; fields->bytes != 0; fields++)
                bytes += fields->bytes;
        return bytes;
}

static void
field_encode(const struct wr_field *field, const uint8_t *from, uint8_t *to)
{
        uint32_t narrow;
        uint64_t wide;

        if (field->is_text) {
                memset(to, 0, field->bytes);
                memcpy(to, from, strnlen((const char *)from, (size_t)field->bytes - 1));
        } else if (field->bytes == sizeof(narrow)) {
                memcpy(&narrow, from, sizeof(narrow));
                wr_fields_number_put(to, sizeof(narrow), narrow);
        } else {
                memcpy(&wide, from, sizeof(wide));
                wr_fields_number_put(to, sizeof(wide), wide);
        }
}

void
wr_fields_encode(const struct wr_field *fields, const void *from, uint8_t *to)
{
        for (; fields->bytes != 0; fields++) {
                field_encode(fields, (const uint8_t *)from + fields->offset, to);
                to += fields->bytes;
        }
}

static const char *
field_decode(const struct wr_field *field, const uint8_t *from, uint8_t *to)
{
        uint32_t narrow;
        uint64_t wide;

        if (field->is_text) {
                size_t length = strnlen((const char *)from, field->bytes);

                if (length == field->bytes)
                        return "a string has no end";
                for (size_t i = length; i < field->bytes; i++)
                        if (from[i] != 0)
                                return "a string has bytes behind its end";
                memcpy(to, from, field->bytes);
        } else if (field->bytes == sizeof(narrow)) {
                narrow = (uint32_t)wr_fields_number(from, sizeof(narrow));
                memcpy(to, &narrow, sizeof(narrow));
        } else {
                wide = wr_fields_number(from, sizeof(wide));
                memcpy(to, &wide, sizeof(wide));
        }
        return NULL;
}

const char *
wr_fields_decode(const struct wr_field *fields, const uint8_t *from, void *to)
{
        const char *wrong = NULL;

        for (; fields->bytes != 0 && !wrong; fields++) {
                wrong = field_decode(fields, from, (uint8_t *)to + fields->offset);
                from += fields->bytes;
        }
        return wrong;
}
