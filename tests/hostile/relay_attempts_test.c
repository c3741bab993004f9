/* What a relayed client may try with its stream. Whatever it is, its agent ends it in words, and nobody else is held
 * up: an honest publisher and its reader, in shared memory beside it, get every frame through. */
#include "bus/lane.h"
#include "tests/fault/relay_fixture.h"

#include <weir/weir.h>

#ifndef _WIN32
#        include <sys/socket.h>
#endif

enum { HONEST_FRAMES = 400, HONEST_BYTES = 1 << 16, SEEDS = 64, NOISY = 16, NOISE_BYTES = 3000 };

enum { LARGE_BYTES = 1 << 16, LARGE_FRAMES = 64, MANY = 160 };

#define SOON INT64_C(20000000000)

TestSuite(relay_attempts, .fini = kit_clean, .timeout = 120);

static struct broker
begin(void)
{
        given.policy = no_map();
        return broker_begin();
}

static struct wr_message
subscribe_by_pipe(const char *topic, uint32_t delivery)
{
        struct wr_message message = subscribe(topic);

        message.subscribe.require = WR_PATH_PIPE;
        message.subscribe.delivery = delivery;
        return message;
}

/* ---- honest ones, beside it ---- */

struct honest {
        struct weir *bus;
        struct weir_publisher *publisher;
        struct weir_subscriber *subscriber;
        uint64_t next;
        uint8_t bytes[HONEST_BYTES];
};

static void
honest_begin(struct honest *honest, const struct broker *broker)
{
        honest->next = 1;
        cr_assert(
                eq(int, weir_open(&honest->bus, WEIR_OPTIONS(.name = "honest", .address = broker->address)), WEIR_OK));
        cr_assert(eq(int,
                     weir_publisher_open(&honest->publisher, honest->bus, "open",
                                         WEIR_PUBLISHER(.stall_ns = 300000000, .memory_max = 64 << 20)),
                     WEIR_OK));
        cr_assert(eq(int,
                     weir_subscriber_open(&honest->subscriber, honest->bus, "open",
                                          WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)),
                     WEIR_OK));
}

/* Each frame is there before the next is published, and none is missing. */
static void
honest_exchange(struct honest *honest, unsigned count)
{
        for (unsigned i = 0; i < count; i++, honest->next++) {
                const struct weir_frame *frame;

                memset(honest->bytes, (int)honest->next, sizeof(honest->bytes));
                cr_assert(eq(int, weir_publish(honest->publisher, honest->bytes, sizeof(honest->bytes), NULL, SOON),
                             WEIR_OK));
                cr_assert(eq(int, weir_take(honest->subscriber, SOON, &frame), WEIR_OK));
                cr_assert(eq(u64, frame->sequence, honest->next));
                cr_assert(zero(u64, frame->lost));
                cr_assert(zero(int, memcmp(frame->data, honest->bytes, sizeof(honest->bytes))));
                weir_release(frame);
        }
}

static void
honest_end(struct honest *honest)
{
        weir_close(honest->bus);
        weir_publisher_close(honest->publisher);
        weir_subscriber_close(honest->subscriber);
}

/* ---- attempts ---- */

/* Some who wait to be cut, which takes as long for all as for one. */
static void
noise_make(struct client *client, unsigned *dice, unsigned turn)
{
        struct relayed relayed[NOISY];
        uint8_t noise[NOISE_BYTES];

        for (unsigned i = 0; i < NOISY; i++) {
                for (int k = 0; k < NOISE_BYTES; k++) {
                        *dice = *dice * 1103515245 + 12345;
                        noise[k] = (uint8_t)(*dice >> 16);
                }
                if ((turn + i) % 3 == 0) {
                        client_send(client, subscribe("t"));
                        client_expect(client, WR_RELAY);
                        relayed_adopt(&relayed[i], client);
                } else {
                        relayed_open(&relayed[i], client, (turn + i) % 3 == 1 ? subscribe("t") : publish("t"));
                }
                relayed_write(&relayed[i], noise, sizeof(noise)); /* it may have hung up in the middle */
        }
        for (unsigned i = 0; i < NOISY; i++) {
                relayed_expect_end(&relayed[i]);
                relayed_close(&relayed[i]);
        }
}

Test(relay_attempts, noise_ends_the_relay_and_nothing_else)
{
        struct broker broker = begin();
        struct client client = client_begin(&broker, "noisy");
        static struct honest honest;
        unsigned dice = 7;

        honest_begin(&honest, &broker);
        for (unsigned turn = 0; turn < SEEDS; turn += NOISY) {
                noise_make(&client, &dice, turn);
                honest_exchange(&honest, 4 * NOISY);
        }
        honest_end(&honest);
        client_status_when(&client, 1);
        client_close(&client);
        broker_end(&broker);
}

/* Records that are one, and say what cannot be. */
Test(relay_attempts, records_that_cannot_be_are_told_so)
{
        static const struct {
                struct wr_record record;
                uint64_t bytes; /* that it says are behind it */
        } attempts[] = {
                { { .kind = WR_RECORD_FRAME, .frame = { .sequence = 1, .extension = 24 } }, 10 },
                { { .kind = WR_RECORD_FRAME, .frame = { .sequence = 1 } }, UINT64_MAX },
                { { .kind = WR_RECORD_FORMAT }, UINT64_C(1) << 32 },
                { { .kind = WR_RECORD_BEGIN, .begin = { WR_RECORD_VERSION, 0 } }, 0 },
                { { .kind = WR_RECORD_OPENED }, 0 },
                { { .kind = WR_RECORD_LANE }, 0 },
                { { .kind = WR_RECORD_TAKEN }, 0 },
        };
        struct broker broker = begin();
        struct client client = client_begin(&broker, "liar");

        for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++) {
                uint8_t bytes[WR_RECORD_BYTES_MAX];
                size_t size = wr_record_encode(&attempts[i].record, bytes);
                struct relayed relayed;

                memcpy(bytes + 8, &attempts[i].bytes, sizeof(attempts[i].bytes));
                relayed_open(&relayed, &client, publish("t"));
                cr_assert(relayed_write(&relayed, bytes, size));
                relayed_expect(&relayed, WR_RECORD_CLOSED);
                cr_assert(eq(int, relayed.record.closed.reason, WEIR_E_CORRUPT), "%zu", i);
                relayed_expect_end(&relayed);
                relayed_close(&relayed);
        }
        client_status_when(&client, 1);
        client_close(&client);
        broker_end(&broker);
}

/* What `weir who` says of the publisher of "t", once it says anything of a frame that was lost. */
static uint64_t
corrupt_of_t(struct client *client)
{
        const struct wr_message list = { .kind = WR_LIST, .request = 77, .list = { .endpoints = 1, .pattern = "t" } };
        int64_t until_ns = wr_clock_ns() + SOON;
        uint64_t corrupt = 0;

        while (corrupt == 0 && wr_clock_ns() < until_ns) {
                client_send(client, list);
                for (client_expect(client, WR_ENDPOINT); client->message.kind != WR_DONE; client_receive(client))
                        if (client->message.kind == WR_ENDPOINT && client->message.endpoint.publishes)
                                corrupt = client->message.endpoint.corrupt;
        }
        return corrupt;
}

Test(relay_attempts, a_frame_whose_bytes_are_not_those_that_were_hashed_reaches_nobody)
{
        struct broker broker = begin();
        struct client writer = client_begin(&broker, "writer"), reader = client_begin(&broker, "reader");
        struct wr_record record = { .kind = WR_RECORD_FRAME, .bytes = 5 };
        static uint8_t spoilt[LARGE_BYTES];
        struct relayed in, out;
        char got[6] = "";

        relayed_open(&in, &reader, subscribe("t"));
        relayed_open(&out, &writer, publish("t"));
        record.frame.sequence = 1;
        record.frame.flags = WR_RECORD_HASHED;
        record.frame.hash = 4711;
        cr_assert(relayed_say(&out, record) && relayed_write(&out, "wrong", 5));
        relayed_frame(&out, "right", 5);
        /* None of its bytes come, and what does come has a hash that is not its own. */
        while (relayed_next(&in) == WR_RECORD_LANE)
                ;
        cr_assert(eq(int, in.record.kind, WR_RECORD_FRAME));
        cr_assert(le(u64, in.record.bytes, sizeof(spoilt)));
        relayed_payload(&in, spoilt, in.record.bytes);
        cr_assert(ne(u64, wr_hash_two("", 0, spoilt, in.record.bytes), in.record.frame.hash));
        for (uint64_t i = 0; i < in.record.bytes; i++)
                cr_assert(eq(u8, spoilt[i], 0));
        relayed_take(&in, got, 5);
        cr_assert(eq(str, got, "right"));
        cr_assert(eq(u64, in.record.frame.sequence, 2));
        cr_assert(eq(u64, corrupt_of_t(&writer), 1));
        relayed_close(&in);
        relayed_close(&out);
        client_close(&writer);
        client_close(&reader);
        broker_end(&broker);
}

/* As of a frame that a direct publisher's lane has damaged: it is missed in the numbers, and counted. */
static void
expect_one_corrupt(struct weir_subscriber *s)
{
        struct weir_info info = { .size = sizeof(info) };
        const struct weir_frame *frame;

        cr_assert(eq(int, weir_take(s, SOON, &frame), WEIR_OK));
        cr_assert(eq(u64, frame->size, 5));
        cr_assert(zero(int, memcmp(frame->data, "right", 5)));
        cr_assert(eq(u64, frame->sequence, 2));
        cr_assert(eq(u64, frame->lost, 1));
        weir_release(frame);
        cr_assert(eq(int, weir_subscriber_info(s, &info), WEIR_OK));
        cr_assert(eq(u64, info.corrupt, 1));
        cr_assert(eq(u64, info.lost, 1));
        weir_subscriber_close(s);
}

Test(relay_attempts, a_frame_that_does_not_check_is_told_to_its_readers_as_lost)
{
        struct broker broker = begin();
        struct client writer = client_begin(&broker, "writer");
        struct wr_record record = { .kind = WR_RECORD_FRAME, .bytes = 5 };
        struct wr_message by_pipe = publish("open");
        struct weir_subscriber *direct, *relayed;
        struct relayed out;
        struct weir *bus;

        cr_assert(eq(int, weir_open(&bus, WEIR_OPTIONS(.address = broker.address)), WEIR_OK));
        cr_assert(eq(int, weir_subscriber_open(&direct, bus, "open", NULL), WEIR_OK));
        cr_assert(eq(int, weir_subscriber_open(&relayed, bus, "open", WEIR_SUBSCRIBER(.require = WEIR_PIPE)), WEIR_OK));
        by_pipe.publish.require = WR_PATH_PIPE;
        relayed_open(&out, &writer, by_pipe);
        record.frame.sequence = 1;
        record.frame.flags = WR_RECORD_HASHED;
        record.frame.hash = 4711;
        cr_assert(relayed_say(&out, record) && relayed_write(&out, "wrong", 5));
        relayed_frame(&out, "right", 5);
        expect_one_corrupt(direct);
        expect_one_corrupt(relayed);
        weir_close(bus);
        relayed_close(&out);
        client_close(&writer);
        broker_end(&broker);
}

/* WEIR_KEEP and its like are said to the library that publishes, which here is the agent's: a loan that it kept would
 * be out for ever. */
Test(relay_attempts, no_flag_of_a_frame_keeps_memory_of_the_broker)
{
        const struct wr_about about = { .tag = 7, .flags = UINT32_MAX };
        struct broker broker = begin();
        struct client writer = client_begin(&broker, "writer"), reader = client_begin(&broker, "reader");
        static uint8_t bytes[LARGE_BYTES], got[LARGE_BYTES];
        uint8_t extension[WR_EXTENSION_MAX + 8];
        struct wr_record record = { .kind = WR_RECORD_FRAME };
        struct wr_message lossless = subscribe_by_pipe("t", WEIR_RELIABLE), small = publish("t");
        struct relayed in, out;

        small.publish.memory_max = 16 * LARGE_BYTES; /* a quarter of what comes */
        small.publish.loans_max = 4;
        memset(bytes, 1, sizeof(bytes));
        relayed_open(&in, &reader, lossless);
        relayed_open(&out, &writer, small);
        record.frame.extension = wr_lane_extension(&about, extension);
        record.bytes = record.frame.extension + sizeof(bytes);
        for (uint64_t i = 1; i <= LARGE_FRAMES; i++) {
                record.frame.sequence = i;
                cr_assert(relayed_say(&out, record) && relayed_write(&out, extension, record.frame.extension));
                cr_assert(relayed_write(&out, bytes, sizeof(bytes)));
                relayed_take(&in, got, sizeof(got));
                cr_assert(eq(u64, in.record.frame.sequence, i));
        }
        relayed_close(&in);
        relayed_close(&out);
        client_close(&writer);
        client_close(&reader);
        broker_end(&broker);
}

/* All that the agent has to say of them is more than it holds back. */
Test(relay_attempts, a_pattern_of_many_publishers_opens_and_hears_each_of_them_go)
{
        struct wr_sid self = wr_user_self();
        char me[100], policy[400];
        struct weir_publisher *publishers[MANY];
        struct relayed relayed;
        struct broker broker;
        struct client client;
        struct weir *bus;

        wr_user_text(&self, me, sizeof(me));
        snprintf(policy, sizeof(policy),
                 "[quota]\nlanes = 200\n[topic.\"many/*\"]\npublish = [\"user:%s\"]\nsubscribe = [\"user:%s\"]\n", me,
                 me);
        given.policy = policy;
        broker = broker_begin();
        client = client_begin(&broker, "patient");
        cr_assert(eq(int, weir_open(&bus, WEIR_OPTIONS(.name = "many", .address = broker.address)), WEIR_OK));
        for (int i = 0; i < MANY; i++) {
                char topic[32];

                snprintf(topic, sizeof(topic), "many/%d", i);
                cr_assert(eq(int,
                             weir_publisher_open(&publishers[i], bus, topic, WEIR_PUBLISHER(.memory_max = 1 << 22)),
                             WEIR_OK),
                          "%d: %s", i, weir_error());
        }
        relayed_open(&relayed, &client, subscribe_by_pipe("many/*", WEIR_LOSSY));
        for (int i = 0; i < MANY; i++)
                relayed_expect(&relayed, WR_RECORD_LANE);
        for (int i = 0; i < MANY; i++)
                weir_publisher_close(publishers[i]);
        for (int i = 0; i < MANY; i++)
                relayed_expect(&relayed, WR_RECORD_LEFT);
        relayed_close(&relayed);
        weir_close(bus);
        client_close(&client);
        broker_end(&broker);
}

Test(relay_attempts, who_does_not_begin_is_cut)
{
        struct broker broker = begin();
        struct client client = client_begin(&broker, "silent");
        static struct honest honest;
        struct relayed silent, half;

        honest_begin(&honest, &broker);
        client_send(&client, subscribe("t"));
        client_expect(&client, WR_RELAY);
        relayed_adopt(&silent, &client);
        client_send(&client, publish("t"));
        client_expect(&client, WR_RELAY);
        relayed_adopt(&half, &client);
        cr_assert(relayed_write(&half, "\1", 1));
        honest_exchange(&honest, HONEST_FRAMES);
        relayed_expect_end(&silent);
        relayed_expect_end(&half);
        relayed_close(&silent);
        relayed_close(&half);
        honest_end(&honest);
        client_status_when(&client, 1);
        client_close(&client);
        broker_end(&broker);
}

Test(relay_attempts, a_lossy_reader_that_stops_reading_holds_nobody_up)
{
        struct broker broker = begin();
        struct client client = client_begin(&broker, "asleep");
        static struct honest honest;
        struct relayed relayed;

        relayed_open(&relayed, &client, subscribe_by_pipe("open", WEIR_LOSSY));
        honest_begin(&honest, &broker);
        honest_exchange(&honest, 4 * HONEST_FRAMES); /* 100 MiB: more than any buffer between them */
        client_close(&client);                       /* its agent waits for room: the session's end is its own */
        relayed_expect_end(&relayed);
        relayed_close(&relayed);
        honest_end(&honest);
        broker_end(&broker);
}

Test(relay_attempts, a_reliable_reader_that_stops_reading_is_evicted_like_any_other)
{
        struct broker broker = begin();
        struct client client = client_begin(&broker, "asleep");
        static struct honest honest;
        const struct weir_event *event;
        struct relayed relayed;

        relayed_open(&relayed, &client, subscribe_by_pipe("open", WEIR_RELIABLE));
        honest_begin(&honest, &broker);
        honest_exchange(&honest, 4 * HONEST_FRAMES);
        do
                cr_assert(eq(int, weir_next(honest.bus, SOON, &event), WEIR_OK));
        while (event->kind != WEIR_EVICTED);
        relayed_close(&relayed);
        honest_end(&honest);
        client_close(&client);
        broker_end(&broker);
}

Test(relay_attempts, a_frame_that_drips_byte_by_byte_arrives_and_delays_nobody)
{
        struct broker broker = begin();
        struct client writer = client_begin(&broker, "dripping"), reader = client_begin(&broker, "reader");
        struct wr_record record = { .kind = WR_RECORD_FRAME, .bytes = 20 };
        uint8_t bytes[WR_RECORD_BYTES_MAX + 20];
        struct relayed in, out;
        static struct honest honest;
        char got[21] = "";
        size_t size;

        honest_begin(&honest, &broker);
        relayed_open(&in, &reader, subscribe("t"));
        relayed_open(&out, &writer, publish("t"));
        record.frame.sequence = 1;
        size = wr_record_encode(&record, bytes);
        memcpy(bytes + size, "drop by drop by drop", 20);
        for (size_t i = 0; i < size + 20; i++) {
                cr_assert(relayed_write(&out, bytes + i, 1));
                honest_exchange(&honest, 2);
        }
        relayed_take(&in, got, 20);
        cr_assert(eq(str, got, "drop by drop by drop"));
        relayed_close(&in);
        relayed_close(&out);
        honest_end(&honest);
        client_close(&writer);
        client_close(&reader);
        broker_end(&broker);
}

#ifndef _WIN32 /* where nothing can be attached to bytes */
Test(relay_attempts, descriptors_that_are_attached_to_the_bytes_do_not_arrive)
{
        struct broker broker = begin();
        struct client client = client_begin(&broker, "generous");
        union {
                char bytes[CMSG_SPACE(sizeof(int))];
                struct cmsghdr header;
        } control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
        struct iovec piece = { "\1", 1 };
        struct msghdr message = {
                .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control.bytes)
        };
        struct relayed relayed;
        size_t before;
        int standard = 0;

        relayed_open(&relayed, &client, publish("t"));
        client_status(&client);
        before = broker_descriptors(&broker);
        memcpy(CMSG_DATA(&control.header), &standard, sizeof(int));
        for (int i = 0; i < 14; i++) /* a part of a header, which is waited for */
                sendmsg(relayed.stream, &message, MSG_NOSIGNAL);
        client_status(&client);
        cr_assert(le(sz, broker_descriptors(&broker), before));
        relayed_close(&relayed);
        client_status_when(&client, 1);
        client_close(&client);
        broker_end(&broker);
}
#endif
