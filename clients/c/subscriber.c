/*
 * Taking. One turn looks at each lane once, beginning behind the one that was served last, so that no publisher can
 * keep another one's frames from us. Where there are many lanes, a look at all of them costs more than a frame: there
 * the one that has frames is served a few times before it is the others' turn.
 *
 *      frame there           it is filled and handed out
 *      lane is over          drained to its end; then it leaves, and the user hears of it as an event
 *      nothing anywhere      spin for a while, then sleep on all lanes at once (clients/c/wait.h)
 */
#include "clients/c/subscriber.h"

#include "bus/os/clock.h"
#include "clients/c/error.h"
#include "clients/c/relayed_numbers.h"
#include "clients/c/wait.h"
#include "named-objects/fork.h"
#include "named-objects/sentence.h"
#include "named-objects/signal.h"

#include <stdio.h>

enum {
        SPIN_NS = 20000,
        LOOKS_PER_CLOCK = 32, /* with few lanes */
        LOOKS_PER_FRAME = 16, /* at lanes, about so many at most while one of them is full */
        GROWTHS_MAX = 32,     /* of a lane during one take: an honest one doubles, and is at 8 MiB a time after ten */
        STREAM_FRAMES = 8,    /* so many, each met within so many looks, may be a stream */
        STREAM_LOOKS = 24,
        STREAM_AFTER_MAX = 1 << 16,
        STREAM_PAUSES = 40, /* about a microsecond or half of one */
        HEEL_EVERY = 64,    /* frames */
        HEEL_FRAMES = 48,   /* nearer than that is at the heels */
        HEEL_PAUSES = 320,  /* some microseconds */
        HEEL_FAR_NS = 110,  /* a line from afar, between two looks at the clock; from near by it is half of that */
        HEEL_NEAR_EVERY = 1024,
};

static __attribute__((noinline)) enum weir_result
check_fails(const struct weir_subscriber *s)
{
        if (!s)
                return wr_error(WEIR_E_USAGE, "the subscriber is NULL");
        if (!wr_fork_same(s->bus->generation))
                return wr_bus_forked();
        if (wr_load32(&s->closed) != 0)
                return wr_error(WEIR_E_CLOSED, "the subscriber of '%s' was closed", s->topic);
        return WEIR_OK;
}

static inline bool
is_usable(const struct weir_subscriber *s)
{
        return s && wr_fork_same(s->bus->generation) && wr_load32(&s->closed) == 0;
}

enum weir_result
wr_subscriber_check(const struct weir_subscriber *s)
{
        return is_usable(s) ? WEIR_OK : check_fails(s);
}

/* ---- one lane ---- */

static inline void
frame_count(struct weir_subscriber *s, uint64_t size, uint64_t copied)
{
        wr_store(&s->copied_bytes, wr_load(&s->copied_bytes) + copied);
        wr_store(&s->frames_taken, wr_load(&s->frames_taken) + 1);
        wr_store(&s->bytes, wr_load(&s->bytes) + size);
        s->in_row += 1;
}

/* What the frame object says of what the lane gave. */
static void
frame_fill(struct weir_subscriber *s, struct wr_lane_link *lane, struct wr_frame *frame)
{
        const struct wr_taken *t = &frame->taken;
        struct weir_frame *open = &frame->open;

        open->data = t->data;
        open->size = t->size;
        open->about = (struct weir_about){ t->about.stamp_ns, t->about.tag, t->about.meta, t->about.meta_size,
                                           t->about.flags };
        if (t->published_ns < s->opened_ns)
                open->about.flags |= WEIR_OLD;
        open->sequence = t->sequence;
        open->published_ns = t->published_ns;
        open->lost = t->lost;
        open->skipped = t->skipped;
        open->source = lane->source;
        open->topic = lane->topic;
        open->format = lane->format;
        open->kind = open->reserved = 0;
        wr_store32(&frame->out, WR_OUT);
        frame->lane = NULL;
        if (t->block) {
                frame->lane = lane;
                frame->announcement = t->announcement;
                wr_add32(&lane->references, 1);
        }
        frame_count(s, t->size, t->block ? 0 : t->size);
}

static void
lane_count_losses(struct wr_lane_link *lane)
{
        wr_store(&lane->lost, lane->reader.lost);
        wr_store(&lane->skipped, lane->reader.skipped);
        wr_store(&lane->corrupt, lane->reader.corrupt);
}

/* False: it is not the type that was asked for, and the lane has left: it may be gone. */
static bool
format_follow(struct weir_subscriber *s, struct wr_lane_link *lane, const struct wr_taken *taken)
{
        char text[WR_EVENT_TEXT_MAX];
        bool mismatch;

        lane->format = wr_format_of(s, lane, &mismatch);
        lane->format_number = taken->format;
        if (!mismatch)
                return true;
        if (taken->block)
                wr_lane_release(&lane->reader.pair, taken->announcement);
        snprintf(text, sizeof text, "publisher '%s' of '%s' changed its type to '%s', the subscriber asked for '%s'",
                 lane->name, lane->topic, lane->format->type, s->type);
        wr_subscriber_leave(s, lane, WEIR_E_TYPE, text);
        return false;
}

static void
pause_for_stream(int pauses)
{
        for (int pause = 0; pause < pauses; pause++)
                wr_pause();
}

/*
 * The same as stand_back() for who is at the heels and never finds the lane empty, because each line comes to it so
 * late that the frame is there by then (seen: 8 to 16 frames behind for ever, at half the speed). So who finds frame
 * after frame at its first look asks now and then how many lie before it, and lets some come together if they are few.
 * If few come meanwhile it was no stream, and it takes twice as many until it asks again. Only where lines come from
 * afar: of two cores that share a cache, the one close behind the other finds the frames in it.
 */
static __attribute__((noinline)) void
leave_heels(struct weir_subscriber *s, const struct wr_lane_reader *r)
{
        int64_t start_ns = wr_clock_ns();
        uint64_t behind = wr_lane_behind(r); /* in a line that the publisher has just written */
        bool is_near = wr_clock_ns() - start_ns < HEEL_FAR_NS;

        s->heel_frames = 0;
        if (is_near)
                s->heel_more = HEEL_NEAR_EVERY;
        if (is_near || behind >= HEEL_FRAMES)
                return;
        pause_for_stream(HEEL_PAUSES);
        if (wr_lane_behind(r) - behind >= STREAM_FRAMES)
                s->heel_more = 0;
        else if (s->heel_more < STREAM_AFTER_MAX)
                s->heel_more = 2 * s->heel_more + HEEL_EVERY;
}

/* A small frame with nothing beside its payload, as nearly all are, of the only lane: NULL where it is not so, and then
 * nothing was changed. What it does is what take_once() does. */
static inline __attribute__((always_inline)) struct wr_frame *
take_easy(struct weir_subscriber *s, bool may_wait)
{
        struct wr_frame *frame = s->spare ? s->spare : s->last;
        struct wr_lane_link *lane;
        struct weir_frame *open;
        struct wr_taken *t;

        if (!frame || s->lane_count != 1 || wr_load32(&s->arrivals_due) || wr_load32_acquire(&frame->out) != WR_IN)
                return NULL;
        lane = s->lanes[0];
        t = &frame->taken;
        if ((wr_load32_acquire(&lane->over) | wr_load32_acquire(&lane->stranded)) != 0 ||
            lane->reader.format != lane->format_number || !wr_lane_take_easy(&lane->reader, t, frame->copy))
                return NULL;
        open = &frame->open;
        open->data = t->data; /* one by one: compilers clear a whole frame by an instruction for strings */
        open->size = t->size;
        open->about.stamp_ns = 0;
        open->about.tag = 0;
        open->about.meta = NULL;
        open->about.meta_size = 0;
        open->about.flags = t->published_ns < s->opened_ns ? WEIR_OLD : 0;
        open->sequence = t->sequence;
        open->published_ns = t->published_ns;
        open->lost = open->skipped = 0;
        open->source = lane->source;
        open->topic = lane->topic;
        open->format = lane->format;
        open->kind = open->reserved = 0;
        wr_store32(&frame->out, WR_OUT);
        frame->lane = NULL;
        s->spare = NULL;
        frame_count(s, t->size, t->size);
        if (lane->reader.reliable && wr_pair_room_due(&lane->reader.pair))
                wr_signal_raise(&lane->reader.pair.words->space);
        if (may_wait && ++s->heel_frames > s->heel_more + HEEL_EVERY)
                leave_heels(s, &lane->reader);
        return frame;
}

static enum weir_result
lane_took(struct weir_subscriber *s, struct wr_lane_link *lane, struct wr_frame *frame)
{
        struct wr_lane_reader *r = &lane->reader;

        if (frame->taken.format != lane->format_number && !format_follow(s, lane, &frame->taken))
                return WEIR_EMPTY;
        if (lane->numbers)
                wr_relayed_numbers_apply(lane->numbers, r, &frame->taken);
        frame_fill(s, lane, frame);
        s->spare = NULL;
        if (r->reliable && !s->tells_room && wr_pair_room_due(&r->pair))
                wr_signal_raise(&r->pair.words->space);
        if (r->lost != wr_load(&lane->lost) || r->skipped != wr_load(&lane->skipped))
                lane_count_losses(lane);
        return WEIR_OK;
}

/* The lane said something else than a frame or nothing. */
static enum weir_result
lane_said(struct weir_subscriber *s, struct wr_lane_link *lane, enum weir_result result)
{
        char text[WR_EVENT_TEXT_MAX];

        switch (result) {
        case WEIR_ENDED:
                if (lane->reader.successor != 0)
                        return wr_lane_go_on(s, lane);
                snprintf(text, sizeof text, "publisher '%s' of '%s' closed", lane->name, lane->topic);
                wr_subscriber_leave(s, lane, WEIR_OK, text);
                return WEIR_EMPTY;
        case WEIR_E_EVICTED:
                snprintf(text, sizeof text,
                         "publisher '%s' of '%s' evicted this reliable subscriber: it held the "
                         "publisher up for longer than its stall_ns; what it had not taken is lost: %llu frame%s",
                         lane->name, lane->topic, (unsigned long long)lane->reader.lost, wr_s(lane->reader.lost));
                wr_subscriber_leave(s, lane, WEIR_E_EVICTED, text);
                return wr_error(WEIR_E_EVICTED, "%s", text);
        case WEIR_E_CORRUPT:
                snprintf(text, sizeof text, WR_SUBSCRIBER_SPOILT, lane->name, lane->topic);
                wr_subscriber_leave(s, lane, WEIR_E_CORRUPT, text);
                return WEIR_EMPTY;
        case WEIR_E_HELD: return WEIR_E_HELD;
        case WEIR_E_NO_MEMORY:
                if (lane->reader.wanted > lane->reader.committed)
                        wr_lane_reader_refuse(&lane->reader);
                return WEIR_EMPTY;
        default: return result;
        }
}

/* Where a frame lies beyond what we know to be there, the kernel is asked. With .keep, or after a lap, the frame that
 * is next may be another one by then, and lie further on: so it is asked for as long as there is more. */
static enum weir_result
take_grown(struct wr_lane_link *lane, struct wr_frame *frame)
{
        enum weir_result result = wr_lane_take(&lane->reader, &frame->taken, frame->copy);

        for (int turn = 0; result == WEIR_E_NO_MEMORY; turn++) {
                if (turn == GROWTHS_MAX)
                        return WEIR_EMPTY;
                if (wr_control_lane_grow(lane) != WEIR_OK)
                        return result;
                result = wr_lane_take(&lane->reader, &frame->taken, frame->copy);
        }
        return result;
}

static enum weir_result
lane_take(struct weir_subscriber *s, struct wr_lane_link *lane, struct wr_frame *frame)
{
        bool over = wr_load32_acquire(&lane->over) != 0; /* before the look: what was committed by then is drained */
        uint64_t position = lane->reader.position;
        enum weir_result result;

        if (wr_load32_acquire(&lane->stranded) && !over)
                return WEIR_EMPTY;
        if (over && (lane->reason == WEIR_E_DENIED || wr_load32(&lane->stranded))) {
                result = lane->reason == WEIR_E_EVICTED ? wr_error(WEIR_E_EVICTED, "%s", lane->text) : WEIR_EMPTY;
                wr_subscriber_leave(s, lane, lane->reason, lane->text);
                return result;
        }
        if (lane->numbers && (result = wr_lane_gap(s, lane)) < 0)
                return result;
        if (lane->numbers)
                wr_relayed_numbers_enter(lane->numbers);
        result = take_grown(lane, frame);
        if (result == WEIR_OK)
                return lane_took(s, lane, frame); /* and leaves the numbers */
        if (lane->numbers)
                wr_relayed_numbers_leave(lane->numbers);
        lane_count_losses(lane);
        if (lane->reader.reliable && lane->reader.position != position && wr_pair_room_due(&lane->reader.pair))
                wr_signal_raise(&lane->reader.pair.words->space); /* marks and corrupt frames were passed over */
        if (result != WEIR_EMPTY)
                return lane_said(s, lane, result);
        if (over)
                wr_subscriber_leave(s, lane, lane->reason, lane->text);
        return WEIR_EMPTY;
}

/* ---- all lanes ---- */

static enum weir_result
frames_held(struct weir_subscriber *s)
{
        return wr_error(WEIR_E_HELD, "frames_max of '%s' are out (%u): release one, copy, or raise it", s->topic,
                        s->frames_max);
}

/* Every frame is out. Is one waiting behind them? */
static enum weir_result
take_none_free(struct weir_subscriber *s)
{
        bool is_ready = false;

        for (uint32_t i = 0; i < s->lane_count && !is_ready; i++)
                is_ready = wr_lane_ready(&s->lanes[i]->reader) || wr_load32_acquire(&s->lanes[i]->over);
        if (!is_ready)
                return WEIR_EMPTY;
        if (wr_frames_hold(s))
                return frames_held(s); /* an end is something to take, too, and weir_next() knows it as such */
        s->spare = wr_frames_get(s);
        return WEIR_OK;
}

static enum weir_result
take_once(struct weir_subscriber *s, const struct weir_frame **frame)
{
        enum weir_result result;

        if (wr_load32(&s->arrivals_due))
                wr_subscriber_adopt(s);
        if (!s->spare) {
                s->spare = wr_frames_get(s);
                result = s->spare ? WEIR_OK : take_none_free(s);
                if (result != WEIR_OK)
                        return result;
        }
        for (uint32_t left = s->lane_count; left > 0 && s->lane_count > 0; left--) {
                struct wr_frame *taken = s->spare;
                uint32_t stay = s->stay;

                if (stay == 0)
                        s->turn = s->turn + 1 < s->lane_count ? s->turn + 1 : 0;
                s->stay = stay == 0 ? s->lane_count / LOOKS_PER_FRAME : stay - 1;
                result = lane_take(s, s->lanes[s->turn], taken);
                if (result != WEIR_OK)
                        s->stay = 0;
                if (result == WEIR_OK)
                        *frame = &taken->open;
                if (result == WEIR_E_HELD)
                        return frames_held(s);
                if (result != WEIR_EMPTY)
                        return result;
        }
        if (wr_load32_acquire(&s->revoked) != 0 && s->lane_count == 0)
                return wr_error(WEIR_E_DENIED, "%s", s->revoked_text);
        if (!s->options.until_end || !s->had_lane || s->lane_count > 0 || wr_load32(&s->arrivals_due))
                return WEIR_EMPTY;
        wr_store32(&s->end_told, 1);
        return WEIR_ENDED;
}

/* ---- waiting ---- */

/*
 * In a stream, a reader at its publisher's heels takes each line away from it just before it is written, and both
 * crawl. So who gets frame after frame with hardly a look between them lets some come together first, whenever it has
 * caught up. If few came meanwhile it was no stream (one frame in flight, going to and fro): then it takes twice as
 * many to try that again.
 */
static void
stand_back(struct weir_subscriber *s)
{
        if (s->stood_back && s->in_row < STREAM_FRAMES / 2) {
                s->stood_back = false;
                s->in_row = 0;
                if (s->stream_after < STREAM_AFTER_MAX)
                        s->stream_after = 2 * s->stream_after + STREAM_FRAMES;
                return;
        }
        if (s->stood_back)
                s->stream_after = 0;
        else if (s->in_row < STREAM_FRAMES + s->stream_after)
                return;
        s->stood_back = true;
        s->in_row = 0;
        pause_for_stream(STREAM_PAUSES);
}

/* Might a take find something? A few loads, so that who spins on the sibling of its publisher's processor leaves it the
 * core. Only of a single lane; else yes. */
static bool
may_have_come(const struct weir_subscriber *s)
{
        const struct wr_lane_link *lane;

        if (s->lane_count != 1 || wr_load32(&s->arrivals_due))
                return true;
        lane = s->lanes[0];
        return wr_lane_ready(&lane->reader) || (wr_load32_acquire(&lane->over) | wr_load32_acquire(&lane->stranded));
}

static enum weir_result
take_look(struct weir_subscriber *s, const struct weir_frame **frame)
{
        struct wr_frame *taken;

        if (!may_have_come(s))
                return WEIR_EMPTY;
        taken = take_easy(s, false);
        if (!taken)
                return take_once(s, frame);
        *frame = &taken->open;
        return WEIR_OK;
}

static enum weir_result
take_spin(struct weir_subscriber *s, const struct weir_frame **frame, int64_t deadline_ns)
{
        int64_t spin_ns = s->options.spin_ns, until_ns;
        enum weir_result result = WEIR_EMPTY;
        int looks;

        if (spin_ns < 0 || (spin_ns == 0 && s->relayed)) /* it would keep its far end from the processor */
                return WEIR_EMPTY;
        until_ns = wr_bus_deadline(spin_ns == 0 ? SPIN_NS : spin_ns);
        if (until_ns > deadline_ns)
                until_ns = deadline_ns;
        stand_back(s);
        looks = s->lane_count < LOOKS_PER_CLOCK ? LOOKS_PER_CLOCK : 1;
        while (result == WEIR_EMPTY && !wr_load32(&s->bus->interrupted) && !wr_load32(&s->bus->closed)) {
                for (int look = 0; look < looks && result == WEIR_EMPTY; look++) {
                        wr_pause();
                        result = take_look(s, frame);
                        if (look == STREAM_LOOKS && !s->stood_back)
                                s->in_row = 0;
                }
                if (until_ns != WEIR_FOREVER && wr_clock_ns() >= until_ns)
                        break;
        }
        return result;
}

static enum weir_result
take_wait(struct weir_subscriber *s, const struct weir_frame **frame, int64_t timeout_ns)
{
        int64_t deadline_ns = wr_bus_deadline(timeout_ns);
        enum weir_result result = take_spin(s, frame, deadline_ns);
        struct wr_wait wait;
        uint32_t tries = 0;

        while (result == WEIR_EMPTY) {
                int64_t left_ns = deadline_ns == WEIR_FOREVER ? WEIR_FOREVER : deadline_ns - wr_clock_ns();

                wr_wait_begin(&wait, s->bus);
                if (wr_load32(&s->bus->interrupted))
                        return WEIR_INTERRUPTED;
                if (wr_load32(&s->bus->closed))
                        return wr_error(WEIR_E_CLOSED, "the bus was closed");
                wr_wait_add_subscriber(&wait, s);
                /* armed before the look; publishers commit before their own */
                wr_wait_settle(wr_subscriber_fences(s) || wait.peers_fence);
                result = take_once(s, frame);
                if (result == WEIR_EMPTY && left_ns > 0) {
                        wr_wait_sleep(&wait, left_ns, tries++);
                        result = take_once(s, frame); /* what woke us, before anything else is done */
                }
                wr_wait_end(&wait);
                if (result == WEIR_EMPTY && left_ns <= 0)
                        return WEIR_EMPTY;
        }
        return result;
}

static __attribute__((noinline)) enum weir_result
take_any(struct weir_subscriber *s, int64_t timeout_ns, const struct weir_frame **frame)
{
        enum weir_result result = wr_subscriber_check(s);

        if (result < 0)
                return result;
        if (!frame)
                return wr_error(WEIR_E_USAGE, "weir_take has nowhere to put the frame");
        *frame = NULL;
        if (s->options.shared)
                wr_mutex_lock(&s->shared_lock);
        if (timeout_ns > 0 && wr_load32(&s->bus->interrupted))
                result = WEIR_INTERRUPTED;
        else
                result = take_once(s, frame);
        if (result == WEIR_EMPTY && timeout_ns > 0)
                result = take_wait(s, frame, timeout_ns);
        if (s->options.shared)
                wr_mutex_unlock(&s->shared_lock);
        wr_wakeup_settle(s->bus);
        return result;
}

enum weir_result WEIR_CALL
weir_take(struct weir_subscriber *s, int64_t timeout_ns, const struct weir_frame **frame)
{
        struct wr_frame *taken;

        if (!is_usable(s) || !frame || s->options.shared || wr_load32(&s->bus->interrupted) ||
            wr_load32(&s->bus->wakeup.used) || !(taken = take_easy(s, timeout_ns > 0 && s->options.spin_ns >= 0)))
                return take_any(s, timeout_ns, frame);
        *frame = &taken->open;
        return WEIR_OK;
}

enum weir_result WEIR_CALL
weir_take_many(struct weir_subscriber *s, const struct weir_frame **frames, uint32_t max, uint32_t *n)
{
        enum weir_result result = wr_subscriber_check(s);

        if (result < 0)
                return result;
        if (!n || (max > 0 && !frames))
                return wr_error(WEIR_E_USAGE, "weir_take_many has nowhere to put the frames or their number");
        *n = 0;
        if (s->options.shared)
                wr_mutex_lock(&s->shared_lock);
        while (*n < max && (result = take_once(s, &frames[*n])) == WEIR_OK)
                *n += 1;
        if (s->options.shared)
                wr_mutex_unlock(&s->shared_lock);
        wr_wakeup_settle(s->bus);
        return *n > 0 ? WEIR_OK : result;
}
