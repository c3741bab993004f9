/* WATCH: a list that goes out in pieces while endpoints come and go, and a watcher that does not read. */
#include "tests/fault/broker_fixture.h"

enum { MANY = 800 };

TestSuite(broker_watch, .fini = kit_clean, .timeout = 60);

/* What a watcher was told of each endpoint. */
struct seen {
        unsigned listed, joined, left;
};

struct watcher {
        struct client client;
        struct seen seen[MANY + 1];
        uint32_t all;    /* the count of the last WR_WATCHED_ALL */
        unsigned missed; /* marks that something was */
        bool is_done;
};

static struct wr_message
watch(const char *pattern)
{
        struct wr_message message = { .kind = WR_WATCH, .request = 7 };

        snprintf(message.watch.pattern, sizeof(message.watch.pattern), "%s", pattern);
        return message;
}

static void
note(struct watcher *watcher, const struct wr_message_watched *watched)
{
        unsigned number = MANY;

        if (watched->what == WR_WATCHED_ALL) {
                watcher->missed += watched->reason == WEIR_E_HELD;
                watcher->all = watched->count;
                return;
        }
        cr_assert(eq(int, sscanf(watched->topic, "t/%u", &number), 1));
        cr_assert(le(uint, number, MANY));
        watcher->seen[number].listed += watched->what == WR_WATCHED_LISTED;
        watcher->seen[number].joined += watched->what == WR_WATCHED_JOINED;
        watcher->seen[number].left += watched->what == WR_WATCHED_LEFT;
}

static void
read_one(struct watcher *watcher)
{
        client_receive(&watcher->client);
        if (watcher->client.message.kind == WR_WATCHED)
                note(watcher, &watcher->client.message.watched);
        else if (watcher->client.message.kind == WR_DONE)
                watcher->is_done = true;
        else
                cr_fatal("%s", wr_message_name(watcher->client.message.kind));
}

static uint64_t
subscribe_to(struct client *client, unsigned number)
{
        char topic[32];

        snprintf(topic, sizeof(topic), "t/%u", number);
        client_send(client, subscribe(topic));
        client_expect(client, WR_SUBSCRIBED);
        return client->message.subscribed.subscription;
}

static void
unsubscribe(struct client *client, uint64_t subscription)
{
        client_send(client,
                    (struct wr_message){ .kind = WR_CLOSE_SUBSCRIPTION, .close_subscription = { subscription } });
        client_status(client); /* it has been read */
}

static struct broker
broker_of_many(struct client *client, uint64_t *ids)
{
        struct broker broker;

        given.policy = "[quota]\nmessages_per_second = 100000\n";
        broker = broker_begin();
        *client = client_begin(&broker, "many");
        for (unsigned i = 0; i < MANY; i++)
                ids[i] = subscribe_to(client, i);
        return broker;
}

Test(broker_watch, what_comes_and_goes_during_the_list_is_told_once)
{
        static struct watcher watcher;
        uint64_t ids[MANY];
        struct client many;
        struct broker broker = broker_of_many(&many, ids);

        watcher.client = client_begin(&broker, "watcher");
        client_send(&watcher.client, watch("t/*"));
        read_one(&watcher);
        client_status(&many); /* by now its socket is full: the list has stopped somewhere */
        unsubscribe(&many, ids[0]);
        unsubscribe(&many, ids[MANY - 1]);
        subscribe_to(&many, MANY);
        while (!watcher.is_done || !watcher.seen[MANY].joined || !watcher.seen[0].left)
                read_one(&watcher);
        cr_assert(eq(uint, watcher.seen[0].listed, 1));
        cr_assert(eq(uint, watcher.seen[0].left, 1));
        for (unsigned i = 1; i < MANY - 1; i++)
                cr_assert(watcher.seen[i].listed == 1 && watcher.seen[i].left == 0, "%u", i);
        cr_assert(watcher.seen[MANY - 1].listed == 0 && watcher.seen[MANY - 1].left == 0, "it never came to its turn");
        cr_assert(watcher.seen[MANY].listed == 0 && watcher.seen[MANY].joined == 1);
        cr_assert(eq(uint, watcher.all, MANY - 1));
        cr_assert(zero(uint, watcher.missed));
        client_close(&watcher.client);
        client_close(&many);
        broker_end(&broker);
}

Test(broker_watch, who_does_not_read_is_not_cut_but_told_all_anew)
{
        static struct watcher watcher;
        uint64_t ids[MANY];
        struct client many;
        struct broker broker = broker_of_many(&many, ids);

        watcher.client = client_begin(&broker, "watcher");
        client_send(&watcher.client, watch("t/1*"));
        client_send(&watcher.client, watch("t/2*"));
        while (!watcher.is_done || watcher.all == 0)
                read_one(&watcher);
        for (int round = 0; round < 3; round++)
                for (unsigned i = 100; i < 300; i++) { /* more than socket and queue hold */
                        unsubscribe(&many, ids[i]);
                        ids[i] = subscribe_to(&many, i);
                }
        unsubscribe(&many, ids[150]);
        while (watcher.missed == 0)
                read_one(&watcher);
        memset(watcher.seen, 0, sizeof(watcher.seen));
        for (watcher.is_done = false; !watcher.is_done;)
                read_one(&watcher);
        for (unsigned i = 100; i < 300; i++)
                cr_assert(eq(uint, watcher.seen[i].listed, i != 150), "%u", i);
        cr_assert(zero(uint, watcher.seen[42].listed), "it is watched by neither pattern");
        unsubscribe(&many, ids[160]); /* and from now on as before */
        while (!watcher.seen[160].left)
                read_one(&watcher);
        client_close(&watcher.client);
        client_close(&many);
        broker_end(&broker);
}
