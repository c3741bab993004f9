/*
 * Sleep and wake by events. A wake is to reach all who sleep on the word, of this process and of the peer's, but the
 * event that comes from the peer resets itself when the first of them has seen it. So who sleeps stands in a list of
 * the process, with an event of its own, and whoever is woken from outside wakes those beside it that stand on the same
 * word:
 *
 *      raise, private word             SetEvent of each sleeper in the list that stands on it
 *      raise, bound word               SetEvent of the word's event, which the peer waits for
 *      wait                            enter the list, look at all words, wait for one's own event and those of the
 *                                      bound words; woken by a word's: SetEvent of the others that stand on it
 *
 * No wake is lost: a word is changed before it is raised. Who enters the list after a raise went through it looks at
 * the word after that, too, and finds it changed; and an event that was set while nobody waited stays set. That costs a
 * wake for nothing, which all callers bear.
 *
 * A shared word without an event (a lane in a file, mapped by programs that no broker introduced) is looked at every
 * millisecond, or tick of the system's timer.
 */
#include "named-objects/signal.h"

#include "bus/os/clock.h"
#include "named-objects/signal_win32.h"

#include <stdlib.h>

enum { SLICE_MS = 1, NS_PER_MS = 1000000, HANDLES_MAX = WR_SIGNAL_WAIT_MAX + 1 };

_Static_assert(HANDLES_MAX <= MAXIMUM_WAIT_OBJECTS, "one call waits for all");

struct sleeper {
        struct sleeper *next, **at;
        HANDLE own;   /* resets itself */
        bool is_told; /* it was set while in the list */
        const struct wr_signal_wait *words;
        size_t count;
};

static SRWLOCK lock = SRWLOCK_INIT;
static struct sleeper *sleepers, *spares; /* as many as threads ever slept at once */

static bool
differs(const struct wr_signal_wait *words, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                if (wr_load32_acquire(words[i].word) != words[i].value)
                        return true;
        }
        return false;
}

/* ---- the list -------------------------------------------------------------------------------------------------- */

static struct sleeper *
sleeper_create(void)
{
        struct sleeper *made = calloc(1, sizeof *made);

        if (made != NULL)
                made->own = CreateEventW(NULL, FALSE, FALSE, NULL); /* nameless and of this process alone */
        if (made != NULL && made->own != NULL)
                return made;
        free(made);
        return NULL;
}

/* NULL: no memory or no handles. */
static struct sleeper *
sleeper_enter(const struct wr_signal_wait *words, size_t count)
{
        struct sleeper *self;

        AcquireSRWLockExclusive(&lock);
        self = spares;
        if (self != NULL)
                spares = self->next;
        ReleaseSRWLockExclusive(&lock);
        if (self == NULL)
                self = sleeper_create();
        if (self == NULL)
                return NULL;
        self->words = words;
        self->count = count;
        self->is_told = false;
        AcquireSRWLockExclusive(&lock);
        self->next = sleepers;
        self->at = &sleepers;
        if (sleepers != NULL)
                sleepers->at = &self->next;
        sleepers = self;
        ReleaseSRWLockExclusive(&lock);
        return self;
}

/* has_heard: it was its own event that woke it, so that is reset. */
static void
sleeper_leave(struct sleeper *self, bool has_heard)
{
        AcquireSRWLockExclusive(&lock);
        *self->at = self->next;
        if (self->next != NULL)
                self->next->at = self->at;
        ReleaseSRWLockExclusive(&lock);
        if (self->is_told && !has_heard) /* nobody sets it any more */
                ResetEvent(self->own);
        AcquireSRWLockExclusive(&lock);
        self->next = spares;
        spares = self;
        ReleaseSRWLockExclusive(&lock);
}

static bool
stands_on(const struct sleeper *sleeper, const wr_word32 *word)
{
        for (size_t i = 0; i < sleeper->count; i++)
                if (sleeper->words[i].word == word)
                        return true;
        return false;
}

/* All in this process who sleep on it, save one. */
static void
wake_here(const wr_word32 *word, const struct sleeper *save)
{
        AcquireSRWLockExclusive(&lock);
        for (struct sleeper *sleeper = sleepers; sleeper != NULL; sleeper = sleeper->next)
                if (sleeper != save && !sleeper->is_told && stands_on(sleeper, word)) {
                        sleeper->is_told = true;
                        SetEvent(sleeper->own);
                }
        ReleaseSRWLockExclusive(&lock);
}

/* ---- the sleep ------------------------------------------------------------------------------------------------- */

/* Milliseconds until then, rounded up: a sleep that ended too early would be repeated without end. */
static DWORD
remaining_ms(int64_t deadline_ns)
{
        int64_t left_ns = deadline_ns - wr_clock_ns();

        if (left_ns <= 0)
                return 0;
        return left_ns / NS_PER_MS >= INFINITE - 1 ? INFINITE - 1 : (DWORD)((left_ns + NS_PER_MS - 1) / NS_PER_MS);
}

struct waited {
        HANDLE handles[HANDLES_MAX]; /* the first is the sleeper's own */
        const wr_word32 *words[HANDLES_MAX];
        DWORD count;
        bool is_sliced;
};

static void
waited_fill(struct waited *waited, const struct sleeper *self)
{
        waited->handles[0] = self->own;
        waited->words[0] = NULL;
        waited->count = 1;
        waited->is_sliced = false;
        for (size_t i = 0; i < self->count; i++) {
                HANDLE event;

                if (self->words[i].is_private)
                        continue;
                event = wr_signal_event_of(self->words[i].word, SYNCHRONIZE);
                if (event == NULL) {
                        waited->is_sliced = true;
                        continue;
                }
                waited->handles[waited->count] = event;
                waited->words[waited->count++] = self->words[i].word;
        }
}

/* In the list. */
static enum weir_result
sleep_in_list(const struct sleeper *self, int64_t deadline_ns, bool *has_heard)
{
        struct waited waited;

        waited_fill(&waited, self);
        for (;;) {
                DWORD left_ms = deadline_ns == INT64_MAX ? INFINITE : remaining_ms(deadline_ns), woken;

                if (differs(self->words, self->count))
                        return WEIR_OK;
                if (left_ms == 0)
                        return WEIR_EMPTY;
                if (waited.is_sliced && left_ms > SLICE_MS)
                        left_ms = SLICE_MS;
                woken = WaitForMultipleObjects(waited.count, waited.handles, FALSE, left_ms);
                if (woken == WAIT_TIMEOUT)
                        continue;
                if (woken == WAIT_OBJECT_0)
                        *has_heard = true;
                else if (woken < WAIT_OBJECT_0 + waited.count)
                        wake_here(waited.words[woken - WAIT_OBJECT_0], self);
                else
                        Sleep(SLICE_MS); /* the system cannot wait now: the caller looks again */
                return WEIR_OK;
        }
}

enum weir_result
wr_signal_wait(const struct wr_signal_wait *words, size_t count, int64_t timeout_ns)
{
        int64_t deadline_ns = INT64_MAX;
        enum weir_result result;
        struct sleeper *self;
        bool has_heard = false;

        if (count == 0 || count > WR_SIGNAL_WAIT_MAX)
                return WEIR_E_USAGE;
        if (timeout_ns <= 0 || differs(words, count))
                return differs(words, count) ? WEIR_OK : WEIR_EMPTY;
        if (timeout_ns != INT64_MAX) {
                int64_t now_ns = wr_clock_ns();

                deadline_ns = timeout_ns < INT64_MAX - now_ns ? now_ns + timeout_ns : INT64_MAX - 1;
        }
        self = sleeper_enter(words, count);
        if (self == NULL) {
                Sleep(SLICE_MS); /* without an event of one's own: a look each millisecond */
                return remaining_ms(deadline_ns) == 0 && !differs(words, count) ? WEIR_EMPTY : WEIR_OK;
        }
        result = sleep_in_list(self, deadline_ns, &has_heard);
        sleeper_leave(self, has_heard);
        return result;
}

size_t
wr_signal_wait_many(void)
{
        return WR_SIGNAL_WAIT_MAX;
}

void
wr_signal_raise(wr_word32 *word)
{
        HANDLE event = wr_signal_event_of(word, EVENT_MODIFY_STATE);

        if (event != NULL)
                SetEvent(event);
        else
                wake_here(word, NULL);
}

void
wr_signal_raise_private(wr_word32 *word)
{
        wake_here(word, NULL);
}
