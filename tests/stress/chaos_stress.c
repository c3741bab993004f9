/*
 * The broker dies again and again, and comes back; publishers and subscribers are killed at random beside it. Whoever
 * is not killed has what it was promised; and all clients are back soon after a new broker began (the figures are
 * printed).
 */
#include "tests/stress/stress_kit.h"

#include <errno.h>
#include <poll.h>

enum {
        CHAOS_SECONDS = 60,
        PUBLISHERS = 3,
        RELIABLE = 2,
        STEADY = 4,
        VICTIMS = 24, /* publishers, by index behind the steady ones */
        CLIENTS = 64,
        RESTARTS = 8,
};

/* ---- chaos ---- */

static bool
is_told(int line)
{
        struct pollfd told = { .fd = line, .events = POLLIN };

        return poll(&told, 1, 0) > 0;
}

/* There may be no broker just now. */
static struct weir_publisher *
publisher_open(struct weir *bus)
{
        const struct weir_event *event;
        struct weir_publisher *p;
        enum weir_result result;

        while ((result = weir_publisher_open(&p, bus, "stress", WEIR_PUBLISHER(.memory_max = 16 << 20))) ==
               WEIR_E_NO_BROKER)
                weir_next(bus, INT64_C(100000000), &event);
        must(result == WEIR_OK);
        return p;
}

/* Publishes until it is told to end, or killed. */
static void
play_chaos_publisher(const struct role *role, int line)
{
        FILE *notes = notes_open("published", role->index, "w");
        struct weir *bus = bus_open("chaos publisher");
        uint64_t random = role->seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
        struct weir_publisher *p = publisher_open(bus);

        setvbuf(notes, NULL, _IONBF, 0);
        say(line);
        for (uint64_t sequence = 1; !is_told(line); sequence++) {
                publish_one(p, role, sequence, next_random(&random), notes);
                if (sequence % 16 == 0)
                        usleep(2000); /* a stream, and time for the others: two cores are all there may be */
        }
        weir_publisher_close(p);
        weir_close(bus);
        fclose(notes);
}

static void
broker_again(struct process *broker)
{
        slay(broker);
        usleep((useconds_t)(rand_r(&seed) % 100000));
        *broker = start(play_broker, (struct role){ 0 });
}

/* One thing after the other, for a minute; returns how many victims there were. */
static uint64_t
havoc(struct process *broker)
{
        int64_t until_ns = weir_now() + CHAOS_SECONDS * INT64_C(1000000000);
        uint64_t publishers = 0, subscribers = 0, brokers = 0;

        while (weir_now() < until_ns) {
                struct process victim;

                if (rand_r(&seed) % 3 == 0) {
                        broker_again(broker);
                        brokers += 1;
                }
                if (rand_r(&seed) % 2 == 0 && publishers < VICTIMS)
                        victim = start(play_chaos_publisher, (struct role){ .index = PUBLISHERS + publishers++ });
                else
                        victim = start(play_subscriber, (struct role){ .index = STEADY + subscribers++ % VICTIMS,
                                                                       .delivery = (uint32_t)rand_r(&seed) % 2 });
                usleep((useconds_t)(rand_r(&seed) % 600000));
                slay(&victim);
        }
        printf("# killed: %u brokers, %u publishers, %u subscribers\n", (unsigned)brokers, (unsigned)publishers,
               (unsigned)subscribers);
        return publishers;
}

static int
nothing_is_lost_in_a_minute_of_chaos(void)
{
        struct process broker = start(play_broker, (struct role){ 0 }), p[PUBLISHERS], s[STEADY];
        struct list published[PROCESSES_MAX];
        uint64_t writers;
        int failed = 0;

        for (uint64_t i = 0; i < PUBLISHERS; i++) {
                p[i] = start(play_chaos_publisher, (struct role){ .index = i });
                hear(p[i].line);
        }
        for (uint64_t i = 0; i < STEADY; i++) {
                s[i] = start(play_subscriber,
                             (struct role){ .index = i, .delivery = i < RELIABLE ? WEIR_RELIABLE : WEIR_LOSSY });
                hear(s[i].line);
        }
        writers = PUBLISHERS + havoc(&broker);
        for (uint64_t i = 0; i < PUBLISHERS; i++)
                say(p[i].line);
        for (uint64_t i = 0; i < PUBLISHERS; i++)
                failed += finish(&p[i]);
        for (uint64_t i = 0; i < writers; i++)
                published[i] = read_notes("published", i);
        for (uint64_t i = 0; i < STEADY; i++) {
                struct check check = { published, writers, i < RELIABLE, 0, 0 };

                failed += finish(&s[i]);
                failed += check_subscriber(&check, i);
                failed += check_tail(&check, i, PUBLISHERS);
        }
        for (uint64_t i = 0; i < writers; i++)
                free(published[i].notes);
        slay(&broker);
        return failed;
}

/* ---- coming back ---- */

/* Half of them publish, and half subscribe; each says when it was back. */
static void
play_client(const struct role *role, int line)
{
        struct weir *bus = bus_open("client");
        const struct weir_event *event;
        struct weir_publisher *p;
        struct weir_subscriber *s;
        char topic[32];
        int64_t now_ns;

        snprintf(topic, sizeof topic, "back/%u", (unsigned)(role->index / 2));
        if (role->index % 2)
                must(weir_publisher_open(&p, bus, topic, WEIR_PUBLISHER(.memory_max = 1 << 20)) == WEIR_OK);
        else
                must(weir_subscriber_open(&s, bus, topic, NULL) == WEIR_OK);
        say(line);
        while (weir_next(bus, SOON, &event) == WEIR_OK) {
                now_ns = weir_now();
                if (event->kind == WEIR_BROKER_BACK)
                        must(write(line, &now_ns, sizeof now_ns) == sizeof now_ns);
        }
}

static int
all_clients_come_back_to_a_new_broker(void)
{
        static int64_t took_ns[CLIENTS * RESTARTS];
        struct process broker = start(play_broker, (struct role){ 0 }), clients[CLIENTS];
        size_t count = 0;

        for (uint64_t i = 0; i < CLIENTS; i++) {
                clients[i] = start(play_client, (struct role){ .index = i });
                hear(clients[i].line);
        }
        for (int time = 0; time < RESTARTS; time++) {
                int64_t from_ns, back_ns;

                slay(&broker);
                usleep((useconds_t)(rand_r(&seed) % 300000)); /* so that their pauses have grown */
                from_ns = weir_now();
                broker = start(play_broker, (struct role){ 0 });
                for (uint64_t i = 0; i < CLIENTS; i++) {
                        must(read(clients[i].line, &back_ns, sizeof back_ns) == sizeof back_ns);
                        took_ns[count++] = back_ns - from_ns;
                }
        }
        qsort(took_ns, count, sizeof *took_ns, by_size);
        printf("# %d clients, %d restarts, back after: p50 %.1f ms, p99 %.1f ms, max %.1f ms\n", CLIENTS, RESTARTS,
               (double)took_ns[count / 2] / 1e6, (double)took_ns[count * 99 / 100] / 1e6,
               (double)took_ns[count - 1] / 1e6);
        for (uint64_t i = 0; i < CLIENTS; i++)
                slay(&clients[i]);
        slay(&broker);
        return 0;
}

static const struct scenario scenarios[] = {
        { "all clients come back to a new broker", all_clients_come_back_to_a_new_broker },
        { "nothing is lost in a minute of chaos", nothing_is_lost_in_a_minute_of_chaos },
};

int
main(void)
{
        return play_all(scenarios, sizeof scenarios / sizeof *scenarios);
}
