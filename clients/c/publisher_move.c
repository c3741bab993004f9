/*
 * How a publisher goes from one lane to the next (bus/lane_successor.c says what that is, and in which order).
 *
 *      control thread        LANE_GRANT that follows our lane: map it; READY; attach the readers that the broker sends.
 *                            Until it has begun there are two lanes, and only the old one is written.
 *      under the latch       by whoever holds it, publishing or control thread, with each listed change: are the
 *                            readers ready? Then history over, END, swap. Before that nothing has changed, behind it
 *                            all has.
 *      control thread        LANE_MOVED; the old readers' pages go; the old lane's memory stays while loans of it are
 *                            out
 *
 * Reliable readers are waited for, each by its own word in its old page; lossy ones for MOVE_LOSSY_NS, since they lose
 * nothing that they were promised. Nobody is waited for longer than stall_ns, or two seconds; and where there is no
 * memory for what has to go along, that is how long it is tried. Then the publisher stays where it is, the broker takes
 * the lane back, and a call that waits for more memory is told.
 *
 * The next lane is looked at under the lock alone, until it has taken the old one's place: so the control thread can
 * give it up at any time, also where it may not visit the latch (bus/latch.c).
 */
#include "clients/c/publisher.h"

#include "bus/os/memory.h"
#include "clients/c/error.h"

#include <stdlib.h>
#include <string.h>

#define MOVE_LOSSY_NS INT64_C(200000000)
#define MOVE_MIN_NS   INT64_C(2000000000)
#define NO_MEMORY     "there is no memory for another lane, or for what has to go along into it"

/* ---- under the latch ---- */

static bool
all_ready(const struct weir_publisher *p, const struct wr_next_lane *next)
{
        for (const struct wr_pair_link *link = p->links; link; link = link->next)
                if (wr_load_acquire(&link->pair.words->state) == WR_PAIR_TAKING &&
                    wr_load_acquire(&link->pair.words->ready) != next->lane)
                        return false;
        return true;
}

static bool
is_time(const struct weir_publisher *p, const struct wr_next_lane *next)
{
        int64_t now_ns = wr_clock_ns();

        if (now_ns >= next->until_ns)
                return true;
        if (!wr_lane_movable(&p->writer, next->lane))
                return false;
        return now_ns - next->since_ns >= MOVE_LOSSY_NS || all_ready(p, next);
}

static enum weir_result
next_commit(void *context, uint64_t end)
{
        struct wr_next_lane *next = context;
        uint64_t page = wr_memory_page_bytes();
        enum weir_result result;

        end = (end + page - 1) & ~(page - 1);
        if (end <= next->committed)
                return WEIR_OK;
        if (end > next->writer.geometry.heap_bytes)
                end = next->writer.geometry.heap_bytes;
        result = wr_memory_commit(next->writer.heap_base + next->committed, end - next->committed);
        if (result == WEIR_OK)
                next->committed = end;
        return result;
}

/* The lane that is left, with the loans of it that are out. */
static struct wr_past_lane *
past_make(struct weir_publisher *p)
{
        struct wr_past_lane *past = calloc(1, sizeof *past);

        if (!past)
                return NULL;
        past->segment = p->segment;
        past->segment_bytes = p->segment_bytes;
        past->keeper = p->keeper;
        for (uint32_t i = 0; p->loans && i < p->loans_max; i++)
                if (p->loans[i].is_out && !p->loans[i].past) {
                        p->loans[i].past = past;
                        wr_store32(&past->loans, wr_load32(&past->loans) + 1);
                }
        return past;
}

/* Lock held. */
static void
links_retire(struct weir_publisher *p, struct wr_pair_link *links)
{
        struct wr_pair_link **end;

        for (end = &p->retired; *end; end = &(*end)->next)
                ;
        *end = links;
        for (struct wr_pair_link *link = links; link; link = link->next)
                link->is_retired = true;
}

/* A reader that still takes what is left in the old lane is seen to do so in its old page, which is kept for that. */
static void
page_keep(const struct weir_publisher *p, struct wr_pair_link *link)
{
        struct wr_pair_link *old = p->links;

        while (old && old->pair.words != link->pair.before)
                old = old->next;
        if (!old)
                return;
        wr_add32(&old->references, 1);
        link->before = old;
}

/* Lock held: it will not begin. */
static struct wr_next_lane *
next_take(struct weir_publisher *p)
{
        struct wr_next_lane *next = p->next_lane;

        p->next_lane = NULL;
        if (next)
                links_retire(p, next->links);
        return next;
}

/* Lock held. */
static void
swap(struct weir_publisher *p, struct wr_past_lane *past)
{
        struct wr_next_lane *next = p->next_lane;
        uint32_t count = 0;

        wr_lane_writer_close(&p->writer);
        p->writer = next->writer;
        p->segment = next->segment;
        p->segment_bytes = next->segment_bytes;
        if (p->heap_most < p->committed)
                p->heap_most = p->committed;
        p->committed = next->committed;
        p->memory_now = next->segment_bytes; /* and a control page, which is no part of memory_max */
        if (p->memory_now > p->options.memory_max)
                p->memory_now = p->options.memory_max;
        p->full_since_ns = 0;
        wr_store32_release(&p->growing, WR_GROWING_NOT);
        wr_store(&p->heap_bytes, next->writer.geometry.heap_bytes);
        p->keeper = NULL;
        p->wake_owed = p->charging = false;
        for (struct wr_pair_link *link = next->links; link; link = link->next)
                page_keep(p, link);
        links_retire(p, p->links);
        p->links = next->links;
        for (struct wr_pair_link *link = p->links; link; link = link->next) {
                wr_store32(&link->is_follower, 0);
                count += 1;
        }
        wr_store32(&p->link_count, count);
        past->next = p->past_lanes;
        p->past_lanes = past;
        p->next_lane = NULL;
        p->moved = true;
        free(next);
}

/* It was not left: no loan is of it. */
static void
past_undo(const struct weir_publisher *p, struct wr_past_lane *past)
{
        for (uint32_t i = 0; past && p->loans && i < p->loans_max; i++)
                if (p->loans[i].past == past)
                        p->loans[i].past = NULL;
        free(past);
}

bool
wr_publisher_move(struct weir_publisher *p)
{
        struct wr_next_lane *next = p->next_lane;
        struct wr_past_lane *past;

        if (wr_load32_acquire(&p->filling) || !is_time(p, next))
                return false;
        wr_loans_collect(p);
        past = past_make(p);
        if (!past || wr_lane_move(&p->writer, &next->writer, next_commit, next) < 0) {
                past_undo(p, past);
                if (wr_clock_ns() >= next->until_ns)
                        p->given_up = next_take(p);
                return false;
        }
        wr_lane_wake(&p->writer, wr_signal_raise);
        wr_lane_wake_owed(&p->writer, wr_signal_raise);
        swap(p, past);
        return true;
}

void
wr_publisher_past_return(struct wr_loan *loan)
{
        wr_store32_release(&loan->past->loans, wr_load32(&loan->past->loans) - 1);
        loan->past = NULL;
}

static void
past_unmap(struct wr_past_lane *past)
{
        wr_region_unmap(past->segment, past->segment_bytes);
        if (past->keeper)
                wr_memory_aligned_free(past->keeper->page);
        free(past->keeper);
        free(past);
}

void
wr_publisher_past_free(struct weir_publisher *p)
{
        struct wr_past_lane *past;

        while ((past = p->past_lanes)) {
                p->past_lanes = past->next;
                past_unmap(past);
        }
}

/* ---- in the control thread ---- */

static void
next_free(struct wr_next_lane *next)
{
        wr_lane_writer_close(&next->writer);
        wr_region_unmap(next->segment, next->segment_bytes);
        free(next);
}

static enum weir_result
next_map(const struct weir_publisher *p, struct wr_next_lane *next, const struct wr_lane_geometry *g, wr_object region)
{
        enum weir_result result = wr_lane_geometry_check(g);
        void *segment;

        if (result == WEIR_OK && (g->inline_max != p->inline_max || g->hash != p->writer.geometry.hash))
                result = WEIR_E_VERSION; /* what calls look at outside of the latch does not change */
        if (result == WEIR_OK)
                result = wr_region_check(region, g->segment_bytes, false);
        if (result == WEIR_OK)
                result = wr_region_map(region, g->segment_bytes, true, &segment);
        if (result < 0)
                return result;
        next->segment = segment;
        next->segment_bytes = g->segment_bytes;
        result = wr_memory_commit(segment, g->ring_offset + g->ring_bytes);
        if (result == WEIR_OK)
                result = wr_lane_writer_open(&next->writer, segment, g, p->options.history, p->loans_max);
        if (wr_publisher_fences(p))
                next->writer.settles = WR_PAIR_FENCES;
        if (result < 0)
                wr_region_unmap(segment, g->segment_bytes);
        return result;
}

static struct wr_next_lane *
next_make(const struct weir_publisher *p, const struct wr_message_lane_grant *m, wr_object region)
{
        struct wr_lane_geometry geometry = WR_GEOMETRY_OF(m);
        struct wr_next_lane *next = calloc(1, sizeof *next);
        int64_t patience_ns = p->options.stall_ns > MOVE_MIN_NS ? p->options.stall_ns : MOVE_MIN_NS;

        if (!next)
                return NULL;
        if (next_map(p, next, &geometry, region) < 0) {
                free(next);
                return NULL;
        }
        next->lane = m->lane;
        next->since_ns = wr_clock_ns();
        next->until_ns = next->since_ns + patience_ns;
        return next;
}

void
wr_publisher_successor(struct wr_control *c, const struct wr_message_lane_grant *m, wr_object *objects)
{
        struct weir_publisher *p = c->publishers;
        struct wr_next_lane *next = NULL;

        while (p && p->lane != m->follows)
                p = p->control_next;
        if (p && !wr_load32(&p->revoked)) {
                wr_publisher_abandon(c, p);
                wr_publisher_moved(c, p);
                if (p->lane == m->follows)
                        next = next_make(p, m, objects[0]);
        }
        if (!next) { /* closed, or no memory: the broker takes it back */
                if (p)
                        wr_publisher_grow_refuse(p, NO_MEMORY);
                wr_control_send(c, &(struct wr_message){ .kind = WR_CLOSE_LANE, .close_lane = { m->lane } });
                return;
        }
        wr_mutex_lock(&p->lock);
        p->next_lane = next;
        wr_store32(&p->changes_due, 1);
        wr_mutex_unlock(&p->lock);
        wr_control_send(c, &(struct wr_message){ .kind = WR_READY, .ready = { m->lane } });
        c->retry = true;
}

void
wr_publisher_unlist(struct wr_pair_link **at)
{
        while (*at)
                if ((*at)->is_retired)
                        *at = (*at)->next_change;
                else
                        at = &(*at)->next_change;
}

/* Readers of a lane that was left: they have gone on, or are told in the lane itself. */
static void
retired_forget(struct wr_control *c, struct weir_publisher *p)
{
        struct wr_pair_link *link, *next;

        wr_mutex_lock(&p->lock);
        link = p->retired;
        p->retired = NULL;
        wr_publisher_unlist(&p->changes);
        wr_publisher_unlist(&p->applied);
        wr_mutex_unlock(&p->lock);
        for (; link; link = next) {
                next = link->next;
                if (link->before) /* and so on, were it not for this */
                        wr_control_link_drop(link->before);
                link->before = NULL;
                if (!link->attached) {
                        wr_control_link_refuse(c, link);
                } else if (!link->leaving) {
                        link->reason = WEIR_E_DENIED;
                        wr_control_link_left(c, p, link);
                }
                wr_control_link_forget(c, p, link);
        }
}

static void
past_collect(struct weir_publisher *p)
{
        struct wr_past_lane **at, *past, *gone = NULL;

        wr_mutex_lock(&p->lock);
        for (at = &p->past_lanes; (past = *at);) {
                if (wr_load32_acquire(&past->loans) > 0) {
                        at = &past->next;
                        continue;
                }
                *at = past->next;
                past->next = gone;
                gone = past;
        }
        wr_mutex_unlock(&p->lock);
        while ((past = gone)) {
                gone = past->next;
                past_unmap(past);
        }
}

/* There was no memory to go on in it. */
static void
next_give_back(struct wr_control *c, struct weir_publisher *p, struct wr_next_lane *next)
{
        retired_forget(c, p);
        wr_control_send(c, &(struct wr_message){ .kind = WR_CLOSE_LANE, .close_lane = { next->lane } });
        wr_publisher_grow_refuse(p, NO_MEMORY);
        next_free(next);
}

void
wr_publisher_moved(struct wr_control *c, struct weir_publisher *p)
{
        struct wr_next_lane *given_up;
        uint64_t before = p->lane;
        bool moved;

        wr_mutex_lock(&p->lock);
        given_up = p->given_up;
        p->given_up = NULL;
        moved = p->moved;
        p->moved = false;
        if (moved)
                p->lane = p->writer.geometry.lane; /* no further move begins before we allow it */
        wr_mutex_unlock(&p->lock);
        if (moved) {
                wr_store(&p->told, 0); /* nothing of this lane yet */
                retired_forget(c, p);
                wr_control_send(c, &(struct wr_message){ .kind = WR_LANE_MOVED, .lane_moved = { before, p->lane } });
                wr_bus_poke(c->bus);
        }
        if (given_up)
                next_give_back(c, p, given_up);
        past_collect(p);
}

bool
wr_publisher_is_moving(struct weir_publisher *p)
{
        bool is_moving;

        wr_mutex_lock(&p->lock);
        is_moving = p->next_lane || p->moved || p->given_up;
        wr_mutex_unlock(&p->lock);
        return is_moving;
}

void
wr_publisher_abandon(struct wr_control *c, struct weir_publisher *p)
{
        struct wr_next_lane *next;

        wr_mutex_lock(&p->lock);
        next = next_take(p);
        wr_mutex_unlock(&p->lock);
        if (!next)
                return;
        wr_store32_release(&p->growing, WR_GROWING_NOT); /* it may be asked for again */
        retired_forget(c, p);
        next_free(next);
}
