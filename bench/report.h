/* What was measured, for people and for machines. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "bench/result.h"
#include "bench/system.h"

#include <jansson.h>
#include <stdio.h>

/* A sentence in front of all tables: machine, placement, runs. */
void
bench_table_head(FILE *file, const struct bench_machine *machine, const struct bench_place *place, double line_ns,
                 int run_count);

/* One table of results, with their ratios to `ceiling` and `pipe` where these are in the group. */
void
bench_table_group(FILE *file, const struct bench_group *group);

/* A new document without results. NULL: no memory. */
json_t *
bench_json_document(const struct bench_machine *machine, const struct bench_place *place, double line_ns,
                    int run_count);

/* Appends the group's results. */
void
bench_json_group(json_t *document, const struct bench_group *group);

#endif
