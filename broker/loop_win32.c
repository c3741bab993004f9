/*
 * One completion port. The system's pool waits for each object once, and its thread posts a packet to the port; the
 * broker's thread alone does the rest. Level-triggered as epoll is, by the same means: what was ready is looked at
 * again before the next wait.
 *
 *      listed   to be looked at, by this thread, at the beginning of the next wait
 *        ├─ it is signalled, and says something that is wanted   ->  told, and listed again
 *        ├─ it is signalled, and nobody wants to know            ->  parked, until the hook is changed
 *        └─ it is not                                            ->  armed: the pool waits; its packet lists it again
 *
 * A packet may come late, when its hook has been removed: it holds the entry's memory until then. A connection that has
 * something to be read tells no hang-up behind it to who does not want to read.
 */
#include "broker/loop_win32.h"
#include "broker/loop.h"

#include "bus/os/error.h"
#include "named-objects/grant_win32.h"
#include "named-objects/object_win32.h"

#include <stdlib.h>

enum { BATCH_MAX = 64, NS_PER_MS = 1000000, CROWDED_MS = 10, FAREWELL_MS = 4000 };

enum wait_state { PARKED, LISTED, ARMED };

struct wait {
        enum wait_state state;
        HANDLE handle; /* NULL: there is nothing to wait for */
        HANDLE registration;
        volatile LONG packets; /* in the port */
        struct wait *next;     /* listed */
        struct entry *entry;
        HANDLE port;
};

/* What stands behind a hook. */
struct entry {
        struct wr_hook *hook; /* NULL: removed */
        struct wait read, write;
        unsigned ready;
};

struct wr_loop {
        HANDLE port;
        struct wait *first, **end; /* listed */
        struct entry *ready[BATCH_MAX];
        size_t ready_count;
        size_t kept; /* entries that were removed and wait for their packets */
        bool is_crowded;
        volatile LONG stopping; /* the console's event, and one; 0: none */
        volatile LONG hung_up;
};

/* ---- one object ----------------------------------------------------------------------------------------------- */

static void CALLBACK
signalled(void *argument, BOOLEAN timed_out)
{
        struct wait *wait = argument;

        (void)timed_out;
        InterlockedIncrement(&wait->packets);
        if (!PostQueuedCompletionStatus(wait->port, 0, (ULONG_PTR)wait, NULL))
                InterlockedDecrement(&wait->packets);
}

static void
list(struct wr_loop *loop, struct wait *wait)
{
        if (wait->state == LISTED || wait->handle == NULL)
                return;
        wait->state = LISTED;
        wait->next = NULL;
        *loop->end = wait;
        loop->end = &wait->next;
}

static struct wait *
unlist_first(struct wr_loop *loop)
{
        struct wait *wait = loop->first;

        loop->first = wait->next;
        if (loop->first == NULL)
                loop->end = &loop->first;
        wait->state = PARKED;
        return wait;
}

static void
unlist(struct wr_loop *loop, struct wait *wait)
{
        struct wait **at = &loop->first;

        if (wait->state != LISTED)
                return;
        while (*at != wait)
                at = &(*at)->next;
        *at = wait->next;
        if (*at == NULL)
                loop->end = at;
        wait->state = PARKED;
}

/* Returns once the pool is done with it: from then on no packet is posted. */
static void
disarm(struct wait *wait)
{
        if (wait->registration != NULL)
                UnregisterWaitEx(wait->registration, INVALID_HANDLE_VALUE);
        wait->registration = NULL;
        wait->state = PARKED;
}

static void
arm(struct wr_loop *loop, struct wait *wait)
{
        ULONG flags = WT_EXECUTEONLYONCE | WT_EXECUTEINWAITTHREAD;

        wait->state = ARMED;
        if (RegisterWaitForSingleObject(&wait->registration, wait->handle, signalled, wait, INFINITE, flags))
                return;
        wait->registration = NULL; /* the pool has no room: we look ourselves, now and then */
        list(loop, wait);
        loop->is_crowded = true;
}

/* What a signalled object says that its hook wants to know. */
static unsigned
meaning(const struct wait *wait)
{
        const struct wr_hook *hook = wait->entry->hook;
        struct wr_waitable *waitable = wr_object_waitable(hook->object);
        unsigned ready = 0;

        if (wait == &wait->entry->write)
                return hook->wanted & WR_READY_WRITE;
        if (waitable != NULL ? waitable->hung_up(waitable) : wr_grant_kind_of(wait->handle) == WR_GRANT_PROCESS)
                ready |= WR_READY_HANGUP;
        return ready | (hook->wanted & WR_READY_READ);
}

/* ---- hooks ---------------------------------------------------------------------------------------------------- */

enum weir_result
wr_loop_add(struct wr_loop *loop, struct wr_hook *hook, unsigned wanted)
{
        struct wr_waitable *waitable = wr_object_waitable(hook->object);
        struct entry *entry = calloc(1, sizeof(*entry));

        if (!entry)
                return WEIR_E_NO_MEMORY;
        entry->hook = hook;
        entry->read = (struct wait){ .handle = waitable ? waitable->readable : hook->object };
        entry->write = (struct wait){ .handle = waitable ? waitable->writable : NULL };
        entry->read.entry = entry->write.entry = entry;
        entry->read.port = entry->write.port = loop->port;
        hook->entry = entry;
        hook->wanted = wanted;
        list(loop, &entry->read);
        list(loop, &entry->write);
        return WEIR_OK;
}

/* What is armed stays so: what it will say is looked at by the light of what is wanted then. */
enum weir_result
wr_loop_change(struct wr_loop *loop, struct wr_hook *hook, unsigned wanted)
{
        struct entry *entry = hook->entry;

        if (hook->wanted == wanted || !entry)
                return WEIR_OK;
        hook->wanted = wanted;
        if (entry->read.state == PARKED)
                list(loop, &entry->read);
        if (entry->write.state == PARKED)
                list(loop, &entry->write);
        return WEIR_OK;
}

static bool
is_awaited(const struct entry *entry)
{
        return entry->read.packets + entry->write.packets > 0;
}

void
wr_loop_remove(struct wr_loop *loop, struct wr_hook *hook)
{
        struct entry *entry = hook->entry;
        struct wait *waits[2];

        if (!entry) /* it was removed before: who hung up and may come back is closed later */
                return;
        waits[0] = &entry->read;
        waits[1] = &entry->write;
        for (size_t i = 0; i < 2; i++) {
                unlist(loop, waits[i]);
                disarm(waits[i]);
        }
        for (size_t i = 0; i < loop->ready_count; i++)
                if (loop->ready[i] == entry)
                        loop->ready[i] = NULL;
        entry->hook = NULL;
        hook->entry = NULL;
        if (is_awaited(entry))
                loop->kept++;
        else
                free(entry);
}

/* ---- a turn --------------------------------------------------------------------------------------------------- */

static bool
tell(struct wr_loop *loop, struct entry *entry, unsigned ready)
{
        if (entry->ready == 0) {
                if (loop->ready_count == BATCH_MAX)
                        return false;
                loop->ready[loop->ready_count++] = entry;
        }
        entry->ready |= ready;
        return true;
}

/* Once through the list, or until the batch is full. */
static void
look(struct wr_loop *loop)
{
        size_t count = 0;

        for (struct wait *at = loop->first; at; at = at->next)
                count++;
        loop->is_crowded = false;
        while (count-- > 0 && loop->ready_count < BATCH_MAX) {
                struct wait *wait = unlist_first(loop);
                unsigned ready;

                if (wait == &wait->entry->write && (wait->entry->hook->wanted & WR_READY_WRITE) == 0)
                        continue; /* parked */
                if (WaitForSingleObject(wait->handle, 0) != WAIT_OBJECT_0) {
                        arm(loop, wait);
                        continue;
                }
                ready = meaning(wait);
                if (ready != 0 && tell(loop, wait->entry, ready))
                        list(loop, wait);
        }
}

static void
packet_take(struct wr_loop *loop, struct wait *wait)
{
        InterlockedDecrement(&wait->packets);
        if (wait->entry->hook) {
                if (wait->state == ARMED) {
                        disarm(wait);
                        list(loop, wait);
                }
        } else if (!is_awaited(wait->entry)) {
                free(wait->entry);
                loop->kept--;
        }
}

static size_t
packets_take(struct wr_loop *loop, DWORD timeout_ms)
{
        OVERLAPPED_ENTRY packets[BATCH_MAX];
        ULONG count = 0;

        if (!GetQueuedCompletionStatusEx(loop->port, packets, BATCH_MAX, &count, timeout_ms, FALSE))
                return 0;
        for (ULONG i = 0; i < count; i++)
                if (packets[i].lpCompletionKey != 0) /* 0: the console's */
                        packet_take(loop, (struct wait *)packets[i].lpCompletionKey);
        return count;
}

enum weir_result
wr_loop_wait(struct wr_loop *loop, int64_t timeout_ns)
{
        int64_t timeout_ms = timeout_ns <= 0 ? 0 : (timeout_ns - 1) / NS_PER_MS + 1;

        if (timeout_ms > INT32_MAX)
                timeout_ms = INT32_MAX;
        look(loop);
        if (loop->is_crowded && timeout_ms > CROWDED_MS)
                timeout_ms = CROWDED_MS;
        if (packets_take(loop, loop->ready_count > 0 ? 0 : (DWORD)timeout_ms) > 0)
                look(loop);
        return WEIR_OK;
}

void
wr_loop_dispatch(struct wr_loop *loop)
{
        for (size_t i = 0; i < loop->ready_count; i++) {
                struct entry *entry = loop->ready[i];
                unsigned ready;

                if (!entry)
                        continue;
                ready = entry->ready;
                entry->ready = 0;
                entry->hook->call(entry->hook, ready);
        }
        loop->ready_count = 0;
}

/* ---- the console ---------------------------------------------------------------------------------------------- */

/* Handlers are the process's, and run in threads of the system's: one loop at a time has them. */
static SRWLOCK catching = SRWLOCK_INIT;
static struct wr_loop *catcher;
static HANDLE farewell; /* raised when the catcher has ended; never closed */

enum { SERVICE_EVENT = 7 }; /* beside those of the console */

static const char *const names[] = {
        [CTRL_C_EVENT] = "Ctrl-C",
        [CTRL_BREAK_EVENT] = "Ctrl-Break",
        [CTRL_CLOSE_EVENT] = "the end of its console",
        [CTRL_LOGOFF_EVENT] = "the end of the session",
        [CTRL_SHUTDOWN_EVENT] = "the system's shutdown",
        [SERVICE_EVENT] = "the service manager's word",
};

static bool
is_service(void)
{
        DWORD session;

        return ProcessIdToSessionId(GetCurrentProcessId(), &session) && session == 0;
}

static BOOL WINAPI
console_says(DWORD event)
{
        bool is_first = false, is_caught = false;

        if (event == CTRL_LOGOFF_EVENT && is_service())
                return TRUE; /* of somebody's session, which is none of ours */
        AcquireSRWLockExclusive(&catching);
        if (catcher && event < sizeof(names) / sizeof(names[0]) && names[event]) {
                is_caught = true;
                is_first = InterlockedCompareExchange(&catcher->stopping, (LONG)event + 1, 0) == 0;
                PostQueuedCompletionStatus(catcher->port, 0, 0, NULL);
        }
        ReleaseSRWLockExclusive(&catching);
        if (!is_caught)
                return FALSE;
        if (event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT)
                return is_first;                    /* the second one ends the process */
        WaitForSingleObject(farewell, FAREWELL_MS); /* when this returns the process is ended */
        return TRUE;
}

void
wr_loop_service_stops(void)
{
        AcquireSRWLockExclusive(&catching);
        if (catcher) {
                InterlockedCompareExchange(&catcher->stopping, SERVICE_EVENT + 1, 0);
                PostQueuedCompletionStatus(catcher->port, 0, 0, NULL);
        }
        ReleaseSRWLockExclusive(&catching);
}

void
wr_loop_service_reloads(void)
{
        AcquireSRWLockExclusive(&catching);
        if (catcher) {
                InterlockedExchange(&catcher->hung_up, 1);
                PostQueuedCompletionStatus(catcher->port, 0, 0, NULL);
        }
        ReleaseSRWLockExclusive(&catching);
}

static void
release_console(struct wr_loop *loop)
{
        bool was_caught;

        AcquireSRWLockExclusive(&catching);
        was_caught = catcher == loop;
        if (was_caught)
                catcher = NULL;
        ReleaseSRWLockExclusive(&catching);
        if (was_caught) {
                SetConsoleCtrlHandler(console_says, FALSE);
                SetEvent(farewell);
        }
}

enum weir_result
wr_loop_catch_signals(struct wr_loop *loop)
{
        AcquireSRWLockExclusive(&catching);
        if (!farewell)
                farewell = CreateEventW(NULL, TRUE, FALSE, NULL);
        if (farewell) {
                ResetEvent(farewell);
                catcher = loop;
        }
        ReleaseSRWLockExclusive(&catching);
        /* A process that was started in a group of its own ignores Ctrl-C until it says otherwise. */
        if (farewell && SetConsoleCtrlHandler(NULL, FALSE) && SetConsoleCtrlHandler(console_says, TRUE))
                return WEIR_OK;
        return wr_os_error((int)GetLastError());
}

bool
wr_loop_stopping(const struct wr_loop *loop)
{
        return loop->stopping != 0;
}

const char *
wr_loop_signal(const struct wr_loop *loop)
{
        return loop->stopping == 0 ? NULL : names[loop->stopping - 1];
}

/* Only a service is told so (`sc control weir paramchange`); `weir broker reload` speaks over the endpoint. */
bool
wr_loop_hung_up(struct wr_loop *loop)
{
        return InterlockedExchange(&loop->hung_up, 0) != 0;
}

/* ---- begin and end -------------------------------------------------------------------------------------------- */

enum weir_result
wr_loop_open(struct wr_loop **loop)
{
        struct wr_loop *made = calloc(1, sizeof(*made));

        if (!made)
                return WEIR_E_NO_MEMORY;
        made->end = &made->first;
        made->port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
        if (!made->port) {
                enum weir_result result = wr_os_error((int)GetLastError());

                free(made);
                return result;
        }
        *loop = made;
        return WEIR_OK;
}

/* All hooks have been removed; packets of theirs may still be there. */
void
wr_loop_close(struct wr_loop *loop)
{
        if (!loop)
                return;
        release_console(loop);
        while (loop->kept > 0 && packets_take(loop, 0) > 0)
                ;
        CloseHandle(loop->port);
        free(loop);
}
