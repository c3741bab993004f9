/* What several runs say together, and the groups in which runs take turns so that the machine's moods hit all alike. */
#ifndef BENCH_RESULT_H
#define BENCH_RESULT_H

#include "bench/run.h"

#include <stddef.h>

enum { BENCH_RUNS_MAX = 101 };

struct bench_summary {
        double median, min, max;
};

/* One line of the table. */
struct bench_result {
        const struct bench_peer *peer;
        struct bench_terms terms;
        struct bench_run *runs; /* run_count of them; private */
        int run_count;
        enum bench_verdict verdict; /* the worst of the runs'; without BENCH_OK there are no figures */
        char text[BENCH_TEXT_BYTES];
        uint64_t lost;
        double line_ns; /* line exchange, measured before each turn: median */
        const char *placement;
        struct bench_summary figures[BENCH_FIGURES];
};

/* Results that are compared with each other; the first is measured first in each turn. */
struct bench_group {
        struct bench_result *results;
        size_t count;
};

/* Called before each run of a group: for progress. done counts runs, of all. May be NULL. */
typedef void
bench_progress(const struct bench_result *result, int done, int all);

/*
 * Run every result of the group run_count times, A B C A B C, and sum up. The callers fill peer and terms. A result
 * that failed or lost is not run again. Returns the worst verdict.
 */
enum bench_verdict
bench_group_run(struct bench_group *group, const struct bench_place *place, int run_count, bench_progress *progress);

/* Frees what bench_group_run allocated; the array is the caller's. */
void
bench_group_close(struct bench_group *group);

/* Whether the peer measures this figure in this mode. */
bool
bench_figure_applies(enum bench_figure figure, enum bench_mode mode);

/* The figure that stands for a mode in ratios and comparisons: the median latency, or the rate. */
enum bench_figure
bench_figure_main(enum bench_mode mode);

/* The result of that peer on the same terms, whatever its hash; NULL if it is not in the group or has no figures. */
const struct bench_result *
bench_group_find(const struct bench_group *group, const struct bench_result *like, const char *peer);

/* Names as options and JSON have them. */
const char *
bench_mode_name(enum bench_mode mode);

const char *
bench_wait_name(enum bench_wait wait);

/* "-" for a peer that does not hash. */
const char *
bench_hash_name(const struct bench_result *result);

const char *
bench_figure_name(enum bench_figure figure);

/* "32", "4k", "1M": the shortest that is exact. Returns `to`. */
char *
bench_size_name(char to[24], uint64_t size);

#endif
