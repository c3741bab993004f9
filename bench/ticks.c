/* The cycle counter is compared with the clock once: at the begin and at the end of 20 ms. Its granule is what two
 * readings in a row differ by, if nearly all of them differ by a multiple of one and the same number. */
#include "bench/ticks.h"

enum { CALIBRATION_NS = 20 * 1000 * 1000, LOOKS = 20, READINGS = 2000, ODD_READINGS_MAX = READINGS / 50 };

double bench_tick_ns = 1;
uint64_t bench_tick_granule = 1;
int bench_ticks_are_cycles;

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

/* Both at one moment, as nearly as can be: of some tries the one that nothing came between. */
static void
look(uint64_t *ticks, uint64_t *ns)
{
        uint64_t least = UINT64_MAX;

        for (int i = 0; i < LOOKS; i++) {
                uint64_t before = bench_ticks(), now = bench_clock_ns(), took = bench_ticks() - before;

                if (took >= least)
                        continue;
                least = took;
                *ticks = before + took / 2;
                *ns = now;
        }
}

void
bench_ticks_calibrate(void)
{
        uint64_t ticks = 0, ns = 0, ticks_end = 0, ns_end = 0;

        if (!wr_clock_cycles_usable())
                return;
        bench_ticks_are_cycles = 1;
        look(&ticks, &ns);
        while (bench_clock_ns() - ns < CALIBRATION_NS)
                ;
        look(&ticks_end, &ns_end);
        bench_tick_ns = (double)(ns_end - ns) / (double)(ticks_end - ticks);
        bench_tick_granule = find_granule();
}
