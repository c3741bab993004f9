/* systemd does the work; its own sentences go to stderr, where it failed. */
#include "clients/cli/install.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool
has_systemd(char *sentence, size_t room)
{
        if (access("/run/systemd/system", F_OK) == 0)
                return true;
        snprintf(sentence, room,
                 "systemd does not run here, so nothing can be installed: start `weir broker run` with "
                 "the system's own manager of services, or by hand");
        return false;
}

/* systemctl [--user] VERB [--now] UNIT. -1: it could not be run; else its exit status. */
static int
systemctl(bool is_users, const char *verb, bool is_now)
{
        const char *argv[6];
        int count = 0, status = 0;
        pid_t pid;

        argv[count++] = "systemctl";
        if (is_users)
                argv[count++] = "--user";
        argv[count++] = verb;
        if (is_now)
                argv[count++] = "--now";
        argv[count++] = is_users ? "weir.socket" : "weir-system.socket";
        argv[count] = NULL;
        errno = posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ);
        if (errno != 0)
                return -1;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static bool
done(int status, bool is_users, const char *verb, char *sentence, size_t room)
{
        const char *unit = is_users ? "weir.socket" : "weir-system.socket";

        if (status == 0)
                return true;
        if (status < 0)
                snprintf(sentence, room,
                         "there is no systemctl here (%s): start `weir broker run` with the system's own manager of "
                         "services, or by hand",
                         strerror(errno));
        else
                snprintf(sentence, room,
                         "systemctl did not %s %s. Is it there? `meson install` puts it where systemd looks, then: "
                         "systemctl %sdaemon-reload",
                         verb, unit, is_users ? "--user " : "");
        return false;
}

bool
cli_install(bool is_users, char *sentence, size_t room)
{
        if (!is_users && geteuid() != 0) {
                snprintf(sentence, room, "a broker for the machine is root's to install; for yourself: --user");
                return false;
        }
        return has_systemd(sentence, room) &&
               done(systemctl(is_users, "enable", true), is_users, "enable", sentence, room);
}

bool
cli_uninstall(bool is_users, char *sentence, size_t room)
{
        return has_systemd(sentence, room) &&
               done(systemctl(is_users, "disable", true), is_users, "disable", sentence, room);
}
