/* A decision told whole: which entry of the file is responsible, who decided which right in which half, and the lines
 * of the file behind it. For rights.c. */
#ifndef WR_POLICY_EXPLAIN_H
#define WR_POLICY_EXPLAIN_H

#include "broker/policy_rules.h"

/* Newlines between and behind the lines; cut where there is no room. */
void
wr_policy_explain(const struct wr_policy *policy, const struct entry *entry, const struct wr_identity *identity,
                  const char *topic, const struct wr_access *access, char *text, size_t room);

#endif
