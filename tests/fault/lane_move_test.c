/* Lanes that move for another reason than a new broker: a right that was taken away. */
#include "bus/layout.h"
#include "clients/c/subscriber.h"
#include "tests/contract/weir_kit.h"

TestSuite(lane_move, .fini = kit_clean, .timeout = 100);

enum { LARGE = 100 * 1000 };

/* Rules of the topic "t" for this test's own user; own: may they subscribe? */
static void
policy_write(const char *path, bool own)
{
        FILE *file = fopen(path, "w");

        kit_must(file != NULL);
        fprintf(file, "[topic.\"t\"]\npublish = [\"user:%u\"]\nsubscribe = [\"user:%u\"]\n", (unsigned)geteuid(),
                own ? (unsigned)geteuid() : 4321);
        kit_must(fclose(file) == 0);
}

static struct weir *
host_with_policy(const char *path)
{
        kit_must(weir_broker_embed_with(&(struct weir_broker_options){ .size = sizeof(struct weir_broker_options),
                                                                       .address = kit_address(),
                                                                       .config = path }) == WEIR_OK);
        return kit_guest();
}

Test(lane_move, who_lost_its_right_sees_nothing_of_what_is_published_then)
{
        char path[128];
        static uint8_t bytes[LARGE];
        struct weir_publisher *publisher;
        struct weir_subscriber *reader;
        const struct wr_lane_control *seen;
        const struct weir_frame *frame, *held;
        struct weir *out, *in;
        uint64_t published;

        kit_address();
        snprintf(path, sizeof path, "%s/policy.conf", kit_folder);
        policy_write(path, true);
        out = host_with_policy(path);
        in = kit_guest();
        kit_ok(weir_publisher_open(&publisher, out, "t", WEIR_PUBLISHER(.history = 4)));
        kit_ok(weir_subscriber_open(&reader, in, "t", NULL));
        kit_ok(weir_publish(publisher, bytes, LARGE, NULL, WEIR_NOW));
        held = kit_take(reader); /* so the old lane stays mapped */
        seen = ((const struct wr_frame *)(const void *)held)->lane->reader.control;

        policy_write(path, false);
        kit_ok(weir_broker_reload(out));
        kit_event(in, WEIR_REVOKED);
        kit_event(out, WEIR_LEFT);
        while (kit_publisher_info(publisher).peers > 0)
                kit_event(out, WEIR_LEFT);
        published = wr_load(&seen->published);
        for (int i = 0; i < 100; i++)
                kit_ok(weir_publish(publisher, bytes, LARGE, NULL, WEIR_NOW));
        cr_assert(eq(u64, wr_load(&seen->published), published), "the lane that it has mapped stands still");
        cr_assert(eq(int, weir_take(reader, WEIR_NOW, &frame), WEIR_E_DENIED));
        weir_release(held);
        weir_close(in);
        weir_close(out);
}

/* ---- growth ---- */

enum { HUGE = 600 << 20 }; /* more than the first lane of a publisher that said nothing of memory */

Test(lane_move, a_lane_grows_when_a_frame_does_not_fit)
{
        struct weir *out = kit_host(), *in = kit_guest();
        struct weir_publisher *publisher;
        struct weir_subscriber *reader;
        const struct weir_frame *frame;
        struct weir_loan *huge;
        enum weir_result result;

        kit_ok(weir_publisher_open(&publisher, out, "t", WEIR_PUBLISHER(.hash = WEIR_HASH_HEADER)));
        kit_ok(weir_subscriber_open(&reader, in, "t", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        kit_ok(weir_publish(publisher, "first", 6, NULL, WEIR_NOW));
        while ((result = weir_lend(publisher, HUGE, WEIR_NOW, &huge)) == WEIR_FULL)
                kit_event(out, WEIR_ROOM);
        kit_ok(result);
        ((uint8_t *)huge->data)[HUGE - 1] = 7;
        kit_ok(weir_loan_publish(huge));
        frame = kit_take(reader);
        cr_assert(eq(u64, frame->sequence, 1));
        weir_release(frame);
        frame = kit_take(reader);
        cr_assert(eq(u64, frame->sequence, 2));
        cr_assert(eq(u64, frame->size, HUGE));
        cr_assert(eq(int, ((const uint8_t *)frame->data)[HUGE - 1], 7));
        weir_release(frame);
        weir_close(in);
        weir_close(out);
}

Test(lane_move, a_lane_does_not_grow_beyond_memory_max)
{
        struct weir *out = kit_host();
        struct weir_publisher *publisher;
        struct weir_loan *huge;

        kit_ok(weir_publisher_open(&publisher, out, "t", WEIR_PUBLISHER(.memory_max = 64 << 20)));
        cr_assert(eq(int, weir_lend(publisher, HUGE, KIT_SOON, &huge), WEIR_E_TOO_LARGE));
        cr_assert_not_null(strstr(weir_error(), "raise memory_max"), "%s", weir_error());
        weir_close(out);
}

/* ---- pinned ---- */

enum { BLOCK = 1000 * 1000, PINS_MAX = 64 };

static uint8_t block[BLOCK];

/* Keeps each frame that comes, until there is no room for a further one. */
static int
take_and_keep(struct weir_publisher *publisher, struct weir_subscriber *reader, const struct weir_frame **held)
{
        int count = 0;

        while (weir_publish(publisher, block, BLOCK, NULL, WEIR_NOW) == WEIR_OK) {
                kit_must(count < PINS_MAX);
                held[count++] = kit_take(reader);
        }
        return count;
}

Test(lane_move, a_reader_that_keeps_a_heap_full_does_so_in_the_lane_that_is_left)
{
        struct weir *out = kit_host(), *greedy = kit_guest(), *in = kit_guest();
        const struct weir_frame *held[3 * PINS_MAX], *frame;
        struct weir_subscriber *keeper, *reader;
        struct weir_publisher *publisher;
        int count = 0;

        kit_ok(weir_publisher_open(&publisher, out, "t", WEIR_PUBLISHER(.memory_max = 8 << 20)));
        kit_ok(weir_subscriber_open(&keeper, greedy, "t", WEIR_SUBSCRIBER(.frames_max = PINS_MAX)));
        kit_ok(weir_subscriber_open(&reader, in, "t", WEIR_SUBSCRIBER(.keep = 1)));
        for (int lanes = 0; lanes < 3; lanes++) {
                int more = take_and_keep(publisher, keeper, held + count);

                cr_assert(ge(int, more, 7));
                count += more;
                kit_ok(weir_publish(publisher, block, BLOCK, NULL, KIT_SOON)); /* in the next lane */
                if (lanes < 2)
                        weir_release(kit_take(keeper));
        }
        while (weir_take(keeper, KIT_SOON, &frame) == WEIR_OK)
                weir_release(frame);
        cr_assert_not_null(strstr(weir_error(), "filled 2 lanes"), "%s", weir_error());
        kit_event(greedy, WEIR_EVICTED);
        for (int i = 0; i < 20; i++) /* to the other one it flows on */
                kit_ok(weir_publish(publisher, block, BLOCK, NULL, WEIR_NOW));
        weir_release(kit_take(reader));
        while (count > 0)
                weir_release(held[--count]);
        weir_close(in);
        weir_close(greedy);
        weir_close(out);
}
