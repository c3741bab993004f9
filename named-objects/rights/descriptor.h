/*
 * A security descriptor in self-relative form: one run of bytes, checked whole when it is opened and only walked
 * afterwards. The bytes may come from anybody.
 *
 *      revision, control | offsets of owner, group, SACL, DACL | the four parts in any order
 *
 * Every list is walked in the order of its bytes; nothing is sorted. Types of entries that weir does not judge (object
 * entries, resource attributes and their like) are refused by name, not skipped. Source: MS-DTYP 2.4.4 to 2.4.6.
 * Pure: no system call, no allocation.
 */
#ifndef WR_DESCRIPTOR_H
#define WR_DESCRIPTOR_H

#include "named-objects/rights/sid.h"

enum {
        WR_DESCRIPTOR_HEAD_BYTES = 20,
        WR_DESCRIPTOR_MAX = (1 << 17) + 256 /* two lists of at most 65 532 bytes each, and their owners */
};

enum wr_ace_type {
        WR_ACE_ALLOW = 0,
        WR_ACE_DENY = 1,
        WR_ACE_AUDIT = 2,
        WR_ACE_ALLOW_IF = 9,
        WR_ACE_DENY_IF = 10,
        WR_ACE_LABEL = 17
};

enum wr_ace_flag {
        WR_ACE_OBJECT_INHERIT = 0x01,
        WR_ACE_CONTAINER_INHERIT = 0x02,
        WR_ACE_NO_PROPAGATE = 0x04,
        WR_ACE_INHERIT_ONLY = 0x08,
        WR_ACE_INHERITED = 0x10,
        WR_ACE_AUDIT_SUCCESS = 0x40,
        WR_ACE_AUDIT_FAILURE = 0x80
};

/* Bits of wr_descriptor.control; WR_SELF_RELATIVE is always set in bytes. */
enum wr_descriptor_control {
        WR_DACL_PRESENT = 0x0004,
        WR_SACL_PRESENT = 0x0010,
        WR_DACL_AUTO_INHERIT_REQUIRED = 0x0100,
        WR_SACL_AUTO_INHERIT_REQUIRED = 0x0200,
        WR_DACL_AUTO_INHERITED = 0x0400,
        WR_SACL_AUTO_INHERITED = 0x0800,
        WR_DACL_PROTECTED = 0x1000,
        WR_SACL_PROTECTED = 0x2000,
        WR_SELF_RELATIVE = 0x8000
};

struct wr_ace {
        uint32_t type, flags; /* wr_ace_type, wr_ace_flag */
        uint32_t mask;
        struct wr_sid sid;
        const uint8_t *condition; /* of ALLOW_IF and DENY_IF: the expression, already checked; else NULL */
        size_t condition_size;
};

/* A list inside a descriptor's bytes. */
struct wr_acl {
        bool present; /* the descriptor speaks of such a list at all */
        bool null;    /* ... and it is the NULL list: of a DACL, no control at all */
        uint32_t count;
        const uint8_t *bytes; /* of the entries */
        size_t size;
};

struct wr_descriptor {
        uint32_t control;
        bool has_owner, has_group;
        struct wr_sid owner, group;
        struct wr_acl dacl, sacl;
};

/*
 * Checks every offset, size, count, SID and condition of untrusted bytes; the descriptor points into them, so they must
 * outlive it. False: `why` (may be NULL) gets a constant sentence.
 */
bool
wr_descriptor_open(struct wr_descriptor *descriptor, const void *bytes, size_t size, const char **why);

/* Why wr_descriptor_open refuses these bytes, with the name of an attribute where one is foreign; as snprintf, and
 * empty for bytes that it takes. */
size_t
wr_descriptor_refusal(const void *bytes, size_t size, char *what, size_t room);

/* Walks a list: `at` begins as 0; false behind the last entry. */
bool
wr_acl_next(const struct wr_acl *acl, size_t *at, struct wr_ace *ace);

/*
 * Writing: a draft in memory of the caller. The SACL comes before the DACL, the owner and the group at any time; the
 * bytes are in the order of Windows: SACL, DACL, owner, group. A call that finds no room, or brings an entry that
 * wr_descriptor_open would refuse, makes the draft fail, and wr_draft_end returns 0 then.
 */
struct wr_draft {
        uint8_t *bytes;
        size_t room, used;
        size_t list; /* where the open list begins; 0: none is open */
        uint32_t control;
        bool has_owner, has_group;
        struct wr_sid owner, group;
        bool failed;
};

void
wr_draft_begin(struct wr_draft *draft, void *bytes, size_t room);

void
wr_draft_owner(struct wr_draft *draft, const struct wr_sid *owner);

void
wr_draft_group(struct wr_draft *draft, const struct wr_sid *group);

/* control: WR_DACL_PROTECTED and its like. The entries that follow belong to this list. */
void
wr_draft_sacl(struct wr_draft *draft, uint32_t control);

void
wr_draft_dacl(struct wr_draft *draft, uint32_t control);

/* The NULL list: of a DACL, no control at all; of a SACL, the same as an empty one. */
void
wr_draft_null_sacl(struct wr_draft *draft, uint32_t control);

void
wr_draft_null_dacl(struct wr_draft *draft, uint32_t control);

void
wr_draft_ace(struct wr_draft *draft, const struct wr_ace *ace);

/* The size of the whole, 0 if something found no room. */
size_t
wr_draft_end(struct wr_draft *draft);

#endif
