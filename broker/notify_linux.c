/* A connected datagram socket, so that the name is resolved once. The protocol has not changed since 2010, so there is
 * no library for it here; see docs/dependencies.md. */
#include "broker/notify.h"

#include "named-objects/sentence.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { NS_PER_US = 1000 };

/* "/path", or "@name" for one that stands in no file system. */
static bool
address_of(const char *name, struct sockaddr_un *address, socklen_t *size)
{
        size_t length = strlen(name);

        *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
        if ((name[0] != '/' && name[0] != '@') || length < 2 || length >= sizeof(address->sun_path))
                return false;
        memcpy(address->sun_path, name, length);
        if (name[0] == '@')
                address->sun_path[0] = '\0';
        *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (name[0] == '/'));
        return true;
}

static wr_object
manager_connect(const char *name)
{
        struct sockaddr_un address;
        socklen_t size;
        int fd;

        if (!name || !address_of(name, &address, &size))
                return WR_NO_OBJECT;
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd >= 0 && connect(fd, (struct sockaddr *)&address, size) < 0) {
                close(fd);
                fd = WR_NO_OBJECT;
        }
        return fd >= 0 ? fd : WR_NO_OBJECT;
}

/* Half of what the manager asks for; 0: it asks for nothing, or asks another process. */
static int64_t
watchdog_period(void)
{
        const char *time = getenv("WATCHDOG_USEC"), *process = getenv("WATCHDOG_PID");
        char *end;
        uint64_t us;

        if (!time || (process && strtol(process, NULL, 10) != (long)getpid()))
                return 0;
        errno = 0;
        us = strtoull(time, &end, 10);
        if (errno != 0 || *end != '\0' || us == 0 || us > (uint64_t)INT64_MAX / NS_PER_US)
                return 0;
        return (int64_t)us * NS_PER_US / 2;
}

enum weir_result
wr_notify_serve(enum weir_result (*run)(void *argument), void *argument)
{
        return run(argument);
}

void
wr_notify_open(struct wr_notify *notify)
{
        *notify = (struct wr_notify){ .socket = manager_connect(getenv("NOTIFY_SOCKET")) };
        if (notify->socket != WR_NO_OBJECT)
                notify->watchdog_ns = watchdog_period();
        unsetenv("NOTIFY_SOCKET");
        unsetenv("WATCHDOG_USEC");
        unsetenv("WATCHDOG_PID");
}

void
wr_notify_close(struct wr_notify *notify)
{
        wr_object_close(notify->socket);
        notify->socket = WR_NO_OBJECT;
}

static bool
say(const struct wr_notify *notify, const char *text)
{
        ssize_t sent;

        if (notify->socket == WR_NO_OBJECT)
                return true;
        do
                sent = send(notify->socket, text, strlen(text), MSG_NOSIGNAL);
        while (sent < 0 && errno == EINTR);
        return sent >= 0;
}

void
wr_notify_ready(struct wr_notify *notify)
{
        notify->owes_ready = !say(notify, "READY=1");
}

void
wr_notify_reloading(struct wr_notify *notify, int64_t now_ns)
{
        char text[96];

        wr_sentence(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64, now_ns / NS_PER_US);
        say(notify, text);
}

/* A line break in a value would begin another key. */
static void
one_line(char *text)
{
        for (; *text; text++)
                if ((unsigned char)*text < 0x20)
                        *text = ' ';
}

static bool
status_say(const struct wr_notify *notify, const char *before, const char *status)
{
        char line[1024], text[1100];

        wr_sentence(line, sizeof(line), "%s", status);
        one_line(line);
        wr_sentence(text, sizeof(text), "%sSTATUS=%s", before, line);
        return say(notify, text);
}

void
wr_notify_stopping(struct wr_notify *notify, const char *reason)
{
        status_say(notify, "STOPPING=1\n", reason);
}

void
wr_notify_failed(struct wr_notify *notify, const char *sentence)
{
        status_say(notify, "", sentence);
}

void
wr_notify_turn(struct wr_notify *notify, int64_t now_ns, const char *status)
{
        if (notify->socket == WR_NO_OBJECT)
                return;
        if (notify->owes_ready)
                wr_notify_ready(notify);
        if (notify->watchdog_ns != 0 && now_ns >= notify->watchdog_due_ns) {
                say(notify, "WATCHDOG=1");
                notify->watchdog_due_ns = now_ns + notify->watchdog_ns;
        }
        if (strncmp(notify->status, status, sizeof(notify->status) - 1) != 0 && status_say(notify, "", status))
                wr_sentence(notify->status, sizeof(notify->status), "%s", status);
}
