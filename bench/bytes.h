/* What the peers made of descriptors have in common: a frame is `size` bytes written whole, then read whole. */
#ifndef BENCH_BYTES_H
#define BENCH_BYTES_H

#include "bench/peer.h"

/* Each end's two descriptors; in sockets they are one and the same. -1: none. */
struct bench_bytes_ends {
        int in, out;
};

/* For prepare: takes the descriptors over, also on failure. ends[BENCH_PRODUCER], ends[BENCH_CONSUMER]. */
bool
bench_bytes_prepare(struct bench_link *link, const struct bench_bytes_ends ends[2]);

/* The other functions of such a peer. */
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
