/* Accounts are few (identities, not connections), so they stand in a list. */
#include "broker/quota.h"

#include "named-objects/sentence.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define GIB (UINT64_C(1) << 30)

enum { TOKEN = 1000, NS_PER_SECOND = 1000000000 };

const struct wr_limits wr_limits_default = {
        .of = { [WR_QUOTA_LANES] = 64,
                [WR_QUOTA_SUBSCRIPTIONS] = 1024,
                [WR_QUOTA_RESERVE_BYTES] = 16 * GIB,
                [WR_QUOTA_ALLOCATED_BYTES] = 4 * GIB,
                [WR_QUOTA_CONNECTIONS] = 64 },
        .messages_per_second = 1000,
};

static const char *const names[WR_QUOTAS] = { "lanes", "subscriptions", "reserve_bytes", "allocated_bytes",
                                              "connections" };

const char *
wr_quota_name(enum wr_quota quota)
{
        return names[quota];
}

bool
wr_quota_draw(struct wr_bucket *bucket, uint64_t per_second, uint64_t most, int64_t now_ns)
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
        if (bucket->level < TOKEN)
                return false;
        bucket->level -= TOKEN;
        return true;
}

void
wr_quota_open(struct wr_accounts *accounts, const struct wr_limits *limits, uint64_t reserve_max)
{
        *accounts = (struct wr_accounts){ .limits = limits, .reserve_max = reserve_max };
        wr_list_clear(&accounts->list);
}

static void
key_of(const struct wr_identity *identity, char *key, size_t room)
{
        switch (identity->trust) {
        case WR_TRUST_FULL: wr_sentence(key, room, "user:%" PRIu32, identity->user); break;
        case WR_TRUST_PACKAGE:
                wr_sentence(key, room, "user:%" PRIu32 " package:%s", identity->user, identity->package);
                break;
        case WR_TRUST_CONFINED: wr_sentence(key, room, "user:%" PRIu32 " confined", identity->user); break;
        }
}

struct wr_account *
wr_quota_account(struct wr_accounts *accounts, const struct wr_identity *identity)
{
        struct wr_account *account;
        char key[sizeof(account->key)] = "";

        key_of(identity, key, sizeof(key));
        WR_LIST_EACH(link, &accounts->list)
        {
                account = WR_LIST_OWNER(link, struct wr_account, link);
                if (strcmp(account->key, key) == 0) {
                        account->references++;
                        return account;
                }
        }
        account = calloc(1, sizeof(*account));
        if (!account)
                return NULL;
        memcpy(account->key, key, sizeof(key));
        account->references = 1;
        wr_list_append(&accounts->list, &account->link);
        return account;
}

void
wr_quota_drop(struct wr_account *account)
{
        if (!account || --account->references > 0)
                return;
        for (int i = 0; i < WR_QUOTAS; i++)
                assert(account->held[i] == 0); /* each object returned what it was charged */
        wr_list_remove(&account->link);
        free(account);
}

enum weir_result
wr_quota_charge(struct wr_accounts *accounts, struct wr_account *account, enum wr_quota quota, uint64_t amount,
                char *sentence, size_t room)
{
        uint64_t limit = accounts->limits->of[quota], held = account->held[quota];

        if (amount > limit || held > limit - amount) {
                wr_sentence(sentence, room,
                            "quota: %s holds %" PRIu64 " of %" PRIu64 " %s and asks for %" PRIu64
                            " more. Close some, or raise %s under [quota] in the broker's policy file",
                            account->key, held, limit, names[quota], amount, names[quota]);
                return WEIR_E_QUOTA;
        }
        if (quota == WR_QUOTA_RESERVE_BYTES && accounts->reserve_max != 0 &&
            (amount > accounts->reserve_max || accounts->held[quota] > accounts->reserve_max - amount)) {
                wr_sentence(sentence, room,
                            "quota: all lanes together hold %" PRIu64 " of %" PRIu64
                            " reserve_bytes and %s asks for %" PRIu64 " more. Give the broker a larger reserve",
                            accounts->held[quota], accounts->reserve_max, account->key, amount);
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
        accounts->held[quota] -= amount;
}
