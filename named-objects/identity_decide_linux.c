/*
 * From all that was seen of a process to what it is. The stronger voucher speaks first, and two that contradict each
 * other are worth nothing:
 *
 *      the socket it came through  >  a Snap's label  >  .flatpak-info  >  the place and a label that confines nothing
 */
#include "named-objects/identity_linux.h"

#include "named-objects/sentence.h"
#include "named-objects/user.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void
set(struct wr_identity *identity, enum wr_trust trust, const char *package, const char *why)
{
        identity->trust = trust;
        snprintf(identity->package, sizeof identity->package, "%s", package);
        snprintf(identity->why, sizeof identity->why, "%s", why);
}

static enum weir_result
contradicted(const struct wr_identity *identity, const char *said, const char *package, const char *other,
             const char *name, char *sentence, size_t room)
{
        wr_sentence(sentence, room, "denied: %s of pid %u says package %s, but its %s says %s: one of them is wrong",
                    said, identity->pid, package, other, name);
        return WEIR_E_DENIED;
}

/* The file of a sandbox that may have forged it adds nothing here: its capabilities do not count. */
static enum weir_result
decide_package_socket(struct wr_identity *identity, const char *package, const struct wr_identity_view *view,
                      const char *snap, char *sentence, size_t room)
{
        bool is_named = view->info == WR_INFO_NAME;

        if (is_named && strcmp(view->flatpak.name, package) != 0)
                return contradicted(identity, "the socket", package, ".flatpak-info", view->flatpak.name, sentence,
                                    room);
        if (snap[0] != '\0' && strcmp(snap, package) != 0)
                return contradicted(identity, "the socket", package, "label", snap, sentence, room);
        set(identity, WR_TRUST_PACKAGE, package,
            is_named          ? "package socket, flatpak-info"
            : snap[0] != '\0' ? "package socket, snap label"
                              : "package socket");
        return WEIR_OK;
}

static enum weir_result
decide_flatpak(struct wr_identity *identity, const struct wr_identity_view *view)
{
        if (view->is_nested) {
                set(identity, WR_TRUST_CONFINED, "", "nested user namespace, so its .flatpak-info is its own");
                return WEIR_OK;
        }
        set(identity, WR_TRUST_PACKAGE, view->flatpak.name, "flatpak-info");
        identity->capability_count = view->flatpak.capability_count;
        memcpy(identity->capabilities, view->flatpak.capabilities, sizeof identity->capabilities);
        return WEIR_OK;
}

static void
own_label(char own[WR_LABEL_MAX + 1])
{
        int proc = open("/proc/thread-self", O_PATH | O_DIRECTORY | O_CLOEXEC);

        own[0] = '\0';
        if (proc >= 0) {
                if (!wr_identity_label_read(proc, own))
                        own[0] = '\0';
                close(proc);
        }
}

static bool
may_be_trusted(const struct wr_identity_view *view, const char *own)
{
        return view->is_labelled && (view->label[0] == '\0' || wr_identity_label_trusted(view->label, own));
}

static enum weir_result
decide_ordinary(struct wr_identity *identity, const struct wr_identity_view *view, const char *snap, char *sentence,
                size_t room)
{
        char own[WR_LABEL_MAX + 1];

        if (view->info == WR_INFO_BAD) {
                wr_sentence(sentence, room,
                            "denied: the .flatpak-info of pid %u cannot be read, or names no application, or has a "
                            "[Policy weir] capability= that is no list of names",
                            identity->pid);
                return WEIR_E_DENIED;
        }
        if (view->info == WR_INFO_NAME && snap[0] != '\0')
                return contradicted(identity, "the label", snap, ".flatpak-info", view->flatpak.name, sentence, room);
        if (view->info == WR_INFO_NAME)
                return decide_flatpak(identity, view);
        own_label(own);
        /* A broker that is a Snap itself trusts its own programs. */
        if (snap[0] != '\0' && (view->place != WR_PLACE_OURS || strcmp(view->label, own) != 0))
                set(identity, WR_TRUST_PACKAGE, snap, "snap label");
        else if (view->place != WR_PLACE_OURS)
                set(identity, WR_TRUST_CONFINED, "",
                    view->place == WR_PLACE_CHROOT ? "another root directory" : "foreign mount namespace");
        else if (!may_be_trusted(view, own))
                set(identity, WR_TRUST_CONFINED, "", "confined by a security label");
        else
                set(identity, WR_TRUST_FULL, "", "same root");
        return WEIR_OK;
}

enum weir_result
wr_identity_decide(struct wr_identity *identity, const char *package, const struct wr_identity_view *view,
                   char *sentence, size_t room)
{
        char snap[WR_PACKAGE_MAX + 1] = "", user[WR_SID_TEXT_MAX];

        memcpy(identity->label, view->label, sizeof identity->label);
        if (!wr_identity_snap_name(view->label, snap, sizeof snap))
                snap[0] = '\0';
        if (package != NULL)
                return decide_package_socket(identity, package, view, snap, sentence, room);
        if (view->place == WR_PLACE_UNREADABLE) {
                wr_user_text(&identity->user, user, sizeof user);
                wr_sentence(sentence, room,
                            "denied: the broker (user %u) may not look at pid %u of user %s, so nothing "
                            "vouches for it: give the broker CAP_SYS_PTRACE, or the program a package socket",
                            (unsigned)geteuid(), identity->pid, user);
                return WEIR_E_DENIED;
        }
        return decide_ordinary(identity, view, snap, sentence, room);
}
