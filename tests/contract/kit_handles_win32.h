/*
 * How many handles a process has, for tests that look for those that are left behind.
 *
 * Wine knows no count of one process. Nor is the list of all handles of the system asked for
 * (NtQuerySystemInformation): of a process that has none at this moment, as one that begins, Wine 8's server reads on
 * behind the table's end. Now and then it dies of that, with everything that runs on it. So each number is tried; they
 * go up by four and are given anew when they were closed.
 */
#ifndef KIT_HANDLES_WIN32_H
#define KIT_HANDLES_WIN32_H

#include <stdbool.h>
#include <stdint.h>
#include <windows.h>

static inline bool
kit_handle_is_open(HANDLE process, HANDLE handle)
{
        HANDLE self = GetCurrentProcess(), copy;
        DWORD flags;

        if (process == self)
                return GetHandleInformation(handle, &flags) != 0;
        return DuplicateHandle(process, handle, self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS) && CloseHandle(copy);
}

static inline uint32_t
kit_handles_of(HANDLE process)
{
        enum { STEP = 4, GAP_MAX = 1024 * STEP }; /* behind the last one */
        uintptr_t last = 0;
        uint32_t count = 0;

        for (uintptr_t at = STEP; at - last <= GAP_MAX; at += STEP)
                if (kit_handle_is_open(process, (HANDLE)at)) {
                        count++;
                        last = at;
                }
        return count;
}

#endif
