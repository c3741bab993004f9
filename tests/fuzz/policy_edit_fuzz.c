/*
 * The editor of the policy file: whatever the file holds, a change is refused and told, or makes a policy in which the
 * change holds, once is enough, comments are where they were, and nobody lost by allowing or gained by denying.
 *
 *      byte 0    1: allow; the rights above it
 *      byte 1    which topic
 *      byte 2    which principal
 *      the rest  the file
 */
#include "broker/policy_edit.h"
#include "broker/policy_rules.h"
#include "broker/policy_sddl.h"
#include "tests/identity_kit.h"

#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { OWN = 4200, PEOPLE = 7, TOPICS = 8, PRINCIPALS = 10, HEADER = 3, SENTENCE = 1024 };

static const char *const topics[TOPICS] = { "t", "cam/front", "cam/*", "cam/**", "**", "a \"b\"", "a//b", "z*" };
static const char *const principals[PRINCIPALS] = { "user:4201",      "user:4200",  "group:50",      "package:org.a",
                                                    "capability:c.a", "confined:*", "package:Org.B", "user:",
                                                    "everybody",      "group:4201" };
static const char *const asked[] = { "t", "cam/front", "cam/back/raw", "a \"b\"", "z", "zz/y" };

static void
expect(int held)
{
        if (!held)
                abort();
}

static void
people_make(struct wr_identity *people)
{
        memset(people, 0, PEOPLE * sizeof(*people));
        people[0] = (struct wr_identity){ .trust = WR_TRUST_FULL, .user = wr_sid_of_uid(OWN) };
        people[1] = (struct wr_identity){ .trust = WR_TRUST_FULL, .user = wr_sid_of_uid(OWN + 1) };
        identity_add_group(&people[1], 50);
        people[2] = (struct wr_identity){ .trust = WR_TRUST_PACKAGE, .user = wr_sid_of_uid(OWN), .package = "org.a" };
        people[3] =
                (struct wr_identity){ .trust = WR_TRUST_PACKAGE, .user = wr_sid_of_uid(OWN + 1), .package = "org.b" };
        people[4] = people[3];
        people[4].capability_count = 1;
        strcpy(people[4].capabilities[0], "c.a");
        people[5] = (struct wr_identity){ .trust = WR_TRUST_CONFINED, .user = wr_sid_of_uid(OWN) };
        people[6] = (struct wr_identity){ .trust = WR_TRUST_FULL, .user = wr_sid_of_uid(OWN + 2) };
}

static struct wr_policy *
policy_of(const char *text, size_t size)
{
        struct wr_policy *policy;
        char sentence[SENTENCE];

        expect(wr_policy_parse(&policy, text, size, "p", wr_sid_of_uid(OWN), sentence, sizeof(sentence)) == WEIR_OK);
        return policy;
}

/* Allowing takes nothing, denying gives nothing. */
static void
compare(const struct wr_policy *before, const struct wr_policy *after, bool allow)
{
        struct wr_identity people[PEOPLE];

        people_make(people);
        for (size_t topic = 0; topic < sizeof(asked) / sizeof(*asked); topic++)
                for (size_t i = 0; i < PEOPLE; i++)
                        for (unsigned right = WR_MAY_SUBSCRIBE; right <= WR_MAY_STALL; right <<= 1) {
                                bool was = wr_policy_decide(before, &people[i], asked[topic], (enum wr_right)right,
                                                            NULL, 0);
                                bool is = wr_policy_decide(after, &people[i], asked[topic], (enum wr_right)right, NULL,
                                                           0);

                                expect(allow ? !was || is : was || !is);
                        }
}

/* Each line that is nothing but a comment is still there. */
static void
comments_look(const char *text, size_t size, const char *edited, size_t edited_size)
{
        for (size_t at = 0, end; at < size; at = end + 1) {
                const char *line_end = memchr(text + at, '\n', size - at);

                end = line_end ? (size_t)(line_end - text) : size;
                if (text[at] == '#')
                        expect(memmem(edited, edited_size, text + at, end - at) != NULL);
        }
}

static const struct entry *
entry_named(const struct wr_policy *policy, const char *topic)
{
        const struct entry *each = policy->entries;

        while (each && strcmp(each->topic, topic) != 0)
                each = each->next;
        return each;
}

static void
effect_look(const struct wr_policy *policy, const struct wr_policy_change *change)
{
        char room[sizeof(struct principal) + 64] __attribute__((aligned(_Alignof(struct principal))));
        struct principal *principal = (struct principal *)(void *)room;
        char what[256];

        strcpy(principal->text, change->principal);
        expect(wr_policy_principal_read(principal->text, principal, what, sizeof(what)) == NULL);
        expect(wr_policy_sddl_stands(policy, entry_named(policy, change->topic), principal, change->rights,
                                     change->allow));
}

static void
edited_look(const char *text, size_t size, const struct wr_policy_change *change, const struct wr_policy_edited *edited)
{
        struct wr_policy *before = policy_of(text, size), *after = policy_of(edited->text, edited->size);
        struct wr_policy_edited again;
        char sentence[SENTENCE];

        compare(before, after, change->allow);
        comments_look(text, size, edited->text, edited->size);
        effect_look(after, change);
        expect(edited->line > 0 && edited->rule[0] != '\0');
        expect(wr_policy_edit(edited->text, edited->size, "p", wr_sid_of_uid(OWN), change, &again, sentence,
                              sizeof(sentence)) == WEIR_OK);
        expect(again.text == NULL);
        wr_policy_close(before);
        wr_policy_close(after);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        struct wr_policy_edited edited;
        struct wr_policy_change change;
        char sentence[SENTENCE] = "";
        const char *text = (const char *)bytes + HEADER;
        enum weir_result result;

        if (size < HEADER)
                return 0;
        change = (struct wr_policy_change){ .allow = bytes[0] & 1,
                                            .rights = bytes[0] >> 1 & 0x3f,
                                            .topic = topics[bytes[1] % TOPICS],
                                            .principal = principals[bytes[2] % PRINCIPALS] };
        result = wr_policy_edit(text, size - HEADER, "p", wr_sid_of_uid(OWN), &change, &edited, sentence,
                                sizeof(sentence));
        expect(result == WEIR_OK || (edited.text == NULL && sentence[0] != '\0'));
        if (edited.text)
                edited_look(text, size - HEADER, &change, &edited);
        free(edited.text);
        return 0;
}
