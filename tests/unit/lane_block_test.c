#include "tests/unit/lane_fixture.h"

#include "bus/format.h"

#include <stdio.h>

enum { BLOCK = 100 * 1000 };

Test(lane_block, a_block_is_taken_in_place)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, true, 0);
        struct wr_taken t;

        cr_assert(eq(int, publish_block(l, BLOCK), WEIR_OK));
        cr_assert(eq(int, take(l, r, &t), WEIR_OK));
        cr_assert(eq(u64, t.size, BLOCK));
        cr_assert(t.block != 0);
        cr_assert(eq(ptr, (void *)(uintptr_t)t.data, l->w.heap_base + t.block - 1));
        cr_assert(is_filled(t.data, BLOCK, 1));
        wr_lane_release(&r->pair, t.announcement);
        lane_done(l);
}

Test(lane_block, a_block_that_is_out_is_never_reused_and_soon_after_release_it_is)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, false, 0);
        struct wr_taken held, t;
        bool reused = false;

        cr_assert(eq(int, publish_block(l, BLOCK), WEIR_OK));
        cr_assert(eq(int, take(l, r, &held), WEIR_OK));
        for (int n = 0; n < 100; n++) {
                cr_assert(eq(int, publish_block(l, BLOCK), WEIR_OK));
                cr_assert(is_filled(held.data, BLOCK, 1));
        }
        wr_lane_release(&r->pair, held.announcement);
        for (int n = 0; n < 20; n++) {
                cr_assert(eq(int, publish_block(l, BLOCK), WEIR_OK));
                reused |= !is_filled(held.data, BLOCK, 1);
                while (take(l, r, &t) == WEIR_OK)
                        wr_lane_release(&r->pair, t.announcement);
        }
        cr_assert(reused);
        lane_done(l);
}

Test(lane_block, a_lossy_reader_loses_blocks_and_is_told_how_many)
{
        struct bench_lane *l = lane_at(UINT64_MAX - 4095);
        struct wr_lane_reader *r = join(l, false, 0);
        uint64_t received = 0, lost = 0;
        struct wr_taken t;

        for (int n = 0; n < 300; n++) {
                cr_assert(eq(int, publish_block(l, BLOCK), WEIR_OK));
                if (n % 40 == 39 && take(l, r, &t) == WEIR_OK) {
                        received++;
                        lost += t.lost;
                        cr_assert(is_filled(t.data, t.size, t.sequence));
                        wr_lane_release(&r->pair, t.announcement);
                }
        }
        while (take(l, r, &t) == WEIR_OK) {
                received++;
                lost += t.lost;
                cr_assert(is_filled(t.data, t.size, t.sequence));
                wr_lane_release(&r->pair, t.announcement);
        }
        cr_assert(gt(u64, lost, 0));
        cr_assert(eq(u64, received + lost, 300));
        lane_done(l);
}

Test(lane_block, readers_that_keep_up_turn_a_few_warm_blocks_over)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *a = join(l, false, 0), *b = join(l, true, 0);
        struct wr_taken t;

        for (int n = 0; n < 50; n++) {
                cr_assert(eq(int, publish_block(l, BLOCK), WEIR_OK));
                cr_assert(eq(int, take(l, a, &t), WEIR_OK));
                wr_lane_release(&a->pair, t.announcement);
                cr_assert(eq(int, take(l, b, &t), WEIR_OK));
                wr_lane_release(&b->pair, t.announcement);
        }
        cr_assert(le(u64, wr_heap_high(l->w.heap), 3 * (BLOCK + 4096)));
        lane_done(l);
}

Test(lane_block, a_reliable_reader_makes_the_heap_full_and_loses_nothing)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, true, 0);
        uint64_t published = 0, taken = 0;
        struct wr_taken t;

        while (taken < 100) {
                while (publish_block(l, BLOCK) == WEIR_OK)
                        published++;
                cr_assert(le(u64, published - taken, HEAP / BLOCK));
                cr_assert(eq(int, take(l, r, &t), WEIR_OK));
                taken++;
                cr_assert(eq(u64, t.sequence, taken));
                cr_assert(is_filled(t.data, t.size, t.sequence));
                wr_lane_release(&r->pair, t.announcement);
        }
        lane_done(l);
}

Test(lane_block, beyond_the_announcements_the_reader_is_told_held_and_loses_nothing)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, true, 0);
        struct wr_taken t[ANNOUNCEMENTS + 1];

        for (int n = 0; n <= ANNOUNCEMENTS; n++)
                cr_assert(eq(int, publish_block(l, 5000), WEIR_OK));
        for (int n = 0; n < ANNOUNCEMENTS; n++)
                cr_assert(eq(int, take(l, r, &t[n]), WEIR_OK));
        cr_assert(eq(int, take(l, r, &t[ANNOUNCEMENTS]), WEIR_E_HELD));
        wr_lane_release(&r->pair, t[2].announcement);
        cr_assert(eq(int, take(l, r, &t[ANNOUNCEMENTS]), WEIR_OK));
        cr_assert(eq(u64, t[ANNOUNCEMENTS].sequence, ANNOUNCEMENTS + 1));
        lane_done(l);
}

Test(lane_block, publishing_a_loan_never_waits_however_full_the_ring)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, true, 0);
        uint64_t offset[4], total = 0;
        struct wr_taken t;

        for (int round = 0; round < 50; round++) {
                uint64_t loans = 0;

                while (loans < 4 && wr_lane_lend(&l->w, 9000, 64, &offset[loans]) == WEIR_OK)
                        loans++;
                cr_assert(gt(u64, loans, 0));
                while (publish(l, (size_t)round * 7) == WEIR_OK)
                        total++;
                for (uint64_t i = 0; i < loans; i++, total++) {
                        fill(l->w.heap_base + offset[i], 9000, l->w.sequence);
                        cr_assert(eq(int, wr_lane_publish_block(&l->w, offset[i], 9000, NULL, 0, NULL), WEIR_OK));
                }
                while (take(l, r, &t) == WEIR_OK) {
                        cr_assert(is_filled(t.data, t.size, t.sequence));
                        if (t.block)
                                wr_lane_release(&r->pair, t.announcement);
                }
                cr_assert(eq(u64, r->sequence, total + 1));
        }
        cr_assert(eq(u64, r->corrupt, 0));
        lane_done(l);
}

static enum weir_result
publish_scratch(struct bench_lane *l, uint64_t size)
{
        uint8_t payload[INLINE];

        fill(payload, size, l->w.sequence);
        return wr_lane_publish_scratch(&l->w, payload, size, size, NULL, 0);
}

Test(lane_block, small_loans_are_published_however_full_the_ring_and_wherever_it_ends)
{
        for (uint64_t size = 8; size <= INLINE; size += 24) {
                struct bench_lane *l = lane_at(4096);
                struct wr_lane_reader *r = join(l, true, 0);
                uint64_t offset;
                struct wr_taken t;

                for (int round = 0; round < 60; round++) {
                        int lent = 0;

                        while (lent < 4 && wr_lane_lend(&l->w, size, 64, &offset) == WEIR_OK && offset == WR_SCRATCH)
                                lent++;
                        if (offset != WR_SCRATCH)
                                wr_lane_discard(&l->w, offset, size);
                        while (publish(l, (size_t)round * 3) == WEIR_OK)
                                continue;
                        for (; lent > 0; lent--)
                                cr_assert(eq(int, publish_scratch(l, size), WEIR_OK));
                        while (take(l, r, &t) == WEIR_OK)
                                cr_assert(is_filled(t.data, t.size, t.sequence));
                        cr_assert(eq(u64, r->sequence, l->w.sequence));
                        cr_assert(eq(u64, l->w.reserved, 0));
                }
                lane_done(l);
        }
}

Test(lane_block, a_small_loan_keeps_its_room_and_publishes_by_copy)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, true, 0);
        uint64_t offset;
        struct wr_taken t;

        cr_assert(eq(int, wr_lane_lend(&l->w, 300, 64, &offset), WEIR_OK));
        cr_assert(eq(u64, offset, WR_SCRATCH));
        while (publish(l, 32) == WEIR_OK)
                continue;
        cr_assert(eq(int, publish_scratch(l, 300), WEIR_OK));
        while (take(l, r, &t) == WEIR_OK)
                continue;
        cr_assert(eq(u64, t.sequence, l->w.sequence - 1));
        cr_assert(eq(u64, l->w.reserved, 0));
        lane_done(l);
}

Test(lane_block, a_flipped_bit_in_a_block_is_reported)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, true, 0);
        struct wr_taken t;

        cr_assert(eq(int, publish_block(l, BLOCK), WEIR_OK));
        cr_assert(eq(int, publish_block(l, BLOCK), WEIR_OK));
        l->w.heap_base[l->w.blocks[0].offset + BLOCK - 1] ^= 0x10;
        cr_assert(eq(int, take(l, r, &t), WEIR_OK));
        cr_assert(eq(u64, t.sequence, 2));
        cr_assert(eq(u64, t.lost, 1));
        cr_assert(eq(u64, r->corrupt, 1));
        lane_done(l);
}

Test(lane_block, a_block_beyond_what_the_kernel_has_is_asked_for_then_refused)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, false, 0);
        struct wr_taken t;

        r->committed = 0;
        cr_assert(eq(int, publish_block(l, BLOCK), WEIR_OK));
        cr_assert(eq(int, publish_block(l, BLOCK), WEIR_OK));
        cr_assert(eq(int, take(l, r, &t), WEIR_E_NO_MEMORY));
        cr_assert(eq(u64, r->wanted, BLOCK));
        wr_lane_reader_refuse(r);
        cr_assert(eq(int, take(l, r, &t), WEIR_E_NO_MEMORY));
        r->committed = HEAP;
        cr_assert(eq(int, take(l, r, &t), WEIR_OK));
        cr_assert(eq(u64, t.sequence, 2));
        cr_assert(eq(u64, t.lost, 1));
        cr_assert(eq(u64, r->corrupt, 1));
        lane_done(l);
}

static void
set_format(struct bench_lane *l, const char *type, enum weir_result expected)
{
        struct wr_format_parts parts = {
                .type = type, .encoding = "test", .schema = type, .schema_size = strlen(type)
        };
        size_t size = wr_format_bytes(&parts);
        void *bytes = malloc(size);
        uint64_t offset;

        wr_format_encode(&parts, bytes);
        cr_assert(eq(int, wr_lane_lend(&l->w, INLINE + 1, 64, &offset), WEIR_OK));
        cr_assert(eq(int, wr_lane_set_format(&l->w, offset, bytes, size), expected));
        if (expected != WEIR_OK)
                wr_lane_discard(&l->w, offset, INLINE + 1);
        free(bytes);
}

static void
assert_format(const struct wr_lane_reader *r, const struct wr_taken *t, const char *type)
{
        struct wr_format_parts parts;

        cr_assert(eq(u64, t->format, r->format_bytes_number));
        cr_assert(eq(int, wr_format_decode(r->format_bytes, r->format_size, &parts), WEIR_OK));
        cr_assert(eq(str, (char *)(uintptr_t)parts.type, (char *)(uintptr_t)type));
}

Test(lane_block, a_format_changes_exactly_at_its_frame_for_all_and_for_newcomers)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *early = join(l, true, 0), *late;
        struct wr_taken t;

        cr_assert(eq(int, publish(l, 10), WEIR_OK));
        set_format(l, "video/a", WEIR_OK);
        cr_assert(eq(int, publish(l, 11), WEIR_OK));
        late = join(l, true, 0);
        set_format(l, "video/b", WEIR_OK);
        cr_assert(eq(int, publish(l, 12), WEIR_OK));

        cr_assert(eq(int, take(l, early, &t), WEIR_OK));
        cr_assert(eq(u64, t.format, 0));
        cr_assert(eq(int, take(l, early, &t), WEIR_OK));
        assert_format(early, &t, "video/a");
        cr_assert(eq(int, take(l, early, &t), WEIR_OK));
        assert_format(early, &t, "video/b");
        cr_assert(eq(u64, t.sequence, 3));
        cr_assert(eq(int, take(l, late, &t), WEIR_OK));
        assert_format(late, &t, "video/b");
        cr_assert(eq(u64, t.sequence, 3));
        lane_done(l);
}

Test(lane_block, a_lapped_reader_finds_the_format_in_force_where_it_goes_on)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, false, 0);
        struct wr_taken t;

        set_format(l, "first", WEIR_OK);
        for (int change = 0; change < 40; change++) {
                char name[20];

                snprintf(name, sizeof name, "format %d", change);
                set_format(l, name, WEIR_OK);
                for (int n = 0; n < 100; n++)
                        cr_assert(eq(int, publish(l, 100), WEIR_OK));
                cr_assert(eq(int, take(l, r, &t), WEIR_OK));
                assert_format(r, &t, name);
        }
        cr_assert(eq(u64, r->corrupt, 0));
        lane_done(l);
}

Test(lane_block, more_formats_than_a_lap_can_hold_are_refused)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, true, 0);
        struct wr_taken t;

        for (int n = 0; n < WR_FORMATS; n++) {
                set_format(l, "x", WEIR_OK);
                cr_assert(eq(int, publish(l, 1), WEIR_OK));
        }
        set_format(l, "one too many", WEIR_FULL);
        for (int n = 0; n < WR_FORMATS; n++)
                cr_assert(eq(int, take(l, r, &t), WEIR_OK));
        for (int n = 0; n < 100; n++) {
                cr_assert(eq(int, publish(l, 100), WEIR_OK));
                cr_assert(eq(int, take(l, r, &t), WEIR_OK));
        }
        set_format(l, "now there is room", WEIR_OK);
        cr_assert(eq(int, publish(l, 1), WEIR_OK));
        cr_assert(eq(int, take(l, r, &t), WEIR_OK));
        assert_format(r, &t, "now there is room");
        lane_done(l);
}

Test(lane_block, history_begins_at_the_newest_frames_that_are_whole)
{
        struct bench_lane *l = lane_with(small_geometry(4096), 5);
        struct wr_lane_reader *r;
        struct wr_taken t;

        for (int n = 0; n < 3; n++)
                cr_assert(eq(int, publish(l, 20), WEIR_OK));
        r = join(l, true, 100);
        for (uint64_t n = 1; n <= 3; n++) {
                cr_assert(eq(int, take(l, r, &t), WEIR_OK));
                cr_assert(eq(u64, t.sequence, n));
        }
        for (int n = 0; n < 20; n++) {
                cr_assert(eq(int, publish_block(l, 6000), WEIR_OK));
                cr_assert(eq(int, take(l, r, &t), WEIR_OK));
                wr_lane_release(&r->pair, t.announcement);
        }
        r = join(l, false, 2);
        cr_assert(eq(int, take(l, r, &t), WEIR_OK));
        cr_assert(eq(u64, t.sequence, 22));
        r = join(l, false, 50);
        cr_assert(eq(int, take(l, r, &t), WEIR_OK));
        cr_assert(eq(u64, t.sequence, 19));
        cr_assert(is_filled(t.data, t.size, 19));
        lane_done(l);
}

Test(lane_block, history_yields_before_a_loan_fails_for_space)
{
        struct bench_lane *l = lane_with(small_geometry(4096), 64);
        int published = 0;

        while (published < 100 && publish_block(l, BLOCK) == WEIR_OK)
                published++;
        cr_assert(eq(int, published, 100));
        lane_done(l);
}
