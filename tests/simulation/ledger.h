/*
 * The ledger: what was said on every connection, kept apart from the broker's own books. From what the broker heard
 * follows what it owes to whom; from what it said, what it has paid. The two are compared whenever it has nothing to
 * do.
 *
 *      line          requests, each answered once; one message with descriptors at a time
 *      lane          LANE_GRANT -> READY -> OPENED -> its end, with a reason
 *      subscription  SUBSCRIBED -> its end
 *      pair          PAIR_ADDED -> PAIR_ACK -> LANE_ADDED -> PAIR_READY -> LANE_ENDED, PAIR_REMOVED
 *      due           a lane and a subscription that the broker has to bring together, or say why not
 */
#ifndef LEDGER_H
#define LEDGER_H

#include "tests/simulation/sim.h"

enum {
        LEDGER_JOINING_MAX = 64,
        LEDGER_HOLDS_MAX = 4096,
        LEDGER_LANES_MAX = 2048,
        LEDGER_SUBSCRIPTIONS_MAX = 2048,
        LEDGER_PAIRS_MAX = 8192,
        LEDGER_DUES_MAX = 16384
};

struct ledger_lane {
        uint64_t id, source, epoch;
        struct sim_line *line;
        struct sim_line *claimed_by; /* its publisher asked for it on another connection, and has no answer yet */
        struct sim_object *region;
        struct ledger_lane *follows, *successor; /* a lane that moves: both are there; a successor may be over again */
        bool began_to_move;                      /* the broker made a successor once, granted or not yet */
        bool is_moved;                           /* END was written: only its readers keep it */
        bool must_move;                          /* somebody who has it lost the right to it */
        bool is_foreign;                         /* an earlier broker made its segment */
        const char *topic, *type;                /* of sim_topic and a constant: they stay */
        uint32_t request;
        bool refuses_reliable, is_ready, is_opened, is_over;
        enum weir_result reason; /* it is over */
        int64_t ready_ns;
};

struct ledger_subscription {
        uint64_t id;
        struct sim_line *line;
        char name[64];
        const char *type;
        bool is_reliable, is_pattern;
        bool is_closing, is_over;
        enum weir_result reason;
        int64_t revoked_ns; /* 0: it was not */
        bool is_loose;      /* how often it is told of lanes that do not come is open: rights or lanes changed */
        bool is_rechecked;  /* a pattern that may have lost what it was promised */
        unsigned promised;  /* lanes that were there */
        unsigned told;      /* LANE_ENDED without a lane */
        unsigned given;     /* LANE_ADDED */
        unsigned not_given; /* dues that are not given */
};

enum ledger_pair_state { LEDGER_ADDED, LEDGER_ACKED, LEDGER_GIVEN, LEDGER_LIVE };

struct ledger_pair {
        uint64_t id;
        struct ledger_lane *lane;
        struct ledger_subscription *subscription;
        struct sim_object *page;
        struct ledger_due *due;
        enum ledger_pair_state state;
        struct wr_lane_start start;
        bool is_over, is_told; /* the subscriber: that the lane ended for it; it was told */
        enum weir_result over_reason, told_reason;
        bool is_removed, is_removal_told; /* the publisher: that the pair is over; it was told */
        enum weir_result removed_reason, removal_told_reason;
        bool is_done;       /* the broker has forgotten it */
        bool is_pinning;    /* a lane moved because of it */
        int64_t revoked_ns; /* a pattern lost the right to this topic */
};

struct ledger_due {
        struct ledger_lane *lane;
        struct ledger_subscription *subscription;
        int64_t since_ns;
        bool is_given, is_lost; /* lost: told once more, and never given */
};

/* What a client says that it has from an earlier broker. */
struct ledger_hold {
        struct sim_line *line;
        uint32_t request; /* of the SUBSCRIBE that came behind it; 0: it has yet to come */
        struct ledger_subscription *subscription;
        uint64_t source, lane, pair;
        bool is_entered, is_told; /* told: that it is over */
        unsigned due;             /* so often that has to be told: once for each time that it was said */
};

struct ledger {
        struct ledger_hold holds[LEDGER_HOLDS_MAX];
        unsigned hold_count;
        uint64_t lane_serial; /* of the last publication that was looked at */
        struct ledger_lane lanes[LEDGER_LANES_MAX];
        struct ledger_subscription subscriptions[LEDGER_SUBSCRIPTIONS_MAX];
        struct ledger_pair pairs[LEDGER_PAIRS_MAX];
        struct ledger_due dues[LEDGER_DUES_MAX];
        unsigned lane_count, subscription_count, pair_count, due_count;
        unsigned first_line, first_lane, first_subscription, first_pair, first_due; /* all before are over */
        const struct wr_policy *policy;                                             /* in force */
        uint64_t serial; /* of the last subscription that was entered */
        struct ledger_lane *joining[LEDGER_JOINING_MAX];
        unsigned joining_count;
        const struct ledger_lane *just_moved_to; /* by what was last heard */
        bool has_entered;                        /* by what was just said */
        uint64_t lane_being_readied;             /* the message last heard was its READY */
};

extern struct ledger ledger;

/* A new broker knows of nothing. */
void
ledger_clear(void);

/* The broker sent a message on the line, with these objects. */
void
ledger_said(struct sim_line *line, const struct wr_message *message, struct sim_object *const *objects, size_t count);

/* It read one; NULL: what it read is none. */
void
ledger_heard(struct sim_line *line, const struct wr_message *message);

/* It read the last words of a client that is gone. */
void
ledger_heard_last(struct sim_line *line, const void *bytes, size_t size);

/* What the last message came to in the broker, before anything that was said because of it is looked at. */
void
ledger_follow(void);

/* Whose connection is now another one of its client has come back by it. */
void
ledger_subscriptions_follow(void);

/* The line ended, and with it those of its subscriptions that had not gone over to another one. */
void
ledger_subscriptions_end(struct sim_line *line, enum weir_result reason);

/* Whoever came back with a lane that has ended is told. */
void
ledger_settle_holds(void);

void
ledger_heard_rejoin(struct sim_line *line, const struct wr_message_rejoin *rejoin);

/* The line ended, and with it its lanes: but for those that had gone over to another one, of which nothing was said any
 * more. */
void
ledger_lanes_end(struct sim_line *line);

/* Its publisher has it on another connection from now on. */
void
ledger_lane_comes_back(struct ledger_lane *lane, struct sim_line *line);

/* The policy was read again, and all grants were asked for anew. */
void
ledger_reloaded(void);

/* The broker has nothing to do: has it said all that it owes, and nothing else? */
void
ledger_settle(int64_t timeout_ns);

/* Everybody has behaved for long enough: is everybody who should be brought together? */
void
ledger_check_together(void);

/* ---- ledger_pairs.c */

void
ledger_said_pairs(struct sim_line *line, const struct wr_message *message, struct sim_object *const *objects);

void
ledger_heard_pairs(struct sim_line *line, const struct wr_message *message);

/* ---- ledger_rejoin.c */

/* HOLDS. */
void
ledger_heard_hold(struct sim_line *line, const struct wr_message_holds *holds);

/* SUBSCRIBE, behind all that it holds. */
void
ledger_heard_holder(struct sim_line *line, struct sim_request *request);

/* The subscription that these are of was entered, or refused (NULL). */
void
ledger_holds_follow(struct sim_line *line, uint32_t request, struct ledger_subscription *subscription);

/* By its own word. NULL: none. */
struct ledger_hold *
ledger_hold_of(const struct ledger_subscription *subscription, uint64_t lane);

/* Lanes and pairs of an earlier broker that were entered by what was last heard. */
void
ledger_rejoin_follow(void);

/* ---- ledger_fit.c */

/* The connection that this session was welcomed on; one that is away has closed it. */
struct sim_line *
ledger_line_of(const struct wr_session *session);

/* The session whose connection this is. */
const struct wr_session *
ledger_session_of(const struct sim_line *line);

struct ledger_lane *
ledger_lane(uint64_t id);

struct ledger_subscription *
ledger_subscription(uint64_t id);

struct ledger_pair *
ledger_pair(uint64_t id);

/* By the rules in force. */
bool
ledger_may_read(const struct ledger_subscription *subscription, const char *topic);

/* Its pair in the lane, as far as it knows of it. */
const struct ledger_pair *
ledger_pair_in(const struct ledger_lane *lane, const struct ledger_subscription *subscription);

/* Are they for each other, now that both are there? */
bool
ledger_fits(const struct ledger_lane *lane, const struct ledger_subscription *subscription);

/* Is it or its successor what a subscription of now is promised? */
bool
ledger_is_promised(const struct ledger_lane *lane, const struct ledger_subscription *subscription);

/* It has it, or will get it. */
bool
ledger_is_together(const struct ledger_lane *lane, const struct ledger_subscription *subscription);

void
ledger_due_add(struct ledger_lane *lane, struct ledger_subscription *subscription);

/* The newest. */
struct ledger_due *
ledger_due_of(const struct ledger_lane *lane, const struct ledger_subscription *subscription);

/* A lane went live, or the one before it moved, or the one behind it ended: once the broker has done what follows, it
 * is owed to all that it fits and that have nothing of it. */
void
ledger_join_later(struct ledger_lane *lane);

void
ledger_join_now(void);

/* ---- ledger_ends.c */

/* The lane is over for everybody. */
void
ledger_lane_end(struct ledger_lane *lane, enum weir_result reason);

/* END was written: who was not given the lane by now gets the successor. */
void
ledger_lane_move(struct ledger_lane *lane);

/* All its pairs are, their publishers will be told. */
void
ledger_subscription_end(struct ledger_subscription *subscription, enum weir_result reason);

/* The subscriber is to be told, unless something was before. */
void
ledger_pair_over(struct ledger_pair *pair, enum weir_result reason);

/* The broker forgets it, and tells the publisher. */
void
ledger_pair_remove(struct ledger_pair *pair, enum weir_result reason);

/* Nothing waits on the broker's side for this line: all that was said has gone out. */
bool
ledger_is_flushed(const struct sim_line *line);

void
ledger_settle_pairs(void);

#endif
