/* The command line of weir-bench, read once and checked whole. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "bench/peer.h"

#include <stddef.h>

enum { BENCH_LIST_MAX = 16 };

struct bench_options {
        const struct bench_peer *const *peers; /* all there are; the first is always measured. Ends with NULL */
        const struct bench_peer *vs[BENCH_LIST_MAX];
        size_t vs_count;
        uint64_t sizes[BENCH_LIST_MAX];
        size_t size_count;
        enum bench_mode modes[BENCH_LIST_MAX];
        size_t mode_count;
        enum bench_wait waits[BENCH_LIST_MAX];
        size_t wait_count;
        enum bench_hash hashes[BENCH_LIST_MAX];
        size_t hash_count;
        int runs;
        double seconds; /* of each run */
        int cpus[2];
        bool json, floors, help;
        const char *out; /* file for the JSON; NULL: none */
};

/* Fills in the defaults, then what is asked. False, after a sentence on stderr: usage. */
bool
bench_options_read(struct bench_options *options, int argc, char **argv, const struct bench_peer *const *peers);

/* "5%" or "5": a share of 0.05. False: no such number. */
bool
bench_options_percent(const char *text, double *share);

void
bench_options_help(const struct bench_peer *const *peers);

#endif
