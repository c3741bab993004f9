/* What region.h promises, on whatever system this is. What one system promises beyond that: region_linux_test.c,
 * region_win32_test.c. What others may not do with a region: hostile/. */
#include "named-objects/region.h"

#include "bus/os/memory.h"
#include "named-objects/flag.h"
#include "tests/contract/actor.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

enum { MIB = 1 << 20, PAGE = 4096 };

#ifdef _WIN32
#        include "tests/contract/region_win32.h"
#else
#        include "tests/contract/region_linux.h"
#endif

TestSuite(region, .timeout = 60);

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

Test(region, a_new_one_is_zero_as_far_as_its_memory_is_there)
{
        wr_object region = region_of(MIB + 17);
        char *writer = map_of(region, MIB + 17, true), *bytes = map_of(region, MIB + 17, false);

        cr_assert(eq(int, wr_region_check(region, MIB + 17, false), WEIR_OK));
        cr_assert(eq(int, wr_memory_commit(writer, MIB + 17), WEIR_OK));
        for (int i = 0; i < MIB + 17; i++)
                cr_assert_eq(bytes[i], 0);
        wr_region_unmap(bytes, MIB + 17);
        wr_region_unmap(writer, MIB + 17);
        wr_object_close(region);
}

Test(region, one_of_no_bytes_is_a_mistake_of_the_caller)
{
        wr_object region = (wr_object)5;
        void *address = &region;

        cr_assert(eq(int, wr_region_create(&region, "test", 0), WEIR_E_USAGE));
        cr_assert(region == WR_NO_OBJECT);
        region = region_of(4096);
        cr_assert(eq(int, wr_region_map(region, 0, true, &address), WEIR_E_TOO_LARGE));
        cr_assert_null(address);
        wr_object_close(region);
        wr_object_close(WR_NO_OBJECT);
}

Test(region, a_read_only_object_shows_what_the_writer_writes_and_maps_only_to_be_read)
{
        wr_object region = region_of(MIB), read_only;
        char *writer = map_of(region, MIB, true), *reader;
        void *address;

        cr_assert(eq(int, wr_region_seal(region), WEIR_OK));
        cr_assert(eq(int, wr_region_read_only(region, &read_only), WEIR_OK));
        wr_object_close(region);
        cr_assert(eq(int, wr_region_check(read_only, MIB, true), WEIR_OK));
        reader = map_of(read_only, MIB, false);
        cr_assert(eq(int, wr_memory_commit(writer, MIB), WEIR_OK));
        writer[4711] = 42;
        cr_assert(eq(chr, reader[4711], 42));
        cr_assert(eq(int, wr_region_map(read_only, MIB, true, &address), WEIR_E_DENIED));
        cr_assert_null(address);
        wr_region_unmap(reader, MIB);
        wr_region_unmap(writer, MIB);
        wr_object_close(read_only);
}

static uint64_t
committed(wr_object region, uint64_t from)
{
        uint64_t to = 1;

        cr_assert(eq(int, wr_region_committed(region, from, &to), WEIR_OK));
        return to;
}

Test(region, what_is_committed_is_told_chunk_by_chunk_through_the_read_only_object)
{
        wr_object region = region_of(4 * MIB), read_only;
        char *writer = map_of(region, 4 * MIB, true);

        cr_assert(eq(int, wr_region_seal(region), WEIR_OK));
        cr_assert(eq(int, wr_region_read_only(region, &read_only), WEIR_OK));
        cr_assert(eq(u64, committed(read_only, 0), 0));
        cr_assert(eq(int, wr_memory_commit(writer, MIB), WEIR_OK));
        cr_assert(eq(u64, committed(read_only, 0), MIB));
        cr_assert(eq(u64, committed(read_only, MIB / 2), MIB));
        cr_assert(eq(u64, committed(read_only, 3 * MIB), 3 * MIB));
        /* A gap behind it, then data: only the first run counts. */
        cr_assert(eq(int, wr_memory_commit(writer + 2 * MIB, MIB), WEIR_OK));
        cr_assert(eq(u64, committed(read_only, 0), MIB));
        cr_assert(eq(int, wr_memory_commit(writer + MIB, MIB), WEIR_OK));
        cr_assert(eq(u64, committed(read_only, 0), 3 * MIB));
        cr_assert(eq(u64, committed(read_only, 4 * MIB), 4 * MIB));
        wr_region_unmap(writer, 4 * MIB);
        wr_object_close(read_only);
        wr_object_close(region);
}

Test(region, the_check_knows_the_size_and_the_kind)
{
        wr_object region = region_of(MIB), flag;

        cr_assert(eq(int, wr_region_check(region, MIB, false), WEIR_OK));
        cr_assert(eq(int, wr_region_seal(region), WEIR_OK));
        cr_assert(eq(int, wr_region_check(region, MIB, true), WEIR_OK));
        cr_assert(eq(int, wr_region_check(region, MIB - REGION_EXACT, true), WEIR_E_CORRUPT));
        cr_assert(eq(int, wr_region_check(region, MIB + REGION_EXACT, true), WEIR_E_CORRUPT));
        cr_assert(eq(int, wr_flag_create(&flag), WEIR_OK));
        cr_assert(eq(int, wr_region_check(flag, MIB, false), WEIR_E_CORRUPT));
        cr_assert(eq(int, wr_region_check(region_alike(MIB), MIB, true), WEIR_OK), "whoever made it");
        cr_assert(eq(int, wr_region_check(WR_NO_OBJECT, MIB, false), WEIR_E_CORRUPT));
        wr_object_close(flag);
        wr_object_close(region);
}

Test(region, allocate_takes_the_memory_at_once)
{
        wr_object region = region_of(64 * 1024);

        cr_assert(eq(int, wr_region_allocate(region, 64 * 1024), WEIR_OK));
        cr_assert(eq(int, wr_region_allocate(region, 128 * 1024), WEIR_E_DENIED)); /* that would be growing */
        wr_object_close(region);
}

/* The same memory under a number of the other process's own. */
Test(region, another_process_may_do_with_it_what_it_was_handed)
{
        wr_object region = region_of(PAGE), read_only;
        struct actor actor;
        char *bytes;

        cr_assert(eq(int, wr_region_allocate(region, PAGE), WEIR_OK));
        bytes = map_of(region, PAGE, true);
        actor = actor_start("write", "-", &region, 1);
        cr_assert(eq(int, actor_wait(&actor), 0));
        cr_assert(eq(chr, bytes[63], 7));
        cr_assert(eq(int, wr_region_seal(region), WEIR_OK));
        cr_assert(eq(int, wr_region_read_only(region, &read_only), WEIR_OK));
        actor = actor_start("read", "-", &read_only, 1);
        cr_assert(eq(int, actor_wait(&actor), 0));
        actor = actor_start("write", "-", &read_only, 1);
        cr_assert(eq(int, actor_wait(&actor), 2));
        wr_region_unmap(bytes, PAGE);
        wr_object_close(read_only);
        wr_object_close(region);
}

static void
region_life(void)
{
        wr_object region = region_of(MIB), read_only;
        char *writer = map_of(region, MIB, true);

        cr_assert(eq(int, wr_memory_commit(writer, PAGE), WEIR_OK));
        cr_assert(eq(int, wr_region_seal(region), WEIR_OK));
        cr_assert(eq(int, wr_region_read_only(region, &read_only), WEIR_OK));
        cr_assert(eq(int, wr_region_check(read_only, MIB, true), WEIR_OK));
        cr_assert(eq(u64, committed(read_only, 0), PAGE));
        wr_region_unmap(writer, MIB);
        wr_object_close(read_only);
        wr_object_close(region);
}

Test(region, a_thousand_that_came_and_went_leave_no_object_behind)
{
        uint32_t before;

        region_life();
        before = actor_objects_now();
        for (int i = 0; i < 1000; i++)
                region_life();
        cr_assert(eq(u32, actor_objects_now(), before));
}

/* The broker looks at its own handle; a client's may not read the list on Windows. */
Test(region, the_check_tells_one_that_is_closed_to_others_from_one_that_is_not)
{
        wr_object region = region_of(MIB), open_one = region_open_to_others(MIB);

        cr_assert(eq(int, wr_region_check(open_one, MIB, true), WEIR_E_CORRUPT));
        cr_assert(eq(int, wr_region_seal(region), WEIR_OK));
        cr_assert(eq(int, wr_region_check(region, MIB, true), WEIR_OK));
        wr_object_close(open_one);
        wr_object_close(region);
}

Test(region, the_check_refuses_every_other_kind_of_object)
{
        for (size_t i = 0; i < REGION_FOREIGN; i++) {
                wr_object foreign = region_foreign(i, 2 * MIB);

                cr_assert(eq(int, wr_region_check(foreign, 2 * MIB, true), WEIR_E_CORRUPT), "kind %zu", i);
                wr_object_close(foreign);
        }
}

Test(region, no_child_inherits_one_and_nobody_executes_it)
{
        wr_object region = region_of(MIB), read_only;

        cr_assert(eq(int, wr_region_allocate(region, MIB), WEIR_OK));
        cr_assert(eq(int, wr_region_read_only(region, &read_only), WEIR_OK));
        cr_assert(not(region_is_inherited(region)));
        cr_assert(not(region_is_inherited(read_only)));
        cr_assert(not(region_executes(read_only, MIB)));
        wr_object_close(read_only);
        wr_object_close(region);
}

Test(region, a_new_one_takes_no_memory_and_allocate_takes_it_at_once)
{
        wr_object region = region_of(MIB);

        cr_assert(eq(u64, region_memory(region, MIB), 0));
        cr_assert(eq(int, wr_region_allocate(region, 64 * 1024), WEIR_OK));
        cr_assert(eq(u64, region_memory(region, MIB), 64 * 1024));
        wr_object_close(region);
}
