/*
 * Sleep and wake by address. WaitOnAddress finds its sleepers by address, so it works inside one process only (and one
 * address at a time):
 *
 *      one private word              WaitOnAddress, woken at once
 *      several words, or one that    WaitOnAddress on the first in slices of 1 ms, a look at all between two of
 *      other processes change        them: a change made elsewhere is seen at the end of the slice
 *
 * The slices cost a processor a look each millisecond (or each tick of the system's timer, up to 16 ms), and a
 * cross-process wake that much latency. Events, one per pair and direction, are what other processes can set; they need
 * the broker to hand them out, so the word alone cannot become one here.
 */
#include "named-objects/signal.h"

#include "bus/os/clock.h"

#include <windows.h>

enum { SLICE_MS = 1, NS_PER_MS = 1000000 };

static bool
differs(const struct wr_signal_wait *words, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                if (wr_load32_acquire(words[i].word) != words[i].value)
                        return true;
        }
        return false;
}

/* Milliseconds until then, rounded up: a sleep that ended too early would be repeated without end. */
static DWORD
remaining_ms(int64_t deadline_ns)
{
        int64_t left_ns = deadline_ns - wr_clock_ns();

        if (left_ns <= 0)
                return 0;
        return left_ns / NS_PER_MS >= INFINITE - 1 ? INFINITE - 1 : (DWORD)((left_ns + NS_PER_MS - 1) / NS_PER_MS);
}

enum weir_result
wr_signal_wait(const struct wr_signal_wait *words, size_t count, int64_t timeout_ns)
{
        int64_t now_ns = wr_clock_ns(), deadline_ns = INT64_MAX;
        bool is_sliced = count != 1 || !words[0].is_private;

        if (count == 0 || count > WR_SIGNAL_WAIT_MAX)
                return WEIR_E_USAGE;
        if (timeout_ns <= 0)
                return differs(words, count) ? WEIR_OK : WEIR_EMPTY;
        if (timeout_ns < INT64_MAX - now_ns)
                deadline_ns = now_ns + timeout_ns;
        for (;;) {
                DWORD left_ms = timeout_ns == INT64_MAX ? INFINITE : remaining_ms(deadline_ns);
                DWORD sleep_ms = is_sliced && left_ms > SLICE_MS ? SLICE_MS : left_ms;
                uint32_t value = words[0].value;

                if (differs(words, count))
                        return WEIR_OK;
                if (left_ms == 0)
                        return WEIR_EMPTY;
                /* True: woken, or another value; false after the time, which the next turn counts again. */
                if (WaitOnAddress((volatile void *)words[0].word, &value, sizeof value, sleep_ms))
                        return WEIR_OK;
        }
}

size_t
wr_signal_wait_many(void)
{
        return WR_SIGNAL_WAIT_MAX; /* a helper thread would sleep in slices, too */
}

void
wr_signal_raise(wr_word32 *word)
{
        WakeByAddressAll((void *)word); /* threads of this process; the others see it at the end of their slice */
}

void
wr_signal_raise_private(wr_word32 *word)
{
        WakeByAddressAll((void *)word);
}
