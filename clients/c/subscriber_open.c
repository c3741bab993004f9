/*
 * How a subscriber begins and ends, and how its lanes come and go.
 *
 *      weir_subscriber_open   SUBSCRIBE -> SUBSCRIBED(n lanes) -> LANE_ADDED ... until all came or failed, or 500 ms
 *      arrivals               put there by the control thread, adopted by the taking one
 *      leave                  LEAVING in the pair page, event; DONE when the last block of the lane was released
 */
#include "bus/os/clock.h"
#include "clients/c/error.h"
#include "clients/c/options.h"
#include "clients/c/relayed.h"
#include "clients/c/relayed_numbers.h"
#include "clients/c/subscriber.h"
#include "named-objects/fork.h"
#include "named-objects/sentence.h"
#include "named-objects/signal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES_LIMIT = 1024 /* as the broker's FRAMES_MAX */ };
#define OPEN_TIMEOUT_NS  INT64_C(10000000000)
#define LANES_TIMEOUT_NS INT64_C(500000000)

/* ---- lanes ---- */

void
wr_subscriber_lane_drop(struct wr_lane_link *lane)
{
        struct weir *bus = lane->subscriber->bus;

        if (wr_add32(&lane->references, UINT32_MAX) == 1)
                wr_control_post(&bus->control, &lane->finish);
}

static bool
lanes_have_room(struct weir_subscriber *s)
{
        uint32_t room = s->lane_room == 0 ? 4 : 2 * s->lane_room;
        struct wr_lane_link **lanes;

        if (s->lane_count < s->lane_room)
                return true;
        lanes = realloc(s->lanes, room * sizeof(struct wr_lane_link *));
        if (!lanes)
                return false; /* the arrival stays where it is; the next take tries again */
        s->lanes = lanes;
        s->lane_room = room;
        return true;
}

void
wr_subscriber_adopt(struct weir_subscriber *s)
{
        struct wr_lane_link *lane;

        wr_mutex_lock(&s->lock);
        while ((lane = s->arrivals) && lanes_have_room(s)) {
                s->arrivals = lane->next;
                s->lanes[s->lane_count++] = lane;
                s->had_lane = true;
                wr_store32(&s->end_told, 0);
        }
        wr_names_collect(s);
        wr_store32(&s->arrivals_due, s->arrivals != NULL);
        wr_mutex_unlock(&s->lock);
}

static void
lane_remove(struct weir_subscriber *s, const struct wr_lane_link *lane)
{
        wr_mutex_lock(&s->lock);
        for (uint32_t i = 0; i < s->lane_count; i++) {
                if (s->lanes[i] != lane)
                        continue;
                s->lanes[i] = s->lanes[--s->lane_count];
                break;
        }
        wr_mutex_unlock(&s->lock);
        if (s->turn >= s->lane_count)
                s->turn = 0;
}

void
wr_subscriber_add_up(struct weir_subscriber *s, const struct wr_lane_link *lane)
{
        wr_store(&s->lost, wr_load(&s->lost) + lane->reader.lost);
        wr_store(&s->skipped, wr_load(&s->skipped) + lane->reader.skipped);
        wr_store(&s->corrupt, wr_load(&s->corrupt) + lane->reader.corrupt);
        if (s->heir)
                s->heir(s->heir_context, lane);
}

void
wr_subscriber_leave(struct weir_subscriber *s, struct wr_lane_link *lane, int32_t reason, const char *text)
{
        struct wr_pair_reader *pair = &lane->reader.pair;
        struct weir_event event = { .kind = WEIR_LEFT,
                                    .reason = reason,
                                    .user = s->options.user,
                                    .subscriber = s,
                                    .topic = lane->topic,
                                    .text = text,
                                    .source = lane->source };

        wr_lane_followers_drop(lane);
        lane_remove(s, lane);
        if (lane->numbers)
                wr_relayed_numbers_end(lane->numbers, &lane->reader);
        wr_subscriber_add_up(s, lane);
        wr_store_release(&pair->words->state, WR_PAIR_LEAVING);
        if (wr_pair_room_due(pair)) /* the publisher waits for us no more */
                wr_signal_raise(&pair->words->space);
        if (reason == WEIR_E_EVICTED)
                event.kind = WEIR_EVICTED;
        else if (reason == WEIR_E_DENIED && wr_load32(&s->revoked) == 0) /* else it was told of the whole */
                event.kind = WEIR_REVOKED;
        event.count = s->lane_count;
        if (wr_load32(&s->closed) == 0)
                wr_bus_tell(s->bus, &event);
        wr_subscriber_lane_drop(lane);
}

/* Is there something to take, or an end to see? */
static bool
is_ready(const struct wr_lane_link *lane)
{
        return wr_load32_acquire(&lane->over) || (wr_lane_ready(&lane->reader) && !wr_load32_acquire(&lane->stranded));
}

bool
wr_subscriber_ready(struct weir_subscriber *s)
{
        bool ready = false;

        if (wr_frames_held(s))
                return false; /* a take would say WEIR_E_HELD, until something is released */
        wr_mutex_lock(&s->lock);
        for (uint32_t i = 0; i < s->lane_count && !ready; i++)
                ready = is_ready(s->lanes[i]);
        for (struct wr_lane_link *lane = s->arrivals; lane && !ready; lane = lane->next)
                ready = is_ready(lane);
        if (s->options.until_end && s->had_lane && s->lane_count == 0 && !s->arrivals && !wr_load32(&s->end_told))
                ready = true; /* WEIR_ENDED */
        wr_mutex_unlock(&s->lock);
        return ready;
}

/* ---- opening, in the control thread ---- */

bool
wr_subscriber_opened(struct wr_control *c, struct wr_question *q, uint64_t id, uint32_t lanes)
{
        struct weir_subscriber *s = q->subject;

        s->id = id;
        s->lanes_due = lanes;
        wr_add32(&s->references, 1);
        s->control_next = c->subscribers;
        c->subscribers = s;
        q->result = WEIR_OK;
        if (s->lanes_due == 0)
                return true;
        s->opening = q;
        q->deadline_ns = wr_bus_deadline(LANES_TIMEOUT_NS);
        return false;
}

static bool
subscribe_answer(struct wr_control *c, struct wr_question *q, const struct wr_message *m, wr_object *objects)
{
        const struct weir_subscriber *s = q->subject;

        if (m->kind == WR_SUBSCRIBED && !s->relayed)
                return wr_subscriber_opened(c, q, m->subscribed.subscription, m->subscribed.lanes);
        if (m->kind == WR_RELAY && !s->relayed) {
                q->result = wr_relayed_begin(c, q, &m->relay, objects, q->subject, NULL);
                return q->result < 0;
        }
        q->result = WEIR_E_CORRUPT;
        wr_sentence(q->sentence, sizeof q->sentence, "the broker answered SUBSCRIBE with %s", wr_message_name(m->kind));
        return true;
}

/* A stopped publisher delays only its own lane: it comes when it comes. */
static void
subscribe_abandon(struct wr_control *c, struct wr_question *q)
{
        struct weir_subscriber *s = q->subject;

        wr_relayed_abandon(s->relayed);
        if (!s->opening)
                return;
        s->opening = NULL;
        if (!wr_load32(&c->lost))
                q->result = WEIR_OK;
}

static void
control_subscriber_close(struct wr_control *c, struct wr_job *job)
{
        struct wr_question *q = (struct wr_question *)(void *)job;
        struct weir_subscriber *s = q->subject, **at = &c->subscribers;

        while (*at && *at != s)
                at = &(*at)->control_next;
        if (*at) {
                *at = s->control_next;
                if (!s->relayed && !wr_load32(&c->bus->is_bereft))
                        wr_control_send(c, &(struct wr_message){ .kind = WR_CLOSE_SUBSCRIPTION,
                                                                 .close_subscription = { s->id } });
                wr_subscriber_drop(s);
        }
        wr_relayed_close(c, s->relayed, q);
}

/* ---- opening and closing, in the user's thread ---- */

void
wr_subscriber_drop(struct weir_subscriber *s)
{
        struct weir *bus = s->bus;

        if (wr_add32(&s->references, UINT32_MAX) != 1)
                return;
        free(s->lanes);
        wr_relayed_free(s->relayed);
        wr_names_free(s);
        wr_mutex_destroy(&s->lock);
        wr_mutex_destroy(&s->shared_lock);
        free(s);
        wr_bus_drop(bus);
}

static enum weir_result
options_check(const struct weir_subscriber_options *o, const char *topic)
{
        enum weir_result result = wr_options_pattern(topic);

        if (result == WEIR_OK)
                result = wr_options_path(o->require, topic);
        if (result < 0)
                return result;
        if (o->delivery > WEIR_RELIABLE)
                return wr_error(WEIR_E_USAGE, "delivery of '%s' is %u: use WEIR_LOSSY or WEIR_RELIABLE", topic,
                                o->delivery);
        if (o->frames_max > FRAMES_LIMIT)
                return wr_error(WEIR_E_USAGE, "frames_max of '%s' is %u: use 0 for the default of %d", topic,
                                o->frames_max, WR_FRAMES_DEFAULT);
        if (o->delivery == WEIR_RELIABLE && o->keep > 0)
                return wr_error(WEIR_E_USAGE,
                                "'%s' is subscribed reliably with keep = %u: who passes frames over holds nobody "
                                "up for them, so leave delivery at WEIR_LOSSY",
                                topic, o->keep);
        return WEIR_OK;
}

static struct weir_subscriber *
subscriber_create(struct weir *bus, const char *topic, const struct weir_subscriber_options *o)
{
        struct weir_subscriber *s = calloc(1, sizeof *s);

        if (!s)
                return NULL;
        s->bus = bus;
        s->options = *o;
        s->opened_ns = wr_clock_ns();
        s->references = 2; /* the handle's, and that of all frames together */
        snprintf(s->topic, sizeof s->topic, "%s", topic);
        s->is_pattern = strchr(topic, '*') != NULL;
        snprintf(s->type, sizeof s->type, "%s", o->type ? o->type : "");
        s->options.type = NULL; /* the caller's */
        wr_mutex_init(&s->lock);
        wr_mutex_init(&s->shared_lock);
        wr_bus_hold(bus);
        return s;
}

void
wr_subscriber_describe(const struct weir_subscriber *s, struct wr_message_subscribe *m)
{
        *m = (struct wr_message_subscribe){ .delivery = s->options.delivery,
                                            .frames_max = s->frames_max,
                                            .history = wr_options_count(s->options.history, UINT32_MAX),
                                            .require = s->options.require,
                                            .keep = wr_options_count(s->options.keep, 0) };
        snprintf(m->topic, sizeof m->topic, "%s", s->topic);
        snprintf(m->type, sizeof m->type, "%s", s->type);
}

static enum weir_result
subscriber_ask(struct weir_subscriber *s)
{
        struct wr_question q = {
                .answer = subscribe_answer, .abandon = subscribe_abandon, .subject = s, .message.kind = WR_SUBSCRIBE
        };
        enum weir_result result;

        wr_subscriber_describe(s, &q.message.subscribe);
        result = wr_control_ask(&s->bus->control, &q, OPEN_TIMEOUT_NS);
        if (result < 0)
                return result;
        /* Publishers there are, but none that this subscriber can have: better said now than as silence. */
        if (s->declined < 0 && !wr_load32(&s->arrivals_due))
                return wr_error((enum weir_result)s->declined, "%s", q.sentence);
        return WEIR_OK;
}

enum weir_result WEIR_CALL
weir_subscriber_open(struct weir_subscriber **out, struct weir *bus, const char *topic,
                     const struct weir_subscriber_options *options)
{
        struct weir_subscriber_options o;
        struct weir_subscriber *s;
        enum weir_result result = wr_bus_check(bus);

        if (result == WEIR_OK && !out)
                result = wr_error(WEIR_E_USAGE, "weir_subscriber_open has nowhere to put the subscriber");
        if (result == WEIR_OK)
                result = wr_options_read(&o, sizeof o, options, "weir_subscriber_options");
        if (result == WEIR_OK)
                result = options_check(&o, topic);
        if (result < 0)
                return result;
        *out = NULL;
        s = subscriber_create(bus, topic, &o);
        if (!s)
                return wr_error(WEIR_E_NO_MEMORY, "no memory for a subscriber");
        result = wr_frames_open(s, o.frames_max == 0 ? WR_FRAMES_DEFAULT : o.frames_max);
        if (result == WEIR_OK)
                result = subscriber_ask(s);
        if (result < 0) {
                weir_subscriber_close(s);
                return result;
        }
        wr_mutex_lock(&bus->lock);
        s->next = bus->subscribers;
        bus->subscribers = s;
        wr_mutex_unlock(&bus->lock);
        wr_bus_poke(bus);
        *out = s;
        return WEIR_OK;
}

static void
bus_forget(struct weir *bus, struct weir_subscriber *s)
{
        struct weir_subscriber **at = &bus->subscribers;

        wr_mutex_lock(&bus->lock);
        while (*at && *at != s)
                at = &(*at)->next;
        if (*at)
                *at = s->next;
        if (bus->told == s)
                bus->told = NULL;
        wr_events_forget(&bus->events, s);
        wr_mutex_unlock(&bus->lock);
}

void
wr_subscriber_shut(struct weir_subscriber *s)
{
        struct wr_question q = { .subject = s };

        if (wr_load32(&s->closed) != 0)
                return;
        wr_store32(&s->closed, 1);
        bus_forget(s->bus, s);
        wr_control_do(&s->bus->control, &q, control_subscriber_close); /* from now on no lane arrives */
        bus_forget(s->bus, s); /* what the control thread told of it until then */
        do {
                wr_subscriber_adopt(s);
                while (s->lane_count > 0)
                        wr_subscriber_leave(s, s->lanes[0], WEIR_OK, NULL);
        } while (s->arrivals);
        wr_frames_close(s);
        wr_bus_poke(s->bus);
}

void WEIR_CALL
weir_subscriber_close(struct weir_subscriber *s)
{
        if (!s || !wr_fork_same(s->bus->generation))
                return;
        wr_left_remove(&s->left);
        wr_subscriber_shut(s);
        wr_subscriber_drop(s);
}
