/*
 * A child and its pipes.
 *
 *      stdin    ours to close: the child ends then         WEIR_DEMO_DATA   the handle for the frames of the pass
 * through stdout   one JSON object, its report                                 a pipe, in its environment
 *
 * All children are in a job that ends them when the last handle to it is closed, and so when the demo ends, however.
 * They have no console, so that Ctrl-C is ours alone. The viewer has a token in which Administrators count for denials
 * only, in that of the stranger its user does, too.
 */
#include "clients/demo/demo_arguments.h"
#include "clients/demo/demo_child.h"
#include "clients/demo/demo_text_win32.h"
#include "clients/demo/demo_token_win32.h"

#include <stdlib.h>
#include <string.h>

enum { PIPE_BYTES = 1 << 20, PATIENCE_MS = 20000, LOOK_MS = 10, LINE_UNITS = 4 * DEMO_FILE_PATH, PIECE = 1 << 30 };

static const wchar_t data_variable[] = L"WEIR_DEMO_DATA";

static HANDLE data_end = INVALID_HANDLE_VALUE; /* in the child */

/* The ends of the three pipes that the child gets, and ours. */
struct ends {
        HANDLE input[2], report[2], data[2]; /* to read from, to write to */
};

static void
close_end(HANDLE *end)
{
        if (*end != NULL)
                CloseHandle(*end);
        *end = NULL;
}

static void
close_ends(struct ends *ends)
{
        for (int i = 0; i < 2; i++) {
                close_end(&ends->input[i]);
                close_end(&ends->report[i]);
                close_end(&ends->data[i]);
        }
}

static bool
inherited(HANDLE end)
{
        return SetHandleInformation(end, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
}

static bool
open_ends(struct ends *ends, bool wants_data)
{
        return CreatePipe(&ends->input[0], &ends->input[1], NULL, 0) &&
               CreatePipe(&ends->report[0], &ends->report[1], NULL, 0) && inherited(ends->input[0]) &&
               inherited(ends->report[1]) &&
               (!wants_data ||
                (CreatePipe(&ends->data[0], &ends->data[1], NULL, PIPE_BYTES) && inherited(ends->data[1])));
}

/* The job of all children; NULL: GetLastError(). */
static HANDLE
job(void)
{
        static HANDLE made;
        JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = { .BasicLimitInformation = {
                                                                .LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE } };

        if (made == NULL)
                made = CreateJobObjectW(NULL, NULL);
        if (made != NULL)
                SetInformationJobObject(made, JobObjectExtendedLimitInformation, &limits, sizeof limits);
        return made;
}

/* The environment that the child begins with: ours, with its door, and the handle for its frames. */
static bool
tell(const struct demo_plan *plan, const char *package, HANDLE data)
{
        wchar_t wide[2 * DEMO_PATH], number[DEMO_NUMBER_TEXT];
        char door[2 * DEMO_PATH];

        demo_plan_door(plan, package, door);
        _snwprintf(number, DEMO_NUMBER_TEXT, L"%llu", (unsigned long long)(uintptr_t)data);
        return demo_text_widen(door, wide, 2 * DEMO_PATH) && SetEnvironmentVariableW(L"WEIR_BROKER", wide) &&
               SetEnvironmentVariableW(data_variable, data != NULL ? number : NULL);
}

/* Every word in quotes; none has one in itself, nor ends in a backslash. */
static bool
write_line(wchar_t line[LINE_UNITS], const char *command, const char *const *arguments)
{
        char *text = malloc(LINE_UNITS);
        size_t used = text != NULL ? (size_t)snprintf(text, LINE_UNITS, "\"%s\" demo", command) : LINE_UNITS;
        bool written;

        for (; *arguments != NULL && used < LINE_UNITS; arguments++)
                used += (size_t)snprintf(text + used, LINE_UNITS - used, " \"%s\"", *arguments);
        if (used >= LINE_UNITS)
                SetLastError(ERROR_FILENAME_EXCED_RANGE);
        written = used < LINE_UNITS && demo_text_widen(text, line, LINE_UNITS);
        free(text);
        return written;
}

/* Suspended until it is in the job: else one that is ended in between would stay. */
static HANDLE
spawn(const struct demo_plan *plan, wchar_t *line, const struct ends *ends, HANDLE token)
{
        STARTUPINFOW startup = { .cb = sizeof startup,
                                 .dwFlags = STARTF_USESTDHANDLES,
                                 .hStdInput = ends->input[0],
                                 .hStdOutput = ends->report[1],
                                 .hStdError = GetStdHandle(STD_ERROR_HANDLE) };
        DWORD flags = CREATE_SUSPENDED | DETACHED_PROCESS;
        wchar_t command[DEMO_FILE_PATH];
        PROCESS_INFORMATION made;

        if (job() == NULL || !demo_text_widen(plan->command, command, DEMO_FILE_PATH))
                return NULL;
        if (token != NULL
                    ? !CreateProcessAsUserW(token, command, line, NULL, NULL, TRUE, flags, NULL, NULL, &startup, &made)
                    : !CreateProcessW(command, line, NULL, NULL, TRUE, flags, NULL, NULL, &startup, &made))
                return NULL;
        if (!AssignProcessToJobObject(job(), made.hProcess)) {
                TerminateProcess(made.hProcess, 1);
                CloseHandle(made.hThread);
                CloseHandle(made.hProcess);
                return NULL;
        }
        ResumeThread(made.hThread);
        CloseHandle(made.hThread);
        return made.hProcess;
}

static HANDLE
start(const struct demo_plan *plan, const char *package, const char *role, enum demo_kind kind, struct ends *ends)
{
        wchar_t *line = malloc(LINE_UNITS * sizeof *line);
        struct demo_arguments arguments;
        bool less = strcmp(role, "camera") != 0;
        HANDLE token = NULL, process = NULL;

        demo_arguments_compose(&arguments, &plan->options, role, kind, plan->video);
        if (line != NULL && write_line(line, plan->command, arguments.list) && open_ends(ends, kind == DEMO_PIPE) &&
            (!less || (token = demo_token_less(strcmp(role, "stranger") == 0)) != NULL) &&
            tell(plan, package, ends->data[1]))
                process = spawn(plan, line, ends, token);
        close_end(&token);
        free(line);
        return process;
}

/* An end that the child structure keeps; it is not ours any more. */
static intptr_t
keep(HANDLE *end)
{
        intptr_t stream = *end != NULL ? (intptr_t)*end : DEMO_NO_STREAM;

        *end = NULL;
        return stream;
}

bool
demo_child_start(struct demo_child *child, const struct demo_plan *plan, const char *package, const char *role,
                 enum demo_kind kind)
{
        struct ends ends = { .input = { NULL } };

        *child = DEMO_CHILD_NONE;
        child->process = (intptr_t)start(plan, package, role, kind, &ends);
        if (child->process == 0) {
                demo_text_failed(package);
        } else {
                child->input = keep(&ends.input[1]);
                child->report = keep(&ends.report[0]);
                child->data = keep(&ends.data[0]);
        }
        close_ends(&ends);
        return child->process != 0;
}

int
demo_child_read(struct demo_child *child, void *to, uint64_t size)
{
        uint64_t got = 0;

        while (got < size) {
                uint64_t left = size - got;
                DWORD n = 0;

                if (!ReadFile((HANDLE)child->data, (char *)to + got, left < PIECE ? (DWORD)left : PIECE, &n, NULL))
                        return GetLastError() == ERROR_BROKEN_PIPE && got == 0 ? 0 : -1;
                got += n;
        }
        return 1;
}

/* A pipe of Windows cannot be waited for, so it is looked at. False: nothing came in that time. */
static bool
reports(const struct demo_child *child, DWORD timeout_ms)
{
        DWORD waited_ms = 0, ready = 0;

        if (child->process == 0)
                return true;
        for (; waited_ms < timeout_ms; waited_ms += LOOK_MS) {
                if (!PeekNamedPipe((HANDLE)child->report, NULL, 0, NULL, &ready, NULL) || ready > 0 ||
                    WaitForSingleObject((HANDLE)child->process, LOOK_MS) != WAIT_TIMEOUT)
                        return true;
        }
        return false;
}

void
demo_child_await_report(const struct demo_child *child, int timeout_ms)
{
        reports(child, (DWORD)timeout_ms);
}

void
demo_child_kill(struct demo_child *child)
{
        if (child->process != 0)
                TerminateProcess((HANDLE)child->process, 1);
}

/* Waits so long at most. False: it runs. */
static bool
reap(struct demo_child *child, DWORD timeout_ms)
{
        DWORD code = 0;

        if (child->process == 0)
                return true;
        if (WaitForSingleObject((HANDLE)child->process, timeout_ms) == WAIT_TIMEOUT)
                return false;
        GetExitCodeProcess((HANDLE)child->process, &code);
        CloseHandle((HANDLE)child->process);
        child->status = (int)code;
        child->process = 0;
        return true;
}

bool
demo_child_ended(struct demo_child *child)
{
        return reap(child, 0);
}

static void
close_stream(intptr_t *stream)
{
        if (*stream != DEMO_NO_STREAM)
                CloseHandle((HANDLE)*stream);
        *stream = DEMO_NO_STREAM;
}

/* For jansson. */
static size_t
read_report(void *to, size_t room, void *report)
{
        DWORD n = 0;

        return ReadFile(report, to, (DWORD)room, &n, NULL) ? n : 0;
}

json_t *
demo_child_finish(struct demo_child *child)
{
        json_t *report = NULL;

        close_stream(&child->input);
        close_stream(&child->data);
        if (!reports(child, PATIENCE_MS))
                demo_child_kill(child);
        if (child->report != DEMO_NO_STREAM)
                report = json_load_callback(read_report, (HANDLE)child->report, JSON_DISABLE_EOF_CHECK, NULL);
        close_stream(&child->report);
        reap(child, INFINITE);
        return report;
}

void
demo_child_begin(const struct demo_options *options, json_t *report)
{
        wchar_t number[DEMO_NUMBER_TEXT];

        (void)options, (void)report; /* the job ends us, and there is no sandbox to look at */
        if (GetEnvironmentVariableW(data_variable, number, DEMO_NUMBER_TEXT) != 0)
                data_end = (HANDLE)(uintptr_t)_wcstoui64(number, NULL, 10);
}

bool
demo_child_write(const void *data, uint64_t size)
{
        const char *bytes = data;

        while (size > 0) {
                DWORD n = 0;

                if (!WriteFile(data_end, bytes, size < PIECE ? (DWORD)size : PIECE, &n, NULL))
                        return false;
                bytes += n;
                size -= n;
        }
        return true;
}

const char *
demo_child_error(void)
{
        static char text[256];

        demo_text_error(GetLastError(), text, sizeof text);
        return text;
}

void
demo_child_await_end(void)
{
        HANDLE input = GetStdHandle(STD_INPUT_HANDLE);
        DWORD n;
        char byte;

        while (ReadFile(input, &byte, 1, &n, NULL) && n > 0)
                ;
}
