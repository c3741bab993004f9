/* The same of messages: a frame is one message. Windows has no faster way that keeps frames apart by itself. */
#include "bench/bytes.h"
#include "bench/pipe_win32.h"

static bool
prepare(struct bench_link *link)
{
        return bench_pipe_prepare(link, true);
}

const struct bench_peer bench_peer_message = {
        .name = "message",
        .about = "a named pipe of messages, 1 MiB, a frame each",
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
