/* Identities, for tests of what is decided about them: by the numbers of Linux, and tokens of Windows as they were
 * recorded. */
#ifndef WR_TEST_IDENTITY_KIT_H
#define WR_TEST_IDENTITY_KIT_H

#include "named-objects/identity_token.h"
#include "named-objects/rights/package.h"
#include "named-objects/rights/token.h"

#include <stdlib.h>
#include <string.h>

/* A user of a domain that no machine has, and a package. */
#define TOKEN_USER_TEXT "S-1-5-21-1-2-3-1001"
#define TOKEN_FAMILY    "Contoso.Viewer_h91ms92gdsmmt"

static inline void
identity_add_group(struct wr_identity *identity, uint32_t number)
{
        const struct wr_sid group = wr_sid_of_gid(number);

        wr_sid_list_add(&identity->sids, &group, WR_SID_GROUP);
}

static inline bool
identity_has_group(const struct wr_identity *identity, uint32_t number)
{
        const struct wr_sid group = wr_sid_of_gid(number);

        return wr_sid_list_has(&identity->sids, &group, WR_SID_GROUP);
}

static inline bool
identity_is_user(const struct wr_identity *identity, uint32_t number)
{
        const struct wr_sid user = wr_sid_of_uid(number);

        return wr_sid_equal(&identity->user, &user);
}

static inline struct wr_sid
sid_from(const char *text)
{
        struct wr_sid sid;

        if (!wr_sid_parse(&sid, text, strlen(text)))
                abort();
        return sid;
}

static inline void
token_add(struct wr_identity_token *token, const char *sid, enum wr_sid_use use)
{
        const struct wr_sid added = sid_from(sid);

        if (!wr_sid_list_add(&token->sids, &added, use))
                abort();
}

/* What somebody gets who logs on: everyone, users, interactive, authenticated, this organization, the logon session. */
static inline struct wr_identity_token
token_ordinary(void)
{
        static const char *const groups[] = { "S-1-1-0",  "S-1-5-32-545", "S-1-5-4",
                                              "S-1-5-11", "S-1-5-15",     "S-1-5-5-0-77777" };
        struct wr_identity_token token = { .integrity = WR_INTEGRITY_MEDIUM };

        token.user = sid_from(TOKEN_USER_TEXT);
        for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
                token_add(&token, groups[i], WR_SID_GROUP);
        return token;
}

/* The same in an AppContainer, made under that name. */
static inline struct wr_identity_token
token_container(const char *moniker)
{
        struct wr_identity_token token = token_ordinary();

        token.integrity = WR_INTEGRITY_LOW;
        if (!wr_package_sid(&token.container, moniker, strlen(moniker)))
                abort();
        return token;
}

static inline struct wr_identity
identity_of_token(const struct wr_identity_token *token)
{
        struct wr_identity identity;

        memset(&identity, 0, sizeof(identity));
        if (wr_identity_decide_token(token, NULL, &identity, NULL, 0) != WEIR_OK)
                abort();
        return identity;
}

#endif
