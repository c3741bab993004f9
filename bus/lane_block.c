/*
 * Blocks: lent, published, unlinked, reused. A block is stable for as long as a subscriber announces it.
 *
 *      publisher, to reuse                             subscriber, to take
 *  B1  store unlinked = sequence + 1   release     A1  load  descriptor (checked against `claimed`)
 *  B2  full fence                                  A2  store announcement = block        relaxed
 *  B3  load  all announcements         acquire     A3  full fence
 *  B4  in none: reuse; else pinned                 A4  load  unlinked, once              acquire
 *                                                  A5  my sequence below it? withdraw, count it lost
 *                                                  A6  read the payload, for as long as it likes
 *                                                  A7  store announcement = 0            release
 *
 *  B2 -- A3  each side stores, then loads the other's word: either B3 sees the announcement or A4 sees the block
 *            unlinked. Looking at `claimed` again instead of A4 is not enough, for the heap may turn over faster than
 *            the ring; and an announcement never moves to another entry, else it slips through the scan.
 *  A7 -> B3  what A6 read was read before the block is written again.
 *
 * Reclaim goes oldest first, in three tries: what every reader has passed; then what only lossy readers have not;
 * then the history. So a heap whose readers keep up turns over a few warm blocks, and one with a slow lossy reader
 * gives it all the memory there is before it makes it lose anything.
 */
#include "bus/lane_parts.h"

enum reclaim { PASSED_BY_ALL, PASSED_BY_RELIABLE, HISTORY_TOO };

/* B3: reads each announcement once. Only what was read here counts, however the pages change meanwhile: so never more
 * blocks are pinned than there are announcements. */
static void
scan_announcements(struct wr_lane_writer *w)
{
        w->announced_count = 0;
        for (size_t i = 0; i < w->pair_count; i++) {
                for (uint32_t k = 0; k < w->pairs[i]->announcement_count; k++) {
                        uint64_t value = wr_load_acquire(&w->pairs[i]->words->announcements[k]);

                        if (value != 0)
                                w->announced[w->announced_count++] = value;
                }
        }
}

static bool
announced(const struct wr_lane_writer *w, uint64_t offset)
{
        for (size_t i = 0; i < w->announced_count; i++)
                if (w->announced[i] == offset / 64 + 1)
                        return true;
        return false;
}

/* Reuses what the last scan did not see. */
static void
unpin_unannounced(struct wr_lane_writer *w)
{
        size_t kept = 0;

        for (size_t i = 0; i < w->pinned_count; i++) {
                if (announced(w, w->pinned[i]))
                        w->pinned[kept++] = w->pinned[i];
                else
                        wr_heap_return(w->heap, w->pinned[i]);
        }
        w->pinned_count = kept;
}

void
wr_lane_unpin(struct wr_lane_writer *w)
{
        scan_announcements(w);
        unpin_unannounced(w);
}

/* Takes the blocks up to (not including) `next` from the list: B1 and the scan once for all. */
static void
unlink_until(struct wr_lane_writer *w, uint64_t next)
{
        uint64_t mask = w->block_room - 1;

        w->unlinked = w->blocks[(next - 1) & mask].sequence + 1;
        wr_fence_stream();
        wr_store_release(&w->control->unlinked, w->unlinked); /* B1 */
        wr_fence();                                           /* B2 */
        wr_lane_unpin(w);
        for (; w->block_first != next; w->block_first++) {
                uint64_t offset = w->blocks[w->block_first & mask].offset;

                if (!announced(w, offset)) {
                        wr_heap_return(w->heap, offset);
                } else {
                        assert(w->pinned_count < w->pinned_room); /* all of them are in one scan */
                        w->pinned[w->pinned_count++] = offset;
                }
        }
}

/* Is the oldest published block one that may go now? */
static bool
may_go(const struct wr_lane_writer *w, uint64_t at, uint64_t floor, enum reclaim which)
{
        const struct wr_block_frame *b = &w->blocks[at & (w->block_room - 1)];

        if (at == w->block_next || wr_at_least(b->position, floor))
                return false;
        return which == HISTORY_TOO || w->sequence - b->sequence > w->history;
}

static void
collect(struct wr_lane_writer *w)
{
        uint64_t floor = wr_lane_floor(w, false);
        uint64_t next = w->block_first;

        if (w->pinned_count > 0)
                wr_lane_unpin(w);
        while (may_go(w, next, floor, PASSED_BY_ALL))
                next += 1;
        if (next != w->block_first)
                unlink_until(w, next);
}

/* Makes readers lose the oldest blocks, one at a time, until the loan fits. */
static enum weir_result
lend_by_force(struct wr_lane_writer *w, uint64_t size, uint64_t align, uint64_t *offset, enum reclaim which)
{
        uint64_t floor = wr_lane_floor(w, true);
        enum weir_result result = WEIR_FULL;

        while (result == WEIR_FULL && may_go(w, w->block_first, floor, which)) {
                unlink_until(w, w->block_first + 1);
                result = wr_heap_lend(w->heap, size, align, offset);
        }
        return result;
}

static enum weir_result
lend_block(struct wr_lane_writer *w, uint64_t size, uint64_t align, uint64_t *offset)
{
        enum weir_result result;

        if (w->heap == NULL || size > w->geometry.heap_bytes)
                return WEIR_E_TOO_LARGE;
        if (align > w->align)
                w->align = align;
        collect(w);
        result = wr_heap_lend(w->heap, size, align, offset);
        if (result == WEIR_FULL)
                result = lend_by_force(w, size, align, offset, PASSED_BY_RELIABLE);
        if (result == WEIR_FULL)
                result = lend_by_force(w, size, align, offset, HISTORY_TOO);
        return result;
}

/* Ring bytes that a loan keeps for its frame. */
static uint64_t
reservation(const struct wr_lane_writer *w, uint64_t offset, uint64_t size)
{
        return wr_lane_frame_bytes(w->extension_max, offset == WR_SCRATCH ? size : WR_DESCRIPTOR_BYTES);
}

enum weir_result
wr_lane_lend(struct wr_lane_writer *w, uint64_t size, uint64_t align, uint64_t *offset)
{
        enum weir_result result = WEIR_OK;
        uint64_t bytes = reservation(w, WR_SCRATCH, size);
        bool scratch = size <= w->geometry.inline_max;

        if (w->ended)
                return WEIR_E_CLOSED;
        /* Small loans give way to blocks where many are out: what is kept must never be most of the ring. */
        if (scratch && w->heap != NULL && w->reserved + bytes > w->geometry.ring_bytes / 4)
                scratch = false;
        *offset = scratch ? WR_SCRATCH : 0;
        bytes = reservation(w, *offset, size);
        if (w->reserved + bytes > w->geometry.ring_bytes / 2)
                return WEIR_FULL;
        w->reserved += bytes;
        w->easy = 0;
        if (!wr_lane_room(w, 0))
                result = WEIR_FULL;
        else if (!scratch)
                result = lend_block(w, size, align, offset);
        if (result != WEIR_OK)
                w->reserved -= bytes;
        if (result == WEIR_FULL)
                w->full += 1;
        return result;
}

void
wr_lane_discard(struct wr_lane_writer *w, uint64_t offset, uint64_t size)
{
        w->reserved -= reservation(w, offset, size);
        if (offset != WR_SCRATCH)
                wr_heap_return(w->heap, offset);
}

void
wr_lane_block_note(struct wr_lane_writer *w, uint64_t offset, uint64_t sequence, uint64_t position)
{
        /* The list has an entry for every block frame that fits the ring: where it is full, the ring has lapped the
         * oldest one, which nobody can find any more. */
        if (w->block_next - w->block_first == w->block_room)
                unlink_until(w, w->block_first + 1);
        w->blocks[w->block_next & (w->block_room - 1)] = (struct wr_block_frame){ sequence, position, offset };
        w->block_next += 1;
}
