#include "bench/placement.h"

#include <assert.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>

static_assert(sizeof(cpu_set_t) <= sizeof(struct bench_affinity), "a set is kept whole");
static_assert((int)CPU_SETSIZE <= (int)BENCH_CPUS_MAX, "no processor is overlooked");

bool
bench_placement_allowed(int cpu)
{
        cpu_set_t set;

        return cpu >= 0 && cpu < CPU_SETSIZE && sched_getaffinity(0, sizeof set, &set) == 0 &&
               CPU_ISSET((size_t)cpu, &set);
}

bool
bench_placement_pin(int cpu, struct bench_affinity *before)
{
        cpu_set_t set;

        if (before) {
                if (sched_getaffinity(0, sizeof set, &set) < 0)
                        return false;
                memcpy(before, &set, sizeof set);
        }
        CPU_ZERO(&set);
        CPU_SET((size_t)cpu, &set);
        return sched_setaffinity(0, sizeof set, &set) == 0;
}

void
bench_placement_unpin(const struct bench_affinity *before)
{
        cpu_set_t set;

        memcpy(&set, before, sizeof set);
        sched_setaffinity(0, sizeof set, &set);
}
