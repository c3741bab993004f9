/*
 * Reading a descriptor with the eyes of one token.
 *
 *      entry's SID   user or enabled group    restricting SID     package, capability, S-1-15-2-2, S-1-15-2-1
 *      allows        user half                restricted half     package half, if the user half took it not
 *      denies        user half, deny-only     restricted half     nobody: Windows compares denials with users and
 *                    groups as well                               groups only, so one that names a package is void
 *
 * OWNER RIGHTS in an entry is the owner, and without an owner nobody.
 */
#include "named-objects/rights/access_walk.h"

#include "named-objects/rights/condition.h"

static const struct wr_sid owner_rights = { .authority = 3, .count = 1, .words = { 4 } };
static const struct wr_sid all_packages = { .authority = 15, .count = 2, .words = { 2, 1 } };
static const struct wr_sid all_restricted_packages = { .authority = 15, .count = 2, .words = { 2, 2 } };

static bool
is_listed(const struct wr_sid *sids, size_t count, const struct wr_sid *sid)
{
        for (size_t i = 0; i < count; i++)
                if (wr_sid_equal(&sids[i], sid))
                        return true;
        return false;
}

bool
wr_access_names_user(const struct wr_token *token, const struct wr_sid *sid, bool deny)
{
        if ((deny || !token->user_deny_only) && wr_sid_equal(&token->user, sid))
                return true;
        for (size_t i = 0; i < token->group_count; i++) {
                const struct wr_group *group = &token->groups[i];
                bool counts = group->deny_only ? deny : group->enabled;

                if (counts && wr_sid_equal(&group->sid, sid))
                        return true;
        }
        return false;
}

bool
wr_access_names_restricted(const struct wr_token *token, const struct wr_sid *sid)
{
        return is_listed(token->restricting, token->restricting_count, sid);
}

bool
wr_access_names_package(const struct wr_token *token, const struct wr_sid *sid)
{
        if (token->container == WR_NO_CONTAINER)
                return false;
        if (wr_sid_equal(&token->package, sid))
                return true;
        if (token->container == WR_CONTAINER_UNNAMED)
                return false;
        if (wr_sid_equal(&all_restricted_packages, sid))
                return true;
        if (token->container == WR_CONTAINER && wr_sid_equal(&all_packages, sid))
                return true;
        return is_listed(token->capabilities, token->capability_count, sid);
}

/* Which of the two lists a write-restricted token will be held to depends on the request, ownership does not: it is
 * always asked of both. */
bool
wr_access_owns(const struct wr_descriptor *descriptor, const struct wr_token *token)
{
        if (!descriptor->has_owner || !wr_access_names_user(token, &descriptor->owner, false))
                return false;
        return token->restricting_count == 0 || wr_access_names_restricted(token, &descriptor->owner);
}

bool
wr_access_is_owner_rights(const struct wr_sid *sid)
{
        return wr_sid_equal(sid, &owner_rights);
}

uint32_t
wr_access_map(const struct wr_generic_mapping *mapping, uint32_t mask)
{
        uint32_t mapped = mask & ~(WR_GENERIC_READ | WR_GENERIC_WRITE | WR_GENERIC_EXECUTE | WR_GENERIC_ALL);

        if (mask & WR_GENERIC_READ)
                mapped |= mapping->read;
        if (mask & WR_GENERIC_WRITE)
                mapped |= mapping->write;
        if (mask & WR_GENERIC_EXECUTE)
                mapped |= mapping->execute;
        if (mask & WR_GENERIC_ALL)
                mapped |= mapping->all;
        return mapped;
}

/* An allowing entry needs its condition to be true, a denying one only not to be false. */
static bool
applies(const struct wr_ace *ace, const struct wr_token *token)
{
        enum wr_truth truth;

        if (ace->type == WR_ACE_ALLOW || ace->type == WR_ACE_DENY)
                return true;
        truth = wr_condition_value(ace->condition, ace->condition_size, token);
        return ace->type == WR_ACE_ALLOW_IF ? truth == WR_TRUE : truth != WR_FALSE;
}

static void
note(uint32_t first_at[32], uint32_t mask, uint32_t at)
{
        for (unsigned bit = 0; bit < 32; bit++)
                if ((mask >> bit & 1) != 0 && first_at[bit] == WR_NEVER)
                        first_at[bit] = at;
}

static void
read_entry(struct wr_access_walk *walk, const struct wr_token *token, const struct wr_ace *ace,
           const struct wr_sid *sid, uint32_t at)
{
        bool deny = ace->type == WR_ACE_DENY || ace->type == WR_ACE_DENY_IF;
        bool user = wr_access_names_user(token, sid, deny);
        bool restricted = wr_access_names_restricted(token, sid);
        bool package = !deny && !user && wr_access_names_package(token, sid);

        if (!(user || restricted || package) || !applies(ace, token))
                return;
        if (user)
                note(deny ? walk->denied_at[WR_HALF_USER] : walk->allowed_at[WR_HALF_USER], ace->mask, at);
        if (restricted)
                note(deny ? walk->denied_at[WR_HALF_RESTRICTED] : walk->allowed_at[WR_HALF_RESTRICTED], ace->mask, at);
        if (package)
                note(walk->allowed_at[WR_HALF_PACKAGE], ace->mask, at);
}

static bool
decides(const struct wr_ace *ace)
{
        bool kind = ace->type == WR_ACE_ALLOW || ace->type == WR_ACE_DENY || ace->type == WR_ACE_ALLOW_IF ||
                    ace->type == WR_ACE_DENY_IF;

        return kind && (ace->flags & WR_ACE_INHERIT_ONLY) == 0;
}

void
wr_access_walk(struct wr_access_walk *walk, const struct wr_descriptor *descriptor, const struct wr_token *token,
               const struct wr_generic_mapping *mapping)
{
        struct wr_ace ace;
        size_t place = 0;

        walk->owner_rights = false;
        for (int half = 0; half < WR_HALVES; half++)
                for (int bit = 0; bit < 32; bit++)
                        walk->allowed_at[half][bit] = walk->denied_at[half][bit] = WR_NEVER;
        if (wr_access_no_list(descriptor))
                return;
        for (uint32_t at = 0; wr_acl_next(&descriptor->dacl, &place, &ace); at++) {
                bool of_owner = wr_access_is_owner_rights(&ace.sid);

                if (!decides(&ace))
                        continue;
                walk->owner_rights |= of_owner;
                if (of_owner && !descriptor->has_owner)
                        continue;
                ace.mask = wr_access_map(mapping, ace.mask);
                read_entry(walk, token, &ace, of_owner ? &descriptor->owner : &ace.sid, at);
        }
}

void
wr_access_label(struct wr_access_label *label, const struct wr_descriptor *descriptor)
{
        static const struct wr_ace medium = {
                .type = WR_ACE_LABEL,
                .mask = WR_NO_WRITE_UP,
                .sid = { .authority = 16, .count = 1, .words = { WR_INTEGRITY_MEDIUM } },
        };
        struct wr_ace ace;
        size_t place = 0;

        *label = (struct wr_access_label){ .at = WR_NEVER, .level = WR_INTEGRITY_MEDIUM, .ace = medium };
        if (!descriptor->sacl.present || descriptor->sacl.null)
                return;
        for (uint32_t at = 0; wr_acl_next(&descriptor->sacl, &place, &ace); at++) {
                if (ace.type != WR_ACE_LABEL || (ace.flags & WR_ACE_INHERIT_ONLY) != 0)
                        continue;
                label->at = at;
                label->level = ace.sid.authority == 16 && ace.sid.count == 1 ? ace.sid.words[0] : UINT32_MAX;
                label->ace = ace;
                return;
        }
}

uint32_t
wr_access_harmless(const struct wr_generic_mapping *mapping)
{
        return mapping->read | mapping->execute | WR_READ_CONTROL | WR_SYNCHRONIZE;
}

/* READ_CONTROL goes with reading and SYNCHRONIZE with executing, whatever a kind of object makes of its generic rights,
 * so that a label which forbids all three leaves nothing over. */
uint32_t
wr_access_passes_label(const struct wr_access_label *label, const struct wr_token *token,
                       const struct wr_generic_mapping *mapping)
{
        uint32_t passes = UINT32_MAX;

        if (token->integrity >= label->level)
                return passes;
        if (token->container != WR_NO_CONTAINER && label->level <= WR_INTEGRITY_MEDIUM)
                return passes;
        if (label->ace.mask & WR_NO_WRITE_UP)
                passes &= wr_access_harmless(mapping);
        if (label->ace.mask & WR_NO_READ_UP)
                passes &= ~(mapping->read | WR_READ_CONTROL);
        if (label->ace.mask & WR_NO_EXECUTE_UP)
                passes &= ~(mapping->execute | WR_SYNCHRONIZE);
        if (token->privileges & WR_PRIVILEGE_RELABEL)
                passes |= WR_WRITE_OWNER;
        return passes;
}

bool
wr_access_no_list(const struct wr_descriptor *descriptor)
{
        return !descriptor->dacl.present || descriptor->dacl.null;
}
