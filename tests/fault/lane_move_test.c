/* Lanes that move for another reason than a new broker: a right that was taken away, growth, a reader that pins; moves
 * that fail, and moves that somebody dies in. */
#include "bus/hash.h"
#include "bus/layout.h"
#include "clients/c/publisher.h"
#include "clients/c/subscriber.h"
#include "clients/c/wait.h"
#include "tests/contract/weir_kit.h"

#include <sched.h>
#ifndef _WIN32
#        include "tests/contract/forbid.h"

#        include <errno.h>
#endif

TestSuite(lane_move, .fini = kit_clean, .timeout = 100);

enum { LARGE = 100 * 1000 };

#define MAY_PUBLISH "[topic.\"t\"]\npublish = [\"user:ME\"]\n"

static struct weir *
host_with_policy(void)
{
        kit_must(weir_broker_embed_with(&(struct weir_broker_options){ .size = sizeof(struct weir_broker_options),
                                                                       .address = kit_address(),
                                                                       .config = kit_file() }) == WEIR_OK);
        return kit_guest();
}

Test(lane_move, who_lost_its_right_sees_nothing_of_what_is_published_then)
{
        static uint8_t bytes[LARGE];
        struct weir_publisher *publisher;
        struct weir_subscriber *reader;
        const struct wr_lane_control *seen;
        const struct weir_frame *frame, *held;
        struct weir *out, *in;
        uint64_t published;

        kit_policy(MAY_PUBLISH "subscribe = [\"user:ME\"]\n");
        out = host_with_policy();
        in = kit_guest();
        kit_ok(weir_publisher_open(&publisher, out, "t", WEIR_PUBLISHER(.history = 4)));
        kit_ok(weir_subscriber_open(&reader, in, "t", NULL));
        kit_ok(weir_publish(publisher, bytes, LARGE, NULL, WEIR_NOW));
        held = kit_take(reader); /* so the old lane stays mapped */
        seen = ((const struct wr_frame *)(const void *)held)->lane->reader.control;

        kit_policy(MAY_PUBLISH "subscribe = [\"user:4321\"]\n");
        kit_ok(weir_broker_reload(out));
        kit_event(in, WEIR_REVOKED);
        kit_event(out, WEIR_LEFT);
        while (kit_publisher_info(publisher).peers > 0)
                kit_event(out, WEIR_LEFT);
        published = wr_load(&seen->published);
        for (int i = 0; i < 100; i++)
                kit_ok(weir_publish(publisher, bytes, LARGE, NULL, WEIR_NOW));
        cr_assert(eq(u64, wr_load(&seen->published), published), "the lane that it has mapped stands still");
        cr_assert(eq(int, weir_take(reader, WEIR_NOW, &frame), WEIR_E_DENIED));
        weir_release(held);
        weir_close(in);
        weir_close(out);
}

/* ---- growth ---- */

enum { VAST = 600 << 20 }; /* more than the first lane of a publisher that said nothing of memory */

/* It goes on in a lane that has room for it. */
static struct weir_loan *
lend_vast(struct weir *out, struct weir_publisher *publisher)
{
        struct weir_loan *huge;
        enum weir_result result;

        while ((result = weir_lend(publisher, VAST, WEIR_NOW, &huge)) == WEIR_FULL)
                kit_event(out, WEIR_ROOM);
        kit_ok(result);
        return huge;
}

Test(lane_move, a_lane_grows_when_a_frame_does_not_fit)
{
        struct weir *out = kit_host(), *in = kit_guest();
        struct weir_publisher *publisher;
        struct weir_subscriber *reader;
        const struct weir_frame *frame;
        struct weir_loan *huge;

        kit_ok(weir_publisher_open(&publisher, out, "t", WEIR_PUBLISHER(.hash = WEIR_HASH_HEADER)));
        kit_ok(weir_subscriber_open(&reader, in, "t", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        kit_ok(weir_publish(publisher, "first", 6, NULL, WEIR_NOW));
        huge = lend_vast(out, publisher);
        ((uint8_t *)huge->data)[VAST - 1] = 7;
        kit_ok(weir_loan_publish(huge));
        frame = kit_take(reader);
        cr_assert(eq(u64, frame->sequence, 1));
        weir_release(frame);
        frame = kit_take(reader);
        cr_assert(eq(u64, frame->sequence, 2));
        cr_assert(eq(u64, frame->size, VAST));
        cr_assert(eq(int, ((const uint8_t *)frame->data)[VAST - 1], 7));
        weir_release(frame);
        weir_close(in);
        weir_close(out);
}

static bool
is_woken(const struct wr_wait *wait)
{
        for (size_t i = 0; i < wait->count; i++)
                if (wr_load32_acquire(wait->words[i].signal.word) != wait->words[i].signal.value)
                        return true;
        return false;
}

/* It armed the old lane behind its end, and looks: what comes in the new one wakes nobody who sleeps on the old. */
Test(lane_move, who_goes_on_in_its_last_look_does_not_sleep_on_the_lane_that_it_left)
{
        struct weir *out = kit_host(), *in = kit_guest();
        struct weir_publisher *publisher;
        struct weir_subscriber *reader;
        const struct weir_frame *frame;
        struct weir_loan *huge;
        struct wr_wait wait;

        kit_ok(weir_publisher_open(&publisher, out, "t", WEIR_PUBLISHER(.hash = WEIR_HASH_HEADER)));
        kit_ok(weir_subscriber_open(&reader, in, "t", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        kit_ok(weir_publish(publisher, "first", 6, NULL, WEIR_NOW));
        weir_release(kit_take(reader));
        huge = lend_vast(out, publisher);
        wr_wait_begin(&wait, in);
        wr_wait_add_subscriber(&wait, reader);
        cr_assert(not(is_woken(&wait)));
        cr_assert(eq(int, weir_take(reader, WEIR_NOW, &frame), WEIR_EMPTY));
        cr_assert(is_woken(&wait));
        wr_wait_end(&wait);
        weir_loan_discard(huge);
        weir_close(in);
        weir_close(out);
}

Test(lane_move, a_lane_does_not_grow_beyond_memory_max)
{
        struct weir *out = kit_host();
        struct weir_publisher *publisher;
        struct weir_loan *huge;

        kit_ok(weir_publisher_open(&publisher, out, "t", WEIR_PUBLISHER(.memory_max = 64 << 20)));
        cr_assert(eq(int, weir_lend(publisher, VAST, KIT_SOON, &huge), WEIR_E_TOO_LARGE));
        cr_assert_not_null(strstr(weir_error(), "raise memory_max"), "%s", weir_error());
        weir_close(out);
}

/* ---- pinned ---- */

enum { BLOCK = 1000 * 1000, PINS_MAX = 64 };

static uint8_t block[BLOCK];

/* Keeps each frame that comes, until there is no room for a further one. */
static int
take_and_keep(struct weir_publisher *publisher, struct weir_subscriber *reader, const struct weir_frame **held)
{
        int count = 0;

        while (weir_publish(publisher, block, BLOCK, NULL, WEIR_NOW) == WEIR_OK) {
                kit_must(count < PINS_MAX);
                held[count++] = kit_take(reader);
        }
        return count;
}

Test(lane_move, a_reader_that_keeps_a_heap_full_does_so_in_the_lane_that_is_left)
{
        struct weir *out = kit_host(), *greedy = kit_guest(), *in = kit_guest();
        const struct weir_frame *held[3 * PINS_MAX], *frame;
        struct weir_subscriber *keeper, *reader;
        struct weir_publisher *publisher;
        int count = 0;

        kit_ok(weir_publisher_open(&publisher, out, "t", WEIR_PUBLISHER(.memory_max = 8 << 20)));
        kit_ok(weir_subscriber_open(&keeper, greedy, "t", WEIR_SUBSCRIBER(.frames_max = PINS_MAX)));
        kit_ok(weir_subscriber_open(&reader, in, "t", WEIR_SUBSCRIBER(.keep = 1)));
        for (int lanes = 0; lanes < 3; lanes++) {
                int more = take_and_keep(publisher, keeper, held + count);

                cr_assert(ge(int, more, 7));
                count += more;
                kit_ok(weir_publish(publisher, block, BLOCK, NULL, KIT_SOON)); /* in the next lane */
                if (lanes < 2)
                        weir_release(kit_take(keeper));
        }
        while (weir_take(keeper, KIT_SOON, &frame) == WEIR_OK)
                weir_release(frame);
        cr_assert_not_null(strstr(weir_error(), "filled 2 lanes"), "%s", weir_error());
        kit_event(greedy, WEIR_EVICTED);
        for (int i = 0; i < 20; i++) /* to the other one it flows on */
                kit_ok(weir_publish(publisher, block, BLOCK, NULL, WEIR_NOW));
        cr_assert(eq(u64, publisher->segment_bytes, (8 << 20) + WR_CONTROL_BYTES), "no lane is larger than the first");
        weir_release(kit_take(reader));
        while (count > 0)
                weir_release(held[--count]);
        weir_close(in);
        weir_close(greedy);
        weir_close(out);
}

/* An agent fences where others settle. Who reads has to know that in each lane: one who gave room back without a fence
 * would not see that the agent waits for it. */
Test(lane_move, the_lane_in_which_an_agent_goes_on_says_that_it_fences_as_the_first_did)
{
        struct weir *out = kit_host(), *in = kit_guest();
        const struct weir_frame *held[PINS_MAX];
        const struct wr_lane_reader *lane;
        struct weir_publisher *publisher;
        struct weir_subscriber *keeper;
        uint32_t said = 0;
        int count = 0;

        kit_ok(weir_publisher_open(&publisher, out, "t", WEIR_PUBLISHER(.memory_max = 8 << 20, .require = WEIR_PIPE)));
        kit_ok(weir_subscriber_open(&keeper, in, "t", WEIR_SUBSCRIBER(.frames_max = PINS_MAX)));
        cr_assert(eq(u32, kit_info(keeper).path, WEIR_SHM));
        while (kit_publisher_info(publisher).peers == 0)
                kit_event(out, WEIR_JOINED);
        do {
                kit_must(count < PINS_MAX);
                kit_ok(weir_publish(publisher, block, BLOCK, NULL, KIT_SOON));
                held[count] = kit_take(keeper);
                lane = &((const struct wr_frame *)(const void *)held[count++])->lane->reader;
                if (count == 1)
                        said = wr_load32(&lane->pair.words->writer_settles);
        } while (lane->geometry.follows == 0);
        cr_assert(eq(u32, wr_load32(&lane->pair.words->writer_settles), said));
        while (count > 0)
                weir_release(held[--count]);
        weir_close(in);
        weir_close(out);
}

/* ---- moves that come to nothing ---- */

static bool
grant_answer(struct wr_control *c, struct wr_question *q, const struct wr_message *m, wr_object *objects)
{
        q->result = WEIR_OK;
        kit_must(m->kind == WR_LANE_GRANT);
        wr_publisher_successor(c, &m->lane_grant, objects);
        return true;
}

/* As if the publisher had asked for it: the next lane is there, and is gone over to when it can be. */
static void
lane_is_to_move(struct weir_publisher *p, uint64_t memory_max)
{
        struct wr_question q = { .answer = grant_answer,
                                 .message = { .kind = WR_MOVE,
                                              .move = { .lane = p->lane, .memory_max = memory_max } } };

        kit_ok(wr_control_ask(&p->bus->control, &q, KIT_SOON));
}

static uint64_t
lane_after_move(struct weir_publisher *p)
{
        while (wr_publisher_is_moving(p))
                sched_yield();
        return p->lane;
}

enum { SCHEMA = 1 << 20, TOO_SMALL = 1 << 20, LARGE_ENOUGH = 16 << 20 };

Test(lane_move, a_move_for_which_there_is_no_memory_is_given_up_at_its_deadline)
{
        static uint8_t schema[SCHEMA];
        const struct weir_format format = { "big/v1", "", schema, SCHEMA };
        struct weir *out = kit_host(), *in = kit_guest();
        struct weir_broker_state before = { .size = sizeof before }, after = before;
        struct weir_publisher *publisher;
        struct weir_subscriber *reader;
        struct weir_loan *huge;
        uint64_t lane;

        kit_ok(weir_publisher_open(&publisher, out, "t", WEIR_PUBLISHER(.format = &format, .stall_ns = 1)));
        kit_ok(weir_subscriber_open(&reader, in, "t", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        kit_ok(weir_broker_status(out, &before));
        lane = publisher->lane;
        wr_store32(&publisher->growing, WR_GROWING_ASKED); /* so that a call waits for it */
        lane_is_to_move(publisher, TOO_SMALL);             /* for the format */
        cr_assert(eq(int, weir_lend(publisher, VAST, KIT_SOON, &huge), WEIR_E_TOO_LARGE));
        cr_assert_not_null(strstr(weir_error(), "no memory for another lane"), "%s", weir_error());
        cr_assert(eq(u64, lane_after_move(publisher), lane));
        kit_ok(weir_broker_status(out, &after)); /* behind CLOSE_LANE */
        cr_assert(eq(u32, after.lanes, before.lanes));
        cr_assert(eq(u64, after.reserve_bytes, before.reserve_bytes));
        kit_ok(weir_publish(publisher, "still", 5, NULL, WEIR_NOW));
        weir_release(kit_take(reader));

        lane_is_to_move(publisher, LARGE_ENOUGH);
        cr_assert(ne(u64, lane_after_move(publisher), lane));
        kit_ok(weir_publish(publisher, "there", 5, NULL, WEIR_NOW));
        weir_release(kit_take(reader));
        weir_close(in);
        weir_close(out);
}

/* What an agent got of its client is published with the hash that the client made, also where it has to be copied. */
Test(lane_move, a_loan_whose_lane_was_left_keeps_the_hash_that_an_agent_was_told)
{
        struct weir *out = kit_host(), *in = kit_guest();
        struct weir_publisher *publisher;
        struct weir_subscriber *reader;
        const struct weir_frame *frame;
        struct weir_loan *loan;
        uint64_t lane, hash;

        kit_ok(weir_publisher_open(&publisher, out, "t", NULL));
        kit_ok(weir_subscriber_open(&reader, in, "t", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        for (int damaged = 0; damaged < 2; damaged++) {
                kit_ok(weir_lend(publisher, BLOCK, WEIR_NOW, &loan));
                memset(loan->data, damaged, BLOCK);
                hash = wr_hash_two("", 0, loan->data, BLOCK) + (uint64_t)damaged;
                lane = publisher->lane;
                lane_is_to_move(publisher, LARGE_ENOUGH);
                cr_assert(ne(u64, lane_after_move(publisher), lane));
                publisher->known_hash = &hash;
                kit_ok(weir_loan_publish(loan));
                publisher->known_hash = NULL;
        }
        kit_ok(weir_publish(publisher, "behind", 6, NULL, WEIR_NOW));
        frame = kit_take(reader);
        cr_assert(eq(u64, frame->sequence, 1));
        weir_release(frame);
        frame = kit_take(reader);
        cr_assert(eq(u64, frame->sequence, 3));
        cr_assert(eq(u64, frame->lost, 1));
        cr_assert(eq(u64, kit_info(reader).corrupt, 1));
        weir_release(frame);
        weir_close(in);
        weir_close(out);
}

#ifndef _WIN32 /* which needs no permission for a barrier */
static void
barriers_forbid(struct wr_control *c, struct wr_job *job)
{
        struct wr_question *q = (struct wr_question *)(void *)job;

        kit_must(forbid((const long[]){ SYS_membarrier, 0 }, EPERM));
        wr_control_answered(c, q);
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

Test(lane_move, a_move_is_abandoned_also_where_no_barrier_is_allowed_any_more)
{
        struct kit_child broker = kit_start(kit_play_broker), reader;
        struct weir *out = kit_guest();
        struct wr_question q = { .job.run = NULL };
        struct weir_publisher *publisher;

        kit_ok(weir_publisher_open(&publisher, out, "t", WEIR_PUBLISHER(.memory_max = 4 << 20)));
        reader = kit_start(play_reader);
        kit_hear(reader.line);
        kit_event(out, WEIR_JOINED);
        kit_freeze(&reader);                                       /* so that it is not ready */
        kit_ok(wr_control_do(&out->control, &q, barriers_forbid)); /* as a sandbox that is entered late */
        lane_is_to_move(publisher, 4 << 20);
        cr_assert(wr_publisher_is_moving(publisher));
        kit_kill(&broker);
        broker = kit_start(kit_play_broker);
        kit_event(out, WEIR_BROKER_BACK);
        cr_assert(not(wr_publisher_is_moving(publisher)));
        kit_ok(weir_publish(publisher, "x", 1, NULL, WEIR_NOW));
        weir_close(out);
        kit_kill(&reader);
        kit_kill(&broker);
}
#endif

/* ---- deaths ---- */

enum { BEFORE = 100, BEHIND = 50 };

static void
play_mover(int line)
{
        struct weir *out = kit_guest();
        struct weir_publisher *publisher;

        kit_ok(weir_publisher_open(&publisher, out, "t", WEIR_PUBLISHER(.memory_max = 4 << 20)));
        kit_event(out, WEIR_JOINED);
        for (uint64_t i = 1; i <= BEFORE; i++)
                kit_ok(weir_publish(publisher, &i, sizeof i, NULL, WEIR_NOW));
        lane_is_to_move(publisher, 4 << 20);
        lane_after_move(publisher);
        for (uint64_t i = BEFORE + 1; i <= BEFORE + BEHIND; i++)
                kit_ok(weir_publish(publisher, &i, sizeof i, NULL, WEIR_NOW));
        lane_is_to_move(publisher, 4 << 20); /* it may come there, or not */
        kit_say(line, 1);
        kit_hear(line);
}

struct ends {
        struct wr_question q;
        struct weir_subscriber *s;
        uint32_t lanes, over;
};

static void
ends_count(struct wr_control *c, struct wr_job *job)
{
        struct ends *ends = (struct ends *)(void *)job;

        ends->lanes = ends->over = 0;
        for (const struct wr_lane_link *lane = ends->s->control_lanes; lane; lane = lane->control_next) {
                ends->lanes += 1;
                ends->over += wr_load32(&lane->over);
        }
        wr_control_answered(c, &ends->q);
}

Test(lane_move, what_a_publisher_published_behind_its_move_is_taken_when_it_is_dead)
{
        struct weir *in = kit_host();
        struct weir_subscriber *reader;
        const struct weir_frame *frame;
        struct ends ends;
        struct kit_child mover;

        kit_ok(weir_subscriber_open(&reader, in, "t", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        mover = kit_start(play_mover);
        kit_hear(mover.line);
        kit_kill(&mover);
        do { /* until its death is known: the lane that it left, and that where it was */
                ends = (struct ends){ .s = reader };
                kit_ok(wr_control_do(&in->control, &ends.q, ends_count));
        } while (ends.over != ends.lanes);
        for (uint64_t i = 1; i <= BEFORE + BEHIND; i++) {
                frame = kit_take(reader);
                cr_assert(eq(u64, *(const uint64_t *)frame->data, i));
                cr_assert(eq(u64, frame->sequence, i));
                weir_release(frame);
        }
        while (reader->lane_count > 0)
                cr_assert(eq(int, weir_take(reader, WEIR_NOW, &frame), WEIR_EMPTY));
        cr_assert(eq(int, kit_event(in, WEIR_LEFT)->reason, WEIR_E_CLOSED));
        weir_close(in);
}
