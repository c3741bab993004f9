/*
 * weir/rights.h: who may do what, for tools. Reads and edits the policy file and computes names; needs no broker that
 * runs. Links the broker's library (weir-broker); libweir alone does not have these functions.
 *
 * Rights are WEIR_MAY_* of weir.h. A principal is what stands in the policy file: "user:alice", "user:1000",
 * "group:video", "package:org.weir.Camera", "capability:org.weir.cameras", "confined:*". Blocking; any thread.
 */
#ifndef WEIR_RIGHTS_H
#define WEIR_RIGHTS_H

#include <stddef.h>
#include <stdint.h>
#include <weir/result.h>
#include <weir/weir.h>

#ifdef __cplusplus
extern "C" {
#endif

/* This thread's last failure of a function below, with the remedy. */
const char *WEIR_CALL
weir_rights_error(void);

/* ---- the policy file */

/* Which file a broker of this user reads: `given`, else as weir_broker_embed() says. The file need not be there. */
enum weir_result WEIR_CALL
weir_policy_path(const char *given, char *path, size_t room);

/*
 * Read the file as a broker would. path: NULL is the file of weir_policy_path(NULL).
 *
 * WEIR_OK         no error; also where no file was named and none is there
 * WEIR_E_USAGE    weir_rights_error() is "FILE:LINE:COLUMN: what is wrong and what was expected", or says that the file
 *                 cannot be read
 */
enum weir_result WEIR_CALL
weir_policy_check(const char *path);

/* Whom a question is about. 0 is the default of every field. */
struct weir_subject {
        uint32_t size;
        uint32_t pid;              /* the identity of this process, as the broker would see it; the rest is ignored */
        const char *user;          /* name or number; default: the user of this process */
        const char *const *groups; /* names or numbers, ended by NULL; default: those the system lists for it */
        const char *package;       /* application id or family name; default: full trust */
        const char *const *capabilities; /* of the package: names, ended by NULL */
        uint32_t confined;               /* 1: in a sandbox that nobody vouches for */
        uint32_t reserved;
};

/* The answer to "may it?". Strings end in 0 and are "" where there is nothing to say. */
struct weir_verdict {
        uint32_t size;
        uint32_t wanted;    /* rights that were asked for */
        uint32_t granted;   /* those of them that are granted */
        uint32_t line;      /* in the file, of the entry that decides; 0: no entry does */
        char who[512];      /* the subject: "user:alice package:org.weir.Camera" */
        char file[256];     /* the policy file, or where it would be */
        char rule[256];     /* the entry that decides: topic or pattern; "": none, the default */
        char sddl[4096];    /* its descriptor, canonical */
        char text[8192];    /* the whole explanation: one line per right and half, and who decided it */
        char mend[1024];    /* of a denial: the smallest rule of the policy that would grant */
        char command[1024]; /* ... and what to type for it: "weir access allow scope/ch1 --package X --read" */
        char note[512];     /* what it takes besides the rules, where the subject is another user's; "" */
};

/*
 * May `subject` have `rights` on `topic`, and why?
 *
 * verdict   set verdict->size; filled for WEIR_OK and WEIR_E_DENIED
 *
 * WEIR_OK        all of `rights` are granted
 * WEIR_E_DENIED  some are not
 * WEIR_E_USAGE   no topic, no such user, or the file has an error: weir_rights_error()
 */
enum weir_result WEIR_CALL
weir_policy_explain(const char *path, const struct weir_subject *subject, const char *topic, uint32_t rights,
                    struct weir_verdict *verdict);

/* One rule of the file, or what the default is where no entry speaks. */
struct weir_rule {
        uint32_t size;
        uint32_t line;         /* of the rule; 0: implied or the default */
        uint32_t entry_line;   /* of the entry's header; 0: the default */
        uint32_t rights;       /* WEIR_MAY_* that the rule gives */
        const char *entry;     /* topic or pattern; "**" for the default */
        const char *principal; /* whom it gives them to; NULL: the entry is given as SDDL */
        const char *sddl;      /* the entry's descriptor, canonical */
};

/* Non-zero ends the walk. */
typedef int
weir_rule_visit(void *user, const struct weir_rule *rule);

/*
 * Walk over the rules: of all entries in the file's order, or with `topic` only of the entry that decides for it.
 * An entry of SDDL comes once, with principal NULL and rights 0. The default comes last, or alone where nothing else
 * decides.
 */
enum weir_result WEIR_CALL
weir_policy_show(const char *path, const char *topic, weir_rule_visit *visit, void *user);

/* What weir_policy_edit did. */
struct weir_edit {
        uint32_t size;
        uint32_t line;    /* of the rule that was written, in the file as it is now, or that says so; 0: the default */
        uint32_t changed; /* 0: the file said so already and was not touched */
        uint32_t reserved;
        char file[256];
        char entry[256]; /* the header of its entry: topic or pattern; "": nothing was changed, as the default says so
                          */
        char rule[4096]; /* the rule as it stands in the file now: subscribe = ["user:alice", "package:X"]; "": of an
                          * entry for more topics, that says so already */
        char note[512];  /* what else it takes, of a rule for another user, whom a user's own broker cannot serve; "" */
};

/*
 * Let a principal have rights on a topic or pattern, or take them from it, by editing the policy file in place.
 *
 * allow   1: the principal is listed; 0: it is taken out
 * topic   an exact topic, or a pattern
 * edit    may be NULL; set edit->size
 *
 * Comments, order and everything else of the file stay. A topic that no entry names so far gets an entry of its own
 * that begins with what decided before (another pattern's lists, or the default: all for the broker's own user), so
 * allowing takes nothing from anybody. WEIR_MAY_SUBSCRIBE and WEIR_MAY_PUBLISH bring map and observe with them unless
 * the entry lists those. The new text is checked before it replaces the file atomically, with the same owner and mode.
 * A broker that runs takes it over with weir_broker_reload() or SIGHUP.
 *
 * WEIR_OK        done, or nothing was to be done
 * WEIR_E_USAGE   no topic, no principal, the file has an error, or the change would not have the wanted effect
 *                (another line still grants what is to be taken): nothing was written
 * WEIR_E_SYSTEM  the file could not be written
 */
enum weir_result WEIR_CALL
weir_policy_edit(const char *path, int allow, const char *topic, const char *principal, uint32_t rights,
                 struct weir_edit *edit);

/* ---- names */

/*
 * One fact about an identity. Keys, in this order, each as often as there is something to tell:
 *
 *      identity user user_sid group group_sid deny_only_sid restricting_sid
 *      package package_sid name publisher_id version architecture
 *      capability capability_sid capability_group_sid
 *      object_path object_path_session pipe_name pipe_name_outside integrity trust
 *
 * Of a process of Windows: groups that count for denials only, the second list of a restricted token, and integrity.
 */
typedef void
weir_fact_visit(void *user, const char *key, const char *value);

/* A process as a broker of this user would see it: pid 0 is this one. WEIR_E_DENIED: it cannot be read, or ended. */
enum weir_result WEIR_CALL
weir_names_of_process(uint32_t pid, weir_fact_visit *visit, void *user);

/* A package: family name, full name, application id of a Flatpak. `capabilities` (names, ended by NULL) may be NULL. */
enum weir_result WEIR_CALL
weir_names_of_package(const char *package, const char *const *capabilities, weir_fact_visit *visit, void *user);

/* An installed Flatpak, with the capabilities of its metadata. WEIR_EMPTY: none of this id is installed for this
 * user or this machine; its names are told all the same. */
enum weir_result WEIR_CALL
weir_names_of_flatpak(const char *id, weir_fact_visit *visit, void *user);

#ifdef __cplusplus
}
#endif
#endif
