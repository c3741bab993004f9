/* Names of packages, children, capabilities and publishers to their SIDs and ids: the vectors, and the corners. */
#include "named-objects/rights/package.h"

#include "named-objects/rights/sha256.h"
#include "tests/unit/vectors.h"

#include <criterion/new/assert.h>

static struct wr_sid
sid_of(const char *text)
{
        struct wr_sid sid;

        cr_assert(wr_sid_parse(&sid, text, strlen(text)), "%s", text);
        return sid;
}

static void
expect_sid(const struct wr_sid *sid, const char *expected)
{
        char text[WR_SID_TEXT_MAX];

        wr_sid_text(sid, text);
        cr_assert(eq(str, text, (char *)expected));
}

ParameterizedTestParameters(package, a_moniker_and_a_child_name_give_the_sid_of_the_vector)
{
        return vectors_of("package_sids.json");
}

ParameterizedTest(struct vector *vector, package, a_moniker_and_a_child_name_give_the_sid_of_the_vector)
{
        json_t *json = vector_json(vector);
        const char *moniker = vector_string(json, "moniker"), *child = vector_string(json, "child_name");
        struct wr_sid sid, package;

        cr_assert(wr_package_sid(&sid, moniker, strlen(moniker)));
        if (child != NULL) {
                package = sid;
                cr_assert(wr_package_child_sid(&sid, &package, child, strlen(child)));
        }
        expect_sid(&sid, vector_string(json, "sid"));
        cr_assert(wr_package_is_sid(&sid));
        json_decref(json);
}

ParameterizedTestParameters(package, a_capability_gives_both_sids_of_the_vector)
{
        return vectors_of("capability_sids.json");
}

ParameterizedTest(struct vector *vector, package, a_capability_gives_both_sids_of_the_vector)
{
        json_t *json = vector_json(vector);
        const char *name = vector_string(json, "name");
        struct wr_sid sid;

        cr_assert(wr_package_capability_sid(&sid, name, strlen(name)));
        expect_sid(&sid, vector_string(json, "capability_sid"));
        cr_assert(wr_package_capability_group(&sid, name, strlen(name)));
        expect_sid(&sid, vector_string(json, "group_sid"));
        json_decref(json);
}

ParameterizedTestParameters(package, a_publisher_gives_the_id_of_the_vector)
{
        return vectors_of("publisher_ids.json");
}

ParameterizedTest(struct vector *vector, package, a_publisher_gives_the_id_of_the_vector)
{
        json_t *json = vector_json(vector);
        const char *publisher = vector_string(json, "publisher");
        char id[WR_PUBLISHER_ID_SIZE + 1];

        cr_assert(wr_package_publisher_id(id, publisher, strlen(publisher)));
        cr_assert(eq(str, id, (char *)vector_string(json, "publisher_id")));
        json_decref(json);
}

/* FIPS 180-2, appendix B: the seam calls the right function of the library. */
Test(package, sha_256_gives_the_published_digests)
{
        uint8_t digest[WR_SHA256_BYTES];

        cr_assert(wr_sha256("abc", 3, digest));
        cr_assert(zero(int, memcmp(digest,
                                   "\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23"
                                   "\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad",
                                   32)));
        cr_assert(wr_sha256("", 0, digest));
        cr_assert(zero(int, memcmp(digest, "\xe3\xb0\xc4\x42\x98\xfc\x1c\x14", 8)));
}

Test(package, the_letters_of_a_moniker_and_of_a_capability_are_the_same_in_either_case)
{
        struct wr_sid one, other;

        cr_assert(wr_package_sid(&one, "org.weir.Camera", 15));
        cr_assert(wr_package_sid(&other, "ORG.Weir.cAMERA", 15));
        cr_assert(wr_sid_equal(&one, &other));
        cr_assert(wr_package_capability_sid(&one, "org.weir.raw", 12));
        cr_assert(wr_package_capability_sid(&other, "Org.Weir.RAW", 12));
        cr_assert(wr_sid_equal(&one, &other));
}

Test(package, the_twelve_oldest_capabilities_have_their_numbers_in_any_case)
{
        static const char *const names[] = { "internetClient",
                                             "internetClientServer",
                                             "privateNetworkClientServer",
                                             "picturesLibrary",
                                             "videosLibrary",
                                             "musicLibrary",
                                             "documentsLibrary",
                                             "enterpriseAuthentication",
                                             "sharedUserCertificates",
                                             "removableStorage",
                                             "appointments",
                                             "contacts" };
        struct wr_sid sid;

        for (uint32_t i = 0; i < 12; i++) {
                cr_assert(wr_package_capability_sid(&sid, names[i], strlen(names[i])));
                cr_assert(eq(u64, sid.authority, 15));
                cr_assert(eq(u32, sid.count, 2));
                cr_assert(eq(u32, sid.words[1], i + 1));
                cr_assert(wr_package_capability_group(&sid, names[i], strlen(names[i])));
                cr_assert(eq(u32, sid.count, 9));
        }
        cr_assert(wr_package_capability_sid(&sid, "INTERNETCLIENT", 14));
        expect_sid(&sid, "S-1-15-3-1");
        cr_assert(wr_package_capability_sid(&sid, "internetClien", 13));
        cr_assert(eq(u32, sid.count, 10));
}

/* '@' and '`' differ from each other in the same bit as 'A' and 'a'. */
Test(package, only_letters_are_the_same_in_either_case)
{
        struct wr_sid one, other;

        cr_assert(wr_package_sid(&one, "a@b", 3));
        cr_assert(wr_package_sid(&other, "a`b", 3));
        cr_assert(not(wr_sid_equal(&one, &other)));
        cr_assert(wr_package_sid(&one, "\xc3\xa4.x", 4));
        cr_assert(wr_package_sid(&other, "\xc3\x84.x", 4));
        cr_assert(not(wr_sid_equal(&one, &other)));
}

Test(package, a_name_that_is_empty_too_long_or_no_utf_8_has_no_sid)
{
        char longest[WR_MONIKER_MAX + 1];
        struct wr_sid sid, package;

        memset(longest, 'x', sizeof(longest));
        cr_assert(wr_package_sid(&package, longest, WR_MONIKER_MAX));
        cr_assert(not(wr_package_sid(&sid, longest, WR_MONIKER_MAX + 1)));
        cr_assert(not(wr_package_sid(&sid, "", 0)));
        cr_assert(not(wr_package_sid(&sid, "a\xff", 2)));
        cr_assert(not(wr_package_sid(&sid, "a\0b", 3)));
        cr_assert(not(wr_package_child_sid(&sid, &package, "", 0)));
        cr_assert(not(wr_package_child_sid(&sid, &package, "\xc3", 1)));
        cr_assert(not(wr_package_capability_sid(&sid, "", 0)));
        cr_assert(not(wr_package_capability_sid(&sid, longest, WR_MONIKER_MAX + 1)));
        cr_assert(not(wr_package_capability_group(&sid, "\xed\xa0\x80", 3)));
}

Test(package, characters_beyond_sixteen_bits_are_hashed_as_two_units)
{
        struct wr_sid sid;
        char text[4 * 128];

        for (int i = 0; i < 128; i++)
                memcpy(text + 4 * i, "\xf0\x9f\x8c\x8a", 4);
        cr_assert(wr_package_sid(&sid, text, 4 * 127));
        cr_assert(not(wr_package_sid(&sid, text, 4 * 128)));
        cr_assert(wr_package_sid(&sid, "\xf0\x9f\x8c\x8a", 4));
        cr_assert(eq(u32, sid.words[1], 0x48214258)); /* printf '\x3c\xd8\x0a\xdf' | sha256sum */
}

Test(package, only_a_package_has_children_and_they_have_none)
{
        struct wr_sid package, child, sid, everyone = sid_of("S-1-1-0"), all_packages = sid_of("S-1-15-2-1");

        cr_assert(wr_package_sid(&package, "weir", 4));
        cr_assert(wr_package_child_sid(&child, &package, "001", 3));
        cr_assert(eq(u32, child.count, WR_CHILD_SID_WORDS));
        cr_assert(zero(int, memcmp(child.words, package.words, sizeof(uint32_t) * WR_PACKAGE_SID_WORDS)));
        cr_assert(not(wr_package_child_sid(&sid, &child, "001", 3)));
        cr_assert(not(wr_package_child_sid(&sid, &everyone, "001", 3)));
        cr_assert(not(wr_package_child_sid(&sid, &all_packages, "001", 3)));
}

Test(package, a_packages_own_sid_as_a_capability_has_the_same_seven_words)
{
        struct wr_sid package, child, own;

        cr_assert(wr_package_sid(&package, "weir", 4));
        cr_assert(wr_package_own_capability(&own, &package));
        expect_sid(&own, "S-1-15-3-258010526-3430740504-675817180-3608328596-1407258054-3910021391-3206768979");
        cr_assert(wr_package_child_sid(&child, &package, "001", 3));
        cr_assert(not(wr_package_own_capability(&own, &child)));
}

Test(package, the_case_and_the_blanks_of_a_publisher_count)
{
        char one[WR_PUBLISHER_ID_SIZE + 1], other[WR_PUBLISHER_ID_SIZE + 1];

        cr_assert(wr_package_publisher_id(one, "CN=A, C=US", 10));
        cr_assert(wr_package_publisher_id(other, "CN=A,C=US", 9));
        cr_assert(ne(str, one, other));
        cr_assert(wr_package_publisher_id(other, "CN=a, C=US", 10));
        cr_assert(ne(str, one, other));
}

Test(package, a_publisher_has_one_to_8192_characters)
{
        static char text[WR_PUBLISHER_MAX + 1];
        char id[WR_PUBLISHER_ID_SIZE + 1];

        memset(text, 'A', sizeof(text));
        cr_assert(wr_package_publisher_id(id, text, WR_PUBLISHER_MAX));
        cr_assert(eq(sz, strlen(id), WR_PUBLISHER_ID_SIZE));
        cr_assert(not(wr_package_publisher_id(id, text, WR_PUBLISHER_MAX + 1)));
        cr_assert(eq(str, id, ""));
        cr_assert(not(wr_package_publisher_id(id, "", 0)));
        cr_assert(not(wr_package_publisher_id(id, "CN=\xff", 4)));
}

static void
expect_publisher(const char *publisher, enum wr_publisher_kind kind)
{
        cr_assert(eq(int, (int)wr_package_publisher_kind(publisher, strlen(publisher)), (int)kind), "%s", publisher);
}

#define MARKER "OID.2.25.311729368913984317654407730594956997722=1"

Test(package, an_unsigned_package_has_the_marker_as_the_last_field_of_its_publisher)
{
        expect_publisher("CN=AppModelSamples, " MARKER, WR_PUBLISHER_UNSIGNED);
        expect_publisher("CN=AppModelSamples," MARKER " ", WR_PUBLISHER_UNSIGNED);
        expect_publisher("CN=\"Quoted, Inc.\"; oid.2.25.311729368913984317654407730594956997722=1",
                         WR_PUBLISHER_UNSIGNED);
        expect_publisher(MARKER, WR_PUBLISHER_UNSIGNED);
}

Test(package, a_marker_before_another_field_is_valid_for_neither_kind)
{
        expect_publisher(MARKER ", CN=AppModelSamples", WR_PUBLISHER_MISPLACED);
        expect_publisher("CN=A, " MARKER ", C=US", WR_PUBLISHER_MISPLACED);
        expect_publisher("CN=A, " MARKER ",", WR_PUBLISHER_MISPLACED);
        expect_publisher(MARKER "," MARKER, WR_PUBLISHER_MISPLACED);
}

Test(package, a_marker_inside_of_quotes_or_of_another_value_is_none)
{
        expect_publisher("CN=AppModelSamples", WR_PUBLISHER_SIGNED);
        expect_publisher("", WR_PUBLISHER_SIGNED);
        expect_publisher("CN=\"A, " MARKER "\"", WR_PUBLISHER_SIGNED);
        expect_publisher("CN=A\\, " MARKER, WR_PUBLISHER_SIGNED);
        expect_publisher("CN=" MARKER, WR_PUBLISHER_SIGNED);
        expect_publisher("CN=A, " MARKER "0", WR_PUBLISHER_SIGNED);
        expect_publisher("CN=A, X" MARKER, WR_PUBLISHER_SIGNED);
        expect_publisher("CN=A\\", WR_PUBLISHER_SIGNED);
}

Test(package, the_marker_changes_the_id_so_a_signed_family_never_names_an_unsigned_package)
{
        static const char clone[] = "CN=Contoso, " MARKER;
        char one[WR_PUBLISHER_ID_SIZE + 1], other[WR_PUBLISHER_ID_SIZE + 1];

        cr_assert(wr_package_publisher_id(one, "CN=Contoso", 10));
        cr_assert(wr_package_publisher_id(other, clone, strlen(clone)));
        cr_assert(ne(str, one, other));
}
