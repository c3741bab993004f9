/*
 * A stream (named-objects/stream.h) for who writes a lot to it: the relay's two ends.
 *
 *      wr_stream_write     the kernel gets fresh pages, copies into them, and frees them when they were read
 *      this, on Linux      the bytes are copied into a ring of this writer's; the stream holds on to those pages, and
 *                          who reads it copies out of them
 *
 * So it is as many copies, for half of the time: the pages are there, mapped and counted, and several writes go out by
 * one call. A page is written again when the stream says that it was read. Whoever reads does not have to tell the
 * truth about that: the ring holds what goes to this reader and nothing else, and is given up with the stream.
 *
 * Small pieces, TCP, Windows, and a system that forbids vmsplice or splice: as wr_stream_write. One thread at a time;
 * its SIGPIPE is blocked, which is how wr_thread_start starts all of them.
 */
#ifndef WR_STREAM_WRITER_H
#define WR_STREAM_WRITER_H

#include "named-objects/stream.h"

struct wr_stream_writer {
        wr_object stream; /* not ours */
        /* Where there is a ring. */
        uint8_t *ring;   /* NULL before the first large write */
        void *space;     /* what was mapped for it */
        wr_object to[2]; /* the ends of a pipe: between memory and a stream there is no other way */
        bool is_plain;   /* no ring is to be had */
        uint64_t sent;   /* bytes that went through the ring; byte n has its place at n % its size */
        uint64_t read;   /* of them, by the reader, when that was asked last */
        size_t piped;    /* the next ones: in the pipe, */
        size_t kept;     /* and behind them those that are in the ring alone */
};

/* Takes no memory yet. */
void
wr_stream_writer_open(struct wr_stream_writer *writer, wr_object stream);

/* Before or after the stream is closed. What was written can still be read. */
void
wr_stream_writer_close(struct wr_stream_writer *writer);

/* As wr_stream_write; but some of what was taken may be kept, to go out with what comes next, or by a flush. */
enum weir_result
wr_stream_writer_write(struct wr_stream_writer *writer, const struct wr_span *spans, size_t count, size_t *done);

/* Nothing is kept any more: before any sleep, and before anybody else writes to this stream. Of several in a row that
 * answer WEIR_FULL, each follows a wait for room.
 *
 * WEIR_OK         all is in the stream
 * WEIR_FULL       no room now for all of it
 * WEIR_E_...      as wr_stream_write
 */
enum weir_result
wr_stream_writer_flush(struct wr_stream_writer *writer);

#endif
