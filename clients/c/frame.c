/*
 * Frames that are out. All of them are made with their subscriber. The taking thread takes free ones; any thread gives
 * them back, each by a word of its own, so that nothing is shared by those who give back and nothing is paid for it.
 *
 *      free_frames  --take-->  out = OUT  --release-->  RETURNING  -->  0  --get-->  free_frames
 *
 * Behind that 0 a frame is no longer the releaser's, and a close may free the subscriber with it. So who wants to be
 * heeded (a taker that found no free frame and wants to hear of a release; a close, behind which the last release
 * frees the memory) says so in `heed`, and the two meet as in the latch of bus/latch.h, the frame's word in place of
 * `busy`, `heed` in place of `visiting`:
 *
 *      release                                     close, hold
 *  F1  store out = RETURNING     relaxed       G1  store heed
 *  F2  load  heed                acquire       G2  barrier on every thread of the process
 *  F3  0: store out = 0          release       G3  load  each out; RETURNING: wait until it is something else
 *      else heed it, then store out or count
 *
 *  F1 -- G3  each stores, then loads the other's word: either G3 sees RETURNING, and waits, or F2 sees `heed`.
 */
#include "bus/os/barrier.h"
#include "bus/os/clock.h"
#include "bus/os/memory.h"
#include "clients/c/error.h"
#include "clients/c/subscriber.h"
#include "named-objects/fork.h"
#include "named-objects/signal.h"

#include <stdlib.h>
#include <string.h>

enum {
        INLINE_MAX = 4096, /* of every lane that is accepted: control_lanes.c checks it against the grant */
        COPY_BYTES = (WR_EXTENSION_MAX + 8 + INLINE_MAX + WR_COPY_SLACK + WR_LINE_BYTES - 1) & ~(WR_LINE_BYTES - 1),
};

enum { IN = 0, OUT = 1, RETURNING = 2 };      /* wr_frame.out */
enum { HEED_NOBODY, HEED_TAKER, HEED_CLOSE }; /* weir_subscriber.heed */
enum { REFUSED_NS = 1000000 };                /* instead of a barrier */

enum weir_result
wr_frames_open(struct weir_subscriber *s, uint32_t count)
{
        uint8_t *copies = wr_memory_aligned(WR_LINE_BYTES, (size_t)count * COPY_BYTES);

        s->frames = calloc(count, sizeof *s->frames);
        if (!copies || !s->frames) {
                wr_memory_aligned_free(copies);
                free(s->frames);
                s->frames = NULL;
                return wr_error(WEIR_E_NO_MEMORY, "no memory for the %u frames of '%s'", count, s->topic);
        }
        for (uint32_t i = count; i-- > 0;) {
                s->frames[i].subscriber = s;
                s->frames[i].copy = copies + (size_t)i * COPY_BYTES;
                s->frames[i].next = s->free_frames;
                s->free_frames = &s->frames[i];
        }
        s->frames_max = count;
        s->costly = !wr_barrier_available();
        return WEIR_OK;
}

/* G2. */
static void
heed_barrier(const struct weir_subscriber *s)
{
        int64_t until_ns;

        if (s->costly)
                return wr_fence();
        if (wr_barrier_all())
                return;
        /* Refused by a filter that came later. A store leaves its buffer within microseconds by itself. */
        for (until_ns = wr_clock_ns() + REFUSED_NS; wr_clock_ns() < until_ns;)
                wr_yield();
}

/* Frames that came back since go to the free ones. settled: behind G2, so that each is one or the other. */
static bool
frames_collect(struct weir_subscriber *s, bool settled)
{
        s->last = NULL;
        for (uint32_t i = s->frames_max; i-- > 0;) {
                struct wr_frame *frame = &s->frames[i];

                while (settled && wr_load32(&frame->out) == RETURNING)
                        wr_yield();
                if (wr_load32_acquire(&frame->out) != IN)
                        continue;
                frame->next = s->free_frames;
                s->free_frames = frame;
        }
        return s->free_frames != NULL;
}

struct wr_frame *
wr_frames_get(struct weir_subscriber *s)
{
        struct wr_frame *frame = s->last;

        if (frame && wr_load32_acquire(&frame->out) == IN)
                return frame; /* warm */
        if (!s->free_frames && (wr_frames_held(s) || !frames_collect(s, false)))
                return NULL; /* held: a release is to be told, and stays so */
        frame = s->free_frames;
        s->free_frames = frame->next;
        s->last = frame;
        return frame;
}

bool
wr_frames_hold(struct weir_subscriber *s)
{
        uint32_t nobody = HEED_NOBODY, taker = HEED_TAKER;

        if (!atomic_compare_exchange_strong(&s->heed, &nobody, HEED_TAKER)) /* G1 */
                return true;
        heed_barrier(s);
        if (!frames_collect(s, true))
                return true;
        atomic_compare_exchange_strong(&s->heed, &taker, HEED_NOBODY);
        return false;
}

bool
wr_frames_held(struct weir_subscriber *s)
{
        return wr_load32(&s->heed) == HEED_TAKER;
}

static void
frames_free(struct weir_subscriber *s)
{
        if (s->frames)
                wr_memory_aligned_free(s->frames[0].copy);
        free(s->frames);
        s->frames = NULL;
        wr_formats_free(s);
        wr_subscriber_drop(s); /* what all frames together held */
}

/* What is out once everything is IN or OUT. */
static uint32_t
frames_out(struct weir_subscriber *s)
{
        uint32_t out = 0;

        for (uint32_t i = 0; i < s->frames_max; i++)
                out += wr_load32_acquire(&s->frames[i].out) != IN;
        if (out == 0)
                return 0;
        heed_barrier(s);
        for (uint32_t i = out = 0; i < s->frames_max; i++) {
                uint32_t word;

                while ((word = wr_load32_acquire(&s->frames[i].out)) == RETURNING)
                        wr_yield();
                out += word == OUT; /* of this very load: it may be RETURNING by now, and its releaser counts, too */
        }
        return out;
}

void
wr_frames_close(struct weir_subscriber *s)
{
        int64_t out;

        atomic_exchange(&s->heed, HEED_CLOSE); /* G1 */
        out = frames_out(s);
        if (atomic_fetch_add(&s->frames_left, out) + out == 0) /* below 0 by those released since */
                frames_free(s);
}

/* F3 for who is heeded. RETURNING keeps the subscriber, and with it the bus; behind the next word neither may be
 * touched. */
static __attribute__((noinline)) void
frame_return_heeded(struct weir_subscriber *s, struct wr_frame *frame)
{
        uint32_t heed = HEED_TAKER;
        struct weir *bus = s->bus;

        if (atomic_compare_exchange_strong(&s->heed, &heed, HEED_NOBODY)) {
                wr_bus_hold(bus);
                wr_store32_release(&frame->out, IN);
                wr_bus_poke(bus);
                wr_bus_drop(bus);
        } else if (heed == HEED_CLOSE) {
                wr_store32_release(&frame->out, OUT); /* the close counts it, and then we do */
                if (atomic_fetch_sub(&s->frames_left, 1) == 1)
                        frames_free(s);
        } else {
                wr_store32_release(&frame->out, IN); /* another release was heard */
        }
}

static __attribute__((noinline)) void
block_release(struct wr_frame *frame)
{
        struct wr_lane_link *lane = frame->lane;
        struct wr_pair_reader *pair = &lane->reader.pair;

        frame->lane = NULL;
        wr_lane_release(pair, frame->announcement);
        if (!frame->subscriber->tells_room && wr_pair_room_due(pair))
                wr_signal_raise(&pair->words->space);
        wr_subscriber_lane_drop(lane);
}

void WEIR_CALL
weir_release(const struct weir_frame *open)
{
        struct wr_frame *frame = (struct wr_frame *)(uintptr_t)open; /* its first member */
        struct weir_subscriber *s;

        if (!frame || !wr_fork_same(frame->subscriber->bus->generation))
                return; /* in a forked child it is the parent's to give back */
        s = frame->subscriber;
        if (frame->lane)
                block_release(frame);
        wr_store32(&frame->out, RETURNING); /* F1 */
        if (s->costly)
                wr_fence();
        else
                wr_fence_compiler();
        if (wr_load32_acquire(&s->heed) == HEED_NOBODY) /* F2 */
                wr_store32_release(&frame->out, IN);    /* F3 */
        else
                frame_return_heeded(s, frame);
}

/* A copy of a block is verified as a whole, so that it does not matter what its publisher writes meanwhile. */
static bool
copy_is_whole(const struct wr_frame *frame, const void *to)
{
        const struct wr_taken *t = &frame->taken;
        uint64_t bytes_hash = 0;

        if (!frame->lane || frame->lane->reader.geometry.hash == WR_HASH_NONE)
                return true; /* private since it was taken, or there is nothing to compare with */
        if (frame->lane->reader.geometry.hash == WR_HASH_FULL)
                bytes_hash = wr_hash_two(frame->copy, t->extension_bytes, to, t->size);
        return wr_hash_finish(frame->lane->reader.geometry.hash, bytes_hash, &t->words) == t->hash;
}

enum weir_result WEIR_CALL
weir_copy(const struct weir_frame *open, void *to, uint64_t size)
{
        struct wr_frame *frame = (struct wr_frame *)(uintptr_t)open;

        if (!frame || (!to && open->size > 0))
                return wr_error(WEIR_E_USAGE, "weir_copy needs a frame and a place to copy to");
        if (!wr_fork_same(frame->subscriber->bus->generation))
                return wr_bus_forked();
        if (size < frame->taken.size)
                return wr_error(WEIR_E_TOO_LARGE, "the frame has %llu bytes, the place for its copy only %llu",
                                (unsigned long long)frame->taken.size, (unsigned long long)size);
        if (frame->taken.size > 0)
                memcpy(to, frame->taken.data, frame->taken.size);
        atomic_fetch_add_explicit(&frame->subscriber->copied_bytes, frame->taken.size, memory_order_relaxed);
        if (copy_is_whole(frame, to))
                return WEIR_OK;
        return wr_error(WEIR_E_CORRUPT, "frame %llu of '%s' was changed by its publisher after it was published",
                        (unsigned long long)frame->taken.sequence, open->topic);
}
