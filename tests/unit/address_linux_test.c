/* Where a broker is looked for on Linux without a runtime directory that is one. */
#include "named-objects/address.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char list[WR_ADDRESSES][WR_ADDRESS_MAX];

static size_t
listed(const char *given, const char *runtime)
{
        unsetenv("WEIR_BROKER");
        unsetenv("XDG_RUNTIME_DIR");
        if (given)
                setenv("WEIR_BROKER", given, 1);
        if (runtime)
                setenv("XDG_RUNTIME_DIR", runtime, 1);
        return wr_address_list(list, WR_ADDRESSES);
}

Test(address_linux, without_a_runtime_directory_root_has_the_systems_and_others_one_in_tmp)
{
        char expected[64];

        if (geteuid() == 0) {
                cr_assert(eq(sz, listed("", NULL), 1));
                cr_assert(eq(str, list[0], "/run/weir/bus"));
                cr_assert(eq(int, seteuid(65534), 0));
        }
        snprintf(expected, sizeof(expected), "/tmp/weir-%u/bus", (unsigned)geteuid());
        cr_assert(eq(sz, listed(NULL, NULL), 2));
        cr_assert(eq(str, list[0], expected));
        cr_assert(eq(str, list[1], "/run/weir/bus"));
}

Test(address_linux, a_relative_runtime_directory_is_ignored)
{
        listed(NULL, "run/user/1");
        cr_assert(ne(str, list[0], "run/user/1/weir/bus"));
}

Test(address_linux, a_runtime_directory_too_long_for_a_socket_is_ignored)
{
        char path[200];

        memset(path, '/', sizeof(path) - 1);
        path[sizeof(path) - 1] = '\0';
        cr_assert(eq(sz, listed(NULL, path), 1));
        cr_assert(eq(str, list[0], "/run/weir/bus"));
}
