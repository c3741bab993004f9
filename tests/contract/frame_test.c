/* Frames: what is in them, and that each lives until it is released, whenever and wherever that is. */
#include "tests/contract/weir_kit.h"

#include <pthread.h>
#include <sched.h>

TestSuite(frame, .fini = kit_clean, .timeout = 60);

enum { LARGE = 100000 };

struct pair {
        struct weir *bus;
        struct weir_publisher *p;
        struct weir_subscriber *s;
};

static struct pair
pair_open(const struct weir_publisher_options *po, const struct weir_subscriber_options *so)
{
        struct pair pair = { .bus = kit_host() };

        kit_ok(weir_publisher_open(&pair.p, pair.bus, "a", po));
        kit_ok(weir_subscriber_open(&pair.s, pair.bus, "a", so));
        return pair;
}

static void
publish(struct weir_publisher *p, uint64_t size, uint64_t sequence)
{
        void *data = malloc(size + 1);

        kit_fill(data, size, sequence);
        kit_ok(weir_publish(p, data, size, NULL, KIT_SOON));
        free(data);
}

Test(frame, everything_that_was_sent_along_arrives)
{
        struct pair pair = pair_open(NULL, NULL);
        const struct weir_frame *frame;
        char meta[1024];
        int64_t before_ns = weir_now();

        kit_fill(meta, sizeof meta, 77);
        for (uint64_t size = 5; size < 1000000; size *= 100) {
                struct weir_about about = { .stamp_ns = -5,
                                            .tag = 99,
                                            .meta = meta,
                                            .meta_size = sizeof meta,
                                            .flags = WEIR_GAP | WEIR_DELTA | WEIR_MORE | 1u << 31 };
                char *data = malloc(size);

                kit_fill(data, size, size);
                kit_ok(weir_publish(pair.p, data, size, &about, WEIR_NOW));
                kit_ok(weir_publish(pair.p, "", 0, NULL, WEIR_NOW)); /* the one that follows on WEIR_MORE */
                free(data);
                frame = kit_take(pair.s);
                cr_assert(eq(u64, frame->size, size));
                cr_assert(kit_filled(frame->data, size, size));
                cr_assert(eq(i64, frame->about.stamp_ns, -5));
                cr_assert(eq(u64, frame->about.tag, 99));
                cr_assert(eq(u32, frame->about.meta_size, sizeof meta));
                cr_assert(kit_filled(frame->about.meta, sizeof meta, 77));
                cr_assert(eq(u32, frame->about.flags, WEIR_GAP | WEIR_DELTA | 1u << 31));
                cr_assert(eq(str, (char *)frame->topic, "a"));
                cr_assert(zero(ptr, (void *)frame->format));
                cr_assert(ge(i64, frame->published_ns, before_ns - 1000000));
                cr_assert(le(i64, frame->published_ns, weir_now() + 1000000));
                weir_release(frame);
                weir_release(kit_take(pair.s));
        }
        weir_close(pair.bus);
}

static void *
release_all(void *frames)
{
        for (const struct weir_frame **frame = frames; *frame; frame++)
                weir_release(*frame);
        return NULL;
}

Test(frame, frames_are_released_by_another_thread_while_this_one_takes)
{
        struct pair pair = pair_open(NULL, WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE, .frames_max = 8));

        const struct weir_frame *frames[200][5] = { { NULL } };
        pthread_t threads[200];

        for (uint64_t round = 0; round < 200; round++) {
                for (uint64_t i = 0; i < 4; i++)
                        publish(pair.p, i % 2 ? LARGE : 100, 4 * round + i + 1);
                for (uint64_t i = 0; i < 4; i++) {
                        int result;

                        while ((result = weir_take(pair.s, kit_way_ns(), &frames[round][i])) == WEIR_E_HELD)
                                sched_yield(); /* the other threads still hold all of them */
                        kit_ok(result);
                        cr_assert(eq(u64, frames[round][i]->sequence, 4 * round + i + 1));
                        cr_assert(kit_filled(frames[round][i]->data, frames[round][i]->size, 4 * round + i + 1));
                }
                pthread_create(&threads[round], NULL, release_all, frames[round]);
        }
        for (uint64_t round = 0; round < 200; round++)
                pthread_join(threads[round], NULL);
        cr_assert(eq(u64, kit_info(pair.s).out, 0));
        weir_close(pair.bus);
}

Test(frame, a_frame_stays_readable_behind_the_close_of_subscriber_and_bus)
{
        struct weir *host = kit_host(), *bus = kit_guest();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        const struct weir_frame *kept[3];
        pthread_t thread;
        const struct weir_frame *last[2] = { NULL };

        kit_ok(weir_publisher_open(&p, host, "a", WEIR_PUBLISHER(.memory_max = 8 << 20)));
        kit_ok(weir_subscriber_open(&s, bus, "a", NULL));
        publish(p, LARGE, 1);
        publish(p, 100, 2);
        publish(p, LARGE, 3);
        for (int i = 0; i < 3; i++)
                kept[i] = kit_take(s);
        weir_subscriber_close(s);
        weir_close(bus);
        for (uint64_t i = 0; i < 500; i++) /* the heap turns over many times: what is out is not reused */
                publish(p, LARGE, 100 + i);
        cr_assert(kit_filled(kept[0]->data, LARGE, 1));
        cr_assert(kit_filled(kept[1]->data, 100, 2));
        cr_assert(kit_filled(kept[2]->data, LARGE, 3));
        weir_release(kept[0]);
        weir_release(kept[1]);
        last[0] = kept[2];
        pthread_create(&thread, NULL, release_all, last);
        pthread_join(thread, NULL);
        while (kit_event(host, WEIR_LEFT)->count > 0) /* the pair ends at the last release, not at the close */
                ;
        weir_close(host);
}

Test(frame, taking_beyond_frames_max_is_refused_until_one_is_released)
{
        struct pair pair = pair_open(NULL, WEIR_SUBSCRIBER(.frames_max = 2));
        const struct weir_frame *a, *b, *none;

        cr_assert(eq(int, weir_take(pair.s, WEIR_NOW, &none), WEIR_EMPTY));
        for (uint64_t i = 1; i <= 3; i++)
                publish(pair.p, i == 2 ? LARGE : 10, i);
        a = kit_take(pair.s);
        b = kit_take(pair.s);
        cr_assert(eq(int, weir_take(pair.s, kit_way_ns(), &none), WEIR_E_HELD));
        cr_assert(not(zero(ptr, (void *)strstr(weir_error(), "frames_max"))), "%s", weir_error());
        weir_release(b);
        b = kit_take(pair.s);
        cr_assert(eq(u64, b->sequence, 3));
        cr_assert(eq(int, weir_take(pair.s, WEIR_NOW, &none), WEIR_EMPTY)); /* nothing is held back */
        weir_release(a);
        weir_release(b);
        weir_release(NULL);
        weir_close(pair.bus);
}

Test(frame, a_small_frame_is_a_private_copy_with_64_readable_bytes_behind_it)
{
        struct pair pair = pair_open(NULL, NULL);
        const struct weir_frame *frame;
        volatile char sum = 0;

        publish(pair.p, 4096, 1);
        frame = kit_take(pair.s);
        for (int i = 0; i < 64; i++)
                sum ^= ((const char *)frame->data)[4096 + i];
        (void)sum;
        for (uint64_t i = 0; i < 1000; i++) /* the ring laps it several times */
                publish(pair.p, 4096, 5);
        cr_assert(kit_filled(frame->data, 4096, 1));
        weir_release(frame);
        weir_close(pair.bus);
}

Test(frame, a_format_change_is_seen_exactly_at_its_frame)
{
        struct weir_format formats[] = { { "video/x-raw", "gst-caps", "w=640", 6 },
                                         { "video/x-raw", "gst-caps", "w=1920", 7 },
                                         { "audio/x-raw", "", NULL, 0 } };
        struct pair pair = pair_open(WEIR_PUBLISHER(.format = &formats[0]), WEIR_SUBSCRIBER(.frames_max = 32));
        const struct weir_frame *frames[30];

        for (uint64_t i = 0; i < 30; i++) {
                if (i > 0 && i % 5 == 0)
                        kit_ok(weir_set_format(pair.p, &formats[i / 5 % 3]));
                publish(pair.p, i % 2 ? LARGE : 20, i + 1);
                if (i % 10 == 9)
                        for (uint64_t k = i - 9; k <= i; k++)
                                frames[k] = kit_take(pair.s);
        }
        for (uint64_t i = 0; i < 30; i++) { /* all are still out, so all their formats must still be there */
                const struct weir_format *must = &formats[i / 5 % 3], *is = frames[i]->format;

                cr_assert(eq(str, (char *)is->type, (char *)must->type));
                cr_assert(eq(str, (char *)is->encoding, (char *)must->encoding));
                cr_assert(eq(u64, is->schema_size, must->schema_size));
                cr_assert(zero(int, memcmp(is->schema, must->schema ? must->schema : "", must->schema_size)));
                if (i % 5 > 0)
                        cr_assert(eq(ptr, (void *)is, (void *)frames[i - 1]->format));
                else if (i > 0)
                        cr_assert(ne(ptr, (void *)is, (void *)frames[i - 1]->format));
        }
        for (int i = 0; i < 30; i++)
                weir_release(frames[i]);
        weir_close(pair.bus);
}

Test(frame, old_formats_go_when_no_frame_has_them_any_more)
{
        struct pair pair = pair_open(NULL, NULL);
        char schema[100000];

        memset(schema, 0, sizeof schema);
        for (uint64_t i = 1; i <= 200; i++) {
                struct weir_format format = { "t", "", schema, sizeof schema };
                const struct weir_frame *frame;

                memcpy(schema, &i, sizeof i);
                while (weir_set_format(pair.p, &format) == WEIR_FULL)
                        publish(pair.p, 4000, 0);
                publish(pair.p, 20, 1);
                do {
                        frame = kit_take(pair.s);
                        if (frame->size != 20)
                                weir_release(frame);
                } while (frame->size != 20);
                cr_assert(zero(int, memcmp(frame->format->schema, &i, sizeof i)));
                weir_release(frame);
        }
        weir_close(pair.bus);
}

Test(frame, frames_from_before_the_subscriber_are_marked_old)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        struct weir_subscriber *s, *earlier;
        const struct weir_frame *frame;

        kit_ok(weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.history = 2)));
        kit_ok(weir_subscriber_open(&earlier, bus, "a", NULL));
        for (uint64_t i = 1; i <= 5; i++)
                publish(p, 10, i);
        for (uint64_t i = 1; i <= 5; i++) /* so that they are where the later one finds them */
                weir_release(kit_take(earlier));
        kit_ok(weir_subscriber_open(&s, bus, "a", NULL));
        publish(p, 10, 6);
        for (uint64_t i = 4; i <= 6; i++) {
                frame = kit_take(s);
                cr_assert(eq(u64, frame->sequence, i));
                cr_assert(eq(u32, frame->about.flags, i < 6 ? WEIR_OLD : 0));
                cr_assert(eq(u64, frame->lost, 0));
                weir_release(frame);
        }
        weir_close(bus);
}
