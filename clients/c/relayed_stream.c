/* The stream of a far end, as its thread reads and writes it: whole records and payloads, and the one reason why it is
 * over. */
#include "clients/c/relayed_subscriber.h"
#include "named-objects/sentence.h"

#include <weir/weir.h>

enum { HASHED_BYTES = 256 << 10 }; /* what a second cache holds beside its copy in the kernel */

enum weir_result
wr_relayed_stop(struct wr_relayed *r, enum weir_result result, const char *text)
{
        wr_mutex_lock(&r->lock); /* a publisher's far end is two threads */
        if (r->end.result == WEIR_OK) {
                r->end.result = result;
                wr_sentence(r->end.text, sizeof r->end.text, "%s", text);
        }
        result = r->end.result;
        wr_mutex_unlock(&r->lock);
        return result;
}

/* A right that was withdrawn is for good; what may pass is tried once more. */
enum weir_result
wr_relayed_closed(struct wr_relayed *r, const struct wr_record_closed *closed)
{
        bool is_over = wr_relayed_is_no((enum weir_result)closed->reason);

        return wr_relayed_stop(r, is_over ? (enum weir_result)closed->reason : WEIR_E_CLOSED, closed->text);
}

static enum weir_result
stream_failed(struct wr_relayed *r, enum weir_result result)
{
        return wr_relayed_stop(r, WEIR_E_CLOSED,
                               result == WEIR_E_CLOSED ? "the broker's end of it closed" : weir_result_text(result));
}

/* Something was read, or WEIR_EMPTY at the deadline. */
static enum weir_result
stream_read(struct wr_relayed *r, const struct wr_span *spans, size_t count, int64_t deadline_ns, size_t *done)
{
        for (;;) {
                enum weir_result result = wr_stream_read(r->stream, spans, count, done);
                unsigned ready;

                if (wr_relayed_is_ending(r))
                        return wr_relayed_stop(r, WEIR_E_CLOSED, "it is being closed");
                if (result == WEIR_EMPTY && deadline_ns == WEIR_NOW)
                        return WEIR_EMPTY;
                if (result == WEIR_EMPTY) { /* in the midst of a frame, too: those before it can be taken */
                        if (r->owing > 0)
                                wr_relayed_wakes_flush(r);
                        result = wr_stream_wait(r->stream, WR_STREAM_READ, WR_NO_OBJECT, deadline_ns, &ready);
                } else if (result == WEIR_OK) {
                        return WEIR_OK;
                }
                if (result == WEIR_EMPTY)
                        return WEIR_EMPTY;
                if (result < 0)
                        return stream_failed(r, result);
        }
}

enum weir_result
wr_relayed_next(struct wr_relayed *r, struct wr_record *record, int64_t deadline_ns)
{
        const char *why = NULL;
        enum weir_result result;

        while ((result = wr_intake_next(&r->in, record, &why)) == WEIR_EMPTY) {
                struct wr_span span;
                size_t done;

                span.size = wr_intake_room(&r->in, &span.at);
                result = stream_read(r, &span, 1, deadline_ns, &done);
                if (result != WEIR_OK)
                        return result;
                wr_intake_filled(&r->in, done);
        }
        return result < 0 ? wr_relayed_stop(r, WEIR_E_CLOSED, why) : WEIR_OK;
}

enum weir_result
wr_relayed_payload_hashed(struct wr_relayed *r, void *to, uint64_t size, struct wr_hash_pieces *hash)
{
        enum weir_result result = WEIR_OK;
        uint64_t piece;

        for (uint8_t *at = to; result == WEIR_OK && size > 0; at += piece, size -= piece) {
                piece = size < HASHED_BYTES ? size : HASHED_BYTES;
                result = wr_relayed_payload(r, at, piece);
                if (result == WEIR_OK)
                        wr_hash_add(hash, at, piece);
        }
        return result;
}

enum weir_result
wr_relayed_payload(struct wr_relayed *r, void *to, uint64_t size)
{
        uint8_t sink[4096], *at = to;

        while (size > 0) {
                size_t piece = to || size < sizeof sink ? (size_t)size : sizeof sink, done;
                struct wr_span spans[2] = { { to ? at : sink, piece } };
                enum weir_result result;

                done = wr_intake_payload(&r->in, spans[0].at, piece);
                if (done == 0) {
                        spans[1].size = wr_intake_room(&r->in, &spans[1].at);
                        result = stream_read(r, spans, 2, INT64_MAX, &done);
                        if (result != WEIR_OK)
                                return result;
                        if (done > piece) {
                                wr_intake_filled(&r->in, done - piece);
                                done = piece;
                        }
                }
                size -= done;
                at += to ? done : 0;
        }
        return WEIR_OK;
}

/* Of a try to write: where there was no room, there is some afterwards. */
static enum weir_result
room_await(struct wr_relayed *r, enum weir_result result)
{
        unsigned ready;

        if (result == WEIR_FULL && r->reader)
                wr_relayed_room_tell(r);
        if (result == WEIR_FULL)
                result = wr_stream_wait(r->stream, WR_STREAM_WRITE, WR_NO_OBJECT, INT64_MAX, &ready);
        return result < 0 ? stream_failed(r, result) : WEIR_OK;
}

enum weir_result
wr_relayed_write(struct wr_relayed *r, struct wr_span *spans, size_t count)
{
        while (count > 0) {
                size_t done = 0;
                enum weir_result result = wr_stream_writer_write(&r->writer, spans, count, &done);

                wr_store(&r->written, wr_load(&r->written) + done);
                result = room_await(r, result);
                if (result < 0)
                        return result;
                for (; count > 0 && done >= spans->size; count--)
                        done -= spans++->size;
                if (count > 0) {
                        spans->at = (uint8_t *)spans->at + done;
                        spans->size -= done;
                }
        }
        return WEIR_OK;
}

enum weir_result
wr_relayed_flush(struct wr_relayed *r)
{
        enum weir_result result = WEIR_FULL, awaited = WEIR_OK;

        while (result == WEIR_FULL && awaited == WEIR_OK) {
                result = wr_stream_writer_flush(&r->writer);
                awaited = room_await(r, result);
        }
        return awaited;
}

enum weir_result
wr_relayed_say(struct wr_relayed *r, const struct wr_record *record)
{
        uint8_t bytes[WR_RECORD_BYTES_MAX];
        struct wr_span span = { bytes, wr_record_encode(record, bytes) };
        enum weir_result result;

        wr_mutex_lock(&r->lock);
        r->is_saying = true;
        wr_mutex_unlock(&r->lock);
        result = wr_relayed_write(r, &span, 1);
        if (result == WEIR_OK)
                result = wr_relayed_flush(r);
        wr_mutex_lock(&r->lock);
        r->is_saying = false;
        wr_mutex_unlock(&r->lock);
        return result;
}
