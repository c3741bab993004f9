/*
 * The service control manager, which starts a service's process and hears from it how it is:
 *
 *      START_PENDING   from the start on        RUNNING       it listens
 *      STOP_PENDING    it says goodbye          STOPPED       with what it ended; the last word
 *
 * It has no word for a reload, for a status line or for being alive, so those are not told. Only a process that was
 * started as a service has somebody to tell: see wr_notify_serve.
 */
#include "broker/notify.h"

#include "broker/loop_win32.h"

#include <windows.h>

enum { HINT_MS = 10000 }; /* how long a start or an end may take until the manager thinks it hangs */

static struct {
        SERVICE_STATUS_HANDLE manager; /* 0: nobody to tell */
        enum weir_result (*run)(void *argument);
        void *argument;
        enum weir_result result;
} service;

static void
report(DWORD state, DWORD code)
{
        SERVICE_STATUS status = {
                .dwServiceType = SERVICE_WIN32_OWN_PROCESS,
                .dwCurrentState = state,
                .dwControlsAccepted = state == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN |
                                                                         SERVICE_ACCEPT_PARAMCHANGE
                                                               : 0,
                .dwWin32ExitCode = code == 0 ? NO_ERROR : ERROR_SERVICE_SPECIFIC_ERROR,
                .dwServiceSpecificExitCode = code,
                .dwWaitHint = state == SERVICE_RUNNING || state == SERVICE_STOPPED ? 0 : HINT_MS,
        };

        if (service.manager)
                SetServiceStatus(service.manager, &status);
}

/* Called in the manager's thread. */
static DWORD WINAPI
on_control(DWORD control, DWORD kind, void *data, void *context)
{
        (void)kind;
        (void)data;
        (void)context;
        switch (control) {
        case SERVICE_CONTROL_STOP:
        case SERVICE_CONTROL_SHUTDOWN:
                report(SERVICE_STOP_PENDING, 0);
                wr_loop_service_stops();
                return NO_ERROR;
        case SERVICE_CONTROL_PARAMCHANGE: wr_loop_service_reloads(); return NO_ERROR;
        case SERVICE_CONTROL_INTERROGATE: return NO_ERROR;
        default: return ERROR_CALL_NOT_IMPLEMENTED;
        }
}

static void WINAPI
service_main(DWORD count, wchar_t **arguments)
{
        (void)count;
        (void)arguments;
        service.manager = RegisterServiceCtrlHandlerExW(L"weir", on_control, NULL);
        report(SERVICE_START_PENDING, 0);
        service.result = service.run(service.argument);
        report(SERVICE_STOPPED, service.result < 0 ? (DWORD)-service.result : 0);
}

enum weir_result
wr_notify_serve(enum weir_result (*run)(void *argument), void *argument)
{
        wchar_t name[] = L"weir";
        const SERVICE_TABLE_ENTRYW table[] = { { name, service_main }, { NULL, NULL } };

        service.run = run;
        service.argument = argument;
        return StartServiceCtrlDispatcherW(table) ? service.result : WEIR_E_USAGE;
}

void
wr_notify_open(struct wr_notify *notify)
{
        *notify = (struct wr_notify){ .socket = WR_NO_OBJECT };
}

void
wr_notify_close(struct wr_notify *notify)
{
        (void)notify;
}

void
wr_notify_ready(struct wr_notify *notify)
{
        (void)notify;
        report(SERVICE_RUNNING, 0);
}

void
wr_notify_reloading(struct wr_notify *notify, int64_t now_ns)
{
        (void)notify;
        (void)now_ns;
}

void
wr_notify_stopping(struct wr_notify *notify, const char *reason)
{
        (void)notify;
        (void)reason;
        report(SERVICE_STOP_PENDING, 0);
}

void
wr_notify_failed(struct wr_notify *notify, const char *sentence)
{
        (void)notify;
        (void)sentence; /* the exit code is all that the manager takes; the sentence is in the log */
}

void
wr_notify_turn(struct wr_notify *notify, int64_t now_ns, const char *status)
{
        (void)notify;
        (void)now_ns;
        (void)status;
}
