#include "bench/relay.h"

#include "bench/socket.h"
#include "bench/system.h"
#include "bus/atomic.h"
#include "bus/os/barrier.h"
#include "bus/os/clock.h"

#include <weir/broker.h>
#include <weir/weir.h>

#include <stdio.h>

#define AWAIT_NS INT64_C(5000000000)

struct page {
        wr_word32 is_there;
        char address[BENCH_ADDRESS_BYTES], ticket[WEIR_TICKET_TEXT];
};

bool
bench_relay_prepare(struct bench_link *link)
{
        if (bench_shared_create(&link->inherited.shared, sizeof(struct page)))
                return true;
        return bench_link_fail(link, "a page to say the ticket in: %s", bench_system_error());
}

void
bench_relay_discard(struct bench_link *link)
{
        bench_shared_close(&link->inherited.shared);
}

static uint16_t port; /* where this process's broker listens */

/* 0: none. Nobody has it when the broker asks for it, unless somebody else is very quick. */
static uint16_t
port_find(void)
{
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t length = sizeof address;
        bench_socket socket = bench_socket_create();
        bool is_found = socket != BENCH_NO_SOCKET && bind(socket, (struct sockaddr *)&address, length) == 0 &&
                        getsockname(socket, (struct sockaddr *)&address, &length) == 0;

        bench_socket_close(socket);
        return is_found ? ntohs(address.sin_port) : 0;
}

int
bench_relay_embed(const char *address)
{
        struct weir_broker_options options = { .size = sizeof options, .address = address };

        options.tcp_port = port = port_find();
        return (int)weir_broker_embed_with(&options);
}

bool
bench_relay_ticket_tell(struct bench_link *link, struct weir *bus)
{
        uint32_t rights = WEIR_MAY_SUBSCRIBE | WEIR_MAY_PUBLISH | WEIR_MAY_STALL;
        struct page *page;

        if (!bench_shared_attach(&link->inherited.shared))
                return bench_link_fail(link, "shared memory: %s", bench_system_error());
        page = link->inherited.shared.address;
        if (weir_ticket(bus, "bench/**", rights, WEIR_FOREVER, page->ticket, sizeof page->ticket) != WEIR_OK)
                return bench_link_fail(link, "weir_ticket: %s", weir_error());
        snprintf(page->address, sizeof page->address, "tcp:127.0.0.1:%u", port);
        wr_store32_release(&page->is_there, 1);
        return true;
}

bool
bench_relay_ticket_await(struct bench_link *link, const char **ticket, const char **address)
{
        int64_t deadline_ns = wr_clock_ns() + AWAIT_NS;
        struct page *page;

        if (!bench_shared_attach(&link->inherited.shared))
                return bench_link_fail(link, "shared memory: %s", bench_system_error());
        page = link->inherited.shared.address;
        while (wr_load32_acquire(&page->is_there) == 0 && wr_clock_ns() < deadline_ns)
                wr_yield();
        *ticket = page->ticket;
        *address = page->address;
        return wr_load32_acquire(&page->is_there) != 0 || bench_link_fail(link, "the other end made no ticket");
}
