/* The lanes that a subscriber's agent reads: is there something, and when do their publishers hear that there is room?
 */
#include "broker/relay/agent.h"

#include "bus/os/barrier.h"
#include "bus/os/clock.h"
#include "clients/c/subscriber.h"
#include "named-objects/signal.h"

#define SPIN_NS INT64_C(20000)

bool
wr_agent_lanes_ready(const struct weir_subscriber *s)
{
        for (uint32_t i = 0; i < s->lane_count; i++)
                if (wr_lane_ready(&s->lanes[i]->reader))
                        return true;
        return false;
}

void
wr_agent_lanes_await(const struct weir_subscriber *s)
{
        int64_t until_ns = wr_clock_ns() + SPIN_NS;

        while (!wr_agent_lanes_ready(s) && wr_clock_ns() < until_ns)
                wr_yield();
}

void
wr_agent_lanes_room(const struct weir_subscriber *s)
{
        for (uint32_t i = 0; i < s->lane_count; i++) {
                struct wr_lane_reader *reader = &s->lanes[i]->reader;

                if (wr_pair_room_due(&reader->pair))
                        wr_signal_raise(&reader->pair.words->space);
        }
}
