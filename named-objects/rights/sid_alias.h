/*
 * The two letters that SDDL has for a well-known SID: "SY" is S-1-5-18, "WD" is S-1-1-0.
 *
 * Some are the same everywhere, others are relative to a domain, to the forest's root domain or to the machine; those
 * need a realm that has that SID. Source: MS-DTYP 2.5.1.1 and the alias table of Windows' sddl.h.
 * Pure: no system call, no allocation.
 */
#ifndef WR_SID_ALIAS_H
#define WR_SID_ALIAS_H

#include "named-objects/rights/sid.h"

struct wr_sddl_realm;

enum wr_sid_alias_kind {
        WR_ALIAS_UNKNOWN,
        WR_ALIAS_FIXED,
        WR_ALIAS_OF_DOMAIN,
        WR_ALIAS_OF_MACHINE,
        WR_ALIAS_OF_FOREST
};

/* What the two letters stand for, whether or not a realm knows the rest. Upper and lower case are the same. */
enum wr_sid_alias_kind
wr_sid_alias_kind(const char alias[2]);

/* alias need not end with 0. False: unknown, or relative to what the realm (which may be NULL) does not have; the
 * function above tells which. */
bool
wr_sid_from_alias(struct wr_sid *sid, const char alias[2], const struct wr_sddl_realm *realm);

/* Two upper-case letters and a 0, NULL if there are none: what Windows prints instead of the SID. */
const char *
wr_sid_alias(const struct wr_sid *sid, const struct wr_sddl_realm *realm);

#endif
