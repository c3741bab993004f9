/* A pipe through which nothing is ever sent. */
#include "named-objects/lifeline.h"

#include "bus/os/error.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum weir_result
wr_lifeline_create(wr_object process, wr_object *held, wr_object *watched)
{
        int ends[2];

        (void)process;
        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
                return wr_os_error(errno);
        *watched = ends[0];
        *held = ends[1];
        return WEIR_OK;
}
