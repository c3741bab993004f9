/* Paths are UTF-8 everywhere in weir, and UTF-16 in the calls of Windows. */
#ifndef WR_PATH_WIN32_H
#define WR_PATH_WIN32_H

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

enum { WR_PATH_WIDE_MAX = 4096 };

/* The path as the system's calls take it: absolute, and in the form that may be longer than 260 characters where it
 * is (\\?\C:\...). False: it is no UTF-8, or longer than `room`. */
bool
wr_path_wide(const char *path, wchar_t *wide, size_t room);

#endif
