/* weir version: what this is, and which library it runs with. */
#include "clients/cli/cli.h"
#include "clients/cli/verbs.h"

#include <stdio.h>

const char verb_version_help[] = "usage: weir version [--json]\n"
                                 "\n"
                                 "The version of the command and of the library it runs with.\n"
                                 "\n"
                                 "Example:\n"
                                 "  weir --version\n";

int
verb_version(int argc, char **argv)
{
        static const struct option options[] = { CLI_LONG };
        struct cli_common common = CLI_COMMON;
        uint32_t library = weir_version();
        unsigned major = library >> 16, minor = library >> 8 & 0xff, patch = library & 0xff;
        int option, code;

        /* `weir --version` arrives with that name and without arguments of its own. */
        while ((option = getopt_long(argc, argv, CLI_SHORT, options, NULL)) != -1)
                if ((code = cli_common_option("version", option, argv, &common)) != CLI_GO_ON)
                        return code;
        if (optind < argc)
                return cli_usage("version", "'%s' is too much", argv[optind]);
        if (common.json)
                printf("{\"command\": \"%s\", \"library\": \"%u.%u.%u\"}\n", WEIR_PROJECT_VERSION, major, minor, patch);
        else
                printf("weir %s, libweir %u.%u.%u\n", WEIR_PROJECT_VERSION, major, minor, patch);
        return cli_finish("version");
}
