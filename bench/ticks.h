/*
 * Time for measuring short things: the processor's cycle counter where it runs at one speed on all cores, else the
 * monotonic clock, whose 22 ns would be a sixth of a round trip. Ticks become nanoseconds when they are reported.
 */
#ifndef BENCH_TICKS_H
#define BENCH_TICKS_H

#include "bus/os/clock.h"

#include <stdint.h>

/* Nanoseconds of one tick; 1 where ticks are those of the clock. Set by bench_ticks_calibrate(). */
extern double bench_tick_ns;
/* Ticks by which the counter moves at least: some count at 100 MHz and multiply. */
extern uint64_t bench_tick_granule;
extern int bench_ticks_are_cycles;

/* Takes 20 ms. Before the first run. */
void
bench_ticks_calibrate(void);

static inline uint64_t
bench_clock_ns(void)
{
        return (uint64_t)wr_clock_ns();
}

static inline uint64_t
bench_ticks(void)
{
        return bench_ticks_are_cycles ? wr_clock_cycles() : bench_clock_ns();
}

#endif
