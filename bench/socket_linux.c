#include "bench/socket.h"

#include <unistd.h>

bench_socket
bench_socket_create(void)
{
        return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

void
bench_socket_close(bench_socket socket)
{
        if (socket != BENCH_NO_SOCKET)
                close(socket);
}
