/* Who identity.h says is there, on both systems alike, among honest peers. Sandboxes, tokens: identity_linux_test.c and
 * identity_win32_test.c. Those who lie: hostile/. */
#include "broker/policy.h"
#include "named-objects/user.h"
#include "tests/contract/actor.h"
#include "tests/contract/endpoint_kit.h"
#include "tests/identity_kit.h"

#include <pthread.h>
#include <sched.h>

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

#ifdef _WIN32
/* It lets nobody look at it. */
static void
actor_hide(struct actor *actor)
{
        SECURITY_DESCRIPTOR closed;
        ACL empty;

        cr_assert(InitializeAcl(&empty, sizeof empty, ACL_REVISION));
        cr_assert(InitializeSecurityDescriptor(&closed, SECURITY_DESCRIPTOR_REVISION));
        cr_assert(SetSecurityDescriptorDacl(&closed, TRUE, &empty, FALSE));
        cr_assert(SetKernelObjectSecurity(actor->process, DACL_SECURITY_INFORMATION, &closed));
}

static void
actor_show(void)
{
}

static uint32_t
actor_number(const struct actor *actor)
{
        return GetProcessId(actor->process);
}

static void
expect_groups_and_text(const struct wr_identity *identity, const char *text)
{
        const struct wr_sid everyone = sid_from("S-1-1-0");

        cr_assert(wr_sid_list_has(&identity->sids, &everyone, WR_SID_GROUP));
        cr_assert_not_null(strstr(text, " full trust ("), "%s", text);
        cr_assert_not_null(strstr(text, " integrity)"), "%s", text);
}
#else
/* It is another user's than we are from now on. */
static void
actor_hide(struct actor *actor)
{
        (void)actor;
        if (geteuid() != 0)
                cr_skip_test("only root can become somebody who may not look");
        cr_assert(eq(int, setegid(54321), 0));
        cr_assert(eq(int, seteuid(54321), 0));
}

static void
actor_show(void)
{
        cr_assert(eq(int, seteuid(0), 0));
        cr_assert(eq(int, setegid(0), 0));
}

static uint32_t
actor_number(const struct actor *actor)
{
        return (uint32_t)actor->process;
}

static void
expect_groups_and_text(const struct wr_identity *identity, const char *text)
{
        cr_assert(identity_has_group(identity, (uint32_t)getgid()));
        cr_assert_not_null(strstr(text, " full trust (same root)"), "%s", text);
}
#endif

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
        struct wr_sid self = wr_user_self();
        struct wr_identity identity;
        char text[256];

        server = kit_accept(listener);
        identity = identified(server, &watch.object);
        cr_assert(ne(u32, identity.pid, wr_user_process()));
        cr_assert(eq(int, identity.trust, WR_TRUST_FULL));
        cr_assert(wr_sid_equal(&identity.user, &self));
        cr_assert(eq(str, identity.package, ""));
        wr_identity_text(&identity, text, sizeof text);
        cr_assert(eq(int, strncmp(text, "user:", 5), 0), "%s", text);
        expect_groups_and_text(&identity, text);
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

Test(identity, a_process_that_is_not_ours_to_see_is_refused_with_a_sentence)
{
        struct actor actor = actor_start("wait", "-", NULL, 0);
        uint32_t number = actor_number(&actor);
        struct wr_identity identity;

        cr_assert(eq(int, wr_identity_of_process(number, &identity, why, sizeof why), WEIR_OK), "%s", why);
        actor_hide(&actor);
        cr_assert(eq(int, wr_identity_of_process(number, &identity, why, sizeof why), WEIR_E_DENIED));
        cr_assert_not_null(strstr(why, "may not look"), "%s", why);
        actor_show();
        actor_kill(&actor);
}

static void *
kill_soon(void *actor)
{
        sched_yield();
        actor_kill(actor);
        return NULL;
}

/* Killed at any point while it is read: either it was read as it is, or it is refused. */
Test(identity, a_peer_that_is_killed_while_it_is_read_is_never_somebody_else)
{
        struct wr_sid self = wr_user_self();

        for (int i = 0; i < 30; i++) {
                struct actor actor = actor_start("knock", path, NULL, 0);
                enum weir_result result = WEIR_OK;
                struct wr_identity identity;
                struct wr_watch ended;
                pthread_t killer;
                wr_object process;

                server = kit_accept(listener);
                cr_assert(eq(int, pthread_create(&killer, NULL, kill_soon, &actor), 0));
                for (int turn = 0; turn < 200 && result == WEIR_OK; turn++) {
                        result = wr_identity_of(server, NULL, &identity, &process, why, sizeof why);
                        if (result == WEIR_OK)
                                cr_assert(wr_sid_equal(&identity.user, &self));
                        wr_object_close(process);
                }
                cr_assert(result == WEIR_OK || result == WEIR_E_DENIED, "%d: %s", (int)result, why);
                pthread_join(killer, NULL);
                actor_wait(&actor);
                result = wr_identity_of(server, NULL, &identity, &process, why, sizeof why);
                ended = (struct wr_watch){ .object = process, .read = true };
                if (result == WEIR_OK && process != WR_NO_OBJECT)
                        wr_watch_wait(&ended, 1, 0);
                cr_assert(result == WEIR_E_DENIED || process == WR_NO_OBJECT || ended.hung_up || ended.readable,
                          "nobody stands in for it");
                wr_object_close(process);
                wr_object_close(server);
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
