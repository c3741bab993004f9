/*
 * What holds of every descriptor, every token and every request: random ones, against the rules written down a second
 * time as a walk with masks, and against themselves with one entry more or less.
 */
#include "tests/unit/access_fixture.h"

#include "named-objects/rights/access_walk.h"

enum { ROUNDS = 20000 };

struct round {
        struct dice dice;
        struct object object;
        struct person person;
        const struct wr_generic_mapping *mapping;
};

static void
begin(struct round *round, uint64_t seed)
{
        round->dice.state = seed;
        round->mapping = any_mapping(&round->dice);
        any_person(&round->dice, &round->person);
        any_object(&round->dice, round->mapping, &round->object);
}

static uint32_t
all_that(const struct round *round, const struct object *object)
{
        struct wr_access access;

        wr_access_check(&object->descriptor, &round->person.token, round->mapping,
                        WR_MAXIMUM_ALLOWED | (round->person.token.privileges & 1 ? WR_ACCESS_SYSTEM_SECURITY : 0),
                        &access);
        if (access.mask == 0) /* the named right may be the one that spoils the rest */
                wr_access_check(&object->descriptor, &round->person.token, round->mapping, WR_MAXIMUM_ALLOWED, &access);
        return access.mask;
}

static bool
has_list(const struct object *object)
{
        return object->descriptor.dacl.present && !object->descriptor.dacl.null;
}

/* The list as MS-DTYP writes the walk: what is left of the request, entry by entry, for the halves together. */
static bool
walk_by_masks(const struct round *round, uint32_t user, uint32_t package, bool restricted)
{
        const struct wr_token *token = &round->person.token;
        const struct wr_descriptor *descriptor = &round->object.descriptor;
        struct wr_ace ace;
        size_t place = 0;

        while (has_list(&round->object) && wr_acl_next(&descriptor->dacl, &place, &ace)) {
                bool conditional = ace.type == WR_ACE_ALLOW_IF || ace.type == WR_ACE_DENY_IF;
                bool deny = ace.type == WR_ACE_DENY || ace.type == WR_ACE_DENY_IF;
                enum wr_truth truth = WR_TRUE;
                const struct wr_sid *sid = &ace.sid;
                uint32_t mask = wr_access_map(round->mapping, ace.mask);
                bool named;

                if (user == 0 && package == 0)
                        break;
                if (ace.flags & WR_ACE_INHERIT_ONLY)
                        continue;
                if (wr_access_is_owner_rights(sid)) {
                        if (!descriptor->has_owner)
                                continue;
                        sid = &descriptor->owner;
                }
                if (conditional)
                        truth = wr_condition_value(ace.condition, ace.condition_size, token);
                if (deny ? truth == WR_FALSE : truth != WR_TRUE)
                        continue;
                named = restricted ? wr_access_names_restricted(token, sid) : wr_access_names_user(token, sid, deny);
                if (deny && named && (mask & (user | package)) != 0)
                        return false;
                if (!deny && named)
                        user &= ~mask;
                else if (!deny && !restricted && wr_access_names_package(token, sid))
                        package &= ~mask;
        }
        return user == 0 && package == 0;
}

/* windows.md's order, literally, for a request of named rights. */
static bool
check_by_masks(const struct round *round, uint32_t desired)
{
        const struct wr_token *token = &round->person.token;
        const struct wr_descriptor *descriptor = &round->object.descriptor;
        bool container = token->container != WR_NO_CONTAINER;
        uint32_t request = wr_access_map(round->mapping, desired), left = request;
        uint32_t reads = round->mapping->read | round->mapping->execute | WR_READ_CONTROL | WR_SYNCHRONIZE;
        struct wr_access_label label;
        struct wr_access_walk walk;

        wr_access_label(&label, descriptor);
        if (request == 0 || (request & ~wr_access_passes_label(&label, token, round->mapping)) != 0)
                return false;
        if ((left & WR_ACCESS_SYSTEM_SECURITY) != 0 && (token->privileges & WR_PRIVILEGE_SECURITY) == 0)
                return false;
        left &= ~(uint32_t)WR_ACCESS_SYSTEM_SECURITY;
        if (token->privileges & (WR_PRIVILEGE_TAKE_OWNERSHIP | WR_PRIVILEGE_RELABEL))
                left &= ~(uint32_t)WR_WRITE_OWNER;
        wr_access_walk(&walk, descriptor, token, round->mapping);
        if (wr_access_owns(descriptor, token) && !walk.owner_rights)
                left &= ~(uint32_t)(WR_READ_CONTROL | WR_WRITE_DAC);
        if (!has_list(&round->object))
                return !container && (left & ~round->mapping->all) == 0;
        if (!walk_by_masks(round, left, container ? request : 0, false))
                return false;
        if (token->restricting_count == 0 || (token->write_restricted && (request & ~reads) == 0))
                return true;
        return walk_by_masks(round, left, 0, true);
}

Test(access_properties, the_check_agrees_with_the_walk_that_the_documents_write_down)
{
        unsigned granted = 0;

        for (uint64_t seed = 1; seed <= 5 * ROUNDS; seed++) {
                struct wr_access access;
                struct round round;
                uint32_t desired;

                begin(&round, seed);
                desired = any_mask(&round.dice, round.mapping);
                wr_access_check(&round.object.descriptor, &round.person.token, round.mapping, desired, &access);
                cr_assert(eq(int, access.granted, check_by_masks(&round, desired)), "seed %lu", (unsigned long)seed);
                cr_assert(eq(u32, access.mask, access.granted ? access.desired : 0), "seed %lu", (unsigned long)seed);
                granted += access.granted;
        }
        cr_assert(gt(uint, granted, ROUNDS / 4)); /* both answers are common */
        cr_assert(lt(uint, granted, 4 * ROUNDS));
}

Test(access_properties, the_maximum_is_the_union_of_the_single_rights)
{
        for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
                uint32_t singles = 0;
                struct wr_access access;
                struct round round;

                begin(&round, seed);
                for (unsigned bit = 0; bit < 28; bit++)
                        if ((1u << bit & (WR_MAXIMUM_ALLOWED | WR_ACCESS_SYSTEM_SECURITY)) == 0 &&
                            wr_access_check(&round.object.descriptor, &round.person.token, round.mapping, 1u << bit,
                                            &access))
                                singles |= access.mask;
                wr_access_check(&round.object.descriptor, &round.person.token, round.mapping, WR_MAXIMUM_ALLOWED,
                                &access);
                cr_assert(eq(u32, access.mask, singles), "seed %lu", (unsigned long)seed);
                cr_assert(eq(int, access.granted, singles != 0));
        }
}

/* The first entry for OWNER RIGHTS takes from the owner what owners have without any, so removing it may give. */
Test(access_properties, removing_an_allowing_entry_never_grants_more)
{
        unsigned less = 0;

        for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
                struct object without;
                struct round round;
                struct wr_ace ace;
                size_t place = 0;

                begin(&round, seed);
                for (uint32_t at = 0; wr_acl_next(&round.object.descriptor.dacl, &place, &ace); at++) {
                        uint32_t before = all_that(&round, &round.object), after;

                        if (ace.type != WR_ACE_ALLOW && ace.type != WR_ACE_ALLOW_IF)
                                continue;
                        object_edit(&round.object, at, NULL, 0, &without);
                        after = all_that(&round, &without);
                        if (wr_access_is_owner_rights(&ace.sid))
                                after &= ~(uint32_t)(WR_READ_CONTROL | WR_WRITE_DAC);
                        cr_assert(eq(u32, after & ~before, 0), "seed %lu", (unsigned long)seed);
                        less += before != after;
                }
        }
        cr_assert(gt(uint, less, ROUNDS / 10));
}

Test(access_properties, adding_an_entry_that_denies_never_grants_more)
{
        unsigned less = 0;

        for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
                uint32_t before, after;
                struct object with;
                struct wr_ace deny;
                struct round round;

                begin(&round, seed);
                deny = (struct wr_ace){ .type = WR_ACE_DENY, .mask = any_mask(&round.dice, round.mapping) };
                deny.sid = *any_sid(&round.dice);
                object_edit(&round.object, UINT32_MAX, &deny, roll(&round.dice, round.object.descriptor.dacl.count + 1),
                            &with);
                before = all_that(&round, &round.object);
                after = all_that(&round, &with);
                cr_assert(eq(u32, after & ~before, 0), "seed %lu", (unsigned long)seed);
                less += before != after;
        }
        cr_assert(gt(uint, less, ROUNDS / 20));
}

Test(access_properties, an_entry_that_denies_a_package_or_capability_changes_nothing)
{
        for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
                struct object with;
                struct round round;
                struct wr_ace deny = { .type = WR_ACE_DENY, .mask = WR_GENERIC_ALL };

                begin(&round, seed);
                if (!has_list(&round.object))
                        continue;
                deny.sid = *pool(PACKAGES_AT + roll(&round.dice, POOL_SIZE - PACKAGES_AT));
                object_edit(&round.object, UINT32_MAX, &deny, 0, &with);
                cr_assert(eq(u32, all_that(&round, &with), all_that(&round, &round.object)), "seed %lu",
                          (unsigned long)seed);
        }
}

static bool
says_entry(const struct round *round, const struct wr_access *access, int half, unsigned bit, uint32_t ace,
           const char *verb)
{
        char text[2048], number[32];

        wr_access_explain_half(&round->object.descriptor, &round->person.token, access, (enum wr_access_half)half, bit,
                               NULL, text, sizeof(text));
        snprintf(number, sizeof(number), "entry %u (", ace + 1);
        return strncmp(text, number, strlen(number)) == 0 && strstr(text, verb) != NULL;
}

/* Without the entry that allowed, the right is gone or a later entry decides it; without the one that denied, the right
 * is there or a later entry denies it. */
static void
expect_decider(const struct round *round, const struct wr_access *access, int half, unsigned bit, uint64_t seed)
{
        const struct wr_decision *was = &access->decisions[half][bit], *is;
        struct wr_access after;
        struct object without;

        object_edit(&round->object, was->ace, NULL, 0, &without);
        wr_access_check(&without.descriptor, &round->person.token, round->mapping, access->desired, &after);
        is = &after.decisions[half][bit];
        if (is->step == WR_STEP_DENIED || (is->step == WR_STEP_ALLOWED && was->step == WR_STEP_ALLOWED))
                cr_assert(ge(u32, is->ace, was->ace), "seed %lu", (unsigned long)seed);
        else if (was->step == WR_STEP_ALLOWED) /* it was for OWNER RIGHTS where the owner has the right now */
                cr_assert(is->step == WR_STEP_NONE || is->step == WR_STEP_OWNER, "seed %lu", (unsigned long)seed);
        cr_assert(says_entry(round, access, half, bit, was->ace,
                             was->step == WR_STEP_ALLOWED ? " allows it" : " denies it"),
                  "seed %lu", (unsigned long)seed);
}

Test(access_properties, what_the_explanation_names_is_what_decides)
{
        unsigned named = 0;

        for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
                struct wr_access access;
                struct round round;

                begin(&round, seed);
                wr_access_check(&round.object.descriptor, &round.person.token, round.mapping,
                                any_mask(&round.dice, round.mapping), &access);
                for (unsigned bit = 0; bit < 32; bit++) {
                        bool granted = true;

                        if ((access.desired >> bit & 1) == 0)
                                continue;
                        for (int half = 0; half < WR_HALVES; half++) {
                                const struct wr_decision *one = &access.decisions[half][bit];

                                granted &= one->granted;
                                if (one->step != WR_STEP_ALLOWED && one->step != WR_STEP_DENIED)
                                        continue;
                                cr_assert(eq(int, one->granted, one->step == WR_STEP_ALLOWED));
                                expect_decider(&round, &access, half, bit, seed);
                                named++;
                        }
                        cr_assert(eq(int, granted, (access.missing >> bit & 1) == 0), "seed %lu", (unsigned long)seed);
                }
        }
        cr_assert(gt(uint, named, ROUNDS / 4));
}

Test(access_properties, an_explanation_is_cut_at_any_room_and_tells_its_length)
{
        for (uint64_t seed = 1; seed <= 300; seed++) {
                char whole[16384], part[16384];
                struct wr_access access;
                struct round round;
                size_t length, room;

                begin(&round, seed);
                wr_access_check(&round.object.descriptor, &round.person.token, round.mapping,
                                any_mask(&round.dice, round.mapping) | WR_MAXIMUM_ALLOWED, &access);
                length = wr_access_explain(&round.object.descriptor, &round.person.token, &access, NULL, whole,
                                           sizeof(whole));
                cr_assert(eq(sz, strlen(whole), length));
                cr_assert(eq(chr, whole[length - 1], '\n'));
                room = roll(&round.dice, (uint32_t)length + 1);
                memset(part, '~', sizeof(part));
                cr_assert(eq(
                        sz, wr_access_explain(&round.object.descriptor, &round.person.token, &access, NULL, part, room),
                        length));
                cr_assert(eq(chr, part[room], '~'));
                if (room > 0)
                        cr_assert(strncmp(part, whole, room - 1) == 0 && part[room - 1] == '\0');
        }
}
