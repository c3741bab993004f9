/*
 * A socket as a stream. Nothing is ever under way in it: a call takes what there is, or what there is room for,
 * straight from and to the caller's memory.
 *
 * The system has one event for all that happens to a socket, and tells each thing once. One thread may wait to read it
 * while another waits to write, so that nobody waits for that event but the system's pool, whose thread sets
 *
 *      readable, writable   again and again; lowered by who found nothing to read, or no room, and tried once more
 *                           after he had lowered it: what came before that is found, what comes later sets it again
 *      ended                once
 *
 * They may be set where there is nothing, and are never lowered where there is something.
 */
#include <winsock2.h>

#include "bus/os/error.h"
#include "named-objects/stream_win32.h"

#include <stdlib.h>

enum {
        SPANS_MAX = 256,
        WRITE_BYTES_MAX = 1 << 20, /* by one call: else the system may take all there is, whatever room it was given */
        DRAIN_BYTES = 16 << 10,
        DRAINS_MAX = 256,
        TRIES = 2
};

struct stream_socket {
        struct wr_stream stream; /* first */
        SOCKET socket;           /* until the close */
        HANDLE news;             /* auto-reset: the system has something to tell */
        HANDLE registration;     /* of the pool */
        volatile LONG peer_ended;
        volatile LONG hung_up;
};

static struct stream_socket *
socket_of(const struct wr_waitable *waitable)
{
        return (struct stream_socket *)(uintptr_t)waitable; /* its first member's first */
}

static bool
is_set(volatile LONG *mark)
{
        return InterlockedCompareExchange(mark, 0, 0) != 0;
}

/* The mark first: who lowers an event looks at the marks behind that. */
static void
end_tell(struct stream_socket *s, volatile LONG *mark)
{
        InterlockedExchange(mark, 1);
        SetEvent(s->stream.ended);
        SetEvent(s->stream.waitable.readable);
        SetEvent(s->stream.waitable.writable);
}

/* In a thread of the pool. */
static void CALLBACK
news_pass_on(void *argument, BOOLEAN timed_out)
{
        struct stream_socket *s = argument;
        WSANETWORKEVENTS news;

        (void)timed_out;
        if (WSAEnumNetworkEvents(s->socket, s->news, &news) != 0)
                return;
        if ((news.lNetworkEvents & FD_CLOSE) != 0)
                end_tell(s, &s->peer_ended);
        if ((news.lNetworkEvents & FD_READ) != 0)
                SetEvent(s->stream.waitable.readable);
        if ((news.lNetworkEvents & FD_WRITE) != 0)
                SetEvent(s->stream.waitable.writable);
}

static enum weir_result
failed(enum weir_result nothing_now)
{
        switch (WSAGetLastError()) {
        case WSAEWOULDBLOCK: return nothing_now;
        case WSAENOBUFS: return WEIR_E_NO_MEMORY;
        default: return WEIR_E_CLOSED; /* reset, aborted, shut down: there is no way back from any of them */
        }
}

/* WEIR_EMPTY: and the event is lowered, unless something came since. */
static enum weir_result
receive(struct stream_socket *s, WSABUF *buffers, DWORD count, DWORD how, size_t *done)
{
        enum weir_result result = WEIR_EMPTY;
        DWORD got = 0;

        for (int i = 0; i < TRIES && result == WEIR_EMPTY; i++) {
                DWORD flags = how;

                if (i > 0)
                        ResetEvent(s->stream.waitable.readable);
                if (is_set(&s->hung_up))
                        result = WEIR_E_CLOSED;
                else if (WSARecv(s->socket, buffers, count, &got, &flags, NULL, NULL) != 0)
                        result = failed(WEIR_EMPTY);
                else
                        result = got != 0 ? WEIR_OK : WEIR_E_CLOSED;
                if (i > 0 && result != WEIR_EMPTY)
                        SetEvent(s->stream.waitable.readable);
        }
        if (result == WEIR_E_CLOSED && !is_set(&s->peer_ended))
                end_tell(s, &s->peer_ended);
        *done = result == WEIR_OK ? got : 0;
        return result;
}

/* Is there a byte, or its end? */
static enum weir_result
receive_look(struct stream_socket *s)
{
        char byte;
        WSABUF buffer = { 1, &byte };
        size_t done;

        return receive(s, &buffer, 1, MSG_PEEK, &done);
}

static enum weir_result
send_now(struct stream_socket *s, WSABUF *buffers, DWORD count, size_t *done)
{
        enum weir_result result = WEIR_FULL;
        DWORD sent = 0;

        for (int i = 0; i < TRIES && result == WEIR_FULL; i++) {
                if (i > 0)
                        ResetEvent(s->stream.waitable.writable);
                if (is_set(&s->hung_up) || is_set(&s->peer_ended))
                        result = WEIR_E_CLOSED;
                else if (WSASend(s->socket, buffers, count, &sent, 0, NULL, NULL) != 0)
                        result = failed(WEIR_FULL);
                else
                        result = sent != 0 ? WEIR_OK : WEIR_FULL;
                if (i > 0 && result != WEIR_FULL)
                        SetEvent(s->stream.waitable.writable);
        }
        *done = result == WEIR_OK ? sent : 0;
        return result;
}

/* Those that are not empty, as far as one call goes. */
static DWORD
buffers_of(WSABUF buffers[SPANS_MAX], const struct wr_span *spans, size_t count, size_t most)
{
        DWORD taken = 0;

        for (size_t i = 0; i < count && taken < SPANS_MAX && most != 0; i++) {
                size_t size = spans[i].size < most ? spans[i].size : most;

                if (size != 0)
                        buffers[taken++] = (WSABUF){ (ULONG)size, spans[i].at };
                most -= size;
        }
        return taken;
}

/* ---- use ------------------------------------------------------------------------------------------------------- */

static enum weir_result
socket_read(struct wr_stream *stream, const struct wr_span *spans, size_t count, size_t *done)
{
        WSABUF buffers[SPANS_MAX];
        DWORD taken = buffers_of(buffers, spans, count, LONG_MAX);

        *done = 0;
        return taken == 0 ? WEIR_OK : receive(socket_of(&stream->waitable), buffers, taken, 0, done);
}

static enum weir_result
socket_write(struct wr_stream *stream, const struct wr_span *spans, size_t count, size_t *done)
{
        WSABUF buffers[SPANS_MAX];
        DWORD taken = buffers_of(buffers, spans, count, WRITE_BYTES_MAX);

        *done = 0;
        return taken == 0 ? WEIR_OK : send_now(socket_of(&stream->waitable), buffers, taken, done);
}

static unsigned
socket_ready(struct wr_stream *stream, unsigned what)
{
        struct stream_socket *s = socket_of(&stream->waitable);
        unsigned ready = 0;

        if ((what & WR_STREAM_READ) != 0 && WaitForSingleObject(stream->waitable.readable, 0) == WAIT_OBJECT_0 &&
            receive_look(s) != WEIR_EMPTY)
                ready |= WR_STREAM_READ;
        if ((what & WR_STREAM_WRITE) != 0 && WaitForSingleObject(stream->waitable.writable, 0) == WAIT_OBJECT_0)
                ready |= WR_STREAM_WRITE;
        if (is_set(&s->hung_up) || is_set(&s->peer_ended))
                ready |= WR_STREAM_READ | (what & WR_STREAM_WRITE);
        return ready;
}

static void
socket_hang_up(struct wr_stream *stream)
{
        struct stream_socket *s = socket_of(&stream->waitable);

        InterlockedExchange(&s->hung_up, 1);
        shutdown(s->socket, SD_BOTH);
        end_tell(s, &s->hung_up);
}

static bool
hung_up(const struct wr_waitable *waitable)
{
        struct stream_socket *s = socket_of(waitable);

        return is_set(&s->hung_up) || (is_set(&s->peer_ended) && receive_look(s) == WEIR_E_CLOSED);
}

/* Asked, and not just expected: who is woken to write where there is no room takes it for room. */
static void
socket_remind(struct wr_stream *stream)
{
        struct stream_socket *s = socket_of(&stream->waitable);
        fd_set readable, writable;
        struct timeval none = { 0, 0 };

        FD_ZERO(&readable);
        FD_ZERO(&writable);
        FD_SET(s->socket, &readable);
        FD_SET(s->socket, &writable);
        if (select(0, &readable, &writable, NULL, &none) <= 0)
                return;
        if (FD_ISSET(s->socket, &readable))
                SetEvent(stream->waitable.readable);
        if (FD_ISSET(s->socket, &writable))
                SetEvent(stream->waitable.writable);
}

static const struct wr_stream_kind socket_kind = {
        .read = socket_read,
        .write = socket_write,
        .ready = socket_ready,
        .hang_up = socket_hang_up,
        .remind = socket_remind,
};

/* ---- making ---------------------------------------------------------------------------------------------------- */

/* A socket that is closed with something unread is reset, and what was written last is lost with it. */
static void
drain(struct stream_socket *s)
{
        char bytes[DRAIN_BYTES];

        shutdown(s->socket, SD_SEND);
        for (int i = 0; i < DRAINS_MAX && recv(s->socket, bytes, DRAIN_BYTES, 0) > 0; i++)
                ;
}

/* Keeps the socket. */
static void
socket_free(struct stream_socket *s)
{
        HANDLE events[] = { s->stream.waitable.readable, s->stream.waitable.writable, s->stream.ended, s->news };

        if (s->registration != NULL)
                UnregisterWaitEx(s->registration, INVALID_HANDLE_VALUE); /* returns when the pool is done with it */
        for (size_t i = 0; i < sizeof events / sizeof *events; i++)
                if (events[i] != NULL)
                        CloseHandle(events[i]);
        free(s);
}

/* What was written is on its way: the system sends it when the socket is closed. */
static void
close_waitable(struct wr_waitable *waitable)
{
        struct stream_socket *s = socket_of(waitable);
        SOCKET socket = s->socket;

        drain(s);
        WSAEventSelect(socket, NULL, 0);
        socket_free(s);
        closesocket(socket);
}

static enum weir_result
events_make(struct stream_socket *s)
{
        s->stream.waitable.readable = CreateEventW(NULL, TRUE, TRUE, NULL);
        s->stream.waitable.writable = CreateEventW(NULL, TRUE, TRUE, NULL);
        s->stream.ended = CreateEventW(NULL, TRUE, FALSE, NULL);
        s->news = CreateEventW(NULL, FALSE, FALSE, NULL);
        if (s->stream.waitable.readable == NULL || s->stream.waitable.writable == NULL || s->stream.ended == NULL ||
            s->news == NULL || WSAEventSelect(s->socket, s->news, FD_READ | FD_WRITE | FD_CLOSE) != 0 ||
            !RegisterWaitForSingleObject(&s->registration, s->news, news_pass_on, s, INFINITE, WT_EXECUTEINWAITTHREAD))
                return wr_os_error((int)GetLastError());
        return WEIR_OK;
}

enum weir_result
wr_stream_socket(uintptr_t socket, wr_object *object)
{
        struct stream_socket *s = calloc(1, sizeof *s);
        enum weir_result result;

        if (s == NULL)
                return WEIR_E_NO_MEMORY;
        s->socket = (SOCKET)socket;
        s->stream =
                (struct wr_stream){ .waitable = { .hung_up = hung_up, .close = close_waitable }, .kind = &socket_kind };
        result = events_make(s);
        if (result < 0)
                socket_free(s);
        else
                *object = wr_object_of(&s->stream.waitable);
        return result;
}
