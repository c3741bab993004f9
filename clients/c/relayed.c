/*
 * What the far ends of subscribers and publishers share: how they begin, read, write, lose their stream and get another
 * one, and end.
 *
 *      control thread                                far end
 *      RELAY: thread started  ------------------->   BEGIN ... OPENED or REFUSED
 *      opens the endpoint  <-----  job, waits  ----
 *                                                    records, until the stream ends
 *      asks again, at once or when a broker is back  <-----  job, waits  ----  then sleeps
 *      RELAY: another stream  ------------------->   BEGIN, RESUME ...
 *      close: ending, hang up ------------------->   done, as a job: the control thread joins it
 */
#include "clients/c/relayed.h"

#include "bus/os/clock.h"
#include "clients/c/publisher.h"
#include "clients/c/subscriber.h"
#include "named-objects/sentence.h"
#include "named-objects/signal.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_MIN_NS INT64_C(10000000) /* a broker that dies closes both, one just behind the other */
#define PAUSE_MAX_NS INT64_C(2000000000)
#define STEADY_NS    INT64_C(1000000000) /* a stream that was there for so long was one */

static const char *
topic_of(const struct wr_relayed *r)
{
        return r->subscriber ? r->subscriber->topic : r->publisher->topic;
}

/* ---- the thread: what it has to say ---- */

void
wr_relayed_do(struct wr_relayed *r, void (*run)(struct wr_control *c, struct wr_job *job), void *subject)
{
        struct wr_question q = { .subject = subject };

        wr_control_do(&r->bus->control, &q, run);
}

struct opened {
        struct wr_relayed *r;
        const struct wr_record *record;
        enum weir_result result;
        char sentence[WR_CONTROL_SENTENCE_MAX];
};

/* Who opens it hears of it. A subscriber may wait on, for its first lanes. */
static void
opener_answer(struct wr_control *c, struct opened *opened)
{
        struct wr_relayed *r = opened->r;
        struct wr_question *q = r->opening;
        const struct wr_record_opened *o = &opened->record->opened;

        r->opening = NULL;
        if (opened->result == WEIR_OK && r->subscriber && !wr_subscriber_opened(c, q, o->id, o->count))
                return;
        q->result = opened->result;
        if (q->result < 0)
                wr_sentence(q->sentence, sizeof q->sentence, "%s", opened->sentence);
        wr_control_finish(c, q);
}

/* Whether a broker that came has it is decided. */
static void
rejoin_end(struct wr_control *c, struct wr_relayed *r)
{
        if (!r->rejoins)
                return;
        r->rejoins = false;
        wr_control_rejoined(c);
}

static void
opened_run(struct wr_control *c, struct wr_job *job)
{
        struct wr_question *q = (struct wr_question *)(void *)job;
        struct opened *opened = q->subject;
        struct wr_relayed *r = opened->r;

        if (!r->is_open && !r->opening) {
                opened->result = WEIR_E_NO_BROKER; /* nobody waits for it any more */
        } else if (opened->record->kind == WR_RECORD_REFUSED) {
                opened->result = (enum weir_result)opened->record->refused.result;
                wr_sentence(opened->sentence, sizeof opened->sentence, "%s", opened->record->refused.sentence);
        } else if (!r->is_open && r->publisher) {
                opened->result =
                        wr_relayed_publish(c, r, &opened->record->opened, opened->sentence, sizeof opened->sentence);
        } else if (r->is_open && r->subscriber) {
                r->subscriber->id = opened->record->opened.id;
        } else if (r->is_open) {
                wr_mutex_lock(&r->bus->lock);
                r->publisher->source = opened->record->opened.source;
                wr_mutex_unlock(&r->bus->lock);
                wr_store32(&r->publisher->link_count, opened->record->opened.count);
                wr_store(&r->publisher->payload_max, opened->record->opened.payload_max);
        }
        if (r->opening)
                opener_answer(c, opened);
        r->is_open |= opened->result == WEIR_OK;
        r->opened_ns = opened->result == WEIR_OK ? wr_clock_ns() : 0;
        r->drained = wr_load(&r->written); /* to begin is not to get on */
        wr_relayed_drain_forgive(r, r->came_ns);
        r->id = opened->result == WEIR_OK ? opened->record->opened.id : 0;
        if (opened->result == WEIR_OK)
                rejoin_end(c, r);
        wr_control_answered(c, q);
}

enum weir_result
wr_relayed_opened(struct wr_relayed *r, const struct wr_record *record)
{
        struct opened opened = { .r = r, .record = record, .result = WEIR_OK };

        if (record->kind != WR_RECORD_OPENED && record->kind != WR_RECORD_REFUSED)
                return wr_relayed_stop(r, WEIR_E_CLOSED, "it begins with something else than an answer");
        wr_relayed_do(r, opened_run, &opened);
        if (opened.result < 0 && r->is_open && !wr_relayed_is_no(opened.result)) /* it passes: asked for again */
                return wr_relayed_stop(r, WEIR_E_CLOSED, opened.sentence);
        if (opened.result < 0) /* for good */
                return wr_relayed_stop(r, opened.result == WEIR_E_CLOSED ? WEIR_E_DENIED : opened.result,
                                       opened.sentence);
        return WEIR_OK;
}

/* ---- the control thread: its stream was lost ---- */

static void
event_tell(struct wr_relayed *r, enum weir_result reason, const char *text)
{
        wr_bus_tell(r->bus, &(struct weir_event){ .kind = WEIR_PATH,
                                                  .reason = reason,
                                                  .subscriber = r->subscriber,
                                                  .publisher = r->publisher,
                                                  .user = r->subscriber ? r->subscriber->options.user
                                                                        : r->publisher->options.user,
                                                  .topic = topic_of(r),
                                                  .text = text });
}

static void
turn_raise(struct wr_relayed *r)
{
        wr_add32(&r->turn, 1);
        wr_signal_raise_private(&r->turn);
}

/* A subscriber's last word, without which it would seem to have died. A publisher says its own, behind its last frame.
 */
static void
goodbye(struct wr_relayed *r)
{
        struct wr_record closed = { .kind = WR_RECORD_CLOSED };
        uint8_t bytes[WR_RECORD_BYTES_MAX];
        struct wr_span span = { bytes, wr_record_encode(&closed, bytes) };
        size_t done;

        wr_mutex_lock(&r->lock);
        if (r->stream != WR_NO_OBJECT && !r->publisher && !r->is_saying)
                wr_stream_write(r->stream, &span, 1, &done); /* hardly anything goes this way: there is room */
        wr_mutex_unlock(&r->lock);
}

static void
ending_begin(struct wr_relayed *r)
{
        wr_store32_release(&r->ending, 1);
        wr_mutex_lock(&r->lock);
        if (r->stream != WR_NO_OBJECT)
                wr_stream_hang_up(r->stream);
        wr_mutex_unlock(&r->lock);
        turn_raise(r);
        r->again_ns = 0;
}

void
wr_relayed_revoke(struct wr_control *c, struct wr_relayed *r, const char *text)
{
        struct wr_message_revoked m = { .endpoint = r->publisher ? r->publisher->lane : r->subscriber->id };

        ending_begin(r);
        wr_sentence(m.text, sizeof m.text, "%s", text);
        if (r->publisher) {
                wr_control_pairs_revoked(c, &m);
                return;
        }
        wr_control_lanes_revoked(c, &m);
        for (struct wr_lane_link *lane = r->subscriber->control_lanes; lane; lane = lane->control_next)
                wr_control_lane_over(c, lane, WEIR_E_DENIED, text);
}

static bool
is_coming(struct wr_relayed *r)
{
        bool is_there;

        wr_mutex_lock(&r->lock);
        is_there = r->coming != WR_NO_OBJECT;
        wr_mutex_unlock(&r->lock);
        return is_there;
}

/* Its agent may have yet to see that the stream has ended: what is asked next is answered as if it had. */
static void
closed_tell(struct wr_control *c, const struct wr_relayed *r)
{
        struct wr_message m = { .kind = WR_CLOSE_LANE, .close_lane = { r->id } };

        if (r->subscriber)
                m = (struct wr_message){ .kind = WR_CLOSE_SUBSCRIPTION, .close_subscription = { r->id } };
        if (r->closing && r->id != 0)
                wr_control_send(c, &m);
}

static void
lost_run(struct wr_control *c, struct wr_job *job)
{
        struct wr_question *q = (struct wr_question *)(void *)job;
        struct wr_relayed *r = q->subject;
        bool drains = r->drain_ns != 0 && !wr_relayed_is_ending(r) && r->end.result == WEIR_E_CLOSED &&
                      wr_relayed_has_rest(r);
        int64_t now_ns = wr_clock_ns();

        if (r->opening) {
                struct wr_question *opening = r->opening;

                r->opening = NULL;
                opening->result = WEIR_E_NO_BROKER;
                wr_sentence(opening->sentence, sizeof opening->sentence,
                            "the %s of '%s' was lost before it was open (%s): try again",
                            r->path == WEIR_TCP ? "connection" : "pipe", topic_of(r), r->end.text);
                wr_control_finish(c, opening);
        }
        if (r->has_flowed || (r->opened_ns != 0 && now_ns - r->opened_ns >= STEADY_NS))
                r->pause_ns = 0;
        r->has_flowed = false;
        r->opened_ns = 0;
        r->lost_ns = is_coming(r) ? 0 : now_ns;
        if (r->publisher && r->is_open)
                wr_store32(&r->publisher->link_count, 0); /* readers that a new agent finds are told anew */
        if (r->lost_ns != 0)
                rejoin_end(c, r);
        if (!drains) /* else it may yet read what is left in the stream */
                closed_tell(c, r);
        r->id = 0;
        if (!r->is_open)
                wr_store32_release(&r->ending, 1);
        else if (r->drain_ns != 0 && !drains)
                ending_begin(r);
        else if (r->end.result != WEIR_E_CLOSED && !wr_relayed_is_ending(r))
                wr_relayed_revoke(c, r, r->end.text);
        else if (!wr_relayed_is_ending(r) && r->lost_ns != 0)
                r->again_ns = now_ns + (r->pause_ns ? r->pause_ns : PAUSE_MIN_NS);
        wr_control_answered(c, q);
}

void
wr_relayed_describe(const struct wr_relayed *r, struct wr_message *m)
{
        /* Once relayed, for good: a broker that comes may let it map. Over TCP, and for who maps nothing, none does. */
        bool is_fixed = r->path == WEIR_PIPE && !wr_control_maps_nothing();

        if (r->subscriber) {
                m->kind = WR_SUBSCRIBE;
                wr_subscriber_describe(r->subscriber, &m->subscribe);
                m->subscribe.require = is_fixed ? r->path : m->subscribe.require;
        } else {
                m->kind = WR_PUBLISH;
                wr_publisher_describe(r->publisher, &m->publish);
                m->publish.require = is_fixed ? r->path : m->publish.require;
        }
}

/* Over TCP it was made by ourselves (control_wire.c). Else the broker gives this client no further object before it has
 * heard of this one, and it may be our own reader who waits for such. */
static enum weir_result
stream_accept(struct wr_control *c, const struct wr_message_relay *m, wr_object *stream)
{
        enum weir_result result = WEIR_OK;

        if (m->path != WEIR_TCP)
                result = wr_stream_adopt(stream);
        else if (*stream == WR_NO_OBJECT)
                result = WEIR_E_CLOSED;
        wr_control_send(c, &(struct wr_message){ .kind = WR_PONG });
        return result;
}

enum weir_result
wr_relayed_answer(struct wr_control *c, struct wr_relayed *r, struct wr_question *q, const struct wr_message *m,
                  wr_object *objects)
{
        enum weir_result result = WEIR_E_CORRUPT;

        if (m->kind == WR_RELAY && (result = stream_accept(c, &m->relay, &objects[0])) == WEIR_OK) {
                wr_mutex_lock(&r->lock);
                wr_object_close(r->coming);
                r->coming = objects[0];
                objects[0] = WR_NO_OBJECT;
                if (r->stream != WR_NO_OBJECT) /* it has yet to notice */
                        wr_stream_hang_up(r->stream);
                wr_mutex_unlock(&r->lock);
                if (r->lost_ns != 0)
                        wr_relayed_drain_forgive(r, r->lost_ns);
                r->came_ns = wr_clock_ns();
                r->again_ns = r->lost_ns = 0; /* another one would hang this one up */
                turn_raise(r);
                return WEIR_OK;
        }
        wr_sentence(q->sentence, sizeof q->sentence, "the broker answered with %s: %s", wr_message_name(m->kind),
                    weir_result_text(result));
        return result;
}

void
wr_relayed_settle(struct wr_control *c, struct wr_relayed *r, const struct wr_question *q)
{
        r->is_asked = false;
        if (c->phase != WR_PHASE_SERVED && r->drain_ns != 0 && r->lost_ns != 0)
                r->again_ns = wr_clock_ns(); /* with the next broker: it is not among what is open */
        if (c->phase != WR_PHASE_SERVED || wr_relayed_is_ending(r))
                return; /* lost again: all begins anew */
        if (wr_relayed_is_no(q->result))
                wr_relayed_revoke(c, r, q->sentence);
        else if (q->result < 0)
                r->again_ns =
                        wr_clock_ns() + (r->drain_ns != 0 ? r->pause_ns : PAUSE_MAX_NS); /* who closes is in haste */
}

struct wr_relayed *
wr_relayed_of(const struct wr_control *c, const void *subject)
{
        struct wr_relayed *r = c->relayed;

        while (r && r != subject)
                r = r->next;
        return r;
}

static bool
again_answer(struct wr_control *c, struct wr_question *q, const struct wr_message *m, wr_object *objects)
{
        struct wr_relayed *r = wr_relayed_of(c, q->subject);

        if (!r && m->kind == WR_RELAY) /* it has closed meanwhile */
                wr_control_send(c, &(struct wr_message){ .kind = WR_PONG });
        q->result = r ? wr_relayed_answer(c, r, q, m, objects) : WEIR_E_CLOSED;
        return true;
}

static void
again_settle(struct wr_control *c, struct wr_question *q)
{
        struct wr_relayed *r = wr_relayed_of(c, q->subject);
        char text[WR_EVENT_TEXT_MAX];

        if (!r)
                return;
        wr_relayed_settle(c, r, q);
        if (q->result < 0 || c->phase != WR_PHASE_SERVED)
                return;
        wr_sentence(text, sizeof text, "the way to '%s' is there again", topic_of(r));
        event_tell(r, WEIR_OK, text);
}

static void
ask(struct wr_control *c, struct wr_relayed *r)
{
        struct wr_question *q = calloc(1, sizeof *q);
        char text[WR_EVENT_TEXT_MAX];

        r->pause_ns = r->pause_ns == 0 ? PAUSE_MIN_NS : 2 * r->pause_ns;
        if (r->pause_ns > PAUSE_MAX_NS)
                r->pause_ns = PAUSE_MAX_NS;
        r->again_ns = q ? 0 : wr_clock_ns() + r->pause_ns;
        if (!q)
                return;
        if (r->pause_ns == PAUSE_MIN_NS) {
                wr_sentence(text, sizeof text, "the way to '%s' was lost (%.200s): it is asked for again", topic_of(r),
                            r->end.text);
                event_tell(r, WEIR_E_CLOSED, text);
        }
        r->is_asked = true;
        q->answer = again_answer;
        q->settle = again_settle;
        q->subject = r;
        wr_relayed_describe(r, &q->message);
        wr_control_ask_own(c, q, WR_RELAYED_ANSWER_NS);
}

int64_t
wr_relayed_again(struct wr_control *c, int64_t now_ns)
{
        int64_t again_ns = INT64_MAX;

        for (struct wr_relayed *r = c->relayed; r; r = r->next) {
                if (r->drain_ns != 0 && !wr_relayed_is_ending(r)) {
                        int64_t until_ns = wr_relayed_drain_until(r, now_ns);

                        if (now_ns >= until_ns)
                                ending_begin(r);
                        again_ns = until_ns < again_ns ? until_ns : again_ns;
                }
                if (r->again_ns != 0 && c->phase == WR_PHASE_SERVED && now_ns >= r->again_ns && !r->is_asked)
                        ask(c, r);
                if (r->again_ns != 0 && c->phase == WR_PHASE_SERVED && r->again_ns < again_ns && !r->is_asked)
                        again_ns = r->again_ns;
        }
        return again_ns;
}

/* ---- the thread's life ---- */

/* False: it is to end. */
static bool
stream_wait(struct wr_relayed *r)
{
        for (;;) {
                struct wr_signal_wait turn = { .word = &r->turn,
                                               .value = wr_load32_acquire(&r->turn),
                                               .is_private = true };
                bool is_there;

                wr_mutex_lock(&r->lock);
                r->stream = r->coming;
                r->coming = WR_NO_OBJECT;
                is_there = r->stream != WR_NO_OBJECT;
                wr_mutex_unlock(&r->lock);
                if (wr_relayed_is_ending(r))
                        return false;
                if (is_there)
                        return true;
                wr_signal_wait(&turn, 1, INT64_MAX);
        }
}

static void
stream_close(struct wr_relayed *r)
{
        wr_mutex_lock(&r->lock);
        wr_object_close(r->stream);
        r->stream = WR_NO_OBJECT;
        wr_mutex_unlock(&r->lock);
}

/* In the control thread: the thread is about to return. */
static void
done_run(struct wr_control *c, struct wr_job *job)
{
        struct wr_relayed *r = (struct wr_relayed *)(void *)((char *)job - offsetof(struct wr_relayed, done)), **at;
        struct wr_question *closing = r->closing;

        wr_thread_join(r->thread);
        for (at = &c->relayed; *at != r; at = &(*at)->next)
                ;
        *at = r->next;
        for (struct wr_question *q = c->questions; q; q = q->next) /* another one may come to lie where it lay */
                if (q->subject == r)
                        q->subject = NULL;
        rejoin_end(c, r);
        wr_store32_release(&r->has_ended, 1);
        if (closing)
                wr_control_answered(c, closing); /* it may be gone from here on */
}

static void *
relayed_main(void *argument)
{
        struct wr_relayed *r = argument;

        while (stream_wait(r)) {
                r->end.result = WEIR_OK;
                r->in.begin = r->in.end = 0;
                r->in.ahead = 0;
                wr_stream_writer_open(&r->writer, r->stream);
                if (r->subscriber)
                        wr_relayed_take(r);
                else
                        wr_relayed_give(r);
                wr_stream_writer_close(&r->writer);
                stream_close(r);
                wr_relayed_do(r, lost_run, r);
                r->resumes = true;
        }
        stream_close(r);
        if (r->subscriber)
                wr_relayed_take_end(r);
        else
                wr_relayed_give_end(r);
        r->done.run = done_run;
        wr_control_post(&r->bus->control, &r->done);
        return NULL;
}

enum weir_result
wr_relayed_begin(struct wr_control *c, struct wr_question *q, const struct wr_message_relay *m, wr_object *objects,
                 struct weir_subscriber *s, struct weir_publisher *p)
{
        struct wr_relayed *r = calloc(1, sizeof *r);
        enum weir_result result = r ? stream_accept(c, m, &objects[0]) : WEIR_E_NO_MEMORY;

        if (result == WEIR_OK && !wr_control_has_objects(c, p ? 6 : 4, q->sentence, sizeof q->sentence))
                result = WEIR_E_QUOTA;
        else if (result < 0)
                wr_sentence(q->sentence, sizeof q->sentence, "cannot begin to relay '%s': %s", s ? s->topic : p->topic,
                            weir_result_text(result));
        if (result < 0) {
                free(r);
                return result;
        }
        r->bus = c->bus;
        r->subscriber = s;
        r->publisher = p;
        r->opening = q;
        r->path = m->path;
        snprintf(r->why, sizeof r->why, "%s", m->why);
        wr_mutex_init(&r->lock);
        r->stream = WR_NO_OBJECT;
        r->coming = objects[0];
        objects[0] = WR_NO_OBJECT;
        if (!wr_thread_start(&r->thread, relayed_main, r, 0)) {
                wr_sentence(q->sentence, sizeof q->sentence, "no thread is left, or no memory for one, to relay '%s'",
                            s ? s->topic : p->topic);
                wr_relayed_free(r);
                return WEIR_E_NO_MEMORY;
        }
        r->next = c->relayed;
        c->relayed = r;
        if (s)
                s->relayed = r;
        else
                p->relayed = r;
        return WEIR_OK;
}

void
wr_relayed_abandon(struct wr_relayed *r)
{
        if (r)
                r->opening = NULL;
}

void
wr_relayed_close(struct wr_control *c, struct wr_relayed *r, struct wr_question *q)
{
        if (!r || wr_load32_acquire(&r->has_ended)) {
                wr_control_answered(c, q);
                return;
        }
        r->closing = q;
        if (r->publisher && r->is_open && (r->lost_ns == 0 || wr_relayed_has_rest(r))) { /* END is in its lane */
                r->drain_ns = wr_clock_ns();
                r->drained = wr_load(&r->written);
                if (r->lost_ns != 0 && r->again_ns == 0 && !r->is_asked) /* it was to be told with all that is open */
                        r->again_ns = r->drain_ns;
                return;
        }
        goodbye(r);
        ending_begin(r);
}

void
wr_relayed_free(struct wr_relayed *r)
{
        if (!r)
                return;
        wr_object_close(r->stream);
        wr_object_close(r->coming);
        wr_mutex_destroy(&r->lock);
        free(r);
}
