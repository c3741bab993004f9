/*
 * What the tests of libweir have in common: a broker of their own per test, child processes that play the other end,
 * and words between them over a socket pair. No sleeps: whoever waits, waits for a word or for the bus.
 */
#ifndef WEIR_KIT_H
#define WEIR_KIT_H

#include "bus/transport/ticket.h"
#include "named-objects/stream_tcp.h"
#include "named-objects/user.h"
#include "tests/contract/kit_child.h"
#include "tests/portable.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/broker.h>
#include <weir/ticket.h>
#include <weir/weir.h>

#define KIT_SOON (INT64_C(20) * 1000000000) /* longer than any test may take: a wait that ends so has failed */

#define KIT_REST INT64_C(1000000000) /* nothing that is on its way stands still for so long */

/* Fails the test, or the child, with the library's own sentence. */
#define kit_ok(call)                                                                      \
        do {                                                                              \
                int kit_result_ = (call);                                                 \
                if (kit_result_ != WEIR_OK) {                                             \
                        fprintf(stderr, "%s:%d: %s: %s: %s\n", __FILE__, __LINE__, #call, \
                                weir_result_text(kit_result_), weir_error());             \
                        abort();                                                          \
                }                                                                         \
        } while (0)

/* By which path this run's endpoints go (weir_info.path): shared memory; or nobody maps memory of others, and all
 * frames go through the broker's agents, to and from clients at its own socket or, with a ticket, over TCP. */
static KIT_UNUSED uint32_t
kit_path(void)
{
        const char *path = getenv("WEIR_PATH");

        if (path && strcmp(path, "tcp") == 0)
                return WEIR_TCP;
        return path && strcmp(path, "pipe") == 0 ? WEIR_PIPE : WEIR_SHM;
}

static KIT_UNUSED int
kit_is_relayed(void)
{
        return kit_path() != WEIR_SHM;
}

/* How long what was published may be on its way to who takes it: what is shared is there at once. */
static KIT_UNUSED int64_t
kit_way_ns(void)
{
        return kit_is_relayed() ? KIT_SOON : WEIR_NOW;
}

/* 0 where nobody is to come over TCP. Another program may take it before the broker does. */
static KIT_UNUSED uint32_t
kit_port(void)
{
        wr_object listener;
        uint16_t port = 0;

        if (kit_path() != WEIR_TCP)
                return 0;
        kit_must(wr_stream_tcp_listen(&listener, &port) == WEIR_OK);
        wr_object_close(listener);
        return port;
}

/* As weir_broker_embed. */
static KIT_UNUSED int
kit_embed(const char *address)
{
        struct weir_broker_options options = { .size = sizeof options, .address = address };
        int result, tries = 0;

        do {
                options.tcp_port = kit_port();
                result = weir_broker_embed_with(&options);
        } while (result == WEIR_E_USAGE && options.tcp_port != 0 && ++tries < 3);
        return result;
}

/* At the broker's own socket. */
static KIT_UNUSED struct weir *
kit_bus_near(const char *name, int (*embed)(const char *))
{
        struct weir *bus;

        kit_ok(weir_open(&bus, WEIR_OPTIONS(.name = name, .address = kit_address(), .embed = embed)));
        return bus;
}

/* Over TCP, with a ticket for all that this user may do. It is good for as long as the broker lives. */
static KIT_UNUSED struct weir *
kit_bus_far(const char *name, int (*embed)(const char *))
{
        static char text[WEIR_TICKET_TEXT];
        const uint32_t all = WEIR_MAY_SUBSCRIBE | WEIR_MAY_PUBLISH | WEIR_MAY_MAP | WEIR_MAY_OBSERVE | WEIR_MAY_STALL;
        struct wr_ticket ticket;
        struct weir *door, *bus;
        char address[64];
        const char *why;

        if (!text[0]) {
                door = kit_bus_near("door", embed);
                kit_ok(weir_ticket_many(door, "**", all, WEIR_FOREVER, 0, text, sizeof text));
                weir_close(door);
        }
        kit_must(wr_ticket_read(&ticket, text, &why) == WEIR_OK && ticket.port != 0);
        snprintf(address, sizeof address, "tcp:127.0.0.1:%u", ticket.port);
        kit_ok(weir_open(&bus, WEIR_OPTIONS(.name = name, .address = address, .ticket = text)));
        return bus;
}

static KIT_UNUSED struct weir *
kit_bus_named(const char *name, int (*embed)(const char *))
{
        return kit_path() == WEIR_TCP ? kit_bus_far(name, embed) : kit_bus_near(name, embed);
}

/* What only the broker's user may ask for is asked through this one: not by who holds a ticket. It stays open. */
static KIT_UNUSED struct weir *
kit_near(struct weir *bus)
{
        static struct weir *door;

        if (kit_path() != WEIR_TCP)
                return bus;
        if (!door)
                door = kit_bus_near("door", NULL);
        return door;
}

/* What others are told of this process: over TCP nobody is known by a process. */
static KIT_UNUSED uint32_t
kit_pid(void)
{
        return kit_path() == WEIR_TCP ? 0 : wr_user_process();
}

/* So much of it for the clients of a test; of a broker that starts from now on. Holders of tickets have half of what
 * their creator has. */
static KIT_UNUSED const char *
kit_quota(const char *what, unsigned count)
{
        static char text[80];

        snprintf(text, sizeof text, "[quota]\n%s = %u\n", what, kit_path() == WEIR_TCP ? 2 * count : count);
        return text;
}

/* The test's own bus: this process is the broker. */
static KIT_UNUSED struct weir *
kit_host(void)
{
        return kit_bus_named("host", kit_embed);
}

static KIT_UNUSED struct weir *
kit_guest(void)
{
        return kit_bus_named("guest", NULL);
}

/* A broker in a process of its own. */
static KIT_UNUSED void
kit_play_broker(int line)
{
        struct weir_broker_options options = { .size = sizeof options, .address = kit_address() };
        int result, tries = 0;

        (void)line;
        do {
                options.tcp_port = kit_port();
                result = weir_broker_run(&options);
        } while (result == WEIR_E_USAGE && options.tcp_port != 0 && ++tries < 3);
}

/* Hosts the broker, and does nothing else until it is told to end. */
static KIT_UNUSED void
kit_play_host(int line)
{
        kit_host();
        kit_say(line, 0);
        kit_hear(line);
}

/* A broker that starts from now on has this policy. "user:ME" is the user of this test. */
static KIT_UNUSED void
kit_policy(const char *text)
{
        struct wr_sid self = wr_user_self();
        char name[WR_SID_TEXT_MAX];
        FILE *file = fopen(kit_file(), "w");
        const char *me;

        kit_must(file != NULL);
        wr_user_text(&self, name, sizeof name);
        for (; (me = strstr(text, "user:ME")) != NULL; text = me + strlen("user:ME"))
                kit_must(fprintf(file, "%.*suser:%s", (int)(me - text), text, name) >= 0);
        kit_must(fputs(text, file) >= 0 && fclose(file) == 0);
        setenv("WEIR_CONFIG", kit_file(), 1);
}

/* The same for a test that opens endpoints in a row: where they are relayed, they would wait for their turns. */
static KIT_UNUSED struct weir *
kit_host_of_many(void)
{
        kit_policy("[quota]\nrelays_per_second = 1000\n");
        return kit_host();
}

/* ---- looking ---- */

/* Events until one of this kind; the others are passed over. */
static KIT_UNUSED const struct weir_event *
kit_event(struct weir *bus, uint32_t kind)
{
        const struct weir_event *event;

        while (weir_next(bus, KIT_SOON, &event) == WEIR_OK)
                if (event->kind == kind)
                        return event;
        fprintf(stderr, "no event of kind %u came\n", kind);
        abort();
}

/* Likewise, of one subscriber. That a lane has ended is seen by who takes: there is nothing left to take meanwhile. */
static KIT_UNUSED const struct weir_event *
kit_event_of(struct weir *bus, uint32_t kind, const struct weir_subscriber *subscriber)
{
        const struct weir_event *event;
        const struct weir_frame *none;

        do {
                kit_ok(weir_next(bus, KIT_SOON, &event));
                if (event->kind == WEIR_FRAMES)
                        kit_must(weir_take(event->subscriber, WEIR_NOW, &none) == WEIR_EMPTY);
        } while (event->kind != kind || event->subscriber != subscriber);
        return event;
}

/* Does WEIR_ROOM come in this time? Other events are passed over. */
static KIT_UNUSED int
kit_room_comes(struct weir *bus, const struct weir_publisher *publisher, int64_t timeout_ns)
{
        const struct weir_event *event;

        while (weir_next(bus, timeout_ns, &event) == WEIR_OK)
                if (event->kind == WEIR_ROOM && event->publisher == publisher)
                        return 1;
        return 0;
}

/* Behind WEIR_FULL: is there room though nobody took anything? On a stream, until what is on its way has come to rest.
 */
static KIT_UNUSED int
kit_goes_on(struct weir *bus, const struct weir_publisher *publisher)
{
        return kit_is_relayed() && kit_room_comes(bus, publisher, KIT_REST);
}

static KIT_UNUSED const struct weir_frame *
kit_take(struct weir_subscriber *subscriber)
{
        const struct weir_frame *frame;

        kit_ok(weir_take(subscriber, KIT_SOON, &frame));
        return frame;
}

static KIT_UNUSED uint32_t
kit_broker_pid(struct weir *bus)
{
        struct weir_broker_state state = { .size = sizeof state };

        kit_ok(weir_broker_status(bus, &state));
        return state.pid;
}

static KIT_UNUSED struct weir_info
kit_info(struct weir_subscriber *subscriber)
{
        struct weir_info info = { .size = sizeof info };

        kit_ok(weir_subscriber_info(subscriber, &info));
        return info;
}

static KIT_UNUSED struct weir_info
kit_publisher_info(struct weir_publisher *publisher)
{
        struct weir_info info = { .size = sizeof info };

        kit_ok(weir_publisher_info(publisher, &info));
        return info;
}

/* Until the publisher has so many readers: on a stream it is told of them, a little later. */
static KIT_UNUSED void
kit_peers_are(struct weir *bus, struct weir_publisher *publisher, uint32_t count)
{
        const struct weir_event *event;

        while (kit_publisher_info(publisher).peers != count)
                kit_ok(weir_next(bus, KIT_SOON, &event));
}

/* Bytes that depend on the sequence number and the place, so that no two frames and no two words are alike. */
static KIT_UNUSED void
kit_fill(void *data, uint64_t size, uint64_t sequence)
{
        uint8_t *to = data;
        uint64_t value = sequence * UINT64_C(0x9e3779b97f4a7c15) + 1;

        for (uint64_t i = 0; i < size; i++) {
                if (i % 8 == 0)
                        value = value * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                to[i] = (uint8_t)(value >> (8 * (i % 8)));
        }
}

static KIT_UNUSED int
kit_filled(const void *data, uint64_t size, uint64_t sequence)
{
        const uint8_t *from = data;
        uint64_t value = sequence * UINT64_C(0x9e3779b97f4a7c15) + 1;

        for (uint64_t i = 0; i < size; i++) {
                if (i % 8 == 0)
                        value = value * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                if (from[i] != (uint8_t)(value >> (8 * (i % 8))))
                        return 0;
        }
        return 1;
}

#endif
