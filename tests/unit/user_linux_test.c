/* Names of the system's own files. */
#include "named-objects/user.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(user_linux, .timeout = 60);

Test(user_linux, root_is_user_and_group_zero_by_name)
{
        const struct wr_sid user = wr_sid_of_uid(0), group = wr_sid_of_gid(0);
        struct wr_sid found;
        char name[64];

        cr_assert(wr_user_find("root", &found) && wr_sid_equal(&found, &user));
        cr_assert(wr_user_is_system(&found));
        cr_assert(wr_group_find("root", &found) && wr_sid_equal(&found, &group));
        cr_assert(not(wr_user_is_system(&found)), "a group of the same number");
        cr_assert(wr_user_name(&user, name, sizeof name));
        cr_assert(eq(str, name, "root"));
        cr_assert(not(wr_user_name(&group, name, sizeof name)), "a group of the same number");
}
