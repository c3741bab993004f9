/*
 * Meters stand in the order of their topics' names, so that they are found by halving and listed as they stand. A
 * latency falls into one of 32 buckets to each power of two; deviations are summed up as Welford did, without a sample
 * kept.
 */
#include "clients/cli/meter.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the topic stands, or would stand. */
static size_t
place_of(const struct meters *meters, const char *topic)
{
        size_t from = 0, to = meters->count;

        while (from < to) {
                size_t middle = from + (to - from) / 2;

                if (strcmp(meters->by_topic[middle]->topic, topic) < 0)
                        from = middle + 1;
                else
                        to = middle;
        }
        return from;
}

static struct meter *
meter_of(struct meters *meters, const char *topic)
{
        size_t place = place_of(meters, topic);
        struct meter *meter, **grown;

        if (place < meters->count && strcmp(meters->by_topic[place]->topic, topic) == 0)
                return meters->by_topic[place];
        meter = calloc(1, sizeof *meter);
        grown = meter != NULL ? realloc(meters->by_topic, (meters->count + 1) * sizeof(struct meter *)) : NULL;
        if (grown == NULL) {
                free(meter);
                return NULL;
        }
        memmove(grown + place + 1, grown + place, (meters->count - place) * sizeof(struct meter *));
        grown[place] = meter;
        meters->by_topic = grown;
        meters->count++;
        snprintf(meter->topic, sizeof meter->topic, "%s", topic);
        return meter;
}

static struct meter_source *
source_of(struct meter *meter, uint64_t source)
{
        struct meter_source *grown;

        for (size_t i = 0; i < meter->source_count; i++)
                if (meter->sources[i].source == source)
                        return &meter->sources[i];
        grown = realloc(meter->sources, (meter->source_count + 1) * sizeof *grown);
        if (grown == NULL)
                return NULL;
        meter->sources = grown;
        grown += meter->source_count++;
        *grown = (struct meter_source){ .source = source };
        return grown;
}

/* Values below 2 to the METER_BITS have a bucket each; from there on a power of two has that many. */
static size_t
bucket_of(uint64_t value)
{
        unsigned shift;

        if (value < 1U << METER_BITS)
                return (size_t)value;
        shift = 63 - (unsigned)__builtin_clzll(value) - METER_BITS;
        return ((size_t)(shift + 1) << METER_BITS) + (size_t)((value >> shift) - (1U << METER_BITS));
}

/* The largest value of a bucket. */
static uint64_t
bucket_end(size_t bucket)
{
        size_t shift = bucket >> METER_BITS;

        if (shift == 0)
                return bucket;
        return (((UINT64_C(1) << METER_BITS) + (bucket & ((1U << METER_BITS) - 1)) + 1) << (shift - 1)) - 1;
}

static void
count_interval(struct meter *meter, int64_t interval_ns)
{
        double delta = (double)interval_ns - meter->mean_ns;

        meter->intervals++;
        meter->mean_ns += delta / (double)meter->intervals;
        meter->squares_ns += delta * ((double)interval_ns - meter->mean_ns);
}

bool
meters_count(struct meters *meters, const struct weir_frame *frame, int64_t now_ns)
{
        struct meter *meter = meter_of(meters, frame->topic);
        struct meter_source *source = meter != NULL ? source_of(meter, frame->source) : NULL;
        int64_t latency_ns = now_ns - frame->published_ns;

        if (source == NULL)
                return false;
        meter->frames++;
        meter->bytes += frame->size;
        meter->lost += frame->lost;
        meter->skipped += frame->skipped;
        meter->latencies[bucket_of(latency_ns > 0 ? (uint64_t)latency_ns : 0)]++;
        /* Where frames are missing between the two, theirs is no interval. */
        if (source->published_ns != 0 && frame->lost == 0 && frame->skipped == 0)
                count_interval(meter, frame->published_ns - source->published_ns);
        source->published_ns = frame->published_ns;
        return true;
}

void
meters_begin(struct meters *meters)
{
        for (size_t i = 0; i < meters->count; i++) {
                struct meter *meter = meters->by_topic[i];

                meter->frames = meter->bytes = meter->lost = meter->skipped = meter->intervals = 0;
                meter->mean_ns = meter->squares_ns = 0;
                memset(meter->latencies, 0, sizeof meter->latencies);
        }
}

void
meters_free(struct meters *meters)
{
        for (size_t i = 0; i < meters->count; i++) {
                free(meters->by_topic[i]->sources);
                free(meters->by_topic[i]);
        }
        free(meters->by_topic);
        *meters = (struct meters){ .count = 0 };
}

double
meter_jitter_ns(const struct meter *meter)
{
        return meter->intervals > 1 ? sqrt(meter->squares_ns / (double)(meter->intervals - 1)) : 0;
}

int64_t
meter_latency_ns(const struct meter *meter, double share)
{
        uint64_t wanted = (uint64_t)ceil(share * (double)meter->frames), seen = 0;

        for (size_t i = 0; i < METER_BUCKETS && meter->frames > 0; i++) {
                seen += meter->latencies[i];
                if (seen >= wanted && seen > 0)
                        return (int64_t)bucket_end(i);
        }
        return 0;
}
