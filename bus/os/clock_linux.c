/* CLOCK_MONOTONIC: one for all processes of the machine, outside time namespaces. */
#include "bus/os/clock.h"

#include <time.h>

int64_t
wr_clock_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
