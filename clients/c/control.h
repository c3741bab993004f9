/*
 * The control thread of a bus: it holds the connection to the broker, maps what arrives, attaches and detaches
 * subscribers, sees peers die. It has a descriptor table of its own, and it is never on the path of a frame.
 *
 *      any thread                               control thread
 *      post a job, raise `wake`   ----------->  run it
 *      ask a question, wait       ----------->  send the message, keep the question
 *                                 <-----------  the broker's answer, or its loss, or the deadline
 */
#ifndef WR_CONTROL_H
#define WR_CONTROL_H

#include "bus/atomic.h"
#include "bus/message.h"
#include "bus/os/cond.h"
#include "bus/os/mutex.h"
#include "bus/os/thread.h"
#include "named-objects/region.h"

enum {
        WR_CONTROL_SENTENCE_MAX = 768,
        WR_CONTROL_PEERS_MAX = 1024, /* life-lines watched; of more peers the broker tells */
};

struct weir;
struct weir_options;
struct weir_publisher;
struct weir_subscriber;
struct wr_control;
struct wr_datagrams;
struct wr_lane_link;
struct wr_relayed;
struct wr_relayed_numbers;

/* Something for the control thread to do. Lies in the object that it is about; run() owns it from then on. */
struct wr_job {
        struct wr_job *next;
        void (*run)(struct wr_control *c, struct wr_job *job);
};

/* A question to the broker; lies on the stack of the thread that waits for its answer. */
struct wr_question {
        struct wr_job job;
        struct wr_question *next;
        struct wr_message message; /* what is sent */
        /* What came with its number; true: this was the last of it, result is set. NULL: the first answer is all. */
        bool (*answer)(struct wr_control *c, struct wr_question *q, const struct wr_message *m, wr_object *objects);
        /* The deadline passed, or the broker is lost: result and sentence are set already. May be NULL. */
        void (*abandon)(struct wr_control *c, struct wr_question *q);
        /* Of a question that the control thread asks for itself, malloc'd: the result is there; then it is freed. */
        void (*settle)(struct wr_control *c, struct wr_question *q);
        void *subject;
        int64_t deadline_ns;
        bool done; /* guarded by the lock */
        enum weir_result result;
        char sentence[WR_CONTROL_SENTENCE_MAX];
};

/* Of LANE_GRANT and LANE_ADDED. */
#define WR_GEOMETRY_OF(m)                                                                                             \
        {                                                                                                             \
                .lane = (m)->lane, .epoch = (m)->epoch, .follows = (m)->follows, .segment_bytes = (m)->segment_bytes, \
                .ring_offset = (m)->ring_offset, .ring_bytes = (m)->ring_bytes, .heap_offset = (m)->heap_offset,      \
                .heap_bytes = (m)->heap_bytes, .start = (m)->start, .inline_max = (m)->inline_max, .hash = (m)->hash, \
        }

enum wr_phase {
        WR_PHASE_AWAY,     /* no broker; the next try is at again_ns */
        WR_PHASE_GREETING, /* HELLO was sent; the answer is due at again_ns */
        WR_PHASE_SERVED
};

/* A session whose life-line we watch, for as long as one of our pairs leads to it. */
struct wr_peer {
        struct wr_peer *next;
        uint64_t session;
        wr_object line; /* closed when it hung up */
        uint32_t references;
        bool dead;
};

struct wr_letter { /* a message that the connection had no room for */
        struct wr_letter *next;
        size_t size;
        uint8_t bytes[];
};

struct wr_control {
        struct weir *bus;
        wr_object wake; /* raised with every job */
        wr_thread thread;
        wr_mutex lock; /* jobs, done */
        wr_cond answered;
        struct wr_job *jobs, **jobs_end;
        wr_word32 lost; /* no broker serves us now */
        /* The control thread's own from here on. */
        const struct weir_options *options; /* while it connects for the first time */
        char address[108], identity[256], name[64];
        int (*embed)(const char *address); /* or NULL */
        uint64_t session;
        enum wr_phase phase;
        int64_t again_ns, pause_ns; /* see control_again.c; again_ns INT64_MAX: never */
        int64_t unproven_ns;        /* TCP: since when whoever answers proves no key of the ticket; 0: it is not so */
        int64_t heard_ns;           /* when the broker said something for the last time: it does so each second */
        uint32_t rejoining;         /* endpoints that the broker has yet to take back */
        wr_object connection;
        struct wr_datagrams *datagrams; /* over TCP; else NULL */
        /* Our ends of the life-lines that brokers gave us. Those of earlier brokers stay open while anybody watches
         * them: a peer of that time would take their end for ours. Their number is bounded by that of descriptors. */
        wr_object *lines;
        uint32_t line_count, era; /* era: how many brokers there were */
        struct wr_letter *letters, **letters_end;
        uint32_t letter_count, question_count;
        struct wr_question *questions;
        struct wr_peer *peers;
        struct weir_publisher *publishers;
        struct weir_subscriber *subscribers;
        struct wr_relayed *relayed;    /* far ends whose threads run: relayed.h */
        int64_t relayed_ns;            /* when they are looked at again */
        struct wr_lane_link *stranded; /* lanes that ended before their successor came */
        int64_t stranded_ns;           /* when they are looked at again */
        uint32_t told_turn;            /* of wr_control_pairs_tell */
        uint32_t lanes;                /* mapped, not yet finished: as long as there are any the thread goes on */
        bool retry;                    /* a publisher was busy: visit it again in a moment */
        bool contends;                 /* a thread of ours asks for the broker's place; it is joined before we end */
        bool ending;                   /* weir_close() was called; guarded by the lock for who posts */
        int64_t tick_ns;               /* when publishers that want room are looked at again */
};

/* Starts the thread and waits until it has a broker. The sentence is set on a failure, and no thread is left. */
enum weir_result
wr_control_open(struct weir *bus, const struct weir_options *options);

/* Every endpoint has been closed. Joins the thread, or lets it go on: while frames are out until the last one is back,
 * so that their memory stays; and while it contends until that is decided, so that nobody waits here for a broker. */
void
wr_control_close(struct wr_control *c);

/* Any thread. */
void
wr_control_post(struct wr_control *c, struct wr_job *job);

/* Any thread: one more turn, to settle what was applied. */
void
wr_control_wake(struct wr_control *c);

/* Any thread but the control thread: sends q->message, waits for the answer, sets the sentence on a failure. */
enum weir_result
wr_control_ask(struct wr_control *c, struct wr_question *q, int64_t timeout_ns);

/* A job to wait for: run() sets q->result and calls wr_control_answered. */
enum weir_result
wr_control_do(struct wr_control *c, struct wr_question *q, void (*run)(struct wr_control *, struct wr_job *));

void
wr_control_answered(struct wr_control *c, struct wr_question *q);

/* ---- the control thread only ---- */

/* The question has its answer: off the list, and its owner is told. Nothing happens where it is not listed. */
void
wr_control_finish(struct wr_control *c, struct wr_question *q);

/* Sent now or when there is room. Nothing without a broker. */
void
wr_control_send(struct wr_control *c, const struct wr_message *message);

/* A question of the control thread's own, malloc'd, with settle. */
void
wr_control_ask_own(struct wr_control *c, struct wr_question *q, int64_t timeout_ns);

/* control_letters.c: what waited is sent, as far as there is room; or it was for a broker that is lost. */
void
wr_control_letters_send(struct wr_control *c);

void
wr_control_letters_drop(struct wr_control *c);

/* The thread: argument is the control; questions holds the opener's. */
void *
wr_control_main(void *argument);

/* Own table, then finds the broker and says hello: clients/c/control_open.c. */
enum weir_result
wr_control_connect(struct wr_control *c, char *sentence, size_t room);

/* The connection failed: questions are answered, pairs flow on. */
void
wr_control_lost(struct wr_control *c, const char *why);

/* control_open.c: connects and says hello, without waiting for the answer. */
enum weir_result
wr_control_hello(struct wr_control *c, const char *address, char *sentence, size_t room);

/* What came in answer to HELLO; takes the life-line out of objects. WEIR_OK: served from now on. */
enum weir_result
wr_control_welcome(struct wr_control *c, const struct wr_message *m, wr_object *objects, char *sentence, size_t room);

/* Any thread. The environment's WEIR_PATH=pipe, tcp: this process is to map no memory of others. */
bool
wr_control_maps_nothing(void);

/* Whoever has the broker's place at its port does not know the ticket of the bus, for good. */
extern const char wr_control_no_ticket[];

/* control_again.c: looks for a broker again, when it is time. */
void
wr_control_again(struct wr_control *c);

/* The next try comes a little later than the one before. */
void
wr_control_postpone(struct wr_control *c);

/* An answer to HELLO, on the way back. */
void
wr_control_greeted(struct wr_control *c, const struct wr_message *m, wr_object *objects);

/* One of what it was told is decided. With the last one the user is told that it is back. */
void
wr_control_rejoined(struct wr_control *c);

/* The taking thread drains the lane, then lets it leave. */
void
wr_control_lane_over(struct wr_control *c, struct wr_lane_link *lane, int32_t reason, const char *text);

/* The peer with this life-line; takes `line` (closes it where it has one already). NULL: no memory. */
struct wr_peer *
wr_control_peer(struct wr_control *c, uint64_t session, wr_object line);

void
wr_control_peer_drop(struct wr_control *c, struct wr_peer *peer);

/* Has this process room for `count` more descriptors in the control thread's table? Else a sentence with the number
 * that is needed. */
bool
wr_control_has_objects(const struct wr_control *c, uint32_t count, char *sentence, size_t room);

/* How many objects come with a message: behind a pair page those of its words, where the system has any. */
size_t
wr_control_objects_due(enum wr_message_kind kind);

/* control_pairs.c: messages for publishers; what a busy publisher left to do; the death of a peer. */
void
wr_control_pair_added(struct wr_control *c, const struct wr_message_pair_added *m, wr_object *objects);

void
wr_control_pair_removed(struct wr_control *c, const struct wr_message_pair_removed *m);

void
wr_control_pairs_close(struct wr_control *c, struct weir_publisher *p);

void
wr_control_publisher_settle(struct wr_control *c, struct weir_publisher *p);

void
wr_control_pairs_dead(struct wr_control *c, struct wr_peer *peer);

/* Charges who keeps a publisher waiting that does not wait inside a call, and wakes whom publishing left to us. False:
 * there is no such publisher. */
bool
wr_control_pairs_tick(struct wr_control *c, int64_t now_ns);

/* The right to this lane was withdrawn. False: it is none of ours. */
bool
wr_control_pairs_revoked(struct wr_control *c, const struct wr_message_revoked *m);

/* How the readers of our publishers stand, a handful of them each second. */
void
wr_control_pairs_tell(struct wr_control *c);

/* control_lanes.c: messages for subscribers; the death of a peer. */
void
wr_control_lane_added(struct wr_control *c, const struct wr_message_lane_added *m, wr_object *objects);

/* The same from the far end of a relayed subscriber, with its numbers: nobody else is to hear of it. Below 0: it has
 * not come; the user was told. */
enum weir_result
wr_control_lane_relayed(struct wr_control *c, struct weir_subscriber *s, const struct wr_message_lane_added *m,
                        wr_object *objects, struct wr_relayed_numbers *numbers);

/* A publisher's lane does not come to this subscriber. */
void
wr_control_lane_declined(struct wr_control *c, struct weir_subscriber *s, int32_t reason, const char *text);

void
wr_control_lane_ended(struct wr_control *c, const struct wr_message_lane_ended *m);

/* The right to this subscription was withdrawn; its lanes are ended by messages of their own. */
void
wr_control_lanes_revoked(struct wr_control *c, const struct wr_message_revoked *m);

void
wr_control_lanes_dead(struct wr_control *c, struct wr_peer *peer);

/* info.c: figures of what changed since the last time. */
void
wr_info_send(struct wr_control *c);

#endif
