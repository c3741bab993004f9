/* Family names, full names and user model ids: the vectors, every reason for a refusal, every border. */
#include "named-objects/rights/package_name.h"

#include "tests/unit/vectors.h"

#include <criterion/new/assert.h>

enum { TEXT_MAX = 256 };

static void
expect_part(json_t *json, const char *field, const char *value)
{
        if (vector_string(json, field) != NULL)
                cr_assert(eq(str, (char *)value, (char *)vector_string(json, field)));
}

static void
expect_parts(json_t *json, const struct wr_package_name *package)
{
        char version[24];

        snprintf(version, sizeof version, "%u.%u.%u.%u", package->version[0], package->version[1], package->version[2],
                 package->version[3]);
        expect_part(json, "name", package->name);
        expect_part(json, "version", version);
        expect_part(json, "architecture", package->architecture);
        expect_part(json, "resource_id", package->resource_id);
        expect_part(json, "publisher_id", package->publisher_id);
        expect_part(json, "family", package->family);
        if (strcmp(vector_string(json, "kind"), "family") == 0)
                expect_part(json, "input", package->family);
}

ParameterizedTestParameters(package_name, a_name_is_taken_apart_or_refused_as_in_the_vector)
{
        return vectors_of("package_names.json");
}

ParameterizedTest(struct vector *vector, package_name, a_name_is_taken_apart_or_refused_as_in_the_vector)
{
        json_t *json = vector_json(vector);
        const char *input = vector_string(json, "input"), *why = "";
        bool full = strcmp(vector_string(json, "kind"), "full") == 0;
        bool (*parse)(struct wr_package_name *, const char *, size_t, const char **) =
                full ? wr_package_full_parse : wr_package_family_parse;
        struct wr_package_name package;

        cr_assert(eq(int, parse(&package, input, strlen(input), &why), json_is_true(json_object_get(json, "valid"))),
                  "%s: %s", input, why);
        if (json_is_true(json_object_get(json, "valid"))) {
                cr_assert(eq(ptr, (void *)why, NULL));
                expect_parts(json, &package);
        } else {
                cr_assert(gt(sz, strlen(why), 10));
                cr_assert(eq(str, package.family, ""));
        }
        json_decref(json);
}

/* A family name with this name, or a full name with this in one of its fields. */
static void
expect_name(const char *name, const char *reason)
{
        struct wr_package_name package;
        char text[TEXT_MAX];
        const char *why;
        int size = snprintf(text, sizeof text, "%s_h91ms92gdsmmt", name);

        wr_package_family_parse(&package, text, (size_t)size, &why);
        cr_assert(eq(str, (char *)(why ? why : "taken"), (char *)(reason ? reason : "taken")), "%s", name);
}

static void
expect_full(const char *fields, const char *reason)
{
        struct wr_package_name package;
        char text[TEXT_MAX];
        const char *why;
        int size = snprintf(text, sizeof text, "Contoso.Pack_%s_h91ms92gdsmmt", fields);

        wr_package_full_parse(&package, text, (size_t)size, &why);
        cr_assert(eq(str, (char *)(why ? why : "taken"), (char *)(reason ? reason : "taken")), "%s", fields);
}

static void
expect_app(const char *text, const char *reason)
{
        struct wr_package_name package;
        const char *why;

        wr_package_app_parse(&package, text, strlen(text), &why);
        cr_assert(eq(str, (char *)(why ? why : "taken"), (char *)(reason ? reason : "taken")), "%s", text);
}

#define DEVICE "a name or a resource id that is a DOS device, or begins with one and a dot, is reserved"

Test(package_name, every_dos_device_is_reserved_alone_and_before_a_dot_in_either_case)
{
        static const char *const devices[] = { "con", "prn", "aux", "nul", "COM1", "com5", "com9", "lpt1", "LPT9" };
        char text[TEXT_MAX];

        for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
                expect_name(devices[i], DEVICE);
                snprintf(text, sizeof text, "%s.x", devices[i]);
                expect_name(text, DEVICE);
                snprintf(text, sizeof text, "%sx", devices[i]);
                expect_name(text, NULL);
                snprintf(text, sizeof text, "x.%s", devices[i]);
                expect_name(text, NULL);
        }
        expect_name("com", NULL);
        expect_name("com0", NULL);
        expect_name("com.x", NULL);
        expect_name("com10", NULL);
        expect_name("console", NULL);
}

Test(package_name, names_for_international_domains_are_reserved)
{
        expect_name("XN--a", "xn-- at the beginning or behind a dot is reserved");
        expect_name("a.Xn--a", "xn-- at the beginning or behind a dot is reserved");
        expect_name("axn--a", NULL);
        expect_name("xn-", NULL);
        expect_name("a.xn-", NULL);
}

Test(package_name, a_name_has_3_to_50_characters_and_does_not_end_with_a_dot)
{
        char name[52] = "";

        expect_name("", "the name is shorter than 3 characters");
        expect_name("ab", "the name is shorter than 3 characters");
        expect_name("abc", NULL);
        expect_name("abc.", "a name or a resource id does not end with a dot");
        memset(name, 'a', 50);
        expect_name(name, NULL);
        name[50] = 'a';
        expect_name(name, "the name is longer than 50 characters");
}

Test(package_name, a_name_is_made_of_ascii_letters_digits_dots_and_dashes)
{
        static const char *const reason =
                "a name and a resource id are made of the letters and digits of ASCII, dots and dashes";

        expect_name("A.z-0.9", NULL);
        expect_name("a/b", reason);
        expect_name("a\\b", reason);
        expect_name("a~b", reason);
        expect_name("caf\xc3\xa9", reason);
        expect_full("1.2.3.4_x64_a b", reason);
}

Test(package_name, a_publisher_id_is_13_digits_of_base_32_in_either_case)
{
        struct wr_package_name package;
        const char *why;

        cr_assert(wr_package_family_parse(&package, "Abc_H91MS92GDSMMT", 17, &why));
        cr_assert(eq(str, package.publisher_id, "H91MS92GDSMMT"));
        for (const char *c = "ilouILOU-.~ "; *c != '\0'; c++) {
                char text[] = "Abc_h91ms92gdsmm?";

                text[16] = *c;
                cr_assert(not(wr_package_family_parse(&package, text, 17, &why)), "%s", text);
                cr_assert(eq(str, (char *)why, "a publisher id is made of digits and letters without i, l, o and u"));
        }
        cr_assert(not(wr_package_family_parse(&package, "Abc_h91ms92gdsmmtt", 18, &why)));
        cr_assert(eq(str, (char *)why, "a publisher id has 13 characters"));
        cr_assert(not(wr_package_family_parse(&package, "Abc_", 4, &why)));
        cr_assert(eq(str, (char *)why, "a publisher id has 13 characters"));
}

Test(package_name, a_family_name_has_one_underscore_and_no_application)
{
        struct wr_package_name package;
        const char *why;

        cr_assert(not(wr_package_family_parse(&package, "Contoso.Pack", 12, &why)));
        cr_assert(eq(str, (char *)why, "a family name is a name, one underscore and a publisher id"));
        cr_assert(not(wr_package_family_parse(&package, "", 0, NULL)));
        cr_assert(not(wr_package_family_parse(&package, "Abc_h91ms92gdsmmt!App", 21, &why)));
        cr_assert(eq(str, (char *)why, "a family name has no !: what stands behind it is the application"));
}

Test(package_name, a_version_is_four_numbers_up_to_65535_without_leading_zeros)
{
        expect_full("0.0.0.0_x64_", NULL);
        expect_full("65535.65535.65535.65535_x64_", NULL);
        expect_full("65536.0.0.0_x64_", "a number of a version is above 65535");
        expect_full("4294967296.0.0.0_x64_", "a number of a version is above 65535");
        expect_full("1.02.3.4_x64_", "a number of a version has no leading zero");
        expect_full("1.2.3_x64_", "a version is four numbers with dots between them");
        expect_full("1.2.3.4.5_x64_", "a version is four numbers with dots between them");
        expect_full("1.2..4_x64_", "a version is four numbers with dots between them");
        expect_full("1.2.3._x64_", "a version is four numbers with dots between them");
        expect_full("1.2.3.a_x64_", "a version is four numbers with dots between them");
        expect_full("1.-2.3.4_x64_", "a version is four numbers with dots between them");
        expect_full("_x64_", "a version is four numbers with dots between them");
}

Test(package_name, an_architecture_is_one_of_six_in_either_case)
{
        static const char *const reason = "the architecture is none of neutral, x86, x64, arm, arm64, x86a64";
        static const char *const known[] = { "neutral", "x86", "x64", "arm", "arm64", "x86a64", "X64", "Neutral" };
        char text[TEXT_MAX];

        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
                snprintf(text, sizeof text, "1.2.3.4_%s_", known[i]);
                expect_full(text, NULL);
        }
        expect_full("1.2.3.4__", reason);
        expect_full("1.2.3.4_x65_", reason);
        expect_full("1.2.3.4_arm32_", reason);
        expect_full("1.2.3.4_ar_", reason);
}

Test(package_name, a_resource_id_may_be_empty_or_a_tilde_and_has_up_to_30_characters)
{
        char text[TEXT_MAX];

        expect_full("1.2.3.4_x64_~", NULL);
        expect_full("1.2.3.4_x64_a", NULL);
        expect_full("1.2.3.4_x64_~~", "a name and a resource id are made of the letters and digits of ASCII, dots and "
                                      "dashes");
        expect_full("1.2.3.4_x64_nul", DEVICE);
        snprintf(text, sizeof text, "1.2.3.4_x64_%.*s", 30, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        expect_full(text, NULL);
        snprintf(text, sizeof text, "1.2.3.4_x64_%.*s", 31, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        expect_full(text, "the resource id is longer than 30 characters");
}

Test(package_name, a_full_name_has_five_fields)
{
        static const char *const reason =
                "a full name is name, version, architecture, resource id (which may be empty) and publisher id, with "
                "underscores between them";

        expect_full("1.2.3.4_x64", reason);
        expect_full("1.2.3.4_x64__", reason);
        expect_full("", reason);
}

Test(package_name, the_longest_full_name_is_taken)
{
        static const char *const a = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        struct wr_package_name package;
        char text[TEXT_MAX];
        int size = snprintf(text, sizeof text, "%s_65535.65535.65535.65535_neutral_%.*s_h91ms92gdsmmt", a, 30, a);

        cr_assert(wr_package_full_parse(&package, text, (size_t)size, NULL));
        cr_assert(eq(str, package.architecture, "neutral"));
        cr_assert(eq(sz, strlen(package.resource_id), 30));
        cr_assert(eq(sz, strlen(package.family), WR_PACKAGE_FAMILY_MAX));
}

#define ID "IoTCoreDefaultApp_1w720vyc4ccym!App.Main2"

Test(package_name, a_user_model_id_is_a_family_and_behind_the_exclamation_mark_the_application)
{
        struct wr_package_name package, stripped;
        const char *why;

        cr_assert(wr_package_app_parse(&package, ID, strlen(ID), &why));
        cr_assert(eq(str, package.family, "IoTCoreDefaultApp_1w720vyc4ccym"));
        cr_assert(eq(str, package.app, "App.Main2"));
        cr_assert(wr_package_family_parse(&stripped, package.family, strlen(package.family), NULL));
        cr_assert(eq(str, stripped.app, ""));
}

Test(package_name, the_application_is_words_that_begin_with_a_letter)
{
        static const char *const words =
                "the application is words of ASCII letters and digits that begin with a letter, with dots between them";
        char text[TEXT_MAX];

        expect_app("Abc_h91ms92gdsmmt", "a user model id is a family name, one ! and an application");
        expect_app("Abc_h91ms92gdsmmt!A!B", "a user model id is a family name, one ! and an application");
        expect_app("Abc_h91ms92gdsmmt!", "the application behind the ! has 1 to 64 characters");
        expect_app("Ab_h91ms92gdsmmt!A", "the name is shorter than 3 characters");
        expect_app("Abc_h91ms92gdsmmt!1", words);
        expect_app("Abc_h91ms92gdsmmt!A..B", words);
        expect_app("Abc_h91ms92gdsmmt!A b", words);
        expect_app("Abc_h91ms92gdsmmt!A.1", words);
        expect_app("Abc_h91ms92gdsmmt!A.", "the application does not end with a dot");
        snprintf(text, sizeof text, "Abc_h91ms92gdsmmt!%.*s", 64,
                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        expect_app(text, NULL);
        strcat(text, "a");
        expect_app(text, "the application behind the ! has 1 to 64 characters");
}

Test(package_name, a_manifest_gives_the_family_of_its_name_and_publisher)
{
        struct wr_package_name package;
        const char *why;

        cr_assert(wr_package_family_of(
                &package, "Microsoft.WindowsCalculator",
                "CN=Microsoft Corporation, O=Microsoft Corporation, L=Redmond, S=Washington, C=US", &why));
        cr_assert(eq(str, package.family, "Microsoft.WindowsCalculator_8wekyb3d8bbwe"));
        cr_assert(not(wr_package_family_of(&package, "a", "CN=A", &why)));
        cr_assert(eq(str, (char *)why, "the name is shorter than 3 characters"));
        cr_assert(not(wr_package_family_of(&package, "abc", "", &why)));
        cr_assert(eq(str, (char *)why, "a publisher is 1 to 8192 characters of UTF-8"));
        cr_assert(eq(str, package.family, ""));
}
