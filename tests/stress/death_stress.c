/*
 * What a reader has out is free again as soon as it dies, whether there is a broker or not: how soon is printed. A
 * reliable one that is frozen, or that takes too little, is sent away at stall_ns, and hears of that before any frame.
 */
#include "tests/stress/stress_kit.h"

#include <errno.h>

enum { PAIRS = 40, BLOCK = 1000 * 1000, BLOCKS_MAX = 64 };

static uint8_t block[BLOCK];

static void
topic_of(uint64_t index, char topic[32])
{
        snprintf(topic, 32, "death/%u", (unsigned)index);
}

/* Takes and keeps all that comes. */
static void
play_keeper(const struct role *role, int line)
{
        struct weir *bus = bus_open("keeper");
        const struct weir_frame *frame;
        struct weir_subscriber *s;
        char topic[32];

        topic_of(role->index, topic);
        must(weir_subscriber_open(&s, bus, topic, WEIR_SUBSCRIBER(.frames_max = BLOCKS_MAX)) == WEIR_OK);
        say(line);
        while (weir_take(s, SOON, &frame) == WEIR_OK)
                say(line);
        pause();
}

static struct process
keeper_start(struct weir_publisher *p, uint64_t index)
{
        struct process keeper = start(play_keeper, (struct role){ .index = index });

        hear(keeper.line);
        while (weir_publish(p, block, BLOCK, NULL, WEIR_NOW) == WEIR_OK)
                hear(keeper.line); /* it has this one out */
        return keeper;
}

static int
blocks_are_free_after_a_death(bool has_broker)
{
        struct process broker = start(play_broker, (struct role){ 0 }), keepers[PAIRS];
        struct weir_publisher *p[PAIRS];
        int64_t took_ns[PAIRS], from_ns;
        struct weir *bus = bus_open("publishers");
        char topic[32];

        for (uint64_t i = 0; i < PAIRS; i++) {
                topic_of(i, topic);
                must(weir_publisher_open(&p[i], bus, topic, WEIR_PUBLISHER(.memory_max = 8 << 20)) == WEIR_OK);
        }
        if (!has_broker) { /* all at once, while they can still come */
                for (uint64_t i = 0; i < PAIRS; i++)
                        keepers[i] = keeper_start(p[i], i);
                slay(&broker);
        }
        for (uint64_t i = 0; i < PAIRS; i++) {
                if (has_broker)
                        keepers[i] = keeper_start(p[i], i);
                from_ns = weir_now();
                kill(keepers[i].pid, SIGKILL);
                must(weir_publish(p[i], block, BLOCK, NULL, SOON) == WEIR_OK);
                took_ns[i] = weir_now() - from_ns;
                finish(&keepers[i]);
        }
        qsort(took_ns, PAIRS, sizeof *took_ns, by_size);
        printf("# %d deaths %s a broker, blocks free after: p50 %.2f ms, p99 %.2f ms, max %.2f ms\n", PAIRS,
               has_broker ? "with" : "without", (double)took_ns[PAIRS / 2] / 1e6,
               (double)took_ns[PAIRS * 99 / 100] / 1e6, (double)took_ns[PAIRS - 1] / 1e6);
        weir_close(bus);
        if (has_broker)
                slay(&broker);
        return 0;
}

static int
with_a_broker(void)
{
        return blocks_are_free_after_a_death(true);
}

static int
without_a_broker(void)
{
        return blocks_are_free_after_a_death(false);
}

/* ---- freeze ---- */

enum { SMALL = 1000, DRIP_EVERY = 6 /* waits of an eighth of stall_ns: less than a 64th of the ring in that time */ };
#define STALL_NS INT64_C(500000000)

/* Takes one frame each time it is told to, and says what it got. */
static void
play_slow(const struct role *role, int line)
{
        struct weir *bus = bus_open("slow");
        const struct weir_frame *frame;
        struct weir_subscriber *s;
        char topic[32], word;

        topic_of(role->index, topic);
        must(weir_subscriber_open(&s, bus, topic, WEIR_SUBSCRIBER(.delivery = WEIR_RELIABLE)) == WEIR_OK);
        say(line);
        while (read(line, &word, 1) == 1) {
                int result = weir_take(s, SOON, &frame);

                if (result == WEIR_OK)
                        weir_release(frame);
                word = result == WEIR_OK ? 'o' : result == WEIR_E_EVICTED ? 'e' : '?';
                must(write(line, &word, 1) == 1);
        }
}

static char
take_of(const struct process *slow)
{
        char word = 't';

        must(write(slow->line, &word, 1) == 1 && read(slow->line, &word, 1) == 1);
        return word;
}

/* Publishes until the reader was sent away; it takes one frame whenever its publisher has waited for a while. */
static int
sent_away(bool drips)
{
        struct process broker = start(play_broker, (struct role){ 0 }), slow;
        struct weir *bus = bus_open("publisher");
        const struct weir_event *event;
        struct weir_publisher *p;
        int64_t from_ns = 0;
        char word;
        int failed = 0, fulls = 0;

        must(weir_publisher_open(&p, bus, "death/0", WEIR_PUBLISHER(.memory_max = 1 << 20, .stall_ns = STALL_NS)) ==
             WEIR_OK);
        slow = start(play_slow, (struct role){ .index = 0 });
        hear(slow.line);
        if (!drips)
                kill(slow.pid, SIGSTOP);
        for (bool is_out = false; !is_out;) {
                int result = weir_publish(p, block, SMALL, NULL, STALL_NS / 8);

                must(result == WEIR_OK || result == WEIR_FULL);
                if (result == WEIR_FULL && from_ns == 0)
                        from_ns = weir_now();
                if (result == WEIR_FULL && drips && ++fulls % DRIP_EVERY == 0)
                        failed += take_of(&slow) == '?';
                while (weir_next(bus, WEIR_NOW, &event) == WEIR_OK && event->kind != WEIR_ROOM)
                        is_out |= event->kind == WEIR_EVICTED;
        }
        printf("# a reliable reader that %s was sent away after %.0f ms of %.0f\n", drips ? "drips" : "is frozen",
               (double)(weir_now() - from_ns) / 1e6, (double)STALL_NS / 1e6);
        kill(slow.pid, SIGCONT);
        word = take_of(&slow);
        if (word != 'e') {
                printf("# it heard '%c' first\n", word);
                failed += 1;
        }
        weir_close(bus);
        slay(&slow);
        slay(&broker);
        return failed;
}

static int
a_frozen_reader(void)
{
        return sent_away(false);
}

static int
a_drip_reader(void)
{
        return sent_away(true);
}

static const struct scenario scenarios[] = {
        { "blocks are free when their reader died, with a broker", with_a_broker },
        { "blocks are free when their reader died, without a broker", without_a_broker },
        { "a frozen reliable reader is sent away and hears of it first", a_frozen_reader },
        { "a reliable reader that drips is sent away and hears of it first", a_drip_reader },
};

int
main(void)
{
        return play_all(scenarios, sizeof scenarios / sizeof *scenarios);
}
