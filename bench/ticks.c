/* The cycle counter is compared with the clock once: at the begin and at the end of 20 ms. Its granule is what two
 * readings in a row differ by, if nearly all of them differ by a multiple of one and the same number. */
#include "bench/ticks.h"

#if defined(__x86_64__)
#        include <cpuid.h>
#endif

enum { CALIBRATION_NS = 20 * 1000 * 1000, READINGS = 2000, ODD_READINGS_MAX = READINGS / 50 };

double bench_tick_ns = 1;
uint64_t bench_tick_granule = 1;
int bench_ticks_are_cycles;

#if defined(__x86_64__)
/* The same rate whatever the processor's speed or sleep: CPUID's own promise. */
static int
counter_is_invariant(void)
{
        unsigned int a, b, c, d;

        return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & (1u << 8)) != 0;
}
#else
static int
counter_is_invariant(void)
{
        return 0;
}
#endif

static uint64_t
find_granule(void)
{
        uint64_t steps[READINGS], smallest = UINT64_MAX, before = bench_ticks();
        int odd = 0;

        for (int i = 0; i < READINGS; i++) {
                uint64_t now = bench_ticks();

                steps[i] = now - before;
                before = now;
                if (steps[i] > 2 && steps[i] < smallest)
                        smallest = steps[i];
        }
        for (int i = 0; i < READINGS; i++)
                odd += (steps[i] + 1) % smallest > 2; /* a multiple, or one beside it */
        return odd <= ODD_READINGS_MAX ? smallest : 1;
}

void
bench_ticks_calibrate(void)
{
        uint64_t ns = bench_clock_ns(), elapsed_ns, ticks;

        if (!counter_is_invariant())
                return;
        bench_ticks_are_cycles = 1;
        ticks = bench_ticks();
        do
                elapsed_ns = bench_clock_ns() - ns;
        while (elapsed_ns < CALIBRATION_NS);
        bench_tick_ns = (double)elapsed_ns / (double)(bench_ticks() - ticks);
        bench_tick_granule = find_granule();
}
