/*
 * The decision, and its sentence: what is missing, the line that says so, and the line that would grant it. The check
 * has two halves for whoever is in a sandbox: the sandbox must be listed, and the user.
 */
#include "broker/policy_rules.h"

#include "bus/message.h"
#include "named-objects/sentence.h"

#include <inttypes.h>
#include <string.h>

bool
wr_policy_is_own(const struct wr_policy *policy, const struct wr_identity *identity)
{
        return identity->trust == WR_TRUST_FULL && identity->user == policy->own_user;
}

static bool
in_group(const struct wr_identity *identity, uint32_t group)
{
        for (uint32_t i = 0; i < identity->group_count && i < WR_GROUPS_MAX; i++)
                if (identity->groups[i] == group)
                        return true;
        return false;
}

static bool
lists_user(const struct rule *rule, const struct wr_identity *identity)
{
        for (const struct principal *each = rule->first; each; each = each->next)
                if ((each->kind == PRINCIPAL_USER && each->id == identity->user) ||
                    (each->kind == PRINCIPAL_GROUP && in_group(identity, each->id)))
                        return true;
        return false;
}

/* The package half of the check: the package, or the unknown confinement. */
static bool
lists_sandbox(const struct rule *rule, const struct wr_identity *identity)
{
        for (const struct principal *each = rule->first; each; each = each->next)
                if (identity->trust == WR_TRUST_PACKAGE
                            ? each->kind == PRINCIPAL_PACKAGE && strcmp(each->package, identity->package) == 0
                            : each->kind == PRINCIPAL_CONFINED)
                        return true;
        return false;
}

static bool
lists(const struct wr_policy *policy, const struct rule *rule, const struct wr_identity *identity)
{
        if (identity->trust == WR_TRUST_FULL)
                return lists_user(rule, identity);
        return lists_sandbox(rule, identity) && (identity->user == policy->own_user || lists_user(rule, identity));
}

/* Which bit of `right` is set, as the names stand. */
static int
index_of(enum wr_right right)
{
        int index = 0;

        while (index < RIGHTS - 1 && (unsigned)right >> index != 1)
                index++;
        return index;
}

static bool
is_granted(const struct wr_policy *policy, const struct entry *entry, const struct wr_identity *identity,
           enum wr_right right)
{
        const struct rule *rule = &entry->rules[index_of(right)];

        if (rule->line == 0 && (right == WR_MAY_MAP || right == WR_MAY_OBSERVE))
                return lists(policy, &entry->rules[0], identity) || lists(policy, &entry->rules[1], identity);
        return lists(policy, rule, identity);
}

/* What the list must hold for this identity: "package:org.weir.Camera", "user:1001". */
static void
principals_of(const struct wr_policy *policy, const struct rule *rule, const struct wr_identity *identity, char *text,
              size_t room)
{
        char user[32] = "";

        if (identity->user != policy->own_user && !(rule && lists_user(rule, identity)))
                wr_sentence(user, sizeof(user), ", \"user:%" PRIu32 "\"", identity->user);
        if (identity->trust == WR_TRUST_FULL)
                wr_sentence(text, room, "\"user:%" PRIu32 "\"", identity->user);
        else if (identity->trust == WR_TRUST_PACKAGE)
                wr_sentence(text, room, "\"package:%s\"%s", identity->package, user);
        else
                wr_sentence(text, room, "\"confined:*\"%s", user);
}

static void
who_of(const struct wr_identity *identity, char *text, size_t room)
{
        if (identity->trust == WR_TRUST_FULL)
                wr_sentence(text, room, "user:%" PRIu32, identity->user);
        else if (identity->trust == WR_TRUST_PACKAGE)
                wr_sentence(text, room, "package:%s", identity->package);
        else
                wr_sentence(text, room, "an unknown sandbox of user:%" PRIu32, identity->user);
}

static const char *
base_name(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* A topic as it stands in a table's header: a basic string. */
static void
quoted(const char *topic, char *text, size_t room)
{
        size_t length = 0;

        for (; *topic && length + 3 < room; topic++) {
                if (*topic == '"' || *topic == '\\')
                        text[length++] = '\\';
                text[length++] = *topic;
        }
        text[length] = '\0';
}

static void
explain(const struct wr_policy *policy, const struct entry *entry, const struct wr_identity *identity,
        const char *topic, enum wr_right right, char *sentence, size_t room)
{
        const char *right_name = wr_right_names[index_of(right)];
        const struct rule *rule = entry ? &entry->rules[index_of(right)] : NULL;
        char who[WR_PACKAGE_MAX + 64], principals[WR_PACKAGE_MAX + 64], header[2 * WR_TOPIC_MAX + 8];

        who_of(identity, who, sizeof(who));
        principals_of(policy, rule, identity, principals, sizeof(principals));
        quoted(topic, header, sizeof(header));
        if (rule && rule->line != 0)
                wr_sentence(sentence, room, "denied: '%s' grants %s no '%s' (%s:%u). Grant it: add %s to %s in %s:%u",
                            topic, who, right_name, base_name(policy->path), rule->line, principals, right_name,
                            policy->path, rule->line);
        else if (entry)
                wr_sentence(sentence, room,
                            "denied: '%s' grants %s no '%s' (%s:%u). Grant it: add %s = [%s] under"
                            " [topic.\"%s\"] in %s",
                            topic, who, right_name, base_name(policy->path), entry->line, right_name, principals,
                            header, policy->path);
        else
                wr_sentence(sentence, room,
                            "denied: '%s' grants %s no '%s' (%s has no rule for it). Grant it: add %s = [%s] under"
                            " [topic.\"%s\"] in %s",
                            topic, who, right_name, policy->path[0] ? base_name(policy->path) : "the policy",
                            right_name, principals, header, policy->suggested_path);
}

bool
wr_policy_decide(const struct wr_policy *policy, const struct wr_identity *identity, const char *topic,
                 enum wr_right right, char *sentence, size_t room)
{
        const struct entry *entry = policy->entries;

        while (entry && strcmp(entry->topic, topic) != 0)
                entry = entry->next;
        if (entry ? is_granted(policy, entry, identity, right) : wr_policy_is_own(policy, identity))
                return true;
        if (sentence)
                explain(policy, entry, identity, topic, right, sentence, room);
        return false;
}

bool
wr_policy_admits(const struct wr_policy *policy, const struct wr_identity *identity, char *sentence, size_t room)
{
        if (identity->trust != WR_TRUST_CONFINED)
                return true;
        for (const struct entry *entry = policy->entries; entry; entry = entry->next)
                for (int i = 0; i < RIGHTS; i++)
                        if (lists(policy, &entry->rules[i], identity))
                                return true;
        wr_sentence(sentence, room,
                    "denied: this process runs in a sandbox that nobody vouches for (%s). Give the sandbox a package"
                    " socket of its own, or admit it: add \"confined:*\" to a topic's list in %s",
                    identity->why, policy->suggested_path);
        return false;
}
