/*
 * From the stream into a private lane. A frame counts as come when it is published, or counted as lost; one that was
 * cut by the stream's end did not come, and the next stream brings it again.
 */
#include "clients/c/relayed_subscriber.h"

#include "bus/format.h"
#include "bus/hash.h"
#include "clients/c/subscriber.h"
#include "named-objects/signal.h"

#include <stdlib.h>
#include <string.h>

enum {
        HEAP_SPARE = 4, /* frames that may be on their way beside those that are out */
        HEAP_GROWS = 4, /* times at least */
        SLICE_NS = 100000000,
        OWING_BYTES = 256 << 10, /* then they are taken while more comes, and while they are in the cache */
};

/* A frame on its way from the stream into a lane. */
struct inbound {
        struct wr_relayed_lane *lane;
        const struct wr_record_frame *frame;
        uint64_t size;   /* of the payload without its extension */
        uint64_t offset; /* of its block */
        struct wr_about about, *has_about;
        uint64_t extension[WR_EXTENSION_MAX / 8];
        uint64_t bytes[(WR_RELAYED_INLINE_MAX + 7) / 8];
};

static enum weir_result
try_lend(struct inbound *in)
{
        return wr_lane_lend(&in->lane->w->writer, in->size, WR_LINE_BYTES, &in->offset);
}

static enum weir_result
try_publish(struct inbound *in)
{
        return wr_lane_publish(&in->lane->w->writer, in->bytes, in->size, in->has_about, in->frame->time);
}

/* Until there is room. */
static enum weir_result
insist(struct wr_relayed *r, struct inbound *in, enum weir_result (*attempt)(struct inbound *))
{
        struct wr_pair_writer *pair = &in->lane->w->pair;
        enum weir_result result = attempt(in), told;

        while (result == WEIR_FULL) {
                struct wr_signal_wait words[2] = { { .word = &pair->words->space },
                                                   { .word = &r->turn, .is_private = true } };

                told = wr_relayed_taken_tell(r); /* of who takes nothing, too; before the try, which may have done it */
                if (told < 0)
                        return told;
                wr_relayed_wakes_flush(r);
                words[1].value = wr_load32_acquire(&r->turn);
                if (wr_relayed_is_ending(r))
                        return wr_relayed_stop(r, WEIR_E_CLOSED, "it is being closed");
                words[0].value = wr_pair_room_arm(pair);
                wr_fence(); /* W3: this lane does not settle */
                result = attempt(in);
                if (result == WEIR_FULL)
                        wr_signal_wait(words, 2, SLICE_NS);
                wr_pair_room_disarm(pair);
        }
        return result;
}

/* The extension as it came; false: it is none that a publisher makes. */
static bool
about_read(struct inbound *in)
{
        in->has_about = in->frame->extension == 0 ? NULL : &in->about;
        return wr_lane_about(in->extension, in->frame->extension, &in->about);
}

/* The frame is not published: it counts as lost with the next. */
static void
frame_lose(struct wr_relayed_lane *lane, bool is_corrupt)
{
        lane->due.lost += 1;
        lane->due.corrupt += is_corrupt;
        lane->bad_in_row += is_corrupt;
}

/* A frame takes a header's bytes of the ring at least. */
static struct wr_relayed_lapped
frames_lapped(const struct wr_relayed_lane *lane)
{
        const struct wr_lane_writer *w = &lane->w->writer;
        uint64_t most = w->geometry.ring_bytes / WR_HEADER_BYTES;

        if (lane->w->pair.reliable || w->sequence < most)
                return (struct wr_relayed_lapped){ .since = lane->since };
        return (struct wr_relayed_lapped){ .since = lane->since, .oldest = w->sequence - most };
}

/* What stands before the frame, told to the taking thread where numbers do not simply go on. False: no memory. */
static bool
frame_number(struct wr_relayed_lane *lane, const struct wr_record_frame *frame, bool is_first)
{
        struct wr_relayed_jump *due = &lane->due;
        struct wr_relayed_lapped lapped = frames_lapped(lane);

        due->frame = lane->w->writer.sequence;
        due->sequence = frame->sequence;
        due->is_gap = lane->is_back && lane->said.reliable && due->lost > 0;
        lane->is_back = false;
        if ((is_first || due->lost > 0 || due->skipped > 0 || due->corrupt > 0) &&
            !wr_relayed_numbers_jump(lane->numbers, due, &lapped))
                return false;
        *due = (struct wr_relayed_jump){ .frame = 0 };
        lane->bad_in_row = 0;
        return true;
}

/* More than the sender says is missing only where it is at fault; it is counted all the same. False: it came before. */
static bool
frame_expect(struct wr_relayed_lane *lane, const struct wr_record_frame *frame)
{
        uint64_t missing = frame->sequence - lane->sequence;

        if (lane->sequence == 0) {
                lane->due.lost += frame->lost;
                lane->due.skipped += frame->skipped;
                return true;
        }
        if (frame->sequence < lane->sequence)
                return false;
        lane->due.skipped += frame->skipped < missing ? frame->skipped : missing;
        lane->due.lost += frame->skipped < missing ? missing - frame->skipped : 0;
        return true;
}

/* More than a lap of formats: a fresh lane has room for eight. */
static enum weir_result
format_put(struct wr_relayed *r, struct wr_relayed_lane *lane)
{
        struct inbound in = { .lane = lane };
        enum weir_result result;

        in.size = lane->format_size > WR_RELAYED_INLINE_MAX ? lane->format_size
                                                            : WR_RELAYED_INLINE_MAX + 1; /* so that it is a block */
        for (int turn = 0; turn < 2; turn++) {
                result = insist(r, &in, try_lend);
                if (result != WEIR_OK)
                        return result;
                result = wr_relayed_writer_commit(lane->w, in.offset + in.size);
                if (result == WEIR_OK)
                        result = wr_lane_set_format(&lane->w->writer, in.offset, lane->format, lane->format_size);
                if (result != WEIR_OK)
                        wr_lane_discard(&lane->w->writer, in.offset, in.size);
                if (result != WEIR_FULL || turn == 1)
                        break;
                result = wr_relayed_lane_go_on(r, lane, lane->w->writer.geometry.heap_bytes);
                if (result < 0)
                        break;
        }
        if (result == WEIR_OK) {
                free(lane->format);
                lane->format = NULL;
        }
        return result;
}

/* Is there a heap that holds it beside all that may be out? */
static enum weir_result
heap_fit(struct wr_relayed *r, struct wr_relayed_lane *lane, uint64_t size)
{
        uint64_t wanted = ((uint64_t)r->subscriber->frames_max + HEAP_SPARE) * size;
        uint64_t heap = lane->w->writer.geometry.heap_bytes, most = lane->said.heap_bytes;

        if (most < WR_RELAYED_HEAP_FIRST)
                most = WR_RELAYED_HEAP_FIRST;
        if (wanted > most)
                wanted = most;
        if (wanted <= heap)
                return WEIR_OK;
        if (wanted < heap * HEAP_GROWS)
                wanted = heap * HEAP_GROWS < most ? heap * HEAP_GROWS : most;
        return wr_relayed_lane_go_on(r, lane, wanted);
}

/* Below 0 where the stream is over; else the frame was published, or counted as lost. */
static enum weir_result
small_take(struct wr_relayed *r, struct inbound *in, bool is_first)
{
        const struct wr_record_frame *frame = in->frame;
        enum weir_result result = wr_relayed_payload(r, in->extension, frame->extension);
        bool is_whole;

        if (result == WEIR_OK)
                result = wr_relayed_payload(r, in->bytes, in->size);
        if (result != WEIR_OK)
                return result;
        is_whole = !(frame->flags & WR_RECORD_HASHED) ||
                   wr_hash_two(in->extension, frame->extension, in->bytes, in->size) == frame->hash;
        if (!is_whole || !about_read(in)) {
                frame_lose(in->lane, true);
                return WEIR_OK;
        }
        if (!frame_number(in->lane, frame, is_first)) {
                frame_lose(in->lane, false);
                return WEIR_OK;
        }
        return insist(r, in, try_publish);
}

/* As its subscriber wants it: each, each Nth, or none. */
static bool
is_to_verify(struct wr_relayed *r, const struct inbound *in)
{
        uint32_t every = r->subscriber->options.verify;

        if (!(in->frame->flags & WR_RECORD_HASHED) || every == WEIR_NONE)
                return false;
        r->verify_turn = every <= 1 ? 0 : (r->verify_turn + 1) % every;
        return r->verify_turn == 0;
}

/* The payload into its place. false in *is_whole: it is not what its publisher hashed. */
static enum weir_result
block_read(struct wr_relayed *r, const struct inbound *in, bool *is_whole)
{
        uint8_t *to = in->lane->w->writer.heap_base + in->offset;
        struct wr_hash_pieces hash;
        enum weir_result result;

        *is_whole = true;
        if (!is_to_verify(r, in))
                return wr_relayed_payload(r, to, in->size);
        wr_hash_begin(&hash);
        wr_hash_add(&hash, in->extension, in->frame->extension);
        result = wr_relayed_payload_hashed(r, to, in->size, &hash);
        *is_whole = wr_hash_end(&hash) == in->frame->hash;
        return result;
}

static enum weir_result
block_fill(struct wr_relayed *r, struct inbound *in, bool is_first)
{
        struct wr_relayed_writer *w = in->lane->w;
        bool is_whole, has_number = false;
        enum weir_result result = block_read(r, in, &is_whole);

        is_whole = result == WEIR_OK && is_whole && about_read(in);
        if (is_whole)
                has_number = frame_number(in->lane, in->frame, is_first);
        if (result == WEIR_OK && !has_number) {
                frame_lose(in->lane, !is_whole);
                wr_lane_discard(&w->writer, in->offset, in->size);
                return WEIR_OK;
        }
        if (result == WEIR_OK)
                result = wr_lane_publish_block(&w->writer, in->offset, in->size, in->has_about, in->frame->time,
                                               in->frame->flags & WR_RECORD_HASHED ? &in->frame->hash : NULL);
        if (result != WEIR_OK)
                wr_lane_discard(&w->writer, in->offset, in->size);
        return result;
}

static enum weir_result
large_take(struct wr_relayed *r, struct inbound *in, bool is_first)
{
        enum weir_result result = heap_fit(r, in->lane, in->size), stream;

        if (result == WEIR_OK)
                result = insist(r, in, try_lend);
        if (result == WEIR_OK && (result = wr_relayed_writer_commit(in->lane->w, in->offset + in->size)) < 0)
                wr_lane_discard(&in->lane->w->writer, in->offset, in->size);
        if (r->end.result < 0)
                return r->end.result;
        stream = wr_relayed_payload(r, in->extension, in->frame->extension);
        if (result == WEIR_OK) {
                if (stream == WEIR_OK)
                        return block_fill(r, in, is_first);
                wr_lane_discard(&in->lane->w->writer, in->offset, in->size);
                return stream;
        }
        frame_lose(in->lane, false); /* there is no memory for it */
        return stream < 0 ? stream : wr_relayed_payload(r, NULL, in->size);
}

/* Published, or counted as lost; below 0 where the stream ended before it was whole: then it is as if nothing came. */
static enum weir_result
frame_put(struct wr_relayed *r, struct inbound *in)
{
        struct wr_relayed_lane *lane = in->lane;
        bool is_first = lane->sequence == 0;
        enum weir_result result = lane->format ? format_put(r, lane) : WEIR_OK;

        if (r->end.result < 0)
                return r->end.result;
        if (result != WEIR_OK) { /* a frame is not given out under another format than its own */
                frame_lose(lane, false);
                return wr_relayed_payload(r, NULL, in->frame->extension + in->size);
        }
        if (in->size <= lane->said.inline_max)
                result = small_take(r, in, is_first);
        else
                result = large_take(r, in, is_first);
        if (r->end.result < 0)
                return r->end.result;
        if (result != WEIR_OK) /* it does not fit any lane of this process */
                frame_lose(lane, false);
        return WEIR_OK;
}

static enum weir_result
frame_take(struct wr_relayed *r, const struct wr_record *record)
{
        const struct wr_record_frame *frame = &record->frame;
        struct inbound in = { .lane = wr_relayed_lane_of(r, frame->source), .frame = frame };
        struct wr_relayed_jump due;
        enum weir_result result;

        in.size = record->bytes - frame->extension;
        if (!in.lane)
                return wr_relayed_payload(r, NULL, record->bytes);
        due = in.lane->due;
        if (!frame_expect(in.lane, frame))
                return wr_relayed_payload(r, NULL, record->bytes);
        if (in.size > in.lane->said.inline_max && in.size > in.lane->said.heap_bytes)
                return wr_relayed_stop(r, WEIR_E_CLOSED, "it sent a frame that no lane holds");
        result = frame_put(r, &in);
        r->has_flowed |= result == WEIR_OK;
        if (result == WEIR_OK)
                in.lane->sequence = frame->sequence + 1;
        else
                in.lane->due = due; /* the next stream brings it again, with what stands before it */
        in.lane->is_owing = true;
        r->owing += record->bytes;
        if (r->owing >= OWING_BYTES)
                wr_relayed_wakes_flush(r);
        if (result == WEIR_OK && in.lane->bad_in_row >= WR_LANE_BAD_MAX)
                wr_relayed_lane_spoilt(r, in.lane);
        return result;
}

enum weir_result
wr_relayed_frame(struct wr_relayed *r, const struct wr_record *record)
{
        enum weir_result result = frame_take(r, record);

        r->arrived += 1; /* what waits for room is not in its lane yet: it is on the stream */
        return result;
}

enum weir_result
wr_relayed_format(struct wr_relayed *r, const struct wr_record *record)
{
        struct wr_relayed_lane *lane = wr_relayed_lane_of(r, record->format.source);
        uint8_t *bytes = lane ? malloc(record->bytes + 1) : NULL;
        struct wr_format_parts parts;
        enum weir_result result;

        if (lane && !bytes)
                return wr_relayed_stop(r, WEIR_E_CLOSED, "there is no memory for a format");
        result = wr_relayed_payload(r, bytes, record->bytes);
        if (result == WEIR_OK && lane && wr_format_decode(bytes, record->bytes, &parts) < 0)
                result = wr_relayed_stop(r, WEIR_E_CLOSED, "it sent a format that is none");
        if (result != WEIR_OK || !lane) {
                free(bytes);
                return result;
        }
        free(lane->format);
        lane->format = bytes;
        lane->format_size = record->bytes;
        return WEIR_OK;
}
