#include "tests/unit/successor_fixture.h"

#include <stdio.h>

TestSuite(lane_successor, .timeout = 60);

Test(lane_successor, a_subscriber_goes_on_in_the_successor_with_the_next_number)
{
        for (int turn = 0; turn < TURNS; turn++) {
                struct bench_lane *a = first_at(turns[turn] - 96, 0), *b = successor_of(a, SECOND);
                struct wr_lane_reader *r = come(a, true, 0), *next = come(b, true, 0);

                cr_assert(eq(u64, next->sequence, 0));
                put_many(a, 4);
                expect_nothing(b, next);
                move(a, b);
                put_many(b, 4);
                expect_frames(a, r, 1, 4);
                expect_end(a, r, SECOND);
                cr_assert(wr_lane_reader_follow(next, r));
                expect_frames(b, next, 5, 8);
                expect_nothing(b, next);
                cr_assert(eq(u64, next->lost + next->skipped, 0));
                cr_assert(eq(int, put(a), WEIR_E_CLOSED));
                lane_done(a);
                lane_done(b);
        }
}

Test(lane_successor, the_history_goes_along_as_it_was_and_a_follower_passes_over_it)
{
        static const uint32_t histories[] = { 0, 1, 2, 7, 12, 30 };

        for (int turn = 0; turn < TURNS; turn++) {
                for (size_t i = 0; i < sizeof histories / sizeof histories[0]; i++) {
                        struct bench_lane *a = first_at(turns[turn] - 96, histories[i]), *b = successor_of(a, SECOND);
                        struct wr_lane_reader *r = come(a, true, 0), *next = come(b, true, 0);
                        struct wr_lane_reader *newcomer = come(b, false, 100);
                        uint64_t kept = histories[i] < 12 ? histories[i] : 12;

                        put_many(a, 12);
                        move(a, b);
                        cr_assert(eq(u64, wr_load(&b->w.control->first), 13 - kept));
                        cr_assert(eq(u64, wr_load(&b->w.control->live), 13));
                        expect_frames(a, r, 1, 12);
                        expect_end(a, r, SECOND);
                        cr_assert(wr_lane_reader_follow(next, r));
                        expect_frames(b, newcomer, 13 - kept, 12);
                        put_many(b, 9);
                        expect_frames(b, newcomer, 13, 21);
                        expect_frames(b, next, 13, 21);
                        cr_assert(eq(u64, next->lost + newcomer->lost, 0));
                        lane_done(a);
                        lane_done(b);
                }
        }
}

Test(lane_successor, a_newcomer_gets_as_much_history_as_it_asked_for)
{
        for (uint32_t i = 0; i < 8 * TURNS; i++) {
                struct bench_lane *a = first_at(turns[i % TURNS] - 96, 5), *b = successor_of(a, SECOND);
                uint32_t wanted = i / TURNS;
                struct wr_lane_reader *early = come(b, true, wanted), *late;
                uint64_t got = wanted < 5 ? wanted : 5;

                put_many(a, 9);
                expect_nothing(b, early);
                move(a, b);
                late = come(b, true, wanted); /* one that comes behind the beginning is told where it begins */
                expect_frames(b, late, 10 - got, 9);
                expect_frames(b, early, 10 - got, 9);
                expect_nothing(b, early);
                put_many(b, 3);
                expect_frames(b, early, 10, 12);
                cr_assert(eq(u64, early->lost + early->skipped + late->lost, 0));
                lane_done(a);
                lane_done(b);
        }
}

Test(lane_successor, each_frame_of_the_history_comes_in_its_format)
{
        struct bench_lane *a = first_at(1 << 20, 4), *b = successor_of(a, SECOND);
        struct wr_lane_reader *newcomer = come(b, false, 4), *late;
        struct wr_lane_reader *r = come(a, true, 0), *next = come(b, false, 0);

        for (int change = 1; change <= 6; change++) { /* 3: a format without frames */
                char type[32];

                snprintf(type, sizeof type, "type %d", change);
                put_format(a, type);
                put_many(a, change == 3 ? 0 : 1);
        }
        put_format(a, "in force");
        move(a, b);
        put_format(b, "eight");
        put_format(b, "nine");
        cr_assert(eq(int, try_format(b, "ten"), WEIR_FULL), "the second is still to be read");
        expect_frame(b, newcomer, 2, 0);
        expect_format(newcomer, "type 2");
        expect_frame(b, newcomer, 3, 0);
        expect_format(newcomer, "type 4");
        expect_frame(b, newcomer, 4, 0);
        expect_format(newcomer, "type 5");
        expect_frame(b, newcomer, 5, 0);
        expect_format(newcomer, "type 6");
        put_many(b, 1);
        expect_frame(b, newcomer, 6, 0);
        expect_format(newcomer, "nine");
        expect_frames(a, r, 1, 5);
        expect_end(a, r, SECOND);
        cr_assert(wr_lane_reader_follow(next, r));
        expect_frame(b, next, 6, 0);
        expect_format(next, "nine");
        cr_assert(eq(u64, newcomer->format, 9), "numbers go on");
        for (int change = 0; change < 40; change++) { /* slots are given back as ever */
                for (int i = 0; i < 30; i++)
                        cr_assert(eq(int, publish(b, 100), WEIR_OK));
                put_format(b, "later");
        }
        late = come(b, false, 1);
        cr_assert(eq(u64, late->format, 48), "that of the last frame");
        lane_done(a);
        lane_done(b);
}

Test(lane_successor, a_format_in_force_goes_along_without_frames)
{
        struct bench_lane *a = first_at(1 << 20, 0), *b = successor_of(a, SECOND);
        struct wr_lane_reader *newcomer = come(b, false, 4);

        put_format(a, "old");
        put_format(a, "video");
        put_many(a, 5);
        move(a, b);
        put_many(b, 1);
        expect_frame(b, newcomer, 6, 0);
        expect_format(newcomer, "video");
        lane_done(a);
        lane_done(b);
}

Test(lane_successor, a_follower_that_is_lapped_in_the_successor_knows_exactly_what_it_lost)
{
        for (int turn = 0; turn < TURNS; turn++) {
                for (uint64_t passed = 0; passed <= 6; passed += 3) {
                        struct bench_lane *a = first_at(turns[turn] - 96, 6), *b = successor_of(a, SECOND);
                        struct wr_lane_reader *r = come(a, false, 0), *next = come(b, false, 0);
                        struct wr_taken t;
                        uint64_t received = 0;

                        put_many(a, 6);
                        move(a, b);
                        expect_frames(a, r, 1, 6);
                        expect_end(a, r, SECOND);
                        cr_assert(wr_lane_reader_follow(next, r));
                        for (uint64_t i = 0; i < passed; i++)
                                put_many(b, 1);
                        if (passed > 0)
                                expect_frames(b, next, 7, 6 + passed);
                        for (int i = 0; i < 500; i++)
                                cr_assert(eq(int, publish(b, 40), WEIR_OK));
                        while (take(b, next, &t) == WEIR_OK)
                                received += 1 + t.lost;
                        cr_assert(eq(u64, received, 500), "received and lost are all that was published");
                        cr_assert(gt(u64, next->lost, 0));
                        cr_assert(eq(u64, next->corrupt, 0));
                        lane_done(a);
                        lane_done(b);
                }
        }
}

Test(lane_successor, a_newcomer_that_is_lapped_before_its_first_look_knows_exactly_what_it_lost)
{
        struct bench_lane *a = first_at(1 << 20, 6), *b = successor_of(a, SECOND);
        struct wr_lane_reader *newcomer = come(b, false, 2);
        uint64_t received = 0;
        struct wr_taken t;

        put_many(a, 6);
        move(a, b);
        for (int i = 0; i < 500; i++)
                cr_assert(eq(int, publish(b, 40), WEIR_OK));
        while (take(b, newcomer, &t) == WEIR_OK)
                received += 1 + t.lost;
        cr_assert(eq(u64, received, 502));
        cr_assert(eq(u64, newcomer->corrupt, 0));
        lane_done(a);
        lane_done(b);
}

Test(lane_successor, what_was_lost_before_the_end_is_told_in_the_successor)
{
        struct bench_lane *a = first_at(1 << 20, 0), *b = successor_of(a, SECOND);
        struct wr_lane_reader *r = come(a, true, 0), *next = come(b, true, 0);
        uint64_t spoilt;

        put_many(a, 4);
        spoilt = a->w.position & (RING - 1);
        put_many(a, 1);
        a->w.ring[spoilt + 8] ^= 1; /* its length */
        move(a, b);
        put_many(b, 2);
        expect_frames(a, r, 1, 4);
        expect_end(a, r, SECOND);
        cr_assert(wr_lane_reader_follow(next, r));
        expect_frame(b, next, 6, 1);
        expect_frame(b, next, 7, 0);
        lane_done(a);
        lane_done(b);
}

Test(lane_successor, who_comes_when_it_has_begun_passes_what_it_had_and_counts_the_gap)
{
        for (uint64_t behind = 0; behind < 30; behind += 3) {
                struct bench_lane *a = first_at(1 << 20, 6), *b = successor_of(a, SECOND);
                struct wr_lane_reader *r = come(a, true, 0), *next;
                uint64_t kept = behind < 6 ? behind : 6; /* of the successor's history at that time */

                put_many(a, 4);
                move(a, b);
                expect_frames(a, r, 1, 4);
                expect_end(a, r, SECOND);
                for (uint64_t i = 0; i < behind; i++)
                        cr_assert(eq(int, put(b), WEIR_OK));
                next = come(b, true, UINT32_MAX);
                cr_assert(wr_lane_reader_follow(next, r));
                if (behind == 0)
                        expect_nothing(b, next);
                put_many(b, 1);
                expect_frame(b, next, 5 + behind - kept, behind - kept);
                cr_assert(eq(u64, next->lost, behind - kept));
                expect_frames(b, next, 6 + behind - kept, 5 + behind);
                lane_done(a);
                lane_done(b);
        }
}

Test(lane_successor, a_lane_goes_on_and_on)
{
        struct bench_lane *a = first_at(1 << 20, 4), *b = successor_of(a, SECOND), *c = successor_of(b, THIRD);
        struct wr_lane_reader *r = come(a, true, 0), *second = come(b, true, 0), *third = come(c, true, 0);
        struct wr_lane_reader *newcomer = come(c, false, 3);

        put_many(a, 5);
        move(a, b);
        move(b, c); /* nothing was published in it */
        put_many(c, 2);
        expect_frames(a, r, 1, 5);
        expect_end(a, r, SECOND);
        cr_assert(not(wr_lane_reader_follow(third, r)));
        cr_assert(wr_lane_reader_follow(second, r));
        expect_end(b, second, THIRD);
        cr_assert(wr_lane_reader_follow(third, second));
        expect_frames(c, third, 6, 7);
        expect_frames(c, newcomer, 3, 7);
        cr_assert(eq(u64, second->lost + third->lost, 0));
        lane_done(a);
        lane_done(b);
        lane_done(c);
}

/* Lossy: who is reliable is waited for in each of them. */
Test(lane_successor, who_misses_a_lane_between_counts_what_was_in_it)
{
        for (uint64_t between = 0; between < 100; between += 9) {
                for (uint64_t behind = 0; behind < 30; behind += 10) {
                        struct bench_lane *a = first_at(1 << 20, 0), *b = successor_of(a, SECOND);
                        struct bench_lane *c = successor_of(b, THIRD);
                        struct wr_lane_reader *r = come(a, false, 0), *third = behind == 0 ? come(c, false, 0) : NULL;

                        put_many(a, 4);
                        move(a, b);
                        put_many(b, between);
                        move(b, c);
                        put_many(c, behind);
                        if (!third)
                                third = come(c, false, UINT32_MAX);
                        expect_frames(a, r, 1, 4);
                        expect_end(a, r, SECOND);
                        cr_assert(wr_lane_reader_leap(third, r));
                        put_many(c, 2);
                        expect_frame(c, third, 5 + between + behind, between + behind);
                        expect_frame(c, third, 6 + between + behind, 0);
                        cr_assert(eq(u64, third->lost, between + behind));
                        cr_assert(eq(u64, third->corrupt, 0));
                        lane_done(a);
                        lane_done(b);
                        lane_done(c);
                }
        }
}

Test(lane_successor, a_successor_that_has_not_begun_may_be_abandoned_for_another)
{
        struct bench_lane *a = first_at(1 << 20, 2), *b = successor_of(a, SECOND), *c = successor_of(a, THIRD);
        struct wr_lane_reader *r = come(a, true, 0), *second = come(b, true, 0), *third = come(c, true, 0);
        struct wr_lane_reader *newcomer = come(b, false, 2);

        put_many(a, 3);
        wr_lane_reader_ready(r, SECOND);
        cr_assert(wr_lane_movable(&a->w, SECOND));
        wr_lane_reader_ready(r, THIRD);
        cr_assert(not(wr_lane_movable(&a->w, SECOND)));
        cr_assert(wr_lane_movable(&a->w, THIRD));
        wr_lane_end(&b->w, 0);
        expect_end(b, newcomer, 0);
        cr_assert(eq(u64, newcomer->lost + newcomer->corrupt, 0));
        cr_assert(eq(int, wr_lane_move(&a->w, &b->w, NULL, NULL), WEIR_E_USAGE));
        move(a, c);
        put_many(c, 1);
        expect_frames(a, r, 1, 3);
        expect_end(a, r, THIRD);
        cr_assert(not(wr_lane_reader_follow(second, r)));
        cr_assert(wr_lane_reader_follow(third, r));
        expect_frames(c, third, 4, 4);
        lane_done(a);
        lane_done(b);
        lane_done(c);
}

Test(lane_successor, only_reliable_subscribers_that_are_there_are_waited_for)
{
        struct bench_lane *a = first_at(1 << 20, 0), *b = successor_of(a, SECOND);
        struct wr_lane_reader *one = come(a, true, 0), *two = come(a, true, 0);

        cr_assert(wr_lane_movable(&b->w, THIRD), "nobody is there");
        come(a, false, 0);
        cr_assert(not(wr_lane_movable(&a->w, SECOND)));
        wr_lane_reader_ready(one, SECOND);
        cr_assert(not(wr_lane_movable(&a->w, SECOND)), "the other is not ready");
        wr_lane_reader_ready(two, THIRD);
        cr_assert(not(wr_lane_movable(&a->w, SECOND)), "the other is ready for another one");
        wr_store(&two->pair.words->state, WR_PAIR_LEAVING);
        cr_assert(wr_lane_movable(&a->w, SECOND), "the other takes no more");
        wr_store(&two->pair.words->state, WR_PAIR_TAKING);
        cr_assert(wr_lane_movable(&a->w, SECOND), "for good");
        wr_store(&one->pair.words->ready, 0);
        cr_assert(not(wr_lane_movable(&a->w, SECOND)));
        a->pair[0].evicted = true;
        cr_assert(wr_lane_movable(&a->w, SECOND), "who was evicted is not waited for");
        lane_done(a);
        lane_done(b);
}

Test(lane_successor, history_for_which_the_heap_has_no_room_is_left_out_oldest_first)
{
        struct bench_lane *a = first_at(1 << 20, 12), *b = successor_with(a, SECOND, 16 * 4096);
        struct wr_lane_reader *newcomer = come(b, false, 100);

        put_many(a, 12); /* blocks: 3, 6, 9, 12; three of them fit */
        move(a, b);
        cr_assert(eq(u64, b->w.first, 4));
        expect_frames(b, newcomer, 4, 12);
        for (int i = 0; i < 20; i++) /* history yields */
                put_many(b, 1);
        lane_done(a);
        lane_done(b);
}

Test(lane_successor, each_lane_keeps_as_much_history_as_it_was_opened_for)
{
        static const uint32_t histories[][2] = { { 2, 64 }, { 9, 3 } };

        for (int i = 0; i < 2; i++) {
                struct bench_lane *a = first_at(1 << 20, histories[i][0]), *b;
                struct wr_lane_geometry geometry = small_geometry(1 << 20);
                uint32_t kept = histories[i][i];

                geometry.lane = SECOND;
                geometry.follows = a->geometry.lane;
                b = lane_with(geometry, histories[i][1]);
                put_many(a, 10);
                move(a, b);
                cr_assert(eq(u64, b->w.first, 11 - kept));
                lane_done(a);
                lane_done(b);
        }
}

/* Wherever the ring ends and padding goes: the publisher is not stuck behind what it copied. */
Test(lane_successor, the_history_leaves_room_to_run_in)
{
        static const uint8_t meta[168], payload[384]; /* 608 bytes of ring */
        struct wr_about about = { .meta = meta, .meta_size = sizeof meta };

        for (uint64_t start = 0; start < RING; start += 32) {
                struct bench_lane *a = first_at((1 << 20) + start, 7), *b = successor_of(a, SECOND);

                come(b, true, 7);
                for (int i = 0; i < 7; i++)
                        cr_assert(eq(int, wr_lane_publish(&a->w, payload, sizeof payload, &about, 1), WEIR_OK));
                move(a, b);
                cr_assert(eq(u64, b->w.first, 4));
                cr_assert(eq(int, wr_lane_publish(&b->w, payload, sizeof payload, &about, 1), WEIR_OK));
                lane_done(a);
                lane_done(b);
        }
}

Test(lane_successor, history_for_which_the_ring_has_no_room_is_left_out_oldest_first)
{
        for (uint64_t start = 0; start < RING; start += 32 * 7) {
                struct bench_lane *a = first_at((1 << 20) + start, 100), *b = successor_of(a, SECOND);
                struct wr_lane_reader *newcomer = come(b, true, 100);
                uint64_t first;

                for (int i = 0; i < 100; i++)
                        cr_assert(eq(int, publish(a, 10 + (size_t)i % 30), WEIR_OK));
                move(a, b);
                first = b->w.first;
                cr_assert(gt(u64, first, 40));
                cr_assert(lt(u64, first, 70));
                cr_assert(eq(int, publish(b, INLINE), WEIR_OK), "there is room to run in");
                for (; first <= 101; first++) {
                        struct wr_taken t;

                        cr_assert(eq(int, take(b, newcomer, &t), WEIR_OK));
                        cr_assert(eq(u64, t.sequence, first));
                        cr_assert(is_filled(t.data, t.size, first));
                }
                lane_done(a);
                lane_done(b);
        }
}

struct bound {
        uint64_t end, asked;
};

static enum weir_result
commit_up_to(void *context, uint64_t end)
{
        struct bound *bound = context;

        if (end > bound->asked)
                bound->asked = end;
        return end <= bound->end ? WEIR_OK : WEIR_E_NO_MEMORY;
}

Test(lane_successor, what_cannot_be_committed_is_left_out)
{
        struct bound bound = { .end = 2 * (BLOCK + 1000) };
        struct bench_lane *a = first_at(1 << 20, 12), *b = successor_of(a, SECOND);
        struct wr_lane_reader *newcomer = come(b, false, 100);

        put_many(a, 12);
        cr_assert(eq(int, wr_lane_move(&a->w, &b->w, commit_up_to, &bound), WEIR_OK));
        cr_assert(gt(u64, bound.asked, bound.end));
        cr_assert(eq(u64, b->w.first, 7));
        cr_assert(le(u64, wr_heap_used(b->w.heap), bound.end));
        expect_frames(b, newcomer, 7, 12);
        lane_done(a);
        lane_done(b);
}

Test(lane_successor, without_room_for_the_format_in_force_nothing_happens)
{
        struct bound bound = { .end = 0 };
        struct bench_lane *a = first_at(1 << 20, 12), *b = successor_of(a, SECOND), *c = successor_with(a, THIRD, 0);
        struct wr_lane_reader *r = come(a, true, 0), *next = come(b, true, 0);

        put_format(a, "video");
        put_many(a, 2);
        cr_assert(eq(int, wr_lane_move(&a->w, &b->w, commit_up_to, &bound), WEIR_E_NO_MEMORY));
        cr_assert(eq(int, wr_lane_move(&a->w, &c->w, NULL, NULL), WEIR_E_NO_MEMORY));
        cr_assert(eq(u64, wr_heap_used(b->w.heap), 0));
        expect_nothing(b, next);
        put_many(a, 2);
        expect_frames(a, r, 1, 4);
        move(a, b);
        expect_end(a, r, SECOND);
        cr_assert(wr_lane_reader_follow(next, r));
        put_many(b, 1);
        expect_frames(b, next, 5, 5);
        expect_format(next, "video");
        lane_done(a);
        lane_done(b);
        lane_done(c);
}

Test(lane_successor, only_a_lane_that_goes_on_moves_and_only_into_one_that_follows_it)
{
        struct bench_lane *a = first_at(1 << 20, 0), *b = successor_of(a, SECOND), *c = successor_of(b, THIRD);
        struct wr_lane_reader *r = come(a, true, 0), *stranger = come(c, true, 0);

        cr_assert(eq(int, wr_lane_move(&a->w, &c->w, NULL, NULL), WEIR_E_USAGE));
        cr_assert(eq(int, wr_lane_move(&b->w, &a->w, NULL, NULL), WEIR_E_USAGE));
        move(a, b);
        cr_assert(eq(int, wr_lane_move(&a->w, &b->w, NULL, NULL), WEIR_E_CLOSED));
        cr_assert(not(wr_lane_reader_follow(stranger, r)), "it has not read END");
        expect_end(a, r, SECOND);
        cr_assert(not(wr_lane_reader_follow(stranger, r)));
        stranger->geometry.lane = SECOND; /* what END names, and follows another lane */
        cr_assert(not(wr_lane_reader_follow(stranger, r)));
        lane_done(a);
        lane_done(b);
        lane_done(c);
}
