/*
 * A broker in a process of its own and clients that speak to it byte by byte, so that they can also speak wrongly.
 * Every wait is for a message or for a process, with a deadline that only a broken broker meets.
 */
#ifndef BROKER_FIXTURE_H
#define BROKER_FIXTURE_H

#include "broker/relay/relay.h"
#include "broker/server.h"
#include "bus/layout.h"
#include "bus/os/clock.h"
#include "clients/c/control.h"
#include "named-objects/endpoint.h"
#include "named-objects/flag.h"
#include "named-objects/region.h"
#include "named-objects/signal.h"
#include "named-objects/user.h"
#include "named-objects/watch.h"
#include "tests/contract/kit_child.h"
#include "tests/portable.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_NS INT64_C(10000000000)

enum { OBJECTS_MAX = WR_MESSAGE_DESCRIPTORS_MAX + WR_SIGNAL_OBJECTS };

struct broker {
        struct kit_child child;
        char address[128], package_directory[128], package_socket[160], policy[160];
};

struct client {
        wr_object socket;
        wr_object objects[OBJECTS_MAX]; /* of the last message */
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
        uint32_t own_user;    /* whose broker it is, by its policy; 0: of who runs it */
        bool tcp;             /* it listens at a port of TCP, which every ticket names */
} given;

/* The same on its way to the broker's process. */
struct orders {
        char policy[16384], package[128];
        bool has_file;
        int64_t greet_ns, revoke_ns;
        unsigned descriptors;
        uint32_t own_user;
        bool tcp;
};

#ifdef _WIN32
#        include "tests/fault/fixture_win32.h"
#else
#        include "tests/fault/fixture_linux.h"
#endif

/* The broker of this test, from any process of it. */
static inline struct broker
broker_there(void)
{
        struct broker broker;

        snprintf(broker.address, sizeof(broker.address), "%s", kit_address());
        broker_policy_place(broker.policy, sizeof(broker.policy));
        snprintf(broker.package_directory, sizeof(broker.package_directory), "%s-package", kit_address());
        snprintf(broker.package_socket, sizeof(broker.package_socket), "%s" BELOW "bus", broker.package_directory);
        return broker;
}

static inline void
play_broker(int line)
{
        static struct wr_server server;
        static struct orders orders;
        struct broker broker = broker_there();
        struct wr_server_options options = { .address = broker.address,
                                             .starter = wr_relay_open(),
                                             .catches_signals = true };
        char socket[512], sentence[1024] = "";
        const char *sockets[] = { socket, NULL };
        struct wr_policy *policy;
        struct wr_log log = { .object = broker_log() };
        struct wr_sid own_user;
        enum weir_result result;

        kit_read(line, &orders, sizeof(orders));
        own_user = orders.own_user ? wr_sid_of_uid(orders.own_user) : wr_user_self();
        options.greet_ns = orders.greet_ns;
        options.revoke_ns = orders.revoke_ns;
        options.tcp_port = orders.tcp ? WR_TCP_ANY_PORT : 0;
        broker_limit(orders.descriptors);
        if (orders.package[0]) {
                snprintf(socket, sizeof(socket), "%s=%s", orders.package, broker.package_socket);
                options.package_sockets = sockets;
        }
        if (orders.has_file)
                result = wr_policy_load(&policy, broker.policy, NULL, own_user, sentence, sizeof(sentence));
        else
                result = wr_policy_parse(&policy, orders.policy, strlen(orders.policy), "/test/policy.conf", own_user,
                                         sentence, sizeof(sentence));
        if (result == WEIR_OK)
                result = wr_server_open(&server, &options, policy, &log, sentence, sizeof(sentence));
        kit_say(line, (uint64_t)(int64_t)result);
        if (result != WEIR_OK) {
                fprintf(stderr, "broker: %s\n", sentence);
                exit(1);
        }
        broker_listen_to(line, &server);
        result = wr_server_run(&server);
        wr_server_close(&server);
        wr_relay_close(options.starter);
        exit(result == WEIR_OK ? 0 : 1);
}

static inline void
broker_write_policy(const struct broker *broker, const char *text)
{
        FILE *file = broker_policy_open(broker);

        cr_assert(file != NULL);
        cr_assert(ge(int, fputs(text, file), 0));
        cr_assert(eq(int, fclose(file), 0));
}

static inline struct broker
broker_begin(void)
{
        static struct orders orders;
        struct broker broker = broker_there();

        orders = (struct orders){ .has_file = given.has_file,
                                  .greet_ns = given.greet_ns,
                                  .revoke_ns = given.revoke_ns,
                                  .descriptors = given.descriptors,
                                  .own_user = given.own_user,
                                  .tcp = given.tcp };
        if (given.policy)
                cr_assert(lt(sz, strlen(strcpy(orders.policy, given.policy)), sizeof(orders.policy)));
        if (given.package)
                strcpy(orders.package, given.package);
        if (given.has_file)
                broker_write_policy(&broker, given.policy);
        broker.child = kit_start(play_broker);
        kit_write(broker.child.line, &orders, sizeof(orders));
        cr_assert(eq(i64, (int64_t)kit_hear(broker.child.line), WEIR_OK));
        return broker;
}

/* Its process has ended. The next one listens at another place. */
static inline void
broker_tidy(const struct broker *broker)
{
        broker_expect_tidy(broker);
        kit_clean();
        kit_place[0] = '\0';
}

/* It ends by itself. One that crashed or complains under a sanitizer does not end with 0. */
static inline void
broker_await_end(struct broker *broker)
{
        int status = kit_end(&broker->child);

        cr_assert(eq(int, status, 0), "the broker ended with status %x", status);
        broker_tidy(broker);
}

static inline void
broker_end(struct broker *broker)
{
        broker_stop(broker);
        broker_await_end(broker);
}

static inline void
client_drop_objects(struct client *client)
{
        for (size_t i = 0; i < client->object_count; i++)
                wr_object_close(client->objects[i]);
        client->object_count = 0;
}

static inline void
client_close(struct client *client)
{
        client_drop_objects(client);
        wr_object_close(client->socket);
}

/* Waits for room, if it must. False: the broker hung up. */
static inline bool
client_say(struct client *client, const void *bytes, size_t size)
{
        struct wr_watch watch = { .object = client->socket, .write = true };
        enum weir_result result;

        while ((result = wr_endpoint_send(client->socket, bytes, size, NULL, 0)) == WEIR_FULL) {
                wr_watch_wait(&watch, 1, PATIENCE_NS);
                cr_assert(watch.writable || watch.hung_up, "the broker does not read");
        }
        return result == WEIR_OK;
}

static inline void
client_send(struct client *client, struct wr_message message)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];

        cr_assert(client_say(client, bytes, wr_message_encode(&message, bytes)));
}

/* The next message but PING, or 0 when the broker hung up. */
static inline enum wr_message_kind
client_receive(struct client *client)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        struct wr_watch watch = { .object = client->socket, .read = true };
        int64_t until_ns = wr_clock_ns() + PATIENCE_NS;
        enum weir_result result;
        const char *why = "";
        size_t size;

        do {
                wr_watch_wait(&watch, 1, until_ns - wr_clock_ns());
                cr_assert(lt(i64, wr_clock_ns(), until_ns), "the broker says nothing");
                client_drop_objects(client);
                client->object_count = OBJECTS_MAX;
                result = wr_endpoint_receive(client->socket, bytes, sizeof(bytes), &size, client->objects,
                                             &client->object_count);
                if (result == WEIR_E_CLOSED)
                        return (enum wr_message_kind)0;
                client->message.kind = WR_PING; /* Windows may wake for what has not arrived as a whole */
                if (result == WEIR_EMPTY) {
                        client->object_count = 0;
                        continue;
                }
                cr_assert(eq(int, result, WEIR_OK));
                cr_assert(eq(int, wr_message_decode(bytes, size, &client->message, &why), WEIR_OK), "%s", why);
        } while (client->message.kind == WR_PING);
        cr_assert(eq(uint, (unsigned)client->object_count, wr_control_objects_due(client->message.kind)));
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

/* One that is refused at the door; Windows answers only who spoke. */
static inline struct client
client_knock(const struct broker *broker)
{
        struct client client = client_connect(broker->address);
        struct wr_message knock = hello("knock");
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];

        client_say(&client, bytes, wr_message_encode(&knock, bytes));
        return client;
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
