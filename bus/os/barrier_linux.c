/* membarrier: the rare side of the latch pays for the fence of the frequent side. */
#include "bus/os/barrier.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

static long
membarrier(int command)
{
        return syscall(SYS_membarrier, command, 0, 0);
}

bool
wr_barrier_available(void)
{
        long commands = membarrier(MEMBARRIER_CMD_QUERY);

        return commands > 0 && (commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0 &&
               membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
}

bool
wr_barrier_all(void)
{
        /* While the kernel has no memory for a mask of processors there is nothing to do but to ask again: to go on
         * without the barrier would be wrong. */
        while (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0) {
                if (errno == EPERM || errno == ENOSYS)
                        return false;
                wr_yield();
        }
        return true;
}

enum { UNKNOWN, PRESENT, ABSENT };

static bool
system_register(void)
{
        long commands = membarrier(MEMBARRIER_CMD_QUERY);

        return commands > 0 && (commands & MEMBARRIER_CMD_GLOBAL_EXPEDITED) != 0 &&
               membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) == 0;
}

static _Atomic int system_known; /* a forked child inherits the registration with the address space */

bool
wr_barrier_system_available(void)
{
        if (system_known == UNKNOWN)
                system_known = system_register() ? PRESENT : ABSENT;
        return system_known == PRESENT;
}

bool
wr_barrier_system(void)
{
        if (membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED) == 0)
                return true;
        system_known = ABSENT;
        return false;
}

void
wr_yield(void)
{
        sched_yield();
}
