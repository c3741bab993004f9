/*
 * weir access: who may do what, which rule says so, and the line that would change it.
 *
 *      allow, deny    edit the policy file in place and print the rule that was written and where
 *      show           the rules, each with its line
 *      check          may this one do that? and why: access_check.c
 *
 * All of it reads and writes the file and needs no broker that runs; one that does takes it over on `broker reload`.
 */
#include "clients/cli/access.h"
#include "clients/cli/document.h"
#include "clients/cli/table.h"
#include "clients/cli/verbs.h"

#include <stdio.h>
#include <string.h>

const char verb_access_help[] =
        "usage: weir access allow|deny TOPIC WHO RIGHTS [--config FILE] [--json]\n"
        "       weir access show [TOPIC] [--sddl] [--config FILE] [--json]\n"
        "       weir access check TOPIC [WHO | --pid N] [RIGHTS] [--config FILE] [--json]\n"
        "\n"
        "allow and deny edit the policy file in place: comments and order stay. TOPIC may be a pattern in quotes. A\n"
        "broker that runs takes the file over with: weir broker reload\n"
        "show lists the rules and their lines; with a TOPIC only those that decide for it, with --sddl as a\n"
        "descriptor. check explains right by right which rule decides, exits 5 when something is denied, and prints\n"
        "what to type to grant it. In descriptors CC is subscribe, DC publish, LC map, SW observe and RP stall; GR\n"
        "is subscribe and observe, GW publish, GX map, GA all of it.\n"
        "\n"
        "WHO    --user NAME|UID, --group NAME|GID, --package ID, --flatpak ID, --snap NAME, --capability NAME,\n"
        "       --confined (a sandbox that nobody vouches for). check takes several that belong to one process, and\n"
        "       --pid N for a process that runs; without any, this one\n"
        "RIGHTS --read (subscribe), --write (publish), --reliable (stall: be waited for), --map, --observe; check\n"
        "       also takes their names behind TOPIC, and subscribe without any\n"
        "\n"
        "  --config FILE    the policy; default: the one that a broker of this user reads\n"
        "  --json           one object (show: an array)\n"
        "\n"
        "Example:\n"
        "  weir access allow 'scope/*' --package org.weir.Viewer --read\n";

enum { OPTION_SDDL = RIGHTS_OPTION_END };

/* ---- allow, deny ---------------------------------------------------------------------------------------------- */

static void
print_nothing(const struct weir_edit *edit, bool allow)
{
        const char *says = allow ? "grants it already" : "does not grant it";

        if (edit->entry[0] != '\0')
                printf("nothing to change: [topic.\"%s\"] (line %u) %s\n", edit->entry, edit->line, says);
        else
                printf("nothing to change: the default, where no entry decides, %s\n", says);
}

static bool
print_edit(const struct weir_edit *edit, bool allow, const struct cli_common *common)
{
        if (common->json)
                return cli_print_json(json_pack("{s:s, s:i, s:s, s:s, s:b, s:s}", "file", edit->file, "line",
                                                (int)edit->line, "entry", edit->entry, "rule", edit->rule, "changed",
                                                (int)edit->changed, "note", edit->note),
                                      JSON_INDENT(2));
        if (!edit->changed && edit->rule[0] == '\0') {
                print_nothing(edit, allow);
                return true;
        }
        printf("%s:%u: [topic.\"%s\"] %s%s\n", edit->file, edit->line, edit->entry, edit->rule,
               edit->changed ? "" : "  (as it was)");
        return true;
}

static int
edit(const struct access_arguments *arguments, bool allow)
{
        struct weir_edit done = { .size = sizeof done };
        const struct rights_given *given = &arguments->given;
        char principal[320];
        enum weir_result result;
        int code = rights_principal("access", given, principal, sizeof principal);

        if (code != CLI_GO_ON)
                return code;
        if (arguments->topic == NULL)
                return cli_usage("access", "the TOPIC is missing");
        if (given->rights == 0)
                return cli_usage("access", "which right? --read, --write, --reliable, --map or --observe is missing");
        result = weir_policy_edit(given->config, allow, arguments->topic, principal, given->rights, &done);
        if (result != WEIR_OK)
                return rights_failed("access", result);
        if (!print_edit(&done, allow, &arguments->common))
                return CLI_FAILED;
        code = cli_finish("access");
        if (code != CLI_OK || arguments->common.quiet)
                return code;
        if (done.changed)
                fprintf(stderr, "A broker that runs takes it over with: weir broker reload\n");
        if (done.note[0] != '\0')
                fprintf(stderr, "%s\n", done.note);
        return code;
}

/* ---- show ----------------------------------------------------------------------------------------------------- */

struct show {
        const char *file;
        bool sddl;
        struct table table;
        json_t *json; /* NULL: a table is wanted */
        char entry[256];
};

static void
show_place(struct show *show, const struct weir_rule *rule)
{
        unsigned line = rule->line != 0 && !show->sddl ? rule->line : rule->entry_line;

        if (line != 0)
                table_add(&show->table, "%s:%u", show->file, line);
        else
                table_add(&show->table, "default");
}

/* With --sddl a line for each entry, else for each rule. */
static int
show_rule(void *user, const struct weir_rule *rule)
{
        struct show *show = user;
        char rights[64];

        if (show->json != NULL)
                return json_array_append_new(show->json,
                                             json_pack("{s:s, s:s?, s:o, s:i, s:i, s:s}", "entry", rule->entry,
                                                       "principal", rule->principal, "rights",
                                                       rights_json(rule->rights), "line", (int)rule->line, "entry_line",
                                                       (int)rule->entry_line, "sddl", rule->sddl));
        if (show->sddl && strcmp(show->entry, rule->entry) == 0)
                return 0;
        snprintf(show->entry, sizeof show->entry, "%s", rule->entry);
        table_add(&show->table, "%s", rule->entry);
        if (!show->sddl) {
                table_add(&show->table, "%s", rule->principal != NULL ? rule->principal : "(sddl)");
                table_add(&show->table, "%s",
                          rule->principal != NULL ? rights_text(rule->rights, rights, sizeof rights) : rule->sddl);
        }
        show_place(show, rule);
        if (show->sddl)
                table_add(&show->table, "%s", rule->sddl);
        return 0;
}

static int
show(const struct access_arguments *arguments)
{
        static const char *const headings[] = { "TOPIC", "WHO", "RIGHTS", "RULE" };
        static const char *const sddl_headings[] = { "TOPIC", "RULE", "SDDL" };
        char file[256];
        struct show show = { .file = file, .sddl = arguments->sddl };
        enum weir_result result = weir_policy_path(arguments->given.config, file, sizeof file);

        if (result != WEIR_OK)
                return rights_failed("access", result);
        if (arguments->common.json)
                show.json = json_array();
        else
                table_open(&show.table, show.sddl ? sddl_headings : headings, show.sddl ? 3 : 4);
        result = weir_policy_show(arguments->given.config, arguments->topic, show_rule, &show);
        if (result != WEIR_OK)
                return rights_failed("access", result);
        if (show.json != NULL ? cli_print_json(show.json, JSON_INDENT(2)) : table_print(&show.table))
                return cli_finish("access");
        fprintf(stderr, "weir access: no memory for the list\n");
        return CLI_FAILED;
}

/* ---- which ---------------------------------------------------------------------------------------------------- */

static int
parse_option(int option, char **argv, struct access_arguments *arguments)
{
        if (option == OPTION_SDDL) {
                arguments->sddl = true;
                return CLI_GO_ON;
        }
        return rights_option("access", option, argv, &arguments->given, &arguments->common);
}

/* The words behind the TOPIC: names of rights, for check. */
static int
parse_words(int argc, char **argv, struct access_arguments *arguments, bool check)
{
        for (int i = optind + 2; i < argc; i++) {
                uint32_t right = check ? rights_named(argv[i]) : 0;

                if (right == 0)
                        return cli_usage("access",
                                         check ? "'%s' is no right: subscribe, publish, map, observe and stall are"
                                               : "'%s' is too much",
                                         argv[i]);
                arguments->given.rights |= right;
        }
        return CLI_GO_ON;
}

int
verb_access(int argc, char **argv)
{
        static const struct option options[] = { RIGHTS_LONG, { "sddl", no_argument, NULL, OPTION_SDDL }, CLI_LONG };
        struct access_arguments arguments = { .common = CLI_COMMON };
        int option, code = CLI_GO_ON;
        const char *what;

        while (code == CLI_GO_ON && (option = getopt_long(argc, argv, CLI_SHORT, options, NULL)) != -1)
                code = parse_option(option, argv, &arguments);
        if (code != CLI_GO_ON)
                return code;
        if (optind == argc)
                return cli_usage("access", "allow, deny, show or check is missing");
        what = argv[optind];
        arguments.topic = argc - optind > 1 ? argv[optind + 1] : NULL;
        code = parse_words(argc, argv, &arguments, strcmp(what, "check") == 0);
        if (code != CLI_GO_ON)
                return code;
        if (arguments.sddl && strcmp(what, "show") != 0)
                return cli_usage("access", "--sddl belongs to show");
        if (strcmp(what, "allow") == 0 || strcmp(what, "deny") == 0)
                return edit(&arguments, what[0] == 'a');
        if (strcmp(what, "show") == 0)
                return show(&arguments);
        if (strcmp(what, "check") == 0)
                return access_check(&arguments);
        return cli_usage("access", "'%s' is neither allow, deny, show nor check", what);
}
