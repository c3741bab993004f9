/*
 * Who and what, on a command line:
 *
 *      --user U  --group G  --package ID  --flatpak ID  --snap NAME  --capability NAME  --confined  --pid N
 *      --read = subscribe   --write = publish   --reliable = stall   --map   --observe
 */
#include "clients/cli/rights.h"

#include <stdio.h>
#include <string.h>

static const struct {
        const char *name;
        uint32_t bit;
} names[] = {
        { "subscribe", WEIR_MAY_SUBSCRIBE }, { "publish", WEIR_MAY_PUBLISH }, { "map", WEIR_MAY_MAP },
        { "observe", WEIR_MAY_OBSERVE },     { "stall", WEIR_MAY_STALL },
};
enum { NAMES = sizeof names / sizeof names[0] };

uint32_t
rights_named(const char *name)
{
        for (unsigned i = 0; i < NAMES; i++)
                if (strcmp(names[i].name, name) == 0)
                        return names[i].bit;
        return 0;
}

const char *
rights_text(uint32_t rights, char *text, size_t room)
{
        size_t used = 0;

        text[0] = '\0';
        for (unsigned i = 0; i < NAMES && used < room; i++)
                if (rights & names[i].bit)
                        used += (size_t)snprintf(text + used, room - used, "%s%s", used > 0 ? " " : "", names[i].name);
        return text;
}

json_t *
rights_json(uint32_t rights)
{
        json_t *array = json_array();

        for (unsigned i = 0; i < NAMES; i++)
                if (rights & names[i].bit)
                        json_array_append_new(array, json_string(names[i].name));
        return array;
}

static int
add_name(const char *verb, const char **list, unsigned *count, const char *name)
{
        if (*count == RIGHTS_NAMES_MAX)
                return cli_usage(verb, "'%s' is one too many: %d are the most", name, RIGHTS_NAMES_MAX);
        list[(*count)++] = name;
        return CLI_GO_ON;
}

static int
take_pid(const char *verb, const char *text, struct rights_given *given)
{
        uint64_t pid;

        if (!cli_count(text, &pid) || pid == 0 || pid > UINT32_MAX)
                return cli_usage(verb, "'%s' is no number of a process", text);
        given->pid = (uint32_t)pid;
        given->has_pid = true;
        return CLI_GO_ON;
}

static int
take_package(const char *verb, const char *name, bool is_flatpak, struct rights_given *given)
{
        if (given->package != NULL)
                return cli_usage(verb, "one package at a time: '%s' and '%s'", given->package, name);
        given->package = name;
        given->is_flatpak = is_flatpak;
        return CLI_GO_ON;
}

int
rights_option(const char *verb, int option, char **argv, struct rights_given *given, struct cli_common *common)
{
        switch (option) {
        case RIGHTS_USER: given->user = optarg; return CLI_GO_ON;
        case RIGHTS_GROUP: return add_name(verb, given->groups, &given->group_count, optarg);
        case RIGHTS_PACKAGE: return take_package(verb, optarg, false, given);
        case RIGHTS_FLATPAK: return take_package(verb, optarg, true, given);
        case RIGHTS_CAPABILITY: return add_name(verb, given->capabilities, &given->capability_count, optarg);
        case RIGHTS_CONFINED: given->confined = true; return CLI_GO_ON;
        case RIGHTS_PID: return take_pid(verb, optarg, given);
        case RIGHTS_READ: given->rights |= WEIR_MAY_SUBSCRIBE; return CLI_GO_ON;
        case RIGHTS_WRITE: given->rights |= WEIR_MAY_PUBLISH; return CLI_GO_ON;
        case RIGHTS_RELIABLE: given->rights |= WEIR_MAY_STALL; return CLI_GO_ON;
        case RIGHTS_MAP: given->rights |= WEIR_MAY_MAP; return CLI_GO_ON;
        case RIGHTS_OBSERVE: given->rights |= WEIR_MAY_OBSERVE; return CLI_GO_ON;
        case RIGHTS_CONFIG: given->config = cli_absolute(optarg); return CLI_GO_ON;
        default: return cli_common_option(verb, option, argv, common);
        }
}

int
rights_principal(const char *verb, const struct rights_given *given, char *principal, size_t room)
{
        unsigned count = (given->user != NULL) + given->group_count + (given->package != NULL) +
                         given->capability_count + given->confined;
        const char *kind = "confined", *name = "*";

        if (given->has_pid)
                return cli_usage(verb, "--pid is for check: a policy cannot name a process");
        if (count != 1)
                return cli_usage(verb, count == 0
                                               ? "whom? --user, --group, --package, --flatpak, --snap, --capability "
                                                 "or --confined is missing"
                                               : "one of --user, --group, --package, --flatpak, --snap, --capability "
                                                 "and --confined at a time");
        if (given->user != NULL)
                kind = "user", name = given->user;
        else if (given->group_count > 0)
                kind = "group", name = given->groups[0];
        else if (given->package != NULL)
                kind = "package", name = given->package;
        else if (given->capability_count > 0)
                kind = "capability", name = given->capabilities[0];
        if ((size_t)snprintf(principal, room, "%s:%s", kind, name) >= room)
                return cli_usage(verb, "'%.32s...' is too long for a name", name);
        return CLI_GO_ON;
}

int
rights_failed(const char *verb, enum weir_result result)
{
        fprintf(stderr, "weir %s: %s\n", verb, weir_rights_error());
        return cli_exit_code(result);
}
