/* More lanes under one sleep than one call of Windows takes (64 handles): the others are stood for by threads. What the
 * same costs, and what goes wrong there, is looked at on Linux: helper_test.c. */
#include "tests/contract/actor.h"
#include "tests/contract/weir_kit.h"

#include <pthread.h>

TestSuite(helper_win32, .fini = kit_clean, .timeout = 60);

enum { LANES = 150 };

struct stage { /* publishers of one topic, and its subscriber, on a bus each */
        struct weir *host, *from, *to;
        struct weir_publisher *p[LANES];
        struct weir_subscriber *s;
        uint64_t sent, taken;
        HANDLE told; /* set with each frame that was taken: who looks for it all the time keeps others from running */
};

static struct stage *
stage_open(void)
{
        static struct stage stage;

        kit_policy("[quota]\nlanes = 1000\nsubscriptions = 1000\nmessages_per_second = 100000\n");
        stage.told = CreateEventW(NULL, FALSE, FALSE, NULL);
        stage.host = kit_host();
        stage.from = kit_guest();
        stage.to = kit_guest();
        for (int i = 0; i < LANES; i++)
                kit_ok(weir_publisher_open(&stage.p[i], stage.from, "a", WEIR_PUBLISHER(.memory_max = 1 << 20)));
        kit_ok(weir_subscriber_open(&stage.s, stage.to, "a", WEIR_SUBSCRIBER(.spin_ns = -1)));
        while (kit_info(stage.s).peers < LANES)
                kit_event(stage.to, WEIR_JOINED);
        return &stage;
}

static void
stage_close(struct stage *stage)
{
        weir_close(stage->from);
        weir_close(stage->to);
        weir_close(stage->host);
        CloseHandle(stage->told);
}

static void
send_one(struct stage *stage, int lane)
{
        stage->sent += 1;
        kit_ok(weir_publish(stage->p[lane], &stage->sent, sizeof stage->sent, NULL, KIT_SOON));
}

static void *
take_all(void *argument)
{
        const struct weir_frame *frame;
        struct stage *stage = argument;

        while (weir_take(stage->s, WEIR_FOREVER, &frame) == WEIR_OK) {
                stage->taken = *(const uint64_t *)frame->data;
                weir_release(frame);
                SetEvent(stage->told);
        }
        return NULL;
}

static void
wake_by_each(struct stage *stage, int step)
{
        pthread_t taker;

        cr_assert(eq(int, pthread_create(&taker, NULL, take_all, stage), 0));
        for (int i = 0; i < LANES; i += step) {
                send_one(stage, i);
                cr_assert(eq(u32, WaitForSingleObject(stage->told, 20000), WAIT_OBJECT_0));
                cr_assert(eq(u64, stage->taken, stage->sent));
        }
        weir_interrupt(stage->to, 1);
        pthread_join(taker, NULL);
        weir_interrupt(stage->to, 0);
}

Test(helper_win32, a_frame_of_each_of_many_lanes_wakes_the_taker)
{
        struct stage *stage = stage_open();

        wake_by_each(stage, 1);
        stage_close(stage);
}

Test(helper_win32, lanes_that_go_are_forgotten_and_those_that_come_are_heard)
{
        struct stage *stage = stage_open();
        const struct weir_frame *frame;

        for (int round = 0; round < 2; round++) {
                for (int i = round; i < LANES; i += 5) {
                        weir_publisher_close(stage->p[i]);
                        kit_ok(weir_publisher_open(&stage->p[i], stage->from, "a",
                                                   WEIR_PUBLISHER(.memory_max = 1 << 20)));
                }
                cr_assert(eq(int, weir_take(stage->s, 1000000, &frame), WEIR_EMPTY));
                while (kit_info(stage->s).peers != LANES)
                        cr_assert(eq(int, weir_take(stage->s, 1000000, &frame), WEIR_EMPTY));
                wake_by_each(stage, 11);
        }
        stage_close(stage);
}

/* The thread behind the handle sleeps on all lanes of the bus. */
Test(helper_win32, the_native_handle_rises_for_each_of_many_lanes)
{
        struct stage *stage = stage_open();
        weir_native handle = weir_wakeup(stage->to);
        const struct weir_event *event;
        const struct weir_frame *frame;

        for (int i = 0; i < LANES; i += 7) {
                while (weir_next(stage->to, WEIR_NOW, &event) == WEIR_OK)
                        while (event->kind == WEIR_FRAMES && weir_take(event->subscriber, WEIR_NOW, &frame) == WEIR_OK)
                                weir_release(frame);
                cr_assert(eq(u32, WaitForSingleObject(handle, 0), WAIT_TIMEOUT));
                send_one(stage, i);
                cr_assert(eq(u32, WaitForSingleObject(handle, 20000), WAIT_OBJECT_0));
        }
        stage_close(stage);
}

/* A process's handles are what a bus leaves behind if it leaves anything: events of pairs, regions, life-lines. The
 * broker, which is in this process, too, closes its own of the last two buses a little later. */
Test(helper_win32, buses_that_came_and_went_leave_no_object_behind)
{
        struct weir *host = kit_host();
        uint32_t before = 0, after = 0;
        int64_t until_ns;

        for (int round = 0; round < 30; round++) {
                struct weir *from = kit_guest(), *to = kit_guest();
                struct weir_publisher *p;
                struct weir_subscriber *s;
                uint64_t number = 7;

                kit_ok(weir_publisher_open(&p, from, "t", NULL));
                kit_ok(weir_subscriber_open(&s, to, "t", NULL));
                kit_ok(weir_publish(p, &number, sizeof number, NULL, KIT_SOON));
                weir_release(kit_take(s));
                weir_close(to);
                weir_close(from);
                after = actor_objects_now();
                if (round < 15 && after > before) /* what is kept for the next ones is there by then */
                        before = after;
        }
        until_ns = weir_now() + KIT_SOON;
        while (after > before && weir_now() < until_ns) {
                SwitchToThread();
                after = actor_objects_now();
        }
        cr_assert(le(u32, after, before));
        weir_close(host);
}
