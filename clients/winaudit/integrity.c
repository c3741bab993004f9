/*
 * Tokens with less: low integrity, and restricted with a second list. What Wine has of both is the calls alone. Objects
 * have no label of their own unless the row gives one: then they count as Medium, no write up.
 */
#include "clients/winaudit/open.h"
#include "clients/winaudit/started.h"

#define BY(w, k, l, r)                                              \
        &(const struct audit_open)                                  \
        {                                                           \
                .who = (w), .kind = (k), .list = (l), .rights = (r) \
        }

static const struct audit_check checks[] = {
        { "a process with a stripped token starts", "CreateRestrictedToken, CreateProcessAsUser", STARTED, AS_WINDOWS,
          audit_run_started, &(const enum audit_who){ AUDIT_STRIPPED } },
        { "a process at low integrity starts", "SetTokenInformation(TokenIntegrityLevel), CreateProcessAsUser",
          STARTED_LOW, STARTED, audit_run_started, &(const enum audit_who){ AUDIT_LOW } },
        { "a process with a restricted token starts", "CreateRestrictedToken, CreateProcessAsUser", STARTED, AS_WINDOWS,
          audit_run_started, &(const enum audit_who){ AUDIT_RESTRICTED } },
        { "a process with a write-restricted token starts", "CreateRestrictedToken, CreateProcessAsUser", STARTED,
          AS_WINDOWS, audit_run_started, &(const enum audit_who){ AUDIT_WRITE_RESTRICTED } },

        { "low integrity does not signal what has no label", NULL, REFUSED, GRANTED, audit_run_open,
          BY(AUDIT_LOW, AUDIT_EVENT, "D:P(A;;0x100002;;;{user})", EVENT_MODIFY_STATE) },
        { "low integrity waits for what has no label", NULL, GRANTED, AS_WINDOWS, audit_run_open,
          BY(AUDIT_LOW, AUDIT_EVENT, "D:P(A;;0x100002;;;{user})", SYNCHRONIZE) },
        { "low integrity does not map to write what has no label", NULL, REFUSED, GRANTED, audit_run_open,
          BY(AUDIT_LOW, AUDIT_SECTION, "D:P(A;;DCLC;;;{user})", SECTION_MAP_WRITE) },
        { "low integrity maps to read what has no label", NULL, GRANTED, AS_WINDOWS, audit_run_open,
          BY(AUDIT_LOW, AUDIT_SECTION, "D:P(A;;DCLC;;;{user})", SECTION_MAP_READ) },
        { "low integrity signals what is labelled Low", NULL, GRANTED, AS_WINDOWS, audit_run_open,
          BY(AUDIT_LOW, AUDIT_EVENT, "D:P(A;;0x100002;;;{user})S:(ML;;NW;;;LW)", EVENT_MODIFY_STATE) },
        { "low integrity does not map to read what forbids to read up", NULL, REFUSED, GRANTED, audit_run_open,
          BY(AUDIT_LOW, AUDIT_SECTION, "D:P(A;;DCLC;;;{user})S:(ML;;NWNR;;;ME)", SECTION_MAP_READ) },
        { "low integrity does not open a pipe without a label for both ways", NULL, REFUSED, GRANTED, audit_run_open,
          BY(AUDIT_LOW, AUDIT_PIPE, "D:P(A;;FA;;;{user})", GENERIC_READ | GENERIC_WRITE) },
        { "low integrity opens a pipe that is labelled Low", NULL, GRANTED, AS_WINDOWS, audit_run_open,
          BY(AUDIT_LOW, AUDIT_PIPE, "D:P(A;;FA;;;{user})S:(ML;;NW;;;LW)", GENERIC_READ | GENERIC_WRITE) },

        { "a restricted token has nothing from its user alone", NULL, REFUSED, GRANTED, audit_run_open,
          BY(AUDIT_RESTRICTED, AUDIT_EVENT, "D:P(A;;0x100002;;;{user})", EVENT_MODIFY_STATE) },
        { "a restricted token has nothing from its second list alone", NULL, REFUSED, AS_WINDOWS, audit_run_open,
          BY(AUDIT_RESTRICTED, AUDIT_EVENT, "D:P(A;;0x100002;;;RC)", EVENT_MODIFY_STATE) },
        { "a restricted token has what both of its lists grant", NULL, GRANTED, AS_WINDOWS, audit_run_open,
          BY(AUDIT_RESTRICTED, AUDIT_EVENT, "D:P(A;;0x100002;;;{user})(A;;0x100002;;;RC)", EVENT_MODIFY_STATE) },
        { "a restricted token is no owner unless its second list is", NULL, REFUSED, GRANTED, audit_run_open,
          BY(AUDIT_RESTRICTED, AUDIT_EVENT, "O:{user}D:P(A;;0x2;;;{user})", READ_CONTROL) },
        { "a write-restricted token reads by its user alone", NULL, GRANTED, AS_WINDOWS, audit_run_open,
          BY(AUDIT_WRITE_RESTRICTED, AUDIT_SECTION, "D:P(A;;DCLC;;;{user})", SECTION_MAP_READ) },
        { "a write-restricted token does not write by its user alone", NULL, REFUSED, GRANTED, audit_run_open,
          BY(AUDIT_WRITE_RESTRICTED, AUDIT_SECTION, "D:P(A;;DCLC;;;{user})", SECTION_MAP_WRITE) },
        { "a write-restricted token that asks to read and write has neither", NULL, REFUSED, GRANTED, audit_run_open,
          BY(AUDIT_WRITE_RESTRICTED, AUDIT_SECTION, "D:P(A;;DCLC;;;{user})(A;;LC;;;RC)",
             SECTION_MAP_READ | SECTION_MAP_WRITE) },
};

const struct audit_theme audit_integrity = { "integrity", checks, sizeof checks / sizeof *checks };
