/*
 * Reading a token. Each question has a buffer of the size that the system asks for, and an answer that is neither given
 * nor unknown to the system ends it: whoever may not be looked at is nobody.
 *
 *      GetTokenInformation                user, groups, restricting SIDs, integrity, container, capabilities
 *      GetPackageFamilyNameFromToken      the package family name; looked up at run time, since Wine has none
 *      HKCU\...\AppContainer\Mappings     what a container was called when it was made; believed if the SID follows
 * from it, since every program of the user can write there
 */
#include "named-objects/identity_win32.h"

#include "named-objects/rights/token.h"
#include "named-objects/sentence.h"

#include <stdlib.h>
#include <string.h>

enum {
        /* Of TOKEN_INFORMATION_CLASS; the headers of mingw name most, but not all. */
        ACCESS_INFORMATION = 22,
        IS_LESS_PRIVILEGED = 46,
        TOKEN_FLAG_WRITE_RESTRICTED = 0x8,
        ANSWER_MAX = 1 << 20,
        TRIES = 4 /* what is asked about may grow meanwhile */
};

/* ---- asking --------------------------------------------------------------------------------------------------- */

/* WEIR_EMPTY: the system has no such question. *answer is malloc'ed. */
static enum weir_result
ask(HANDLE token, int class, void **answer)
{
        DWORD size = 256;

        *answer = NULL;
        for (int i = 0; i < TRIES && size <= ANSWER_MAX; i++) {
                void *bytes = calloc(1, size);

                if (bytes == NULL)
                        return WEIR_E_NO_MEMORY;
                if (GetTokenInformation(token, (TOKEN_INFORMATION_CLASS) class, bytes, size, &size)) {
                        *answer = bytes;
                        return WEIR_OK;
                }
                free(bytes);
                if (GetLastError() == ERROR_INVALID_FUNCTION) /* the answer of Wine; Windows knows all of ours */
                        return WEIR_EMPTY;
                if (GetLastError() != ERROR_INSUFFICIENT_BUFFER)
                        return WEIR_E_DENIED;
        }
        return WEIR_E_DENIED;
}

static bool
sid_take(PSID from, struct wr_sid *sid)
{
        return from != NULL && IsValidSid(from) && wr_sid_read(sid, from, GetLengthSid(from)) != 0;
}

/* ---- SIDs ----------------------------------------------------------------------------------------------------- */

/* What a group is good for; 0: for nothing. */
static int
use_of_group(DWORD attributes)
{
        if (attributes & SE_GROUP_INTEGRITY)
                return 0;
        if (attributes & SE_GROUP_USE_FOR_DENY_ONLY)
                return WR_SID_DENY_ONLY;
        return attributes & SE_GROUP_ENABLED ? WR_SID_GROUP : 0;
}

static bool
list_take(const TOKEN_GROUPS *groups, int use, struct wr_sid_list *list)
{
        for (DWORD i = 0; i < groups->GroupCount; i++) {
                int its = use != 0 ? use : use_of_group(groups->Groups[i].Attributes);
                struct wr_sid sid;

                if (its != 0 &&
                    (!sid_take(groups->Groups[i].Sid, &sid) || !wr_sid_list_add(list, &sid, (enum wr_sid_use)its)))
                        return false;
        }
        return true;
}

/* use: of all of them, 0: by their attributes. */
static enum weir_result
list_read(HANDLE token, TOKEN_INFORMATION_CLASS class, int use, struct wr_sid_list *list)
{
        TOKEN_GROUPS *groups;
        enum weir_result result = ask(token, class, (void **)&groups);

        if (result == WEIR_EMPTY)
                return use != 0 ? WEIR_OK : WEIR_E_DENIED; /* every system has groups */
        if (result == WEIR_OK && !list_take(groups, use, list))
                result = WEIR_E_QUOTA;
        free(groups);
        return result;
}

static enum weir_result
user_read(HANDLE token, struct wr_identity_token *read)
{
        TOKEN_USER *user;
        enum weir_result result = ask(token, TokenUser, (void **)&user);

        if (result != WEIR_OK)
                return WEIR_E_DENIED;
        read->user_deny_only = (user->User.Attributes & SE_GROUP_USE_FOR_DENY_ONLY) != 0;
        if (!sid_take(user->User.Sid, &read->user))
                result = WEIR_E_DENIED;
        free(user);
        return result;
}

static enum weir_result
integrity_read(HANDLE token, struct wr_identity_token *read)
{
        TOKEN_MANDATORY_LABEL *label;
        enum weir_result result = ask(token, TokenIntegrityLevel, (void **)&label);
        struct wr_sid sid;

        if (result != WEIR_OK)
                return WEIR_E_DENIED;
        if (sid_take(label->Label.Sid, &sid) && sid.authority == 16 && sid.count == 1)
                read->integrity = sid.words[0];
        else
                result = WEIR_E_DENIED;
        free(label);
        return result;
}

static enum weir_result
container_read(HANDLE token, struct wr_identity_token *read)
{
        TOKEN_APPCONTAINER_INFORMATION *container = NULL;
        DWORD is_container = 0, is_less = 0, size;
        enum weir_result result;

        if (!GetTokenInformation(token, TokenIsAppContainer, &is_container, sizeof is_container, &size))
                return GetLastError() == ERROR_INVALID_FUNCTION ? WEIR_OK : WEIR_E_DENIED;
        if (is_container == 0)
                return WEIR_OK;
        result = ask(token, TokenAppContainerSid, (void **)&container);
        if (result != WEIR_OK || !sid_take(container->TokenAppContainer, &read->container))
                result = WEIR_E_DENIED;
        free(container);
        /* Who does not say counts as the one that fewer entries match. */
        read->is_less_privileged = !GetTokenInformation(token, (TOKEN_INFORMATION_CLASS)IS_LESS_PRIVILEGED, &is_less,
                                                        sizeof is_less, &size) ||
                                   is_less != 0;
        return result == WEIR_OK ? list_read(token, TokenCapabilities, WR_SID_CAPABILITY, &read->sids) : result;
}

/* Is the second list asked for rights to write alone? */
static enum weir_result
restriction_read(HANDLE token, struct wr_identity_token *read)
{
        TOKEN_ACCESS_INFORMATION *access;
        enum weir_result result = ask(token, ACCESS_INFORMATION, (void **)&access);

        if (result == WEIR_OK)
                read->is_write_restricted = (access->Flags & TOKEN_FLAG_WRITE_RESTRICTED) != 0;
        free(access);
        return result == WEIR_EMPTY ? WEIR_OK : result;
}

static enum weir_result
logon_read(HANDLE token, LUID *logon)
{
        TOKEN_STATISTICS statistics;
        DWORD size;

        if (!GetTokenInformation(token, TokenStatistics, &statistics, sizeof statistics, &size))
                return WEIR_E_DENIED;
        *logon = statistics.AuthenticationId;
        return WEIR_OK;
}

/* ---- names ---------------------------------------------------------------------------------------------------- */

typedef LONG WINAPI
family_query(HANDLE, UINT32 *, WCHAR *);

static void
text_take(const wchar_t *wide, size_t units, char *text, size_t room)
{
        int length =
                WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, wide, (int)units, text, (int)room - 1, NULL, NULL);

        text[length > 0 ? length : 0] = '\0';
}

static void
family_read(HANDLE token, struct wr_identity_token *read)
{
        HMODULE system = GetModuleHandleW(L"kernelbase.dll");
        FARPROC found = system != NULL ? GetProcAddress(system, "GetPackageFamilyNameFromToken") : NULL;
        family_query *query = (family_query *)(void *)found;
        wchar_t family[WR_PACKAGE_MAX + 1];
        UINT32 units = WR_PACKAGE_MAX + 1;

        if (query != NULL && query(token, &units, family) == ERROR_SUCCESS && units > 1)
                text_take(family, units - 1, read->family, sizeof read->family);
}

static void
profile_read(struct wr_identity_token *read)
{
        wchar_t key[512], moniker[WR_PACKAGE_MAX + 1];
        char text[WR_SID_TEXT_MAX];
        DWORD size = sizeof moniker;

        wr_sid_text(&read->container, text);
        _snwprintf(key, sizeof key / sizeof *key - 1,
                   L"Software\\Classes\\Local Settings\\Software\\Microsoft\\Windows\\CurrentVersion\\AppContainer\\"
                   L"Mappings\\%hs",
                   text);
        key[sizeof key / sizeof *key - 1] = L'\0';
        if (RegGetValueW(HKEY_CURRENT_USER, key, L"Moniker", RRF_RT_REG_SZ, NULL, moniker, &size) == ERROR_SUCCESS)
                text_take(moniker, wcsnlen(moniker, WR_PACKAGE_MAX), read->profile, sizeof read->profile);
}

/* ---- all ------------------------------------------------------------------------------------------------------ */

enum weir_result
wr_identity_read(HANDLE token, struct wr_identity_token *read, LUID *logon, char *sentence, size_t room)
{
        enum weir_result result;

        memset(read, 0, sizeof *read);
        result = user_read(token, read);
        if (result == WEIR_OK)
                result = list_read(token, TokenGroups, 0, &read->sids);
        if (result == WEIR_OK)
                result = list_read(token, TokenRestrictedSids, WR_SID_RESTRICTING, &read->sids);
        if (result == WEIR_OK)
                result = restriction_read(token, read);
        if (result == WEIR_OK)
                result = integrity_read(token, read);
        if (result == WEIR_OK)
                result = container_read(token, read);
        if (result == WEIR_OK)
                result = logon_read(token, logon);
        if (result != WEIR_OK) {
                wr_sentence(sentence, room,
                            result == WEIR_E_QUOTA ? "denied: its token has more groups than fit (%d)"
                                                   : "denied: its token cannot be read (error %d)",
                            result == WEIR_E_QUOTA ? WR_SID_LIST_MAX : (int)GetLastError());
                return result == WEIR_E_NO_MEMORY ? result : WEIR_E_DENIED;
        }
        family_read(token, read);
        if (read->container.count != 0)
                profile_read(read);
        return WEIR_OK;
}
