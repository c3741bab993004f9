/* What broker_fixture.h needs of Windows: the broker ends by a word, and its handles are counted in the system's list.
 */
#ifndef FIXTURE_WIN32_H
#define FIXTURE_WIN32_H

#include <pthread.h>

static struct {
        struct wr_hook hook;
        int line;
} ending;

static void *
hear_of_the_end(void *unused)
{
        (void)unused;
        kit_hear(ending.line);
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
        return WR_NO_OBJECT;
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
        kit_say(broker->child.line, 0);
}

static inline struct client
client_connect(const char *path)
{
        struct client client = { 0 };
        enum weir_result result = wr_endpoint_connect(&client.socket, path, client.why, sizeof(client.why));

        cr_assert(eq(int, result, WEIR_OK), "%s", client.why);
        return client;
}

struct handles {
        ULONG_PTR count, reserved;
        struct {
                void *object;
                ULONG_PTR process, handle;
                ULONG rights;
                USHORT trace, type;
                ULONG attributes, reserved;
        } all[];
};

/* Of the list of all that there are in the system: Wine knows no count for a process. */
static inline size_t
handles_of(DWORD process)
{
        enum { ALL_HANDLES = 64, TOO_SHORT = (int)0xc0000004 };
        struct handles *handles = NULL;
        ULONG room = 1 << 20;
        NTSTATUS status;
        size_t count = 0;

        do {
                room *= 2;
                handles = realloc(handles, room);
                cr_assert(handles != NULL);
                status = NtQuerySystemInformation((SYSTEM_INFORMATION_CLASS)ALL_HANDLES, handles, room, NULL);
        } while (status == TOO_SHORT);
        cr_assert(eq(int, status, 0));
        for (size_t i = 0; i < handles->count; i++)
                count += handles->all[i].process == process;
        free(handles);
        cr_assert(gt(sz, count, 0));
        return count;
}

/* Objects that are open in its process. */
static inline size_t
broker_descriptors(const struct broker *broker)
{
        return handles_of(broker->child.pid);
}

#endif
