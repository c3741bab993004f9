#include "clients/winaudit/verdict.h"

#include <stdio.h>
#include <string.h>

static bool
agrees(const struct audit_expected *expected, const struct audit_seen *seen)
{
        bool same_effect = expected->effect != NULL && strcmp(expected->effect, seen->effect) == 0;
        bool agree = false;

        switch (expected->form) {
        case AUDIT_EXACTLY: agree = same_effect && expected->code == seen->code; break;
        case AUDIT_WHATEVER: agree = same_effect; break;
        case AUDIT_EITHER: agree = true; break;
        case AUDIT_NOTHING:
        case AUDIT_NOT_TO_TRY: return false;
        }
        return agree != expected->inverted;
}

enum audit_verdict
audit_judge(const struct audit_expected *windows, const struct audit_expected *wine, const struct audit_seen *seen,
            bool under_wine)
{
        if (!seen->tried)
                return under_wine && wine->form == AUDIT_NOT_TO_TRY ? AUDIT_WINE_DIFFERS : AUDIT_NOT_APPLICABLE;
        if (agrees(windows, seen))
                return AUDIT_AS_EXPECTED;
        return under_wine && agrees(wine, seen) ? AUDIT_WINE_DIFFERS : AUDIT_DIFFERENT;
}

struct audit_expected
audit_invert(const struct audit_expected *expected)
{
        struct audit_expected inverted = *expected;

        inverted.inverted = !inverted.inverted;
        return inverted;
}

static void
expected_text(const struct audit_expected *expected, char *text, size_t room)
{
        const char *not = expected->inverted ? "anything but " : "";

        switch (expected->form) {
        case AUDIT_EXACTLY: snprintf(text, room, "%s%u %s", not, (unsigned)expected->code, expected->effect); break;
        case AUDIT_WHATEVER: snprintf(text, room, "%sany code, %s", not, expected->effect); break;
        case AUDIT_EITHER:
        case AUDIT_NOTHING:
        case AUDIT_NOT_TO_TRY: snprintf(text, room, "%snot known, nothing relies on it", not ); break;
        }
}

int
audit_line(char *line, size_t room, const char *name, const struct audit_expected *windows,
           const struct audit_seen *seen, enum audit_verdict verdict)
{
        static const char *const words[AUDIT_VERDICTS] = {
                [AUDIT_AS_EXPECTED] = "as expected",
                [AUDIT_DIFFERENT] = "different",
                [AUDIT_NOT_APPLICABLE] = "not applicable",
                [AUDIT_WINE_DIFFERS] = "differs under Wine (known)",
        };
        char expected[AUDIT_EFFECT_MAX];

        expected_text(windows, expected, sizeof expected);
        if (!seen->tried)
                return snprintf(line, room, "%s: %s: %s%s%s; expected: %s", words[verdict], name, seen->call,
                                seen->call[0] != '\0' ? ": " : "", seen->effect, expected);
        return snprintf(line, room, "%s: %s: %s -> %u %s; expected: %s", words[verdict], name, seen->call,
                        (unsigned)seen->code, seen->effect, expected);
}

int
audit_totals_line(char *line, size_t room, const struct audit_totals *totals)
{
        const unsigned *counts = totals->counts;

        return snprintf(line, room, "%u as expected, %u different, %u not applicable", counts[AUDIT_AS_EXPECTED],
                        counts[AUDIT_DIFFERENT], counts[AUDIT_NOT_APPLICABLE] + counts[AUDIT_WINE_DIFFERS]);
}

int
audit_exit_status(const struct audit_totals *totals)
{
        return totals->counts[AUDIT_DIFFERENT] == 0 && totals->counts[AUDIT_AS_EXPECTED] != 0 ? 0 : 1;
}
