/*
 * One table, one encoder, one decoder for every control message. The table is made from the field lists of message.h:
 * per message an array of fields, per field its place in the structure and its bytes on the wire. On the wire fields
 * follow each other without gaps, in the order of the list, so a kind has one size and a wrong size is a wrong message.
 */
#include "bus/message.h"

#include <assert.h>
#include <string.h>

#define FIELDS_OF(KIND, name, number, descriptors)                                                        \
        WR_FIELDS_OF(name, struct wr_message_##name, WR_##KIND##_FIELDS)                                  \
        static_assert(sizeof(struct wr_message_##name) + WR_MESSAGE_HEADER_BYTES <= WR_MESSAGE_BYTES_MAX, \
                      "every message fits into one datagram");
WR_MESSAGES(FIELDS_OF)

struct shape {
        const char *name;
        const struct wr_field *(*fields)(void);
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

size_t
wr_message_encode(const struct wr_message *message, void *bytes)
{
        const struct shape *shape = shape_of((unsigned)message->kind);
        const uint8_t *from = (const uint8_t *)message + FIELDS_OFFSET;
        uint8_t *to = bytes;
        size_t size;

        assert(shape); /* our own code chose the kind */
        size = WR_MESSAGE_HEADER_BYTES + wr_fields_bytes(shape->fields());
        wr_fields_encode(shape->fields(), from, to + WR_MESSAGE_HEADER_BYTES);
        memcpy(to, magic, sizeof(magic));
        wr_fields_number_put(to + 4, 2, WR_PROTOCOL);
        wr_fields_number_put(to + 6, 2, (uint64_t)message->kind);
        wr_fields_number_put(to + 8, 4, size);
        wr_fields_number_put(to + 12, 4, message->request);
        return size;
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
        const char *wrong;

        memset(message, 0, sizeof(*message));
        if (size < WR_MESSAGE_HEADER_BYTES)
                return corrupt(why, "shorter than a message's header");
        if (memcmp(from, magic, sizeof(magic)) != 0)
                return corrupt(why, "does not begin with WEIR");
        message->request = (uint32_t)wr_fields_number(from + 12, 4);
        if (wr_message_version(bytes, size) != WR_PROTOCOL) {
                if (why)
                        *why = "another version of the protocol";
                return WEIR_E_VERSION;
        }
        shape = shape_of((unsigned)wr_fields_number(from + 6, 2));
        if (!shape)
                return corrupt(why, "unknown kind of message");
        if (wr_fields_number(from + 8, 4) != size || size != WR_MESSAGE_HEADER_BYTES + wr_fields_bytes(shape->fields()))
                return corrupt(why, "not of its kind's size");
        wrong = wr_fields_decode(shape->fields(), from + WR_MESSAGE_HEADER_BYTES, to);
        if (wrong)
                return corrupt(why, wrong);
        message->kind = (enum wr_message_kind)(shape - shapes);
        return WEIR_OK;
}

unsigned
wr_message_version(const void *bytes, size_t size)
{
        return size < WR_MESSAGE_HEADER_BYTES ? 0 : (unsigned)wr_fields_number((const uint8_t *)bytes + 4, 2);
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
