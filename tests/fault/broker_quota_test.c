/*
 * Each of the six quotas, through the whole broker: all of it can be had, one more is refused with the numbers, and a
 * holder that is killed gives all of it back, so that the next has the same. The holder is a process of its own; a
 * witness of the same identity says when the broker has noticed its end.
 */
#include "tests/fault/broker_fixture.h"

#include <inttypes.h>

enum { ROUNDS = 3 };

TestSuite(broker_quota, .fini = kit_clean, .timeout = 60);

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

typedef void
holder(const struct broker *broker);

static holder hold_lanes, hold_subscriptions, hold_held, hold_connections, hold_reserve, hold_pages, hold_messages;

/* By number: where a function is differs from process to process. */
enum hold { LANES, SUBSCRIPTIONS, HELD, CONNECTIONS, RESERVE, PAGES, MESSAGES };

static holder *const holders[] = { hold_lanes,   hold_subscriptions, hold_held,    hold_connections,
                                   hold_reserve, hold_pages,         hold_messages };

/* Takes all, sees the next refused, says so, and waits to be killed. */
static void
play_holder(int line)
{
        struct broker broker = broker_there();

        holders[kit_hear(line)](&broker);
        kit_say(line, 0);
        kit_hear(line);
}

static void
round_of(enum hold hold)
{
        struct kit_child victim = kit_start(play_holder);

        kit_say(victim.line, hold);
        kit_hear(victim.line); /* each round gets what the last one had */
        kit_kill(&victim);
}

static void
expect_returned(const char *limits, enum hold hold)
{
        given.policy = limits;
        struct broker broker = broker_begin();
        struct client witness = client_begin(&broker, "witness");

        for (int i = 0; i < ROUNDS; i++) {
                round_of(hold);
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
        expect_returned("[quota]\nlanes = 3\n", LANES);
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
        expect_returned("[quota]\nsubscriptions = 5\n", SUBSCRIPTIONS);
}

/* What one subscription holds counts beside what the next one will. */
static void
hold_held(const struct broker *broker)
{
        struct client client = client_begin(broker, "greedy");

        for (uint64_t i = 1; i <= 4; i++) {
                client_send(&client, (struct wr_message){ .kind = WR_HOLDS, .holds = { 1, i, i } });
                client_send(&client, subscribe("t"));
                if (i == 4)
                        client_expect_refusal(&client, WEIR_E_QUOTA,
                                              "holds 12288 of 12288 allocated_bytes and asks for 4096 more");
                client_expect(&client, WR_SUBSCRIBED);
        }
}

Test(broker_quota, lanes_that_are_held)
{
        expect_returned("[quota]\nallocated_bytes = 12288\n", HELD);
}

/* The witness has one of the four. */
static void
hold_connections(const struct broker *broker)
{
        struct client client;

        for (int i = 0; i < 3; i++)
                client_begin(broker, "greedy");
        client = client_knock(broker);
        client_expect_refusal(&client, WEIR_E_QUOTA, "holds 4 of 4 connections and asks for 1 more");
        client_expect_end(&client);
}

Test(broker_quota, connections)
{
        expect_returned("[quota]\nconnections = 4\n", CONNECTIONS);
}

static void
hold_reserve(const struct broker *broker)
{
        struct client client = client_begin(broker, "greedy");

        for (int i = 0; i < 2; i++)
                client_publish(&client, "t");
        client_send(&client, publish("t"));
        client_expect_refusal(&client, WEIR_E_QUOTA, "reserve_bytes and asks for");
        cr_assert(strstr(client.message.refusal.sentence, "lower memory_max of the publishers") != NULL);
}

Test(broker_quota, reserve_bytes)
{
        uint64_t segment = sizes_learn().segment;

        snprintf(policy, sizeof(policy), "[quota]\nreserve_bytes = %" PRIu64 "\n", 2 * segment);
        expect_returned(policy, RESERVE);
        snprintf(policy, sizeof(policy), "[quota]\nreserve_bytes = %" PRIu64 "\n", 3 * segment - 1);
        expect_returned(policy, RESERVE);
}

/* What a user meets who sets nothing: 16 GiB do not hold sixteen publishers of 1 GiB and their headers. */
Test(broker_quota, the_sixteenth_publisher_of_the_default_size_is_refused_and_told_what_helps)
{
        struct broker broker = broker_begin();
        struct client client = client_begin(&broker, "many");
        struct wr_message plain = publish("t");

        plain.publish.memory_max = 0;
        for (int i = 0; i < 15; i++) {
                client_send(&client, plain);
                client_expect(&client, WR_LANE_GRANT);
                client_send(&client, ready(client.message.lane_grant.lane));
                client_expect(&client, WR_OPENED);
        }
        client_send(&client, plain);
        client_expect_refusal(&client, WEIR_E_QUOTA, "(15.0 of 16.0 GiB, and 1.0 more)");
        cr_assert(strstr(client.message.refusal.sentence, "lower memory_max") != NULL);
        cr_log_info("%s", client.message.refusal.sentence);
        client_publish(&client, "t"); /* of 4 MiB */
        client_close(&client);
        broker_end(&broker);
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
        expect_returned(policy, PAGES);
        snprintf(policy, sizeof(policy), "[quota]\nallocated_bytes = %" PRIu64 "\n", 3 * page - 1);
        expect_returned(policy, PAGES);
}

/*
 * Messages are not refused but wait: a second's worth comes through at once, HELLO among it, and each one more waits
 * until there is a token for it, by the broker's own clock. Returns when the answer to the last one was written.
 */
enum { PER_SECOND = 20, ASKED = 30 };

static uint64_t
asked_until(struct client *client, unsigned count)
{
        uint64_t last_ns = 0;

        for (unsigned i = 0; i < count; i++)
                client_send(client, (struct wr_message){ .kind = WR_STATUS });
        for (unsigned i = 0; i < count; i++) {
                client_expect(client, WR_STATE);
                last_ns = client->message.state.uptime_ns;
        }
        return last_ns;
}

static void
hold_messages(const struct broker *broker)
{
        struct client client = client_begin(broker, "greedy");
        uint64_t first_ns = asked_until(&client, 1), last_ns = asked_until(&client, ASKED - 1);

        /* Even if the bucket was full again after the first, nine of the others waited 50 ms each. */
        cr_assert(gt(u64, last_ns - first_ns, 400000000), "%" PRIu64 " ns", last_ns - first_ns);
        for (int i = 0; i < ASKED; i++) /* are never answered: it is killed while they wait */
                client_send(&client, (struct wr_message){ .kind = WR_STATUS });
}

/* No witness, whose messages would count. */
Test(broker_quota, messages_per_second)
{
        snprintf(policy, sizeof(policy), "[quota]\nmessages_per_second = %d\n", PER_SECOND);
        given.policy = policy;
        struct broker broker = broker_begin();

        for (int i = 0; i < ROUNDS; i++)
                round_of(MESSAGES);
        broker_end(&broker);
}

/* Else the limit would be one for a connection. */
Test(broker_quota, a_new_connection_brings_no_new_messages)
{
        enum { CONNECTIONS = 5, EACH = 9 };
        uint64_t first_ns = 0, last_ns = 0;

        snprintf(policy, sizeof(policy), "[quota]\nmessages_per_second = %d\n", PER_SECOND);
        given.policy = policy;
        struct broker broker = broker_begin();

        for (int i = 0; i < CONNECTIONS; i++) {
                struct client client = client_begin(&broker, "again");

                last_ns = asked_until(&client, EACH);
                first_ns = i == 0 ? last_ns : first_ns;
                client_close(&client);
        }
        /* 40 messages behind the first ten, of which the bucket had at most 20 (full again after those ten): the other
         * 20 took a second. With a bucket for each connection nothing would have waited. */
        cr_assert(gt(u64, last_ns - first_ns, 900000000), "%" PRIu64 " ns", last_ns - first_ns);
        broker_end(&broker);
}

/* ---- patterns ---- */

/* The worst pair that the grammar allows: at each of a hundred places half of the pattern fits, and then it does not.
 */
static void
worst_name(char name[WR_TOPIC_MAX + 1], int number)
{
        for (int i = 0; i < WR_TOPIC_MAX - 5; i++)
                name[i] = i % 2 ? '/' : 'a';
        snprintf(name + WR_TOPIC_MAX - 5, 5, "a%03d", number);
}

static struct wr_message
worst_list(void)
{
        struct wr_message message = { .kind = WR_LIST, .request = 5 };
        char *pattern = message.list.pattern;

        strcpy(pattern, "**");
        for (int i = 0; i < 48; i++)
                strcat(pattern, "/*a");
        strcat(pattern, "/b");
        return message;
}

static int64_t
status_ns(struct client *client)
{
        int64_t from_ns = wr_clock_ns();

        client_status(client);
        return wr_clock_ns() - from_ns;
}

/* 40 lists over 600 such topics are 1.2 s of work here, at a thousand messages a second without end. */
Test(broker_quota, the_patterns_of_one_identity_do_not_keep_the_others_waiting)
{
        static const char package[] = "org.weir.Greedy";
        char rules[256], name[WR_TOPIC_MAX + 1], own[WR_SID_TEXT_MAX];
        struct wr_sid self = wr_user_self();
        int64_t worst_ns = 0, sum_ns = 0;

        wr_user_text(&self, own, sizeof(own));
        snprintf(rules, sizeof(rules), "[topic.\"**\"]\nsubscribe = [\"package:%s\", \"user:%s\"]\n", package, own);
        given.package = package;
        given.policy = rules;
        struct broker broker = broker_begin();
        struct client greedy = client_at(broker.package_socket, "greedy"), honest = client_begin(&broker, "honest");

        for (int i = 0; i < 600; i++) {
                worst_name(name, i);
                client_send(&greedy, subscribe(name));
                client_expect(&greedy, WR_SUBSCRIBED);
        }
        for (int i = 0; i < 40; i++)
                client_send(&greedy, worst_list());
        for (int i = 0; i < 20; i++) {
                int64_t took_ns = status_ns(&honest);

                sum_ns += took_ns;
                worst_ns = took_ns > worst_ns ? took_ns : worst_ns;
        }
        cr_assert(lt(i64, sum_ns, INT64_C(700000000)), "the worst of them %lld ns", (long long)worst_ns);
        for (int i = 0; i < 40; i++)
                client_expect(&greedy, WR_DONE); /* it gets all its answers, later */
        client_close(&greedy);
        client_close(&honest);
        broker_end(&broker);
}
