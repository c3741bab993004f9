/* How many threads this process has. */
#ifndef KIT_THREADS_H
#define KIT_THREADS_H

#include "tests/contract/kit_child.h"

#ifdef _WIN32

#        include <tlhelp32.h>

static KIT_UNUSED unsigned
kit_threads(void)
{
        HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0); /* of the whole system, there is no other */
        THREADENTRY32 entry = { .dwSize = sizeof entry };
        DWORD self = GetCurrentProcessId();
        unsigned count = 0;

        kit_must(snapshot != INVALID_HANDLE_VALUE);
        for (BOOL found = Thread32First(snapshot, &entry); found; found = Thread32Next(snapshot, &entry))
                count += entry.th32OwnerProcessID == self;
        CloseHandle(snapshot);
        return count;
}

#else

#        include <dirent.h>

static KIT_UNUSED unsigned
kit_threads(void)
{
        DIR *tasks = opendir("/proc/self/task");
        struct dirent *entry;
        unsigned count = 0;

        kit_must(tasks);
        while ((entry = readdir(tasks)))
                count += entry->d_name[0] != '.';
        closedir(tasks);
        return count;
}

#endif
#endif
