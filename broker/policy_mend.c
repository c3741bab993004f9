/*
 * What a denial lacks, and what to type for it. The narrowest that helps: the package rather than a capability of it,
 * the user rather than a group of his, the one topic rather than the pattern that decides for it.
 */
#include "broker/policy_rules.h"

#include "bus/message.h"
#include "named-objects/sentence.h"

#include <inttypes.h>
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

void
wr_policy_lack(const struct wr_policy *policy, const struct entry *entry, const struct wr_identity *identity,
               const struct wr_access *access, struct wr_policy_lack *lack)
{
        bool is_own = identity->user == policy->own_user, is_free = identity->trust == WR_TRUST_FULL;

        *lack = (struct wr_policy_lack){ 0 };
        /* The line of a sandbox gives the own user's half, too. And in SDDL an entry that denies a user counts as long
         * as the package half is open, so both are granted in front of it. */
        if (!is_free && (is_own || entry->sddl_line != 0 || half_lacks(access, WR_HALF_PACKAGE))) {
                if (identity->trust == WR_TRUST_PACKAGE)
                        wr_sentence(lack->principals[0], sizeof(lack->principals[0]), "package:%s", identity->package);
                else
                        wr_sentence(lack->principals[0], sizeof(lack->principals[0]), WR_POLICY_CONFINED);
                lack->count = 1;
        }
        if (is_free || (!is_own && half_lacks(access, WR_HALF_USER)))
                wr_sentence(lack->principals[lack->count++], sizeof(lack->principals[0]), "user:%" PRIu32,
                            identity->user);
}

static void
add(char *text, size_t room, const char *what)
{
        size_t length = strlen(text);

        wr_sentence(text + length, room - length, "%s", what);
}

/* A word of the shell's, in quotes where it has to be. */
static void
word_add(char *text, size_t room, const char *word)
{
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-:@%+=,";
        size_t length = strlen(text);

        if (word[0] && strspn(word, plain) == strlen(word)) {
                wr_sentence(text + length, room - length, " %s", word);
                return;
        }
        wr_sentence(text + length, room - length, " '");
        length = strlen(text);
        for (; *word && length + 8 < room; word++) {
                const char letter[] = { *word, '\0' };

                wr_sentence(text + length, room - length, "%s", *word == '\'' ? "'\\''" : letter);
                length = strlen(text);
        }
        wr_sentence(text + length, room - length, "'");
}

/* "package:org.weir.Camera" is --package org.weir.Camera. */
static void
principal_add(char *text, size_t room, const char *principal)
{
        size_t length = strlen(text);
        const char *colon = strchr(principal, ':');

        if (strcmp(principal, WR_POLICY_CONFINED) == 0)
                wr_sentence(text + length, room - length, " --confined");
        else
                wr_sentence(text + length, room - length, " --%.*s %s", (int)(colon - principal), principal, colon + 1);
}

void
wr_policy_command(const struct wr_policy *policy, const struct wr_policy_lack *lack, const char *topic, uint32_t rights,
                  char *text, size_t room)
{
        static const char *const flags[RIGHTS] = { " --read", " --write", " --map", " --observe", " --reliable" };
        const char *path = policy->path[0] ? policy->path : policy->suggested_path;

        text[0] = '\0';
        for (unsigned each = 0; each < lack->count; each++) {
                add(text, room, each ? " && weir access allow" : "weir access allow");
                word_add(text, room, topic);
                principal_add(text, room, lack->principals[each]);
                for (int i = 0; i < RIGHTS; i++)
                        add(text, room, rights >> i & 1 ? flags[i] : "");
                if (!policy->is_default_path && path[0] == '/') {
                        add(text, room, " --config");
                        word_add(text, room, path);
                }
        }
}
