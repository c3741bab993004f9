/* flock on a file that is made once and never removed: who removes it while another waits makes two holders. */
#include "named-objects/lock.h"

#include "bus/os/error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum weir_result
wr_lock_take(wr_object *lock, const char *path)
{
        enum weir_result result;
        struct stat status;

        *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
        if (*lock < 0)
                return errno == ELOOP ? WEIR_E_DENIED : wr_os_error(errno);
        if (fstat(*lock, &status) < 0 || !S_ISREG(status.st_mode) || status.st_uid != geteuid())
                result = WEIR_E_DENIED;
        else if (flock(*lock, LOCK_EX | LOCK_NB) == 0)
                return WEIR_OK;
        else
                result = errno == EWOULDBLOCK ? WEIR_FULL : wr_os_error(errno);
        wr_object_close(*lock);
        *lock = WR_NO_OBJECT;
        return result;
}
