#include "clients/winaudit/token.h"

#include "named-objects/identity_win32.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <winternl.h>

enum { TOKEN_SECURITY_ATTRIBUTES = 39, ATTRIBUTE_TEXT = 3 }; /* of ntdll's TOKEN_INFORMATION_CLASS and types */

/* TOKEN_SECURITY_ATTRIBUTE_V1 and what it is in, which no header has. */
struct attribute {
        UNICODE_STRING name;
        USHORT type, reserved;
        ULONG flags, count;
        UNICODE_STRING *texts;
};

struct attributes {
        USHORT version, reserved;
        ULONG count;
        struct attribute *first;
};

bool
audit_token_sid(struct wr_sid *sid, const void *bytes)
{
        *sid = (struct wr_sid){ .count = 0 };
        return bytes != NULL && IsValidSid((PSID)(uintptr_t)bytes) &&
               wr_sid_read(sid, bytes, GetLengthSid((PSID)(uintptr_t)bytes)) != 0;
}

bool
audit_token_read(HANDLE handle, struct wr_identity_token *token)
{
        LUID logon;

        return wr_identity_read(handle, token, &logon, NULL, 0) == WEIR_OK;
}

struct wr_sid
audit_token_logon(const struct wr_identity_token *token)
{
        enum wr_sid_use use;
        struct wr_sid sid;
        size_t at = 0;

        while (wr_sid_list_next(&token->sids, &at, &sid, &use))
                if (use == WR_SID_GROUP && sid.authority == 5 && sid.count == 3 && sid.words[0] == 5)
                        return sid;
        return (struct wr_sid){ .count = 0 };
}

/* malloc'ed, NULL: it does not tell. */
static void *
attributes_of(HANDLE handle)
{
        const TOKEN_INFORMATION_CLASS class = (TOKEN_INFORMATION_CLASS)TOKEN_SECURITY_ATTRIBUTES;
        DWORD size = 0;
        void *answer;

        GetTokenInformation(handle, class, NULL, 0, &size);
        if (size == 0)
                return NULL;
        answer = calloc(1, size);
        if (answer != NULL && !GetTokenInformation(handle, class, answer, size, &size)) {
                free(answer);
                answer = NULL;
        }
        return answer;
}

static bool
attribute_text(const struct attribute *attribute, size_t n, char *text, size_t room)
{
        int length;

        if (text == NULL)
                return true;
        if (attribute->type != ATTRIBUTE_TEXT || n >= attribute->count)
                return false;
        length =
                WideCharToMultiByte(CP_UTF8, 0, attribute->texts[n].Buffer,
                                    attribute->texts[n].Length / (int)sizeof(wchar_t), text, (int)room - 1, NULL, NULL);
        text[length] = '\0';
        return true;
}

bool
audit_token_attribute(HANDLE handle, const wchar_t *name, size_t n, char *text, size_t room)
{
        struct attributes *all = attributes_of(handle);
        bool found = false;

        for (ULONG i = 0; all != NULL && i < all->count && !found; i++) {
                const struct attribute *one = &all->first[i];

                if (one->name.Length == wcslen(name) * sizeof *name &&
                    wmemcmp(one->name.Buffer, name, wcslen(name)) == 0)
                        found = attribute_text(one, n, text, room);
        }
        free(all);
        return found;
}
