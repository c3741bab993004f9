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
#include "named-objects/user_map_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* The peer's other groups, behind its own. */
static enum weir_result
groups_read(wr_object connection, const struct ucred *peer, struct wr_identity *identity, char *sentence, size_t room)
{
        gid_t others[WR_GROUPS_MAX - 1];
        socklen_t size = sizeof others;
        struct wr_sid group = wr_sid_of_gid(peer->gid);

        if (getsockopt(connection, SOL_SOCKET, SO_PEERGROUPS, others, &size) < 0) {
                wr_sentence(sentence, room, "denied: user %u: its groups cannot be had: %s", (unsigned)peer->uid,
                            errno == ERANGE ? "there are more than 127" : strerror(errno));
                return WEIR_E_DENIED;
        }
        wr_sid_list_add(&identity->sids, &group, WR_SID_GROUP);
        for (size_t i = 0; i < size / sizeof(gid_t); i++) {
                group = wr_sid_of_gid(others[i]);
                wr_sid_list_add(&identity->sids, &group, WR_SID_GROUP);
        }
        return WEIR_OK;
}

static enum weir_result
credentials_read(wr_object connection, struct wr_identity *identity, char *sentence, size_t room)
{
        socklen_t size = sizeof(struct ucred);
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
        identity->user = wr_sid_of_uid(peer.uid);
        return groups_read(connection, &peer, identity, sentence, room);
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

/* All there is to see of the process, if it was there all the while. */
static bool
pinned_view(wr_object connection, uint32_t pid, int process, struct wr_identity_view *view)
{
        char path[32];
        int proc;

        snprintf(path, sizeof path, "/proc/%u", pid);
        proc = process >= 0 ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
        if (proc < 0)
                return false;
        wr_identity_look(proc, view);
        wr_identity_label_look(connection, proc, view);
        close(proc);
        return view->place != WR_PLACE_GONE && process_lives(process);
}

static enum weir_result
pinned_identity(wr_object connection, const char *package, int process, struct wr_identity *identity, char *sentence,
                size_t room)
{
        struct wr_identity_view view;

        if (!pinned_view(connection, identity->pid, process, &view)) {
                wr_sentence(sentence, room, "denied: pid %u ended, or hid, while the broker looked who it is",
                            identity->pid);
                return WEIR_E_DENIED;
        }
        return wr_identity_decide(identity, package, &view, sentence, room);
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
