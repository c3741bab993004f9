/* The labels L1..L5 and V1..V5 are those of the drawing in latch.h. */
#include "bus/latch.h"

#include "bus/os/barrier.h"

enum { SPINS_BEFORE_YIELD = 64 };

static void
latch_fence(const struct wr_latch *latch)
{
        if (latch->costly)
                wr_fence();
        else
                wr_fence_compiler(); /* the other side's barrier orders the machine, not the compiler */
}

static void
latch_wait_visitor(const struct wr_latch *latch)
{
        for (int turn = 0; wr_load_acquire(&latch->visiting) != 0; turn++) {
                wr_pause();
                if (turn >= SPINS_BEFORE_YIELD)
                        wr_yield();
        }
}

static inline bool
latch_try(struct wr_latch *latch)
{
        wr_store(&latch->busy, 1); /* L1 */
        latch_fence(latch);
        return wr_load_acquire(&latch->visiting) == 0; /* L2 */
}

static __attribute__((noinline)) void
latch_enter_visited(struct wr_latch *latch)
{
        do {
                wr_store_release(&latch->busy, 0); /* L3 */
                latch_wait_visitor(latch);
        } while (!latch_try(latch));
}

void
wr_latch_enter(struct wr_latch *latch)
{
        if (!latch_try(latch))
                latch_enter_visited(latch);
}

void
wr_latch_leave(struct wr_latch *latch)
{
        wr_store_release(&latch->busy, 0); /* L5 */
}

/* False: the barrier is refused (a filter that came later). Then nobody visits; the owner's next call does the work. */
static bool
visit_barrier(const struct wr_latch *latch)
{
        if (!latch->costly)
                return wr_barrier_all(); /* V2 */
        wr_fence();
        return true;
}

bool
wr_latch_visit(struct wr_latch *latch)
{
        wr_store(&latch->visiting, 1);                                  /* V1 */
        if (visit_barrier(latch) && wr_load_acquire(&latch->busy) == 0) /* V3 */
                return true;
        wr_store_release(&latch->visiting, 0);
        return false;
}

void
wr_latch_depart(struct wr_latch *latch)
{
        wr_store_release(&latch->visiting, 0); /* V5 */
}
