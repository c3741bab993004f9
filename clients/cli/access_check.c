/*
 * weir access check: the explanation of the policy, as it is or would be for somebody.
 *
 *      granted: user:alice package:org.weir.Viewer may subscribe 'scope/ch1'
 *      rule: [topic."scope/ch1"] (/etc/weir/broker.conf:12)
 *        ... who decided what, a line for each right and half
 *      Grant it: weir access allow ...          only of a denial
 *      what else it takes, of other users        on stderr
 */
#include "clients/cli/access.h"
#include "clients/cli/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The capabilities of a Flatpak's metadata, beside those that were given. */
struct subject_names {
        const char *capabilities[2 * RIGHTS_NAMES_MAX + 1];
        char *owned[RIGHTS_NAMES_MAX];
        unsigned capability_count, owned_count;
};

static void
take_capability(void *user, const char *key, const char *value)
{
        struct subject_names *names = user;
        char *copy;

        if (strcmp(key, "capability") != 0 || names->owned_count == RIGHTS_NAMES_MAX)
                return;
        copy = strdup(value);
        if (copy == NULL)
                return;
        names->owned[names->owned_count++] = copy;
        names->capabilities[names->capability_count++] = copy;
}

static struct weir_subject
subject_of(const struct rights_given *given, struct subject_names *names)
{
        for (unsigned i = 0; i < given->capability_count; i++)
                names->capabilities[names->capability_count++] = given->capabilities[i];
        if (given->is_flatpak)
                weir_names_of_flatpak(given->package, take_capability, names);
        return (struct weir_subject){
                .size = sizeof(struct weir_subject),
                .pid = given->pid,
                .user = given->user,
                .groups = given->group_count > 0 ? given->groups : NULL,
                .package = given->package,
                .capabilities = names->capability_count > 0 ? names->capabilities : NULL,
                .confined = given->confined,
        };
}

static bool
print_json(const struct weir_verdict *verdict, const char *topic)
{
        return cli_print_json(json_pack("{s:b, s:s, s:s, s:o, s:o, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s}", "granted",
                                        verdict->granted == verdict->wanted, "topic", topic, "who", verdict->who,
                                        "wanted", rights_json(verdict->wanted), "rights", rights_json(verdict->granted),
                                        "file", verdict->file, "line", (int)verdict->line, "rule", verdict->rule,
                                        "sddl", verdict->sddl, "text", verdict->text, "mend", verdict->mend, "command",
                                        verdict->command, "note", verdict->note),
                              JSON_INDENT(2));
}

static void
print_rule(const struct weir_verdict *verdict)
{
        if (verdict->rule[0] == '\0')
                printf("rule: none in %s: the default\n", verdict->file);
        else
                printf("rule: [topic.\"%s\"] (%s:%u)\n", verdict->rule, verdict->file, verdict->line);
}

static void
print_verdict(const struct weir_verdict *verdict, const char *topic)
{
        uint32_t denied = verdict->wanted & ~verdict->granted;
        char rights[64];
        size_t length = strlen(verdict->text);

        if (denied == 0)
                printf("granted: %s may %s '%s'\n", verdict->who, rights_text(verdict->wanted, rights, sizeof rights),
                       topic);
        else
                printf("denied: %s may not %s '%s'\n", verdict->who, rights_text(denied, rights, sizeof rights), topic);
        print_rule(verdict);
        printf("%s%s", verdict->text, length > 0 && verdict->text[length - 1] != '\n' ? "\n" : "");
        if (verdict->mend[0] != '\0')
                printf("It needs: %s\n", verdict->mend);
        if (verdict->command[0] != '\0')
                printf("Grant it: %s\n", verdict->command);
        if (verdict->note[0] != '\0')
                fprintf(stderr, "%s\n", verdict->note);
}

int
access_check(const struct access_arguments *arguments)
{
        const struct rights_given *given = &arguments->given;
        struct weir_verdict verdict = { .size = sizeof verdict };
        struct subject_names names = { .owned_count = 0 };
        struct weir_subject subject;
        enum weir_result result;
        int code;

        if (arguments->topic == NULL)
                return cli_usage("access", "the TOPIC is missing");
        if (given->has_pid &&
            (given->user || given->package || given->group_count > 0 || given->capability_count > 0 || given->confined))
                return cli_usage("access", "--pid says who it is: nothing else may");
        if (given->confined && given->package)
                return cli_usage("access", "--confined is a sandbox without a name: no --package goes with it");
        if (given->capability_count > 0 && !given->package)
                return cli_usage("access", "--capability is of a package: name it with --package");
        subject = subject_of(given, &names);
        result = weir_policy_explain(given->config, &subject, arguments->topic,
                                     given->rights != 0 ? given->rights : (uint32_t)WEIR_MAY_SUBSCRIBE, &verdict);
        for (unsigned i = 0; i < names.owned_count; i++)
                free(names.owned[i]);
        if (result != WEIR_OK && result != WEIR_E_DENIED)
                return rights_failed("access", result);
        /* A process that cannot be looked at is denied without a verdict. */
        if (verdict.who[0] == '\0')
                return rights_failed("access", result);
        if (!arguments->common.json)
                print_verdict(&verdict, arguments->topic);
        else if (!print_json(&verdict, arguments->topic))
                return CLI_FAILED;
        code = cli_finish("access");
        return code != CLI_OK || result == WEIR_OK ? code : CLI_DENIED;
}
