#include "clients/winaudit/profile.h"

#include "clients/winaudit/token.h"

#include <userenv.h>

typedef HRESULT(WINAPI *create_function)(PCWSTR, PCWSTR, PCWSTR, PSID_AND_ATTRIBUTES, DWORD, PSID *);
typedef HRESULT(WINAPI *delete_function)(PCWSTR);
typedef HRESULT(WINAPI *derive_function)(PCWSTR, PSID *);

/* GetProcAddress gives a pointer to a function without its type. */
#define FIND(type, library, name) ((type)(void (*)(void))audit_find(library, name))

bool
audit_profile_possible(void)
{
        return audit_find("userenv", "CreateAppContainerProfile") != NULL;
}

bool
audit_profile_sid(struct wr_sid *sid, const wchar_t *name)
{
        derive_function derive = FIND(derive_function, "userenv", "DeriveAppContainerSidFromAppContainerName");
        PSID derived = NULL;
        bool done = derive != NULL && derive(name, &derived) >= 0 && audit_token_sid(sid, derived);

        if (derived != NULL)
                FreeSid(derived);
        return done;
}

bool
audit_profile_make(struct audit *audit)
{
        create_function create = FIND(create_function, "userenv", "CreateAppContainerProfile");
        delete_function delete = FIND(delete_function, "userenv", "DeleteAppContainerProfile");
        uint8_t room[WR_SID_BYTES_MAX];
        SID_AND_ATTRIBUTES capability = { room, SE_GROUP_ENABLED };
        PSID made = NULL;
        HRESULT result;

        if (audit->has_profile)
                return true;
        if (create == NULL || delete == NULL) {
                SetLastError(ERROR_CALL_NOT_IMPLEMENTED);
                return false;
        }
        wr_sid_write(&audit->capability, room);
        delete (L"" AUDIT_PROFILE);
        result = create(L"" AUDIT_PROFILE, L"weir audit", L"of weir-winaudit, to be deleted", &capability, 1, &made);
        if (made != NULL)
                FreeSid(made);
        audit->has_profile = result >= 0;
        SetLastError((DWORD)HRESULT_CODE(result));
        return audit->has_profile;
}

void
audit_profile_delete(struct audit *audit)
{
        delete_function delete = FIND(delete_function, "userenv", "DeleteAppContainerProfile");

        if (audit->has_profile && delete != NULL)
                delete (L"" AUDIT_PROFILE);
        audit->has_profile = false;
}
