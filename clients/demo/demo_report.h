/* The two forms of the report. */
#ifndef DEMO_REPORT_H
#define DEMO_REPORT_H

#include "clients/demo/demo_results.h"

/* One JSON object on stdout. */
void
demo_report_json(const struct demo_results *results, const struct demo_plan *plan);

#endif
