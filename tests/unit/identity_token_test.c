/* From tokens of Windows to identities, with tokens as they were recorded: on both systems the same answers. */
#include "named-objects/identity_token.h"
#include "named-objects/rights/package.h"
#include "named-objects/rights/token.h"
#include "tests/identity_kit.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

static char sentence[512];

TestSuite(identity_token, .timeout = 30);

static struct wr_identity
decided(const struct wr_identity_token *token)
{
        struct wr_identity identity;

        memset(&identity, 0, sizeof(identity));
        cr_assert(eq(int, wr_identity_decide_token(token, NULL, &identity, sentence, sizeof(sentence)), WEIR_OK), "%s",
                  sentence);
        cr_assert(identity.has_token);
        return identity;
}

static void
expect_text(const struct wr_identity *identity, const char *expected)
{
        char text[256];

        wr_identity_text(identity, text, sizeof(text));
        cr_assert(eq(str, text, (char *)(uintptr_t)expected));
}

Test(identity_token, an_ordinary_token_of_medium_integrity_and_above_has_full_trust)
{
        static const struct {
                uint32_t integrity;
                const char *text;
        } levels[] = {
                { WR_INTEGRITY_MEDIUM, "user:" TOKEN_USER_TEXT " full trust (medium integrity)" },
                { 8448, "user:" TOKEN_USER_TEXT " full trust (medium integrity)" }, /* medium plus */
                { WR_INTEGRITY_HIGH, "user:" TOKEN_USER_TEXT " full trust (high integrity)" },
                { WR_INTEGRITY_SYSTEM, "user:" TOKEN_USER_TEXT " full trust (system integrity)" },
        };

        for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
                struct wr_identity_token token = token_ordinary();
                struct wr_identity identity;

                token.integrity = levels[i].integrity;
                identity = decided(&token);
                cr_assert(eq(int, identity.trust, WR_TRUST_FULL));
                cr_assert(eq(u32, identity.integrity, levels[i].integrity));
                cr_assert(eq(str, identity.package, ""));
                cr_assert(wr_sid_equal(&identity.user, &token.user));
                cr_assert(eq(u32, identity.sids.count, token.sids.count));
                expect_text(&identity, levels[i].text);
        }
}

Test(identity_token, what_confines_a_token_costs_it_full_trust)
{
        struct wr_identity_token low = token_ordinary(), untrusted = low, restricted = low, denied = low;
        struct wr_identity identity;

        low.integrity = WR_INTEGRITY_LOW;
        untrusted.integrity = WR_INTEGRITY_UNTRUSTED;
        token_add(&restricted, "S-1-5-12", WR_SID_RESTRICTING);
        denied.user_deny_only = true;
        identity = decided(&low);
        cr_assert(eq(int, identity.trust, WR_TRUST_CONFINED));
        expect_text(&identity, "user:" TOKEN_USER_TEXT " confined (low integrity)");
        identity = decided(&untrusted);
        cr_assert(eq(int, identity.trust, WR_TRUST_CONFINED));
        expect_text(&identity, "user:" TOKEN_USER_TEXT " confined (untrusted integrity)");
        identity = decided(&restricted);
        cr_assert(eq(int, identity.trust, WR_TRUST_CONFINED));
        expect_text(&identity, "user:" TOKEN_USER_TEXT " confined (restricted token)");
        identity = decided(&denied);
        cr_assert(eq(int, identity.trust, WR_TRUST_CONFINED));
        cr_assert(identity.user_deny_only);
}

/* The filtered token of an administrator: only a group of his counts for denials alone. */
Test(identity_token, a_group_that_only_denies_costs_no_trust)
{
        struct wr_identity_token token = token_ordinary();
        struct wr_identity identity;

        token_add(&token, "S-1-5-32-544", WR_SID_DENY_ONLY);
        identity = decided(&token);
        cr_assert(eq(int, identity.trust, WR_TRUST_FULL));
}

Test(identity_token, a_container_is_the_package_whose_name_has_its_SID)
{
        struct wr_identity_token token = token_container(TOKEN_FAMILY);
        struct wr_identity identity;

        strcpy(token.family, TOKEN_FAMILY);
        identity = decided(&token);
        cr_assert(eq(int, identity.trust, WR_TRUST_PACKAGE));
        cr_assert(eq(str, identity.package, TOKEN_FAMILY));
        cr_assert(eq(str, identity.why, "package token"));
        cr_assert(not(identity.is_less_privileged));
        strcpy(token.family, "");
        strcpy(token.profile, TOKEN_FAMILY);
        identity = decided(&token);
        cr_assert(eq(str, identity.package, TOKEN_FAMILY));
        cr_assert(eq(str, identity.why, "container profile"));
}

/* Who makes a container chooses its name and writes the list where it stands. */
Test(identity_token, a_name_that_is_not_that_of_the_SID_is_not_believed)
{
        struct wr_identity_token token = token_container("Contoso.Viewer");
        struct wr_identity_token victim = token_container(TOKEN_FAMILY), thief;
        char sid[WR_SID_TEXT_MAX], victim_sid[WR_SID_TEXT_MAX];
        struct wr_identity identity;

        wr_sid_text(&token.container, sid);
        wr_sid_text(&victim.container, victim_sid);
        strcpy(token.family, TOKEN_FAMILY);
        strcpy(token.profile, TOKEN_FAMILY);
        identity = decided(&token);
        cr_assert(eq(int, identity.trust, WR_TRUST_PACKAGE));
        cr_assert(eq(str, identity.package, sid), "its SID is its name");
        cr_assert(eq(str, identity.why, "container without a name"));
        thief = token_container(victim_sid); /* a profile that is called as the victim's SID */
        strcpy(thief.profile, victim_sid);
        identity = decided(&thief);
        cr_assert(ne(str, identity.package, victim_sid));
        wr_sid_text(&thief.container, sid);
        cr_assert(eq(str, identity.package, sid));
}

Test(identity_token, a_name_that_no_rule_could_have_is_replaced_by_the_SID)
{
        struct wr_identity_token token = token_container("My own sandbox");
        struct wr_identity identity;
        struct wr_sid sid;

        strcpy(token.profile, "My own sandbox");
        identity = decided(&token);
        cr_assert(wr_identity_package_sid(identity.package, &sid) && wr_sid_equal(&sid, &token.container));
}

Test(identity_token, a_child_container_is_called_by_its_SID)
{
        struct wr_identity_token token = token_container(TOKEN_FAMILY);
        struct wr_sid parent = token.container, sid;
        struct wr_identity identity;

        cr_assert(wr_package_child_sid(&token.container, &parent, "007", 3));
        strcpy(token.family, TOKEN_FAMILY);
        identity = decided(&token);
        cr_assert(eq(int, identity.trust, WR_TRUST_PACKAGE));
        cr_assert(wr_identity_package_sid(identity.package, &sid) && wr_sid_equal(&sid, &token.container));
}

Test(identity_token, a_less_privileged_container_says_so)
{
        struct wr_identity_token token = token_container(TOKEN_FAMILY), ordinary = token_ordinary();
        struct wr_identity identity;

        strcpy(token.family, TOKEN_FAMILY);
        token.is_less_privileged = ordinary.is_less_privileged = true;
        identity = decided(&token);
        cr_assert(identity.is_less_privileged);
        expect_text(&identity, "user:" TOKEN_USER_TEXT " package:" TOKEN_FAMILY " (package token, less privileged)");
        identity = decided(&ordinary);
        cr_assert(not(identity.is_less_privileged), "who is in none");
}

Test(identity_token, capabilities_have_a_name_where_it_is_known)
{
        struct wr_identity_token token = token_container(TOKEN_FAMILY);
        struct wr_identity identity;
        struct wr_sid own;

        strcpy(token.family, TOKEN_FAMILY);
        token_add(&token, "S-1-15-3-1", WR_SID_CAPABILITY);
        token_add(&token, "S-1-15-3-12", WR_SID_CAPABILITY);
        token_add(&token, "S-1-15-3-13", WR_SID_CAPABILITY);
        cr_assert(wr_package_own_capability(&own, &token.container));
        cr_assert(wr_sid_list_add(&token.sids, &own, WR_SID_CAPABILITY));
        identity = decided(&token);
        cr_assert(eq(u32, identity.capability_count, 2));
        expect_text(&identity, "user:" TOKEN_USER_TEXT " package:" TOKEN_FAMILY
                               " capability:internetClient capability:contacts capability:S-1-15-3-13 (package token)");
}

/* Packaged, but not contained: desktop programs, and hosted ones, whose host runs under their identity. */
Test(identity_token, a_packaged_program_with_an_ordinary_token_keeps_its_trust_and_its_name)
{
        struct wr_identity_token token = token_ordinary();
        struct wr_identity identity;

        strcpy(token.family, TOKEN_FAMILY);
        identity = decided(&token);
        cr_assert(eq(int, identity.trust, WR_TRUST_FULL));
        expect_text(&identity, "user:" TOKEN_USER_TEXT " full trust package:" TOKEN_FAMILY " (medium integrity)");
        token.integrity = WR_INTEGRITY_LOW;
        identity = decided(&token);
        cr_assert(eq(int, identity.trust, WR_TRUST_CONFINED));
        cr_assert(eq(str, identity.package, TOKEN_FAMILY));
}

Test(identity_token, who_is_below_medium_and_in_no_container_needs_a_label_to_write)
{
        struct wr_identity_token token = token_ordinary();

        cr_assert(not(wr_identity_is_low(&token)));
        token.integrity = WR_INTEGRITY_MEDIUM - 1;
        cr_assert(wr_identity_is_low(&token));
        token.integrity = WR_INTEGRITY_UNTRUSTED;
        cr_assert(wr_identity_is_low(&token));
        cr_assert(gt(sz, wr_sid_parse(&token.container, "S-1-15-2-1-2-3", 14), 0));
        cr_assert(not(wr_identity_is_low(&token)), "a container is kept from nothing that has no label");
}

static enum weir_result
through_pipe(const struct wr_identity_token *token, const char *package, struct wr_identity *identity)
{
        memset(identity, 0, sizeof(*identity));
        return wr_identity_decide_token(token, package, identity, sentence, sizeof(sentence));
}

Test(identity_token, who_comes_through_the_pipe_of_a_package_is_that_package_or_refused)
{
        struct wr_identity_token ordinary = token_ordinary(), packaged = ordinary;
        struct wr_identity_token contained = token_container(TOKEN_FAMILY);
        struct wr_identity identity;

        strcpy(packaged.family, TOKEN_FAMILY);
        strcpy(contained.family, TOKEN_FAMILY);
        cr_assert(eq(int, through_pipe(&ordinary, "org.weir.Camera", &identity), WEIR_OK));
        cr_assert(eq(int, identity.trust, WR_TRUST_PACKAGE));
        cr_assert(eq(str, identity.package, "org.weir.Camera"));
        cr_assert(eq(str, identity.why, "package pipe"));
        cr_assert(eq(int, through_pipe(&packaged, TOKEN_FAMILY, &identity), WEIR_OK));
        cr_assert(eq(int, identity.trust, WR_TRUST_PACKAGE));
        cr_assert(eq(int, through_pipe(&contained, TOKEN_FAMILY, &identity), WEIR_OK));
        cr_assert(eq(str, identity.why, "package token"));
        cr_assert(eq(int, through_pipe(&packaged, "org.weir.Camera", &identity), WEIR_E_DENIED));
        cr_assert(eq(int, through_pipe(&contained, "org.weir.Camera", &identity), WEIR_E_DENIED));
        cr_assert(eq(str, sentence,
                     "denied: the pipe says package org.weir.Camera, but the token says " TOKEN_FAMILY
                     ": one of them is wrong"));
        cr_assert(eq(int, through_pipe(&ordinary, "../etc", &identity), WEIR_E_USAGE));
}

Test(identity_token, a_token_that_does_not_say_who_it_is_is_refused)
{
        struct wr_identity_token nobody = token_ordinary(), odd = token_container(TOKEN_FAMILY);
        struct wr_identity identity;

        nobody.user = (struct wr_sid){ 0 };
        cr_assert(eq(int, through_pipe(&nobody, NULL, &identity), WEIR_E_DENIED));
        cr_assert(strstr(sentence, "no user") != NULL, "%s", sentence);
        odd.container.count = 3;
        cr_assert(eq(int, through_pipe(&odd, NULL, &identity), WEIR_E_DENIED));
        cr_assert(strstr(sentence, "no package's") != NULL, "%s", sentence);
}

Test(identity_token, a_package_may_be_named_by_its_SID)
{
        struct wr_sid by_name, by_text;
        char text[WR_SID_TEXT_MAX];

        cr_assert(wr_identity_package_sid(TOKEN_FAMILY, &by_name));
        wr_sid_text(&by_name, text);
        cr_assert(wr_identity_package_sid(text, &by_text));
        cr_assert(wr_sid_equal(&by_name, &by_text));
        cr_assert(wr_identity_package_sid("S-1-5-18", &by_text) && by_text.words[0] == 2,
                  "that is no package's: a name");
}

Test(identity_token, a_list_of_SIDs_gives_back_what_was_put_in_and_refuses_what_does_not_fit)
{
        struct wr_sid_list list = { 0 };
        struct wr_sid sid = { .authority = 5, .count = 5, .words = { 21, 1, 2, 3, 0 } }, found;
        enum wr_sid_use use;
        size_t at = 0;

        for (uint32_t i = 0; i < WR_SID_LIST_MAX; i++) {
                sid.words[4] = i;
                cr_assert(wr_sid_list_add(&list, &sid, i % 2 ? WR_SID_GROUP : WR_SID_CAPABILITY));
        }
        cr_assert(not(wr_sid_list_add(&list, &sid, WR_SID_GROUP)));
        for (uint32_t i = 0; i < WR_SID_LIST_MAX; i++) {
                cr_assert(wr_sid_list_next(&list, &at, &found, &use));
                cr_assert(eq(u32, found.words[4], i));
                cr_assert(eq(int, use, i % 2 ? WR_SID_GROUP : WR_SID_CAPABILITY));
        }
        cr_assert(not(wr_sid_list_next(&list, &at, &found, &use)));
        sid.words[4] = 6;
        cr_assert(wr_sid_list_has(&list, &sid, WR_SID_CAPABILITY));
        cr_assert(not(wr_sid_list_has(&list, &sid, WR_SID_GROUP)));
        list = (struct wr_sid_list){ 0 };
        sid.count = WR_SID_WORDS_MAX;
        while (wr_sid_list_add(&list, &sid, WR_SID_GROUP))
                ;
        cr_assert(list.count < WR_SID_LIST_MAX && list.size <= WR_SID_LIST_BYTES);
        cr_assert(not(wr_sid_list_add(&list, &(struct wr_sid){ 0 }, WR_SID_GROUP)));
}
