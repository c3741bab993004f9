/*
 * weir bench: executes weir-bench, which is a program of its own because it brings the peers that it compares with.
 *
 *      looked for: beside this command, in ../libexec/weir of it, and where a build tree has it
 */
#include "clients/cli/cli.h"
#include "clients/cli/system.h"
#include "clients/cli/verbs.h"

#include <stdio.h>
#include <string.h>

const char verb_bench_help[] =
        "usage: weir bench [OPTIONS]\n"
        "\n"
        "Measures weir beside a pipe, a unix socket, loopback TCP and a ring without features, in one run. The\n"
        "options are those of weir-bench, which follow.\n"
        "\n"
        "Example:\n"
        "  weir bench --size 1M --vs pipe\n"
        "  weir bench --path pipe                    relayed, beside a bare program over such a pipe\n"
        "\n";

static const char *const places[] = { "weir-bench", "../libexec/weir/weir-bench", "../../bench/weir-bench" };

/* Writes the path of weir-bench to `path`; false when it is in none of the places. */
static bool
find_bench(char path[CLI_PATH_MAX])
{
        char own[CLI_PATH_MAX];

        if (!cli_system_folder(own, sizeof own))
                return false;
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
                int written = snprintf(path, CLI_PATH_MAX, "%s/%s", own, places[i]);

                if (written < CLI_PATH_MAX && cli_system_program(path, CLI_PATH_MAX))
                        return true;
        }
        return false;
}

int
verb_bench(int argc, char **argv)
{
        char path[CLI_PATH_MAX];

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
        cli_system_become(path, argv);
        fprintf(stderr, "weir bench: %s: %s\n", path, cli_system_error());
        return CLI_FAILED;
}
