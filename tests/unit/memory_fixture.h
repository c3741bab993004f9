/* Address space for wr_memory_commit(), and what the system says of it. Nothing of it is given back: each test is a
 * process. */
#ifndef MEMORY_FIXTURE_H
#define MEMORY_FIXTURE_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#ifdef _WIN32
#        include <windows.h>

static inline char *
memory_view(size_t bytes, DWORD access)
{
        HANDLE section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE | SEC_RESERVE,
                                            (DWORD)(bytes >> 32), (DWORD)bytes, NULL);
        char *address = MapViewOfFile(section, access, 0, 0, bytes);

        cr_assert(ne(ptr, address, NULL));
        CloseHandle(section);
        return address;
}

/* May be written, and no page of it is there. */
static inline char *
memory_reserved(size_t bytes)
{
        return memory_view(bytes, FILE_MAP_WRITE);
}

static inline char *
memory_read_only(size_t bytes)
{
        return memory_view(bytes, FILE_MAP_READ);
}

/* An address at which nothing is. */
static inline char *
memory_gone(size_t bytes)
{
        char *address = memory_view(bytes, FILE_MAP_WRITE);

        cr_assert(UnmapViewOfFile(address));
        return address;
}

static inline size_t
memory_page_bytes(void)
{
        SYSTEM_INFO system;

        GetSystemInfo(&system);
        return system.dwPageSize;
}

static inline size_t
memory_pages_there(char *address, size_t bytes)
{
        MEMORY_BASIC_INFORMATION range;
        size_t there = 0;

        for (char *at = address; at < address + bytes; at = (char *)range.BaseAddress + range.RegionSize) {
                cr_assert(ne(sz, VirtualQuery(at, &range, sizeof range), 0));
                if (range.State == MEM_COMMIT)
                        there += range.RegionSize / memory_page_bytes();
        }
        return there;
}
#else
#        include <sys/mman.h>
#        include <unistd.h>

static inline char *
memory_mapping(size_t bytes, int protection)
{
        char *address = mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        cr_assert(ne(ptr, address, MAP_FAILED));
        madvise(address, bytes, MADV_NOHUGEPAGE);
        return address;
}

/* May be written, and no page of it is there. */
static inline char *
memory_reserved(size_t bytes)
{
        return memory_mapping(bytes, PROT_READ | PROT_WRITE);
}

static inline char *
memory_read_only(size_t bytes)
{
        return memory_mapping(bytes, PROT_READ);
}

/* An address at which nothing is. */
static inline char *
memory_gone(size_t bytes)
{
        char *address = memory_mapping(bytes, PROT_READ);

        cr_assert(eq(int, munmap(address, bytes), 0));
        return address;
}

static inline size_t
memory_page_bytes(void)
{
        return (size_t)sysconf(_SC_PAGESIZE);
}

static inline size_t
memory_pages_there(char *address, size_t bytes)
{
        static unsigned char there[1024];
        size_t pages = bytes / memory_page_bytes(), count = 0;

        cr_assert(le(sz, pages, sizeof there));
        cr_assert(eq(int, mincore(address, bytes, there), 0));
        for (size_t i = 0; i < pages; i++)
                count += there[i] & 1;
        return count;
}
#endif

#endif
