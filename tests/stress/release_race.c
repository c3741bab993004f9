/* Frames and loans are given back by any thread, in any order, also behind the close, while others take and publish. */
#include "tests/stress/client_race.h"

/* ---- frames wander through threads ---- */

struct sender {
        const char *topic;
        uint64_t frames;
        struct weir *bus;
        struct weir_publisher *publisher;
};

static void *
play_sender(void *argument)
{
        struct sender *sender = argument;

        for (uint64_t number = 0; number < sender->frames; number++)
                must(race_publish(sender->publisher, number, RACE_SOON) == WEIR_OK);
        weir_publisher_close(sender->publisher);
        return NULL;
}

static bool
frames_are_given_back_by_threads_that_did_not_take_them(void)
{
        enum { SENDERS = 2, RELEASERS = 3, FRAMES = 4000, OUT = 8 };
        struct weir *from = race_bus(), *to = race_bus();
        struct sender senders[SENDERS];
        pthread_t sending[SENDERS], releasing[RELEASERS];
        struct weir_subscriber *s;
        const struct weir_frame *frame;
        const struct weir_event *event;
        struct race_queue queue;
        uint64_t taken = 0;
        enum weir_result result;

        race_queue_open(&queue);
        for (int i = 0; i < SENDERS; i++)
                senders[i] = (struct sender){ .frames = FRAMES, .publisher = race_publisher(from, "a") };
        must(weir_subscriber_open(&s, to, "a",
                                  WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE, .frames_max = OUT, .until_end = 1)) ==
             WEIR_OK);
        for (int i = 0; i < RELEASERS; i++)
                releasing[i] = race_start(race_releaser, &queue);
        for (int i = 0; i < SENDERS; i++)
                sending[i] = race_start(play_sender, &senders[i]);
        while ((result = weir_take(s, RACE_SOON, &frame)) == WEIR_OK || result == WEIR_E_HELD) {
                if (result == WEIR_OK) {
                        taken += 1;
                        race_queue_push(&queue, frame);
                } else {
                        must(weir_next(to, RACE_SOON, &event) == WEIR_OK); /* until a release is told */
                }
        }
        race_queue_end(&queue);
        for (int i = 0; i < SENDERS; i++)
                pthread_join(sending[i], NULL);
        for (int i = 0; i < RELEASERS; i++)
                pthread_join(releasing[i], NULL);
        weir_close(to);
        weir_close(from);
        return result == WEIR_ENDED && taken == SENDERS * FRAMES;
}

/* ---- everything is closed while others give back ---- */

enum { HANDS = 3, EACH = 4 };

struct hand {
        pthread_barrier_t *begin;
        const struct weir_frame *frames[EACH];
        struct weir_loan *loans[EACH];
};

static void *
play_hand(void *argument)
{
        struct hand *hand = argument;

        pthread_barrier_wait(hand->begin);
        for (int i = 0; i < EACH; i++) {
                must(race_whole(hand->frames[i]));
                weir_release(hand->frames[i]);
                weir_loan_discard(hand->loans[i]);
        }
        return NULL;
}

/* A frame, and a loan, which every fourth time is published and stays with its hand all the same. */
static void
hand_fill(struct hand *hand, unsigned place, uint64_t number, struct weir_publisher *p, struct weir_subscriber *s)
{
        const struct weir_frame *kept;
        struct weir_loan *loan;

        must(race_publish(p, number, RACE_SOON) == WEIR_OK);
        must(weir_take(s, RACE_SOON, &hand->frames[place]) == WEIR_OK);
        must(weir_lend(p, race_words(number) * 8, RACE_SOON, &loan) == WEIR_OK);
        hand->loans[place] = loan;
        if (number % 4 != 0)
                return;
        race_fill(loan->data, number);
        loan->about.tag = number;
        loan->about.flags = WEIR_KEEP;
        must(weir_loan_publish(loan) == WEIR_OK);
        must(weir_take(s, RACE_SOON, &kept) == WEIR_OK);
        must(race_whole(kept));
        weir_release(kept);
}

/* In each order in which three things may be closed; what is closed behind its bus keeps itself. */
static void
close_in_order(unsigned order, struct weir *bus, struct weir_publisher *p, struct weir_subscriber *s)
{
        static const char orders[6][3] = { "bps", "bsp", "pbs", "psb", "sbp", "spb" };

        for (int i = 0; i < 3; i++) {
                switch (orders[order % 6][i]) {
                case 'b': weir_close(bus); break;
                case 'p': weir_publisher_close(p); break;
                default: weir_subscriber_close(s); break;
                }
        }
}

static bool
everything_may_be_closed_while_others_give_back(void)
{
        enum { ROUNDS = 120 };
        pthread_barrier_t begin;
        pthread_barrier_init(&begin, NULL, HANDS + 1);
        for (unsigned round = 0; round < ROUNDS; round++) {
                struct weir *bus = race_bus();
                struct weir_publisher *p = race_publisher(bus, "b");
                struct weir_subscriber *s;
                struct hand hands[HANDS] = { { .begin = &begin }, { .begin = &begin }, { .begin = &begin } };
                pthread_t threads[HANDS];

                must(weir_subscriber_open(&s, bus, "b", WEIR_SUBSCRIBER(.frames_max = HANDS * EACH + 1)) == WEIR_OK);
                for (unsigned i = 0; i < HANDS * EACH; i++)
                        hand_fill(&hands[i / EACH], i % EACH, i, p, s);
                for (int i = 0; i < HANDS; i++)
                        threads[i] = race_start(play_hand, &hands[i]);
                pthread_barrier_wait(&begin);
                close_in_order(round, bus, p, s);
                for (int i = 0; i < HANDS; i++)
                        pthread_join(threads[i], NULL);
        }
        pthread_barrier_destroy(&begin);
        return true;
}

/* ---- endpoints that several threads call at once, while the format changes ---- */

enum { CALLERS = 3, CALLS = 1500, FORMAT_EVERY = 50 };

struct shared {
        struct weir_publisher *publisher;
        struct weir_subscriber *subscriber;
        struct race_queue queue;
        atomic_uint taken, formats;
};

static void *
play_caller(void *argument)
{
        struct shared *shared = argument;
        char type[32];

        for (uint64_t number = 0; number < CALLS; number++) {
                struct weir_format format = { type, "", NULL, 0 };

                snprintf(type, sizeof type, "number/%u", (unsigned)(number / FORMAT_EVERY % 4));
                if (number % FORMAT_EVERY == 0 && weir_set_format(shared->publisher, &format) == WEIR_OK)
                        atomic_fetch_add(&shared->formats, 1); /* else there were many changes just now */
                must(race_publish(shared->publisher, number, RACE_SOON) == WEIR_OK);
        }
        return NULL;
}

static void *
play_sharer(void *argument)
{
        struct shared *shared = argument;
        const struct weir_frame *frame;
        enum weir_result result;

        while ((result = weir_take(shared->subscriber, RACE_SOON, &frame)) == WEIR_OK || result == WEIR_E_HELD) {
                if (result == WEIR_E_HELD) {
                        sched_yield();
                        continue;
                }
                must(!frame->format || strncmp(frame->format->type, "number/", 7) == 0);
                atomic_fetch_add(&shared->taken, 1);
                race_queue_push(&shared->queue, frame);
        }
        must(result == WEIR_ENDED);
        return NULL;
}

static bool
shared_endpoints_are_called_by_several_threads_while_the_format_changes(void)
{
        struct weir *from = race_bus(), *to = race_bus();
        struct shared shared = { .publisher = NULL };
        pthread_t calling[CALLERS], sharing[CALLERS], releasing = 0;

        race_queue_open(&shared.queue);
        must(weir_publisher_open(&shared.publisher, from, "s", WEIR_PUBLISHER(.shared = 1, .memory_max = 4 << 20)) ==
             WEIR_OK);
        must(weir_subscriber_open(&shared.subscriber, to, "s",
                                  WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE, .shared = 1, .until_end = 1)) == WEIR_OK);
        releasing = race_start(race_releaser, &shared.queue);
        for (int i = 0; i < CALLERS; i++) {
                calling[i] = race_start(play_caller, &shared);
                sharing[i] = race_start(play_sharer, &shared);
        }
        for (int i = 0; i < CALLERS; i++)
                pthread_join(calling[i], NULL);
        weir_publisher_close(shared.publisher);
        for (int i = 0; i < CALLERS; i++)
                pthread_join(sharing[i], NULL);
        race_queue_end(&shared.queue);
        pthread_join(releasing, NULL);
        weir_close(to);
        weir_close(from);
        return shared.taken == CALLERS * CALLS && shared.formats > 0;
}

static const struct race_scenario scenarios[] = {
        { "frames are given back by threads that did not take them",
          frames_are_given_back_by_threads_that_did_not_take_them },
        { "everything may be closed while others give back", everything_may_be_closed_while_others_give_back },
        { "shared endpoints are called by several threads while the format changes",
          shared_endpoints_are_called_by_several_threads_while_the_format_changes },
};

int
main(void)
{
        return race_run(scenarios, sizeof scenarios / sizeof *scenarios);
}
