/* A condition variable has the size of an address, begins as zero, and needs no end. */
#include "bus/os/cond.h"

#include <windows.h>

_Static_assert(sizeof(CONDITION_VARIABLE) == sizeof(wr_cond), "a condition is kept without its type in the header");

static CONDITION_VARIABLE *
variable_of(wr_cond *cond)
{
        return (CONDITION_VARIABLE *)(void *)cond;
}

void
wr_cond_init(wr_cond *cond)
{
        InitializeConditionVariable(variable_of(cond));
}

void
wr_cond_destroy(wr_cond *cond)
{
        (void)cond;
}

void
wr_cond_wait(wr_cond *cond, wr_mutex *mutex)
{
        SleepConditionVariableSRW(variable_of(cond), (SRWLOCK *)(void *)mutex, INFINITE, 0);
}

void
wr_cond_broadcast(wr_cond *cond)
{
        WakeAllConditionVariable(variable_of(cond));
}
