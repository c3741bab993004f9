/* Included by actor.h alone. */
#ifndef WR_TEST_ACTOR_WIN32_H
#define WR_TEST_ACTOR_WIN32_H

#include "named-objects/grant_win32.h"
#include "named-objects/lifeline.h"
#include "tests/contract/kit_handles_win32.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

enum { ACTOR_OBJECTS_MAX = 160, ACTOR_PATH_MAX = 1024, ACTOR_NUMBER_MAX = 24 };
enum { ACTOR_TURNS_ENOUGH = 400 }; /* of all contenders of a lock together: a file takes longer here */

struct actor {
        HANDLE process;
};

/* Where it lies, beside the test's program. */
static inline void
actor_path(char *path, size_t room)
{
        const char *root = getenv("WEIR_BUILD_ROOT");

        snprintf(path, room, "%s/tests/contract/actor.exe", root ? root : ".");
}

/* Its command line, with a handle of the same rights for each object, which it inherits. */
static inline void
actor_line(char *line, size_t room, const char *role, const char *argument, const wr_object *objects, size_t count,
           HANDLE *inherited)
{
        char path[ACTOR_PATH_MAX];
        int used;

        actor_path(path, sizeof path);
        used = snprintf(line, room, "\"%s\" %s \"%s\"", path, role, argument);
        for (size_t i = 0; i < count; i++) {
                if (!DuplicateHandle(GetCurrentProcess(), objects[i], GetCurrentProcess(), &inherited[i], 0, TRUE,
                                     DUPLICATE_SAME_ACCESS))
                        abort();
                used += snprintf(line + used, room - (size_t)used, " %" PRIuPTR, (uintptr_t)inherited[i]);
        }
}

/* token: NULL, as we are. */
static inline struct actor
actor_start_as(HANDLE token, const char *role, const char *argument, const wr_object *objects, size_t count)
{
        char line[ACTOR_PATH_MAX + ACTOR_OBJECTS_MAX * ACTOR_NUMBER_MAX];
        STARTUPINFOA startup = { .cb = sizeof startup };
        HANDLE inherited[ACTOR_OBJECTS_MAX];
        PROCESS_INFORMATION made;
        BOOL is_started;

        actor_line(line, sizeof line, role, argument, objects, count, inherited);
        is_started = token != NULL
                             ? CreateProcessAsUserA(token, NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &made)
                             : CreateProcessA(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &made);
        for (size_t i = 0; i < count; i++)
                CloseHandle(inherited[i]);
        if (!is_started) {
                fprintf(stderr, "%s: error %lu\n", line, GetLastError());
                abort();
        }
        CloseHandle(made.hThread);
        return (struct actor){ made.hProcess };
}

static inline struct actor
actor_start(const char *role, const char *argument, const wr_object *objects, size_t count)
{
        return actor_start_as(NULL, role, argument, objects, count);
}

static inline int
actor_wait(struct actor *actor)
{
        DWORD status = 1000;

        WaitForSingleObject(actor->process, INFINITE);
        GetExitCodeProcess(actor->process, &status);
        CloseHandle(actor->process);
        return (int)status;
}

/* As if it had crashed. */
static inline void
actor_kill(const struct actor *actor)
{
        TerminateProcess(actor->process, 9);
}

/* Needless: an event that is set before somebody waits for it stays set. */
static inline void
actor_until_asleep(const struct actor *actor)
{
        (void)actor;
}

/* "RIGHTS NAME", rights in hex: opens the section of this name. */
static inline enum weir_result
actor_open(char *argument)
{
        HANDLE object;
        char *name;
        uint32_t rights = (uint32_t)strtoul(argument, &name, 16);

        return wr_grant_open(WR_GRANT_SECTION, name + 1, rights, &object);
}

/* An actor that lives until it is killed, and its life-line to watch. */
static inline struct actor
actor_with_line(wr_object *watched)
{
        struct actor actor = actor_start("wait", "-", NULL, 0);
        wr_object held;

        if (wr_lifeline_create(actor.process, &held, watched) < 0 || held != WR_NO_OBJECT)
                abort();
        return actor;
}

static inline uint32_t
actor_objects_now(void)
{
        return kit_handles_of(GetCurrentProcess());
}

#endif
