/*
 * Frames that are out. All of them are made with their subscriber. The taking thread takes free ones; any thread gives
 * them back, each by a word of its own (bus/return.h):
 *
 *      free_frames  --take-->  OUT  --release-->  IN  --get-->  free_frames
 *
 * A taker that found no free frame is heeded, and so is a close, behind which the last release frees the memory.
 */
#include "bus/os/barrier.h"
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
        s->returns.costly = !wr_barrier_available();
        return WEIR_OK;
}

/* Frames that came back since go to the free ones. settled: behind the barrier, so that each is one or
 * the other. */
static bool
frames_collect(struct weir_subscriber *s, bool settled)
{
        s->last = NULL;
        for (uint32_t i = s->frames_max; i-- > 0;) {
                struct wr_frame *frame = &s->frames[i];

                if ((settled ? wr_return_settled(&frame->out) : wr_load32_acquire(&frame->out)) != WR_IN)
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

        if (frame && wr_load32_acquire(&frame->out) == WR_IN)
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
        if (!wr_returns_hold(&s->returns) || !frames_collect(s, true))
                return true;
        wr_returns_unhold(&s->returns);
        return false;
}

bool
wr_frames_held(struct weir_subscriber *s)
{
        return wr_returns_held(&s->returns);
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
                out += wr_load32_acquire(&s->frames[i].out) != WR_IN;
        if (out == 0)
                return 0;
        wr_returns_barrier(&s->returns);
        for (uint32_t i = out = 0; i < s->frames_max; i++)
                out += wr_return_settled(&s->frames[i].out) == WR_OUT;
        return out;
}

void
wr_frames_close(struct weir_subscriber *s)
{
        wr_returns_close(&s->returns);
        if (wr_returns_count(&s->returns, frames_out(s)))
                frames_free(s);
}

/* RETURNING keeps the subscriber, and with it the bus; behind the next word neither may be touched. */
static __attribute__((noinline)) void
frame_return_heeded(struct weir_subscriber *s, struct wr_frame *frame)
{
        struct weir *bus = s->bus;

        switch (wr_return_heed(&s->returns)) {
        case WR_HEED_TAKER:
                wr_bus_hold(bus);
                wr_return_in(&frame->out);
                wr_bus_poke(bus);
                wr_bus_drop(bus);
                break;
        case WR_HEED_CLOSE:
                if (wr_return_counted(&s->returns, &frame->out))
                        frames_free(s);
                break;
        case WR_HEED_NOBODY: wr_return_in(&frame->out); break;
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
        if (!wr_return(&s->returns, &frame->out))
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
