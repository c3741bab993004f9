/*
 * What the tests of descriptors, of their text and of conditions share: a source of random descriptors. It writes the
 * bytes of conditions itself, so that nothing it is to test helps it.
 */
#ifndef DESCRIPTOR_FIXTURE_H
#define DESCRIPTOR_FIXTURE_H

#include "named-objects/rights/condition.h"
#include "named-objects/rights/sddl.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RANDOM_BYTES_MAX = 16384, OPERATORS_MAX = 12 };

/* SplitMix64. A failing assertion prints the seed of its round, which makes everything of that round again. */
struct dice {
        uint64_t state;
};

static inline uint64_t
roll_all(struct dice *dice)
{
        uint64_t z = dice->state += 0x9e3779b97f4a7c15;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
}

static inline uint32_t
roll(struct dice *dice, uint32_t sides)
{
        return (uint32_t)(roll_all(dice) % sides);
}

static inline struct wr_sid
random_sid(struct dice *dice)
{
        static const struct wr_sid known[] = {
                { 1, 1, { 0 } },      { 3, 1, { 4 } },
                { 5, 1, { 18 } },     { 5, 2, { 32, 544 } },
                { 15, 2, { 2, 1 } },  { 15, 2, { 2, 2 } },
                { 15, 2, { 3, 1 } },  { 22, 2, { 1, 1000 } },
                { 16, 1, { 12288 } }, { 5, 5, { 21, 1, 2, 3, 500 } },
        };
        struct wr_sid sid = { 0 };

        if (roll(dice, 2))
                return known[roll(dice, sizeof(known) / sizeof(*known))];
        sid.authority = roll_all(dice) >> (roll(dice, 2) ? 16 : 32 + roll(dice, 32));
        sid.count = 1 + roll(dice, WR_SID_WORDS_MAX);
        for (uint32_t i = 0; i < sid.count; i++)
                sid.words[i] = (uint32_t)roll_all(dice) >> roll(dice, 32);
        return sid;
}

static inline uint32_t
random_mask(struct dice *dice)
{
        static const uint32_t named[] = { 0x1f01ff, 0x120089, 0x120116, 0x1200a0, 0xf003f, 0x20019, 0x20006, 0 };

        switch (roll(dice, 4)) {
        case 0: return named[roll(dice, 8)];
        case 1: return (uint32_t)roll_all(dice);
        case 2: return (uint32_t)roll_all(dice) & 0xf00f01ff; /* only what has letters */
        default: return 1u << roll(dice, 32);
        }
}

/* The bytes of a condition under way. */
struct tokens {
        uint8_t bytes[WR_CONDITION_BYTES_MAX];
        size_t size;
};

static inline void
put_sized(struct tokens *tokens, uint8_t token, const void *bytes, size_t size)
{
        uint8_t head[5] = { token, (uint8_t)size, (uint8_t)(size >> 8) };

        memcpy(tokens->bytes + tokens->size, head, 5);
        memcpy(tokens->bytes + tokens->size + 5, bytes, size);
        tokens->size += 5 + size;
}

/* ASCII as UTF-16. */
static inline void
put_wide(struct tokens *tokens, uint8_t token, const char *text)
{
        uint8_t wide[256];
        size_t size = strlen(text);

        for (size_t i = 0; i < size; i++) {
                wide[2 * i] = (uint8_t)text[i];
                wide[2 * i + 1] = 0;
        }
        put_sized(tokens, token, wide, 2 * size);
}

static inline void
random_literal(struct dice *dice, struct tokens *tokens)
{
        static const uint16_t pool[] = { 'a', 'B', ' ', ';', ')', '(', '\\', '%', 0xe9, 0x65e5, 0xfffd, '.' };
        uint64_t number = roll_all(dice) >> roll(dice, 64);
        uint8_t integer[11] = { 4, [9] = 3, [10] = (uint8_t)(1 + roll(dice, 3)) };
        uint16_t text[12] = { 0 };
        uint32_t length = roll(dice, 10);

        if (roll(dice, 3) == 0) {
                memcpy(integer + 1, &number, roll(dice, 4) ? 8 : 0);
                memcpy(tokens->bytes + tokens->size, integer, sizeof(integer));
                tokens->size += sizeof(integer);
                return;
        }
        for (uint32_t i = 0; i < length; i++)
                text[i] = pool[roll(dice, sizeof(pool) / sizeof(*pool))];
        if (roll(dice, 8) == 0) {
                text[length++] = 0xd83c;
                text[length++] = 0xdfa5;
        }
        put_sized(tokens, 0x10, text, 2 * length);
}

static inline void
random_relation(struct dice *dice, struct tokens *tokens)
{
        static const char *const names[] = { "WIN://SYSAPPID", "WIN://PKG",  "WIN://PKGHOSTID", "WIN://NOALLAPPPKG",
                                             "WIN://BGKD",     "win://bgkd", "Win://SysAppId" };
        struct tokens list = { .size = 0 };

        put_wide(tokens, 0xf8, names[roll(dice, 7)]);
        if (roll(dice, 2)) {
                tokens->bytes[tokens->size++] = 0x87; /* Exists */
                return;
        }
        if (roll(dice, 2)) {
                random_literal(dice, tokens);
        } else {
                for (uint32_t count = 1 + roll(dice, 4); count > 0; count--)
                        random_literal(dice, &list);
                put_sized(tokens, 0x50, list.bytes, list.size);
        }
        tokens->bytes[tokens->size++] = 0x86; /* Contains */
}

static inline void
random_operators(struct dice *dice, struct tokens *tokens, unsigned budget)
{
        if (budget < 3 || roll(dice, 3) == 0) {
                random_relation(dice, tokens);
        } else if (roll(dice, 3) == 0) {
                random_operators(dice, tokens, budget - 1);
                tokens->bytes[tokens->size++] = 0xa2; /* ! */
        } else {
                random_operators(dice, tokens, budget / 2);
                random_operators(dice, tokens, budget / 2);
                tokens->bytes[tokens->size++] = roll(dice, 2) ? 0xa0 : 0xa1; /* && or || */
        }
}

static inline void
random_condition(struct dice *dice, struct tokens *tokens)
{
        memcpy(tokens->bytes, "artx", 4);
        tokens->size = 4;
        random_operators(dice, tokens, 1 + roll(dice, OPERATORS_MAX));
        while (tokens->size % 4 != 0)
                tokens->bytes[tokens->size++] = 0;
}

static inline void
random_entries(struct dice *dice, struct wr_draft *draft, bool system)
{
        static const uint32_t types[2][4] = { { WR_ACE_ALLOW, WR_ACE_DENY, WR_ACE_ALLOW_IF, WR_ACE_DENY_IF },
                                              { WR_ACE_AUDIT, WR_ACE_LABEL, WR_ACE_AUDIT, WR_ACE_LABEL } };
        struct tokens tokens;

        for (uint32_t count = roll(dice, 5); count > 0; count--) {
                struct wr_ace ace = { .type = types[system][roll(dice, 4)], .flags = roll(dice, 256) & 0xdf };

                ace.mask = random_mask(dice);
                ace.sid = random_sid(dice);
                if (ace.type == WR_ACE_LABEL) {
                        ace.mask &= 7;
                        ace.sid = (struct wr_sid){ 16, 1, { roll(dice, 6) * 4096 } };
                } else if (ace.type == WR_ACE_ALLOW_IF || ace.type == WR_ACE_DENY_IF) {
                        random_condition(dice, &tokens);
                        ace.condition = tokens.bytes;
                        ace.condition_size = tokens.size;
                }
                wr_draft_ace(draft, &ace);
        }
}

/* Returns its size; all parts of the text can be in it, and at least one is. */
static inline size_t
random_descriptor(struct dice *dice, uint8_t bytes[RANDOM_BYTES_MAX])
{
        static const uint32_t controls[] = { WR_DACL_PROTECTED, WR_DACL_AUTO_INHERIT_REQUIRED, WR_DACL_AUTO_INHERITED };
        uint32_t parts = 1 + roll(dice, 15), dacl = 0, sacl = 0;
        struct wr_sid sid = random_sid(dice);
        struct wr_draft draft;

        for (int i = 0; i < 3; i++) {
                dacl |= roll(dice, 3) ? 0 : controls[i];
                sacl |= roll(dice, 3) ? 0 : controls[i] << 1;
        }
        wr_draft_begin(&draft, bytes, RANDOM_BYTES_MAX);
        if (parts & 1)
                wr_draft_owner(&draft, &sid);
        sid = random_sid(dice);
        if (parts & 2)
                wr_draft_group(&draft, &sid);
        if ((parts & 4) && roll(dice, 8) == 0) {
                wr_draft_null_sacl(&draft, sacl);
        } else if (parts & 4) {
                wr_draft_sacl(&draft, sacl);
                random_entries(dice, &draft, true);
        }
        if ((parts & 8) && roll(dice, 8) == 0) {
                wr_draft_null_dacl(&draft, dacl);
        } else if (parts & 8) {
                wr_draft_dacl(&draft, dacl);
                random_entries(dice, &draft, false);
        }
        return wr_draft_end(&draft);
}

/* A copy that ends where its memory ends, so that ASan sees the first byte read too far. */
static inline uint8_t *
exact_copy(const void *bytes, size_t size)
{
        uint8_t *copy = malloc(size + (size == 0));

        cr_assert(copy != NULL);
        if (size > 0)
                memcpy(copy, bytes, size);
        return copy;
}

#endif
