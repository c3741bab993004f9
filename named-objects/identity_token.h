/*
 * From a token of Windows to an identity. What the kernel says of a process is read into a plain structure
 * (identity_read_win32.c), and what follows from it is decided here, on both systems alike, so that tokens which only a
 * real Windows makes are tested everywhere.
 *
 *      an AppContainer           that package, by the name whose SID the token has; else by the SID itself
 *      restricting SIDs,         confined: what it may is what the access check finds in its token; "confined:*" is
 *      integrity below medium,   of Linux and has no part in it
 *      a user to deny only
 *      all else                  full trust; a packaged program with an ordinary token keeps its package's name
 */
#ifndef WR_IDENTITY_TOKEN_H
#define WR_IDENTITY_TOKEN_H

#include "named-objects/identity.h"

/* A token as the kernel shows it. */
struct wr_identity_token {
        struct wr_sid user;
        bool user_deny_only;
        bool is_write_restricted;
        bool is_less_privileged; /* of a container: ALL APPLICATION PACKAGES does not match it */
        uint32_t integrity;
        struct wr_sid container;          /* the SID of an AppContainer; a count of 0: it is in none */
        char family[WR_PACKAGE_MAX + 1];  /* package family name, of a hosted app its own; "" */
        char profile[WR_PACKAGE_MAX + 1]; /* what the system's list of containers calls this SID; "" */
        struct wr_sid_list sids;
};

/* listener_package: of the pipe it came through, or NULL. Fills all of the identity but `pid`. */
enum weir_result
wr_identity_decide_token(const struct wr_identity_token *token, const char *listener_package,
                         struct wr_identity *identity, char *sentence, size_t room);

/* The SID of a package by the name that an identity or a line of the policy has for it: the SID that the text is, else
 * the one that is derived of the name. */
bool
wr_identity_package_sid(const char *name, struct wr_sid *sid);

/* Does the system keep it from writing what has no label, whatever the list of that grants it? Who is in a container is
 * of low integrity, too, but kept only from what is labelled above Medium. */
bool
wr_identity_is_low(const struct wr_identity_token *token);

/* "low integrity"; what is between the levels is of the one below. */
const char *
wr_identity_integrity_text(uint32_t integrity);

#endif
