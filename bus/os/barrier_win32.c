/* FlushProcessWriteBuffers: an interrupt on every processor that runs a thread of this process. */
#include "bus/os/barrier.h"

#include <windows.h>

/* Windows has it since Vista. Wine has the name, which in 8.0 does nothing; what a later one does nobody can tell from
 * here, since an order that is missing is seldom missed. */
bool
wr_barrier_available(void)
{
        HMODULE system = GetModuleHandleW(L"ntdll.dll");

        return system != NULL && GetProcAddress(system, "wine_get_version") == NULL;
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
