/*
 * What only those promise each other who share the memory of a lane, and so is not run over a relay:
 *
 *      who is behind     a publisher sees how far each reader has come; what waits for a relayed one waits in its own
 *                        process (who_test: what it says of itself)
 *      the broker dies   who is connected goes on without it; relayed frames go through its process, and stand still
 *                        until another one is there
 */
#include "tests/contract/weir_kit.h"

TestSuite(lane_peers, .fini = kit_clean, .timeout = 60);

enum { LARGE = 300000 };

/* ---- who is behind ---- */

struct sought {
        uint32_t role;
        int is_there;
        struct weir_seat seat; /* without its strings */
};

static int
seek(const struct weir_seat *seat, void *user)
{
        struct sought *sought = user;

        if (seat->role != sought->role)
                return 0;
        sought->seat = *seat;
        sought->is_there = 1;
        return 1;
}

/* The figures come with the pings, once a second: asks until they are what they must become. */
static struct weir_seat
wait_for(struct weir *bus, uint32_t role, uint64_t behind, uint64_t held)
{
        for (;;) {
                struct sought sought = { .role = role };

                kit_ok(weir_who(bus, "cam", 0, seek, &sought));
                if (sought.is_there && sought.seat.lag_frames == behind && sought.seat.held == held)
                        return sought.seat;
        }
}

Test(lane_peers, a_reader_that_does_not_take_is_behind_and_what_it_has_out_is_held)
{
        struct weir *host = kit_host(), *guest = kit_guest();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        const struct weir_frame *frames[3];
        struct weir_seat seat;
        char *data = calloc(1, LARGE);

        kit_ok(weir_publisher_open(&p, host, "cam", NULL));
        kit_ok(weir_subscriber_open(&s, guest, "cam", NULL));
        for (int i = 0; i < 5; i++)
                kit_ok(weir_publish(p, data, LARGE, NULL, WEIR_NOW));
        seat = wait_for(host, WEIR_SEAT_SUBSCRIBER, 5, 0);
        cr_assert(gt(i64, seat.lag_ns, 0));
        for (int i = 0; i < 3; i++)
                frames[i] = kit_take(s);
        seat = wait_for(host, WEIR_SEAT_SUBSCRIBER, 2, 3);
        cr_assert(ge(u64, seat.held_bytes, 3 * LARGE));
        seat = wait_for(host, WEIR_SEAT_PUBLISHER, 2, 3);
        cr_assert(ge(u64, seat.held_bytes, 3 * LARGE), "of a publisher, its readers together");
        for (int i = 0; i < 3; i++)
                weir_release(frames[i]);
        weir_release(kit_take(s));
        weir_release(kit_take(s));
        seat = wait_for(host, WEIR_SEAT_SUBSCRIBER, 0, 0);
        cr_assert(eq(i64, seat.lag_ns, 0));
        cr_assert(eq(u64, seat.held_bytes, 0));
        free(data);
        weir_close(guest);
        weir_close(host);
}

static int
count_behind(const struct weir_seat *seat, void *user)
{
        *(int *)user += seat->role == WEIR_SEAT_SUBSCRIBER && seat->lag_frames > 0;
        return 0;
}

/* A publisher tells of a handful of pairs each second: in turn of all. */
Test(lane_peers, of_many_readers_each_is_told)
{
        enum { READERS = 70 };
        struct weir *host = kit_host(), *guest = kit_guest();
        struct weir_publisher *p;
        struct weir_subscriber *s[READERS];
        int behind = 0;

        kit_ok(weir_publisher_open(&p, host, "cam", NULL));
        for (int i = 0; i < READERS; i++)
                kit_ok(weir_subscriber_open(&s[i], guest, "cam", NULL));
        kit_ok(weir_publish(p, "x", 1, NULL, WEIR_NOW));
        while (behind < READERS) {
                behind = 0;
                kit_ok(weir_who(host, "cam", 0, count_behind, &behind));
        }
        weir_close(guest);
        weir_close(host);
}

/* ---- the broker dies ---- */

static void
play_publisher_until_told(int line)
{
        struct weir *bus = kit_guest();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        const struct weir_event *event;
        uint64_t sequence = 0;
        int64_t began_ns;
        char data[9000];

        kit_ok(weir_publisher_open(&p, bus, "flow", NULL));
        kit_say(line, 1);
        do
                kit_ok(weir_next(bus, KIT_SOON, &event));
        while (event->kind != WEIR_JOINED);
        do { /* traffic before, across and behind the broker's death */
                sequence += 1;
                kit_fill(data, sequence % 2 ? sizeof data : 40, sequence);
                kit_ok(weir_publish(p, data, sequence % 2 ? sizeof data : 40, NULL, KIT_SOON));
        } while (weir_next(bus, WEIR_NOW, &event) != WEIR_OK || event->kind != WEIR_BROKER_LOST);
        for (int i = 0; i < 1000; i++) {
                sequence += 1;
                kit_fill(data, sequence % 2 ? sizeof data : 40, sequence);
                kit_ok(weir_publish(p, data, sequence % 2 ? sizeof data : 40, NULL, KIT_SOON));
        }
        began_ns = weir_now();
        kit_must(weir_subscriber_open(&s, bus, "flow", NULL) == WEIR_E_NO_BROKER);
        kit_must(weir_now() - began_ns < 1000000000); /* fast, not at the end of some time-out */
        weir_publisher_close(p);
        weir_close(bus);
        kit_say(line, sequence);
}

Test(lane_peers, a_broker_killed_under_traffic_stops_nobody_who_is_connected)
{
        struct kit_child broker = kit_start(kit_play_broker), publisher = kit_start(play_publisher_until_told);
        struct weir *bus = kit_guest();
        struct weir_subscriber *s, *other;
        struct weir_publisher *p;
        const struct weir_frame *frame;
        uint64_t count = 0;
        int result;

        kit_hear(publisher.line);
        kit_ok(weir_subscriber_open(&s, bus, "flow", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE, .until_end = 1)));
        while ((result = weir_take(s, KIT_SOON, &frame)) == WEIR_OK) {
                count += 1;
                cr_assert(eq(u64, frame->sequence, count));
                cr_assert(kit_filled(frame->data, frame->size, count));
                weir_release(frame);
                if (count == 100)
                        kit_kill(&broker);
        }
        cr_assert(eq(int, result, WEIR_ENDED));
        cr_assert(eq(u64, count, kit_hear(publisher.line)));
        cr_assert(eq(int, kit_end(&publisher), 0));
        cr_assert(not(zero(ptr, (void *)kit_event(bus, WEIR_BROKER_LOST))));
        cr_assert(eq(int, weir_subscriber_open(&other, bus, "x", NULL), WEIR_E_NO_BROKER));
        cr_assert(eq(int, weir_publisher_open(&p, bus, "x", NULL), WEIR_E_NO_BROKER));
        weir_close(bus);
}
