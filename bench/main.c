/* weir-bench: the verbs. */
#include "bench/compare.h"
#include "bench/suite.h"
#include "clients/cli/system.h"

#include <stddef.h>
#include <string.h>

/* The lane first: what the library adds is the ratio of the second line to the first. */
static const struct bench_peer *const lane_peers[] = { &bench_peer_lane, &bench_peer_weir, &bench_peer_ceiling, NULL };
static const char *const lane_defaults[] = { "--size=32", "--mode=latency,stream", NULL };

int
main(int argc, char **argv)
{
        cli_system_begin(&argc, &argv);
        if (argc > 1 && strcmp(argv[1], "compare") == 0)
                return bench_compare(argc - 1, argv + 1);
        if (argc > 1 && strcmp(argv[1], "lane") == 0)
                return bench_suite_main(argc - 1, argv + 1, lane_peers, lane_defaults);
        return bench_suite_main(argc, argv, bench_peers, NULL);
}
