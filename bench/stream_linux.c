#include "bench/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static bool
unblock(intptr_t object)
{
        return object == BENCH_NO_OBJECT || fcntl((int)object, F_SETFL, fcntl((int)object, F_GETFL) | O_NONBLOCK) == 0;
}

bool
bench_stream_open(struct bench_stream *stream)
{
        return stream->wait != BENCH_SPIN || (unblock(stream->in) && unblock(stream->out));
}

void
bench_stream_close(struct bench_stream *stream)
{
        if (stream->in == 0 && stream->out == 0)
                return;
        bench_stream_discard(stream->in);
        if (stream->out != stream->in)
                bench_stream_discard(stream->out);
}

static int64_t
moved_or_why(ssize_t moved)
{
        if (moved >= 0)
                return moved;
        return errno == EAGAIN || errno == EINTR ? BENCH_STREAM_AGAIN : BENCH_STREAM_FAILED;
}

int64_t
bench_stream_write(struct bench_stream *stream, const void *from, uint64_t bytes)
{
        return moved_or_why(write((int)stream->out, from, bytes));
}

int64_t
bench_stream_read(struct bench_stream *stream, void *to, uint64_t bytes)
{
        ssize_t moved = read((int)stream->in, to, bytes);

        return moved == 0 ? BENCH_STREAM_CLOSED : moved_or_why(moved);
}

void
bench_stream_discard(intptr_t object)
{
        if (object != BENCH_NO_OBJECT)
                close((int)object);
}
