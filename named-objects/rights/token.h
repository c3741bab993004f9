/*
 * Who asks: what an access check knows of a process, as Windows' tokens have it. The caller owns all memory.
 *
 * The check believes the token as it stands: a package that is to match its own SID in the form of a capability
 * (S-1-15-3-w1..w7) has it among its capabilities, as the tokens that Windows makes for packages do.
 */
#ifndef WR_TOKEN_H
#define WR_TOKEN_H

#include "named-objects/rights/sid.h"

enum wr_container {
        WR_NO_CONTAINER,     /* full trust: only the user half is asked */
        WR_CONTAINER,        /* an AppContainer, a Flatpak, a package */
        WR_CONTAINER_LESS,   /* less privileged: ALL APPLICATION PACKAGES does not match it */
        WR_CONTAINER_UNNAMED /* unknown confinement: in the package half nothing but its own SID matches it */
};

enum wr_privilege { WR_PRIVILEGE_SECURITY = 1, WR_PRIVILEGE_TAKE_OWNERSHIP = 2, WR_PRIVILEGE_RELABEL = 4 };

enum wr_integrity {
        WR_INTEGRITY_UNTRUSTED = 0,
        WR_INTEGRITY_LOW = 4096,
        WR_INTEGRITY_MEDIUM = 8192,
        WR_INTEGRITY_HIGH = 12288,
        WR_INTEGRITY_SYSTEM = 16384
};

struct wr_group {
        struct wr_sid sid;
        bool enabled;
        bool deny_only; /* matches entries that deny, never those that allow; `enabled` or not */
};

/* A list of strings, or a number, under a name such as "WIN://SYSAPPID". */
struct wr_attribute {
        const char *name;
        const char *const *strings; /* NULL: `number` is the value */
        size_t count;
        uint64_t number;
};

struct wr_token {
        struct wr_sid user;
        bool user_deny_only;
        const struct wr_group *groups;
        size_t group_count;
        const struct wr_sid *restricting; /* of a restricted token: its second list; a count of 0: not restricted */
        size_t restricting_count;
        bool write_restricted; /* the second list is asked only when a request holds rights to write */
        uint32_t privileges;   /* wr_privilege */
        uint32_t integrity;    /* the last word of S-1-16-x */
        enum wr_container container;
        struct wr_sid package; /* of a container */
        const struct wr_sid *capabilities;
        size_t capability_count;
        const struct wr_attribute *attributes;
        size_t attribute_count;
};

#endif
