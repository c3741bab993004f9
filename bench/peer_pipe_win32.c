/* Two named pipes of 1 MiB each: what a program without a bus would take. */
#include "bench/bytes.h"
#include "bench/pipe_win32.h"

static bool
prepare(struct bench_link *link)
{
        return bench_pipe_prepare(link, false);
}

const struct bench_peer bench_peer_pipe = {
        .name = "pipe",
        .about = "a named pipe of bytes, 1 MiB, whole-frame writes",
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
