/* FlushProcessWriteBuffers: an interrupt on every processor that runs a thread of this process. */
#include "bus/os/barrier.h"

#include <windows.h>

bool
wr_barrier_available(void)
{
        return true; /* since Vista */
}

bool
wr_barrier_all(void)
{
        FlushProcessWriteBuffers();
        return true;
}

/* FlushProcessWriteBuffers reaches this process only, and a pair has two. */
bool
wr_barrier_system_available(void)
{
        return false;
}

bool
wr_barrier_system(void)
{
        return false;
}

void
wr_yield(void)
{
        SwitchToThread();
}
