/*
 *      weir-bench.exe ARGUMENT... --role=NAME,SECTION,BYTES,NUMBER
 *
 * SECTION is the number of the page's handle, which the child inherits as it inherits all that is made to be. The
 * supervisor is in a job, and its children are born into it: the job ends with its last handle, which is the
 * supervisor's. Children are in a group of their own, so that Ctrl-C is the supervisor's alone.
 */
#include "bench/child.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum { ROLE_BYTES = 128, PATH_MAX_WIDE = 4096, BAD_ROLE = 3 };

static const struct bench_role *const roles[] = { &bench_role_end, &bench_role_answer };
static HANDLE stop; /* a manual-reset event, while there is a watch */

/* ---- in the child ---- */

static const struct bench_role *
role_find(const char *name, size_t length)
{
        for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
                if (strlen(roles[i]->name) == length && strncmp(roles[i]->name, name, length) == 0)
                        return roles[i];
        return NULL;
}

void
bench_child_begin(int argc, char **argv)
{
        static const char prefix[] = "--role=";
        const char *text = argc > 1 ? argv[argc - 1] : "";
        struct bench_shared page = { 0 };
        const struct bench_role *role;
        uint64_t section;
        int number;

        if (strncmp(text, prefix, sizeof prefix - 1) != 0)
                return;
        text += sizeof prefix - 1;
        role = role_find(text, strcspn(text, ","));
        text += strcspn(text, ",");
        if (role == NULL || sscanf(text, ",%" SCNx64 ",%" SCNu64 ",%d", &section, &page.bytes, &number) != 3)
                _exit(BAD_ROLE);
        page.object = (intptr_t)section;
        if (!bench_shared_attach(&page))
                _exit(BAD_ROLE);
        _exit(role->play(page.address, number));
}

/* ---- in the supervisor ---- */

/* Once. The handle is closed by the end of this process and by nothing else. */
static bool
job_enter(void)
{
        JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = { 0 };
        static bool is_inside;
        HANDLE job;

        if (is_inside)
                return true;
        job = CreateJobObjectW(NULL, NULL);
        limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
        is_inside = job != NULL &&
                    SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits) &&
                    AssignProcessToJobObject(job, GetCurrentProcess());
        if (job != NULL && !is_inside)
                CloseHandle(job);
        return is_inside;
}

/* Ours and one argument more; malloc'ed. */
static wchar_t *
command_line(const struct bench_role *role, const struct bench_shared *page, int number)
{
        const wchar_t *own = GetCommandLineW();
        size_t room = wcslen(own) + ROLE_BYTES;
        wchar_t *line = malloc(room * sizeof *line);
        char text[ROLE_BYTES];
        size_t length;

        if (line == NULL)
                return NULL;
        snprintf(text, sizeof text, " --role=%s,%" PRIx64 ",%" PRIu64 ",%d", role->name, (uint64_t)page->object,
                 page->bytes, number);
        wcscpy(line, own);
        length = wcslen(line);
        for (size_t i = 0; i <= strlen(text); i++) /* ASCII */
                line[length + i] = (wchar_t)text[i];
        return line;
}

/* Its streams are ours. */
static bool
process_create(wchar_t *line, PROCESS_INFORMATION *process)
{
        STARTUPINFOW startup = { .cb = sizeof startup,
                                 .dwFlags = STARTF_USESTDHANDLES,
                                 .hStdInput = GetStdHandle(STD_INPUT_HANDLE),
                                 .hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE),
                                 .hStdError = GetStdHandle(STD_ERROR_HANDLE) };
        wchar_t path[PATH_MAX_WIDE];
        DWORD length = GetModuleFileNameW(NULL, path, PATH_MAX_WIDE);

        return length > 0 && length < PATH_MAX_WIDE &&
               CreateProcessW(path, line, NULL, NULL, TRUE, CREATE_NEW_PROCESS_GROUP, NULL, NULL, &startup, process) !=
                       0;
}

bool
bench_child_start(struct bench_child *child, const struct bench_role *role, const struct bench_shared *page, int number)
{
        wchar_t *line = command_line(role, page, number);
        PROCESS_INFORMATION process;
        bool started = line != NULL && job_enter() && process_create(line, &process);

        *child = (struct bench_child){ 0 };
        free(line);
        if (!started)
                return false;
        child->process = (intptr_t)process.hProcess;
        CloseHandle(process.hThread);
        return true;
}

/* Called in a thread of its own. */
static BOOL WINAPI
on_console(DWORD kind)
{
        (void)kind;
        SetEvent(stop);
        return TRUE;
}

bool
bench_watch_begin(void)
{
        stop = CreateEventW(NULL, TRUE, FALSE, NULL);
        return stop != NULL && SetConsoleCtrlHandler(on_console, TRUE);
}

void
bench_watch_end(void)
{
        if (stop == NULL)
                return;
        SetConsoleCtrlHandler(on_console, FALSE);
        CloseHandle(stop);
        stop = NULL;
}

int
bench_watch(const struct bench_child children[2], int timeout_ms)
{
        HANDLE objects[3] = { stop };
        int which[3] = { BENCH_WATCH_INTERRUPT };
        DWORD count = 1, ended;

        for (int i = 0; i < 2; i++) {
                if (children[i].process == 0)
                        continue;
                which[count] = i;
                objects[count++] = (HANDLE)children[i].process;
        }
        ended = WaitForMultipleObjects(count, objects, FALSE, (DWORD)timeout_ms);
        return ended - WAIT_OBJECT_0 < count ? which[ended - WAIT_OBJECT_0] : BENCH_WATCH_NOBODY;
}

unsigned int
bench_child_collect(struct bench_child *child)
{
        DWORD code = 1;

        WaitForSingleObject((HANDLE)child->process, INFINITE);
        GetExitCodeProcess((HANDLE)child->process, &code);
        CloseHandle((HANDLE)child->process);
        *child = (struct bench_child){ 0 };
        return code;
}

void
bench_child_kill(struct bench_child *child)
{
        if (child->process == 0)
                return;
        TerminateProcess((HANDLE)child->process, 1);
        bench_child_collect(child);
}

bool
bench_child_lives(const struct bench_child *child)
{
        return WaitForSingleObject((HANDLE)child->process, 0) == WAIT_TIMEOUT;
}
