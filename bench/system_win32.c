#include "bench/system.h"

#include "bench/ticks.h"
#include "named-objects/path_win32.h"
#include "named-objects/random.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

const char *
bench_system_error(void)
{
        static char text[200];
        DWORD code = GetLastError();
        DWORD length = FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, code, 0, text,
                                      sizeof text, NULL);

        while (length > 0 && strchr("\r\n. ", text[length - 1]))
                text[--length] = '\0';
        if (length == 0)
                snprintf(text, sizeof text, "error %lu", (unsigned long)code);
        return text;
}

/* A count of 100 ns. */
static double
seconds_of(FILETIME time)
{
        return (double)((uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime) / 1e7;
}

double
bench_system_cpu_s(void)
{
        FILETIME created, ended, kernel, user;
        ULONG64 cycles = 0;

        /* Those of the counter that ticks are, on every Windows of ours. Wine has no such call and says so, or none. */
        if (bench_ticks_are_cycles && QueryProcessCycleTime(GetCurrentProcess(), &cycles) && cycles != 0)
                return (double)cycles * bench_tick_ns / 1e9;
        if (!GetProcessTimes(GetCurrentProcess(), &created, &ended, &kernel, &user))
                return 0;
        return seconds_of(kernel) + seconds_of(user);
}

bool
bench_system_terminal(void)
{
        HANDLE error = GetStdHandle(STD_ERROR_HANDLE);
        DWORD mode;

        return GetConsoleMode(error, &mode) && SetConsoleMode(error, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
}

FILE *
bench_system_open(const char *path, const char *mode)
{
        wchar_t wide[WR_PATH_WIDE_MAX];

        if (wr_path_wide(path, wide, WR_PATH_WIDE_MAX))
                return _wfopen(wide, mode[0] == 'r' ? L"rb" : L"wb");
        SetLastError(ERROR_INVALID_NAME);
        return NULL;
}

bool
bench_system_address_make(char *address, size_t room)
{
        int length =
                snprintf(address, room, "\\\\.\\pipe\\weir-bench-%016" PRIx64 "%016" PRIx64, wr_random(), wr_random());

        return length > 0 && (size_t)length < room;
}

void
bench_system_address_remove(const char *address)
{
        (void)address; /* pipes end with their processes, and so does the broker's lock */
}

/* What Windows says its processor is. */
static void
processor_read(char *name, DWORD room)
{
        static const char key[] = "HARDWARE\\DESCRIPTION\\System\\CentralProcessor\\0";

        if (RegGetValueA(HKEY_LOCAL_MACHINE, key, "ProcessorNameString", RRF_RT_REG_SZ, NULL, name, &room) != 0)
                strcpy(name, "unknown processor");
}

/* GetVersionEx answers what the program was made for. */
static void
kernel_read(char *name, size_t room, const char *wine)
{
        LONG(WINAPI * version)(OSVERSIONINFOW *);
        OSVERSIONINFOW info = { .dwOSVersionInfoSize = sizeof info };
        FARPROC found = GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "RtlGetVersion");

        memcpy(&version, &found, sizeof version);
        if (version)
                version(&info);
        snprintf(name, room, "Windows %lu.%lu.%lu%s%s", (unsigned long)info.dwMajorVersion,
                 (unsigned long)info.dwMinorVersion, (unsigned long)info.dwBuildNumber, wine ? " as told by Wine " : "",
                 wine ? wine : "");
}

void
bench_machine_read(struct bench_machine *machine)
{
        const char *(*wine_version)(void);
        FARPROC found = GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "wine_get_version");

        memcpy(&wine_version, &found, sizeof wine_version);
        *machine = (struct bench_machine){ .cores = (long)GetActiveProcessorCount(ALL_PROCESSOR_GROUPS) };
        processor_read(machine->processor, sizeof machine->processor);
        kernel_read(machine->kernel, sizeof machine->kernel, wine_version ? wine_version() : NULL);
        machine->caveat = wine_version ? "under Wine: no measure of Windows" : NULL;
}
