/* The native handle of Windows: a manual-reset event beside others, and one that the system's pool of threads waits
 * for. */
#include "tests/contract/event_kit.h"

TestSuite(event_win32, .fini = kit_clean, .timeout = 60);

Test(event_win32, the_handle_is_waited_for_beside_others_and_wakes_for_each_frame_of_another_process)
{
        struct weir *bus = kit_host();
        struct weir_subscriber *s;
        struct kit_child publisher = kit_start(play_publisher);
        HANDLE handles[] = { publisher.process, weir_wakeup(bus) };
        uint64_t count = 0;

        kit_hear(publisher.line);
        kit_ok(weir_subscriber_open(&s, bus, "a", NULL));
        for (int round = 0; round < 100; round++) { /* one frame, one wake: nothing but the handle says it is there */
                drain(bus);
                kit_say(publisher.line, 1);
                do
                        cr_assert(
                                eq(u32, (uint32_t)WaitForMultipleObjects(2, handles, FALSE, 20000), WAIT_OBJECT_0 + 1));
                while (drain(bus), kit_info(s).frames == count);
                count = kit_info(s).frames;
        }
        cr_assert(eq(u64, count, 100));
        kit_say(publisher.line, 0);
        kit_end(&publisher);
        weir_close(bus);
}

struct view {
        struct weir *bus;
        HANDLE done;
        volatile LONG frames, wanted;
};

/* Called by the pool's thread, one call at a time. */
static void CALLBACK
on_bus(void *argument, BOOLEAN timed_out)
{
        struct view *view = argument;
        const struct weir_event *event;
        const struct weir_frame *frame;

        (void)timed_out;
        while (weir_next(view->bus, WEIR_NOW, &event) == WEIR_OK)
                while (event->kind == WEIR_FRAMES && weir_take(event->subscriber, WEIR_NOW, &frame) == WEIR_OK) {
                        InterlockedIncrement(&view->frames);
                        weir_release(frame);
                }
        if (view->frames == view->wanted)
                SetEvent(view->done);
}

Test(event_win32, the_pool_of_threads_is_driven_by_the_handle)
{
        struct view view = { .bus = kit_host(), .wanted = 500, .done = CreateEventW(NULL, TRUE, FALSE, NULL) };
        struct kit_child publisher = kit_start(play_publisher);
        struct weir_subscriber *s;
        HANDLE wait;

        kit_hear(publisher.line);
        kit_ok(weir_subscriber_open(&s, view.bus, "a", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        kit_must(RegisterWaitForSingleObject(&wait, weir_wakeup(view.bus), on_bus, &view, INFINITE,
                                             WT_EXECUTEINWAITTHREAD));
        kit_say(publisher.line, 500);
        cr_assert(eq(u32, (uint32_t)WaitForSingleObject(view.done, 30000), WAIT_OBJECT_0));
        kit_must(UnregisterWaitEx(wait, INVALID_HANDLE_VALUE));
        kit_say(publisher.line, 0);
        kit_end(&publisher);
        weir_close(view.bus);
}
