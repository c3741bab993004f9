/*
 * A helper's words are its own `turn`, which changes when it is to look at its list again, and what it stands on.
 * Where one sleep takes one word only (no futex_waitv), a helper has one word to look after and sleeps on that or on
 * its turn. To get it off a word that somebody else's process changes, the word is woken without a change; a helper
 * that was just about to sleep misses that, so it is repeated each millisecond until the helper has moved. This is
 * needed only when a word goes away.
 */
#include "clients/c/helper.h"

#include "named-objects/signal.h"

#include <stdlib.h>

enum {
        HELPERS_MAX = 128, /* of one bus */
        GROUP_MAX = WR_SIGNAL_WAIT_MAX - 1,
        STACK_BYTES = 256 * 1024,
};
#define AGAIN_NS INT64_C(1000000)

struct wr_helper {
        struct wr_helper *next;
        struct wr_helpers *helpers;
        wr_thread thread;
        wr_word32 turn; /* raised with every change of what it stands on */
        wr_word32 laps; /* sleeps that it came back from; who waits for the next sleeps on it */
        bool stale;     /* is to be told */
        bool asleep;    /* on what it collected under the lock */
        bool ending;
        wr_word32 ended;
        uint32_t awaited; /* threads that wait for `laps` */
        size_t count;
        struct wr_helped *group[GROUP_MAX];
};

void
wr_helpers_open(struct wr_helpers *helpers)
{
        wr_mutex_init(&helpers->lock);
}

/* ---- the helper's thread; the lock is held but during the sleep ---- */

static void
ring_all(struct wr_helped *helped)
{
        helped->standing = false;
        for (struct wr_call *call = helped->calls; call; call = call->next) {
                wr_store32_release(call->bell, 1);
                wr_signal_raise_private(call->bell);
        }
}

static void
helper_look(struct wr_helper *helper)
{
        for (size_t i = 0; i < helper->count; i++) {
                struct wr_helped *helped = helper->group[i];

                if (helped->standing && wr_load32_acquire(helped->word) != helped->value)
                        ring_all(helped);
        }
}

/* Its turn, and behind it what it stands on. */
static size_t
helper_collect(const struct wr_helper *helper, struct wr_signal_wait *words)
{
        size_t count = 1;

        words[0] = (struct wr_signal_wait){ (wr_word32 *)(uintptr_t)&helper->turn, wr_load32(&helper->turn), true };
        for (size_t i = 0; i < helper->count; i++) {
                const struct wr_helped *helped = helper->group[i];

                if (helped->standing)
                        words[count++] = (struct wr_signal_wait){ helped->word, helped->value, helped->is_private };
        }
        return count;
}

static void
helper_sleep(struct wr_helper *helper)
{
        struct wr_signal_wait words[WR_SIGNAL_WAIT_MAX];
        size_t count = helper_collect(helper, words);
        /* Asked under the lock, as by who adds to the group: none is added to one that no longer hears its turn. */
        bool only_one = helper->count == 1 && count == 2 && wr_signal_wait_many() == 1;

        helper->asleep = true;
        wr_mutex_unlock(&helper->helpers->lock);
        wr_signal_wait(only_one ? &words[1] : words, only_one ? 1 : count, INT64_MAX);
        wr_mutex_lock(&helper->helpers->lock);
        helper->asleep = false;
        wr_add32(&helper->laps, 1);
        if (helper->awaited > 0)
                wr_signal_raise_private(&helper->laps);
}

static void *
helper_main(void *argument)
{
        struct wr_helper *helper = argument;
        struct wr_helpers *helpers = helper->helpers;

        wr_mutex_lock(&helpers->lock);
        while (!helper->ending) {
                helper_sleep(helper);
                helper_look(helper);
        }
        wr_mutex_unlock(&helpers->lock);
        wr_store32_release(&helper->ended, 1);
        wr_signal_raise_private(&helper->ended);
        return NULL;
}

/* ---- who helps; the lock is held ---- */

static bool
helper_start(struct wr_helper *helper)
{
        /* With a small stack, unless the program's thread-local variables want more of it. */
        return wr_thread_start(&helper->thread, helper_main, helper, STACK_BYTES);
}

/* NULL: there can be no more of them. */
static struct wr_helper *
helper_with_room(struct wr_helpers *helpers)
{
        size_t room = wr_signal_wait_many() > 1 ? GROUP_MAX : 1, helper_count = 0;
        struct wr_helper *helper;

        for (helper = helpers->list; helper; helper = helper->next, helper_count++)
                if (helper->count < room)
                        return helper;
        if (helper_count == HELPERS_MAX)
                return NULL;
        helper = calloc(1, sizeof *helper);
        if (!helper)
                return NULL;
        helper->helpers = helpers;
        if (!helper_start(helper)) {
                free(helper);
                return NULL;
        }
        helper->next = helpers->list;
        helpers->list = helper;
        return helper;
}

static bool
helped_adopt(struct wr_helpers *helpers, struct wr_helped *helped)
{
        if (helped->helper)
                return true;
        helped->helper = helpers->closed ? NULL : helper_with_room(helpers);
        if (!helped->helper)
                return false;
        helped->helper->group[helped->helper->count++] = helped;
        return true;
}

static void
helpers_tell(struct wr_helpers *helpers)
{
        for (struct wr_helper *helper = helpers->list; helper; helper = helper->next) {
                if (!helper->stale)
                        continue;
                helper->stale = false;
                wr_add32(&helper->turn, 1);
                if (helper->asleep)
                        wr_signal_raise_private(&helper->turn);
        }
}

/* ---- the sleeper's side ---- */

/* Other callers saw another value of the word: for them it has changed, or changes at once. */
static void
stand(struct wr_helped *helped, const struct wr_call *call)
{
        if (helped->standing && helped->value == call->value)
                return;
        if (helped->standing)
                ring_all(helped);
        helped->word = call->word;
        helped->value = call->value;
        helped->is_private = call->is_private;
        helped->standing = true;
        helped->helper->stale = true;
}

size_t
wr_helpers_call(struct wr_helpers *helpers, struct wr_call *calls, size_t count)
{
        size_t done;

        wr_mutex_lock(&helpers->lock);
        for (done = 0; done < count; done++) {
                struct wr_call *call = &calls[done];
                struct wr_helped *helped = call->helped;

                if (!helped_adopt(helpers, helped))
                        break;
                call->next = helped->calls;
                call->at = &helped->calls;
                if (call->next)
                        call->next->at = &call->next;
                helped->calls = call;
                if (wr_load32_acquire(call->word) == call->value)
                        stand(helped, call);
                else
                        wr_store32_release(call->bell, 1); /* its owner is awake: this is the call */
        }
        helpers_tell(helpers);
        wr_mutex_unlock(&helpers->lock);
        return done;
}

void
wr_helpers_recall(struct wr_helpers *helpers, struct wr_call *calls, size_t count)
{
        if (count == 0)
                return;
        wr_mutex_lock(&helpers->lock);
        for (size_t i = 0; i < count; i++) {
                *calls[i].at = calls[i].next;
                if (calls[i].next)
                        calls[i].next->at = calls[i].at;
        }
        wr_mutex_unlock(&helpers->lock);
}

/* ---- the end ---- */

/* Off whatever it sleeps on. */
static void
helper_rouse(struct wr_helper *helper, wr_word32 *word, bool is_private)
{
        wr_add32(&helper->turn, 1);
        wr_signal_raise_private(&helper->turn);
        if (word && is_private)
                wr_signal_raise_private(word);
        else if (word)
                wr_signal_raise(word);
}

void
wr_helpers_forget(struct wr_helpers *helpers, struct wr_helped *helped)
{
        struct wr_signal_wait lap = { .is_private = true };
        struct wr_helper *helper;
        size_t at = 0;

        wr_mutex_lock(&helpers->lock);
        helper = helped->helper;
        helped->helper = NULL;
        if (helper) {
                while (helper->group[at] != helped)
                        at += 1;
                helper->group[at] = helper->group[--helper->count];
        }
        if (!helper || !helped->standing || !helper->asleep) {
                wr_mutex_unlock(&helpers->lock);
                return; /* nobody sleeps on it, and from now on nobody will */
        }
        helped->standing = false;
        lap.word = &helper->laps;
        lap.value = wr_load32(&helper->laps);
        helper->awaited += 1;
        wr_mutex_unlock(&helpers->lock);
        while (wr_load32_acquire(&helper->laps) == lap.value) {
                helper_rouse(helper, helped->word, helped->is_private);
                wr_signal_wait(&lap, 1, AGAIN_NS);
        }
        wr_mutex_lock(&helpers->lock);
        helper->awaited -= 1;
        wr_mutex_unlock(&helpers->lock);
}

static void
helper_end(struct wr_helper *helper)
{
        struct wr_signal_wait end = { &helper->ended, 0, true };

        while (wr_load32_acquire(&helper->ended) == 0) {
                struct wr_helped *one;

                wr_mutex_lock(&helper->helpers->lock);
                one = helper->count > 0 ? helper->group[0] : NULL;
                helper_rouse(helper, one ? one->word : NULL, one && one->is_private);
                wr_mutex_unlock(&helper->helpers->lock);
                wr_signal_wait(&end, 1, AGAIN_NS);
        }
        wr_thread_join(helper->thread);
}

void
wr_helpers_close(struct wr_helpers *helpers)
{
        struct wr_helper *list;

        wr_mutex_lock(&helpers->lock);
        helpers->closed = true;
        list = helpers->list; /* nobody adds to it any more */
        for (struct wr_helper *helper = list; helper; helper = helper->next)
                helper->ending = true;
        wr_mutex_unlock(&helpers->lock);
        for (struct wr_helper *helper = list; helper; helper = helper->next)
                helper_end(helper);
        wr_mutex_lock(&helpers->lock);
        for (struct wr_helper *helper = list; helper; helper = helper->next)
                while (helper->count > 0) {
                        struct wr_helped *helped = helper->group[--helper->count];

                        helped->helper = NULL;
                        ring_all(helped);
                }
        wr_mutex_unlock(&helpers->lock);
}

void
wr_helpers_free(struct wr_helpers *helpers)
{
        while (helpers->list) {
                struct wr_helper *helper = helpers->list;

                helpers->list = helper->next;
                free(helper);
        }
        wr_mutex_destroy(&helpers->lock);
}
