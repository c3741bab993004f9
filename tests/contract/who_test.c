/* weir_who: who is there, how far behind, what is out, who was refused; and what becomes of a right withdrawn. */
#include "tests/contract/weir_kit.h"

TestSuite(who, .fini = kit_clean, .timeout = 60);

enum { LARGE = 300000, SEATS_MAX = 16 };

struct seats {
        struct weir_seat seats[SEATS_MAX]; /* without their strings */
        char topics[SEATS_MAX][208], names[SEATS_MAX][64], texts[SEATS_MAX][768];
        int count;
};

static int
keep(const struct weir_seat *seat, void *user)
{
        struct seats *seats = user;

        if (strcmp(seat->name, "door") == 0) /* the kit's own */
                return 0;
        kit_must(seats->count < SEATS_MAX && seat->size == sizeof *seat && seat->identity[0] != '\0');
        seats->seats[seats->count] = *seat;
        snprintf(seats->topics[seats->count], 208, "%s", seat->topic);
        snprintf(seats->names[seats->count], 64, "%s", seat->name);
        snprintf(seats->texts[seats->count], 768, "%s", seat->text);
        seats->count++;
        return 0;
}

static struct seats
ask(struct weir *bus, const char *pattern, int refusals)
{
        struct seats seats = { .count = 0 };

        kit_ok(weir_who(kit_near(bus), pattern, refusals, keep, &seats));
        return seats;
}

/* The first of a role; NULL: none. */
static const struct weir_seat *
of_role(const struct seats *seats, uint32_t role)
{
        for (int i = 0; i < seats->count; i++)
                if (seats->seats[i].role == role)
                        return &seats->seats[i];
        return NULL;
}

Test(who, every_connection_is_told_by_what_it_does)
{
        struct weir *host = kit_host(), *guest = kit_guest(), *idle = kit_bus_named("idle", NULL);
        struct weir_publisher *p;
        struct weir_subscriber *s;
        struct seats seats;

        kit_ok(weir_publisher_open(&p, host, "cam/front", NULL));
        kit_ok(weir_subscriber_open(&s, guest, "cam/front", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        seats = ask(host, NULL, 0);
        cr_assert(eq(int, seats.count, 3));
        cr_assert(eq(u32, seats.seats[0].role, WEIR_SEAT_IDLE));
        cr_assert(eq(str, seats.names[0], "idle"));
        cr_assert(eq(str, seats.topics[0], ""));
        cr_assert(eq(u32, seats.seats[1].role, WEIR_SEAT_PUBLISHER));
        cr_assert(eq(str, seats.names[1], "host"));
        cr_assert(eq(str, seats.topics[1], "cam/front"));
        cr_assert(eq(u32, seats.seats[1].peers, 1));
        cr_assert(eq(u32, seats.seats[1].path, kit_path()));
        cr_assert(eq(u32, seats.seats[2].role, WEIR_SEAT_SUBSCRIBER));
        cr_assert(eq(u32, seats.seats[2].delivery, WEIR_RELIABLE));
        cr_assert(eq(u32, seats.seats[2].pid, kit_pid()));
        cr_assert(ge(i64, seats.seats[2].age_ns, 0));
        cr_assert(eq(int, ask(host, "cam/*", 0).count, 2), "idle connections have no topic");
        cr_assert(eq(int, ask(host, "mic/*", 0).count, 0));
        cr_assert(eq(int, weir_who(kit_near(host), "a//b", 0, keep, &seats), WEIR_E_USAGE));
        cr_assert(eq(int, weir_who(kit_near(host), NULL, 0, NULL, NULL), WEIR_E_USAGE));
        weir_close(idle);
        weir_close(guest);
        weir_close(host);
}

static int
stop_at_once(const struct weir_seat *seat, void *user)
{
        (void)seat;
        *(int *)user += 1;
        return 1;
}

Test(who, a_call_back_may_end_the_list)
{
        struct weir *host = kit_host(), *guest = kit_guest();
        int calls = 0;

        kit_ok(weir_who(kit_near(host), NULL, 0, stop_at_once, &calls));
        cr_assert(eq(int, calls, 1));
        weir_close(guest);
        weir_close(host);
}

/* Until the subscriber's own account is this. */
static void
wait_for_account(struct weir *bus, uint64_t frames, uint64_t out)
{
        const struct weir_seat *seat;
        struct seats seats;

        do {
                seats = ask(bus, "cam", 0);
                seat = of_role(&seats, WEIR_SEAT_SUBSCRIBER);
        } while (!seat || seat->frames != frames || seat->out != out);
}

Test(who, what_a_reader_took_and_has_out_is_told_by_its_own_account)
{
        struct weir *host = kit_host(), *guest = kit_guest();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        const struct weir_frame *frames[3];
        char *data = calloc(1, LARGE);

        kit_ok(weir_publisher_open(&p, host, "cam", NULL));
        kit_ok(weir_subscriber_open(&s, guest, "cam", NULL));
        for (int i = 0; i < 5; i++)
                kit_ok(weir_publish(p, data, LARGE, NULL, WEIR_NOW));
        for (int i = 0; i < 3; i++)
                frames[i] = kit_take(s);
        wait_for_account(host, 3, 3);
        for (int i = 0; i < 3; i++)
                weir_release(frames[i]);
        weir_release(kit_take(s));
        weir_release(kit_take(s));
        wait_for_account(host, 5, 0);
        free(data);
        weir_close(guest);
        weir_close(host);
}

/* Until the subscriber is so many frames behind; then, how old the oldest of them is. */
static int64_t
wait_for_lag(struct weir *bus, uint64_t frames)
{
        const struct weir_seat *seat;
        struct seats seats;

        do {
                seats = ask(bus, "cam", 0);
                seat = of_role(&seats, WEIR_SEAT_SUBSCRIBER);
        } while (!seat || seat->lag_frames != frames);
        return seat->lag_ns;
}

Test(who, a_reader_is_behind_by_what_was_published_and_it_has_not_taken)
{
        enum { SENT = 60, TAKEN = 17 };
        struct weir *host = kit_host(), *guest = kit_guest();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        char *data = calloc(1, LARGE);
        int64_t published_ns;

        kit_ok(weir_publisher_open(&p, host, "cam", NULL));
        kit_ok(weir_subscriber_open(&s, guest, "cam", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        /* Large ones: over a stream some stand in it, some in front of it, and some behind. */
        for (int i = 0; i < SENT; i++)
                kit_ok(weir_publish(p, data, LARGE, NULL, KIT_SOON));
        for (int i = 0; i < TAKEN; i++)
                weir_release(kit_take(s));
        published_ns = weir_now();
        while (weir_now() - published_ns < 100000000)
                ask(host, "cam", 0);
        cr_assert(gt(i64, wait_for_lag(host, SENT - TAKEN), 100000000));
        for (int i = TAKEN; i < SENT; i++)
                weir_release(kit_take(s));
        cr_assert(eq(i64, wait_for_lag(host, 0), 0));
        free(data);
        weir_close(guest);
        weir_close(host);
}

Test(who, refusals_are_told_with_their_topic_and_sentence_and_counted)
{
        struct weir *host = kit_host(), *guest = kit_guest();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        struct seats seats;

        kit_ok(weir_publisher_open(&p, host, "cam", WEIR_PUBLISHER(.refuse_reliable = 1)));
        for (int i = 0; i < 3; i++)
                cr_assert(
                        lt(int, weir_subscriber_open(&s, guest, "cam", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)), 0));
        cr_assert(eq(int, ask(host, NULL, 0).count, 2), "refusals are asked for");
        seats = ask(host, NULL, 1);
        cr_assert(eq(int, seats.count, 1));
        cr_assert(eq(u32, seats.seats[0].role, WEIR_SEAT_REFUSED));
        cr_assert(eq(u32, seats.seats[0].times, 3));
        cr_assert(eq(int, seats.seats[0].reason, WEIR_E_DENIED));
        cr_assert(eq(str, seats.topics[0], "cam"));
        cr_assert(eq(str, seats.names[0], "guest"));
        cr_assert(ne(ptr, strstr(seats.texts[0], "refuse_reliable"), NULL));
        cr_assert(eq(int, ask(host, "cam", 1).count, 1));
        cr_assert(eq(int, ask(host, "mic", 1).count, 0));
        weir_close(guest);
        weir_close(host);
}

/* ---- rights withdrawn ---- */

/* A broker in a process of its own, with an empty policy. */
static struct kit_child
start_broker(void)
{
        kit_policy("# nothing yet\n");
        return kit_start(kit_play_broker);
}

static void
expect_denied(struct weir *bus, enum weir_result result, const struct weir_event *event)
{
        (void)bus;
        cr_assert(eq(int, result, WEIR_E_DENIED));
        cr_assert(eq(int, event->reason, WEIR_E_DENIED));
        cr_assert(ne(ptr, strstr(weir_error(), "cam"), NULL), "%s", weir_error());
}

Test(who, a_publisher_whose_right_is_withdrawn_is_told_and_publishes_no_more)
{
        struct kit_child broker = start_broker();
        struct weir *bus = kit_guest(), *other = kit_guest();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        struct weir_loan *loan;
        const struct weir_event *event;
        struct weir_info info = { .size = sizeof info };

        kit_ok(weir_publisher_open(&p, bus, "cam", WEIR_PUBLISHER(.user = &broker)));
        kit_ok(weir_subscriber_open(&s, other, "cam", NULL));
        kit_ok(weir_publish(p, "x", 1, NULL, WEIR_NOW));
        kit_ok(weir_lend(p, LARGE, WEIR_NOW, &loan));
        kit_policy("[topic.\"cam\"]\nsubscribe = [\"user:ME\", \"user:4242\"]\npublish = [\"user:4242\"]\n");
        kit_ok(weir_broker_reload(kit_near(bus)));
        event = kit_event(bus, WEIR_REVOKED);
        cr_assert(eq(ptr, event->publisher, p));
        cr_assert(eq(ptr, event->user, &broker));
        expect_denied(bus, weir_publish(p, "y", 1, NULL, WEIR_NOW), event);
        cr_assert(eq(int, weir_loan_publish(loan), WEIR_E_DENIED));
        weir_loan_discard(loan);
        kit_ok(weir_publisher_info(p, &info));
        cr_assert(eq(u64, info.frames, 1), "what it did before that is still known");
        weir_publisher_close(p);
        weir_close(other);
        weir_close(bus);
        kit_kill(&broker);
}

Test(who, a_subscriber_whose_right_is_withdrawn_is_told_and_takes_no_more)
{
        struct kit_child broker = start_broker();
        struct weir *bus = kit_guest(), *other = kit_guest();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        const struct weir_frame *held, *none;
        const struct weir_event *event;

        kit_ok(weir_publisher_open(&p, other, "cam", NULL));
        kit_ok(weir_subscriber_open(&s, bus, "cam", NULL));
        kit_ok(weir_publish(p, "x", 1, NULL, WEIR_NOW));
        held = kit_take(s);
        kit_policy("[topic.\"cam\"]\npublish = [\"user:ME\", \"user:4242\"]\nsubscribe = [\"user:4242\"]\n");
        kit_ok(weir_broker_reload(kit_near(other)));
        event = kit_event(bus, WEIR_REVOKED);
        cr_assert(eq(ptr, event->subscriber, s));
        expect_denied(bus, weir_take(s, KIT_SOON, &none), event);
        cr_assert(eq(int, weir_take(s, WEIR_NOW, &none), WEIR_E_DENIED));
        cr_assert(eq(int, *(const char *)held->data, 'x'), "what is out stays valid");
        kit_event(other, WEIR_LEFT);
        kit_ok(weir_publish(p, "y", 1, NULL, WEIR_NOW));
        weir_release(held);
        weir_close(bus);
        weir_close(other);
        kit_kill(&broker);
}

Test(who, a_policy_with_an_error_changes_nothing_and_says_where_it_is)
{
        struct kit_child broker = start_broker();
        struct weir *bus = kit_guest();
        struct weir_publisher *p;

        kit_ok(weir_publisher_open(&p, bus, "cam", NULL));
        kit_policy("[topic.\"cam\"]\npublish = [\"nobody-knows:0\"]\n");
        cr_assert(eq(int, weir_broker_reload(kit_near(bus)), WEIR_E_USAGE));
        cr_assert(ne(ptr, strstr(weir_error(), ":2:"), NULL), "%s", weir_error());
        kit_ok(weir_publish(p, "x", 1, NULL, WEIR_NOW));
        weir_close(bus);
        kit_kill(&broker);
}
