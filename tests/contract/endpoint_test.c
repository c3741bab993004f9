/* What endpoint.h promises, between honest ends, on both systems. What is refused: hostile/. */
#include "tests/contract/endpoint_kit.h"

TestSuite(endpoint, .init = kit_begin, .fini = kit_end, .timeout = 30);

Test(endpoint, a_message_arrives_whole_in_both_directions)
{
        wr_object listener = kit_listen(path), client, server;
        char bytes[64];
        size_t size, none = 0;

        kit_connect(listener, path, &client, &server);
        cr_assert(eq(int, wr_endpoint_receive(server, bytes, sizeof bytes, &size, NULL, &none), WEIR_EMPTY));
        cr_assert(eq(int, wr_endpoint_send(client, "hello", 5, NULL, 0), WEIR_OK));
        cr_assert(eq(int, kit_receive(server, bytes, sizeof bytes, &size, NULL, &none), WEIR_OK));
        cr_assert(eq(sz, size, 5));
        cr_assert(eq(int, memcmp(bytes, "hello", 5), 0));
        cr_assert(eq(int, wr_endpoint_send(client, "you", 3, NULL, 0), WEIR_OK));
        cr_assert(eq(int, kit_receive(server, bytes, sizeof bytes, &size, NULL, NULL), WEIR_OK));
        cr_assert(eq(sz, size, 3));
        cr_assert(eq(int, wr_endpoint_send(server, "welcome", 7, NULL, 0), WEIR_OK));
        cr_assert(eq(int, kit_receive(client, bytes, sizeof bytes, &size, NULL, NULL), WEIR_OK));
        cr_assert(eq(sz, size, 7));
        cr_assert(eq(int, memcmp(bytes, "welcome", 7), 0));
}

Test(endpoint, the_largest_of_datagrams_is_not_too_large)
{
        static char sent[WR_ENDPOINT_BYTES_MAX], came[WR_ENDPOINT_BYTES_MAX];
        wr_object listener = kit_listen(path), client, server;
        size_t size;

        for (size_t i = 0; i < sizeof sent; i++)
                sent[i] = (char)(i * 7);
        kit_connect(listener, path, &client, &server);
        cr_assert(eq(int, wr_endpoint_send(client, sent, sizeof sent, NULL, 0), WEIR_OK));
        cr_assert(eq(int, kit_receive(server, came, sizeof came, &size, NULL, NULL), WEIR_OK));
        cr_assert(eq(sz, size, sizeof sent));
        cr_assert(eq(int, memcmp(came, sent, sizeof sent), 0));
        memset(came, 0, sizeof came);
        cr_assert(eq(int, wr_endpoint_send(server, sent, sizeof sent, NULL, 0), WEIR_OK));
        cr_assert(eq(int, kit_receive(client, came, sizeof came, &size, NULL, NULL), WEIR_OK));
        cr_assert(eq(sz, size, sizeof sent));
        cr_assert(eq(int, memcmp(came, sent, sizeof sent), 0));
}

Test(endpoint, what_does_not_fit_into_the_room_is_no_message)
{
        wr_object listener = kit_listen(path), client, server;
        char bytes[8];
        size_t size;

        kit_connect(listener, path, &client, &server);
        cr_assert(eq(int, wr_endpoint_send(server, "too long", 8, NULL, 0), WEIR_OK));
        cr_assert(eq(int, kit_receive(client, bytes, 7, &size, NULL, NULL), WEIR_E_CORRUPT));
        cr_assert(eq(sz, size, 0));
}

Test(endpoint, objects_go_from_the_broker_to_the_client_and_stay_the_brokers_too)
{
        wr_object listener = kit_listen(path), client, server, sent[2], came[3];
        size_t size, count = 3;
        char bytes[8];
        void *view;

        kit_connect(listener, path, &client, &server);
        cr_assert(eq(int, wr_region_create(&sent[0], "one", 4096), WEIR_OK));
        cr_assert(eq(int, wr_region_create(&sent[1], "two", 8192), WEIR_OK));
        cr_assert(eq(int, wr_region_allocate(sent[0], 4096), WEIR_OK));
        cr_assert(eq(int, wr_endpoint_send(server, "grant", 5, sent, 2), WEIR_OK));
        cr_assert(eq(int, kit_receive(client, bytes, sizeof bytes, &size, came, &count), WEIR_OK));
        cr_assert(eq(sz, size, 5));
        cr_assert(eq(sz, count, 2));
        cr_assert(eq(int, wr_region_check(came[0], 4096, false), WEIR_OK));
        cr_assert(eq(int, wr_region_check(came[1], 8192, false), WEIR_OK));
        cr_assert(eq(int, wr_region_check(sent[0], 4096, false), WEIR_OK));
        /* It is the same memory. */
        cr_assert(eq(int, wr_region_map(sent[0], 4096, true, &view), WEIR_OK));
        strcpy(view, "seen from both");
        cr_assert(eq(int, wr_region_map(came[0], 4096, false, &view), WEIR_OK));
        cr_assert(eq(str, (char *)view, "seen from both"));
}

Test(endpoint, objects_that_nobody_expects_are_not_taken)
{
        wr_object listener = kit_listen(path), client, server, sent, came[1];
        size_t size, count = 0;
        char bytes[8];

        kit_connect(listener, path, &client, &server);
        cr_assert(eq(int, wr_region_create(&sent, "one", 4096), WEIR_OK));
        cr_assert(eq(int, wr_endpoint_send(server, "grant", 5, &sent, 1), WEIR_OK));
        cr_assert(eq(int, kit_receive(client, bytes, sizeof bytes, &size, came, &count), WEIR_E_CORRUPT));
        cr_assert(eq(sz, count, 0));
}

Test(endpoint, nobody_there_is_said_in_a_sentence)
{
        wr_object client, listener;

        cr_assert(eq(int, wr_endpoint_connect(&client, path, why, sizeof why), WEIR_E_NO_BROKER));
        cr_assert(client == WR_NO_OBJECT);
        cr_assert_not_null(strstr(why, path));
        /* One whose listener has gone is as good as none. */
        listener = kit_listen(path);
        wr_object_close(listener);
        cr_assert(eq(int, wr_endpoint_connect(&client, path, why, sizeof why), WEIR_E_NO_BROKER));
        cr_assert(eq(int, wr_endpoint_connect(&client, "", why, sizeof why), WEIR_E_USAGE));
}

Test(endpoint, what_is_no_address_is_refused_before_anything_is_made)
{
        wr_object listener;

        cr_assert(eq(int, wr_endpoint_place("bus", why, sizeof why), WEIR_E_USAGE));
        cr_assert_not_null(strstr(why, "'bus'"));
        cr_assert(eq(int, wr_endpoint_place("/", why, sizeof why), WEIR_E_USAGE));
        cr_assert(eq(int, wr_endpoint_place(path, why, sizeof why), WEIR_OK), "%s", why);
        listener = kit_listen(path);
        cr_assert(wr_endpoint_owns(listener, path));
}

Test(endpoint, the_lock_has_a_file_of_its_own_for_every_generation)
{
        char first[2048], third[2048];

        cr_assert(eq(int, wr_endpoint_place(path, why, sizeof why), WEIR_OK), "%s", why);
        cr_assert(eq(int, wr_endpoint_lock_path(path, 0, first, sizeof first, why, sizeof why), WEIR_OK), "%s", why);
        cr_assert(eq(int, wr_endpoint_lock_path(path, 3, third, sizeof third, why, sizeof why), WEIR_OK), "%s", why);
        cr_assert(eq(str, first + strlen(first) - 5, ".lock"));
        cr_assert(eq(int, strncmp(first, third, strlen(first)), 0));
        cr_assert(eq(str, third + strlen(first), ".3"));
        cr_assert(eq(int, wr_endpoint_lock_path(path, 0, first, 8, why, sizeof why), WEIR_E_TOO_LARGE));
}

Test(endpoint, who_listens_later_is_found_and_who_was_deposed_finds_out)
{
        wr_object first = kit_listen(path), second, client, server;

        cr_assert(wr_endpoint_owns(first, path));
        second = kit_listen(path);
        cr_assert(not(wr_endpoint_owns(first, path)));
        cr_assert(wr_endpoint_owns(second, path));
        kit_connect(second, path, &client, &server);
        cr_assert(eq(int, wr_endpoint_accept(first, &server), WEIR_EMPTY));
        wr_endpoint_unlisten(first, path); /* not its own any more: the other one is still there */
        cr_assert(wr_endpoint_owns(second, path));
        kit_connect(second, path, &client, &server);
        wr_endpoint_unlisten(second, path);
        cr_assert(eq(int, wr_endpoint_connect(&client, path, why, sizeof why), WEIR_E_NO_BROKER));
        wr_endpoint_unlisten(WR_NO_OBJECT, path);
}

Test(endpoint, a_listener_in_use_is_still_known_after_many_others)
{
        wr_object main_one = kit_listen(path), other;
        char where[2048 + 32];

        for (int i = 0; i < 100; i++) {
                snprintf(where, sizeof where, "%s-package-%d", path, i);
                other = kit_listen(where);
                cr_assert(wr_endpoint_owns(main_one, path));
                wr_endpoint_unlisten(other, where);
        }
        cr_assert(not(wr_endpoint_owns(WR_NO_OBJECT, path)));
}

Test(endpoint, hanging_up_is_seen_on_both_sides)
{
        wr_object listener = kit_listen(path), client, server;
        char bytes[8];
        size_t size;

        kit_connect(listener, path, &client, &server);
        wr_object_close(client);
        cr_assert(eq(int, kit_receive(server, bytes, sizeof bytes, &size, NULL, NULL), WEIR_E_CLOSED));
        cr_assert(eq(int, wr_endpoint_send(server, "x", 1, NULL, 0), WEIR_E_CLOSED)); /* and no SIGPIPE */
        wr_object_close(server);
        kit_connect(listener, path, &client, &server);
        cr_assert(eq(int, wr_endpoint_send(client, "unread", 6, NULL, 0), WEIR_OK));
        wr_object_close(server); /* with a message unread the kernel says reset */
        cr_assert(eq(int, kit_receive(client, bytes, sizeof bytes, &size, NULL, NULL), WEIR_E_CLOSED));
        cr_assert(eq(int, kit_receive(client, bytes, sizeof bytes, &size, NULL, NULL), WEIR_E_CLOSED));
}

Test(endpoint, a_watch_sees_words_and_the_end)
{
        wr_object listener = kit_listen(path), client, server;
        struct wr_watch watch = { .read = true, .write = true };
        char bytes[8];
        size_t size;

        kit_connect(listener, path, &client, &server);
        watch.object = server;
        wr_watch_wait(&watch, 1, 0);
        cr_assert(watch.writable && !watch.readable && !watch.hung_up);
        watch.write = false;
        cr_assert(eq(int, wr_endpoint_send(client, "word", 4, NULL, 0), WEIR_OK));
        wr_watch_wait(&watch, 1, INT64_MAX);
        cr_assert(watch.readable && !watch.hung_up);
        cr_assert(eq(int, kit_receive(server, bytes, sizeof bytes, &size, NULL, NULL), WEIR_OK));
        wr_watch_wait(&watch, 1, 0);
        cr_assert(not(watch.readable));
        wr_object_close(client);
        wr_watch_wait(&watch, 1, INT64_MAX);
        cr_assert(watch.hung_up);
}

Test(endpoint, the_last_words_of_a_peer_are_read_also_when_it_left_ours_unread)
{
        wr_object listener = kit_listen(path), client, server;
        char word[8];
        size_t size;

        kit_connect(listener, path, &client, &server);
        cr_assert(eq(int, wr_endpoint_send(client, "hello", 5, NULL, 0), WEIR_OK));
        cr_assert(eq(int, wr_endpoint_send(server, "no", 2, NULL, 0), WEIR_OK));
        wr_object_close(server);
        cr_assert(eq(int, kit_receive(client, word, sizeof word, &size, NULL, NULL), WEIR_OK));
        cr_assert(eq(sz, size, 2));
        cr_assert(eq(int, kit_receive(client, word, sizeof word, &size, NULL, NULL), WEIR_E_CLOSED));
        wr_object_close(client);
        wr_endpoint_unlisten(listener, path);
}

Test(endpoint, a_peer_that_does_not_read_makes_full_and_later_room_again)
{
        wr_object listener = kit_listen(path), client, server;
        struct wr_watch room = { .write = true };
        enum weir_result result = WEIR_OK;
        char bytes[1024] = { 1 };
        size_t size;
        int sent = 0;

        kit_connect(listener, path, &client, &server);
        for (; sent < 100000 && result == WEIR_OK; sent++)
                result = wr_endpoint_send(client, bytes, sizeof bytes, NULL, 0);
        cr_assert(eq(int, result, WEIR_FULL));
        for (int i = 0; i < sent - 1; i++)
                cr_assert(eq(int, kit_receive(server, bytes, sizeof bytes, &size, NULL, NULL), WEIR_OK));
        room.object = client;
        wr_watch_wait(&room, 1, INT64_MAX);
        cr_assert(room.writable);
        cr_assert(eq(int, wr_endpoint_send(client, bytes, sizeof bytes, NULL, 0), WEIR_OK));
        cr_assert(eq(int, kit_receive(server, bytes, sizeof bytes, &size, NULL, NULL), WEIR_OK));
        cr_assert(eq(int, wr_endpoint_receive(server, bytes, sizeof bytes, &size, NULL, NULL), WEIR_EMPTY));
}

Test(endpoint, what_cannot_be_sent_is_refused_before)
{
        wr_object listener = kit_listen(path), client, server, objects[17] = { 0 };
        static char huge[8 << 20];
        size_t size, count = 17;

        kit_connect(listener, path, &client, &server);
        cr_assert(eq(int, wr_endpoint_send(client, huge, sizeof huge, NULL, 0), WEIR_E_TOO_LARGE));
        cr_assert(eq(int, wr_endpoint_send(client, huge, 0, NULL, 0), WEIR_E_USAGE));
        cr_assert(eq(int, wr_endpoint_send(server, huge, 1, objects, 17), WEIR_E_USAGE));
        cr_assert(eq(int, wr_endpoint_receive(client, huge, 1, &size, objects, &count), WEIR_E_USAGE));
}

Test(endpoint, a_broker_that_accepts_nobody_does_not_hold_the_client_up)
{
        wr_object listener = kit_listen(path), client;
        enum weir_result result = WEIR_OK;

        for (int i = 0; i < 1000 && result == WEIR_OK; i++)
                result = wr_endpoint_connect(&client, path, why, sizeof why);
        cr_assert(eq(int, result, WEIR_E_NO_BROKER));
        cr_assert_not_null(strstr(why, "accepts nobody"));
        wr_object_close(listener);
}

Test(endpoint, there_may_be_nobody_to_accept)
{
        wr_object listener = kit_listen(path), server;

        cr_assert(eq(int, wr_endpoint_accept(listener, &server), WEIR_EMPTY));
        cr_assert(server == WR_NO_OBJECT);
        cr_assert(eq(int, wr_endpoint_admit(listener, NULL, 0), WEIR_OK));
        cr_assert(eq(int, wr_endpoint_accept(listener, &server), WEIR_EMPTY));
}

Test(endpoint, those_who_come_first_are_accepted_first)
{
        wr_object listener = kit_listen(path), clients[4], server;
        char word, expected = 'a';
        size_t size;

        for (size_t i = 0; i < 4; i++, expected++) {
                cr_assert(eq(int, wr_endpoint_connect(&clients[i], path, why, sizeof why), WEIR_OK), "%s", why);
                cr_assert(eq(int, wr_endpoint_send(clients[i], &expected, 1, NULL, 0), WEIR_OK));
                server = kit_accept(listener);
                cr_assert(eq(int, kit_receive(server, &word, 1, &size, NULL, NULL), WEIR_OK));
                cr_assert(eq(chr, word, expected));
                wr_object_close(server);
        }
}
