/*
 * The far end of a relayed endpoint: for who may not map others' memory, frames come and go over a stream. Between the
 * stream and the user stands a lane of this process alone, so that all else is as ever:
 *
 *      subscriber    agent ── stream ──▶ far end ── private lane ──▶ weir_take()
 *      publisher     weir_publish() ── private lane ──▶ far end ── stream ──▶ agent
 *
 *      who                  does
 *      the control thread   takes RELAY, starts the far end, asks again when its stream was lost, joins it
 *      the far end          a thread in the control thread's descriptor table: reads, writes, waits; what it has to say
 *                           to the control thread it says as a job, and waits for that
 *
 * The control thread never waits for the far end, but for the return of its thread when that has said it is done.
 */
#ifndef WR_RELAYED_H
#define WR_RELAYED_H

#include "bus/hash.h"
#include "bus/os/mutex.h"
#include "bus/os/thread.h"
#include "bus/transport/intake.h"
#include "clients/c/control.h"
#include "named-objects/stream_writer.h"

#define WR_RELAYED_ANSWER_NS INT64_C(10000000000) /* the broker's, and its agent's */

/* Why a stream is no more. */
struct wr_relayed_end {
        enum weir_result result; /* WEIR_E_CLOSED: it was lost, and is asked for again; other failures: for good */
        char text[WR_CONTROL_SENTENCE_MAX];
};

struct wr_relayed {
        struct weir *bus;
        struct weir_subscriber *subscriber; /* whose it is: one of the two */
        struct weir_publisher *publisher;
        wr_thread thread;
        wr_mutex lock;       /* stream, coming, is_saying */
        wr_object stream;    /* the thread's; others hang it up. WR_NO_OBJECT between two */
        wr_object coming;    /* the next one */
        bool is_saying;      /* the thread is writing a record: another one would end up inside it */
        wr_word32 turn;      /* changes with all that the thread is to look at; it sleeps on it */
        wr_word32 ending;    /* no more of it: the endpoint closes, or lost its right */
        wr_word32 has_ended; /* the thread has */
        wr_word written;     /* bytes, to see that it gets on */
        wr_word sent;        /* frames of a publisher, to whichever stream */
        /* The control thread's. */
        struct wr_relayed *next;
        struct wr_question *opening, *closing; /* who waits for OPENED, for the end of the thread */
        bool is_open, is_asked;
        bool rejoins;     /* a broker that came answered; that it has the endpoint is said on the stream, or not */
        int64_t drain_ns; /* a publisher closes: when it was last seen to get on with what is left; 0: it does not */
        uint64_t drained;
        int64_t again_ns, pause_ns; /* when the stream is asked for again; 0: it is there, or the broker is not */
        int64_t opened_ns;          /* when this stream was; 0: it was not */
        int64_t lost_ns;            /* when the last one was lost, and no other has come since; 0: there is one */
        int64_t came_ns;            /* when the last one came that was asked for */
        uint64_t id;                /* the broker's, of what the agent has open on this stream; 0: nothing */
        struct wr_job done;
        uint32_t path;
        char why[192];
        /* The thread's. */
        struct wr_stream_writer writer;
        struct wr_relayed_lane *lanes;    /* of a subscriber */
        uint64_t owing;                   /* bytes that came for them since their takers were woken */
        struct wr_relayed_reader *reader; /* of a publisher; made by the control thread while this one waits */
        wr_word32 is_deaf;                /* the stream was read to its end */
        struct wr_relayed_end end;
        bool resumes;       /* it is not the first stream */
        bool has_flowed;    /* a frame came on this one; the control thread looks while this one waits */
        int64_t missing_ns; /* lanes that did not come back by then do not */
        int64_t told_ns;
        struct wr_record_taken told; /* the last */
        uint64_t arrived;            /* frames, on this stream */
        uint32_t verify_turn;        /* of every Nth large one */
        uint32_t since_look; /* records that came in a row: it is looked now and then whether something is to be told */
        struct wr_intake in;
};

/* ---- the control thread ---- */

/* RELAY came in answer to q, which is answered when the endpoint is open; takes the stream out of objects. On a failure
 * the sentence is set. */
enum weir_result
wr_relayed_begin(struct wr_control *c, struct wr_question *q, const struct wr_message_relay *m, wr_object *objects,
                 struct weir_subscriber *s, struct weir_publisher *p);

/* SUBSCRIBE or PUBLISH of an endpoint whose stream was lost, as q->message. */
void
wr_relayed_describe(const struct wr_relayed *r, struct wr_message *m);

/* What came in answer to that. */
enum weir_result
wr_relayed_answer(struct wr_control *c, struct wr_relayed *r, struct wr_question *q, const struct wr_message *m,
                  wr_object *objects);

/* The subject of a question, if its thread still runs. */
struct wr_relayed *
wr_relayed_of(const struct wr_control *c, const void *subject);

/* It was answered, or not; a refusal is the end of it. */
void
wr_relayed_settle(struct wr_control *c, struct wr_relayed *r, const struct wr_question *q);

/* The endpoint is over, as if its right had been withdrawn. */
void
wr_relayed_revoke(struct wr_control *c, struct wr_relayed *r, const char *text);

/* Streams that were lost while the broker is there are asked for again. Returns when to look again. */
int64_t
wr_relayed_again(struct wr_control *c, int64_t now_ns);

/* The opener gave up. */
void
wr_relayed_abandon(struct wr_relayed *r);

/* The endpoint closes: q is answered when the thread has ended. May be NULL of r: answered at once. */
void
wr_relayed_close(struct wr_control *c, struct wr_relayed *r, struct wr_question *q);

/* relayed_drain.c, of a publisher. Is something left in its lane? What went into a stream does not come back. */
bool
wr_relayed_has_rest(const struct wr_relayed *r);

/* Time since then in which there was nobody to take the rest is not held against who does. */
void
wr_relayed_drain_forgive(struct wr_relayed *r, int64_t since_ns);

/* A publisher that closes gives up then, unless it gets on. */
int64_t
wr_relayed_drain_until(struct wr_relayed *r, int64_t now_ns);

/* Nobody has it any more. NULL is fine. */
void
wr_relayed_free(struct wr_relayed *r);

/* ---- the far end's thread ---- */

/* The next record, waiting for it. WEIR_EMPTY: deadline_ns passed. Below 0: the stream is over, r->end says why. */
enum weir_result
wr_relayed_next(struct wr_relayed *r, struct wr_record *record, int64_t deadline_ns);

/* All of a payload, or of what is left of it; to: NULL to pass it over. */
enum weir_result
wr_relayed_payload(struct wr_relayed *r, void *to, uint64_t size);

/* The same; each piece is added to the hash while it is in the cache. */
enum weir_result
wr_relayed_payload_hashed(struct wr_relayed *r, void *to, uint64_t size, struct wr_hash_pieces *hash);

/* All of the spans, which are used up. The last of it may be kept, until more is written or wr_relayed_flush. */
enum weir_result
wr_relayed_write(struct wr_relayed *r, struct wr_span *spans, size_t count);

/* Nothing is kept any more: before the thread sleeps. */
enum weir_result
wr_relayed_flush(struct wr_relayed *r);

enum weir_result
wr_relayed_say(struct wr_relayed *r, const struct wr_record *record);

/* The stream makes no sense, or CLOSED came: the reason is kept, WEIR_E_CLOSED or another one is returned. */
enum weir_result
wr_relayed_stop(struct wr_relayed *r, enum weir_result result, const char *text);

/* Did a broker say no? Else it was for want of one, or of what may be there again in a moment. */
static inline bool
wr_relayed_is_no(enum weir_result result)
{
        return result < 0 && result != WEIR_E_NO_BROKER && result != WEIR_E_CLOSED && result != WEIR_E_QUOTA &&
               result != WEIR_E_NO_MEMORY && result != WEIR_E_SYSTEM;
}

/* CLOSED. */
enum weir_result
wr_relayed_closed(struct wr_relayed *r, const struct wr_record_closed *closed);

/* Runs in the control thread, and waits for it. run: gets the question, whose subject is this. */
void
wr_relayed_do(struct wr_relayed *r, void (*run)(struct wr_control *c, struct wr_job *job), void *subject);

/* OPENED or REFUSED came, for whoever waits for it. Returns as the stream goes on. */
enum weir_result
wr_relayed_opened(struct wr_relayed *r, const struct wr_record *record);

/* Does the control thread want it to end? */
static inline bool
wr_relayed_is_ending(const struct wr_relayed *r)
{
        return wr_load32_acquire(&r->ending) != 0;
}

/* relayed_subscriber.c, relayed_publisher.c: one stream from BEGIN to its end; and the end of all of them. */
void
wr_relayed_take(struct wr_relayed *r);

void
wr_relayed_take_end(struct wr_relayed *r);

void
wr_relayed_give(struct wr_relayed *r);

/* Of a publisher: who waits for room in its lane is told that there is some; before the thread waits for its stream. */
void
wr_relayed_room_tell(struct wr_relayed *r);

void
wr_relayed_give_end(struct wr_relayed *r);

/* relayed_publisher.c, control thread: OPENED came for the first time. Below 0: with a sentence. */
enum weir_result
wr_relayed_publish(struct wr_control *c, struct wr_relayed *r, const struct wr_record_opened *opened, char *sentence,
                   size_t room);

#endif
