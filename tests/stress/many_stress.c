/*
 * 64 publishers and 64 subscribers of one topic, each a process of its own, with no more than 1 024 descriptors in any
 * of them, the broker included. The quotas are those that everybody has, so there are two identities: a user, and a
 * package with a socket of its own.
 *
 * A frame's bytes follow from its publisher and its number, so each subscriber checks by itself that what it takes is
 * whole, in order, and that what it was not given was counted: received + lost + skipped = published.
 */
#include "tests/stress/many_kit.h"

enum {
        SIDE = 64,
        FRAMES = 300,    /* more than a ring holds */
        LARGE_EACH = 20, /* every so many frames one is a block */
        LARGE = 20000,
        WORDS_MAX = LARGE / 8,
        SMALL_WORDS = 480, /* in the ring */
        REST_EACH = 64,    /* frames, then it falls behind */
        REST_US = 4000,
};

static uint64_t
frame_words(uint64_t number)
{
        return number % LARGE_EACH == 0 ? WORDS_MAX : 4 + number * 7 % SMALL_WORDS;
}

static uint64_t
word_of(uint64_t publisher, uint64_t number, uint64_t at)
{
        return ((publisher << 32 | number) + at) * UINT64_C(0x9e3779b97f4a7c15);
}

static void
play_publisher(uint64_t index, int line)
{
        struct weir *bus = bus_open("many publisher", address);
        struct weir_info info = { .size = sizeof info };
        const struct weir_event *event;
        uint64_t data[WORDS_MAX];
        struct weir_publisher *p;

        must(weir_publisher_open(&p, bus, "many", WEIR_PUBLISHER(.memory_max = 2 << 20)) == WEIR_OK);
        do {
                must(weir_publisher_info(p, &info) == WEIR_OK);
        } while (info.peers < SIDE && weir_next(bus, SOON, &event) == WEIR_OK);
        must(info.peers == SIDE);
        say(line, 1);
        hear(line);
        for (uint64_t number = 1; number <= FRAMES; number++) {
                for (uint64_t at = 0; at < frame_words(number); at++)
                        data[at] = word_of(index, number, at);
                must(weir_publish(p, data, frame_words(number) * 8, &(struct weir_about){ .tag = index }, SOON) ==
                     WEIR_OK);
        }
        weir_publisher_close(p);
        weir_close(bus);
}

static bool
is_whole(const struct weir_frame *frame)
{
        const uint64_t *words = frame->data;

        if (frame->about.tag >= SIDE || frame->sequence == 0 || frame->sequence > FRAMES ||
            frame->size != frame_words(frame->sequence) * 8)
                return false;
        for (uint64_t at = 0; at < frame->size / 8; at++)
                if (words[at] != word_of(frame->about.tag, frame->sequence, at))
                        return false;
        return true;
}

enum { RELIABLE, LOSSY, NEWEST, SLOW, KINDS };

/* A quarter of them is of each kind. */
static void
play_subscriber(uint64_t index, int line)
{
        uint32_t kind = index % KINDS;
        bool reliable = kind == RELIABLE;
        struct weir *bus = bus_open("many subscriber", package_address);
        struct weir_info info = { .size = sizeof info };
        const struct weir_frame *frame;
        const struct weir_event *event;
        struct weir_subscriber *s;
        uint64_t last[SIDE] = { 0 }, taken = 0;
        int result;

        must(weir_subscriber_open(&s, bus, "many",
                                  WEIR_SUBSCRIBER(.delivery = reliable, .keep = kind == NEWEST, .until_end = 1,
                                                  .spin_ns = -1)) == WEIR_OK);
        do {
                must(weir_subscriber_info(s, &info) == WEIR_OK);
        } while (info.peers < SIDE && weir_next(bus, SOON, &event) == WEIR_OK);
        must(info.peers == SIDE);
        say(line, 1);
        while ((result = weir_take(s, SOON, &frame)) == WEIR_OK) {
                must(is_whole(frame));
                must(!reliable || frame->lost + frame->skipped == 0);
                must(frame->sequence == last[frame->about.tag] + 1 + frame->lost + frame->skipped);
                last[frame->about.tag] = frame->sequence;
                weir_release(frame);
                if (kind == SLOW && ++taken % REST_EACH == 0)
                        usleep(REST_US);
        }
        must(result == WEIR_ENDED);
        must(weir_subscriber_info(s, &info) == WEIR_OK);
        must(info.corrupt == 0);
        must(info.frames + info.lost + info.skipped == (uint64_t)SIDE * FRAMES);
        must(!reliable || info.frames == (uint64_t)SIDE * FRAMES);
        say(line, info.lost);
        say(line, info.skipped);
        weir_close(bus);
}

static int
sixty_four_and_sixty_four(void)
{
        struct process p[SIDE], s[SIDE], broker;
        int64_t began_ns = weir_now(), joined_ns;
        char policy[512];
        unsigned peak;
        uint64_t lost = 0, skipped = 0;
        int failed = 0;

        descriptors = 1024;
        snprintf(policy, sizeof policy,
                 "[topic.\"many\"]\npublish = [\"user:%u\"]\nsubscribe = [\"package:%s\"]\nstall = [\"package:%s\"]\n",
                 (unsigned)getuid(), PACKAGE, PACKAGE);
        broker = broker_start(policy);
        for (uint64_t i = 0; i < SIDE; i++) {
                p[i] = start(play_publisher, i);
                s[i] = start(play_subscriber, i);
        }
        peak = hear_all(p, SIDE, broker.pid);
        hear_all(s, SIDE, broker.pid);
        joined_ns = weir_now();
        printf("# %d pairs of 2 x %d processes in %.1f s\n", SIDE * SIDE, SIDE, (double)(joined_ns - began_ns) / 1e9);
        failed += tell_sizes("publisher", p, SIDE);
        failed += tell_sizes("subscriber", s, SIDE);
        failed += tell_sizes("broker", &broker, 1);
        printf("# the broker while they joined: up to %u descriptors of %u\n", peak, (unsigned)descriptors);
        for (uint64_t i = 0; i < SIDE; i++)
                say(p[i].line, 1);
        for (uint64_t i = 0; i < SIDE; i++)
                failed += finish(&p[i]);
        for (uint64_t i = 0; i < SIDE; i++) {
                lost += hear_or_none(s[i].line);
                skipped += hear_or_none(s[i].line);
                failed += finish(&s[i]);
        }
        printf("# %d frames each to %d in %.1f s; the lossy ones were told of %llu lost and %llu skipped\n", FRAMES,
               SIDE, (double)(weir_now() - joined_ns) / 1e9, (unsigned long long)lost, (unsigned long long)skipped);
        slay(&broker);
        return failed;
}

int
main(void)
{
        return many_run("64 publishers and 64 subscribers of one topic, 1 024 descriptors each",
                        sixty_four_and_sixty_four);
}
