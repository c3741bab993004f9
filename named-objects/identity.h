/*
 * Who is at the other end of a connection, as the kernel vouches for it, fixed when the connection is accepted. Users
 * and groups are SIDs on both systems: S-1-22-1-UID and S-1-22-2-GID on Linux, those of the token on Windows.
 *
 * Linux: SO_PEERCRED and SO_PEERPIDFD (before 6.5: pidfd_open of the pid); the pidfd pins the process while its
 * files under /proc are read through one directory descriptor opened once, and is checked again afterwards.
 *
 *   a package socket             that package, whatever its files say, and no capability; a `.flatpak-info` or a Snap
 *                                label that names another one is a forgery: refused
 *   a Snap's AppArmor label      that Snap: "snap.firefox.firefox (enforce)" is the package "firefox"
 *   `.flatpak-info`              the application it names, with the capabilities of its [Policy weir]
 *   full trust                   same mount namespace and same root as ours, no `.flatpak-info`, and where an LSM
 *                                labels processes also an unconfined label or our own
 *   all else                     unknown confinement: admitted only by a policy line for `confined:*`
 *
 * Windows: the token that the pipe shows of its client, once the first message is there; see identity_token.h.
 *
 * In a foreign mount namespace `.flatpak-info` counts only where Flatpak and bubblewrap put it, on tmpfs: on a file
 * system of the peer's own (FUSE) looking at it could hold us up for ever. And it counts only if the namespace was made
 * from our user namespace or directly below it: one that a sandboxed program nests in its own holds what it likes.
 */
#ifndef WR_IDENTITY_H
#define WR_IDENTITY_H

#include "named-objects/region.h"
#include "named-objects/rights/sid_list.h"

enum {
        WR_GROUPS_MAX = 128, /* of a process of Linux; what fits of a token of Windows: sid_list.h */
        WR_PACKAGE_MAX = 255,
        WR_CAPABILITIES_MAX = 32,
        WR_CAPABILITY_MAX = 64,
        WR_LABEL_MAX = 255
};

enum wr_trust {
        WR_TRUST_FULL = 1,    /* proven */
        WR_TRUST_PACKAGE = 2, /* `package` names it */
        WR_TRUST_CONFINED = 3 /* in a sandbox that nobody vouches for */
};

struct wr_identity {
        enum wr_trust trust;
        uint32_t pid;       /* in the broker's pid namespace; for messages only, never a key */
        struct wr_sid user; /* of Linux: in the broker's user namespace */
        char package[WR_PACKAGE_MAX + 1];
        uint32_t capability_count; /* of a package only; no name twice, letters in either case being the same */
        char capabilities[WR_CAPABILITIES_MAX][WR_CAPABILITY_MAX + 1];
        char label[WR_LABEL_MAX + 1]; /* what an LSM calls it: "unconfined", "u:r:sensor_t:s0"; "" where none does */
        char why[128]; /* how it was found: "package socket", "flatpak-info", "same root", "medium integrity", ... */
        /* Windows: what its token says, and the access check asks. Without one (Linux) nothing but user, groups and the
         * sandbox counts. */
        bool has_token, user_deny_only, is_write_restricted, is_less_privileged;
        uint32_t integrity;      /* the last word of S-1-16-x */
        struct wr_sid_list sids; /* groups; of a token all its SIDs. Last, since the end of it is seldom in use */
};

/* The bytes of an identity that say something: those behind them are never looked at. */
static inline size_t
wr_identity_size(const struct wr_identity *identity)
{
        return offsetof(struct wr_identity, sids.bytes) + identity->sids.size;
}

/* What a `.flatpak-info` says. */
struct wr_flatpak {
        char name[WR_PACKAGE_MAX + 1]; /* [Application] name= */
        uint32_t capability_count;     /* [Policy weir] capability=a;b; */
        char capabilities[WR_CAPABILITIES_MAX][WR_CAPABILITY_MAX + 1];
};

/*
 * listener_package: the package whose socket the connection came through, or NULL for the ordinary one.
 * process: out, an object that becomes readable when the peer's process ends (a pidfd); the caller closes it.
 * WR_NO_OBJECT: Windows alone, where it may not be opened; from now on the connection knows how it hands over objects.
 *
 * WEIR_E_DENIED: unreadable, dead, raced, forged, in more groups than fit, or of a pid or user namespace that we cannot
 * see into; the sentence says which. Not being allowed to read is no proof of anything, so it is never full trust.
 */
enum weir_result
wr_identity_of(wr_object connection, const char *listener_package, struct wr_identity *identity, wr_object *process,
               char *sentence, size_t room);

/*
 * The same of any process that we may look at, as this process sees it: for people who ask (`weir id --pid`), never to
 * grant. No socket vouches for it, so no package socket is known. Inside a sandbox one's own root is the sandbox's.
 */
enum weir_result
wr_identity_of_process(uint32_t pid, struct wr_identity *identity, char *sentence, size_t room);

/* False: it names no valid application id (two periods at least, as Flatpak wants), has a capability that is none, or
 * more of them than fit, or says one of the two twice, which could be read in two ways. */
bool
wr_identity_flatpak_read(const char *text, size_t size, struct wr_flatpak *flatpak);

/* The Snap of an AppArmor label: "snap.firefox.firefox (enforce)", "snap.lxd_two.hook.install (complain)". False for
 * any other label. A Snap's name has no period, so it is never also a Flatpak's. */
bool
wr_identity_snap_name(const char *label, char *name, size_t room);

/* 1 to 255 bytes of letters, digits, '.', '-', '_'; no leading '.', no "..". The text of a package's SID is a name,
 * too: of the package that has no other. */
bool
wr_identity_package_valid(const char *name);

/* 1 to 64 bytes of letters, digits, '.', '-', '_'; the first a letter or a digit. */
bool
wr_identity_capability_valid(const char *name);

/* May a peer to which an LSM gave this label have full trust? `own` is the broker's label; both may be empty. */
bool
wr_identity_label_trusted(const char *label, const char *own);

/* "user:alice package:org.weir.Camera capability:sensors (flatpak-info)": for logs, `weir who` and WELCOME. A label
 * that says more than "unconfined" follows as " label:...". What does not fit is counted: "and 3 more". */
void
wr_identity_text(const struct wr_identity *identity, char *text, size_t room);

#endif
