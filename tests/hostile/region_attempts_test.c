/* All that a holder of a region may try beyond what it was handed, each with the error that the kernel must give, as
 * the same user (who has every right a user can have) and as another one. What there is to try is the system's:
 * region_attempts_linux.h, region_attempts_win32.h. */
#include "named-objects/region.h"

#include "tests/hostile/other.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(region_attempts, .fini = kit_clean, .timeout = 60);

enum { BYTES = 1 << 16 };

struct target {
        wr_object object;
        char *view;    /* a mapping of it, as the object allows */
        char path[64]; /* of the descriptor under /proc, on Linux */
};

/* Does one thing and returns 0 or the system's error. */
struct attempt {
        const char *name;
        int (*act)(const struct target *);
        int error, error_as_other; /* the second: of another user */
};

#ifdef _WIN32
#        include "tests/hostile/region_attempts_win32.h"
#else
#        include "tests/hostile/region_attempts_linux.h"
#endif

/* Returns how many did not end as they must, each told by its name. */
static uint64_t
attempt_all(const struct attempt *attempts, size_t count, const struct target *target, bool as_other)
{
        uint64_t wrong = 0;

        for (size_t i = 0; i < count; i++) {
                int wanted = as_other ? attempts[i].error_as_other : attempts[i].error;
                int error = attempts[i].act(target);

                if (error != wanted)
                        fprintf(stderr, "%s: error %d, not %d\n", attempts[i].name, error, wanted);
                wrong += error != wanted;
        }
        return wrong;
}

static struct target
target_of(wr_object object, bool writable)
{
        struct target target = { .object = object };
        void *view;

        kit_must(wr_region_map(object, BYTES, writable, &view) == WEIR_OK);
        target.view = view;
        snprintf(target.path, sizeof target.path, "/proc/self/fd/%d", (int)(intptr_t)object);
        return target;
}

static void
play_reader(int line, bool as_other)
{
        struct target target = target_of(other_take(line), false);

        kit_say(line, attempt_all(reader_attempts, READER_ATTEMPTS, &target, as_other));
}

static void
play_same(int line)
{
        play_reader(line, false);
}

static void
play_other(int line)
{
        play_reader(line, true);
}

static wr_object
filled_region(char **writer)
{
        wr_object region;
        void *address;

        cr_assert(eq(int, wr_region_create(&region, "lane", BYTES), WEIR_OK));
        cr_assert(eq(int, wr_region_allocate(region, BYTES), WEIR_OK));
        cr_assert(eq(int, wr_region_map(region, BYTES, true, &address), WEIR_OK));
        *writer = address;
        memset(*writer, 0x5a, BYTES);
        return region;
}

static void
expect_held_back(struct kit_child (*start)(void (*play)(int)), void (*play)(int))
{
        char *writer;
        wr_object region = filled_region(&writer), read_only, handed;
        struct target target;
        struct kit_child child;

        cr_assert(eq(int, wr_region_seal(region), WEIR_OK));
        cr_assert(eq(int, wr_region_check(region, BYTES, true), WEIR_OK));
        cr_assert(eq(int, wr_region_read_only(region, &read_only), WEIR_OK));
        handed = as_handed(read_only);
        target = target_of(handed, false);
        child = start(play);
        other_give(&child, handed);
        cr_assert(eq(u64, kit_hear(child.line), 0));
        cr_assert(eq(int, kit_end(&child), 0));
        for (int i = 0; i < BYTES; i++)
                cr_assert_eq(writer[i], 0x5a);
        cr_assert(eq(int, wr_region_check(handed, BYTES, true), WEIR_OK));
        writer[0] = 1; /* the publisher goes on */
        cr_assert_eq(target.view[0], 1);
}

Test(region_attempts, the_same_user_cannot_write_a_sealed_region)
{
        expect_held_back(kit_start, play_same);
}

Test(region_attempts, another_user_cannot_write_a_sealed_region)
{
        expect_held_back(other_start, play_other);
}

static void
play_spoil(int line)
{
        struct target target = target_of(other_take(line), false);

        kit_say(line, (uint64_t)spoil(&target));
}

/* The proof that the seal does it, or the list: without it the same read-only object writes the region. */
Test(region_attempts, one_that_was_not_sealed_can_be_written_and_the_check_finds_it)
{
        char *writer;
        wr_object region = unprotected_region(), read_only;
        struct kit_child child;
        void *address;

        cr_assert(eq(int, wr_region_map(region, BYTES, true, &address), WEIR_OK));
        writer = address;
        writer[0] = 0x5a;
        read_only = unprotected_read_only(region);
        child = kit_start(play_spoil);
        other_give(&child, read_only);
        cr_assert(eq(u64, kit_hear(child.line), 0));
        cr_assert(eq(int, kit_end(&child), 0));
        cr_assert_eq(writer[0], 0);
        cr_assert(eq(int, wr_region_check(checked_of(region, read_only), BYTES, true), WEIR_E_CORRUPT));
}

/* The publisher keeps what it mapped before, and gets nothing more. */
Test(region_attempts, the_writer_gets_no_other_way_to_write_after_the_seal)
{
        char *writer, *twin;
        wr_object region = filled_region(&writer), handed = as_handed(region);
        struct target target = { .object = handed, .view = writer };

        cr_assert(eq(int, wr_region_seal(region), WEIR_OK));
        cr_assert(eq(u64, attempt_all(writer_attempts, WRITER_ATTEMPTS, &target, false), 0));
        twin = twin_of(&target); /* its own mapping it may have twice */
        twin[5] = 9;
        cr_assert_eq(writer[5], 9);
}

/* Its size stands from the first moment: no peer makes a load of ours a fault. */
Test(region_attempts, a_pair_page_cannot_be_truncated_by_the_peer_that_writes_it)
{
        char *writer;
        wr_object region = filled_region(&writer), handed = as_handed(region);
        struct target target = { .object = handed, .view = writer };

        cr_assert(eq(u64, attempt_all(size_attempts, SIZE_ATTEMPTS, &target, false), 0));
        for (int i = 0; i < BYTES; i++)
                cr_assert_eq(writer[i], 0x5a);
}
