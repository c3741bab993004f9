/* Sandboxed programs that forge their `.flatpak-info`: in a sandbox nested in their own, or where they may unmount. */
#ifndef WR_TEST_FORGERY_H
#define WR_TEST_FORGERY_H

#include "tests/hostile/identity_fixture.h"

/* As closed as SANDBOX_CLOSED, but it may make user namespaces: a bubblewrap line that forgot to forbid them. */
#define SANDBOX_NESTING                                                                                            \
        "--unshare-user --unshare-pid --cap-drop ALL --uid 1000 --gid 1000 --die-with-parent --clearenv --setenv " \
        "PATH /usr/bin --ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 --symlink usr/bin "   \
        "/bin --proc /proc --dev /dev --tmpfs /tmp"

#define FORGED_FILE(name) \
        "printf '[Application]\\nname=" name "\\n[Policy weir]\\ncapability=sensors;raw;\\n' > /tmp/f; "

#define CONNECT_INSIDE                                                                                        \
        "exec perl -e \"use Socket; socket(S, AF_UNIX, 5, 0) && connect(S, sockaddr_un(\\$ARGV[0])) or die; " \
        "sleep 1000\" \"$1\""

/* A sandbox inside the sandbox, with the forged file where Flatpak would have put it. */
#define NEST                                                                                                        \
        "exec 8< /tmp/f; exec bwrap --unshare-user --ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 " \
        "/lib64 --symlink usr/bin /bin --proc /proc --dev /dev --bind ${1%/*} ${1%/*} --ro-bind-data 8 "            \
        "/.flatpak-info /bin/sh -c '" CONNECT_INSIDE "' sh \"$1\""

/* In SANDBOX_OPEN, where the program may take the file away and put another in its place. */
#define SHED_AND_FORGE                 \
        FORGED_FILE("org.weir.Camera") \
        "umount /.flatpak-info && rm -f /.flatpak-info && cp /tmp/f /.flatpak-info || exit 1; "

/* What the broker sees of such a program; socket_package: of the socket that it finds inside, or NULL. */
static inline enum weir_result
forgery_ask(uid_t user, const char *line, const char *package, const char *script, const char *socket_package,
            struct wr_identity *identity)
{
        struct sandbox box = { line, package, fixture_mount, script, fixture_socket };
        pid_t child = sandbox_start(user, &box);
        wr_object connection = fixture_accept();
        enum weir_result result = fixture_ask(connection, socket_package, identity);

        fixture_end(child, connection);
        return result;
}

#endif
