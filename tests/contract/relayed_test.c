/* The far end of a relayed subscriber, against an agent that does what the test says. */
#include "bus/format.h"
#include "tests/contract/relayed_kit.h"

#ifdef __GLIBC__ /* 2.33 and later */
#        include <malloc.h>
#        define HEAP_BYTES mallinfo2().uordblks
#else
#        define HEAP_BYTES ((size_t)0) /* nobody says */
#endif

TestSuite(relayed, .timeout = 60);

Test(relayed, frames_come_with_the_numbers_and_the_losses_of_their_source)
{
        struct weir *bus = broker_begin();
        struct weir_subscriber *s = kit_relayed_subscriber(bus, (struct weir_subscriber_options){ 0 });
        struct weir_info info;

        say_frame(41, 10, 0, 0, -1);
        say_frame(42, LARGE, 0, 0, -1);
        say_frame(50, 0, 5, 2, -1);
        say_frame(51, 4096, 0, 0, -1);
        say_frame(60, 4097, 8, 0, -1);
        expect_frame(s, 41, 10, 0, 0);
        expect_frame(s, 42, LARGE, 0, 0);
        expect_frame(s, 50, 0, 5, 2);
        expect_frame(s, 51, 4096, 0, 0);
        expect_frame(s, 60, 4097, 8, 0);
        info = kit_info(s);
        cr_assert(eq(u64, info.lost, 13));
        cr_assert(eq(u64, info.skipped, 2));
        cr_assert(eq(uint, info.path, WEIR_PIPE));
        cr_assert(eq(uint, info.copies, 2));
        cr_assert(eq(uint, info.peers, 1));
        cr_assert(eq(str, info.why, "pipe: the test says so"));
        weir_subscriber_close(s);
        agent_end();
        broker_end(bus);
}

Test(relayed, metadata_and_formats_come_with_their_frames)
{
        static const struct wr_format_parts parts[2] = { { "t/one", "e", "s1", 2 }, { "t/two", "", NULL, 0 } };
        struct wr_about about = { .stamp_ns = 99, .tag = 7, .meta = "metadata", .meta_size = 8, .flags = 1 << 20 };
        struct weir *bus = broker_begin();
        struct weir_subscriber *s = kit_relayed_subscriber(bus, (struct weir_subscriber_options){ 0 });
        struct wr_record format = { .kind = WR_RECORD_FORMAT, .format = { 7 } };

        for (uint64_t i = 0; i < 24; i++) { /* more than a lane has places for within one lap */
                uint8_t encoded[256];
                const struct weir_frame *f;

                wr_format_encode(&parts[i % 2], encoded);
                agent_say(format, encoded, wr_format_bytes(&parts[i % 2]));
                agent_frame((struct wr_record_frame){ .sequence = i + 1 }, &about, bytes, i % 3 ? 9 : LARGE, -1);
                f = kit_take(s);
                cr_assert(eq(str, (char *)f->format->type, (char *)parts[i % 2].type));
                cr_assert(eq(i64, f->about.stamp_ns, 99));
                cr_assert(eq(u64, f->about.tag, 7));
                cr_assert(eq(uint, f->about.flags & ~(uint32_t)WEIR_OLD, 1 << 20));
                cr_assert(eq(uint, f->about.meta_size, 8));
                cr_assert(memcmp(f->about.meta, "metadata", 8) == 0);
                cr_assert(eq(u64, f->lost, 0));
                weir_release(f);
        }
        weir_subscriber_close(s);
        agent_end();
        broker_end(bus);
}

/* What the client asks for on a stream behind the first. */
static uint64_t
hear_resume(void)
{
        struct wr_record begin = agent_hear(WR_RECORD_BEGIN), resume = { .kind = WR_RECORD_RESUME };

        kit_must(begin.begin.resumes <= 1);
        if (begin.begin.resumes == 0)
                return 1;
        resume = agent_hear(WR_RECORD_RESUME);
        kit_must(resume.resume.source == 7);
        return resume.resume.sequence;
}

/* Frames `from` to `to` as an agent's whole answer; returns its size. */
static size_t
whole_answer(uint8_t *to, uint64_t from, uint64_t last)
{
        struct wr_record record = { .kind = WR_RECORD_OPENED, .opened = { .id = 5, .count = 1 } };
        size_t at = wr_record_encode(&record, to);

        at += wr_record_encode(&lane_record, to + at);
        for (uint64_t i = from; i <= last; i++) {
                size_t size = i % 2 ? 20 : 5000;

                fill(i, size);
                record = (struct wr_record){ .kind = WR_RECORD_FRAME, .bytes = size };
                record.frame = (struct wr_record_frame){ .source = 7, .sequence = i, .flags = WR_RECORD_HASHED };
                record.frame.hash = wr_hash_bytes(bytes, size);
                at += wr_record_encode(&record, to + at);
                memcpy(to + at, bytes, size);
                at += size;
        }
        return at;
}

Test(relayed, a_stream_that_is_cut_at_any_byte_goes_on_with_the_next_one)
{
        static uint8_t answer[16 * 6000];
        struct weir *bus = broker_begin();
        struct weir_subscriber *s = kit_relayed_subscriber(bus, (struct weir_subscriber_options){ .frames_max = 64 });
        uint64_t next = 1, taken = 0;
        size_t cut = 0;

        agent_end();
        for (size_t whole = 1; cut < whole; cut += cut < 1200 ? 7 : 211) {
                agent_begin();
                next = hear_resume();
                whole = whole_answer(answer, next, next + 1);
                if (cut < whole)
                        agent_write(answer, cut);
                agent_end();
                agent_begin(); /* one that flows, so that the next one is asked for soon again */
                next = hear_resume();
                agent_write(answer, whole_answer(answer, next, next));
                while (taken < next) {
                        taken += 1;
                        expect_frame(s, taken, taken % 2 ? 20 : 5000, 0, 0);
                }
                agent_end();
        }
        agent_begin();
        next = hear_resume();
        agent_write(answer, whole_answer(answer, next, next + 3));
        while (taken < next + 3) {
                taken += 1;
                expect_frame(s, taken, taken % 2 ? 20 : 5000, 0, 0);
        }
        cr_assert(taken > 4, "some streams were whole enough to bring a frame");
        weir_subscriber_close(s);
        agent_end();
        broker_end(bus);
}

Test(relayed, a_reliable_subscriber_that_was_away_is_told_of_the_gap_before_the_next_frame)
{
        struct weir *bus = broker_begin();
        struct weir_subscriber *s =
                kit_relayed_subscriber(bus, (struct weir_subscriber_options){ .delivery = WEIR_RELIABLE });
        const struct weir_frame *f;
        struct wr_record lane = lane_record;

        say_frame(1, 10, 0, 0, -1);
        expect_frame(s, 1, 10, 0, 0);
        agent_end();
        agent_begin();
        cr_assert(eq(u64, hear_resume(), 2));
        agent_say((struct wr_record){ .kind = WR_RECORD_OPENED, .opened = { .id = 6, .count = 1 } }, NULL, 0);
        lane.lane.reliable = 1;
        agent_say(lane, NULL, 0);
        say_frame(10, 10, 8, 0, -1);
        cr_assert(eq(int, weir_take(s, KIT_SOON, &f), WEIR_E_EVICTED));
        cr_assert(strstr(weir_error(), "8 frames behind frame 1") != NULL, "%s", weir_error());
        expect_frame(s, 10, 10, 8, 0);
        cr_assert(eq(u64, kit_info(s).lost, 8));
        weir_subscriber_close(s);
        agent_end();
        broker_end(bus);
}

/* What the stream takes before nobody reads it any more. */
static uint64_t
say_until_full(size_t size)
{
        static uint8_t record[WR_RECORD_BYTES_MAX + LARGE];
        uint64_t sequence = 1;

        for (;; sequence++) {
                struct wr_record head = { .kind = WR_RECORD_FRAME, .bytes = size };
                struct wr_span span = { record, 0 };
                unsigned ready;
                size_t done;

                fill(sequence, size);
                head.frame = (struct wr_record_frame){ .source = 7, .sequence = sequence, .flags = WR_RECORD_HASHED };
                head.frame.hash = wr_hash_bytes(bytes, size);
                span.size = wr_record_encode(&head, record);
                memcpy(record + span.size, bytes, size);
                span.size += size;
                if (wr_stream_wait(agent.stream, WR_STREAM_WRITE, WR_NO_OBJECT, wr_clock_ns() + 300000000, &ready) !=
                    WEIR_OK)
                        return sequence - 1;
                kit_must(wr_stream_write(agent.stream, &span, 1, &done) == WEIR_OK);
                if (done < span.size) {
                        /* the rest goes as soon as somebody reads */
                        static struct wr_span rest;

                        rest = (struct wr_span){ record + done, span.size - done };
                        kit_must(wr_stream_write(agent.stream, &rest, 1, &done) != WEIR_OK || done < rest.size);
                        return sequence - 1;
                }
        }
}

Test(relayed, who_takes_nothing_leaves_the_stream_unread_and_gets_all_later)
{
        struct weir *bus = broker_begin();
        struct weir_subscriber *s = kit_relayed_subscriber(bus, (struct weir_subscriber_options){ .frames_max = 4 });
        uint64_t count = say_until_full(LARGE);

        cr_assert(count > 10);
        for (uint64_t i = 1; i <= count; i++)
                expect_frame(s, i, LARGE, 0, 0);
        weir_subscriber_close(s);
        agent_end();
        broker_end(bus);
}

Test(relayed, who_keeps_the_newest_lets_the_stream_flow)
{
        struct weir *bus = broker_begin();
        struct weir_subscriber *s = kit_relayed_subscriber(bus, (struct weir_subscriber_options){ .keep = 1 });
        const struct weir_frame *f;
        struct weir_info info;
        uint64_t last = 0;

        for (uint64_t i = 1; i <= 2000; i++)
                say_frame(i, i % 2 ? 1000 : 20000, 0, 0, -1);
        while (last < 2000) {
                f = kit_take(s);
                cr_assert(gt(u64, f->sequence, last));
                cr_assert(eq(u64, f->sequence - last - 1, f->lost + f->skipped));
                last = f->sequence;
                weir_release(f);
        }
        info = kit_info(s);
        cr_assert(eq(u64, info.frames + info.lost + info.skipped, 2000));
        weir_subscriber_close(s);
        agent_end();
        broker_end(bus);
}

Test(relayed, losses_before_frames_that_are_never_taken_do_not_heap_up)
{
        enum { FRAMES = 60000, BOUND = 1800 << 10 };
        struct weir *bus = broker_begin();
        struct weir_subscriber *s = kit_relayed_subscriber(bus, (struct weir_subscriber_options){ .keep = 1 });
        const struct weir_frame *f;
        uint64_t last = 0;
        struct weir_info info;
        size_t before = HEAP_BYTES;

        for (uint64_t i = 1; i <= FRAMES; i++)
                say_frame(2 * i, 10, 0, i == 1 ? 0 : 1, -1);
        cr_assert(lt(sz, HEAP_BYTES, before + BOUND));
        while (last < 2 * FRAMES) {
                f = kit_take(s);
                if (last != 0)
                        cr_assert(eq(u64, f->sequence - last - 1, f->lost + f->skipped));
                cr_assert(eq(u64, f->sequence % 2, 0));
                last = f->sequence;
                weir_release(f);
        }
        info = kit_info(s);
        cr_assert(eq(u64, info.frames + info.lost + info.skipped, 2 * FRAMES - 1));
        weir_subscriber_close(s);
        agent_end();
        broker_end(bus);
}

Test(relayed, frames_that_outgrow_the_memory_of_the_first_are_given_more)
{
        struct weir *bus = broker_begin();
        struct weir_subscriber *s = kit_relayed_subscriber(bus, (struct weir_subscriber_options){ .frames_max = 8 });
        const struct weir_frame *out[4];

        for (uint64_t i = 1; i <= 4; i++) {
                size_t size = (size_t)40000 << (2 * i); /* to 10 MiB: more than the first heap holds of them */

                agent_frame((struct wr_record_frame){ .sequence = i }, NULL, bytes, 0, -1);
                (void)size;
        }
        for (uint64_t i = 5; i <= 8; i++)
                say_frame(i, (size_t)2000 << (2 * (i - 4)), 0, 0, -1);
        for (uint64_t i = 1; i <= 4; i++) {
                const struct weir_frame *f = kit_take(s);

                cr_assert(eq(u64, f->sequence, i));
                weir_release(f);
        }
        for (uint64_t i = 5; i <= 8; i++) {
                out[i - 5] = kit_take(s);
                cr_assert(eq(u64, out[i - 5]->sequence, i));
                cr_assert(eq(u64, out[i - 5]->lost, 0));
        }
        for (uint64_t i = 5; i <= 8; i++) {
                fill(i, (size_t)2000 << (2 * (i - 4)));
                cr_assert(memcmp(out[i - 5]->data, bytes, out[i - 5]->size) == 0);
                weir_release(out[i - 5]);
        }
        weir_subscriber_close(s);
        agent_end();
        broker_end(bus);
}

static const struct {
        int32_t reason;
        enum weir_result take;
        uint32_t event;
        uint64_t lost;
} endings[] = {
        { WEIR_OK, WEIR_ENDED, WEIR_LEFT, 0 },
        { WEIR_E_CLOSED, WEIR_ENDED, WEIR_LEFT, 3 },
        { WEIR_E_EVICTED, WEIR_E_EVICTED, WEIR_EVICTED, 4 },
        { WEIR_E_TYPE, WEIR_ENDED, WEIR_LEFT, 0 },
};

Test(relayed, a_publisher_leaves_as_the_agent_says_and_what_it_sent_is_taken_first)
{
        struct weir *bus = broker_begin();

        for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
                struct weir_subscriber *s = kit_relayed_subscriber(
                        bus, (struct weir_subscriber_options){ .delivery = WEIR_RELIABLE, .until_end = 1 });
                struct wr_record left = { .kind = WR_RECORD_LEFT };
                const struct weir_frame *f;

                say_frame(1, LARGE, 0, 0, -1);
                expect_frame(s, 1, LARGE, 0, 0);
                left.left = (struct wr_record_left){
                        .source = 7, .lost = endings[i].lost, .reason = endings[i].reason, .text = "it went"
                };
                agent_say(left, NULL, 0);
                cr_assert(eq(int, weir_take(s, KIT_SOON, &f), endings[i].take), "ending %zu", i);
                cr_assert(eq(int, kit_event(bus, endings[i].event)->reason, endings[i].reason));
                cr_assert(eq(u64, kit_info(s).lost, endings[i].lost), "ending %zu", i);
                weir_subscriber_close(s);
                agent_end();
        }
        broker_end(bus);
}

Test(relayed, a_refusal_and_its_sentence_reach_who_opens)
{
        struct weir *bus = broker_begin();
        struct opening opening = { .bus = bus, .subscriber.size = sizeof opening.subscriber };
        struct wr_record refused = { .kind = WR_RECORD_REFUSED };

        kit_must(wr_thread_start(&opening.thread, subscriber_opens, &opening, 0));
        agent_begin();
        agent_hear(WR_RECORD_BEGIN);
        refused.refused = (struct wr_record_refused){ .result = WEIR_E_QUOTA, .sentence = "too many of them" };
        agent_say(refused, NULL, 0);
        wr_thread_join(opening.thread);
        cr_assert(eq(int, opening.result, WEIR_E_QUOTA));
        cr_assert(eq(str, opening.sentence, "too many of them"));
        agent_end();
        broker_end(bus);
}

Test(relayed, a_stream_that_ends_before_it_opened_is_told_to_who_opens)
{
        struct weir *bus = broker_begin();
        struct opening opening = { .bus = bus, .subscriber.size = sizeof opening.subscriber };

        for (int publishes = 0; publishes < 2; publishes++) {
                opening.publisher.size = sizeof opening.publisher;
                kit_must(wr_thread_start(&opening.thread, publishes ? publisher_opens : subscriber_opens, &opening, 0));
                agent_begin();
                agent_hear(WR_RECORD_BEGIN);
                agent_end();
                wr_thread_join(opening.thread);
                cr_assert(eq(int, opening.result, WEIR_E_NO_BROKER));
                cr_assert(strstr(opening.sentence, "'a/b'") != NULL, "%s", opening.sentence);
        }
        broker_end(bus);
}

Test(relayed, a_broker_that_refuses_what_it_relays_is_told_to_who_opens)
{
        struct weir *bus = broker_begin();
        struct opening opening = { .bus = bus, .subscriber.size = sizeof opening.subscriber };

        opening.publisher.size = sizeof opening.publisher;
        for (int publishes = 0; publishes < 2; publishes++) {
                struct wr_message refusal = { .kind = WR_REFUSAL };

                kit_must(wr_thread_start(&opening.thread, publishes ? publisher_opens : subscriber_opens, &opening, 0));
                agent_begin();
                agent_hear(WR_RECORD_BEGIN);
                refusal.request = broker.asked.request;
                refusal.refusal = (struct wr_message_refusal){ .result = WEIR_E_DENIED, .sentence = "after all not" };
                broker_send(&refusal, NULL, 0);
                wr_thread_join(opening.thread);
                cr_assert(eq(int, opening.result, WEIR_E_DENIED));
                cr_assert(eq(str, opening.sentence, "after all not"));
                agent_end();
        }
        broker_end(bus);
}

Test(relayed, what_passes_at_a_resume_does_not_end_a_subscriber)
{
        static const int32_t passing[] = { WEIR_E_NO_MEMORY, WEIR_E_QUOTA, WEIR_E_NO_BROKER, WEIR_E_SYSTEM };
        struct weir *bus = broker_begin();
        struct weir_subscriber *s = kit_relayed_subscriber(bus, (struct weir_subscriber_options){ 0 });

        agent_end();
        for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
                struct wr_record refused = { .kind = WR_RECORD_REFUSED };

                agent_begin();
                hear_resume();
                refused.refused = (struct wr_record_refused){ .result = passing[i], .sentence = "not now" };
                agent_say(refused, NULL, 0);
                agent_end();
        }
        agent_begin();
        hear_resume();
        agent_write(bytes, whole_answer(bytes, 1, 0));
        say_frame(1, 10, 0, 0, -1);
        expect_frame(s, 1, 10, 0, 0);
        weir_subscriber_close(s);
        agent_end();
        broker_end(bus);
}

Test(relayed, a_right_that_is_withdrawn_ends_it)
{
        struct weir *bus = broker_begin();
        struct weir_subscriber *s = kit_relayed_subscriber(bus, (struct weir_subscriber_options){ 0 });
        struct wr_record closed = { .kind = WR_RECORD_CLOSED };
        const struct weir_frame *f;

        closed.closed = (struct wr_record_closed){ .reason = WEIR_E_DENIED, .text = "no longer" };
        agent_say(closed, NULL, 0);
        cr_assert(eq(int, weir_take(s, KIT_SOON, &f), WEIR_E_DENIED));
        cr_assert(eq(str, (char *)weir_error(), "no longer"));
        cr_assert(eq(str, (char *)kit_event(bus, WEIR_REVOKED)->text, "no longer"));
        weir_subscriber_close(s);
        agent_end();
        broker_end(bus);
}

/* How far the agent has got when the subscriber is closed. */
enum stage { OPEN, MID_HEADER, MID_PAYLOAD, UNTAKEN, FULL, LOST, STAGES };

static void
reach(enum stage stage)
{
        static uint8_t head[WR_RECORD_BYTES_MAX];
        struct wr_record record = { .kind = WR_RECORD_FRAME, .bytes = 1 << 20 };
        size_t size;

        record.frame = (struct wr_record_frame){ .source = 7, .sequence = 1 };
        size = wr_record_encode(&record, head);
        switch (stage) {
        case MID_HEADER: agent_write(head, 5); break;
        case MID_PAYLOAD:
                agent_write(head, size);
                agent_write(bytes, 1000);
                break;
        case UNTAKEN: say_frame(1, LARGE, 0, 0, -1); break;
        case FULL: say_until_full(LARGE); break;
        case LOST: agent_end(); break;
        default: break;
        }
}

Test(relayed, a_subscriber_closes_in_every_state_of_its_stream)
{
        struct weir *bus = broker_begin();

        for (enum stage stage = OPEN; stage < STAGES; stage++) {
                struct weir_subscriber *s = kit_relayed_subscriber(bus, (struct weir_subscriber_options){ 0 });
                int64_t start_ns;

                reach(stage);
                start_ns = weir_now();
                weir_subscriber_close(s);
                cr_assert(lt(i64, weir_now() - start_ns, INT64_C(5000000000)), "stage %d", (int)stage);
                if (stage == LOST) /* it may have asked again, or not */
                        broker.taken = broker.count;
                else
                        agent_end();
        }
        broker_end(bus);
}

Test(relayed, a_bus_that_closes_takes_its_relayed_endpoints_along)
{
        struct weir *bus = broker_begin();
        struct weir_subscriber *s = kit_relayed_subscriber(bus, (struct weir_subscriber_options){ 0 });
        const struct weir_frame *f;

        say_frame(1, LARGE, 0, 0, -1);
        f = kit_take(s);
        broker_end(bus);
        fill(1, LARGE);
        cr_assert(memcmp(f->data, bytes, LARGE) == 0, "what is out stays readable");
        weir_release(f);
        weir_subscriber_close(s);
        agent_end();
}

Test(relayed, garbage_on_the_stream_is_asked_for_again)
{
        struct weir *bus = broker_begin();
        struct weir_subscriber *s = kit_relayed_subscriber(bus, (struct weir_subscriber_options){ 0 });

        agent_write("GET / HTTP/1.1\r\n\r\n", 18);
        cr_assert(eq(int, kit_event(bus, WEIR_PATH)->reason, WEIR_E_CLOSED));
        agent_end();
        agent_begin();
        cr_assert(eq(u64, hear_resume(), 1));
        agent_write(bytes, whole_answer(bytes + 0, 1, 0));
        say_frame(1, 10, 0, 0, -1);
        expect_frame(s, 1, 10, 0, 0);
        weir_subscriber_close(s);
        agent_end();
        broker_end(bus);
}

Test(relayed, the_agent_hears_what_was_taken)
{
        struct weir *bus = broker_begin();
        struct weir_subscriber *s = kit_relayed_subscriber(bus, (struct weir_subscriber_options){ 0 });
        struct wr_record taken;

        for (uint64_t i = 1; i <= 3; i++)
                say_frame(i, 10, 0, 0, -1);
        for (uint64_t i = 1; i <= 3; i++)
                expect_frame(s, i, 10, 0, 0);
        for (int stream = 0; stream < 3; stream++) { /* of a later one, too, though nothing was taken since */
                if (stream > 0) {
                        agent_end();
                        agent_begin();
                        cr_assert(eq(u64, hear_resume(), 4));
                        agent_say((struct wr_record){ .kind = WR_RECORD_OPENED, .opened = { .count = 1 } }, NULL, 0);
                        agent_say(lane_record, NULL, 0);
                }
                do
                        taken = agent_hear(WR_RECORD_TAKEN);
                while (taken.taken.frames < 3);
                cr_assert(eq(u64, taken.taken.bytes, 30));
        }
        weir_subscriber_close(s);
        agent_end();
        broker_end(bus);
}
