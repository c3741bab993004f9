/*
 * The other end of a test: a process that plays a part, and a line of words between it and the test. It dies with the
 * test.
 *
 *      Linux      forked; the line is a socket pair
 *      Windows    the same program again, which runs the part instead of the tests: the part is told by its distance
 *                 from the program's beginning. What the test had in its variables is not there: what a part needs
 *                 comes over the line
 */
#ifndef KIT_CHILD_H
#define KIT_CHILD_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KIT_UNUSED __attribute__((unused))

#define kit_must(condition)                                                             \
        do {                                                                            \
                if (!(condition)) {                                                     \
                        fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
                        abort();                                                        \
                }                                                                       \
        } while (0)

/* ---- the line ---- */

static KIT_UNUSED void
kit_say(int line, uint64_t word)
{
        kit_must(write(line, &word, sizeof word) == sizeof word);
}

static KIT_UNUSED uint64_t
kit_hear(int line)
{
        uint64_t word;

        kit_must(read(line, &word, sizeof word) == sizeof word);
        return word;
}

/* More than a word, at once on one side and on the other. */
static KIT_UNUSED void
kit_write(int line, const void *bytes, size_t size)
{
        for (size_t went = 0; went < size;) {
                int more = (int)write(line, (const char *)bytes + went, (unsigned)(size - went));

                kit_must(more > 0);
                went += (size_t)more;
        }
}

static KIT_UNUSED void
kit_read(int line, void *bytes, size_t size)
{
        for (size_t came = 0; came < size;) {
                int more = (int)read(line, (char *)bytes + came, (unsigned)(size - came));

                kit_must(more > 0);
                came += (size_t)more;
        }
}

static char kit_place[80];

#ifdef _WIN32

#        include <fcntl.h>
#        include <io.h>
#        include <windows.h>

#        include <winternl.h>

enum { KIT_BEGINS_US = 80000 }; /* a child has begun its part in half of this, about */

struct kit_child {
        HANDLE process;
        DWORD pid;
        int line;
};

/* Where this test's broker listens; nobody else's. */
static KIT_UNUSED const char *
kit_address(void)
{
        const char *given = getenv("KIT_PLACE");

        if (!kit_place[0] && given)
                snprintf(kit_place, sizeof kit_place, "%s", given);
        else if (!kit_place[0])
                snprintf(kit_place, sizeof kit_place, "\\\\.\\pipe\\weir-test-%lu-%lu",
                         (unsigned long)GetCurrentProcessId(), (unsigned long)GetTickCount());
        return kit_place;
}

/* A path for a file of this test's. */
static KIT_UNUSED const char *
kit_file(void)
{
        static char path[512];
        DWORD length = GetTempPathA(400, path);

        kit_must(length > 0 && length < 400);
        snprintf(path + length, sizeof path - length, "%s.conf", strrchr(kit_address(), '\\') + 1);
        return path;
}

static KIT_UNUSED void
kit_clean(void)
{
        DeleteFileA(kit_file());
}

/* In a process that is to play a part: before main. */
static __attribute__((constructor)) void
kit_play(void)
{
        const char *part = getenv("KIT_PART"), *line = getenv("KIT_LINE");
        void (*play)(int);
        uintptr_t address;
        intptr_t handle;

        if (!part || !line)
                return;
        setvbuf(stderr, NULL, _IONBF, 0);
        address = (uintptr_t)GetModuleHandleW(NULL) + strtoull(part, NULL, 16);
        handle = (intptr_t)strtoull(line, NULL, 16);
        _putenv("KIT_PART="); /* from here on `part` and `line` may be gone */
        memcpy(&play, &address, sizeof play);
        play(_open_osfhandle(handle, _O_BINARY));
        _exit(0);
}

/* Ends with the last handle of the job, which is the test's. */
static void
kit_bind_to_test(HANDLE process)
{
        static HANDLE job;
        JOBOBJECT_EXTENDED_LIMIT_INFORMATION limit = { .BasicLimitInformation.LimitFlags =
                                                               JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE };

        if (!job) {
                job = CreateJobObjectW(NULL, NULL);
                SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limit, sizeof limit);
        }
        kit_must(AssignProcessToJobObject(job, process));
}

/* Both ends of a line: the test's, and one that a child inherits. */
static void
kit_line(HANDLE *ours, HANDLE *theirs)
{
        static unsigned count;
        SECURITY_ATTRIBUTES inherited = { sizeof inherited, NULL, TRUE };
        char name[80];

        snprintf(name, sizeof name, "\\\\.\\pipe\\kit-%lu-%u", (unsigned long)GetCurrentProcessId(), count++);
        *ours = CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE | PIPE_WAIT, 1, 4096, 4096, 0, NULL);
        kit_must(*ours != INVALID_HANDLE_VALUE);
        *theirs = CreateFileA(name, GENERIC_READ | GENERIC_WRITE, 0, &inherited, OPEN_EXISTING, 0, NULL);
        kit_must(*theirs != INVALID_HANDLE_VALUE);
        kit_must(ConnectNamedPipe(*ours, NULL) || GetLastError() == ERROR_PIPE_CONNECTED);
}

static KIT_UNUSED DWORD kit_creation; /* more flags for the next child */

/* token: NULL, as we are. */
static KIT_UNUSED struct kit_child
kit_start_as(HANDLE token, void (*play)(int line))
{
        STARTUPINFOW startup = { .cb = sizeof startup };
        DWORD flags = CREATE_SUSPENDED | kit_creation;
        PROCESS_INFORMATION process;
        struct kit_child child;
        wchar_t program[1024];
        HANDLE ours, theirs;
        char text[32];

        kit_line(&ours, &theirs);
        SetEnvironmentVariableA("KIT_PLACE", kit_address());
        snprintf(text, sizeof text, "%llx", (unsigned long long)((uintptr_t)play - (uintptr_t)GetModuleHandleW(NULL)));
        SetEnvironmentVariableA("KIT_PART", text);
        snprintf(text, sizeof text, "%llx", (unsigned long long)(uintptr_t)theirs);
        SetEnvironmentVariableA("KIT_LINE", text);
        kit_must(GetModuleFileNameW(NULL, program, 1024) < 1024);
        kit_must(token != NULL
                         ? CreateProcessAsUserW(token, program, NULL, NULL, NULL, TRUE, flags, NULL, NULL, &startup,
                                                &process)
                         : CreateProcessW(program, NULL, NULL, NULL, TRUE, flags, NULL, NULL, &startup, &process));
        SetEnvironmentVariableA("KIT_PART", NULL);
        SetEnvironmentVariableA("KIT_LINE", NULL);
        kit_bind_to_test(process.hProcess);
        ResumeThread(process.hThread);
        CloseHandle(process.hThread);
        CloseHandle(theirs);
        child.process = process.hProcess;
        child.pid = process.dwProcessId;
        child.line = _open_osfhandle((intptr_t)ours, _O_BINARY);
        return child;
}

static KIT_UNUSED struct kit_child
kit_start(void (*play)(int line))
{
        return kit_start_as(NULL, play);
}

/* 0: it played its part to the end. */
static KIT_UNUSED int
kit_end(struct kit_child *child)
{
        DWORD code = 1;

        kit_must(WaitForSingleObject(child->process, INFINITE) == WAIT_OBJECT_0);
        GetExitCodeProcess(child->process, &code);
        CloseHandle(child->process);
        close(child->line);
        return (int)code;
}

static KIT_UNUSED int
kit_has_ended(const struct kit_child *child)
{
        return WaitForSingleObject(child->process, 0) == WAIT_OBJECT_0;
}

static KIT_UNUSED void
kit_kill(struct kit_child *child)
{
        TerminateProcess(child->process, 9);
        kit_end(child);
}

NTSYSAPI NTSTATUS NTAPI
NtSuspendProcess(HANDLE process);
NTSYSAPI NTSTATUS NTAPI
NtResumeProcess(HANDLE process);

/* All its threads stand still from now on. */
static KIT_UNUSED void
kit_freeze(struct kit_child *child)
{
        kit_must(NtSuspendProcess(child->process) >= 0);
}

static KIT_UNUSED void
kit_thaw(struct kit_child *child)
{
        kit_must(NtResumeProcess(child->process) >= 0);
}

static void CALLBACK
kit_alarm_rings(void *call, BOOLEAN timed_out)
{
        void (*ring)(void);

        (void)timed_out;
        memcpy(&ring, &call, sizeof ring);
        ring();
}

/* Calls it a little later: as a handler of the console is, in a thread of the system's. */
static KIT_UNUSED void
kit_alarm(void (*call)(void))
{
        HANDLE timer;
        void *address;

        memcpy(&address, &call, sizeof address);
        kit_must(CreateTimerQueueTimer(&timer, NULL, kit_alarm_rings, address, 20, 0, WT_EXECUTEONLYONCE));
}

#else

#        include <signal.h>
#        include <sys/prctl.h>
#        include <sys/socket.h>
#        include <sys/wait.h>

enum { KIT_BEGINS_US = 8000 }; /* a child has begun its part in half of this, about */

struct kit_child {
        pid_t pid;
        int line;
};

static char kit_folder[64];

/* Where this test's broker listens; nobody else's. */
static KIT_UNUSED const char *
kit_address(void)
{
        if (!kit_place[0]) {
                strcpy(kit_folder, "/tmp/weir-test-XXXXXX");
                if (!mkdtemp(kit_folder))
                        abort();
                snprintf(kit_place, sizeof kit_place, "%s/bus", kit_folder);
        }
        return kit_place;
}

/* A path for a file of this test's. */
static KIT_UNUSED const char *
kit_file(void)
{
        static char path[128];

        snprintf(path, sizeof path, "%s.conf", kit_address());
        return path;
}

static KIT_UNUSED void
kit_clean(void)
{
        char command[128];

        if (kit_folder[0]) {
                snprintf(command, sizeof command, "rm -rf %s", kit_folder);
                if (system(command) != 0)
                        perror(command);
        }
}

static KIT_UNUSED struct kit_child
kit_start(void (*play)(int line))
{
        struct kit_child child;
        int line[2];

        kit_address();
        kit_must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line) == 0);
        child.pid = fork();
        kit_must(child.pid >= 0);
        if (child.pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                close(line[0]);
                play(line[1]);
                _exit(0);
        }
        close(line[1]);
        child.line = line[0];
        return child;
}

/* Exit status as wait() tells it; 0: it played its part to the end. */
static KIT_UNUSED int
kit_end(struct kit_child *child)
{
        int status = -1;

        kit_must(waitpid(child->pid, &status, 0) == child->pid);
        close(child->line);
        return status;
}

static KIT_UNUSED int
kit_has_ended(const struct kit_child *child)
{
        siginfo_t ended = { 0 };

        kit_must(waitid(P_PID, (id_t)child->pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0);
        return ended.si_pid == child->pid;
}

static KIT_UNUSED void
kit_kill(struct kit_child *child)
{
        kill(child->pid, SIGKILL);
        kit_end(child);
}

/* All its threads stand still from now on. */
static KIT_UNUSED void
kit_freeze(struct kit_child *child)
{
        kill(child->pid, SIGSTOP);
        kit_must(waitpid(child->pid, NULL, WUNTRACED) == child->pid);
}

static KIT_UNUSED void
kit_thaw(struct kit_child *child)
{
        kill(child->pid, SIGCONT);
}

static void (*kit_alarm_call)(void);

static void
kit_alarm_rings(int signal)
{
        (void)signal;
        kit_alarm_call();
}

/* Calls it a little later, in a signal handler. */
static KIT_UNUSED void
kit_alarm(void (*call)(void))
{
        kit_alarm_call = call;
        signal(SIGALRM, kit_alarm_rings);
        ualarm(20000, 0);
}

#endif
#endif
