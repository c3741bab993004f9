#include "clients/winaudit/audit.h"

#include "clients/winaudit/folder.h"
#include "clients/winaudit/peer.h"
#include "clients/winaudit/profile.h"
#include "clients/winaudit/service.h"
#include "clients/winaudit/token.h"
#include "named-objects/random.h"
#include "named-objects/rights/package.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

FARPROC
audit_find(const char *library, const char *function)
{
        HMODULE module = GetModuleHandleA(library);

        if (module == NULL)
                module = LoadLibraryExA(library, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
        return module != NULL ? GetProcAddress(module, function) : NULL;
}

bool
audit_begin(struct audit *audit)
{
        TOKEN_ELEVATION elevation = { 0 };
        struct wr_identity_token token;
        HANDLE own;
        DWORD size;
        bool known;

        if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &own))
                return false;
        known = audit_token_read(own, &token) && ProcessIdToSessionId(GetCurrentProcessId(), &audit->session);
        if (GetTokenInformation(own, TokenElevation, &elevation, sizeof elevation, &size))
                audit->elevated = elevation.TokenIsElevated != 0;
        CloseHandle(own);
        audit->user = token.user;
        audit->logon = audit_token_logon(&token);
        audit->under_wine = audit_find("ntdll", "wine_get_version") != NULL;
        return known && wr_package_sid(&audit->package, AUDIT_PROFILE, strlen(AUDIT_PROFILE)) &&
               wr_package_capability_sid(&audit->capability, AUDIT_CAPABILITY, strlen(AUDIT_CAPABILITY));
}

void
audit_end(struct audit *audit)
{
        audit_peers_end(audit);
        if (audit->options.service)
                audit_service_remove();
        audit_profile_delete(audit);
        audit_folder_remove();
}

void
audit_saw(struct audit_seen *seen, DWORD code)
{
        audit_saw_that(seen, code, "%s", code == ERROR_SUCCESS ? "granted" : "refused");
}

static void __attribute__((format(printf, 3, 0))) tell(char *text, size_t room, const char *format, va_list arguments)
{
        vsnprintf(text, room, format, arguments);
}

void
audit_saw_that(struct audit_seen *seen, DWORD code, const char *format, ...)
{
        va_list arguments;

        seen->tried = true;
        seen->code = code;
        va_start(arguments, format);
        tell(seen->effect, sizeof seen->effect, format, arguments);
        va_end(arguments);
}

void
audit_cannot(struct audit_seen *seen, const char *format, ...)
{
        va_list arguments;

        seen->tried = false;
        va_start(arguments, format);
        tell(seen->effect, sizeof seen->effect, format, arguments);
        va_end(arguments);
}

void
audit_called(struct audit_seen *seen, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        tell(seen->call, sizeof seen->call, format, arguments);
        va_end(arguments);
}

void
audit_name(char name[AUDIT_NAME_MAX])
{
        snprintf(name, AUDIT_NAME_MAX, "weir-winaudit-%016llx", (unsigned long long)wr_random());
}
