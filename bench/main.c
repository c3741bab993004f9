/* weir-bench: the verbs. */
#include "bench/compare.h"
#include "bench/suite.h"
#include "clients/cli/system.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { EXIT_USAGE = 2 };

/* The lane first: what the library adds is the ratio of the second line to the first. */
static const struct bench_peer *const lane_peers[] = { &bench_peer_lane, &bench_peer_weir, &bench_peer_ceiling, NULL };
static const char *const lane_defaults[] = { "--size=32", "--mode=latency,stream", NULL };

static const char *const path_defaults[] = { "--size=4k,64k,1M,32M", "--mode=stream", "--wait=block", "--runs=5",
                                             NULL };
static const char *const path_quick[] = { "--size=4k,1M", "--mode=stream", "--wait=block", "--runs=1", NULL };

static const char *const *
path_defaults_of(int argc, char **argv)
{
        for (int i = 1; i < argc; i++)
                if (strcmp(argv[i], "--quick") == 0)
                        return path_quick;
        return path_defaults;
}

/* Takes `--path NAME` or `--path=NAME` off the arguments. NULL: there is none; "": it has no name. */
static const char *
path_take(int *argc, char **argv)
{
        const char *name = NULL;
        int kept = 1;

        for (int i = 1; i < *argc; i++) {
                if (strncmp(argv[i], "--path=", strlen("--path=")) == 0)
                        name = argv[i] + strlen("--path=");
                else if (strcmp(argv[i], "--path") == 0)
                        name = i + 1 < *argc ? argv[++i] : "";
                else
                        argv[kept++] = argv[i];
        }
        argv[kept] = NULL;
        *argc = kept;
        return name;
}

int
main(int argc, char **argv)
{
        const char *path;

        cli_system_begin(&argc, &argv);
        path = path_take(&argc, argv);
        if (path && strcmp(path, "pipe") == 0)
                return bench_suite_main(argc, argv, bench_pipe_peers, path_defaults_of(argc, argv));
        if (path && strcmp(path, "tcp") == 0)
                return bench_suite_main(argc, argv, bench_tcp_peers, path_defaults_of(argc, argv));
        if (path) {
                fprintf(stderr, "weir-bench: --path '%s': expected pipe or tcp. Try weir-bench --help\n", path);
                return EXIT_USAGE;
        }
        if (argc > 1 && strcmp(argv[1], "compare") == 0)
                return bench_compare(argc - 1, argv + 1);
        if (argc > 1 && strcmp(argv[1], "lane") == 0)
                return bench_suite_main(argc - 1, argv + 1, lane_peers, lane_defaults);
        return bench_suite_main(argc, argv, bench_peers, NULL);
}
