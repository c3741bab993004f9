/*
 * The lists of a descriptor from the inside: shared by those that read (acl, descriptor) and write (draft, sddl_parse).
 */
#ifndef WR_ACL_H
#define WR_ACL_H

#include "named-objects/rights/condition_tree.h"
#include "named-objects/rights/descriptor.h"

enum {
        WR_ACL_HEAD_BYTES = 8,    /* revision, size and count of the entries */
        WR_ACL_BYTES_MAX = 65532, /* its size has 16 bits and is a multiple of four */
        WR_ACE_HEAD_BYTES = 8     /* type, flags, size and mask, before the SID */
};

/* Checks the list that begins at `bytes` and all its entries; false: *refusal is filled. system: it is the SACL. */
bool
wr_acl_open(struct wr_acl *acl, bool system, const uint8_t *bytes, size_t size, struct wr_refusal *refusal);

/* NULL if such an entry may stand in the list, else a constant sentence. Looks at all but the condition. */
const char *
wr_acl_refusal(const struct wr_ace *ace, bool system);

#endif
