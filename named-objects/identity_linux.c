/*
 * Who is there, from the kernel alone, in an order that leaves no gap:
 *
 *      SO_PEERCRED      user, group, pid as they were when the peer connected      }
 *      SO_PEERGROUPS    its other groups                                           } of the connection
 *      SO_PEERPIDFD     the process itself: while it lives its pid is no other's    }
 *      /proc/PID        one directory descriptor; all files are read through it
 *      the pidfd again  alive: what was read was this process's
 *
 * Before Linux 6.5 there is no SO_PEERPIDFD, and between connect and pidfd_open the pid could have gone to another
 * process, if the peer ended and a child of it kept the connection.
 */
#include "named-objects/identity.h"

#include "named-objects/identity_linux.h"
#include "named-objects/kernel_linux.h"
#include "named-objects/sentence.h"
#include "named-objects/user.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

enum { LABEL_BYTES = 256, ENTRY_BYTES = 1024 };

static enum weir_result
credentials_read(wr_object connection, struct wr_identity *identity, char *sentence, size_t room)
{
        gid_t others[WR_GROUPS_MAX - 1];
        socklen_t size = sizeof(struct ucred), others_size = sizeof others;
        struct ucred peer;

        if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
                wr_sentence(sentence, room, "denied: the kernel does not say who connected: %s", strerror(errno));
                return WEIR_E_DENIED;
        }
        if (peer.pid <= 0) {
                wr_sentence(sentence, room,
                            "denied: the process is in a pid namespace that the broker cannot see into, so "
                            "nothing vouches for it. Run the broker in the outermost one");
                return WEIR_E_DENIED;
        }
        if (wr_user_is_unmapped(peer.uid)) {
                wr_sentence(sentence, room,
                            "denied: pid %d belongs to a user that the broker's user namespace does not know",
                            (int)peer.pid);
                return WEIR_E_DENIED;
        }
        identity->pid = (uint32_t)peer.pid;
        identity->user = peer.uid;
        identity->groups[0] = peer.gid;
        identity->group_count = 1;
        if (getsockopt(connection, SOL_SOCKET, SO_PEERGROUPS, others, &others_size) < 0) {
                wr_sentence(sentence, room, "denied: user %u: its groups cannot be had: %s", (unsigned)peer.uid,
                            errno == ERANGE ? "there are more than 127" : strerror(errno));
                return WEIR_E_DENIED;
        }
        memcpy(&identity->groups[1], others, others_size);
        identity->group_count += (uint32_t)(others_size / sizeof(gid_t));
        return WEIR_OK;
}

static int
process_pin(wr_object connection, pid_t pid)
{
        int process = -1;
        socklen_t size = sizeof process;

        if (getsockopt(connection, SOL_SOCKET, SO_PEERPIDFD, &process, &size) == 0)
                return process; /* close-on-exec by birth */
        return errno == ENOPROTOOPT ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
}

static bool
process_lives(int process)
{
        struct pollfd ended = { .fd = process, .events = POLLIN };

        return poll(&ended, 1, 0) == 0;
}

/* The label that an LSM gave the peer, or our own; empty where none does. */
static bool
labels_trusted(wr_object connection)
{
        char label[LABEL_BYTES] = "", own[LABEL_BYTES] = "";
        socklen_t size = sizeof label - 1;
        int fd;

        if (getsockopt(connection, SOL_SOCKET, SO_PEERSEC, label, &size) < 0)
                return errno == ENOPROTOOPT;
        fd = open("/proc/thread-self/attr/current", O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
                ssize_t got = read(fd, own, sizeof own - 1);

                own[got > 0 ? got : 0] = '\0';
                close(fd);
        }
        own[strcspn(own, "\n")] = '\0';
        label[strcspn(label, "\n")] = '\0';
        return wr_identity_label_trusted(label, own);
}

static void
set(struct wr_identity *identity, enum wr_trust trust, const char *package, const char *why)
{
        identity->trust = trust;
        snprintf(identity->package, sizeof identity->package, "%s", package);
        snprintf(identity->why, sizeof identity->why, "%s", why);
}

/* What the connection came through outranks what the files say. */
static enum weir_result
decide_package_socket(struct wr_identity *identity, const char *package, enum wr_identity_info info, const char *name,
                      char *sentence, size_t room)
{
        if (info == WR_INFO_NAME && strcmp(name, package) != 0) {
                wr_sentence(sentence, room,
                            "denied: pid %u came through the socket of package %s, but its .flatpak-info "
                            "says %s: one of them is wrong",
                            identity->pid, package, name);
                return WEIR_E_DENIED;
        }
        set(identity, WR_TRUST_PACKAGE, package,
            info == WR_INFO_NAME ? "package socket, flatpak-info" : "package socket");
        return WEIR_OK;
}

static enum weir_result
decide(wr_object connection, struct wr_identity *identity, enum wr_identity_place place, enum wr_identity_info info,
       const char *name, char *sentence, size_t room)
{
        if (place == WR_PLACE_UNREADABLE) {
                wr_sentence(sentence, room,
                            "denied: the broker (user %u) may not look at pid %u of user %u, so nothing "
                            "vouches for it: give the broker CAP_SYS_PTRACE, or the program a package socket",
                            (unsigned)geteuid(), identity->pid, identity->user);
                return WEIR_E_DENIED;
        }
        if (info == WR_INFO_BAD) {
                wr_sentence(sentence, room,
                            "denied: the .flatpak-info of pid %u names no application or cannot be read",
                            identity->pid);
                return WEIR_E_DENIED;
        }
        if (info == WR_INFO_NAME)
                set(identity, WR_TRUST_PACKAGE, name, "flatpak-info");
        else if (place != WR_PLACE_OURS)
                set(identity, WR_TRUST_CONFINED, "",
                    place == WR_PLACE_CHROOT ? "another root directory" : "foreign mount namespace");
        else if (!labels_trusted(connection))
                set(identity, WR_TRUST_CONFINED, "", "confined by a security label");
        else
                set(identity, WR_TRUST_FULL, "", "same root");
        return WEIR_OK;
}

static enum weir_result
pinned_identity(wr_object connection, const char *package, int process, struct wr_identity *identity, char *sentence,
                size_t room)
{
        enum wr_identity_place place = WR_PLACE_GONE;
        enum wr_identity_info info = WR_INFO_NONE;
        char path[32], name[WR_PACKAGE_MAX + 1] = "";
        int proc;

        snprintf(path, sizeof path, "/proc/%u", identity->pid);
        proc = process >= 0 ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
        if (proc >= 0) {
                place = wr_identity_place_of(proc, &info, name);
                close(proc);
        }
        if (place == WR_PLACE_GONE || !process_lives(process)) {
                wr_sentence(sentence, room, "denied: pid %u ended, or hid, while the broker looked who it is",
                            identity->pid);
                return WEIR_E_DENIED;
        }
        if (package != NULL)
                return decide_package_socket(identity, package, info, name, sentence, room);
        return decide(connection, identity, place, info, name, sentence, room);
}

enum weir_result
wr_identity_of(wr_object connection, const char *listener_package, struct wr_identity *identity, wr_object *process,
               char *sentence, size_t room)
{
        enum weir_result result;

        memset(identity, 0, sizeof *identity);
        *process = WR_NO_OBJECT;
        if (listener_package != NULL && !wr_identity_package_valid(listener_package))
                return WEIR_E_USAGE;
        result = credentials_read(connection, identity, sentence, room);
        if (result < 0)
                return result;
        *process = process_pin(connection, (pid_t)identity->pid);
        if (*process < 0 && (errno == EMFILE || errno == ENFILE)) {
                wr_sentence(sentence, room, "the broker has no descriptors left");
                return WEIR_E_QUOTA;
        }
        result = pinned_identity(connection, listener_package, *process, identity, sentence, room);
        if (result < 0) {
                wr_object_close(*process);
                *process = WR_NO_OBJECT;
        }
        return result;
}

/* The name in the system's own file, without asking a directory service, which may take its time. */
static bool
user_name(uint32_t user, char *name, size_t room)
{
        char entry_room[ENTRY_BYTES];
        FILE *file = fopen("/etc/passwd", "re");
        struct passwd entry, *found;
        bool is_known = false;

        if (file == NULL)
                return false;
        while (!is_known && fgetpwent_r(file, &entry, entry_room, sizeof entry_room, &found) == 0) {
                is_known = found->pw_uid == user;
                if (is_known)
                        snprintf(name, room, "%s", found->pw_name);
        }
        fclose(file);
        return is_known;
}

void
wr_identity_text(const struct wr_identity *identity, char *text, size_t room)
{
        char name[64];

        if (!user_name(identity->user, name, sizeof name))
                snprintf(name, sizeof name, "%u", identity->user);
        if (identity->trust == WR_TRUST_PACKAGE)
                snprintf(text, room, "user:%s package:%s (%s)", name, identity->package, identity->why);
        else
                snprintf(text, room, "user:%s %s (%s)", name,
                         identity->trust == WR_TRUST_FULL ? "full trust" : "confined", identity->why);
}
