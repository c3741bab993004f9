/* What is left of sockets to say for each system: the calls between making and closing one have the same names. */
#ifndef BENCH_SOCKET_H
#define BENCH_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#ifdef _WIN32
#        include <winsock2.h>
#        include <ws2tcpip.h>
typedef SOCKET bench_socket;
#else
#        include <arpa/inet.h>
#        include <netinet/in.h>
#        include <netinet/tcp.h>
#        include <sys/socket.h>
typedef int bench_socket;
#endif

#define BENCH_NO_SOCKET ((bench_socket)-1)

/* For TCP. BENCH_NO_SOCKET: bench_system_error() says why, as after every call of a socket that failed. */
bench_socket
bench_socket_create(void);

/* BENCH_NO_SOCKET is fine. */
void
bench_socket_close(bench_socket socket);

#endif
