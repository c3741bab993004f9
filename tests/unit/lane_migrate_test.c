#include "tests/unit/successor_fixture.h"

TestSuite(lane_migrate, .timeout = 60);

Test(lane_migrate, a_loan_that_the_successor_lent_before_it_began_keeps_its_room)
{
        struct bench_lane *a = first_at(1 << 20, 100), *b = successor_of(a, SECOND);
        struct wr_lane_reader *newcomer = come(b, true, 100);
        static const uint8_t meta[WR_META_MAX];
        struct wr_about about = { .meta = meta };
        uint64_t blocks[5], scratch;
        struct wr_taken t;

        for (int i = 0; i < 100; i++)
                cr_assert(eq(int, publish(a, 16), WEIR_OK));
        about.meta_size = b->w.extension_max - (uint32_t)sizeof(struct wr_frame_extension);
        cr_assert(eq(int, wr_lane_lend(&b->w, INLINE, 64, &scratch), WEIR_OK));
        cr_assert(eq(u64, scratch, WR_SCRATCH));
        for (int i = 0; i < 5; i++)
                cr_assert(eq(int, wr_lane_lend(&b->w, 2 * BLOCK, 64, &blocks[i]), WEIR_OK));
        cr_assert(eq(int, wr_lane_move(&a->w, &b->w, NULL, NULL), WEIR_OK));
        while (publish(b, 16) == WEIR_OK)
                continue;
        for (int i = 0; i < 5; i++)
                cr_assert(eq(int, wr_lane_publish_block(&b->w, blocks[i], 2 * BLOCK, &about, 1, NULL), WEIR_OK));
        cr_assert(eq(int, wr_lane_publish_scratch(&b->w, meta, INLINE, INLINE, &about, 1), WEIR_OK));
        cr_assert(eq(u64, b->w.reserved, 0));
        for (uint64_t sequence = b->w.first; sequence < b->w.sequence; sequence++) {
                cr_assert(eq(int, take(b, newcomer, &t), WEIR_OK));
                cr_assert(eq(u64, t.sequence, sequence));
                cr_assert(eq(u64, t.lost, 0));
                if (t.block != 0)
                        wr_lane_release(&newcomer->pair, t.announcement);
        }
        lane_done(a);
        lane_done(b);
}

Test(lane_migrate, blocks_lie_in_the_successor_as_their_publisher_wants_them)
{
        struct bench_lane *a = first_at(1 << 20, 4), *b = successor_of(a, SECOND);
        struct wr_lane_reader *newcomer = come(b, false, 4);
        uint64_t offset;
        struct wr_taken t;

        for (int i = 0; i < 4; i++) {
                cr_assert(eq(int, wr_lane_lend(&a->w, 5000, 2048, &offset), WEIR_OK));
                fill(a->w.heap_base + offset, 5000, a->w.sequence);
                cr_assert(eq(int, wr_lane_publish_block(&a->w, offset, 5000, NULL, 5, NULL), WEIR_OK));
        }
        move(a, b);
        for (uint64_t sequence = 1; sequence <= 4; sequence++) {
                cr_assert(eq(int, take(b, newcomer, &t), WEIR_OK));
                cr_assert(eq(u64, (t.block - 1) % 2048, 0));
                cr_assert(is_filled(t.data, t.size, sequence));
                wr_lane_release(&newcomer->pair, t.announcement);
        }
        cr_assert(eq(u64, b->w.align, a->w.align), "also for the lane behind it");
        lane_done(a);
        lane_done(b);
}

/* As an agent publishes what was damaged on its way. */
Test(lane_migrate, a_block_under_the_hash_of_other_bytes_has_it_in_the_successor_too)
{
        struct bench_lane *a = first_at(1 << 20, 4), *b = successor_of(a, SECOND);
        struct wr_lane_reader *newcomer = come(b, false, 4);
        uint64_t offset, hash;
        struct wr_taken t;

        for (uint64_t sequence = 1; sequence <= 3; sequence++) {
                cr_assert(eq(int, wr_lane_lend(&a->w, 5000, 64, &offset), WEIR_OK));
                fill(a->w.heap_base + offset, 5000, sequence);
                hash = wr_hash_two("", 0, a->w.heap_base + offset, 5000) + (sequence == 2);
                cr_assert(eq(int, wr_lane_publish_block(&a->w, offset, 5000, NULL, 5, &hash), WEIR_OK));
        }
        move(a, b);
        for (uint64_t sequence = 1; sequence <= 3; sequence += 2) {
                cr_assert(eq(int, take(b, newcomer, &t), WEIR_OK));
                cr_assert(eq(u64, t.sequence, sequence));
                cr_assert(eq(u64, t.lost, sequence / 2));
                cr_assert(is_filled(t.data, t.size, sequence));
                wr_lane_release(&newcomer->pair, t.announcement);
        }
        lane_done(a);
        lane_done(b);
}

Test(lane_migrate, a_block_that_readers_could_not_have_any_more_is_no_history)
{
        struct bench_lane *a = first_at(1 << 20, 5), *b = successor_with(a, SECOND, 4 * HEAP);
        struct wr_lane_reader *newcomer = come(b, false, 5);

        for (int i = 0; i < 8; i++) /* the heap turns over: only three fit */
                cr_assert(eq(int, publish_block(a, 300 * 1024), WEIR_OK));
        cr_assert(eq(int, publish(a, 100), WEIR_OK));
        move(a, b);
        cr_assert(eq(u64, b->w.first, 6));
        for (uint64_t sequence = 6; sequence <= 9; sequence++) {
                struct wr_taken t;

                cr_assert(eq(int, take(b, newcomer, &t), WEIR_OK));
                cr_assert(is_filled(t.data, t.size, sequence));
                if (t.block != 0)
                        wr_lane_release(&newcomer->pair, t.announcement);
        }
        lane_done(a);
        lane_done(b);
}

Test(lane_migrate, a_frame_that_was_overwritten_is_no_history)
{
        struct bench_lane *a = first_at(1 << 20, 100), *b;
        struct wr_lane_geometry geometry = small_geometry(1 << 20);
        struct wr_lane_reader *newcomer;
        struct wr_taken t;

        geometry.lane = SECOND;
        geometry.follows = a->geometry.lane;
        geometry.ring_bytes = 4 * RING;
        geometry.heap_offset = WR_CONTROL_BYTES + 4 * RING;
        geometry.segment_bytes = geometry.heap_offset + HEAP;
        b = lane_with(geometry, 100);
        newcomer = come(b, true, 100);
        for (int i = 0; i < 100; i++)
                cr_assert(eq(int, publish(a, 10 + (size_t)i % 30), WEIR_OK));
        move(a, b);
        cr_assert(lt(u64, b->w.first, 50));
        for (uint64_t sequence = b->w.first; sequence <= 100; sequence++) {
                cr_assert(eq(int, take(b, newcomer, &t), WEIR_OK));
                cr_assert(eq(u64, t.sequence, sequence));
                cr_assert(is_filled(t.data, t.size, sequence));
        }
        lane_done(a);
        lane_done(b);
}

Test(lane_migrate, a_reliable_newcomer_keeps_its_history_from_being_overwritten)
{
        struct bench_lane *a = first_at((UINT64_C(1) << 32) - 2048, 6), *b = successor_of(a, SECOND);
        struct wr_lane_reader *newcomer = come(b, true, 3);
        uint64_t published = 9;

        put_many(a, 9);
        move(a, b);
        while (put(b) == WEIR_OK)
                published++;
        cr_assert(gt(u64, published, 12));
        expect_frames(b, newcomer, 7, published);
        put_many(b, 3);
        expect_frames(b, newcomer, published + 1, published + 3);
        lane_done(a);
        lane_done(b);
}

Test(lane_migrate, who_keeps_only_the_newest_gets_the_newest_behind_the_history)
{
        for (int turn = 0; turn < TURNS; turn++) {
                struct bench_lane *a = first_at(turns[turn] - 96, 6), *b = successor_of(a, SECOND);
                struct wr_lane_reader *r = come(a, true, 0), *next = come(b, true, 0);
                struct wr_taken t;

                r->keep = next->keep = 2;
                put_many(a, 6);
                move(a, b);
                put_many(b, 5);
                cr_assert(eq(int, take(a, r, &t), WEIR_OK));
                cr_assert(eq(u64, t.sequence, 5));
                cr_assert(eq(u64, t.skipped, 4));
                expect_frame(a, r, 6, 0);
                expect_end(a, r, SECOND);
                cr_assert(wr_lane_reader_follow(next, r));
                cr_assert(eq(int, take(b, next, &t), WEIR_OK));
                cr_assert(eq(u64, t.sequence, 10));
                cr_assert(eq(u64, t.skipped, 3));
                expect_frame(b, next, 11, 0);
                lane_done(a);
                lane_done(b);
        }
}

Test(lane_migrate, onlookers_see_the_counters_go_on)
{
        for (uint32_t history = 0; history <= 4; history += 4) {
                struct bench_lane *a = first_at(1 << 20, history), *b = successor_of(a, SECOND);
                uint64_t bytes;

                put_many(a, 9);
                bytes = wr_load(&a->w.control->published_bytes);
                move(a, b);
                cr_assert(eq(u64, wr_load(&b->w.control->published), 9));
                cr_assert(eq(u64, wr_load(&b->w.control->published_bytes), bytes));
                put_many(b, 1);
                cr_assert(eq(u64, wr_load(&b->w.control->published), 10));
                cr_assert(eq(u64, wr_load(&b->w.control->published_bytes), bytes + size_of(10)));
                lane_done(a);
                lane_done(b);
        }
}

/* A publisher moves ahead of a reader that has all its frames before it still, and goes on until there is no room. The
 * reader takes a frame every `pace_ns` (0: none), first in the old lane; when it is evicted, or 0. */
static int64_t
evicted_behind_a_move(int64_t pace_ns, int64_t stall_ns, int64_t until_ns, bool knows)
{
        struct bench_lane *a = first_at(1 << 20, 0), *b = successor_of(a, SECOND);
        struct wr_lane_reader *r = come(a, true, 0), *next = come(b, true, 0);
        bool evicted = false;
        struct wr_taken t;
        int64_t now_ns;

        a->pair[0].id = 77;
        b->pair[0].follows = knows ? 77 : 0;
        while (publish(a, 10) == WEIR_OK)
                continue;
        move(a, b);
        for (now_ns = 1000; !evicted && now_ns < until_ns; now_ns += stall_ns / 100) {
                while (publish(b, 10) == WEIR_OK)
                        continue;
                evicted = wr_lane_charge(&b->w, now_ns, stall_ns) != NULL;
                if (pace_ns == 0 || now_ns % pace_ns >= stall_ns / 100)
                        continue;
                if (!r->ended && take(a, r, &t) == WEIR_ENDED)
                        cr_assert(wr_lane_reader_follow(next, r));
                if (r->ended)
                        take(b, next, &t);
        }
        lane_done(a);
        lane_done(b);
        return evicted ? now_ns : 0;
}

/* 64 frames are left in the old lane: one in every stall is its 64th. */
Test(lane_migrate, who_takes_what_is_left_in_the_old_lane_makes_progress)
{
        const int64_t stall_ns = 100000;

        cr_assert(eq(i64, evicted_behind_a_move(stall_ns / 2, stall_ns, 100 * stall_ns, true), 0));
        cr_assert(gt(i64, evicted_behind_a_move(stall_ns / 2, stall_ns, 100 * stall_ns, false), 0));
        cr_assert(le(i64, evicted_behind_a_move(0, stall_ns, 100 * stall_ns, true), 2 * stall_ns));
}

Test(lane_migrate, a_cursor_in_the_old_lane_is_input_as_any_other)
{
        static const uint64_t lies[] = { 0, 1, UINT64_MAX, UINT64_C(1) << 63, 1 << 20 };

        for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
                struct bench_lane *a = first_at((1 << 20) + 32, 0), *b = successor_of(a, SECOND);
                struct wr_lane_reader *r = come(a, true, 0);
                int64_t now_ns = 0;

                come(b, true, 0);
                a->pair[0].id = b->pair[0].follows = 5;
                put_many(a, 3);
                move(a, b);
                cr_assert(eq(ptr, (void *)b->pair[0].before, (void *)r->pair.words));
                while (publish(b, 10) == WEIR_OK)
                        continue;
                wr_store(&r->pair.words->cursor, lies[i]);
                while (now_ns < 2000000 && wr_lane_charge(&b->w, now_ns += 1000, 100000) == NULL)
                        continue;
                cr_assert(le(i64, now_ns, 102000));
                cr_assert(gt(u64, b->pair[0].ignored, 0));
                lane_done(a);
                lane_done(b);
        }
}

Test(lane_migrate, debts_go_along)
{
        struct bench_lane *a = first_at(1 << 20, 0), *b = successor_of(a, SECOND);
        struct wr_lane_reader *r = come(a, true, 0), *other = come(a, true, 0);
        struct wr_taken t;

        come(b, true, 0);
        come(b, true, 0);
        for (uint64_t i = 0; i < 2; i++)
                a->pair[i].id = b->pair[i].follows = 5 + i;
        while (publish(a, 10) == WEIR_OK)
                continue;
        while (take(a, other, &t) == WEIR_OK)
                continue;
        wr_lane_charge(&a->w, 1000, 5000);
        wr_lane_charge(&a->w, 5000, 5000);
        move(a, b);
        cr_assert(eq(i64, b->pair[0].charged_ns, 4000));
        cr_assert(eq(i64, b->pair[1].charged_ns, 0));
        cr_assert(eq(ptr, (void *)b->pair[0].before, (void *)r->pair.words));
        cr_assert(eq(ptr, (void *)b->pair[1].before, NULL), "nothing is left there");
        lane_done(a);
        lane_done(b);
}

Test(lane_migrate, who_was_evicted_from_the_old_lane_holds_up_no_successor)
{
        struct bench_lane *a = first_at(1 << 20, 0), *b = successor_of(a, SECOND);
        struct wr_lane_reader *next;

        come(a, true, 0);
        next = come(b, true, 0);
        a->pair[0].id = b->pair[0].follows = 5;
        while (publish(a, 10) == WEIR_OK)
                continue;
        wr_lane_charge(&a->w, 1000, 5000);
        cr_assert(eq(ptr, (void *)wr_lane_charge(&a->w, 6000, 5000), (void *)&a->pair[0]));
        move(a, b);
        for (int i = 0; i < 200; i++)
                cr_assert(eq(int, publish(b, 10), WEIR_OK));
        cr_assert(ne(u64, wr_load(&next->pair.words->evicted), 0), "it is told, should it come");
        lane_done(a);
        lane_done(b);
}

static const uint64_t odd_words[] = { 0,
                                      1,
                                      2,
                                      31,
                                      4096,
                                      UINT64_C(1) << 31,
                                      UINT64_C(1) << 32,
                                      (UINT64_C(1) << 63) - 1,
                                      UINT64_C(1) << 63,
                                      UINT64_MAX - 31,
                                      UINT64_MAX };
enum { ODD_WORDS = sizeof odd_words / sizeof odd_words[0] };

/* A lane that is not right is given up after a bounded number of looks, or looks empty, or its frames are delivered
 * with numbers that only grow. */
static void
read_what_there_is(struct bench_lane *l, struct wr_lane_reader *r)
{
        uint64_t last = 0;
        struct wr_taken t;

        for (int look = 0; look < 200; look++) {
                enum weir_result result = take(l, r, &t);

                wr_lane_ready(r);
                if (result == WEIR_OK) {
                        cr_assert(last == 0 || (int64_t)(t.sequence - last) > 0);
                        cr_assert(le(u64, t.size, BLOCK + 100));
                        last = t.sequence;
                        if (t.block != 0)
                                wr_lane_release(&r->pair, t.announcement);
                } else {
                        cr_assert(result == WEIR_EMPTY || result == WEIR_ENDED || result == WEIR_E_CORRUPT);
                }
        }
}

Test(lane_migrate, whatever_a_hostile_beginning_says_the_reader_survives)
{
        for (int follows = 0; follows < 2; follows++) {
                for (size_t i = 0; i < (size_t)ODD_WORDS * ODD_WORDS * 4; i++) {
                        struct bench_lane *a = first_at(turns[i % TURNS] - 96, 6), *b = successor_of(a, SECOND);
                        struct wr_lane_reader *r = come(a, false, 0), *next = come(b, false, i % 7);
                        size_t spoilt = i / ODD_WORDS / ODD_WORDS;

                        put_many(a, 6);
                        move(a, b);
                        put_many(b, 4);
                        wr_store(&b->w.control->first, odd_words[i % ODD_WORDS]);
                        wr_store(&b->w.control->live, odd_words[i / ODD_WORDS % ODD_WORDS]);
                        if (spoilt == 1) /* nothing there */
                                memset(b->w.ring, 0, RING);
                        if (spoilt == 2) /* everything there */
                                for (size_t at = 0; at < RING; at += 8)
                                        wr_store((wr_word *)(void *)(b->w.ring + at), b->geometry.start + at + 1);
                        if (spoilt == 3)
                                wr_store(&b->w.control->claimed, b->w.position);
                        expect_frames(a, r, 1, 6);
                        expect_end(a, r, SECOND);
                        if (follows)
                                cr_assert(wr_lane_reader_follow(next, r));
                        read_what_there_is(b, next);
                        lane_done(a);
                        lane_done(b);
                }
        }
}

Test(lane_migrate, losses_that_cannot_be_are_not_believed)
{
        struct bench_lane *l = first_at(1 << 20, 0);
        struct wr_lane_reader *r = come(l, false, 0);

        for (int i = 0; i < 500; i++)
                cr_assert(eq(int, publish(l, 40), WEIR_OK));
        for (int i = 0; i < WR_STEPS; i++)
                wr_store(&l->w.control->steps[i].sequence, wr_load(&l->w.control->steps[i].sequence) + (1 << 20));
        read_what_there_is(l, r);
        cr_assert(le(u64, r->lost, 2 * 500));
        cr_assert(gt(u64, r->corrupt, 0));
        lane_done(l);
}

Test(lane_migrate, who_is_evicted_before_it_began_lost_nothing_and_a_follower_what_is_new)
{
        struct bench_lane *a = first_at(1 << 20, 0), *b = successor_of(a, SECOND);
        struct wr_lane_reader *r = come(a, true, 0), *next = come(b, true, 0), *newcomer = come(b, true, 0);
        struct wr_taken t;

        put_many(a, 3);
        move(a, b);
        put_many(b, 4);
        expect_frames(a, r, 1, 3);
        expect_end(a, r, SECOND);
        cr_assert(wr_lane_reader_follow(next, r));
        wr_store(&next->pair.words->evicted, b->w.sequence);
        wr_store(&newcomer->pair.words->evicted, b->w.sequence);
        for (int look = 0; look < 3; look++) {
                cr_assert(eq(int, take(b, next, &t), WEIR_E_EVICTED));
                cr_assert(eq(int, take(b, newcomer, &t), WEIR_E_EVICTED));
        }
        cr_assert(eq(u64, next->lost, 4));
        cr_assert(eq(u64, newcomer->lost, 0));
        lane_done(a);
        lane_done(b);
}

Test(lane_migrate, a_lane_with_frames_and_no_beginning_is_given_up)
{
        struct bench_lane *a = first_at(1 << 20, 0), *b = successor_of(a, SECOND);
        struct wr_lane_reader *next = come(b, true, 0);
        struct wr_taken t;

        move(a, b);
        put_many(b, 4);
        wr_store(&b->w.control->first, 0);
        for (int look = 0; look < WR_LANE_BAD_MAX; look++)
                cr_assert(eq(int, take(b, next, &t), WEIR_EMPTY));
        cr_assert(eq(int, take(b, next, &t), WEIR_E_CORRUPT));
        lane_done(a);
        lane_done(b);
}

Test(lane_migrate, garbage_in_the_history_is_not_passed_over_for_ever)
{
        struct bench_lane *a = first_at(1 << 20, 6), *b = successor_of(a, SECOND);
        struct wr_lane_reader *next = come(b, true, 0);
        struct wr_taken t;

        put_many(a, 6);
        move(a, b);
        put_many(b, 1);
        memset(b->w.ring + (b->geometry.start & (RING - 1)), 0xee, 32);
        for (int look = 0; look < WR_LANE_BAD_MAX; look++)
                cr_assert(eq(int, take(b, next, &t), WEIR_EMPTY));
        cr_assert(eq(int, take(b, next, &t), WEIR_E_CORRUPT));
        lane_done(a);
        lane_done(b);
}

/* Its own count was off by one, where no hash could say so: it goes on with the first frame that is new. */
Test(lane_migrate, a_follower_that_counted_wrongly_misses_nothing_that_is_new)
{
        struct bench_lane *a = first_at(1 << 20, 2), *b = successor_of(a, SECOND);
        struct wr_lane_reader *r = come(a, true, 0), *next = come(b, true, 0);

        put_many(a, 5);
        move(a, b);
        put_many(b, 3);
        expect_frames(a, r, 1, 5);
        r->sequence += 2;
        r->verify = UINT32_MAX;
        expect_end(a, r, SECOND);
        cr_assert(wr_lane_reader_follow(next, r));
        expect_frames(b, next, 6, 8);
        lane_done(a);
        lane_done(b);
}

Test(lane_migrate, a_grant_that_begins_elsewhere_in_a_lane_not_begun_is_refused)
{
        struct bench_lane *a = first_at(1 << 20, 0), *b = successor_of(a, SECOND);
        struct wr_lane_start start = { b->geometry.start + 32, 0, 0 };
        uint64_t page[PAGE / 8] = { 0 };
        struct wr_lane_reader r;

        cr_assert(eq(int, wr_lane_reader_open(&r, b->segment, &b->geometry, &start, (void *)page, ANNOUNCEMENTS, false),
                     WEIR_E_CORRUPT));
        lane_done(a);
        lane_done(b);
}
