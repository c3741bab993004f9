/* A process that hosts the broker goes or hangs: another one that may embed takes the role over. */
#include "tests/contract/weir_kit.h"

#ifdef _WIN32
#        include "named-objects/endpoint_name_win32.h"

/* Knocks until every instance of its pipe is taken: nothing but the broker makes more. */
static void
fill_queue(void)
{
        wchar_t name[WR_ENDPOINT_NAME_MAX];
        char why[256];
        HANDLE knock;

        cr_assert(eq(int, wr_endpoint_name(kit_address(), 0, name, why, sizeof why), WEIR_OK), "%s", why);
        do
                knock = CreateFileW(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
        while (knock != INVALID_HANDLE_VALUE);
        cr_assert(eq(u32, GetLastError(), ERROR_PIPE_BUSY));
}
#else
#        include <errno.h>
#        include <sys/un.h>

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
#endif

TestSuite(broker_takeover, .fini = kit_clean, .timeout = 100);

static void
play_host(int line)
{
        struct weir *bus = kit_host();
        const struct weir_event *event;
        struct weir_publisher *publisher;

        kit_ok(weir_publisher_open(&publisher, bus, "t", NULL));
        kit_say(line, 0);
        kit_hear(line);
        kit_ok(weir_publish(publisher, "before", 7, NULL, WEIR_NOW));
        kit_say(line, 0);
        while (weir_next(bus, KIT_SOON, &event) == WEIR_OK)
                if (event->kind == WEIR_BROKER_BACK)
                        break;
        kit_ok(weir_publish(publisher, "behind", 7, NULL, WEIR_NOW));
        kit_say(line, 0);
        kit_hear(line);
}

static void
expect_text(struct weir_subscriber *subscriber, const char *text)
{
        const struct weir_frame *frame = kit_take(subscriber);

        cr_assert(eq(str, (char *)frame->data, (char *)text));
        weir_release(frame);
}

Test(broker_takeover, the_host_is_killed_and_another_takes_over)
{
        struct kit_child host = kit_start(play_host);
        struct weir_publisher *publisher;
        struct weir_subscriber *subscriber;
        struct weir *heir, *guest;

        kit_hear(host.line);
        heir = kit_host(); /* one that may, and for now only connects */
        guest = kit_guest();
        cr_assert(eq(u32, kit_broker_pid(guest), (uint32_t)host.pid));
        kit_ok(weir_subscriber_open(&subscriber, guest, "t", NULL));
        kit_say(host.line, 0);
        kit_hear(host.line);
        kit_kill(&host);
        kit_event(guest, WEIR_BROKER_BACK);
        kit_event(heir, WEIR_BROKER_BACK);
        cr_assert(eq(u32, kit_broker_pid(guest), wr_user_process()));
        expect_text(subscriber, "before");
        kit_ok(weir_publisher_open(&publisher, heir, "t", NULL));
        kit_ok(weir_publish(publisher, "heir", 5, NULL, WEIR_NOW));
        expect_text(subscriber, "heir");
        weir_close(guest);
        weir_close(heir);
}

Test(broker_takeover, the_host_is_stopped_is_deposed_and_comes_back_as_a_client)
{
        struct kit_child host = kit_start(play_host);
        struct weir_subscriber *subscriber, *newcomer;
        struct weir *heir, *guest;

        kit_hear(host.line);
        heir = kit_host();
        guest = kit_guest();
        kit_ok(weir_subscriber_open(&subscriber, guest, "t", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        kit_say(host.line, 0);
        kit_hear(host.line);
        kit_freeze(&host);
        kit_event(guest, WEIR_BROKER_BACK);
        cr_assert(eq(u32, kit_broker_pid(guest), wr_user_process()));
        kit_ok(weir_subscriber_open(&newcomer, heir, "t", NULL)); /* its publisher is stopped: no lane yet */
        kit_thaw(&host);
        kit_event(heir, WEIR_JOINED);
        expect_text(subscriber, "before");
        kit_hear(host.line);
        expect_text(subscriber, "behind");
        cr_assert(eq(u32, kit_broker_pid(guest), wr_user_process()), "the deposed one stays deposed");
        kit_say(host.line, 0);
        kit_end(&host);
        weir_close(guest);
        weir_close(heir);
}

/* The first host's lock stays held for as long as it is stopped. */
Test(broker_takeover, who_deposed_a_stopped_host_ends_and_another_follows_at_once)
{
        struct kit_child host = kit_start(kit_play_host);
        struct weir *heir;
        int64_t stopped_ns;

        kit_hear(host.line);
        heir = kit_host();
        kit_freeze(&host);
        kit_event(heir, WEIR_BROKER_BACK);
        stopped_ns = weir_now();
        kit_ok(weir_broker_stop(heir));
        kit_event(heir, WEIR_BROKER_BACK);
        cr_assert(lt(i64, weir_now() - stopped_ns, INT64_C(2900000000)), "nobody waits for the stopped one again");
        cr_assert(eq(u32, kit_broker_pid(heir), wr_user_process()));
        weir_close(heir);
        kit_kill(&host);
}

Test(broker_takeover, a_stopped_host_whose_queue_is_full_is_deposed)
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
