#include "clients/cli/system.h"

#include "named-objects/path_win32.h"

#include <fcntl.h>
#include <io.h>
#include <process.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/weir.h>
#include <windows.h>

#include <shellapi.h> /* needs the types of the one above */

const char cli_system_addresses[] =
        "%WEIR_BROKER%, else at \\\\.\\pipe\\weir-SID-SESSION, the user's\n"
        "in this session (in an AppContainer also \\\\.\\pipe\\LOCAL\\weir), and then at \\\\.\\pipe\\weir-system.\n";

static void (*caught)(int number);
static HANDLE main_thread, interrupted; /* the thread that reads; a manual-reset event */

/* UTF-8, malloc'ed, or NULL. */
static char *
narrow(const wchar_t *wide)
{
        int size = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
        char *text = size > 0 ? malloc((size_t)size) : NULL;

        if (text != NULL)
                WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, size, NULL, NULL);
        return text;
}

static void
arguments_narrow(int *argc, char ***argv)
{
        int count;
        wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), &count);
        char **list = wide != NULL ? calloc((size_t)count + 1, sizeof *list) : NULL;

        for (int i = 0; list != NULL && i < count; i++) {
                list[i] = narrow(wide[i]);
                if (list[i] == NULL)
                        list[i] = (char *)"";
        }
        LocalFree(wide);
        if (list == NULL)
                return; /* no memory: as the C library has them */
        *argc = count;
        *argv = list;
}

void
cli_system_begin(int *argc, char ***argv)
{
        arguments_narrow(argc, argv);
        SetConsoleOutputCP(CP_UTF8);
        _setmode(0, _O_BINARY);
        _setmode(1, _O_BINARY);
        _setmode(2, _O_BINARY);
        setvbuf(stderr, NULL, _IONBF, 0); /* else what is said into a file or a pipe appears at the end */
        interrupted = CreateEventW(NULL, TRUE, FALSE, NULL);
        DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), &main_thread, 0, FALSE,
                        DUPLICATE_SAME_ACCESS);
}

/* Called in a thread of its own. */
static BOOL WINAPI
on_console(DWORD kind)
{
        void (*on_signal)(int) = caught;

        if (on_signal == NULL)
                return FALSE;
        on_signal(kind == CTRL_C_EVENT || kind == CTRL_BREAK_EVENT ? 2 : 15);
        SetEvent(interrupted);
        CancelSynchronousIo(main_thread); /* nothing under way: nothing happens */
        return TRUE;
}

void
cli_system_catch(void (*on_signal)(int number))
{
        caught = on_signal;
        SetConsoleCtrlHandler(on_console, on_signal != NULL);
}

bool
cli_system_sleep_until(int64_t when_ns)
{
        int64_t left_ns;

        while ((left_ns = when_ns - weir_now()) > 0) {
                int64_t left_ms = left_ns / 1000000;

                if (left_ms > 1000)
                        left_ms = 1000;
                if (WaitForSingleObject(interrupted, (DWORD)left_ms) == WAIT_OBJECT_0)
                        return false;
        }
        return true;
}

intptr_t
cli_system_input(const char *path)
{
        wchar_t wide[WR_PATH_WIDE_MAX];

        if (strcmp(path, "-") == 0)
                return (intptr_t)GetStdHandle(STD_INPUT_HANDLE);
        if (!wr_path_wide(path, wide, WR_PATH_WIDE_MAX)) {
                SetLastError(ERROR_INVALID_NAME);
                return -1;
        }
        return (intptr_t)CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                                     OPEN_EXISTING, FILE_FLAG_SEQUENTIAL_SCAN, NULL);
}

void
cli_system_input_close(intptr_t input)
{
        if ((HANDLE)input != GetStdHandle(STD_INPUT_HANDLE))
                CloseHandle((HANDLE)input);
}

int64_t
cli_system_read(intptr_t input, void *to, size_t room)
{
        DWORD got = 0, most = room < 1 << 30 ? (DWORD)room : 1 << 30;

        if (WaitForSingleObject(interrupted, 0) == WAIT_OBJECT_0)
                return CLI_READ_INTERRUPTED;
        if (ReadFile((HANDLE)input, to, most, &got, NULL))
                return got;
        switch (GetLastError()) {
        case ERROR_BROKEN_PIPE: return 0; /* whoever wrote is done */
        case ERROR_OPERATION_ABORTED: return CLI_READ_INTERRUPTED;
        default: return CLI_READ_FAILED;
        }
}

const char *
cli_system_error(void)
{
        static char text[512];
        DWORD code = GetLastError();
        size_t length = FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, code, 0, text,
                                       sizeof text, NULL);

        while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r' || text[length - 1] == '.'))
                text[--length] = '\0';
        if (length == 0)
                snprintf(text, sizeof text, "error %lu of the system", (unsigned long)code);
        return text;
}

bool
cli_system_absolute(const char *path, char *absolute, size_t room)
{
        wchar_t wide[WR_PATH_WIDE_MAX];

        return wr_path_wide(path, wide, WR_PATH_WIDE_MAX) &&
               WideCharToMultiByte(CP_UTF8, 0, wide, -1, absolute, (int)room, NULL, NULL) > 0;
}

bool
cli_system_folder(char *folder, size_t room)
{
        wchar_t wide[WR_PATH_WIDE_MAX];
        DWORD length = GetModuleFileNameW(NULL, wide, WR_PATH_WIDE_MAX);
        char *slash;

        if (length == 0 || length == WR_PATH_WIDE_MAX ||
            WideCharToMultiByte(CP_UTF8, 0, wide, -1, folder, (int)room, NULL, NULL) <= 0)
                return false;
        slash = strrchr(folder, '\\');
        if (slash == NULL)
                return false;
        *slash = '\0';
        return true;
}

bool
cli_system_program(char *path, size_t room)
{
        wchar_t wide[WR_PATH_WIDE_MAX];
        size_t length = strlen(path);

        if (length + sizeof ".exe" > room)
                return false;
        strcpy(path + length, ".exe");
        return wr_path_wide(path, wide, WR_PATH_WIDE_MAX) && GetFileAttributesW(wide) != INVALID_FILE_ATTRIBUTES;
}

/* Behind the program's name, which ends at the first space that is not between quotes. */
static const wchar_t *
arguments_of(const wchar_t *line)
{
        bool is_quoted = false;

        for (; *line != L'\0' && (is_quoted || (*line != L' ' && *line != L'\t')); line++)
                is_quoted = is_quoted != (*line == L'"');
        return line + wcsspn(line, L" \t");
}

/* The command line behind our own name goes on as it came, quoted once by whoever called; the verb first as in argv. */
void
cli_system_become(const char *path, char **argv)
{
        wchar_t wide[WR_PATH_WIDE_MAX], *line = _wcsdup(arguments_of(GetCommandLineW()));
        STARTUPINFOW startup = { .cb = sizeof startup };
        PROCESS_INFORMATION process;
        DWORD code = 1;

        (void)argv;
        if (line == NULL || !wr_path_wide(path, wide, WR_PATH_WIDE_MAX) ||
            !CreateProcessW(wide, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process)) {
                free(line);
                return;
        }
        WaitForSingleObject(process.hProcess, INFINITE);
        GetExitCodeProcess(process.hProcess, &code);
        exit((int)code);
}

void
cli_system_hide(void)
{
        HWND window = GetConsoleWindow();
        DWORD processes[2];

        if (window != NULL && GetConsoleProcessList(processes, 2) == 1) /* else it is somebody else's, too */
                ShowWindow(window, SW_HIDE);
}
