/* Children of a test: what one user may not do to another, and what a process may not do that has less rights. A child
 * answers by its exit status alone; 99 is "could not even begin". */
#ifndef WR_TEST_CHILD_H
#define WR_TEST_CHILD_H

#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_NOBODY = 65534, CHILD_STRANGER = 54321, CHILD_CANNOT_BEGIN = 99 };

/* Become another user for good, as if started by it: with its own files under /proc. Needs root before. */
static inline bool
child_become(uid_t user)
{
        return setgroups(0, NULL) == 0 && setresgid(user, user, user) == 0 && setresuid(user, user, user) == 0 &&
               prctl(PR_SET_DUMPABLE, 1) == 0;
}

/* Run `body` in a child that dies with us, as `user` unless that is 0. It leads a process group of its own. */
static inline pid_t
child_start(uid_t user, int (*body)(void *), void *argument)
{
        pid_t child = fork();

        if (child < 0)
                abort();       /* -1 to kill() would be everybody */
        setpgid(child, child); /* on both sides, so that it holds for whoever comes first */
        if (child != 0)
                return child;
        if (user != 0 && !child_become(user))
                _exit(CHILD_CANNOT_BEGIN);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a change of user clears it */
        _exit(body(argument));
}

/* Exit status, or 1000 and the signal that ended it. */
static inline int
child_wait(pid_t child)
{
        int status = 0;

        while (waitpid(child, &status, 0) < 0)
                ;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Kills it and what it started: bubblewrap asks to die with its parent only after its program has begun, so killing
 * the outermost process alone may leave a sandbox behind that keeps our stdout open. */
static inline void
child_end(pid_t child)
{
        kill(-child, SIGKILL);
        child_wait(child);
}

static inline int
child_run(uid_t user, int (*body)(void *), void *argument)
{
        return child_wait(child_start(user, body, argument));
}

#endif
