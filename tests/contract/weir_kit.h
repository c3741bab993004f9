/*
 * What the tests of libweir have in common: a broker of their own per test, child processes that play the other end,
 * and words between them over a socket pair. No sleeps: whoever waits, waits for a word or for the bus.
 */
#ifndef WEIR_KIT_H
#define WEIR_KIT_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weir/broker.h>
#include <weir/weir.h>

#define KIT_UNUSED __attribute__((unused))
#define KIT_SOON   (INT64_C(20) * 1000000000) /* longer than any test may take: a wait that ends so has failed */

static char kit_folder[64], kit_place[80];

/* Where this test's broker listens; nobody else's. */
static KIT_UNUSED const char *
kit_address(void)
{
        if (!kit_place[0]) {
                strcpy(kit_folder, "/tmp/weir-test-XXXXXX");
                if (!mkdtemp(kit_folder))
                        abort();
                snprintf(kit_place, sizeof kit_place, "%s/bus", kit_folder);
        }
        return kit_place;
}

static KIT_UNUSED void
kit_clean(void)
{
        char command[128];

        if (kit_folder[0]) {
                snprintf(command, sizeof command, "rm -rf %s", kit_folder);
                if (system(command) != 0)
                        perror(command);
        }
}

/* Fails the test, or the child, with the library's own sentence. */
#define kit_ok(call)                                                                      \
        do {                                                                              \
                int kit_result_ = (call);                                                 \
                if (kit_result_ != WEIR_OK) {                                             \
                        fprintf(stderr, "%s:%d: %s: %s: %s\n", __FILE__, __LINE__, #call, \
                                weir_result_text(kit_result_), weir_error());             \
                        abort();                                                          \
                }                                                                         \
        } while (0)

#define kit_must(condition)                                                             \
        do {                                                                            \
                if (!(condition)) {                                                     \
                        fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
                        abort();                                                        \
                }                                                                       \
        } while (0)

static KIT_UNUSED struct weir *
kit_bus_named(const char *name, int (*embed)(const char *))
{
        struct weir *bus;

        kit_ok(weir_open(&bus, WEIR_OPTIONS(.name = name, .address = kit_address(), .embed = embed)));
        return bus;
}

/* The test's own bus: this process is the broker. */
static KIT_UNUSED struct weir *
kit_host(void)
{
        return kit_bus_named("host", weir_broker_embed);
}

static KIT_UNUSED struct weir *
kit_guest(void)
{
        return kit_bus_named("guest", NULL);
}

/* ---- the other end ---- */

struct kit_child {
        pid_t pid;
        int line;
};

static KIT_UNUSED void
kit_say(int line, uint64_t word)
{
        kit_must(write(line, &word, sizeof word) == sizeof word);
}

static KIT_UNUSED uint64_t
kit_hear(int line)
{
        uint64_t word;

        kit_must(read(line, &word, sizeof word) == sizeof word);
        return word;
}

/* The child dies with the test, and ends with 0 when `play` returns. */
static KIT_UNUSED struct kit_child
kit_start(void (*play)(int line))
{
        struct kit_child child;
        int line[2];

        kit_address();
        kit_must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line) == 0);
        child.pid = fork();
        kit_must(child.pid >= 0);
        if (child.pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                close(line[0]);
                play(line[1]);
                _exit(0);
        }
        close(line[1]);
        child.line = line[0];
        return child;
}

/* Exit status as wait() tells it. */
static KIT_UNUSED int
kit_end(struct kit_child *child)
{
        int status = -1;

        kit_must(waitpid(child->pid, &status, 0) == child->pid);
        close(child->line);
        return status;
}

static KIT_UNUSED void
kit_kill(struct kit_child *child)
{
        kill(child->pid, SIGKILL);
        kit_end(child);
}

/* A broker in a process of its own. */
static KIT_UNUSED void
kit_play_broker(int line)
{
        (void)line;
        weir_broker_run(
                &(struct weir_broker_options){ .size = sizeof(struct weir_broker_options), .address = kit_address() });
}

/* ---- looking ---- */

/* Events until one of this kind; the others are passed over. */
static KIT_UNUSED const struct weir_event *
kit_event(struct weir *bus, uint32_t kind)
{
        const struct weir_event *event;

        while (weir_next(bus, KIT_SOON, &event) == WEIR_OK)
                if (event->kind == kind)
                        return event;
        fprintf(stderr, "no event of kind %u came\n", kind);
        abort();
}

static KIT_UNUSED const struct weir_frame *
kit_take(struct weir_subscriber *subscriber)
{
        const struct weir_frame *frame;

        kit_ok(weir_take(subscriber, KIT_SOON, &frame));
        return frame;
}

static KIT_UNUSED struct weir_info
kit_info(struct weir_subscriber *subscriber)
{
        struct weir_info info = { .size = sizeof info };

        kit_ok(weir_subscriber_info(subscriber, &info));
        return info;
}

static KIT_UNUSED struct weir_info
kit_publisher_info(struct weir_publisher *publisher)
{
        struct weir_info info = { .size = sizeof info };

        kit_ok(weir_publisher_info(publisher, &info));
        return info;
}

/* Bytes that depend on the sequence number and the place, so that no two frames and no two words are alike. */
static KIT_UNUSED void
kit_fill(void *data, uint64_t size, uint64_t sequence)
{
        uint8_t *to = data;
        uint64_t value = sequence * UINT64_C(0x9e3779b97f4a7c15) + 1;

        for (uint64_t i = 0; i < size; i++) {
                if (i % 8 == 0)
                        value = value * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                to[i] = (uint8_t)(value >> (8 * (i % 8)));
        }
}

static KIT_UNUSED int
kit_filled(const void *data, uint64_t size, uint64_t sequence)
{
        const uint8_t *from = data;
        uint64_t value = sequence * UINT64_C(0x9e3779b97f4a7c15) + 1;

        for (uint64_t i = 0; i < size; i++) {
                if (i % 8 == 0)
                        value = value * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                if (from[i] != (uint8_t)(value >> (8 * (i % 8))))
                        return 0;
        }
        return 1;
}

#endif
