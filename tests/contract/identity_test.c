/* Who identity.h says is there, on both systems alike, among honest peers. Sandboxes, tokens: identity_linux_test.c and
 * identity_win32_test.c. Those who lie: hostile/. */
#include "broker/policy.h"
#include "named-objects/user.h"
#include "tests/contract/actor.h"
#include "tests/contract/endpoint_kit.h"
#include "tests/identity_kit.h"

static wr_object listener, client, server;

static void
begin(void)
{
        kit_begin();
        listener = kit_listen(path);
}

static void
end(void)
{
        wr_endpoint_unlisten(listener, path);
        kit_end();
}

TestSuite(identity, .init = begin, .fini = end, .timeout = 60);

static struct wr_identity
identified(wr_object connection, wr_object *process)
{
        struct wr_identity identity;

        cr_assert(eq(int, wr_identity_of(connection, NULL, &identity, process, why, sizeof why), WEIR_OK), "%s", why);
        return identity;
}

Test(identity, this_process_has_full_trust_and_is_its_user)
{
        struct wr_sid self = wr_user_self();
        struct wr_identity identity;
        wr_object process;

        kit_connect(listener, path, &client, &server);
        identity = identified(server, &process);
        cr_assert(eq(int, identity.trust, WR_TRUST_FULL));
        cr_assert(wr_sid_equal(&identity.user, &self));
        cr_assert(gt(u32, identity.sids.count, 0));
        cr_assert(eq(u32, identity.pid, wr_user_process()));
        cr_assert(eq(str, identity.package, ""));
        cr_assert(ne(str, identity.why, ""));
        cr_assert(process != WR_NO_OBJECT);
        wr_object_close(process);
}

/* As `weir id --pid` asks: without a connection, and with the same answer. */
Test(identity, a_process_is_the_same_by_its_number_as_by_its_connection)
{
        struct wr_identity peer, by_number;
        wr_object process;

        kit_connect(listener, path, &client, &server);
        peer = identified(server, &process);
        cr_assert(eq(int, wr_identity_of_process(wr_user_process(), &by_number, why, sizeof why), WEIR_OK), "%s", why);
        cr_assert(eq(int, memcmp(&peer, &by_number, wr_identity_size(&peer)), 0));
        wr_object_close(process);
}

Test(identity, the_own_user_may_do_all_where_no_rule_speaks)
{
        struct wr_policy *policy;
        wr_object process;
        struct wr_identity identity;

        kit_connect(listener, path, &client, &server);
        identity = identified(server, &process);
        cr_assert(eq(int, wr_policy_parse(&policy, "", 0, "/p", wr_user_self(), why, sizeof why), WEIR_OK), "%s", why);
        cr_assert(wr_policy_is_own(policy, &identity));
        for (unsigned right = WR_MAY_SUBSCRIBE; right <= WR_MAY_STALL; right <<= 1)
                cr_assert(wr_policy_decide(policy, &identity, "t", (enum wr_right)right, why, sizeof why), "%s", why);
        wr_policy_close(policy);
        wr_object_close(process);
}

Test(identity, another_process_comes_with_an_object_that_tells_of_its_death)
{
        struct actor actor = actor_start("knock", path, NULL, 0);
        struct wr_watch watch = { .read = true };
        struct wr_identity identity;

        server = kit_accept(listener);
        identity = identified(server, &watch.object);
        cr_assert(ne(u32, identity.pid, wr_user_process()));
        cr_assert(eq(int, identity.trust, WR_TRUST_FULL));
        wr_watch_wait(&watch, 1, 0);
        cr_assert(not(watch.readable || watch.hung_up));
        actor_kill(&actor);
        wr_watch_wait(&watch, 1, INT64_C(20000000000));
        cr_assert(watch.readable || watch.hung_up);
        actor_wait(&actor);
        cr_assert(eq(int, wr_identity_of_process(identity.pid, &identity, why, sizeof why), WEIR_E_DENIED));
        cr_assert_not_null(strstr(why, "no process"), "%s", why);
        wr_object_close(watch.object);
}

Test(identity, a_number_of_no_process_is_refused_with_a_sentence)
{
        static const uint32_t never[] = { 0, UINT32_MAX };
        struct wr_identity identity;

        for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
                cr_assert(eq(int, wr_identity_of_process(never[i], &identity, why, sizeof why), WEIR_E_DENIED));
                cr_assert_not_null(strstr(why, "no process"), "%s", why);
        }
}

Test(identity, who_comes_through_the_door_of_a_package_is_that_package)
{
        struct wr_identity identity;
        wr_object process;

        kit_connect(listener, path, &client, &server);
        cr_assert(eq(int, wr_identity_of(server, "org.weir.Camera", &identity, &process, why, sizeof why), WEIR_OK));
        cr_assert(eq(int, identity.trust, WR_TRUST_PACKAGE));
        cr_assert(eq(str, identity.package, "org.weir.Camera"));
        wr_object_close(process);
}

Test(identity, a_door_of_a_package_of_no_valid_name_is_a_mistake_of_the_caller)
{
        struct wr_identity identity;
        wr_object process;

        kit_connect(listener, path, &client, &server);
        cr_assert(eq(int, wr_identity_of(server, "../etc", &identity, &process, why, sizeof why), WEIR_E_USAGE));
        cr_assert(process == WR_NO_OBJECT);
}

/* What is not closed would be missed sooner or later. */
Test(identity, asking_who_is_there_keeps_nothing_open)
{
        struct wr_identity identity;
        wr_object process;
        uint32_t before;

        kit_connect(listener, path, &client, &server);
        identity = identified(server, &process);
        wr_object_close(process);
        before = actor_objects_now();
        for (int i = 0; i < 50; i++) {
                identity = identified(server, &process);
                wr_object_close(process);
                cr_assert(eq(int, wr_identity_of_process(identity.pid, &identity, why, sizeof why), WEIR_OK));
        }
        cr_assert(eq(u32, actor_objects_now(), before));
}
