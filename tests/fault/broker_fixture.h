/*
 * A broker in a child process and clients that speak to it byte by byte, so that they can also speak wrongly. Every
 * wait is for a message or for a process, with a deadline that only a broken broker meets.
 */
#ifndef BROKER_FIXTURE_H
#define BROKER_FIXTURE_H

#include "broker/server.h"
#include "bus/layout.h"
#include "named-objects/endpoint.h"
#include "named-objects/region.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000 };

struct broker {
        pid_t process;
        char directory[64], address[128], package_directory[128], package_socket[160], policy[128], lost[64];
};

struct client {
        int socket;
        int objects[WR_MESSAGE_DESCRIPTORS_MAX]; /* of the last message */
        size_t object_count;
        struct wr_message message; /* the last one */
        char why[768];
};

/* What a test may set before broker_begin. */
static struct {
        const char *policy; /* text of the policy file */
        bool has_file;      /* it is a file, broker.policy: for tests that change it */
        int64_t greet_ns, revoke_ns;
        const char *package;  /* a package socket for it, at broker.package_socket */
        unsigned descriptors; /* RLIMIT_NOFILE of the broker */
} given;

static inline void
broker_serve(const struct broker *broker, int started)
{
        static struct wr_server server;
        struct wr_server_options options = { .address = broker->address,
                                             .greet_ns = given.greet_ns,
                                             .revoke_ns = given.revoke_ns,
                                             .catches_signals = true };
        char socket[512], sentence[1024] = "";
        const char *sockets[] = { socket, NULL };
        struct wr_policy *policy;
        struct wr_log log = { .object = getenv("TEST_BROKER_LOG") ? STDERR_FILENO : WR_NO_OBJECT };
        const char *text = given.policy ? given.policy : "";
        enum weir_result result;

        if (given.descriptors) {
                struct rlimit limit = { given.descriptors, given.descriptors };

                setrlimit(RLIMIT_NOFILE, &limit);
        }
        if (given.package) {
                snprintf(socket, sizeof(socket), "%s=%s", given.package, broker->package_socket);
                options.package_sockets = sockets;
        }
        if (given.has_file)
                result = wr_policy_load(&policy, broker->policy, NULL, (uint32_t)geteuid(), sentence, sizeof(sentence));
        else
                result = wr_policy_parse(&policy, text, strlen(text), "/test/policy.conf", (uint32_t)geteuid(),
                                         sentence, sizeof(sentence));
        if (result == WEIR_OK)
                result = wr_server_open(&server, &options, policy, &log, sentence, sizeof(sentence));
        if (write(started, &result, sizeof(result)) != sizeof(result) || result != WEIR_OK) {
                fprintf(stderr, "broker: %s\n", sentence);
                exit(1);
        }
        close(started);
        result = wr_server_run(&server);
        wr_server_close(&server);
        exit(result == WEIR_OK ? 0 : 1);
}

static inline void
broker_write_policy(const struct broker *broker, const char *text)
{
        FILE *file = fopen(broker->policy, "w");

        cr_assert(file != NULL);
        cr_assert(ge(int, fputs(text, file), 0));
        cr_assert(eq(int, fclose(file), 0));
}

static inline struct broker
broker_begin(void)
{
        struct broker broker;
        enum weir_result result = WEIR_E_SYSTEM;
        int started[2];

        signal(SIGPIPE, SIG_IGN);
        snprintf(broker.directory, sizeof(broker.directory), "/tmp/weir-test-XXXXXX");
        cr_assert(mkdtemp(broker.directory) != NULL);
        snprintf(broker.address, sizeof(broker.address), "%s/bus", broker.directory);
        snprintf(broker.package_directory, sizeof(broker.package_directory), "%s/package", broker.directory);
        snprintf(broker.package_socket, sizeof(broker.package_socket), "%s/bus", broker.package_directory);
        snprintf(broker.policy, sizeof(broker.policy), "%s/policy.conf", broker.directory);
        if (given.has_file)
                broker_write_policy(&broker, given.policy);
        cr_assert(eq(int, pipe(started), 0));
        broker.process = fork();
        if (broker.process == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails ends at once, and leaves nothing behind */
                close(started[0]);
                broker_serve(&broker, started[1]);
        }
        close(started[1]);
        cr_assert(eq(sz, (size_t)read(started[0], &result, sizeof(result)), sizeof(result)));
        close(started[0]);
        cr_assert(eq(int, result, WEIR_OK));
        return broker;
}

static inline void
broker_tidy(const struct broker *broker)
{
        char path[256];

        cr_assert(ne(int, access(broker->address, F_OK), 0), "its socket is removed");
        snprintf(path, sizeof(path), "%s.lock", broker->address);
        unlink(path);
        unlink(broker->policy);
        rmdir(broker->package_directory);
        rmdir(broker->directory);
}

/* A broker that crashed or complains under a sanitizer does not end with 0. */
static inline void
broker_end(struct broker *broker)
{
        int status;

        kill(broker->process, SIGTERM);
        cr_assert(eq(int, waitpid(broker->process, &status, 0), broker->process));
        cr_assert(eq(int, status, 0), "the broker ended with status %x", status);
        broker_tidy(broker);
}

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

static inline void
client_drop_objects(struct client *client)
{
        for (size_t i = 0; i < client->object_count; i++)
                close(client->objects[i]);
        client->object_count = 0;
}

static inline void
client_close(struct client *client)
{
        client_drop_objects(client);
        close(client->socket);
}

static inline void
client_send(struct client *client, struct wr_message message)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        size_t size = wr_message_encode(&message, bytes);

        cr_assert(eq(sz, (size_t)send(client->socket, bytes, size, MSG_NOSIGNAL), size));
}

/* The next message but PING, or 0 when the broker hung up. */
static inline enum wr_message_kind
client_receive(struct client *client)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        struct pollfd ready = { .fd = client->socket, .events = POLLIN };
        enum weir_result result;
        const char *why = "";
        size_t size;

        do {
                cr_assert(eq(int, poll(&ready, 1, PATIENCE_MS), 1), "the broker says nothing");
                client_drop_objects(client);
                client->object_count = WR_MESSAGE_DESCRIPTORS_MAX;
                result = wr_endpoint_receive(client->socket, bytes, sizeof(bytes), &size, client->objects,
                                             &client->object_count);
                if (result == WEIR_E_CLOSED)
                        return (enum wr_message_kind)0;
                cr_assert(eq(int, result, WEIR_OK));
                cr_assert(eq(int, wr_message_decode(bytes, size, &client->message, &why), WEIR_OK), "%s", why);
        } while (client->message.kind == WR_PING);
        cr_assert(eq(uint, (unsigned)client->object_count, wr_message_descriptors(client->message.kind)));
        return client->message.kind;
}

static inline void
client_expect(struct client *client, enum wr_message_kind kind)
{
        enum wr_message_kind got = client_receive(client);

        cr_assert(got == kind, "expected %s, got %s %s", wr_message_name(kind), wr_message_name(got),
                  got == WR_REFUSAL ? client->message.refusal.sentence : "");
}

/* A REFUSAL with this result whose sentence has these words. */
static inline void
client_expect_refusal(struct client *client, enum weir_result result, const char *words)
{
        client_expect(client, WR_REFUSAL);
        cr_assert(eq(int, client->message.refusal.result, result), "%s", client->message.refusal.sentence);
        cr_assert(strstr(client->message.refusal.sentence, words) != NULL, "'%s' has '%s'",
                  client->message.refusal.sentence, words);
}

static inline void
client_expect_end(struct client *client)
{
        enum wr_message_kind got = client_receive(client);

        cr_assert(got == 0, "expected the end, got %s", wr_message_name(got));
}

static inline struct wr_message
hello(const char *name)
{
        struct wr_message message = { .kind = WR_HELLO, .request = 1, .hello = { .layout = WR_LAYOUT } };

        snprintf(message.hello.name, sizeof(message.hello.name), "%s", name);
        return message;
}

/* A client that was welcomed. */
static inline struct client
client_at(const char *path, const char *name)
{
        struct client client = client_connect(path);

        client_send(&client, hello(name));
        client_expect(&client, WR_WELCOME);
        return client;
}

static inline struct client
client_begin(const struct broker *broker, const char *name)
{
        return client_at(broker->address, name);
}

static inline struct wr_message
publish(const char *topic)
{
        struct wr_message message = { .kind = WR_PUBLISH,
                                      .request = 2,
                                      .publish = { .memory_max = 4 << 20, .loans_max = 4 } };

        snprintf(message.publish.topic, sizeof(message.publish.topic), "%s", topic);
        return message;
}

static inline struct wr_message
subscribe(const char *topic)
{
        struct wr_message message = { .kind = WR_SUBSCRIBE, .request = 3 };

        snprintf(message.subscribe.topic, sizeof(message.subscribe.topic), "%s", topic);
        return message;
}

static inline struct wr_message
ready(uint64_t lane)
{
        return (struct wr_message){ .kind = WR_READY, .ready = { lane } };
}

static inline struct wr_message
ack(uint64_t lane, uint64_t pair)
{
        return (struct wr_message){ .kind = WR_PAIR_ACK, .pair_ack = { .lane = lane, .pair = pair, .position = 64 } };
}

static inline struct wr_message
pair_ready(uint64_t pair, enum weir_result result)
{
        return (struct wr_message){ .kind = WR_PAIR_READY, .pair_ready = { pair, result } };
}

/* A publisher whose lane is live and whom nobody reads yet; returns the lane's id. */
static inline uint64_t
client_publish(struct client *client, const char *topic)
{
        uint64_t lane;

        client_send(client, publish(topic));
        client_expect(client, WR_LANE_GRANT);
        lane = client->message.lane_grant.lane;
        client_send(client, ready(lane));
        client_expect(client, WR_OPENED);
        return lane;
}

/* Both ends through the whole handshake of one pair; returns its id. */
static inline uint64_t
pair_up(struct client *publisher, struct client *subscriber)
{
        uint64_t pair;

        client_expect(publisher, WR_PAIR_ADDED);
        pair = publisher->message.pair_added.pair;
        client_send(publisher, ack(publisher->message.pair_added.lane, pair));
        client_expect(subscriber, WR_LANE_ADDED);
        cr_assert(eq(u64, subscriber->message.lane_added.pair, pair));
        client_send(subscriber, pair_ready(pair, WEIR_OK));
        return pair;
}

static inline struct wr_message_state
client_status(struct client *client)
{
        client_send(client, (struct wr_message){ .kind = WR_STATUS, .request = 9 });
        client_expect(client, WR_STATE);
        return client->message.state;
}

/* Asks until only this many sessions are left: a death is noticed soon, not at once. */
static inline struct wr_message_state
client_status_when(struct client *client, uint32_t sessions)
{
        for (int i = 0; i < 10000; i++) {
                struct wr_message_state state = client_status(client);

                if (state.sessions == sessions)
                        return state;
                sched_yield();
        }
        cr_fatal("the broker still has other sessions");
}

static inline size_t
broker_descriptors(const struct broker *broker)
{
        char path[64];
        size_t count = 0;
        DIR *directory;

        snprintf(path, sizeof(path), "/proc/%d/fd", (int)broker->process);
        directory = opendir(path);
        cr_assert(directory != NULL);
        while (readdir(directory))
                count++;
        closedir(directory);
        return count;
}

/* The broker comes back to this many descriptors: a connection that ended before it was accepted is met a little
 * later, and a leak never goes away. */
static inline void
broker_expect_descriptors(const struct broker *broker, struct client *client, size_t expected)
{
        size_t count = 0;

        for (int i = 0; i < 1000; i++) {
                client_status_when(client, 1);
                count = broker_descriptors(broker);
                if (count == expected)
                        return;
        }
        cr_fatal("the broker has %zu descriptors open, not %zu", count, expected);
}

#endif
