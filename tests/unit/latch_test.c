#include "bus/latch.h"

#include "bus/os/barrier.h"
#include "bus/os/clock.h"

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

/* ---- at the same moment ---- */

enum { ROUND_SPINS = 64, VISIT_SPINS = 256, CROWD_LINES = 48, ROUNDS_NS = 1000000000 };

/* Stores wait for lines that the other side has, and a store waits for those before it: so the latch's own are under
 * way for as long as any processor lets them. A barrier that does nothing is seen within a second. */
static struct {
        _Alignas(64) _Atomic uint64_t word;
} crowd[CROWD_LINES];

static _Alignas(64) _Atomic uint64_t round_begun;
static _Alignas(64) _Atomic uint64_t round_ended;
static _Alignas(64) _Atomic bool owner_is_inside;

static void
crowd_store(uint64_t value)
{
        for (int i = 0; i < CROWD_LINES; i++)
                atomic_store_explicit(&crowd[i].word, value, memory_order_relaxed);
}

static void *
enter_each_round(void *unused)
{
        for (uint64_t round = 1;; round++) {
                while (atomic_load(&round_begun) != round)
                        if (atomic_load(&over))
                                return unused;
                crowd_store(round);
                wr_latch_enter(&latch);
                atomic_store(&owner_is_inside, true);
                for (int spin = 0; spin < ROUND_SPINS; spin++)
                        wr_pause();
                atomic_store(&owner_is_inside, false);
                wr_latch_leave(&latch);
                atomic_store(&round_ended, round);
        }
}

Test(latch, a_visit_and_an_entry_at_the_same_moment_do_not_both_succeed)
{
        int64_t until_ns = wr_clock_ns() + ROUNDS_NS;
        uint64_t both = 0;
        pthread_t thread;

        latch.costly = !wr_barrier_available();
        cr_assert(eq(int, pthread_create(&thread, NULL, enter_each_round, NULL), 0));
        for (uint64_t round = 1; wr_clock_ns() < until_ns; round++) {
                bool visited;

                crowd_store(round);
                atomic_store(&round_begun, round);
                for (uint64_t spin = round % ROUND_SPINS; spin > 0; spin--)
                        wr_pause();
                visited = wr_latch_visit(&latch);
                for (int spin = 0; visited && spin < VISIT_SPINS; spin++) {
                        both += atomic_load(&owner_is_inside);
                        wr_pause();
                }
                if (visited)
                        wr_latch_depart(&latch);
                while (atomic_load(&round_ended) != round)
                        wr_pause();
        }
        atomic_store(&over, true);
        pthread_join(thread, NULL);
        cr_assert(eq(u64, both, 0));
}
