/* A lane and the lanes that follow it, with frames of every sort. */
#ifndef SUCCESSOR_FIXTURE_H
#define SUCCESSOR_FIXTURE_H

#include "tests/unit/lane_fixture.h"

#include "bus/format.h"

enum { SECOND = 2, THIRD = 3, BLOCK = 20000 };

/* Where counters turn over; lanes begin a little before. */
static const uint64_t turns[] = { 1 << 20, UINT64_C(1) << 31, UINT64_C(1) << 32, UINT64_C(1) << 63, 0 };
enum { TURNS = sizeof turns / sizeof turns[0] };

static inline struct bench_lane *
first_at(uint64_t start, uint32_t history)
{
        return lane_with(small_geometry(start), history);
}

static inline struct bench_lane *
successor_with(const struct bench_lane *old, uint64_t lane, uint64_t heap_bytes)
{
        struct wr_lane_geometry geometry = small_geometry(old->geometry.start - 640);

        geometry.lane = lane;
        geometry.epoch = old->geometry.epoch + 1;
        geometry.follows = old->geometry.lane;
        geometry.heap_bytes = heap_bytes;
        geometry.segment_bytes = geometry.heap_offset + heap_bytes;
        return lane_with(geometry, old->w.history);
}

static inline struct bench_lane *
successor_of(const struct bench_lane *old, uint64_t lane)
{
        return successor_with(old, lane, HEAP);
}

/* A subscriber that asks for `history` frames of a lane that may not have begun. */
static inline struct wr_lane_reader *
come(struct bench_lane *l, bool reliable, uint32_t history)
{
        struct wr_lane_reader *r = join(l, reliable, history);

        r->history = history;
        return r;
}

static inline void
move(struct bench_lane *old, struct bench_lane *next)
{
        cr_assert(eq(int, wr_lane_move(&old->w, &next->w, NULL, NULL), WEIR_OK));
        cr_assert(eq(u64, next->w.sequence, old->w.sequence));
        cr_assert(eq(u64, next->w.reserved, 0));
}

/* What the frame with this number is: inline with metadata, a block, or small and plain. */
static inline size_t
size_of(uint64_t sequence)
{
        return sequence % 3 == 0 ? BLOCK + sequence : 10 + sequence % 40;
}

static inline struct wr_about
about_of(uint64_t sequence)
{
        static const char meta[] = "what the camera said of it";

        if (sequence % 3 == 2)
                return (struct wr_about){ 0 };
        return (struct wr_about){ .stamp_ns = -(int64_t)sequence,
                                  .tag = sequence * 3,
                                  .meta = meta,
                                  .meta_size = (uint32_t)(sequence % sizeof meta),
                                  .flags = (uint32_t)sequence << 8 };
}

static inline enum weir_result
put(struct bench_lane *l)
{
        uint64_t sequence = l->w.sequence, offset;
        struct wr_about about = about_of(sequence);
        uint8_t payload[INLINE];
        enum weir_result result;

        if (sequence % 3 != 0) {
                fill(payload, size_of(sequence), sequence);
                return wr_lane_publish(&l->w, payload, size_of(sequence), &about, (int64_t)sequence + 7);
        }
        result = wr_lane_lend(&l->w, size_of(sequence), 64, &offset);
        if (result != WEIR_OK)
                return result;
        fill(l->w.heap_base + offset, size_of(sequence), sequence);
        return wr_lane_publish_block(&l->w, offset, size_of(sequence), &about, (int64_t)sequence + 7, NULL);
}

static inline void
put_many(struct bench_lane *l, uint64_t count)
{
        for (; count > 0; count--)
                cr_assert(eq(int, put(l), WEIR_OK));
}

static inline enum weir_result
try_format(struct bench_lane *l, const char *type)
{
        struct wr_format_parts parts = { .type = type, .encoding = "raw", .schema = "x", .schema_size = 1 };
        uint64_t size = wr_format_bytes(&parts), offset;
        enum weir_result result;
        uint8_t bytes[256];

        wr_format_encode(&parts, bytes);
        cr_assert(eq(int, wr_lane_lend(&l->w, INLINE + 1, 64, &offset), WEIR_OK));
        result = wr_lane_set_format(&l->w, offset, bytes, size);
        if (result != WEIR_OK)
                wr_lane_discard(&l->w, offset, INLINE + 1);
        return result;
}

static inline void
put_format(struct bench_lane *l, const char *type)
{
        cr_assert(eq(int, try_format(l, type), WEIR_OK));
}

/* The next frame is this one, as it was published. */
static inline void
expect_frame(struct bench_lane *l, struct wr_lane_reader *r, uint64_t sequence, uint64_t lost)
{
        struct wr_about about = about_of(sequence);
        struct wr_taken t;

        cr_assert(eq(int, take(l, r, &t), WEIR_OK));
        cr_assert(eq(u64, t.sequence, sequence));
        cr_assert(eq(u64, t.lost, lost));
        cr_assert(eq(u64, t.size, size_of(sequence)));
        cr_assert(is_filled(t.data, t.size, sequence));
        cr_assert(eq(i64, t.published_ns, (int64_t)sequence + 7));
        cr_assert(eq(i64, t.about.stamp_ns, about.stamp_ns));
        cr_assert(eq(u64, t.about.tag, about.tag));
        cr_assert(eq(u32, t.about.flags, about.flags));
        cr_assert(eq(u32, t.about.meta_size, about.meta_size));
        if (about.meta_size > 0)
                cr_assert(eq(int, memcmp(t.about.meta, about.meta, about.meta_size), 0));
        if (t.block != 0)
                wr_lane_release(&r->pair, t.announcement);
}

static inline void
expect_nothing(struct bench_lane *l, struct wr_lane_reader *r)
{
        struct wr_taken t;

        cr_assert(eq(int, take(l, r, &t), WEIR_EMPTY)); /* it may pass over what is not for it */
        cr_assert(not(wr_lane_ready(r)));
        cr_assert(eq(u64, r->corrupt, 0));
}

static inline void
expect_frames(struct bench_lane *l, struct wr_lane_reader *r, uint64_t from, uint64_t to)
{
        for (; from <= to; from++)
                expect_frame(l, r, from, 0);
}

static inline void
expect_end(struct bench_lane *l, struct wr_lane_reader *r, uint64_t successor)
{
        struct wr_taken t;

        cr_assert(eq(int, take(l, r, &t), WEIR_ENDED));
        cr_assert(eq(u64, r->successor, successor));
}

static inline void
expect_format(const struct wr_lane_reader *r, const char *type)
{
        struct wr_format_parts parts;

        cr_assert(eq(int, wr_format_decode(r->format_bytes, r->format_size, &parts), WEIR_OK));
        cr_assert(eq(str, (char *)parts.type, (char *)type));
}

#endif
