/* Who may do what: the rules, the decision, and the sentence that names what is missing. */
#include "broker/policy.h"
#include "named-objects/rights/package.h"
#include "named-objects/user.h"
#include "tests/contract/folder.h"
#include "tests/identity_kit.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OWN = 1000, OTHER = 1001, LONG_LISTS = 5 };

/* Paths, the places of packages' own doors, and quotes of the shell are each system's. */
#ifdef _WIN32
#        define PATH            "C:\\weir\\policy.conf"
#        define MISSING         "C:\\weir\\broker.conf"
#        define SOCKET          "\\\\.\\pipe\\a"
#        define SOCKET_EXPECTED "expected the name of a pipe"
#        define QUOTED_HI       "\"say 'hi'\""
#        define UNQUOTABLE      '"'
#else
#        define PATH            "/etc/weir/policy.conf"
#        define MISSING         "/config/weir/broker.conf"
#        define SOCKET          "/run/a/bus"
#        define SOCKET_EXPECTED "expected an absolute path"
#        define QUOTED_HI       "'say '\\''hi'\\'''"
#        define UNQUOTABLE      '\''
#endif

static const char path[] = PATH;
static char sentence[1024];

TestSuite(policy, .timeout = 60);

static struct wr_policy *
parsed(const char *text)
{
        struct wr_policy *policy;

        cr_assert(eq(int,
                     wr_policy_parse(&policy, text, strlen(text), path, wr_sid_of_uid(OWN), sentence, sizeof(sentence)),
                     WEIR_OK),
                  "%s", sentence);
        return policy;
}

static void
expect_error(const char *text, const char *expected)
{
        struct wr_policy *policy;

        cr_assert(eq(int,
                     wr_policy_parse(&policy, text, strlen(text), path, wr_sid_of_uid(OWN), sentence, sizeof(sentence)),
                     WEIR_E_USAGE),
                  "%s", text);
        cr_assert(policy == NULL);
        cr_assert(strncmp(sentence, path, strlen(path)) == 0);
        cr_assert(strstr(sentence, expected) != NULL, "'%s' has '%s'", sentence, expected);
}

static struct wr_identity
full_trust(uint32_t user)
{
        struct wr_identity identity = { .trust = WR_TRUST_FULL, .user = wr_sid_of_uid(user) };

        identity_add_group(&identity, user);
        identity_add_group(&identity, 50);
        return identity;
}

static struct wr_identity
packaged(uint32_t user, const char *package)
{
        struct wr_identity identity = { .trust = WR_TRUST_PACKAGE, .user = wr_sid_of_uid(user) };

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
        struct wr_identity confined = { .trust = WR_TRUST_CONFINED, .user = wr_sid_of_uid(OWN) };
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
        const struct wr_sid self = wr_user_self();
        struct wr_identity own = { .trust = WR_TRUST_FULL, .user = self };
        struct wr_policy *policy;
        char text[512], name[256];

        cr_assert(wr_user_name(&self, name, sizeof(name)));
        snprintf(text, sizeof(text),
                 "[topic.\"t\"]\nsubscribe = [\"group:50\"]\npublish = ['user:%s']\nstall = [\"group:0\"]\n", name);
        policy = parsed(text);
        cr_assert(may(policy, full_trust(OTHER), "t", WR_MAY_SUBSCRIBE));
        cr_assert(may(policy, own, "t", WR_MAY_PUBLISH));
        cr_assert(may(policy, full_trust(0), "t", WR_MAY_STALL));
        cr_assert(not(may(policy, full_trust(OTHER), "t", WR_MAY_STALL)));
        cr_assert(not(may(policy, full_trust(OTHER), "t", WR_MAY_PUBLISH)));
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
        struct wr_identity own = { .trust = WR_TRUST_CONFINED,
                                   .user = wr_sid_of_uid(OWN),
                                   .why = "foreign mount namespace" };
        struct wr_identity other = { .trust = WR_TRUST_CONFINED, .user = wr_sid_of_uid(OTHER) };
        struct wr_identity full = full_trust(OTHER), package = packaged(OWN, "org.a");
        struct wr_policy *strict = parsed("[topic.\"t\"]\nsubscribe = [\"user:1000\"]\n");
        struct wr_policy *open = parsed("[topic.\"t\"]\nsubscribe = [\"confined:*\"]\n");

        cr_assert(wr_policy_admits(strict, &full, sentence, sizeof(sentence)));
        cr_assert(wr_policy_admits(strict, &package, sentence, sizeof(sentence)));
        cr_assert(not(wr_policy_admits(strict, &own, sentence, sizeof(sentence))));
        cr_assert(strstr(sentence, "foreign mount namespace") && strstr(sentence, "--confined"));
        cr_assert(wr_policy_admits(open, &own, sentence, sizeof(sentence)));
        cr_assert(not(wr_policy_admits(open, &other, sentence, sizeof(sentence))));
        cr_assert(may(open, own, "t", WR_MAY_SUBSCRIBE));
        cr_assert(not(may(open, other, "t", WR_MAY_SUBSCRIBE)));
        cr_assert(not(may(open, own, "u", WR_MAY_SUBSCRIBE)));
        wr_policy_close(strict);
        wr_policy_close(open);
}

Test(policy, a_refusal_names_its_rule_and_ends_with_the_line_to_type)
{
        struct wr_policy *policy = parsed("\n[topic.\"scope/ch1\"]\npublish = [\"user:1000\"]\n");
        struct wr_identity confined = { .trust = WR_TRUST_CONFINED, .user = wr_sid_of_uid(OWN) };

        cr_assert(not(may(policy, packaged(OWN, "org.weir.Stranger"), "scope/ch1", WR_MAY_SUBSCRIBE)));
        expect_sentence("denied: 'scope/ch1' grants package:org.weir.Stranger no 'subscribe' (policy.conf:2). Grant "
                        "it: weir access allow scope/ch1 --package org.weir.Stranger --read --config " PATH);
        wr_policy_set_default(policy);
        cr_assert(not(may(policy, packaged(OTHER, "org.weir.Stranger"), "scope/ch1", WR_MAY_PUBLISH)));
        expect_sentence("denied: 'scope/ch1' grants package:org.weir.Stranger no 'publish' (policy.conf:3). Grant it: "
                        "weir access allow scope/ch1 --package org.weir.Stranger --write --config " PATH
                        " && weir access allow scope/ch1 --user 1001 --write --config " PATH); /* his own tools would
                                                                                                  edit his own file */
        cr_assert(not(may(policy, full_trust(OTHER), "say 'hi'", WR_MAY_STALL)));
        expect_sentence("denied: 'say 'hi'' grants user:1001 no 'stall' (policy.conf has no rule for it). Grant it: "
                        "weir access allow " QUOTED_HI " --user 1001 --reliable --config " PATH);
        cr_assert(not(may(policy, confined, "scope/ch1", WR_MAY_OBSERVE)));
        expect_sentence("denied: 'scope/ch1' grants an unknown sandbox of user:1000 no 'observe' (policy.conf:2). "
                        "Grant it: weir access allow scope/ch1 --confined --observe");
        wr_policy_close(policy);
}

Test(policy, a_topic_that_looks_like_an_option_stands_behind_all_of_them)
{
        struct wr_policy *policy = parsed("");

        wr_policy_set_default(policy);
        cr_assert(not(may(policy, packaged(OWN, "org.a"), "--confined", WR_MAY_MAP)));
        expect_sentence(
                "denied: '--confined' grants package:org.a no 'map' (policy.conf has no rule for it). Grant it: "
                "weir access allow --package org.a --map -- --confined");
        wr_policy_close(policy);
}

Test(policy, a_line_to_type_is_whole_or_not_there)
{
        struct wr_policy *policy = parsed("");
        struct wr_identity identity = packaged(OWN, "org.weir.Stranger");
        char narrow[120], quotes[201], room[4096];

        cr_assert(not(wr_policy_decide(policy, &identity, "t", WR_MAY_MAP, narrow, sizeof(narrow))));
        cr_assert(eq(str, narrow,
                     "denied: 't' grants package:org.weir.Stranger no 'map' (policy.conf has no rule for it)"));
        memset(quotes, UNQUOTABLE, 200);
        quotes[200] = '\0';
        identity.user = wr_sid_of_uid(OTHER); /* two commands, in each of which every letter of the topic is four */
        cr_assert(not(wr_policy_decide(policy, &identity, quotes, WR_MAY_MAP, room, sizeof(room))));
        cr_assert(strstr(room, "Grant it") == NULL, "%s", room);
        memset(quotes, 'q', 40);
        quotes[40] = '\0';
        cr_assert(not(wr_policy_decide(policy, &identity, quotes, WR_MAY_MAP, room, sizeof(room))));
        cr_assert(strstr(room, " --user 1001 --map --config " PATH) != NULL, "%s", room);
        wr_policy_close(policy);
}

Test(policy, a_package_with_the_capability_is_let_in)
{
        struct wr_identity with = packaged(OWN, "org.a"), other_user = packaged(OTHER, "org.a");
        struct wr_policy *policy = parsed("[topic.\"t\"]\nsubscribe = [\"capability:org.weir.cameras\"]\n");

        cr_assert(not(may(policy, with, "t", WR_MAY_SUBSCRIBE)));
        strcpy(with.capabilities[with.capability_count++], "something");
        cr_assert(not(may(policy, with, "t", WR_MAY_SUBSCRIBE)));
        strcpy(with.capabilities[with.capability_count++], "Org.Weir.Cameras");
        cr_assert(may(policy, with, "t", WR_MAY_SUBSCRIBE), "letters in either case are one capability");
        cr_assert(may(policy, with, "t", WR_MAY_MAP));
        cr_assert(not(may(policy, with, "t", WR_MAY_PUBLISH)));
        strcpy(other_user.capabilities[other_user.capability_count++], "org.weir.cameras");
        cr_assert(not(may(policy, other_user, "t", WR_MAY_SUBSCRIBE)), "the user's half");
        cr_assert(not(may(policy, full_trust(OWN), "t", WR_MAY_SUBSCRIBE)));
        wr_policy_close(policy);
}

Test(policy, a_package_is_the_same_in_either_case)
{
        struct wr_policy *policy = parsed("[topic.\"t\"]\nsubscribe = [\"package:Org.Weir.Camera\"]\n");

        cr_assert(may(policy, packaged(OWN, "org.weir.camera"), "t", WR_MAY_SUBSCRIBE));
        wr_policy_close(policy);
}

Test(policy, patterns_decide_for_the_topics_that_they_match)
{
        struct wr_policy *policy = parsed("[topic.\"cam/*\"]\nsubscribe = [\"user:1001\"]\n"
                                          "[topic.\"raw/**\"]\nsubscribe = [\"user:1001\"]\n");

        cr_assert(may(policy, full_trust(OTHER), "cam/front", WR_MAY_SUBSCRIBE));
        cr_assert(not(may(policy, full_trust(OTHER), "cam/front/left", WR_MAY_SUBSCRIBE)));
        cr_assert(may(policy, full_trust(OTHER), "raw/a/b/c", WR_MAY_SUBSCRIBE));
        cr_assert(may(policy, full_trust(OTHER), "raw", WR_MAY_SUBSCRIBE));
        cr_assert(not(may(policy, full_trust(OWN), "raw/a", WR_MAY_SUBSCRIBE)), "an entry is exclusive");
        cr_assert(may(policy, full_trust(OWN), "rawhide", WR_MAY_SUBSCRIBE));
        wr_policy_close(policy);
}

Test(policy, the_longest_literal_prefix_decides_and_a_name_before_any_pattern)
{
        struct wr_policy *policy = parsed("[topic.\"**\"]\nsubscribe = [\"user:1\"]\n"
                                          "[topic.\"cam/front/*\"]\nsubscribe = [\"user:2\"]\n"
                                          "[topic.\"cam/**\"]\nsubscribe = [\"user:3\"]\n"
                                          "[topic.\"cam/front/left\"]\nsubscribe = [\"user:4\"]\n"
                                          "[topic.\"cam/front/left*\"]\nsubscribe = [\"user:5\"]\n");
        static const struct {
                const char *topic;
                uint32_t user;
        } expected[] = { { "a", 1 },
                         { "cam/back", 3 },
                         { "cam/front", 3 },
                         { "cam/front/right", 2 },
                         { "cam/front/left", 4 },
                         { "cam/front/left2", 5 },
                         { "cam/front/left/raw", 3 } };

        for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
                for (uint32_t user = 1; user <= 5; user++)
                        cr_assert(eq(int, may(policy, full_trust(user), expected[i].topic, WR_MAY_SUBSCRIBE),
                                     user == expected[i].user),
                                  "%s for user %u", expected[i].topic, user);
        wr_policy_close(policy);
}

Test(policy, patterns_with_the_same_prefix_are_an_error_that_names_both_lines)
{
        expect_error("[topic.\"a/*\"]\n\n[topic.\"a/**\"]", ":3:1: line 1 and line 3: 'a/*' and 'a/**' begin with");
        expect_error("[topic.\"*\"]\n[topic.\"**\"]", ":2:1: line 1 and line 2");
        expect_error("[topic.\"a/*/x\"]\n[topic.\"a/*/y\"]", ":2:1: line 1 and line 2");
        wr_policy_close(parsed("[topic.\"a/*\"]\n[topic.\"a/\u00e9*\"]\n[topic.\"a\"]\n[topic.\"b/*\"]"));
        wr_policy_close(parsed("[topic.\"a\"]\n[topic.\"a*\"]"));
}

Test(policy, sddl_is_the_same_in_windows_own_language)
{
        struct wr_policy *policy =
                parsed("[topic.\"raw/**\"]\nsddl = \"D:P(D;;0x2;;;S-1-22-1-1001)(A;;GRGWGX;;;S-1-22-2-50)\"\n");

        cr_assert(may(policy, full_trust(OTHER), "raw/a", WR_MAY_SUBSCRIBE));
        cr_assert(may(policy, full_trust(OTHER), "raw/a", WR_MAY_OBSERVE), "generic read");
        cr_assert(may(policy, full_trust(OTHER), "raw/a", WR_MAY_MAP), "generic execute");
        cr_assert(not(may(policy, full_trust(OTHER), "raw/a", WR_MAY_STALL)));
        cr_assert(not(may(policy, full_trust(OTHER), "raw/a", WR_MAY_PUBLISH)));
        cr_assert(strstr(sentence, "(policy.conf:2)") != NULL, "%s", sentence);
        cr_assert(may(policy, full_trust(OWN), "raw/a", WR_MAY_PUBLISH));
        cr_assert(not(may(policy, packaged(OWN, "org.a"), "raw/a", WR_MAY_SUBSCRIBE)));
        wr_policy_close(policy);
}

Test(policy, without_control_means_everybody_outside_of_sandboxes)
{
        struct wr_policy *policy = parsed("[topic.\"t\"]\nsddl = 'D:NO_ACCESS_CONTROL'\n");

        cr_assert(may(policy, full_trust(OTHER), "t", WR_MAY_PUBLISH));
        cr_assert(not(may(policy, packaged(OWN, "org.a"), "t", WR_MAY_PUBLISH)));
        wr_policy_close(policy);
}

/* As in the tokens that Windows makes: an entry for it lets in the package, and no other. */
Test(policy, a_package_has_its_own_sid_as_a_capability)
{
        struct wr_sid package, capability;
        char sid[WR_SID_TEXT_MAX], text[256];
        struct wr_policy *policy;

        cr_assert(wr_package_sid(&package, "org.weir.Camera", strlen("org.weir.Camera")));
        cr_assert(wr_package_own_capability(&capability, &package));
        wr_sid_text(&capability, sid);
        cr_assert(eq(int, strncmp(sid, "S-1-15-3-", 9), 0));
        snprintf(text, sizeof(text), "[topic.\"t\"]\nsddl = 'D:(A;;1;;;S-1-22-1-1000)(A;;1;;;%s)'\n", sid);
        policy = parsed(text);
        cr_assert(may(policy, packaged(OWN, "org.weir.Camera"), "t", WR_MAY_SUBSCRIBE));
        cr_assert(may(policy, packaged(OWN, "ORG.weir.camera"), "t", WR_MAY_SUBSCRIBE));
        cr_assert(not(may(policy, packaged(OWN, "org.weir.Cameras"), "t", WR_MAY_SUBSCRIBE)));
        cr_assert(not(may(policy, packaged(OTHER, "org.weir.Camera"), "t", WR_MAY_SUBSCRIBE)), "the user's half");
        wr_policy_close(policy);
}

Test(policy, a_label_keeps_out_whoever_is_below_it)
{
        struct wr_policy *policy = parsed("[topic.\"t\"]\nsddl = 'D:(A;;GA;;;WD)S:(ML;;NW;;;HI)'\n");

        cr_assert(may(policy, full_trust(OWN), "t", WR_MAY_SUBSCRIBE));
        cr_assert(not(may(policy, full_trust(OWN), "t", WR_MAY_PUBLISH)));
        wr_policy_close(policy);
}

Test(policy, a_missing_file_is_suggested_by_name)
{
        struct wr_policy *policy;

        cr_assert(eq(int, wr_policy_load(&policy, NULL, MISSING, wr_sid_of_uid(OWN), sentence, sizeof(sentence)),
                     WEIR_OK));
        cr_assert(not(may(policy, full_trust(OTHER), "t", WR_MAY_SUBSCRIBE)));
        cr_assert(strstr(sentence, "(the policy has no rule for it)") != NULL, "%s", sentence);
        cr_assert(strstr(sentence, "--config " MISSING) != NULL, "%s", sentence);
        cr_assert(eq(str, (char *)wr_policy_path(policy), ""));
        wr_policy_close(policy);
        cr_assert(eq(int,
                     wr_policy_load(&policy, "/nowhere/x.conf", NULL, wr_sid_of_uid(OWN), sentence, sizeof(sentence)),
                     WEIR_E_USAGE));
        cr_assert(strstr(sentence, "/nowhere/x.conf: cannot be read") != NULL);
}

Test(policy, the_file_that_nobody_named_is_read_if_it_is_there)
{
        char folder[FOLDER_PATH_MAX], file[600], longest[WR_POLICY_PATH_MAX + 1];
        struct wr_policy *policy, *again;

        folder_make(folder);
        snprintf(file, sizeof(file), "%s/broker.conf", folder);
        cr_assert(
                eq(int, wr_policy_load(&policy, NULL, file, wr_sid_of_uid(OWN), sentence, sizeof(sentence)), WEIR_OK));
        cr_assert(not(may(policy, full_trust(OTHER), "t", WR_MAY_SUBSCRIBE)));
        file_put(file, "[topic.\"t\"]\nsubscribe = [\"user:1001\"]\n");
        cr_assert(eq(int, wr_policy_load_again(&again, policy, sentence, sizeof(sentence)), WEIR_OK), "%s", sentence);
        cr_assert(may(again, full_trust(OTHER), "t", WR_MAY_SUBSCRIBE));
        cr_assert(eq(str, (char *)(uintptr_t)wr_policy_path(again), file));
        wr_policy_close(policy);
        cr_assert(
                eq(int, wr_policy_load(&policy, NULL, file, wr_sid_of_uid(OWN), sentence, sizeof(sentence)), WEIR_OK));
        cr_assert(may(policy, full_trust(OTHER), "t", WR_MAY_SUBSCRIBE));
        wr_policy_close(policy);
        remove(file);
        cr_assert(eq(int, wr_policy_load_again(&policy, again, sentence, sizeof(sentence)), WEIR_E_USAGE));
        cr_assert(policy == NULL, "what was read once does not end as the default");
        cr_assert(folder_create(file));
        cr_assert(eq(int, wr_policy_load(&policy, NULL, file, wr_sid_of_uid(OWN), sentence, sizeof(sentence)),
                     WEIR_E_USAGE));
        cr_assert(strstr(sentence, "it is no plain file") != NULL, "%s", sentence);
        memset(longest, 'x', sizeof(longest) - 1);
        longest[0] = '/';
        longest[sizeof(longest) - 1] = '\0';
        cr_assert(eq(int, wr_policy_load(&policy, longest, NULL, wr_sid_of_uid(OWN), sentence, sizeof(sentence)),
                     WEIR_E_USAGE));
        cr_assert(strstr(sentence, "longer than 255 bytes") != NULL, "%s", sentence);
        wr_policy_close(again);
        folder_remove(folder);
}

Test(policy, quotas_are_set_and_the_rest_keeps_its_default)
{
        struct wr_policy *policy = parsed("[quota]\nlanes = 3\nreserve_bytes = 1_000_000\nmessages_per_second = 5\n"
                                          "relays_per_second = 7\n");
        const struct wr_limits *limits = wr_policy_limits(policy);

        cr_assert(eq(u64, limits->of[WR_QUOTA_LANES], 3));
        cr_assert(eq(u64, limits->of[WR_QUOTA_RESERVE_BYTES], 1000000));
        cr_assert(eq(u64, limits->messages_per_second, 5));
        cr_assert(eq(u64, limits->relays_per_second, 7));
        cr_assert(eq(u64, limits->of[WR_QUOTA_SUBSCRIPTIONS], 1024));
        cr_assert(eq(u64, limits->of[WR_QUOTA_CONNECTIONS], 64));
        cr_assert(eq(u64, limits->of[WR_QUOTA_ALLOCATED_BYTES], UINT64_C(4) << 30));
        wr_policy_close(policy);
}

Test(policy, package_sockets_are_listed)
{
        struct wr_policy *policy = parsed("[package.\"org.a\"]\nsocket = '" SOCKET "'\n[package.\"org.b\"]\n");
        const char *package, *socket;

        cr_assert(wr_policy_socket(policy, 0, &package, &socket));
        cr_assert(eq(str, (char *)package, "org.a"));
        cr_assert(eq(str, (char *)socket, SOCKET));
        cr_assert(not(wr_policy_socket(policy, 1, &package, &socket)));
        wr_policy_close(policy);
}

Test(policy, errors_of_meaning_name_line_and_column)
{
        expect_error("x = 1", ":1:5: a key outside of a table");
        expect_error("[nonsense]", ":1:1: an unknown table");
        expect_error("[topic.\"a**\"]", ":1:1: this is no topic: '**' does not stand alone");
        expect_error("[topic.\"a//b\"]", ":1:1: this is no topic: a segment is empty");
        expect_error("[topic.\"a\"]\n[topic.\"a\"]", ":2:1: this topic has an entry already, in line 1");
        expect_error("[topic.\"a\"]\nsddl = \"D:(A;;;\"", ":2:8: no SDDL, at its character ");
        expect_error("[topic.\"a\"]\nsddl = \"O:SY\"", ":2:8: this SDDL has no list of who may");
        expect_error("[topic.\"a\"]\nsddl = [\"D:\"]", ":2:8: expected a string");
        expect_error("[topic.\"a\"]\nsddl = \"D:\"\nsddl = \"D:\"", ":3:8: this key stands twice");
        expect_error("[topic.\"a\"]\nsddl = \"D:\"\nmap = []", ":3:7: an entry with sddl has nothing else");
        expect_error("[topic.\"a\"]\nmap = []\nsddl = \"D:\"", ":3:8: sddl stands alone in its entry, which has 'map'");
        expect_error("[topic.\"a\"]\nread = []", ":2:8: an unknown key");
        expect_error("[topic.\"a\"]\nsubscribe = \"user:root\"", ":2:13: expected a list");
        expect_error("[topic.\"a\"]\nmap = []\nmap = []", ":3:7: this key stands twice");
        expect_error("[topic.\"a\"]\nmap = [\"user:no such\"]", ":2:8: there is no user 'no such'");
        expect_error("[topic.\"a\"]\nmap = [\"group:no such\"]", ":2:8: there is no group 'no such'");
        expect_error("[topic.\"a\"]\nmap = [\"user:4294967295\"]", ":2:8: there is no user");
        expect_error("[topic.\"a\"]\nmap = [\"package:..\"]", ":2:8: this is no name of a package");
        expect_error("[topic.\"a\"]\nmap = [\"capability:\"]", ":2:8: this is no name of a capability");
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
        expect_error("[package.\"a\"]\nsocket = \"bus\"", ":2:10: " SOCKET_EXPECTED);
        expect_error("[package.\"a\"]\npath = \"/bus\"", ":2:8: an unknown key");
        expect_error("[package.\"a\"]\nsocket = '" SOCKET "'\nsocket = '" SOCKET "b'", ":3:10: this key stands twice");
}

/* Every list full of the longest names: more than an access list holds. */
Test(policy, lists_that_no_access_list_can_hold_are_refused_with_their_entry)
{
        static const char *const rights[LONG_LISTS] = { "publish", "subscribe", "map", "observe", "stall" };
        static char text[LONG_LISTS * 256 * 280];
        size_t length = (size_t)snprintf(text, sizeof(text), "[topic.\"a\"]\n");

        for (int list = 0; list < LONG_LISTS; list++) {
                length += (size_t)snprintf(text + length, sizeof(text) - length, "%s = [", rights[list]);
                for (int i = 0; i < 256; i++)
                        length += (size_t)snprintf(text + length, sizeof(text) - length, "\"package:%0255d\",", i);
                length += (size_t)snprintf(text + length, sizeof(text) - length, "]\n");
        }
        expect_error(text, ":1:1: the lists of this entry are too long for one access list");
}

static bool
could(const char *text, struct wr_identity identity, const char *pattern, uint32_t rights)
{
        struct wr_policy *policy = parsed(text);
        bool result = wr_policy_could(policy, &identity, pattern, rights);

        wr_policy_close(policy);
        return result;
}

Test(policy, a_pattern_could_be_granted_where_a_rule_of_it_grants)
{
        static const char rules[] = "[topic.\"cam/*\"]\nsubscribe = [\"package:org.a\"]\n"
                                    "[topic.\"raw/one\"]\nsubscribe = [\"user:1001\"]\n";
        struct wr_identity a = packaged(OWN, "org.a"), b = packaged(OWN, "org.b"), other = full_trust(OTHER);

        cr_assert(could(rules, a, "cam/**", WR_MAY_SUBSCRIBE | WR_MAY_MAP));
        cr_assert(could(rules, a, "**", WR_MAY_SUBSCRIBE));
        cr_assert(not(could(rules, a, "cam/**", WR_MAY_SUBSCRIBE | WR_MAY_STALL)));
        cr_assert(not(could(rules, a, "raw/*", WR_MAY_SUBSCRIBE)));
        cr_assert(not(could(rules, b, "**", WR_MAY_SUBSCRIBE)));
        cr_assert(could(rules, other, "raw/*", WR_MAY_SUBSCRIBE));
        cr_assert(not(could(rules, other, "raw/*/x", WR_MAY_SUBSCRIBE)));
        cr_assert(could(rules, full_trust(OWN), "x/*", WR_MAY_SUBSCRIBE | WR_MAY_STALL), "by the default");
        cr_assert(not(could("[topic.\"**\"]\nsubscribe = [\"user:1001\"]\n", full_trust(OWN), "x/*", WR_MAY_SUBSCRIBE)),
                  "a rule for all leaves nothing to the default");
}
