/*
 * An uneven lock between the thread that publishes, which must pay nothing, and the control thread, which attaches,
 * detaches and migrates on behalf of a publisher that may be idle for ever.
 *
 *      publishing thread                       control thread
 *  L1  store busy=1        relaxed         V1  store visiting=1   relaxed
 *  L2  load  visiting      acquire         V2  barrier on every thread of the process (membarrier)
 *  L3  if set: busy=0, wait, again         V3  load  busy         acquire
 *  L4  ... work ...                        V4  if clear: ... work ...
 *  L5  store busy=0        release         V5  store visiting=0   release
 *
 *  L1 -- V3  each stores, then loads the other's word. V2 puts a full barrier into the publishing thread wherever it
 *            is: either L1 was drained before V3 read it, or L2 runs after V1 was visible. So not both go on.
 *  L5 -> V3  and V5 -> L2: what one did under the latch is seen by the next.
 *
 * Where the system has no such barrier, entering is an atomic exchange (`costly`). The model: tests/model/latch.
 */
#ifndef WR_LATCH_H
#define WR_LATCH_H

#include "bus/atomic.h"

struct wr_latch {
        wr_word busy, visiting;
        bool costly; /* no membarrier: both sides fence themselves */
};

/* Publishing thread. Waits (spins, then yields) only while a visit is under way, which is bounded by its work. */
void
wr_latch_enter(struct wr_latch *latch);

void
wr_latch_leave(struct wr_latch *latch);

/* Control thread: true when the publishing thread is outside and will stay there until wr_latch_depart. */
bool
wr_latch_visit(struct wr_latch *latch);

void
wr_latch_depart(struct wr_latch *latch);

#endif
