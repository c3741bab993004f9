/*
 * The rules in memory: read from the file by policy_load.c, made of its text by policy_rules.c, compiled to descriptors
 * by policy_compile.c, asked by policy.c, explained by policy_explain.c, edited as text by policy_edit.c. Nobody else
 * looks inside.
 */
#ifndef WR_POLICY_RULES_H
#define WR_POLICY_RULES_H

#include "broker/policy.h"
#include "named-objects/rights/access.h"

enum { RIGHTS = 5, PRINCIPALS_MAX = 256, ENTRIES_MAX = 4096, ALL_RIGHTS = 0x1f, NAMED_MAX = 64 };

/* "subscribe", "publish", "map", "observe", "stall". */
extern const char *const wr_right_names[RIGHTS];

/* Generic read is subscribe and observe, write publish, execute map. */
extern const struct wr_generic_mapping wr_topic_mapping;

enum principal_kind { PRINCIPAL_USER, PRINCIPAL_GROUP, PRINCIPAL_PACKAGE, PRINCIPAL_CAPABILITY, PRINCIPAL_CONFINED };

struct principal {
        struct principal *next;
        enum principal_kind kind;
        struct wr_sid sid; /* of a user or group */
        const char *name;  /* of a package or capability: behind the colon of `text` */
        char text[];       /* as it stands in the file */
};

struct rule {
        unsigned line; /* 0: the entry has no such list */
        unsigned count;
        struct principal *first, **end;
};

struct entry {
        struct entry *next;
        unsigned line; /* of its header; 0: the default */
        unsigned sddl_line;
        struct rule rules[RIGHTS]; /* all of them, or `sddl`, or nothing */
        size_t prefix;             /* bytes of `topic` in front of its first '*' */
        bool is_pattern;
        bool names_confined;             /* its list allows something to sandboxes that nobody vouches for */
        struct wr_descriptor descriptor; /* into `bytes` */
        uint8_t *bytes;
        size_t size;
        unsigned *ace_lines; /* of lists: the line of each entry of the DACL */
        char topic[];
};

struct package {
        struct package *next;
        char *socket; /* NULL until the file says */
        char name[];
};

/* The last identity that was asked for, as a token: listing asks for the same one again and again. */
struct wr_policy_token;

struct wr_policy {
        struct wr_sid own_user;
        struct wr_limits limits;
        struct entry *entries, **entries_end; /* in the file's order */
        struct entry *fallback;               /* for topics without an entry */
        unsigned entry_count;
        struct package *packages;
        struct wr_policy_token *token;
        /* While the file is read: */
        struct entry *entry;
        struct rule *rule;
        struct package *package;
        bool in_quota, has_quota;
        unsigned quotas_seen;
        const struct principal *named[NAMED_MAX]; /* the first users and groups of the file: asked for once each */
        unsigned named_count;
        uint8_t *scratch; /* WR_DESCRIPTOR_MAX */
        char what[256];
        bool is_default_path;                    /* where a tool looks that is told nothing */
        char path[WR_POLICY_PATH_MAX];           /* "": there is no file */
        char suggested_path[WR_POLICY_PATH_MAX]; /* the file to write then; "": none is known */
};

/* ---- policy_rules.c */

/* Which bit of `right` is set, as the names stand. */
int
wr_policy_right_index(enum wr_right right);

/* Without an entry yet. path: NULL: of no file. NULL: no memory. */
struct wr_policy *
wr_policy_make(const char *path, const char *suggested_path, struct wr_sid own_user);

/* ---- policy_principal.c */

/* A name, a number, or on both systems a SID in its own words, which need not be known to the machine. */
bool
wr_policy_user_find(const char *name, struct wr_sid *sid);

bool
wr_policy_group_find(const char *name, struct wr_sid *sid);

/* What a principal's text says; `to->text` is the caller's to fill. NULL, or what is wrong: a constant, or in `what`.
 */
const char *
wr_policy_principal_read(const char *text, struct principal *to, char *what, size_t room);

/* The entries that give `mask` to one principal: of a user or group one, else one for each half of the check. */
struct wr_policy_aces {
        unsigned count;
        struct wr_ace of[2];
        uint8_t condition[1024];
};

bool
wr_policy_principal_aces(const struct principal *principal, const struct wr_sid *own_user, uint32_t mask,
                         struct wr_policy_aces *aces);

/* ---- policy_compile.c */

/* The lists of an entry become its descriptor. NULL, or what is wrong. */
const char *
wr_policy_compile(struct wr_policy *policy, struct entry *entry);

/* The entry's descriptor is that of the text. NULL, or what is wrong. */
const char *
wr_policy_compile_sddl(struct wr_policy *policy, struct entry *entry, const char *text);

/* The rights that a list gives, with what it implies. */
uint32_t
wr_policy_rule_mask(const struct entry *entry, int index);

/* ---- policy_token.c */

/* Room for the token; freed with the policy. False: no memory. */
bool
wr_policy_token_open(struct wr_policy *policy);

/* The same identity as the rules see it; holds until the next call. NULL: no memory. */
const struct wr_token *
wr_policy_token_of(const struct wr_policy *policy, const struct wr_identity *identity);

/* ---- policy.c */

/* The entry that decides: of this name, else with the longest literal prefix, else the default. Never NULL. */
const struct entry *
wr_policy_entry(const struct wr_policy *policy, const char *topic);

/* The line that says so, for refusals: of the right's list, else of the entry. 0: no entry. */
unsigned
wr_policy_line(const struct entry *entry, int index);

/* "user:1000", "package:org.weir.Camera", "an unknown sandbox of user:1000". */
void
wr_policy_who(const struct wr_identity *identity, char *text, size_t room);

/* ---- policy_mend.c */

/* What helps where integrity refuses. */
extern const char wr_policy_label_hint[];

/* Whom the lists of `rights` lack: "user:1001" and, for a package of another user, the package; of a restricted token a
 * SID of each of its lists. At most two. */
struct wr_policy_lack {
        unsigned count;
        bool is_other;    /* another user than the broker's: his tools look at another file */
        bool needs_label; /* no line helps: its integrity is below that of what it asks for */
        char principals[2][WR_PACKAGE_MAX + 16];
};

void
wr_policy_lack(const struct wr_policy *policy, const struct entry *entry, const struct wr_identity *identity,
               const struct wr_access *access, struct wr_policy_lack *lack);

/* What to type: "weir access allow scope/ch1 --package org.weir.Stranger --read". Whole, or "": a line that was cut
 * would grant something else. */
void
wr_policy_command(const struct wr_policy *policy, const struct wr_policy_lack *lack, const char *topic, uint32_t rights,
                  char *text, size_t room);

#endif
