/*
 * Named pipes: first instance, lists, remote clients, and in whose name a server acts. Wine enforces none of it: it has
 * the calls, and says yes.
 */
#include "clients/winaudit/launch.h"
#include "clients/winaudit/open.h"
#include "clients/winaudit/peer.h"
#include "clients/winaudit/token.h"

#include <aclapi.h>
#include <stdio.h>

static bool
pipe_pair(struct audit *audit, char path[AUDIT_TASK_NAME_MAX], DWORD flags, HANDLE *server, HANDLE *client,
          struct audit_seen *seen)
{
        char name[AUDIT_NAME_MAX];

        audit_name(name);
        snprintf(path, AUDIT_TASK_NAME_MAX, "\\\\.\\pipe\\%s", name);
        *client = INVALID_HANDLE_VALUE;
        *server = audit_open_make(audit, AUDIT_PIPE, path, "D:P(A;;FA;;;{user})", seen);
        if (*server == NULL)
                return false;
        *client = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, flags, NULL);
        if (*client != INVALID_HANDLE_VALUE)
                return true;
        audit_saw_that(seen, GetLastError(), "the pipe could not be opened");
        CloseHandle(*server);
        return false;
}

struct again_row {
        const char *list;
        DWORD flags;
        enum audit_who who;
};

/* A second one of the same name, while there is the first. */
static void
run_again(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        const struct again_row *row = check->with;
        struct audit_request request = { .task = AUDIT_MAKE, .kind = AUDIT_PIPE, .flags = row->flags };
        char name[AUDIT_NAME_MAX];
        struct audit_reply reply;
        HANDLE first;

        audit_name(name);
        snprintf(request.name, sizeof request.name, "\\\\.\\pipe\\%s", name);
        first = audit_open_make(audit, AUDIT_PIPE, request.name, row->list, seen);
        if (first == NULL)
                return;
        if (audit_ask(audit, row->who, &request, &reply, seen)) {
                audit_saw(seen, reply.code);
                audit_peer_close(audit, row->who, reply.value);
        }
        CloseHandle(first);
}

/* An old client keeps its end open: the name is still taken for who wants to be first. */
static void
run_held(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        struct audit_request request = { .task = AUDIT_MAKE,
                                         .kind = AUDIT_PIPE,
                                         .flags = FILE_FLAG_FIRST_PIPE_INSTANCE };
        struct audit_reply reply;
        HANDLE server, client;

        (void)check;
        if (!pipe_pair(audit, request.name, 0, &server, &client, seen))
                return;
        CloseHandle(server);
        audit_task_do(&request, NULL, &reply);
        audit_saw(seen, reply.code);
        if (reply.value != 0)
                CloseHandle((HANDLE)(uintptr_t)reply.value);
        CloseHandle(client);
}

static void
run_remote(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        char name[AUDIT_NAME_MAX], path[AUDIT_TASK_NAME_MAX], remote[AUDIT_TASK_NAME_MAX];
        HANDLE server;

        (void)check;
        audit_name(name);
        snprintf(path, sizeof path, "\\\\.\\pipe\\%s", name);
        snprintf(remote, sizeof remote, "\\\\127.0.0.1\\pipe\\%s", name);
        server = audit_open_make(audit, AUDIT_PIPE, path, "D:P(A;;FA;;;{user})", seen);
        if (server == NULL)
                return;
        audit_saw(seen, audit_open_by(audit, AUDIT_SELF, AUDIT_PIPE, remote, GENERIC_READ | GENERIC_WRITE, seen));
        CloseHandle(server);
}

static void
run_unread(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        char path[AUDIT_TASK_NAME_MAX];
        HANDLE server, client;

        (void)check;
        if (!pipe_pair(audit, path, SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, &server, &client, seen))
                return;
        if (!ImpersonateNamedPipeClient(server)) {
                audit_saw(seen, GetLastError());
        } else {
                audit_saw_that(seen, ERROR_SUCCESS, "impersonates");
                if (!RevertToSelf())
                        ExitProcess(1);
        }
        CloseHandle(client);
        CloseHandle(server);
}

/* What the server may do in the client's name: know it, or act as it. */
static void
look_at_client(const struct audit *audit, HANDLE server, struct audit_seen *seen)
{
        struct wr_identity_token token;
        HANDLE handle = NULL, file;
        DWORD code = ERROR_SUCCESS, acted = ERROR_SUCCESS;
        wchar_t own[MAX_PATH];

        GetModuleFileNameW(NULL, own, MAX_PATH);
        if (!ImpersonateNamedPipeClient(server)) {
                audit_saw_that(seen, GetLastError(), "does not impersonate");
                return;
        }
        if (!OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &handle))
                code = GetLastError();
        file = CreateFileW(own, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
        if (file == INVALID_HANDLE_VALUE)
                acted = GetLastError();
        else
                CloseHandle(file);
        if (!RevertToSelf())
                ExitProcess(1);
        if (code != ERROR_SUCCESS)
                audit_saw_that(seen, code, "does not learn who it is");
        else if (!audit_token_read(handle, &token) || !wr_sid_equal(&token.user, &audit->user))
                audit_saw_that(seen, GetLastError(), "takes it for somebody else");
        else
                audit_saw_that(seen, acted, acted == ERROR_SUCCESS ? "knows it, and acts in its name" : "knows it");
        if (handle != NULL)
                CloseHandle(handle);
}

/* with: the flags with which the client opened. */
static void
run_level(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        char path[AUDIT_TASK_NAME_MAX], byte;
        HANDLE server, client;
        DWORD size;

        if (!pipe_pair(audit, path, *(const DWORD *)check->with, &server, &client, seen))
                return;
        if (!WriteFile(client, "w", 1, &size, NULL) || !ReadFile(server, &byte, 1, &size, NULL))
                audit_saw_that(seen, GetLastError(), "nothing passes");
        else
                look_at_client(audit, server, seen);
        CloseHandle(client);
        CloseHandle(server);
}

/* with: who connects. The process that the system names, and the session. */
static void
run_client_process(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        enum audit_who who = *(const enum audit_who *)check->with;
        struct audit_request request = { .task = AUDIT_OPEN,
                                         .kind = AUDIT_PIPE,
                                         .rights = GENERIC_READ | GENERIC_WRITE };
        HANDLE process = audit_peer_process(audit, who, seen), server;
        char name[AUDIT_NAME_MAX];
        struct audit_reply reply;
        ULONG id = 0, session = 0;

        if (process == NULL)
                return;
        audit_name(name);
        snprintf(request.name, sizeof request.name, "\\\\.\\pipe\\%s", name);
        server = audit_open_make(audit, AUDIT_PIPE, request.name, "D:P(A;;FA;;;{user})(A;;0x12019b;;;{package})", seen);
        if (server == NULL)
                return;
        if (audit_ask(audit, who, &request, &reply, seen)) {
                if (reply.code != ERROR_SUCCESS || !GetNamedPipeClientProcessId(server, &id) ||
                    !GetNamedPipeClientSessionId(server, &session))
                        audit_saw_that(seen, reply.code != ERROR_SUCCESS ? reply.code : GetLastError(), "not told");
                else
                        audit_saw_that(seen, ERROR_SUCCESS, "%s",
                                       id == GetProcessId(process) && session == audit->session
                                               ? "its process, its session"
                                               : "another process or session");
                audit_peer_close(audit, who, reply.value);
        }
        CloseHandle(server);
}

/* What a client asks before it believes a server. */
static void
run_server(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        char path[AUDIT_TASK_NAME_MAX];
        PSECURITY_DESCRIPTOR descriptor = NULL;
        HANDLE server, client;
        struct wr_sid owner = { .count = 0 };
        PSID bytes = NULL;
        ULONG id = 0;
        DWORD error;

        (void)check;
        if (!pipe_pair(audit, path, 0, &server, &client, seen))
                return;
        error = GetSecurityInfo(client, SE_KERNEL_OBJECT, OWNER_SECURITY_INFORMATION, &bytes, NULL, NULL, NULL,
                                &descriptor);
        audit_token_sid(&owner, bytes);
        if (error == ERROR_SUCCESS && !GetNamedPipeServerProcessId(client, &id))
                error = GetLastError();
        if (error == ERROR_SUCCESS && id == GetCurrentProcessId() && owner.count != 0)
                audit_saw_that(seen, error, "its process and its owner");
        else
                audit_saw_that(seen, error, "process %lu, %s owner", id, owner.count != 0 ? "an" : "no");
        LocalFree(descriptor);
        CloseHandle(client);
        CloseHandle(server);
}

static void CALLBACK
write_ended(DWORD error, DWORD bytes, OVERLAPPED *overlapped)
{
        (void)error, (void)bytes, (void)overlapped;
}

static DWORD WINAPI
write_here(void *client)
{
        static BYTE bytes[64 << 10];
        static OVERLAPPED writing; /* without an event: it ends at the port */

        return WriteFile(client, bytes, sizeof bytes, NULL, &writing) ? ERROR_SUCCESS : GetLastError();
}

/* A write that is more than the pipe takes, by a thread that ends: named-objects/stream_pipe_win32.c relies on it. */
static void
run_thread_ended(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        static BYTE bytes[64 << 10];
        DWORD got = 0, all = 0, begun = ERROR_SUCCESS;
        char path[AUDIT_TASK_NAME_MAX];
        HANDLE server, client, thread;

        (void)check;
        if (!pipe_pair(audit, path, FILE_FLAG_OVERLAPPED, &server, &client, seen))
                return;
        if (BindIoCompletionCallback(client, write_ended, 0) &&
            (thread = CreateThread(NULL, 0, write_here, client, 0, NULL)) != NULL) {
                WaitForSingleObject(thread, INFINITE);
                GetExitCodeThread(thread, &begun);
                CloseHandle(thread);
        } else {
                begun = GetLastError();
        }
        while (begun == ERROR_IO_PENDING && all < sizeof bytes && PeekNamedPipe(server, NULL, 0, NULL, &got, NULL) &&
               got != 0 && ReadFile(server, bytes, sizeof bytes, &got, NULL))
                all += got;
        if (begun != ERROR_IO_PENDING)
                audit_saw_that(seen, begun, "it did not stay under way");
        else
                audit_saw_that(seen, ERROR_SUCCESS, all == sizeof bytes ? "all is read" : "it was cancelled");
        CloseHandle(client);
        CloseHandle(server);
}

#define BY(w, l, r)                                                        \
        &(const struct audit_open)                                         \
        {                                                                  \
                .who = (w), .kind = AUDIT_PIPE, .list = (l), .rights = (r) \
        }
#define BOTH_WAYS (GENERIC_READ | GENERIC_WRITE)
#define CLIENTS   "D:P(A;;0x12019b;;;{user})"
#define STREAM    "O:{user}D:P(A;;RC;;;OW)(A;;0x12019b;;;{user})"
#define ANYBODYS  "S:(ML;;NW;;;LW)" /* integrity */

static const struct audit_check checks[] = {
        { "the first instance has its name for itself", "CreateNamedPipe(FIRST_PIPE_INSTANCE), twice", REFUSED, GRANTED,
          run_again, &(const struct again_row){ "D:P(A;;FA;;;{user})", FILE_FLAG_FIRST_PIPE_INSTANCE, AUDIT_SELF } },
        { "the first instance has its name for itself against another process",
          "CreateNamedPipe(FIRST_PIPE_INSTANCE) by a stripped token", REFUSED, GRANTED, run_again,
          &(const struct again_row){ "D:P(A;;FA;;;{user})", FILE_FLAG_FIRST_PIPE_INSTANCE, AUDIT_STRIPPED } },
        { "a client's end that is kept open still holds the name", "CreateNamedPipe(FIRST_PIPE_INSTANCE)", REFUSED,
          GRANTED, run_held, NULL },
        { "who has a client's rights adds no instance", "CreateNamedPipe on " CLIENTS, REFUSED, GRANTED, run_again,
          &(const struct again_row){ CLIENTS, 0, AUDIT_STRIPPED } },
        { "who has all rights adds an instance", "CreateNamedPipe on D:P(A;;FA;;;{user})", GRANTED, AS_WINDOWS,
          run_again, &(const struct again_row){ "D:P(A;;FA;;;{user})", 0, AUDIT_STRIPPED } },
        { "a client's rights open a pipe for both ways", NULL, GRANTED, AS_WINDOWS, audit_run_open,
          BY(AUDIT_STRIPPED, CLIENTS, BOTH_WAYS) },
        { "rights to read alone do not open a pipe for both ways", NULL, REFUSED, GRANTED, audit_run_open,
          BY(AUDIT_STRIPPED, "D:P(A;;0x120089;;;{user})", BOTH_WAYS) },
        { "who is not on the list does not open a pipe", NULL, REFUSED, GRANTED, audit_run_open,
          BY(AUDIT_STRIPPED, "D:P(A;;FA;;;SY)", BOTH_WAYS) },
        { "a stream's end that goes by name is opened by its client", NULL, GRANTED, AS_WINDOWS, audit_run_open,
          BY(AUDIT_STRIPPED, STREAM ANYBODYS, 0x12019b) },
        { "a stream's end that goes by name is opened by a client of low integrity", NULL, GRANTED, AS_WINDOWS,
          audit_run_open, BY(AUDIT_LOW, STREAM ANYBODYS, 0x12019b) },
        { "a stream's end that goes by name is opened by a client in a container", NULL, GRANTED, NOT_TO_TRY,
          audit_run_open, BY(AUDIT_CONTAINER, STREAM "(A;;0x12019b;;;{package})" ANYBODYS, 0x12019b) },
        { "a stream's end that goes by name is opened by nobody before it is handed over", NULL, REFUSED, GRANTED,
          audit_run_open, BY(AUDIT_STRIPPED, "O:{user}D:P(A;;RC;;;OW)" ANYBODYS, 0x12019b) },
        { "what a thread had under way at a completion port is written when it has ended",
          "BindIoCompletionCallback, WriteFile, ExitThread", EXACTLY(0, "all is read"), AS_WINDOWS, run_thread_ended,
          NULL },
        { "a remote client is refused", "CreateFile(\\\\127.0.0.1\\pipe\\...)", WHATEVER("refused"), AS_WINDOWS,
          run_remote, NULL },
        { "a server that has read nothing cannot impersonate", "ImpersonateNamedPipeClient",
          EXACTLY(ERROR_CANNOT_IMPERSONATE, "refused"), EXACTLY(0, "impersonates"), run_unread, NULL },
        { "at identification level a server knows its client and cannot act in its name",
          "ImpersonateNamedPipeClient, CreateFile", EXACTLY(ERROR_BAD_IMPERSONATION_LEVEL, "knows it"),
          EXACTLY(0, "knows it, and acts in its name"), run_level,
          &(const DWORD){ SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION } },
        { "an anonymous client is nobody", "ImpersonateNamedPipeClient, OpenThreadToken",
          EXACTLY(ERROR_CANT_OPEN_ANONYMOUS, "does not learn who it is"), EXACTLY(0, "knows it, and acts in its name"),
          run_level, &(const DWORD){ SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS } },
        { "a client that says nothing of it lends its name", "ImpersonateNamedPipeClient, CreateFile",
          EXACTLY(0, "knows it, and acts in its name"), AS_WINDOWS, run_level, &(const DWORD){ 0 } },
        { "the client's process and session are told", "GetNamedPipeClientProcessId, GetNamedPipeClientSessionId",
          EXACTLY(0, "its process, its session"), AS_WINDOWS, run_client_process,
          &(const enum audit_who){ AUDIT_STRIPPED } },
        { "a container's process and session are told", "GetNamedPipeClientProcessId, GetNamedPipeClientSessionId",
          EXACTLY(0, "its process, its session"), NOT_TO_TRY, run_client_process,
          &(const enum audit_who){ AUDIT_CONTAINER } },
        { "a client learns who serves it", "GetSecurityInfo(owner), GetNamedPipeServerProcessId",
          EXACTLY(0, "its process and its owner"), AS_WINDOWS, run_server, NULL },
};

const struct audit_theme audit_pipes = { "pipes", checks, sizeof checks / sizeof *checks };
