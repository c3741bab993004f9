/*
 * The policy file: whatever it holds is read within its bounds, or refused at a place that exists. Rules that are
 * taken must decide, and each decision must agree with the others: a topic without an entry is the own user's alone, a
 * capability more takes nothing away, who is granted something is admitted and could have it by any pattern of it, and
 * each denial tells why.
 */
#include "broker/policy_explain.h"
#include "broker/policy_file.h"
#include "bus/topic.h"
#include "tests/identity_kit.h"

#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { OWN = 1000, PEOPLE = 12, TOPICS = 8, PATTERNS = 5, TEXT_ROOM = 8192 };

/* Of a line to type each is four letters. */
#define QUOTES "''''''''''''''''''''''''''''''''''''''''''''''''''"

static const char *const topics[TOPICS] = {
        "t", "scope/ch1", "cam/front/raw", "cam/back", "no/entry", "say 'hi' $HOME", "-o", QUOTES QUOTES QUOTES QUOTES
};
static const char *const patterns[PATTERNS] = { "**", "cam/*", "cam/**", "scope/ch*", "t" };

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

/* Five kinds of tokens of Windows. */
static void
tokens_make(struct wr_identity *people)
{
        struct wr_identity_token low = token_ordinary(), restricted, denied, less, desktop;

        low.user = wr_sid_of_uid(OWN);
        restricted = denied = desktop = low;
        low.integrity = WR_INTEGRITY_LOW;
        token_add(&restricted, "S-1-5-12", WR_SID_RESTRICTING);
        denied.user_deny_only = true;
        strcpy(desktop.family, TOKEN_FAMILY);
        less = token_container(TOKEN_FAMILY);
        less.user = low.user;
        less.is_less_privileged = true;
        token_add(&less, "S-1-15-3-13", WR_SID_CAPABILITY);
        people[0] = identity_of_token(&low);
        people[1] = identity_of_token(&restricted);
        people[2] = identity_of_token(&denied);
        people[3] = identity_of_token(&less);
        people[4] = identity_of_token(&desktop);
}

static void
people_make(struct wr_identity *people)
{
        memset(people, 0, PEOPLE * sizeof(*people));
        people[0] = (struct wr_identity){ .trust = WR_TRUST_FULL, .user = wr_sid_of_uid(OWN) };
        people[1] = (struct wr_identity){ .trust = WR_TRUST_FULL, .user = wr_sid_of_uid(OWN + 1) };
        identity_add_group(&people[1], 50);
        identity_add_group(&people[1], OWN + 1);
        people[2] = (struct wr_identity){ .trust = WR_TRUST_PACKAGE,
                                          .user = wr_sid_of_uid(OWN),
                                          .package = "org.weir.Camera" };
        people[3] = people[2];
        people[3].capability_count = 1;
        strcpy(people[3].capabilities[0], "org.weir.cameras");
        people[4] = people[3];
        people[4].user = wr_sid_of_uid(OWN + 1);
        people[5] = (struct wr_identity){ .trust = WR_TRUST_CONFINED, .user = wr_sid_of_uid(OWN) };
        people[6] = (struct wr_identity){ .trust = WR_TRUST_CONFINED, .user = wr_sid_of_uid(OWN + 1) };
        tokens_make(&people[7]);
}

static bool
may(const struct wr_policy *policy, const struct wr_identity *who, const char *topic, unsigned right)
{
        char sentence[768] = "";
        bool is_granted = wr_policy_decide(policy, who, topic, (enum wr_right)right, sentence, sizeof(sentence));

        expect(is_granted ? sentence[0] == '\0' : strncmp(sentence, "denied: '", 9) == 0);
        expect(wr_policy_decide(policy, who, topic, (enum wr_right)right, NULL, 0) == is_granted);
        return is_granted;
}

static void
look_at_grant(const struct wr_policy *policy, const struct wr_identity *who, const char *topic, unsigned right)
{
        char sentence[768];

        expect(wr_policy_admits(policy, who, sentence, sizeof(sentence)));
        for (size_t i = 0; i < PATTERNS; i++)
                if (wr_topic_matches(patterns[i], topic))
                        expect(wr_policy_could(policy, who, patterns[i], right));
}

static void
tell(const struct wr_policy *policy, const struct entry *entry, const struct wr_identity *who, const char *topic)
{
        char text[TEXT_ROOM];
        struct wr_access access;

        wr_access_check(&entry->descriptor, wr_policy_token_of(policy, who), &wr_topic_mapping, ALL_RIGHTS, &access);
        wr_policy_explain(policy, entry, who, topic, &access, text, sizeof(text));
        expect(strstr(text, topic) != NULL && strlen(text) < sizeof(text));
}

static void
decide(const struct wr_policy *policy)
{
        struct wr_identity people[PEOPLE];

        people_make(people);
        for (size_t i = 0; i < TOPICS; i++) {
                const struct entry *entry = wr_policy_entry(policy, topics[i]);

                for (size_t who = 0; who < PEOPLE; who++) {
                        for (unsigned right = WR_MAY_SUBSCRIBE; right <= WR_MAY_STALL; right <<= 1) {
                                bool is_granted = may(policy, &people[who], topics[i], right);

                                expect(entry->line != 0 || people[who].has_token ||
                                       is_granted == wr_policy_is_own(policy, &people[who]));
                                if (is_granted)
                                        look_at_grant(policy, &people[who], topics[i], right);
                                if (is_granted && who == 2)
                                        expect(may(policy, &people[3], topics[i], right));
                        }
                        tell(policy, entry, &people[who], topics[i]);
                }
        }
}

static void
parse(const char *text, size_t size)
{
        const char *package, *socket;
        struct wr_policy *policy;
        char sentence[768] = "";

        if (wr_policy_parse(&policy, text, size, "/p", wr_sid_of_uid(OWN), sentence, sizeof(sentence)) != WEIR_OK) {
                expect(policy == NULL && strncmp(sentence, "/p:", 3) == 0);
                return;
        }
        expect(strcmp(wr_policy_path(policy), "/p") == 0);
        decide(policy);
        for (size_t i = 0; wr_policy_socket(policy, i, &package, &socket); i++)
                expect(package[0] != '\0' && socket[0] == '/');
        for (int i = 0; i < WR_QUOTAS; i++)
                expect(wr_policy_limits(policy)->of[i] > 0);
        wr_policy_close(policy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        read_only((const char *)bytes, size);
        parse((const char *)bytes, size);
        return 0;
}
