/*
 * Memory that the supervisor makes and its children share. The children of Linux are forked and have it where their
 * parent had it; on Windows they inherit the section's handle, and map it where they please.
 */
#ifndef BENCH_SHARED_H
#define BENCH_SHARED_H

#include <stdbool.h>
#include <stdint.h>

/* Plain: a copy in shared memory tells a child where to look. All zero: there is none. */
struct bench_shared {
        void *address; /* in this process */
        uint64_t bytes;
        intptr_t object; /* of Windows */
};

/* All zero, to be read and written. False: bench_system_error() says why, and there is nothing to close. */
bool
bench_shared_create(struct bench_shared *shared, uint64_t bytes);

/* In a child, once: sets the address. */
bool
bench_shared_attach(struct bench_shared *shared);

/* Wherever it was made or attached. NULL memory is fine. */
void
bench_shared_close(struct bench_shared *shared);

#endif
