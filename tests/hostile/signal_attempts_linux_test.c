/* The words of a pair under a peer that plays with the kernel's queues: it takes the sleeper of its own pair away. */
#include "named-objects/kernel_linux.h"
#include "named-objects/region.h"
#include "named-objects/signal.h"
#include "tests/hostile/child.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <linux/futex.h>
#include <sched.h>

TestSuite(signal_attempts, .timeout = 60);

struct theft {
        wr_word32 *pages[2]; /* the words of two pairs; both mapped by the victim, the second also by the thief */
        bool is_many;
};

static wr_word32 *
shared_word(void)
{
        wr_object region;
        void *address;

        cr_assert(eq(int, wr_region_create(&region, "pair", 4096), WEIR_OK));
        /* By hand, so that the children inherit it. */
        address = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
        cr_assert(ne(ptr, address, MAP_FAILED));
        wr_object_close(region);
        return address;
}

static int
victim(void *argument)
{
        const struct theft *theft = argument;
        struct wr_signal_wait waits[2] = { { theft->pages[0], 0, false }, { theft->pages[1], 0, false } };

        if (theft->is_many)
                return wr_signal_wait(waits, 2, INT64_MAX) == WEIR_OK ? 0 : 1;
        while (wr_load32_acquire(theft->pages[0]) == 0) { /* until it is robbed */
                if (wr_signal_wait(&waits[1], 1, 200000000) != WEIR_EMPTY)
                        return 1;
        }
        return 0;
}

/* Moves who sleeps on the second word to a futex of the thief's own; until somebody does. */
static void
rob(const struct theft *theft)
{
        void *away = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        cr_assert(ne(ptr, away, MAP_FAILED));
        while (syscall(SYS_futex, theft->pages[1], FUTEX_REQUEUE, 0, (void *)1, away, 0) != 1)
                sched_yield();
}

Test(signal_attempts, who_robs_the_sleeper_of_its_own_pair_does_not_rob_the_others)
{
        struct theft theft = { { shared_word(), shared_word() }, true };
        pid_t child = child_start(0, victim, &theft);

        rob(&theft);
        wr_store32_release(theft.pages[0], 1);
        wr_signal_raise(theft.pages[0]); /* another publisher's pair */
        cr_assert(eq(int, child_wait(child), 0));
}

/* In its own pair the wake is lost, and the bound of every wait is what helps. */
Test(signal_attempts, who_is_robbed_in_its_only_pair_wakes_by_its_timeout)
{
        struct theft theft = { { shared_word(), shared_word() }, false };
        pid_t child = child_start(0, victim, &theft);

        rob(&theft);
        wr_signal_raise(theft.pages[1]);
        wr_store32_release(theft.pages[0], 1);
        cr_assert(eq(int, child_wait(child), 0));
}
