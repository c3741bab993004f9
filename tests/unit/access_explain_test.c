/* The sentences about a decision, word for word. */
#include "tests/unit/access_fixture.h"

static void
expect_sentences(const char *sddl, const struct wr_token *token, uint32_t desired, const char *expected)
{
        static const struct wr_right_name names[] = { { 2, "map-write" }, { 4, "map-read" }, { 0, NULL } };
        static const struct wr_access_words words = { .who = "the viewer", .rights = names };
        struct object *object = object_of(sddl);
        struct wr_access access;
        char text[4096];
        size_t length;

        wr_access_check(&object->descriptor, token, &wr_section_mapping, desired, &access);
        length = wr_access_explain(&object->descriptor, token, &access, &words, text, sizeof(text));
        cr_assert(eq(str, text, (char *)expected));
        cr_assert(eq(sz, length, strlen(expected)));
        free(object);
}

Test(access_explain, an_explanation_names_the_entry_for_each_right_and_half)
{
        struct wr_token package = package_token(WR_CONTAINER), user = user_token();

        expect_sentences("D:(A;;DCLC;;;AU)(A;;LC;;;AC)", &package, 6,
                         "denied: the viewer lacks map-write.\n"
                         "  map-write: denied. As user: entry 1 (A;;DCLC;;;AU) allows it."
                         " As package: no entry allows it to its package or a capability of it"
                         "; entry 1 (A;;DCLC;;;AU) names its user or a group of it, which counts for the user only.\n"
                         "  map-read: granted. As user: entry 1 (A;;DCLC;;;AU) allows it."
                         " As package: entry 2 (A;;LC;;;AC) allows it.\n");
        expect_sentences("D:(D;;LC;;;WD)(A;;LC;;;WD)", &user, 4,
                         "denied: the viewer lacks map-read.\n"
                         "  map-read: denied. As user: entry 1 (D;;LC;;;WD) denies it.\n");
        expect_sentences("O:" USER "D:", &user, WR_MAXIMUM_ALLOWED,
                         "granted: the viewer has read_control, write_dac.\n"
                         "  read_control: granted. As user: it owns the object.\n"
                         "  write_dac: granted. As user: it owns the object.\n");
        expect_sentences("D:", &user, WR_MAXIMUM_ALLOWED, "denied: the viewer has no right at all.\n");
        expect_sentences("D:", &user, 0, "denied: nothing was asked for.\n");
}

Test(access_explain, an_explanation_names_what_is_no_entry)
{
        struct wr_token package = package_token(WR_CONTAINER), user = user_token();

        expect_sentences("D:NO_ACCESS_CONTROL", &package, 4,
                         "denied: the viewer lacks map-read.\n"
                         "  map-read: denied. As user: the object has no list, which leaves it open to every user."
                         " As package: the object has no list, and only an entry of a list admits a package.\n");
        expect_sentences("D:(A;;GA;;;WD)", &user, WR_ACCESS_SYSTEM_SECURITY,
                         "denied: the viewer lacks access_system_security.\n"
                         "  access_system_security: denied. As user: only the privilege SeSecurityPrivilege grants it,"
                         " which it does not hold.\n");
        user.privileges = WR_PRIVILEGE_TAKE_OWNERSHIP;
        expect_sentences("D:", &user, WR_WRITE_OWNER,
                         "granted: the viewer has write_owner.\n"
                         "  write_owner: granted. As user: its privilege SeTakeOwnershipPrivilege grants it.\n");
        expect_sentences("O:SY", &user, 0x20,
                         "denied: the viewer lacks right 0x20.\n"
                         "  right 0x20: denied. As user: the object has no list, and this is no right that such objects"
                         " have.\n");
        user.integrity = WR_INTEGRITY_LOW;
        expect_sentences("D:(A;;GA;;;WD)", &user, 2,
                         "denied: the viewer lacks map-write.\n"
                         "  map-write: denied. As user: the object has no label, which counts as (ML;;NW;;;ME), and"
                         " that forbids it to the viewer, whose integrity is only Low.\n");
        expect_sentences("D:(A;;GA;;;WD)S:(ML;;NW;;;HI)", &user, 2,
                         "denied: the viewer lacks map-write.\n"
                         "  map-write: denied. As user: the object has the label (ML;;NW;;;HI), and that forbids it to"
                         " the viewer, whose integrity is only Low.\n");
}

static void
expect_hint(const char *sddl, const struct wr_token *token, const char *hint)
{
        struct object *object = object_of(sddl);
        struct wr_access access;
        char text[4096];

        wr_access_check(&object->descriptor, token, &wr_section_mapping, 4, &access);
        wr_access_explain(&object->descriptor, token, &access, NULL, text, sizeof(text));
        cr_assert(strstr(text, hint) != NULL, "%s", text);
        free(object);
}

Test(access_explain, an_explanation_names_the_entry_that_came_closest)
{
        struct wr_token user = user_token(), package = package_token(WR_CONTAINER_LESS);
        struct wr_sid second = sid_of("S-1-5-12");

        expect_hint("D:(A;OIIO;LC;;;WD)", &user,
                    "entry 1 (A;OIIO;LC;;;WD) is for what inherits from the object, not for the object");
        expect_hint("D:(XA;;LC;;;WD;(Exists WIN://SYSAPPID))", &user,
                    "does not count, for its condition does not hold");
        expect_hint("D:(A;;LC;;;BA)", &user, "entry 1 (A;;LC;;;BA) names one who counts for denials only");
        expect_hint("D:(A;;LC;;;WD)(A;;GR;;;AC)", &package,
                    "entry 1 (A;;LC;;;WD) names its user or a group of it, which counts for the user only");
        expect_hint("D:(A;;GR;;;AC)", &package,
                    "entry 1 (A;;GR;;;AC) does not reach a container with as few rights as this one");
        expect_hint("D:(A;;LC;;;WD)(D;;GA;;;" PACKAGE ")(A;;LC;;;S-1-15-2-2)", &package,
                    "(entry 2 (D;;GA;;;" PACKAGE ") has no effect: packages and capabilities cannot be denied");
        user.restricting = &second;
        user.restricting_count = 1;
        expect_hint("D:(A;;LC;;;WD)", &user,
                    "As restricted: no entry allows it to anyone on its second, restricting list.");
}

static size_t
call_everyone_so(void *user, const struct wr_sid *sid, char *text, size_t room)
{
        return sid->authority == 1 ? (size_t)snprintf(text, room, "%s", (const char *)user) : 0;
}

Test(access_explain, an_explanation_uses_the_callers_names)
{
        char text[512], name[] = "everybody";
        struct wr_access_words words = { .name = call_everyone_so, .user = name };
        struct object *object = object_of("D:(A;;LC;;;WD)");
        struct wr_token user = user_token();
        struct wr_access access;

        wr_access_check(&object->descriptor, &user, &wr_section_mapping, 4, &access);
        wr_access_explain(&object->descriptor, &user, &access, &words, text, sizeof(text));
        cr_assert(strstr(text, "entry 1 (A;;LC;;;WD) [everybody] allows it") != NULL, "%s", text);
        wr_access_explain_rights(0x10004, &words, text, sizeof(text));
        cr_assert(eq(str, text, "right 0x4, delete"));
        wr_access_explain_rights(0, &words, text, sizeof(text));
        cr_assert(eq(str, text, ""));
        free(object);
}

Test(access_explain, a_condition_too_long_for_a_sentence_ends_in_dots)
{
        char sddl[2048] = "D:(XA;;LC;;;WD;(WIN://SYSAPPID Contains \"", text[2048];
        struct wr_token user = user_token();
        struct wr_access access;
        struct object *object;

        for (int i = 0; i < 300; i++)
                strcat(sddl, "\xc3\xa4");
        strcat(sddl, "\"))");
        object = object_of(sddl);
        wr_access_check(&object->descriptor, &user, &wr_section_mapping, 4, &access);
        wr_access_explain(&object->descriptor, &user, &access, NULL, text, sizeof(text));
        cr_assert(strstr(text, "\xc3\xa4...) does not count") != NULL, "%s", text);
        free(object);
}
