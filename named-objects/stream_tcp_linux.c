#include "named-objects/stream_tcp.h"

#include "bus/os/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
        BACKLOG = 64,
        BUFFER_BYTES = 1 << 20,
};

static struct sockaddr_in
loopback(uint16_t port)
{
        return (struct sockaddr_in){ .sin_family = AF_INET,
                                     .sin_port = htons(port),
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* Only wishes. The buffer holds some turns of a relay: what the system finds out by itself begins with 16 KiB, and is
 * waited for meanwhile. */
static void
hurry(int fd)
{
        int on = 1, bytes = BUFFER_BYTES;

        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

enum weir_result
wr_stream_tcp_listen(wr_object *listener, uint16_t *port)
{
        struct sockaddr_in address = loopback(*port);
        socklen_t size = sizeof address;
        enum weir_result result;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

        *listener = WR_NO_OBJECT;
        if (fd < 0)
                return wr_os_error(errno);
        /* A port that nobody listens at, although old connections of it are still winding down. */
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, BACKLOG) < 0 ||
            getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
                result = errno == EADDRINUSE ? WEIR_E_HELD : wr_os_error(errno);
                close(fd);
                return result;
        }
        *port = ntohs(address.sin_port);
        *listener = fd;
        return WEIR_OK;
}

enum weir_result
wr_stream_tcp_accept(wr_object listener, wr_object *stream)
{
        *stream = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (*stream < 0) {
                *stream = WR_NO_OBJECT;
                if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
                        return WEIR_EMPTY;
                return wr_os_error(errno);
        }
        hurry(*stream);
        return WEIR_OK;
}

/* On the loop-back a connection is there, or refused, before connect returns; one to a full backlog is not waited for.
 */
enum weir_result
wr_stream_tcp_connect(wr_object *stream, uint16_t port)
{
        struct sockaddr_in address = loopback(port);
        enum weir_result result;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        *stream = WR_NO_OBJECT;
        if (fd < 0)
                return wr_os_error(errno);
        if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) {
                result = errno == ECONNREFUSED ? WEIR_E_NO_BROKER : wr_os_error(errno);
                close(fd);
                return result;
        }
        hurry(fd);
        *stream = fd;
        return WEIR_OK;
}
