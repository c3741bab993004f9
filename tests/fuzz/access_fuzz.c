/*
 * The access check, its explanation and what mends a denial, over a token and a descriptor that both come from the
 * input: the descriptor as the bytes of a stranger, or put together from a few principals so that entries and token
 * often meet.
 *
 *      0     kind of object; 0x80: the rest is the descriptor's bytes, else entries of five bytes each
 *      1     container, write-restricted, user for denials only, package attribute
 *      2, 3  integrity, privileges
 *      4     the request, 32 bits
 *      8     eight principals: which parts each of them plays in the token
 *      16    owner, kind of list, label, its level; the entries
 */
#include "named-objects/rights/access_explain.h"
#include "named-objects/rights/condition.h"

#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { PRINCIPALS = 8, TOKEN_BYTES = 16, DRAFT_BYTES = 20, ENTRY_BYTES = 5 };

enum role { ENABLED = 1, DENIES = 2, RESTRICTS = 4, IS_PACKAGE = 8, CAPABLE = 16, IS_USER = 32, DISABLED = 64 };

struct subject {
        struct wr_token token;
        struct wr_group groups[PRINCIPALS];
        struct wr_sid restricting[PRINCIPALS], capabilities[PRINCIPALS];
        struct wr_attribute attribute;
};

static const struct wr_sid principals[PRINCIPALS] = {
        { .authority = 1, .count = 1 },                              /* Everyone */
        { .authority = 3, .count = 1, .words = { 4 } },              /* OWNER RIGHTS */
        { .authority = 5, .count = 1, .words = { 11 } },             /* Authenticated Users */
        { .authority = 5, .count = 3, .words = { 5, 0, 7 } },        /* a logon session */
        { .authority = 22, .count = 2, .words = { 1, 1000 } },       /* a user */
        { .authority = 15, .count = 2, .words = { 2, 1 } },          /* ALL APPLICATION PACKAGES */
        { .authority = 15, .count = 2, .words = { 2, 2 } },          /* ALL RESTRICTED APPLICATION PACKAGES */
        { .authority = 15, .count = 8, .words = { 2, 1, 2, 3, 4 } }, /* a package */
};

static void
expect(int held)
{
        if (!held)
                abort();
}

static uint32_t
number_at(const uint8_t *bytes)
{
        return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void
cast(struct subject *subject, uint8_t role, const struct wr_sid *sid)
{
        struct wr_token *token = &subject->token;

        if (role & (ENABLED | DENIES | DISABLED))
                subject->groups[token->group_count++] = (struct wr_group){ .sid = *sid,
                                                                           .enabled = (role & ENABLED) != 0,
                                                                           .deny_only = (role & DENIES) != 0 };
        if (role & RESTRICTS)
                subject->restricting[token->restricting_count++] = *sid;
        if (role & IS_PACKAGE)
                token->package = *sid;
        if (role & CAPABLE)
                subject->capabilities[token->capability_count++] = *sid;
        if (role & IS_USER)
                token->user = *sid;
}

static void
read_token(const uint8_t *bytes, struct subject *subject)
{
        static const char *const strings[] = { "org.weir.Camera" };
        struct wr_token *token = &subject->token;

        memset(subject, 0, sizeof(*subject));
        token->container = (enum wr_container)(bytes[1] & 3);
        token->write_restricted = (bytes[1] & 4) != 0;
        token->user_deny_only = (bytes[1] & 8) != 0;
        token->integrity = bytes[2] * 128u;
        token->privileges = bytes[3] & 7;
        token->user = principals[4];
        token->package = principals[7];
        token->groups = subject->groups;
        token->restricting = subject->restricting;
        token->capabilities = subject->capabilities;
        token->attributes = &subject->attribute;
        if (bytes[1] & 16) {
                subject->attribute = (struct wr_attribute){ .name = "WIN://SYSAPPID", .strings = strings, .count = 1 };
                token->attribute_count = 1;
        }
        for (int i = 0; i < PRINCIPALS; i++)
                cast(subject, bytes[8 + i], &principals[i]);
}

static void
draft_entry(struct wr_draft *draft, const uint8_t *bytes)
{
        static const uint32_t types[] = { WR_ACE_ALLOW, WR_ACE_DENY, WR_ACE_ALLOW_IF, WR_ACE_DENY_IF };
        static const char text[] = "(WIN://SYSAPPID Contains \"org.weir.Camera\")";
        struct wr_ace ace = { .type = types[bytes[0] & 3], .flags = bytes[0] & 8 };
        uint8_t condition[256];
        char what[160];
        size_t at;

        ace.sid = principals[bytes[1] % PRINCIPALS];
        ace.mask = bytes[2] | (uint32_t)(bytes[3] & 0x3f) << 15 | (uint32_t)bytes[4] << 24;
        if (ace.type == WR_ACE_ALLOW_IF || ace.type == WR_ACE_DENY_IF) {
                ace.condition_size = wr_condition_parse(text, sizeof(text) - 1, condition, sizeof(condition), &at, what,
                                                        sizeof(what));
                ace.condition = condition;
                expect(ace.condition_size != 0);
        }
        wr_draft_ace(draft, &ace);
}

static size_t
draft_descriptor(const uint8_t *bytes, size_t size, uint8_t *descriptor)
{
        struct wr_ace label = { .type = WR_ACE_LABEL, .mask = bytes[18] & 7, .flags = bytes[18] & 8 };
        struct wr_draft draft;

        wr_draft_begin(&draft, descriptor, WR_DESCRIPTOR_MAX);
        if (bytes[16] < PRINCIPALS)
                wr_draft_owner(&draft, &principals[bytes[16]]);
        if (bytes[18] & 16) {
                label.sid = (struct wr_sid){ .authority = 16, .count = 1, .words = { bytes[19] * 128u } };
                wr_draft_sacl(&draft, 0);
                wr_draft_ace(&draft, &label);
        }
        if (bytes[17] == 0)
                return wr_draft_end(&draft);
        if (bytes[17] == 1) {
                wr_draft_null_dacl(&draft, 0);
                return wr_draft_end(&draft);
        }
        wr_draft_dacl(&draft, 0);
        for (size_t at = DRAFT_BYTES; at + ENTRY_BYTES <= size; at += ENTRY_BYTES)
                draft_entry(&draft, bytes + at);
        return wr_draft_end(&draft);
}

static size_t
call_it(void *user, const struct wr_sid *sid, char *text, size_t room)
{
        (void)user;
        return sid->authority == 22 ? wr_access_explain_rights(sid->words[0], NULL, text, room) : 0;
}

static void
explain(const struct wr_descriptor *descriptor, const struct wr_token *token, const struct wr_access *access)
{
        static const struct wr_right_name rights[] = { { 1, "query" }, { 2, "map-write" }, { 0, NULL } };
        static const struct wr_access_words words = { .who = "it", .rights = rights, .name = call_it };
        size_t length = wr_access_explain(descriptor, token, access, &words, NULL, 0), room = length / 2 + 1;
        char *text = malloc(room); /* of just the size, so that ASan sees a byte too many */

        expect(text != NULL && length > 0);
        expect(wr_access_explain(descriptor, token, access, &words, text, room) == length);
        expect(strlen(text) == room - 1);
        free(text);
        for (int half = 0; half < WR_HALVES; half++) {
                char sentence[64];

                wr_access_explain_half(descriptor, token, access, (enum wr_access_half)half, 1, NULL, sentence,
                                       sizeof(sentence));
                expect(strlen(sentence) < sizeof(sentence));
        }
}

static void
mend(const struct wr_descriptor *descriptor, const struct wr_token *token, const struct wr_generic_mapping *mapping,
     uint32_t desired)
{
        struct wr_token privileged = *token;
        struct wr_descriptor mended;
        struct wr_access access;
        struct wr_mend mend;
        char text[1024];
        bool possible = wr_access_mend(descriptor, token, mapping, desired, &mend);
        uint8_t *bytes;
        size_t size;

        expect(possible == (mend.impossible == NULL));
        wr_access_explain_mend(&mend, NULL, text, sizeof(text));
        if (!possible)
                return;
        bytes = malloc(WR_DESCRIPTOR_MAX);
        expect(bytes != NULL);
        size = wr_access_mended(descriptor, &mend, bytes, WR_DESCRIPTOR_MAX);
        privileged.privileges |= mend.privileges;
        if (size != 0) { /* a list may be full */
                expect(wr_descriptor_open(&mended, bytes, size, NULL));
                expect(wr_access_check(&mended, &privileged, mapping, desired, &access));
        }
        free(bytes);
}

static void
look_at(const struct wr_descriptor *descriptor, const struct wr_token *token, const uint8_t *bytes)
{
        static const struct wr_generic_mapping *const mappings[] = { &wr_section_mapping, &wr_event_mapping,
                                                                     &wr_mutex_mapping,   &wr_semaphore_mapping,
                                                                     &wr_pipe_mapping,    &wr_directory_mapping };
        const struct wr_generic_mapping *mapping = mappings[bytes[0] % 6];
        uint32_t desired = number_at(bytes + 4), singles = 0;
        struct wr_access access;

        for (unsigned bit = 0; bit < 28; bit++)
                if (bit != 24 && bit != 25 && wr_access_check(descriptor, token, mapping, 1u << bit, &access))
                        singles |= access.mask;
        wr_access_check(descriptor, token, mapping, WR_MAXIMUM_ALLOWED, &access);
        expect(access.mask == singles && access.granted == (singles != 0));
        wr_access_check_pipe_client(descriptor, token, desired, &access);
        expect((access.mask & 4) == 0 && access.granted == (access.mask != 0));
        explain(descriptor, token, &access);
        wr_access_check(descriptor, token, mapping, desired, &access);
        expect(access.granted == (access.mask != 0) && access.granted == (access.mask != 0 && access.missing == 0));
        expect(!access.granted || (access.mask & access.desired) == access.desired);
        explain(descriptor, token, &access);
        mend(descriptor, token, mapping, desired);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        struct wr_descriptor descriptor;
        struct subject subject;
        uint8_t *drafted;
        size_t drafted_size;
        const char *why = NULL;

        if (size < TOKEN_BYTES)
                return 0;
        read_token(bytes, &subject);
        if (bytes[0] & 0x80) {
                if (wr_descriptor_open(&descriptor, bytes + TOKEN_BYTES, size - TOKEN_BYTES, &why))
                        look_at(&descriptor, &subject.token, bytes);
                else
                        expect(why != NULL);
                return 0;
        }
        if (size < DRAFT_BYTES)
                return 0;
        drafted = malloc(WR_DESCRIPTOR_MAX);
        expect(drafted != NULL);
        drafted_size = draft_descriptor(bytes, size, drafted);
        if (drafted_size != 0) {
                expect(wr_descriptor_open(&descriptor, drafted, drafted_size, &why));
                look_at(&descriptor, &subject.token, bytes);
        }
        free(drafted);
        return 0;
}
