/*
 * A publisher that lets its lane move as nobody would, to fill the memory and the descriptors of those who read it. It
 * speaks to the broker byte by byte; its reader is libweir.
 */
#include "clients/c/subscriber.h"
#include "tests/contract/weir_kit.h"
#include "tests/fault/broker_fixture.h"

TestSuite(successor_attempts, .fini = kit_clean, .timeout = 100);

enum { MEMORY = 1 << 20, ROUNDS = 40 };

struct look { /* at what the control thread of the reader has */
        struct wr_question q;
        struct weir_subscriber *s;
        uint64_t lane;
        bool is_there, is_over;
        uint32_t lanes; /* in all */
};

static void
look_now(struct wr_control *c, struct wr_job *job)
{
        struct look *look = (struct look *)(void *)job;

        for (const struct wr_lane_link *lane = look->s->control_lanes; lane; lane = lane->control_next) {
                if (lane->reader.geometry.lane != look->lane)
                        continue;
                look->is_there = true;
                look->is_over = wr_load32(&lane->over) != 0;
        }
        look->lanes = c->lanes;
        wr_control_answered(c, &look->q);
}

static struct look
look_at(struct weir_subscriber *s, uint64_t lane)
{
        struct look look = { .s = s, .lane = lane };

        kit_ok(wr_control_do(&s->bus->control, &look.q, look_now));
        return look;
}

struct stage {
        struct weir *host, *in;
        struct weir_subscriber *s;
        struct client hostile;
        uint64_t lane, pair;
};

/* READY, and the reader gets the lane: it has mapped it when this is over. */
static void
lane_give(struct stage *stage, const struct wr_message_lane_grant *grant, bool begins)
{
        void *segment;

        if (begins) {
                kit_ok(wr_region_map(stage->hostile.objects[0], grant->segment_bytes, true, &segment));
                wr_store_release(&((struct wr_lane_control *)segment)->first, 1);
                wr_region_unmap(segment, grant->segment_bytes);
        }
        client_send(&stage->hostile, ready(grant->lane));
        client_expect(&stage->hostile, WR_PAIR_ADDED);
        stage->pair = stage->hostile.message.pair_added.pair;
        client_send(&stage->hostile, (struct wr_message){ .kind = WR_PAIR_ACK,
                                                          .pair_ack = { .lane = grant->lane,
                                                                        .pair = stage->pair,
                                                                        .position = grant->start,
                                                                        .sequence = grant->follows == 0 } });
}

static void
lane_await(const struct stage *stage, uint64_t lane)
{
        while (!look_at(stage->s, lane).is_there)
                sched_yield();
}

static struct stage
stage_open(void)
{
        struct stage stage = { .host = kit_host() };
        struct wr_message request = publish("t");
        struct wr_message_lane_grant grant;

        stage.in = kit_guest();
        kit_ok(weir_subscriber_open(&stage.s, stage.in, "t", NULL));
        stage.hostile = client_at(kit_address(), "hostile");
        request.publish.memory_max = MEMORY;
        client_send(&stage.hostile, request);
        client_expect(&stage.hostile, WR_LANE_GRANT);
        grant = stage.hostile.message.lane_grant;
        stage.lane = grant.lane;
        lane_give(&stage, &grant, true);
        lane_await(&stage, stage.lane);
        client_expect(&stage.hostile, WR_OPENED);
        return stage;
}

/* One more lane that follows the last one; returns its id. */
static uint64_t
lane_succeed(struct stage *stage, bool begins)
{
        struct wr_message_lane_grant grant;

        client_send(&stage->hostile, (struct wr_message){ .kind = WR_MOVE,
                                                          .request = 4,
                                                          .move = { .lane = stage->lane, .memory_max = MEMORY } });
        client_expect(&stage->hostile, WR_LANE_GRANT);
        grant = stage->hostile.message.lane_grant;
        lane_give(stage, &grant, begins);
        return grant.lane;
}

static void
lane_close(struct stage *stage, uint64_t lane)
{
        client_send(&stage->hostile, (struct wr_message){ .kind = WR_CLOSE_LANE, .close_lane = { lane } });
}

/* What an honest publisher sends is taken as ever. */
static void
stage_close(struct stage *stage)
{
        struct weir_publisher *honest;

        kit_ok(weir_publisher_open(&honest, stage->host, "t", WEIR_PUBLISHER(.memory_max = MEMORY)));
        kit_ok(weir_publish(honest, "x", 1, NULL, WEIR_NOW));
        weir_release(kit_take(stage->s));
        client_close(&stage->hostile);
        weir_close(stage->in);
        weir_close(stage->host);
}

Test(successor_attempts, successors_that_are_given_up_do_not_stay_with_the_reader)
{
        struct stage stage = stage_open();

        for (int round = 0; round < ROUNDS; round++) {
                uint64_t lane = lane_succeed(&stage, false);
                struct look look;

                lane_await(&stage, lane);
                lane_close(&stage, lane);
                do
                        look = look_at(stage.s, lane);
                while (look.is_there && !look.is_over);
                cr_assert(le(u32, look.lanes, 2), "in round %d", round);
        }
        stage_close(&stage);
}

/* Each of them says that it has begun, so each may be what END will name. */
static void
expect_a_bound(bool moves)
{
        struct stage stage = stage_open();
        const struct weir_event *event;

        for (int round = 1; round < WR_LANES_IN_ROW_MAX; round++) {
                uint64_t lane = lane_succeed(&stage, true);

                lane_await(&stage, lane);
                if (moves)
                        client_send(&stage.hostile,
                                    (struct wr_message){ .kind = WR_LANE_MOVED, .lane_moved = { stage.lane, lane } });
                else
                        lane_close(&stage, lane);
                stage.lane = moves ? lane : stage.lane;
        }
        lane_succeed(&stage, true);
        event = kit_event(stage.in, WEIR_LEFT);
        cr_assert(eq(int, event->reason, WEIR_E_QUOTA));
        cr_assert_not_null(strstr(event->text, "moved on 15 times"), "%s", event->text);
        cr_assert(eq(u32, look_at(stage.s, 0).lanes, WR_LANES_IN_ROW_MAX));
        stage_close(&stage);
}

Test(successor_attempts, successors_that_are_said_to_have_begun_are_bounded)
{
        expect_a_bound(false);
}

Test(successor_attempts, a_row_of_lanes_is_bounded)
{
        expect_a_bound(true);
}

Test(successor_attempts, a_row_of_lanes_goes_with_its_reader)
{
        struct stage stage = stage_open();
        struct weir_subscriber *other;
        uint64_t lane = 0;

        for (int round = 0; round < 3; round++) {
                lane = lane_succeed(&stage, true);
                lane_await(&stage, lane);
                client_send(&stage.hostile,
                            (struct wr_message){ .kind = WR_LANE_MOVED, .lane_moved = { stage.lane, lane } });
                stage.lane = lane;
        }
        kit_ok(weir_subscriber_open(&other, stage.in, "other", NULL));
        weir_subscriber_close(stage.s);
        while (look_at(other, 0).lanes > 0)
                sched_yield();
        stage.s = other;
        client_close(&stage.hostile);
        weir_close(stage.in);
        weir_close(stage.host);
}
