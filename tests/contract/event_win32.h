/* Included by event_kit.h alone: the native handle of Windows, beside others and in the system's pool of threads. */
#ifndef WR_TEST_EVENT_WIN32_H
#define WR_TEST_EVENT_WIN32_H

#define NO_HANDLE NULL

enum { ROUNDS = 100 };

/* Of the system's own wait, for the handle beside the end of a child. */
struct native_wait {
        HANDLE handles[2];
};

static KIT_UNUSED struct native_wait
native_wait_open(struct weir *bus, const struct kit_child *beside)
{
        return (struct native_wait){ { beside->process, weir_wakeup(bus) } };
}

/* Did it wake for the handle, within twenty seconds? */
static KIT_UNUSED bool
native_wait_wakes(const struct native_wait *wait)
{
        return WaitForMultipleObjects(2, wait->handles, FALSE, 20000) == WAIT_OBJECT_0 + 1;
}

static KIT_UNUSED void
native_wait_close(const struct native_wait *wait)
{
        (void)wait;
}

/* What the system calls when the handle says so: a thread of its pool. */
struct native_loop {
        bool (*call)(void *user); /* false: that was all */
        void *user;
        HANDLE done;
};

/* Called by the pool's thread, one call at a time. */
static KIT_UNUSED void CALLBACK
native_loop_calls(void *argument, BOOLEAN timed_out)
{
        struct native_loop *loop = argument;

        (void)timed_out;
        if (!loop->call(loop->user))
                SetEvent(loop->done);
}

/* Calls until that was all; `begin` once it waits. */
static KIT_UNUSED void
native_loop_run(struct native_loop *loop, struct weir *bus, void (*begin)(void *user))
{
        HANDLE wait;

        loop->done = CreateEventW(NULL, TRUE, FALSE, NULL);
        kit_must(RegisterWaitForSingleObject(&wait, weir_wakeup(bus), native_loop_calls, loop, INFINITE,
                                             WT_EXECUTEINWAITTHREAD));
        begin(loop->user);
        kit_must(WaitForSingleObject(loop->done, 30000) == WAIT_OBJECT_0);
        kit_must(UnregisterWaitEx(wait, INVALID_HANDLE_VALUE));
        CloseHandle(loop->done);
}

#endif
