/*
 * The heap against a list of what is out. It is compiled into this test, with an allocator that can be told to fail
 * and with its rows in reach, so that every operation can be followed by a look at all that must hold.
 */
#include "tests/portable.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

static int allocations_left = INT32_MAX;

static void *
heap_calloc(size_t count, size_t size)
{
        return allocations_left-- > 0 ? calloc(count, size) : NULL;
}

static void *
heap_realloc(void *old, size_t size)
{
        return allocations_left-- > 0 ? realloc(old, size) : NULL;
}

#define calloc  heap_calloc
#define realloc heap_realloc
#include "bus/heap.c"
#undef calloc
#undef realloc

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)

struct block {
        uint64_t offset, bytes;
};

struct out { /* blocks that are lent, oldest first */
        struct block blocks[8192];
        size_t count;
        uint64_t seed;
};

static uint64_t
next_random(uint64_t *seed)
{
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        return *seed ^= *seed << 17;
}

static struct wr_heap *
heap_of(uint64_t bytes)
{
        struct wr_heap *heap;

        cr_assert(eq(int, wr_heap_open(&heap, bytes), WEIR_OK));
        return heap;
}

static uint64_t
lend(struct wr_heap *heap, uint64_t bytes)
{
        uint64_t offset;

        cr_assert(eq(int, wr_heap_lend(heap, bytes, 64, &offset), WEIR_OK));
        return offset;
}

static enum weir_result
lend_result(struct wr_heap *heap, uint64_t bytes)
{
        uint64_t offset;

        return wr_heap_lend(heap, bytes, 64, &offset);
}

static enum weir_result
out_lend(struct wr_heap *heap, struct out *out, uint64_t bytes, uint64_t align)
{
        struct block *block = &out->blocks[out->count];
        enum weir_result result = wr_heap_lend(heap, bytes, align, &block->offset);

        block->bytes = bytes;
        if (result == WEIR_OK)
                out->count++;
        return result;
}

static void
out_return(struct wr_heap *heap, struct out *out, size_t index)
{
        wr_heap_return(heap, out->blocks[index].offset);
        memmove(out->blocks + index, out->blocks + index + 1, (--out->count - index) * sizeof(*out->blocks));
}

/* The row is whole, no two holes meet, every hole hangs in its list, every lent block in its bucket. */
static void
expect_sound(const struct wr_heap *heap)
{
        uint64_t end = 0, used = 0;
        uint32_t last = 0, hung = 0, holes = 0, index = heap->top;

        while (heap->records[index].below)
                index = heap->records[index].below;
        for (; index; last = index, index = heap->records[index].above) {
                const struct record *record = &heap->records[index];

                cr_assert(eq(u64, record->offset, end));
                cr_assert(eq(u32, record->below, last));
                cr_assert(ne(int, record->state, SPARE));
                cr_assert(record->state == LENT || heap->records[last].state != HOLE, "two holes side by side");
                end += record->bytes;
                used += record->state == LENT ? record->bytes : 0;
                holes += record->state == HOLE;
        }
        cr_assert(eq(u32, heap->top, last));
        cr_assert(eq(u64, end, heap->high));
        cr_assert(eq(u64, used, wr_heap_used(heap)));
        for (uint32_t power = 0; power < POWERS; power++) {
                cr_assert(eq(int, (heap->powers >> power & 1), heap->splits[power] != 0));
                for (uint32_t split = 0; split < SPLITS; split++) {
                        cr_assert(eq(int, (heap->splits[power] >> split & 1), heap->heads[power][split] != 0));
                        for (index = heap->heads[power][split]; index; index = heap->records[index].next)
                                hung += heap->records[index].state == HOLE;
                }
        }
        cr_assert(eq(u32, hung, holes));
}

static void
expect_apart(const struct out *out, const struct wr_heap *heap)
{
        const struct block *block = &out->blocks[out->count - 1];

        cr_assert(block->offset + block->bytes <= wr_heap_high(heap));
        for (size_t i = 0; i + 1 < out->count; i++) {
                const struct block *other = &out->blocks[i];

                cr_assert(block->offset + block->bytes <= other->offset ||
                                  other->offset + other->bytes <= block->offset,
                          "two blocks overlap (seed %llu)", (unsigned long long)out->seed);
        }
}

/* About 64 KiB to 33 MiB; by_ratio: as many between 66 and 132 KiB as between 16.5 and 33 MiB. */
static uint64_t
mixed_size(uint64_t *seed, bool by_ratio)
{
        uint64_t least = by_ratio ? 66 * KIB << next_random(seed) % 9 : 64 * KIB;

        return least + next_random(seed) % (by_ratio ? least : 33 * MIB - least);
}

static uint64_t
random_size(uint64_t *seed)
{
        switch (next_random(seed) % 4) {
        case 0: return next_random(seed) % 300 + 1;
        case 1: return (next_random(seed) % 16 + 1) * 4096;
        case 2: return next_random(seed) % (200 * KIB) + 1;
        default: return UINT64_C(1) << next_random(seed) % 21;
        }
}

Test(heap, random_operations_never_overlap_and_keep_alignment_and_all_that_must_hold)
{
        for (uint64_t seed = 1; seed <= 12; seed++) {
                struct wr_heap *heap = heap_of(16 * MIB);
                struct out out = { .seed = seed };
                uint64_t state = seed * 77777, high = 0;

                for (int step = 0; step < 4000; step++) {
                        uint64_t bytes = random_size(&state);
                        uint64_t align = UINT64_C(64) << next_random(&state) % (next_random(&state) % 4 ? 3 : 16);
                        uint64_t kept = next_random(&state) % 400;

                        if (out_lend(heap, &out, bytes, align) == WEIR_OK) {
                                cr_assert(zero(u64, out.blocks[out.count - 1].offset & (align - 1)));
                                expect_apart(&out, heap);
                        }
                        while (out.count > kept)
                                out_return(heap, &out, next_random(&state) % out.count);
                        cr_assert(wr_heap_high(heap) >= high);
                        high = wr_heap_high(heap);
                        if (step % 16 == 0)
                                expect_sound(heap);
                }
                while (out.count > 0)
                        out_return(heap, &out, next_random(&state) % out.count);
                expect_sound(heap);
                cr_assert(zero(u64, wr_heap_used(heap)));
                cr_assert(zero(u64, lend(heap, 16 * MIB)), "what is left is one hole");
                wr_heap_close(heap);
        }
}

Test(heap, every_size_from_1_byte_to_the_whole_heap_is_lent)
{
        struct wr_heap *heap = heap_of(1024 * MIB);

        for (uint64_t bytes = 1; bytes <= 1024 * MIB; bytes = bytes < 5000 ? bytes + 1 : bytes * 9 / 8) {
                uint64_t offset = lend(heap, bytes);

                cr_assert(wr_heap_used(heap) >= bytes);
                cr_assert(wr_heap_used(heap) < bytes + 64);
                wr_heap_return(heap, offset);
        }
        cr_assert(zero(u64, lend(heap, 1024 * MIB)));
        cr_assert(eq(int, lend_result(heap, 1), WEIR_FULL));
        wr_heap_close(heap);
}

Test(heap, more_than_the_heap_is_too_large_and_nothing_changes)
{
        struct wr_heap *heap = heap_of(MIB);

        cr_assert(eq(int, lend_result(heap, MIB + 1), WEIR_E_TOO_LARGE));
        cr_assert(eq(int, lend_result(heap, UINT64_MAX), WEIR_E_TOO_LARGE));
        cr_assert(zero(u64, wr_heap_high(heap)));
        cr_assert(zero(u64, lend(heap, MIB)));
        wr_heap_close(heap);
}

Test(heap, of_no_bytes_lends_none)
{
        struct wr_heap *heap = heap_of(0);

        cr_assert(eq(int, lend_result(heap, 0), WEIR_FULL));
        cr_assert(eq(int, lend_result(heap, 1), WEIR_E_TOO_LARGE));
        wr_heap_close(heap);
}

Test(heap, when_full_lends_again_as_soon_as_one_block_is_back)
{
        struct wr_heap *heap = heap_of(4 * MIB);
        uint64_t offsets[64];

        for (int i = 0; i < 64; i++)
                offsets[i] = lend(heap, 64 * KIB);
        cr_assert(eq(int, lend_result(heap, 1), WEIR_FULL));
        cr_assert(eq(u64, wr_heap_used(heap), 4 * MIB));
        wr_heap_return(heap, offsets[20]);
        cr_assert(eq(int, lend_result(heap, 64 * KIB + 1), WEIR_FULL));
        cr_assert(eq(u64, lend(heap, 64 * KIB), offsets[20]));
        wr_heap_close(heap);
}

Test(heap, what_was_returned_last_is_lent_first)
{
        struct wr_heap *heap = heap_of(64 * MIB);
        uint64_t offsets[8];

        for (int i = 0; i < 8; i++)
                offsets[i] = lend(heap, MIB);
        /* Apart from each other, side by side upwards, and side by side downwards. */
        static const int orders[][3] = { { 1, 5, 3 }, { 2, 3, 4 }, { 6, 5, 4 } };

        for (int order = 0; order < 3; order++) {
                for (int i = 0; i < 3; i++)
                        wr_heap_return(heap, offsets[orders[order][i]]);
                for (int i = 2; i >= 0; i--)
                        cr_assert(eq(u64, lend(heap, MIB), offsets[orders[order][i]]), "order %d", order);
        }
        /* Freed between two holes it is still the warmest. */
        wr_heap_return(heap, offsets[1]);
        wr_heap_return(heap, offsets[3]);
        wr_heap_return(heap, offsets[2]);
        cr_assert(eq(u64, lend(heap, MIB), offsets[2]));
        /* And before a hole of exactly its size that was freed earlier. */
        wr_heap_return(heap, offsets[5]);
        wr_heap_return(heap, offsets[2]);
        cr_assert(eq(u64, lend(heap, MIB), offsets[2]));
        wr_heap_close(heap);
}

Test(heap, a_stream_of_one_size_with_three_frames_out_touches_three_blocks)
{
        struct wr_heap *heap = heap_of(1024 * MIB);
        struct out out = { 0 };

        for (int frame = 0; frame < 1000; frame++) {
                cr_assert(eq(int, out_lend(heap, &out, 3110400, 4096), WEIR_OK));
                if (out.count == 3)
                        out_return(heap, &out, 0);
        }
        cr_assert(wr_heap_high(heap) <= 3 * (3110400 + 4096));
        wr_heap_close(heap);
}

Test(heap, high_grows_only_when_no_hole_fits_and_then_begins_in_the_hole_at_its_end)
{
        struct wr_heap *heap = heap_of(64 * MIB);
        uint64_t low = lend(heap, MIB), middle = lend(heap, MIB), top = lend(heap, MIB);

        wr_heap_return(heap, low);
        cr_assert(eq(u64, lend(heap, MIB - 64), low));
        wr_heap_return(heap, low);
        cr_assert(eq(u64, wr_heap_high(heap), 3 * MIB));
        wr_heap_return(heap, top);
        cr_assert(eq(u64, lend(heap, 2 * MIB), top));
        cr_assert(eq(u64, wr_heap_high(heap), 4 * MIB));
        wr_heap_return(heap, middle);
        cr_assert(eq(u64, lend(heap, 2 * MIB), low), "low and middle have joined");
        cr_assert(eq(u64, wr_heap_high(heap), 4 * MIB));
        wr_heap_close(heap);
}

Test(heap, the_only_hole_that_fits_is_found_behind_many_that_do_not)
{
        struct wr_heap *heap = heap_of(4096 * MIB);
        uint64_t offsets[200];

        /* One class; a hole every other block; the fitting one hangs last. */
        for (int i = 0; i < 200; i++)
                offsets[i] = lend(heap, i == 0 ? MIB + 128 : MIB + 64);
        for (int i = 0; i < 200; i += 2)
                wr_heap_return(heap, offsets[i]);
        cr_assert(eq(u64, lend(heap, MIB + 128), offsets[0]));
        wr_heap_close(heap);
}

Test(heap, an_aligned_block_uses_a_hole_that_fits_only_because_it_is_aligned_already)
{
        struct wr_heap *heap = heap_of(4 * MIB);
        uint64_t offset, first = lend(heap, 64), second;

        cr_assert(eq(int, wr_heap_lend(heap, 2 * MIB, 2 * MIB, &second), WEIR_OK));
        cr_assert(eq(u64, second, 2 * MIB));
        cr_assert(eq(u64, wr_heap_high(heap), 4 * MIB));
        wr_heap_return(heap, second);
        cr_assert(eq(int, wr_heap_lend(heap, 2 * MIB, 2 * MIB, &offset), WEIR_OK));
        cr_assert(eq(u64, offset, second));
        cr_assert(eq(u64, lend(heap, 2 * MIB - 64), 64), "the gap below is a hole");
        expect_sound(heap);
        wr_heap_return(heap, first);
        wr_heap_close(heap);
}

Test(heap, without_memory_for_its_records_says_so_and_goes_on)
{
        struct wr_heap *heap = heap_of(1024 * MIB);
        enum weir_result result = WEIR_OK;
        uint64_t offset = 0, last = 0;

        for (int spare = 0; spare < 2; spare++) { /* the first of two allocations fails, then the second */
                allocations_left = spare;
                while ((result = wr_heap_lend(heap, 64, 64, &offset)) == WEIR_OK)
                        last = offset;
                cr_assert(eq(int, result, WEIR_E_NO_MEMORY));
                expect_sound(heap);
        }
        wr_heap_return(heap, last);
        expect_sound(heap);
        allocations_left = INT32_MAX;
        cr_assert(eq(u64, lend(heap, 64), last));
        wr_heap_close(heap);
}

Test(heap, that_cannot_be_opened_says_so)
{
        struct wr_heap *heap = NULL;

        for (allocations_left = 0; allocations_left < 3;) {
                int left = allocations_left;

                cr_assert(eq(int, wr_heap_open(&heap, MIB), WEIR_E_NO_MEMORY), "%d allocations", left);
                allocations_left = left + 1;
        }
        wr_heap_close(NULL);
}

Test(heap, a_block_returned_twice_is_asserted, ABORTS)
{
        struct wr_heap *heap = heap_of(MIB);
        uint64_t offset = lend(heap, 4096);

        wr_heap_return(heap, offset);
        wr_heap_return(heap, offset);
}

Test(heap, an_offset_inside_a_block_is_no_block, ABORTS)
{
        struct wr_heap *heap = heap_of(MIB);

        wr_heap_return(heap, lend(heap, 4096) + 64);
}

Test(heap, an_alignment_that_is_no_power_of_two_is_asserted, ABORTS)
{
        uint64_t offset;

        wr_heap_lend(heap_of(MIB), 64, 192, &offset);
}

/* Mean of the part used at each refusal, with blocks that come back oldest first. */
static double
used_when_refused(uint64_t heap_bytes, bool by_ratio)
{
        struct wr_heap *heap = heap_of(heap_bytes);
        struct out out = { .seed = 4711 };
        double sum = 0, count = 0;

        for (int frame = 0; frame < 20000; frame++) {
                uint64_t bytes = mixed_size(&out.seed, by_ratio);

                while (out_lend(heap, &out, bytes, 64) == WEIR_FULL) {
                        sum += frame < 2000 ? 0 : (double)wr_heap_used(heap) / (double)heap_bytes;
                        count += frame < 2000 ? 0 : 1;
                        out_return(heap, &out, 0);
                }
        }
        wr_heap_close(heap);
        return sum / count;
}

Test(heap, nine_tenths_are_in_use_when_a_stream_of_64_KiB_to_33_MiB_is_refused)
{
        cr_assert(ge(dbl, used_when_refused(1024 * MIB, false), 0.90));
        cr_assert(ge(dbl, used_when_refused(1024 * MIB, true), 0.90));
        cr_assert(ge(dbl, used_when_refused(4096 * MIB, false), 0.95));
}

Test(heap, nine_tenths_are_usable_by_a_mix_of_64_KiB_to_33_MiB_returned_in_any_order)
{
        struct wr_heap *heap = heap_of(1024 * MIB);
        struct out out = { .seed = 815 };
        double sum = 0;
        int refused = 0;

        for (int round = 0; round < 3000; round++) { /* 32 refusals on end: this mix gets no more in */
                for (refused = 0; refused < 32;)
                        refused = out_lend(heap, &out, mixed_size(&out.seed, true), 64) == WEIR_OK ? 0 : refused + 1;
                sum += (double)wr_heap_used(heap) / (1024.0 * MIB);
                for (int i = 0; i < 5; i++)
                        out_return(heap, &out, next_random(&out.seed) % out.count);
        }
        cr_assert(ge(dbl, sum / 3000, 0.90));
        wr_heap_close(heap);
}

Test(heap, the_size_of_a_lent_block_is_known_and_of_anything_else_none)
{
        struct wr_heap *heap = heap_of(MIB);
        uint64_t a = lend(heap, 1000), b = lend(heap, 64);

        cr_assert(eq(u64, wr_heap_lent_bytes(heap, a), 1024));
        cr_assert(eq(u64, wr_heap_lent_bytes(heap, b), 64));
        wr_heap_return(heap, a);
        cr_assert(eq(u64, wr_heap_lent_bytes(heap, a), 0));
        cr_assert(eq(u64, wr_heap_lent_bytes(heap, b + 1), 0));
        cr_assert(eq(u64, wr_heap_lent_bytes(heap, UINT64_MAX), 0));
        wr_heap_close(heap);
}
