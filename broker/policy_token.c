/*
 * An identity as the access check knows it:
 *
 *      user 1000, groups 1000 and 44    S-1-22-1-1000, S-1-22-2-1000, S-1-22-2-44, everyone, authenticated users
 *      a package                        a container with the package's SID, its capabilities' SIDs, WIN://SYSAPPID
 *      unknown confinement              a container that only its own SID matches, WIN://NOALLAPPPKG
 *
 * The SIDs of packages and capabilities are hashes, so the last token is kept: whoever lists a thousand topics is asked
 * about a thousand times in a row.
 */
#include "broker/policy_rules.h"

#include "named-objects/rights/package.h"

#include <stdlib.h>
#include <string.h>

enum { GROUPS_MAX = WR_GROUPS_MAX + 2 };

struct wr_policy_token {
        bool is_made;
        struct wr_identity identity; /* of which it was made; its strings are the token's */
        struct wr_token token;
        struct wr_group groups[GROUPS_MAX];
        struct wr_sid capabilities[WR_CAPABILITIES_MAX + 1];
        const char *ids[1];
        struct wr_attribute attribute;
};

static void
group_add(struct wr_policy_token *t, struct wr_sid sid)
{
        t->groups[t->token.group_count++] = (struct wr_group){ .sid = sid, .enabled = true };
}

static void
users_make(struct wr_policy_token *t)
{
        const struct wr_identity *identity = &t->identity;

        t->token.user = wr_policy_user_sid(identity->user);
        t->token.groups = t->groups;
        group_add(t, (struct wr_sid){ .authority = 1, .count = 1 });                  /* everyone */
        group_add(t, (struct wr_sid){ .authority = 5, .count = 1, .words = { 11 } }); /* authenticated users */
        for (uint32_t i = 0; i < identity->group_count && i < WR_GROUPS_MAX; i++) {
                struct wr_sid sid = wr_policy_user_sid(identity->groups[i]);

                sid.words[0] = 2;
                group_add(t, sid);
        }
}

/* Names that are none cannot be here: where identities are made they are checked. One would match nothing. */
static void
package_make(struct wr_policy_token *t)
{
        const struct wr_identity *identity = &t->identity;
        struct wr_sid sid;

        t->token.container = WR_CONTAINER;
        wr_package_sid(&t->token.package, identity->package, strlen(identity->package));
        t->token.capabilities = t->capabilities;
        for (uint32_t i = 0; i < identity->capability_count && i < WR_CAPABILITIES_MAX; i++)
                if (wr_package_capability_sid(&sid, identity->capabilities[i], strlen(identity->capabilities[i])))
                        t->capabilities[t->token.capability_count++] = sid;
        if (wr_package_own_capability(&sid, &t->token.package))
                t->capabilities[t->token.capability_count++] = sid;
        t->ids[0] = identity->package;
        t->attribute = (struct wr_attribute){ .name = "WIN://SYSAPPID", .strings = t->ids, .count = 1 };
}

static void
confined_make(struct wr_policy_token *t)
{
        t->token.container = WR_CONTAINER_UNNAMED;
        wr_package_sid(&t->token.package, WR_POLICY_CONFINED, strlen(WR_POLICY_CONFINED));
        t->attribute = (struct wr_attribute){ .name = "WIN://NOALLAPPPKG", .number = 1 };
}

const struct wr_token *
wr_policy_token_of(const struct wr_policy *policy, const struct wr_identity *identity)
{
        struct wr_policy_token *t = policy->token;

        if (t->is_made && memcmp(&t->identity, identity, sizeof(*identity)) == 0)
                return &t->token;
        memcpy(&t->identity, identity, sizeof(*identity)); /* with its padding, for the comparison */
        t->is_made = true;
        t->token = (struct wr_token){ .integrity = WR_INTEGRITY_MEDIUM, .container = WR_NO_CONTAINER };
        users_make(t);
        if (identity->trust == WR_TRUST_PACKAGE)
                package_make(t);
        else if (identity->trust != WR_TRUST_FULL)
                confined_make(t);
        t->token.attributes = &t->attribute;
        t->token.attribute_count = identity->trust != WR_TRUST_FULL;
        return &t->token;
}

bool
wr_policy_token_open(struct wr_policy *policy)
{
        policy->token = calloc(1, sizeof(*policy->token));
        return policy->token != NULL;
}
