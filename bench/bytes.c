/*
 *      producer                                     consumer
 *      buffer -- write(size) --> out ... in -- read(size) --> buffer
 *
 * Spinning descriptors do not block: a call that would wait is made again at once. A frame is one write, and as many
 * more as the kernel takes to accept it; the same on the reading side, which never reads beyond its frame.
 */
#include "bench/bytes.h"

#include "bus/atomic.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct bytes {
        struct bench_bytes_ends ends[2];
        uint8_t *lent, *received; /* frames of this process */
};

static void
ends_close(struct bench_bytes_ends *ends)
{
        if (ends->in >= 0)
                close(ends->in);
        if (ends->out >= 0 && ends->out != ends->in)
                close(ends->out);
        ends->in = ends->out = -1;
}

static bool
unblock(int fd)
{
        return fd < 0 || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0;
}

bool
bench_bytes_prepare(struct bench_link *link, const struct bench_bytes_ends ends[2])
{
        struct bytes *peer = calloc(1, sizeof *peer);

        if (!peer)
                return bench_link_fail(link, "no memory");
        memcpy(peer->ends, ends, sizeof peer->ends);
        link->state = peer;
        for (int end = 0; link->terms.wait == BENCH_SPIN && end < 2; end++)
                if (!unblock(ends[end].in) || !unblock(ends[end].out))
                        return bench_link_fail(link, "fcntl: %s", strerror(errno));
        return true;
}

/* Closes the other process's descriptors, so that its death is an end of file here. */
bool
bench_bytes_open(struct bench_link *link)
{
        struct bytes *peer = link->state;

        ends_close(&peer->ends[link->end == BENCH_PRODUCER ? BENCH_CONSUMER : BENCH_PRODUCER]);
        peer->lent = calloc(1, link->terms.size);
        peer->received = calloc(1, link->terms.size);
        return peer->lent && peer->received ? true : bench_link_fail(link, "no memory for two frames");
}

void *
bench_bytes_lend(struct bench_link *link)
{
        struct bytes *peer = link->state;

        return peer->lent;
}

/* After a call that moved nothing: true to make it again. */
static bool
again(struct bench_link *link, const char *call)
{
        if (errno != EAGAIN && errno != EINTR)
                return bench_link_fail(link, "%s: %s", call, strerror(errno));
        wr_pause();
        return true;
}

bool
bench_bytes_send(struct bench_link *link)
{
        struct bytes *peer = link->state;
        int fd = peer->ends[link->end].out;
        uint64_t done = 0;

        while (done < link->terms.size) {
                ssize_t moved = write(fd, peer->lent + done, link->terms.size - done);

                if (moved > 0)
                        done += (uint64_t)moved;
                else if (!again(link, "write"))
                        return false;
        }
        return true;
}

const void *
bench_bytes_receive(struct bench_link *link)
{
        struct bytes *peer = link->state;
        int fd = peer->ends[link->end].in;
        uint64_t done = 0;

        while (done < link->terms.size) {
                ssize_t moved = read(fd, peer->received + done, link->terms.size - done);

                if (moved == 0)
                        return bench_link_fail(link, "the other end closed"), NULL;
                if (moved > 0)
                        done += (uint64_t)moved;
                else if (!again(link, "read"))
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
        bench_bytes_discard(link);
}

void
bench_bytes_discard(struct bench_link *link)
{
        struct bytes *peer = link->state;

        if (!peer)
                return;
        ends_close(&peer->ends[BENCH_PRODUCER]);
        ends_close(&peer->ends[BENCH_CONSUMER]);
        free(peer->lent);
        free(peer->received);
        free(peer);
        link->state = NULL;
}
