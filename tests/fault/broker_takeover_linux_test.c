/* A host that is stopped, and of which nothing is heard at all: its socket is gone. */
#include "tests/contract/weir_kit.h"

TestSuite(broker_takeover_linux, .fini = kit_clean, .timeout = 100);

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
