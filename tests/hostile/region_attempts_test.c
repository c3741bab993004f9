/* All that a holder of a read-only region may try to write it, each with the error that the kernel must give, as the
 * same user (root, who has every right a user can have) and as another one. */
#include "named-objects/region.h"

#include "named-objects/kernel_linux.h"
#include "named-objects/signal.h"
#include "tests/hostile/child.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(region_attempts, .timeout = 60);

enum { BYTES = 1 << 16, PUNCH = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE };

struct target {
        wr_object read_only;
        char *reader;  /* a read-only mapping */
        char path[64]; /* the descriptor under /proc */
};

/* Each does one thing and returns 0 or the error. */
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
        return error_of(mprotect(t->reader, BYTES, PROT_READ | PROT_WRITE));
}

static int
second_map(const struct target *t)
{
        return map_to_write(t->read_only);
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
        return error_of(pwrite(t->read_only, "x", 1, 0));
}

static int
plain_punch(const struct target *t)
{
        return error_of(fallocate(t->read_only, PUNCH, 0, 4096));
}

static int
plain_truncate(const struct target *t)
{
        return error_of(ftruncate(t->read_only, 0));
}

static int
truncate_by_path(const struct target *t)
{
        return error_of(truncate(t->path, 0));
}

static int
plain_seal(const struct target *t)
{
        return error_of(fcntl(t->read_only, F_ADD_SEALS, F_SEAL_WRITE));
}

static int
remove_pages(const struct target *t)
{
        return error_of(madvise(t->reader, 4096, MADV_REMOVE));
}

/* Through procfs a debugger may write what it may only read, unless the mapping could never be written. */
static int
write_own_memory(const struct target *t)
{
        int fd = open("/proc/self/mem", O_RDWR);

        return fd < 0 ? errno : error_of(pwrite(fd, "x", 1, (off_t)(uintptr_t)t->reader));
}

static int
make_writable_by_all(const struct target *t)
{
        return error_of(fchmod(t->read_only, 0666)) != 0 ? errno : map_to_write(open(t->path, O_RDWR));
}

static const struct attempt {
        const char *name;
        int (*act)(const struct target *);
        int error, error_as_other; /* the second: of another user, who does not own the file */
} attempts[] = {
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
enum { ATTEMPTS = sizeof attempts / sizeof *attempts };

struct run {
        struct target *target;
        bool as_other;
};

/* 0, or 1 and the index of the first attempt that did not end as it must. */
static int
attempt_all(void *argument)
{
        const struct run *run = argument;

        for (int i = 0; i < ATTEMPTS; i++) {
                int wanted = run->as_other ? attempts[i].error_as_other : attempts[i].error;
                int error = attempts[i].act(run->target);

                if (error != wanted) {
                        fprintf(stderr, "%s: %s, not %s\n", attempts[i].name, strerror(error), strerror(wanted));
                        return i + 1;
                }
        }
        return 0;
}

static void
target_of(struct target *t, wr_object read_only)
{
        void *reader;

        cr_assert(eq(int, wr_region_map(read_only, BYTES, false, &reader), WEIR_OK));
        t->read_only = read_only;
        t->reader = reader;
        snprintf(t->path, sizeof t->path, "/proc/self/fd/%d", read_only);
}

static wr_object
filled_region(char **writer)
{
        wr_object region;
        void *address;

        cr_assert(eq(int, wr_region_create(&region, "lane", BYTES), WEIR_OK));
        cr_assert(eq(int, wr_region_map(region, BYTES, true, &address), WEIR_OK));
        *writer = address;
        memset(*writer, 0x5a, BYTES);
        return region;
}

static void
expect_held_back(uid_t user)
{
        char *writer;
        wr_object region = filled_region(&writer), read_only;
        struct target target;
        struct run run = { &target, user != 0 };

        cr_assert(eq(int, wr_region_seal(region), WEIR_OK));
        cr_assert(eq(int, wr_region_check(region, BYTES, true), WEIR_OK));
        cr_assert(eq(int, wr_region_read_only(region, &read_only), WEIR_OK));
        target_of(&target, read_only);
        cr_assert(eq(int, child_run(user, attempt_all, &run), 0));
        for (int i = 0; i < BYTES; i++)
                cr_assert_eq(writer[i], 0x5a);
        cr_assert(eq(int, wr_region_check(read_only, BYTES, true), WEIR_OK));
        writer[0] = 1; /* the publisher goes on */
        cr_assert_eq(target.reader[0], 1);
}

Test(region_attempts, root_itself_cannot_write_a_sealed_region)
{
        expect_held_back(0);
}

Test(region_attempts, another_user_cannot_write_a_sealed_region)
{
        expect_held_back(CHILD_NOBODY);
}

static int
reopen_and_spoil(void *argument)
{
        const struct target *t = argument;
        int fd = open(t->path, O_RDWR);
        char *writable = fd < 0 ? MAP_FAILED : mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        if (writable == MAP_FAILED)
                return 1;
        writable[0] = 0;
        return 0;
}

/* The proof that the seal does it: without FUTURE_WRITE the same read-only descriptor writes the region. */
Test(region_attempts, one_that_was_not_sealed_can_be_written_and_the_check_finds_it)
{
        char *writer;
        wr_object region = filled_region(&writer), read_only;
        struct target target;

        cr_assert(eq(int, wr_region_read_only(region, &read_only), WEIR_OK));
        target_of(&target, read_only);
        cr_assert(eq(int, child_run(0, reopen_and_spoil, &target), 0));
        cr_assert_eq(writer[0], 0);
        cr_assert(eq(int, wr_region_check(read_only, BYTES, true), WEIR_E_CORRUPT));
}

/* The publisher keeps what it mapped before, and gets nothing more. */
Test(region_attempts, the_writer_gets_no_other_way_to_write_after_the_seal)
{
        char *writer, *twin;
        wr_object region = filled_region(&writer);
        void *address;

        cr_assert(eq(int, wr_region_seal(region), WEIR_OK));
        cr_assert(eq(int, wr_region_map(region, BYTES, true, &address), WEIR_E_DENIED));
        cr_assert(eq(int, error_of(pwrite(region, "x", 1, 0)), EPERM));
        cr_assert(eq(int, error_of(fallocate(region, PUNCH, 0, 4096)), EPERM));
        cr_assert(eq(int, error_of(ftruncate(region, 4096)), EPERM));
        cr_assert(eq(int, error_of(ftruncate(region, 2 * BYTES)), EPERM));
        cr_assert(eq(int, error_of(madvise(writer, 4096, MADV_REMOVE)), EPERM));
        cr_assert(eq(int, error_of(fcntl(region, F_ADD_SEALS, F_SEAL_WRITE)), EPERM));
        cr_assert(eq(int, wr_region_seal(region), WEIR_E_DENIED));
        twin = mremap(writer, 0, BYTES, MREMAP_MAYMOVE); /* its own mapping it may have twice */
        cr_assert(ne(ptr, twin, MAP_FAILED));
        twin[5] = 9;
        cr_assert_eq(writer[5], 9);
}

/* A seal of size from the first moment: no peer turns a load of ours into SIGBUS. */
Test(region_attempts, a_pair_page_cannot_be_truncated_by_the_peer_that_writes_it)
{
        char *writer;
        wr_object region = filled_region(&writer);

        cr_assert(eq(int, error_of(ftruncate(region, 0)), EPERM));
        cr_assert(eq(int, error_of(ftruncate(region, 2 * BYTES)), EPERM));
        cr_assert_eq(writer[BYTES - 1], 0x5a);
}

struct theft {
        wr_word32 *pages[2]; /* the words of two pairs; both mapped by the victim, the second also by the thief */
        bool is_many;
};

static wr_word32 *
shared_word(void)
{
        wr_object region;
        void *address;

        cr_assert(eq(int, wr_region_create(&region, "pair", 4096), WEIR_OK));
        /* By hand, so that the children inherit it. */
        address = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
        cr_assert(ne(ptr, address, MAP_FAILED));
        wr_object_close(region);
        return address;
}

static int
victim(void *argument)
{
        const struct theft *theft = argument;
        struct wr_signal_wait waits[2] = { { theft->pages[0], 0, false }, { theft->pages[1], 0, false } };

        if (theft->is_many)
                return wr_signal_wait(waits, 2, INT64_MAX) == WEIR_OK ? 0 : 1;
        while (wr_load32_acquire(theft->pages[0]) == 0) { /* until it is robbed */
                if (wr_signal_wait(&waits[1], 1, 200000000) != WEIR_EMPTY)
                        return 1;
        }
        return 0;
}

/* Moves who sleeps on the second word to a futex of the thief's own; until somebody does. */
static void
rob(const struct theft *theft)
{
        void *away = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        cr_assert(ne(ptr, away, MAP_FAILED));
        while (syscall(SYS_futex, theft->pages[1], FUTEX_REQUEUE, 0, (void *)1, away, 0) != 1)
                sched_yield();
}

Test(region_attempts, who_robs_the_sleeper_of_its_own_pair_does_not_rob_the_others)
{
        struct theft theft = { { shared_word(), shared_word() }, true };
        pid_t child = child_start(0, victim, &theft);

        rob(&theft);
        wr_store32_release(theft.pages[0], 1);
        wr_signal_raise(theft.pages[0]); /* another publisher's pair */
        cr_assert(eq(int, child_wait(child), 0));
}

/* In its own pair the wake is lost, and the bound of every wait is what helps. */
Test(region_attempts, who_is_robbed_in_its_only_pair_wakes_by_its_timeout)
{
        struct theft theft = { { shared_word(), shared_word() }, false };
        pid_t child = child_start(0, victim, &theft);

        rob(&theft);
        wr_signal_raise(theft.pages[1]);
        wr_store32_release(theft.pages[0], 1);
        cr_assert(eq(int, child_wait(child), 0));
}
