/* Included by region_test.c alone: what a memory file is not, and what is seen of one from outside. */
#ifndef WR_TEST_REGION_LINUX_H
#define WR_TEST_REGION_LINUX_H

#include "named-objects/kernel_linux.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REGION_EXACT = 1 };

/* Made by hand, with all that ours has. */
static wr_object
region_alike(uint64_t bytes)
{
        int alike = memfd_create("ours", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        cr_assert(eq(int, ftruncate(alike, (off_t)bytes), 0));
        cr_assert(
                eq(int, fcntl(alike, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL), 0));
        return alike;
}

/* Nobody sealed it. */
static wr_object
region_open_to_others(uint64_t bytes)
{
        wr_object region;

        cr_assert(eq(int, wr_region_create(&region, "test", bytes), WEIR_OK));
        return region;
}

enum { REGION_FOREIGN = 6 };

/* Each sealed like ours, as far as that goes. */
static wr_object
region_foreign(size_t kind, uint64_t bytes)
{
        char name[] = "/tmp/weir-region-XXXXXX", shm[] = "/dev/shm/weir-region-XXXXXX";
        int ends[2] = { -1, -1 }, fd = -1;

        if (kind == 0)
                fd = mkstemp(name);
        if (kind == 1)
                fd = mkstemp(shm);
        if (kind == 2)
                fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
        if (kind == 3) {
                cr_assert(eq(int, pipe(ends), 0));
                close(ends[1]);
                fd = ends[0];
        }
        if (kind == 4)
                fd = memfd_create("no seals", MFD_CLOEXEC);
        if (kind == 5) /* it answers F_GET_SEALS as ours does; only its file system tells it */
                fd = memfd_create("huge", MFD_HUGETLB | MFD_ALLOW_SEALING);
        cr_assert(ge(int, fd, 0));
        unlink(name);
        unlink(shm);
        (void)!ftruncate(fd, (off_t)bytes);
        (void)fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL);
        return fd;
}

static bool
region_is_inherited(wr_object region)
{
        return (fcntl(region, F_GETFD) & FD_CLOEXEC) == 0;
}

/* By its mode: whoever opens it as a program may not. */
static bool
region_executes(wr_object region, uint64_t bytes)
{
        struct stat file;

        (void)bytes;
        cr_assert(eq(int, fstat(region, &file), 0));
        return (file.st_mode & 07777) != 0600;
}

/* That the kernel has set apart for it. */
static uint64_t
region_memory(wr_object region, uint64_t bytes)
{
        struct stat file;

        cr_assert(eq(int, fstat(region, &file), 0));
        cr_assert(eq(u64, (uint64_t)file.st_size, bytes));
        return (uint64_t)file.st_blocks * 512;
}

#endif
