/* Included by region_test.c alone: what a section of ours is not, and what is seen of one from outside. */
#ifndef WR_TEST_REGION_WIN32_H
#define WR_TEST_REGION_WIN32_H

#include "named-objects/grant_win32.h"

#include <windows.h>

enum { REGION_EXACT = PAGE }; /* a section's size is known to the page */

/* Made by hand, with all that ours has. */
static wr_object
region_alike(uint64_t bytes)
{
        _Alignas(8) BYTE list[WR_GRANT_LIST_BYTES];
        SECURITY_ATTRIBUTES attributes = { sizeof attributes, list, FALSE };
        HANDLE alike;

        cr_assert(gt(sz, wr_grant_closed_list(list, sizeof list), 0));
        alike = CreateFileMappingW(INVALID_HANDLE_VALUE, &attributes, PAGE_READWRITE | SEC_RESERVE, 0,
                                   (DWORD)bytes + PAGE, L"weir-by-hand");
        cr_assert_not_null(alike);
        return alike;
}

/* It has no list. */
static wr_object
region_open_to_others(uint64_t bytes)
{
        HANDLE region = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE | SEC_RESERVE, 0,
                                           (DWORD)bytes + PAGE, NULL);

        cr_assert_not_null(region);
        return region;
}

static HANDLE
region_of_file(uint64_t bytes)
{
        wchar_t folder[MAX_PATH], name[MAX_PATH];
        HANDLE file, region;

        cr_assert(GetTempPathW(MAX_PATH, folder) && GetTempFileNameW(folder, L"wr", 0, name));
        file = CreateFileW(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE, NULL);
        region = CreateFileMappingW(file, NULL, PAGE_READWRITE, 0, (DWORD)bytes + PAGE, NULL);
        CloseHandle(file);
        return region;
}

static HANDLE
region_of_program(void)
{
        wchar_t name[MAX_PATH];
        HANDLE file, region;

        cr_assert(GetModuleFileNameW(NULL, name, MAX_PATH) < MAX_PATH);
        file = CreateFileW(name, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);
        region = CreateFileMappingW(file, NULL, PAGE_READONLY | SEC_IMAGE, 0, 0, NULL);
        CloseHandle(file);
        return region;
}

enum { REGION_FOREIGN = 6 };

static wr_object
region_foreign(size_t kind, uint64_t bytes)
{
        HANDLE made = NULL;

        if (kind == 0)
                made = region_of_file(bytes);
        if (kind == 1)
                made = region_of_program();
        if (kind == 2)
                made = CreateEventW(NULL, TRUE, FALSE, NULL);
        if (kind == 3)
                made = CreateMutexW(NULL, FALSE, NULL);
        if (kind == 4) /* all of it is there, where ours has a page behind its end that is not */
                made = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, (DWORD)bytes, NULL);
        if (kind == 5)
                made = OpenProcess(SYNCHRONIZE, FALSE, GetCurrentProcessId());
        cr_assert_not_null(made);
        return made;
}

static bool
region_is_inherited(wr_object region)
{
        DWORD flags;

        cr_assert(GetHandleInformation(region, &flags));
        return (flags & HANDLE_FLAG_INHERIT) != 0;
}

static bool
region_executes(wr_object region, uint64_t bytes)
{
        void *view = MapViewOfFile(region, FILE_MAP_READ | FILE_MAP_EXECUTE, 0, 0, bytes);
        DWORD old;

        if (view != NULL)
                return true;
        view = MapViewOfFile(region, FILE_MAP_READ, 0, 0, bytes);
        return view == NULL || VirtualProtect(view, bytes, PAGE_EXECUTE_READ, &old);
}

/* That the system has committed of it. */
static uint64_t
region_memory(wr_object region, uint64_t bytes)
{
        char *view = MapViewOfFile(region, FILE_MAP_READ, 0, 0, 0);
        MEMORY_BASIC_INFORMATION run;
        uint64_t memory = 0;

        cr_assert_not_null(view);
        for (uint64_t at = 0; at < bytes; at += run.RegionSize) {
                cr_assert(VirtualQuery(view + at, &run, sizeof run) == sizeof run);
                memory += run.State == MEM_COMMIT ? run.RegionSize : 0;
        }
        UnmapViewOfFile(view);
        return memory;
}

#endif
