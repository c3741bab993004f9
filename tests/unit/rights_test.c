/* <weir/rights.h>: the policy file read, explained, shown and edited by tools, and the names of packages and
 * processes. */
#include "named-objects/user.h"
#include "tests/contract/file_access.h"
#include "tests/portable.h"

#include <weir/rights.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where tools look that are told nothing, and what a rule for others takes. */
#ifdef _WIN32
#        define CONFIG_HOME  "APPDATA"
#        define DEFAULT_FILE "%s\\weir\\broker.conf"
#        define OTHERS_NOTE  "weir broker install"
#else
#        define CONFIG_HOME  "XDG_CONFIG_HOME"
#        define DEFAULT_FILE "%s/weir/broker.conf"
#        include <unistd.h>
#        define OTHERS_NOTE (geteuid() == 0 ? "chmod 755 /run/weir" : "install -d -m 755 /run/weir && weir broker run")
#endif

static char directory[FOLDER_PATH_MAX], path[600], told[65536], own[WR_SID_TEXT_MAX];

static void
begin(void)
{
        const struct wr_sid self = wr_user_self();

        wr_user_text(&self, own, sizeof(own));
        folder_make(directory);
        snprintf(path, sizeof(path), "%s/policy.conf", directory);
        told[0] = '\0';
}

static void
end(void)
{
        remove(path);
        folder_remove(directory);
}

TestSuite(rights, .init = begin, .fini = end, .timeout = 60);

static void
put(const char *text)
{
        file_put(path, text);
}

static void
expect_told(const char *part)
{
        cr_assert(strstr(told, part) != NULL, "'%s' is told:\n%s", part, told);
}

Test(rights, the_file_is_the_one_that_a_broker_would_read)
{
        char found[600], expected[600];

        cr_assert(eq(int, weir_policy_path("/given.conf", found, sizeof(found)), WEIR_OK));
        cr_assert(eq(str, found, "/given.conf"));
        setenv("WEIR_CONFIG", "/env.conf", 1);
        cr_assert(eq(int, weir_policy_path(NULL, found, sizeof(found)), WEIR_OK));
        cr_assert(eq(str, found, "/env.conf"));
        unsetenv("WEIR_CONFIG");
        setenv(CONFIG_HOME, directory, 1);
        cr_assert(eq(int, weir_policy_path(NULL, found, sizeof(found)), WEIR_OK));
        snprintf(expected, sizeof(expected), DEFAULT_FILE, directory);
        cr_assert(eq(str, found, expected));
        cr_assert(eq(int, weir_policy_path(NULL, found, 5), WEIR_E_USAGE));
        cr_assert(strstr(weir_rights_error(), "too long") != NULL);
}

Test(rights, check_names_file_line_and_column)
{
        char expected[700];

        put("[quota]\nlanes = 3\n");
        cr_assert(eq(int, weir_policy_check(path), WEIR_OK));
        put("[quota]\nlanes = none\n");
        cr_assert(eq(int, weir_policy_check(path), WEIR_E_USAGE));
        snprintf(expected, sizeof(expected), "%s:2:9: expected a value", path);
        cr_assert(strncmp(weir_rights_error(), expected, strlen(expected)) == 0, "%s", weir_rights_error());
        remove(path);
        cr_assert(eq(int, weir_policy_check(path), WEIR_E_USAGE));
        cr_assert(strstr(weir_rights_error(), "cannot be read") != NULL);
        setenv(CONFIG_HOME, directory, 1);
        cr_assert(eq(int, weir_policy_check(NULL), WEIR_OK), "no file where none was named is the default");
}

static struct weir_verdict verdict;

static enum weir_result
ask(struct weir_subject subject, const char *topic, uint32_t rights)
{
        subject.size = sizeof(subject);
        verdict.size = sizeof(verdict);
        return weir_policy_explain(path, &subject, topic, rights, &verdict);
}

static void
expect_in(const char *text, const char *part)
{
        cr_assert(strstr(text, part) != NULL, "'%s' has '%s'", text, part);
}

Test(rights, a_grant_is_explained_with_its_rule)
{
        put("[topic.\"cam/*\"]\nsubscribe = [\"package:org.a\"]\n");
        cr_assert(eq(int, ask((struct weir_subject){ .package = "org.a" }, "cam/front", WEIR_MAY_SUBSCRIBE), WEIR_OK),
                  "%s", weir_rights_error());
        cr_assert(eq(u32, verdict.granted, WEIR_MAY_SUBSCRIBE));
        cr_assert(eq(u32, verdict.line, 1));
        cr_assert(eq(str, verdict.rule, "cam/*"));
        cr_assert(eq(str, verdict.file, path));
        cr_assert(eq(str, verdict.command, ""));
        cr_assert(eq(str, verdict.mend, ""));
        expect_in(verdict.who, "package:org.a");
        expect_in(verdict.text, "'cam/front' is decided by [topic.\"cam/*\"] in line 1 of ");
        expect_in(verdict.text, "subscribe: granted");
        expect_in(verdict.text, "entry 1 is line 2: (A;;CCLCSW;;;S-1-15-2-");
        expect_in(verdict.text, ") grants subscribe, map, observe to package:org.a\n");
        expect_in(verdict.sddl, "D:P(A;;CCLCSW;;;S-1-15-2-");
}

Test(rights, what_each_entry_of_a_descriptor_grants_or_denies_is_said_in_words)
{
        put("[topic.\"cam/*\"]\n"
            "sddl = \"D:(D;;DC;;;S-1-22-1-4200)(A;;GR;;;AU)(A;;GA;;;S-1-22-1-4200)(A;;RC;;;WD)S:(ML;;NW;;;LW)\"\n");
        cr_assert(eq(int, ask((struct weir_subject){ .user = "4200" }, "cam/front", WEIR_MAY_PUBLISH), WEIR_E_DENIED));
        expect_in(verdict.text, "entry 1 is line 2: (D;;DC;;;S-1-22-1-4200) denies publish to user:4200\n");
        expect_in(verdict.text, "entry 2 is line 2: (A;;GR;;;AU) grants subscribe, observe\n");
        expect_in(verdict.text,
                  "(A;;GA;;;S-1-22-1-4200) grants subscribe, publish, map, observe, stall to user:4200\n");
        expect_in(verdict.text, "(A;;RC;;;WD) grants nothing\n");
}

Test(rights, a_denial_is_explained_with_what_would_grant)
{
        char command[1024], *flag;
        struct weir_edit edit = { .size = sizeof(edit) };

        put("[topic.\"scope/*\"]\nsubscribe = [\"user:4200\"]\n");
        cr_assert(eq(int,
                     ask((struct weir_subject){ .package = "org.weir.Stranger" }, "scope/ch1",
                         WEIR_MAY_SUBSCRIBE | WEIR_MAY_STALL),
                     WEIR_E_DENIED));
        cr_assert(eq(u32, verdict.granted, 0));
        snprintf(command, sizeof(command),
                 "weir access allow scope/ch1 --package org.weir.Stranger --read --reliable --config %s", path);
        cr_assert(eq(str, verdict.command, command));
        cr_assert(eq(str, verdict.mend,
                     "[topic.\"scope/ch1\"] subscribe = [\"user:4200\", \"package:org.weir.Stranger\"]"));
        expect_in(verdict.text, "subscribe: denied");
        flag = strstr(verdict.text, "stall: denied");
        cr_assert(flag != NULL, "%s", verdict.text);
        cr_assert(eq(int,
                     weir_policy_edit(path, 1, "scope/ch1", "package:org.weir.Stranger",
                                      WEIR_MAY_SUBSCRIBE | WEIR_MAY_STALL, &edit),
                     WEIR_OK));
        cr_assert(eq(int,
                     ask((struct weir_subject){ .package = "org.weir.Stranger" }, "scope/ch1",
                         WEIR_MAY_SUBSCRIBE | WEIR_MAY_STALL),
                     WEIR_OK));
}

Test(rights, subjects_are_users_groups_packages_sandboxes_and_processes)
{
        static const char *const groups[] = { "4300", NULL }, *const capabilities[] = { "org.c", NULL };
        const uint32_t read = WEIR_MAY_SUBSCRIBE;

        put("[topic.\"g\"]\nsubscribe = [\"group:4300\"]\n[topic.\"c\"]\nsubscribe = [\"capability:org.c\"]\n"
            "[topic.\"s\"]\nsubscribe = [\"confined:*\"]\n");
        cr_assert(eq(int, ask((struct weir_subject){ .user = "4200" }, "g", read), WEIR_E_DENIED));
        cr_assert(eq(int, ask((struct weir_subject){ .user = "4200", .groups = groups }, "g", read), WEIR_OK));
        cr_assert(eq(int, ask((struct weir_subject){ .package = "org.a" }, "c", read), WEIR_E_DENIED));
        cr_assert(eq(int, ask((struct weir_subject){ .package = "org.a", .capabilities = capabilities }, "c", read),
                     WEIR_OK));
        cr_assert(eq(int, ask((struct weir_subject){ .confined = 1 }, "s", read), WEIR_OK));
        cr_assert(eq(int, ask((struct weir_subject){ .pid = wr_user_process() }, "free", read), WEIR_OK), "%s",
                  weir_rights_error());
        cr_assert(eq(int, ask((struct weir_subject){ .user = "no such" }, "g", read), WEIR_E_USAGE));
        cr_assert(eq(int, ask((struct weir_subject){ .package = "a/b" }, "g", read), WEIR_E_USAGE));
        cr_assert(eq(int, ask((struct weir_subject){ .user = NULL }, "a//b", read), WEIR_E_USAGE));
        cr_assert(eq(int, ask((struct weir_subject){ .user = NULL }, "a", 64), WEIR_E_USAGE));
}

static int
note_rule(void *user, const struct weir_rule *rule)
{
        size_t length = strlen(told);

        snprintf(told + length, sizeof(told) - length, "%u/%u %s %s %u\n", rule->line, rule->entry_line, rule->entry,
                 rule->principal ? rule->principal : rule->sddl, rule->rights);
        return user && --*(int *)user == 0;
}

Test(rights, rules_are_shown_in_the_order_of_the_file_and_the_default_last)
{
        char expected[512];
        int most = 2;

        put("[topic.\"b/*\"]\npublish = [\"user:4200\", \"package:org.a\"]\nmap = []\n[topic.\"a\"]\nsddl = "
            "'D:P(A;;1;;;WD)'\n");
        cr_assert(eq(int, weir_policy_show(path, NULL, note_rule, NULL), WEIR_OK));
        snprintf(expected, sizeof(expected),
                 "2/1 b/* user:4200 10\n2/1 b/* package:org.a 10\n5/4 a D:P(A;;CC;;;WD) 0\n0/0 ** user:%s 31\n", own);
        cr_assert(eq(str, told, expected));
        told[0] = '\0';
        cr_assert(eq(int, weir_policy_show(path, "b/x", note_rule, &most), WEIR_OK));
        cr_assert(eq(str, told, "2/1 b/* user:4200 10\n2/1 b/* package:org.a 10\n"));
        told[0] = '\0';
        cr_assert(eq(int, weir_policy_show(path, "other", note_rule, NULL), WEIR_OK));
        snprintf(expected, sizeof(expected), "0/0 ** user:%s 31\n", own);
        cr_assert(eq(str, told, expected));
        cr_assert(eq(int, weir_policy_show(path, "b/*", note_rule, NULL), WEIR_E_USAGE));
}

Test(rights, an_edit_says_what_it_wrote_and_where)
{
        struct weir_edit edit = { .size = sizeof(edit) };

        put("# mine\n[topic.\"scope/*\"] # scopes\npublish = [\"user:4200\"]\n");
        cr_assert(eq(int, weir_policy_edit(path, 1, "scope/*", "user:4201", WEIR_MAY_PUBLISH, &edit), WEIR_OK), "%s",
                  weir_rights_error());
        cr_assert(eq(str, edit.file, path));
        cr_assert(eq(u32, edit.line, 3));
        cr_assert(eq(u32, edit.changed, 1));
        cr_assert(eq(str, edit.entry, "scope/*"));
        cr_assert(eq(str, edit.rule, "publish = [\"user:4200\", \"user:4201\"]"));
        cr_assert(eq(int, weir_policy_edit(path, 1, "scope/*", "user:4201", WEIR_MAY_PUBLISH, &edit), WEIR_OK));
        cr_assert(eq(u32, edit.changed, 0));
        cr_assert(eq(int, weir_policy_edit(path, 0, "scope/*", "user:4201", WEIR_MAY_PUBLISH, NULL), WEIR_OK));
        cr_assert(eq(int, weir_policy_edit(path, 1, "scope//x", "user:4201", WEIR_MAY_PUBLISH, &edit), WEIR_E_USAGE));
        cr_assert(eq(int, weir_policy_edit(path, 1, "x", "everybody", WEIR_MAY_PUBLISH, &edit), WEIR_E_USAGE));
        expect_in(weir_rights_error(), "'everybody': expected user:NAME");
}

/* A rule for another user is right, and of no use to a broker that may not look at his processes. */
Test(rights, what_a_rule_for_other_users_takes_is_told)
{
        struct weir_edit edit = { .size = sizeof(edit) };
        char principal[WR_SID_TEXT_MAX + 8];

        put("");
        file_access_given(path);
        snprintf(principal, sizeof(principal), "user:%s", own);
        cr_assert(eq(int, weir_policy_edit(path, 1, "t", principal, WEIR_MAY_STALL, &edit), WEIR_OK));
        cr_assert(eq(str, edit.note, ""));
        cr_assert(file_access_kept(path));
        cr_assert(eq(int, weir_policy_edit(path, 1, "t", "package:org.a", WEIR_MAY_STALL, &edit), WEIR_OK));
        cr_assert(eq(str, edit.note, ""));
        cr_assert(eq(int, weir_policy_edit(path, 1, "t", "user:4200", WEIR_MAY_STALL, &edit), WEIR_OK));
        expect_in(edit.note, OTHERS_NOTE);
        cr_assert(eq(int, weir_policy_edit(path, 1, "t", "group:4300", WEIR_MAY_STALL, &edit), WEIR_OK));
        expect_in(edit.note, OTHERS_NOTE);
        cr_assert(eq(int, weir_policy_edit(path, 0, "t", "group:4300", WEIR_MAY_STALL, &edit), WEIR_OK));
        cr_assert(eq(str, edit.note, ""), "taking away takes nothing else");
        cr_assert(eq(int, ask((struct weir_subject){ .user = "4200" }, "t", WEIR_MAY_STALL), WEIR_OK));
        expect_in(verdict.note, OTHERS_NOTE);
        cr_assert(eq(int, ask((struct weir_subject){ .package = "org.a" }, "t", WEIR_MAY_STALL), WEIR_OK));
        cr_assert(eq(str, verdict.note, ""));
}

static void
note_fact(void *user, const char *key, const char *value)
{
        size_t length = strlen(told);

        (void)user;
        snprintf(told + length, sizeof(told) - length, "%s=%s\n", key, value);
}

Test(rights, a_package_is_told_with_its_sids_paths_and_pipes)
{
        static const char *const capabilities[] = { "internetClient", NULL };

        cr_assert(eq(int,
                     weir_names_of_package("Microsoft.WindowsCalculator_8wekyb3d8bbwe", capabilities, note_fact, NULL),
                     WEIR_OK));
        expect_told("package=Microsoft.WindowsCalculator_8wekyb3d8bbwe\n");
        expect_told("package_sid=S-1-15-2-466767348-3739614953-2700836392-1801644223-4227750657-1087833535-2488631167");
        expect_told("publisher_id=8wekyb3d8bbwe\n");
        expect_told("capability=internetClient\ncapability_sid=S-1-15-3-1\ncapability_group_sid=S-1-5-32-");
        expect_told("object_path=\\Sessions\\1\\AppContainerNamedObjects\\S-1-15-2-466767348-");
        expect_told("object_path_session=AppContainerNamedObjects\\S-1-15-2-");
        expect_told("pipe_name=\\\\.\\pipe\\LOCAL\\");
        expect_told("pipe_name_outside=\\\\.\\pipe\\Sessions\\1\\AppContainerNamedObjects\\S-1-15-2-");
        cr_assert(eq(int, weir_names_of_package("", NULL, note_fact, NULL), WEIR_E_USAGE));
}

Test(rights, a_full_name_is_told_with_its_parts)
{
        cr_assert(eq(int, weir_names_of_package("Contoso.Viewer_2.0.0.0_x64__h91ms92gdsmmt", NULL, note_fact, NULL),
                     WEIR_OK));
        expect_told("package=Contoso.Viewer_h91ms92gdsmmt\n");
        expect_told("name=Contoso.Viewer\npublisher_id=h91ms92gdsmmt\nversion=2.0.0.0\narchitecture=x64\n");
}

#ifdef _WIN32
static void
expect_groups_told(void)
{
        expect_told("group_sid=S-1-1-0\n");
        expect_told("\\"); /* DOMAIN\name, of the user and of groups that are built in */
        expect_told(" integrity\ntrust=");
}
#else
static void
expect_groups_told(void)
{
        char expected[96];

        snprintf(expected, sizeof(expected), "group=%u\ngroup_sid=S-1-22-2-%u\n", (unsigned)getegid(),
                 (unsigned)getegid());
        expect_told(expected);
}
#endif

Test(rights, this_process_is_told)
{
        const struct wr_sid self = wr_user_self();
        char expected[WR_SID_TEXT_MAX + 16], sid[WR_SID_TEXT_MAX];

        cr_assert(eq(int, weir_names_of_process(0, note_fact, NULL), WEIR_OK), "%s", weir_rights_error());
        wr_sid_text(&self, sid);
        snprintf(expected, sizeof(expected), "user_sid=%s\n", sid);
        expect_told(expected);
        expect_groups_told();
        expect_told("trust=");
        cr_assert(eq(int, weir_names_of_process(0x7fffffff, note_fact, NULL), WEIR_E_DENIED));
}

Test(rights, structures_of_another_version_are_refused)
{
        struct weir_verdict other_verdict = { .size = 1 };
        struct weir_subject other_subject = { .size = 1 };
        struct weir_edit other_edit = { .size = 1 };

        put("");
        cr_assert(eq(int, weir_policy_explain(path, NULL, "t", 1, &other_verdict), WEIR_E_USAGE));
        verdict.size = sizeof(verdict);
        cr_assert(eq(int, weir_policy_explain(path, &other_subject, "t", 1, &verdict), WEIR_E_USAGE));
        cr_assert(eq(int, weir_policy_edit(path, 1, "t", "user:1", 1, &other_edit), WEIR_E_USAGE));
        cr_assert(eq(int, weir_policy_explain(path, NULL, "t", 1, &verdict), WEIR_OK), "NULL is this process's user");
}
