/* Clients that end at each step of a handshake, in each way: nothing of them is left, and their peers are told. */
#include "tests/fault/broker_fixture.h"

TestSuite(broker_death, .fini = kit_clean, .timeout = 60);

/* A client in a process of its own that goes so far, and there is killed. */
enum step { CONNECTED, WELCOMED, GRANTED, LIVE, SUBSCRIBED, ADDED, GIVEN, STEPS };

struct stage {
        struct broker broker;
        struct client witness; /* full trust, sees all */
        struct client publisher, subscriber;
        size_t descriptors;
};

static void
stage_begin(struct stage *stage)
{
        struct client first;

        stage->broker = broker_begin();
        stage->witness = client_begin(&stage->broker, "witness");
        first = client_begin(&stage->broker, "first"); /* with it comes what stays: Windows' directory of names */
        client_publish(&first, "first");
        client_send(&first, (struct wr_message){ .kind = WR_BYE });
        client_close(&first);
        client_status_when(&stage->witness, 1);
        stage->descriptors = broker_descriptors(&stage->broker);
}

/* Everything that anybody held is back. */
static void
stage_end(struct stage *stage)
{
        struct wr_message_state state = client_status_when(&stage->witness, 1);

        cr_assert(eq(uint, state.topics, 0));
        cr_assert(eq(uint, state.lanes, 0));
        cr_assert(eq(uint, state.pairs, 0));
        cr_assert(eq(uint, state.subscriptions, 0));
        cr_assert(eq(u64, state.reserve_bytes, 0));
        broker_expect_descriptors(&stage->broker, &stage->witness, stage->descriptors);
        client_close(&stage->witness);
        broker_end(&stage->broker);
}

/* What the victim does; the other side of its handshake is played by `other`, a client of the same process. */
static void
go_to(const struct broker *broker, enum step step)
{
        struct client victim = client_connect(broker->address), other;

        if (step >= WELCOMED) {
                client_send(&victim, hello("victim"));
                client_expect(&victim, WR_WELCOME);
        }
        if (step == GRANTED || step == LIVE || step == ADDED) {
                client_send(&victim, publish("t"));
                client_expect(&victim, WR_LANE_GRANT);
        }
        if (step == LIVE || step == ADDED) {
                client_send(&victim, ready(victim.message.lane_grant.lane));
                client_expect(&victim, WR_OPENED);
        }
        if (step == ADDED) {
                other = client_begin(broker, "other");
                client_send(&other, subscribe("t"));
                client_expect(&other, WR_SUBSCRIBED);
                client_expect(&victim, WR_PAIR_ADDED);
        }
        if (step == GIVEN) {
                other = client_begin(broker, "other");
                client_publish(&other, "t");
        }
        if (step == SUBSCRIBED || step == GIVEN) {
                client_send(&victim, subscribe("t"));
                client_expect(&victim, WR_SUBSCRIBED);
        }
        if (step == GIVEN) {
                client_expect(&other, WR_PAIR_ADDED);
                client_send(&other, ack(other.message.pair_added.lane, other.message.pair_added.pair));
                client_expect(&victim, WR_LANE_ADDED);
        }
}

/* ---- who hangs up and lives: its lanes wait for it */

/* A lane of this process with one reader; what REJOIN has to say. */
static struct wr_message
lane_with_reader(struct client *publisher, struct client *reader, const char *topic)
{
        struct wr_message rejoin = { .kind = WR_REJOIN, .request = 7 };

        client_send(publisher, publish(topic));
        client_expect(publisher, WR_LANE_GRANT);
        rejoin.rejoin.lane = publisher->message.lane_grant.lane;
        rejoin.rejoin.source = publisher->message.lane_grant.source;
        rejoin.rejoin.segment_bytes = publisher->message.lane_grant.segment_bytes;
        snprintf(rejoin.rejoin.topic, sizeof(rejoin.rejoin.topic), "%s", topic);
        client_send(publisher, ready(rejoin.rejoin.lane));
        client_expect(publisher, WR_OPENED);
        client_send(reader, subscribe(topic));
        client_expect(reader, WR_SUBSCRIBED);
        pair_up(publisher, reader);
        return rejoin;
}

Test(broker_death, a_publisher_that_hung_up_and_comes_back_goes_on_and_nobody_hears_of_it)
{
        struct broker broker = broker_begin();
        struct client publisher = client_begin(&broker, "publisher"), reader = client_begin(&broker, "reader");
        struct wr_message rejoin = lane_with_reader(&publisher, &reader, "t");
        struct client newcomer;

        client_close(&publisher);
        publisher = client_begin(&broker, "publisher");
        client_send(&publisher, rejoin);
        client_expect(&publisher, WR_OPENED);
        cr_assert(eq(u64, publisher.message.opened.lane, rejoin.rejoin.lane));
        newcomer = client_begin(&broker, "newcomer");
        client_send(&newcomer, subscribe("t"));
        client_expect(&newcomer, WR_SUBSCRIBED);
        pair_up(&publisher, &newcomer); /* in this very lane: it is no earlier broker's */
        cr_assert(eq(u64, newcomer.message.lane_added.lane, rejoin.rejoin.lane));
        cr_assert(eq(uint, client_status(&reader).pairs, 2), "and was told of nothing before this answer");
        cr_assert(eq(uint, client_status_when(&reader, 3).lanes, 1));
        client_close(&newcomer);
        client_close(&reader);
        client_close(&publisher);
        broker_end(&broker);
}

Test(broker_death, a_publisher_that_hung_up_and_does_not_come_back_is_dead_a_second_later)
{
        struct broker broker = broker_begin();
        struct client publisher = client_begin(&broker, "publisher"), reader = client_begin(&broker, "reader");
        struct wr_message rejoin = lane_with_reader(&publisher, &reader, "t");

        client_close(&publisher);
        client_expect(&reader, WR_LANE_ENDED);
        cr_assert(eq(int, reader.message.lane_ended.reason, WEIR_E_CLOSED));
        publisher = client_begin(&broker, "late");
        client_send(&publisher, rejoin); /* as to a broker that never made it */
        client_expect(&publisher, WR_OPENED);
        client_close(&reader);
        client_close(&publisher);
        broker_end(&broker);
}

/* It has the account and knows lane, source and topic; it is another process. */
static void
play_thief(int line)
{
        struct broker broker = broker_there();
        struct client thief = client_begin(&broker, "thief");
        struct wr_message rejoin;

        kit_read(line, &rejoin, sizeof(rejoin));
        client_send(&thief, rejoin);
        client_expect_refusal(&thief, WEIR_E_USAGE, "not this connection's to come back with. Open the publisher anew");
}

Test(broker_death, nobody_comes_back_with_what_is_anothers)
{
        struct broker broker = broker_begin();
        struct client publisher = client_begin(&broker, "publisher"), reader = client_begin(&broker, "reader");
        struct wr_message rejoin = lane_with_reader(&publisher, &reader, "t"), forged;
        struct kit_child thief = kit_start(play_thief);

        kit_write(thief.line, &rejoin, sizeof(rejoin));
        cr_assert(eq(int, kit_end(&thief), 0));
        client_close(&publisher);
        publisher = client_begin(&broker, "publisher");
        forged = rejoin;
        forged.rejoin.source++;
        client_send(&publisher, forged);
        client_expect_refusal(&publisher, WEIR_E_USAGE, "Open the publisher anew");
        forged = rejoin;
        strcpy(forged.rejoin.topic, "u");
        client_send(&publisher, forged);
        client_expect_refusal(&publisher, WEIR_E_USAGE, "Open the publisher anew");
        client_send(&publisher, rejoin);
        client_expect(&publisher, WR_OPENED);
        client_close(&reader);
        client_close(&publisher);
        broker_end(&broker);
}

static void
play_victim(int line)
{
        struct broker broker = broker_there();

        go_to(&broker, (enum step)kit_hear(line));
        kit_say(line, 0);
        kit_hear(line);
}

Test(broker_death, a_client_killed_at_any_step_leaves_nothing)
{
        for (int step = CONNECTED; step < STEPS; step++) {
                struct stage stage;
                struct kit_child victim;

                stage_begin(&stage);
                victim = kit_start(play_victim);
                kit_say(victim.line, (uint64_t)step);
                kit_hear(victim.line);
                kit_kill(&victim);
                stage_end(&stage);
        }
}

/* Ends in another way each time: welcomed, with a lane that it was given and did not answer for, in the middle of
 * reading it, and as a publisher that says goodbye. */
static void
live_once(const struct broker *broker, struct client *publisher, unsigned life)
{
        struct client client = client_begin(broker, "one of a thousand");

        if (life % 4 == 3) {
                client_publish(&client, "own");
                client_send(&client, (struct wr_message){ .kind = WR_BYE });
        } else if (life % 4 > 0) {
                client_send(&client, subscribe("t"));
                client_expect(&client, WR_SUBSCRIBED);
                while (client_receive(publisher) == WR_PAIR_REMOVED)
                        ; /* of lives before: the broker waits a while for who hung up and whose process lives */
                cr_assert(publisher->message.kind == WR_PAIR_ADDED);
                client_send(publisher, ack(publisher->message.pair_added.lane, publisher->message.pair_added.pair));
                client_expect(&client, WR_LANE_ADDED);
                if (life % 4 == 2)
                        client_send(&client, pair_ready(client.message.lane_added.pair, WEIR_OK));
        }
        client_close(&client);
}

Test(broker_death, a_thousand_lives_leave_nothing)
{
        struct stage stage;

        stage_begin(&stage);
        stage.publisher = client_begin(&stage.broker, "publisher");
        client_publish(&stage.publisher, "t");
        for (unsigned life = 0; life < 1000; life++)
                live_once(&stage.broker, &stage.publisher, life);
        client_send(&stage.publisher, (struct wr_message){ .kind = WR_BYE });
        client_close(&stage.publisher);
        stage_end(&stage);
}

#ifndef _WIN32 /* where no child inherits a connection */
Test(broker_death, the_death_of_a_process_is_seen_while_a_child_of_it_keeps_the_socket)
{
        struct stage stage;
        int there[2];
        pid_t keeper = 0;

        stage_begin(&stage);
        cr_assert(eq(int, pipe(there), 0));
        pid_t victim = fork();
        if (victim == 0) {
                go_to(&stage.broker, LIVE);
                keeper = fork();
                if (keeper == 0)
                        for (;;)
                                pause();
                if (write(there[1], &keeper, sizeof(keeper)) != sizeof(keeper))
                        _exit(1);
                for (;;)
                        pause();
        }
        cr_assert(eq(sz, (size_t)read(there[0], &keeper, sizeof(keeper)), sizeof(keeper)));
        kill(victim, SIGKILL);
        waitpid(victim, NULL, 0);
        close(there[0]);
        close(there[1]);
        stage_end(&stage);
        kill(keeper, SIGKILL);
}
#endif

Test(broker_death, subscribers_are_told_that_their_publisher_died)
{
        struct stage stage;

        stage_begin(&stage);
        stage.publisher = client_begin(&stage.broker, "camera");
        stage.subscriber = client_begin(&stage.broker, "viewer");
        uint64_t lane = client_publish(&stage.publisher, "t");
        client_send(&stage.subscriber, subscribe("t"));
        client_expect(&stage.subscriber, WR_SUBSCRIBED);
        pair_up(&stage.publisher, &stage.subscriber);
        client_close(&stage.publisher);
        client_expect(&stage.subscriber, WR_LANE_ENDED);
        cr_assert(eq(u64, stage.subscriber.message.lane_ended.lane, lane));
        cr_assert(eq(int, stage.subscriber.message.lane_ended.reason, WEIR_E_CLOSED));
        cr_assert(strstr(stage.subscriber.message.lane_ended.text, "camera") != NULL);
        client_close(&stage.subscriber);
        stage_end(&stage);
}

Test(broker_death, goodbye_is_no_death)
{
        struct stage stage;

        stage_begin(&stage);
        stage.publisher = client_begin(&stage.broker, "camera");
        stage.subscriber = client_begin(&stage.broker, "viewer");
        client_publish(&stage.publisher, "t");
        client_send(&stage.subscriber, subscribe("t"));
        client_expect(&stage.subscriber, WR_SUBSCRIBED);
        pair_up(&stage.publisher, &stage.subscriber);
        client_send(&stage.publisher, (struct wr_message){ .kind = WR_BYE });
        client_close(&stage.publisher);
        client_expect(&stage.subscriber, WR_LANE_ENDED);
        cr_assert(eq(int, stage.subscriber.message.lane_ended.reason, WEIR_OK));
        client_close(&stage.subscriber);
        stage_end(&stage);
}

Test(broker_death, a_publisher_is_told_that_its_subscriber_died)
{
        struct stage stage;

        stage_begin(&stage);
        stage.publisher = client_begin(&stage.broker, "camera");
        stage.subscriber = client_begin(&stage.broker, "viewer");
        client_publish(&stage.publisher, "t");
        client_send(&stage.subscriber, subscribe("t"));
        client_expect(&stage.subscriber, WR_SUBSCRIBED);
        uint64_t pair = pair_up(&stage.publisher, &stage.subscriber);
        client_close(&stage.subscriber);
        client_expect(&stage.publisher, WR_PAIR_REMOVED);
        cr_assert(eq(u64, stage.publisher.message.pair_removed.pair, pair));
        cr_assert(eq(int, stage.publisher.message.pair_removed.reason, WEIR_E_CLOSED));
        client_close(&stage.publisher);
        stage_end(&stage);
}

/* A publisher that is live and has one reader. */
static void
play_read_publisher(int line)
{
        struct broker broker = broker_there();
        struct client publisher = client_begin(&broker, "camera");

        publisher.object_count = 0; /* its life-line is kept */
        client_publish(&publisher, "t");
        kit_say(line, 0);
        client_expect(&publisher, WR_PAIR_ADDED);
        client_send(&publisher, ack(publisher.message.pair_added.lane, publisher.message.pair_added.pair));
        kit_hear(line);
}

Test(broker_death, the_peers_see_a_death_by_the_lifeline)
{
        struct wr_watch line = { .read = false };
        struct kit_child publisher;
        struct stage stage;

        stage_begin(&stage);
        publisher = kit_start(play_read_publisher);
        kit_hear(publisher.line);
        stage.subscriber = client_begin(&stage.broker, "viewer");
        client_send(&stage.subscriber, subscribe("t"));
        client_expect(&stage.subscriber, WR_SUBSCRIBED);
        client_expect(&stage.subscriber, WR_LANE_ADDED);
        line.object = stage.subscriber.objects[2];
        stage.subscriber.objects[2] = WR_NO_OBJECT; /* kept */
        wr_watch_wait(&line, 1, 0);
        cr_assert(not(line.hung_up));
        kit_kill(&publisher);
        wr_watch_wait(&line, 1, PATIENCE_NS);
        cr_assert(line.hung_up, "nobody but the publisher held it");
        wr_object_close(line.object);
        client_close(&stage.subscriber);
        stage_end(&stage);
}

Test(broker_death, an_attach_that_the_publisher_refuses_is_told_to_the_subscriber)
{
        struct stage stage;
        struct wr_message no;

        stage_begin(&stage);
        stage.publisher = client_begin(&stage.broker, "camera");
        stage.subscriber = client_begin(&stage.broker, "viewer");
        client_publish(&stage.publisher, "t");
        client_send(&stage.subscriber, subscribe("t"));
        client_expect(&stage.subscriber, WR_SUBSCRIBED);
        client_expect(&stage.publisher, WR_PAIR_ADDED);
        no = ack(stage.publisher.message.pair_added.lane, stage.publisher.message.pair_added.pair);
        no.pair_ack.result = WEIR_E_NO_MEMORY;
        client_send(&stage.publisher, no);
        client_expect(&stage.subscriber, WR_LANE_ENDED);
        cr_assert(eq(u64, stage.subscriber.message.lane_ended.lane, 0));
        cr_assert(eq(int, stage.subscriber.message.lane_ended.reason, WEIR_E_NO_MEMORY));
        cr_assert(eq(uint, client_status(&stage.witness).pairs, 0));
        client_close(&stage.publisher);
        client_close(&stage.subscriber);
        stage_end(&stage);
}

Test(broker_death, a_subscriber_that_cannot_map_is_detached)
{
        struct stage stage;

        stage_begin(&stage);
        stage.publisher = client_begin(&stage.broker, "camera");
        stage.subscriber = client_begin(&stage.broker, "viewer");
        client_publish(&stage.publisher, "t");
        client_send(&stage.subscriber, subscribe("t"));
        client_expect(&stage.subscriber, WR_SUBSCRIBED);
        client_expect(&stage.publisher, WR_PAIR_ADDED);
        uint64_t pair = stage.publisher.message.pair_added.pair;
        client_send(&stage.publisher, ack(stage.publisher.message.pair_added.lane, pair));
        client_expect(&stage.subscriber, WR_LANE_ADDED);
        client_send(&stage.subscriber, pair_ready(pair, WEIR_E_NO_MEMORY));
        client_expect(&stage.publisher, WR_PAIR_REMOVED);
        cr_assert(eq(int, stage.publisher.message.pair_removed.reason, WEIR_E_NO_MEMORY));
        client_expect(&stage.subscriber, WR_LANE_ENDED);
        client_close(&stage.publisher);
        client_close(&stage.subscriber);
        stage_end(&stage);
}

static void
play_greedy(int line)
{
        struct broker broker = broker_there();
        struct client greedy = client_begin(&broker, "greedy");

        for (int i = 0; i < 3; i++)
                client_publish(&greedy, "t");
        client_send(&greedy, publish("t"));
        client_expect_refusal(&greedy, WEIR_E_QUOTA, "holds 3 of 3 lanes");
        for (int i = 0; i < 2; i++) {
                client_send(&greedy, subscribe("u"));
                client_expect(&greedy, WR_SUBSCRIBED);
        }
        client_send(&greedy, subscribe("u"));
        client_expect_refusal(&greedy, WEIR_E_QUOTA, "holds 2 of 2 subscriptions");
        kit_say(line, 0);
        kit_hear(line);
}

Test(broker_death, quotas_come_back_when_their_holder_is_killed)
{
        given.policy = "[quota]\nlanes = 3\nsubscriptions = 2\nconnections = 4\n";
        struct broker broker = broker_begin();
        struct client witness = client_begin(&broker, "witness");

        for (int round = 0; round < 3; round++) {
                struct kit_child greedy = kit_start(play_greedy);

                kit_hear(greedy.line); /* each round gets what the last one had */
                kit_kill(&greedy);
                client_status_when(&witness, 1);
        }
        client_close(&witness);
        broker_end(&broker);
}

Test(broker_death, a_connection_over_the_quota_is_told_and_the_next_gets_its_place)
{
        given.policy = "[quota]\nconnections = 2\n";
        struct broker broker = broker_begin();
        struct client first = client_begin(&broker, "1"), second = client_begin(&broker, "2");
        struct client third = client_knock(&broker);

        client_expect_refusal(&third, WEIR_E_QUOTA, "holds 2 of 2 connections");
        client_expect_end(&third);
        client_close(&third);
        client_close(&second);
        client_status_when(&first, 1);
        second = client_begin(&broker, "2");
        client_close(&first);
        client_close(&second);
        broker_end(&broker);
}
