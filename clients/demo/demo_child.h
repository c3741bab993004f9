/* A child of the demo: started with pipes, ends with a report. Two halves: demo_child_linux.c, demo_child_win32.c. */
#ifndef DEMO_CHILD_H
#define DEMO_CHILD_H

#include "clients/demo/demo_plan.h"

#include <jansson.h>

enum { DEMO_NO_STREAM = -1 };

/* Streams are a descriptor on Linux, a handle on Windows. */
struct demo_child {
        intptr_t process; /* a process id or a handle; 0: not running */
        intptr_t input;   /* closing it tells the child to end */
        intptr_t report;  /* what it prints */
        intptr_t data;    /* frames of the pipe pass; DEMO_NO_STREAM without */
        int status;       /* how it ended, as the system says it, once it did */
};
#define DEMO_CHILD_NONE \
        ((struct demo_child){ .input = DEMO_NO_STREAM, .report = DEMO_NO_STREAM, .data = DEMO_NO_STREAM })

/*
 * Starts a role as a package: "camera" (which gets the video, and for DEMO_PIPE the data pipe), "stranger", "viewer".
 * `kind` is the camera's. False with a sentence on stderr.
 */
bool
demo_child_start(struct demo_child *child, const struct demo_plan *plan, const char *package, const char *role,
                 enum demo_kind kind);

/* Reads `size` bytes of the pipe pass: 1 all of them, 0 the pipe ended before the first, -1 failed or cut off. */
int
demo_child_read(struct demo_child *child, void *to, uint64_t size);

/* Waits until the child reports, or has ended, or so much time has passed. */
void
demo_child_await_report(const struct demo_child *child, int timeout_ms);

/* Ends the child, and whatever it started, at once. */
void
demo_child_kill(struct demo_child *child);

/* True once the child has ended. Does not wait. */
bool
demo_child_ended(struct demo_child *child);

/* Lets the child end, waits for it, and returns its report: a JSON object, or NULL when it gave none. */
json_t *
demo_child_finish(struct demo_child *child);

/* In the child. First of all: it ends when the demo dies; what it sees of its sandbox goes into the report. */
void
demo_child_begin(const struct demo_options *options, json_t *report);

/* In the child: sends bytes of the pipe pass. False: nobody reads them any more, or the system's error, for
 * demo_child_error(). */
bool
demo_child_write(const void *data, uint64_t size);

/* In the child: why demo_child_write() failed. */
const char *
demo_child_error(void);

/* In the child: waits until the demo tells it to end. */
void
demo_child_await_end(void);

#endif
