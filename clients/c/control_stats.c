/*
 * What the broker is told each second of the readers of our publishers: how far behind, and what they have out. From
 * ring and page, so it is true of a reader that is stopped, too.
 *
 * Not all at once: with many pairs the messages would use up what this identity may send in a second.
 */
#include "clients/c/publisher.h"

#include "bus/lane_backlog.h"

enum { PAIRS_PER_TURN = 32 };

uint64_t
wr_control_stats_bytes(const struct weir_publisher *p, const struct wr_pair_writer *pair)
{
        uint64_t bytes = 0;

        for (uint32_t i = 0; i < pair->announcement_count; i++) {
                uint64_t value = wr_load(&pair->words->announcements[i]);

                if (value != 0)
                        bytes += wr_heap_lent_bytes(p->writer.heap, (value - 1) * WR_LINE_BYTES);
        }
        return bytes;
}

static void
stats_held(struct weir_publisher *p, struct wr_pair_link *link, struct wr_message_pair_stats *stats)
{
        for (uint32_t i = 0; i < link->pair.announcement_count; i++)
                stats->held += wr_load(&link->pair.words->announcements[i]) != 0;
        if (stats->held == 0 || !p->writer.heap)
                return;
        /* A visit is a barrier in every thread of the process: only where there is something to look at. While the
         * publishing thread is busy, what was seen last has to do. */
        if (wr_latch_visit(&p->latch)) {
                link->told_bytes = wr_control_stats_bytes(p, &link->pair);
                wr_latch_depart(&p->latch);
        }
        stats->held_bytes = link->told_bytes;
}

static void
stats_tell(struct wr_control *c, struct weir_publisher *p, struct wr_pair_link *link)
{
        struct wr_message message = { .kind = WR_PAIR_STATS, .pair_stats = { .pair = link->pair.id } };
        struct wr_message_pair_stats *stats = &message.pair_stats;
        struct wr_lane_backlog backlog;
        uint64_t sum;

        if (wr_publisher_is_moving(p))
                return; /* which lane is read here must stand still */
        if (wr_load(&link->pair.words->state) == WR_PAIR_TAKING)
                wr_lane_backlog(&p->writer, wr_load_acquire(&link->pair.words->cursor), &backlog);
        else
                backlog = (struct wr_lane_backlog){ .frames = 0 };
        stats->lag_frames = backlog.frames;
        if (backlog.oldest_ns > 0 && wr_clock_ns() > backlog.oldest_ns)
                stats->lag_ns = wr_clock_ns() - backlog.oldest_ns;
        stats_held(p, link, stats);
        sum = stats->lag_frames + (uint64_t)stats->lag_ns + stats->held + stats->held_bytes;
        if (sum != link->told)
                wr_control_send(c, &message);
        link->told = sum;
}

void
wr_control_pairs_tell(struct wr_control *c)
{
        uint32_t count = 0, at = 0, turns;

        for (const struct weir_publisher *p = c->publishers; p; p = p->control_next)
                for (const struct wr_pair_link *link = p->control_links; link; link = link->control_next)
                        count += 1;
        turns = (count + PAIRS_PER_TURN - 1) / PAIRS_PER_TURN;
        c->told_turn = turns > 0 ? (c->told_turn + 1) % turns : 0;
        for (struct weir_publisher *p = c->publishers; p; p = p->control_next)
                for (struct wr_pair_link *link = p->control_links; link; link = link->control_next)
                        if (at++ / PAIRS_PER_TURN == c->told_turn && link->attached && !p->relayed)
                                stats_tell(c, p, link);
}
