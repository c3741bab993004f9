/* QueryPerformanceCounter as nanoseconds: one for all processes of the machine. */
#include "bus/os/clock.h"

#include <windows.h>

int64_t
wr_clock_ns(void)
{
        LARGE_INTEGER ticks, per_second;

        /* Neither fails on any Windows since XP. The frequency is a constant that is read from a shared page. */
        QueryPerformanceFrequency(&per_second);
        QueryPerformanceCounter(&ticks);
        /* In two parts, since ticks times 1e9 overflows after a quarter of an hour of a 10 MHz counter. */
        return ticks.QuadPart / per_second.QuadPart * 1000000000 +
               ticks.QuadPart % per_second.QuadPart * 1000000000 / per_second.QuadPart;
}
