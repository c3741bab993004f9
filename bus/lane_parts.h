/* What the files of the publisher's side (lane_writer, lane_room, lane_block, lane_pairs, lane_successor) share.
 * Private. */
#ifndef WR_LANE_PARTS_H
#define WR_LANE_PARTS_H

#include "bus/lane.h"

/* a is at or behind b, as free-running positions. */
static inline bool
wr_at_least(uint64_t a, uint64_t b)
{
        return (int64_t)(a - b) >= 0;
}

/* The header at a position. */
static inline struct wr_frame_header *
wr_lane_header(const struct wr_lane_writer *w, uint64_t position)
{
        return (struct wr_frame_header *)(void *)(w->ring + (position & (w->geometry.ring_bytes - 1)));
}

/* Bytes of padding that a frame of `bytes` at the position needs so as not to cross the ring's end. */
static inline uint64_t
wr_lane_padding(const struct wr_lane_writer *w, uint64_t bytes)
{
        uint64_t left = w->geometry.ring_bytes - (w->position & (w->geometry.ring_bytes - 1));

        return left < bytes ? left : 0;
}

/* lane_room.c: is there room for `bytes` (padding included) beside what is kept for loans and END? */
bool
wr_lane_room(struct wr_lane_writer *w, uint64_t bytes);

/* lane_room.c: bytes behind the position that no frame may take but those they are kept for. */
uint64_t
wr_lane_kept(const struct wr_lane_writer *w);

/* lane_room.c: makes the commit words up to `end` + one header zero, in steps where the readers are far. */
void
wr_lane_clear(struct wr_lane_writer *w, uint64_t end);

/* lane_room.c: the position behind which no attached pair (or only no reliable one) still has to read. */
uint64_t
wr_lane_floor(struct wr_lane_writer *w, bool reliable_only);

/* lane_room.c: it takes no more frames; asked once too often it stays so. */
bool
wr_lane_has_left(struct wr_pair_writer *pair);

/* lane_successor.c: readers may come: the sequence goes on at `first`; what is published here for the first time, at
 * `live`. Before the first frame. */
void
wr_lane_begin(struct wr_lane_writer *w, uint64_t first, uint64_t live);

/* lane_block.c: notes a published block; never fails. */
void
wr_lane_block_note(struct wr_lane_writer *w, uint64_t offset, uint64_t sequence, uint64_t position);

/* lane_block.c: gives back what was unlinked while somebody had it out and nobody has now. */
void
wr_lane_unpin(struct wr_lane_writer *w);

#endif
