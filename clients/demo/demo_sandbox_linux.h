/* The sandbox: the bubblewrap line around a child, whether it can be had here, and what a child sees of it. */
#ifndef DEMO_SANDBOX_LINUX_H
#define DEMO_SANDBOX_LINUX_H

#include "clients/demo/demo_plan.h"

#include <jansson.h>

enum { DEMO_ARGUMENTS_MAX = 96, DEMO_IDENTITY_FD = 9 };

/* A child's command line; the strings that it points at lie in `text`, in the plan, or are constant. */
struct demo_line {
        const char *argv[DEMO_ARGUMENTS_MAX];
        unsigned count;
        char text[4 * DEMO_FILE_PATH];
        size_t used;
};

/*
 * The line that starts this executable as `package` with these arguments (ended by NULL). In a sandbox it sees /usr,
 * the package's own socket and, if wanted, the video. The arguments are copied.
 */
void
demo_sandbox_line(struct demo_line *line, const struct demo_plan *plan, const char *package, bool wants_video,
                  const char *const *arguments);

/* The content of the sandbox's /.flatpak-info, to be found by the child on DEMO_IDENTITY_FD. Returns a descriptor. */
int
demo_sandbox_identity(const char *package);

/* Where a child finds the video. */
void
demo_sandbox_video(const struct demo_plan *plan, char path[DEMO_FILE_PATH]);

/* Tries the sandbox with a child that does nothing. False with sentences on stderr that say what mends it. */
bool
demo_sandbox_possible(void);

/*
 * Called in a child before it has threads: what it can do to the world around it, as a JSON object of names and errors.
 * "" where an attempt succeeded that must not.
 */
json_t *
demo_sandbox_facts(void);

#endif
