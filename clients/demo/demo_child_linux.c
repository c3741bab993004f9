/*
 * A child and its pipes.
 *
 *      stdin    ours to close: the child ends then         fd 3   frames, in the pass through a pipe
 *      stdout   one JSON object, its report                fd 9   the sandbox's /.flatpak-info
 */
#include "clients/demo/demo_arguments.h"
#include "clients/demo/demo_child.h"
#include "clients/demo/demo_sandbox_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIPE_BYTES = 1 << 20, PATIENCE_MS = 20000 };
enum { DATA_FD = 3 }; /* in the child: the pipe of the pass through a pipe */

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
                posix_spawn_file_actions_adddup2(&actions, ends->data[1], DATA_FD);
        posix_spawn_file_actions_adddup2(&actions, ends->identity, DEMO_IDENTITY_FD);
        error = posix_spawnp(pid, line->argv[0], &actions, &attributes, (char *const *)line->argv, environ);
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
        return error;
}

bool
demo_child_start(struct demo_child *child, const struct demo_plan *plan, const char *package, const char *role,
                 enum demo_kind kind)
{
        struct ends ends = NO_ENDS;
        struct demo_arguments arguments;
        char video[DEMO_FILE_PATH];
        struct demo_line line;
        int error = 0;
        pid_t pid = 0;

        *child = DEMO_CHILD_NONE;
        demo_sandbox_video(plan, video);
        demo_arguments_compose(&arguments, &plan->options, role, kind, video);
        demo_sandbox_line(&line, plan, package, strcmp(role, "camera") == 0, arguments.list);
        if (open_ends(&ends, package, kind == DEMO_PIPE))
                error = spawn(&pid, &line, &ends);
        else
                error = errno;
        if (error != 0) {
                fprintf(stderr, "weir demo: %s cannot be started as %s: %s\n", line.argv[0], package, strerror(error));
                close_ends(&ends);
                return false;
        }
        child->process = pid;
        child->input = ends.input[1];
        child->report = ends.report[0];
        child->data = ends.data[0]; /* -1 is DEMO_NO_STREAM */
        ends.input[1] = ends.report[0] = ends.data[0] = -1;
        close_ends(&ends);
        return true;
}

int
demo_child_read(struct demo_child *child, void *to, uint64_t size)
{
        uint64_t got = 0;

        while (got < size) {
                ssize_t n = read((int)child->data, (char *)to + got, size - got);

                if (n == 0 && got == 0)
                        return 0;
                if (n <= 0)
                        return -1;
                got += (uint64_t)n;
        }
        return 1;
}

void
demo_child_await_report(const struct demo_child *child, int timeout_ms)
{
        struct pollfd ready = { .fd = (int)child->report, .events = POLLIN };

        poll(&ready, 1, timeout_ms);
}

void
demo_child_kill(struct demo_child *child)
{
        if (child->process != 0)
                kill(-(pid_t)child->process, SIGKILL);
}

bool
demo_child_ended(struct demo_child *child)
{
        if (child->process != 0 && waitpid((pid_t)child->process, &child->status, WNOHANG) == child->process)
                child->process = 0;
        return child->process == 0;
}

static void
close_stream(intptr_t *stream)
{
        int fd = (int)*stream;

        close_end(&fd);
        *stream = DEMO_NO_STREAM;
}

json_t *
demo_child_finish(struct demo_child *child)
{
        struct pollfd ready = { .fd = (int)child->report, .events = POLLIN };
        json_t *report;

        close_stream(&child->input);
        close_stream(&child->data);
        if (child->process != 0 && poll(&ready, 1, PATIENCE_MS) == 0)
                demo_child_kill(child);
        report = child->report >= 0 ? json_loadfd((int)child->report, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
        close_stream(&child->report);
        while (child->process != 0 && waitpid((pid_t)child->process, &child->status, 0) < 0 && errno == EINTR)
                ;
        child->process = 0;
        return report;
}

void
demo_child_begin(const struct demo_options *options, json_t *report)
{
        prctl(PR_SET_PDEATHSIG, SIGKILL);    /* without a sandbox nobody else ends us when the demo dies */
        fcntl(DATA_FD, F_SETFD, FD_CLOEXEC); /* the decoder must not keep the pipe open; it may not be there */
        if (options->sandbox)
                json_object_set_new(report, "sandbox", demo_sandbox_facts());
}

bool
demo_child_write(const void *data, uint64_t size)
{
        const char *bytes = data;

        while (size > 0) {
                ssize_t n = write(DATA_FD, bytes, size);

                if (n < 0)
                        return false;
                bytes += n;
                size -= (uint64_t)n;
        }
        return true;
}

const char *
demo_child_error(void)
{
        return strerror(errno);
}

void
demo_child_await_end(void)
{
        char byte;

        while (read(STDIN_FILENO, &byte, 1) > 0)
                ;
}
