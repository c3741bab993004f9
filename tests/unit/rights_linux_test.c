/* What <weir/rights.h> tells of Flatpaks, keeps of a file's mode, and says of other users to root and to others. */
#include <weir/rights.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64], path[96], told[65536];

static void
begin(void)
{
        snprintf(directory, sizeof(directory), "/tmp/weir-rights-XXXXXX");
        cr_assert(mkdtemp(directory) != NULL);
        snprintf(path, sizeof(path), "%s/policy.conf", directory);
        told[0] = '\0';
}

static void
end(void)
{
        char command[128];

        snprintf(command, sizeof(command), "rm -rf %s", directory);
        cr_assert(eq(int, system(command), 0));
}

TestSuite(rights_linux, .init = begin, .fini = end, .timeout = 60);

static void
expect_told(const char *part)
{
        cr_assert(strstr(told, part) != NULL, "'%s' is told:\n%s", part, told);
}

static void
note_fact(void *user, const char *key, const char *value)
{
        size_t length = strlen(told);

        (void)user;
        snprintf(told + length, sizeof(told) - length, "%s=%s\n", key, value);
}

Test(rights_linux, an_installed_flatpak_is_told_with_its_capabilities)
{
        char command[512];

        snprintf(
                command, sizeof(command),
                "m=%s/flatpak/app/org.weir.Camera/current/active; mkdir -p $m; printf "
                "'[Application]\\nname=org.weir.Camera\\n[Policy weir]\\ncapability=org.weir.cameras;\\n' >$m/metadata",
                directory);
        cr_assert(eq(int, system(command), 0));
        setenv("XDG_DATA_HOME", directory, 1);
        cr_assert(eq(int, weir_names_of_flatpak("org.weir.Camera", note_fact, NULL), WEIR_OK), "%s",
                  weir_rights_error());
        expect_told("package=org.weir.Camera\n");
        expect_told("capability=org.weir.cameras\n");
        told[0] = '\0';
        cr_assert(eq(int, weir_names_of_flatpak("org.weir.Nowhere", note_fact, NULL), WEIR_EMPTY));
        expect_told("package_sid=S-1-15-2-");
        cr_assert(strstr(weir_rights_error(), "no Flatpak 'org.weir.Nowhere' is installed") != NULL);
        cr_assert(eq(int, weir_names_of_flatpak("../x", note_fact, NULL), WEIR_E_USAGE));
}

Test(rights_linux, an_edit_keeps_the_mode_and_tells_what_a_rule_for_others_takes)
{
        const char *part = geteuid() == 0 ? "chmod 755 /run/weir" : "install -d -m 755 /run/weir && weir broker run";
        struct weir_edit edit = { .size = sizeof(edit) };
        FILE *file = fopen(path, "w");
        struct stat status;

        cr_assert(file != NULL && fclose(file) == 0);
        cr_assert(eq(int, chmod(path, 0644), 0));
        cr_assert(eq(int, weir_policy_edit(path, 1, "t", "user:4200", WEIR_MAY_STALL, &edit), WEIR_OK));
        cr_assert(strstr(edit.note, part) != NULL, "%s", edit.note);
        cr_assert(eq(int, stat(path, &status), 0));
        cr_assert(eq(int, (int)(status.st_mode & 0777), 0644));
}

Test(rights_linux, this_process_is_told_with_the_numbers_of_user_and_group)
{
        char expected[96];

        cr_assert(eq(int, weir_names_of_process(0, note_fact, NULL), WEIR_OK), "%s", weir_rights_error());
        snprintf(expected, sizeof(expected), "user_sid=S-1-22-1-%u\n", (unsigned)geteuid());
        expect_told(expected);
        snprintf(expected, sizeof(expected), "group=%u\ngroup_sid=S-1-22-2-%u\n", (unsigned)getegid(),
                 (unsigned)getegid());
        expect_told(expected);
}
