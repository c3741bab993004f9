/* Topic names: the grammar, and what a pattern matches. */
#include "bus/message.h"
#include "bus/topic.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

static void
expect_refused(const char *name, const char *part)
{
        const char *why = "";

        cr_assert(not(wr_topic_valid(name, &why)), "'%s' is no name", name);
        cr_assert(strstr(why, part) != NULL, "'%s': '%s' names '%s'", name, why, part);
        cr_assert(not(wr_topic_valid(name, NULL)));
}

Test(topic, names_of_the_grammar_are_accepted)
{
        static const char *const names[] = {
                "a", "cam/front", "scope/ch1", ".hidden", "a..b/...", "Ünïcode/日本/🎥", "with space/and:punct,uation",
                "~"
        };

        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
                cr_assert(wr_topic_valid(names[i], NULL), "%s", names[i]);
}

Test(topic, the_longest_name_has_200_bytes)
{
        char name[WR_TOPIC_MAX + 2];

        memset(name, 'x', sizeof(name));
        name[WR_TOPIC_MAX] = '\0';
        cr_assert(wr_topic_valid(name, NULL));
        name[WR_TOPIC_MAX] = 'x';
        name[WR_TOPIC_MAX + 1] = '\0';
        expect_refused(name, "longer");
}

Test(topic, empty_names_and_segments_are_refused)
{
        expect_refused("", "empty");
        expect_refused("/", "empty");
        expect_refused("/a", "empty");
        expect_refused("a/", "empty");
        expect_refused("a//b", "empty");
}

Test(topic, dot_segments_are_refused)
{
        expect_refused(".", "'.'");
        expect_refused("..", "'.'");
        expect_refused("a/./b", "'.'");
        expect_refused("a/..", "'.'");
}

Test(topic, control_characters_are_refused)
{
        expect_refused("a\nb", "control");
        expect_refused("a\x1f", "control");
        expect_refused("a\x7f", "control");
        expect_refused("a\xc2\x85", "control"); /* U+0085 */
}

Test(topic, bytes_that_are_not_utf8_are_refused)
{
        expect_refused("a\x80", "UTF-8"); /* a continuation alone */
        expect_refused("\xc3", "UTF-8");  /* cut short */
        expect_refused("\xe2\x82", "UTF-8");
        expect_refused("\xc0\xaf", "UTF-8"); /* '/' overlong */
        expect_refused("\xe0\x80\xaf", "UTF-8");
        expect_refused("\xed\xa0\x80", "UTF-8");     /* a surrogate */
        expect_refused("\xf4\x90\x80\x80", "UTF-8"); /* beyond U+10FFFF */
        expect_refused("\xf8\x88\x80\x80\x80", "UTF-8");
        expect_refused("\xff", "UTF-8");
}

Test(topic, stars_belong_to_patterns)
{
        const char *why = "";

        expect_refused("cam/*", "patterns");
        cr_assert(wr_topic_pattern_valid("cam/*", NULL));
        cr_assert(wr_topic_pattern_valid("**/front", NULL));
        cr_assert(wr_topic_pattern_valid("a*b*", NULL));
        cr_assert(not(wr_topic_pattern_valid("cam/a**", &why)));
        cr_assert(strstr(why, "alone") != NULL);
        cr_assert(not(wr_topic_pattern_valid("***", NULL)));
        cr_assert(not(wr_topic_pattern_valid("a//**", NULL)));
}

Test(topic, a_star_stays_within_its_segment)
{
        cr_assert(wr_topic_matches("cam/*", "cam/front"));
        cr_assert(wr_topic_matches("c*m/f*t", "cam/front"));
        cr_assert(wr_topic_matches("*", "cam"));
        cr_assert(wr_topic_matches("a*b*c", "abbbc"));
        cr_assert(wr_topic_matches("ab*", "ab"));
        cr_assert(not(wr_topic_matches("*", "cam/front")));
        cr_assert(not(wr_topic_matches("cam/*", "cam")));
        cr_assert(not(wr_topic_matches("cam/*", "cam/front/raw")));
        cr_assert(not(wr_topic_matches("a*c", "ab")));
        cr_assert(not(wr_topic_matches("cam", "camera")));
}

Test(topic, two_stars_match_any_number_of_segments)
{
        cr_assert(wr_topic_matches("**", "a"));
        cr_assert(wr_topic_matches("**", "a/b/c"));
        cr_assert(wr_topic_matches("a/**", "a"));
        cr_assert(wr_topic_matches("a/**", "a/b/c"));
        cr_assert(wr_topic_matches("**/c", "a/b/c"));
        cr_assert(wr_topic_matches("a/**/c", "a/c"));
        cr_assert(wr_topic_matches("a/**/c/**/e", "a/b/c/c/d/e"));
        cr_assert(wr_topic_matches("**/a*/**", "b/c/ab/d"));
        cr_assert(not(wr_topic_matches("a/**", "b/a")));
        cr_assert(not(wr_topic_matches("**/c", "a/c/b")));
        cr_assert(not(wr_topic_matches("a/**/c", "a/b")));
}

Test(topic, a_pattern_made_to_backtrack_ends_soon)
{
        /* With a return to every star and not only to the last this would take longer than the machine lives. */
        char name[WR_TOPIC_MAX + 1];
        char pattern[WR_TOPIC_MAX + 1];

        memset(name, 'a', WR_TOPIC_MAX);
        name[WR_TOPIC_MAX] = '\0';
        for (size_t i = 0; i + 2 < WR_TOPIC_MAX; i += 2)
                memcpy(pattern + i, "*a", 3);
        strcpy(pattern + WR_TOPIC_MAX - 2, "b");
        cr_assert(not(wr_topic_matches(pattern, name)));
}

Test(topic, the_literal_prefix_ends_at_the_first_star)
{
        cr_assert(eq(sz, wr_topic_prefix("**"), 0));
        cr_assert(eq(sz, wr_topic_prefix("cam/*/raw*"), 4));
        cr_assert(eq(sz, wr_topic_prefix("cam/front"), 9));
}
