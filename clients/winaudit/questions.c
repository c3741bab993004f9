/*
 * What public sources leave open. Where weir relies on an answer, or its own access check has to give one, that answer
 * is the expectation; where nothing relies on it the line only tells what this system does.
 */
#include <winsock2.h>

#include "clients/winaudit/launch.h"
#include "clients/winaudit/open.h"
#include "clients/winaudit/packaged.h"
#include "clients/winaudit/peer.h"
#include "named-objects/rights/package.h"

#include <stdio.h>
#include <string.h>
#include <winternl.h>

typedef NTSTATUS(NTAPI *lowbox_function)(HANDLE *, HANDLE, ACCESS_MASK, OBJECT_ATTRIBUTES *, PSID, ULONG,
                                         SID_AND_ATTRIBUTES *, ULONG, HANDLE *);
typedef DWORD(WINAPI *exempted_function)(DWORD *, SID_AND_ATTRIBUTES **);

#define IN_CONTAINER(k, l, r, p, m)                                                                         \
        &(const struct audit_open)                                                                          \
        {                                                                                                   \
                .who = AUDIT_CONTAINER, .kind = (k), .list = (l), .rights = (r), .prefix = (p), .made = (m) \
        }

/* CreateEvent in the container, of a name that only its shadow directory has. */
static void
run_make_or_open(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        struct audit_request request = { .task = AUDIT_MAKE, .kind = AUDIT_EVENT };
        struct audit_reply reply;
        HANDLE made;

        (void)check;
        audit_name(request.name);
        made = audit_open_make(audit, AUDIT_EVENT, request.name, "D:P(A;;0x1f0003;;;{user})(A;;0x1f0003;;;{package})",
                               seen);
        if (made == NULL)
                return;
        if (audit_ask(audit, AUDIT_CONTAINER, &request, &reply, seen)) {
                if (reply.code == ERROR_ALREADY_EXISTS)
                        audit_saw_that(seen, reply.code, "opened that of full trust");
                else if (reply.code == ERROR_SUCCESS)
                        audit_saw_that(seen, reply.code, "made another of its own");
                else
                        audit_saw(seen, reply.code);
                audit_peer_close(audit, AUDIT_CONTAINER, reply.value);
        }
        CloseHandle(made);
}

/* A token of a child container, made by the kernel's own call; NULL: `seen` says why. */
static HANDLE
child_token(const struct audit *audit, struct audit_seen *seen)
{
        lowbox_function make = (lowbox_function)(void (*)(void))audit_find("ntdll", "NtCreateLowBoxToken");
        OBJECT_ATTRIBUTES attributes = { .Length = sizeof attributes };
        uint8_t bytes[WR_SID_BYTES_MAX];
        HANDLE own = NULL, token = NULL, worn = NULL;
        struct wr_sid child;
        NTSTATUS status = 0;

        wr_package_child_sid(&child, &audit->package, "007", 3);
        wr_sid_write(&child, bytes);
        if (make == NULL || !OpenProcessToken(GetCurrentProcess(), MAXIMUM_ALLOWED, &own)) {
                audit_cannot(seen, "this system has no NtCreateLowBoxToken for us");
                return NULL;
        }
        status = make(&token, own, MAXIMUM_ALLOWED, &attributes, bytes, 0, NULL, 0, NULL);
        CloseHandle(own);
        if (status >= 0 && token != NULL) /* Wine says yes and gives none */
                DuplicateTokenEx(token, MAXIMUM_ALLOWED, NULL, SecurityImpersonation, TokenImpersonation, &worn);
        if (worn == NULL)
                audit_cannot(seen, "no token of a child container can be made: status 0x%08lx", (unsigned long)status);
        if (token != NULL)
                CloseHandle(token);
        return worn;
}

/* Does the parent's entry match a child? */
static void
run_child_of_parent(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        HANDLE worn = child_token(audit, seen), event, opened;
        char name[AUDIT_NAME_MAX];
        DWORD code;

        (void)check;
        if (worn == NULL)
                return;
        audit_name(name);
        event = audit_open_make(audit, AUDIT_EVENT, name, "D:P(A;;0x2;;;{user})(A;;0x2;;;{package})", seen);
        if (event != NULL && SetThreadToken(NULL, worn)) {
                opened = OpenEventA(EVENT_MODIFY_STATE, FALSE, name);
                code = opened != NULL ? ERROR_SUCCESS : GetLastError();
                if (!RevertToSelf())
                        ExitProcess(1);
                audit_saw(seen, code);
                if (opened != NULL)
                        CloseHandle(opened);
        } else if (event != NULL) {
                audit_cannot(seen, "the token could not be worn: error %lu", GetLastError());
        }
        if (event != NULL)
                CloseHandle(event);
        CloseHandle(worn);
}

/* Does a container's token carry its own SID in the form of a capability? with: NULL, our child; else an app's. */
static void
run_own_capability(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        struct audit_packaged app = { .token = NULL };
        struct wr_sid own;
        HANDLE process;
        bool known;

        if (check->with != NULL) {
                if (!audit_packaged_find(true, &app)) {
                        audit_cannot(seen, "no app of this user runs; open the calculator");
                        return;
                }
                known = true;
        } else {
                process = audit_peer_process(audit, AUDIT_CONTAINER, seen);
                if (process == NULL)
                        return;
                known = audit_packaged_open(GetProcessId(process), &app);
        }
        if (!known || !wr_package_own_capability(&own, &app.holder.container))
                audit_saw_that(seen, GetLastError(), "its token is not told");
        else
                audit_saw_that(seen, ERROR_SUCCESS, "%s",
                               wr_sid_list_has(&app.holder.sids, &own, WR_SID_CAPABILITY) ? "there" : "not there");
        audit_packaged_close(&app);
}

static void
run_sysappid(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        struct audit_packaged app;
        char third[AUDIT_FAMILY_MAX];

        (void)audit;
        (void)check;
        if (!audit_packaged_find(true, &app) && !audit_packaged_find(false, &app)) {
                audit_cannot(seen, "no packaged program of this user runs; open the calculator");
                return;
        }
        if (!audit_token_attribute(app.token, L"WIN://SYSAPPID", 2, third, sizeof third))
                audit_saw_that(seen, ERROR_SUCCESS, "none");
        else
                audit_saw_that(seen, ERROR_SUCCESS, "%s",
                               _stricmp(third, app.family) == 0 ? "the family name" : "something else");
        audit_packaged_close(&app);
}

/* A server of this process on 127.0.0.1; the port, 0: none. */
static u_short
listen_here(SOCKET *listener)
{
        struct sockaddr_in where = { .sin_family = AF_INET };
        int size = sizeof where;

        where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        *listener = socket(AF_INET, SOCK_STREAM, 0);
        if (*listener == INVALID_SOCKET || bind(*listener, (struct sockaddr *)&where, size) != 0 ||
            listen(*listener, 1) != 0 || getsockname(*listener, (struct sockaddr *)&where, &size) != 0)
                return 0;
        return ntohs(where.sin_port);
}

/* with: who connects. */
static void
run_loopback(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        struct audit_request request = { .task = AUDIT_LOOPBACK };
        SOCKET listener = INVALID_SOCKET;
        struct audit_reply reply;
        WSADATA data;

        if (WSAStartup(MAKEWORD(2, 2), &data) != 0) {
                audit_cannot(seen, "no sockets here");
                return;
        }
        request.id = listen_here(&listener);
        if (request.id == 0)
                audit_cannot(seen, "nothing can listen on 127.0.0.1: error %d", WSAGetLastError());
        else if (audit_ask(audit, *(const enum audit_who *)check->with, &request, &reply, seen))
                audit_saw_that(seen, reply.code, "%s", reply.code == ERROR_SUCCESS ? "connected" : "no connection");
        if (listener != INVALID_SOCKET)
                closesocket(listener);
        WSACleanup();
}

static void
run_hyperv(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        struct audit_request request = { .task = AUDIT_HYPERV };
        struct audit_reply reply;

        if (audit_ask(audit, *(const enum audit_who *)check->with, &request, &reply, seen))
                audit_saw(seen, reply.code);
}

/* Is a family that CheckNetIsolation -is lets in among those that are told? */
static void
run_inbound(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        exempted_function exempted =
                (exempted_function)(void (*)(void))audit_find("firewallapi", "NetworkIsolationGetAppContainerConfig");
        SID_AND_ATTRIBUTES *list = NULL;
        struct wr_sid wanted, one;
        bool listed = false;
        DWORD count = 0, error;

        (void)check;
        if (audit->options.inbound == NULL || exempted == NULL ||
            !wr_package_sid(&wanted, audit->options.inbound, strlen(audit->options.inbound))) {
                audit_cannot(seen, "no family name was given (--inbound FAMILY), or this system lacks it");
                return;
        }
        error = exempted(&count, &list);
        for (DWORD i = 0; list != NULL && i < count; i++) {
                listed = listed || (audit_token_sid(&one, list[i].Sid) && wr_sid_equal(&one, &wanted));
                HeapFree(GetProcessHeap(), 0, list[i].Sid);
        }
        if (list != NULL)
                HeapFree(GetProcessHeap(), 0, list);
        audit_saw_that(seen, error, "%s", listed ? "listed" : "not listed");
}

static const struct audit_check checks[] = {
        { "a denial of the user behind its grant counts while the package's half is open", NULL, REFUSED, NOT_TO_TRY,
          audit_run_open,
          IN_CONTAINER(AUDIT_EVENT, "D:P(A;;0x2;;;{user})(D;;0x2;;;WD)(A;;0x2;;;{package})", EVENT_MODIFY_STATE, NULL,
                       NULL) },
        { "a denial of the user behind both halves does not count", NULL, GRANTED, NOT_TO_TRY, audit_run_open,
          IN_CONTAINER(AUDIT_EVENT, "D:P(A;;0x2;;;{user})(A;;0x2;;;{package})(D;;0x2;;;WD)", EVENT_MODIFY_STATE, NULL,
                       NULL) },
        { "an owner's rights are none of the package's half", NULL, REFUSED, NOT_TO_TRY, audit_run_open,
          IN_CONTAINER(AUDIT_EVENT, "O:{user}D:P(A;;0x2;;;{user})(A;;0x2;;;{package})", READ_CONTROL, NULL, NULL) },
        { "an entry of the parent package for a child container", "NtCreateLowBoxToken, OpenEvent(2)", EITHER,
          NOT_TO_TRY, run_child_of_parent, NULL },
        { "a container that we start carries its own SID as a capability", "TokenCapabilities of a child", EITHER,
          NOT_TO_TRY, run_own_capability, NULL },
        { "an app that the system starts carries its own", "TokenCapabilities of an app", EXACTLY(0, "there"),
          NOT_TO_TRY, run_own_capability, "" },
        { "a container reaches a global object that admits it", NULL, EITHER, NOT_TO_TRY, audit_run_open,
          IN_CONTAINER(AUDIT_EVENT, "D:P(A;;0x2;;;{user})(A;;0x2;;;{package})", EVENT_MODIFY_STATE, "Global\\",
                       "Global\\") },
        { "Local\\ falls through to the shadow directory", NULL, EITHER, NOT_TO_TRY, audit_run_open,
          IN_CONTAINER(AUDIT_EVENT, "D:P(A;;0x2;;;{user})(A;;0x2;;;{package})", EVENT_MODIFY_STATE, "Local\\", NULL) },
        { "a container that makes what its shadow directory has", "CreateEvent(x) by the container", EITHER, NOT_TO_TRY,
          run_make_or_open, NULL },
        { "full trust connects to 127.0.0.1", "connect", EXACTLY(0, "connected"), AS_WINDOWS, run_loopback,
          &(const enum audit_who){ AUDIT_STRIPPED } },
        { "a container does not connect to 127.0.0.1", "connect, 3 s", WHATEVER("no connection"), NOT_TO_TRY,
          run_loopback, &(const enum audit_who){ AUDIT_CONTAINER } },
        { "an app that CheckNetIsolation -is lets in is told as exempted", "NetworkIsolationGetAppContainerConfig",
          EITHER, NOT_TO_TRY, run_inbound, NULL },
        { "a Hyper-V socket for who is no administrator", "socket(AF_HYPERV), bind, listen", EITHER, AS_WINDOWS,
          run_hyperv, &(const enum audit_who){ AUDIT_STRIPPED } },
        { "a Hyper-V socket for a container", "socket(AF_HYPERV), bind, listen", WHATEVER("refused"), NOT_TO_TRY,
          run_hyperv, &(const enum audit_who){ AUDIT_CONTAINER } },
        { "the third text of WIN://SYSAPPID", "NtQueryInformationToken", EXACTLY(0, "the family name"), NOT_TO_TRY,
          run_sysappid, NULL },
};

const struct audit_theme audit_questions = { "questions", checks, sizeof checks / sizeof *checks };
