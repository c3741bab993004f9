/* What signal.h promises on a Linux that lacks futex_waitv, or has a filter against it. */
#include "named-objects/signal.h"

#include "named-objects/region.h"
#include "tests/contract/forbid.h"
#include "tests/hostile/child.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>

TestSuite(signal_linux, .timeout = 30);

enum { PAGE = 4096, WORDS = WR_SIGNAL_WAIT_MAX };

struct scene {
        wr_word32 *words; /* shared with the child */
        size_t count;
        bool is_private;
};

static wr_word32 *
shared_words(void)
{
        wr_object region;
        void *address;

        cr_assert(eq(int, wr_region_create(&region, "words", PAGE), WEIR_OK));
        /* By hand: a region's own mapping would not reach the child. */
        address = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
        cr_assert(ne(ptr, address, MAP_FAILED));
        wr_object_close(region);
        return address;
}

static void
fill(struct wr_signal_wait *waits, const struct scene *scene)
{
        for (size_t i = 0; i < scene->count; i++) {
                waits[i] = (struct wr_signal_wait){ &scene->words[i], 0, scene->is_private };
        }
}

static int
wait_for_ever(void *argument)
{
        struct wr_signal_wait waits[WORDS];
        const struct scene *scene = argument;

        fill(waits, scene);
        return wr_signal_wait(waits, scene->count, INT64_MAX) == WEIR_OK ? 0 : 1;
}

static void
change_and_raise(wr_word32 *word)
{
        wr_store32_release(word, 1);
        wr_signal_raise(word);
}

Test(signal_linux, this_kernel_takes_many_words)
{
        cr_assert(eq(sz, wr_signal_wait_many(), WR_SIGNAL_WAIT_MAX));
        cr_assert(eq(sz, wr_signal_wait_many(), WR_SIGNAL_WAIT_MAX));
}

static int
wait_filtered(void *argument, int error)
{
        wr_word32 quiet[2] = { 0 };
        struct wr_signal_wait waits[2] = { { &quiet[0], 0, true }, { &quiet[1], 0, false } };

        if (!forbid_waitv(error))
                return CHILD_CANNOT_BEGIN;
        if (wr_signal_wait_many() != 1)
                return 2;
        if (wr_signal_wait(waits, 2, 3000000) != WEIR_EMPTY) /* a refusal is not a wake */
                return 1;
        return wait_for_ever(argument);
}

static int
wait_without_waitv(void *argument)
{
        return wait_filtered(argument, ENOSYS);
}

static int
wait_with_waitv_refused(void *argument)
{
        return wait_filtered(argument, EPERM);
}

Test(signal_linux, without_futex_waitv_any_of_several_words_is_still_seen)
{
        struct scene first = { shared_words(), 3, false }, last = { shared_words(), 3, false };
        pid_t one = child_start(0, wait_without_waitv, &first), other = child_start(0, wait_with_waitv_refused, &last);

        change_and_raise(&first.words[2]);
        change_and_raise(&last.words[0]);
        cr_assert(eq(int, child_wait(one), 0));
        cr_assert(eq(int, child_wait(other), 0));
}
