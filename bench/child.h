/*
 * The processes that the supervisor starts, waits for and ends. Linux forks them, so they have all that it has. Windows
 * starts this program again, with the same arguments and one more, which names the role and the shared page: what a
 * child is to know stands in that page, on both systems.
 *
 *      supervisor                               child
 *      bench_child_start(role, page, number)    bench_child_begin  (Windows)
 *                                               role->play(page, number), and ends with what it answers
 */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

#include "bench/shared.h"

struct bench_role {
        const char *name;
        int (*play)(void *page, int number); /* answers the exit code */
};

/* Every role there is: bench/ends.c, bench/placement.c. */
extern const struct bench_role bench_role_end, bench_role_answer;

/* As the system has it; all zero: none. */
struct bench_child {
        intptr_t process, watched;
};

/* First of all, before anything is printed. Does not return in a child that was started with a role. */
void
bench_child_begin(int argc, char **argv);

/* A child ends with its supervisor. False: bench_system_error() says why, there is none. */
bool
bench_child_start(struct bench_child *child, const struct bench_role *role, const struct bench_shared *page,
                  int number);

/* From here to the end of the watch, Ctrl-C and a request to end this process are told by bench_watch instead. */
bool
bench_watch_begin(void);

/* Where there is none, nothing happens. */
void
bench_watch_end(void);

enum { BENCH_WATCH_NOBODY = -1, BENCH_WATCH_INTERRUPT = -2 };

/* Sleeps until one of the children, those that there are, has ended, and answers which; or one of the above. */
int
bench_watch(const struct bench_child children[2], int timeout_ms);

/* Forgets a child that has ended, and answers its status: 0 is a good end, others are the system's. */
unsigned int
bench_child_collect(struct bench_child *child);

/* Ends it, waits, and forgets it. None is fine. */
void
bench_child_kill(struct bench_child *child);

/* False: it has ended. */
bool
bench_child_lives(const struct bench_child *child);

#endif
