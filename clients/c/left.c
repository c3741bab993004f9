#include "clients/c/left.h"

#include <pthread.h>
#include <stddef.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct wr_left *first;

void
wr_left_add(struct wr_left *left)
{
        pthread_mutex_lock(&lock);
        left->next = first;
        left->at = &first;
        if (left->next)
                left->next->at = &left->next;
        first = left;
        pthread_mutex_unlock(&lock);
}

void
wr_left_remove(struct wr_left *left)
{
        pthread_mutex_lock(&lock);
        if (left->at) {
                *left->at = left->next;
                if (left->next)
                        left->next->at = left->at;
        }
        left->at = NULL;
        pthread_mutex_unlock(&lock);
}
