/* The loop's console and the objects that only Windows has. The second process is this program, which ends before
 * Criterion begins. */
#include "tests/contract/loop_kit.h"

TestSuite(loop_win32, .init = loop_begin, .fini = loop_end, .timeout = 60);

#define CHILD "WEIR_LOOP_CHILD"

enum { CHILD_FAILED = 3, CHILD_STOPPED = 4, CHILD_SURVIVED = 5 };

/* The console's host tells a process in this way: a thread that begins at CtrlRoutine. Where no console is to be had,
 * as in a test run under Wine, we begin it. */
static bool
console_say(DWORD event)
{
        HMODULE base = GetModuleHandleW(L"kernelbase");
        void (*routine)(void) = (void (*)(void))GetProcAddress(base, "CtrlRoutine");
        HANDLE thread;

        if (GenerateConsoleCtrlEvent(event, 0))
                return true;
        if (!routine)
                return false;
        thread = CreateThread(NULL, 0, (LPTHREAD_START_ROUTINE)routine, (void *)(uintptr_t)event, 0, NULL);
        return thread != NULL && CloseHandle(thread);
}

/* A daemon whose console says Ctrl-Break, and in the second life says it twice. */
static DWORD
child_serve(bool twice)
{
        if (wr_loop_open(&loop) != WEIR_OK || wr_loop_catch_signals(loop) != WEIR_OK || wr_loop_stopping(loop) ||
            !console_say(CTRL_BREAK_EVENT))
                return CHILD_FAILED;
        while (!wr_loop_stopping(loop)) {
                wr_loop_wait(loop, 20 * SECOND_NS);
                wr_loop_dispatch(loop);
        }
        if (strcmp(wr_loop_signal(loop), "Ctrl-Break") != 0 || wr_loop_hung_up(loop))
                return CHILD_FAILED;
        if (twice) {
                console_say(CTRL_BREAK_EVENT);
                Sleep(20000);
                return CHILD_SURVIVED;
        }
        wr_loop_close(loop);
        return CHILD_STOPPED;
}

__attribute__((constructor)) static void
child_begin(void)
{
        char kind[8];

        if (GetEnvironmentVariableA(CHILD, kind, sizeof kind) != 0)
                ExitProcess(strcmp(kind, "ends") == 0 ? 0 : child_serve(strcmp(kind, "twice") == 0));
}

/* In a console of its own. */
static HANDLE
child_start(const char *kind)
{
        STARTUPINFOW start = { .cb = sizeof start };
        PROCESS_INFORMATION child;
        wchar_t program[MAX_PATH];

        cr_assert(ne(int, GetModuleFileNameW(NULL, program, MAX_PATH), 0));
        SetEnvironmentVariableA(CHILD, kind);
        cr_assert(ne(int,
                     CreateProcessW(program, NULL, NULL, NULL, FALSE, CREATE_NO_WINDOW, NULL, NULL, &start, &child),
                     0));
        SetEnvironmentVariableA(CHILD, NULL);
        CloseHandle(child.hThread);
        return child.hProcess;
}

static DWORD
child_result(const char *kind)
{
        HANDLE child = child_start(kind);
        DWORD code = 0;

        cr_assert(eq(int, WaitForSingleObject(child, 30000), WAIT_OBJECT_0));
        GetExitCodeProcess(child, &code);
        CloseHandle(child);
        return code;
}

Test(loop_win32, the_consoles_word_stops_and_is_named)
{
        cr_assert(eq(ulong, child_result("once"), CHILD_STOPPED));
}

Test(loop_win32, its_second_word_ends_the_process)
{
        DWORD code = child_result("twice");

        cr_assert(code == STATUS_CONTROL_C_EXIT || code == 0, "%lu", code); /* Wine says 0 */
}

Test(loop_win32, a_process_that_ended_has_hung_up)
{
        HANDLE process = child_start("ends");
        struct counted hook;

        hook_on(&hook, process, WR_READY_READ);
        for (int i = 0; i < 3; i++) {
                await_call(&hook);
                cr_assert(eq(uint, hook.last, WR_READY_READ | WR_READY_HANGUP));
        }
        cr_assert(eq(int, wr_loop_change(loop, &hook.hook, 0), WEIR_OK));
        await_call(&hook);
        cr_assert(eq(uint, hook.last, WR_READY_HANGUP));
        wr_loop_remove(loop, &hook.hook);
}

Test(loop_win32, an_object_that_could_not_be_had_is_never_ready)
{
        struct counted hook;

        hook_on(&hook, WR_NO_OBJECT, WR_READY_READ | WR_READY_WRITE);
        expect_silence(&hook);
        cr_assert(eq(int, wr_loop_change(loop, &hook.hook, 0), WEIR_OK));
        wr_loop_remove(loop, &hook.hook);
}
