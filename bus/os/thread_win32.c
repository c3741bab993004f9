#include "bus/os/thread.h"

#include <process.h>
#include <stdint.h>
#include <stdlib.h>
#include <windows.h>

/* What the thread is to run; the thread's own from its first moment. */
struct start {
        void *(*main)(void *);
        void *argument;
};

static unsigned __stdcall run(void *argument)
{
        struct start start = *(struct start *)argument;

        free(argument);
        start.main(start.argument);
        return 0;
}

/* By way of the C library, which has its own for each thread (the start of a thread by CreateThread would leave it). */
bool
wr_thread_start(wr_thread *thread, void *(*main)(void *), void *argument, size_t stack_bytes)
{
        struct start *start = malloc(sizeof *start);

        if (!start)
                return false;
        *start = (struct start){ main, argument };
        *thread = (wr_thread)_beginthreadex(NULL, (unsigned)stack_bytes, run, start, STACK_SIZE_PARAM_IS_A_RESERVATION,
                                            NULL);
        if (*thread)
                return true;
        free(start);
        return false;
}

void
wr_thread_join(wr_thread thread)
{
        WaitForSingleObject(thread, INFINITE);
        CloseHandle(thread);
}

void
wr_thread_detach(wr_thread thread)
{
        CloseHandle(thread);
}
