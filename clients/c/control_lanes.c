/*
 * Lanes of our subscribers, as the control thread sees them.
 *
 *      LANE_ADDED   check the grant, map lane (read-only) and page, hand it to the taking thread   PAIR_READY
 *      LANE_ENDED   the lane is over, or one that was announced does not come
 *      life-line    its publisher died: what it committed is still drained
 *      finish       nobody takes from it, sleeps on it or holds a block of it any more             PAIR_DONE
 *
 * The lane's read-only descriptor stays here: the taking thread asks through it how far the memory really is there.
 */
#include "clients/c/options.h"
#include "clients/c/relayed_numbers.h"
#include "clients/c/subscriber.h"

#include "named-objects/sentence.h"
#include "named-objects/signal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INLINE_MAX = 4096 /* as the copies in frame.c */ };

static struct weir_subscriber *
subscriber_of(struct wr_control *c, uint64_t subscription)
{
        struct weir_subscriber *s = c->subscribers;

        while (s && s->id != subscription)
                s = s->control_next;
        return s;
}

/* One of the lanes that weir_subscriber_open waits for came, or does not. */
static void
opening_settle(struct wr_control *c, struct weir_subscriber *s)
{
        struct wr_question *q = s->opening;

        if (!q || --s->lanes_due > 0)
                return;
        s->opening = NULL;
        wr_control_finish(c, q);
}

/* ---- LANE_ADDED ---- */

static enum weir_result
lane_map(struct wr_lane_link *lane, const struct wr_message_lane_added *m, const struct wr_lane_geometry *g,
         const wr_object *objects)
{
        uint64_t words = wr_pair_words_bytes(m->announcements);
        enum weir_result result = wr_lane_geometry_check(g);

        if (result == WEIR_OK && g->inline_max > INLINE_MAX)
                result = WEIR_E_VERSION;
        if (result == WEIR_OK)
                result = wr_region_check(objects[0], g->segment_bytes, true);
        if (result == WEIR_OK)
                result = wr_region_check(objects[1], m->page_bytes, false);
        if (result < 0)
                return result;
        if (m->words_offset % WR_LINE_BYTES != 0 || words > m->page_bytes || m->words_offset > m->page_bytes - words)
                return WEIR_E_CORRUPT;
        result = wr_region_map(objects[0], g->segment_bytes, false, &lane->segment);
        if (result < 0)
                lane->segment = NULL;
        if (result == WEIR_OK && (result = wr_region_map(objects[1], m->page_bytes, true, &lane->page)) < 0)
                lane->page = NULL;
        lane->page_bytes = m->page_bytes;
        return result;
}

static enum weir_result
lane_read(struct wr_lane_link *lane, const struct wr_message_lane_added *m, const struct wr_lane_geometry *g,
          const struct weir_subscriber *s)
{
        const struct weir_subscriber_options *o = &s->options;
        struct wr_lane_start start = { m->position, m->sequence, m->format };
        struct wr_pair_words *words = (struct wr_pair_words *)(void *)((uint8_t *)lane->page + m->words_offset);
        enum weir_result result;

        if (wr_subscriber_fences(s))
                wr_pair_reader_fences(words);
        result =
                wr_lane_reader_open(&lane->reader, lane->segment, g, &start, words, m->announcements, m->reliable != 0);
        lane->reader.keep = o->keep == WEIR_NONE ? 0 : o->keep;
        lane->reader.history = wr_options_count(o->history, UINT32_MAX); /* of a lane that has not begun */
        lane->reader.verify = o->verify == 0 ? 1 : o->verify;            /* WEIR_NONE is what it calls none, too */
        lane->reader.leaves_blocks = s->bus->stands_in[0] != '\0';
        return result;
}

/* The broker did not hear that we were done with it, and gives it once more: we had hung up. */
static bool
lane_was_left(const struct wr_lane_link *lane, const struct wr_message_lane_added *m)
{
        const struct wr_pair_words *words = (const void *)((const uint8_t *)lane->page + m->words_offset);

        return wr_load_acquire(&words->state) == WR_PAIR_RELEASED;
}

/* Whatever of it is there goes. */
static void
lane_free(struct wr_control *c, struct wr_lane_link *lane)
{
        wr_helpers_forget(&c->bus->helpers, &lane->helped);
        if (lane->reader.pair.words)
                wr_signal_unbind(&lane->reader.pair.words->wake, &lane->reader.pair.words->space);
        if (lane->segment)
                wr_region_unmap(lane->segment, lane->reader.geometry.segment_bytes);
        if (lane->page)
                wr_region_unmap(lane->page, lane->page_bytes);
        wr_lane_reader_close(&lane->reader);
        free(lane->reader.pair.held);
        wr_object_close(lane->object);
        if (lane->subscriber)
                wr_name_let_go(lane->subscriber, lane);
        if (lane->peer)
                wr_control_peer_drop(c, lane->peer);
        wr_relayed_numbers_drop(lane->numbers);
        free(lane);
}

static void
lane_finish(struct wr_control *c, struct wr_job *job)
{
        struct wr_lane_link *lane =
                (struct wr_lane_link *)(void *)((char *)job - offsetof(struct wr_lane_link, finish));
        struct weir_subscriber *s = lane->subscriber;
        struct wr_lane_link **at = &s->control_lanes;

        while (*at != lane)
                at = &(*at)->control_next;
        *at = lane->control_next;
        if (!wr_load32(&c->bus->is_bereft))
                wr_store_release(&lane->reader.pair.words->state, WR_PAIR_RELEASED);
        if (!lane->numbers && !wr_load32(&c->bus->is_bereft))
                wr_control_send(c, &(struct wr_message){ .kind = WR_PAIR_DONE, .pair_done = { lane->pair } });
        lane_free(c, lane);
        c->lanes -= 1;
        wr_subscriber_drop(s);
}

static enum weir_result
lane_create(struct wr_control *c, struct weir_subscriber *s, const struct wr_message_lane_added *m, wr_object *objects,
            struct wr_lane_link **out)
{
        struct wr_lane_geometry geometry = WR_GEOMETRY_OF(m);
        struct wr_lane_link *lane = calloc(1, sizeof *lane);
        enum weir_result result;

        if (!lane)
                return WEIR_E_NO_MEMORY;
        lane->object = WR_NO_OBJECT;
        lane->reader.geometry = geometry;
        result = lane_map(lane, m, &geometry, objects);
        if (result == WEIR_OK && lane_was_left(lane, m))
                result = WEIR_E_CLOSED;
        if (result == WEIR_OK)
                result = lane_read(lane, m, &geometry, s);
        if (result == WEIR_OK)
                result = wr_signal_bind(&lane->reader.pair.words->wake, &lane->reader.pair.words->space,
                                        WR_SIGNAL_SUBSCRIBER, &objects[3]);
        if (result == WEIR_OK) {
                lane->peer = wr_control_peer(c, m->peer, objects[2]);
                objects[2] = WR_NO_OBJECT;
                result = lane->peer ? WEIR_OK : WEIR_E_NO_MEMORY;
        }
        if (result == WEIR_OK)
                result = wr_name_hold(s, lane, m->topic);
        if (result < 0) {
                lane_free(c, lane);
                return result;
        }
        lane->object = objects[0];
        objects[0] = WR_NO_OBJECT;
        lane->references = 1;
        lane->subscriber = s;
        lane->pair = m->pair;
        lane->source = m->source;
        lane->finish.run = lane_finish;
        snprintf(lane->name, sizeof lane->name, "%s", m->name);
        *out = lane;
        return WEIR_OK;
}

static void
lane_enter(struct wr_control *c, struct weir_subscriber *s, struct wr_lane_link *lane)
{
        wr_add32(&s->references, 1);
        c->lanes += 1;
        lane->control_next = s->control_lanes;
        s->control_lanes = lane;
}

/* To the end of the arrivals, so that lanes are taken in the order in which they came. */
static uint32_t
lane_arrive(struct weir_subscriber *s, struct wr_lane_link *lane)
{
        struct wr_lane_link **end;
        uint32_t count;

        wr_mutex_lock(&s->lock);
        count = s->lane_count + 1;
        for (end = &s->arrivals; *end; end = &(*end)->next)
                count += 1;
        *end = lane;
        wr_store32(&s->arrivals_due, 1);
        wr_mutex_unlock(&s->lock);
        return count;
}

void
wr_control_lane_declined(struct wr_control *c, struct weir_subscriber *s, int32_t reason, const char *text)
{
        uint32_t count;

        wr_mutex_lock(&s->lock);
        count = s->lane_count;
        wr_mutex_unlock(&s->lock);
        /* Told while it opens, too: the open call says so itself only when no other lane came. */
        wr_bus_tell(c->bus, &(struct weir_event){ .kind = WEIR_LEFT,
                                                  .reason = reason,
                                                  .user = s->options.user,
                                                  .subscriber = s,
                                                  .topic = s->topic,
                                                  .text = text,
                                                  .count = count });
        if (!s->opening)
                return;
        s->declined = reason;
        snprintf(s->opening->sentence, sizeof s->opening->sentence, "%s", text);
        opening_settle(c, s);
}

/* Else a sentence. */
static bool
lane_has_place(const struct wr_control *c, struct weir_subscriber *s, const struct wr_message_lane_added *m, char *text,
               size_t room)
{
        if (m->follows == 0 || wr_lane_may_follow(s, m->source))
                return wr_control_has_objects(c, 2, text, room);
        wr_sentence(text, room,
                    "publisher '%s' of '%s' moved on %d times while this subscriber took nothing from the first of "
                    "these lanes: it gets no further one. Take sooner",
                    m->name, m->topic, WR_LANES_IN_ROW_MAX - 1);
        return false;
}

static void
lane_come(struct wr_control *c, struct weir_subscriber *s, struct wr_lane_link *lane, uint64_t source)
{
        char text[WR_EVENT_TEXT_MAX];
        uint32_t count;

        lane_enter(c, s, lane);
        if (wr_lane_follow(s, lane))
                return;
        count = lane_arrive(s, lane);
        wr_sentence(text, sizeof text, "publisher '%s' of '%s' joined", lane->name, lane->topic);
        wr_bus_tell(c->bus, &(struct weir_event){ .kind = WEIR_JOINED,
                                                  .user = s->options.user,
                                                  .subscriber = s,
                                                  .topic = lane->topic,
                                                  .text = text,
                                                  .source = source,
                                                  .count = count });
        opening_settle(c, s);
}

static void
lane_not_come(struct wr_control *c, struct weir_subscriber *s, const struct wr_message_lane_added *m,
              enum weir_result result, char *text, size_t room)
{
        if (!text[0])
                wr_sentence(text, room, "the lane of publisher '%s' of '%s' cannot be mapped: %s", m->name, m->topic,
                            weir_result_text(result));
        wr_control_lane_declined(c, s, result, text);
}

void
wr_control_lane_added(struct wr_control *c, const struct wr_message_lane_added *m, wr_object *objects)
{
        struct weir_subscriber *s = subscriber_of(c, m->subscription);
        struct wr_lane_link *lane = NULL;
        char text[WR_EVENT_TEXT_MAX] = "";
        enum weir_result result = s ? WEIR_OK : WEIR_E_CLOSED;

        if (s && !lane_has_place(c, s, m, text, sizeof text))
                result = WEIR_E_QUOTA;
        if (result == WEIR_OK)
                result = lane_create(c, s, m, objects, &lane);
        wr_control_send(c, &(struct wr_message){ .kind = WR_PAIR_READY, .pair_ready = { m->pair, result } });
        if (s && result < 0)
                lane_not_come(c, s, m, result, text, sizeof text);
        else if (s)
                lane_come(c, s, lane, m->source);
}

enum weir_result
wr_control_lane_relayed(struct wr_control *c, struct weir_subscriber *s, const struct wr_message_lane_added *m,
                        wr_object *objects, struct wr_relayed_numbers *numbers)
{
        struct wr_lane_link *lane;
        char text[WR_EVENT_TEXT_MAX] = "";
        enum weir_result result = WEIR_E_QUOTA;

        if (lane_has_place(c, s, m, text, sizeof text))
                result = lane_create(c, s, m, objects, &lane);
        if (result < 0) {
                lane_not_come(c, s, m, result, text, sizeof text);
                return result;
        }
        lane->numbers = wr_relayed_numbers_hold(numbers);
        lane->reader.careful = true;
        lane->reader.verify = WEIR_NONE; /* its frames were, when they came, and nobody else writes there */
        lane_come(c, s, lane, m->source);
        return WEIR_OK;
}

/* ---- its end ---- */

void
wr_control_lane_over(struct wr_control *c, struct wr_lane_link *lane, int32_t reason, const char *text)
{
        if (wr_load32(&lane->over) || wr_lane_forgo(lane))
                return;
        lane->reason = reason;
        snprintf(lane->text, sizeof lane->text, "%s", text);
        wr_store32_release(&lane->over, 1);
        wr_bus_poke(c->bus);
}

void
wr_control_lane_ended(struct wr_control *c, const struct wr_message_lane_ended *m)
{
        struct weir_subscriber *s = subscriber_of(c, m->subscription);

        if (!s)
                return;
        if (m->lane == 0) {
                wr_control_lane_declined(c, s, m->reason, m->text);
                return;
        }
        for (struct wr_lane_link *lane = s->control_lanes; lane; lane = lane->control_next)
                if (lane->reader.geometry.lane == m->lane)
                        wr_control_lane_over(c, lane, m->reason, m->text);
}

void
wr_control_lanes_revoked(struct wr_control *c, const struct wr_message_revoked *m)
{
        struct weir_subscriber *s = subscriber_of(c, m->endpoint);

        if (!s || wr_load32(&s->revoked))
                return;
        wr_sentence(s->revoked_text, sizeof s->revoked_text, "%s", m->text);
        wr_store32_release(&s->revoked, 1);
        wr_bus_tell(c->bus, &(struct weir_event){ .kind = WEIR_REVOKED,
                                                  .reason = WEIR_E_DENIED,
                                                  .user = s->options.user,
                                                  .subscriber = s,
                                                  .topic = s->topic,
                                                  .text = m->text });
}

void
wr_control_lanes_dead(struct wr_control *c, struct wr_peer *peer)
{
        char text[WR_EVENT_TEXT_MAX];

        for (struct weir_subscriber *s = c->subscribers; s; s = s->control_next)
                for (struct wr_lane_link *lane = s->control_lanes; lane; lane = lane->control_next) {
                        if (lane->peer != peer)
                                continue;
                        wr_sentence(text, sizeof text, "publisher '%s' of '%s' died", lane->name, lane->topic);
                        wr_control_lane_over(c, lane, WEIR_E_CLOSED, text);
                }
}

/* ---- how much of it is there ---- */

static void
lane_grow(struct wr_control *c, struct wr_job *job)
{
        struct wr_question *q = (struct wr_question *)(void *)job;
        struct wr_lane_link *lane = q->subject;
        const struct wr_lane_geometry *g = &lane->reader.geometry;
        uint64_t from = g->heap_offset + lane->reader.committed, to = from;

        q->result = wr_region_committed(lane->object, from, &to);
        if (q->result == WEIR_OK && to > g->heap_offset + g->heap_bytes)
                to = g->heap_offset + g->heap_bytes;
        if (q->result == WEIR_OK && to > from)
                lane->reader.committed = to - g->heap_offset; /* the taking thread waits for us */
        wr_control_answered(c, q);
}

enum weir_result
wr_control_lane_grow(struct wr_lane_link *lane)
{
        struct wr_question q = { .subject = lane };
        uint64_t before = lane->reader.committed;

        wr_control_do(&lane->subscriber->bus->control, &q, lane_grow);
        return lane->reader.committed > before ? WEIR_OK : WEIR_EMPTY;
}
