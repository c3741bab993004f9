/* What endpoint.h promises, between honest ends. What is refused: hostile/. */
#include "named-objects/endpoint.h"

#include "named-objects/kernel_linux.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char base[] = "/tmp/weir-endpoint-XXXXXX", directory[1024], path[2048], why[4096];

static void
make_directory(void)
{
        cr_assert_not_null(mkdtemp(base));
        snprintf(directory, sizeof directory, "%s/weir", base);
        snprintf(path, sizeof path, "%s/bus", directory);
        cr_assert(eq(int, wr_endpoint_directory(directory, why, sizeof why), WEIR_OK), "%s", why);
}

static void
remove_directory(void)
{
        char command[128];

        snprintf(command, sizeof command, "rm -rf '%s'", base);
        cr_assert(eq(int, system(command), 0));
}

TestSuite(endpoint, .init = make_directory, .fini = remove_directory, .timeout = 30);

static wr_object
listen_at(const char *where)
{
        wr_object listener;

        cr_assert(eq(int, wr_endpoint_listen(&listener, where, why, sizeof why), WEIR_OK), "%s", why);
        return listener;
}

static void
connect_both(wr_object listener, wr_object *client, wr_object *server)
{
        cr_assert(eq(int, wr_endpoint_connect(client, path, why, sizeof why), WEIR_OK), "%s", why);
        cr_assert(eq(int, wr_endpoint_accept(listener, server), WEIR_OK));
}

Test(endpoint, the_directory_is_made_for_its_owner_alone_and_found_again)
{
        struct stat file;

        cr_assert(eq(int, stat(directory, &file), 0));
        cr_assert(eq(int, file.st_mode & 07777, 0700));
        cr_assert(eq(int, wr_endpoint_directory(directory, NULL, 0), WEIR_OK));
        strcat(directory, "///");
        cr_assert(eq(int, wr_endpoint_directory(directory, why, sizeof why), WEIR_OK));
}

Test(endpoint, a_message_arrives_whole_in_both_directions)
{
        wr_object listener = listen_at(path), client, server;
        char bytes[64];
        size_t size, none = 0;

        connect_both(listener, &client, &server);
        cr_assert(eq(int, wr_endpoint_receive(server, bytes, sizeof bytes, &size, NULL, &none), WEIR_EMPTY));
        cr_assert(eq(int, wr_endpoint_send(client, "hello", 5, NULL, 0), WEIR_OK));
        cr_assert(eq(int, wr_endpoint_send(client, "you", 3, NULL, 0), WEIR_OK));
        cr_assert(eq(int, wr_endpoint_receive(server, bytes, sizeof bytes, &size, NULL, &none), WEIR_OK));
        cr_assert(eq(sz, size, 5));
        cr_assert(eq(int, memcmp(bytes, "hello", 5), 0));
        cr_assert(eq(int, wr_endpoint_receive(server, bytes, sizeof bytes, &size, NULL, NULL), WEIR_OK));
        cr_assert(eq(sz, size, 3));
        cr_assert(eq(int, wr_endpoint_send(server, "welcome", 7, NULL, 0), WEIR_OK));
        cr_assert(eq(int, wr_endpoint_receive(client, bytes, sizeof bytes, &size, NULL, NULL), WEIR_OK));
        cr_assert(eq(sz, size, 7));
}

Test(endpoint, objects_go_from_the_broker_to_the_client_and_stay_the_brokers_too)
{
        wr_object listener = listen_at(path), client, server, sent[2], came[3];
        size_t size, count = 3;
        char bytes[8];

        connect_both(listener, &client, &server);
        cr_assert(eq(int, wr_region_create(&sent[0], "one", 4096), WEIR_OK));
        cr_assert(eq(int, wr_region_create(&sent[1], "two", 8192), WEIR_OK));
        cr_assert(eq(int, wr_endpoint_send(server, "grant", 5, sent, 2), WEIR_OK));
        cr_assert(eq(int, wr_endpoint_receive(client, bytes, sizeof bytes, &size, came, &count), WEIR_OK));
        cr_assert(eq(sz, count, 2));
        cr_assert(eq(int, wr_region_check(came[0], 4096, false), WEIR_OK));
        cr_assert(eq(int, wr_region_check(came[1], 8192, false), WEIR_OK));
        cr_assert(ne(int, fcntl(came[0], F_GETFD) & FD_CLOEXEC, 0));
        cr_assert(eq(int, wr_region_check(sent[0], 4096, false), WEIR_OK));
}

Test(endpoint, nobody_there_is_said_in_a_sentence)
{
        wr_object client, listener;

        cr_assert(eq(int, wr_endpoint_connect(&client, path, why, sizeof why), WEIR_E_NO_BROKER));
        cr_assert(eq(int, client, WR_NO_OBJECT));
        cr_assert_not_null(strstr(why, path));
        /* A socket whose listener has gone is as good as none. */
        listener = listen_at(path);
        wr_object_close(listener);
        cr_assert(eq(int, wr_endpoint_connect(&client, path, why, sizeof why), WEIR_E_NO_BROKER));
        cr_assert(eq(int, wr_endpoint_connect(&client, "/tmp/weir-no-such-directory/bus", why, sizeof why),
                     WEIR_E_NO_BROKER));
        cr_assert(eq(int, wr_endpoint_connect(&client, "/tmp/", why, sizeof why), WEIR_E_USAGE));
}

Test(endpoint, an_old_socket_is_replaced_and_who_was_deposed_finds_out)
{
        wr_object first = listen_at(path), second, client, server;

        cr_assert(wr_endpoint_owns(first, path));
        second = listen_at(path);
        cr_assert(not(wr_endpoint_owns(first, path)));
        cr_assert(wr_endpoint_owns(second, path));
        connect_both(second, &client, &server);
        cr_assert(eq(int, wr_endpoint_accept(first, &server), WEIR_EMPTY));
        wr_endpoint_unlisten(first, path); /* not its own any more, so it stays */
        cr_assert(wr_endpoint_owns(second, path));
        wr_endpoint_unlisten(second, path);
        cr_assert(eq(int, access(path, F_OK), -1));
        wr_endpoint_unlisten(WR_NO_OBJECT, path);
}

Test(endpoint, a_listener_in_use_is_still_known_after_many_others)
{
        wr_object main_one = listen_at(path), other;
        char where[2048];

        for (int i = 0; i < 200; i++) {
                snprintf(where, sizeof where, "%s/package-%d", directory, i);
                other = listen_at(where);
                cr_assert(wr_endpoint_owns(main_one, path));
                wr_endpoint_unlisten(other, where);
        }
        cr_assert(not(wr_endpoint_owns(WR_NO_OBJECT, path)));
}

Test(endpoint, no_temporary_name_is_left_behind)
{
        wr_object listener = listen_at(path);
        char command[2048];

        wr_endpoint_unlisten(listener, path);
        snprintf(command, sizeof command, "test -z \"$(ls -A '%s')\"", directory);
        cr_assert(eq(int, system(command), 0));
}

Test(endpoint, hanging_up_is_seen_on_both_sides)
{
        wr_object listener = listen_at(path), client, server;
        char bytes[8];
        size_t size;

        connect_both(listener, &client, &server);
        wr_object_close(client);
        cr_assert(eq(int, wr_endpoint_receive(server, bytes, sizeof bytes, &size, NULL, NULL), WEIR_E_CLOSED));
        cr_assert(eq(int, wr_endpoint_send(server, "x", 1, NULL, 0), WEIR_E_CLOSED)); /* and no SIGPIPE */
        wr_object_close(server);
        connect_both(listener, &client, &server);
        cr_assert(eq(int, wr_endpoint_send(client, "unread", 6, NULL, 0), WEIR_OK));
        wr_object_close(server); /* with a message unread the kernel says reset */
        cr_assert(eq(int, wr_endpoint_receive(client, bytes, sizeof bytes, &size, NULL, NULL), WEIR_E_CLOSED));
}

Test(endpoint, the_last_words_of_a_peer_are_read_also_when_it_left_ours_unread)
{
        wr_object listener = listen_at(path), client, server;
        char word[8];
        size_t size;

        connect_both(listener, &client, &server);
        cr_assert(eq(int, wr_endpoint_send(client, "hello", 5, NULL, 0), WEIR_OK));
        cr_assert(eq(int, wr_endpoint_send(server, "no", 2, NULL, 0), WEIR_OK));
        wr_object_close(server);
        cr_assert(eq(int, wr_endpoint_receive(client, word, sizeof word, &size, NULL, NULL), WEIR_OK));
        cr_assert(eq(sz, size, 2));
        cr_assert(eq(int, wr_endpoint_receive(client, word, sizeof word, &size, NULL, NULL), WEIR_E_CLOSED));
        wr_object_close(client);
        wr_endpoint_unlisten(listener, path);
}

Test(endpoint, a_peer_that_does_not_read_makes_full_and_later_room_again)
{
        wr_object listener = listen_at(path), client, server;
        enum weir_result result = WEIR_OK;
        char bytes[1024] = { 1 };
        size_t size;

        connect_both(listener, &client, &server);
        for (int i = 0; i < 100000 && result == WEIR_OK; i++)
                result = wr_endpoint_send(client, bytes, sizeof bytes, NULL, 0);
        cr_assert(eq(int, result, WEIR_FULL));
        while (wr_endpoint_receive(server, bytes, sizeof bytes, &size, NULL, NULL) == WEIR_OK)
                ;
        cr_assert(eq(int, wr_endpoint_send(client, bytes, sizeof bytes, NULL, 0), WEIR_OK));
}

Test(endpoint, what_cannot_be_sent_is_refused_before)
{
        wr_object listener = listen_at(path), client, server, objects[17] = { 0 };
        static char huge[8 << 20];
        size_t size, count = 17;

        connect_both(listener, &client, &server);
        cr_assert(eq(int, wr_endpoint_send(client, huge, sizeof huge, NULL, 0), WEIR_E_TOO_LARGE));
        cr_assert(eq(int, wr_endpoint_send(client, huge, 0, NULL, 0), WEIR_E_USAGE));
        cr_assert(eq(int, wr_endpoint_send(server, huge, 1, objects, 17), WEIR_E_USAGE));
        cr_assert(eq(int, wr_endpoint_receive(client, huge, 1, &size, objects, &count), WEIR_E_USAGE));
}

Test(endpoint, a_broker_that_accepts_nobody_does_not_hold_the_client_up)
{
        wr_object listener = listen_at(path), client;
        enum weir_result result = WEIR_OK;

        for (int i = 0; i < 1000 && result == WEIR_OK; i++)
                result = wr_endpoint_connect(&client, path, why, sizeof why);
        cr_assert(eq(int, result, WEIR_E_NO_BROKER));
        cr_assert_not_null(strstr(why, "accepts nobody"));
        wr_object_close(listener);
}

Test(endpoint, every_socket_closes_on_exec_and_never_blocks)
{
        wr_object listener = listen_at(path), client, server;
        wr_object all[3];

        connect_both(listener, &client, &server);
        memcpy(all, (wr_object[]){ listener, client, server }, sizeof all);
        for (int i = 0; i < 3; i++) {
                cr_assert(ne(int, fcntl(all[i], F_GETFD) & FD_CLOEXEC, 0));
                cr_assert(ne(int, fcntl(all[i], F_GETFL) & O_NONBLOCK, 0));
        }
        cr_assert(eq(int, wr_endpoint_accept(listener, &server), WEIR_EMPTY));
        cr_assert(eq(int, server, WR_NO_OBJECT));
}

Test(endpoint, a_path_longer_than_an_address_can_be_used)
{
        wr_object listener, client;
        size_t length = strlen(directory);

        while (length < 300) {
                length += (size_t)snprintf(directory + length, sizeof directory - length, "/%040d", 0);
                cr_assert(eq(int, wr_endpoint_directory(directory, why, sizeof why), WEIR_OK), "%s", why);
        }
        snprintf(path, sizeof path, "%.*s/bus", 400, directory);
        listener = listen_at(path);
        cr_assert(eq(int, wr_endpoint_connect(&client, path, why, sizeof why), WEIR_OK), "%s", why);
        cr_assert(wr_endpoint_owns(listener, path));
        /* The name itself has a limit, which is told. */
        snprintf(path, sizeof path, "%.*s/%0120d", 400, directory, 0);
        cr_assert(eq(int, wr_endpoint_listen(&listener, path, why, sizeof why), WEIR_E_DENIED));
        cr_assert(eq(int, wr_endpoint_connect(&client, path, why, sizeof why), WEIR_E_USAGE));
}

static void *
use_own_table(void *argument)
{
        wr_object listener, client, server;
        bool *worked = argument;

        if (unshare(CLONE_FILES) != 0)
                return NULL;
        listener = listen_at(path);
        connect_both(listener, &client, &server);
        *worked = wr_endpoint_owns(listener, path);
        return NULL;
}

Test(endpoint, a_thread_with_its_own_descriptor_table_listens_and_connects)
{
        bool worked = false;
        pthread_t thread;

        cr_assert(eq(int, pthread_create(&thread, NULL, use_own_table, &worked), 0));
        pthread_join(thread, NULL);
        cr_assert(worked);
}

Test(endpoint, without_descriptors_left_it_says_quota)
{
        wr_object listener = listen_at(path), client, other = WR_NO_OBJECT;
        struct rlimit limit = { 0 };

        cr_assert(eq(int, wr_endpoint_connect(&client, path, why, sizeof why), WEIR_OK));
        cr_assert(eq(int, getrlimit(RLIMIT_NOFILE, &limit), 0));
        limit.rlim_cur = (rlim_t)client + 1; /* all numbers below are taken, or closing them is no matter */
        for (int fd = 0; fd < client; fd++) {
                if (fcntl(fd, F_GETFD) < 0)
                        dup2(listener, fd);
        }
        cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &limit), 0));
        cr_assert(eq(int, wr_endpoint_accept(listener, &other), WEIR_E_QUOTA));
        cr_assert(eq(int, other, WR_NO_OBJECT));
        cr_assert(eq(int, wr_endpoint_connect(&other, path, why, sizeof why), WEIR_E_QUOTA));
        limit.rlim_cur = (rlim_t)client + 2;
        cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &limit), 0));
        cr_assert(eq(int, wr_endpoint_connect(&other, path, why, sizeof why), WEIR_E_QUOTA));
        cr_assert_not_null(strstr(why, "open files"), "%s", why);
        limit.rlim_cur = (rlim_t)client + 16;
        cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &limit), 0));
        cr_assert(eq(int, wr_endpoint_accept(listener, &other), WEIR_OK)); /* it waited for us */
}
