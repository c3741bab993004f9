/* A TCP connection over the loopback interface, TCP_NODELAY at both ends: small frames do not wait for company. */
#include "bench/bytes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool
set_nodelay(int fd)
{
        int on = 1;

        return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0;
}

/* Connects two sockets through a listener on any free port, which is closed again. */
static bool
connect_pair(int listener, int fds[2])
{
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t length = sizeof address;

        if (listener < 0 || fds[0] < 0 || bind(listener, (struct sockaddr *)&address, length) < 0 ||
            listen(listener, 1) < 0 || getsockname(listener, (struct sockaddr *)&address, &length) < 0 ||
            connect(fds[0], (struct sockaddr *)&address, length) < 0)
                return false;
        fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        return fds[1] >= 0 && set_nodelay(fds[0]) && set_nodelay(fds[1]);
}

static bool
prepare(struct bench_link *link)
{
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int fds[2] = { socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), -1 };
        bool made = connect_pair(listener, fds);
        int error = errno;
        struct bench_bytes_ends ends[2] = {
                [BENCH_PRODUCER] = { fds[0], fds[0] }, [BENCH_CONSUMER] = { fds[1], fds[1] }
        };

        if (listener >= 0)
                close(listener);
        if (!bench_bytes_prepare(link, ends))
                return false;
        return made ? true : bench_link_fail(link, "TCP over loopback: %s", strerror(error));
}

const struct bench_peer bench_peer_tcp = {
        .name = "tcp",
        .about = "TCP over loopback, TCP_NODELAY",
        .blocks = true,
        .prepare = prepare,
        .open = bench_bytes_open,
        .lend = bench_bytes_lend,
        .send = bench_bytes_send,
        .receive = bench_bytes_receive,
        .release = bench_bytes_release,
        .close = bench_bytes_close,
        .discard = bench_bytes_discard,
};
