/*
 * Who follows the lane: attaching, detaching, waking, and giving up those who block it for too long.
 *
 * Attach and detach run while the publishing thread is outside (bus/latch.h). Attaching chooses the start, stores it
 * as the cursor, and discards the cached limit: a publisher that still trusted the old limit would run over the new
 * reader's frames. Only after that is the reader told where it begins.
 */
#include "bus/lane_parts.h"

#include <stdlib.h>

enum { WAKES_IDLE_MAX = 64 };

/* Where a reader begins that wants the newest `history` frames: as many as are still whole, and do not lie where the
 * room promised to the loans that are out will be. */
static struct wr_lane_start
start_of(const struct wr_lane_writer *w, uint32_t history)
{
        struct wr_lane_start start = { w->position, w->sequence, w->format };
        uint64_t claimed = w->cleared - w->geometry.ring_bytes;
        uint64_t promised = w->position + wr_lane_kept(w) - w->geometry.ring_bytes;
        uint64_t most = w->sequence - w->first;

        if (w->first == 0) /* not begun */
                return (struct wr_lane_start){ w->position, 0, 0 };
        if (most > w->history)
                most = w->history;
        if (most > history)
                most = history;
        for (uint64_t back = 1; back <= most; back++) {
                uint64_t sequence = w->sequence - back;
                const struct wr_recent *recent = &w->recent[sequence & (w->recent_room - 1)];

                if (!wr_at_least(recent->position, claimed) || !wr_at_least(recent->position, promised) ||
                    sequence < w->unlinked)
                        break;
                start = (struct wr_lane_start){ recent->position, sequence, recent->format };
        }
        return start;
}

static bool
make_room(struct wr_lane_writer *w, uint32_t announcement_count)
{
        struct wr_pair_writer **pairs = realloc(w->pairs, (w->pair_count + 1) * sizeof(struct wr_pair_writer *));
        size_t pinned_room = w->pinned_room + announcement_count;
        uint64_t *pinned, *announced;

        if (pairs == NULL)
                return false;
        w->pairs = pairs;
        pinned = realloc(w->pinned, (pinned_room + 1) * sizeof(uint64_t));
        if (pinned == NULL)
                return false;
        w->pinned = pinned;
        announced = realloc(w->announced, (pinned_room + 1) * sizeof(uint64_t));
        if (announced == NULL)
                return false;
        w->announced = announced;
        w->pinned_room = pinned_room;
        return true;
}

enum weir_result
wr_lane_attach(struct wr_lane_writer *w, struct wr_pair_writer *pair, uint32_t history, struct wr_lane_start *start)
{
        if (w->ended)
                return WEIR_E_CLOSED;
        if (!make_room(w, pair->announcement_count))
                return WEIR_E_NO_MEMORY;
        *start = start_of(w, history);
        pair->accepted = start->position;
        wr_store_release(&pair->words->cursor, start->position);
        wr_store32(&pair->words->writer_settles, w->settles);
        w->pairs[w->pair_count++] = pair;
        w->unfenced = false;
        w->limit = w->position; /* look again before the next store */
        w->easy = 0;
        return WEIR_OK;
}

void
wr_lane_detach(struct wr_lane_writer *w, struct wr_pair_writer *pair)
{
        for (size_t i = 0; i < w->pair_count; i++) {
                if (w->pairs[i] != pair)
                        continue;
                w->pairs[i] = w->pairs[--w->pair_count];
                wr_lane_unpin(w);
                w->pinned_room -= pair->announcement_count;
                return;
        }
}

/* A wake is a system call, and a reader can ask for one before each frame and never take any. So who does not move
 * forward is woken by a timer after a while. A reader that sleeps because there is nothing moves between two wakes. */
static bool
wake_is_idle(const struct wr_lane_writer *w, struct wr_pair_writer *pair)
{
        uint64_t cursor = wr_load(&pair->words->cursor);

        if (cursor - pair->woken_at - 1 < w->position - pair->woken_at) {
                pair->woken_at = cursor;
                pair->wakes_idle = 0;
        } else if (pair->wakes_idle <= WAKES_IDLE_MAX) {
                pair->wakes_idle += 1;
        }
        return pair->wakes_idle > WAKES_IDLE_MAX;
}

void
wr_lane_wake_owed(struct wr_lane_writer *w, void (*raise)(wr_word32 *word))
{
        if (!w->wakes_owed)
                return;
        w->wakes_owed = false;
        for (size_t i = 0; i < w->pair_count; i++) {
                if (w->pairs[i]->wake_owed)
                        raise(&w->pairs[i]->words->wake);
                w->pairs[i]->wake_owed = false;
        }
}

static __attribute__((noinline)) void
wake_sleepers(struct wr_lane_writer *w, void (*raise)(wr_word32 *word))
{
        for (size_t i = 0; i < w->pair_count; i++) {
                struct wr_pair_writer *pair = w->pairs[i];

                if (!wr_pair_wake_due(pair))
                        continue;
                if (wake_is_idle(w, pair))
                        pair->wake_owed = w->wakes_owed = true;
                else
                        raise(&pair->words->wake);
        }
}

void
wr_lane_wake(struct wr_lane_writer *w, void (*raise)(wr_word32 *word))
{
        bool all_settle = w->settles == WR_PAIR_SETTLES;
        uint64_t asleep = 0;

        if (w->unfenced) /* U2 of pair.h: the commit before the look at `waiting` */
                wr_fence_compiler();
        else
                wr_fence();
        for (size_t i = 0; i < w->pair_count; i++) {
                const struct wr_pair_writer *pair = w->pairs[i];

                asleep |= wr_load_acquire(&pair->words->waiting); /* U3: all even, and nobody need be woken */
                all_settle = all_settle && wr_load32(&pair->words->settles) == WR_PAIR_SETTLES;
        }
        w->unfenced = all_settle; /* from the next look on; who joins is fenced for again */
        if (asleep % 2 != 0)
                wake_sleepers(w, raise);
}

/* Who really waits looks at the books far more often than this. What one look charges is no more, so that time in which
 * the publisher had nothing to send, or was stopped together with its reader, is nobody's debt. */
#define CHARGE_MAX_NS INT64_C(100000000)

/* The slowest reliable pairs are those that the publisher waits for. */
static bool
blocks(const struct wr_pair_writer *pair, uint64_t floor, uint64_t position)
{
        return pair->reliable && !pair->evicted && !pair->left && pair->accepted == floor && floor != position;
}

/*
 * Forgives for what was taken: a 64th of the backlog (what was published and not yet taken at the last look) pays for
 * stall_ns. So a reader that is merely slower than its publisher is waited for, for ever if need be, as long as it
 * takes that much in every stall_ns of waiting (of a full ring of small frames 64, of 64 large ones one); one that
 * takes nothing, or drips, is not.
 */
enum { PROGRESS = 64 };

static void
forgive(const struct wr_lane_writer *w, struct wr_pair_writer *pair, uint64_t taken, uint64_t backlog)
{
        if (taken > 0)
                pair->charged_ns -= (int64_t)((double)w->stall_ns * PROGRESS * (double)taken / (double)backlog);
}

/* It has gone on with us and is still taking what is left in the lane before: that counts as well. */
static void
forgive_before(const struct wr_lane_writer *w, struct wr_pair_writer *pair)
{
        uint64_t cursor = wr_load_acquire(&pair->before->cursor);
        uint64_t backlog = pair->before_end - pair->before_accepted;
        uint64_t taken = cursor - pair->before_accepted;

        if (taken > backlog) {
                pair->ignored += 1;
                return;
        }
        forgive(w, pair, taken, backlog);
        pair->before_accepted = cursor;
        if (cursor == pair->before_end)
                pair->before = NULL;
}

static void
forgive_progress(struct wr_lane_writer *w, struct wr_pair_writer *pair)
{
        uint64_t taken = pair->accepted - pair->charged_at;

        if (taken > pair->charged_backlog) /* more was published meanwhile, and taken */
                taken = pair->charged_backlog;
        forgive(w, pair, taken, pair->charged_backlog);
        if (pair->before != NULL)
                forgive_before(w, pair);
        pair->charged_at = pair->accepted;
        pair->charged_backlog = w->position - pair->accepted;
}

/* Brings the books up to date: who blocks pays the time, everybody else is forgiven a tenth of it. */
static void
settle_charges(struct wr_lane_writer *w, int64_t now_ns)
{
        int64_t passed_ns = w->charge_ns == 0 ? 0 : now_ns - w->charge_ns;
        int64_t waited_ns = passed_ns < CHARGE_MAX_NS ? passed_ns : CHARGE_MAX_NS;
        uint64_t floor = wr_lane_floor(w, true);

        for (size_t i = 0; i < w->pair_count; i++) {
                struct wr_pair_writer *pair = w->pairs[i];

                if (w->charging && blocks(pair, floor, w->position))
                        pair->charged_ns += waited_ns;
                else
                        pair->charged_ns -= passed_ns / 10;
                forgive_progress(w, pair);
                if (pair->charged_ns < 0)
                        pair->charged_ns = 0;
        }
        w->charge_ns = now_ns;
}

struct wr_pair_writer *
wr_lane_charge(struct wr_lane_writer *w, int64_t now_ns, int64_t stall_ns)
{
        uint64_t floor;

        w->stall_ns = stall_ns;
        settle_charges(w, now_ns);
        w->charging = true;
        floor = wr_lane_floor(w, true);
        for (size_t i = 0; i < w->pair_count; i++) {
                struct wr_pair_writer *pair = w->pairs[i];

                if (!blocks(pair, floor, w->position) || pair->charged_ns < stall_ns)
                        continue;
                pair->evicted = true;
                wr_store_release(&pair->words->evicted, w->sequence); /* before `claimed` may pass its cursor */
                w->limit = w->position;
                w->easy = 0;
                return pair;
        }
        return NULL;
}

void
wr_lane_uncharge(struct wr_lane_writer *w, int64_t now_ns)
{
        if (!w->charging)
                return;
        settle_charges(w, now_ns);
        w->charging = false;
}
