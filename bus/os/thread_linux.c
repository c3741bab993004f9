#include "bus/os/thread.h"

#include <signal.h>

bool
wr_thread_start(wr_thread *thread, void *(*main)(void *), void *argument, size_t stack_bytes)
{
        sigset_t every, before;
        pthread_attr_t small;
        int code = -1;

        sigfillset(&every);
        pthread_sigmask(SIG_SETMASK, &every, &before); /* inherited by the thread */
        if (stack_bytes > 0 && pthread_attr_init(&small) == 0) {
                pthread_attr_setstacksize(&small, stack_bytes);
                code = pthread_create(thread, &small, main, argument);
                pthread_attr_destroy(&small);
        }
        if (code != 0)
                code = pthread_create(thread, NULL, main, argument);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return code == 0;
}

void
wr_thread_join(wr_thread thread)
{
        pthread_join(thread, NULL);
}

void
wr_thread_detach(wr_thread thread)
{
        pthread_detach(thread);
}
