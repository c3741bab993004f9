/* What broker_fixture.h needs of Windows: the broker ends by a word. */
#ifndef FIXTURE_WIN32_H
#define FIXTURE_WIN32_H

#include "tests/contract/kit_handles_win32.h"
#include "tests/contract/told.h"

#include <pthread.h>

#define BELOW "-" /* a pipe has no directory */

static struct {
        struct wr_hook hook;
        int line;
} ending;

enum { END_AT_ONCE, TOLD_TO_RELOAD, TOLD_FIRST }; /* words to the broker; from TOLD_FIRST on an enum told */

static void *
hear_of_the_end(void *unused)
{
        uint64_t word;

        (void)unused;
        while ((word = kit_hear(ending.line)) != END_AT_ONCE)
                if (word == TOLD_TO_RELOAD)
                        told_to_reload();
                else
                        told_self((enum told)(word - TOLD_FIRST));
        wr_flag_raise(ending.hook.object);
        return NULL;
}

static void
end_server(struct wr_hook *hook, unsigned ready)
{
        struct wr_server *server = hook->owner;

        (void)ready;
        wr_flag_lower(hook->object);
        server->is_stopping = true;
}

/* A word on the line ends it: a process of Windows gets no signals. */
static inline void
broker_listen_to(int line, struct wr_server *server)
{
        pthread_t thread;

        ending.line = line;
        ending.hook = (struct wr_hook){ .call = end_server, .owner = server };
        kit_must(wr_flag_create(&ending.hook.object) == WEIR_OK);
        kit_must(wr_loop_add(server->loop, &ending.hook, WR_READY_READ) == WEIR_OK);
        kit_must(pthread_create(&thread, NULL, hear_of_the_end, NULL) == 0);
}

static inline void
broker_limit(unsigned descriptors)
{
        kit_must(descriptors == 0); /* there is no such limit */
}

static inline wr_object
broker_log(void)
{
        const char *path = getenv("TEST_BROKER_LOG");

        return path ? CreateFileA(path, FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_ALWAYS, 0,
                                  NULL)
                    : WR_NO_OBJECT;
}

static inline void
broker_policy_place(char *path, size_t room)
{
        snprintf(path, room, "%s.folder\\policy.conf", kit_file());
}

static inline void
policy_folder(const struct broker *broker, char *folder, size_t room)
{
        snprintf(folder, room, "%.*s", (int)(strrchr(broker->policy, '\\') - broker->policy), broker->policy);
}

static inline FILE *
broker_policy_open(const struct broker *broker)
{
        char folder[160];

        policy_folder(broker, folder, sizeof(folder));
        CreateDirectoryA(folder, NULL);
        return fopen(broker->policy, "w");
}

static inline void
broker_expect_tidy(const struct broker *broker)
{
        char folder[160];

        DeleteFileA(broker->policy);
        policy_folder(broker, folder, sizeof(folder));
        RemoveDirectoryA(folder);
}

static inline void
broker_stop(struct broker *broker)
{
        kit_say(broker->child.line, END_AT_ONCE);
}

static inline struct client
client_connect(const char *path)
{
        struct client client = { 0 };
        enum weir_result result = wr_endpoint_connect(&client.socket, path, client.why, sizeof(client.why));

        cr_assert(eq(int, result, WEIR_OK), "%s", client.why);
        return client;
}

/* Objects that are open in its process. */
static inline size_t
broker_descriptors(const struct broker *broker)
{
        return kit_handles_of(broker->child.process);
}

#endif
