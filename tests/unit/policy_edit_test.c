/* The policy file edited as text: what is written, what stays, and what is refused. */
#include "broker/policy_edit.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OWN = 4200 }; /* a number that no machine has a name for */

TestSuite(policy_edit, .timeout = 60);

static char sentence[1024];
static struct wr_policy_edited edited;

static enum weir_result
edit(const char *text, bool allow, const char *topic, const char *principal, uint32_t rights)
{
        struct wr_policy_change change = { allow, topic, principal, rights };

        sentence[0] = '\0';
        return wr_policy_edit(text, strlen(text), "/p.conf", wr_sid_of_uid(OWN), &change, &edited, sentence,
                              sizeof(sentence));
}

static void
expect(const char *before, bool allow, const char *topic, const char *principal, uint32_t rights, const char *after)
{
        enum weir_result result = edit(before, allow, topic, principal, rights);

        cr_assert(eq(int, result, WEIR_OK), "%s", sentence);
        if (!after) {
                cr_assert(edited.text == NULL, "nothing is to be done, but: %s", edited.text);
                return;
        }
        cr_assert(edited.text != NULL, "something is to be done");
        cr_assert(edited.size == strlen(after) && memcmp(edited.text, after, edited.size) == 0,
                  "expected:\n%s\nfound:\n%.*s", after, (int)edited.size, edited.text);
        free(edited.text);
}

static void
expect_refused(const char *text, bool allow, const char *topic, const char *principal, uint32_t rights,
               const char *part)
{
        cr_assert(eq(int, edit(text, allow, topic, principal, rights), WEIR_E_USAGE));
        cr_assert(edited.text == NULL);
        cr_assert(strstr(sentence, part) != NULL, "'%s' has '%s'", sentence, part);
}

Test(policy_edit, a_list_on_one_line_gets_one_more)
{
        expect("[topic.\"t\"]\nsubscribe = [\"user:1\"] # who\n", true, "t", "package:org.a", WR_MAY_SUBSCRIBE,
               "[topic.\"t\"]\nsubscribe = [\"user:1\", \"package:org.a\"] # who\n");
        cr_assert(eq(uint, edited.line, 2));
        cr_assert(eq(str, edited.rule, "subscribe = [\"user:1\", \"package:org.a\"]"));
        expect("[topic.\"t\"]\n  subscribe = [ ]\n", true, "t", "user:1", WR_MAY_SUBSCRIBE,
               "[topic.\"t\"]\n  subscribe = [\"user:1\" ]\n");
        expect("[topic.\"t\"]\nsubscribe = ['user:1',]", true, "t", "user:2", WR_MAY_SUBSCRIBE,
               "[topic.\"t\"]\nsubscribe = ['user:1', \"user:2\",]");
}

Test(policy_edit, a_list_of_lines_gets_one_more_line)
{
        expect("[topic.\"t\"]\nsubscribe = [\n\t\"user:1\", # one\n\t\"user:2\" # two\n]\n", true, "t", "user:3",
               WR_MAY_SUBSCRIBE,
               "[topic.\"t\"]\nsubscribe = [\n\t\"user:1\", # one\n\t\"user:2\", # two\n\t\"user:3\",\n]\n");
        cr_assert(eq(uint, edited.line, 2));
        expect("[topic.\"t\"]\nsubscribe = [\n  \"user:1\"\n  ,\n]\n", true, "t", "user:3", WR_MAY_SUBSCRIBE,
               "[topic.\"t\"]\nsubscribe = [\n  \"user:1\"\n  ,\n  \"user:3\",\n]\n");
}

Test(policy_edit, a_key_that_is_missing_is_written_behind_the_others_of_its_entry)
{
        expect("# top\n[topic.\"t\"] # t\n\n[topic.\"u\"]\nmap = []\n", true, "t", "user:1", WR_MAY_PUBLISH,
               "# top\n[topic.\"t\"] # t\npublish = [\"user:1\"]\n\n[topic.\"u\"]\nmap = []\n");
        expect("[topic.\"t\"]\npublish = [ # p\n'user:1'] # q\n# end\n[quota]\nlanes = 3\n", true, "t", "user:2",
               WR_MAY_STALL,
               "[topic.\"t\"]\npublish = [ # p\n'user:1'] # q\nstall = [\"user:2\"]\n# end\n[quota]\nlanes = 3\n");
        expect("[topic.\"t\"]", true, "t", "user:2", WR_MAY_STALL, "[topic.\"t\"]\nstall = [\"user:2\"]\n");
}

Test(policy_edit, several_rights_are_several_lists)
{
        expect("[topic.\"t\"]\n", true, "t", "user:1", WR_MAY_SUBSCRIBE | WR_MAY_PUBLISH | WR_MAY_STALL,
               "[topic.\"t\"]\nsubscribe = [\"user:1\"]\npublish = [\"user:1\"]\nstall = [\"user:1\"]\n");
        cr_assert(eq(str, edited.rule, "subscribe = [\"user:1\"]"));
}

Test(policy_edit, who_is_listed_already_changes_nothing)
{
        expect("[topic.\"t\"]\nsubscribe = [\"user:S-1-22-1-0\", \"package:Org.A\"]\n", true, "t", "user:0",
               WR_MAY_SUBSCRIBE, NULL);
        cr_assert(eq(uint, edited.line, 2));
        expect("[topic.\"t\"]\nsubscribe = [\"user:S-1-22-1-0\", \"package:Org.A\"]\n", true, "t", "package:org.a",
               WR_MAY_SUBSCRIBE | WR_MAY_MAP | WR_MAY_OBSERVE, NULL);
        expect("[topic.\"t\"]\nsubscribe = [\"user:1\"]\n", false, "t", "user:2", WR_MAY_SUBSCRIBE, NULL);
        expect("", false, "t", "user:2", WR_MAY_SUBSCRIBE, NULL);
        expect("", true, "t", "user:4200", WR_MAY_SUBSCRIBE, NULL);
        cr_assert(eq(uint, edited.line, 0), "no line says so: it is the default");
}

Test(policy_edit, map_that_was_implied_is_kept_for_everybody_when_it_is_listed)
{
        expect("[topic.\"t\"]\nsubscribe = [\"user:1\", \"user:2\"]\npublish = [\"user:2\", \"user:3\"]\n", true, "t",
               "user:4", WR_MAY_MAP,
               "[topic.\"t\"]\nsubscribe = [\"user:1\", \"user:2\"]\npublish = [\"user:2\", \"user:3\"]\n"
               "map = [\"user:1\", \"user:2\", \"user:3\", \"user:4\"]\n");
        expect("[topic.\"t\"]\nsubscribe = [\"user:1\", \"user:2\"]\n", false, "t", "user:2", WR_MAY_OBSERVE,
               "[topic.\"t\"]\nsubscribe = [\"user:1\", \"user:2\"]\nobserve = [\"user:1\"]\n");
}

Test(policy_edit, who_is_taken_out_leaves_with_his_comma_and_his_line)
{
        expect("[topic.\"t\"]\nsubscribe = [\"user:1\", \"user:2\", \"user:3\"]\n", false, "t", "user:2",
               WR_MAY_SUBSCRIBE, "[topic.\"t\"]\nsubscribe = [\"user:1\", \"user:3\"]\n");
        expect("[topic.\"t\"]\nsubscribe = [\"user:1\", \"user:2\"] # x\n", false, "t", "user:2", WR_MAY_SUBSCRIBE,
               "[topic.\"t\"]\nsubscribe = [\"user:1\"] # x\n");
        expect("[topic.\"t\"]\nsubscribe = [\"user:1\"]\n", false, "t", "user:1", WR_MAY_SUBSCRIBE,
               "[topic.\"t\"]\nsubscribe = []\n");
        expect("[topic.\"t\"]\nsubscribe = [\n  'user:1',\n  'user:2',\n  'user:3'\n]\n", false, "t", "user:2",
               WR_MAY_SUBSCRIBE, "[topic.\"t\"]\nsubscribe = [\n  'user:1',\n  'user:3'\n]\n");
        expect("[topic.\"t\"]\nsubscribe = [\n  'user:1', # one\n  'user:2' # two\n]\n", false, "t", "user:2",
               WR_MAY_SUBSCRIBE, "[topic.\"t\"]\nsubscribe = [\n  'user:1', # one\n   # two\n]\n");
        expect("[topic.\"t\"]\nsubscribe = [\"user:2\", 'user:2', \"user:1\", \"user:2\"]\n", false, "t", "user:2",
               WR_MAY_SUBSCRIBE, "[topic.\"t\"]\nsubscribe = [\"user:1\"]\n");
}

Test(policy_edit, a_topic_without_an_entry_begins_with_the_default)
{
        expect("", true, "t", "package:org.a", WR_MAY_SUBSCRIBE,
               "[topic.\"t\"]\nsubscribe = [\"user:4200\", \"package:org.a\"]\npublish = [\"user:4200\"]\n"
               "stall = [\"user:4200\"]\n");
        expect("# mine", true, "say \"x\"", "user:1", WR_MAY_STALL,
               "# mine\n\n[topic.\"say \\\"x\\\"\"]\nsubscribe = [\"user:4200\"]\npublish = [\"user:4200\"]\n"
               "stall = [\"user:4200\", \"user:1\"]\n");
        expect("", false, "t", "user:4200", WR_MAY_PUBLISH,
               "[topic.\"t\"]\nsubscribe = [\"user:4200\"]\npublish = []\nstall = [\"user:4200\"]\n");
}

Test(policy_edit, a_topic_of_a_pattern_begins_with_what_the_pattern_gave)
{
        expect("[topic.\"cam/*\"]\nsubscribe = ['user:1']\nmap = []\n", true, "cam/front", "user:2", WR_MAY_SUBSCRIBE,
               "[topic.\"cam/*\"]\nsubscribe = ['user:1']\nmap = []\n\n"
               "[topic.\"cam/front\"] # begins as \"cam/*\"\nsubscribe = [\"user:1\", \"user:2\"]\nmap = []\n");
        cr_assert(eq(uint, edited.line, 6));
        expect("[topic.\"cam/*\"]\nsubscribe = ['user:1']\n", true, "cam/front", "user:1", WR_MAY_SUBSCRIBE, NULL);
        expect("[topic.\"**\"]\nsddl = 'D:(A;;CC;;;S-1-22-1-1)'\n", true, "t", "user:2", WR_MAY_SUBSCRIBE,
               "[topic.\"**\"]\nsddl = 'D:(A;;CC;;;S-1-22-1-1)'\n\n[topic.\"t\"] # begins as \"**\"\n"
               "sddl = \"D:(A;;CC;;;S-1-22-1-1)(A;;CCLCSW;;;S-1-22-1-2)\"\n");
}

Test(policy_edit, a_pattern_is_an_entry_like_any_other)
{
        expect("[topic.\"scope/*\"]\npublish = [\"user:0\"]\n", true, "scope/*", "user:1", WR_MAY_PUBLISH,
               "[topic.\"scope/*\"]\npublish = [\"user:0\", \"user:1\"]\n");
        expect("[topic.\"**\"]\npublish = [\"user:0\"]\n", true, "scope/**", "user:1", WR_MAY_PUBLISH,
               "[topic.\"**\"]\npublish = [\"user:0\"]\n\n[topic.\"scope/**\"] # begins as \"**\"\n"
               "publish = [\"user:0\", \"user:1\"]\n");
        expect_refused("[topic.\"a*/x\"]\npublish = []\n", true, "a/**", "user:1", WR_MAY_PUBLISH,
                       "more than one entry");
        expect_refused("[topic.\"a/*\"]\npublish = []\n", true, "a/**", "user:1", WR_MAY_PUBLISH, "line 1 and line 4");
        expect_refused("[topic.\"a/**\"]\npublish = []\n", true, "a/*", "user:1", WR_MAY_PUBLISH, "line 1 and line 4");
        expect("[topic.\"**\"]\n[topic.\"b*\"]\n", true, "a/*", "user:1", WR_MAY_STALL,
               "[topic.\"**\"]\n[topic.\"b*\"]\n\n[topic.\"a/*\"] # begins as \"**\"\nstall = [\"user:1\"]\n");
}

/* Of which topics an entry matches not all, the default decided for the others: a new one could not begin as both. */
Test(policy_edit, a_pattern_begins_as_another_only_if_that_one_decided_for_all_of_it)
{
        static const char *const all[] = { "**", "a*/**", "*/**", "*/x/**" };
        static const char *const some[] = { "*/*/*/*/b/**", "*/*", "**/b", "*", "*/y/**", "a*", "**/b/**" };
        char text[128], after[512];

        for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
                snprintf(text, sizeof(text), "[topic.\"%s\"]\n", all[i]);
                snprintf(after, sizeof(after),
                         "%s\n[topic.\"aa/x/**/b/b/b/b/b\"] # begins as \"%s\"\nstall = [\"user:1\"]\n", text, all[i]);
                expect(text, true, "aa/x/**/b/b/b/b/b", "user:1", WR_MAY_STALL, after);
        }
        for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
                snprintf(text, sizeof(text), "[topic.\"%s\"]\n", some[i]);
                expect_refused(text, true, "aa/x/**/b/b/b/b/b", "user:1", WR_MAY_STALL, "more than one entry");
        }
        /* The longest of both kinds. */
        memset(after, 0, sizeof(after));
        for (size_t length = 0; length < 198; length += 2)
                strcpy(after + length, "*/");
        strcpy(after + 197, "/**");
        snprintf(text, sizeof(text), "[topic.\"**\"]\n");
        cr_assert(eq(int, edit("[topic.\"**\"]\n", true, after + 1, "user:1", WR_MAY_STALL), WEIR_E_USAGE));
        after[0] = 'a';
        cr_assert(eq(int, edit("[topic.\"**\"]\n", true, after, "user:1", WR_MAY_STALL), WEIR_OK), "%s", sentence);
        free(edited.text);
}

Test(policy_edit, sddl_gets_an_entry_in_front_of_the_first_that_denies)
{
        expect("[topic.\"t\"]\nsddl = 'D:P(A;;0x1;;;WD)(D;;0x2;;;WD)' # x\n", true, "t", "user:7", WR_MAY_PUBLISH,
               "[topic.\"t\"]\nsddl = \"D:P(A;;CC;;;WD)(A;;DCLCSW;;;S-1-22-1-7)(D;;DC;;;WD)\" # x\n");
        expect("[topic.\"t\"]\nsddl = 'D:(A;;0x1;;;WD)'\n", true, "t", "user:7", WR_MAY_SUBSCRIBE, NULL);
        expect("[topic.\"t\"]\nsddl = 'D:'\n", true, "t", "confined:*", WR_MAY_STALL,
               "[topic.\"t\"]\nsddl = \"D:(A;;RP;;;S-1-15-2-553893953-3809446810-971540513-2952879923-2767999640-"
               "2325262314-3490782425)(XA;;RP;;;S-1-22-1-4200;(Exists WIN://NOALLAPPPKG))\"\n");
        expect("[topic.\"t\"]\nsddl = 'D:NO_ACCESS_CONTROLS:'\n", true, "t", "group:7", WR_MAY_STALL, NULL);
}

Test(policy_edit, sddl_whose_label_is_in_the_way_gets_one_that_is_not)
{
        expect("[topic.\"t\"]\nsddl = 'D:(A;;GA;;;WD)S:(ML;;NW;;;HI)'\n", true, "t", "user:7", WR_MAY_PUBLISH,
               "[topic.\"t\"]\nsddl = \"D:(A;;GA;;;WD)(A;;DCLCSW;;;S-1-22-1-7)S:(ML;;NW;;;ME)\"\n");
}

Test(policy_edit, sddl_denies_in_front_of_all)
{
        expect("[topic.\"t\"]\nsddl = 'D:(A;;GA;;;WD)'\n", false, "t", "group:7", WR_MAY_PUBLISH,
               "[topic.\"t\"]\nsddl = \"D:(D;;DC;;;S-1-22-2-7)(A;;GA;;;WD)\"\n");
        expect("[topic.\"t\"]\nsddl = 'D:(A;;GA;;;WD)(A;;GA;;;AC)'\n", false, "t", "package:org.a", WR_MAY_PUBLISH,
               "[topic.\"t\"]\nsddl = \"D:(XD;;DC;;;WD;((Exists WIN://SYSAPPID) && (WIN://SYSAPPID "
               "Contains \\\"org.a\\\")))(A;;GA;;;WD)(A;;GA;;;AC)\"\n");
        expect("[topic.\"t\"]\nsddl = 'D:(A;;GA;;;WD)(A;;0x3;;;S-1-15-3-1)'\n", false, "t", "capability:internetClient",
               WR_MAY_PUBLISH, "[topic.\"t\"]\nsddl = \"D:(A;;GA;;;WD)(A;;CC;;;S-1-15-3-1)\"\n");
}

Test(policy_edit, taking_from_one_list_what_another_still_gives_is_refused)
{
        expect_refused("[topic.\"t\"]\nsubscribe = [\"user:1\", \"group:S-1-1-0\"]\n", false, "t", "user:1",
                       WR_MAY_SUBSCRIBE, "line 2 still grants it by (A;;CCLCSW;;;WD)");
        expect_refused("[topic.\"t\"]\nsubscribe = []\nsddl = ''", false, "t", "user:1", WR_MAY_SUBSCRIBE, "/p.conf:3");
}

Test(policy_edit, what_is_wrong_is_told_and_nothing_is_written)
{
        expect_refused("", true, "a//b", "user:1", WR_MAY_SUBSCRIBE, "'a//b' is no topic: a segment is empty");
        expect_refused("", true, "a", "everybody", WR_MAY_SUBSCRIBE, "'everybody': expected user:NAME");
        expect_refused("", true, "a", "user:no such", WR_MAY_SUBSCRIBE, "there is no user 'no such'");
        expect_refused("", true, "a", "user:1", 0, "name at least one right");
        expect_refused("", true, "a", "user:1", 32, "name at least one right");
        expect_refused("oops", true, "a", "user:1", WR_MAY_SUBSCRIBE, "/p.conf:1:5: expected '='");
}

Test(policy_edit, a_list_that_is_full_stays_as_it_is)
{
        static char text[8192];
        size_t length = (size_t)snprintf(text, sizeof(text), "[topic.\"t\"]\nsubscribe = [");

        for (int i = 0; i < 256; i++)
                length += (size_t)snprintf(text + length, sizeof(text) - length, "'user:%d',", i);
        snprintf(text + length, sizeof(text) - length, "]\n");
        expect_refused(text, true, "t", "user:1000", WR_MAY_SUBSCRIBE, "a list has at most 256 entries");
        cr_assert(eq(int, edit(text, false, "t", "user:255", WR_MAY_SUBSCRIBE), WEIR_OK), "%s", sentence);
        cr_assert(strstr(edited.text, "'user:254',]") != NULL);
        free(edited.text);
}
