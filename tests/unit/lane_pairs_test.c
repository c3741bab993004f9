#include "tests/unit/lane_fixture.h"

enum { BLOCK = 100 * 1000 };

Test(lane_pairs, an_impossible_cursor_is_ignored_and_counted_and_hides_nobody)
{
        static const uint64_t lies[] = { 0,
                                         1,
                                         31,
                                         33,
                                         1u << 31,
                                         UINT64_C(1) << 32,
                                         UINT64_C(1) << 63,
                                         (UINT64_C(1) << 63) + 4096,
                                         UINT64_MAX,
                                         UINT64_MAX - 31 };

        for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
                struct bench_lane *l = lane_at(1 << 20);
                struct wr_lane_reader *honest = join(l, true, 0), *hostile = join(l, true, 0);
                uint64_t published = 0, ignored = 0;
                struct wr_taken t;

                for (int round = 0; round < 200; round++) {
                        while (publish(l, 48) == WEIR_OK)
                                published++;
                        wr_store(&hostile->pair.words->cursor, round % 2 ? lies[i] : l->w.position + lies[i] + 32);
                        ignored = l->pair[1].ignored;
                        if (take(l, honest, &t) == WEIR_OK)
                                cr_assert(is_filled(t.data, t.size, t.sequence));
                        cr_assert(le(u64, l->w.cleared - l->w.geometry.ring_bytes, honest->position));
                        cr_assert(eq(u64, t.lost, 0));
                }
                cr_assert(gt(u64, ignored, 0));
                cr_assert(le(u64, published, RING / 64 + 200));
                lane_done(l);
        }
}

static uint64_t
lie_value(size_t which, uint64_t position)
{
        const uint64_t values[] = { 0,
                                    1,
                                    63,
                                    64,
                                    65,
                                    RING - 1,
                                    RING,
                                    RING + 1,
                                    HEAP / 64,
                                    HEAP / 64 + 1,
                                    position - 1,
                                    position,
                                    position + 1,
                                    position + 32,
                                    UINT32_MAX,
                                    UINT64_C(1) << 63,
                                    UINT64_MAX };

        return values[which % (sizeof values / sizeof values[0])];
}

Test(lane_pairs, whatever_a_hostile_page_says_the_honest_reader_is_served)
{
        struct bench_lane *l = lane_at((UINT64_C(1) << 32) - 4096);
        struct wr_lane_reader *honest = join(l, true, 0), *hostile = join(l, true, 0);
        uint64_t *page = l->page[1];
        int64_t now_ns = 1;
        uint64_t taken = 0;
        struct wr_taken t;

        for (size_t step = 0; step < 20000; step++) {
                size_t word = (step * 7919) % (256 / 8 + ANNOUNCEMENTS);

                page[word] = lie_value(step * 31 + step / 17, l->w.position);
                if (publish(l, step % INLINE) == WEIR_FULL)
                        while (wr_lane_charge(&l->w, now_ns += 1000, 100000) != NULL)
                                continue;
                if (step % 3 == 0 && publish_block(l, 5000) == WEIR_OK)
                        wr_lane_uncharge(&l->w, now_ns);
                while (take(l, honest, &t) == WEIR_OK) {
                        taken++;
                        cr_assert(eq(u64, t.sequence, taken));
                        cr_assert(is_filled(t.data, t.size, t.sequence));
                        if (t.block)
                                wr_lane_release(&honest->pair, t.announcement);
                }
        }
        cr_assert(gt(u64, taken, 19000));
        cr_assert(eq(u64, wr_load(&honest->pair.words->evicted), 0));
        (void)hostile;
        lane_done(l);
}

Test(lane_pairs, who_blocks_for_stall_ns_in_all_is_evicted_and_told_before_any_frame)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *slow = join(l, true, 0), *quick = join(l, true, 0);
        struct wr_taken t;

        while (publish(l, 32) == WEIR_OK)
                continue;
        while (take(l, quick, &t) == WEIR_OK)
                continue;
        cr_assert(eq(ptr, wr_lane_charge(&l->w, 1000, 5000), NULL));
        cr_assert(eq(ptr, wr_lane_charge(&l->w, 5900, 5000), NULL));
        cr_assert(eq(ptr, wr_lane_charge(&l->w, 6000, 5000), &l->pair[0]));
        cr_assert(eq(ptr, wr_lane_charge(&l->w, 6000, 5000), NULL));
        cr_assert(eq(int, publish(l, 32), WEIR_OK));
        cr_assert(wr_lane_ready(slow));
        for (int i = 0; i < 2; i++) {
                cr_assert(eq(int, take(l, slow, &t), WEIR_E_EVICTED));
                cr_assert(eq(u64, slow->lost, l->w.sequence - 2), "all but the one that was published after it");
        }
        cr_assert(eq(int, take(l, quick, &t), WEIR_OK));
        cr_assert(eq(u64, t.lost, 0));
        lane_done(l);
}

/* A publisher that is always ahead of a reader that takes a frame every `pace_ns`; when the reader is evicted, or 0. */
static int64_t
evicted_at(int64_t pace_ns, int64_t stall_ns, int64_t until_ns)
{
        struct wr_lane_geometry g = small_geometry(65536);
        struct bench_lane *l;
        struct wr_lane_reader *r;
        int64_t now_ns = 1000;
        bool evicted = false;
        struct wr_taken t;

        g.ring_bytes = 65536;
        g.heap_offset = g.ring_offset + g.ring_bytes;
        g.segment_bytes = g.heap_offset + g.heap_bytes;
        l = lane_with(g, 0);
        r = join(l, true, 0);
        for (; !evicted && now_ns < until_ns; now_ns += pace_ns) {
                while (publish(l, 32) == WEIR_OK)
                        continue;
                evicted = wr_lane_charge(&l->w, now_ns, stall_ns) != NULL ||
                          wr_lane_charge(&l->w, now_ns + pace_ns, stall_ns) != NULL;
                take(l, r, &t);
                if (!evicted)
                        wr_lane_uncharge(&l->w, now_ns + pace_ns);
        }
        lane_done(l);
        return evicted ? now_ns : 0;
}

/* A stall is 50 us, 1023 frames are the backlog, 16 of them its 64th. */
Test(lane_pairs, a_drip_of_progress_does_not_hold_the_publisher_up_for_ever)
{
        int64_t at_ns = evicted_at(25000, 50000, 1000000);

        cr_assert(gt(i64, at_ns, 0));
        cr_assert(le(i64, at_ns, 3 * 50000));
}

Test(lane_pairs, a_reader_that_is_merely_slower_is_waited_for_for_ever)
{
        cr_assert(eq(i64, evicted_at(3000, 50000, 50 * 50000), 0));
}

Test(lane_pairs, time_in_which_nobody_looked_is_nobodys_debt)
{
        const int64_t second_ns = 1000000000;
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, true, 0);
        struct wr_taken t;

        while (publish(l, 32) == WEIR_OK)
                continue;
        cr_assert(eq(ptr, wr_lane_charge(&l->w, second_ns, 5 * second_ns), NULL));
        while (take(l, r, &t) == WEIR_OK) /* the reader takes all; the publisher has nothing to send for a minute */
                continue;
        cr_assert(eq(int, publish(l, 32), WEIR_OK));
        wr_lane_uncharge(&l->w, 61 * second_ns);
        while (publish(l, 32) == WEIR_OK)
                continue;
        cr_assert(eq(ptr, wr_lane_charge(&l->w, 61 * second_ns + 1, 5 * second_ns), NULL));
        lane_done(l);
}

Test(lane_pairs, a_reader_that_leaves_is_no_longer_waited_for)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, true, 0);

        while (publish(l, 32) == WEIR_OK)
                continue;
        wr_store(&r->pair.words->state, WR_PAIR_LEAVING);
        cr_assert(eq(int, publish(l, 32), WEIR_OK));
        lane_done(l);
}

static int raised;

static void
count_raise(wr_word32 *word)
{
        (void)word;
        raised += 1;
}

Test(lane_pairs, one_wake_for_each_sleep)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, false, 0);

        for (int sleep = 1; sleep <= 3; sleep++) {
                uint32_t value = wr_pair_sleep_arm(&r->pair);

                for (int n = 0; n < 5; n++) {
                        cr_assert(eq(int, publish(l, 1), WEIR_OK));
                        wr_lane_wake(&l->w, count_raise);
                }
                cr_assert(eq(int, raised, sleep));
                cr_assert(ne(u32, wr_load32(&r->pair.words->wake), value));
                wr_pair_sleep_disarm(&r->pair);
                wr_lane_wake(&l->w, count_raise);
                cr_assert(eq(int, raised, sleep));
        }
        lane_done(l);
}

Test(lane_pairs, who_asks_for_wakes_and_takes_nothing_is_left_to_a_timer)
{
        struct bench_lane *l = lane_at(UINT64_MAX - 4095);
        struct wr_lane_reader *r = join(l, false, 0);
        struct wr_taken t;

        raised = 0;
        for (int sleep = 0; sleep < 1000; sleep++) {
                wr_pair_sleep_arm(&r->pair); /* anew each time, as if it had been awake */
                cr_assert(eq(int, publish(l, 1), WEIR_OK));
                wr_lane_wake(&l->w, count_raise);
        }
        cr_assert(lt(int, raised, 100));
        cr_assert(l->w.wakes_owed);
        raised = 0;
        wr_lane_wake_owed(&l->w, count_raise);
        wr_lane_wake_owed(&l->w, count_raise);
        cr_assert(eq(int, raised, 1));
        while (take(l, r, &t) == WEIR_OK) /* one that moves is woken for each frame again */
                continue;
        for (int sleep = 0; sleep < 200; sleep++) {
                wr_pair_sleep_arm(&r->pair);
                cr_assert(eq(int, publish(l, 1), WEIR_OK));
                wr_lane_wake(&l->w, count_raise);
                cr_assert(eq(int, take(l, r, &t), WEIR_OK));
        }
        cr_assert(eq(int, raised, 201));
        cr_assert(not(l->w.wakes_owed));
        lane_done(l);
}

Test(lane_pairs, a_cursor_that_leaps_is_no_frame_taken)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, false, 0);

        raised = 0;
        for (int sleep = 0; sleep < 1000; sleep++) {
                wr_pair_sleep_arm(&r->pair);
                wr_store(&r->pair.words->cursor, l->w.position + (sleep % 2 ? -(UINT64_C(1) << 40) : 1 << 20));
                cr_assert(eq(int, publish(l, 1), WEIR_OK));
                wr_lane_wake(&l->w, count_raise);
        }
        cr_assert(lt(int, raised, 100));
        lane_done(l);
}

Test(lane_pairs, one_wake_for_each_wait_for_room)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, true, 0);
        uint32_t value = wr_pair_room_arm(&l->pair[0]);

        cr_assert(wr_pair_room_due(&r->pair));
        cr_assert(not(wr_pair_room_due(&r->pair)));
        cr_assert(ne(u32, wr_load32(&r->pair.words->space), value));
        wr_pair_room_disarm(&l->pair[0]);
        cr_assert(not(wr_pair_room_due(&r->pair)));
        lane_done(l);
}

Test(lane_pairs, what_a_detached_reader_had_out_is_free)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, true, 0);
        struct wr_taken t;

        for (int n = 0; n < ANNOUNCEMENTS; n++) {
                cr_assert(eq(int, publish_block(l, BLOCK), WEIR_OK));
                cr_assert(eq(int, take(l, r, &t), WEIR_OK));
        }
        cr_assert(eq(int, publish_block(l, 700 * 1000), WEIR_FULL));
        wr_lane_detach(&l->w, &l->pair[0]);
        cr_assert(eq(int, publish_block(l, 700 * 1000), WEIR_OK));
        lane_done(l);
}
