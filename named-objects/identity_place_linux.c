/*
 * Where does a process live? All is reached through one directory descriptor of /proc/PID, in this order:
 *
 *      ns/mnt            compared with ours; and whose it is: the user namespace that owns it is to be ours or a child
 *                        of ours, as bubblewrap and Flatpak make it. What a sandbox nests in itself lies deeper
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
#include <linux/nsfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
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
info_parse(int found, struct wr_flatpak *flatpak)
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
                if (got == 0 && wr_identity_flatpak_read(text, size, flatpak))
                        info = WR_INFO_NAME;
        }
        if (fd >= 0)
                close(fd);
        free(text);
        return info;
}

/* is_foreign: the tree may be of the peer's making. */
static enum wr_identity_info
info_read(int proc, int root, bool is_foreign, struct wr_flatpak *flatpak)
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
                info = info_parse(found, flatpak);
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

/* Is the user namespace that owns this mount namespace ours, or a child of ours? An owner outside of what we can see
 * is neither. */
static bool
is_near(int mounts)
{
        struct stat owner, parent, ours;
        int owner_fd = ioctl(mounts, NS_GET_USERNS), parent_fd = -1;
        bool near = owner_fd >= 0 && fstat(owner_fd, &owner) == 0 && stat("/proc/thread-self/ns/user", &ours) == 0;

        if (near && !same_file(&owner, &ours)) {
                parent_fd = ioctl(owner_fd, NS_GET_PARENT);
                near = parent_fd >= 0 && fstat(parent_fd, &parent) == 0 && same_file(&parent, &ours);
        }
        if (parent_fd >= 0)
                close(parent_fd);
        if (owner_fd >= 0)
                close(owner_fd);
        return near;
}

static enum wr_identity_place
place_of(int mounts, int root)
{
        struct stat theirs, ours;

        if (fstat(mounts, &theirs) < 0 || stat("/proc/thread-self/ns/mnt", &ours) < 0)
                return WR_PLACE_UNREADABLE;
        return same_file(&theirs, &ours) ? root_compare(root) : WR_PLACE_FOREIGN;
}

void
wr_identity_look(int proc, struct wr_identity_view *view)
{
        int mounts = openat(proc, "ns/mnt", O_RDONLY | O_CLOEXEC), root = -1;

        memset(view, 0, sizeof *view);
        view->info = WR_INFO_NONE;
        if (mounts >= 0)
                root = openat(proc, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
        view->place = root < 0 ? place_of_error(errno) : place_of(mounts, root);
        if (view->place == WR_PLACE_OURS || view->place == WR_PLACE_FOREIGN)
                view->info = info_read(proc, root, view->place == WR_PLACE_FOREIGN, &view->flatpak);
        if (view->place == WR_PLACE_FOREIGN)
                view->is_nested = !is_near(mounts);
        if (root >= 0)
                close(root);
        if (mounts >= 0)
                close(mounts);
}
