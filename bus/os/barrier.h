/* A full barrier on every running thread of this process, for bus/latch.h. */
#ifndef WR_BARRIER_H
#define WR_BARRIER_H

#include <stdbool.h>

/* Once per process before the first use; false: this system has none (the latch then pays itself). Any thread. */
bool
wr_barrier_available(void);

/* membarrier(PRIVATE_EXPEDITED); FlushProcessWriteBuffers. Only after wr_barrier_available() said true. */
void
wr_barrier_all(void);

/* Gives the processor away for a moment. */
void
wr_yield(void);

#endif
