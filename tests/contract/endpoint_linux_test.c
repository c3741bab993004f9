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
