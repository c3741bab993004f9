/* The reader of the policy file: what it takes, and where it says that something is wrong. */
#include "broker/policy_file.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(policy_file, .timeout = 60);

static char told[4096];

/* Writes each setting down as a line: table.entry key=value. */
static const char *
note(void *user, const struct wr_setting *setting)
{
        size_t length = strlen(told);
        char *to = told + length;
        size_t room = sizeof(told) - length;

        (void)user;
        switch (setting->kind) {
        case WR_SETTING_TABLE: snprintf(to, room, "[%s|%s]", setting->table, setting->entry); break;
        case WR_SETTING_STRING: snprintf(to, room, "%s='%s';", setting->key, setting->text); break;
        case WR_SETTING_INTEGER: snprintf(to, room, "%s=%" PRId64 ";", setting->key, setting->number); break;
        case WR_SETTING_BOOLEAN: snprintf(to, room, "%s=%s;", setting->key, setting->number ? "yes" : "no"); break;
        case WR_SETTING_ARRAY: snprintf(to, room, "%s:", setting->key); break;
        case WR_SETTING_ELEMENT: snprintf(to, room, "'%s',", setting->text); break;
        case WR_SETTING_END: snprintf(to, room, "."); break;
        }
        if (setting->kind == WR_SETTING_STRING || setting->kind == WR_SETTING_ELEMENT)
                return strcmp(setting->text, "bad") == 0 ? "a bad one" : NULL;
        return NULL;
}

static void
expect_read(const char *text, const char *expected)
{
        struct wr_policy_error error = { 0 };

        told[0] = '\0';
        cr_assert(wr_policy_file_read(text, strlen(text), note, NULL, &error), "%u:%u: %s", error.line, error.column,
                  error.what);
        cr_assert(eq(str, told, (char *)expected));
}

static void
expect_error(const char *text, const char *expected)
{
        struct wr_policy_error error = { 0 };
        char where[256];

        cr_assert(not(wr_policy_file_read(text, strlen(text), note, NULL, &error)), "%s", text);
        snprintf(where, sizeof(where), "%u:%u: %s", error.line, error.column, error.what);
        cr_assert(strstr(where, expected) == where, "'%s' begins with '%s'", where, expected);
}

Test(policy_file, tables_keys_and_values_are_read)
{
        expect_read("", "");
        expect_read("# only a comment", "");
        expect_read("a = \"b\"\n[t]\nc=1\n[t.\"x/y\"]\nd = true\ne=false", "a='b';[t|]c=1;[t|x/y]d=yes;e=no;");
        expect_read("[ t . 'x' ] # c\n\"quoted key\" = 'lit\\eral'", "[t|x]quoted key='lit\\eral';");
        expect_read("\xef\xbb\xbf"
                    "a=1\r\n\r\nb=2\r\n",
                    "a=1;b=2;");
}

Test(policy_file, arrays_span_lines_and_may_end_in_a_comma)
{
        expect_read("a=[]", "a:.");
        expect_read("a = [ \"x\" , 'y' ]", "a:'x','y',.");
        expect_read("a = [ # one\n  \"x\", # two\n\n  'y',\r\n]\nb=1", "a:'x','y',.b=1;");
}

Test(policy_file, integers_have_signs_and_separators)
{
        expect_read("a=16_384\nb=-7\nc=+0\nd=9223372036854775807", "a=16384;b=-7;c=0;d=9223372036854775807;");
        expect_error("a=9223372036854775808", "1:21: too large");
        expect_error("a=1__0", "1:5: a '_' stands between");
        expect_error("a=_1", "1:3: expected a value");
        expect_error("a=1_", "1:5: expected a digit");
        expect_error("a=-", "1:4: expected a digit");
        expect_error("a=1.5", "1:4: numbers other than");
        expect_error("a=0x10", "1:4: numbers other than");
        expect_error("a=07:32:00", "1:5: numbers other than");
}

Test(policy_file, escapes_are_those_of_toml)
{
        expect_read("a=\"\\\"\\\\\\b\\t\\n\\f\\r\"", "a='\"\\\b\t\n\f\r';");
        expect_read("a=\"\\u00e9\\u0041\\u20AC\\U0001f3a5\"", "a='\u00e9A\u20ac\U0001f3a5';");
        expect_error("a=\"\\x41\"", "1:5: an unknown escape");
        expect_error("a=\"\\u12g4\"", "1:8: expected a hexadecimal");
        expect_error("a=\"\\ud800\"", "1:10: no character");
        expect_error("a=\"\\U00110000\"", "1:14: no character");
        expect_error("a=\"\\u0000\"", "1:10: no character");
        expect_error("a=\"\\", "1:5: an unknown escape");
}

Test(policy_file, errors_name_line_and_column)
{
        expect_error("a", "1:2: expected '='");
        expect_error("\n\n  = 1", "3:3: expected a key");
        expect_error("a=", "1:3: expected a value");
        expect_error("a=yes", "1:3: expected a value");
        expect_error("a=1 b=2", "1:5: expected the end of the line");
        expect_error("a=truefalse", "1:7: expected the end of the line");
        expect_error("[t", "1:3: expected ']'");
        expect_error("[]", "1:2: expected a table's name");
        expect_error("[a.]", "1:4: expected a name behind");
        expect_error("[a.b.c]", "1:5: expected ']'");
        expect_error("[t] x", "1:5: expected the end");
        expect_error("a='x", "1:5: the string has no end");
        expect_error("a='x\ny'", "1:5: the string has no end");
        expect_error("a=[\n 'x'\n 'y']", "3:2: expected ',' or ']'");
        expect_error("a=[1]", "1:4: an array holds strings only");
        expect_error("a=['x'", "1:7: expected ',' or ']'");
        expect_error("a=\"x\x01\"", "1:5: a control character");
        expect_error("# \x01", "1:3: a control character in a comment");
        expect_error("a='\u00e9\u00e9' x", "1:8: expected the end"); /* columns count characters */
}

Test(policy_file, the_rest_of_toml_is_refused_by_name)
{
        expect_error("[[t]]", "1:2: arrays of tables");
        expect_error("a={}", "1:3: inline tables");
        expect_error("a.b=1", "1:2: dotted keys");
        expect_error("a=\"\"\"x\"\"\"", "1:5: expected the end");
}

Test(policy_file, what_the_visitor_refuses_is_told_where_the_value_stands)
{
        expect_error("a = 'bad'", "1:5: a bad one");
        expect_error("a = ['good',\n  'bad']", "2:3: a bad one");
}

Test(policy_file, texts_and_files_have_their_limits)
{
        struct wr_policy_error error;
        char text[WR_POLICY_TEXT_MAX + 16] = "a='";
        char *large = calloc(1, WR_POLICY_FILE_MAX + 1);

        memset(text + 3, 'x', WR_POLICY_TEXT_MAX - 1);
        text[3 + WR_POLICY_TEXT_MAX - 1] = '\'';
        cr_assert(wr_policy_file_read(text, strlen(text), note, NULL, &error));
        memset(text + 3, 'x', WR_POLICY_TEXT_MAX);
        strcpy(text + 3 + WR_POLICY_TEXT_MAX, "'");
        expect_error(text, "1:8196: too long");
        memset(text, 'k', 64);
        expect_error(text, "1:64: too long");
        memset(large, '\n', WR_POLICY_FILE_MAX + 1);
        cr_assert(wr_policy_file_read(large, WR_POLICY_FILE_MAX, note, NULL, &error));
        cr_assert(not(wr_policy_file_read(large, WR_POLICY_FILE_MAX + 1, note, NULL, &error)));
        free(large);
}

static const char spots[] = "[t.'x'] # a\nk = [ \"\\u00e9\" , # b\n 'c']\nl='d'\nm = 12\n";
static char places[512];

static const char *
note_place(void *user, const struct wr_setting *setting)
{
        size_t length = strlen(places);

        (void)user;
        snprintf(places + length, sizeof(places) - length, "%.*s|", (int)(setting->to - setting->from),
                 spots + setting->from);
        return NULL;
}

Test(policy_file, each_setting_knows_its_bytes)
{
        struct wr_policy_error error = { 0 };

        cr_assert(wr_policy_file_read(spots, strlen(spots), note_place, NULL, &error));
        cr_assert(eq(str, places, "[t.'x']|[|\"\\u00e9\"|'c'|]|'d'|12|"));
}
