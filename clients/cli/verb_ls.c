/*
 * weir ls: the topics, one a line; with -l their publishers and subscribers, one a line; with --watch a line for each
 * that is there, comes or goes.
 *
 * The broker's answer comes as rows; each is put into a table or into a JSON array, which is printed at the end.
 */
#include "clients/cli/cli.h"
#include "clients/cli/document.h"
#include "clients/cli/row.h"
#include "clients/cli/seen.h"
#include "clients/cli/table.h"
#include "clients/cli/verbs.h"

#include <jansson.h>
#include <stdio.h>

const char verb_ls_help[] =
        "usage: weir ls [PATTERN] [-l | --watch] [--json]\n"
        "\n"
        "Lists topics. In a PATTERN '*' matches inside one segment of a name and '**' any number of segments;\n"
        "without one everything is listed.\n"
        "\n"
        "  -l, --long       a line for each publisher and subscriber; what they have counted is up to a second old\n"
        "  --watch          a line for each publisher and subscriber that is there ('='), comes ('+') or goes ('-',\n"
        "                   with the reason), until Ctrl-C; -t, --seconds SECONDS: for so long; -n, --count COUNT: so\n"
        "                   many lines\n"
        "  --json           one array of objects; with --watch an object a line\n"
        "  -b, --broker ADDRESS\n"
        "\n"
        "Example:\n"
        "  weir ls 'camera/*' -l\n"
        "  weir ls --watch\n";

enum { OPTION_WATCH = CLI_VERB_OPTION };
#define RETURN_NS INT64_C(2000000000) /* clients find a broker that is back within a fraction of that */

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

/* ---- watching -------------------------------------------------------------------------------------------------- */

static void
print_change(const struct weir_event *event, bool is_json)
{
        const char *role = event->role == WEIR_SEAT_PUBLISHER ? "publisher" : "subscriber";
        const char *what = event->kind == WEIR_LISTED ? "listed" : event->kind == WEIR_JOINED ? "joined" : "left";

        if (is_json)
                cli_print_json(json_pack("{s:s, s:s, s:s, s:o, s:I, s:I, s:s, s:s}", "event", what, "topic",
                                         event->topic, "role", role, "source", row_name(event->source), "pid",
                                         (json_int_t)event->pid, "count", (json_int_t)event->count, "reason",
                                         weir_result_text(event->reason), "text", event->text),
                               0);
        else
                printf("%c %s  %s\n",
                       event->kind == WEIR_LISTED   ? '='
                       : event->kind == WEIR_JOINED ? '+'
                                                    : '-',
                       event->topic, event->text);
        fflush(stdout);
}

/* Endpoints of others are what this bus tells of: it has none of its own. */
struct watching {
        const struct cli_common *common;
        struct seen seen;
        bool is_away;    /* there is no broker; what it listed before it said that it is back counts already */
        int64_t sure_ns; /* who has not come by then has left; INT64_MAX: nobody is in doubt, or not yet to be judged */
        int64_t until_ns; /* the end */
        uint64_t lines;
};

static void
tell_left(struct watching *watching)
{
        struct weir_event event;

        watching->sure_ns = INT64_MAX;
        while (watching->lines < watching->common->count && seen_left(&watching->seen, &event)) {
                print_change(&event, watching->common->json);
                watching->lines++;
        }
}

/* What the bus tells of itself, and the ends of lists. */
static void
watch_bus(struct watching *watching, const struct weir_event *event)
{
        bool is_list = event->kind == WEIR_LISTED, is_gap = is_list && event->reason == WEIR_E_HELD;

        if (event->kind == WEIR_BROKER_LOST || is_gap)
                seen_doubt(&watching->seen);
        if (event->kind == WEIR_BROKER_LOST || event->kind == WEIR_BROKER_BACK)
                watching->is_away = event->kind == WEIR_BROKER_LOST;
        if (event->kind == WEIR_BROKER_LOST || is_gap)
                watching->sure_ns = INT64_MAX;
        else if (event->kind == WEIR_BROKER_BACK)
                watching->sure_ns = weir_now() + RETURN_NS; /* the others look for it, too */
        else if (is_list && !watching->is_away && watching->sure_ns == INT64_MAX)
                tell_left(watching);
        if ((!is_list || is_gap) && !watching->common->quiet)
                fprintf(stderr, "weir ls: %s\n", event->text);
}

static void
watch_until(struct weir *bus, struct watching *watching)
{
        const struct cli_common *common = watching->common;
        const struct weir_event *event;

        while (watching->lines < common->count && cli_interrupted() == 0 && !ferror(stdout)) {
                int64_t next_ns = watching->sure_ns < watching->until_ns ? watching->sure_ns : watching->until_ns;
                int64_t left_ns = next_ns == INT64_MAX ? WEIR_FOREVER : next_ns - weir_now();
                enum weir_result result = weir_next(bus, left_ns > 0 ? left_ns : WEIR_NOW, &event);

                if (result == WEIR_EMPTY && watching->until_ns <= weir_now())
                        return;
                if (result == WEIR_EMPTY)
                        tell_left(watching);
                if (result != WEIR_OK)
                        continue;
                if (event->source == 0) {
                        watch_bus(watching, event);
                } else if (seen_note(&watching->seen, event)) {
                        print_change(event, common->json);
                        watching->lines++;
                }
        }
}

static int
watch(const struct cli_common *common, const char *pattern)
{
        struct watching watching = { .common = common, .sure_ns = INT64_MAX, .until_ns = INT64_MAX };
        struct weir *bus;
        enum weir_result result;
        int code = cli_open(&bus, "ls", common);

        if (code != CLI_OK)
                return code;
        if (common->limit_ns != INT64_MAX)
                watching.until_ns = weir_now() + common->limit_ns;
        result = weir_watch(bus, pattern);
        if (result == WEIR_OK)
                watch_until(bus, &watching);
        else
                code = cli_failed("ls", result);
        cli_close(bus);
        seen_free(&watching.seen);
        if (code == CLI_OK && cli_interrupted() != 0)
                return cli_interrupted();
        return code == CLI_OK ? cli_finish("ls") : code;
}

int
verb_ls(int argc, char **argv)
{
        static const struct option options[] = { { "long", no_argument, NULL, 'l' },
                                                 { "watch", no_argument, NULL, OPTION_WATCH },
                                                 CLI_LONG };
        struct cli_common common = CLI_COMMON;
        bool endpoints = false, watches = false;
        const char *pattern;
        int option, code;

        while ((option = getopt_long(argc, argv, CLI_SHORT "l", options, NULL)) != -1) {
                if (option == 'l')
                        endpoints = true;
                else if (option == OPTION_WATCH)
                        watches = true;
                else if ((code = cli_common_option("ls", option, argv, &common)) != CLI_GO_ON)
                        return code;
        }
        if (argc - optind > 1)
                return cli_usage("ls", "one pattern is enough: '%s' is too much (put patterns in quotes)",
                                 argv[optind + 1]);
        pattern = optind < argc ? argv[optind] : "**";
        return watches ? watch(&common, pattern) : list(&common, pattern, endpoints);
}
