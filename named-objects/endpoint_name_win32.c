/*
 * Anybody may take a name that is free, so a name proves nothing: a pipe is believed for its owner, which the system
 * lets nobody choose freely, and for the user and the integrity of the process at its other end, where we may look. A
 * packaged client may not, and few others may look at a service.
 */
#include "named-objects/endpoint_name_win32.h"

#include "bus/os/error.h"
#include "named-objects/rights/token.h"
#include "named-objects/sentence.h"

#include <inttypes.h>
#include <string.h>
#include <wctype.h>

enum {
        CLIENT_RIGHTS = 0x12019b, /* all but to make an instance of it */
        OWNER_BYTES = 512,
        TOKEN_BYTES = 256
};

static const char prefix[] = "\\\\.\\pipe\\";

static bool
begins_with_prefix(const char *path)
{
        return _strnicmp(path, prefix, sizeof prefix - 1) == 0 && path[sizeof prefix - 1] != '\0';
}

enum weir_result
wr_endpoint_name(const char *path, unsigned generation, wchar_t name[WR_ENDPOINT_NAME_MAX], char *sentence, size_t room)
{
        int length = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, name, WR_ENDPOINT_NAME_MAX - 2);

        if (!begins_with_prefix(path) || length == 0) {
                wr_sentence(sentence, room,
                            "'%.300s' is no address of a broker: write %sNAME, of at most %d characters", path, prefix,
                            WR_ENDPOINT_NAME_MAX - 3);
                return WEIR_E_USAGE;
        }
        name[length - 1] = L'-';
        name[length] = (wchar_t)(L'0' + generation);
        name[length + 1] = L'\0';
        return WEIR_OK;
}

bool
wr_endpoint_name_is_held(const wchar_t *name)
{
        return WaitNamedPipeW(name, NMPWAIT_NOWAIT) || GetLastError() != ERROR_FILE_NOT_FOUND;
}

/* The SID that this part of a token begins with: its user's, or its integrity's. */
static bool
token_sid(HANDLE token, TOKEN_INFORMATION_CLASS part, struct wr_sid *sid)
{
        union {
                SID_AND_ATTRIBUTES first;
                BYTE bytes[TOKEN_BYTES];
        } buffer;
        DWORD size;

        return GetTokenInformation(token, part, &buffer, sizeof buffer, &size) &&
               wr_sid_read(sid, buffer.first.Sid, GetLengthSid(buffer.first.Sid)) > 0;
}

static bool
process_sids(HANDLE process, struct wr_sid *user, struct wr_sid *integrity)
{
        HANDLE token;
        bool found;

        if (!OpenProcessToken(process, TOKEN_QUERY, &token))
                return false;
        found = token_sid(token, TokenUser, user) && token_sid(token, TokenIntegrityLevel, integrity);
        CloseHandle(token);
        return found;
}

bool
wr_endpoint_name_self(struct wr_sid *user)
{
        struct wr_sid integrity;

        return process_sids(GetCurrentProcess(), user, &integrity);
}

bool
wr_endpoint_name_is_low(const struct wr_sid *integrity)
{
        return integrity->authority != 16 || integrity->count != 1 || integrity->words[0] < WR_INTEGRITY_MEDIUM;
}

bool
wr_endpoint_name_trusted(const struct wr_sid *user, const struct wr_sid *self)
{
        static const struct wr_sid system[] = {
                { 5, 1, { SECURITY_LOCAL_SYSTEM_RID } },
                { 5, 1, { SECURITY_LOCAL_SERVICE_RID } },
                { 5, 2, { SECURITY_BUILTIN_DOMAIN_RID, DOMAIN_ALIAS_RID_ADMINS } },
        };

        for (size_t i = 0; i < sizeof system / sizeof system[0]; i++)
                if (wr_sid_equal(user, &system[i]))
                        return true;
        return wr_sid_equal(user, self);
}

static bool
owner_of(HANDLE pipe, struct wr_sid *owner)
{
        union {
                SECURITY_DESCRIPTOR descriptor;
                BYTE bytes[OWNER_BYTES];
        } buffer;
        BOOL defaulted;
        PSID sid = NULL;
        DWORD size;

        return GetKernelObjectSecurity(pipe, OWNER_SECURITY_INFORMATION, &buffer.descriptor, sizeof buffer, &size) &&
               GetSecurityDescriptorOwner(&buffer.descriptor, &sid, &defaulted) && sid != NULL &&
               wr_sid_read(owner, sid, GetLengthSid(sid)) > 0;
}

/* False: there is no such process any more, or it is not for us to look at. */
static bool
server_of(HANDLE pipe, ULONG *pid, struct wr_sid *user, struct wr_sid *integrity)
{
        HANDLE process;
        bool found;

        *pid = 0;
        if (!GetNamedPipeServerProcessId(pipe, pid))
                return false;
        process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, *pid);
        if (process == NULL)
                return false;
        found = process_sids(process, user, integrity);
        CloseHandle(process);
        return found;
}

static enum weir_result
server_check(HANDLE pipe, const char *path, char *sentence, size_t room)
{
        struct wr_sid self = { 0 }, own = { 0 }, owner = { 0 }, server = { 0 }, its = { 0 };
        bool is_low, is_readable = process_sids(GetCurrentProcess(), &self, &own);
        const struct wr_sid *wrong = NULL;
        char text[WR_SID_TEXT_MAX] = "nobody";
        ULONG pid;

        if (!is_readable || !owner_of(pipe, &owner) || !wr_endpoint_name_trusted(&owner, &self))
                wrong = &owner;
        is_readable = server_of(pipe, &pid, &server, &its);
        is_low = is_readable && wr_endpoint_name_is_low(&its) && !wr_endpoint_name_is_low(&own);
        if (is_readable && !wr_endpoint_name_trusted(&server, &self))
                wrong = &server;
        if (wrong == NULL && !is_low)
                return WEIR_OK;
        if (wrong == NULL) {
                wr_sentence(
                        sentence, room,
                        "the pipe '%s' is served by process %lu, which is of low integrity and we are not: that may be "
                        "anybody's. Set WEIR_BROKER to a broker you trust",
                        path, pid);
                return WEIR_E_DENIED;
        }
        if (wrong->count != 0)
                wr_sid_text(wrong, text);
        wr_sentence(sentence, room,
                    "the pipe '%s' is of %s (process %lu), neither ours nor the system's, and anybody could have taken "
                    "that name. Set WEIR_BROKER to a broker you trust",
                    path, text, pid);
        return WEIR_E_DENIED;
}

static enum weir_result
open_failed(DWORD error, const char *path, char *sentence, size_t room)
{
        switch (error) {
        case ERROR_FILE_NOT_FOUND:
        case ERROR_PATH_NOT_FOUND:
                wr_sentence(sentence, room, "no broker listens at '%s'", path);
                return WEIR_E_NO_BROKER;
        case ERROR_PIPE_BUSY:
                wr_sentence(sentence, room, "the broker at '%s' accepts nobody at the moment: it is stopped or busy",
                            path);
                return WEIR_FULL;
        case ERROR_ACCESS_DENIED:
                wr_sentence(sentence, room, "the pipe '%s' is closed to this user or package", path);
                return WEIR_E_DENIED;
        default:
                wr_sentence(sentence, room, "cannot open '%s': error %lu", path, error);
                return wr_os_error((int)error);
        }
}

/* By whoever may serve us, who learns who we are and can do nothing in our name. */
static enum weir_result
open_checked(const wchar_t *name, const char *path, DWORD rights, HANDLE *pipe, char *sentence, size_t room)
{
        DWORD flags = FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION;
        enum weir_result result;

        *pipe = CreateFileW(name, rights, 0, NULL, OPEN_EXISTING, flags, NULL);
        if (*pipe == INVALID_HANDLE_VALUE) {
                *pipe = NULL;
                return open_failed(GetLastError(), path, sentence, room);
        }
        result = server_check(*pipe, path, sentence, room);
        if (result != WEIR_OK) {
                CloseHandle(*pipe);
                *pipe = NULL;
        }
        return result;
}

enum weir_result
wr_endpoint_name_open(const wchar_t *name, const char *path, HANDLE *pipe, char *sentence, size_t room)
{
        DWORD mode = PIPE_READMODE_MESSAGE;
        enum weir_result result = open_checked(name, path, CLIENT_RIGHTS, pipe, sentence, room);

        if (result != WEIR_OK || SetNamedPipeHandleState(*pipe, &mode, NULL, NULL))
                return result;
        wr_sentence(sentence, room, "what listens at '%s' is no weir broker", path);
        CloseHandle(*pipe);
        *pipe = NULL;
        return WEIR_E_DENIED;
}

enum weir_result
wr_endpoint_name_open_stream(const char *name, uint32_t rights, HANDLE *pipe)
{
        wchar_t wide[WR_ENDPOINT_NAME_MAX];
        char path[WR_ENDPOINT_NAME_MAX];

        *pipe = NULL;
        wr_sentence(path, sizeof path, "%s%s", prefix, name);
        if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, WR_ENDPOINT_NAME_MAX) == 0)
                return WEIR_E_USAGE;
        return open_checked(wide, path, rights, pipe, NULL, 0);
}
