/* A flag is an eventfd: its count is above 0 while it is raised. Nobody outside of this process holds it, so its
 * non-blocking mode cannot be changed under us. */
#include "named-objects/flag.h"

#include "bus/os/error.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum weir_result
wr_flag_create(wr_object *flag)
{
        *flag = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        return *flag < 0 ? wr_os_error(errno) : WEIR_OK;
}

void
wr_flag_raise(wr_object flag)
{
        uint64_t one = 1;
        ssize_t written;

        do
                written = write(flag, &one, sizeof one);
        while (written < 0 && errno == EINTR); /* EAGAIN: the count is at its end, so it is raised */
}

void
wr_flag_lower(wr_object flag)
{
        uint64_t count;
        ssize_t got;

        do
                got = read(flag, &count, sizeof count);
        while (got < 0 && errno == EINTR); /* EAGAIN: it was not raised */
}
