/* A full barrier on every running thread of this process, for bus/latch.h. */
#ifndef WR_BARRIER_H
#define WR_BARRIER_H

#include <stdbool.h>

/* Once per process before the first use; false: this system has none (the latch then pays itself). Any thread. */
bool
wr_barrier_available(void);

/* membarrier(PRIVATE_EXPEDITED); FlushProcessWriteBuffers. Only after wr_barrier_available() said true. False: it is
 * refused now (a filter that came later). */
bool
wr_barrier_all(void);

/* The same on every process of the system that has called wr_barrier_system_available() and got true: for the rare side
 * of bus/pair.h, whose other side is another process. Once per process before the first use, later calls are cheap; any
 * thread. False on Windows, which has no such call. */
bool
wr_barrier_system_available(void);

/* membarrier(GLOBAL_EXPEDITED), half a microsecond. False: it is refused now (a filter that came later), and
 * wr_barrier_system_available() says false from now on. */
bool
wr_barrier_system(void);

/* Gives the processor away for a moment. */
void
wr_yield(void);

#endif
