/*
 * What a publisher pays for each of its subscribers, which are in another process, on another processor. A program of
 * its own, since `weir bench` compares pairs:
 *
 *      fanout-bench [--json]
 *
 * ns for one publish of 32 bytes, with 1 to 64 subscribers that
 *
 *      paused   are awake and look at nothing: what the look at their words costs, one line each
 *      taking   are awake and take every frame, on one processor in turn
 *      stopped  sleep, were woken once, and cannot run: no wake is due, so it is to cost what `paused` does
 *      asleep   all sleep, each in a thread of its own, and are woken by this one frame
 *
 * Medians of batches, of single frames for `asleep`.
 */
#include <weir/broker.h>
#include <weir/weir.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
        SUBSCRIBERS_MAX = 64,
        PAYLOAD_BYTES = 32,
        BATCH = 500,
        BATCHES = 201,
        WAKES = 41,
};
#define SOON (INT64_C(30) * 1000000000)

enum { PAUSED, TAKING, STOPPED, ASLEEP, MODES };

static const char *const mode_names[MODES] = { "paused", "taking", "stopped", "asleep" };
static const uint32_t counts[] = { 1, 4, 16, 64 };

enum { COUNTS = sizeof counts / sizeof *counts };

/* Shared by the publisher's and the subscribers' process. */
struct board {
        atomic_int mode; /* TAKING: take; ASLEEP: threads take and sleep; else look at nothing */
        atomic_uint ready;
        atomic_uint tasks[SUBSCRIBERS_MAX];
};

static struct board *board;
static char folder[64], address[80], lock[96], config[96];

static void
must(bool condition, const char *what)
{
        if (condition)
                return;
        fprintf(stderr, "fanout-bench: %s: %s\n", what, weir_error());
        exit(1);
}

static int64_t
now_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* The first or the last processor that this process may use. */
static void
pin(bool last)
{
        cpu_set_t allowed, one;
        size_t chosen = CPU_SETSIZE;

        if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
                return;
        for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
                if (CPU_ISSET(cpu, &allowed) && (last || chosen == CPU_SETSIZE))
                        chosen = cpu;
        CPU_ZERO(&one);
        CPU_SET(chosen, &one);
        sched_setaffinity(0, sizeof one, &one);
}

static struct weir *
bus_open(const char *name)
{
        struct weir *bus;

        must(weir_open(&bus, WEIR_OPTIONS(.name = name, .address = address, .open_timeout_ns = SOON)) == WEIR_OK,
             "open");
        return bus;
}

static pid_t
start(void (*play)(uint32_t count), uint32_t count)
{
        pid_t child = fork();

        must(child >= 0, "fork");
        if (child == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                play(count);
                _exit(0);
        }
        return child;
}

static void
end(pid_t child)
{
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
}

static void
play_broker(uint32_t count)
{
        (void)count;
        if (!freopen("/dev/null", "w", stderr))
                return;
        weir_broker_run(&(struct weir_broker_options){
                .size = sizeof(struct weir_broker_options), .address = address, .config = config });
}

/* ---- the subscribers ---- */

struct sleeper {
        struct weir_subscriber *s;
        uint32_t index;
        pthread_t thread;
};

static void *
play_sleeper(void *argument)
{
        const struct sleeper *sleeper = argument;
        const struct weir_frame *frame;

        atomic_store(&board->tasks[sleeper->index], (unsigned)gettid());
        while (weir_take(sleeper->s, WEIR_FOREVER, &frame) == WEIR_OK)
                weir_release(frame);
        return NULL;
}

static void
take_all(struct weir_subscriber *const *s, uint32_t count)
{
        const struct weir_frame *frame;

        for (uint32_t i = 0; i < count; i++)
                while (weir_take(s[i], WEIR_NOW, &frame) == WEIR_OK)
                        weir_release(frame);
}

/* Each has a bus of its own, as processes of their own would. */
static void
play_subscribers(uint32_t count)
{
        struct weir_subscriber *s[SUBSCRIBERS_MAX];
        struct sleeper sleepers[SUBSCRIBERS_MAX];
        int mode;

        pin(true);
        for (uint32_t i = 0; i < count; i++)
                must(weir_subscriber_open(&s[i], bus_open("fanout subscriber"), "fanout",
                                          WEIR_SUBSCRIBER(.spin_ns = -1)) == WEIR_OK,
                     "subscribe");
        atomic_store(&board->ready, count);
        while ((mode = atomic_load(&board->mode)) != ASLEEP) {
                if (mode == TAKING)
                        take_all(s, count);
                else
                        sched_yield();
        }
        for (uint32_t i = 0; i < count; i++) {
                sleepers[i] = (struct sleeper){ .s = s[i], .index = i };
                must(pthread_create(&sleepers[i].thread, NULL, play_sleeper, &sleepers[i]) == 0, "thread");
        }
        for (;;)
                pause();
}

static void
until_asleep(pid_t process, uint32_t count)
{
        for (uint32_t i = 0; i < count; i++) {
                char path[64], state = 'R';

                while (atomic_load(&board->tasks[i]) == 0)
                        sched_yield();
                snprintf(path, sizeof path, "/proc/%d/task/%u/stat", (int)process, atomic_load(&board->tasks[i]));
                while (state != 'S') {
                        FILE *file = fopen(path, "re");

                        must(file && fscanf(file, "%*d (%*[^)]) %c", &state) == 1, "look at a thread");
                        fclose(file);
                }
        }
}

/* ---- the publisher ---- */

static int
by_size(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static double
median(double *values, size_t count)
{
        qsort(values, count, sizeof *values, by_size);
        return values[count / 2];
}

static void
publish(struct weir_publisher *p)
{
        static const uint8_t payload[PAYLOAD_BYTES];

        must(weir_publish(p, payload, sizeof payload, NULL, SOON) == WEIR_OK, "publish");
}

static double
in_batches(struct weir_publisher *p)
{
        double took_ns[BATCHES];

        for (int batch = 0; batch < BATCHES; batch++) {
                int64_t began_ns = now_ns();

                for (int i = 0; i < BATCH; i++)
                        publish(p);
                took_ns[batch] = (double)(now_ns() - began_ns) / BATCH;
        }
        return median(took_ns, BATCHES);
}

static double
waking_all(struct weir_publisher *p, pid_t subscribers, uint32_t count)
{
        double took_ns[WAKES];

        for (int wake = 0; wake < WAKES; wake++) {
                int64_t began_ns;

                until_asleep(subscribers, count);
                began_ns = now_ns();
                publish(p);
                took_ns[wake] = (double)(now_ns() - began_ns);
        }
        return median(took_ns, WAKES);
}

static void
until_joined(struct weir *bus, struct weir_publisher *p, uint32_t count)
{
        struct weir_info info = { .size = sizeof info };
        const struct weir_event *event;

        do
                must(weir_publisher_info(p, &info) == WEIR_OK, "look");
        while (info.peers < count && weir_next(bus, SOON, &event) == WEIR_OK);
        must(info.peers == count, "wait for the subscribers");
}

static void
measure(uint32_t count, double figures[MODES])
{
        struct weir_publisher *p;
        struct weir *bus;
        pid_t subscribers;

        memset(board, 0, sizeof *board);
        subscribers = start(play_subscribers, count);
        bus = bus_open("fanout publisher");
        must(weir_publisher_open(&p, bus, "fanout", WEIR_PUBLISHER(.memory_max = 4 << 20)) == WEIR_OK, "publish");
        while (atomic_load(&board->ready) < count)
                sched_yield();
        until_joined(bus, p, count);
        figures[PAUSED] = in_batches(p);
        atomic_store(&board->mode, TAKING);
        figures[TAKING] = in_batches(p);
        atomic_store(&board->mode, ASLEEP);
        figures[ASLEEP] = waking_all(p, subscribers, count);
        until_asleep(subscribers, count);
        kill(subscribers, SIGSTOP);
        publish(p);
        figures[STOPPED] = in_batches(p);
        end(subscribers);
        weir_close(bus);
}

/* ---- the report ---- */

/* What each subscriber more costs, from the first count to the last. */
static double
slope(double figures[COUNTS][MODES], int mode)
{
        return (figures[COUNTS - 1][mode] - figures[0][mode]) / (counts[COUNTS - 1] - counts[0]);
}

static void
report_json(double figures[COUNTS][MODES])
{
        printf("{\"case\": \"fanout\", \"unit\": \"ns\", \"payload_bytes\": %d, \"results\": [", PAYLOAD_BYTES);
        for (int i = 0; i < COUNTS; i++) {
                printf("%s\n  {\"subscribers\": %u", i ? "," : "", counts[i]);
                for (int mode = 0; mode < MODES; mode++)
                        printf(", \"%s\": %.1f", mode_names[mode], figures[i][mode]);
                printf("}");
        }
        printf("\n], \"each\": {");
        for (int mode = 0; mode < MODES; mode++)
                printf("%s\"%s\": %.2f", mode ? ", " : "", mode_names[mode], slope(figures, mode));
        printf("}}\n");
}

static void
report_table(double figures[COUNTS][MODES])
{
        printf("ns for one publish of %d bytes\n\n%-12s", PAYLOAD_BYTES, "subscribers");
        for (int mode = 0; mode < MODES; mode++)
                printf("%12s", mode_names[mode]);
        for (int i = 0; i < COUNTS; i++) {
                printf("\n%-12u", counts[i]);
                for (int mode = 0; mode < MODES; mode++)
                        printf("%12.1f", figures[i][mode]);
        }
        printf("\n%-12s", "each");
        for (int mode = 0; mode < MODES; mode++)
                printf("%12.2f", slope(figures, mode));
        printf("\n");
}

int
main(int argc, char **argv)
{
        double figures[COUNTS][MODES];
        pid_t broker;
        FILE *policy;
        bool json = argc == 2 && strcmp(argv[1], "--json") == 0;

        if (argc > 1 && !json) {
                fprintf(stderr, "usage: fanout-bench [--json]\n");
                return 2;
        }
        board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        must(board != MAP_FAILED, "share memory");
        strcpy(folder, "/tmp/weir-fanout-XXXXXX");
        must(mkdtemp(folder) != NULL, "make a folder");
        snprintf(address, sizeof address, "%s/bus", folder);
        snprintf(lock, sizeof lock, "%s.lock", address);
        snprintf(config, sizeof config, "%s/policy.conf", folder);
        policy = fopen(config, "we");
        must(policy && fprintf(policy, "[quota]\nconnections = %d\n", 2 * SUBSCRIBERS_MAX) > 0 && fclose(policy) == 0,
             "write a policy");
        broker = start(play_broker, 0);
        pin(false);
        for (int i = 0; i < COUNTS; i++)
                measure(counts[i], figures[i]);
        end(broker);
        unlink(address);
        unlink(lock);
        unlink(config);
        rmdir(folder);
        (json ? report_json : report_table)(figures);
        return 0;
}
