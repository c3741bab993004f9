/*
 * A child of ours with another token, or the service, which does what it is asked (task.h). It is started when it is
 * first asked, and ends with the audit: also if that is killed, since a job holds it.
 */
#ifndef AUDIT_PEER_H
#define AUDIT_PEER_H

#include "clients/winaudit/audit.h"
#include "clients/winaudit/task.h"

/* False: it could not be started or has gone, and `seen` says so. */
bool
audit_ask(struct audit *audit, enum audit_who who, const struct audit_request *request, struct audit_reply *reply,
          struct audit_seen *seen);

/* "the container", for what is called. */
const char *
audit_who_text(enum audit_who who);

/* The process, with all rights; NULL as with audit_ask. GetCurrentProcess() for ourselves. */
HANDLE
audit_peer_process(struct audit *audit, enum audit_who who, struct audit_seen *seen);

/* Sends AUDIT_CLOSE to who has handle `value`; 0 is fine. */
void
audit_peer_close(struct audit *audit, enum audit_who who, uint64_t value);

void
audit_peers_end(struct audit *audit);

/* For the service, which starts in its own way: somebody at the other end of this pipe, which is taken over. */
bool
audit_peer_adopt(struct audit *audit, enum audit_who who, HANDLE channel);

#endif
