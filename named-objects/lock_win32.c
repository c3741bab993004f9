/*
 * A file that its holder opened for nobody else beside. It stays when its holder dies, and is free then; it goes when
 * it is given back, in the moment in which it is closed. Nobody can have opened it meanwhile, so who has it open has
 * the one that the name leads to.
 */
#include "named-objects/lock.h"

#include "bus/os/error.h"
#include "named-objects/path_win32.h"

#include <windows.h>

enum {
        OWNER_BYTES = 512,
        TOKEN_BYTES = 256,
        TRIES_MAX = 16 /* each lost one is another process that gave it back in this moment */
};

static bool
token_holds(HANDLE token, TOKEN_INFORMATION_CLASS what, PSID owner)
{
        union {
                PSID sid; /* both answers begin with it */
                BYTE bytes[TOKEN_BYTES];
        } answer;
        DWORD size;

        return GetTokenInformation(token, what, &answer, sizeof answer, &size) && EqualSid(answer.sid, owner);
}

/* Of an administrator's new files the owner may be the group of administrators: what the token says, either way. */
static bool
is_ours(HANDLE file)
{
        union {
                SECURITY_DESCRIPTOR descriptor;
                BYTE bytes[OWNER_BYTES];
        } security;
        BOOL defaulted;
        PSID owner = NULL;
        HANDLE token;
        DWORD size;
        bool found;

        if (!GetKernelObjectSecurity(file, OWNER_SECURITY_INFORMATION, &security.descriptor, sizeof security, &size) ||
            !GetSecurityDescriptorOwner(&security.descriptor, &owner, &defaulted) || owner == NULL ||
            !OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
                return false;
        found = token_holds(token, TokenUser, owner) || token_holds(token, TokenOwner, owner);
        CloseHandle(token);
        return found;
}

static bool
is_plain(HANDLE file)
{
        BY_HANDLE_FILE_INFORMATION status;

        return GetFileType(file) == FILE_TYPE_DISK && GetFileInformationByHandle(file, &status) &&
               (status.dwFileAttributes & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT)) == 0;
}

/* One that is given back in this moment is refused in the same words as one that we may not open, but for the next
 * question: it has no attributes any more. Leaves the error as it is. */
static bool
is_going(const wchar_t *wide, DWORD error)
{
        bool has_none = error == ERROR_ACCESS_DENIED && GetFileAttributesW(wide) == INVALID_FILE_ATTRIBUTES;

        SetLastError(error);
        return has_none;
}

static enum weir_result
refused(DWORD error)
{
        return error == ERROR_SHARING_VIOLATION ? WEIR_FULL : wr_os_error((int)error);
}

enum weir_result
wr_lock_take(wr_object *lock, const char *path)
{
        wchar_t wide[WR_PATH_WIDE_MAX];
        HANDLE file;

        *lock = WR_NO_OBJECT;
        if (!wr_path_wide(path, wide, WR_PATH_WIDE_MAX))
                return WEIR_E_USAGE;
        for (int tries = 0;; tries++) {
                file = CreateFileW(wide, GENERIC_READ | GENERIC_WRITE | DELETE, 0, NULL, OPEN_ALWAYS,
                                   FILE_FLAG_OPEN_REPARSE_POINT | SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS, NULL);
                if (file != INVALID_HANDLE_VALUE)
                        break;
                if (!is_going(wide, GetLastError()))
                        return refused(GetLastError());
                if (tries == TRIES_MAX)
                        return WEIR_FULL;
                Sleep(1);
        }
        if (!is_plain(file) || !is_ours(file)) {
                CloseHandle(file);
                return WEIR_E_DENIED;
        }
        *lock = file;
        return WEIR_OK;
}

void
wr_lock_give(wr_object lock, const char *path)
{
        FILE_DISPOSITION_INFO disposition = { .DeleteFile = TRUE };

        (void)path; /* it is the file that the name leads to */
        if (lock == WR_NO_OBJECT)
                return;
        SetFileInformationByHandle(lock, FileDispositionInfo, &disposition, sizeof disposition);
        wr_object_close(lock);
}

bool
wr_lock_exists(const char *path)
{
        wchar_t wide[WR_PATH_WIDE_MAX];

        return wr_path_wide(path, wide, WR_PATH_WIDE_MAX) && GetFileAttributesW(wide) != INVALID_FILE_ATTRIBUTES;
}
