/* Whether a thread of this process has ended. */
#ifndef KIT_THREADS_H
#define KIT_THREADS_H

#include "tests/contract/kit_child.h"

#include <stdbool.h>

#ifdef _WIN32

typedef HANDLE kit_thread;

static KIT_UNUSED kit_thread
kit_thread_self(void)
{
        HANDLE self = OpenThread(SYNCHRONIZE, FALSE, GetCurrentThreadId());

        kit_must(self != NULL);
        return self;
}

static KIT_UNUSED bool
kit_thread_has_ended(kit_thread thread)
{
        return WaitForSingleObject(thread, 0) == WAIT_OBJECT_0;
}

#else

#        include <signal.h>
#        include <unistd.h>

typedef pid_t kit_thread;

static KIT_UNUSED kit_thread
kit_thread_self(void)
{
        return gettid();
}

static KIT_UNUSED bool
kit_thread_has_ended(kit_thread thread)
{
        return tgkill(getpid(), thread, 0) != 0;
}

#endif
#endif
