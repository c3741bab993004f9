/* Inside the Linux identity: what the files of a pinned process say about where it lives. */
#ifndef WR_IDENTITY_LINUX_H
#define WR_IDENTITY_LINUX_H

#include "named-objects/identity.h"

enum wr_identity_place {
        WR_PLACE_OURS = 1,   /* our mount namespace and our root directory */
        WR_PLACE_CHROOT,     /* our mount namespace, another root */
        WR_PLACE_FOREIGN,    /* another mount namespace */
        WR_PLACE_UNREADABLE, /* we may not look */
        WR_PLACE_GONE        /* the process ended */
};

enum wr_identity_info {
        WR_INFO_NONE = 1, /* there is no `.flatpak-info`, or none that we would look at */
        WR_INFO_NAME,     /* it names an application */
        WR_INFO_BAD       /* there is something that names none, or cannot be read */
};

/* proc: the process's directory under /proc. info and name: only when the place could be read. */
enum wr_identity_place
wr_identity_place_of(int proc, enum wr_identity_info *info, char name[WR_PACKAGE_MAX + 1]);

#endif
