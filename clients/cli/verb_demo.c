/* weir demo: the arguments of the demo, and of the children that it starts from this same executable. */
#include "clients/cli/cli.h"
#include "clients/cli/verbs.h"
#include "clients/demo/demo.h"

#include <stdio.h>
#include <string.h>

const char verb_demo_help[] =
        "usage: weir demo --video FILE [OPTIONS]\n"
        "\n"
        "Streams a real video from a sandboxed package to this process through shared memory, and checks every byte:\n"
        "live, as fast as it decodes, and from memory; then shows that a package without a grant is refused, that one\n"
        "which may read cannot write, and how fast the same goes through a pipe. Exit 0 only if all of it held.\n"
        "It needs ffmpeg and bubblewrap and takes less than a minute. On Windows it needs neither: there FILE has raw\n"
        "pictures, and the packages run without a sandbox.\n"
        "\n"
        "  --video FILE        any file with video that ffmpeg reads; on Windows raw pictures, planar YUV 4:2:0:\n"
        "                      ffmpeg -i CLIP -s 1920x1080 -pix_fmt yuv420p -f rawvideo FILE\n"
        "  --size WxH          of the pictures; default 1920x1080\n"
        "  --live SECONDS      length of the live pass; default 5\n"
        "  --memory SECONDS    length of the passes from memory; default 3\n"
        "  --pictures N        different pictures that they show; default 300\n"
        "  --no-sandbox        run the packages without bubblewrap, and say what is then not shown\n"
        "  --json              one object; -q: no progress\n"
        "\n"
        "Example:\n"
        "  weir demo --video clip.ogv\n";

enum {
        OPTION_VIDEO = CLI_VERB_OPTION,
        OPTION_SIZE,
        OPTION_LIVE,
        OPTION_MEMORY,
        OPTION_PICTURES,
        OPTION_NO_SANDBOX,
        OPTION_BREAK, /* for the tests of the demo's own checks */
        OPTION_ROLE,  /* for the children */
        OPTION_KIND,
};
enum { WIDTH_MIN = 128, HEIGHT_MIN = 72, SIDE_MAX = 16384, PICTURES_MAX = 100000 };

/* The place of a name in a list ended by NULL, or -1. */
static int
find_name(const char *const *names, const char *name)
{
        for (int i = 0; names[i] != NULL; i++)
                if (strcmp(names[i], name) == 0)
                        return i;
        return -1;
}

static bool
parse_size(const char *text, struct demo_options *options)
{
        char rest;

        /* A smaller picture would be a small frame, which the bus copies out of the ring. */
        return sscanf(text, "%ux%u%c", &options->width, &options->height, &rest) == 2 && options->width >= WIDTH_MIN &&
               options->height >= HEIGHT_MIN && options->width <= SIDE_MAX && options->height <= SIDE_MAX;
}

static int
parse_child_option(int option, struct demo_options *options)
{
        int found;

        switch (option) {
        case OPTION_ROLE: options->role = optarg; return CLI_GO_ON;
        case OPTION_KIND:
                found = find_name(demo_kind_names, optarg);
                options->kind = (enum demo_kind)found;
                break;
        default:
                found = find_name(demo_break_names, optarg);
                options->broken = (enum demo_break)found;
                break;
        }
        return found >= 0 ? CLI_GO_ON : cli_usage("demo", "'%s' is not known", optarg);
}

static int
parse_option(int option, char **argv, struct demo_options *options, struct cli_common *common)
{
        switch (option) {
        case OPTION_VIDEO: options->video = optarg; return CLI_GO_ON;
        case OPTION_SIZE:
                if (parse_size(optarg, options))
                        return CLI_GO_ON;
                return cli_usage("demo", "'%s' is not a size of at least %dx%d", optarg, WIDTH_MIN, HEIGHT_MIN);
        case OPTION_LIVE:
                if (cli_seconds(optarg, &options->live_ns) && options->live_ns > 0)
                        return CLI_GO_ON;
                return cli_usage("demo", "'%s' is not a time", optarg);
        case OPTION_MEMORY:
                if (cli_seconds(optarg, &options->memory_ns))
                        return CLI_GO_ON;
                return cli_usage("demo", "'%s' is not a time", optarg);
        case OPTION_PICTURES:
                if (cli_count(optarg, &options->pictures_min) && options->pictures_min > 0 &&
                    options->pictures_min <= PICTURES_MAX)
                        return CLI_GO_ON;
                return cli_usage("demo", "'%s' is not a number of pictures", optarg);
        case OPTION_NO_SANDBOX: options->sandbox = false; return CLI_GO_ON;
        case OPTION_BREAK:
        case OPTION_ROLE:
        case OPTION_KIND: return parse_child_option(option, options);
        default: return cli_common_option("demo", option, argv, common);
        }
}

int
verb_demo(int argc, char **argv)
{
        static const struct option options[] = {
                { "video", required_argument, NULL, OPTION_VIDEO },
                { "size", required_argument, NULL, OPTION_SIZE },
                { "live", required_argument, NULL, OPTION_LIVE },
                { "memory", required_argument, NULL, OPTION_MEMORY },
                { "pictures", required_argument, NULL, OPTION_PICTURES },
                { "no-sandbox", no_argument, NULL, OPTION_NO_SANDBOX },
                { "break", required_argument, NULL, OPTION_BREAK },
                { "role", required_argument, NULL, OPTION_ROLE },
                { "kind", required_argument, NULL, OPTION_KIND },
                CLI_LONG,
        };
        struct demo_options demo = DEMO_OPTIONS;
        struct cli_common common = CLI_COMMON;
        int option, code = CLI_GO_ON;

        while (code == CLI_GO_ON && (option = getopt_long(argc, argv, CLI_SHORT, options, NULL)) != -1)
                code = parse_option(option, argv, &demo, &common);
        if (code != CLI_GO_ON)
                return code;
        if (optind < argc)
                return cli_usage("demo", "'%s' is too much", argv[optind]);
        if (demo.video == NULL)
                return cli_usage("demo", "--video FILE is missing");
        demo.json = common.json;
        demo.quiet = common.quiet;
        if (demo.role != NULL)
                return demo_role(&demo);
        code = demo_run(&demo);
        return code == CLI_OK ? cli_finish("demo") : code;
}
