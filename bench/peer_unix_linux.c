/* A pair of connected AF_UNIX stream sockets: with the buffers that the system gives, and with such that they are not
 * what a bare program waits for. Windows makes no such pairs; what it has instead is peer_message_win32.c. */
#include "bench/bytes.h"
#include "bench/system.h"

#include <sys/socket.h>

enum { BARE_BYTES = 4 << 20 }; /* asked for, each way; the system may give less */

static void
note(struct bench_link *link, const int fds[2])
{
        for (int end = 0; end < 2; end++) {
                *bench_bytes_object(link, (enum bench_end)end, BENCH_IN) = fds[end];
                *bench_bytes_object(link, (enum bench_end)end, BENCH_OUT) = fds[end];
        }
}

static bool
prepare(struct bench_link *link)
{
        int fds[2] = { -1, -1 };
        bool made = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0;

        note(link, fds);
        return made ? true : bench_link_fail(link, "socketpair: %s", bench_system_error());
}

static bool
prepare_bare(struct bench_link *link)
{
        int bytes = BARE_BYTES;

        if (!prepare(link))
                return false;
        for (int end = 0; end < 2; end++)
                (void)setsockopt((int)*bench_bytes_object(link, (enum bench_end)end, BENCH_OUT), SOL_SOCKET, SO_SNDBUF,
                                 &bytes, sizeof bytes);
        return true;
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

const struct bench_peer bench_peer_bare = {
        .name = "pipe",
        .about = "such a stream alone, whole-frame writes",
        .blocks = true,
        .prepare = prepare_bare,
        .open = bench_bytes_open,
        .lend = bench_bytes_lend,
        .send = bench_bytes_send,
        .receive = bench_bytes_receive,
        .release = bench_bytes_release,
        .close = bench_bytes_close,
        .discard = bench_bytes_discard,
};
