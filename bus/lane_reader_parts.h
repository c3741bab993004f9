/* What the files of the subscriber's side (lane_reader.c, lane_recover.c) share. Private. */
#ifndef WR_LANE_READER_PARTS_H
#define WR_LANE_READER_PARTS_H

#include "bus/lane.h"

/* The header at a position: never outside the ring, whatever the position. */
static inline const struct wr_frame_header *
wr_lane_look(const struct wr_lane_reader *r, uint64_t position)
{
        position &= r->geometry.ring_bytes - 1;
        return (const struct wr_frame_header *)(const void *)(r->ring + (position & ~(uint64_t)(WR_HEADER_BYTES - 1)));
}

/* S3, S4: true when what stands at the position may be overwritten. claimed (may be NULL): the one value read. */
static inline bool
wr_lane_lapped(const struct wr_lane_reader *r, uint64_t position, uint64_t *claimed)
{
        uint64_t value;

        wr_fence_acquire();
        value = wr_load_acquire(&r->control->claimed);
        if (claimed != NULL)
                *claimed = value;
        return (int64_t)(value - position) > 0;
}

/* Goes on at a noted start well ahead of `claimed`; what lies between is lost. False: none can be had now. */
bool
wr_lane_recover(struct wr_lane_reader *r, uint64_t claimed);

/* The frame at the position is corrupt (`counted`: it seems one that has a sequence number). */
void
wr_lane_bad(struct wr_lane_reader *r, bool counted);

/* The next header behind a position that names its own position; any payload may pretend to be one, its hash will
 * not. next may be NULL. */
bool
wr_lane_find_next(const struct wr_lane_reader *r, uint64_t behind, uint64_t *next);

/* Astray: waits for the lane to begin and passes over what is not for this reader; after wr_lane_bad, goes on at the
 * next header. False: there is nothing yet. */
bool
wr_lane_find_way(struct wr_lane_reader *r);

/* The sequence was off by one: the books follow. */
void
wr_lane_correct(struct wr_lane_reader *r, int64_t off);

/* Passes over a whole frame that is lost. */
void
wr_lane_pass(struct wr_lane_reader *r, uint64_t frame_bytes, uint64_t lost);

/* keep: passes over all but the newest r->keep frames. */
void
wr_lane_skip_old(struct wr_lane_reader *r);

/* Makes format_bytes those of r->format. WEIR_EMPTY: they are gone, look at the position again; WEIR_E_NO_MEMORY: as
 * wr_lane_take; WEIR_E_CORRUPT: once too often. */
enum weir_result
wr_lane_format_load(struct wr_lane_reader *r);

#endif
