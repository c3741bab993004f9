#include "clients/winaudit/started.h"

#include "clients/winaudit/launch.h"
#include "clients/winaudit/peer.h"
#include "clients/winaudit/token.h"

void
audit_run_started(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        enum audit_who who = *(const enum audit_who *)check->with;
        HANDLE process = audit_peer_process(audit, who, seen), handle = NULL;
        struct wr_identity_token token;

        if (process == NULL) {
                if (audit->peer_errors[who] != ERROR_SUCCESS && !audit_launch_explain(audit, who, seen))
                        audit_saw_that(seen, audit->peer_errors[who], "not started");
                return;
        }
        if (!OpenProcessToken(process, TOKEN_QUERY, &handle) || !audit_token_read(handle, &token))
                audit_saw_that(seen, GetLastError(), "its token cannot be read");
        else if (token.integrity == 4096)
                audit_saw_that(seen, ERROR_SUCCESS, "started, low integrity");
        else if (token.integrity >= 8192)
                audit_saw_that(seen, ERROR_SUCCESS, "started, medium integrity or more");
        else
                audit_saw_that(seen, ERROR_SUCCESS, "started, integrity %u", (unsigned)token.integrity);
        if (handle != NULL)
                CloseHandle(handle);
}
