/*
 * A relayed publisher that closes. What it published is on its way for as long as that gets on, and there is a stream
 * for it, or may be in a moment:
 *
 *      a stream is there    until nothing of it went into the stream for stall_ns
 *      its agent is coming  as long as an answer may take: no reader holds it up
 *      it was lost          for BACK_NS; meanwhile another one is asked for, and asked of the next broker, too
 */
#include "bus/os/clock.h"
#include "clients/c/publisher.h"
#include "clients/c/relayed.h"

#define BACK_NS INT64_C(2000000000)

bool
wr_relayed_has_rest(const struct wr_relayed *r)
{
        return wr_load(&r->publisher->frames) > wr_load(&r->sent);
}

void
wr_relayed_drain_forgive(struct wr_relayed *r, int64_t since_ns)
{
        int64_t now_ns = wr_clock_ns();

        if (r->drain_ns != 0)
                r->drain_ns = since_ns > r->drain_ns ? r->drain_ns + now_ns - since_ns : now_ns;
}

int64_t
wr_relayed_drain_until(struct wr_relayed *r, int64_t now_ns)
{
        uint64_t written = wr_load(&r->written);
        int64_t stall_ns = r->publisher->options.stall_ns, until_ns;

        if (r->opened_ns == 0) /* no reader holds it up: there is no agent yet */
                stall_ns = WR_RELAYED_ANSWER_NS;
        if (r->opened_ns != 0 && written != r->drained)
                r->drain_ns = now_ns;
        r->drained = written;
        until_ns = stall_ns > INT64_MAX - r->drain_ns ? INT64_MAX : r->drain_ns + stall_ns;
        if (r->lost_ns != 0)
                until_ns = r->lost_ns + BACK_NS;
        return until_ns;
}
