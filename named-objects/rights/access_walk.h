/*
 * What a descriptor says of a token, read once and before any verdict: shared by the check, its explanation and its
 * mending.
 *
 *      walk.allowed_at[half][bit]   index of the first entry of the DACL that allows the right in that half
 *      walk.denied_at[half][bit]    ... that denies it
 *
 * Entries for inheritance only say nothing, and neither does one whose condition does not hold.
 */
#ifndef WR_ACCESS_WALK_H
#define WR_ACCESS_WALK_H

#include "named-objects/rights/access.h"

#define WR_NEVER UINT32_MAX

/* No entry can deny by package, so of denied_at the package half has nothing. */
struct wr_access_walk {
        uint32_t allowed_at[WR_HALVES][32];
        uint32_t denied_at[WR_HALVES][32];
        bool owner_rights; /* an entry for OWNER RIGHTS stands in the place of what owners have otherwise */
};

/* The label of a descriptor that has none: Medium, no write-up. */
struct wr_access_label {
        uint32_t at;    /* index in the SACL; WR_NEVER: there is none */
        uint32_t level; /* as wr_token.integrity; a label that names no level is above all of them */
        struct wr_ace ace;
};

enum wr_label_policy { WR_NO_WRITE_UP = 1, WR_NO_READ_UP = 2, WR_NO_EXECUTE_UP = 4 };

/* Of a token, whether an entry for the SID speaks to it; `deny` tells what the entry does. */
bool
wr_access_names_user(const struct wr_token *token, const struct wr_sid *sid, bool deny);

bool
wr_access_names_restricted(const struct wr_token *token, const struct wr_sid *sid);

bool
wr_access_names_package(const struct wr_token *token, const struct wr_sid *sid);

/* Is the owner one of those that the token acts for, and of a restricted token in its second list as well? */
bool
wr_access_owns(const struct wr_descriptor *descriptor, const struct wr_token *token);

/* OWNER RIGHTS, S-1-3-4: in an entry it stands for the owner. */
bool
wr_access_is_owner_rights(const struct wr_sid *sid);

/* Replaces the generic bits by what they mean. */
uint32_t
wr_access_map(const struct wr_generic_mapping *mapping, uint32_t mask);

void
wr_access_walk(struct wr_access_walk *walk, const struct wr_descriptor *descriptor, const struct wr_token *token,
               const struct wr_generic_mapping *mapping);

void
wr_access_label(struct wr_access_label *label, const struct wr_descriptor *descriptor);

/* The rights that integrity leaves to the rest of the check. */
uint32_t
wr_access_passes_label(const struct wr_access_label *label, const struct wr_token *token,
                       const struct wr_generic_mapping *mapping);

/* The rights that reading and executing are made of; every other one is a right to write. */
uint32_t
wr_access_harmless(const struct wr_generic_mapping *mapping);

/* There is no list at all, neither one with entries nor an empty one. */
bool
wr_access_no_list(const struct wr_descriptor *descriptor);

#endif
