/* Page descriptors of pairings under way: one client that does not answer holds few of them, and no other client up. */
#include "tests/fault/broker_fixture.h"

TestSuite(broker_pages, .fini = kit_clean, .timeout = 60);

/* OF_A_PAGE: what the broker has open for one; on Windows two events beside it. */
enum { PAGES_MAX = 4, OF_A_PAGE = 1 + WR_SIGNAL_OBJECTS, SUBSCRIPTIONS = 40, PUBLISHERS = 6 };

/* The pair that the broker added, answered by its publisher and taken in by the broker. */
static uint64_t
attach(struct client *publisher)
{
        uint64_t pair;

        client_expect(publisher, WR_PAIR_ADDED);
        pair = publisher->message.pair_added.pair;
        client_send(publisher, ack(publisher->message.pair_added.lane, pair));
        return pair;
}

static void
map(struct client *subscriber)
{
        client_expect(subscriber, WR_LANE_ADDED);
        client_send(subscriber, pair_ready(subscriber->message.lane_added.pair, WEIR_OK));
}

Test(broker_pages, a_subscriber_that_does_not_answer_holds_few_pages)
{
        struct broker broker = broker_begin();
        struct client publisher = client_begin(&broker, "p"), subscriber = client_begin(&broker, "s");
        size_t before;

        client_publish(&publisher, "t");
        client_drop_objects(&subscriber);
        before = broker_descriptors(&broker);
        for (int i = 0; i < SUBSCRIPTIONS; i++) {
                client_send(&subscriber, subscribe("t"));
                client_expect(&subscriber, WR_SUBSCRIBED);
        }
        for (int i = 0; i < PAGES_MAX; i++)
                attach(&publisher);
        client_status(&publisher); /* and no fifth PAIR_ADDED before it */
        cr_assert(eq(sz, broker_descriptors(&broker), before + PAGES_MAX * OF_A_PAGE));

        /* Each answer lets the next one begin. */
        for (int i = 0; i < SUBSCRIPTIONS; i++) {
                map(&subscriber);
                if (i + PAGES_MAX < SUBSCRIPTIONS)
                        attach(&publisher);
        }
        cr_assert(eq(uint, client_status(&subscriber).pairs, SUBSCRIPTIONS));
        cr_assert(eq(sz, broker_descriptors(&broker), before));
        client_close(&publisher);
        client_close(&subscriber);
        broker_end(&broker);
}

Test(broker_pages, a_subscriber_that_does_not_answer_holds_up_nobody_else_of_its_publisher)
{
        struct broker broker = broker_begin();
        struct client publisher = client_begin(&broker, "p"), silent = client_begin(&broker, "silent");
        struct client other = client_begin(&broker, "other");

        client_publish(&publisher, "t");
        for (int i = 0; i < SUBSCRIPTIONS; i++) {
                client_send(&silent, subscribe("t"));
                client_expect(&silent, WR_SUBSCRIBED);
        }
        for (int i = 0; i < PAGES_MAX; i++)
                attach(&publisher);
        client_send(&other, subscribe("t"));
        client_expect(&other, WR_SUBSCRIBED);
        pair_up(&publisher, &other);
        client_publish(&publisher, "another");
        client_close(&silent);
        for (int i = 0; i < PAGES_MAX; i++)
                client_expect(&publisher, WR_PAIR_REMOVED);
        cr_assert(eq(uint, client_status_when(&other, 2).pairs, 1));
        client_close(&publisher);
        client_close(&other);
        broker_end(&broker);
}

/* Many publishers that do not answer, and a subscriber of all of them. */
static void
begin_silent(const struct broker *broker, struct client *publishers, struct client *subscriber)
{
        for (int i = 0; i < PUBLISHERS; i++) {
                publishers[i] = client_begin(broker, "p");
                client_publish(&publishers[i], "t");
        }
        client_send(subscriber, subscribe("t"));
        client_expect(subscriber, WR_SUBSCRIBED);
}

Test(broker_pages, many_stopped_publishers_delay_only_their_own_lanes)
{
        struct broker broker = broker_begin();
        struct client publishers[PUBLISHERS], subscriber = client_begin(&broker, "s");

        begin_silent(&broker, publishers, &subscriber);
        pair_up(&publishers[PUBLISHERS - 1], &subscriber); /* the others never answer */
        cr_assert(eq(uint, client_status(&subscriber).pairs, PUBLISHERS));
        for (int i = 0; i < PUBLISHERS; i++)
                client_close(&publishers[i]);
        client_close(&subscriber);
        broker_end(&broker);
}

Test(broker_pages, publishers_that_answer_all_at_once_begin_anew_above_the_bound)
{
        struct broker broker = broker_begin();
        struct client publishers[PUBLISHERS], subscriber = client_begin(&broker, "s");
        uint64_t pairs[PUBLISHERS];
        size_t before;

        begin_silent(&broker, publishers, &subscriber);
        for (int i = 0; i < PUBLISHERS; i++) {
                client_expect(&publishers[i], WR_PAIR_ADDED);
                pairs[i] = publishers[i].message.pair_added.pair;
        }
        before = broker_descriptors(&broker) - PUBLISHERS * OF_A_PAGE;
        for (int i = 0; i < PUBLISHERS; i++) {
                client_send(&publishers[i], ack(publishers[i].message.pair_added.lane, pairs[i]));
                if (i == 1 || i == 2) { /* the first one's LANE_ADDED is under way */
                        client_expect(&publishers[i], WR_PAIR_REMOVED);
                        cr_assert(eq(u64, publishers[i].message.pair_removed.pair, pairs[i]));
                }
                client_status(&publishers[i]);
        }
        cr_assert(eq(sz, broker_descriptors(&broker), before + PAGES_MAX * OF_A_PAGE));
        for (int i = 0; i < PUBLISHERS; i++) {
                map(&subscriber);
                if (i < 2)
                        attach(&publishers[i + 1]);
        }
        cr_assert(eq(uint, client_status(&subscriber).pairs, PUBLISHERS));
        cr_assert(eq(sz, broker_descriptors(&broker), before));
        for (int i = 0; i < PUBLISHERS; i++)
                client_close(&publishers[i]);
        client_close(&subscriber);
        broker_end(&broker);
}
