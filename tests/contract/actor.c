/*
 * The roles, each `actor ROLE ARGUMENT OBJECT...`; the first object is a region with an actor_page, if there is one.
 *
 *      sleep COUNT       binds the events of COUNT pairs as their subscriber, sleeps on all `wake` words, then raises
 *                        the first `space`
 *      sleepers COUNT    the same for one pair, in COUNT threads that must all wake
 *      contend PATH      takes the lock at PATH and gives it back, again and again
 *      hold PATH         takes the lock at PATH and keeps it until it is killed
 *      edit PATH         opens the file at PATH to be edited: is it "1"?
 *      knock PATH        connects to the endpoint at PATH, says hello, and stays until it is killed
 *      write             maps the region writable and writes: 0 if that was possible
 *      read              maps it to be read: 0 if that was possible
 *      open "RIGHTS NAME"  opens the section of this name with these rights (Windows): 0 if it was possible
 *      wait              until it is killed
 *
 * Exit status: 0 as it should be, 1 not so, 2 denied, 99 it could not begin.
 */
#include "tests/contract/actor.h"
#include "named-objects/endpoint.h"
#include "named-objects/file.h"
#include "named-objects/lock.h"
#include "named-objects/signal.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OBJECTS_MAX = 1 + 2 * WR_SIGNAL_WAIT_MAX, WRONG = 1, DENIED = 2, CANNOT_BEGIN = 99, TURNS = 20000 };

struct stage {
        char *argument;
        wr_object objects[OBJECTS_MAX];
        size_t count;
        struct actor_page *page;
};

static bool
pairs_bind(struct stage *stage, size_t count)
{
        if (!stage->page || stage->count != 1 + count * WR_SIGNAL_OBJECTS)
                return false;
        for (size_t i = 0; i < count; i++)
                if (wr_signal_bind(&stage->page->pairs[i].wake, &stage->page->pairs[i].space, WR_SIGNAL_SUBSCRIBER,
                                   &stage->objects[1 + i * WR_SIGNAL_OBJECTS]) < 0)
                        return false;
        return true;
}

static int
play_sleep(struct stage *stage)
{
        struct wr_signal_wait waits[WR_SIGNAL_WAIT_MAX];
        size_t count = strtoul(stage->argument, NULL, 10);

        if (!pairs_bind(stage, count))
                return CANNOT_BEGIN;
        for (size_t i = 0; i < count; i++)
                waits[i] = (struct wr_signal_wait){ &stage->page->pairs[i].wake, 0, false };
        wr_add32(&stage->page->ready, 1);
        if (wr_signal_wait(waits, count, INT64_MAX) != WEIR_OK)
                return WRONG;
        if (wr_load32_acquire(&stage->page->pairs[count - 1].wake) != 1)
                return WRONG;
        wr_store32_release(&stage->page->pairs[0].space, 1);
        wr_signal_raise(&stage->page->pairs[0].space);
        return 0;
}

static void *
sleeper(void *argument)
{
        struct actor_page *page = argument;
        struct wr_signal_wait wait = { &page->pairs[0].wake, 0, false };

        wr_add32(&page->ready, 1);
        while (wr_load32_acquire(&page->pairs[0].wake) == 0)
                if (wr_signal_wait(&wait, 1, INT64_MAX) != WEIR_OK)
                        return page;
        wr_add32(&page->woken, 1);
        return NULL;
}

static int
play_sleepers(struct stage *stage)
{
        size_t count = strtoul(stage->argument, NULL, 10);
        pthread_t threads[16];
        int status = 0;

        if (!pairs_bind(stage, 1) || count > sizeof threads / sizeof *threads)
                return CANNOT_BEGIN;
        for (size_t i = 0; i < count; i++)
                if (pthread_create(&threads[i], NULL, sleeper, stage->page) != 0)
                        return CANNOT_BEGIN;
        for (size_t i = 0; i < count; i++) {
                void *result;

                pthread_join(threads[i], &result);
                status |= result != NULL;
        }
        wr_signal_unbind(&stage->page->pairs[0].wake, &stage->page->pairs[0].space);
        return status;
}

static int
play_contend(struct stage *stage)
{
        struct actor_page *page = stage->page;

        if (!page)
                return CANNOT_BEGIN;
        for (int i = 0; i < TURNS && wr_load32(&page->turns) < ACTOR_TURNS_ENOUGH; i++) {
                wr_object lock;

                if (wr_lock_take(&lock, stage->argument) != WEIR_OK)
                        continue;
                if (wr_add32(&page->inside, 1) != 0)
                        return WRONG;
                wr_add32(&page->turns, 1);
                wr_add32(&page->inside, UINT32_MAX);
                wr_lock_give(lock, stage->argument);
        }
        return 0;
}

static int
play_wait(struct stage *stage)
{
        wr_word32 never = 0;
        struct wr_signal_wait wait = { &never, 0, true };

        if (stage->page)
                wr_add32(&stage->page->ready, 1);
        while (wr_load32(&never) == 0)
                wr_signal_wait(&wait, 1, INT64_MAX);
        return WRONG;
}

static int
play_hold(struct stage *stage)
{
        wr_object lock;

        if (wr_lock_take(&lock, stage->argument) != WEIR_OK)
                return CANNOT_BEGIN;
        return play_wait(stage);
}

static int
play_knock(struct stage *stage)
{
        wr_object connection;

        if (wr_endpoint_connect(&connection, stage->argument, NULL, 0) != WEIR_OK ||
            wr_endpoint_send(connection, "hello", 5, NULL, 0) != WEIR_OK)
                return CANNOT_BEGIN;
        return play_wait(stage);
}

static int
play_edit(struct stage *stage)
{
        char sentence[512];
        struct wr_file file;
        int status;

        wr_add32(&stage->page->ready, 1);
        if (wr_file_open(&file, stage->argument, 16, sentence, sizeof sentence) < 0) {
                fprintf(stderr, "%s\n", sentence);
                return DENIED;
        }
        status = strcmp(file.text, "1") == 0 ? 0 : WRONG;
        wr_file_close(&file);
        return status;
}

static int
map_as(const struct stage *stage, bool writable)
{
        void *address;
        enum weir_result result;

        if (stage->count != 1)
                return CANNOT_BEGIN;
        result = wr_region_map(stage->objects[0], 4096, writable, &address);
        if (result < 0)
                return result == WEIR_E_DENIED ? DENIED : WRONG;
        if (writable)
                memset(address, 7, 64);
        return 0;
}

static int
play_write(struct stage *stage)
{
        return map_as(stage, true);
}

static int
play_read(struct stage *stage)
{
        return map_as(stage, false);
}

static int
play_open(struct stage *stage)
{
        enum weir_result result = actor_open(stage->argument);

        return result == WEIR_OK ? 0 : result == WEIR_E_DENIED ? DENIED : WRONG;
}

static const struct role {
        const char *name;
        int (*play)(struct stage *);
        bool has_page;
} roles[] = {
        { "sleep", play_sleep, true },  { "sleepers", play_sleepers, true }, { "contend", play_contend, true },
        { "hold", play_hold, true },    { "wait", play_wait, false },        { "edit", play_edit, true },
        { "write", play_write, false }, { "read", play_read, false },        { "open", play_open, false },
        { "knock", play_knock, false },
};

int
main(int argc, char **argv)
{
        struct stage stage = { .argument = argc > 2 ? argv[2] : NULL, .count = argc > 3 ? (size_t)(argc - 3) : 0 };
        void *page;

        if (argc < 3 || stage.count > OBJECTS_MAX)
                return CANNOT_BEGIN;
        for (size_t i = 0; i < stage.count; i++)
                stage.objects[i] = (wr_object)(intptr_t)strtoll(argv[3 + i], NULL, 10);
        for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
                if (strcmp(roles[i].name, argv[1]) != 0)
                        continue;
                if (roles[i].has_page && stage.count > 0) {
                        if (wr_region_map(stage.objects[0], sizeof *stage.page, true, &page) < 0)
                                return CANNOT_BEGIN;
                        stage.page = page;
                }
                return roles[i].play(&stage);
        }
        return CANNOT_BEGIN;
}
