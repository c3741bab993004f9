/*
 * A publisher's agent. Small frames come many to a read and are published out of the buffer; of a large one the block
 * is lent first, and the stream is read straight into it:
 *
 *      record         what is next is said by a record; nothing is lent before its sizes were found good
 *      payload        small and formats: into memory of ours; large: into the block
 *      publish        at the publisher's own time; a block with the publisher's own hash, which its readers check
 *
 * Where there is no room, the stream is not read: it fills up, and the publisher at its other end waits as it would for
 * the lane itself. Readers wait for nothing: they are woken with the last frame that is here.
 */
#include "broker/relay/agent.h"

#include "bus/format.h"
#include "bus/os/barrier.h"
#include "bus/os/clock.h"
#include "clients/c/publisher.h"
#include "named-objects/sentence.h"
#include "named-objects/watch.h"

#include <stdlib.h>
#include <string.h>

enum {
        OWED_BYTES = 256 << 10, /* then its readers are woken, though more is here */
        WAKE_READS = 8,         /* likewise: small frames, or none of whose bytes are counted there */
        LOOK_READS = 64,        /* then what happened is told, though there is no rest */
};

#define SPIN_NS 20000 /* before a sleep, which here is two threads': the one behind the native handle, too */
#define LOOK_NS INT64_C(250000000)

enum state { STATE_RECORD, STATE_EXTENSION, STATE_LEND, STATE_PAYLOAD, STATE_PUBLISH };

struct relaying {
        struct wr_agent *agent;
        struct weir_publisher *p;
        enum state state;
        struct wr_record record;
        struct weir_loan *loan; /* of a large frame */
        bool is_spoilt;         /* it is published so that no reader takes it: what came is not what was sent */
        uint64_t size;          /* of the payload that is on its way, without extension */
        uint64_t here;          /* of what the state waits for */
        uint8_t *to;            /* where it goes */
        uint64_t owed;          /* bytes that were published since its readers were woken */
        uint32_t reads;         /* with no rest between them */
        int64_t time_ns;        /* of the last frame */
        bool has_room;          /* told since the last try */
        bool is_last; /* the client has hung up: what it said before is published, as far as there is room in time */
        uint64_t extension[WR_EXTENSION_MAX / 8 + 1];
        void *format;   /* of FORMAT, while it comes */
        uint8_t *small; /* inline_max bytes */
};

/* ---- words to the client --------------------------------------------------------------------------------------- */

static enum weir_result
readers_tell(struct relaying *r, const struct weir_event *event)
{
        struct wr_record record = { .kind = WR_RECORD_READERS };

        record.readers.source = event->source;
        record.readers.what = event->kind;
        record.readers.reason = event->reason;
        record.readers.count = wr_load32(&r->p->link_count);
        wr_sentence(record.readers.text, sizeof record.readers.text, "%s", event->text ? event->text : "");
        return wr_agent_say(r->agent, &record);
}

static enum weir_result
events_tell(struct relaying *r, char *sentence, size_t room)
{
        const struct weir_event *event;
        enum weir_result result = WEIR_OK;

        while (result == WEIR_OK && weir_next(r->agent->bus, WEIR_NOW, &event) == WEIR_OK) {
                if (event->kind == WEIR_ROOM)
                        r->has_room = true;
                else if (event->kind == WEIR_BROKER_LOST)
                        result = WEIR_E_CLOSED;
                else if (event->kind == WEIR_REVOKED)
                        result = WEIR_E_DENIED;
                else if (event->kind == WEIR_JOINED || event->kind == WEIR_LEFT || event->kind == WEIR_EVICTED)
                        result = readers_tell(r, event);
        }
        if (result == WEIR_E_DENIED)
                wr_sentence(sentence, room, "%s", event->text ? event->text : "");
        return result;
}

/* ---- publishing ------------------------------------------------------------------------------------------------ */

/* Wakes whom WEIR_MORE left asleep. */
static void
wake(struct relaying *r)
{
        struct weir_publisher *p = r->p;

        wr_publisher_enter(p);
        if (p->wake_owed)
                wr_publisher_wake(p);
        p->wake_owed = false;
        wr_publisher_leave(p);
}

/* When it was published, there; but never later than now, nor before the frame in front of it. */
static void
time_set(struct relaying *r)
{
        int64_t now_ns = wr_clock_ns(), time_ns = r->record.frame.time;

        if (time_ns > now_ns)
                time_ns = now_ns;
        if (time_ns > r->time_ns)
                r->time_ns = time_ns;
        wr_clock_stand(&r->p->clock, r->time_ns);
}

/* False: the bytes are not those that the publisher hashed, or the extension is none. */
static bool
about_read(struct relaying *r, struct wr_about *about)
{
        if (!wr_lane_about(r->extension, r->record.frame.extension, about))
                return false;
        about->flags &= ~(uint32_t)WR_LIBRARY_FLAGS; /* they would be said to ours: WEIR_KEEP keeps the loan */
        return true;
}

static enum weir_result
loan_publish(struct relaying *r, const uint64_t *hash)
{
        enum weir_result result;

        time_set(r);
        r->p->known_hash = hash;
        result = weir_loan_publish(r->loan);
        r->p->known_hash = NULL;
        if (result == WEIR_OK)
                r->loan = NULL;
        return result;
}

/* A block whose hash is not that of its bytes: each reader finds a frame that does not check. */
static enum weir_result
publish_spoilt(struct relaying *r)
{
        enum weir_result result = WEIR_OK;
        uint64_t hash;

        if (!r->loan)
                result = weir_lend(r->p, (uint64_t)r->p->inline_max + 1, WEIR_NOW, &r->loan);
        if (result == WEIR_OK) {
                memset(r->loan->data, 0, r->loan->size);
                hash = ~wr_hash_two("", 0, r->loan->data, r->loan->size);
                result = loan_publish(r, &hash);
        }
        r->is_spoilt = result == WEIR_FULL;
        return result;
}

/* It is not what its publisher made, and reaches nobody. Its figures tell of it, and so does its number, which readers
 * miss, as they do that of a frame that was damaged in the lane. */
static enum weir_result
frame_lose(struct relaying *r)
{
        wr_store(&r->p->corrupt, wr_load(&r->p->corrupt) + 1);
        weir_loan_discard(r->loan);
        r->loan = NULL;
        return r->p->hash_full ? publish_spoilt(r) : WEIR_OK; /* else no frame there can be seen to be wrong */
}

static enum weir_result
publish_small(struct relaying *r, bool more)
{
        const struct wr_record_frame *frame = &r->record.frame;
        struct wr_about about;

        if (!about_read(r, &about) || ((frame->flags & WR_RECORD_HASHED) != 0 &&
                                       wr_hash_two(r->extension, frame->extension, r->small, r->size) != frame->hash))
                return frame_lose(r);
        time_set(r);
        return wr_publisher_copy(r->p, r->small, r->size, frame->extension ? &about : NULL, more, WEIR_NOW);
}

static enum weir_result
publish_large(struct relaying *r, bool more)
{
        const struct wr_record_frame *frame = &r->record.frame;
        struct wr_about about;

        if (!about_read(r, &about))
                return frame_lose(r);
        r->loan->about = (struct weir_about){ about.stamp_ns, about.tag, about.meta, about.meta_size,
                                              about.flags | (more ? WEIR_MORE : 0) };
        return loan_publish(r, (frame->flags & WR_RECORD_HASHED) != 0 ? &frame->hash : NULL);
}

static enum weir_result
format_set(struct relaying *r)
{
        struct wr_format_parts parts;
        struct weir_format format;
        enum weir_result result = wr_format_decode(r->format, r->record.bytes, &parts);

        if (result < 0)
                return result;
        format = (struct weir_format){ parts.type, parts.encoding, parts.schema, parts.schema_size };
        return weir_set_format(r->p, &format);
}

/* ---- records --------------------------------------------------------------------------------------------------- */

static void
await(struct relaying *r, enum state state, void *to)
{
        r->state = state;
        r->to = to;
        r->here = 0;
}

/* Where a payload goes is known: it may come. */
static void
payload_begin(struct relaying *r)
{
        if (r->size <= r->p->inline_max)
                await(r, STATE_PAYLOAD, r->small);
        else
                r->state = STATE_LEND;
}

static enum weir_result
record_begin(struct relaying *r)
{
        switch (r->record.kind) {
        case WR_RECORD_CLOSED: return WEIR_ENDED;
        case WR_RECORD_FORMAT:
                r->format = malloc(r->record.bytes + 1);
                r->size = r->record.bytes;
                await(r, STATE_PAYLOAD, r->format);
                return r->format ? WEIR_OK : WEIR_E_NO_MEMORY;
        case WR_RECORD_FRAME:
                r->size = r->record.bytes - r->record.frame.extension;
                if (r->record.frame.extension == 0)
                        payload_begin(r);
                else
                        await(r, STATE_EXTENSION, r->extension);
                return WEIR_OK;
        default: return WEIR_E_CORRUPT;
        }
}

/* How much of it is still to come. */
static uint64_t
missing(const struct relaying *r)
{
        if (r->state == STATE_EXTENSION)
                return r->record.frame.extension - r->here;
        return r->state == STATE_PAYLOAD ? r->size - r->here : 0;
}

static enum weir_result
arrived(struct relaying *r)
{
        if (r->state == STATE_EXTENSION)
                payload_begin(r);
        else
                r->state = STATE_PUBLISH;
        return WEIR_OK;
}

static enum weir_result
lend(struct relaying *r)
{
        enum weir_result result = weir_lend(r->p, r->size, WEIR_NOW, &r->loan);

        if (result == WEIR_OK)
                await(r, STATE_PAYLOAD, r->loan->data);
        return result;
}

static enum weir_result
publish(struct relaying *r)
{
        bool more = r->agent->in.begin < r->agent->in.end && r->owed + r->size < OWED_BYTES;
        enum weir_result result = r->is_spoilt ? publish_spoilt(r)
                                  : r->format  ? format_set(r)
                                  : r->loan    ? publish_large(r, more)
                                               : publish_small(r, more);

        if (result != WEIR_OK)
                return result;
        r->owed = more ? r->owed + r->size : 0;
        free(r->format);
        r->format = NULL;
        r->state = STATE_RECORD;
        return WEIR_OK;
}

/* One step with what is here. WEIR_EMPTY: more has to come. WEIR_FULL: the lane has no room. WEIR_ENDED: CLOSED came.
 */
static enum weir_result
step(struct relaying *r)
{
        enum weir_result result;

        switch (r->state) {
        case STATE_RECORD:
                result = wr_intake_next(&r->agent->in, &r->record, NULL);
                return result == WEIR_OK ? record_begin(r) : result;
        case STATE_EXTENSION:
        case STATE_PAYLOAD:
                r->here += wr_intake_payload(&r->agent->in, r->to + r->here, missing(r));
                return missing(r) == 0 ? arrived(r) : WEIR_EMPTY;
        case STATE_LEND: return lend(r);
        case STATE_PUBLISH: return publish(r);
        }
        return WEIR_E_CORRUPT;
}

/* ---- the stream ------------------------------------------------------------------------------------------------ */

/* The rest of a payload to where it belongs, and what is behind it into the buffer, in one call. */
static enum weir_result
more_read(struct relaying *r)
{
        struct wr_intake *in = &r->agent->in;
        struct wr_span spans[2] = { { r->to + r->here, missing(r) } };
        enum weir_result result;
        size_t done;

        spans[1].size = wr_intake_room(in, &spans[1].at);
        if (spans[0].size + spans[1].size == 0)
                return WEIR_E_CORRUPT;
        result = wr_stream_read(r->agent->stream, spans, 2, &done);
        if (result != WEIR_OK)
                return result;
        if (done > spans[0].size)
                wr_intake_filled(in, done - spans[0].size);
        r->here += done < spans[0].size ? done : spans[0].size;
        return WEIR_OK;
}

/* Readers that are merely slower than the stream are awaited awake. */
static bool
room_comes(struct weir_publisher *p)
{
        int64_t until_ns = wr_clock_ns() + SPIN_NS;

        do {
                if (wr_publisher_has_room(p))
                        return true;
                wr_yield();
        } while (wr_clock_ns() < until_ns);
        return false;
}

/* Nothing can be done now. what: WR_STREAM_READ, or 0 where the lane has no room. */
static enum weir_result
rest(struct relaying *r, unsigned what, char *sentence, size_t room)
{
        int64_t until_ns = what != 0 ? INT64_MAX : wr_clock_ns() + LOOK_NS;
        enum weir_result result = events_tell(r, sentence, room), flushed;
        struct wr_watch wakeup = { .object = r->agent->wakeup, .read = true };
        unsigned ready;

        if (result != WEIR_OK)
                return result;
        if (r->p->wake_owed)
                wake(r);
        flushed = r->is_last ? WEIR_OK : wr_agent_flush(r->agent);
        if (flushed < 0 && flushed != WEIR_E_CLOSED) /* a hang-up is seen behind the last word that was said */
                return flushed;
        if (what == 0 && (r->has_room || room_comes(r->p)))
                return WEIR_OK;
        if (r->is_last) {
                wr_watch_wait(&wakeup, 1, LOOK_NS);
                return WEIR_OK;
        }
        result = wr_stream_wait(r->agent->stream, what | (flushed == WEIR_FULL ? WR_STREAM_WRITE : 0), r->agent->wakeup,
                                until_ns, &ready);
        r->is_last = result == WEIR_OK && what == 0 && (ready & WR_STREAM_READ) != 0; /* it is not asked for */
        return result < 0 ? result : WEIR_OK;
}

/* All that was here is published, but for a part of what comes next: where the stream never rests, nor do we. */
static enum weir_result
go_on(struct relaying *r, char *sentence, size_t room)
{
        enum weir_result result = WEIR_OK;

        r->reads++;
        if (r->reads % WAKE_READS == 0 && r->p->wake_owed) {
                wake(r);
                r->owed = 0;
        }
        if (r->reads % LOOK_READS == 0)
                result = events_tell(r, sentence, room);
        if (r->reads % LOOK_READS == 0)
                wr_agent_flush(r->agent); /* a hang-up is seen behind the last word that was said */
        return result == WEIR_OK ? more_read(r) : result;
}

static void
tell_why(const struct relaying *r, enum weir_result result, char *sentence, size_t room)
{
        if (result >= 0 || result == WEIR_E_CLOSED || sentence[0])
                return;
        if (result == WEIR_E_CORRUPT)
                wr_sentence(sentence, room, "what came on the stream of '%s' is no record of a publisher", r->p->topic);
        else
                wr_sentence(sentence, room, "%s", weir_error());
}

static enum weir_result
relay(struct relaying *r, char *sentence, size_t room)
{
        enum weir_result result = WEIR_OK;

        while (result == WEIR_OK && !wr_agent_is_stopping(r->agent)) {
                r->has_room = false;
                result = step(r);
                if (result == WEIR_FULL) {
                        result = rest(r, 0, sentence, room);
                } else if (result == WEIR_EMPTY) {
                        result = go_on(r, sentence, room);
                        if (result == WEIR_EMPTY) {
                                r->reads = 0;
                                result = rest(r, WR_STREAM_READ, sentence, room);
                        }
                }
        }
        if (wr_agent_is_stopping(r->agent))
                return WEIR_E_CLOSED;
        tell_why(r, result, sentence, room);
        return result == WEIR_ENDED ? WEIR_OK : result;
}

/* ---- the whole ------------------------------------------------------------------------------------------------- */

static enum weir_result
opened_say(struct relaying *r)
{
        struct wr_record record = { .kind = WR_RECORD_OPENED };

        record.opened.id = r->p->lane;
        record.opened.source = r->p->source;
        record.opened.payload_max = wr_load(&r->p->heap_bytes);
        record.opened.count = wr_load32(&r->p->link_count);
        return wr_agent_say(r->agent, &record);
}

static enum weir_result
publisher_open(struct wr_agent *agent, struct weir_publisher **p, char *sentence, size_t room)
{
        const struct wr_message_publish *m = &agent->request.publish;
        const struct weir_format format = { .type = m->type };
        struct weir_publisher_options options = {
                .size = sizeof options,
                .history = m->history,
                .format = m->type[0] ? &format : NULL,
                .memory_max = m->memory_max,
                .loans_max = m->loans_max > 0 ? m->loans_max : 1,
                .hash = m->hash,
                .refuse_reliable = m->refuse_reliable,
                .stall_ns = m->stall_ns,
        };
        struct wr_record record = { .kind = WR_RECORD_REFUSED };
        enum weir_result result = weir_publisher_open(p, agent->bus, m->topic, &options);

        if (result == WEIR_OK)
                return WEIR_OK;
        record.refused.result = result;
        wr_sentence(record.refused.sentence, sizeof record.refused.sentence, "%s", weir_error());
        wr_sentence(sentence, room, "%s", record.refused.sentence);
        if (wr_agent_say(agent, &record) == WEIR_OK)
                wr_agent_flush(agent);
        return WEIR_E_CLOSED; /* it was told */
}

enum weir_result
wr_agent_publish(struct wr_agent *agent, char *sentence, size_t room)
{
        struct relaying r = { .agent = agent };
        enum weir_result result = publisher_open(agent, &r.p, sentence, room);

        if (result < 0)
                return result;
        agent->revoked = &r.p->revoked;
        r.p->renews = true; /* the frames that would make room for a format are behind it on the stream */
        r.small = malloc((size_t)r.p->inline_max + 1);
        result = r.small ? opened_say(&r) : WEIR_E_NO_MEMORY;
        if (result == WEIR_OK)
                result = wr_agent_flush(agent);
        if (result >= 0)
                result = relay(&r, sentence, room);
        if (result == WEIR_E_CLOSED) /* its client said no CLOSED: readers hear that it died */
                wr_store32(&agent->bus->is_bereft, 1);
        agent->revoked = NULL;
        weir_loan_discard(r.loan);
        weir_publisher_close(r.p);
        free(r.format);
        free(r.small);
        return result;
}
