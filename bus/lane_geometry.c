/* Where the parts of a lane's segment lie: chosen by the broker, checked by both ends. */
#include "bus/lane.h"

enum {
        RING_BYTES_MIN = 256 * 1024, /* 4 096 of the smallest frames with a payload; short enough to stay in a cache */
        RING_BYTES_GROWN = 64 << 20, /* what growth ends at: all of it is touched when the lane begins */
        RING_SHARE = 16,             /* and the part of the memory that a ring may grow to */
        INLINE_MAX = 4096,
        PAGE_BYTES = 4096,
};
#define MEMORY_BYTES_MAX (UINT64_C(1) << 46) /* half of what one process can map: sums stay far from 2^64 */

static uint64_t
power_of_two_from(uint64_t bytes)
{
        uint64_t power = WR_HEADER_BYTES;

        while (power < bytes)
                power *= 2;
        return power;
}

uint32_t
wr_lane_extension_max(const struct wr_lane_geometry *g)
{
        uint64_t step = g->ring_bytes / WR_STEPS;

        if (step <= 2 * WR_HEADER_BYTES)
                return 0;
        step -= 2 * WR_HEADER_BYTES;
        return step < WR_EXTENSION_MAX ? (uint32_t)(step & ~UINT64_C(7)) : WR_EXTENSION_MAX;
}

uint64_t
wr_lane_frame_max(const struct wr_lane_geometry *g)
{
        return wr_lane_frame_bytes(wr_lane_extension_max(g), g->inline_max);
}

static bool
fits(uint64_t offset, uint64_t bytes, uint64_t segment_bytes)
{
        return offset <= segment_bytes && bytes <= segment_bytes - offset;
}

enum weir_result
wr_lane_geometry_check(const struct wr_lane_geometry *g)
{
        bool ring_is_power = g->ring_bytes >= 4 * WR_HEADER_BYTES && (g->ring_bytes & (g->ring_bytes - 1)) == 0;

        if (!ring_is_power || g->ring_bytes > UINT32_MAX || g->inline_max > g->ring_bytes)
                return WEIR_E_CORRUPT;
        /* Four of the largest, so that a lapped reader always finds a noted start that is not overwritten yet. */
        if (g->ring_bytes < 4 * wr_lane_frame_max(g))
                return WEIR_E_CORRUPT;
        if (g->start % WR_HEADER_BYTES != 0 || g->hash > WR_HASH_NONE)
                return WEIR_E_CORRUPT;
        if (g->ring_offset < WR_CONTROL_BYTES || g->ring_offset % PAGE_BYTES != 0 || g->heap_offset % PAGE_BYTES != 0)
                return WEIR_E_CORRUPT;
        if (!fits(g->ring_offset, g->ring_bytes, g->segment_bytes) ||
            !fits(g->heap_offset, g->heap_bytes, g->segment_bytes) || g->heap_bytes % PAGE_BYTES != 0)
                return WEIR_E_CORRUPT;
        return g->heap_offset < g->ring_offset + g->ring_bytes ? WEIR_E_CORRUPT : WEIR_OK;
}

enum weir_result
wr_lane_geometry_plan(struct wr_lane_geometry *g, uint64_t memory_max, uint64_t ring_least, uint32_t history,
                      uint32_t loans_max)
{
        uint64_t frame_max, descriptor_max, wanted;

        g->inline_max = INLINE_MAX;
        g->ring_bytes = RING_BYTES_MIN;
        frame_max = wr_lane_frame_max(g);
        descriptor_max = wr_lane_frame_bytes(wr_lane_extension_max(g), WR_DESCRIPTOR_BYTES);
        /* Room for the history at its largest, for every loan's descriptor, and as much again to run in. */
        wanted = 2 * ((uint64_t)history * frame_max + ((uint64_t)loans_max + 1) * descriptor_max);
        if (wanted < ring_least)
                wanted = ring_least;
        if (wanted > memory_max / 2 || memory_max < 4 * RING_BYTES_MIN || memory_max > MEMORY_BYTES_MAX)
                return WEIR_E_QUOTA;
        if (wanted > RING_BYTES_MIN)
                g->ring_bytes = power_of_two_from(wanted);
        if (g->ring_bytes > memory_max / 2 || g->ring_bytes > UINT32_MAX)
                return WEIR_E_QUOTA;
        g->ring_offset = WR_CONTROL_BYTES;
        g->heap_offset = g->ring_offset + g->ring_bytes;
        g->heap_bytes = (memory_max - g->ring_bytes) & ~(uint64_t)(PAGE_BYTES - 1);
        g->segment_bytes = g->heap_offset + g->heap_bytes;
        return WEIR_OK;
}

uint64_t
wr_lane_ring_next(const struct wr_lane_geometry *g, uint64_t memory_max)
{
        uint64_t ring = 2 * g->ring_bytes;

        return ring <= RING_BYTES_GROWN && ring <= memory_max / RING_SHARE ? ring : 0;
}
