/*
 * The control thread's loop: wait, run jobs, receive, see who died, answer what is overdue. Nothing in here is trusted
 * to be quick or honest but the kernel: the broker's messages are decoded and checked (bus/message.h), its descriptors
 * are checked before they are mapped (named-objects/region.h).
 */
#include "clients/c/control.h"

#include "bus/os/clock.h"
#include "clients/c/bus.h"
#include "clients/c/control_wire.h"
#include "clients/c/error.h"
#include "clients/c/publisher.h"
#include "clients/c/relayed.h"
#include "clients/c/subscriber.h"
#include "named-objects/flag.h"
#include "named-objects/sentence.h"
#include "named-objects/signal.h"
#include "named-objects/watch.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        RETRY_NS = 1000000,        /* a publisher was busy */
        ENDING_TURN_NS = 10000000, /* behind weir_close() nobody raises `wake` any more */
        MESSAGES_PER_TURN = 64,
        OBJECTS_PER_MESSAGE = WR_MESSAGE_DESCRIPTORS_MAX + WR_SIGNAL_OBJECTS,
        OBJECTS_OWN = 6, /* 0 to 2, connection, life-line (those of brokers before count by themselves), wake */
};
#define TICK_NS   INT64_C(50000000)
#define SILENT_NS INT64_C(3000000000) /* of a broker: it pings each second */

const char wr_control_no_ticket[] = "the broker was started anew and does not know this ticket; tickets end with their"
                                    " broker: ask for another (weir ticket new TOPIC --read)";

/* ---- jobs and questions ---- */

void
wr_control_post(struct wr_control *c, struct wr_job *job)
{
        wr_mutex_lock(&c->lock);
        job->next = NULL;
        *c->jobs_end = job;
        c->jobs_end = &job->next;
        if (!c->ending) /* under the lock: else its number may be another file's by now */
                wr_flag_raise(c->wake);
        wr_mutex_unlock(&c->lock);
}

void
wr_control_wake(struct wr_control *c)
{
        wr_mutex_lock(&c->lock);
        if (!c->ending)
                wr_flag_raise(c->wake);
        wr_mutex_unlock(&c->lock);
}

static void
control_run_jobs(struct wr_control *c)
{
        struct wr_job *job, *next;

        wr_mutex_lock(&c->lock);
        job = c->jobs;
        c->jobs = NULL;
        c->jobs_end = &c->jobs;
        wr_mutex_unlock(&c->lock);
        for (; job; job = next) {
                next = job->next; /* before run(), which may free it */
                job->run(c, job);
        }
}

void
wr_control_answered(struct wr_control *c, struct wr_question *q)
{
        if (q->settle) {
                q->settle(c, q);
                free(q);
                return;
        }
        wr_mutex_lock(&c->lock);
        q->done = true; /* from here on it may be gone: its owner waits under the same lock */
        wr_cond_broadcast(&c->answered);
        wr_mutex_unlock(&c->lock);
}

static enum weir_result
question_wait(struct wr_control *c, struct wr_question *q)
{
        wr_mutex_lock(&c->lock);
        while (!q->done)
                wr_cond_wait(&c->answered, &c->lock);
        wr_mutex_unlock(&c->lock);
        return q->result < 0 ? wr_error(q->result, "%s", q->sentence) : q->result;
}

static void
question_fail(struct wr_control *c, struct wr_question *q, enum weir_result result, const char *sentence)
{
        q->result = result;
        snprintf(q->sentence, sizeof q->sentence, "%s", sentence);
        if (q->abandon)
                q->abandon(c, q);
        wr_control_answered(c, q);
}

static void
question_send(struct wr_control *c, struct wr_question *q)
{
        c->question_count = c->question_count == UINT32_MAX ? 1 : c->question_count + 1; /* 0: nothing was asked */
        q->message.request = c->question_count;
        q->next = c->questions;
        c->questions = q;
        wr_control_send(c, &q->message);
}

static void
question_begin(struct wr_control *c, struct wr_job *job)
{
        struct wr_question *q = (struct wr_question *)(void *)job; /* its first member */
        char text[512];

        if (!wr_load32(&c->lost)) {
                question_send(c, q);
                return;
        }
        if (c->again_ns == INT64_MAX) {
                question_fail(c, q, WEIR_E_DENIED, wr_control_no_ticket);
                return;
        }
        wr_sentence(text, sizeof text,
                    "the broker of this bus is gone; it is looked for, and WEIR_BROKER_BACK tells when it is there: "
                    "try again then, or start one: weir broker run -b %s",
                    c->address);
        question_fail(c, q, WEIR_E_NO_BROKER, text);
}

void
wr_control_ask_own(struct wr_control *c, struct wr_question *q, int64_t timeout_ns)
{
        q->deadline_ns = wr_bus_deadline(timeout_ns);
        question_send(c, q);
}

enum weir_result
wr_control_ask(struct wr_control *c, struct wr_question *q, int64_t timeout_ns)
{
        q->deadline_ns = wr_bus_deadline(timeout_ns);
        q->job.run = question_begin;
        wr_control_post(c, &q->job);
        return question_wait(c, q);
}

enum weir_result
wr_control_do(struct wr_control *c, struct wr_question *q, void (*run)(struct wr_control *, struct wr_job *))
{
        q->job.run = run;
        wr_control_post(c, &q->job);
        return question_wait(c, q);
}

/* Takes those that `ready` picks off the list, then tells their owners. */
static void
questions_fail(struct wr_control *c, int64_t before_ns, enum weir_result result, const char *sentence)
{
        struct wr_question **at = &c->questions, *q;

        while ((q = *at)) {
                if (q->deadline_ns > before_ns) {
                        at = &q->next;
                        continue;
                }
                *at = q->next;
                question_fail(c, q, result, sentence);
                at = &c->questions; /* what followed from it may have failed others */
        }
}

static int64_t
questions_deadline(const struct wr_control *c)
{
        int64_t earliest_ns = INT64_MAX;

        for (const struct wr_question *q = c->questions; q; q = q->next)
                if (q->deadline_ns < earliest_ns)
                        earliest_ns = q->deadline_ns;
        return earliest_ns;
}

/* ---- the connection ---- */

static const char *
what_follows(const struct wr_control *c)
{
        bool has_mapped = !c->relayed;

        for (const struct weir_subscriber *s = c->subscribers; s; s = s->control_next)
                has_mapped |= !s->relayed;
        for (const struct weir_publisher *p = c->publishers; p; p = p->control_next)
                has_mapped |= !p->relayed;
        if (!c->relayed)
                return "what is connected flows on";
        return has_mapped ? "what is relayed stops until it is back, all else flows on"
                          : "frames stop until it is back";
}

void
wr_control_lost(struct wr_control *c, const char *why)
{
        char text[256];
        bool was_served = c->phase == WR_PHASE_SERVED;

        if (c->phase == WR_PHASE_AWAY)
                return;
        c->phase = WR_PHASE_AWAY;
        wr_store32_release(&c->lost, 1);
        wr_control_wire_close(c);
        wr_control_letters_drop(c); /* they were for that broker */
        c->rejoining = 0;
        wr_control_postpone(c);
        c->tick_ns = c->again_ns; /* from now on readers are looked after without a broker */
        if (!was_served)
                return;
        snprintf(text, sizeof text, "the broker at %s is lost (%s): %s", c->address, why, what_follows(c));
        questions_fail(c, INT64_MAX, WEIR_E_NO_BROKER, text);
        wr_bus_tell(c->bus, &(struct weir_event){ .kind = WEIR_BROKER_LOST, .reason = WEIR_E_NO_BROKER, .text = text });
}

static void
control_pong(struct wr_control *c, const struct wr_message *ping)
{
        wr_control_send(
                c, &(struct wr_message){ .kind = WR_PONG, .request = ping->request, .pong = { ping->ping.stamp } });
        wr_info_send(c);
        wr_control_pairs_tell(c);
}

/* The answer to a question that was given up. The broker waits for us, or holds something that nobody here has: both
 * end with the close. */
static void
control_unwanted(struct wr_control *c, const struct wr_message *m)
{
        struct wr_message close = { .kind = WR_CLOSE_LANE, .close_lane = { m->lane_grant.lane } };

        if (m->kind == WR_SUBSCRIBED)
                close = (struct wr_message){ .kind = WR_CLOSE_SUBSCRIPTION,
                                             .close_subscription = { m->subscribed.subscription } };
        wr_control_send(c, &close);
}

static void
control_unasked(struct wr_control *c, const struct wr_message *m, wr_object *objects)
{
        switch (m->kind) {
        case WR_PAIR_ADDED: wr_control_pair_added(c, &m->pair_added, objects); break;
        case WR_PAIR_REMOVED: wr_control_pair_removed(c, &m->pair_removed); break;
        case WR_LANE_ADDED: wr_control_lane_added(c, &m->lane_added, objects); break;
        case WR_LANE_ENDED: wr_control_lane_ended(c, &m->lane_ended); break;
        case WR_REVOKED:
                if (!wr_control_pairs_revoked(c, &m->revoked))
                        wr_control_lanes_revoked(c, &m->revoked);
                break;
        case WR_WATCHED: wr_watch_told(c, &m->watched); break;
        case WR_PING: control_pong(c, m); break;
        case WR_BYE: wr_control_lost(c, m->bye.text[0] ? m->bye.text : "it said goodbye"); break;
        case WR_LANE_GRANT:
                if (m->lane_grant.follows != 0)
                        wr_publisher_successor(c, &m->lane_grant, objects);
                else
                        control_unwanted(c, m);
                break;
        case WR_SUBSCRIBED: control_unwanted(c, m); break;
        default: break; /* an answer that leaves nothing behind, or one for a later version */
        }
}

static bool
question_refused(struct wr_question *q, const struct wr_message_refusal *m)
{
        q->result = m->result < 0 ? (enum weir_result)m->result : WEIR_E_SYSTEM;
        snprintf(q->sentence, sizeof q->sentence, "%s", m->sentence);
        return true;
}

/* A failure, too, may come when an earlier answer had begun something: that lets go of the question. */
static void
question_over(struct wr_control *c, struct wr_question *q)
{
        enum weir_result result = q->result;

        if (result < 0 && q->abandon)
                q->abandon(c, q);
        q->result = result;
        wr_control_answered(c, q);
}

void
wr_control_finish(struct wr_control *c, struct wr_question *q)
{
        struct wr_question **at = &c->questions;

        while (*at && *at != q)
                at = &(*at)->next;
        if (!*at)
                return;
        *at = q->next;
        wr_control_answered(c, q);
}

/*
 * False: the message answers no question. The question is off the list while it is answered: what the answer sends may
 * lose the broker, and that fails all that are on it.
 */
static bool
control_answer(struct wr_control *c, const struct wr_message *m, wr_object *objects)
{
        struct wr_question **at = &c->questions, *q;
        bool over;

        while (*at && (*at)->message.request != m->request)
                at = &(*at)->next;
        q = *at;
        if (!q || m->request == 0)
                return false;
        *at = q->next;
        if (m->kind == WR_REFUSAL)
                over = question_refused(q, &m->refusal);
        else
                over = !q->answer || q->answer(c, q, m, objects);
        if (over) {
                question_over(c, q);
        } else if (c->phase == WR_PHASE_AWAY) {
                question_fail(c, q, WEIR_E_NO_BROKER, "the broker was lost while it answered");
        } else {
                q->next = c->questions;
                c->questions = q;
        }
        return true;
}

/* One message; false: there is none. */
static bool
control_receive(struct wr_control *c)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        wr_object objects[OBJECTS_PER_MESSAGE];
        size_t size = 0, count = OBJECTS_PER_MESSAGE;
        struct wr_message m;
        const char *why = NULL;
        enum weir_result result = wr_control_wire_receive(c, bytes, sizeof bytes, &size, objects, &count);

        if (result == WEIR_EMPTY)
                return false;
        if (result < 0) {
                wr_control_lost(c, result == WEIR_E_CLOSED ? "it hung up" : "its message does not fit");
                return false;
        }
        c->heard_ns = wr_clock_ns();
        for (size_t i = count; i < OBJECTS_PER_MESSAGE; i++)
                objects[i] = WR_NO_OBJECT;
        result = wr_message_decode(bytes, size, &m, &why);
        if (result == WEIR_OK && m.kind == WR_RELAY)
                wr_control_wire_relay(c, &m, &objects[0]);
        if (result < 0 || wr_control_wire_objects_due(c, m.kind) != count)
                wr_control_lost(c, result < 0 && why ? why : "its message is not whole");
        else if (c->phase == WR_PHASE_GREETING)
                wr_control_greeted(c, &m, objects);
        else if (!control_answer(c, &m, objects))
                control_unasked(c, &m, objects);
        for (size_t i = 0; i < OBJECTS_PER_MESSAGE; i++)
                wr_object_close(objects[i]); /* whoever kept one put WR_NO_OBJECT in its place */
        return c->phase != WR_PHASE_AWAY;
}

/* ---- peers ---- */

struct wr_peer *
wr_control_peer(struct wr_control *c, uint64_t session, wr_object line)
{
        struct wr_peer *peer;

        for (peer = c->peers; peer; peer = peer->next)
                if (peer->session == session)
                        break;
        if (peer) {
                wr_object_close(line);
        } else {
                peer = calloc(1, sizeof *peer);
                if (!peer) {
                        wr_object_close(line);
                        return NULL;
                }
                *peer = (struct wr_peer){ .next = c->peers, .session = session, .line = line };
                c->peers = peer;
        }
        peer->references += 1;
        return peer;
}

void
wr_control_peer_drop(struct wr_control *c, struct wr_peer *peer)
{
        struct wr_peer **at = &c->peers;

        peer->references -= 1;
        if (peer->references > 0)
                return;
        while (*at != peer)
                at = &(*at)->next;
        *at = peer->next;
        wr_object_close(peer->line);
        free(peer);
}

/* One peer at a time: what follows from its death may drop any of them. */
static void
control_peer_died(struct wr_control *c, uint64_t session)
{
        for (struct wr_peer *peer = c->peers; peer; peer = peer->next) {
                if (peer->session != session || peer->dead)
                        continue;
                peer->dead = true;
                wr_object_close(peer->line);
                peer->line = WR_NO_OBJECT;
                peer->references += 1;
                wr_control_pairs_dead(c, peer);
                wr_control_lanes_dead(c, peer);
                wr_control_peer_drop(c, peer);
                return;
        }
}

bool
wr_control_has_objects(const struct wr_control *c, uint32_t count, char *sentence, size_t room)
{
        uint32_t max = wr_watch_objects_max(), needed = OBJECTS_OWN + OBJECTS_PER_MESSAGE + c->lanes + count;

        for (const struct wr_peer *peer = c->peers; peer; peer = peer->next)
                needed += peer->line != WR_NO_OBJECT;
        if (c->line_count > 1)
                needed += c->line_count - 1;
        for (const struct wr_relayed *r = c->relayed; r; r = r->next)
                needed += r->publisher ? 4 : 2; /* its stream, its next one or its lane, and its writer's two */
        if (needed <= max)
                return true;
        snprintf(sentence, room,
                 "a process may have %u descriptors here, %u are needed: raise RLIMIT_NOFILE (ulimit -n %u)", max,
                 needed, needed);
        return false;
}

/* ---- the loop ---- */

static int64_t
control_timeout(const struct wr_control *c)
{
        int64_t now_ns = wr_clock_ns(), until_ns = questions_deadline(c);

        if (c->retry && until_ns > now_ns + RETRY_NS)
                until_ns = now_ns + RETRY_NS;
        if (c->tick_ns != 0 && until_ns > c->tick_ns)
                until_ns = c->tick_ns;
        if (c->stranded && until_ns > c->stranded_ns)
                until_ns = c->stranded_ns;
        if (c->relayed && until_ns > c->relayed_ns)
                until_ns = c->relayed_ns;
        if (c->phase == WR_PHASE_SERVED && until_ns > c->heard_ns + SILENT_NS)
                until_ns = c->heard_ns + SILENT_NS + 1;
        if (c->phase != WR_PHASE_SERVED && !c->contends && until_ns > c->again_ns)
                until_ns = c->again_ns;
        if (c->ending && until_ns > now_ns + ENDING_TURN_NS)
                until_ns = now_ns + ENDING_TURN_NS;
        if (until_ns == INT64_MAX)
                return INT64_MAX;
        return until_ns > now_ns ? until_ns - now_ns : 0;
}

/* wake, connection, and the life-line of each peer; sessions[i] is whose life-line watches[2 + i] is. */
static size_t
control_watches(const struct wr_control *c, struct wr_watch *watches, uint64_t *sessions, size_t max)
{
        size_t count = 2;

        watches[0] = (struct wr_watch){ .object = c->wake, .read = true };
        watches[1] = (struct wr_watch){ .object = c->connection,
                                        .read = true,
                                        .write = c->letters || wr_control_wire_waits(c) };
        for (const struct wr_peer *peer = c->peers; peer && count < max; peer = peer->next) {
                if (peer->dead)
                        continue;
                sessions[count - 2] = peer->session;
                watches[count++] = (struct wr_watch){ .object = peer->line };
        }
        return count;
}

static void
control_publishers(struct wr_control *c)
{
        int64_t now_ns = wr_clock_ns();

        c->retry = false;
        for (struct weir_publisher *p = c->publishers; p; p = p->control_next)
                wr_control_publisher_settle(c, p);
        if (c->tick_ns == 0 || now_ns < c->tick_ns)
                return;
        c->tick_ns = wr_control_pairs_tick(c, now_ns) ? now_ns + TICK_NS : 0;
}

static void
control_turn(struct wr_control *c)
{
        struct wr_watch watches[WR_CONTROL_PEERS_MAX + 2];
        uint64_t sessions[WR_CONTROL_PEERS_MAX];
        size_t count = control_watches(c, watches, sessions, WR_CONTROL_PEERS_MAX + 2);

        wr_watch_wait(watches, count, control_timeout(c));
        if (watches[0].readable)
                wr_flag_lower(c->wake); /* before the jobs: a job posted meanwhile raises it again */
        control_run_jobs(c);
        if (watches[1].writable)
                wr_control_letters_send(c);
        if ((watches[1].readable || watches[1].hung_up) && c->phase != WR_PHASE_AWAY)
                for (int i = 0; i < MESSAGES_PER_TURN && control_receive(c); i++)
                        ;
        for (size_t i = 2; i < count; i++)
                if (watches[i].hung_up)
                        control_peer_died(c, sessions[i - 2]);
        questions_fail(c, wr_clock_ns(), WEIR_E_NO_BROKER, "the broker did not answer in time");
        if (c->phase == WR_PHASE_SERVED && wr_clock_ns() - c->heard_ns > SILENT_NS)
                wr_control_lost(c, "it has been silent for three seconds");
        if (c->stranded)
                c->stranded_ns = wr_lanes_stranded(c, wr_clock_ns());
        if (c->phase != WR_PHASE_SERVED && !c->ending)
                wr_control_again(c);
        if (c->relayed)
                c->relayed_ns = wr_relayed_again(c, wr_clock_ns());
        control_publishers(c);
}

/* Its descriptors go with it: they are in no other table, save `wake`. */
static void
control_end(struct wr_control *c)
{
        questions_fail(c, INT64_MAX, WEIR_E_CLOSED, "the bus was closed"); /* our own: nobody else asks any more */
        if (!wr_load32(&c->bus->is_bereft))
                wr_control_send(c, &(struct wr_message){ .kind = WR_BYE });
        wr_control_wire_flush(c);
        wr_control_wire_close(c);
        while (c->line_count > 0)
                wr_object_close(c->lines[--c->line_count]);
        free(c->lines);
        c->lines = NULL;
        wr_control_letters_drop(c);
}

void *
wr_control_main(void *argument)
{
        struct wr_control *c = argument;
        struct wr_question *opening = c->questions;

        c->questions = NULL;
        opening->result = wr_control_connect(c, opening->sentence, sizeof opening->sentence);
        if (opening->result < 0) {
                wr_store32(&c->lost, 1);
                control_end(c);
                wr_control_answered(c, opening);
                return NULL; /* joined by wr_control_open, which holds the bus */
        }
        wr_control_answered(c, opening);
        while (!c->ending || c->lanes > 0 || c->contends)
                control_turn(c);
        control_end(c);
        wr_bus_drop(c->bus);
        return NULL;
}
