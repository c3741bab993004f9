/* What the two files of a subscriber's far end share: its lanes (relayed_subscriber.c) and the frames that come into
 * them (relayed_frame.c). Private. */
#ifndef WR_RELAYED_SUBSCRIBER_H
#define WR_RELAYED_SUBSCRIBER_H

#include "clients/c/relayed.h"
#include "clients/c/relayed_lane.h"
#include "clients/c/relayed_numbers.h"

#include "bus/lane_backlog.h"

enum { WR_RELAYED_INLINE_MAX = 4096 /* as the copies in frame.c */ };
#define WR_RELAYED_HEAP_FIRST (UINT64_C(16) << 20)

/* One publisher of the subscription. */
struct wr_relayed_lane {
        struct wr_relayed_lane *next;
        struct wr_record_lane said;
        struct wr_relayed_writer *w;
        struct wr_relayed_numbers *numbers;
        uint64_t sequence;          /* of its source, wanted next; 0: it is not known */
        uint64_t since;             /* the private lane's number from which on frames are in `w` alone */
        struct wr_relayed_jump due; /* for the next frame; its numbers are not set */
        uint8_t *format;
        uint64_t format_size;
        struct wr_lane_backlog before; /* in those that `w` follows, when it began */
        bool is_back;                  /* it resumed: what was missed meanwhile is a gap */
        bool is_said;                  /* on this stream */
        bool is_owing;                 /* its reader is to be woken */
        uint32_t bad_in_row;           /* frames that were not whole, since the last that was */
};

struct wr_relayed_lane *
wr_relayed_lane_of(const struct wr_relayed *r, uint64_t source);

/* It brings nothing but frames that are not whole: it is dropped, as one in shared memory is. */
void
wr_relayed_lane_spoilt(struct wr_relayed *r, struct wr_relayed_lane *lane);

/* A lane with a larger heap takes the place of this one: END names it, and both are read in turn. Below 0: it is as it
 * was. */
enum weir_result
wr_relayed_lane_go_on(struct wr_relayed *r, struct wr_relayed_lane *lane, uint64_t heap_bytes);

/* Whoever sleeps and has something to take. */
void
wr_relayed_wakes_flush(struct wr_relayed *r);

/* The agent hears how its subscriber gets on, each second. Below 0: the stream is over. */
enum weir_result
wr_relayed_taken_tell(struct wr_relayed *r);

/* relayed_frame.c: FRAME and FORMAT came, their payload is next. Below 0: the stream is over. */
enum weir_result
wr_relayed_frame(struct wr_relayed *r, const struct wr_record *record);

enum weir_result
wr_relayed_format(struct wr_relayed *r, const struct wr_record *record);

#endif
