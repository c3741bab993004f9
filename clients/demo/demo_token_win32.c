/*
 * Who is who, by tokens alone:
 *
 *                    user, Administrators      the group of the policy
 *      this process  as they are               as it is
 *      the camera    as they are               as it is
 *      the viewer    for denials only          as it is             so it owns nothing of what it attacks
 *      the stranger  for denials only          for denials only     no rule is for it
 */
#include "clients/demo/demo_token_win32.h"
#include "clients/demo/demo_text_win32.h"

#include <sddl.h>
#include <stdio.h>

/* Who logged on at the machine, at a terminal of it, or at all; a service is none of the first two. */
static const WELL_KNOWN_SID_TYPE groups[] = { WinInteractiveSid, WinLocalSid, WinBuiltinUsersSid };

struct sid {
        _Alignas(8) BYTE bytes[SECURITY_MAX_SID_SIZE];
};

union user {
        TOKEN_USER user;
        BYTE bytes[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
};

static bool
known(WELL_KNOWN_SID_TYPE type, struct sid *sid)
{
        DWORD size = sizeof sid->bytes;

        return CreateWellKnownSid(type, NULL, sid->bytes, &size);
}

/* The first that counts for this process. */
static bool
find_group(struct sid *group)
{
        BOOL is_member = FALSE;

        for (unsigned i = 0; i < sizeof groups / sizeof *groups; i++)
                if (known(groups[i], group) && CheckTokenMembership(NULL, group->bytes, &is_member) && is_member)
                        return true;
        SetLastError(ERROR_NO_SUCH_GROUP);
        return false;
}

bool
demo_token_principal(char *text, size_t room)
{
        wchar_t *wide = NULL;
        struct sid group;
        char sid[256];
        bool told = find_group(&group) && ConvertSidToStringSidW(group.bytes, &wide) &&
                    demo_text_narrow(wide, sid, sizeof sid);

        LocalFree(wide);
        if (told)
                snprintf(text, room, "group:%s", sid);
        return told;
}

static HANDLE
narrow(HANDLE own, bool stranger)
{
        struct sid administrators, group;
        SID_AND_ATTRIBUTES denied[] = { { .Sid = administrators.bytes }, { .Sid = NULL }, { .Sid = group.bytes } };
        union user user;
        HANDLE less = NULL;
        DWORD size;

        if (!known(WinBuiltinAdministratorsSid, &administrators) || !find_group(&group) ||
            !GetTokenInformation(own, TokenUser, &user, sizeof user, &size))
                return NULL;
        denied[1].Sid = user.user.User.Sid;
        return CreateRestrictedToken(own, 0, stranger ? 3 : 2, denied, 0, NULL, 0, NULL, &less) ? less : NULL;
}

HANDLE
demo_token_less(bool stranger)
{
        HANDLE own, less;
        DWORD error;

        if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY | TOKEN_DUPLICATE | TOKEN_ASSIGN_PRIMARY, &own))
                return NULL;
        less = narrow(own, stranger);
        error = GetLastError();
        CloseHandle(own);
        SetLastError(error);
        return less;
}
