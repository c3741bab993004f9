/*
 * The broker dies and another one takes its place: what is connected flows on, comes back, and moves to a lane that the
 * new broker can give to newcomers, without a frame lost, doubled or out of order.
 */
#include "clients/c/publisher.h"
#include "tests/contract/weir_kit.h"

#include <inttypes.h>

TestSuite(broker_restart, .fini = kit_clean, .timeout = 100);

enum { SMALL = 24, LARGE = 100 * 1000, HISTORY = 10 };

static struct kit_child broker;

static void
broker_start(void)
{
        broker = kit_start(kit_play_broker);
}

static void
broker_restart(void)
{
        kit_kill(&broker);
        broker_start();
}

static void
away_and_back(struct weir *bus)
{
        kit_event(bus, WEIR_BROKER_LOST);
        kit_event(bus, WEIR_BROKER_BACK);
}

/* Every word of the payload is the number of the frame; every third frame is large. */
static uint64_t
size_of(uint64_t number)
{
        return number % 3 == 0 ? LARGE : SMALL;
}

static void
publish(struct weir_publisher *publisher, uint64_t from, uint64_t to)
{
        static uint64_t words[LARGE / 8];

        for (uint64_t number = from; number < to; number++) {
                for (size_t i = 0; i < size_of(number) / 8; i++)
                        words[i] = number;
                kit_ok(weir_publish(publisher, words, size_of(number), NULL, KIT_SOON));
        }
}

static void
expect_number(const struct weir_frame *frame, uint64_t number)
{
        const uint64_t *words = frame->data;

        cr_assert(eq(u64, frame->size, size_of(number)));
        for (size_t i = 0; i < frame->size / 8; i++)
                cr_assert(eq(u64, words[i], number));
}

static void
expect(struct weir_subscriber *subscriber, uint64_t from, uint64_t to)
{
        for (uint64_t number = from; number < to; number++) {
                const struct weir_frame *frame = kit_take(subscriber);

                expect_number(frame, number);
                cr_assert(eq(u64, frame->lost, 0));
                weir_release(frame);
        }
}

static void
expect_nothing(struct weir_subscriber *subscriber)
{
        const struct weir_frame *frame;

        cr_assert(eq(int, weir_take(subscriber, WEIR_NOW, &frame), WEIR_EMPTY));
}

struct stage {
        struct weir *out, *in;
        struct weir_publisher *publisher;
        struct weir_subscriber *reader;
};

static struct stage
stage_set(uint32_t delivery, uint32_t history)
{
        struct stage stage;

        broker_start();
        stage.out = kit_guest();
        stage.in = kit_guest();
        kit_ok(weir_publisher_open(&stage.publisher, stage.out, "t", WEIR_PUBLISHER(.history = history)));
        kit_ok(weir_subscriber_open(&stage.reader, stage.in, "t", WEIR_SUBSCRIBER(.delivery = delivery)));
        return stage;
}

static void
stage_restart(struct stage *stage)
{
        broker_restart();
        away_and_back(stage->out);
        away_and_back(stage->in);
}

static void
stage_end(struct stage *stage)
{
        weir_close(stage->in);
        weir_close(stage->out);
        kit_kill(&broker);
}

Test(broker_restart, what_is_connected_flows_on_and_comes_back)
{
        struct stage stage = stage_set(WEIR_RELIABLE, 0);
        struct weir_broker_state state = { .size = sizeof state };
        uint64_t lane = stage.publisher->lane;
        struct weir_publisher *other;

        publish(stage.publisher, 0, 100);
        expect(stage.reader, 0, 50);
        kit_kill(&broker);
        kit_event(stage.out, WEIR_BROKER_LOST);
        publish(stage.publisher, 100, 200);
        expect(stage.reader, 50, 150);
        cr_assert(eq(int, weir_publisher_open(&other, stage.out, "u", NULL), WEIR_E_NO_BROKER));
        broker_start();
        kit_event(stage.out, WEIR_BROKER_BACK);
        away_and_back(stage.in);
        publish(stage.publisher, 200, 300);
        expect(stage.reader, 150, 300);
        expect_nothing(stage.reader);
        kit_ok(weir_broker_status(stage.out, &state));
        cr_assert(eq(u32, state.pairs, 1), "both ends told of it");
        cr_assert(eq(u64, stage.publisher->lane, lane), "without a need no lane moves");
        kit_ok(weir_publisher_open(&other, stage.out, "u", NULL));
        stage_end(&stage);
}

Test(broker_restart, a_newcomer_gets_a_lane_that_follows_and_nobody_loses_a_frame)
{
        struct stage stage = stage_set(WEIR_RELIABLE, 0);
        struct weir_subscriber *newcomer;
        struct weir *bus;

        publish(stage.publisher, 0, 100);
        stage_restart(&stage);
        bus = kit_guest();
        kit_ok(weir_subscriber_open(&newcomer, bus, "t", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        kit_event(bus, WEIR_JOINED);
        kit_event(stage.out, WEIR_JOINED);
        while (kit_publisher_info(stage.publisher).peers < 2)
                kit_event(stage.out, WEIR_JOINED);
        expect(stage.reader, 0, 100);
        publish(stage.publisher, 100, 400);
        expect(stage.reader, 100, 400);
        expect_nothing(stage.reader);
        weir_close(bus);
        stage_end(&stage);
}

Test(broker_restart, an_idle_publisher_gives_a_newcomer_its_history)
{
        struct stage stage = stage_set(WEIR_LOSSY, HISTORY);
        int64_t published_ns;
        const struct weir_frame *frame;
        struct weir_subscriber *newcomer;
        struct weir *bus;

        publish(stage.publisher, 0, 100);
        published_ns = weir_now();
        stage_restart(&stage);
        bus = kit_guest();
        kit_ok(weir_subscriber_open(&newcomer, bus, "t", NULL));
        for (uint64_t number = 100 - HISTORY; number < 100; number++) {
                frame = kit_take(newcomer);
                expect_number(frame, number);
                cr_assert(eq(u64, frame->sequence, number + 1));
                cr_assert(le(i64, frame->published_ns, published_ns));
                cr_assert(ne(u32, frame->about.flags & WEIR_OLD, 0));
                cr_assert(eq(u64, frame->lost + frame->skipped, 0));
                weir_release(frame);
        }
        expect_nothing(newcomer);
        expect(stage.reader, 0, 100);
        publish(stage.publisher, 100, 103);
        expect(newcomer, 100, 103);
        expect(stage.reader, 100, 103);
        weir_close(bus);
        stage_end(&stage);
}

Test(broker_restart, loans_and_formats_outlive_the_move)
{
        struct weir_format format = { .type = "test/words", .encoding = "none", .schema = "s", .schema_size = 1 };
        struct stage stage = stage_set(WEIR_RELIABLE, 0);
        const struct weir_format *seen;
        const struct weir_frame *frame, *held;
        struct weir_loan *large, *small, *kept;
        struct weir_subscriber *newcomer;
        struct weir *bus;

        kit_ok(weir_set_format(stage.publisher, &format));
        kit_ok(weir_lend(stage.publisher, LARGE, KIT_SOON, &kept));
        memset(kept->data, 1, LARGE);
        kept->about.flags = WEIR_KEEP;
        kit_ok(weir_loan_publish(kept));
        held = kit_take(stage.reader);
        seen = held->format;
        cr_assert(eq(str, (char *)seen->type, "test/words"));
        kit_ok(weir_lend(stage.publisher, LARGE, KIT_SOON, &large));
        kit_ok(weir_lend(stage.publisher, SMALL, KIT_SOON, &small));
        memset(large->data, 2, LARGE);
        memset(small->data, 3, SMALL);

        stage_restart(&stage);
        bus = kit_guest();
        kit_ok(weir_subscriber_open(&newcomer, bus, "t", NULL));
        kit_event(bus, WEIR_JOINED);
        kit_ok(weir_loan_publish(large));
        kit_ok(weir_loan_publish(small));
        for (int i = 2; i <= 3; i++) {
                frame = kit_take(stage.reader);
                cr_assert(eq(int, ((const uint8_t *)frame->data)[SMALL - 1], i));
                cr_assert(eq(ptr, (void *)frame->format, (void *)seen));
                weir_release(frame);
                frame = kit_take(newcomer);
                cr_assert(eq(int, ((const uint8_t *)frame->data)[SMALL - 1], i));
                cr_assert(eq(str, (char *)frame->format->type, "test/words"));
                weir_release(frame);
        }
        cr_assert(eq(int, ((const uint8_t *)held->data)[LARGE - 1], 1), "what is out stays in the lane that was left");
        cr_assert(eq(int, ((const uint8_t *)kept->data)[LARGE - 1], 1));
        weir_loan_discard(kept);
        weir_release(held);
        weir_close(bus);
        stage_end(&stage);
}

/* Lanes move again and again; each time a block of the lane before is still out. */
Test(broker_restart, a_chain_of_lanes_loses_nothing)
{
        enum { TIMES = 6, EACH = 30 };
        struct stage stage = stage_set(WEIR_RELIABLE, 0);
        const struct weir_frame *held[TIMES];
        struct weir_subscriber *newcomer;
        struct weir *bus;

        for (uint64_t time = 0; time < TIMES; time++) {
                publish(stage.publisher, time * EACH, (time + 1) * EACH);
                held[time] = kit_take(stage.reader);
                expect_number(held[time], time * EACH);
                stage_restart(&stage);
                bus = kit_guest();
                kit_ok(weir_subscriber_open(&newcomer, bus, "t", WEIR_SUBSCRIBER(.history = WEIR_NONE)));
                kit_event(bus, WEIR_JOINED);
                expect(stage.reader, time * EACH + 1, (time + 1) * EACH);
                expect_nothing(newcomer);
                weir_close(bus);
        }
        for (uint64_t time = 0; time < TIMES; time++) {
                expect_number(held[time], time * EACH);
                weir_release(held[time]);
        }
        stage_end(&stage);
}

/* ---- who does not come back */

static void
play_reader(int line)
{
        struct weir *bus = kit_guest();
        struct weir_subscriber *reader;

        kit_ok(weir_subscriber_open(&reader, bus, "t", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        kit_say(line, 0);
        for (;;) {
                const struct weir_frame *frame;
                enum weir_result result = weir_take(reader, KIT_SOON, &frame);

                if (result == WEIR_OK)
                        weir_release(frame);
                else
                        kit_say(line, (uint64_t)-result);
        }
}

/* Says how many frames it has, one after the other from the first; or what else it was told. */
static void
play_counter(int line)
{
        struct weir *bus = kit_guest();
        struct weir_subscriber *reader;
        const struct weir_frame *frame;
        uint64_t count = 0;

        kit_ok(weir_subscriber_open(&reader, bus, "t", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        kit_say(line, 0);
        for (;;) {
                kit_ok(weir_take(reader, KIT_SOON, &frame));
                expect_number(frame, count++);
                weir_release(frame);
                kit_say(line, count);
        }
}

/* The same, and it must not be told of anything else. */
static void
play_patient_counter(int line)
{
        struct weir *bus = kit_guest();
        struct weir_subscriber *reader;
        const struct weir_frame *frame;
        const struct weir_event *event;
        uint64_t count = 0;

        kit_ok(weir_subscriber_open(&reader, bus, "t", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        kit_say(line, 0);
        for (;;) {
                kit_ok(weir_take(reader, KIT_SOON, &frame));
                expect_number(frame, count++);
                kit_must(frame->lost == 0);
                weir_release(frame);
                while (weir_next(bus, WEIR_NOW, &event) == WEIR_OK && event->kind != WEIR_FRAMES)
                        kit_must(event->kind == WEIR_JOINED);
                kit_say(line, count);
        }
}

/* Only the publisher loses patience with a broker that was stopped: the reader is stopped, too, and finds the broker's
 * PING when it goes on. */
Test(broker_restart, a_publisher_that_lost_patience_comes_back_and_its_readers_hear_of_no_death)
{
        struct weir_broker_state state = { .size = sizeof state };
        struct weir_publisher *publisher;
        struct kit_child reader;
        struct weir *out, *in;
        uint64_t lane;

        broker_start();
        out = kit_guest();
        kit_ok(weir_publisher_open(&publisher, out, "t", NULL));
        lane = publisher->lane;
        reader = kit_start(play_patient_counter);
        kit_hear(reader.line);
        publish(publisher, 0, 1);
        cr_assert(eq(u64, kit_hear(reader.line), 1));
        kit_freeze(&broker);
        kit_freeze(&reader);
        kit_event(out, WEIR_BROKER_LOST);
        publish(publisher, 1, 10);
        kit_thaw(&broker);
        kit_event(out, WEIR_BROKER_BACK);
        kit_thaw(&reader);
        publish(publisher, 10, 20);
        for (uint64_t count = 2; count <= 20; count++)
                cr_assert(eq(u64, kit_hear(reader.line), count));
        cr_assert(eq(u64, publisher->lane, lane));
        kit_ok(weir_broker_status(out, &state));
        cr_assert(eq(u32, state.pairs, 1));
        in = kit_guest(); /* a newcomer gets the same lane: nothing of it is lost */
        {
                struct weir_subscriber *newcomer;

                kit_ok(weir_subscriber_open(&newcomer, in, "t", NULL));
                kit_event(in, WEIR_JOINED);
                publish(publisher, 20, 23);
                expect(newcomer, 20, 23);
        }
        for (uint64_t count = 21; count <= 23; count++)
                cr_assert(eq(u64, kit_hear(reader.line), count));
        cr_assert(eq(u64, publisher->lane, lane), "without a need no lane moves");
        kit_kill(&reader);
        weir_close(in);
        weir_close(out);
        kit_kill(&broker);
}

/* Until the broker is back; of nothing but that and of lanes that join may it hear. */
static void
away_and_back_untold(struct weir *bus)
{
        const struct weir_event *event;
        bool is_back = false;

        while (!is_back) {
                cr_assert(eq(int, weir_next(bus, KIT_SOON, &event), WEIR_OK));
                cr_assert(event->kind == WEIR_BROKER_LOST || event->kind == WEIR_BROKER_BACK ||
                                  event->kind == WEIR_JOINED || event->kind == WEIR_FRAMES,
                          "kind %d: %s", (int)event->kind, event->text ? event->text : "");
                is_back = event->kind == WEIR_BROKER_BACK;
        }
}

/* Several lanes, one of them of another topic; publishers and reader lose patience at once, and come back in any order.
 * The numbers of each lane come in their order, none twice and none left out. */
Test(broker_restart, a_reader_that_lost_patience_goes_on_where_it_was_in_each_of_its_lanes)
{
        enum { LANES = 3, FRAMES = 60 };
        static const char *const topics[LANES] = { "t/a", "t/a", "t/b" };
        struct weir_broker_state state = { .size = sizeof state };
        struct weir_publisher *publishers[LANES];
        struct weir_subscriber *pattern, *plain, *readers[2];
        uint64_t next[2][LANES] = { 0 };
        struct weir *out, *in;

        broker_start();
        out = kit_guest();
        in = kit_guest();
        for (int i = 0; i < LANES; i++)
                kit_ok(weir_publisher_open(&publishers[i], out, topics[i], WEIR_PUBLISHER(.history = 5)));
        kit_ok(weir_subscriber_open(&pattern, in, "t/*", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE, .history = 5)));
        kit_ok(weir_subscriber_open(&plain, in, "t/a", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        for (uint64_t number = 0; number < FRAMES; number++) {
                if (number == FRAMES / 3)
                        kit_freeze(&broker);
                if (number == FRAMES / 2) {
                        kit_thaw(&broker);
                        away_and_back_untold(in);
                        away_and_back_untold(out);
                }
                for (int i = 0; i < LANES; i++)
                        kit_ok(weir_publish(publishers[i], (uint64_t[]){ (uint64_t)i, number }, 16, NULL, KIT_SOON));
                if (number == FRAMES / 2 - 1) { /* with the broker stopped, and half of it unread */
                        kit_event(in, WEIR_BROKER_LOST);
                        kit_event(out, WEIR_BROKER_LOST);
                }
        }
        readers[0] = pattern;
        readers[1] = plain;
        for (int i = 0; i < 2; i++)
                for (int left = FRAMES * (i == 0 ? LANES : LANES - 1); left > 0; left--) {
                        const struct weir_frame *frame = kit_take(readers[i]);
                        const uint64_t *words = frame->data;

                        cr_assert(lt(u64, words[0], LANES));
                        cr_assert(eq(u64, words[1], next[i][words[0]]++));
                        cr_assert(eq(u64, frame->lost + frame->skipped, 0));
                        weir_release(frame);
                }
        expect_nothing(pattern);
        expect_nothing(plain);
        kit_ok(weir_broker_status(out, &state));
        cr_assert(eq(u32, state.pairs, LANES + LANES - 1));
        cr_assert(eq(u32, state.subscriptions, 2));
        weir_close(in);
        weir_close(out);
        kit_kill(&broker);
}

/* Publishes what its parent bids it to. */
static void
play_publisher(int line)
{
        struct weir *bus = kit_guest();
        struct weir_publisher *publisher;
        uint64_t from = 0, to;

        kit_ok(weir_publisher_open(&publisher, bus, "t", NULL));
        kit_say(line, 0);
        for (;; from = to) {
                to = kit_hear(line);
                publish(publisher, from, to);
                kit_say(line, to);
        }
}

Test(broker_restart, what_a_publisher_left_that_died_while_its_reader_was_away_is_read_to_its_end)
{
        const struct weir_event *left;
        struct kit_child publisher;
        struct weir_subscriber *reader;
        struct weir *in;

        broker_start();
        in = kit_guest();
        publisher = kit_start(play_publisher);
        kit_hear(publisher.line);
        kit_ok(weir_subscriber_open(&reader, in, "t", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        kit_say(publisher.line, 10);
        cr_assert(eq(u64, kit_hear(publisher.line), 10));
        kit_freeze(&broker);
        kit_event(in, WEIR_BROKER_LOST);
        kit_say(publisher.line, 20);
        cr_assert(eq(u64, kit_hear(publisher.line), 20));
        kit_kill(&publisher);
        kit_thaw(&broker);
        kit_event(in, WEIR_BROKER_BACK);
        expect(reader, 0, 20);
        expect_nothing(reader);
        left = kit_event(in, WEIR_LEFT);
        cr_assert(eq(int, left->reason, WEIR_E_CLOSED));
        weir_close(in);
        kit_kill(&broker);
}

Test(broker_restart, what_is_published_while_a_lane_moves_reaches_a_reader_that_is_not_ready_yet)
{
        enum { FRAMES = 30 };
        struct weir_publisher *publisher;
        struct weir_subscriber *newcomer;
        struct kit_child reader;
        struct weir *out, *in;

        broker_start();
        out = kit_guest();
        kit_ok(weir_publisher_open(&publisher, out, "t", NULL));
        reader = kit_start(play_counter);
        kit_hear(reader.line);
        kit_freeze(&reader);
        broker_restart();
        away_and_back(out);
        in = kit_guest();
        kit_ok(weir_subscriber_open(&newcomer, in, "t", NULL)); /* from here on the lane is to move */
        publish(publisher, 0, FRAMES);
        kit_thaw(&reader);
        for (uint64_t count = 1; count <= FRAMES; count++)
                cr_assert(eq(u64, kit_hear(reader.line), count));
        kit_event(in, WEIR_JOINED);
        publish(publisher, FRAMES, FRAMES + 3);
        expect(newcomer, FRAMES, FRAMES + 3);
        for (uint64_t count = FRAMES + 1; count <= FRAMES + 3; count++)
                cr_assert(eq(u64, kit_hear(reader.line), count));
        kit_kill(&reader);
        weir_close(in);
        weir_close(out);
        kit_kill(&broker);
}

Test(broker_restart, a_stopped_reader_is_waited_for_no_longer_than_its_due_and_learns_what_it_missed)
{
        struct weir_publisher *publisher;
        struct weir_subscriber *newcomer;
        struct kit_child reader;
        struct weir *out, *in;

        broker_start();
        out = kit_guest();
        kit_ok(weir_publisher_open(&publisher, out, "t", WEIR_PUBLISHER(.stall_ns = 1000000000)));
        reader = kit_start(play_reader);
        kit_hear(reader.line);
        kit_freeze(&reader);
        broker_restart();
        away_and_back(out);
        in = kit_guest();
        kit_ok(weir_subscriber_open(&newcomer, in, "t", NULL));
        kit_event(in, WEIR_JOINED); /* behind the deadline of the move */
        publish(publisher, 0, 10);
        expect(newcomer, 0, 10);
        kit_thaw(&reader);
        cr_assert(eq(u64, kit_hear(reader.line), (uint64_t)-WEIR_E_EVICTED));
        kit_kill(&reader);
        weir_close(in);
        weir_close(out);
        kit_kill(&broker);
}
