/* Accounts: charged before the act, returned by the object's end, the same for all connections of one identity. */
#include "broker/quota.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#define SECOND INT64_C(1000000000)

static struct wr_accounts accounts;
static struct wr_limits limits;

static void
begin(void)
{
        limits = wr_limits_default;
        limits.of[WR_QUOTA_LANES] = 3;
        limits.of[WR_QUOTA_RESERVE_BYTES] = 1000;
        wr_quota_open(&accounts, &limits, 1500);
}

TestSuite(quota, .init = begin);

static struct wr_account *
account_of(enum wr_trust trust, uint32_t user, const char *package)
{
        struct wr_identity identity = { .trust = trust, .user = user };

        strcpy(identity.package, package);
        return wr_quota_account(&accounts, &identity);
}

static enum weir_result
charge(struct wr_account *account, enum wr_quota quota, uint64_t amount)
{
        return wr_quota_charge(&accounts, account, quota, amount, NULL, 0);
}

Test(quota, the_limit_is_reached_and_not_passed)
{
        struct wr_account *account = account_of(WR_TRUST_FULL, 1, "");
        char sentence[512];

        for (int i = 0; i < 3; i++)
                cr_assert(eq(int, charge(account, WR_QUOTA_LANES, 1), WEIR_OK));
        cr_assert(eq(int, wr_quota_charge(&accounts, account, WR_QUOTA_LANES, 1, sentence, sizeof(sentence)),
                     WEIR_E_QUOTA));
        cr_assert(strstr(sentence, "user:1 holds 3 of 3 lanes and asks for 1 more") != NULL, "%s", sentence);
        wr_quota_return(&accounts, account, WR_QUOTA_LANES, 1);
        cr_assert(eq(int, charge(account, WR_QUOTA_LANES, 1), WEIR_OK));
        wr_quota_return(&accounts, account, WR_QUOTA_LANES, 3);
        wr_quota_drop(account);
}

Test(quota, amounts_near_the_end_of_the_number_do_not_wrap)
{
        struct wr_account *account = account_of(WR_TRUST_FULL, 1, "");

        cr_assert(eq(int, charge(account, WR_QUOTA_RESERVE_BYTES, 1), WEIR_OK));
        cr_assert(eq(int, charge(account, WR_QUOTA_RESERVE_BYTES, UINT64_MAX), WEIR_E_QUOTA));
        cr_assert(eq(int, charge(account, WR_QUOTA_RESERVE_BYTES, UINT64_MAX - 1), WEIR_E_QUOTA));
        cr_assert(eq(int, charge(account, WR_QUOTA_RESERVE_BYTES, 1000), WEIR_E_QUOTA));
        cr_assert(eq(int, charge(account, WR_QUOTA_RESERVE_BYTES, 999), WEIR_OK));
        wr_quota_return(&accounts, account, WR_QUOTA_RESERVE_BYTES, 1000);
        wr_quota_drop(account);
}

Test(quota, one_identity_has_one_account_and_others_have_their_own)
{
        struct wr_account *user = account_of(WR_TRUST_FULL, 1, ""), *again = account_of(WR_TRUST_FULL, 1, "");
        struct wr_account *other = account_of(WR_TRUST_FULL, 2, "");
        struct wr_account *package = account_of(WR_TRUST_PACKAGE, 1, "org.a");
        struct wr_account *sandbox = account_of(WR_TRUST_CONFINED, 1, "");

        cr_assert(user == again);
        cr_assert(user != other && user != package && user != sandbox && package != sandbox);
        for (int i = 0; i < 3; i++)
                cr_assert(eq(int, charge(i % 2 ? user : again, WR_QUOTA_LANES, 1), WEIR_OK));
        cr_assert(eq(int, charge(again, WR_QUOTA_LANES, 1), WEIR_E_QUOTA));
        cr_assert(eq(int, charge(package, WR_QUOTA_LANES, 1), WEIR_OK));
        wr_quota_return(&accounts, user, WR_QUOTA_LANES, 3);
        wr_quota_return(&accounts, package, WR_QUOTA_LANES, 1);
        wr_quota_drop(user);
        wr_quota_drop(again);
        wr_quota_drop(other);
        wr_quota_drop(package);
        wr_quota_drop(sandbox);
        cr_assert(wr_list_empty(&accounts.list), "who holds nothing is forgotten");
}

Test(quota, the_reserve_of_all_is_bounded_too)
{
        struct wr_account *a = account_of(WR_TRUST_FULL, 1, ""), *b = account_of(WR_TRUST_FULL, 2, "");
        char sentence[512];

        cr_assert(eq(int, charge(a, WR_QUOTA_RESERVE_BYTES, 900), WEIR_OK));
        cr_assert(eq(int, wr_quota_charge(&accounts, b, WR_QUOTA_RESERVE_BYTES, 601, sentence, sizeof(sentence)),
                     WEIR_E_QUOTA));
        cr_assert(strstr(sentence, "all lanes together hold 900 of 1500") != NULL, "%s", sentence);
        cr_assert(eq(int, charge(b, WR_QUOTA_RESERVE_BYTES, 600), WEIR_OK));
        wr_quota_return(&accounts, a, WR_QUOTA_RESERVE_BYTES, 900);
        wr_quota_return(&accounts, b, WR_QUOTA_RESERVE_BYTES, 600);
        wr_quota_drop(a);
        wr_quota_drop(b);
}

static int
drawn(struct wr_bucket *bucket, int64_t now_ns)
{
        int count = 0;

        while (wr_quota_draw(bucket, 100, 100, now_ns))
                count++;
        return count;
}

Test(quota, a_bucket_gives_a_burst_and_then_its_rate)
{
        struct wr_bucket bucket = { 0 };

        cr_assert(eq(int, drawn(&bucket, 5 * SECOND), 100));
        cr_assert(eq(int, drawn(&bucket, 5 * SECOND), 0));
        cr_assert(eq(int, drawn(&bucket, 5 * SECOND + SECOND / 10), 10));
        cr_assert(eq(int, drawn(&bucket, 5 * SECOND + SECOND / 10 + SECOND / 2), 50));
        cr_assert(eq(int, drawn(&bucket, 1000 * SECOND), 100), "it never holds more than a burst");
}

Test(quota, a_bucket_asked_often_loses_no_time)
{
        struct wr_bucket bucket = { 0 };
        int count = 0;

        drawn(&bucket, SECOND);
        for (int64_t now_ns = SECOND; now_ns < 2 * SECOND; now_ns += 1000)
                count += wr_quota_draw(&bucket, 100, 100, now_ns);
        cr_assert(count >= 90 && count <= 100, "%d", count);
}

Test(quota, each_quota_gives_its_limit_and_not_one_more)
{
        for (int quota = 0; quota < WR_QUOTAS; quota++) {
                struct wr_account *account = account_of(WR_TRUST_FULL, 1, "");
                char sentence[512];

                limits.of[quota] = 7;
                cr_assert(eq(int, charge(account, (enum wr_quota)quota, 8), WEIR_E_QUOTA), "at once");
                cr_assert(eq(int, charge(account, (enum wr_quota)quota, 6), WEIR_OK));
                cr_assert(eq(int, charge(account, (enum wr_quota)quota, 1), WEIR_OK));
                cr_assert(eq(int,
                             wr_quota_charge(&accounts, account, (enum wr_quota)quota, 1, sentence, sizeof(sentence)),
                             WEIR_E_QUOTA));
                cr_assert(strstr(sentence, "holds 7 of 7 ") && strstr(sentence, wr_quota_name((enum wr_quota)quota)),
                          "%s", sentence);
                wr_quota_return(&accounts, account, (enum wr_quota)quota, 7);
                cr_assert(eq(int, charge(account, (enum wr_quota)quota, 7), WEIR_OK));
                wr_quota_return(&accounts, account, (enum wr_quota)quota, 7);
                wr_quota_drop(account);
        }
}

Test(quota, a_lowered_limit_takes_nothing_and_gives_nothing)
{
        struct wr_account *account = account_of(WR_TRUST_FULL, 1, "");

        cr_assert(eq(int, charge(account, WR_QUOTA_LANES, 3), WEIR_OK));
        limits.of[WR_QUOTA_LANES] = 1;
        cr_assert(eq(int, charge(account, WR_QUOTA_LANES, 1), WEIR_E_QUOTA));
        wr_quota_return(&accounts, account, WR_QUOTA_LANES, 2);
        cr_assert(eq(int, charge(account, WR_QUOTA_LANES, 1), WEIR_E_QUOTA));
        wr_quota_return(&accounts, account, WR_QUOTA_LANES, 1);
        cr_assert(eq(int, charge(account, WR_QUOTA_LANES, 1), WEIR_OK));
        wr_quota_return(&accounts, account, WR_QUOTA_LANES, 1);
        wr_quota_drop(account);
}
