/*
 * Sleep and wake by futex. Words that other processes map are shared futexes, found by file and offset; words of
 * this process alone are private ones, found by address, which is cheaper. One word is slept on by FUTEX_WAIT, several
 * by futex_waitv. Whoever wakes has changed the word before, so the kernel's comparison closes the gap between the
 * caller's last look and the sleep.
 *
 * In a pair there are a few sleepers: one thread each in take, in next and behind the native handle. A shared word
 * wakes no more, since a peer that parked thousands of threads there would make each wake cost milliseconds.
 */
#include "named-objects/signal.h"

#include "bus/os/clock.h"
#include "named-objects/kernel_linux.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <time.h>
#include <unistd.h>

enum { SLICE_NS = 1000000 };

static bool
differs(const struct wr_signal_wait *words, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                if (wr_load32_acquire(words[i].word) != words[i].value)
                        return true;
        }
        return false;
}

static struct timespec
timespec_of(int64_t ns)
{
        return (struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
}

/* ETIMEDOUT is silence. All else is a reason to look again: woken, another value, a signal handler. */
static enum weir_result
outcome(long result)
{
        return result < 0 && errno == ETIMEDOUT ? WEIR_EMPTY : WEIR_OK;
}

static enum weir_result
sleep_on_one(const struct wr_signal_wait *wait, const struct timespec *deadline)
{
        /* The BITSET form, since it alone takes an absolute time, on CLOCK_MONOTONIC. */
        int operation = FUTEX_WAIT_BITSET | (wait->is_private ? FUTEX_PRIVATE_FLAG : 0);

        return outcome(syscall(SYS_futex, wait->word, operation, wait->value, deadline, NULL, FUTEX_BITSET_MATCH_ANY));
}

enum { UNKNOWN, THERE, MISSING };

static wr_word32 waitv; /* futex_waitv: refused once, it is never asked again */

/* false: this kernel or its filter does not let us sleep on several words. */
static bool
sleep_on_many(const struct wr_signal_wait *words, size_t count, const struct timespec *deadline,
              enum weir_result *result)
{
        struct futex_waitv waiters[WR_SIGNAL_WAIT_MAX];
        long answer;

        for (size_t i = 0; i < count; i++) {
                waiters[i] = (struct futex_waitv){
                        .uaddr = (uintptr_t)words[i].word,
                        .val = words[i].value,
                        .flags = FUTEX_32 | (words[i].is_private ? FUTEX_PRIVATE_FLAG : 0),
                };
        }
        answer = syscall(SYS_futex_waitv, waiters, count, 0, deadline, CLOCK_MONOTONIC);
        if (answer < 0 && (errno == ENOSYS || errno == EPERM)) {
                wr_store32(&waitv, MISSING);
                return false;
        }
        *result = outcome(answer);
        return true;
}

size_t
wr_signal_wait_many(void)
{
        wr_word32 words[2] = { 0 };
        const struct wr_signal_wait changed[2] = { { &words[0], 1, true }, { &words[1], 1, true } };
        enum weir_result result;

        if (wr_load32(&waitv) == UNKNOWN && sleep_on_many(changed, 2, NULL, &result)) /* returns at once */
                wr_store32(&waitv, THERE);
        return wr_load32(&waitv) == MISSING ? 1 : WR_SIGNAL_WAIT_MAX;
}

/* Without futex_waitv: a wake of the first word is seen at once, one of the others at the end of the slice. */
static enum weir_result
sleep_in_slices(const struct wr_signal_wait *words, size_t count, int64_t deadline_ns)
{
        for (;;) {
                int64_t slice_ns = wr_clock_ns() + SLICE_NS;
                bool is_last = slice_ns >= deadline_ns;
                struct timespec until = timespec_of(is_last ? deadline_ns : slice_ns);

                if (differs(words + 1, count - 1) || sleep_on_one(&words[0], &until) == WEIR_OK)
                        return WEIR_OK;
                if (is_last)
                        return differs(words, count) ? WEIR_OK : WEIR_EMPTY;
        }
}

enum weir_result
wr_signal_wait(const struct wr_signal_wait *words, size_t count, int64_t timeout_ns)
{
        struct timespec until, *deadline = NULL;
        int64_t deadline_ns = INT64_MAX;
        enum weir_result result;

        if (count == 0 || count > WR_SIGNAL_WAIT_MAX)
                return WEIR_E_USAGE;
        if (timeout_ns <= 0)
                return differs(words, count) ? WEIR_OK : WEIR_EMPTY;
        if (timeout_ns != INT64_MAX) {
                int64_t now_ns = wr_clock_ns();

                deadline_ns = timeout_ns < INT64_MAX - now_ns ? now_ns + timeout_ns : INT64_MAX - 1;
                until = timespec_of(deadline_ns);
                deadline = &until;
        }
        if (count == 1)
                return sleep_on_one(&words[0], deadline);
        if (wr_load32(&waitv) != MISSING && sleep_on_many(words, count, deadline, &result))
                return result;
        return sleep_in_slices(words, count, deadline_ns);
}

enum { SLEEPERS_MAX = 8 };

void
wr_signal_raise(wr_word32 *word)
{
        syscall(SYS_futex, word, FUTEX_WAKE, SLEEPERS_MAX, NULL, NULL, 0);
}

void
wr_signal_raise_private(wr_word32 *word)
{
        syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
