/*
 * The cycle counter as a clock. Between two anchors time is a straight line:
 *
 *      ns ^                       . line of the last anchor: ns + (cycles - anchor) * scale
 *         |                   . '
 *         |               *        new anchor: one look at both clocks, at most WINDOW_NS after the last
 *         |           . '          scale is refined over a baseline that grows from BASELINE_MIN to _MAX
 *         |       *  last anchor
 *         +-------------------------> cycles
 *
 * The anchors come so close together that even the largest slew of the system clock (500 ppm) moves it by half a
 * microsecond between two of them.
 */
#include "bus/os/clock.h"

#include "bus/atomic.h"

enum {
        WINDOW_NS = 1000000,
        BASELINE_MIN_NS = 4000000,    /* shorter ones measure how long it takes to look at a clock */
        BASELINE_MAX_NS = 1000000000, /* longer ones average over slews that are long past */
        LOOK_CYCLES_MAX = 1000        /* a look that took longer was interrupted, or the clock is a system call */
};

#if defined(__x86_64__) || defined(__i386__)
#        include <cpuid.h>

/* CPUID leaf 0x80000007, EDX bit 8: the same rate in all power states. */
static bool
cycles_are_invariant(void)
{
        unsigned int a, b, c, d = 0;

        return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & 1u << 8) != 0;
}
#else
static bool
cycles_are_invariant(void)
{
        return false;
}
#endif

/* Asked once per process: in a virtual machine CPUID costs a trip to the host. */
bool
wr_clock_cycles_usable(void)
{
        static wr_word32 known; /* 0: not asked yet, 1: no, 2: yes */
        uint32_t answer = wr_load32(&known);

        if (answer == 0) {
                answer = cycles_are_invariant() ? 2 : 1;
                wr_store32(&known, answer);
        }
        return answer == 2;
}

/* Both clocks at one moment; false when that took too long to be called one moment. `ns` is set either way. */
static bool
look(uint64_t *cycles, int64_t *ns)
{
        uint64_t before = wr_clock_cycles();
        uint64_t took;

        *ns = wr_clock_ns();
        took = wr_clock_cycles() - before;
        *cycles = before + took / 2;
        return took <= LOOK_CYCLES_MAX;
}

static void
calibration_restart(struct wr_clock *clock, uint64_t cycles, int64_t ns)
{
        clock->first_cycles = cycles;
        clock->first_ns = ns;
}

static void
calibrate(struct wr_clock *clock, uint64_t cycles, int64_t ns)
{
        int64_t baseline_ns = ns - clock->first_ns;
        uint64_t scale, change;

        if (clock->first_ns == 0 || baseline_ns > 2 * (int64_t)BASELINE_MAX_NS || cycles <= clock->first_cycles) {
                calibration_restart(clock, cycles, ns); /* the first look, or one after a long pause */
                return;
        }
        if (baseline_ns < BASELINE_MIN_NS)
                return;
        /* baseline_ns is below 2^31, so nothing is lost on the left. */
        scale = ((uint64_t)baseline_ns << 32) / (cycles - clock->first_cycles);
        change = scale > clock->scale ? scale - clock->scale : clock->scale - scale;
        if (clock->scale != 0 && change > clock->scale / 512) {
                /* No slew does that: the machine slept or moved. What was measured before counts no longer. */
                clock->scale = clock->window = 0;
                calibration_restart(clock, cycles, ns);
                return;
        }
        clock->scale = scale;
        clock->window = scale != 0 ? ((uint64_t)WINDOW_NS << 32) / scale : 0;
        if (baseline_ns > BASELINE_MAX_NS)
                calibration_restart(clock, cycles, ns);
}

static int64_t
anchor(struct wr_clock *clock)
{
        uint64_t cycles;
        int64_t ns;

        if (look(&cycles, &ns)) {
                calibrate(clock, cycles, ns);
                clock->cycles = cycles;
                clock->ns = ns;
        }
        return ns;
}

int64_t
wr_clock_anchored_ns(struct wr_clock *clock)
{
        int64_t ns = wr_clock_cycles_usable() ? anchor(clock) : wr_clock_ns();

        if (ns < clock->last_ns)
                return clock->last_ns;
        clock->last_ns = ns;
        return ns;
}
