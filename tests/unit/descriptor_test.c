/* Descriptors as bytes: what is written is read back, and nothing that is written by others does harm. */
#include "tests/unit/descriptor_fixture.h"

/* D:(A;;GA;;;WD) with owner S-1-5-18, byte by byte. */
static const uint8_t small[] = {
        1, 0, 4,  0x80, 48, 0, 0, 0,    0,  0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, /* head: owner at 48, DACL at 20 */
        2, 0, 28, 0,    1,  0, 0, 0,                                          /* list: 28 bytes, one entry */
        0, 0, 20, 0,    0,  0, 0, 0x10, 1,  1, 0, 0, 0, 0, 0, 1, 0,  0, 0, 0, /* entry: allow, GA, S-1-1-0 */
        1, 1, 0,  0,    0,  0, 0, 5,    18, 0, 0, 0,                          /* owner: S-1-5-18 */
};

enum { ACL_AT = 20, ACE_AT = 28, SID_AT = 36, OWNER_AT = 48 };

static const struct wr_sid everyone = { 1, 1, { 0 } }, low = { 16, 1, { 4096 } };

static void
expect_refused(const uint8_t *bytes, size_t size, const char *part)
{
        struct wr_descriptor descriptor;
        const char *why = NULL;
        uint8_t *copy = exact_copy(bytes, size);
        char what[160];

        cr_assert(not(wr_descriptor_open(&descriptor, copy, size, &why)), "expected '%s'", part);
        cr_assert(why != NULL && strstr(why, part) != NULL, "'%s' names '%s'", why, part);
        cr_assert(not(wr_descriptor_open(&descriptor, copy, size, NULL)));
        cr_assert(eq(sz, wr_descriptor_refusal(copy, size, what, sizeof(what)), strlen(why)));
        cr_assert(eq(int, strcmp(what, why), 0)); /* there is no attribute to name */
        free(copy);
}

/* One byte of `small` changed. */
static void
expect_byte_refused(size_t at, uint8_t value, const char *part)
{
        uint8_t bytes[sizeof(small)];

        memcpy(bytes, small, sizeof(small));
        bytes[at] = value;
        expect_refused(bytes, sizeof(bytes), part);
}

Test(descriptor, a_descriptor_is_read_field_by_field)
{
        struct wr_descriptor descriptor;
        struct wr_ace ace;
        size_t at = 0;

        cr_assert(wr_descriptor_open(&descriptor, small, sizeof(small), NULL));
        cr_assert(eq(sz, wr_descriptor_refusal(small, sizeof(small), NULL, 0), 0));
        cr_assert(eq(u32, descriptor.control, 0x8004));
        cr_assert(descriptor.has_owner && !descriptor.has_group);
        cr_assert(eq(u32, descriptor.owner.words[0], 18));
        cr_assert(descriptor.dacl.present && !descriptor.dacl.null && !descriptor.sacl.present);
        cr_assert(eq(u32, descriptor.dacl.count, 1));
        cr_assert(wr_acl_next(&descriptor.dacl, &at, &ace));
        cr_assert(eq(u32, ace.type, WR_ACE_ALLOW));
        cr_assert(eq(u32, ace.mask, 0x10000000));
        cr_assert(wr_sid_equal(&ace.sid, &everyone) && ace.condition == NULL);
        cr_assert(not(wr_acl_next(&descriptor.dacl, &at, &ace)));
        cr_assert(not(wr_acl_next(&descriptor.sacl, &(size_t){ 0 }, &ace)));
}

Test(descriptor, a_draft_writes_the_bytes_that_windows_writes)
{
        uint8_t bytes[sizeof(small)];
        struct wr_ace ace = { .type = WR_ACE_ALLOW, .mask = 0x10000000, .sid = everyone };
        struct wr_draft draft;

        wr_draft_begin(&draft, bytes, sizeof(bytes));
        wr_draft_owner(&draft, &(struct wr_sid){ 5, 1, { 18 } });
        wr_draft_dacl(&draft, 0);
        wr_draft_ace(&draft, &ace);
        cr_assert(eq(sz, wr_draft_end(&draft), sizeof(small)));
        cr_assert(eq(int, memcmp(bytes, small, sizeof(small)), 0));
}

Test(descriptor, a_null_list_is_not_an_empty_one)
{
        uint8_t bytes[64];
        struct wr_descriptor descriptor;
        struct wr_draft draft;
        size_t size;

        wr_draft_begin(&draft, bytes, sizeof(bytes));
        wr_draft_null_sacl(&draft, WR_SACL_PROTECTED);
        wr_draft_null_dacl(&draft, WR_DACL_PROTECTED);
        size = wr_draft_end(&draft);
        cr_assert(wr_descriptor_open(&descriptor, bytes, size, NULL));
        cr_assert(descriptor.dacl.present && descriptor.dacl.null && descriptor.sacl.null);
        cr_assert(eq(u32, descriptor.control,
                     WR_SELF_RELATIVE | WR_DACL_PRESENT | WR_SACL_PRESENT | WR_DACL_PROTECTED | WR_SACL_PROTECTED));

        wr_draft_begin(&draft, bytes, sizeof(bytes));
        wr_draft_dacl(&draft, 0);
        size = wr_draft_end(&draft);
        cr_assert(wr_descriptor_open(&descriptor, bytes, size, NULL));
        cr_assert(descriptor.dacl.present && !descriptor.dacl.null && descriptor.dacl.count == 0);
}

Test(descriptor, a_list_that_the_control_bits_do_not_announce_is_not_there)
{
        uint8_t bytes[sizeof(small)];
        struct wr_descriptor descriptor;

        memcpy(bytes, small, sizeof(small));
        bytes[2] = 0;
        bytes[16] = 3; /* nobody looks at its offset */
        cr_assert(wr_descriptor_open(&descriptor, bytes, sizeof(bytes), NULL));
        cr_assert(not(descriptor.dacl.present));
}

Test(descriptor, parts_may_share_their_bytes)
{
        uint8_t bytes[sizeof(small)];
        struct wr_descriptor descriptor;

        memcpy(bytes, small, sizeof(small));
        bytes[8] = SID_AT; /* the group is the SID of the entry */
        cr_assert(wr_descriptor_open(&descriptor, bytes, sizeof(bytes), NULL));
        cr_assert(descriptor.has_group && wr_sid_equal(&descriptor.group, &everyone));
}

Test(descriptor, room_behind_the_last_entry_is_not_walked)
{
        uint8_t bytes[sizeof(small)];
        struct wr_descriptor descriptor;
        struct wr_ace ace;
        size_t at = 0;

        memcpy(bytes, small, sizeof(small));
        bytes[ACL_AT + 4] = 0; /* no entries in 28 bytes */
        cr_assert(wr_descriptor_open(&descriptor, bytes, sizeof(bytes), NULL));
        cr_assert(not(wr_acl_next(&descriptor.dacl, &at, &ace)));
}

Test(descriptor, a_malformed_head_is_refused)
{
        static uint8_t huge[WR_DESCRIPTOR_MAX + 1] = { 1, 0, 0, 0x80 };

        expect_refused(small, 0, "shorter than its head");
        expect_refused(small, 19, "shorter than its head");
        expect_refused(huge, sizeof(huge), "larger than");
        expect_byte_refused(0, 2, "revision");
        expect_byte_refused(1, 1, "reserved");
        expect_byte_refused(3, 0, "self-relative");
}

Test(descriptor, the_byte_of_a_resource_manager_may_stand_where_the_control_bits_say_so)
{
        uint8_t bytes[sizeof(small)];
        struct wr_descriptor descriptor;

        memcpy(bytes, small, sizeof(small));
        bytes[1] = 7;
        bytes[3] |= 0x40;
        cr_assert(wr_descriptor_open(&descriptor, bytes, sizeof(bytes), NULL));
}

Test(descriptor, offsets_that_lead_elsewhere_are_refused)
{
        expect_byte_refused(4, 49, "offset"); /* not a multiple of four */
        expect_byte_refused(4, 16, "offset"); /* into the head */
        expect_byte_refused(4, 60, "offset"); /* behind the end */
        expect_byte_refused(7, 0xff, "offset");
        expect_byte_refused(16, 60, "offset");
        expect_byte_refused(4, 56, "malformed"); /* too near to the end */
        expect_byte_refused(16, 56, "cut");
}

Test(descriptor, malformed_sids_are_refused)
{
        expect_byte_refused(OWNER_AT, 2, "malformed");
        expect_byte_refused(OWNER_AT + 1, 2, "malformed");
        expect_byte_refused(SID_AT, 2, "malformed SID");
        expect_byte_refused(SID_AT + 1, 16, "malformed SID");
}

Test(descriptor, lists_and_entries_whose_sizes_lie_are_refused)
{
        expect_byte_refused(ACL_AT, 1, "unknown revision");
        expect_byte_refused(ACL_AT, 5, "unknown revision");
        expect_byte_refused(ACL_AT + 2, 27, "impossible size"); /* no multiple of four */
        expect_byte_refused(ACL_AT + 2, 4, "impossible size");
        expect_byte_refused(ACL_AT + 2, 44, "impossible size"); /* behind the end */
        expect_byte_refused(ACL_AT + 2, 8, "shorter than its entries");
        expect_byte_refused(ACL_AT + 2, 24, "impossible size"); /* the entry is larger than its list */
        expect_byte_refused(ACL_AT + 4, 2, "shorter than its entries");
        expect_byte_refused(ACL_AT + 5, 1, "shorter than its entries");
        expect_byte_refused(ACE_AT + 2, 4, "impossible size");
        expect_byte_refused(ACE_AT + 2, 18, "impossible size");
        expect_byte_refused(ACE_AT + 2, 16, "malformed SID");
        expect_byte_refused(ACE_AT + 3, 1, "impossible size");
}

Test(descriptor, an_entry_with_bytes_behind_its_sid_is_refused)
{
        uint8_t bytes[sizeof(small) + 4] = { 0 };

        memcpy(bytes, small, OWNER_AT);
        memcpy(bytes + OWNER_AT + 4, small + OWNER_AT, sizeof(small) - OWNER_AT);
        bytes[4] = OWNER_AT + 4;
        bytes[ACL_AT + 2] += 4;
        bytes[ACE_AT + 2] += 4;
        expect_refused(bytes, sizeof(bytes), "larger than its SID");
}

Test(descriptor, foreign_entries_are_refused_by_name)
{
        static const struct {
                uint8_t type;
                const char *name;
        } foreign[] = { { 3, "(AL)" },   { 4, "compound" }, { 5, "(OA)" },    { 6, "(OD)" },  { 7, "(OU)" },
                        { 8, "(OL)" },   { 11, "(ZA)" },    { 12, "deny" },   { 13, "(XU)" }, { 14, "alarm" },
                        { 15, "audit" }, { 16, "alarm" },   { 18, "(RA)" },   { 19, "(SP)" }, { 20, "(TL)" },
                        { 21, "(FL)" },  { 22, "nobody" },  { 255, "nobody" } };

        for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
                expect_byte_refused(ACE_AT, foreign[i].type, foreign[i].name);
        expect_byte_refused(ACE_AT + 1, 0x20, "CR");
}

Test(descriptor, entries_stand_in_the_list_they_belong_to)
{
        uint8_t bytes[sizeof(small)];

        expect_byte_refused(ACE_AT, WR_ACE_AUDIT, "(AU) belong to the SACL");
        expect_byte_refused(ACE_AT, WR_ACE_LABEL, "(ML) belong to the SACL");
        memcpy(bytes, small, sizeof(small));
        bytes[2] = WR_SACL_PRESENT;
        memcpy(bytes + 12, small + 16, 4);
        memset(bytes + 16, 0, 4);
        expect_refused(bytes, sizeof(bytes), "belong to the DACL");
        bytes[ACE_AT] = WR_ACE_LABEL;
        expect_refused(bytes, sizeof(bytes), "integrity level");
        bytes[SID_AT + 7] = 16;
        expect_refused(bytes, sizeof(bytes), "only NW, NR and NX");
        bytes[ACE_AT + 7] = 0;
        cr_assert(wr_descriptor_open(&(struct wr_descriptor){ 0 }, bytes, sizeof(bytes), NULL));
}

Test(descriptor, a_conditional_entry_without_a_condition_is_refused)
{
        expect_byte_refused(ACE_AT, WR_ACE_ALLOW_IF, "condition");
        expect_byte_refused(ACE_AT, WR_ACE_DENY_IF, "condition");
}

static size_t
draft_of(uint8_t *bytes, size_t room, bool system, const struct wr_ace *ace)
{
        struct wr_draft draft;

        wr_draft_begin(&draft, bytes, room);
        (system ? wr_draft_sacl : wr_draft_dacl)(&draft, 0);
        wr_draft_ace(&draft, ace);
        return wr_draft_end(&draft);
}

Test(descriptor, a_draft_fails_where_it_finds_no_room)
{
        struct wr_ace ace = { .type = WR_ACE_ALLOW, .sid = everyone };
        uint8_t bytes[64];

        for (size_t room = 0; room < 48; room++) {
                uint8_t *exact = exact_copy(bytes, room);

                cr_assert(eq(sz, draft_of(exact, room, false, &ace), 0), "room %zu", room);
                free(exact);
        }
        cr_assert(eq(sz, draft_of(bytes, 48, false, &ace), 48));
}

Test(descriptor, a_draft_fails_of_an_owner_that_finds_no_room)
{
        uint8_t bytes[31];
        struct wr_draft draft;

        wr_draft_begin(&draft, bytes, sizeof(bytes));
        wr_draft_owner(&draft, &everyone);
        cr_assert(eq(sz, wr_draft_end(&draft), 0));
        wr_draft_begin(&draft, bytes, sizeof(bytes));
        wr_draft_group(&draft, &(struct wr_sid){ 0 });
        cr_assert(eq(sz, wr_draft_end(&draft), 0));
}

Test(descriptor, a_draft_takes_no_entry_that_would_be_refused)
{
        uint8_t bytes[256], condition[12] = "artx";
        struct wr_ace good = { .type = WR_ACE_ALLOW, .sid = everyone };
        struct wr_ace object = { .type = 5, .sid = everyone }, nobody = { .type = WR_ACE_ALLOW };
        struct wr_ace empty = { .type = WR_ACE_ALLOW_IF, .sid = everyone };
        struct wr_ace broken = {
                .type = WR_ACE_DENY_IF, .sid = everyone, .condition = condition, .condition_size = 12
        };
        struct wr_ace strange = { .type = WR_ACE_DENY, .sid = everyone, .condition = condition, .condition_size = 12 };
        struct wr_ace label = { .type = WR_ACE_LABEL, .mask = 1, .sid = low };
        struct wr_draft draft;

        cr_assert(ne(sz, draft_of(bytes, sizeof(bytes), false, &good), 0));
        cr_assert(ne(sz, draft_of(bytes, sizeof(bytes), true, &label), 0));
        cr_assert(eq(sz, draft_of(bytes, sizeof(bytes), true, &good), 0));
        cr_assert(eq(sz, draft_of(bytes, sizeof(bytes), false, &label), 0));
        cr_assert(eq(sz, draft_of(bytes, sizeof(bytes), false, &object), 0));
        cr_assert(eq(sz, draft_of(bytes, sizeof(bytes), false, &nobody), 0));
        cr_assert(eq(sz, draft_of(bytes, sizeof(bytes), false, &empty), 0));
        cr_assert(eq(sz, draft_of(bytes, sizeof(bytes), false, &broken), 0));
        cr_assert(eq(sz, draft_of(bytes, sizeof(bytes), false, &strange), 0));

        wr_draft_begin(&draft, bytes, sizeof(bytes));
        wr_draft_null_dacl(&draft, 0);
        wr_draft_ace(&draft, &good); /* the NULL list has none */
        cr_assert(eq(sz, wr_draft_end(&draft), 0));
}

Test(descriptor, a_list_holds_what_16_bits_count)
{
        enum { ENTRIES = (65532 - 8) / 20 };
        static uint8_t bytes[WR_DESCRIPTOR_MAX];
        struct wr_ace ace = { .type = WR_ACE_AUDIT, .sid = everyone };
        struct wr_descriptor descriptor;
        struct wr_draft draft;
        size_t size;

        for (int more = 0; more < 2; more++) {
                wr_draft_begin(&draft, bytes, sizeof(bytes));
                wr_draft_sacl(&draft, 0);
                ace.type = WR_ACE_AUDIT;
                for (int i = 0; i < ENTRIES; i++)
                        wr_draft_ace(&draft, &ace);
                wr_draft_dacl(&draft, 0);
                ace.type = WR_ACE_ALLOW;
                for (int i = 0; i < ENTRIES + more; i++)
                        wr_draft_ace(&draft, &ace);
                wr_draft_owner(&draft, &everyone);
                size = wr_draft_end(&draft);
                cr_assert(eq(int, size == 0, more));
        }
        wr_draft_begin(&draft, bytes, sizeof(bytes));
        wr_draft_dacl(&draft, 0);
        for (int i = 0; i < ENTRIES; i++)
                wr_draft_ace(&draft, &ace);
        size = wr_draft_end(&draft);
        cr_assert(wr_descriptor_open(&descriptor, bytes, size, NULL));
        cr_assert(eq(u32, descriptor.dacl.count, ENTRIES));
}

/* What was opened must be walked to its end, whatever it is. */
static void
walk(const struct wr_descriptor *descriptor)
{
        struct wr_ace ace;
        uint32_t count = 0;

        for (size_t at = 0; wr_acl_next(&descriptor->dacl, &at, &ace);)
                count++;
        for (size_t at = 0; wr_acl_next(&descriptor->sacl, &at, &ace);)
                count++;
        cr_assert(eq(u32, count, descriptor->dacl.count + descriptor->sacl.count));
}

Test(descriptor, random_descriptors_open_and_every_cut_of_them_is_refused)
{
        static uint8_t bytes[RANDOM_BYTES_MAX];

        for (uint64_t seed = 1; seed <= 300; seed++) {
                struct dice dice = { seed };
                size_t size = random_descriptor(&dice, bytes);
                struct wr_descriptor descriptor;
                const char *why = "";

                cr_assert(wr_descriptor_open(&descriptor, bytes, size, &why), "seed %lu: %s", (unsigned long)seed, why);
                walk(&descriptor);
                for (size_t cut = 0; cut < size; cut++) {
                        uint8_t *copy = exact_copy(bytes, cut);

                        cr_assert(not(wr_descriptor_open(&descriptor, copy, cut, NULL)), "seed %lu, cut %zu",
                                  (unsigned long)seed, cut);
                        free(copy);
                }
        }
}

Test(descriptor, any_byte_may_change_to_anything)
{
        static uint8_t bytes[RANDOM_BYTES_MAX];
        static char text[1 << 16];
        unsigned opened = 0;

        for (uint64_t seed = 1; seed <= 40; seed++) {
                struct dice dice = { seed };
                size_t size = random_descriptor(&dice, bytes);
                uint8_t *copy = exact_copy(bytes, size);

                for (size_t at = 0; at < size; at++) {
                        for (unsigned value = 0; value < 256; value += 1 + roll(&dice, 24)) {
                                struct wr_descriptor descriptor;
                                const char *why = NULL;

                                copy[at] = (uint8_t)value;
                                if (wr_descriptor_open(&descriptor, copy, size, &why)) {
                                        walk(&descriptor);
                                        wr_sddl_print(&descriptor, NULL, text, sizeof(text));
                                        opened++;
                                } else {
                                        cr_assert(why != NULL, "seed %lu, byte %zu, value %u", (unsigned long)seed, at,
                                                  value);
                                }
                        }
                        copy[at] = bytes[at];
                }
                free(copy);
        }
        cr_assert(gt(uint, opened, 1000)); /* else the walk above was hardly tried */
}
