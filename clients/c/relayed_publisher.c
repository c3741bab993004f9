/*
 * The far end of a publisher: it is the one reader of a private lane, and writes what it takes to the stream.
 *
 *      small     copied into a buffer, which is written when nothing more is there to take, or it is full
 *      large     written from the block where it lies, with the hash that was made when it was published
 *
 * The lane's reader is reliable and never evicted: a stream that is not read holds the publisher up as a reliable
 * reader would, and who keeps it from being read is charged where the frames are published. What the agent says of
 * readers comes to a second thread, since nothing sleeps on a lane and a stream at once.
 */
#include "clients/c/relayed.h"

#include "bus/hash.h"
#include "bus/os/barrier.h"
#include "bus/os/clock.h"
#include "bus/os/memory.h"
#include "clients/c/publisher.h"
#include "clients/c/relayed_lane.h"
#include "named-objects/sentence.h"
#include "named-objects/signal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        OUT_BYTES = 64 << 10,
        LARGE_BYTES = 16 << 10, /* are written from where they lie */
        INLINE_MAX = 4096,
        ANNOUNCEMENTS = 2,
        EAR_BYTES = 256 << 10, /* of its stack */
        SPIN_NS = 20000,       /* before a sleep */
        ROOM_PART = 4,         /* of the heap: so much is free, at least, before a publisher that waits is woken */
};

/* The reading half of the private lane. */
struct wr_relayed_reader {
        struct wr_lane_reader reader;
        wr_object object;
        void *segment, *page;
        uint64_t page_bytes;
        uint64_t format; /* number of the one that the agent has */
        uint64_t given;  /* frames, to this stream */
        uint64_t untold; /* bytes that were given back since its publisher was told */
        size_t used;     /* of `out` */
        uint8_t out[OUT_BYTES];
        uint64_t copy[(WR_EXTENSION_MAX + 8 + INLINE_MAX + WR_COPY_SLACK) / 8];
};

/* ---- opening, in the control thread ---- */

static void
reader_close(struct wr_relayed_reader *rd)
{
        if (!rd)
                return;
        if (rd->reader.pair.words)
                wr_signal_unbind(&rd->reader.pair.words->wake, &rd->reader.pair.words->space);
        wr_lane_reader_close(&rd->reader);
        free(rd->reader.pair.held);
        if (rd->segment)
                wr_region_unmap(rd->segment, rd->reader.geometry.segment_bytes);
        if (rd->page)
                wr_region_unmap(rd->page, rd->page_bytes);
        wr_object_close(rd->object);
        free(rd);
}

/* The lane: created, mapped by the publisher, sealed, then read-only for us. */
static enum weir_result
segment_make(struct wr_control *c, struct weir_publisher *p, struct wr_relayed_reader *rd, uint64_t source,
             char *sentence, size_t room)
{
        const struct wr_lane_geometry *g = &rd->reader.geometry;
        struct wr_message_lane_grant m = { .source = source,
                                           .lane = g->lane,
                                           .epoch = g->epoch,
                                           .segment_bytes = g->segment_bytes,
                                           .ring_offset = g->ring_offset,
                                           .ring_bytes = g->ring_bytes,
                                           .heap_offset = g->heap_offset,
                                           .heap_bytes = g->heap_bytes,
                                           .inline_max = g->inline_max,
                                           .hash = g->hash };
        wr_object writable = WR_NO_OBJECT;
        enum weir_result result = wr_region_create(&writable, "weir-relayed", g->segment_bytes);

        if (result == WEIR_OK)
                result = wr_publisher_granted(c, p, &m, writable, sentence, room);
        if (result == WEIR_OK)
                result = wr_region_seal(writable);
        if (result == WEIR_OK)
                result = wr_region_read_only(writable, &rd->object);
        if (result == WEIR_OK && (result = wr_region_map(rd->object, g->segment_bytes, false, &rd->segment)) < 0)
                rd->segment = NULL;
        wr_object_close(writable);
        return result;
}

/* The page: ours first, then the publisher's, who attaches us with it. */
static enum weir_result
page_make(struct wr_control *c, struct weir_publisher *p, struct wr_relayed_reader *rd)
{
        struct wr_message_pair_added m = { .lane = p->lane,
                                           .pair = wr_relayed_id(),
                                           .peer = wr_relayed_id(),
                                           .page_bytes = wr_relayed_page_bytes(ANNOUNCEMENTS),
                                           .announcements = ANNOUNCEMENTS,
                                           .reliable = 1,
                                           .history = UINT32_MAX,
                                           .name = "relay" };
        wr_object theirs[WR_RELAYED_OBJECTS], ours[WR_SIGNAL_OBJECTS + 1];
        struct wr_signal_pair signals = WR_SIGNAL_NONE;
        struct wr_pair_words *words;
        enum weir_result result;

        for (int i = 0; i < WR_RELAYED_OBJECTS; i++)
                theirs[i] = WR_NO_OBJECT;
        result = wr_region_create(&theirs[0], "weir-pair", m.page_bytes);
        rd->page_bytes = m.page_bytes;
        if (result == WEIR_OK)
                result = wr_region_allocate(theirs[0], m.page_bytes);
        if (result == WEIR_OK && (result = wr_region_map(theirs[0], m.page_bytes, true, &rd->page)) < 0)
                rd->page = NULL;
        words = rd->page;
        if (result == WEIR_OK)
                result = wr_signal_create(&signals);
        if (result == WEIR_OK && (result = wr_signal_grant(&signals, WR_SIGNAL_SUBSCRIBER, ours)) == WEIR_OK) {
                result = wr_signal_bind(&words->wake, &words->space, WR_SIGNAL_SUBSCRIBER, ours);
                wr_signal_grant_close(ours);
        }
        if (result == WEIR_OK)
                result = wr_signal_grant(&signals, WR_SIGNAL_PUBLISHER, &theirs[2]);
        if (result == WEIR_OK)
                wr_control_pair_added(c, &m, theirs);
        wr_relayed_objects_close(theirs);
        wr_signal_close(&signals);
        return result;
}

/* Attached as nobody else will be. */
static enum weir_result
reader_open(struct weir_publisher *p, struct wr_relayed_reader *rd)
{
        const struct wr_pair_link *link = p->control_links;
        struct wr_lane_geometry geometry = rd->reader.geometry;
        enum weir_result result = WEIR_E_NO_MEMORY;

        wr_pair_reader_fences(rd->page);
        if (link && link->attached)
                result = wr_lane_reader_open(&rd->reader, rd->segment, &geometry, &link->start, rd->page, ANNOUNCEMENTS,
                                             true);
        rd->reader.geometry = geometry;
        rd->reader.leaves_blocks = true;
        return result;
}

/* With a ring twice as long as the agent's: a format that has a place here has one there, where the ring's laps and
 * steps begin elsewhere, and nobody but the frames behind it could make room for it. */
static enum weir_result
geometry_plan(struct wr_lane_geometry *g, const struct weir_publisher *p)
{
        const struct weir_publisher_options *o = &p->options;
        enum weir_result result = wr_lane_geometry_plan(g, p->memory_now, 0, o->history, p->loans_max);
        struct wr_lane_geometry twice = *g;
        uint64_t ring = g->ring_bytes;

        if (result == WEIR_OK &&
            wr_lane_geometry_plan(&twice, p->memory_now + ring, 2 * ring, o->history, p->loans_max) == WEIR_OK)
                *g = twice;
        return result;
}

enum weir_result
wr_relayed_publish(struct wr_control *c, struct wr_relayed *r, const struct wr_record_opened *opened, char *sentence,
                   size_t room)
{
        struct weir_publisher *p = r->publisher;
        struct wr_relayed_reader *rd = calloc(1, sizeof *rd);
        struct wr_lane_geometry *g = rd ? &rd->reader.geometry : NULL;
        enum weir_result result = rd ? WEIR_OK : WEIR_E_NO_MEMORY;

        p->memory_now = p->options.memory_max; /* it does not grow */
        if (result == WEIR_OK) {
                rd->object = WR_NO_OBJECT;
                wr_store(&p->payload_max, opened->payload_max);
                *g = (struct wr_lane_geometry){ .lane = wr_relayed_id(), .epoch = 1, .hash = p->options.hash };
                result = geometry_plan(g, p);
        }
        if (result == WEIR_OK)
                result = segment_make(c, p, rd, opened->source, sentence, room);
        if (result == WEIR_OK)
                result = page_make(c, p, rd);
        if (result == WEIR_OK)
                result = reader_open(p, rd);
        if (result < 0) {
                reader_close(rd);
                if (sentence[0] == 0)
                        wr_sentence(sentence, room, "the memory to relay '%s' cannot be had: %s", p->topic,
                                    weir_result_text(result));
                return result;
        }
        r->reader = rd;
        wr_store32(&p->link_count, opened->count);
        return WEIR_OK;
}

/* ---- what the agent says of readers ---- */

struct told {
        struct weir_publisher *publisher;
        const struct wr_record_readers *readers;
};

static void
readers_run(struct wr_control *c, struct wr_job *job)
{
        struct wr_question *q = (struct wr_question *)(void *)job;
        const struct told *told = q->subject;
        const struct wr_record_readers *readers = told->readers;
        struct weir_publisher *p = told->publisher;

        wr_store32(&p->link_count, readers->count);
        if (wr_load32(&p->closed) == 0 &&
            (readers->what == WEIR_JOINED || readers->what == WEIR_LEFT || readers->what == WEIR_EVICTED))
                wr_bus_tell(c->bus, &(struct weir_event){ .kind = readers->what,
                                                          .reason = readers->reason,
                                                          .publisher = p,
                                                          .user = p->options.user,
                                                          .topic = p->topic,
                                                          .text = readers->text,
                                                          .source = readers->source,
                                                          .count = readers->count });
        wr_control_answered(c, q);
}

/* Until the stream ends; then the other thread is told. */
static void *
ear(void *argument)
{
        struct wr_relayed *r = argument;
        struct told told = { .publisher = r->publisher };
        struct wr_record record;

        while (wr_relayed_next(r, &record, INT64_MAX) == WEIR_OK) {
                told.readers = &record.readers;
                if (record.kind == WR_RECORD_READERS)
                        wr_relayed_do(r, readers_run, &told);
                else if (record.kind == WR_RECORD_CLOSED)
                        wr_relayed_closed(r, &record.closed);
                else
                        wr_relayed_stop(r, WEIR_E_CLOSED, "it sent a record that is not for a publisher");
                if (record.kind != WR_RECORD_READERS)
                        break;
        }
        wr_store32_release(&r->is_deaf, 1);
        wr_stream_hang_up(r->stream); /* so that who writes to it stops, too */
        wr_add32(&r->turn, 1);
        wr_signal_raise_private(&r->turn);
        return NULL;
}

/* ---- from the lane to the stream ---- */

void
wr_relayed_room_tell(struct wr_relayed *r)
{
        struct wr_pair_reader *pair = &r->reader->reader.pair;

        r->reader->untold = 0;
        if (wr_pair_room_due(pair))
                wr_signal_raise(&pair->words->space);
}

/* What was copied is told here, so that a publisher who waits is not woken for each frame. */
static enum weir_result
flush(struct wr_relayed *r)
{
        struct wr_relayed_reader *rd = r->reader;
        struct wr_span span = { rd->out, rd->used };
        enum weir_result result;

        wr_relayed_room_tell(r);
        rd->used = 0;
        result = span.size > 0 ? wr_relayed_write(r, &span, 1) : WEIR_OK;
        return result < 0 ? result : wr_relayed_flush(r);
}

/* A record with its payload in two parts. */
static enum weir_result
put(struct wr_relayed *r, const struct wr_record *record, const void *first, size_t first_size, const void *second,
    uint64_t size)
{
        struct wr_relayed_reader *rd = r->reader;
        size_t head = WR_RECORD_BYTES_MAX + first_size;
        enum weir_result result = WEIR_OK;
        struct wr_span spans[2];

        if (rd->used + head + (size < LARGE_BYTES ? size : 0) > OUT_BYTES)
                result = flush(r);
        rd->used += wr_record_encode(record, rd->out + rd->used);
        if (first_size > 0)
                memcpy(rd->out + rd->used, first, first_size);
        rd->used += first_size;
        if (size < LARGE_BYTES) {
                if (size > 0)
                        memcpy(rd->out + rd->used, second, size);
                rd->used += size;
                return result;
        }
        spans[0] = (struct wr_span){ rd->out, rd->used };
        spans[1] = (struct wr_span){ (void *)(uintptr_t)second, size };
        rd->used = 0;
        return result < 0 ? result : wr_relayed_write(r, spans, 2);
}

static enum weir_result
frame_put(struct wr_relayed *r, const struct wr_taken *t)
{
        struct wr_relayed_reader *rd = r->reader;
        const struct wr_lane_reader *reader = &rd->reader;
        size_t extension = wr_taken_extension(t, rd->copy);
        struct wr_record record = { .kind = WR_RECORD_FRAME, .bytes = extension + t->size };
        enum weir_result result = WEIR_OK;

        record.frame = (struct wr_record_frame){
                .sequence = t->sequence, .time = t->published_ns, .lost = t->lost, .extension = (uint32_t)extension
        };
        if (reader->geometry.hash == WR_HASH_FULL) {
                record.frame.flags = WR_RECORD_HASHED;
                record.frame.hash = t->block ? wr_hash_bytes_back(t->hash, &t->words)
                                             : wr_hash_two(rd->copy, extension, t->data, t->size);
        }
        if (rd->format != t->format && reader->format_bytes) {
                struct wr_record format = { .kind = WR_RECORD_FORMAT, .bytes = reader->format_size };

                result = put(r, &format, NULL, 0, reader->format_bytes, reader->format_size);
        }
        rd->format = t->format;
        rd->given += 1;
        wr_store(&r->sent, wr_load(&r->sent) + 1);
        if (result == WEIR_OK && wr_publisher_is_beyond(r->publisher, t->size)) /* published when it took more */
                return wr_relayed_stop(r, WEIR_E_TOO_LARGE,
                                       "a frame was published that is larger than the broker's side takes: lower "
                                       "memory_max, or ask the broker's owner for more");
        return result < 0 ? result : put(r, &record, rd->copy, extension, t->data, t->size);
}

/* One frame. WEIR_EMPTY: there is none; WEIR_ENDED: there will be none. */
static enum weir_result
frame_give(struct wr_relayed *r)
{
        struct wr_relayed_reader *rd = r->reader;
        struct wr_lane_reader *reader = &rd->reader;
        const struct wr_lane_geometry *g = &reader->geometry;
        uint64_t there = g->heap_offset + reader->committed;
        struct wr_taken t;
        enum weir_result result = wr_lane_take(reader, &t, rd->copy);

        if (result == WEIR_E_NO_MEMORY) {
                if (wr_region_committed(rd->object, there, &there) < 0 || there == g->heap_offset + reader->committed)
                        wr_lane_reader_refuse(reader);
                there = there > g->heap_offset + g->heap_bytes ? g->heap_bytes : there - g->heap_offset;
                reader->committed = there;
                return WEIR_OK;
        }
        if (result < 0)
                return wr_relayed_stop(r, WEIR_E_CORRUPT,
                                       "the lane of this publisher was overwritten by its own process");
        if (result != WEIR_OK)
                return result;
        result = frame_put(r, &t);
        if (t.block)
                wr_lane_release(&reader->pair, t.announcement);
        if (t.size >= LARGE_BYTES && (rd->untold += t.size) >= g->heap_bytes / ROOM_PART)
                wr_relayed_room_tell(r);
        return result;
}

static void
sleep_for_frames(struct wr_relayed *r)
{
        struct wr_lane_reader *reader = &r->reader->reader;
        struct wr_signal_wait words[2] = { { .word = &reader->pair.words->wake },
                                           { .word = &r->turn, .is_private = true } };

        wr_relayed_room_tell(r);
        words[1].value = wr_load32_acquire(&r->turn);
        words[0].value = wr_pair_sleep_arm(&reader->pair);
        wr_fence(); /* W3, of who said WR_PAIR_FENCES */
        if (!wr_lane_ready(reader) && !wr_load32_acquire(&r->is_deaf) && !wr_relayed_is_ending(r))
                wr_signal_wait(words, 2, INT64_MAX);
        wr_pair_sleep_disarm(&reader->pair);
}

/* A stream of frames is at our heels: the next one is awaited awake. */
static bool
more_comes(const struct wr_relayed *r)
{
        int64_t until_ns = wr_clock_ns() + SPIN_NS;

        do {
                if (wr_lane_ready(&r->reader->reader))
                        return true;
                wr_yield();
        } while (wr_clock_ns() < until_ns);
        return false;
}

static enum weir_result
give_all(struct wr_relayed *r)
{
        struct wr_record closed = { .kind = WR_RECORD_CLOSED };
        enum weir_result result = WEIR_OK;

        while (result >= 0 && !wr_load32_acquire(&r->is_deaf)) {
                result = frame_give(r);
                if (result != WEIR_EMPTY && result != WEIR_ENDED)
                        continue;
                if (flush(r) < 0)
                        return WEIR_E_CLOSED;
                if (result == WEIR_ENDED)
                        return wr_relayed_say(r, &closed);
                if (!more_comes(r))
                        sleep_for_frames(r);
        }
        return result < 0 ? result : WEIR_E_CLOSED;
}

static enum weir_result
begin(struct wr_relayed *r)
{
        struct wr_record record = { .kind = WR_RECORD_BEGIN, .begin = { .version = WR_RECORD_VERSION } };
        enum weir_result result = wr_relayed_say(r, &record);

        if (result == WEIR_OK)
                result = wr_relayed_next(r, &record, INT64_MAX);
        if (result == WEIR_OK)
                result = wr_relayed_opened(r, &record);
        if (result != WEIR_OK)
                return result;
        r->reader->used = 0;
        r->reader->given = 0;
        r->reader->format = 0;
        wr_store32(&r->is_deaf, 0);
        return WEIR_OK;
}

/* Nobody says which frames came out at the other end before the stream was lost; how many went in is known. */
static void
given_tell(struct wr_relayed *r)
{
        size_t length = strlen(r->end.text);
        uint64_t given = r->reader->given;

        if (r->end.result == WEIR_E_CLOSED && given > 0 && !wr_relayed_is_ending(r))
                wr_sentence(r->end.text + length, sizeof r->end.text - length,
                            "; %llu frame%s went into it, the last of which may be lost", (unsigned long long)given,
                            wr_s(given));
}

void
wr_relayed_give(struct wr_relayed *r)
{
        wr_thread thread;

        if (begin(r) != WEIR_OK)
                return;
        if (!wr_thread_start(&thread, ear, r, EAR_BYTES)) {
                wr_relayed_stop(r, WEIR_E_CLOSED, "no thread is left to listen to it");
                return;
        }
        if (give_all(r) < 0)
                wr_stream_hang_up(r->stream);
        wr_thread_join(thread); /* after END: until the agent has read to the end, and hung up */
        given_tell(r);
}

void
wr_relayed_give_end(struct wr_relayed *r)
{
        reader_close(r->reader);
        r->reader = NULL;
}
