#include "bench/wake.h"

#include "bench/peer.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

bool
bench_wake_create(intptr_t *object)
{
        *object = BENCH_NO_OBJECT;
        return true;
}

void
bench_wake_close(intptr_t object)
{
        (void)object;
}

void
bench_wake_wait(wr_word32 *word, uint32_t value, intptr_t object)
{
        (void)object;
        syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

void
bench_wake_raise(wr_word32 *word, intptr_t object)
{
        (void)object;
        syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}
