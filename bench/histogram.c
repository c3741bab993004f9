/*
 *      value        0 .. 127    128 .. 255    256 .. 511    512 .. 1023        up to 2^64 - 1
 *      bucket is    1 wide      1 wide        2 wide        4 wide        ...  2^56 wide
 *      bucket       0 .. 127    128 .. 255    256 .. 383    384 .. 511         7 423
 *
 * A value's bucket is its seven bits behind the leading one, with the number of bits shifted out in front.
 */
#include "bench/histogram.h"

#include <math.h>

enum { FINE = 1 << BENCH_HISTOGRAM_BITS };

static uint32_t
bucket_of(uint64_t value)
{
        uint32_t shift;

        if (value < FINE)
                return (uint32_t)value;
        shift = (uint32_t)(63 - __builtin_clzll(value)) - BENCH_HISTOGRAM_BITS;
        return shift * FINE + (uint32_t)(value >> shift);
}

/* How many values fall into the bucket, and the smallest of them. */
static uint64_t
bucket_width(uint32_t bucket)
{
        return bucket < 2 * FINE ? 1 : UINT64_C(1) << (bucket / FINE - 1);
}

static uint64_t
bucket_low(uint32_t bucket)
{
        return bucket < 2 * FINE ? bucket : (uint64_t)(bucket % FINE + FINE) << (bucket / FINE - 1);
}

void
bench_histogram_record(struct bench_histogram *histogram, uint64_t value)
{
        histogram->buckets[bucket_of(value)]++;
        histogram->count++;
        if (value > histogram->max)
                histogram->max = value;
}

double
bench_histogram_value(const struct bench_histogram *histogram, double share)
{
        double rank = ceil(share * (double)histogram->count), seen = 0;

        if (rank >= (double)histogram->count)
                return (double)histogram->max;
        for (uint32_t bucket = 0; bucket < BENCH_HISTOGRAM_BUCKETS; bucket++) {
                double here = (double)histogram->buckets[bucket], middle, width;

                if (here > 0 && seen + here >= rank) {
                        width = fmax((double)bucket_width(bucket), (double)histogram->granule);
                        middle = (double)bucket_low(bucket) + (double)(bucket_width(bucket) - 1) / 2;
                        return fmin(middle + width * ((rank - 0.5 - seen) / here - 0.5), (double)histogram->max);
                }
                seen += here;
        }
        return (double)histogram->max;
}
