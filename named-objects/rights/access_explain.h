/*
 * A decision in sentences: which entry decided which right in which half, and what would mend a denial.
 *
 *      denied: the process lacks map-write.
 *        map-read: granted. As user: entry 1 (A;;LC;;;AU) allows it. As package: entry 2 (A;;LC;;;AC) allows it.
 *        map-write: denied. As user: ... As package: no entry allows it to its package or a capability of it.
 *
 * Entries are counted from 1, as a reader does. Pure: no system call, no allocation.
 */
#ifndef WR_ACCESS_EXPLAIN_H
#define WR_ACCESS_EXPLAIN_H

#include "named-objects/rights/access_mend.h"

struct wr_right_name {
        uint32_t right; /* one bit */
        const char *name;
};

/* How to call things; any member may be NULL. */
struct wr_access_words {
        const char *who;                    /* "package:org.weir.Camera"; NULL: "the process" */
        const struct wr_right_name *rights; /* the object's own, ended by a right of 0; the standard ones are known */
        /* A readable name of a SID, such as "user alice"; as snprintf, 0 when it knows none. */
        size_t (*name)(void *user, const struct wr_sid *sid, char *text, size_t room);
        void *user;
};

/* The decision that wr_access_check made of the two. One line for the whole and one for each right, each with its
 * newline; returns the length and cuts, as snprintf. words may be NULL. */
size_t
wr_access_explain(const struct wr_descriptor *descriptor, const struct wr_token *token, const struct wr_access *access,
                  const struct wr_access_words *words, char *text, size_t room);

/* One right in one half, without newline: "entry 2 (A;;LC;;;AC) allows it". */
size_t
wr_access_explain_half(const struct wr_descriptor *descriptor, const struct wr_token *token,
                       const struct wr_access *access, enum wr_access_half half, unsigned bit,
                       const struct wr_access_words *words, char *text, size_t room);

/* What to change, one line for each change. */
size_t
wr_access_explain_mend(const struct wr_mend *mend, const struct wr_access_words *words, char *text, size_t room);

/* "map-read, map-write": the names of the rights of a mask. */
size_t
wr_access_explain_rights(uint32_t mask, const struct wr_access_words *words, char *text, size_t room);

#endif
