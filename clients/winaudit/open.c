#include "clients/winaudit/open.h"

#include "clients/winaudit/agreement.h"
#include "clients/winaudit/peer.h"
#include "named-objects/rights/sddl.h"

#include <stdio.h>
#include <string.h>

enum { LIST_TEXT_MAX = 1600 };

static const char *
kind_text(enum audit_kind kind, bool makes)
{
        switch (kind) {
        case AUDIT_EVENT: return makes ? "CreateEvent" : "OpenEvent";
        case AUDIT_SECTION: return makes ? "CreateFileMapping" : "OpenFileMapping";
        case AUDIT_PIPE: break;
        }
        return makes ? "CreateNamedPipe" : "CreateFile of a pipe";
}

/* The SID that {name} stands for, "" where there is none, and how many bytes that took; 0: no such name. */
static size_t
placeholder(const struct audit *audit, const char *text, char sid[WR_SID_TEXT_MAX])
{
        const struct {
                const char *name;
                const struct wr_sid *sid;
        } known[] = { { "{user}", &audit->user },
                      { "{logon}", &audit->logon },
                      { "{package}", &audit->package },
                      { "{capability}", &audit->capability } };

        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
                size_t length = strlen(known[i].name);

                if (strncmp(text, known[i].name, length) == 0) {
                        sid[0] = '\0';
                        if (known[i].sid->count != 0)
                                wr_sid_text(known[i].sid, sid);
                        return length;
                }
        }
        return 0;
}

bool
audit_open_list(const struct audit *audit, const char *list, struct audit_request *request, struct audit_seen *seen)
{
        char text[LIST_TEXT_MAX], sid[WR_SID_TEXT_MAX];
        struct wr_sddl_error error;
        size_t used = 0;

        while (*list != '\0' && used + WR_SID_TEXT_MAX < sizeof text) {
                size_t taken = placeholder(audit, list, sid);

                if (taken != 0 && sid[0] == '\0') {
                        audit_cannot(seen, "this session has no SID for %.*s", (int)taken, list);
                        return false;
                }
                if (taken != 0)
                        used += (size_t)snprintf(text + used, sizeof text - used, "%s", sid);
                else
                        text[used++] = *list;
                list += taken != 0 ? taken : 1;
        }
        request->list_bytes = (uint32_t)wr_sddl_parse(text, used, NULL, request->list, sizeof request->list, &error);
        if (request->list_bytes == 0)
                audit_saw_that(seen, ERROR_INVALID_SECURITY_DESCR, "the list could not be read: %s", error.what);
        return request->list_bytes != 0;
}

HANDLE
audit_open_make(struct audit *audit, enum audit_kind kind, const char *name, const char *list, struct audit_seen *seen)
{
        struct audit_request request = { .task = AUDIT_MAKE, .kind = kind };
        struct audit_reply reply;

        snprintf(request.name, sizeof request.name, "%s", name);
        if (list != NULL && !audit_open_list(audit, list, &request, seen))
                return NULL;
        audit_task_do(&request, NULL, &reply);
        if (reply.value == 0 && reply.code == ERROR_PRIVILEGE_NOT_HELD)
                audit_cannot(seen, "this user may not make it so: run it as an administrator too");
        else if (reply.value == 0)
                audit_saw_that(seen, reply.code, "%s by this process failed", kind_text(kind, true));
        return (HANDLE)(uintptr_t)reply.value;
}

uint32_t
audit_open_by(struct audit *audit, enum audit_who who, enum audit_kind kind, const char *name, uint32_t rights,
              struct audit_seen *seen)
{
        struct audit_request request = { .task = AUDIT_OPEN, .kind = kind, .rights = rights };
        struct audit_reply reply;

        snprintf(request.name, sizeof request.name, "%s", name);
        if (!audit_ask(audit, who, &request, &reply, seen))
                return UINT32_MAX;
        audit_peer_close(audit, who, reply.value);
        return reply.code;
}

void
audit_run_open(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        const struct audit_open *row = check->with;
        const char *prefix = row->prefix != NULL ? row->prefix : "", *made_as = row->made != NULL ? row->made : "";
        const char *root = row->kind == AUDIT_PIPE ? "\\\\.\\pipe\\" : "";
        char name[AUDIT_NAME_MAX], made_name[AUDIT_TASK_NAME_MAX], said[AUDIT_TASK_NAME_MAX];
        HANDLE made;
        uint32_t code;

        audit_called(seen, "%s(0x%x%s%s) by %s of an object with %s", kind_text(row->kind, false),
                     (unsigned)row->rights, prefix[0] != '\0' ? ", " : "", prefix, audit_who_text(row->who),
                     row->list != NULL ? row->list : "no list of its own");
        audit_name(name);
        snprintf(made_name, sizeof made_name, "%s%s%s", root, made_as, name);
        snprintf(said, sizeof said, "%s%s%s", root, prefix, name);
        made = audit_open_make(audit, row->kind, made_name, row->list, seen);
        if (made == NULL)
                return;
        code = audit_open_by(audit, row->who, row->kind, said, row->rights, seen);
        if (code != UINT32_MAX) {
                audit_saw(seen, code);
                audit_agreement_note(audit, row->who, row->kind, made, row->rights, code, check->name);
        }
        CloseHandle(made);
}
