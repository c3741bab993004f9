/*
 * The decision: the entry that is responsible, its descriptor, the identity's token, and the access check. And its
 * sentence: what is missing, the line of the file that says so, and the line to type that would grant it.
 */
#include "broker/policy_rules.h"
#include "broker/policy_system.h"

#include "bus/message.h"
#include "bus/topic.h"
#include "named-objects/sentence.h"
#include "named-objects/user.h"

#include <string.h>

bool
wr_policy_is_own(const struct wr_policy *policy, const struct wr_identity *identity)
{
        return identity->trust == WR_TRUST_FULL && wr_sid_equal(&identity->user, &policy->own_user);
}

const struct entry *
wr_policy_entry(const struct wr_policy *policy, const char *topic)
{
        const struct entry *best = policy->fallback;

        for (const struct entry *each = policy->entries; each; each = each->next) {
                if (!each->is_pattern && strcmp(each->topic, topic) == 0)
                        return each;
                if (each->is_pattern && (best->line == 0 || each->prefix > best->prefix) &&
                    wr_topic_matches(each->topic, topic))
                        best = each;
        }
        return best;
}

unsigned
wr_policy_line(const struct entry *entry, int index)
{
        if (entry->sddl_line != 0)
                return entry->sddl_line;
        return entry->rules[index].line != 0 ? entry->rules[index].line : entry->line;
}

void
wr_policy_who(const struct wr_identity *identity, char *text, size_t room)
{
        char user[WR_SID_TEXT_MAX];

        wr_user_text(&identity->user, user, sizeof(user));
        if (identity->trust == WR_TRUST_FULL)
                wr_sentence(text, room, "user:%s", user);
        else if (identity->trust == WR_TRUST_PACKAGE)
                wr_sentence(text, room, "package:%s", identity->package);
        else if (identity->has_token)
                wr_sentence(text, room, "user:%s (%s)", user, identity->why);
        else
                wr_sentence(text, room, "an unknown sandbox of user:%s", user);
}

static void
where_is(const struct wr_policy *policy, const struct entry *entry, int index, char *where, size_t room)
{
        if (entry->line != 0)
                wr_sentence(where, room, "%s:%u", wr_policy_file_name(policy->path), wr_policy_line(entry, index));
        else
                wr_sentence(where, room, "%s has no rule for it",
                            policy->path[0] ? wr_policy_file_name(policy->path) : "the policy");
}

void
wr_policy_where(const struct wr_policy *policy, const char *topic, enum wr_right right, char *where, size_t room)
{
        where_is(policy, wr_policy_entry(policy, topic), wr_policy_right_index(right), where, room);
}

static void
refuse(const struct wr_policy *policy, const struct entry *entry, const struct wr_identity *identity,
       const struct wr_access *access, const char *topic, enum wr_right right, char *sentence, size_t room)
{
        int index = wr_policy_right_index(right);
        char who[WR_PACKAGE_MAX + 64], where[sizeof(policy->path) + 64], command[2 * WR_PACKAGE_MAX + 512];
        struct wr_policy_lack lack;

        wr_policy_who(identity, who, sizeof(who));
        wr_policy_lack(policy, entry, identity, access, &lack);
        wr_policy_command(policy, &lack, topic, right, command, sizeof(command));
        where_is(policy, entry, index, where, sizeof(where));
        wr_sentence(sentence, room, "denied: '%s' grants %s no '%s' (%s)", topic, who, wr_right_names[index], where);
        /* Whole or not at all: a line that was cut grants something else. */
        if (command[0] && strlen(sentence) + strlen(command) + sizeof(". Grant it: ") <= room)
                wr_sentence(sentence + strlen(sentence), room - strlen(sentence), ". Grant it: %s", command);
        if (lack.needs_label)
                wr_sentence(sentence + strlen(sentence), room - strlen(sentence), ". %s", wr_policy_label_hint);
}

bool
wr_policy_decide(const struct wr_policy *policy, const struct wr_identity *identity, const char *topic,
                 enum wr_right right, char *sentence, size_t room)
{
        const struct entry *entry = wr_policy_entry(policy, topic);
        const struct wr_token *token = wr_policy_token_of(policy, identity);
        struct wr_access access;

        if (wr_access_check(&entry->descriptor, token, &wr_topic_mapping, right, &access))
                return true;
        if (sentence)
                refuse(policy, entry, identity, &access, topic, right, sentence, room);
        return false;
}

/* Is there a name that both match? Two patterns are compared by what stands in front of their first '*'. */
static bool
may_meet(const struct entry *entry, const char *pattern)
{
        size_t prefix = wr_topic_prefix(pattern);

        if (!entry->is_pattern)
                return wr_topic_matches(pattern, entry->topic);
        return strncmp(entry->topic, pattern, entry->prefix < prefix ? entry->prefix : prefix) == 0;
}

bool
wr_policy_could(const struct wr_policy *policy, const struct wr_identity *identity, const char *pattern,
                uint32_t rights)
{
        const struct wr_token *token = wr_policy_token_of(policy, identity);
        struct wr_access access;
        bool is_covered = false; /* the default decides for none of its names */

        for (const struct entry *each = policy->entries; each; each = each->next) {
                if (each->is_pattern && (strcmp(each->topic, "**") == 0 || strcmp(each->topic, pattern) == 0))
                        is_covered = true;
                if (may_meet(each, pattern) &&
                    wr_access_check(&each->descriptor, token, &wr_topic_mapping, rights, &access))
                        return true;
        }
        return !is_covered && wr_access_check(&policy->fallback->descriptor, token, &wr_topic_mapping, rights, &access);
}

/* Does the entry let it do anything at all? */
static bool
may_any(const struct entry *entry, const struct wr_token *token)
{
        struct wr_access access;

        wr_access_check(&entry->descriptor, token, &wr_topic_mapping, WR_MAXIMUM_ALLOWED, &access);
        return (access.mask & ALL_RIGHTS) != 0;
}

bool
wr_policy_admits(const struct wr_policy *policy, const struct wr_identity *identity, char *sentence, size_t room)
{
        const struct wr_token *token = wr_policy_token_of(policy, identity);
        char user[WR_SID_TEXT_MAX];

        if (identity->trust == WR_TRUST_FULL || identity->trust == WR_TRUST_PACKAGE)
                return true;
        if (identity->has_token && may_any(policy->fallback, token))
                return true;
        for (const struct entry *entry = policy->entries; entry; entry = entry->next)
                if ((identity->has_token || entry->names_confined) && may_any(entry, token))
                        return true;
        if (identity->has_token) {
                wr_user_text(&identity->user, user, sizeof(user));
                wr_sentence(sentence, room,
                            "denied: this process is confined by its token (%s), and no rule lets in anything that the"
                            " token has. A rule for a SID of its second list does, or for its user: weir access allow"
                            " TOPIC --user %s --read",
                            identity->why, user);
        } else {
                wr_sentence(sentence, room,
                            "denied: this process runs in a sandbox that nobody vouches for (%s). Give the sandbox a"
                            " package socket of its own, or admit it: weir access allow TOPIC --confined --read",
                            identity->why);
        }
        return false;
}
