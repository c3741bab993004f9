/* What those who shed, forge or borrow an identity get from a policy of patterns and capabilities: only what is granted
 * to whom they are seen as. The broker's user is root here, whose full trust could do all where no entry speaks. */
#include "broker/policy.h"
#include "named-objects/user.h"
#include "tests/hostile/forgery.h"

static struct wr_policy *policy;

static void
rights_make(void)
{
        static const char text[] = "[topic.\"camera/*\"]\n"
                                   "publish = [\"package:org.weir.Camera\"]\n"
                                   "subscribe = [\"package:org.weir.Viewer\"]\n"
                                   "[topic.\"sensor/**\"]\n"
                                   "publish = [\"capability:sensors\"]\n"
                                   "subscribe = [\"capability:sensors\"]\n"
                                   "stall = [\"capability:sensors\"]\n"
                                   "[topic.\"raw/**\"]\n"
                                   "publish = [\"capability:raw\", \"user:65534\"]\n"
                                   "[topic.\"open/**\"]\n"
                                   "subscribe = [\"confined:*\"]\n";
        char why[512];

        fixture_make();
        cr_assert(eq(int, wr_policy_parse(&policy, text, sizeof text - 1, "p", wr_user_self(), why, sizeof why),
                     WEIR_OK),
                  "%s", why);
}

static void
rights_remove(void)
{
        wr_policy_close(policy);
        fixture_remove();
}

TestSuite(rights_attempts, .init = rights_make, .fini = rights_remove, .timeout = 90);

static unsigned
rights_on(const struct wr_identity *identity, const char *topic)
{
        unsigned rights = 0;

        for (unsigned right = WR_MAY_SUBSCRIBE; right <= WR_MAY_STALL; right <<= 1) {
                if (wr_policy_decide(policy, identity, topic, (enum wr_right)right, NULL, 0))
                        rights |= right;
        }
        return rights;
}

enum {
        PUBLISHES = WR_MAY_PUBLISH | WR_MAY_MAP | WR_MAY_OBSERVE,
        SUBSCRIBES = WR_MAY_SUBSCRIBE | WR_MAY_MAP | WR_MAY_OBSERVE,
        SENSES = PUBLISHES | SUBSCRIBES | WR_MAY_STALL
};

struct expected {
        unsigned camera, sensor, raw, open, elsewhere;
};

static void
expect_rights(const struct wr_identity *identity, const char *who, struct expected expected)
{
        cr_assert(eq(uint, rights_on(identity, "camera/front"), expected.camera), "%s", who);
        cr_assert(eq(uint, rights_on(identity, "sensor/imu/raw"), expected.sensor), "%s", who);
        cr_assert(eq(uint, rights_on(identity, "raw/imu"), expected.raw), "%s", who);
        cr_assert(eq(uint, rights_on(identity, "open/clock"), expected.open), "%s", who);
        cr_assert(eq(uint, rights_on(identity, "elsewhere"), expected.elsewhere), "%s", who);
}

/* Without this all that follows could be refused for another reason. */
Test(rights_attempts, an_honest_package_gets_what_its_id_and_its_capabilities_are_granted)
{
        static const char info[] = "org.weir.Camera\n[Policy weir]\ncapability=sensors;";
        struct wr_identity identity;

        cr_assert(eq(int, forgery_ask(0, SANDBOX_CLOSED, info, SANDBOX_CONNECT, NULL, &identity), WEIR_OK), "%s",
                  fixture_why);
        expect_rights(&identity, "honest", (struct expected){ .camera = PUBLISHES, .sensor = SENSES });
}

Test(rights_attempts, a_forged_file_in_a_nested_sandbox_gets_what_anybody_confined_gets)
{
        static const char *const scripts[] = { FORGED_FILE("org.weir.Camera") NEST,
                                               FORGED_FILE("org.weir.Viewer") NEST };
        struct wr_identity identity;

        for (size_t i = 0; i < 2; i++) {
                cr_assert(eq(int, forgery_ask(0, SANDBOX_NESTING, "org.weir.Stranger", scripts[i], NULL, &identity),
                             WEIR_OK),
                          "%s", fixture_why);
                expect_rights(&identity, scripts[i], (struct expected){ .open = SUBSCRIBES });
        }
}

Test(rights_attempts, who_sheds_its_file_or_mounts_the_hosts_root_gets_what_anybody_confined_gets)
{
        static const char shed[] = "umount /.flatpak-info && rm /.flatpak-info && " SANDBOX_CONNECT;
        struct wr_identity identity;

        cr_assert(eq(int, forgery_ask(0, SANDBOX_OPEN, "org.weir.Camera", shed, NULL, &identity), WEIR_OK), "%s",
                  fixture_why);
        expect_rights(&identity, "shed", (struct expected){ .open = SUBSCRIBES });
        cr_assert(eq(int,
                     forgery_ask(0, "--ro-bind / / --dev /dev --unshare-pid --die-with-parent", NULL, SANDBOX_CONNECT,
                                 NULL, &identity),
                     WEIR_OK),
                  "%s", fixture_why);
        expect_rights(&identity, "host's root", (struct expected){ .open = SUBSCRIBES });
}

Test(rights_attempts, a_forged_capability_at_a_package_socket_adds_nothing_to_the_package)
{
        struct wr_identity identity;

        cr_assert(eq(int,
                     forgery_ask(0, SANDBOX_OPEN, "org.weir.Camera", SHED_AND_FORGE SANDBOX_CONNECT, "org.weir.Camera",
                                 &identity),
                     WEIR_OK),
                  "%s", fixture_why);
        expect_rights(&identity, "forged", (struct expected){ .camera = PUBLISHES });
}

/* Whoever is a user can start a sandbox of any name with any capability: it is worth no more than that user. */
Test(rights_attempts, a_capability_in_a_sandbox_of_another_user_gets_only_what_names_that_user_too)
{
        static const char info[] = "org.weir.Camera\n[Policy weir]\ncapability=sensors;raw;";
        struct wr_identity identity;

        cr_assert(eq(int, forgery_ask(CHILD_NOBODY, SANDBOX_CLOSED, info, SANDBOX_CONNECT, NULL, &identity), WEIR_OK),
                  "%s", fixture_why);
        expect_rights(&identity, "nobody's", (struct expected){ .raw = PUBLISHES });
}

Test(rights_attempts, a_name_that_is_nearly_another_gets_nothing_of_it)
{
        static const char *const names[] = {
                "org.weir.Camer",   "org.weir.Camera2", "org.weir.Camera.x",
                "xorg.weir.Camera", "org.weir.sensors", "org.weir.X\n[Policy weir]\ncapability=sensor;sensors2",
        };
        struct wr_identity identity;

        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                cr_assert(eq(int, forgery_ask(0, SANDBOX_CLOSED, names[i], SANDBOX_CONNECT, NULL, &identity), WEIR_OK),
                          "%s", fixture_why);
                expect_rights(&identity, names[i], (struct expected){ 0 });
        }
}
