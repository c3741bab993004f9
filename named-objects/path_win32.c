#include "named-objects/path_win32.h"

#include <windows.h>

enum { PREFIX = 4, SHORT_MAX = MAX_PATH - 16 }; /* some calls put a file's short name behind a directory */

bool
wr_path_wide(const char *path, wchar_t *wide, size_t room)
{
        wchar_t given[WR_PATH_WIDE_MAX];
        DWORD length;

        if (room <= PREFIX ||
            MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, given, WR_PATH_WIDE_MAX) <= 0)
                return false;
        length = GetFullPathNameW(given, (DWORD)(room - PREFIX), wide + PREFIX, NULL);
        if (length == 0 || length >= room - PREFIX)
                return false;
        if (length < SHORT_MAX || wide[PREFIX] == L'\\') /* \\server\share, \\.\pipe, \\?\...: as they are */
                wmemmove(wide, wide + PREFIX, length + 1);
        else
                wmemcpy(wide, L"\\\\?\\", PREFIX);
        return true;
}
