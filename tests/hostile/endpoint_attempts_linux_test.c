/* Directories that are not ours, servers in them, and descriptors with what nobody asked for. What both systems know of
 * such attempts: endpoint_attempts_test.c. */
#include "tests/contract/endpoint_kit.h"
#include "tests/hostile/sandbox.h"

#include <dirent.h>
#include <sys/resource.h>

#include "tests/hostile/endpoint_attempts_linux.h"

static void
make_base(void)
{
        kit_begin();
        cr_assert(eq(int, rmdir(directory), 0));
        cr_assert(eq(int, chmod(base, 0755), 0));
}

TestSuite(endpoint_attempts_linux, .init = make_base, .fini = kit_end, .timeout = 60);

static void
expect_refused_directory(const char *word)
{
        wr_object listener = 3;

        why[0] = '\0';
        cr_assert(eq(int, wr_endpoint_directory(directory, why, sizeof why), WEIR_E_DENIED), "%s", why);
        cr_assert_not_null(strstr(why, word), "'%s' says '%s'", why, word);
        cr_assert_not_null(strstr(why, directory));
        cr_assert(eq(int, wr_endpoint_listen(&listener, path, NULL, 0), WEIR_E_DENIED));
        cr_assert(eq(int, listener, WR_NO_OBJECT));
}

Test(endpoint_attempts_linux, a_directory_of_somebody_else_is_refused)
{
        cr_assert(eq(int, mkdir(directory, 0700), 0));
        cr_assert(eq(int, chown(directory, CHILD_STRANGER, 0), 0));
        expect_refused_directory("belongs to user 54321");
}

Test(endpoint_attempts_linux, a_directory_that_others_may_write_is_refused)
{
        cr_assert(eq(int, mkdir(directory, 0700), 0));
        cr_assert(eq(int, chmod(directory, 0770), 0));
        expect_refused_directory("written by others");
        cr_assert(eq(int, chmod(directory, 01777), 0));
        expect_refused_directory("written by others");
}

Test(endpoint_attempts_linux, a_directory_that_others_may_replace_is_refused)
{
        cr_assert(eq(int, mkdir(directory, 0700), 0));
        cr_assert(eq(int, chmod(base, 0777), 0));
        expect_refused_directory("replace");
        cr_assert(eq(int, chmod(base, 01777), 0)); /* as /tmp is: only the owner may */
        cr_assert(eq(int, wr_endpoint_directory(directory, why, sizeof why), WEIR_OK), "%s", why);
        cr_assert(eq(int, chown(base, CHILD_STRANGER, 0), 0)); /* or the owner of the one above */
        expect_refused_directory("replace");
}

static wr_object
listen_here(void)
{
        wr_object listener;

        cr_assert(eq(int, wr_endpoint_directory(directory, why, sizeof why), WEIR_OK), "%s", why);
        cr_assert(eq(int, wr_endpoint_listen(&listener, path, why, sizeof why), WEIR_OK), "%s", why);
        return listener;
}

Test(endpoint_attempts_linux, a_directory_that_is_closed_to_us_has_no_broker_for_us)
{
        pid_t server;

        cr_assert(eq(int, chmod(base, 0755), 0));
        cr_assert(eq(int, mkdir(directory, 0700), 0));
        expect_connect(CHILD_NOBODY, WEIR_E_NO_BROKER); /* as a broker of root leaves it */
        server = start_server(0);
        expect_connect(CHILD_NOBODY, WEIR_E_NO_BROKER);
        expect_connect(0, WEIR_OK);
        kill(server, SIGKILL);
        child_wait(server);
}

Test(endpoint_attempts_linux, a_server_of_another_user_in_a_directory_of_a_third_is_not_believed)
{
        pid_t server;

        cr_assert(eq(int, mkdir(directory, 0700), 0));
        cr_assert(eq(int, chmod(directory, 0777), 0));
        server = start_server(CHILD_STRANGER);
        expect_connect(0, WEIR_E_DENIED); /* others may write it */
        cr_assert(eq(int, chmod(directory, 0755), 0));
        expect_connect(0, WEIR_E_DENIED); /* and now they may not, but one did */
        expect_connect(CHILD_NOBODY, WEIR_E_DENIED);
        kill(server, SIGKILL);
        child_wait(server);
}

Test(endpoint_attempts_linux, a_client_follows_no_symbolic_link_to_a_broker_and_believes_root)
{
        char real[96];
        pid_t server;

        cr_assert(eq(int, mkdir(directory, 0755), 0));
        server = start_server(0);
        expect_connect(CHILD_NOBODY, WEIR_OK);
        snprintf(real, sizeof real, "%s/real", base);
        cr_assert(eq(int, rename(directory, real), 0));
        cr_assert(eq(int, symlink(real, directory), 0));
        expect_connect(CHILD_NOBODY, WEIR_E_DENIED);
        kill(server, SIGKILL);
        child_wait(server);
}

/* This program, run inside a sandbox, does nothing but connect: before Criterion's main, which wants more of a system.
 */
__attribute__((constructor)) static void
connect_and_end(void)
{
        const char *address = getenv("WEIR_TEST_CONNECT");
        wr_object connection;

        if (address != NULL)
                _exit(100 + (int)wr_endpoint_connect(&connection, address, NULL, 0));
}

static int
connect_from_sandbox(uid_t user, const char *address, const char *mount)
{
        char self[1024], line[4096];
        ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
        struct sandbox box = { SANDBOX_CLOSED, "org.weir.Camera", line, "exec /test", path };

        cr_assert(gt(int, (int)length, 0));
        self[length] = '\0';
        snprintf(line, sizeof line,
                 "--perms 0755 --ro-bind-data 8 /test %s --remount-ro / "
                 "--setenv ASAN_OPTIONS detect_leaks=0 --setenv WEIR_TEST_CONNECT %s",
                 mount, address);
        /* As data, since another user may not reach the folder of the build. */
        cr_assert(eq(int, dup2(open(self, O_RDONLY), 8), 8));
        return child_wait(sandbox_start(user, &box)) - 100;
}

Test(endpoint_attempts_linux, a_sandboxed_client_connects_whoever_runs_it)
{
        wr_object listener = listen_here();
        char mount[256];

        cr_assert(eq(int, chmod(directory, 0755), 0));
        snprintf(mount, sizeof mount, "--bind %.100s /run/weir/bus", path);
        cr_assert(eq(int, connect_from_sandbox(0, "/run/weir/bus", mount), WEIR_OK));
        cr_assert(eq(int, connect_from_sandbox(CHILD_NOBODY, "/run/weir/bus", mount), WEIR_OK));
        cr_assert(eq(int, connect_from_sandbox(CHILD_STRANGER, "/run/weir/bus", mount), WEIR_OK));
        snprintf(mount, sizeof mount, "--ro-bind %.100s /run/weir", directory);
        cr_assert(eq(int, connect_from_sandbox(CHILD_NOBODY, "/run/weir/bus", mount), WEIR_OK));
        wr_object_close(listener);
        cr_assert(eq(int, connect_from_sandbox(CHILD_NOBODY, "/run/weir/bus", mount), WEIR_E_NO_BROKER));
}

Test(endpoint_attempts_linux, a_sandbox_with_a_directory_that_all_may_write_believes_nobody)
{
        wr_object listener = listen_here();
        char mount[256];

        cr_assert(eq(int, chmod(directory, 0755), 0));
        snprintf(mount, sizeof mount, "--perms 1777 --tmpfs /tmp --bind %.100s /tmp/bus", path);
        cr_assert(eq(int, connect_from_sandbox(CHILD_NOBODY, "/tmp/bus", mount), WEIR_E_DENIED));
        /* The same one step above: anybody of whom nothing is known could have made the directory. */
        snprintf(mount, sizeof mount, "--perms 1777 --tmpfs /tmp --bind %.100s /tmp/weir", directory);
        cr_assert(eq(int, connect_from_sandbox(CHILD_NOBODY, "/tmp/weir/bus", mount), WEIR_E_DENIED));
        cr_assert(eq(int, connect_from_sandbox(0, "/tmp/weir/bus", mount), WEIR_OK)); /* of us it is known */
        wr_object_close(listener);
}

static int
open_count(void)
{
        DIR *list = opendir("/proc/self/fd");
        int count = 0;

        while (readdir(list) != NULL)
                count++;
        closedir(list);
        return count;
}

static void
pair_of(int ends[2])
{
        cr_assert(eq(int, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0));
}

static enum weir_result
receive(int fd, size_t expected, size_t room)
{
        wr_object objects[16];
        size_t size, count = expected;
        char bytes[64];

        return wr_endpoint_receive(fd, bytes, room, &size, objects, expected != 0 ? &count : NULL);
}

static const int four[4] = { 0, 1, 2, 2 };

Test(endpoint_attempts_linux, without_the_kernels_help_descriptors_that_nobody_wants_spoil_the_message)
{
        int ends[2], count;

        pair_of(ends);
        count = open_count();
        cr_assert(eq(int, send_raw(ends[0], four, 4, 8), 0));
        cr_assert(eq(int, receive(ends[1], 0, 64), WEIR_E_CORRUPT));
        cr_assert(eq(int, open_count(), count));
}

Test(endpoint_attempts_linux, the_padding_behind_an_odd_number_is_no_room_for_one_more)
{
        int ends[2], count;

        pair_of(ends);
        count = open_count();
        cr_assert(eq(int, send_raw(ends[0], four, 4, 8), 0));
        cr_assert(eq(int, receive(ends[1], 2, 64), WEIR_E_CORRUPT));
        /* The padding behind an odd number has room for one more. */
        cr_assert(eq(int, send_raw(ends[0], four, 2, 8), 0));
        cr_assert(eq(int, receive(ends[1], 1, 64), WEIR_E_CORRUPT));
        cr_assert(eq(int, open_count(), count));
        cr_assert(eq(int, send_raw(ends[0], four, 2, 8), 0));
        cr_assert(eq(int, receive(ends[1], 2, 64), WEIR_OK));
        cr_assert(eq(int, open_count(), count + 2));
}

Test(endpoint_attempts_linux, descriptors_that_find_no_number_spoil_the_message_and_none_stays)
{
        struct rlimit limit, low;
        int ends[2], count, highest;

        pair_of(ends);
        highest = dup(ends[1]);
        for (int fd = 0; fd < highest; fd++) { /* no gaps below */
                if (fcntl(fd, F_GETFD) < 0)
                        cr_assert(eq(int, dup2(ends[0], fd), fd));
        }
        cr_assert(eq(int, getrlimit(RLIMIT_NOFILE, &limit), 0));
        low = (struct rlimit){ (rlim_t)highest + 3, limit.rlim_max }; /* room for two */
        count = open_count();
        cr_assert(eq(int, send_raw(ends[0], four, 4, 8), 0));
        cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &low), 0));
        cr_assert(eq(int, receive(ends[1], 4, 64), WEIR_E_CORRUPT));
        cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &limit), 0));
        cr_assert(eq(int, open_count(), count));
}

static int
send_until_refused(void *argument)
{
        const int *ends = argument;
        struct rlimit low = { 64, 64 };
        enum weir_result result = WEIR_OK;

        if (setrlimit(RLIMIT_NOFILE, &low) != 0)
                return CHILD_CANNOT_BEGIN;
        for (int i = 0; i < 1000 && result == WEIR_OK; i++)
                result = wr_endpoint_send(ends[0], "x", 1, four, 4);
        return 100 + result;
}

/* Descriptors in flight are counted per user, so a peer that does not read must not cost more than an error. */
Test(endpoint_attempts_linux, a_peer_that_never_reads_makes_a_quota_error_of_descriptors_in_flight)
{
        int ends[2], room = 1 << 20;

        pair_of(ends);
        cr_assert(eq(int, setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room), 0));
        cr_assert(eq(int, child_run(CHILD_STRANGER, send_until_refused, ends), 100 + WEIR_E_QUOTA));
}
