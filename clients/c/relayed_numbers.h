/*
 * A private lane counts its frames 1, 2, 3; the source whose frames they are has numbers of its own, and some of them
 * were lost or passed over on the way. Wherever the two do not go on side by side the far end says so before it
 * publishes, and the taking thread puts it into the frame.
 */
#ifndef WR_RELAYED_NUMBERS_H
#define WR_RELAYED_NUMBERS_H

#include "bus/lane.h"

#include <stdbool.h>

struct wr_relayed_numbers;

/* What stands just before a frame. */
struct wr_relayed_jump {
        uint64_t frame;    /* of the private lane */
        uint64_t sequence; /* of the source */
        uint64_t lost, skipped, corrupt;
        bool is_gap; /* a reliable subscriber is told before the frame: it was away */
};

/* One reference; NULL: no memory. */
struct wr_relayed_numbers *
wr_relayed_numbers_new(void);

struct wr_relayed_numbers *
wr_relayed_numbers_hold(struct wr_relayed_numbers *numbers);

/* NULL is fine. */
void
wr_relayed_numbers_drop(struct wr_relayed_numbers *numbers);

/* Frames of the private lane that nobody can take any more: from `since` on, below `oldest`. What stands before them
 * is kept as one sum: a lane that waits for nobody would heap it up for as long as nobody takes. */
struct wr_relayed_lapped {
        uint64_t since, oldest;
};

/* The far end, before it publishes that frame. False: no memory, and the frame must not be published. */
bool
wr_relayed_numbers_jump(struct wr_relayed_numbers *numbers, const struct wr_relayed_jump *jump,
                        const struct wr_relayed_lapped *lapped);

/* The taking thread looks for a frame: until wr_relayed_numbers_apply() or _leave() nothing is summed up, since what it
 * finds may be lapped before its number is asked for. */
void
wr_relayed_numbers_enter(struct wr_relayed_numbers *numbers);

void
wr_relayed_numbers_leave(struct wr_relayed_numbers *numbers);

/* The taking thread has t, and leaves: from now on with the source's number, and all that was lost and skipped, which
 * is added to the reader's sums. */
void
wr_relayed_numbers_apply(struct wr_relayed_numbers *numbers, struct wr_lane_reader *r, struct wr_taken *t);

/* Before frame `frame` is taken: how many frames of its source a reliable subscriber missed while it was away, said
 * once; behind: out, the source's number before them. */
uint64_t
wr_relayed_numbers_gap(struct wr_relayed_numbers *numbers, uint64_t frame, uint64_t *behind);

/* Nothing more is taken: what is left is added to the reader's sums. */
void
wr_relayed_numbers_end(struct wr_relayed_numbers *numbers, struct wr_lane_reader *r);

#endif
