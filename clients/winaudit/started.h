/* A child that has to start, with the token that it was to have. */
#ifndef AUDIT_STARTED_H
#define AUDIT_STARTED_H

#include "clients/winaudit/audit.h"

#define STARTED     EXACTLY(0, "started, medium integrity or more")
#define STARTED_LOW EXACTLY(0, "started, low integrity")

/* with: who (enum audit_who). */
void
audit_run_started(struct audit *audit, const struct audit_check *check, struct audit_seen *seen);

#endif
