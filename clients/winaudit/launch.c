#include "clients/winaudit/launch.h"

#include "clients/winaudit/folder.h"
#include "clients/winaudit/profile.h"

#include <stdlib.h>
#include <string.h>

/* PROC_THREAD_ATTRIBUTE_..., which depend on _WIN32_WINNT in the headers and not in their numbers. */
enum { HANDLE_LIST = 0x20002, SECURITY_CAPABILITIES_GIVEN = 0x20009, ALL_PACKAGES_POLICY = 0x2000f, OPT_OUT = 1 };

struct sid_bytes {
        uint8_t bytes[WR_SID_BYTES_MAX];
};

static PSID
binary(const struct wr_sid *sid, struct sid_bytes *room)
{
        wr_sid_write(sid, room->bytes);
        return room->bytes;
}

/* Without the rights of an administrator: what a user's ordinary program has. */
static HANDLE
restricted(const struct audit *audit, enum audit_who who, HANDLE own)
{
        static const struct wr_sid administrators = { .authority = 5, .count = 2, .words = { 32, 544 } };
        const struct wr_sid list[] = {
                { .authority = 1, .count = 1, .words = { 0 } },       /* Everyone */
                { .authority = 5, .count = 2, .words = { 32, 545 } }, /* Users */
                { .authority = 5, .count = 1, .words = { 12 } },      /* RESTRICTED */
                audit->logon,
        };
        struct sid_bytes deny_room, rooms[4];
        SID_AND_ATTRIBUTES deny = { binary(&administrators, &deny_room), 0 }, second[4];
        DWORD count = 0, flags = DISABLE_MAX_PRIVILEGE | (who == AUDIT_WRITE_RESTRICTED ? WRITE_RESTRICTED : 0);
        HANDLE token = NULL;

        for (size_t i = 0; i < 4 && who != AUDIT_STRIPPED; i++)
                if (list[i].count != 0)
                        second[count++] = (SID_AND_ATTRIBUTES){ binary(&list[i], &rooms[i]), 0 };
        return CreateRestrictedToken(own, flags, 1, &deny, 0, NULL, count, count != 0 ? second : NULL, &token) ? token
                                                                                                               : NULL;
}

static HANDLE
lowered(HANDLE own)
{
        static const struct wr_sid low = { .authority = 16, .count = 1, .words = { 4096 } };
        struct sid_bytes room;
        TOKEN_MANDATORY_LABEL label = { { binary(&low, &room), SE_GROUP_INTEGRITY } };
        HANDLE token = NULL;

        if (!DuplicateTokenEx(own, MAXIMUM_ALLOWED, NULL, SecurityImpersonation, TokenPrimary, &token))
                return NULL;
        if (SetTokenInformation(token, TokenIntegrityLevel, &label, sizeof label + (DWORD)wr_sid_size(&low)))
                return token;
        CloseHandle(token);
        return NULL;
}

HANDLE
audit_launch_token(const struct audit *audit, enum audit_who who)
{
        HANDLE own, token;
        DWORD error;

        if (!OpenProcessToken(GetCurrentProcess(),
                              TOKEN_QUERY | TOKEN_DUPLICATE | TOKEN_ASSIGN_PRIMARY | TOKEN_ADJUST_DEFAULT, &own))
                return NULL;
        token = who == AUDIT_LOW ? lowered(own) : restricted(audit, who, own);
        error = GetLastError();
        CloseHandle(own);
        SetLastError(error);
        return token;
}

bool
audit_launch(struct audit *audit, enum audit_who who, const wchar_t *program, wchar_t *command, HANDLE inherited,
             PROCESS_INFORMATION *made)
{
        bool contained = who == AUDIT_CONTAINER || who == AUDIT_LPAC;
        struct sid_bytes package_room, capability_room;
        SID_AND_ATTRIBUTES capability = { binary(&audit->capability, &capability_room), SE_GROUP_ENABLED };
        SECURITY_CAPABILITIES given = { binary(&audit->package, &package_room), &capability, 1, 0 };
        STARTUPINFOEXW startup = { .StartupInfo = { .cb = sizeof startup } };
        HANDLE token = NULL;
        DWORD flags = CREATE_SUSPENDED | DETACHED_PROCESS | EXTENDED_STARTUPINFO_PRESENT, policy = OPT_OUT, error;
        SIZE_T size = 0;
        bool done;

        if (contained && !audit_profile_make(audit))
                return false;
        if (!contained && (token = audit_launch_token(audit, who)) == NULL)
                return false;
        InitializeProcThreadAttributeList(NULL, 3, 0, &size);
        startup.lpAttributeList = calloc(1, size);
        done = startup.lpAttributeList != NULL &&
               InitializeProcThreadAttributeList(startup.lpAttributeList, 3, 0, &size) &&
               UpdateProcThreadAttribute(startup.lpAttributeList, 0, HANDLE_LIST, &inherited, sizeof inherited, NULL,
                                         NULL) &&
               (!contained || UpdateProcThreadAttribute(startup.lpAttributeList, 0, SECURITY_CAPABILITIES_GIVEN, &given,
                                                        sizeof given, NULL, NULL)) &&
               (who != AUDIT_LPAC || UpdateProcThreadAttribute(startup.lpAttributeList, 0, ALL_PACKAGES_POLICY, &policy,
                                                               sizeof policy, NULL, NULL));
        if (done && contained)
                done = CreateProcessW(program, command, NULL, NULL, TRUE, flags, NULL, audit_folder_path(),
                                      &startup.StartupInfo, made);
        else if (done)
                done = CreateProcessAsUserW(token, program, command, NULL, NULL, TRUE, flags, NULL, audit_folder_path(),
                                            &startup.StartupInfo, made);
        error = GetLastError();
        free(startup.lpAttributeList);
        if (token != NULL)
                CloseHandle(token);
        SetLastError(error);
        return done;
}

bool
audit_launch_explain(const struct audit *audit, enum audit_who who, struct audit_seen *seen)
{
        if (who == AUDIT_SERVICE && !audit->options.service)
                audit_cannot(seen, "only with --service, as an administrator: it installs a service and removes it");
        else if ((who == AUDIT_CONTAINER || who == AUDIT_LPAC) && !audit_profile_possible())
                audit_cannot(seen, "this system has no CreateAppContainerProfile");
        else
                return false;
        return true;
}
