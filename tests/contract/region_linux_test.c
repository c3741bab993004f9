/* What region.h promises on Linux beyond what it promises everywhere: seals, descriptors, forks. */
#include "named-objects/region.h"

#include "named-objects/kernel_linux.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

static wr_object
region_of(uint64_t bytes)
{
        wr_object region;

        cr_assert(eq(int, wr_region_create(&region, "test", bytes), WEIR_OK));
        return region;
}

static char *
map_of(wr_object region, uint64_t bytes, bool writable)
{
        void *address;

        cr_assert(eq(int, wr_region_map(region, bytes, writable, &address), WEIR_OK));
        return address;
}

Test(region_linux, a_new_one_has_its_exact_size_is_zero_and_takes_no_memory)
{
        wr_object region = region_of(MIB + 17);
        struct stat file;
        char *bytes;

        cr_assert(eq(int, fstat(region, &file), 0));
        cr_assert(eq(long, file.st_size, MIB + 17));
        cr_assert(eq(long, file.st_blocks, 0));
        bytes = map_of(region, MIB + 17, false);
        for (int i = 0; i < MIB + 17; i++)
                cr_assert_eq(bytes[i], 0);
        wr_region_unmap(bytes, MIB + 17);
        wr_object_close(region);
}

Test(region_linux, the_seals_come_in_the_order_of_the_design)
{
        wr_object region = region_of(MIB);
        int size_seals = F_SEAL_SHRINK | F_SEAL_GROW, all = size_seals | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
        char *writer = map_of(region, MIB, true);

        /* NOEXEC, where the kernel has it, brings a seal of its own. */
        cr_assert(eq(int, fcntl(region, F_GET_SEALS) & ~F_SEAL_EXEC, size_seals));
        cr_assert(eq(int, wr_region_seal(region), WEIR_OK));
        cr_assert(eq(int, fcntl(region, F_GET_SEALS) & ~F_SEAL_EXEC, all));
        writer[MIB - 1] = 7; /* the mapping from before goes on */
        wr_region_unmap(writer, MIB);
        wr_object_close(region);
}

Test(region_linux, it_closes_on_exec_and_cannot_be_executed)
{
        wr_object region = region_of(MIB), read_only;
        struct stat file;

        cr_assert(eq(int, wr_region_read_only(region, &read_only), WEIR_OK));
        cr_assert(ne(int, fcntl(region, F_GETFD) & FD_CLOEXEC, 0));
        cr_assert(ne(int, fcntl(read_only, F_GETFD) & FD_CLOEXEC, 0));
        cr_assert(eq(int, fstat(region, &file), 0));
        cr_assert(eq(int, file.st_mode & 07777, 0600));
        wr_object_close(read_only);
        wr_object_close(region);
}

Test(region_linux, the_check_tells_a_sealed_one_from_one_that_is_not)
{
        wr_object region = region_of(MIB);

        cr_assert(eq(int, wr_region_check(region, MIB, false), WEIR_OK));
        cr_assert(eq(int, wr_region_check(region, MIB, true), WEIR_E_CORRUPT));
        cr_assert(eq(int, wr_region_seal(region), WEIR_OK));
        cr_assert(eq(int, wr_region_check(region, MIB, true), WEIR_OK));
        cr_assert(eq(int, wr_region_check(region, MIB - 1, true), WEIR_E_CORRUPT));
        cr_assert(eq(int, wr_region_check(region, MIB + 1, true), WEIR_E_CORRUPT));
        wr_object_close(region);
}

/* Seals it like ours, as far as that goes. */
static enum weir_result
check_foreign(int fd)
{
        enum weir_result result;

        cr_assert(ge(int, fd, 0));
        (void)!ftruncate(fd, 2 * MIB);
        (void)fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL);
        result = wr_region_check(fd, 2 * MIB, true);
        close(fd);
        return result;
}

Test(region_linux, the_check_refuses_every_other_kind_of_file)
{
        char name[] = "/tmp/weir-region-XXXXXX", shm[] = "/dev/shm/weir-region-XXXXXX";
        int ends[2];

        cr_assert(eq(int, check_foreign(mkstemp(name)), WEIR_E_CORRUPT));
        cr_assert(eq(int, check_foreign(mkstemp(shm)), WEIR_E_CORRUPT));
        unlink(name);
        unlink(shm);
        cr_assert(eq(int, check_foreign(open("/dev/zero", O_RDWR)), WEIR_E_CORRUPT));
        cr_assert(eq(int, pipe(ends), 0));
        cr_assert(eq(int, check_foreign(ends[0]), WEIR_E_CORRUPT));
        cr_assert(eq(int, check_foreign(memfd_create("no seals", MFD_CLOEXEC)), WEIR_E_CORRUPT));
        /* It answers F_GET_SEALS as ours does; only its file system tells it. */
        cr_assert(eq(int, check_foreign(memfd_create("huge", MFD_HUGETLB | MFD_ALLOW_SEALING)), WEIR_E_CORRUPT));
        cr_assert(eq(int, check_foreign(memfd_create("ours", MFD_ALLOW_SEALING)), WEIR_OK));
        cr_assert(eq(int, wr_region_check(-1, MIB, false), WEIR_E_CORRUPT));
}

static void *
read_only_with_own_table(void *argument)
{
        wr_object *result = argument, region, read_only;

        /* The number is then taken in this table by our region, and in the process's table by nothing. */
        if (unshare(CLONE_FILES) != 0)
                return NULL;
        region = region_of(MIB);
        *result = wr_region_read_only(region, &read_only);
        if (*result == WEIR_OK)
                *result = wr_region_check(read_only, MIB, false);
        return NULL;
}

Test(region_linux, a_thread_with_its_own_descriptor_table_makes_read_only_objects_too)
{
        int result = -99;
        pthread_t thread;

        cr_assert(eq(int, pthread_create(&thread, NULL, read_only_with_own_table, &result), 0));
        pthread_join(thread, NULL);
        cr_assert(eq(int, result, WEIR_OK));
}

/* Whether a forked child still has the page: 0 yes, ENOMEM no. */
static int
mapped_in_child(void *address)
{
        unsigned char there;
        int status;
        pid_t child = fork();

        if (child == 0)
                _exit(mincore(address, 1, &there) == 0 ? 0 : errno);
        cr_assert(eq(int, waitpid(child, &status, 0), child));
        return WEXITSTATUS(status);
}

Test(region_linux, a_forked_child_inherits_only_mappings_that_cannot_be_written)
{
        wr_object region = region_of(MIB);
        char *writer = map_of(region, MIB, true), *reader = map_of(region, MIB, false);

        cr_assert(eq(int, mapped_in_child(writer), ENOMEM));
        cr_assert(eq(int, mapped_in_child(reader), 0));
        wr_region_unmap(reader, MIB);
        wr_region_unmap(writer, MIB);
        wr_object_close(region);
}

Test(region_linux, allocate_takes_the_memory_at_once_and_a_sealed_size_does_not_hinder_it)
{
        wr_object region = region_of(64 * 1024);
        struct stat file;

        cr_assert(eq(int, wr_region_allocate(region, 64 * 1024), WEIR_OK));
        cr_assert(eq(int, fstat(region, &file), 0));
        cr_assert(eq(long, file.st_blocks * 512, 64 * 1024));
        cr_assert(eq(int, wr_region_allocate(region, 128 * 1024), WEIR_E_DENIED)); /* that would be growing */
        wr_object_close(region);
}
