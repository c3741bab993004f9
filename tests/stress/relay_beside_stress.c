/*
 * An honest relayed subscriber beside relayed clients that do all they can to be in its way:
 *
 *      stopped    subscribes, and its process is stopped: nothing reads its stream
 *      trickling  publishes a large frame, a byte a millisecond
 *      restless   subscribes and closes, as fast as it may
 *      babbling   writes records that are none, is cut, and comes again
 *
 * Every frame reaches it once and in order, and it is not evicted. How long frames take, the median of several rounds,
 * is printed beside what they take undisturbed: for people, since it is the machine's as much as ours.
 */
#include "tests/stress/stress_kit.h"

#include "bus/layout.h"
#include "bus/message.h"
#include "bus/transport/record.h"
#include "named-objects/endpoint.h"
#include "named-objects/signal.h"
#include "named-objects/stream.h"
#include "named-objects/watch.h"

enum {
        FRAMES = 2000,
        PERIOD_US = 500,
        SMALL = 1000,
        ROUNDS = 3,
        TRICKLE_US = 1000,
        BABBLE_BYTES = 4096,
        TURN_NS = 200000000, /* of relays_per_second */
        OBJECTS_MAX = WR_MESSAGE_DESCRIPTORS_MAX + WR_SIGNAL_OBJECTS,
};

/* ---- a client that speaks wrongly ---- */

struct raw {
        wr_object socket, stream;
};

static void
raw_send(const struct raw *raw, const struct wr_message *message)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];

        must(wr_endpoint_send(raw->socket, bytes, wr_message_encode(message, bytes), NULL, 0) == WEIR_OK);
}

/* Messages up to RELAY; false: the broker refused, and may grant it later. */
static bool
raw_hear_relay(struct raw *raw)
{
        struct wr_watch watch = { .object = raw->socket, .read = true };
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        struct wr_message message;

        for (;;) {
                wr_object objects[OBJECTS_MAX];
                size_t size, count = OBJECTS_MAX;
                const char *why;
                enum weir_result result;

                wr_watch_wait(&watch, 1, SOON);
                result = wr_endpoint_receive(raw->socket, bytes, sizeof bytes, &size, objects, &count);
                if (result == WEIR_EMPTY)
                        continue;
                if (result < 0)
                        return false;
                must(wr_message_decode(bytes, size, &message, &why) == WEIR_OK);
                if (message.kind == WR_RELAY) {
                        must(count == 1);
                        raw->stream = objects[0];
                        must(wr_stream_adopt(&raw->stream) == WEIR_OK);
                        return true;
                }
                for (size_t i = 0; i < count; i++)
                        wr_object_close(objects[i]);
                if (message.kind == WR_REFUSAL)
                        return false;
        }
}

/* A publisher's stream. */
static bool
raw_open(struct raw *raw)
{
        struct wr_message hello = { .kind = WR_HELLO,
                                    .hello = { .layout = WR_LAYOUT, .flags = WR_HELLO_NO_MEMORY, .name = "hostile" } };
        struct wr_message publish = { .kind = WR_PUBLISH,
                                      .publish = { .memory_max = 4 << 20, .loans_max = 4, .topic = "stress" } };
        char sentence[256];

        raw->stream = WR_NO_OBJECT;
        if (wr_endpoint_connect(&raw->socket, address, sentence, sizeof sentence) != WEIR_OK)
                return false;
        raw_send(raw, &hello);
        raw_send(raw, &publish);
        return raw_hear_relay(raw);
}

static void
raw_close(struct raw *raw)
{
        wr_object_close(raw->stream);
        wr_object_close(raw->socket);
}

/* False: the agent hung up. */
static bool
raw_write(const struct raw *raw, const void *bytes, size_t size)
{
        size_t done;
        unsigned ready;

        for (size_t at = 0; at < size; at += done) {
                struct wr_span span = { (uint8_t *)(uintptr_t)bytes + at, size - at };
                enum weir_result result = wr_stream_write(raw->stream, &span, 1, &done);

                if (result == WEIR_FULL)
                        result = wr_stream_wait(raw->stream, WR_STREAM_WRITE, WR_NO_OBJECT, INT64_MAX, &ready);
                if (result < 0)
                        return false;
        }
        return true;
}

static bool
raw_say(const struct raw *raw, const struct wr_record *record)
{
        uint8_t bytes[WR_RECORD_BYTES_MAX];

        return raw_write(raw, bytes, wr_record_encode(record, bytes));
}

static const struct wr_record begin = { .kind = WR_RECORD_BEGIN, .begin = { .version = WR_RECORD_VERSION } };

/* ---- the hostile ---- */

/* Opens and closes until it has to wait for its turn: from then on an identity gets no more than its rate, and who is
 * measured beside it is measured beside that. */
static void
use_up(struct weir *bus)
{
        struct weir_subscriber *s;
        int64_t began_ns;

        do {
                began_ns = weir_now();
                must(weir_subscriber_open(&s, bus, "honest", WEIR_SUBSCRIBER(.require = WEIR_PIPE)) == WEIR_OK);
                weir_subscriber_close(s);
        } while (weir_now() - began_ns < TURN_NS / 2);
}

/* Each says that it is at work, and goes on until it is killed. Two of them read what the honest one reads. */
static void
play_stopped(const struct role *role, int line)
{
        struct weir *bus = bus_open("stopped");
        struct weir_subscriber *s;

        (void)role;
        must(weir_subscriber_open(&s, bus, "honest", WEIR_SUBSCRIBER(.require = WEIR_PIPE)) == WEIR_OK);
        say(line);
        raise(SIGSTOP);
}

static void
play_trickling(const struct role *role, int line)
{
        struct wr_record frame = { .kind = WR_RECORD_FRAME, .bytes = 1 << 20, .frame = { .sequence = 1 } };
        struct raw raw;

        (void)role;
        must(raw_open(&raw) && raw_say(&raw, &begin) && raw_say(&raw, &frame));
        say(line);
        while (raw_write(&raw, "x", 1))
                usleep(TRICKLE_US);
}

static void
play_restless(const struct role *role, int line)
{
        struct weir *bus = bus_open("restless");
        struct weir_subscriber *s;

        (void)role;
        use_up(bus);
        say(line);
        for (;;)
                if (weir_subscriber_open(&s, bus, "honest", WEIR_SUBSCRIBER(.require = WEIR_PIPE)) == WEIR_OK)
                        weir_subscriber_close(s);
                else
                        usleep(TRICKLE_US);
}

static void
play_babbling(const struct role *role, int line)
{
        uint64_t random = role->seed | 1;
        uint8_t bytes[BABBLE_BYTES];
        struct raw raw;

        use_up(bus_open("babbling"));
        say(line);
        for (;;) {
                if (raw_open(&raw) && raw_say(&raw, &begin))
                        do
                                fill(bytes, sizeof bytes, next_random(&random));
                        while (raw_write(&raw, bytes, sizeof bytes));
                else
                        usleep(TRICKLE_US);
                raw_close(&raw);
        }
}

/* ---- the honest ---- */

struct times {
        int64_t median_ns, p99_ns;
};

static void
play_source(const struct role *role, int line)
{
        static uint8_t data[SMALL];
        struct weir *bus = bus_open("source");
        int64_t next_ns = weir_now();
        struct weir_publisher *p;

        must(weir_publisher_open(&p, bus, "honest", NULL) == WEIR_OK);
        say(line);
        hear(line);
        for (uint64_t sequence = 1; sequence <= role->frames; sequence++) {
                while (weir_now() < next_ns)
                        usleep((useconds_t)((next_ns - weir_now()) / 1000 + 1));
                next_ns = weir_now() + PERIOD_US * 1000;
                fill(data, sizeof data, sequence);
                must(weir_publish(p, data, sizeof data, &(struct weir_about){ .tag = sum_of(data, sizeof data) },
                                  SOON) == WEIR_OK);
        }
        weir_close(bus);
}

static void
play_honest(const struct role *role, int line)
{
        static int64_t took_ns[FRAMES];
        struct weir *bus = bus_open("honest");
        const struct weir_frame *frame;
        struct weir_subscriber *s;
        struct times times = { 0 };

        must(weir_subscriber_open(&s, bus, "honest",
                                  WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE, .require = WEIR_PIPE, .until_end = 1)) ==
             WEIR_OK);
        say(line);
        for (uint64_t i = 0; i < role->frames; i++) {
                must(weir_take(s, SOON, &frame) == WEIR_OK);
                took_ns[i] = weir_now() - frame->published_ns;
                must(frame->sequence == i + 1 && frame->lost == 0 && frame->skipped == 0 && frame->size == SMALL);
                must(frame->about.tag == sum_of(frame->data, frame->size));
                weir_release(frame);
        }
        must(weir_take(s, SOON, &frame) == WEIR_ENDED);
        qsort(took_ns, role->frames, sizeof *took_ns, by_size);
        times.median_ns = took_ns[role->frames / 2];
        times.p99_ns = took_ns[role->frames * 99 / 100];
        must(write(line, &times, sizeof times) == (ssize_t)sizeof times);
        weir_close(bus);
}

/* ---- rounds ---- */

static const struct {
        const char *name;
        void (*play)(const struct role *, int);
} hostile[] = {
        { "stopped", play_stopped },
        { "trickling", play_trickling },
        { "restless", play_restless },
        { "babbling", play_babbling },
};

enum { HOSTILE = sizeof hostile / sizeof *hostile, SETTINGS = HOSTILE + 2 };

/* Beside those whose bit is set. */
static int
round_play(unsigned who, struct times *times)
{
        struct process beside[HOSTILE], source, honest;
        int failed = 0;

        for (unsigned i = 0; i < HOSTILE; i++)
                if (who >> i & 1) {
                        beside[i] = start(hostile[i].play, (struct role){ 0 });
                        hear(beside[i].line);
                }
        source = start(play_source, (struct role){ .frames = FRAMES });
        hear(source.line);
        honest = start(play_honest, (struct role){ .frames = FRAMES });
        hear(honest.line);
        say(source.line);
        must(recv(honest.line, times, sizeof *times, MSG_WAITALL) == (ssize_t)sizeof *times);
        failed += finish(&honest);
        failed += finish(&source);
        for (unsigned i = 0; i < HOSTILE; i++)
                if (who >> i & 1)
                        slay(&beside[i]);
        return failed;
}

static int64_t
middle(int64_t values[ROUNDS])
{
        qsort(values, ROUNDS, sizeof *values, by_size);
        return values[ROUNDS / 2];
}

static int
hostile_relayed_clients_are_in_nobodys_way(void)
{
        struct process broker = start(play_broker, (struct role){ 0 });
        int64_t median_ns[SETTINGS][ROUNDS], p99_ns[SETTINGS][ROUNDS], alone_ns = 0, took_ns;
        int failed = 0;

        for (int turn = 0; turn < ROUNDS; turn++)
                for (int i = 0; i < SETTINGS; i++) {
                        unsigned all = (1u << HOSTILE) - 1;
                        struct times times = { 0 };

                        failed += round_play(i == 0 ? 0 : i <= HOSTILE ? 1u << (i - 1) : all, &times);
                        median_ns[i][turn] = times.median_ns;
                        p99_ns[i][turn] = times.p99_ns;
                }
        for (int i = 0; i < SETTINGS; i++) {
                took_ns = middle(p99_ns[i]);
                alone_ns = i == 0 ? took_ns : alone_ns;
                printf("# %-9s p50 %7.1f us, p99 %7.1f us, %.2f of undisturbed\n",
                       i == 0         ? "alone"
                       : i <= HOSTILE ? hostile[i - 1].name
                                      : "all four",
                       (double)middle(median_ns[i]) / 1e3, (double)took_ns / 1e3, (double)took_ns / (double)alone_ns);
        }
        slay(&broker);
        return failed;
}

static const struct scenario scenarios[] = {
        { "hostile relayed clients are in nobody's way", hostile_relayed_clients_are_in_nobodys_way },
};

int
main(void)
{
        return play_all(scenarios, sizeof scenarios / sizeof *scenarios);
}
