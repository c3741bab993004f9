#include "bench/meeting.h"

bool
bench_meeting_create(struct bench_meeting *meeting)
{
        pthread_barrierattr_t shared;

        return pthread_barrierattr_init(&shared) == 0 &&
               pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED) == 0 &&
               pthread_barrier_init(&meeting->barrier, &shared, 2) == 0;
}

void
bench_meeting_wait(struct bench_meeting *meeting, int end)
{
        (void)end;
        pthread_barrier_wait(&meeting->barrier);
}

void
bench_meeting_close(struct bench_meeting *meeting)
{
        (void)meeting; /* no more than its memory; a destroy would wait for who was killed in it */
}
