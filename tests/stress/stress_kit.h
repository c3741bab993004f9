/*
 * Many processes and a checker. Each publisher writes down what it publishes (sequence, size, sum of the bytes), in a
 * file of its own, before it publishes it; each subscriber writes down what it took. The checker compares the files: a
 * reliable subscriber has every frame once and in order, a lossy one has a part of them in order and was told of the
 * rest exactly, and no frame is torn, whoever dies meanwhile. Prints its seed; WEIR_SEED replays it.
 */
#ifndef WR_STRESS_KIT_H
#define WR_STRESS_KIT_H

#include "tests/stress/process_kit.h"

#include <stdbool.h>

enum {
        PROCESSES_MAX = 64,
        HOLD = 8, /* frames that a subscriber keeps out for a while, and sums up once more before it gives them back */
        LARGE = 200000,
};

struct note { /* of one frame */
        uint64_t publisher, sequence, size, sum, lost, skipped;
};

struct role { /* what a child is to do */
        uint64_t index, frames;
        uint32_t delivery, keep;
        unsigned seed;
};

static char address[80];
static unsigned seed;

/* ---- what is sent ---- */

static STRESS_UNUSED uint64_t
next_random(uint64_t *state)
{
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        return *state;
}

static STRESS_UNUSED void
fill(void *data, uint64_t size, uint64_t state)
{
        uint8_t *to = data;

        for (uint64_t at = 0; at < size; at += 8) {
                uint64_t word = next_random(&state);

                memcpy(to + at, &word, size - at < 8 ? size - at : 8);
        }
}

static STRESS_UNUSED uint64_t
sum_of(const void *data, uint64_t size)
{
        const uint8_t *from = data;
        uint64_t sum = size + 1;

        for (uint64_t at = 0; at < size; at += 8) {
                uint64_t word = 0;

                memcpy(&word, from + at, size - at < 8 ? size - at : 8);
                sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
                sum ^= sum >> 29;
        }
        return sum;
}

static STRESS_UNUSED FILE *
notes_open(const char *kind, uint64_t index, const char *mode)
{
        char path[128];
        FILE *file;

        snprintf(path, sizeof path, "%s/%s-%u", folder, kind, (unsigned)index);
        file = fopen(path, mode);
        must(file || *mode == 'r');
        return file;
}

/* ---- the processes ---- */

static STRESS_UNUSED void
say(int line)
{
        must(write(line, "x", 1) == 1);
}

static STRESS_UNUSED void
hear(int line)
{
        char word;

        must(read(line, &word, 1) == 1);
}

static STRESS_UNUSED struct process
start(void (*play)(const struct role *, int), struct role role)
{
        struct process process;

        role.seed = rand_r(&seed);
        process = process_fork(SOCK_STREAM);
        if (process.pid == 0) {
                play(&role, process.line);
                process_leave();
        }
        return process;
}

static STRESS_UNUSED void
play_broker(const struct role *role, int line)
{
        (void)role, (void)line;
        freopen("/dev/null", "w", stderr);
        weir_broker_run(
                &(struct weir_broker_options){ .size = sizeof(struct weir_broker_options), .address = address });
}

static STRESS_UNUSED struct weir *
bus_open(const char *name)
{
        struct weir *bus;

        must(weir_open(&bus, WEIR_OPTIONS(.name = name, .address = address, .open_timeout_ns = SOON)) == WEIR_OK);
        return bus;
}

static STRESS_UNUSED void
publish_one(struct weir_publisher *p, const struct role *role, uint64_t sequence, uint64_t random, FILE *notes)
{
        static uint8_t data[LARGE];
        struct weir_about about = { .tag = role->index };
        struct note note = { role->index, sequence, 0, 0, 0, 0 };
        struct weir_loan *loan = NULL;

        note.size = random % 16 == 0 ? random / 16 % LARGE : random / 16 % 600;
        if (random >> 60 & 1)
                must(weir_lend(p, note.size, SOON, &loan) == WEIR_OK);
        fill(loan ? loan->data : data, note.size, random | 1);
        note.sum = sum_of(loan ? loan->data : data, note.size);
        must(fwrite(&note, sizeof note, 1, notes) == 1); /* unbuffered: it is there before the frame is */
        if (random >> 61 & 1)
                about.flags = WEIR_MORE;
        if (loan) {
                loan->about = about;
                must(weir_loan_publish(loan) == WEIR_OK);
        } else {
                must(weir_publish(p, data, note.size, &about, SOON) == WEIR_OK);
        }
}

static STRESS_UNUSED void
play_publisher(const struct role *role, int line)
{
        FILE *notes = notes_open("published", role->index, "w");
        struct weir *bus = bus_open("stress publisher");
        uint64_t random = role->seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
        struct weir_publisher *p;

        setvbuf(notes, NULL, _IONBF, 0);
        must(weir_publisher_open(&p, bus, "stress", WEIR_PUBLISHER(.memory_max = 16 << 20)) == WEIR_OK);
        say(line);
        hear(line);
        for (uint64_t sequence = 1; sequence <= role->frames; sequence++)
                publish_one(p, role, sequence, next_random(&random), notes);
        weir_publisher_close(p);
        weir_close(bus);
        fclose(notes);
}

/* Gives back one of the frames that were kept out, if it is still what it was. */
static STRESS_UNUSED void
let_go(const struct weir_frame **frame, uint64_t sum)
{
        if (*frame)
                must(sum_of((*frame)->data, (*frame)->size) == sum);
        weir_release(*frame);
        *frame = NULL;
}

static STRESS_UNUSED void
play_subscriber(const struct role *role, int line)
{
        FILE *notes = notes_open("taken", role->index, "w");
        struct weir *bus = bus_open("stress subscriber");
        const struct weir_frame *frame, *held[HOLD] = { NULL };
        uint64_t sums[HOLD] = { 0 };
        unsigned random = role->seed;
        struct weir_subscriber *s;
        struct weir_info info = { .size = sizeof info };
        struct note note = { 0 };
        int result;

        must(weir_subscriber_open(&s, bus, "stress",
                                  WEIR_SUBSCRIBER(.delivery = role->delivery, .keep = role->keep, .until_end = 1,
                                                  .spin_ns = random % 3 ? 0 : -1)) == WEIR_OK);
        say(line);
        while ((result = weir_take(s, SOON, &frame)) == WEIR_OK) {
                unsigned place = (unsigned)rand_r(&random) % HOLD;

                note = (struct note){ frame->about.tag, frame->sequence, frame->size, sum_of(frame->data, frame->size),
                                      frame->lost,      frame->skipped };
                must(fwrite(&note, sizeof note, 1, notes) == 1);
                let_go(&held[place], sums[place]);
                held[place] = frame;
                sums[place] = note.sum;
                if (rand_r(&random) % 5000 == 0)
                        usleep(2000); /* fall behind */
        }
        must(result == WEIR_ENDED);
        for (int i = 0; i < HOLD; i++)
                let_go(&held[i], sums[i]);
        must(weir_subscriber_info(s, &info) == WEIR_OK);
        must(info.corrupt == 0);
        note = (struct note){ UINT64_MAX, info.frames, 0, 0, info.lost, info.skipped }; /* the last line: the sums */
        must(fwrite(&note, sizeof note, 1, notes) == 1);
        fclose(notes);
        weir_close(bus);
}

/* ---- the checker ---- */

struct list {
        struct note *notes;
        size_t count;
};

static STRESS_UNUSED struct list
read_notes(const char *kind, uint64_t index)
{
        struct list list = { NULL, 0 };
        FILE *file = notes_open(kind, index, "r");
        size_t room = 0;

        if (!file)
                return list;
        for (;;) {
                if (list.count == room) {
                        room = room ? 2 * room : 4096;
                        list.notes = realloc(list.notes, room * sizeof *list.notes);
                        must(list.notes);
                }
                if (fread(&list.notes[list.count], sizeof *list.notes, 1, file) != 1)
                        break;
                list.count += 1;
        }
        fclose(file);
        return list;
}

static STRESS_UNUSED int
wrong(const char *what, uint64_t subscriber, const struct note *note)
{
        printf("# subscriber %u, publisher %u, frame %llu: %s\n", (unsigned)subscriber, (unsigned)note->publisher,
               (unsigned long long)note->sequence, what);
        return 1;
}

struct check {
        const struct list *published;
        uint64_t publishers;
        int reliable;   /* nothing may be lost or skipped */
        int from_first; /* it was there before the first frame */
        int whole;      /* it ended itself: its last line has the sums; and so did the publishers */
};

static STRESS_UNUSED int
check_frame(const struct check *check, uint64_t subscriber, const struct note *note, uint64_t *last)
{
        const struct note *sent;

        if (note->publisher >= check->publishers || note->sequence == 0 ||
            note->sequence > check->published[note->publisher].count)
                return wrong("was never published", subscriber, note);
        sent = &check->published[note->publisher].notes[note->sequence - 1];
        if (sent->size != note->size || sent->sum != note->sum)
                return wrong("is torn", subscriber, note);
        if (check->reliable && note->lost + note->skipped > 0)
                return wrong("lost something before it", subscriber, note);
        if (*last == 0 && !check->from_first)
                *last = note->sequence - 1 - note->lost - note->skipped;
        if (note->sequence <= *last)
                return wrong("came twice or out of order", subscriber, note);
        if (note->sequence != *last + 1 + note->lost + note->skipped)
                return wrong("does not follow on what was told lost and skipped", subscriber, note);
        *last = note->sequence;
        return 0;
}

static STRESS_UNUSED int
check_subscriber(const struct check *check, uint64_t subscriber)
{
        struct list taken = read_notes("taken", subscriber);
        uint64_t last[PROCESSES_MAX] = { 0 }, sum = 0;
        size_t frames = taken.count;
        int failed = 0;

        if (check->whole && (frames == 0 || taken.notes[--frames].publisher != UINT64_MAX)) {
                printf("# subscriber %u did not come to its end\n", (unsigned)subscriber);
                return 1;
        }
        for (size_t i = 0; i < frames && failed < 5; i++)
                if (taken.notes[i].publisher != UINT64_MAX)
                        failed += check_frame(check, subscriber, &taken.notes[i],
                                              &last[taken.notes[i].publisher % PROCESSES_MAX]);
        for (uint64_t p = 0; check->whole && p < check->publishers; p++) {
                sum += check->published[p].count;
                if (check->reliable && last[p] != check->published[p].count) {
                        printf("# subscriber %u has %llu of %zu frames of publisher %u\n", (unsigned)subscriber,
                               (unsigned long long)last[p], check->published[p].count, (unsigned)p);
                        failed += 1;
                }
        }
        if (check->whole && check->from_first &&
            taken.notes[frames].sequence + taken.notes[frames].lost + taken.notes[frames].skipped != sum) {
                printf("# subscriber %u: received %llu + lost %llu + skipped %llu is not %llu\n", (unsigned)subscriber,
                       (unsigned long long)taken.notes[frames].sequence, (unsigned long long)taken.notes[frames].lost,
                       (unsigned long long)taken.notes[frames].skipped, (unsigned long long)sum);
                failed += 1;
        }
        free(taken.notes);
        return failed;
}

/* A reliable subscriber that was not killed has the steady publishers' frames to the last. */
static STRESS_UNUSED int
check_tail(const struct check *check, uint64_t subscriber, uint64_t steady)
{
        struct list taken = read_notes("taken", subscriber);
        uint64_t last[PROCESSES_MAX] = { 0 };
        int failed = 0;

        for (size_t i = 0; i < taken.count; i++)
                if (taken.notes[i].publisher < steady)
                        last[taken.notes[i].publisher] = taken.notes[i].sequence;
        for (uint64_t p = 0; check->reliable && p < steady; p++)
                if (last[p] != check->published[p].count) {
                        printf("# subscriber %u ends with frame %llu of %zu of publisher %u\n", (unsigned)subscriber,
                               (unsigned long long)last[p], check->published[p].count, (unsigned)p);
                        failed += 1;
                }
        free(taken.notes);
        return failed;
}

/* ---- the scenarios ---- */

struct scenario {
        const char *sentence;
        int (*play)(void);
};

static STRESS_UNUSED int
play_all(const struct scenario *scenarios, size_t count)
{
        int failures = 0;

        seed = getenv("WEIR_SEED") ? (unsigned)strtoul(getenv("WEIR_SEED"), NULL, 10) : (unsigned)getpid();
        printf("1..%zu\n# seed %u\n", count, seed);
        for (size_t i = 0; i < count; i++) {
                int failed;

                strcpy(folder, "/tmp/weir-stress-XXXXXX");
                must(mkdtemp(folder));
                snprintf(address, sizeof address, "%s/bus", folder);
                failed = scenarios[i].play();
                printf("%sok %zu - %s\n", failed ? "not " : "", i + 1, scenarios[i].sentence);
                failures += failed != 0;
                folder_remove(folder);
        }
        return failures != 0;
}

#endif
