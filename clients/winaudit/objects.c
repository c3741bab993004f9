/*
 * Objects and handles, by weir's own halves: what a client is handed, and what it could make of it. The client here is
 * this process itself, so its user owns all: only the lists keep it from what it is not to have.
 */
#include "clients/winaudit/launch.h"
#include "clients/winaudit/open.h"
#include "clients/winaudit/peer.h"
#include "named-objects/grant_win32.h"
#include "named-objects/signal.h"

#include <stdio.h>
#include <string.h>

enum { REGION_BYTES = 1 << 20, COMMITTED_BYTES = 1 << 16 };

/* A region whose first part is committed, and a handle on it as a subscriber has it. */
static bool
region_made(wr_object *region, HANDLE *handed, struct audit_seen *seen)
{
        enum weir_result result = wr_region_create(region, "winaudit", REGION_BYTES);

        *handed = NULL;
        if (result == WEIR_OK)
                result = wr_region_allocate(*region, COMMITTED_BYTES);
        if (result == WEIR_OK)
                result = wr_grant_narrow(*region, SECTION_MAP_READ, handed);
        if (result == WEIR_OK)
                return true;
        audit_saw_that(seen, GetLastError(), "the region could not be made");
        wr_object_close(*region);
        return false;
}

static void
region_close(wr_object region, HANDLE handed)
{
        CloseHandle(handed);
        wr_object_close(region);
}

/* with: a request, to be done with what a subscriber has. */
static void
run_handed(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        struct audit_request request = *(const struct audit_request *)check->with;
        struct audit_reply reply;
        wr_object region;
        HANDLE handed;

        (void)audit;
        if (!region_made(&region, &handed, seen))
                return;
        request.handle = (uint64_t)(uintptr_t)handed;
        audit_task_do(&request, NULL, &reply);
        audit_saw(seen, reply.code);
        if (request.task == AUDIT_DUPLICATE && reply.value != 0)
                CloseHandle((HANDLE)(uintptr_t)reply.value);
        region_close(region, handed);
}

/* What can be asked of a handle that has the right to map and no other. */
static void
run_asked(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        char name[WR_GRANT_NAME_MAX] = "";
        wr_object region;
        uint64_t committed = 0;
        HANDLE handed;

        (void)audit;
        (void)check;
        if (!region_made(&region, &handed, seen))
                return;
        if (wr_grant_kind_of(handed) != WR_GRANT_SECTION)
                audit_saw_that(seen, GetLastError(), "its type is not told");
        else if (wr_grant_rights_of(handed) != SECTION_MAP_READ)
                audit_saw_that(seen, GetLastError(), "its rights are told as 0x%x",
                               (unsigned)wr_grant_rights_of(handed));
        else if (wr_grant_name_of(handed, name, sizeof name) != WEIR_OK || strncmp(name, "weir-", 5) != 0)
                audit_saw_that(seen, GetLastError(), "its name is told as '%s'", name);
        else if (wr_region_check(handed, REGION_BYTES, true) != WEIR_OK)
                audit_saw_that(seen, GetLastError(), "its size is not found out");
        else if (wr_region_committed(handed, 0, &committed) != WEIR_OK || committed != COMMITTED_BYTES)
                audit_saw_that(seen, GetLastError(), "%llu bytes seem committed", (unsigned long long)committed);
        else
                audit_saw_that(seen, ERROR_SUCCESS, "all is told");
        region_close(region, handed);
}

static void
run_list_kept(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        _Alignas(8) BYTE made[WR_GRANT_LIST_BYTES], kept[256];
        SECURITY_DESCRIPTOR_CONTROL control = 0;
        ACL *made_list = NULL, *kept_list = NULL;
        BOOL present, defaulted;
        DWORD size = 0, revision;
        wr_object region;
        HANDLE handed;

        (void)audit;
        (void)check;
        if (!region_made(&region, &handed, seen))
                return;
        if (wr_grant_closed_list(made, sizeof made) == 0 ||
            !GetKernelObjectSecurity(region, DACL_SECURITY_INFORMATION, kept, sizeof kept, &size) ||
            !GetSecurityDescriptorControl(kept, &control, &revision) ||
            !GetSecurityDescriptorDacl(kept, &present, &kept_list, &defaulted) ||
            !GetSecurityDescriptorDacl(made, &present, &made_list, &defaulted))
                audit_saw_that(seen, GetLastError(), "the list cannot be read");
        else if ((control & SE_DACL_PROTECTED) == 0 || kept_list == NULL || made_list == NULL ||
                 kept_list->AclSize != made_list->AclSize || memcmp(kept_list, made_list, made_list->AclSize) != 0)
                audit_saw_that(seen, ERROR_SUCCESS, "another list");
        else
                audit_saw_that(seen, ERROR_SUCCESS, "byte for byte, and protected");
        region_close(region, handed);
}

struct admitted_row {
        enum audit_who who;
        bool restricting_too; /* S-1-5-12, of a second list */
        uint32_t rights;      /* asked, after the broker has admitted this user to read */
};

static void
run_admitted(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        const struct admitted_row *row = check->with;
        const struct wr_sid sids[2] = { audit->user, { .authority = 5, .count = 1, .words = { 12 } } };
        char name[WR_GRANT_NAME_MAX];
        wr_object region;
        HANDLE handed;
        uint32_t code;

        if (!region_made(&region, &handed, seen))
                return;
        if (wr_grant_admit(region, sids, row->restricting_too ? 2 : 1, SECTION_MAP_READ) != WEIR_OK ||
            wr_grant_name_of(region, name, sizeof name) != WEIR_OK) {
                audit_saw_that(seen, GetLastError(), "nobody could be admitted");
        } else {
                code = audit_open_by(audit, row->who, AUDIT_SECTION, name, row->rights, seen);
                if (code != UINT32_MAX)
                        audit_saw(seen, code);
        }
        region_close(region, handed);
}

struct end_row {
        enum wr_signal_end end;
        int event; /* 0: wake, 1: space */
        uint32_t rights;
};

/* An event as one end of a pair has it, and the other end's right asked with it. */
static void
run_signal(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        const struct end_row *row = check->with;
        struct wr_signal_pair pair;
        wr_object given[WR_SIGNAL_OBJECTS];
        HANDLE handed = NULL, more = NULL, self = GetCurrentProcess();
        uint32_t rights;

        (void)audit;
        if (wr_signal_create(&pair) != WEIR_OK) {
                audit_saw_that(seen, GetLastError(), "the events could not be made");
                return;
        }
        if (wr_signal_grant(&pair, row->end, given) != WEIR_OK) {
                audit_saw_that(seen, GetLastError(), "the events could not be granted");
        } else {
                rights = wr_grant_handed(WR_GRANT_EVENT, wr_grant_rights_of(given[row->event]));
                if (wr_grant_narrow(given[row->event], rights, &handed) != WEIR_OK) {
                        audit_saw_that(seen, GetLastError(), "the event could not be handed over");
                } else {
                        SetLastError(ERROR_SUCCESS);
                        DuplicateHandle(self, handed, self, &more, row->rights, FALSE, 0);
                        audit_saw(seen, GetLastError());
                }
                wr_signal_grant_close(given);
        }
        if (handed != NULL)
                CloseHandle(handed);
        if (more != NULL)
                CloseHandle(more);
        wr_signal_close(&pair);
}

/* with: the list of an unnamed section, NULL for none; a handle to read is duplicated to write. */
static void
run_unnamed(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        HANDLE section = audit_open_make(audit, AUDIT_SECTION, "", check->with, seen), self = GetCurrentProcess();
        HANDLE narrow = NULL, more = NULL;

        if (section == NULL)
                return;
        if (wr_grant_narrow(section, SECTION_MAP_READ, &narrow) != WEIR_OK) {
                audit_saw_that(seen, GetLastError(), "it could not be narrowed");
        } else {
                SetLastError(ERROR_SUCCESS);
                DuplicateHandle(self, narrow, self, &more, SECTION_MAP_WRITE, FALSE, 0);
                audit_saw(seen, GetLastError());
                CloseHandle(narrow);
        }
        if (more != NULL)
                CloseHandle(more);
        CloseHandle(section);
}

struct taken_row {
        enum audit_kind taken, wanted;
        const char *list;
};

/* Somebody else's object has the name. */
static void
run_taken(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        const struct taken_row *row = check->with;
        struct audit_request request = { .task = AUDIT_MAKE, .kind = row->wanted };
        struct audit_reply reply;
        HANDLE taken;

        audit_name(request.name);
        taken = audit_open_make(audit, row->taken, request.name, row->list, seen);
        if (taken == NULL)
                return;
        audit_task_do(&request, NULL, &reply);
        if (reply.code == ERROR_ALREADY_EXISTS)
                audit_saw_that(seen, reply.code, "opened what is there, and says so");
        else
                audit_saw(seen, reply.code);
        if (reply.value != 0)
                CloseHandle((HANDLE)(uintptr_t)reply.value);
        CloseHandle(taken);
}

static void
run_page_read_only(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        HANDLE section = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READONLY, 0, COMMITTED_BYTES, NULL);
        void *view = section != NULL ? MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 1) : NULL;

        (void)audit;
        (void)check;
        audit_saw(seen, view != NULL ? ERROR_SUCCESS : GetLastError());
        if (view != NULL)
                UnmapViewOfFile(view);
        if (section != NULL)
                CloseHandle(section);
}

/* with: who is to make an object in the global directory; a kind of it. */
struct maker_row {
        enum audit_who who;
        enum audit_kind kind;
        const char *prefix;
};

static void
run_maker(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        const struct maker_row *row = check->with;
        struct audit_request request = { .task = AUDIT_MAKE, .kind = row->kind };
        struct audit_reply reply;
        char name[AUDIT_NAME_MAX];

        if (audit->session == 0) {
                audit_cannot(seen, "this is session 0, where plain names are global");
                return;
        }
        audit_name(name);
        snprintf(request.name, sizeof request.name, "%s%s", row->prefix, name);
        if (!audit_ask(audit, row->who, &request, &reply, seen))
                return;
        audit_saw(seen, reply.code);
        audit_peer_close(audit, row->who, reply.value);
}

/* with: a list; opened in the name of a token that has Users deny-only. */
static void
run_deny_only(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        uint8_t users[WR_SID_BYTES_MAX];
        const struct wr_sid sid = { .authority = 5, .count = 2, .words = { 32, 545 } };
        SID_AND_ATTRIBUTES deny = { users, 0 };
        HANDLE own = NULL, token = NULL, worn = NULL, event, opened;
        char name[AUDIT_NAME_MAX];
        DWORD code;

        audit_name(name);
        event = audit_open_make(audit, AUDIT_EVENT, name, check->with, seen);
        if (event == NULL)
                return;
        wr_sid_write(&sid, users);
        if (OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY | TOKEN_DUPLICATE | TOKEN_ASSIGN_PRIMARY, &own) &&
            CreateRestrictedToken(own, 0, 1, &deny, 0, NULL, 0, NULL, &token) &&
            DuplicateTokenEx(token, MAXIMUM_ALLOWED, NULL, SecurityImpersonation, TokenImpersonation, &worn) &&
            SetThreadToken(NULL, worn)) {
                opened = OpenEventA(EVENT_MODIFY_STATE, FALSE, name);
                code = opened != NULL ? ERROR_SUCCESS : GetLastError();
                if (!RevertToSelf())
                        ExitProcess(1);
                audit_saw(seen, code);
                if (opened != NULL)
                        CloseHandle(opened);
        } else {
                audit_saw_that(seen, GetLastError(), "no such token could be worn");
        }
        for (size_t i = 0; i < 4; i++) {
                HANDLE handle = ((HANDLE[]){ own, token, worn, event })[i];

                if (handle != NULL)
                        CloseHandle(handle);
        }
}

static const struct audit_check checks[] = {
        { "what a subscriber was handed cannot be mapped to write",
          "MapViewOfFile(FILE_MAP_WRITE) with SECTION_MAP_READ", REFUSED, AS_WINDOWS, run_handed,
          &(const struct audit_request){ .task = AUDIT_MAP, .rights = FILE_MAP_WRITE } },
        { "what a subscriber was handed cannot be mapped to run",
          "MapViewOfFile(FILE_MAP_EXECUTE) with SECTION_MAP_READ", WHATEVER("refused"), AS_WINDOWS, run_handed,
          &(const struct audit_request){ .task = AUDIT_MAP, .rights = FILE_MAP_READ | FILE_MAP_EXECUTE } },
        { "what was mapped to read does not become writable", "VirtualProtect(PAGE_READWRITE) on such a view",
          WHATEVER("refused"), AS_WINDOWS, run_handed,
          &(const struct audit_request){ .task = AUDIT_PROTECT, .rights = FILE_MAP_READ } },
        { "what a subscriber was handed is not duplicated up to write", "DuplicateHandle(SECTION_MAP_WRITE)", REFUSED,
          AS_WINDOWS, run_handed,
          &(const struct audit_request){ .task = AUDIT_DUPLICATE, .rights = SECTION_MAP_WRITE } },
        { "what was handed is not duplicated up to change the list, though its owner asks",
          "DuplicateHandle(WRITE_DAC)", REFUSED, GRANTED, run_handed,
          &(const struct audit_request){ .task = AUDIT_DUPLICATE, .rights = WRITE_DAC } },
        { "a handle without rights to query tells type, rights, name and what is committed",
          "NtQueryObject, VirtualQuery with SECTION_MAP_READ", EXACTLY(0, "all is told"), AS_WINDOWS, run_asked, NULL },
        { "the list of a region stays as it was made", "GetKernelObjectSecurity",
          EXACTLY(0, "byte for byte, and protected"), AS_WINDOWS, run_list_kept, NULL },
        { "who was admitted to read opens a region by name", "OpenFileMapping(4) by a stripped token", GRANTED,
          AS_WINDOWS, run_admitted, &(const struct admitted_row){ AUDIT_STRIPPED, false, SECTION_MAP_READ } },
        { "who was admitted to read does not open it to write", "OpenFileMapping(2) by a stripped token", REFUSED,
          AS_WINDOWS, run_admitted, &(const struct admitted_row){ AUDIT_STRIPPED, false, SECTION_MAP_WRITE } },
        { "a restricted token opens by name what its user and its second list were admitted to",
          "OpenFileMapping(4) by a restricted token", GRANTED, AS_WINDOWS, run_admitted,
          &(const struct admitted_row){ AUDIT_RESTRICTED, true, SECTION_MAP_READ } },
        { "a restricted token opens nothing that its user alone was admitted to",
          "OpenFileMapping(4) by a restricted token", REFUSED, GRANTED, run_admitted,
          &(const struct admitted_row){ AUDIT_RESTRICTED, false, SECTION_MAP_READ } },
        { "a restricted token that was admitted to read does not open it to write",
          "OpenFileMapping(2) by a restricted token", REFUSED, AS_WINDOWS, run_admitted,
          &(const struct admitted_row){ AUDIT_RESTRICTED, true, SECTION_MAP_WRITE } },
        { "a publisher cannot wait for what wakes its subscriber", "DuplicateHandle(SYNCHRONIZE) of `wake`", REFUSED,
          GRANTED, run_signal, &(const struct end_row){ WR_SIGNAL_PUBLISHER, 0, SYNCHRONIZE } },
        { "a subscriber cannot wake itself or others", "DuplicateHandle(EVENT_MODIFY_STATE) of `wake`", REFUSED,
          AS_WINDOWS, run_signal, &(const struct end_row){ WR_SIGNAL_SUBSCRIBER, 0, EVENT_MODIFY_STATE } },
        { "a publisher cannot tell itself of room", "DuplicateHandle(EVENT_MODIFY_STATE) of `space`", REFUSED,
          AS_WINDOWS, run_signal, &(const struct end_row){ WR_SIGNAL_PUBLISHER, 1, EVENT_MODIFY_STATE } },
        { "an unnamed section without a list is duplicated up: the trap", "DuplicateHandle(SECTION_MAP_WRITE)", GRANTED,
          AS_WINDOWS, run_unnamed, NULL },
        { "an unnamed section with a list is not", "DuplicateHandle(SECTION_MAP_WRITE)", REFUSED, AS_WINDOWS,
          run_unnamed, "D:P(A;;RC;;;OW)" },
        { "where the list speaks of OWNER RIGHTS the owner may not wait", NULL, REFUSED, GRANTED, audit_run_open,
          &(const struct audit_open){ .kind = AUDIT_EVENT, .list = "D:P(A;;RC;;;OW)", .rights = SYNCHRONIZE } },
        { "where the list speaks of OWNER RIGHTS the owner may not change it", NULL, REFUSED, GRANTED, audit_run_open,
          &(const struct audit_open){ .kind = AUDIT_EVENT, .list = "D:P(A;;RC;;;OW)", .rights = WRITE_DAC } },
        { "where the list gives OWNER RIGHTS that, the owner may read it", NULL, GRANTED, AS_WINDOWS, audit_run_open,
          &(const struct audit_open){ .kind = AUDIT_EVENT, .list = "D:P(A;;RC;;;OW)", .rights = READ_CONTROL } },
        { "where the list does not speak of OWNER RIGHTS the owner may change it", NULL, GRANTED, AS_WINDOWS,
          audit_run_open,
          &(const struct audit_open){
                  .kind = AUDIT_EVENT, .list = "O:{user}D:P(A;;0x2;;;{user})", .rights = WRITE_DAC } },
        { "GENERIC_READ and GENERIC_WRITE of an event are no right to wait", NULL, REFUSED, GRANTED, audit_run_open,
          &(const struct audit_open){ .kind = AUDIT_EVENT, .list = "D:P(A;;GRGW;;;{user})", .rights = SYNCHRONIZE } },
        { "a name that is taken by the same type is opened, and told", "CreateFileMapping",
          EXACTLY(ERROR_ALREADY_EXISTS, "opened what is there, and says so"), AS_WINDOWS, run_taken,
          &(const struct taken_row){ AUDIT_SECTION, AUDIT_SECTION, NULL } },
        { "a name that is taken by another type is refused", "CreateFileMapping",
          EXACTLY(ERROR_INVALID_HANDLE, "refused"), AS_WINDOWS, run_taken,
          &(const struct taken_row){ AUDIT_EVENT, AUDIT_SECTION, NULL } },
        { "a name that is taken with a tight list is refused", "CreateEvent", REFUSED, AS_WINDOWS, run_taken,
          &(const struct taken_row){ AUDIT_EVENT, AUDIT_EVENT, "O:{user}D:P(A;;RC;;;OW)" } },
        { "a section of read-only pages is not mapped to write", "MapViewOfFile(FILE_MAP_WRITE)", REFUSED, AS_WINDOWS,
          run_page_read_only, NULL },
        { "without its privilege nobody makes a global section", "CreateFileMapping(Global\\...) by a stripped token",
          REFUSED, GRANTED, run_maker, &(const struct maker_row){ AUDIT_STRIPPED, AUDIT_SECTION, "Global\\" } },
        { "a global event needs no privilege", "CreateEvent(Global\\...) by a stripped token", GRANTED, AS_WINDOWS,
          run_maker, &(const struct maker_row){ AUDIT_STRIPPED, AUDIT_EVENT, "Global\\" } },
        { "a deny-only group grants nothing", "OpenEvent(2) with Users deny-only, D:P(A;;0x2;;;BU)", REFUSED,
          AS_WINDOWS, run_deny_only, "D:P(A;;0x2;;;BU)" },
        { "a deny-only group still denies", "OpenEvent(2) with Users deny-only, D:P(D;;0x2;;;BU)(A;;0x2;;;{user})",
          REFUSED, GRANTED, run_deny_only, "D:P(D;;0x2;;;BU)(A;;0x2;;;{user})" },
};

const struct audit_theme audit_objects = { "objects", checks, sizeof checks / sizeof *checks };
