/* What is said and heard about pairs. */
#include "tests/simulation/ledger.h"

#include <string.h>

enum { PINNED_MAX = 2 };

/* ---- said ----------------------------------------------------------------------------------------------------- */

/* Is this its pair in the lane that this one follows? Of one that it holds by its own word the broker may know, or have
 * had no room for it. */
static bool
is_followed(const struct ledger_lane *lane, const struct ledger_subscription *subscription, uint64_t id)
{
        const struct ledger_lane *before = lane->follows;
        const struct ledger_hold *hold = before ? ledger_hold_of(subscription, before->id) : NULL;
        const struct ledger_pair *pair = NULL;

        if (before && !before->is_over && !before->is_moved)
                pair = ledger_pair_in(before, subscription);
        return id == (pair ? pair->id : 0) || (hold && !hold->is_entered && id == hold->pair);
}

static void
said_pair_added(struct sim_line *line, const struct wr_message_pair_added *added, struct sim_object *const *objects)
{
        struct ledger_lane *lane = ledger_lane(added->lane);
        const struct wr_pairing *pairing = wr_registry_pairing(&sim.server.registry, added->pair);
        struct ledger_subscription *subscription =
                pairing ? ledger_subscription(pairing->subscription->node.key) : NULL;
        struct ledger_pair *pair = &ledger.pairs[ledger.pair_count];

        if (!lane || lane->line != line || !lane->is_ready || lane->is_over)
                sim_fail("PAIR_ADDED for a lane that is not live");
        if (ledger_pair(added->pair))
                sim_fail("PAIR_ADDED twice for one pair");
        if (!subscription || subscription->is_over || subscription->is_closing)
                sim_fail("PAIR_ADDED for a subscriber that is not there");
        if (!ledger_may_read(subscription, lane->topic))
                sim_fail("denied: %u is brought together with '%s', which it may not read",
                         sim_client_pid(subscription->line), lane->topic);
        if (objects[0]->kind != SIM_REGION || objects[0]->is_view || objects[0]->is_sealed ||
            !objects[0]->is_allocated || objects[0]->bytes != added->page_bytes || objects[0]->others != 1)
                sim_fail("PAIR_ADDED comes with no page of its own");
        if (objects[1]->kind != SIM_WATCHED || objects[1]->of->line != subscription->line ||
            added->peer != subscription->line->id)
                sim_fail("PAIR_ADDED comes with another's life-line");
        if (ledger.pair_count == LEDGER_PAIRS_MAX)
                sim_fail("the simulation is too small for so many pairs");
        ledger.pair_count++;
        if (!is_followed(lane, subscription, added->follows))
                sim_fail("PAIR_ADDED follows another pair than the one that %u has",
                         sim_client_pid(subscription->line));
        *pair = (struct ledger_pair){ .id = added->pair,
                                      .lane = lane,
                                      .subscription = subscription,
                                      .page = objects[0],
                                      .due = ledger_due_of(lane, subscription) };
        if (!pair->due || pair->due->is_given)
                sim_fail("a subscriber and a lane are brought together that need not be, or were before");
}

static void
said_lane_added(struct sim_line *line, const struct wr_message_lane_added *added, struct sim_object *const *objects)
{
        struct ledger_pair *pair = ledger_pair(added->pair);
        const struct ledger_lane *lane = pair ? pair->lane : NULL;

        if (!pair || pair->subscription->line != line || pair->subscription->id != added->subscription ||
            lane->id != added->lane)
                sim_fail("LANE_ADDED for a pair that its publisher was not told of");
        if (pair->state != LEDGER_ACKED)
                sim_fail("LANE_ADDED before PAIR_ACK, or twice");
        if (lane->is_over || pair->is_over || pair->is_done || pair->subscription->is_closing)
                sim_fail("LANE_ADDED for what is over");
        if (!ledger_may_read(pair->subscription, lane->topic))
                sim_fail("denied: %u gets a lane of '%s', which it may not read", sim_client_pid(line), lane->topic);
        if (objects[0]->kind != SIM_REGION || !objects[0]->is_view || objects[0]->of != lane->region ||
            !lane->region->is_sealed)
                sim_fail("LANE_ADDED comes with what is not a read-only view of its sealed lane");
        if (objects[1] != pair->page || pair->page->is_sealed)
                sim_fail("LANE_ADDED comes with another page");
        if (objects[2]->kind != SIM_WATCHED || objects[2]->of->line != lane->line || added->peer != lane->line->id)
                sim_fail("LANE_ADDED comes with another's life-line");
        if (added->position != pair->start.position || added->sequence != pair->start.sequence ||
            added->format != pair->start.format)
                sim_fail("LANE_ADDED begins elsewhere than its publisher said");
        if (added->follows != (lane->follows ? lane->follows->id : 0) || added->epoch != lane->epoch ||
            added->source != lane->source)
                sim_fail("LANE_ADDED names another source, epoch or predecessor");
        if (strcmp(added->topic, lane->topic) != 0 || strcmp(added->type, lane->type) != 0)
                sim_fail("LANE_ADDED names another topic or type");
        pair->state = LEDGER_GIVEN;
        pair->due->is_given = true;
        pair->subscription->not_given--;
        pair->subscription->given++;
}

static void
said_lane_ended(struct sim_line *line, const struct wr_message_lane_ended *ended)
{
        struct ledger_subscription *subscription = ledger_subscription(ended->subscription);
        struct ledger_hold *hold;

        if (!subscription || subscription->line != line)
                sim_fail("LANE_ENDED for another's subscription, or none");
        if (ended->lane == 0) {
                subscription->told++;
                return;
        }
        hold = ledger_hold_of(subscription, ended->lane);
        if (hold && hold->due > 0 && ended->reason == WEIR_E_CLOSED) {
                hold->due--; /* it came back with what has ended */
                hold->is_told = true;
                return;
        }
        for (unsigned i = ledger.pair_count; i-- > 0;) {
                struct ledger_pair *pair = &ledger.pairs[i];

                if (pair->subscription != subscription || pair->lane->id != ended->lane || pair->state < LEDGER_GIVEN)
                        continue;
                if (pair->is_told)
                        sim_fail("LANE_ENDED twice");
                pair->is_told = true;
                pair->told_reason = (enum weir_result)ended->reason;
                return;
        }
        if (!hold || hold->is_entered || hold->is_told || ended->reason != WEIR_E_CLOSED)
                sim_fail("LANE_ENDED for a lane that %u was not given", sim_client_pid(line));
        hold->is_told = true; /* it has it from before, and its publisher believes that it is gone */
}

void
ledger_said_pairs(struct sim_line *line, const struct wr_message *message, struct sim_object *const *objects)
{
        struct ledger_pair *pair;

        switch (message->kind) {
        case WR_PAIR_ADDED: said_pair_added(line, &message->pair_added, objects); break;
        case WR_LANE_ADDED: said_lane_added(line, &message->lane_added, objects); break;
        case WR_LANE_ENDED: said_lane_ended(line, &message->lane_ended); break;
        default:
                pair = ledger_pair(message->pair_removed.pair);
                if (!pair || pair->lane->line != line || pair->lane->id != message->pair_removed.lane)
                        sim_fail("PAIR_REMOVED for a pair that %u does not know", sim_client_pid(line));
                if (pair->is_removal_told)
                        sim_fail("PAIR_REMOVED twice");
                pair->is_removal_told = true;
                pair->removal_told_reason = (enum weir_result)message->pair_removed.reason;
        }
}

/* ---- heard ---------------------------------------------------------------------------------------------------- */

/* True: it was owed. */
static bool
is_owed(struct sim_line *line, enum wr_message_kind kind, uint64_t id)
{
        if (line->owes == kind && line->owes_id == id) {
                line->owes = 0;
                return true;
        }
        line->must_end = true;
        line->why = "an answer that is not owed";
        return false;
}

static void
heard_pair_ack(struct sim_line *line, const struct wr_message_pair_ack *ack)
{
        struct ledger_pair *pair = ledger_pair(ack->pair);

        if (!is_owed(line, WR_PAIR_ACK, ack->pair) || !pair || pair->is_done)
                return;
        if (ack->result < 0) {
                ledger_pair_remove(pair, (enum weir_result)ack->result);
                return;
        }
        pair->state = LEDGER_ACKED;
        pair->start = (struct wr_lane_start){ ack->position, ack->sequence, ack->format };
}

static void
heard_pair_ready(struct sim_line *line, const struct wr_message_pair_ready *ready)
{
        struct ledger_pair *pair = ledger_pair(ready->pair);

        if (!is_owed(line, WR_PAIR_READY, ready->pair) || !pair || pair->is_done)
                return;
        if (ready->result < 0) {
                ledger_pair_over(pair, (enum weir_result)ready->result);
                ledger_pair_remove(pair, (enum weir_result)ready->result);
                return;
        }
        pair->state = LEDGER_LIVE;
}

static void
heard_evict(const struct sim_line *line, const struct wr_message_evict *evict)
{
        struct ledger_pair *pair = ledger_pair(evict->pair);

        if (!pair || pair->lane->line != line || pair->lane->id != evict->lane || pair->is_done || pair->is_over)
                return;
        if (pair->state < LEDGER_GIVEN)
                ledger_pair_remove(pair, WEIR_E_EVICTED);
        else
                ledger_pair_over(pair, WEIR_E_EVICTED);
}

static void
heard_done(const struct sim_line *line, uint64_t id)
{
        struct ledger_pair *pair = ledger_pair(id);

        if (!pair || pair->subscription->line != line || pair->is_done)
                return;
        ledger_pair_remove(pair, !pair->is_over                                       ? WEIR_OK
                                 : pair->subscription->revoked_ns || pair->revoked_ns ? WEIR_E_DENIED
                                                                                      : WEIR_E_EVICTED);
}

static void
heard_close(const struct sim_line *line, uint64_t id)
{
        struct ledger_subscription *subscription = ledger_subscription(id);

        if (!subscription || subscription->line != line || subscription->is_closing || subscription->is_over)
                return;
        subscription->is_closing = true;
        for (unsigned i = ledger.first_pair; i < ledger.pair_count; i++)
                if (ledger.pairs[i].subscription == subscription && ledger.pairs[i].state < LEDGER_GIVEN)
                        ledger_pair_remove(&ledger.pairs[i], WEIR_OK);
}

static void
heard_moved(struct sim_line *line, const struct wr_message_lane_moved *moved)
{
        struct ledger_lane *lane = ledger_lane(moved->lane);
        const struct ledger_lane *successor = lane ? lane->successor : NULL;

        if (!lane || lane->is_over || lane->line != line)
                return;
        if (successor && !successor->is_over && successor->id == moved->successor && successor->is_ready &&
            !lane->is_moved && !(lane->follows && !lane->follows->is_over && !lane->follows->is_moved)) {
                ledger_lane_move(lane);
                return;
        }
        line->must_end = true;
        line->why = "LANE_MOVED for a lane that did not move";
}

/* Its publisher says that this pair holds the lane's memory: twice that is reason enough for a move. */
static void
heard_pinned(const struct ledger_lane *lane, uint64_t id)
{
        struct ledger_pair *pair = ledger_pair(id);
        unsigned count = 0;

        if (!pair || pair->lane != lane || pair->is_done)
                return;
        for (unsigned i = ledger.first_pair; i < ledger.pair_count; i++)
                count += ledger.pairs[i].subscription == pair->subscription && !ledger.pairs[i].is_done &&
                         ledger.pairs[i].lane->is_moved && ledger.pairs[i].lane->source == lane->source &&
                         ledger.pairs[i].is_pinning;
        if (count < PINNED_MAX)
                pair->is_pinning = true;
        else
                ledger_pair_over(pair, WEIR_E_EVICTED);
}

static void
heard_move(const struct sim_line *line, const struct wr_message_move *move)
{
        const struct wr_publication *publication = wr_registry_publication(&sim.server.registry, move->lane);
        struct ledger_lane *lane = ledger_lane(move->lane);

        if (!lane || lane->line != line || !publication || publication->state != WR_PUBLICATION_OPEN ||
            publication->follows || publication->successor)
                return;
        lane->began_to_move = true;
        if (move->pinned_by)
                heard_pinned(lane, move->pinned_by);
}

void
ledger_heard_pairs(struct sim_line *line, const struct wr_message *message)
{
        switch (message->kind) {
        case WR_MOVE: heard_move(line, &message->move); break;
        case WR_LANE_MOVED: heard_moved(line, &message->lane_moved); break;
        case WR_PAIR_ACK: heard_pair_ack(line, &message->pair_ack); break;
        case WR_PAIR_READY: heard_pair_ready(line, &message->pair_ready); break;
        case WR_EVICT: heard_evict(line, &message->evict); break;
        case WR_PAIR_DONE: heard_done(line, message->pair_done.pair); break;
        case WR_CLOSE_SUBSCRIPTION: heard_close(line, message->close_subscription.subscription); break;
        default: break; /* nothing follows from it */
        }
}
