/*
 * How a publisher begins and ends.
 *
 *      user's thread                     control thread                       broker
 *      weir_publisher_open   ------>     PUBLISH                  ------>     plan, check, memory
 *                                        LANE_GRANT               <------
 *                                        check, map, commit the ring, put the format
 *                                        READY                    ------>     seal, pair who waits
 *                                        PAIR_ADDED, PAIR_ACK     <----->
 *      prefault, huge pages  <------     OPENED                   <------
 *
 * So whatever is published after weir_publisher_open reaches every reader that was there.
 */
#include "clients/c/publisher.h"

#include "bus/os/barrier.h"
#include "bus/os/memory.h"
#include "clients/c/error.h"
#include "clients/c/options.h"
#include "clients/c/relayed.h"
#include "named-objects/fork.h"
#include "named-objects/sentence.h"
#include "named-objects/signal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOANS_MAX = 64, ALIGN_MAX = 4096 /* a page: no more is known of where the heap is mapped */ };
#define MEMORY_MAX      (UINT64_C(1) << 30)
#define MEMORY_FIRST    (UINT64_C(1) << 29) /* of a publisher that did not say: it grows when it must */
#define STALL_NS        INT64_C(5000000000)
#define OPEN_TIMEOUT_NS INT64_C(10000000000)

/* ---- in the control thread ---- */

static enum weir_result
segment_map(struct weir_publisher *p, const struct wr_lane_geometry *g, wr_object region)
{
        enum weir_result result = wr_lane_geometry_check(g);
        void *segment;

        if (result == WEIR_OK)
                result = wr_region_check(region, g->segment_bytes, false);
        if (result == WEIR_OK)
                result = wr_region_map(region, g->segment_bytes, true, &segment);
        if (result < 0)
                return result;
        p->segment = segment;
        p->segment_bytes = g->segment_bytes;
        p->inline_max = g->inline_max;
        p->ring_first = g->ring_bytes;
        wr_store(&p->heap_bytes, g->heap_bytes);
        result = wr_memory_commit(segment, g->ring_offset + g->ring_bytes);
        if (result == WEIR_OK)
                result = wr_lane_writer_open(&p->writer, segment, g, p->options.history, p->loans_max);
        if (wr_publisher_fences(p))
                p->writer.settles = WR_PAIR_FENCES;
        if (result < 0) {
                wr_region_unmap(segment, g->segment_bytes);
                p->segment = NULL;
        }
        return result;
}

enum weir_result
wr_publisher_granted(struct wr_control *c, struct weir_publisher *p, const struct wr_message_lane_grant *m,
                     wr_object region, char *sentence, size_t room)
{
        struct wr_lane_geometry geometry = WR_GEOMETRY_OF(m);
        enum weir_result result = segment_map(p, &geometry, region);

        p->lane = m->lane;
        p->source = m->source;
        if (result < 0) {
                wr_sentence(sentence, room, "cannot map the lane of '%s' (%llu bytes, %llu at once): %s", p->topic,
                            (unsigned long long)m->segment_bytes, (unsigned long long)(m->ring_offset + m->ring_bytes),
                            weir_result_text(result));
                return result;
        }
        if (p->options.format)
                result = wr_publisher_put_format(p, p->options.format);
        if (result != WEIR_OK) {
                wr_sentence(sentence, room, "%s", weir_error()); /* said in this thread, moved to its own */
                return result < 0 ? result : WEIR_E_TOO_LARGE;
        }
        wr_add32(&p->references, 1);
        p->control_next = c->publishers;
        c->publishers = p;
        return WEIR_OK;
}

static bool
lane_granted(struct wr_control *c, struct wr_question *q, const struct wr_message_lane_grant *m, wr_object region)
{
        q->result = wr_publisher_granted(c, q->subject, m, region, q->sentence, sizeof q->sentence);
        if (q->result < 0) {
                wr_control_send(c, &(struct wr_message){ .kind = WR_CLOSE_LANE, .close_lane = { m->lane } });
                return true;
        }
        wr_control_send(c,
                        &(struct wr_message){ .kind = WR_READY, .request = q->message.request, .ready = { m->lane } });
        return false;
}

static bool
publish_answer(struct wr_control *c, struct wr_question *q, const struct wr_message *m, wr_object *objects)
{
        const struct weir_publisher *p = q->subject;

        if (m->kind == WR_LANE_GRANT && !p->relayed)
                return lane_granted(c, q, &m->lane_grant, objects[0]);
        if (m->kind == WR_RELAY && !p->relayed) {
                q->result = wr_relayed_begin(c, q, &m->relay, objects, NULL, q->subject);
                return q->result < 0;
        }
        q->result = WEIR_OK;
        if (m->kind != WR_OPENED || p->relayed) { /* a relay has one answer */
                q->result = WEIR_E_CORRUPT;
                wr_sentence(q->sentence, sizeof q->sentence, "the broker answered PUBLISH with %s",
                            wr_message_name(m->kind));
        }
        return true;
}

static void
publish_abandon(struct wr_control *c, struct wr_question *q)
{
        const struct weir_publisher *p = q->subject;

        (void)c;
        wr_relayed_abandon(p->relayed);
}

/* The publishing thread is outside for good: it waits for this. */
static void
control_publisher_close(struct wr_control *c, struct wr_job *job)
{
        struct wr_question *q = (struct wr_question *)(void *)job;
        struct weir_publisher *p = q->subject, **at = &c->publishers;

        while (*at && *at != p)
                at = &(*at)->control_next;
        if (*at) {
                *at = p->control_next;
                wr_control_pairs_close(c, p);
                if (!p->relayed && !wr_load32(&c->bus->is_bereft))
                        wr_control_send(c, &(struct wr_message){ .kind = WR_CLOSE_LANE, .close_lane = { p->lane } });
                wr_publisher_drop(p);
        }
        wr_relayed_close(c, p->relayed, q);
}

/* ---- in the user's thread ---- */

void
wr_publisher_drop(struct weir_publisher *p)
{
        struct weir *bus = p->bus;

        if (wr_add32(&p->references, UINT32_MAX) != 1)
                return;
        wr_relayed_free(p->relayed);
        wr_mutex_destroy(&p->lock);
        wr_mutex_destroy(&p->shared_lock);
        free(p);
        wr_bus_drop(bus);
}

static enum weir_result
options_check(struct weir_publisher_options *o, const char *topic)
{
        enum weir_result result = wr_options_topic(topic);

        if (result == WEIR_OK)
                result = wr_options_path(o->require, topic);
        if (result < 0)
                return result;
        o->payload_align = o->payload_align == 0 ? WR_LINE_BYTES : o->payload_align;
        if (o->payload_align < WR_LINE_BYTES || o->payload_align > ALIGN_MAX ||
            (o->payload_align & (o->payload_align - 1)))
                return wr_error(WEIR_E_USAGE, "payload_align of '%s' is %u: a power of two from %d to %d", topic,
                                o->payload_align, WR_LINE_BYTES, ALIGN_MAX);
        if (o->hash > WEIR_HASH_NONE)
                return wr_error(WEIR_E_USAGE, "hash of '%s' is %u: use WEIR_HASH_FULL, _HEADER or _NONE", topic,
                                o->hash);
        if (o->stall_ns < 0)
                return wr_error(WEIR_E_USAGE, "stall_ns of '%s' is negative", topic);
        o->stall_ns = o->stall_ns == 0 ? STALL_NS : o->stall_ns;
        return WEIR_OK;
}

/* What is to be there from the beginning is asked for at the beginning. */
static uint64_t
memory_first(const struct weir_publisher_options *o)
{
        if (o->memory_max != 0)
                return o->memory_max;
        return o->prefault || o->history > 0 ? MEMORY_MAX : MEMORY_FIRST;
}

static struct weir_publisher *
publisher_create(struct weir *bus, const char *topic, const struct weir_publisher_options *o)
{
        struct weir_publisher *p = calloc(1, sizeof *p);

        if (!p)
                return NULL;
        p->bus = bus;
        p->options = *o;
        p->loans_max = wr_options_count(o->loans_max, LOANS_MAX);
        p->memory_now = memory_first(o);
        if (p->options.memory_max == 0)
                p->options.memory_max = MEMORY_MAX;
        p->hash_full = o->hash == WEIR_HASH_FULL;
        p->latch.costly = !wr_barrier_available();
        p->references = 2; /* the handle's, and that of all loans together */
        snprintf(p->topic, sizeof p->topic, "%s", topic);
        snprintf(p->type, sizeof p->type, "%s", o->format && o->format->type ? o->format->type : "");
        wr_mutex_init(&p->lock);
        wr_mutex_init(&p->shared_lock);
        wr_bus_hold(bus);
        return p;
}

void
wr_publisher_describe(const struct weir_publisher *p, struct wr_message_publish *m)
{
        *m = (struct wr_message_publish){ .memory_max = p->memory_now,
                                          .history = p->options.history,
                                          .loans_max = p->loans_max,
                                          .hash = p->options.hash,
                                          .refuse_reliable = p->options.refuse_reliable,
                                          .require = p->options.require,
                                          .stall_ns = p->options.stall_ns };
        snprintf(m->topic, sizeof m->topic, "%s", p->topic);
        snprintf(m->type, sizeof m->type, "%s", p->type);
}

static enum weir_result
publisher_ask(struct weir_publisher *p)
{
        struct wr_question q = {
                .answer = publish_answer, .abandon = publish_abandon, .subject = p, .message.kind = WR_PUBLISH
        };

        if (p->options.require == WEIR_PIPE || p->options.require == WEIR_TCP || wr_control_maps_nothing())
                p->memory_now = p->options.memory_max; /* a relayed one does not grow */
        wr_publisher_describe(p, &q.message.publish);
        return wr_control_ask(&p->bus->control, &q, OPEN_TIMEOUT_NS);
}

/* What was asked for the heap; a lane that cannot have its memory is none. */
static enum weir_result
publisher_memory(struct weir_publisher *p)
{
        const struct wr_lane_geometry *g = &p->writer.geometry;

        if (p->options.huge && g->heap_bytes > 0)
                wr_memory_huge(p->writer.heap_base, g->heap_bytes);
        return p->options.prefault ? wr_publisher_commit(p, g->heap_bytes) : WEIR_OK;
}

enum weir_result WEIR_CALL
weir_publisher_open(struct weir_publisher **out, struct weir *bus, const char *topic,
                    const struct weir_publisher_options *options)
{
        struct weir_publisher_options o;
        struct weir_publisher *p;
        enum weir_result result = wr_bus_check(bus);

        if (result == WEIR_OK && !out)
                result = wr_error(WEIR_E_USAGE, "weir_publisher_open has nowhere to put the publisher");
        if (result == WEIR_OK)
                result = wr_options_read(&o, sizeof o, options, "weir_publisher_options");
        if (result == WEIR_OK)
                result = options_check(&o, topic);
        if (result < 0)
                return result;
        *out = NULL;
        p = publisher_create(bus, topic, &o);
        if (!p)
                return wr_error(WEIR_E_NO_MEMORY, "no memory for a publisher");
        result = publisher_ask(p);
        p->options.format = NULL; /* the caller's */
        if (result == WEIR_OK)
                result = publisher_memory(p);
        if (result == WEIR_OK)
                result = wr_loans_open(p);
        wr_mutex_lock(&bus->lock);
        p->next = bus->publishers; /* also on a failure, so that there is one way out */
        bus->publishers = p;
        wr_mutex_unlock(&bus->lock);
        if (result < 0) {
                weir_publisher_close(p);
                return result;
        }
        *out = p;
        return WEIR_OK;
}

static void
bus_forget(struct weir *bus, struct weir_publisher *p)
{
        struct weir_publisher **at = &bus->publishers;

        wr_mutex_lock(&bus->lock);
        while (*at && *at != p)
                at = &(*at)->next;
        if (*at)
                *at = p->next;
        wr_events_forget(&bus->events, p);
        wr_mutex_unlock(&bus->lock);
}

void
wr_publisher_shut(struct weir_publisher *p)
{
        struct wr_question q = { .subject = p };

        if (wr_load32(&p->closed) != 0)
                return;
        wr_store32(&p->closed, 1);
        bus_forget(p->bus, p);
        if (p->segment) {
                wr_publisher_enter(p);
                if (!wr_load32(&p->bus->is_bereft))
                        wr_lane_end(&p->writer, 0);
                wr_lane_wake(&p->writer, wr_signal_raise);
                wr_lane_wake_owed(&p->writer, wr_signal_raise);
                wr_publisher_leave(p);
        }
        wr_control_do(&p->bus->control, &q, control_publisher_close);
        bus_forget(p->bus, p); /* once more: what the control thread told of it until then */
        wr_lane_writer_close(&p->writer);
        wr_loans_close(p);
        wr_bus_poke(p->bus);
}

void WEIR_CALL
weir_publisher_close(struct weir_publisher *p)
{
        if (!p || !wr_fork_same(p->bus->generation))
                return;
        wr_left_remove(&p->left);
        wr_publisher_shut(p);
        wr_publisher_drop(p);
}
