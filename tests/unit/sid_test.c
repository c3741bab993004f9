/* SIDs as text, as bytes and as two letters. */
#include "named-objects/rights/sid.h"

#include "named-objects/rights/sddl.h"
#include "named-objects/rights/sid_alias.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

static struct wr_sid
sid_of(const char *text)
{
        struct wr_sid sid;

        cr_assert(wr_sid_parse(&sid, text, strlen(text)), "%s", text);
        return sid;
}

static void
expect_prints(const char *text, const char *expected)
{
        struct wr_sid sid = sid_of(text);
        char printed[WR_SID_TEXT_MAX];

        cr_assert(eq(sz, wr_sid_text(&sid, printed), strlen(expected)));
        cr_assert(eq(str, printed, (char *)expected));
}

static void
expect_refused(const char *text)
{
        struct wr_sid sid;

        cr_assert(not(wr_sid_parse(&sid, text, strlen(text))), "%s", text);
}

/* The bytes stand at the very end of a block of their own, so that the sanitizers see a step too far. */
static size_t
read_exactly(struct wr_sid *sid, const uint8_t *bytes, size_t size)
{
        uint8_t *block = malloc(size + (size == 0));
        size_t took;

        memcpy(block, bytes, size);
        took = wr_sid_read(sid, block, size);
        free(block);
        return took;
}

Test(sid, text_that_is_canonical_comes_back_as_it_was)
{
        expect_prints("S-1-5-18", "S-1-5-18");
        expect_prints("S-1-0-0", "S-1-0-0");
        expect_prints("S-1-4294967295-4294967295", "S-1-4294967295-4294967295");
        expect_prints("S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15", "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15");
}

Test(sid, hex_and_a_small_s_are_read_and_printed_as_windows_prints_them)
{
        expect_prints("s-1-5-32-0x220", "S-1-5-32-544");
        expect_prints("S-1-0x20-3-0Xffffffff", "S-1-32-3-4294967295");
        expect_prints("S-1-21474836480-32-579", "S-1-0x500000000-32-579");
        expect_prints("S-1-5000000000-30-40", "S-1-0x12A05F200-30-40");
        expect_prints("S-1-0x0000000000000000005-7", "S-1-5-7");
        expect_prints("S-1-0xffffffffffff-1", "S-1-0xFFFFFFFFFFFF-1");
}

Test(sid, text_that_is_cut_or_is_followed_by_more_is_refused)
{
        static const char *const texts[] = { "",        "S",         "S-",       "S-1",       "S-1-",      "S-1-5",
                                             "S-1-5-",  "S-1-5-18-", "S-1-5--1", "S-1-5-18 ", " S-1-5-18", "S-1- 5-18",
                                             "S-1-5-x", "S-1-5-0x",  "S-1-0x-1", "S-1-5-1a",  "S-1-5,1",   "T-1-5-18" };

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
                expect_refused(texts[i]);
}

Test(sid, another_revision_is_refused)
{
        expect_refused("S-0-5-18");
        expect_refused("S-2-5-18");
        expect_refused("S-10-5-18");
        expect_refused("S-0x1-5-18");
}

Test(sid, numbers_that_do_not_fit_are_refused_and_not_truncated)
{
        expect_refused("S-1-281474976710656-1");
        expect_refused("S-1-0x1000000000000-1");
        expect_refused("S-1-5-4294967296");
        expect_refused("S-1-5-0x100000000");
        expect_refused("S-1-5-99999999999999999999999999");
        expect_refused("S-1-5--1");
}

Test(sid, a_leading_zero_is_refused_since_it_could_mean_octal)
{
        expect_refused("S-1-05-18");
        expect_refused("S-1-5-018");
        expect_refused("S-1-5-00");
}

Test(sid, sixteen_words_are_refused)
{
        expect_refused("S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16");
}

Test(sid, text_ends_where_its_size_says)
{
        struct wr_sid sid;

        cr_assert(wr_sid_parse(&sid, "S-1-5-181", 8));
        cr_assert(eq(u32, sid.words[0], 18));
        cr_assert(not(wr_sid_parse(&sid, "S-1-5-18\0", 9)));
}

Test(sid, the_longest_text_fits_its_buffer)
{
        struct wr_sid sid = { .authority = 0xffffffffffff, .count = WR_SID_WORDS_MAX };
        char text[WR_SID_TEXT_MAX];

        memset(sid.words, 0xff, sizeof(sid.words));
        cr_assert(lt(sz, wr_sid_text(&sid, text), WR_SID_TEXT_MAX));
}

Test(sid, bytes_are_revision_count_authority_and_little_endian_words)
{
        static const uint8_t expected[] = { 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0 };
        struct wr_sid sid = sid_of("S-1-5-32-544"), back;
        uint8_t bytes[WR_SID_BYTES_MAX];

        cr_assert(eq(sz, wr_sid_size(&sid), sizeof(expected)));
        cr_assert(eq(sz, wr_sid_write(&sid, bytes), sizeof(expected)));
        cr_assert(zero(int, memcmp(bytes, expected, sizeof(expected))));
        cr_assert(eq(sz, read_exactly(&back, bytes, sizeof(expected)), sizeof(expected)));
        cr_assert(wr_sid_equal(&sid, &back));
}

Test(sid, every_count_of_words_comes_back_from_its_bytes_and_no_cut_of_them_does)
{
        uint8_t bytes[WR_SID_BYTES_MAX];

        for (uint32_t count = 1; count <= WR_SID_WORDS_MAX; count++) {
                struct wr_sid sid = { .authority = 0x123456789abc, .count = count }, back;
                size_t size;

                for (uint32_t i = 0; i < count; i++)
                        sid.words[i] = 0x89abcdefu * (i + 1);
                size = wr_sid_write(&sid, bytes);
                cr_assert(eq(sz, read_exactly(&back, bytes, size), size));
                cr_assert(wr_sid_equal(&sid, &back));
                for (size_t cut = 0; cut < size; cut++)
                        cr_assert(zero(sz, read_exactly(&back, bytes, cut)));
        }
}

Test(sid, bytes_behind_a_sid_are_not_taken)
{
        static const uint8_t bytes[] = { 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 9, 9 };
        struct wr_sid sid;

        cr_assert(eq(sz, read_exactly(&sid, bytes, sizeof(bytes)), 12));
}

Test(sid, bytes_of_another_revision_without_words_or_with_sixteen_are_refused)
{
        uint8_t bytes[8 + 4 * 16] = { 1, 1, 0, 0, 0, 0, 0, 5 };
        struct wr_sid sid;

        bytes[0] = 2;
        cr_assert(zero(sz, read_exactly(&sid, bytes, sizeof(bytes))));
        bytes[0] = 1;
        bytes[1] = 0;
        cr_assert(zero(sz, read_exactly(&sid, bytes, sizeof(bytes))));
        bytes[1] = 16;
        cr_assert(zero(sz, read_exactly(&sid, bytes, sizeof(bytes))));
        bytes[1] = 15;
        cr_assert(eq(sz, read_exactly(&sid, bytes, sizeof(bytes)), WR_SID_BYTES_MAX));
}

Test(sid, equality_looks_at_authority_count_and_every_word)
{
        struct wr_sid sid = sid_of("S-1-5-21-7"), same = sid;

        cr_assert(wr_sid_equal(&sid, &same));
        same.words[1] ^= 1u << 31;
        cr_assert(not(wr_sid_equal(&sid, &same)));
        cr_assert(not(wr_sid_equal(&sid, &(struct wr_sid){ .authority = 5, .count = 1, .words = { 21 } })));
        same = sid;
        same.authority += (uint64_t)1 << 40;
        cr_assert(not(wr_sid_equal(&sid, &same)));
}

/* The table once more, as MS-DTYP 2.4.2.4 and the RIDs of winnt.h have it, so that a slip in one is seen. */
static const struct {
        const char *letters, *text;
} fixed_aliases[] = {
        { "AA", "S-1-5-32-579" },
        { "AC", "S-1-15-2-1" },
        { "AN", "S-1-5-7" },
        { "AO", "S-1-5-32-548" },
        { "AS", "S-1-18-1" },
        { "AU", "S-1-5-11" },
        { "BA", "S-1-5-32-544" },
        { "BG", "S-1-5-32-546" },
        { "BO", "S-1-5-32-551" },
        { "BU", "S-1-5-32-545" },
        { "CD", "S-1-5-32-574" },
        { "CG", "S-1-3-1" },
        { "CO", "S-1-3-0" },
        { "CY", "S-1-5-32-569" },
        { "ED", "S-1-5-9" },
        { "ER", "S-1-5-32-573" },
        { "ES", "S-1-5-32-576" },
        { "HA", "S-1-5-32-578" },
        { "HI", "S-1-16-12288" },
        { "HO", "S-1-5-32-584" },
        { "IS", "S-1-5-32-568" },
        { "IU", "S-1-5-4" },
        { "LS", "S-1-5-19" },
        { "LU", "S-1-5-32-559" },
        { "LW", "S-1-16-4096" },
        { "ME", "S-1-16-8192" },
        { "MP", "S-1-16-8448" },
        { "MS", "S-1-5-32-577" },
        { "MU", "S-1-5-32-558" },
        { "NO", "S-1-5-32-556" },
        { "NS", "S-1-5-20" },
        { "NU", "S-1-5-2" },
        { "OW", "S-1-3-4" },
        { "PO", "S-1-5-32-550" },
        { "PS", "S-1-5-10" },
        { "PU", "S-1-5-32-547" },
        { "RA", "S-1-5-32-575" },
        { "RC", "S-1-5-12" },
        { "RD", "S-1-5-32-555" },
        { "RE", "S-1-5-32-552" },
        { "RM", "S-1-5-32-580" },
        { "RU", "S-1-5-32-554" },
        { "SH", "S-1-5-32-585" },
        { "SI", "S-1-16-16384" },
        { "SO", "S-1-5-32-549" },
        { "SS", "S-1-18-2" },
        { "SU", "S-1-5-6" },
        { "SY", "S-1-5-18" },
        { "UD", "S-1-5-84-0-0-0-0-0" },
        { "WD", "S-1-1-0" },
        { "WR", "S-1-5-33" },
};

/* Relative to the domain 1-1-1, the machine 2-2-2 and the forest 3-3-3. */
static const struct {
        const char *letters, *text;
        enum wr_sid_alias_kind kind;
} relative_aliases[] = {
        { "AP", "S-1-5-21-1-1-1-525", WR_ALIAS_OF_DOMAIN },  { "CA", "S-1-5-21-1-1-1-517", WR_ALIAS_OF_DOMAIN },
        { "CN", "S-1-5-21-1-1-1-522", WR_ALIAS_OF_DOMAIN },  { "DA", "S-1-5-21-1-1-1-512", WR_ALIAS_OF_DOMAIN },
        { "DC", "S-1-5-21-1-1-1-515", WR_ALIAS_OF_DOMAIN },  { "DD", "S-1-5-21-1-1-1-516", WR_ALIAS_OF_DOMAIN },
        { "DG", "S-1-5-21-1-1-1-514", WR_ALIAS_OF_DOMAIN },  { "DU", "S-1-5-21-1-1-1-513", WR_ALIAS_OF_DOMAIN },
        { "KA", "S-1-5-21-1-1-1-526", WR_ALIAS_OF_DOMAIN },  { "PA", "S-1-5-21-1-1-1-520", WR_ALIAS_OF_DOMAIN },
        { "RS", "S-1-5-21-1-1-1-553", WR_ALIAS_OF_DOMAIN },  { "LA", "S-1-5-21-2-2-2-500", WR_ALIAS_OF_MACHINE },
        { "LG", "S-1-5-21-2-2-2-501", WR_ALIAS_OF_MACHINE }, { "EA", "S-1-5-21-3-3-3-519", WR_ALIAS_OF_FOREST },
        { "EK", "S-1-5-21-3-3-3-527", WR_ALIAS_OF_FOREST },  { "RO", "S-1-5-21-3-3-3-498", WR_ALIAS_OF_FOREST },
        { "SA", "S-1-5-21-3-3-3-518", WR_ALIAS_OF_FOREST },
};

static struct wr_sddl_realm
realm_of_three(void)
{
        return (struct wr_sddl_realm){ sid_of("S-1-5-21-1-1-1"), sid_of("S-1-5-21-2-2-2"), sid_of("S-1-5-21-3-3-3") };
}

static void
expect_alias(const char *letters, const char *text, const struct wr_sddl_realm *realm)
{
        struct wr_sid expected = sid_of(text), sid;

        cr_assert(wr_sid_from_alias(&sid, letters, realm), "%s", letters);
        cr_assert(wr_sid_equal(&sid, &expected), "%s", letters);
        cr_assert(eq(str, (char *)wr_sid_alias(&sid, realm), (char *)letters));
}

Test(sid, an_alias_that_is_the_same_everywhere_needs_no_realm_both_ways)
{
        for (size_t i = 0; i < sizeof(fixed_aliases) / sizeof(fixed_aliases[0]); i++) {
                expect_alias(fixed_aliases[i].letters, fixed_aliases[i].text, NULL);
                cr_assert(eq(int, (int)wr_sid_alias_kind(fixed_aliases[i].letters), WR_ALIAS_FIXED));
        }
}

Test(sid, an_alias_of_a_domain_machine_or_forest_is_relative_to_the_realm_both_ways)
{
        struct wr_sddl_realm realm = realm_of_three();

        for (size_t i = 0; i < sizeof(relative_aliases) / sizeof(relative_aliases[0]); i++) {
                expect_alias(relative_aliases[i].letters, relative_aliases[i].text, &realm);
                cr_assert(eq(int, (int)wr_sid_alias_kind(relative_aliases[i].letters), (int)relative_aliases[i].kind));
        }
}

Test(sid, there_are_no_aliases_but_those)
{
        struct wr_sddl_realm realm = realm_of_three();
        size_t known = 0;
        struct wr_sid sid;

        for (char a = 'A'; a <= 'Z'; a++)
                for (char b = 'A'; b <= 'Z'; b++)
                        known += wr_sid_from_alias(&sid, (char[]){ a, b }, &realm);
        cr_assert(eq(sz, known,
                     sizeof(fixed_aliases) / sizeof(fixed_aliases[0]) +
                             sizeof(relative_aliases) / sizeof(relative_aliases[0])));
        cr_assert(eq(int, (int)wr_sid_alias_kind("XX"), WR_ALIAS_UNKNOWN));
        cr_assert(eq(int, (int)wr_sid_alias_kind("\0\0"), WR_ALIAS_UNKNOWN));
}

Test(sid, without_a_realm_its_aliases_are_neither_read_nor_written)
{
        struct wr_sddl_realm realm = realm_of_three();
        struct wr_sid sid;

        for (size_t i = 0; i < sizeof(relative_aliases) / sizeof(relative_aliases[0]); i++) {
                cr_assert(wr_sid_from_alias(&sid, relative_aliases[i].letters, &realm));
                cr_assert(eq(ptr, (void *)wr_sid_alias(&sid, NULL), NULL));
                cr_assert(not(wr_sid_from_alias(&sid, relative_aliases[i].letters, NULL)));
                cr_assert(not(wr_sid_from_alias(&sid, relative_aliases[i].letters, &(struct wr_sddl_realm){ 0 })));
        }
}

Test(sid, an_alias_in_small_letters_is_the_same)
{
        struct wr_sid sid, expected = sid_of("S-1-5-32-544");

        cr_assert(wr_sid_from_alias(&sid, "ba", NULL));
        cr_assert(wr_sid_equal(&sid, &expected));
        cr_assert(wr_sid_from_alias(&sid, "bA", NULL));
        cr_assert(wr_sid_equal(&sid, &expected));
}

Test(sid, a_sid_that_only_ends_like_a_well_known_one_has_no_alias)
{
        static const char *const texts[] = { "S-1-5-33-544", "S-1-5-32-1-544", "S-1-5-544", "S-1-6-32-544",
                                             "S-1-15-2-2",   "S-1-16-0",       "S-1-5-32",  "S-1-15-2-1-1" };
        struct wr_sid sid;

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                sid = sid_of(texts[i]);
                cr_assert(eq(ptr, (void *)wr_sid_alias(&sid, NULL), NULL), "%s", texts[i]);
        }
}

Test(sid, a_realm_as_long_as_a_sid_can_be_has_no_room_for_aliases)
{
        struct wr_sddl_realm realm = { .domain = { .authority = 5, .count = WR_SID_WORDS_MAX } };
        struct wr_sid sid;

        cr_assert(not(wr_sid_from_alias(&sid, "DA", &realm)));
        realm.domain.count--;
        cr_assert(wr_sid_from_alias(&sid, "DA", &realm));
}
