/* Included by event_kit.h alone: the native handle of Linux, in epoll and in a main loop of GLib. */
#ifndef WR_TEST_EVENT_LINUX_H
#define WR_TEST_EVENT_LINUX_H

#include <glib-unix.h>
#include <glib.h>
#include <sys/epoll.h>

#define NO_HANDLE (-1)

enum { ROUNDS = 300 };

/* Of the system's own wait, for the handle beside the end of a child. */
struct native_wait {
        int set;
};

static KIT_UNUSED struct native_wait
native_wait_open(struct weir *bus, const struct kit_child *beside)
{
        struct native_wait wait = { epoll_create1(EPOLL_CLOEXEC) };
        struct epoll_event bus_event = { .events = EPOLLIN, .data.u32 = 1 };
        struct epoll_event end_event = { .events = EPOLLRDHUP, .data.u32 = 2 };

        kit_must(epoll_ctl(wait.set, EPOLL_CTL_ADD, weir_wakeup(bus), &bus_event) == 0);
        kit_must(epoll_ctl(wait.set, EPOLL_CTL_ADD, beside->line, &end_event) == 0);
        return wait;
}

/* Did it wake for the handle, within twenty seconds? */
static KIT_UNUSED bool
native_wait_wakes(const struct native_wait *wait)
{
        struct epoll_event got;

        return epoll_wait(wait->set, &got, 1, 20000) == 1 && got.data.u32 == 1;
}

static KIT_UNUSED void
native_wait_close(const struct native_wait *wait)
{
        close(wait->set);
}

/* What the system calls when the handle says so: a main loop. */
struct native_loop {
        bool (*call)(void *user); /* false: that was all */
        void *user;
        GMainLoop *loop;
};

static KIT_UNUSED gboolean
native_loop_calls(gint handle, GIOCondition condition, gpointer user)
{
        struct native_loop *loop = user;

        (void)handle, (void)condition;
        if (!loop->call(loop->user))
                g_main_loop_quit(loop->loop);
        return G_SOURCE_CONTINUE;
}

/* Calls until that was all; `begin` once it waits. */
static KIT_UNUSED void
native_loop_run(struct native_loop *loop, struct weir *bus, void (*begin)(void *user))
{
        guint source;

        loop->loop = g_main_loop_new(NULL, FALSE);
        source = g_unix_fd_add(weir_wakeup(bus), G_IO_IN, native_loop_calls, loop);
        begin(loop->user);
        g_main_loop_run(loop->loop);
        g_source_remove(source);
        g_main_loop_unref(loop->loop);
}

#endif
