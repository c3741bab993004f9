/*
 * Programs in bubblewrap sandboxes that connect to a socket of the test. `sh` runs inside as a script with $1 the
 * socket; "connect" in it is the program that connects and then stays until it is killed.
 */
#ifndef WR_TEST_SANDBOX_H
#define WR_TEST_SANDBOX_H

#include "tests/hostile/child.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Perl is on every Debian, and its socket() takes SOCK_SEQPACKET (5) and a path. exec: killing the sandbox's first
 * process must leave nothing behind. */
#define SANDBOX_CONNECT              \
        "exec perl -e 'use Socket; " \
        "socket(S, AF_UNIX, 5, 0) && connect(S, sockaddr_un($ARGV[0])) or die \"$!\"; sleep 1000' \"$1\""

/* The line of a sandboxed program: read-only, nothing of the host but /usr and one directory, no capabilities, no
 * namespaces inside. */
#define SANDBOX_CLOSED                                                                                             \
        "--unshare-all --unshare-user --disable-userns --cap-drop ALL --uid 1000 --gid 1000 --die-with-parent "    \
        "--clearenv --setenv PATH /usr/bin --ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 " \
        "--symlink usr/bin /bin --proc /proc --dev /dev"

/* A sandbox that bars nothing: its program is root in namespaces of its own. */
#define SANDBOX_OPEN                                                                                              \
        "--unshare-user --unshare-pid --uid 0 --gid 0 --cap-add ALL --die-with-parent "                           \
        "--setenv PATH /usr/bin:/usr/sbin --ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 " \
        "--symlink usr/bin /bin --proc /proc --dev /dev --tmpfs /tmp"

struct sandbox {
        const char *line;    /* how bwrap is called */
        const char *package; /* what its .flatpak-info says; NULL: there is none */
        const char *mount;   /* more of the line, after /.flatpak-info */
        const char *script, *socket;
};

/* The file as a descriptor 9, as bwrap takes it. */
static inline bool
sandbox_info(const char *package)
{
        int ends[2];
        char text[256];
        int length = snprintf(text, sizeof text, "[Application]\nname=%s\n\n[Instance]\ninstance-id=123\n", package);

        return pipe(ends) == 0 && write(ends[1], text, (size_t)length) == length && close(ends[1]) == 0 &&
               dup2(ends[0], 9) == 9;
}

static inline int
sandbox_body(void *argument)
{
        const struct sandbox *s = argument;
        char command[16384];

        if (s->package != NULL && !sandbox_info(s->package))
                return CHILD_CANNOT_BEGIN;
        snprintf(command, sizeof command, "exec bwrap %s %s %s /bin/sh -c \"$0\" sh \"$1\"", s->line,
                 s->package != NULL ? "--ro-bind-data 9 /.flatpak-info" : "", s->mount);
        execl("/bin/sh", "sh", "-c", command, s->script, s->socket, (char *)NULL);
        return CHILD_CANNOT_BEGIN;
}

static inline pid_t
sandbox_start(uid_t user, struct sandbox *s)
{
        return child_start(user, sandbox_body, s);
}

#endif
