/* Others than an honest client of the broker's own user: strangers, those who say nothing or too much, the system. Each
 * system has its own; what the broker owes them is the same. Included behind broker_fixture.h. */
#ifndef BROKER_OTHER_H
#define BROKER_OTHER_H

#include "tests/contract/told.h"
#include "tests/fault/broker_fixture.h"

#ifdef _WIN32
#        include "named-objects/endpoint_name_win32.h"
#        include "named-objects/endpoint_win32.h"
#        include "named-objects/grant_win32.h"
#        include "named-objects/trailer.h"

/*
 * Somebody who is not the broker's own user, for a test of one such client. Said before broker_begin. Under Wine there
 * is one user: it is the broker that is another's, by its policy.
 */
enum { NOT_OURS = 4242 };

static inline void
stranger_given(void)
{
        given.own_user = NOT_OURS;
}

/* It as rules and refusals call it. */
static inline const char *
stranger_text(void)
{
        static char text[sizeof("user:") + WR_SID_TEXT_MAX];
        struct wr_sid self = wr_user_self();

        wr_user_text(&self, text + snprintf(text, sizeof(text), "user:"), WR_SID_TEXT_MAX);
        return text;
}

static inline struct client
stranger_begin(const struct broker *broker)
{
        return client_begin(broker, "stranger");
}

/* Somebody whom an entry names by something else than its user: here its group. Nobody is the broker's own user. */
static inline void
grantee_given(void)
{
        given.own_user = NOT_OURS;
}

static inline const char *
grantee_entry(void)
{
        return "\"group:S-1-5-32-545\""; /* users */
}

static inline struct client
grantee_begin(const struct broker *broker)
{
        return client_begin(broker, "camera");
}

static inline void
grantee_expect(const struct client *client)
{
        cr_assert(strstr(client->message.welcome.identity, "user:") != NULL);
}

/* Who says nothing is no session yet: its first word is what Windows knows it by. */
enum { SILENT_IS_SESSION = 0 };

static inline void
client_expect_silence_cut(struct client *client)
{
        client_expect_end(client);
}

/* In the place of the file: something that cannot be read as one. */
static inline void
broker_policy_spoil(const struct broker *broker)
{
        cr_assert(DeleteFileA(broker->policy));
        cr_assert(CreateDirectoryA(broker->policy, NULL));
}

static inline void
broker_policy_clear(const struct broker *broker)
{
        RemoveDirectoryA(broker->policy);
}

/* A message that claims to bring objects, as only a broker's may: handles of the sender's own. Returns words of the
 * refusal. */
static inline const char *
client_say_with_objects(struct client *client, const void *bytes, size_t size)
{
        struct wr_trailer_entry entries[4] = { 0 };
        char message[WR_MESSAGE_BYTES_MAX + WR_TRAILER_BYTES_MAX];
        HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);

        for (size_t i = 0; i < 4; i++)
                entries[i] = (struct wr_trailer_entry){ .kind = WR_TRAILER_EVENT,
                                                        .rights = EVENT_MODIFY_STATE,
                                                        .handle = (uintptr_t)event };
        memcpy(message, bytes, size);
        size += wr_trailer_write(entries, 4, message + size);
        cr_assert(client_say(client, message, size));
        CloseHandle(event);
        return "size";
}

#        define PLACE_WORDS "\\\\.\\pipe\\NAME"

/* Does somebody listen there? Who came through it before may keep the name. */
static inline bool
place_is_taken(const char *path)
{
        char why[512];
        wr_object connection;

        if (wr_endpoint_connect(&connection, path, why, sizeof(why)) != WEIR_OK)
                return false;
        wr_object_close(connection);
        return true;
}

/* Where nobody can listen: the broker itself does. */
static inline const char *
place_of_nobody(const struct broker *broker)
{
        return broker->address;
}

/* A broker that can be told what its system tells: it has a console of its own. */
static inline struct broker
broker_told_begin(void)
{
        struct broker broker;

        kit_creation = CREATE_NO_WINDOW;
        broker = broker_begin();
        kit_creation = 0;
        return broker;
}

static inline void
broker_tell(const struct broker *broker, enum told what)
{
        kit_say(broker->child.line, TOLD_FIRST + (uint64_t)what);
}

static inline void
broker_tell_to_reload(const struct broker *broker)
{
        kit_say(broker->child.line, TOLD_TO_RELOAD);
}

/* It has come and was not looked at. */
static inline void
late_word(const struct wr_loop *loop)
{
        told_self(TOLD_TO_END);
        while (!wr_loop_stopping(loop))
                sched_yield();
}

/* Its pipe's name is free, and its lock. */
static inline void
broker_expect_nothing_left(const struct broker *broker)
{
        wchar_t name[WR_ENDPOINT_NAME_MAX];
        char lock[512], why[512];

        cr_assert(eq(int, wr_endpoint_name(broker->address, 0, name, why, sizeof(why)), WEIR_OK), "%s", why);
        cr_assert_not(wr_endpoint_name_is_held(name));
        cr_assert(eq(int, wr_endpoint_lock_path(broker->address, 0, lock, sizeof(lock), why, sizeof(why)), WEIR_OK),
                  "%s", why);
        cr_assert(eq(u32, GetFileAttributesA(lock), INVALID_FILE_ATTRIBUTES), "%s is left", lock);
}

/* Has nobody been left any way to more of this page, for who has it in his hands? */
static inline void
page_expect_closed(wr_object page)
{
        HANDLE self = GetCurrentProcess(), more;

        cr_assert(eq(u32, wr_grant_rights_of(page), SECTION_MAP_READ | SECTION_MAP_WRITE));
        cr_assert_not(DuplicateHandle(self, page, self, &more, SECTION_ALL_ACCESS, FALSE, 0));
        cr_assert(eq(u32, GetLastError(), ERROR_ACCESS_DENIED));
        cr_assert_not(DuplicateHandle(self, page, self, &more, SECTION_EXTEND_SIZE, FALSE, 0));
}
#else
#        include <sys/stat.h>

/* Somebody who is not the broker's own user, for a test of one such client: a package, through its socket. Said before
 * broker_begin. */
static inline void
stranger_given(void)
{
        given.package = "org.weir.Stranger";
}

/* It as rules and refusals call it. */
static inline const char *
stranger_text(void)
{
        return "package:org.weir.Stranger";
}

static inline struct client
stranger_begin(const struct broker *broker)
{
        return client_at(broker->package_socket, "stranger");
}

/* Somebody whom an entry names by something else than its user: here its package. */
static inline void
grantee_given(void)
{
        given.package = "org.weir.Camera";
}

static inline const char *
grantee_entry(void)
{
        return "\"package:org.weir.Camera\"";
}

static inline struct client
grantee_begin(const struct broker *broker)
{
        return client_at(broker->package_socket, "camera");
}

static inline void
grantee_expect(const struct client *client)
{
        cr_assert(strstr(client->message.welcome.identity, "package:org.weir.Camera") != NULL);
}

/* Who connects is a session, also while it says nothing. */
enum { SILENT_IS_SESSION = 1 };

static inline void
client_expect_silence_cut(struct client *client)
{
        client_expect_refusal(client, WEIR_E_CLOSED, "no HELLO");
        client_expect_end(client);
}

/* In the place of the file: something that cannot be read as one, and whose reader would wait for a writer. */
static inline void
broker_policy_spoil(const struct broker *broker)
{
        unlink(broker->policy);
        cr_assert(eq(int, mkfifo(broker->policy, 0600), 0));
}

static inline void
broker_policy_clear(const struct broker *broker)
{
        unlink(broker->policy);
}

/* A message with descriptors, which no client may send. Returns words of the refusal; NULL: the kernel refused to send
 * them (6.16 and later). */
static inline const char *
client_say_with_objects(struct client *client, const void *bytes, size_t size)
{
        struct iovec piece = { (void *)(uintptr_t)bytes, size };
        union {
                char room[CMSG_SPACE(64 * sizeof(int))];
                struct cmsghdr align;
        } control = {
                .align = { .cmsg_len = CMSG_LEN(64 * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS }
        };
        struct msghdr message = {
                .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };
        int *objects = (int *)CMSG_DATA(&control.align);

        for (int i = 0; i < 64; i++)
                objects[i] = STDERR_FILENO;
        return sendmsg(client->socket, &message, MSG_NOSIGNAL) >= 0 ? "descriptors" : NULL;
}

#        define PLACE_WORDS "absolute path"

static inline bool
place_is_taken(const char *path)
{
        return access(path, F_OK) == 0;
}

/* Where nobody can listen: there is no such directory. */
static inline const char *
place_of_nobody(const struct broker *broker)
{
        (void)broker;
        return "/nowhere/at/all";
}

/* A broker that can be told what its system tells. */
static inline struct broker
broker_told_begin(void)
{
        return broker_begin();
}

static inline void
broker_tell(const struct broker *broker, enum told what)
{
        kill(broker->child.pid, what == TOLD_TO_END ? SIGTERM : SIGINT);
}

static inline void
broker_tell_to_reload(const struct broker *broker)
{
        kill(broker->child.pid, SIGHUP);
}

/* It has come and was not looked at. */
static inline void
late_word(const struct wr_loop *loop)
{
        (void)loop;
        raise(SIGHUP);
        raise(SIGTERM);
}

static inline void
broker_expect_nothing_left(const struct broker *broker)
{
        char path[160];

        snprintf(path, sizeof(path), "%s.lock", broker->address);
        cr_assert(ne(int, access(path, F_OK), 0), "no lock is left");
        unlink(broker->policy);
        cr_assert(eq(int, rmdir(kit_folder), 0), "nothing at all is left");
}

/* Has nobody been left any way to more of this page, for who has it in his hands? */
static inline void
page_expect_closed(wr_object page)
{
        void *map;

        cr_assert(eq(int, wr_region_check(page, 4096, true), WEIR_OK));
        cr_assert(lt(int, wr_region_map(page, 4096, true, &map), WEIR_OK));
}
#endif

/* "--user alice": it as `weir access` is told of it. */
static inline const char *
stranger_option(void)
{
        static char text[256];

        snprintf(text, sizeof(text), "--%s", stranger_text());
        *strchr(text, ':') = ' ';
        return text;
}

/* "\"user:alice\"": it in a list of a policy. */
static inline const char *
stranger_entry(void)
{
        static char text[256];

        snprintf(text, sizeof(text), "\"%s\"", stranger_text());
        return text;
}

#endif
