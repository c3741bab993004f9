/* Two pipes of 1 MiB each: what a program without a bus would take, and the kernel's fastest for plain bytes. */
#include "bench/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { PIPE_BYTES = 1 << 20 };

static bool
prepare(struct bench_link *link)
{
        int there[2] = { -1, -1 }, back[2] = { -1, -1 };
        bool made = pipe2(there, O_CLOEXEC) == 0 && pipe2(back, O_CLOEXEC) == 0 &&
                    fcntl(there[1], F_SETPIPE_SZ, PIPE_BYTES) >= PIPE_BYTES &&
                    fcntl(back[1], F_SETPIPE_SZ, PIPE_BYTES) >= PIPE_BYTES;
        int error = errno;
        struct bench_bytes_ends ends[2] = {
                [BENCH_PRODUCER] = { back[0], there[1] }, [BENCH_CONSUMER] = { there[0], back[1] }
        };

        if (!bench_bytes_prepare(link, ends))
                return false;
        return made ? true : bench_link_fail(link, "a pipe of 1 MiB: %s", strerror(error));
}

const struct bench_peer bench_peer_pipe = {
        .name = "pipe",
        .about = "a pipe of 1 MiB, whole-frame writes",
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
