/*
 * Mending: for each half the rights that it lacks become one entry, and all entries go where they are read in time.
 *
 *      (A;;LC;;;AU) (D;;LC;;;BU) (A;;LC;;;WD)
 *                  ^ in front of the first entry that denies a right which is missing: in its order the list
 *                    would come to that entry first, and in the package half too a denial closes what is open
 *
 * A missing list is full of grants that would end with the first entry, so it is written down as (A;;GA;;;WD) before
 * anything is added.
 */
#include "named-objects/rights/access_mend.h"

#include "named-objects/rights/access_walk.h"

static const struct wr_sid everyone = { .authority = 1, .count = 1 };
static const struct wr_sid any_package = { .authority = 15, .count = 2, .words = { 2, 2 } };

/* What the entries must give, by half, and where the first of them is needed. */
struct lack {
        uint32_t rights[WR_HALVES];
        uint32_t before; /* the first denial that has to come later; WR_NEVER: none */
};

/* An entry for OWNER RIGHTS speaks of the owner, so a token of that name could not be reached by it. */
static bool
is_usable(const struct wr_sid *sid)
{
        return sid->count != 0 && !wr_access_is_owner_rights(sid);
}

/* The longer a SID the fewer it is likely to name: S-1-5-11 is whoever logged on, S-1-5-5-0-77777 one logon session. */
static uint32_t
narrowness(const struct wr_sid *sid)
{
        return wr_sid_equal(sid, &everyone) ? 0 : sid->count;
}

static const struct wr_sid *
narrower(const struct wr_sid *best, const struct wr_sid *sid)
{
        if (!is_usable(sid))
                return best;
        return best == NULL || narrowness(sid) > narrowness(best) ? sid : best;
}

static const struct wr_sid *
for_user(const struct wr_token *token)
{
        const struct wr_sid *best = NULL;

        if (!token->user_deny_only && is_usable(&token->user))
                return &token->user;
        for (size_t i = 0; i < token->group_count; i++)
                if (token->groups[i].enabled && !token->groups[i].deny_only)
                        best = narrower(best, &token->groups[i].sid);
        return best;
}

static const struct wr_sid *
for_restricted(const struct wr_token *token, const struct wr_sid *user)
{
        const struct wr_sid *best = NULL;

        if (user != NULL && wr_access_names_restricted(token, user))
                return user;
        for (size_t i = 0; i < token->restricting_count; i++)
                best = narrower(best, &token->restricting[i]);
        return best;
}

/* Not one that is a group of the user as well: an entry for it would count in the user half alone. */
static const struct wr_sid *
for_package(const struct wr_token *token)
{
        const struct wr_sid *capabilities = token->capabilities;

        if (is_usable(&token->package) && !wr_access_names_user(token, &token->package, false))
                return &token->package;
        if (token->container == WR_CONTAINER_UNNAMED)
                return NULL;
        for (size_t i = 0; i < token->capability_count; i++)
                if (is_usable(&capabilities[i]) && !wr_access_names_user(token, &capabilities[i], false))
                        return &capabilities[i];
        return wr_access_names_user(token, &any_package, false) ? NULL : &any_package;
}

static void
mend_label(const struct wr_descriptor *descriptor, const struct wr_token *token,
           const struct wr_generic_mapping *mapping, uint32_t desired, struct wr_mend *mend)
{
        struct wr_access_label label;
        uint32_t level = token->integrity;

        mend->label_at = WR_MEND_NO_LABEL;
        wr_access_label(&label, descriptor);
        if ((desired & ~wr_access_passes_label(&label, token, mapping)) == 0)
                return;
        /* Containers pass a label of Medium, whatever their own level. */
        if (token->container != WR_NO_CONTAINER && level < WR_INTEGRITY_MEDIUM)
                level = WR_INTEGRITY_MEDIUM;
        mend->relabel = true;
        mend->label_at = label.at == WR_NEVER ? WR_MEND_NO_LABEL : label.at;
        mend->label = label.ace;
        mend->label.sid = (struct wr_sid){ .authority = 16, .count = 1, .words = { level } };
}

/* The list that keeps what was given without one. */
static void
begin_list(const struct wr_token *token, const struct wr_generic_mapping *mapping, struct wr_mend *mend,
           struct wr_access_walk *walk)
{
        mend->new_list = true;
        mend->entries[mend->entry_count] =
                (struct wr_ace){ .type = WR_ACE_ALLOW, .mask = WR_GENERIC_ALL, .sid = everyone };
        mend->halves[mend->entry_count++] = WR_HALF_USER;
        for (unsigned bit = 0; bit < 32; bit++) {
                if ((mapping->all >> bit & 1) == 0)
                        continue;
                if (wr_access_names_user(token, &everyone, false))
                        walk->allowed_at[WR_HALF_USER][bit] = 0;
                if (wr_access_names_restricted(token, &everyone))
                        walk->allowed_at[WR_HALF_RESTRICTED][bit] = 0;
        }
}

static void
lack_right(struct lack *lack, enum wr_access_half half, unsigned bit, uint32_t allowed_at, uint32_t denied_at)
{
        if (allowed_at < denied_at)
                return;
        lack->rights[half] |= (uint32_t)1 << bit;
        if (denied_at < lack->before)
                lack->before = denied_at;
}

/* access: the decision as it stands. What it grants in front of the list (privilege, owner) stays granted; where a list
 * begins, what was granted for want of one is the new first entry's to give. */
static void
find_lacks(const struct wr_access *access, const struct wr_token *token, const struct wr_access_walk *walk,
           uint32_t desired, uint32_t before_list, struct lack *lack)
{
        *lack = (struct lack){ .before = WR_NEVER };
        for (unsigned bit = 0; bit < 32; bit++) {
                uint32_t denied_at = walk->denied_at[WR_HALF_USER][bit];

                if ((desired >> bit & 1) == 0)
                        continue;
                if ((before_list >> bit & 1) == 0)
                        lack_right(lack, WR_HALF_USER, bit, walk->allowed_at[WR_HALF_USER][bit], denied_at);
                if ((before_list >> bit & 1) == 0 && access->decisions[WR_HALF_RESTRICTED][bit].step != WR_STEP_UNASKED)
                        lack_right(lack, WR_HALF_RESTRICTED, bit, walk->allowed_at[WR_HALF_RESTRICTED][bit],
                                   walk->denied_at[WR_HALF_RESTRICTED][bit]);
                if (token->container != WR_NO_CONTAINER)
                        lack_right(lack, WR_HALF_PACKAGE, bit, walk->allowed_at[WR_HALF_PACKAGE][bit], denied_at);
        }
}

static bool
add_entry(struct wr_mend *mend, enum wr_access_half half, const struct wr_sid *sid, uint32_t rights,
          const char *impossible)
{
        if (rights == 0)
                return true;
        if (sid == NULL) {
                *mend = (struct wr_mend){ .impossible = impossible, .label_at = WR_MEND_NO_LABEL };
                return false;
        }
        mend->entries[mend->entry_count] = (struct wr_ace){ .type = WR_ACE_ALLOW, .mask = rights, .sid = *sid };
        mend->halves[mend->entry_count++] = half;
        return true;
}

static bool
add_entries(const struct wr_token *token, const struct lack *lack, struct wr_mend *mend)
{
        const struct wr_sid *user = for_user(token);
        const struct wr_sid *restricted = for_restricted(token, user);
        uint32_t user_rights = lack->rights[WR_HALF_USER], restricted_rights = lack->rights[WR_HALF_RESTRICTED];

        if (user != NULL && user == restricted) { /* one entry is read in both halves */
                user_rights |= restricted_rights;
                restricted_rights = 0;
        } else if (restricted != NULL && wr_access_names_user(token, restricted, false)) {
                user_rights &= ~restricted_rights; /* so is a group that is on the second list as well */
        }
        return add_entry(mend, WR_HALF_USER, user, user_rights,
                         "its user counts for denials only, and it has no enabled group that an entry could name") &&
               add_entry(mend, WR_HALF_RESTRICTED, restricted, restricted_rights,
                         "its second list holds nobody that an entry could name") &&
               add_entry(mend, WR_HALF_PACKAGE, for_package(token), lack->rights[WR_HALF_PACKAGE],
                         "an entry for its package would be read as one for a group of its user");
}

/* Rights that the user has in front of any list, with the privileges that mending adds. */
static uint32_t
before_the_list(const struct wr_access *access, const struct wr_descriptor *descriptor, const struct wr_token *token,
                const struct wr_access_walk *walk, bool list)
{
        uint32_t rights = WR_ACCESS_SYSTEM_SECURITY;

        if ((token->privileges & (WR_PRIVILEGE_TAKE_OWNERSHIP | WR_PRIVILEGE_RELABEL)) != 0)
                rights |= WR_WRITE_OWNER;
        if (wr_access_owns(descriptor, token) && !walk->owner_rights)
                rights |= WR_READ_CONTROL | WR_WRITE_DAC;
        return list ? rights : rights | access->mapping->all;
}

bool
wr_access_mend(const struct wr_descriptor *descriptor, const struct wr_token *token,
               const struct wr_generic_mapping *mapping, uint32_t desired, struct wr_mend *mend)
{
        struct wr_access access;
        struct wr_access_walk walk;
        struct lack lack;
        bool list = !wr_access_no_list(descriptor);
        uint32_t count = list ? descriptor->dacl.count : 0;

        *mend = (struct wr_mend){ .label_at = WR_MEND_NO_LABEL, .at = count, .list_count = count };
        if (wr_access_check(descriptor, token, mapping, desired, &access))
                return true;
        if (access.desired == 0) /* a bare maximum */
                wr_access_check(descriptor, token, mapping, access.maximum ? mapping->read : 0, &access);
        if (access.desired == 0) {
                mend->impossible = "nothing was asked for";
                return false;
        }
        mend_label(descriptor, token, mapping, access.desired, mend);
        if ((access.desired & WR_ACCESS_SYSTEM_SECURITY) != 0)
                mend->privileges = WR_PRIVILEGE_SECURITY & ~token->privileges;
        wr_access_walk(&walk, descriptor, token, mapping);
        find_lacks(&access, token, &walk, access.desired, before_the_list(&access, descriptor, token, &walk, list),
                   &lack);
        if (!list && (lack.rights[WR_HALF_USER] | lack.rights[WR_HALF_RESTRICTED] | lack.rights[WR_HALF_PACKAGE])) {
                begin_list(token, mapping, mend, &walk);
                find_lacks(&access, token, &walk, access.desired,
                           before_the_list(&access, descriptor, token, &walk, true), &lack);
        }
        if (lack.before != WR_NEVER)
                mend->at = lack.before;
        return add_entries(token, &lack, mend);
}

static void
write_entries(struct wr_draft *draft, const struct wr_mend *mend)
{
        for (uint32_t i = 0; i < mend->entry_count; i++)
                wr_draft_ace(draft, &mend->entries[i]);
}

static void
write_dacl(struct wr_draft *draft, const struct wr_descriptor *descriptor, const struct wr_mend *mend)
{
        uint32_t control =
                descriptor->control & (WR_DACL_AUTO_INHERIT_REQUIRED | WR_DACL_AUTO_INHERITED | WR_DACL_PROTECTED);
        struct wr_ace ace;
        size_t place = 0;
        uint32_t at = 0;

        if (wr_access_no_list(descriptor) && !mend->new_list) {
                if (descriptor->dacl.present)
                        wr_draft_null_dacl(draft, control);
                return;
        }
        wr_draft_dacl(draft, control);
        for (; !wr_access_no_list(descriptor) && wr_acl_next(&descriptor->dacl, &place, &ace); at++) {
                if (at == mend->at)
                        write_entries(draft, mend);
                wr_draft_ace(draft, &ace);
        }
        if (at <= mend->at)
                write_entries(draft, mend);
}

static void
write_sacl(struct wr_draft *draft, const struct wr_descriptor *descriptor, const struct wr_mend *mend)
{
        uint32_t control =
                descriptor->control & (WR_SACL_AUTO_INHERIT_REQUIRED | WR_SACL_AUTO_INHERITED | WR_SACL_PROTECTED);
        bool list = descriptor->sacl.present && !descriptor->sacl.null;
        struct wr_ace ace;
        size_t place = 0;

        if (!list && !mend->relabel)
                return;
        wr_draft_sacl(draft, control);
        for (uint32_t at = 0; list && wr_acl_next(&descriptor->sacl, &place, &ace); at++)
                wr_draft_ace(draft, mend->relabel && at == mend->label_at ? &mend->label : &ace);
        if (mend->relabel && mend->label_at == WR_MEND_NO_LABEL)
                wr_draft_ace(draft, &mend->label);
}

size_t
wr_access_mended(const struct wr_descriptor *descriptor, const struct wr_mend *mend, void *bytes, size_t room)
{
        struct wr_draft draft;

        wr_draft_begin(&draft, bytes, room);
        if (descriptor->has_owner)
                wr_draft_owner(&draft, &descriptor->owner);
        if (descriptor->has_group)
                wr_draft_group(&draft, &descriptor->group);
        write_sacl(&draft, descriptor, mend);
        write_dacl(&draft, descriptor, mend);
        return wr_draft_end(&draft);
}
