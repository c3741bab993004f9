/* Subscribing with a pattern: which topics join, by themselves or not, and what is said when none may. */
#include "tests/contract/weir_kit.h"

TestSuite(pattern, .fini = kit_clean, .timeout = 60);

enum { LARGE = 50000 };

static struct weir_publisher *
publisher(struct weir *bus, const char *topic)
{
        struct weir_publisher *p;

        kit_ok(weir_publisher_open(&p, bus, topic, NULL));
        return p;
}

static void
publish(struct weir_publisher *p, uint64_t size)
{
        void *data = malloc(size);

        kit_fill(data, size, 1);
        kit_ok(weir_publish(p, data, size, NULL, WEIR_NOW));
        free(data);
}

/* The next frame's topic. */
static const char *
take_topic(struct weir_subscriber *s)
{
        static char topic[208];
        const struct weir_frame *frame = kit_take(s);

        snprintf(topic, sizeof topic, "%s", frame->topic);
        weir_release(frame);
        return topic;
}

static void
expect_nothing(struct weir_subscriber *s)
{
        const struct weir_frame *none;

        cr_assert(eq(int, weir_take(s, WEIR_NOW, &none), WEIR_EMPTY));
}

Test(pattern, topics_of_now_and_later_join_and_frames_name_theirs)
{
        struct weir *bus = kit_host(), *guest = kit_guest();
        struct weir_publisher *front = publisher(bus, "cam/front"), *other = publisher(bus, "imu/raw"), *deep, *rear;
        struct weir_subscriber *one, *any;
        const struct weir_event *event;

        kit_ok(weir_subscriber_open(&one, guest, "cam/*", NULL));
        event = kit_event(guest, WEIR_JOINED);
        cr_assert(eq(str, (char *)event->topic, "cam/front"));
        cr_assert(eq(ptr, event->subscriber, one));
        kit_ok(weir_subscriber_open(&any, guest, "cam/**", NULL));
        kit_event(guest, WEIR_JOINED);
        publish(front, 10);
        publish(other, 10);
        cr_assert(eq(str, (char *)take_topic(one), "cam/front"));
        cr_assert(eq(str, (char *)take_topic(any), "cam/front"));
        rear = publisher(bus, "cam/rear");
        publish(rear, LARGE); /* without a pause: who opened a publisher may rely on its readers */
        cr_assert(eq(str, (char *)take_topic(one), "cam/rear"));
        cr_assert(eq(str, (char *)take_topic(any), "cam/rear"));
        event = kit_event(guest, WEIR_JOINED);
        cr_assert(eq(str, (char *)event->topic, "cam/rear"));
        deep = publisher(bus, "cam/left/raw");
        publish(deep, 10);
        cr_assert(eq(str, (char *)take_topic(any), "cam/left/raw"));
        expect_nothing(one);
        expect_nothing(any);
        cr_assert(eq(u32, kit_info(one).peers, 2));
        cr_assert(eq(u32, kit_info(any).peers, 3));
        weir_publisher_close(rear);
        expect_nothing(one);
        event = kit_event_of(guest, WEIR_LEFT, one);
        cr_assert(eq(str, (char *)event->topic, "cam/rear"));
        cr_assert(eq(u64, event->count, 1));
        weir_close(guest);
        weir_close(bus);
}

Test(pattern, a_frame_keeps_the_name_of_its_topic_behind_everything_else)
{
        struct weir *host = kit_host_of_many(), *guest = kit_guest();
        struct weir_subscriber *s;
        const struct weir_frame *first, *second;
        struct weir_publisher *p;
        char topic[32];

        kit_ok(weir_subscriber_open(&s, guest, "a/**", WEIR_SUBSCRIBER(.until_end = 1)));
        p = publisher(host, "a/first");
        publish(p, 10);
        first = kit_take(s);
        kit_event(guest, WEIR_JOINED);
        weir_publisher_close(p);
        cr_assert(eq(int, weir_take(s, KIT_SOON, &second), WEIR_ENDED));
        for (int i = 0; i < 50; i++) { /* names that nobody has go meanwhile */
                snprintf(topic, sizeof topic, "a/%d", i);
                p = publisher(host, topic);
                kit_event(guest, WEIR_JOINED); /* until then the last word is that all have ended */
                publish(p, i % 2 ? 10 : LARGE);
                cr_assert(eq(str, (char *)take_topic(s), topic));
                weir_publisher_close(p);
                cr_assert(eq(int, weir_take(s, KIT_SOON, &second), WEIR_ENDED));
        }
        p = publisher(host, "a/last");
        kit_event(guest, WEIR_JOINED);
        publish(p, LARGE);
        second = kit_take(s);
        weir_subscriber_close(s);
        weir_close(guest);
        weir_close(host);
        cr_assert(eq(str, (char *)first->topic, "a/first"));
        cr_assert(eq(str, (char *)second->topic, "a/last"));
        weir_release(first);
        weir_release(second);
}

Test(pattern, lanes_of_one_topic_have_one_name)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p[2] = { publisher(bus, "a/x"), publisher(bus, "a/x") };
        struct weir_subscriber *s;
        const struct weir_frame *frames[2];

        kit_ok(weir_subscriber_open(&s, bus, "*/x", NULL));
        publish(p[0], 10);
        publish(p[1], 10);
        frames[0] = kit_take(s);
        frames[1] = kit_take(s);
        cr_assert(ne(u64, frames[0]->source, frames[1]->source));
        cr_assert(eq(ptr, (void *)frames[0]->topic, (void *)frames[1]->topic));
        weir_release(frames[0]);
        weir_release(frames[1]);
        weir_close(bus);
}

Test(pattern, a_type_chooses_among_the_topics_and_is_refused_only_if_none_has_it)
{
        struct weir *bus = kit_host();
        struct weir_publisher *video, *imu;
        struct weir_subscriber *s;
        const struct weir_event *event;

        kit_ok(weir_publisher_open(&video, bus, "a/video",
                                   WEIR_PUBLISHER(.format = &(struct weir_format){ .type = "video/x-raw" })));
        cr_assert(eq(int, weir_subscriber_open(&s, bus, "a/*", WEIR_SUBSCRIBER(.type = "imu/v1")), WEIR_E_TYPE));
        cr_assert(ne(ptr, strstr(weir_error(), "imu/v1"), NULL));
        cr_assert(ne(ptr, strstr(weir_error(), "video/x-raw"), NULL), "%s", weir_error());
        kit_ok(weir_publisher_open(&imu, bus, "a/imu",
                                   WEIR_PUBLISHER(.format = &(struct weir_format){ .type = "imu/v1" })));
        kit_ok(weir_subscriber_open(&s, bus, "a/*", WEIR_SUBSCRIBER(.type = "imu/v1")));
        publish(video, 10);
        publish(imu, 10);
        cr_assert(eq(str, (char *)take_topic(s), "a/imu"));
        expect_nothing(s);
        while (weir_next(bus, WEIR_NOW, &event) == WEIR_OK)
                cr_assert(ne(u32, event->kind, WEIR_LEFT), "what was passed over is no news");
        weir_close(bus);
}

Test(pattern, what_is_no_pattern_is_refused_and_none_can_be_published)
{
        struct weir *bus = kit_host();
        struct weir_subscriber *s;
        struct weir_publisher *p;

        cr_assert(eq(int, weir_subscriber_open(&s, bus, "a/**b", NULL), WEIR_E_USAGE));
        cr_assert(ne(ptr, strstr(weir_error(), "'a/**b' is no pattern"), NULL), "%s", weir_error());
        cr_assert(eq(int, weir_publisher_open(&p, bus, "a/*", NULL), WEIR_E_USAGE));
        weir_close(bus);
}

Test(pattern, a_reliable_pattern_misses_nothing_of_topics_that_come_one_after_the_other)
{
        struct weir *bus = kit_host_of_many(), *guest = kit_guest();
        struct weir_subscriber *s;
        char topic[32];
        uint64_t taken = 0;

        kit_ok(weir_subscriber_open(&s, guest, "**", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        for (int i = 0; i < 40; i++) {
                struct weir_publisher *p;

                snprintf(topic, sizeof topic, "t/%d", i);
                p = publisher(bus, topic);
                for (int n = 0; n < 5; n++)
                        publish(p, 100);
                weir_publisher_close(p);
        }
        for (; taken < 200; taken++)
                weir_release(kit_take(s));
        expect_nothing(s);
        cr_assert(zero(u64, kit_info(s).lost));
        weir_close(guest);
        weir_close(bus);
}

Test(pattern, a_lane_that_moves_keeps_its_topic_and_its_frames)
{
        struct weir *bus = kit_host(), *guest = kit_guest();
        struct weir_publisher *p = publisher(bus, "cam/front");
        struct weir_subscriber *s;
        const struct weir_frame *frame;
        struct weir_loan *loan;

        kit_ok(weir_subscriber_open(&s, guest, "cam/*", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        for (int i = 0; i < 3; i++)
                publish(p, 10);
        kit_ok(weir_lend(p, UINT64_C(200) << 20, KIT_SOON, &loan)); /* more than a lane has at first: it grows */
        kit_ok(weir_loan_publish(loan));
        for (int i = 0; i < 3; i++)
                publish(p, i % 2 ? LARGE : 10);
        for (uint64_t sequence = 1; sequence <= 7; sequence++) {
                frame = kit_take(s);
                cr_assert(eq(u64, frame->sequence, sequence));
                cr_assert(eq(str, (char *)frame->topic, "cam/front"));
                weir_release(frame);
        }
        expect_nothing(s);
        cr_assert(zero(u64, kit_info(s).lost));
        cr_assert(eq(u32, kit_info(s).peers, 1));
        weir_close(guest);
        weir_close(bus);
}

/* ---- rights and quota ---- */

static const char cameras_only[] = "[topic.\"raw/**\"]\npublish = [\"user:ME\"]\nsubscribe = [\"user:4242\"]\n";

Test(pattern, topics_that_the_policy_denies_are_passed_over)
{
        struct weir *bus, *other;
        struct weir_publisher *raw, *cam;
        struct weir_subscriber *s;
        struct kit_child broker;

        kit_policy(cameras_only);
        broker = kit_start(kit_play_broker);
        bus = kit_guest();
        other = kit_guest();
        raw = publisher(other, "raw/a");
        cam = publisher(other, "cam");
        kit_ok(weir_subscriber_open(&s, bus, "**", NULL));
        publish(raw, 10);
        publish(cam, 10);
        cr_assert(eq(str, (char *)take_topic(s), "cam"));
        publish(publisher(other, "raw/b"), 10);
        publish(publisher(other, "cam/b"), 10);
        cr_assert(eq(str, (char *)take_topic(s), "cam/b"));
        expect_nothing(s);
        weir_close(bus);
        weir_close(other);
        kit_kill(&broker);
}

Test(pattern, one_that_is_granted_nothing_is_told_so_with_the_line_to_type)
{
        struct weir *bus, *other;
        struct weir_subscriber *s;
        struct kit_child broker;

        kit_policy(cameras_only);
        broker = kit_start(kit_play_broker);
        bus = kit_guest();
        other = kit_guest();
        cr_assert(eq(int, weir_subscriber_open(&s, bus, "raw/**", NULL), WEIR_E_DENIED), "no rule can grant it");
        cr_assert(ne(ptr, strstr(weir_error(), "'raw/**' grants"), NULL), "%s", weir_error());
        cr_assert(ne(ptr, strstr(weir_error(), "weir access allow"), NULL), "%s", weir_error());
        publisher(other, "raw/a");
        cr_assert(eq(int, weir_subscriber_open(&s, bus, "*/a", NULL), WEIR_E_DENIED), "all that is there is denied");
        cr_assert(ne(ptr, strstr(weir_error(), "'raw/a' grants"), NULL), "%s", weir_error());
        publisher(other, "cam/a");
        kit_ok(weir_subscriber_open(&s, bus, "*/a", NULL));
        weir_close(bus);
        weir_close(other);
        kit_kill(&broker);
}

Test(pattern, a_reload_takes_topics_away_and_brings_others)
{
        struct weir *bus, *other;
        struct weir_publisher *raw, *cam;
        struct weir_subscriber *s;
        const struct weir_event *event;
        const struct weir_frame *held;
        struct kit_child broker;

        kit_policy(cameras_only);
        broker = kit_start(kit_play_broker);
        bus = kit_guest();
        other = kit_guest();
        raw = publisher(other, "raw/a");
        cam = publisher(other, "cam");
        kit_ok(weir_subscriber_open(&s, bus, "**", NULL));
        publish(cam, LARGE);
        held = kit_take(s);
        kit_policy("[topic.\"cam\"]\npublish = [\"user:ME\"]\nsubscribe = [\"user:4242\"]\n");
        kit_ok(weir_broker_reload(kit_near(other)));
        do
                event = kit_event(bus, WEIR_JOINED);
        while (strcmp(event->topic, "raw/a") != 0);
        publish(raw, 10);
        cr_assert(eq(str, (char *)take_topic(s), "raw/a"));
        expect_nothing(s); /* and the other lane leaves */
        event = kit_event(bus, WEIR_REVOKED);
        cr_assert(eq(str, (char *)event->topic, "cam"));
        cr_assert(eq(ptr, event->subscriber, s));
        cr_assert(eq(int, event->reason, WEIR_E_DENIED));
        cr_assert(kit_filled(held->data, held->size, 1), "what is out stays");
        publish(cam, 10);
        expect_nothing(s);
        weir_release(held);
        kit_policy("[topic.\"**\"]\npublish = [\"user:ME\"]\nsubscribe = [\"user:4242\"]\n");
        kit_ok(weir_broker_reload(kit_near(other)));
        do
                cr_assert(eq(int, weir_take(s, KIT_SOON, &held), WEIR_E_DENIED)); /* now nothing can be granted */
        while (held);
        weir_close(bus);
        weir_close(other);
        kit_kill(&broker);
}

Test(pattern, a_pattern_counts_for_sixteen_subscriptions)
{
        struct weir *bus;
        struct weir_subscriber *s[3];
        struct kit_child broker;

        kit_policy(kit_quota("subscriptions", 33));
        broker = kit_start(kit_play_broker);
        bus = kit_guest();
        kit_ok(weir_subscriber_open(&s[0], bus, "**", NULL));
        kit_ok(weir_subscriber_open(&s[1], bus, "a", NULL));
        kit_ok(weir_subscriber_open(&s[2], bus, "a/*", NULL));
        cr_assert(eq(int, weir_subscriber_open(&s[2], bus, "b", NULL), WEIR_E_QUOTA));
        cr_assert(ne(ptr, strstr(weir_error(), "33"), NULL), "%s", weir_error());
        weir_subscriber_close(s[0]);
        for (int i = 0; i < 16; i++)
                kit_ok(weir_subscriber_open(&s[2], bus, "b", NULL));
        cr_assert(eq(int, weir_subscriber_open(&s[2], bus, "b", NULL), WEIR_E_QUOTA));
        weir_close(bus);
        kit_kill(&broker);
}

/* ---- what others see of it ---- */

struct found {
        uint32_t count, subscribers;
        char topic[208];
};

static int
find(const struct weir_row *row, void *user)
{
        struct found *found = user;

        if (row->publishes == 0) {
                found->count += 1;
                found->subscribers = row->subscribers;
                snprintf(found->topic, sizeof found->topic, "%s", row->topic);
        }
        return 0;
}

static struct found
list(struct weir *bus, const char *pattern, int endpoints)
{
        struct found found = { 0 };

        kit_ok(weir_list(bus, pattern, endpoints, find, &found));
        return found;
}

Test(pattern, it_is_listed_where_it_reads_and_counts_as_a_reader)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p[2] = { publisher(bus, "cam/a"), publisher(bus, "cam/a") };
        struct weir_subscriber *s;

        kit_ok(weir_subscriber_open(&s, bus, "cam/*", NULL));
        cr_assert(eq(u32, list(bus, "cam/a", 0).subscribers, 1), "one reader, though it has two lanes");
        for (int i = 0; i < 2 && kit_is_relayed(); i++)
                kit_peers_are(bus, p[i], 1);
        cr_assert(eq(u32, kit_publisher_info(p[0]).peers, 1));
        cr_assert(eq(u32, kit_publisher_info(p[1]).peers, 1));
        cr_assert(eq(str, (char *)list(bus, "cam/a", 1).topic, "cam/*"));
        cr_assert(eq(u32, list(bus, "cam/*", 1).count, 1));
        cr_assert(eq(u32, list(bus, "imu/*", 1).count, 0));
        weir_subscriber_close(s);
        cr_assert(eq(u32, list(bus, "cam/a", 0).subscribers, 0));
        weir_close(bus);
}
