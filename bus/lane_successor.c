/*
 * From one lane to the next: a publisher goes on in a fresh segment, and every subscriber follows without losing or
 * doubling a frame, whoever dies in between, the broker included.
 *
 *      publisher (idle or outside: bus/latch.h)            subscriber
 *  M1  all reliable pairs of old: ready == next? acquire   F1  map next and its pair page
 *  M2  store live, first of next         relaxed, release  F2  store ready = next in the page of OLD        release
 *  M3  commit history into next: old numbers and times     F3  take from old up to END, which names next    acquire
 *  M4  commit END in old, naming next         release      F4  begin in next at `first`, pass over what has
 *  M5  commit what is new in next, wake both lanes             a number below its own: neither lost nor skipped
 *
 *  F2 -> M1  the subscriber itself says that it has the successor. The broker, who sent it, may have died before it
 *            arrived: by its word alone the subscriber would read END and have nowhere to go.
 *  M2 -> M3  who sees a frame of next sees where next begins; one who saw none waits (join in lane_recover.c).
 *  M4 last   a publisher that dies before it leaves an old lane that is whole, one that dies behind it a successor that
 *            has begun with all of its history.
 *  F2, F3    `ready` may name a newer successor the moment after M1 read it. So a subscriber keeps all that it has
 * until END says which one it is.
 *
 * A newcomer that was given next before it began finds its history there in the same way: it begins at `first` and
 * passes over all but the newest that it asked for. Model: tests/model/migrate_model.c.
 */
#include "bus/lane_parts.h"
#include "bus/lane_reader_parts.h"

#include "bus/words.h"

#include <stdlib.h>

void
wr_lane_begin(struct wr_lane_writer *w, uint64_t first, uint64_t live)
{
        w->first = first;
        w->sequence = first;
        w->unlinked = first;
        wr_store(&w->control->unlinked, first);
        wr_store(&w->control->published, first - 1);
        wr_store(&w->control->live, live);
        wr_store_release(&w->control->first, first); /* M2 */
}

bool
wr_lane_movable(const struct wr_lane_writer *old, uint64_t successor)
{
        for (size_t i = 0; i < old->pair_count; i++) {
                struct wr_pair_writer *pair = old->pairs[i];

                if (!pair->reliable || pair->evicted || wr_lane_has_left(pair))
                        continue;
                if (wr_load_acquire(&pair->words->ready) != successor) /* M1 */
                        return false;
        }
        return true;
}

/* What goes along, chosen from the newest frame backwards before anything is written. */
struct luggage {
        struct wr_lane_writer *old, *next;
        enum weir_result (*commit)(void *context, uint64_t end);
        void *context;
        uint64_t frames;                    /* the newest so many */
        uint64_t *blocks;                   /* by age, from 1: where the frame's payload goes in next's heap */
        uint64_t ring_bytes, largest;       /* of next's ring that they take, and the largest of them */
        uint64_t format;                    /* of the oldest frame that goes along */
        uint64_t format_blocks[WR_FORMATS]; /* where its bytes go, and those of the later ones */
};

/* A frame of the old lane. It is our own memory: as we wrote it. */
struct relic {
        enum wr_frame_kind kind;
        struct wr_about about;
        const uint8_t *payload;
        uint64_t size, extension_bytes, format;
        uint64_t hash; /* of extension and payload, where the lane has one: as its publisher said */
        int64_t time_ns;
};

/* False: readers could not have it any more. */
static bool
relic_at(const struct wr_lane_writer *w, uint64_t sequence, struct relic *relic)
{
        const struct wr_recent *recent = &w->recent[sequence & (w->recent_room - 1)];
        const struct wr_frame_header *header = wr_lane_header(w, recent->position);
        const uint8_t *at = (const uint8_t *)header + WR_HEADER_BYTES;
        uint64_t shape = wr_load(&header->shape);
        const struct wr_hash_words words = { .commit = wr_load(&header->commit),
                                             .shape = shape,
                                             .time = wr_load(&header->time),
                                             .sequence = sequence,
                                             .lane = w->geometry.lane };
        struct wr_frame_extension head;
        uint64_t descriptor[2];

        if (!wr_at_least(recent->position, w->cleared - w->geometry.ring_bytes))
                return false;
        *relic = (struct relic){ .kind = (enum wr_frame_kind)(words.commit % WR_HEADER_BYTES),
                                 .payload = at + (shape >> 48),
                                 .size = shape & UINT32_MAX,
                                 .extension_bytes = shape >> 48,
                                 .format = recent->format,
                                 .hash = wr_hash_bytes_back(wr_load(&header->hash), &words),
                                 .time_ns = (int64_t)words.time };
        if (relic->extension_bytes > 0) {
                memcpy(&head, at, sizeof head);
                relic->about = (struct wr_about){ .stamp_ns = (int64_t)head.stamp,
                                                  .tag = head.tag,
                                                  .meta = at + sizeof head,
                                                  .meta_size = head.meta_size,
                                                  .flags = head.flags };
        }
        if (relic->kind != WR_FRAME_BLOCK)
                return true;
        memcpy(descriptor, relic->payload, sizeof descriptor);
        relic->payload = w->heap_base + descriptor[0];
        relic->size = descriptor[1];
        return wr_at_least(sequence, w->unlinked);
}

static bool
lend(const struct luggage *l, uint64_t size, uint64_t align, uint64_t *offset)
{
        if (l->next->heap == NULL || wr_heap_lend(l->next->heap, size == 0 ? 1 : size, align, offset) != WEIR_OK)
                return false;
        if (l->commit == NULL || l->commit(l->context, *offset + wr_words_bytes(size)) == WEIR_OK)
                return true;
        wr_heap_return(l->next->heap, *offset);
        return false;
}

/* Ring bytes for what goes along: a quarter is left to run in, and so is what is kept for loans. */
static uint64_t
ring_room(const struct wr_lane_writer *next)
{
        uint64_t ring = next->geometry.ring_bytes;
        uint64_t kept = wr_lane_kept(next) > ring / 4 ? wr_lane_kept(next) : ring / 4;

        return kept < ring ? ring - kept : 0;
}

/* Is there room in the ring for so many bytes more, with the padding where the ring ends? */
static bool
ring_fits(const struct luggage *l, uint64_t bytes, uint64_t largest)
{
        return l->ring_bytes + bytes + largest <= ring_room(l->next);
}

/* Its bytes go along: a FORMAT header and a block. */
static bool
pack_format(struct luggage *l, uint64_t number)
{
        const struct wr_format_slot *slot = &l->old->control->formats[number % WR_FORMATS];
        uint64_t offset;

        if (!ring_fits(l, WR_HEADER_BYTES, l->largest) || wr_load(&slot->number) != number ||
            !lend(l, wr_load(&slot->length), 64, &offset))
                return false;
        l->format_blocks[number % WR_FORMATS] = offset;
        l->ring_bytes += WR_HEADER_BYTES;
        l->format = number;
        return true;
}

/* The frame goes along. False: next has no place for it. */
static bool
pack_frame(struct luggage *l, uint64_t age)
{
        const struct wr_lane_writer *next = l->next;
        uint64_t in_ring, bytes, largest;
        struct relic relic;

        if (!relic_at(l->old, l->old->sequence - age, &relic) || relic.extension_bytes > next->extension_max)
                return false;
        if (relic.kind == WR_FRAME_INLINE && relic.size > next->geometry.inline_max)
                return false;
        in_ring = relic.kind == WR_FRAME_BLOCK ? WR_DESCRIPTOR_BYTES : relic.size;
        bytes = wr_lane_frame_bytes(relic.extension_bytes, in_ring);
        largest = bytes > l->largest ? bytes : l->largest;
        /* The format's header beside it, should it be another one. */
        if (!ring_fits(l, bytes + WR_HEADER_BYTES, largest))
                return false;
        if (relic.kind == WR_FRAME_BLOCK && !lend(l, relic.size, l->old->align, &l->blocks[age]))
                return false;
        if (relic.format != l->format && relic.format != 0 && !pack_format(l, relic.format)) {
                if (relic.kind == WR_FRAME_BLOCK)
                        wr_heap_return(next->heap, l->blocks[age]);
                return false;
        }
        l->format = relic.format;
        l->ring_bytes += bytes;
        l->largest = largest;
        return true;
}

/* Chooses what goes along. The format in force must, frames may. */
static enum weir_result
pack(struct luggage *l)
{
        uint64_t most = l->old->sequence - l->old->first;

        if (most > l->old->history)
                most = l->old->history;
        if (most > l->next->history)
                most = l->next->history;
        l->blocks = calloc(most + 1, sizeof *l->blocks);
        if (l->blocks == NULL)
                return WEIR_E_NO_MEMORY;
        if (l->old->format != 0 && !pack_format(l, l->old->format))
                return WEIR_E_NO_MEMORY;
        while (l->frames < most && pack_frame(l, l->frames + 1))
                l->frames += 1;
        return WEIR_OK;
}

/* The room was found above: nobody is asked again, nothing fails. */
static void
reserve(struct wr_lane_writer *w, uint64_t payload_bytes)
{
        w->reserved += wr_lane_frame_bytes(w->extension_max, payload_bytes);
        w->easy = 0;
}

/* Puts the format into force under the number that it has, so that a subscriber that follows sees no new one. */
static void
put_format(const struct luggage *l, uint64_t number)
{
        const struct wr_lane_writer *old = l->old;
        struct wr_lane_writer *next = l->next;
        uint64_t size = wr_load(&old->control->formats[number % WR_FORMATS].length);
        enum weir_result result;

        /* The numbers left out: who asks whether an older slot is free asks where the one behind it came into force. */
        for (uint64_t left_out = number - 1; left_out > next->format && left_out + WR_FORMATS > number; left_out--)
                next->format_positions[left_out % WR_FORMATS] = next->position;
        next->format = number - 1;
        reserve(next, WR_DESCRIPTOR_BYTES);
        result = wr_lane_set_format(next, l->format_blocks[number % WR_FORMATS],
                                    old->heap_base + old->format_blocks[number % WR_FORMATS] - 1, size);
        assert(result == WEIR_OK);
        (void)result;
}

static void
put_frame(const struct luggage *l, uint64_t age)
{
        struct wr_lane_writer *next = l->next;
        enum weir_result result;
        struct relic relic;

        relic_at(l->old, l->old->sequence - age, &relic);
        if (relic.format != next->format)
                put_format(l, relic.format);
        if (relic.kind == WR_FRAME_BLOCK) { /* its hash is not made anew: an agent's may be of other bytes */
                memcpy(next->heap_base + l->blocks[age], relic.payload, relic.size);
                reserve(next, WR_DESCRIPTOR_BYTES);
                result = wr_lane_publish_block(next, l->blocks[age], relic.size, &relic.about, relic.time_ns,
                                               &relic.hash);
        } else {
                reserve(next, relic.size);
                result = wr_lane_publish_scratch(next, relic.payload, relic.size, relic.size, &relic.about,
                                                 relic.time_ns);
        }
        assert(result == WEIR_OK);
        (void)result;
}

/* A reader that goes along brings its debts, and is forgiven for what it takes of what is left in the old lane. Who was
 * evicted there is here as well: it would hold the publisher up once more. */
static void
bring_debts(const struct wr_lane_writer *old, const struct wr_lane_writer *next, struct wr_pair_writer *pair)
{
        for (size_t i = 0; i < old->pair_count; i++) {
                const struct wr_pair_writer *before = old->pairs[i];

                if (before->id != pair->follows || before->left)
                        continue;
                if (before->evicted) {
                        pair->evicted = true;
                        wr_store_release(&pair->words->evicted, next->sequence);
                        continue;
                }
                pair->charged_ns = before->charged_ns;
                if (before->accepted == old->position)
                        continue;
                pair->before = before->words;
                pair->before_accepted = before->accepted;
                pair->before_end = old->position;
        }
}

enum weir_result
wr_lane_move(struct wr_lane_writer *old, struct wr_lane_writer *next,
             enum weir_result (*commit)(void *context, uint64_t end), void *context)
{
        struct luggage l = { .old = old, .next = next, .commit = commit, .context = context };
        enum weir_result result;

        if (old->ended)
                return WEIR_E_CLOSED;
        if (next->geometry.follows != old->geometry.lane || next->first != 0)
                return WEIR_E_USAGE;
        result = pack(&l);
        if (result == WEIR_OK) {
                wr_lane_begin(next, old->sequence - l.frames, old->sequence);
                for (uint64_t age = l.frames; age > 0; age--)
                        put_frame(&l, age); /* M3 */
                if (old->format != next->format)
                        put_format(&l, old->format);
                next->bytes = old->bytes;
                next->full = old->full;
                next->align = old->align > next->align ? old->align : next->align;
                wr_store(&next->control->published_bytes, next->bytes);
                wr_lane_floor(old, true); /* how far each is now */
                for (size_t i = 0; i < next->pair_count; i++)
                        if (next->pairs[i]->follows != 0)
                                bring_debts(old, next, next->pairs[i]);
                wr_lane_end(old, next->geometry.lane); /* M4 */
        }
        free(l.blocks);
        return result;
}

void
wr_lane_reader_ready(struct wr_lane_reader *old, uint64_t successor)
{
        wr_store_release(&old->pair.words->ready, successor); /* F2 */
}

static void
go_on(struct wr_lane_reader *next, const struct wr_lane_reader *old)
{
        next->follows = true;
        next->joining = true;
        next->astray = true;
        next->from = (int64_t)(old->from - old->sequence) > 0 ? old->from : old->sequence; /* F4 */
        next->lost_now += old->lost_now;
        next->skipped_now += old->skipped_now;
}

bool
wr_lane_reader_follow(struct wr_lane_reader *next, const struct wr_lane_reader *old)
{
        if (!old->ended || old->successor != next->geometry.lane || next->geometry.follows != old->geometry.lane)
                return false;
        go_on(next, old);
        return true;
}

bool
wr_lane_reader_leap(struct wr_lane_reader *next, const struct wr_lane_reader *old)
{
        if (!old->ended || old->successor == 0 || next->geometry.epoch <= old->geometry.epoch)
                return false;
        go_on(next, old);
        next->leapt = true;
        return true;
}
