/*
 * flock on a file. Its holder alone removes the file, and who got a lock looks whether the file still has the name: a
 * lock on a file that was removed meanwhile is nobody's, or there would be two holders.
 *
 *      holder                          the next one
 *      unlink NAME, close              open NAME, flock: WEIR_FULL until the close
 *                                      flock ours, but NAME is gone or another file: once more
 */
#include "named-objects/lock.h"

#include "bus/os/error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES_MAX = 16 }; /* each lost one is another process that had the lock and gave it back in this moment */

/* Is the file that is open the one that the name leads to? */
static bool
has_name(wr_object lock, const char *path)
{
        struct stat open_file, named;

        return fstat(lock, &open_file) == 0 && lstat(path, &named) == 0 && open_file.st_dev == named.st_dev &&
               open_file.st_ino == named.st_ino;
}

/* WEIR_EMPTY: it was removed meanwhile. */
static enum weir_result
take(wr_object *lock, const char *path)
{
        enum weir_result result;
        struct stat status;

        *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
        if (*lock < 0)
                return errno == ELOOP ? WEIR_E_DENIED : wr_os_error(errno);
        if (fstat(*lock, &status) < 0 || !S_ISREG(status.st_mode) || status.st_uid != geteuid())
                result = WEIR_E_DENIED;
        else if (flock(*lock, LOCK_EX | LOCK_NB) == 0)
                result = has_name(*lock, path) ? WEIR_OK : WEIR_EMPTY;
        else
                result = errno == EWOULDBLOCK ? WEIR_FULL : wr_os_error(errno);
        if (result != WEIR_OK) {
                wr_object_close(*lock);
                *lock = WR_NO_OBJECT;
        }
        return result;
}

enum weir_result
wr_lock_take(wr_object *lock, const char *path)
{
        enum weir_result result = WEIR_EMPTY;

        for (int i = 0; i < TRIES_MAX && result == WEIR_EMPTY; i++)
                result = take(lock, path);
        return result == WEIR_EMPTY ? WEIR_FULL : result;
}

void
wr_lock_give(wr_object lock, const char *path)
{
        if (lock == WR_NO_OBJECT)
                return;
        if (has_name(lock, path))
                unlink(path);
        wr_object_close(lock);
}

bool
wr_lock_exists(const char *path)
{
        struct stat status;

        return lstat(path, &status) == 0;
}
