/* Where a broker is looked for on Windows: pipes of the user's session and of the machine. */
#include "named-objects/address.h"

#include "named-objects/endpoint_name_win32.h"
#include "tests/portable.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

TestSuite(address_win32, .timeout = 20);

static char list[WR_ADDRESSES][WR_ADDRESS_MAX];

Test(address_win32, the_machines_pipe_is_known_in_any_case)
{
        cr_assert(wr_address_is_system("\\\\.\\PIPE\\weir-System"));
        cr_assert(not(wr_address_is_system("\\\\.\\pipe\\weir-system-2")));
}

Test(address_win32, the_longest_of_users_fits)
{
        static const char longest[] =
                "\\\\.\\pipe\\weir-S-1-5-82-4294967295-4294967295-4294967295-4294967295-4294967295"
                "-4294967295";

        cr_assert(lt(sz, strlen(longest), WR_ADDRESS_MAX));
}

Test(address_win32, what_is_listed_is_an_address)
{
        char why[512];

        unsetenv("WEIR_BROKER");
        for (size_t i = wr_address_list(list, WR_ADDRESSES); i-- > 0;)
                cr_assert(eq(int, wr_endpoint_place(list[i], why, sizeof(why)), WEIR_OK), "%s", why);
}

Test(address_win32, a_given_one_may_have_any_letters)
{
        SetEnvironmentVariableW(L"WEIR_BROKER", L"\\\\.\\pipe\\\u00fcber");
        cr_assert(eq(sz, wr_address_list(list, WR_ADDRESSES), 1));
        cr_assert(eq(str, list[0],
                     "\\\\.\\pipe\\\xc3\xbc"
                     "ber"));
}
