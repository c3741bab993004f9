/* How far behind a reader is, as its publisher sees it in the ring. */
#include "bus/lane_backlog.h"
#include "tests/unit/lane_fixture.h"

static struct wr_lane_backlog
backlog_at(struct bench_lane *l, uint64_t cursor)
{
        struct wr_lane_backlog backlog;

        wr_lane_backlog(&l->w, cursor, &backlog);
        return backlog;
}

static struct wr_lane_backlog
backlog_of(struct bench_lane *l, const struct wr_lane_reader *r)
{
        return backlog_at(l, wr_load(&r->pair.words->cursor));
}

Test(lane_backlog, a_reader_that_caught_up_is_not_behind)
{
        struct bench_lane *l = lane_at(1 << 20);
        struct wr_lane_reader *r = join(l, false, 0);
        struct wr_taken t;

        cr_assert(eq(u64, backlog_of(l, r).frames, 0));
        cr_assert(eq(i64, backlog_of(l, r).oldest_ns, 0));
        for (int i = 0; i < 300; i++) {
                cr_assert(eq(int, publish(l, 40), WEIR_OK));
                cr_assert(eq(u64, backlog_of(l, r).frames, 1));
                cr_assert(eq(int, take(l, r, &t), WEIR_OK));
                cr_assert(eq(u64, backlog_of(l, r).frames, 0));
                cr_assert(eq(i64, backlog_of(l, r).oldest_ns, 0));
        }
        lane_done(l);
}

/* Sizes from nothing to a large one, blocks and formats between them, over the ring's end: the count is exact. */
Test(lane_backlog, the_frames_not_yet_taken_are_counted_exactly_wherever_the_cursor_stands)
{
        for (unsigned lead = 1; lead < 20; lead++) {
                struct bench_lane *l = lane_at(UINT64_MAX - 4095);
                struct wr_lane_reader *r = join(l, true, 0);
                uint64_t published = 0, taken = 0;
                struct wr_taken t;

                while (taken < 400) {
                        enum weir_result result =
                                published % 7 == 3 ? publish_block(l, 5000) : publish(l, published * 13 % 140);

                        if (result == WEIR_OK)
                                published++;
                        if (result == WEIR_FULL || published - taken > lead) {
                                cr_assert(eq(int, take(l, r, &t), WEIR_OK));
                                cr_assert(eq(u64, t.sequence, ++taken));
                                if (t.block != 0)
                                        wr_lane_release(&r->pair, t.announcement);
                        }
                        cr_assert(eq(u64, backlog_of(l, r).frames, published - taken));
                }
                lane_done(l);
        }
}

Test(lane_backlog, the_oldest_frame_not_yet_taken_tells_when_it_was_published)
{
        struct bench_lane *l = lane_at(1 << 20);
        struct wr_lane_reader *r = join(l, true, 0);
        struct wr_taken t;

        for (uint64_t i = 1; i <= 30; i++)
                cr_assert(eq(int, publish(l, 40), WEIR_OK));
        for (uint64_t i = 1; i <= 30; i++) {
                cr_assert(eq(i64, backlog_of(l, r).oldest_ns, 1000 + (int64_t)i));
                cr_assert(eq(int, take(l, r, &t), WEIR_OK));
        }
        lane_done(l);
}

Test(lane_backlog, a_reader_that_was_lapped_is_counted_from_where_it_can_go_on)
{
        struct bench_lane *l = lane_at(1 << 20);
        struct wr_lane_reader *r = join(l, false, 0);
        struct wr_lane_backlog backlog;
        struct wr_taken t;
        uint64_t left = 0;

        for (int i = 0; i < 1000; i++)
                cr_assert(eq(int, publish(l, 40), WEIR_OK));
        backlog = backlog_of(l, r);
        while (take(l, r, &t) == WEIR_OK)
                left++;
        cr_assert(gt(u64, backlog.frames, 0));
        cr_assert(ge(u64, backlog.frames, left));
        cr_assert(le(u64, backlog.frames, RING / WR_HEADER_BYTES));
        cr_assert(gt(i64, backlog.oldest_ns, 1000));
        lane_done(l);
}

/* The cursor is the reader's word: it may be anything. */
Test(lane_backlog, a_cursor_that_points_nowhere_says_nothing_and_reads_nothing_outside)
{
        struct bench_lane *l = lane_at(1 << 20);
        uint64_t random = 88172645463325252u;

        join(l, false, 0);
        for (int i = 0; i < 500; i++)
                cr_assert(eq(int, publish(l, (size_t)i % INLINE), WEIR_OK));
        for (int i = 0; i < 100000; i++) {
                uint64_t near = l->w.position - 2 * RING + random % (4 * RING);

                random ^= random << 13, random ^= random >> 7, random ^= random << 17;
                cr_assert(le(u64, backlog_at(l, i % 2 ? near : random).frames, l->w.sequence - 1));
        }
        lane_done(l);
}
