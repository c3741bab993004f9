/*
 * The broker's one wait: sockets, processes and signals that become ready, and a deadline. A seam of two files:
 * loop_linux.c (epoll, signalfd), loop_win32.c (one completion port). One thread.
 *
 *      wr_loop_wait      blocks, the only call of the broker that does
 *      wr_loop_dispatch  calls the hooks that became ready; they may add and remove any hook, their own too
 */
#ifndef WR_LOOP_H
#define WR_LOOP_H

#include "named-objects/region.h"

#include <stdint.h>

/* HANGUP needs no asking for. On Windows one that is behind unread words is told to who wants to read them. */
enum { WR_READY_READ = 1, WR_READY_WRITE = 2, WR_READY_HANGUP = 4 };

struct wr_hook {
        wr_object object; /* the caller's; stays open while hooked. Windows: WR_NO_OBJECT is never ready */
        unsigned wanted;  /* set by wr_loop_add and wr_loop_change */
        void (*call)(struct wr_hook *hook, unsigned ready);
        void *owner;
        void *entry; /* the loop's own */
};

struct wr_loop;

enum weir_result
wr_loop_open(struct wr_loop **loop);

void
wr_loop_close(struct wr_loop *loop);

/* WEIR_E_QUOTA: no room for another hook. */
enum weir_result
wr_loop_add(struct wr_loop *loop, struct wr_hook *hook, unsigned wanted);

enum weir_result
wr_loop_change(struct wr_loop *loop, struct wr_hook *hook, unsigned wanted);

/* Its call-back does not come any more, also not in this turn. One that was removed already stays so. */
void
wr_loop_remove(struct wr_loop *loop, struct wr_hook *hook);

/* SIGTERM and SIGINT end the loop's owner: the first makes wr_loop_stopping() true and ends a wait, and the second ends
 * the process at once. SIGHUP makes wr_loop_hung_up() true. On Windows Ctrl-C and Ctrl-Break do what the first two do;
 * when the console is closed, the session ends or the system shuts down, the owner has four seconds to close the loop,
 * and then the system ends the process. For the daemon: one loop of a process. */
enum weir_result
wr_loop_catch_signals(struct wr_loop *loop);

bool
wr_loop_stopping(const struct wr_loop *loop);

/* Which signal it was: "SIGTERM", "Ctrl-C"; NULL: none came. */
const char *
wr_loop_signal(const struct wr_loop *loop);

/* Did SIGHUP come since this was asked last? On Windows: the same word of the service manager. */
bool
wr_loop_hung_up(struct wr_loop *loop);

/* Waits until something is ready or timeout_ns passed (rounded up to the system's grain). */
enum weir_result
wr_loop_wait(struct wr_loop *loop, int64_t timeout_ns);

void
wr_loop_dispatch(struct wr_loop *loop);

#endif
