/*
 * One table, one encoder, one decoder for every control message. The table is made from the field lists of message.h:
 * per message an array of fields, per field its place in the structure and its bytes on the wire. On the wire fields
 * follow each other without gaps, in the order of the list, so a kind has one size and a wrong size is a wrong message.
 */
#include "bus/message.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

struct field {
        uint16_t offset; /* in the structure */
        uint16_t bytes;  /* on the wire; 0 ends the array */
        bool is_text;
};

#define FIELD_NUMBER(type, name) { offsetof(this_message, name), sizeof(wr_field_##type), false },
#define FIELD_TEXT(name, room)   { offsetof(this_message, name), room, true },

/* An array for each message, in a function of its own so that `this_message` can name its structure. */
#define FIELDS_OF(KIND, name, number, descriptors)                                                                    \
        static const struct field *name##_fields(void)                                                                \
        {                                                                                                             \
                typedef struct wr_message_##name this_message;                                                        \
                static const struct field fields[] = { WR_##KIND##_FIELDS(FIELD_NUMBER, FIELD_TEXT){ 0, 0, false } }; \
                return fields;                                                                                        \
        }                                                                                                             \
        static_assert(sizeof(struct wr_message_##name) + WR_MESSAGE_HEADER_BYTES <= WR_MESSAGE_BYTES_MAX,             \
                      "every message fits into one datagram");
WR_MESSAGES(FIELDS_OF)

struct shape {
        const char *name;
        const struct field *(*fields)(void);
        unsigned descriptors;
};

#define SHAPE_OF(KIND, name, number, descriptors) [number] = { #KIND, name##_fields, descriptors },
static const struct shape shapes[] = { WR_MESSAGES(SHAPE_OF) };

static const uint8_t magic[4] = { 'W', 'E', 'I', 'R' };

/* All structures of the union begin at the same place. */
enum { FIELDS_OFFSET = offsetof(struct wr_message, hello) };

static const struct shape *
shape_of(unsigned kind)
{
        return kind < sizeof(shapes) / sizeof(*shapes) && shapes[kind].name ? &shapes[kind] : NULL;
}

static uint64_t
number_read(const uint8_t *bytes, size_t count)
{
        uint64_t value = 0;

        for (size_t i = 0; i < count; i++)
                value |= (uint64_t)bytes[i] << (8 * i);
        return value;
}

static void
number_write(uint8_t *bytes, size_t count, uint64_t value)
{
        for (size_t i = 0; i < count; i++)
                bytes[i] = (uint8_t)(value >> (8 * i));
}

static void
field_encode(const struct field *field, const uint8_t *from, uint8_t *to)
{
        uint32_t narrow;
        uint64_t wide;

        if (field->is_text) {
                memset(to, 0, field->bytes);
                memcpy(to, from, strnlen((const char *)from, (size_t)field->bytes - 1));
        } else if (field->bytes == sizeof(narrow)) {
                memcpy(&narrow, from, sizeof(narrow));
                number_write(to, sizeof(narrow), narrow);
        } else {
                memcpy(&wide, from, sizeof(wide));
                number_write(to, sizeof(wide), wide);
        }
}

/* Returns NULL or what is wrong with the field. */
static const char *
field_decode(const struct field *field, const uint8_t *from, uint8_t *to)
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
                narrow = (uint32_t)number_read(from, sizeof(narrow));
                memcpy(to, &narrow, sizeof(narrow));
        } else {
                wide = number_read(from, sizeof(wide));
                memcpy(to, &wide, sizeof(wide));
        }
        return NULL;
}

static size_t
size_of(const struct shape *shape)
{
        size_t size = WR_MESSAGE_HEADER_BYTES;

        for (const struct field *field = shape->fields(); field->bytes != 0; field++)
                size += field->bytes;
        return size;
}

size_t
wr_message_encode(const struct wr_message *message, void *bytes)
{
        const struct shape *shape = shape_of((unsigned)message->kind);
        const uint8_t *from = (const uint8_t *)message + FIELDS_OFFSET;
        uint8_t *to = bytes;
        size_t at = WR_MESSAGE_HEADER_BYTES;

        assert(shape); /* our own code chose the kind */
        for (const struct field *field = shape->fields(); field->bytes != 0; field++) {
                field_encode(field, from + field->offset, to + at);
                at += field->bytes;
        }
        memcpy(to, magic, sizeof(magic));
        number_write(to + 4, 2, WR_PROTOCOL);
        number_write(to + 6, 2, (uint64_t)message->kind);
        number_write(to + 8, 4, at);
        number_write(to + 12, 4, message->request);
        return at;
}

static enum weir_result
corrupt(const char **why, const char *sentence)
{
        if (why)
                *why = sentence;
        return WEIR_E_CORRUPT;
}

enum weir_result
wr_message_decode(const void *bytes, size_t size, struct wr_message *message, const char **why)
{
        const uint8_t *from = bytes;
        uint8_t *to = (uint8_t *)message + FIELDS_OFFSET;
        const struct shape *shape;
        size_t at = WR_MESSAGE_HEADER_BYTES;

        memset(message, 0, sizeof(*message));
        if (size < WR_MESSAGE_HEADER_BYTES)
                return corrupt(why, "shorter than a message's header");
        if (memcmp(from, magic, sizeof(magic)) != 0)
                return corrupt(why, "does not begin with WEIR");
        message->request = (uint32_t)number_read(from + 12, 4);
        if (wr_message_version(bytes, size) != WR_PROTOCOL) {
                if (why)
                        *why = "another version of the protocol";
                return WEIR_E_VERSION;
        }
        shape = shape_of((unsigned)number_read(from + 6, 2));
        if (!shape)
                return corrupt(why, "unknown kind of message");
        if (number_read(from + 8, 4) != size || size != size_of(shape))
                return corrupt(why, "not of its kind's size");
        for (const struct field *field = shape->fields(); field->bytes != 0; field++) {
                const char *wrong = field_decode(field, from + at, to + field->offset);

                if (wrong)
                        return corrupt(why, wrong);
                at += field->bytes;
        }
        message->kind = (enum wr_message_kind)(shape - shapes);
        return WEIR_OK;
}

unsigned
wr_message_version(const void *bytes, size_t size)
{
        return size < WR_MESSAGE_HEADER_BYTES ? 0 : (unsigned)number_read((const uint8_t *)bytes + 4, 2);
}

unsigned
wr_message_descriptors(enum wr_message_kind kind)
{
        const struct shape *shape = shape_of((unsigned)kind);

        return shape ? shape->descriptors : 0;
}

const char *
wr_message_name(enum wr_message_kind kind)
{
        const struct shape *shape = shape_of((unsigned)kind);

        return shape ? shape->name : "?";
}
