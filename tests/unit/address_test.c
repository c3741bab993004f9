/* Where a broker is looked for, on both systems. */
#include "named-objects/address.h"

#include "tests/portable.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#ifdef _WIN32
#        include "named-objects/endpoint_name_win32.h"

/* A pipe of the user's session, and one of the machine's. */
static void
places(char *users, char *systems)
{
        char sid[WR_SID_TEXT_MAX];
        struct wr_sid self;
        DWORD session;

        cr_assert(wr_endpoint_name_self(&self));
        cr_assert(ne(int, ProcessIdToSessionId(GetCurrentProcessId(), &session), 0));
        wr_sid_text(&self, sid);
        snprintf(users, WR_ADDRESS_MAX, "\\\\.\\pipe\\weir-%s-%lu", sid, session);
        strcpy(systems, "\\\\.\\pipe\\weir-system");
}
#else
/* Sockets in the user's runtime directory, and in the system's. */
static void
places(char *users, char *systems)
{
        strcpy(users, "/run/user/1/weir/bus");
        strcpy(systems, "/run/weir/bus");
}
#endif

TestSuite(address, .timeout = 20);

static char list[WR_ADDRESSES][WR_ADDRESS_MAX];

static size_t
listed(const char *given)
{
        unsetenv("WEIR_BROKER");
        setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
        if (given)
                setenv("WEIR_BROKER", given, 1);
        return wr_address_list(list, WR_ADDRESSES);
}

Test(address, a_given_broker_is_the_only_one)
{
        cr_assert(eq(sz, listed("/x/bus"), 1));
        cr_assert(eq(str, list[0], "/x/bus"));
}

Test(address, the_users_broker_comes_first_and_the_systems_last)
{
        size_t count = listed(NULL);

        cr_assert(ge(sz, count, 2));
        cr_assert(not(wr_address_is_system(list[0])));
        cr_assert(wr_address_is_system(list[count - 1]));
        cr_assert(eq(sz, wr_address_list(list, 1), 1));
        cr_assert(not(wr_address_is_system(list[0])));
        cr_assert(eq(sz, wr_address_list(list, 0), 0));
}

Test(address, an_empty_one_is_none)
{
        size_t count = listed(NULL);

        cr_assert(eq(sz, listed(""), count));
}

Test(address, one_that_is_too_long_is_left_out)
{
        char given[200];

        memset(given, 'x', sizeof(given));
        given[WR_ADDRESS_MAX - 1] = '\0';
        cr_assert(eq(sz, listed(given), 1));
        cr_assert(eq(str, list[0], given));
        given[WR_ADDRESS_MAX - 1] = 'x';
        given[WR_ADDRESS_MAX] = '\0';
        cr_assert(eq(sz, listed(given), 0));
        given[WR_ADDRESS_MAX] = 'x';
        given[sizeof(given) - 1] = '\0';
        cr_assert(eq(sz, listed(given), 0));
}

Test(address, each_is_where_its_system_has_places_for_it)
{
        char users[WR_ADDRESS_MAX], systems[WR_ADDRESS_MAX];

        places(users, systems);
        cr_assert(eq(sz, listed(NULL), 2));
        cr_assert(eq(str, list[0], users));
        cr_assert(eq(str, list[1], systems));
}
