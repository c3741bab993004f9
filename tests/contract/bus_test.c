/* Opening and closing a bus; what its options, its errors and its forked children do. */
#include "tests/contract/weir_kit.h"

#include <stddef.h>

TestSuite(bus, .fini = kit_clean, .timeout = 60);

#ifdef _WIN32
static const char *const places[] = { "\\\\.\\pipe\\weir-S-1-5-", "\\\\.\\pipe\\weir-system" };
#else
static const char *const places[] = { "/tmp/weir-test-nowhere/weir/bus", "/run/weir/bus" };
#endif

Test(bus, opening_without_a_broker_fails_with_every_place_it_tried)
{
        struct weir *bus = (struct weir *)&bus;

        setenv("XDG_RUNTIME_DIR", "/tmp/weir-test-nowhere", 1);
        unsetenv("WEIR_BROKER");
        cr_assert(eq(int, weir_open(&bus, WEIR_OPTIONS(.open_timeout_ns = 1)), WEIR_E_NO_BROKER));
        cr_assert(zero(ptr, bus));
        cr_assert(not(zero(ptr, (void *)strstr(weir_error(), places[0]))), "%s", weir_error());
        cr_assert(not(zero(ptr, (void *)strstr(weir_error(), places[1]))), "%s", weir_error());
        cr_assert(not(zero(ptr, (void *)strstr(weir_error(), "weir broker run"))), "%s", weir_error());
}

static void
play_late_broker(int line)
{
        kit_hear(line);
        kit_play_broker(line);
}

Test(bus, opening_waits_for_a_broker_that_comes_later)
{
        struct kit_child broker = kit_start(play_late_broker);
        struct weir *bus;

        kit_say(broker.line, 1);
        kit_ok(weir_open(&bus, WEIR_OPTIONS(.address = kit_address(), .open_timeout_ns = KIT_SOON)));
        weir_close(bus);
        kit_kill(&broker);
}

Test(bus, a_second_bus_finds_the_broker_that_the_first_one_embeds)
{
        struct weir *host = kit_host(), *guest = kit_guest();
        struct weir_broker_state state = { .size = sizeof state };

        kit_ok(weir_broker_status(guest, &state));
        cr_assert(eq(u32, state.pid, (uint32_t)getpid()));
        cr_assert(eq(u32, state.sessions, 2));
        cr_assert(eq(str, state.address, (char *)kit_address()));
        weir_close(guest);
        weir_close(host);
}

Test(bus, closing_a_bus_closes_its_endpoints_and_they_may_be_closed_afterwards)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        const struct weir_frame *frame;

        kit_ok(weir_publisher_open(&p, bus, "a", NULL));
        kit_ok(weir_subscriber_open(&s, bus, "a", NULL));
        weir_close(bus);
        cr_assert(eq(int, weir_publish(p, "x", 1, NULL, WEIR_NOW), WEIR_E_CLOSED));
        cr_assert(eq(int, weir_take(s, WEIR_FOREVER, &frame), WEIR_E_CLOSED));
        weir_publisher_close(p);
        weir_subscriber_close(s);
}

Test(bus, options_of_another_size_are_read_as_far_as_both_know_them)
{
        struct {
                struct weir_options o;
                uint64_t more;
        } longer = { { .size = sizeof longer, .address = kit_address(), .embed = weir_broker_embed }, 0 };
        struct weir_options none = { 0 }, shorter = { .size = offsetof(struct weir_options, ticket) };
        struct weir *bus, *other;

        cr_assert(eq(int, weir_open(&bus, &none), WEIR_E_USAGE));
        kit_ok(weir_open(&bus, &longer.o));
        longer.more = 1;
        cr_assert(eq(int, weir_open(&other, &longer.o), WEIR_E_USAGE));
        shorter.address = kit_address();
        shorter.ticket = "behind what size says: not read";
        kit_ok(weir_open(&other, &shorter));
        weir_close(other);
        weir_close(bus);
}

Test(bus, what_this_version_does_not_have_is_refused_with_a_sentence)
{
        const uint32_t other_path = kit_path() == WEIR_TCP ? WEIR_PIPE : WEIR_TCP;
        struct weir *bus = kit_host(), *other;
        struct weir_publisher *p;
        struct weir_subscriber *s;

        cr_assert(eq(int, weir_open(&other, WEIR_OPTIONS(.ticket = "weir-ticket:x")), WEIR_E_USAGE));
        cr_assert(eq(int, weir_publisher_open(&p, bus, "lidar/*", NULL), WEIR_E_USAGE));
        cr_assert(not(zero(ptr, (void *)strstr(weir_error(), "pattern"))), "%s", weir_error());
        cr_assert(eq(int, weir_subscriber_open(&s, bus, "a", WEIR_SUBSCRIBER(.require = other_path)), WEIR_E_NO_PATH));
        cr_assert(not(zero(ptr, (void *)strstr(weir_error(), "TCP"))), "%s", weir_error());
        cr_assert(eq(int, weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.require = WEIR_VSOCK)), WEIR_E_NO_PATH));
        cr_assert(eq(int, weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.require = WEIR_SHM)),
                     kit_is_relayed() ? WEIR_E_NO_PATH : WEIR_OK));
        cr_assert(eq(int, weir_publisher_open(&p, bus, "a//b", NULL), WEIR_E_USAGE));
        cr_assert(eq(int, weir_publisher_open(&p, bus, NULL, NULL), WEIR_E_USAGE));
        weir_close(bus);
}

#define AT(type, field, offset)                                                        \
        {                                                                              \
#                type "." #                field, offsetof(struct type, field), offset \
        }
#define SIZE(type, bytes)                                   \
        {                                                   \
                "sizeof " #type, sizeof(struct type), bytes \
        }
static const struct {
        const char *name;
        size_t is, must;
} layout[] = {
        AT(weir_format, type, 0),
        AT(weir_format, encoding, 8),
        AT(weir_format, schema, 16),
        AT(weir_format, schema_size, 24),
        SIZE(weir_format, 32),
        AT(weir_about, stamp_ns, 0),
        AT(weir_about, tag, 8),
        AT(weir_about, meta, 16),
        AT(weir_about, meta_size, 24),
        AT(weir_about, flags, 28),
        SIZE(weir_about, 32),
        AT(weir_loan, data, 0),
        AT(weir_loan, size, 8),
        AT(weir_loan, about, 16),
        AT(weir_frame, data, 0),
        AT(weir_frame, size, 8),
        AT(weir_frame, about, 16),
        AT(weir_frame, sequence, 48),
        AT(weir_frame, published_ns, 56),
        AT(weir_frame, lost, 64),
        AT(weir_frame, skipped, 72),
        AT(weir_frame, source, 80),
        AT(weir_frame, topic, 88),
        AT(weir_frame, format, 96),
        AT(weir_frame, kind, 104),
        AT(weir_event, kind, 0),
        AT(weir_event, reason, 4),
        AT(weir_event, user, 8),
        AT(weir_event, publisher, 16),
        AT(weir_event, subscriber, 24),
        AT(weir_event, topic, 32),
        AT(weir_event, text, 40),
        AT(weir_event, source, 48),
        AT(weir_event, count, 56),
        AT(weir_event, role, 64),
        AT(weir_event, pid, 68),
        SIZE(weir_event, 72),
        AT(weir_options, size, 0),
        AT(weir_options, flags, 4),
        AT(weir_options, name, 8),
        AT(weir_options, address, 16),
        AT(weir_options, ticket, 24),
        AT(weir_options, open_timeout_ns, 32),
        AT(weir_options, embed, 40),
        SIZE(weir_options, 48),
        AT(weir_publisher_options, history, 4),
        AT(weir_publisher_options, format, 8),
        AT(weir_publisher_options, memory_max, 16),
        AT(weir_publisher_options, payload_align, 24),
        AT(weir_publisher_options, loans_max, 28),
        AT(weir_publisher_options, hash, 32),
        AT(weir_publisher_options, refuse_reliable, 36),
        AT(weir_publisher_options, stall_ns, 40),
        AT(weir_publisher_options, require, 48),
        AT(weir_publisher_options, shared, 52),
        AT(weir_publisher_options, prefault, 56),
        AT(weir_publisher_options, huge, 60),
        AT(weir_publisher_options, user, 64),
        SIZE(weir_publisher_options, 72),
        AT(weir_subscriber_options, delivery, 4),
        AT(weir_subscriber_options, keep, 8),
        AT(weir_subscriber_options, history, 12),
        AT(weir_subscriber_options, frames_max, 16),
        AT(weir_subscriber_options, verify, 20),
        AT(weir_subscriber_options, type, 24),
        AT(weir_subscriber_options, spin_ns, 32),
        AT(weir_subscriber_options, require, 40),
        AT(weir_subscriber_options, shared, 44),
        AT(weir_subscriber_options, until_end, 48),
        AT(weir_subscriber_options, user, 56),
        SIZE(weir_subscriber_options, 64),
        AT(weir_info, path, 4),
        AT(weir_info, copies, 8),
        AT(weir_info, peers, 12),
        AT(weir_info, frames, 16),
        AT(weir_info, out, 72),
        AT(weir_info, copied_bytes, 80),
        AT(weir_info, why, 88),
        AT(weir_peer, pid, 4),
        AT(weir_peer, identity, 8),
        AT(weir_peer, name, 264),
        SIZE(weir_peer, 328),
};

/* For bindings that write the offsets down: C# and cffi. Every change of this list breaks them. */
Test(bus, the_public_structures_have_the_documented_layout)
{
        for (size_t i = 0; i < sizeof layout / sizeof *layout; i++) {
                printf("%-40s %zu\n", layout[i].name, layout[i].is);
                cr_expect(eq(sz, layout[i].is, layout[i].must), "%s", layout[i].name);
        }
}

static struct weir *interrupted_bus;

static void
on_alarm(void)
{
        weir_interrupt(interrupted_bus, 1);
}

Test(bus, an_interrupt_from_a_signal_handler_ends_every_wait_until_it_is_off)
{
        struct weir_subscriber *s;
        const struct weir_event *event;
        const struct weir_frame *frame;

        interrupted_bus = kit_host();
        kit_ok(weir_subscriber_open(&s, interrupted_bus, "a", NULL));
        kit_alarm(on_alarm);
        cr_assert(eq(int, weir_take(s, WEIR_FOREVER, &frame), WEIR_INTERRUPTED));
        cr_assert(eq(int, weir_next(interrupted_bus, WEIR_FOREVER, &event), WEIR_INTERRUPTED));
        cr_assert(eq(int, weir_take(s, WEIR_NOW, &frame), WEIR_EMPTY)); /* it waits for nothing */
        weir_interrupt(interrupted_bus, 0);
        cr_assert(eq(int, weir_next(interrupted_bus, 1000, &event), WEIR_EMPTY));
        kit_alarm(on_alarm);
        cr_assert(eq(int, weir_next(interrupted_bus, WEIR_FOREVER, &event), WEIR_INTERRUPTED));
        weir_close(interrupted_bus);
}

static int
count_row(const struct weir_row *row, void *user)
{
        struct weir_row *last = user;

        *last = *row;
        last->peers = last->size; /* not looked at */
        last->out += 0;
        last->id = last->publishers + last->subscribers;
        return 0;
}

Test(bus, the_broker_lists_topics_and_says_who_a_source_is)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        struct weir_peer peer = { .size = sizeof peer };
        struct weir_row row = { 0 };
        const struct weir_frame *frame;

        kit_ok(weir_publisher_open(&p, bus, "cam/front", NULL));
        kit_ok(weir_subscriber_open(&s, bus, "cam/front", NULL));
        kit_ok(weir_list(bus, "cam/*", 0, count_row, &row));
        cr_assert(eq(u64, row.id, 2));
        kit_ok(weir_publish(p, "x", 1, NULL, WEIR_NOW));
        frame = kit_take(s);
        kit_ok(weir_peer(bus, frame->source, &peer));
        cr_assert(eq(u32, peer.pid, kit_pid()));
        cr_assert(eq(str, peer.name, "host"));
        cr_assert(eq(int, weir_peer(bus, frame->source + 12345, &peer), WEIR_E_CLOSED));
        weir_release(frame);
        weir_close(bus);
}
