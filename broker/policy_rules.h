/* The rules in memory: made by policy_rules.c from the file, asked by policy.c. Nobody else looks inside. */
#ifndef WR_POLICY_RULES_H
#define WR_POLICY_RULES_H

#include "broker/policy.h"

enum { RIGHTS = 5, PRINCIPALS_MAX = 256 };

/* "subscribe", "publish", "map", "observe", "stall". */
extern const char *const wr_right_names[RIGHTS];

enum principal_kind { PRINCIPAL_USER, PRINCIPAL_GROUP, PRINCIPAL_PACKAGE, PRINCIPAL_CONFINED };

struct principal {
        struct principal *next;
        enum principal_kind kind;
        uint32_t id;
        char package[];
};

struct rule {
        unsigned line; /* 0: the entry has no such list */
        unsigned count;
        struct principal *first;
};

struct entry {
        struct entry *next;
        unsigned line;
        struct rule rules[RIGHTS];
        char topic[];
};

struct package {
        struct package *next;
        char *socket; /* NULL until the file says */
        char name[];
};

struct wr_policy {
        uint32_t own_user;
        struct wr_limits limits;
        struct entry *entries;
        struct package *packages;
        /* While the file is read: */
        struct entry *entry;
        struct rule *rule;
        struct package *package;
        bool in_quota, has_quota;
        unsigned quotas_seen;
        char what[256];
        char path[256]; /* "": there is no file */
        char suggested_path[256];
};

#endif
