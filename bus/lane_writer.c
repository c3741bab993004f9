/*
 * The publisher's half of a lane: headers, payloads and the commit word.
 *
 *      publisher                                      any reader
 *  P1  room, clear ahead             lane_room.c  S1  load commit word at the position      acquire
 *  P2  store payload, shape, time, hash  relaxed  S2  is it position | kind?
 *  P3  store commit = position | kind    release  S3  load the rest                         relaxed
 *  P4  full fence, look at `waiting`     pair.h   S4  load claimed: still mine?             lane_room.c
 *
 *  P3 -> S1  who sees the commit word sees what P2 stored.
 *  P2        a reader that was lapped may be reading these very words: all stores are relaxed words, and what it got
 *            is discarded by S4.
 *
 * After streaming stores into a block an sfence stands before P3: a C11 release emits none.
 */
#include "bus/lane_parts.h"

#include "bus/hash_short.h"
#include "bus/os/barrier.h"
#include "bus/words.h"

#include <stdlib.h>

static uint64_t
power_of_two_from(uint64_t count)
{
        uint64_t power = 1;

        while (power < count)
                power *= 2;
        return power;
}

enum weir_result
wr_lane_writer_open(struct wr_lane_writer *w, void *segment, const struct wr_lane_geometry *geometry, uint32_t history,
                    uint32_t loans_max)
{
        uint64_t step;

        *w = (struct wr_lane_writer){ .geometry = *geometry, .control = segment, .history = history };
        if (wr_lane_geometry_check(geometry) != WEIR_OK)
                return WEIR_E_CORRUPT;
        step = wr_lane_step_bytes(geometry);
        w->ring = (uint8_t *)segment + geometry->ring_offset;
        w->heap_base = (uint8_t *)segment + geometry->heap_offset;
        w->position = geometry->start;
        w->cleared = geometry->start + geometry->ring_bytes; /* fresh memory is zero */
        w->limit = geometry->start;
        w->align = WR_LINE_BYTES;
        w->settles = wr_barrier_system_available() ? WR_PAIR_SETTLES : WR_PAIR_UNSURE;
        w->step_noted = (geometry->start & ~(step - 1)) - step;
        w->extension_max = wr_lane_extension_max(geometry);
        w->block_room = power_of_two_from(geometry->ring_bytes / (2 * WR_HEADER_BYTES) + loans_max);
        w->blocks = calloc(w->block_room, sizeof *w->blocks);
        w->recent_room = history == 0 ? 0 : power_of_two_from(history);
        w->recent = calloc(w->recent_room + 1, sizeof *w->recent);
        if (w->blocks == NULL || w->recent == NULL)
                goto no_memory;
        if (geometry->heap_bytes > 0 && wr_heap_open(&w->heap, geometry->heap_bytes) != WEIR_OK)
                goto no_memory;
        wr_store_release(&w->control->claimed, geometry->start);
        if (geometry->follows == 0)
                wr_lane_begin(w, 1, 1);
        return WEIR_OK;
no_memory:
        wr_lane_writer_close(w);
        return WEIR_E_NO_MEMORY;
}

void
wr_lane_writer_close(struct wr_lane_writer *w)
{
        wr_heap_close(w->heap);
        free(w->blocks);
        free(w->recent);
        free(w->pinned);
        free(w->announced);
        free(w->pairs);
        *w = (struct wr_lane_writer){ .ended = true };
}

/* Notes the first header of each step, for readers that were lapped: position odd while the entry changes. */
static void
note_step(struct wr_lane_writer *w)
{
        uint64_t step_bytes = wr_lane_step_bytes(&w->geometry); /* a power of two */
        struct wr_step *step;

        if (w->position - w->step_noted < step_bytes)
                return;
        w->step_noted = w->position & ~(step_bytes - 1);
        step = &w->control->steps[w->step_noted / step_bytes % WR_STEPS];
        wr_store(&step->position, w->position | 1);
        wr_fence_release();
        wr_store(&step->sequence, w->sequence);
        wr_store(&step->format, w->format);
        wr_store_release(&step->position, w->position);
}

/* What a frame is made of, beside its kind. */
struct frame {
        enum wr_frame_kind kind;
        uint64_t bytes; /* in the ring */
        uint64_t shape, time, bytes_hash;
};

static uint64_t
shape_of(uint64_t payload_bytes, uint32_t flags, uint32_t extension_bytes)
{
        return payload_bytes | (uint64_t)(flags & 0xffff) << 32 | (uint64_t)extension_bytes << 48;
}

/* Commits the header at the position (P2, P3) and goes on behind it. */
static inline __attribute__((always_inline)) void
commit(struct wr_lane_writer *w, const struct frame *f)
{
        uint64_t position = w->position;
        struct wr_frame_header *header = wr_lane_header(w, position);
        struct wr_hash_words words = { .commit = position | f->kind,
                                       .shape = f->shape,
                                       .time = f->time,
                                       .sequence = w->sequence,
                                       .lane = w->geometry.lane };

        wr_store(&header->shape, f->shape);
        wr_store(&header->time, f->time);
        wr_store(&header->hash, wr_hash_mix(w->geometry.hash, f->bytes_hash, &words));
        wr_store_release(&header->commit, words.commit);
        w->position = position + f->bytes;
}

/* The same where the step may begin, for all but the easy frames. Behind it nothing is easy until somebody looked. */
static void
commit_noted(struct wr_lane_writer *w, const struct frame *f)
{
        note_step(w);
        commit(w, f);
        w->easy = 0;
}

/*
 * How far small frames may go on without a look at room, clearing, steps and the ring's end, all of which they ask for:
 *
 *      step noted          position                 the nearest of: the step's end (a ring is whole steps), the last
 *          ├──────────────────┼───── easy ─────►┤   cleared word, the limit less what is kept
 */
static uint64_t
easy_bytes(const struct wr_lane_writer *w)
{
        uint64_t end = w->step_noted + wr_lane_step_bytes(&w->geometry);
        uint64_t kept = w->limit - wr_lane_kept(w);

        if (!wr_at_least(w->cleared - WR_HEADER_BYTES, end))
                end = w->cleared - WR_HEADER_BYTES;
        if (!wr_at_least(kept, end))
                end = kept;
        return wr_at_least(end, w->position) ? end - w->position : 0;
}

/* Makes room at the position for a frame of `bytes`: padding to the ring's end where needed, cleared words behind.
 * Room itself has been checked. */
static void
prepare(struct wr_lane_writer *w, uint64_t bytes)
{
        uint64_t padding = wr_lane_padding(w, bytes);

        wr_lane_clear(w, w->position + padding + bytes);
        if (padding > 0)
                commit_noted(w, &(struct frame){ .kind = WR_FRAME_PADDING,
                                                 .bytes = padding,
                                                 .shape = shape_of(padding - WR_HEADER_BYTES, 0, 0) });
}

/* A counted frame was committed at `position`. */
static inline void
count(struct wr_lane_writer *w, uint64_t position, uint64_t payload_bytes)
{
        struct wr_lane_control *control = w->control;
        uint64_t sequence = w->sequence, bytes = w->bytes + payload_bytes;

        if (w->recent_room != 0)
                w->recent[sequence & (w->recent_room - 1)] = (struct wr_recent){ position, w->format };
        w->sequence = sequence + 1;
        w->bytes = bytes;
        wr_store(&control->published, sequence);
        wr_store(&control->published_bytes, bytes);
}

static bool
about_is_plain(const struct wr_about *about)
{
        return about == NULL || (about->stamp_ns == 0 && about->tag == 0 && about->meta_size == 0 && about->flags == 0);
}

uint32_t
wr_lane_extension(const struct wr_about *about, void *to)
{
        struct wr_frame_extension head;
        uint32_t bytes;

        if (about_is_plain(about))
                return 0;
        head = (struct wr_frame_extension){ .stamp = (uint64_t)about->stamp_ns,
                                            .tag = about->tag,
                                            .meta_size = about->meta_size,
                                            .flags = about->flags };
        bytes = (uint32_t)wr_words_bytes(sizeof head + about->meta_size);
        memset((uint8_t *)to + bytes - 8, 0, 8);
        memcpy(to, &head, sizeof head);
        if (about->meta_size > 0)
                memcpy((uint8_t *)to + sizeof head, about->meta, about->meta_size);
        return bytes;
}

/* The extension's bytes, or WEIR_E_TOO_LARGE as a negative number. */
static int
extension_of(const struct wr_lane_writer *w, const struct wr_about *about, void *to)
{
        if (about != NULL && about->meta_size > WR_META_MAX)
                return WEIR_E_TOO_LARGE;
        if (!about_is_plain(about) &&
            wr_words_bytes(sizeof(struct wr_frame_extension) + about->meta_size) > w->extension_max)
                return WEIR_E_TOO_LARGE;
        return (int)wr_lane_extension(about, to);
}

/* A small frame on its way into the ring: everything about it but its place. */
struct small {
        const void *data;
        uint64_t size;
        uint64_t extension[WR_EXTENSION_MAX / 8 + 1];
        uint32_t extension_bytes;
        struct frame frame;
};

static enum weir_result
small_make(const struct wr_lane_writer *w, struct small *small, const struct wr_about *about, int64_t now_ns)
{
        int extra;

        if (w->ended)
                return WEIR_E_CLOSED;
        if (small->size > w->geometry.inline_max)
                return WEIR_E_TOO_LARGE;
        extra = extension_of(w, about, small->extension);
        if (extra < 0)
                return (enum weir_result)extra;
        small->extension_bytes = (uint32_t)extra;
        small->frame = (struct frame){ .kind = WR_FRAME_INLINE, .time = (uint64_t)now_ns };
        small->frame.bytes = wr_lane_frame_bytes((uint64_t)extra, small->size);
        small->frame.shape = shape_of(small->size, 0, (uint32_t)extra);
        return WEIR_OK;
}

/* Everything before it is made: room, cleared words, the step's note. */
static inline __attribute__((always_inline)) void
small_write(struct wr_lane_writer *w, struct small *small, uint32_t extra)
{
        uint64_t position = w->position;
        uint8_t *at = (uint8_t *)wr_lane_header(w, position) + WR_HEADER_BYTES;

        wr_words_store(at, small->extension, extra);
        wr_words_store(at + extra, small->data, small->size);
        if (w->geometry.hash == WR_HASH_FULL)
                small->frame.bytes_hash = extra == 0 ? wr_hash_small(small->data, small->size)
                                                     : wr_hash_two(small->extension, extra, small->data, small->size);
        commit(w, &small->frame);
        count(w, position, small->size);
}

/* There is room for it. */
static void
small_put(struct wr_lane_writer *w, struct small *small)
{
        prepare(w, small->frame.bytes);
        note_step(w);
        small_write(w, small, small->extension_bytes);
        w->easy = easy_bytes(w);
}

/* A frame without an extension, within what is easy. */
static void
easy_put(struct wr_lane_writer *w, const void *data, uint64_t size, uint64_t frame_bytes, int64_t now_ns)
{
        struct small small;

        small.data = data, small.size = size;
        small.frame = (struct frame){ .kind = WR_FRAME_INLINE, .time = (uint64_t)now_ns };
        small.frame.bytes = frame_bytes;
        small.frame.shape = shape_of(size, 0, 0);
        small_write(w, &small, 0);
        w->easy -= frame_bytes;
}

static __attribute__((noinline)) enum weir_result
publish_looking(struct wr_lane_writer *w, const void *data, uint64_t size, const struct wr_about *about, int64_t now_ns)
{
        struct small small;
        enum weir_result result;

        small.data = data, small.size = size; /* the rest is made: clearing the extension would cost every frame */
        result = small_make(w, &small, about, now_ns);
        if (result != WEIR_OK)
                return result;
        if (!wr_lane_room(w, wr_lane_padding(w, small.frame.bytes) + small.frame.bytes)) {
                w->full += 1;
                return WEIR_FULL;
        }
        small_put(w, &small);
        return WEIR_OK;
}

enum weir_result
wr_lane_publish(struct wr_lane_writer *w, const void *data, uint64_t size, const struct wr_about *about, int64_t now_ns)
{
        uint64_t frame_bytes = wr_lane_frame_bytes(0, size);

        if (about != NULL || size > w->geometry.inline_max || frame_bytes > w->easy)
                return publish_looking(w, data, size, about, now_ns);
        easy_put(w, data, size, frame_bytes, now_ns);
        return WEIR_OK;
}

enum weir_result
wr_lane_publish_scratch(struct wr_lane_writer *w, const void *data, uint64_t size, uint64_t lent_size,
                        const struct wr_about *about, int64_t now_ns)
{
        struct small small;
        enum weir_result result;

        small.data = data, small.size = size;
        result = small_make(w, &small, about, now_ns);
        if (result != WEIR_OK)
                return result;
        wr_lane_discard(w, WR_SCRATCH, lent_size); /* its room is there, padding included: nobody is asked */
        small_put(w, &small);
        return WEIR_OK;
}

enum weir_result
wr_lane_publish_block(struct wr_lane_writer *w, uint64_t offset, uint64_t size, const struct wr_about *about,
                      int64_t now_ns, const uint64_t *bytes_hash)
{
        uint64_t extension[WR_EXTENSION_MAX / 8 + 1];
        uint64_t descriptor[2] = { offset, size };
        struct frame f = { .kind = WR_FRAME_BLOCK, .time = (uint64_t)now_ns };
        uint64_t position;
        uint8_t *at;
        int extra;

        if (w->ended)
                return WEIR_E_CLOSED;
        extra = extension_of(w, about, extension);
        if (extra < 0)
                return (enum weir_result)extra;
        f.bytes = wr_lane_frame_bytes((uint64_t)extra, WR_DESCRIPTOR_BYTES);
        w->reserved -= wr_lane_frame_bytes(w->extension_max, WR_DESCRIPTOR_BYTES); /* its room is there */
        prepare(w, f.bytes);
        position = w->position;
        at = (uint8_t *)wr_lane_header(w, position) + WR_HEADER_BYTES;
        wr_words_store(at, extension, (size_t)extra);
        wr_words_store(at + extra, descriptor, sizeof descriptor);
        f.shape = shape_of(WR_DESCRIPTOR_BYTES, 0, (uint32_t)extra);
        if (w->geometry.hash == WR_HASH_FULL)
                f.bytes_hash = bytes_hash != NULL ? *bytes_hash
                                                  : wr_hash_two(extension, (size_t)extra, w->heap_base + offset, size);
        wr_fence_stream(); /* the user may have filled the block with streaming stores */
        wr_lane_block_note(w, offset, w->sequence, position);
        commit_noted(w, &f);
        count(w, position, size);
        return WEIR_OK;
}

/* A format's slot is free again when nothing that can still be read stands under the format in it. */
static bool
slot_is_free(const struct wr_lane_writer *w, uint64_t number)
{
        uint64_t claimed = w->cleared - w->geometry.ring_bytes;

        if (w->format_blocks[number % WR_FORMATS] == 0)
                return true;
        return wr_at_least(claimed, w->format_positions[(number + 1) % WR_FORMATS]);
}

static void
store_slot(struct wr_lane_writer *w, uint64_t number, uint64_t offset, const void *bytes, uint64_t size)
{
        struct wr_format_slot *slot = &w->control->formats[number % WR_FORMATS];

        wr_store(&slot->number, 0);
        wr_fence_release();
        if (w->format_blocks[number % WR_FORMATS] != 0)
                wr_heap_return(w->heap, w->format_blocks[number % WR_FORMATS] - 1);
        w->format_blocks[number % WR_FORMATS] = offset + 1;
        wr_words_store(w->heap_base + offset, bytes, size);
        wr_store(&slot->offset, offset);
        wr_store(&slot->length, size);
        wr_store(&slot->hash, wr_hash_bytes(bytes, size));
        wr_store_release(&slot->number, number);
}

enum weir_result
wr_lane_set_format(struct wr_lane_writer *w, uint64_t offset, const void *bytes, uint64_t size)
{
        uint64_t number = w->format + 1;

        if (w->ended)
                return WEIR_E_CLOSED;
        if (!slot_is_free(w, number))
                return WEIR_FULL;
        w->reserved -= wr_lane_frame_bytes(w->extension_max, WR_DESCRIPTOR_BYTES);
        store_slot(w, number, offset, bytes, size);
        prepare(w, WR_HEADER_BYTES);
        w->format = number;
        w->format_positions[number % WR_FORMATS] = w->position;
        commit_noted(w, &(struct frame){ .kind = WR_FRAME_FORMAT, .bytes = WR_HEADER_BYTES, .time = number });
        return WEIR_OK;
}

void
wr_lane_end(struct wr_lane_writer *w, uint64_t successor)
{
        if (w->ended)
                return;
        if (w->first == 0)
                wr_lane_begin(w, 1, 1); /* it was never moved into */
        w->ended = true;
        /* No clearing: the word behind the last frame is cleared, and nobody reads on behind END. */
        commit_noted(w, &(struct frame){ .kind = WR_FRAME_END, .bytes = WR_HEADER_BYTES, .time = successor });
}
