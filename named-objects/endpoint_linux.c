/*
 * AF_UNIX SOCK_SEQPACKET: messages keep their borders, descriptors travel with them, and the kernel says who is there.
 *
 *      broker    directory checked -> bind ".weir-RANDOM" -> listen -> rename over NAME     (never a moment without)
 *      client    directory checked -> connect NAME -> SO_PEERCRED checked -> first byte
 *
 * Names are reached through the descriptor of the checked directory, /proc/thread-self/fd/N/NAME: a path that is
 * swapped meanwhile makes no difference, and the path may be longer than the 107 bytes of an address. (thread-self: the
 * broker's and the control thread have descriptor tables of their own, which /proc/self does not show.)
 */
#include "named-objects/endpoint.h"

#include "bus/os/error.h"
#include "named-objects/endpoint_linux.h"
#include "named-objects/kernel_linux.h"
#include "named-objects/sentence.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 128, TEMPORARY_BYTES = 32, OBJECTS_MAX = 16, LISTENERS_MAX = 64 };

/*
 * Which file each listener was bound to; the kernel tells that only to the network's administrator. A listener is
 * known by its socket's inode number. The newest in use stands first, and the last falls out: who asks
 * wr_endpoint_owns now and then stays known. The number of the file cannot be given to another one while the listener
 * lives: it holds the file.
 */
static struct listener {
        ino_t socket;
        dev_t device;
        ino_t file;
} listeners[LISTENERS_MAX];
static pthread_mutex_t listeners_lock = PTHREAD_MUTEX_INITIALIZER;

/* Move entry `index` to the front. The lock is held. */
static void
listeners_promote(size_t index)
{
        struct listener newest = listeners[index];

        memmove(listeners + 1, listeners, index * sizeof(struct listener));
        listeners[0] = newest;
}

static void
listeners_add(ino_t socket, const struct stat *file)
{
        pthread_mutex_lock(&listeners_lock);
        listeners[LISTENERS_MAX - 1] =
                (struct listener){ .socket = socket, .device = file->st_dev, .file = file->st_ino };
        listeners_promote(LISTENERS_MAX - 1);
        pthread_mutex_unlock(&listeners_lock);
}

static bool
listeners_find(ino_t socket, struct listener *found)
{
        bool is_known = false;

        pthread_mutex_lock(&listeners_lock);
        for (size_t i = 0; i < LISTENERS_MAX && !is_known; i++) {
                if (listeners[i].socket != socket)
                        continue;
                *found = listeners[i];
                listeners_promote(i);
                is_known = true;
        }
        pthread_mutex_unlock(&listeners_lock);
        return is_known;
}

static bool
address_of(int directory, const char *name, struct sockaddr_un *address)
{
        int length;

        *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
        length = snprintf(address->sun_path, sizeof address->sun_path, "/proc/thread-self/fd/%d/%s", directory, name);
        return length > 0 && (size_t)length < sizeof address->sun_path;
}

static enum weir_result
socket_open(int *fd)
{
        *fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        return *fd >= 0 ? WEIR_OK : wr_os_error(errno);
}

/* The kernel then answers EPERM to a client that sends descriptors. Before 6.16 there is no such option, and a receive
 * without room for descriptors makes the kernel drop them. */
void
wr_endpoint_descriptors_refuse(int fd)
{
        int none = 0;

        (void)setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &none, sizeof none);
}

static enum weir_result
failed(const char *path, const char *what, char *sentence, size_t room)
{
        int error = errno;

        wr_sentence(sentence, room, "cannot %s '%s': %s", what, path, strerror(error));
        return wr_os_error(error);
}

/* What stands there may be an old socket, which is replaced, and nothing else. */
static bool
name_is_free(int directory, const char *name)
{
        struct stat file;

        return fstatat(directory, name, &file, AT_SYMLINK_NOFOLLOW) < 0 ? errno == ENOENT : S_ISSOCK(file.st_mode);
}

static enum weir_result
listen_in(int directory, const char *name, const char *path, int fd, char *sentence, size_t room)
{
        char temporary[TEMPORARY_BYTES];
        struct sockaddr_un address;
        struct stat file, self;
        uint64_t random;

        if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
                return failed(path, "find a temporary name beside", sentence, room);
        snprintf(temporary, sizeof temporary, ".weir-%016" PRIx64, random);
        if (!address_of(directory, name, &address) || !name_is_free(directory, name)) {
                wr_sentence(sentence, room,
                            "'%s' is too long for a socket's name, or something else stands there: remove "
                            "it, or choose another address with WEIR_BROKER",
                            path);
                return WEIR_E_DENIED;
        }
        (void)address_of(directory, temporary, &address); /* shorter than any limit */
        if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
                return failed(path, "bind", sentence, room);
        /* Who may connect is decided by the directory and by the identity, not by our umask of the moment. */
        if (fchmodat(directory, temporary, 0666, 0) < 0 || listen(fd, BACKLOG) < 0 || fstat(fd, &self) < 0 ||
            fstatat(directory, temporary, &file, AT_SYMLINK_NOFOLLOW) < 0 ||
            renameat(directory, temporary, directory, name) < 0) {
                enum weir_result result = failed(path, "listen at", sentence, room);

                unlinkat(directory, temporary, 0);
                return result;
        }
        listeners_add(self.st_ino, &file);
        return WEIR_OK;
}

enum weir_result
wr_endpoint_listen(wr_object *listener, const char *path, char *sentence, size_t room)
{
        enum weir_result result;
        const char *name;
        int directory;

        *listener = WR_NO_OBJECT;
        result = wr_endpoint_directory_open(path, &directory, &name, sentence, room);
        if (result == WEIR_E_NO_BROKER)
                return WEIR_E_SYSTEM; /* for who wants to listen that is not "nobody listens" */
        if (result < 0)
                return result;
        result = wr_endpoint_directory_check_own(directory, path, sentence, room);
        if (result == WEIR_OK) {
                result = socket_open(listener);
                if (result < 0)
                        wr_sentence(sentence, room, "no socket to listen with: %s", strerror(errno));
        }
        if (result == WEIR_OK) {
                wr_endpoint_descriptors_refuse(*listener); /* who connects inherits it before it is accepted */
                result = listen_in(directory, name, path, *listener, sentence, room);
        }
        if (result < 0) {
                wr_object_close(*listener);
                *listener = WR_NO_OBJECT;
        }
        close(directory);
        return result;
}

bool
wr_endpoint_owns(wr_object listener, const char *path)
{
        struct listener known;
        struct stat self, file;

        return fstat(listener, &self) == 0 && listeners_find(self.st_ino, &known) && lstat(path, &file) == 0 &&
               file.st_dev == known.device && file.st_ino == known.file;
}

void
wr_endpoint_unlisten(wr_object listener, const char *path)
{
        if (listener != WR_NO_OBJECT && wr_endpoint_owns(listener, path))
                unlink(path);
        wr_object_close(listener);
}

enum weir_result
wr_endpoint_accept(wr_object listener, wr_object *connection)
{
        *connection = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (*connection >= 0) {
                wr_endpoint_descriptors_refuse(*connection);
                return WEIR_OK;
        }
        *connection = WR_NO_OBJECT;
        /* A client that came and went is as good as none. */
        if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
                return WEIR_EMPTY;
        return wr_os_error(errno);
}

static enum weir_result
connect_failed(int directory, const char *path, char *sentence, size_t room)
{
        switch (errno) {
        case EACCES:
                if (faccessat(directory, ".", X_OK, AT_EACCESS) == 0)
                        return failed(path, "connect to", sentence, room);
                /* Empty or not: whatever listens in there, it is none for us. */
                wr_sentence(sentence, room, "the directory of '%s' is closed to this user", path);
                return WEIR_E_NO_BROKER;
        case ENOENT:
        case ECONNREFUSED: wr_sentence(sentence, room, "no broker listens at '%s'", path); return WEIR_E_NO_BROKER;
        case EPROTOTYPE:
                wr_sentence(sentence, room, "what listens at '%s' is no weir broker", path);
                return WEIR_E_NO_BROKER;
        case EAGAIN:
                wr_sentence(sentence, room, "the broker at '%s' accepts nobody at the moment: it is stopped or busy",
                            path);
                return WEIR_E_NO_BROKER;
        default: return failed(path, "connect to", sentence, room);
        }
}

static enum weir_result
connect_in(int directory, const char *name, const char *path, int fd, char *sentence, size_t room)
{
        struct sockaddr_un address;
        struct ucred server;
        socklen_t size = sizeof server;

        if (!address_of(directory, name, &address)) {
                wr_sentence(sentence, room, "'%s' is too long for a socket's name", path);
                return WEIR_E_USAGE;
        }
        if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
                return connect_failed(directory, path, sentence, room);
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &server, &size) < 0)
                return failed(path, "ask who listens at", sentence, room);
        return wr_endpoint_directory_check_server(directory, name, path, server.uid, sentence, room);
}

enum weir_result
wr_endpoint_connect(wr_object *connection, const char *path, char *sentence, size_t room)
{
        enum weir_result result;
        const char *name;
        int directory;

        *connection = WR_NO_OBJECT;
        result = wr_endpoint_directory_open(path, &directory, &name, sentence, room);
        if (result < 0)
                return result;
        result = wr_endpoint_directory_check_mode(directory, path, sentence, room);
        if (result == WEIR_OK) {
                result = socket_open(connection);
                if (result < 0)
                        wr_sentence(sentence, room, "no socket to connect with: %s", strerror(errno));
        }
        if (result == WEIR_OK)
                result = connect_in(directory, name, path, *connection, sentence, room);
        if (result < 0) {
                wr_object_close(*connection);
                *connection = WR_NO_OBJECT;
        }
        close(directory);
        return result;
}

/* Room for the descriptors of one message, aligned as the kernel wants it. */
union control {
        char bytes[CMSG_SPACE(OBJECTS_MAX * sizeof(int))];
        struct cmsghdr header;
};

static enum weir_result
send_failed(void)
{
        switch (errno) {
        case EAGAIN: return WEIR_FULL;
        case EPIPE:
        case ECONNRESET:
        case ENOTCONN: return WEIR_E_CLOSED;
        case EMSGSIZE: return WEIR_E_TOO_LARGE;
        default: return wr_os_error(errno);
        }
}

enum weir_result
wr_endpoint_send(wr_object connection, const void *bytes, size_t size, const wr_object *objects, size_t count)
{
        struct iovec piece = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = size };
        struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };
        union control control = { 0 };
        ssize_t sent;

        if (count > OBJECTS_MAX || size == 0) /* an empty datagram cannot be told from the end */
                return WEIR_E_USAGE;
        if (count != 0) {
                control.header = (struct cmsghdr){
                        .cmsg_len = CMSG_LEN(count * sizeof(int)),
                        .cmsg_level = SOL_SOCKET,
                        .cmsg_type = SCM_RIGHTS,
                };
                memcpy(CMSG_DATA(&control.header), objects, count * sizeof(int));
                message.msg_control = &control;
                message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        }
        do {
                sent = sendmsg(connection, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        } while (sent < 0 && errno == EINTR);
        return sent >= 0 ? WEIR_OK : send_failed();
}

/* The descriptors of a received message into `objects`, which has room for all that fit into the control buffer. */
static size_t
descriptors_of(struct msghdr *message, wr_object *objects)
{
        size_t count = 0;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
                size_t bytes = c->cmsg_len - CMSG_LEN(0);

                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                memcpy(objects + count, CMSG_DATA(c), bytes);
                count += bytes / sizeof(int);
        }
        return count;
}

static enum weir_result
receive_failed(void)
{
        if (errno == EAGAIN)
                return WEIR_EMPTY;
        return errno == ENOTCONN ? WEIR_E_CLOSED : wr_os_error(errno);
}

static ssize_t
look(wr_object connection, struct msghdr *message, size_t expected)
{
        ssize_t got;

        /* Without the padding, in which one descriptor more than asked for could arrive. */
        message->msg_controllen = expected != 0 ? CMSG_LEN(expected * sizeof(int)) : 0;
        do {
                got = recvmsg(connection, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
                /* A peer that left words of ours unread. The kernel tells it once, before the peer's own last words. */
        } while (got < 0 && (errno == EINTR || errno == ECONNRESET));
        return got;
}

enum weir_result
wr_endpoint_receive(wr_object connection, void *bytes, size_t room, size_t *size, wr_object *objects, size_t *count)
{
        size_t expected = count != NULL ? *count : 0;
        struct iovec piece = { .iov_base = bytes, .iov_len = room };
        union control control;
        struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = expected != 0 ? &control : NULL };
        size_t came = 0;
        ssize_t got;

        *size = 0;
        if (count != NULL)
                *count = 0;
        if (expected > OBJECTS_MAX)
                return WEIR_E_USAGE;
        got = look(connection, &message, expected);
        if (got < 0)
                return receive_failed();
        /* The kernel finds the queue empty, and then sees that the peer hung up: last words that came in between make
         * an end that is none. Nothing comes behind the true end, so a second look misses nothing. */
        if (got == 0 && message.msg_controllen == 0 && (message.msg_flags & MSG_CTRUNC) == 0) {
                got = look(connection, &message, expected);
                if (got < 0)
                        return WEIR_E_CLOSED; /* an empty datagram, which none of ours sends */
        }
        if (expected != 0)
                came = descriptors_of(&message, objects);
        if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || (got == 0 && came != 0)) {
                for (size_t i = 0; i < came; i++)
                        wr_object_close(objects[i]);
                return WEIR_E_CORRUPT;
        }
        if (got == 0)
                return WEIR_E_CLOSED;
        *size = (size_t)got;
        if (count != NULL)
                *count = came;
        return WEIR_OK;
}
