/*
 * weir id: who a process or a package is, in the names that policies, descriptors and object paths use.
 *
 * The facts come one by one; those that may come several times become arrays of JSON, whether they do or not.
 */
#include "clients/cli/document.h"
#include "clients/cli/rights.h"
#include "clients/cli/verbs.h"

#include <stdio.h>
#include <string.h>

const char verb_id_help[] =
        "usage: weir id [--pid N] [--json]\n"
        "       weir id --package FAMILY [--capability NAME]... [--json]\n"
        "       weir id --flatpak ID | --snap NAME [--json]\n"
        "\n"
        "Shows who this process is, or process N, as a broker would see it. Of a package (family name, full name or\n"
        "application id): its SIDs, those of its capabilities, object paths and pipe names. Nothing of it needs the\n"
        "package to be installed; an installed Flatpak is told with the capabilities of its metadata.\n"
        "\n"
        "  --json           one object\n"
        "\n"
        "Example:\n"
        "  weir id --package Contoso.Viewer_8wekyb3d8bbwe\n";

static const char *const several[] = {
        "group",          "group_sid",           "capability", "capability_sid",    "capability_group_sid",
        "object_path",    "object_path_session", "pipe_name",  "pipe_name_outside", "deny_only_sid",
        "restricting_sid"
};

static bool
is_several(const char *key)
{
        for (unsigned i = 0; i < sizeof several / sizeof several[0]; i++)
                if (strcmp(several[i], key) == 0)
                        return true;
        return false;
}

static void
add_json(void *user, const char *key, const char *value)
{
        json_t *object = user, *array = json_object_get(object, key);

        if (!is_several(key)) {
                json_object_set_new(object, key, json_string(value));
                return;
        }
        if (array == NULL) {
                json_object_set_new(object, key, json_array());
                array = json_object_get(object, key);
        }
        json_array_append_new(array, json_string(value));
}

/* "package sid             S-1-15-2-...": keys are words with '_' between them. */
static void
print_fact(void *user, const char *key, const char *value)
{
        char label[32];

        (void)user;
        snprintf(label, sizeof label, "%s", key);
        for (char *at = label; *at != '\0'; at++)
                if (*at == '_')
                        *at = ' ';
        printf("%-22s%s\n", label, value);
}

static enum weir_result
tell(const struct rights_given *given, weir_fact_visit *visit, void *user)
{
        if (given->package == NULL)
                return weir_names_of_process(given->pid, visit, user);
        if (given->is_flatpak)
                return weir_names_of_flatpak(given->package, visit, user);
        return weir_names_of_package(given->package, given->capability_count > 0 ? given->capabilities : NULL, visit,
                                     user);
}

static int
identify(const struct rights_given *given, const struct cli_common *common)
{
        json_t *object = common->json ? json_object() : NULL;
        enum weir_result result = tell(given, object != NULL ? add_json : print_fact, object);

        if (result < 0) {
                json_decref(object);
                return rights_failed("id", result);
        }
        if (result != WEIR_OK && !common->quiet)
                fprintf(stderr, "weir id: %s\n", weir_rights_error());
        if (common->json && !cli_print_json(object, JSON_INDENT(2)))
                return CLI_FAILED;
        return cli_finish("id");
}

int
verb_id(int argc, char **argv)
{
        static const struct option options[] = {
                { "pid", required_argument, NULL, RIGHTS_PID },
                { "package", required_argument, NULL, RIGHTS_PACKAGE },
                { "flatpak", required_argument, NULL, RIGHTS_FLATPAK },
                { "snap", required_argument, NULL, RIGHTS_PACKAGE },
                { "capability", required_argument, NULL, RIGHTS_CAPABILITY },
                CLI_LONG,
        };
        struct cli_common common = CLI_COMMON;
        struct rights_given given = { .pid = 0 };
        int option, code = CLI_GO_ON;

        while (code == CLI_GO_ON && (option = getopt_long(argc, argv, CLI_SHORT, options, NULL)) != -1)
                code = rights_option("id", option, argv, &given, &common);
        if (code != CLI_GO_ON)
                return code;
        if (optind < argc)
                return cli_usage("id", "'%s' is too much", argv[optind]);
        if (given.has_pid && given.package != NULL)
                return cli_usage("id", "a process or a package: --pid and --package exclude each other");
        if (given.capability_count > 0 && (given.package == NULL || given.is_flatpak))
                return cli_usage("id", "--capability is of a package: name it with --package");
        return identify(&given, &common);
}
