/*
 * How a thread of this library sleeps: on the wake words of lanes, the space words of pairs, and always on the bus's
 * own word. The protocol is that of bus/pair.h; this is the only place that arms and sleeps.
 *
 *      wr_wait_begin                 read the bus's word
 *      wr_wait_add_...               arm, and keep what is slept on mapped
 *      wr_wait_settle; look again    the caller; if it finds something, wr_wait_end at once
 *      wr_wait_sleep
 *      wr_wait_end                   disarm, let go
 *
 * There may be any number of words. Those that one call of the kernel does not take are left to helper threads
 * (clients/c/helper.h); where no more of these can be started, the rest is looked at every millisecond.
 */
#ifndef WR_WAIT_H
#define WR_WAIT_H

#include "clients/c/bus.h"
#include "named-objects/signal.h"

struct wr_lane_link;
struct wr_pair_link;

struct wr_wait_word {
        struct wr_signal_wait signal;
        struct wr_lane_link *lane; /* whose word it is: a lane's, a pair's, or (neither) the bus's */
        struct wr_pair_link *pair;
};

struct wr_wait {
        struct weir *bus;
        struct wr_wait_word *words; /* the bus's is the first */
        size_t count, room;
        bool too_many;    /* no memory for all of them */
        bool peers_fence; /* each publisher whose lanes were added (bus/pair.h) */
        struct wr_wait_word few[WR_SIGNAL_WAIT_MAX];
};

void
wr_wait_begin(struct wr_wait *wait, struct weir *bus);

/* Takes the subscriber's lock. */
void
wr_wait_add_subscriber(struct wr_wait *wait, struct weir_subscriber *s);

/* The pairs that the publisher has armed; it disarms them itself. Takes the publisher's lock. */
void
wr_wait_add_publisher(struct wr_wait *wait, struct weir_publisher *p);

/* Every endpoint of the bus: what weir_next() looks at. Takes the bus's lock. */
void
wr_wait_add_bus(struct wr_wait *wait, struct weir *bus);

/* Between arming and the last look. fences: all pairs that were armed have WR_PAIR_FENCES on one side, ours or the
 * other (bus/pair.h). */
void
wr_wait_settle(bool fences);

/* tries: fruitless wakes in a row so far. A peer that wakes us for nothing gets us 100 times a second, not more. */
void
wr_wait_sleep(struct wr_wait *wait, int64_t timeout_ns, uint32_t tries);

void
wr_wait_end(struct wr_wait *wait);

/* Is there something for weir_next()? Any thread; may say yes where another thread just took it. Takes the lock. */
bool
wr_wait_has_something(struct weir *bus);

#endif
