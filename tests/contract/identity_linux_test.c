/* Who identity.h says is there on Linux, among honest peers and their sandboxes. Those who lie: hostile/. */
#include "tests/hostile/identity_fixture.h"
#include "tests/identity_kit.h"

#include <grp.h>

TestSuite(identity_linux, .init = fixture_make, .fini = fixture_remove, .timeout = 60);

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

Test(identity_linux, another_user_comes_with_its_groups_and_its_number_for_a_name)
{
        size_t count = 3;
        pid_t child = child_start(0, connect_with_groups, &count);
        wr_object connection = fixture_accept();
        struct wr_identity identity;
        char text[256];

        cr_assert(eq(int, fixture_ask(connection, NULL, &identity), WEIR_OK), "%s", fixture_why);
        cr_assert(eq(int, identity.trust, WR_TRUST_FULL));
        cr_assert(identity_is_user(&identity, 4243));
        cr_assert(eq(u32, identity.sids.count, 4));
        cr_assert(identity_has_group(&identity, 4242));
        cr_assert(identity_has_group(&identity, 7002));
        wr_identity_text(&identity, text, sizeof text);
        cr_assert(eq(str, text, "user:4243 full trust (same root)"));
        fixture_end(child, connection);
}

Test(identity_linux, groups_are_all_there_or_the_peer_is_refused)
{
        size_t fit = WR_GROUPS_MAX - 1, many = WR_GROUPS_MAX;
        struct wr_identity identity;
        pid_t child = child_start(0, connect_with_groups, &fit);
        wr_object connection = fixture_accept();

        cr_assert(eq(int, fixture_ask(connection, NULL, &identity), WEIR_OK), "%s", fixture_why);
        cr_assert(eq(u32, identity.sids.count, WR_GROUPS_MAX));
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
        cr_assert(identity_is_user(&identity, user));
        fixture_end(child, connection);
}

Test(identity_linux, a_sandbox_is_the_package_of_its_flatpak_info)
{
        expect_package(0, "org.weir.Camera", NULL, "org.weir.Camera", "flatpak-info");
        expect_package(CHILD_NOBODY, "org.weir.Camera", NULL, "org.weir.Camera", "flatpak-info");
}

Test(identity_linux, a_sandbox_is_the_package_of_its_socket)
{
        expect_package(0, NULL, "org.weir.Viewer", "org.weir.Viewer", "package socket");
        expect_package(CHILD_NOBODY, "org.weir.Viewer", "org.weir.Viewer", "org.weir.Viewer",
                       "package socket, flatpak-info");
}

Test(identity_linux, a_sandbox_that_nobody_vouches_for_is_confined)
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

/* As `weir id --pid` asks: without a connection, and with the same answer. */
Test(identity_linux, a_process_is_the_same_by_its_number_as_by_its_connection)
{
        size_t count = 3;
        pid_t child = child_start(0, connect_with_groups, &count);
        wr_object connection = fixture_accept();
        struct wr_identity peer, process;

        cr_assert(eq(int, fixture_ask(connection, NULL, &peer), WEIR_OK), "%s", fixture_why);
        cr_assert(eq(int, wr_identity_of_process((uint32_t)child, &process, fixture_why, sizeof fixture_why), WEIR_OK),
                  "%s", fixture_why);
        cr_assert(eq(int, memcmp(&peer, &process, sizeof peer), 0));
        fixture_end(child, connection);
}

Test(identity_linux, a_sandboxed_process_is_its_package_by_its_number_too)
{
        struct sandbox box = { SANDBOX_CLOSED, "org.weir.Camera", fixture_mount, SANDBOX_CONNECT, fixture_socket };
        pid_t child = sandbox_start(0, &box);
        wr_object connection = fixture_accept();
        struct wr_identity peer, process;

        cr_assert(eq(int, fixture_ask(connection, NULL, &peer), WEIR_OK), "%s", fixture_why);
        cr_assert(eq(int, wr_identity_of_process(peer.pid, &process, fixture_why, sizeof fixture_why), WEIR_OK), "%s",
                  fixture_why);
        cr_assert(eq(int, process.trust, WR_TRUST_PACKAGE));
        cr_assert(eq(str, process.package, "org.weir.Camera"));
        fixture_end(child, connection);
}

Test(identity_linux, a_sandbox_has_the_capabilities_of_its_flatpak_info)
{
        struct sandbox box = { SANDBOX_CLOSED, "org.weir.Camera\n[Policy weir]\ncapability=sensors;org.weir.raw;",
                               fixture_mount, SANDBOX_CONNECT, fixture_socket };
        pid_t child = sandbox_start(CHILD_NOBODY, &box);
        wr_object connection = fixture_accept();
        struct wr_identity identity;
        char text[256];

        cr_assert(eq(int, fixture_ask(connection, NULL, &identity), WEIR_OK), "%s", fixture_why);
        cr_assert(eq(u32, identity.capability_count, 2));
        cr_assert(eq(str, identity.capabilities[0], "sensors"));
        cr_assert(eq(str, identity.capabilities[1], "org.weir.raw"));
        wr_identity_text(&identity, text, sizeof text);
        cr_assert(eq(str, text,
                     "user:nobody package:org.weir.Camera capability:sensors capability:org.weir.raw (flatpak-info)"));
        fixture_end(child, connection);
}
