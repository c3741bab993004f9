/* weir-bench, save which peers it has: tests run it with peers of their own. */
#ifndef BENCH_SUITE_H
#define BENCH_SUITE_H

#include "bench/peer.h"

/* peers: the first is always measured, the others as --vs says; ends with NULL. `defaults`: options that stand
 * before the user's, ends with NULL; may be NULL. Answers the exit code. */
int
bench_suite_main(int argc, char **argv, const struct bench_peer *const *peers, const char *const *defaults);

#endif
