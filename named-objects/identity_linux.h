/* Inside the Linux identity: what the files of a pinned process say about where it lives and what it is called. */
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

/* All that the kernel shows of one process. */
struct wr_identity_view {
        enum wr_identity_place place;
        enum wr_identity_info info;
        bool is_nested; /* its mount namespace is of a user namespace that is neither ours nor directly below ours */
        struct wr_flatpak flatpak;
        bool is_labelled;             /* false: an LSM has a label that we cannot have */
        char label[WR_LABEL_MAX + 1]; /* "" where no LSM labels */
};

/* proc: the process's directory under /proc. Sets all but the label; the rest counts only when the place could be
 * read. */
void
wr_identity_look(int proc, struct wr_identity_view *view);

/* The label in the process's directory. False: there is one that cannot be read, or is too long. */
bool
wr_identity_label_read(int proc, char label[WR_LABEL_MAX + 1]);

/* The label of the peer of a connection; where the kernel does not keep it there, that of its process. */
void
wr_identity_label_look(wr_object connection, int proc, struct wr_identity_view *view);

/* What follows from user and pid in `identity`, and the view. package: of the socket it came through, or NULL. */
enum weir_result
wr_identity_decide(struct wr_identity *identity, const char *package, const struct wr_identity_view *view,
                   char *sentence, size_t room);

#endif
