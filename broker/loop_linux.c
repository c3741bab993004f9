/*
 * epoll, level-triggered. What became ready is kept in a batch between wait and dispatch; a hook that is removed in
 * the meantime is struck out of the batch, so that a call-back may take down any connection, its own included.
 */
#include "broker/loop.h"

#include "bus/os/error.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { BATCH_MAX = 64, NS_PER_MS = 1000000 };

struct wr_loop {
        int epoll;
        struct wr_hook signals;
        sigset_t signals_before;
        bool catches_signals, hung_up;
        uint32_t stopping; /* the signal; 0: none */
        int ready_count;
        struct epoll_event ready[BATCH_MAX];
};

enum weir_result
wr_loop_open(struct wr_loop **loop)
{
        struct wr_loop *made = calloc(1, sizeof(*made));

        if (!made)
                return WEIR_E_NO_MEMORY;
        made->signals.object = WR_NO_OBJECT;
        made->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (made->epoll < 0) {
                enum weir_result result = wr_os_error(errno);

                free(made);
                return result;
        }
        *loop = made;
        return WEIR_OK;
}

void
wr_loop_close(struct wr_loop *loop)
{
        struct signalfd_siginfo late;

        if (!loop)
                return;
        /* One that came too late to be looked at must not end the process in the middle of its end. */
        while (loop->signals.object != WR_NO_OBJECT && read(loop->signals.object, &late, sizeof(late)) > 0)
                ;
        if (loop->catches_signals)
                pthread_sigmask(SIG_SETMASK, &loop->signals_before, NULL);
        wr_object_close(loop->signals.object);
        wr_object_close(loop->epoll);
        free(loop);
}

static struct epoll_event
event_of(struct wr_hook *hook, unsigned wanted)
{
        struct epoll_event event = { .data.ptr = hook };

        if (wanted & WR_READY_READ)
                event.events |= EPOLLIN;
        if (wanted & WR_READY_WRITE)
                event.events |= EPOLLOUT;
        hook->wanted = wanted;
        return event;
}

enum weir_result
wr_loop_add(struct wr_loop *loop, struct wr_hook *hook, unsigned wanted)
{
        struct epoll_event event = event_of(hook, wanted);

        if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, hook->object, &event) == 0)
                return WEIR_OK;
        return errno == ENOSPC ? WEIR_E_QUOTA : wr_os_error(errno);
}

enum weir_result
wr_loop_change(struct wr_loop *loop, struct wr_hook *hook, unsigned wanted)
{
        struct epoll_event event;

        if (hook->wanted == wanted)
                return WEIR_OK;
        event = event_of(hook, wanted);
        return epoll_ctl(loop->epoll, EPOLL_CTL_MOD, hook->object, &event) == 0 ? WEIR_OK : wr_os_error(errno);
}

void
wr_loop_remove(struct wr_loop *loop, struct wr_hook *hook)
{
        epoll_ctl(loop->epoll, EPOLL_CTL_DEL, hook->object, NULL);
        for (int i = 0; i < loop->ready_count; i++)
                if (loop->ready[i].data.ptr == hook)
                        loop->ready[i].data.ptr = NULL;
}

static void
signal_caught(struct wr_hook *hook, unsigned ready)
{
        struct wr_loop *loop = hook->owner;
        struct signalfd_siginfo info;
        sigset_t enders;

        (void)ready;
        if (read(hook->object, &info, sizeof(info)) <= 0)
                return;
        if (info.ssi_signo == SIGHUP) {
                loop->hung_up = true;
                return;
        }
        loop->stopping = info.ssi_signo;
        sigemptyset(&enders);
        sigaddset(&enders, SIGTERM);
        sigaddset(&enders, SIGINT);
        pthread_sigmask(SIG_UNBLOCK, &enders, NULL); /* one that is waiting already ends us here */
}

enum weir_result
wr_loop_catch_signals(struct wr_loop *loop)
{
        sigset_t caught;

        sigemptyset(&caught);
        sigaddset(&caught, SIGTERM);
        sigaddset(&caught, SIGINT);
        sigaddset(&caught, SIGHUP);
        loop->signals = (struct wr_hook){ .call = signal_caught, .owner = loop };
        loop->signals.object = signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK);
        if (loop->signals.object < 0)
                return wr_os_error(errno);
        pthread_sigmask(SIG_BLOCK, &caught, &loop->signals_before);
        loop->catches_signals = true;
        return wr_loop_add(loop, &loop->signals, WR_READY_READ);
}

bool
wr_loop_stopping(const struct wr_loop *loop)
{
        return loop->stopping != 0;
}

const char *
wr_loop_signal(const struct wr_loop *loop)
{
        return loop->stopping == 0 ? NULL : loop->stopping == SIGINT ? "SIGINT" : "SIGTERM";
}

bool
wr_loop_hung_up(struct wr_loop *loop)
{
        bool hung_up = loop->hung_up;

        loop->hung_up = false;
        return hung_up;
}

enum weir_result
wr_loop_wait(struct wr_loop *loop, int64_t timeout_ns)
{
        int64_t timeout_ms = timeout_ns <= 0 ? 0 : (timeout_ns - 1) / NS_PER_MS + 1;

        if (timeout_ms > INT32_MAX)
                timeout_ms = INT32_MAX;
        loop->ready_count = epoll_wait(loop->epoll, loop->ready, BATCH_MAX, (int)timeout_ms);
        if (loop->ready_count >= 0)
                return WEIR_OK;
        loop->ready_count = 0;
        return errno == EINTR ? WEIR_OK : wr_os_error(errno);
}

void
wr_loop_dispatch(struct wr_loop *loop)
{
        for (int i = 0; i < loop->ready_count; i++) {
                struct wr_hook *hook = loop->ready[i].data.ptr;
                uint32_t events = loop->ready[i].events;
                unsigned ready = 0;

                if (!hook)
                        continue;
                if (events & EPOLLIN)
                        ready |= WR_READY_READ;
                if (events & EPOLLOUT)
                        ready |= WR_READY_WRITE;
                if (events & (EPOLLHUP | EPOLLERR))
                        ready |= WR_READY_HANGUP;
                hook->call(hook, ready);
        }
        loop->ready_count = 0;
}
