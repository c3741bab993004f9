/*
 * The bare lane: bus/lane.h over memory that two processes inherited, with no broker, no library, no names and no
 * rights. Beside `weir` in one table it tells what a frame costs in the lane, and what the library adds.
 *
 *      segment     one for each direction: lane, and the words of its only pair
 *      producer    wr_lane_writer on [0], wr_lane_reader on [1]
 *      consumer    wr_lane_reader on [0], wr_lane_writer on [1]
 *
 * The pair is attached before the fork, so both processes inherit a lane that is in use.
 */
#include "bench/peer.h"

#include "bus/lane.h"
#include "bus/os/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
        LANE_MEMORY_BYTES = 1 << 20,
        INLINE_BYTES = 4096,
        ANNOUNCEMENTS = 16,
        COPY_BYTES = WR_EXTENSION_MAX + 8 + INLINE_BYTES + WR_COPY_SLACK,
};

/* One direction; writer and reader are used by one process each. */
struct way {
        void *segment; /* the lane, then the pair's words */
        uint64_t bytes;
        struct wr_lane_geometry geometry;
        struct wr_lane_writer writer;
        struct wr_pair_writer pair;
        struct wr_lane_reader reader;
};

struct lanes {
        struct way ways[2]; /* [0] from the producer, [1] from the consumer */
        struct wr_clock clock;
        struct wr_taken taken;
        uint8_t lent[INLINE_BYTES], copy[COPY_BYTES];
};

static struct way *
way_out(struct bench_link *link)
{
        return &((struct lanes *)link->state)->ways[link->end == BENCH_PRODUCER ? 0 : 1];
}

static struct way *
way_in(struct bench_link *link)
{
        return &((struct lanes *)link->state)->ways[link->end == BENCH_PRODUCER ? 1 : 0];
}

/* Memory, geometry, and both ends of the pair. */
static enum weir_result
way_open(struct way *way, uint64_t lane, enum bench_hash hash)
{
        enum weir_result result = wr_lane_geometry_plan(&way->geometry, LANE_MEMORY_BYTES, 0, 1);
        struct wr_pair_words *words;
        struct wr_lane_start start;

        if (result != WEIR_OK)
                return result;
        way->geometry.lane = lane;
        way->geometry.epoch = 1;
        way->geometry.hash = (uint32_t)hash;
        way->geometry.start = way->geometry.ring_bytes;
        way->bytes = way->geometry.segment_bytes + wr_pair_words_bytes(ANNOUNCEMENTS);
        way->segment = mmap(NULL, way->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (way->segment == MAP_FAILED) {
                way->segment = NULL;
                return WEIR_E_NO_MEMORY;
        }
        result = wr_lane_writer_open(&way->writer, way->segment, &way->geometry, 0, 1);
        if (result != WEIR_OK)
                return result;
        words = (struct wr_pair_words *)(void *)((uint8_t *)way->segment + way->geometry.segment_bytes);
        way->pair = (struct wr_pair_writer){
                .words = words, .announcement_count = ANNOUNCEMENTS, .reliable = true, .id = lane
        };
        result = wr_lane_attach(&way->writer, &way->pair, 0, &start);
        if (result != WEIR_OK)
                return result;
        return wr_lane_reader_open(&way->reader, way->segment, &way->geometry, &start, words, ANNOUNCEMENTS, true);
}

static bool
prepare(struct bench_link *link)
{
        struct lanes *lanes = calloc(1, sizeof *lanes);
        enum weir_result result = WEIR_OK;

        if (!lanes)
                return bench_link_fail(link, "no memory");
        link->state = lanes;
        if (link->terms.size > INLINE_BYTES || link->terms.wait != BENCH_SPIN)
                return bench_link_fail(link, "the bare lane spins, with frames of up to %d bytes", INLINE_BYTES);
        for (uint64_t i = 0; i < 2 && result == WEIR_OK; i++)
                result = way_open(&lanes->ways[i], i + 1, link->terms.hash);
        return result == WEIR_OK ? true : bench_link_fail(link, "the lane: result %d", (int)result);
}

static bool
open_end(struct bench_link *link)
{
        (void)link; /* all is inherited */
        return true;
}

static void *
lend(struct bench_link *link)
{
        struct lanes *lanes = link->state;

        return lanes->lent;
}

/* Spinning readers never sleep, and wr_lane_wake finds that out; its fence is part of every publish. */
static void
raise_nobody(wr_word32 *word)
{
        (void)word;
}

static bool
send_frame(struct bench_link *link)
{
        struct lanes *lanes = link->state;
        struct way *way = way_out(link);
        int64_t now_ns = wr_clock_fast_ns(&lanes->clock);
        enum weir_result result;

        while ((result = wr_lane_publish(&way->writer, lanes->lent, link->terms.size, NULL, now_ns)) == WEIR_FULL)
                while (!wr_lane_roomy(&way->writer)) /* as the library: not at the reader's heels */
                        for (int pause = 0; pause < 16; pause++)
                                wr_pause();
        if (result != WEIR_OK)
                return bench_link_fail(link, "wr_lane_publish: result %d", (int)result);
        wr_lane_wake(&way->writer, raise_nobody);
        return true;
}

static const void *
receive(struct bench_link *link)
{
        struct lanes *lanes = link->state;
        struct way *way = way_in(link);
        enum weir_result result;

        while ((result = wr_lane_take(&way->reader, &lanes->taken, lanes->copy)) == WEIR_EMPTY)
                wr_pause();
        if (result == WEIR_OK && lanes->taken.lost == 0)
                return lanes->taken.data;
        bench_link_fail(link, "wr_lane_take: result %d, lost %llu", (int)result, (unsigned long long)lanes->taken.lost);
        return NULL;
}

static void
release(struct bench_link *link)
{
        (void)link; /* small frames were copied out by take */
}

static void
close_end(struct bench_link *link)
{
        (void)link; /* the process ends next */
}

static void
discard(struct bench_link *link)
{
        struct lanes *lanes = link->state;

        for (int i = 0; lanes && i < 2; i++) {
                struct way *way = &lanes->ways[i];

                if (way->reader.control)
                        wr_lane_reader_close(&way->reader);
                if (way->writer.control)
                        wr_lane_writer_close(&way->writer);
                if (way->segment)
                        munmap(way->segment, way->bytes);
        }
        free(lanes);
        link->state = NULL;
}

const struct bench_peer bench_peer_lane = {
        .name = "lane",
        .about = "the bare lane, no broker and no library",
        .hashes = true,
        .prepare = prepare,
        .open = open_end,
        .lend = lend,
        .send = send_frame,
        .receive = receive,
        .release = release,
        .close = close_end,
        .discard = discard,
};
