/*
 * A bus: what weir_open() makes. It is counted: by its owner, its control thread and each of its endpoints, so that
 * the order in which a program gives things back does not matter.
 *
 *      locks, in the order in which they may be taken
 *          wakeup.lock  ->  bus.lock  ->  subscriber.lock, publisher.lock; helpers.lock alone
 *
 * Nothing of this is taken on the path of a frame.
 */
#ifndef WR_BUS_H
#define WR_BUS_H

#include "bus/atomic.h"
#include "bus/os/mutex.h"
#include "clients/c/control.h"
#include "clients/c/event.h"
#include "clients/c/helper.h"
#include "clients/c/left.h"
#include "clients/c/ticket.h"
#include "clients/c/wakeup.h"

struct weir {
        uint64_t generation;   /* of the process that opened it: named-objects/fork.h */
        wr_word32 interrupted; /* weir_interrupt() is on */
        wr_word32 closed;
        wr_word32 references;
        wr_word32 poke; /* every sleeper of this bus sleeps on this word too */
        wr_mutex lock;  /* the lists and the events */
        struct weir_publisher *publishers;
        struct weir_subscriber *subscribers, *told; /* told: of the frames of this one, by weir_next(), last */
        struct wr_events events;
        struct wr_watch_wish *watches; /* likewise under the lock: what weir_watch() was asked for */
        struct wr_wakeup wakeup;
        struct wr_helpers helpers;
        struct wr_helped poked;     /* `poke`, for helpers */
        struct wr_ticket_held held; /* what it was opened with */
        char stands_in[40];         /* the broker's own agent: the key of its relay; else "" */
        wr_word32 is_bereft;        /* an agent whose client died: it leaves as the client did, without a word */
        struct wr_control control;
};

/* weir_open() of an agent that stands in for a relayed endpoint (broker/relay/): says so with this key, and leaves the
 * hashes of blocks to the other end of its stream. */
enum weir_result
wr_bus_open(struct weir **out, const struct weir_options *options, const char *key);

/* Wakes every sleeper of the bus, so that it looks again. Any thread, signal handlers too. */
void
wr_bus_poke(struct weir *bus);

/* An event enters the queue. Takes bus->lock. */
void
wr_bus_tell(struct weir *bus, const struct weir_event *event);

void
wr_bus_hold(struct weir *bus);

/* The last one frees it. */
void
wr_bus_drop(struct weir *bus);

/* WEIR_E_USAGE in a forked child, WEIR_E_CLOSED behind weir_close(); both with a sentence. */
enum weir_result
wr_bus_check(const struct weir *bus);

/* The sentence for a forked child. */
enum weir_result
wr_bus_forked(void);

/* watch.c: an endpoint of others came, went, or was there. Control thread. */
void
wr_watch_told(struct wr_control *c, const struct wr_message_watched *m);

/* What was watched is watched at the broker that came back, too. Control thread. */
void
wr_watch_again(struct wr_control *c, void (*ask)(struct wr_control *c, const struct wr_message *watch));

void
wr_watch_free(struct weir *bus);

/* Now plus a timeout, without running over. */
int64_t
wr_bus_deadline(int64_t timeout_ns);

#endif
