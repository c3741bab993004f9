/*
 * Who is at the other end of a connection, as the kernel vouches for it, fixed when the connection is accepted.
 *
 * Linux: SO_PEERCRED and SO_PEERPIDFD (before 6.5: pidfd_open of the pid); the pidfd pins the process while its
 * files under /proc are read through one directory descriptor opened once, and is checked again afterwards.
 *
 *   a package socket             that package, whatever its files say; a `.flatpak-info` that names another one is a
 *                                forgery: refused
 *   `.flatpak-info`              the application it names
 *   full trust                   same mount namespace and same root as ours, no `.flatpak-info`, and where an LSM
 *                                labels peers also "unconfined" or our own label
 *   all else                     unknown confinement: admitted only by a policy line for `confined:*`
 *
 * In a foreign mount namespace `.flatpak-info` counts only where Flatpak and bubblewrap put it, on tmpfs: on a file
 * system of the peer's own (FUSE) looking at it could hold us up for ever.
 */
#ifndef WR_IDENTITY_H
#define WR_IDENTITY_H

#include "named-objects/region.h"

enum { WR_GROUPS_MAX = 128, WR_PACKAGE_MAX = 255 };

enum wr_trust {
        WR_TRUST_FULL = 1,    /* proven */
        WR_TRUST_PACKAGE = 2, /* `package` names it */
        WR_TRUST_CONFINED = 3 /* in a sandbox that nobody vouches for */
};

struct wr_identity {
        enum wr_trust trust;
        uint32_t user; /* uid, in the broker's user namespace */
        uint32_t group_count;
        uint32_t groups[WR_GROUPS_MAX];
        uint32_t pid; /* in the broker's pid namespace; for messages only, never a key */
        char package[WR_PACKAGE_MAX + 1];
        char why[128]; /* how it was found: "package socket", "flatpak-info", "same root", ... */
};

/*
 * listener_package: the package whose socket the connection came through, or NULL for the ordinary one.
 * process: out, an object that becomes readable when the peer's process ends (a pidfd); the caller closes it.
 *
 * WEIR_E_DENIED: unreadable, dead, raced, forged, in more groups than fit, or of a pid or user namespace that we cannot
 * see into; the sentence says which. Not being allowed to read is no proof of anything, so it is never full trust.
 */
enum weir_result
wr_identity_of(wr_object connection, const char *listener_package, struct wr_identity *identity, wr_object *process,
               char *sentence, size_t room);

/* Reads [Application] name= of a `.flatpak-info`; false when there is none or it is no valid application id. */
bool
wr_identity_flatpak_name(const char *text, size_t size, char *name, size_t room);

/* 1 to 255 bytes of letters, digits, '.', '-', '_'; no leading '.', no "..". */
bool
wr_identity_package_valid(const char *name);

/* May a peer to which an LSM gave this label have full trust? `own` is the broker's label; both may be empty. */
bool
wr_identity_label_trusted(const char *label, const char *own);

/* "user:alice package:org.weir.Camera (flatpak-info)": for logs, `weir who` and WELCOME. */
void
wr_identity_text(const struct wr_identity *identity, char *text, size_t room);

#endif
