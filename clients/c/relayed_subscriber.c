/*
 * The far end of a subscriber: what the agent sends is published in a private lane for each publisher.
 *
 *      LANE      a lane is made, and given to the subscriber as if the broker had sent LANE_ADDED
 *      FORMAT    kept, and put into the lane with the next frame
 *      FRAME     small: into a buffer, checked, published. Large: lent, read from the stream into its place, hashed
 *                piece by piece meanwhile, checked, published with the hash that its publisher made
 *      LEFT      END, or the lane is over for the reason given
 *
 * A lane that is full is waited for, and meanwhile the stream is not read: so what the subscriber does not take stays
 * where it was published, and the agent's reader there is the one that loses frames, or is waited for and charged. Who
 * keeps the newest frames only has a private lane that waits for nobody, so that they are the newest.
 *
 * The heap of a private lane begins small and goes on in a larger one (bus/lane_successor.c) when frames need it.
 */
#include "clients/c/relayed_subscriber.h"

#include "bus/os/clock.h"
#include "clients/c/subscriber.h"
#include "named-objects/sentence.h"
#include "named-objects/signal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        RING_BYTES_MAX = 1 << 20,
        OWED_NS = 20000000,   /* wakes that were held back */
        TOLD_NS = 1000000000, /* between two TAKEN */
        LOOK_RECORDS = 64,    /* where records come without a rest */
};
#define MISSING_NS INT64_C(2000000000) /* as a lane that never came: lane_move.c */

static void
lane_free(struct wr_relayed_lane *lane)
{
        wr_relayed_writer_close(lane->w);
        wr_relayed_numbers_drop(lane->numbers);
        free(lane->format);
        free(lane);
}

struct wr_relayed_lane *
wr_relayed_lane_of(const struct wr_relayed *r, uint64_t source)
{
        struct wr_relayed_lane *lane = r->lanes;

        while (lane && lane->said.source != source)
                lane = lane->next;
        return lane;
}

void
wr_relayed_wakes_flush(struct wr_relayed *r)
{
        r->owing = 0;
        for (struct wr_relayed_lane *lane = r->lanes; lane; lane = lane->next) {
                if (lane->is_owing)
                        wr_lane_wake(&lane->w->writer, wr_signal_raise);
                else if (lane->w->writer.wakes_owed)
                        wr_lane_wake_owed(&lane->w->writer, wr_signal_raise);
                lane->is_owing = false;
        }
}

/* ---- lanes ---- */

struct arrival {
        struct weir_subscriber *subscriber;
        struct wr_relayed_lane *lane;
        wr_object objects[WR_RELAYED_OBJECTS];
        enum weir_result result;
};

/* As LANE_ADDED would come. */
static void
arrive(struct wr_control *c, struct wr_job *job)
{
        struct wr_question *q = (struct wr_question *)(void *)job;
        struct arrival *arrival = q->subject;
        const struct wr_relayed_writer *w = arrival->lane->w;
        const struct wr_lane_geometry *g = &w->writer.geometry;
        struct wr_message_lane_added m = { .source = arrival->lane->said.source,
                                           .peer = w->pair.id,
                                           .pair = w->pair.id,
                                           .page_bytes = w->page_bytes,
                                           .announcements = w->pair.announcement_count,
                                           .reliable = w->pair.reliable,
                                           .position = w->start.position,
                                           .sequence = w->start.sequence,
                                           .format = w->start.format,
                                           .lane = g->lane,
                                           .epoch = g->epoch,
                                           .follows = g->follows,
                                           .segment_bytes = g->segment_bytes,
                                           .ring_offset = g->ring_offset,
                                           .ring_bytes = g->ring_bytes,
                                           .heap_offset = g->heap_offset,
                                           .heap_bytes = g->heap_bytes,
                                           .start = g->start,
                                           .inline_max = g->inline_max,
                                           .hash = g->hash };

        memcpy(m.topic, arrival->lane->said.topic, sizeof m.topic);
        memcpy(m.type, arrival->lane->said.type, sizeof m.type);
        memcpy(m.name, arrival->lane->said.name, sizeof m.name);
        arrival->result = wr_control_lane_relayed(c, arrival->subscriber, &m, arrival->objects, arrival->lane->numbers);
        wr_control_answered(c, q);
}

/* The writing half, and then the reading half at the subscriber. Below 0: neither is there; has_been_told: the user was
 * told of that. */
static enum weir_result
lane_make(struct wr_relayed *r, struct wr_relayed_lane *lane, const struct wr_lane_geometry *g, bool *has_been_told)
{
        struct weir_subscriber *s = r->subscriber;
        struct arrival arrival = { .subscriber = s, .lane = lane };
        bool waits = s->options.keep == 0 || s->options.keep == WEIR_NONE;

        arrival.result = wr_relayed_writer_open(&lane->w, g, s->frames_max, waits, arrival.objects);
        *has_been_told = arrival.result == WEIR_OK;
        if (arrival.result < 0)
                return arrival.result;
        wr_relayed_do(r, arrive, &arrival);
        wr_relayed_objects_close(arrival.objects);
        if (arrival.result < 0) {
                wr_relayed_writer_close(lane->w);
                lane->w = NULL;
        }
        return arrival.result;
}

/* Why a publisher's lane could not be had, in the control thread. */
struct refused {
        struct weir_subscriber *subscriber;
        int32_t reason;
        const char *text;
};

static void
decline(struct wr_control *c, struct wr_job *job)
{
        struct wr_question *q = (struct wr_question *)(void *)job;
        const struct refused *refused = q->subject;

        wr_control_lane_declined(c, refused->subscriber, refused->reason, refused->text);
        wr_control_answered(c, q);
}

static enum weir_result
lane_first(struct wr_relayed *r, const struct wr_record_lane *said)
{
        struct wr_relayed_lane *lane = calloc(1, sizeof *lane);
        uint64_t heap = said->heap_bytes < WR_RELAYED_HEAP_FIRST ? said->heap_bytes : WR_RELAYED_HEAP_FIRST;
        uint64_t ring = said->ring_bytes < RING_BYTES_MAX ? said->ring_bytes : RING_BYTES_MAX;
        struct wr_lane_geometry g = wr_relayed_geometry(ring, heap, said->inline_max, said->hash);
        struct refused refused = { .subscriber = r->subscriber };
        char text[WR_EVENT_TEXT_MAX];
        bool has_been_told = false;

        if (said->inline_max > WR_RELAYED_INLINE_MAX || wr_lane_geometry_check(&g) < 0) {
                free(lane);
                return wr_relayed_stop(r, WEIR_E_CLOSED, "it announced a lane that is none");
        }
        if (lane) {
                lane->said = *said;
                lane->numbers = wr_relayed_numbers_new();
                lane->is_said = true;
                refused.reason = lane->numbers ? lane_make(r, lane, &g, &has_been_told) : WEIR_E_NO_MEMORY;
        } else {
                refused.reason = WEIR_E_NO_MEMORY;
        }
        if (refused.reason == WEIR_OK) {
                lane->next = r->lanes;
                r->lanes = lane;
                return WEIR_OK;
        }
        if (lane)
                lane_free(lane);
        if (has_been_told)
                return WEIR_OK;
        wr_sentence(text, sizeof text, "the memory to relay publisher '%s' of '%s' cannot be had: %s", said->name,
                    said->topic, weir_result_text(refused.reason));
        refused.text = text;
        wr_relayed_do(r, decline, &refused);
        return WEIR_OK; /* its frames are passed over */
}

static enum weir_result
lane_said(struct wr_relayed *r, const struct wr_record_lane *said)
{
        struct wr_relayed_lane *lane = wr_relayed_lane_of(r, said->source);

        if (!lane)
                return lane_first(r, said);
        if (said->hash != lane->said.hash || said->inline_max != lane->said.inline_max)
                return wr_relayed_stop(r, WEIR_E_CLOSED, "it announced a lane otherwise than before");
        lane->said.heap_bytes = said->heap_bytes;
        lane->is_said = true;
        return WEIR_OK;
}

struct over {
        struct weir_subscriber *subscriber;
        uint64_t lane;
        int32_t reason;
        const char *text;
};

static void
over_run(struct wr_control *c, struct wr_job *job)
{
        struct wr_question *q = (struct wr_question *)(void *)job;
        const struct over *over = q->subject;
        struct wr_lane_link *lane = over->subscriber->control_lanes;

        while (lane && lane->reader.geometry.lane != over->lane)
                lane = lane->control_next;
        if (lane)
                wr_control_lane_over(c, lane, over->reason, over->text); /* it may be gone from here on */
        wr_control_answered(c, q);
}

/* A lane that its subscriber has, and that never begins. */
static void
lane_unmake(struct wr_relayed *r, struct wr_relayed_writer *w)
{
        struct over over = { r->subscriber, w->writer.geometry.lane, WEIR_E_NO_MEMORY, "it never began" };

        wr_relayed_do(r, over_run, &over);
        wr_relayed_writer_close(w);
}

/* What its user has yet to take. While that is still in an earlier lane, what was left there when this one began. */
static struct wr_lane_backlog
lane_backlog(const struct wr_relayed_lane *lane)
{
        const struct wr_relayed_writer *w = lane->w;
        struct wr_lane_backlog backlog;
        bool is_read = wr_load(&w->pair.words->state) == WR_PAIR_TAKING;

        wr_lane_backlog(&w->writer, is_read ? wr_load_acquire(&w->pair.words->cursor) : w->start.position, &backlog);
        if (!is_read && lane->before.frames > 0) {
                backlog.frames += lane->before.frames;
                backlog.oldest_ns = lane->before.oldest_ns;
        }
        return backlog;
}

static enum weir_result
commit_next(void *context, uint64_t end)
{
        return wr_relayed_writer_commit(context, end);
}

enum weir_result
wr_relayed_lane_go_on(struct wr_relayed *r, struct wr_relayed_lane *lane, uint64_t heap_bytes)
{
        struct wr_relayed_writer *old = lane->w;
        const struct wr_lane_geometry *before = &old->writer.geometry;
        struct wr_lane_geometry g =
                wr_relayed_geometry(before->ring_bytes, heap_bytes, before->inline_max, before->hash);
        struct wr_lane_backlog backlog;
        enum weir_result result;
        bool has_been_told;

        backlog = lane_backlog(lane);
        g.epoch = before->epoch + 1;
        g.follows = before->lane;
        result = lane_make(r, lane, &g, &has_been_told);
        if (result == WEIR_OK && (result = wr_lane_move(&old->writer, &lane->w->writer, commit_next, lane->w)) < 0)
                lane_unmake(r, lane->w); /* the format in force has no room */
        if (result < 0) {
                lane->w = old;
                return result;
        }
        lane->since = lane->w->writer.sequence;
        lane->before = backlog;
        wr_lane_wake(&old->writer, wr_signal_raise);
        wr_lane_wake_owed(&old->writer, wr_signal_raise);
        wr_relayed_writer_close(old);
        lane->is_owing = true;
        return WEIR_OK;
}

/* What was lost behind the last frame is counted when it is taken to the end. */
static void
lane_end(struct wr_relayed *r, struct wr_relayed_lane *lane, int32_t reason, uint64_t lost, const char *text)
{
        struct wr_lane_writer *w = &lane->w->writer;
        struct over over = { r->subscriber, w->geometry.lane, reason, text };
        struct wr_relayed_lapped none = { 0, 0 };
        struct wr_relayed_lane **at = &r->lanes;

        lane->due.frame = lane->due.sequence = w->sequence;
        if (reason == WEIR_E_EVICTED && lane->said.reliable)
                wr_store_release(&lane->w->pair.words->evicted, w->sequence + lost); /* its number, or more: lost */
        else
                lane->due.lost += lost;
        wr_relayed_numbers_jump(lane->numbers, &lane->due, &none);
        if (reason == WEIR_OK)
                wr_lane_end(w, 0);
        else if (reason != WEIR_E_EVICTED || !lane->said.reliable)
                wr_relayed_do(r, over_run, &over);
        wr_lane_wake(w, wr_signal_raise);
        wr_lane_wake_owed(w, wr_signal_raise);
        while (*at != lane)
                at = &(*at)->next;
        *at = lane->next;
        lane_free(lane);
}

void
wr_relayed_lane_spoilt(struct wr_relayed *r, struct wr_relayed_lane *lane)
{
        char text[WR_EVENT_TEXT_MAX];

        wr_sentence(text, sizeof text, WR_SUBSCRIBER_SPOILT, lane->said.name, lane->said.topic);
        lane_end(r, lane, WEIR_E_CORRUPT, 0, text);
}

static void
lane_left(struct wr_relayed *r, const struct wr_record_left *left)
{
        struct refused refused = { r->subscriber, left->reason, left->text };
        struct wr_relayed_lane *lane = wr_relayed_lane_of(r, left->source);

        if (lane)
                lane_end(r, lane, left->reason, left->lost, left->text);
        else if (left->source == 0)
                wr_relayed_do(r, decline, &refused);
}

/* ---- the stream ---- */

static enum weir_result
begin(struct wr_relayed *r)
{
        struct wr_record record = { .kind = WR_RECORD_BEGIN, .begin = { .version = WR_RECORD_VERSION } };
        enum weir_result result;

        for (struct wr_relayed_lane *lane = r->lanes; lane; lane = lane->next) {
                record.begin.resumes += lane->sequence != 0;
                lane->is_back = lane->sequence != 0;
                lane->is_said = false;
        }
        result = wr_relayed_say(r, &record);
        for (struct wr_relayed_lane *lane = r->lanes; lane && result == WEIR_OK; lane = lane->next) {
                record =
                        (struct wr_record){ .kind = WR_RECORD_RESUME, .resume = { lane->said.source, lane->sequence } };
                if (lane->sequence != 0)
                        result = wr_relayed_say(r, &record);
        }
        if (result == WEIR_OK)
                result = wr_relayed_next(r, &record, INT64_MAX);
        if (result == WEIR_OK)
                result = wr_relayed_opened(r, &record);
        r->arrived = 0;
        r->told = (struct wr_record_taken){ 0 }; /* to an agent that is no more */
        r->missing_ns = r->resumes ? wr_clock_ns() + MISSING_NS : 0;
        return result;
}

/* Those that the agent has not named: their publishers did not come back to the broker. */
static void
missing_end(struct wr_relayed *r)
{
        struct wr_relayed_lane *lane, *next;
        char text[WR_EVENT_TEXT_MAX];

        r->missing_ns = 0;
        for (lane = r->lanes; lane; lane = next) {
                next = lane->next;
                if (lane->is_said)
                        continue;
                wr_sentence(text, sizeof text, "publisher '%s' of '%s' went while the way to it was lost",
                            lane->said.name, lane->said.topic);
                lane_end(r, lane, WEIR_E_CLOSED, 0, text);
        }
}

enum weir_result
wr_relayed_taken_tell(struct wr_relayed *r)
{
        struct wr_record record = { .kind = WR_RECORD_TAKEN };
        struct wr_record_taken *taken = &record.taken;
        int64_t now_ns = wr_clock_ns();
        struct weir_info info;

        r->since_look = 0;
        if (now_ns - r->told_ns < TOLD_NS)
                return WEIR_OK;
        info = wr_info_of_subscriber(r->subscriber);
        *taken = (struct wr_record_taken){ .frames = info.frames,
                                           .bytes = info.bytes,
                                           .lost = info.lost,
                                           .skipped = info.skipped,
                                           .corrupt = info.corrupt,
                                           .out = info.out,
                                           .copied_bytes = info.copied_bytes,
                                           .arrived = r->arrived };
        for (const struct wr_relayed_lane *lane = r->lanes; lane; lane = lane->next) {
                struct wr_lane_backlog backlog = lane_backlog(lane);

                taken->lag_frames += backlog.frames;
                if (backlog.frames > 0 && (taken->oldest_ns == 0 || backlog.oldest_ns < taken->oldest_ns))
                        taken->oldest_ns = backlog.oldest_ns;
        }
        r->told_ns = now_ns;
        if (memcmp(taken, &r->told, sizeof r->told) == 0)
                return WEIR_OK;
        r->told = *taken;
        return wr_relayed_say(r, &record);
}

/* Nothing to read: sleepers are woken, and the agent hears what was taken. */
static enum weir_result
idle(struct wr_relayed *r)
{
        wr_relayed_wakes_flush(r);
        if (r->missing_ns != 0 && wr_clock_ns() >= r->missing_ns)
                missing_end(r);
        return wr_relayed_taken_tell(r);
}

/* When idle() has something to do without a record. */
static int64_t
idle_until(const struct wr_relayed *r)
{
        int64_t until_ns = r->missing_ns != 0 ? r->missing_ns : INT64_MAX;

        for (const struct wr_relayed_lane *lane = r->lanes; lane; lane = lane->next) {
                int64_t owed_ns = wr_clock_ns() + OWED_NS;

                if (lane->w->writer.wakes_owed && owed_ns < until_ns)
                        until_ns = owed_ns;
        }
        if (r->lanes && r->told_ns + TOLD_NS < until_ns)
                until_ns = r->told_ns + TOLD_NS;
        return until_ns;
}

static enum weir_result
record_take(struct wr_relayed *r, const struct wr_record *record)
{
        switch (record->kind) {
        case WR_RECORD_LANE: return lane_said(r, &record->lane);
        case WR_RECORD_FORMAT: return wr_relayed_format(r, record);
        case WR_RECORD_FRAME: return wr_relayed_frame(r, record);
        case WR_RECORD_LEFT: lane_left(r, &record->left); return WEIR_OK;
        case WR_RECORD_CLOSED: return wr_relayed_closed(r, &record->closed);
        default: return wr_relayed_stop(r, WEIR_E_CLOSED, "it sent a record that is not for a subscriber");
        }
}

void
wr_relayed_take(struct wr_relayed *r)
{
        enum weir_result result = begin(r);
        struct wr_record record;

        while (result >= 0) {
                result = wr_relayed_next(r, &record, WEIR_NOW);
                if (result == WEIR_OK && ++r->since_look >= LOOK_RECORDS)
                        result = wr_relayed_taken_tell(r);
                if (result == WEIR_EMPTY) {
                        result = idle(r);
                        if (result == WEIR_OK)
                                result = wr_relayed_next(r, &record, idle_until(r));
                }
                if (result == WEIR_OK)
                        result = record_take(r, &record);
        }
        wr_relayed_wakes_flush(r);
}

void
wr_relayed_take_end(struct wr_relayed *r)
{
        struct wr_relayed_lane *lane;

        while ((lane = r->lanes)) {
                r->lanes = lane->next;
                lane_free(lane);
        }
}
