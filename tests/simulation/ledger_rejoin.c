/*
 * What clients bring along from an earlier broker. That it is entered is the broker's choice, since quotas speak, too,
 * and is read from its books; what follows from it is not.
 */
#include "tests/simulation/ledger.h"

#include "bus/topic.h"

#include <string.h>

/* It was said, and its SUBSCRIBE has yet to come. */
static struct ledger_hold *
hold_said(const struct sim_line *line, const struct wr_hold *noted)
{
        for (unsigned i = 0; i < ledger.hold_count; i++) {
                struct ledger_hold *hold = &ledger.holds[i];

                if (hold->line == line && hold->request == 0 && hold->source == noted->source &&
                    hold->lane == noted->lane && hold->pair == noted->pair)
                        return hold;
        }
        return NULL;
}

void
ledger_heard_hold(struct sim_line *line, const struct wr_message_holds *holds)
{
        if (ledger.hold_count == LEDGER_HOLDS_MAX)
                sim_fail("the simulation is too small for so many lanes that are held");
        ledger.holds[ledger.hold_count++] =
                (struct ledger_hold){ .line = line, .source = holds->source, .lane = holds->lane, .pair = holds->pair };
}

/* What the broker noted is what counts. For the rest it had no room; the client is told so, but that may have to wait
 * until long after all that comes of it. */
void
ledger_heard_holder(struct sim_line *line, struct sim_request *request)
{
        const struct wr_session *session = ledger_session_of(line);

        request->is_hold_refused = session->is_hold_refused;
        WR_LIST_EACH(link, &session->holds)
        {
                struct ledger_hold *hold = hold_said(line, WR_LIST_OWNER(link, struct wr_hold, link));

                if (hold)
                        hold->request = request->number;
        }
        for (unsigned i = 0; i < ledger.hold_count;) {
                if (ledger.holds[i].line != line || ledger.holds[i].request != 0) {
                        i++;
                        continue;
                }
                if (!session->is_hold_refused)
                        sim_fail("%u holds a lane, which is neither noted nor refused", sim_client_pid(line));
                ledger.holds[i] = ledger.holds[--ledger.hold_count];
        }
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

/* In the broker's books; if not, it was told that the lane does not come. */
static bool
has_pairing(const struct ledger_subscription *subscription, uint64_t lane)
{
        const struct wr_subscription *now = wr_registry_subscription(&sim.server.registry, subscription->id);

        WR_LIST_EACH(link, &now->pairings)
        {
                if (WR_LIST_OWNER(link, struct wr_pairing, subscription_link)->publication->geometry.lane == lane)
                        return true;
        }
        return false;
}

/* ---- subscriptions -------------------------------------------------------------------------------------------- */

static enum weir_result
done_reason(const struct ledger_pair *pair)
{
        if (!pair->is_over)
                return WEIR_OK;
        return pair->subscription->revoked_ns || pair->revoked_ns ? WEIR_E_DENIED : WEIR_E_EVICTED;
}

/* Of all that it was told by the connection before nobody knows whether it came. */
static void
pair_comes_back(struct ledger_pair *pair, bool is_held)
{
        if (pair->is_done) {
                pair->is_told |= pair->is_over;
                pair->told_reason = pair->over_reason;
        } else if (is_held) {
                pair->state = LEDGER_LIVE;
                pair->is_told = false;
        } else if (pair->state == LEDGER_LIVE ||
                   (pair->state == LEDGER_GIVEN && (pair->is_over || pair->lane->is_moved))) {
                pair->is_told |= pair->is_over;
                pair->told_reason = pair->over_reason;
                ledger_pair_remove(pair, done_reason(pair));
        } else if (pair->state == LEDGER_GIVEN) {
                pair->state = LEDGER_ACKED; /* it comes once more */
                pair->due->is_given = false;
                pair->subscription->not_given++;
                pair->subscription->given--;
        }
}

/* What it says that it has, against what it was given. False: it is none of that, and has to be told so. */
static bool
is_held(const struct ledger_hold *hold, const struct ledger_pair *pair)
{
        return hold->pair == pair->id && hold->lane == pair->lane->id && hold->source == pair->lane->source &&
               !pair->is_done && pair->state >= LEDGER_GIVEN;
}

static bool
holds_pair(const struct sim_line *line, const struct sim_request *request, const struct ledger_pair *pair)
{
        for (unsigned i = 0; i < ledger.hold_count; i++)
                if (ledger.holds[i].line == line && ledger.holds[i].request == request->number &&
                    !ledger.holds[i].subscription && is_held(&ledger.holds[i], pair))
                        return true;
        return request->is_hold_refused && pair->state >= LEDGER_GIVEN; /* it could not say all that it has */
}

static void
holds_come_back(const struct sim_line *line, uint32_t request, struct ledger_subscription *subscription)
{
        for (unsigned i = 0; i < ledger.hold_count;) {
                struct ledger_hold *hold = &ledger.holds[i];
                const struct ledger_pair *pair = ledger_pair(hold->pair);
                struct ledger_hold *known;

                if (hold->line != line || hold->request != request || hold->subscription) {
                        i++;
                        continue;
                }
                known = ledger_hold_of(subscription, hold->lane);
                if ((pair && pair->subscription == subscription && is_held(hold, pair)) ||
                    (known && known->due == 0 && !known->is_entered && !known->is_told)) {
                        *hold = ledger.holds[--ledger.hold_count];
                        continue;
                }
                hold->subscription = subscription;
                hold->due = 1 + (known && known->line == line ? known->due : 0);
                if (known) {
                        *known = *hold;
                        *hold = ledger.holds[--ledger.hold_count];
                } else {
                        i++;
                }
        }
}

static void
subscription_comes_back(struct ledger_subscription *subscription, struct sim_line *line)
{
        const struct sim_line *before = subscription->line;
        const struct sim_request *request = NULL;

        for (unsigned i = 0; i < line->request_count; i++)
                if (line->requests[i].kind == WR_SUBSCRIBE && line->requests[i].again == subscription->id)
                        request = &line->requests[i];
        if (!request || before->process != line->process || before->identity != line->identity ||
            line->process->is_over)
                sim_fail("%u comes back with a subscription of %u", sim_client_pid(line), sim_client_pid(before));
        if (subscription->is_closing && subscription->revoked_ns == 0)
                sim_fail("%u comes back with a subscription that it had closed", sim_client_pid(line));
        subscription->line = line;
        subscription->is_loose = subscription->is_rechecked = true; /* what it was told meanwhile is lost */
        for (unsigned i = ledger.first_pair; i < ledger.pair_count; i++)
                if (ledger.pairs[i].subscription == subscription)
                        pair_comes_back(&ledger.pairs[i], holds_pair(line, request, &ledger.pairs[i]));
        holds_come_back(line, request->number, subscription);
        for (unsigned i = ledger.first_due; i < ledger.due_count; i++) {
                struct ledger_due *due = &ledger.dues[i];

                if (due->subscription == subscription && !due->is_given && !due->is_lost &&
                    !has_pairing(subscription, due->lane->id)) {
                        due->is_lost = true;
                        subscription->not_given--;
                }
        }
}

void
ledger_subscriptions_follow(void)
{
        for (unsigned i = ledger.first_subscription; i < ledger.subscription_count && sim.plan.has_rejoins; i++) {
                struct ledger_subscription *subscription = &ledger.subscriptions[i];
                const struct wr_subscription *now =
                        subscription->is_over ? NULL : wr_registry_subscription(&sim.server.registry, subscription->id);

                if (now && now->session->id != subscription->line->id)
                        subscription_comes_back(subscription, ledger_line_of(now->session));
        }
}

void
ledger_subscriptions_end(struct sim_line *line, enum weir_result reason)
{
        ledger_subscriptions_follow();
        for (unsigned i = ledger.first_subscription; i < ledger.subscription_count; i++)
                if (ledger.subscriptions[i].line == line && !ledger.subscriptions[i].is_over)
                        ledger_subscription_end(&ledger.subscriptions[i], reason);
}

void
ledger_settle_holds(void)
{
        for (unsigned i = 0; i < ledger.hold_count; i++) {
                const struct ledger_hold *hold = &ledger.holds[i];

                if (hold->due > 0 && !hold->subscription->is_over && hold->subscription->line == hold->line &&
                    ledger_is_flushed(hold->line))
                        sim_fail("LANE_ENDED: %u came back with a lane that ended, and is not told",
                                 sim_client_pid(hold->line));
        }
}

/* ---- lanes ---------------------------------------------------------------------------------------------------- */

static void
lane_enter(const struct wr_publication *entered)
{
        struct sim_line *line = ledger_line_of(entered->session);
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
            pairing->publication->geometry.lane != hold->lane)
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
        ledger.just_moved_to = lane;        /* who came for the successor gets this one */
        if (!follows || !follows->is_moved) /* else the broker has yet to part the two: then newcomers get it */
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
                struct sim_line *now = publication ? ledger_line_of(publication->session) : NULL;
                bool is_claimed = lane->claimed_by == line && !publication; /* it went over; the answer was not read */

                if ((lane->line != line && !is_claimed) || lane->is_over)
                        continue;
                if (now && now != line)
                        ledger_lane_comes_back(lane, now);
                else
                        ledger_lane_end(lane, speaker->said_bye ? WEIR_OK : WEIR_E_CLOSED);
        }
}

/* It has them on another connection since it hung up that one, too, and cannot be told by OPENED any more. */
static void
lanes_follow(void)
{
        for (unsigned i = ledger.first_lane; i < ledger.lane_count; i++) {
                struct ledger_lane *lane = &ledger.lanes[i];
                struct sim_line *speaker = lane->claimed_by;
                const struct wr_publication *publication;

                if (lane->is_over || !speaker || speaker == lane->line || speaker->at_client)
                        continue;
                publication = wr_registry_publication(&sim.server.registry, lane->id);
                if (publication && publication->session->id == speaker->id)
                        ledger_lane_comes_back(lane, speaker);
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

        lanes_follow();
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

                if (hold->subscription && !hold->is_entered && hold->due == 0 && !hold->is_told &&
                    !hold->subscription->is_over)
                        pairing = wr_registry_pairing(registry, hold->pair);
                /* Another one may say that it holds the same. */
                if (pairing && pairing->subscription->node.key == hold->subscription->id &&
                    pairing->state == WR_PAIRING_LIVE && (!pair || pair->is_done))
                        pair_enter(hold, pairing);
        }
}
