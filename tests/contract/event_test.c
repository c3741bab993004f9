/* The queue behind weir_next() and the native handle behind weir_wakeup(). */
#include "tests/contract/event_kit.h"

#include <sched.h>
#ifndef _WIN32
#        include <poll.h>
#endif

TestSuite(event, .fini = kit_clean, .timeout = 60);

#ifdef _WIN32
static int
readable(weir_native handle, int timeout_ms)
{
        return WaitForSingleObject(handle, (DWORD)timeout_ms) == WAIT_OBJECT_0;
}
#else
static int
readable(weir_native handle, int timeout_ms)
{
        struct pollfd look = { .fd = handle, .events = POLLIN };

        kit_must(poll(&look, 1, timeout_ms) >= 0);
        return look.revents == POLLIN;
}
#endif

Test(event, comings_and_goings_are_told_to_both_sides_in_order)
{
        struct weir *host = kit_host(), *guest = kit_guest();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        const struct weir_event *event;
        int user = 5;

        kit_ok(weir_publisher_open(&p, host, "a", WEIR_PUBLISHER(.user = &user)));
        kit_ok(weir_subscriber_open(&s, guest, "a", WEIR_SUBSCRIBER(.user = &host)));
        event = kit_event(host, WEIR_JOINED);
        cr_assert(eq(ptr, event->publisher, p));
        cr_assert(eq(ptr, event->user, &user));
        cr_assert(eq(str, (char *)event->topic, "a"));
        event = kit_event(guest, WEIR_JOINED);
        cr_assert(eq(ptr, event->subscriber, s));
        cr_assert(eq(ptr, event->user, &host));
        cr_assert(eq(u64, event->count, 1));
        publish(p, 10, 1);
        weir_publisher_close(p);
        cr_assert(eq(u32, (weir_next(guest, KIT_SOON, &event), event->kind), WEIR_FRAMES));
        cr_assert(eq(ptr, event->subscriber, s));
        while (event->kind != WEIR_LEFT) {
                take_all(event->subscriber);
                kit_ok(weir_next(guest, KIT_SOON, &event));
        }
        kit_ok(weir_publisher_open(&p, host, "a", NULL));
        event = kit_event(guest, WEIR_JOINED);
        weir_publisher_close(p);
        kit_ok(weir_next(guest, KIT_SOON, &event));
        while (event->kind == WEIR_FRAMES) { /* an END is something to take */
                const struct weir_frame *frame;

                cr_assert(eq(int, weir_take(s, WEIR_NOW, &frame), WEIR_EMPTY));
                kit_ok(weir_next(guest, KIT_SOON, &event));
        }
        cr_assert(eq(u32, event->kind, WEIR_LEFT));
        cr_assert(zero(u64, event->count));
        weir_close(guest);
        weir_close(host);
}

Test(event, busy_subscribers_are_told_in_turn)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p[3];
        struct weir_subscriber *s[3];
        const struct weir_event *event;
        char topic[] = "0";
        int told[3] = { 0 }, is_there[3] = { 0 };

        for (int i = 0; i < 3; i++) {
                topic[0] = (char)('0' + i);
                kit_ok(weir_publisher_open(&p[i], bus, topic, NULL));
                kit_ok(weir_subscriber_open(&s[i], bus, topic, NULL));
        }
        drain(bus);
        for (int i = 0; i < 3; i++)
                for (uint64_t n = 1; n <= 10; n++)
                        publish(p[i], 10, n);
        while (is_there[0] + is_there[1] + is_there[2] < 3) {
                kit_ok(weir_next(bus, kit_way_ns(), &event));
                for (int i = 0; i < 3; i++)
                        is_there[i] |= event->subscriber == s[i];
        }
        for (int n = 0; n < 9; n++) {
                kit_ok(weir_next(bus, WEIR_NOW, &event));
                for (int i = 0; i < 3; i++)
                        told[i] += event->subscriber == s[i];
        }
        for (int i = 0; i < 3; i++)
                cr_assert(eq(int, told[i], 3));
        weir_close(bus);
}

Test(event, a_subscriber_that_holds_all_its_frames_is_told_of_more_only_after_a_release)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        const struct weir_event *event;
        const struct weir_frame *frame, *none;

        kit_ok(weir_publisher_open(&p, bus, "a", NULL));
        kit_ok(weir_subscriber_open(&s, bus, "a", WEIR_SUBSCRIBER(.frames_max = 1)));
        for (int joined = 0; joined < 2; joined++)
                kit_event(bus, WEIR_JOINED);
        publish(p, 10, 1);
        publish(p, 10, 2);
        frame = kit_take(s);
        cr_assert(eq(int, weir_take(s, kit_way_ns(), &none), WEIR_E_HELD));
        cr_assert(eq(int, weir_next(bus, WEIR_NOW, &event), WEIR_EMPTY));
        weir_release(frame);
        kit_ok(weir_next(bus, WEIR_NOW, &event));
        cr_assert(eq(u32, event->kind, WEIR_FRAMES));
        weir_close(bus);
}

Test(event, who_never_asks_loses_the_oldest_events_and_nothing_else)
{
        struct weir *bus = kit_host_of_many();
        struct weir_publisher *p;
        struct weir_subscriber *s, *last[3];
        const struct weir_event *event;
        int count = 0;

        kit_ok(weir_publisher_open(&p, bus, "a", NULL));
        for (int i = 0; i < 140; i++) { /* twice as many events, more than are kept */
                kit_ok(weir_subscriber_open(&s, bus, "a", NULL));
                weir_subscriber_close(s);
        }
        for (int i = 0; i < 3; i++)
                kit_ok(weir_subscriber_open(&last[i], bus, "a", NULL));
        while (kit_publisher_info(p).peers != 3) /* there were never so many: all before them has been told */
                sched_yield();
        for (int i = 0; i < 3; i++)
                weir_subscriber_close(last[i]);
        while (kit_publisher_info(p).peers != 0)
                sched_yield();
        kit_ok(weir_subscriber_open(&s, bus, "b", NULL)); /* the last event is told, too, before this is answered */
        while (weir_next(bus, 200000000, &event) == WEIR_OK) {
                cr_assert(zero(ptr, event->subscriber)); /* they are closed */
                count++;
        }
        cr_assert(le(int, count, 256));
        cr_assert(ge(int, count, 200));
        weir_close(bus);
}

/* The model: the handle is up exactly while frames are there. Events are drained before each look. */
Test(event, the_native_handle_is_up_exactly_while_there_is_something_under_random_orders)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p[2];
        struct weir_subscriber *s[2];
        const struct weir_event *event;
        const struct weir_frame *frame;
        weir_native handle = weir_wakeup(bus);
        uint64_t there[2] = { 0 }, published[2] = { 0 };
        unsigned seed = (unsigned)getpid();

        printf("seed %u\n", seed);
        cr_assert(handle != NO_HANDLE);
        cr_assert(weir_wakeup(bus) == handle);
        for (int i = 0; i < 2; i++) {
                kit_ok(weir_publisher_open(&p[i], bus, i ? "b" : "a", NULL));
                kit_ok(weir_subscriber_open(&s[i], bus, i ? "b" : "a", NULL));
        }
        for (int joined = 0; joined < 4; joined++)
                kit_event(bus, WEIR_JOINED);
        for (int step = 0; step < 3000; step++) {
                int i = roll(&seed) % 2;

                switch (roll(&seed) % 4) {
                case 0:
                        if (there[i] < 8) {
                                publish(p[i], roll(&seed) % 2 ? 20 : 20000, ++published[i]);
                                there[i] += 1;
                        }
                        break;
                case 1:
                case 2:
                        cr_assert(eq(int, weir_take(s[i], there[i] > 0 ? kit_way_ns() : WEIR_NOW, &frame),
                                     there[i] > 0 ? WEIR_OK : WEIR_EMPTY));
                        there[i] -= there[i] > 0;
                        weir_release(frame);
                        break;
                case 3:
                        cr_assert(eq(int, weir_next(bus, there[0] + there[1] > 0 ? kit_way_ns() : WEIR_NOW, &event),
                                     there[0] + there[1] > 0 ? WEIR_OK : WEIR_EMPTY));
                        break;
                }
                if (there[0] + there[1] > 0)
                        cr_assert(readable(handle, 10000), "step %d", step);
                else
                        cr_assert(not(readable(handle, 0)), "step %d", step);
        }
        weir_close(bus);
}

Test(event, the_handle_is_up_for_room_and_for_an_interrupt)
{
        struct weir *bus = kit_host(), *guest = kit_guest();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        const struct weir_event *event;
        weir_native handle = weir_wakeup(bus);
        char data[4000] = { 0 };
        int published = 0;

        kit_ok(weir_publisher_open(&p, bus, "a", NULL));
        kit_ok(weir_subscriber_open(&s, guest, "a", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        kit_event(bus, WEIR_JOINED);
        do
                while (weir_publish(p, data, sizeof data, NULL, WEIR_NOW) == WEIR_OK)
                        published += 1;
        while (kit_goes_on(bus, p));
        drain(bus);
        cr_assert(not(readable(handle, 0)));
        for (int i = 0; i < 20 || (kit_is_relayed() && i < published && !readable(handle, 0)); i++)
                weir_release(kit_take(s));
        cr_assert(readable(handle, 10000));
        kit_ok(weir_next(bus, WEIR_NOW, &event));
        cr_assert(eq(u32, event->kind, WEIR_ROOM));
        cr_assert(eq(ptr, event->publisher, p));
        drain(bus);
        cr_assert(not(readable(handle, 0)));
        weir_interrupt(bus, 1);
        cr_assert(readable(handle, 10000));
        cr_assert(eq(int, weir_next(bus, WEIR_NOW, &event), WEIR_INTERRUPTED));
        weir_interrupt(bus, 0);
        cr_assert(eq(int, weir_next(bus, WEIR_NOW, &event), WEIR_EMPTY));
        cr_assert(not(readable(handle, 0)));
        weir_close(guest);
        weir_close(bus);
}

static void
play_publisher_of_two(int line)
{
        struct weir *bus = kit_guest();
        struct weir_publisher *p;

        kit_ok(weir_publisher_open(&p, bus, "a", NULL));
        for (uint64_t i = 1; i <= 2; i++)
                publish(p, 10, i);
        kit_say(line, 1);
        kit_hear(line);
}

Test(event, a_publisher_that_died_is_no_news_while_every_frame_is_held)
{
        struct weir *bus = kit_host();
        struct weir_subscriber *s;
        struct kit_child publisher;
        const struct weir_frame *frames[2], *none;
        const struct weir_event *event;

        kit_ok(weir_subscriber_open(&s, bus, "a", WEIR_SUBSCRIBER(.frames_max = 2)));
        publisher = kit_start(play_publisher_of_two);
        kit_hear(publisher.line);
        frames[0] = kit_take(s);
        frames[1] = kit_take(s);
        kit_kill(&publisher);
        do
                kit_must(weir_next(bus, KIT_SOON, &event) == WEIR_OK); /* its death is all that is to come */
        while (event->kind != WEIR_FRAMES);
        cr_assert(eq(int, weir_take(s, WEIR_NOW, &none), WEIR_E_HELD));
        cr_assert(eq(int, weir_next(bus, WEIR_NOW, &event), WEIR_EMPTY));
        weir_release(frames[0]);
        kit_ok(weir_next(bus, KIT_SOON, &event));
        cr_assert(eq(u32, event->kind, WEIR_FRAMES));
        cr_assert(eq(int, weir_take(s, WEIR_NOW, &none), WEIR_EMPTY));
        cr_assert(eq(i32, kit_event(bus, WEIR_LEFT)->reason, WEIR_E_CLOSED));
        weir_release(frames[1]);
        weir_close(bus);
}

/* ---- the native handle where the system waits ------------------------------------------------------------------- */

Test(event, the_handle_is_waited_for_beside_others_and_wakes_for_each_frame_of_another_process)
{
        struct weir *bus = kit_host();
        struct weir_subscriber *s;
        struct kit_child publisher = kit_start(play_publisher);
        struct native_wait wait;
        uint64_t count = 0;

        kit_hear(publisher.line);
        kit_ok(weir_subscriber_open(&s, bus, "a", NULL));
        wait = native_wait_open(bus, &publisher);
        for (int round = 0; round < ROUNDS; round++) { /* one frame, one wake: nothing but the handle tells of it */
                drain(bus);
                kit_say(publisher.line, 1);
                do
                        cr_assert(native_wait_wakes(&wait));
                while (drain(bus), kit_info(s).frames == count);
                count = kit_info(s).frames;
        }
        cr_assert(eq(u64, count, ROUNDS));
        native_wait_close(&wait);
        kit_say(publisher.line, 0);
        kit_end(&publisher);
        weir_close(bus);
}

struct view {
        struct weir *bus;
        struct kit_child publisher;
        uint64_t frames, wanted;
};

static bool
view_more(void *argument)
{
        struct view *view = argument;
        const struct weir_event *event;
        const struct weir_frame *frame;

        while (weir_next(view->bus, WEIR_NOW, &event) == WEIR_OK)
                while (event->kind == WEIR_FRAMES && weir_take(event->subscriber, WEIR_NOW, &frame) == WEIR_OK) {
                        view->frames += 1;
                        weir_release(frame);
                }
        return view->frames < view->wanted;
}

static void
view_begin(void *argument)
{
        struct view *view = argument;

        kit_say(view->publisher.line, view->wanted);
}

Test(event, what_the_system_calls_for_a_handle_is_driven_by_it)
{
        struct view view = { .bus = kit_host(), .publisher = kit_start(play_publisher), .wanted = 5 * ROUNDS };
        struct native_loop loop = { .call = view_more, .user = &view };
        struct weir_subscriber *s;

        kit_hear(view.publisher.line);
        kit_ok(weir_subscriber_open(&s, view.bus, "a", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        native_loop_run(&loop, view.bus, view_begin);
        cr_assert(eq(u64, view.frames, view.wanted));
        kit_say(view.publisher.line, 0);
        kit_end(&view.publisher);
        weir_close(view.bus);
}
