/* Time. One monotonic clock for all processes of the machine. */
#ifndef WR_CLOCK_H
#define WR_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* CLOCK_MONOTONIC; on Windows QueryPerformanceCounter, as nanoseconds. About 22 ns. */
int64_t
wr_clock_ns(void);

/* The same clock by a calibrated cycle counter where that is invariant (checked by CPUID), else wr_clock_ns().
 * A few ns; within 1 us of wr_clock_ns(); never runs backwards on one `clock`, which belongs to one thread at a
 * time and starts all zero. */
struct wr_clock {
        uint64_t cycles, scale; /* anchor, and ns per cycle as 32.32 fixed point; scale 0: not calibrated yet */
        int64_t ns, last_ns;
        uint64_t first_cycles;
        int64_t first_ns;
        uint64_t window; /* the anchor is good for so many cycles; 0: there is none */
};

/* Does the counter run at one rate on every core and in every state? That is what CPUID promises, or not. Any thread.
 */
bool
wr_clock_cycles_usable(void);

/* Looks at both clocks where the anchor is no longer good, or there is no such counter. */
int64_t
wr_clock_anchored_ns(struct wr_clock *clock);

/* From now on it stands still, at this time: for who publishes what was published elsewhere, then. */
static inline void
wr_clock_stand(struct wr_clock *clock, int64_t ns)
{
        *clock = (struct wr_clock){ .ns = ns, .last_ns = ns, .window = UINT64_MAX };
}

#if defined(__x86_64__) || defined(__i386__)
static inline uint64_t
wr_clock_cycles(void)
{
        return __builtin_ia32_rdtsc();
}
#else
static inline uint64_t
wr_clock_cycles(void)
{
        return 0; /* no window is ever open */
}
#endif

static inline int64_t
wr_clock_fast_ns(struct wr_clock *clock)
{
        uint64_t passed = wr_clock_cycles() - clock->cycles;
        int64_t ns;

        /* The product stays below 2^52: a window is a millisecond. A counter that ran backwards is a huge distance. */
        if (passed >= clock->window)
                return wr_clock_anchored_ns(clock);
        ns = clock->ns + (int64_t)(passed * clock->scale >> 32);
        if (ns > clock->last_ns)
                clock->last_ns = ns;
        return clock->last_ns;
}

#endif
