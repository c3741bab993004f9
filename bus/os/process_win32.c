#include "bus/os/process.h"

#include <stdio.h>
#include <string.h>
#include <windows.h>

enum { PATH_MOST = 1024 };

void
wr_process_name(char *name, size_t room)
{
        wchar_t wide[PATH_MOST], *end;
        char path[3 * PATH_MOST] = "";
        const wchar_t *begin;
        DWORD length = GetModuleFileNameW(NULL, wide, PATH_MOST);

        if (length == 0 || length == PATH_MOST)
                wide[0] = L'\0';
        begin = wcsrchr(wide, L'\\');
        begin = begin ? begin + 1 : wide;
        end = wcsrchr(wide, L'.');
        if (end && end > begin)
                *end = L'\0';
        WideCharToMultiByte(CP_UTF8, 0, begin, -1, path, sizeof path, NULL, NULL);
        snprintf(name, room, "%s", path[0] ? path : "?");
}
