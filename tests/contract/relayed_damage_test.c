/* Frames that change on their way to a relayed subscriber. */
#include "tests/contract/relayed_kit.h"

TestSuite(relayed_damage, .timeout = 60);

Test(relayed_damage, a_bit_that_changes_on_the_way_makes_the_frame_corrupt_and_lost)
{
        struct weir *bus = broker_begin();
        struct weir_subscriber *s = kit_relayed_subscriber(bus, (struct weir_subscriber_options){ 0 });
        struct weir_info info;

        say_frame(1, 100, 0, 0, 8 * 50);
        say_frame(2, 100, 0, 0, -1);
        say_frame(3, LARGE, 0, 0, 8 * LARGE - 1);
        say_frame(4, LARGE, 0, 0, 0);
        say_frame(5, LARGE, 0, 0, -1);
        expect_frame(s, 2, 100, 1, 0);
        expect_frame(s, 5, LARGE, 2, 0);
        info = kit_info(s);
        cr_assert(eq(u64, info.corrupt, 3));
        cr_assert(eq(u64, info.lost, 3));
        weir_subscriber_close(s);
        agent_end();
        broker_end(bus);
}

Test(relayed_damage, a_publisher_that_sends_nothing_but_damage_is_dropped_and_all_of_it_counted)
{
        struct weir *bus = broker_begin();
        struct weir_subscriber *s = kit_relayed_subscriber(bus, (struct weir_subscriber_options){ 0 });
        const struct weir_event *event;
        const struct weir_frame *frame;
        struct weir_info info;

        say_frame(1, LARGE, 0, 0, -1);
        for (uint64_t sequence = 2; sequence < 2 + WR_LANE_BAD_MAX; sequence++)
                say_frame(sequence, sequence % 2 ? LARGE : 100, 0, 0, 5);
        say_frame(2 + WR_LANE_BAD_MAX, LARGE, 0, 0, -1); /* too late */
        expect_frame(s, 1, LARGE, 0, 0);
        do
                cr_assert(eq(int, weir_take(s, WEIR_NOW, &frame), WEIR_EMPTY));
        while (weir_next(bus, KIT_SOON, &event) == WEIR_OK && event->kind != WEIR_LEFT);
        cr_assert(eq(int, event->reason, WEIR_E_CORRUPT));
        cr_assert(strstr(event->text, "goes on producing frames that are not whole") != NULL, "%s", event->text);
        info = kit_info(s);
        cr_assert(eq(u64, info.frames, 1));
        cr_assert(eq(u64, info.corrupt, WR_LANE_BAD_MAX));
        cr_assert(eq(u64, info.lost, WR_LANE_BAD_MAX));
        weir_subscriber_close(s);
        agent_end();
        broker_end(bus);
}
