/* Entries that are given as SDDL, changed for one principal; and what a principal has. For policy_edit.c. */
#ifndef WR_POLICY_SDDL_H
#define WR_POLICY_SDDL_H

#include "broker/policy_rules.h"
#include "broker/policy_text.h"

/* allow: has the principal all of the rights by this entry? Else: has it none of them? */
bool
wr_policy_sddl_stands(const struct wr_policy *policy, const struct entry *entry, const struct principal *principal,
                      uint32_t rights, bool allow);

/* Has a change nothing to do? Where something denies or has a condition, only if the entries of the principal stand in
 * front of what denies: that some other entry lets it in may hold for one user of a package, or for one package of a
 * user, and not for another. */
bool
wr_policy_sddl_says(const struct wr_policy *policy, const struct entry *entry, const struct principal *principal,
                    uint32_t rights, bool allow);

/* Which line still gives it one of the rights, and by which entry of the list. */
void
wr_policy_sddl_grants(const struct wr_policy *policy, const struct entry *entry, const struct principal *principal,
                      uint32_t rights, char *text, size_t room);

/* The changed SDDL, quoted for the file. NULL, or what is wrong. */
const char *
wr_policy_sddl_change(const struct wr_policy *policy, const struct entry *entry, const struct principal *principal,
                      uint32_t rights, bool allow, struct wr_policy_text *quoted);

/* A descriptor's canonical text, quoted for the file. */
void
wr_policy_sddl_quote(struct wr_policy_text *text, const struct wr_descriptor *descriptor);

#endif
