#include <winsock2.h>

#include "clients/winaudit/task.h"

#include "clients/winaudit/token.h"
#include "named-objects/grant_win32.h"

#include <hvsocket.h>
#include <string.h>

enum { SECTION_BYTES = 65536, FAMILY_HYPERV = 34, CONNECT_SECONDS = 3 };

static HANDLE
open_named(const struct audit_request *request)
{
        switch (request->kind) {
        case AUDIT_EVENT: return OpenEventA(request->rights, FALSE, request->name);
        case AUDIT_SECTION: return OpenFileMappingA(request->rights, FALSE, request->name);
        case AUDIT_PIPE: break;
        }
        return CreateFileA(request->name, request->rights, 0, NULL, OPEN_EXISTING, request->flags, NULL);
}

static HANDLE
make_named(const struct audit_request *request)
{
        SECURITY_ATTRIBUTES attributes = { sizeof attributes, (void *)(uintptr_t)request->list, FALSE };
        SECURITY_ATTRIBUTES *given = request->list_bytes != 0 ? &attributes : NULL;
        const char *name = request->name[0] != '\0' ? request->name : NULL;

        switch (request->kind) {
        case AUDIT_EVENT: return CreateEventA(given, TRUE, FALSE, name);
        case AUDIT_SECTION:
                return CreateFileMappingA(INVALID_HANDLE_VALUE, given, PAGE_READWRITE, 0, SECTION_BYTES, name);
        case AUDIT_PIPE: break;
        }
        return CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX | request->flags,
                                PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_REJECT_REMOTE_CLIENTS,
                                PIPE_UNLIMITED_INSTANCES, 4096, 4096, 0, given);
}

/* What was made newly leaves no error behind; ERROR_ALREADY_EXISTS tells what was opened instead. */
static void
answer_handle(struct audit_reply *reply, HANDLE handle)
{
        DWORD error = GetLastError();
        bool is_none = handle == NULL || handle == INVALID_HANDLE_VALUE;

        reply->code = is_none || error == ERROR_ALREADY_EXISTS ? error : ERROR_SUCCESS;
        reply->value = is_none ? 0 : (uint64_t)(uintptr_t)handle;
}

static void
answer_bool(struct audit_reply *reply, BOOL done)
{
        reply->code = done ? ERROR_SUCCESS : GetLastError();
}

static void
map(const struct audit_request *request, HANDLE section, struct audit_reply *reply)
{
        void *view = MapViewOfFile(section, request->rights, 0, 0, 1);
        DWORD old;

        answer_bool(reply, view != NULL);
        if (view != NULL && request->task == AUDIT_PROTECT)
                answer_bool(reply, VirtualProtect(view, 1, PAGE_READWRITE, &old));
        if (view != NULL)
                UnmapViewOfFile(view);
}

/* Loopback of a container may be dropped without a word, so there is a limit. */
static void
try_connect(const struct audit_request *request, struct audit_reply *reply)
{
        struct sockaddr_in where = { .sin_family = AF_INET, .sin_port = htons((u_short)request->id) };
        struct timeval limit = { .tv_sec = CONNECT_SECONDS };
        SOCKET connection = socket(AF_INET, SOCK_STREAM, 0);
        fd_set written, failed;
        u_long nonblocking = 1;
        int error, size = sizeof error, ready;

        where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (connection == INVALID_SOCKET) {
                reply->code = (uint32_t)WSAGetLastError();
                return;
        }
        ioctlsocket(connection, (long)FIONBIO, &nonblocking);
        FD_ZERO(&written);
        FD_ZERO(&failed);
        FD_SET(connection, &written);
        FD_SET(connection, &failed);
        if (connect(connection, (struct sockaddr *)&where, sizeof where) == 0) {
                reply->code = ERROR_SUCCESS;
        } else if (WSAGetLastError() != WSAEWOULDBLOCK) {
                reply->code = (uint32_t)WSAGetLastError();
        } else {
                ready = select(0, NULL, &written, &failed, &limit);
                error = WSAETIMEDOUT;
                if (ready > 0)
                        getsockopt(connection, SOL_SOCKET, SO_ERROR, (char *)&error, &size);
                reply->code = (uint32_t)error;
        }
        closesocket(connection);
}

static void
try_hyperv(struct audit_reply *reply)
{
        SOCKADDR_HV where = { .Family = FAMILY_HYPERV };
        SOCKET listener = socket(FAMILY_HYPERV, SOCK_STREAM, HV_PROTOCOL_RAW);

        /* Any service id of a Linux port will do: that of port 0x77656972. */
        where.ServiceId = (GUID){ 0x77656972, 0xfacb, 0x11e6, { 0xbd, 0x58, 0x64, 0x00, 0x6a, 0x79, 0x86, 0xd3 } };
        if (listener == INVALID_SOCKET || bind(listener, (struct sockaddr *)&where, sizeof where) != 0 ||
            listen(listener, 1) != 0)
                reply->code = (uint32_t)WSAGetLastError();
        if (listener != INVALID_SOCKET)
                closesocket(listener);
}

static void
use_network(const struct audit_request *request, struct audit_reply *reply)
{
        WSADATA data;

        reply->code = (uint32_t)WSAStartup(MAKEWORD(2, 2), &data);
        if (reply->code != 0)
                return;
        if (request->task == AUDIT_LOOPBACK)
                try_connect(request, reply);
        else
                try_hyperv(reply);
        WSACleanup();
}

/* By weir's own hand: an entry in the object's list for each of the SIDs, then its name. */
static void
admit(const struct audit_request *request, HANDLE object, struct audit_reply *reply)
{
        const char *blank = strchr(request->name, ' ');
        size_t first = blank != NULL ? (size_t)(blank - request->name) : strlen(request->name);
        struct wr_sid sids[2] = { { .count = 0 }, { .count = 0 } };
        enum weir_result result;

        reply->code = ERROR_INVALID_SID;
        if (!wr_sid_parse(&sids[0], request->name, first) ||
            (blank != NULL && !wr_sid_parse(&sids[1], blank + 1, strlen(blank + 1))))
                return;
        result = wr_grant_admit(object, sids, blank != NULL ? 2 : 1, request->rights);
        if (result == WEIR_OK)
                result = wr_grant_name_of(object, reply->text, sizeof reply->text);
        reply->code = result == WEIR_OK ? ERROR_SUCCESS : GetLastError();
}

/* The service's: it learns who is there as the broker does, from what the client's token says. */
static void
tell_client(HANDLE channel, struct audit_reply *reply)
{
        struct wr_identity_token token;
        SECURITY_IMPERSONATION_LEVEL level = SecurityAnonymous;
        DWORD size;
        HANDLE handle = NULL;

        answer_bool(reply, ImpersonateNamedPipeClient(channel));
        if (reply->code != ERROR_SUCCESS)
                return;
        answer_bool(reply, OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &handle));
        if (!RevertToSelf())
                ExitProcess(1);
        if (reply->code != ERROR_SUCCESS)
                return;
        if (audit_token_read(handle, &token))
                wr_sid_text(&token.user, reply->text);
        if (GetTokenInformation(handle, TokenImpersonationLevel, &level, sizeof level, &size))
                reply->value = level;
        CloseHandle(handle);
}

void
audit_task_do(const struct audit_request *request, HANDLE channel, struct audit_reply *reply)
{
        HANDLE handle = (HANDLE)(uintptr_t)request->handle, self = GetCurrentProcess(), made = NULL;
        DWORD session = 0, written;

        *reply = (struct audit_reply){ .code = ERROR_SUCCESS };
        SetLastError(ERROR_SUCCESS);
        switch (request->task) {
        case AUDIT_OPEN: answer_handle(reply, open_named(request)); break;
        case AUDIT_MAKE: answer_handle(reply, make_named(request)); break;
        case AUDIT_CLOSE: answer_bool(reply, CloseHandle(handle)); break;
        case AUDIT_DUPLICATE:
                if (!DuplicateHandle(self, handle, self, &made, request->rights, FALSE, 0))
                        made = NULL;
                answer_handle(reply, made);
                break;
        case AUDIT_MAP:
        case AUDIT_PROTECT: map(request, handle, reply); break;
        case AUDIT_SIGNAL: answer_bool(reply, SetEvent(handle)); break;
        case AUDIT_SAY: answer_bool(reply, WriteFile(handle, "w", 1, &written, NULL)); break;
        case AUDIT_PROCESS: answer_handle(reply, OpenProcess(request->rights, FALSE, request->id)); break;
        case AUDIT_LOOPBACK:
        case AUDIT_HYPERV: use_network(request, reply); break;
        case AUDIT_SESSION:
                answer_bool(reply, ProcessIdToSessionId(GetCurrentProcessId(), &session));
                reply->value = session;
                break;
        case AUDIT_ADMIT: admit(request, handle, reply); break;
        case AUDIT_CLIENT: tell_client(channel, reply); break;
        case AUDIT_LEAVE: break;
        }
}

void
audit_task_serve(HANDLE channel)
{
        struct audit_request request;
        struct audit_reply reply;
        DWORD size;

        do {
                if (!ReadFile(channel, &request, sizeof request, &size, NULL) || size != sizeof request)
                        return;
                request.name[AUDIT_TASK_NAME_MAX - 1] = '\0';
                audit_task_do(&request, channel, &reply);
                if (!WriteFile(channel, &reply, sizeof reply, &size, NULL))
                        return;
        } while (request.task != AUDIT_LEAVE);
}
