#include "bus/latch.h"

#include "bus/os/barrier.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>

static struct wr_latch latch;
static uint64_t inside; /* plain on purpose: the latch is what orders it */
static _Atomic bool over;

static void *
visitor(void *visits)
{
        uint64_t *count = visits;

        while (!atomic_load(&over) || *count == 0) {
                if (!wr_latch_visit(&latch))
                        continue;
                inside += 1;
                *count += 1;
                wr_latch_depart(&latch);
        }
        return NULL;
}

static void
nothing_is_lost_between(bool costly)
{
        enum { ENTRIES = 10 * 1000 }; /* each may interrupt a core that a hypervisor has put aside */
        uint64_t visits = 0;
        pthread_t thread;

        latch.costly = costly;
        cr_assert(eq(int, pthread_create(&thread, NULL, visitor, &visits), 0));
        for (int n = 0; n < ENTRIES; n++) {
                wr_latch_enter(&latch);
                inside += 1;
                wr_latch_leave(&latch);
        }
        atomic_store(&over, true);
        pthread_join(thread, NULL);
        cr_assert(gt(u64, visits, 0));
        cr_assert(eq(u64, inside, ENTRIES + visits));
}

Test(latch, the_two_sides_are_never_inside_together)
{
        nothing_is_lost_between(!wr_barrier_available());
}

Test(latch, nor_where_the_system_has_no_barrier)
{
        nothing_is_lost_between(true);
}

Test(latch, a_visit_is_refused_while_the_owner_is_inside)
{
        latch.costly = !wr_barrier_available();
        wr_latch_enter(&latch);
        cr_assert(not(wr_latch_visit(&latch)));
        wr_latch_leave(&latch);
        cr_assert(wr_latch_visit(&latch));
        wr_latch_depart(&latch);
        wr_latch_enter(&latch);
        wr_latch_leave(&latch);
}
