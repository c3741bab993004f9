/* The commonest check: an object with a list, and somebody who opens it. */
#ifndef AUDIT_OPEN_H
#define AUDIT_OPEN_H

#include "clients/winaudit/audit.h"
#include "clients/winaudit/task.h"

/* `with` of a row with audit_run_open. */
struct audit_open {
        enum audit_who who;
        enum audit_kind kind;
        const char *list;   /* SDDL, with {user} {logon} {package} {capability} in it; NULL: the system's own */
        uint32_t rights;    /* asked for */
        const char *prefix; /* of the name, as who opens it says it; NULL: none */
        const char *made;   /* as this process says it when it makes the object; NULL: none */
};

void
audit_run_open(struct audit *audit, const struct audit_check *check, struct audit_seen *seen);

/* The list with the audit's own SIDs put in, in binary form, into the request. False: `seen` says why. */
bool
audit_open_list(const struct audit *audit, const char *list, struct audit_request *request, struct audit_seen *seen);

/* Opens `name` by who; closes it again. The code; UINT32_MAX: who could not be asked, and `seen` says why. */
uint32_t
audit_open_by(struct audit *audit, enum audit_who who, enum audit_kind kind, const char *name, uint32_t rights,
              struct audit_seen *seen);

/* Makes it in this process: to be closed with CloseHandle. NULL: `seen` says why. */
HANDLE
audit_open_make(struct audit *audit, enum audit_kind kind, const char *name, const char *list, struct audit_seen *seen);

#endif
