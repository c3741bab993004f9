/* What a relay over TCP takes beside the broker's address: a port where the broker listens, too, and a ticket, which
 * the end with the broker makes and the other one finds in a page that both share. */
#ifndef BENCH_RELAY_H
#define BENCH_RELAY_H

#include "bench/peer.h"

struct weir;

/* For prepare and discard: the page. */
bool
bench_relay_prepare(struct bench_link *link);

void
bench_relay_discard(struct bench_link *link);

/* For weir_options.embed: a broker that listens at a port that was free. */
int
bench_relay_embed(const char *address);

/* The end with the broker. False: after bench_link_fail(). */
bool
bench_relay_ticket_tell(struct bench_link *link, struct weir *bus);

/* The other end waits for it, and for the address to redeem it at: by itself the ticket names a better one, too. False:
 * after bench_link_fail(). */
bool
bench_relay_ticket_await(struct bench_link *link, const char **ticket, const char **address);

#endif
