/*
 * One table, one encoder, one decoder, as for the control messages. What a kind's numbers may be is checked behind it,
 * so that both ends read them without a second look.
 */
#include "bus/transport/record.h"

#include "bus/format.h"
#include "bus/hash.h"
#include "bus/layout.h"

#include <assert.h>
#include <string.h>

#define FIELDS_OF(KIND, name, number, payload_max)                                                     \
        WR_FIELDS_OF(name, struct wr_record_##name, WR_RECORD_##KIND##_FIELDS)                         \
        static_assert(sizeof(struct wr_record_##name) + WR_RECORD_HEADER_BYTES <= WR_RECORD_BYTES_MAX, \
                      "header and fields of every record fit the room for them");
WR_RECORDS(FIELDS_OF)

struct shape {
        const char *name;
        const struct wr_field *(*fields)(void);
        uint64_t payload_max;
};

#define SHAPE_OF(KIND, name, number, payload_max) [number] = { #KIND, name##_fields, payload_max },
static const struct shape shapes[] = { WR_RECORDS(SHAPE_OF) };

/* All structures of the union begin at the same place. */
enum { FIELDS_OFFSET = offsetof(struct wr_record, begin) };

static const struct shape *
shape_of(unsigned kind)
{
        return kind < sizeof shapes / sizeof *shapes && shapes[kind].name ? &shapes[kind] : NULL;
}

size_t
wr_record_encode(const struct wr_record *record, void *to)
{
        const struct shape *shape = shape_of((unsigned)record->kind);
        uint8_t *bytes = to;
        size_t size;

        assert(shape && record->bytes <= shape->payload_max); /* our own code chose them */
        size = wr_fields_bytes(shape->fields());
        wr_fields_number_put(bytes, 2, (uint64_t)record->kind);
        wr_fields_number_put(bytes + 2, 2, 0);
        wr_fields_number_put(bytes + 4, 4, size);
        wr_fields_number_put(bytes + 8, 8, record->bytes);
        wr_fields_encode(shape->fields(), (const uint8_t *)record + FIELDS_OFFSET, bytes + WR_RECORD_HEADER_BYTES);
        return WR_RECORD_HEADER_BYTES + size;
}

static const char *
lane_wrong(const struct wr_record_lane *lane)
{
        if (lane->ring_bytes > WR_RECORD_PAYLOAD_MAX || lane->heap_bytes > WR_RECORD_PAYLOAD_MAX)
                return "a lane is larger than any";
        if (lane->hash > WR_HASH_NONE || lane->reliable > 1)
                return "a lane has a number without a meaning";
        return NULL;
}

static const char *
frame_wrong(const struct wr_record_frame *frame, uint64_t bytes)
{
        if (frame->extension % 8 != 0 || frame->extension > WR_EXTENSION_MAX || frame->extension > bytes)
                return "an extension is not of an extension's size";
        if (frame->extension != 0 && frame->extension < sizeof(struct wr_frame_extension))
                return "an extension is not of an extension's size";
        if (bytes - frame->extension > WR_RECORD_PAYLOAD_MAX)
                return "a payload is larger than any";
        if (frame->flags & ~(uint32_t)WR_RECORD_HASHED)
                return "a frame has a flag without a meaning";
        return frame->sequence == 0 ? "a frame has no number" : NULL;
}

/* NULL, or what is wrong with the values. */
static const char *
values_wrong(const struct wr_record *record)
{
        switch (record->kind) {
        case WR_RECORD_BEGIN:
                return record->begin.resumes > WR_RECORD_RESUMES_MAX ? "more is resumed than anybody has" : NULL;
        case WR_RECORD_RESUME: return record->resume.sequence == 0 ? "a frame has no number" : NULL;
        case WR_RECORD_REFUSED: return record->refused.result >= 0 ? "a refusal gives no failure" : NULL;
        case WR_RECORD_LANE: return lane_wrong(&record->lane);
        case WR_RECORD_FRAME: return frame_wrong(&record->frame, record->bytes);
        default: return NULL;
        }
}

static enum weir_result
corrupt(const char **why, const char *sentence)
{
        if (why)
                *why = sentence;
        return WEIR_E_CORRUPT;
}

enum weir_result
wr_record_decode(const void *from, size_t have, struct wr_record *record, size_t *size, const char **why)
{
        const uint8_t *bytes = from;
        const struct shape *shape;
        const char *wrong;
        uint64_t payload;

        *size = WR_RECORD_HEADER_BYTES;
        if (have < WR_RECORD_HEADER_BYTES)
                return WEIR_EMPTY;
        shape = shape_of((unsigned)wr_fields_number(bytes, 2));
        if (!shape || wr_fields_number(bytes + 2, 2) != 0)
                return corrupt(why, "unknown kind of record");
        *size += wr_fields_bytes(shape->fields());
        payload = wr_fields_number(bytes + 8, 8);
        if (wr_fields_number(bytes + 4, 4) != *size - WR_RECORD_HEADER_BYTES)
                return corrupt(why, "not of its kind's size");
        if (payload > shape->payload_max)
                return corrupt(why, "a payload above its limit");
        if (have < *size)
                return WEIR_EMPTY;
        record->kind = (enum wr_record_kind)(shape - shapes);
        record->bytes = payload;
        wrong = wr_fields_decode(shape->fields(), bytes + WR_RECORD_HEADER_BYTES, (uint8_t *)record + FIELDS_OFFSET);
        if (!wrong)
                wrong = values_wrong(record);
        return wrong ? corrupt(why, wrong) : WEIR_OK;
}

const char *
wr_record_name(enum wr_record_kind kind)
{
        const struct shape *shape = shape_of((unsigned)kind);

        return shape ? shape->name : "?";
}
