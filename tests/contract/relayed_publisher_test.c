/* The far end of a relayed publisher, against an agent that does what the test says. */
#include "bus/format.h"
#include "clients/c/publisher.h"
#include "tests/contract/relayed_kit.h"

TestSuite(relayed_publisher, .timeout = 60);

static void
hear_frame(uint64_t sequence, size_t size)
{
        static uint8_t got[1 << 20];
        struct wr_record record = agent_hear(WR_RECORD_FRAME);

        agent_payload(got, record.bytes);
        fill(sequence, size);
        cr_assert(eq(u64, record.frame.sequence, sequence));
        cr_assert(eq(u64, record.frame.lost, 0));
        cr_assert(eq(u64, record.bytes - record.frame.extension, size));
        cr_assert(memcmp(got + record.frame.extension, bytes, size) == 0);
        cr_assert(eq(uint, record.frame.flags, WR_RECORD_HASHED));
        cr_assert(eq(u64, record.frame.hash, wr_hash_bytes(got, record.bytes)), "size %zu", size);
}

Test(relayed_publisher, what_is_published_comes_out_with_its_format_metadata_and_hash)
{
        static const size_t sizes[] = { 0, 1, 100, 4096, 4097, 16384, 20000, LARGE, 1000000 };
        enum { SIZES = sizeof sizes / sizeof *sizes };
        struct weir_format format = { "t/x", "enc", "schema", 6 };
        struct weir_about about = { .stamp_ns = 3, .meta = "m", .meta_size = 1 };
        struct weir *bus = broker_begin();
        struct weir_publisher *p = kit_relayed_publisher(bus, (struct weir_publisher_options){ .format = &format }, 2);
        struct weir_info info = { .size = sizeof info };
        uint8_t encoded[256];
        struct wr_format_parts parts;

        for (uint64_t i = 1; i <= 3 * SIZES; i++) {
                size_t size = sizes[i % SIZES];

                fill(i, size);
                kit_ok(weir_publish(p, bytes, size, i % 2 ? &about : NULL, KIT_SOON));
                if (i == 1) {
                        struct wr_record record = agent_hear(WR_RECORD_FORMAT);

                        agent_payload(encoded, record.bytes);
                        cr_assert(eq(int, wr_format_decode(encoded, record.bytes, &parts), WEIR_OK));
                        cr_assert(eq(str, (char *)parts.type, "t/x"));
                }
                hear_frame(i, size);
        }
        kit_ok(weir_publisher_info(p, &info));
        cr_assert(eq(uint, info.path, WEIR_PIPE));
        cr_assert(eq(uint, info.peers, 2));
        cr_assert(eq(u64, info.frames, 3 * SIZES));
        weir_publisher_close(p);
        broker_end(bus);
        agent_end();
}

static void *
agent_closes(void *argument)
{
        agent_hear(WR_RECORD_CLOSED);
        agent_end();
        return argument;
}

Test(relayed_publisher, a_publisher_that_closes_says_so_behind_its_last_frame)
{
        struct weir *bus = broker_begin();
        struct weir_publisher *p = kit_relayed_publisher(bus, (struct weir_publisher_options){ 0 }, 0);
        wr_thread thread;

        fill(1, 10);
        kit_ok(weir_publish(p, bytes, 10, NULL, WEIR_NOW));
        hear_frame(1, 10);
        kit_must(wr_thread_start(&thread, agent_closes, NULL, 0));
        weir_publisher_close(p);
        wr_thread_join(thread);
        broker_end(bus);
}

Test(relayed_publisher, readers_of_a_relayed_publisher_join_and_leave_as_the_agent_says)
{
        struct weir *bus = broker_begin();
        struct weir_publisher *p = kit_relayed_publisher(bus, (struct weir_publisher_options){ 0 }, 0);
        struct wr_record readers = { .kind = WR_RECORD_READERS };
        struct weir_info info = { .size = sizeof info };
        const struct weir_event *event;

        readers.readers = (struct wr_record_readers){ .source = 3, .what = WEIR_JOINED, .count = 1, .text = "it came" };
        agent_say(readers, NULL, 0);
        event = kit_event(bus, WEIR_JOINED);
        cr_assert(eq(u64, event->count, 1));
        cr_assert(eq(str, (char *)event->text, "it came"));
        kit_ok(weir_publisher_info(p, &info));
        cr_assert(eq(uint, info.peers, 1));
        readers.readers = (struct wr_record_readers){ .source = 3, .what = WEIR_LEFT, .reason = WEIR_E_CLOSED };
        agent_say(readers, NULL, 0);
        cr_assert(eq(int, kit_event(bus, WEIR_LEFT)->reason, WEIR_E_CLOSED));
        agent_end();
        weir_publisher_close(p);
        broker_end(bus);
}

Test(relayed_publisher, a_stream_that_is_not_read_makes_the_publisher_s_lane_full_and_its_close_ends_all_the_same)
{
        struct weir *bus = broker_begin();
        struct weir_publisher *p = kit_relayed_publisher(
                bus, (struct weir_publisher_options){ .memory_max = 8 << 20, .stall_ns = 300000000 }, 0);
        enum weir_result result = WEIR_OK;
        int64_t start_ns;

        fill(0, LARGE);
        for (int turn = 0; turn < 10000 && result == WEIR_OK; turn++)
                result = weir_publish(p, bytes, LARGE, NULL, 200000000);
        cr_assert(eq(int, result, WEIR_FULL));
        start_ns = weir_now();
        weir_publisher_close(p);
        cr_assert(lt(i64, weir_now() - start_ns, INT64_C(5000000000)));
        agent_end();
        broker_end(bus);
}

Test(relayed_publisher, a_publisher_whose_stream_was_lost_goes_on_with_the_next_one)
{
        struct weir_format format = { "t/x", "", NULL, 0 };
        struct weir *bus = broker_begin();
        struct weir_publisher *p = kit_relayed_publisher(bus, (struct weir_publisher_options){ .format = &format }, 1);
        struct wr_record record;
        uint8_t encoded[256];

        agent_end();
        agent_begin();
        cr_assert(eq(int, (int)broker.asked.kind, WR_PUBLISH));
        cr_assert(eq(uint, broker.asked.publish.require, WEIR_PIPE));
        agent_open(0);
        fill(1, LARGE);
        kit_ok(weir_publish(p, bytes, LARGE, NULL, KIT_SOON));
        record = agent_hear(WR_RECORD_FORMAT);
        agent_payload(encoded, record.bytes);
        hear_frame(1, LARGE);
        agent_end();
        weir_publisher_close(p);
        broker_end(bus);
}

Test(relayed_publisher, what_the_broker_s_side_has_no_memory_for_is_too_large_at_once)
{
        struct weir *bus = broker_begin();
        struct opening opening = { .bus = bus, .publisher = { .size = sizeof opening.publisher } };
        struct wr_record opened = { .kind = WR_RECORD_OPENED };
        struct weir_loan *loan;

        kit_must(wr_thread_start(&opening.thread, publisher_opens, &opening, 0));
        agent_begin();
        agent_hear(WR_RECORD_BEGIN);
        opened.opened = (struct wr_record_opened){ .id = 5, .source = 9, .payload_max = LARGE };
        agent_say(opened, NULL, 0);
        wr_thread_join(opening.thread);
        kit_ok(opening.result);
        cr_assert(eq(int, weir_publish(opening.p, bytes, LARGE + 1, NULL, KIT_SOON), WEIR_E_TOO_LARGE));
        cr_assert(strstr(weir_error(), "100000 for payloads") != NULL, "%s", weir_error());
        cr_assert(eq(int, weir_lend(opening.p, LARGE + 1, KIT_SOON, &loan), WEIR_E_TOO_LARGE));
        cr_assert(strstr(weir_error(), "memory_max") != NULL, "%s", weir_error());
        fill(1, LARGE);
        kit_ok(weir_publish(opening.p, bytes, LARGE, NULL, KIT_SOON));
        hear_frame(1, LARGE);
        agent_end();
        weir_publisher_close(opening.p);
        broker_end(bus);
}

Test(relayed_publisher, one_with_endless_patience_closes_behind_a_stream_that_ends)
{
        struct weir *bus = broker_begin();
        struct weir_publisher *p =
                kit_relayed_publisher(bus, (struct weir_publisher_options){ .stall_ns = INT64_MAX }, 0);
        wr_thread thread;

        fill(1, LARGE);
        kit_ok(weir_publish(p, bytes, LARGE, NULL, KIT_SOON));
        hear_frame(1, LARGE);
        kit_must(wr_thread_start(&thread, agent_closes, NULL, 0));
        weir_publisher_close(p);
        wr_thread_join(thread);
        broker_end(bus);
}

Test(relayed_publisher, a_stream_that_is_lost_says_how_many_frames_went_into_it)
{
        struct weir *bus = broker_begin();
        struct weir_publisher *p = kit_relayed_publisher(bus, (struct weir_publisher_options){ 0 }, 0);
        const struct weir_event *event;

        for (uint64_t i = 1; i <= 3; i++) {
                fill(i, i == 2 ? LARGE : 10);
                kit_ok(weir_publish(p, bytes, i == 2 ? LARGE : 10, NULL, KIT_SOON));
                hear_frame(i, i == 2 ? LARGE : 10);
        }
        agent_end();
        event = kit_event(bus, WEIR_PATH);
        cr_assert(eq(int, event->reason, WEIR_E_CLOSED));
        cr_assert(strstr(event->text, "3 frames went into it") != NULL, "%s", event->text);
        agent_begin();
        agent_open(0);
        agent_end();
        weir_publisher_close(p);
        broker_end(bus);
}

/* ---- a close whose stream is lost ---- */

/* Far more than a stream takes. */
#ifdef _WIN32
enum { LEFT_FRAMES = 40, LEFT_MEMORY = 16 << 20 }; /* a frame takes Wine a tenth of a second */
#else
enum { LEFT_FRAMES = 200, LEFT_MEMORY = 64 << 20 };
#endif

struct closing {
        wr_thread thread;
        struct weir_publisher *p;
};

static void *
publisher_closes(void *argument)
{
        struct closing *closing = argument;

        weir_publisher_close(closing->p);
        return NULL;
}

static void
close_begin(struct closing *closing)
{
        kit_must(wr_thread_start(&closing->thread, publisher_closes, closing, 0));
        while (wr_load32(&closing->p->closed) == 0) /* it is there until the rest is gone */
                wr_yield();
}

/* Frames that nobody reads: most of them stay in the publisher's own lane. */
static struct closing
publish_left(struct weir *bus)
{
        struct weir_publisher_options options = { .memory_max = LEFT_MEMORY, .stall_ns = INT64_MAX };
        struct closing closing = { .p = kit_relayed_publisher(bus, options, 0) };

        for (uint64_t i = 1; i <= LEFT_FRAMES; i++) {
                fill(i, LARGE);
                kit_ok(weir_publish(closing.p, bytes, LARGE, NULL, KIT_SOON));
        }
        return closing;
}

/* The rest comes on the next stream, whole and in order, and then its publisher's goodbye. Returns its first number. */
static uint64_t
hear_rest(void)
{
        struct wr_record record;

        agent_begin();
        agent_open(1);
        record = agent_hear(WR_RECORD_FRAME);
        agent_payload(bytes, record.bytes);
        for (uint64_t i = record.frame.sequence + 1; i <= LEFT_FRAMES; i++)
                hear_frame(i, LARGE);
        agent_hear(WR_RECORD_CLOSED);
        agent_end();
        return record.frame.sequence;
}

Test(relayed_publisher, what_a_publisher_that_closes_has_left_follows_on_the_next_stream)
{
        struct weir *bus = broker_begin();
        struct closing closing = publish_left(bus);

        close_begin(&closing);
        hear_frame(1, LARGE);
        agent_end();
        cr_assert(gt(u64, hear_rest(), 1));
        wr_thread_join(closing.thread);
        broker_end(bus);
}

Test(relayed_publisher, a_close_between_two_streams_waits_for_the_next_one)
{
        struct weir *bus = broker_begin();
        struct closing closing = publish_left(bus);
        struct weir_info info = { .size = sizeof info };

        broker_hold(true);
        agent_end();
        kit_event(bus, WEIR_PATH); /* its loss is known */
        kit_ok(weir_publisher_info(closing.p, &info));
        cr_assert(gt(u64, info.unsent, 0));
        close_begin(&closing);
        broker_hold(false);
        cr_assert(eq(u64, hear_rest(), LEFT_FRAMES - info.unsent + 1));
        wr_thread_join(closing.thread);
        broker_end(bus);
}

Test(relayed_publisher, a_publisher_that_closes_outlives_its_broker_with_what_it_has_left)
{
        struct weir *bus = broker_begin();
        struct closing closing = publish_left(bus);

        close_begin(&closing);
        broker_lose();
        agent_end();
        cr_assert(gt(u64, hear_rest(), 1));
        kit_event(bus, WEIR_BROKER_LOST);
        wr_thread_join(closing.thread);
        broker_end(bus);
}

Test(relayed_publisher, a_close_does_not_wait_for_a_stream_that_does_not_come)
{
        struct weir *bus = broker_begin();
        struct closing closing = publish_left(bus);
        int64_t start_ns;

        broker_hold(true);
        agent_end();
        kit_event(bus, WEIR_PATH);
        start_ns = weir_now();
        weir_publisher_close(closing.p);
        cr_assert(lt(i64, weir_now() - start_ns, INT64_C(5000000000)));
        broker_hold(false);
        broker_end(bus);
}
