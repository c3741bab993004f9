/*
 * Every field of the options does what weir.h says. Here are those that no other story is about; where the others are:
 *
 *      weir_options
 *              size                  bus_test: options_of_another_size_are_read_as_far_as_both_know_them
 *              flags, ticket         bus_test: what_this_version_does_not_have_is_refused_with_a_sentence
 *              name                  a_bus_without_a_name_has_the_programs
 *              address               bus_test: opening_without_a_broker_fails_with_every_place_it_tried
 *              open_timeout_ns       a_broker_is_waited_for_as_long_as_was_said
 *              embed                 bus_test: a_second_bus_finds_the_broker_that_the_first_one_embeds
 *      weir_publisher_options
 *              history               a_latched_topic_tells_its_last_frame_to_everybody_who_comes; subscriber_test
 *              format                frame_test: a_format_change_is_seen_exactly_at_its_frame
 *              memory_max            lane_memory_test: a_lane_takes_no_more_than_memory_max; publisher_test
 *              payload_align         publisher_test: loans_are_aligned_as_asked_and_no_more_than_loans_max_are_out
 *              loans_max             likewise
 *              hash                  lane_memory_test: a_hash_covers_what_was_asked_for
 *              refuse_reliable       publisher_test: nobody_can_subscribe_reliably_to_a_publisher_that_refuses_it
 *              stall_ns              a_reliable_reader_is_evicted_after_stall_ns_and_not_before
 *              require               bus_test: what_this_version_does_not_have_is_refused_with_a_sentence
 *              shared                publisher_test: shared_endpoints_may_be_used_by_any_thread
 *              prefault              lane_memory_test: memory_is_there_at_once_only_where_it_was_asked_for
 *              huge                  lane_memory_test: huge_pages_are_asked_for_only_where_it_was_said
 *              user                  event_test: comings_and_goings_are_told_to_both_sides_in_order
 *      weir_subscriber_options
 *              delivery              subscriber_test: what_a_lossy_subscriber_missed_is_told_exactly; publisher_test
 *              keep                  subscriber_test: who_keeps_only_the_newest_has_lost_nothing_and_skipped_the_rest
 *              history               subscriber_test: a_late_joiner_gets_as_much_history_as_it_asks_for
 *              frames_max            frame_test: taking_beyond_frames_max_is_refused_until_one_is_released
 *              verify                lane_memory_test: every_nth_frame_is_verified
 *              type                  subscriber_test: a_wish_for_another_type_is_refused_with_both_names
 *              spin_ns               a_reader_burns_the_processor_for_as_long_as_it_was_allowed
 *              require, shared       as of a publisher
 *              until_end             the_end_is_told_only_where_it_was_asked_for
 *              user                  event_test: comings_and_goings_are_told_to_both_sides_in_order
 *      weir_about.flags
 *              WEIR_MORE             publisher_test: frames_published_with_more_wake_the_reader_with_the_last_...
 *              WEIR_KEEP             publisher_test: a_kept_loan_stays_readable_after_publish_while_the_heap_turns_over
 *              WEIR_GAP, WEIR_DELTA  frame_test: everything_that_was_sent_along_arrives
 *              WEIR_OLD              frame_test: frames_from_before_the_subscriber_are_marked_old
 */
#include "bus/os/process.h"
#include "tests/contract/weir_kit.h"

#include <time.h>

TestSuite(options, .fini = kit_clean, .timeout = 60);

#define MS  INT64_C(1000000)
#define MIB (UINT64_C(1) << 20)

/* ---- the bus ---- */

Test(options, a_broker_is_waited_for_as_long_as_was_said)
{
        static const struct {
                int64_t timeout_ns, least_ns, most_ns;
        } waits[] = { { -1, 0, 1500 * MS }, { 300 * MS, 300 * MS, 1900 * MS }, { 0, 2000 * MS, 20000 * MS } };
        struct weir *bus;

        for (int i = 0; i < 3; i++) {
                int64_t began_ns = weir_now(), took_ns;

                cr_assert(eq(int,
                             weir_open(&bus,
                                       WEIR_OPTIONS(.address = kit_address(), .open_timeout_ns = waits[i].timeout_ns)),
                             WEIR_E_NO_BROKER));
                took_ns = weir_now() - began_ns;
                cr_assert(ge(i64, took_ns, waits[i].least_ns));
                cr_assert(le(i64, took_ns, waits[i].most_ns));
        }
}

static int
name_keep(const struct weir_row *row, void *user)
{
        snprintf(user, 64, "%s", row->name);
        return 0;
}

Test(options, a_bus_without_a_name_has_the_programs)
{
        struct weir *bus = kit_bus_named(NULL, kit_embed);
        struct weir_publisher *p;
        char name[64] = "", wanted[64];

        kit_ok(weir_publisher_open(&p, bus, "a", NULL));
        kit_ok(weir_list(bus, "a", 1, name_keep, name));
        wr_process_name(wanted, sizeof wanted);
        cr_assert(eq(str, name, wanted));
        weir_close(bus);
}

/* ---- history ---- */

static void
play_latched(int line)
{
        struct weir *bus = kit_guest();
        struct weir_publisher *p;

        kit_ok(weir_publisher_open(&p, bus, "map", WEIR_PUBLISHER(.history = 1)));
        for (uint64_t i = 1; i <= 3; i++)
                kit_ok(weir_publish(p, &i, sizeof i, NULL, WEIR_NOW));
        kit_say(line, 1);
        kit_hear(line); /* idle: no call of the library from here on */
}

/* Until the frame with this number is there for all: over a stream what was published is on its way. */
static void
wait_for_frame(struct weir *bus, const char *topic, uint64_t sequence)
{
        struct weir_subscriber *s;
        uint64_t last;

        kit_ok(weir_subscriber_open(&s, bus, topic, NULL));
        do {
                const struct weir_frame *frame = kit_take(s);

                last = frame->sequence;
                weir_release(frame);
        } while (last < sequence);
        weir_subscriber_close(s);
}

Test(options, a_latched_topic_tells_its_last_frame_to_everybody_who_comes)
{
        struct weir *bus = kit_host();
        struct kit_child idle = kit_start(play_latched);
        struct weir_subscriber *s;
        const struct weir_frame *frame, *none;

        kit_hear(idle.line);
        if (kit_is_relayed())
                wait_for_frame(bus, "map", 3);
        for (int i = 0; i < 3; i++) {
                kit_ok(weir_subscriber_open(&s, bus, i == 1 ? "m*" : "map", WEIR_SUBSCRIBER(.delivery = i == 2)));
                frame = kit_take(s);
                cr_assert(eq(u64, *(const uint64_t *)frame->data, 3));
                cr_assert(eq(u64, frame->sequence, 3));
                cr_assert(eq(u32, frame->about.flags, WEIR_OLD), "subscriber %d, %lld ns before now", i,
                          (long long)(weir_now() - frame->published_ns));
                weir_release(frame);
                cr_assert(eq(int, weir_take(s, WEIR_NOW, &none), WEIR_EMPTY));
                weir_subscriber_close(s);
        }
        kit_ok(weir_subscriber_open(&s, bus, "map", WEIR_SUBSCRIBER(.history = WEIR_NONE)));
        cr_assert(eq(int, weir_take(s, WEIR_NOW, &none), WEIR_EMPTY));
        weir_close(bus);
        kit_kill(&idle);
}

/* ---- time ---- */

static void
play_stopped(int line)
{
        struct weir *bus = kit_guest();
        struct weir_subscriber *s;

        kit_ok(weir_subscriber_open(&s, bus, "a", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        kit_say(line, 1);
        kit_hear(line); /* takes nothing */
}

static int
is_evicted(struct weir *bus)
{
        const struct weir_event *event;

        while (weir_next(bus, WEIR_NOW, &event) == WEIR_OK)
                if (event->kind == WEIR_EVICTED)
                        return 1;
        return 0;
}

/* How long a reader that does not take is put up with once the lane is full. */
static int64_t
eviction_ns(int64_t stall_ns)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        struct kit_child reader;
        static char data[4000];
        int64_t longest_ns = 0, began_ns, took_ns;

        kit_ok(weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.stall_ns = stall_ns, .memory_max = 2 * MIB)));
        reader = kit_start(play_stopped);
        kit_hear(reader.line);
        do { /* on a stream it is full more than once, and briefly */
                began_ns = weir_now();
                kit_ok(weir_publish(p, data, sizeof data, NULL, KIT_SOON));
                took_ns = weir_now() - began_ns;
                longest_ns = took_ns > longest_ns ? took_ns : longest_ns;
        } while (!is_evicted(bus));
        weir_close(bus);
        kit_kill(&reader);
        return longest_ns;
}

Test(options, a_reliable_reader_is_evicted_after_stall_ns_and_not_before)
{
        int64_t brief_ns = eviction_ns(150 * MS), longer_ns = eviction_ns(1200 * MS);
        const int64_t ahead_ns =
                kit_is_relayed() ? 500 * MS : 0; /* so long a stream may still take what is published */

        cr_assert(ge(i64, brief_ns, 100 * MS - ahead_ns));
        cr_assert(lt(i64, brief_ns, 1100 * MS));
        cr_assert(ge(i64, longer_ns, 1100 * MS - ahead_ns));
        cr_assert(lt(i64, longer_ns, 4500 * MS), "and not after the default");
}

/* Time of the processor that a take of 300 ms costs this thread. It may be counted in ticks of 16 ms. */
static int64_t
waiting_costs(struct weir *bus, int64_t spin_ns)
{
        struct timespec from, to;
        struct weir_subscriber *s;
        const struct weir_frame *none;

        kit_ok(weir_subscriber_open(&s, bus, "a", WEIR_SUBSCRIBER(.spin_ns = spin_ns)));
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
        cr_assert(eq(int, weir_take(s, 300 * MS, &none), WEIR_EMPTY));
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
        weir_subscriber_close(s);
        return (to.tv_sec - from.tv_sec) * 1000 * MS + to.tv_nsec - from.tv_nsec;
}

Test(options, a_reader_burns_the_processor_for_as_long_as_it_was_allowed)
{
        struct weir *bus = kit_host();

        cr_assert(lt(i64, waiting_costs(bus, -1), 20 * MS));
        cr_assert(lt(i64, waiting_costs(bus, 0), 20 * MS));
        cr_assert(gt(i64, waiting_costs(bus, WEIR_FOREVER), 20 * MS)); /* whatever else runs on this machine */
        weir_close(bus);
}

/* ---- the end ---- */

Test(options, the_end_is_told_only_where_it_was_asked_for)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p[2];
        struct weir_subscriber *file, *lasting;
        const struct weir_event *event;
        const struct weir_frame *frame;

        kit_ok(weir_subscriber_open(&file, bus, "a", WEIR_SUBSCRIBER(.until_end = 1)));
        kit_ok(weir_subscriber_open(&lasting, bus, "a", NULL));
        cr_assert(eq(int, weir_take(file, WEIR_NOW, &frame), WEIR_EMPTY), "nobody has come yet");
        for (int i = 0; i < 2; i++) {
                kit_ok(weir_publisher_open(&p[i], bus, "a", NULL));
                kit_ok(weir_publish(p[i], "x", 1, NULL, WEIR_NOW));
        }
        while (kit_is_relayed() && kit_info(file).peers < 2) /* it hears of them on its stream */
                kit_ok(weir_next(bus, KIT_SOON, &event));
        weir_publisher_close(p[0]);
        for (int i = 0; i < 2; i++)
                weir_release(kit_take(file));
        cr_assert(eq(int, weir_take(file, WEIR_NOW, &frame), WEIR_EMPTY), "one is left");
        weir_publisher_close(p[1]);
        cr_assert(eq(int, weir_take(file, KIT_SOON, &frame), WEIR_ENDED));
        for (int i = 0; i < 2; i++)
                weir_release(kit_take(lasting));
        cr_assert(eq(int, weir_take(lasting, 50 * MS, &frame), WEIR_EMPTY));
        weir_close(bus);
}
