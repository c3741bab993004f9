/* The order of address.h over this process's environment and token. */
#include "named-objects/address.h"

#include "named-objects/sentence.h"

#include <string.h>
#include <windows.h>

#include <sddl.h>

enum { TOKEN_BYTES = 256 };

static const char system_address[] = "\\\\.\\pipe\\weir-system", container_address[] = "\\\\.\\pipe\\LOCAL\\weir";

struct list {
        char (*addresses)[WR_ADDRESS_MAX];
        size_t count, max;
};

static void
add(struct list *list, const char *address)
{
        if (list->count < list->max && strlen(address) < WR_ADDRESS_MAX)
                strcpy(list->addresses[list->count++], address);
}

/* The variable's text. False: it is not set, or empty. What is longer than any address becomes one that is too long,
 * too, and so is left out. */
static bool
given_address(char *address, size_t room)
{
        wchar_t wide[WR_ADDRESS_MAX];
        DWORD length = GetEnvironmentVariableW(L"WEIR_BROKER", wide, WR_ADDRESS_MAX);

        if (length == 0)
                return false;
        if (length >= WR_ADDRESS_MAX || !WideCharToMultiByte(CP_UTF8, 0, wide, -1, address, (int)room, NULL, NULL))
                wr_sentence(address, room, "%0*d", WR_ADDRESS_MAX, 0);
        return true;
}

/* The broker of this user in this session: a user that is logged on twice has two. */
static bool
own_address(HANDLE token, char *address, size_t room)
{
        union {
                TOKEN_USER user;
                BYTE bytes[TOKEN_BYTES];
        } buffer;
        DWORD size, session;
        char *sid;

        if (!GetTokenInformation(token, TokenUser, &buffer, sizeof buffer, &size) ||
            !ProcessIdToSessionId(GetCurrentProcessId(), &session) ||
            !ConvertSidToStringSidA(buffer.user.User.Sid, &sid))
                return false;
        wr_sentence(address, room, "\\\\.\\pipe\\weir-%s-%lu", sid, session);
        LocalFree(sid);
        return true;
}

static bool
is_contained(HANDLE token)
{
        DWORD contained = 0, size;

        return GetTokenInformation(token, TokenIsAppContainer, &contained, sizeof contained, &size) && contained != 0;
}

size_t
wr_address_list(char addresses[][WR_ADDRESS_MAX], size_t max)
{
        struct list list = { addresses, 0, max };
        char address[4 * WR_ADDRESS_MAX];
        HANDLE token;

        if (given_address(address, sizeof address)) {
                add(&list, address);
                return list.count;
        }
        if (OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) {
                if (own_address(token, address, sizeof address))
                        add(&list, address);
                if (is_contained(token))
                        add(&list, container_address);
                CloseHandle(token);
        }
        add(&list, system_address);
        return list.count;
}

bool
wr_address_is_system(const char *address)
{
        return _stricmp(address, system_address) == 0;
}
