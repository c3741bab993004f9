/*
 * Tokens with less: low integrity, and restricted with a second list. What Wine has of both is the calls alone. Objects
 * have no label of their own unless the row gives one: then they count as Medium, no write up.
 */
#include "clients/winaudit/open.h"
#include "clients/winaudit/peer.h"
#include "clients/winaudit/started.h"
#include "named-objects/grant_win32.h"
#include "named-objects/signal.h"

#define BY(w, k, l, r)                                              \
        &(const struct audit_open)                                  \
        {                                                           \
                .who = (w), .kind = (k), .list = (l), .rights = (r) \
        }

/* An event of a pair, granted to this user by name as the broker does; with: whether to a client of low integrity. */
static void
run_named(struct audit *audit, const struct audit_check *check, struct audit_seen *seen)
{
        const bool *is_lowered = check->with;
        wr_object objects[WR_SIGNAL_OBJECTS];
        char name[WR_GRANT_NAME_MAX];
        struct wr_signal_pair pair;
        uint32_t code;

        if (wr_signal_create(&pair) != WEIR_OK) {
                audit_saw_that(seen, GetLastError(), "the events could not be made");
                return;
        }
        if (wr_signal_grant(&pair, WR_SIGNAL_PUBLISHER, objects) != WEIR_OK) {
                audit_saw_that(seen, GetLastError(), "the events could not be granted");
                wr_signal_close(&pair);
                return;
        }
        if (wr_grant_admit(objects[0], &audit->user, 1, EVENT_MODIFY_STATE) != WEIR_OK ||
            (*is_lowered && wr_grant_lower(objects[0], EVENT_MODIFY_STATE) != WEIR_OK) ||
            wr_grant_name_of(objects[0], name, sizeof name) != WEIR_OK) {
                audit_saw_that(seen, GetLastError(), "nobody could be admitted");
        } else {
                code = audit_open_by(audit, AUDIT_LOW, AUDIT_EVENT, name, EVENT_MODIFY_STATE, seen);
                if (code != UINT32_MAX)
                        audit_saw(seen, code);
        }
        wr_signal_grant_close(objects);
        wr_signal_close(&pair);
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
        { "low integrity signals what was granted to it by name", "OpenEvent(2) after wr_grant_admit, wr_grant_lower",
          GRANTED, AS_WINDOWS, run_named, &(const bool){ true } },
        { "low integrity does not signal what was granted by name to who is not low",
          "OpenEvent(2) after wr_grant_admit", REFUSED, GRANTED, run_named, &(const bool){ false } },
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
