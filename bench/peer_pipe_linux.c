/* Two pipes of 1 MiB each: what a program without a bus would take, and the kernel's fastest for plain bytes. */
#include "bench/bytes.h"
#include "bench/system.h"

#include <fcntl.h>
#include <unistd.h>

enum { PIPE_BYTES = 1 << 20 };

static bool
prepare(struct bench_link *link)
{
        int there[2] = { -1, -1 }, back[2] = { -1, -1 };
        bool made = pipe2(there, O_CLOEXEC) == 0 && pipe2(back, O_CLOEXEC) == 0 &&
                    fcntl(there[1], F_SETPIPE_SZ, PIPE_BYTES) >= PIPE_BYTES &&
                    fcntl(back[1], F_SETPIPE_SZ, PIPE_BYTES) >= PIPE_BYTES;

        *bench_bytes_object(link, BENCH_PRODUCER, BENCH_IN) = back[0];
        *bench_bytes_object(link, BENCH_PRODUCER, BENCH_OUT) = there[1];
        *bench_bytes_object(link, BENCH_CONSUMER, BENCH_IN) = there[0];
        *bench_bytes_object(link, BENCH_CONSUMER, BENCH_OUT) = back[1];
        return made ? true : bench_link_fail(link, "a pipe of 1 MiB: %s", bench_system_error());
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
