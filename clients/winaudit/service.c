/*
 * The service that stands for a machine-wide broker: it makes what it is asked to, and its peer looks what arrives in
 * the user's session. It serves one client and then ends; without one it gives up after a minute.
 */
#include "clients/winaudit/service.h"

#include "clients/winaudit/folder.h"
#include "clients/winaudit/peer.h"
#include "named-objects/rights/sddl.h"

#include <stdio.h>
#include <string.h>

#define NAME "weir-winaudit"
#define PIPE "\\\\.\\pipe\\weir-winaudit-service"

enum { COMMAND_MAX = 1400, PATIENCE_MS = 15000, LONELY_MS = 60000, STEP_MS = 50 };

static char served[WR_SID_TEXT_MAX];
static SERVICE_STATUS_HANDLE status_handle;
static volatile LONG was_asked;

static void
report(DWORD state)
{
        SERVICE_STATUS status = { .dwServiceType = SERVICE_WIN32_OWN_PROCESS, .dwCurrentState = state };

        status.dwControlsAccepted = state == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP : 0;
        SetServiceStatus(status_handle, &status);
}

static DWORD WINAPI
control(DWORD code, DWORD type, LPVOID data, LPVOID context)
{
        (void)type;
        (void)data;
        (void)context;
        if (code == SERVICE_CONTROL_STOP) {
                report(SERVICE_STOPPED);
                ExitProcess(0);
        }
        return NO_ERROR;
}

static DWORD WINAPI
give_up(LPVOID unused)
{
        (void)unused;
        Sleep(LONELY_MS);
        if (InterlockedCompareExchange(&was_asked, 0, 0) == 0) {
                report(SERVICE_STOPPED);
                ExitProcess(1);
        }
        return 0;
}

/* One client, within a minute. */
static void
serve(void)
{
        char list[2 * WR_SID_TEXT_MAX];
        _Alignas(8) uint8_t bytes[512];
        SECURITY_ATTRIBUTES attributes = { sizeof attributes, bytes, FALSE };
        struct wr_sddl_error error;
        HANDLE pipe, watch;
        size_t length;

        length = (size_t)snprintf(list, sizeof list, "D:P(A;;FA;;;OW)(A;;FA;;;LS)(A;;0x12019b;;;%s)", served);
        if (wr_sddl_parse(list, length, NULL, bytes, sizeof bytes, &error) == 0)
                return;
        pipe = CreateNamedPipeA(PIPE, PIPE_ACCESS_DUPLEX | FILE_FLAG_FIRST_PIPE_INSTANCE,
                                PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_REJECT_REMOTE_CLIENTS, 1, 4096, 4096,
                                0, &attributes);
        watch = CreateThread(NULL, 0, give_up, NULL, 0, NULL);
        if (pipe == INVALID_HANDLE_VALUE || watch == NULL)
                return;
        CloseHandle(watch);
        report(SERVICE_RUNNING);
        if (ConnectNamedPipe(pipe, NULL) || GetLastError() == ERROR_PIPE_CONNECTED) {
                InterlockedExchange(&was_asked, 1);
                audit_task_serve(pipe);
        }
        CloseHandle(pipe);
}

static void WINAPI
service_main(DWORD count, LPSTR *arguments)
{
        (void)count;
        (void)arguments;
        status_handle = RegisterServiceCtrlHandlerExA(NAME, control, NULL);
        report(SERVICE_START_PENDING);
        serve();
        report(SERVICE_STOPPED);
}

int
audit_service_run(const char *user)
{
        char name[] = NAME;
        SERVICE_TABLE_ENTRYA table[] = { { name, service_main }, { NULL, NULL } };

        snprintf(served, sizeof served, "%s", user);
        return StartServiceCtrlDispatcherA(table) ? 0 : 1;
}

static DWORD
connect_to(struct audit *audit)
{
        HANDLE pipe = INVALID_HANDLE_VALUE;

        for (int waited = 0; waited < PATIENCE_MS && pipe == INVALID_HANDLE_VALUE; waited += STEP_MS) {
                pipe = CreateFileA(PIPE, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
                                   FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, NULL);
                if (pipe == INVALID_HANDLE_VALUE)
                        Sleep(STEP_MS); /* it is about to be made */
        }
        if (pipe == INVALID_HANDLE_VALUE)
                return GetLastError();
        return audit_peer_adopt(audit, AUDIT_SERVICE, pipe) ? ERROR_SUCCESS : ERROR_NOT_ENOUGH_MEMORY;
}

DWORD
audit_service_start(struct audit *audit)
{
        const wchar_t *program = audit_folder_program();
        wchar_t command[COMMAND_MAX];
        SC_HANDLE manager, service;
        char user[WR_SID_TEXT_MAX];
        DWORD error = ERROR_SUCCESS;

        if (!audit->options.service || program == NULL)
                return program == NULL ? GetLastError() : ERROR_CANCELLED;
        wr_sid_text(&audit->user, user);
        swprintf(command, COMMAND_MAX, L"\"%ls\" --service-role %hs", program, user);
        audit_service_remove(); /* what an audit left that was ended by force */
        manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CREATE_SERVICE);
        if (manager == NULL)
                return GetLastError();
        service = CreateServiceW(manager, L"" NAME, L"weir audit, to be removed", SERVICE_ALL_ACCESS,
                                 SERVICE_WIN32_OWN_PROCESS, SERVICE_DEMAND_START, SERVICE_ERROR_IGNORE, command, NULL,
                                 NULL, NULL, L"NT AUTHORITY\\LocalService", NULL);
        if (service == NULL || !StartServiceW(service, 0, NULL))
                error = GetLastError();
        if (error == ERROR_SUCCESS)
                error = connect_to(audit);
        if (service != NULL)
                CloseServiceHandle(service);
        CloseServiceHandle(manager);
        return error;
}

void
audit_service_remove(void)
{
        SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT), service;
        SERVICE_STATUS status;

        service =
                manager != NULL ? OpenServiceW(manager, L"" NAME, SERVICE_STOP | SERVICE_QUERY_STATUS | DELETE) : NULL;
        if (service != NULL) {
                ControlService(service, SERVICE_CONTROL_STOP, &status);
                for (int waited = 0; waited < PATIENCE_MS && QueryServiceStatus(service, &status) &&
                                     status.dwCurrentState != SERVICE_STOPPED;
                     waited += STEP_MS)
                        Sleep(STEP_MS);
                DeleteService(service);
                CloseServiceHandle(service);
        }
        if (manager != NULL)
                CloseServiceHandle(manager);
}
