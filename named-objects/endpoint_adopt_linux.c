/*
 * A listener from elsewhere is asked for all that wr_endpoint_listen would have made it. Who listens, as clients see it
 * (SO_PEERCRED), is whoever called listen(): the service manager, not this process. So its directory is checked as a
 * client checks it.
 */
#include "named-objects/endpoint.h"

#include "bus/os/error.h"
#include "named-objects/endpoint_linux.h"
#include "named-objects/sentence.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool
option_is(int fd, int option, int wanted)
{
        int value = 0;
        socklen_t size = sizeof value;

        return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

/* NULL: it is what a broker listens with. */
static const char *
kind_wrong(int fd)
{
        if (!option_is(fd, SO_DOMAIN, AF_UNIX))
                return "no unix socket: name an absolute path in the .socket file";
        if (!option_is(fd, SO_TYPE, SOCK_SEQPACKET))
                return "of another type than SOCK_SEQPACKET: write ListenSequentialPacket= in the .socket file";
        if (!option_is(fd, SO_ACCEPTCONN, 1))
                return "not listening: write Accept=no in the .socket file, or leave it out";
        return NULL;
}

/* Abstract names have no directory that says whose they are, and relative ones depend on where we stand. */
static bool
path_read(int fd, char *path, size_t room)
{
        struct sockaddr_un address = { 0 };
        socklen_t size = sizeof address;
        size_t length;

        if (getsockname(fd, (struct sockaddr *)&address, &size) < 0 || address.sun_path[0] != '/')
                return false;
        length = strnlen(address.sun_path, sizeof address.sun_path);
        if (length >= room)
                return false;
        memcpy(path, address.sun_path, length);
        path[length] = '\0';
        return true;
}

static enum weir_result
directory_check(int fd, const char *path, char *sentence, size_t room)
{
        struct ucred server;
        socklen_t size = sizeof server;
        enum weir_result result;
        const char *name;
        int directory;

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &server, &size) < 0)
                return wr_os_error(errno);
        result = wr_endpoint_directory_open(path, &directory, &name, sentence, room);
        if (result < 0)
                return result == WEIR_E_NO_BROKER ? WEIR_E_DENIED : result;
        result = wr_endpoint_directory_check_mode(directory, path, sentence, room);
        if (result == WEIR_OK)
                result = wr_endpoint_directory_check_server(directory, name, path, server.uid, sentence, room);
        close(directory);
        return result;
}

enum weir_result
wr_endpoint_adopt(wr_object listener, char *path, size_t path_room, char *sentence, size_t room)
{
        const char *wrong = kind_wrong(listener);
        int flags = fcntl(listener, F_GETFL);

        if (wrong) {
                wr_sentence(sentence, room, "it is %s", wrong);
                return WEIR_E_USAGE;
        }
        if (!path_read(listener, path, path_room)) {
                wr_sentence(sentence, room, "it is not bound to an absolute path: name one in the .socket file");
                return WEIR_E_USAGE;
        }
        if (flags < 0 || fcntl(listener, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(listener, F_SETFD, FD_CLOEXEC) < 0) {
                wr_sentence(sentence, room, "it cannot be made non-blocking: %s", strerror(errno));
                return wr_os_error(errno);
        }
        wr_endpoint_descriptors_refuse(listener);
        return directory_check(listener, path, sentence, room);
}
