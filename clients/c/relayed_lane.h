/*
 * A lane of this process alone, between the far end of a relayed endpoint and its user: made exactly as the broker
 * makes those that others share, so that the user's side is none the wiser. It has one pair, which is never evicted.
 */
#ifndef WR_RELAYED_LANE_H
#define WR_RELAYED_LANE_H

#include "bus/lane.h"
#include "named-objects/region.h"
#include "named-objects/signal.h"

enum { WR_RELAYED_OBJECTS = 3 + WR_SIGNAL_OBJECTS }; /* as LANE_ADDED brings them; the life-line is none */

/* The writing half: a subscriber's far end. */
struct wr_relayed_writer {
        struct wr_lane_writer writer;
        struct wr_pair_writer pair;
        struct wr_lane_start start;
        void *segment, *page;
        uint64_t segment_bytes, page_bytes;
        uint64_t committed; /* heap bytes that are there */
};

/* Ids of private lanes, and of who is at their far end: none that a broker gives. */
uint64_t
wr_relayed_id(void);

/* ring and heap behind the control page. heap_bytes is rounded up to pages. */
struct wr_lane_geometry
wr_relayed_geometry(uint64_t ring_bytes, uint64_t heap_bytes, uint32_t inline_max, uint32_t hash);

/* Pages for a pair's words. */
uint64_t
wr_relayed_page_bytes(uint32_t announcements);

/* objects: out, what the reading half is to get, for wr_relayed_objects_close; all of them WR_NO_OBJECT on a failure.
 */
enum weir_result
wr_relayed_writer_open(struct wr_relayed_writer **out, const struct wr_lane_geometry *geometry, uint32_t announcements,
                       bool reliable, wr_object objects[WR_RELAYED_OBJECTS]);

/* Its memory goes; that of the reading half stays. NULL is fine. */
void
wr_relayed_writer_close(struct wr_relayed_writer *w);

/* Heap bytes [0, end) are there afterwards. */
enum weir_result
wr_relayed_writer_commit(struct wr_relayed_writer *w, uint64_t end);

void
wr_relayed_objects_close(wr_object objects[WR_RELAYED_OBJECTS]);

#endif
