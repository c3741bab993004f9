/* What a client wants of its own accord. */
#include "tests/simulation/client.h"

#include <string.h>

static const char *
topic_draw(void)
{
        return sim_topic((unsigned)sim_below(sim.plan.topics));
}

static const char *
type_draw(void)
{
        static const char *const types[] = { "video", "audio", "" };

        return sim.plan.has_types ? types[sim_below(3)] : "";
}

void
sim_client_publish(struct sim_client *client)
{
        struct wr_message publish = { .kind = WR_PUBLISH };

        for (unsigned i = 0; i < PUBS_MAX; i++) {
                struct client_pub *pub = &client->pubs[i];

                if (pub->stage != STAGE_NONE)
                        continue;
                *pub = (struct client_pub){ .stage = STAGE_ASKED, .request = sim_client_request(client) };
                pub->is_unwanted = sim_client_has(client, SIM_HASTY) && sim_one_in(3);
                publish.request = pub->request;
                publish.publish.memory_max = (UINT64_C(1) << 20)
                                             << sim_below(sim_client_has(client, SIM_GREEDY) ? 16 : 4);
                publish.publish.loans_max = (uint32_t)sim_below(5);
                publish.publish.history = (uint32_t)sim_below(4);
                publish.publish.refuse_reliable = sim_one_in(6);
                pub->topic = topic_draw();
                pub->type = type_draw();
                snprintf(publish.publish.topic, sizeof(publish.publish.topic), "%s", pub->topic);
                snprintf(publish.publish.type, sizeof(publish.publish.type), "%s", pub->type);
                sim_client_write(client, &publish, 0);
                return;
        }
}

void
sim_client_subscribe(struct sim_client *client)
{
        static const char *const patterns[] = { "t/*", "**", "u/**", "*/c", "w/*" };
        struct wr_message subscribe = { .kind = WR_SUBSCRIBE };

        for (unsigned i = 0; i < SUBS_MAX; i++) {
                struct client_sub *sub = &client->subs[i];

                if (sub->stage != STAGE_NONE)
                        continue;
                *sub = (struct client_sub){ .stage = STAGE_ASKED, .request = sim_client_request(client) };
                sub->is_unwanted = sim_client_has(client, SIM_HASTY) && sim_one_in(3);
                subscribe.request = sub->request;
                subscribe.subscribe.delivery = sim_one_in(3);
                subscribe.subscribe.frames_max = (uint32_t)sim_below(sim_client_has(client, SIM_GREEDY) ? 1200 : 40);
                snprintf(subscribe.subscribe.topic, sizeof(subscribe.subscribe.topic), "%s",
                         sim.plan.has_patterns && sim_one_in(3) ? patterns[sim_below(5)] : topic_draw());
                snprintf(subscribe.subscribe.type, sizeof(subscribe.subscribe.type), "%s",
                         sim_one_in(2) ? type_draw() : "");
                sub->wish = subscribe.subscribe;
                sim_client_write(client, &subscribe, 0);
                return;
        }
}

void
sim_client_rejoin(struct sim_client *client)
{
        for (unsigned i = 0; i < SUBS_MAX; i++) {
                struct client_sub *sub = &client->subs[i];
                struct wr_message again = { .kind = WR_SUBSCRIBE };

                if (sub->stage != STAGE_OPEN)
                        continue;
                for (unsigned j = 0; j < client->link_count; j++) {
                        const struct client_link *link = &client->links[j];
                        struct wr_message holds = { .kind = WR_HOLDS };

                        holds.holds = (struct wr_message_holds){ link->source, link->lane, link->pair };
                        if (link->subscription == sub->id)
                                sim_client_write(client, &holds, 0);
                }
                again.request = sub->request = sim_client_request(client);
                again.subscribe = sub->wish;
                again.subscribe.again = sub->id;
                sub->stage = STAGE_ASKED;
                sim_client_write(client, &again, 0);
        }
        for (unsigned i = 0; i < PUBS_MAX; i++) {
                struct client_pub *pub = &client->pubs[i];
                struct wr_message rejoin = { .kind = WR_REJOIN };

                if (pub->stage != STAGE_OPEN)
                        continue;
                rejoin.request = pub->request = sim_client_request(client);
                rejoin.rejoin = (struct wr_message_rejoin){ .source = pub->source,
                                                            .lane = pub->lane,
                                                            .epoch = pub->epoch,
                                                            .segment_bytes = pub->segment_bytes,
                                                            .memory_max = UINT64_C(1) << 20 };
                snprintf(rejoin.rejoin.topic, sizeof(rejoin.rejoin.topic), "%s", pub->topic);
                snprintf(rejoin.rejoin.type, sizeof(rejoin.rejoin.type), "%s", pub->type);
                pub->stage = STAGE_GRANTED;
                sim_client_write(client, &rejoin, 0);
        }
}

static void
close_lane(struct sim_client *client)
{
        struct client_pub *pub = &client->pubs[sim_below(PUBS_MAX)];
        struct wr_message close = { .kind = WR_CLOSE_LANE, .close_lane = { pub->lane } };

        if (pub->stage != STAGE_OPEN)
                return;
        pub->stage = STAGE_NONE;
        sim_client_write(client, &close, 0);
}

static void
close_subscription(struct sim_client *client)
{
        struct client_sub *sub = &client->subs[sim_below(SUBS_MAX)];
        struct wr_message close = { .kind = WR_CLOSE_SUBSCRIPTION, .close_subscription = { sub->id } };

        if (sub->stage != STAGE_OPEN)
                return;
        sub->stage = STAGE_NONE;
        sim_client_write(client, &close, 0);
        sim_client_release(client, sub->id, 1 + 3 * sim_client_think_ns(client));
}

static bool
has_ended(uint64_t lane)
{
        for (unsigned i = 0; i < 256 && i < sim.ended_count; i++)
                if (sim.ended[i] == lane)
                        return true;
        return false;
}

static void
move_on(struct sim_client *client)
{
        for (unsigned i = 0; i < PUBS_MAX; i++) {
                struct client_pub *pub = &client->pubs[i];
                struct wr_message moved;

                if (pub->stage == STAGE_NONE || pub->successor == 0 || pub->moves_ns > sim.now_ns)
                        continue;
                moved = (struct wr_message){ .kind = WR_LANE_MOVED, .lane_moved = { pub->lane, pub->successor } };
                sim.ended[sim.ended_count++ % 256] = pub->lane;
                pub->lane = pub->successor;
                pub->segment_bytes = pub->successor_bytes;
                pub->epoch++;
                pub->successor = 0;
                sim_client_write(client, &moved, 0);
        }
        for (unsigned i = 0; i < client->link_count;) {
                struct wr_message done;

                if (client->links[i].subscription == 0 || sim_client_has(client, SIM_NO_DONE) ||
                    !has_ended(client->links[i].lane)) {
                        i++;
                        continue;
                }
                done = (struct wr_message){ .kind = WR_PAIR_DONE, .pair_done = { client->links[i].pair } };
                sim_client_write(client, &done, sim_client_think_ns(client));
                client->links[i] = client->links[--client->link_count];
        }
}

static void
ask_to_move(struct sim_client *client)
{
        const struct client_pub *pub = &client->pubs[sim_below(PUBS_MAX)];
        struct wr_message move = { .kind = WR_MOVE };

        if (pub->stage != STAGE_OPEN)
                return;
        move.request = sim_client_request(client);
        move.move.lane = pub->lane;
        move.move.memory_max = sim_one_in(2) ? 0 : (UINT64_C(1) << 20) << sim_below(6);
        move.move.ring_bytes = move.move.memory_max / 16;
        for (unsigned i = 0; i < client->link_count; i++)
                if (client->links[i].lane == pub->lane && client->links[i].subscription == 0 && sim_one_in(2))
                        move.move.pinned_by = client->links[i].pair;
        sim_client_write(client, &move, 0);
}

static void
evict(struct sim_client *client)
{
        const struct client_link *link;
        struct wr_message evict = { .kind = WR_EVICT };

        if (client->link_count == 0)
                return;
        link = &client->links[sim_below(client->link_count)];
        if (link->subscription != 0)
                return;
        evict.evict.lane = link->lane;
        evict.evict.pair = link->pair;
        sim_client_write(client, &evict, 0);
}

static void
ask(struct sim_client *client)
{
        static const enum wr_message_kind kinds[] = { WR_LIST,   WR_LIST,           WR_WHO,   WR_STATUS,
                                                      WR_TICKET, WR_PACKAGE_SOCKET, WR_RELOAD };
        struct wr_message question = { .kind = kinds[sim_below(7)], .request = sim_client_request(client) };

        switch (question.kind) {
        case WR_LIST:
                question.list.endpoints = sim_one_in(2);
                snprintf(question.list.pattern, sizeof(question.list.pattern), "%s", sim_one_in(2) ? "**" : "t/*");
                break;
        case WR_WHO: question.who.refusals = sim_one_in(2); break;
        case WR_PACKAGE_SOCKET:
                snprintf(question.package_socket.package, sizeof(question.package_socket.package), "org.weir.Camera");
                snprintf(question.package_socket.path, sizeof(question.package_socket.path), "%s",
                         sim_listener_path(sim_one_in(4) ? 0 : 2));
                break;
        case WR_RELOAD:
                if (sim.plan.reloads == 0)
                        return;
                break;
        default: break;
        }
        sim_client_write(client, &question, 0);
}

static void
leave(struct sim_client *client)
{
        struct wr_message bye = { .kind = WR_BYE };

        if (sim_client_has(client, SIM_RUDE)) {
                sim_client_hang_up(client);
                return;
        }
        if (client->letter_count > 0 || !client->line->at_broker)
                return;
        sim_client_write(client, &bye, 0);
        {
                uint8_t bytes[WR_MESSAGE_BYTES_MAX];
                size_t size = wr_message_encode(&bye, bytes);

                if (sim_line_send(client->line, bytes, size, false))
                        client->letter_count = 0;
        }
        sim_client_hang_up(client);
}

void
sim_client_wish(struct sim_client *client)
{
        unsigned wish = (unsigned)sim_below(sim.phase == SIM_CHAOS ? 24 : 12);

        move_on(client);
        /* In the calm a newcomer or two are for everybody to serve, and nobody leaves. */
        if (sim.phase != SIM_CHAOS && (wish >= 6 || client->late_wishes++ >= 2))
                return;
        switch (wish) {
        case 0:
        case 1:
        case 2: sim_client_publish(client); break;
        case 3:
        case 4:
        case 5: sim_client_subscribe(client); break;
        case 6:
        case 7: close_lane(client); break;
        case 8: close_subscription(client); break;
        case 9:
                if (sim_client_has(client, SIM_EVICTS))
                        evict(client);
                break;
        case 10: ask(client); break;
        case 11:
                if (sim_one_in(6))
                        leave(client);
                break;
        case 12:
                if (sim.plan.has_moves)
                        ask_to_move(client);
                break;
        default: break;
        }
}
