/*
 * Threads that sleep on words for a thread that has too many of them: more than one call of the kernel takes, or more
 * than one at all where it has no futex_waitv. Each sleeps on a group of words and rings the bell of every sleeper
 * that called for a word as soon as this differs from the value that the sleeper saw. It only stands in for the sleep
 * itself, W5 of bus/pair.h: who arms, fences and looks does so as if it slept on the word.
 *
 *      sleeper                                            helper
 *  C1  load word -> value, arm, settle, look (W1..W4)  D1  lock: what is stood on, and with which values
 *  C2  lock: call for (word, value); stand              D2  unlock, sleep while each word has its value
 *  C3  unlock, sleep while bell is 0                    D3  lock: word differs? stands no more, ring all its callers
 *  C4  lock: recall
 *
 *  C2, D3  under one lock: either the call is there when the helper finds the word changed, or the sleeper finds it
 *          changed itself, or finds nobody standing on this value and has a helper stand anew.
 *
 * What a helper stands on stays there between two sleeps of its callers, as long as nobody wakes it; so a sleep costs
 * a word to the helpers only of those groups where something happened. Helpers start when they are needed, know no
 * lane and no lock but their own, and end with their bus. Model: tests/model/helper_model.c.
 */
#ifndef WR_HELPER_H
#define WR_HELPER_H

#include "bus/atomic.h"
#include "bus/os/mutex.h"
#include "bus/os/thread.h"

#include <stdbool.h>
#include <stddef.h>

struct wr_helper;
struct wr_call;

/* A word that helpers may stand on; lies in what the word belongs to. All zero at first. */
struct wr_helped {
        wr_word32 *word;
        uint32_t value;
        bool is_private, standing; /* standing: a helper sleeps while the word is `value`, or is about to */
        struct wr_helper *helper;  /* that looks after it, once it was called for; NULL: none yet */
        struct wr_call *calls;
};

/* One sleeper's wish to hear of one word. */
struct wr_call {
        struct wr_call *next, **at;
        struct wr_helped *helped;
        wr_word32 *word;
        uint32_t value;
        bool is_private;
        wr_word32 *bell; /* made 1 and woken; private to the process */
};

struct wr_helpers {
        wr_mutex lock;
        struct wr_helper *list;
        bool closed;
};

void
wr_helpers_open(struct wr_helpers *helpers);

/* The first so many of the calls are answered from now on; less than count: there can be no more helpers. */
size_t
wr_helpers_call(struct wr_helpers *helpers, struct wr_call *calls, size_t count);

/* As many calls as were answered: no bell is touched any more. */
void
wr_helpers_recall(struct wr_helpers *helpers, struct wr_call *calls, size_t count);

/* The word goes: no helper looks at it afterwards. Nobody calls for it any more. */
void
wr_helpers_forget(struct wr_helpers *helpers, struct wr_helped *helped);

/* Ends the threads, and rings for all who still called. Later calls are not answered. */
void
wr_helpers_close(struct wr_helpers *helpers);

/* The last thing, behind everything that may forget. */
void
wr_helpers_free(struct wr_helpers *helpers);

#endif
