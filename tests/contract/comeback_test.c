/* What a client keeps, and what it still does, while its broker is gone and when another one has come. */
#include "clients/c/bus.h"
#include "tests/contract/actor.h"
#include "tests/contract/kit_threads.h"
#include "tests/contract/weir_kit.h"

#include <sched.h>
#include <semaphore.h>

TestSuite(comeback, .fini = kit_clean, .timeout = 100);

/* ---- the life-lines of brokers before ---- */

enum { BROKERS = 70, FRAMES = 10, OBJECTS_FEW = 20 };

static void
play_reader(int line)
{
        struct weir *in = kit_guest();
        struct weir_subscriber *s;

        kit_ok(weir_subscriber_open(&s, in, "t", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        kit_say(line, 1);
        for (uint64_t i = 1; i <= FRAMES; i++) {
                const struct weir_frame *frame;

                kit_ok(weir_take(s, WEIR_FOREVER, &frame)); /* the first comes when seventy brokers came and went */
                kit_must(frame->sequence == i);
                weir_release(frame);
                kit_say(line, i);
        }
        weir_close(in);
}

/* Of the control thread; of the process, where a thread has no table of its own. */
struct objects {
        struct wr_question q;
        uint32_t count;
};

static void
objects_count(struct wr_control *c, struct wr_job *job)
{
        struct objects *objects = (struct objects *)(void *)job;

        objects->count = actor_objects_now();
        wr_control_answered(c, &objects->q);
}

static uint32_t
objects_of(struct weir *bus)
{
        struct objects objects = { .count = 0 };

        kit_ok(wr_control_do(&bus->control, &objects.q, objects_count));
        return objects.count;
}

Test(comeback, a_peer_from_the_time_of_the_first_broker_is_there_under_the_seventieth)
{
        struct kit_child broker = kit_start(kit_play_broker), reader;
        struct weir *out = kit_guest();
        struct weir_publisher *p;
        uint32_t objects;

        kit_ok(weir_publisher_open(&p, out, "t", NULL));
        reader = kit_start(play_reader);
        kit_hear(reader.line);
        objects = objects_of(out);
        for (int i = 1; i < BROKERS; i++) {
                kit_kill(&broker);
                broker = kit_start(kit_play_broker);
                kit_event(out, WEIR_BROKER_BACK);
        }
        if (kit_is_relayed()) /* to the next broker it is a new reader of a new publisher */
                kit_peers_are(out, p, 1);
        cr_assert(eq(u32, kit_publisher_info(p).peers, 1));
        for (uint64_t i = 1; i <= FRAMES; i++) { /* one by one: what came before a death is taken in any case */
                kit_ok(weir_publish(p, &i, sizeof i, NULL, KIT_SOON));
                cr_assert(eq(u64, kit_hear(reader.line), i));
        }
        cr_assert(eq(int, kit_end(&reader), 0));
        cr_assert(lt(u32, objects_of(out), objects + OBJECTS_FEW), "the lines that nobody watches are closed");
        weir_close(out);
        kit_kill(&broker);
}

/* ---- contending ---- */

static sem_t entered, let_go;
static kit_thread hanging;

/* As a broker that is given time to answer. */
static int
hang(const char *address)
{
        static wr_word32 calls;

        (void)address;
        if (wr_add32(&calls, 1) == 0)
                return WEIR_FULL; /* of weir_open(): there is one */
        hanging = kit_thread_self();
        sem_post(&entered);
        while (sem_wait(&let_go) != 0)
                ;
        return WEIR_FULL;
}

static void
play_publisher(int line)
{
        struct weir *out = kit_guest();
        struct weir_publisher *p;

        kit_ok(weir_publisher_open(&p, out, "t", NULL));
        kit_say(line, 1);
        kit_hear(line);
}

Test(comeback, who_contends_sees_deaths_meanwhile_and_can_be_closed)
{
        struct kit_child broker = kit_start(kit_play_broker), publisher = kit_start(play_publisher);
        struct weir_subscriber *s;
        struct weir *bus;

        sem_init(&entered, 0, 0);
        sem_init(&let_go, 0, 0);
        kit_hear(publisher.line);
        bus = kit_bus_named("contender", hang);
        kit_ok(weir_subscriber_open(&s, bus, "t", NULL));
        kit_kill(&broker);
        kit_must(sem_wait(&entered) == 0);
        kit_kill(&publisher);
        if (!kit_is_relayed()) /* the broker would tell it there */
                kit_event_of(bus, WEIR_LEFT, s);
        weir_close(bus); /* in the middle of it */
        cr_assert(not(kit_thread_has_ended(hanging)));
        sem_post(&let_go);
        while (!kit_thread_has_ended(hanging))
                sched_yield();
}
