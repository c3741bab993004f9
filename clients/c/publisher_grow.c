/*
 * A publisher that did not say how much memory it needs begins with little of it, and asks for a larger lane when a
 * block does not fit: the lane moves (publisher_move.c) while everything flows on. So does one whose heap is pinned by
 * a reader that keeps what it took: its blocks stay in the lane that is left.
 *
 *      WEIR_FULL       more is on its way: a call that may wait waits for it, weir_next() tells WEIR_ROOM
 *      the old answer  there is as much as memory_max allows, or as the broker grants
 */
#include "clients/c/publisher.h"

#include "bus/lane_backlog.h"
#include "clients/c/error.h"
#include "named-objects/sentence.h"

#include <stddef.h>
#include <stdlib.h>

#define ANSWER_NS  INT64_C(10000000000)
#define AGAIN_NS   INT64_C(1000000000) /* behind a refusal */
#define PINNED_NS  INT64_C(100000000)  /* full for so long, and most of it is one reader's */
#define STALLED_NS INT64_C(100000000)  /* a reader took nothing for so long, and the ring is full */

enum { GROW_BY = 4 };

void
wr_publisher_grow_refuse(struct weir_publisher *p, const char *sentence)
{
        bool is_ring = wr_load32(&p->growing) == WR_GROWING_RING;

        if (!is_ring && wr_load32(&p->growing) != WR_GROWING_ASKED)
                return;
        if (!is_ring)
                wr_sentence(p->grow_text, sizeof p->grow_text, "%s", sentence);
        wr_store(is_ring ? &p->ring_refused_ns : &p->refused_ns, (uint64_t)wr_clock_ns());
        wr_store32_release(&p->growing, is_ring ? WR_GROWING_NOT : WR_GROWING_REFUSED);
        wr_store32(&p->room_now, 1); /* so that a call that waits for it hears the answer */
        wr_bus_poke(p->bus);
}

static void
grow_settle(struct wr_control *c, struct wr_question *q)
{
        struct weir_publisher *p = q->subject;

        (void)c;
        if (q->result < 0 && !wr_publisher_is_moving(p))
                wr_publisher_grow_refuse(p, q->sentence);
        wr_publisher_drop(p);
}

static bool
grow_answer(struct wr_control *c, struct wr_question *q, const struct wr_message *m, wr_object *objects)
{
        q->result = WEIR_OK;
        if (m->kind == WR_LANE_GRANT)
                wr_publisher_successor(c, &m->lane_grant, objects);
        return true;
}

/* Takes over a reference of the publisher. */
static void
move_ask(struct wr_control *c, struct weir_publisher *p, const struct wr_message_move *move)
{
        struct wr_question *q = c->phase == WR_PHASE_SERVED ? calloc(1, sizeof *q) : NULL;

        if (!q) { /* no broker now: it is asked again by the next call that needs it */
                wr_store32_release(&p->growing, WR_GROWING_NOT);
                wr_publisher_drop(p);
                return;
        }
        q->answer = grow_answer;
        q->settle = grow_settle;
        q->subject = p;
        q->message.kind = WR_MOVE;
        q->message.move = *move;
        wr_control_ask_own(c, q, ANSWER_NS);
}

static void
grow_begin(struct wr_control *c, struct wr_job *job)
{
        struct weir_publisher *p =
                (struct weir_publisher *)(void *)((char *)job - offsetof(struct weir_publisher, grow));
        uint32_t growing;

        wr_publisher_moved(c, p); /* a move that is done, and that nobody has looked at yet, is none any more */
        growing = wr_load32(&p->growing);
        if (wr_load32(&p->closed) || wr_publisher_is_moving(p) ||
            (growing != WR_GROWING_ASKED && growing != WR_GROWING_RING)) {
                wr_publisher_drop(p);
                return;
        }
        move_ask(c, p,
                 &(struct wr_message_move){ .lane = p->lane,
                                            .memory_max = wr_load(&p->grow_memory),
                                            .ring_bytes = wr_load(&p->grow_ring) });
}

/* Latch held. */
static void
grow_post(struct weir_publisher *p, enum wr_growing growing, uint64_t memory, uint64_t ring)
{
        if (memory > p->options.memory_max)
                memory = p->options.memory_max;
        wr_store32(&p->growing, growing);
        wr_store(&p->grow_memory, memory);
        wr_store(&p->grow_ring, ring);
        wr_add32(&p->references, 1); /* the job's, then the question's */
        p->grow.run = grow_begin;
        wr_control_post(&p->bus->control, &p->grow);
}

void
wr_publisher_renew(struct weir_publisher *p)
{
        uint32_t growing = wr_load32_acquire(&p->growing);

        if ((growing == WR_GROWING_NOT || growing == WR_GROWING_REFUSED) &&
            wr_clock_ns() - (int64_t)wr_load(&p->ring_refused_ns) >= AGAIN_NS)
                grow_post(p, WR_GROWING_RING, p->memory_now, 0);
}

/* A ring that grew may have taken what this size needs: then it is given back. */
static bool
may_grow(const struct weir_publisher *p, uint64_t size, enum weir_result result)
{
        if (size >= p->options.memory_max)
                return false;
        return p->memory_now < p->options.memory_max ||
               (result == WEIR_E_TOO_LARGE && p->writer.geometry.ring_bytes > p->ring_first);
}

static void
heap_grow(struct weir_publisher *p, uint64_t size)
{
        uint64_t wanted = GROW_BY * p->segment_bytes;

        if (p->memory_now >= p->options.memory_max) {
                grow_post(p, WR_GROWING_ASKED, p->options.memory_max, p->ring_first);
                return;
        }
        if (wanted / GROW_BY < size)
                wanted = GROW_BY * size; /* the next frame while this one is read, and the one behind it */
        grow_post(p, WR_GROWING_ASKED, wanted, 0);
}

enum weir_result
wr_publisher_grow(struct weir_publisher *p, uint64_t size, enum weir_result result)
{
        if (result != WEIR_FULL && result != WEIR_E_TOO_LARGE)
                return result;
        if (p->full_since_ns == 0)
                p->full_since_ns = wr_clock_ns();
        if (wr_load32_acquire(&p->growing) == WR_GROWING_REFUSED &&
            wr_clock_ns() - (int64_t)wr_load(&p->refused_ns) > AGAIN_NS)
                wr_store32_release(&p->growing, WR_GROWING_NOT);
        if (!may_grow(p, size, result) || wr_load32_acquire(&p->growing) == WR_GROWING_REFUSED)
                return result;
        if (wr_load32_acquire(&p->growing) == WR_GROWING_NOT)
                heap_grow(p, size);
        return WEIR_FULL;
}

enum weir_result
wr_publisher_too_large(const struct weir_publisher *p, uint64_t size)
{
        if (wr_publisher_is_beyond(p, size))
                return wr_error(WEIR_E_TOO_LARGE,
                                "%llu bytes do not fit the memory that the broker has for relayed '%s' (%llu for "
                                "payloads): say memory_max when the publisher opens, or raise it",
                                (unsigned long long)size, p->topic, (unsigned long long)wr_load(&p->payload_max));
        if (wr_load32_acquire(&p->growing) == WR_GROWING_REFUSED)
                return wr_error(WEIR_E_TOO_LARGE,
                                "%llu bytes do not fit the memory of '%s' (%llu for payloads), and "
                                "it may not grow: %s",
                                (unsigned long long)size, p->topic, (unsigned long long)wr_load(&p->heap_bytes),
                                p->grow_text);
        return wr_error(WEIR_E_TOO_LARGE,
                        "%llu bytes do not fit the memory of '%s' (%llu for payloads): raise memory_max",
                        (unsigned long long)size, p->topic, (unsigned long long)wr_load(&p->heap_bytes));
}

/* ---- pinned ---- */

void
wr_publisher_unpin(struct wr_control *c, struct weir_publisher *p, int64_t now_ns)
{
        const struct wr_pair_link *worst = NULL;
        uint64_t most = 0;

        if (p->full_since_ns == 0 || now_ns - p->full_since_ns < PINNED_NS || !p->writer.heap ||
            wr_load32(&p->growing) != WR_GROWING_NOT || p->memory_now < p->options.memory_max)
                return;
        for (const struct wr_pair_link *link = p->links; link; link = link->next) {
                uint64_t bytes = wr_control_stats_bytes(p, &link->pair);

                if (bytes > most) {
                        most = bytes;
                        worst = link;
                }
        }
        if (most < p->writer.geometry.heap_bytes / 2)
                return;
        wr_store32(&p->growing, WR_GROWING_ASKED);
        wr_add32(&p->references, 1);
        move_ask(
                c, p,
                &(struct wr_message_move){ .lane = p->lane, .memory_max = p->memory_now, .pinned_by = worst->pair.id });
}

/* ---- the ring ---- */

/* The reliable reader that is furthest behind; NULL: there is none. */
static const struct wr_pair_writer *
slowest(const struct weir_publisher *p)
{
        const struct wr_pair_writer *found = NULL;

        for (const struct wr_pair_link *link = p->links; link; link = link->next) {
                const struct wr_pair_writer *pair = &link->pair;

                if (pair->reliable && !pair->evicted && !pair->left &&
                    (!found || p->writer.position - pair->accepted > p->writer.position - found->accepted))
                        found = pair;
        }
        return found;
}

/* The next larger ring, with the memory for it; 0: there is none. */
static uint64_t
ring_next(const struct weir_publisher *p, uint64_t *memory)
{
        uint64_t ring = wr_lane_ring_next(&p->writer.geometry, p->options.memory_max);
        uint64_t used = p->committed > p->heap_most ? p->committed : p->heap_most;

        *memory = p->memory_now + p->writer.geometry.ring_bytes;
        if (*memory > p->options.memory_max)
                *memory = p->options.memory_max;
        if (p->bus->stands_in[0]) /* its client's ring was made for this one: relayed_publisher.c */
                return 0;
        return ring + used <= *memory ? ring : 0;
}

/* What is older than stall_ns was left by a reader that is slow: it would be as far behind in any ring. */
static bool
is_recent(const struct weir_publisher *p, const struct wr_pair_writer *reader, int64_t now_ns)
{
        struct wr_lane_backlog backlog;

        wr_lane_backlog(&p->writer, reader->accepted, &backlog);
        return backlog.oldest_ns != 0 && now_ns - backlog.oldest_ns < p->options.stall_ns;
}

void
wr_publisher_lengthen(struct weir_publisher *p, int64_t now_ns)
{
        const struct wr_pair_writer *reader = slowest(p);
        uint64_t memory, ring = ring_next(p, &memory);

        if (!reader || p->writer.position - reader->accepted < p->writer.geometry.ring_bytes / 2 ||
            p->stalled_at != reader->accepted || p->stalled_ns == 0) {
                p->stalled_at = reader ? reader->accepted : 0;
                p->stalled_ns = reader ? now_ns : 0;
                return;
        }
        /* One that has yet to empty the lane before was given a longer ring already. */
        if (now_ns - p->stalled_ns < STALLED_NS || ring == 0 || reader->before ||
            wr_load32_acquire(&p->growing) != WR_GROWING_NOT ||
            now_ns - (int64_t)wr_load(&p->ring_refused_ns) < AGAIN_NS)
                return;
        p->stalled_ns = now_ns; /* not looked at again at once */
        if (is_recent(p, reader, now_ns))
                grow_post(p, WR_GROWING_RING, memory, ring);
}
