/*
 * What a wr_object is on Windows: a handle of the system's; or, marked in its lowest bit, which the system leaves to
 * programs, the address of something of ours that has reads and writes under way: an end of a pipe, a listener, a
 * socket that is a stream or awaits one.
 */
#ifndef WR_OBJECT_WIN32_H
#define WR_OBJECT_WIN32_H

#include "named-objects/region.h"

#include <windows.h>

/* The first member of what a marked object points to. */
struct wr_waitable {
        HANDLE readable; /* manual-reset: there is something to receive or to accept, or the end of it */
        HANDLE writable; /* manual-reset: there is room to send; NULL: it is never sent to */
        bool (*hung_up)(const struct wr_waitable *waitable);
        void (*close)(struct wr_waitable *waitable); /* frees it */
};

enum { WR_OBJECT_MARK = 1 };

/* NULL for a handle of the system's. */
static inline struct wr_waitable *
wr_object_waitable(wr_object object)
{
        uintptr_t bits = (uintptr_t)object;

        return (bits & WR_OBJECT_MARK) != 0 ? (struct wr_waitable *)(bits - WR_OBJECT_MARK) : NULL;
}

static inline wr_object
wr_object_of(struct wr_waitable *waitable)
{
        return (wr_object)((uintptr_t)waitable + WR_OBJECT_MARK);
}

#endif
