/*
 * A child and its pipes.
 *
 *      stdin    ours to close: the child ends then         fd 3   frames, in the pass through a pipe
 *      stdout   one JSON object, its report                fd 9   the sandbox's /.flatpak-info
 */
#include "clients/demo/demo_child.h"
#include "clients/demo/demo_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIPE_BYTES = 1 << 20, PATIENCE_MS = 20000 };

/* Descriptors on their way to the child: kept above those numbers that they get there. */
struct ends {
        int input[2], report[2], data[2], identity;
};
#define NO_ENDS ((struct ends){ { -1, -1 }, { -1, -1 }, { -1, -1 }, -1 })

static void
close_end(int *fd)
{
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}

static void
close_ends(struct ends *ends)
{
        close_end(&ends->input[0]);
        close_end(&ends->input[1]);
        close_end(&ends->report[0]);
        close_end(&ends->report[1]);
        close_end(&ends->data[0]);
        close_end(&ends->data[1]);
        close_end(&ends->identity);
}

/* Moves a descriptor above 9, so that no dup2 of the child overwrites one that is still to be given to it. */
static bool
lift(int *fd)
{
        int lifted = fcntl(*fd, F_DUPFD_CLOEXEC, DEMO_IDENTITY_FD + 1);

        if (lifted < 0)
                return false;
        close(*fd);
        *fd = lifted;
        return true;
}

static bool
open_ends(struct ends *ends, const char *package, bool wants_data)
{
        if (pipe2(ends->input, O_CLOEXEC) < 0 || pipe2(ends->report, O_CLOEXEC) < 0)
                return false;
        if (wants_data && pipe2(ends->data, O_CLOEXEC) < 0)
                return false;
        if (wants_data && fcntl(ends->data[0], F_SETPIPE_SZ, PIPE_BYTES) < 0)
                return false;
        ends->identity = demo_sandbox_identity(package);
        return ends->identity >= 0 && lift(&ends->input[0]) && lift(&ends->report[1]) && lift(&ends->identity) &&
               (!wants_data || lift(&ends->data[1]));
}

/* The child leads a group of its own, so that one signal reaches all that it started: bubblewrap's inner process does
 * not yet die with the outer one while the sandbox is being built. */
static int
spawn(pid_t *pid, const struct demo_line *line, const struct ends *ends)
{
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        int error;

        posix_spawnattr_init(&attributes);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, ends->input[0], STDIN_FILENO);
        posix_spawn_file_actions_adddup2(&actions, ends->report[1], STDOUT_FILENO);
        if (ends->data[1] >= 0)
                posix_spawn_file_actions_adddup2(&actions, ends->data[1], DEMO_DATA_FD);
        posix_spawn_file_actions_adddup2(&actions, ends->identity, DEMO_IDENTITY_FD);
        error = posix_spawnp(pid, line->argv[0], &actions, &attributes, (char *const *)line->argv, environ);
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
        return error;
}

/* The child's own arguments: its role, and all that the demo was told. */
static void
compose(struct demo_line *line, const struct demo_plan *plan, const char *package, const char *role,
        enum demo_kind kind)
{
        const struct demo_options *options = &plan->options;
        char video[PATH_MAX], size[32], live[32], memory[32], pictures[32];
        const char *const arguments[] = { "--role",
                                          role,
                                          "--kind",
                                          demo_kind_names[kind],
                                          "--video",
                                          video,
                                          "--size",
                                          size,
                                          "--live",
                                          live,
                                          "--memory",
                                          memory,
                                          "--pictures",
                                          pictures,
                                          "--break",
                                          demo_break_names[options->broken],
                                          options->sandbox ? NULL : "--no-sandbox",
                                          NULL };

        demo_sandbox_video(plan, video);
        snprintf(size, sizeof size, "%ux%u", options->width, options->height);
        snprintf(live, sizeof live, "%.6f", (double)options->live_ns / 1e9);
        snprintf(memory, sizeof memory, "%.6f", (double)options->memory_ns / 1e9);
        snprintf(pictures, sizeof pictures, "%llu", (unsigned long long)options->pictures_min);
        demo_sandbox_line(line, plan, package, strcmp(role, "camera") == 0, arguments);
}

bool
demo_child_start(struct demo_child *child, const struct demo_plan *plan, const char *package, const char *role,
                 enum demo_kind kind)
{
        struct ends ends = NO_ENDS;
        struct demo_line line;
        int error = 0;

        *child = (struct demo_child){ .input = -1, .report = -1, .data = -1 };
        compose(&line, plan, package, role, kind);
        if (open_ends(&ends, package, kind == DEMO_PIPE))
                error = spawn(&child->pid, &line, &ends);
        else
                error = errno;
        if (error != 0) {
                fprintf(stderr, "weir demo: %s cannot be started as %s: %s\n", line.argv[0], package, strerror(error));
                close_ends(&ends);
                child->pid = 0;
                return false;
        }
        child->input = ends.input[1];
        child->report = ends.report[0];
        child->data = ends.data[0];
        ends.input[1] = ends.report[0] = ends.data[0] = -1;
        close_ends(&ends);
        return true;
}

void
demo_child_kill(struct demo_child *child)
{
        if (child->pid != 0)
                kill(-child->pid, SIGKILL);
}

bool
demo_child_ended(struct demo_child *child)
{
        if (child->pid != 0 && waitpid(child->pid, &child->status, WNOHANG) == child->pid)
                child->pid = 0;
        return child->pid == 0;
}

json_t *
demo_child_finish(struct demo_child *child)
{
        struct pollfd ready = { .fd = child->report, .events = POLLIN };
        json_t *report;

        close_end(&child->input);
        close_end(&child->data);
        if (child->pid != 0 && poll(&ready, 1, PATIENCE_MS) == 0)
                demo_child_kill(child);
        report = child->report >= 0 ? json_loadfd(child->report, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
        close_end(&child->report);
        while (child->pid != 0 && waitpid(child->pid, &child->status, 0) < 0 && errno == EINTR)
                ;
        child->pid = 0;
        return report;
}
