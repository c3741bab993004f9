/*
 * One lane in one mapping: a writer thread, one reliable and two lossy reader threads, sleeping and waking through the
 * pair protocol. Run plainly and under TSan, which sees races only where both sides use one mapping.
 *
 * Each payload is made from its frame's sequence number and made again by the reader. No wait has a bound: a lost wake
 * hangs the program and the runner's timeout reports it.
 */
#include "bus/lane.h"
#include "named-objects/signal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES = 60000, READERS = 3, ANNOUNCEMENTS = 4, RING = 16384, INLINE = 1024, HEAP = 1 << 20, BLOCK_EVERY = 7 };
enum { COPY_WORDS = (WR_EXTENSION_MAX + 8 + INLINE + WR_COPY_SLACK) / 8 + 1 };

struct reader {
        struct wr_lane_reader lane;
        struct wr_pair_writer pair;
        void *page;
        uint64_t copy[COPY_WORDS];
        uint64_t received, lost, skipped, wrong;
        pthread_t thread;
};

static const struct wr_lane_geometry geometry = {
        .lane = 42,
        .segment_bytes = WR_CONTROL_BYTES + RING + HEAP,
        .ring_offset = WR_CONTROL_BYTES,
        .ring_bytes = RING,
        .heap_offset = WR_CONTROL_BYTES + RING,
        .heap_bytes = HEAP,
        .start = (UINT64_C(1) << 32) - RING,
        .inline_max = INLINE,
        .hash = WR_HASH_FULL,
};
static struct wr_lane_writer writer;
static struct reader readers[READERS];

static size_t
size_of(uint64_t sequence)
{
        return sequence % BLOCK_EVERY == 0 ? 2000 + sequence % 30000 : sequence * 13 % INLINE;
}

static uint8_t
byte_of(uint64_t sequence, size_t i)
{
        return (uint8_t)(sequence + i * 5 + (i >> 7));
}

static bool
right(const struct wr_taken *t)
{
        const uint8_t *payload = t->data;

        if (t->size != size_of(t->sequence))
                return false;
        for (size_t i = 0; i < t->size; i++)
                if (payload[i] != byte_of(t->sequence, i))
                        return false;
        return true;
}

static void
sleep_for_frames(struct wr_lane_reader *lane)
{
        struct wr_signal_wait wait = { .word = &lane->pair.words->wake, .value = wr_pair_sleep_arm(&lane->pair) };

        wr_pair_settle();
        if (!wr_lane_ready(lane))
                wr_signal_wait(&wait, 1, INT64_MAX);
        wr_pair_sleep_disarm(&lane->pair);
}

static void
took(struct reader *r, const struct wr_taken *t)
{
        r->received += 1;
        r->lost += t->lost;
        r->skipped += t->skipped;
        r->wrong += !right(t);
        if (t->block != 0)
                wr_lane_release(&r->lane.pair, t->announcement);
        if (wr_pair_room_due(&r->lane.pair))
                wr_signal_raise(&r->lane.pair.words->space);
}

static void *
reader_main(void *argument)
{
        struct reader *r = argument;
        struct wr_taken t;

        for (;;) {
                switch (wr_lane_take(&r->lane, &t, r->copy)) {
                case WEIR_OK: took(r, &t); break;
                case WEIR_EMPTY: sleep_for_frames(&r->lane); break;
                case WEIR_ENDED:
                        r->lost += r->lane.lost_now; /* behind the last delivered frame */
                        r->skipped += r->lane.skipped_now;
                        return NULL;
                default: r->wrong += 1; return NULL;
                }
        }
}

static enum weir_result
try_publish(void)
{
        static uint8_t payload[INLINE];
        uint64_t sequence = writer.sequence, offset;
        size_t size = size_of(sequence);
        uint8_t *to = payload;
        enum weir_result result = WEIR_OK;

        if (size > INLINE)
                result = wr_lane_lend(&writer, size, 64, &offset);
        if (result != WEIR_OK)
                return result;
        if (size > INLINE)
                to = writer.heap_base + offset;
        for (size_t i = 0; i < size; i++)
                to[i] = byte_of(sequence, i);
        if (size > INLINE)
                return wr_lane_publish_block(&writer, offset, size, NULL, (int64_t)sequence, NULL);
        return wr_lane_publish(&writer, payload, size, NULL, (int64_t)sequence);
}

/* Publishes the next frame, asleep for as long as the reliable reader leaves no room. */
static enum weir_result
publish(void)
{
        struct reader *reliable = &readers[0];
        enum weir_result result = try_publish();

        while (result == WEIR_FULL) {
                struct wr_signal_wait wait = { .word = &reliable->lane.pair.words->space };

                wait.value = wr_pair_room_arm(&reliable->pair);
                wr_pair_settle();
                result = try_publish();
                if (result == WEIR_FULL)
                        wr_signal_wait(&wait, 1, INT64_MAX);
                wr_pair_room_disarm(&reliable->pair);
        }
        if (result == WEIR_OK)
                wr_lane_wake(&writer, wr_signal_raise);
        return result;
}

static int
start_readers(void *segment)
{
        for (int i = 0; i < READERS; i++) {
                struct reader *r = &readers[i];
                struct wr_lane_start start;

                r->page = aligned_alloc(4096, 4096);
                if (r->page == NULL)
                        return -1;
                memset(r->page, 0, 4096);
                r->pair = (struct wr_pair_writer){ .words = r->page,
                                                   .announcement_count = ANNOUNCEMENTS,
                                                   .reliable = i == 0 };
                if (wr_lane_attach(&writer, &r->pair, 0, &start) != WEIR_OK ||
                    wr_lane_reader_open(&r->lane, segment, &geometry, &start, r->page, ANNOUNCEMENTS, i == 0) !=
                            WEIR_OK)
                        return -1;
                r->lane.committed = geometry.heap_bytes;
                r->lane.keep = i == 2 ? 2 : 0;
                if (pthread_create(&r->thread, NULL, reader_main, r) != 0)
                        return -1;
        }
        return 0;
}

static void
report(int number, const struct reader *r, const char *what)
{
        bool sum = r->received + r->lost + r->skipped == FRAMES;
        bool loss = number != 1 || (r->lost == 0 && r->skipped == 0);

        printf("%s %d - %s\n", sum && loss && r->wrong == 0 ? "ok" : "not ok", number, what);
        printf("# received %llu lost %llu skipped %llu wrong %llu corrupt %llu\n", (unsigned long long)r->received,
               (unsigned long long)r->lost, (unsigned long long)r->skipped, (unsigned long long)r->wrong,
               (unsigned long long)r->lane.corrupt);
}

int
main(void)
{
        void *segment = aligned_alloc(4096, geometry.segment_bytes);
        enum weir_result result = WEIR_OK;

        if (segment == NULL)
                return 1;
        memset(segment, 0, geometry.segment_bytes);
        if (wr_lane_writer_open(&writer, segment, &geometry, 0, 4) != WEIR_OK || start_readers(segment) != 0)
                return 1;
        for (int n = 0; n < FRAMES && result == WEIR_OK; n++)
                result = publish();
        wr_lane_end(&writer, 0);
        wr_lane_wake(&writer, wr_signal_raise);
        for (int i = 0; i < READERS; i++)
                pthread_join(readers[i].thread, NULL);
        puts("1..3");
        report(1, &readers[0], "a reliable reader in a thread of its own gets every frame");
        report(2, &readers[1], "a lossy one gets or is told every frame");
        report(3, &readers[2], "so does one that keeps two");
        for (int i = 0; i < READERS; i++) {
                wr_lane_detach(&writer, &readers[i].pair);
                wr_lane_reader_close(&readers[i].lane);
                free(readers[i].lane.pair.held);
                free(readers[i].page);
        }
        wr_lane_writer_close(&writer);
        free(segment);
        return 0;
}
