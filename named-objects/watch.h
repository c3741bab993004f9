/*
 * What a thread with a descriptor table of its own waits on: connections, life-lines, flags. In a table of its own a
 * forked child keeps none of its objects open, and it keeps none of the host's.
 */
#ifndef WR_WATCH_H
#define WR_WATCH_H

#include "named-objects/region.h"

/* From now on the calling thread has a table of its own with only these in it; they keep their numbers. What is left of
 * 0 to 2 is taken by flags that nobody waits for, so that no stray write of a library to "stderr" lands in a connection
 * or in a lane. On a failure the thread is to end: its table may be its own already. */
enum weir_result
wr_watch_own_table(const wr_object *keep, size_t count);

struct wr_watch {
        wr_object object;
        bool read, write;                 /* wanted; hang-up is always told */
        bool readable, writable, hung_up; /* what was found */
};

/* Waits until one of them has something, or timeout_ns passed (0: look only, INT64_MAX: for ever). */
void
wr_watch_wait(struct wr_watch *watches, size_t count, int64_t timeout_ns);

/* How many objects this process may have, and how many the calling thread's table holds now. */
uint32_t
wr_watch_objects_max(void);

uint32_t
wr_watch_objects_now(void);

/* Raise this process's own limit as far as it may. For programs of ours; a library leaves its host's limit alone. */
void
wr_watch_objects_raise(void);

#endif
