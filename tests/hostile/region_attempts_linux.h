/* Included by region_attempts_test.c alone: what there is to try against a sealed memory file. Root has every right
 * that a user can have; another user does not own the file. */
#ifndef REGION_ATTEMPTS_LINUX_H
#define REGION_ATTEMPTS_LINUX_H

#include "named-objects/kernel_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PUNCH = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE };

static int
error_of(long result)
{
        return result < 0 ? errno : 0;
}

static int
map_to_write(int fd)
{
        return mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? errno : 0;
}

static int
protect_to_write(const struct target *t)
{
        return error_of(mprotect(t->view, BYTES, PROT_READ | PROT_WRITE));
}

static int
second_map(const struct target *t)
{
        return map_to_write(t->object);
}

static int
reopen(const struct target *t)
{
        return error_of(open(t->path, O_RDWR));
}

static int
reopen_and_map(const struct target *t)
{
        int fd = open(t->path, O_RDWR);

        return fd < 0 ? errno : map_to_write(fd);
}

static int
reopen_and_write(const struct target *t)
{
        int fd = open(t->path, O_RDWR);

        return fd < 0 ? errno : error_of(pwrite(fd, "x", 1, 0));
}

static int
reopen_and_punch(const struct target *t)
{
        int fd = open(t->path, O_RDWR);

        return fd < 0 ? errno : error_of(fallocate(fd, PUNCH, 0, 4096));
}

static int
reopen_and_shrink(const struct target *t)
{
        int fd = open(t->path, O_RDWR);

        return fd < 0 ? errno : error_of(ftruncate(fd, 4096));
}

static int
reopen_and_grow(const struct target *t)
{
        int fd = open(t->path, O_RDWR);

        return fd < 0 ? errno : error_of(ftruncate(fd, 2 * BYTES));
}

static int
reopen_and_seal(const struct target *t)
{
        int fd = open(t->path, O_RDWR);

        return fd < 0 ? errno : error_of(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
}

static int
plain_write(const struct target *t)
{
        return error_of(pwrite(t->object, "x", 1, 0));
}

static int
plain_punch(const struct target *t)
{
        return error_of(fallocate(t->object, PUNCH, 0, 4096));
}

static int
plain_truncate(const struct target *t)
{
        return error_of(ftruncate(t->object, 0));
}

static int
truncate_by_path(const struct target *t)
{
        return error_of(truncate(t->path, 0));
}

static int
plain_seal(const struct target *t)
{
        return error_of(fcntl(t->object, F_ADD_SEALS, F_SEAL_WRITE));
}

static int
remove_pages(const struct target *t)
{
        return error_of(madvise(t->view, 4096, MADV_REMOVE));
}

/* Through procfs a debugger may write what it may only read, unless the mapping could never be written. */
static int
write_own_memory(const struct target *t)
{
        int fd = open("/proc/self/mem", O_RDWR);

        return fd < 0 ? errno : error_of(pwrite(fd, "x", 1, (off_t)(uintptr_t)t->view));
}

static int
make_writable_by_all(const struct target *t)
{
        return error_of(fchmod(t->object, 0666)) != 0 ? errno : map_to_write(open(t->path, O_RDWR));
}

static const struct attempt reader_attempts[] = {
        { "mprotect", protect_to_write, EACCES, EACCES },
        { "second map", second_map, EACCES, EACCES },
        { "reopen", reopen, 0, EACCES },
        { "reopen and map", reopen_and_map, EPERM, EACCES },
        { "reopen and write", reopen_and_write, EPERM, EACCES },
        { "reopen and punch", reopen_and_punch, EPERM, EACCES },
        { "reopen and shrink", reopen_and_shrink, EPERM, EACCES },
        { "reopen and grow", reopen_and_grow, EPERM, EACCES },
        { "reopen and seal", reopen_and_seal, EPERM, EACCES },
        { "write", plain_write, EBADF, EBADF },
        { "punch", plain_punch, EBADF, EBADF },
        { "truncate", plain_truncate, EINVAL, EINVAL },
        { "truncate by path", truncate_by_path, EPERM, EACCES },
        { "seal", plain_seal, EPERM, EPERM },
        { "MADV_REMOVE", remove_pages, EACCES, EACCES },
        { "/proc/self/mem", write_own_memory, EIO, EIO },
        { "chmod and map", make_writable_by_all, EPERM, EPERM },
};
enum { READER_ATTEMPTS = sizeof reader_attempts / sizeof *reader_attempts };

/* ---- the writer's --------------------------------------------------------------------------------------------- */

static int
shrink(const struct target *t)
{
        return error_of(ftruncate(t->object, 4096));
}

static int
empty(const struct target *t)
{
        return error_of(ftruncate(t->object, 0));
}

static int
grow(const struct target *t)
{
        return error_of(ftruncate(t->object, 2 * BYTES));
}

static int
seal_again(const struct target *t)
{
        return wr_region_seal(t->object) == WEIR_E_DENIED ? EPERM : 0;
}

static const struct attempt writer_attempts[] = {
        { "second map", second_map, EPERM, EPERM },
        { "write", plain_write, EPERM, EPERM },
        { "punch", plain_punch, EPERM, EPERM },
        { "shrink", shrink, EPERM, EPERM },
        { "grow", grow, EPERM, EPERM },
        { "MADV_REMOVE", remove_pages, EPERM, EPERM },
        { "seal", plain_seal, EPERM, EPERM },
        { "seal as we do", seal_again, EPERM, EPERM },
};
enum { WRITER_ATTEMPTS = sizeof writer_attempts / sizeof *writer_attempts };

static const struct attempt size_attempts[] = {
        { "empty", empty, EPERM, EPERM },
        { "shrink", shrink, EPERM, EPERM },
        { "grow", grow, EPERM, EPERM },
};
enum { SIZE_ATTEMPTS = sizeof size_attempts / sizeof *size_attempts };

static char *
twin_of(const struct target *t)
{
        char *twin = mremap(t->view, 0, BYTES, MREMAP_MAYMOVE);

        cr_assert(ne(ptr, twin, MAP_FAILED));
        return twin;
}

/* What a client gets of it: a descriptor goes over as it is. */
static wr_object
as_handed(wr_object object)
{
        return object;
}

/* ---- one that nobody sealed ----------------------------------------------------------------------------------- */

static wr_object
unprotected_region(void)
{
        wr_object region;

        cr_assert(eq(int, wr_region_create(&region, "lane", BYTES), WEIR_OK));
        return region;
}

static wr_object
unprotected_read_only(wr_object region)
{
        wr_object read_only;

        cr_assert(eq(int, wr_region_read_only(region, &read_only), WEIR_OK));
        return read_only;
}

/* Who looks whether it is sealed: its reader. */
static wr_object
checked_of(wr_object region, wr_object read_only)
{
        (void)region;
        return read_only;
}

static int
spoil(const struct target *t)
{
        int fd = open(t->path, O_RDWR);
        char *writable = fd < 0 ? MAP_FAILED : mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        if (writable == MAP_FAILED)
                return errno;
        writable[0] = 0;
        return 0;
}

#endif
