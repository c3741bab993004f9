/* Subscribing: who gets what, what is lost and skipped, how publishers come and go. */
#include "tests/contract/weir_kit.h"

TestSuite(subscriber, .fini = kit_clean, .timeout = 60);

static void
publish(struct weir_publisher *p, uint64_t size, uint64_t sequence)
{
        void *data = malloc(size + 1);

        kit_fill(data, size, sequence);
        kit_ok(weir_publish(p, data, size, NULL, KIT_SOON));
        free(data);
}

/* Takes and releases one frame; it must be whole. */
static uint64_t
take_sequence(struct weir_subscriber *s)
{
        const struct weir_frame *frame = kit_take(s);
        uint64_t sequence = frame->sequence;

        kit_must(kit_filled(frame->data, frame->size, sequence));
        weir_release(frame);
        return sequence;
}

Test(subscriber, several_subscribers_get_every_frame_of_their_topics_and_no_other)
{
        struct weir *bus = kit_host(), *guest = kit_guest();
        struct weir_publisher *p[3];
        struct weir_subscriber *s[3][2];
        char topic[] = "topic/0";
        const struct weir_frame *none;

        for (int t = 0; t < 3; t++) {
                topic[6] = (char)('0' + t);
                kit_ok(weir_publisher_open(&p[t], bus, topic, NULL));
                for (int i = 0; i < 2; i++)
                        kit_ok(weir_subscriber_open(&s[t][i], i ? guest : bus, topic, NULL));
        }
        for (uint64_t n = 1; n <= 10; n++)
                for (int t = 0; t < 3; t++)
                        publish(p[t], t == 2 ? 50000 : 10, n);
        for (uint64_t n = 1; n <= 10; n++)
                for (int t = 0; t < 3; t++)
                        for (int i = 0; i < 2; i++)
                                cr_assert(eq(u64, take_sequence(s[t][i]), n));
        for (int t = 0; t < 3; t++)
                for (int i = 0; i < 2; i++)
                        cr_assert(eq(int, weir_take(s[t][i], WEIR_NOW, &none), WEIR_EMPTY));
        weir_close(guest);
        weir_close(bus);
}

Test(subscriber, several_publishers_of_a_topic_are_taken_in_turn)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p[4];
        struct weir_subscriber *s;
        uint64_t sources[4] = { 0 }, next[4] = { 0 };

        kit_ok(weir_subscriber_open(&s, bus, "a", NULL));
        for (int i = 0; i < 4; i++)
                kit_ok(weir_publisher_open(&p[i], bus, "a", NULL));
        while (kit_event(bus, WEIR_JOINED)->count < 4 || kit_info(s).peers < 4)
                ;
        for (uint64_t n = 1; n <= 5; n++)
                for (int i = 0; i < 4; i++)
                        publish(p[i], 10, n);
        for (int n = 0; n < 20; n++) {
                const struct weir_frame *frame = kit_take(s);
                int i = 0;

                while (sources[i] != 0 && sources[i] != frame->source)
                        i++;
                sources[i] = frame->source;
                cr_assert(eq(u64, frame->sequence, ++next[i]));
                if (!kit_is_relayed()) /* there they come one after the other, and the taker may be faster */
                        cr_assert(eq(u64, next[i], n / 4 + 1)); /* no source twice before each has had its turn */
                weir_release(frame);
        }
        cr_assert(eq(u32, kit_info(s).peers, 4));
        weir_close(bus);
}

Test(subscriber, what_a_lossy_subscriber_missed_is_told_exactly)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        uint64_t published = 0, received = 0, lost = 0, skipped = 0, last = 0;

        kit_ok(weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.memory_max = 4 << 20)));
        kit_ok(weir_subscriber_open(&s, bus, "a", NULL));
        for (uint64_t round = 1; round <= 30; round++) {
                const struct weir_frame *frame;

                for (uint64_t n = 0; n < round * 23; n++)
                        publish(p, published % 5 == 0 ? 60000 : 3000, published + 1), published++;
                for (uint64_t n = 0; n < round && weir_take(s, WEIR_NOW, &frame) == WEIR_OK; n++) {
                        received += 1;
                        lost += frame->lost;
                        skipped += frame->skipped;
                        cr_assert(eq(u64, frame->sequence, last + 1 + frame->lost + frame->skipped));
                        cr_assert(kit_filled(frame->data, frame->size, frame->sequence));
                        last = frame->sequence;
                        weir_release(frame);
                }
        }
        publish(p, 10, ++published);
        while (last < published) {
                const struct weir_frame *frame = kit_take(s);

                received += 1;
                lost += frame->lost;
                last = frame->sequence;
                weir_release(frame);
        }
        cr_assert(eq(u64, received + lost + skipped, published));
        cr_assert(gt(u64, lost, 0));
        cr_assert(zero(u64, skipped));
        cr_assert(eq(u64, kit_info(s).lost, lost));
        cr_assert(eq(u64, kit_info(s).frames, received));
        weir_close(bus);
}

Test(subscriber, who_keeps_only_the_newest_has_lost_nothing_and_skipped_the_rest)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        uint64_t published = 0, received = 0, skipped = 0, last;

        kit_ok(weir_publisher_open(&p, bus, "a", NULL));
        kit_ok(weir_subscriber_open(&s, bus, "a", WEIR_SUBSCRIBER(.keep = 1)));
        for (uint64_t round = 1; round <= 40; round++) {
                const struct weir_frame *frame;

                for (uint64_t n = 0; n < round % 7 + 1; n++)
                        publish(p, n % 2 ? 60000 : 100, ++published);
                do { /* over a relay the newest may still be on its way */
                        frame = kit_take(s);
                        last = frame->sequence;
                        cr_assert(eq(u64, frame->lost, 0));
                        if (!kit_is_relayed())
                                cr_assert(eq(u64, frame->skipped, round % 7));
                        received += 1;
                        skipped += frame->skipped;
                        cr_assert(eq(u64, received + skipped, last));
                        weir_release(frame);
                } while (kit_is_relayed() && last < published);
                cr_assert(eq(u64, last, published));
        }
        cr_assert(eq(u64, received + skipped, published));
        cr_assert(zero(u64, kit_info(s).lost));
        weir_close(bus);
}

Test(subscriber, a_wish_for_another_type_is_refused_with_both_names)
{
        struct weir *bus = kit_host();
        struct weir_format imu = { "imu/v1", "", NULL, 0 }, other = { "imu/v2", "", NULL, 0 };
        struct weir_publisher *p;
        struct weir_subscriber *s;
        const struct weir_event *event;
        const struct weir_frame *frame;

        kit_ok(weir_publisher_open(&p, bus, "imu", WEIR_PUBLISHER(.format = &imu)));
        cr_assert(eq(int, weir_subscriber_open(&s, bus, "imu", WEIR_SUBSCRIBER(.type = "imu/v9")), WEIR_E_TYPE));
        cr_assert(not(zero(ptr, (void *)strstr(weir_error(), "imu/v1"))), "%s", weir_error());
        cr_assert(not(zero(ptr, (void *)strstr(weir_error(), "imu/v9"))), "%s", weir_error());
        kit_ok(weir_subscriber_open(&s, bus, "imu", WEIR_SUBSCRIBER(.type = "imu/v1")));
        publish(p, 10, 1);
        cr_assert(eq(u64, take_sequence(s), 1));
        kit_ok(weir_set_format(p, &other));
        publish(p, 10, 2);
        cr_assert(eq(int, weir_take(s, WEIR_NOW, &frame), WEIR_EMPTY));
        do { /* a look is what finds the end of a lane */
                kit_ok(weir_next(bus, KIT_SOON, &event));
                if (event->kind == WEIR_FRAMES)
                        cr_assert(eq(int, weir_take(s, WEIR_NOW, &frame), WEIR_EMPTY));
        } while (event->kind != WEIR_LEFT || event->subscriber != s);
        cr_assert(eq(i32, event->reason, WEIR_E_TYPE));
        cr_assert(not(zero(ptr, (void *)strstr(event->text, "imu/v2"))), "%s", event->text);
        weir_close(bus);
}

Test(subscriber, a_late_joiner_gets_as_much_history_as_it_asks_for)
{
        static const struct {
                uint32_t asked;
                uint64_t first;
        } wishes[] = { { 0, 97 }, { WEIR_NONE, 101 }, { 2, 99 }, { 100, 97 } };
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        struct weir_subscriber *s[4], *early;

        kit_ok(weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.history = 4)));
        kit_ok(weir_subscriber_open(&early, bus, "a", NULL));
        for (uint64_t i = 1; i <= 100; i++)
                publish(p, i % 2 ? 10 : 30000, i);
        while (take_sequence(early) < 100) /* over a relay they are on their way for a while */
                ;
        for (int i = 0; i < 4; i++)
                kit_ok(weir_subscriber_open(&s[i], bus, "a", WEIR_SUBSCRIBER(.history = wishes[i].asked)));
        publish(p, 10, 101);
        for (int i = 0; i < 4; i++)
                for (uint64_t n = wishes[i].first; n <= 101; n++)
                        cr_assert(eq(u64, take_sequence(s[i]), n));
        weir_close(bus);
}

static void
play_publisher(int line)
{
        struct weir *bus = kit_guest();
        struct weir_publisher *p;
        uint64_t count;

        kit_ok(weir_publisher_open(&p, bus, "a", NULL));
        kit_say(line, 1);
        count = kit_hear(line);
        for (uint64_t i = 1; i <= count; i++)
                publish(p, i % 2 ? 10 : 30000, i);
        kit_say(line, 2);
        kit_hear(line);
        weir_close(bus);
}

Test(subscriber, what_a_killed_publisher_committed_is_drained_and_then_it_has_died)
{
        struct weir *bus = kit_host();
        struct weir_subscriber *s;
        struct kit_child publisher = kit_start(play_publisher);
        const struct weir_event *event;
        const struct weir_frame *frame;
        uint64_t taken = 0;
        int result;

        kit_hear(publisher.line);
        kit_ok(weir_subscriber_open(&s, bus, "a", WEIR_SUBSCRIBER(.until_end = 1)));
        kit_say(publisher.line, 10);
        kit_hear(publisher.line);
        kit_kill(&publisher);
        while ((result = weir_take(s, KIT_SOON, &frame)) == WEIR_OK) {
                cr_assert(eq(u64, frame->sequence, ++taken));
                cr_assert(kit_filled(frame->data, frame->size, taken));
                weir_release(frame);
        }
        cr_assert(eq(int, result, WEIR_ENDED));
        if (kit_is_relayed()) /* what had not left its process died with it */
                cr_assert(le(u64, taken, 10));
        else
                cr_assert(eq(u64, taken, 10));
        event = kit_event(bus, WEIR_LEFT);
        cr_assert(eq(i32, event->reason, WEIR_E_CLOSED));
        cr_assert(zero(u64, event->count));
        cr_assert(not(zero(ptr, (void *)strstr(event->text, "guest"))), "%s", event->text);
        weir_close(bus);
}

Test(subscriber, the_death_of_a_publisher_wakes_who_sleeps_in_a_take)
{
        struct weir *bus = kit_host();
        struct weir_subscriber *s;
        struct kit_child publisher = kit_start(play_publisher);
        const struct weir_frame *frame;

        kit_hear(publisher.line);
        kit_ok(weir_subscriber_open(&s, bus, "a", WEIR_SUBSCRIBER(.until_end = 1, .spin_ns = -1)));
        kit_kill(&publisher);
        cr_assert(eq(int, weir_take(s, WEIR_FOREVER, &frame), WEIR_ENDED));
        weir_close(bus);
}

Test(subscriber, a_subscription_goes_on_over_publishers_that_come_and_go)
{
        struct weir *bus = kit_host_of_many();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        const struct weir_frame *frame;

        kit_ok(weir_subscriber_open(&s, bus, "a", NULL));
        for (uint64_t round = 0; round < 50; round++) {
                kit_ok(weir_publisher_open(&p, bus, "a", NULL));
                publish(p, 10, 1);
                publish(p, 10000, 2);
                weir_publisher_close(p);
                cr_assert(eq(u64, take_sequence(s), 1));
                cr_assert(eq(u64, take_sequence(s), 2));
                cr_assert(eq(int, weir_take(s, WEIR_NOW, &frame), WEIR_EMPTY));
        }
        cr_assert(eq(u64, kit_info(s).frames, 100));
        cr_assert(zero(u64, kit_info(s).lost));
        weir_close(bus);
}

static void
play_stopped_publisher(int line)
{
        struct weir *bus = kit_guest();
        struct weir_publisher *p;

        kit_ok(weir_publisher_open(&p, bus, "a", NULL));
        kit_say(line, 1);
        kit_hear(line); /* it is frozen meanwhile */
        publish(p, 10, 1);
        kit_say(line, 2);
        kit_hear(line);
        weir_close(bus);
}

Test(subscriber, a_stopped_publisher_delays_only_its_own_lane)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        struct kit_child stopped = kit_start(play_stopped_publisher);

        kit_hear(stopped.line);
        kit_freeze(&stopped);
        kit_ok(weir_publisher_open(&p, bus, "a", NULL));
        kit_ok(weir_subscriber_open(&s, bus, "a", NULL));
        publish(p, 10, 1);
        cr_assert(eq(u64, take_sequence(s), 1));
        cr_assert(eq(u32, kit_info(s).peers, kit_is_relayed() ? 2 : 1)); /* an agent is there for it, who is awake */
        kit_thaw(&stopped);
        while (kit_info(s).peers != 2)
                kit_event(bus, WEIR_JOINED);
        kit_say(stopped.line, 1);
        cr_assert(eq(u64, take_sequence(s), 1));
        kit_say(stopped.line, 1);
        kit_end(&stopped);
        weir_close(bus);
}

Test(subscriber, an_idle_publisher_takes_in_who_joins_late_and_lets_go_who_leaves)
{
        struct weir *bus = kit_host(), *guest = kit_guest();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        const struct weir_event *event;

        kit_ok(weir_publisher_open(&p, bus, "a", NULL));
        for (int round = 0; round < 20; round++) {
                kit_ok(weir_subscriber_open(&s, guest, "a", WEIR_SUBSCRIBER(.delivery = round % 2)));
                event = kit_event(bus, WEIR_JOINED);
                cr_assert(eq(ptr, event->publisher, p));
                cr_assert(eq(u64, event->count, 1));
                weir_subscriber_close(s);
                event = kit_event(bus, WEIR_LEFT);
                cr_assert(eq(i32, event->reason, WEIR_OK));
                cr_assert(zero(u64, event->count));
        }
        weir_close(guest);
        weir_close(bus);
}

Test(subscriber, more_lanes_than_one_call_sleeps_on_all_wake_it)
{
        enum { LANES = 60, SUBSCRIBERS = 3 }; /* 180 words; the kernel takes 128 */
        struct weir *bus, *guest;
        struct weir_publisher *p[LANES];
        struct weir_subscriber *s[SUBSCRIBERS];
        const struct weir_frame *frame, *frames[4];
        const struct weir_event *event;
        uint32_t n;

        kit_policy("[quota]\nconnections = 256\nlanes = 128\n"); /* each that is relayed is a connection */
        bus = kit_host();
        guest = kit_guest();
        for (int i = 0; i < SUBSCRIBERS; i++)
                kit_ok(weir_subscriber_open(&s[i], bus, "a", WEIR_SUBSCRIBER(.spin_ns = -1)));
        for (int i = 0; i < LANES; i++)
                kit_ok(weir_publisher_open(&p[i], guest, "a", WEIR_PUBLISHER(.memory_max = 4 << 20)));
        for (int i = 0; i < LANES; i++) {
                int got = 0;

                publish(p[LANES - 1 - i], 10, 1);
                while (got < SUBSCRIBERS) {
                        kit_ok(weir_next(bus, KIT_SOON, &event));
                        while (event->kind == WEIR_FRAMES &&
                               weir_take(event->subscriber, WEIR_NOW, &frame) == WEIR_OK) {
                                weir_release(frame);
                                got += 1;
                        }
                }
        }
        for (int i = 0; i < 3; i++)
                publish(p[i * 29], 10, 2);
        for (int got = 0; kit_is_relayed() && got < 3; got++) /* they come one after the other */
                cr_assert(eq(u64, take_sequence(s[0]), 2));
        if (!kit_is_relayed()) {
                kit_ok(weir_take_many(s[0], frames, 4, &n));
                cr_assert(eq(u32, n, 3));
                for (int i = 0; i < 3; i++)
                        weir_release(frames[i]);
        }
        cr_assert(eq(int, weir_take_many(s[0], frames, 4, &n), WEIR_EMPTY));
        weir_close(guest);
        weir_close(bus);
}

enum { GROWING_BLOCKS = 200, GROWING_BYTES = 5000 };
#ifdef _WIN32
enum { GROWTHS = 25 }; /* under Wine each costs a tenth of a second */
#else
enum { GROWTHS = 250 };
#endif

/* New memory for each block, for nothing is ever passed by all readers. */
static void
play_growing_publisher(int line)
{
        static const uint8_t payload[GROWING_BYTES];
        struct weir *bus = kit_guest();

        for (int i = 0; i < GROWTHS; i++) {
                struct weir_publisher *p;

                kit_hear(line);
                kit_ok(weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.memory_max = 8 << 20)));
                for (int block = 0; block < GROWING_BLOCKS; block++)
                        kit_ok(weir_publish(p, payload, sizeof payload, NULL, KIT_SOON));
                weir_publisher_close(p);
        }
        weir_close(bus);
}

/* While it asks what is committed for one frame, the newest is another one, and lies further on. */
Test(subscriber, who_keeps_the_newest_loses_none_to_a_lane_that_grows)
{
        struct weir *bus = kit_host_of_many();
        struct kit_child publisher = kit_start(play_growing_publisher);
        struct weir_subscriber *idle, *s;
        const struct weir_frame *frame;
        uint64_t seen = 0;

        kit_ok(weir_subscriber_open(&idle, bus, "a", NULL));
        kit_ok(weir_subscriber_open(&s, bus, "a", WEIR_SUBSCRIBER(.keep = 1, .spin_ns = WEIR_FOREVER)));
        for (uint64_t i = 1; i <= GROWTHS; i++) {
                kit_say(publisher.line, 1);
                while (seen < i * GROWING_BLOCKS) {
                        seen = kit_info(s).frames + kit_info(s).skipped + kit_info(s).lost;
                        if (weir_take(s, WEIR_NOW, &frame) == WEIR_OK)
                                weir_release(frame);
                }
        }
        cr_assert(zero(u64, kit_info(s).corrupt));
        cr_assert(zero(u64, kit_info(s).lost));
        cr_assert(zero(int, kit_end(&publisher)));
        weir_close(bus);
}
