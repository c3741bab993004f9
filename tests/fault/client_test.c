/* What the library does when others turn against it: stopped and killed processes, readers that cry. */
#include "clients/c/bus.h"
#include "clients/c/publisher.h"
#include "clients/c/subscriber.h"
#include "tests/contract/weir_kit.h"

#include <sched.h>

TestSuite(client, .fini = kit_clean, .timeout = 100);

static void
play_broker_and_publisher(int line)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        uint64_t count;

        kit_ok(weir_publisher_open(&p, bus, "hosted", NULL));
        kit_say(line, 1);
        while ((count = kit_hear(line)) > 0)
                while (count-- > 0)
                        kit_ok(weir_publish(p, "x", 1, NULL, WEIR_NOW));
        weir_close(bus);
}

Test(client, a_stopped_process_that_embeds_the_broker_stops_nobody_who_is_connected)
{
        struct kit_child host = kit_start(play_broker_and_publisher);
        struct weir *a, *b;
        struct weir_publisher *p, *none;
        struct weir_subscriber *s, *hosted;

        kit_hear(host.line);
        a = kit_guest();
        b = kit_guest();
        kit_ok(weir_publisher_open(&p, a, "a", NULL));
        kit_ok(weir_subscriber_open(&s, b, "a", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        kit_ok(weir_subscriber_open(&hosted, b, "hosted", NULL));
        kit_freeze(&host);
        for (uint64_t i = 1; i <= 5000; i++) {
                const struct weir_frame *frame;

                kit_ok(weir_publish(p, &i, sizeof i, NULL, KIT_SOON));
                frame = kit_take(s);
                cr_assert(eq(u64, *(const uint64_t *)frame->data, i));
                weir_release(frame);
        }
        kit_thaw(&host);
        kit_say(host.line, 3);
        for (int i = 0; i < 3; i++)
                weir_release(kit_take(hosted));
        kit_ok(weir_publisher_open(&none, a, "later", NULL)); /* and it answers again */
        kit_say(host.line, 0);
        cr_assert(eq(int, kit_end(&host), 0));
        weir_close(a);
        weir_close(b);
}

static void
play_deaf_publisher(int line)
{
        struct weir *bus = kit_guest();
        struct weir_publisher *p;
        char data[5000] = { 0 };

        kit_ok(weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.memory_max = 4 << 20)));
        kit_say(line, 1);
        for (;;)
                if (weir_publish(p, data, sizeof data, NULL, WEIR_FOREVER) != WEIR_OK)
                        return;
}

Test(client, publishers_killed_inside_a_publish_leave_their_reliable_reader_whole)
{
        struct weir *bus = kit_host();
        struct weir_subscriber *s;

        kit_ok(weir_subscriber_open(&s, bus, "a", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        for (int round = 0; round < 20; round++) {
                struct kit_child publisher = kit_start(play_deaf_publisher);
                const struct weir_event *event;
                const struct weir_frame *frame;
                uint64_t sequence = 0;

                kit_hear(publisher.line);
                for (int i = 0; i < 50 * (round + 1); i++) {
                        frame = kit_take(s);
                        cr_assert(eq(u64, frame->sequence, ++sequence));
                        weir_release(frame);
                }
                kit_kill(&publisher); /* it never stopped publishing */
                do {
                        while (weir_take(s, WEIR_NOW, &frame) == WEIR_OK) {
                                cr_assert(eq(u64, frame->sequence, ++sequence));
                                weir_release(frame);
                        }
                        kit_ok(weir_next(bus, KIT_SOON, &event));
                } while (event->kind != WEIR_LEFT);
                cr_assert(eq(i32, event->reason, WEIR_E_CLOSED));
        }
        cr_assert(zero(u64, kit_info(s).corrupt));
        cr_assert(zero(u64, kit_info(s).lost));
        weir_close(bus);
}

/* ---- answers that come too late ---- */

/* Asks, and gives up at once. */
static void
ask_in_vain(struct weir *bus, const struct wr_message *message)
{
        struct wr_question q = { .message = *message };

        kit_must(wr_control_ask(&bus->control, &q, 0) == WEIR_E_NO_BROKER);
}

Test(client, answers_to_questions_that_were_given_up_leave_nothing_behind)
{
        struct kit_child broker = kit_start(kit_play_broker);
        struct wr_message publish = { .kind = WR_PUBLISH, .publish = { .memory_max = 1 << 20, .topic = "late" } };
        struct weir_broker_state state = { .size = sizeof state };
        struct weir *bus = kit_guest();
        struct weir_publisher *p;

        kit_freeze(&broker);
        ask_in_vain(bus, &publish);
        ask_in_vain(bus, &(struct wr_message){ .kind = WR_SUBSCRIBE, .subscribe = { .frames_max = 4, .topic = "b" } });
        kit_thaw(&broker);
        kit_ok(weir_publisher_open(&p, bus, "later", NULL)); /* behind a grant that nobody took */
        kit_ok(weir_broker_status(bus, &state));
        cr_assert(eq(u32, state.lanes, 1));
        cr_assert(eq(u32, state.subscriptions, 0));
        weir_close(bus);
        kit_kill(&broker);
}

/* ---- readers that cry ---- */

/* Its only reader is in this process, so the page of the pair is at hand. */
static struct wr_pair_words *
fill_up(struct weir_publisher *p)
{
        static const char block[20000];
        enum weir_result result;

        while ((result = weir_publish(p, block, sizeof block, NULL, WEIR_NOW)) == WEIR_OK)
                continue;
        kit_must(result == WEIR_FULL);
        return p->links->pair.words;
}

Test(client, asking_again_on_a_full_lane_costs_no_system_call)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        struct wr_pair_words *words;
        uint64_t room_waiting;
        uint32_t poke;
        int taken = 0;

        kit_ok(weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.memory_max = 1 << 20)));
        kit_ok(weir_subscriber_open(&s, bus, "a", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        words = fill_up(p);
        room_waiting = wr_load(&words->room_waiting);
        poke = wr_load32(&bus->poke);
        for (int i = 0; i < 1000; i++)
                fill_up(p);
        cr_assert(eq(u64, wr_load(&words->room_waiting), room_waiting)); /* nothing was armed, */
        cr_assert(eq(u32, wr_load32(&bus->poke), poke));                 /* and nobody woken */
        do {                                                             /* and still it is told of room */
                weir_release(kit_take(s));
                taken += 1;
        } while (weir_publish(p, "x", 1, NULL, WEIR_NOW) == WEIR_FULL && kit_event(bus, WEIR_ROOM)->publisher == p);
        cr_assert(gt(int, taken, 0));
        weir_close(bus);
}

Test(client, a_reader_that_cries_room_where_there_is_none_is_believed_a_hundred_times_a_second)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        struct wr_pair_words *words;
        const struct weir_event *event;
        const struct weir_frame *frame;
        int64_t began_ns = weir_now();
        int told = 0;

        kit_ok(weir_publisher_open(&p, bus, "a", WEIR_PUBLISHER(.memory_max = 1 << 20)));
        kit_ok(weir_subscriber_open(&s, bus, "a", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        words = fill_up(p);
        for (int i = 0; i < 2000; i++) {
                wr_add32(&words->space, 1);
                while (weir_next(bus, WEIR_NOW, &event) == WEIR_OK && event->kind != WEIR_FRAMES)
                        told += event->kind == WEIR_ROOM;
                fill_up(p);
        }
        cr_assert(le(i64, told, 70 + (weir_now() - began_ns) / 10000000));
        while (weir_take(s, WEIR_NOW, &frame) == WEIR_OK)
                weir_release(frame);
        kit_event(bus, WEIR_ROOM); /* a late truth is still told */
        kit_ok(weir_publish(p, "x", 1, NULL, WEIR_NOW));
        weir_close(bus);
}

/* ---- the control thread beside a call ---- */

/* The control thread comes to stand in run(), with the lock of the control held if that is asked for. */
struct beside {
        struct wr_job job; /* its first member */
        struct weir_publisher *p;
        struct weir_subscriber *s;
        struct wr_lane_link *lane;
        wr_word32 there, announced;
};

static void
beside_begin(struct weir *bus, struct beside *beside)
{
        wr_control_post(&bus->control, &beside->job);
        while (wr_load32_acquire(&beside->there) == 0)
                sched_yield();
}

/* Until the closing thread has posted its job; then what a message at that moment would tell. */
static void
tell_of_who_closes(struct wr_control *c, struct wr_job *job)
{
        struct beside *beside = (struct beside *)(void *)job;
        bool closing = false;

        wr_store32_release(&beside->there, 1);
        while (!closing) {
                sched_yield();
                wr_mutex_lock(&c->lock);
                closing = c->jobs != NULL;
                wr_mutex_unlock(&c->lock);
        }
        wr_bus_tell(c->bus, &(struct weir_event){ .kind = WEIR_JOINED, .publisher = beside->p });
        if (beside->s)
                wr_control_lane_ended(c, &(struct wr_message_lane_ended){ .subscription = beside->s->id,
                                                                          .reason = WEIR_E_TYPE });
}

Test(client, no_event_leads_to_an_endpoint_that_was_closed)
{
        struct weir *bus = kit_host();
        struct beside publisher = { .job.run = tell_of_who_closes }, subscriber = publisher;
        const struct weir_event *event;

        kit_ok(weir_publisher_open(&publisher.p, bus, "a", NULL));
        kit_ok(weir_subscriber_open(&subscriber.s, bus, "b", NULL));
        beside_begin(bus, &publisher);
        weir_publisher_close(publisher.p);
        cr_assert(eq(int, weir_next(bus, WEIR_NOW, &event), WEIR_EMPTY));
        beside_begin(bus, &subscriber);
        weir_subscriber_close(subscriber.s);
        while (weir_next(bus, WEIR_NOW, &event) == WEIR_OK)
                cr_assert(zero(ptr, event->subscriber));
        weir_close(bus);
}

/* Until the lane is given up; the one who gave it up stands before our lock then. */
static void
look_at_the_lane(struct wr_control *c, struct wr_job *job)
{
        struct beside *beside = (struct beside *)(void *)job;

        wr_mutex_lock(&c->lock);
        wr_store32_release(&beside->there, 1);
        while (wr_load32_acquire(&beside->lane->references) > 0)
                sched_yield();
        for (uint32_t i = 0; i < beside->lane->reader.pair.announcement_count; i++)
                wr_add32(&beside->announced, wr_load(&beside->lane->reader.pair.words->announcements[i]) != 0);
        wr_mutex_unlock(&c->lock);
}

Test(client, a_lane_of_another_type_is_not_touched_once_it_was_given_up)
{
        struct weir *bus = kit_host();
        struct beside beside = { .job.run = look_at_the_lane };
        const struct weir_format v1 = { "imu/v1", "", NULL, 0 }, v2 = { "imu/v2", "", NULL, 0 };
        struct weir_publisher *p;
        struct weir_subscriber *s;
        const struct weir_frame *frame;
        char block[8192] = { 0 };

        kit_ok(weir_publisher_open(&p, bus, "imu",
                                   WEIR_PUBLISHER(.format = &v1, .prefault = 1, .memory_max = 1 << 20)));
        kit_ok(weir_subscriber_open(&s, bus, "imu", WEIR_SUBSCRIBER(.type = "imu/v1")));
        kit_ok(weir_publish(p, block, sizeof block, NULL, WEIR_NOW));
        weir_release(kit_take(s)); /* so that no take asks the control thread any more how much is there */
        beside.lane = s->lanes[0];
        kit_ok(weir_set_format(p, &v2));
        kit_ok(weir_publish(p, block, sizeof block, NULL, WEIR_NOW));
        beside_begin(bus, &beside);
        cr_assert(eq(int, weir_take(s, WEIR_NOW, &frame), WEIR_EMPTY));
        weir_close(bus);
        cr_assert(zero(u32, beside.announced));
}
