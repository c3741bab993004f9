/* A service in session 0, as LocalService: installed, asked and removed. */
#ifndef AUDIT_SERVICE_H
#define AUDIT_SERVICE_H

#include "clients/winaudit/audit.h"

/* Installs and starts it, and makes it the peer AUDIT_SERVICE. ERROR_SUCCESS, or the system's. */
DWORD
audit_service_start(struct audit *audit);

/* Stops and removes it; nothing where there is none of ours. */
void
audit_service_remove(void);

/* This process is the service: serves `user`, a SID as text, and ends. The exit status. */
int
audit_service_run(const char *user);

#endif
