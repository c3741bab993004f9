/* Included by region_attempts_test.c alone: what there is to try against a section whose list grants nobody anything,
 * with a handle that was narrowed. Our own user and one without groups get the same errors: the list tells neither. */
#ifndef REGION_ATTEMPTS_WIN32_H
#define REGION_ATTEMPTS_WIN32_H

#include "named-objects/grant_win32.h"

#include <windows.h>

static int
duplicate_as(const struct target *t, DWORD rights)
{
        HANDLE self = GetCurrentProcess(), more = NULL;
        int error = DuplicateHandle(self, t->object, self, &more, rights, FALSE, 0) ? 0 : (int)GetLastError();

        if (more != NULL)
                CloseHandle(more);
        return error;
}

static int
duplicate_to_write(const struct target *t)
{
        return duplicate_as(t, SECTION_MAP_READ | SECTION_MAP_WRITE);
}

static int
duplicate_to_execute(const struct target *t)
{
        return duplicate_as(t, SECTION_MAP_READ | SECTION_MAP_EXECUTE);
}

static int
duplicate_to_extend(const struct target *t)
{
        return duplicate_as(t, SECTION_MAP_READ | SECTION_EXTEND_SIZE);
}

static int
duplicate_to_all(const struct target *t)
{
        return duplicate_as(t, SECTION_ALL_ACCESS);
}

static int
map_as(const struct target *t, DWORD access)
{
        void *view = MapViewOfFile(t->object, access, 0, 0, 0);
        int error = view != NULL ? 0 : (int)GetLastError();

        if (view != NULL) {
                *(volatile char *)view = 1; /* a copy of one's own may be written: it changes nothing */
                UnmapViewOfFile(view);
        }
        return error;
}

static int
second_map(const struct target *t)
{
        return map_as(t, FILE_MAP_READ | FILE_MAP_WRITE);
}

static int
map_a_copy(const struct target *t)
{
        return map_as(t, FILE_MAP_COPY);
}

static int
map_to_execute(const struct target *t)
{
        return map_as(t, FILE_MAP_READ | FILE_MAP_EXECUTE);
}

static int
protect_as(const struct target *t, DWORD protection)
{
        DWORD old;

        return VirtualProtect(t->view, BYTES, protection, &old) ? 0 : (int)GetLastError();
}

static int
protect_to_write(const struct target *t)
{
        return protect_as(t, PAGE_READWRITE);
}

static int
protect_to_execute(const struct target *t)
{
        return protect_as(t, PAGE_EXECUTE_READ);
}

static int
protect_to_write_and_execute(const struct target *t)
{
        return protect_as(t, PAGE_EXECUTE_READWRITE);
}

static int
commit_to_write(const struct target *t)
{
        return VirtualAlloc(t->view, BYTES, MEM_COMMIT, PAGE_READWRITE) != NULL ? 0 : (int)GetLastError();
}

static int
change_the_list(const struct target *t)
{
        SECURITY_DESCRIPTOR open_to_all;

        InitializeSecurityDescriptor(&open_to_all, SECURITY_DESCRIPTOR_REVISION);
        SetSecurityDescriptorDacl(&open_to_all, TRUE, NULL, FALSE);
        return SetKernelObjectSecurity(t->object, DACL_SECURITY_INFORMATION, &open_to_all) ? 0 : (int)GetLastError();
}

static int
open_by_name(const struct target *t, DWORD rights)
{
        char name[WR_GRANT_NAME_MAX];
        HANDLE opened;
        int error = 0;

        kit_must(wr_grant_name_of(t->object, name, sizeof name) == WEIR_OK);
        opened = OpenFileMappingA(rights, FALSE, name);
        if (opened == NULL)
                error = (int)GetLastError();
        else
                CloseHandle(opened);
        return error;
}

static int
open_to_write(const struct target *t)
{
        return open_by_name(t, FILE_MAP_READ | FILE_MAP_WRITE);
}

static int
open_to_read(const struct target *t)
{
        return open_by_name(t, FILE_MAP_READ);
}

static const struct attempt reader_attempts[] = {
        { "VirtualProtect", protect_to_write, ERROR_INVALID_PARAMETER, ERROR_INVALID_PARAMETER },
        { "VirtualProtect to execute", protect_to_execute, ERROR_INVALID_PARAMETER, ERROR_INVALID_PARAMETER },
        { "second map", second_map, ERROR_ACCESS_DENIED, ERROR_ACCESS_DENIED },
        { "map a copy", map_a_copy, 0, 0 },
        { "map to execute", map_to_execute, ERROR_ACCESS_DENIED, ERROR_ACCESS_DENIED },
        { "duplicate", duplicate_to_write, ERROR_ACCESS_DENIED, ERROR_ACCESS_DENIED },
        { "duplicate to execute", duplicate_to_execute, ERROR_ACCESS_DENIED, ERROR_ACCESS_DENIED },
        { "duplicate with all", duplicate_to_all, ERROR_ACCESS_DENIED, ERROR_ACCESS_DENIED },
        { "commit", commit_to_write, ERROR_INVALID_PARAMETER, ERROR_INVALID_PARAMETER },
        { "change the list", change_the_list, ERROR_ACCESS_DENIED, ERROR_ACCESS_DENIED },
        { "open by name", open_to_write, ERROR_ACCESS_DENIED, ERROR_ACCESS_DENIED },
        { "open by name to read", open_to_read, ERROR_ACCESS_DENIED, ERROR_ACCESS_DENIED },
};
enum { READER_ATTEMPTS = sizeof reader_attempts / sizeof *reader_attempts };

static const struct attempt writer_attempts[] = {
        { "VirtualProtect to execute", protect_to_write_and_execute, ERROR_INVALID_PARAMETER, ERROR_INVALID_PARAMETER },
        { "map to execute", map_to_execute, ERROR_ACCESS_DENIED, ERROR_ACCESS_DENIED },
        { "duplicate to execute", duplicate_to_execute, ERROR_ACCESS_DENIED, ERROR_ACCESS_DENIED },
        { "duplicate with all", duplicate_to_all, ERROR_ACCESS_DENIED, ERROR_ACCESS_DENIED },
        { "change the list", change_the_list, ERROR_ACCESS_DENIED, ERROR_ACCESS_DENIED },
        { "open by name", open_to_write, ERROR_ACCESS_DENIED, ERROR_ACCESS_DENIED },
};
enum { WRITER_ATTEMPTS = sizeof writer_attempts / sizeof *writer_attempts };

static int
decommit(const struct target *t)
{
        return VirtualFree(t->view, BYTES, MEM_DECOMMIT) ? 0 : (int)GetLastError();
}

static int
release(const struct target *t)
{
        return VirtualFree(t->view, 0, MEM_RELEASE) ? 0 : (int)GetLastError();
}

static const struct attempt size_attempts[] = {
        { "decommit", decommit, ERROR_INVALID_PARAMETER, ERROR_INVALID_PARAMETER },
        { "release", release, ERROR_INVALID_PARAMETER, ERROR_INVALID_PARAMETER },
        { "duplicate to extend", duplicate_to_extend, ERROR_ACCESS_DENIED, ERROR_ACCESS_DENIED },
};
enum { SIZE_ATTEMPTS = sizeof size_attempts / sizeof *size_attempts };

static char *
twin_of(const struct target *t)
{
        char *twin = MapViewOfFile(t->object, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, BYTES);

        cr_assert_not_null(twin);
        return twin;
}

/* What a client gets of it: of the broker's own handle the rights that are handed. */
static wr_object
as_handed(wr_object object)
{
        HANDLE handed;

        cr_assert(eq(int,
                     wr_grant_narrow(object, wr_grant_handed(WR_GRANT_SECTION, wr_grant_rights_of(object)), &handed),
                     WEIR_OK));
        return handed;
}

/* ---- one without a list --------------------------------------------------------------------------------------- */

enum { PAGE = 4096 }; /* that each of ours has behind its end */

static wr_object
unprotected_region(void)
{
        HANDLE region =
                CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE | SEC_RESERVE, 0, BYTES + PAGE, NULL);
        void *view = MapViewOfFile(region, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, 0);

        cr_assert(ne(ptr, VirtualAlloc(view, BYTES, MEM_COMMIT, PAGE_READWRITE), NULL));
        UnmapViewOfFile(view);
        return region;
}

static wr_object
unprotected_read_only(wr_object region)
{
        HANDLE read_only;

        cr_assert(eq(int, wr_grant_narrow(region, SECTION_MAP_READ, &read_only), WEIR_OK));
        return read_only;
}

/* Who looks whether it has a list: the broker. A client's handle may not read it. */
static wr_object
checked_of(wr_object region, wr_object read_only)
{
        (void)read_only;
        return region;
}

static int
spoil(const struct target *t)
{
        HANDLE self = GetCurrentProcess(), more;
        char *writable;

        if (!DuplicateHandle(self, t->object, self, &more, SECTION_MAP_READ | SECTION_MAP_WRITE, FALSE, 0))
                return (int)GetLastError();
        writable = MapViewOfFile(more, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, BYTES);
        if (writable == NULL)
                return (int)GetLastError();
        writable[0] = 0;
        return 0;
}

#endif
