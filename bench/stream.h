/*
 * Bytes in order, to another process and from it, as the system moves them. Linux: descriptors; who spins does not
 * block and makes the same call again. Windows: handles of pipes made for overlapped calls, where who spins looks at
 * the status of the one that is under way; or a socket, as on Linux.
 */
#ifndef BENCH_STREAM_H
#define BENCH_STREAM_H

#include "bench/peer.h"

/* In the process that uses it, one thread. */
struct bench_stream {
        intptr_t in, out; /* the same object in sockets */
        bool is_socket;
        enum bench_wait wait;
        void *call; /* of Windows: the one that may be under way */
};

enum { BENCH_STREAM_AGAIN = 0, BENCH_STREAM_FAILED = -1, BENCH_STREAM_CLOSED = -2 };

/* All but `call` is filled in. False: bench_system_error() says why; it is closed all the same. */
bool
bench_stream_open(struct bench_stream *stream);

/* And both objects. One that is all zero was never filled in, and is fine. */
void
bench_stream_close(struct bench_stream *stream);

/* Bytes that were moved, at most `bytes`; or one of the above: nothing moved yet, bench_system_error() says why, the
 * other end is gone. */
int64_t
bench_stream_write(struct bench_stream *stream, const void *from, uint64_t bytes);

int64_t
bench_stream_read(struct bench_stream *stream, void *to, uint64_t bytes);

/* An inherited object that is not used in this process. BENCH_NO_OBJECT is fine. */
void
bench_stream_discard(intptr_t object);

#endif
