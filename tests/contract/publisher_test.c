/* Publishing: sizes, loans, room and who makes it, counters. */
#include "tests/contract/weir_kit.h"

#include <pthread.h>

TestSuite(publisher, .fini = kit_clean, .timeout = 100);

#define MIB (UINT64_C(1) << 20)

static void
publish(struct weir_publisher *p, uint64_t size, uint64_t sequence, int64_t timeout_ns)
{
        void *data = malloc(size + 1);

        kit_fill(data, size, sequence);
        kit_ok(weir_publish(p, data, size, NULL, timeout_ns));
        free(data);
}

Test(publisher, payloads_from_nothing_to_200_mib_arrive_whole_without_configuration)
{
        static const uint64_t sizes[] = { 0, 1, 31, 32, 33, 4095, 4096, 4097, 65536, 1 * MIB + 1, 33 * MIB, 200 * MIB };
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        uint64_t sequence = 0;

        kit_ok(weir_publisher_open(&p, bus, "a", NULL));
        kit_ok(weir_subscriber_open(&s, bus, "a", NULL));
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
                for (int by_loan = 0; by_loan < 2; by_loan++) {
                        const struct weir_frame *frame;
                        struct weir_loan *loan;

                        if (by_loan) {
                                kit_ok(weir_lend(p, sizes[i], WEIR_NOW, &loan));
                                kit_fill(loan->data, sizes[i], ++sequence);
                                kit_ok(weir_loan_publish(loan));
                        } else {
                                publish(p, sizes[i], ++sequence, WEIR_NOW);
                        }
                        frame = kit_take(s);
                        cr_assert(eq(u64, frame->sequence, sequence));
                        cr_assert(eq(u64, frame->size, sizes[i]));
                        cr_assert(kit_filled(frame->data, frame->size, sequence));
                        weir_release(frame);
                }
        weir_close(bus);
}

Test(publisher, a_payload_larger_than_the_memory_is_refused)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        struct weir_loan *loan;
        static char data[4 * MIB];

        kit_ok(weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.memory_max = 4 * MIB)));
        cr_assert(eq(int, weir_publish(p, data, sizeof data, NULL, WEIR_NOW), WEIR_E_TOO_LARGE));
        cr_assert(not(zero(ptr, (void *)strstr(weir_error(), "memory_max"))), "%s", weir_error());
        cr_assert(eq(int, weir_lend(p, UINT64_MAX, WEIR_NOW, &loan), WEIR_E_TOO_LARGE));
        cr_assert(eq(int, weir_lend(p, UINT64_MAX - 4096, WEIR_NOW, &loan), WEIR_E_TOO_LARGE));
        kit_ok(weir_publish(p, data, MIB, NULL, WEIR_NOW));
        weir_close(bus);
}

Test(publisher, loans_are_aligned_as_asked_and_no_more_than_loans_max_are_out)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        struct weir_loan *loans[3], *none;

        kit_ok(weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.payload_align = 4096, .loans_max = 3)));
        kit_ok(weir_lend(p, 10, WEIR_NOW, &loans[0]));
        kit_ok(weir_lend(p, 5000, WEIR_NOW, &loans[1]));
        kit_ok(weir_lend(p, MIB, WEIR_NOW, &loans[2]));
        for (int i = 0; i < 3; i++)
                cr_assert(zero(u64, (uintptr_t)loans[i]->data % 4096));
        cr_assert(eq(int, weir_lend(p, 1, WEIR_NOW, &none), WEIR_E_HELD));
        cr_assert(eq(u64, kit_publisher_info(p).out, 3));
        weir_loan_discard(loans[1]);
        kit_ok(weir_lend(p, 1, WEIR_NOW, &loans[1]));
        loans[1]->size = 2;
        cr_assert(eq(int, weir_loan_publish(loans[1]), WEIR_E_USAGE));
        for (int i = 0; i < 3; i++)
                weir_loan_discard(loans[i]);
        weir_loan_discard(NULL);
        weir_close(bus);
}

Test(publisher, loans_are_published_in_any_order_and_lowered_in_size)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        struct weir_loan *loans[6];

        kit_ok(weir_publisher_open(&p, bus, "a", NULL));
        kit_ok(weir_subscriber_open(&s, bus, "a", NULL));
        for (int i = 0; i < 6; i++) {
                kit_ok(weir_lend(p, i % 2 ? 100000 : 1000, WEIR_NOW, &loans[i]));
                loans[i]->size /= 2;
                kit_fill(loans[i]->data, loans[i]->size, i);
        }
        for (int i = 5; i >= 0; i--)
                kit_ok(weir_loan_publish(loans[i]));
        for (int i = 5; i >= 0; i--) {
                const struct weir_frame *frame = kit_take(s);

                cr_assert(eq(u64, frame->size, i % 2 ? 50000 : 500));
                cr_assert(kit_filled(frame->data, frame->size, i));
                weir_release(frame);
        }
        weir_close(bus);
}

static void *
discard_all(void *loans)
{
        for (struct weir_loan **loan = loans; *loan; loan++)
                weir_loan_discard(*loan);
        return NULL;
}

Test(publisher, a_loan_stays_writable_behind_the_close_until_any_thread_discards_it)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        struct weir_loan *loans[4] = { NULL };
        pthread_t thread;

        kit_ok(weir_publisher_open(&p, bus, "a", NULL));
        for (int i = 0; i < 3; i++)
                kit_ok(weir_lend(p, i ? MIB : 10, WEIR_NOW, &loans[i]));
        weir_publisher_close(p);
        weir_close(bus);
        cr_assert(eq(int, weir_loan_publish(loans[1]), WEIR_E_CLOSED));
        memset(loans[0]->data, 1, 10);
        memset(loans[1]->data, 1, MIB);
        pthread_create(&thread, NULL, discard_all, loans);
        pthread_join(thread, NULL);
}

Test(publisher, a_kept_loan_stays_readable_after_publish_while_the_heap_turns_over)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        struct weir_loan *kept[2];

        kit_ok(weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.memory_max = 8 * MIB)));
        kit_ok(weir_subscriber_open(&s, bus, "a", NULL));
        for (int i = 0; i < 2; i++) {
                kit_ok(weir_lend(p, i ? MIB : 100, WEIR_NOW, &kept[i]));
                kit_fill(kept[i]->data, kept[i]->size, i);
                kept[i]->about.flags = WEIR_KEEP;
                kit_ok(weir_loan_publish(kept[i]));
                cr_assert(eq(int, weir_loan_publish(kept[i]), WEIR_E_USAGE));
        }
        for (uint64_t i = 0; i < 100; i++) {
                publish(p, MIB, 1000 + i, WEIR_NOW);
                weir_release(kit_take(s));
        }
        for (int i = 0; i < 2; i++) {
                cr_assert(kit_filled(kept[i]->data, kept[i]->size, i));
                weir_loan_discard(kept[i]);
        }
        publish(p, 6 * MIB, 1, WEIR_NOW); /* only without the kept block is there room for it */
        weir_close(bus);
}

/* ---- room ---- */

static struct weir_publisher *shared_publisher;

Test(publisher, a_full_ring_says_so_and_weir_next_says_when_there_is_room)
{
        struct weir *bus = kit_host(), *reader = kit_guest();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        uint64_t published = 0, taken = 0;
        int rounds = kit_is_relayed() ? 2 : 5; /* each rests for KIT_REST there */

        kit_ok(weir_publisher_open(&p, bus, "a", NULL));
        kit_ok(weir_subscriber_open(&s, reader, "a", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        for (int round = 0; round < rounds; round++) {
                char data[4000];
                int result, is_told = 0;

                do {
                        kit_fill(data, sizeof data, published + 1);
                        result = weir_publish(p, data, sizeof data, NULL, WEIR_NOW);
                        published += result == WEIR_OK;
                } while (result == WEIR_OK || (result == WEIR_FULL && kit_goes_on(bus, p)));
                cr_assert(eq(int, result, WEIR_FULL));
                cr_assert(not(kit_room_comes(bus, p, WEIR_NOW)));
                for (int i = 0; i < 20 || (kit_is_relayed() && !is_told && taken < published); i++) {
                        const struct weir_frame *frame = kit_take(s);

                        cr_assert(eq(u64, frame->sequence, ++taken)); /* what met FULL was never published */
                        cr_assert(kit_filled(frame->data, frame->size, taken));
                        weir_release(frame);
                        is_told |= kit_room_comes(bus, p, WEIR_NOW);
                }
                cr_assert(is_told || kit_room_comes(bus, p, KIT_SOON));
        }
        cr_assert(ge(u64, kit_publisher_info(p).full, (uint64_t)rounds));
        weir_close(reader);
        weir_close(bus);
}

static void
play_slow_reader(int line)
{
        struct weir *bus = kit_guest();
        struct weir_subscriber *s;
        const struct weir_frame *frame;
        uint64_t sequence = 0;
        int result;

        kit_ok(weir_subscriber_open(&s, bus, "a", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE, .until_end = 1)));
        kit_say(line, 1);
        kit_hear(line);
        while ((result = weir_take(s, KIT_SOON, &frame)) == WEIR_OK) {
                kit_must(frame->sequence == ++sequence && frame->lost == 0 && frame->skipped == 0);
                kit_must(kit_filled(frame->data, frame->size, sequence));
                weir_release(frame);
        }
        kit_must(result == WEIR_ENDED);
        kit_say(line, sequence);
        weir_close(bus);
}

Test(publisher, a_publisher_that_waits_for_room_loses_nothing)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        struct kit_child reader;

        kit_ok(weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.memory_max = 8 * MIB)));
        reader = kit_start(play_slow_reader);
        kit_hear(reader.line);
        kit_say(reader.line, 1);
        for (uint64_t i = 1; i <= 5000; i++)
                publish(p, i % 3 == 0 ? 200000 : i % 3 == 1 ? 4000 : 8, i, KIT_SOON);
        weir_publisher_close(p);
        cr_assert(eq(u64, kit_hear(reader.line), 5000));
        cr_assert(eq(int, kit_end(&reader), 0));
        weir_close(bus);
}

static void
play_holder(int line)
{
        struct weir *bus = kit_guest();
        struct weir_subscriber *s;

        kit_ok(weir_subscriber_open(&s, bus, "a", NULL));
        kit_say(line, 1);
        for (int i = 0; i < 3; i++)
                kit_take(s);
        kit_say(line, 1);
        kit_hear(line); /* never: it is killed with three blocks out */
}

Test(publisher, the_blocks_of_a_killed_subscriber_come_back)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        struct kit_child holder;
        struct weir_loan *loan;

        kit_ok(weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.memory_max = 8 * MIB)));
        holder = kit_start(play_holder);
        kit_hear(holder.line);
        for (uint64_t i = 1; i <= 3; i++)
                publish(p, 2 * MIB, i, WEIR_NOW);
        kit_hear(holder.line);
        if (!kit_is_relayed()) /* who reads from a stream holds nothing of the publisher's */
                cr_assert(eq(int, weir_lend(p, 3 * MIB, WEIR_NOW, &loan), WEIR_FULL));
        kit_kill(&holder);
        kit_ok(weir_lend(p, 3 * MIB, KIT_SOON, &loan)); /* it waits, and the death makes room */
        weir_loan_discard(loan);
        kit_ok(weir_lend(p, 7 * MIB, WEIR_NOW, &loan));
        weir_loan_discard(loan);
        cr_assert(eq(i32, kit_event(bus, WEIR_LEFT)->reason, WEIR_E_CLOSED));
        cr_assert(zero(u32, kit_publisher_info(p).peers));
        weir_close(bus);
}

static void
play_stopped_reader(int line)
{
        struct weir *bus = kit_guest();
        struct weir_subscriber *s;
        const struct weir_frame *frame;
        uint64_t sequence = 0;
        int result;

        kit_ok(weir_subscriber_open(&s, bus, "a", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        kit_say(line, 1);
        kit_hear(line); /* it is frozen meanwhile */
        while ((result = weir_take(s, KIT_SOON, &frame)) == WEIR_OK) {
                kit_must(kit_is_relayed()); /* what had come over the stream is its own; else told before any frame */
                kit_must(frame->sequence == ++sequence && frame->lost == 0);
                weir_release(frame);
        }
        kit_must(result == WEIR_E_EVICTED);
        kit_must(strstr(weir_error(), "host") && strstr(weir_error(), "'a'"));
        kit_must(weir_take(s, WEIR_NOW, &frame) == WEIR_EMPTY); /* said once */
        kit_must(kit_event(bus, WEIR_EVICTED)->subscriber == s);
        kit_say(line, 2);
        weir_close(bus);
}

static void
evicts_a_stopped_reader(int64_t timeout_ns)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        const struct weir_event *event;
        struct kit_child reader;
        char data[4000] = { 0 };
        int result;

        kit_ok(weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.stall_ns = 200 * 1000000)));
        reader = kit_start(play_stopped_reader);
        kit_hear(reader.line);
        kit_freeze(&reader);
        while (weir_next(bus, WEIR_NOW, &event) != WEIR_OK || event->kind != WEIR_EVICTED) {
                result = weir_publish(p, data, sizeof data, NULL, timeout_ns);
                kit_must(result == WEIR_OK || result == WEIR_FULL);
                if (result == WEIR_FULL) /* and then sleep until there is room, or news */
                        kit_must(weir_next(bus, KIT_SOON, &event) == WEIR_OK);
                if (result == WEIR_FULL && event->kind == WEIR_EVICTED)
                        break;
        }
        kit_ok(weir_publish(p, data, sizeof data, NULL, KIT_SOON));
        kit_thaw(&reader);
        kit_say(reader.line, 1);
        cr_assert(eq(u64, kit_hear(reader.line), 2));
        cr_assert(eq(int, kit_end(&reader), 0));
        weir_close(bus);
}

Test(publisher, a_stopped_reliable_subscriber_is_evicted_by_a_publisher_that_waits_inside_the_call)
{
        evicts_a_stopped_reader(KIT_SOON);
}

Test(publisher, a_stopped_reliable_subscriber_is_evicted_by_a_publisher_that_waits_for_events)
{
        evicts_a_stopped_reader(WEIR_NOW);
}

Test(publisher, nobody_can_subscribe_reliably_to_a_publisher_that_refuses_it)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        struct weir_subscriber *s;

        kit_ok(weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.refuse_reliable = 1)));
        cr_assert(
                eq(int, weir_subscriber_open(&s, bus, "a", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)), WEIR_E_DENIED));
        cr_assert(not(zero(ptr, (void *)strstr(weir_error(), "WEIR_LOSSY"))), "%s", weir_error());
        kit_ok(weir_subscriber_open(&s, bus, "a", NULL));
        weir_close(bus);
}

/* ---- waking and counting ---- */

static void *
take_three(void *subscriber)
{
        for (uint64_t i = 1; i <= 3; i++) {
                const struct weir_frame *frame = kit_take(subscriber);

                kit_must(frame->sequence == i);
                weir_release(frame);
        }
        return NULL;
}

Test(publisher, frames_published_with_more_wake_the_reader_with_the_last_of_the_batch)
{
        struct weir *bus = kit_host();
        struct weir_about more = { .flags = WEIR_MORE };
        struct weir_subscriber *s;
        pthread_t thread;

        kit_ok(weir_publisher_open(&shared_publisher, bus, "a", NULL));
        for (int round = 0; round < 20; round++) {
                kit_ok(weir_subscriber_open(&s, bus, "a", WEIR_SUBSCRIBER(.spin_ns = -1)));
                weir_publisher_close(shared_publisher);
                kit_ok(weir_publisher_open(&shared_publisher, bus, "a", NULL));
                pthread_create(&thread, NULL, take_three, s);
                kit_ok(weir_publish(shared_publisher, "1", 1, &more, WEIR_NOW));
                kit_ok(weir_publish(shared_publisher, "2", 1, &more, WEIR_NOW));
                kit_ok(weir_publish(shared_publisher, "3", 1, NULL, WEIR_NOW));
                pthread_join(thread, NULL);
                weir_subscriber_close(s);
        }
        weir_close(bus);
}

Test(publisher, a_publisher_closed_in_the_middle_of_a_batch_wakes_its_readers)
{
        struct weir *bus = kit_host();
        struct weir_about more = { .flags = WEIR_MORE };
        struct weir_subscriber *s;
        pthread_t thread;

        kit_ok(weir_publisher_open(&shared_publisher, bus, "a", NULL));
        kit_ok(weir_subscriber_open(&s, bus, "a", WEIR_SUBSCRIBER(.spin_ns = -1)));
        pthread_create(&thread, NULL, take_three, s);
        for (int i = 0; i < 3; i++)
                kit_ok(weir_publish(shared_publisher, "1", 1, &more, WEIR_NOW));
        weir_publisher_close(shared_publisher);
        pthread_join(thread, NULL);
        weir_close(bus);
}

Test(publisher, loans_of_blocks_are_copied_by_nobody)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        struct weir_loan *loan;

        kit_ok(weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.prefault = 1, .memory_max = 16 * MIB, .huge = 1)));
        kit_ok(weir_subscriber_open(&s, bus, "a", NULL));
        for (int i = 0; i < 10; i++) {
                kit_ok(weir_lend(p, MIB, WEIR_NOW, &loan));
                kit_ok(weir_loan_publish(loan));
                weir_release(kit_take(s));
        }
        cr_assert(eq(u64, kit_publisher_info(p).frames, 10));
        cr_assert(eq(u64, kit_publisher_info(p).bytes, 10 * MIB));
        cr_assert(zero(u64, kit_publisher_info(p).copied_bytes));
        cr_assert(eq(u64, kit_info(s).frames, 10));
        cr_assert(eq(u64, kit_info(s).bytes, 10 * MIB));
        cr_assert(zero(u64, kit_info(s).copied_bytes));
        cr_assert(eq(u32, kit_info(s).path, kit_path()));
        publish(p, MIB, 1, WEIR_NOW);
        publish(p, 100, 1, WEIR_NOW);
        weir_release(kit_take(s));
        weir_release(kit_take(s));
        cr_assert(eq(u64, kit_publisher_info(p).copied_bytes, MIB + 100));
        cr_assert(eq(u64, kit_info(s).copied_bytes, 100));
        weir_close(bus);
}

static void *
publish_a_thousand(void *unused)
{
        (void)unused;
        for (int i = 0; i < 1000; i++)
                publish(shared_publisher, i % 10 ? 100 : 10000, 7, KIT_SOON);
        return NULL;
}

static void *
take_five_hundred(void *subscriber)
{
        for (int i = 0; i < 500; i++) {
                const struct weir_frame *frame = kit_take(subscriber);

                kit_must(kit_filled(frame->data, frame->size, 7));
                weir_release(frame);
        }
        return NULL;
}

Test(publisher, shared_endpoints_may_be_used_by_any_thread)
{
        struct weir *bus = kit_host();
        struct weir_subscriber *s;
        pthread_t threads[6];

        kit_ok(weir_publisher_open(&shared_publisher, bus, "a", WEIR_PUBLISHER(.shared = 1)));
        kit_ok(weir_subscriber_open(&s, bus, "a", WEIR_SUBSCRIBER(.shared = 1, .delivery = WEIR_RELIABLE)));
        for (int i = 0; i < 2; i++)
                pthread_create(&threads[i], NULL, publish_a_thousand, NULL);
        for (int i = 2; i < 6; i++)
                pthread_create(&threads[i], NULL, take_five_hundred, s);
        for (int i = 0; i < 6; i++)
                pthread_join(threads[i], NULL);
        cr_assert(eq(u64, kit_info(s).frames, 2000));
        weir_close(bus);
}

Test(publisher, an_alignment_that_no_block_could_be_promised_is_refused)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;

        cr_assert(eq(int, weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.payload_align = 8192)), WEIR_E_USAGE));
        weir_close(bus);
}
