/* WHO to the broker, byte by byte: what each may know of the others, and figures that are none of one's business. */
#include "tests/fault/broker_fixture.h"

TestSuite(broker_who, .fini = kit_clean, .timeout = 60);

#define STRANGER "org.weir.Stranger"

enum { ROWS_MAX = 128, IDLE = 0, PUBLISHER = 1, SUBSCRIBER = 2 };

struct rows {
        struct wr_message rows[ROWS_MAX];
        int count;
};

/* Static: two of them are half a megabyte. */
static struct rows *
who(struct client *client, const char *pattern, bool refusals)
{
        static struct rows rows;
        struct wr_message question = { .kind = WR_WHO, .request = 7, .who = { .refusals = refusals } };

        rows.count = 0;
        snprintf(question.who.pattern, sizeof(question.who.pattern), "%s", pattern);
        client_send(client, question);
        while (client_receive(client) == (refusals ? WR_REFUSED : WR_SEAT)) {
                cr_assert(lt(int, rows.count, ROWS_MAX));
                cr_assert(eq(u32, client->message.request, 7));
                rows.rows[rows.count++] = client->message;
        }
        cr_assert(eq(int, client->message.kind, WR_DONE), "%s", wr_message_name(client->message.kind));
        return &rows;
}

static struct wr_message
pair_stats(uint64_t pair, uint64_t lag_frames)
{
        return (struct wr_message){ .kind = WR_PAIR_STATS,
                                    .pair_stats = { pair, lag_frames, 1000 * (int64_t)lag_frames, 2, 4096 } };
}

/* A package without a grant, and the broker's own user; both are refused something. */
static struct broker
two_identities(struct client *own, struct client *stranger)
{
        struct broker broker;

        given.package = STRANGER;
        given.policy = "[topic.\"secret\"]\npublish = [\"user:4242\"]\n";
        broker = broker_begin();
        *own = client_begin(&broker, "own");
        *stranger = client_at(broker.package_socket, "stranger");
        client_send(own, publish("secret"));
        client_expect(own, WR_REFUSAL);
        client_send(stranger, subscribe("cam"));
        client_expect(stranger, WR_REFUSAL);
        return broker;
}

Test(broker_who, refusals_are_for_who_was_refused_and_for_the_own_user)
{
        struct client own, stranger;
        struct broker broker = two_identities(&own, &stranger);
        struct rows *rows = who(&own, "", true);

        cr_assert(eq(int, rows->count, 2));
        cr_assert(eq(str, rows->rows[0].refused.topic, "secret"));
        cr_assert(eq(str, rows->rows[0].refused.name, "own"));
        cr_assert(eq(str, rows->rows[1].refused.topic, "cam"));
        cr_assert(eq(int, rows->rows[1].refused.result, WEIR_E_DENIED));
        cr_assert(ne(ptr, strstr(rows->rows[1].refused.identity, STRANGER), NULL));
        cr_assert(ne(ptr, strstr(rows->rows[1].refused.sentence, "Grant it:"), NULL));
        rows = who(&stranger, "", true);
        cr_assert(eq(int, rows->count, 1));
        cr_assert(eq(str, rows->rows[0].refused.topic, "cam"));
        cr_assert(eq(int, who(&own, "sec*", true)->count, 1));
        client_close(&own);
        client_close(&stranger);
        broker_end(&broker);
}

Test(broker_who, connections_and_topics_that_may_not_be_observed_are_not_told)
{
        struct client own, stranger;
        struct broker broker = two_identities(&own, &stranger);
        struct rows *rows;

        client_publish(&own, "cam");
        rows = who(&own, "", false);
        cr_assert(eq(int, rows->count, 2));
        cr_assert(eq(u32, rows->rows[0].seat.role, IDLE));
        cr_assert(eq(str, rows->rows[0].seat.name, "stranger"));
        cr_assert(eq(u32, rows->rows[1].seat.role, PUBLISHER));
        rows = who(&stranger, "", false);
        cr_assert(eq(int, rows->count, 1), "itself, and no topic");
        cr_assert(eq(str, rows->rows[0].seat.name, "stranger"));
        client_close(&own);
        client_close(&stranger);
        broker_end(&broker);
}

Test(broker_who, only_the_publisher_of_a_pair_says_how_its_reader_stands)
{
        struct broker broker = broker_begin();
        struct client camera = client_begin(&broker, "camera"), viewer = client_begin(&broker, "viewer");
        struct rows *rows;
        uint64_t pair;

        client_publish(&camera, "cam");
        client_send(&viewer, subscribe("cam"));
        client_expect(&viewer, WR_SUBSCRIBED);
        pair = pair_up(&camera, &viewer);
        client_send(&viewer, pair_stats(pair, 99));
        client_send(&camera, pair_stats(pair ^ 1, 98));
        cr_assert(eq(u64, who(&viewer, "cam", false)->rows[1].seat.lag_frames, 0));
        cr_assert(eq(u64, who(&camera, "cam", false)->rows[1].seat.lag_frames, 0));
        client_send(&camera, pair_stats(pair, 5));
        rows = who(&camera, "cam", false);
        cr_assert(eq(int, rows->count, 2));
        for (int i = 0; i < 2; i++) {
                cr_assert(eq(u32, rows->rows[i].seat.role, i == 0 ? PUBLISHER : SUBSCRIBER));
                cr_assert(eq(u64, rows->rows[i].seat.lag_frames, 5));
                cr_assert(eq(i64, rows->rows[i].seat.lag_ns, 5000));
                cr_assert(eq(u64, rows->rows[i].seat.held, 2));
                cr_assert(eq(u64, rows->rows[i].seat.held_bytes, 4096));
        }
        client_close(&viewer);
        client_close(&camera);
        broker_end(&broker);
}

/* More than the client's queue holds at once: the answer comes in pieces, while the client reads. */
Test(broker_who, a_long_answer_is_whole_and_the_last_64_refusals_are_kept)
{
        struct broker broker = broker_begin();
        struct client client = client_begin(&broker, "client");
        struct wr_message wrong = subscribe("x");
        struct rows *rows;

        for (int i = 1; i <= 100; i++) {
                wrong.subscribe.frames_max = 2000 + (uint32_t)i;
                client_send(&client, wrong);
                client_expect_refusal(&client, WEIR_E_USAGE, "frames_max");
        }
        rows = who(&client, "", true);
        cr_assert(eq(int, rows->count, 64));
        cr_assert(ne(ptr, strstr(rows->rows[0].refused.sentence, "2037"), NULL));
        cr_assert(ne(ptr, strstr(rows->rows[63].refused.sentence, "2100"), NULL));
        for (int i = 0; i < 100; i++) {
                snprintf(wrong.subscribe.topic, sizeof(wrong.subscribe.topic), "t/%d", i);
                wrong.subscribe.frames_max = 1;
                client_send(&client, wrong);
                client_expect(&client, WR_SUBSCRIBED);
        }
        rows = who(&client, "t/*", false);
        cr_assert(eq(int, rows->count, 100));
        for (int i = 0; i < rows->count; i++) {
                snprintf(wrong.subscribe.topic, sizeof(wrong.subscribe.topic), "t/%d", i);
                cr_assert(eq(str, rows->rows[i].seat.topic, wrong.subscribe.topic));
        }
        client_close(&client);
        broker_end(&broker);
}
