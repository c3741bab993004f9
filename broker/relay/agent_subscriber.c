/*
 * A subscriber's agent. It takes what is there, up to a turn's worth, writes all of it in as few calls as the stream
 * takes, and gives it back:
 *
 *      take ... take   ->  headers from our own memory, payloads from where they lie  ->  write ... write  ->  release
 *
 * A block is announced while it is written from, as for any subscriber, so nothing changes in it that its publisher
 * leaves alone. What a frame's hash covers goes along; blocks are not looked at here, the far end checks them.
 */
#include "broker/relay/agent.h"

#include "bus/format.h"
#include "bus/os/clock.h"
#include "clients/c/subscriber.h"
#include "named-objects/sentence.h"

#include <stdlib.h>
#include <string.h>

enum {
        FRAMES_MAX = 64,
        TURN_BYTES = 256 << 10, /* a turn ends with the frame that reaches it */
        HEAD_BYTES = 32 << 10,
        SPANS_PER_FRAME = 3,
        SPANS_MAX = SPANS_PER_FRAME * FRAMES_MAX + 4,
        SOURCES_MIN = 8,
        LISTEN_MAX = 64, /* of what its client says, before frames have their turn again */
};

#define SOON_NS INT64_C(2000000) /* so long it is not heard, at most, that a stream has ended */

/* A publisher, as its client was told of it. */
struct source {
        uint64_t source, lane, format;
        uint64_t wanted;    /* the client comes back and has what is before; 0: no more of that */
        uint64_t old_from;  /* what it missed is wanted, not what others had published before: frames from here on */
        uint64_t lost;      /* told with its frames */
        uint64_t lost_gone; /* by lanes of it that have gone */
};

/* What goes out in one turn. */
struct turn {
        const struct weir_frame *frames[FRAMES_MAX];
        size_t frame_count;
        struct wr_span spans[SPANS_MAX], *left;
        size_t span_count, left_count;
        uint64_t bytes;
        size_t head_used;
        uint8_t head[HEAD_BYTES];
        void *format;            /* bytes of one that changed; the turn ends behind it */
        enum weir_result failed; /* behind what is in it */
};

struct relaying {
        struct wr_agent *agent;
        struct weir_subscriber *s;
        struct source *sources;
        size_t source_count, source_room;
        bool is_busy;    /* the last look found frames */
        bool hears_more; /* its client has said more than was listened to */
        struct wr_stream_writer writer;
        struct turn turn;
};

/* ---- publishers ------------------------------------------------------------------------------------------------ */

static struct source *
source_of(struct relaying *r, uint64_t source)
{
        for (size_t i = 0; i < r->source_count; i++)
                if (r->sources[i].source == source)
                        return &r->sources[i];
        return NULL;
}

/* NULL: no memory. */
static struct source *
source_add(struct relaying *r, uint64_t id)
{
        struct source *more;

        if (r->source_count == r->source_room) {
                size_t room = r->source_room ? 2 * r->source_room : SOURCES_MIN;

                more = realloc(r->sources, room * sizeof *more);
                if (!more)
                        return NULL;
                r->sources = more;
                r->source_room = room;
        }
        r->sources[r->source_count] = (struct source){ .source = id };
        for (uint32_t i = 0; i < r->agent->resumes; i++)
                if (r->agent->resume[i].source == id)
                        r->sources[r->source_count].wanted = r->agent->resume[i].sequence;
        return &r->sources[r->source_count++];
}

static void
source_drop(struct relaying *r, struct source *source)
{
        *source = r->sources[--r->source_count];
}

/* The agent takes all that is there where its client comes back: of whom that does not know, what it asked for. */
static uint64_t
old_from(const struct relaying *r, const struct source *source, const struct wr_lane_link *lane)
{
        uint64_t published = wr_load(&lane->reader.control->published);
        uint32_t history = r->agent->request.subscribe.history;

        if (r->agent->resumes == 0 || source->wanted != 0 || published < history)
                return 0;
        return history == UINT32_MAX ? 0 : published + 1 - history;
}

/* In libweir, as a lane goes: what it had lost. */
static void
lane_gone(void *context, const struct wr_lane_link *lane)
{
        struct source *source = source_of(context, lane->source);

        if (source)
                source->lost_gone += lane->reader.lost;
}

static struct wr_record
lane_record(const struct weir_subscriber *s, const struct wr_lane_link *lane)
{
        const struct wr_lane_reader *reader = &lane->reader;
        struct wr_record record = { .kind = WR_RECORD_LANE };

        record.lane = (struct wr_record_lane){
                .source = lane->source,
                .lane = reader->geometry.lane,
                .ring_bytes = reader->geometry.ring_bytes,
                .heap_bytes = reader->geometry.heap_bytes,
                .sequence = reader->joining ? 0 : reader->sequence,
                .inline_max = reader->geometry.inline_max,
                .hash = reader->geometry.hash,
                .reliable = reader->reliable,
        };
        wr_sentence(record.lane.topic, sizeof record.lane.topic, "%s", lane->topic);
        wr_sentence(record.lane.type, sizeof record.lane.type, "%s", s->type);
        wr_sentence(record.lane.name, sizeof record.lane.name, "%s", lane->name);
        return record;
}

/* Publishers that came, or whose lane is another one now: told before the first frame of it. */
static enum weir_result
lanes_tell(struct relaying *r)
{
        struct weir_subscriber *s = r->s;
        enum weir_result result = WEIR_OK;

        if (wr_load32(&s->arrivals_due))
                wr_subscriber_adopt(s);
        for (uint32_t i = 0; i < s->lane_count && result == WEIR_OK; i++) {
                const struct wr_lane_link *lane = s->lanes[i];
                struct source *source = source_of(r, lane->source);
                struct wr_record record;

                if (source && source->lane == lane->reader.geometry.lane)
                        continue;
                if (!source) {
                        source = source_add(r, lane->source);
                        if (!source)
                                return WEIR_E_NO_MEMORY;
                        source->old_from = old_from(r, source, lane);
                }
                source->lane = lane->reader.geometry.lane;
                record = lane_record(s, lane);
                result = wr_agent_say(r->agent, &record);
        }
        return result;
}

/* ---- frames ---------------------------------------------------------------------------------------------------- */

static void
span_add(struct turn *turn, const void *at, size_t size)
{
        if (size == 0)
                return;
        turn->spans[turn->span_count++] = (struct wr_span){ (void *)(uintptr_t)at, size };
        turn->bytes += size;
}

static void
record_add(struct turn *turn, const struct wr_record *record)
{
        uint8_t *at = turn->head + turn->head_used;
        size_t size = wr_record_encode(record, at);

        turn->head_used += size;
        span_add(turn, at, size);
}

/* The format in force, where it is another one than was told. */
static enum weir_result
format_add(struct relaying *r, struct source *source, const struct wr_frame *frame)
{
        struct wr_record record = { .kind = WR_RECORD_FORMAT, .format = { frame->open.source } };
        const struct weir_format *format = frame->open.format;
        struct wr_format_parts parts;

        source->format = frame->taken.format;
        if (!format)
                return WEIR_OK;
        parts = (struct wr_format_parts){ format->type, format->encoding, format->schema, format->schema_size };
        record.bytes = wr_format_bytes(&parts);
        r->turn.format = malloc(record.bytes);
        if (!r->turn.format)
                return WEIR_E_NO_MEMORY;
        wr_format_encode(&parts, r->turn.format);
        record_add(&r->turn, &record);
        span_add(&r->turn, r->turn.format, record.bytes);
        return WEIR_OK;
}

static uint64_t
bytes_hash(const struct wr_frame *frame)
{
        const struct wr_taken *taken = &frame->taken;

        return taken->block
                       ? wr_hash_bytes_back(taken->hash, &taken->words)
                       : wr_hash_two(frame->copy, wr_taken_extension(taken, frame->copy), taken->data, taken->size);
}

static void
frame_add(struct turn *turn, const struct wr_frame *frame, uint64_t lost, uint64_t skipped, bool is_hashed)
{
        const struct wr_taken *taken = &frame->taken;
        uint32_t extension = wr_taken_extension(taken, frame->copy);
        struct wr_record record = { .kind = WR_RECORD_FRAME, .bytes = extension + taken->size };

        record.frame = (struct wr_record_frame){
                .source = frame->open.source,
                .sequence = taken->sequence,
                .time = taken->published_ns,
                .hash = is_hashed ? bytes_hash(frame) : 0,
                .lost = lost,
                .skipped = skipped,
                .extension = extension,
                .flags = is_hashed ? WR_RECORD_HASHED : 0,
        };
        record_add(turn, &record);
        span_add(turn, frame->copy, extension);
        span_add(turn, taken->data, taken->size);
}

/* Is the hash of this publisher's frames one of their bytes? */
static bool
is_hash_full(const struct relaying *r, uint64_t source)
{
        for (uint32_t i = 0; i < r->s->lane_count; i++)
                if (r->s->lanes[i]->source == source)
                        return r->s->lanes[i]->reader.geometry.hash == WR_HASH_FULL;
        return false; /* it has just left: then the stream's own care has to do */
}

/* Has its client got it already, or never asked for it? */
static bool
is_passed_over(const struct source *source, const struct weir_frame *open)
{
        if (source->wanted != 0)
                return open->sequence < source->wanted;
        return (open->about.flags & WEIR_OLD) != 0 && open->sequence < source->old_from;
}

/* A frame that was taken goes into the turn, or back. WEIR_E_CLOSED: it could not be told; the next stream brings it.
 */
static enum weir_result
frame_take_in(struct relaying *r, const struct weir_frame *open)
{
        const struct wr_frame *frame = (const struct wr_frame *)(const void *)open; /* its first member */
        struct source *source = source_of(r, open->source);
        uint64_t lost = open->lost, skipped = open->skipped;
        enum weir_result result = WEIR_OK;

        if (!source) { /* it came with this very take */
                result = lanes_tell(r);
                source = source_of(r, open->source);
        }
        if (source)
                source->lost += open->lost;
        if (!source || result < 0 || is_passed_over(source, open)) {
                weir_release(open);
                return result < 0 ? WEIR_E_CLOSED : WEIR_OK;
        }
        if (source->wanted != 0) { /* what is missing since its client was here last */
                lost = open->sequence - source->wanted;
                skipped = 0;
                source->wanted = 0;
        }
        if (source->format != frame->taken.format && format_add(r, source, frame) < 0) {
                weir_release(open); /* it is not to go out as if it had the format before */
                return WEIR_E_CLOSED;
        }
        r->turn.frames[r->turn.frame_count++] = open;
        frame_add(&r->turn, frame, lost, skipped, is_hash_full(r, open->source));
        return WEIR_OK;
}

/* The next frame. Where there was one just now it is waited for, for a moment: the sleep behind the native handle is
 * that of two threads. */
static enum weir_result
frame_next(struct relaying *r, const struct weir_frame **open)
{
        uint32_t count;
        enum weir_result result = weir_take_many(r->s, open, 1, &count);

        if (result != WEIR_EMPTY || !r->is_busy || r->turn.frame_count > 0)
                return result;
        r->is_busy = false;
        wr_agent_lanes_room(r->s);
        wr_agent_lanes_await(r->s);
        return weir_take(r->s, SOON_NS, open);
}

/* As much as a turn takes. WEIR_EMPTY: there is nothing now; and what weir_take says of an end. */
static enum weir_result
turn_fill(struct relaying *r)
{
        struct turn *turn = &r->turn;
        enum weir_result result = WEIR_OK;

        while (result == WEIR_OK && turn->frame_count < FRAMES_MAX && turn->bytes < TURN_BYTES && !turn->format) {
                const struct weir_frame *open;

                result = lanes_tell(r);
                if (result == WEIR_OK)
                        result = frame_next(r, &open);
                if (result == WEIR_OK)
                        result = turn->failed = frame_take_in(r, open);
        }
        r->is_busy = turn->frame_count > 0;
        if (!wr_agent_lanes_ready(r->s))
                wr_agent_lanes_room(r->s);
        turn->left = turn->spans;
        turn->left_count = turn->span_count;
        return turn->frame_count > 0 ? WEIR_OK : result; /* what else there is, is there at the next look */
}

static void
turn_end(struct turn *turn)
{
        for (size_t i = 0; i < turn->frame_count; i++)
                weir_release(turn->frames[i]);
        free(turn->format);
        turn->format = NULL;
        turn->frame_count = turn->span_count = turn->left_count = turn->head_used = 0;
        turn->bytes = 0;
        turn->failed = WEIR_OK;
}

/* ---- the stream ------------------------------------------------------------------------------------------------ */

/* What the client says: how it gets on, and that it goes. WEIR_EMPTY: that was all, or enough of it. */
static enum weir_result
listen_to(struct relaying *r)
{
        struct wr_agent *agent = r->agent;
        enum weir_result result;
        struct wr_record record;

        r->hears_more = false;
        for (int said = 0; said < LISTEN_MAX;) {
                result = wr_intake_next(&agent->in, &record, NULL);
                said += result == WEIR_OK;
                if (result == WEIR_OK && record.kind == WR_RECORD_TAKEN)
                        wr_agent_figures_heard(r->s, &record.taken);
                else if (result == WEIR_OK && record.kind == WR_RECORD_CLOSED)
                        return WEIR_ENDED;
                else if (result != WEIR_EMPTY)
                        return WEIR_E_CORRUPT;
                else if ((result = wr_agent_read(agent)) != WEIR_OK)
                        return result;
        }
        r->hears_more = true;
        return WEIR_EMPTY;
}

/* Its client is heard meanwhile: how it gets on with what it has, or that it goes. */
static enum weir_result
room_await(struct relaying *r)
{
        enum weir_result result;

        wr_agent_lanes_room(r->s);
        result = wr_agent_room(r->agent);
        if (result == WEIR_OK)
                result = listen_to(r);
        return result == WEIR_EMPTY ? WEIR_OK : result;
}

static enum weir_result
turn_write(struct relaying *r)
{
        struct turn *turn = &r->turn;
        enum weir_result result = WEIR_OK;
        size_t done;

        while (result == WEIR_OK && (result = wr_agent_flush(r->agent)) == WEIR_FULL)
                result = room_await(r);
        while (result == WEIR_OK && turn->left_count > 0) {
                result = wr_stream_writer_write(&r->writer, turn->left, turn->left_count, &done);
                if (result == WEIR_OK)
                        wr_agent_advance(&turn->left, &turn->left_count, done);
                else if (result == WEIR_FULL)
                        result = room_await(r);
        }
        while (result == WEIR_OK && (result = wr_stream_writer_flush(&r->writer)) == WEIR_FULL)
                result = room_await(r);
        return result == WEIR_OK ? turn->failed : result;
}

/* ---- events ---------------------------------------------------------------------------------------------------- */

/* What was lost of a publisher that has left, and was told with none of its frames. */
static uint64_t
lost_untold(const struct source *source)
{
        return source && source->lost_gone > source->lost ? source->lost_gone - source->lost : 0;
}

static enum weir_result
left_tell(struct relaying *r, const struct weir_event *event)
{
        struct wr_record record = { .kind = WR_RECORD_LEFT };
        struct source *source = source_of(r, event->source);

        record.left.source = event->source;
        record.left.reason = event->reason;
        record.left.count = (uint32_t)event->count;
        record.left.lost = lost_untold(source);
        wr_sentence(record.left.text, sizeof record.left.text, "%s", event->text ? event->text : "");
        if (source)
                source_drop(r, source);
        return wr_agent_say(r->agent, &record);
}

/* All that happened. */
static enum weir_result
events_tell(struct relaying *r, char *sentence, size_t room)
{
        const struct weir_event *event;
        enum weir_result result = WEIR_OK;

        while (result == WEIR_OK && weir_next(r->agent->bus, WEIR_NOW, &event) == WEIR_OK &&
               event->kind != WEIR_FRAMES) {
                if (event->kind == WEIR_BROKER_LOST)
                        result = WEIR_E_CLOSED; /* the agent of another broker is another one */
                else if (event->kind == WEIR_REVOKED && event->source == 0)
                        result = WEIR_E_DENIED;
                else if (event->kind == WEIR_JOINED)
                        result = lanes_tell(r); /* it may have come since the last look, without a frame */
                else if (event->kind == WEIR_LEFT || event->kind == WEIR_EVICTED || event->kind == WEIR_REVOKED)
                        result = left_tell(r, event);
        }
        if (result == WEIR_E_DENIED)
                wr_sentence(sentence, room, "%s", event->text ? event->text : "");
        return result;
}

/* ---- the whole ------------------------------------------------------------------------------------------------- */

/* Some frames, or what happened. */
static enum weir_result
turn_take(struct relaying *r, char *sentence, size_t room)
{
        enum weir_result taken = turn_fill(r), result = WEIR_OK;
        unsigned ready;

        if (taken < 0 && taken != WEIR_E_EVICTED && taken != WEIR_E_DENIED) /* these are events, too */
                return taken;
        if (taken == WEIR_OK) {
                wr_agent_figures_sent(r->s, r->turn.frames[0], r->turn.frame_count);
                result = turn_write(r);
        }
        turn_end(&r->turn);
        if (result == WEIR_OK)
                result = events_tell(r, sentence, room);
        if (result == WEIR_OK)
                result = turn_write(r);
        if (result == WEIR_E_DENIED && !sentence[0])
                wr_sentence(sentence, room, "%s", r->s->revoked_text);
        if (result == WEIR_OK && taken != WEIR_OK && !r->hears_more) {
                wr_wakeup_lower(r->agent->bus);
                result = wr_stream_wait(r->agent->stream, WR_STREAM_READ, r->agent->wakeup, INT64_MAX, &ready);
        }
        return result;
}

static enum weir_result
relay(struct relaying *r, char *sentence, size_t room)
{
        enum weir_result result = WEIR_OK;

        while (result == WEIR_OK && !wr_agent_is_stopping(r->agent)) {
                result = listen_to(r);
                if (result == WEIR_EMPTY)
                        result = turn_take(r, sentence, room);
        }
        if (wr_agent_is_stopping(r->agent))
                return WEIR_E_CLOSED;
        if (result == WEIR_E_CORRUPT)
                wr_sentence(sentence, room, "what came on the stream is no record of a subscriber");
        else if (result < 0 && result != WEIR_E_CLOSED && !sentence[0])
                wr_sentence(sentence, room, "the relay cannot go on: %s", weir_error());
        return result == WEIR_ENDED ? WEIR_OK : result;
}

static enum weir_result
opened_say(struct relaying *r)
{
        struct wr_record record = { .kind = WR_RECORD_OPENED };

        wr_subscriber_adopt(r->s);
        record.opened.id = r->s->id;
        record.opened.count = r->s->lane_count;
        return wr_agent_say(r->agent, &record);
}

/* Who comes back may have missed any of it. */
static uint32_t
history_of(const struct wr_agent *agent)
{
        uint32_t history = agent->request.subscribe.history;

        if (agent->resumes > 0 || history == UINT32_MAX)
                return 0; /* all */
        return history > 0 ? history : WEIR_NONE;
}

static enum weir_result
subscriber_open(struct wr_agent *agent, struct weir_subscriber **s, char *sentence, size_t room)
{
        const struct wr_message_subscribe *m = &agent->request.subscribe;
        struct weir_subscriber_options options = {
                .size = sizeof options,
                .delivery = m->delivery,
                .keep = m->keep,
                .history = history_of(agent),
                .spin_ns = -1,
                .frames_max = FRAMES_MAX, /* a turn's; its client's own are those of its lanes */
                .type = m->type[0] ? m->type : NULL,
        };
        struct wr_record record = { .kind = WR_RECORD_REFUSED };
        enum weir_result result = weir_subscriber_open(s, agent->bus, m->topic, &options);

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
wr_agent_subscribe(struct wr_agent *agent, char *sentence, size_t room)
{
        struct relaying *r = calloc(1, sizeof *r);
        enum weir_result result = r ? WEIR_OK : WEIR_E_NO_MEMORY;

        if (!r)
                return result;
        r->agent = agent;
        wr_stream_writer_open(&r->writer, agent->stream);
        result = subscriber_open(agent, &r->s, sentence, room);
        if (result == WEIR_OK) {
                agent->revoked = &r->s->revoked;
                r->s->tells_room = true;
                agent->bus->wakeup.by_hand = true;
                r->s->heir = lane_gone;
                r->s->heir_context = r;
                wr_agent_figures_begin(r->s);
                result = opened_say(r);
        }
        if (result == WEIR_OK)
                result = relay(r, sentence, room);
        agent->revoked = NULL;
        if (result == WEIR_E_CLOSED) /* its client said no CLOSED: publishers hear that it died */
                wr_store32(&agent->bus->is_bereft, 1);
        weir_subscriber_close(r->s);
        wr_stream_writer_close(&r->writer);
        free(r->sources);
        free(r);
        return result;
}
