#include "clients/winaudit/peer.h"

#include "clients/winaudit/folder.h"
#include "clients/winaudit/launch.h"
#include "clients/winaudit/service.h"
#include "named-objects/rights/sddl.h"

#include <stdio.h>
#include <stdlib.h>

enum { PATIENCE_MS = 15000, COMMAND_MAX = 128 };

struct audit_peer {
        HANDLE channel, event, process, job;
};

const char *
audit_who_text(enum audit_who who)
{
        static const char *const texts[AUDIT_WHOS] = {
                [AUDIT_SELF] = "this process",
                [AUDIT_STRIPPED] = "a stripped token",
                [AUDIT_LOW] = "low integrity",
                [AUDIT_RESTRICTED] = "a restricted token",
                [AUDIT_WRITE_RESTRICTED] = "a write-restricted token",
                [AUDIT_CONTAINER] = "the container",
                [AUDIT_LPAC] = "the LPAC",
                [AUDIT_SERVICE] = "the service",
        };

        return texts[who];
}

static void
peer_free(struct audit_peer *peer)
{
        HANDLE *handles[] = { &peer->channel, &peer->event, &peer->job };

        if (peer->process != NULL) {
                TerminateProcess(peer->process, 0);
                WaitForSingleObject(peer->process, PATIENCE_MS);
                CloseHandle(peer->process);
        }
        for (size_t i = 0; i < sizeof handles / sizeof *handles; i++)
                if (*handles[i] != NULL && *handles[i] != INVALID_HANDLE_VALUE)
                        CloseHandle(*handles[i]);
        free(peer);
}

/* Our end of a pipe that nobody else can open, and the other end, to be inherited. */
static bool
open_channel(const struct audit *audit, struct audit_peer *peer, HANDLE *inherited)
{
        char name[AUDIT_NAME_MAX], path[AUDIT_NAME_MAX + 16], user[WR_SID_TEXT_MAX], list[WR_SID_TEXT_MAX + 32];
        _Alignas(8) uint8_t bytes[256];
        SECURITY_ATTRIBUTES guarded = { sizeof guarded, bytes, FALSE }, passed = { sizeof passed, NULL, TRUE };
        struct wr_sddl_error error;

        audit_name(name);
        wr_sid_text(&audit->user, user);
        snprintf(path, sizeof path, "\\\\.\\pipe\\%s", name);
        if (wr_sddl_parse(list, (size_t)snprintf(list, sizeof list, "D:P(A;;FA;;;%s)", user), NULL, bytes, sizeof bytes,
                          &error) == 0)
                return false;
        peer->channel =
                CreateNamedPipeA(path, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
                                 PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_REJECT_REMOTE_CLIENTS, 1, 4096, 4096,
                                 0, &guarded);
        if (peer->channel == INVALID_HANDLE_VALUE)
                return false;
        *inherited = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, &passed, OPEN_EXISTING, 0, NULL);
        return *inherited != INVALID_HANDLE_VALUE;
}

/* Dies with us, whatever becomes of us. */
static bool
hold(struct audit_peer *peer)
{
        JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = { 0 };

        limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
        peer->job = CreateJobObjectW(NULL, NULL);
        return peer->job != NULL &&
               SetInformationJobObject(peer->job, JobObjectExtendedLimitInformation, &limits, sizeof limits) &&
               AssignProcessToJobObject(peer->job, peer->process);
}

static bool
start(struct audit *audit, enum audit_who who, struct audit_peer *peer)
{
        const wchar_t *program = audit_folder_program();
        HANDLE inherited = INVALID_HANDLE_VALUE;
        PROCESS_INFORMATION made = { 0 };
        wchar_t command[COMMAND_MAX];
        DWORD error;
        bool done;

        peer->event = CreateEventW(NULL, TRUE, FALSE, NULL);
        done = program != NULL && peer->event != NULL && open_channel(audit, peer, &inherited);
        swprintf(command, COMMAND_MAX, L"weir-winaudit.exe --child %llu", (unsigned long long)(uintptr_t)inherited);
        done = done && audit_launch(audit, who, program, command, inherited, &made);
        peer->process = made.hProcess;
        done = done && hold(peer) && ResumeThread(made.hThread) != (DWORD)-1;
        error = GetLastError();
        if (made.hThread != NULL)
                CloseHandle(made.hThread);
        if (inherited != INVALID_HANDLE_VALUE)
                CloseHandle(inherited);
        SetLastError(error);
        return done;
}

bool
audit_peer_adopt(struct audit *audit, enum audit_who who, HANDLE channel)
{
        struct audit_peer *peer = calloc(1, sizeof *peer);

        if (peer != NULL)
                peer->event = CreateEventW(NULL, TRUE, FALSE, NULL);
        if (peer == NULL || peer->event == NULL) {
                free(peer);
                CloseHandle(channel);
                return false;
        }
        peer->channel = channel;
        audit->peers[who] = peer;
        return true;
}

static struct audit_peer *
peer_of(struct audit *audit, enum audit_who who, struct audit_seen *seen)
{
        struct audit_peer *peer = audit->peers[who];

        if (peer != NULL)
                return peer;
        if (audit->peer_errors[who] == ERROR_SUCCESS && who == AUDIT_SERVICE)
                audit->peer_errors[who] = audit_service_start(audit);
        else if (audit->peer_errors[who] == ERROR_SUCCESS && (peer = calloc(1, sizeof *peer)) != NULL) {
                if (start(audit, who, peer)) {
                        audit->peers[who] = peer;
                } else {
                        audit->peer_errors[who] = GetLastError();
                        peer_free(peer);
                }
        }
        if (audit->peers[who] == NULL && !audit_launch_explain(audit, who, seen))
                audit_cannot(seen, "%s could not be started: error %lu", audit_who_text(who), audit->peer_errors[who]);
        return audit->peers[who];
}

static bool
transfer(struct audit_peer *peer, bool is_write, void *bytes, DWORD size)
{
        OVERLAPPED under_way = { .hEvent = peer->event };
        DWORD done = 0;
        BOOL began = is_write ? WriteFile(peer->channel, bytes, size, NULL, &under_way)
                              : ReadFile(peer->channel, bytes, size, NULL, &under_way);

        if (!began && GetLastError() != ERROR_IO_PENDING)
                return false;
        if (WaitForSingleObject(peer->event, PATIENCE_MS) != WAIT_OBJECT_0)
                CancelIoEx(peer->channel, &under_way);
        return GetOverlappedResult(peer->channel, &under_way, &done, TRUE) && done == size;
}

bool
audit_ask(struct audit *audit, enum audit_who who, const struct audit_request *request, struct audit_reply *reply,
          struct audit_seen *seen)
{
        struct audit_request sent = *request;
        struct audit_peer *peer;

        *reply = (struct audit_reply){ .code = ERROR_SUCCESS };
        if (who == AUDIT_SELF) {
                audit_task_do(request, NULL, reply);
                return true;
        }
        peer = peer_of(audit, who, seen);
        if (peer == NULL)
                return false;
        if (transfer(peer, true, &sent, sizeof sent) && transfer(peer, false, reply, sizeof *reply))
                return true;
        audit_saw_that(seen, GetLastError(), "%s does not answer", audit_who_text(who));
        return false;
}

HANDLE
audit_peer_process(struct audit *audit, enum audit_who who, struct audit_seen *seen)
{
        struct audit_peer *peer = who != AUDIT_SELF ? peer_of(audit, who, seen) : NULL;

        if (who == AUDIT_SELF)
                return GetCurrentProcess();
        return peer != NULL ? peer->process : NULL;
}

void
audit_peer_close(struct audit *audit, enum audit_who who, uint64_t value)
{
        struct audit_request request = { .task = AUDIT_CLOSE, .handle = value };
        struct audit_reply reply;
        struct audit_seen ignored;

        if (value != 0)
                audit_ask(audit, who, &request, &reply, &ignored);
}

void
audit_peers_end(struct audit *audit)
{
        for (int who = 0; who < AUDIT_WHOS; who++) {
                struct audit_peer *peer = audit->peers[who];

                audit->peers[who] = NULL;
                if (peer != NULL)
                        peer_free(peer);
        }
}
