/*
 * The bare lane: bus/lane.h over memory that two processes share, with no broker, no library, no names and no
 * rights. Beside `weir` in one table it tells what a frame costs in the lane, and what the library adds.
 *
 *      segment     one for each direction: lane, the words of its only pair, and where the reader begins
 *      producer    wr_lane_writer on [0], wr_lane_reader on [1]
 *      consumer    wr_lane_reader on [0], wr_lane_writer on [1]
 *
 * The writer's process attaches the pair and says where the reader begins, for which the reader's process waits.
 */
#include "bench/peer.h"

#include "bench/system.h"
#include "bus/lane.h"
#include "bus/os/barrier.h"
#include "bus/os/clock.h"

#include <stdlib.h>

enum {
        LANE_MEMORY_BYTES = 1 << 20,
        INLINE_BYTES = 4096,
        ANNOUNCEMENTS = 16,
        COPY_BYTES = WR_EXTENSION_MAX + 8 + INLINE_BYTES + WR_COPY_SLACK,
        WAY_ALIGN = 1 << 16,
};

/* Behind a segment. */
struct beginning {
        struct wr_lane_start start;
        wr_word32 is_said;
};

/* One direction; the writer is there in one process, the reader in the other. */
struct way {
        struct wr_lane_geometry geometry;
        void *segment;
        struct wr_pair_words *words;
        struct beginning *beginning;
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

/* What both processes know without a word. */
static enum weir_result
way_plan(struct way *way, uint64_t lane, enum bench_hash hash)
{
        enum weir_result result = wr_lane_geometry_plan(&way->geometry, LANE_MEMORY_BYTES, 0, 0, 1);

        way->geometry.lane = lane;
        way->geometry.epoch = 1;
        way->geometry.hash = (uint32_t)hash;
        way->geometry.start = way->geometry.ring_bytes;
        return result;
}

static uint64_t
way_bytes(const struct way *way)
{
        uint64_t bytes = way->geometry.segment_bytes + wr_pair_words_bytes(ANNOUNCEMENTS) + sizeof(struct beginning);

        return (bytes + WAY_ALIGN - 1) & ~(uint64_t)(WAY_ALIGN - 1);
}

static void
way_place(struct way *way, void *segment)
{
        uint8_t *behind = (uint8_t *)segment + way->geometry.segment_bytes;

        way->segment = segment;
        way->words = (struct wr_pair_words *)(void *)behind;
        way->beginning = (struct beginning *)(void *)(behind + wr_pair_words_bytes(ANNOUNCEMENTS));
}

static enum weir_result
way_write(struct way *way)
{
        enum weir_result result = wr_lane_writer_open(&way->writer, way->segment, &way->geometry, 0, 1);

        if (result != WEIR_OK)
                return result;
        way->pair = (struct wr_pair_writer){
                .words = way->words, .announcement_count = ANNOUNCEMENTS, .reliable = true, .id = way->geometry.lane
        };
        result = wr_lane_attach(&way->writer, &way->pair, 0, &way->beginning->start);
        if (result == WEIR_OK)
                wr_store32_release(&way->beginning->is_said, 1);
        return result;
}

static enum weir_result
way_read(struct way *way)
{
        while (wr_load32_acquire(&way->beginning->is_said) == 0)
                wr_yield();
        return wr_lane_reader_open(&way->reader, way->segment, &way->geometry, &way->beginning->start, way->words,
                                   ANNOUNCEMENTS, true);
}

static bool
prepare(struct bench_link *link)
{
        struct way way;
        enum weir_result result;

        if (link->terms.size > INLINE_BYTES || link->terms.wait != BENCH_SPIN)
                return bench_link_fail(link, "the bare lane spins, with frames of up to %d bytes", INLINE_BYTES);
        result = way_plan(&way, 1, link->terms.hash);
        if (result != WEIR_OK)
                return bench_link_fail(link, "the lane: result %d", (int)result);
        if (!bench_shared_create(&link->inherited.shared, 2 * way_bytes(&way)))
                return bench_link_fail(link, "shared memory: %s", bench_system_error());
        return true;
}

static bool
open_end(struct bench_link *link)
{
        struct lanes *lanes = calloc(1, sizeof *lanes);
        enum weir_result result = WEIR_OK;

        if (!lanes)
                return bench_link_fail(link, "no memory");
        link->state = lanes;
        if (!bench_shared_attach(&link->inherited.shared))
                return bench_link_fail(link, "shared memory: %s", bench_system_error());
        for (uint64_t i = 0; i < 2 && result == WEIR_OK; i++) {
                result = way_plan(&lanes->ways[i], i + 1, link->terms.hash);
                way_place(&lanes->ways[i], (uint8_t *)link->inherited.shared.address + i * way_bytes(&lanes->ways[i]));
        }
        if (result == WEIR_OK)
                result = way_write(way_out(link));
        if (result == WEIR_OK)
                result = way_read(way_in(link));
        return result == WEIR_OK ? true : bench_link_fail(link, "the lane: result %d", (int)result);
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
        wr_lane_reader_close(&way_in(link)->reader);
        wr_lane_writer_close(&way_out(link)->writer);
        free(link->state);
        link->state = NULL;
}

static void
discard(struct bench_link *link)
{
        bench_shared_close(&link->inherited.shared);
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
