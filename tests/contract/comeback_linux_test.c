/* What comeback_test.c tests, where a process is forked meanwhile. */
#include "tests/contract/weir_kit.h"

#include <pthread.h>
#include <sys/un.h>

TestSuite(comeback_linux, .fini = kit_clean, .timeout = 60);

static void *
embed(void *unused)
{
        (void)unused;
        weir_broker_embed(kit_address());
        return NULL;
}

static void
play_host(int line)
{
        char address[96];

        (void)line;
        alarm(10);
        snprintf(address, sizeof address, "%s/child", kit_folder);
        kit_ok(weir_broker_embed(address));
}

Test(comeback_linux, a_child_that_is_forked_while_a_thread_contends_can_embed)
{
        struct kit_child broker = kit_start(kit_play_broker), child;
        struct sockaddr_un place = { .sun_family = AF_UNIX };
        int listener, connection;
        pthread_t thread;

        weir_close(kit_guest()); /* it is there */
        kit_freeze(&broker);
        strcpy(place.sun_path, kit_address());
        listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        kit_must(unlink(kit_address()) == 0 && bind(listener, (struct sockaddr *)&place, sizeof place) == 0);
        kit_must(listen(listener, 4) == 0);
        cr_assert(eq(int, pthread_create(&thread, NULL, embed, NULL), 0));
        connection = accept(listener, NULL, NULL); /* it asks, and waits for our answer */
        kit_must(connection >= 0);
        child = kit_start(play_host);
        cr_assert(eq(int, kit_end(&child), 0));
        close(connection);
        close(listener);
        pthread_join(thread, NULL);
        kit_kill(&broker);
}
