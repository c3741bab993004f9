/*
 * weir info: one topic, its publishers and subscribers and what each has counted.
 *
 *      camera/front   video/x-raw
 *      publishers 1, subscribers 2
 *      ROLE ...
 *
 *      shm: the policy grants it 'map'
 */
#include "clients/cli/cli.h"
#include "clients/cli/document.h"
#include "clients/cli/missing.h"
#include "clients/cli/row.h"
#include "clients/cli/verbs.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

const char verb_info_help[] =
        "usage: weir info TOPIC [--json]\n"
        "\n"
        "Shows who publishes and who subscribes a topic, as the kernel vouched for them; how their frames travel\n"
        "(path, and its reason below), how often each end copies a payload byte (0: read where it was written), how\n"
        "many are at the other end (peers), and what each has counted: frames, bytes, lost (overrun against the\n"
        "subscriber's wish), skipped (passed over because of --keep), lag (how old the oldest frame is that is yet to\n"
        "be taken), out (frames or loans not given back). Subscribers with a pattern are listed where they have the\n"
        "topic. Exit 4 when there is no such topic.\n"
        "\n"
        "  --json           one object\n"
        "  -b, --broker ADDRESS\n"
        "\n"
        "Example:\n"
        "  weir info camera/front\n";

struct info {
        const char *topic;
        char type[128];
        unsigned publishers, subscribers;
        char why[8][128]; /* the reasons, each once */
        unsigned why_count;
        struct table table;
        json_t *endpoints; /* NULL: a table is wanted */
};

static void
note_why(struct info *info, const char *why)
{
        for (unsigned i = 0; i < info->why_count; i++)
                if (strcmp(info->why[i], why) == 0)
                        return;
        if (info->why_count < sizeof info->why / sizeof info->why[0])
                snprintf(info->why[info->why_count++], sizeof info->why[0], "%s", why);
}

static int
take_row(const struct weir_row *row, void *user)
{
        struct info *info = user;

        note_why(info, row->why);
        if (row->publishes)
                info->publishers++;
        else
                info->subscribers++;
        if (row->type[0] != '\0')
                snprintf(info->type, sizeof info->type, "%s", row->type);
        if (info->endpoints != NULL)
                return json_array_append_new(info->endpoints, row_json(row, true));
        row_add_all(&info->table, row);
        return 0;
}

static bool
print_info(struct info *info)
{
        if (info->endpoints == NULL) {
                printf("%s  %s\npublishers %u, subscribers %u; figures up to a second old\n", info->topic,
                       info->type[0] != '\0' ? info->type : "bytes", info->publishers, info->subscribers);
                if (!table_print(&info->table))
                        return false;
                putchar('\n');
                for (unsigned i = 0; i < info->why_count; i++)
                        puts(info->why[i]);
                return true;
        }
        return cli_print_json(json_pack("{s:s, s:s, s:i, s:i, s:o}", "topic", info->topic, "type", info->type,
                                        "publishers", (int)info->publishers, "subscribers", (int)info->subscribers,
                                        "endpoints", info->endpoints),
                              JSON_INDENT(2));
}

static int
show(const struct cli_common *common, const char *topic)
{
        static const char *const headings[] = { ROW_ALL_HEADINGS };
        struct info info = { .topic = topic };
        struct weir *bus;
        enum weir_result result;
        int code = cli_open(&bus, "info", common);

        if (code != CLI_OK)
                return code;
        if (common->json)
                info.endpoints = json_array();
        else
                table_open(&info.table, headings, ROW_ALL_COLUMNS);
        result = weir_list(bus, topic, 1, take_row, &info);
        if (result != WEIR_OK) {
                code = cli_failed("info", result);
        } else if (info.publishers + info.subscribers == 0) {
                missing_tell("info", bus, "no such topic: ", topic);
                code = CLI_NO_TOPIC;
        }
        cli_close(bus);
        if (code != CLI_OK)
                return code;
        if (print_info(&info))
                return cli_finish("info");
        fprintf(stderr, "weir info: no memory for the answer\n");
        return CLI_FAILED;
}

int
verb_info(int argc, char **argv)
{
        static const struct option options[] = { CLI_LONG };
        struct cli_common common = CLI_COMMON;
        int option, code;

        while ((option = getopt_long(argc, argv, CLI_SHORT, options, NULL)) != -1)
                if ((code = cli_common_option("info", option, argv, &common)) != CLI_GO_ON)
                        return code;
        if (argc - optind != 1)
                return cli_usage("info", optind == argc ? "the TOPIC is missing" : "one TOPIC at a time");
        if (strchr(argv[optind], '*') != NULL)
                return cli_usage("info", "'%s' is a pattern: weir ls '%s' -l lists what matches", argv[optind],
                                 argv[optind]);
        return show(&common, argv[optind]);
}
