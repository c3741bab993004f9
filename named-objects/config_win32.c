/* The folders are had from the environment that the system makes at logon; a service has no %APPDATA%, or that of its
 * own profile below the system's folder. */
#include "named-objects/config.h"

#include "named-objects/sentence.h"

#include <stdbool.h>
#include <windows.h>

/* The UTF-8 text of a variable; false: there is none, or it is too long to be a folder's. */
static bool
folder(const wchar_t *variable, char *path, size_t room)
{
        wchar_t wide[MAX_PATH];
        DWORD length = GetEnvironmentVariableW(variable, wide, MAX_PATH);

        return length > 0 && length < MAX_PATH &&
               WideCharToMultiByte(CP_UTF8, 0, wide, -1, path, (int)room, NULL, NULL) > 0;
}

void
wr_config_system_path(char *path, size_t room)
{
        char base[4 * MAX_PATH];

        wr_sentence(path, room, "%s\\weir\\broker.conf",
                    folder(L"ProgramData", base, sizeof base) ? base : "C:\\ProgramData");
}

void
wr_config_path(char *path, size_t room)
{
        char base[4 * MAX_PATH];

        if (folder(L"APPDATA", base, sizeof base))
                wr_sentence(path, room, "%s\\weir\\broker.conf", base);
        else
                wr_config_system_path(path, room);
}
