/* What the system says of this process's writable mapping of its only lane. */
#ifndef LANE_MAPPING_H
#define LANE_MAPPING_H

#include "tests/contract/kit_child.h"

#include <stdbool.h>

struct mapping {
        uint8_t *from, *to;
        uint64_t resident; /* Windows: committed */
        int huge;          /* huge pages are asked for anywhere in it */
};

#ifdef _WIN32

enum { HUGE_CAN_BE_ASKED_FOR = 0, LANE_LEAST = 1 << 18 /* pair pages are smaller */ };

static KIT_UNUSED struct mapping
lane_mapping(void)
{
        struct mapping lane = { 0 };
        MEMORY_BASIC_INFORMATION run;
        uint8_t *at = NULL, *begin = NULL;

        for (; VirtualQuery(at, &run, sizeof run) == sizeof run; at += run.RegionSize) {
                bool is_ours = run.Type == MEM_MAPPED && run.AllocationProtect == PAGE_READWRITE;

                if (!is_ours || (uint8_t *)run.AllocationBase != begin) {
                        if (lane.to - lane.from >= LANE_LEAST)
                                break;
                        lane = (struct mapping){ 0 };
                        begin = is_ours ? run.AllocationBase : NULL;
                }
                if (!is_ours)
                        continue;
                lane.from = begin;
                lane.to = (uint8_t *)run.BaseAddress + run.RegionSize;
                lane.resident += run.State == MEM_COMMIT ? run.RegionSize : 0;
        }
        kit_must(lane.to - lane.from >= LANE_LEAST);
        return lane;
}

#else

#        define HUGE_CAN_BE_ASKED_FOR (access("/sys/kernel/mm/transparent_hugepage", F_OK) == 0)

static KIT_UNUSED struct mapping
lane_mapping(void)
{
        struct mapping lane = { 0 };
        FILE *smaps = fopen("/proc/self/smaps", "re");
        char line[512];
        int inside = 0;

        kit_must(smaps != NULL);
        while (fgets(line, sizeof line, smaps)) {
                void *from, *to;
                char rights[8];
                unsigned long kib;

                if (sscanf(line, "%p-%p %7s", &from, &to, rights) == 3) {
                        inside = rights[1] == 'w' && strstr(line, "weir-lane");
                        if (inside && !lane.from)
                                lane.from = from;
                        if (inside)
                                lane.to = to;
                } else if (inside && sscanf(line, "Rss: %lu kB", &kib) == 1) {
                        lane.resident += 1024 * (uint64_t)kib;
                } else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
                        lane.huge |= strstr(line, " hg") != NULL;
                }
        }
        fclose(smaps);
        kit_must(lane.from != NULL);
        return lane;
}

#endif
#endif
