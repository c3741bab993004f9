/*
 * Each of the six quotas, through the whole broker: all of it can be had, one more is refused with the numbers, and a
 * holder that is killed gives all of it back, so that the next has the same. The holder is a process of its own; a
 * witness of the same identity says when the broker has noticed its end.
 */
#include "tests/fault/broker_fixture.h"

#include <inttypes.h>

enum { ROUNDS = 3 };

static char policy[128];

/* Sizes that the broker chooses, asked for in a broker without limits. */
struct sizes {
        uint64_t segment, page;
};

static struct sizes
sizes_learn(void)
{
        struct sizes sizes;
        struct broker broker = broker_begin();
        struct client publisher = client_begin(&broker, "p"), subscriber = client_begin(&broker, "s");

        client_send(&publisher, publish("t"));
        client_expect(&publisher, WR_LANE_GRANT);
        sizes.segment = publisher.message.lane_grant.segment_bytes;
        client_send(&publisher, ready(publisher.message.lane_grant.lane));
        client_expect(&publisher, WR_OPENED);
        client_send(&subscriber, subscribe("t"));
        client_expect(&publisher, WR_PAIR_ADDED);
        sizes.page = publisher.message.pair_added.page_bytes;
        client_close(&publisher);
        client_close(&subscriber);
        broker_end(&broker);
        return sizes;
}

/* In the child: takes all, sees the next refused, says so, and waits to be killed. */
typedef void
holder(const struct broker *broker);

static void
round_of(const struct broker *broker, holder *hold)
{
        int there[2];
        char byte;
        pid_t victim;

        cr_assert(eq(int, pipe(there), 0));
        victim = fork();
        if (victim == 0) {
                hold(broker);
                if (write(there[1], "", 1) != 1)
                        _exit(1);
                for (;;)
                        pause();
        }
        close(there[1]);
        cr_assert(eq(int, (int)read(there[0], &byte, 1), 1), "each round gets what the last one had");
        close(there[0]);
        kill(victim, SIGKILL);
        waitpid(victim, NULL, 0);
}

static void
expect_returned(const char *limits, holder *hold)
{
        given.policy = limits;
        struct broker broker = broker_begin();
        struct client witness = client_begin(&broker, "witness");

        for (int i = 0; i < ROUNDS; i++) {
                round_of(&broker, hold);
                client_status_when(&witness, 1);
        }
        client_close(&witness);
        broker_end(&broker);
}

static void
hold_lanes(const struct broker *broker)
{
        struct client client = client_begin(broker, "greedy");

        for (int i = 0; i < 3; i++)
                client_publish(&client, "t");
        client_send(&client, publish("t"));
        client_expect_refusal(&client, WEIR_E_QUOTA, "holds 3 of 3 lanes and asks for 1 more");
}

Test(broker_quota, lanes)
{
        expect_returned("[quota]\nlanes = 3\n", hold_lanes);
}

static void
hold_subscriptions(const struct broker *broker)
{
        struct client client = client_begin(broker, "greedy");

        for (int i = 0; i < 5; i++) {
                client_send(&client, subscribe("t"));
                client_expect(&client, WR_SUBSCRIBED);
        }
        client_send(&client, subscribe("t"));
        client_expect_refusal(&client, WEIR_E_QUOTA, "holds 5 of 5 subscriptions and asks for 1 more");
}

Test(broker_quota, subscriptions)
{
        expect_returned("[quota]\nsubscriptions = 5\n", hold_subscriptions);
}

/* The witness has one of the four. */
static void
hold_connections(const struct broker *broker)
{
        struct client client;

        for (int i = 0; i < 3; i++)
                client_begin(broker, "greedy");
        client = client_connect(broker->address);
        client_expect_refusal(&client, WEIR_E_QUOTA, "holds 4 of 4 connections and asks for 1 more");
        client_expect_end(&client);
}

Test(broker_quota, connections)
{
        expect_returned("[quota]\nconnections = 4\n", hold_connections);
}

static void
hold_reserve(const struct broker *broker)
{
        struct client client = client_begin(broker, "greedy");

        for (int i = 0; i < 2; i++)
                client_publish(&client, "t");
        client_send(&client, publish("t"));
        client_expect_refusal(&client, WEIR_E_QUOTA, "reserve_bytes and asks for");
}

Test(broker_quota, reserve_bytes)
{
        uint64_t segment = sizes_learn().segment;

        snprintf(policy, sizeof(policy), "[quota]\nreserve_bytes = %" PRIu64 "\n", 2 * segment);
        expect_returned(policy, hold_reserve);
        snprintf(policy, sizeof(policy), "[quota]\nreserve_bytes = %" PRIu64 "\n", 3 * segment - 1);
        expect_returned(policy, hold_reserve);
}

/* The pages of pairs are charged to the subscriber. */
static void
hold_pages(const struct broker *broker)
{
        struct client publisher = client_begin(broker, "p"), client = client_begin(broker, "greedy");

        for (int i = 0; i < 2; i++) {
                char topic[2] = { (char)('a' + i), '\0' };

                client_publish(&publisher, topic);
                client_send(&client, subscribe(topic));
                client_expect(&client, WR_SUBSCRIBED);
                pair_up(&publisher, &client);
        }
        client_send(&client, subscribe("a"));
        client_expect(&client, WR_SUBSCRIBED);
        client_expect(&client, WR_LANE_ENDED);
        cr_assert(eq(u64, client.message.lane_ended.lane, 0));
        cr_assert(eq(int, client.message.lane_ended.reason, WEIR_E_QUOTA));
        cr_assert(strstr(client.message.lane_ended.text, "allocated_bytes and asks for") != NULL, "%s",
                  client.message.lane_ended.text);
}

Test(broker_quota, allocated_bytes)
{
        uint64_t page = sizes_learn().page;

        snprintf(policy, sizeof(policy), "[quota]\nallocated_bytes = %" PRIu64 "\n", 2 * page);
        expect_returned(policy, hold_pages);
        snprintf(policy, sizeof(policy), "[quota]\nallocated_bytes = %" PRIu64 "\n", 3 * page - 1);
        expect_returned(policy, hold_pages);
}

/*
 * Messages are not refused but wait. So many as the limit come through at once, HELLO among them; the next one waits
 * until there is a token for it, by the broker's own clock a quarter of a second later, less what passed before.
 */
static void
hold_messages(const struct broker *broker)
{
        struct client client = client_begin(broker, "greedy");
        uint64_t first_ns, last_ns;

        for (int i = 0; i < 6; i++)
                client_send(&client, (struct wr_message){ .kind = WR_STATUS });
        client_expect(&client, WR_STATE);
        first_ns = last_ns = client.message.state.uptime_ns;
        for (int i = 1; i < 6; i++) {
                client_expect(&client, WR_STATE);
                last_ns = client.message.state.uptime_ns;
        }
        /* Even if the bucket was full again after HELLO, two of the six waited. */
        cr_assert(gt(u64, last_ns - first_ns, 400000000), "%" PRIu64 " ns", last_ns - first_ns);
}

/* No witness, whose messages would count: the bucket is gone with the last connection of its identity. */
Test(broker_quota, messages_per_second)
{
        given.policy = "[quota]\nmessages_per_second = 4\n";
        struct broker broker = broker_begin();

        for (int i = 0; i < ROUNDS; i++)
                round_of(&broker, hold_messages);
        broker_end(&broker);
}
