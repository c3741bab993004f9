/* Processes of a test, each with a line to it, and the folder that they meet in. */
#ifndef WR_PROCESS_KIT_H
#define WR_PROCESS_KIT_H

#include "tests/stress/must.h"

#include <weir/broker.h>

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOON (INT64_C(60) * 1000000000)

struct process {
        pid_t pid;
        int line;
};

static char folder[64];

/* In the child, which dies with the test, pid is 0 and the line is its own end. */
static STRESS_UNUSED struct process
process_fork(int kind)
{
        int line[2];
        pid_t pid;

        must(socketpair(AF_UNIX, kind | SOCK_CLOEXEC, 0, line) == 0);
        fflush(NULL);
        pid = fork();
        must(pid >= 0);
        if (pid == 0)
                prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(line[pid != 0]);
        return (struct process){ pid, line[pid == 0] };
}

static STRESS_UNUSED void
process_leave(void)
{
        fflush(NULL);
        _exit(0);
}

/* 0: it ended as it should. */
static STRESS_UNUSED int
finish(struct process *process)
{
        int status = -1;

        must(waitpid(process->pid, &status, 0) == process->pid);
        close(process->line);
        return status != 0;
}

static STRESS_UNUSED void
slay(struct process *process)
{
        kill(process->pid, SIGKILL);
        finish(process);
}

/* Of int64_t, for qsort(). */
static STRESS_UNUSED int
by_size(const void *a, const void *b)
{
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

        return (x > y) - (x < y);
}

#endif
