/* The audit of a Windows machine judges what it sees: also when what is expected was turned round. */
#include "clients/winaudit/verdict.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

TestSuite(winaudit_verdict, .timeout = 10);

static const struct audit_expected refused = { .form = AUDIT_EXACTLY, .code = 5, .effect = "refused" };
static const struct audit_expected opened = { .form = AUDIT_EXACTLY, .code = 0, .effect = "opened" };
static const struct audit_expected nothing = { .form = AUDIT_NOTHING };
static const struct audit_expected absent = { .form = AUDIT_NOT_TO_TRY };

static struct audit_seen
seen(uint32_t code, const char *effect)
{
        struct audit_seen result = { .tried = true, .code = code, .call = "OpenEvent" };

        strcpy(result.effect, effect);
        return result;
}

static struct audit_seen
not_tried(const char *why)
{
        struct audit_seen result = seen(0, why);

        result.tried = false;
        return result;
}

static enum audit_verdict
judge(struct audit_expected windows, struct audit_expected wine, struct audit_seen what, bool under_wine)
{
        return audit_judge(&windows, &wine, &what, under_wine);
}

Test(winaudit_verdict, the_same_code_and_effect_are_as_expected_on_both_systems)
{
        cr_assert(eq(int, judge(refused, nothing, seen(5, "refused"), false), AUDIT_AS_EXPECTED));
        cr_assert(eq(int, judge(refused, opened, seen(5, "refused"), true), AUDIT_AS_EXPECTED));
}

Test(winaudit_verdict, another_code_or_another_effect_is_different)
{
        cr_assert(eq(int, judge(refused, nothing, seen(2, "refused"), false), AUDIT_DIFFERENT));
        cr_assert(eq(int, judge(refused, nothing, seen(5, "opened"), false), AUDIT_DIFFERENT));
}

Test(winaudit_verdict, a_code_that_is_not_documented_leaves_the_effect_to_count)
{
        struct audit_expected any = { .form = AUDIT_WHATEVER, .effect = "refused" };

        cr_assert(eq(int, judge(any, nothing, seen(87, "refused"), false), AUDIT_AS_EXPECTED));
        cr_assert(eq(int, judge(any, nothing, seen(0, "opened"), false), AUDIT_DIFFERENT));
}

Test(winaudit_verdict, what_nobody_knows_is_never_different)
{
        struct audit_expected either = { .form = AUDIT_EITHER };

        cr_assert(eq(int, judge(either, nothing, seen(5, "refused"), false), AUDIT_AS_EXPECTED));
        cr_assert(eq(int, judge(either, nothing, seen(0, "opened"), false), AUDIT_AS_EXPECTED));
}

Test(winaudit_verdict, what_wine_is_known_for_is_excused_under_wine_alone)
{
        cr_assert(eq(int, judge(refused, opened, seen(0, "opened"), true), AUDIT_WINE_DIFFERS));
        cr_assert(eq(int, judge(refused, opened, seen(0, "opened"), false), AUDIT_DIFFERENT));
        cr_assert(eq(int, judge(refused, opened, seen(6, "refused"), true), AUDIT_DIFFERENT));
}

Test(winaudit_verdict, what_was_not_tried_is_not_applicable_and_under_wine_known_where_it_lacks_it)
{
        cr_assert(eq(int, judge(refused, absent, not_tried("no AppContainer"), false), AUDIT_NOT_APPLICABLE));
        cr_assert(eq(int, judge(refused, nothing, not_tried("no option"), true), AUDIT_NOT_APPLICABLE));
        cr_assert(eq(int, judge(refused, absent, not_tried("no AppContainer"), true), AUDIT_WINE_DIFFERS));
        cr_assert(eq(int, judge(refused, absent, seen(0, "opened"), true), AUDIT_DIFFERENT));
}

Test(winaudit_verdict, an_inverted_expectation_is_shown_as_different)
{
        static const struct audit_expected forms[] = {
                { .form = AUDIT_EXACTLY, .code = 5, .effect = "refused" },
                { .form = AUDIT_WHATEVER, .effect = "refused" },
                { .form = AUDIT_EITHER },
        };

        for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
                struct audit_expected inverted = audit_invert(&forms[i]), twice = audit_invert(&inverted);

                cr_assert(eq(int, judge(inverted, nothing, seen(5, "refused"), false), AUDIT_DIFFERENT));
                cr_assert(eq(int, judge(twice, nothing, seen(5, "refused"), false), AUDIT_AS_EXPECTED));
        }
        cr_assert(eq(int, judge(audit_invert(&refused), nothing, seen(0, "opened"), false), AUDIT_AS_EXPECTED));
}

Test(winaudit_verdict, a_line_has_the_call_what_was_seen_and_what_was_expected)
{
        struct audit_seen what = seen(0, "opened");
        struct audit_expected inverted = audit_invert(&opened);
        char line[AUDIT_LINE_MAX];

        audit_line(line, sizeof line, "signal", &refused, &what, AUDIT_DIFFERENT);
        cr_assert(eq(str, line, "different: signal: OpenEvent -> 0 opened; expected: 5 refused"));
        audit_line(line, sizeof line, "signal", &inverted, &what, AUDIT_DIFFERENT);
        cr_assert(eq(str, line, "different: signal: OpenEvent -> 0 opened; expected: anything but 0 opened"));
        what = not_tried("no AppContainer here");
        audit_line(line, sizeof line, "signal", &refused, &what, AUDIT_WINE_DIFFERS);
        cr_assert(eq(str, line,
                     "differs under Wine (known): signal: OpenEvent: no AppContainer here; expected: 5 refused"));
}

Test(winaudit_verdict, the_last_line_counts_and_only_a_difference_fails)
{
        struct audit_totals totals = {
                .counts = { [AUDIT_AS_EXPECTED] = 3, [AUDIT_NOT_APPLICABLE] = 2, [AUDIT_WINE_DIFFERS] = 4 }
        };
        struct audit_totals empty = { .counts = { 0 } };
        char line[AUDIT_LINE_MAX];

        audit_totals_line(line, sizeof line, &totals);
        cr_assert(eq(str, line, "3 as expected, 0 different, 6 not applicable"));
        cr_assert(eq(int, audit_exit_status(&totals), 0));
        totals.counts[AUDIT_DIFFERENT] = 1;
        audit_totals_line(line, sizeof line, &totals);
        cr_assert(eq(str, line, "3 as expected, 1 different, 6 not applicable"));
        cr_assert(eq(int, audit_exit_status(&totals), 1));
        cr_assert(eq(int, audit_exit_status(&empty), 1));
}
