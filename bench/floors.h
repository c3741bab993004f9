/* The ratios that weir promises, each measured in one run beside what it is compared with. */
#ifndef BENCH_FLOORS_H
#define BENCH_FLOORS_H

#include "bench/report.h"

/*
 * Measures all of them and says which are met: on stdout, and under "floors" in the document.
 *
 * BENCH_OK      all are met
 * BENCH_FAILED  one is not, or could not be measured
 * BENCH_LOST    a run lost data
 */
enum bench_verdict
bench_floors_run(const struct bench_place *place, int run_count, FILE *table, json_t *document,
                 bench_progress *progress);

#endif
