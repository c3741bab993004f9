#include "bus/os/cond.h"

void
wr_cond_init(wr_cond *cond)
{
        pthread_cond_init(cond, NULL);
}

void
wr_cond_destroy(wr_cond *cond)
{
        pthread_cond_destroy(cond);
}

void
wr_cond_wait(wr_cond *cond, wr_mutex *mutex)
{
        pthread_cond_wait(cond, mutex);
}

void
wr_cond_broadcast(wr_cond *cond)
{
        pthread_cond_broadcast(cond);
}
