#include "clients/demo/demo_text_win32.h"

#include <stdio.h>
#include <string.h>

bool
demo_text_widen(const char *text, wchar_t *wide, size_t room)
{
        if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, wide, (int)room) > 0)
                return true;
        SetLastError(ERROR_INVALID_NAME);
        return false;
}

bool
demo_text_narrow(const wchar_t *wide, char *text, size_t room)
{
        return WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, (int)room, NULL, NULL) > 0;
}

void
demo_text_error(DWORD error, char *text, size_t room)
{
        wchar_t wide[256];
        DWORD length = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, error, 0, wide,
                                      sizeof wide / sizeof *wide, NULL);

        while (length > 0 && wcschr(L"\r\n. ", wide[length - 1]) != NULL)
                wide[--length] = L'\0';
        if (length == 0 || !demo_text_narrow(wide, text, room))
                snprintf(text, room, "error %lu of the system", error);
}

bool
demo_text_failed(const char *what)
{
        char text[256];

        demo_text_error(GetLastError(), text, sizeof text);
        fprintf(stderr, "weir demo: %s: %s\n", what, text);
        return false;
}
