/*
 * The token is read from the process that opened, the list from the object that it opened: so both decide about the
 * same two. A broker decides with this very check who may do what, before the kernel does.
 */
#include "clients/winaudit/agreement.h"

#include "clients/winaudit/peer.h"
#include "clients/winaudit/token.h"
#include "named-objects/rights/access.h"

#include <stdlib.h>

enum { LIST_BYTES_MAX = 8192, LABEL = 0x10 /* LABEL_SECURITY_INFORMATION */ };

static unsigned agreed, differed;
static const char *first_name;

struct subject {
        struct wr_identity_token read;
        struct wr_token token;
        struct wr_group groups[WR_SID_LIST_MAX];
        struct wr_sid restricting[WR_SID_LIST_MAX], capabilities[WR_SID_LIST_MAX];
};

static uint32_t
privileges_of(HANDLE handle)
{
        /* Their numbers in a LUID: SeSecurity, SeTakeOwnership, SeRelabel. */
        static const struct {
                DWORD number;
                enum wr_privilege privilege;
        } known[] = { { 8, WR_PRIVILEGE_SECURITY }, { 9, WR_PRIVILEGE_TAKE_OWNERSHIP }, { 32, WR_PRIVILEGE_RELABEL } };
        union {
                TOKEN_PRIVILEGES list;
                BYTE bytes[2048];
        } held;
        uint32_t found = 0;
        DWORD size;

        if (!GetTokenInformation(handle, TokenPrivileges, &held, sizeof held, &size))
                return 0;
        for (DWORD i = 0; i < held.list.PrivilegeCount; i++)
                for (size_t k = 0; k < sizeof known / sizeof *known; k++)
                        if (held.list.Privileges[i].Luid.LowPart == known[k].number &&
                            (held.list.Privileges[i].Attributes & SE_PRIVILEGE_ENABLED) != 0)
                                found |= known[k].privilege;
        return found;
}

static void
sids_sort(struct subject *subject)
{
        struct wr_token *token = &subject->token;
        enum wr_sid_use use;
        struct wr_sid sid;
        size_t at = 0;

        token->groups = subject->groups;
        token->restricting = subject->restricting;
        token->capabilities = subject->capabilities;
        while (wr_sid_list_next(&subject->read.sids, &at, &sid, &use)) {
                if (use == WR_SID_RESTRICTING)
                        subject->restricting[token->restricting_count++] = sid;
                else if (use == WR_SID_CAPABILITY)
                        subject->capabilities[token->capability_count++] = sid;
                else
                        subject->groups[token->group_count++] = (struct wr_group){
                                .sid = sid, .enabled = use == WR_SID_GROUP, .deny_only = use == WR_SID_DENY_ONLY
                        };
        }
}

static bool
subject_read(HANDLE process, struct subject *subject)
{
        const struct wr_identity_token *read = &subject->read;
        HANDLE handle;
        bool done;

        if (!OpenProcessToken(process, TOKEN_QUERY, &handle))
                return false;
        done = audit_token_read(handle, &subject->read);
        if (done) {
                subject->token = (struct wr_token){ .user = read->user,
                                                    .user_deny_only = read->user_deny_only,
                                                    .write_restricted = read->is_write_restricted,
                                                    .privileges = privileges_of(handle),
                                                    .integrity = read->integrity,
                                                    .package = read->container };
                if (read->container.count != 0)
                        subject->token.container = read->is_less_privileged ? WR_CONTAINER_LESS : WR_CONTAINER;
                sids_sort(subject);
        }
        CloseHandle(handle);
        return done;
}

void
audit_agreement_note(struct audit *audit, enum audit_who who, enum audit_kind kind, HANDLE object, uint32_t rights,
                     uint32_t code, const char *name)
{
        static _Alignas(8) uint8_t list[LIST_BYTES_MAX];
        const DWORD parts = OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION | LABEL;
        struct subject *subject = calloc(1, sizeof *subject);
        HANDLE process;
        struct wr_descriptor descriptor;
        struct wr_access access;
        struct audit_seen ignored;
        bool granted;
        DWORD size;

        process = audit_peer_process(audit, who, &ignored);
        if (subject != NULL && process != NULL && (code == ERROR_SUCCESS || code == ERROR_ACCESS_DENIED) &&
            GetKernelObjectSecurity(object, parts, list, sizeof list, &size) &&
            wr_descriptor_open(&descriptor, list, size, NULL) && subject_read(process, subject)) {
                if (kind == AUDIT_PIPE)
                        granted = wr_access_check_pipe_client(&descriptor, &subject->token, rights, &access);
                else
                        granted = wr_access_check(&descriptor, &subject->token,
                                                  kind == AUDIT_EVENT ? &wr_event_mapping : &wr_section_mapping, rights,
                                                  &access);
                if (granted == (code == ERROR_SUCCESS))
                        agreed++;
                else if (differed++ == 0)
                        first_name = name;
        }
        free(subject);
}

static void
run_agreement(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        (void)audit;
        (void)check;
        audit_called(seen, "wr_access_check, beside %u objects that were opened or refused above", agreed + differed);
        if (agreed + differed == 0)
                audit_cannot(seen, "nothing was opened in this run");
        else if (differed == 0)
                audit_saw_that(seen, ERROR_SUCCESS, "decides as the system");
        else
                audit_saw_that(seen, ERROR_SUCCESS, "decides otherwise of %u, first: %s", differed, first_name);
}

static const struct audit_check checks[] = {
        { "weir's access check decides as the system does", NULL, EXACTLY(0, "decides as the system"), EITHER,
          run_agreement, NULL },
};

/* Behind all themes that open something. */
const struct audit_theme audit_agreement = { "agreement", checks, sizeof checks / sizeof *checks };
