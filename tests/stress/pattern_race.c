/* A pattern whose topics come and go, while frames of them are given back by others, and others watch and ask. */
#include "tests/stress/client_race.h"

enum { COMERS = 3, ROUNDS = 40, FRAMES = 12, RELEASERS = 2, OUT = 16 };

struct comer {
        struct weir *bus;
        unsigned number;
};

/* Topics of the same names again and again: a name may go while the next lane of it is on its way. */
static void *
play_comer(void *argument)
{
        const struct comer *comer = argument;

        for (unsigned round = 0; round < ROUNDS; round++) {
                struct weir_publisher *p;
                char topic[32];

                snprintf(topic, sizeof topic, "t/%u/%u", comer->number, round % 3);
                p = race_publisher(comer->bus, topic);
                for (uint64_t number = 0; number < FRAMES; number++)
                        must(race_publish(p, number, RACE_SOON) == WEIR_OK);
                weir_publisher_close(p);
        }
        return NULL;
}

struct onlooker {
        struct weir *bus;
        uint64_t joined, left;
};

/* Until everybody who came has gone again. */
static void *
play_watcher(void *argument)
{
        struct onlooker *onlooker = argument;
        const struct weir_event *event;

        while (onlooker->left < COMERS * ROUNDS) {
                must(weir_next(onlooker->bus, RACE_SOON, &event) == WEIR_OK);
                must(strncmp(event->topic, "t/", 2) == 0 && event->text[0] != '\0');
                onlooker->joined += event->kind == WEIR_JOINED && event->role == WEIR_SEAT_PUBLISHER;
                onlooker->left += event->kind == WEIR_LEFT;
        }
        return NULL;
}

struct asker {
        struct weir *bus;
        struct weir_subscriber *subscriber;
        atomic_uint_least64_t source;
        atomic_bool is_over;
};

/* Asks who published the last frame, changes what is watched, and reads the figures. */
static void *
play_asker(void *argument)
{
        struct asker *asker = argument;
        struct weir_peer peer = { .size = sizeof peer };
        struct weir_info info = { .size = sizeof info };

        while (!atomic_load(&asker->is_over)) {
                enum weir_result result = weir_peer(asker->bus, atomic_load(&asker->source), &peer);

                must(result == WEIR_OK || result == WEIR_E_CLOSED);
                must(weir_subscriber_info(asker->subscriber, &info) == WEIR_OK);
                must(weir_watch(asker->bus, "x/*") == WEIR_OK);
                must(weir_watch(asker->bus, NULL) == WEIR_OK);
        }
        return NULL;
}

static uint64_t
take_all(struct weir *bus, struct weir_subscriber *s, struct race_queue *queue, struct asker *asker)
{
        const struct weir_frame *frame;
        const struct weir_event *event;
        uint64_t taken = 0;

        while (taken < COMERS * ROUNDS * FRAMES) {
                enum weir_result result = weir_take(s, RACE_SOON, &frame);

                if (result == WEIR_OK) {
                        must(strncmp(frame->topic, "t/", 2) == 0);
                        atomic_store(&asker->source, frame->source);
                        taken += 1;
                        race_queue_push(queue, frame);
                } else {
                        must(result == WEIR_E_HELD);
                        must(weir_next(bus, RACE_SOON, &event) == WEIR_OK);
                }
        }
        return taken;
}

static bool
topics_come_and_go_under_a_pattern_while_others_give_back_watch_and_ask(void)
{
        struct weir *from = race_bus(), *to = race_bus();
        struct onlooker onlooker = { .bus = race_bus() };
        struct asker asker = { .bus = to };
        struct comer comers[COMERS];
        pthread_t coming[COMERS], releasing[RELEASERS], watching, asking;
        struct weir_subscriber *s;
        struct race_queue queue;
        uint64_t taken;

        race_queue_open(&queue);
        must(weir_watch(onlooker.bus, "t/**") == WEIR_OK);
        must(weir_subscriber_open(&s, to, "t/**", WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE, .frames_max = OUT)) ==
             WEIR_OK);
        asker.subscriber = s;
        for (int i = 0; i < RELEASERS; i++)
                releasing[i] = race_start(race_releaser, &queue);
        watching = race_start(play_watcher, &onlooker);
        asking = race_start(play_asker, &asker);
        for (unsigned i = 0; i < COMERS; i++) {
                comers[i] = (struct comer){ .bus = from, .number = i };
                coming[i] = race_start(play_comer, &comers[i]);
        }
        taken = take_all(to, s, &queue, &asker);
        for (int i = 0; i < COMERS; i++)
                pthread_join(coming[i], NULL);
        pthread_join(watching, NULL);
        atomic_store(&asker.is_over, true);
        pthread_join(asking, NULL);
        race_queue_end(&queue);
        for (int i = 0; i < RELEASERS; i++)
                pthread_join(releasing[i], NULL);
        weir_close(onlooker.bus);
        weir_close(to);
        weir_close(from);
        return taken == COMERS * ROUNDS * FRAMES && onlooker.joined == COMERS * ROUNDS;
}

static const struct race_scenario scenarios[] = {
        { "topics come and go under a pattern while others give back, watch and ask",
          topics_come_and_go_under_a_pattern_while_others_give_back_watch_and_ask },
};

int
main(void)
{
        return race_run(scenarios, sizeof scenarios / sizeof *scenarios);
}
