/* weir_watch: who publishes and subscribes, told as it happens; weir_peer: who that is. */
#include "tests/contract/weir_kit.h"

TestSuite(watching, .fini = kit_clean, .timeout = 60);

/* The next event of others' endpoints. */
static const struct weir_event *
told(struct weir *bus)
{
        const struct weir_event *event;

        do
                kit_must(weir_next(bus, KIT_SOON, &event) == WEIR_OK);
        while (event->publisher || event->subscriber);
        return event;
}

static void
expect(const struct weir_event *event, uint32_t kind, const char *topic, uint32_t role, uint64_t count)
{
        cr_assert(eq(u32, event->kind, kind), "%s", event->text);
        cr_assert(eq(str, (char *)event->topic, (char *)topic));
        cr_assert(eq(u32, event->role, role), "%s", event->text);
        cr_assert(eq(u64, event->count, count), "%s", event->text);
}

static void
expect_all(struct weir *bus, const char *pattern, uint64_t count)
{
        const struct weir_event *event = told(bus);

        expect(event, WEIR_LISTED, pattern, 0, count);
        cr_assert(zero(u64, event->source));
}

static void
play_publisher(int line)
{
        struct weir *bus = kit_bus_named("mortal", NULL);
        struct weir_publisher *p;

        kit_ok(weir_publisher_open(&p, bus, "cam/b", NULL));
        kit_say(line, 1);
        kit_hear(line);
}

Test(watching, what_is_there_is_listed_and_then_comings_and_goings_with_their_reasons)
{
        struct weir *host = kit_host(), *watcher = kit_bus_named("watcher", NULL);
        struct weir_publisher *p, *other;
        struct weir_subscriber *s;
        const struct weir_event *event;
        struct kit_child mortal;
        uint64_t source, reader;

        kit_ok(weir_publisher_open(&p, host, "cam/a", NULL));
        kit_ok(weir_publisher_open(&other, host, "imu", NULL));
        kit_ok(weir_subscriber_open(&s, host, "cam/a", NULL));
        kit_ok(weir_watch(watcher, "cam/*"));
        event = told(watcher);
        expect(event, WEIR_LISTED, "cam/a", WEIR_SEAT_PUBLISHER, 1);
        cr_assert(eq(u32, event->pid, kit_pid()));
        cr_assert(ne(ptr, strstr(event->text, "host"), NULL), "%s", event->text);
        source = event->source;
        event = told(watcher);
        expect(event, WEIR_LISTED, "cam/a", WEIR_SEAT_SUBSCRIBER, 1);
        reader = event->source;
        expect_all(watcher, "cam/*", 2);
        weir_subscriber_close(s);
        event = told(watcher);
        expect(event, WEIR_LEFT, "cam/a", WEIR_SEAT_SUBSCRIBER, 0);
        cr_assert(eq(u64, event->source, reader));
        cr_assert(eq(int, event->reason, WEIR_OK));
        mortal = kit_start(play_publisher);
        kit_hear(mortal.line);
        expect(told(watcher), WEIR_JOINED, "cam/b", WEIR_SEAT_PUBLISHER, 1);
        kit_kill(&mortal);
        event = told(watcher);
        expect(event, WEIR_LEFT, "cam/b", WEIR_SEAT_PUBLISHER, 0);
        cr_assert(eq(int, event->reason, WEIR_E_CLOSED));
        cr_assert(ne(ptr, strstr(event->text, "died"), NULL), "%s", event->text);
        weir_publisher_close(other); /* is not watched */
        weir_publisher_close(p);
        event = told(watcher);
        expect(event, WEIR_LEFT, "cam/a", WEIR_SEAT_PUBLISHER, 0);
        cr_assert(eq(u64, event->source, source));
        cr_assert(eq(int, event->reason, WEIR_OK));
        weir_close(watcher);
        weir_close(host);
}

Test(watching, several_patterns_tell_an_endpoint_once_and_null_ends_it)
{
        struct weir *host = kit_host(), *watcher = kit_guest();
        struct weir_publisher *p;
        const struct weir_event *event;
        char pattern[16];

        kit_ok(weir_watch(watcher, "cam/**"));
        kit_ok(weir_watch(watcher, "**"));
        kit_ok(weir_watch(watcher, "**"));
        for (int i = 0; i < 3; i++)
                cr_assert(eq(u32, told(watcher)->kind, WEIR_LISTED));
        kit_ok(weir_publisher_open(&p, host, "cam/a", NULL));
        expect(told(watcher), WEIR_JOINED, "cam/a", WEIR_SEAT_PUBLISHER, 1);
        weir_publisher_close(p);
        expect(told(watcher), WEIR_LEFT, "cam/a", WEIR_SEAT_PUBLISHER, 0);
        for (int i = 0; i < 14; i++) {
                snprintf(pattern, sizeof pattern, "p/%d", i);
                kit_ok(weir_watch(watcher, pattern));
        }
        cr_assert(eq(int, weir_watch(watcher, "one/more"), WEIR_E_QUOTA));
        cr_assert(ne(ptr, strstr(weir_error(), "16"), NULL), "%s", weir_error());
        cr_assert(eq(int, weir_watch(watcher, "a//b"), WEIR_E_USAGE));
        kit_ok(weir_watch(watcher, NULL));
        kit_ok(weir_publisher_open(&p, host, "cam/a", NULL));
        weir_publisher_close(p);
        kit_ok(weir_watch(watcher, "x")); /* its answer comes behind whatever else was sent */
        do
                kit_ok(weir_next(watcher, KIT_SOON, &event));
        while (event->kind == WEIR_LISTED && strcmp(event->topic, "x") != 0);
        cr_assert(eq(u32, event->kind, WEIR_LISTED), "%s", event->text);
        weir_close(watcher);
        weir_close(host);
}

/* A broker relays 256 endpoints at most, which the queue has room for: there they are the fewer. */
Test(watching, more_endpoints_than_the_queue_usually_has_are_all_told)
{
        const int many = kit_is_relayed() ? 50 : 1000;
        struct weir *host, *watcher;
        struct weir_subscriber *s;
        char topic[32];

        if (kit_is_relayed()) /* each is one */
                kit_policy(kit_quota("connections", 64));
        host = kit_host();
        watcher = kit_guest();
        for (int i = 0; i < many; i++) {
                snprintf(topic, sizeof topic, "t/%d", i);
                kit_ok(weir_subscriber_open(&s, host, topic, WEIR_SUBSCRIBER(.frames_max = 1)));
        }
        kit_ok(weir_watch(watcher, "**"));
        for (int i = 0; i < many; i++) {
                snprintf(topic, sizeof topic, "t/%d", i);
                expect(told(watcher), WEIR_LISTED, topic, WEIR_SEAT_SUBSCRIBER, 1);
        }
        expect_all(watcher, "**", (uint64_t)many);
        weir_close(watcher);
        weir_close(host);
}

/* ---- what a stranger sees ---- */

static const char policy[] = "[topic.\"open\"]\n"
                             "publish = [\"package:org.weir.Stranger\", \"user:ME\"]\n"
                             "subscribe = [\"package:org.weir.Stranger\", \"user:ME\"]\n";

Test(watching, only_what_may_be_observed_is_told_and_a_withdrawn_right_is_a_reason)
{
        struct weir *own, *watcher, *stranger;
        struct weir_publisher *open, *hidden;
        struct weir_subscriber *s, *pattern;
        const struct weir_event *event;
        struct weir_peer peer = { .size = sizeof peer };
        struct kit_child broker;
        char place[128];
        uint64_t hidden_source, pattern_id;

        kit_policy(policy);
        broker = kit_start(kit_play_broker);
        own = kit_guest();
        watcher = kit_near(own); /* who holds a ticket is not told of its creator's patterns */
        snprintf(place, sizeof place, "%.70s.stranger", kit_address());
        kit_ok(weir_package_socket(watcher, "org.weir.Stranger", place));
        kit_ok(weir_open(&stranger, WEIR_OPTIONS(.name = "stranger", .address = place)));
        kit_ok(weir_watch(watcher, "**"));
        expect_all(watcher, "**", 0);
        kit_ok(weir_watch(stranger, "**"));
        expect_all(stranger, "**", 0);
        kit_ok(weir_publisher_open(&hidden, own, "hidden", NULL));
        event = told(watcher);
        expect(event, WEIR_JOINED, "hidden", WEIR_SEAT_PUBLISHER, 1);
        hidden_source = event->source;
        kit_ok(weir_subscriber_open(&pattern, own, "*", NULL));
        event = told(watcher);
        expect(event, WEIR_JOINED, "*", WEIR_SEAT_SUBSCRIBER, 1);
        pattern_id = event->source;
        kit_ok(weir_publisher_open(&open, own, "open", NULL));
        event = told(stranger); /* neither 'hidden' nor the pattern */
        expect(event, WEIR_JOINED, "open", WEIR_SEAT_PUBLISHER, 1);
        kit_ok(weir_peer(stranger, event->source, &peer));
        cr_assert(eq(u32, peer.pid, kit_pid()));
        cr_assert(eq(str, (char *)peer.name, "guest"));
        cr_assert(eq(int, weir_peer(stranger, hidden_source, &peer), WEIR_E_CLOSED));
        cr_assert(eq(int, weir_peer(stranger, pattern_id, &peer), WEIR_E_CLOSED));
        kit_ok(weir_peer(watcher, hidden_source, &peer));
        kit_ok(weir_peer(watcher, pattern_id, &peer));
        kit_ok(weir_subscriber_open(&s, stranger, "open", NULL));
        expect(told(stranger), WEIR_JOINED, "open", WEIR_SEAT_SUBSCRIBER, 1);
        do
                event = kit_event(own, WEIR_JOINED); /* our publisher's new reader: its source is the pair */
        while (event->publisher != open || !strstr(event->text, "stranger"));
        kit_ok(weir_peer(own, event->source, &peer));
        cr_assert(ne(ptr, strstr(peer.identity, "org.weir.Stranger"), NULL), "%s", peer.identity);
        kit_policy("# all gone\n");
        kit_ok(weir_broker_reload(watcher));
        do
                event = kit_event(watcher, WEIR_LEFT);
        while (event->publisher || event->subscriber);
        expect(event, WEIR_LEFT, "open", WEIR_SEAT_SUBSCRIBER, 0);
        cr_assert(eq(int, event->reason, WEIR_E_DENIED));
        weir_close(stranger);
        weir_close(own);
        kit_kill(&broker);
}

Test(watching, what_was_watched_is_watched_at_the_next_broker_too)
{
        struct kit_child broker = kit_start(kit_play_broker);
        struct weir *bus = kit_guest(), *watcher = kit_guest();
        struct weir_publisher *p;

        kit_ok(weir_publisher_open(&p, bus, "cam", NULL));
        kit_ok(weir_watch(watcher, "*"));
        expect(told(watcher), WEIR_LISTED, "cam", WEIR_SEAT_PUBLISHER, 1);
        expect_all(watcher, "*", 1);
        kit_kill(&broker);
        kit_event(watcher, WEIR_BROKER_LOST);
        broker = kit_start(kit_play_broker);
        kit_event(watcher, WEIR_BROKER_BACK);
        kit_event(bus, WEIR_BROKER_BACK);
        weir_publisher_close(p); /* whether it was listed or joined, it is known there */
        while (told(watcher)->kind != WEIR_LEFT)
                ;
        weir_close(watcher);
        weir_close(bus);
        kit_kill(&broker);
}

Test(watching, a_lane_that_grows_is_nobodys_news)
{
        struct weir *host = kit_host(), *watcher = kit_guest();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        struct weir_loan *loan;

        kit_ok(weir_publisher_open(&p, host, "cam", NULL));
        kit_ok(weir_subscriber_open(&s, host, "cam", NULL));
        kit_ok(weir_watch(watcher, "cam"));
        expect(told(watcher), WEIR_LISTED, "cam", WEIR_SEAT_PUBLISHER, 1);
        expect(told(watcher), WEIR_LISTED, "cam", WEIR_SEAT_SUBSCRIBER, 1);
        expect_all(watcher, "cam", 2);
        kit_ok(weir_lend(p, UINT64_C(200) << 20, KIT_SOON, &loan)); /* more than a lane has at first */
        weir_loan_discard(loan);
        weir_publisher_close(p);
        expect(told(watcher), WEIR_LEFT, "cam", WEIR_SEAT_PUBLISHER, 0);
        kit_ok(weir_publisher_open(&p, host, "cam", NULL));
        expect(told(watcher), WEIR_JOINED, "cam", WEIR_SEAT_PUBLISHER, 1);
        weir_close(watcher);
        weir_close(host);
}
