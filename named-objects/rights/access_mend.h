/*
 * What would turn a denial into a grant: the fewest changes, each as narrow as it can be.
 *
 *      label       the one that the object would need, when integrity refuses
 *      entries     at most one for each half, all in front of the same entry of the DACL: behind the last one where
 *                  nothing denies, else in front of the first entry that does
 *      privilege   the one that the token lacks, where no entry can help
 *
 * An entry names the user rather than a group of his and the package rather than a capability, and lists just the
 * rights that are missing. Nothing that stands in the descriptor is taken away, save a label that is replaced. Pure: no
 * system call, no allocation.
 */
#ifndef WR_ACCESS_MEND_H
#define WR_ACCESS_MEND_H

#include "named-objects/rights/access.h"

enum { WR_MEND_ENTRIES_MAX = 4 };
#define WR_MEND_NO_LABEL UINT32_MAX

struct wr_mend {
        const char *impossible; /* NULL: what follows grants; else the sentence that says why nothing can */
        uint32_t at;            /* the entries go in front of this index of the DACL; its count: to the end */
        uint32_t list_count;    /* entries that the DACL has now */
        bool new_list;          /* the DACL is missing or NULL and becomes a list, whose first entry then keeps for
                                   everybody what a NULL list gave */
        uint32_t entry_count;
        struct wr_ace entries[WR_MEND_ENTRIES_MAX];
        enum wr_access_half halves[WR_MEND_ENTRIES_MAX]; /* what each entry is for */
        bool relabel;
        uint32_t label_at; /* index in the SACL of the label to replace; WR_MEND_NO_LABEL: there is none yet */
        struct wr_ace label;
        uint32_t privileges; /* wr_privilege, to be given to the token */
};

/* The request as wr_access_check takes it. True: `mend` is filled, with no change at all if the request is granted
 * anyway; of a bare WR_MAXIMUM_ALLOWED it grants what generic read means. False: mend->impossible says why. */
bool
wr_access_mend(const struct wr_descriptor *descriptor, const struct wr_token *token,
               const struct wr_generic_mapping *mapping, uint32_t desired, struct wr_mend *mend);

/* The descriptor with the change made, without the privilege, which is the token's. Returns the size of its bytes, 0 if
 * `room` is too small (WR_DESCRIPTOR_MAX suffices unless the lists are full). */
size_t
wr_access_mended(const struct wr_descriptor *descriptor, const struct wr_mend *mend, void *bytes, size_t room);

#endif
