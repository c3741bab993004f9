/*
 * What a denial lacks, and what to type for it. The narrowest that helps: the package rather than a capability of it,
 * the user rather than a group of his, the one topic rather than the pattern that decides for it.
 */
#include "broker/policy_rules.h"
#include "broker/policy_system.h"

#include "bus/message.h"
#include "named-objects/rights/access_mend.h"
#include "named-objects/sentence.h"
#include "named-objects/user.h"

#include <string.h>

/* Does a half of the check refuse one of the rights that are missing? */
static bool
half_lacks(const struct wr_access *access, enum wr_access_half half)
{
        for (unsigned bit = 0; bit < 32; bit++)
                if ((access->missing >> bit & 1) && !access->decisions[half][bit].granted)
                        return true;
        return false;
}

const char wr_policy_label_hint[] =
        "It runs below medium integrity, and what has no label is not written from there: give the entry one, as in"
        " sddl = \"D:(...)S:(ML;;NW;;;LW)\"";

/* A token that confines itself: the entries that its two lists lack, each for a user or group by its SID. */
static void
token_lack(const struct wr_policy *policy, const struct entry *entry, const struct wr_identity *identity,
           const struct wr_access *access, struct wr_policy_lack *lack)
{
        const struct wr_token *token = wr_policy_token_of(policy, identity);
        struct wr_mend mend;
        char sid[WR_SID_TEXT_MAX];

        if (!wr_access_mend(&entry->descriptor, token, &wr_topic_mapping, access->missing, &mend))
                return;
        lack->needs_label = mend.relabel;
        for (uint32_t i = 0; i < mend.entry_count && !mend.relabel && lack->count < 2; i++) {
                wr_user_text(&mend.entries[i].sid, sid, sizeof(sid));
                wr_sentence(lack->principals[lack->count++], sizeof(lack->principals[0]), "%s:%s",
                            wr_sid_equal(&mend.entries[i].sid, &identity->user) ? "user" : "group", sid);
        }
}

void
wr_policy_lack(const struct wr_policy *policy, const struct entry *entry, const struct wr_identity *identity,
               const struct wr_access *access, struct wr_policy_lack *lack)
{
        bool is_own = wr_sid_equal(&identity->user, &policy->own_user), is_free = identity->trust == WR_TRUST_FULL;
        char user[WR_SID_TEXT_MAX];

        *lack = (struct wr_policy_lack){ .is_other = !is_own };
        if (identity->trust == WR_TRUST_CONFINED && identity->has_token) {
                token_lack(policy, entry, identity, access, lack);
                return;
        }
        /* The line of a sandbox gives the own user's half, too. And in SDDL an entry that denies a user counts as long
         * as the package half is open, so both are granted in front of it. */
        if (!is_free && (is_own || entry->sddl_line != 0 || half_lacks(access, WR_HALF_PACKAGE))) {
                if (identity->trust == WR_TRUST_PACKAGE)
                        wr_sentence(lack->principals[0], sizeof(lack->principals[0]), "package:%s", identity->package);
                else
                        wr_sentence(lack->principals[0], sizeof(lack->principals[0]), WR_POLICY_CONFINED);
                lack->count = 1;
        }
        if (is_free || (!is_own && half_lacks(access, WR_HALF_USER))) {
                wr_user_text(&identity->user, user, sizeof(user));
                wr_sentence(lack->principals[lack->count++], sizeof(lack->principals[0]), "user:%s", user);
        }
}

enum { WORD_ROOM = 4 * WR_POLICY_PATH_MAX + 4 }; /* each letter four, and the quotes */

/* The line to type, as long as there is room. */
struct command {
        char *text;
        size_t room, length;
        bool is_cut;
};

static void
add(struct command *command, const char *what, size_t size)
{
        if (command->is_cut || size >= command->room - command->length) {
                command->is_cut = true;
                return;
        }
        memcpy(command->text + command->length, what, size);
        command->length += size;
        command->text[command->length] = '\0';
}

static void
add_all(struct command *command, const char *what)
{
        add(command, what, strlen(what));
}

/* A word that no quotes hold cuts the line, too. */
static void
word_add(struct command *command, const char *word)
{
        char quoted[WORD_ROOM];

        add_all(command, " ");
        if (wr_policy_shell_word(word, quoted, sizeof(quoted)))
                add_all(command, quoted);
        else
                command->is_cut = true;
}

/* "package:org.weir.Camera" is --package org.weir.Camera. */
static void
principal_add(struct command *command, const char *principal)
{
        const char *colon = strchr(principal, ':');

        if (strcmp(principal, WR_POLICY_CONFINED) == 0) {
                add_all(command, " --confined");
                return;
        }
        add_all(command, " --");
        add(command, principal, (size_t)(colon - principal));
        add_all(command, " ");
        add_all(command, colon + 1);
}

/* A topic that begins as an option does stands behind all options. */
static void
allow_add(struct command *command, const struct wr_policy *policy, const struct wr_policy_lack *lack, unsigned which,
          const char *topic, uint32_t rights)
{
        static const char *const flags[RIGHTS] = { " --read", " --write", " --map", " --observe", " --reliable" };
        const char *path = policy->path[0] ? policy->path : policy->suggested_path;

        add_all(command, which ? " && weir access allow" : "weir access allow");
        if (topic[0] != '-')
                word_add(command, topic);
        principal_add(command, lack->principals[which]);
        for (int i = 0; i < RIGHTS; i++)
                add_all(command, rights >> i & 1 ? flags[i] : "");
        if ((!policy->is_default_path || lack->is_other) && wr_policy_path_is_whole(path)) {
                add_all(command, " --config");
                word_add(command, path);
        }
        if (topic[0] == '-') {
                add_all(command, " --");
                word_add(command, topic);
        }
}

void
wr_policy_command(const struct wr_policy *policy, const struct wr_policy_lack *lack, const char *topic, uint32_t rights,
                  char *text, size_t room)
{
        struct command command = { .text = text, .room = room };

        text[0] = '\0';
        for (unsigned each = 0; each < lack->count; each++)
                allow_add(&command, policy, lack, each, topic, rights);
        if (command.is_cut)
                text[0] = '\0';
}
