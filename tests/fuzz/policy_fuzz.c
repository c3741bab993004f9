/*
 * The policy file: whatever it holds is read within its bounds, or refused at a place that exists. Rules that are
 * taken must decide; without an entry nobody but the own user may do anything.
 */
#include "broker/policy.h"
#include "broker/policy_file.h"

#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { OWN = 1000 };

static void
expect(int held)
{
        if (!held)
                abort();
}

static const char *
look_at(void *user, const struct wr_setting *setting)
{
        unsigned *settings = user;

        expect(strlen(setting->table) < WR_POLICY_TEXT_MAX && strlen(setting->entry) < WR_POLICY_TEXT_MAX);
        expect((setting->key == NULL) == (setting->kind == WR_SETTING_TABLE));
        expect(setting->key == NULL || strlen(setting->key) < WR_POLICY_TEXT_MAX);
        expect(strlen(setting->text) < WR_POLICY_TEXT_MAX);
        expect(setting->line > 0 && setting->column > 0);
        return ++*settings == 1000 ? "enough" : NULL;
}

static void
read_only(const char *text, size_t size)
{
        struct wr_policy_error error = { 0 };
        unsigned settings = 0, lines = 1;

        for (size_t i = 0; i < size; i++)
                lines += text[i] == '\n';
        if (!wr_policy_file_read(text, size, look_at, &settings, &error))
                expect(error.what != NULL && error.line > 0 && error.line <= lines && error.column > 0 &&
                       error.column <= size + 1);
}

static void
decide(const char *text, size_t size)
{
        struct wr_identity own = { .trust = WR_TRUST_FULL, .user = OWN };
        struct wr_identity package = { .trust = WR_TRUST_PACKAGE, .user = OWN, .package = "org.weir.Camera" };
        struct wr_identity confined = { .trust = WR_TRUST_CONFINED, .user = OWN + 1 };
        char sentence[768] = "";
        struct wr_policy *policy;

        if (wr_policy_parse(&policy, text, size, "p", OWN, sentence, sizeof(sentence)) != WEIR_OK) {
                expect(policy == NULL && strncmp(sentence, "p:", 2) == 0);
                return;
        }
        for (unsigned right = WR_MAY_SUBSCRIBE; right <= WR_MAY_STALL; right <<= 1) {
                wr_policy_decide(policy, &own, "t", (enum wr_right)right, sentence, sizeof(sentence));
                wr_policy_decide(policy, &package, "t", (enum wr_right)right, sentence, sizeof(sentence));
                wr_policy_decide(policy, &confined, "t", (enum wr_right)right, sentence, sizeof(sentence));
                expect(wr_policy_decide(policy, &own, "no//entry", (enum wr_right)right, NULL, 0));
                expect(!wr_policy_decide(policy, &package, "no//entry", (enum wr_right)right, NULL, 0));
        }
        wr_policy_admits(policy, &confined, sentence, sizeof(sentence));
        wr_policy_close(policy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        read_only((const char *)bytes, size);
        decide((const char *)bytes, size);
        return 0;
}
