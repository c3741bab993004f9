/* What watch.h promises, on whatever system this is. A descriptor table of its own: watch_linux_test.c. */
#include "named-objects/watch.h"

#include "bus/os/clock.h"
#include "named-objects/flag.h"
#include "named-objects/lifeline.h"
#include "tests/contract/actor.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>

TestSuite(watch, .timeout = 60);

enum { MANY = 300, MS = 1000000 };

static wr_object
flag_of(void)
{
        wr_object flag;

        cr_assert(eq(int, wr_flag_create(&flag), WEIR_OK));
        return flag;
}

Test(watch, a_flag_is_readable_while_it_is_raised)
{
        struct wr_watch watch = { .object = flag_of(), .read = true };

        wr_watch_wait(&watch, 1, 0);
        cr_assert_not(watch.readable || watch.hung_up || watch.writable);
        wr_flag_raise(watch.object);
        wr_flag_raise(watch.object);
        for (int i = 0; i < 2; i++) { /* looking takes nothing away */
                wr_watch_wait(&watch, 1, INT64_MAX);
                cr_assert(watch.readable && !watch.hung_up && !watch.writable);
        }
        wr_flag_lower(watch.object);
        wr_flag_lower(watch.object);
        wr_watch_wait(&watch, 1, 0);
        cr_assert_not(watch.readable);
        wr_object_close(watch.object);
}

Test(watch, a_wait_for_nothing_ends_by_its_timeout)
{
        struct wr_watch watches[2] = { { .object = flag_of(), .read = true },
                                       { .object = WR_NO_OBJECT, .read = true } };
        int64_t before_ns = wr_clock_ns();

        wr_watch_wait(watches, 2, 20 * MS);
        cr_assert(ge(i64, wr_clock_ns() - before_ns, 20 * MS));
        cr_assert_not(watches[0].readable || watches[1].readable || watches[1].hung_up);
        before_ns = wr_clock_ns();
        wr_watch_wait(watches, 0, 20 * MS);
        cr_assert(ge(i64, wr_clock_ns() - before_ns, 20 * MS));
        wr_object_close(watches[0].object);
}

static void *
raise_later(void *argument)
{
        wr_object *flag = argument;
        struct wr_watch never = { .object = WR_NO_OBJECT };

        wr_watch_wait(&never, 1, 30 * MS); /* so that the wait has begun; the test holds if it has not */
        wr_flag_raise(*flag);
        return NULL;
}

/* More than one call of Windows waits for; the last of them is the one. */
Test(watch, any_of_many_objects_wakes_and_only_what_has_something_is_told)
{
        static struct wr_watch watches[MANY];
        pthread_t thread;

        for (int i = 0; i < MANY; i++)
                watches[i] = (struct wr_watch){ .object = flag_of(), .read = true };
        cr_assert(eq(int, pthread_create(&thread, NULL, raise_later, &watches[MANY - 1].object), 0));
        wr_watch_wait(watches, MANY, INT64_MAX);
        pthread_join(thread, NULL);
        for (int i = 0; i < MANY - 1; i++)
                cr_assert_not(watches[i].readable);
        cr_assert(watches[MANY - 1].readable);
        wr_flag_raise(watches[0].object);
        wr_flag_raise(watches[100].object);
        wr_watch_wait(watches, MANY, INT64_MAX);
        for (int i = 0; i < MANY; i++)
                cr_assert(eq(int, watches[i].readable, i == 0 || i == 100 || i == MANY - 1), "%d", i);
        for (int i = 0; i < MANY; i++)
                wr_flag_lower(watches[i].object);
        wr_watch_wait(watches, MANY, 5 * MS);
        for (int i = 0; i < MANY; i++) {
                cr_assert_not(watches[i].readable);
                wr_object_close(watches[i].object);
        }
}

Test(watch, a_life_line_hangs_up_when_its_process_dies)
{
        struct wr_watch watches[2] = { { .object = WR_NO_OBJECT }, { .object = flag_of(), .read = true } };
        struct actor actor = actor_with_line(&watches[0].object);

        wr_watch_wait(watches, 2, 10 * MS);
        cr_assert_not(watches[0].hung_up || watches[0].readable, "it lives");
        actor_kill(&actor);
        wr_watch_wait(watches, 2, INT64_MAX);
        cr_assert(watches[0].hung_up && !watches[1].readable && !watches[1].hung_up);
        actor_wait(&actor);
        wr_object_close(watches[0].object);
        wr_object_close(watches[1].object);
}

Test(watch, a_life_that_was_watched_leaves_no_object_behind)
{
        struct wr_watch watches[MANY] = { { .object = WR_NO_OBJECT } };
        uint32_t before = 0;

        for (int turn = 0; turn < 20; turn++) {
                for (int i = 0; i < MANY; i++)
                        watches[i] = (struct wr_watch){ .object = flag_of(), .read = true };
                wr_watch_wait(watches, MANY, 0);
                for (int i = 0; i < MANY; i++)
                        wr_object_close(watches[i].object);
                if (turn == 1) /* what the system keeps for its own threads is there by now */
                        before = actor_objects_now();
        }
        cr_assert(eq(u32, actor_objects_now(), before));
        cr_assert(gt(u32, wr_watch_objects_max(), before));
}
