/*
 * A region as both ends use it: a section that is mapped, committed by its owner, and looked at. What a client is
 * handed has the right to map it and no other, so all else is found out by mapping: the size by how much there is to
 * map, how far it is committed by the state of its pages. How one is made: region_create_win32.c.
 */
#include "named-objects/region.h"

#include "bus/os/error.h"
#include "bus/os/memory.h"
#include "named-objects/grant_win32.h"
#include "named-objects/region_win32.h"

enum { SD_BYTES = 512 };

static enum weir_result
last_error(void)
{
        return wr_os_error((int)GetLastError());
}

enum weir_result
wr_region_allocate(wr_object region, uint64_t bytes)
{
        enum weir_result result;
        void *view;

        result = wr_region_map(region, bytes, true, &view);
        if (result < 0)
                return result;
        /* Committed is a property of the section's pages, so it outlives the view. */
        if (VirtualAlloc(view, (SIZE_T)bytes, MEM_COMMIT, PAGE_READWRITE) == NULL)
                result = last_error();
        wr_region_unmap(view, bytes);
        return result;
}

/* Is there a list, and is it protected? A section that was made without one has none. Who was handed the region may not
 * look, and has its word from the broker: a list guards the broker's side of it. */
static bool
is_guarded(wr_object region)
{
        union {
                SECURITY_DESCRIPTOR descriptor;
                BYTE bytes[SD_BYTES];
        } security;
        SECURITY_DESCRIPTOR_CONTROL control;
        BOOL present = FALSE, defaulted = FALSE;
        DWORD needed, revision;
        ACL *acl = NULL;

        if ((wr_grant_rights_of(region) & READ_CONTROL) == 0)
                return true;
        if (!GetKernelObjectSecurity(region, DACL_SECURITY_INFORMATION, &security.descriptor, sizeof security, &needed))
                return GetLastError() == ERROR_INSUFFICIENT_BUFFER; /* clients were admitted to it by name */
        return GetSecurityDescriptorDacl(&security.descriptor, &present, &acl, &defaulted) && present && acl != NULL &&
               GetSecurityDescriptorControl(&security.descriptor, &control, &revision) &&
               (control & SE_DACL_PROTECTED) != 0;
}

uint64_t
wr_region_view_bytes(uint64_t bytes)
{
        uint64_t page_bytes = wr_memory_page_bytes();

        return bytes == 0 || bytes > INT64_MAX - 2 * page_bytes
                       ? 0
                       : (bytes - 1) / page_bytes * page_bytes + 2 * page_bytes;
}

/* Of what there is to map; 0: it is no memory that can be read. On a file, reading could fail; an image is no
 * memory. */
static uint64_t
whole_bytes(wr_object region)
{
        char *view = MapViewOfFile(region, FILE_MAP_READ, 0, 0, 0);
        MEMORY_BASIC_INFORMATION run;
        bool is_memory = true;
        uint64_t bytes = 0;

        if (view == NULL)
                return 0;
        while (is_memory && VirtualQuery(view + bytes, &run, sizeof run) == sizeof run && run.AllocationBase == view) {
                is_memory = run.Type == MEM_MAPPED && (run.State == MEM_RESERVE || run.State == MEM_COMMIT);
                bytes = (uint64_t)((char *)run.BaseAddress - view) + run.RegionSize;
        }
        UnmapViewOfFile(view);
        return is_memory ? bytes : 0;
}

enum weir_result
wr_region_check(wr_object region, uint64_t bytes, bool sealed)
{
        uint64_t wanted = wr_region_view_bytes(bytes);

        if (wanted == 0 || wr_grant_kind_of(region) != WR_GRANT_SECTION || whole_bytes(region) != wanted)
                return WEIR_E_CORRUPT;
        return !sealed || is_guarded(region) ? WEIR_OK : WEIR_E_CORRUPT;
}

/* Windows has no fork, so nothing is inherited that was not asked for. */
enum weir_result
wr_region_map(wr_object region, uint64_t bytes, bool writable, void **address)
{
        uint64_t whole = wr_region_view_bytes(bytes);

        *address = NULL;
        if (whole == 0)
                return WEIR_E_TOO_LARGE;
        *address =
                MapViewOfFile(region, writable ? FILE_MAP_READ | FILE_MAP_WRITE : FILE_MAP_READ, 0, 0, (SIZE_T)whole);
        return *address != NULL ? WEIR_OK : last_error();
}

void
wr_region_unmap(void *address, uint64_t bytes)
{
        (void)bytes;
        if (address != NULL)
                UnmapViewOfFile(address);
}

/* Neighbouring runs of committed pages count as one; memory once committed stays so while a handle or view lives. */
enum weir_result
wr_region_committed(wr_object region, uint64_t from, uint64_t *to)
{
        char *view = MapViewOfFile(region, FILE_MAP_READ, 0, 0, 0);
        MEMORY_BASIC_INFORMATION run;

        *to = from;
        if (view == NULL)
                return last_error();
        while (VirtualQuery(view + *to, &run, sizeof run) == sizeof run && run.AllocationBase == view &&
               run.State == MEM_COMMIT)
                *to = (uint64_t)((char *)run.BaseAddress - view) + run.RegionSize;
        UnmapViewOfFile(view);
        return WEIR_OK;
}
