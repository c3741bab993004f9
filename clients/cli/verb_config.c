/* weir config: is the policy file right, and what may stand in it. */
#include "clients/cli/config_keys.h"
#include "clients/cli/document.h"
#include "clients/cli/rights.h"
#include "clients/cli/verbs.h"

#include <stdio.h>
#include <string.h>

const char verb_config_help[] =
        "usage: weir config check [--file FILE] [--json]\n"
        "       weir config explain [KEY] [--json]\n"
        "\n"
        "check reads the policy file as a broker would, and says FILE:LINE:COLUMN and what was expected when it has\n"
        "an error (exit 2). explain tells what a key means and what it is without one; without KEY it lists them all.\n"
        "\n"
        "  --file FILE      the policy (also --config); default: the one that a broker of this user reads\n"
        "  --json           one object; explain without a KEY: an array\n"
        "\n"
        "Example:\n"
        "  weir config check --file policy.conf\n";

static int
check(const char *given, const struct cli_common *common)
{
        char file[256];
        enum weir_result result = weir_policy_path(given, file, sizeof file);

        if (result == WEIR_OK)
                result = weir_policy_check(given);
        if (result != WEIR_OK && !common->json)
                return rights_failed("config", result);
        if (common->json)
                cli_print_json(json_pack("{s:s, s:b, s:s}", "file", file, "right", result == WEIR_OK, "error",
                                         result == WEIR_OK ? "" : weir_rights_error()),
                               JSON_INDENT(2));
        else if (!common->quiet)
                printf("%s: no error\n", file[0] != '\0' ? file : "no policy file: the default");
        return result == WEIR_OK ? cli_finish("config") : cli_exit_code(result);
}

static json_t *
key_json(const struct config_key *key)
{
        return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "key", key->name, "place", key->place, "type", key->type,
                         "default", key->fallback, "text", key->text, "example", key->example);
}

static void
print_key(const struct config_key *key)
{
        printf("%s, in %s\n", key->name, key->place);
        printf("  is       %s\n", key->type);
        printf("  default  %s\n", key->fallback);
        printf("  %s\n", key->text);
        printf("  Example: %s\n", key->example);
}

static int
explain_all(const struct cli_common *common)
{
        json_t *array = json_array();

        for (const struct config_key *key = config_keys; key->name != NULL; key++) {
                if (common->json)
                        json_array_append_new(array, key_json(key));
                else
                        printf("%-20s  %-22s  default %s\n", key->name, key->place, key->fallback);
        }
        if (common->json)
                cli_print_json(array, JSON_INDENT(2));
        else
                json_decref(array);
        return cli_finish("config");
}

/* A name may mean something in more than one place. */
static int
explain(const char *name, const struct cli_common *common)
{
        unsigned found = 0;

        if (name == NULL)
                return explain_all(common);
        for (const struct config_key *key = config_keys; key->name != NULL; key++) {
                if (strcmp(key->name, name) != 0)
                        continue;
                found++;
                if (common->json)
                        cli_print_json(key_json(key), JSON_INDENT(2));
                else
                        print_key(key);
        }
        if (found == 0)
                return cli_usage("config", "no key '%s'. All of them: weir config explain", name);
        return cli_finish("config");
}

int
verb_config(int argc, char **argv)
{
        static const struct option options[] = {
                { "file", required_argument, NULL, RIGHTS_CONFIG },
                { "config", required_argument, NULL, RIGHTS_CONFIG },
                CLI_LONG,
        };
        struct cli_common common = CLI_COMMON;
        struct rights_given given = { .config = NULL };
        int option, code = CLI_GO_ON;

        while (code == CLI_GO_ON && (option = getopt_long(argc, argv, CLI_SHORT, options, NULL)) != -1)
                code = rights_option("config", option, argv, &given, &common);
        if (code != CLI_GO_ON)
                return code;
        if (optind == argc)
                return cli_usage("config", "check or explain is missing");
        if (strcmp(argv[optind], "explain") == 0 && argc - optind <= 2)
                return explain(argv[optind + 1], &common);
        if (strcmp(argv[optind], "check") == 0 && argc - optind == 1)
                return check(given.config, &common);
        if (strcmp(argv[optind], "explain") != 0 && strcmp(argv[optind], "check") != 0)
                return cli_usage("config", "'%s' is neither check nor explain", argv[optind]);
        return cli_usage("config", "'%s' is too much", argv[argc - 1]);
}
