/* What a client keeps, and what it still does, while its broker is gone and when another one has come. */
#include "clients/c/bus.h"
#include "named-objects/watch.h"
#include "tests/contract/weir_kit.h"

#ifndef _WIN32
#        include <dirent.h>
#        include <sched.h>
#        include <semaphore.h>
#        include <sys/un.h>
#endif

TestSuite(comeback, .fini = kit_clean, .timeout = 100);

/* ---- the life-lines of brokers before ---- */

enum { BROKERS = 70, FRAMES = 10 };

#ifdef _WIN32
enum { OBJECTS_FEW = 1000 }; /* of the whole process: a thread has no table of its own */
#else
enum { OBJECTS_FEW = 20 };
#endif

static void
play_reader(int line)
{
        struct weir *in = kit_guest();
        struct weir_subscriber *s;

        kit_ok(weir_subscriber_open(&s, in, "t", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)));
        kit_say(line, 1);
        for (uint64_t i = 1; i <= FRAMES; i++) {
                const struct weir_frame *frame = kit_take(s);

                kit_must(frame->sequence == i);
                weir_release(frame);
                kit_say(line, i);
        }
        weir_close(in);
}

struct objects {
        struct wr_question q;
        uint32_t count;
};

static void
objects_count(struct wr_control *c, struct wr_job *job)
{
        struct objects *objects = (struct objects *)(void *)job;

        objects->count = wr_watch_objects_now();
        wr_control_answered(c, &objects->q);
}

Test(comeback, a_peer_from_the_time_of_the_first_broker_is_there_under_the_seventieth)
{
        struct kit_child broker = kit_start(kit_play_broker), reader;
        struct weir *out = kit_guest();
        struct objects objects = { .count = 0 };
        struct weir_publisher *p;

        kit_ok(weir_publisher_open(&p, out, "t", NULL));
        reader = kit_start(play_reader);
        kit_hear(reader.line);
        for (int i = 1; i < BROKERS; i++) {
                kit_kill(&broker);
                broker = kit_start(kit_play_broker);
                kit_event(out, WEIR_BROKER_BACK);
        }
        cr_assert(eq(u32, kit_publisher_info(p).peers, 1));
        for (uint64_t i = 1; i <= FRAMES; i++) { /* one by one: what came before a death is taken in any case */
                kit_ok(weir_publish(p, &i, sizeof i, NULL, KIT_SOON));
                cr_assert(eq(u64, kit_hear(reader.line), i));
        }
        cr_assert(eq(int, kit_end(&reader), 0));
        kit_ok(wr_control_do(&out->control, &objects.q, objects_count));
        cr_assert(lt(u32, objects.count, OBJECTS_FEW), "the lines that nobody watches are closed");
        weir_close(out);
        kit_kill(&broker);
}

#ifndef _WIN32 /* /proc, a fork and sockets */
/* ---- contending ---- */

static sem_t entered, let_go;

/* As a broker that is given time to answer. */
static int
hang(const char *address)
{
        static wr_word32 calls;

        (void)address;
        if (wr_add32(&calls, 1) == 0)
                return WEIR_FULL; /* of weir_open(): there is one */
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

static unsigned
threads_count(void)
{
        DIR *tasks = opendir("/proc/self/task");
        unsigned count = 0;

        kit_must(tasks);
        while (readdir(tasks))
                count += 1;
        closedir(tasks);
        return count;
}

Test(comeback, who_contends_sees_deaths_meanwhile_and_can_be_closed)
{
        struct kit_child broker = kit_start(kit_play_broker), publisher = kit_start(play_publisher);
        unsigned threads = threads_count();
        const struct weir_event *event;
        const struct weir_frame *frame;
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
        do {
                kit_ok(weir_next(bus, KIT_SOON, &event));
                if (event->kind == WEIR_FRAMES)
                        cr_assert(eq(int, weir_take(s, WEIR_NOW, &frame), WEIR_EMPTY));
        } while (event->kind != WEIR_LEFT);
        weir_close(bus); /* in the middle of it */
        cr_assert(gt(uint, threads_count(), threads));
        sem_post(&let_go);
        while (threads_count() > threads)
                sched_yield();
}

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

Test(comeback, a_child_that_is_forked_while_a_thread_contends_can_embed)
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
#endif
