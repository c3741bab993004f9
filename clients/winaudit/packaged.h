/* A packaged process that runs in this session, to be looked at: an app of the system's own will do. */
#ifndef AUDIT_PACKAGED_H
#define AUDIT_PACKAGED_H

#include "clients/winaudit/token.h"

enum { AUDIT_FAMILY_MAX = 256 };

struct audit_packaged {
        HANDLE token;
        char family[AUDIT_FAMILY_MAX];
        struct wr_identity_token holder;
};

/* The first one that is (not) in an AppContainer. False: none runs that we may look at, or the system lacks packages.
 */
bool
audit_packaged_find(bool in_container, struct audit_packaged *found);

/* The process of this id. False: GetLastError(); family is "" for what is not packaged. */
bool
audit_packaged_open(DWORD id, struct audit_packaged *found);

void
audit_packaged_close(struct audit_packaged *found);

#endif
