#include "named-objects/identity_token.h"

#include "named-objects/rights/package.h"
#include "named-objects/rights/token.h"
#include "named-objects/sentence.h"

#include <string.h>

/* The capabilities that have numbers, and so a name that can be told from the SID. */
static const char *const numbered[] = {
        "internetClient",
        "internetClientServer",
        "privateNetworkClientServer",
        "picturesLibrary",
        "videosLibrary",
        "musicLibrary",
        "documentsLibrary",
        "enterpriseAuthentication",
        "sharedUserCertificates",
        "removableStorage",
        "appointments",
        "contacts",
};

static bool
is_sid_text(const char *name, struct wr_sid *sid)
{
        return wr_sid_parse(sid, name, strlen(name)) && wr_package_is_sid(sid);
}

bool
wr_identity_package_sid(const char *name, struct wr_sid *sid)
{
        return is_sid_text(name, sid) || wr_package_sid(sid, name, strlen(name));
}

/* Whoever makes a container chooses its name, which may be the text of another's SID: that is no name. */
static bool
names_container(const char *name, const struct wr_sid *container)
{
        struct wr_sid sid;

        return wr_identity_package_valid(name) && !is_sid_text(name, &sid) &&
               wr_package_sid(&sid, name, strlen(name)) && wr_sid_equal(&sid, container);
}

/* The name of a capability that has a number, S-1-15-3-1 to -12; NULL for all others. */
static const char *
number_name(const struct wr_sid *sid)
{
        bool has_number = sid->authority == 15 && sid->count == 2 && sid->words[0] == 3 && sid->words[1] >= 1 &&
                          sid->words[1] <= sizeof numbered / sizeof *numbered;

        return has_number ? numbered[sid->words[1] - 1] : NULL;
}

/* All SIDs of the token: capabilities with a known name by that, and without the one that each package has of itself,
 * which follows from its name. */
static bool
sids_take(const struct wr_identity_token *token, struct wr_identity *identity)
{
        struct wr_sid sid, own = { 0 };
        enum wr_sid_use use;
        size_t at = 0;

        wr_package_own_capability(&own, &token->container);
        while (wr_sid_list_next(&token->sids, &at, &sid, &use)) {
                const char *name = use == WR_SID_CAPABILITY ? number_name(&sid) : NULL;

                if (use == WR_SID_CAPABILITY && wr_sid_equal(&sid, &own))
                        continue;
                if (name != NULL && identity->capability_count < WR_CAPABILITIES_MAX)
                        strcpy(identity->capabilities[identity->capability_count++], name);
                else if (!wr_sid_list_add(&identity->sids, &sid, use))
                        return false;
        }
        return true;
}

static void
set(struct wr_identity *identity, enum wr_trust trust, const char *package, const char *why)
{
        identity->trust = trust;
        snprintf(identity->package, sizeof identity->package, "%s", package);
        snprintf(identity->why, sizeof identity->why, "%s", why);
}

static bool
has_use(const struct wr_sid_list *sids, enum wr_sid_use wanted)
{
        enum wr_sid_use use;
        struct wr_sid sid;
        size_t at = 0;

        while (wr_sid_list_next(sids, &at, &sid, &use))
                if (use == wanted)
                        return true;
        return false;
}

const char *
wr_identity_integrity_text(uint32_t integrity)
{
        return integrity >= WR_INTEGRITY_SYSTEM   ? "system integrity"
               : integrity >= WR_INTEGRITY_HIGH   ? "high integrity"
               : integrity >= WR_INTEGRITY_MEDIUM ? "medium integrity"
               : integrity >= WR_INTEGRITY_LOW    ? "low integrity"
                                                  : "untrusted integrity";
}

bool
wr_identity_is_low(const struct wr_identity_token *token)
{
        return token->integrity < WR_INTEGRITY_MEDIUM && token->container.count == 0;
}

static void
decide_container(const struct wr_identity_token *token, struct wr_identity *identity)
{
        const char *less = token->is_less_privileged ? ", less privileged" : "";
        char text[WR_SID_TEXT_MAX];

        wr_sid_text(&token->container, text);
        if (names_container(token->family, &token->container))
                set(identity, WR_TRUST_PACKAGE, token->family, "package token");
        else if (names_container(token->profile, &token->container))
                set(identity, WR_TRUST_PACKAGE, token->profile, "container profile");
        else
                set(identity, WR_TRUST_PACKAGE, text, "container without a name");
        strncat(identity->why, less, sizeof identity->why - strlen(identity->why) - 1);
}

static void
decide_ordinary(const struct wr_identity_token *token, struct wr_identity *identity)
{
        const char *family = wr_identity_package_valid(token->family) ? token->family : "";

        if (has_use(&token->sids, WR_SID_RESTRICTING)) {
                set(identity, WR_TRUST_CONFINED, family, "restricted token");
        } else if (token->user_deny_only) {
                set(identity, WR_TRUST_CONFINED, family, "a token whose user counts for denials only");
        } else if (token->integrity < WR_INTEGRITY_MEDIUM) {
                set(identity, WR_TRUST_CONFINED, family, wr_identity_integrity_text(token->integrity));
        } else {
                set(identity, WR_TRUST_FULL, family, wr_identity_integrity_text(token->integrity));
        }
}

/* As on Linux: whoever comes through a package's own door is that package, unless its token names another one. */
static enum weir_result
decide_package_pipe(const struct wr_identity_token *token, const char *package, struct wr_identity *identity,
                    char *sentence, size_t room)
{
        struct wr_sid sid, family;
        bool is_contained = token->container.count != 0;
        bool is_other;

        if (!wr_identity_package_valid(package) || !wr_identity_package_sid(package, &sid))
                return WEIR_E_USAGE;
        is_other = is_contained ? !wr_sid_equal(&sid, &token->container)
                                : token->family[0] && wr_identity_package_sid(token->family, &family) &&
                                          !wr_sid_equal(&sid, &family);
        if (is_other) {
                wr_sentence(sentence, room,
                            "denied: the pipe says package %s, but the token says %s: one of them is wrong", package,
                            identity->package);
                return WEIR_E_DENIED;
        }
        if (!is_contained)
                set(identity, WR_TRUST_PACKAGE, package, "package pipe");
        return WEIR_OK;
}

enum weir_result
wr_identity_decide_token(const struct wr_identity_token *token, const char *listener_package,
                         struct wr_identity *identity, char *sentence, size_t room)
{
        bool is_contained = token->container.count != 0;

        if (token->user.count == 0 || (is_contained && !wr_package_is_sid(&token->container))) {
                wr_sentence(sentence, room, "denied: its token has %s, so nothing says who it is",
                            token->user.count == 0 ? "no user" : "a container that is no package's");
                return WEIR_E_DENIED;
        }
        identity->user = token->user;
        identity->has_token = true;
        identity->user_deny_only = token->user_deny_only;
        identity->is_write_restricted = token->is_write_restricted;
        identity->is_less_privileged = is_contained && token->is_less_privileged;
        identity->integrity = token->integrity;
        if (is_contained)
                decide_container(token, identity);
        else
                decide_ordinary(token, identity);
        if (!sids_take(token, identity)) {
                wr_sentence(sentence, room, "denied: there is no room for the SIDs of its token");
                return WEIR_E_DENIED;
        }
        return listener_package != NULL ? decide_package_pipe(token, listener_package, identity, sentence, room)
                                        : WEIR_OK;
}
