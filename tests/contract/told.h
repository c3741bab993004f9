/*
 * What each system says to a daemon that is to end, said to oneself:
 *
 *                       Linux      Windows, where each child has a console of its own (told_start)
 *      TOLD_TO_END      SIGTERM    Ctrl-Break
 *      TOLD_BY_KEY      SIGINT     Ctrl-C
 *
 * and to read its rules again: SIGHUP; what the handler of a service says (there is none to be had in a test).
 */
#ifndef WR_TEST_TOLD_H
#define WR_TEST_TOLD_H

#include "broker/loop.h"
#include "tests/contract/kit_child.h"

#include <stdbool.h>

enum told { TOLD_TO_END, TOLD_BY_KEY };

#ifdef _WIN32
#        include "broker/loop_win32.h"

static KIT_UNUSED void
told_to_reload(void)
{
        wr_loop_service_reloads();
}

/* The console's host tells a process in this way: a thread that begins at CtrlRoutine. Where no console is to be had,
 * as in a test run under Wine, we begin it. */
static KIT_UNUSED void
told_self(enum told what)
{
        DWORD event = what == TOLD_TO_END ? CTRL_BREAK_EVENT : CTRL_C_EVENT;
        HMODULE base = GetModuleHandleW(L"kernelbase");
        void (*routine)(void) = (void (*)(void))GetProcAddress(base, "CtrlRoutine");
        LPTHREAD_START_ROUTINE begin;
        HANDLE thread;

        if (GenerateConsoleCtrlEvent(event, 0))
                return;
        memcpy(&begin, &routine, sizeof begin);
        kit_must(begin != NULL);
        thread = CreateThread(NULL, 0, begin, (void *)(uintptr_t)event, 0, NULL);
        kit_must(thread != NULL);
        CloseHandle(thread);
}

static KIT_UNUSED const char *
told_name(enum told what)
{
        return what == TOLD_TO_END ? "Ctrl-Break" : "Ctrl-C";
}

/* What kit_end() says of a process that the word ended at once; Wine says 0. */
static KIT_UNUSED bool
told_ended(int status, enum told what)
{
        (void)what;
        return status == (int)STATUS_CONTROL_C_EXIT || status == 0;
}

/* In a console of its own: ours would hear what it is told. */
static KIT_UNUSED struct kit_child
told_start(void (*play)(int line))
{
        struct kit_child child;

        kit_creation = CREATE_NO_WINDOW;
        child = kit_start(play);
        kit_creation = 0;
        return child;
}
#else
static KIT_UNUSED void
told_to_reload(void)
{
        raise(SIGHUP);
}

static KIT_UNUSED void
told_self(enum told what)
{
        raise(what == TOLD_TO_END ? SIGTERM : SIGINT);
}

static KIT_UNUSED const char *
told_name(enum told what)
{
        return what == TOLD_TO_END ? "SIGTERM" : "SIGINT";
}

/* What kit_end() says of a process that the word ended at once. */
static KIT_UNUSED bool
told_ended(int status, enum told what)
{
        return WIFSIGNALED(status) && WTERMSIG(status) == (what == TOLD_TO_END ? SIGTERM : SIGINT);
}

static KIT_UNUSED struct kit_child
told_start(void (*play)(int line))
{
        return kit_start(play);
}
#endif

#endif
