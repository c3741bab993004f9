/* Included by the tests of endpoint attempts alone: servers of other users, and messages that no library of ours
 * sends. */
#ifndef ENDPOINT_ATTEMPTS_LINUX_H
#define ENDPOINT_ATTEMPTS_LINUX_H

#include "named-objects/kernel_linux.h"
#include "tests/hostile/child.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>

/* A server of that user, in whatever directory there is; a byte tells that it listens. */
struct server {
        int ready[2];
};

static inline int
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

static inline pid_t
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
static inline int
connect_result(void *argument)
{
        wr_object connection;
        enum weir_result result = wr_endpoint_connect(&connection, path, why, sizeof why);

        (void)argument;
        if (result == WEIR_E_DENIED && strstr(why, "WEIR_BROKER") == NULL)
                return 1; /* a refusal says what to do */
        return 100 + result;
}

static inline void
expect_connect(uid_t user, enum weir_result result)
{
        cr_assert(eq(int, child_run(user, connect_result, NULL), 100 + result), "as user %d", (int)user);
}

/* As a client would that does not use our library. */
static inline int
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

/* ---- what the portable stories need --------------------------------------------------------------------------- */

/* Is it a way to a directory? None of what is made here is. */
static inline bool
link_make(const char *at, const char *to)
{
        return symlink(to, at) == 0;
}

static inline void
link_remove(const char *at)
{
        unlink(at);
}

/* Somebody's, in every place where a broker could be. */
static inline void
places_take(void)
{
        close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

static inline bool
places_are_taken(void)
{
        return access(path, F_OK) == 0;
}

#define PLACES_TOLD "something else"

enum { STREAM_IS = WEIR_E_NO_BROKER };

/* A server of ours that speaks in a stream, and not in messages. */
static inline void
stream_serve(void)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int stream = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        strcpy(address.sun_path, path);
        cr_assert(eq(int, bind(stream, (struct sockaddr *)&address, sizeof address), 0));
        cr_assert(eq(int, listen(stream, 1), 0));
}

static pid_t squatter_process;

#define SQUATTER_TOLD "WEIR_BROKER" /* a refusal says what to do */

/* Who is none of ours, in a directory that all may write into; nobody believes it but itself. */
static inline void
squatter_begin(void)
{
        cr_assert(eq(int, chmod(base, 01777), 0));
        cr_assert(eq(int, chmod(directory, 0755), 0));
        cr_assert(eq(int, chown(directory, CHILD_STRANGER, 0), 0));
        squatter_process = start_server(CHILD_STRANGER);
        expect_connect(CHILD_NOBODY, WEIR_E_DENIED);
        expect_connect(CHILD_STRANGER, WEIR_OK);
}

/* A server of another user where nobody could have squatted: the parent is root's and closed. */
static inline void
neighbour_begin(void)
{
        cr_assert(eq(int, chmod(base, 0755), 0));
        cr_assert(eq(int, chmod(directory, 0755), 0));
        cr_assert(eq(int, chown(directory, CHILD_STRANGER, 0), 0));
        squatter_process = start_server(CHILD_STRANGER);
        expect_connect(CHILD_NOBODY, WEIR_OK);
}

static inline void
squatter_end(void)
{
        kill(squatter_process, SIGKILL);
        child_wait(squatter_process);
}

/* Says it with objects, which only a broker may. What the broker then receives; WEIR_EMPTY: the kernel did not let it
 * be sent. */
static inline enum weir_result
say_with_objects(wr_object listener, wr_object client)
{
        static const int four[4] = { 0, 1, 2, 2 };
        int option = 0, sent = send_raw(client, four, 4, 8);
        socklen_t size = sizeof option;
        bool is_helped = getsockopt(listener, SOL_SOCKET, SO_PASSRIGHTS, &option, &size) == 0;

        cr_assert(eq(int, sent, is_helped ? EPERM : 0));
        if (is_helped)
                cr_assert(eq(int, wr_endpoint_send(client, "x", 1, four, 1), WEIR_E_DENIED));
        return is_helped ? WEIR_EMPTY : WEIR_E_CORRUPT;
}

/* What is received of a message that has nothing in it: on Linux the end looks the same. */
static inline enum weir_result
say_nothing(wr_object client)
{
        cr_assert(eq(int, (int)send(client, "", 0, 0), 0));
        return WEIR_E_CLOSED;
}

#endif
