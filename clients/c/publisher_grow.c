/*
 * A publisher that did not say how much memory it needs begins with little of it, and asks for a larger lane when a
 * block does not fit: the lane moves (publisher_move.c) while everything flows on. So does one whose heap is pinned by
 * a reader that keeps what it took: its blocks stay in the lane that is left.
 *
 *      WEIR_FULL       more is on its way: a call that may wait waits for it, weir_next() tells WEIR_ROOM
 *      the old answer  there is as much as memory_max allows, or as the broker grants
 */
#include "clients/c/publisher.h"

#include "clients/c/error.h"
#include "named-objects/sentence.h"

#include <stddef.h>
#include <stdlib.h>

#define ANSWER_NS INT64_C(10000000000)
#define AGAIN_NS  INT64_C(1000000000) /* behind a refusal */
#define PINNED_NS INT64_C(100000000)  /* full for so long, and most of it is one reader's */

enum { GROW_BY = 4 };

void
wr_publisher_grow_refuse(struct weir_publisher *p, const char *sentence)
{
        if (wr_load32(&p->growing) != WR_GROWING_ASKED)
                return;
        wr_sentence(p->grow_text, sizeof p->grow_text, "%s", sentence);
        wr_store(&p->refused_ns, (uint64_t)wr_clock_ns());
        wr_store32_release(&p->growing, WR_GROWING_REFUSED);
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
move_ask(struct wr_control *c, struct weir_publisher *p, uint64_t memory_max, uint64_t pinned_by)
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
        q->message.move = (struct wr_message_move){ p->lane, memory_max, pinned_by };
        wr_control_ask_own(c, q, ANSWER_NS);
}

static void
grow_begin(struct wr_control *c, struct wr_job *job)
{
        struct weir_publisher *p =
                (struct weir_publisher *)(void *)((char *)job - offsetof(struct weir_publisher, grow));
        uint64_t size = wr_load(&p->grow_wish), wanted = GROW_BY * p->segment_bytes;

        if (wanted / GROW_BY < size)
                wanted = GROW_BY * size; /* the next frame while this one is read, and the one behind it */
        if (wanted > p->options.memory_max)
                wanted = p->options.memory_max;
        wr_publisher_moved(c, p); /* a move that is done, and that nobody has looked at yet, is none any more */
        if (wr_load32(&p->closed) || wr_publisher_is_moving(p) || wr_load32(&p->growing) != WR_GROWING_ASKED) {
                wr_publisher_drop(p);
                return;
        }
        move_ask(c, p, wanted, 0);
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
        if (p->memory_now >= p->options.memory_max || size >= p->options.memory_max ||
            wr_load32_acquire(&p->growing) == WR_GROWING_REFUSED)
                return result;
        if (wr_load32_acquire(&p->growing) == WR_GROWING_NOT) {
                wr_store32(&p->growing, WR_GROWING_ASKED);
                wr_store(&p->grow_wish, size);
                wr_add32(&p->references, 1); /* the job's, then the question's */
                p->grow.run = grow_begin;
                wr_control_post(&p->bus->control, &p->grow);
        }
        return WEIR_FULL;
}

enum weir_result
wr_publisher_too_large(const struct weir_publisher *p, uint64_t size)
{
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
        move_ask(c, p, p->memory_now, worst->pair.id);
}
