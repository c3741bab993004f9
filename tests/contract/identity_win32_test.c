/* Who is there on Windows: tokens as far as Wine has them, and what a connection is given with them. The rest of what
 * tokens can say is decided in unit/identity_token_test.c. */
#include "broker/policy.h"
#include "named-objects/endpoint_win32.h"
#include "named-objects/grant_win32.h"
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

TestSuite(identity_win32, .init = begin, .fini = end, .timeout = 60);

/* The broker's thread is itself again. */
static void
expect_no_impersonation(void)
{
        HANDLE token;

        cr_assert(eq(int, OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token), 0));
        cr_assert(eq(u32, GetLastError(), ERROR_NO_TOKEN));
}

static struct wr_identity
identified(wr_object *process)
{
        struct wr_identity identity;

        cr_assert(eq(int, wr_identity_of(server, NULL, &identity, process, why, sizeof why), WEIR_OK), "%s", why);
        expect_no_impersonation();
        return identity;
}

Test(identity_win32, a_token_is_read_with_its_groups_and_its_integrity)
{
        const struct wr_sid everyone = sid_from("S-1-1-0"), users = sid_from("S-1-5-32-545");
        struct wr_identity identity;
        wr_object process;
        char text[256];

        kit_connect(listener, path, &client, &server);
        identity = identified(&process);
        cr_assert(identity.has_token);
        cr_assert(ge(u32, identity.integrity, WR_INTEGRITY_MEDIUM));
        cr_assert(not(identity.user_deny_only));
        cr_assert(wr_sid_list_has(&identity.sids, &everyone, WR_SID_GROUP));
        cr_assert(wr_sid_list_has(&identity.sids, &users, WR_SID_GROUP));
        wr_identity_text(&identity, text, sizeof text);
        cr_assert_not_null(strstr(text, " integrity)"), "%s", text);
        cr_assert_not_null(strstr(text, "full trust"), "%s", text);
}

Test(identity_win32, the_connection_learns_whom_it_hands_objects_to)
{
        struct wr_endpoint_peer *peer;
        struct wr_identity identity;
        wr_object process;
        uint32_t rights;

        kit_connect(listener, path, &client, &server);
        peer = wr_endpoint_peer(server);
        peer->process = NULL;
        identity = identified(&process);
        cr_assert(eq(sz, peer->sid_count, 1));
        cr_assert(wr_sid_equal(&peer->sids[0], &identity.user));
        cr_assert(eq(int, peer->is_low, identity.integrity < WR_INTEGRITY_MEDIUM));
        cr_assert_not_null(peer->process);
        cr_assert(eq(u32, wr_grant_rights_of(peer->process) & PROCESS_DUP_HANDLE, PROCESS_DUP_HANDLE));
        rights = wr_grant_rights_of(process);
        cr_assert(eq(u32, rights & (PROCESS_DUP_HANDLE | PROCESS_TERMINATE | PROCESS_VM_WRITE), 0), "%lx",
                  (unsigned long)rights);
        cr_assert(eq(u32, rights & SYNCHRONIZE, SYNCHRONIZE));
}

Test(identity_win32, what_is_no_clients_connection_is_a_mistake_of_the_caller)
{
        HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
        struct wr_identity identity;
        wr_object process;

        kit_connect(listener, path, &client, &server);
        cr_assert(eq(int, wr_identity_of(client, NULL, &identity, &process, why, sizeof why), WEIR_E_USAGE));
        cr_assert(eq(int, wr_identity_of(event, NULL, &identity, &process, why, sizeof why), WEIR_E_USAGE));
        cr_assert(eq(int, wr_identity_of(listener, NULL, &identity, &process, why, sizeof why), WEIR_E_USAGE));
        expect_no_impersonation();
        CloseHandle(event);
}

/* Where the system shows no token nobody is there: neither the process's number nor anything else stands in. */
Test(identity_win32, who_cannot_be_impersonated_is_refused)
{
        HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
        struct wr_endpoint_peer *peer;
        struct wr_identity identity;
        wr_object process;
        HANDLE pipe;

        kit_connect(listener, path, &client, &server);
        peer = wr_endpoint_peer(server);
        pipe = peer->pipe;
        peer->pipe = event;
        cr_assert(eq(int, wr_identity_of(server, NULL, &identity, &process, why, sizeof why), WEIR_E_DENIED));
        peer->pipe = pipe;
        cr_assert_not_null(strstr(why, "does not show who connected"), "%s", why);
        cr_assert(process == WR_NO_OBJECT);
        cr_assert(eq(int, identity.trust, 0));
        expect_no_impersonation();
        CloseHandle(event);
}

/* A token of this process in which the group counts for denials only. */
static HANDLE
token_without(const char *group)
{
        uint64_t bytes[WR_SID_BYTES_MAX / sizeof(uint64_t) + 1];
        SID_AND_ATTRIBUTES disabled = { (PSID)bytes, 0 };
        const struct wr_sid sid = sid_from(group);
        HANDLE own, made;

        wr_sid_write(&sid, bytes);
        cr_assert(ne(int, OpenProcessToken(GetCurrentProcess(), TOKEN_ALL_ACCESS, &own), 0));
        cr_assert(ne(int, CreateRestrictedToken(own, 0, 1, &disabled, 0, NULL, 0, NULL, &made), 0));
        CloseHandle(own);
        return made;
}

static bool
may_subscribe(const char *text, const struct wr_identity *identity)
{
        struct wr_policy *policy;
        bool may;

        cr_assert(eq(int, wr_policy_parse(&policy, text, strlen(text), "/p", wr_user_self(), why, sizeof why), WEIR_OK),
                  "%s", why);
        may = wr_policy_decide(policy, identity, "t", WR_MAY_SUBSCRIBE, why, sizeof why);
        wr_policy_close(policy);
        return may;
}

/* The whole way: the child's token, its pipe, our reading of it, and the rules. */
Test(identity_win32, a_group_that_counts_for_denials_only_opens_nothing_and_closes_what_denies_it)
{
        static const char by_group[] = "[topic.\"t\"]\nsubscribe = [\"group:S-1-5-32-545\"]\n";
        static const char by_denial[] = "[topic.\"t\"]\nsddl = \"D:(D;;GA;;;BU)(A;;GA;;;WD)\"\n";
        const struct wr_sid users = sid_from("S-1-5-32-545");
        HANDLE token = token_without("S-1-5-32-545");
        struct wr_identity plain, filtered;
        struct actor actor;
        wr_object process;

        kit_connect(listener, path, &client, &server);
        plain = identified(&process);
        wr_object_close(process);
        wr_object_close(server);
        actor = actor_start_as(token, "knock", path, NULL, 0);
        server = kit_accept(listener);
        filtered = identified(&process);
        cr_assert(wr_sid_list_has(&filtered.sids, &users, WR_SID_DENY_ONLY));
        cr_assert(not(wr_sid_list_has(&filtered.sids, &users, WR_SID_GROUP)));
        cr_assert(may_subscribe(by_group, &plain), "%s", why);
        cr_assert(not(may_subscribe(by_group, &filtered)));
        cr_assert(not(may_subscribe(by_denial, &plain)));
        cr_assert(not(may_subscribe(by_denial, &filtered)));
        cr_assert(may_subscribe("", &filtered), "its user is still the own one: %s", why);
        actor_kill(&actor);
        actor_wait(&actor);
        CloseHandle(token);
}

Test(identity_win32, a_client_that_is_gone_leaves_the_broker_itself)
{
        struct wr_identity identity;
        wr_object process;
        enum weir_result result;

        kit_connect(listener, path, &client, &server);
        wr_object_close(client);
        result = wr_identity_of(server, NULL, &identity, &process, why, sizeof why);
        cr_assert(result == WEIR_OK || result == WEIR_E_DENIED, "%d", (int)result);
        expect_no_impersonation();
}
