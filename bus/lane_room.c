/*
 * Room in the ring: how far the publisher may go, and the clearing ahead of it.
 *
 *        claimed            floor               position            cleared
 *   ────────┼─────────────────┼────────────────────┼────────────────────┼──────►  positions
 *    may be │  lossy readers  │  reliable readers  │  commit words are  │
 *    over-  │  may read here  │  may be here       │  zero              │
 *    written│                                                           │
 *           └──────────────── one ring: cleared = claimed + ring ───────┘
 *
 * Two things always hold: `cleared` is at least one header behind the end of the last frame, so that the word a reader
 * looks at next is zero until it is committed, whatever payload lay there a lap ago; and `cleared` never passes
 * floor + ring, so that nothing a reliable reader still needs is touched.
 *
 *      publisher                                     lossy reader
 *  C1  store claimed                 release     T1  load  commit word, header, payload   acquire, then relaxed
 *  C2  release fence                             T2  acquire fence
 *  C3  store commit words = 0        relaxed     T3  load  claimed                        acquire
 *      store new frames over them                T4  claimed passed my frame? then what I read may be mixed
 *
 *  C1 -> T3  a reader that saw anything of C3 or later sees claimed raised: fences C2 and T2 pair. So "word is 0 and
 *            not claimed over" really is empty, and a frame that was not claimed over after reading was read whole.
 */
#include "bus/lane_parts.h"

enum { PREFETCH_BYTES = 1024 };

/* Reads one pair's cursor, once, and accepts it only where it can be: between the last accepted and the position. */
static void
accept_cursor(const struct wr_lane_writer *w, struct wr_pair_writer *pair)
{
        uint64_t cursor = wr_load_acquire(&pair->words->cursor); /* what it read, it read before: now overwrite */

        if (cursor - pair->accepted > w->position - pair->accepted || cursor % WR_HEADER_BYTES != 0)
                pair->ignored += 1;
        else
                pair->accepted = cursor;
}

/* For good: a page that says "taking" again would pull the floor back below what was promised to loans meanwhile. */
bool
wr_lane_has_left(struct wr_pair_writer *pair)
{
        pair->left = pair->left || wr_load_acquire(&pair->words->state) != WR_PAIR_TAKING;
        return pair->left;
}

uint64_t
wr_lane_floor(struct wr_lane_writer *w, bool reliable_only)
{
        uint64_t lag = 0;

        for (size_t i = 0; i < w->pair_count; i++) {
                struct wr_pair_writer *pair = w->pairs[i];

                if (pair->evicted || (reliable_only && !pair->reliable) || wr_lane_has_left(pair))
                        continue;
                accept_cursor(w, pair);
                if (w->position - pair->accepted > lag) /* each is in [accepted, position]: no circular minimum */
                        lag = w->position - pair->accepted;
        }
        return w->position - lag;
}

uint64_t
wr_lane_kept(const struct wr_lane_writer *w)
{
        uint64_t loans = w->reserved == 0 ? 0 : w->reserved + wr_lane_frame_max(&w->geometry);

        return loans + 2 * WR_HEADER_BYTES; /* the cleared word, and END */
}

bool
wr_lane_room(struct wr_lane_writer *w, uint64_t bytes)
{
        uint64_t end = w->position + bytes + wr_lane_kept(w);

        if (wr_at_least(w->limit, end))
                return true;
        w->limit = wr_lane_floor(w, true) + w->geometry.ring_bytes;
        return wr_at_least(w->limit, end);
}

bool
wr_lane_roomy(struct wr_lane_writer *w)
{
        return wr_lane_room(w, w->geometry.ring_bytes / 8);
}

static void
clear_to(struct wr_lane_writer *w, uint64_t target)
{
        wr_store_release(&w->control->claimed, target - w->geometry.ring_bytes); /* C1 */
        wr_fence_stream();                                                       /* C2 */
        for (; w->cleared != target; w->cleared += WR_HEADER_BYTES) {
                wr_prefetch_write(wr_lane_header(w, w->cleared + PREFETCH_BYTES)); /* from the readers' caches */
                wr_store(&wr_lane_header(w, w->cleared)->commit, 0);               /* C3 */
        }
}

void
wr_lane_clear(struct wr_lane_writer *w, uint64_t end)
{
        uint64_t step = wr_lane_step_bytes(&w->geometry);
        uint64_t needed = end + WR_HEADER_BYTES;

        while (!wr_at_least(w->cleared, needed)) {
                uint64_t target = (w->cleared + step) & ~(step - 1);

                /* Near the limit of a full ring a whole step would run over a reliable reader: the least will do. */
                if (!wr_at_least(w->limit, target))
                        target = needed;
                clear_to(w, target);
        }
}
