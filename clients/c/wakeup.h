/*
 * weir_wakeup(): one native handle that is readable while weir_next() has something. A thread, started by the first
 * call, sleeps on the lanes as weir_next() would and raises the handle; whoever finds that nothing is left lowers it
 * (wr_wakeup_settle), and the thread goes to sleep on the lanes again.
 */
#ifndef WR_WAKEUP_H
#define WR_WAKEUP_H

#include "bus/atomic.h"
#include "bus/os/mutex.h"
#include "bus/os/thread.h"
#include "named-objects/region.h"

struct weir;

struct wr_wakeup {
        wr_word32 used; /* weir_wakeup() was called */
        wr_word32 turn; /* the thread sleeps on it while the handle is up; private */
        wr_word32 ending;
        wr_mutex lock; /* up, and every raise and lower */
        bool up;
        bool by_hand; /* it stays up while frames are taken, until wr_wakeup_lower */
        wr_object flag;
        wr_thread thread;
};

void
wr_wakeup_init(struct wr_wakeup *wakeup);

/* Something was taken: lowers the handle if nothing is left. Cheap while weir_wakeup() is not used. */
void
wr_wakeup_settle(struct weir *bus);

/* Before a wait for the handle: the same, where that is left to whoever waits. */
void
wr_wakeup_lower(struct weir *bus);

/* Ends the thread and closes the handle. */
void
wr_wakeup_close(struct weir *bus);

#endif
