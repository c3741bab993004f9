/* A child of the demo: started with pipes, ends with a report. */
#ifndef DEMO_CHILD_H
#define DEMO_CHILD_H

#include "clients/demo/demo_plan.h"

#include <jansson.h>
#include <sys/types.h>

enum { DEMO_DATA_FD = 3 }; /* in the child: the pipe of the pass through a pipe */

struct demo_child {
        pid_t pid;  /* 0: not running */
        int input;  /* closing it tells the child to end */
        int report; /* what it prints */
        int data;   /* frames of the pipe pass; -1 without */
        int status; /* of waitpid, once it ended */
};

/*
 * Starts a role as a package: "camera" (which gets the video, and for DEMO_PIPE the data pipe), "stranger", "viewer".
 * `kind` is the camera's. False with a sentence on stderr.
 */
bool
demo_child_start(struct demo_child *child, const struct demo_plan *plan, const char *package, const char *role,
                 enum demo_kind kind);

/* Ends the child, and whatever it started, at once. */
void
demo_child_kill(struct demo_child *child);

/* True once the child has ended. Does not wait. */
bool
demo_child_ended(struct demo_child *child);

/* Lets the child end, waits for it, and returns its report: a JSON object, or NULL when it gave none. */
json_t *
demo_child_finish(struct demo_child *child);

#endif
