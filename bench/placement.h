/* Where the two processes run, and how far apart the two processors are: everything that goes through the caches
 * changes with it, up to 25 times, and on virtual machines it changes while one looks. */
#ifndef BENCH_PLACEMENT_H
#define BENCH_PLACEMENT_H

#include <stdbool.h>
#include <stdint.h>

enum { BENCH_NEAR_NS = 100 }; /* processors that exchange a line faster share a cache */

enum { BENCH_CPUS_MAX = 1024 }; /* Windows: 64 times the number of the group, and the number in it */

/* The first two processors that this process may use; the same twice if it has only one. */
void
bench_placement_default(int cpus[2]);

/* True when this process may use that processor. */
bool
bench_placement_allowed(int cpu);

/* Where a thread may run, as the system has it. */
struct bench_affinity {
        uint64_t words[16];
};

/* Pin this thread. before: where it might run until then; may be NULL. */
bool
bench_placement_pin(int cpu, struct bench_affinity *before);

void
bench_placement_unpin(const struct bench_affinity *before);

/* Half a round trip of one cache line between the two, in ns: the median of some batches; about 5 ms. Negative when it
 * cannot be measured. */
double
bench_placement_line_ns(const int cpus[2]);

/* "near", "far", or "same" for one and the same processor. */
const char *
bench_placement_name(const int cpus[2], double line_ns);

#endif
