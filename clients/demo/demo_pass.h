/* What the passes of the consumer share: times of arrival, progress, the end of a child. */
#ifndef DEMO_PASS_H
#define DEMO_PASS_H

#include "clients/demo/demo_child.h"
#include "clients/demo/demo_results.h"

struct demo_times {
        int64_t *list; /* latencies, ns */
        uint64_t count, room;
        int64_t first_ns, last_ns; /* the first stamp, the last arrival */
};

/* Notes a frame that was stamped then and is there now. */
void
demo_times_add(struct demo_times *times, int64_t stamp_ns, int64_t now_ns);

/* Puts the percentiles and the elapsed time into the pass, and frees the list. */
void
demo_times_close(struct demo_times *times, struct demo_pass *pass);

/* Shows how far a pass is, on a terminal, ten times a second at most; demo_progress_end() wipes the line. */
void
demo_progress(const struct demo_plan *plan, const struct demo_pass *pass, const struct demo_times *times);

void
demo_progress_end(const struct demo_plan *plan);

/*
 * Ends a child and returns its report, which is never NULL. What kept the child from its role is noted as a fault,
 * unless the role is to fail.
 */
json_t *
demo_pass_child_end(struct demo_results *results, struct demo_child *child, const char *who, bool may_fail);

/* A number of a child's report; 0 when it is not there. */
uint64_t
demo_report_number(const json_t *report, const char *key);

#endif
