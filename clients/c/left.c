#include "clients/c/left.h"

#include "bus/os/mutex.h"

#include <stddef.h>

static wr_mutex lock = WR_MUTEX_INITIAL;
static struct wr_left *first;

void
wr_left_add(struct wr_left *left)
{
        wr_mutex_lock(&lock);
        left->next = first;
        left->at = &first;
        if (left->next)
                left->next->at = &left->next;
        first = left;
        wr_mutex_unlock(&lock);
}

void
wr_left_remove(struct wr_left *left)
{
        wr_mutex_lock(&lock);
        if (left->at) {
                *left->at = left->next;
                if (left->next)
                        left->next->at = left->at;
        }
        left->at = NULL;
        wr_mutex_unlock(&lock);
}
