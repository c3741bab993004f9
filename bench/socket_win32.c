#include "bench/socket.h"

bench_socket
bench_socket_create(void)
{
        WSADATA data;
        int error = WSAStartup(MAKEWORD(2, 2), &data); /* counted, and ended with the process */

        if (error == 0)
                return socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
        SetLastError((DWORD)error); /* which is where WSAGetLastError looks, too */
        return BENCH_NO_SOCKET;
}

void
bench_socket_close(bench_socket socket)
{
        if (socket != BENCH_NO_SOCKET)
                closesocket(socket);
}
