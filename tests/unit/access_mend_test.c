/* What mends a denial: applied it grants, each part of it is needed, and nobody else loses by it. */
#include "tests/unit/access_fixture.h"

enum { DENIALS = 2000 };

struct case_of {
        struct object object, mended;
        struct person person, bystander;
        const struct wr_generic_mapping *mapping;
        uint32_t desired;
        struct wr_mend mend;
};

static bool
grants(const struct case_of *this, const struct object *object, const struct wr_token *token)
{
        struct wr_access access;

        return wr_access_check(&object->descriptor, token, this->mapping, this->desired, &access);
}

static uint32_t
all_for(const struct case_of *this, const struct object *object, const struct wr_token *token)
{
        struct wr_access access;

        wr_access_check(&object->descriptor, token, this->mapping, WR_MAXIMUM_ALLOWED, &access);
        return access.mask;
}

static struct wr_token
with_privileges(const struct case_of *this, uint32_t privileges)
{
        struct wr_token token = this->person.token;

        token.privileges |= privileges;
        return token;
}

/* False: granted already, or beyond mending. */
static bool
find_denial(struct case_of *this, uint64_t seed)
{
        struct dice dice = { seed };

        this->mapping = any_mapping(&dice);
        any_person(&dice, &this->person);
        any_person(&dice, &this->bystander);
        any_object(&dice, this->mapping, &this->object);
        this->desired = roll(&dice, 8) == 0 ? WR_MAXIMUM_ALLOWED : any_mask(&dice, this->mapping);
        return !grants(this, &this->object, &this->person.token) &&
               wr_access_mend(&this->object.descriptor, &this->person.token, this->mapping, this->desired, &this->mend);
}

static void
apply(const struct case_of *this, const struct wr_mend *mend, struct object *mended)
{
        object_open(mended, wr_access_mended(&this->object.descriptor, mend, mended->bytes, sizeof(mended->bytes)));
}

/* The change as a reader of the explanation makes it: the text of each entry put into the text of the descriptor. */
static struct object *
apply_as_text(const struct case_of *this)
{
        char text[1024], all[16384];
        struct wr_descriptor sparse = this->object.descriptor;
        struct wr_ace ace;
        size_t place = 0, used;
        uint32_t at = 0;
        bool list = sparse.dacl.present && !sparse.dacl.null;

        sparse.control &= ~(uint32_t)WR_DACL_PRESENT;
        sparse.dacl = (struct wr_acl){ 0 };
        sparse.sacl = (struct wr_acl){ 0 };
        sparse.control &= ~(uint32_t)WR_SACL_PRESENT;
        wr_sddl_print(&sparse, NULL, all, sizeof(all));
        used = strlen(all);
        used += (size_t)snprintf(all + used, sizeof(all) - used,
                                 list || this->mend.new_list ? "D:" : "D:NO_ACCESS_CONTROL");
        do {
                for (uint32_t i = 0; at == this->mend.at && i < this->mend.entry_count; i++) {
                        wr_sddl_print_ace(&this->mend.entries[i], NULL, text, sizeof(text));
                        used += (size_t)snprintf(all + used, sizeof(all) - used, "%s", text);
                }
                if (!list || !wr_acl_next(&this->object.descriptor.dacl, &place, &ace))
                        break;
                wr_sddl_print_ace(&ace, NULL, text, sizeof(text));
                used += (size_t)snprintf(all + used, sizeof(all) - used, "%s", text);
                at++;
        } while (true);
        if (this->mend.relabel) {
                wr_sddl_print_ace(&this->mend.label, NULL, text, sizeof(text));
                snprintf(all + used, sizeof(all) - used, "S:%s", text);
        }
        return object_of(all);
}

static struct wr_mend
without_entry(const struct wr_mend *mend, uint32_t entry)
{
        struct wr_mend less = *mend;

        less.entry_count--;
        for (uint32_t i = entry; i < less.entry_count; i++)
                less.entries[i] = less.entries[i + 1];
        return less;
}

static void
expect_every_part_needed(const struct case_of *this, uint64_t seed)
{
        struct wr_token token = with_privileges(this, this->mend.privileges);
        struct object part;
        struct wr_mend less = this->mend;

        /* The first entry of a new list is there for others. */
        for (uint32_t i = this->mend.new_list ? 1 : 0; i < this->mend.entry_count; i++) {
                less = without_entry(&this->mend, i);
                apply(this, &less, &part);
                cr_assert(this->desired == WR_MAXIMUM_ALLOWED || !grants(this, &part, &token), "seed %lu, entry %u",
                          (unsigned long)seed, i);
                for (unsigned bit = 0; bit < 32; bit++) { /* nor does an entry hold a right too many */
                        less = this->mend;
                        less.entries[i].mask &= ~(1u << bit);
                        if (this->desired == WR_MAXIMUM_ALLOWED || less.entries[i].mask == this->mend.entries[i].mask ||
                            less.entries[i].mask == 0)
                                continue;
                        apply(this, &less, &part);
                        cr_assert(not(grants(this, &part, &token)), "seed %lu, bit %u", (unsigned long)seed, bit);
                }
        }
        less = this->mend;
        less.relabel = false;
        apply(this, &less, &part);
        if (this->mend.relabel && this->desired != WR_MAXIMUM_ALLOWED)
                cr_assert(not(grants(this, &part, &token)), "seed %lu, label", (unsigned long)seed);
        if (this->mend.privileges != 0)
                cr_assert(not(grants(this, &this->mended, &this->person.token)), "seed %lu", (unsigned long)seed);
}

Test(access_mend, thousands_of_random_denials_are_granted_once_mended)
{
        unsigned denials = 0;

        for (uint64_t seed = 1; denials < DENIALS; seed++) {
                static struct case_of this;
                struct wr_token token;
                struct object *typed;

                if (!find_denial(&this, seed))
                        continue;
                denials++;
                token = with_privileges(&this, this.mend.privileges);
                apply(&this, &this.mend, &this.mended);
                cr_assert(grants(&this, &this.mended, &token), "seed %lu", (unsigned long)seed);
                expect_every_part_needed(&this, seed);
                if (this.object.descriptor.sacl.count != 0)
                        continue; /* the text below has at most the new label */
                typed = apply_as_text(&this);
                cr_assert(grants(&this, typed, &token), "seed %lu", (unsigned long)seed);
                free(typed);
        }
}

Test(access_mend, nobody_loses_a_right_when_a_list_is_mended_for_another)
{
        unsigned denials = 0;

        for (uint64_t seed = 1; denials < DENIALS; seed++) {
                static struct case_of this;
                uint32_t before, after;

                if (!find_denial(&this, seed) || this.mend.new_list)
                        continue;
                denials++;
                apply(&this, &this.mend, &this.mended);
                before = all_for(&this, &this.object, &this.bystander.token);
                after = all_for(&this, &this.mended, &this.bystander.token);
                cr_assert(eq(u32, before & ~after, 0), "seed %lu", (unsigned long)seed);
        }
}

/* Only a token that names nobody is beyond mending: one whose user and groups count for denials only. */
Test(access_mend, what_is_beyond_mending_is_rare_and_says_why)
{
        unsigned beyond = 0;

        for (uint64_t seed = 1; seed <= 20000; seed++) {
                static struct case_of this;
                char text[512];

                if (find_denial(&this, seed) || grants(&this, &this.object, &this.person.token))
                        continue;
                beyond++;
                cr_assert(this.mend.impossible != NULL && this.mend.entry_count == 0);
                cr_assert(this.person.token.user_deny_only, "seed %lu: %s", (unsigned long)seed, this.mend.impossible);
                wr_access_explain_mend(&this.mend, NULL, text, sizeof(text));
                cr_assert(strncmp(text, "nothing mends it: ", 18) == 0);
        }
        cr_assert(lt(uint, beyond, 200));
}

static void
expect_mend(const char *sddl, const struct wr_token *token, uint32_t desired, const char *expected)
{
        struct object *object = object_of(sddl);
        struct wr_mend mend;
        char text[1024];

        wr_access_mend(&object->descriptor, token, &wr_section_mapping, desired, &mend);
        wr_access_explain_mend(&mend, NULL, text, sizeof(text));
        cr_assert(eq(str, text, (char *)expected));
        free(object);
}

Test(access_mend, an_entry_for_the_user_goes_behind_a_list_that_only_allows)
{
        struct wr_token user = user_token();

        expect_mend("O:SYD:(A;;LC;;;SY)", &user, 6, "add (A;;DCLC;;;" USER ") behind entry 1, the last\n");
        expect_mend("O:SYD:(A;;LC;;;WD)", &user, 6, "add (A;;DC;;;" USER ") behind entry 1, the last\n");
        expect_mend("O:SYD:", &user, 2, "add (A;;DC;;;" USER ") as the first entry of the list\n");
        expect_mend("O:SYD:(A;;LC;;;WD)", &user, 4, "");
}

Test(access_mend, an_entry_goes_in_front_of_the_first_one_that_denies_what_is_missing)
{
        struct wr_token user = user_token();

        expect_mend("D:(D;;CC;;;WD)(D;;DC;;;BA)(D;;LC;;;WD)(A;;LC;;;WD)", &user, 6,
                    "add (A;;DCLC;;;" USER ") in front of entry 2, which denies\n");
}

Test(access_mend, a_container_gets_an_entry_for_each_half_that_lacks_one)
{
        struct wr_token package = package_token(WR_CONTAINER);

        expect_mend("D:(A;;LC;;;WD)", &package, 4, "add (A;;LC;;;" PACKAGE ") behind entry 1, the last\n");
        expect_mend("D:(A;;LC;;;AC)", &package, 4, "add (A;;LC;;;" USER ") behind entry 1, the last\n");
        expect_mend("D:(A;;LC;;;SY)", &package, 4,
                    "add (A;;LC;;;" USER ") behind entry 1, the last\n"
                    "add (A;;LC;;;" PACKAGE ") behind entry 1, the last\n");
        package.container = WR_CONTAINER_LESS;
        expect_mend("D:(A;;LC;;;WD)(A;;LC;;;AC)", &package, 4, "add (A;;LC;;;" PACKAGE ") behind entry 2, the last\n");
}

Test(access_mend, a_package_entry_behind_a_denial_of_the_user_is_none)
{
        struct wr_token package = package_token(WR_CONTAINER);

        expect_mend("D:(A;;LC;;;WD)(D;;LC;;;WD)(A;;LC;;;AC)", &package, 4,
                    "add (A;;LC;;;" PACKAGE ") in front of entry 2, which denies\n");
}

Test(access_mend, an_object_without_a_list_gets_one_that_keeps_it_open_to_users)
{
        struct wr_token package = package_token(WR_CONTAINER);
        struct object *object = object_of("O:SYD:NO_ACCESS_CONTROL"), mended;
        struct wr_access access;
        struct wr_mend mend;
        struct wr_token stranger = user_token();

        expect_mend("O:SYD:NO_ACCESS_CONTROL", &package, 4,
                    "add (A;;GA;;;WD) as the list that the object does not have yet\n"
                    "add (A;;LC;;;" PACKAGE ") as the list that the object does not have yet\n");
        stranger.user = sid_of("S-1-5-21-1-2-3-4");
        cr_assert(wr_access_mend(&object->descriptor, &package, &wr_section_mapping, 4, &mend));
        object_open(&mended, wr_access_mended(&object->descriptor, &mend, mended.bytes, sizeof(mended.bytes)));
        cr_assert(wr_access_check(&mended.descriptor, &stranger, &wr_section_mapping, WR_GENERIC_ALL, &access));
        free(object);
}

Test(access_mend, a_label_is_lowered_no_further_than_needed)
{
        struct wr_token user = user_token(), package = package_token(WR_CONTAINER);

        expect_mend("D:(A;;GA;;;WD)S:(ML;;NWNR;;;HI)", &user, 4,
                    "give the object the label (ML;;NWNR;;;ME) instead of its own\n");
        expect_mend("D:(A;;GA;;;WD)(A;;GA;;;AC)S:(ML;;NW;;;SI)", &package, 2,
                    "give the object the label (ML;;NW;;;ME) instead of its own\n");
        user.integrity = WR_INTEGRITY_LOW;
        expect_mend("D:(A;;GA;;;WD)", &user, 2, "give the object the label (ML;;NW;;;LW)\n");
}

Test(access_mend, what_only_a_privilege_gives_is_asked_of_the_token)
{
        struct wr_token user = user_token();

        expect_mend("D:(A;;GA;;;WD)", &user, WR_ACCESS_SYSTEM_SECURITY,
                    "give the process the privilege SeSecurityPrivilege\n");
}

Test(access_mend, a_restricted_token_gets_one_entry_where_its_two_lists_meet)
{
        struct wr_token user = user_token();
        struct wr_sid second[2] = { sid_of("S-1-1-0"), sid_of("S-1-5-12") };

        user.restricting = second;
        user.restricting_count = 2;
        expect_mend("D:(A;;LC;;;AU)", &user, 4, "add (A;;LC;;;RC) behind entry 1, the last\n");
        second[0] = user.user;
        expect_mend("D:", &user, 4, "add (A;;LC;;;" USER ") as the first entry of the list\n");
}

Test(access_mend, a_user_that_counts_for_denials_only_is_named_by_its_narrowest_group)
{
        struct wr_token user = user_token();

        user.user_deny_only = true;
        expect_mend("D:", &user, 4, "add (A;;LC;;;AU) as the first entry of the list\n");
        user.group_count = 0;
        expect_mend(
                "D:", &user, 4,
                "nothing mends it: its user counts for denials only, and it has no enabled group that an entry could "
                "name\n");
        expect_mend("D:", &user, 0, "nothing mends it: nothing was asked for\n");
}

Test(access_mend, a_mended_descriptor_needs_its_room)
{
        struct wr_token user = user_token();
        struct object *object = object_of("O:SYG:SYD:(A;;LC;;;SY)");
        uint8_t bytes[256];
        struct wr_mend mend;
        size_t size;

        wr_access_mend(&object->descriptor, &user, &wr_section_mapping, 4, &mend);
        size = wr_access_mended(&object->descriptor, &mend, bytes, sizeof(bytes));
        cr_assert(ne(sz, size, 0));
        cr_assert(eq(sz, wr_access_mended(&object->descriptor, &mend, bytes, size), size));
        cr_assert(eq(sz, wr_access_mended(&object->descriptor, &mend, bytes, size - 1), 0));
        free(object);
}
