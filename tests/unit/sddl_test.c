/* Descriptors as text: what Windows accepts, what it refuses, and what it writes. */
#include "tests/unit/descriptor_fixture.h"
#include "tests/unit/vectors.h"

enum { ROUNDS = 100000, TEXT_MAX = 1 << 16 };

static const struct wr_sid domain = { 5, 4, { 21, 10, 20, 30 } }, machine = { 5, 4, { 21, 1, 2, 3 } },
                           forest = { 5, 4, { 21, 7, 8, 9 } };

static const struct wr_sddl_realm *
realm(void)
{
        static struct wr_sddl_realm here;

        here = (struct wr_sddl_realm){ .domain = domain, .machine = machine, .forest = forest };
        return &here;
}

/* NULL if the text is refused; `error` may be NULL. */
static const char *
canonical(const char *text, const struct wr_sddl_realm *where, struct wr_sddl_error *error)
{
        static uint8_t bytes[WR_DESCRIPTOR_MAX];
        static char printed[TEXT_MAX];
        struct wr_sddl_error unseen;
        struct wr_descriptor descriptor;
        char *exact = (char *)exact_copy(text, strlen(text));
        size_t size = wr_sddl_parse(exact, strlen(text), where, bytes, sizeof(bytes), error ? error : &unseen);

        free(exact);
        if (size == 0)
                return NULL;
        cr_assert(wr_descriptor_open(&descriptor, bytes, size, NULL), "%s", text);
        cr_assert(lt(sz, wr_sddl_print(&descriptor, where, printed, sizeof(printed)), sizeof(printed)));
        return printed;
}

static void
expect(const char *text, const char *expected)
{
        struct wr_sddl_error error;
        const char *printed = canonical(text, realm(), &error);

        cr_assert(printed != NULL, "'%s': %zu: %s", text, error.at, error.what);
        cr_assert(eq(int, strcmp(printed, expected), 0), "'%s' gives '%s', not '%s'", text, printed, expected);
        printed = canonical(expected, realm(), &error);
        cr_assert(printed != NULL && strcmp(printed, expected) == 0, "'%s' is not its own canonical text", expected);
}

/* The sentence holds `part`, and the place is a byte of the text. */
static void
expect_refused(const char *text, size_t at, const char *part)
{
        struct wr_sddl_error error = { .at = 9999 };

        cr_assert(canonical(text, realm(), &error) == NULL, "'%s' is taken", text);
        cr_assert(strstr(error.what, part) != NULL, "'%s': '%s' names '%s'", text, error.what, part);
        cr_assert(eq(sz, error.at, at), "'%s': %s", text, error.what);
}

ParameterizedTestParameters(sddl, every_vector_is_read_or_refused_and_printed)
{
        return vectors_of("sddl_roundtrip.json");
}

ParameterizedTest(struct vector *vector, sddl, every_vector_is_read_or_refused_and_printed)
{
        json_t *json = vector_json(vector);
        struct wr_sddl_error error = { 0 };
        const char *printed = canonical(vector_string(json, "input"), NULL, &error);

        if (!json_is_true(json_object_get(json, "valid"))) {
                cr_assert(printed == NULL, "%s", vector->text);
                cr_assert(ne(chr, error.what[0], '\0'), "%s", vector->text);
        } else {
                cr_assert(printed != NULL, "%s: %s", vector->text, error.what);
                cr_assert(eq(int, strcmp(printed, vector_string(json, "canonical")), 0), "%s gives %s", vector->text,
                          printed);
        }
        json_decref(json);
}

Test(sddl, components_come_in_any_order_and_are_written_in_one)
{
        expect("S:D:G:BAO:SY", "O:SYG:BAD:S:");
        expect("D:(A;;GA;;;WD)O:SY", "O:SYD:(A;;GA;;;WD)");
        expect("G:S-1-5-21-1-2-3-1000D:P", "G:S-1-5-21-1-2-3-1000D:P");
        expect_refused("O:SYO:SY", 4, "'O:' is given twice");
        expect_refused("S:G:BAS:", 6, "'S:' is given twice");
        expect_refused("X:SY", 0, "begins with O:, G:, D: or S:");
        expect_refused("o:SY", 0, "begins with O:");
        expect_refused("O", 0, "begins with O:");
        expect_refused("O :SY", 0, "begins with O:");
        expect_refused("   ", 0, "no text");
        expect_refused("O:", 2, "missing");
        expect_refused("D:P:S:", 3, "begins with (");
}

Test(sddl, flags_of_a_list_are_written_in_one_order_and_once)
{
        expect("D:AIARP(A;;GA;;;SY)", "D:PARAI(A;;GA;;;SY)");
        expect("S:AIPPAI", "S:PAI");
        expect("D:arp", "D:PAR");
        expect("D:PNO_ACCESS_CONTROLAI", "D:PAINO_ACCESS_CONTROL");
        expect("S:NO_ACCESS_CONTROL", "S:NO_ACCESS_CONTROL");
        expect_refused("D:NO_ACCESS_CONTROL(A;;GA;;;WD)", 19, "no entries");
        expect_refused("D:PX", 3, "'X'");
}

Test(sddl, numbers_are_decimal_octal_or_hex_and_have_32_bits)
{
        expect("D:(A;;4294967295;;;WD)", "D:(A;;0xffffffff;;;WD)");
        expect("D:(A;;0XFFFFFFFF;;;WD)", "D:(A;;0xffffffff;;;WD)");
        expect("D:(A;;0x0000000000000000010;;;WD)", "D:(A;;RP;;;WD)");
        expect("D:(A;;037777777777;;;WD)", "D:(A;;0xffffffff;;;WD)");
        expect("D:(A;;010;;;WD)", "D:(A;;SW;;;WD)");
        expect("D:(A;;0;;;WD)", "D:(A;;;;;WD)");
        expect("D:(A;; 7;;;WD)", "D:(A;;CCDCLC;;;WD)");
        expect_refused("D:(A;;4294967296;;;WD)", 6, "32 bits");
        expect_refused("D:(A;;040000000000;;;WD)", 6, "32 bits");
        expect_refused("D:(A;;99999999999999999999999999;;;WD)", 6, "32 bits");
        expect_refused("D:(A;;-1;;;WD)", 6, "'-1'");
        expect_refused("D:(A;;+1;;;WD)", 6, "'+1'");
        expect_refused("D:(A;;08;;;WD)", 6, "'08'");
        expect_refused("D:(A;;0x;;;WD)", 6, "'0x'");
        expect_refused("D:(A;;1GA;;;WD)", 6, "'1GA'");
        expect_refused("D:(A;;7 ;;;WD)", 6, "'7 '");
        expect_refused("D:(A;;0x 7;;;WD)", 6, "'0x 7'");
}

Test(sddl, rights_are_written_by_name_then_by_letters_then_by_number)
{
        expect("D:(A;;CCSWRPRC;;;WD)(A;;KX;;;WD)(A;;0x20006;;;WD)", "D:(A;;KR;;;WD)(A;;KR;;;WD)(A;;KW;;;WD)");
        expect("D:(A;;0x1f01ff;;;WD)(A;;0x120116;;;WD)(A;;0x1200a0;;;WD)", "D:(A;;FA;;;WD)(A;;FW;;;WD)(A;;FX;;;WD)");
        expect("D:(A;;0xf01ff;;;WD)", "D:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;WD)");
        expect("D:(A;;GRGWGXGAWOWD;;;WD)", "D:(A;;WDWOGAGXGWGR;;;WD)");
        expect("D:(A;;KRKWSD;;;WD)", "D:(A;;CCDCLCSWRPSDRC;;;WD)");
        expect("D:(A;;FAGX;;;WD)", "D:(A;;0x201f01ff;;;WD)");
        expect("D:(A;;0x400;;;WD)", "D:(A;;0x400;;;WD)");
        expect("D:(A;;gaRpRP;;;WD)", "D:(A;;RPGA;;;WD)");
        expect("D:(A;; RP WP;;;WD)", "D:(A;;RPWP;;;WD)");
        expect_refused("D:(A;;RP ;;;WD)", 9, "blank");
        expect_refused("D:(A;; ;;;WD)", 7, "blank");
        expect_refused("D:(A;;RP\tWP;;;WD)", 8, "'?WP'");
        expect_refused("D:(A;;R P;;;WD)", 6, "'R P'");
        expect_refused("D:(A;;G;;;WD)", 6, "'G'");
        expect_refused("D:(A;;GAX;;;WD)", 8, "'X'");
        expect_refused("D:(A;;NW;;;WD)", 6, "'NW'");
}

Test(sddl, blanks_stand_where_windows_lets_them)
{
        expect(" O:AA  G:WD ", "O:AAG:WD");
        expect("O:S-1-5-18 G:BA", "O:SYG:BA");
        expect("D: P AI (A;;GA;;;WD) (A;;GA;;; BA) S: ", "D:PAI(A;;GA;;;WD)(A;;GA;;;BA)S:");
        expect("D:( A; OI;GA; ; ;WD )", "D:(A;OI;GA;;;WD)");
        expect("D:(A; ;GA;;; S-1-3-4)", "D:(A;;GA;;;OW)");
        expect("O:S- 1- 2-3", "O:S-1-2-3");
        expect("D:(XA;;GA;;;WD; (Exists WIN://PKG))", "D:(XA;;GA;;;WD;(Exists WIN://PKG))");
        expect_refused("D:(A;;GA;;;S-1-3-4 )", 18, "behind the SID");
        expect_refused("D:(A;;GA;;;WD\t)", 13, "behind the SID");
        expect_refused("D:(A ;;GA;;;WD)", 3, "'A '");
        expect_refused("D:(A;OI ;GA;;;WD)", 7, "' '");
        expect_refused("\tO:SY", 0, "begins with");
        expect_refused("O:S-1 -2-3", 2, "no SID");
}

Test(sddl, letters_of_fields_may_be_lower_case)
{
        expect("D:(a;oici;gagr;;;wd)(xd;;rp;;;ac;(exists win://pkg))",
               "D:(A;OICI;GAGR;;;WD)(XD;;RP;;;AC;(Exists win://pkg))");
        expect("O:baG:s-1-5-18S:(ml;;nwnr;;;lw)(au;safa;cc;;;wd)", "O:BAG:SYS:(ML;;NWNR;;;LW)(AU;SAFA;CC;;;WD)");
}

Test(sddl, flags_of_an_entry_are_written_in_one_order)
{
        expect("D:(A;IDIONPCIOI;GA;;;WD)", "D:(A;OICINPIOID;GA;;;WD)");
        expect("S:(AU;FASAID;GA;;;WD)", "S:(AU;IDSAFA;GA;;;WD)");
        expect("D:(A;OIOI;GA;;;WD)", "D:(A;OI;GA;;;WD)");
        expect_refused("D:(A;O;GA;;;WD)", 5, "'O'");
        expect_refused("D:(A;CR;GA;;;WD)", 5, "'CR'");
        expect_refused("D:(A;0x1;GA;;;WD)", 5, "'0x1'");
}

Test(sddl, sids_are_written_as_aliases_where_there_are_any)
{
        expect("O:S-1-5-32-0x220G:S-1-0x5-0x12", "O:BAG:SY");
        expect("O:S-1-2-0x200D:", "O:S-1-2-512D:");
        expect("O:S-1-2-0x2D:(A;;GA;;;WD)", "O:S-1-2-2D:(A;;GA;;;WD)");
        expect("O:S-1-5-21-1-2-3-1001G:S-1-5-32-545D:", "O:S-1-5-21-1-2-3-1001G:BUD:");
        expect_refused("O:S-1-0x2D:", 2, "no SID");
}

Test(sddl, large_authorities_are_written_in_hex)
{
        expect("O:S-1-21474836480-32-579", "O:S-1-0x500000000-32-579");
        expect("O:S-1-5000000000-30", "O:S-1-0x12A05F200-30");
        expect("O:S-1-4294967295-30", "O:S-1-4294967295-30");
        expect_refused("O:S-1-0x1000000000000-1", 2, "no SID");
        expect_refused("O:S-1-3-4294967296", 2, "no SID");
        expect_refused("O:S-0x1-2-3", 2, "no SID");
        expect_refused("O:S-1-2-3-", 2, "no SID");
        expect_refused("O:S-1-2-3x", 2, "no SID");
        expect_refused("O:S-1-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16-17", 2, "no SID");
        expect_refused("O:SYBA", 4, "'BA' stands behind");
        expect_refused("D:(A;;GA;;;S)", 11, "missing");
}

Test(sddl, relative_aliases_need_a_realm)
{
        struct wr_sddl_error error;

        expect("O:DAG:S-1-5-21-10-20-30-513D:(A;;GA;;;S-1-5-21-1-2-3-501)", "O:DAG:DUD:(A;;GA;;;LG)");
        expect("O:EAG:S-1-5-21-7-8-9-518", "O:EAG:SA");
        expect("O:S-1-5-21-1-2-3-512", "O:S-1-5-21-1-2-3-512"); /* of the machine, not of the domain */
        cr_assert(eq(int, strcmp(canonical("O:S-1-5-21-10-20-30-512", NULL, NULL), "O:S-1-5-21-10-20-30-512"), 0));
        cr_assert(canonical("O:DA", NULL, &error) == NULL && strstr(error.what, "'DA' is relative to a domain"));
        cr_assert(canonical("O:LA", NULL, &error) == NULL && strstr(error.what, "'LA' is relative to a machine"));
        cr_assert(canonical("O:EA", NULL, &error) == NULL && strstr(error.what, "'EA' is relative to a forest"));
        cr_assert(canonical("O:ZZ", NULL, &error) == NULL && strstr(error.what, "'ZZ' stands for no SID"));
}

Test(sddl, labels_forbid_and_name_a_level)
{
        expect("S:(ML;;0x7;;;S-1-16-8192)", "S:(ML;;NWNRNX;;;ME)");
        expect("S:(ML;OICI;;;;SI)(ML;;NR NW;;;S-1-16-1)", "S:(ML;OICI;;;;SI)(ML;;NWNR;;;S-1-16-1)");
        expect_refused("S:(ML;;GA;;;LW)", 7, "a label has no right 'GA'");
        expect_refused("S:(ML;;8;;;LW)", 3, "only NW, NR and NX");
        expect_refused("S:(ML;;NW;;;WD)", 3, "integrity level");
        expect_refused("S:(ML;;NW;;;S-1-16-1-2)", 3, "integrity level");
        expect_refused("D:(ML;;NW;;;LW)", 3, "SACL");
}

Test(sddl, entries_outside_the_subset_are_refused_by_name)
{
        expect_refused("D:(OA;;RP;bf967aba-0de6-11d0-a285-00aa003049e2;;WD)", 3, "(OA)");
        expect_refused("D:(OD;;RP;;;WD)", 3, "(OD)");
        expect_refused("S:(OU;;RP;;;WD)", 3, "(OU)");
        expect_refused("S:(OL;;RP;;;WD)", 3, "(OL)");
        expect_refused("S:(AL;;RP;;;WD)", 3, "(AL)");
        expect_refused("D:(ZA;;RP;;;WD;(Exists WIN://PKG))", 3, "(ZA)");
        expect_refused("S:(XU;;RP;;;WD;(Exists WIN://PKG))", 3, "(XU)");
        expect_refused("S:(RA;;;;;WD;(\"colour\",TS,0,\"blue\"))", 3, "(RA)");
        expect_refused("S:(SP;;;;;S-1-17-1)", 3, "(SP)");
        expect_refused("S:(TL;;RP;;;S-1-19-512-4096)", 3, "(TL)");
        expect_refused("S:(FL;;RP;;;WD;(Exists WIN://PKG))", 3, "(FL)");
        expect_refused("D:(Apple;;GA;;;WD)", 3, "'Apple'");
        expect_refused("D:(;;GA;;;WD)", 3, "''");
        expect_refused("D:(A;;GA;f30e3bbf-9ff0-11d1-b603-0000f80367c1;;WD)", 9, "object entries");
        expect_refused("D:(A;;GA;;x;WD)", 10, "'x' belongs to object entries");
        expect_refused("D:(AU;SA;GA;;;WD)", 3, "SACL");
        expect_refused("S:(A;;GA;;;WD)", 3, "DACL");
}

Test(sddl, malformed_entries_are_refused_where_they_stand)
{
        expect_refused("D:(A;;GA;;;WD", 2, "not closed");
        expect_refused("D:(A;;GA;;;WD)(", 14, "not closed");
        expect_refused("D:((A;;GA;;;WD)", 2, "not closed");
        expect_refused("D:((A;;GA;;;WD))", 3, "'(A'");
        expect_refused("D:(A;;GA;;;WD))", 14, "begins with (");
        expect_refused("D:A;;GA;;;WD", 2, "begins with (");
        expect_refused("D:()", 3, "six fields");
        expect_refused("D:(A;;GA;;)", 3, "six fields");
        expect_refused("D:(A;;GA;;;)", 11, "missing");
        expect_refused("D:(A;;GA;;;WD;)", 14, "seventh");
        expect_refused("D:(A;;GA;;;WD;(Exists WIN://PKG))", 14, "seventh");
        expect_refused("D:(XA;;GA;;;WD)", 14, "ends with ;(condition)");
        expect_refused("D:(XA;;GA;;;WD;)", 15, "begins with (");
        expect_refused("D:(XA;;GA;;;WD;(Exists WIN://PKG);x)", 33, "behind the condition");
        expect_refused("D:(XA;;GA;;;WD;(WIN://PKG Contains \"))", 2, "not closed");
}

Test(sddl, signs_inside_the_texts_of_a_condition_end_nothing)
{
        expect("D:(XA;;GA;;;WD;(WIN://PKG Contains \"a);S:(b\"))S:P",
               "D:(XA;;GA;;;WD;(WIN://PKG Contains \"a);S:(b\"))S:P");
        expect("D:(XD;;GA;;;WD;(WIN://PKG Contains {\"(\", \")\"}))(A;;GA;;;BA)",
               "D:(XD;;GA;;;WD;(WIN://PKG Contains {\"(\", \")\"}))(A;;GA;;;BA)");
}

Test(sddl, the_condition_s_sentence_and_place_are_those_of_the_text)
{
        expect_refused("D:(A;;GA;;;WD)(XA;;GA;;;WD; (@User.Title == \"PM\"))", 29, "'@User.Title'");
        expect_refused("D:(XA;;GA;;;WD;(WIN://PKG Any_of {1}))", 26, "'Any_of'");
}

Test(sddl, foreign_characters_do_not_reach_the_sentence)
{
        struct wr_sddl_error error;

        cr_assert(canonical("D:(\x1b[2J\xc3\xa9;;GA;;;WD)", NULL, &error) == NULL);
        for (const char *c = error.what; *c != '\0'; c++)
                cr_assert(error.what[0] != '\0' && *c >= ' ' && *c <= '~', "%s", error.what);
        expect_refused("D:(A;;GA;;;abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz)", 11,
                       "'ab' stands for no SID");
        expect_refused("O:SYabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", 4, "...' stands behind");
}

Test(sddl, what_finds_no_room_is_refused)
{
        static const char text[] = "O:SYG:BAD:(A;;GA;;;WD)(XA;;GA;;;WD;(Exists WIN://PKG))S:(ML;;NW;;;LW)";
        uint8_t bytes[512];
        struct wr_sddl_error error;
        size_t size = wr_sddl_parse(text, strlen(text), NULL, bytes, sizeof(bytes), &error);

        cr_assert(ne(sz, size, 0));
        for (size_t room = 0; room < size; room++) {
                uint8_t *exact = exact_copy(bytes, room);

                cr_assert(eq(sz, wr_sddl_parse(text, strlen(text), NULL, exact, room, &error), 0), "room %zu", room);
                cr_assert(strstr(error.what, "no room") != NULL, "%s", error.what);
                free(exact);
        }
}

Test(sddl, a_list_that_16_bits_do_not_count_is_refused)
{
        enum { FITTING = (65532 - 8) / 20 };
        static char text[16 * FITTING + 64] = "D:";
        static uint8_t bytes[WR_DESCRIPTOR_MAX];
        struct wr_sddl_error error;
        size_t length = 2;

        for (int i = 0; i < FITTING; i++, length += 11)
                memcpy(text + length, "(A;;;;;WD) ", 11);
        cr_assert(ne(sz, wr_sddl_parse(text, length, NULL, bytes, sizeof(bytes), &error), 0), "%s", error.what);
        memcpy(text + length, "(A;;;;;WD)", 10);
        cr_assert(eq(sz, wr_sddl_parse(text, length + 10, NULL, bytes, sizeof(bytes), &error), 0));
        cr_assert(eq(sz, error.at, length + 1));
        cr_assert(strstr(error.what, "no room") != NULL);
}

Test(sddl, text_is_cut_as_snprintf_cuts_it)
{
        static const char text[] = "O:SYG:BAD:P(A;OI;0x1200a9;;;S-1-15-2-1-2-3)";
        uint8_t bytes[512];
        struct wr_sddl_error error;
        struct wr_descriptor descriptor;
        size_t length = strlen(text), at = 0;
        struct wr_ace ace;
        char whole[128];

        cr_assert(wr_descriptor_open(&descriptor, bytes,
                                     wr_sddl_parse(text, length, NULL, bytes, sizeof(bytes), &error), NULL));
        cr_assert(eq(sz, wr_sddl_print(&descriptor, NULL, NULL, 0), length));
        for (size_t room = 1; room <= length + 1; room++) {
                char *exact = malloc(room);

                cr_assert(eq(sz, wr_sddl_print(&descriptor, NULL, exact, room), length));
                cr_assert(eq(sz, strlen(exact), room - 1));
                cr_assert(eq(int, memcmp(exact, text, room - 1), 0));
                free(exact);
        }
        cr_assert(wr_acl_next(&descriptor.dacl, &at, &ace));
        cr_assert(eq(sz, wr_sddl_print_ace(&ace, NULL, whole, sizeof(whole)), length - 11));
        cr_assert(eq(int, strcmp(whole, text + 11), 0));
}

Test(sddl, parsing_what_was_printed_gives_the_same_bytes)
{
        static uint8_t bytes[RANDOM_BYTES_MAX], again[WR_DESCRIPTOR_MAX];
        static char text[TEXT_MAX];

        for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
                struct dice dice = { seed };
                size_t size = random_descriptor(&dice, bytes), length, back;
                const struct wr_sddl_realm *where = seed % 2 ? realm() : NULL;
                struct wr_descriptor descriptor;
                struct wr_sddl_error error;

                cr_assert(size != 0 && wr_descriptor_open(&descriptor, bytes, size, NULL), "seed %lu",
                          (unsigned long)seed);
                length = wr_sddl_print(&descriptor, where, text, sizeof(text));
                cr_assert(length < sizeof(text), "seed %lu", (unsigned long)seed);
                back = wr_sddl_parse(text, length, where, again, sizeof(again), &error);
                cr_assert(back != 0, "seed %lu: %s: %zu: %s", (unsigned long)seed, text, error.at, error.what);
                cr_assert(back == size && memcmp(bytes, again, size) == 0, "seed %lu: %s", (unsigned long)seed, text);
        }
}

Test(sddl, any_byte_of_a_text_may_change_and_it_may_be_cut_anywhere)
{
        static uint8_t bytes[RANDOM_BYTES_MAX];
        static char text[TEXT_MAX], changed[TEXT_MAX];
        static const char signs[] = "()\";:{}!&|-0xAPDS \t\x80";

        for (uint64_t seed = 1; seed <= 60; seed++) {
                struct dice dice = { seed };
                size_t size = random_descriptor(&dice, bytes), length;
                struct wr_descriptor descriptor;

                cr_assert(wr_descriptor_open(&descriptor, bytes, size, NULL));
                length = wr_sddl_print(&descriptor, NULL, text, sizeof(text));
                for (size_t at = 0; at < length; at++) {
                        memcpy(changed, text, length + 1);
                        changed[at] = signs[roll(&dice, sizeof(signs) - 1)];
                        canonical(changed, NULL, NULL);
                        changed[at] = '\0';
                        canonical(changed, NULL, NULL);
                }
        }
}
