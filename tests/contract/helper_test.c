/*
 * Sleepers with more words than one call of the kernel takes, and where it has no futex_waitv at all. That a frame is
 * seen does not show that somebody slept on it: so the tests also look at how often the sleeper got up for nothing,
 * and at the threads that stand in for it.
 */
#include "tests/contract/forbid.h"
#include "tests/contract/weir_kit.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>

TestSuite(helper, .fini = kit_clean, .timeout = 60);

enum { LANES = 300, TASKS_MAX = 512, QUIET_MS = 200, QUIET_SWITCHES = 20 };

static const char quota[] = "[quota]\nlanes = 1000\nsubscriptions = 1000\nmessages_per_second = 100000\n";

/* ---- the stage ---- */

static struct weir *
roomy_bus(void)
{
        static struct kit_child broker;
        char path[96];
        FILE *file;

        snprintf(path, sizeof path, "%s.conf", kit_address());
        if (!broker.pid) {
                file = fopen(path, "w");
                kit_must(file && fputs(quota, file) >= 0 && fclose(file) == 0);
                setenv("WEIR_CONFIG", path, 1);
                broker = kit_start(kit_play_broker);
        }
        return kit_guest();
}

struct stage { /* `count` publishers of one topic, and its subscriber, on a bus each */
        struct weir *from, *to;
        struct weir_publisher *p[LANES];
        struct weir_subscriber *s;
        uint64_t sent;
};

static struct stage *
stage_open(int count)
{
        static struct stage stage;

        stage.from = roomy_bus();
        stage.to = roomy_bus();
        for (int i = 0; i < count; i++)
                kit_ok(weir_publisher_open(&stage.p[i], stage.from, "a", WEIR_PUBLISHER(.memory_max = 1 << 20)));
        kit_ok(weir_subscriber_open(&stage.s, stage.to, "a", WEIR_SUBSCRIBER(.spin_ns = -1)));
        while (kit_info(stage.s).peers < (uint32_t)count)
                kit_event(stage.to, WEIR_JOINED);
        return &stage;
}

static void
stage_close(struct stage *stage)
{
        weir_close(stage->from);
        weir_close(stage->to);
}

static void
send_one(struct stage *stage, int lane)
{
        stage->sent += 1;
        kit_ok(weir_publish(stage->p[lane], &stage->sent, sizeof stage->sent, NULL, KIT_SOON));
}

/* ---- threads of this process ---- */

static size_t
tasks(pid_t *list)
{
        DIR *directory = opendir("/proc/self/task");
        struct dirent *entry;
        size_t count = 0;

        kit_must(directory);
        while ((entry = readdir(directory)) && count < TASKS_MAX)
                if (entry->d_name[0] != '.')
                        list[count++] = (pid_t)atoi(entry->d_name);
        closedir(directory);
        return count;
}

static size_t
task_count(void)
{
        pid_t list[TASKS_MAX];

        return tasks(list);
}

/* A joined thread is in the list for a moment more. */
static void
expect_tasks(size_t count)
{
        while (task_count() != count)
                sched_yield();
}

static void
until_asleep(pid_t task)
{
        char path[64], state = 'R';

        snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)task);
        while (state != 'S') {
                FILE *file = fopen(path, "r");

                kit_must(file && fscanf(file, "%*d (%*[^)]) %c", &state) == 1);
                fclose(file);
                sched_yield();
        }
}

struct taker {
        struct stage *stage;
        pthread_t thread;
        _Atomic pid_t task;
        _Atomic uint64_t taken;
};

static bool no_threads; /* the taker may not start any */

static void *
play_taker(void *argument)
{
        struct taker *taker = argument;
        const struct weir_frame *frame;

        kit_must(!no_threads || forbid((const long[]){ SYS_clone, SYS_clone3, 0 }, EAGAIN));
        taker->task = gettid();
        while (weir_take(taker->stage->s, WEIR_FOREVER, &frame) == WEIR_OK) {
                uint64_t number;

                memcpy(&number, frame->data, sizeof number);
                kit_must(number == taker->taken + 1);
                weir_release(frame);
                taker->taken = number;
        }
        return NULL;
}

/* Each frame is sent when its taker sleeps. */
static void
wake_by_each(struct stage *stage, int count, int step)
{
        struct taker taker = { .stage = stage, .taken = stage->sent };

        kit_must(pthread_create(&taker.thread, NULL, play_taker, &taker) == 0);
        while (taker.task == 0)
                sched_yield();
        for (int i = 0; i < count; i += step) {
                until_asleep(taker.task);
                send_one(stage, i);
                while (taker.taken != stage->sent)
                        sched_yield();
        }
        weir_interrupt(stage->to, 1);
        pthread_join(taker.thread, NULL);
        weir_interrupt(stage->to, 0);
}

/* Nothing comes: who sleeps well hardly gets up. */
static void
sleep_well(struct stage *stage)
{
        const struct weir_frame *frame;
        const struct weir_event *event;
        struct rusage before, after;

        while (weir_next(stage->to, WEIR_NOW, &event) == WEIR_OK)
                ;
        getrusage(RUSAGE_SELF, &before);
        cr_assert(eq(int, weir_take(stage->s, QUIET_MS * 1000000, &frame), WEIR_EMPTY));
        cr_assert(eq(int, weir_next(stage->to, QUIET_MS * 1000000, &event), WEIR_EMPTY));
        getrusage(RUSAGE_SELF, &after);
        cr_assert(lt(long, after.ru_nvcsw - before.ru_nvcsw, QUIET_SWITCHES));
}

/* ---- many lanes ---- */

Test(helper, each_of_more_lanes_than_one_call_takes_wakes_a_sleeping_take)
{
        struct stage *stage = stage_open(LANES);

        wake_by_each(stage, LANES, 1);
        wake_by_each(stage, LANES, 7);
        sleep_well(stage);
        stage_close(stage);
}

Test(helper, they_start_when_they_are_needed_with_signals_blocked_and_end_with_the_bus)
{
        struct stage *stage = stage_open(LANES);
        pid_t before[TASKS_MAX], now[TASKS_MAX];
        size_t before_count = tasks(before), count;
        char path[64], line[256];
        const struct weir_frame *frame;
        int helpers = 0;

        cr_assert(eq(int, weir_take(stage->s, 1000000, &frame), WEIR_EMPTY));
        count = tasks(now);
        cr_assert(eq(sz, count - before_count, 2), "300 lanes: 127 of its own, two groups");
        for (size_t i = 0; i < count; i++) {
                unsigned long long blocked = 0;
                bool is_new = true;
                FILE *file;

                for (size_t b = 0; b < before_count; b++)
                        is_new = is_new && before[b] != now[i];
                if (!is_new)
                        continue;
                snprintf(path, sizeof path, "/proc/self/task/%d/status", (int)now[i]);
                file = fopen(path, "r");
                kit_must(file);
                while (fgets(line, sizeof line, file))
                        sscanf(line, "SigBlk: %llx", &blocked);
                fclose(file);
                cr_assert(eq(u64, blocked | 0x1800401ff /* those that nobody can block */, blocked | 0x1800401ff));
                cr_assert(ge(int, __builtin_popcountll(blocked), 60));
                helpers += 1;
        }
        cr_assert(eq(int, helpers, 2));
        weir_close(stage->to);
        expect_tasks(before_count - 1); /* its control thread has gone, too */
        weir_close(stage->from);
}

Test(helper, a_take_that_finds_a_frame_needs_none)
{
        struct stage *stage = stage_open(LANES);
        size_t before = task_count();
        const struct weir_frame *frame;

        for (int i = 0; i < LANES; i++) {
                send_one(stage, i);
                kit_ok(weir_take(stage->s, KIT_SOON, &frame));
                weir_release(frame);
        }
        cr_assert(eq(sz, task_count(), before));
        stage_close(stage);
}

Test(helper, a_forked_child_has_none_and_is_told_so)
{
        struct stage *stage = stage_open(LANES);
        const struct weir_frame *frame;
        int status;
        pid_t child;

        cr_assert(eq(int, weir_take(stage->s, 1000000, &frame), WEIR_EMPTY));
        child = fork();
        if (child == 0) {
                kit_must(task_count() == 1);
                kit_must(weir_take(stage->s, WEIR_NOW, &frame) == WEIR_E_USAGE);
                weir_close(stage->to); /* does nothing, and does not wait for threads that are not there */
                _exit(0);
        }
        kit_must(waitpid(child, &status, 0) == child);
        cr_assert(zero(int, status));
        wake_by_each(stage, LANES, 50);
        stage_close(stage);
}

/* Lanes leave while helpers stand on their words; the rest are still heard. */
Test(helper, lanes_that_go_are_forgotten_and_those_that_come_are_heard)
{
        struct stage *stage = stage_open(LANES);
        const struct weir_frame *frame;

        for (int round = 0; round < 4; round++) {
                cr_assert(eq(int, weir_take(stage->s, 1000000, &frame), WEIR_EMPTY));
                for (int i = round; i < LANES; i += 3) {
                        weir_publisher_close(stage->p[i]);
                        kit_ok(weir_publisher_open(&stage->p[i], stage->from, "a",
                                                   WEIR_PUBLISHER(.memory_max = 1 << 20)));
                }
                cr_assert(eq(int, weir_take(stage->s, 1000000, &frame), WEIR_EMPTY));
                while (kit_info(stage->s).peers != LANES)
                        cr_assert(eq(int, weir_take(stage->s, 1000000, &frame), WEIR_EMPTY));
                wake_by_each(stage, LANES, 11);
        }
        stage_close(stage);
}

static int
readable(weir_native handle, int timeout_ms)
{
        struct pollfd look = { .fd = handle, .events = POLLIN };

        kit_must(poll(&look, 1, timeout_ms) >= 0);
        return look.revents == POLLIN;
}

static void
drain(struct weir *bus)
{
        const struct weir_event *event;
        const struct weir_frame *frame;

        while (weir_next(bus, WEIR_NOW, &event) == WEIR_OK)
                while (event->kind == WEIR_FRAMES && weir_take(event->subscriber, WEIR_NOW, &frame) == WEIR_OK)
                        weir_release(frame);
}

/* The thread behind the handle sleeps on all lanes of the bus. */
static void
handle_rises(struct stage *stage, int count, int step)
{
        weir_native handle = weir_wakeup(stage->to);
        struct rusage before, after;

        for (int i = 0; i < count; i += step) {
                drain(stage->to);
                cr_assert(not(readable(handle, 0)));
                send_one(stage, i);
                cr_assert(readable(handle, 20000));
        }
        drain(stage->to);
        getrusage(RUSAGE_SELF, &before);
        cr_assert(not(readable(handle, QUIET_MS)));
        getrusage(RUSAGE_SELF, &after);
        cr_assert(lt(long, after.ru_nvcsw - before.ru_nvcsw, QUIET_SWITCHES));
}

Test(helper, the_native_handle_rises_for_each_of_many_lanes)
{
        struct stage *stage = stage_open(LANES);

        handle_rises(stage, LANES, 1);
        stage_close(stage);
}

/* ---- a publisher that waits for room ---- */

struct writer {
        struct weir_publisher *p;
        pthread_t thread;
        _Atomic pid_t task;
        _Atomic uint64_t went;
        atomic_bool over;
};

static const char payload[4000];

static void *
play_writer(void *argument)
{
        struct writer *writer = argument;

        writer->task = gettid();
        while (!writer->over) {
                kit_ok(weir_publish(writer->p, payload, sizeof payload, NULL, KIT_SOON));
                writer->went += 1;
        }
        return NULL;
}

static int64_t
now_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int
by_size(const void *a, const void *b)
{
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

        return (x > y) - (x < y);
}

/* From a reader's release to the publish that waited for it: half of them sooner than the writer would look by itself,
 * which it does each 10 ms, to charge those that hold it up. */
static void
room_is_heard_of(int readers)
{
        enum { ROUNDS = 41 };
        struct weir *from = roomy_bus(), *to = roomy_bus();
        struct weir_subscriber *s[LANES];
        const struct weir_frame *frame;
        struct writer writer = { 0 };
        int64_t took_ns[ROUNDS];

        kit_ok(weir_publisher_open(&writer.p, from, "a", WEIR_PUBLISHER(.memory_max = 1 << 20)));
        for (int i = 0; i < readers; i++)
                kit_ok(weir_subscriber_open(&s[i], to, "a", WEIR_SUBSCRIBER(.delivery = i == 0)));
        while (weir_publish(writer.p, payload, sizeof payload, NULL, WEIR_NOW) == WEIR_OK)
                ;
        kit_must(pthread_create(&writer.thread, NULL, play_writer, &writer) == 0);
        while (writer.task == 0)
                sched_yield();
        for (int round = 0; round < ROUNDS; round++) {
                uint64_t before;

                until_asleep(writer.task);
                before = writer.went;
                took_ns[round] = now_ns();
                kit_ok(weir_take(s[0], KIT_SOON, &frame)); /* the first that came is the last that is slept on */
                weir_release(frame);
                while (writer.went == before)
                        sched_yield();
                took_ns[round] = now_ns() - took_ns[round];
        }
        qsort(took_ns, ROUNDS, sizeof *took_ns, by_size);
        cr_assert(lt(i64, took_ns[ROUNDS / 2], 4000000));
        writer.over = true;
        drain(to);
        while (weir_take(s[0], 1000000, &frame) == WEIR_OK)
                weir_release(frame);
        pthread_join(writer.thread, NULL);
        weir_close(from);
        weir_close(to);
}

Test(helper, a_publisher_with_many_readers_hears_of_room)
{
        room_is_heard_of(200);
}

/* ---- no futex_waitv ---- */

static void
lacking(int error)
{
        struct stage *stage;

        roomy_bus(); /* the broker, before the filter: it lives in another place */
        kit_must(forbid_waitv(error));
        stage = stage_open(5);
        wake_by_each(stage, 5, 1);
        wake_by_each(stage, 5, 2);
        sleep_well(stage);
        handle_rises(stage, 5, 1);
        stage_close(stage);
        room_is_heard_of(3);
}

Test(helper, a_kernel_without_futex_waitv_serves_every_kind_of_sleeper)
{
        lacking(ENOSYS);
}

Test(helper, a_filter_without_futex_waitv_serves_every_kind_of_sleeper)
{
        lacking(EPERM);
}

Test(helper, without_futex_waitv_lanes_come_and_go)
{
        struct stage *stage;
        const struct weir_frame *frame;
        size_t before;

        roomy_bus();
        kit_must(forbid_waitv(ENOSYS));
        stage = stage_open(20);
        before = task_count();
        for (int round = 0; round < 30; round++) {
                cr_assert(eq(int, weir_take(stage->s, 1000000, &frame), WEIR_EMPTY));
                weir_publisher_close(stage->p[round % 20]);
                kit_ok(weir_publisher_open(&stage->p[round % 20], stage->from, "a",
                                           WEIR_PUBLISHER(.memory_max = 1 << 20)));
                while (kit_info(stage->s).peers != 20)
                        cr_assert(eq(int, weir_take(stage->s, 1000000, &frame), WEIR_EMPTY));
        }
        cr_assert(le(sz, task_count(), before + 22), "those of lanes that went are used again");
        wake_by_each(stage, 20, 1);
        weir_close(stage->to);
        expect_tasks(before - 1);
        weir_close(stage->from);
}

/* The last resort: a look at each word every millisecond. */
Test(helper, where_no_thread_can_be_started_frames_are_still_seen)
{
        struct stage *stage = stage_open(LANES);
        size_t before = task_count();

        no_threads = true;
        wake_by_each(stage, LANES, 9);
        cr_assert(eq(sz, task_count(), before));
        stage_close(stage);
}
