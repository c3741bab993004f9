#include "clients/winaudit/folder.h"

#include "named-objects/rights/sddl.h"

#include <stdio.h>
#include <string.h>

enum { PATH_MAX_WIDE = 1024 };

static wchar_t folder[PATH_MAX_WIDE], program[PATH_MAX_WIDE];

static bool
make(void)
{
        /* All for who makes it; to read and run for users, restricted tokens, and both kinds of container. */
        static const char list[] = "D:P(A;OICI;FA;;;OW)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;WD)(A;OICI;0x1200a9;;;RC)"
                                   "(A;OICI;0x1200a9;;;AC)(A;OICI;0x1200a9;;;S-1-15-2-2)";
        _Alignas(8) uint8_t bytes[512];
        SECURITY_ATTRIBUTES attributes = { sizeof attributes, bytes, FALSE };
        wchar_t own[PATH_MAX_WIDE];
        struct wr_sddl_error error;
        DWORD length = GetTempPathW(PATH_MAX_WIDE - 64, folder);

        if (length == 0 || length > PATH_MAX_WIDE - 64 ||
            wr_sddl_parse(list, strlen(list), NULL, bytes, sizeof bytes, &error) == 0)
                return false;
        wcscat(folder, L"weir-winaudit");
        swprintf(program, PATH_MAX_WIDE, L"%ls\\weir-winaudit.exe", folder);
        audit_folder_remove(); /* what an audit left that was ended by force */
        length = GetModuleFileNameW(NULL, own, PATH_MAX_WIDE);
        return length != 0 && length < PATH_MAX_WIDE && CreateDirectoryW(folder, &attributes) &&
               CopyFileW(own, program, TRUE);
}

const wchar_t *
audit_folder_program(void)
{
        if (program[0] == L'\0' && !make()) {
                DWORD error = GetLastError();

                audit_folder_remove();
                program[0] = L'\0';
                SetLastError(error);
                return NULL;
        }
        return program;
}

const wchar_t *
audit_folder_path(void)
{
        return folder;
}

/* The image of a child that has just ended may be held for a moment more. */
void
audit_folder_remove(void)
{
        if (program[0] == L'\0')
                return;
        for (int i = 0; i < 100 && !DeleteFileW(program) && GetLastError() == ERROR_ACCESS_DENIED; i++)
                Sleep(20);
        RemoveDirectoryW(folder);
}
