/*
 * SIDs in little room, for those of a token that a session keeps: each in its binary form behind a byte that says what
 * the token has it for.
 *
 *      04 | 01 05 00 00 00 00 00 05 15 00 00 00 ...    a group that is enabled: 29 bytes where struct wr_sid has 72
 *
 * Pure: no system call, no allocation, and no pointer, so lists are copied and compared as bytes.
 */
#ifndef WR_SID_LIST_H
#define WR_SID_LIST_H

#include "named-objects/rights/sid.h"

/* The largest tokens of Windows, some thousand groups, do not fit; whose groups do not all fit is refused, since an
 * entry that denies one of the others would be overlooked. */
enum { WR_SID_LIST_BYTES = 16384, WR_SID_LIST_MAX = 512 };

enum wr_sid_use {
        WR_SID_GROUP = 1,       /* enabled */
        WR_SID_DENY_ONLY = 2,   /* a group that matches only entries that deny */
        WR_SID_RESTRICTING = 3, /* of a restricted token's second list */
        WR_SID_CAPABILITY = 4
};

struct wr_sid_list {
        uint32_t count;
        uint32_t size; /* of `bytes`, in use */
        uint8_t bytes[WR_SID_LIST_BYTES];
};

/* False: it is no SID, or does not fit; the list is as it was. */
bool
wr_sid_list_add(struct wr_sid_list *list, const struct wr_sid *sid, enum wr_sid_use use);

/* The next, from *at, which begins as 0; false behind the last. */
bool
wr_sid_list_next(const struct wr_sid_list *list, size_t *at, struct wr_sid *sid, enum wr_sid_use *use);

/* Is it in the list for that use? */
bool
wr_sid_list_has(const struct wr_sid_list *list, const struct wr_sid *sid, enum wr_sid_use use);

#endif
