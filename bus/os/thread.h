/*
 * Threads of this process. Linux: POSIX threads; Windows: the system's own, and for mutex.h and cond.h its slim locks
 * and condition variables, so that libweir needs no other library there.
 */
#ifndef WR_THREAD_H
#define WR_THREAD_H

#include <stdbool.h>
#include <stddef.h>

#ifdef _WIN32
typedef void *wr_thread;
#else
#        include <pthread.h>
typedef pthread_t wr_thread;
#endif

/*
 * Runs main(argument) in a thread with every signal blocked, so that none of the host's is ever handled there. It is
 * joined or detached, once. stack_bytes: 0, or a wish for less than the system gives; where that is refused it gets the
 * system's. False: there is no thread left, or no memory for its stack.
 */
bool
wr_thread_start(wr_thread *thread, void *(*main)(void *), void *argument, size_t stack_bytes);

void
wr_thread_join(wr_thread thread);

/* It cleans up after itself. */
void
wr_thread_detach(wr_thread thread);

#endif
