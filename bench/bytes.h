/* What the peers made of streams have in common: a frame is `size` bytes written whole, then read whole. */
#ifndef BENCH_BYTES_H
#define BENCH_BYTES_H

#include "bench/peer.h"

enum bench_direction { BENCH_IN, BENCH_OUT };

/* Where prepare notes an object that this end is to inherit; all are to be noted, also when one could not be made. */
static inline intptr_t *
bench_bytes_object(struct bench_link *link, enum bench_end end, enum bench_direction direction)
{
        return &link->inherited.objects[2 * (int)end + (int)direction];
}

/* For open, of a peer whose ends make a socket of their own; it is closed with the other things. */
bool
bench_bytes_open_socket(struct bench_link *link, intptr_t socket);

/* The other functions of such a peer; open and discard: where the objects are inherited. */
bool
bench_bytes_open(struct bench_link *link);

void *
bench_bytes_lend(struct bench_link *link);

bool
bench_bytes_send(struct bench_link *link);

const void *
bench_bytes_receive(struct bench_link *link);

void
bench_bytes_release(struct bench_link *link);

void
bench_bytes_close(struct bench_link *link);

void
bench_bytes_discard(struct bench_link *link);

#endif
