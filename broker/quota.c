/* Accounts are few (identities, not connections), so they stand in a list. */
#include "broker/quota.h"

#include "named-objects/sentence.h"
#include "named-objects/user.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

enum {
        TOKEN = 1000,
        NS_PER_SECOND = 1000000000,
        /* The worst pattern takes 77 ns for each MATCH_BYTES of the product of the lengths: so many of them are an
         * eighth of a second. */
        MATCH_BYTES = 64,
        MATCHES_PER_SECOND = 1600000,
        DEBT_SECONDS = 2,  /* whoever spends more is forgiven the rest */
        RELAYS_MAX = 1024, /* at once, however many connections the policy grants: more than a broker has */
};

const struct wr_limits wr_limits_default = {
        .of = { [WR_QUOTA_LANES] = 64,
                [WR_QUOTA_SUBSCRIPTIONS] = 1024,
                [WR_QUOTA_RESERVE_BYTES] = 16 * GIB,
                [WR_QUOTA_ALLOCATED_BYTES] = 4 * GIB,
                [WR_QUOTA_CONNECTIONS] = 64 },
        .messages_per_second = 1000,
        .relays_per_second = 5,
};

static const char *const names[WR_QUOTAS] = { "lanes", "subscriptions", "reserve_bytes", "allocated_bytes",
                                              "connections" };

const char *
wr_quota_name(enum wr_quota quota)
{
        return names[quota];
}

/* What came back since. */
static void
fill(struct wr_bucket *bucket, uint64_t per_second, uint64_t most, int64_t now_ns)
{
        int64_t full = (int64_t)most * TOKEN, passed_ns = now_ns - bucket->filled_ns;

        /* A bucket that was never drawn from, or not for long, is full; this also keeps the product below small. */
        if (bucket->filled_ns == 0 || passed_ns >= NS_PER_SECOND * (int64_t)(most / per_second + 1)) {
                bucket->level = full;
                bucket->filled_ns = now_ns;
        } else if (passed_ns > 0) {
                int64_t gained = (int64_t)((double)passed_ns * (double)per_second * TOKEN / NS_PER_SECOND);

                /* Less than a thousandth stays in the time that is not accounted for yet. */
                if (gained > 0) {
                        bucket->level = bucket->level + gained > full ? full : bucket->level + gained;
                        bucket->filled_ns = now_ns;
                }
        }
}

bool
wr_quota_draw(struct wr_bucket *bucket, uint64_t per_second, uint64_t most, int64_t now_ns)
{
        fill(bucket, per_second, most, now_ns);
        if (bucket->level < TOKEN)
                return false;
        bucket->level -= TOKEN;
        return true;
}

void
wr_quota_match(struct wr_accounts *accounts, struct wr_account *account, const char *pattern, const char *name)
{
        uint64_t per_second = accounts->limits->messages_per_second;
        uint64_t work = strlen(pattern) * strlen(name) / MATCH_BYTES;
        int64_t least = -DEBT_SECONDS * (int64_t)per_second * TOKEN;

        account->messages.level -= (int64_t)(work * per_second * TOKEN / MATCHES_PER_SECOND);
        if (account->messages.level < least)
                account->messages.level = least;
}

void
wr_quota_open(struct wr_accounts *accounts, const struct wr_limits *limits, uint64_t reserve_max)
{
        *accounts = (struct wr_accounts){ .limits = limits, .reserve_max = reserve_max };
        wr_list_clear(&accounts->list);
        wr_list_clear(&accounts->idle);
}

static void
forget(struct wr_accounts *accounts, struct wr_account *account)
{
        accounts->idle_count--;
        wr_list_remove(&account->link);
        free(account);
}

void
wr_quota_close(struct wr_accounts *accounts)
{
        if (accounts->idle_count == 0)
                return;
        while (!wr_list_empty(&accounts->idle))
                free(WR_LIST_OWNER(wr_list_pop(&accounts->idle), struct wr_account, link));
        accounts->idle_count = 0;
}

static void
key_of(const struct wr_identity *identity, char *key, size_t room)
{
        char user[WR_SID_TEXT_MAX];

        wr_user_text(&identity->user, user, sizeof(user));
        switch (identity->trust) {
        case WR_TRUST_FULL: wr_sentence(key, room, "user:%s", user); break;
        case WR_TRUST_PACKAGE: wr_sentence(key, room, "user:%s package:%s", user, identity->package); break;
        case WR_TRUST_CONFINED: wr_sentence(key, room, "user:%s confined", user); break;
        }
}

static char
lower(char c)
{
        return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* As the rules compare packages: else one that varies its name's letters would have as many accounts as it likes. */
static bool
is_same(const char *a, const char *b)
{
        while (*a && lower(*a) == lower(*b)) {
                a++;
                b++;
        }
        return lower(*a) == lower(*b);
}

/* creator: of an account of tickets; NULL: an identity's own. */
static struct wr_account *
find(struct wr_link *list, const char *key, const struct wr_account *creator)
{
        WR_LIST_EACH(link, list)
        {
                struct wr_account *account = WR_LIST_OWNER(link, struct wr_account, link);

                if (account->creator == creator && is_same(account->key, key))
                        return account;
        }
        return NULL;
}

struct wr_account *
wr_quota_account(struct wr_accounts *accounts, const struct wr_identity *identity)
{
        struct wr_account *account;
        char key[sizeof(account->key)] = "";

        key_of(identity, key, sizeof(key));
        account = find(&accounts->list, key, NULL);
        if (account) {
                account->references++;
                return account;
        }
        account = find(&accounts->idle, key, NULL);
        if (account) {
                wr_list_remove(&account->link);
                accounts->idle_count--;
        } else {
                account = calloc(1, sizeof(*account));
                if (!account)
                        return NULL;
                memcpy(account->key, key, sizeof(key));
                account->accounts = accounts;
        }
        account->references = 1;
        wr_list_append(&accounts->list, &account->link);
        return account;
}

struct wr_account *
wr_quota_account_of_tickets(struct wr_account *creator)
{
        struct wr_accounts *accounts = creator->accounts;
        struct wr_account *account = find(&accounts->list, creator->key, creator);

        if (account) {
                account->references++;
                return account;
        }
        account = calloc(1, sizeof(*account));
        if (!account)
                return NULL;
        memcpy(account->key, creator->key, sizeof(account->key));
        account->accounts = accounts;
        account->creator = creator;
        account->references = 1;
        creator->references++;
        wr_list_append(&accounts->list, &account->link);
        return account;
}

void
wr_quota_drop(struct wr_account *account)
{
        struct wr_accounts *accounts;

        if (!account || --account->references > 0)
                return;
        for (int i = 0; i < WR_QUOTAS; i++)
                assert(account->held[i] == 0); /* each object returned what it was charged */
        accounts = account->accounts;
        wr_list_remove(&account->link);
        if (account->creator) { /* its last ticket is forgotten: nobody can come back */
                wr_quota_drop(account->creator);
                free(account);
                return;
        }
        wr_list_append(&accounts->idle, &account->link);
        if (++accounts->idle_count > WR_QUOTA_IDLE_MAX)
                forget(accounts, WR_LIST_OWNER(accounts->idle.next, struct wr_account, link));
}

/* Of a number that an identity may have, what this account may. */
static uint64_t
share(const struct wr_account *account, uint64_t most)
{
        return account->creator ? (most + 1) / 2 : most;
}

uint64_t
wr_quota_limit(const struct wr_account *account, enum wr_quota quota)
{
        return share(account, account->accounts->limits->of[quota]);
}

bool
wr_quota_message(struct wr_account *account, int64_t now_ns)
{
        uint64_t per_second = share(account, account->accounts->limits->messages_per_second);

        return wr_quota_draw(&account->messages, per_second, per_second, now_ns);
}

int64_t
wr_quota_relay(struct wr_account *account, int64_t now_ns)
{
        uint64_t per_second = share(account, account->accounts->limits->relays_per_second);
        uint64_t most = wr_quota_limit(account, WR_QUOTA_CONNECTIONS);
        int64_t least = -WR_QUOTA_TURN_SECONDS * (int64_t)per_second * TOKEN, left, wait_ns;

        fill(&account->relays, per_second, most < RELAYS_MAX ? most : RELAYS_MAX, now_ns);
        if (account->relays.level < least) /* its rate was higher before a reload */
                account->relays.level = least;
        left = account->relays.level - TOKEN;
        wait_ns = left < 0 ? -left * (NS_PER_SECOND / TOKEN) / (int64_t)per_second : 0;
        if (wait_ns > WR_QUOTA_TURN_SECONDS * (int64_t)NS_PER_SECOND)
                return -1;
        account->relays.level = left;
        return wait_ns;
}

static bool
is_bytes(enum wr_quota quota)
{
        return quota == WR_QUOTA_RESERVE_BYTES || quota == WR_QUOTA_ALLOCATED_BYTES;
}

/* " (15.0 of 16.0 GiB, and 1.0 more)"; nothing for what is small or no bytes. */
static void
size_text(enum wr_quota quota, uint64_t held, uint64_t limit, uint64_t amount, char *text, size_t room)
{
        const double unit = limit >= GIB ? (double)GIB : (double)MIB;

        text[0] = '\0';
        if (is_bytes(quota) && limit >= MIB)
                wr_sentence(text, room, " (%.1f of %.1f %s, and %.1f more)", (double)held / unit, (double)limit / unit,
                            limit >= GIB ? "GiB" : "MiB", (double)amount / unit);
}

/* What uses less. */
static const char *
advice(enum wr_quota quota)
{
        switch (quota) {
        case WR_QUOTA_RESERVE_BYTES:
                return "A publisher reserves its memory_max, 512 MiB to 1 GiB unless it says less: lower memory_max of"
                       " the publishers, close some";
        case WR_QUOTA_ALLOCATED_BYTES:
                return "Each subscription takes a page for each publisher of its topic: close some, lower frames_max of"
                       " the subscribers";
        default: return "Close some";
        }
}

enum weir_result
wr_quota_charge(struct wr_accounts *accounts, struct wr_account *account, enum wr_quota quota, uint64_t amount,
                char *sentence, size_t room)
{
        uint64_t limit = wr_quota_limit(account, quota), held = account->held[quota];
        enum weir_result result;
        char sizes[96];

        if (amount > limit || held > limit - amount) {
                size_text(quota, held, limit, amount, sizes, sizeof(sizes));
                wr_sentence(sentence, room,
                            "quota: %s%s holds %" PRIu64 " of %" PRIu64 " %s and asks for %" PRIu64
                            " more%s. %s%s, or raise %s under [quota] in the broker's policy file",
                            account->key, account->creator ? ", by tickets over TCP (half of its quota)," : "", held,
                            limit, names[quota], amount, sizes, advice(quota),
                            account->creator ? ", revoke a ticket (weir ticket ls)" : "", names[quota]);
                return WEIR_E_QUOTA;
        }
        if (account->creator) {
                result = wr_quota_charge(accounts, account->creator, quota, amount, sentence, room);
                account->held[quota] += result == WEIR_OK ? amount : 0;
                return result;
        }
        if (quota == WR_QUOTA_RESERVE_BYTES && accounts->reserve_max != 0 &&
            (amount > accounts->reserve_max || accounts->held[quota] > accounts->reserve_max - amount)) {
                size_text(quota, accounts->held[quota], accounts->reserve_max, amount, sizes, sizeof(sizes));
                wr_sentence(sentence, room,
                            "quota: all lanes together hold %" PRIu64 " of %" PRIu64
                            " reserve_bytes and %s asks for %" PRIu64
                            " more%s. %s, or give the broker a larger reserve (.reserve_max)",
                            accounts->held[quota], accounts->reserve_max, account->key, amount, sizes, advice(quota));
                return WEIR_E_QUOTA;
        }
        account->held[quota] += amount;
        accounts->held[quota] += amount;
        return WEIR_OK;
}

void
wr_quota_return(struct wr_accounts *accounts, struct wr_account *account, enum wr_quota quota, uint64_t amount)
{
        assert(account->held[quota] >= amount && accounts->held[quota] >= amount);
        account->held[quota] -= amount;
        if (account->creator) {
                wr_quota_return(accounts, account->creator, quota, amount);
                return;
        }
        accounts->held[quota] -= amount;
}
