/* Directories that are not ours, servers that are somebody else, and messages with what nobody asked for. */
#include "named-objects/endpoint.h"

#include "named-objects/kernel_linux.h"
#include "tests/hostile/sandbox.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char base[] = "/tmp/weir-attempt-XXXXXX", directory[64], path[96], why[4096];

static void
make_base(void)
{
        cr_assert_not_null(mkdtemp(base));
        cr_assert(eq(int, chmod(base, 0755), 0));
        snprintf(directory, sizeof directory, "%s/weir", base);
        snprintf(path, sizeof path, "%s/bus", directory);
}

static void
remove_base(void)
{
        char command[64];

        snprintf(command, sizeof command, "rm -rf '%s'", base);
        cr_assert(eq(int, system(command), 0));
}

TestSuite(endpoint_attempts, .init = make_base, .fini = remove_base, .timeout = 60);

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

Test(endpoint_attempts, a_directory_of_somebody_else_is_refused)
{
        cr_assert(eq(int, mkdir(directory, 0700), 0));
        cr_assert(eq(int, chown(directory, CHILD_STRANGER, 0), 0));
        expect_refused_directory("belongs to user 54321");
}

Test(endpoint_attempts, a_directory_that_others_may_write_is_refused)
{
        cr_assert(eq(int, mkdir(directory, 0700), 0));
        cr_assert(eq(int, chmod(directory, 0770), 0));
        expect_refused_directory("written by others");
        cr_assert(eq(int, chmod(directory, 01777), 0));
        expect_refused_directory("written by others");
}

Test(endpoint_attempts, a_symbolic_link_or_a_file_is_no_directory)
{
        char real[96];

        snprintf(real, sizeof real, "%s/real", base);
        cr_assert(eq(int, mkdir(real, 0700), 0));
        cr_assert(eq(int, symlink(real, directory), 0));
        expect_refused_directory("symbolic link");
        /* A slash at the end would make the kernel follow it. */
        strcat(directory, "/");
        cr_assert(eq(int, wr_endpoint_directory(directory, why, sizeof why), WEIR_E_DENIED));
        directory[strlen(directory) - 1] = '\0';
        unlink(directory);
        close(open(directory, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        expect_refused_directory("a file");
}

Test(endpoint_attempts, a_directory_that_others_may_replace_is_refused)
{
        cr_assert(eq(int, mkdir(directory, 0700), 0));
        cr_assert(eq(int, chmod(base, 0777), 0));
        expect_refused_directory("replace");
        cr_assert(eq(int, chmod(base, 01777), 0)); /* as /tmp is: only the owner may */
        cr_assert(eq(int, wr_endpoint_directory(directory, why, sizeof why), WEIR_OK), "%s", why);
        cr_assert(eq(int, chown(base, CHILD_STRANGER, 0), 0)); /* or the owner of the one above */
        expect_refused_directory("replace");
}

Test(endpoint_attempts, a_directory_without_a_parent_cannot_be_made)
{
        strcat(directory, "/a/b");
        cr_assert(lt(int, wr_endpoint_directory(directory, why, sizeof why), 0));
        cr_assert_not_null(strstr(why, directory));
        cr_assert(lt(int, wr_endpoint_directory("", why, sizeof why), 0));
}

static wr_object
listen_here(void)
{
        wr_object listener;

        cr_assert(eq(int, wr_endpoint_directory(directory, why, sizeof why), WEIR_OK), "%s", why);
        cr_assert(eq(int, wr_endpoint_listen(&listener, path, why, sizeof why), WEIR_OK), "%s", why);
        return listener;
}

Test(endpoint_attempts, what_is_no_socket_is_not_replaced)
{
        wr_object listener;

        cr_assert(eq(int, mkdir(directory, 0700), 0));
        close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        cr_assert(eq(int, wr_endpoint_listen(&listener, path, why, sizeof why), WEIR_E_DENIED));
        cr_assert_not_null(strstr(why, "something else"));
        cr_assert(eq(int, access(path, F_OK), 0));
}

Test(endpoint_attempts, a_socket_of_another_kind_is_no_broker)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int stream = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        wr_object connection;

        cr_assert(eq(int, mkdir(directory, 0700), 0));
        strcpy(address.sun_path, path);
        cr_assert(eq(int, bind(stream, (struct sockaddr *)&address, sizeof address), 0));
        cr_assert(eq(int, listen(stream, 1), 0));
        cr_assert(eq(int, wr_endpoint_connect(&connection, path, why, sizeof why), WEIR_E_NO_BROKER));
        cr_assert_not_null(strstr(why, "no weir broker"));
}

/* A server of that user, in whatever directory there is; a byte tells that it listens. */
struct server {
        int ready[2];
};

static int
serve(void *argument)
{
        const struct server *server = argument;
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        strcpy(address.sun_path, path);
        umask(0);
        if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 5) != 0)
                return CHILD_CANNOT_BEGIN;
        if (write(server->ready[1], "r", 1) != 1)
                return CHILD_CANNOT_BEGIN;
        return pause();
}

static pid_t
start_server(uid_t user)
{
        struct server server;
        char byte;
        pid_t child;

        cr_assert(eq(int, pipe(server.ready), 0));
        child = child_start(user, serve, &server);
        close(server.ready[1]);
        cr_assert(eq(int, (int)read(server.ready[0], &byte, 1), 1));
        return child;
}

/* What a client gets, as 100 and the result: an exit status is not negative. */
static int
connect_result(void *argument)
{
        wr_object connection;
        enum weir_result result = wr_endpoint_connect(&connection, path, why, sizeof why);

        (void)argument;
        if (result == WEIR_E_DENIED && strstr(why, "WEIR_BROKER") == NULL)
                return 1; /* a refusal says what to do */
        return 100 + result;
}

static void
expect_connect(uid_t user, enum weir_result result)
{
        cr_assert(eq(int, child_run(user, connect_result, NULL), 100 + result), "as user %d", (int)user);
}

Test(endpoint_attempts, a_squatter_in_a_directory_for_all_is_not_believed)
{
        pid_t squatter;

        cr_assert(eq(int, chmod(base, 01777), 0));
        cr_assert(eq(int, mkdir(directory, 0755), 0));
        cr_assert(eq(int, chown(directory, CHILD_STRANGER, 0), 0));
        squatter = start_server(CHILD_STRANGER);
        expect_connect(0, WEIR_E_DENIED);
        expect_connect(CHILD_NOBODY, WEIR_E_DENIED);
        expect_connect(CHILD_STRANGER, WEIR_OK); /* itself it may believe */
        kill(squatter, SIGKILL);
        child_wait(squatter);
}

Test(endpoint_attempts, a_directory_that_is_closed_to_us_has_no_broker_for_us)
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

Test(endpoint_attempts, a_server_of_another_user_in_a_directory_of_a_third_is_not_believed)
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

Test(endpoint_attempts, the_broker_of_another_user_is_believed_where_nobody_could_squat)
{
        pid_t server;

        cr_assert(eq(int, mkdir(directory, 0755), 0));
        cr_assert(eq(int, chown(directory, CHILD_STRANGER, 0), 0));
        server = start_server(CHILD_STRANGER);
        expect_connect(CHILD_NOBODY, WEIR_OK); /* the parent is root's and closed */
        kill(server, SIGKILL);
        child_wait(server);
}

Test(endpoint_attempts, a_client_follows_no_symbolic_link_to_a_broker_and_believes_root)
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

Test(endpoint_attempts, a_sandboxed_client_connects_whoever_runs_it)
{
        wr_object listener = listen_here();
        char mount[256];

        cr_assert(eq(int, chmod(directory, 0755), 0));
        snprintf(mount, sizeof mount, "--bind %s /run/weir/bus", path);
        cr_assert(eq(int, connect_from_sandbox(0, "/run/weir/bus", mount), WEIR_OK));
        cr_assert(eq(int, connect_from_sandbox(CHILD_NOBODY, "/run/weir/bus", mount), WEIR_OK));
        cr_assert(eq(int, connect_from_sandbox(CHILD_STRANGER, "/run/weir/bus", mount), WEIR_OK));
        snprintf(mount, sizeof mount, "--ro-bind %s /run/weir", directory);
        cr_assert(eq(int, connect_from_sandbox(CHILD_NOBODY, "/run/weir/bus", mount), WEIR_OK));
        wr_object_close(listener);
        cr_assert(eq(int, connect_from_sandbox(CHILD_NOBODY, "/run/weir/bus", mount), WEIR_E_NO_BROKER));
}

Test(endpoint_attempts, a_sandbox_with_a_directory_that_all_may_write_believes_nobody)
{
        wr_object listener = listen_here();
        char mount[256];

        cr_assert(eq(int, chmod(directory, 0755), 0));
        snprintf(mount, sizeof mount, "--perms 1777 --tmpfs /tmp --bind %s /tmp/bus", path);
        cr_assert(eq(int, connect_from_sandbox(CHILD_NOBODY, "/tmp/bus", mount), WEIR_E_DENIED));
        /* The same one step above: anybody of whom nothing is known could have made the directory. */
        snprintf(mount, sizeof mount, "--perms 1777 --tmpfs /tmp --bind %s /tmp/weir", directory);
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

/* As a client would that does not use our library. */
static int
send_raw(int fd, const int *descriptors, size_t count, size_t size)
{
        char control[CMSG_SPACE(16 * sizeof(int))] = { 0 }, bytes[64] = { 1 };
        struct iovec piece = { bytes, size };
        struct msghdr message = { .msg_iov = &piece,
                                  .msg_iovlen = 1,
                                  .msg_control = control,
                                  .msg_controllen = CMSG_SPACE(count * sizeof(int)) };
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);

        *header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(count * sizeof(int)),
                                    .cmsg_level = SOL_SOCKET,
                                    .cmsg_type = SCM_RIGHTS };
        memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
        return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
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

/* With the kernel's help the sender is told; without it the message is spoiled. Also before the accept. */
Test(endpoint_attempts, descriptors_never_arrive_at_the_broker)
{
        wr_object listener = listen_here(), client, server;
        int count, option = 0, sent;
        socklen_t size = sizeof option;
        bool is_helped = getsockopt(listener, SOL_SOCKET, SO_PASSRIGHTS, &option, &size) == 0;

        cr_assert(eq(int, wr_endpoint_connect(&client, path, why, sizeof why), WEIR_OK));
        sent = send_raw(client, four, 4, 8);
        cr_assert(eq(int, sent, is_helped ? EPERM : 0));
        cr_assert(eq(int, wr_endpoint_accept(listener, &server), WEIR_OK));
        count = open_count();
        cr_assert(eq(int, receive(server, 0, 64), is_helped ? WEIR_EMPTY : WEIR_E_CORRUPT));
        if (is_helped)
                cr_assert(eq(int, wr_endpoint_send(client, "x", 1, four, 1), WEIR_E_DENIED));
        cr_assert(eq(int, open_count(), count));
        cr_assert(eq(int, wr_endpoint_send(server, "x", 1, four, 4), WEIR_OK)); /* the other way they go */
}

Test(endpoint_attempts, without_the_kernels_help_descriptors_that_nobody_wants_spoil_the_message)
{
        int ends[2], count;

        pair_of(ends);
        count = open_count();
        cr_assert(eq(int, send_raw(ends[0], four, 4, 8), 0));
        cr_assert(eq(int, receive(ends[1], 0, 64), WEIR_E_CORRUPT));
        cr_assert(eq(int, open_count(), count));
}

Test(endpoint_attempts, more_descriptors_than_wanted_spoil_the_message_and_none_stays)
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

Test(endpoint_attempts, descriptors_that_find_no_number_spoil_the_message_and_none_stays)
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

Test(endpoint_attempts, a_message_longer_than_the_room_is_corrupt_and_its_descriptors_are_closed)
{
        int ends[2], count;

        pair_of(ends);
        count = open_count();
        cr_assert(eq(int, wr_endpoint_send(ends[0], "too long", 8, four, 2), WEIR_OK));
        cr_assert(eq(int, receive(ends[1], 2, 7), WEIR_E_CORRUPT));
        cr_assert(eq(int, open_count(), count));
}

Test(endpoint_attempts, an_empty_message_is_the_end_or_corrupt_and_never_a_message)
{
        int ends[2], count;

        pair_of(ends);
        count = open_count();
        cr_assert(eq(int, (int)send(ends[0], "", 0, 0), 0));
        cr_assert(eq(int, receive(ends[1], 0, 64), WEIR_E_CLOSED));
        cr_assert(eq(int, send_raw(ends[0], four, 1, 0), 0));
        cr_assert(eq(int, receive(ends[1], 1, 64), WEIR_E_CORRUPT));
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
Test(endpoint_attempts, a_peer_that_never_reads_makes_a_quota_error_of_descriptors_in_flight)
{
        int ends[2], room = 1 << 20;

        pair_of(ends);
        cr_assert(eq(int, setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room), 0));
        cr_assert(eq(int, child_run(CHILD_STRANGER, send_until_refused, ends), 100 + WEIR_E_QUOTA));
}
