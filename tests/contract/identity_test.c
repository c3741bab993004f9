/* Who identity.h says is there, among honest peers. Those who lie: hostile/. */
#include "tests/hostile/identity_fixture.h"

#include <grp.h>

TestSuite(identity, .init = fixture_make, .fini = fixture_remove, .timeout = 60);

Test(identity, a_process_beside_us_has_full_trust)
{
        pid_t child = child_start(0, fixture_connect, NULL);
        wr_object connection = fixture_accept(), process;
        struct wr_identity identity;
        struct pollfd ended;
        char text[256];

        cr_assert(eq(int, wr_identity_of(connection, NULL, &identity, &process, NULL, 0), WEIR_OK));
        cr_assert(eq(int, identity.trust, WR_TRUST_FULL));
        cr_assert(eq(u32, identity.user, getuid()));
        cr_assert(eq(u32, identity.pid, (uint32_t)child));
        cr_assert(eq(u32, identity.groups[0], getgid()));
        cr_assert(eq(str, identity.package, ""));
        wr_identity_text(&identity, text, sizeof text);
        cr_assert(eq(str, text, "user:root full trust (same root)"));
        ended = (struct pollfd){ .fd = process, .events = POLLIN };
        cr_assert(eq(int, poll(&ended, 1, 0), 0));
        kill(child, SIGKILL);
        cr_assert(eq(int, poll(&ended, 1, -1), 1)); /* the object tells of its death */
        child_wait(child);
        wr_object_close(process);
        wr_object_close(connection);
}

static int
connect_with_groups(void *argument)
{
        gid_t groups[WR_GROUPS_MAX];
        size_t count = *(size_t *)argument;

        for (size_t i = 0; i < count; i++)
                groups[i] = (gid_t)(7000 + i);
        if (setgroups(count, groups) != 0 || setresgid(4242, 4242, 4242) != 0 || setresuid(4243, 4243, 4243) != 0)
                return CHILD_CANNOT_BEGIN;
        return fixture_connect(NULL);
}

Test(identity, another_user_comes_with_its_groups_and_its_number_for_a_name)
{
        size_t count = 3;
        pid_t child = child_start(0, connect_with_groups, &count);
        wr_object connection = fixture_accept();
        struct wr_identity identity;
        char text[256];

        cr_assert(eq(int, fixture_ask(connection, NULL, &identity), WEIR_OK), "%s", fixture_why);
        cr_assert(eq(int, identity.trust, WR_TRUST_FULL));
        cr_assert(eq(u32, identity.user, 4243));
        cr_assert(eq(u32, identity.group_count, 4));
        cr_assert(eq(u32, identity.groups[0], 4242));
        cr_assert(eq(u32, identity.groups[3], 7002));
        wr_identity_text(&identity, text, sizeof text);
        cr_assert(eq(str, text, "user:4243 full trust (same root)"));
        fixture_end(child, connection);
}

Test(identity, groups_are_all_there_or_the_peer_is_refused)
{
        size_t fit = WR_GROUPS_MAX - 1, many = WR_GROUPS_MAX;
        struct wr_identity identity;
        pid_t child = child_start(0, connect_with_groups, &fit);
        wr_object connection = fixture_accept();

        cr_assert(eq(int, fixture_ask(connection, NULL, &identity), WEIR_OK), "%s", fixture_why);
        cr_assert(eq(u32, identity.group_count, WR_GROUPS_MAX));
        fixture_end(child, connection);
        child = child_start(0, connect_with_groups, &many);
        connection = fixture_accept();
        cr_assert(eq(int, fixture_ask(connection, NULL, &identity), WEIR_E_DENIED));
        cr_assert_not_null(strstr(fixture_why, "groups"));
        fixture_end(child, connection);
}

static void
expect_package(uid_t user, const char *info, const char *socket_package, const char *package, const char *why)
{
        struct sandbox box = { SANDBOX_CLOSED, info, fixture_mount, SANDBOX_CONNECT, fixture_socket };
        pid_t child = sandbox_start(user, &box);
        wr_object connection = fixture_accept();
        struct wr_identity identity;

        cr_assert(eq(int, fixture_ask(connection, socket_package, &identity), WEIR_OK), "%s", fixture_why);
        cr_assert(eq(int, identity.trust, WR_TRUST_PACKAGE));
        cr_assert(eq(str, identity.package, (char *)package));
        cr_assert(eq(str, identity.why, (char *)why));
        cr_assert(eq(u32, identity.user, user));
        fixture_end(child, connection);
}

Test(identity, a_sandbox_is_the_package_of_its_flatpak_info)
{
        expect_package(0, "org.weir.Camera", NULL, "org.weir.Camera", "flatpak-info");
        expect_package(CHILD_NOBODY, "org.weir.Camera", NULL, "org.weir.Camera", "flatpak-info");
}

Test(identity, a_sandbox_is_the_package_of_its_socket)
{
        expect_package(0, NULL, "org.weir.Viewer", "org.weir.Viewer", "package socket");
        expect_package(CHILD_NOBODY, "org.weir.Viewer", "org.weir.Viewer", "org.weir.Viewer",
                       "package socket, flatpak-info");
}

Test(identity, a_sandbox_that_nobody_vouches_for_is_confined)
{
        struct sandbox box = { SANDBOX_CLOSED, NULL, fixture_mount, SANDBOX_CONNECT, fixture_socket };
        pid_t child = sandbox_start(0, &box);
        wr_object connection = fixture_accept();
        struct wr_identity identity;
        char text[256];

        cr_assert(eq(int, fixture_ask(connection, NULL, &identity), WEIR_OK), "%s", fixture_why);
        cr_assert(eq(int, identity.trust, WR_TRUST_CONFINED));
        wr_identity_text(&identity, text, sizeof text);
        cr_assert(eq(str, text, "user:root confined (foreign mount namespace)"));
        fixture_end(child, connection);
}

Test(identity, a_package_socket_of_no_valid_name_is_a_mistake_of_the_caller)
{
        struct wr_identity identity;

        cr_assert(eq(int, fixture_ask(fixture_listener, "../etc", &identity), WEIR_E_USAGE));
}

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

static bool
name_of(const char *text, char *name, size_t room)
{
        return wr_identity_flatpak_name(text, strlen(text), name, room);
}

Test(identity_text, the_application_is_found_where_glib_would_find_it)
{
        char name[WR_PACKAGE_MAX + 1];

        cr_assert(name_of("[Application]\nname=org.weir.A\nruntime=x\n", name, sizeof name));
        cr_assert(eq(str, name, "org.weir.A"));
        cr_assert(name_of("# c\n\n[Instance]\nname=b\n [Application] \r\n name = org.weir.B \r\n[X]\nname=y", name,
                          sizeof name));
        cr_assert(eq(str, name, "org.weir.B"));
        cr_assert(name_of("[Application]\nnames=no\nname=x", name, 2));
        cr_assert(eq(str, name, "x"));
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
                "[Application]\nname=a b\n",
                "[Application]\nname=../x\n",
                "[Application]\nname=org.weir.A\nname=org.weir.A\n",
                "[Application]x\nname=org.weir.A\n",
                "[Application]\nname=a\n[Other]\n[Application]\nname=b\n",
                "[Application\nname=a\n",
                "=\n[Application]\n=a",
        };
        static const char zero[] = "[Application]\nname=org\0.weir\n";
        char name[WR_PACKAGE_MAX + 1];

        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
                cr_assert(not(name_of(bad[i], name, sizeof name)), "'%s'", bad[i]);
        cr_assert(not(wr_identity_flatpak_name(zero, sizeof zero - 1, name, sizeof name)));
        cr_assert(not(name_of("[Application]\nname=xy", name, 2))); /* no room */
}

Test(identity_text, only_unconfined_labels_and_our_own_are_trusted)
{
        cr_assert(wr_identity_label_trusted("unconfined", ""));
        cr_assert(wr_identity_label_trusted("system_u:system_r:weir_t:s0", "system_u:system_r:weir_t:s0"));
        cr_assert(not(wr_identity_label_trusted("docker-default (enforce)", "unconfined")));
        cr_assert(not(wr_identity_label_trusted("unconfined_not", "unconfined")));
        cr_assert(not(wr_identity_label_trusted("", "")));
}
