/*
 * One call of the system waits for 64 handles. A process has one table of handles, which no child inherits from us, so
 * there is none of its own to be made.
 *
 *      up to 64    WaitForMultipleObjects
 *      more        a look at all, 64 at a time; if there is nothing, a thread of the system's pool for each 63 of them
 * and an event that ends them all as soon as one has something
 *
 * All that is waited for here stays signalled until it was dealt with, so that looking takes nothing away: flags, ended
 * processes, and the two events of what object_win32.h calls a waitable.
 */
#include "named-objects/watch.h"

#include "bus/os/clock.h"
#include "named-objects/grant_win32.h"
#include "named-objects/object_win32.h"

#include <stdlib.h>

enum {
        HANDLES_MAX = MAXIMUM_WAIT_OBJECTS,
        GROUP_MAX = HANDLES_MAX - 1, /* the end of the wait is one more */
        ON_STACK = HANDLES_MAX,
        NS_PER_MS = 1000000,
        CROWDED_MS = 10,
        OBJECTS_MAX = 1 << 24, /* what a table of handles can hold */
};

enum weir_result
wr_watch_own_table(const wr_object *keep, size_t count)
{
        (void)keep, (void)count;
        return WEIR_OK;
}

/* What is waited for: handles[i] belongs to watches[owners[i]]. */
struct crowd {
        HANDLE *handles;
        uint32_t *owners;
        size_t count;
        HANDLE some_handles[ON_STACK];
        uint32_t some_owners[ON_STACK];
};

static void
crowd_add(struct crowd *crowd, HANDLE handle, size_t owner)
{
        crowd->handles[crowd->count] = handle;
        crowd->owners[crowd->count++] = (uint32_t)owner;
}

/* Only what can wake: a connection that has something to be read wakes nobody who does not want to read. */
static void
crowd_fill(struct crowd *crowd, struct wr_watch *watches, size_t count)
{
        crowd->count = 0;
        for (size_t i = 0; i < count; i++) {
                struct wr_waitable *waitable = wr_object_waitable(watches[i].object);

                watches[i].readable = watches[i].writable = watches[i].hung_up = false;
                if (watches[i].object == WR_NO_OBJECT)
                        continue;
                if (waitable == NULL) {
                        crowd_add(crowd, watches[i].object, i);
                        continue;
                }
                if (watches[i].read || waitable->hung_up(waitable) ||
                    WaitForSingleObject(waitable->readable, 0) != WAIT_OBJECT_0)
                        crowd_add(crowd, waitable->readable, i);
                if (watches[i].write && waitable->writable != NULL)
                        crowd_add(crowd, waitable->writable, i);
        }
}

/* false: it is nothing that was asked for. */
static bool
watch_tell(struct wr_watch *watch, HANDLE handle, bool is_valid)
{
        struct wr_waitable *waitable = wr_object_waitable(watch->object);

        if (!is_valid) {
                watch->hung_up = true;
        } else if (waitable == NULL) {
                watch->hung_up = wr_grant_kind_of(handle) == WR_GRANT_PROCESS;
                watch->readable = watch->read;
        } else if (handle == waitable->writable) {
                watch->writable = true;
        } else {
                watch->hung_up = waitable->hung_up(waitable);
                watch->readable = watch->read;
        }
        return watch->hung_up || watch->readable || watch->writable;
}

/* Tells all that have something, from handles[at] on; one call for each of them and each 64. */
static bool
crowd_look(const struct crowd *crowd, size_t at, struct wr_watch *watches)
{
        bool any = false;

        while (at < crowd->count) {
                size_t group = crowd->count - at < HANDLES_MAX ? crowd->count - at : HANDLES_MAX;
                DWORD found = WaitForMultipleObjects((DWORD)group, crowd->handles + at, FALSE, 0);
                bool is_valid = true;

                if (found == WAIT_TIMEOUT) {
                        at += group;
                        continue;
                }
                if (found < WAIT_OBJECT_0 + group) {
                        at += found - WAIT_OBJECT_0;
                } else { /* one of them is no handle any more: which? */
                        found = WaitForSingleObject(crowd->handles[at], 0);
                        is_valid = found != WAIT_FAILED;
                        if (found == WAIT_TIMEOUT) {
                                at++;
                                continue;
                        }
                }
                any |= watch_tell(&watches[crowd->owners[at]], crowd->handles[at], is_valid);
                at++;
        }
        return any;
}

/* ---- more than one call takes ---------------------------------------------------------------------------------- */

struct groups {
        const struct crowd *crowd;
        HANDLE over;
        volatile LONG next;
};

/* One of them, in a thread of the pool. */
static void CALLBACK
group_wait(PTP_CALLBACK_INSTANCE instance, void *argument, PTP_WORK work)
{
        struct groups *groups = argument;
        size_t first = (size_t)(InterlockedIncrement(&groups->next) - 1) * GROUP_MAX;
        size_t left = groups->crowd->count - first, group = left < GROUP_MAX ? left : GROUP_MAX;
        HANDLE handles[HANDLES_MAX] = { groups->over };

        (void)work;
        CallbackMayRunLong(instance);
        for (size_t i = 0; i < group; i++)
                handles[1 + i] = groups->crowd->handles[first + i];
        WaitForMultipleObjects((DWORD)(1 + group), handles, FALSE, INFINITE);
        SetEvent(groups->over);
}

/* false: the system has no threads or no event for it now. */
static bool
groups_wait(const struct crowd *crowd, DWORD timeout_ms)
{
        struct groups groups = { .crowd = crowd, .over = CreateEventW(NULL, TRUE, FALSE, NULL) };
        PTP_WORK work = groups.over != NULL ? CreateThreadpoolWork(group_wait, &groups, NULL) : NULL;

        if (work != NULL) {
                for (size_t first = 0; first < crowd->count; first += GROUP_MAX)
                        SubmitThreadpoolWork(work);
                WaitForSingleObject(groups.over, timeout_ms);
                SetEvent(groups.over);
                WaitForThreadpoolWorkCallbacks(work, TRUE); /* those that had no thread yet never run */
                CloseThreadpoolWork(work);
        }
        if (groups.over != NULL)
                CloseHandle(groups.over);
        return work != NULL;
}

/* ---- the wait -------------------------------------------------------------------------------------------------- */

/* Milliseconds until then, rounded up: a wait that ended too early would be repeated without end. */
static DWORD
remaining_ms(int64_t deadline_ns)
{
        int64_t left_ns = deadline_ns - wr_clock_ns();

        if (deadline_ns == INT64_MAX)
                return INFINITE;
        if (left_ns <= 0)
                return 0;
        return left_ns / NS_PER_MS >= INFINITE - 1 ? INFINITE - 1 : (DWORD)((left_ns + NS_PER_MS - 1) / NS_PER_MS);
}

static void
crowd_wait(const struct crowd *crowd, struct wr_watch *watches, int64_t deadline_ns)
{
        DWORD left_ms, found = WAIT_FAILED;

        while (!crowd_look(crowd, 0, watches) && (left_ms = remaining_ms(deadline_ns)) != 0) {
                if (crowd->count == 0)
                        Sleep(left_ms);
                else if (crowd->count <= HANDLES_MAX)
                        found = WaitForMultipleObjects((DWORD)crowd->count, crowd->handles, FALSE, left_ms);
                else if (!groups_wait(crowd, left_ms))
                        Sleep(left_ms < CROWDED_MS ? left_ms : CROWDED_MS);
                if (found < WAIT_OBJECT_0 + crowd->count) {
                        crowd_look(crowd, found - WAIT_OBJECT_0, watches);
                        return; /* for nothing, it may be, that was asked for: the caller looks again */
                }
        }
}

void
wr_watch_wait(struct wr_watch *watches, size_t count, int64_t timeout_ns)
{
        struct crowd crowd = { .handles = crowd.some_handles, .owners = crowd.some_owners };
        int64_t now_ns = wr_clock_ns(), deadline_ns = INT64_MAX;
        void *memory = NULL;

        if (timeout_ns < INT64_MAX - now_ns)
                deadline_ns = now_ns + timeout_ns;
        if (2 * count > ON_STACK) { /* a connection has two events */
                memory = malloc(2 * count * (sizeof *crowd.handles + sizeof *crowd.owners));
                if (memory != NULL) {
                        crowd.handles = memory;
                        crowd.owners = (uint32_t *)(void *)(crowd.handles + 2 * count);
                } else { /* wait for what fits, and not for long, so that the others have their turn */
                        for (size_t i = ON_STACK / 2; i < count; i++)
                                watches[i].readable = watches[i].writable = watches[i].hung_up = false;
                        count = ON_STACK / 2;
                        deadline_ns = now_ns + CROWDED_MS * NS_PER_MS;
                }
        }
        crowd_fill(&crowd, watches, count);
        crowd_wait(&crowd, watches, deadline_ns);
        free(memory);
}

uint32_t
wr_watch_objects_max(void)
{
        return OBJECTS_MAX;
}

uint32_t
wr_watch_objects_now(void)
{
        DWORD count = 0;

        return GetProcessHandleCount(GetCurrentProcess(), &count) ? count : 0;
}

/* A process's table has no limit of its own that could be raised. */
void
wr_watch_objects_raise(void)
{
}
