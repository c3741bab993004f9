/*
 * A stream of records from a peer, cut where the input's first byte says: what comes out is the same however it is cut,
 * every size is within its limit, and what is accepted encodes to the same bytes. Then the input's bytes become the
 * record of ours, which every peer either accepts or refuses for its values alone.
 */
#include "bus/format.h"
#include "bus/layout.h"
#include "bus/transport/intake.h"

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
record_check(const struct wr_record *record, const uint8_t *from)
{
        uint8_t again[WR_RECORD_BYTES_MAX];
        size_t size = wr_record_encode(record, again);

        expect(memcmp(again, from, size) == 0);
        expect(strcmp(wr_record_name(record->kind), "?") != 0);
        if (record->kind == WR_RECORD_FRAME)
                expect(record->frame.extension <= record->bytes && record->frame.extension <= WR_EXTENSION_MAX &&
                       record->bytes - record->frame.extension <= WR_RECORD_PAYLOAD_MAX);
        else
                expect(record->bytes <= (record->kind == WR_RECORD_FORMAT ? (uint64_t)WR_FORMAT_BYTES_MAX : 0));
}

/* Exactly as large as what is there: a byte too far is seen. */
static enum weir_result
decode(const uint8_t *from, size_t have, struct wr_record *record, size_t *size)
{
        uint8_t *whole = malloc(have + 1);
        const char *why = NULL;
        enum weir_result result;

        expect(whole != NULL);
        memcpy(whole + 1, from, have);
        result = wr_record_decode(whole + 1, have, record, size, &why);
        expect(result >= 0 || why != NULL);
        expect(result != WEIR_EMPTY || *size > have);
        free(whole);
        return result;
}

/* Records of the whole, one behind the other; returns how many, and sums their sizes up. */
static unsigned
read_whole(const uint8_t *bytes, size_t size, uint64_t *sum)
{
        struct wr_record record;
        unsigned count = 0;
        size_t at = 0, took;

        *sum = 0;
        while (decode(bytes + at, size - at, &record, &took) == WEIR_OK) {
                record_check(&record, bytes + at);
                *sum += record.bytes + took;
                count++;
                at += took;
                if (record.bytes > size - at)
                        break;
                at += record.bytes;
        }
        return count;
}

static unsigned
read_cut(const uint8_t *bytes, size_t size, size_t piece, uint64_t *sum)
{
        static struct wr_intake in;
        struct wr_record record;
        uint8_t sink[256];
        uint64_t missing = 0;
        unsigned count = 0;
        size_t at = 0;

        memset(&in, 0, sizeof in);
        *sum = 0;
        for (;;) {
                const size_t before = in.begin;
                enum weir_result result = WEIR_EMPTY;
                void *to;
                size_t room;

                if (missing > 0)
                        missing -= wr_intake_payload(&in, sink, missing < sizeof sink ? missing : sizeof sink);
                else
                        result = wr_intake_next(&in, &record, NULL);
                if (result == WEIR_OK) {
                        missing = record.bytes;
                        *sum += record.bytes + (in.begin - before);
                        count++;
                }
                if (result < 0)
                        return count;
                if (result == WEIR_OK || in.begin != before)
                        continue;
                if (at == size)
                        return count;
                room = wr_intake_room(&in, &to);
                expect(room > 0);
                room = room < piece ? room : piece;
                room = room < size - at ? room : size - at;
                memcpy(to, bytes + at, room);
                wr_intake_filled(&in, room);
                at += room;
        }
}

static void
encode(const uint8_t *bytes, size_t size)
{
        uint8_t encoded[WR_RECORD_BYTES_MAX];
        struct wr_record record, back;
        size_t took, length;

        memset(&record, 0, sizeof record);
        memcpy(&record, bytes, size < sizeof record ? size : sizeof record);
        record.kind = (enum wr_record_kind)(size ? bytes[0] % WR_RECORD_TAKEN + 1 : WR_RECORD_BEGIN);
        record.bytes = 0;
        length = wr_record_encode(&record, encoded);
        expect(length <= WR_RECORD_BYTES_MAX);
        if (wr_record_decode(encoded, length, &back, &took, NULL) == WEIR_OK)
                record_check(&back, encoded);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        uint64_t whole, cut;
        unsigned count;

        if (size == 0)
                return 0;
        count = read_whole(bytes + 1, size - 1, &whole);
        expect(read_cut(bytes + 1, size - 1, (size_t)bytes[0] + 1, &cut) == count);
        expect(whole == cut);
        encode(bytes, size);
        (void)wr_record_name((enum wr_record_kind)bytes[0]);
        return 0;
}
