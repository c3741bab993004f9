/* Lines are shorter than PIPE_BUF, so a pipe that poll calls writable takes one whole without blocking. */
#include "broker/log.h"

#include "bus/os/error.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

bool
wr_log_write(wr_object object, const char *line, size_t length)
{
        struct pollfd ready = { .fd = object, .events = POLLOUT };

        if (poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT))
                return false;
        return write(object, line, length) == (ssize_t)length;
}

/* "DEVICE:INODE" of the stream that leads to the journal. Ours may have been redirected since. */
static bool
is_journal(int fd)
{
        const char *stream = getenv("JOURNAL_STREAM");
        uint64_t device, inode;
        struct stat status;
        char rest;

        return stream && sscanf(stream, "%" SCNu64 ":%" SCNu64 "%c", &device, &inode, &rest) == 2 &&
               fstat(fd, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

void
wr_log_open_stderr(struct wr_log *log)
{
        *log = (struct wr_log){ .object = STDERR_FILENO, .has_priorities = is_journal(STDERR_FILENO) };
}

enum weir_result
wr_log_open_file(struct wr_log *log, const char *path)
{
        *log = (struct wr_log){ .object = WR_NO_OBJECT };
        if (!path || !*path)
                return WEIR_OK;
        log->object = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
        log->is_ours = true;
        return log->object >= 0 ? WEIR_OK : wr_os_error(errno);
}
