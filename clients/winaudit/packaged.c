#include "clients/winaudit/packaged.h"

#include "clients/winaudit/audit.h"

#include <tlhelp32.h>

typedef LONG(WINAPI *family_function)(HANDLE, UINT32 *, PWSTR);

bool
audit_packaged_open(DWORD id, struct audit_packaged *found)
{
        family_function family = (family_function)(void (*)(void))audit_find("kernel32", "GetPackageFamilyName");
        HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, id);
        wchar_t wide[AUDIT_FAMILY_MAX];
        UINT32 length = AUDIT_FAMILY_MAX;
        bool done;

        *found = (struct audit_packaged){ .token = NULL };
        if (process == NULL)
                return false;
        if (family != NULL && family(process, &length, wide) == ERROR_SUCCESS)
                WideCharToMultiByte(CP_UTF8, 0, wide, -1, found->family, sizeof found->family, NULL, NULL);
        done = OpenProcessToken(process, TOKEN_QUERY, &found->token) && audit_token_read(found->token, &found->holder);
        CloseHandle(process);
        if (!done)
                audit_packaged_close(found);
        return done;
}

bool
audit_packaged_find(bool in_container, struct audit_packaged *found)
{
        HANDLE list = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
        PROCESSENTRY32W entry = { .dwSize = sizeof entry };
        bool is_found = false;

        if (list == INVALID_HANDLE_VALUE)
                return false;
        for (BOOL more = Process32FirstW(list, &entry); more && !is_found; more = Process32NextW(list, &entry)) {
                if (!audit_packaged_open(entry.th32ProcessID, found))
                        continue;
                is_found = found->family[0] != '\0' && (found->holder.container.count != 0) == in_container;
                if (!is_found)
                        audit_packaged_close(found);
        }
        CloseHandle(list);
        return is_found;
}

void
audit_packaged_close(struct audit_packaged *found)
{
        if (found->token != NULL)
                CloseHandle(found->token);
        found->token = NULL;
}
