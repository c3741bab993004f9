/*
 * weir bench: executes weir-bench, which is a program of its own because it brings the peers that it compares with.
 *
 *      looked for: beside this command, in ../libexec/weir of it, and where a build tree has it
 */
#include "clients/cli/cli.h"
#include "clients/cli/verbs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char verb_bench_help[] =
        "usage: weir bench [OPTIONS]\n"
        "\n"
        "Measures weir beside a pipe, a unix socket, loopback TCP and a ring without features, in one run. The\n"
        "options are those of weir-bench, which follow.\n"
        "\n"
        "Example:\n"
        "  weir bench --size 1M --vs pipe\n"
        "\n";

static const char *const places[] = { "weir-bench", "../libexec/weir/weir-bench", "../../bench/weir-bench" };

/* Writes the path of weir-bench to `path`; false when it is in none of the places. */
static bool
find_bench(char path[PATH_MAX])
{
        char own[PATH_MAX];
        ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
        char *slash;

        if (length < 0)
                return false;
        own[length] = '\0';
        slash = strrchr(own, '/');
        if (slash == NULL)
                return false;
        *slash = '\0';
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
                int written = snprintf(path, PATH_MAX, "%s/%s", own, places[i]);

                if (written < PATH_MAX && access(path, X_OK) == 0)
                        return true;
        }
        return false;
}

int
verb_bench(int argc, char **argv)
{
        char path[PATH_MAX];

        if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
                fputs(verb_bench_help, stdout);
                fflush(stdout);
        }
        if (!find_bench(path)) {
                fprintf(stderr, "weir bench: weir-bench is neither beside this command nor in ../libexec/weir. "
                                "Build it: ninja bench/weir-bench\n");
                return CLI_FAILED;
        }
        argv[0] = path;
        execv(path, argv);
        fprintf(stderr, "weir bench: %s: %s\n", path, strerror(errno));
        return CLI_FAILED;
}
