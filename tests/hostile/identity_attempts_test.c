/* Peers that shed, forge or race their identity, and such as reach for full trust. Each must be refused, or seen as
 * what it is at most. */
#include "tests/hostile/identity_fixture.h"

#include <sched.h>

TestSuite(identity_attempts, .init = fixture_make, .fini = fixture_remove, .timeout = 90);

static enum weir_result
ask_sandbox(uid_t user, struct sandbox *box, const char *socket_package, struct wr_identity *identity)
{
        pid_t child = sandbox_start(user, box);
        wr_object connection = fixture_accept();
        enum weir_result result = fixture_ask(connection, socket_package, identity);

        fixture_end(child, connection);
        return result;
}

/* As root in namespaces of its own a program can take the file away; then nothing vouches for it. */
Test(identity_attempts, who_sheds_the_file_becomes_confined_and_not_trusted)
{
        struct sandbox box = { SANDBOX_OPEN, "org.weir.Camera", fixture_mount,
                               "umount /.flatpak-info && rm /.flatpak-info && " SANDBOX_CONNECT, fixture_socket };
        struct wr_identity identity;

        cr_assert(eq(int, ask_sandbox(0, &box, NULL, &identity), WEIR_OK), "%s", fixture_why);
        cr_assert(eq(int, identity.trust, WR_TRUST_CONFINED));
        cr_assert(eq(int, ask_sandbox(CHILD_NOBODY, &box, NULL, &identity), WEIR_OK), "%s", fixture_why);
        cr_assert(eq(int, identity.trust, WR_TRUST_CONFINED));
        /* Through its package's socket it stays the package. */
        cr_assert(eq(int, ask_sandbox(0, &box, "org.weir.Camera", &identity), WEIR_OK), "%s", fixture_why);
        cr_assert(eq(int, identity.trust, WR_TRUST_PACKAGE));
        cr_assert(eq(str, identity.package, "org.weir.Camera"));
}

#define FORGED_CONNECT                                                                                        \
        "exec perl -e \"use Socket; socket(S, AF_UNIX, 5, 0) && connect(S, sockaddr_un(\\$ARGV[0])) or die; " \
        "sleep 1000\" \"$1\""
#define FORGED                                                                                                       \
        "printf '[Application]\\nname=org.weir.Viewer\\n' > /tmp/f; exec 8< /tmp/f; exec bwrap --ro-bind /usr /usr " \
        "--symlink usr/lib /lib --symlink usr/lib64 /lib64 --symlink usr/bin /bin --proc /proc --dev /dev "          \
        "--bind ${1%/*} ${1%/*} --ro-bind-data 8 /.flatpak-info /bin/sh -c '" FORGED_CONNECT "' sh \"$1\""

Test(identity_attempts, a_nested_sandbox_with_another_file_is_refused_at_the_package_socket)
{
        struct sandbox box = { SANDBOX_OPEN, "org.weir.Camera", fixture_mount, FORGED, fixture_socket };
        struct wr_identity identity;

        cr_assert(eq(int, ask_sandbox(0, &box, "org.weir.Camera", &identity), WEIR_E_DENIED));
        cr_assert_not_null(strstr(fixture_why, "org.weir.Camera"));
        cr_assert_not_null(strstr(fixture_why, "org.weir.Viewer"));
        cr_assert(eq(int, ask_sandbox(CHILD_NOBODY, &box, "org.weir.Camera", &identity), WEIR_E_DENIED));
        cr_assert_not_null(strstr(fixture_why, "org.weir.Viewer"));
}

/* The line of the demo bars it before it can begin: nothing connects, so bwrap's failure is all there is to see. */
Test(identity_attempts, a_closed_sandbox_can_neither_nest_nor_shed)
{
        struct sandbox nest = { SANDBOX_CLOSED, "org.weir.Camera", "--remount-ro /",
                                "bwrap --unshare-all --ro-bind / / true 2> /dev/null && exit 3; "
                                "unshare -U true 2> /dev/null && exit 4; umount /.flatpak-info 2> /dev/null && exit 5; "
                                "rm -f /.flatpak-info 2> /dev/null && exit 6; exit 7",
                                "unused" };

        cr_assert(eq(int, child_wait(sandbox_start(0, &nest)), 7));
        cr_assert(eq(int, child_wait(sandbox_start(CHILD_NOBODY, &nest)), 7));
}

Test(identity_attempts, the_whole_root_of_the_host_in_another_namespace_is_no_full_trust)
{
        struct sandbox box = { "--ro-bind / / --dev /dev --unshare-pid --die-with-parent", NULL, fixture_mount,
                               SANDBOX_CONNECT, fixture_socket };
        struct wr_identity identity;

        cr_assert(eq(int, ask_sandbox(0, &box, NULL, &identity), WEIR_OK), "%s", fixture_why);
        cr_assert(eq(int, identity.trust, WR_TRUST_CONFINED));
        cr_assert(eq(int, ask_sandbox(CHILD_NOBODY, &box, NULL, &identity), WEIR_OK), "%s", fixture_why);
        cr_assert(eq(int, identity.trust, WR_TRUST_CONFINED));
}

static int
connect_then_chroot(void *argument)
{
        wr_object connection;

        (void)argument;
        if (wr_endpoint_connect(&connection, fixture_socket, NULL, 0) != WEIR_OK || chroot("/usr") != 0)
                return CHILD_CANNOT_BEGIN;
        if (wr_endpoint_send(connection, "r", 1, NULL, 0) != WEIR_OK)
                return CHILD_CANNOT_BEGIN;
        for (;;)
                pause();
}

/* Until the peer says that it is where it wants to be. */
static void
await_byte(wr_object connection)
{
        struct pollfd wait = { .fd = connection, .events = POLLIN };
        char byte;
        size_t size;

        cr_assert(eq(int, poll(&wait, 1, 20000), 1));
        cr_assert(eq(int, wr_endpoint_receive(connection, &byte, 1, &size, NULL, NULL), WEIR_OK));
}

Test(identity_attempts, another_root_in_our_namespace_is_no_full_trust)
{
        pid_t child = child_start(0, connect_then_chroot, NULL);
        wr_object connection = fixture_accept();
        struct wr_identity identity;

        await_byte(connection);
        cr_assert(eq(int, fixture_ask(connection, NULL, &identity), WEIR_OK), "%s", fixture_why);
        cr_assert(eq(int, identity.trust, WR_TRUST_CONFINED));
        cr_assert(eq(str, identity.why, "another root directory"));
        fixture_end(child, connection);
}

/* The file has to be plain, readable and on tmpfs, where Flatpak and bubblewrap put it. */
Test(identity_attempts, a_file_that_names_nobody_or_is_no_file_is_refused)
{
        static const char *const lines[] = {
                SANDBOX_CLOSED " --symlink /usr/bin/env /.flatpak-info",
                SANDBOX_CLOSED " --dir /.flatpak-info",
                SANDBOX_CLOSED " --ro-bind /dev/null /.flatpak-info",
                SANDBOX_CLOSED " --ro-bind /etc/passwd /.flatpak-info",
        };
        struct wr_identity identity;

        for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
                struct sandbox box = { lines[i], NULL, fixture_mount, SANDBOX_CONNECT, fixture_socket };

                cr_assert(eq(int, ask_sandbox(0, &box, NULL, &identity), WEIR_E_DENIED), "%s", lines[i]);
                cr_assert_not_null(strstr(fixture_why, ".flatpak-info"), "%s", fixture_why);
        }
}

/* A good file, but on a disk: it could as well be on a file system that the peer serves. */
Test(identity_attempts, a_file_that_is_not_on_tmpfs_is_not_read)
{
        char file[] = "/var/tmp/weir-info-XXXXXX", mount[256];
        const char text[] = "[Application]\nname=org.weir.Camera\n";
        struct sandbox box = { SANDBOX_CLOSED, NULL, mount, SANDBOX_CONNECT, fixture_socket };
        struct wr_identity identity;
        int fd = mkstemp(file);

        cr_assert(eq(long, write(fd, text, sizeof text - 1), sizeof text - 1));
        close(fd);
        snprintf(mount, sizeof mount, "%s --ro-bind %s /.flatpak-info", fixture_mount, file);
        cr_assert(eq(int, ask_sandbox(0, &box, NULL, &identity), WEIR_E_DENIED));
        unlink(file);
}

struct foreign_ask {
        wr_object connection;
        const char *package;
        const char *sentence;
};

static int
ask_as_other_user(void *argument)
{
        const struct foreign_ask *ask = argument;
        struct wr_identity identity;
        wr_object process;
        char why[512];
        enum weir_result result = wr_identity_of(ask->connection, ask->package, &identity, &process, why, sizeof why);

        if (ask->package != NULL)
                return result == WEIR_OK && identity.trust == WR_TRUST_PACKAGE ? 0 : 1;
        return result == WEIR_E_DENIED && process == WR_NO_OBJECT && strstr(why, ask->sentence) != NULL ? 0 : 2;
}

/* EACCES is not ENOENT: a broker that may not look has no proof, so nobody is trusted. */
Test(identity_attempts, what_the_broker_may_not_read_is_refused_except_at_a_package_socket)
{
        pid_t child = child_start(CHILD_NOBODY, fixture_connect, NULL);
        wr_object connection = fixture_accept();
        struct foreign_ask ordinary = { connection, NULL, "may not look" };
        struct foreign_ask package = { connection, "org.weir.Camera", NULL };

        cr_assert(eq(int, child_run(CHILD_STRANGER, ask_as_other_user, &ordinary), 0));
        cr_assert(eq(int, child_run(CHILD_STRANGER, ask_as_other_user, &package), 0));
        fixture_end(child, connection);
}

static int
ask_from_inside(void *argument)
{
        struct foreign_ask *ask = argument;

        if (unshare(CLONE_NEWPID) != 0)
                return CHILD_CANNOT_BEGIN;
        return child_run(0, ask_as_other_user, ask);
}

Test(identity_attempts, a_process_outside_of_the_brokers_pid_namespace_is_refused_with_a_sentence)
{
        pid_t child = child_start(0, fixture_connect, NULL);
        wr_object connection = fixture_accept();
        struct foreign_ask ask = { connection, NULL, "pid namespace" };

        cr_assert(eq(int, child_run(0, ask_from_inside, &ask), 0));
        fixture_end(child, connection);
}

/* The peer ends; a child of it keeps the connection open, and another process gets its pid. */
static int
leave_connection_behind(void *argument)
{
        wr_object connection;

        (void)argument;
        if (wr_endpoint_connect(&connection, fixture_socket, NULL, 0) != WEIR_OK || fork() < 0)
                return CHILD_CANNOT_BEGIN;
        return 0;
}

static int
stay(void *argument)
{
        (void)argument;
        return pause();
}

/* Makes the pid of an ended process that of a new one, if others on this machine do not take it first. */
static pid_t
reuse_pid(pid_t pid)
{
        for (int i = 0; i < 200; i++) {
                FILE *last = fopen("/proc/sys/kernel/ns_last_pid", "w");
                pid_t child;

                if (last == NULL)
                        break;
                fprintf(last, "%d", (int)pid - 1);
                fclose(last);
                child = child_start(0, stay, NULL);
                if (child == pid)
                        return child;
                kill(child, SIGKILL);
                child_wait(child);
        }
        return child_start(0, stay, NULL);
}

Test(identity_attempts, an_ended_peer_is_refused_also_when_its_pid_has_come_back)
{
        pid_t child = child_start(0, leave_connection_behind, NULL), heir;
        wr_object connection = fixture_accept();
        struct wr_identity identity;

        cr_assert(eq(int, child_wait(child), 0));
        cr_assert(eq(int, fixture_ask(connection, NULL, &identity), WEIR_E_DENIED));
        cr_assert_not_null(strstr(fixture_why, "ended"));
        heir = reuse_pid(child);
        cr_assert(eq(int, fixture_ask(connection, NULL, &identity), WEIR_E_DENIED));
        cr_assert_not_null(strstr(fixture_why, "ended"));
        kill(heir, SIGKILL);
        child_wait(heir);
        wr_object_close(connection);
}

/* A sandboxed program that replaces itself all the time, with its file there or not, stays what it is. */
Test(identity_attempts, a_peer_that_execs_while_it_is_read_gains_nothing)
{
        struct sandbox box = { SANDBOX_CLOSED, "org.weir.Camera", fixture_mount,
                               "echo 'exec /bin/sh /tmp/again' > /tmp/again; exec perl -e 'use Socket; $^F = 99; "
                               "socket(S, AF_UNIX, 5, 0) && connect(S, sockaddr_un($ARGV[0])) or die; "
                               "exec \"/bin/sh\", \"/tmp/again\"' \"$1\"",
                               fixture_socket };
        char mount[256];
        pid_t child;
        wr_object connection;
        struct wr_identity identity;
        int seen = 0;

        snprintf(mount, sizeof mount, "--tmpfs /tmp %s", fixture_mount);
        box.mount = mount;
        child = sandbox_start(0, &box);
        connection = fixture_accept();
        for (int i = 0; i < 300; i++) {
                if (fixture_ask(connection, NULL, &identity) != WEIR_OK)
                        continue;
                cr_assert(eq(int, identity.trust, WR_TRUST_PACKAGE));
                cr_assert(eq(str, identity.package, "org.weir.Camera"));
                seen++;
        }
        cr_assert(gt(int, seen, 0));
        fixture_end(child, connection);
}
