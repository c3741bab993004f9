/*
 * The directory of a socket decides who can put a socket there, so it is what both ends check:
 *
 *      who listens    the directory is a real one, ours, writable by nobody else; nobody but us, root, or the
 *                     owner of a sticky directory's entry (us) can replace it in its parent
 *      who connects   the same for its owner, whoever that is, and then the user the kernel names as the server
 *
 *      server is       directory is of     believed
 *      us or root      us or root          yes
 *      somebody else   the same user       when its parent is closed, too: nobody could have squatted the name
 *      all else                            no
 *
 * Inside a user namespace the users it does not know look all the same. One of them stands for root there, when the
 * parent is closed: then whoever built the sandbox put the socket there.
 *
 * All checks go through one descriptor of the directory: what was checked is what is used.
 */
#include "named-objects/endpoint_linux.h"

#include "bus/os/error.h"
#include "named-objects/sentence.h"
#include "named-objects/user_map_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN_FLAGS = O_PATH | O_DIRECTORY | O_CLOEXEC, WRITE_BY_OTHERS = S_IWGRP | S_IWOTH };

static bool
user_is_trusted(uid_t user)
{
        return user == geteuid() || user == 0 || wr_user_is_unmapped(user);
}

/* Nobody but its owner can put anything into it. */
static bool
directory_is_closed(const struct stat *directory)
{
        return (directory->st_mode & WRITE_BY_OTHERS) == 0;
}

static bool
parent_stat(int directory, struct stat *parent)
{
        return fstatat(directory, "..", parent, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Copies `path` without the slashes at its end, which would make the kernel follow a symbolic link. */
static bool
path_trim(const char *path, char trimmed[PATH_MAX])
{
        size_t length = strlen(path);

        while (length > 1 && path[length - 1] == '/')
                length--;
        if (length == 0 || length >= PATH_MAX)
                return false;
        memcpy(trimmed, path, length);
        trimmed[length] = '\0';
        return true;
}

static enum weir_result
open_failed(const char *path, int error, char *sentence, size_t room)
{
        struct stat file;

        if (error == ENOENT) {
                wr_sentence(sentence, room, "there is no directory '%s'", path);
                return WEIR_E_NO_BROKER;
        }
        if (error == ENOTDIR && lstat(path, &file) == 0) {
                wr_sentence(sentence, room, "'%s' is %s, not a directory: choose another address with WEIR_BROKER",
                            path, S_ISLNK(file.st_mode) ? "a symbolic link" : "a file");
                return WEIR_E_DENIED;
        }
        wr_sentence(sentence, room, "cannot open the directory '%s': %s", path, strerror(error));
        return wr_os_error(error);
}

enum weir_result
wr_endpoint_directory_open(const char *path, int *directory, const char **name, char *sentence, size_t room)
{
        const char *slash = strrchr(path, '/');
        char parent[PATH_MAX], trimmed[PATH_MAX];
        size_t length = slash != NULL ? (size_t)(slash - path) + 1 : 0;

        *directory = -1;
        *name = slash != NULL ? slash + 1 : path;
        if (**name == '\0' || length >= sizeof parent) {
                wr_sentence(sentence, room, "'%s' is no name of a socket", path);
                return WEIR_E_USAGE;
        }
        memcpy(parent, path, length);
        parent[length] = '\0';
        if (!path_trim(length != 0 ? parent : ".", trimmed))
                return WEIR_E_USAGE;
        *directory = open(trimmed, OPEN_FLAGS | O_NOFOLLOW);
        return *directory >= 0 ? WEIR_OK : open_failed(trimmed, errno, sentence, room);
}

enum weir_result
wr_endpoint_directory_check_mode(int directory, const char *path, char *sentence, size_t room)
{
        struct stat file;

        if (fstat(directory, &file) < 0)
                return wr_os_error(errno);
        if (directory_is_closed(&file))
                return WEIR_OK;
        wr_sentence(sentence, room,
                    "the directory of '%s' can be written by others than its owner (mode %04o), so anybody "
                    "could listen there: a broker needs one that only its user can write; name it with WEIR_BROKER",
                    path, (unsigned)(file.st_mode & 07777));
        return WEIR_E_DENIED;
}

enum weir_result
wr_endpoint_directory_check_own(int directory, const char *path, char *sentence, size_t room)
{
        struct stat file, parent;
        bool parent_is_sticky;

        if (fstat(directory, &file) < 0 || !parent_stat(directory, &parent))
                return wr_os_error(errno);
        if (file.st_uid != geteuid()) {
                wr_sentence(sentence, room,
                            "the directory '%s' belongs to user %u, not to us (user %u): choose another "
                            "address with WEIR_BROKER",
                            path, (unsigned)file.st_uid, (unsigned)geteuid());
                return WEIR_E_DENIED;
        }
        if (!directory_is_closed(&file)) {
                wr_sentence(sentence, room,
                            "the directory '%s' can be written by others (mode %04o): give the socket one of its "
                            "own, such as '%s/weir/bus'",
                            path, (unsigned)(file.st_mode & 07777), path);
                return WEIR_E_DENIED;
        }
        parent_is_sticky = (parent.st_mode & S_ISVTX) != 0;
        if (!user_is_trusted(parent.st_uid) || !(directory_is_closed(&parent) || parent_is_sticky)) {
                wr_sentence(sentence, room,
                            "the directory above '%s' (user %u, mode %04o) lets others replace it: choose "
                            "another address with WEIR_BROKER",
                            path, (unsigned)parent.st_uid, (unsigned)(parent.st_mode & 07777));
                return WEIR_E_DENIED;
        }
        return WEIR_OK;
}

static bool
parent_is_closed(int directory)
{
        struct stat parent;

        return parent_stat(directory, &parent) && directory_is_closed(&parent);
}

/* Server, socket and directory are of one user, and nobody else could have taken the directory's name. */
static bool
server_owns_all(int directory, const struct stat *file, const char *name, uid_t server)
{
        struct stat socket_file, parent;

        return file->st_uid == server && fstatat(directory, name, &socket_file, AT_SYMLINK_NOFOLLOW) == 0 &&
               S_ISSOCK(socket_file.st_mode) && socket_file.st_uid == server && parent_stat(directory, &parent) &&
               directory_is_closed(&parent) && (parent.st_uid == server || user_is_trusted(parent.st_uid));
}

enum weir_result
wr_endpoint_directory_check_server(int directory, const char *name, const char *path, uid_t server, char *sentence,
                                   size_t room)
{
        struct stat file;

        if (fstat(directory, &file) < 0)
                return wr_os_error(errno);
        if (user_is_trusted(server) && user_is_trusted(file.st_uid) &&
            (!(wr_user_is_unmapped(server) || wr_user_is_unmapped(file.st_uid)) || parent_is_closed(directory)))
                return WEIR_OK;
        if (server_owns_all(directory, &file, name, server))
                return WEIR_OK;
        wr_sentence(sentence, room,
                    "at '%s' listens user %u in a directory of user %u: neither you (user %u) nor root, and "
                    "that name could have been taken by anybody. Set WEIR_BROKER to a broker you trust",
                    path, (unsigned)server, (unsigned)file.st_uid, (unsigned)geteuid());
        return WEIR_E_DENIED;
}

enum weir_result
wr_endpoint_directory(const char *path, char *sentence, size_t room)
{
        char trimmed[PATH_MAX];
        enum weir_result result;
        int directory;

        if (!path_trim(path, trimmed)) {
                wr_sentence(sentence, room, "'%s' is no name of a directory", path);
                return WEIR_E_USAGE;
        }
        directory = open(trimmed, OPEN_FLAGS | O_NOFOLLOW);
        if (directory < 0 && errno == ENOENT) {
                if (mkdir(trimmed, 0700) < 0 && errno != EEXIST) {
                        result = wr_os_error(errno);
                        wr_sentence(sentence, room, "cannot make the directory '%s': %s", trimmed, strerror(errno));
                        return result;
                }
                directory = open(trimmed, OPEN_FLAGS | O_NOFOLLOW);
        }
        if (directory < 0)
                return open_failed(trimmed, errno, sentence, room);
        result = wr_endpoint_directory_check_own(directory, trimmed, sentence, room);
        close(directory);
        return result;
}
