/* Accounts: charged before the act, returned by the object's end, the same for all connections of one identity. */
#include "broker/quota.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdint.h>
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

/* Nothing of an account is left: ASan sees to it. */
static void
end(void)
{
        wr_quota_close(&accounts);
        cr_assert(wr_list_empty(&accounts.list) && wr_list_empty(&accounts.idle));
}

TestSuite(quota, .init = begin, .fini = end, .timeout = 30);

static struct wr_account *
account_of(enum wr_trust trust, uint32_t user, const char *package)
{
        struct wr_identity identity = { .trust = trust, .user = wr_sid_of_uid(user) };

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

Test(quota, letters_in_either_case_are_one_account)
{
        struct wr_account *a = account_of(WR_TRUST_PACKAGE, 1, "org.weir.Camera");
        struct wr_account *b = account_of(WR_TRUST_PACKAGE, 1, "ORG.weir.camera");
        struct wr_account *longer = account_of(WR_TRUST_PACKAGE, 1, "org.weir.Cameras");

        cr_assert(a == b, "as the rules see them: else each spelling would have a quota of its own");
        cr_assert(a != longer);
        wr_quota_drop(a);
        wr_quota_drop(b);
        wr_quota_drop(longer);
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

/* Messages that are left of a burst of 1000 behind so many matches. */
static int
left_behind(int matches, size_t pattern_bytes, size_t name_bytes)
{
        struct wr_account *account = account_of(WR_TRUST_FULL, 7, "");
        char pattern[256] = "", name[256] = "";
        int left = 0;

        memset(pattern, 'a', pattern_bytes);
        memset(name, 'a', name_bytes);
        account->messages = (struct wr_bucket){ 0 };
        cr_assert(wr_quota_draw(&account->messages, 1000, 1000, SECOND));
        for (int i = 0; i < matches; i++)
                wr_quota_match(&accounts, account, pattern, name);
        while (wr_quota_draw(&account->messages, 1000, 1000, SECOND))
                left++;
        wr_quota_drop(account);
        return left;
}

Test(quota, patterns_are_paid_for_by_the_time_that_they_take)
{
        int left;

        cr_assert(eq(int, left_behind(100000, 5, 9), 999), "short ones are free");
        left = left_behind(1000, 200, 200);
        cr_assert(left > 500 && left < 700, "%d", left);
        cr_assert(eq(int, left_behind(100000, 200, 200), 0));
}

Test(quota, a_debt_is_forgiven_after_seconds)
{
        struct wr_account *account = account_of(WR_TRUST_FULL, 7, "");
        char name[201];

        memset(name, 'a', 200);
        name[200] = '\0';
        cr_assert(wr_quota_draw(&account->messages, 1000, 1000, SECOND));
        for (int i = 0; i < 1000000; i++)
                wr_quota_match(&accounts, account, name, name);
        cr_assert(not(wr_quota_draw(&account->messages, 1000, 1000, 2 * SECOND)));
        cr_assert(not(wr_quota_draw(&account->messages, 1000, 1000, 2 * SECOND + SECOND / 2)));
        cr_assert(wr_quota_draw(&account->messages, 1000, 1000, 4 * SECOND));
        wr_quota_drop(account);
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

Test(quota, holders_of_tickets_share_a_half_and_it_counts_for_their_creator)
{
        struct wr_account *creator = account_of(WR_TRUST_FULL, 1, ""), *holders, *again;
        char sentence[512];

        holders = wr_quota_account_of_tickets(creator);
        again = wr_quota_account_of_tickets(creator);
        cr_assert(holders == again && holders != creator);
        cr_assert(account_of(WR_TRUST_FULL, 1, "") == creator, "it is no identity's own");
        wr_quota_drop(creator);
        cr_assert(eq(int, charge(holders, WR_QUOTA_LANES, 2), WEIR_OK), "3 lanes, and of an odd one more than half");
        cr_assert(eq(int, wr_quota_charge(&accounts, again, WR_QUOTA_LANES, 1, sentence, sizeof(sentence)),
                     WEIR_E_QUOTA));
        cr_assert(strstr(sentence, "user:1, by tickets over TCP (half of its quota), holds 2 of 2 lanes") &&
                          strstr(sentence, "weir ticket ls"),
                  "%s", sentence);
        cr_assert(eq(int, charge(creator, WR_QUOTA_LANES, 1), WEIR_OK));
        cr_assert(eq(int, charge(creator, WR_QUOTA_LANES, 1), WEIR_E_QUOTA), "what its holders have counts for it");
        cr_assert(eq(u64, accounts.held[WR_QUOTA_LANES], 3), "once");
        wr_quota_return(&accounts, holders, WR_QUOTA_LANES, 2);
        cr_assert(eq(int, charge(creator, WR_QUOTA_LANES, 2), WEIR_OK));
        cr_assert(eq(int, wr_quota_charge(&accounts, again, WR_QUOTA_LANES, 1, sentence, sizeof(sentence)),
                     WEIR_E_QUOTA));
        cr_assert(strstr(sentence, "quota: user:1 holds 3 of 3 lanes") != NULL, "%s", sentence);
        cr_assert(eq(u64, holders->held[WR_QUOTA_LANES], 0), "all or nothing");
        wr_quota_return(&accounts, creator, WR_QUOTA_LANES, 3);
        wr_quota_drop(creator);
        wr_quota_drop(holders);
        wr_quota_drop(again);
}

Test(quota, holders_of_tickets_use_up_none_of_their_creators_messages)
{
        struct wr_account *creator = account_of(WR_TRUST_FULL, 1, ""), *holders = wr_quota_account_of_tickets(creator);
        int count = 0;

        limits.messages_per_second = 100;
        while (wr_quota_message(holders, SECOND))
                count++;
        cr_assert(eq(int, count, 50));
        for (count = 0; wr_quota_message(creator, SECOND); count++)
                ;
        cr_assert(eq(int, count, 100));
        wr_quota_drop(holders);
        wr_quota_drop(creator);
}

Test(quota, relays_are_begun_at_once_then_in_turn_and_beyond_that_not)
{
        struct wr_account *creator = account_of(WR_TRUST_FULL, 1, ""), *holders = wr_quota_account_of_tickets(creator);
        int64_t wait_ns = 0, before_ns, count = 0;

        limits.of[WR_QUOTA_CONNECTIONS] = 6;
        limits.relays_per_second = 4;
        for (; wr_quota_relay(creator, SECOND) == 0; count++)
                ;
        cr_assert(eq(i64, count, 6));
        for (count = 1; (before_ns = wait_ns, wait_ns = wr_quota_relay(creator, SECOND)) > 0; count++)
                cr_assert(gt(i64, wait_ns, before_ns));
        cr_assert(eq(i64, before_ns, WR_QUOTA_TURN_SECONDS * SECOND));
        cr_assert(eq(i64, count, 4 * WR_QUOTA_TURN_SECONDS));
        cr_assert(eq(i64, wait_ns, -1));
        cr_assert(eq(i64, wr_quota_relay(creator, SECOND + SECOND / 4), WR_QUOTA_TURN_SECONDS * SECOND));
        cr_assert(eq(i64, wr_quota_relay(creator, SECOND + SECOND / 4), -1));
        for (count = 0; wr_quota_relay(holders, SECOND) == 0; count++)
                ;
        cr_assert(eq(i64, count, 3), "a half, and nothing of their creator's");
        wr_quota_drop(holders);
        wr_quota_drop(creator);
}

Test(quota, relays_keep_their_rate_whatever_the_policy_says_of_the_rest)
{
        static const uint64_t most[] = { UINT64_C(1) << 36, UINT64_C(1) << 54, 10000000000000000, UINT64_C(1) << 60 };

        for (size_t i = 0; i < sizeof(most) / sizeof(*most); i++) {
                struct wr_account *account = account_of(WR_TRUST_FULL, 10 + (uint32_t)i, "");
                int count = 0;

                limits.of[WR_QUOTA_CONNECTIONS] = most[i];
                limits.relays_per_second = 1000000;
                while (wr_quota_relay(account, SECOND) >= 0 && count < 10000000)
                        count++;
                cr_assert(eq(int, count, 1024 + 2 * 1000000));
                limits.relays_per_second = 1;
                cr_assert(eq(i64, wr_quota_relay(account, SECOND), -1));
                cr_assert(eq(i64, wr_quota_relay(account, 2 * SECOND), 2 * SECOND), "two seconds' worth, not more");
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

Test(quota, who_leaves_and_comes_back_has_the_bucket_that_was_left)
{
        struct wr_account *account = account_of(WR_TRUST_FULL, 1, "");
        struct wr_account *again;

        cr_assert(eq(int, drawn(&account->messages, SECOND), 100));
        account->log_suppressed = 7;
        wr_quota_drop(account);
        again = account_of(WR_TRUST_FULL, 1, "");
        cr_assert(again == account);
        cr_assert(eq(int, drawn(&again->messages, SECOND), 0));
        cr_assert(eq(u64, again->log_suppressed, 7));
        cr_assert(eq(int, charge(again, WR_QUOTA_LANES, 3), WEIR_OK), "what it held is not remembered");
        wr_quota_return(&accounts, again, WR_QUOTA_LANES, 3);
        wr_quota_drop(again);
}

Test(quota, only_the_last_that_left_are_remembered)
{
        struct wr_account *first = account_of(WR_TRUST_FULL, 1, ""), *second = account_of(WR_TRUST_FULL, 2, "");

        drawn(&first->messages, SECOND);
        drawn(&second->messages, SECOND);
        wr_quota_drop(first);
        wr_quota_drop(second);
        for (uint32_t user = 3; user < 2 + WR_QUOTA_IDLE_MAX; user++)
                wr_quota_drop(account_of(WR_TRUST_FULL, user, ""));
        cr_assert(eq(uint, accounts.idle_count, WR_QUOTA_IDLE_MAX));
        second = account_of(WR_TRUST_FULL, 2, "");
        cr_assert(eq(int, drawn(&second->messages, SECOND), 0), "64 have left since the one before it");
        wr_quota_drop(second);
        wr_quota_drop(account_of(WR_TRUST_FULL, 2 + WR_QUOTA_IDLE_MAX, ""));
        cr_assert(eq(uint, accounts.idle_count, WR_QUOTA_IDLE_MAX));
        first = account_of(WR_TRUST_FULL, 1, "");
        cr_assert(eq(int, drawn(&first->messages, SECOND), 100), "it was forgotten");
        wr_quota_drop(first);
}

static void
expect_sentence(struct wr_account *account, enum wr_quota quota, uint64_t amount, const char *expected)
{
        char sentence[512] = "";

        cr_assert(
                eq(int, wr_quota_charge(&accounts, account, quota, amount, sentence, sizeof(sentence)), WEIR_E_QUOTA));
        cr_assert(eq(str, sentence, (char *)(uintptr_t)expected));
}

/* The default: fifteen publishers of 1 GiB and a little, and one more. */
Test(quota, a_refusal_tells_the_numbers_and_what_uses_less)
{
        struct wr_account *account = account_of(WR_TRUST_FULL, 1, "");
        const uint64_t gib = UINT64_C(1) << 30, lane = gib + 4096;

        limits = wr_limits_default;
        accounts.reserve_max = 15 * lane;
        cr_assert(eq(int, charge(account, WR_QUOTA_RESERVE_BYTES, 15 * lane), WEIR_OK));
        expect_sentence(
                account, WR_QUOTA_RESERVE_BYTES, lane,
                "quota: user:1 holds 16106188800 of 17179869184 reserve_bytes and asks for 1073745920 more"
                " (15.0 of 16.0 GiB, and 1.0 more). A publisher reserves its memory_max, 512 MiB to 1 GiB unless"
                " it says less: lower memory_max of the publishers, close some, or raise reserve_bytes under [quota] in"
                " the broker's policy file");
        expect_sentence(
                account, WR_QUOTA_RESERVE_BYTES, 4096,
                "quota: all lanes together hold 16106188800 of 16106188800 reserve_bytes and user:1 asks for"
                " 4096 more (15.0 of 15.0 GiB, and 0.0 more). A publisher reserves its memory_max, 512 MiB to 1 GiB"
                " unless it says less: lower memory_max of the publishers, close some, or give the broker a larger"
                " reserve (.reserve_max)");
        expect_sentence(account, WR_QUOTA_LANES, 65,
                        "quota: user:1 holds 0 of 64 lanes and asks for 65 more. Close some, or raise lanes under"
                        " [quota] in the broker's policy file");
        limits.of[WR_QUOTA_ALLOCATED_BYTES] = 1 << 20;
        expect_sentence(account, WR_QUOTA_ALLOCATED_BYTES, 3 << 20,
                        "quota: user:1 holds 0 of 1048576 allocated_bytes and asks for 3145728 more (0.0 of 1.0 MiB,"
                        " and 3.0 more). Each subscription takes a page for each publisher of its topic: close some,"
                        " lower frames_max of the subscribers, or raise allocated_bytes under [quota] in the broker's"
                        " policy file");
        wr_quota_return(&accounts, account, WR_QUOTA_RESERVE_BYTES, 15 * lane);
        wr_quota_drop(account);
}
