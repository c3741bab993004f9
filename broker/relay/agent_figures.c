/* What `weir who` is to tell of a relayed subscriber: what its client took and has yet to take, not what its agent did.
 */
#include "broker/relay/agent.h"

#include "bus/os/clock.h"
#include "clients/c/subscriber.h"

static void
figures_set(struct weir_subscriber *s, const struct wr_far_figures *figures)
{
        wr_mutex_lock(&s->lock);
        s->far = *figures;
        wr_mutex_unlock(&s->lock);
}

void
wr_agent_figures_begin(struct weir_subscriber *s)
{
        figures_set(s, &(struct wr_far_figures){ .is_there = true, .heard_ns = wr_clock_ns() });
}

void
wr_agent_figures_heard(struct weir_subscriber *s, const struct wr_record_taken *taken)
{
        uint64_t sent = wr_load(&s->sent), under_way = sent > taken->arrived ? sent - taken->arrived : 0;

        figures_set(s, &(struct wr_far_figures){ .is_there = true,
                                                 .frames = taken->frames,
                                                 .bytes = taken->bytes,
                                                 .lost = taken->lost,
                                                 .skipped = taken->skipped,
                                                 .corrupt = taken->corrupt,
                                                 .out = taken->out,
                                                 .copied_bytes = taken->copied_bytes,
                                                 .lag_frames = taken->lag_frames + under_way,
                                                 .oldest_ns = taken->oldest_ns,
                                                 .sent = sent,
                                                 .heard_ns = wr_clock_ns() });
}

void
wr_agent_figures_sent(struct weir_subscriber *s, const struct weir_frame *first, size_t count)
{
        wr_store(&s->sent, wr_load(&s->sent) + count);
        wr_mutex_lock(&s->lock);
        if (s->far.unheard_ns == 0)
                s->far.unheard_ns = first->published_ns;
        wr_mutex_unlock(&s->lock);
}
