#include "tests/simulation/ledger.h"

#include "bus/layout.h"
#include "bus/topic.h"

#include <string.h>

struct ledger ledger;

void
ledger_clear(void)
{
        ledger.lane_count = ledger.subscription_count = ledger.pair_count = ledger.due_count = 0;
        ledger.first_lane = ledger.first_subscription = ledger.first_pair = ledger.first_due = 0;
        ledger.lane_being_readied = ledger.serial = 0;
        ledger.joining_count = ledger.first_line = ledger.hold_count = 0;
        ledger.lane_serial = 0;
        ledger.just_moved_to = NULL;
        ledger.has_entered = false;
        ledger.policy = NULL;
        for (unsigned i = 0; i < sim_line_count(); i++)
                sim_line_at(i)->is_buried = true;
}

/* ---- requests ------------------------------------------------------------------------------------------------- */

static const char *
known_type(const char *type)
{
        return type[0] == '\0' ? "" : strcmp(type, "video") == 0 ? "video" : "audio";
}

static struct sim_request *
request_of(struct sim_line *line, uint32_t number)
{
        for (unsigned i = 0; i < line->request_count; i++)
                if (line->requests[i].number == number)
                        return &line->requests[i];
        return NULL;
}

static struct sim_request *
request_add(struct sim_line *line, const struct wr_message *message)
{
        struct sim_request *request = &line->requests[line->request_count];

        if (line->request_count == SIM_REQUESTS_MAX)
                sim_fail("%u: %u requests wait for their answer", sim_client_pid(line), line->request_count);
        line->request_count++;
        *request = (struct sim_request){ .number = message->request, .kind = message->kind };
        if (message->kind == WR_PUBLISH) {
                snprintf(request->name, sizeof(request->name), "%s", message->publish.topic);
                snprintf(request->type, sizeof(request->type), "%s", message->publish.type);
                request->refuses_reliable = message->publish.refuse_reliable != 0;
        } else if (message->kind == WR_SUBSCRIBE) {
                snprintf(request->name, sizeof(request->name), "%s", message->subscribe.topic);
                snprintf(request->type, sizeof(request->type), "%s", message->subscribe.type);
                request->is_reliable = message->subscribe.delivery != 0;
                request->again = message->subscribe.again;
        } else if (message->kind == WR_MOVE) {
                request->lane = message->move.lane;
        }
        return request;
}

static void
request_drop(struct sim_line *line, struct sim_request *request)
{
        *request = line->requests[--line->request_count];
}

/* The answer to a request of this kind: there must be one. */
static struct sim_request
request_answered(struct sim_line *line, const struct wr_message *message, enum wr_message_kind kind)
{
        struct sim_request *request = request_of(line, message->request), found = { 0 };

        if (!request || request->kind != kind)
                sim_fail("answers: %u gets %s for request %u, which is %s", sim_client_pid(line),
                         wr_message_name(message->kind), message->request,
                         request ? wr_message_name(request->kind) : "none, or was answered before");
        found = *request;
        request_drop(line, request);
        return found;
}

/* A row of a list: its request goes on. */
static void
request_rows(struct sim_line *line, const struct wr_message *message, enum wr_message_kind kind)
{
        const struct sim_request *request = request_of(line, message->request);

        if (!request || request->kind != kind)
                sim_fail("answers: %u gets a row %s for request %u, which is none", sim_client_pid(line),
                         wr_message_name(message->kind), message->request);
}

/* ---- said ----------------------------------------------------------------------------------------------------- */

/* What ends it, by kind; WR_HELLO: whatever comes next. */
static enum wr_message_kind
answer_to(enum wr_message_kind kind)
{
        switch (kind) {
        case WR_WELCOME: return WR_HELLO;
        case WR_LANE_GRANT: return WR_READY;
        case WR_PAIR_ADDED: return WR_PAIR_ACK;
        default: return WR_PAIR_READY;
        }
}

static void
objects_go(struct sim_line *line, const struct wr_message *message, size_t count)
{
        if (count != wr_message_descriptors(message->kind))
                sim_fail("%s goes to %u with %zu descriptors", wr_message_name(message->kind), sim_client_pid(line),
                         count);
        if (count == 0)
                return;
        if (line->owes != 0)
                sim_fail("two messages with descriptors: %s goes to %u, which has not answered the one before",
                         wr_message_name(message->kind), sim_client_pid(line));
        line->owes = answer_to(message->kind);
        line->owes_id = message->kind == WR_LANE_GRANT   ? message->lane_grant.lane
                        : message->kind == WR_PAIR_ADDED ? message->pair_added.pair
                        : message->kind == WR_LANE_ADDED ? message->lane_added.pair
                                                         : 0;
}

static void
welcomed(struct sim_line *line, const struct wr_message *message, struct sim_object *const *objects)
{
        request_answered(line, message, WR_HELLO);
        if (objects[0]->kind != SIM_HELD || objects[0]->line)
                sim_fail("WELCOME comes with something else than a life-line of its own");
        objects[0]->line = line;
        line->is_welcome = true;
        line->id = message->welcome.session;
}

/* The request of a successor that was granted; it may still come to nothing. */
static bool
was_move(const struct sim_line *line, uint32_t number)
{
        for (unsigned i = ledger.first_lane; i < ledger.lane_count; i++)
                if (ledger.lanes[i].line == line && ledger.lanes[i].follows && ledger.lanes[i].request == number)
                        return true;
        return false;
}

static void
refused(struct sim_line *line, const struct wr_message *message)
{
        struct sim_request *request = request_of(line, message->request);

        if (!request && message->request != 0 && !line->must_end && !was_move(line, message->request))
                sim_fail("answers: %u gets REFUSAL for request %u, which is none, or was answered before",
                         sim_client_pid(line), message->request);
        if ((!request && (message->refusal.result == WEIR_E_QUOTA || message->refusal.result == WEIR_E_DENIED)) ||
            !line->is_welcome)
                line->was_refused = true; /* the whole connection */
        if (request && request->kind == WR_SUBSCRIBE && ledger.has_entered) {
                struct ledger_subscription *entered = &ledger.subscriptions[ledger.subscription_count - 1];

                /* There are lanes, but none for its pattern: it was there for a moment only. */
                if (entered->line == line && strcmp(entered->name, request->name) == 0)
                        entered->is_over = true;
        }
        if (request && request->kind == WR_SUBSCRIBE)
                ledger_holds_follow(line, request->number, NULL);
        if (request)
                request_drop(line, request);
}

/* A lane of its own for PUBLISH; one that follows it for MOVE, or because the broker wants it. */
static struct ledger_lane
lane_asked(struct sim_line *line, const struct wr_message *message)
{
        const struct wr_message_lane_grant *grant = &message->lane_grant;
        struct sim_request *request = request_of(line, message->request);
        struct ledger_lane *before = ledger_lane(grant->follows), lane = { .request = message->request };

        if (grant->follows != 0) {
                if (!before || before->line != line || !before->is_ready || before->is_over || before->is_moved ||
                    (before->successor && !before->successor->is_over) || grant->epoch != before->epoch + 1 ||
                    grant->source != before->source)
                        sim_fail("LANE_GRANT follows a lane that cannot move");
                if (message->request != 0)
                        request_answered(line, message, WR_MOVE);
                lane.follows = before;
                lane.topic = before->topic;
                lane.type = before->type;
                lane.refuses_reliable = before->refuses_reliable;
                lane.is_opened = true; /* nobody waits for that */
                return lane;
        }
        if (!request || request->kind != WR_PUBLISH || request->lane != 0)
                sim_fail("answers: %u gets LANE_GRANT for request %u, which is none, or was answered before",
                         sim_client_pid(line), message->request);
        request->lane = grant->lane;
        lane.type = known_type(request->type);
        lane.refuses_reliable = request->refuses_reliable;
        for (unsigned i = 0; i < sim.plan.topics; i++)
                if (strcmp(sim_topic(i), request->name) == 0)
                        lane.topic = sim_topic(i);
        if (!lane.topic)
                sim_fail("denied: %u gets a lane of '%s', of which nobody knows", sim_client_pid(line), request->name);
        return lane;
}

static void
granted(struct sim_line *line, const struct wr_message *message, struct sim_object *const *objects)
{
        const struct wr_message_lane_grant *grant = &message->lane_grant;
        struct ledger_lane *lane = &ledger.lanes[ledger.lane_count];
        struct sim_object *region = objects[0];

        if (ledger.lane_count == LEDGER_LANES_MAX)
                sim_fail("the simulation is too small for so many lanes");
        *lane = lane_asked(line, message);
        if (!sim_may(line->identity, lane->topic, WR_MAY_PUBLISH | WR_MAY_MAP))
                sim_fail("denied: %u gets a lane of '%s', which it may not publish", sim_client_pid(line), lane->topic);
        if (region->kind != SIM_REGION || region->is_view || region->is_sealed || region->others != 1 || region->line ||
            region->bytes != grant->segment_bytes)
                sim_fail("LANE_GRANT comes with no fresh segment of %llu bytes",
                         (unsigned long long)grant->segment_bytes);
        ledger.lane_count++;
        region->line = line;
        lane->id = grant->lane;
        lane->source = grant->source;
        lane->epoch = grant->epoch;
        lane->line = line;
        lane->region = region;
        if (lane->follows)
                lane->follows->successor = lane;
}

static void
opened(struct sim_line *line, const struct wr_message *message)
{
        struct ledger_lane *lane = ledger_lane(message->opened.lane);
        const struct sim_request *asked = request_of(line, message->request);
        bool is_back = asked && asked->kind == WR_REJOIN;
        struct sim_request request = request_answered(line, message, is_back ? WR_REJOIN : WR_PUBLISH);
        unsigned pairs = 0;

        if (is_back) {
                if (!lane)
                        sim_fail("OPENED for a lane that did not come back");
                if (lane->line != line)
                        ledger_lane_comes_back(lane, line);
                return;
        }
        if (!lane || lane->line != line || request.lane != lane->id || !lane->is_ready || lane->is_opened)
                sim_fail("OPENED for a lane that is not ready");
        lane->is_opened = true;
        for (unsigned i = ledger.first_pair; i < ledger.pair_count; i++)
                pairs += ledger.pairs[i].lane == lane && ledger.pairs[i].state >= LEDGER_GIVEN;
        if (message->opened.pairs > pairs)
                sim_fail("OPENED tells of %u pairs, %u were given", message->opened.pairs, pairs);
}

static void
subscribed(struct sim_line *line, const struct wr_message *message)
{
        struct sim_request request = request_answered(line, message, WR_SUBSCRIBE);
        const struct ledger_subscription *made = ledger_subscription(message->subscribed.subscription);

        if (!made || made->line != line || strcmp(made->name, request.name) != 0 ||
            strcmp(made->type, request.type) != 0 || made->is_reliable != request.is_reliable)
                sim_fail("SUBSCRIBED for another subscription than %u asked for", sim_client_pid(line));
        if (request.again == made->id) {
                if (message->subscribed.lanes != 0)
                        sim_fail("SUBSCRIBED promises lanes to %u, which came back", sim_client_pid(line));
                return;
        }
        if (made->promised != message->subscribed.lanes)
                sim_fail("SUBSCRIBED to '%s' promises %u lanes, there are %u", made->name, message->subscribed.lanes,
                         made->promised);
}

/* Its SUBSCRIBED may have to wait, while its publishers hear of it already. */
static void
subscription_enter(const struct wr_subscription *entered)
{
        struct ledger_subscription *made = &ledger.subscriptions[ledger.subscription_count];

        if (ledger.subscription_count == LEDGER_SUBSCRIPTIONS_MAX)
                sim_fail("the simulation is too small for so many subscriptions");
        ledger.subscription_count++;
        *made = (struct ledger_subscription){ .id = entered->node.key,
                                              .line = ledger_line_of(entered->session),
                                              .type = known_type(entered->type),
                                              .is_reliable = entered->reliable,
                                              .is_pattern = strchr(entered->name, '*') != NULL };
        snprintf(made->name, sizeof(made->name), "%.63s", entered->name);
        if (!made->is_pattern && !sim_may(made->line->identity, made->name,
                                          WR_MAY_SUBSCRIBE | WR_MAY_MAP | (made->is_reliable ? WR_MAY_STALL : 0U)))
                sim_fail("denied: %u subscribes to '%s', which it may not", sim_client_pid(made->line), made->name);
        ledger_holds_follow(made->line, made->line->subscribing, made);
        for (unsigned i = ledger.first_lane; i < ledger.lane_count; i++) {
                if (ledger.lanes[i].is_foreign && wr_topic_matches(made->name, ledger.lanes[i].topic))
                        made->is_loose = true;
                made->promised += ledger_is_promised(&ledger.lanes[i], made);
                if (ledger_fits(&ledger.lanes[i], made))
                        ledger_due_add(&ledger.lanes[i], made);
        }
}

void
ledger_follow(void)
{
        const struct wr_link *newest = sim.server.registry.subscriptions.previous;
        const struct wr_subscription *subscription = WR_LIST_OWNER(newest, struct wr_subscription, link);
        struct ledger_lane *lane;

        ledger.has_entered = false;
        if (sim.server.policy != ledger.policy) { /* read again, and now all grants are asked for anew */
                sim_scenario_in_force();
                if (ledger.policy)
                        ledger_reloaded();
                ledger.policy = sim.server.policy;
        }
        if (newest != &sim.server.registry.subscriptions && subscription->serial > ledger.serial) {
                ledger.serial = subscription->serial;
                subscription_enter(subscription);
                ledger.has_entered = true;
        }
        ledger_subscriptions_follow();
        ledger_rejoin_follow();
        ledger_join_now();
        for (unsigned i = ledger.first_lane; i < ledger.lane_count; i++)
                if (ledger.lanes[i].is_ready && !ledger.lanes[i].is_over && !ledger.lanes[i].began_to_move) {
                        const struct wr_publication *publication =
                                wr_registry_publication(&sim.server.registry, ledger.lanes[i].id);

                        ledger.lanes[i].began_to_move = publication && publication->successor;
                }
        lane = ledger.lane_being_readied ? ledger_lane(ledger.lane_being_readied) : NULL;
        if (!lane || !lane->region || lane->region->has_view || wr_registry_publication(&sim.server.registry, lane->id))
                return;
        ledger_lane_end(lane, WEIR_E_SYSTEM); /* it could not be sealed: nobody heard of it */
        for (unsigned i = ledger.first_due; i < ledger.due_count; i++)
                if (ledger.dues[i].lane == lane) {
                        ledger.dues[i].is_lost = true;
                        ledger.dues[i].subscription->not_given--;
                }
        ledger.lane_being_readied = 0;
        ledger_join_now();
}

/* For people who follow a lane or a pair through a trace: the last digits of the ids in a message. */
static const char *
ids_of(const struct wr_message *message, char *text, size_t room)
{
        uint64_t ids[3] = { 0 };

        switch (message->kind) {
        case WR_LANE_GRANT: ids[0] = message->lane_grant.lane, ids[2] = message->lane_grant.follows; break;
        case WR_READY: ids[0] = message->ready.lane; break;
        case WR_OPENED: ids[0] = message->opened.lane; break;
        case WR_CLOSE_LANE: ids[0] = message->close_lane.lane; break;
        case WR_MOVE: ids[0] = message->move.lane; break;
        case WR_LANE_MOVED: ids[0] = message->lane_moved.lane, ids[2] = message->lane_moved.successor; break;
        case WR_PAIR_ADDED: ids[0] = message->pair_added.lane, ids[1] = message->pair_added.pair; break;
        case WR_PAIR_ACK: ids[0] = message->pair_ack.lane, ids[1] = message->pair_ack.pair; break;
        case WR_PAIR_REMOVED: ids[0] = message->pair_removed.lane, ids[1] = message->pair_removed.pair; break;
        case WR_EVICT: ids[0] = message->evict.lane, ids[1] = message->evict.pair; break;
        case WR_LANE_ADDED:
                ids[0] = message->lane_added.lane, ids[1] = message->lane_added.pair;
                ids[2] = message->lane_added.subscription;
                break;
        case WR_PAIR_READY: ids[1] = message->pair_ready.pair; break;
        case WR_PAIR_DONE: ids[1] = message->pair_done.pair; break;
        case WR_LANE_ENDED: ids[0] = message->lane_ended.lane, ids[2] = message->lane_ended.subscription; break;
        case WR_SUBSCRIBED: ids[2] = message->subscribed.subscription; break;
        case WR_CLOSE_SUBSCRIPTION: ids[2] = message->close_subscription.subscription; break;
        case WR_REVOKED: ids[2] = message->revoked.endpoint; break;
        default: return "";
        }
        snprintf(text, room, "lane %04x pair %04x other %04x", (unsigned)(ids[0] & 0xffff), (unsigned)(ids[1] & 0xffff),
                 (unsigned)(ids[2] & 0xffff));
        return text;
}

static void
trace(const struct sim_line *line, const char *arrow, const struct wr_message *message)
{
        char text[96];

        if (sim.traces)
                sim_trace("%u: %s %s %u %s", sim_client_pid(line), arrow,
                          message ? wr_message_name(message->kind) : "garbage", message ? message->request : 0,
                          message ? ids_of(message, text, sizeof(text)) : "");
}

void
ledger_said(struct sim_line *line, const struct wr_message *message, struct sim_object *const *objects, size_t count)
{
        trace(line, "<-", message);
        sim_note((uint64_t)message->kind << 32 | message->request);
        if (!line->is_welcome && message->kind != WR_WELCOME && message->kind != WR_REFUSAL && message->kind != WR_BYE)
                sim_fail("%s goes to %u before WELCOME", wr_message_name(message->kind), sim_client_pid(line));
        ledger_follow();
        objects_go(line, message, count);
        switch (message->kind) {
        case WR_WELCOME: welcomed(line, message, objects); break;
        case WR_REFUSAL: refused(line, message); break;
        case WR_LANE_GRANT: granted(line, message, objects); break;
        case WR_OPENED: opened(line, message); break;
        case WR_SUBSCRIBED: subscribed(line, message); break;
        case WR_STATE: request_answered(line, message, WR_STATUS); break;
        case WR_TOPIC:
        case WR_ENDPOINT: request_rows(line, message, WR_LIST); break;
        case WR_SEAT:
        case WR_REFUSED: request_rows(line, message, WR_WHO); break;
        case WR_DONE: {
                const struct sim_request *request = request_of(line, message->request);

                if (!request || (request->kind != WR_LIST && request->kind != WR_WHO && request->kind != WR_STOP &&
                                 request->kind != WR_RELOAD && request->kind != WR_PACKAGE_SOCKET &&
                                 request->kind != WR_WATCH && request->kind != WR_PEER))
                        sim_fail("answers: %u gets DONE for request %u, which is none", sim_client_pid(line),
                                 message->request);
                request_answered(line, message, request->kind);
                break;
        }
        case WR_PEER_IS: request_answered(line, message, WR_PEER); break;
        case WR_PING:
        case WR_BYE:
        case WR_WATCHED:
        case WR_REVOKED: break;
        case WR_PAIR_ADDED:
        case WR_LANE_ADDED:
        case WR_PAIR_REMOVED:
        case WR_LANE_ENDED: ledger_said_pairs(line, message, objects); break;
        default: sim_fail("the broker says %s, of which the ledger knows nothing", wr_message_name(message->kind));
        }
}

/* ---- heard ---------------------------------------------------------------------------------------------------- */

static void
must_end(struct sim_line *line, const char *why)
{
        line->must_end = true;
        line->why = why;
}

static bool
is_of_client(enum wr_message_kind kind)
{
        static const enum wr_message_kind kinds[] = {
                WR_HELLO,      WR_PUBLISH,    WR_READY,     WR_SUBSCRIBE, WR_PAIR_ACK, WR_PAIR_READY,
                WR_EVICT,      WR_CLOSE_LANE, WR_PAIR_DONE, WR_PONG,      WR_STATS,    WR_CLOSE_SUBSCRIPTION,
                WR_LIST,       WR_STATUS,     WR_STOP,      WR_BYE,       WR_TICKET,   WR_PACKAGE_SOCKET,
                WR_RELOAD,     WR_WHO,        WR_HOLDS,     WR_REJOIN,    WR_MOVE,     WR_LANE_MOVED,
                WR_PAIR_STATS, WR_WATCH,      WR_PEER
        };

        for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
                if (kinds[i] == kind)
                        return true;
        return false;
}

static void
heard_ready(struct sim_line *line, const struct wr_message *message)
{
        struct ledger_lane *lane = ledger_lane(message->ready.lane);

        if (line->owes != WR_READY || line->owes_id != message->ready.lane) {
                must_end(line, "READY for a lane that was not granted");
                return;
        }
        line->owes = 0;
        if (!lane || lane->is_over)
                return;
        lane->is_ready = true;
        lane->ready_ns = sim.now_ns;
        ledger.lane_being_readied = lane->id;
        ledger_join_later(lane);
}

static void
heard_close(struct sim_line *line, const struct wr_message *message)
{
        struct ledger_lane *lane = ledger_lane(message->close_lane.lane);

        if (!lane || lane->line != line)
                return;
        for (unsigned i = 0; i < line->request_count; i++)
                if (line->requests[i].lane == lane->id) /* OPENED, or a successor: it need not come any more */
                        line->requests[i].is_moot = true;
        if (!lane->is_over && lane->successor && !lane->successor->is_over && !lane->is_moved)
                ledger_lane_end(lane->successor, WEIR_OK);
        if (!lane->is_over)
                ledger_lane_end(lane, WEIR_OK);
        if (line->owes == WR_READY && line->owes_id == lane->id)
                line->owes = 0;
}

void
ledger_heard_last(struct sim_line *line, const void *bytes, size_t size)
{
        struct wr_message message;

        if (wr_message_decode(bytes, size, &message, NULL) == WEIR_OK && message.kind == WR_BYE)
                line->said_bye = true;
}

void
ledger_heard(struct sim_line *line, const struct wr_message *message)
{
        enum wr_message_kind kind = message ? message->kind : (enum wr_message_kind)0;
        struct sim_request *request;

        trace(line, "->", message);
        sim_note((uint64_t)kind << 40 | (message ? message->request : 0));
        ledger_follow();
        ledger.lane_being_readied = 0;
        if (line->must_end)
                sim_fail("%u is heard, and its connection was to end: %s", sim_client_pid(line), line->why);
        if (message && line->owes == WR_HELLO)
                line->owes = 0;
        if (!message || !is_of_client(kind)) {
                must_end(line, message ? "not a client's to send" : "garbage");
                return;
        }
        if (line->said_hello == (kind == WR_HELLO)) {
                must_end(line, "HELLO twice, or not first");
                return;
        }
        switch (kind) {
        case WR_HELLO:
                line->said_hello = true;
                request_add(line, message);
                if (message->hello.layout != WR_LAYOUT)
                        must_end(line, "another layout");
                break;
        case WR_PUBLISH:
        case WR_SUBSCRIBE:
        case WR_LIST:
        case WR_WHO:
        case WR_STATUS:
        case WR_STOP:
        case WR_RELOAD:
        case WR_PACKAGE_SOCKET:
        case WR_WATCH:
        case WR_PEER:
        case WR_REJOIN:
        case WR_TICKET:
                request = request_add(line, message);
                if (kind == WR_REJOIN)
                        ledger_heard_rejoin(line, &message->rejoin);
                if (kind == WR_SUBSCRIBE) {
                        line->subscribing = message->request;
                        ledger_heard_holder(line, request);
                }
                break;
        case WR_MOVE:
                request_add(line, message);
                ledger_heard_pairs(line, message);
                break;
        case WR_READY: heard_ready(line, message); break;
        case WR_CLOSE_LANE: heard_close(line, message); break;
        case WR_BYE: line->said_bye = true; break;
        case WR_HOLDS: ledger_heard_hold(line, &message->holds); break;
        default: ledger_heard_pairs(line, message); break;
        }
        if (line->must_end)
                return;
        if ((kind == WR_PAIR_ACK || kind == WR_PAIR_READY) && line->owes == kind)
                must_end(line, "the answer for another pair");
}
