/*
 * A subscriber's way back: after being lapped, after a corrupt frame, over frames it does not keep, and to a format
 * whose frame it has not seen.
 *
 *      ───┬───────────┬───────────┬───────────┬───────────┬───────────►
 *         │ step      │ step      │ step      │           │
 *      position    claimed      + ring/4: the first noted start from here on
 *
 * The step table's entries are small sequence locks: position odd while one changes, and read again afterwards.
 */
#include "bus/lane_reader_parts.h"

#include "bus/format.h"
#include "bus/words.h"

#include <stdlib.h>

enum { RECOVER_TRIES = 8 };

/* Reads one entry; false: it changed meanwhile. */
static bool
read_step(const struct wr_step *step, struct wr_lane_start *start)
{
        start->position = wr_load_acquire(&step->position);
        start->sequence = wr_load(&step->sequence);
        start->format = wr_load(&step->format);
        wr_fence_acquire();
        return start->position % WR_HEADER_BYTES == 0 && wr_load(&step->position) == start->position;
}

/* The noted start nearest behind `from`. */
static bool
nearest_start(const struct wr_lane_reader *r, uint64_t from, struct wr_lane_start *best)
{
        uint64_t nearest = (uint64_t)INT64_MAX;
        struct wr_lane_start start;

        for (size_t i = 0; i < WR_STEPS; i++) {
                if (!read_step(&r->control->steps[i], &start) || start.position - from >= nearest)
                        continue;
                nearest = start.position - from;
                *best = start;
        }
        return nearest < (uint64_t)INT64_MAX;
}

static void
lose(struct wr_lane_reader *r, uint64_t count)
{
        r->sequence += count;
        r->lost += count;
        r->lost_now += count;
}

/* So many frames cannot lie between two positions of an honest publisher; one is allowed for a count that is in doubt.
 */
static bool
is_too_many(uint64_t frames, uint64_t from, uint64_t to)
{
        return frames > (to - from) / WR_HEADER_BYTES + 1;
}

/* Up to `sequence`, what this reader is not to get: that is not lost. */
static void
pass_uncounted(struct wr_lane_reader *r, uint64_t sequence)
{
        if (!r->joining)
                return;
        if ((int64_t)(r->from - sequence) > 0)
                r->sequence = sequence;
        else if ((int64_t)(r->from - r->sequence) > 0)
                r->sequence = r->from;
}

static void
move_to(struct wr_lane_reader *r, uint64_t position)
{
        r->position = position;
        wr_store(&r->at, position);
        wr_store_release(&r->pair.words->cursor, position);
}

bool
wr_lane_recover(struct wr_lane_reader *r, uint64_t claimed)
{
        struct wr_lane_start start;

        for (int turn = 0; turn < RECOVER_TRIES; turn++) {
                bool found = nearest_start(r, claimed + r->geometry.ring_bytes / 4, &start) ||
                             nearest_start(r, claimed, &start);

                if (wr_lane_lapped(r, found ? start.position : claimed, &claimed))
                        continue; /* overtaken again */
                if (!found) {     /* an honest publisher always has a start noted ahead of what it claims */
                        r->bad_in_row += 1;
                        return false;
                }
                if (is_too_many(start.sequence - r->sequence, r->position, start.position)) { /* or backwards */
                        wr_lane_bad(r, false);
                        return false;
                }
                pass_uncounted(r, start.sequence);
                lose(r, start.sequence - r->sequence);
                r->format = start.format;
                r->astray = r->joining;
                r->doubt = false;
                move_to(r, start.position);
                return true;
        }
        return false;
}

void
wr_lane_bad(struct wr_lane_reader *r, bool counted)
{
        r->corrupt += 1;
        r->bad_in_row += 1;
        r->astray = true;
        wr_store(&r->at, r->position | 1);
        r->resync_counted = counted;
}

bool
wr_lane_find_next(const struct wr_lane_reader *r, uint64_t behind, uint64_t *next)
{
        uint64_t reach = wr_lane_frame_max(&r->geometry);

        for (uint64_t ahead = WR_HEADER_BYTES; ahead <= reach; ahead += WR_HEADER_BYTES) {
                uint64_t position = behind + ahead;
                uint64_t kind = wr_load_acquire(&wr_lane_look(r, position)->commit) - position;

                if (kind < WR_FRAME_INLINE || kind > WR_FRAME_END)
                        continue;
                if (next != NULL)
                        *next = position;
                return true;
        }
        return false;
}

static bool
resync(struct wr_lane_reader *r)
{
        uint64_t position, claimed;
        bool found = wr_lane_find_next(r, r->position, &position);

        if (wr_lane_lapped(r, r->position, &claimed))
                return wr_lane_recover(r, claimed);
        if (!found)
                return false;
        if (r->resync_counted)
                lose(r, 1);
        r->astray = false;
        r->doubt = true;
        move_to(r, position);
        return true;
}

void
wr_lane_correct(struct wr_lane_reader *r, int64_t off)
{
        r->sequence += (uint64_t)off;
        r->lost += (uint64_t)off;
        r->lost_now += (uint64_t)off;
}

void
wr_lane_pass(struct wr_lane_reader *r, uint64_t frame_bytes, uint64_t lost)
{
        lose(r, lost);
        move_to(r, r->position + frame_bytes);
}

/* One header, walked over without reading what follows it. */
struct step_over {
        uint64_t bytes, time;
        enum wr_frame_kind kind;
};

/* False: nothing there, END, not as an honest publisher makes it, or overtaken. */
static bool
walk(const struct wr_lane_reader *r, uint64_t position, struct step_over *step)
{
        const struct wr_frame_header *header = wr_lane_look(r, position);
        uint64_t kind = wr_load_acquire(&header->commit) - position;
        uint64_t shape = wr_load(&header->shape);
        uint64_t to_end = r->geometry.ring_bytes - (position & (r->geometry.ring_bytes - 1));

        if (kind < WR_FRAME_INLINE || kind >= WR_FRAME_END)
                return false;
        step->kind = (enum wr_frame_kind)kind;
        step->time = wr_load(&header->time);
        step->bytes = wr_lane_frame_bytes(shape >> 48, shape & UINT32_MAX);
        return step->bytes <= to_end && !wr_lane_lapped(r, position, NULL);
}

static bool
is_counted(const struct step_over *step)
{
        return step->kind == WR_FRAME_INLINE || step->kind == WR_FRAME_BLOCK;
}

void
wr_lane_skip_old(struct wr_lane_reader *r)
{
        uint64_t looks = r->geometry.ring_bytes / WR_HEADER_BYTES; /* however fast the publisher goes on */
        uint64_t position = r->position;
        struct step_over step;

        if (r->astray)
                return;
        if ((int64_t)(r->seen_position - position) <= 0) {
                r->seen_position = position;
                r->seen_sequence = r->sequence;
        }
        for (; looks > 0 && walk(r, r->seen_position, &step); looks--) {
                r->seen_position += step.bytes;
                r->seen_sequence += is_counted(&step) ? 1 : 0;
        }
        while (r->seen_sequence - r->sequence > r->keep && walk(r, position, &step)) {
                position += step.bytes;
                if (step.kind == WR_FRAME_FORMAT)
                        r->format = step.time;
                if (!is_counted(&step))
                        continue;
                r->sequence += 1;
                r->skipped += 1;
                r->skipped_now += 1;
        }
        if (position != r->position)
                move_to(r, position);
}

/* The lane has begun: where does this reader come in? False: no honest publisher begins like that. */
static bool
find_beginning(struct wr_lane_reader *r)
{
        uint64_t first = wr_load(&r->control->first);
        uint64_t live = wr_load(&r->control->live);
        uint64_t gap, here;

        if (first == 0 || (int64_t)(live - first) < 0)
                return false;
        if (r->sequence == 0)
                r->sequence = first;
        if (!r->follows)
                r->from = live - first > r->history ? live - r->history : first;
        else if ((int64_t)(r->from - live) > 0) /* its own count was off: what is live here was in no lane before */
                r->from = live;
        gap = r->sequence - r->from;
        if ((int64_t)gap > 0) { /* what was published before it came, behind a leap in lanes between as well */
                here = !r->leapt ? gap : (int64_t)(r->sequence - live) > 0 ? r->sequence - live : 0;
                if (is_too_many(here, r->geometry.start, r->position))
                        return false;
                r->sequence = r->from;
                lose(r, gap);
        }
        r->begun = true;
        return true;
}

/* One header that is not for this reader. False: there is none, or garbage. */
static bool
pass_header(struct wr_lane_reader *r)
{
        uint64_t commit = wr_load_acquire(&wr_lane_look(r, r->position)->commit);
        struct step_over step;
        bool found = commit != 0 && walk(r, r->position, &step);
        uint64_t claimed;

        if (wr_lane_lapped(r, r->position, &claimed))
                return wr_lane_recover(r, claimed);
        if (commit == 0)
                return false;
        if (!found) {
                r->corrupt += 1;
                r->bad_in_row += 1;
                return false;
        }
        if (step.kind == WR_FRAME_FORMAT)
                r->format = step.time;
        r->sequence += is_counted(&step) ? 1 : 0;
        move_to(r, r->position + step.bytes);
        return true;
}

/* M2 and F4 of lane_successor.c. True: the frame at the position is the first one that is for this reader. */
static bool
join(struct wr_lane_reader *r)
{
        uint64_t looks = r->geometry.ring_bytes / WR_HEADER_BYTES; /* however fast the publisher goes on */

        if (!r->begun) {
                /* Acquire: who sees a frame, or that the ring has gone round, sees how it began. END said it before. */
                if (r->sequence == 0 && !r->follows && wr_load_acquire(&wr_lane_look(r, r->position)->commit) == 0 &&
                    !wr_lane_lapped(r, r->position, NULL))
                        return false;
                if (!find_beginning(r)) {
                        r->corrupt += 1;
                        r->bad_in_row += 1;
                        return false;
                }
        }
        while ((int64_t)(r->from - r->sequence) > 0)
                if (looks-- == 0 || !pass_header(r))
                        return false;
        r->joining = r->astray = false;
        if (r->keep > 0)
                wr_lane_skip_old(r);
        return true;
}

bool
wr_lane_find_way(struct wr_lane_reader *r)
{
        return r->joining ? join(r) : resync(r);
}

/* Copies the slot's bytes; false: they changed meanwhile, or are not what the slot says. */
static bool
copy_format(struct wr_lane_reader *r, const struct wr_format_slot *slot, uint64_t offset, uint64_t length)
{
        uint64_t hash = wr_load(&slot->hash);
        void *bytes = malloc(wr_words_bytes(length) + 8);

        if (bytes == NULL)
                return false;
        wr_words_load(bytes, r->heap_base + offset, length);
        wr_fence_acquire();
        if (wr_load(&slot->number) != r->format || wr_hash_bytes(bytes, length) != hash) {
                free(bytes);
                return false;
        }
        free(r->format_bytes);
        r->format_bytes = bytes;
        r->format_size = length;
        r->format_bytes_number = r->format;
        return true;
}

enum weir_result
wr_lane_format_load(struct wr_lane_reader *r)
{
        const struct wr_format_slot *slot = &r->control->formats[r->format % WR_FORMATS];
        uint64_t number, offset, length;

        if (r->format == r->format_bytes_number)
                return WEIR_OK;
        number = wr_load_acquire(&slot->number);
        offset = wr_load(&slot->offset);
        length = wr_load(&slot->length);
        if (number == r->format && length <= WR_FORMAT_BYTES_MAX && offset % 64 == 0 &&
            offset <= r->geometry.heap_bytes && length <= r->geometry.heap_bytes - offset) {
                r->wanted = offset + wr_words_bytes(length);
                if (r->wanted > r->committed)
                        return WEIR_E_NO_MEMORY;
                if (copy_format(r, slot, offset, length))
                        return WEIR_OK;
        }
        if (!wr_lane_lapped(r, r->position, NULL))
                wr_lane_bad(r, true);
        return r->bad_in_row >= WR_LANE_BAD_MAX ? WEIR_E_CORRUPT : WEIR_EMPTY;
}
