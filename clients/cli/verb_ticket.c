/*
 * weir ticket new | ls | revoke: a right as a line of text, to be handed to somebody else.
 */
#include "clients/cli/cli.h"
#include "clients/cli/document.h"
#include "clients/cli/rights.h"
#include "clients/cli/table.h"
#include "clients/cli/verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char verb_ticket_help[] =
        "usage: weir ticket new TOPIC --read|--write [--reliable] [--no-map] [--ttl TIME] [--uses N] [--json]\n"
        "       weir ticket ls [--json]\n"
        "       weir ticket revoke ID\n"
        "\n"
        "new prints a ticket, one line: whoever has it may do with TOPIC what it grants, and nothing else, although\n"
        "no rule names him. Hand it over by any channel; the other side says weir sub TOPIC --ticket @FILE,\n"
        "sets WEIR_TICKET (--ticket TEXT works too, and every user sees it in ps), or opens its bus with .ticket.\n"
        "You can hand on only what you may do yourself, and it counts only as long as you may.\n"
        "The text is shown this once: the broker keeps no key that it could be made of. They end with it.\n"
        "\n"
        "  --read         subscribe, and see it listed\n"
        "  --write        publish, and see it listed\n"
        "  --reliable     with --read: be waited for\n"
        "  --no-map       no shared memory: its frames are relayed\n"
        "  --ttl TIME     how long it can be redeemed: 90, 500ms, 10m, 2h, 7d, or forever; default 10m. What was\n"
        "                 redeemed in time goes on until its bus is closed, or the ticket is revoked\n"
        "  --uses N       how often, 1 to 64, or 0: any number of times; default 1\n"
        "  --json         new: one object; ls: one object a line\n"
        "  -b, --broker ADDRESS\n"
        "\n"
        "ls shows yours (full trust of the broker's own user: all), also those that ended within the last hour: uses\n"
        "so far (USED), time left to redeem it (LEFT), those who hold it now (CONNECTED), and who made it (BY).\n"
        "revoke ends what was opened by it, too.\n"
        "\n"
        "Example:\n"
        "  weir ticket new cam/front --read --ttl 10m\n";

enum { OPTION_READ = CLI_VERB_OPTION, OPTION_WRITE, OPTION_RELIABLE, OPTION_NO_MAP, OPTION_TTL, OPTION_USES };

#define DEFAULT_TTL_NS (INT64_C(600) * 1000000000)

struct arguments {
        struct cli_common common;
        uint32_t rights, uses;
        bool no_map, has_new; /* has_new: an option of new alone was given */
        int64_t ttl_ns;
};

static const char *
state_name(uint32_t state)
{
        static const char *const names[] = { "valid", "used up", "expired", "revoked" };

        return state < sizeof names / sizeof names[0] ? names[state] : "?";
}

static int
create(const struct arguments *arguments, const char *topic)
{
        uint32_t rights = arguments->rights | WEIR_MAY_OBSERVE | (arguments->no_map ? 0 : WEIR_MAY_MAP);
        char text[WEIR_TICKET_TEXT];
        struct weir *bus;
        enum weir_result result;
        int code = cli_open(&bus, "ticket", &arguments->common);

        if (code != CLI_OK)
                return code;
        result = weir_ticket_many(bus, topic, rights, arguments->ttl_ns, arguments->uses, text, sizeof text);
        if (result != WEIR_OK)
                code = cli_failed("ticket", result);
        else if (!arguments->common.json)
                puts(text);
        else
                cli_print_json(json_pack("{s:s, s:s, s:o, s:I, s:i}", "ticket", text, "topic", topic, "rights",
                                         rights_json(rights), "ttl_ns", (json_int_t)arguments->ttl_ns, "uses",
                                         (int)arguments->uses),
                               JSON_INDENT(2));
        cli_close(bus);
        return code == CLI_OK ? cli_finish("ticket") : code;
}

static int
print_row_json(const struct weir_ticket_row *row, void *user)
{
        char id[17];

        (void)user;
        snprintf(id, sizeof id, "%016" PRIx64, row->id);
        return cli_print_json(json_pack("{s:s, s:s, s:o, s:s, s:i, s:i, s:i, s:I, s:I, s:s}", "id", id, "topic",
                                        row->topic, "rights", rights_json(row->rights), "state", state_name(row->state),
                                        "uses", (int)row->uses, "used", (int)row->used, "connected", (int)row->sessions,
                                        "age_ns", (json_int_t)row->age_ns, "ttl_ns", (json_int_t)row->ttl_ns,
                                        "identity", row->identity),
                              JSON_COMPACT)
                       ? 0
                       : 1;
}

/* Of one that nobody can redeem any more, neither time nor uses are left. */
static void
add_left(struct table *table, const struct weir_ticket_row *row)
{
        if (row->state != WEIR_TICKET_VALID)
                table_add(table, "-");
        else if (row->ttl_ns == WEIR_FOREVER)
                table_add(table, "forever");
        else
                table_add_time(table, row->ttl_ns);
}

static int
add_row(const struct weir_ticket_row *row, void *user)
{
        struct table *table = user;
        char rights[128];

        table_add(table, "%016" PRIx64, row->id);
        table_add(table, "%s", state_name(row->state));
        if (row->uses == 0)
                table_add(table, "%u of any", row->used);
        else
                table_add(table, "%u of %u", row->used, row->uses);
        add_left(table, row);
        table_add(table, "%u", row->sessions);
        table_add(table, "%s", row->topic);
        table_add(table, "%s", rights_text(row->rights, rights, sizeof rights));
        table_add(table, "%s", row->identity);
        return 0;
}

static int
print_listing(struct table *table)
{
        if (table_print(table))
                return cli_finish("ticket");
        fprintf(stderr, "weir ticket: no memory for the list\n");
        return CLI_FAILED;
}

static int
list(const struct cli_common *common)
{
        static const char *const headings[] = {
                "ID", "STATE", ">USED", ">LEFT", ">CONNECTED", "TOPIC", "RIGHTS", "BY"
        };
        struct table table;
        struct weir *bus;
        enum weir_result result;
        int code = cli_open(&bus, "ticket", common);

        if (code != CLI_OK)
                return code;
        if (!common->json)
                table_open(&table, headings, 8);
        result = common->json ? weir_ticket_list(bus, print_row_json, NULL) : weir_ticket_list(bus, add_row, &table);
        if (result != WEIR_OK)
                code = cli_failed("ticket", result);
        else
                code = common->json ? cli_finish("ticket") : print_listing(&table);
        cli_close(bus);
        return code;
}

static int
revoke(const struct cli_common *common, const char *text)
{
        char *end;
        uint64_t id = strtoull(text, &end, 16);
        struct weir *bus;
        enum weir_result result;
        int code;

        if (strlen(text) != 16 || *end != '\0')
                return cli_usage("ticket", "'%s' is no ticket's ID: 16 digits, as weir ticket ls shows them", text);
        code = cli_open(&bus, "ticket", common);
        if (code != CLI_OK)
                return code;
        result = weir_ticket_revoke(bus, id);
        code = result == WEIR_OK ? CLI_OK : cli_failed("ticket", result);
        cli_close(bus);
        return code;
}

/* Also with minutes, hours and days. */
static bool
read_ttl(const char *text, int64_t *ns)
{
        static const struct {
                char unit;
                int seconds;
        } units[] = { { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
        size_t length = strlen(text);
        char number[24];

        *ns = WEIR_FOREVER;
        if (strcmp(text, "forever") == 0)
                return true;
        for (size_t i = 0; i < sizeof units / sizeof units[0] && length > 1 && length < sizeof number; i++)
                if (text[length - 1] == units[i].unit) {
                        snprintf(number, sizeof number, "%.*s", (int)(length - 1), text);
                        return cli_seconds(number, ns) && !__builtin_mul_overflow(*ns, units[i].seconds, ns) && *ns > 0;
                }
        return cli_seconds(text, ns) && *ns > 0;
}

static int
take_option(struct arguments *arguments, int option, char **argv)
{
        uint64_t uses;

        if (option < OPTION_READ || option > OPTION_USES)
                return cli_common_option("ticket", option, argv, &arguments->common);
        arguments->has_new = true;
        if (option == OPTION_READ) {
                arguments->rights |= WEIR_MAY_SUBSCRIBE;
        } else if (option == OPTION_WRITE) {
                arguments->rights |= WEIR_MAY_PUBLISH;
        } else if (option == OPTION_RELIABLE) {
                arguments->rights |= WEIR_MAY_STALL;
        } else if (option == OPTION_NO_MAP) {
                arguments->no_map = true;
        } else if (option == OPTION_TTL) {
                if (!read_ttl(optarg, &arguments->ttl_ns))
                        return cli_usage("ticket", "'%s' is no time above 0, such as 90, 10m, 2h, 7d or forever",
                                         optarg);
        } else {
                if (!cli_count(optarg, &uses) || uses > 64)
                        return cli_usage("ticket", "'%s' is no count from 0 to 64", optarg);
                arguments->uses = (uint32_t)uses;
        }
        return CLI_GO_ON;
}

int
verb_ticket(int argc, char **argv)
{
        static const struct option options[] = {
                { "read", no_argument, NULL, OPTION_READ },
                { "write", no_argument, NULL, OPTION_WRITE },
                { "reliable", no_argument, NULL, OPTION_RELIABLE },
                { "no-map", no_argument, NULL, OPTION_NO_MAP },
                { "ttl", required_argument, NULL, OPTION_TTL },
                { "uses", required_argument, NULL, OPTION_USES },
                CLI_LONG,
        };
        struct arguments arguments = { .common = CLI_COMMON, .uses = 1, .ttl_ns = DEFAULT_TTL_NS };
        int option, code = CLI_GO_ON;
        const char *what;

        while (code == CLI_GO_ON && (option = getopt_long(argc, argv, CLI_SHORT, options, NULL)) != -1)
                code = take_option(&arguments, option, argv);
        if (code != CLI_GO_ON)
                return code;
        if (optind == argc)
                return cli_usage("ticket", "new, ls or revoke is missing");
        what = argv[optind];
        if (strcmp(what, "new") != 0 && strcmp(what, "ls") != 0 && strcmp(what, "revoke") != 0)
                return cli_usage("ticket", "'%s' is neither new, ls nor revoke", what);
        if (argc - optind != (strcmp(what, "ls") == 0 ? 1 : 2))
                return cli_usage("ticket", "%s takes %s", what,
                                 strcmp(what, "ls") == 0    ? "nothing"
                                 : strcmp(what, "new") == 0 ? "one topic or pattern"
                                                            : "one ID, as weir ticket ls shows it");
        if (strcmp(what, "new") != 0 && arguments.has_new)
                return cli_usage("ticket", "--read, --write, --reliable, --no-map, --ttl and --uses belong to new");
        if (strcmp(what, "ls") == 0)
                return list(&arguments.common);
        if (strcmp(what, "revoke") == 0)
                return revoke(&arguments.common, argv[optind + 1]);
        if ((arguments.rights & (WEIR_MAY_SUBSCRIBE | WEIR_MAY_PUBLISH)) == 0)
                return cli_usage("ticket", "say what it grants: --read, --write or both");
        return create(&arguments, argv[optind + 1]);
}
