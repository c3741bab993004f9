/* What a client does about a message: as libweir does it, unless it is of another kind. It checks what it is given. */
#include "tests/simulation/client.h"

#include <string.h>

static enum weir_result
answer_of(const struct sim_client *client)
{
        return sim_client_has(client, SIM_SAYS_NO) && sim_one_in(4) ? WEIR_E_NO_MEMORY : WEIR_OK;
}

static bool
remembers(struct sim_client *client, uint64_t pair, uint64_t lane, uint64_t source, uint64_t subscription)
{
        if (client->link_count == LINKS_MAX)
                return false;
        client->links[client->link_count++] = (struct client_link){ pair, lane, source, subscription };
        return true;
}

/* For those who meddle: what others have. */
static void
gossip(const struct sim_client *client, uint64_t id)
{
        for (unsigned i = 0; i < sim.plan.clients; i++)
                if (&sim_clients[i] != client && sim_client_has(&sim_clients[i], SIM_MEDDLES))
                        sim_clients[i].seen[id % 4] = id;
}

static void
welcome(struct sim_client *client, struct sim_packet *packet)
{
        client->is_welcome = true;
        client->held = packet->objects[0];
        client->held->others++;
        if (client->is_coming_back)
                sim_client_rejoin(client);
        client->is_coming_back = false;
}

/* It maps the lane that is to go on in place of one of its own, and goes over when it has waited for its readers. */
static void
successor_granted(struct sim_client *client, const struct wr_message_lane_grant *grant)
{
        struct wr_message ready = { .kind = WR_READY, .ready = { grant->lane } };
        struct wr_message close = { .kind = WR_CLOSE_LANE, .close_lane = { grant->lane } };
        int64_t after_ns = sim_client_think_ns(client);

        for (unsigned i = 0; i < PUBS_MAX; i++) {
                struct client_pub *pub = &client->pubs[i];

                if (pub->stage < STAGE_GRANTED || pub->lane != grant->follows)
                        continue;
                if (sim.phase == SIM_CHAOS && sim_one_in(sim_client_has(client, SIM_HASTY) ? 3 : 12))
                        break; /* it changes its mind, and stays where it is */
                pub->successor = grant->lane;
                pub->successor_bytes = grant->segment_bytes;
                pub->moves_ns = sim.now_ns + after_ns + 4 * sim_client_think_ns(client);
                if (!sim_client_has(client, SIM_NO_READY) || sim_one_in(2))
                        sim_client_write(client, &ready, after_ns);
                else
                        pub->moves_ns = INT64_MAX;
                return;
        }
        sim_client_write(client, &close, after_ns);
}

static void
lane_grant(struct sim_client *client, const struct wr_message *message)
{
        struct wr_message ready = { .kind = WR_READY, .ready = { message->lane_grant.lane } };
        struct wr_message close = { .kind = WR_CLOSE_LANE, .close_lane = { message->lane_grant.lane } };
        struct client_pub *pub = NULL;

        gossip(client, message->lane_grant.lane);
        if (message->lane_grant.follows != 0) {
                successor_granted(client, &message->lane_grant);
                return;
        }
        for (unsigned i = 0; i < PUBS_MAX; i++)
                if (client->pubs[i].stage == STAGE_ASKED && client->pubs[i].request == message->request)
                        pub = &client->pubs[i];
        if (!pub || pub->is_unwanted) {
                sim_client_write(client, &close, sim_client_think_ns(client));
                if (pub)
                        pub->stage = STAGE_NONE;
                return;
        }
        pub->stage = STAGE_GRANTED;
        pub->lane = message->lane_grant.lane;
        pub->source = message->lane_grant.source;
        pub->epoch = message->lane_grant.epoch;
        pub->segment_bytes = message->lane_grant.segment_bytes;
        if (!sim_client_has(client, SIM_NO_READY) || sim_one_in(2))
                sim_client_write(client, &ready, sim_client_think_ns(client));
}

/* The links of a subscription are those of another one from now on, or of none. */
static void
links_follow(struct sim_client *client, uint64_t from, uint64_t to)
{
        for (unsigned i = 0; i < client->link_count && from != 0;) {
                if (client->links[i].subscription == from && to == 0) {
                        client->links[i] = client->links[--client->link_count];
                        continue;
                }
                if (client->links[i].subscription == from)
                        client->links[i].subscription = to;
                i++;
        }
}

static void
refusal(struct sim_client *client, const struct wr_message *message)
{
        for (unsigned i = 0; i < PUBS_MAX; i++)
                if (client->pubs[i].stage != STAGE_NONE && client->pubs[i].request == message->request)
                        client->pubs[i].stage = STAGE_NONE;
        for (unsigned i = 0; i < SUBS_MAX; i++)
                if (client->subs[i].stage == STAGE_ASKED && client->subs[i].request == message->request) {
                        client->subs[i].stage = STAGE_NONE;
                        links_follow(client, client->subs[i].id, 0);
                }
}

static void
subscribed(struct sim_client *client, const struct wr_message *message)
{
        struct wr_message close = { .kind = WR_CLOSE_SUBSCRIPTION,
                                    .close_subscription = { message->subscribed.subscription } };

        gossip(client, message->subscribed.subscription);
        for (unsigned i = 0; i < SUBS_MAX; i++) {
                struct client_sub *sub = &client->subs[i];

                if (sub->stage != STAGE_ASKED || sub->request != message->request)
                        continue;
                links_follow(client, sub->id, message->subscribed.subscription);
                sub->stage = sub->is_unwanted ? STAGE_NONE : STAGE_OPEN;
                sub->id = message->subscribed.subscription;
                if (sub->is_unwanted)
                        sim_client_write(client, &close, sim_client_think_ns(client));
                return;
        }
        sim_client_write(client, &close, sim_client_think_ns(client));
}

static bool
publishes(const struct sim_client *client, uint64_t lane)
{
        for (unsigned i = 0; i < PUBS_MAX; i++)
                if (client->pubs[i].stage >= STAGE_GRANTED &&
                    (client->pubs[i].lane == lane || client->pubs[i].successor == lane))
                        return true;
        return false;
}

static bool
subscribes(const struct sim_client *client, uint64_t subscription)
{
        for (unsigned i = 0; i < SUBS_MAX; i++)
                if (client->subs[i].stage == STAGE_OPEN && client->subs[i].id == subscription)
                        return true;
        return false;
}

static void
pair_added(struct sim_client *client, const struct wr_message_pair_added *added, struct sim_packet *packet)
{
        struct wr_message ack = { .kind = WR_PAIR_ACK };

        if (packet->objects[0]->is_sealed)
                sim_fail("the page of PAIR_ADDED cannot be mapped any more when it comes");
        gossip(client, added->pair);
        ack.pair_ack.lane = added->lane;
        ack.pair_ack.pair = added->pair;
        ack.pair_ack.position = sim_below(UINT64_MAX);
        ack.pair_ack.sequence = sim_below(1000);
        ack.pair_ack.format = sim_below(9);
        ack.pair_ack.result = answer_of(client);
        if (!publishes(client, added->lane))
                ack.pair_ack.result = WEIR_E_CLOSED;
        if (ack.pair_ack.result == WEIR_OK)
                remembers(client, added->pair, added->lane, 0, 0);
        if (!sim_client_has(client, SIM_NO_ACK) || sim_one_in(2))
                sim_client_write(client, &ack, sim_client_think_ns(client));
}

static void
lane_added(struct sim_client *client, const struct wr_message_lane_added *added, struct sim_packet *packet)
{
        struct wr_message ready = { .kind = WR_PAIR_READY };

        if (packet->objects[1]->is_sealed && packet->objects[1]->broker > 0)
                sim_fail("the page of LANE_ADDED cannot be mapped any more when it comes");
        ready.pair_ready.pair = added->pair;
        ready.pair_ready.result = answer_of(client);
        if (!subscribes(client, added->subscription) ||
            (ready.pair_ready.result == WEIR_OK &&
             !remembers(client, added->pair, added->lane, added->source, added->subscription)))
                ready.pair_ready.result = WEIR_E_CLOSED;
        if (!sim_client_has(client, SIM_NO_PAIR_READY) || sim_one_in(2))
                sim_client_write(client, &ready, sim_client_think_ns(client));
}

/* It drains what is left in the lane, and says so. */
static void
lane_ended(struct sim_client *client, const struct wr_message_lane_ended *ended)
{
        struct wr_message done = { .kind = WR_PAIR_DONE };

        for (unsigned i = 0; i < client->link_count; i++)
                if (ended->lane != 0 && client->links[i].lane == ended->lane &&
                    client->links[i].subscription == ended->subscription) {
                        done.pair_done.pair = client->links[i].pair;
                        if (!sim_client_has(client, SIM_NO_DONE))
                                sim_client_write(client, &done, 2 * sim_client_think_ns(client));
                        sim_client_forget_link(client, done.pair_done.pair);
                        return;
                }
}

static void
revoked(struct sim_client *client, uint64_t endpoint)
{
        struct wr_message close = { .kind = WR_CLOSE_LANE, .close_lane = { endpoint } };

        for (unsigned i = 0; i < PUBS_MAX; i++)
                if (client->pubs[i].stage != STAGE_NONE && client->pubs[i].lane == endpoint) {
                        client->pubs[i].stage = STAGE_NONE;
                        sim_client_write(client, &close, sim_client_think_ns(client));
                }
        for (unsigned i = 0; i < SUBS_MAX; i++)
                if (client->subs[i].stage == STAGE_OPEN && client->subs[i].id == endpoint) {
                        client->subs[i].stage = STAGE_NONE;
                        close = (struct wr_message){ .kind = WR_CLOSE_SUBSCRIPTION,
                                                     .close_subscription = { endpoint } };
                        sim_client_write(client, &close, sim_client_think_ns(client));
                        sim_client_release(client, endpoint, 2 * sim_client_think_ns(client));
                }
}

static void
ping(struct sim_client *client, const struct wr_message *message)
{
        struct wr_message pong = { .kind = WR_PONG, .pong = { message->ping.stamp } };
        struct wr_message stats = { .kind = WR_STATS }, pair_stats = { .kind = WR_PAIR_STATS };

        sim_client_write(client, &pong, 0);
        if (client->pubs[0].stage == STAGE_OPEN) {
                stats.stats.endpoint = client->pubs[0].lane;
                sim_client_write(client, &stats, 0);
        }
        if (client->link_count > 0) {
                pair_stats.pair_stats.pair = client->links[0].pair;
                sim_client_write(client, &pair_stats, 0);
        }
}

void
sim_client_reply(struct sim_client *client, struct sim_packet *packet)
{
        enum wr_message_kind kind = (enum wr_message_kind)(packet->bytes[6] | packet->bytes[7] << 8);
        struct wr_message message;
        const char *why;

        /* Most of what is said are rows, and the ledger has read them. */
        if (kind == WR_TOPIC || kind == WR_ENDPOINT || kind == WR_SEAT || kind == WR_REFUSED || kind == WR_DONE)
                return;
        if (wr_message_decode(packet->bytes, packet->size, &message, &why) != WEIR_OK)
                sim_fail("a client gets what is no message: %s", why);
        switch (message.kind) {
        case WR_WELCOME: welcome(client, packet); break;
        case WR_LANE_GRANT: lane_grant(client, &message); break;
        case WR_REFUSAL: refusal(client, &message); break;
        case WR_SUBSCRIBED: subscribed(client, &message); break;
        case WR_PAIR_ADDED: pair_added(client, &message.pair_added, packet); break;
        case WR_LANE_ADDED: lane_added(client, &message.lane_added, packet); break;
        case WR_PAIR_REMOVED: sim_client_forget_link(client, message.pair_removed.pair); break;
        case WR_LANE_ENDED: lane_ended(client, &message.lane_ended); break;
        case WR_REVOKED: revoked(client, message.revoked.endpoint); break;
        case WR_PING: ping(client, &message); break;
        case WR_BYE: sim_client_lose_broker(client); break;
        case WR_OPENED:
                for (unsigned i = 0; i < PUBS_MAX; i++)
                        if (client->pubs[i].stage == STAGE_GRANTED && client->pubs[i].lane == message.opened.lane)
                                client->pubs[i].stage = STAGE_OPEN;
                break;
        default: break;
        }
}
