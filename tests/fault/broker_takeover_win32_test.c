/*
 * One broker follows another on Windows: pipes of higher generations, locks that stopped processes keep. A broker is
 * this program in a process of its own: told so by its environment, it ends before Criterion begins.
 */
#include "broker/broker.h"
#include "bus/layout.h"
#include "bus/message.h"
#include "tests/contract/endpoint_kit.h"

#include <winternl.h>

NTSYSAPI LONG NTAPI
NtSuspendProcess(HANDLE process);
NTSYSAPI LONG NTAPI
NtResumeProcess(HANDLE process);

TestSuite(broker_takeover_win32, .init = kit_begin, .fini = kit_end, .timeout = 90);

#define CHILD     "WEIR_TAKEOVER_CHILD"
#define SECOND_NS INT64_C(1000000000)

enum { NOBODY = 0, END_MS = 20000, FULL_CODE = 40, FAILED_CODE = 41 };

__attribute__((constructor)) static void
child_begin(void)
{
        char address[512], config[MAX_PATH + 64];
        struct weir_broker_options options = { .size = sizeof options, .address = address, .config = config };
        DWORD length = GetEnvironmentVariableA(CHILD, address, sizeof address);
        HANDLE file;
        int result;

        if (length == 0 || length >= sizeof address)
                return;
        GetTempPathA(MAX_PATH, config);
        snprintf(config + strlen(config), 64, "weir-%lu.conf", GetCurrentProcessId());
        file = CreateFileA(config, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, CREATE_ALWAYS, 0, NULL);
        CloseHandle(file);
        result = weir_broker_run(&options);
        DeleteFileA(config);
        ExitProcess(result == WEIR_OK ? 0 : result == WEIR_FULL ? FULL_CODE : FAILED_CODE);
}

/* Ends the brokers with us, whatever becomes of the test. */
static void
tie(HANDLE broker)
{
        static HANDLE job;
        JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = { 0 };

        if (!job) {
                job = CreateJobObjectW(NULL, NULL);
                limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
                SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits);
        }
        cr_assert(ne(int, AssignProcessToJobObject(job, broker), 0));
}

static HANDLE
broker_start(void)
{
        STARTUPINFOW start = { .cb = sizeof start };
        PROCESS_INFORMATION child;
        wchar_t program[MAX_PATH];

        cr_assert(ne(int, GetModuleFileNameW(NULL, program, MAX_PATH), 0));
        SetEnvironmentVariableA(CHILD, path);
        cr_assert(ne(int, CreateProcessW(program, NULL, NULL, NULL, FALSE, 0, NULL, NULL, &start, &child), 0));
        SetEnvironmentVariableA(CHILD, NULL);
        CloseHandle(child.hThread);
        tie(child.hProcess);
        return child.hProcess;
}

static DWORD
broker_end(HANDLE broker)
{
        DWORD code = 0;

        cr_assert(eq(ulong, WaitForSingleObject(broker, END_MS), WAIT_OBJECT_0));
        GetExitCodeProcess(broker, &code);
        CloseHandle(broker);
        return code;
}

/* Says HELLO. Returns the kind of the answer, or NOBODY within half a second. */
static int
answer(void)
{
        struct wr_message message = { .kind = WR_HELLO,
                                      .request = 1,
                                      .hello = { .layout = WR_LAYOUT, .name = "test" } };
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        wr_object connection, objects[16];
        size_t size, count = 16;
        struct wr_watch watch = { .read = true };
        int kind = NOBODY;

        if (wr_endpoint_connect(&connection, path, why, sizeof why) != WEIR_OK)
                return NOBODY;
        watch.object = connection;
        if (wr_endpoint_send(connection, bytes, wr_message_encode(&message, bytes), NULL, 0) == WEIR_OK) {
                wr_watch_wait(&watch, 1, SECOND_NS / 2);
                if (wr_endpoint_receive(connection, bytes, sizeof bytes, &size, objects, &count) == WEIR_OK &&
                    wr_message_decode(bytes, size, &message, NULL) == WEIR_OK)
                        kind = (int)message.kind;
        }
        wr_object_close(connection);
        return kind;
}

static void
await_broker(void)
{
        int64_t until_ns = wr_clock_ns() + 30 * SECOND_NS;
        int kind = NOBODY;

        while (kind != WR_WELCOME && wr_clock_ns() < until_ns)
                kind = answer();
        cr_assert(eq(int, kind, WR_WELCOME), "%s", why);
}

Test(broker_takeover_win32, there_is_one_broker_at_an_address)
{
        HANDLE first = broker_start();

        await_broker();
        cr_assert(eq(ulong, broker_end(broker_start()), FULL_CODE));
        cr_assert(eq(int, answer(), WR_WELCOME));
        TerminateProcess(first, 1);
}

Test(broker_takeover_win32, one_that_is_stopped_is_deposed_and_ends_when_it_wakes)
{
        HANDLE first = broker_start(), second;

        await_broker();
        NtSuspendProcess(first);
        cr_assert(eq(int, answer(), NOBODY));
        second = broker_start();
        await_broker();
        NtResumeProcess(first);
        cr_assert(eq(ulong, broker_end(first), 0));
        cr_assert(eq(int, answer(), WR_WELCOME));
        TerminateProcess(second, 1);
}

Test(broker_takeover_win32, one_that_was_killed_is_followed_at_once)
{
        HANDLE first = broker_start(), second;

        await_broker();
        TerminateProcess(first, 1);
        broker_end(first);
        cr_assert(eq(int, answer(), NOBODY));
        second = broker_start();
        await_broker();
        TerminateProcess(second, 1);
}
