/*
 * Random policies of lists, patterns and SDDL, and random people: the line with which each denial ends is typed, and
 * grants. It takes nothing from anybody, and gives to nobody but whom it names. The seed is printed and may be given
 * again: WEIR_SEED.
 */
#include "broker/policy_edit.h"
#include "named-objects/rights/package.h"
#include "named-objects/user.h"
#include "tests/identity_kit.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OWN = 4200, DENIALS = 100, PEOPLE = 12, TOPICS = 9, WORDS_MAX = 16 };

static const char *const topics[TOPICS] = { "a",     "cam/front", "cam/back", "cam/front/raw", "imu", "imu/raw",
                                            "z/y/x", "lone",      "-o" };
static const char *const entries[] = { "**", "cam/*", "cam/front/**", "cam/front", "imu*", "imu/*", "z/**", "a" };
static const char *const principals[] = { "user:1",           "user:2",        "user:4200",     "group:50",
                                          "group:51",         "package:org.a", "package:org.b", "capability:org.c",
                                          "capability:org.d", "confined:*" };
static const char *const sids[] = {
        "S-1-22-1-1", "S-1-22-1-4200", "S-1-22-2-50", "WD", "AU", "AC", "OW", "S-1-15-2-2"
};
static const char *const conditions[] = { "(Exists WIN://SYSAPPID)", "(!(Exists WIN://SYSAPPID))",
                                          "(WIN://SYSAPPID Contains \"org.a\")", "(Exists WIN://NOALLAPPPKG)" };
/* A label above everybody here: lowering it lets pass whomever the list grants, since a label names nobody. */
static const char label[] = "S:(ML;;NWNRNX;;;SI)";
static const char *const keys[] = { "subscribe", "publish", "map", "observe", "stall" };
static const char *const masks[] = { "0x1", "0x2", "0x4", "0x8", "0x10", "0x5", "0x1f", "GR", "GA" };

static uint64_t seed, state;
static char sentence[1024];

static uint32_t
below(uint32_t most)
{
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (uint32_t)(state >> 33) % most;
}

#define ANY(array) array[below((uint32_t)(sizeof(array) / sizeof(*array)))]

struct text {
        char bytes[16384];
        size_t size;
};

static void
add(struct text *text, const char *what)
{
        text->size += (size_t)snprintf(text->bytes + text->size, sizeof(text->bytes) - text->size, "%s", what);
}

/* A fixed SID, or that of a package: as a package, or as the capability that its token carries. */
static void
add_sid(struct text *text)
{
        char written[WR_SID_TEXT_MAX];
        struct wr_sid sid, own;

        if (below(3)) {
                add(text, ANY(sids));
                return;
        }
        cr_assert(wr_package_sid(&sid, below(2) ? "org.a" : "org.b", strlen("org.a")));
        if (below(2)) {
                cr_assert(wr_package_own_capability(&own, &sid));
                sid = own;
        }
        wr_sid_text(&sid, written);
        add(text, written);
}

static void
add_ace(struct text *text)
{
        bool is_conditional = below(4) == 0;

        add(text, is_conditional ? "(X" : "(");
        add(text, below(3) ? "A;;" : "D;;");
        add(text, ANY(masks));
        add(text, ";;;");
        add_sid(text);
        if (is_conditional) {
                add(text, ";");
                add(text, ANY(conditions));
        }
        add(text, ")");
}

static void
add_sddl(struct text *text)
{
        add(text, "sddl = '");
        if (below(8) == 0) {
                add(text, "D:NO_ACCESS_CONTROL'\n");
                return;
        }
        add(text, below(3) ? "D:P" : "O:S-1-22-1-4200D:");
        for (uint32_t i = below(5); i > 0; i--)
                add_ace(text);
        add(text, below(4) ? "" : label);
        add(text, "'\n");
}

static void
add_lists(struct text *text)
{
        for (size_t key = 0; key < 5; key++) {
                if (below(2))
                        continue;
                add(text, keys[key]);
                add(text, " = [");
                for (uint32_t i = below(4); i > 0; i--) {
                        add(text, "'");
                        add(text, ANY(principals));
                        add(text, "', ");
                }
                add(text, "]\n");
        }
}

static struct wr_policy *
policy_of(const struct text *text)
{
        struct wr_policy *policy;

        cr_assert(eq(int,
                     wr_policy_parse(&policy, text->bytes, text->size, "/p.conf", wr_sid_of_uid(OWN), sentence,
                                     sizeof(sentence)),
                     WEIR_OK),
                  "%s\n%s", sentence, text->bytes);
        return policy;
}

static void
text_make(struct text *text)
{
        text->size = 0;
        text->bytes[0] = '\0';
        for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
                if (below(2))
                        continue;
                add(text, "[topic.'");
                add(text, entries[i]);
                add(text, "']\n");
                if (below(3))
                        add_lists(text);
                else
                        add_sddl(text);
        }
}

static struct wr_identity
somebody(void)
{
        static const uint32_t users[] = { 1, 2, OWN, 3 };
        struct wr_identity identity;

        memset(&identity, 0, sizeof(identity));
        identity.trust = (enum wr_trust)(WR_TRUST_FULL + below(3));
        identity.user = wr_sid_of_uid(ANY(users));
        for (uint32_t group = 50; group < 52; group++)
                if (below(2))
                        identity_add_group(&identity, group);
        if (identity.trust != WR_TRUST_PACKAGE)
                return identity;
        snprintf(identity.package, sizeof(identity.package), "org.%c", "abx"[below(3)]);
        if (below(2))
                strcpy(identity.capabilities[identity.capability_count++], "org.c");
        return identity;
}

/* ---- typing ---------------------------------------------------------------------------------------------------- */

/* What the commands of one line name. */
struct typed {
        uint32_t rights; /* with what they imply */
        char principals[2][300];
        size_t count;
};

static uint32_t
right_of(const char *flag)
{
        static const char *const flags[] = { "--read", "--write", "--map", "--observe", "--reliable" };

        for (uint32_t i = 0; i < 5; i++)
                if (strcmp(flag, flags[i]) == 0)
                        return 1U << i;
        return 0;
}

/* One command, taken apart at blanks: none of these topics needs quotes. */
static void
type(struct text *text, char *words[], size_t count, struct typed *typed)
{
        bool is_last = strcmp(words[count - 2], "--") == 0; /* the topic, which looks like an option */
        size_t first = is_last ? 3 : 4, end = is_last ? count - 2 : count;
        struct wr_policy_change change = { .allow = true, .topic = words[is_last ? count - 1 : 3] };
        struct wr_policy_edited edited;
        char principal[300] = "";

        cr_assert(strcmp(words[0], "weir") == 0 && strcmp(words[1], "access") == 0 && strcmp(words[2], "allow") == 0);
        for (size_t i = first; i < end; i++) {
                if (right_of(words[i]))
                        change.rights |= right_of(words[i]);
                else if (strcmp(words[i], "--confined") == 0)
                        strcpy(principal, "confined:*");
                else if (strcmp(words[i], "--config") == 0)
                        i++;
                else if (i + 1 < end && snprintf(principal, sizeof(principal), "%s:%s", words[i] + 2, words[i + 1]))
                        i++;
        }
        change.principal = principal;
        cr_assert(lt(sz, typed->count, 2));
        strcpy(typed->principals[typed->count++], principal);
        typed->rights |= change.rights;
        if (change.rights & (WR_MAY_SUBSCRIBE | WR_MAY_PUBLISH))
                typed->rights |= WR_MAY_MAP | WR_MAY_OBSERVE;
        cr_assert(eq(int,
                     wr_policy_edit(text->bytes, text->size, "/p.conf", wr_sid_of_uid(OWN), &change, &edited, sentence,
                                    sizeof(sentence)),
                     WEIR_OK),
                  "%s\n%s", sentence, text->bytes);
        if (!edited.text)
                return; /* the command before this one did it, too: a label that is lowered is lowered for all */
        cr_assert(lt(sz, edited.size, sizeof(text->bytes)));
        memcpy(text->bytes, edited.text, edited.size);
        text->bytes[edited.size] = '\0';
        text->size = edited.size;
        free(edited.text);
}

static void
type_all(struct text *text, const char *refusal, struct typed *typed)
{
        static const char grant[] = "Grant it: ";
        char line[1024];
        char *words[WORDS_MAX], *next = NULL;
        size_t count = 0;

        cr_assert(strstr(refusal, grant) != NULL, "%s", refusal);
        snprintf(line, sizeof(line), "%s", strstr(refusal, grant) + strlen(grant));
        for (char *word = strtok_r(line, " ", &next); word; word = strtok_r(NULL, " ", &next)) {
                if (strcmp(word, "&&") == 0) {
                        type(text, words, count, typed);
                        count = 0;
                        continue;
                }
                cr_assert(lt(sz, count, WORDS_MAX));
                words[count++] = word;
        }
        type(text, words, count, typed);
}

/* ---- the property ---------------------------------------------------------------------------------------------- */

static bool
may(const struct wr_policy *policy, const struct wr_identity *identity, const char *topic, uint32_t right)
{
        return wr_policy_decide(policy, identity, topic, (enum wr_right)right, sentence, sizeof(sentence));
}

static void
expect_nothing_lost(const struct wr_policy *before, const struct wr_policy *after, const struct wr_identity *people)
{
        for (size_t i = 0; i < PEOPLE; i++)
                for (size_t topic = 0; topic < TOPICS; topic++)
                        for (uint32_t right = 1; right <= WR_MAY_STALL; right <<= 1) {
                                bool is_lost = may(before, &people[i], topics[topic], right) &&
                                               !may(after, &people[i], topics[topic], right);

                                cr_assert(not(is_lost), "seed %" PRIu64 ": %s", seed, sentence);
                        }
}

/* Does the line name one who is this, or a half of it? A user's line is one half for his sandboxes, too. */
static bool
is_named(const struct typed *typed, const struct wr_identity *identity)
{
        char own[3][300] = { "", "", "confined:*" }, user[WR_SID_TEXT_MAX];
        size_t count = identity->trust == WR_TRUST_CONFINED ? 3 : 2;

        wr_user_text(&identity->user, user, sizeof(user));
        snprintf(own[0], sizeof(own[0]), "user:%s", user);
        if (identity->trust == WR_TRUST_PACKAGE)
                snprintf(own[1], sizeof(own[1]), "package:%s", identity->package);
        for (size_t i = 0; i < typed->count; i++)
                for (size_t each = 0; each < count; each++)
                        if (strcmp(typed->principals[i], own[each]) == 0)
                                return true;
        return false;
}

/* The policy without its labels. */
static struct wr_policy *
policy_unlabelled(const struct text *text)
{
        struct text bare = *text;

        for (char *at; (at = strstr(bare.bytes, label)) != NULL; bare.size -= strlen(label))
                memmove(at, at + strlen(label), strlen(at + strlen(label)) + 1);
        return policy_of(&bare);
}

static void
expect_nothing_widened(const struct wr_policy *before, const struct wr_policy *bare, const struct wr_policy *after,
                       const struct wr_identity *people, const char *asked, const struct typed *typed)
{
        for (size_t i = 0; i < PEOPLE; i++)
                for (size_t topic = 0; topic < TOPICS; topic++)
                        for (uint32_t right = 1; right <= WR_MAY_STALL; right <<= 1) {
                                bool is_meant = (typed->rights & right) && is_named(typed, &people[i]);

                                if (may(before, &people[i], topics[topic], right) ||
                                    !may(after, &people[i], topics[topic], right))
                                        continue;
                                cr_assert(strcmp(topics[topic], asked) == 0, "seed %" PRIu64 ": another topic", seed);
                                cr_assert(is_meant || may(bare, &people[i], asked, right),
                                          "seed %" PRIu64 ": '%s' for %s lets in user:%u %s, too", seed, asked,
                                          typed->principals[0], (unsigned)people[i].user.words[1], people[i].package);
                        }
}

static bool
try_one(void)
{
        struct wr_identity people[PEOPLE];
        struct wr_policy *before, *bare, *after;
        const char *topic = ANY(topics);
        uint32_t right = 1U << below(5);
        struct typed typed = { .count = 0 };
        struct text text;
        char refusal[1024];

        text_make(&text);
        for (size_t i = 0; i < PEOPLE; i++)
                people[i] = somebody();
        before = policy_of(&text);
        if (may(before, &people[0], topic, right)) {
                wr_policy_close(before);
                return false;
        }
        strcpy(refusal, sentence);
        bare = policy_unlabelled(&text);
        type_all(&text, refusal, &typed);
        after = policy_of(&text);
        cr_assert(may(after, &people[0], topic, right), "seed %" PRIu64 ": %s\nthen: %s\n%s", seed, refusal, sentence,
                  text.bytes);
        expect_nothing_lost(before, after, people);
        expect_nothing_widened(before, bare, after, people, topic, &typed);
        wr_policy_close(bare);
        wr_policy_close(before);
        wr_policy_close(after);
        return true;
}

TestSuite(policy_denial, .timeout = 60);

Test(policy_denial, the_line_that_a_denial_ends_with_grants_what_it_names_and_nothing_else)
{
        const char *given = getenv("WEIR_SEED");
        int denials = 0;

        seed = state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
        cr_log_info("seed %" PRIu64, seed);
        for (int i = 0; i < 100 * DENIALS && denials < DENIALS; i++)
                denials += try_one();
        cr_assert(eq(int, denials, DENIALS));
}
