/* What region.h promises on Linux beyond what it promises everywhere: seals, descriptors, forks. */
#include "named-objects/region.h"

#include "named-objects/kernel_linux.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
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
