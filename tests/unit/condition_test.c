/* Conditions: text to bytes and back, what is outside the subset, and their value for a token. */
#include "named-objects/rights/token.h"
#include "tests/unit/descriptor_fixture.h"

enum { ROUNDS = 20000 };

/* (Exists WIN://PKG), byte by byte as Windows writes it. */
static const uint8_t exists[] = { 'a', 'r', 't', 'x', 0xf8, 18,  0, 0,   0, 'W', 0, 'I', 0, 'N',
                                  0,   ':', 0,   '/', 0,    '/', 0, 'P', 0, 'K', 0, 'G', 0, 0x87 };

struct parsed {
        uint8_t bytes[WR_CONDITION_BYTES_MAX];
        size_t size, at;
        char what[160], text[WR_CONDITION_TEXT_MAX];
};

static bool
parse(struct parsed *parsed, const char *text)
{
        char *exact = (char *)exact_copy(text, strlen(text));
        const char *why = "";

        parsed->size = wr_condition_parse(exact, strlen(text), parsed->bytes, sizeof(parsed->bytes), &parsed->at,
                                          parsed->what, sizeof(parsed->what));
        free(exact);
        if (parsed->size == 0)
                return false;
        cr_assert(wr_condition_valid(parsed->bytes, parsed->size, &why), "%s: %s", text, why);
        wr_condition_print(parsed->bytes, parsed->size, parsed->text, sizeof(parsed->text));
        return true;
}

static void
expect(const char *text, const char *printed)
{
        static struct parsed parsed;

        cr_assert(parse(&parsed, text), "'%s': %zu: %s", text, parsed.at, parsed.what);
        cr_assert(eq(int, strcmp(parsed.text, printed), 0), "'%s' gives '%s', not '%s'", text, parsed.text, printed);
        cr_assert(parse(&parsed, printed) && strcmp(parsed.text, printed) == 0, "'%s' is not canonical", printed);
}

static void
expect_refused(const char *text, size_t at, const char *part)
{
        static struct parsed parsed;

        cr_assert(not(parse(&parsed, text)), "'%s' is taken", text);
        cr_assert(strstr(parsed.what, part) != NULL, "'%s': '%s' names '%s'", text, parsed.what, part);
        cr_assert(eq(sz, parsed.at, at), "'%s': %s", text, parsed.what);
}

Test(condition, each_operand_of_and_and_or_is_printed_in_its_parentheses)
{
        expect("(Exists WIN://SYSAPPID)", "(Exists WIN://SYSAPPID)");
        expect("( exists\tWIN://PKG )", "(Exists WIN://PKG)");
        expect("(WIN://SYSAPPID Contains\"a\")", "(WIN://SYSAPPID Contains \"a\")");
        expect("(!(Exists WIN://NOALLAPPPKG))", "(!(Exists WIN://NOALLAPPPKG))");
        expect("(! (!(Exists WIN://BGKD)))", "(!(!(Exists WIN://BGKD)))");
        expect("(((Exists WIN://BGKD)))", "(Exists WIN://BGKD)");
        expect("(Exists WIN://PKG&&Exists WIN://BGKD)", "((Exists WIN://PKG) && (Exists WIN://BGKD))");
}

Test(condition, and_binds_more_tightly_than_or_and_both_go_left_to_right)
{
        expect("(Exists WIN://PKG && Exists WIN://BGKD || Exists WIN://SYSAPPID)",
               "(((Exists WIN://PKG) && (Exists WIN://BGKD)) || (Exists WIN://SYSAPPID))");
        expect("(Exists WIN://PKG || Exists WIN://BGKD && Exists WIN://SYSAPPID)",
               "((Exists WIN://PKG) || ((Exists WIN://BGKD) && (Exists WIN://SYSAPPID)))");
        expect("(Exists WIN://PKG || Exists WIN://BGKD || Exists WIN://SYSAPPID)",
               "(((Exists WIN://PKG) || (Exists WIN://BGKD)) || (Exists WIN://SYSAPPID))");
        expect("(!(Exists WIN://PKG) && (Exists WIN://BGKD || Exists WIN://SYSAPPID))",
               "((!(Exists WIN://PKG)) && ((Exists WIN://BGKD) || (Exists WIN://SYSAPPID)))");
}

Test(condition, attributes_keep_their_letters_and_operators_get_theirs)
{
        expect("(win://sysappid CONTAINS {\"x\",17 , 0x1F,017, 00})",
               "(win://sysappid Contains {\"x\", 17, 0x1f, 017, 00})");
        expect("(EXISTS win://pkghostid)", "(Exists win://pkghostid)");
        expect("(WIN://BGKD Contains {1})", "(WIN://BGKD Contains {1})");
        expect("(WIN://BGKD Contains 18446744073709551615)", "(WIN://BGKD Contains 18446744073709551615)");
        expect("(WIN://SYSAPPID Contains \"Kamera Ä 日本 🎥 ;)(\")",
               "(WIN://SYSAPPID Contains \"Kamera Ä 日本 🎥 ;)(\")");
        expect("(WIN://SYSAPPID Contains \"\")", "(WIN://SYSAPPID Contains \"\")");
}

Test(condition, the_bytes_are_those_of_windows)
{
        static struct parsed parsed;
        static const uint8_t literals[] = { 0x10, 2, 0, 0, 0, 'a', 0, 4, 16, 0, 0, 0, 0, 0, 0, 0, 3, 3, 0x86, 0 };
        static const uint8_t list[] = { 0x50, 18, 0, 0, 0 };

        cr_assert(parse(&parsed, "(Exists WIN://PKG)"));
        cr_assert(eq(sz, parsed.size, sizeof(exists)));
        cr_assert(eq(int, memcmp(parsed.bytes, exists, sizeof(exists)), 0));

        cr_assert(parse(&parsed, "(WIN://PKG Contains {\"a\", 0x10})"));
        cr_assert(eq(sz, parsed.size, 52)); /* with one byte of padding */
        cr_assert(eq(int, memcmp(parsed.bytes, exists, 27), 0));
        cr_assert(eq(int, memcmp(parsed.bytes + 27, list, sizeof(list)), 0));
        cr_assert(eq(int, memcmp(parsed.bytes + 32, literals, sizeof(literals)), 0));
}

Test(condition, foreign_operators_are_refused_by_name)
{
        static const char *const operators[] = { "==",      "!=",     "<",          "<=",           ">",
                                                 ">=",      "Any_of", "Not_Any_of", "Not_Contains", "not_contains",
                                                 "Whatever" };
        static const char *const prefixes[] = { "Member_of",         "Device_Member_of",         "Member_of_Any",
                                                "Not_Member_of",     "Device_Member_of_Any",     "Not_Device_Member_of",
                                                "Not_Member_of_Any", "Not_Device_Member_of_Any", "Not_Exists",
                                                "MEMBER_OF" };
        char text[96], name[40];

        for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++) {
                snprintf(text, sizeof(text), "(WIN://PKG %s \"a\")", operators[i]);
                snprintf(name, sizeof(name), "the operator '%s'", operators[i]);
                expect_refused(text, 11, name);
        }
        for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
                snprintf(text, sizeof(text), "(%s{SID(BA)})", prefixes[i]);
                snprintf(name, sizeof(name), "the operator '%s'", prefixes[i]);
                expect_refused(text, 1, name);
        }
        expect_refused("(WIN://PKG==1)", 10, "the operator '=='");
        expect_refused("(WIN://PKG!=1)", 10, "the operator '!='");
}

Test(condition, foreign_attributes_are_refused_by_name)
{
        expect_refused("(Exists WIN://ISMULTISESSIONSKU)", 8, "'WIN://ISMULTISESSIONSKU'");
        expect_refused("(APPID://PATH Contains \"x\")", 1, "'APPID://PATH'");
        expect_refused("(@User.Title == \"PM\")", 1, "'@User.Title'");
        expect_refused("(@Resource.x Contains 1)", 1, "'@Resource.x'");
        expect_refused("(Exists WIN://PKGS)", 8, "'WIN://PKGS'");
        expect_refused("(Exists WIN://PK)", 8, "'WIN://PK'");
        expect_refused("(Exists WIN\x1a//PKG)", 8, "'WIN?//PKG'"); /* one bit from a colon */
        expect_refused("(Exists)", 7, "missing");
}

Test(condition, malformed_text_is_refused_where_it_goes_wrong)
{
        expect_refused("", 0, "begins with (");
        expect_refused("Exists WIN://PKG", 0, "begins with (");
        expect_refused("()", 1, "missing");
        expect_refused("(Exists WIN://PKG", 17, "is expected");
        expect_refused("(Exists WIN://PKG))", 18, "behind the condition");
        expect_refused("(Exists WIN://PKG) ", 18, "behind the condition");
        expect_refused("(Exists WIN://PKG Exists WIN://PKG)", 18, "is expected");
        expect_refused("(Exists WIN://PKG &&)", 20, "missing");
        expect_refused("(Exists WIN://PKG & Exists WIN://PKG)", 18, "is expected");
        expect_refused("(WIN://BGKD)", 1, "write Exists before 'WIN://BGKD'");
        expect_refused("(!(WIN://BGKD))", 3, "write Exists before 'WIN://BGKD'");
        expect_refused("(!Exists WIN://PKG)", 2, "in parentheses");
        expect_refused("(!!(Exists WIN://PKG))", 2, "in parentheses");
        expect_refused("(WIN://PKG Contains)", 19, "is expected, not ''");
        expect_refused("(WIN://PKG Contains WIN://BGKD)", 20, "not 'WIN://BGKD'");
        expect_refused("(WIN://PKG Contains SID(BA))", 20, "not 'SID'");
        expect_refused("(WIN://PKG Contains #01)", 20, "not '#01'");
        expect_refused("(WIN://PKG Contains -1)", 20, "not '-1'");
        expect_refused("(WIN://PKG Contains {})", 21, "is expected");
        expect_refused("(WIN://PKG Contains {1,})", 23, "is expected");
        expect_refused("(WIN://PKG Contains {1 2})", 23, "closed by }");
        expect_refused("(WIN://PKG Contains {{1}})", 21, "is expected");
        expect_refused("(WIN://PKG Contains \"x)", 20, "closing quote");
        expect_refused("(WIN://PKG Contains 12a)", 20, "'12a'");
        expect_refused("(WIN://PKG Contains 08)", 20, "'08'");
        expect_refused("(WIN://PKG Contains 18446744073709551616)", 20, "64 bits");
        expect_refused("(WIN://PKG Contains 0x10000000000000000)", 20, "64 bits");
        expect_refused("(WIN://PKG Contains \"a\nb\")", 21, "control character");
        expect_refused("(WIN://PKG Contains \"\xff\")", 21, "UTF-8");
        expect_refused("(WIN://PKG Contains \"\xed\xa0\x80\")", 21, "UTF-8");
}

/* "(!(!(...Exists WIN://PKG...)))" */
static void
nested(char *text, unsigned count)
{
        size_t length = 0;

        for (unsigned i = 0; i < count; i++, length += 2)
                memcpy(text + length, "(!", 2);
        length += (size_t)sprintf(text + length, "(Exists WIN://PKG)");
        memset(text + length, ')', count);
        text[length + count] = '\0';
}

Test(condition, depth_and_number_of_operators_are_bounded)
{
        static struct parsed parsed;
        char text[4096] = "(Exists WIN://PKG";

        nested(text, WR_CONDITION_DEPTH_MAX - 1);
        expect(text, text);
        nested(text, WR_CONDITION_DEPTH_MAX);
        cr_assert(not(parse(&parsed, text)));
        cr_assert(strstr(parsed.what, "64 parentheses") != NULL, "%s", parsed.what);

        strcpy(text, "(Exists WIN://PKG");
        for (int i = 1; i < WR_CONDITION_DEPTH_MAX / 2; i++) /* each adds two operators */
                strcat(text, "||Exists WIN://PKG");
        strcat(text, ")");
        cr_assert(parse(&parsed, text), "%s", parsed.what);
        strcpy(text, parsed.text);
        expect(text, text);

        text[strlen(text) - 1] = '\0';
        strcat(text, "||Exists WIN://PKG||Exists WIN://PKG)");
        cr_assert(not(parse(&parsed, text)));
        cr_assert(strstr(parsed.what, "64 operators") != NULL, "%s", parsed.what);
}

Test(condition, a_condition_that_finds_no_room_is_refused)
{
        static const char text[] = "(WIN://PKG Contains {\"ab\", 7} && Exists WIN://BGKD)";
        static char long_text[WR_CONDITION_BYTES_MAX] = "(WIN://PKG Contains \"";
        static struct parsed parsed;
        size_t length = strlen(long_text);

        cr_assert(parse(&parsed, text));
        for (size_t room = 0; room < parsed.size; room++) {
                uint8_t *exact = exact_copy(parsed.bytes, room);

                cr_assert(eq(sz, wr_condition_parse(text, strlen(text), exact, room, &parsed.at, parsed.what, 160), 0));
                cr_assert(strstr(parsed.what, "too long") != NULL, "%zu: %s", room, parsed.what);
                free(exact);
        }
        memset(long_text + length, 'x', 4090);
        strcpy(long_text + length + 4090, "\")");
        expect_refused(long_text, length, "too long");
}

static void
expect_bytes_refused(const void *bytes, size_t size, const char *part)
{
        const char *why = NULL;
        uint8_t *exact = exact_copy(bytes, size);

        cr_assert(not(wr_condition_valid(exact, size, &why)), "expected '%s'", part);
        cr_assert(why != NULL && strstr(why, part) != NULL, "'%s' names '%s'", why, part);
        cr_assert(not(wr_condition_valid(exact, size, NULL)));
        free(exact);
}

/* `tokens` between "artx" and the padding. */
static void
expect_tokens_refused(const struct tokens *tokens, const char *part)
{
        struct tokens whole = { "artx", 4 };

        memcpy(whole.bytes + 4, tokens->bytes, tokens->size);
        whole.size = (4 + tokens->size + 3) & ~(size_t)3;
        expect_bytes_refused(whole.bytes, whole.size, part);
}

Test(condition, foreign_tokens_are_refused_by_name)
{
        static const struct {
                uint8_t token;
                const char *name;
        } foreign[] = { { 0x18, "octet" },
                        { 0x51, "SID" },
                        { 0x80, "==" },
                        { 0x81, "!=" },
                        { 0x82, "< " },
                        { 0x83, "<=" },
                        { 0x84, "> " },
                        { 0x85, ">=" },
                        { 0x88, "Any_of" },
                        { 0x89, " Member_of " },
                        { 0x8a, "Device_Member_of " },
                        { 0x8b, "Member_of_Any" },
                        { 0x8c, "Device_Member_of_Any" },
                        { 0x8d, "Not_Exists" },
                        { 0x8e, "Not_Contains" },
                        { 0x8f, "Not_Any_of" },
                        { 0x90, "Not_Member_of " },
                        { 0x91, "Not_Device_Member_of " },
                        { 0x92, "Not_Member_of_Any" },
                        { 0x93, "Not_Device_Member_of_Any" },
                        { 0x77, "nobody defined" } };

        for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
                struct tokens tokens = { { foreign[i].token }, 1 };

                expect_tokens_refused(&tokens, foreign[i].name);
        }
}

/* The sentence that a descriptor with such a condition gets. */
static void
expect_attribute_refused(uint8_t kind, const char *name, const char *part, const char *quoted)
{
        uint8_t bytes[512] = { 1, 0, 4, 0x80, [16] = 20, [20] = 2, [24] = 1, [28] = 9, [36] = 1, 1, [43] = 1 };
        struct tokens tokens = { "artx", 4 };
        char what[160];
        size_t length;

        put_wide(&tokens, kind, name);
        tokens.size = (tokens.size + 3) & ~(size_t)3;
        memcpy(bytes + 48, tokens.bytes, tokens.size);
        bytes[22] = (uint8_t)(28 + tokens.size);
        bytes[30] = (uint8_t)(20 + tokens.size);
        length = wr_descriptor_refusal(bytes, 48 + tokens.size, what, sizeof(what));
        cr_assert(eq(sz, length, strlen(what)));
        cr_assert(strstr(what, part) != NULL && strstr(what, quoted) != NULL, "%s: %s", name, what);
}

Test(condition, foreign_attributes_of_bytes_are_refused_by_name)
{
        expect_attribute_refused(0xf8, "WIN://ISMULTISESSIONSKU", "outside the subset: ", "'WIN://ISMULTISESSIONSKU'");
        expect_attribute_refused(0xf8, "APPID://PATH", "outside the subset: ", "'APPID://PATH'");
        expect_attribute_refused(0xf8, "a_name_that_is_longer_than_any_of_those_that_a_sentence_can_hold_whole",
                                 "outside the subset: ", "'a_name_that_is_longer_than_any_o...'");
        expect_attribute_refused(0xf8, "", "outside the subset: ", "''");
        expect_attribute_refused(0xf9, "Title", "(@User)", "'Title'");
        expect_attribute_refused(0xfa, "colour", "(@Resource)", "'colour'");
        expect_attribute_refused(0xfb, "Bitlocker", "(@Device)", "'Bitlocker'");
}

Test(condition, malformed_bytes_are_refused)
{
        uint8_t bytes[sizeof(exists) + 8] = { 0 };
        struct tokens tokens;

        for (size_t size = 0; size < sizeof(exists); size++)
                expect_bytes_refused(exists, size, "condition");
        memcpy(bytes, exists, sizeof(exists));
        expect_bytes_refused(bytes, sizeof(exists) + 4, "behind its end"); /* four of padding are too many */
        bytes[sizeof(exists) + 3] = 1;
        expect_bytes_refused(bytes, sizeof(exists) + 4, "behind its end");
        bytes[0] = 'A';
        expect_bytes_refused(bytes, sizeof(exists), "no expression");

        tokens.size = 0;
        put_wide(&tokens, 0xf8, "WIN://PKG");
        expect_tokens_refused(&tokens, "an attribute alone");
        put_wide(&tokens, 0x10, "a");
        expect_tokens_refused(&tokens, "not one expression");
        tokens.bytes[tokens.size++] = 0x87;
        expect_tokens_refused(&tokens, "wrong kind"); /* Exists "a" */
        tokens.bytes[tokens.size - 1] = 0xa0;
        expect_tokens_refused(&tokens, "wrong kind");

        tokens = (struct tokens){ { 0xa2 }, 1 };
        expect_tokens_refused(&tokens, "no operand");
        tokens.size = 0;
        put_wide(&tokens, 0xf8, "WIN://OTHER");
        expect_tokens_refused(&tokens, "attribute that is outside");
        tokens.size = 0;
        put_wide(&tokens, 0xf8, "WIN://A_NAME_THAT_IS_TOO_LONG_FOR_ALL");
        expect_tokens_refused(&tokens, "attribute that is outside");
        tokens = (struct tokens){ { 0xf8, 100 }, 30 };
        expect_tokens_refused(&tokens, "cut");
        tokens = (struct tokens){ { 0xf9, 100 }, 30 };
        expect_tokens_refused(&tokens, "cut");
        tokens = (struct tokens){ { 4 }, 5 };
        expect_tokens_refused(&tokens, "cut");
        tokens = (struct tokens){ { 4, [9] = 2, [10] = 2 }, 11 };
        expect_tokens_refused(&tokens, "sign");
        tokens = (struct tokens){ { 4, [9] = 3, [10] = 4 }, 11 };
        expect_tokens_refused(&tokens, "base");
        tokens = (struct tokens){ { 0x50 }, 5 };
        expect_tokens_refused(&tokens, "empty");
        tokens = (struct tokens){ { 0x50, 5, [5] = 0x50 }, 10 };
        expect_tokens_refused(&tokens, "has a list in it");
        tokens = (struct tokens){ { 0x50, 3, [5] = 4 }, 20 };
        expect_tokens_refused(&tokens, "cut"); /* the number reaches behind the list */
        tokens.size = 0;
        for (int i = 0; i <= WR_CONDITION_DEPTH_MAX + 2; i++)
                put_wide(&tokens, 0xf8, "WIN://PKG");
        expect_tokens_refused(&tokens, "too many operands");
}

Test(condition, texts_of_bytes_that_no_text_can_say_are_refused)
{
        static const uint16_t wrong[][2] = { { '"', 'a' },    { 'a', '"' },       { 0, 'a' },
                                             { 'a', '\n' },   { 0x7f, 'a' },      { 0xd83c, 'a' },
                                             { 'a', 0xd83c }, { 0xdfa5, 0xd83c }, { 0xd83c, 0xd83c } };
        struct tokens tokens;

        for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
                tokens.size = 0;
                put_sized(&tokens, 0x10, wrong[i], 4);
                expect_tokens_refused(&tokens, "a text of a condition has");
        }
        tokens.size = 0;
        put_sized(&tokens, 0x10, wrong, 3);
        expect_tokens_refused(&tokens, "half a character");
}

Test(condition, any_of_the_four_integers_is_read)
{
        static char text[64];
        const char *why = "";

        for (uint8_t token = 1; token <= 4; token++) {
                struct tokens tokens = { "artx", 4 };
                const uint8_t number[11] = { token, 0x34, 0x12, [9] = 3, [10] = 3 };

                put_wide(&tokens, 0xf8, "WIN://BGKD");
                memcpy(tokens.bytes + tokens.size, number, sizeof(number));
                tokens.size += sizeof(number);
                tokens.bytes[tokens.size++] = 0x86;
                while (tokens.size % 4 != 0)
                        tokens.bytes[tokens.size++] = 0;
                cr_assert(wr_condition_valid(tokens.bytes, tokens.size, &why), "%s", why);
                wr_condition_print(tokens.bytes, tokens.size, text, sizeof(text));
                cr_assert(eq(int, strcmp(text, "(WIN://BGKD Contains 0x1234)"), 0), "%s", text);
        }
}

Test(condition, random_conditions_are_printed_and_parsed_back)
{
        static struct tokens tokens;
        static struct parsed parsed;
        static char text[WR_CONDITION_TEXT_MAX];

        for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
                struct dice dice = { seed };
                size_t length;

                random_condition(&dice, &tokens);
                length = wr_condition_print(tokens.bytes, tokens.size, text, sizeof(text));
                cr_assert(length > 0 && length < sizeof(text), "seed %lu", (unsigned long)seed);
                cr_assert(parse(&parsed, text), "seed %lu: %s: %zu: %s", (unsigned long)seed, text, parsed.at,
                          parsed.what);
                cr_assert(parsed.size == tokens.size && memcmp(parsed.bytes, tokens.bytes, tokens.size) == 0,
                          "seed %lu: %s", (unsigned long)seed, text);
        }
}

Test(condition, text_is_cut_as_snprintf_cuts_it)
{
        char text[32], small[8];

        cr_assert(eq(sz, wr_condition_print(exists, sizeof(exists), text, sizeof(text)), 18));
        cr_assert(eq(sz, wr_condition_print(exists, sizeof(exists), small, sizeof(small)), 18));
        cr_assert(eq(int, strcmp(small, "(Exists"), 0));
        cr_assert(eq(sz, wr_condition_print(exists, sizeof(exists), NULL, 0), 18));
}

static const char *const camera[] = { "org.weir.Camera", "App", "Größe" };

static const struct wr_attribute attributes[] = {
        { "WIN://SYSAPPID", camera, 3, 0 },
        { "win://bgkd", NULL, 0, 7 },
        { "WIN://PKGHOSTID", camera, 0, 0 }, /* present without a value */
};

static const struct wr_token token = { .attributes = attributes, .attribute_count = 3 };

static void
expect_value(const char *text, enum wr_truth expected)
{
        static struct parsed parsed;

        cr_assert(parse(&parsed, text), "%s: %s", text, parsed.what);
        cr_assert(eq(int, wr_condition_value(parsed.bytes, parsed.size, &token), expected), "%s", text);
}

Test(condition, exists_is_true_or_false_and_never_unknown)
{
        expect_value("(Exists WIN://SYSAPPID)", WR_TRUE);
        expect_value("(Exists win://sysappid)", WR_TRUE);
        expect_value("(Exists WIN://BGKD)", WR_TRUE);
        expect_value("(Exists WIN://PKG)", WR_FALSE);
        expect_value("(Exists WIN://PKGHOSTID)", WR_FALSE);
}

Test(condition, contains_asks_for_all_of_its_literals)
{
        expect_value("(WIN://SYSAPPID Contains \"org.weir.Camera\")", WR_TRUE);
        expect_value("(WIN://SYSAPPID Contains \"ORG.WEIR.camera\")", WR_TRUE);
        expect_value("(WIN://SYSAPPID Contains \"Größe\")", WR_TRUE);
        expect_value("(WIN://SYSAPPID Contains \"org.weir.Camer\")", WR_FALSE);
        expect_value("(WIN://SYSAPPID Contains \"org.weir.Cameras\")", WR_FALSE);
        expect_value("(WIN://SYSAPPID Contains \"org.weir.Camerb\")", WR_FALSE);
        expect_value("(WIN://SYSAPPID Contains \"\")", WR_FALSE);
        expect_value("(WIN://SYSAPPID Contains {\"app\", \"org.weir.Camera\"})", WR_TRUE);
        expect_value("(WIN://SYSAPPID Contains {\"app\", \"other\"})", WR_FALSE);
        expect_value("(WIN://BGKD Contains 7)", WR_TRUE);
        expect_value("(WIN://BGKD Contains {0x7, 07})", WR_TRUE);
        expect_value("(WIN://BGKD Contains 8)", WR_FALSE);
}

Test(condition, contains_is_unknown_of_what_is_missing_or_of_another_kind)
{
        expect_value("(WIN://PKG Contains 7)", WR_UNKNOWN);
        expect_value("(WIN://PKGHOSTID Contains \"App\")", WR_UNKNOWN);
        expect_value("(WIN://BGKD Contains \"7\")", WR_UNKNOWN);
        expect_value("(WIN://SYSAPPID Contains 7)", WR_UNKNOWN);
        expect_value("(WIN://SYSAPPID Contains {\"other\", 7})", WR_UNKNOWN);
}

Test(condition, not_and_and_or_know_three_values)
{
        static const char *const values[] = { "(Exists WIN://PKG)", "(Exists WIN://BGKD)", "(WIN://PKG Contains 1)" };
        static const enum wr_truth and[3][3] = { { WR_FALSE, WR_FALSE, WR_FALSE },
                                                 { WR_FALSE, WR_TRUE, WR_UNKNOWN },
                                                 { WR_FALSE, WR_UNKNOWN, WR_UNKNOWN } };
        static const enum wr_truth or [3][3] = { { WR_FALSE, WR_TRUE, WR_UNKNOWN },
                                                 { WR_TRUE, WR_TRUE, WR_TRUE },
                                                 { WR_UNKNOWN, WR_TRUE, WR_UNKNOWN } };
        static const enum wr_truth opposite[3] = { WR_TRUE, WR_FALSE, WR_UNKNOWN };
        char text[128];

        for (int a = 0; a < 3; a++) {
                snprintf(text, sizeof(text), "(!%s)", values[a]);
                expect_value(text, opposite[a]);
                for (int b = 0; b < 3; b++) {
                        snprintf(text, sizeof(text), "(%s && %s)", values[a], values[b]);
                        expect_value(text, and[a][b]);
                        snprintf(text, sizeof(text), "(%s || %s)", values[a], values[b]);
                        expect_value(text, or [a][b]);
                }
        }
}

Test(condition, a_string_of_the_token_that_is_no_utf_8_equals_nothing)
{
        static const char *const broken[] = { "\xff" };
        const struct wr_attribute attribute = { "WIN://SYSAPPID", broken, 1, 0 };
        const struct wr_token strange = { .attributes = &attribute, .attribute_count = 1 };
        static struct parsed parsed;

        cr_assert(parse(&parsed, "(WIN://SYSAPPID Contains \"ÿ\")"));
        cr_assert(eq(int, wr_condition_value(parsed.bytes, parsed.size, &strange), WR_FALSE));
}

Test(condition, what_is_no_condition_is_unknown)
{
        cr_assert(eq(int, wr_condition_value(exists, 4, &token), WR_UNKNOWN));
        cr_assert(eq(int, wr_condition_value(exists, sizeof(exists) - 1, &token), WR_UNKNOWN));
}
