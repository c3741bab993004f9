/* The accounts that every Windows has, in whatever language their names are. */
#include "named-objects/user.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(user_win32, .timeout = 60);

static const struct wr_sid users = { .authority = 5, .count = 2, .words = { 32, 545 } };

Test(user_win32, one_of_the_systems_users_runs_services)
{
        struct wr_sid found = wr_user_self();

        cr_assert(not(wr_user_is_system(&found)));
        cr_assert(wr_user_of_service(&found) && wr_user_is_system(&found));
}

Test(user_win32, a_group_is_no_user_and_a_user_no_group)
{
        struct wr_sid self = wr_user_self(), found;
        char user[256], group[256];

        cr_assert(wr_user_name(&self, user, sizeof user));
        cr_assert(wr_user_name(&users, group, sizeof group));
        cr_assert(wr_group_find(group, &found) && wr_sid_equal(&found, &users), "%s", group);
        cr_assert(not(wr_user_find(group, &found)));
        cr_assert(not(wr_group_find(user, &found)));
}
