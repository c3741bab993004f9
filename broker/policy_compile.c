/*
 * An entry of the file becomes a security descriptor: its lists one entry of the DACL after the other, in the order of
 * the rights and of the file, or its SDDL as it stands. Nobody else is listed, so nobody else has any right.
 */
#include "broker/policy_rules.h"

#include "named-objects/rights/package.h"
#include "named-objects/rights/sddl.h"
#include "named-objects/sentence.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const struct wr_generic_mapping wr_topic_mapping = {
        .read = WR_MAY_SUBSCRIBE | WR_MAY_OBSERVE | WR_READ_CONTROL,
        .write = WR_MAY_PUBLISH | WR_READ_CONTROL,
        .execute = WR_MAY_MAP | WR_READ_CONTROL,
        .all = ALL_RIGHTS | WR_DELETE | WR_READ_CONTROL | WR_WRITE_DAC | WR_WRITE_OWNER,
};

uint32_t
wr_policy_rule_mask(const struct entry *entry, int index)
{
        uint32_t mask = 1U << index;

        if (mask == WR_MAY_SUBSCRIBE || mask == WR_MAY_PUBLISH) {
                if (entry->rules[wr_policy_right_index(WR_MAY_MAP)].line == 0)
                        mask |= WR_MAY_MAP;
                if (entry->rules[wr_policy_right_index(WR_MAY_OBSERVE)].line == 0)
                        mask |= WR_MAY_OBSERVE;
        }
        return mask;
}

/* Else nobody of unknown confinement has to be asked about: nothing but its own SID matches it as a package. */
static bool
names_confined(const struct wr_acl *list)
{
        struct wr_sid confined;
        struct wr_ace ace;
        size_t at = 0;

        wr_package_sid(&confined, WR_POLICY_CONFINED, strlen(WR_POLICY_CONFINED));
        while (wr_acl_next(list, &at, &ace))
                if (wr_sid_equal(&ace.sid, &confined))
                        return true;
        return false;
}

/* The bytes are copied into memory of the entry's own. */
static const char *
keep(struct entry *entry, const uint8_t *bytes, size_t size)
{
        const char *why = NULL;
        bool is_sound;

        entry->bytes = malloc(size);
        if (!entry->bytes)
                return "no memory";
        memcpy(entry->bytes, bytes, size);
        entry->size = size;
        is_sound = wr_descriptor_open(&entry->descriptor, entry->bytes, size, &why);
        assert(is_sound); /* our own code wrote it */
        if (!is_sound)
                return why;
        entry->names_confined = names_confined(&entry->descriptor.dacl);
        return NULL;
}

static void
list_write(const struct wr_policy *policy, struct entry *entry, int index, struct wr_draft *draft, unsigned *count)
{
        const struct rule *rule = &entry->rules[index];
        struct wr_policy_aces aces;

        for (const struct principal *each = rule->first; each; each = each->next) {
                if (!wr_policy_principal_aces(each, &policy->own_user, wr_policy_rule_mask(entry, index), &aces))
                        draft->failed = true;
                for (unsigned i = 0; i < aces.count && !draft->failed; i++) {
                        wr_draft_ace(draft, &aces.of[i]);
                        entry->ace_lines[(*count)++] = rule->line;
                }
        }
}

const char *
wr_policy_compile(struct wr_policy *policy, struct entry *entry)
{
        struct wr_draft draft;
        size_t size, most = 1;
        unsigned count = 0;

        for (int i = 0; i < RIGHTS; i++)
                most += 2 * (size_t)entry->rules[i].count;
        entry->ace_lines = calloc(most, sizeof(*entry->ace_lines));
        if (!entry->ace_lines)
                return "no memory";
        wr_draft_begin(&draft, policy->scratch, WR_DESCRIPTOR_MAX);
        wr_draft_owner(&draft, &policy->own_user);
        wr_draft_dacl(&draft, WR_DACL_PROTECTED);
        for (int i = 0; i < RIGHTS; i++)
                list_write(policy, entry, i, &draft, &count);
        size = wr_draft_end(&draft);
        if (size == 0)
                return "the lists of this entry are too long for one access list: use a group or a capability";
        return keep(entry, policy->scratch, size);
}

const char *
wr_policy_compile_sddl(struct wr_policy *policy, struct entry *entry, const char *text)
{
        struct wr_sddl_error error = { 0, "" };
        size_t size = wr_sddl_parse(text, strlen(text), NULL, policy->scratch, WR_DESCRIPTOR_MAX, &error);
        const char *wrong;

        if (size == 0) {
                wr_sentence(policy->what, sizeof(policy->what), "no SDDL, at its character %zu: %s", error.at + 1,
                            error.what);
                return policy->what;
        }
        wrong = keep(entry, policy->scratch, size);
        if (!wrong && !entry->descriptor.dacl.present)
                return "this SDDL has no list of who may: write D:(...), or D:NO_ACCESS_CONTROL if everybody may all";
        return wrong;
}
