/* What <weir/rights.h> tells of Flatpaks. */
#include <weir/rights.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
