#include "bench/shared.h"

#include <windows.h>

bool
bench_shared_create(struct bench_shared *shared, uint64_t bytes)
{
        SECURITY_ATTRIBUTES inherited = { .nLength = sizeof inherited, .bInheritHandle = TRUE };
        HANDLE section = CreateFileMappingW(INVALID_HANDLE_VALUE, &inherited, PAGE_READWRITE, (DWORD)(bytes >> 32),
                                            (DWORD)bytes, NULL);

        *shared = (struct bench_shared){ .bytes = bytes, .object = (intptr_t)section };
        if (section == NULL)
                return false;
        if (bench_shared_attach(shared))
                return true;
        CloseHandle(section);
        *shared = (struct bench_shared){ 0 };
        return false;
}

bool
bench_shared_attach(struct bench_shared *shared)
{
        shared->address = MapViewOfFile((HANDLE)shared->object, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, shared->bytes);
        return shared->address != NULL;
}

void
bench_shared_close(struct bench_shared *shared)
{
        if (shared->address != NULL)
                UnmapViewOfFile(shared->address);
        if (shared->object != 0)
                CloseHandle((HANDLE)shared->object);
        *shared = (struct bench_shared){ 0 };
}
