/* What the benchmark rests on: that its percentiles are right, and that its payloads tell any change. */
#include "bench/histogram.h"
#include "bench/payload.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

static struct bench_histogram histogram;

static void
clear(void)
{
        memset(&histogram, 0, sizeof histogram);
}

/* Percentiles are told in the middle of the sample that has the rank. */
static bool
is_close(double told, double value, double error)
{
        return told >= value - error && told <= value + error;
}

Test(histogram, values_below_256_are_exact, .init = clear)
{
        for (uint64_t value = 0; value < 256; value++)
                bench_histogram_record(&histogram, value);
        for (uint64_t value = 0; value < 256; value++)
                cr_assert(is_close(bench_histogram_value(&histogram, (double)(value + 1) / 256), (double)value, 0));
}

Test(histogram, a_value_of_any_size_is_told_within_half_a_percent)
{
        for (int bit = 8; bit < 64; bit++) {
                for (int offset = -1; offset < 2; offset++) {
                        uint64_t value = (UINT64_C(1) << bit) + (UINT64_C(1) << (bit - 2)) + (uint64_t)offset;

                        clear();
                        bench_histogram_record(&histogram, value);
                        bench_histogram_record(&histogram, UINT64_MAX); /* else the maximum corrects it */
                        cr_assert(is_close(bench_histogram_value(&histogram, 0.5), (double)value, (double)value / 200),
                                  "bit %d", bit);
                }
        }
}

Test(histogram, a_median_is_finer_than_the_clock, .init = clear)
{
        /* True values spread evenly from 95 to 125, taken by a clock that knows 100, 110, 120. */
        for (int i = 0; i < 300; i++)
                bench_histogram_record(&histogram, (uint64_t)(100 + i / 100 * 10));
        histogram.granule = 10;
        for (int percent = 10; percent < 85; percent += 10)
                cr_assert(is_close(bench_histogram_value(&histogram, percent / 100.0), 95 + percent * 0.3, 0.5),
                          "%d %%", percent);
}

Test(histogram, every_value_falls_into_a_bucket_that_is_there)
{
        clear();
        for (int bit = 0; bit < 64; bit++)
                bench_histogram_record(&histogram, UINT64_MAX >> bit);
        bench_histogram_record(&histogram, 0);
        cr_assert(eq(u64, histogram.count, 65));
        cr_assert(eq(u64, histogram.buckets[BENCH_HISTOGRAM_BUCKETS - 1], 1));
        cr_assert(eq(dbl, bench_histogram_value(&histogram, 1), (double)UINT64_MAX));
}

Test(histogram, percentiles_split_the_samples_at_their_rank, .init = clear)
{
        for (int i = 0; i < 998; i++)
                bench_histogram_record(&histogram, 100);
        bench_histogram_record(&histogram, 200);
        bench_histogram_record(&histogram, 5000);
        cr_assert(is_close(bench_histogram_value(&histogram, 0.5), 100, 0.5));
        cr_assert(is_close(bench_histogram_value(&histogram, 0.998), 100, 0.5));
        cr_assert(is_close(bench_histogram_value(&histogram, 0.999), 200, 0.5));
        cr_assert(is_close(bench_histogram_value(&histogram, 1), 5000, 0));
        cr_assert(eq(u64, histogram.max, 5000));
}

Test(histogram, an_empty_one_answers_0, .init = clear)
{
        cr_assert(is_close(bench_histogram_value(&histogram, 0.5), 0, 0));
        cr_assert(is_close(bench_histogram_value(&histogram, 1), 0, 0));
}

enum { FRAME_BYTES_MAX = 300 };

/* One byte in front, so that nothing is aligned. */
static uint8_t room[1 + FRAME_BYTES_MAX + 8];
static uint8_t *const frame = room + 1;

Test(payload, what_arrives_adds_up_to_what_the_sequence_number_says)
{
        for (uint64_t size = BENCH_SIZE_MIN; size <= FRAME_BYTES_MAX; size++) {
                for (uint64_t sequence = 1; sequence < 20; sequence++) {
                        bench_fill(frame, size, sequence);
                        cr_assert(eq(u64, bench_fold(frame, size), bench_sum(size, sequence)));
                }
        }
}

Test(payload, a_fill_stays_within_its_size)
{
        for (uint64_t size = BENCH_SIZE_MIN; size <= FRAME_BYTES_MAX; size++) {
                memset(room, 0xee, sizeof room);
                bench_fill(frame, size, 7);
                cr_assert(eq(int, room[0], 0xee));
                for (uint64_t i = size; i < FRAME_BYTES_MAX + 7; i++)
                        cr_assert(eq(int, frame[i], 0xee));
        }
}

Test(payload, every_flipped_bit_changes_the_sum)
{
        for (uint64_t size = 61; size <= 64; size++) {
                bench_fill(frame, size, 3);
                for (uint64_t bit = 0; bit < 8 * size; bit++) {
                        frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
                        cr_assert(ne(u64, bench_fold(frame, size), bench_sum(size, 3)));
                        frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
                }
        }
}

Test(payload, frames_of_other_numbers_add_up_to_something_else)
{
        for (uint64_t sequence = 1; sequence < 1000; sequence++) {
                bench_fill(frame, 32, sequence);
                cr_assert(ne(u64, bench_fold(frame, 32), bench_sum(32, sequence + 1)));
                cr_assert(ne(u64, bench_fold(frame, 32), bench_sum(32, sequence - 1)));
        }
}

Test(payload, a_frame_made_of_two_is_neither)
{
        bench_fill(frame, 256, 5);
        bench_fill(frame, 128, 6); /* torn: the first half is the next frame's */
        cr_assert(ne(u64, bench_fold(frame, 256), bench_sum(256, 5)));
        cr_assert(ne(u64, bench_fold(frame, 256), bench_sum(256, 6)));
}

Test(payload, a_mark_is_its_own_sequence_numbers_only)
{
        for (uint64_t sequence = 1; sequence < 1000; sequence++) {
                bench_mark(frame, sequence);
                cr_assert(bench_marked(frame, sequence));
                cr_assert(not(bench_marked(frame, sequence + 1)));
        }
        bench_fill(frame, 64, 9);
        cr_assert(bench_marked(frame, 9)); /* the mark is the first word of the whole frame */
}
