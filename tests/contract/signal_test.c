/* What signal.h promises. A wake that is missing shows as a test that hangs: each has a time limit. */
#include "named-objects/signal.h"

#include "named-objects/region.h"
#include "tests/contract/forbid.h"
#include "tests/hostile/child.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

TestSuite(signal, .timeout = 30);

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

/* Until the kernel shows the task as sleeping; a child in wait_for_ever sleeps nowhere else. */
static void
until_asleep(pid_t task)
{
        char path[64], state = 'R';

        snprintf(path, sizeof path, "/proc/%d/stat", (int)task);
        while (state != 'S') {
                FILE *file = fopen(path, "r");

                cr_assert_not_null(file);
                cr_assert(eq(int, fscanf(file, "%*d (%*[^)]) %c", &state), 1));
                fclose(file);
                sched_yield();
        }
}

static void
change_and_raise(wr_word32 *word)
{
        wr_store32_release(word, 1);
        wr_signal_raise(word);
}

Test(signal, a_look_tells_whether_a_word_differs_and_does_not_wait)
{
        wr_word32 words[2] = { 5, 6 };
        struct wr_signal_wait waits[2] = { { &words[0], 5, true }, { &words[1], 6, true } };

        cr_assert(eq(int, wr_signal_wait(waits, 2, 0), WEIR_EMPTY));
        cr_assert(eq(int, wr_signal_wait(waits, 1, -1), WEIR_EMPTY));
        wr_store32(&words[1], 7);
        cr_assert(eq(int, wr_signal_wait(waits, 2, 0), WEIR_OK));
}

Test(signal, a_wait_whose_word_differs_already_returns_at_once)
{
        wr_word32 words[2] = { 5, 6 };
        struct wr_signal_wait waits[2] = { { &words[0], 5, true }, { &words[1], 9, true } };

        cr_assert(eq(int, wr_signal_wait(waits, 2, INT64_MAX), WEIR_OK));
        cr_assert(eq(int, wr_signal_wait(&waits[1], 1, INT64_MAX), WEIR_OK));
        cr_assert(eq(int, wr_signal_wait(&waits[1], 1, INT64_MAX - 1), WEIR_OK));
}

Test(signal, a_wait_without_a_wake_ends_by_its_timeout)
{
        wr_word32 words[3] = { 0 };
        struct wr_signal_wait waits[3] = { { &words[0], 0, false }, { &words[1], 0, true }, { &words[2], 0, true } };

        cr_assert(eq(int, wr_signal_wait(waits, 3, 2000000), WEIR_EMPTY));
        cr_assert(eq(int, wr_signal_wait(waits, 1, 2000000), WEIR_EMPTY));
        cr_assert(eq(int, wr_signal_wait(&waits[1], 1, 1), WEIR_EMPTY));
}

Test(signal, no_words_or_too_many_are_a_mistake_of_the_caller)
{
        struct wr_signal_wait waits[1] = { { NULL, 0, true } };

        cr_assert(eq(int, wr_signal_wait(waits, 0, 0), WEIR_E_USAGE));
        cr_assert(eq(int, wr_signal_wait(waits, WR_SIGNAL_WAIT_MAX + 1, 0), WEIR_E_USAGE));
}

Test(signal, this_kernel_takes_many_words)
{
        cr_assert(eq(sz, wr_signal_wait_many(), WR_SIGNAL_WAIT_MAX));
        cr_assert(eq(sz, wr_signal_wait_many(), WR_SIGNAL_WAIT_MAX));
}

Test(signal, a_raise_wakes_a_sleeper_in_another_process)
{
        struct scene scene = { shared_words(), 1, false };
        pid_t child = child_start(0, wait_for_ever, &scene);

        until_asleep(child);
        change_and_raise(&scene.words[0]);
        cr_assert(eq(int, child_wait(child), 0));
}

Test(signal, a_raise_of_the_last_of_128_words_wakes_who_sleeps_on_all)
{
        struct scene scene = { shared_words(), WORDS, false };
        pid_t child = child_start(0, wait_for_ever, &scene);

        until_asleep(child);
        change_and_raise(&scene.words[WORDS - 1]);
        cr_assert(eq(int, child_wait(child), 0));
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

Test(signal, without_futex_waitv_any_of_several_words_is_still_seen)
{
        struct scene first = { shared_words(), 3, false }, last = { shared_words(), 3, false };
        pid_t one = child_start(0, wait_without_waitv, &first), other = child_start(0, wait_with_waitv_refused, &last);

        change_and_raise(&first.words[2]);
        change_and_raise(&last.words[0]);
        cr_assert(eq(int, child_wait(one), 0));
        cr_assert(eq(int, child_wait(other), 0));
}

struct thread_scene {
        struct scene scene;
        _Atomic pid_t task;
};

static void *
wait_in_thread(void *argument)
{
        struct thread_scene *t = argument;

        t->task = gettid();
        return (void *)(intptr_t)wait_for_ever(&t->scene);
}

static void
private_wake(size_t count)
{
        wr_word32 words[WORDS] = { 0 };
        struct thread_scene t = { .scene = { words, count, true } };
        pthread_t thread;
        void *result;

        cr_assert(eq(int, pthread_create(&thread, NULL, wait_in_thread, &t), 0));
        while (t.task == 0)
                sched_yield();
        until_asleep(t.task);
        wr_store32_release(&words[count - 1], 1);
        wr_signal_raise_private(&words[count - 1]);
        pthread_join(thread, &result);
        cr_assert_null(result);
}

Test(signal, private_words_are_woken_alone_and_among_others)
{
        private_wake(1);
        private_wake(5);
}
