/*
 * The other process of a test: actor.c, started with some of our objects, to play a role. The same on both systems:
 *
 *      actor_start(role, argument, objects, count)     see actor.c for the roles
 *      actor_until_asleep(actor)                       a thread of it sleeps; on Windows nothing has to be waited for
 *      actor_kill(actor)                               as if it had crashed
 *      actor_wait(actor)                               its exit status
 */
#ifndef WR_TEST_ACTOR_H
#define WR_TEST_ACTOR_H

#include "named-objects/signal.h"

#ifdef _WIN32
#        include "tests/contract/actor_win32.h"
#else
#        include "tests/contract/actor_linux.h"
#endif

/* What a test and its actors share: a page with as many pairs of words as one thread can sleep on. */
struct actor_page {
        wr_word32 ready;  /* counts who is about to sleep or to ask */
        wr_word32 woken;  /* counts who came back */
        wr_word32 turns;  /* counts who had the lock */
        wr_word32 inside; /* who have it now */
        struct {
                wr_word32 wake, space;
        } pairs[WR_SIGNAL_WAIT_MAX];
};

#endif
