/* Commit by MADV_POPULATE_WRITE: the pages are there afterwards, or there is an error instead of a signal. */
#include "bus/os/memory.h"

#include "bus/atomic.h"
#include "bus/os/error.h"
#include "bus/os/headroom.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { POPULATE_WRITE = 23 }; /* MADV_POPULATE_WRITE, Linux 5.14 */

size_t
wr_memory_page_bytes(void)
{
        return (size_t)sysconf(_SC_PAGESIZE);
}

/* Before 5.14 the advice is unknown, which looks like a range that cannot be written: a page of ours tells. */
static bool
populate_is_known(void)
{
        size_t page_bytes = wr_memory_page_bytes();
        void *page = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        bool known;

        if (page == MAP_FAILED)
                return true; /* the error that brought us here stands */
        known = madvise(page, page_bytes, POPULATE_WRITE) == 0;
        munmap(page, page_bytes);
        return known;
}

/* Write to each page without changing it. Atomic, since others of this process may already write beside us. */
static void
touch(char *start, size_t bytes, size_t page_bytes)
{
        volatile uint32_t nothing = 0; /* clang makes a plain load of an addition that it knows to be of 0 */

        for (size_t at = 0; at < bytes; at += page_bytes)
                wr_add32((wr_word32 *)(void *)(start + at), nothing);
}

enum weir_result
wr_memory_commit(void *address, size_t bytes)
{
        size_t page_bytes = wr_memory_page_bytes();
        size_t before = (uintptr_t)address % page_bytes;
        char *start = (char *)address - before;
        int failed;

        if (bytes == 0)
                return WEIR_OK;
        if (bytes > SIZE_MAX / 2)
                return WEIR_E_TOO_LARGE;
        if (wr_headroom_bytes() < (uint64_t)bytes + bytes / 16)
                return WEIR_E_NO_MEMORY;
        bytes = (before + bytes + page_bytes - 1) / page_bytes * page_bytes;
        do {
                failed = madvise(start, bytes, POPULATE_WRITE) == 0 ? 0 : errno;
        } while (failed == EINTR || failed == EAGAIN);
        if (failed == EINVAL && !populate_is_known()) {
                touch(start, bytes, page_bytes);
                return WEIR_OK;
        }
        if (failed == EFAULT)
                return WEIR_E_NO_MEMORY; /* touching it would have been SIGBUS: the file has no space */
        return failed == 0 ? WEIR_OK : wr_os_error(failed);
}

void
wr_memory_huge(void *address, size_t bytes)
{
        (void)madvise(address, bytes, MADV_HUGEPAGE);
}

void *
wr_memory_aligned(size_t align, size_t bytes)
{
        return aligned_alloc(align, bytes);
}

void
wr_memory_aligned_free(void *memory)
{
        free(memory);
}
