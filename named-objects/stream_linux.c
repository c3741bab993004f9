/* AF_UNIX SOCK_STREAM, or a socket of TCP: the calls are the same. */
#include "named-objects/stream.h"

#include "bus/os/clock.h"
#include "bus/os/error.h"
#include "named-objects/endpoint_linux.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

enum { NS_PER_S = 1000000000 };

static_assert(sizeof(struct wr_span) == sizeof(struct iovec) &&
                      offsetof(struct wr_span, at) == offsetof(struct iovec, iov_base) &&
                      offsetof(struct wr_span, size) == offsetof(struct iovec, iov_len),
              "a span is what the kernel takes");

enum weir_result
wr_stream_pair(wr_object connection, wr_object ends[2])
{
        (void)connection;
        ends[0] = ends[1] = WR_NO_OBJECT;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0)
                return wr_os_error(errno);
        for (int i = 0; i < 2; i++)
                wr_endpoint_descriptors_refuse(ends[i]);
        return WEIR_OK;
}

static bool
option_is(int fd, int option, int value)
{
        socklen_t size = sizeof(int);
        int is = -1;

        return getsockopt(fd, SOL_SOCKET, option, &is, &size) == 0 && is == value;
}

enum weir_result
wr_stream_adopt(wr_object *end)
{
        int flags;

        if (!option_is(*end, SO_DOMAIN, AF_UNIX) || !option_is(*end, SO_TYPE, SOCK_STREAM) ||
            !option_is(*end, SO_ACCEPTCONN, 0))
                return WEIR_E_CORRUPT;
        flags = fcntl(*end, F_GETFL);
        if (flags < 0 || fcntl(*end, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(*end, F_SETFD, FD_CLOEXEC) < 0)
                return wr_os_error(errno);
        wr_endpoint_descriptors_refuse(*end);
        return WEIR_OK;
}

/* So that a read of nothing is not taken for the end of the stream. */
static bool
all_empty(const struct wr_span *spans, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (spans[i].size != 0)
                        return false;
        return true;
}

static struct msghdr
message_of(const struct wr_span *spans, size_t count)
{
        return (struct msghdr){
                .msg_iov = (struct iovec *)(uintptr_t)spans,
                .msg_iovlen = count < WR_STREAM_SPANS_MAX ? count : WR_STREAM_SPANS_MAX,
        };
}

static enum weir_result
failed(enum weir_result nothing_now)
{
        switch (errno) {
        case EAGAIN: return nothing_now;
        case EPIPE:
        case ECONNRESET:
        case ENOTCONN: return WEIR_E_CLOSED;
        default: return wr_os_error(errno);
        }
}

enum weir_result
wr_stream_write(wr_object stream, const struct wr_span *spans, size_t count, size_t *done)
{
        struct msghdr message = message_of(spans, count);
        ssize_t wrote;

        *done = 0;
        if (all_empty(spans, message.msg_iovlen))
                return WEIR_OK;
        do
                wrote = sendmsg(stream, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        while (wrote < 0 && errno == EINTR);
        if (wrote < 0)
                return failed(WEIR_FULL);
        *done = (size_t)wrote;
        return WEIR_OK;
}

enum weir_result
wr_stream_read(wr_object stream, const struct wr_span *spans, size_t count, size_t *done)
{
        struct msghdr message = message_of(spans, count); /* no room for descriptors: the kernel drops them */
        ssize_t got;

        *done = 0;
        if (all_empty(spans, message.msg_iovlen))
                return WEIR_OK;
        do
                got = recvmsg(stream, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        while (got < 0 && errno == EINTR);
        if (got < 0)
                return failed(WEIR_EMPTY);
        *done = (size_t)got;
        return got != 0 ? WEIR_OK : WEIR_E_CLOSED;
}

static struct timespec
remaining(int64_t deadline_ns)
{
        int64_t left_ns = deadline_ns - wr_clock_ns();

        if (left_ns < 0)
                left_ns = 0;
        return (struct timespec){ .tv_sec = left_ns / NS_PER_S, .tv_nsec = left_ns % NS_PER_S };
}

enum weir_result
wr_stream_wait(wr_object stream, unsigned what, wr_object also, int64_t deadline_ns, unsigned *ready)
{
        short events = (short)((what & WR_STREAM_READ ? POLLIN : 0) | (what & WR_STREAM_WRITE ? POLLOUT : 0) |
                               (what == 0 ? POLLRDHUP : 0)); /* TCP's own word for its end */
        struct pollfd polls[] = { { .fd = stream, .events = events }, { .fd = also, .events = POLLIN } };

        *ready = 0;
        for (;;) {
                struct timespec left = remaining(deadline_ns);
                int found = ppoll(polls, 2, deadline_ns == INT64_MAX ? NULL : &left, NULL);

                if (found == 0)
                        return WEIR_EMPTY;
                if (found > 0)
                        break;
                if (errno != EINTR)
                        return wr_os_error(errno);
        }
        if ((polls[0].revents & (POLLHUP | POLLRDHUP | POLLERR | POLLNVAL)) != 0)
                *ready |= (what & WR_STREAM_WRITE) | WR_STREAM_READ;
        if ((polls[0].revents & POLLIN) != 0)
                *ready |= WR_STREAM_READ;
        if ((polls[0].revents & POLLOUT) != 0)
                *ready |= WR_STREAM_WRITE;
        if (polls[1].revents != 0)
                *ready |= WR_STREAM_ALSO;
        return WEIR_OK;
}

void
wr_stream_hang_up(wr_object stream)
{
        (void)shutdown(stream, SHUT_RDWR);
}
