/* Ctrl-C and Ctrl-Break: the demo's waits end, it ends its children and removes its policy, exit 130. When the console
 * closes or the session ends the system leaves a few seconds for that. */
#include "clients/demo/demo_stop.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <weir/weir.h>
#include <windows.h>

enum { INTERRUPTED = 2, TERMINATED = 15, FAREWELL_MS = 4000 }; /* the numbers of SIGINT and SIGTERM */

static _Atomic(struct weir *) interrupted_bus;
static atomic_int caught;
static HANDLE main_thread;

/* In a thread of its own. */
static BOOL WINAPI
on_console(DWORD kind)
{
        bool stays = kind == CTRL_C_EVENT || kind == CTRL_BREAK_EVENT;
        struct weir *bus;

        atomic_store(&caught, stays ? INTERRUPTED : TERMINATED);
        bus = atomic_load(&interrupted_bus);
        if (bus != NULL)
                weir_interrupt(bus, 1);
        CancelSynchronousIo(main_thread); /* nothing under way: nothing happens */
        if (!stays)
                Sleep(FAREWELL_MS); /* the process ends when this returns, or when the main thread is done */
        return TRUE;
}

void
demo_stop_open(void)
{
        DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), &main_thread, 0, FALSE,
                        DUPLICATE_SAME_ACCESS);
        SetConsoleCtrlHandler(on_console, TRUE);
}

void
demo_stop_interrupts(struct weir *bus)
{
        atomic_store(&interrupted_bus, bus);
}

int
demo_stopped(void)
{
        return atomic_load(&caught);
}
