/*
 *      producer                                     consumer
 *      buffer -- write(size) --> out ... in -- read(size) --> buffer
 *
 * A frame is one write, and as many more as the system takes to accept it; the same on the reading side, which never
 * reads beyond its frame.
 */
#include "bench/bytes.h"

#include "bench/stream.h"
#include "bench/system.h"
#include "bus/atomic.h"

#include <stdlib.h>

struct bytes {
        struct bench_stream stream;
        uint8_t *lent, *received;
};

static void
objects_close(struct bench_link *link, enum bench_end end)
{
        intptr_t *in = bench_bytes_object(link, end, BENCH_IN), *out = bench_bytes_object(link, end, BENCH_OUT);

        bench_stream_discard(*in);
        if (*out != *in)
                bench_stream_discard(*out);
        *in = *out = BENCH_NO_OBJECT;
}

static bool
state_open(struct bench_link *link, const struct bench_stream *stream)
{
        struct bytes *peer = calloc(1, sizeof *peer);

        if (!peer)
                return bench_link_fail(link, "no memory");
        link->state = peer;
        peer->stream = *stream;
        peer->lent = calloc(1, link->terms.size);
        peer->received = calloc(1, link->terms.size);
        if (!peer->lent || !peer->received)
                return bench_link_fail(link, "no memory for two frames");
        return bench_stream_open(&peer->stream) ? true : bench_link_fail(link, "a stream: %s", bench_system_error());
}

/* Closes the other process's objects, so that its death is an end of file here. */
bool
bench_bytes_open(struct bench_link *link)
{
        struct bench_stream stream = { .in = *bench_bytes_object(link, link->end, BENCH_IN),
                                       .out = *bench_bytes_object(link, link->end, BENCH_OUT),
                                       .wait = link->terms.wait };

        objects_close(link, link->end == BENCH_PRODUCER ? BENCH_CONSUMER : BENCH_PRODUCER);
        return state_open(link, &stream);
}

bool
bench_bytes_open_socket(struct bench_link *link, intptr_t socket)
{
        struct bench_stream stream = { .in = socket, .out = socket, .is_socket = true, .wait = link->terms.wait };

        return state_open(link, &stream);
}

void *
bench_bytes_lend(struct bench_link *link)
{
        struct bytes *peer = link->state;

        return peer->lent;
}

/* What a call answered that moved nothing: true to make it again. */
static bool
again(struct bench_link *link, const char *call, int64_t answer)
{
        if (answer == BENCH_STREAM_CLOSED)
                return bench_link_fail(link, "the other end closed");
        if (answer == BENCH_STREAM_FAILED)
                return bench_link_fail(link, "%s: %s", call, bench_system_error());
        wr_pause();
        return true;
}

bool
bench_bytes_send(struct bench_link *link)
{
        struct bytes *peer = link->state;
        uint64_t done = 0;

        while (done < link->terms.size) {
                int64_t moved = bench_stream_write(&peer->stream, peer->lent + done, link->terms.size - done);

                if (moved > 0)
                        done += (uint64_t)moved;
                else if (!again(link, "write", moved))
                        return false;
        }
        return true;
}

const void *
bench_bytes_receive(struct bench_link *link)
{
        struct bytes *peer = link->state;
        uint64_t done = 0;

        while (done < link->terms.size) {
                int64_t moved = bench_stream_read(&peer->stream, peer->received + done, link->terms.size - done);

                if (moved > 0)
                        done += (uint64_t)moved;
                else if (!again(link, "read", moved))
                        return NULL;
        }
        return peer->received;
}

void
bench_bytes_release(struct bench_link *link)
{
        (void)link; /* the buffer serves the next frame */
}

void
bench_bytes_close(struct bench_link *link)
{
        struct bytes *peer = link->state;

        bench_stream_close(&peer->stream);
        free(peer->lent);
        free(peer->received);
        free(peer);
        link->state = NULL;
}

void
bench_bytes_discard(struct bench_link *link)
{
        objects_close(link, BENCH_PRODUCER);
        objects_close(link, BENCH_CONSUMER);
}
