/*
 * An entry that is given as SDDL, changed for one principal; and whether a principal has a right, asked with an
 * identity that is nothing but this principal.
 *
 *      allow     its entries in front of the first that denies; if a label is in the way, the label that lets it pass
 *      deny      an entry that denies, in front of all. For a sandbox it must be one of the user half with a condition,
 *                since entries that deny are not compared with packages; a capability has no such condition, so what is
 *                allowed to it is taken away
 */
#include "broker/policy_sddl.h"

#include "named-objects/rights/access_mend.h"
#include "named-objects/rights/condition.h"
#include "named-objects/rights/package.h"
#include "named-objects/rights/sddl.h"
#include "named-objects/sentence.h"
#include "named-objects/user.h"

#include <stdlib.h>
#include <string.h>

enum { NOBODY = 0xfffffffe };

static const struct wr_sid everyone = { .authority = 1, .count = 1 };

/* ---- has it the right? ----------------------------------------------------------------------------------------- */

static void
identity_of(const struct wr_policy *policy, const struct principal *principal, struct wr_identity *identity)
{
        memset(identity, 0, sizeof(*identity));
        identity->trust = WR_TRUST_FULL;
        identity->user = policy->own_user;
        switch (principal->kind) {
        case PRINCIPAL_USER:
                identity->user = principal->sid;
                wr_user_groups(&principal->sid, &identity->sids);
                return;
        case PRINCIPAL_GROUP:
                identity->user = wr_sid_of_uid(NOBODY);
                wr_sid_list_add(&identity->sids, &principal->sid, WR_SID_GROUP);
                return;
        case PRINCIPAL_PACKAGE:
                identity->trust = WR_TRUST_PACKAGE;
                wr_sentence(identity->package, sizeof(identity->package), "%s", principal->name);
                return;
        case PRINCIPAL_CAPABILITY: /* of a package that no rule names */
                identity->trust = WR_TRUST_PACKAGE;
                wr_sentence(identity->package, sizeof(identity->package), "-");
                wr_sentence(identity->capabilities[identity->capability_count++], sizeof(identity->capabilities[0]),
                            "%s", principal->name);
                return;
        case PRINCIPAL_CONFINED: identity->trust = WR_TRUST_CONFINED; return;
        }
}

static uint32_t
granted(const struct wr_policy *policy, const struct wr_descriptor *descriptor, const struct principal *principal,
        struct wr_access *access)
{
        struct wr_identity identity;

        identity_of(policy, principal, &identity);
        wr_access_check(descriptor, wr_policy_token_of(policy, &identity), &wr_topic_mapping, WR_MAXIMUM_ALLOWED,
                        access);
        return access->mask & ALL_RIGHTS;
}

bool
wr_policy_sddl_stands(const struct wr_policy *policy, const struct entry *entry, const struct principal *principal,
                      uint32_t rights, bool allow)
{
        struct wr_access access;

        return (granted(policy, &entry->descriptor, principal, &access) & rights) == (allow ? rights : 0);
}

static uint32_t
mapped(uint32_t mask)
{
        const struct wr_generic_mapping *m = &wr_topic_mapping;
        uint32_t generic = WR_GENERIC_READ | WR_GENERIC_WRITE | WR_GENERIC_EXECUTE | WR_GENERIC_ALL;

        return (mask & ~generic) | (mask & WR_GENERIC_READ ? m->read : 0) | (mask & WR_GENERIC_WRITE ? m->write : 0) |
               (mask & WR_GENERIC_EXECUTE ? m->execute : 0) | (mask & WR_GENERIC_ALL ? m->all : 0);
}

static bool
is_denial(const struct wr_ace *ace)
{
        return ace->type == WR_ACE_DENY || ace->type == WR_ACE_DENY_IF;
}

/* What stands in front of the first denial for exactly this SID and condition. */
static bool
is_given(const struct wr_acl *list, const struct wr_ace *wanted)
{
        uint32_t missing = wanted->mask;
        struct wr_ace ace;
        size_t at = 0;

        while (missing != 0 && wr_acl_next(list, &at, &ace) && !is_denial(&ace))
                if (ace.type == wanted->type && !(ace.flags & WR_ACE_INHERIT_ONLY) &&
                    wr_sid_equal(&ace.sid, &wanted->sid) && ace.condition_size == wanted->condition_size &&
                    (!ace.condition || memcmp(ace.condition, wanted->condition, ace.condition_size) == 0))
                        missing &= ~mapped(ace.mask);
        return missing == 0;
}

/* Does an entry deny, or have a condition? Then what it does to one process of a user it may not do to another. */
static bool
has_exception(const struct wr_acl *list)
{
        struct wr_ace ace;
        size_t at = 0;

        while (wr_acl_next(list, &at, &ace))
                if (is_denial(&ace) || ace.type == WR_ACE_ALLOW_IF)
                        return true;
        return false;
}

bool
wr_policy_sddl_says(const struct wr_policy *policy, const struct entry *entry, const struct principal *principal,
                    uint32_t rights, bool allow)
{
        bool stands = wr_policy_sddl_stands(policy, entry, principal, rights, allow);
        struct wr_policy_aces aces;

        if (!allow || !stands || !has_exception(&entry->descriptor.dacl))
                return stands;
        if (!wr_policy_principal_aces(principal, &policy->own_user, rights, &aces))
                return false;
        for (unsigned i = 0; i < aces.count; i++)
                if (!is_given(&entry->descriptor.dacl, &aces.of[i]))
                        return false;
        return true;
}

/* Which principal of which line an entry of the DACL is. */
static void
ace_tell(const struct entry *entry, uint32_t ace, char *text, size_t room)
{
        unsigned line = entry->ace_lines ? entry->ace_lines[ace] : entry->sddl_line;
        size_t at = 0;
        struct wr_ace found;
        char printed[512] = "";

        for (uint32_t i = 0; i <= ace && wr_acl_next(&entry->descriptor.dacl, &at, &found); i++)
                if (i == ace)
                        wr_sddl_print_ace(&found, NULL, printed, sizeof(printed));
        wr_sentence(text, room, "line %u still grants it by %.400s", line, printed);
}

void
wr_policy_sddl_grants(const struct wr_policy *policy, const struct entry *entry, const struct principal *principal,
                      uint32_t rights, char *text, size_t room)
{
        struct wr_access access;
        uint32_t has = granted(policy, &entry->descriptor, principal, &access) & rights;

        wr_sentence(text, room, "something still grants it");
        for (unsigned bit = 0; bit < RIGHTS; bit++)
                if ((has >> bit & 1) && access.decisions[WR_HALF_USER][bit].step == WR_STEP_ALLOWED) {
                        ace_tell(entry, access.decisions[WR_HALF_USER][bit].ace, text, room);
                        return;
                }
}

/* ---- the change ------------------------------------------------------------------------------------------------ */

struct change {
        const struct wr_policy *policy;
        const struct principal *principal;
        uint32_t mask;
        bool allow;
        struct wr_policy_aces aces; /* to be added */
        struct wr_sid taken;        /* from this SID the mask is taken; a count of 0: from none */
        struct wr_draft draft;
};

/* What takes the rights away. */
static bool
denial_make(struct change *c)
{
        static const char package_form[] = "(Exists WIN://SYSAPPID && WIN://SYSAPPID Contains \"%s\")";
        char text[WR_PACKAGE_MAX + 96], what[160];
        struct wr_ace *ace = &c->aces.of[0];
        size_t at;

        if (c->principal->kind == PRINCIPAL_CAPABILITY) {
                c->aces.count = 0;
                return wr_package_capability_sid(&c->taken, c->principal->name, strlen(c->principal->name));
        }
        c->aces.count = 1;
        if (c->principal->kind == PRINCIPAL_USER || c->principal->kind == PRINCIPAL_GROUP) {
                ace->type = WR_ACE_DENY;
                return true;
        }
        if (c->principal->kind == PRINCIPAL_PACKAGE)
                wr_sentence(text, sizeof(text), package_form, c->principal->name);
        else
                wr_sentence(text, sizeof(text), "(Exists WIN://NOALLAPPPKG)");
        *ace = (struct wr_ace){ .type = WR_ACE_DENY_IF, .mask = c->mask, .sid = everyone };
        ace->condition = c->aces.condition;
        ace->condition_size = wr_condition_parse(text, strlen(text), c->aces.condition, sizeof(c->aces.condition), &at,
                                                 what, sizeof(what));
        return ace->condition_size != 0;
}

static void
added_write(struct change *c)
{
        for (unsigned i = 0; i < c->aces.count; i++)
                wr_draft_ace(&c->draft, &c->aces.of[i]);
        c->aces.count = 0; /* once */
}

static void
list_write(struct change *c, const struct wr_acl *list)
{
        struct wr_ace ace = { .type = WR_ACE_ALLOW, .mask = ALL_RIGHTS, .sid = everyone };
        size_t at = 0;

        if (!c->allow)
                added_write(c);
        if (list->null) /* what it gave to everybody stays theirs */
                wr_draft_ace(&c->draft, &ace);
        while (wr_acl_next(list, &at, &ace)) {
                if (is_denial(&ace))
                        added_write(c);
                if (ace.type == WR_ACE_ALLOW && c->taken.count != 0 && wr_sid_equal(&ace.sid, &c->taken)) {
                        ace.mask = mapped(ace.mask) & ~c->mask;
                        if (ace.mask == 0)
                                continue;
                }
                wr_draft_ace(&c->draft, &ace);
        }
        added_write(c);
}

static size_t
descriptor_write(struct change *c, const struct wr_descriptor *old, uint8_t *bytes)
{
        const uint32_t of_sacl = WR_SACL_PROTECTED | WR_SACL_AUTO_INHERITED | WR_SACL_AUTO_INHERIT_REQUIRED;
        const uint32_t of_dacl = WR_DACL_PROTECTED | WR_DACL_AUTO_INHERITED | WR_DACL_AUTO_INHERIT_REQUIRED;
        struct wr_ace ace;
        size_t at = 0;

        wr_draft_begin(&c->draft, bytes, WR_DESCRIPTOR_MAX);
        if (old->has_owner)
                wr_draft_owner(&c->draft, &old->owner);
        if (old->has_group)
                wr_draft_group(&c->draft, &old->group);
        if (old->sacl.present) {
                wr_draft_sacl(&c->draft, old->control & of_sacl);
                while (wr_acl_next(&old->sacl, &at, &ace))
                        wr_draft_ace(&c->draft, &ace);
        }
        wr_draft_dacl(&c->draft, old->control & of_dacl);
        list_write(c, &old->dacl);
        return wr_draft_end(&c->draft);
}

/* A label that is in the way is lowered, and only that. */
static size_t
label_pass(const struct change *c, uint8_t *bytes, size_t size, uint8_t *room)
{
        struct wr_descriptor descriptor;
        struct wr_identity identity;
        struct wr_mend mend;

        identity_of(c->policy, c->principal, &identity);
        if (!c->allow || !wr_descriptor_open(&descriptor, bytes, size, NULL) ||
            !wr_access_mend(&descriptor, wr_policy_token_of(c->policy, &identity), &wr_topic_mapping, c->mask, &mend) ||
            !mend.relabel || mend.entry_count != 0)
                return size;
        size = wr_access_mended(&descriptor, &mend, room, WR_DESCRIPTOR_MAX);
        memcpy(bytes, room, size);
        return size;
}

const char *
wr_policy_sddl_change(const struct wr_policy *policy, const struct entry *entry, const struct principal *principal,
                      uint32_t rights, bool allow, struct wr_policy_text *quoted)
{
        struct change c = { .policy = policy, .principal = principal, .mask = rights, .allow = allow };
        uint8_t *bytes = malloc(2 * WR_DESCRIPTOR_MAX);
        struct wr_descriptor descriptor;
        size_t size = 0;

        if (allow && (rights & (WR_MAY_SUBSCRIBE | WR_MAY_PUBLISH)))
                c.mask |= WR_MAY_MAP | WR_MAY_OBSERVE;
        if (bytes && wr_policy_principal_aces(principal, &policy->own_user, c.mask, &c.aces) &&
            (allow || denial_make(&c)))
                size = descriptor_write(&c, &entry->descriptor, bytes);
        if (size != 0)
                size = label_pass(&c, bytes, size, bytes + WR_DESCRIPTOR_MAX);
        if (size != 0 && wr_descriptor_open(&descriptor, bytes, size, NULL))
                wr_policy_sddl_quote(quoted, &descriptor);
        free(bytes);
        return size != 0 ? NULL : "the entry's SDDL has no room for more";
}

void
wr_policy_sddl_quote(struct wr_policy_text *text, const struct wr_descriptor *descriptor)
{
        size_t length = wr_sddl_print(descriptor, NULL, NULL, 0);
        char *printed = malloc(length + 1);

        if (printed) {
                wr_sddl_print(descriptor, NULL, printed, length + 1);
                wr_policy_text_quote(text, printed);
        } else {
                text->failed = true;
        }
        free(printed);
}
