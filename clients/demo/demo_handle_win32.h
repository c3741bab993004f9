/* The handles of this process: what a program finds in itself that it was not told of. */
#ifndef DEMO_HANDLE_WIN32_H
#define DEMO_HANDLE_WIN32_H

#include <stdbool.h>
#include <windows.h>

enum { DEMO_HANDLE_NAME = 64 };
enum demo_handle_kind { DEMO_HANDLE_SECTION, DEMO_HANDLE_EVENT };

struct demo_handle {
        HANDLE handle;
        enum demo_handle_kind kind;
        DWORD rights;
        wchar_t name[DEMO_HANDLE_NAME]; /* by which another process of the session opens it: "weir-..." */
};

/* The next section or event of the bus behind found->handle, which is NULL at first. False: there are no more. */
bool
demo_handle_next(struct demo_handle *found);

#endif
