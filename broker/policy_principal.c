/*
 * Whom a list names, and the entries of a descriptor that come of it. A process without a sandbox is asked in one half
 * of the check, one in a sandbox in two:
 *
 *                       user half                                            package half
 *      user:U           (A;;r;;;S-1-22-1-U), or U's own SID                  none
 *      group:G          (A;;r;;;S-1-22-2-G), likewise                        none
 *      package:P        (XA;;r;;;<own user>;(WIN://SYSAPPID Contains "P"))   (A;;r;;;<package SID>)
 *      capability:C     (XA;;r;;;<own user>;(Exists WIN://SYSAPPID))         (A;;r;;;<capability SID>)
 *      confined:*       (XA;;r;;;<own user>;(Exists WIN://NOALLAPPPKG))      (A;;r;;;<SID of "confined:*">)
 *
 * So a package's line is enough where the broker's own user runs it, and gives that user nothing outside of it.
 */
#include "broker/policy_rules.h"

#include "named-objects/identity_token.h"
#include "named-objects/rights/condition.h"
#include "named-objects/rights/package.h"
#include "named-objects/sentence.h"
#include "named-objects/user.h"

#include <string.h>

static const struct {
        const char *prefix;
        enum principal_kind kind;
} kinds[] = {
        { "user:", PRINCIPAL_USER },         { "group:", PRINCIPAL_GROUP },
        { "package:", PRINCIPAL_PACKAGE },   { "capability:", PRINCIPAL_CAPABILITY },
        { "confined:", PRINCIPAL_CONFINED },
};

bool
wr_policy_user_find(const char *name, struct wr_sid *sid)
{
        return wr_sid_parse(sid, name, strlen(name)) || wr_user_find(name, sid);
}

bool
wr_policy_group_find(const char *name, struct wr_sid *sid)
{
        return wr_sid_parse(sid, name, strlen(name)) || wr_group_find(name, sid);
}

static const char unknown_principal[] =
        "expected user:NAME, user:UID, group:NAME, group:GID, package:ID, capability:NAME or confined:*";

static const char *
known(bool is_known, const char *what_kind, const char *name, char *what, size_t room)
{
        if (is_known)
                return NULL;
        wr_sentence(what, room, "there is no %s '%.100s' on this machine", what_kind, name);
        return what;
}

const char *
wr_policy_principal_read(const char *text, struct principal *to, char *what, size_t room)
{
        size_t i = 0, count = sizeof(kinds) / sizeof(*kinds);
        const char *name;

        while (i < count && strncmp(text, kinds[i].prefix, strlen(kinds[i].prefix)) != 0)
                i++;
        if (i == count)
                return unknown_principal;
        name = text + strlen(kinds[i].prefix);
        to->kind = kinds[i].kind;
        to->sid = (struct wr_sid){ 0 };
        to->name = name;
        switch (to->kind) {
        case PRINCIPAL_USER: return known(wr_policy_user_find(name, &to->sid), "user", name, what, room);
        case PRINCIPAL_GROUP: return known(wr_policy_group_find(name, &to->sid), "group", name, what, room);
        case PRINCIPAL_PACKAGE:
                return wr_identity_package_valid(name)
                               ? NULL
                               : "this is no name of a package: letters, digits, '.', '-' and '_'";
        case PRINCIPAL_CAPABILITY:
                return wr_identity_capability_valid(name)
                               ? NULL
                               : "this is no name of a capability: letters, digits, '.', '-' and '_', at most 64";
        case PRINCIPAL_CONFINED: return strcmp(name, "*") == 0 ? NULL : unknown_principal;
        }
        return unknown_principal;
}

static bool
sandbox_sid(const struct principal *principal, struct wr_sid *sid)
{
        if (principal->kind == PRINCIPAL_CAPABILITY)
                return wr_package_capability_sid(sid, principal->name, strlen(principal->name));
        if (principal->kind == PRINCIPAL_PACKAGE)
                return wr_identity_package_sid(principal->name, sid);
        return wr_package_sid(sid, WR_POLICY_CONFINED, strlen(WR_POLICY_CONFINED));
}

static void
condition_text(const struct principal *principal, char *text, size_t room)
{
        if (principal->kind == PRINCIPAL_PACKAGE)
                wr_sentence(text, room, "(WIN://SYSAPPID Contains \"%s\")", principal->name);
        else
                wr_sentence(text, room, "(Exists WIN://%s)",
                            principal->kind == PRINCIPAL_CAPABILITY ? "SYSAPPID" : "NOALLAPPPKG");
}

bool
wr_policy_principal_aces(const struct principal *principal, const struct wr_sid *own_user, uint32_t mask,
                         struct wr_policy_aces *aces)
{
        char text[WR_PACKAGE_MAX + 64], what[160];
        size_t at;

        aces->count = 1;
        aces->of[0] = (struct wr_ace){ .type = WR_ACE_ALLOW, .mask = mask };
        if (principal->kind == PRINCIPAL_USER || principal->kind == PRINCIPAL_GROUP) {
                aces->of[0].sid = principal->sid;
                return true;
        }
        aces->count = 2;
        aces->of[1] = (struct wr_ace){ .type = WR_ACE_ALLOW_IF, .mask = mask, .sid = *own_user };
        condition_text(principal, text, sizeof(text));
        aces->of[1].condition = aces->condition;
        aces->of[1].condition_size = wr_condition_parse(text, strlen(text), aces->condition, sizeof(aces->condition),
                                                        &at, what, sizeof(what));
        return aces->of[1].condition_size != 0 && sandbox_sid(principal, &aces->of[0].sid);
}
