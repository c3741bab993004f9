#include "tests/unit/lane_fixture.h"

#include "bus/words.h"

static const uint64_t starts[] = {
        0,
        4096,
        (UINT64_C(1) << 31) - 2 * RING,
        (UINT64_C(1) << 32) - 2 * RING,
        (UINT64_C(1) << 63) - 2 * RING,
        UINT64_MAX - 2 * RING + 1,
};
enum { START_COUNT = sizeof starts / sizeof starts[0] };
#define MIB (UINT64_C(1) << 20)

Test(lane, a_published_frame_is_taken_whole)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, false, 0);
        struct wr_taken t;

        cr_assert(eq(int, take(l, r, &t), WEIR_EMPTY));
        for (size_t size = 0; size <= INLINE; size += size < 70 ? 1 : 61) {
                cr_assert(eq(int, publish(l, size), WEIR_OK));
                cr_assert(eq(int, take(l, r, &t), WEIR_OK));
                cr_assert(eq(u64, t.size, size));
                cr_assert(eq(u64, t.sequence, l->w.sequence - 1));
                cr_assert(eq(i64, t.published_ns, (int64_t)(1000 + t.sequence)));
                cr_assert(is_filled(t.data, t.size, t.sequence));
                cr_assert(eq(int, take(l, r, &t), WEIR_EMPTY));
        }
        cr_assert(eq(int, publish(l, INLINE), WEIR_OK));
        cr_assert(eq(int, wr_lane_publish(&l->w, l->copy, INLINE + 1, NULL, 0), WEIR_E_TOO_LARGE));
        lane_done(l);
}

Test(lane, a_reliable_reader_gets_every_frame_over_every_wrap)
{
        for (int s = 0; s < START_COUNT; s++) {
                struct bench_lane *l = lane_at(starts[s]);
                struct wr_lane_reader *r = join(l, true, 0);
                uint64_t published = 0, taken = 0;
                struct wr_taken t;

                while (taken < 2000) {
                        while (publish(l, (published * 37) % (INLINE + 1)) == WEIR_OK)
                                published++;
                        for (uint64_t n = published % 5 + 1; n > 0 && take(l, r, &t) == WEIR_OK; n--) {
                                taken++;
                                cr_assert(eq(u64, t.sequence, taken));
                                cr_assert(eq(u64, t.size, ((taken - 1) * 37) % (INLINE + 1)));
                                cr_assert(is_filled(t.data, t.size, t.sequence));
                                cr_assert(eq(u64, t.lost, 0));
                        }
                }
                cr_assert(eq(u64, r->corrupt, 0));
                lane_done(l);
        }
}

Test(lane, a_full_lane_refuses_until_one_frame_is_taken)
{
        struct bench_lane *l = lane_at(UINT64_MAX - 4095);
        struct wr_lane_reader *r = join(l, true, 0);
        struct wr_taken t;
        int count = 0;

        while (publish(l, 32) == WEIR_OK)
                count++;
        cr_assert(eq(int, count, RING / 64 - 1)); /* one cleared word and one header for END are kept */
        cr_assert(eq(int, publish(l, 32), WEIR_FULL));
        cr_assert(eq(int, take(l, r, &t), WEIR_OK));
        cr_assert(eq(int, publish(l, 32), WEIR_OK));
        cr_assert(eq(int, publish(l, 32), WEIR_FULL));
        lane_done(l);
}

Test(lane, a_lapped_lossy_reader_loses_exactly_what_it_is_told)
{
        for (int s = 0; s < START_COUNT; s++) {
                struct bench_lane *l = lane_at(starts[s]);
                struct wr_lane_reader *r = join(l, false, 0);
                uint64_t received = 0, lost = 0, last = 0;
                struct wr_taken t;

                for (int round = 0; round < 200; round++) {
                        for (int n = 0; n < round % 150 + 1; n++)
                                cr_assert(eq(int, publish(l, (size_t)(n * 13 % 200)), WEIR_OK));
                        while (take(l, r, &t) == WEIR_OK) {
                                received++;
                                lost += t.lost;
                                cr_assert(eq(u64, t.sequence, last + t.lost + 1));
                                cr_assert(is_filled(t.data, t.size, t.sequence));
                                last = t.sequence;
                        }
                        cr_assert(not(wr_lane_ready(r)));
                }
                cr_assert(gt(u64, lost, 0));
                cr_assert(eq(u64, received + lost, l->w.sequence - 1));
                cr_assert(eq(u64, r->corrupt, 0));
                lane_done(l);
        }
}

Test(lane, a_cleared_word_is_not_taken_for_an_empty_lane)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, false, 0);
        struct wr_taken t;

        do
                cr_assert(eq(int, publish(l, 32), WEIR_OK));
        while (wr_load(&l->w.control->claimed) == 4096);
        cr_assert(eq(u64, wr_load((wr_word *)(void *)l->w.ring), 0)); /* the reader's word was cleared ahead */
        cr_assert(wr_lane_ready(r));
        cr_assert(eq(int, take(l, r, &t), WEIR_OK));
        cr_assert(eq(u64, t.lost, t.sequence - 1));
        lane_done(l);
}

Test(lane, payload_of_an_earlier_lap_is_never_taken_for_a_header)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, false, 0);
        uint64_t forged[INLINE / 8];
        struct wr_taken t;

        for (int round = 0; round < 100; round++) {
                /* Every word claims to be the header that would stand there a lap later. */
                uint64_t at = l->w.position + WR_HEADER_BYTES + RING;

                for (size_t i = 0; i < INLINE / 8; i++)
                        forged[i] = (at + i * 8) | WR_FRAME_INLINE;
                cr_assert(eq(int, wr_lane_publish(&l->w, forged, INLINE, NULL, 0), WEIR_OK));
                cr_assert(eq(int, take(l, r, &t), WEIR_OK));
                cr_assert(eq(int, take(l, r, &t), WEIR_EMPTY));
        }
        cr_assert(eq(u64, r->corrupt, 0));
        lane_done(l);
}

Test(lane, extension_fields_travel_with_the_frame)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, true, 0);
        uint8_t meta[150];
        struct wr_about about = { .stamp_ns = -5, .tag = 77, .meta = meta, .flags = 4 | 0xbeef0000 };
        struct wr_taken t;

        fill(meta, sizeof meta, 9);
        for (about.meta_size = 0; about.meta_size <= sizeof meta; about.meta_size++) {
                cr_assert(eq(int, wr_lane_publish(&l->w, meta, 99, &about, 0), WEIR_OK));
                cr_assert(eq(int, take(l, r, &t), WEIR_OK));
                cr_assert(eq(i64, t.about.stamp_ns, -5));
                cr_assert(eq(u64, t.about.tag, 77));
                cr_assert(eq(u32, t.about.flags, 4 | 0xbeef0000));
                cr_assert(eq(u32, t.about.meta_size, about.meta_size));
                cr_assert(about.meta_size == 0 || memcmp(t.about.meta, meta, about.meta_size) == 0);
                cr_assert(eq(u64, t.size, 99));
                cr_assert(is_filled(t.data, 99, 9));
        }
        about.meta_size = 193; /* more than this small ring allows */
        cr_assert(eq(int, wr_lane_publish(&l->w, meta, 0, &about, 0), WEIR_E_TOO_LARGE));
        lane_done(l);
}

Test(lane, every_single_bit_flip_of_a_4_kib_frame_is_reported_and_passed_over)
{
        struct wr_lane_geometry g = small_geometry(32768);
        struct bench_lane *l;
        uint8_t payload[4096];
        uint64_t flips = 0;

        g.ring_bytes = 32768;
        g.heap_offset = g.ring_offset + g.ring_bytes;
        g.segment_bytes = g.heap_offset + g.heap_bytes;
        g.inline_max = 4096;
        l = lane_with(g, 0);
        fill(payload, sizeof payload, 1);
        cr_assert(eq(int, wr_lane_publish(&l->w, payload, sizeof payload, NULL, 77), WEIR_OK));
        cr_assert(eq(int, wr_lane_publish(&l->w, payload, 100, NULL, 78), WEIR_OK));
        for (size_t bit = 0; bit < (WR_HEADER_BYTES + sizeof payload) * 8; bit++) {
                static uint64_t copy[(WR_EXTENSION_MAX + 8 + 4096 + WR_COPY_SLACK) / 8 + 1];
                struct wr_lane_start start = { g.start, 1, 0 };
                static uint64_t page[PAGE / 8];
                struct wr_lane_reader r;
                struct wr_taken t;

                memset(page, 0, sizeof page);
                wr_lane_reader_open(&r, l->segment, &g, &start, (void *)page, ANNOUNCEMENTS, false);
                r.committed = g.heap_bytes;
                l->w.ring[bit / 8] ^= (uint8_t)(1 << bit % 8);
                cr_assert(eq(int, wr_lane_take(&r, &t, copy), WEIR_OK), "flip of bit %zu", bit);
                cr_assert(eq(u64, t.sequence, 2), "bit %zu", bit);
                cr_assert(eq(u64, t.lost, 1), "bit %zu", bit);
                cr_assert(ge(u64, r.corrupt, 1), "bit %zu", bit);
                cr_assert(eq(u64, r.lost, 1), "bit %zu", bit);
                l->w.ring[bit / 8] ^= (uint8_t)(1 << bit % 8);
                flips += r.corrupt;
                free(r.pair.held);
        }
        cr_assert(ge(u64, flips, (WR_HEADER_BYTES + sizeof payload) * 8));
        lane_done(l);
}

/* Three frames of one size: the first take is a careful one, the others are easy (wr_lane_take_easy). */
static void
flip_each_bit_of_the_second(uint64_t size)
{
        struct bench_lane *l = lane_at(4096);
        uint64_t at = wr_lane_frame_bytes(0, size);

        for (int i = 0; i < 3; i++)
                cr_assert(eq(int, publish(l, size), WEIR_OK));
        for (size_t bit = 0; bit < (WR_HEADER_BYTES + size) * 8; bit++) {
                struct wr_lane_start start = { 4096, 1, 0 };
                static uint64_t page[PAGE / 8];
                struct wr_lane_reader r;
                struct wr_taken t;
                uint8_t *byte = &l->w.ring[((4096 + at) & (l->geometry.ring_bytes - 1)) + bit / 8];

                memset(page, 0, sizeof page);
                wr_lane_reader_open(&r, l->segment, &l->geometry, &start, (void *)page, ANNOUNCEMENTS, false);
                cr_assert(not(wr_lane_take_easy(&r, &t, l->copy)), "nothing was taken yet");
                cr_assert(eq(int, take(l, &r, &t), WEIR_OK));
                *byte ^= (uint8_t)(1 << bit % 8);
                cr_assert(not(wr_lane_take_easy(&r, &t, l->copy)), "flip of bit %zu", bit);
                cr_assert(zero(u64, r.corrupt), "the easy look changes nothing");
                cr_assert(eq(int, take(l, &r, &t), WEIR_OK), "flip of bit %zu", bit);
                cr_assert(eq(u64, t.sequence, 3), "bit %zu", bit);
                cr_assert(eq(u64, t.lost, 1), "bit %zu", bit);
                *byte ^= (uint8_t)(1 << bit % 8);
                free(r.pair.held);
        }
        lane_done(l);
}

Test(lane, a_bit_flip_is_found_in_a_frame_that_is_taken_the_easy_way)
{
        flip_each_bit_of_the_second(1);
        flip_each_bit_of_the_second(32);
        flip_each_bit_of_the_second(100);
}

Test(lane, the_easy_way_ends_where_there_is_something_to_think_of)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, false, 0);
        struct wr_about about = { .tag = 7 };
        uint64_t payload = 1;
        struct wr_taken t;

        for (int i = 0; i < 3; i++)
                cr_assert(eq(int, publish(l, 8), WEIR_OK));
        cr_assert(eq(int, wr_lane_publish(&l->w, &payload, 8, &about, 1), WEIR_OK));
        cr_assert(eq(int, publish(l, 8), WEIR_OK));
        cr_assert(eq(int, take(l, r, &t), WEIR_OK));
        cr_assert(wr_lane_take_easy(r, &t, l->copy));
        cr_assert(eq(u64, t.sequence, 2));
        r->keep = 9;
        cr_assert(not(wr_lane_take_easy(r, &t, l->copy)), "who keeps the newest looks at what there is");
        r->keep = 0;
        cr_assert(wr_lane_take_easy(r, &t, l->copy));
        cr_assert(not(wr_lane_take_easy(r, &t, l->copy)), "an extension");
        cr_assert(eq(int, take(l, r, &t), WEIR_OK));
        cr_assert(eq(u64, t.about.tag, 7));
        wr_store(&r->pair.words->evicted, l->w.sequence);
        cr_assert(not(wr_lane_take_easy(r, &t, l->copy)), "an eviction");
        cr_assert(eq(int, take(l, r, &t), WEIR_E_EVICTED));
        lane_done(l);
}

Test(lane, a_frame_of_another_lane_or_sequence_is_not_accepted)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_geometry other = l->geometry;
        struct wr_lane_start start = { 4096, 1, 0 };
        static uint64_t page[PAGE / 8];
        struct wr_lane_reader r;
        struct wr_taken t;

        cr_assert(eq(int, publish(l, 40), WEIR_OK));
        other.lane += 1;
        wr_lane_reader_open(&r, l->segment, &other, &start, (void *)page, ANNOUNCEMENTS, false);
        cr_assert(eq(int, take(l, &r, &t), WEIR_EMPTY));
        cr_assert(eq(u64, r.corrupt, 1));
        free(r.pair.held);
        start.sequence = 2;
        wr_lane_reader_open(&r, l->segment, &l->geometry, &start, (void *)page, ANNOUNCEMENTS, false);
        cr_assert(eq(int, take(l, &r, &t), WEIR_EMPTY));
        cr_assert(eq(u64, r.corrupt, 1));
        free(r.pair.held);
        lane_done(l);
}

Test(lane, a_lane_of_garbage_is_dropped_after_a_bounded_number_of_looks)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, false, 0);
        enum weir_result result = WEIR_EMPTY;
        struct wr_taken t;

        for (uint64_t at = 0; at < RING; at += 32) /* headers that name their position and nothing else */
                memcpy(l->w.ring + at, &(uint64_t){ (4096 + at) | WR_FRAME_INLINE }, 8);
        for (int n = 0; n < WR_LANE_BAD_MAX && result == WEIR_EMPTY; n++)
                result = take(l, r, &t);
        cr_assert(eq(int, result, WEIR_E_CORRUPT));
        lane_done(l);
}

Test(lane, a_publisher_that_claims_what_it_never_wrote_is_dropped)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, false, 0);
        enum weir_result result = WEIR_EMPTY;
        struct wr_taken t;

        wr_store(&l->w.control->claimed, l->w.position + (UINT64_C(1) << 40));
        for (int n = 0; n <= WR_LANE_BAD_MAX && result == WEIR_EMPTY; n++)
                result = take(l, r, &t);
        cr_assert(eq(int, result, WEIR_E_CORRUPT));
        lane_done(l);
}

Test(lane, a_lane_whose_blocks_are_never_there_is_dropped)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, false, 0);
        enum weir_result result = WEIR_E_NO_MEMORY;
        struct wr_taken t;

        r->committed = 0;
        for (int n = 0; n <= WR_LANE_BAD_MAX && result != WEIR_E_CORRUPT; n++) {
                uint64_t offset;

                cr_assert(eq(int, wr_lane_lend(&l->w, INLINE + 1, 64, &offset), WEIR_OK));
                cr_assert(eq(int, wr_lane_publish_block(&l->w, offset, INLINE + 1, NULL, 0, NULL), WEIR_OK));
                result = take(l, r, &t);
                if (result == WEIR_E_NO_MEMORY)
                        wr_lane_reader_refuse(r);
        }
        cr_assert(eq(int, result, WEIR_E_CORRUPT));
        lane_done(l);
}

Test(lane, keep_passes_over_the_old_and_loses_nothing)
{
        struct bench_lane *l = lane_at(4096);
        struct wr_lane_reader *r = join(l, false, 0);
        struct wr_taken t;

        r->keep = 1;
        for (int n = 0; n < 30; n++)
                cr_assert(eq(int, publish(l, 64), WEIR_OK));
        cr_assert(eq(int, take(l, r, &t), WEIR_OK));
        cr_assert(eq(u64, t.sequence, 30));
        cr_assert(eq(u64, t.skipped, 29));
        cr_assert(eq(u64, t.lost, 0));
        r->keep = 3;
        for (int n = 0; n < 10; n++)
                cr_assert(eq(int, publish(l, 64), WEIR_OK));
        for (uint64_t expected = 38; expected <= 40; expected++) {
                cr_assert(eq(int, take(l, r, &t), WEIR_OK));
                cr_assert(eq(u64, t.sequence, expected));
        }
        cr_assert(eq(int, take(l, r, &t), WEIR_EMPTY));
        cr_assert(eq(u64, r->skipped, 36));
        lane_done(l);
}

Test(lane, the_end_is_reached_after_the_last_frame_and_its_room_is_always_kept)
{
        for (int s = 0; s < START_COUNT; s++) {
                struct bench_lane *l = lane_at(starts[s]);
                struct wr_lane_reader *r = join(l, true, 0);
                uint64_t taken = 0;
                struct wr_taken t;

                while (publish(l, 32) == WEIR_OK)
                        continue;
                wr_lane_end(&l->w, 99);
                cr_assert(eq(int, publish(l, 0), WEIR_E_CLOSED));
                while (take(l, r, &t) == WEIR_OK)
                        taken++;
                cr_assert(eq(u64, taken, l->w.sequence - 1));
                cr_assert(eq(int, take(l, r, &t), WEIR_ENDED));
                cr_assert(eq(u64, r->successor, 99));
                lane_done(l);
        }
}

Test(lane, a_geometry_that_lies_is_refused)
{
        struct wr_lane_geometry good = small_geometry(4096), g;

        cr_assert(eq(int, wr_lane_geometry_check(&good), WEIR_OK));
        g = good, g.ring_bytes = 3000;
        cr_assert(eq(int, wr_lane_geometry_check(&g), WEIR_E_CORRUPT));
        g = good, g.ring_offset = 0;
        cr_assert(eq(int, wr_lane_geometry_check(&g), WEIR_E_CORRUPT));
        g = good, g.heap_bytes = UINT64_MAX & ~4095ull;
        cr_assert(eq(int, wr_lane_geometry_check(&g), WEIR_E_CORRUPT));
        g = good, g.segment_bytes -= 1;
        cr_assert(eq(int, wr_lane_geometry_check(&g), WEIR_E_CORRUPT));
        g = good, g.heap_offset = WR_CONTROL_BYTES;
        cr_assert(eq(int, wr_lane_geometry_check(&g), WEIR_E_CORRUPT));
        g = good, g.inline_max = RING;
        cr_assert(eq(int, wr_lane_geometry_check(&g), WEIR_E_CORRUPT));
        g = good, g.start = 5;
        cr_assert(eq(int, wr_lane_geometry_check(&g), WEIR_E_CORRUPT));
        g = good, g.hash = 3;
        cr_assert(eq(int, wr_lane_geometry_check(&g), WEIR_E_CORRUPT));
}

Test(lane, the_plan_fits_what_was_asked_or_says_no)
{
        struct wr_lane_geometry g = { 0 };

        cr_assert(eq(int, wr_lane_geometry_plan(&g, UINT64_C(1) << 30, 0, 0, 64), WEIR_OK));
        cr_assert(eq(int, wr_lane_geometry_check(&g), WEIR_OK));
        cr_assert(eq(u64, g.segment_bytes, WR_CONTROL_BYTES + (UINT64_C(1) << 30)));
        cr_assert(eq(int, wr_lane_geometry_plan(&g, UINT64_C(1) << 30, 0, 1000, 64), WEIR_OK));
        cr_assert(ge(u64, g.ring_bytes, 1000 * wr_lane_frame_max(&g)));
        cr_assert(eq(int, wr_lane_geometry_plan(&g, UINT64_C(1) << 30, 0, UINT32_MAX, 64), WEIR_E_QUOTA));
        cr_assert(eq(int, wr_lane_geometry_plan(&g, 4096, 0, 0, 64), WEIR_E_QUOTA));
        cr_assert(eq(int, wr_lane_geometry_plan(&g, UINT64_MAX, 0, 0, 64), WEIR_E_QUOTA));
}

Test(lane, a_ring_is_as_long_as_its_predecessors_and_no_more_than_half_of_the_memory)
{
        struct wr_lane_geometry g = { 0 };

        cr_assert(eq(int, wr_lane_geometry_plan(&g, 64 * MIB, MIB, 0, 64), WEIR_OK));
        cr_assert(eq(int, wr_lane_geometry_check(&g), WEIR_OK));
        cr_assert(eq(u64, g.ring_bytes, MIB));
        cr_assert(eq(u64, g.ring_bytes + g.heap_bytes, 64 * MIB));
        cr_assert(eq(int, wr_lane_geometry_plan(&g, 64 * MIB, MIB - 1, 0, 64), WEIR_OK));
        cr_assert(eq(u64, g.ring_bytes, MIB), "a power of two");
        cr_assert(eq(int, wr_lane_geometry_plan(&g, 64 * MIB, 1, 1000, 64), WEIR_OK));
        cr_assert(ge(u64, g.ring_bytes, 1000 * wr_lane_frame_max(&g)), "the history is more");
        cr_assert(eq(int, wr_lane_geometry_plan(&g, 64 * MIB, 32 * MIB, 0, 64), WEIR_OK));
        cr_assert(eq(int, wr_lane_geometry_plan(&g, 64 * MIB, 32 * MIB + 1, 0, 64), WEIR_E_QUOTA));
        cr_assert(eq(int, wr_lane_geometry_plan(&g, 64 * MIB, UINT64_MAX, 0, 64), WEIR_E_QUOTA));
        cr_assert(eq(int, wr_lane_geometry_plan(&g, UINT64_C(1) << 46, UINT64_C(1) << 32, 0, 64), WEIR_E_QUOTA),
                  "beyond what a geometry can have");
}

Test(lane, a_ring_doubles_up_to_a_sixteenth_of_the_memory)
{
        struct wr_lane_geometry g = { .ring_bytes = 256 * 1024 };

        cr_assert(eq(u64, wr_lane_ring_next(&g, 4 * MIB), 0));
        cr_assert(eq(u64, wr_lane_ring_next(&g, 8 * MIB - 1), 0));
        cr_assert(eq(u64, wr_lane_ring_next(&g, 8 * MIB), 512 * 1024));
        cr_assert(eq(u64, wr_lane_ring_next(&g, UINT64_C(1) << 40), 512 * 1024));
        g.ring_bytes = 32 * MIB;
        cr_assert(eq(u64, wr_lane_ring_next(&g, 1024 * MIB), 64 * MIB));
        g.ring_bytes = 64 * MIB;
        cr_assert(eq(u64, wr_lane_ring_next(&g, UINT64_C(1) << 40), 0), "it would not end");
}
