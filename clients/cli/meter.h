/*
 * What the frames of a topic come to: how often, how much, how regularly, how late, how many were lost. One meter for
 * each topic, found by its name; nothing is allocated for a frame of a topic and a publisher that are known.
 */
#ifndef CLI_METER_H
#define CLI_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/weir.h>

enum {
        METER_BITS = 5, /* a latency is known within a 32nd */
        METER_BUCKETS = (64 - METER_BITS + 1) << METER_BITS,
};

struct meter_source {
        uint64_t source;
        int64_t published_ns; /* of its last frame */
};

struct meter {
        char topic[208];
        uint64_t frames, bytes, lost, skipped;
        uint64_t intervals; /* between frames of one publisher, by their times of publishing */
        double mean_ns, squares_ns;
        struct meter_source *sources;
        size_t source_count;
        uint64_t latencies[METER_BUCKETS];
};

struct meters {
        struct meter **by_topic; /* in the order of their names */
        size_t count;
};

/* Counts a frame that was taken now. False: no memory for a new topic or publisher. */
bool
meters_count(struct meters *meters, const struct weir_frame *frame, int64_t now_ns);

/* Begins a new period: all counts are 0, topics and publishers stay. */
void
meters_begin(struct meters *meters);

void
meters_free(struct meters *meters);

/* The standard deviation of the intervals. */
double
meter_jitter_ns(const struct meter *meter);

/* What the given share of the frames does not exceed, from publish to take; 0 without a frame. */
int64_t
meter_latency_ns(const struct meter *meter, double share);

#endif
