/* A lane in private memory: one writer and up to eight readers with their pair pages. */
#ifndef LANE_FIXTURE_H
#define LANE_FIXTURE_H

#include "bus/lane.h"

#include "tests/portable.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

enum { RING = 4096, INLINE = 512, HEAP = 1 << 20, READERS = 8, ANNOUNCEMENTS = 4, PAGE = 4096 };

struct bench_lane {
        struct wr_lane_geometry geometry;
        void *segment;
        struct wr_lane_writer w;
        struct wr_lane_reader r[READERS];
        struct wr_pair_writer pair[READERS];
        void *page[READERS];
        uint32_t readers;
        uint64_t copy[(WR_EXTENSION_MAX + 8 + INLINE + WR_COPY_SLACK) / 8 + 1];
};

static inline struct wr_lane_geometry
small_geometry(uint64_t start)
{
        return (struct wr_lane_geometry){
                .lane = 0x1234567890abcdef,
                .epoch = 1,
                .segment_bytes = WR_CONTROL_BYTES + RING + HEAP,
                .ring_offset = WR_CONTROL_BYTES,
                .ring_bytes = RING,
                .heap_offset = WR_CONTROL_BYTES + RING,
                .heap_bytes = HEAP,
                .start = start,
                .inline_max = INLINE,
                .hash = WR_HASH_FULL,
        };
}

static inline struct bench_lane *
lane_with(struct wr_lane_geometry geometry, uint32_t history)
{
        struct bench_lane *l = calloc(1, sizeof *l);

        l->geometry = geometry;
        l->segment = aligned_new(4096, geometry.segment_bytes);
        memset(l->segment, 0, geometry.segment_bytes);
        cr_assert(eq(int, wr_lane_writer_open(&l->w, l->segment, &l->geometry, history, 8), WEIR_OK));
        return l;
}

static inline struct bench_lane *
lane_at(uint64_t start)
{
        return lane_with(small_geometry(start), 0);
}

static inline struct wr_lane_reader *
join(struct bench_lane *l, bool reliable, uint32_t history)
{
        uint32_t i = l->readers++;
        struct wr_lane_start start;

        l->page[i] = aligned_new(4096, PAGE);
        memset(l->page[i], 0, PAGE);
        l->pair[i] = (struct wr_pair_writer){
                .words = l->page[i], .announcement_count = ANNOUNCEMENTS, .reliable = reliable, .id = i
        };
        cr_assert(eq(int, wr_lane_attach(&l->w, &l->pair[i], history, &start), WEIR_OK));
        cr_assert(
                eq(int,
                   wr_lane_reader_open(&l->r[i], l->segment, &l->geometry, &start, l->page[i], ANNOUNCEMENTS, reliable),
                   WEIR_OK));
        l->r[i].committed = l->geometry.heap_bytes;
        return &l->r[i];
}

static inline void
lane_done(struct bench_lane *l)
{
        for (uint32_t i = 0; i < l->readers; i++) {
                wr_lane_detach(&l->w, &l->pair[i]);
                wr_lane_reader_close(&l->r[i]);
                free(l->r[i].pair.held);
                aligned_free(l->page[i]);
        }
        wr_lane_writer_close(&l->w);
        aligned_free(l->segment);
        free(l);
}

/* A payload that names its frame: every word differs, and differs between frames. */
static inline void
fill(uint8_t *payload, size_t size, uint64_t sequence)
{
        for (size_t i = 0; i < size; i++)
                payload[i] = (uint8_t)(sequence * 31 + i * 7 + (i >> 8) + (sequence >> 8));
}

static inline bool
is_filled(const void *payload, size_t size, uint64_t sequence)
{
        const uint8_t *bytes = payload;

        for (size_t i = 0; i < size; i++)
                if (bytes[i] != (uint8_t)(sequence * 31 + i * 7 + (i >> 8) + (sequence >> 8)))
                        return false;
        return true;
}

/* Publishes the next frame, filled for its sequence number. */
static inline enum weir_result
publish(struct bench_lane *l, size_t size)
{
        uint8_t payload[INLINE];

        fill(payload, size, l->w.sequence);
        return wr_lane_publish(&l->w, payload, size, NULL, 1000 + (int64_t)l->w.sequence);
}

/* Lends, fills and publishes a block. */
static inline enum weir_result
publish_block(struct bench_lane *l, size_t size)
{
        uint64_t offset;
        enum weir_result result = wr_lane_lend(&l->w, size, 64, &offset);

        if (result != WEIR_OK)
                return result;
        fill(l->w.heap_base + offset, size, l->w.sequence);
        return wr_lane_publish_block(&l->w, offset, size, NULL, 5, NULL);
}

static inline enum weir_result
take(struct bench_lane *l, struct wr_lane_reader *r, struct wr_taken *t)
{
        return wr_lane_take(r, t, l->copy);
}

#endif
