/* Where everything of one run lies: a private directory with the broker's socket, the policy, the packages' sockets. */
#ifndef DEMO_PLAN_H
#define DEMO_PLAN_H

#include "clients/demo/demo.h"

#include <limits.h>

enum { DEMO_PATH = 96, DEMO_PACKAGES = 3 }; /* a socket's path has room for 107 bytes */

struct demo_plan {
        struct demo_options options;
        char directory[DEMO_PATH];    /* 0700, removed at the end */
        char address[DEMO_PATH + 16]; /* the broker's own socket */
        char policy[DEMO_PATH + 16];
        char package_sockets[DEMO_PACKAGES][2 * DEMO_PATH]; /* "ID=PATH" */
        char command[PATH_MAX];                             /* this executable */
        char video[PATH_MAX];
};

extern const char *const demo_packages[DEMO_PACKAGES];

/* Makes the directory and the policy in it. False with a sentence on stderr. */
bool
demo_plan_open(struct demo_plan *plan, const struct demo_options *options);

/* Removes the directory with all that is in it. */
void
demo_plan_close(struct demo_plan *plan);

/* The directory that is put into a package's sandbox: it holds the package's own socket "bus" and nothing else. */
void
demo_plan_package_directory(const struct demo_plan *plan, const char *package, char path[2 * DEMO_PATH]);

#endif
