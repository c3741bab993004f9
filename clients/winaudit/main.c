/*
 * weir-winaudit: does this Windows do what weir's design takes for granted?
 *
 * The same program is its own child in other tokens (--child) and its own service (--service-role).
 */
#include "clients/winaudit/audit.h"
#include "clients/winaudit/service.h"
#include "clients/winaudit/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 64, EXIT_SELF_TEST = 2 };

typedef LONG(WINAPI *version_function)(RTL_OSVERSIONINFOW *);

static struct audit audit;

static const char help[] =
        "usage: weir-winaudit [OPTION...]\n"
        "\n"
        "Tries on this machine what weir takes for granted of Windows and Wine cannot show. Each line says what was\n"
        "called, what came of it, and what is expected. Starts children in an AppContainer, at low integrity and with\n"
        "restricted tokens; removes at its end what it made. Run it twice: as a user, and as an administrator.\n"
        "\n"
        "  --service          also through a service in session 0, which is installed and removed (administrator)\n"
        "  --hosted PID       also look at a process of a hosted app\n"
        "  --inbound FAMILY   also look for this family name among the loopback exemptions, while\n"
        "                     CheckNetIsolation LoopbackExempt -is -n=FAMILY runs in another window\n"
        "  --theme NAME       only one theme; --list shows them\n"
        "  --list             the checks, without trying them\n"
        "  --self-test        turn one expectation round: the audit has to call that line different\n"
        "  --help             this text\n"
        "\n"
        "Exit status: 0 nothing differs, 1 something does (or nothing could be tried), 2 the self-test failed.\n";

static volatile LONG stop_wanted;

/* In a thread of its own: the audit ends behind the check that is under way, and this process with it. */
static BOOL WINAPI
interrupted(DWORD event)
{
        (void)event;
        InterlockedExchange(&stop_wanted, 1);
        Sleep(INFINITE);
        return TRUE;
}

static bool
is_stopped(void)
{
        return InterlockedCompareExchange(&stop_wanted, 0, 0) != 0;
}

static LONG WINAPI
crashed(EXCEPTION_POINTERS *what)
{
        fprintf(stderr, "weir-winaudit: crashed with 0x%08lx; what it made is removed\n",
                what->ExceptionRecord->ExceptionCode);
        audit_end(&audit);
        return EXCEPTION_EXECUTE_HANDLER;
}

static void
list_checks(void)
{
        for (size_t i = 0; audit_themes[i] != NULL; i++) {
                printf("%s\n", audit_themes[i]->name);
                for (size_t at = 0; at < audit_themes[i]->count; at++)
                        printf("        %s\n", audit_themes[i]->checks[at].name);
        }
}

static bool
is_theme(const char *name)
{
        for (size_t i = 0; audit_themes[i] != NULL; i++)
                if (strcmp(audit_themes[i]->name, name) == 0)
                        return true;
        return false;
}

/* The next argument as the value of the option; false: there is none. */
static bool
value_of(char **arguments, int *at, const char **value)
{
        *value = arguments[*at + 1];
        if (*value != NULL)
                ++*at;
        return *value != NULL;
}

/* False: what stands at *bad is not understood. */
static bool
read_options(char **arguments, struct audit_options *options, const char **bad)
{
        for (int i = 1; arguments[i] != NULL; i++) {
                const char *argument = *bad = arguments[i], *value = NULL;

                if (strcmp(argument, "--self-test") == 0)
                        options->self_test = true;
                else if (strcmp(argument, "--service") == 0)
                        options->service = true;
                else if (strcmp(argument, "--theme") == 0 && value_of(arguments, &i, &value) && is_theme(value))
                        options->theme = value;
                else if (strcmp(argument, "--inbound") == 0 && value_of(arguments, &i, &value))
                        options->inbound = value;
                else if (strcmp(argument, "--hosted") == 0 && value_of(arguments, &i, &value) && atoi(value) > 0)
                        options->hosted = (DWORD)atoi(value);
                else
                        return false;
        }
        return true;
}

/* One check, judged and printed. *inverted: the self-test has turned a line round already. */
static enum audit_verdict
try_one(const struct audit_check *check, enum audit_verdict *inverted)
{
        struct audit_seen seen = { .tried = false };
        struct audit_expected windows = check->windows;
        enum audit_verdict verdict;
        char line[AUDIT_LINE_MAX];

        if (check->call != NULL)
                audit_called(&seen, "%s", check->call);
        check->run(&audit, check, &seen);
        verdict = audit_judge(&windows, &check->wine, &seen, audit.under_wine);
        if (audit.options.self_test && *inverted == AUDIT_VERDICTS && verdict == AUDIT_AS_EXPECTED) {
                windows = audit_invert(&windows);
                verdict = audit_judge(&windows, &check->wine, &seen, audit.under_wine);
                *inverted = verdict;
        }
        audit_line(line, sizeof line, check->name, &windows, &seen, verdict);
        puts(line);
        fflush(stdout);
        return verdict;
}

static int
try_all(void)
{
        enum audit_verdict inverted = AUDIT_VERDICTS;
        struct audit_totals totals = { .counts = { 0 } };
        char line[AUDIT_LINE_MAX];

        for (size_t i = 0; audit_themes[i] != NULL && !is_stopped(); i++) {
                const struct audit_theme *theme = audit_themes[i];

                if (audit.options.theme != NULL && strcmp(audit.options.theme, theme->name) != 0)
                        continue;
                printf("\n# %s\n", theme->name);
                for (size_t at = 0; at < theme->count && !is_stopped(); at++)
                        totals.counts[try_one(&theme->checks[at], &inverted)]++;
        }
        if (is_stopped()) {
                fputs("weir-winaudit: interrupted; removing what it made\n", stderr);
                return 1;
        }
        putchar('\n');
        if (audit.options.self_test && inverted != AUDIT_DIFFERENT)
                puts("the self-test failed: no line with its expectation turned round was called different");
        if (audit.under_wine)
                printf("%u differ under Wine, as known; they count as not applicable\n",
                       totals.counts[AUDIT_WINE_DIFFERS]);
        audit_totals_line(line, sizeof line, &totals);
        puts(line);
        return audit.options.self_test && inverted != AUDIT_DIFFERENT ? EXIT_SELF_TEST : audit_exit_status(&totals);
}

/* What a report has to say of where it was made. */
static void
print_machine(void)
{
        version_function version = (version_function)(void (*)(void))audit_find("ntdll", "RtlGetVersion");
        RTL_OSVERSIONINFOW system = { .dwOSVersionInfoSize = sizeof system };

        if (version != NULL)
                version(&system);
        printf("weir-winaudit, Windows %lu.%lu.%lu%s, session %lu, %s\n", system.dwMajorVersion, system.dwMinorVersion,
               system.dwBuildNumber, audit.under_wine ? " of Wine" : "", audit.session,
               audit.elevated ? "administrator" : "user");
}

static int
run_audit(void)
{
        HANDLE only = CreateMutexW(NULL, FALSE, L"weir-winaudit");
        int status;

        if (only == NULL || GetLastError() == ERROR_ALREADY_EXISTS) {
                fputs("weir-winaudit: another one runs; wait for its end\n", stderr);
                return EXIT_USAGE;
        }
        if (!audit_begin(&audit)) {
                fprintf(stderr, "weir-winaudit: this process cannot read its own token: error %lu\n", GetLastError());
                return EXIT_SELF_TEST;
        }
        SetConsoleCtrlHandler(interrupted, TRUE);
        SetUnhandledExceptionFilter(crashed);
        print_machine();
        status = try_all();
        audit_end(&audit);
        CloseHandle(only);
        return status;
}

int
main(int count, char **arguments)
{
        const char *bad = NULL;

        SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX); /* no windows that wait for somebody */
        if (count == 3 && strcmp(arguments[1], "--child") == 0) {
                audit_task_serve((HANDLE)(uintptr_t)strtoull(arguments[2], NULL, 10));
                return 0;
        }
        if (count == 3 && strcmp(arguments[1], "--service-role") == 0)
                return audit_service_run(arguments[2]);
        if (count == 2 && strcmp(arguments[1], "--help") == 0) {
                fputs(help, stdout);
                return 0;
        }
        if (count == 2 && strcmp(arguments[1], "--list") == 0) {
                list_checks();
                return 0;
        }
        if (!read_options(arguments, &audit.options, &bad)) {
                fprintf(stderr, "weir-winaudit: '%s' is not understood, or lacks its value; see --help\n", bad);
                return EXIT_USAGE;
        }
        return run_audit();
}
