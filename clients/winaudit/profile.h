/* The AppContainer that the audit starts its children in, and the calls that not every system has. */
#ifndef AUDIT_PROFILE_H
#define AUDIT_PROFILE_H

#include "clients/winaudit/audit.h"

/* Are there AppContainers at all? Not under Wine, nor on Server Core. */
bool
audit_profile_possible(void);

/* Makes the profile if it is not there yet; what an earlier audit left behind is removed first. False:
 * GetLastError(), of the HRESULT its code. */
bool
audit_profile_make(struct audit *audit);

void
audit_profile_delete(struct audit *audit);

/* The SID of a container in the system's words. False: it lacks the function, or refuses. */
bool
audit_profile_sid(struct wr_sid *sid, const wchar_t *name);

#endif
