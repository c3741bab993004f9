/*
 * Clients that lost patience with a living broker: they hang up without BYE, their processes live, and they come back.
 * What they read goes over to the new connection as it is; what others claim of it does not.
 */
#include "tests/fault/broker_fixture.h"

TestSuite(broker_back, .fini = kit_clean, .timeout = 60);

/* A publisher, its lane, and a reader of it. */
struct stage {
        struct broker broker;
        struct client publisher, reader;
        uint64_t lane, source, subscription, pair;
};

static struct wr_message
subscribe_again(uint64_t subscription)
{
        struct wr_message message = subscribe("t");

        message.subscribe.again = subscription;
        return message;
}

static struct wr_message
holds(uint64_t source, uint64_t lane, uint64_t pair)
{
        return (struct wr_message){ .kind = WR_HOLDS, .holds = { source, lane, pair } };
}

static struct stage
stage_of(struct broker broker)
{
        struct stage stage = { .broker = broker };

        stage.publisher = client_begin(&stage.broker, "publisher");
        client_send(&stage.publisher, publish("t"));
        client_expect(&stage.publisher, WR_LANE_GRANT);
        stage.lane = stage.publisher.message.lane_grant.lane;
        stage.source = stage.publisher.message.lane_grant.source;
        client_send(&stage.publisher, ready(stage.lane));
        client_expect(&stage.publisher, WR_OPENED);
        stage.reader = client_begin(&stage.broker, "reader");
        client_send(&stage.reader, subscribe("t"));
        client_expect(&stage.reader, WR_SUBSCRIBED);
        stage.subscription = stage.reader.message.subscribed.subscription;
        return stage;
}

static struct stage
stage_begin(void)
{
        struct stage stage = stage_of(broker_begin());

        stage.pair = pair_up(&stage.publisher, &stage.reader);
        return stage;
}

static void
stage_end(struct stage *stage)
{
        client_close(&stage->reader);
        client_close(&stage->publisher);
        broker_end(&stage->broker);
}

static void
hang_up(struct stage *stage)
{
        client_close(&stage->reader);
        stage->reader = client_begin(&stage->broker, "reader again");
}

/* It is answered with the subscription that it had. */
static void
come_back(struct stage *stage)
{
        client_send(&stage->reader, subscribe_again(stage->subscription));
        client_expect(&stage->reader, WR_SUBSCRIBED);
        cr_assert(eq(u64, stage->reader.message.subscribed.subscription, stage->subscription));
        cr_assert(eq(uint, stage->reader.message.subscribed.lanes, 0));
}

/* The connection before is dead and buried, and its second is over. */
static void
second_passes(struct stage *stage)
{
        for (int64_t until_ns = wr_clock_ns() + WR_SERVER_AWAY_NS + 100 * 1000 * 1000; wr_clock_ns() < until_ns;)
                client_status_when(&stage->publisher, 2);
}

/* The next thing that it hears is the answer: it was told of nothing. */
static void
expect_untold(struct client *client, uint32_t pairs)
{
        cr_assert(eq(uint, client_status(client).pairs, pairs));
}

Test(broker_back, a_reader_that_comes_back_keeps_its_pairs_and_its_publisher_hears_nothing)
{
        struct stage stage = stage_begin();

        hang_up(&stage);
        client_send(&stage.reader, holds(stage.source, stage.lane, stage.pair));
        come_back(&stage);
        second_passes(&stage);
        expect_untold(&stage.reader, 1);
        expect_untold(&stage.publisher, 1);
        client_send(&stage.reader, (struct wr_message){ .kind = WR_PAIR_DONE, .pair_done = { stage.pair } });
        client_expect(&stage.publisher, WR_PAIR_REMOVED);
        cr_assert(eq(u64, stage.publisher.message.pair_removed.pair, stage.pair));
        cr_assert(eq(int, stage.publisher.message.pair_removed.reason, WEIR_OK));
        stage_end(&stage);
}

Test(broker_back, a_reader_comes_back_before_its_older_connection_is_seen_to_end)
{
        struct stage stage = stage_begin();
        struct client older = stage.reader;

        stage.reader = client_begin(&stage.broker, "reader again");
        client_send(&stage.reader, holds(stage.source, stage.lane, stage.pair));
        come_back(&stage);
        client_expect_end(&older);
        client_close(&older);
        second_passes(&stage);
        expect_untold(&stage.reader, 1);
        expect_untold(&stage.publisher, 1);
        stage_end(&stage);
}

Test(broker_back, a_lane_that_nobody_read_the_message_of_comes_once_more)
{
        struct stage stage = stage_of(broker_begin());
        uint64_t pair;

        client_expect(&stage.publisher, WR_PAIR_ADDED);
        pair = stage.publisher.message.pair_added.pair;
        client_send(&stage.publisher, ack(stage.lane, pair));
        client_status(&stage.publisher); /* LANE_ADDED is on its way */
        hang_up(&stage);
        come_back(&stage);
        client_expect(&stage.reader, WR_LANE_ADDED);
        cr_assert(eq(u64, stage.reader.message.lane_added.pair, pair));
        cr_assert(eq(u64, stage.reader.message.lane_added.subscription, stage.subscription));
        cr_assert(eq(u64, stage.reader.message.lane_added.position, 64), "it begins where it began");
        client_send(&stage.reader, pair_ready(pair, WEIR_OK));
        expect_untold(&stage.publisher, 1);
        stage_end(&stage);
}

Test(broker_back, a_reader_keeps_what_it_mapped_although_its_answer_was_lost)
{
        struct stage stage = stage_of(broker_begin());
        uint64_t pair;

        client_expect(&stage.publisher, WR_PAIR_ADDED);
        pair = stage.publisher.message.pair_added.pair;
        client_send(&stage.publisher, ack(stage.lane, pair));
        client_expect(&stage.reader, WR_LANE_ADDED);
        hang_up(&stage);
        client_send(&stage.reader, holds(stage.source, stage.lane, pair));
        come_back(&stage);
        expect_untold(&stage.reader, 1);
        client_send(&stage.publisher, (struct wr_message){ .kind = WR_CLOSE_LANE, .close_lane = { stage.lane } });
        client_expect(&stage.reader, WR_LANE_ENDED);
        cr_assert(eq(int, stage.reader.message.lane_ended.reason, WEIR_OK));
        stage_end(&stage);
}

Test(broker_back, a_lane_that_opens_while_a_reader_is_away_is_there_when_it_comes_back)
{
        struct stage stage = stage_begin();
        struct client second = client_begin(&stage.broker, "second");
        uint64_t lane, pair;

        client_close(&stage.reader);
        client_status_when(&stage.publisher, 3);
        client_send(&second, publish("t"));
        client_expect(&second, WR_LANE_GRANT);
        lane = second.message.lane_grant.lane;
        client_send(&second, ready(lane));
        client_expect(&second, WR_PAIR_ADDED);
        pair = second.message.pair_added.pair;
        client_send(&second, ack(lane, pair));
        stage.reader = client_begin(&stage.broker, "reader again");
        client_send(&stage.reader, holds(stage.source, stage.lane, stage.pair));
        come_back(&stage);
        client_expect(&stage.reader, WR_LANE_ADDED);
        cr_assert(eq(u64, stage.reader.message.lane_added.pair, pair));
        client_send(&stage.reader, pair_ready(pair, WEIR_OK));
        client_expect(&second, WR_OPENED);
        client_close(&second);
        stage_end(&stage);
}

Test(broker_back, a_reader_is_told_of_lanes_that_ended_while_it_was_away)
{
        struct stage stage = stage_begin();

        client_close(&stage.reader);
        client_send(&stage.publisher, (struct wr_message){ .kind = WR_CLOSE_LANE, .close_lane = { stage.lane } });
        client_status(&stage.publisher);
        stage.reader = client_begin(&stage.broker, "reader again");
        client_send(&stage.reader, holds(stage.source, stage.lane, stage.pair));
        come_back(&stage);
        client_expect(&stage.reader, WR_LANE_ENDED);
        cr_assert(eq(u64, stage.reader.message.lane_ended.lane, stage.lane));
        cr_assert(eq(int, stage.reader.message.lane_ended.reason, WEIR_E_CLOSED));
        expect_untold(&stage.reader, 0);
        stage_end(&stage);
}

Test(broker_back, what_a_reader_holds_no_more_is_removed)
{
        struct stage stage = stage_begin();

        hang_up(&stage);
        come_back(&stage); /* its PAIR_DONE was lost */
        client_expect(&stage.publisher, WR_PAIR_REMOVED);
        cr_assert(eq(u64, stage.publisher.message.pair_removed.pair, stage.pair));
        expect_untold(&stage.reader, 0);
        stage_end(&stage);
}

Test(broker_back, a_reader_that_was_evicted_while_it_was_away_is_told_and_not_invited_again)
{
        struct stage stage = stage_begin();

        client_close(&stage.reader);
        client_send(&stage.publisher,
                    (struct wr_message){ .kind = WR_EVICT, .evict = { .lane = stage.lane, .pair = stage.pair } });
        client_status(&stage.publisher);
        stage.reader = client_begin(&stage.broker, "reader again");
        client_send(&stage.reader, holds(stage.source, stage.lane, stage.pair));
        come_back(&stage);
        client_expect(&stage.reader, WR_LANE_ENDED);
        cr_assert(eq(int, stage.reader.message.lane_ended.reason, WEIR_E_EVICTED));
        client_send(&stage.reader, (struct wr_message){ .kind = WR_PAIR_DONE, .pair_done = { stage.pair } });
        client_expect(&stage.publisher, WR_PAIR_REMOVED);
        cr_assert(eq(int, stage.publisher.message.pair_removed.reason, WEIR_E_EVICTED));
        expect_untold(&stage.publisher, 0);
        stage_end(&stage);
}

Test(broker_back, a_right_that_was_withdrawn_while_a_reader_was_away_ends_with_revoked)
{
        struct wr_sid self = wr_user_self();
        char name[WR_SID_TEXT_MAX], text[WR_SID_TEXT_MAX + 128];
        struct stage stage;

        wr_user_text(&self, name, sizeof(name));
        snprintf(text, sizeof(text), "[topic.\"t\"]\npublish = [\"user:%s\"]\nsubscribe = []\n", name);
        given.policy = "";
        given.has_file = true;
        stage = stage_begin();
        client_close(&stage.reader);
        broker_write_policy(&stage.broker, text);
        client_send(&stage.publisher, (struct wr_message){ .kind = WR_RELOAD, .request = 7 });
        stage.reader = client_begin(&stage.broker, "reader again");
        client_send(&stage.reader, (struct wr_message){ .kind = WR_RELOAD, .request = 8 });
        client_expect(&stage.reader, WR_DONE); /* so it was read by now */
        client_send(&stage.reader, holds(stage.source, stage.lane, stage.pair));
        come_back(&stage);
        client_expect(&stage.reader, WR_REVOKED);
        cr_assert(eq(u64, stage.reader.message.revoked.endpoint, stage.subscription));
        cr_assert(strstr(stage.reader.message.revoked.text, "no 'subscribe'") != NULL, "%s",
                  stage.reader.message.revoked.text);
        client_expect(&stage.reader, WR_LANE_ENDED);
        cr_assert(eq(int, stage.reader.message.lane_ended.reason, WEIR_E_DENIED));
        cr_assert(eq(uint, client_status(&stage.reader).pairs, 1), "it has yet to give back what it took");
        client_send(&stage.reader, (struct wr_message){ .kind = WR_PAIR_DONE, .pair_done = { stage.pair } });
        cr_assert(eq(uint, client_status(&stage.reader).subscriptions, 0));
        stage_end(&stage);
}

/* ---- whose it is not */

/* It has the account and knows all names; it is another process. */
static void
play_thief(int line)
{
        struct broker broker = broker_there();
        struct client thief = client_begin(&broker, "thief");
        uint64_t names[4];

        kit_read(line, names, sizeof(names));
        client_send(&thief, holds(names[1], names[2], names[3]));
        client_send(&thief, subscribe_again(names[0]));
        client_expect(&thief, WR_SUBSCRIBED);
        kit_must(thief.message.subscribed.subscription != names[0]);
        client_expect(&thief, WR_LANE_ENDED); /* what it says it has it has not, and it is a newcomer as anybody */
        kit_must(thief.message.lane_ended.lane == names[2]);
        kit_say(line, thief.message.subscribed.subscription);
        client_close(&thief);
}

Test(broker_back, nobody_comes_back_with_what_another_process_reads)
{
        struct stage stage = stage_begin();
        uint64_t names[4] = { stage.subscription, stage.source, stage.lane, stage.pair };
        struct kit_child thief;

        client_close(&stage.reader); /* it is away when the thief comes */
        thief = kit_start(play_thief);
        kit_write(thief.line, names, sizeof(names));
        kit_hear(thief.line);
        cr_assert(eq(int, kit_end(&thief), 0));
        client_expect(&stage.publisher, WR_PAIR_ADDED); /* of the thief's own */
        cr_assert(ne(u64, stage.publisher.message.pair_added.pair, stage.pair));
        client_send(&stage.publisher, ack(stage.lane, stage.publisher.message.pair_added.pair));
        stage.reader = client_begin(&stage.broker, "reader again");
        client_send(&stage.reader, holds(stage.source, stage.lane, stage.pair));
        come_back(&stage);
        cr_assert(eq(uint, client_status_when(&stage.reader, 2).pairs, 1));
        stage_end(&stage);
}

Test(broker_back, what_is_held_must_be_named_as_it_was_given)
{
        struct stage stage = stage_begin();
        struct client other = client_begin(&stage.broker, "other");
        uint64_t subscription, pair;

        client_send(&other, subscribe("t"));
        client_expect(&other, WR_SUBSCRIBED);
        subscription = other.message.subscribed.subscription;
        pair = pair_up(&stage.publisher, &other);
        hang_up(&stage);
        client_send(&stage.reader, holds(stage.source, stage.lane, pair));           /* of another subscription */
        client_send(&stage.reader, holds(stage.source, stage.lane, pair));           /* and twice */
        client_send(&stage.reader, holds(stage.source + 1, stage.lane, stage.pair)); /* of another publisher */
        client_send(&stage.reader, holds(stage.source, stage.lane + 1, stage.pair));
        client_send(&stage.reader, holds(stage.source, stage.lane, stage.pair + 1));
        come_back(&stage);
        for (int i = 0; i < 5; i++) {
                client_expect(&stage.reader, WR_LANE_ENDED);
                cr_assert(eq(int, stage.reader.message.lane_ended.reason, WEIR_E_CLOSED));
        }
        client_expect(&stage.publisher, WR_PAIR_REMOVED);
        cr_assert(eq(u64, stage.publisher.message.pair_removed.pair, stage.pair), "it named none of its own");
        expect_untold(&other, 1);
        client_send(&other, (struct wr_message){ .kind = WR_PAIR_DONE, .pair_done = { pair } });
        client_expect(&stage.publisher, WR_PAIR_REMOVED);
        cr_assert(eq(u64, stage.publisher.message.pair_removed.pair, pair), "that one is whose it was");
        cr_assert(ne(u64, subscription, stage.subscription));
        client_close(&other);
        stage_end(&stage);
}

Test(broker_back, a_pair_that_is_held_twice_is_one)
{
        struct stage stage = stage_begin();

        hang_up(&stage);
        client_send(&stage.reader, holds(stage.source, stage.lane, stage.pair));
        client_send(&stage.reader, holds(stage.source, stage.lane, stage.pair));
        come_back(&stage);
        expect_untold(&stage.reader, 1);
        expect_untold(&stage.publisher, 1);
        stage_end(&stage);
}

Test(broker_back, on_other_terms_a_subscription_is_a_new_one)
{
        struct stage stage = stage_begin();
        struct wr_message again = subscribe_again(stage.subscription);

        hang_up(&stage);
        client_send(&stage.reader, holds(stage.source, stage.lane, stage.pair));
        again.subscribe.frames_max = 900; /* its page is smaller */
        client_send(&stage.reader, again);
        client_expect(&stage.reader, WR_SUBSCRIBED);
        cr_assert(ne(u64, stage.reader.message.subscribed.subscription, stage.subscription));
        client_expect(&stage.reader, WR_LANE_ENDED);
        cr_assert(eq(u64, stage.reader.message.lane_ended.lane, stage.lane));
        client_expect(&stage.publisher, WR_PAIR_ADDED);
        cr_assert(ne(u64, stage.publisher.message.pair_added.pair, stage.pair));
        stage_end(&stage);
}

/* ---- bounds */

/* All that the quota allows is used up, by what it comes back with. */
Test(broker_back, who_used_up_its_quota_comes_back_too)
{
        struct stage stage;

        given.policy = "[quota]\nallocated_bytes = 4096\nsubscriptions = 1\n";
        stage = stage_begin();
        hang_up(&stage);
        client_send(&stage.reader, holds(stage.source, stage.lane, stage.pair));
        come_back(&stage);
        expect_untold(&stage.reader, 1);
        expect_untold(&stage.publisher, 1);
        stage_end(&stage);
}

/* Each of them is away for a second; together they hold no more than so many connections might. */
Test(broker_back, who_subscribes_and_hangs_up_again_and_again_uses_up_no_descriptors)
{
        enum { TIMES = 200, CONNECTIONS = 4, OF_AN_AWAY = 2, SLACK = 12 /* connections that are just being made */ };
        struct broker broker;
        struct client witness;
        size_t before, most = 0;

        given.policy = "[quota]\nconnections = 4\n";
        broker = broker_begin();
        witness = client_begin(&broker, "witness");
        client_status_when(&witness, 1);
        before = broker_descriptors(&broker);
        for (int i = 0; i < TIMES; i++) {
                struct client rude = client_begin(&broker, "rude");
                size_t now;

                client_send(&rude, subscribe("t"));
                client_expect(&rude, WR_SUBSCRIBED);
                client_close(&rude);
                client_status(&witness);
                now = broker_descriptors(&broker);
                most = now > most ? now : most;
                cr_assert(le(uint, client_status(&witness).sessions, 1 + 2 * CONNECTIONS));
        }
        cr_assert(le(sz, most, before + CONNECTIONS * OF_AN_AWAY + SLACK));
        broker_expect_descriptors(&broker, &witness, before);
        client_close(&witness);
        broker_end(&broker);
}

/* An older connection's second is over in the very moment in which its client comes back: the broker was stopped. */
Test(broker_back, who_comes_back_when_its_second_is_over_meets_nothing_that_is_buried)
{
        struct stage stage = stage_begin();

        for (int i = 0; i < 3; i++) {
                int64_t until_ns;

                client_close(&stage.reader);
                client_status(&stage.publisher);
                stage.reader = client_begin(&stage.broker, "reader again");
                kit_freeze(&stage.broker.child);
                client_send(&stage.reader, holds(stage.source, stage.lane, stage.pair));
                client_send(&stage.reader, subscribe_again(stage.subscription));
                for (until_ns = wr_clock_ns() + WR_SERVER_AWAY_NS + 100 * 1000 * 1000; wr_clock_ns() < until_ns;)
                        sched_yield();
                kit_thaw(&stage.broker.child);
                client_expect(&stage.reader, WR_SUBSCRIBED);
                cr_assert(eq(u64, stage.reader.message.subscribed.subscription, stage.subscription));
                expect_untold(&stage.reader, 1);
                client_status_when(&stage.publisher, 2);
        }
        stage_end(&stage);
}
