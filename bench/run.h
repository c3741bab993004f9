/* One run: two new processes, one peer between them, frames for a given time, and what was measured. */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include "bench/peer.h"

enum bench_verdict {
        BENCH_OK = 0,
        BENCH_FAILED,      /* could not run; the text says why */
        BENCH_LOST,        /* a frame was lost, doubled or spoiled: no result */
        BENCH_INTERRUPTED, /* SIGINT or SIGTERM */
};

struct bench_place {
        int cpus[2];    /* of the producer and of the consumer */
        int64_t run_ns; /* measured time; a fifth of it, and some frames, are for warming up before */
};

/* What one run measured; medians of these are reported. */
enum bench_figure {
        BENCH_P50, /* ns one way: half of a round trip; latency and loan only, as the next three */
        BENCH_P99,
        BENCH_P999,
        BENCH_MAX,
        BENCH_FRAMES_PER_S, /* stream only, as the next */
        BENCH_GB_PER_S,     /* 10^9 bytes of payload */
        BENCH_CPU_PRODUCER, /* processor seconds, user and system, during the measured time */
        BENCH_CPU_CONSUMER,
        BENCH_SECONDS, /* the measured time */
        BENCH_FRAMES,  /* measured frames; of latency: round trips */
        BENCH_FIGURES,
};

struct bench_run {
        enum bench_verdict verdict;
        char text[BENCH_TEXT_BYTES]; /* why there is no result */
        uint64_t lost;               /* frames that were sent and never came whole */
        double figures[BENCH_FIGURES];
};

/* Before the first run, in an end too: who finds its peer here by name. Ends with NULL. */
void
bench_run_knows(const struct bench_peer *const *peers);

/* Blocks until both processes are gone. */
void
bench_run(const struct bench_peer *peer, const struct bench_terms *terms, const struct bench_place *place,
          struct bench_run *run);

#endif
