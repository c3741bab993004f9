/* weir access: what its files share. */
#ifndef CLI_ACCESS_H
#define CLI_ACCESS_H

#include "clients/cli/rights.h"

struct access_arguments {
        struct cli_common common;
        struct rights_given given;
        const char *topic; /* NULL: not given */
        bool sddl;
};

/* May it, and why: returns an exit code. */
int
access_check(const struct access_arguments *arguments);

#endif
