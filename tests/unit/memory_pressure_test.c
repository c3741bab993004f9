/* Committing memory where there is not enough of it, or where the kernel is old: an error, never a signal. Linux only:
 * on Windows the commit limit answers for all of it. */
#include "bus/os/memory.h"

#include "bus/os/headroom.h"
#include "tests/hostile/child.h"
#include "tests/unit/memory_fixture.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

TestSuite(memory_pressure, .timeout = 60);

enum { MIB = 1 << 20, PAGE = 4096, LIMIT = 64 * MIB };

/* A file system of 1 MiB, in a mount namespace of its own. */
static int
commit_on_full_tmpfs(void *argument)
{
        char *memory;
        int fd;

        (void)argument;
        if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
            mount("small", "/mnt", "tmpfs", 0, "size=1m") != 0)
                return CHILD_CANNOT_BEGIN;
        fd = open("/mnt/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (ftruncate(fd, 4 * MIB) != 0)
                return CHILD_CANNOT_BEGIN;
        memory = mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (wr_memory_commit(memory, MIB / 2) != WEIR_OK)
                return 1;
        return wr_memory_commit(memory, 4 * MIB) == WEIR_E_NO_MEMORY ? 0 : 2;
}

Test(memory_pressure, a_file_system_without_space_is_an_error_and_no_signal)
{
        cr_assert(eq(int, child_run(0, commit_on_full_tmpfs, NULL), 0));
}

/* As a kernel before 5.14, which does not know the advice. */
static int
commit_without_advice(void *argument)
{
        struct sock_filter filter[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 23, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = { sizeof filter / sizeof filter[0], filter };
        char *memory = argument;

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
                return CHILD_CANNOT_BEGIN;
        memory[PAGE] = 0x42;
        if (wr_memory_commit(memory, MIB) != WEIR_OK || memory[PAGE] != 0x42)
                return 1;
        return memory_pages_there(memory, MIB) == 256 ? 0 : 2;
}

Test(memory_pressure, without_the_advice_each_page_is_touched)
{
        cr_assert(eq(int, child_run(0, commit_without_advice, memory_reserved(MIB)), 0));
}

/* A memory cgroup of ours below our own, of whichever version has the controller. */
struct cgroup {
        char path[512];
        const char *limit;
};

static bool
write_text(const char *directory, const char *name, const char *text)
{
        char path[640];
        int fd;
        bool written;

        snprintf(path, sizeof path, "%s/%s", directory, name);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
        if (fd >= 0)
                close(fd);
        return written;
}

static bool
group_make_in(struct cgroup *group, const char *root, const char *limit, const char *text)
{
        snprintf(group->path, sizeof group->path, "%s/weir-test-%d", root, (int)getpid());
        group->limit = limit;
        if (mkdir(group->path, 0755) != 0)
                return false;
        if (write_text(group->path, limit, text))
                return true;
        rmdir(group->path);
        return false;
}

static bool
group_make(struct cgroup *group)
{
        char text[32];

        snprintf(text, sizeof text, "%d", LIMIT);
        (void)write_text("/sys/fs/cgroup", "cgroup.subtree_control", "+memory"); /* version 2, if it is not so yet */
        return group_make_in(group, "/sys/fs/cgroup/memory", "memory.limit_in_bytes", text) ||
               group_make_in(group, "/sys/fs/cgroup", "memory.max", text) ||
               group_make_in(group, "/sys/fs/cgroup/unified", "memory.max", text);
}

static int
commit_in_group(void *argument)
{
        const struct cgroup *group = argument;
        char *memory = mmap(NULL, 4 * LIMIT, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        uint64_t before;

        if (!write_text(group->path, "cgroup.procs", "0"))
                return CHILD_CANNOT_BEGIN;
        before = wr_headroom_bytes();
        if (before > LIMIT || before < LIMIT / 2)
                return 1;
        if (wr_memory_commit(memory, LIMIT / 4) != WEIR_OK)
                return 2;
        if (wr_headroom_bytes() > before - LIMIT / 4 + MIB)
                return 3;
        /* Less than a sixteenth of it would remain, then more than there is: said, and nobody is killed. */
        if (wr_memory_commit(memory + LIMIT, (size_t)wr_headroom_bytes()) != WEIR_E_NO_MEMORY)
                return 4;
        if (wr_memory_commit(memory + LIMIT, 2 * LIMIT) != WEIR_E_NO_MEMORY)
                return 5;
        return wr_memory_commit(memory + LIMIT, LIMIT / 4) == WEIR_OK ? 0 : 6;
}

/* The limit of the group above counts, too. */
static int
commit_in_group_below(void *argument)
{
        struct cgroup below = *(const struct cgroup *)argument;
        int result;

        strcat(below.path, "/below");
        if (mkdir(below.path, 0755) != 0)
                return CHILD_CANNOT_BEGIN;
        result = child_run(0, commit_in_group, &below);
        rmdir(below.path);
        return result;
}

Test(memory_pressure, the_limit_of_a_memory_cgroup_is_an_error_before_it_is_a_death)
{
        struct cgroup group;
        int here, below;

        if (!group_make(&group))
                cr_skip_test("no memory cgroup can be made here");
        here = child_run(0, commit_in_group, &group);
        below = child_run(0, commit_in_group_below, &group);
        rmdir(group.path);
        cr_assert(eq(int, here, 0));
        cr_assert(eq(int, below, 0));
}
