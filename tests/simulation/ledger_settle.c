/* What is compared whenever the broker has nothing to do: what it owes, and what it has said. */
#include "tests/simulation/ledger.h"

enum { PATIENCE_SECONDS = 4 };

bool
ledger_is_flushed(const struct sim_line *line)
{
        return line->session && !line->session->is_doomed && line->session->connection.queued_bytes == 0;
}

/* Its connection ended: what was its is over. */
static void
line_end(struct sim_line *line)
{
        enum weir_result reason = line->said_bye ? WEIR_OK : WEIR_E_CLOSED;

        line->is_buried = true;
        ledger_lanes_end(line);
        ledger_subscriptions_end(line, reason);
}

/* Its client hung up and lives: what it has waits for it. */
static bool
is_away(const struct sim_line *line)
{
        WR_LIST_EACH(link, &sim.server.away)
        {
                if (WR_LIST_OWNER(link, struct wr_session, away_link)->id == line->id)
                        return line->is_welcome;
        }
        return false;
}

static bool
may_end(const struct sim_line *line)
{
        return !line->at_client || line->process->is_over || line->must_end || line->said_bye || line->was_full ||
               sim.plan.memory_odds != 0 ||
               (!line->said_hello && sim.now_ns >= line->accepted_ns + sim.server.greet_ns) || line->was_refused;
}

static void
line_settle(struct sim_line *line, int64_t timeout_ns)
{
        int64_t due_ns = line->accepted_ns + sim.server.greet_ns;

        if (is_away(line)) {
                if (line->at_client)
                        sim_fail("%u is there, and waited for", sim_client_pid(line));
                if (line->at_broker)
                        sim_fail("leak: the connection of %u is open, and it hung up", sim_client_pid(line));
                return;
        }
        if (!line->at_broker) {
                if (!may_end(line))
                        sim_fail("%u is cut and did nothing wrong", sim_client_pid(line));
                if (line->is_bye_lost && line->is_innocent && !line->at_client && !line->said_bye && !line->must_end &&
                    !line->was_full && !line->was_refused && sim.plan.memory_odds == 0 && line->said_hello)
                        sim_fail("%u said BYE, hung up, and is taken for dead", sim_client_pid(line));
                line_end(line);
                return;
        }
        if (line->must_end)
                sim_fail("%u is not cut: %s", sim_client_pid(line), line->why);
        if (line->said_bye)
                sim_fail("%u said BYE and its connection is open", sim_client_pid(line));
        if (!line->said_hello && (sim.now_ns > due_ns + SIM_MS || sim.now_ns + timeout_ns > due_ns + SIM_MS))
                sim_fail("deadlines: %u does not say HELLO, and the broker waits on", sim_client_pid(line));
        if (!ledger_is_flushed(line))
                return;
        for (unsigned i = 0; i < line->request_count;) {
                if (line->requests[i].is_moot)
                        line->requests[i] = line->requests[--line->request_count];
                else
                        i++;
        }
        for (unsigned i = 0; i < line->request_count; i++)
                if (line->requests[i].kind != WR_PUBLISH && line->requests[i].kind != WR_MOVE)
                        sim_fail("answers: request %u (%s) of %u gets none", line->requests[i].number,
                                 wr_message_name(line->requests[i].kind), sim_client_pid(line));
}

static void
lane_settle(const struct ledger_lane *lane, int64_t timeout_ns)
{
        int64_t due_ns = lane->ready_ns + SIM_SECOND / 2;

        if (lane->is_over || !lane->is_ready)
                return;
        if (lane->region && !lane->region->is_sealed)
                sim_fail("a lane is live and its segment is not sealed");
        if (lane->is_opened || !ledger_is_flushed(lane->line))
                return;
        if (sim.now_ns > due_ns + SIM_MS || sim.now_ns + timeout_ns > due_ns + SIM_MS)
                sim_fail("deadlines: OPENED is late for %u, and the broker waits on", sim_client_pid(lane->line));
}

/* Both ends do what they are asked to: what keeps them apart? Only the subscriber's other pairs may, and each of them
 * for a second at most. */
static void
due_settle(const struct ledger_due *due)
{
        const struct ledger_subscription *subscription = due->subscription;
        const struct sim_line *publisher = due->lane->line, *subscriber = subscription->line;
        int64_t patience_ns = PATIENCE_SECONDS * SIM_SECOND;

        if (due->is_given || due->is_lost || due->lane->is_over || subscription->is_over || subscription->is_closing ||
            subscription->told > 0 || sim.now_ns < due->since_ns + patience_ns)
                return;
        if (!publisher->is_innocent || !subscriber->is_innocent || publisher->was_full || subscriber->was_full ||
            sim.plan.per_second < 500)
                return;
        for (unsigned i = ledger.first_due; i < ledger.due_count; i++)
                if (ledger.dues[i].subscription->line == subscriber)
                        patience_ns += SIM_SECOND;
        if (sim.now_ns > due->since_ns + patience_ns)
                sim_fail("delayed: the lane of %u does not come to %u, and both do their part",
                         sim_client_pid(publisher), sim_client_pid(subscriber));
}

static void
skip_what_is_over(void)
{
        while (ledger.first_lane < ledger.lane_count && ledger.lanes[ledger.first_lane].is_over)
                ledger.first_lane++;
        while (ledger.first_subscription < ledger.subscription_count &&
               ledger.subscriptions[ledger.first_subscription].is_over)
                ledger.first_subscription++;
        while (ledger.first_pair < ledger.pair_count &&
               (ledger.pairs[ledger.first_pair].lane->is_over || ledger.pairs[ledger.first_pair].is_removal_told) &&
               ledger.pairs[ledger.first_pair].subscription->is_over)
                ledger.first_pair++;
        while (ledger.first_due < ledger.due_count && ledger.dues[ledger.first_due].subscription->is_over)
                ledger.first_due++;
}

void
ledger_settle(int64_t timeout_ns)
{
        ledger_follow();
        ledger.lane_being_readied = 0;
        for (unsigned i = ledger.first_line; i < sim_line_count(); i++) {
                struct sim_line *line = sim_line_at(i);

                if (line->is_accepted && !line->is_buried)
                        line_settle(line, timeout_ns > 0 ? timeout_ns : 0);
                if (i == ledger.first_line && line->is_buried)
                        ledger.first_line++;
        }
        for (unsigned i = ledger.first_lane; i < ledger.lane_count; i++)
                lane_settle(&ledger.lanes[i], timeout_ns > 0 ? timeout_ns : 0);
        ledger_settle_pairs();
        ledger_settle_holds();
        for (unsigned i = ledger.first_due; i < ledger.due_count; i++)
                due_settle(&ledger.dues[i]);
        skip_what_is_over();
}

void
ledger_check_together(void)
{
        for (unsigned i = 0; i < ledger.due_count; i++) {
                const struct ledger_due *due = &ledger.dues[i];
                const struct ledger_subscription *subscription = due->subscription;

                if (!due->is_given && !due->is_lost && !due->lane->is_over && !subscription->is_over &&
                    !subscription->is_closing && subscription->told == 0)
                        sim_fail("together: %u never got the lane of %u, nor a word why",
                                 sim_client_pid(subscription->line), sim_client_pid(due->lane->line));
        }
        for (unsigned i = 0; i < ledger.subscription_count; i++) {
                const struct ledger_subscription *subscription = &ledger.subscriptions[i];

                if (!subscription->is_over && !subscription->is_closing && !subscription->is_loose &&
                    subscription->told != subscription->not_given)
                        sim_fail("together: %u was told of %u lanes that do not come to it, there are %u",
                                 sim_client_pid(subscription->line), subscription->told, subscription->not_given);
        }
        for (unsigned i = 0; i < ledger.subscription_count; i++) {
                const struct ledger_subscription *subscription = &ledger.subscriptions[i];

                if (!subscription->is_over && !subscription->is_closing && !subscription->is_rechecked &&
                    subscription->given + subscription->told < subscription->promised)
                        sim_fail("together: %u was promised %u lanes, got %u and was told of %u that do not come",
                                 sim_client_pid(subscription->line), subscription->promised, subscription->given,
                                 subscription->told);
        }
        for (unsigned i = 0; i < sim_line_count(); i++) {
                const struct sim_line *line = sim_line_at(i);

                if (line->is_accepted && line->at_broker && line->request_count > 0)
                        sim_fail("answers: request %u (%s) of %u gets none", line->requests[0].number,
                                 wr_message_name(line->requests[0].kind), sim_client_pid(line));
        }
}
