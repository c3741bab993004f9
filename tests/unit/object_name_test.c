/* Paths and names of objects and pipes, for everybody who may say them: the tables of the header, line by line. */
#include "named-objects/rights/object_name.h"

#include "named-objects/rights/package.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#define PACKAGE \
        "S-1-15-2-3624051433-2125758914-1423191267-1740899205-1073925389-3782572162-737981194" /* Edge, published */
#define CHILD     "4256926629-1688279915-2739229046-3928706915"
#define DIRECTORY "AppContainerNamedObjects\\" PACKAGE

static struct wr_sid
sid_of(const char *text)
{
        struct wr_sid sid;

        cr_assert(wr_sid_parse(&sid, text, strlen(text)), "%s", text);
        return sid;
}

static struct wr_object_place
place_of(enum wr_place place, uint32_t session)
{
        struct wr_sid package = sid_of(PACKAGE);

        return (struct wr_object_place){ place, session, place == WR_PLACE_CONTAINER ? package : (struct wr_sid){ 0 } };
}

static struct wr_object_place
child_place(uint32_t session)
{
        return (struct wr_object_place){ WR_PLACE_CONTAINER, session, sid_of(PACKAGE "-" CHILD) };
}

static struct wr_object_speaker
full_trust(uint32_t session)
{
        return (struct wr_object_speaker){ .session = session };
}

static struct wr_object_speaker
package_in(uint32_t session)
{
        return (struct wr_object_speaker){ session, sid_of(PACKAGE) };
}

static void
expect_path(struct wr_object_place place, const char *expected)
{
        char text[WR_OBJECT_TEXT_MAX];

        cr_assert(eq(sz, wr_object_path(&place, "x", text, sizeof(text)), strlen(expected)));
        cr_assert(eq(str, text, (char *)expected));
}

/* "" for what cannot be said. */
static void
expect_name(struct wr_object_place place, struct wr_object_speaker speaker, const char *expected)
{
        char text[WR_OBJECT_TEXT_MAX] = "?";

        cr_assert(eq(sz, wr_object_name(&place, &speaker, "x", text, sizeof(text)), strlen(expected)));
        cr_assert(eq(str, text, (char *)expected));
}

static void
expect_pipe(struct wr_object_place place, struct wr_object_speaker speaker, const char *expected)
{
        char text[WR_OBJECT_TEXT_MAX] = "?";

        cr_assert(eq(sz, wr_object_pipe_name(&place, &speaker, "x", text, sizeof(text)), strlen(expected)));
        cr_assert(eq(str, text, (char *)expected));
}

/* Where it lands, as a path; "" if it cannot be said. */
static void
expect_lands(struct wr_object_speaker speaker, const char *text, const char *expected)
{
        char path[WR_OBJECT_TEXT_MAX] = "";
        struct wr_object_place place;
        const char *name;

        if (wr_object_resolve(&place, &speaker, text, &name))
                cr_assert(gt(sz, wr_object_path(&place, name, path, sizeof(path)), 0));
        cr_assert(eq(str, path, (char *)expected), "%s", text);
}

Test(object_name, every_place_has_its_path_from_the_root)
{
        expect_path(place_of(WR_PLACE_SESSION, 2), "\\Sessions\\2\\BaseNamedObjects\\x");
        expect_path(place_of(WR_PLACE_GLOBAL, 2), "\\BaseNamedObjects\\x");
        expect_path(place_of(WR_PLACE_CONTAINER, 4294967295), "\\Sessions\\4294967295\\" DIRECTORY "\\x");
}

Test(object_name, session_0_and_global_are_one_directory)
{
        expect_path(place_of(WR_PLACE_SESSION, 0), "\\BaseNamedObjects\\x");
        expect_name(place_of(WR_PLACE_SESSION, 0), full_trust(1), "Global\\x");
        expect_name(place_of(WR_PLACE_SESSION, 0), full_trust(0), "x");
        expect_lands(full_trust(0), "x", "\\BaseNamedObjects\\x");
        expect_lands(full_trust(0), "Local\\x", "\\BaseNamedObjects\\x");
}

Test(object_name, a_child_container_has_a_component_below_its_parents)
{
        expect_path(child_place(1), "\\Sessions\\1\\" DIRECTORY "\\" CHILD "\\x");
        expect_name(child_place(1), full_trust(1), DIRECTORY "\\" CHILD "\\x");
        expect_name(child_place(1), package_in(1), "");
        expect_lands(full_trust(1), DIRECTORY "\\" CHILD "\\x", "\\Sessions\\1\\" DIRECTORY "\\" CHILD "\\x");
}

Test(object_name, the_directory_of_a_container_is_relative_and_only_containers_have_one)
{
        struct wr_sid package = sid_of(PACKAGE), child = sid_of(PACKAGE "-" CHILD), everyone = sid_of("S-1-1-0");
        char text[WR_OBJECT_TEXT_MAX];

        cr_assert(eq(sz, wr_object_directory(&package, text, sizeof(text)), strlen(DIRECTORY)));
        cr_assert(eq(str, text, DIRECTORY));
        wr_object_directory(&child, text, sizeof(text));
        cr_assert(eq(str, text, DIRECTORY "\\" CHILD));
        cr_assert(zero(sz, wr_object_directory(&everyone, text, sizeof(text))));
        cr_assert(eq(str, text, ""));
}

Test(object_name, full_trust_says_names_of_its_own_session_plainly_and_others_with_a_prefix)
{
        expect_name(place_of(WR_PLACE_SESSION, 1), full_trust(1), "x");
        expect_name(place_of(WR_PLACE_GLOBAL, 0), full_trust(1), "Global\\x");
        expect_name(place_of(WR_PLACE_CONTAINER, 1), full_trust(1), DIRECTORY "\\x");
        expect_name(place_of(WR_PLACE_CONTAINER, 2), full_trust(1), "Session\\2\\" DIRECTORY "\\x");
        expect_name(place_of(WR_PLACE_CONTAINER, 2), full_trust(0), "Session\\2\\" DIRECTORY "\\x");
        expect_name(place_of(WR_PLACE_SESSION, 2), full_trust(1), "");
}

Test(object_name, a_container_says_plainly_what_is_its_own_or_its_sessions_and_nothing_else)
{
        struct wr_object_speaker other = { 1, sid_of("S-1-15-2-1-2-3-4-5-6-7") };

        expect_name(place_of(WR_PLACE_CONTAINER, 1), package_in(1), "x");
        expect_name(place_of(WR_PLACE_SESSION, 1), package_in(1), "x");
        expect_name(place_of(WR_PLACE_CONTAINER, 2), package_in(1), "");
        expect_name(place_of(WR_PLACE_SESSION, 2), package_in(1), "");
        expect_name(place_of(WR_PLACE_GLOBAL, 0), package_in(1), "");
        expect_name(place_of(WR_PLACE_CONTAINER, 1), other, "");
}

Test(object_name, what_full_trust_creates_lands_where_its_prefix_leads)
{
        expect_lands(full_trust(1), "x", "\\Sessions\\1\\BaseNamedObjects\\x");
        expect_lands(full_trust(1), "Local\\x", "\\Sessions\\1\\BaseNamedObjects\\x");
        expect_lands(full_trust(1), "Global\\x", "\\BaseNamedObjects\\x");
        expect_lands(full_trust(1), DIRECTORY "\\x", "\\Sessions\\1\\" DIRECTORY "\\x");
        expect_lands(full_trust(1), "Local\\" DIRECTORY "\\x", "\\Sessions\\1\\" DIRECTORY "\\x");
        expect_lands(full_trust(1), "Session\\7\\" DIRECTORY "\\x", "\\Sessions\\7\\" DIRECTORY "\\x");
}

Test(object_name, what_a_container_creates_lands_in_its_own_directory)
{
        expect_lands(package_in(1), "x", "\\Sessions\\1\\" DIRECTORY "\\x");
        expect_lands(package_in(1), "Local\\x", "\\Sessions\\1\\" DIRECTORY "\\x");
        expect_lands(package_in(1), "Session\\x", "\\Sessions\\1\\" DIRECTORY "\\x");
        expect_lands(package_in(1), "Global\\x", "\\BaseNamedObjects\\x");
        expect_lands(package_in(1), "Session\\1\\x", "");
        expect_lands(package_in(1), DIRECTORY "\\x", "");
}

Test(object_name, prefixes_are_case_sensitive_so_another_spelling_holds_a_backslash_and_is_refused)
{
        expect_lands(full_trust(1), "global\\x", "");
        expect_lands(full_trust(1), "LOCAL\\x", "");
        expect_lands(full_trust(1), "appcontainernamedobjects\\" PACKAGE "\\x", "");
        expect_lands(full_trust(1), "Global", "\\Sessions\\1\\BaseNamedObjects\\Global");
}

Test(object_name, plain_names_of_another_session_are_the_systems)
{
        expect_lands(full_trust(1), "Session\\2\\x", "");
        expect_lands(full_trust(1), "Session\\x", "");
        expect_lands(full_trust(1), "Session\\02\\" DIRECTORY "\\x", "");
        expect_lands(full_trust(1), "Session\\4294967296\\" DIRECTORY "\\x", "");
}

Test(object_name, a_container_directory_needs_the_sid_of_a_package)
{
        expect_lands(full_trust(1), "AppContainerNamedObjects\\S-1-1-0\\x", "");
        expect_lands(full_trust(1), "AppContainerNamedObjects\\x", "");
        expect_lands(full_trust(1), "AppContainerNamedObjects\\" PACKAGE "-" CHILD "\\x", "");
        expect_lands(full_trust(1), DIRECTORY "\\1-2-3\\x", "");
        expect_lands(full_trust(1), DIRECTORY "\\1-2-3-4-5\\x", "");
        expect_lands(full_trust(1), DIRECTORY "\\1-2-3-4\\x\\y", "");
}

Test(object_name, what_full_trust_says_leads_back_to_the_place)
{
        struct wr_object_place places[] = { place_of(WR_PLACE_SESSION, 1),
                                            place_of(WR_PLACE_GLOBAL, 0),
                                            place_of(WR_PLACE_CONTAINER, 1),
                                            place_of(WR_PLACE_CONTAINER, 3),
                                            child_place(1),
                                            child_place(3) };
        struct wr_object_speaker speaker = full_trust(1);
        char text[WR_OBJECT_TEXT_MAX], path[WR_OBJECT_TEXT_MAX];

        for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
                wr_object_name(&places[i], &speaker, "a name", text, sizeof(text));
                wr_object_path(&places[i], "a name", path, sizeof(path));
                expect_lands(speaker, text, path);
        }
}

Test(object_name, a_name_holds_anything_but_a_backslash_and_is_not_empty)
{
        struct wr_object_place place = place_of(WR_PLACE_SESSION, 1);
        struct wr_object_speaker speaker = full_trust(1);
        char text[WR_OBJECT_TEXT_MAX];

        cr_assert(gt(sz, wr_object_path(&place, "a/b: caf\xc3\xa9 *?", text, sizeof(text)), 0));
        cr_assert(zero(sz, wr_object_path(&place, "a\\b", text, sizeof(text))));
        cr_assert(zero(sz, wr_object_path(&place, "", text, sizeof(text))));
        cr_assert(zero(sz, wr_object_name(&place, &speaker, "a\xff", text, sizeof(text))));
        cr_assert(zero(sz, wr_object_pipe_path(&place, "a\\b", text, sizeof(text))));
        expect_lands(speaker, "Global\\", "");
        expect_lands(speaker, "a\xff", "");
}

Test(object_name, a_name_has_up_to_259_characters_with_its_prefix)
{
        struct wr_object_place session = place_of(WR_PLACE_SESSION, 1), global = place_of(WR_PLACE_GLOBAL, 0);
        struct wr_object_speaker speaker = full_trust(1);
        char name[3 * 260 + 1] = "", text[WR_OBJECT_TEXT_MAX], last[3 * 260 + 8];
        const char *rest;

        for (int i = 0; i < 259; i++)
                strcat(name, "\xe2\x82\xac"); /* characters are counted, not bytes */
        cr_assert(eq(sz, wr_object_name(&session, &speaker, name, text, sizeof(text)), 3 * 259));
        cr_assert(zero(sz, wr_object_name(&global, &speaker, name, text, sizeof(text))));
        cr_assert(eq(sz, wr_object_name(&global, &speaker, name + 3 * 7, text, sizeof(text)), 7 + 3 * 252));
        cr_assert(gt(sz, wr_object_path(&session, name, text, sizeof(text)), 0));
        cr_assert(wr_object_resolve(&session, &speaker, name, &rest));
        snprintf(last, sizeof last, "Global\\%s", name);
        cr_assert(not(wr_object_resolve(&session, &speaker, last, &rest)));
        strcat(name, "x");
        cr_assert(zero(sz, wr_object_path(&session, name, text, sizeof(text))));
        cr_assert(not(wr_object_resolve(&session, &speaker, name, &rest)));
}

Test(object_name, the_longest_texts_fit_the_stated_size)
{
        struct wr_object_place place = { WR_PLACE_CONTAINER, UINT32_MAX, { 15, 12, { 2 } } };
        char name[3 * 259 + 1] = "", text[WR_OBJECT_TEXT_MAX];

        memset(place.container.words + 1, 0xff, 11 * sizeof(uint32_t));
        for (int i = 0; i < 259; i++)
                strcat(name, "\xe2\x82\xac");
        cr_assert(gt(sz, wr_object_path(&place, name, text, sizeof(text)), 0));
        cr_assert(gt(sz, wr_object_pipe_path(&place, name, text, sizeof(text)), 0));
}

Test(object_name, without_room_the_text_is_empty)
{
        struct wr_object_place place = place_of(WR_PLACE_SESSION, 1);
        const char *expected = "\\Sessions\\1\\BaseNamedObjects\\x";
        char text[WR_OBJECT_TEXT_MAX];

        for (size_t room = 1; room <= strlen(expected); room++) {
                memset(text, '#', sizeof(text));
                cr_assert(zero(sz, wr_object_path(&place, "x", text, room)));
                cr_assert(eq(str, text, ""));
                cr_assert(eq(chr, text[room], '#'));
        }
        cr_assert(eq(sz, wr_object_path(&place, "x", text, strlen(expected) + 1), strlen(expected)));
        cr_assert(zero(sz, wr_object_path(&place, "x", NULL, 0)));
}

Test(object_name, pipes_outside_of_containers_have_one_name_for_everybody)
{
        expect_pipe(place_of(WR_PLACE_SESSION, 1), full_trust(1), "\\\\.\\pipe\\x");
        expect_pipe(place_of(WR_PLACE_SESSION, 1), full_trust(2), "\\\\.\\pipe\\x");
        expect_pipe(place_of(WR_PLACE_GLOBAL, 0), package_in(1), "\\\\.\\pipe\\x");
}

Test(object_name, a_containers_pipe_is_local_to_itself_and_below_sessions_for_full_trust)
{
        struct wr_object_speaker other = { 1, sid_of("S-1-15-2-1-2-3-4-5-6-7") };

        expect_pipe(place_of(WR_PLACE_CONTAINER, 1), package_in(1), "\\\\.\\pipe\\LOCAL\\x");
        expect_pipe(place_of(WR_PLACE_CONTAINER, 1), full_trust(1), "\\\\.\\pipe\\Sessions\\1\\" DIRECTORY "\\x");
        expect_pipe(place_of(WR_PLACE_CONTAINER, 1), full_trust(2), "\\\\.\\pipe\\Sessions\\1\\" DIRECTORY "\\x");
        expect_pipe(place_of(WR_PLACE_CONTAINER, 1), package_in(2), "");
        expect_pipe(place_of(WR_PLACE_CONTAINER, 1), other, "");
}

Test(object_name, the_path_of_a_pipe_begins_with_its_device)
{
        struct wr_object_place session = place_of(WR_PLACE_SESSION, 1), container = place_of(WR_PLACE_CONTAINER, 1);
        char text[WR_OBJECT_TEXT_MAX];

        wr_object_pipe_path(&session, "x", text, sizeof(text));
        cr_assert(eq(str, text, "\\Device\\NamedPipe\\x"));
        wr_object_pipe_path(&container, "x", text, sizeof(text));
        cr_assert(eq(str, text, "\\Device\\NamedPipe\\Sessions\\1\\" DIRECTORY "\\x"));
}

Test(object_name, a_pipe_has_up_to_256_characters_in_all)
{
        struct wr_object_place place = place_of(WR_PLACE_SESSION, 1);
        struct wr_object_speaker speaker = full_trust(1);
        char name[249] = "", text[WR_OBJECT_TEXT_MAX];

        memset(name, 'x', 247);
        cr_assert(eq(sz, wr_object_pipe_name(&place, &speaker, name, text, sizeof(text)), 256));
        name[247] = 'x';
        cr_assert(zero(sz, wr_object_pipe_name(&place, &speaker, name, text, sizeof(text))));
}
