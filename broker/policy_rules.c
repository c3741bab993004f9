/*
 * The visitor that makes rules of the file. A topic's entry has one list of principals per right; a list that the
 * file does not have is told from an empty one, since `map` and `observe` then follow from `subscribe` and `publish`.
 */
#include "broker/policy_rules.h"

#include "broker/policy_file.h"
#include "bus/topic.h"
#include "named-objects/sentence.h"
#include "named-objects/user.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const wr_right_names[RIGHTS] = { "subscribe", "publish", "map", "observe", "stall" };

/* ---- reading -------------------------------------------------------------------------------------------------- */

static const char *
topic_begin(struct wr_policy *policy, const struct wr_setting *setting)
{
        struct entry *entry;
        const char *why;

        if (wr_topic_pattern_valid(setting->entry, NULL) && strchr(setting->entry, '*'))
                return "a policy names exact topics, not patterns: write one [topic.\"NAME\"] for each";
        if (!wr_topic_valid(setting->entry, &why)) {
                wr_sentence(policy->what, sizeof(policy->what), "this is no topic: %s", why);
                return policy->what;
        }
        for (entry = policy->entries; entry; entry = entry->next)
                if (strcmp(entry->topic, setting->entry) == 0) {
                        wr_sentence(policy->what, sizeof(policy->what), "this topic has an entry already, in line %u",
                                    entry->line);
                        return policy->what;
                }
        entry = calloc(1, sizeof(*entry) + strlen(setting->entry) + 1);
        if (!entry)
                return "no memory";
        strcpy(entry->topic, setting->entry);
        entry->line = setting->line;
        entry->next = policy->entries;
        policy->entries = policy->entry = entry;
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

/* `topic` entry: a list begins. */
static const char *
rule_begin(struct wr_policy *policy, const struct wr_setting *setting)
{
        if (strcmp(setting->key, "sddl") == 0)
                return "security descriptors are not part of this version: list publish, subscribe, map, observe and"
                       " stall";
        for (int i = 0; i < RIGHTS; i++) {
                if (strcmp(setting->key, wr_right_names[i]) != 0)
                        continue;
                if (setting->kind != WR_SETTING_ARRAY)
                        return "expected a list: [\"user:NAME\", \"package:ID\"]";
                if (policy->entry->rules[i].line != 0)
                        return "this key stands twice in its table";
                policy->rule = &policy->entry->rules[i];
                policy->rule->line = setting->line;
                return NULL;
        }
        return "an unknown key: a topic has publish, subscribe, map, observe and stall";
}

/* Kind and, for users and groups, number; NULL, or what is wrong. *package: where its name begins. */
static const char *
principal_parse(struct wr_policy *policy, const char *text, struct principal *principal, const char **package)
{
        *package = "";
        if (strncmp(text, "user:", 5) == 0) {
                principal->kind = PRINCIPAL_USER;
                if (wr_user_find(text + 5, &principal->id))
                        return NULL;
                wr_sentence(policy->what, sizeof(policy->what), "there is no user '%.100s' on this machine", text + 5);
                return policy->what;
        }
        if (strncmp(text, "group:", 6) == 0) {
                principal->kind = PRINCIPAL_GROUP;
                if (wr_group_find(text + 6, &principal->id))
                        return NULL;
                wr_sentence(policy->what, sizeof(policy->what), "there is no group '%.100s' on this machine", text + 6);
                return policy->what;
        }
        if (strncmp(text, "package:", 8) == 0) {
                principal->kind = PRINCIPAL_PACKAGE;
                *package = text + 8;
                return wr_identity_package_valid(*package)
                               ? NULL
                               : "this is no name of a package: letters, digits, '.', '-' and '_'";
        }
        principal->kind = PRINCIPAL_CONFINED;
        return strcmp(text, "confined:*") == 0
                       ? NULL
                       : "expected user:NAME, user:UID, group:NAME, group:GID, package:ID or confined:*";
}

static const char *
principal_add(struct wr_policy *policy, const struct wr_setting *setting)
{
        struct principal parsed = { 0 }, *principal;
        const char *package, *wrong = principal_parse(policy, setting->text, &parsed, &package);

        if (wrong)
                return wrong;
        if (policy->rule->count == PRINCIPALS_MAX)
                return "a list has at most 256 entries: use a group";
        principal = calloc(1, sizeof(*principal) + strlen(package) + 1);
        if (!principal)
                return "no memory";
        *principal = parsed;
        strcpy(principal->package, package);
        principal->next = policy->rule->first;
        policy->rule->first = principal;
        policy->rule->count++;
        return NULL;
}

static const char *
quota_set(struct wr_policy *policy, const struct wr_setting *setting)
{
        uint64_t *limit = NULL;
        unsigned bit = 0;

        for (unsigned i = 0; i < WR_QUOTAS; i++)
                if (strcmp(setting->key, wr_quota_name((enum wr_quota)i)) == 0) {
                        limit = &policy->limits.of[i];
                        bit = 1U << i;
                }
        if (strcmp(setting->key, "messages_per_second") == 0) {
                limit = &policy->limits.messages_per_second;
                bit = 1U << WR_QUOTAS;
        }
        if (!limit)
                return "an unknown key: there are lanes, subscriptions, reserve_bytes, allocated_bytes, connections and"
                       " messages_per_second";
        if (setting->kind != WR_SETTING_INTEGER || setting->number < 1 || setting->number > INT64_C(1) << 60)
                return "expected a number from 1 to 2^60";
        if (bit == 1U << WR_QUOTAS && setting->number > 1000000)
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
        if (setting->kind != WR_SETTING_STRING || setting->text[0] != '/')
                return "expected an absolute path";
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

static struct wr_policy *
make(const char *path, const char *suggested_path, uint32_t own_user)
{
        struct wr_policy *policy = calloc(1, sizeof(*policy));

        if (!policy)
                return NULL;
        policy->own_user = own_user;
        policy->limits = wr_limits_default;
        wr_sentence(policy->path, sizeof(policy->path), "%s", path ? path : "");
        wr_sentence(policy->suggested_path, sizeof(policy->suggested_path), "%s",
                    suggested_path ? suggested_path : "the broker's policy file");
        return policy;
}

enum weir_result
wr_policy_parse(struct wr_policy **policy, const char *text, size_t size, const char *path, uint32_t own_user,
                char *sentence, size_t room)
{
        struct wr_policy *made = make(path, path, own_user);
        struct wr_policy_error error;

        *policy = NULL;
        if (!made)
                return WEIR_E_NO_MEMORY;
        if (!wr_policy_file_read(text, size, visit, made, &error)) {
                wr_sentence(sentence, room, "%s:%u:%u: %s", path, error.line, error.column, error.what);
                wr_policy_close(made);
                return WEIR_E_USAGE;
        }
        *policy = made;
        return WEIR_OK;
}

/* Reads at most one byte more than a policy may have. NULL: no memory, or unreadable (errno). */
static char *
file_read(const char *path, size_t *size)
{
        FILE *file = fopen(path, "re");
        char *text = NULL;

        if (!file)
                return NULL;
        text = malloc(WR_POLICY_FILE_MAX + 1);
        if (text) {
                *size = fread(text, 1, WR_POLICY_FILE_MAX + 1, file);
                if (ferror(file)) {
                        free(text);
                        text = NULL;
                }
        }
        fclose(file);
        return text;
}

enum weir_result
wr_policy_load(struct wr_policy **policy, const char *path, const char *missing_path, uint32_t own_user, char *sentence,
               size_t room)
{
        enum weir_result result;
        size_t size = 0;
        char *text;

        if (!path) {
                *policy = make(NULL, missing_path, own_user);
                return *policy ? WEIR_OK : WEIR_E_NO_MEMORY;
        }
        *policy = NULL;
        text = file_read(path, &size);
        if (!text) {
                wr_sentence(sentence, room, "%s: the policy file cannot be read: %s", path, strerror(errno));
                return WEIR_E_USAGE;
        }
        result = wr_policy_parse(policy, text, size, path, own_user, sentence, room);
        free(text);
        return result;
}

static void
entry_free(struct entry *entry)
{
        for (int i = 0; i < RIGHTS; i++)
                for (struct principal *principal = entry->rules[i].first, *next; principal; principal = next) {
                        next = principal->next;
                        free(principal);
                }
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
