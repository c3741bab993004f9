/* Relayed endpoints through a real broker and its agents: who may not map memory has the same calls and guarantees. */
#include "tests/contract/weir_kit.h"

TestSuite(relay, .fini = kit_clean, .timeout = 100);

enum { FRAMES = 300, LARGE = 200000 };

static const char no_map[] = "[topic.\"far/*\"]\npublish = [\"user:ME\"]\nsubscribe = [\"user:ME\"]\nstall = "
                             "[\"user:ME\"]\nmap = [\"user:4242\"]\n[topic.\"near/*\"]\npublish = "
                             "[\"user:ME\"]\nsubscribe = [\"user:ME\"]\nstall = [\"user:ME\"]\n";

static uint8_t bytes[LARGE];

static size_t
size_of(uint64_t i)
{
        static const size_t sizes[] = { 0, 1, 100, 4096, 4097, 30000, LARGE };

        return sizes[i % (sizeof sizes / sizeof *sizes)];
}

static void
publish(struct weir_publisher *p, uint64_t i)
{
        struct weir_about about = { .stamp_ns = (int64_t)i, .meta = &i, .meta_size = sizeof i };

        memset(bytes, (int)i, sizeof bytes);
        kit_ok(weir_publish(p, bytes, size_of(i), i % 3 ? &about : NULL, KIT_SOON));
}

static void
expect(struct weir_subscriber *s, uint64_t i, uint64_t lost)
{
        const struct weir_frame *f = kit_take(s);

        memset(bytes, (int)i, sizeof bytes);
        cr_assert(eq(u64, f->sequence, i));
        cr_assert(eq(u64, f->size, size_of(i)));
        cr_assert(f->size == 0 || memcmp(f->data, bytes, f->size) == 0);
        cr_assert(eq(i64, f->about.stamp_ns, i % 3 ? (int64_t)i : 0));
        cr_assert(eq(u32, f->about.meta_size, i % 3 ? sizeof i : 0));
        cr_assert(eq(u64, f->lost, lost), "frame %llu", (unsigned long long)i);
        cr_assert(eq(str, (char *)f->format->type, "t/x"));
        weir_release(f);
}

static struct weir_publisher *
publisher(struct weir *bus, const char *topic, uint32_t history)
{
        static const struct weir_format format = { "t/x", "e", "schema", 6 };
        struct weir_publisher *p;

        kit_ok(weir_publisher_open(&p, bus, topic, WEIR_PUBLISHER(.history = history, .format = &format)));
        return p;
}

static struct weir_subscriber *
subscriber(struct weir *bus, const char *topic, uint32_t require)
{
        struct weir_subscriber *s;

        kit_ok(weir_subscriber_open(&s, bus, topic, WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE, .require = require)));
        return s;
}

static uint32_t
path_of(struct weir_subscriber *s)
{
        return kit_info(s).path;
}

Test(relay, who_may_publish_and_subscribe_but_not_map_gets_every_frame_over_the_pipe)
{
        struct kit_child broker;
        struct weir *from, *to;
        const struct weir_frame *f;
        struct weir_publisher *p;
        struct weir_subscriber *s;

        kit_policy(no_map);
        broker = kit_start(kit_play_broker);
        from = kit_guest();
        to = kit_guest();
        p = publisher(from, "far/a", 0);
        s = subscriber(to, "far/a", WEIR_ANY_PATH);
        cr_assert(eq(u32, kit_publisher_info(p).path, WEIR_PIPE));
        cr_assert(eq(u32, path_of(s), WEIR_PIPE));
        cr_assert(strstr(kit_info(s).why, "not 'map'") != NULL, "%s", kit_info(s).why);
        while (kit_publisher_info(p).peers == 0) /* what comes before a reader is there is not for it */
                kit_event(from, WEIR_JOINED);
        for (uint64_t i = 1; i <= FRAMES; i++) {
                publish(p, i);
                expect(s, i, 0);
        }
        for (uint64_t i = FRAMES + 1; i <= FRAMES + 20; i++)
                publish(p, i);
        for (uint64_t i = FRAMES + 1; i <= FRAMES + 20; i++)
                expect(s, i, 0);
        weir_publisher_close(p);
        kit_event(to, WEIR_FRAMES); /* its end, which is seen by who takes */
        cr_assert(eq(int, weir_take(s, WEIR_NOW, &f), WEIR_EMPTY));
        cr_assert(eq(i32, kit_event(to, WEIR_LEFT)->reason, WEIR_OK));
        weir_close(from);
        weir_close(to);
        weir_subscriber_close(s);
        kit_kill(&broker);
}

Test(relay, a_path_that_cannot_be_had_is_refused_and_another_one_is_taken_where_it_is_asked_for)
{
        struct kit_child broker;
        struct weir *bus;
        struct weir_publisher *p, *q;
        struct weir_subscriber *s;

        kit_policy(no_map);
        broker = kit_start(kit_play_broker);
        bus = kit_guest();
        cr_assert(eq(int, weir_publisher_open(&q, bus, "far/a", WEIR_PUBLISHER(.require = WEIR_SHM)), WEIR_E_NO_PATH));
        cr_assert(strstr(weir_error(), "map") != NULL, "%s", weir_error());
        cr_assert(
                eq(int, weir_subscriber_open(&s, bus, "far/a", WEIR_SUBSCRIBER(.require = WEIR_SHM)), WEIR_E_NO_PATH));
        p = publisher(bus, "near/a", 0);
        s = subscriber(bus, "near/a", WEIR_PIPE);
        cr_assert(eq(u32, kit_publisher_info(p).path, WEIR_SHM));
        cr_assert(eq(u32, path_of(s), WEIR_PIPE));
        cr_assert(eq(u32, kit_info(s).copies, 2));
        publish(p, 1);
        expect(s, 1, 0);
        weir_close(bus);
        weir_subscriber_close(s);
        weir_publisher_close(p);
        kit_kill(&broker);
}

Test(relay, history_comes_to_who_is_late)
{
        struct kit_child broker;
        struct weir *bus;
        struct weir_publisher *p;
        struct weir_subscriber *first, *late;

        kit_policy(no_map);
        broker = kit_start(kit_play_broker);
        bus = kit_guest();
        p = publisher(bus, "far/h", 5);
        first = subscriber(bus, "far/h", WEIR_ANY_PATH);
        for (uint64_t i = 1; i <= 20; i++)
                publish(p, i);
        for (uint64_t i = 1; i <= 20; i++)
                expect(first, i, 0);
        late = subscriber(bus, "far/h", WEIR_ANY_PATH);
        for (uint64_t i = 16; i <= 20; i++)
                expect(late, i, 0);
        weir_close(bus);
        weir_subscriber_close(first);
        weir_subscriber_close(late);
        weir_publisher_close(p);
        kit_kill(&broker);
}

Test(relay, what_a_lossy_subscriber_takes_loses_and_passes_over_adds_up)
{
        struct kit_child broker;
        struct weir *bus;
        struct weir_publisher *p;
        struct weir_subscriber *s[2];
        const struct weir_frame *f;

        kit_policy(no_map);
        broker = kit_start(kit_play_broker);
        bus = kit_guest();
        p = publisher(bus, "near/l", 0);
        for (uint32_t i = 0; i < 2; i++)
                kit_ok(weir_subscriber_open(&s[i], bus, "near/l", WEIR_SUBSCRIBER(.keep = i, .require = WEIR_PIPE)));
        for (uint64_t i = 1; i <= 20000; i++)
                kit_ok(weir_publish(p, &i, sizeof i, NULL, KIT_SOON));
        for (uint32_t i = 0; i < 2; i++) {
                uint64_t last = 0;

                while (last < 20000) {
                        f = kit_take(s[i]);
                        cr_assert(eq(u64, f->sequence, last + 1 + f->lost + f->skipped));
                        last = f->sequence;
                        cr_assert(memcmp(f->data, &last, sizeof last) == 0);
                        weir_release(f);
                }
                cr_assert(eq(u64, kit_info(s[i]).frames + kit_info(s[i]).lost + kit_info(s[i]).skipped, 20000));
        }
        weir_close(bus);
        for (uint32_t i = 0; i < 2; i++)
                weir_subscriber_close(s[i]);
        weir_publisher_close(p);
        kit_kill(&broker);
}

Test(relay, a_subscriber_goes_on_where_it_was_when_the_broker_comes_back)
{
        struct kit_child broker;
        struct weir *from, *to;
        struct weir_publisher *p;
        struct weir_subscriber *s;
        uint64_t next = 1;

        kit_policy(no_map);
        broker = kit_start(kit_play_broker);
        from = kit_guest();
        to = kit_guest();
        p = publisher(from, "near/c", 100);
        s = subscriber(to, "near/c", WEIR_PIPE);
        for (int round = 0; round < 3; round++) {
                for (uint64_t i = next; i < next + 10; i++)
                        publish(p, i);
                for (uint64_t i = next; i < next + 5; i++)
                        expect(s, i, 0);
                kit_kill(&broker);
                for (uint64_t i = next + 10; i < next + 20; i++)
                        publish(p, i);
                broker = kit_start(kit_play_broker);
                kit_event(to, WEIR_BROKER_BACK);
                for (uint64_t i = next + 5; i < next + 20; i++)
                        expect(s, i, 0);
                next += 20;
        }
        weir_close(from);
        weir_close(to);
        weir_subscriber_close(s);
        weir_publisher_close(p);
        kit_kill(&broker);
}

Test(relay, a_publisher_publishes_on_when_the_broker_comes_back)
{
        struct kit_child broker;
        struct weir *from, *to;
        struct weir_publisher *p;
        struct weir_subscriber *s;
        const struct weir_frame *f;

        kit_policy(no_map);
        broker = kit_start(kit_play_broker);
        from = kit_guest();
        p = publisher(from, "far/c", 0);
        kit_kill(&broker);
        broker = kit_start(kit_play_broker);
        kit_event(from, WEIR_BROKER_BACK);
        to = kit_guest();
        s = subscriber(to, "far/c", WEIR_ANY_PATH);
        kit_event(to, WEIR_JOINED);
        publish(p, 6);
        f = kit_take(s);
        cr_assert(eq(u64, f->size, LARGE));
        weir_release(f);
        weir_close(from);
        weir_close(to);
        weir_subscriber_close(s);
        weir_publisher_close(p);
        kit_kill(&broker);
}

Test(relay, loans_that_are_kept_stay_and_until_end_ends)
{
        struct kit_child broker;
        struct weir *bus;
        struct weir_publisher *p;
        struct weir_subscriber *s;
        struct weir_loan *loan;
        const struct weir_frame *f;

        kit_policy(no_map);
        broker = kit_start(kit_play_broker);
        bus = kit_guest();
        p = publisher(bus, "far/k", 0);
        kit_ok(weir_subscriber_open(&s, bus, "far/k", WEIR_SUBSCRIBER(.until_end = 1)));
        kit_ok(weir_lend(p, LARGE, KIT_SOON, &loan));
        memset(loan->data, 6, LARGE);
        loan->about.flags = WEIR_KEEP;
        kit_ok(weir_loan_publish(loan));
        f = kit_take(s);
        memset(bytes, 6, LARGE);
        cr_assert(memcmp(f->data, bytes, LARGE) == 0);
        cr_assert(memcmp(loan->data, bytes, LARGE) == 0);
        weir_loan_discard(loan);
        weir_release(f);
        weir_publisher_close(p);
        cr_assert(eq(int, weir_take(s, KIT_SOON, &f), WEIR_ENDED));
        weir_close(bus);
        weir_subscriber_close(s);
        kit_kill(&broker);
}
