/*
 * Where does a process live? All is reached through one directory descriptor of /proc/PID, in this order:
 *
 *      ns/mnt            compared with ours
 *      root              opened once; compared with ours; what follows is looked up from there
 *      mountinfo         (foreign namespaces) the file systems below root and below the file found in it
 *      .flatpak-info     looked up without following a link, and read only if it is a plain file
 *
 * A sandbox decides what stands in its own tree, so nothing of it is opened before it is known to answer at once: a
 * file system that the peer serves itself would make us wait for the peer.
 */
#include "named-objects/identity_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INFO_BYTES_MAX = 65536, MOUNTINFO_BYTES_MAX = 1 << 20 };

static enum wr_identity_place
place_of_error(int error)
{
        return error == EACCES || error == EPERM ? WR_PLACE_UNREADABLE : WR_PLACE_GONE;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Which mount a descriptor is on. Asks for nothing that the file system itself would have to answer. */
static bool
mount_of(int fd, uint64_t *mount)
{
        struct statx answer;

        if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &answer) < 0 ||
            (answer.stx_mask & STATX_MNT_ID) == 0)
                return false;
        *mount = answer.stx_mnt_id;
        return true;
}

/* One line of mountinfo: "ID PARENT ... - KIND SOURCE OPTIONS". */
static bool
line_is_tmpfs(const char *line, uint64_t mount)
{
        const char *tail = strstr(line, " - ");

        return tail != NULL && strtoull(line, NULL, 10) == mount && strncmp(tail, " - tmpfs ", 9) == 0;
}

/* Is the mount under this descriptor a tmpfs, by the table of mounts of that process? */
static bool
is_on_tmpfs(int proc, int fd)
{
        int table = openat(proc, "mountinfo", O_RDONLY | O_CLOEXEC);
        FILE *file = table >= 0 ? fdopen(table, "r") : NULL;
        uint64_t mount = 0;
        char *line = NULL;
        size_t room = 0, total = 0;
        ssize_t length;
        bool found = false;

        if (file == NULL) {
                if (table >= 0)
                        close(table);
                return false;
        }
        if (mount_of(fd, &mount)) {
                while (!found && total < MOUNTINFO_BYTES_MAX && (length = getline(&line, &room, file)) > 0) {
                        total += (size_t)length;
                        found = line_is_tmpfs(line, mount);
                }
        }
        free(line);
        fclose(file);
        return found;
}

static enum wr_identity_info
info_parse(int found, char name[WR_PACKAGE_MAX + 1])
{
        char path[64], *text = malloc(INFO_BYTES_MAX + 1);
        enum wr_identity_info info = WR_INFO_BAD;
        size_t size = 0;
        ssize_t got = -1;
        int fd;

        snprintf(path, sizeof path, "/proc/thread-self/fd/%d", found);
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* NONBLOCK: a lease would hold us up */
        if (fd >= 0 && text != NULL) {
                while (size <= INFO_BYTES_MAX && (got = read(fd, text + size, INFO_BYTES_MAX + 1 - size)) > 0)
                        size += (size_t)got;
                if (got == 0 && wr_identity_flatpak_name(text, size, name, WR_PACKAGE_MAX + 1))
                        info = WR_INFO_NAME;
        }
        if (fd >= 0)
                close(fd);
        free(text);
        return info;
}

/* is_foreign: the tree may be of the peer's making. */
static enum wr_identity_info
info_read(int proc, int root, bool is_foreign, char name[WR_PACKAGE_MAX + 1])
{
        enum wr_identity_info info = WR_INFO_BAD;
        struct stat file;
        int found;

        if (is_foreign && !is_on_tmpfs(proc, root))
                return WR_INFO_NONE;
        found = openat(root, ".flatpak-info", O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (found < 0)
                return errno == ENOENT ? WR_INFO_NONE : WR_INFO_BAD;
        if (is_foreign && !is_on_tmpfs(proc, found))
                info = WR_INFO_BAD;
        else if (fstat(found, &file) == 0 && S_ISREG(file.st_mode))
                info = info_parse(found, name);
        close(found);
        return info;
}

/* Not fstat: that could ask the file system, and the root may be one that somebody else serves. */
static bool
number_of(int fd, const char *path, struct statx *answer)
{
        return statx(fd, path, AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, answer) == 0 &&
               (answer->stx_mask & STATX_INO) != 0;
}

static enum wr_identity_place
root_compare(int root)
{
        struct statx theirs, ours;

        if (!number_of(root, "", &theirs) || !number_of(AT_FDCWD, "/", &ours))
                return WR_PLACE_UNREADABLE;
        return theirs.stx_dev_major == ours.stx_dev_major && theirs.stx_dev_minor == ours.stx_dev_minor &&
                               theirs.stx_ino == ours.stx_ino
                       ? WR_PLACE_OURS
                       : WR_PLACE_CHROOT;
}

enum wr_identity_place
wr_identity_place_of(int proc, enum wr_identity_info *info, char name[WR_PACKAGE_MAX + 1])
{
        enum wr_identity_place place;
        struct stat theirs, ours;
        int root;

        *info = WR_INFO_NONE;
        name[0] = '\0';
        if (fstatat(proc, "ns/mnt", &theirs, 0) < 0)
                return place_of_error(errno);
        if (stat("/proc/thread-self/ns/mnt", &ours) < 0)
                return WR_PLACE_UNREADABLE;
        root = openat(proc, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return place_of_error(errno);
        place = same_file(&theirs, &ours) ? root_compare(root) : WR_PLACE_FOREIGN;
        if (place == WR_PLACE_OURS || place == WR_PLACE_FOREIGN)
                *info = info_read(proc, root, place == WR_PLACE_FOREIGN, name);
        close(root);
        return place;
}
