/* Processors come in groups of up to 64; a process whose threads run in one group has a mask in it, too. */
#include "bench/placement.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum { GROUP_CPUS = 64 };

static_assert(sizeof(GROUP_AFFINITY) <= sizeof(struct bench_affinity), "an affinity is kept whole");

/* Which processors of a group there are; 0: none, or no such group. */
static KAFFINITY
group_mask(WORD group)
{
        SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX *found;
        KAFFINITY mask = 0;
        DWORD bytes = 0;

        GetLogicalProcessorInformationEx(RelationGroup, NULL, &bytes);
        found = calloc(1, bytes);
        if (found != NULL && GetLogicalProcessorInformationEx(RelationGroup, found, &bytes) &&
            group < found->Group.ActiveGroupCount)
                mask = found->Group.GroupInfo[group].ActiveProcessorMask;
        free(found);
        return mask;
}

bool
bench_placement_allowed(int cpu)
{
        WORD group = (WORD)(cpu / GROUP_CPUS);
        DWORD_PTR ours = 0, all = 0;
        GROUP_AFFINITY own;
        KAFFINITY mask;

        if (cpu < 0 || cpu >= BENCH_CPUS_MAX)
                return false;
        mask = group_mask(group);
        /* The process's mask is of its own group; zero where it has threads in several. */
        if (GetProcessAffinityMask(GetCurrentProcess(), &ours, &all) && ours != 0 &&
            GetThreadGroupAffinity(GetCurrentThread(), &own) && own.Group == group)
                mask &= ours;
        return (mask >> cpu % GROUP_CPUS & 1) != 0;
}

bool
bench_placement_pin(int cpu, struct bench_affinity *before)
{
        GROUP_AFFINITY affinity = { .Mask = (KAFFINITY)1 << cpu % GROUP_CPUS, .Group = (WORD)(cpu / GROUP_CPUS) }, old;

        if (!SetThreadGroupAffinity(GetCurrentThread(), &affinity, &old))
                return false;
        if (before)
                memcpy(before, &old, sizeof old);
        return true;
}

void
bench_placement_unpin(const struct bench_affinity *before)
{
        GROUP_AFFINITY affinity;

        memcpy(&affinity, before, sizeof affinity);
        SetThreadGroupAffinity(GetCurrentThread(), &affinity, NULL);
}
