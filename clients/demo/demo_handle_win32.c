/* Handles are numbers that go up by four and are given anew when they were closed, so they are found by asking for
 * each, until there was none for long. */
#include "clients/demo/demo_handle_win32.h"

#include <stdint.h>
#include <wchar.h>
#include <winternl.h>

enum { HANDLE_STEP = 4, GAP_MAX = 1024 * HANDLE_STEP, NAME_INFORMATION = 1 };

union text {
        UNICODE_STRING string;
        BYTE bytes[1024];
};

/* Not a name that is asked for of a pipe: to answer that, Windows may wait for its other end. */
static bool
kind_of(HANDLE handle, enum demo_handle_kind *kind)
{
        union text type;
        size_t units;

        if (NtQueryObject(handle, ObjectTypeInformation, &type, sizeof type, NULL) < 0)
                return false;
        units = type.string.Length / sizeof(wchar_t);
        *kind = units == 5 ? DEMO_HANDLE_EVENT : DEMO_HANDLE_SECTION;
        return (units == 5 && wcsncmp(type.string.Buffer, L"Event", 5) == 0) ||
               (units == 7 && wcsncmp(type.string.Buffer, L"Section", 7) == 0);
}

/* Is it called "...\weir-...", as all objects of the bus are? */
static bool
name_of(HANDLE handle, wchar_t name[DEMO_HANDLE_NAME])
{
        static const wchar_t prefix[] = L"weir-";
        enum { PREFIX = sizeof prefix / sizeof *prefix - 1 };
        union text path;
        size_t units, from;

        if (NtQueryObject(handle, (OBJECT_INFORMATION_CLASS)NAME_INFORMATION, &path, sizeof path, NULL) < 0)
                return false;
        units = path.string.Length / sizeof(wchar_t);
        for (from = units; from > 0 && path.string.Buffer[from - 1] != L'\\'; from--)
                ;
        if (units - from <= PREFIX || units - from >= DEMO_HANDLE_NAME ||
            wcsncmp(path.string.Buffer + from, prefix, PREFIX) != 0)
                return false;
        wmemcpy(name, path.string.Buffer + from, units - from);
        name[units - from] = L'\0';
        return true;
}

bool
demo_handle_next(struct demo_handle *found)
{
        PUBLIC_OBJECT_BASIC_INFORMATION basic;
        uintptr_t last = (uintptr_t)found->handle; /* that is one, of whatever kind */

        for (uintptr_t at = last + HANDLE_STEP; at - last <= GAP_MAX; at += HANDLE_STEP) {
                HANDLE handle = (HANDLE)at;

                if (NtQueryObject(handle, ObjectBasicInformation, &basic, sizeof basic, NULL) < 0)
                        continue;
                last = at;
                if (!kind_of(handle, &found->kind) || !name_of(handle, found->name))
                        continue;
                found->handle = handle;
                found->rights = basic.GrantedAccess;
                return true;
        }
        return false;
}
