/*
 * A TCP connection over the loopback interface, TCP_NODELAY at both ends: small frames do not wait for company.
 *
 *      consumer                            producer
 *      listen on any free port
 *      say which       ---- page ---->     connect
 *      accept, listen no more
 *
 * The ends connect by themselves, since not every system lets a process use the sockets that it inherits.
 */
#include "bench/bytes.h"
#include "bench/socket.h"
#include "bench/system.h"
#include "bus/atomic.h"
#include "bus/os/barrier.h"

enum { PAGE_BYTES = 4096 };

static bool
prepare(struct bench_link *link)
{
        if (bench_shared_create(&link->inherited.shared, PAGE_BYTES))
                return true;
        return bench_link_fail(link, "a page to say the port in: %s", bench_system_error());
}

static struct sockaddr_in
loopback(uint32_t port)
{
        return (struct sockaddr_in){ .sin_family = AF_INET,
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                     .sin_port = (uint16_t)port };
}

static bench_socket
accept_one(bench_socket listener, wr_word32 *port)
{
        struct sockaddr_in address = loopback(0);
        socklen_t length = sizeof address;

        if (bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 1) != 0 ||
            getsockname(listener, (struct sockaddr *)&address, &length) != 0)
                return BENCH_NO_SOCKET;
        wr_store32_release(port, address.sin_port);
        return accept(listener, NULL, NULL);
}

static bool
connect_to(bench_socket socket, const wr_word32 *port)
{
        struct sockaddr_in address;

        while (wr_load32_acquire(port) == 0)
                wr_yield();
        address = loopback(wr_load32(port));
        return connect(socket, (struct sockaddr *)&address, sizeof address) == 0;
}

static bool
open_end(struct bench_link *link)
{
        bench_socket made = bench_socket_create(), used = BENCH_NO_SOCKET;
        int on = 1;

        if (!bench_shared_attach(&link->inherited.shared))
                return bench_link_fail(link, "shared memory: %s", bench_system_error());
        if (made != BENCH_NO_SOCKET && link->end == BENCH_CONSUMER)
                used = accept_one(made, link->inherited.shared.address);
        else if (made != BENCH_NO_SOCKET && connect_to(made, link->inherited.shared.address))
                used = made;
        if (used == BENCH_NO_SOCKET || setsockopt(used, IPPROTO_TCP, TCP_NODELAY, (const void *)&on, sizeof on) != 0)
                return bench_link_fail(link, "TCP over loopback: %s", bench_system_error());
        if (used != made)
                bench_socket_close(made);
        return bench_bytes_open_socket(link, (intptr_t)used);
}

static void
discard(struct bench_link *link)
{
        bench_shared_close(&link->inherited.shared);
}

const struct bench_peer bench_peer_tcp = {
        .name = "tcp",
        .about = "TCP over loopback, TCP_NODELAY",
        .blocks = true,
        .prepare = prepare,
        .open = open_end,
        .lend = bench_bytes_lend,
        .send = bench_bytes_send,
        .receive = bench_bytes_receive,
        .release = bench_bytes_release,
        .close = bench_bytes_close,
        .discard = discard,
};
