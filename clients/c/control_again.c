/*
 * How a control thread comes back to a broker. The old one is gone, its lanes are not: they lie in our memory and flow
 * on. The new one begins with nothing, so each client tells what it has:
 *
 *      AWAY       try to connect, at first at once, then after pauses that grow to PAUSE_MAX_NS; over TCP whoever
 *                 answers may not know our ticket: then to PAUSE_PROOF_NS, and after UNPROVEN_NS never again
 *      GREETING   HELLO -> WELCOME
 *      SERVED     HOLDS (each lane that it reads), SUBSCRIBE -> SUBSCRIBED     for each subscriber
 *                 REJOIN -> OPENED                                            for each publisher
 *                 PUBLISH, SUBSCRIBE -> RELAY; OPENED on the stream           for each that is relayed
 *      all answered: WEIR_BROKER_BACK
 *
 * A client that may embed becomes the broker itself, if nobody else is first: a lock decides (broker/server.c). It
 * contends in a thread of its own: a broker that hangs is given seconds to answer, and meanwhile peers die and readers
 * wait for room. What the new broker refuses is over as if the right had been withdrawn. What was asked behind WELCOME
 * by other threads comes behind the rejoining, since a connection keeps its order.
 */
#include "bus/os/clock.h"
#include "clients/c/control_wire.h"
#include "clients/c/publisher.h"
#include "clients/c/relayed.h"
#include "clients/c/subscriber.h"
#include "named-objects/random.h"
#include "named-objects/sentence.h"
#include "named-objects/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_MIN_NS     INT64_C(1000000)
#define PAUSE_MAX_NS     INT64_C(100000000)
#define PAUSE_PROOF_NS   INT64_C(2000000000)  /* the longest where somebody answers who does not know our ticket */
#define UNPROVEN_NS      INT64_C(10000000000) /* of such answers alone, and it is for good: docs/security.md */
#define GREET_NS         INT64_C(2000000000)
#define REJOIN_ANSWER_NS INT64_C(10000000000)

/* ---- contending ---- */

struct contender {
        struct wr_job job; /* its first member: it is decided */
        struct wr_control *c;
        wr_thread thread;
        int (*embed)(const char *address);
        int result;
        char address[sizeof((struct wr_control *)NULL)->address];
};

static void
contend_end(struct wr_control *c, struct wr_job *job)
{
        struct contender *contender = (struct contender *)(void *)job;

        wr_thread_join(contender->thread);
        c->contends = false;
        if (contender->result == WEIR_OK)
                c->again_ns = wr_clock_ns(); /* it is this process now */
        free(contender);
}

/* Its descriptors are its own, too: no life-line is held open by it, and we need not count them. */
static void *
contend(void *argument)
{
        struct contender *contender = argument;

        contender->result = wr_watch_own_table(&contender->c->wake, 1);
        if (contender->result == WEIR_OK)
                contender->result = contender->embed(contender->address);
        wr_control_post(contender->c, &contender->job);
        return NULL;
}

/* Nothing else is tried until it is decided. Where it cannot begin, it is tried again with the next try to connect. */
static void
contend_begin(struct wr_control *c)
{
        struct contender *contender;

        if (!c->embed)
                return;
        contender = calloc(1, sizeof *contender);
        if (!contender)
                return;
        contender->job.run = contend_end;
        contender->c = c;
        contender->embed = c->embed;
        memcpy(contender->address, c->address, sizeof contender->address);
        if (wr_thread_start(&contender->thread, contend, contender, 0))
                c->contends = true;
        else
                free(contender);
}

/* ---- away ---- */

/* Between the half and the whole of the pause, so that the clients of a broker do not come all at once. */
void
wr_control_postpone(struct wr_control *c)
{
        int64_t pause_ns = c->pause_ns == 0 ? PAUSE_MIN_NS : 2 * c->pause_ns;
        int64_t max_ns = c->unproven_ns == 0 ? PAUSE_MAX_NS : PAUSE_PROOF_NS;

        c->pause_ns = pause_ns < max_ns ? pause_ns : max_ns;
        c->again_ns = wr_clock_ns() + c->pause_ns / 2 + (int64_t)(wr_random() % (uint64_t)(c->pause_ns / 2));
}

/* The ticket ended with its broker: what was open is over, and nobody is looked for any more. */
static void
forsake(struct wr_control *c)
{
        c->again_ns = INT64_MAX;
        for (struct wr_relayed *r = c->relayed; r; r = r->next)
                if (r->is_open && !wr_relayed_is_ending(r))
                        wr_relayed_revoke(c, r, wr_control_no_ticket);
        wr_bus_tell(c->bus, &(struct weir_event){
                                    .kind = WEIR_BROKER_LOST, .reason = WEIR_E_DENIED, .text = wr_control_no_ticket });
}

void
wr_control_again(struct wr_control *c)
{
        char sentence[WR_CONTROL_SENTENCE_MAX];

        if (c->contends || wr_clock_ns() < c->again_ns)
                return;
        if (c->phase == WR_PHASE_GREETING) {
                wr_control_lost(c, "it listens, but does not answer");
                contend_begin(c); /* who would be the broker asks it once more, and takes its place */
                return;
        }
        if (wr_control_hello(c, c->address, sentence, sizeof sentence) == WEIR_OK) {
                c->phase = WR_PHASE_GREETING;
                c->again_ns = wr_clock_ns() + GREET_NS;
                return;
        }
        wr_control_wire_close(c);
        if (c->unproven_ns != 0 && wr_clock_ns() - c->unproven_ns >= UNPROVEN_NS) {
                forsake(c);
                return;
        }
        wr_control_postpone(c);
        contend_begin(c);
}

/* ---- rejoining ---- */

void
wr_control_rejoined(struct wr_control *c)
{
        char text[256];

        if (c->rejoining == 0 || --c->rejoining > 0)
                return;
        wr_sentence(text, sizeof text, "the broker at %s is back: what was open is known to it", c->address);
        wr_bus_tell(c->bus, &(struct weir_event){ .kind = WEIR_BROKER_BACK, .text = text });
}

/* NULL: an endpoint that is over does not come back; or there is no memory, and all begins anew a little later. */
static struct wr_question *
question_new(struct wr_control *c, bool is_over)
{
        struct wr_question *q;

        if (is_over || c->phase != WR_PHASE_SERVED)
                return NULL;
        q = calloc(1, sizeof *q);
        if (q)
                c->rejoining += 1;
        else
                wr_control_lost(c, "no memory to tell it what is open");
        return q;
}

/* The new broker's refusal reads like a right that was withdrawn. */
static struct wr_message_revoked
revocation_of(const struct wr_question *q, uint64_t endpoint)
{
        struct wr_message_revoked m = { .endpoint = endpoint };

        wr_sentence(m.text, sizeof m.text, "%s", q->sentence);
        return m;
}

static void
publisher_settle(struct wr_control *c, struct wr_question *q)
{
        struct wr_message_revoked m = revocation_of(q, q->message.rejoin.lane);

        if (c->phase != WR_PHASE_SERVED)
                return; /* lost again: all begins anew */
        if (q->result < 0)
                wr_control_pairs_revoked(c, &m);
        wr_control_rejoined(c);
}

static bool
relayed_answer(struct wr_control *c, struct wr_question *q, const struct wr_message *m, wr_object *objects)
{
        struct wr_relayed *r = wr_relayed_of(c, q->subject);

        q->result = r ? wr_relayed_answer(c, r, q, m, objects) : WEIR_E_CLOSED;
        return true;
}

static void
relayed_settle(struct wr_control *c, struct wr_question *q)
{
        struct wr_relayed *r = wr_relayed_of(c, q->subject);

        if (r)
                wr_relayed_settle(c, r, q);
        if (c->phase != WR_PHASE_SERVED)
                return;
        if (r && q->result == WEIR_OK)
                r->rejoins = true; /* its agent has yet to open it */
        else
                wr_control_rejoined(c);
}

/* Its stream ended with the broker: it is opened anew, and what is resumed is said on the stream. */
static void
relayed_rejoin(struct wr_control *c, struct wr_relayed *r, bool is_over)
{
        struct wr_question *q = question_new(c, is_over);

        if (!q)
                return;
        r->again_ns = 0;
        r->is_asked = true;
        q->answer = relayed_answer;
        q->settle = relayed_settle;
        q->subject = r;
        wr_relayed_describe(r, &q->message);
        wr_control_ask_own(c, q, REJOIN_ANSWER_NS);
}

static void
publisher_rejoin(struct wr_control *c, struct weir_publisher *p)
{
        struct wr_question *q = question_new(c, wr_load32(&p->revoked) != 0);
        struct wr_message_rejoin *m;

        if (!q)
                return;
        wr_publisher_abandon(c, p); /* its broker is gone */
        wr_store(&p->told, 0);      /* and with it what was counted */
        for (struct wr_pair_link *link = p->control_links; link; link = link->control_next)
                link->told = 0;
        wr_publisher_moved(c, p); /* what had moved before has; the LANE_MOVED that this sends is ignored, see below */
        q->settle = publisher_settle;
        q->message.kind = WR_REJOIN;
        m = &q->message.rejoin;
        *m = (struct wr_message_rejoin){ .source = p->source,
                                         .lane = p->lane,
                                         .epoch = p->writer.geometry.epoch,
                                         .segment_bytes = p->segment_bytes,
                                         .memory_max = p->memory_now,
                                         .ring_bytes = p->writer.geometry.ring_bytes,
                                         .history = p->options.history,
                                         .loans_max = p->loans_max,
                                         .hash = p->options.hash,
                                         .refuse_reliable = p->options.refuse_reliable,
                                         .stall_ns = p->options.stall_ns };
        snprintf(m->topic, sizeof m->topic, "%s", p->topic);
        snprintf(m->type, sizeof m->type, "%s", p->type);
        wr_control_ask_own(c, q, REJOIN_ANSWER_NS);
}

static bool
is_subscriber(const struct wr_control *c, const void *subject)
{
        for (const struct weir_subscriber *s = c->subscribers; s; s = s->control_next)
                if (s == subject)
                        return true;
        return false;
}

static bool
subscriber_answer(struct wr_control *c, struct wr_question *q, const struct wr_message *m, wr_object *objects)
{
        struct weir_subscriber *s = q->subject;

        (void)objects;
        q->result = WEIR_OK;
        if (m->kind == WR_RELAY) { /* it may no longer map what it reads */
                q->result = WEIR_E_DENIED;
                wr_sentence(q->sentence, sizeof q->sentence, "%s", m->relay.why);
        }
        if (m->kind != WR_SUBSCRIBED)
                return true;
        if (is_subscriber(c, s))
                s->id = m->subscribed.subscription;
        else /* it was closed meanwhile */
                wr_control_send(c, &(struct wr_message){ .kind = WR_CLOSE_SUBSCRIPTION,
                                                         .close_subscription = { m->subscribed.subscription } });
        return true;
}

static void
subscriber_settle(struct wr_control *c, struct wr_question *q)
{
        const struct weir_subscriber *s = q->subject;

        if (c->phase != WR_PHASE_SERVED)
                return;
        if (q->result < 0 && is_subscriber(c, s)) {
                struct wr_message_revoked m = revocation_of(q, s->id);

                wr_control_lanes_revoked(c, &m);
        }
        wr_control_rejoined(c);
}

static void
subscriber_rejoin(struct wr_control *c, struct weir_subscriber *s)
{
        struct wr_question *q = question_new(c, wr_load32(&s->revoked) != 0);

        if (!q)
                return;
        wr_store(&s->told, 0);
        for (const struct wr_lane_link *lane = s->control_lanes; lane; lane = lane->control_next)
                wr_control_send(
                        c, &(struct wr_message){ .kind = WR_HOLDS,
                                                 .holds = { lane->source, lane->reader.geometry.lane, lane->pair } });
        q->answer = subscriber_answer;
        q->settle = subscriber_settle;
        q->subject = s;
        q->message.kind = WR_SUBSCRIBE;
        wr_subscriber_describe(s, &q->message.subscribe);
        q->message.subscribe.again = s->id;
        wr_control_ask_own(c, q, REJOIN_ANSWER_NS);
}

static void
watch_settle(struct wr_control *c, struct wr_question *q)
{
        (void)q;
        if (c->phase == WR_PHASE_SERVED)
                wr_control_rejoined(c);
}

/* Answered before it is said that the broker is back: what happens from then on is told. */
static void
watch_rejoin(struct wr_control *c, const struct wr_message *watch)
{
        struct wr_question *q = question_new(c, false);

        if (!q)
                return;
        q->settle = watch_settle;
        q->message = *watch;
        wr_control_ask_own(c, q, REJOIN_ANSWER_NS);
}

void
wr_control_greeted(struct wr_control *c, const struct wr_message *m, wr_object *objects)
{
        char sentence[WR_CONTROL_SENTENCE_MAX];
        enum weir_result result = wr_control_welcome(c, m, objects, sentence, sizeof sentence);
        struct wr_message redeem;

        if (result < 0) {
                wr_control_lost(c, sentence);
                return;
        }
        c->pause_ns = 0;
        c->rejoining = 1; /* so that it is said when nothing is open, too */
        for (struct wr_relayed *r = c->relayed; r; r = r->next)
                r->rejoins = false; /* with the broker before */
        if (c->bus->held.ticket.id != 0 && !c->datagrams && wr_ticket_message(c->bus, &redeem))
                watch_rejoin(c, &redeem); /* first: what is open may rest on it */
        for (struct weir_subscriber *s = c->subscribers; s; s = s->control_next)
                if (s->relayed)
                        relayed_rejoin(c, s->relayed, wr_load32(&s->revoked) != 0);
                else
                        subscriber_rejoin(c, s);
        for (struct weir_publisher *p = c->publishers; p; p = p->control_next)
                if (p->relayed)
                        relayed_rejoin(c, p->relayed, wr_load32(&p->revoked) != 0);
                else
                        publisher_rejoin(c, p);
        wr_watch_again(c, watch_rejoin);
        wr_control_rejoined(c);
}
