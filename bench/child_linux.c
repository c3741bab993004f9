#include "bench/child.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static int stops = -1; /* signalfd, while there is a watch */
static sigset_t mask_before;

void
bench_child_begin(int argc, char **argv)
{
        (void)argc;
        (void)argv;
}

/* It never returns: what the supervisor registered for its own exit is not the child's. */
static _Noreturn void
live(const struct bench_role *role, const struct bench_shared *page, int number)
{
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (stops >= 0)
                sigprocmask(SIG_SETMASK, &mask_before, NULL);
        signal(SIGPIPE, SIG_IGN);
        _exit(role->play(page->address, number));
}

bool
bench_child_start(struct bench_child *child, const struct bench_role *role, const struct bench_shared *page, int number)
{
        pid_t pid = fork();
        int pidfd;

        *child = (struct bench_child){ 0 };
        if (pid == 0)
                live(role, page, number);
        if (pid < 0)
                return false;
        child->process = pid;
        pidfd = pidfd_open(pid, 0);
        if (pidfd >= 0) {
                child->watched = pidfd;
                return true;
        }
        bench_child_kill(child);
        return false;
}

bool
bench_watch_begin(void)
{
        sigset_t asked;

        sigemptyset(&asked);
        sigaddset(&asked, SIGINT);
        sigaddset(&asked, SIGTERM);
        sigprocmask(SIG_BLOCK, &asked, &mask_before);
        stops = signalfd(-1, &asked, SFD_CLOEXEC);
        if (stops < 0)
                sigprocmask(SIG_SETMASK, &mask_before, NULL);
        return stops >= 0;
}

void
bench_watch_end(void)
{
        if (stops < 0)
                return;
        close(stops);
        stops = -1;
        sigprocmask(SIG_SETMASK, &mask_before, NULL);
}

int
bench_watch(const struct bench_child children[2], int timeout_ms)
{
        struct pollfd polls[3] = { { .fd = stops, .events = POLLIN } };

        for (int i = 0; i < 2; i++)
                polls[1 + i] = (struct pollfd){ .fd = children[i].process != 0 ? (int)children[i].watched : -1,
                                                .events = POLLIN };
        if (poll(polls, 3, timeout_ms) <= 0)
                return BENCH_WATCH_NOBODY;
        if (polls[0].revents != 0)
                return BENCH_WATCH_INTERRUPT;
        return polls[1].revents != 0 ? 0 : 1;
}

unsigned int
bench_child_collect(struct bench_child *child)
{
        int status = 0;

        waitpid((pid_t)child->process, &status, 0);
        close((int)child->watched);
        *child = (struct bench_child){ 0 };
        return (unsigned int)status;
}

void
bench_child_kill(struct bench_child *child)
{
        if (child->process == 0)
                return;
        kill((pid_t)child->process, SIGKILL);
        waitpid((pid_t)child->process, NULL, 0);
        if (child->watched > 0)
                close((int)child->watched);
        *child = (struct bench_child){ 0 };
}

bool
bench_child_lives(const struct bench_child *child)
{
        siginfo_t info = { 0 };

        return waitid(P_PID, (id_t)child->process, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}
