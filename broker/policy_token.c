/*
 * An identity as the access check knows it:
 *
 *      user 1000, groups 1000 and 44    S-1-22-1-1000, S-1-22-2-1000, S-1-22-2-44, everyone, authenticated users
 *      a token of Windows               its user, groups, restricting SIDs, integrity, capabilities, as they stand
 *      a package                        a container with the package's SID, its capabilities' SIDs, WIN://SYSAPPID
 *      a package's ordinary token       WIN://SYSAPPID, and no container
 *      unknown confinement              a container that only its own SID matches, WIN://NOALLAPPPKG
 *
 * The SIDs of packages and capabilities are hashes, so the last token is kept: whoever lists a thousand topics is asked
 * about a thousand times in a row.
 */
#include "broker/policy_rules.h"

#include "named-objects/identity_token.h"
#include "named-objects/rights/package.h"

#include <stdlib.h>
#include <string.h>

enum { GROUPS_MAX = WR_SID_LIST_MAX + 2, OTHERS_MAX = WR_SID_LIST_MAX + WR_CAPABILITIES_MAX + 1 };

struct wr_policy_token {
        bool is_made;
        struct wr_identity identity; /* of which it was made; its strings are the token's */
        struct wr_token token;
        struct wr_group groups[GROUPS_MAX];
        struct wr_sid others[OTHERS_MAX]; /* restricting SIDs, and behind them capabilities */
        size_t other_count;
        char package_sid[WR_SID_TEXT_MAX];
        const char *ids[2];
        struct wr_attribute attributes[2];
};

static void
group_add(struct wr_policy_token *t, struct wr_sid sid, enum wr_sid_use use)
{
        t->groups[t->token.group_count++] =
                (struct wr_group){ .sid = sid, .enabled = use == WR_SID_GROUP, .deny_only = use == WR_SID_DENY_ONLY };
}

static void
users_make(struct wr_policy_token *t)
{
        const struct wr_identity *identity = &t->identity;
        enum wr_sid_use use;
        struct wr_sid sid;
        size_t at = 0;

        t->token.user = identity->user;
        t->token.groups = t->groups;
        if (!identity->has_token) { /* a token lists them */
                group_add(t, (struct wr_sid){ .authority = 1, .count = 1 }, WR_SID_GROUP);
                group_add(t, (struct wr_sid){ .authority = 5, .count = 1, .words = { 11 } }, WR_SID_GROUP);
        }
        while (wr_sid_list_next(&identity->sids, &at, &sid, &use))
                if (use == WR_SID_GROUP || use == WR_SID_DENY_ONLY)
                        group_add(t, sid, use);
}

/* Returns how many there are of that use, behind those that are there. */
static size_t
others_add(struct wr_policy_token *t, enum wr_sid_use wanted)
{
        size_t at = 0, before = t->other_count;
        enum wr_sid_use use;
        struct wr_sid sid;

        while (wr_sid_list_next(&t->identity.sids, &at, &sid, &use))
                if (use == wanted)
                        t->others[t->other_count++] = sid;
        return t->other_count - before;
}

static void
limits_make(struct wr_policy_token *t)
{
        const struct wr_identity *identity = &t->identity;

        t->token.integrity = identity->integrity;
        t->token.user_deny_only = identity->user_deny_only;
        t->token.write_restricted = identity->is_write_restricted;
        t->token.restricting = t->others;
        t->token.restricting_count = others_add(t, WR_SID_RESTRICTING);
}

static void
attribute_add(struct wr_policy_token *t, struct wr_attribute attribute)
{
        t->attributes[t->token.attribute_count++] = attribute;
}

/* By both of its names: a line may have either. */
static void
package_attribute(struct wr_policy_token *t, const struct wr_sid *sid)
{
        wr_sid_text(sid, t->package_sid);
        t->ids[0] = t->identity.package;
        t->ids[1] = t->package_sid;
        attribute_add(t, (struct wr_attribute){ .name = "WIN://SYSAPPID", .strings = t->ids, .count = 2 });
}

/* Names that are none cannot be here: where identities are made they are checked. One would match nothing. */
static void
package_make(struct wr_policy_token *t)
{
        const struct wr_identity *identity = &t->identity;
        struct wr_sid sid;

        t->token.container = identity->is_less_privileged ? WR_CONTAINER_LESS : WR_CONTAINER;
        wr_identity_package_sid(identity->package, &t->token.package);
        t->token.capabilities = &t->others[t->other_count];
        others_add(t, WR_SID_CAPABILITY);
        for (uint32_t i = 0; i < identity->capability_count && i < WR_CAPABILITIES_MAX; i++)
                if (wr_package_capability_sid(&sid, identity->capabilities[i], strlen(identity->capabilities[i])))
                        t->others[t->other_count++] = sid;
        if (wr_package_own_capability(&sid, &t->token.package))
                t->others[t->other_count++] = sid;
        t->token.capability_count = (size_t)(&t->others[t->other_count] - t->token.capabilities);
        package_attribute(t, &t->token.package);
        if (identity->is_less_privileged)
                attribute_add(t, (struct wr_attribute){ .name = "WIN://NOALLAPPPKG", .number = 1 });
}

static void
confined_make(struct wr_policy_token *t)
{
        t->token.container = WR_CONTAINER_UNNAMED;
        wr_package_sid(&t->token.package, WR_POLICY_CONFINED, strlen(WR_POLICY_CONFINED));
        attribute_add(t, (struct wr_attribute){ .name = "WIN://NOALLAPPPKG", .number = 1 });
}

const struct wr_token *
wr_policy_token_of(const struct wr_policy *policy, const struct wr_identity *identity)
{
        struct wr_policy_token *t = policy->token;
        struct wr_sid sid;

        if (t->is_made && memcmp(&t->identity, identity, wr_identity_size(identity)) == 0)
                return &t->token;
        memcpy(&t->identity, identity, wr_identity_size(identity)); /* with its padding, for the comparison */
        t->is_made = true;
        t->other_count = 0;
        t->token = (struct wr_token){ .integrity = WR_INTEGRITY_MEDIUM, .attributes = t->attributes };
        users_make(t);
        if (identity->has_token)
                limits_make(t);
        if (identity->trust == WR_TRUST_PACKAGE)
                package_make(t);
        else if (identity->trust != WR_TRUST_FULL && !identity->has_token)
                confined_make(t);
        else if (identity->package[0] && wr_identity_package_sid(identity->package, &sid))
                package_attribute(t, &sid);
        return &t->token;
}

bool
wr_policy_token_open(struct wr_policy *policy)
{
        policy->token = calloc(1, sizeof(*policy->token));
        return policy->token != NULL;
}
