/* Weir's own access check beside the kernel's: each object that somebody opened in this audit is decided by both. */
#ifndef AUDIT_AGREEMENT_H
#define AUDIT_AGREEMENT_H

#include "clients/winaudit/audit.h"
#include "clients/winaudit/task.h"

/* An object of ours was opened by `who` with this outcome; decides the same by weir's access check. name: of the check,
 * for the first one that differs. */
void
audit_agreement_note(struct audit *audit, enum audit_who who, enum audit_kind kind, HANDLE object, uint32_t rights,
                     uint32_t code, const char *name);

#endif
