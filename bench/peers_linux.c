#include "bench/peer.h"

#include <stddef.h>

const struct bench_peer *const bench_peers[] = { &bench_peer_weir, &bench_peer_ceiling, &bench_peer_pipe,
                                                 &bench_peer_unix, &bench_peer_tcp,     NULL };
const struct bench_peer *const bench_pipe_peers[] = { &bench_peer_taken, &bench_peer_given, &bench_peer_bare, NULL };
