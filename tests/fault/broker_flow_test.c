/* The conversation as it should be: HELLO to BYE, one publisher and several subscribers. */
#include "bus/os/clock.h"
#include "tests/fault/broker_other.h"

#include <fcntl.h>

TestSuite(broker_flow, .fini = kit_clean, .timeout = 60);

#ifdef _WIN32
static void
expect_held(wr_object lifeline)
{
        cr_assert(eq(ptr, lifeline, WR_NO_OBJECT), "nothing is held: the process is its life-line");
}

static void
expect_read_only(wr_object region)
{
        PUBLIC_OBJECT_BASIC_INFORMATION about;

        cr_assert(eq(int, NtQueryObject(region, ObjectBasicInformation, &about, sizeof(about), NULL), 0));
        cr_assert(eq(u32, about.GrantedAccess, FILE_MAP_READ));
}
#else
static void
expect_held(wr_object lifeline)
{
        cr_assert(eq(int, fcntl(lifeline, F_GETFL) & O_ACCMODE, O_WRONLY), "the end that is held");
}

static void
expect_read_only(wr_object region)
{
        cr_assert(eq(int, fcntl(region, F_GETFL) & O_ACCMODE, O_RDONLY));
}
#endif

Test(broker_flow, a_client_is_welcomed_with_its_identity_and_a_lifeline)
{
        struct broker broker = broker_begin();
        struct client client = client_begin(&broker, "tester");

        cr_assert(ne(u64, client.message.welcome.session, 0));
        cr_assert(eq(uint, client.message.welcome.layout, WR_LAYOUT));
        cr_assert(eq(uint, client.message.welcome.scope, WR_SCOPE_USER));
        cr_assert(gt(i64, client.message.welcome.clock_ns, 0));
        cr_assert(strstr(client.message.welcome.identity, "user:") != NULL);
        expect_held(client.objects[0]);
        client_close(&client);
        broker_end(&broker);
}

Test(broker_flow, a_publisher_and_two_subscribers_are_brought_together)
{
        struct broker broker = broker_begin();
        struct client publisher = client_begin(&broker, "p"), early = client_begin(&broker, "early"), late;
        uint64_t lane, pair;

        client_send(&early, subscribe("cam/front"));
        client_expect(&early, WR_SUBSCRIBED);
        cr_assert(eq(uint, early.message.subscribed.lanes, 0));

        client_send(&publisher, publish("cam/front"));
        client_expect(&publisher, WR_LANE_GRANT);
        lane = publisher.message.lane_grant.lane;
        client_send(&publisher, ready(lane));
        pair_up(&publisher, &early); /* before OPENED: a frame published then reaches who was there */
        client_expect(&publisher, WR_OPENED);
        cr_assert(eq(u64, publisher.message.opened.lane, lane));
        cr_assert(eq(uint, publisher.message.opened.pairs, 1));
        cr_assert(eq(uint, publisher.message.request, 2));

        late = client_begin(&broker, "late");
        client_send(&late, subscribe("cam/front"));
        client_expect(&late, WR_SUBSCRIBED);
        cr_assert(eq(uint, late.message.subscribed.lanes, 1));
        pair = pair_up(&publisher, &late);
        cr_assert(eq(u64, late.message.lane_added.lane, lane));
        cr_assert(eq(str, late.message.lane_added.name, "p"));
        cr_assert(eq(str, late.message.lane_added.topic, "cam/front"));
        cr_assert(eq(u64, late.message.lane_added.position, 64));
        cr_assert(eq(uint, client_status(&late).pairs, 2));

        client_send(&late, (struct wr_message){ .kind = WR_PAIR_DONE, .pair_done = { pair } });
        client_expect(&publisher, WR_PAIR_REMOVED);
        cr_assert(eq(u64, publisher.message.pair_removed.pair, pair));
        cr_assert(eq(int, publisher.message.pair_removed.reason, WEIR_OK));
        client_close(&publisher);
        client_close(&early);
        client_close(&late);
        broker_end(&broker);
}

/* Else what it published before it closed would never be read. */
Test(broker_flow, a_publisher_is_not_opened_before_the_lane_is_on_its_way_to_who_was_there)
{
        struct broker broker = broker_begin();
        struct client first = client_begin(&broker, "1"), second = client_begin(&broker, "2"),
                      subscriber = client_begin(&broker, "s");
        enum wr_message_kind kind;
        int64_t began_ns;

        client_send(&subscriber, subscribe("t"));
        client_expect(&subscriber, WR_SUBSCRIBED);
        client_send(&first, publish("t"));
        client_expect(&first, WR_LANE_GRANT);
        client_send(&first, ready(first.message.lane_grant.lane));
        client_expect(&first, WR_PAIR_ADDED);
        client_send(&first, ack(first.message.pair_added.lane, first.message.pair_added.pair));
        client_expect(&first, WR_OPENED);
        client_expect(&subscriber, WR_LANE_ADDED); /* and while it has not answered, no other lane is sent to it */

        client_send(&second, publish("t"));
        client_expect(&second, WR_LANE_GRANT);
        began_ns = wr_clock_ns();
        client_send(&second, ready(second.message.lane_grant.lane));
        client_expect(&second, WR_PAIR_ADDED);
        client_send(&second, ack(second.message.pair_added.lane, second.message.pair_added.pair));
        client_send(&second, (struct wr_message){ .kind = WR_STATUS, .request = 9 });
        kind = client_receive(&second);
        if (kind == WR_STATE) {
                client_send(&subscriber, pair_ready(subscriber.message.lane_added.pair, WEIR_OK));
                client_expect(&subscriber, WR_LANE_ADDED);
                client_expect(&second, WR_OPENED);
                cr_assert(eq(uint, second.message.opened.pairs, 1));
        } else { /* only where this machine took so long for the lines above that a publisher waits no longer */
                cr_assert(eq(uint, kind, WR_OPENED));
                cr_assert(ge(i64, wr_clock_ns() - began_ns, 500000000));
        }
        client_close(&first);
        client_close(&second);
        client_close(&subscriber);
        broker_end(&broker);
}

Test(broker_flow, the_lane_is_sealed_before_a_subscriber_gets_it)
{
        struct broker broker = broker_begin();
        struct client publisher = client_begin(&broker, "p"), subscriber = client_begin(&broker, "s");
        uint64_t lane, bytes;
        void *map;

        client_send(&publisher, publish("t"));
        client_expect(&publisher, WR_LANE_GRANT);
        lane = publisher.message.lane_grant.lane;
        bytes = publisher.message.lane_grant.segment_bytes;
        cr_assert(eq(int, wr_region_map(publisher.objects[0], bytes, true, &map), WEIR_OK), "the publisher may write");
        client_send(&publisher, ready(lane));
        client_expect(&publisher, WR_OPENED);

        client_send(&subscriber, subscribe("t"));
        client_expect(&subscriber, WR_SUBSCRIBED);
        pair_up(&publisher, &subscriber);
        cr_assert(eq(int, wr_region_check(subscriber.objects[0], bytes, true), WEIR_OK));
        expect_read_only(subscriber.objects[0]);
        cr_assert(lt(int, wr_region_map(subscriber.objects[0], bytes, true, &map), WEIR_OK));
        cr_assert(eq(int, wr_region_map(subscriber.objects[0], bytes, false, &map), WEIR_OK));
        client_close(&publisher);
        client_close(&subscriber);
        broker_end(&broker);
}

Test(broker_flow, the_pair_page_gives_nobody_more_once_both_ends_have_mapped_it)
{
        struct broker broker = broker_begin();
        struct client publisher = client_begin(&broker, "p"), subscriber = client_begin(&broker, "s");
        wr_object page;

        client_publish(&publisher, "t");
        client_send(&subscriber, subscribe("t"));
        client_expect(&subscriber, WR_SUBSCRIBED);
        pair_up(&publisher, &subscriber);
        client_drop_objects(&publisher);
        page = subscriber.objects[1];
        subscriber.objects[1] = WR_NO_OBJECT; /* kept */
        client_status(&subscriber);           /* PAIR_READY was handled */
        page_expect_closed(page);
        wr_object_close(page);
        client_close(&publisher);
        client_close(&subscriber);
        broker_end(&broker);
}

Test(broker_flow, a_lane_that_its_publisher_closes_ends_for_its_subscribers)
{
        struct broker broker = broker_begin();
        struct client publisher = client_begin(&broker, "p"), subscriber = client_begin(&broker, "s");
        uint64_t lane = client_publish(&publisher, "t");

        client_send(&subscriber, subscribe("t"));
        client_expect(&subscriber, WR_SUBSCRIBED);
        pair_up(&publisher, &subscriber);
        client_send(&publisher, (struct wr_message){ .kind = WR_CLOSE_LANE, .close_lane = { lane } });
        client_expect(&subscriber, WR_LANE_ENDED);
        cr_assert(eq(u64, subscriber.message.lane_ended.lane, lane));
        cr_assert(eq(int, subscriber.message.lane_ended.reason, WEIR_OK));
        cr_assert(eq(uint, subscriber.message.lane_ended.publishers, 0));
        cr_assert(eq(uint, client_status(&publisher).lanes, 0));
        client_close(&publisher);
        client_close(&subscriber);
        broker_end(&broker);
}

Test(broker_flow, a_closed_subscription_keeps_its_pairs_until_the_last_release)
{
        struct broker broker = broker_begin();
        struct client publisher = client_begin(&broker, "p"), subscriber = client_begin(&broker, "s");
        uint64_t subscription, pair;

        client_publish(&publisher, "t");
        client_send(&subscriber, subscribe("t"));
        client_expect(&subscriber, WR_SUBSCRIBED);
        subscription = subscriber.message.subscribed.subscription;
        pair = pair_up(&publisher, &subscriber);
        client_send(&subscriber,
                    (struct wr_message){ .kind = WR_CLOSE_SUBSCRIPTION, .close_subscription = { subscription } });
        cr_assert(eq(uint, client_status(&subscriber).pairs, 1));
        client_send(&subscriber, (struct wr_message){ .kind = WR_PAIR_DONE, .pair_done = { pair } });
        client_expect(&publisher, WR_PAIR_REMOVED);
        cr_assert(eq(uint, client_status(&subscriber).subscriptions, 0));
        client_close(&publisher);
        client_close(&subscriber);
        broker_end(&broker);
}

Test(broker_flow, an_evicted_subscriber_is_told_and_keeps_its_pair_until_it_let_go)
{
        struct broker broker = broker_begin();
        struct client publisher = client_begin(&broker, "p"), subscriber = client_begin(&broker, "s");
        uint64_t lane = client_publish(&publisher, "t"), pair;
        struct wr_message reliable = subscribe("t");

        reliable.subscribe.delivery = 1;
        client_send(&subscriber, reliable);
        client_expect(&subscriber, WR_SUBSCRIBED);
        pair = pair_up(&publisher, &subscriber);
        client_send(&publisher, (struct wr_message){ .kind = WR_EVICT, .evict = { lane, pair } });
        client_expect(&subscriber, WR_LANE_ENDED);
        cr_assert(eq(int, subscriber.message.lane_ended.reason, WEIR_E_EVICTED));
        cr_assert(eq(uint, client_status(&subscriber).pairs, 1));
        client_send(&subscriber, (struct wr_message){ .kind = WR_PAIR_DONE, .pair_done = { pair } });
        client_expect(&publisher, WR_PAIR_REMOVED);
        client_close(&publisher);
        client_close(&subscriber);
        broker_end(&broker);
}

Test(broker_flow, a_type_mismatch_names_both_types)
{
        struct broker broker = broker_begin();
        struct client publisher = client_begin(&broker, "p"), subscriber = client_begin(&broker, "s");
        struct wr_message typed = publish("t"), wanted = subscribe("t");

        strcpy(typed.publish.type, "video/x-raw");
        client_send(&publisher, typed);
        client_expect(&publisher, WR_LANE_GRANT);
        client_send(&publisher, ready(publisher.message.lane_grant.lane));
        client_expect(&publisher, WR_OPENED);
        strcpy(wanted.subscribe.type, "imu/v1");
        client_send(&subscriber, wanted);
        client_expect(&subscriber, WR_SUBSCRIBED);
        client_expect(&subscriber, WR_LANE_ENDED);
        cr_assert(eq(u64, subscriber.message.lane_ended.lane, 0));
        cr_assert(eq(int, subscriber.message.lane_ended.reason, WEIR_E_TYPE));
        cr_assert(strstr(subscriber.message.lane_ended.text, "video/x-raw") != NULL);
        cr_assert(strstr(subscriber.message.lane_ended.text, "imu/v1") != NULL);
        client_close(&publisher);
        client_close(&subscriber);
        broker_end(&broker);
}

Test(broker_flow, a_publisher_that_waits_for_nobody_refuses_reliable_subscribers)
{
        struct broker broker = broker_begin();
        struct client publisher = client_begin(&broker, "p"), subscriber = client_begin(&broker, "s");
        struct wr_message proud = publish("t"), reliable = subscribe("t");

        proud.publish.refuse_reliable = 1;
        client_send(&publisher, proud);
        client_expect(&publisher, WR_LANE_GRANT);
        client_send(&publisher, ready(publisher.message.lane_grant.lane));
        client_expect(&publisher, WR_OPENED);
        reliable.subscribe.delivery = 1;
        client_send(&subscriber, reliable);
        client_expect(&subscriber, WR_SUBSCRIBED);
        client_expect(&subscriber, WR_LANE_ENDED);
        cr_assert(eq(int, subscriber.message.lane_ended.reason, WEIR_E_DENIED));
        client_close(&publisher);
        client_close(&subscriber);
        broker_end(&broker);
}

Test(broker_flow, a_stopped_publisher_delays_only_its_own_lane)
{
        struct broker broker = broker_begin();
        struct client silent = client_begin(&broker, "silent"), lively = client_begin(&broker, "lively");
        struct client subscriber = client_begin(&broker, "s");

        client_publish(&silent, "t");
        client_publish(&lively, "t");
        client_send(&subscriber, subscribe("t"));
        client_expect(&subscriber, WR_SUBSCRIBED);
        cr_assert(eq(uint, subscriber.message.subscribed.lanes, 2));
        client_expect(&silent, WR_PAIR_ADDED); /* and never answers it */
        pair_up(&lively, &subscriber);
        client_close(&silent);
        client_expect(&subscriber, WR_LANE_ENDED);
        cr_assert(eq(u64, subscriber.message.lane_ended.lane, 0));
        cr_assert(eq(int, subscriber.message.lane_ended.reason, WEIR_E_CLOSED));
        cr_assert(eq(uint, subscriber.message.lane_ended.publishers, 1));
        client_close(&lively);
        client_close(&subscriber);
        broker_end(&broker);
}

Test(broker_flow, a_publisher_opens_without_a_subscriber_that_does_not_answer_in_time)
{
        struct broker broker = broker_begin();
        struct client first = client_begin(&broker, "p"), subscriber = client_begin(&broker, "s");

        client_send(&subscriber, subscribe("t"));
        client_expect(&subscriber, WR_SUBSCRIBED);
        client_send(&first, publish("t"));
        client_expect(&first, WR_LANE_GRANT);
        client_send(&first, ready(first.message.lane_grant.lane));
        client_expect(&first, WR_PAIR_ADDED); /* which it does not acknowledge */
        client_expect(&first, WR_OPENED);
        cr_assert(eq(uint, first.message.opened.pairs, 0));
        client_close(&first);
        client_close(&subscriber);
        broker_end(&broker);
}

Test(broker_flow, only_one_message_with_descriptors_is_in_flight)
{
        struct broker broker = broker_begin();
        struct client publisher = client_begin(&broker, "p"), subscriber = client_begin(&broker, "s");
        uint64_t lanes[3];

        for (int i = 0; i < 3; i++)
                lanes[i] = client_publish(&publisher, "t");
        client_send(&subscriber, subscribe("t"));
        client_expect(&subscriber, WR_SUBSCRIBED);
        cr_assert(eq(uint, subscriber.message.subscribed.lanes, 3));
        for (int i = 0; i < 3; i++) {
                client_expect(&publisher, WR_PAIR_ADDED);
                cr_assert(eq(u64, publisher.message.pair_added.lane, lanes[i]));
                uint64_t pair = publisher.message.pair_added.pair;
                client_status(&publisher); /* its answer is next: nothing with descriptors came between */
                client_send(&publisher, ack(lanes[i], pair));
        }
        for (int i = 0; i < 3; i++) {
                client_expect(&subscriber, WR_LANE_ADDED);
                uint64_t pair = subscriber.message.lane_added.pair;
                client_status(&subscriber);
                client_send(&subscriber, pair_ready(pair, WEIR_OK));
        }
        cr_assert(eq(uint, client_status(&subscriber).pairs, 3));
        client_close(&publisher);
        client_close(&subscriber);
        broker_end(&broker);
}

Test(broker_flow, topics_and_endpoints_are_listed)
{
        struct broker broker = broker_begin();
        struct client publisher = client_begin(&broker, "p"), subscriber = client_begin(&broker, "s");
        uint64_t lane = client_publish(&publisher, "cam/front");
        struct wr_message list = { .kind = WR_LIST, .request = 77, .list = { .endpoints = 1, .pattern = "cam/*" } };

        client_publish(&publisher, "other");
        client_send(&subscriber, subscribe("cam/front"));
        client_expect(&subscriber, WR_SUBSCRIBED);
        client_send(&publisher, (struct wr_message){ .kind = WR_STATS, .stats = { .endpoint = lane, .frames = 42 } });
        client_expect(&publisher, WR_PAIR_ADDED);
        client_send(&publisher, list);
        client_expect(&publisher, WR_ENDPOINT);
        cr_assert(eq(uint, publisher.message.request, 77));
        cr_assert(eq(u64, publisher.message.endpoint.id, lane));
        cr_assert(eq(uint, publisher.message.endpoint.publishes, 1));
        cr_assert(eq(u64, publisher.message.endpoint.frames, 42));
        cr_assert(eq(uint, publisher.message.endpoint.pid, wr_user_process()));
        client_expect(&publisher, WR_ENDPOINT);
        cr_assert(eq(uint, publisher.message.endpoint.publishes, 0));
        cr_assert(eq(str, publisher.message.endpoint.name, "s"));
        client_expect(&publisher, WR_DONE);

        list.list.endpoints = 0;
        list.list.pattern[0] = '\0';
        client_send(&publisher, list);
        client_expect(&publisher, WR_TOPIC);
        cr_assert(eq(str, publisher.message.topic.topic, "cam/front"));
        cr_assert(eq(uint, publisher.message.topic.publishers, 1));
        cr_assert(eq(uint, publisher.message.topic.subscribers, 1));
        client_expect(&publisher, WR_TOPIC);
        client_expect(&publisher, WR_DONE);
        client_close(&publisher);
        client_close(&subscriber);
        broker_end(&broker);
}

Test(broker_flow, a_long_list_arrives_whole_at_a_client_that_reads_late)
{
        struct broker broker = broker_begin();
        struct client client = client_begin(&broker, "s");
        char topic[32];

        for (int i = 0; i < 900; i++) {
                snprintf(topic, sizeof(topic), "topic/%03d", i);
                client_send(&client, subscribe(topic));
                client_expect(&client, WR_SUBSCRIBED);
        }
        client_send(&client, (struct wr_message){ .kind = WR_LIST, .list = { .endpoints = 1 } });
        client_send(&client, (struct wr_message){ .kind = WR_STATUS });
        for (int i = 0; i < 900; i++) {
                client_expect(&client, WR_ENDPOINT);
                snprintf(topic, sizeof(topic), "topic/%03d", i);
                cr_assert(eq(str, client.message.endpoint.topic, topic));
        }
        client_expect(&client, WR_DONE);
        client_expect(&client, WR_STATE); /* asked while the list was on its way */
        client_close(&client);
        broker_end(&broker);
}

Test(broker_flow, stop_is_for_the_brokers_own_user)
{
        struct broker broker = broker_begin();
        struct client client = client_begin(&broker, "s");

        client_send(&client, (struct wr_message){ .kind = WR_STOP, .request = 5 });
        client_expect(&client, WR_DONE);
        client_expect(&client, WR_BYE);
        client_expect_end(&client);
        client_close(&client);
        broker_await_end(&broker);
}
