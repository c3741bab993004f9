/*
 * A container from the outside: its profile, its token, the directory of its names, what is handed to it and what it
 * reaches. The names of both sides are weir's own (named-objects/rights/object_name.h).
 */
#include "clients/winaudit/launch.h"
#include "clients/winaudit/open.h"
#include "clients/winaudit/peer.h"
#include "clients/winaudit/profile.h"
#include "clients/winaudit/started.h"
#include "clients/winaudit/token.h"
#include "named-objects/endpoint_objects_win32.h"
#include "named-objects/grant_win32.h"
#include "named-objects/rights/object_name.h"
#include "named-objects/rights/package.h"

#include <stdio.h>
#include <string.h>

enum { REGION_BYTES = 1 << 16 };

static void
run_profile(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        struct wr_sid sid;

        (void)check;
        if (!audit_profile_possible())
                audit_cannot(seen, "this system has no CreateAppContainerProfile");
        else if (!audit_profile_make(audit))
                audit_saw_that(seen, GetLastError(), "not made");
        else
                audit_saw_that(seen, ERROR_SUCCESS, "%s",
                               audit_profile_sid(&sid, L"" AUDIT_PROFILE) && wr_sid_equal(&sid, &audit->package)
                                       ? "made, its SID is weir's"
                                       : "made, with another SID");
}

/* How a speaker outside says a name that lives in the container's directory. */
static bool
outside_name(const struct audit *audit, const struct wr_sid *package, bool of_another_session, const char *name,
             char text[AUDIT_TASK_NAME_MAX])
{
        struct wr_object_place place = { WR_PLACE_CONTAINER, audit->session, *package };
        struct wr_object_speaker speaker = { .session = audit->session };

        /* The long form reaches our own session as well as another. */
        if (of_another_session)
                speaker.session++;
        return wr_object_name(&place, &speaker, name, text, AUDIT_TASK_NAME_MAX) != 0;
}

static void
run_no_directory(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        static const char never[] = AUDIT_PROFILE ".that.never.ran";
        struct audit_request request = { .task = AUDIT_MAKE, .kind = AUDIT_EVENT };
        struct audit_reply reply;
        struct wr_sid package;

        (void)check;
        wr_package_sid(&package, never, strlen(never));
        outside_name(audit, &package, false, "x", request.name);
        audit_task_do(&request, NULL, &reply);
        audit_saw(seen, reply.code);
        if (reply.value != 0)
                CloseHandle((HANDLE)(uintptr_t)reply.value);
}

enum form { FORM_PLAIN, FORM_SHORT, FORM_LONG };

/* with: the form. The container makes an event, and this process opens it. */
static void
run_seen_outside(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        struct audit_request request = { .task = AUDIT_MAKE, .kind = AUDIT_EVENT };
        enum form form = *(const enum form *)check->with;
        char name[AUDIT_TASK_NAME_MAX];
        struct audit_reply reply;

        audit_name(request.name);
        if (!audit_ask(audit, AUDIT_CONTAINER, &request, &reply, seen))
                return;
        if (reply.code != ERROR_SUCCESS) {
                audit_saw_that(seen, reply.code, "the container could not make it");
                return;
        }
        snprintf(name, sizeof name, "%s", request.name);
        if (form != FORM_PLAIN)
                outside_name(audit, &audit->package, form == FORM_LONG, request.name, name);
        audit_saw(seen, audit_open_by(audit, AUDIT_SELF, AUDIT_EVENT, name, SYNCHRONIZE, seen));
        audit_peer_close(audit, AUDIT_CONTAINER, reply.value);
}

/* with: how the container says a name of its own directory with a prefix. */
static void
run_own_name(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        struct audit_request request = { .task = AUDIT_MAKE, .kind = AUDIT_EVENT };
        char said[AUDIT_TASK_NAME_MAX];
        struct audit_reply reply;
        uint32_t code;

        audit_name(request.name);
        snprintf(said, sizeof said, "%s%s", (const char *)check->with, request.name);
        if (!audit_ask(audit, AUDIT_CONTAINER, &request, &reply, seen))
                return;
        code = audit_open_by(audit, AUDIT_CONTAINER, AUDIT_EVENT, said, SYNCHRONIZE, seen);
        if (code != UINT32_MAX)
                audit_saw(seen, code);
        audit_peer_close(audit, AUDIT_CONTAINER, reply.value);
}

/* Full trust makes an object in the container's own directory. */
static void
run_made_from_outside(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        char name[AUDIT_NAME_MAX], outside[AUDIT_TASK_NAME_MAX];
        HANDLE made;
        uint32_t code;

        (void)check;
        if (audit_peer_process(audit, AUDIT_CONTAINER, seen) == NULL)
                return;
        audit_name(name);
        outside_name(audit, &audit->package, false, name, outside);
        made = audit_open_make(audit, AUDIT_EVENT, outside, "D:P(A;;0x2;;;{user})(A;;0x2;;;{package})", seen);
        if (made == NULL)
                return;
        code = audit_open_by(audit, AUDIT_CONTAINER, AUDIT_EVENT, name, EVENT_MODIFY_STATE, seen);
        if (code != UINT32_MAX)
                audit_saw(seen, code);
        CloseHandle(made);
}

struct by_name_row {
        bool package_too;
        uint32_t rights;
};

/* As the broker does it: a region, an entry for the client, and its name. */
static void
run_by_name(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        const struct by_name_row *row = check->with;
        const struct wr_sid sids[2] = { audit->user, audit->package };
        char name[WR_GRANT_NAME_MAX];
        wr_object region;
        uint32_t code;

        if (audit_peer_process(audit, AUDIT_CONTAINER, seen) == NULL)
                return;
        if (wr_region_create(&region, "winaudit", REGION_BYTES) != WEIR_OK) {
                audit_saw_that(seen, GetLastError(), "the region could not be made");
                return;
        }
        if (wr_grant_admit(region, sids, row->package_too ? 2 : 1, SECTION_MAP_READ) != WEIR_OK ||
            wr_grant_name_of(region, name, sizeof name) != WEIR_OK) {
                audit_saw_that(seen, GetLastError(), "nobody could be admitted");
        } else {
                code = audit_open_by(audit, AUDIT_CONTAINER, AUDIT_SECTION, name, row->rights, seen);
                if (code != UINT32_MAX)
                        audit_saw(seen, code);
        }
        wr_object_close(region);
}

/* with: what the container does with a region that the broker put into its process, to read. */
static void
run_by_handle(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        struct audit_request request = *(const struct audit_request *)check->with;
        struct wr_endpoint_peer peer = { .pipe = NULL, .is_client = false };
        struct wr_trailer_entry entry;
        wr_object region, read_only = WR_NO_OBJECT;
        struct audit_reply reply;

        peer.process = audit_peer_process(audit, AUDIT_CONTAINER, seen);
        if (peer.process == NULL)
                return;
        if (wr_region_create(&region, "winaudit", REGION_BYTES) != WEIR_OK ||
            wr_region_allocate(region, REGION_BYTES) != WEIR_OK || wr_region_read_only(region, &read_only) != WEIR_OK ||
            wr_endpoint_objects_give(&peer, &read_only, 1, &entry) != WEIR_OK) {
                audit_saw_that(seen, GetLastError(), "it could not be handed over");
        } else {
                request.handle = entry.handle;
                if (audit_ask(audit, AUDIT_CONTAINER, &request, &reply, seen)) {
                        audit_saw(seen, reply.code);
                        if (request.task == AUDIT_DUPLICATE)
                                audit_peer_close(audit, AUDIT_CONTAINER, reply.value);
                }
                audit_peer_close(audit, AUDIT_CONTAINER, entry.handle);
        }
        wr_object_close(read_only);
        wr_object_close(region);
}

/* with: rights. The container opens this process. */
static void
run_opens_us(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        struct audit_request request = { .task = AUDIT_PROCESS,
                                         .rights = *(const uint32_t *)check->with,
                                         .id = GetCurrentProcessId() };
        struct audit_reply reply;

        if (!audit_ask(audit, AUDIT_CONTAINER, &request, &reply, seen))
                return;
        audit_saw(seen, reply.code);
        audit_peer_close(audit, AUDIT_CONTAINER, reply.value);
}

/* The broker opens the process of a client, by its id. */
static void
run_opens_it(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        HANDLE process = audit_peer_process(audit, AUDIT_CONTAINER, seen), opened;

        (void)check;
        if (process == NULL)
                return;
        opened = OpenProcess(SYNCHRONIZE | PROCESS_DUP_HANDLE | PROCESS_QUERY_LIMITED_INFORMATION, FALSE,
                             GetProcessId(process));
        audit_saw(seen, opened != NULL ? ERROR_SUCCESS : GetLastError());
        if (opened != NULL)
                CloseHandle(opened);
}

/* with: how the container says a name that it makes an object under. */
struct making_row {
        enum audit_kind kind;
        const char *prefix;
};

static void
run_makes(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        const struct making_row *row = check->with;
        struct audit_request request = { .task = AUDIT_MAKE, .kind = row->kind };
        char name[AUDIT_NAME_MAX];
        struct audit_reply reply;

        audit_name(name);
        snprintf(request.name, sizeof request.name, "%s%s", row->prefix, name);
        if (!audit_ask(audit, AUDIT_CONTAINER, &request, &reply, seen))
                return;
        audit_saw(seen, reply.code);
        audit_peer_close(audit, AUDIT_CONTAINER, reply.value);
}

/* The container's own pipe, opened from outside. */
static void
run_its_pipe(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        struct wr_object_place place = { WR_PLACE_CONTAINER, audit->session, audit->package };
        struct wr_object_speaker inside = { audit->session, audit->package }, outside = { .session = audit->session };
        struct audit_request request = { .task = AUDIT_MAKE, .kind = AUDIT_PIPE };
        char name[AUDIT_NAME_MAX], said[AUDIT_TASK_NAME_MAX];
        struct audit_reply reply;

        (void)check;
        audit_name(name);
        wr_object_pipe_name(&place, &inside, name, request.name, sizeof request.name);
        wr_object_pipe_name(&place, &outside, name, said, sizeof said);
        if (!audit_ask(audit, AUDIT_CONTAINER, &request, &reply, seen))
                return;
        if (reply.code != ERROR_SUCCESS)
                audit_saw_that(seen, reply.code, "the container could not make it");
        else
                audit_saw(seen, audit_open_by(audit, AUDIT_SELF, AUDIT_PIPE, said, GENERIC_READ | GENERIC_WRITE, seen));
        audit_peer_close(audit, AUDIT_CONTAINER, reply.value);
}

#define HANDED(t, r)                       \
        &(const struct audit_request)      \
        {                                  \
                .task = (t), .rights = (r) \
        }

static const struct audit_check checks[] = {
        { "an object cannot be made for a container that does not run",
          "CreateEvent(AppContainerNamedObjects\\<SID>\\x)", EXACTLY(ERROR_PATH_NOT_FOUND, "refused"), AS_WINDOWS,
          run_no_directory, NULL },
        { "a container has the SID that weir derives", "CreateAppContainerProfile",
          EXACTLY(0, "made, its SID is weir's"), NOT_TO_TRY, run_profile, NULL },
        { "a process starts in a container, with a capability", "CreateProcess(SECURITY_CAPABILITIES)", STARTED_LOW,
          NOT_TO_TRY, audit_run_started, &(const enum audit_who){ AUDIT_CONTAINER } },
        { "a process starts in an LPAC", "CreateProcess(SECURITY_CAPABILITIES, ALL_APPLICATION_PACKAGES_POLICY)",
          STARTED_LOW, NOT_TO_TRY, audit_run_started, &(const enum audit_who){ AUDIT_LPAC } },
        { "what a container makes is in its own directory", "OpenEvent(AppContainerNamedObjects\\<SID>\\x)", GRANTED,
          NOT_TO_TRY, run_seen_outside, &(const enum form){ FORM_SHORT } },
        { "a container's directory is reached by its session's number too",
          "OpenEvent(Session\\n\\AppContainerNamedObjects\\<SID>\\x)", GRANTED, NOT_TO_TRY, run_seen_outside,
          &(const enum form){ FORM_LONG } },
        { "what a container makes is not among the names of its session", "OpenEvent(x)",
          EXACTLY(ERROR_FILE_NOT_FOUND, "refused"), NOT_TO_TRY, run_seen_outside, &(const enum form){ FORM_PLAIN } },
        { "a container opens its own object by its plain name", "OpenEvent(x) by the container", GRANTED, NOT_TO_TRY,
          run_own_name, "" },
        { "Local\\ in a container is its own directory", "OpenEvent(Local\\x) by the container", GRANTED, NOT_TO_TRY,
          run_own_name, "Local\\" },
        { "Global\\ in a container is not its own directory", "OpenEvent(Global\\x) by the container",
          WHATEVER("refused"), NOT_TO_TRY, run_own_name, "Global\\" },
        { "full trust makes objects in a container's directory, and the container opens them",
          "CreateEvent(AppContainerNamedObjects\\<SID>\\x), OpenEvent(x) by the container", GRANTED, NOT_TO_TRY,
          run_made_from_outside, NULL },
        { "a region that is handed to a container by name is read", "OpenFileMapping(4) by the container", GRANTED,
          NOT_TO_TRY, run_by_name, &(const struct by_name_row){ true, SECTION_MAP_READ } },
        { "a region that is handed to a container by name to read is not written",
          "OpenFileMapping(2) by the container", REFUSED, NOT_TO_TRY, run_by_name,
          &(const struct by_name_row){ true, SECTION_MAP_WRITE } },
        { "an entry for a container's user alone does not admit it to a region", "OpenFileMapping(4) by the container",
          REFUSED, NOT_TO_TRY, run_by_name, &(const struct by_name_row){ false, SECTION_MAP_READ } },
        { "the broker opens a container's process to hand over and to watch",
          "OpenProcess(SYNCHRONIZE, PROCESS_DUP_HANDLE, PROCESS_QUERY_LIMITED_INFORMATION)", GRANTED, NOT_TO_TRY,
          run_opens_it, NULL },
        { "a region that is handed to a container by handle is read",
          "DuplicateHandle into it, MapViewOfFile(FILE_MAP_READ)", GRANTED, NOT_TO_TRY, run_by_handle,
          HANDED(AUDIT_MAP, FILE_MAP_READ) },
        { "a region that is handed to a container by handle to read is not mapped to write",
          "DuplicateHandle into it, MapViewOfFile(FILE_MAP_WRITE)", REFUSED, NOT_TO_TRY, run_by_handle,
          HANDED(AUDIT_MAP, FILE_MAP_WRITE) },
        { "a region that is handed to a container by handle to read is not duplicated up",
          "DuplicateHandle into it, DuplicateHandle(SECTION_MAP_WRITE)", REFUSED, NOT_TO_TRY, run_by_handle,
          HANDED(AUDIT_DUPLICATE, SECTION_MAP_WRITE) },
        { "a region that a container has mapped to read is not made writable",
          "DuplicateHandle into it, VirtualProtect(PAGE_READWRITE)", WHATEVER("refused"), NOT_TO_TRY, run_by_handle,
          HANDED(AUDIT_PROTECT, FILE_MAP_READ) },
        { "a container does not open the broker's process to take handles",
          "OpenProcess(PROCESS_DUP_HANDLE) by the container", REFUSED, NOT_TO_TRY, run_opens_us,
          &(const uint32_t){ PROCESS_DUP_HANDLE } },
        { "a container does not open the broker's process to read its memory",
          "OpenProcess(PROCESS_VM_READ) by the container", REFUSED, NOT_TO_TRY, run_opens_us,
          &(const uint32_t){ PROCESS_VM_READ } },
        { "a container makes no section in the global directory", "CreateFileMapping(Global\\x) by the container",
          REFUSED, NOT_TO_TRY, run_makes, &(const struct making_row){ AUDIT_SECTION, "Global\\" } },
        { "a container's pipes are local", "CreateNamedPipe(\\\\.\\pipe\\LOCAL\\x) by the container", GRANTED,
          NOT_TO_TRY, run_makes, &(const struct making_row){ AUDIT_PIPE, "\\\\.\\pipe\\LOCAL\\" } },
        { "a container makes no pipes but local ones", "CreateNamedPipe(\\\\.\\pipe\\x) by the container", REFUSED,
          NOT_TO_TRY, run_makes, &(const struct making_row){ AUDIT_PIPE, "\\\\.\\pipe\\" } },
        { "full trust reaches a container's pipe",
          "CreateFile(\\\\.\\pipe\\Sessions\\n\\AppContainerNamedObjects\\<SID>\\x)", GRANTED, NOT_TO_TRY, run_its_pipe,
          NULL },
};

const struct audit_theme audit_container = { "container", checks, sizeof checks / sizeof *checks };
