/* A pair of connected AF_UNIX stream sockets: with the buffers that the system gives, and as the relay makes them.
 * Windows makes no such pairs; what it has instead is peer_message_win32.c. */
#include "bench/bytes.h"
#include "bench/system.h"
#include "named-objects/stream.h"

#include <fcntl.h>
#include <sys/socket.h>

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

/* Its ends do not block, for the relay waits otherwise; whoever spins says so itself. */
static bool
prepare_bare(struct bench_link *link)
{
        wr_object ends[2];
        bool made = wr_stream_pair(WR_NO_OBJECT, ends) == WEIR_OK && fcntl(ends[0], F_SETFL, 0) == 0 &&
                    fcntl(ends[1], F_SETFL, 0) == 0;

        note(link, ends);
        return made ? true : bench_link_fail(link, "a stream: %s", bench_system_error());
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
