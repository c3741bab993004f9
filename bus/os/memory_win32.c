/* Commit of a reserved section's view. The commit limit of the system, or of the job, answers before anything is
 * touched: what is committed cannot fail later, and no other check of headroom is needed. */
#include "bus/os/memory.h"

#include "bus/os/error.h"

#include <malloc.h>
#include <windows.h>

enum weir_result
wr_memory_commit(void *address, size_t bytes)
{
        if (bytes == 0)
                return WEIR_OK;
        if (bytes > SIZE_MAX / 2)
                return WEIR_E_TOO_LARGE;
        return VirtualAlloc(address, bytes, MEM_COMMIT, PAGE_READWRITE) != NULL ? WEIR_OK
                                                                                : wr_os_error((int)GetLastError());
}

/* Large pages are a property of the whole section, need a privilege, and cannot be reserved: the wish is not granted.
 */
void
wr_memory_huge(void *address, size_t bytes)
{
        (void)address;
        (void)bytes;
}

size_t
wr_memory_page_bytes(void)
{
        SYSTEM_INFO system;

        GetSystemInfo(&system);
        return system.dwPageSize;
}

void *
wr_memory_aligned(size_t align, size_t bytes)
{
        return _aligned_malloc(bytes, align);
}

void
wr_memory_aligned_free(void *memory)
{
        _aligned_free(memory);
}
