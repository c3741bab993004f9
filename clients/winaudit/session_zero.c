/*
 * From a service in session 0 to the user's session: what a machine-wide broker can hand over, and how. Only with
 * --service: it installs a service, which an administrator alone may do.
 */
#include "clients/winaudit/launch.h"
#include "clients/winaudit/open.h"
#include "clients/winaudit/peer.h"

#include <stdio.h>
#include <string.h>

enum { LONGEST = AUDIT_TASK_NAME_MAX };

static void
run_session(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        struct audit_request request = { .task = AUDIT_SESSION };
        struct audit_reply reply;

        (void)check;
        if (audit_ask(audit, AUDIT_SERVICE, &request, &reply, seen))
                audit_saw_that(seen, reply.code, "%s", reply.value == 0 ? "session 0" : "the session of users");
}

struct shared_row {
        enum audit_who who;
        const char *made, *said; /* prefixes: the service's and ours */
        const char *list;
        uint32_t rights;
};

/* The service makes a section, and somebody of the user's session opens it. */
static void
run_shared(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        const struct shared_row *row = check->with;
        struct audit_request request = { .task = AUDIT_MAKE, .kind = AUDIT_SECTION };
        char name[AUDIT_NAME_MAX], said[LONGEST];
        struct audit_reply reply;
        uint32_t code;

        audit_name(name);
        snprintf(request.name, sizeof request.name, "%s%s", row->made, name);
        snprintf(said, sizeof said, "%s%s", row->said, name);
        if (!audit_open_list(audit, row->list, &request, seen) ||
            !audit_ask(audit, AUDIT_SERVICE, &request, &reply, seen))
                return;
        if (reply.code != ERROR_SUCCESS) {
                audit_saw_that(seen, reply.code, "the service could not make it");
                return;
        }
        code = audit_open_by(audit, row->who, AUDIT_SECTION, said, row->rights, seen);
        if (code != UINT32_MAX)
                audit_saw(seen, code);
        audit_peer_close(audit, AUDIT_SERVICE, reply.value);
}

/* with: the rights that somebody of the user's session asks, after the service has admitted the user to read: its list
 * is weir's, which admits nobody by itself. */
static void
run_granted(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        struct audit_request request = { .task = AUDIT_MAKE, .kind = AUDIT_SECTION };
        struct audit_reply made, reply;
        uint32_t code;
        char name[AUDIT_NAME_MAX];

        audit_name(name);
        snprintf(request.name, sizeof request.name, "Global\\%s", name);
        if (!audit_open_list(audit, "D:P(A;;RC;;;OW)", &request, seen) ||
            !audit_ask(audit, AUDIT_SERVICE, &request, &made, seen))
                return;
        request = (struct audit_request){ .task = AUDIT_ADMIT, .handle = made.value, .rights = SECTION_MAP_READ };
        wr_sid_text(&audit->user, request.name);
        if (made.code != ERROR_SUCCESS || !audit_ask(audit, AUDIT_SERVICE, &request, &reply, seen) ||
            reply.code != ERROR_SUCCESS) {
                audit_saw_that(seen, made.code != ERROR_SUCCESS ? made.code : reply.code, "nobody could be admitted");
        } else {
                reply.text[sizeof reply.text - 1] = '\0';
                code = audit_open_by(audit, AUDIT_SELF, AUDIT_SECTION, reply.text, *(const uint32_t *)check->with,
                                     seen);
                audit_saw(seen, code);
        }
        audit_peer_close(audit, AUDIT_SERVICE, made.value);
}

static void
run_opens_client(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        struct audit_request request = { .task = AUDIT_PROCESS,
                                         .rights = PROCESS_DUP_HANDLE | SYNCHRONIZE,
                                         .id = GetCurrentProcessId() };
        struct audit_reply reply;

        (void)check;
        if (!audit_ask(audit, AUDIT_SERVICE, &request, &reply, seen))
                return;
        audit_saw(seen, reply.code);
        audit_peer_close(audit, AUDIT_SERVICE, reply.value);
}

static void
run_knows_client(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        struct audit_request request = { .task = AUDIT_CLIENT };
        char user[WR_SID_TEXT_MAX];
        struct audit_reply reply;

        (void)check;
        if (!audit_ask(audit, AUDIT_SERVICE, &request, &reply, seen))
                return;
        reply.text[sizeof reply.text - 1] = '\0';
        wr_sid_text(&audit->user, user);
        if (reply.code != ERROR_SUCCESS || strcmp(reply.text, user) != 0)
                audit_saw_that(seen, reply.code, "takes it for '%s'", reply.text);
        else
                audit_saw_that(seen, reply.code, "%s",
                               reply.value == SecurityIdentification ? "knows it" : "knows it, and acts in its name");
}

/* In the directory of a container of the user's session. */
static void
run_into_container(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        struct audit_request request = { .task = AUDIT_MAKE, .kind = AUDIT_EVENT };
        char name[AUDIT_NAME_MAX], package[WR_SID_TEXT_MAX];
        struct audit_reply reply;

        (void)check;
        if (!audit->options.service) {
                audit_launch_explain(audit, AUDIT_SERVICE, seen);
                return;
        }
        if (audit_peer_process(audit, AUDIT_CONTAINER, seen) == NULL)
                return;
        audit_name(name);
        wr_sid_text(&audit->package, package);
        snprintf(request.name, sizeof request.name, "Session\\%lu\\AppContainerNamedObjects\\%s\\%s", audit->session,
                 package, name);
        if (!audit_ask(audit, AUDIT_SERVICE, &request, &reply, seen))
                return;
        audit_saw(seen, reply.code);
        audit_peer_close(audit, AUDIT_SERVICE, reply.value);
}

#define SHARED(...)                \
        &(const struct shared_row) \
        {                          \
                __VA_ARGS__        \
        }
#define TO_READ "D:P(A;;LC;;;{user})"

static const struct audit_check checks[] = {
        { "a service runs in session 0", "ProcessIdToSessionId", EXACTLY(0, "session 0"),
          EXACTLY(0, "the session of users"), run_session, NULL },
        { "a service's global section is read in the user's session", "OpenFileMapping(4, Global\\x)", GRANTED,
          AS_WINDOWS, run_shared, SHARED(AUDIT_SELF, "Global\\", "Global\\", TO_READ, SECTION_MAP_READ) },
        { "a service's global section is not written in the user's session", "OpenFileMapping(2, Global\\x)", REFUSED,
          AS_WINDOWS, run_shared, SHARED(AUDIT_SELF, "Global\\", "Global\\", TO_READ, SECTION_MAP_WRITE) },
        { "a service's plain names are global", "OpenFileMapping(4, Global\\x) of what it called x", GRANTED,
          EXACTLY(ERROR_FILE_NOT_FOUND, "refused"), run_shared,
          SHARED(AUDIT_SELF, "", "Global\\", TO_READ, SECTION_MAP_READ) },
        { "a service's plain names are not those of the user's session", "OpenFileMapping(4, x)",
          EXACTLY(ERROR_FILE_NOT_FOUND, "refused"), GRANTED, run_shared,
          SHARED(AUDIT_SELF, "", "", TO_READ, SECTION_MAP_READ) },
        { "who is admitted by a service, by weir's hand, reads",
          "SetKernelObjectSecurity by the service, OpenFileMapping(4)", GRANTED, AS_WINDOWS, run_granted,
          &(const uint32_t){ SECTION_MAP_READ } },
        { "who is admitted by a service to read does not write",
          "SetKernelObjectSecurity by the service, OpenFileMapping(2)", REFUSED, AS_WINDOWS, run_granted,
          &(const uint32_t){ SECTION_MAP_WRITE } },
        { "LocalService does not open a user's process: it hands over by name",
          "OpenProcess(PROCESS_DUP_HANDLE, SYNCHRONIZE) by the service", REFUSED, GRANTED, run_opens_client, NULL },
        { "a service knows its client, and cannot act in its name", "ImpersonateNamedPipeClient, OpenThreadToken",
          EXACTLY(0, "knows it"), EXACTLY(0, "knows it, and acts in its name"), run_knows_client, NULL },
        { "a container opens a service's global section", "OpenFileMapping(4, Global\\x) by the container", EITHER,
          NOT_TO_TRY, run_shared,
          SHARED(AUDIT_CONTAINER, "Global\\", "Global\\", "D:P(A;;LC;;;{user})(A;;LC;;;{package})", SECTION_MAP_READ) },
        { "LocalService makes objects in a container's directory",
          "CreateEvent(Session\\n\\AppContainerNamedObjects\\...)", EITHER, NOT_TO_TRY, run_into_container, NULL },
};

const struct audit_theme audit_session_zero = { "session-zero", checks, sizeof checks / sizeof *checks };
