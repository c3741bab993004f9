/*
 * A stream: bytes in order, both ways, between two processes; for whoever may not map memory. Nothing blocks but
 * wr_stream_wait, and nothing is kept in between: what a write says it took is on its way.
 *
 *                  Linux                                     Windows
 *      is          a pair of AF_UNIX SOCK_STREAM             a named pipe in byte mode, under a name nobody can guess
 *      goes        by handle                                 by handle; to whom no handle can be given, by name
 *      over TCP    a socket of 127.0.0.1                     the same (named-objects/stream_tcp.h)
 *
 * One thread reads it at a time and one writes it, each waits for its own; wr_stream_hang_up may come from any. Objects
 * never travel on it: those that a peer attaches are dropped by the kernel.
 */
#ifndef WR_STREAM_H
#define WR_STREAM_H

#include "named-objects/region.h"

enum { WR_STREAM_SPANS_MAX = 1024 /* of one call; more are left for the next */ };

/* A piece of memory to be written from or read into. */
struct wr_span {
        void *at;
        size_t size;
};

/*
 * ends[0] is the caller's; ends[1] is for the peer, and goes to it as an object beside a message on `connection`
 * (endpoint.h): until it was adopted there, it is good for nothing but that and wr_object_close. connection:
 * WR_NO_OBJECT, it goes by handle. WEIR_E_QUOTA: no descriptors left.
 *
 * An end that goes by name is opened by the peer. Until then there is no room to write and nothing to read, and closing
 * ends[1] tells ends[0] nothing: who does not send it hangs up.
 */
enum weir_result
wr_stream_pair(wr_object connection, wr_object ends[2]);

/* What came beside a message: *end is a stream from now on, non-blocking and closed on exec. WEIR_E_CORRUPT: it is
 * none; it stays the caller's to close. */
enum weir_result
wr_stream_adopt(wr_object *end);

/*
 * Writes what there is room for, in the order of the spans.
 *
 * WEIR_OK         *done bytes, at least one unless all spans are empty
 * WEIR_FULL       no room now
 * WEIR_E_CLOSED   either end was closed or hung up
 * WEIR_E_SYSTEM   and what wr_os_error makes of the system's other failures
 */
enum weir_result
wr_stream_write(wr_object stream, const struct wr_span *spans, size_t count, size_t *done);

/*
 * Reads what is there, as far as it fits.
 *
 * WEIR_OK         *done bytes, at least one unless all spans are empty
 * WEIR_EMPTY      nothing now
 * WEIR_E_CLOSED   the end of it: what was written before the peer closed or hung up was read
 * WEIR_E_SYSTEM   and what wr_os_error makes of the system's other failures
 */
enum weir_result
wr_stream_read(wr_object stream, const struct wr_span *spans, size_t count, size_t *done);

enum wr_stream_ready { WR_STREAM_READ = 1, WR_STREAM_WRITE = 2, WR_STREAM_ALSO = 4 };

/*
 * Waits until it can be read (an end of it is read, too), can be written, or `also` (a flag, a connection;
 * WR_NO_OBJECT: none) is readable. what: WR_STREAM_READ | WR_STREAM_WRITE, or 0 to wait for `also` and for the stream's
 * end alone. deadline_ns: of wr_clock_ns(), INT64_MAX: for ever. ready: out, of enum wr_stream_ready; where the stream
 * has ended, all that was asked for and WR_STREAM_READ.
 *
 * WEIR_OK      *ready is not 0
 * WEIR_EMPTY   the deadline passed
 * WEIR_E_...   it cannot be waited for at all (no memory)
 */
enum weir_result
wr_stream_wait(wr_object stream, unsigned what, wr_object also, int64_t deadline_ns, unsigned *ready);

/* Ends both directions, from any thread; a wait returns. What was written and not yet read can still be read at the
 * other end (Windows: what the other end has begun to read). The object is closed by its owner, later. */
void
wr_stream_hang_up(wr_object stream);

#endif
