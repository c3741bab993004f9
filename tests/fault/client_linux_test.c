/* What the library does when Linux turns against it: a cgroup without memory, sleepers and descriptors of its own. */
#include "clients/c/bus.h"
#include "clients/c/publisher.h"
#include "clients/c/subscriber.h"
#include "tests/contract/weir_kit.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>

TestSuite(client_linux, .fini = kit_clean, .timeout = 100);

enum { LIMIT = 64 << 20 };

static char group[256];

static int
write_text(const char *folder, const char *name, const char *text)
{
        char path[320];
        FILE *file;
        int failed;

        snprintf(path, sizeof path, "%s/%s", folder, name);
        file = fopen(path, "w");
        if (!file)
                return 0;
        failed = fputs(text, file) < 0;
        failed += fclose(file) != 0;
        return !failed;
}

/* A memory cgroup with a limit, of whichever version has the controller. */
static int
group_make(void)
{
        static const struct {
                const char *root, *limit;
        } places[] = { { "/sys/fs/cgroup/memory", "memory.limit_in_bytes" },
                       { "/sys/fs/cgroup", "memory.max" },
                       { "/sys/fs/cgroup/unified", "memory.max" } };
        char text[32];

        snprintf(text, sizeof text, "%d", LIMIT);
        write_text("/sys/fs/cgroup", "cgroup.subtree_control", "+memory");
        for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
                snprintf(group, sizeof group, "%s/weir-client-test-%d", places[i].root, (int)getpid());
                if (mkdir(group, 0755) != 0)
                        continue;
                if (write_text(group, places[i].limit, text))
                        return 1;
                rmdir(group);
        }
        return 0;
}

static void
play_limited_publisher(int line)
{
        struct weir *bus;
        struct weir_publisher *p;
        struct weir_loan *loan;
        uint64_t sequence = 0;
        int result;

        kit_must(write_text(group, "cgroup.procs", "0"));
        bus = kit_guest();
        kit_ok(weir_publisher_open(&p, bus, "a", NULL)); /* address space for 1 GiB, memory for 64 MiB */
        do {                                             /* each loan is kept out, so that the lane has to grow */
                result = weir_lend(p, 4 << 20, WEIR_NOW, &loan);
                kit_must(result == WEIR_OK || result == WEIR_E_NO_MEMORY);
                sequence += result == WEIR_OK;
        } while (result == WEIR_OK);
        kit_must(sequence > 4 && sequence < 16);
        kit_must(strstr(weir_error(), "memory"));
        kit_must(weir_publisher_open(&(struct weir_publisher *){ NULL }, bus, "b",
                                     WEIR_PUBLISHER(.prefault = 1, .memory_max = LIMIT)) == WEIR_E_NO_MEMORY);
        kit_ok(weir_publish(p, "still", 5, NULL, WEIR_NOW)); /* alive, and what is there goes on working */
        kit_say(line, sequence);
        kit_hear(line);
        weir_close(bus);
}

Test(client_linux, a_lane_that_may_not_grow_says_so_and_goes_on)
{
        struct weir *bus = kit_host();
        struct weir_subscriber *s;
        struct kit_child publisher;

        if (!group_make())
                cr_skip_test("no memory cgroup can be made here");
        kit_ok(weir_subscriber_open(&s, bus, "a", NULL));
        publisher = kit_start(play_limited_publisher);
        kit_hear(publisher.line);
        weir_release(kit_take(s));
        kit_say(publisher.line, 1);
        cr_assert(eq(int, kit_end(&publisher), 0));
        rmdir(group);
        weir_close(bus);
}

/* ---- who sleeps ---- */

struct sleeper {
        struct wr_pair_words *words;
        wr_word32 thread; /* its number */
};

static void *
sleep_on_the_wake_word(void *argument)
{
        struct sleeper *sleeper = argument;
        struct wr_signal_wait wait = { &sleeper->words->wake, wr_load32(&sleeper->words->wake), false };

        wr_store32_release(&sleeper->thread, (uint32_t)gettid());
        wr_signal_wait(&wait, 1, INT64_MAX);
        return NULL;
}

/* Until the kernel says so: nothing else in it sleeps. */
static void
await_asleep(const struct sleeper *sleeper)
{
        char path[64], state = 'R';

        while (wr_load32_acquire(&sleeper->thread) == 0)
                sched_yield();
        snprintf(path, sizeof path, "/proc/self/task/%u/stat", wr_load32(&sleeper->thread));
        while (state != 'S') {
                FILE *file = fopen(path, "r");

                kit_must(file && fscanf(file, "%*d (%*[^)]) %c", &state) == 1);
                fclose(file);
        }
}

Test(client_linux, who_was_woken_in_vain_too_often_is_woken_by_the_control_thread)
{
        struct weir *bus = kit_host();
        struct weir_publisher *p;
        struct weir_subscriber *s;
        struct wr_pair_reader *pair;
        struct sleeper sleeper = { 0 };
        pthread_t thread;

        kit_ok(weir_publisher_open(&p, bus, "a", NULL));
        kit_ok(weir_subscriber_open(&s, bus, "a", NULL));
        kit_ok(weir_publish(p, "x", 1, NULL, WEIR_NOW));
        weir_release(kit_take(s));
        pair = &s->lanes[0]->reader.pair;
        for (int i = 0; i < 200; i++) { /* far beyond what is raised at once */
                wr_pair_sleep_arm(pair);
                kit_ok(weir_publish(p, "x", 1, NULL, WEIR_NOW));
        }
        while (wr_load32(&p->wakes_due) != 0) /* and what that owed is done */
                sched_yield();
        sleeper.words = pair->words;
        cr_assert(eq(int, pthread_create(&thread, NULL, sleep_on_the_wake_word, &sleeper), 0));
        await_asleep(&sleeper);
        wr_pair_sleep_arm(pair);
        kit_ok(weir_publish(p, "x", 1, NULL, WEIR_NOW));
        pthread_join(thread, NULL);
        weir_close(bus);
}

/* ---- descriptors ---- */

/* What a library does that thinks that it writes to the terminal. */
static void
write_to_the_standard_numbers(struct wr_control *c, struct wr_job *job)
{
        char text[] = "a warning of some library, longer than any header of ours: nothing to see here, please go on\n";

        for (int number = STDIN_FILENO; number <= STDERR_FILENO; number++) {
                kit_must(fcntl(number, F_GETFD) >= 0);
                (void)!write(number, text, sizeof text);
        }
        wr_control_answered(c, (struct wr_question *)(void *)job);
}

Test(client_linux, what_is_written_to_stderr_in_the_control_thread_reaches_nobody)
{
        struct kit_child broker = kit_start(kit_play_broker);
        struct weir *bus = kit_guest();
        struct wr_question q = { .job.run = NULL };
        struct weir_publisher *p;
        struct weir_subscriber *s;

        kit_ok(weir_publisher_open(&p, bus, "a", NULL));
        kit_ok(weir_subscriber_open(&s, bus, "a", NULL));
        kit_ok(wr_control_do(&bus->control, &q, write_to_the_standard_numbers));
        kit_ok(weir_publish(p, "x", 1, NULL, WEIR_NOW));
        weir_release(kit_take(s));
        kit_ok(weir_subscriber_open(&s, bus, "b", NULL)); /* the broker did not hear it */
        weir_close(bus);
        kit_kill(&broker);
}
