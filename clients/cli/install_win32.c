/*
 * The user's: a value below ...\CurrentVersion\Run, which the system runs at logon, and the same command run at once.
 * The machine's: a service of its own process. LocalService may do little and is known on no network; it reads
 * %ProgramData%\weir\broker.conf.
 */
#include "clients/cli/install.h"

#include "named-objects/path_win32.h"

#include <stdio.h>
#include <windows.h>

#include <aclapi.h> /* these two need the types of the one above */
#include <sddl.h>

enum { LINE_MAX = WR_PATH_WIDE_MAX + 64, STOP_MS = 20000 };

static const wchar_t run_key[] = L"Software\\Microsoft\\Windows\\CurrentVersion\\Run", entry[] = L"weir broker",
                     service_name[] = L"weir";

static bool
failed(const char *what, DWORD code, char *sentence, size_t room)
{
        snprintf(sentence, room, "%s: error %lu of the system%s", what, (unsigned long)code,
                 code == ERROR_ACCESS_DENIED ? ". A service is an administrator's to install; for yourself: --user"
                                             : "");
        return false;
}

/* "C:\...\weir.exe" broker run OPTION */
static bool
command_line(wchar_t line[LINE_MAX], const wchar_t *option)
{
        wchar_t program[WR_PATH_WIDE_MAX];
        DWORD length = GetModuleFileNameW(NULL, program, WR_PATH_WIDE_MAX);

        return length > 0 && length < WR_PATH_WIDE_MAX &&
               _snwprintf(line, LINE_MAX, L"\"%ls\" broker run %ls", program, option) > 0;
}

/* ---- the user's ---- */

static bool
start_now(wchar_t *line, char *sentence, size_t room)
{
        STARTUPINFOW startup = { .cb = sizeof startup };
        PROCESS_INFORMATION process;

        if (!CreateProcessW(NULL, line, NULL, NULL, FALSE, CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP, NULL, NULL,
                            &startup, &process))
                return failed("the broker could not be started", GetLastError(), sentence, room);
        CloseHandle(process.hThread);
        CloseHandle(process.hProcess);
        return true;
}

static bool
logon_install(char *sentence, size_t room)
{
        wchar_t line[LINE_MAX];
        LSTATUS code;

        if (!command_line(line, L"--no-window"))
                return failed("the program's own path", GetLastError(), sentence, room);
        code = RegSetKeyValueW(HKEY_CURRENT_USER, run_key, entry, REG_SZ, line,
                               (DWORD)((wcslen(line) + 1) * sizeof *line));
        if (code != ERROR_SUCCESS)
                return failed("the entry for the logon could not be written", (DWORD)code, sentence, room);
        return start_now(line, sentence, room);
}

static bool
logon_uninstall(char *sentence, size_t room)
{
        LSTATUS code = RegDeleteKeyValueW(HKEY_CURRENT_USER, run_key, entry);

        if (code != ERROR_SUCCESS && code != ERROR_FILE_NOT_FOUND)
                return failed("the entry for the logon could not be removed", (DWORD)code, sentence, room);
        return true; /* the broker that runs is asked to stop over the bus */
}

/* ---- the machine's ---- */

/* So that the event log shows the service's lines as they are: EventCreate.exe, which every Windows has, brings
 * messages that consist of what is said with them. Without it they are shown, with a complaint in front. */
static void
events_register(void)
{
        static const wchar_t key[] = L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\weir",
                             file[] = L"%SystemRoot%\\System32\\EventCreate.exe";
        DWORD types = EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_INFORMATION_TYPE;

        RegSetKeyValueW(HKEY_LOCAL_MACHINE, key, L"EventMessageFile", REG_EXPAND_SZ, file, sizeof file);
        RegSetKeyValueW(HKEY_LOCAL_MACHINE, key, L"TypesSupported", REG_DWORD, &types, sizeof types);
}

static void
events_forget(void)
{
        RegDeleteKeyW(HKEY_LOCAL_MACHINE, L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\weir");
}

/* Ours, the administrators' or the system's? */
static bool
is_trusted(PSID owner)
{
        BYTE bytes[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
        TOKEN_USER *user = (TOKEN_USER *)(void *)bytes;
        HANDLE token;
        DWORD size;
        bool is_self = false;

        if (IsWellKnownSid(owner, WinBuiltinAdministratorsSid) || IsWellKnownSid(owner, WinLocalSystemSid))
                return true;
        if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
                return false;
        if (GetTokenInformation(token, TokenUser, bytes, sizeof bytes, &size))
                is_self = EqualSid(owner, user->User.Sid);
        CloseHandle(token);
        return is_self;
}

/* %ProgramData%\weir, where the policy is looked for: anybody may make folders there, and who did could write ours. */
static bool
policy_place(char *sentence, size_t room)
{
        /* Full rights for the system and the administrators; users and LocalService read. */
        static const wchar_t list[] = L"O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FR;;;BU)(A;OICI;FR;;;LS)"
                                      L"(A;CI;FX;;;BU)(A;CI;FX;;;LS)";
        SECURITY_ATTRIBUTES attributes = { .nLength = sizeof attributes };
        wchar_t folder[MAX_PATH + 8];
        DWORD length = GetEnvironmentVariableW(L"ProgramData", folder, MAX_PATH), code = ERROR_SUCCESS;
        PSECURITY_DESCRIPTOR present = NULL;
        PSID owner = NULL;
        bool is_good = true;

        if (length == 0 || length >= MAX_PATH)
                return failed("%ProgramData% is not set", ERROR_ENVVAR_NOT_FOUND, sentence, room);
        wcscpy(folder + length, L"\\weir");
        if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(list, SDDL_REVISION_1,
                                                                  &attributes.lpSecurityDescriptor, NULL))
                return failed("the list of the policy's folder", GetLastError(), sentence, room);
        if (!CreateDirectoryW(folder, &attributes))
                code = GetLastError();
        LocalFree(attributes.lpSecurityDescriptor);
        if (code == ERROR_ALREADY_EXISTS) {
                code = GetNamedSecurityInfoW(folder, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION, &owner, NULL, NULL,
                                             NULL, &present);
                is_good = code == ERROR_SUCCESS && is_trusted(owner);
                LocalFree(present);
        }
        if (code != ERROR_SUCCESS)
                return failed("the policy's folder could not be made", code, sentence, room);
        if (!is_good)
                snprintf(sentence, room,
                         "the folder weir in %%ProgramData%% was made by somebody who is no administrator,"
                         " and who could write the policy: look what is in it, and remove it");
        return is_good;
}

static bool
service_install(SC_HANDLE manager, char *sentence, size_t room)
{
        SERVICE_DESCRIPTIONW about = { (
                wchar_t *)(uintptr_t)L"Names topics, checks rights and hands out shared memory." };
        wchar_t line[LINE_MAX];
        SC_HANDLE service;
        DWORD code = ERROR_SUCCESS;

        if (!command_line(line, L"--service"))
                return failed("the program's own path", GetLastError(), sentence, room);
        if (!policy_place(sentence, room))
                return false;
        service = CreateServiceW(manager, service_name, L"weir broker", SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS,
                                 SERVICE_AUTO_START, SERVICE_ERROR_NORMAL, line, NULL, NULL, NULL,
                                 L"NT AUTHORITY\\LocalService", NULL);
        if (!service && GetLastError() == ERROR_SERVICE_EXISTS)
                service = OpenServiceW(manager, service_name, SERVICE_ALL_ACCESS);
        if (!service)
                return failed("the service could not be made", GetLastError(), sentence, room);
        ChangeServiceConfig2W(service, SERVICE_CONFIG_DESCRIPTION, &about);
        events_register();
        if (!StartServiceW(service, 0, NULL) && GetLastError() != ERROR_SERVICE_ALREADY_RUNNING)
                code = GetLastError();
        CloseServiceHandle(service);
        return code == ERROR_SUCCESS || failed("the service is there and could not be started", code, sentence, room);
}

static void
service_stop(SC_HANDLE service)
{
        SERVICE_STATUS status;
        ULONGLONG until_ms = GetTickCount64() + STOP_MS;

        if (!ControlService(service, SERVICE_CONTROL_STOP, &status))
                return;
        while (QueryServiceStatus(service, &status) && status.dwCurrentState != SERVICE_STOPPED &&
               GetTickCount64() < until_ms)
                Sleep(50); /* the manager of services tells nobody when one has stopped */
}

static bool
service_uninstall(SC_HANDLE manager, char *sentence, size_t room)
{
        SC_HANDLE service = OpenServiceW(manager, service_name, SERVICE_STOP | SERVICE_QUERY_STATUS | DELETE);
        DWORD code = ERROR_SUCCESS;

        if (!service && GetLastError() == ERROR_SERVICE_DOES_NOT_EXIST)
                return true;
        if (!service)
                return failed("the service could not be opened", GetLastError(), sentence, room);
        service_stop(service);
        events_forget();
        if (!DeleteService(service) && GetLastError() != ERROR_SERVICE_MARKED_FOR_DELETE)
                code = GetLastError();
        CloseServiceHandle(service);
        return code == ERROR_SUCCESS || failed("the service could not be removed", code, sentence, room);
}

static bool
with_manager(bool (*act)(SC_HANDLE manager, char *sentence, size_t room), DWORD rights, char *sentence, size_t room)
{
        SC_HANDLE manager = OpenSCManagerW(NULL, NULL, rights);
        bool is_done;

        if (!manager)
                return failed("the manager of services", GetLastError(), sentence, room);
        is_done = act(manager, sentence, room);
        CloseServiceHandle(manager);
        return is_done;
}

bool
cli_install(bool is_users, char *sentence, size_t room)
{
        return is_users ? logon_install(sentence, room)
                        : with_manager(service_install, SC_MANAGER_CREATE_SERVICE, sentence, room);
}

bool
cli_uninstall(bool is_users, char *sentence, size_t room)
{
        return is_users ? logon_uninstall(sentence, room)
                        : with_manager(service_uninstall, SC_MANAGER_CONNECT, sentence, room);
}
