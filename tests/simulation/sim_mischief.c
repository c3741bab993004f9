/* What no client should do, and some do. */
#include "tests/simulation/client.h"
#include "tests/simulation/ledger.h"

#include <string.h>

static void
garble(struct sim_client *client)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX + 64] = { 0 };
        struct wr_message message = { .kind = WR_PING };
        size_t size;

        switch (sim_below(8)) {
        case 0: /* noise */
                size = 1 + sim_below(100);
                for (size_t i = 0; i < size; i++)
                        bytes[i] = (uint8_t)sim_random();
                sim_client_write_bytes(client, bytes, size, false);
                return;
        case 1: /* too long for a message */
                memset(bytes, 'W', sizeof(bytes));
                sim_client_write_bytes(client, bytes, sizeof(bytes), false);
                return;
        case 2: /* half of one */
                message.kind = WR_STATUS;
                size = wr_message_encode(&message, bytes);
                sim_client_write_bytes(client, bytes, size - 1 - sim_below(size - 1), false);
                return;
        case 3: /* with descriptors */
                message.kind = WR_STATUS;
                size = wr_message_encode(&message, bytes);
                sim_client_write_bytes(client, bytes, size, true);
                return;
        case 4: /* of another version */
                size = wr_message_encode(&message, bytes);
                bytes[4] ^= 0x40;
                sim_client_write_bytes(client, bytes, size, false);
                return;
        case 5: message.kind = WR_LANE_GRANT; break;
        case 6: message.kind = WR_HELLO; break;
        default: break;
        }
        sim_client_write(client, &message, 0);
}

/* Comes back with a lane that it never had, and knows all about it. */
static void
rejoin(struct sim_client *client, struct wr_message *message)
{
        const struct wr_link *list = &sim.server.registry.publications;
        const struct wr_publication *publication;

        if (!sim.is_serving || !sim.plan.has_rejoins || wr_list_empty(list))
                return;
        publication = WR_LIST_OWNER(sim_one_in(2) ? list->next : list->previous, struct wr_publication, link);
        if (!ledger_lane(publication->geometry.lane)) /* nobody was told of it, and nobody guesses its name */
                return;
        message->kind = WR_REJOIN;
        message->request = sim_client_request(client);
        message->rejoin.lane = publication->geometry.lane;
        message->rejoin.source = publication->source;
        snprintf(message->rejoin.topic, sizeof(message->rejoin.topic), "%s", publication->topic->name);
}

/* The same with a subscription and one of its pairs, or one of another's. */
static void
resubscribe(struct sim_client *client, struct wr_message *message)
{
        const struct wr_link *list = &sim.server.registry.subscriptions;
        struct wr_message holds = { .kind = WR_HOLDS };
        const struct wr_subscription *subscription;
        const struct wr_pairing *pairing;

        if (!sim.is_serving || !sim.plan.has_rejoins || wr_list_empty(list))
                return;
        subscription = WR_LIST_OWNER(sim_one_in(2) ? list->next : list->previous, struct wr_subscription, link);
        message->kind = WR_SUBSCRIBE;
        message->request = sim_client_request(client);
        message->subscribe.again = subscription->node.key;
        message->subscribe.delivery = subscription->reliable;
        message->subscribe.frames_max = subscription->frames_max;
        snprintf(message->subscribe.topic, sizeof(message->subscribe.topic), "%s", subscription->name);
        snprintf(message->subscribe.type, sizeof(message->subscribe.type), "%s", subscription->type);
        if (sim_one_in(3)) /* what it holds is of another one */
                subscription = WR_LIST_OWNER(list->next, struct wr_subscription, link);
        if (wr_list_empty(&subscription->pairings))
                return;
        pairing = WR_LIST_OWNER(subscription->pairings.next, struct wr_pairing, subscription_link);
        holds.holds = (struct wr_message_holds){ pairing->publication->source, pairing->publication->geometry.lane,
                                                 sim_one_in(4) ? sim_random() : pairing->node.key };
        for (int i = sim_one_in(3) ? 2 : 1; i > 0; i--)
                sim_client_write(client, &holds, 0);
}

/* Names what is another's, or nobody's. */
static void
meddle(struct sim_client *client)
{
        uint64_t id = sim_one_in(6) ? sim_random() : client->seen[sim_below(4)];
        struct wr_message message = { .kind = WR_READY };

        switch (sim_below(14)) {
        case 10:
        case 11: rejoin(client, &message); break;
        case 12:
        case 13: resubscribe(client, &message); break;
        case 0: message.ready.lane = id; break;
        case 1:
                message.kind = WR_PAIR_ACK;
                message.pair_ack.pair = id;
                break;
        case 2:
                message.kind = WR_PAIR_READY;
                message.pair_ready.pair = id;
                break;
        case 3:
        case 4:
                message.kind = WR_EVICT;
                message.evict.pair = id;
                message.evict.lane = client->seen[sim_below(4)];
                break;
        case 5:
        case 6:
                message.kind = WR_CLOSE_LANE;
                message.close_lane.lane = id;
                break;
        case 7:
                message.kind = WR_CLOSE_SUBSCRIPTION;
                message.close_subscription.subscription = id;
                break;
        case 8:
                message.kind = WR_STATS;
                message.stats.endpoint = id;
                break;
        default:
                message.kind = WR_PAIR_DONE;
                message.pair_done.pair = id;
                break;
        }
        sim_client_write(client, &message, 0);
}

static void
flood(struct sim_client *client)
{
        static const enum wr_message_kind kinds[] = { WR_STATUS, WR_LIST, WR_WHO, WR_PONG, WR_PUBLISH, WR_SUBSCRIBE };
        unsigned count = (unsigned)sim_below(40);

        for (unsigned i = 0; i < count; i++) {
                struct wr_message message = { .kind = kinds[sim_below(6)], .request = sim_client_request(client) };

                /* Requests that are refused: no topic is called so. */
                if (message.kind == WR_PUBLISH)
                        snprintf(message.publish.topic, sizeof(message.publish.topic), "/no//topic");
                if (message.kind == WR_SUBSCRIBE)
                        snprintf(message.subscribe.topic, sizeof(message.subscribe.topic), "../no");
                if (message.kind == WR_WHO)
                        message.who.refusals = 1;
                sim_client_write(client, &message, 0);
        }
}

void
sim_client_mischief(struct sim_client *client)
{
        if (sim_client_has(client, SIM_GARBLES) && sim_one_in(60))
                garble(client);
        if (sim_client_has(client, SIM_MEDDLES) && client->is_welcome && sim_one_in(15))
                meddle(client);
        if (sim_client_has(client, SIM_FLOODS) && client->is_welcome && sim_one_in(10))
                flood(client);
        if (sim_client_has(client, SIM_GREEDY) && client->is_welcome && sim_one_in(8)) {
                sim_client_publish(client);
                sim_client_subscribe(client);
        }
}
