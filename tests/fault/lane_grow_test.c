/* A ring that is too short for the stalls of its readers grows under traffic; one of a reader that is slow does not. */
#include "bus/layout.h"
#include "clients/c/publisher.h"
#include "clients/c/subscriber.h"
#include "tests/contract/weir_kit.h"

#include <sched.h>

TestSuite(lane_grow, .fini = kit_clean, .timeout = 100);

#define KIB    UINT64_C(1024)
#define MIB    (1024 * KIB)
#define MS     INT64_C(1000000)
#define SECOND (1000 * MS)

enum { PAYLOAD = 1000, SHORTEST = 256 * 1024 };

struct stage {
        struct weir *out, *in;
        struct weir_publisher *publisher;
        struct weir_subscriber *reader;
        uint64_t published, taken;
};

static struct stage
stage_open(const struct weir_publisher_options *options)
{
        struct stage stage = { .out = kit_host(), .in = kit_guest() };

        kit_ok(weir_publisher_open(&stage.publisher, stage.out, "t", options));
        kit_ok(weir_subscriber_open(&stage.reader, stage.in, "t", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        kit_event(stage.out, WEIR_JOINED);
        return stage;
}

static void
stage_close(struct stage *stage)
{
        weir_close(stage->in);
        weir_close(stage->out);
}

static uint64_t
ring_of(const struct stage *stage)
{
        uint64_t bytes;

        wr_publisher_enter(stage->publisher);
        bytes = stage->publisher->writer.geometry.ring_bytes;
        wr_publisher_leave(stage->publisher);
        return bytes;
}

static enum weir_result
publish_one(struct stage *stage, int64_t timeout_ns)
{
        uint8_t bytes[PAYLOAD];
        enum weir_result result;

        kit_fill(bytes, PAYLOAD, stage->published + 1);
        result = weir_publish(stage->publisher, bytes, PAYLOAD, NULL, timeout_ns);
        stage->published += result == WEIR_OK;
        return result;
}

/* The reader takes nothing, until a publish that may not wait is told that there is no room. */
static void
publish_until_full(struct stage *stage)
{
        enum weir_result result;

        while ((result = publish_one(stage, WEIR_NOW)) == WEIR_OK)
                ;
        cr_assert(eq(int, result, WEIR_FULL));
}

static void
take_one(struct stage *stage)
{
        const struct weir_frame *frame = kit_take(stage->reader);

        stage->taken += 1;
        cr_assert(eq(u64, frame->sequence, stage->taken));
        cr_assert(eq(u64, frame->lost, 0));
        cr_assert(eq(u64, frame->size, PAYLOAD));
        cr_assert(kit_filled(frame->data, PAYLOAD, stage->taken));
        weir_release(frame);
}

static void
take_all(struct stage *stage)
{
        const struct weir_frame *frame;

        while (stage->taken < stage->published)
                take_one(stage);
        cr_assert(eq(int, weir_take(stage->reader, WEIR_NOW, &frame), WEIR_EMPTY));
}

static uint64_t
lane_settled(struct stage *stage)
{
        while (wr_publisher_is_moving(stage->publisher))
                sched_yield();
        return stage->publisher->lane;
}

/* What is asked by calls that wait for room, at that moment. False: no longer ring was asked for. */
static bool
lengthens_at(struct stage *stage, int64_t now_ns)
{
        struct weir_publisher *p = stage->publisher;
        bool asks;

        wr_publisher_enter(p);
        wr_publisher_charge(p, now_ns);
        asks = wr_load32(&p->growing) == WR_GROWING_RING;
        wr_publisher_went_through(p);
        wr_publisher_leave(p);
        return asks;
}

/* ---- it grows ---- */

Test(lane_grow, a_ring_grows_while_its_reader_stalls_and_nothing_is_lost)
{
        struct stage stage = stage_open(NULL);
        const struct weir_frame *frame;
        struct weir_subscriber *lossy;
        uint64_t sequence = 0;

        kit_ok(weir_subscriber_open(&lossy, stage.in, "t", NULL));
        kit_event(stage.out, WEIR_JOINED);
        for (uint64_t ring = SHORTEST; ring < 8 * SHORTEST; ring *= 2) {
                cr_assert(eq(u64, ring_of(&stage), ring));
                do {
                        publish_until_full(&stage);
                        kit_event(stage.out, WEIR_ROOM);
                } while (ring_of(&stage) == ring);
                publish_until_full(&stage);
                cr_assert(eq(u64, ring_of(&stage), 2 * ring));
                cr_assert(ge(u64, (stage.published - stage.taken) * (PAYLOAD + WR_HEADER_BYTES), 2 * ring));
                take_all(&stage);
        }
        kit_ok(publish_one(&stage, WEIR_NOW));
        take_all(&stage);
        while (sequence < stage.published) { /* what the lossy one gets is in order, and it knows what it lost */
                kit_ok(weir_take(lossy, KIT_SOON, &frame));
                cr_assert(eq(u64, frame->sequence, sequence + frame->lost + 1));
                cr_assert(kit_filled(frame->data, PAYLOAD, frame->sequence));
                sequence = frame->sequence;
                weir_release(frame);
        }
        stage_close(&stage);
}

Test(lane_grow, a_call_that_waits_for_room_gets_it_in_a_longer_ring)
{
        struct stage stage = stage_open(WEIR_PUBLISHER(.memory_max = 8 * MIB));

        publish_until_full(&stage);
        kit_ok(publish_one(&stage, KIT_SOON)); /* nobody takes anything */
        cr_assert(eq(u64, ring_of(&stage), 2 * SHORTEST));
        take_all(&stage);
        publish_until_full(&stage);
        cr_assert(eq(int, publish_one(&stage, 300 * MS), WEIR_FULL), "a sixteenth of its memory, not more");
        cr_assert(eq(u64, ring_of(&stage), 2 * SHORTEST));
        take_all(&stage);
        stage_close(&stage);
}

enum { MANY = 6000 };

static void
play_publisher(int line)
{
        struct stage stage = { .out = kit_guest() };

        kit_ok(weir_publisher_open(&stage.publisher, stage.out, "t", NULL));
        kit_event(stage.out, WEIR_JOINED);
        while (stage.published < MANY)
                kit_ok(publish_one(&stage, WEIR_FOREVER));
        kit_say(line, ring_of(&stage));
        kit_hear(line);
}

Test(lane_grow, one_stall_makes_one_step)
{
        struct stage stage = stage_open(NULL);

        publish_until_full(&stage);
        kit_ok(publish_one(&stage, KIT_SOON));
        publish_until_full(&stage);
        cr_assert(eq(int, publish_one(&stage, 400 * MS), WEIR_FULL), "the reader is still in the lane before");
        cr_assert(eq(u64, ring_of(&stage), 2 * SHORTEST));
        take_all(&stage);
        publish_until_full(&stage);
        kit_ok(publish_one(&stage, KIT_SOON));
        cr_assert(eq(u64, ring_of(&stage), 4 * SHORTEST));
        take_all(&stage);
        stage_close(&stage);
}

struct count {
        struct wr_question q;
        const struct weir_subscriber *s;
        uint32_t lanes;
};

static void
lanes_count(struct wr_control *c, struct wr_job *job)
{
        struct count *count = (struct count *)(void *)job;

        count->lanes = 0;
        for (const struct wr_lane_link *lane = count->s->control_lanes; lane; lane = lane->control_next)
                count->lanes += 1;
        wr_control_answered(c, &count->q);
}

static uint32_t
lanes_of(struct stage *stage)
{
        struct count count = { .s = stage->reader };

        kit_ok(wr_control_do(&stage->in->control, &count.q, lanes_count));
        return count.lanes;
}

Test(lane_grow, frames_stay_in_order_while_the_ring_grows_beside_a_reader_that_takes_and_stalls)
{
        struct stage stage = { .in = kit_host() };
        struct kit_child publisher = kit_start(play_publisher);

        kit_ok(weir_subscriber_open(&stage.reader, stage.in, "t", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        for (int stalls = 0; stalls < 2; stalls++) {
                take_one(&stage);
                while (lanes_of(&stage) == 1)
                        sched_yield();
                while (lanes_of(&stage) > 1) /* what is left in the lane before, while the next one fills */
                        take_one(&stage);
        }
        while (stage.taken < MANY)
                take_one(&stage);
        cr_assert(ge(u64, kit_hear(publisher.line), 4 * SHORTEST));
        kit_say(publisher.line, 1);
        cr_assert(eq(int, kit_end(&publisher), 0));
        weir_close(stage.in);
}

enum { HISTORY = 300 };

Test(lane_grow, the_history_goes_along)
{
        struct stage stage = stage_open(WEIR_PUBLISHER(.history = HISTORY, .memory_max = 256 * MIB));
        uint64_t ring = ring_of(&stage);
        struct weir_subscriber *late;

        cr_assert(gt(u64, ring, SHORTEST));
        publish_until_full(&stage);
        kit_ok(publish_one(&stage, KIT_SOON));
        cr_assert(eq(u64, ring_of(&stage), 2 * ring));
        kit_ok(weir_subscriber_open(&late, stage.in, "t", WEIR_SUBSCRIBER(.history = HISTORY)));
        for (uint64_t sequence = stage.published - HISTORY + 1; sequence <= stage.published; sequence++) {
                const struct weir_frame *frame = kit_take(late);

                cr_assert(eq(u64, frame->sequence, sequence));
                cr_assert(kit_filled(frame->data, PAYLOAD, sequence));
                weir_release(frame);
        }
        take_all(&stage);
        stage_close(&stage);
}

/* ---- it does not ---- */

Test(lane_grow, a_small_lane_stays_as_it_is)
{
        struct stage stage = stage_open(WEIR_PUBLISHER(.memory_max = 4 * MIB));
        uint64_t lane = stage.publisher->lane;

        publish_until_full(&stage);
        cr_assert(eq(int, publish_one(&stage, 400 * MS), WEIR_FULL));
        cr_assert(eq(u64, lane_settled(&stage), lane));
        cr_assert(eq(u64, ring_of(&stage), SHORTEST));
        take_all(&stage);
        kit_ok(publish_one(&stage, WEIR_NOW));
        take_all(&stage);
        stage_close(&stage);
}

Test(lane_grow, a_ring_does_not_grow_beyond_a_quota)
{
        struct stage stage;
        uint64_t lane;

        kit_policy("[quota]\nreserve_bytes = 100000000\n"
                   "[topic.\"t\"]\npublish = [\"user:ME\"]\nsubscribe = [\"user:ME\"]\nstall = [\"user:ME\"]\n");
        kit_must(weir_broker_embed_with(&(struct weir_broker_options){ .size = sizeof(struct weir_broker_options),
                                                                       .address = kit_address(),
                                                                       .config = kit_file() }) == WEIR_OK);
        stage = (struct stage){ .out = kit_guest(), .in = kit_guest() };
        kit_ok(weir_publisher_open(&stage.publisher, stage.out, "t", WEIR_PUBLISHER(.memory_max = 64 * MIB)));
        kit_ok(weir_subscriber_open(&stage.reader, stage.in, "t", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        kit_event(stage.out, WEIR_JOINED);
        lane = stage.publisher->lane;
        publish_until_full(&stage);
        while (wr_load(&stage.publisher->ring_refused_ns) == 0)
                cr_assert(eq(int, publish_one(&stage, 10 * MS), WEIR_FULL));
        cr_assert(eq(u64, lane_settled(&stage), lane));
        cr_assert(eq(u64, ring_of(&stage), SHORTEST));
        take_all(&stage);
        kit_ok(publish_one(&stage, WEIR_NOW));
        take_all(&stage);
        stage_close(&stage);
}

/* Fills three quarters of the ring, which no call is told of. */
static void
publish_much(struct stage *stage)
{
        for (uint64_t i = 0; i < 3 * SHORTEST / 4 / (PAYLOAD + WR_HEADER_BYTES); i++)
                kit_ok(publish_one(stage, WEIR_NOW));
}

Test(lane_grow, a_reader_that_goes_on_is_no_reason)
{
        struct stage stage = stage_open(NULL);
        int64_t now_ns;

        publish_much(&stage);
        now_ns = wr_clock_ns();
        cr_assert(not(lengthens_at(&stage, now_ns)));
        cr_assert(not(lengthens_at(&stage, now_ns + 90 * MS)), "a short stall");
        take_one(&stage);
        cr_assert(not(lengthens_at(&stage, now_ns + 180 * MS)), "it took something");
        cr_assert(not(lengthens_at(&stage, now_ns + 270 * MS)));
        cr_assert(lengthens_at(&stage, now_ns + 290 * MS));
        take_all(&stage);
        stage_close(&stage);
}

Test(lane_grow, what_is_older_than_a_stall_may_be_is_a_slow_readers)
{
        struct stage stage = stage_open(WEIR_PUBLISHER(.stall_ns = 10 * SECOND));
        int64_t now_ns;

        publish_much(&stage);
        now_ns = wr_clock_ns() + 10 * SECOND;
        cr_assert(not(lengthens_at(&stage, now_ns)));
        cr_assert(not(lengthens_at(&stage, now_ns + 200 * MS)));
        take_all(&stage);
        publish_much(&stage);
        now_ns = wr_clock_ns();
        cr_assert(not(lengthens_at(&stage, now_ns)));
        cr_assert(lengthens_at(&stage, now_ns + 200 * MS));
        take_all(&stage);
        stage_close(&stage);
}

Test(lane_grow, lossy_readers_are_no_reason)
{
        struct weir *out = kit_host(), *in = kit_guest();
        struct stage stage = { .out = out, .in = in };

        kit_ok(weir_publisher_open(&stage.publisher, out, "t", NULL));
        kit_ok(weir_subscriber_open(&stage.reader, in, "t", NULL));
        kit_event(out, WEIR_JOINED);
        publish_much(&stage);
        cr_assert(not(lengthens_at(&stage, wr_clock_ns())));
        cr_assert(not(lengthens_at(&stage, wr_clock_ns() + SECOND)));
        stage_close(&stage);
}

static void
play_reader(int line)
{
        struct weir *in = kit_guest();
        struct weir_subscriber *reader;

        kit_ok(weir_subscriber_open(&reader, in, "t", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        kit_say(line, 1);
        kit_hear(line);
}

Test(lane_grow, a_frozen_reader_is_evicted_all_the_same)
{
        struct stage stage = { .out = kit_host() };
        struct kit_child reader;

        kit_ok(weir_publisher_open(&stage.publisher, stage.out, "t", WEIR_PUBLISHER(.stall_ns = SECOND)));
        reader = kit_start(play_reader);
        kit_hear(reader.line);
        kit_event(stage.out, WEIR_JOINED);
        kit_freeze(&reader);
        publish_until_full(&stage);
        kit_ok(publish_one(&stage, KIT_SOON));
        kit_event(stage.out, WEIR_EVICTED);
        for (int i = 0; i < 1000; i++)
                kit_ok(publish_one(&stage, WEIR_NOW));
        weir_close(stage.out);
        kit_kill(&reader);
}

/* ---- beside the heap ---- */

Test(lane_grow, a_loan_for_which_the_ring_has_no_room_asks_for_no_heap)
{
        struct stage stage = stage_open(NULL);
        uint64_t heap = wr_load(&stage.publisher->heap_bytes);
        struct weir_loan *loan;

        publish_until_full(&stage);
        cr_assert(eq(int, weir_lend(stage.publisher, PAYLOAD, WEIR_NOW, &loan), WEIR_FULL));
        kit_ok(weir_lend(stage.publisher, PAYLOAD, KIT_SOON, &loan));
        cr_assert(eq(u64, ring_of(&stage), 2 * SHORTEST));
        cr_assert(eq(u64, wr_load(&stage.publisher->heap_bytes), heap));
        weir_loan_discard(loan);
        take_all(&stage);
        stage_close(&stage);
}

Test(lane_grow, what_fitted_before_the_ring_grew_fits_again)
{
        struct stage stage = stage_open(WEIR_PUBLISHER(.memory_max = 64 * MIB));
        uint64_t size = 64 * MIB - SHORTEST;
        struct weir_loan *loan;

        publish_until_full(&stage);
        kit_ok(publish_one(&stage, KIT_SOON));
        cr_assert(eq(u64, ring_of(&stage), 2 * SHORTEST));
        cr_assert(lt(u64, wr_load(&stage.publisher->heap_bytes), size));
        kit_ok(weir_lend(stage.publisher, size, KIT_SOON, &loan));
        cr_assert(eq(u64, ring_of(&stage), SHORTEST));
        weir_loan_discard(loan);
        take_all(&stage);
        publish_until_full(&stage);
        cr_assert(eq(int, publish_one(&stage, 400 * MS), WEIR_FULL), "the heap keeps it");
        cr_assert(eq(u64, ring_of(&stage), SHORTEST));
        take_all(&stage);
        stage_close(&stage);
}

Test(lane_grow, a_ring_takes_nothing_of_a_heap_in_use)
{
        struct stage stage = stage_open(WEIR_PUBLISHER(.memory_max = 64 * MIB, .prefault = 1));

        publish_until_full(&stage);
        cr_assert(eq(int, publish_one(&stage, 400 * MS), WEIR_FULL));
        cr_assert(eq(u64, ring_of(&stage), SHORTEST));
        take_all(&stage);
        stage_close(&stage);
}

/* ---- and stays ---- */

Test(lane_grow, a_ring_that_grew_keeps_its_length_at_the_next_broker)
{
        struct kit_child broker = kit_start(kit_play_broker);
        struct stage stage = { .out = kit_guest(), .in = kit_guest() };
        struct weir_subscriber *late;

        kit_ok(weir_publisher_open(&stage.publisher, stage.out, "t", NULL));
        kit_ok(weir_subscriber_open(&stage.reader, stage.in, "t", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        kit_event(stage.out, WEIR_JOINED);
        publish_until_full(&stage);
        kit_ok(publish_one(&stage, KIT_SOON));
        cr_assert(eq(u64, ring_of(&stage), 2 * SHORTEST));
        take_all(&stage);
        kit_kill(&broker);
        broker = kit_start(kit_play_broker);
        kit_event(stage.out, WEIR_BROKER_BACK);
        kit_event(stage.in, WEIR_BROKER_BACK);
        kit_ok(weir_subscriber_open(&late, stage.in, "t", NULL)); /* who comes gets a successor */
        kit_event(stage.out, WEIR_JOINED);
        lane_settled(&stage);
        cr_assert(eq(u64, ring_of(&stage), 2 * SHORTEST));
        kit_ok(publish_one(&stage, WEIR_NOW));
        take_all(&stage);
        weir_release(kit_take(late));
        stage_close(&stage);
        kit_kill(&broker);
}
