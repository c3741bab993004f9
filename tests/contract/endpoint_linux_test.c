/* What the Linux endpoint promises beyond the other: sockets, directories, descriptors. */
#include "named-objects/kernel_linux.h"
#include "tests/contract/endpoint_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

TestSuite(endpoint_linux, .init = kit_begin, .fini = kit_end, .timeout = 30);

Test(endpoint_linux, the_directory_is_made_for_its_owner_alone_and_found_again)
{
        struct stat file;

        cr_assert(eq(int, stat(directory, &file), 0));
        cr_assert(eq(int, file.st_mode & 07777, 0700));
        cr_assert(eq(int, wr_endpoint_directory(directory, NULL, 0), WEIR_OK));
        strcat(directory, "///");
        cr_assert(eq(int, wr_endpoint_directory(directory, why, sizeof why), WEIR_OK));
}

Test(endpoint_linux, a_received_descriptor_closes_on_exec)
{
        wr_object listener = kit_listen(path), client, server, sent, came;
        size_t size, count = 1;
        char bytes[8];

        kit_connect(listener, path, &client, &server);
        cr_assert(eq(int, wr_region_create(&sent, "one", 4096), WEIR_OK));
        cr_assert(eq(int, wr_endpoint_send(server, "grant", 5, &sent, 1), WEIR_OK));
        cr_assert(eq(int, wr_endpoint_receive(client, bytes, sizeof bytes, &size, &came, &count), WEIR_OK));
        cr_assert(eq(sz, count, 1));
        cr_assert(ne(int, fcntl(came, F_GETFD) & FD_CLOEXEC, 0));
}

Test(endpoint_linux, a_socket_is_removed_by_its_own_listener_only)
{
        wr_object first = kit_listen(path), second = kit_listen(path);

        wr_endpoint_unlisten(first, path); /* not its own any more, so it stays */
        cr_assert(eq(int, access(path, F_OK), 0));
        wr_endpoint_unlisten(second, path);
        cr_assert(eq(int, access(path, F_OK), -1));
}

Test(endpoint_linux, no_temporary_name_is_left_behind)
{
        wr_object listener = kit_listen(path);
        char command[2048];

        wr_endpoint_unlisten(listener, path);
        snprintf(command, sizeof command, "test -z \"$(ls -A '%s')\"", directory);
        cr_assert(eq(int, system(command), 0));
}

static wr_object late_speaker = WR_NO_OBJECT;

/*
 * In place of the C library's. What Linux does with a queue that it has just found empty (unix_seqpacket_recvmsg, seen
 * 21 times in 300 000): it looks whether the peer hung up, and that is when the peer's last word and its end come.
 */
ssize_t
recvmsg(int socket, struct msghdr *message, int flags)
{
        ssize_t got = syscall(SYS_recvmsg, socket, message, flags);

        if (got >= 0 || errno != EAGAIN || late_speaker == WR_NO_OBJECT)
                return got;
        cr_assert(eq(int, wr_endpoint_send(late_speaker, "word", 4, NULL, 0), WEIR_OK));
        wr_object_close(late_speaker);
        late_speaker = WR_NO_OBJECT;
        message->msg_flags = 0;
        message->msg_controllen = 0;
        return 0;
}

Test(endpoint_linux, a_word_that_comes_with_the_end_is_heard_by_who_looks_just_then)
{
        wr_object listener = kit_listen(path), client;
        char word[8];
        size_t size;

        kit_connect(listener, path, &client, &late_speaker);
        cr_assert(eq(int, wr_endpoint_receive(client, word, sizeof word, &size, NULL, NULL), WEIR_OK));
        cr_assert(eq(sz, size, 4));
        cr_assert(eq(int, wr_endpoint_receive(client, word, sizeof word, &size, NULL, NULL), WEIR_E_CLOSED));
        wr_object_close(client);
        wr_endpoint_unlisten(listener, path);
}

Test(endpoint_linux, every_socket_closes_on_exec_and_never_blocks)
{
        wr_object listener = kit_listen(path), client, server;
        wr_object all[3];

        kit_connect(listener, path, &client, &server);
        memcpy(all, (wr_object[]){ listener, client, server }, sizeof all);
        for (int i = 0; i < 3; i++) {
                cr_assert(ne(int, fcntl(all[i], F_GETFD) & FD_CLOEXEC, 0));
                cr_assert(ne(int, fcntl(all[i], F_GETFL) & O_NONBLOCK, 0));
        }
        cr_assert(eq(int, wr_endpoint_accept(listener, &server), WEIR_EMPTY));
        cr_assert(eq(int, server, WR_NO_OBJECT));
}

Test(endpoint_linux, a_path_longer_than_an_address_can_be_used)
{
        wr_object listener, client;
        size_t length = strlen(directory);

        while (length < 300) {
                length += (size_t)snprintf(directory + length, sizeof directory - length, "/%040d", 0);
                cr_assert(eq(int, wr_endpoint_directory(directory, why, sizeof why), WEIR_OK), "%s", why);
        }
        snprintf(path, sizeof path, "%.*s/bus", 400, directory);
        listener = kit_listen(path);
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
        listener = kit_listen(path);
        kit_connect(listener, path, &client, &server);
        *worked = wr_endpoint_owns(listener, path);
        return NULL;
}

Test(endpoint_linux, a_thread_with_its_own_descriptor_table_listens_and_connects)
{
        bool worked = false;
        pthread_t thread;

        cr_assert(eq(int, pthread_create(&thread, NULL, use_own_table, &worked), 0));
        pthread_join(thread, NULL);
        cr_assert(worked);
}
