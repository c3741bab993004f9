/*
 * Security descriptors as text, both ways, with the canonical output of Windows.
 *
 *      O:SYG:BAD:P(A;;LC;;;S-1-15-2-1)(XA;;FR;;;WD;(Exists WIN://SYSAPPID))S:(ML;;NW;;;LW)
 *
 * Read as Windows reads it: letters in either case but those of the components, blanks before a field and behind an
 * alias but not behind rights, rights as letters, names (FA, KR, ...) or a number (decimal, 0 octal, 0x hex), flags in
 * any order. Written as Windows writes it: O, G, D, S; flags, rights and aliases in its order and with its names.
 * Stricter than Windows where Windows guesses: numbers with a sign or above 32 bits, a component given twice, S-0x1-.
 * Entries outside A, D, XA, XD, AU and ML are refused by name. Source: MS-DTYP 2.5.1.1, and the lists recorded on
 * Windows in Samba's libcli/security/tests/windows. Pure: no system call, no allocation.
 */
#ifndef WR_SDDL_H
#define WR_SDDL_H

#include "named-objects/rights/descriptor.h"

/* What the aliases of a domain or machine (DA, LA, ...) are relative to; a count of 0: such aliases are refused by
 * name when read and never written. */
struct wr_sddl_realm {
        struct wr_sid domain, machine, forest;
};

struct wr_sddl_error {
        size_t at; /* byte of the text, from 0 */
        char what[160];
};

/* Returns the size of the descriptor written to `bytes` (WR_DESCRIPTOR_MAX always suffices); 0: `error` says where and
 * what in printable ASCII. realm may be NULL. */
size_t
wr_sddl_parse(const char *text, size_t size, const struct wr_sddl_realm *realm, void *bytes, size_t room,
              struct wr_sddl_error *error);

/* Returns the length of the canonical text, which is cut and ended with 0 when room is too small; as snprintf. Without
 * a part it is empty: the one text that wr_sddl_parse does not take back. */
size_t
wr_sddl_print(const struct wr_descriptor *descriptor, const struct wr_sddl_realm *realm, char *text, size_t room);

/* One entry, "(A;;LC;;;WD)"; as above. */
size_t
wr_sddl_print_ace(const struct wr_ace *ace, const struct wr_sddl_realm *realm, char *text, size_t room);

#endif
