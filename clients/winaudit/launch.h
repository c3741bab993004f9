/* A process of this program with the token of one of the peers. */
#ifndef AUDIT_LAUNCH_H
#define AUDIT_LAUNCH_H

#include "clients/winaudit/audit.h"

/* Suspended, with one inherited handle. False: GetLastError() says why. */
bool
audit_launch(struct audit *audit, enum audit_who who, const wchar_t *program, wchar_t *command, HANDLE inherited,
             PROCESS_INFORMATION *made);

/* Why such a peer cannot be here at all, in a sentence. False: nothing special. */
bool
audit_launch_explain(const struct audit *audit, enum audit_who who, struct audit_seen *seen);

/* A token for one of those that are made from ours; NULL: GetLastError(). */
HANDLE
audit_launch_token(const struct audit *audit, enum audit_who who);

#endif
