#include "bus/os/mutex.h"

void
wr_mutex_init(wr_mutex *mutex)
{
        pthread_mutex_init(mutex, NULL);
}

void
wr_mutex_destroy(wr_mutex *mutex)
{
        pthread_mutex_destroy(mutex);
}

void
wr_mutex_lock(wr_mutex *mutex)
{
        pthread_mutex_lock(mutex);
}

void
wr_mutex_unlock(wr_mutex *mutex)
{
        pthread_mutex_unlock(mutex);
}
