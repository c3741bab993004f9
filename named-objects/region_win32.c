/*
 * A region is a section on the page file: reserved address space, committed piece by piece. Its rights are in the
 * handles:
 *
 *      the broker's            all, by creation
 *      the writer's            read and write, duplicated down
 *      everybody else's        read, duplicated down (wr_region_read_only)
 *
 * A handle that was narrowed can be duplicated back up, unless the section's list refuses it; a section without a
 * descriptor refuses nothing. So each has a protected list that grants nobody anything: D:P(A;;RC;;;OW). The one entry
 * is for the owner, who could otherwise change the list: where OWNER RIGHTS is named the owner has only what it says.
 * A handle with fewer rights than its source needs no grant, so this is enough to hand regions out.
 *
 * The size of a section never changes, and there is no other way to it than a handle: nothing is left to be sealed.
 */
#include "named-objects/region.h"

#include "bus/os/error.h"

#include <windows.h>
#include <winternl.h>

enum { READER_RIGHTS = SECTION_MAP_READ | SECTION_QUERY | READ_CONTROL, ACL_BYTES = 128, SD_BYTES = 512 };

/* winternl.h has the library, not the names. */
struct section_information {
        void *base;
        ULONG attributes;
        LARGE_INTEGER size;
};
NTSYSAPI NTSTATUS NTAPI
NtQuerySection(HANDLE section, int kind, void *information, SIZE_T size, SIZE_T *returned);
enum { SECTION_BASIC = 0 };

static enum weir_result
last_error(void)
{
        return wr_os_error((int)GetLastError());
}

/* Fills a descriptor that points into `acl`. */
static bool
descriptor_make(SECURITY_DESCRIPTOR *descriptor, ACL *acl, DWORD acl_bytes)
{
        BYTE owner_rights[SECURITY_MAX_SID_SIZE];
        DWORD sid_bytes = sizeof owner_rights;

        return InitializeSecurityDescriptor(descriptor, SECURITY_DESCRIPTOR_REVISION) &&
               InitializeAcl(acl, acl_bytes, ACL_REVISION) &&
               CreateWellKnownSid(WinCreatorOwnerRightsSid, NULL, owner_rights, &sid_bytes) &&
               AddAccessAllowedAce(acl, ACL_REVISION, READ_CONTROL, owner_rights) &&
               SetSecurityDescriptorDacl(descriptor, TRUE, acl, FALSE) &&
               SetSecurityDescriptorControl(descriptor, SE_DACL_PROTECTED, SE_DACL_PROTECTED);
}

/* name: for people who look; a section without a name can be reached by nobody who was not given a handle. */
enum weir_result
wr_region_create(wr_object *region, const char *name, uint64_t bytes)
{
        union {
                ACL acl;
                BYTE bytes[ACL_BYTES];
        } list;
        SECURITY_DESCRIPTOR descriptor;
        SECURITY_ATTRIBUTES attributes = { sizeof attributes, &descriptor, FALSE };

        (void)name;
        *region = WR_NO_OBJECT;
        if (bytes == 0 || bytes > INT64_MAX)
                return WEIR_E_USAGE;
        if (!descriptor_make(&descriptor, &list.acl, sizeof list))
                return last_error();
        *region = CreateFileMappingW(INVALID_HANDLE_VALUE, &attributes, PAGE_READWRITE | SEC_RESERVE,
                                     (DWORD)(bytes >> 32), (DWORD)bytes, NULL);
        return *region != NULL ? WEIR_OK : last_error();
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

/* Nothing to do: nobody gets write access but from a handle that the broker narrows, and it narrows all from now on. */
enum weir_result
wr_region_seal(wr_object region)
{
        return region != WR_NO_OBJECT ? WEIR_OK : WEIR_E_USAGE;
}

/* Is there a list, and is it protected? A section that was made without one has none. */
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

        return GetKernelObjectSecurity(region, DACL_SECURITY_INFORMATION, &security.descriptor, sizeof security,
                                       &needed) &&
               GetSecurityDescriptorDacl(&security.descriptor, &present, &acl, &defaulted) && present && acl != NULL &&
               GetSecurityDescriptorControl(&security.descriptor, &control, &revision) &&
               (control & SE_DACL_PROTECTED) != 0;
}

enum weir_result
wr_region_check(wr_object region, uint64_t bytes, bool sealed)
{
        struct section_information section;
        SYSTEM_INFO system;
        uint64_t pages;

        GetSystemInfo(&system);
        pages = (bytes + system.dwPageSize - 1) / system.dwPageSize *
                system.dwPageSize; /* the kernel counts in pages */
        if (NtQuerySection(region, SECTION_BASIC, &section, sizeof section, NULL) < 0)
                return WEIR_E_CORRUPT;
        /* On a file, reading could fail; an image is not memory. */
        if ((section.attributes & SEC_RESERVE) == 0 || (section.attributes & (SEC_FILE | SEC_IMAGE)) != 0)
                return WEIR_E_CORRUPT;
        if ((uint64_t)section.size.QuadPart != bytes && (uint64_t)section.size.QuadPart != pages)
                return WEIR_E_CORRUPT;
        return !sealed || is_guarded(region) ? WEIR_OK : WEIR_E_CORRUPT;
}

enum weir_result
wr_region_read_only(wr_object region, wr_object *read_only)
{
        HANDLE self = GetCurrentProcess();

        *read_only = WR_NO_OBJECT;
        return DuplicateHandle(self, region, self, read_only, READER_RIGHTS, FALSE, 0) ? WEIR_OK : last_error();
}

/* Windows has no fork, so nothing is inherited that was not asked for. */
enum weir_result
wr_region_map(wr_object region, uint64_t bytes, bool writable, void **address)
{
        *address = NULL;
        if (bytes == 0 || bytes > SIZE_MAX / 2)
                return WEIR_E_TOO_LARGE;
        *address =
                MapViewOfFile(region, writable ? FILE_MAP_READ | FILE_MAP_WRITE : FILE_MAP_READ, 0, 0, (SIZE_T)bytes);
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

void
wr_object_close(wr_object object)
{
        if (object != WR_NO_OBJECT)
                CloseHandle(object);
}
