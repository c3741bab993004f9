/*
 * Frames that are out. All of them are made with their subscriber. The taking thread takes free ones; any thread
 * gives them back by pushing to a list that only the taking thread empties, all at once, so no entry is ever seen
 * twice. Behind the close nobody empties it: each release then counts down, and the last one frees the memory.
 *
 *      free_frames  --take-->  out  --release-->  released  --get-->  free_frames
 *
 * Behind its push a frame is no longer the releaser's, and a close may free the subscriber with it. So that a taker
 * wants to hear of a release stands in the list itself: held_mark in place of the empty list.
 */
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

static struct wr_frame closed_mark; /* `released` of a closed subscriber */
static struct wr_frame held_mark;   /* `released` while the last take found no free frame; alone in the list */

enum weir_result
wr_frames_open(struct weir_subscriber *s, uint32_t count)
{
        uint8_t *copies = aligned_alloc(WR_LINE_BYTES, (size_t)count * COPY_BYTES);

        s->frames = calloc(count, sizeof *s->frames);
        if (!copies || !s->frames) {
                free(copies);
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
        return WEIR_OK;
}

struct wr_frame *
wr_frames_get(struct weir_subscriber *s)
{
        struct wr_frame *frame = s->free_frames;

        if (!frame && (frame = atomic_load_explicit(&s->released, memory_order_relaxed))) {
                if (frame == &held_mark)
                        return NULL; /* and it stays: a release is to be told */
                frame = atomic_exchange(&s->released, NULL);
        }
        if (frame)
                s->free_frames = frame->next;
        return frame;
}

bool
wr_frames_hold(struct weir_subscriber *s)
{
        struct wr_frame *first = NULL;

        return atomic_compare_exchange_strong(&s->released, &first, &held_mark) || first == &held_mark;
}

void
wr_frames_unhold(struct weir_subscriber *s)
{
        struct wr_frame *first = &held_mark;

        atomic_compare_exchange_strong(&s->released, &first, NULL);
}

bool
wr_frames_held(struct weir_subscriber *s)
{
        return atomic_load_explicit(&s->released, memory_order_relaxed) == &held_mark;
}

static void
frames_free(struct weir_subscriber *s)
{
        if (s->frames)
                free(s->frames[0].copy);
        free(s->frames);
        s->frames = NULL;
        wr_formats_free(s);
        wr_subscriber_drop(s); /* what all frames together held */
}

static uint32_t
list_length(const struct wr_frame *frame)
{
        uint32_t length = 0;

        for (; frame && frame != &held_mark; frame = frame->next)
                length += 1;
        return length;
}

void
wr_frames_close(struct weir_subscriber *s)
{
        int64_t out = s->frames_max;

        out -= list_length(atomic_exchange(&s->released, &closed_mark));
        out -= list_length(s->free_frames);
        out -= s->spare != NULL;
        if (atomic_fetch_add(&s->frames_left, out) + out == 0) /* below 0 by those released since the exchange */
                frames_free(s);
}

/* False: the subscriber is closed. Else neither it nor the frame may be touched any more. *told: the bus, held, whose
 * sleepers are to hear of it; or NULL. */
static bool
frame_push(struct weir_subscriber *s, struct wr_frame *frame, struct weir **told)
{
        struct wr_frame *first = atomic_load_explicit(&s->released, memory_order_relaxed);
        struct weir *bus = s->bus;
        bool held = false; /* the bus, by us */

        do {
                if (first == &closed_mark)
                        break;
                if (first == &held_mark && !held) {
                        wr_bus_hold(bus);
                        held = true;
                }
                frame->next = first == &held_mark ? NULL : first;
        } while (!atomic_compare_exchange_weak_explicit(&s->released, &first, frame, memory_order_seq_cst,
                                                        memory_order_relaxed));
        *told = first == &held_mark ? bus : NULL;
        if (held && !*told)
                wr_bus_drop(bus);
        return first != &closed_mark;
}

static void
block_release(struct wr_frame *frame)
{
        struct wr_lane_link *lane = frame->lane;
        struct wr_pair_reader *pair = &lane->reader.pair;

        frame->lane = NULL;
        wr_lane_release(pair, frame->announcement);
        if (wr_pair_room_due(pair))
                wr_signal_raise(&pair->words->space);
        wr_subscriber_lane_drop(lane);
}

void WEIR_CALL
weir_release(const struct weir_frame *open)
{
        struct wr_frame *frame = (struct wr_frame *)(uintptr_t)open; /* its first member */
        struct weir_subscriber *s;
        struct weir *told;

        if (!frame || !wr_fork_same(frame->subscriber->bus->generation))
                return; /* in a forked child it is the parent's to give back */
        s = frame->subscriber;
        if (frame->lane)
                block_release(frame);
        wr_store32_release(&frame->out, 0);
        if (!frame_push(s, frame, &told)) {
                if (atomic_fetch_sub(&s->frames_left, 1) == 1)
                        frames_free(s);
        } else if (told) {
                wr_bus_poke(told);
                wr_bus_drop(told);
        }
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
                        (unsigned long long)frame->taken.sequence, frame->subscriber->topic);
}
