/* Numbers that nobody can guess, from the kernel. */
#ifndef WR_RANDOM_H
#define WR_RANDOM_H

#include <stdint.h>

/* 64 random bits. Does not fail: a system that has none left cannot go on, and the process is aborted. */
uint64_t
wr_random(void);

#endif
