/* What broker_fixture.h needs of Linux: the broker ends by a signal, clients connect as anybody could. */
#ifndef FIXTURE_LINUX_H
#define FIXTURE_LINUX_H

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/un.h>

#define BELOW "/" /* a directory of its own has the socket of a package */

static inline void
broker_listen_to(int line, struct wr_server *server)
{
        (void)server;
        close(line);
}

static inline void
broker_limit(unsigned descriptors)
{
        struct rlimit limit = { descriptors, descriptors };

        if (descriptors > 0)
                setrlimit(RLIMIT_NOFILE, &limit);
}

static inline wr_object
broker_log(void)
{
        const char *path = getenv("TEST_BROKER_LOG");

        return path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : WR_NO_OBJECT;
}

static inline void
broker_policy_place(char *path, size_t room)
{
        snprintf(path, room, "%s/policy.conf", kit_folder);
}

static inline FILE *
broker_policy_open(const struct broker *broker)
{
        return fopen(broker->policy, "w");
}

static inline void
broker_expect_tidy(const struct broker *broker)
{
        cr_assert(ne(int, access(broker->address, F_OK), 0), "its socket is removed");
}

static inline void
broker_stop(struct broker *broker)
{
        kill(broker->child.pid, SIGTERM);
}

/* Without any of the checks that a client of ours makes, and it blocks. */
static inline struct client
client_connect(const char *path)
{
        struct client client = { .socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0) };
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        cr_assert(lt(sz, strlen(path), sizeof(address.sun_path)));
        strcpy(address.sun_path, path);
        cr_assert(eq(int, connect(client.socket, (struct sockaddr *)&address, sizeof(address)), 0));
        return client;
}

/* Objects that are open in its process. */
static inline size_t
broker_descriptors(const struct broker *broker)
{
        char path[64];
        size_t count = 0;
        DIR *directory;

        snprintf(path, sizeof(path), "/proc/%d/fd", (int)broker->child.pid);
        directory = opendir(path);
        cr_assert(directory != NULL);
        while (readdir(directory))
                count++;
        closedir(directory);
        return count;
}

#endif
