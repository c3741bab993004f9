/* The clock, and the cycle counter that stands for it. Each reading is held between two of the system's. */
#include "bus/os/clock.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>
#include <time.h>

TestSuite(clock, .timeout = 30);

enum { ERROR_NS = 1000, RUN_NS = 60000000 };

static int64_t
system_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* One reading, which must be right to a microsecond whatever happens to this thread meanwhile. */
static int64_t
read_checked(struct wr_clock *clock)
{
        int64_t before = wr_clock_ns(), fast = wr_clock_fast_ns(clock), after = wr_clock_ns();

        cr_assert(ge(i64, fast, before - ERROR_NS));
        cr_assert(le(i64, fast, after + ERROR_NS));
        return fast;
}

static void
run_checked(struct wr_clock *clock, int64_t for_ns)
{
        int64_t until = wr_clock_ns() + for_ns, last = 0;

        while (last < until) {
                int64_t now = read_checked(clock);

                cr_assert(ge(i64, now, last));
                last = now;
        }
}

#if defined(__x86_64__)
#        include <cpuid.h>

static bool
counter_is_invariant(void)
{
        unsigned int a, b, c, d = 0;

        return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & 1u << 8) != 0;
}
#else
static bool
counter_is_invariant(void)
{
        return false;
}
#endif

Test(clock, it_is_the_systems_monotonic_clock)
{
        for (int i = 0; i < 1000; i++) {
                int64_t before = system_ns(), now = wr_clock_ns(), after = system_ns();

                cr_assert(le(i64, before, now));
                cr_assert(le(i64, now, after));
        }
}

Test(clock, the_fast_one_is_right_to_a_microsecond_and_never_runs_backwards)
{
        struct wr_clock clock;

        memset(&clock, 0, sizeof clock);
        run_checked(&clock, RUN_NS);
        /* And it is the cycle counter that was checked, where there is one. */
        cr_assert(eq(int, clock.scale != 0, counter_is_invariant()));
}

Test(clock, the_fast_one_stays_right_when_it_is_read_rarely)
{
        struct timespec pause = { 0, 3000000 };
        struct wr_clock clock;

        memset(&clock, 0, sizeof clock);
        run_checked(&clock, RUN_NS / 6);
        for (int i = 0; i < 10; i++) {
                nanosleep(&pause, NULL);
                read_checked(&clock);
        }
}

Test(clock, a_counter_that_jumped_in_either_direction_costs_no_wrong_reading)
{
        struct wr_clock clock;

        memset(&clock, 0, sizeof clock);
        run_checked(&clock, RUN_NS / 6);
        clock.cycles += UINT64_C(1) << 40; /* as if the counter had been set back */
        run_checked(&clock, RUN_NS / 6);
        clock.cycles -= UINT64_C(1) << 40;
        run_checked(&clock, RUN_NS / 6);
        clock.first_cycles -= UINT64_C(1) << 30; /* or had run through a sleep of the machine */
        run_checked(&clock, RUN_NS / 6);
        clock.first_cycles += UINT64_C(1) << 50;
        run_checked(&clock, RUN_NS / 6);
}

Test(clock, a_reading_is_never_before_the_last_one_also_when_the_line_is_wrong)
{
        struct wr_clock clock;
        int64_t last;

        memset(&clock, 0, sizeof clock);
        run_checked(&clock, RUN_NS / 6);
        last = wr_clock_fast_ns(&clock);
        clock.ns -= 500000;
        cr_assert(ge(i64, wr_clock_fast_ns(&clock), last));
}
