/*
 * What clients bring along from an earlier broker. That it is entered is the broker's choice, since quotas speak, too,
 * and is read from its books; what follows from it is not.
 */
#include "tests/simulation/ledger.h"

#include "bus/topic.h"

#include <string.h>

void
ledger_heard_holds(struct sim_line *line, const struct wr_message *message)
{
        if (message->kind == WR_SUBSCRIBE) {
                for (unsigned i = 0; i < ledger.hold_count; i++)
                        if (ledger.holds[i].line == line && ledger.holds[i].request == 0)
                                ledger.holds[i].request = message->request;
                return;
        }
        if (ledger.hold_count == LEDGER_HOLDS_MAX)
                sim_fail("the simulation is too small for so many lanes that are held");
        ledger.holds[ledger.hold_count++] = (struct ledger_hold){
                .line = line, .source = message->holds.source, .lane = message->holds.lane, .pair = message->holds.pair
        };
}

void
ledger_holds_follow(struct sim_line *line, uint32_t request, struct ledger_subscription *subscription)
{
        for (unsigned i = 0; i < ledger.hold_count;) {
                struct ledger_hold *hold = &ledger.holds[i];

                if (hold->line == line && hold->request == request && !hold->subscription && request != 0) {
                        if (!subscription) {
                                *hold = ledger.holds[--ledger.hold_count];
                                continue;
                        }
                        hold->subscription = subscription;
                }
                i++;
        }
}

struct ledger_hold *
ledger_hold_of(const struct ledger_subscription *subscription, uint64_t lane)
{
        for (unsigned i = 0; i < ledger.hold_count; i++)
                if (ledger.holds[i].subscription == subscription && ledger.holds[i].lane == lane)
                        return &ledger.holds[i];
        return NULL;
}

static void
lane_enter(const struct wr_publication *entered)
{
        struct sim_line *line = sim_object_any(entered->session->connection.hook.object)->line;
        struct ledger_lane *lane = &ledger.lanes[ledger.lane_count];

        if (ledger.lane_count == LEDGER_LANES_MAX)
                sim_fail("the simulation is too small for so many lanes");
        if (!sim_may(line->identity, entered->topic->name, WR_MAY_PUBLISH | WR_MAY_MAP))
                sim_fail("denied: %u comes back to '%s', which it may not publish", sim_client_pid(line),
                         entered->topic->name);
        ledger.lane_count++;
        *lane = (struct ledger_lane){ .id = entered->geometry.lane,
                                      .source = entered->source,
                                      .epoch = entered->geometry.epoch,
                                      .line = line,
                                      .is_foreign = true,
                                      .is_ready = true,
                                      .is_opened = true,
                                      .type = strcmp(entered->type, "video") == 0   ? "video"
                                              : strcmp(entered->type, "audio") == 0 ? "audio"
                                                                                    : "",
                                      .refuses_reliable = entered->refuse_reliable };
        for (unsigned i = 0; i < sim.plan.topics; i++)
                if (strcmp(sim_topic(i), entered->topic->name) == 0)
                        lane->topic = sim_topic(i);
        /* Nobody new gets it: a move begins, and whoever cannot wait for its end is told. */
        for (unsigned i = ledger.first_subscription; i < ledger.subscription_count; i++)
                if (wr_topic_matches(ledger.subscriptions[i].name, lane->topic))
                        ledger.subscriptions[i].is_loose = true;
}

static void
pair_enter(struct ledger_hold *hold, const struct wr_pairing *pairing)
{
        struct ledger_lane *lane = ledger_lane(hold->lane);

        if (!lane || !lane->is_foreign || lane->is_over || lane->source != hold->source ||
            pairing->publication->geometry.lane != hold->lane ||
            pairing->subscription->node.key != hold->subscription->id)
                sim_fail("a pair was entered that its two ends do not agree about");
        if (ledger_pair(hold->pair) && ledger_pair(hold->pair)->lane == lane)
                sim_fail("a pair was entered that its publisher has let go of");
        if (!ledger_may_read(hold->subscription, lane->topic))
                sim_fail("denied: %u comes back to a lane of '%s', which it may not read", sim_client_pid(hold->line),
                         lane->topic);
        if (ledger.pair_count == LEDGER_PAIRS_MAX)
                sim_fail("the simulation is too small for so many pairs");
        ledger.pairs[ledger.pair_count++] = (struct ledger_pair){
                .id = hold->pair, .lane = lane, .subscription = hold->subscription, .state = LEDGER_LIVE
        };
        hold->is_entered = true;
}

void
ledger_lane_comes_back(struct ledger_lane *lane, struct sim_line *line)
{
        struct sim_line *before = lane->line;
        struct ledger_lane *follows = lane->follows, *successor = lane->successor;

        if (lane->is_over || lane->is_moved || before->process != line->process || before->identity != line->identity ||
            line->process->is_over)
                sim_fail("%u comes back with a lane of %u", sim_client_pid(line), sim_client_pid(before));
        for (unsigned i = ledger.first_lane; i < ledger.lane_count; i++)
                if (ledger.lanes[i].line == before && ledger.lanes[i].source == lane->source)
                        ledger.lanes[i].line = line;
        lane->is_ready = lane->is_opened = true;
        for (unsigned i = ledger.first_pair; i < ledger.pair_count; i++) {
                struct ledger_pair *pair = &ledger.pairs[i];

                if (pair->lane->line == line && pair->lane->source == lane->source && pair->is_removed &&
                    !pair->is_removal_told) { /* it sees that in the page, if what it was told was lost */
                        pair->is_removal_told = true;
                        pair->removal_told_reason = pair->removed_reason;
                }
                if (pair->lane == lane && pair->state == LEDGER_ADDED)
                        ledger_pair_remove(pair, WEIR_OK); /* it is told of another one */
        }
        if (follows && !follows->is_over && !follows->is_moved)
                ledger_lane_move(follows);
        else if (successor && !successor->is_over)
                ledger_lane_end(successor, WEIR_OK);
        else if (lane->began_to_move) /* to one that was not granted yet */
                ledger_join_later(lane);
        ledger.just_moved_to = lane; /* who came for the successor gets this one */
        ledger_join_now();
}

void
ledger_heard_rejoin(struct sim_line *line, const struct wr_message_rejoin *rejoin)
{
        struct ledger_lane *lane = ledger_lane(rejoin->lane);

        if (lane && lane->line->process == line->process && lane->source == rejoin->source &&
            sim_may(line->identity, lane->topic, WR_MAY_PUBLISH | WR_MAY_MAP))
                lane->claimed_by = line;
}

void
ledger_lanes_end(struct sim_line *line)
{
        for (unsigned i = ledger.first_lane; i < ledger.lane_count; i++) {
                struct ledger_lane *lane = &ledger.lanes[i];
                const struct wr_publication *publication = wr_registry_publication(&sim.server.registry, lane->id);
                const struct sim_line *speaker = lane->claimed_by ? lane->claimed_by : line;
                struct sim_line *now =
                        publication ? sim_object_any(publication->session->connection.hook.object)->line : NULL;

                if (lane->line != line || lane->is_over)
                        continue;
                if (now && now != line)
                        ledger_lane_comes_back(lane, now);
                else
                        ledger_lane_end(lane, speaker->said_bye ? WEIR_OK : WEIR_E_CLOSED);
        }
}

/* A client that this very broker cut comes back with lanes that have ended here. */
static bool
is_known(uint64_t id)
{
        const struct ledger_lane *lane = ledger_lane(id);

        return lane && !lane->is_over;
}

void
ledger_rejoin_follow(void)
{
        const struct wr_registry *registry = &sim.server.registry;

        for (const struct wr_link *link = registry->publications.previous; link != &registry->publications;
             link = link->previous) {
                const struct wr_publication *publication = WR_LIST_OWNER(link, struct wr_publication, link);

                if (publication->serial <= ledger.lane_serial)
                        break;
                if (publication->is_foreign && !is_known(publication->geometry.lane))
                        lane_enter(publication);
        }
        if (!wr_list_empty(&registry->publications))
                ledger.lane_serial =
                        WR_LIST_OWNER(registry->publications.previous, struct wr_publication, link)->serial;
        for (unsigned i = 0; i < ledger.hold_count; i++) {
                struct ledger_hold *hold = &ledger.holds[i];
                const struct wr_pairing *pairing = NULL;
                const struct ledger_pair *pair = ledger_pair(hold->pair);

                if (hold->subscription && !hold->is_entered && !hold->subscription->is_over)
                        pairing = wr_registry_pairing(registry, hold->pair);
                if (pairing && pairing->state == WR_PAIRING_LIVE && (!pair || pair->is_done))
                        pair_enter(hold, pairing);
        }
}
