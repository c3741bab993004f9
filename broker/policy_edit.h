/*
 * The policy file as text, with one principal let in or taken out. Whatever the change does not need stays byte for
 * byte: comments, blanks, order. Pure: reads and writes no file.
 */
#ifndef WR_POLICY_EDIT_H
#define WR_POLICY_EDIT_H

#include "broker/policy.h"

enum { WR_POLICY_RULE_MAX = 4096, WR_POLICY_ENTRY_MAX = 256 };

struct wr_policy_change {
        bool allow;
        const char *topic;     /* or a pattern */
        const char *principal; /* "package:org.weir.Camera" */
        uint32_t rights;
};

struct wr_policy_edited {
        char *text; /* malloc'ed, the caller's; NULL: the file says so already */
        size_t size;
        unsigned line; /* of the rule that was written, or that says so already; 0: another entry does */
        char entry[WR_POLICY_ENTRY_MAX]; /* that other entry; "": there is none, or it is the default */
        unsigned entry_line;             /* of its header */
        char rule[WR_POLICY_RULE_MAX];
};

/*
 * path: for sentences, and for what the policy says of itself. Where no entry has this very topic or pattern, one is
 * added that begins with what decided before.
 *
 * WEIR_E_USAGE: text, topic or principal are wrong, or the change would not do what it is for; the sentence says which.
 */
enum weir_result
wr_policy_edit(const char *text, size_t size, const char *path, struct wr_sid own_user,
               const struct wr_policy_change *change, struct wr_policy_edited *edited, char *sentence, size_t room);

#endif
