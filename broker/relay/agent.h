/*
 * An agent: a thread of the broker's process that publishes or subscribes for a client which may not map memory. It is
 * an ordinary client of the broker's own address, and the other side of it is a stream of records.
 *
 *      subscriber    lane ── weir_take ──▶ agent ── named-objects/stream_writer.h ──▶ stream
 *      publisher     stream ── straight into the lent block ──▶ agent ── publish ──▶ lane
 *
 * What comes from the stream comes from whoever the policy lets in, and no further: each record is checked against its
 * limits before memory is touched for it (bus/transport/record.h), and what is behind them goes where a client's bytes
 * go. The agent waits for nobody but its own two sides.
 */
#ifndef WR_AGENT_H
#define WR_AGENT_H

#include "bus/atomic.h"
#include "bus/message.h"
#include "bus/os/mutex.h"
#include "bus/os/thread.h"
#include "bus/transport/intake.h"
#include "named-objects/stream_writer.h"

#include <weir/weir.h>

enum { WR_AGENT_OUT_BYTES = 64 << 10 };

struct wr_agent {
        struct wr_agent *next;
        wr_mutex *lock; /* stream: others hang it up */
        wr_thread thread;
        uint64_t id;
        int64_t turn_ns; /* not before this */
        wr_word32 stopping, has_ended;
        wr_object stream; /* the thread's; WR_NO_OBJECT when it is closed */
        char key[40], address[256];
        struct wr_message request;
        /* The thread's own. */
        struct weir *bus;
        wr_object wakeup;
        const wr_word32 *revoked; /* of its endpoint; NULL while that is not open */
        uint32_t resumes;
        struct wr_record_resume *resume; /* of a subscriber that comes back */
        struct wr_intake in;
        size_t out_begin, out_end;
        uint8_t out[WR_AGENT_OUT_BYTES]; /* records that wait to be written */
};

/* The thread. */
void *
wr_agent_main(void *agent);

/* Until it ends, in whichever way. WEIR_E_...: with weir_error() or a sentence, to be told as CLOSED. WEIR_E_CLOSED:
 * the stream or the broker is gone, and there is nobody to tell. */
enum weir_result
wr_agent_subscribe(struct wr_agent *agent, char *sentence, size_t room);

enum weir_result
wr_agent_publish(struct wr_agent *agent, char *sentence, size_t room);

/* Behind what waits already; where that is too much, it is written first. Fails as wr_agent_room does. */
enum weir_result
wr_agent_say(struct wr_agent *agent, const struct wr_record *record);

/* What waits is written. WEIR_FULL: not all of it. */
enum weir_result
wr_agent_flush(struct wr_agent *agent);

/* Waits for room in the stream, for a while: WEIR_OK also where there is none yet. WEIR_E_DENIED: the right has gone
 * meanwhile; WEIR_E_CLOSED: the broker, or it is to end. */
enum weir_result
wr_agent_room(struct wr_agent *agent);

/* More of what the client said, into the buffer. WEIR_EMPTY: nothing now. */
enum weir_result
wr_agent_read(struct wr_agent *agent);

/* Of the spans `done` bytes were written or read. */
void
wr_agent_advance(struct wr_span **spans, size_t *count, size_t done);

/* agent_figures.c. The stream begins. */
void
wr_agent_figures_begin(struct weir_subscriber *s);

/* Its client said how it gets on. */
void
wr_agent_figures_heard(struct weir_subscriber *s, const struct wr_record_taken *taken);

/* Frames, at least one, are our client's to take from now on. */
void
wr_agent_figures_sent(struct weir_subscriber *s, const struct weir_frame *first, size_t count);

/* agent_lanes.c. Is there something to take? */
bool
wr_agent_lanes_ready(const struct weir_subscriber *s);

/* A stream of frames is at our heels: the next one is awaited awake, for a moment. */
void
wr_agent_lanes_await(const struct weir_subscriber *s);

/* A publisher who waits for us has room. It is told when nothing is left to take, or before a sleep: not for each
 * frame, nor while there is enough for another turn. */
void
wr_agent_lanes_room(const struct weir_subscriber *s);

/* Is it to end? */
static inline bool
wr_agent_is_stopping(const struct wr_agent *agent)
{
        return wr_load32_acquire(&agent->stopping) != 0;
}

#endif
