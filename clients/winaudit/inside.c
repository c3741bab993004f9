/*
 * What a list has to say before an AppContainer has a right: once for its user, and once for its package. The objects
 * are this process's, in the directory of its session; the container calls them by their plain name.
 */
#include "clients/winaudit/open.h"

#define EVENT(w, l, r)                                                      \
        &(const struct audit_open)                                          \
        {                                                                   \
                .who = (w), .kind = AUDIT_EVENT, .list = (l), .rights = (r) \
        }
#define SECTION(w, l, r)                                                      \
        &(const struct audit_open)                                            \
        {                                                                     \
                .who = (w), .kind = AUDIT_SECTION, .list = (l), .rights = (r) \
        }
#define PIPE(w, l)                                                                                  \
        &(const struct audit_open)                                                                  \
        {                                                                                           \
                .who = (w), .kind = AUDIT_PIPE, .list = (l), .rights = GENERIC_READ | GENERIC_WRITE \
        }
#define INSIDE AUDIT_CONTAINER
#define LESS   AUDIT_LPAC

static const struct audit_check checks[] = {
        { "a container opens an object of full trust by its plain name, through the shadow directory", NULL, GRANTED,
          NOT_TO_TRY, audit_run_open, EVENT(INSIDE, "D:P(A;;0x2;;;{user})(A;;0x2;;;{package})", EVENT_MODIFY_STATE) },
        { "a container opens a section of full trust to read, in the same way", NULL, GRANTED, NOT_TO_TRY,
          audit_run_open, SECTION(INSIDE, "D:P(A;;LC;;;{user})(A;;LC;;;{package})", SECTION_MAP_READ) },
        { "a section that a container may read is not opened to write", NULL, REFUSED, NOT_TO_TRY, audit_run_open,
          SECTION(INSIDE, "D:P(A;;DCLC;;;{user})(A;;LC;;;{package})", SECTION_MAP_WRITE) },
        { "the user's half alone grants nothing", NULL, REFUSED, NOT_TO_TRY, audit_run_open,
          EVENT(INSIDE, "D:P(A;;0x2;;;{user})", EVENT_MODIFY_STATE) },
        { "the package's half alone grants nothing", NULL, REFUSED, NOT_TO_TRY, audit_run_open,
          EVENT(INSIDE, "D:P(A;;0x2;;;{package})", EVENT_MODIFY_STATE) },
        { "the logon session is a user's half", NULL, GRANTED, NOT_TO_TRY, audit_run_open,
          EVENT(INSIDE, "D:P(A;;0x2;;;{logon})(A;;0x2;;;{package})", EVENT_MODIFY_STATE) },
        { "a capability is a package's half", NULL, GRANTED, NOT_TO_TRY, audit_run_open,
          EVENT(INSIDE, "D:P(A;;0x2;;;{user})(A;;0x2;;;{capability})", EVENT_MODIFY_STATE) },
        { "a capability that a container has not is no package's half", NULL, REFUSED, NOT_TO_TRY, audit_run_open,
          EVENT(INSIDE, "D:P(A;;0x2;;;{user})(A;;0x2;;;S-1-15-3-1)", EVENT_MODIFY_STATE) },
        { "ALL APPLICATION PACKAGES is a package's half", NULL, GRANTED, NOT_TO_TRY, audit_run_open,
          EVENT(INSIDE, "D:P(A;;0x2;;;{user})(A;;0x2;;;AC)", EVENT_MODIFY_STATE) },
        { "each right of each half may come from another entry", NULL, GRANTED, NOT_TO_TRY, audit_run_open,
          EVENT(INSIDE, "D:P(A;;0x100002;;;{user})(A;;0x2;;;{package})(A;;0x100000;;;{capability})",
                EVENT_MODIFY_STATE | SYNCHRONIZE) },
        { "the NULL list admits no container", NULL, REFUSED, NOT_TO_TRY, audit_run_open,
          EVENT(INSIDE, "D:NO_ACCESS_CONTROL", EVENT_MODIFY_STATE) },
        { "the list that the system puts on an object admits no container", NULL, REFUSED, NOT_TO_TRY, audit_run_open,
          EVENT(INSIDE, NULL, EVENT_MODIFY_STATE) },
        { "a denial of a package has no effect", NULL, GRANTED, NOT_TO_TRY, audit_run_open,
          EVENT(INSIDE, "D:P(D;;0x2;;;{package})(A;;0x2;;;{user})(A;;0x2;;;{package})", EVENT_MODIFY_STATE) },
        { "a denial of a capability has no effect", NULL, GRANTED, NOT_TO_TRY, audit_run_open,
          EVENT(INSIDE, "D:P(D;;0x2;;;{capability})(A;;0x2;;;{user})(A;;0x2;;;{package})", EVENT_MODIFY_STATE) },
        { "a denial of a container's user counts", NULL, REFUSED, NOT_TO_TRY, audit_run_open,
          EVENT(INSIDE, "D:P(D;;0x2;;;{user})(A;;0x2;;;{user})(A;;0x2;;;{package})", EVENT_MODIFY_STATE) },
        { "a container's low integrity is no hindrance at Medium", NULL, GRANTED, NOT_TO_TRY, audit_run_open,
          EVENT(INSIDE, "D:P(A;;0x2;;;{user})(A;;0x2;;;{package})S:(ML;;NW;;;ME)", EVENT_MODIFY_STATE) },
        { "a container's low integrity is a hindrance at High", NULL, REFUSED, NOT_TO_TRY, audit_run_open,
          EVENT(INSIDE, "D:P(A;;0x2;;;{user})(A;;0x2;;;{package})S:(ML;;NW;;;HI)", EVENT_MODIFY_STATE) },
        { "a container opens a pipe of full trust by its plain name", NULL, GRANTED, NOT_TO_TRY, audit_run_open,
          PIPE(INSIDE, "D:P(A;;FA;;;{user})(A;;0x12019b;;;{package})") },
        { "a container does not open a pipe that admits its user alone", NULL, REFUSED, NOT_TO_TRY, audit_run_open,
          PIPE(INSIDE, "D:P(A;;FA;;;{user})") },
        { "a container does not open a pipe with the NULL list", NULL, REFUSED, NOT_TO_TRY, audit_run_open,
          PIPE(INSIDE, "D:NO_ACCESS_CONTROL") },
        { "a container opens a pipe that admits its capability", NULL, GRANTED, NOT_TO_TRY, audit_run_open,
          PIPE(INSIDE, "D:P(A;;FA;;;{user})(A;;0x12019b;;;{capability})") },

        { "an LPAC is not among ALL APPLICATION PACKAGES", NULL, REFUSED, NOT_TO_TRY, audit_run_open,
          EVENT(LESS, "D:P(A;;0x2;;;{user})(A;;0x2;;;AC)", EVENT_MODIFY_STATE) },
        { "an LPAC is among ALL RESTRICTED APPLICATION PACKAGES", NULL, GRANTED, NOT_TO_TRY, audit_run_open,
          EVENT(LESS, "D:P(A;;0x2;;;{user})(A;;0x2;;;S-1-15-2-2)", EVENT_MODIFY_STATE) },
        { "an ordinary container is among ALL RESTRICTED APPLICATION PACKAGES", NULL, GRANTED, NOT_TO_TRY,
          audit_run_open, EVENT(INSIDE, "D:P(A;;0x2;;;{user})(A;;0x2;;;S-1-15-2-2)", EVENT_MODIFY_STATE) },
        { "an LPAC has what its package is granted", NULL, GRANTED, NOT_TO_TRY, audit_run_open,
          EVENT(LESS, "D:P(A;;0x2;;;{user})(A;;0x2;;;{package})", EVENT_MODIFY_STATE) },
        { "an LPAC has what its capability is granted", NULL, GRANTED, NOT_TO_TRY, audit_run_open,
          EVENT(LESS, "D:P(A;;0x2;;;{user})(A;;0x2;;;{capability})", EVENT_MODIFY_STATE) },
        { "an LPAC opens a pipe that admits its package", NULL, GRANTED, NOT_TO_TRY, audit_run_open,
          PIPE(LESS, "D:P(A;;FA;;;{user})(A;;0x12019b;;;{package})") },

        { "full trust needs no entry of a package", NULL, GRANTED, AS_WINDOWS, audit_run_open,
          EVENT(AUDIT_STRIPPED, "D:P(A;;0x2;;;{user})", EVENT_MODIFY_STATE) },
        { "full trust has nothing from an entry of a package", NULL, REFUSED, AS_WINDOWS, audit_run_open,
          EVENT(AUDIT_STRIPPED, "D:P(A;;0x2;;;{package})(A;;0x2;;;AC)", EVENT_MODIFY_STATE) },
        { "the NULL list admits full trust", NULL, GRANTED, AS_WINDOWS, audit_run_open,
          EVENT(AUDIT_STRIPPED, "D:NO_ACCESS_CONTROL", EVENT_MODIFY_STATE) },
};

const struct audit_theme audit_inside = { "inside", checks, sizeof checks / sizeof *checks };
