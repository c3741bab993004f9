/*
 * Where the kernel keeps the label that an LSM gave a process:
 *
 *      SO_PEERSEC                 of the peer when it connected: SELinux, Smack, and AppArmor in some kernels
 *      attr/apparmor/current      of the process now. Not all AppArmors answer SO_PEERSEC for AF_UNIX
 *      attr/current               the same, of whichever LSM comes first
 *
 * An LSM that is not on answers EINVAL for its file; without any the folder is not there.
 */
#include "named-objects/identity_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Labels come with a 0 or a line's end behind them, or with neither. */
static void
line_end(char *label, size_t size)
{
        label[size] = '\0';
        label[strcspn(label, "\n")] = '\0';
}

bool
wr_identity_label_read(int proc, char label[WR_LABEL_MAX + 1])
{
        static const char *const files[] = { "attr/apparmor/current", "attr/current" };

        label[0] = '\0';
        for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
                int fd = openat(proc, files[i], O_RDONLY | O_CLOEXEC), error;
                ssize_t got = fd >= 0 ? read(fd, label, WR_LABEL_MAX + 1) : -1;

                error = errno;
                if (fd >= 0)
                        close(fd);
                if (got >= 0 && got <= WR_LABEL_MAX) {
                        line_end(label, (size_t)got);
                        return true;
                }
                label[0] = '\0';
                if (got >= 0 || (error != EINVAL && error != ENOENT))
                        return false;
        }
        return true;
}

void
wr_identity_label_look(wr_object connection, int proc, struct wr_identity_view *view)
{
        socklen_t size = WR_LABEL_MAX;

        if (getsockopt(connection, SOL_SOCKET, SO_PEERSEC, view->label, &size) == 0) {
                line_end(view->label, size);
                view->is_labelled = true;
        } else {
                view->is_labelled = errno == ENOPROTOOPT && wr_identity_label_read(proc, view->label);
        }
}
