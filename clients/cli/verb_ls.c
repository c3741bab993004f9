/*
 * weir ls: the topics, one a line; with -l their publishers and subscribers, one a line.
 *
 * The broker's answer comes as rows; each is put into a table or into a JSON array, which is printed at the end.
 */
#include "clients/cli/cli.h"
#include "clients/cli/document.h"
#include "clients/cli/row.h"
#include "clients/cli/table.h"
#include "clients/cli/verbs.h"

#include <jansson.h>
#include <stdio.h>

const char verb_ls_help[] =
        "usage: weir ls [PATTERN] [-l] [--json]\n"
        "\n"
        "Lists topics. In a PATTERN '*' matches inside one segment of a name and '**' any number of segments;\n"
        "without one everything is listed.\n"
        "\n"
        "  -l, --long       a line for each publisher and subscriber\n"
        "  --json           one array of objects\n"
        "  -b, --broker ADDRESS\n"
        "\n"
        "Example:\n"
        "  weir ls 'camera/*' -l\n";

struct listing {
        struct table table;
        json_t *json; /* NULL: a table is wanted */
        bool endpoints;
};

static int
list_row(const struct weir_row *row, void *user)
{
        struct listing *listing = user;

        if (listing->json != NULL)
                return json_array_append_new(listing->json, row_json(row, listing->endpoints));
        table_add(&listing->table, "%s", row->topic);
        if (listing->endpoints) {
                row_add_endpoint(&listing->table, row);
                return 0;
        }
        table_add(&listing->table, "%s", row->type[0] != '\0' ? row->type : "-");
        table_add(&listing->table, "%u", row->publishers);
        table_add(&listing->table, "%u", row->subscribers);
        return 0;
}

static int
print_listing(struct listing *listing)
{
        bool printed =
                listing->json != NULL ? cli_print_json(listing->json, JSON_INDENT(2)) : table_print(&listing->table);

        if (printed)
                return cli_finish("ls");
        fprintf(stderr, "weir ls: no memory for the list\n");
        return CLI_FAILED;
}

static int
list(const struct cli_common *common, const char *pattern, bool endpoints)
{
        static const char *const topic_headings[] = { "TOPIC", "TYPE", ">PUBLISHERS", ">SUBSCRIBERS" };
        static const char *const endpoint_headings[] = { "TOPIC", ROW_ENDPOINT_HEADINGS };
        struct listing listing = { .endpoints = endpoints };
        struct weir *bus;
        enum weir_result result;
        int code = cli_open(&bus, "ls", common);

        if (code != CLI_OK)
                return code;
        if (common->json)
                listing.json = json_array();
        else if (endpoints)
                table_open(&listing.table, endpoint_headings, 1 + ROW_ENDPOINT_COLUMNS);
        else
                table_open(&listing.table, topic_headings, 4);
        result = weir_list(bus, pattern, endpoints, list_row, &listing);
        if (result != WEIR_OK)
                code = cli_failed("ls", result);
        else
                code = print_listing(&listing);
        cli_close(bus);
        return code;
}

int
verb_ls(int argc, char **argv)
{
        static const struct option options[] = { { "long", no_argument, NULL, 'l' }, CLI_LONG };
        struct cli_common common = CLI_COMMON;
        bool endpoints = false;
        int option, code;

        while ((option = getopt_long(argc, argv, CLI_SHORT "l", options, NULL)) != -1) {
                if (option == 'l')
                        endpoints = true;
                else if ((code = cli_common_option("ls", option, argv, &common)) != CLI_GO_ON)
                        return code;
        }
        if (argc - optind > 1)
                return cli_usage("ls", "one pattern is enough: '%s' is too much (put patterns in quotes)",
                                 argv[optind + 1]);
        return list(&common, optind < argc ? argv[optind] : "**", endpoints);
}
