/* What the rules give to tokens of Windows: the whole check of the token as it was recorded, on both systems alike. */
#include "broker/policy.h"
#include "broker/policy_edit.h"
#include "tests/identity_kit.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        READ = WR_MAY_SUBSCRIBE | WR_MAY_MAP | WR_MAY_OBSERVE,
        WRITE = WR_MAY_PUBLISH | WR_MAY_MAP | WR_MAY_OBSERVE,
        ALL = READ | WRITE | WR_MAY_STALL
};

static char sentence[1024];

TestSuite(policy_token, .timeout = 60);

/* Of a broker of that same user. */
static struct wr_policy *
parsed(const char *text)
{
        struct wr_policy *policy;

        cr_assert(eq(int,
                     wr_policy_parse(&policy, text, strlen(text), "/p.conf", sid_from(TOKEN_USER_TEXT), sentence,
                                     sizeof(sentence)),
                     WEIR_OK),
                  "%s", sentence);
        return policy;
}

static uint32_t
rights_of(const struct wr_policy *policy, const struct wr_identity_token *token)
{
        struct wr_identity identity = identity_of_token(token);
        uint32_t rights = 0;

        for (unsigned right = WR_MAY_SUBSCRIBE; right <= WR_MAY_STALL; right <<= 1)
                if (wr_policy_decide(policy, &identity, "t", (enum wr_right)right, sentence, sizeof(sentence)))
                        rights |= right;
        return rights;
}

static uint32_t
rights_by(const char *text, const struct wr_identity_token *token)
{
        struct wr_policy *policy = parsed(text);
        uint32_t rights = rights_of(policy, token);

        wr_policy_close(policy);
        return rights;
}

static bool
is_admitted(const char *text, const struct wr_identity_token *token)
{
        struct wr_policy *policy = parsed(text);
        struct wr_identity identity = identity_of_token(token);
        bool admitted = wr_policy_admits(policy, &identity, sentence, sizeof(sentence));

        wr_policy_close(policy);
        return admitted;
}

Test(policy_token, without_an_entry_each_kind_of_token_gets_what_the_page_says)
{
        struct wr_identity_token own = token_ordinary(), elevated = own, packaged = own, low = own, other = own;
        struct wr_identity_token contained = token_container(TOKEN_FAMILY), less = contained;

        elevated.integrity = WR_INTEGRITY_HIGH;
        token_add(&elevated, "S-1-5-32-544", WR_SID_GROUP);
        strcpy(packaged.family, TOKEN_FAMILY);
        low.integrity = WR_INTEGRITY_LOW;
        other.user = sid_from("S-1-5-21-1-2-3-1002");
        token_add(&other, "S-1-5-32-544", WR_SID_GROUP);
        less.is_less_privileged = true;
        cr_assert(eq(u32, rights_by("", &own), ALL));
        cr_assert(eq(u32, rights_by("", &elevated), ALL));
        cr_assert(eq(u32, rights_by("", &packaged), ALL));
        cr_assert(eq(u32, rights_by("", &low), READ));
        cr_assert(eq(u32, rights_by("", &other), 0));
        cr_assert(eq(u32, rights_by("", &contained), 0));
        cr_assert(eq(u32, rights_by("", &less), 0));
        cr_assert(is_admitted("", &low), "%s", sentence);
}

Test(policy_token, only_full_trust_is_the_brokers_own)
{
        struct wr_identity_token own = token_ordinary(), low = own, denied = own;
        struct wr_policy *policy = parsed("");
        struct wr_identity identity = identity_of_token(&own);

        low.integrity = WR_INTEGRITY_LOW;
        denied.user_deny_only = true;
        cr_assert(wr_policy_is_own(policy, &identity));
        identity = identity_of_token(&low);
        cr_assert(not(wr_policy_is_own(policy, &identity)));
        identity = identity_of_token(&denied);
        cr_assert(not(wr_policy_is_own(policy, &identity)));
        wr_policy_close(policy);
}

Test(policy_token, a_user_and_groups_that_count_for_denials_only_grant_nothing_and_deny)
{
        static const char by_group[] = "[topic.\"t\"]\nsubscribe = [\"group:S-1-5-32-544\"]\n";
        static const char by_denial[] = "[topic.\"t\"]\nsddl = \"D:(D;;GA;;;BA)(A;;GA;;;AU)\"\n";
        struct wr_identity_token plain = token_ordinary(), enabled = plain, only_denies = plain, denied = plain;

        token_add(&enabled, "S-1-5-32-544", WR_SID_GROUP);
        token_add(&only_denies, "S-1-5-32-544", WR_SID_DENY_ONLY);
        denied.user_deny_only = true;
        cr_assert(eq(u32, rights_by(by_group, &plain), 0));
        cr_assert(eq(u32, rights_by(by_group, &enabled), READ));
        cr_assert(eq(u32, rights_by(by_group, &only_denies), 0));
        cr_assert(eq(u32, rights_by(by_denial, &plain), ALL));
        cr_assert(eq(u32, rights_by(by_denial, &only_denies), 0));
        cr_assert(eq(u32, rights_by("", &denied), 0));
        cr_assert(not(is_admitted("", &denied)));
        cr_assert(strstr(sentence, "confined by its token (a token whose user counts for denials only)") != NULL, "%s",
                  sentence);
}

Test(policy_token, a_restricted_token_needs_both_of_its_lists)
{
        static const char entry[] = "[topic.\"t\"]\nsddl = \"D:(A;;GR;;;RC)(A;;GA;;;" TOKEN_USER_TEXT ")\"\n";
        struct wr_identity_token restricted = token_ordinary(), own = restricted, writes;

        token_add(&restricted, "S-1-5-12", WR_SID_RESTRICTING);
        token_add(&own, TOKEN_USER_TEXT, WR_SID_RESTRICTING);
        writes = restricted;
        writes.is_write_restricted = true;
        cr_assert(eq(u32, rights_by("", &restricted), 0));
        cr_assert(eq(u32, rights_by("", &own), ALL));
        cr_assert(eq(u32, rights_by(entry, &restricted), WR_MAY_SUBSCRIBE | WR_MAY_OBSERVE));
        cr_assert(eq(u32, rights_by(entry, &writes), READ), "to publish and to hold up is to write");
        cr_assert(not(is_admitted("", &restricted)));
        cr_assert(is_admitted(entry, &restricted), "%s", sentence);
}

Test(policy_token, a_package_is_listed_by_its_name_or_its_SID_in_and_out_of_a_container)
{
        static const char by_name[] = "[topic.\"t\"]\nsubscribe = [\"package:" TOKEN_FAMILY "\"]\n";
        struct wr_identity_token named = token_container(TOKEN_FAMILY), unnamed = named, other;
        struct wr_identity_token desktop = token_ordinary(), hosted = desktop;
        char by_sid[256], sid[WR_SID_TEXT_MAX];

        strcpy(named.family, TOKEN_FAMILY);
        strcpy(desktop.family, TOKEN_FAMILY);
        strcpy(hosted.family, "Fabrikam.Hosted_h91ms92gdsmmt");
        other = token_container("Contoso.Other");
        wr_sid_text(&named.container, sid);
        snprintf(by_sid, sizeof(by_sid), "[topic.\"t\"]\nsubscribe = [\"package:%s\"]\n", sid);
        cr_assert(eq(u32, rights_by(by_name, &named), READ));
        cr_assert(eq(u32, rights_by(by_sid, &named), READ));
        cr_assert(eq(u32, rights_by(by_sid, &unnamed), READ));
        cr_assert(eq(u32, rights_by(by_name, &other), 0));
        cr_assert(eq(u32, rights_by(by_name, &desktop), READ), "its line is for it, too");
        cr_assert(eq(u32, rights_by(by_sid, &desktop), READ));
        cr_assert(eq(u32, rights_by(by_name, &hosted), 0), "a hosted app is not its host, and not another one");
        named.user = sid_from("S-1-5-21-1-2-3-1002");
        cr_assert(eq(u32, rights_by(by_name, &named), 0), "run by another user");
}

Test(policy_token, a_capability_is_one_of_the_SIDs_in_the_token)
{
        static const char entry[] = "[topic.\"t\"]\nsubscribe = [\"capability:org.weir.preview\"]\n"
                                    "publish = [\"capability:internetClient\"]\n";
        struct wr_identity_token token = token_container(TOKEN_FAMILY), ordinary = token_ordinary();
        struct wr_sid capability;

        cr_assert(eq(u32, rights_by(entry, &token), 0));
        cr_assert(wr_package_capability_sid(&capability, "org.weir.preview", 16));
        cr_assert(wr_sid_list_add(&token.sids, &capability, WR_SID_CAPABILITY));
        cr_assert(eq(u32, rights_by(entry, &token), READ));
        token_add(&token, "S-1-15-3-1", WR_SID_CAPABILITY);
        cr_assert(eq(u32, rights_by(entry, &token), READ | WRITE));
        cr_assert(wr_sid_list_add(&ordinary.sids, &capability, WR_SID_CAPABILITY));
        cr_assert(eq(u32, rights_by(entry, &ordinary), 0), "without a container it is nothing");
}

Test(policy_token, a_less_privileged_container_is_no_application_package)
{
        static const char regular[] = "[topic.\"t\"]\nsddl = \"D:(A;;GR;;;AU)(A;;GR;;;AC)\"\n";
        static const char any[] = "[topic.\"t\"]\nsddl = \"D:(A;;GR;;;AU)(A;;GR;;;S-1-15-2-2)\"\n";
        struct wr_identity_token token = token_container(TOKEN_FAMILY), less = token;

        less.is_less_privileged = true;
        cr_assert(eq(u32, rights_by(regular, &token), WR_MAY_SUBSCRIBE | WR_MAY_OBSERVE));
        cr_assert(eq(u32, rights_by(regular, &less), 0));
        cr_assert(eq(u32, rights_by(any, &less), WR_MAY_SUBSCRIBE | WR_MAY_OBSERVE));
}

Test(policy_token, confined_stands_for_sandboxes_without_a_token_alone)
{
        static const char entry[] = "[topic.\"t\"]\nsubscribe = [\"confined:*\"]\n";
        struct wr_identity_token low = token_ordinary(), less = token_container(TOKEN_FAMILY);

        low.integrity = WR_INTEGRITY_LOW;
        less.is_less_privileged = true;
        cr_assert(eq(u32, rights_by(entry, &low), 0));
        cr_assert(eq(u32, rights_by(entry, &less), 0));
}

/* ---- what helps ------------------------------------------------------------------------------------------------ */

static void
refuse(const char *text, const struct wr_identity_token *token, enum wr_right right)
{
        struct wr_policy *policy = parsed(text);
        struct wr_identity identity = identity_of_token(token);

        cr_assert(not(wr_policy_decide(policy, &identity, "t", right, sentence, sizeof(sentence))));
        wr_policy_close(policy);
}

Test(policy_token, a_refusal_for_integrity_tells_of_labels_and_of_no_line)
{
        struct wr_identity_token low = token_ordinary();

        low.integrity = WR_INTEGRITY_LOW;
        refuse("", &low, WR_MAY_PUBLISH);
        cr_assert(
                eq(str, sentence,
                   "denied: 't' grants user:" TOKEN_USER_TEXT
                   " (low integrity) no 'publish' (p.conf has no rule for it). It runs below medium integrity, and what"
                   " has no label is not written from there: give the entry one, as in"
                   " sddl = \"D:(...)S:(ML;;NW;;;LW)\""));
        cr_assert(eq(u32, rights_by("[topic.\"t\"]\nsddl = \"D:(A;;GW;;;" TOKEN_USER_TEXT ")S:(ML;;NW;;;LW)\"\n", &low),
                     WR_MAY_PUBLISH));
}

/* What a refusal has the user type is typed. */
static uint32_t
after_allowing(const char *text, const char *principal, const struct wr_identity_token *token)
{
        struct wr_policy_change change = { true, "t", principal, WR_MAY_SUBSCRIBE };
        struct wr_policy_edited edited;
        uint32_t rights;
        char *after;

        cr_assert(eq(int,
                     wr_policy_edit(text, strlen(text), "/p.conf", sid_from(TOKEN_USER_TEXT), &change, &edited,
                                    sentence, sizeof(sentence)),
                     WEIR_OK),
                  "%s", sentence);
        after = malloc(edited.size + 1);
        memcpy(after, edited.text, edited.size);
        after[edited.size] = '\0';
        rights = rights_by(after, token);
        free(after);
        free(edited.text);
        return rights;
}

Test(policy_token, a_refusal_of_a_restricted_token_names_a_SID_of_its_second_list)
{
        static const char entry[] = "[topic.\"t\"]\nsubscribe = [\"user:" TOKEN_USER_TEXT "\"]\n";
        struct wr_identity_token restricted = token_ordinary();

        token_add(&restricted, "S-1-5-12", WR_SID_RESTRICTING);
        token_add(&restricted, "S-1-5-5-0-77777", WR_SID_RESTRICTING);
        refuse(entry, &restricted, WR_MAY_SUBSCRIBE);
        cr_assert(strstr(sentence, "(restricted token) no 'subscribe'") != NULL, "%s", sentence);
        cr_assert(strstr(sentence, "weir access allow t --group S-1-5-5-0-77777 --read") != NULL, "%s", sentence);
        cr_assert(eq(u32, after_allowing(entry, "group:S-1-5-5-0-77777", &restricted), READ));
}

Test(policy_token, a_refusal_of_another_user_names_his_SID)
{
        struct wr_identity_token other = token_ordinary();

        other.user = sid_from("S-1-5-21-1-2-3-1002");
        refuse("", &other, WR_MAY_SUBSCRIBE);
        cr_assert(strstr(sentence, "weir access allow t --user S-1-5-21-1-2-3-1002 --read") != NULL, "%s", sentence);
        cr_assert(eq(u32, after_allowing("", "user:S-1-5-21-1-2-3-1002", &other), READ));
}

/* ---- the door -------------------------------------------------------------------------------------------------- */

static bool
is_guest(const struct wr_policy *policy, const struct wr_sid *sid)
{
        struct wr_sid *guests;
        bool found = false;
        size_t count;

        cr_assert(wr_policy_guests(policy, &guests, &count));
        for (size_t i = 0; i < count; i++)
                found |= wr_sid_equal(&guests[i], sid);
        free(guests);
        return found;
}

Test(policy_token, guests_are_those_whom_an_entry_could_give_something)
{
        static const char text[] =
                "[topic.\"a\"]\nsubscribe = [\"user:S-1-5-21-1-2-3-7\", \"package:" TOKEN_FAMILY "\"]\n"
                "[topic.\"b\"]\nsddl = \"O:S-1-5-21-1-2-3-8D:(D;;GA;;;S-1-5-21-1-2-3-9)(A;;RC;;;S-1-5-21-1-2-3-10)"
                "(A;;GR;;;OW)\"\n";
        struct wr_policy *policy = parsed(text);
        struct wr_sid package, sid, *guests;
        size_t count;

        cr_assert(wr_identity_package_sid(TOKEN_FAMILY, &package));
        cr_assert(is_guest(policy, &package));
        sid = sid_from("S-1-5-21-1-2-3-7");
        cr_assert(is_guest(policy, &sid));
        sid = sid_from("S-1-5-21-1-2-3-8");
        cr_assert(is_guest(policy, &sid), "an owner by his rights");
        sid = sid_from("S-1-5-21-1-2-3-9");
        cr_assert(not(is_guest(policy, &sid)), "who is only denied");
        sid = sid_from("S-1-5-21-1-2-3-10");
        cr_assert(not(is_guest(policy, &sid)), "who may do nothing with frames");
        cr_assert(wr_policy_guests(policy, &guests, &count));
        cr_assert(eq(sz, count, 4), "and the own user, of the package's line: each once");
        free(guests);
        wr_policy_close(policy);
        policy = parsed("");
        cr_assert(wr_policy_guests(policy, &guests, &count));
        cr_assert(count == 0 && guests == NULL);
        wr_policy_close(policy);
        policy = parsed("[topic.\"t\"]\nsddl = \"D:NO_ACCESS_CONTROL\"\n");
        sid = sid_from("S-1-1-0");
        cr_assert(is_guest(policy, &sid));
        wr_policy_close(policy);
}

Test(policy_token, of_too_many_guests_everybody_may_knock)
{
        struct wr_policy *policy;
        struct wr_sid sid = sid_from("S-1-15-2-1");
        char *text = malloc(1 << 17);
        size_t length = 0;

        cr_assert(text != NULL);
        for (int i = 0; i < 1100; i++)
                length += (size_t)sprintf(text + length, "[topic.\"t%d\"]\nsubscribe = [\"user:%d\"]\n", i, 5000 + i);
        policy = parsed(text);
        cr_assert(is_guest(policy, &sid));
        sid = wr_sid_of_uid(5000);
        cr_assert(not(is_guest(policy, &sid)));
        wr_policy_close(policy);
        free(text);
}
