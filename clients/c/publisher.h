/*
 * A publisher: one lane that this process writes, and the subscribers that follow it.
 *
 *      who                        may touch
 *      the publishing thread      everything under the latch; the loans' list
 *      the control thread         the same while it visits the latch; else only what the lock guards
 *      any thread                 discards a loan (`returned`), reads the counters
 *
 * Subscribers come and go as changes: the control thread lists one, and applies it itself when it finds the latch
 * free; else the publishing thread does with its next call.
 */
#ifndef WR_PUBLISHER_H
#define WR_PUBLISHER_H

#include "bus/lane.h"
#include "bus/latch.h"
#include "bus/os/clock.h"
#include "clients/c/bus.h"
#include "named-objects/signal.h"

#include <stdatomic.h>

enum wr_growing { WR_GROWING_NOT, WR_GROWING_ASKED, WR_GROWING_RING, WR_GROWING_REFUSED };

/* Of weir_about.flags: said to the library, and not the reader's business. */
enum { WR_LIBRARY_FLAGS = WEIR_MORE | WEIR_KEEP | WEIR_OLD };

enum wr_change { WR_CHANGE_NONE, WR_CHANGE_ATTACH, WR_CHANGE_DETACH };

/* A subscriber of ours. Counted: by its publisher, and by who sleeps on its words. */
struct wr_pair_link {
        struct wr_pair_writer pair;
        wr_word32 references;
        struct wr_pair_link *next;         /* links */
        struct wr_pair_link *next_change;  /* changes, then applied */
        struct wr_pair_link *control_next; /* all that the control thread knows of */
        struct weir_publisher *publisher;
        struct wr_peer *peer;
        uint32_t era; /* of the broker that made it */
        void *page;
        uint64_t page_bytes, lane;
        uint64_t follows;            /* the pair that its subscriber has in the lane before, or 0 */
        struct wr_pair_link *before; /* that one, where its page is still looked at (pair.before); a reference */
        enum wr_change change;
        enum weir_result result; /* of attaching */
        int32_t reason;          /* why it left */
        struct wr_lane_start start;
        uint32_t history;
        uint32_t room_value; /* of words->space when it was armed */
        wr_word32 room_armed;
        struct wr_helped helped; /* words->space */
        bool attached, leaving;  /* the control thread's view */
        bool is_retired;         /* under the lock: its lane was left, wr_publisher_moved() gives it back */
        wr_word32 is_follower;   /* its subscriber has a pair in the lane before, too: it neither joins nor leaves */
        uint64_t told;           /* what PAIR_STATS said last, added up */
        uint64_t told_bytes;     /* of blocks that it has out */
        struct wr_job evicted;
        char name[64];
};

/* The lane that is to follow: mapped, its readers attached, not begun. */
struct wr_next_lane {
        struct wr_lane_writer writer;
        uint8_t *segment;
        uint64_t segment_bytes, committed, lane;
        struct wr_pair_link *links;
        int64_t since_ns, until_ns; /* who is not ready by then is left behind */
};

/* A lane that was left while loans of it were out: their memory stays. */
struct wr_past_lane {
        struct wr_past_lane *next;
        uint8_t *segment;
        uint64_t segment_bytes;
        wr_word32 loans; /* out; changed under the latch */
        struct wr_pair_link *keeper;
};

struct wr_loan {
        struct weir_loan open; /* its first member */
        struct weir_publisher *publisher;
        struct wr_past_lane *past;  /* the lane that it is of, if that was left; changed under the latch */
        struct wr_loan *next;       /* of the free ones, or of the returned */
        void *scratch;              /* for small payloads, so that publishing them is a copy */
        void *bytes;                /* as open.data was given out */
        uint64_t offset, lent_size; /* offset: WR_SCRATCH, or of the block */
        uint32_t index;             /* its announcement, when it is kept */
        wr_word *announcement;      /* that, or NULL */
        bool kept;                  /* published with WEIR_KEEP */
        bool is_out;                /* under the latch */
};

struct weir_publisher {
        struct weir *bus;
        wr_word32 closed;
        wr_word32 revoked;     /* the right to publish was withdrawn: `revoked_text` is written before it */
        wr_word32 references;  /* handle, control thread, all loans that are out together */
        wr_word32 changes_due; /* looked at by every call */
        wr_word32 applied_due; /* the control thread is to settle them */
        wr_word32 sleeping;    /* inside a call, waiting for room */
        wr_word32 room_wanted; /* a call answered WEIR_FULL: weir_next() is to say when to try again */
        wr_word32 room_now;    /* something else than a reader made room */
        struct wr_latch latch;
        struct wr_lane_writer writer;
        struct wr_clock clock;
        bool wake_owed;     /* WEIR_MORE: nobody was woken yet */
        bool charging;      /* the last try was FULL */
        uint32_t fruitless; /* times in a row that room was told and there was none */
        wr_word room_after; /* clock: no reader's word that there is room is believed before; 0: each is */
        bool hash_full;
        const uint64_t *known_hash; /* of the loan that is published next, where an agent was told; else NULL */
        uint64_t committed;         /* heap bytes that are there */
        uint8_t *segment;
        uint64_t segment_bytes;
        uint32_t inline_max;                 /* of every lane of its life: read outside of the latch */
        wr_word heap_bytes;                  /* the same of this one, for sentences */
        uint64_t memory_now;                 /* of this lane; grows up to options.memory_max. Latch */
        bool renews;                         /* an agent's: where no format fits, a fresh lane is asked for */
        wr_word32 growing;                   /* enum wr_growing; _RING: the ring alone, which no call waits for */
        wr_word grow_memory, grow_ring;      /* what is asked for; grow_ring 0: as it is */
        wr_word refused_ns, ring_refused_ns; /* when more was refused */
        uint64_t ring_first;                 /* of its first lane: what history and loans need */
        uint64_t heap_most;  /* heap bytes that a lane of it had in use: a ring takes none of them. Latch */
        uint64_t stalled_at; /* where its slowest reader stands, and since when. Latch */
        int64_t stalled_ns;
        int64_t full_since_ns; /* the heap is full; 0: it is not. Latch */
        struct wr_job grow;
        char grow_text[256]; /* why it may not grow; written before `growing` says so */
        struct wr_loan *loans, *free_loans;
        uint32_t loans_max;
        _Atomic(struct wr_loan *) returned; /* given back by any thread, taken all at once by the publishing one */
        _Atomic int64_t loans_left;         /* out, once it is closed */
        wr_word32 loans_out;
        struct wr_pair_link *keeper;     /* our own announcements, for loans that are kept */
        wr_word32 filling;               /* a block was lent and is being filled outside the latch: no move now */
        struct wr_next_lane *next_lane;  /* under the lock; begins under the latch, too */
        struct wr_next_lane *given_up;   /* under the lock: it did not begin, for the control thread */
        struct wr_past_lane *past_lanes; /* under the lock */
        struct wr_pair_link *retired;    /* under the lock: readers of a lane that was left, for the control thread */
        bool moved;                      /* under the lock: the control thread has yet to tell it */
        wr_word frames, bytes, full, waits, copied_bytes, told; /* counters; told: what STATS sent last */
        wr_word corrupt; /* of an agent: frames that did not come to it as they were made, and were not published */
        wr_mutex lock;   /* links, changes, applied */
        struct wr_pair_link *links, *changes, *applied;
        wr_word32 link_count;
        struct wr_pair_link *control_links;
        wr_mutex shared_lock;        /* .shared: one call at a time */
        struct weir_publisher *next; /* of the bus */
        struct wr_left left;
        struct weir_publisher *control_next;
        struct wr_job tick;
        wr_word32 tick_posted, wakes_due; /* wakes_due: the tick is to raise what wr_lane_wake held back */
        uint64_t lane, source;
        struct wr_relayed *relayed; /* its far end; NULL: its lane is read by others */
        wr_word payload_max;        /* of a relayed one: what the broker's side has memory for; 0: the lane says it */
        char revoked_text[WR_CONTROL_SENTENCE_MAX];
        struct weir_publisher_options options;
        char topic[208], type[128];
};

/* Closes it for its bus; the object stays until weir_publisher_close(). */
void
wr_publisher_shut(struct weir_publisher *p);

void
wr_publisher_drop(struct weir_publisher *p);

/* What PUBLISH says of it. */
void
wr_publisher_describe(const struct weir_publisher *p, struct wr_message_publish *m);

/* Control thread: maps the lane that was granted, puts the format into it; it is one of ours then. Below 0: with a
 * sentence. */
enum weir_result
wr_publisher_granted(struct wr_control *c, struct weir_publisher *p, const struct wr_message_lane_grant *m,
                     wr_object region, char *sentence, size_t room);

/* Enter and leave the latch, with what a busy publisher was left to do. */
void
wr_publisher_enter(struct weir_publisher *p);

static inline void
wr_publisher_leave(struct weir_publisher *p)
{
        wr_latch_leave(&p->latch);
}

/* Latch held: applies the changes that are listed. */
void
wr_publisher_apply(struct weir_publisher *p);

/* The end of every try: after WEIR_OK, what waiting had left behind is taken back. */
void
wr_publisher_went_through(struct weir_publisher *p);

/* publisher_room.c: what a call wants, and how it waits for it. */
struct wr_want {
        bool lend; /* else: publish by copy */
        const void *data;
        uint64_t size, align;
        const struct wr_about *about;
        bool more;
        uint64_t offset; /* out, of a loan */
};

/* Larger than what the other side of its relay takes? */
static inline bool
wr_publisher_is_beyond(const struct weir_publisher *p, uint64_t size)
{
        uint64_t most = wr_load(&p->payload_max);

        return most != 0 && size > most && size > p->inline_max;
}

/* Tries, and waits up to the timeout. */
enum weir_result
wr_publisher_try(struct weir_publisher *p, struct wr_want *want, int64_t timeout_ns);

/* The control thread looks after this publisher for as long as it wants room or owes wakes. */
void
wr_publisher_tick(struct weir_publisher *p);

/* Latch held: wakes who sleeps. */
static inline void
wr_publisher_wake(struct weir_publisher *p)
{
        wr_lane_wake(&p->writer, wr_signal_raise);
        if (p->writer.wakes_owed && wr_load32(&p->wakes_due) == 0) {
                wr_store32(&p->wakes_due, 1);
                wr_publisher_tick(p);
        }
}

/* Latch held: publishers that evict tell the broker and the user. */
void
wr_publisher_charge(struct weir_publisher *p, int64_t now_ns);

/* Is there room since WEIR_FULL? Takes the lock. */
bool
wr_publisher_has_room(struct weir_publisher *p);

void
wr_control_link_drop(struct wr_pair_link *link);

/* Off the control thread's list, wherever else it is listed it has been taken off before. */
void
wr_control_link_forget(struct wr_control *c, struct weir_publisher *p, struct wr_pair_link *link);

/* Its subscriber is no reader of ours any more: the user is told, unless it goes on in another pair. */
void
wr_control_link_left(struct wr_control *c, const struct weir_publisher *p, const struct wr_pair_link *link);

/* The broker still waits for this pair. */
void
wr_control_link_refuse(struct wr_control *c, const struct wr_pair_link *link);

/* Heap bytes [0, end) are there afterwards. Publishing thread, outside the latch or in it. */
enum weir_result
wr_publisher_commit(struct weir_publisher *p, uint64_t end);

/* Publishes a copy, as weir_publish(), and counts it. */
enum weir_result
wr_publisher_copy(struct weir_publisher *p, const void *data, uint64_t size, const struct wr_about *about, bool more,
                  int64_t timeout_ns);

/* About as bus/ knows it; WEIR_E_USAGE: metadata too long. NULL in *out: nothing goes with the frame. */
enum weir_result
wr_publisher_about(const struct weir_about *about, struct wr_about *room, const struct wr_about **out);

/* publisher_grow.c. Latch held: a block of that size did not fit. What the call is to answer: WEIR_FULL while there is
 * going to be more memory. */
enum weir_result
wr_publisher_grow(struct weir_publisher *p, uint64_t size, enum weir_result result);

/* Latch held: there is no room, each reader's cursor was looked at. Asks for a longer ring, where it is a stall that
 * this one is too short for. */
void
wr_publisher_lengthen(struct weir_publisher *p, int64_t now_ns);

/* The sentence for WEIR_E_TOO_LARGE, which is returned. */
enum weir_result
wr_publisher_too_large(const struct weir_publisher *p, uint64_t size);

/* control_stats.c. Latch held: the memory behind the blocks that a reader announces. */
uint64_t
wr_control_stats_bytes(const struct weir_publisher *p, const struct wr_pair_writer *pair);

/* Latch held. No more formats fit into a lap, and nobody is there who could publish frames first: a fresh lane of the
 * same size is asked for. The call that did not fit may be tried again when there is room. */
void
wr_publisher_renew(struct weir_publisher *p);

/* Control thread, latch held: is the heap full because of one reader that keeps its blocks? Then the lane moves. */
void
wr_publisher_unpin(struct wr_control *c, struct weir_publisher *p, int64_t now_ns);

/* Control thread: more was asked for, and there will be none. */
void
wr_publisher_grow_refuse(struct weir_publisher *p, const char *sentence);

/* publisher_move.c. Latch and lock held, there is a next lane: goes on in it, if its readers are ready. True: it did,
 * and its sleepers are to be woken. */
bool
wr_publisher_move(struct weir_publisher *p);

/* Latch held: loan_is_free of a loan whose lane was left. */
void
wr_publisher_past_return(struct wr_loan *loan);

/* Nobody uses the publisher any more. */
void
wr_publisher_past_free(struct weir_publisher *p);

/* Control thread: a lane that is to follow one of ours. */
void
wr_publisher_successor(struct wr_control *c, const struct wr_message_lane_grant *m, wr_object *objects);

/* Control thread: tells what was moved, and gives back what nobody needs any more. */
void
wr_publisher_moved(struct wr_control *c, struct weir_publisher *p);

/* Control thread: false: the lane stays what it is until the control thread is back in its loop. */
bool
wr_publisher_is_moving(struct weir_publisher *p);

/* Lock held: takes those that are retired off a list of changes. */
void
wr_publisher_unlist(struct wr_pair_link **at);

/* Control thread: the next lane will not begin: its broker is gone, or the publisher closes. */
void
wr_publisher_abandon(struct wr_control *c, struct weir_publisher *p);

/* loan.c */
enum weir_result
wr_loans_open(struct weir_publisher *p);

/* Latch held: takes back what other threads discarded. */
void
wr_loans_collect(struct weir_publisher *p);

/* The publisher closes: from now on the last loan frees the memory. */
void
wr_loans_close(struct weir_publisher *p);

/* WEIR_E_USAGE, WEIR_E_CLOSED with a sentence. */
enum weir_result
wr_publisher_check(const struct weir_publisher *p);

void
wr_publisher_lock(struct weir_publisher *p);

void
wr_publisher_unlock(struct weir_publisher *p);

/* The publisher's format, put into the lane; latch held or nobody else there yet. */
enum weir_result
wr_publisher_put_format(struct weir_publisher *p, const struct weir_format *format);

/* WR_PAIR_FENCES, of its lanes. */
static inline bool
wr_publisher_fences(const struct weir_publisher *p)
{
        return p->relayed || p->bus->stands_in[0];
}

#endif
