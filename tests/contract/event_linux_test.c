/* The native handle of Linux in epoll and in a main loop of GLib. */
#include "tests/contract/event_kit.h"

#include <glib-unix.h>
#include <glib.h>
#include <sys/epoll.h>

TestSuite(event_linux, .fini = kit_clean, .timeout = 60);

Test(event_linux, the_handle_wakes_epoll_for_each_frame_of_another_process)
{
        struct weir *bus = kit_host();
        struct weir_subscriber *s;
        struct kit_child publisher = kit_start(play_publisher);
        struct epoll_event wanted = { .events = EPOLLIN }, got;
        int set = epoll_create1(EPOLL_CLOEXEC);
        const struct weir_frame *frame;
        uint64_t count = 0;

        kit_hear(publisher.line);
        kit_ok(weir_subscriber_open(&s, bus, "a", NULL));
        cr_assert(zero(int, epoll_ctl(set, EPOLL_CTL_ADD, weir_wakeup(bus), &wanted)));
        for (int round = 0; round < 300; round++) { /* one frame, one wake: nothing but the handle says it is there */
                drain(bus);
                kit_say(publisher.line, 1);
                do
                        cr_assert(eq(int, epoll_wait(set, &got, 1, 20000), 1));
                while (drain(bus), kit_info(s).frames == count);
                count = kit_info(s).frames;
        }
        cr_assert(eq(u64, count, 300));
        kit_say(publisher.line, 0);
        kit_end(&publisher);
        (void)frame;
        weir_close(bus);
}

struct view {
        struct weir *bus;
        GMainLoop *loop;
        uint64_t frames;
        int left;
};

static gboolean
on_bus(gint handle, GIOCondition condition, gpointer user)
{
        struct view *view = user;
        const struct weir_event *event;
        const struct weir_frame *frame;

        (void)handle, (void)condition;
        while (weir_next(view->bus, WEIR_NOW, &event) == WEIR_OK) {
                while (event->kind == WEIR_FRAMES && weir_take(event->subscriber, WEIR_NOW, &frame) == WEIR_OK) {
                        view->frames += 1;
                        weir_release(frame);
                }
                if (event->kind == WEIR_LEFT)
                        g_main_loop_quit(view->loop);
        }
        return G_SOURCE_CONTINUE;
}

Test(event_linux, a_glib_main_loop_is_driven_by_the_handle)
{
        struct view view = { .bus = kit_host(), .loop = g_main_loop_new(NULL, FALSE) };
        struct weir_subscriber *s;
        struct kit_child publisher = kit_start(play_publisher);
        guint source;

        kit_hear(publisher.line);
        kit_ok(weir_subscriber_open(&s, view.bus, "a", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        source = g_unix_fd_add(weir_wakeup(view.bus), G_IO_IN, on_bus, &view);
        kit_say(publisher.line, 2000);
        kit_say(publisher.line, 0);
        g_main_loop_run(view.loop);
        cr_assert(eq(u64, view.frames, 2000));
        g_source_remove(source);
        g_main_loop_unref(view.loop);
        kit_end(&publisher);
        weir_close(view.bus);
}
