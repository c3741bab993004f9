/* The records of relayed endpoints: every kind survives the way there and back, cut at any byte too, and whatever is
 * above a limit or has no meaning is refused before anything is made of it. */
#include "bus/format.h"
#include "bus/layout.h"
#include "bus/transport/intake.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

TestSuite(record, .timeout = 60);

static const enum wr_record_kind kinds[] = {
#define KIND(KIND, name, number, payload_max) WR_RECORD_##KIND,
        WR_RECORDS(KIND)
#undef KIND
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* A record of this kind with something in every field that may have something. */
static struct wr_record
sample(enum wr_record_kind kind)
{
        struct wr_record record;

        memset(&record, 'x', sizeof record);
        record.kind = kind;
        record.bytes = 0;
        switch (kind) {
        case WR_RECORD_BEGIN: record.begin.resumes = 3; break;
        case WR_RECORD_REFUSED: record.refused.result = WEIR_E_DENIED; break;
        case WR_RECORD_LANE:
                record.lane.ring_bytes = record.lane.heap_bytes = WR_RECORD_PAYLOAD_MAX;
                record.lane.hash = 2;
                record.lane.reliable = 1;
                break;
        case WR_RECORD_FORMAT: record.bytes = WR_FORMAT_BYTES_MAX; break;
        case WR_RECORD_FRAME:
                record.bytes = 100;
                record.frame.extension = 24;
                record.frame.flags = WR_RECORD_HASHED;
                break;
        default: break;
        }
        return record;
}

static enum weir_result
decoded(const uint8_t *bytes, size_t have, struct wr_record *record)
{
        const char *why = NULL;
        size_t size = 0;
        enum weir_result result = wr_record_decode(bytes, have, record, &size, &why);

        cr_assert(size >= WR_RECORD_HEADER_BYTES && size <= WR_RECORD_BYTES_MAX);
        cr_assert(result != WEIR_OK || size <= have);
        cr_assert(result != WEIR_EMPTY || size > have);
        cr_assert(result >= 0 || (why && *why), "a refusal has a sentence");
        return result;
}

Test(record, every_kind_survives_the_way_there_and_back)
{
        uint8_t bytes[WR_RECORD_BYTES_MAX], again[WR_RECORD_BYTES_MAX];

        for (size_t i = 0; i < KINDS; i++) {
                struct wr_record sent = sample(kinds[i]), got;
                size_t size = wr_record_encode(&sent, bytes);

                cr_assert(eq(int, decoded(bytes, size, &got), WEIR_OK), "%s", wr_record_name(kinds[i]));
                cr_assert(eq(int, got.kind, kinds[i]));
                cr_assert(eq(u64, got.bytes, sent.bytes));
                cr_assert(eq(sz, wr_record_encode(&got, again), size));
                cr_assert(memcmp(bytes, again, size) == 0);
        }
}

Test(record, a_record_cut_at_any_byte_is_waited_for)
{
        uint8_t bytes[WR_RECORD_BYTES_MAX];

        for (size_t i = 0; i < KINDS; i++) {
                struct wr_record sent = sample(kinds[i]), got;
                size_t size = wr_record_encode(&sent, bytes);

                for (size_t cut = 0; cut < size; cut++)
                        cr_assert(eq(int, decoded(bytes, cut, &got), WEIR_EMPTY), "%s cut at %zu",
                                  wr_record_name(kinds[i]), cut);
        }
}

Test(record, the_bytes_are_little_endian_behind_a_header_of_sixteen)
{
        static const uint8_t expected[] = { 2, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                            8, 7, 6, 5, 4,  3, 2, 1, 9, 0, 0, 0, 0, 0, 0, 0 };
        struct wr_record resume = { .kind = WR_RECORD_RESUME, .resume = { 0x0102030405060708, 9 } };
        uint8_t bytes[WR_RECORD_BYTES_MAX];

        cr_assert(eq(sz, wr_record_encode(&resume, bytes), sizeof expected));
        cr_assert(memcmp(bytes, expected, sizeof expected) == 0);
}

Test(record, unknown_kinds_flags_and_sizes_are_refused_by_the_header_alone)
{
        static const uint8_t at[] = { 0, 1, 2, 3, 4, 5, 6, 7, 14, 15 };
        uint8_t bytes[WR_RECORD_BYTES_MAX];
        struct wr_record sent = sample(WR_RECORD_TAKEN), got;

        wr_record_encode(&sent, bytes);
        for (size_t i = 0; i < sizeof at; i++) {
                bytes[at[i]] ^= 0x40;
                cr_assert(eq(int, decoded(bytes, WR_RECORD_HEADER_BYTES, &got), WEIR_E_CORRUPT), "byte %d", at[i]);
                bytes[at[i]] ^= 0x40;
        }
        for (unsigned kind = 0; kind < 0x10000; kind++) {
                wr_fields_number_put(bytes, 2, kind);
                cr_assert(decoded(bytes, WR_RECORD_HEADER_BYTES, &got) ==
                                  (kind == WR_RECORD_TAKEN ? WEIR_EMPTY : WEIR_E_CORRUPT) ||
                          wr_record_name((enum wr_record_kind)kind)[0] != '?');
        }
        cr_assert(eq(str, (char *)wr_record_name((enum wr_record_kind)99), "?"));
}

static enum weir_result
decoded_again(const struct wr_record *record, uint64_t bytes_of_payload)
{
        uint8_t bytes[WR_RECORD_BYTES_MAX];
        struct wr_record got;
        size_t size = wr_record_encode(record, bytes);

        wr_fields_number_put(bytes + 8, 8, bytes_of_payload);
        return decoded(bytes, size, &got);
}

Test(record, a_payload_above_its_limit_is_refused)
{
        struct wr_record record = sample(WR_RECORD_FORMAT);

        cr_assert(eq(int, decoded_again(&record, WR_FORMAT_BYTES_MAX), WEIR_OK));
        cr_assert(eq(int, decoded_again(&record, WR_FORMAT_BYTES_MAX + 1), WEIR_E_CORRUPT));
        record = sample(WR_RECORD_FRAME);
        record.frame.extension = 0;
        cr_assert(eq(int, decoded_again(&record, WR_RECORD_PAYLOAD_MAX), WEIR_OK));
        cr_assert(eq(int, decoded_again(&record, WR_RECORD_PAYLOAD_MAX + 1), WEIR_E_CORRUPT));
        cr_assert(eq(int, decoded_again(&record, UINT64_MAX), WEIR_E_CORRUPT));
        for (size_t i = 0; i < KINDS; i++) {
                record = sample(kinds[i]);
                if (record.bytes == 0)
                        cr_assert(eq(int, decoded_again(&record, 1), WEIR_E_CORRUPT));
        }
}

Test(record, an_extension_is_of_an_extension_s_size_and_inside_its_payload)
{
        static const struct {
                uint32_t extension;
                uint64_t bytes;
                enum weir_result result;
        } cases[] = {
                { 0, 0, WEIR_OK },
                { 24, 24, WEIR_OK },
                { WR_EXTENSION_MAX, 2000, WEIR_OK },
                { 24, 23, WEIR_E_CORRUPT },
                { 16, 100, WEIR_E_CORRUPT },
                { WR_EXTENSION_MAX + 8, 2000, WEIR_E_CORRUPT },
                { 25, 99, WEIR_E_CORRUPT },
                { UINT32_MAX - 7, UINT64_C(1) << 33, WEIR_E_CORRUPT },
        };
        struct wr_record record = sample(WR_RECORD_FRAME);

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                record.frame.extension = cases[i].extension;
                cr_assert(eq(int, decoded_again(&record, cases[i].bytes), cases[i].result), "case %zu", i);
        }
}

Test(record, numbers_without_a_meaning_are_refused)
{
        struct wr_record record = sample(WR_RECORD_BEGIN);

        record.begin.resumes = WR_RECORD_RESUMES_MAX;
        cr_assert(eq(int, decoded_again(&record, 0), WEIR_OK));
        record.begin.resumes += 1;
        cr_assert(eq(int, decoded_again(&record, 0), WEIR_E_CORRUPT));
        record = sample(WR_RECORD_RESUME);
        record.resume.sequence = 0;
        cr_assert(eq(int, decoded_again(&record, 0), WEIR_E_CORRUPT));
        record = sample(WR_RECORD_REFUSED);
        record.refused.result = WEIR_OK;
        cr_assert(eq(int, decoded_again(&record, 0), WEIR_E_CORRUPT));
        record = sample(WR_RECORD_FRAME);
        record.frame.flags = 2;
        cr_assert(eq(int, decoded_again(&record, 100), WEIR_E_CORRUPT));
        record = sample(WR_RECORD_FRAME);
        record.frame.sequence = 0;
        cr_assert(eq(int, decoded_again(&record, 100), WEIR_E_CORRUPT));
        for (int field = 0; field < 4; field++) {
                record = sample(WR_RECORD_LANE);
                record.lane.hash += field == 0;
                record.lane.reliable += field == 1;
                record.lane.ring_bytes += field == 2;
                record.lane.heap_bytes += field == 3;
                cr_assert(eq(int, decoded_again(&record, 0), WEIR_E_CORRUPT));
        }
}

Test(record, a_string_without_an_end_is_refused_and_the_encoder_cuts_one)
{
        uint8_t bytes[WR_RECORD_BYTES_MAX];
        struct wr_record record = sample(WR_RECORD_CLOSED), got;
        size_t size = wr_record_encode(&record, bytes);

        cr_assert(eq(int, decoded(bytes, size, &got), WEIR_OK));
        cr_assert(eq(sz, strlen(got.closed.text), sizeof got.closed.text - 1));
        bytes[size - 1] = 'x';
        cr_assert(eq(int, decoded(bytes, size, &got), WEIR_E_CORRUPT));
}

/* ---- the intake ---- */

static struct wr_intake intake; /* too large for a stack */

/* As a read of at most `piece` bytes. */
static size_t
feed(const uint8_t *from, size_t left, size_t piece)
{
        void *at;
        size_t room = wr_intake_room(&intake, &at);

        cr_assert(room > 0);
        if (piece > room)
                piece = room;
        if (piece > left)
                piece = left;
        memcpy(at, from, piece);
        wr_intake_filled(&intake, piece);
        return piece;
}

Test(record, records_come_whole_out_of_a_stream_that_comes_in_pieces_of_any_size)
{
        static uint8_t stream[16 * WR_RECORD_BYTES_MAX], payload[100], got[100];

        for (size_t piece = 1; piece < 200; piece++) {
                size_t size = 0, at = 0, kind = 0, missing = 0;
                struct wr_record record;

                memset(&intake, 0, sizeof intake);
                for (size_t i = 0; i < KINDS; i++) {
                        record = sample(kinds[i]);
                        record.bytes = kinds[i] == WR_RECORD_FRAME || kinds[i] == WR_RECORD_FORMAT ? 100 : 0;
                        size += wr_record_encode(&record, stream + size);
                        memset(payload, (int)kinds[i], sizeof payload);
                        memcpy(stream + size, payload, record.bytes);
                        size += record.bytes;
                }
                while (at < size || kind < KINDS || missing > 0) {
                        if (missing > 0) {
                                missing -= wr_intake_payload(&intake, got + 100 - missing, missing);
                                if (missing == 0)
                                        cr_assert(got[0] == kinds[kind - 1] && memcmp(got, got + 1, 99) == 0);
                        } else if (wr_intake_next(&intake, &record, NULL) == WEIR_OK) {
                                cr_assert(eq(int, record.kind, kinds[kind++]));
                                missing = record.bytes;
                                continue;
                        }
                        if (at < size)
                                at += feed(stream + at, size - at, piece);
                }
                cr_assert(eq(int, wr_intake_next(&intake, &record, NULL), WEIR_EMPTY));
        }
}

Test(record, behind_a_large_payload_little_is_read_ahead)
{
        static uint8_t stream[WR_RECORD_BYTES_MAX];
        struct wr_record record = sample(WR_RECORD_FRAME);
        size_t size;
        void *at;

        memset(&intake, 0, sizeof intake);
        cr_assert(eq(sz, wr_intake_room(&intake, &at), WR_INTAKE_BYTES));
        record.bytes = 1 << 20;
        size = wr_record_encode(&record, stream);
        feed(stream, size, size);
        cr_assert(eq(int, wr_intake_next(&intake, &record, NULL), WEIR_OK));
        cr_assert(wr_intake_room(&intake, &at) < 1024);
        record.bytes = record.frame.extension;
        size = wr_record_encode(&record, stream);
        feed(stream, size, size);
        cr_assert(eq(int, wr_intake_next(&intake, &record, NULL), WEIR_OK));
        cr_assert(eq(sz, wr_intake_room(&intake, &at), WR_INTAKE_BYTES));
}
