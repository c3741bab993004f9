/* A pair of connected AF_UNIX stream sockets, with the buffers that the system gives. */
#include "bench/bytes.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static bool
prepare(struct bench_link *link)
{
        int fds[2] = { -1, -1 };
        bool made = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0;
        int error = errno;
        struct bench_bytes_ends ends[2] = {
                [BENCH_PRODUCER] = { fds[0], fds[0] }, [BENCH_CONSUMER] = { fds[1], fds[1] }
        };

        if (!bench_bytes_prepare(link, ends))
                return false;
        return made ? true : bench_link_fail(link, "socketpair: %s", strerror(error));
}

const struct bench_peer bench_peer_unix = {
        .name = "unix",
        .about = "an AF_UNIX stream socket",
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
