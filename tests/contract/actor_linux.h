/* Included by actor.h alone. */
#ifndef WR_TEST_ACTOR_LINUX_H
#define WR_TEST_ACTOR_LINUX_H

#include "named-objects/lifeline.h"
#include "named-objects/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ACTOR_OBJECTS_MAX = 160, ACTOR_PATH_MAX = 1024, ACTOR_NUMBER_MAX = 24 };
enum { ACTOR_TURNS_ENOUGH = 40000 }; /* of all contenders of a lock together */

struct actor {
        pid_t process;
};

/* Where it lies, beside the test's program. */
static inline void
actor_path(char *path, size_t room)
{
        const char *root = getenv("WEIR_BUILD_ROOT");

        snprintf(path, room, "%s/tests/contract/actor", root ? root : ".");
}

static inline void
actor_exec(const char *role, const char *argument, const wr_object *objects, size_t count)
{
        char path[ACTOR_PATH_MAX], numbers[ACTOR_OBJECTS_MAX][ACTOR_NUMBER_MAX];
        char *arguments[ACTOR_OBJECTS_MAX + 4] = { path, (char *)(uintptr_t)role, (char *)(uintptr_t)argument };

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        actor_path(path, sizeof path);
        for (size_t i = 0; i < count; i++) {
                fcntl(objects[i], F_SETFD, 0);
                snprintf(numbers[i], sizeof numbers[i], "%d", objects[i]);
                arguments[3 + i] = numbers[i];
        }
        execv(path, arguments);
        fprintf(stderr, "%s: error %d\n", path, errno);
        _exit(99);
}

static inline struct actor
actor_start(const char *role, const char *argument, const wr_object *objects, size_t count)
{
        pid_t child = fork();

        if (child < 0)
                abort();
        if (child == 0)
                actor_exec(role, argument, objects, count);
        return (struct actor){ child };
}

static inline int
actor_wait(struct actor *actor)
{
        int status = 0;

        while (waitpid(actor->process, &status, 0) < 0)
                ;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* As if it had crashed. */
static inline void
actor_kill(const struct actor *actor)
{
        kill(actor->process, SIGKILL);
}

/* Until the kernel shows its first thread as sleeping. */
static inline void
actor_until_asleep(const struct actor *actor)
{
        char path[64], state = 'R';

        snprintf(path, sizeof path, "/proc/%d/stat", (int)actor->process);
        while (state != 'S') {
                FILE *file = fopen(path, "r");

                if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
                        abort();
                fclose(file);
                sched_yield();
        }
}

/* Nobody finds a region by its name here. */
static inline enum weir_result
actor_open(char *argument)
{
        (void)argument;
        return WEIR_E_USAGE;
}

/* An actor that lives until it is killed, and the end of its life-line to watch. */
static inline struct actor
actor_with_line(wr_object *watched)
{
        struct actor actor;
        wr_object held;

        if (wr_lifeline_create(WR_NO_OBJECT, &held, watched) < 0)
                abort();
        actor = actor_start("wait", "-", &held, 1);
        wr_object_close(held);
        return actor;
}

/* Descriptors of this process. */
static inline uint32_t
actor_objects_now(void)
{
        return wr_watch_objects_now();
}

#endif
