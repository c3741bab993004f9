/*
 * Who may do what: the rules of the policy file, and the decision with its sentence. Pure after loading.
 *
 *      [topic."camera-*"]                           a topic or a pattern; the longest literal prefix decides
 *      publish   = ["package:org.weir.Camera"]      user:NAME|UID  group:NAME|GID  package:ID  capability:NAME
 *      subscribe = ["user:alice"]                   confined:*
 *      [topic."**"]
 *      sddl = "D:P(A;;0x1f;;;S-1-22-1-1000)"        the same in Windows' language
 *      [quota]
 *      lanes = 64
 *      [package."org.weir.Camera"]
 *      socket = "/run/user/1000/weir-camera/bus"    a listener of its own
 *
 * Each entry is a security descriptor, each identity a token, and the decision is the access check of
 * named-objects/rights/access.h. An entry is exclusive: who is not listed may not. `publish` and `subscribe` include
 * map and observe unless the entry has a key for them; stall must be listed. Whoever is in a sandbox needs both halves:
 * the sandbox in the list, and its user, who must be the broker's own or listed, too. Topics without an entry: full
 * trust of the broker's own user may do all, all others nothing.
 */
#ifndef WR_POLICY_H
#define WR_POLICY_H

#include "broker/quota.h"

enum wr_right { /* the same numbers as WEIR_MAY_* */
                WR_MAY_SUBSCRIBE = 1,
                WR_MAY_PUBLISH = 2,
                WR_MAY_MAP = 4,
                WR_MAY_OBSERVE = 8,
                WR_MAY_STALL = 16
};

/* Unknown confinement: its principal, and the name of which its SID is made. No package can be called so. */
#define WR_POLICY_CONFINED "confined:*"

enum { WR_POLICY_PATH_MAX = 256 };

struct wr_policy;

/*
 * path: NULL: nobody named a file, so the one at missing_path is read if there is one; else it is the policy without an
 * entry, and missing_path is what a refusal names as the file to write.
 * WEIR_E_USAGE: the file has an error, and the sentence begins with FILE:LINE:COLUMN; or it cannot be read.
 */
enum weir_result
wr_policy_load(struct wr_policy **policy, const char *path, const char *missing_path, struct wr_sid own_user,
               char *sentence, size_t room);

/* The end of a sentence about a file that was named and is not there: by whom, and what to do. WEIR_E_USAGE. */
enum weir_result
wr_policy_missing(const char *path, char *sentence, size_t room);

/* The same from text that was read already. */
enum weir_result
wr_policy_parse(struct wr_policy **policy, const char *text, size_t size, const char *path, struct wr_sid own_user,
                char *sentence, size_t room);

/* The file of `old` once more, as it is now; where there was none, the one that a refusal suggested. */
enum weir_result
wr_policy_load_again(struct wr_policy **policy, const struct wr_policy *old, char *sentence, size_t room);

/* Its file is the one where a tool of the same user looks, so a line to type need not name it to him. */
void
wr_policy_set_default(struct wr_policy *policy);

void
wr_policy_close(struct wr_policy *policy);

/* False: the sentence names the rule, and the line to type that would grant it. */
bool
wr_policy_decide(const struct wr_policy *policy, const struct wr_identity *identity, const char *topic,
                 enum wr_right right, char *sentence, size_t room);

/* Where the rules speak of this right on the topic: "policy.conf:12", or that they do not. */
void
wr_policy_where(const struct wr_policy *policy, const char *topic, enum wr_right right, char *where, size_t room);

/* May there be a topic that this pattern matches and on which the rules grant all of `rights`? False is certain; true
 * where the rules and the pattern begin alike. */
bool
wr_policy_could(const struct wr_policy *policy, const struct wr_identity *identity, const char *pattern,
                uint32_t rights);

/* May it connect at all? Confinement that nobody vouches for may where a rule has `confined:*`; the sentence of a
 * refusal names that. */
bool
wr_policy_admits(const struct wr_policy *policy, const struct wr_identity *identity, char *sentence, size_t room);

/* To whom the rules could grant anything, by their SIDs, each once: who else connects gets nothing. Of a great many it
 * is everybody. *guests is the caller's to free, NULL where there are none. The broker's own user, who may always
 * connect, is there only if he is listed. False: no memory. */
bool
wr_policy_guests(const struct wr_policy *policy, struct wr_sid **guests, size_t *count);

/* Full trust of the broker's own user. */
bool
wr_policy_is_own(const struct wr_policy *policy, const struct wr_identity *identity);

const struct wr_limits *
wr_policy_limits(const struct wr_policy *policy);

/* "" when there is none. */
const char *
wr_policy_path(const struct wr_policy *policy);

/* The package sockets that the file asks for; false behind the last. */
bool
wr_policy_socket(const struct wr_policy *policy, size_t index, const char **package, const char **socket);

#endif
