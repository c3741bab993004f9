/* Peers that want a capability, or the name of somebody who has one: by a file of their own, through namespaces of
 * their own, by text that could be read in two ways. Each gets at most what stands outside of its reach. */
#include "tests/hostile/forgery.h"

TestSuite(identity_forgery, .init = fixture_make, .fini = fixture_remove, .timeout = 90);

/* On the ordinary socket, where only the file says who it is. */
Test(identity_forgery, a_file_in_a_sandbox_that_was_nested_in_a_sandbox_vouches_for_nothing)
{
        static const char *const scripts[] = { FORGED_FILE("org.weir.Camera") NEST,
                                               FORGED_FILE("org.weir.Viewer") NEST };
        static const uid_t users[] = { 0, CHILD_NOBODY };
        struct wr_identity identity;

        for (size_t i = 0; i < 4; i++) {
                cr_assert(eq(int,
                             forgery_ask(users[i / 2], SANDBOX_NESTING, "org.weir.Camera", scripts[i % 2], NULL,
                                         &identity),
                             WEIR_OK),
                          "%s", fixture_why);
                cr_assert(eq(int, identity.trust, WR_TRUST_CONFINED));
                cr_assert(eq(str, identity.package, ""));
                cr_assert(eq(u32, identity.capability_count, 0));
                cr_assert_not_null(strstr(identity.why, "nested"));
        }
}

/* The same sandbox without the nest is what it is: the line above did not refuse it for another reason. */
Test(identity_forgery, a_sandbox_that_could_nest_but_does_not_is_its_package)
{
        struct wr_identity identity;

        cr_assert(eq(int,
                     forgery_ask(CHILD_NOBODY, SANDBOX_NESTING, "org.weir.Camera", SANDBOX_CONNECT, NULL, &identity),
                     WEIR_OK),
                  "%s", fixture_why);
        cr_assert(eq(int, identity.trust, WR_TRUST_PACKAGE));
        cr_assert(eq(str, identity.package, "org.weir.Camera"));
}

/* With the right name, so that nothing contradicts: the capability alone is forged. */
Test(identity_forgery, a_file_adds_no_capability_to_what_a_package_socket_says)
{
        static const char *const scripts[] = { FORGED_FILE("org.weir.Camera") NEST, SHED_AND_FORGE SANDBOX_CONNECT };
        static const char *const lines[] = { SANDBOX_NESTING, SANDBOX_OPEN };
        struct wr_identity identity;
        char text[256];

        for (size_t i = 0; i < 2; i++) {
                cr_assert(eq(int, forgery_ask(0, lines[i], "org.weir.Camera", scripts[i], "org.weir.Camera", &identity),
                             WEIR_OK),
                          "%s", fixture_why);
                cr_assert(eq(int, identity.trust, WR_TRUST_PACKAGE));
                cr_assert(eq(u32, identity.capability_count, 0));
                wr_identity_text(&identity, text, sizeof text);
                cr_assert(eq(str, text, "user:root package:org.weir.Camera (package socket, flatpak-info)"));
        }
}

/* For the printf of the sandbox's own shell. */
#define LIST "[Application]\\nname=org.weir.A\\n[Policy weir]\\ncapability="

Test(identity_forgery, a_file_whose_capabilities_could_be_read_in_two_ways_is_refused)
{
        static const char *const infos[] = {
                LIST "a\\ncapability=b\\n",
                LIST "a\\n[X]\\n[Policy weir]\\ncapability=b\\n",
                LIST "a\\\\\\\\n[Application];\\n",
                LIST "a\\n[Application]\\nname=org.weir.B\\n",
                LIST "a\\000b\\n",
                LIST "*\\n",
                LIST "**;a\\n",
                "[Application]\\nname=org.weir.*\\n",
                "[Application]\\nname=confined:*\\n",
                LIST "$(printf %065d 1)\\n",
                LIST "$(seq -s ';' 1 33)\\n",
                LIST "$(printf %070000d 1)\\n",
                LIST "a;\\n#$(printf %070000d 1)\\n",
        };
        struct wr_identity identity;
        char script[1024];

        for (size_t i = 0; i < sizeof infos / sizeof *infos; i++) {
                snprintf(script, sizeof script, "printf \"%s\" > /.flatpak-info; %s", infos[i], SANDBOX_CONNECT);
                cr_assert(eq(int, forgery_ask(0, SANDBOX_OPEN, NULL, script, NULL, &identity), WEIR_E_DENIED), "%s: %s",
                          infos[i], fixture_why);
                cr_assert_not_null(strstr(fixture_why, ".flatpak-info"), "%s", fixture_why);
        }
}

Test(identity_forgery, a_capability_said_many_times_is_one_and_does_not_crowd_out_others)
{
        static const char script[] =
                "printf \"" LIST "$(for i in $(seq 100); do printf 'sensors;SENSORS;'; done)raw\\n\" "
                "> /.flatpak-info; " SANDBOX_CONNECT;
        struct wr_identity identity;

        cr_assert(eq(int, forgery_ask(0, SANDBOX_OPEN, NULL, script, NULL, &identity), WEIR_OK), "%s", fixture_why);
        cr_assert(eq(u32, identity.capability_count, 2));
        cr_assert(eq(str, identity.capabilities[1], "raw"));
}

/* Names that stand for many, or for nobody, are no packages: a socket for one of them cannot be made, either. */
Test(identity_forgery, no_package_is_called_like_a_pattern)
{
        static const char *const names[] = { "*", "**", "org.weir.*", "confined:*", "package:org.weir.A", "a/b" };
        struct wr_identity identity;

        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                cr_assert(eq(int, fixture_ask(fixture_listener, names[i], &identity), WEIR_E_USAGE), "%s", names[i]);
}

/* The file changes all the time between two that are good: what comes out is one of them whole, never a mixture that
 * has the name of one and the capability of the other. */
Test(identity_forgery, a_file_that_is_replaced_while_it_is_read_is_one_or_the_other)
{
        static const char script[] =
                "printf '[Application]\\nname=org.weir.A\\n' > /tmp/a; "
                "printf '[Application]\\nname=org.weir.B\\n[Policy weir]\\ncapability=b;\\n' > /tmp/b; "
                "cp /tmp/a /.flatpak-info; exec perl -e 'use Socket; use File::Copy; "
                "socket(S, AF_UNIX, 5, 0) && connect(S, sockaddr_un($ARGV[0])) or die; "
                "for (my $i = 0;; $i++) { copy($i % 2 ? \"/tmp/a\" : \"/tmp/b\", \"/.next\"); "
                "rename(\"/.next\", \"/.flatpak-info\") }' \"$1\"";
        struct sandbox box = { SANDBOX_OPEN, NULL, fixture_mount, script, fixture_socket };
        pid_t child = sandbox_start(0, &box);
        wr_object connection = fixture_accept();
        struct wr_identity identity;

        for (int i = 0; i < 500; i++) {
                cr_assert(eq(int, fixture_ask(connection, NULL, &identity), WEIR_OK), "%s", fixture_why);
                cr_assert(eq(u32, identity.capability_count, strcmp(identity.package, "org.weir.B") == 0));
        }
        fixture_end(child, connection);
}
