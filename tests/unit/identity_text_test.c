/* The half of identities that is only text: names, `.flatpak-info`, labels, and an identity in words. */
#include "named-objects/identity.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

Test(identity_text, package_names_have_a_grammar)
{
        static const char *const good[] = { "a", "org.weir.Camera", "Weir-2_x", "0", "a." };
        static const char *const bad[] = { "", ".", ".a", "a..b", "..", "a/b", "a b", "a\n", "\xc3\xa9", "a:b", "*" };
        char longest[WR_PACKAGE_MAX + 2];

        for (size_t i = 0; i < sizeof good / sizeof *good; i++)
                cr_assert(wr_identity_package_valid(good[i]), "'%s'", good[i]);
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
                cr_assert(not(wr_identity_package_valid(bad[i])), "'%s'", bad[i]);
        memset(longest, 'x', sizeof longest);
        longest[WR_PACKAGE_MAX] = '\0';
        cr_assert(wr_identity_package_valid(longest));
        longest[WR_PACKAGE_MAX] = 'x';
        longest[WR_PACKAGE_MAX + 1] = '\0';
        cr_assert(not(wr_identity_package_valid(longest)));
}

Test(identity_text, capability_names_have_a_grammar)
{
        static const char *const good[] = { "a", "internetClient", "org.weir.sensors_8wekyb3d8bbwe", "0-9", "a." };
        static const char *const bad[] = { "", ".a", "-a", "_a", "a b", "!a", "a;b", "a\\nb", "a:b", "\xc3\xa9", "*" };
        char longest[WR_CAPABILITY_MAX + 2];

        for (size_t i = 0; i < sizeof good / sizeof *good; i++)
                cr_assert(wr_identity_capability_valid(good[i]), "'%s'", good[i]);
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
                cr_assert(not(wr_identity_capability_valid(bad[i])), "'%s'", bad[i]);
        memset(longest, 'x', sizeof longest);
        longest[WR_CAPABILITY_MAX] = '\0';
        cr_assert(wr_identity_capability_valid(longest));
        longest[WR_CAPABILITY_MAX] = 'x';
        longest[WR_CAPABILITY_MAX + 1] = '\0';
        cr_assert(not(wr_identity_capability_valid(longest)));
}

static bool
flatpak_of(const char *text, struct wr_flatpak *flatpak)
{
        return wr_identity_flatpak_read(text, strlen(text), flatpak);
}

Test(identity_text, the_application_is_found_where_glib_would_find_it)
{
        struct wr_flatpak flatpak;

        cr_assert(flatpak_of("[Application]\nname=org.weir.A\nruntime=x\n", &flatpak));
        cr_assert(eq(str, flatpak.name, "org.weir.A"));
        cr_assert(flatpak_of("# c\n\n[Instance]\nname=b\n [Application] \r\n name = org.weir.B \r\n[X]\nname=y",
                             &flatpak));
        cr_assert(eq(str, flatpak.name, "org.weir.B"));
        cr_assert(flatpak_of("[Application]\nnames=no\nname=x.y.z", &flatpak));
        cr_assert(eq(str, flatpak.name, "x.y.z"));
}

Test(identity_text, a_file_that_names_none_or_two_names_none)
{
        static const char *const bad[] = {
                "",
                "\n",
                "name=org.weir.A\n",
                "[Runtime]\nname=org.weir.A\n",
                "[Application]\n",
                "[Application]\nname=\n",
                "[Application]\n#name=org.weir.A\n",
                "[Application]\nname=a b.c.d\n",
                "[Application]\nname=../x.y\n",
                "[Application]\nname=firefox\n", /* could be a Snap */
                "[Application]\nname=weir.A\n",
                "[Application]\nname=org.weir.A\nname=org.weir.A\n",
                "[Application]x\nname=org.weir.A\n",
                "[Application]\nname=a.b.c\n[Other]\n[Application]\nname=a.b.d\n",
                "[Application\nname=a.b.c\n",
                "=\n[Application]\n=a.b.c",
        };
        static const char zero[] = "[Application]\nname=org\0.weir.A\n";
        struct wr_flatpak flatpak;

        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
                cr_assert(not(flatpak_of(bad[i], &flatpak)), "'%s'", bad[i]);
        cr_assert(not(wr_identity_flatpak_read(zero, sizeof zero - 1, &flatpak)));
}

#define APPLICATION "[Application]\nname=org.weir.A\n"

Test(identity_text, capabilities_are_the_list_of_policy_weir)
{
        static const struct {
                const char *text;
                uint32_t count;
        } good[] = {
                { APPLICATION, 0 },
                { APPLICATION "[Policy weir]\n", 0 },
                { APPLICATION "[Policy weir]\ncapability=\n", 0 },
                { APPLICATION "[Policy weir]\ncapability=sensors\n", 1 },
                { APPLICATION "[Policy weir]\ncapability=sensors;\n", 1 },
                { APPLICATION "[Policy weir]\n capability = sensors;raw; \r\nother=x\n", 2 },
                { "[Policy weir]\ncapability=sensors;raw;location\n" APPLICATION, 3 },
                { APPLICATION "[Policy weird]\ncapability=sensors;\n", 0 },
                { APPLICATION "[policy weir]\ncapability=sensors;\n", 0 },
                { APPLICATION "capability=sensors;\n", 0 },
                { APPLICATION "[Session Bus Policy]\ncapability=sensors;\n", 0 },
                { APPLICATION "[Policy weir]\ncapability=sensors;Sensors;sensors;SENSORS\n", 1 },
        };
        struct wr_flatpak flatpak;

        for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
                cr_assert(flatpak_of(good[i].text, &flatpak), "'%s'", good[i].text);
                cr_assert(eq(u32, flatpak.capability_count, good[i].count), "'%s'", good[i].text);
                if (good[i].count != 0)
                        cr_assert(eq(str, flatpak.capabilities[0], "sensors"));
        }
}

Test(identity_text, a_list_that_could_be_read_in_two_ways_or_breaks_the_grammar_spoils_the_file)
{
        static const char *const bad[] = {
                ";",
                "a;;b",
                ";a",
                "a b",
                "a;!b",
                "!a",
                "a\\nb",
                "a\\;b",
                "a\\sb",
                "[Application]",
                "a=b",
                "\xff",
                ".a",
                "a,b",
                "a\ncapability=a",
                "a\n[Other]\n[Policy weir]\ncapability=b",
        };
        static const char zero[] = APPLICATION "[Policy weir]\ncapability=a\0b\n";
        struct wr_flatpak flatpak;
        char text[256];

        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                snprintf(text, sizeof text, APPLICATION "[Policy weir]\ncapability=%s\n", bad[i]);
                cr_assert(not(flatpak_of(text, &flatpak)), "'%s'", bad[i]);
        }
        cr_assert(not(wr_identity_flatpak_read(zero, sizeof zero - 1, &flatpak)));
}

static size_t
many_capabilities(char *text, size_t room, int count, int name_bytes)
{
        size_t size = (size_t)snprintf(text, room, APPLICATION "[Policy weir]\ncapability=");

        for (int i = 0; i < count; i++)
                size += (size_t)snprintf(text + size, room - size, "%0*d;", name_bytes, i);
        return size;
}

Test(identity_text, capabilities_have_a_limit_of_number_and_of_length)
{
        struct wr_flatpak flatpak;
        char text[8192];
        size_t size = many_capabilities(text, sizeof text, WR_CAPABILITIES_MAX, WR_CAPABILITY_MAX);

        cr_assert(wr_identity_flatpak_read(text, size, &flatpak));
        cr_assert(eq(u32, flatpak.capability_count, WR_CAPABILITIES_MAX));
        cr_assert(eq(sz, strlen(flatpak.capabilities[WR_CAPABILITIES_MAX - 1]), WR_CAPABILITY_MAX));
        size = many_capabilities(text, sizeof text, WR_CAPABILITIES_MAX + 1, 3);
        cr_assert(not(wr_identity_flatpak_read(text, size, &flatpak)));
        size = many_capabilities(text, sizeof text, 1, WR_CAPABILITY_MAX + 1);
        cr_assert(not(wr_identity_flatpak_read(text, size, &flatpak)));
}

Test(identity_text, a_snap_is_the_one_of_its_label)
{
        static const char *const good[][2] = {
                { "snap.firefox.firefox (enforce)", "firefox" },
                { "snap.firefox.geckodriver (complain)", "firefox" },
                { "snap.lxd_two.hook.install (enforce)", "lxd_two" },
                { "snap.a-b-2.Some-App (kill)", "a-b-2" },
                { "snap.0ad.0ad (enforce)", "0ad" },
                { "snap.weir.hook (unconfined)", "weir" },
                { "snap.abcdefghijabcdefghijabcdefghijabcdefghij_0123456789.a (prompt)",
                  "abcdefghijabcdefghijabcdefghijabcdefghij_0123456789" },
        };
        char name[WR_PACKAGE_MAX + 1];

        for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
                cr_assert(wr_identity_snap_name(good[i][0], name, sizeof name), "'%s'", good[i][0]);
                cr_assert(eq(str, name, (char *)good[i][1]));
                cr_assert(wr_identity_package_valid(name));
        }
        cr_assert(not(wr_identity_snap_name("snap.firefox.firefox (enforce)", name, 7))); /* no room */
}

Test(identity_text, a_label_that_is_not_exactly_a_snaps_is_no_snap)
{
        static const char *const bad[] = {
                "",
                "unconfined",
                "snap.",
                "snap.firefox",
                "snap.firefox (enforce)",
                "snap.firefox.firefox",     /* without a mode: not AppArmor's */
                "snap.firefox.firefox:x:y", /* SELinux */
                "snap.firefox.firefox (enforced)",
                "snap.firefox.firefox  (enforce)",
                "snap.firefox.firefox (enforce) ",
                "snap.firefox.firefox (mixed)",
                "Snap.firefox.firefox (enforce)",
                "snap.Firefox.firefox (enforce)",
                "snap.-firefox.firefox (enforce)",
                "snap.firefox-.firefox (enforce)",
                "snap.fire--fox.firefox (enforce)",
                "snap.1-2.app (enforce)", /* no letter */
                "snap.f.f (enforce)",     /* too short */
                "snap.abcdefghijabcdefghijabcdefghijabcdefghijk.a (enforce)",
                "snap.firefox_.app (enforce)",
                "snap.firefox_0123456789a.app (enforce)",
                "snap.firefox_two_three.app (enforce)",
                "snap.firefox. (enforce)",
                "snap.firefox.a.b (enforce)",
                "snap.firefox.hook. (enforce)",
                "snap.firefox.app//hat (enforce)",
                "snap.firefox.app//&:ns:unconfined (mixed)",
                "snap.fire/fox.app (enforce)",
                "snap..app (enforce)",
                ":ns:snap.firefox.app (enforce)",
                "snap-confine (enforce)",
                "/usr/lib/snapd/snap-confine//snap.firefox.app (enforce)",
        };
        char name[WR_PACKAGE_MAX + 1];

        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
                cr_assert(not(wr_identity_snap_name(bad[i], name, sizeof name)), "'%s'", bad[i]);
}

Test(identity_text, only_unconfined_labels_and_our_own_are_trusted)
{
        static const char *const trusted[] = {
                "unconfined",
                "chrome (unconfined)",
                "unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023",
                "unconfined_u:unconfined_r:unconfined_t",
        };
        static const char *const distrusted[] = {
                "",
                "docker-default (enforce)",
                "unconfined_not",
                "unconfined (enforce)",
                " (unconfined)",
                ":ns:mine (unconfined)",
                "system_u:system_r:sensor_t:s0",
                "unconfined_t:unconfined_t:sensor_t:s0",
                "u:r:unconfined_tx:s0",
                "u:r",
                "u:unconfined_t",
                "a:b:unconfined_t:c (enforce)",
                ":b:unconfined_t:c",
        };

        for (size_t i = 0; i < sizeof trusted / sizeof *trusted; i++)
                cr_assert(wr_identity_label_trusted(trusted[i], ""), "'%s'", trusted[i]);
        for (size_t i = 0; i < sizeof distrusted / sizeof *distrusted; i++) {
                cr_assert(not(wr_identity_label_trusted(distrusted[i], "unconfined")), "'%s'", distrusted[i]);
                cr_assert(not(wr_identity_label_trusted(distrusted[i], "")), "'%s'", distrusted[i]);
        }
        cr_assert(wr_identity_label_trusted("system_u:system_r:weir_t:s0", "system_u:system_r:weir_t:s0"));
        cr_assert(wr_identity_label_trusted("weird (enforce)", "weird (enforce)"));
}

static struct wr_identity
package_with(uint32_t capability_count)
{
        struct wr_identity identity = { .trust = WR_TRUST_PACKAGE,
                                        .user = wr_sid_of_uid(4243),
                                        .capability_count = capability_count };

        strcpy(identity.package, "org.weir.Camera");
        strcpy(identity.why, "flatpak-info");
        for (uint32_t i = 0; i < capability_count; i++)
                snprintf(identity.capabilities[i], sizeof identity.capabilities[i], "capability-number-%u", i);
        return identity;
}

Test(identity_text, an_identity_in_words_counts_the_capabilities_that_do_not_fit)
{
        struct wr_identity identity = package_with(1);
        char text[256];

        wr_identity_text(&identity, text, sizeof text);
        cr_assert(eq(str, text, "user:4243 package:org.weir.Camera capability:capability-number-0 (flatpak-info)"));
        identity = package_with(WR_CAPABILITIES_MAX);
        wr_identity_text(&identity, text, sizeof text);
        cr_assert_not_null(strstr(text, "capability:capability-number-5 and 26 more (flatpak-info)"), "%s", text);
}

Test(identity_text, a_label_is_told_unless_it_says_nothing)
{
        struct wr_identity identity = package_with(0);
        char text[256], small[48];

        strcpy(identity.label, "unconfined");
        wr_identity_text(&identity, text, sizeof text);
        cr_assert(eq(str, text, "user:4243 package:org.weir.Camera (flatpak-info)"));
        strcpy(identity.label, "u:r:sensor_t:s0");
        wr_identity_text(&identity, text, sizeof text);
        cr_assert(eq(str, text, "user:4243 package:org.weir.Camera (flatpak-info) label:u:r:sensor_t:s0"));
        wr_identity_text(&identity, small, sizeof small); /* what does not fit whole is left out */
        cr_assert(eq(str, small, "user:4243 package:org.weir.Camera"));
}
