/* Text on Windows: ours is UTF-8, the system's calls take UTF-16, and its errors are numbers. */
#ifndef DEMO_TEXT_WIN32_H
#define DEMO_TEXT_WIN32_H

#include <stdbool.h>
#include <stddef.h>
#include <windows.h>

/* False: no UTF-8, or longer than the room for it. */
bool
demo_text_widen(const char *text, wchar_t *wide, size_t room);

bool
demo_text_narrow(const wchar_t *wide, char *text, size_t room);

/* What the system calls an error, without the period and the line's end. */
void
demo_text_error(DWORD error, char *text, size_t room);

/* "weir demo: WHAT: why" on stderr, of GetLastError(). Returns false. */
bool
demo_text_failed(const char *what);

#endif
