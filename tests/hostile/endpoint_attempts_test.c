/* Places that are not ours, servers that are somebody else, and messages with what nobody asked for. Who and what that
 * is, is the system's: endpoint_attempts_linux.h, endpoint_attempts_win32.h. */
#include "tests/contract/actor.h"
#include "tests/contract/endpoint_kit.h"
#include "tests/contract/folder.h"

#ifdef _WIN32
#        include "tests/hostile/endpoint_attempts_win32.h"
#else
#        include "tests/hostile/endpoint_attempts_linux.h"
#endif

TestSuite(endpoint_attempts, .init = kit_begin, .fini = kit_end, .timeout = 60);

static void
expect_refused_directory(const char *at, const char *word)
{
        why[0] = '\0';
        cr_assert(eq(int, wr_endpoint_directory(at, why, sizeof why), WEIR_E_DENIED), "%s", why);
        cr_assert_not_null(strstr(why, word), "'%s' says '%s'", why, word);
        cr_assert_not_null(strstr(why, at));
}

Test(endpoint_attempts, a_link_or_a_file_is_no_directory)
{
        char folder[FOLDER_PATH_MAX], real[FOLDER_PATH_MAX + 16], at[FOLDER_PATH_MAX + 16];

        folder_make(folder);
        snprintf(real, sizeof real, "%s/real", folder);
        snprintf(at, sizeof at, "%s/weir", folder);
        cr_assert(folder_create(real));
        if (link_make(at, real)) {
                expect_refused_directory(at, "symbolic link");
                strcat(at, "/"); /* a slash at the end would make the kernel follow it */
                cr_assert(eq(int, wr_endpoint_directory(at, why, sizeof why), WEIR_E_DENIED));
                at[strlen(at) - 1] = '\0';
                link_remove(at);
        }
        file_put(at, "");
        expect_refused_directory(at, "a file");
        remove(at);
        cr_assert(eq(int, wr_endpoint_directory(at, why, sizeof why), WEIR_OK), "%s", why);
        folder_remove(folder);
}

Test(endpoint_attempts, a_directory_without_a_parent_cannot_be_made)
{
        char folder[FOLDER_PATH_MAX], at[FOLDER_PATH_MAX + 16];

        folder_make(folder);
        snprintf(at, sizeof at, "%s/weir/a/b", folder);
        cr_assert(lt(int, wr_endpoint_directory(at, why, sizeof why), 0));
        cr_assert_not_null(strstr(why, at), "%s", why);
        cr_assert(lt(int, wr_endpoint_directory("", why, sizeof why), 0));
        folder_remove(folder);
}

Test(endpoint_attempts, what_somebody_else_has_is_not_replaced)
{
        wr_object listener;

        places_take();
        cr_assert(eq(int, wr_endpoint_listen(&listener, path, why, sizeof why), WEIR_E_DENIED));
        cr_assert_not_null(strstr(why, PLACES_TOLD), "%s", why);
        cr_assert(listener == WR_NO_OBJECT);
        cr_assert(places_are_taken());
}

Test(endpoint_attempts, a_server_of_another_kind_is_no_broker)
{
        wr_object connection;

        stream_serve();
        cr_assert(eq(int, wr_endpoint_connect(&connection, path, why, sizeof why), STREAM_IS), "%s", why);
        cr_assert_not_null(strstr(why, "no weir broker"), "%s", why);
        cr_assert(connection == WR_NO_OBJECT);
}

Test(endpoint_attempts, a_squatter_is_not_believed)
{
        wr_object connection;

        squatter_begin();
        cr_assert(eq(int, wr_endpoint_connect(&connection, path, why, sizeof why), WEIR_E_DENIED));
        cr_assert_not_null(strstr(why, SQUATTER_TOLD), "%s", why);
        cr_assert(connection == WR_NO_OBJECT);
        squatter_end();
}

Test(endpoint_attempts, the_broker_of_another_user_is_believed_where_nobody_could_squat)
{
        wr_object connection;

        neighbour_begin();
        cr_assert(eq(int, wr_endpoint_connect(&connection, path, why, sizeof why), WEIR_OK), "%s", why);
        wr_object_close(connection);
        squatter_end();
}

/* ---- objects that nobody asked for ----------------------------------------------------------------------------- */

static enum weir_result
receive(wr_object connection, size_t expected, size_t room)
{
        wr_object objects[16];
        size_t size, count = expected;
        char bytes[64];

        return kit_receive(connection, bytes, room, &size, objects, expected != 0 ? &count : NULL);
}

static void
regions_make(wr_object regions[4])
{
        for (int i = 0; i < 4; i++)
                cr_assert(eq(int, wr_region_create(&regions[i], "one", 4096), WEIR_OK));
}

Test(endpoint_attempts, objects_never_arrive_at_the_broker)
{
        wr_object listener = kit_listen(path), client, server, regions[4];
        enum weir_result expected;
        uint32_t before;
        size_t size;
        char bytes[64];

        kit_connect(listener, path, &client, &server);
        regions_make(regions);
        before = actor_objects_now();
        expected = say_with_objects(listener, client);
        if (expected == WEIR_EMPTY) /* the kernel let nothing come */
                cr_assert(eq(int, wr_endpoint_receive(server, bytes, sizeof bytes, &size, NULL, NULL), WEIR_EMPTY));
        else
                cr_assert(eq(int, kit_receive(server, bytes, sizeof bytes, &size, NULL, NULL), expected));
        cr_assert(eq(u32, actor_objects_now(), before));
        if (expected != WEIR_E_CORRUPT)
                cr_assert(eq(int, wr_endpoint_send(server, "x", 1, regions, 4), WEIR_OK)); /* the other way they go */
}

Test(endpoint_attempts, more_objects_than_wanted_spoil_the_message_and_none_stays)
{
        wr_object listener = kit_listen(path), client, server, regions[4];
        uint32_t before;

        regions_make(regions);
        for (size_t wanted = 1; wanted < 4; wanted++) {
                kit_connect(listener, path, &client, &server);
                before = actor_objects_now();
                cr_assert(eq(int, wr_endpoint_send(server, "grant", 5, regions, wanted + 1), WEIR_OK));
                cr_assert(eq(int, receive(client, wanted, 64), WEIR_E_CORRUPT));
                cr_assert(eq(u32, actor_objects_now(), before));
                wr_object_close(client);
                wr_object_close(server);
        }
        kit_connect(listener, path, &client, &server);
        before = actor_objects_now();
        cr_assert(eq(int, wr_endpoint_send(server, "grant", 5, regions, 2), WEIR_OK));
        cr_assert(eq(int, receive(client, 2, 64), WEIR_OK));
        cr_assert(eq(u32, actor_objects_now(), before + 2));
}

Test(endpoint_attempts, a_message_longer_than_the_room_is_corrupt_and_its_objects_are_closed)
{
        wr_object listener = kit_listen(path), client, server, regions[4];
        uint32_t before;

        regions_make(regions);
        kit_connect(listener, path, &client, &server);
        before = actor_objects_now();
        cr_assert(eq(int, wr_endpoint_send(server, "too long", 8, regions, 2), WEIR_OK));
        cr_assert(eq(int, receive(client, 2, 7), WEIR_E_CORRUPT));
        cr_assert(eq(u32, actor_objects_now(), before));
}

Test(endpoint_attempts, an_empty_message_is_the_end_or_corrupt_and_never_a_message)
{
        wr_object listener = kit_listen(path), client, server;
        enum weir_result expected;

        kit_connect(listener, path, &client, &server);
        expected = say_nothing(client);
        cr_assert(eq(int, receive(server, 0, 64), expected));
}
