/* Is this still the process that made an object, or a forked child that only inherited its bytes? */
#ifndef WR_FORK_H
#define WR_FORK_H

#include <stdbool.h>
#include <stdint.h>

/* A number that changes in a forked child, never 0; what an object notes when it is made. 0: it cannot be had. */
uint64_t
wr_fork_generation(void);

/* True in the process that noted it. Two loads: cheap enough for every call. Any thread, signal handlers too. */
bool
wr_fork_same(uint64_t generation);

#endif
