/*
 * How far a reader is behind, as its publisher sees it: from the ring itself, so that it is true of a reader that is
 * stopped, or lies. For onlookers; no protocol rests on it.
 */
#ifndef WR_LANE_BACKLOG_H
#define WR_LANE_BACKLOG_H

#include "bus/lane.h"

struct wr_lane_backlog {
        uint64_t frames;   /* published and not yet taken */
        int64_t oldest_ns; /* when the oldest of them was published; 0: none */
};

/*
 * cursor: any value, as the reader's page has it. Any thread of the publisher, at any time: it looks at no more headers
 * than one step of the ring holds. A reader that was lapped is counted from where it can go on.
 */
void
wr_lane_backlog(const struct wr_lane_writer *w, uint64_t cursor, struct wr_lane_backlog *backlog);

#endif
