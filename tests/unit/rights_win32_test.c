/* What <weir/rights.h> tells on Windows alone: integrity, names of groups, and that Flatpaks are of Linux. */
#include <weir/rights.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

static char told[65536];

TestSuite(rights_win32, .timeout = 60);

static void
note_fact(void *user, const char *key, const char *value)
{
        size_t length = strlen(told);

        (void)user;
        snprintf(told + length, sizeof(told) - length, "%s=%s\n", key, value);
}

static void
expect_told(const char *part)
{
        cr_assert(strstr(told, part) != NULL, "'%s' is told:\n%s", part, told);
}

Test(rights_win32, a_flatpak_is_none_and_its_names_are_told_all_the_same)
{
        cr_assert(eq(int, weir_names_of_flatpak("org.weir.Camera", note_fact, NULL), WEIR_EMPTY));
        expect_told("package_sid=S-1-15-2-");
        cr_assert(strstr(weir_rights_error(), "Flatpaks are of Linux") != NULL, "%s", weir_rights_error());
        cr_assert(strstr(weir_rights_error(), "weir id --package") != NULL, "%s", weir_rights_error());
}

Test(rights_win32, a_package_may_be_asked_for_by_its_SID)
{
        static const char sid[] =
                "S-1-15-2-466767348-3739614953-2700836392-1801644223-4227750657-1087833535-2488631167";
        char expected[256];

        cr_assert(eq(int, weir_names_of_package(sid, NULL, note_fact, NULL), WEIR_OK));
        snprintf(expected, sizeof(expected), "package_sid=%s\n", sid);
        expect_told(expected);
}
