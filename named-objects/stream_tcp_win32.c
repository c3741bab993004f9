/* Sockets of Windows: a listener is an event that says when somebody is there; a connection is a stream like any. */
#include "named-objects/stream_tcp.h"

#include <winsock2.h>

#include "bus/os/error.h"
#include "named-objects/object_win32.h"
#include "named-objects/stream_win32.h"

#include <stdlib.h>

enum { BACKLOG = 64, BUFFER_BYTES = 1 << 20 };

struct listener {
        struct wr_waitable waitable; /* first */
        SOCKET socket;
};

/* The library counts who began it; it is never ended, since sockets may outlive any of us. */
static bool
begin(void)
{
        static LONG begun;
        WSADATA data;

        if (InterlockedCompareExchange(&begun, 0, 0) != 0)
                return true;
        if (WSAStartup(MAKEWORD(2, 2), &data) != 0)
                return false;
        InterlockedExchange(&begun, 1);
        return true;
}

static enum weir_result
failed(void)
{
        switch (WSAGetLastError()) {
        case WSAEADDRINUSE:
        case WSAEACCES: return WEIR_E_HELD; /* who has it for itself alone */
        case WSAECONNREFUSED:
        case WSAETIMEDOUT: return WEIR_E_NO_BROKER;
        case WSAEMFILE:
        case WSAENOBUFS: return WEIR_E_QUOTA;
        default: return WEIR_E_SYSTEM;
        }
}

static struct sockaddr_in
loopback(uint16_t port)
{
        return (struct sockaddr_in){ .sin_family = AF_INET,
                                     .sin_port = htons(port),
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* Who is accepted has the buffers of the listener. */
static SOCKET
socket_new(void)
{
        DWORD flags = WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT;
        SOCKET socket = begin() ? WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, flags) : INVALID_SOCKET;
        int bytes = BUFFER_BYTES;

        if (socket == INVALID_SOCKET)
                return INVALID_SOCKET;
        (void)setsockopt(socket, SOL_SOCKET, SO_SNDBUF, (const char *)&bytes, sizeof bytes);
        (void)setsockopt(socket, SOL_SOCKET, SO_RCVBUF, (const char *)&bytes, sizeof bytes);
        return socket;
}

static enum weir_result
stream_of(SOCKET socket, wr_object *stream)
{
        enum weir_result result;
        BOOL on = TRUE;

        (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof on);
        result = wr_stream_socket(socket, stream);
        if (result < 0)
                closesocket(socket);
        return result;
}

/* ---- listening ------------------------------------------------------------------------------------------------- */

static bool
never_hung_up(const struct wr_waitable *waitable)
{
        (void)waitable;
        return false;
}

static void
listener_close(struct wr_waitable *waitable)
{
        struct listener *listener = (struct listener *)(void *)waitable;

        if (listener->socket != INVALID_SOCKET)
                closesocket(listener->socket);
        if (waitable->readable != NULL)
                CloseHandle(waitable->readable);
        free(listener);
}

/* Its port is its own: without SO_EXCLUSIVEADDRUSE any program could take it over. */
static enum weir_result
listener_bind(struct listener *listener, uint16_t *port)
{
        struct sockaddr_in address = loopback(*port);
        int size = sizeof address;
        BOOL on = TRUE;

        if (setsockopt(listener->socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on, sizeof on) != 0 ||
            bind(listener->socket, (struct sockaddr *)&address, sizeof address) != 0 ||
            listen(listener->socket, BACKLOG) != 0 ||
            getsockname(listener->socket, (struct sockaddr *)&address, &size) != 0 ||
            WSAEventSelect(listener->socket, listener->waitable.readable, FD_ACCEPT) != 0)
                return failed();
        *port = ntohs(address.sin_port);
        return WEIR_OK;
}

enum weir_result
wr_stream_tcp_listen(wr_object *object, uint16_t *port)
{
        struct listener *listener = calloc(1, sizeof *listener);
        enum weir_result result;

        *object = WR_NO_OBJECT;
        if (listener == NULL)
                return WEIR_E_NO_MEMORY;
        listener->waitable = (struct wr_waitable){ .readable = CreateEventW(NULL, TRUE, FALSE, NULL),
                                                   .hung_up = never_hung_up,
                                                   .close = listener_close };
        listener->socket = socket_new();
        if (listener->waitable.readable == NULL)
                result = wr_os_error((int)GetLastError());
        else if (listener->socket == INVALID_SOCKET)
                result = failed();
        else
                result = listener_bind(listener, port);
        if (result < 0)
                listener_close(&listener->waitable);
        else
                *object = wr_object_of(&listener->waitable);
        return result;
}

enum weir_result
wr_stream_tcp_accept(wr_object object, wr_object *stream)
{
        struct listener *listener = (struct listener *)(void *)wr_object_waitable(object);
        SOCKET socket;

        *stream = WR_NO_OBJECT;
        ResetEvent(listener->waitable.readable); /* first: accept sets it again for the next one */
        socket = accept(listener->socket, NULL, NULL);
        if (socket == INVALID_SOCKET) {
                int error = WSAGetLastError();

                /* Asked anew, it looks anew: Wine may have told of somebody who was accepted already, and tell no more.
                 */
                WSAEventSelect(listener->socket, listener->waitable.readable, FD_ACCEPT);
                return error == WSAEWOULDBLOCK || error == WSAECONNRESET ? WEIR_EMPTY : failed();
        }
        return stream_of(socket, stream); /* it comes with the listener's event, and is given its own */
}

enum weir_result
wr_stream_tcp_connect(wr_object *stream, uint16_t port)
{
        struct sockaddr_in address = loopback(port);
        SOCKET socket = socket_new();
        enum weir_result result;

        *stream = WR_NO_OBJECT;
        if (socket == INVALID_SOCKET)
                return failed();
        if (connect(socket, (struct sockaddr *)&address, sizeof address) != 0) {
                result = failed();
                closesocket(socket);
                return result;
        }
        return stream_of(socket, stream);
}
