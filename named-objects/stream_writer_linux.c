/*
 * AF_UNIX takes pages from a pipe by splice(2), and the pipe takes them from memory by vmsplice(2):
 *
 *      spans ── copy ──▶ ring ── vmsplice ──▶ pipe ── splice ──▶ socket ── the other end's read copies
 *
 * What may be written again: SIOCOUTQ tells how much the kernel keeps for what was sent and not read, which is never
 * less than those bytes. So of `sent` bytes at least sent - SIOCOUTQ were read. (TCP's figure is of what was not yet
 * acknowledged, which says nothing about reading: there is no ring over TCP.)
 */
#include "named-objects/stream_writer.h"

#include "bus/os/error.h"
#include "bus/os/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
        RING_BYTES = 4 << 20, /* a few times what a socket holds: what is written next has left the reader's cache */
        HUGE_BYTES = 2 << 20, /* a huge page is looked up once for all of a piece */
        SPACE_BYTES = RING_BYTES + HUGE_BYTES,
        LARGE_BYTES = 32 << 10,  /* of one write; below, two more system calls cost more than they spare */
        PIECE_BYTES = 256 << 10, /* by one call of each kind: a turn of the relay */
        PIPE_BYTES = 512 << 10,  /* room for the pages of a piece that begins and ends inside one */
};

static bool
is_unix(int fd)
{
        socklen_t size = sizeof(int);
        int domain = -1;

        return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

void
wr_stream_writer_open(struct wr_stream_writer *writer, wr_object stream)
{
        *writer = (struct wr_stream_writer){ .stream = stream,
                                             .to = { WR_NO_OBJECT, WR_NO_OBJECT },
                                             .is_plain = !is_unix(stream) };
}

void
wr_stream_writer_close(struct wr_stream_writer *writer)
{
        if (writer->ring)
                munmap(writer->space, SPACE_BYTES); /* what waits to be read keeps its pages */
        wr_object_close(writer->to[0]);
        wr_object_close(writer->to[1]);
        *writer = (struct wr_stream_writer){ .stream = writer->stream,
                                             .to = { WR_NO_OBJECT, WR_NO_OBJECT },
                                             .is_plain = true };
}

/* Where nothing is written nothing fails. */
static enum weir_result
full_or_closed(const struct wr_stream_writer *writer)
{
        struct pollfd look = { .fd = writer->stream };

        return poll(&look, 1, 0) > 0 ? WEIR_E_CLOSED : WEIR_FULL;
}

/* So many bytes at least have a place in the ring behind those that are in it. */
static enum weir_result
ring_room(struct wr_stream_writer *writer, size_t *room)
{
        uint64_t end = writer->sent + writer->piped + writer->kept;
        int unread = 0;

        *room = RING_BYTES - (size_t)(end - writer->read);
        if (*room >= PIECE_BYTES)
                return WEIR_OK;
        if (ioctl(writer->stream, SIOCOUTQ, &unread) < 0)
                return wr_os_error(errno);
        if (unread >= 0 && (uint64_t)unread < writer->sent - writer->read)
                writer->read = writer->sent - (uint64_t)unread;
        *room = RING_BYTES - (size_t)(end - writer->read);
        return *room > 0 ? WEIR_OK : full_or_closed(writer);
}

/* A pipe that holds less, as the system gives to who has many, does as well, slower. The stream is to be full before
 * the ring is: who waits for room waits for the stream's. Nobody's child has the ring. */
static bool
ring_make(struct wr_stream_writer *writer)
{
        int stream_bytes = RING_BYTES / 4; /* the system makes twice of it */
        uint8_t *space;

        if (pipe2(writer->to, O_CLOEXEC | O_NONBLOCK) < 0)
                return false;
        (void)fcntl(writer->to[1], F_SETPIPE_SZ, PIPE_BYTES);
        space = mmap(NULL, SPACE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (space == MAP_FAILED)
                return false;
        (void)setsockopt(writer->stream, SOL_SOCKET, SO_SNDBUF, &stream_bytes, sizeof stream_bytes);
        writer->space = space;
        writer->ring = space + (-(uintptr_t)space & (HUGE_BYTES - 1));
        madvise(writer->ring, RING_BYTES, MADV_DONTFORK);
        wr_memory_huge(writer->ring, RING_BYTES);
        return true;
}

/* From the spans, `skip` bytes on, into the ring: up to `room` bytes, and not beyond its end, where it begins anew.
 * Returns how many. */
static size_t
take_in(struct wr_stream_writer *writer, const struct wr_span *spans, size_t count, size_t skip, size_t room)
{
        size_t at = (writer->sent + writer->piped + writer->kept) % RING_BYTES, used = 0;

        if (room > RING_BYTES - at)
                room = RING_BYTES - at;
        for (size_t i = 0; i < count && used < room; i++) {
                size_t size = spans[i].size;

                if (skip >= size) {
                        skip -= size;
                        continue;
                }
                size = size - skip < room - used ? size - skip : room - used;
                memcpy(writer->ring + at + used, (const uint8_t *)spans[i].at + skip, size);
                used += size;
                skip = 0;
        }
        writer->kept += used;
        return used;
}

static enum weir_result
failed(void)
{
        switch (errno) {
        case EAGAIN: return WEIR_FULL;
        case EPIPE:
        case ECONNRESET:
        case ENOTCONN: return WEIR_E_CLOSED;
        default: return wr_os_error(errno);
        }
}

/* What the pipe holds, or as much of it as there is room for. */
static enum weir_result
pipe_empty(struct wr_stream_writer *writer)
{
        while (writer->piped > 0) {
                ssize_t moved = splice(writer->to[0], NULL, writer->stream, NULL, writer->piped, SPLICE_F_NONBLOCK);

                if (moved < 0 && errno == EINTR)
                        continue;
                if (moved <= 0)
                        return failed();
                writer->piped -= (size_t)moved;
                writer->sent += (size_t)moved;
        }
        return WEIR_OK;
}

/* What is kept, as far as it lies in a row. */
static struct iovec
kept_piece(const struct wr_stream_writer *writer)
{
        size_t at = (writer->sent + writer->piped) % RING_BYTES;
        size_t size = writer->kept < RING_BYTES - at ? writer->kept : RING_BYTES - at;

        return (struct iovec){ writer->ring + at, size };
}

static enum weir_result
pipe_fill(struct wr_stream_writer *writer)
{
        struct iovec piece = kept_piece(writer);
        ssize_t took;

        do
                took = vmsplice(writer->to[1], &piece, 1, SPLICE_F_NONBLOCK);
        while (took < 0 && errno == EINTR);
        if (took < 0)
                return failed();
        writer->piped = (size_t)took;
        writer->kept -= (size_t)took;
        return WEIR_OK;
}

static enum weir_result
flush_pages(struct wr_stream_writer *writer)
{
        enum weir_result result = pipe_empty(writer);

        while (result == WEIR_OK && writer->kept > 0) {
                result = pipe_fill(writer);
                if (result == WEIR_OK)
                        result = pipe_empty(writer);
        }
        return result;
}

static enum weir_result
flush_plain(struct wr_stream_writer *writer)
{
        enum weir_result result = WEIR_OK;

        while (result == WEIR_OK && writer->kept > 0) {
                struct iovec piece = kept_piece(writer);
                struct wr_span span = { piece.iov_base, piece.iov_len };
                size_t done;

                result = wr_stream_write(writer->stream, &span, 1, &done);
                writer->sent += done;
                writer->kept -= done;
        }
        return result;
}

/* These calls are forbidden here, or unknown: what is in the pipe was not sent, and is in the ring, too. */
static void
pages_give_up(struct wr_stream_writer *writer)
{
        writer->is_plain = true;
        writer->kept += writer->piped;
        writer->piped = 0;
}

enum weir_result
wr_stream_writer_flush(struct wr_stream_writer *writer)
{
        enum weir_result result = writer->is_plain ? flush_plain(writer) : flush_pages(writer);

        if (result == WEIR_OK || result == WEIR_FULL || result == WEIR_E_CLOSED || writer->is_plain)
                return result;
        pages_give_up(writer);
        return flush_plain(writer);
}

static bool
is_large(const struct wr_span *spans, size_t count)
{
        size_t size = 0;

        for (size_t i = 0; i < count && size < LARGE_BYTES; i++)
                size += spans[i].size;
        return size >= LARGE_BYTES;
}

/* Is it to go through the ring? All that follows something that is in it. */
static bool
is_for_ring(struct wr_stream_writer *writer, const struct wr_span *spans, size_t count)
{
        if (writer->piped + writer->kept > 0)
                return true;
        if (writer->is_plain || !is_large(spans, count))
                return false;
        if (!writer->ring)
                writer->is_plain = !ring_make(writer);
        return !writer->is_plain;
}

enum weir_result
wr_stream_writer_write(struct wr_stream_writer *writer, const struct wr_span *spans, size_t count, size_t *done)
{
        enum weir_result result;
        size_t room, took;

        *done = 0;
        if (!is_for_ring(writer, spans, count))
                return wr_stream_write(writer->stream, spans, count, done);
        do {
                result = writer->kept < PIECE_BYTES ? WEIR_OK : wr_stream_writer_flush(writer);
                if (result == WEIR_OK)
                        result = ring_room(writer, &room);
                if (result != WEIR_OK)
                        break;
                if (room > PIECE_BYTES - writer->kept)
                        room = PIECE_BYTES - writer->kept;
                took = take_in(writer, spans, count, *done, room);
                *done += took;
        } while (took > 0);
        return *done > 0 ? WEIR_OK : result;
}
