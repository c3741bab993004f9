/*
 * The attack from inside: a package that may read a lane tries to write it.
 *
 *      what it has     a mapping, read-only; a descriptor, read-only, in the table of libweir's own thread, which the
 *                      process can reach through /proc/self/task/TID/fd all the same
 *      what it tries   make the mapping writable; map the descriptor for writing; open it anew through procfs for
 *                      writing and map that; write to it; punch a hole into it; truncate it
 *
 * The last three use the descriptor opened anew, if that succeeded: it does for the user who owns the memory, and it is
 * the seal that stops what follows.
 */
#include "clients/demo/demo_attack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { PAGE = 4096 };

/* Which file lies behind an address, as /proc/self/maps has it. */
static bool
mapped_file(const void *mapped, dev_t *device, ino_t *inode)
{
        FILE *maps = fopen("/proc/self/maps", "re");
        unsigned long begin, end, number;
        unsigned high, low;
        char line[512];
        bool found = false;

        while (maps != NULL && !found && fgets(line, sizeof line, maps) != NULL)
                if (sscanf(line, "%lx-%lx %*s %*x %x:%x %lu", &begin, &end, &high, &low, &number) == 5 &&
                    (unsigned long)mapped >= begin && (unsigned long)mapped < end) {
                        *device = makedev(high, low);
                        *inode = number;
                        found = number != 0;
                }
        if (maps != NULL)
                fclose(maps);
        return found;
}

/* Opens the file of one thread's descriptor table, if it is there. */
static int
find_in_table(const char *table, dev_t device, ino_t inode)
{
        DIR *directory = opendir(table);
        struct dirent *entry;
        struct stat status;
        int fd = -1;

        while (directory != NULL && fd < 0 && (entry = readdir(directory)) != NULL) {
                /* stat() before open(): to open a pipe's end could wait. */
                if (fstatat(dirfd(directory), entry->d_name, &status, 0) == 0 && status.st_dev == device &&
                    status.st_ino == inode)
                        fd = openat(dirfd(directory), entry->d_name, O_RDONLY | O_CLOEXEC);
        }
        if (directory != NULL)
                closedir(directory);
        return fd;
}

/* Finds the descriptor behind a shared mapping in the descriptor tables of this process's threads, and opens it again
 * for reading. Returns -1 when no thread has one. */
static int
find(const void *mapped)
{
        DIR *tasks = opendir("/proc/self/task");
        struct dirent *task;
        char table[300];
        dev_t device;
        ino_t inode;
        int fd = -1;

        if (!mapped_file(mapped, &device, &inode)) {
                if (tasks != NULL)
                        closedir(tasks);
                return -1;
        }
        while (tasks != NULL && fd < 0 && (task = readdir(tasks)) != NULL) {
                if (task->d_name[0] == '.')
                        continue;
                snprintf(table, sizeof table, "/proc/self/task/%s/fd", task->d_name);
                fd = find_in_table(table, device, inode);
        }
        if (tasks != NULL)
                closedir(tasks);
        return fd;
}

/* Maps a page for writing and writes to it. Returns the errno, 0 when it went through. */
static int
map_and_write(int fd)
{
        unsigned char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        if (page == MAP_FAILED)
                return errno;
        page[0] ^= 1;
        munmap(page, PAGE);
        return 0;
}

static int
make_writable(void *mapped)
{
        unsigned char *page = (unsigned char *)((uintptr_t)mapped & ~(uintptr_t)(PAGE - 1));

        if (mprotect(page, PAGE, PROT_READ | PROT_WRITE) < 0)
                return errno;
        page[0] ^= 1;
        return 0;
}

/* `mapped` is a page of the memory, `fd` a descriptor of it that reads. */
static void
attack_all(void *mapped, int fd, struct demo_attack attacks[DEMO_ATTACKS])
{
        char path[64];
        int again, best, again_error;

        attacks[0] = (struct demo_attack){ .way = "mprotect", .error = make_writable(mapped) };
        attacks[1] = (struct demo_attack){ .way = "second map", .error = map_and_write(fd) };
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        again = open(path, O_RDWR | O_CLOEXEC);
        again_error = again < 0 ? errno : map_and_write(again);
        best = again < 0 ? fd : again;
        attacks[2] = (struct demo_attack){ .way = "reopen through procfs", .error = again_error };
        attacks[3] = (struct demo_attack){ .way = "write", .error = pwrite(best, "x", 1, 0) < 0 ? errno : 0 };
        attacks[4] = (struct demo_attack){
                .way = "hole punch",
                .error = fallocate(best, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE) < 0 ? errno : 0
        };
        attacks[5] = (struct demo_attack){ .way = "truncate", .error = ftruncate(best, 0) < 0 ? errno : 0 };
        if (again >= 0)
                close(again);
}

static int
open_memory(void **mapped)
{
        int fd = memfd_create("open", MFD_CLOEXEC);

        if (fd < 0 || ftruncate(fd, sysconf(_SC_PAGESIZE)) < 0)
                return -1;
        *mapped = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED, fd, 0);
        return *mapped == MAP_FAILED ? -1 : fd;
}

bool
demo_attack_all(const void *mapped, bool open, struct demo_attack attacks[DEMO_ATTACKS])
{
        void *target = (void *)(uintptr_t)mapped;
        int fd = open ? open_memory(&target) : find(target);

        if (fd < 0)
                return false;
        attack_all(target, fd, attacks);
        for (int i = 0; i < DEMO_ATTACKS; i++) {
                int error = attacks[i].error;
                const char *name = error != 0 ? strerrorname_np(error) : "";

                snprintf(attacks[i].name, sizeof attacks[i].name, "%s", name != NULL ? name : "?");
                snprintf(attacks[i].text, sizeof attacks[i].text, "%s", error != 0 ? strerror(error) : "");
        }
        close(fd);
        return true;
}

static void
digest(int fd, char text[DEMO_SHA_TEXT])
{
        struct demo_sha sha;
        off_t data = 0, hole = 0;
        char *buffer = malloc(1 << 20);

        demo_sha_open(&sha);
        while (buffer != NULL && (data = lseek(fd, hole, SEEK_DATA)) >= 0 && (hole = lseek(fd, data, SEEK_HOLE)) >= 0)
                while (data < hole) {
                        size_t wanted = hole - data < 1 << 20 ? (size_t)(hole - data) : 1 << 20;
                        ssize_t n = pread(fd, buffer, wanted, data);

                        if (n <= 0)
                                break;
                        demo_sha_add(&sha, buffer, (size_t)n);
                        data += n;
                }
        free(buffer);
        demo_sha_close(&sha, text);
}

void
demo_attack_digest(const void *mapped, char text[DEMO_SHA_TEXT])
{
        int fd = find(mapped);

        text[0] = '\0';
        if (fd < 0)
                return;
        digest(fd, text);
        close(fd);
}
