/*
 * The end of the broker as a service. However it is asked to stop, every client is told and goes on, and nothing is
 * left of it. What systemd passes to it and is told: broker_passed_linux_test.c.
 */
#include "tests/fault/broker_other.h"

#include <weir/broker.h>
#include <weir/weir.h>

TestSuite(broker_service, .fini = kit_clean, .timeout = 60);

#define SOON (INT64_C(20) * 1000000000)

/* Its end by `stop`; every one of its clients hears why, whatever it was doing. */
static void
end_is_clean(void (*stop)(const struct broker *broker))
{
        struct broker broker = broker_told_begin();
        struct client idle = client_begin(&broker, "idle"), publisher = client_begin(&broker, "camera");
        struct client subscriber = client_begin(&broker, "viewer"), silent = client_connect(broker.address);
        struct client *all[] = { &idle, &publisher, &subscriber };

        client_publish(&publisher, "t");
        client_send(&subscriber, subscribe("t"));
        client_expect(&subscriber, WR_SUBSCRIBED);
        pair_up(&publisher, &subscriber);
        stop(&broker);
        for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
                client_expect(all[i], WR_BYE);
                cr_assert(eq(int, all[i]->message.bye.reason, WEIR_E_NO_BROKER));
                cr_assert(eq(str, all[i]->message.bye.text, "the broker stops"));
                client_expect_end(all[i]);
                client_close(all[i]);
        }
        while (client_receive(&silent) != 0) /* it never said HELLO, and is let go all the same */
                ;
        client_close(&silent);
        cr_assert(eq(int, kit_end(&broker.child), 0));
        broker_expect_nothing_left(&broker);
        broker_tidy(&broker);
}

static void
stop_by_word(const struct broker *broker)
{
        broker_tell(broker, TOLD_TO_END);
}

static void
stop_by_key(const struct broker *broker)
{
        broker_tell(broker, TOLD_BY_KEY);
}

static void
stop_by_message(const struct broker *broker)
{
        struct client client = client_begin(broker, "weir broker");

        client_send(&client, (struct wr_message){ .kind = WR_STOP });
        client_expect(&client, WR_DONE);
        client_close(&client);
}

Test(broker_service, the_systems_word_says_goodbye_and_leaves_nothing)
{
        end_is_clean(stop_by_word);
}

Test(broker_service, the_users_key_says_goodbye_and_leaves_nothing)
{
        end_is_clean(stop_by_key);
}

Test(broker_service, stop_says_goodbye_and_leaves_nothing)
{
        end_is_clean(stop_by_message);
}

/* Each word would end the process by itself where nobody caught it. */
static void
play_late_word(int line)
{
        struct wr_loop *loop;

        kit_must(wr_loop_open(&loop) == WEIR_OK);
        kit_must(wr_loop_catch_signals(loop) == WEIR_OK);
        late_word(loop);
        wr_loop_close(loop);
        kit_say(line, 1);
        kit_hear(line);
}

Test(broker_service, a_word_that_comes_during_its_end_does_not_spoil_it)
{
        struct kit_child child = told_start(play_late_word);

        cr_assert(eq(u64, kit_hear(child.line), 1));
        kit_say(child.line, 1);
        cr_assert(eq(int, kit_end(&child), 0));
}

/* Of a broker with a file of rules. */
static void
play_next_broker(int line)
{
        struct broker broker = broker_there();
        struct weir_broker_options options = { .size = sizeof(options),
                                               .address = broker.address,
                                               .config = broker.policy };

        (void)line;
        kit_must(weir_broker_run(&options) == WEIR_OK);
}

Test(broker_service, a_lock_that_was_left_by_a_killed_broker_stops_nobody)
{
        struct broker broker, next;
        struct client client = { .socket = WR_NO_OBJECT };

        given.has_file = true;
        given.policy = "";
        broker = broker_begin();
        kit_kill(&broker.child);
        next = broker;
        next.child = kit_start(play_next_broker);
        while (wr_endpoint_connect(&client.socket, next.address, client.why, sizeof(client.why)) != WEIR_OK)
                sched_yield();
        client_send(&client, hello("stopper"));
        client_expect(&client, WR_WELCOME);
        client_send(&client, (struct wr_message){ .kind = WR_STOP });
        client_expect(&client, WR_DONE);
        client_close(&client);
        broker_await_end(&next);
}

/* A daemon in a child; this process is its clients. Frames go on after its end, and nothing new can be opened. */
Test(broker_service, clients_of_the_library_are_told_and_go_on)
{
        struct broker broker = broker_told_begin();
        struct weir *bus;
        struct weir_publisher *publisher;
        struct weir_subscriber *subscriber, *other;
        const struct weir_event *event;
        const struct weir_frame *frame;

        cr_assert(eq(int, weir_open(&bus, WEIR_OPTIONS(.address = broker.address)), WEIR_OK));
        cr_assert(eq(int, weir_publisher_open(&publisher, bus, "t", NULL), WEIR_OK));
        cr_assert(eq(int, weir_subscriber_open(&subscriber, bus, "t", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)),
                     WEIR_OK));
        broker_tell(&broker, TOLD_TO_END);
        cr_assert(eq(int, kit_end(&broker.child), 0));
        do
                cr_assert(eq(int, weir_next(bus, SOON, &event), WEIR_OK));
        while (event->kind != WEIR_BROKER_LOST);
        cr_assert(strstr(event->text, "the broker stops") != NULL, "%s", event->text);
        for (uint64_t i = 1; i <= 100; i++) {
                cr_assert(eq(int, weir_publish(publisher, &i, sizeof(i), NULL, SOON), WEIR_OK));
                cr_assert(eq(int, weir_take(subscriber, SOON, &frame), WEIR_OK));
                cr_assert(eq(u64, frame->sequence, i));
                weir_release(frame);
        }
        cr_assert(eq(int, weir_subscriber_open(&other, bus, "u", NULL), WEIR_E_NO_BROKER));
        weir_close(bus);
        broker_tidy(&broker);
}
