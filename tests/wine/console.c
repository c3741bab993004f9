/*
 * console.exe PROGRAM ARGUMENTS...: runs a program in a console, presses Ctrl-C there, and ends as the program does.
 *
 * Each byte of the standard input is one press; the end of the input is none. The program's own input is a pipe to
 * which nobody ever writes, and its outputs are ours. The key is everybody's in the console, so that we overhear it.
 * (Wine 8 has no Ctrl-Break to press: ERROR_INVALID_HANDLE.)
 */
#include <stdbool.h>
#include <stdio.h>
#include <wchar.h>
#include <windows.h>

static BOOL WINAPI
overhear(DWORD kind)
{
        (void)kind;
        return TRUE;
}

static int
fail(const char *what)
{
        fprintf(stderr, "console: %s: error %lu\n", what, (unsigned long)GetLastError());
        return 99;
}

/* The command line behind our own name, quoted as whoever called has quoted it. */
static wchar_t *
program_line(void)
{
        wchar_t *line = GetCommandLineW();

        if (*line == L'"')
                line = wcschr(line + 1, L'"') + 1;
        line += wcscspn(line, L" ");
        return line + wcsspn(line, L" ");
}

static bool
start(PROCESS_INFORMATION *process)
{
        SECURITY_ATTRIBUTES inherited = { .nLength = sizeof inherited, .bInheritHandle = TRUE };
        STARTUPINFOW startup = { .cb = sizeof startup, .dwFlags = STARTF_USESTDHANDLES };
        HANDLE silent;

        if (!CreatePipe(&startup.hStdInput, &silent, &inherited, 0))
                return false;
        SetHandleInformation(silent, HANDLE_FLAG_INHERIT, 0); /* else the program would hold its own input open */
        startup.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
        startup.hStdError = GetStdHandle(STD_ERROR_HANDLE);
        SetHandleInformation(startup.hStdOutput, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
        SetHandleInformation(startup.hStdError, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
        return CreateProcessW(NULL, program_line(), NULL, NULL, TRUE, 0, NULL, NULL, &startup, process);
}

int
main(void)
{
        HANDLE in = GetStdHandle(STD_INPUT_HANDLE), out = GetStdHandle(STD_OUTPUT_HANDLE);
        HANDLE err = GetStdHandle(STD_ERROR_HANDLE);
        PROCESS_INFORMATION process;
        DWORD code = 0, got = 0;
        char press;

        FreeConsole(); /* Wine has half of one where there is no terminal */
        if (!AllocConsole())
                return fail("no console");
        SetStdHandle(STD_INPUT_HANDLE, in); /* a new console brings its own */
        SetStdHandle(STD_OUTPUT_HANDLE, out);
        SetStdHandle(STD_ERROR_HANDLE, err);
        SetConsoleCtrlHandler(overhear, TRUE);
        if (!start(&process))
                return fail("the program does not start");
        while (ReadFile(in, &press, 1, &got, NULL) && got == 1)
                if (!GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0))
                        return fail("no key is pressed");
        WaitForSingleObject(process.hProcess, INFINITE);
        GetExitCodeProcess(process.hProcess, &code);
        return (int)code;
}
