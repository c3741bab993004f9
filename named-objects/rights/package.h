/*
 * What a package is called and the SIDs that follow from it, by the public rules, the same on both systems.
 *
 *      family name      Contoso.Viewer_h91ms92gdsmmt      lower case, SHA-256, seven words   S-1-15-2-...
 *      child container  of that one, and "007"            SHA-256, words 3 to 6 behind it    S-1-15-2-...-...
 *      capability       microsoft.hsaTest_q536wpkpf5cy2   upper case, SHA-256, eight words   S-1-15-3-1024-...
 *      publisher        CN=Contoso, C=US                  SHA-256, 64 bits in base 32        h91ms92gdsmmt
 *
 * On Linux the id of a Flatpak, the name of a Snap or of a package socket takes the place of the family name. All text
 * is UTF-8; a function says false to what is no UTF-8 (see utf16.h, also about case), empty or too long.
 * Source: Microsoft Learn (DeriveCapabilitySidsFromName, App container SID constants, An overview of Package Identity)
 * and published SIDs, against which the vectors in tests/vectors were checked. Pure, but for the SHA-256 of the system.
 */
#ifndef WR_PACKAGE_H
#define WR_PACKAGE_H

#include "named-objects/rights/sid.h"

enum {
        WR_MONIKER_MAX = 255,    /* UTF-16 units of a package, profile, child or capability name */
        WR_PUBLISHER_MAX = 8192, /* ... of a publisher */
        WR_PUBLISHER_ID_SIZE = 13,
        WR_PACKAGE_SID_WORDS = 8, /* S-1-15-2 and seven words */
        WR_CHILD_SID_WORDS = 12
};

/* A package family name, or the name of an AppContainer profile, to its package SID. Letters in either case are one
 * package. */
bool
wr_package_sid(struct wr_sid *sid, const char *moniker, size_t size);

/* A container inside a package's. The rule was found by matching the published SIDs of one browser's children, whose
 * names are digits: that the case of letters counts, as it does here, is an assumption. */
bool
wr_package_child_sid(struct wr_sid *sid, const struct wr_sid *package, const char *name, size_t size);

/* True for the SID of a package (8 words) or of a child container (12). */
bool
wr_package_is_sid(const struct wr_sid *sid);

/* The SID that a container's token carries for the capability. The twelve oldest have a number, S-1-15-3-1 to -12. */
bool
wr_package_capability_sid(struct wr_sid *sid, const char *name, size_t size);

/* The same capability as the group of a service: S-1-5-32 and eight words, of the twelve oldest too. */
bool
wr_package_capability_group(struct wr_sid *sid, const char *name, size_t size);

/* A package's own SID as the capability that its every token carries, S-1-15-3 and seven words. False if `package` is
 * not the SID of a package; what a child container's token carries is not known. */
bool
wr_package_own_capability(struct wr_sid *sid, const struct wr_sid *package);

/* publisher: the exact string of the manifest, case and blanks included. */
bool
wr_package_publisher_id(char id[WR_PUBLISHER_ID_SIZE + 1], const char *publisher, size_t size);

/*
 * Packages that nobody signed carry a marker as the last field of their publisher, so that their id, hence their
 * family name and SID, is never that of the signed package: a rule for the signed one does not admit its clone.
 */
enum wr_publisher_kind {
        WR_PUBLISHER_SIGNED,   /* without the marker */
        WR_PUBLISHER_UNSIGNED, /* the marker is the last field */
        WR_PUBLISHER_MISPLACED /* it stands before another field: valid for neither kind */
};

enum wr_publisher_kind
wr_package_publisher_kind(const char *publisher, size_t size);

#endif
