/*
 * Counts of values in buckets that are exact below 128 and then 128 to each power of two: any percentile of any
 * number of samples within half a percent, in 58 KiB, without an allocation, and recording costs a few nanoseconds.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum {
        BENCH_HISTOGRAM_BITS = 7, /* buckets of one power of two, as a power of two */
        BENCH_HISTOGRAM_BUCKETS = (64 - BENCH_HISTOGRAM_BITS + 1) << BENCH_HISTOGRAM_BITS,
};

/* Starts all zero, save for the granule, which may be set at any time. */
struct bench_histogram {
        uint64_t count, max;
        uint64_t granule; /* values are known to multiples of this only; 0 as 1 */
        uint64_t buckets[BENCH_HISTOGRAM_BUCKETS];
};

void
bench_histogram_record(struct bench_histogram *histogram, uint64_t value);

/*
 * The value that the given share of all samples does not exceed. share: 0.5 is the median, 1 the maximum, which is
 * exact. Samples of one bucket count as spread evenly over it, or over a granule if that is wider: so the median of
 * many samples is finer than the clock that took them. 0 for an empty histogram.
 */
double
bench_histogram_value(const struct bench_histogram *histogram, double share);

#endif
