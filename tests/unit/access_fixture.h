/*
 * What the tests of the access check share: descriptors from text, and a source of random descriptors, tokens and
 * requests that are close enough to each other for most of the entries to matter.
 */
#ifndef ACCESS_FIXTURE_H
#define ACCESS_FIXTURE_H

#include "named-objects/rights/access_explain.h"
#include "named-objects/rights/condition.h"
#include "named-objects/rights/sddl.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USER     "S-1-5-21-1000-2000-3000-1001"
#define LOGON    "S-1-5-5-0-77777"
#define PACKAGE  "S-1-15-2-1-2-3-4-5-6-7"
#define OTHER    "S-1-15-2-7-6-5-4-3-2-1"
#define CAPABLE  "S-1-15-3-1024-1-2-3-4-5-6-7-8"
#define CAMERA   "org.weir.Camera"
#define SYSAPPID "WIN://SYSAPPID"

struct object {
        struct wr_descriptor descriptor;
        uint8_t bytes[4096];
};

static inline struct wr_sid
sid_of(const char *text)
{
        struct wr_sid sid;

        cr_assert(wr_sid_parse(&sid, text, strlen(text)), "%s", text);
        return sid;
}

static inline void
object_open(struct object *object, size_t size)
{
        const char *why = "";

        cr_assert(ne(sz, size, 0));
        cr_assert(wr_descriptor_open(&object->descriptor, object->bytes, size, &why), "%s", why);
}

static inline struct object *
object_of(const char *sddl)
{
        struct object *object = calloc(1, sizeof(*object));
        struct wr_sddl_error error = { 0 };
        size_t size = wr_sddl_parse(sddl, strlen(sddl), NULL, object->bytes, sizeof(object->bytes), &error);

        cr_assert(ne(sz, size, 0), "%s: %zu: %s", sddl, error.at, error.what);
        object_open(object, size);
        return object;
}

/* A user of Medium integrity, and a package that he runs. */
static const struct wr_group plain_groups[] = {
        { .sid = { .authority = 1, .count = 1 }, .enabled = true },                  /* Everyone */
        { .sid = { .authority = 5, .count = 1, .words = { 11 } }, .enabled = true }, /* Authenticated Users */
        { .sid = { .authority = 5, .count = 2, .words = { 32, 544 } }, .enabled = true, .deny_only = true } /* admins */
};

static inline struct wr_token
user_token(void)
{
        return (struct wr_token){
                .user = sid_of(USER), .groups = plain_groups, .group_count = 3, .integrity = WR_INTEGRITY_MEDIUM
        };
}

static inline struct wr_token
package_token(enum wr_container container)
{
        struct wr_token token = user_token();

        token.container = container;
        token.package = sid_of(PACKAGE);
        token.integrity = WR_INTEGRITY_LOW;
        return token;
}

/* SplitMix64. A failing assertion prints the seed of its round, which makes everything of that round again. */
struct dice {
        uint64_t state;
};

static inline uint32_t
roll(struct dice *dice, uint32_t sides)
{
        uint64_t z = dice->state += 0x9e3779b97f4a7c15;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return (uint32_t)((z ^ (z >> 31)) % sides);
}

enum { POOL_SIZE = 18, USERS_IN_POOL = 9, PACKAGES_AT = 11 };

/* First those that users and groups may be, then the restricting ones, then those of packages. */
static inline const struct wr_sid *
pool(uint32_t index)
{
        static const char *const texts[POOL_SIZE] = {
                USER,           "S-1-5-21-1000-2000-3000-1002",
                "S-1-1-0",      "S-1-5-11",
                "S-1-5-32-545", "S-1-5-32-544",
                LOGON,          "S-1-22-2-100",
                "S-1-5-18",     "S-1-5-12",
                "S-1-3-4",      "S-1-15-2-1",
                "S-1-15-2-2",   PACKAGE,
                OTHER,          "S-1-15-3-1",
                CAPABLE,        "S-1-15-3-1-2-3-4-5-6-7",
        };
        static struct wr_sid sids[POOL_SIZE];

        if (sids[0].count == 0)
                for (int i = 0; i < POOL_SIZE; i++)
                        sids[i] = sid_of(texts[i]);
        return &sids[index];
}

static inline const struct wr_sid *
any_sid(struct dice *dice)
{
        return pool(roll(dice, POOL_SIZE));
}

static inline const struct wr_generic_mapping *
any_mapping(struct dice *dice)
{
        static const struct wr_generic_mapping *const all[] = { &wr_section_mapping, &wr_event_mapping,
                                                                &wr_mutex_mapping,   &wr_semaphore_mapping,
                                                                &wr_pipe_mapping,    &wr_directory_mapping };

        return all[roll(dice, sizeof(all) / sizeof(*all))];
}

static inline uint32_t
any_right(struct dice *dice, const struct wr_generic_mapping *mapping)
{
        static const uint32_t others[] = { 0x10000,    0x20000,    0x40000,    0x80000,   0x100000, 0x10000000,
                                           0x20000000, 0x40000000, 0x80000000, 0x1000000, 0x20,     0x800000 };
        uint32_t right = (uint32_t)1 << roll(dice, 9);

        if (roll(dice, 2) != 0)
                return others[roll(dice, sizeof(others) / sizeof(*others))];
        return (right & mapping->all) != 0 ? right : mapping->all & 0xf;
}

static inline uint32_t
any_mask(struct dice *dice, const struct wr_generic_mapping *mapping)
{
        uint32_t mask = any_right(dice, mapping);

        while (roll(dice, 2) != 0)
                mask |= any_right(dice, mapping);
        return mask;
}

static inline uint32_t
any_level(struct dice *dice)
{
        static const uint32_t levels[] = { WR_INTEGRITY_UNTRUSTED, WR_INTEGRITY_LOW,  WR_INTEGRITY_MEDIUM,
                                           WR_INTEGRITY_MEDIUM,    WR_INTEGRITY_HIGH, WR_INTEGRITY_SYSTEM };

        return levels[roll(dice, sizeof(levels) / sizeof(*levels))];
}

/* A token with the memory that it points to. */
struct person {
        struct wr_token token;
        struct wr_group groups[USERS_IN_POOL];
        struct wr_sid restricting[3], capabilities[3];
        struct wr_attribute attribute;
};

static inline void
any_container(struct dice *dice, struct person *person)
{
        static const char *const names[] = { CAMERA };
        struct wr_token *token = &person->token;

        token->container = (enum wr_container)(roll(dice, 2) != 0 ? roll(dice, 4) : WR_NO_CONTAINER);
        if (token->container != WR_NO_CONTAINER) {
                token->package = *pool(PACKAGES_AT + 2 + roll(dice, 2));
                token->capabilities = person->capabilities;
                token->capability_count = roll(dice, 4);
                for (size_t i = 0; i < token->capability_count; i++)
                        person->capabilities[i] = *pool(PACKAGES_AT + 4 + roll(dice, 3));
        }
        if (roll(dice, 2) != 0) {
                person->attribute = (struct wr_attribute){ .name = SYSAPPID, .strings = names, .count = 1 };
                token->attributes = &person->attribute;
                token->attribute_count = 1;
        }
}

static inline void
any_person(struct dice *dice, struct person *person)
{
        struct wr_token *token = &person->token;

        memset(person, 0, sizeof(*person));
        token->user = *pool(roll(dice, 2));
        token->user_deny_only = roll(dice, 10) == 0;
        token->groups = person->groups;
        for (uint32_t i = 2; i < USERS_IN_POOL; i++)
                if (roll(dice, 3) != 0)
                        person->groups[token->group_count++] = (struct wr_group){ .sid = *pool(i),
                                                                                  .enabled = roll(dice, 8) != 0,
                                                                                  .deny_only = roll(dice, 8) == 0 };
        if (roll(dice, 4) == 0) {
                token->restricting = person->restricting;
                token->restricting_count = 1 + roll(dice, 3);
                token->write_restricted = roll(dice, 2) != 0;
                for (size_t i = 0; i < token->restricting_count; i++)
                        person->restricting[i] = *pool(roll(dice, USERS_IN_POOL + 1));
        }
        token->privileges = roll(dice, 4) == 0 ? roll(dice, 8) : 0;
        token->integrity = any_level(dice);
        any_container(dice, person);
}

static inline void
any_entry(struct dice *dice, const struct wr_generic_mapping *mapping, struct wr_ace *ace, uint8_t condition[256])
{
        static const char *const texts[] = { "(Exists " SYSAPPID ")", "(!(Exists " SYSAPPID "))",
                                             "(" SYSAPPID " Contains \"" CAMERA "\")",
                                             "(" SYSAPPID " Contains \"org.weir.Other\")" };
        static const uint32_t types[] = { WR_ACE_ALLOW,    WR_ACE_ALLOW, WR_ACE_ALLOW,  WR_ACE_ALLOW,
                                          WR_ACE_ALLOW_IF, WR_ACE_DENY,  WR_ACE_DENY_IF };

        *ace = (struct wr_ace){ .type = types[roll(dice, sizeof(types) / sizeof(*types))] };
        ace->flags = roll(dice, 10) == 0 ? WR_ACE_INHERIT_ONLY | WR_ACE_CONTAINER_INHERIT : 0;
        ace->mask = any_mask(dice, mapping);
        ace->sid = *any_sid(dice);
        if (ace->type == WR_ACE_ALLOW_IF || ace->type == WR_ACE_DENY_IF) {
                const char *text = texts[roll(dice, sizeof(texts) / sizeof(*texts))];
                char what[160];
                size_t at;

                ace->condition = condition;
                ace->condition_size = wr_condition_parse(text, strlen(text), condition, 256, &at, what, sizeof(what));
                cr_assert(ne(sz, ace->condition_size, 0), "%s: %s", text, what);
        }
}

static inline void
any_label(struct dice *dice, struct wr_draft *draft)
{
        struct wr_ace label = { .type = WR_ACE_LABEL, .mask = roll(dice, 8) };

        if (roll(dice, 2) != 0)
                return;
        wr_draft_sacl(draft, 0);
        for (uint32_t i = roll(dice, 3); i > 0; i--) {
                label.flags = roll(dice, 4) == 0 ? WR_ACE_INHERIT_ONLY | WR_ACE_OBJECT_INHERIT : 0;
                label.sid = (struct wr_sid){ .authority = 16, .count = 1, .words = { any_level(dice) } };
                wr_draft_ace(draft, &label);
        }
}

static inline void
any_object(struct dice *dice, const struct wr_generic_mapping *mapping, struct object *object)
{
        struct wr_draft draft;
        uint8_t condition[256];
        struct wr_ace ace;
        uint32_t kind = roll(dice, 16);

        wr_draft_begin(&draft, object->bytes, sizeof(object->bytes));
        if (roll(dice, 8) != 0)
                wr_draft_owner(&draft, any_sid(dice));
        any_label(dice, &draft);
        if (kind == 0) {
                wr_draft_null_dacl(&draft, 0);
        } else if (kind > 1) {
                wr_draft_dacl(&draft, WR_DACL_PROTECTED);
                for (uint32_t i = roll(dice, 9); i > 0; i--) {
                        any_entry(dice, mapping, &ace, condition);
                        wr_draft_ace(&draft, &ace);
                }
        }
        object_open(object, wr_draft_end(&draft));
}

/* Copies an object's DACL without the entry `without` (UINT32_MAX: with all), and with `extra`, if any, in front of
 * index `at`. */
static inline void
object_edit(const struct object *from, uint32_t without, const struct wr_ace *extra, uint32_t at, struct object *to)
{
        struct wr_draft draft;
        struct wr_ace ace;
        size_t place = 0;
        uint32_t index = 0;

        wr_draft_begin(&draft, to->bytes, sizeof(to->bytes));
        if (from->descriptor.has_owner)
                wr_draft_owner(&draft, &from->descriptor.owner);
        if (from->descriptor.sacl.present)
                wr_draft_sacl(&draft, 0);
        while (from->descriptor.sacl.present && wr_acl_next(&from->descriptor.sacl, &place, &ace))
                wr_draft_ace(&draft, &ace);
        wr_draft_dacl(&draft, 0);
        for (place = 0; wr_acl_next(&from->descriptor.dacl, &place, &ace); index++) {
                if (extra != NULL && index == at)
                        wr_draft_ace(&draft, extra);
                if (index != without)
                        wr_draft_ace(&draft, &ace);
        }
        if (extra != NULL && index <= at)
                wr_draft_ace(&draft, extra);
        object_open(to, wr_draft_end(&draft));
}

#endif
