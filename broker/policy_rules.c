/*
 * The visitor that makes rules of the file. A topic's entry has one list of principals per right; a list that the
 * file does not have is told from an empty one, since `map` and `observe` then follow from `subscribe` and `publish`.
 * Or it has a descriptor of its own, as SDDL. When all is read the lists are compiled to descriptors, too.
 */
#include "broker/policy_rules.h"
#include "broker/policy_system.h"

#include "broker/policy_file.h"
#include "bus/topic.h"
#include "named-objects/sentence.h"

#include <stdlib.h>
#include <string.h>

const char *const wr_right_names[RIGHTS] = { "subscribe", "publish", "map", "observe", "stall" };

/* ---- reading -------------------------------------------------------------------------------------------------- */

int
wr_policy_right_index(enum wr_right right)
{
        int index = 0;

        while (index < RIGHTS - 1 && (unsigned)right >> index != 1)
                index++;
        return index;
}

static struct entry *
entry_make(const char *topic, unsigned line)
{
        struct entry *entry = calloc(1, sizeof(*entry) + strlen(topic) + 1);

        if (!entry)
                return NULL;
        strcpy(entry->topic, topic);
        entry->line = line;
        entry->prefix = wr_topic_prefix(topic);
        entry->is_pattern = topic[entry->prefix] != '\0';
        for (int i = 0; i < RIGHTS; i++)
                entry->rules[i].end = &entry->rules[i].first;
        return entry;
}

/* Which of two entries decides for a topic that both match? The one with the longer literal prefix; so two patterns
 * may not have the same. NULL, or what is wrong. */
static const char *
rivals_check(struct wr_policy *policy, const struct entry *made)
{
        const struct entry *each;

        for (each = policy->entries; each; each = each->next) {
                if (strcmp(each->topic, made->topic) == 0) {
                        wr_sentence(policy->what, sizeof(policy->what), "this topic has an entry already, in line %u",
                                    each->line);
                        return policy->what;
                }
                if (!made->is_pattern || !each->is_pattern || made->prefix != each->prefix ||
                    memcmp(made->topic, each->topic, made->prefix) != 0)
                        continue;
                wr_sentence(policy->what, sizeof(policy->what),
                            "line %u and line %u: '%.60s' and '%.60s' begin with the same %zu literal bytes, so it is"
                            " open which of them decides",
                            each->line, made->line, each->topic, made->topic, made->prefix);
                return policy->what;
        }
        return NULL;
}

static const char *
topic_begin(struct wr_policy *policy, const struct wr_setting *setting)
{
        struct entry *entry;
        const char *why;

        if (!wr_topic_pattern_valid(setting->entry, &why)) {
                wr_sentence(policy->what, sizeof(policy->what), "this is no topic: %s", why);
                return policy->what;
        }
        if (policy->entry_count == ENTRIES_MAX)
                return "a policy has at most 4096 entries: use patterns";
        entry = entry_make(setting->entry, setting->line);
        if (!entry)
                return "no memory";
        why = rivals_check(policy, entry);
        if (why) {
                free(entry);
                return why;
        }
        *policy->entries_end = policy->entry = entry;
        policy->entries_end = &entry->next;
        policy->entry_count++;
        return NULL;
}

static const char *
package_begin(struct wr_policy *policy, const struct wr_setting *setting)
{
        struct package *package;

        if (!wr_identity_package_valid(setting->entry))
                return "this is no name of a package: letters, digits, '.', '-' and '_'";
        for (package = policy->packages; package; package = package->next)
                if (strcmp(package->name, setting->entry) == 0)
                        return "this package has a table already";
        package = calloc(1, sizeof(*package) + strlen(setting->entry) + 1);
        if (!package)
                return "no memory";
        strcpy(package->name, setting->entry);
        package->next = policy->packages;
        policy->packages = policy->package = package;
        return NULL;
}

static const char *
table_begin(struct wr_policy *policy, const struct wr_setting *setting)
{
        policy->entry = NULL;
        policy->package = NULL;
        policy->in_quota = false;
        if (strcmp(setting->table, "topic") == 0)
                return topic_begin(policy, setting);
        if (strcmp(setting->table, "package") == 0)
                return package_begin(policy, setting);
        if (strcmp(setting->table, "quota") != 0 || setting->entry[0])
                return "an unknown table: there are [topic.\"NAME\"], [package.\"ID\"] and [quota]";
        if (policy->has_quota)
                return "a second [quota]";
        policy->in_quota = policy->has_quota = true;
        return NULL;
}

/* The first list of an entry, or NULL. */
static const char *
list_of(const struct entry *entry)
{
        for (int i = 0; i < RIGHTS; i++)
                if (entry->rules[i].line != 0)
                        return wr_right_names[i];
        return NULL;
}

static const char *
sddl_set(struct wr_policy *policy, const struct wr_setting *setting)
{
        struct entry *entry = policy->entry;

        if (setting->kind != WR_SETTING_STRING)
                return "expected a string: \"D:(A;;0x1;;;S-1-22-1-1000)\"";
        if (entry->sddl_line != 0)
                return "this key stands twice in its table";
        if (list_of(entry)) {
                wr_sentence(policy->what, sizeof(policy->what),
                            "sddl stands alone in its entry, which has '%s' already", list_of(entry));
                return policy->what;
        }
        entry->sddl_line = setting->line;
        return wr_policy_compile_sddl(policy, entry, setting->text);
}

/* `topic` entry: a list begins. */
static const char *
rule_begin(struct wr_policy *policy, const struct wr_setting *setting)
{
        if (strcmp(setting->key, "sddl") == 0)
                return sddl_set(policy, setting);
        for (int i = 0; i < RIGHTS; i++) {
                if (strcmp(setting->key, wr_right_names[i]) != 0)
                        continue;
                if (setting->kind != WR_SETTING_ARRAY)
                        return "expected a list: [\"user:NAME\", \"package:ID\"]";
                if (policy->entry->sddl_line != 0)
                        return "an entry with sddl has nothing else";
                if (policy->entry->rules[i].line != 0)
                        return "this key stands twice in its table";
                policy->rule = &policy->entry->rules[i];
                policy->rule->line = setting->line;
                return NULL;
        }
        return "an unknown key: a topic has publish, subscribe, map, observe and stall, or sddl";
}

/* As the same words were read before: the names of users and groups are asked for in the system's data base, which
 * takes its time. */
static const char *
principal_read(struct wr_policy *policy, struct principal *principal)
{
        const char *wrong;

        for (unsigned i = 0; i < policy->named_count; i++)
                if (strcmp(policy->named[i]->text, principal->text) == 0) {
                        principal->kind = policy->named[i]->kind;
                        principal->sid = policy->named[i]->sid;
                        principal->name = strchr(principal->text, ':') + 1;
                        return NULL;
                }
        wrong = wr_policy_principal_read(principal->text, principal, policy->what, sizeof(policy->what));
        if (!wrong && (principal->kind == PRINCIPAL_USER || principal->kind == PRINCIPAL_GROUP) &&
            policy->named_count < NAMED_MAX)
                policy->named[policy->named_count++] = principal;
        return wrong;
}

static const char *
principal_add(struct wr_policy *policy, const struct wr_setting *setting)
{
        struct rule *rule = policy->rule;
        struct principal *principal;
        const char *wrong;

        if (rule->count == PRINCIPALS_MAX)
                return "a list has at most 256 entries: use a group";
        principal = calloc(1, sizeof(*principal) + strlen(setting->text) + 1);
        if (!principal)
                return "no memory";
        strcpy(principal->text, setting->text);
        wrong = principal_read(policy, principal);
        if (wrong) {
                free(principal);
                return wrong;
        }
        *rule->end = principal;
        rule->end = &principal->next;
        rule->count++;
        return NULL;
}

/* Its place, and its bit in quotas_seen: those above all of wr_quota are rates. NULL: no such key. */
static uint64_t *
quota_place(struct wr_limits *limits, const char *key, unsigned *bit)
{
        static const struct {
                const char *key;
                size_t at;
        } rates[] = {
                { "messages_per_second", offsetof(struct wr_limits, messages_per_second) },
                { "relays_per_second", offsetof(struct wr_limits, relays_per_second) },
        };

        for (unsigned i = 0; i < WR_QUOTAS; i++) {
                *bit = 1U << i;
                if (strcmp(key, wr_quota_name((enum wr_quota)i)) == 0)
                        return &limits->of[i];
        }
        for (unsigned i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
                *bit = 1U << (WR_QUOTAS + i);
                if (strcmp(key, rates[i].key) == 0)
                        return (uint64_t *)(void *)((char *)limits + rates[i].at);
        }
        return NULL;
}

static const char *
quota_set(struct wr_policy *policy, const struct wr_setting *setting)
{
        unsigned bit;
        uint64_t *limit = quota_place(&policy->limits, setting->key, &bit);

        if (!limit)
                return "an unknown key: there are lanes, subscriptions, reserve_bytes, allocated_bytes, connections,"
                       " messages_per_second and relays_per_second";
        if (setting->kind != WR_SETTING_INTEGER || setting->number < 1 || setting->number > INT64_C(1) << 60)
                return "expected a number from 1 to 2^60";
        if (bit >= 1U << WR_QUOTAS && setting->number > 1000000)
                return "expected a number from 1 to 1000000";
        if (policy->quotas_seen & bit)
                return "this key stands twice in its table";
        policy->quotas_seen |= bit;
        *limit = (uint64_t)setting->number;
        return NULL;
}

static const char *
package_set(struct wr_policy *policy, const struct wr_setting *setting)
{
        if (strcmp(setting->key, "socket") != 0)
                return "an unknown key: a package has socket";
        if (setting->kind != WR_SETTING_STRING)
                return wr_policy_socket_refusal("");
        if (wr_policy_socket_refusal(setting->text))
                return wr_policy_socket_refusal(setting->text);
        if (policy->package->socket)
                return "this key stands twice in its table";
        policy->package->socket = strdup(setting->text);
        return policy->package->socket ? NULL : "no memory";
}

static const char *
visit(void *user, const struct wr_setting *setting)
{
        struct wr_policy *policy = user;

        switch (setting->kind) {
        case WR_SETTING_TABLE: return table_begin(policy, setting);
        case WR_SETTING_ELEMENT:
                return principal_add(policy, setting); /* an array anywhere else was refused when it began */
        case WR_SETTING_END: return NULL;
        default:
                if (policy->entry)
                        return rule_begin(policy, setting);
                if (policy->in_quota)
                        return quota_set(policy, setting);
                if (policy->package)
                        return package_set(policy, setting);
                return "a key outside of a table: begin with [topic.\"NAME\"], [package.\"ID\"] or [quota]";
        }
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

/* What decides where no entry does: full trust of the broker's own user may do all. */
static const char *
fallback_make(struct wr_policy *policy)
{
        char own[WR_SID_TEXT_MAX], text[2 * WR_SID_TEXT_MAX + 32];

        policy->fallback = entry_make("", 0);
        if (!policy->fallback)
                return "no memory";
        wr_sid_text(&policy->own_user, own);
        wr_sentence(text, sizeof(text), "O:%sD:P(A;;0x1f;;;%s)", own, own);
        return wr_policy_compile_sddl(policy, policy->fallback, text);
}

struct wr_policy *
wr_policy_make(const char *path, const char *suggested_path, struct wr_sid own_user)
{
        struct wr_policy *policy = calloc(1, sizeof(*policy));

        if (!policy)
                return NULL;
        policy->own_user = own_user;
        policy->limits = wr_limits_default;
        policy->entries_end = &policy->entries;
        wr_sentence(policy->path, sizeof(policy->path), "%s", path ? path : "");
        wr_sentence(policy->suggested_path, sizeof(policy->suggested_path), "%s", suggested_path ? suggested_path : "");
        policy->scratch = malloc(WR_DESCRIPTOR_MAX);
        if (policy->scratch && wr_policy_token_open(policy) && !fallback_make(policy))
                return policy;
        wr_policy_close(policy);
        return NULL;
}

static bool
compile_all(struct wr_policy *policy, struct wr_policy_error *error)
{
        for (struct entry *entry = policy->entries; entry; entry = entry->next) {
                const char *wrong = entry->sddl_line ? NULL : wr_policy_compile(policy, entry);

                if (!wrong)
                        continue;
                *error = (struct wr_policy_error){ entry->line, 1, wrong };
                return false;
        }
        return true;
}

enum weir_result
wr_policy_parse(struct wr_policy **policy, const char *text, size_t size, const char *path, struct wr_sid own_user,
                char *sentence, size_t room)
{
        struct wr_policy *made = wr_policy_make(path, path, own_user);
        struct wr_policy_error error;

        *policy = NULL;
        if (!made) {
                wr_sentence(sentence, room, "%s: no memory for a policy", path);
                return WEIR_E_NO_MEMORY;
        }
        if (!wr_policy_file_read(text, size, visit, made, &error) || !compile_all(made, &error)) {
                wr_sentence(sentence, room, "%s:%u:%u: %s", path, error.line, error.column, error.what);
                wr_policy_close(made);
                return WEIR_E_USAGE;
        }
        free(made->scratch);
        made->scratch = NULL;
        *policy = made;
        return WEIR_OK;
}

static void
entry_free(struct entry *entry)
{
        if (!entry)
                return;
        for (int i = 0; i < RIGHTS; i++)
                for (struct principal *principal = entry->rules[i].first, *next; principal; principal = next) {
                        next = principal->next;
                        free(principal);
                }
        free(entry->bytes);
        free(entry->ace_lines);
        free(entry);
}

void
wr_policy_close(struct wr_policy *policy)
{
        if (!policy)
                return;
        for (struct entry *entry = policy->entries, *next; entry; entry = next) {
                next = entry->next;
                entry_free(entry);
        }
        for (struct package *package = policy->packages, *next; package; package = next) {
                next = package->next;
                free(package->socket);
                free(package);
        }
        entry_free(policy->fallback);
        free(policy->token);
        free(policy->scratch);
        free(policy);
}

const struct wr_limits *
wr_policy_limits(const struct wr_policy *policy)
{
        return &policy->limits;
}

const char *
wr_policy_path(const struct wr_policy *policy)
{
        return policy->path;
}

bool
wr_policy_socket(const struct wr_policy *policy, size_t index, const char **package, const char **socket)
{
        for (const struct package *each = policy->packages; each; each = each->next) {
                if (!each->socket || index-- > 0)
                        continue;
                *package = each->name;
                *socket = each->socket;
                return true;
        }
        return false;
}
