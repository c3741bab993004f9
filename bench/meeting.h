/* Where two processes wait for each other; it lies in memory that they share. */
#ifndef BENCH_MEETING_H
#define BENCH_MEETING_H

#include <stdbool.h>

#ifdef _WIN32
struct bench_meeting {
        void *arrived[2]; /* semaphores, each waited for by one end and raised by the other; inherited handles */
};
#else
#        include <pthread.h>

struct bench_meeting {
        pthread_barrier_t barrier;
};
#endif

/* In the supervisor, before the children start. */
bool
bench_meeting_create(struct bench_meeting *meeting);

/* end: 0 and 1, one of each. Sleeps until both are here; any number of times. */
void
bench_meeting_wait(struct bench_meeting *meeting, int end);

/* In the supervisor, when the children are gone. One that was never created is fine, if it is all zero. */
void
bench_meeting_close(struct bench_meeting *meeting);

#endif
