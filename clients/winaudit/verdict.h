/*
 * One line of the audit: what was expected, what was seen, and whether the two agree. Pure, and the same on both
 * systems.
 *
 *      as expected               what Windows is expected to do
 *      differs under Wine        not that, but what Wine is known to do; counts as not applicable
 *      not applicable            it could not be tried here; `effect` says why
 *      different                 all else
 */
#ifndef AUDIT_VERDICT_H
#define AUDIT_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AUDIT_EFFECT_MAX = 240, AUDIT_CALL_MAX = 320, AUDIT_LINE_MAX = 1200 };

enum audit_form {
        AUDIT_NOTHING,    /* of Wine: nothing else than of Windows */
        AUDIT_EXACTLY,    /* this code and this effect */
        AUDIT_WHATEVER,   /* this effect; the code is not documented, or depends on the version */
        AUDIT_EITHER,     /* nobody knows, and weir does not rely on it: the line is there to tell */
        AUDIT_NOT_TO_TRY, /* of Wine: it lacks what this needs */
};

struct audit_expected {
        enum audit_form form;
        uint32_t code; /* GetLastError(), 0: success */
        const char *effect;
        bool inverted; /* anything else is expected */
};

struct audit_seen {
        bool tried;
        uint32_t code;
        char effect[AUDIT_EFFECT_MAX]; /* one of those that are expected of others; not tried: why not */
        char call[AUDIT_CALL_MAX];     /* what was called, in one line */
};

enum audit_verdict { AUDIT_AS_EXPECTED, AUDIT_DIFFERENT, AUDIT_NOT_APPLICABLE, AUDIT_WINE_DIFFERS, AUDIT_VERDICTS };

enum audit_verdict
audit_judge(const struct audit_expected *windows, const struct audit_expected *wine, const struct audit_seen *seen,
            bool under_wine);

/* What the self-test expects in its place. */
struct audit_expected
audit_invert(const struct audit_expected *expected);

/* The line of one check, without its end; name: what it shows. Returns its length, as snprintf. */
int
audit_line(char *line, size_t room, const char *name, const struct audit_expected *windows,
           const struct audit_seen *seen, enum audit_verdict verdict);

struct audit_totals {
        unsigned counts[AUDIT_VERDICTS];
};

/* The last line: "N as expected, N different, N not applicable". */
int
audit_totals_line(char *line, size_t room, const struct audit_totals *totals);

/* 0 only when nothing differs and something was tried at all. */
int
audit_exit_status(const struct audit_totals *totals);

#endif
