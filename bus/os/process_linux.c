#include "bus/os/process.h"

#include <errno.h>
#include <stdio.h>

void
wr_process_name(char *name, size_t room)
{
        snprintf(name, room, "%s", program_invocation_short_name ? program_invocation_short_name : "?");
}
