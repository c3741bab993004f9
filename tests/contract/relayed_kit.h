/*
 * A broker and an agent that do what a test says: the broker welcomes one client, answers each SUBSCRIBE and PUBLISH
 * with RELAY, and pings; the streams' other ends are the test's, to say and hear records on. The client is the library
 * as it is; the calls that wait for the agent are made in a thread of their own.
 */
#ifndef RELAYED_KIT_H
#define RELAYED_KIT_H

#include "bus/hash.h"
#include "bus/lane.h"
#include "bus/layout.h"
#include "bus/message.h"
#include "bus/os/barrier.h"
#include "bus/os/clock.h"
#include "bus/os/cond.h"
#include "bus/os/mutex.h"
#include "bus/os/thread.h"
#include "bus/transport/intake.h"
#include "named-objects/endpoint.h"
#include "named-objects/identity.h"
#include "named-objects/lifeline.h"
#include "named-objects/stream.h"
#include "named-objects/watch.h"
#include "tests/contract/weir_kit.h"

enum { STREAMS = 4096 };

static struct {
        wr_mutex lock;
        wr_cond changed;
        wr_object listener, connection;
        wr_thread thread;
        wr_object streams[STREAMS]; /* in the order in which they were asked for */
        uint32_t count, taken;
        bool is_ending;
        bool is_held;            /* it answers nothing */
        bool is_lost;            /* it is another one from now on */
        struct wr_message asked; /* the last one */
} broker;

/* ---- the broker ---- */

static void
broker_send(const struct wr_message *message, const wr_object *objects, size_t count)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        size_t size = wr_message_encode(message, bytes);

        while (wr_endpoint_send(broker.connection, bytes, size, objects, count) == WEIR_FULL)
                wr_yield();
}

static void
broker_relay(const struct wr_message *m)
{
        struct wr_message relay = { .kind = WR_RELAY, .request = m->request };
        wr_object ends[2];

        kit_must(wr_stream_pair(WR_NO_OBJECT, ends) == WEIR_OK);
        relay.relay = (struct wr_message_relay){ .id = 77, .path = WEIR_PIPE, .why = "pipe: the test says so" };
        broker_send(&relay, &ends[1], 1);
        wr_object_close(ends[1]);
        wr_mutex_lock(&broker.lock);
        kit_must(broker.count < STREAMS);
        broker.asked = *m;
        broker.streams[broker.count++] = ends[0];
        wr_cond_broadcast(&broker.changed);
        wr_mutex_unlock(&broker.lock);
}

static void
broker_hear(const struct wr_message *m)
{
        struct wr_message welcome = { .kind = WR_WELCOME, .request = m->request };
        wr_object held, watched;

        if (m->kind == WR_SUBSCRIBE || m->kind == WR_PUBLISH)
                broker_relay(m);
        if (m->kind != WR_HELLO)
                return;
        kit_must(wr_lifeline_create(WR_NO_OBJECT, &held, &watched) == WEIR_OK);
        welcome.welcome = (struct wr_message_welcome){ .session = 1, .clock_ns = wr_clock_ns(), .layout = WR_LAYOUT };
        broker_send(&welcome, &held, 1);
        wr_object_close(held); /* the watched end stays open: nobody watches it */
}

static void
broker_receive(void)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        struct wr_message m;
        size_t size, none = 0;

        while (wr_endpoint_receive(broker.connection, bytes, sizeof bytes, &size, NULL, &none) == WEIR_OK)
                if (wr_message_decode(bytes, size, &m, NULL) == WEIR_OK)
                        broker_hear(&m);
}

/* Who it is has to be known: Windows hands objects over to a process. */
static void
broker_accept(void)
{
        static struct wr_identity identity;
        wr_object process;
        char why[512];

        if (wr_endpoint_accept(broker.listener, &broker.connection) != WEIR_OK)
                return;
        kit_must(wr_identity_of(broker.connection, NULL, &identity, &process, why, sizeof why) == WEIR_OK);
        wr_object_close(process);
}

static void *
broker_main(void *argument)
{
        for (bool ends = false, is_held = false; !ends;) {
                bool is_there = broker.connection != WR_NO_OBJECT;
                struct wr_watch watch = { .object = is_there ? broker.connection : broker.listener, .read = !is_held };

                wr_watch_wait(&watch, 1, 100000000);
                wr_mutex_lock(&broker.lock);
                ends = broker.is_ending;
                is_held = broker.is_held;
                if (broker.is_lost) {
                        wr_object_close(broker.connection);
                        broker.connection = WR_NO_OBJECT;
                        is_there = broker.is_lost = false;
                }
                wr_mutex_unlock(&broker.lock);
                if (is_held)
                        continue;
                if (!is_there)
                        broker_accept();
                if (is_there) {
                        broker_receive();
                        broker_send(&(struct wr_message){ .kind = WR_PING }, NULL, 0);
                }
        }
        return argument;
}

/* What comes from now on is not heard until it is let go. */
static KIT_UNUSED void
broker_hold(bool is_held)
{
        wr_mutex_lock(&broker.lock);
        broker.is_held = is_held;
        wr_mutex_unlock(&broker.lock);
}

/* As if it died, and the next one were there at once. */
static KIT_UNUSED void
broker_lose(void)
{
        wr_mutex_lock(&broker.lock);
        broker.is_lost = true;
        wr_mutex_unlock(&broker.lock);
}

static struct weir *
broker_begin(void)
{
        char why[512];
        struct weir *bus;

        wr_mutex_init(&broker.lock);
        wr_cond_init(&broker.changed);
        broker.connection = WR_NO_OBJECT;
        kit_must(wr_endpoint_place(kit_address(), why, sizeof why) == WEIR_OK);
        kit_must(wr_endpoint_listen(&broker.listener, kit_address(), why, sizeof why) == WEIR_OK);
        kit_must(wr_thread_start(&broker.thread, broker_main, NULL, 0));
        kit_ok(weir_open(&bus, WEIR_OPTIONS(.name = "far", .address = kit_address())));
        return bus;
}

static void
broker_end(struct weir *bus)
{
        weir_close(bus);
        wr_mutex_lock(&broker.lock);
        broker.is_ending = true;
        wr_mutex_unlock(&broker.lock);
        wr_thread_join(broker.thread);
        wr_object_close(broker.connection);
        wr_endpoint_unlisten(broker.listener, kit_address());
}

/* ---- the agent ---- */

static uint8_t bytes[1 << 20];

static void
fill(uint64_t seed, size_t size)
{
        for (size_t i = 0; i < size; i++)
                bytes[i] = (uint8_t)(seed * 31 + i);
}

struct agent {
        wr_object stream;
        struct wr_intake in;
};

static struct agent agent;

/* The next stream that the client has. */
static void
agent_begin(void)
{
        wr_mutex_lock(&broker.lock);
        while (broker.taken == broker.count)
                wr_cond_wait(&broker.changed, &broker.lock);
        agent.stream = broker.streams[broker.taken++];
        wr_mutex_unlock(&broker.lock);
        agent.in.begin = agent.in.end = 0;
}

static void
agent_end(void)
{
        wr_stream_hang_up(agent.stream);
        wr_object_close(agent.stream);
}

static void
agent_write(const void *bytes, size_t size)
{
        while (size > 0) {
                struct wr_span span = { (void *)(uintptr_t)bytes, size };
                unsigned ready;
                size_t done = 0;
                enum weir_result result = wr_stream_write(agent.stream, &span, 1, &done);

                kit_must(result >= 0);
                if (result == WEIR_FULL)
                        wr_stream_wait(agent.stream, WR_STREAM_WRITE, WR_NO_OBJECT, INT64_MAX, &ready);
                bytes = (const uint8_t *)bytes + done;
                size -= done;
        }
}

static KIT_UNUSED void
agent_say(struct wr_record record, const void *payload, size_t size)
{
        uint8_t bytes[WR_RECORD_BYTES_MAX];

        record.bytes = size;
        agent_write(bytes, wr_record_encode(&record, bytes));
        agent_write(payload, size);
}

static void
agent_read(void)
{
        struct wr_span span;
        unsigned ready;
        size_t done = 0;
        enum weir_result result;

        span.size = wr_intake_room(&agent.in, &span.at);
        while ((result = wr_stream_read(agent.stream, &span, 1, &done)) == WEIR_EMPTY)
                wr_stream_wait(agent.stream, WR_STREAM_READ, WR_NO_OBJECT, INT64_MAX, &ready);
        kit_must(result == WEIR_OK);
        wr_intake_filled(&agent.in, done);
}

/* The next record, which must be of this kind; TAKEN is passed over. */
static struct wr_record
agent_hear(enum wr_record_kind kind)
{
        struct wr_record record;
        enum weir_result result;

        do {
                while ((result = wr_intake_next(&agent.in, &record, NULL)) == WEIR_EMPTY)
                        agent_read();
                kit_must(result == WEIR_OK);
        } while (record.kind == WR_RECORD_TAKEN && kind != WR_RECORD_TAKEN);
        if (record.kind != kind)
                fprintf(stderr, "%s came instead of %s\n", wr_record_name(record.kind), wr_record_name(kind));
        kit_must(record.kind == kind);
        return record;
}

static KIT_UNUSED void
agent_payload(void *to, size_t size)
{
        while (size > 0) {
                size_t done = wr_intake_payload(&agent.in, to, size);

                if (done == 0)
                        agent_read();
                to = (uint8_t *)to + done;
                size -= done;
        }
}

/* BEGIN came; is answered. */
static void
agent_open(uint32_t count)
{
        struct wr_record begin = agent_hear(WR_RECORD_BEGIN);

        kit_must(begin.begin.version == WR_RECORD_VERSION && begin.begin.resumes == 0);
        agent_say((struct wr_record){ .kind = WR_RECORD_OPENED, .opened = { .id = 5, .source = 9, .count = count } },
                  NULL, 0);
}

static const struct wr_record lane_record = { .kind = WR_RECORD_LANE,
                                              .lane = { .source = 7,
                                                        .lane = 70,
                                                        .ring_bytes = 1 << 18,
                                                        .heap_bytes = 64 << 20,
                                                        .inline_max = 4096,
                                                        .topic = "a/b",
                                                        .name = "cam" } };

/* A frame as its publisher hashed it; `flip`: a bit of it that changes on the way, or -1. */
static KIT_UNUSED void
agent_frame(struct wr_record_frame frame, const struct wr_about *about, const void *bytes, size_t size, int64_t flip)
{
        static uint8_t whole[32 << 20];
        struct wr_record record = { .kind = WR_RECORD_FRAME };

        frame.extension = wr_lane_extension(about, whole);
        kit_must(frame.extension + size <= sizeof whole);
        memcpy(whole + frame.extension, bytes, size);
        frame.hash = wr_hash_bytes(whole, frame.extension + size);
        frame.flags = WR_RECORD_HASHED;
        frame.source = 7;
        if (flip >= 0)
                whole[frame.extension + (size_t)flip / 8] ^= (uint8_t)(1 << flip % 8);
        record.frame = frame;
        agent_say(record, whole, frame.extension + size);
}

/* ---- the client ---- */

struct opening {
        wr_thread thread;
        struct weir *bus;
        struct weir_subscriber_options subscriber;
        struct weir_publisher_options publisher;
        struct weir_subscriber *s;
        struct weir_publisher *p;
        enum weir_result result;
        char sentence[512];
};

static void *
subscriber_opens(void *argument)
{
        struct opening *opening = argument;

        opening->result = weir_subscriber_open(&opening->s, opening->bus, "a/b", &opening->subscriber);
        snprintf(opening->sentence, sizeof opening->sentence, "%s", weir_error());
        return NULL;
}

static void *
publisher_opens(void *argument)
{
        struct opening *opening = argument;

        opening->result = weir_publisher_open(&opening->p, opening->bus, "a/b", &opening->publisher);
        snprintf(opening->sentence, sizeof opening->sentence, "%s", weir_error());
        return NULL;
}

/* A subscriber with one publisher, source 7. */
static KIT_UNUSED struct weir_subscriber *
kit_relayed_subscriber(struct weir *bus, struct weir_subscriber_options options)
{
        struct opening opening = { .bus = bus, .subscriber = options };
        struct wr_record lane = lane_record;

        opening.subscriber.size = sizeof options;
        lane.lane.reliable = options.delivery == WEIR_RELIABLE;
        kit_must(wr_thread_start(&opening.thread, subscriber_opens, &opening, 0));
        agent_begin();
        agent_open(1);
        agent_say(lane, NULL, 0);
        wr_thread_join(opening.thread);
        kit_ok(opening.result);
        return opening.s;
}

static KIT_UNUSED struct weir_publisher *
kit_relayed_publisher(struct weir *bus, struct weir_publisher_options options, uint32_t readers)
{
        struct opening opening = { .bus = bus, .publisher = options };

        opening.publisher.size = sizeof options;
        kit_must(wr_thread_start(&opening.thread, publisher_opens, &opening, 0));
        agent_begin();
        agent_open(readers);
        wr_thread_join(opening.thread);
        kit_ok(opening.result);
        return opening.p;
}

enum { LARGE = 100000 };

/* Of a subscriber: what the agent sends, and what is taken. flip: the bit that changes on the way; -1: none. */
static KIT_UNUSED void
say_frame(uint64_t sequence, size_t size, uint64_t lost, uint64_t skipped, int64_t flip)
{
        fill(sequence, size);
        agent_frame((struct wr_record_frame){ .sequence = sequence, .time = 5, .lost = lost, .skipped = skipped }, NULL,
                    bytes, size, flip);
}

static KIT_UNUSED void
expect_frame(struct weir_subscriber *s, uint64_t sequence, size_t size, uint64_t lost, uint64_t skipped)
{
        const struct weir_frame *f = kit_take(s);

        fill(sequence, size);
        cr_assert(eq(u64, f->sequence, sequence));
        cr_assert(eq(u64, f->size, size));
        cr_assert(size == 0 || memcmp(f->data, bytes, size) == 0, "frame %llu", (unsigned long long)sequence);
        cr_assert(eq(u64, f->lost, lost), "frame %llu", (unsigned long long)sequence);
        cr_assert(eq(u64, f->skipped, skipped));
        cr_assert(eq(u64, f->source, 7));
        weir_release(f);
}

#endif
