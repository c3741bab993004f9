/* Who may do what: the rules, the decision, and the sentence that names what is missing. */
#include "broker/policy.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

enum { OWN = 1000, OTHER = 1001 };

static const char path[] = "/etc/weir/policy.conf";
static char sentence[1024];

static struct wr_policy *
parsed(const char *text)
{
        struct wr_policy *policy;

        cr_assert(eq(int, wr_policy_parse(&policy, text, strlen(text), path, OWN, sentence, sizeof(sentence)), WEIR_OK),
                  "%s", sentence);
        return policy;
}

static void
expect_error(const char *text, const char *expected)
{
        struct wr_policy *policy;

        cr_assert(eq(int, wr_policy_parse(&policy, text, strlen(text), path, OWN, sentence, sizeof(sentence)),
                     WEIR_E_USAGE),
                  "%s", text);
        cr_assert(policy == NULL);
        cr_assert(strncmp(sentence, path, strlen(path)) == 0);
        cr_assert(strstr(sentence, expected) != NULL, "'%s' has '%s'", sentence, expected);
}

static struct wr_identity
full_trust(uint32_t user)
{
        return (struct wr_identity){ .trust = WR_TRUST_FULL, .user = user, .group_count = 2, .groups = { user, 50 } };
}

static struct wr_identity
packaged(uint32_t user, const char *package)
{
        struct wr_identity identity = { .trust = WR_TRUST_PACKAGE, .user = user };

        snprintf(identity.package, sizeof(identity.package), "%s", package);
        return identity;
}

static bool
may(const struct wr_policy *policy, struct wr_identity identity, const char *topic, enum wr_right right)
{
        sentence[0] = '\0';
        return wr_policy_decide(policy, &identity, topic, right, sentence, sizeof(sentence));
}

static void
expect_sentence(const char *expected)
{
        cr_assert(eq(str, sentence, (char *)expected));
}

Test(policy, without_an_entry_the_own_user_may_all_and_others_nothing)
{
        static const enum wr_right rights[] = { WR_MAY_SUBSCRIBE, WR_MAY_PUBLISH, WR_MAY_MAP, WR_MAY_OBSERVE,
                                                WR_MAY_STALL };
        struct wr_identity confined = { .trust = WR_TRUST_CONFINED, .user = OWN };
        struct wr_policy *policy = parsed("");

        for (size_t i = 0; i < sizeof(rights) / sizeof(*rights); i++) {
                cr_assert(may(policy, full_trust(OWN), "t", rights[i]));
                cr_assert(not(may(policy, full_trust(OTHER), "t", rights[i])));
                cr_assert(not(may(policy, full_trust(0), "t", rights[i])), "root is another user");
                cr_assert(not(may(policy, packaged(OWN, "org.a"), "t", rights[i])));
                cr_assert(not(may(policy, confined, "t", rights[i])));
        }
        wr_policy_close(policy);
}

Test(policy, an_entry_grants_to_whom_it_lists_and_to_nobody_else)
{
        struct wr_policy *policy = parsed("[topic.\"t\"]\nsubscribe = [\"user:1001\"]\n");

        cr_assert(may(policy, full_trust(OTHER), "t", WR_MAY_SUBSCRIBE));
        cr_assert(not(may(policy, full_trust(OWN), "t", WR_MAY_SUBSCRIBE)), "an entry is exclusive");
        cr_assert(not(may(policy, full_trust(OTHER), "t", WR_MAY_PUBLISH)));
        cr_assert(not(may(policy, full_trust(OTHER), "t/u", WR_MAY_SUBSCRIBE)), "names are exact");
        cr_assert(not(may(policy, packaged(OTHER, "org.a"), "t", WR_MAY_SUBSCRIBE)), "a user's line is no package's");
        wr_policy_close(policy);
}

Test(policy, groups_and_names_are_principals)
{
        struct wr_policy *policy = parsed("[topic.\"t\"]\nsubscribe = [\"group:50\"]\npublish = [\"user:root\"]\n"
                                          "stall = [\"group:root\"]\n");

        cr_assert(may(policy, full_trust(OTHER), "t", WR_MAY_SUBSCRIBE));
        cr_assert(may(policy, full_trust(0), "t", WR_MAY_PUBLISH));
        cr_assert(may(policy, full_trust(0), "t", WR_MAY_STALL));
        cr_assert(not(may(policy, full_trust(OTHER), "t", WR_MAY_STALL)));
        wr_policy_close(policy);
}

Test(policy, map_and_observe_follow_from_publish_and_subscribe_unless_listed)
{
        struct wr_policy *policy = parsed("[topic.\"a\"]\nsubscribe = [\"user:1001\"]\n"
                                          "[topic.\"b\"]\nsubscribe = [\"user:1001\"]\nmap = []\nobserve = []\n"
                                          "[topic.\"c\"]\npublish = [\"user:1001\"]\n");

        cr_assert(may(policy, full_trust(OTHER), "a", WR_MAY_MAP));
        cr_assert(may(policy, full_trust(OTHER), "a", WR_MAY_OBSERVE));
        cr_assert(not(may(policy, full_trust(OTHER), "a", WR_MAY_STALL)), "stall is a power over others");
        cr_assert(not(may(policy, full_trust(OTHER), "b", WR_MAY_MAP)));
        cr_assert(not(may(policy, full_trust(OTHER), "b", WR_MAY_OBSERVE)));
        cr_assert(may(policy, full_trust(OTHER), "c", WR_MAY_MAP));
        cr_assert(not(may(policy, full_trust(OTHER), "c", WR_MAY_SUBSCRIBE)));
        wr_policy_close(policy);
}

Test(policy, a_package_needs_its_line_and_its_users)
{
        struct wr_policy *policy = parsed("[topic.\"t\"]\npublish = [\"package:org.weir.Camera\"]\n"
                                          "subscribe = [\"package:org.weir.Camera\", \"user:1001\"]\n");

        cr_assert(may(policy, packaged(OWN, "org.weir.Camera"), "t", WR_MAY_PUBLISH));
        cr_assert(not(may(policy, packaged(OWN, "org.weir.CameraX"), "t", WR_MAY_PUBLISH)));
        cr_assert(not(may(policy, packaged(OTHER, "org.weir.Camera"), "t", WR_MAY_PUBLISH)), "the user's half");
        cr_assert(may(policy, packaged(OTHER, "org.weir.Camera"), "t", WR_MAY_SUBSCRIBE));
        cr_assert(not(may(policy, packaged(OTHER, "org.weir.Other"), "t", WR_MAY_SUBSCRIBE)), "the package's half");
        wr_policy_close(policy);
}

Test(policy, unknown_confinement_needs_a_line_of_its_own)
{
        struct wr_identity own = { .trust = WR_TRUST_CONFINED, .user = OWN, .why = "foreign mount namespace" };
        struct wr_identity other = { .trust = WR_TRUST_CONFINED, .user = OTHER };
        struct wr_identity full = full_trust(OTHER), package = packaged(OWN, "org.a");
        struct wr_policy *strict = parsed("[topic.\"t\"]\nsubscribe = [\"user:1000\"]\n");
        struct wr_policy *open = parsed("[topic.\"t\"]\nsubscribe = [\"confined:*\"]\n");

        cr_assert(wr_policy_admits(strict, &full, sentence, sizeof(sentence)));
        cr_assert(wr_policy_admits(strict, &package, sentence, sizeof(sentence)));
        cr_assert(not(wr_policy_admits(strict, &own, sentence, sizeof(sentence))));
        cr_assert(strstr(sentence, "foreign mount namespace") && strstr(sentence, "confined:*") &&
                  strstr(sentence, path));
        cr_assert(wr_policy_admits(open, &own, sentence, sizeof(sentence)));
        cr_assert(not(wr_policy_admits(open, &other, sentence, sizeof(sentence))));
        cr_assert(may(open, own, "t", WR_MAY_SUBSCRIBE));
        cr_assert(not(may(open, other, "t", WR_MAY_SUBSCRIBE)));
        cr_assert(not(may(open, own, "u", WR_MAY_SUBSCRIBE)));
        wr_policy_close(strict);
        wr_policy_close(open);
}

Test(policy, a_refusal_names_its_rule_and_the_line_to_add)
{
        struct wr_policy *policy = parsed("\n[topic.\"scope/ch1\"]\npublish = [\"user:1000\"]\n");
        struct wr_identity confined = { .trust = WR_TRUST_CONFINED, .user = OWN };

        cr_assert(not(may(policy, packaged(OWN, "org.weir.Stranger"), "scope/ch1", WR_MAY_SUBSCRIBE)));
        expect_sentence("denied: 'scope/ch1' grants package:org.weir.Stranger no 'subscribe' (policy.conf:2). "
                        "Grant it: add subscribe = [\"package:org.weir.Stranger\"] under [topic.\"scope/ch1\"] in "
                        "/etc/weir/policy.conf");
        cr_assert(not(may(policy, packaged(OTHER, "org.weir.Stranger"), "scope/ch1", WR_MAY_PUBLISH)));
        expect_sentence("denied: 'scope/ch1' grants package:org.weir.Stranger no 'publish' (policy.conf:3). Grant it: "
                        "add \"package:org.weir.Stranger\", \"user:1001\" to publish in /etc/weir/policy.conf:3");
        cr_assert(not(may(policy, full_trust(OTHER), "say \"hi\"", WR_MAY_STALL)));
        expect_sentence("denied: 'say \"hi\"' grants user:1001 no 'stall' (policy.conf has no rule for it). Grant it: "
                        "add stall = [\"user:1001\"] under [topic.\"say \\\"hi\\\"\"] in /etc/weir/policy.conf");
        cr_assert(not(may(policy, confined, "scope/ch1", WR_MAY_OBSERVE)));
        cr_assert(strstr(sentence, "an unknown sandbox of user:1000 no 'observe'") != NULL, "%s", sentence);
        cr_assert(strstr(sentence, "observe = [\"confined:*\"]") != NULL, "%s", sentence);
        wr_policy_close(policy);
}

Test(policy, what_a_refusal_advises_is_what_grants)
{
        static const char *const before = "[topic.\"t\"]\npublish = [\"user:1000\"]\n";
        struct wr_identity stranger = packaged(OTHER, "org.weir.Stranger");
        struct wr_policy *policy = parsed(before);
        char text[512], line[256];

        cr_assert(not(may(policy, stranger, "t", WR_MAY_SUBSCRIBE)));
        wr_policy_close(policy);
        cr_assert(eq(int, sscanf(strstr(sentence, "Grant it: add ") + 14, "%255[^]]", line), 1));
        snprintf(text, sizeof(text), "%s%s]\n", before, line);
        policy = parsed(text);
        cr_assert(may(policy, stranger, "t", WR_MAY_SUBSCRIBE), "%s", text);
        wr_policy_close(policy);
}

Test(policy, a_missing_file_is_suggested_by_name)
{
        struct wr_policy *policy;

        cr_assert(eq(int, wr_policy_load(&policy, NULL, "/config/weir/broker.conf", OWN, sentence, sizeof(sentence)),
                     WEIR_OK));
        cr_assert(not(may(policy, full_trust(OTHER), "t", WR_MAY_SUBSCRIBE)));
        cr_assert(strstr(sentence, "in /config/weir/broker.conf") != NULL, "%s", sentence);
        cr_assert(eq(str, (char *)wr_policy_path(policy), ""));
        wr_policy_close(policy);
        cr_assert(eq(int, wr_policy_load(&policy, "/nowhere/x.conf", NULL, OWN, sentence, sizeof(sentence)),
                     WEIR_E_USAGE));
        cr_assert(strstr(sentence, "/nowhere/x.conf: the policy file cannot be read") != NULL);
}

Test(policy, quotas_are_set_and_the_rest_keeps_its_default)
{
        struct wr_policy *policy = parsed("[quota]\nlanes = 3\nreserve_bytes = 1_000_000\nmessages_per_second = 5\n");
        const struct wr_limits *limits = wr_policy_limits(policy);

        cr_assert(eq(u64, limits->of[WR_QUOTA_LANES], 3));
        cr_assert(eq(u64, limits->of[WR_QUOTA_RESERVE_BYTES], 1000000));
        cr_assert(eq(u64, limits->messages_per_second, 5));
        cr_assert(eq(u64, limits->of[WR_QUOTA_SUBSCRIPTIONS], 1024));
        cr_assert(eq(u64, limits->of[WR_QUOTA_CONNECTIONS], 64));
        cr_assert(eq(u64, limits->of[WR_QUOTA_ALLOCATED_BYTES], UINT64_C(4) << 30));
        wr_policy_close(policy);
}

Test(policy, package_sockets_are_listed)
{
        struct wr_policy *policy = parsed("[package.\"org.a\"]\nsocket = \"/run/a/bus\"\n[package.\"org.b\"]\n");
        const char *package, *socket;

        cr_assert(wr_policy_socket(policy, 0, &package, &socket));
        cr_assert(eq(str, (char *)package, "org.a"));
        cr_assert(eq(str, (char *)socket, "/run/a/bus"));
        cr_assert(not(wr_policy_socket(policy, 1, &package, &socket)));
        wr_policy_close(policy);
}

Test(policy, errors_of_meaning_name_line_and_column)
{
        expect_error("x = 1", ":1:5: a key outside of a table");
        expect_error("[nonsense]", ":1:1: an unknown table");
        expect_error("[topic.\"a*\"]", ":1:1: a policy names exact topics");
        expect_error("[topic.\"a//b\"]", ":1:1: this is no topic: a segment is empty");
        expect_error("[topic.\"a\"]\n[topic.\"a\"]", ":2:1: this topic has an entry already, in line 1");
        expect_error("[topic.\"a\"]\nsddl = \"D:\"", ":2:8: security descriptors are not");
        expect_error("[topic.\"a\"]\nread = []", ":2:8: an unknown key");
        expect_error("[topic.\"a\"]\nsubscribe = \"user:root\"", ":2:13: expected a list");
        expect_error("[topic.\"a\"]\nmap = []\nmap = []", ":3:7: this key stands twice");
        expect_error("[topic.\"a\"]\nmap = [\"user:no such\"]", ":2:8: there is no user 'no such'");
        expect_error("[topic.\"a\"]\nmap = [\"group:no such\"]", ":2:8: there is no group 'no such'");
        expect_error("[topic.\"a\"]\nmap = [\"user:4294967295\"]", ":2:8: there is no user");
        expect_error("[topic.\"a\"]\nmap = [\"package:..\"]", ":2:8: this is no name of a package");
        expect_error("[topic.\"a\"]\nmap = [\"confined:x\"]", ":2:8: expected user:NAME");
        expect_error("[topic.\"a\"]\nmap = [\"everybody\"]", ":2:8: expected user:NAME");
        expect_error("[quota]\nlanes = 0", ":2:9: expected a number");
        expect_error("[quota]\nlanes = \"3\"", ":2:9: expected a number");
        expect_error("[quota]\nmessages_per_second = 1000001", ":2:23: expected a number from 1 to 1000000");
        expect_error("[quota]\nhandles = 3", ":2:11: an unknown key");
        expect_error("[quota]\nlanes = 3\nlanes = 4", ":3:9: this key stands twice");
        expect_error("[quota]\n[quota]", ":2:1: a second [quota]");
        expect_error("[quota.\"x\"]", ":1:1: an unknown table");
        expect_error("[package.\"a/b\"]", ":1:1: this is no name of a package");
        expect_error("[package.\"a\"]\n[package.\"a\"]", ":2:1: this package has a table already");
        expect_error("[package.\"a\"]\nsocket = \"bus\"", ":2:10: expected an absolute path");
        expect_error("[package.\"a\"]\npath = \"/bus\"", ":2:8: an unknown key");
        expect_error("[package.\"a\"]\nsocket = \"/a\"\nsocket = \"/b\"", ":3:10: this key stands twice");
}
