/*
 * What the races of libweir have in common. Each runs in one process: a broker, publishers and subscribers, and threads
 * beside them that do all that weir.h lets any thread do. They run plainly and under TSan.
 *
 * Each lane is mapped twice then, by its publisher and by its subscriber. TSan takes that for two memories and sees no
 * race between them (lane_race.c is about those); what it sees is the library's own structures. Its notion of files is
 * kept away from it (race_files.c), and so is that what is sent over them orders threads. A report of a thread with a
 * descriptor table of its own cannot come out on stderr: ./dev tsan asks for it in a file.
 *
 * Who waits in vain hangs the program, and the runner's timeout reports it.
 */
#ifndef WR_TEST_CLIENT_RACE_H
#define WR_TEST_CLIENT_RACE_H

#include "tests/stress/must.h"

#include <weir/broker.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#define RACE_SOON (INT64_C(120) * 1000000000)
const char *
__tsan_default_options(void);

/* Called by TSan before anything else. */
const char *
__tsan_default_options(void)
{
        return "io_sync=0";
}

static char race_folder[64], race_address[80];

static STRESS_UNUSED struct weir *
race_bus(void)
{
        struct weir *bus;

        must(weir_open(&bus, WEIR_OPTIONS(.address = race_address)) == WEIR_OK);
        return bus;
}

static STRESS_UNUSED struct weir_publisher *
race_publisher(struct weir *bus, const char *topic)
{
        struct weir_publisher *publisher;

        must(weir_publisher_open(&publisher, bus, topic, WEIR_PUBLISHER(.memory_max = 2 << 20)) == WEIR_OK);
        return publisher;
}

static STRESS_UNUSED pthread_t
race_start(void *(*play)(void *), void *argument)
{
        pthread_t thread;

        must(pthread_create(&thread, NULL, play, argument) == 0);
        return thread;
}

/* ---- payloads: small ones and blocks, each word made from the number of the frame ---- */

enum { RACE_WORDS_MAX = 1024, RACE_BLOCK_EVERY = 3 };

static STRESS_UNUSED uint64_t
race_words(uint64_t number)
{
        return number % RACE_BLOCK_EVERY == 0 ? 600 + number % (RACE_WORDS_MAX - 600) : 1 + number % 40;
}

static STRESS_UNUSED uint64_t
race_word(uint64_t number, uint64_t i)
{
        return (number + 1) * UINT64_C(0x9e3779b97f4a7c15) + i;
}

static STRESS_UNUSED void
race_fill(uint64_t *words, uint64_t number)
{
        for (uint64_t i = 0; i < race_words(number); i++)
                words[i] = race_word(number, i);
}

static STRESS_UNUSED bool
race_whole(const struct weir_frame *frame)
{
        const uint64_t *words = frame->data;
        uint64_t number = frame->about.tag, count = race_words(number);

        if (frame->size != count * 8)
                return false;
        for (uint64_t i = 0; i < count; i++)
                if (words[i] != race_word(number, i))
                        return false;
        return true;
}

/* By copy, or as a loan. */
static STRESS_UNUSED enum weir_result
race_publish(struct weir_publisher *p, uint64_t number, int64_t timeout_ns)
{
        struct weir_about about = { .tag = number };
        struct weir_loan *loan;
        uint64_t words[RACE_WORDS_MAX];
        enum weir_result result;

        if (number % 2 == 0) {
                race_fill(words, number);
                return weir_publish(p, words, race_words(number) * 8, &about, timeout_ns);
        }
        result = weir_lend(p, race_words(number) * 8, timeout_ns, &loan);
        if (result != WEIR_OK)
                return result;
        race_fill(loan->data, number);
        loan->about = about;
        return weir_loan_publish(loan);
}

/* ---- threads that give back what others took ---- */

enum { RACE_QUEUE = 64 };

struct race_queue {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        const struct weir_frame *frames[RACE_QUEUE];
        unsigned first, count;
        bool over;
};

static STRESS_UNUSED void
race_queue_open(struct race_queue *queue)
{
        memset(queue, 0, sizeof *queue);
        pthread_mutex_init(&queue->lock, NULL);
        pthread_cond_init(&queue->changed, NULL);
}

static STRESS_UNUSED void
race_queue_push(struct race_queue *queue, const struct weir_frame *frame)
{
        pthread_mutex_lock(&queue->lock);
        must(queue->count < RACE_QUEUE);
        queue->frames[(queue->first + queue->count++) % RACE_QUEUE] = frame;
        pthread_cond_signal(&queue->changed);
        pthread_mutex_unlock(&queue->lock);
}

/* NULL: it is over. */
static STRESS_UNUSED const struct weir_frame *
race_queue_pop(struct race_queue *queue)
{
        const struct weir_frame *frame = NULL;

        pthread_mutex_lock(&queue->lock);
        while (queue->count == 0 && !queue->over)
                pthread_cond_wait(&queue->changed, &queue->lock);
        if (queue->count > 0) {
                frame = queue->frames[queue->first++ % RACE_QUEUE];
                queue->count -= 1;
        }
        pthread_mutex_unlock(&queue->lock);
        return frame;
}

static STRESS_UNUSED void
race_queue_end(struct race_queue *queue)
{
        pthread_mutex_lock(&queue->lock);
        queue->over = true;
        pthread_cond_broadcast(&queue->changed);
        pthread_mutex_unlock(&queue->lock);
}

/* Looks, copies some, gives back. */
static STRESS_UNUSED void *
race_releaser(void *argument)
{
        uint64_t words[RACE_WORDS_MAX];
        const struct weir_frame *frame;

        while ((frame = race_queue_pop(argument))) {
                must(race_whole(frame));
                if (frame->about.tag % 4 == 0)
                        must(weir_copy(frame, words, sizeof words) == WEIR_OK);
                weir_release(frame);
        }
        return NULL;
}

/* ---- scenarios ---- */

struct race_scenario {
        const char *sentence;
        bool (*play)(void);
};

/* A broker for all of them, which is as patient as they are quick. Its thread ends with the process. */
static STRESS_UNUSED void
race_broker(void)
{
        char policy[96];
        FILE *file;

        strcpy(race_folder, "/tmp/weir-race-XXXXXX");
        must(mkdtemp(race_folder));
        snprintf(race_address, sizeof race_address, "%s/bus", race_folder);
        snprintf(policy, sizeof policy, "%s/policy.conf", race_folder);
        file = fopen(policy, "w");
        must(file && fputs("[quota]\nmessages_per_second = 1000000\n", file) >= 0 && fclose(file) == 0);
        must(weir_broker_embed_with(&(struct weir_broker_options){ .size = sizeof(struct weir_broker_options),
                                                                   .address = race_address,
                                                                   .config = policy }) == WEIR_OK);
}

static STRESS_UNUSED int
race_run(const struct race_scenario *scenarios, size_t count)
{
        int failures = 0;

        race_broker();
        printf("1..%zu\n", count);
        for (size_t i = 0; i < count; i++) {
                bool held = scenarios[i].play();

                printf("%sok %zu - %s\n", held ? "" : "not ", i + 1, scenarios[i].sentence);
                fflush(stdout);
                failures += !held;
        }
        folder_remove(race_folder);
        return failures != 0;
}

#endif
