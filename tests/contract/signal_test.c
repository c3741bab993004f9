/* What signal.h promises. A wake that is missing shows as a test that hangs: each has a time limit. */
#include "named-objects/signal.h"

#include "tests/contract/actor.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

TestSuite(signal, .timeout = 60);

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

/* A page of pairs with what goes beside them; one end is ours, the other the actor's. */
struct scene {
        wr_object objects[1 + 2 * WR_SIGNAL_WAIT_MAX]; /* the region, and what the subscriber gets */
        struct wr_signal_pair signals[WR_SIGNAL_WAIT_MAX];
        struct actor_page *page;
        size_t count;
};

static void
scene_open(struct scene *scene, size_t count)
{
        void *page;

        scene->count = count;
        cr_assert(eq(int, wr_region_create(&scene->objects[0], "pairs", sizeof *scene->page), WEIR_OK));
        cr_assert(eq(int, wr_region_allocate(scene->objects[0], sizeof *scene->page), WEIR_OK));
        cr_assert(eq(int, wr_region_map(scene->objects[0], sizeof *scene->page, true, &page), WEIR_OK));
        scene->page = page;
        for (size_t i = 0; i < count; i++) {
                wr_object ours[2] = { WR_NO_OBJECT, WR_NO_OBJECT };

                cr_assert(eq(int, wr_signal_create(&scene->signals[i]), WEIR_OK));
                cr_assert(eq(int,
                             wr_signal_grant(&scene->signals[i], WR_SIGNAL_SUBSCRIBER,
                                             &scene->objects[1 + i * WR_SIGNAL_OBJECTS]),
                             WEIR_OK));
                cr_assert(eq(int, wr_signal_grant(&scene->signals[i], WR_SIGNAL_PUBLISHER, ours), WEIR_OK));
                cr_assert(eq(int,
                             wr_signal_bind(&scene->page->pairs[i].wake, &scene->page->pairs[i].space,
                                            WR_SIGNAL_PUBLISHER, ours),
                             WEIR_OK));
                cr_assert(ours[0] == WR_NO_OBJECT && ours[1] == WR_NO_OBJECT, "they were taken");
        }
}

static void
scene_close(struct scene *scene)
{
        for (size_t i = 0; i < scene->count; i++) {
                wr_signal_grant_close(&scene->objects[1 + i * WR_SIGNAL_OBJECTS]);
                wr_signal_close(&scene->signals[i]);
                wr_signal_unbind(&scene->page->pairs[i].wake, &scene->page->pairs[i].space);
        }
        wr_region_unmap(scene->page, sizeof *scene->page);
        wr_object_close(scene->objects[0]);
}

static struct actor
actor_of(const struct scene *scene, const char *role, const char *argument, uint32_t ready)
{
        struct actor actor = actor_start(role, argument, scene->objects, 1 + scene->count * WR_SIGNAL_OBJECTS);

        while (wr_load32_acquire(&scene->page->ready) != ready)
                sched_yield();
        actor_until_asleep(&actor);
        return actor;
}

static void
change_and_raise(wr_word32 *word)
{
        wr_store32_release(word, 1);
        wr_signal_raise(word);
}

/* ... and the one in the other process wakes us, who wait for the other word of the pair. */
Test(signal, a_raise_wakes_a_sleeper_in_another_process)
{
        struct wr_signal_wait space = { .value = 0 };
        struct scene scene;
        struct actor actor;

        scene_open(&scene, 1);
        actor = actor_of(&scene, "sleep", "1", 1);
        space.word = &scene.page->pairs[0].space;
        change_and_raise(&scene.page->pairs[0].wake);
        while (wr_load32_acquire(space.word) == 0)
                cr_assert(eq(int, wr_signal_wait(&space, 1, INT64_MAX), WEIR_OK));
        cr_assert(eq(int, actor_wait(&actor), 0));
        scene_close(&scene);
}

Test(signal, a_raise_of_the_last_of_many_words_wakes_who_sleeps_on_all)
{
        char count[16];
        struct scene scene;
        struct actor actor;

        scene_open(&scene, WR_SIGNAL_WAIT_MAX);
        snprintf(count, sizeof count, "%d", WR_SIGNAL_WAIT_MAX);
        actor = actor_of(&scene, "sleep", count, 1);
        change_and_raise(&scene.page->pairs[WR_SIGNAL_WAIT_MAX - 1].wake);
        cr_assert(eq(int, actor_wait(&actor), 0));
        scene_close(&scene);
}

Test(signal, one_raise_wakes_all_threads_that_sleep_on_the_word)
{
        struct scene scene;
        struct actor actor;

        scene_open(&scene, 1);
        actor = actor_of(&scene, "sleepers", "8", 8);
        change_and_raise(&scene.page->pairs[0].wake);
        cr_assert(eq(int, actor_wait(&actor), 0));
        cr_assert(eq(u32, wr_load32(&scene.page->woken), 8));
        scene_close(&scene);
}

Test(signal, a_raise_without_a_change_wakes_too)
{
        struct scene scene;
        struct actor actor;

        scene_open(&scene, 1);
        actor = actor_of(&scene, "sleep", "1", 1);
        wr_signal_raise(&scene.page->pairs[0].wake);
        cr_assert(eq(int, actor_wait(&actor), 1), "it woke, and found nothing");
        scene_close(&scene);
}

struct thread_scene {
        wr_word32 words[WR_SIGNAL_WAIT_MAX];
        size_t count;
        wr_word32 ready;
};

static void *
wait_in_thread(void *argument)
{
        struct wr_signal_wait waits[WR_SIGNAL_WAIT_MAX];
        struct thread_scene *scene = argument;

        for (size_t i = 0; i < scene->count; i++)
                waits[i] = (struct wr_signal_wait){ &scene->words[i], 0, true };
        wr_add32(&scene->ready, 1);
        return (void *)(intptr_t)(wr_signal_wait(waits, scene->count, INT64_MAX) != WEIR_OK);
}

/* Several threads on the same words; often, so that the wake comes before, in and after the way into the sleep. */
static void
private_wake(size_t count)
{
        enum { THREADS = 3, TURNS = 100 };
        pthread_t threads[THREADS];

        for (int turn = 0; turn < TURNS; turn++) {
                struct thread_scene scene = { .count = count };

                for (int i = 0; i < THREADS; i++)
                        cr_assert(eq(int, pthread_create(&threads[i], NULL, wait_in_thread, &scene), 0));
                while (wr_load32(&scene.ready) < (uint32_t)turn % (THREADS + 1))
                        sched_yield();
                wr_store32_release(&scene.words[count - 1], 1);
                wr_signal_raise_private(&scene.words[count - 1]);
                for (int i = 0; i < THREADS; i++) {
                        void *result;

                        pthread_join(threads[i], &result);
                        cr_assert_null(result);
                }
        }
}

Test(signal, private_words_are_woken_alone_and_among_others)
{
        private_wake(1);
        private_wake(5);
        private_wake(WR_SIGNAL_WAIT_MAX);
}

Test(signal, pairs_that_came_and_went_leave_no_object_behind)
{
        struct scene scene;
        uint32_t before;

        scene_open(&scene, 1);
        scene_close(&scene);
        before = actor_objects_now();
        for (int i = 0; i < 20; i++) {
                scene_open(&scene, WR_SIGNAL_WAIT_MAX);
                scene_close(&scene);
        }
        cr_assert(eq(u32, actor_objects_now(), before));
}
