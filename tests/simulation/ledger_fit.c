/* Who is who, and which lane is for whom. */
#include "tests/simulation/ledger.h"

#include "bus/topic.h"

#include <string.h>

struct sim_line *
ledger_line_of(const struct wr_session *session)
{
        for (unsigned i = sim_line_count(); i-- > 0;)
                if (sim_line_at(i)->id == session->id && sim_line_at(i)->is_welcome)
                        return sim_line_at(i);
        sim_fail("books: a session that was never welcomed has something");
}

const struct wr_session *
ledger_session_of(const struct sim_line *line)
{
        WR_LIST_EACH(link, &sim.server.sessions)
        {
                const struct wr_session *session = WR_LIST_OWNER(link, struct wr_session, link);
                wr_object socket = session->connection.hook.object;

                if (socket != WR_NO_OBJECT && sim_object_at(socket, SIM_SOCKET)->line == line)
                        return session;
        }
        sim_fail("books: %u is heard, and has no session", sim_client_pid(line));
}

struct ledger_lane *
ledger_lane(uint64_t id)
{
        for (unsigned i = ledger.lane_count; i-- > 0;)
                if (ledger.lanes[i].id == id)
                        return &ledger.lanes[i];
        return NULL;
}

struct ledger_subscription *
ledger_subscription(uint64_t id)
{
        for (unsigned i = ledger.subscription_count; i-- > 0;)
                if (ledger.subscriptions[i].id == id)
                        return &ledger.subscriptions[i];
        return NULL;
}

struct ledger_pair *
ledger_pair(uint64_t id)
{
        for (unsigned i = ledger.pair_count; i-- > 0;)
                if (ledger.pairs[i].id == id)
                        return &ledger.pairs[i];
        return NULL;
}

bool
ledger_may_read(const struct ledger_subscription *subscription, const char *topic)
{
        return sim_may(subscription->line->identity, topic,
                       WR_MAY_SUBSCRIBE | WR_MAY_MAP | (subscription->is_reliable ? WR_MAY_STALL : 0U));
}

static bool
hears(const struct ledger_lane *lane, const struct ledger_subscription *subscription)
{
        if (!lane->is_ready || lane->is_over || lane->is_moved || subscription->is_over || subscription->is_closing)
                return false;
        if (!subscription->is_pattern)
                return strcmp(subscription->name, lane->topic) == 0;
        return wr_topic_matches(subscription->name, lane->topic) && ledger_may_read(subscription, lane->topic) &&
               (!subscription->type[0] || strcmp(subscription->type, lane->type) == 0);
}

/* Its pair in the lane, as far as it knows of it. */
const struct ledger_pair *
ledger_pair_in(const struct ledger_lane *lane, const struct ledger_subscription *subscription)
{
        for (unsigned i = ledger.first_pair; i < ledger.pair_count; i++)
                if (ledger.pairs[i].lane == lane && ledger.pairs[i].subscription == subscription &&
                    !ledger.pairs[i].is_done && ledger.pairs[i].state >= LEDGER_GIVEN)
                        return &ledger.pairs[i];
        return NULL;
}

/* It was evicted from a lane of this publisher, or lost its right to it: it is not invited to the next. */
static bool
is_spent(const struct ledger_lane *lane, const struct ledger_subscription *subscription)
{
        for (unsigned i = ledger.first_pair; i < ledger.pair_count; i++)
                if (ledger.pairs[i].subscription == subscription && !ledger.pairs[i].is_done &&
                    ledger.pairs[i].is_over && ledger.pairs[i].lane->source == lane->source)
                        return true;
        return false;
}

bool
ledger_is_promised(const struct ledger_lane *lane, const struct ledger_subscription *subscription)
{
        const struct wr_publication *publication = wr_registry_publication(&sim.server.registry, lane->id);

        return hears(lane, subscription) && publication && !ledger_hold_of(subscription, lane->id) &&
               (!publication->successor || publication->successor->state == WR_PUBLICATION_GRANTED);
}

/* While a lane moves, its readers get the successor, and newcomers get it afterwards. */
bool
ledger_fits(const struct ledger_lane *lane, const struct ledger_subscription *subscription)
{
        const struct wr_publication *publication = wr_registry_publication(&sim.server.registry, lane->id);

        /* The successor may wait for its turn to be granted, and be unknown to us. A lane that is gone again in the
         * same turn was everybody's before. */
        if (!hears(lane, subscription) || lane->is_foreign || is_spent(lane, subscription))
                return false;
        if (publication && publication->successor && ledger.just_moved_to != lane)
                return false;
        return !(publication ? publication->follows != NULL : lane->follows != NULL) ||
               ledger_pair_in(lane->follows, subscription) || ledger_hold_of(subscription, lane->follows->id);
}

struct ledger_due *
ledger_due_of(const struct ledger_lane *lane, const struct ledger_subscription *subscription)
{
        for (unsigned i = ledger.due_count; i-- > ledger.first_due;)
                if (ledger.dues[i].lane == lane && ledger.dues[i].subscription == subscription)
                        return &ledger.dues[i];
        return NULL;
}

void
ledger_due_add(struct ledger_lane *lane, struct ledger_subscription *subscription)
{
        if (ledger.due_count == LEDGER_DUES_MAX)
                sim_fail("the simulation is too small for so many pairs");
        ledger.dues[ledger.due_count++] = (struct ledger_due){ lane, subscription, sim.now_ns, false, false };
        subscription->not_given++;
}

/* It has it, or will get it. */
bool
ledger_is_together(const struct ledger_lane *lane, const struct ledger_subscription *subscription)
{
        for (unsigned i = ledger.first_pair; i < ledger.pair_count; i++)
                if (ledger.pairs[i].lane == lane && ledger.pairs[i].subscription == subscription &&
                    !ledger.pairs[i].is_done)
                        return true;
        for (unsigned i = ledger.first_due; i < ledger.due_count; i++)
                if (ledger.dues[i].lane == lane && ledger.dues[i].subscription == subscription &&
                    !ledger.dues[i].is_given && !ledger.dues[i].is_lost)
                        return true;
        return false;
}

void
ledger_join_later(struct ledger_lane *lane)
{
        if (ledger.joining_count == LEDGER_JOINING_MAX)
                sim_fail("the simulation is too small for so many lanes at once");
        ledger.joining[ledger.joining_count++] = lane;
}

void
ledger_join_now(void)
{
        for (; ledger.joining_count > 0; ledger.just_moved_to = NULL) {
                struct ledger_lane *lane = ledger.joining[--ledger.joining_count];
                bool stays = lane->successor && lane->successor->is_over; /* then for newcomers only */

                for (unsigned i = ledger.first_subscription; i < ledger.subscription_count; i++) {
                        struct ledger_subscription *subscription = &ledger.subscriptions[i];

                        if (ledger_fits(lane, subscription) && !ledger_is_together(lane, subscription) &&
                            !(stays && ledger_due_of(lane, subscription)))
                                ledger_due_add(lane, subscription);
                }
        }
}
