/* Users and groups by their names, numbers and SIDs, whatever the system calls them. */
#include "named-objects/user.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

/* Accounts that every system has: its own user, and a group. */
#ifdef _WIN32
static const struct wr_sid system_user = { .authority = 5, .count = 1, .words = { 18 } };
static const struct wr_sid some_group = { .authority = 5, .count = 2, .words = { 32, 545 } };

/* Its name has a domain before it. */
static void
expect_system_name(const char *name)
{
        cr_assert_not_null(strchr(name, '\\'), "%s", name);
}
#else
static const struct wr_sid system_user = { .authority = 22, .count = 2, .words = { 1, 0 } };
static const struct wr_sid some_group = { .authority = 22, .count = 2, .words = { 2, 0 } };

/* A group of the same number has the same name, and is not it. */
static void
expect_system_name(const char *name)
{
        struct wr_sid found;
        char other[64];

        cr_assert(eq(str, (char *)(uintptr_t)name, "root"));
        cr_assert(wr_group_find(name, &found) && wr_sid_equal(&found, &some_group));
        cr_assert(not(wr_user_name(&some_group, other, sizeof other)));
}
#endif

TestSuite(user, .timeout = 60);

/* In whatever language its name is. */
Test(user, the_systems_own_is_found_by_the_name_that_it_has)
{
        struct wr_sid found;
        char name[256];

        cr_assert(wr_user_name(&system_user, name, sizeof name));
        cr_assert(wr_user_find(name, &found), "%s", name);
        cr_assert(wr_sid_equal(&found, &system_user));
        cr_assert(wr_user_is_system(&found));
        cr_assert(not(wr_user_is_system(&some_group)));
        expect_system_name(name);
}

Test(user, this_processs_user_is_found_by_the_name_that_it_has)
{
        struct wr_sid self = wr_user_self(), found;
        char name[256];

        cr_assert(gt(u32, self.count, 0));
        cr_assert(wr_user_name(&self, name, sizeof name));
        cr_assert(wr_user_find(name, &found), "%s", name);
        cr_assert(wr_sid_equal(&self, &found));
}

Test(user, a_number_is_a_user_or_group_of_linux)
{
        struct wr_sid user, group;
        bool is_group;
        uint32_t number;
        char text[WR_SID_TEXT_MAX];

        cr_assert(wr_user_find("4243", &user) && wr_group_find("4243", &group));
        cr_assert(wr_sid_is_unix(&user, &number, &is_group) && number == 4243 && !is_group);
        cr_assert(wr_sid_is_unix(&group, &number, &is_group) && number == 4243 && is_group);
        wr_user_text(&user, text, sizeof text);
        cr_assert(eq(str, text, "4243"));
        cr_assert(not(wr_user_find("4294967295", &user)), "the number that stands for none");
        cr_assert(not(wr_user_find("12345678901", &user)));
}

Test(user, who_is_not_there_is_not_found)
{
        struct wr_sid sid;

        cr_assert(not(wr_user_find("nobody-has-this-name", &sid)));
        cr_assert(not(wr_group_find("nobody-has-this-name", &sid)));
        cr_assert(not(wr_user_find("", &sid)));
}

Test(user, who_has_no_name_is_told_by_the_SID)
{
        const struct wr_sid stranger = { .authority = 5, .count = 5, .words = { 21, 1, 2, 3, 1001 } };
        char text[WR_SID_TEXT_MAX];

        cr_assert(not(wr_user_name(&stranger, text, sizeof text)));
        wr_user_text(&stranger, text, sizeof text);
        cr_assert(eq(str, text, "S-1-5-21-1-2-3-1001"));
}

Test(user, this_processs_user_is_in_groups_and_a_stranger_in_none)
{
        const struct wr_sid stranger = { .authority = 5, .count = 5, .words = { 21, 1, 2, 3, 1001 } };
        struct wr_sid_list own = { 0 }, none = { 0 };
        struct wr_sid self = wr_user_self();

        wr_user_groups(&self, &own);
        cr_assert(gt(u32, own.count, 0));
        wr_user_groups(&stranger, &none);
        cr_assert(eq(u32, none.count, 0));
}
