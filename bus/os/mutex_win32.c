/* A slim lock has the size of an address, begins as zero, and needs no end. */
#include "bus/os/mutex.h"

#include <windows.h>

_Static_assert(sizeof(SRWLOCK) == sizeof(wr_mutex), "a lock is kept without its type in the header");

static SRWLOCK *
lock_of(wr_mutex *mutex)
{
        return (SRWLOCK *)(void *)mutex;
}

void
wr_mutex_init(wr_mutex *mutex)
{
        InitializeSRWLock(lock_of(mutex));
}

void
wr_mutex_destroy(wr_mutex *mutex)
{
        (void)mutex;
}

void
wr_mutex_lock(wr_mutex *mutex)
{
        AcquireSRWLockExclusive(lock_of(mutex));
}

void
wr_mutex_unlock(wr_mutex *mutex)
{
        ReleaseSRWLockExclusive(lock_of(mutex));
}
