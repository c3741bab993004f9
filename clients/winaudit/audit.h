/*
 * The audit of a real Windows machine: a list of checks, each of which calls the system, looks at what happened and
 * compares it with what weir's design takes for granted. A check is a row of a table (checks.c and one file per theme);
 * what it opens it closes, and who it starts ends with the audit.
 */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include "clients/winaudit/verdict.h"
#include "named-objects/rights/sid.h"

#include <windows.h>

/* Who makes a call: this process, or a child of ours with another token. */
enum audit_who {
        AUDIT_SELF,
        AUDIT_STRIPPED,   /* Administrators deny-only, no privilege but to be told of changes */
        AUDIT_LOW,        /* Low integrity */
        AUDIT_RESTRICTED, /* a second list without the user: Everyone, Users, RESTRICTED, the logon session */
        AUDIT_WRITE_RESTRICTED,
        AUDIT_CONTAINER, /* an AppContainer with one capability */
        AUDIT_LPAC,      /* the same container, less privileged */
        AUDIT_SERVICE,   /* a service of ours in session 0, as LocalService */
        AUDIT_WHOS
};

struct audit_options {
        bool self_test;
        bool service;        /* install the service, and remove it */
        const char *theme;   /* NULL: all */
        const char *inbound; /* a family name with CheckNetIsolation LoopbackExempt -is under way; NULL: none */
        DWORD hosted;        /* the id of a process of a hosted app; 0: none */
};

struct audit_peer;

struct audit {
        struct audit_options options;
        bool under_wine, elevated;
        struct wr_sid user, logon, package, capability;
        DWORD session;
        struct audit_peer *peers[AUDIT_WHOS];
        DWORD peer_errors[AUDIT_WHOS]; /* why a peer could not be started */
        bool has_profile;
};

struct audit_check {
        const char *name; /* what it shows, a sentence */
        const char *call; /* NULL: `run` tells it */
        struct audit_expected windows, wine;
        void (*run)(struct audit *audit, const struct audit_check *check, struct audit_seen *seen);
        const void *with; /* of `run` */
};

struct audit_theme {
        const char *name;
        const struct audit_check *checks;
        size_t count;
};

extern const struct audit_theme audit_objects, audit_pipes, audit_integrity, audit_identity, audit_names,
        audit_container, audit_inside, audit_endpoint, audit_questions, audit_agreement, audit_session_zero;

/* NULL behind the last. */
extern const struct audit_theme *const audit_themes[];

/* For rows: `EXACTLY(5, "refused")`. */
#define EXACTLY(c, e)                                             \
        {                                                         \
                .form = AUDIT_EXACTLY, .code = (c), .effect = (e) \
        }
#define WHATEVER(e)                                   \
        {                                             \
                .form = AUDIT_WHATEVER, .effect = (e) \
        }
#define EITHER                       \
        {                            \
                .form = AUDIT_EITHER \
        }
#define AS_WINDOWS                    \
        {                             \
                .form = AUDIT_NOTHING \
        }
#define NOT_TO_TRY                       \
        {                                \
                .form = AUDIT_NOT_TO_TRY \
        }
#define GRANTED EXACTLY(ERROR_SUCCESS, "granted")
#define REFUSED EXACTLY(ERROR_ACCESS_DENIED, "refused")

/* The capability that the container has, and its name for profiles. */
#define AUDIT_PROFILE    "weir.winaudit"
#define AUDIT_CAPABILITY "weirWinaudit"

/* What is known of this process. False: not even that. */
bool
audit_begin(struct audit *audit);

/* Ends and removes all that was started and made; also when it comes from a crash in the midst of it. */
void
audit_end(struct audit *audit);

/* Whether an error of the system, or none, was seen; and what that means: "granted" or "refused". */
void
audit_saw(struct audit_seen *seen, DWORD code);

/* Another effect. */
void __attribute__((format(printf, 3, 4))) audit_saw_that(struct audit_seen *seen, DWORD code, const char *format, ...);

/* It could not be tried, and why. */
void __attribute__((format(printf, 2, 3))) audit_cannot(struct audit_seen *seen, const char *format, ...);

void __attribute__((format(printf, 2, 3))) audit_called(struct audit_seen *seen, const char *format, ...);

/* A name that nobody has. */
enum { AUDIT_NAME_MAX = 48 };
void
audit_name(char name[AUDIT_NAME_MAX]);

/* A function that old or other systems lack; NULL there. */
FARPROC
audit_find(const char *library, const char *function);

#endif
