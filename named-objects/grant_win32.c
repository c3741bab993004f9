/* What can be known of a handle without a right on it, and what is made from one. */
#include "named-objects/grant_win32.h"

#include "bus/atomic.h"
#include "bus/os/error.h"
#include "named-objects/random.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <winternl.h>

enum { TYPE_BYTES = 512, NAME_BYTES = 2048, BASIC = 0, NAME = 1, TYPE = 2, PIPE_RIGHTS = 0x12019b };

/* winternl.h has the library, not the names. */
struct basic_information {
        ULONG attributes;
        ACCESS_MASK rights;
        ULONG handles, pointers;
        ULONG reserved[10];
};

enum wr_grant_kind
wr_grant_kind_of(HANDLE object)
{
        union {
                UNICODE_STRING name; /* what the answer begins with */
                BYTE bytes[TYPE_BYTES];
        } type;
        static const struct {
                const wchar_t *name;
                enum wr_grant_kind kind;
        } kinds[] = { { L"Section", WR_GRANT_SECTION },
                      { L"Event", WR_GRANT_EVENT },
                      { L"Process", WR_GRANT_PROCESS },
                      { L"File", WR_GRANT_PIPE } };

        if (object == NULL || NtQueryObject(object, (OBJECT_INFORMATION_CLASS)TYPE, &type, sizeof type, NULL) < 0)
                return WR_GRANT_OTHER;
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
                if (type.name.Length == wcslen(kinds[i].name) * sizeof(wchar_t) &&
                    wmemcmp(type.name.Buffer, kinds[i].name, wcslen(kinds[i].name)) == 0)
                        return kinds[i].kind != WR_GRANT_PIPE || GetFileType(object) == FILE_TYPE_PIPE ? kinds[i].kind
                                                                                                       : WR_GRANT_OTHER;
        return WR_GRANT_OTHER;
}

uint32_t
wr_grant_rights_of(HANDLE object)
{
        struct basic_information basic;

        if (object == NULL || NtQueryObject(object, (OBJECT_INFORMATION_CLASS)BASIC, &basic, sizeof basic, NULL) < 0)
                return 0;
        return basic.rights;
}

uint32_t
wr_grant_handed(enum wr_grant_kind kind, uint32_t rights)
{
        switch (kind) {
        case WR_GRANT_SECTION: return rights & (SECTION_MAP_READ | SECTION_MAP_WRITE);
        case WR_GRANT_EVENT: return rights & (EVENT_MODIFY_STATE | SYNCHRONIZE);
        case WR_GRANT_PROCESS: return rights & SYNCHRONIZE;
        case WR_GRANT_PIPE: return rights & PIPE_RIGHTS;
        case WR_GRANT_OTHER: break;
        }
        return 0;
}

/*
 * The kernel tells the whole path:
 *
 *      \Sessions\1\BaseNamedObjects\weir-...    "weir-..." in that session
 *      \BaseNamedObjects\weir-...               "Global\weir-..." from everywhere
 */
enum weir_result
wr_grant_name_of(HANDLE object, char *name, size_t room)
{
        static const wchar_t global[] = L"\\BaseNamedObjects\\";
        union {
                UNICODE_STRING path;
                BYTE bytes[NAME_BYTES];
        } whole;
        enum { GLOBAL_LENGTH = sizeof global / sizeof *global - 1 };
        size_t length, begin, used;
        NTSTATUS status = NtQueryObject(object, (OBJECT_INFORMATION_CLASS)NAME, &whole, sizeof whole, NULL);

        if (status < 0)
                return WEIR_E_SYSTEM;
        if (whole.path.Length == 0)
                return WEIR_EMPTY;
        length = begin = whole.path.Length / sizeof(wchar_t);
        while (begin > 0 && whole.path.Buffer[begin - 1] != L'\\')
                begin--;
        used = (size_t)snprintf(
                name, room, "%s",
                length > GLOBAL_LENGTH && wmemcmp(whole.path.Buffer, global, GLOBAL_LENGTH) == 0 ? "Global\\" : "");
        if (used + (length - begin) >= room)
                return WEIR_E_TOO_LARGE;
        for (; begin < length; begin++, used++) {
                if (whole.path.Buffer[begin] >= 0x80)
                        return WEIR_E_CORRUPT; /* no name of ours */
                name[used] = (char)whole.path.Buffer[begin];
        }
        name[used] = '\0';
        return WEIR_OK;
}

enum weir_result
wr_grant_narrow(HANDLE object, uint32_t rights, HANDLE *narrow)
{
        HANDLE self = GetCurrentProcess();

        *narrow = NULL;
        /* More than it has would be asked of the object's list, and that is another question than this one. */
        if ((rights & ~wr_grant_rights_of(object)) != 0)
                return WEIR_E_DENIED;
        return DuplicateHandle(self, object, self, narrow, rights, FALSE, 0) ? WEIR_OK
                                                                             : wr_os_error((int)GetLastError());
}

enum weir_result
wr_grant_open(enum wr_grant_kind kind, const char *name, uint32_t rights, HANDLE *object)
{
        wchar_t wide[WR_GRANT_NAME_MAX];
        size_t length = strlen(name);

        *object = NULL;
        if (length == 0 || length >= WR_GRANT_NAME_MAX || (kind != WR_GRANT_SECTION && kind != WR_GRANT_EVENT))
                return WEIR_E_USAGE;
        for (size_t i = 0; i <= length; i++)
                wide[i] = (wchar_t)(unsigned char)name[i];
        *object = kind == WR_GRANT_SECTION ? OpenFileMappingW(rights, FALSE, wide) : OpenEventW(rights, FALSE, wide);
        return *object != NULL ? WEIR_OK : wr_os_error((int)GetLastError());
}

void
wr_grant_name_make(wchar_t name[WR_GRANT_NAME_MAX])
{
        static const wchar_t prefix[] = L"weir-", digits[] = L"0123456789abcdef";
        wchar_t *at = name + wcslen(prefix);

        wcscpy(name, prefix);
        for (int word = 0; word < 2; word++) {
                uint64_t random = wr_random();

                for (int digit = 0; digit < 16; digit++, random >>= 4)
                        *at++ = digits[random & 15];
        }
        *at = L'\0';
}

static wr_word32 collisions;

bool
wr_grant_collided(HANDLE *object)
{
        DWORD error = GetLastError();

        /* The same type; another type; one that we may not even open. */
        if (!(*object != NULL && error == ERROR_ALREADY_EXISTS) &&
            !(*object == NULL && (error == ERROR_INVALID_HANDLE || error == ERROR_ACCESS_DENIED)))
                return false;
        if (*object != NULL)
                CloseHandle(*object);
        *object = NULL;
        wr_add32(&collisions, 1);
        SetLastError(ERROR_ACCESS_DENIED);
        return true;
}

uint32_t
wr_grant_collisions(void)
{
        return wr_load32(&collisions);
}
