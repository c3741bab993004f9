/* Pipes: the status of an overlapped call is a word of this process, so that looking at it costs no system call; who
 * blocks sleeps on the call's event. Sockets: plain calls, on a socket that does not block for who spins. */
#include "bench/socket.h"
#include "bench/stream.h"
#include "bus/atomic.h"

#include <stdlib.h>

enum { CALL_BYTES_MAX = 1 << 30 };

bool
bench_stream_open(struct bench_stream *stream)
{
        u_long unblocked = stream->wait == BENCH_SPIN;
        OVERLAPPED *call;

        if (stream->is_socket)
                return ioctlsocket((SOCKET)stream->in, (long)FIONBIO, &unblocked) == 0;
        call = calloc(1, sizeof *call);
        stream->call = call;
        if (call == NULL)
                return false;
        call->hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
        return call->hEvent != NULL;
}

void
bench_stream_close(struct bench_stream *stream)
{
        OVERLAPPED *call = stream->call;

        if (call != NULL && call->hEvent != NULL)
                CloseHandle(call->hEvent);
        free(call);
        stream->call = NULL;
        if (stream->in == 0 && stream->out == 0)
                return;
        if (stream->is_socket) {
                bench_socket_close((SOCKET)stream->in);
                return;
        }
        bench_stream_discard(stream->in);
        bench_stream_discard(stream->out);
}

static DWORD
at_most(uint64_t bytes)
{
        return bytes < CALL_BYTES_MAX ? (DWORD)bytes : CALL_BYTES_MAX;
}

/* What recv and send answered. */
static int64_t
socket_moved(int moved)
{
        if (moved > 0)
                return moved;
        if (moved == 0)
                return BENCH_STREAM_CLOSED;
        return GetLastError() == WSAEWOULDBLOCK ? BENCH_STREAM_AGAIN : BENCH_STREAM_FAILED;
}

/* The system writes this word whenever it likes. */
static bool
is_under_way(const OVERLAPPED *call)
{
        return *(const volatile ULONG_PTR *)&call->Internal == (ULONG_PTR)STATUS_PENDING;
}

/* What ReadFile and WriteFile answered. */
static int64_t
pipe_moved(struct bench_stream *stream, intptr_t object, BOOL started)
{
        OVERLAPPED *call = stream->call;
        DWORD moved = 0;

        if (!started && GetLastError() != ERROR_IO_PENDING)
                return GetLastError() == ERROR_BROKEN_PIPE ? BENCH_STREAM_CLOSED : BENCH_STREAM_FAILED;
        while (stream->wait == BENCH_SPIN && is_under_way(call))
                wr_pause();
        if (GetOverlappedResult((HANDLE)object, call, &moved, TRUE))
                return moved > 0 ? (int64_t)moved : BENCH_STREAM_CLOSED;
        return GetLastError() == ERROR_BROKEN_PIPE ? BENCH_STREAM_CLOSED : BENCH_STREAM_FAILED;
}

int64_t
bench_stream_write(struct bench_stream *stream, const void *from, uint64_t bytes)
{
        if (stream->is_socket)
                return socket_moved(send((SOCKET)stream->out, from, (int)at_most(bytes), 0));
        return pipe_moved(stream, stream->out,
                          WriteFile((HANDLE)stream->out, from, at_most(bytes), NULL, stream->call));
}

int64_t
bench_stream_read(struct bench_stream *stream, void *to, uint64_t bytes)
{
        if (stream->is_socket)
                return socket_moved(recv((SOCKET)stream->in, to, (int)at_most(bytes), 0));
        return pipe_moved(stream, stream->in, ReadFile((HANDLE)stream->in, to, at_most(bytes), NULL, stream->call));
}

void
bench_stream_discard(intptr_t object)
{
        if (object != BENCH_NO_OBJECT)
                CloseHandle((HANDLE)object);
}
