/* Where everything of one run lies: the policy in a private directory, the broker's door, the packages' doors. Two
 * halves: demo_plan_linux.c, demo_plan_win32.c. */
#ifndef DEMO_PLAN_H
#define DEMO_PLAN_H

#include "clients/demo/demo.h"

#include <stdio.h>

enum { DEMO_PATH = 96, DEMO_PACKAGES = 3 }; /* a socket's path has room for 107 bytes */
enum { DEMO_FILE_PATH = 4096 };

struct demo_plan {
        struct demo_options options;
        char directory[DEMO_PATH];    /* 0700, removed at the end; on Windows only a name that no other run has */
        char address[DEMO_PATH + 16]; /* the broker's own door: a socket; a pipe */
        char policy[DEMO_FILE_PATH];
        char package_sockets[DEMO_PACKAGES][2 * DEMO_PATH]; /* "ID=PATH", the last ones empty */
        char command[DEMO_FILE_PATH];                       /* this executable */
        char video[DEMO_FILE_PATH];
};

extern const char *const demo_packages[DEMO_PACKAGES];

/* Makes the directory and the policy in it. False with a sentence on stderr. */
bool
demo_plan_open(struct demo_plan *plan, const struct demo_options *options);

/* Removes the directory with all that is in it. */
void
demo_plan_close(struct demo_plan *plan);

/* The door that a package is given: a socket, or on Windows a pipe. */
void
demo_plan_door(const struct demo_plan *plan, const char *package, char door[2 * DEMO_PATH]);

/* The video's name without its directory. */
const char *
demo_plan_video_name(const struct demo_plan *plan);

/*
 * Writes the policy: `us`, who we are ("user:1000"), may subscribe and be waited for; the packages may do what they are
 * for; `stranger`, who the stranger is, nothing, unless a test wants that broken.
 */
void
demo_plan_policy(const struct demo_plan *plan, const char *us, const char *stranger, FILE *file);

#endif
