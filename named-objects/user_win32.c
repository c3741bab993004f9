/*
 * Names are the local security authority's to know. Of accounts of a domain it asks the domain, which may take its
 * time: so when names are read (start and reload) any may be asked for, but when somebody is told who is there only
 * those are that this machine answers alone.
 */
#include "named-objects/user.h"

#include "named-objects/sentence.h"

#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum {
        NAME_MAX_UNITS = 512,
        WHOLE_UNITS = 2 * NAME_MAX_UNITS,
        NAME_SAM_COMPATIBLE = 2,
        GROUPS_SIDS = 2 /* AuthzContextInfoGroupsSids */
};

/* ---- names to SIDs -------------------------------------------------------------------------------------------- */

/* A decimal number below 2^32 - 1, as on Linux. */
static bool
number_of(const char *text, uint32_t *number)
{
        uint64_t value = 0;

        if (!*text || strlen(text) > 10)
                return false;
        for (; *text; text++) {
                if (*text < '0' || *text > '9')
                        return false;
                value = value * 10 + (uint64_t)(*text - '0');
        }
        *number = (uint32_t)value;
        return value < UINT32_MAX;
}

static bool
sid_take(PSID from, struct wr_sid *sid)
{
        return from != NULL && IsValidSid(from) && wr_sid_read(sid, from, GetLengthSid(from)) != 0;
}

static bool
account_find(const char *name, struct wr_sid *sid, SID_NAME_USE *use)
{
        wchar_t wide[NAME_MAX_UNITS], domain[NAME_MAX_UNITS];
        DWORD size = SECURITY_MAX_SID_SIZE, domain_units = NAME_MAX_UNITS;
        union {
                SID sid;
                BYTE bytes[SECURITY_MAX_SID_SIZE];
        } found;

        return MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, name, -1, wide, NAME_MAX_UNITS) > 0 &&
               LookupAccountNameW(NULL, wide, &found.sid, &size, domain, &domain_units, use) &&
               sid_take(&found.sid, sid);
}

bool
wr_user_find(const char *name, struct wr_sid *user)
{
        SID_NAME_USE use;
        uint32_t number;

        if (number_of(name, &number)) {
                *user = wr_sid_of_uid(number);
                return true;
        }
        return account_find(name, user, &use) && (use == SidTypeUser || use == SidTypeWellKnownGroup);
}

bool
wr_group_find(const char *name, struct wr_sid *group)
{
        SID_NAME_USE use;
        uint32_t number;

        if (number_of(name, &number)) {
                *group = wr_sid_of_gid(number);
                return true;
        }
        return account_find(name, group, &use) &&
               (use == SidTypeGroup || use == SidTypeAlias || use == SidTypeWellKnownGroup);
}

/* ---- SIDs to names -------------------------------------------------------------------------------------------- */

static INIT_ONCE machine_once = INIT_ONCE_STATIC_INIT;
static struct wr_sid machine; /* whose accounts are this machine's own; a count of 0: not known */

static BOOL CALLBACK
machine_find(PINIT_ONCE once, PVOID unused, PVOID *nothing)
{
        wchar_t wide[MAX_COMPUTERNAME_LENGTH + 1];
        DWORD units = MAX_COMPUTERNAME_LENGTH + 1;
        char name[4 * (MAX_COMPUTERNAME_LENGTH + 1)];
        SID_NAME_USE use;

        (void)once, (void)unused, (void)nothing;
        if (!GetComputerNameW(wide, &units) ||
            WideCharToMultiByte(CP_UTF8, 0, wide, -1, name, sizeof name, NULL, NULL) == 0 ||
            !account_find(name, &machine, &use) || use != SidTypeDomain)
                machine = (struct wr_sid){ 0 };
        return TRUE;
}

/* Can this machine alone say what the SID is called? The service accounts, what is built in, and its own accounts. */
static bool
is_local(const struct wr_sid *sid)
{
        if (sid->authority != 5)
                return false;
        if (sid->count == 1 || (sid->count == 2 && sid->words[0] == SECURITY_BUILTIN_DOMAIN_RID))
                return true;
        InitOnceExecuteOnce(&machine_once, machine_find, NULL, NULL);
        return machine.count != 0 && sid->count == machine.count + 1 &&
               memcmp(sid->words, machine.words, machine.count * sizeof *machine.words) == 0;
}

/* What the machine's own lists call it. */
static bool
local_name(const struct wr_sid *user, wchar_t whole[WHOLE_UNITS])
{
        wchar_t account[NAME_MAX_UNITS], domain[NAME_MAX_UNITS];
        DWORD account_units = NAME_MAX_UNITS, domain_units = NAME_MAX_UNITS;
        union {
                SID sid;
                BYTE bytes[WR_SID_BYTES_MAX];
        } asked;
        SID_NAME_USE use;

        if (!is_local(user))
                return false;
        wr_sid_write(user, asked.bytes);
        if (!LookupAccountSidW(NULL, &asked.sid, account, &account_units, domain, &domain_units, &use))
                return false;
        _snwprintf(whole, WHOLE_UNITS - 1, L"%ls\\%ls", domain, account);
        whole[WHOLE_UNITS - 1] = L'\0';
        return true;
}

static INIT_ONCE own_once = INIT_ONCE_STATIC_INIT;
static wchar_t own[WHOLE_UNITS]; /* "": not known */

/* Of ourselves the logon session knows the name, in a domain too. */
static bool
session_name(wchar_t whole[WHOLE_UNITS])
{
        typedef BOOLEAN WINAPI name_query(int, wchar_t *, ULONG *);
        HMODULE library = LoadLibraryExW(L"secur32.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
        FARPROC query = library != NULL ? GetProcAddress(library, "GetUserNameExW") : NULL;
        ULONG units = NAME_MAX_UNITS;
        bool found = query != NULL && ((name_query *)(void *)query)(NAME_SAM_COMPATIBLE, whole, &units);

        if (library != NULL)
                FreeLibrary(library);
        return found;
}

/* Once: it takes tens of milliseconds, and a broker wants it for every connection. */
static BOOL CALLBACK
own_find(PINIT_ONCE once, PVOID unused, PVOID *nothing)
{
        const struct wr_sid self = wr_user_self();

        (void)once, (void)unused, (void)nothing;
        if (!session_name(own) && !local_name(&self, own))
                own[0] = L'\0';
        return TRUE;
}

bool
wr_user_name(const struct wr_sid *user, char *name, size_t room)
{
        const struct wr_sid self = wr_user_self();
        wchar_t other[WHOLE_UNITS];
        const wchar_t *whole = other;

        if (wr_sid_equal(user, &self)) {
                InitOnceExecuteOnce(&own_once, own_find, NULL, NULL);
                whole = own;
        } else if (!local_name(user, other)) {
                return false;
        }
        return whole[0] != L'\0' && WideCharToMultiByte(CP_UTF8, 0, whole, -1, name, (int)room, NULL, NULL) > 0;
}

/* ---- groups --------------------------------------------------------------------------------------------------- */

static void
groups_take(const TOKEN_GROUPS *from, struct wr_sid_list *groups)
{
        struct wr_sid group;

        for (DWORD i = 0; i < from->GroupCount; i++)
                if ((from->Groups[i].Attributes & SE_GROUP_ENABLED) && sid_take(from->Groups[i].Sid, &group) &&
                    !wr_sid_list_has(groups, &group, WR_SID_GROUP))
                        wr_sid_list_add(groups, &group, WR_SID_GROUP);
}

static void
own_groups(struct wr_sid_list *groups)
{
        DWORD size = 0;
        void *found;
        HANDLE token;

        if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
                return;
        GetTokenInformation(token, TokenGroups, NULL, 0, &size);
        found = malloc(size);
        if (found != NULL && GetTokenInformation(token, TokenGroups, found, size, &size))
                groups_take(found, groups);
        free(found);
        CloseHandle(token);
}

/* What authz.dll has for those who ask what a user could do who is not there; Wine's has it not. */
struct authz {
        HMODULE library;
        BOOL(WINAPI *manager_make)(DWORD, void *, void *, void *, const wchar_t *, HANDLE *);
        BOOL(WINAPI *manager_free)(HANDLE);
        BOOL(WINAPI *context_make)(DWORD, PSID, HANDLE, LARGE_INTEGER *, LUID, void *, HANDLE *);
        BOOL(WINAPI *context_free)(HANDLE);
        BOOL(WINAPI *context_ask)(HANDLE, int, DWORD, DWORD *, void *);
};

/* function: of any kind. */
static bool
function_get(HMODULE library, const char *name, void *function)
{
        FARPROC found = GetProcAddress(library, name);

        memcpy(function, &found, sizeof found);
        return found != NULL;
}

static bool
authz_open(struct authz *authz)
{
        HMODULE library = authz->library = LoadLibraryExW(L"authz.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);

        return library != NULL && function_get(library, "AuthzInitializeResourceManager", &authz->manager_make) &&
               function_get(library, "AuthzFreeResourceManager", &authz->manager_free) &&
               function_get(library, "AuthzInitializeContextFromSid", &authz->context_make) &&
               function_get(library, "AuthzFreeContext", &authz->context_free) &&
               function_get(library, "AuthzGetInformationFromContext", &authz->context_ask);
}

static void
context_groups(const struct authz *authz, HANDLE context, struct wr_sid_list *groups)
{
        DWORD size = 0;
        void *found;

        authz->context_ask(context, GROUPS_SIDS, 0, &size, NULL);
        found = malloc(size);
        if (found != NULL && size > 0 && authz->context_ask(context, GROUPS_SIDS, size, &size, found))
                groups_take(found, groups);
        free(found);
}

static void
others_groups(const struct wr_sid *user, struct wr_sid_list *groups)
{
        enum { NO_AUDIT = 1 /* AUTHZ_RM_FLAG_NO_AUDIT */ };
        struct authz authz = { 0 };
        HANDLE manager = NULL, context = NULL;
        LUID nobody = { 0 };
        union {
                SID sid;
                BYTE bytes[WR_SID_BYTES_MAX];
        } asked;

        wr_sid_write(user, asked.bytes);
        if (authz_open(&authz) && authz.manager_make(NO_AUDIT, NULL, NULL, NULL, NULL, &manager)) {
                if (authz.context_make(0, &asked.sid, manager, NULL, nobody, NULL, &context)) {
                        context_groups(&authz, context, groups);
                        authz.context_free(context);
                }
                authz.manager_free(manager);
        }
        if (authz.library != NULL)
                FreeLibrary(authz.library);
}

void
wr_user_groups(const struct wr_sid *user, struct wr_sid_list *groups)
{
        const struct wr_sid self = wr_user_self();

        if (wr_sid_equal(user, &self))
                own_groups(groups);
        else if (user->count != 0 && !wr_sid_is_unix(user, NULL, NULL))
                others_groups(user, groups);
}

/* ---- ourselves ------------------------------------------------------------------------------------------------ */

struct wr_sid
wr_user_self(void)
{
        struct wr_sid self = { 0 };
        union {
                TOKEN_USER user;
                BYTE bytes[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
        } found;
        DWORD size;
        HANDLE token;

        if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
                return self; /* nobody */
        if (!GetTokenInformation(token, TokenUser, &found, sizeof found, &size) ||
            !sid_take(found.user.User.Sid, &self))
                self = (struct wr_sid){ 0 };
        CloseHandle(token);
        return self;
}

bool
wr_user_is_system(const struct wr_sid *user)
{
        return user->authority == 5 && user->count == 1 &&
               (user->words[0] == SECURITY_LOCAL_SYSTEM_RID || user->words[0] == SECURITY_LOCAL_SERVICE_RID ||
                user->words[0] == SECURITY_NETWORK_SERVICE_RID);
}

bool
wr_user_of_service(struct wr_sid *user)
{
        *user = (struct wr_sid){ .authority = 5, .count = 1, .words = { SECURITY_LOCAL_SERVICE_RID } };
        return true;
}

uint32_t
wr_user_process(void)
{
        return GetCurrentProcessId();
}
