/* A host that is stopped, and of which nothing is heard at all: its queue is full, or its socket is gone. */
#include "tests/contract/weir_kit.h"

#include <errno.h>
#include <sys/un.h>

TestSuite(broker_takeover_linux, .fini = kit_clean, .timeout = 100);

/* Knocks until nobody more is let in: nothing but the broker takes anybody out of the queue. */
static void
fill_queue(void)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int knock;

        strcpy(address.sun_path, kit_address());
        do {
                knock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
                cr_assert(ge(int, knock, 0));
        } while (connect(knock, (struct sockaddr *)&address, sizeof(address)) == 0);
        cr_assert(eq(int, errno, EAGAIN));
        close(knock);
}

Test(broker_takeover_linux, a_stopped_host_whose_queue_is_full_is_deposed)
{
        struct kit_child host = kit_start(kit_play_host);
        struct weir *heir, *guest;

        kit_hear(host.line);
        heir = kit_host();
        guest = kit_guest();
        kit_freeze(&host);
        fill_queue();
        kit_event(guest, WEIR_BROKER_BACK);
        cr_assert(eq(u32, kit_broker_pid(guest), wr_user_process()));
        weir_close(guest);
        weir_close(heir);
        kit_kill(&host);
}

Test(broker_takeover_linux, a_stopped_host_whose_socket_is_gone_is_deposed)
{
        struct kit_child host = kit_start(kit_play_host);
        struct weir *heir;

        kit_hear(host.line);
        heir = kit_host();
        kit_freeze(&host);
        cr_assert(eq(int, unlink(kit_address()), 0));
        kit_event(heir, WEIR_BROKER_BACK);
        cr_assert(eq(u32, kit_broker_pid(heir), wr_user_process()));
        weir_close(heir);
        kit_kill(&host);
}
