/*
 * A new file beside the old one, written, synced, renamed over it, and the directory synced, so that the name leads to
 * one of the two whatever happens. The lock is the directory's: the file itself is another one after each edit.
 */
#include "named-objects/file.h"

#include "named-objects/kernel_linux.h"
#include "named-objects/random.h"
#include "named-objects/sentence.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum weir_result
fail(const char *path, const char *what, char *sentence, size_t room)
{
        wr_sentence(sentence, room, "%s: %s: %s", path, what, strerror(errno));
        return WEIR_E_SYSTEM;
}

/* Where the file is in truth; of one that is not there yet, its directory must be. */
static enum weir_result
path_resolve(struct wr_file *file, const char *path, char *sentence, size_t room)
{
        char *real = realpath(path, NULL);

        if (!real && errno != ENOENT)
                return fail(path, "cannot be found", sentence, room);
        wr_sentence(file->path, sizeof file->path, "%s", real ? real : path);
        free(real);
        return WEIR_OK;
}

static enum weir_result
directory_lock(struct wr_file *file, char *sentence, size_t room)
{
        char directory[WR_FILE_PATH_MAX];
        char *slash;

        wr_sentence(directory, sizeof directory, "%s", file->path);
        slash = strrchr(directory, '/');
        if (slash == directory)
                slash[1] = '\0';
        else if (slash)
                *slash = '\0';
        else
                strcpy(directory, ".");
        for (char *at = strchr(directory + 1, '/'); at; at = strchr(at + 1, '/')) { /* ~/.config may be missing, too */
                *at = '\0';
                mkdir(directory, 0700);
                *at = '/';
        }
        if (mkdir(directory, 0700) < 0 && errno != EEXIST)
                return fail(directory, "the directory cannot be made", sentence, room);
        file->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (file->directory < 0)
                return fail(directory, "the directory cannot be opened", sentence, room);
        while (flock(file->directory, LOCK_EX) < 0)
                if (errno != EINTR)
                        return fail(directory, "the directory cannot be locked", sentence, room);
        return WEIR_OK;
}

/* WEIR_EMPTY: there is none. A file that is there and cannot be read is another thing than none. */
static enum weir_result
plain_open(const char *path, int *fd, char *sentence, size_t room)
{
        struct stat status;
        enum weir_result result = WEIR_OK;

        *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (*fd < 0) {
                bool is_none = errno == ENOENT || errno == ENOTDIR;

                fail(path, "cannot be read", sentence, room);
                return is_none || (errno == EACCES && stat(path, &status) < 0) ? WEIR_EMPTY : WEIR_E_SYSTEM;
        }
        if (fstat(*fd, &status) < 0) {
                result = fail(path, "cannot be read", sentence, room);
        } else if (!S_ISREG(status.st_mode)) {
                wr_sentence(sentence, room, "%s: cannot be read: it is no plain file", path);
                result = WEIR_E_SYSTEM;
        }
        if (result < 0)
                close(*fd);
        return result;
}

/* Reads one byte more than there may be, to see that there is none. */
static ssize_t
read_all(int fd, char *text, size_t most)
{
        size_t size = 0;
        ssize_t got = 1;

        while (got != 0 && size <= most) {
                got = read(fd, text + size, most + 1 - size);
                if (got < 0 && errno != EINTR)
                        return -1;
                size += got > 0 ? (size_t)got : 0;
        }
        return (ssize_t)size;
}

enum weir_result
wr_file_read(const char *path, size_t most, char **text, size_t *size, char *sentence, size_t room)
{
        enum weir_result result;
        ssize_t got;
        int fd;

        *text = NULL;
        result = plain_open(path, &fd, sentence, room);
        if (result != WEIR_OK)
                return result;
        *text = malloc(most + 2);
        got = *text ? read_all(fd, *text, most) : 0;
        if (!*text) {
                wr_sentence(sentence, room, "%s: no memory", path);
                result = WEIR_E_NO_MEMORY;
        } else if (got < 0) {
                result = fail(path, "cannot be read", sentence, room);
        } else if ((size_t)got > most) {
                wr_sentence(sentence, room, "%s: larger than %zu bytes", path, most);
                result = WEIR_E_TOO_LARGE;
        }
        close(fd);
        if (result == WEIR_OK) {
                *size = (size_t)got;
                (*text)[*size] = '\0';
                return WEIR_OK;
        }
        free(*text);
        *text = NULL;
        return result;
}

enum weir_result
wr_file_open(struct wr_file *file, const char *path, size_t most, char *sentence, size_t room)
{
        enum weir_result result;

        *file = (struct wr_file){ .directory = WR_NO_OBJECT };
        if (strlen(path) + 32 > sizeof file->path) {
                wr_sentence(sentence, room, "the file's path is too long");
                return WEIR_E_USAGE;
        }
        result = path_resolve(file, path, sentence, room);
        if (result == WEIR_OK)
                result = directory_lock(file, sentence, room);
        if (result == WEIR_OK)
                result = wr_file_read(file->path, most, &file->text, &file->size, sentence, room);
        if (result == WEIR_EMPTY) {
                file->text = calloc(1, 1);
                wr_sentence(sentence, room, "%s: no memory", file->path);
                result = file->text ? WEIR_OK : WEIR_E_NO_MEMORY;
        }
        if (result < 0)
                wr_file_close(file);
        return result;
}

static bool
write_all(int fd, const char *text, size_t size)
{
        while (size > 0) {
                ssize_t done = write(fd, text, size);

                if (done < 0 && errno != EINTR)
                        return false;
                text += done > 0 ? done : 0;
                size -= done > 0 ? (size_t)done : 0;
        }
        return true;
}

/* As the file that it replaces. Only who may give it to the same owner may replace it. */
static bool
dress(const char *path, int fd)
{
        struct stat old, new;

        if (stat(path, &old) < 0)
                return errno == ENOENT;
        if (fstat(fd, &new) < 0)
                return false;
        if ((old.st_uid != new.st_uid || old.st_gid != new.st_gid) && fchown(fd, old.st_uid, old.st_gid) < 0)
                return false;
        return fchmod(fd, old.st_mode & 07777) == 0;
}

enum weir_result
wr_file_replace(struct wr_file *file, const char *text, size_t size, char *sentence, size_t room)
{
        char made[WR_FILE_PATH_MAX + 32];
        enum weir_result result = WEIR_OK;
        int fd;

        wr_sentence(made, sizeof made, "%s.%016" PRIx64, file->path, wr_random());
        fd = open(made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return fail(made, "cannot be written", sentence, room);
        if (!dress(file->path, fd) || !write_all(fd, text, size) || fsync(fd) < 0 || rename(made, file->path) < 0) {
                result = fail(file->path, "cannot be replaced", sentence, room);
                unlink(made);
        } else {
                fsync(file->directory); /* some file systems cannot; the name is right all the same */
        }
        close(fd);
        return result;
}

void
wr_file_close(struct wr_file *file)
{
        if (file->directory != WR_NO_OBJECT) {
                flock(file->directory, LOCK_UN); /* else a child forked meanwhile would keep it */
                close(file->directory);
        }
        free(file->text);
        *file = (struct wr_file){ .directory = WR_NO_OBJECT };
}
