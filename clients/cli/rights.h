/* The rights of a policy and the people it speaks of, as options of a command line. */
#ifndef CLI_RIGHTS_H
#define CLI_RIGHTS_H

#include "clients/cli/cli.h"

#include <jansson.h>
#include <weir/rights.h>

enum { RIGHTS_NAMES_MAX = 32 };

/* getopt_long's values of the options below; a verb's own begin at RIGHTS_OPTION_END. */
enum {
        RIGHTS_USER = CLI_VERB_OPTION,
        RIGHTS_GROUP,
        RIGHTS_PACKAGE, /* also --snap */
        RIGHTS_FLATPAK,
        RIGHTS_CAPABILITY,
        RIGHTS_CONFINED,
        RIGHTS_PID,
        RIGHTS_READ,
        RIGHTS_WRITE,
        RIGHTS_RELIABLE,
        RIGHTS_MAP,
        RIGHTS_OBSERVE,
        RIGHTS_CONFIG,
        RIGHTS_OPTION_END
};

#define RIGHTS_LONG                                                                                                 \
        { "user", required_argument, NULL, RIGHTS_USER }, { "group", required_argument, NULL, RIGHTS_GROUP },       \
                { "package", required_argument, NULL, RIGHTS_PACKAGE },                                             \
                { "flatpak", required_argument, NULL, RIGHTS_FLATPAK },                                             \
                { "snap", required_argument, NULL, RIGHTS_PACKAGE },                                                \
                { "capability", required_argument, NULL, RIGHTS_CAPABILITY },                                       \
                { "confined", no_argument, NULL, RIGHTS_CONFINED }, { "pid", required_argument, NULL, RIGHTS_PID }, \
                { "read", no_argument, NULL, RIGHTS_READ }, { "write", no_argument, NULL, RIGHTS_WRITE },           \
                { "reliable", no_argument, NULL, RIGHTS_RELIABLE }, { "map", no_argument, NULL, RIGHTS_MAP },       \
                { "observe", no_argument, NULL, RIGHTS_OBSERVE },                                                   \
        {                                                                                                           \
                "config", required_argument, NULL, RIGHTS_CONFIG                                                    \
        }

/* What was given. Strings are argv's, lists end in NULL. */
struct rights_given {
        const char *user, *package, *config;
        const char *groups[RIGHTS_NAMES_MAX + 1], *capabilities[RIGHTS_NAMES_MAX + 1];
        unsigned group_count, capability_count;
        uint32_t pid;
        bool has_pid, is_flatpak, confined;
        uint32_t rights; /* WEIR_MAY_* */
};

/* Takes one option; CLI_GO_ON, or an exit code after a mistake. Options that are not of the rights go to the common. */
int
rights_option(const char *verb, int option, char **argv, struct rights_given *given, struct cli_common *common);

/* "subscribe": its bit; 0: no right is called so. */
uint32_t
rights_named(const char *name);

/* "publish subscribe": the names of these rights. Returns text. */
const char *
rights_text(uint32_t rights, char *text, size_t room);

/* The same as an array of JSON. */
json_t *
rights_json(uint32_t rights);

/* The one principal that was given, as the policy file writes it: "package:org.weir.Camera". CLI_GO_ON or a mistake. */
int
rights_principal(const char *verb, const struct rights_given *given, char *principal, size_t room);

/* Says weir_rights_error() with the verb in front. Returns the exit code. */
int
rights_failed(const char *verb, enum weir_result result);

#endif
