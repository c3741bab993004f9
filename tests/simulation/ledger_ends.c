/*
 * How lanes, subscriptions and pairs end. There may be several causes: the first that the broker heard of counts. A
 * session that is taken down tells its peers before it closes its connection, so what was said is only compared with
 * what was due when the turn is over.
 */
#include "tests/simulation/ledger.h"

#include "bus/topic.h"

#define TURN_NS (50 * SIM_MS) /* between the broker's reading of the clock and ours */

void
ledger_pair_over(struct ledger_pair *pair, enum weir_result reason)
{
        if (pair->is_over || pair->is_done)
                return;
        pair->is_over = true;
        pair->over_reason = reason;
}

void
ledger_pair_remove(struct ledger_pair *pair, enum weir_result reason)
{
        if (pair->is_done)
                return;
        pair->is_done = pair->is_removed = true;
        pair->removed_reason = reason;
}

/* Who came while it moved, and what it is told of, is told by the two lanes together. */
static void
loosen(const struct ledger_lane *lane)
{
        for (unsigned i = ledger.first_subscription; i < ledger.subscription_count; i++)
                if (!ledger.subscriptions[i].is_over && wr_topic_matches(ledger.subscriptions[i].name, lane->topic))
                        ledger.subscriptions[i].is_loose = true;
}

void
ledger_lane_end(struct ledger_lane *lane, enum weir_result reason)
{
        if (lane->began_to_move || lane->follows)
                loosen(lane);
        lane->is_over = true;
        lane->reason = reason;
        for (unsigned i = ledger.first_pair; i < ledger.pair_count; i++)
                if (ledger.pairs[i].lane == lane) {
                        if (!lane->is_moved) /* else its readers found END in it */
                                ledger_pair_over(&ledger.pairs[i], reason);
                        ledger.pairs[i].is_done = true;
                }
        if (lane->follows && !lane->follows->is_over && !lane->follows->is_moved)
                ledger_join_later(lane->follows); /* it stays where it is: for those who came meanwhile, too */
}

/* END was written: who was not given the lane by now gets the successor. */
void
ledger_lane_move(struct ledger_lane *lane)
{
        loosen(lane);
        lane->is_moved = true;
        for (unsigned i = ledger.first_pair; i < ledger.pair_count; i++)
                if (ledger.pairs[i].lane == lane && ledger.pairs[i].state < LEDGER_GIVEN)
                        ledger.pairs[i].is_done = true;
        for (unsigned i = ledger.first_due; i < ledger.due_count; i++)
                if (ledger.dues[i].lane == lane && !ledger.dues[i].is_given && !ledger.dues[i].is_lost) {
                        ledger.dues[i].is_lost = true;
                        ledger.dues[i].subscription->not_given--;
                        ledger.dues[i].subscription->is_loose = true; /* it may have been told of that one */
                }
        ledger_join_later(lane->successor);
        ledger.just_moved_to = lane->successor; /* its own successor, if it has one by now, comes behind that */
}

void
ledger_subscription_end(struct ledger_subscription *subscription, enum weir_result reason)
{
        subscription->is_over = true;
        subscription->reason = reason;
        for (unsigned i = ledger.first_pair; i < ledger.pair_count; i++)
                if (ledger.pairs[i].subscription == subscription)
                        ledger_pair_remove(&ledger.pairs[i], reason);
}

/* ---- reload --------------------------------------------------------------------------------------------------- */

static void
pair_revoke(struct ledger_pair *pair)
{
        if (pair->state < LEDGER_GIVEN) {
                ledger_pair_remove(pair, WEIR_E_DENIED);
                return;
        }
        pair->lane->must_move |= !pair->is_over && !pair->lane->is_moved;
        ledger_pair_over(pair, WEIR_E_DENIED);
        pair->revoked_ns = sim.now_ns;
}

/* A pattern stays while there may be a topic for it: for the broker's own user any that no rule names. */
static bool
could_read(const struct ledger_subscription *subscription)
{
        if (!subscription->is_pattern)
                return ledger_may_read(subscription, subscription->name);
        if (sim_identity_is_own(subscription->line->identity))
                return true;
        for (unsigned i = 0; i < sim.plan.topics; i++)
                if (wr_topic_matches(subscription->name, sim_topic(i)) && ledger_may_read(subscription, sim_topic(i)))
                        return true;
        return false;
}

/* Topic by topic: it leaves those that it lost and joins those that it gained. */
static void
pattern_recheck(struct ledger_subscription *subscription)
{
        subscription->is_loose = subscription->is_rechecked = true;
        for (unsigned i = ledger.first_pair; i < ledger.pair_count; i++) {
                struct ledger_pair *pair = &ledger.pairs[i];

                if (pair->subscription == subscription && !pair->is_done && !pair->is_over &&
                    !ledger_may_read(subscription, pair->lane->topic))
                        pair_revoke(pair);
        }
        for (unsigned i = ledger.first_due; i < ledger.due_count; i++)
                if (ledger.dues[i].subscription == subscription && !ledger.dues[i].is_given &&
                    !ledger_may_read(subscription, ledger.dues[i].lane->topic))
                        ledger.dues[i].is_lost = true;
        for (unsigned i = ledger.first_lane; i < ledger.lane_count; i++)
                if (ledger_fits(&ledger.lanes[i], subscription) && !ledger_is_together(&ledger.lanes[i], subscription))
                        ledger_due_add(&ledger.lanes[i], subscription);
}

void
ledger_reloaded(void)
{
        for (unsigned i = ledger.first_lane; i < ledger.lane_count; i++) {
                struct ledger_lane *lane = &ledger.lanes[i];

                if (!lane->is_over && !lane->is_moved &&
                    !sim_may(lane->line->identity, lane->topic, WR_MAY_PUBLISH | WR_MAY_MAP))
                        ledger_lane_end(lane, WEIR_E_DENIED);
        }
        for (unsigned i = ledger.first_subscription; i < ledger.subscription_count; i++) {
                struct ledger_subscription *subscription = &ledger.subscriptions[i];

                if (subscription->is_over || subscription->is_closing)
                        continue;
                if (could_read(subscription)) {
                        if (subscription->is_pattern)
                                pattern_recheck(subscription);
                        continue;
                }
                subscription->is_closing = true;
                subscription->revoked_ns = sim.now_ns;
                for (unsigned j = ledger.first_pair; j < ledger.pair_count; j++)
                        if (ledger.pairs[j].subscription == subscription && !ledger.pairs[j].is_done)
                                pair_revoke(&ledger.pairs[j]);
        }
}

/* ---- settle --------------------------------------------------------------------------------------------------- */

/* Its subscriber lost the right to it, and has had its time to let go of it. */
static bool
is_late(const struct ledger_pair *pair)
{
        return pair->revoked_ns != 0 && sim.now_ns >= pair->revoked_ns + sim.server.revoke_ns - TURN_NS;
}

/* Its publisher: told once, with the first reason, unless the lane itself ended before. */
static void
publisher_settle(struct ledger_pair *pair)
{
        bool are_both_over = pair->lane->is_over && pair->subscription->is_over;
        bool is_anew = pair->state == LEDGER_ACKED && pair->removal_told_reason == WEIR_OK;

        if (pair->is_removal_told && !pair->is_removed && !are_both_over) {
                if (!is_anew && !(is_late(pair) && pair->removal_told_reason == WEIR_E_DENIED))
                        sim_fail("PAIR_REMOVED to %u without a cause", sim_client_pid(pair->lane->line));
                ledger_pair_remove(pair, pair->removal_told_reason);
        }
        if (!pair->is_removed)
                return;
        if (pair->is_removal_told) {
                if (pair->removal_told_reason != pair->removed_reason && !are_both_over)
                        sim_fail("PAIR_REMOVED says %d to %u, the reason is %d", pair->removal_told_reason,
                                 sim_client_pid(pair->lane->line), pair->removed_reason);
        } else if (!pair->lane->is_over && ledger_is_flushed(pair->lane->line)) {
                sim_fail("PAIR_REMOVED: %u is not told that a subscriber is gone", sim_client_pid(pair->lane->line));
        }
}

static void
subscriber_settle(const struct ledger_pair *pair)
{
        const struct ledger_subscription *subscription = pair->subscription;

        if (pair->state < LEDGER_GIVEN)
                return;
        if (pair->is_told) {
                if ((!pair->is_over || pair->told_reason != pair->over_reason) && !subscription->is_over)
                        sim_fail("LANE_ENDED says %d to %u, the reason is %d", pair->told_reason,
                                 sim_client_pid(subscription->line), pair->is_over ? (int)pair->over_reason : 0);
        } else if (pair->is_over && !subscription->is_over && ledger_is_flushed(subscription->line)) {
                sim_fail("LANE_ENDED: %u is not told that a lane ended", sim_client_pid(subscription->line));
        }
        if (pair->state == LEDGER_LIVE && pair->page && !pair->page->is_sealed)
                sim_fail("a pair is live and its page is not sealed");
        if (pair->revoked_ns != 0 && !pair->is_done && !subscription->is_over &&
            sim.now_ns > pair->revoked_ns + sim.server.revoke_ns + 2 * SIM_SECOND)
                sim_fail("deadlines: a pair goes on whose right was withdrawn");
}

/* Lanes that the broker gave up of itself: one that moved and has no reader left; one that was to move away from who
 * lost the right to it, and could not. */
static void
lane_settle(struct ledger_lane *lane)
{
        if (lane->is_over || !lane->is_ready || wr_registry_publication(&sim.server.registry, lane->id))
                return;
        if (!lane->is_moved && !lane->must_move)
                sim_fail("a lane of %u is gone, and nobody ended it", sim_client_pid(lane->line));
        for (unsigned i = ledger.first_pair; i < ledger.pair_count && lane->is_moved; i++) {
                const struct ledger_pair *pair = &ledger.pairs[i];
                bool is_untold = is_late(pair) && !lane->line->at_broker; /* its publisher is away */

                if (pair->lane == lane && !pair->is_done && !pair->is_removal_told && !is_untold &&
                    !pair->subscription->is_over)
                        sim_fail("a lane that moved is gone, and still has a reader");
        }
        ledger_lane_end(lane, WEIR_E_DENIED);
}

void
ledger_settle_pairs(void)
{
        for (unsigned i = ledger.first_lane; i < ledger.lane_count; i++)
                lane_settle(&ledger.lanes[i]);
        for (unsigned i = ledger.first_pair; i < ledger.pair_count; i++) {
                publisher_settle(&ledger.pairs[i]);
                subscriber_settle(&ledger.pairs[i]);
        }
        for (unsigned i = ledger.first_subscription; i < ledger.subscription_count; i++) {
                const struct ledger_subscription *subscription = &ledger.subscriptions[i];

                if (!subscription->is_over && !subscription->is_loose && subscription->told > subscription->not_given)
                        sim_fail("LANE_ENDED: %u is told of %u lanes that do not come, there are %u",
                                 sim_client_pid(subscription->line), subscription->told, subscription->not_given);
        }
}
