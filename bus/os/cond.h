/* What threads of this process wait for under a mutex. Nothing here can fail. */
#ifndef WR_COND_H
#define WR_COND_H

#include "bus/os/mutex.h"

#ifdef _WIN32
typedef struct {
        void *state; /* CONDITION_VARIABLE */
} wr_cond;
#else
typedef pthread_cond_t wr_cond;
#endif

void
wr_cond_init(wr_cond *cond);

void
wr_cond_destroy(wr_cond *cond);

/* Gives the mutex back while it waits; may return without a reason, so ask again. */
void
wr_cond_wait(wr_cond *cond, wr_mutex *mutex);

void
wr_cond_broadcast(wr_cond *cond);

#endif
