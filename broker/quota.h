/*
 * What one identity may hold, all its connections together: one tier, so that no limit multiplies with connections.
 * Charged before the act, returned by the object's end. The last few identities that left are remembered with their
 * buckets, or coming back would be a way to a full one. Pure: no clock, no memory but its own.
 */
#ifndef WR_QUOTA_H
#define WR_QUOTA_H

#include "broker/list.h"
#include "bus/result.h"
#include "named-objects/identity.h"

enum wr_quota {
        WR_QUOTA_LANES,
        WR_QUOTA_SUBSCRIPTIONS,
        WR_QUOTA_RESERVE_BYTES,   /* segments of lanes: who may map can turn reserve into allocation */
        WR_QUOTA_ALLOCATED_BYTES, /* what the broker itself allocates for it: pair pages */
        WR_QUOTA_CONNECTIONS,
        WR_QUOTAS
};

struct wr_limits {
        uint64_t of[WR_QUOTAS];
        uint64_t messages_per_second, relays_per_second;
};

enum { WR_QUOTA_IDLE_MAX = 64 }; /* identities without a connection that are remembered */

extern const struct wr_limits wr_limits_default;

/* "lanes", "reserve_bytes": the key of the policy file. */
const char *
wr_quota_name(enum wr_quota quota);

/* Tokens that come back with time; may be drawn below zero by one draw. */
struct wr_bucket {
        int64_t level; /* thousandths of a token */
        int64_t filled_ns;
};

/* Takes one token of a bucket that holds `most` and gets `per_second`. False: there was none. */
bool
wr_quota_draw(struct wr_bucket *bucket, uint64_t per_second, uint64_t most, int64_t now_ns);

enum { WR_QUOTA_KEY = WR_PACKAGE_MAX + WR_SID_TEXT_MAX + 32 }; /* room for user and package */

enum { WR_QUOTA_PATTERN = 16 /* subscriptions that a pattern counts for, subscribed to or watched */ };

struct wr_account {
        struct wr_link link;
        struct wr_accounts *accounts;
        struct wr_account *creator; /* NULL: an identity's own; else wr_quota_account_of_tickets */
        char key[WR_QUOTA_KEY];     /* user, and package or confinement; letters in either case are the same */
        uint64_t references;
        uint64_t held[WR_QUOTAS];
        uint64_t away; /* connections that hung up and are waited for: they count for none, and are as many at most */
        struct wr_bucket messages, relays, log_lines;
        uint64_t log_suppressed;
};

struct wr_accounts {
        struct wr_link list, idle; /* idle: nobody refers to them; the longest gone is the first */
        unsigned idle_count;
        const struct wr_limits *limits;
        uint64_t held[WR_QUOTAS]; /* by all */
        uint64_t reserve_max;     /* of all accounts together; 0: none */
};

/* A pattern of this account was held against a name. That takes time with both lengths, and others' endpoints may be
 * the occasion: so it is paid for in messages, at most so that an eighth of the broker's time goes to one account. */
void
wr_quota_match(struct wr_accounts *accounts, struct wr_account *account, const char *pattern, const char *name);

void
wr_quota_open(struct wr_accounts *accounts, const struct wr_limits *limits, uint64_t reserve_max);

/* When no account is referred to any more. One that was never opened, all zero, is left alone. */
void
wr_quota_close(struct wr_accounts *accounts);

/* The account of an identity, with a reference more; NULL: no memory. */
struct wr_account *
wr_quota_account(struct wr_accounts *accounts, const struct wr_identity *identity);

/* Of all who hold this identity's tickets and are nobody themselves: they may hold a half of what it may, and what they
 * hold is held by it, too. So the other half is left to its own programs. It is its creator's but for that, key and
 * all. With a reference more; NULL: no memory. */
struct wr_account *
wr_quota_account_of_tickets(struct wr_account *creator);

/* What this account may hold. */
uint64_t
wr_quota_limit(const struct wr_account *account, enum wr_quota quota);

/* One control message of it. False: it has to wait for others' turns. */
bool
wr_quota_message(struct wr_account *account, int64_t now_ns);

enum { WR_QUOTA_TURN_SECONDS = 2 };

/* One more relayed endpoint of it. At once as many as it may have connections, then relays_per_second. Returns how long
 * it has to wait for its turn, in ns; -1: more than WR_QUOTA_TURN_SECONDS, and it was not counted. */
int64_t
wr_quota_relay(struct wr_account *account, int64_t now_ns);

/* A reference less. Who has none holds nothing, and is forgotten when WR_QUOTA_IDLE_MAX others have left since. */
void
wr_quota_drop(struct wr_account *account);

/* WEIR_E_QUOTA: over the limit, nothing was charged, and the sentence has the numbers, what uses less, and the line
 * that raises the limit. */
enum weir_result
wr_quota_charge(struct wr_accounts *accounts, struct wr_account *account, enum wr_quota quota, uint64_t amount,
                char *sentence, size_t room);

void
wr_quota_return(struct wr_accounts *accounts, struct wr_account *account, enum wr_quota quota, uint64_t amount);

#endif
