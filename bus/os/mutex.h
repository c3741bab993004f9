/* A lock of this process: what lies in shared memory never blocks. Nothing here can fail: it takes nothing from the
 * system. Not recursive. */
#ifndef WR_MUTEX_H
#define WR_MUTEX_H

#ifdef _WIN32
typedef struct {
        void *state; /* SRWLOCK */
} wr_mutex;
/* clang-format off */
#        define WR_MUTEX_INITIAL { 0 }
/* clang-format on */
#else
#        include <pthread.h>
typedef pthread_mutex_t wr_mutex;
#        define WR_MUTEX_INITIAL PTHREAD_MUTEX_INITIALIZER
#endif

void
wr_mutex_init(wr_mutex *mutex);

void
wr_mutex_destroy(wr_mutex *mutex);

void
wr_mutex_lock(wr_mutex *mutex);

void
wr_mutex_unlock(wr_mutex *mutex);

#endif
