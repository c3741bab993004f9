/*
 * The letters of SDDL that both ways share, each table in the order in which Windows writes it.
 */
#ifndef WR_SDDL_NAMES_H
#define WR_SDDL_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr_sddl_name {
        const char *letters; /* NULL ends a table */
        uint32_t value;
};

extern const struct wr_sddl_name wr_sddl_types[];  /* of entries, those outside the subset too */
extern const struct wr_sddl_name wr_sddl_flags[];  /* of entries */
extern const struct wr_sddl_name wr_sddl_masks[];  /* rights that have a name as a whole */
extern const struct wr_sddl_name wr_sddl_rights[]; /* single bits, ascending */
extern const struct wr_sddl_name wr_sddl_labels[]; /* what a label forbids */
extern const struct wr_sddl_name wr_sddl_lists[];  /* flags of the DACL; those of the SACL are one bit above */

#define WR_SDDL_NULL_LIST "NO_ACCESS_CONTROL"

/* Which name `text` begins with, in either case of letters; NULL if none. */
const struct wr_sddl_name *
wr_sddl_name(const struct wr_sddl_name *table, const char *text, size_t size);

#endif
