/* What is kept of refusals for `weir who --denied`. */
#include "broker/refusal.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

TestSuite(refusal, .timeout = 30);

static void
note(struct wr_refusals *refusals, const char *account, const char *sentence, int64_t now_ns)
{
        struct wr_refusal refusal = { .result = WEIR_E_DENIED, .pid = (uint32_t)now_ns };

        snprintf(refusal.account, sizeof refusal.account, "%s", account);
        snprintf(refusal.sentence, sizeof refusal.sentence, "%s", sentence);
        wr_refusal_note(refusals, &refusal, now_ns);
}

Test(refusal, the_last_64_are_kept_oldest_first)
{
        struct wr_refusals refusals = { .count = 0 };
        const struct wr_refusal *refusal;
        uint64_t serial = 0, count = 0;
        char sentence[32];

        cr_assert(zero(ptr, (void *)(uintptr_t)wr_refusal_next(&refusals, 0)));
        for (int i = 1; i <= 100; i++) {
                snprintf(sentence, sizeof sentence, "no %d", i);
                note(&refusals, "user 1", sentence, i);
        }
        while ((refusal = wr_refusal_next(&refusals, serial))) {
                snprintf(sentence, sizeof sentence, "no %d", (int)(37 + count++));
                cr_assert(eq(str, (char *)(uintptr_t)refusal->sentence, sentence));
                cr_assert(gt(u64, refusal->serial, serial));
                serial = refusal->serial;
        }
        cr_assert(eq(u64, count, WR_REFUSALS_KEPT));
        wr_refusal_close(&refusals);
}

Test(refusal, the_same_words_to_the_same_identity_are_counted_and_push_nobody_out)
{
        struct wr_refusals refusals = { .count = 0 };
        const struct wr_refusal *refusal;

        note(&refusals, "user 1", "first", 1);
        for (int i = 2; i < 1000; i++)
                note(&refusals, "user 2", "no", i);
        note(&refusals, "user 3", "no", 1000);
        refusal = wr_refusal_next(&refusals, 0);
        cr_assert(eq(str, (char *)(uintptr_t)refusal->sentence, "first"));
        cr_assert(eq(u32, refusal->times, 1));
        refusal = wr_refusal_next(&refusals, refusal->serial);
        cr_assert(eq(str, (char *)(uintptr_t)refusal->account, "user 2"));
        cr_assert(eq(u32, refusal->times, 998));
        cr_assert(eq(i64, refusal->at_ns, 999));
        cr_assert(eq(u32, refusal->pid, 999));
        refusal = wr_refusal_next(&refusals, refusal->serial);
        cr_assert(eq(str, (char *)(uintptr_t)refusal->account, "user 3"));
        cr_assert(zero(ptr, (void *)(uintptr_t)wr_refusal_next(&refusals, refusal->serial)));
        wr_refusal_close(&refusals);
}

Test(refusal, requests_that_name_a_topic_tell_it)
{
        struct wr_message publish = { .kind = WR_PUBLISH }, subscribe = { .kind = WR_SUBSCRIBE },
                          stop = { .kind = WR_STOP };

        strcpy(publish.publish.topic, "a/b");
        strcpy(subscribe.subscribe.topic, "c");
        cr_assert(eq(str, (char *)(uintptr_t)wr_refusal_topic(&publish), "a/b"));
        cr_assert(eq(str, (char *)(uintptr_t)wr_refusal_topic(&subscribe), "c"));
        cr_assert(eq(str, (char *)(uintptr_t)wr_refusal_topic(&stop), ""));
        cr_assert(eq(str, (char *)(uintptr_t)wr_refusal_topic(NULL), ""));
}
