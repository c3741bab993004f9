/*
 * Who any process is, for people who ask. In the order of identity_linux.c, with /proc/PID/status for the socket:
 *
 *      pidfd_open       while we hold it the number is no other's, once it is known to have lived at the end
 *      status           user, group, other groups: the effective ones, which a socket would have recorded
 *      the rest         place, .flatpak-info, label, as for a peer
 */
#include "named-objects/identity_linux.h"

#include "named-objects/kernel_linux.h"
#include "named-objects/sentence.h"
#include "named-objects/user.h"
#include "named-objects/user_map_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINES_MAX = 256 };

static enum weir_result
not_there(uint32_t pid, char *sentence, size_t room)
{
        wr_sentence(sentence, room, "there is no process %u here, or it ended meanwhile", pid);
        return WEIR_E_DENIED;
}

/* "Uid:  REAL EFFECTIVE SAVED FILE": the second number. */
static bool
effective(const char *line, const char *key, uint32_t *id)
{
        size_t length = strlen(key);
        char *end;

        if (strncmp(line, key, length) != 0)
                return false;
        strtoul(line + length, &end, 10);
        *id = (uint32_t)strtoul(end, NULL, 10);
        return true;
}

/* Who it is by its status. */
struct status {
        uint32_t user, groups[WR_GROUPS_MAX], group_count;
        bool has_user, has_group, fits;
};

/* "Groups: 4 24 27 ": behind the first. False: more than fit. */
static bool
others(const char *line, struct status *status)
{
        char *end;

        for (const char *at = line;; at = end) {
                unsigned long group = strtoul(at, &end, 10);

                if (end == at)
                        return true;
                if (status->group_count == WR_GROUPS_MAX)
                        return false;
                status->groups[status->group_count++] = (uint32_t)group;
        }
}

static void
identity_fill(const struct status *status, struct wr_identity *identity)
{
        identity->user = wr_sid_of_uid(status->user);
        for (uint32_t i = 0; i < status->group_count; i++) {
                struct wr_sid group = wr_sid_of_gid(status->groups[i]);

                wr_sid_list_add(&identity->sids, &group, WR_SID_GROUP);
        }
}

static enum weir_result
status_read(FILE *file, struct wr_identity *identity, char *sentence, size_t room)
{
        struct status status = { .group_count = 1, .fits = true };
        char *line = NULL;
        size_t size = 0;

        for (int i = 0; i < LINES_MAX && getline(&line, &size, file) > 0; i++) {
                status.has_user |= effective(line, "Uid:", &status.user);
                status.has_group |= effective(line, "Gid:", &status.groups[0]);
                if (strncmp(line, "Groups:", 7) == 0)
                        status.fits = others(line + 7, &status);
        }
        free(line);
        if (!status.has_user || !status.has_group)
                return not_there(identity->pid, sentence, room);
        if (!status.fits || wr_user_is_unmapped(status.user)) {
                wr_sentence(sentence, room, "denied: pid %u %s", identity->pid,
                            status.fits ? "belongs to a user that this user namespace does not know"
                                        : "is in more than 127 groups");
                return WEIR_E_DENIED;
        }
        identity_fill(&status, identity);
        return WEIR_OK;
}

static enum weir_result
credentials_read(int proc, struct wr_identity *identity, char *sentence, size_t room)
{
        int fd = openat(proc, "status", O_RDONLY | O_CLOEXEC);
        FILE *status = fd >= 0 ? fdopen(fd, "r") : NULL;
        enum weir_result result;

        if (status == NULL) {
                if (fd >= 0)
                        close(fd);
                return not_there(identity->pid, sentence, room);
        }
        result = status_read(status, identity, sentence, room);
        fclose(status);
        return result;
}

static enum weir_result
process_read(int process, int proc, struct wr_identity *identity, char *sentence, size_t room)
{
        struct pollfd ended = { .fd = process, .events = POLLIN };
        struct wr_identity_view view;
        char user[WR_SID_TEXT_MAX];
        enum weir_result result = credentials_read(proc, identity, sentence, room);

        if (result < 0)
                return result;
        wr_identity_look(proc, &view);
        view.is_labelled = wr_identity_label_read(proc, view.label);
        if (view.place == WR_PLACE_GONE || poll(&ended, 1, 0) != 0)
                return not_there(identity->pid, sentence, room);
        if (view.place == WR_PLACE_UNREADABLE) {
                wr_user_text(&identity->user, user, sizeof user);
                wr_sentence(sentence, room,
                            "denied: user %u may not look at pid %u of user %s. Ask as that user or root",
                            (unsigned)geteuid(), identity->pid, user);
                return WEIR_E_DENIED;
        }
        return wr_identity_decide(identity, NULL, &view, sentence, room);
}

enum weir_result
wr_identity_of_process(uint32_t pid, struct wr_identity *identity, char *sentence, size_t room)
{
        enum weir_result result = WEIR_E_DENIED;
        char path[32];
        int process, proc = -1;

        memset(identity, 0, sizeof *identity);
        identity->pid = pid;
        process = pid != 0 && pid <= INT32_MAX ? (int)syscall(SYS_pidfd_open, (pid_t)pid, 0) : -1;
        snprintf(path, sizeof path, "/proc/%u", pid);
        if (process >= 0)
                proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (proc >= 0)
                result = process_read(process, proc, identity, sentence, room);
        else
                not_there(pid, sentence, room);
        if (proc >= 0)
                close(proc);
        if (process >= 0)
                close(process);
        return result;
}
