/*
 * 1 000 topics and 4 000 subscriptions on one broker: how long an attach takes, and whether the last takes longer than
 * the first. Then a frame on each topic, for event loops with more lanes than one call of the kernel sleeps on.
 */
#include "tests/stress/many_kit.h"

enum {
        TOPICS = 1000,
        SUBSCRIPTIONS = 4000,
        WRITERS = 4, /* processes */
        READERS = 16,
        OWN_TOPICS = TOPICS / WRITERS,
        OWN_SUBSCRIPTIONS = SUBSCRIPTIONS / READERS,
        TENTH = SUBSCRIPTIONS / 10,
};

static const char wide_policy[] = "[quota]\n"
                                  "lanes = 1000\n"
                                  "subscriptions = 4000\n"
                                  "messages_per_second = 1000000\n";

/* `index` of `count`, spread over all topics, so that the readers of a topic are in processes of their own. */
static const char *
topic_name(char name[32], uint64_t number)
{
        snprintf(name, 32, "many/%u", (unsigned)(number % TOPICS));
        return name;
}

static void
play_writer(uint64_t index, int line)
{
        static struct weir_publisher *p[OWN_TOPICS];
        struct weir *bus = bus_open("many writer", address);
        char name[32];

        for (uint64_t i = 0; i < OWN_TOPICS; i++)
                must(weir_publisher_open(&p[i], bus, topic_name(name, index * OWN_TOPICS + i),
                                         WEIR_PUBLISHER(.memory_max = 1 << 20)) == WEIR_OK);
        say(line, 1);
        hear(line);
        for (uint64_t i = 0; i < OWN_TOPICS; i++) {
                uint64_t number = index * OWN_TOPICS + i;

                must(weir_publish(p[i], &number, sizeof number, NULL, SOON) == WEIR_OK);
        }
        hear(line);
        weir_close(bus);
}

/* One event loop over all subscriptions, which are more than one call of the kernel sleeps on. */
static void
take_one_of_each(struct weir *bus)
{
        const struct weir_frame *frame;
        const struct weir_event *event;
        char name[32];

        for (unsigned taken = 0; taken < OWN_SUBSCRIPTIONS;) {
                must(weir_next(bus, SOON, &event) == WEIR_OK);
                while (event->kind == WEIR_FRAMES && weir_take(event->subscriber, WEIR_NOW, &frame) == WEIR_OK) {
                        must(frame->size == 8 && frame->sequence == 1 && frame->lost == 0);
                        must(strcmp(topic_name(name, *(const uint64_t *)frame->data), event->topic) == 0);
                        weir_release(frame);
                        taken += 1;
                }
        }
}

static void
play_reader(uint64_t index, int line)
{
        struct weir *bus = bus_open("many reader", address);
        struct weir_info info = { .size = sizeof info };
        struct weir_subscriber *s;
        char name[32];

        hear(line); /* one process after the other, so that it is the broker that is measured and not the queue */
        for (uint64_t i = 0; i < OWN_SUBSCRIPTIONS; i++) {
                int64_t began_ns = weir_now();

                must(weir_subscriber_open(&s, bus, topic_name(name, index * OWN_SUBSCRIPTIONS + i), NULL) == WEIR_OK);
                say(line, (uint64_t)(weir_now() - began_ns));
                must(weir_subscriber_info(s, &info) == WEIR_OK && info.peers == 1);
        }
        hear(line);
        say(line, 1);
        take_one_of_each(bus);
        say(line, 1);
        hear(line);
        weir_close(bus);
}

static uint64_t
median_of(const uint64_t *values)
{
        uint64_t sorted[TENTH];

        memcpy(sorted, values, sizeof sorted);
        qsort(sorted, TENTH, sizeof *sorted, by_size);
        return sorted[TENTH / 2];
}

/* 1: the last were attached so much slower than the first that something looks at all there are. */
static int
tell_attach(uint64_t *attach_ns)
{
        uint64_t first = median_of(attach_ns), last = median_of(attach_ns + SUBSCRIPTIONS - TENTH);

        qsort(attach_ns, SUBSCRIPTIONS, sizeof *attach_ns, by_size);
        printf("# attach: p50 %.0f us, p99 %.0f us, max %.0f us; median of the first tenth %.0f, of the last %.0f us\n",
               (double)attach_ns[SUBSCRIPTIONS / 2] / 1e3, (double)attach_ns[SUBSCRIPTIONS * 99 / 100] / 1e3,
               (double)attach_ns[SUBSCRIPTIONS - 1] / 1e3, (double)first / 1e3, (double)last / 1e3);
        return last > 5 * first;
}

static void
say_all(const struct process *processes, unsigned count)
{
        for (unsigned i = 0; i < count; i++)
                say(processes[i].line, 1);
}

static int
a_thousand_topics(void)
{
        static uint64_t attach_ns[SUBSCRIPTIONS];
        struct process broker, w[WRITERS], r[READERS];
        int64_t began_ns;
        int failed = 0;

        descriptors = MANY_DESCRIPTORS; /* a lane is a descriptor of the broker's */
        broker = broker_start(wide_policy);
        for (uint64_t i = 0; i < WRITERS; i++)
                w[i] = start(play_writer, i);
        hear_all(w, WRITERS, broker.pid);
        descriptors = 1024;
        for (uint64_t i = 0; i < READERS; i++)
                r[i] = start(play_reader, i);
        for (uint64_t i = 0; i < READERS; i++) {
                say(r[i].line, 1);
                for (uint64_t n = 0; n < OWN_SUBSCRIPTIONS; n++)
                        attach_ns[i * OWN_SUBSCRIPTIONS + n] = hear(r[i].line);
        }
        failed += tell_attach(attach_ns);
        failed += tell_sizes("writer of 250 topics", w, WRITERS);
        failed += tell_sizes("reader of 250 topics", r, READERS);
        descriptors = MANY_DESCRIPTORS;
        failed += tell_sizes("broker", &broker, 1);
        say_all(r, READERS);
        hear_all(r, READERS, broker.pid);
        began_ns = weir_now();
        say_all(w, WRITERS);
        hear_all(r, READERS, broker.pid);
        printf("# a frame on each topic was taken by all %d in %.0f ms\n", SUBSCRIPTIONS,
               (double)(weir_now() - began_ns) / 1e6);
        say_all(w, WRITERS);
        say_all(r, READERS);
        for (unsigned i = 0; i < WRITERS; i++)
                failed += finish(&w[i]);
        for (unsigned i = 0; i < READERS; i++)
                failed += finish(&r[i]);
        slay(&broker);
        return failed;
}

int
main(void)
{
        return many_run("1 000 topics and 4 000 subscriptions on one broker", a_thousand_topics);
}
