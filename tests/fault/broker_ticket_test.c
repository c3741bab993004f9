/* Tickets through the whole broker, by messages: what one gives, and everything that is no good. */
#include "bus/transport/ticket.h"
#include "tests/fault/broker_fixture.h"

#define CAMERA    "org.weir.Camera"
#define SECOND_NS INT64_C(1000000000)

enum { READ = WR_MAY_SUBSCRIBE | WR_MAY_MAP | WR_MAY_OBSERVE, WRITE = WR_MAY_PUBLISH | WR_MAY_MAP | WR_MAY_OBSERVE };

TestSuite(broker_ticket, .fini = kit_clean, .timeout = 60);

static struct wr_message
ticket_of(const char *topic, uint32_t rights, uint32_t uses, int64_t ttl_ns)
{
        struct wr_message message = { .kind = WR_TICKET, .request = 4, .ticket = { rights, uses, ttl_ns, "" } };

        snprintf(message.ticket.topic, sizeof(message.ticket.topic), "%s", topic);
        return message;
}

static struct wr_ticket
client_ticket(struct client *client, const char *topic, uint32_t rights, uint32_t uses, int64_t ttl_ns)
{
        struct wr_ticket ticket;
        const char *why = "";

        client_send(client, ticket_of(topic, rights, uses, ttl_ns));
        client_expect(client, WR_TICKET_IS);
        cr_assert(eq(int, wr_ticket_read(&ticket, client->message.ticket_is.text, &why), WEIR_OK), "%s", why);
        cr_assert(eq(u64, ticket.id, client->message.ticket_is.id));
        return ticket;
}

static void
client_redeem(struct client *client, const struct wr_ticket *ticket, uint64_t redeemer)
{
        struct wr_message message = { .kind = WR_REDEEM, .request = 5, .redeem = { ticket->id, redeemer, "" } };
        uint8_t key[WR_HMAC_BYTES];

        cr_assert(wr_ticket_client_key(ticket->key, key));
        for (size_t i = 0; i < sizeof(key); i++)
                snprintf(message.redeem.key + 2 * i, 3, "%02x", key[i]);
        client_send(client, message);
}

static void
client_expect_denied(struct client *client, const char *words)
{
        client_expect_refusal(client, WEIR_E_DENIED, words);
}

Test(broker_ticket, names_its_broker_and_can_be_redeemed)
{
        struct broker broker = broker_begin();
        struct client owner = client_begin(&broker, "owner"), other = client_begin(&broker, "other");
        struct wr_ticket ticket = client_ticket(&owner, "cam/front", READ, 1, 60 * SECOND_NS);

        cr_assert(eq(str, ticket.address, broker.address));
        cr_assert(eq(u16, ticket.port, 0));
        client_redeem(&other, &ticket, 7);
        client_expect(&other, WR_DONE);
        client_close(&owner);
        client_close(&other);
        broker_end(&broker);
}

Test(broker_ticket, gives_exactly_its_rights_on_its_topic)
{
        given.package = CAMERA;
        struct broker broker = broker_begin();
        struct client owner = client_begin(&broker, "owner"), guest = client_at(broker.package_socket, "guest");
        struct wr_ticket ticket = client_ticket(&owner, "cam/*", READ, 1, 60 * SECOND_NS);
        struct wr_message reliable = subscribe("cam/front");

        client_publish(&owner, "cam/front");
        client_send(&guest, subscribe("cam/front"));
        client_expect_denied(&guest, "no 'subscribe'");
        client_redeem(&guest, &ticket, 7);
        client_expect(&guest, WR_DONE);
        client_send(&guest, subscribe("cam/front"));
        client_expect(&guest, WR_SUBSCRIBED);
        pair_up(&owner, &guest);
        client_send(&guest, subscribe("other"));
        client_expect_denied(&guest, "no 'subscribe'");
        client_send(&guest, publish("cam/front"));
        client_expect_denied(&guest, "no 'publish'");
        reliable.subscribe.delivery = 1;
        client_send(&guest, reliable);
        client_expect_denied(&guest, "no 'stall'");
        client_send(&guest, (struct wr_message){ .kind = WR_LIST });
        client_expect(&guest, WR_TOPIC);
        client_expect(&guest, WR_DONE);
        /* What it has by a ticket it may not hand on. */
        client_send(&guest, ticket_of("cam/front", READ, 1, SECOND_NS));
        client_expect_denied(&guest, "no 'subscribe'");
        client_close(&owner);
        client_close(&guest);
        broker_end(&broker);
}

Test(broker_ticket, lets_a_pattern_in_where_it_could_match)
{
        given.package = CAMERA;
        struct broker broker = broker_begin();
        struct client owner = client_begin(&broker, "owner"), guest = client_at(broker.package_socket, "guest");
        struct wr_ticket ticket = client_ticket(&owner, "cam/**", READ, 1, 60 * SECOND_NS);

        client_publish(&owner, "cam/front");
        client_redeem(&guest, &ticket, 7);
        client_expect(&guest, WR_DONE);
        client_send(&guest, subscribe("cam/f*"));
        client_expect(&guest, WR_SUBSCRIBED);
        pair_up(&owner, &guest);
        client_send(&guest, subscribe("lidar/*"));
        client_expect_denied(&guest, "no 'subscribe'");
        client_close(&owner);
        client_close(&guest);
        broker_end(&broker);
}

Test(broker_ticket, that_is_revoked_ends_what_was_opened_by_it)
{
        given.package = CAMERA;
        struct broker broker = broker_begin();
        struct client owner = client_begin(&broker, "owner"), guest = client_at(broker.package_socket, "guest");
        struct wr_ticket ticket = client_ticket(&owner, "cam/front", WRITE, 0, INT64_MAX);

        client_redeem(&guest, &ticket, 7);
        client_expect(&guest, WR_DONE);
        client_publish(&guest, "cam/front");
        client_send(&owner,
                    (struct wr_message){ .kind = WR_TICKET_REVOKE, .request = 6, .ticket_revoke = { ticket.id } });
        client_expect(&owner, WR_DONE);
        client_expect(&guest, WR_REVOKED);
        client_send(&guest, publish("cam/front"));
        client_expect_denied(&guest, "no 'publish'");
        client_close(&guest);
        guest = client_at(broker.package_socket, "guest");
        client_redeem(&guest, &ticket, 7);
        client_expect_denied(&guest, "was revoked");
        client_close(&owner);
        client_close(&guest);
        broker_end(&broker);
}

Test(broker_ticket, ends_when_its_creator_loses_the_right)
{
        static char policy[256];

        given.package = CAMERA;
        given.has_file = true;
        given.policy = "";
        struct broker broker = broker_begin();
        struct client owner = client_begin(&broker, "owner"), guest = client_at(broker.package_socket, "guest");
        struct wr_ticket ticket = client_ticket(&owner, "cam/front", WRITE, 1, INT64_MAX);

        client_redeem(&guest, &ticket, 7);
        client_expect(&guest, WR_DONE);
        client_publish(&guest, "cam/front");
        snprintf(policy, sizeof(policy), "[topic.\"cam/front\"]\npublish = [\"package:org.weir.Other\"]\n");
        broker_write_policy(&broker, policy);
        client_send(&owner, (struct wr_message){ .kind = WR_RELOAD, .request = 6 });
        client_expect(&guest, WR_REVOKED);
        client_expect(&owner, WR_DONE);
        client_close(&owner);
        client_close(&guest);
        broker_end(&broker);
}

Test(broker_ticket, of_others_is_neither_listed_nor_revoked)
{
        given.package = CAMERA;
        struct broker broker = broker_begin();
        struct client owner = client_begin(&broker, "owner"), guest = client_at(broker.package_socket, "guest");
        struct wr_ticket ticket = client_ticket(&owner, "cam/front", READ, 1, 60 * SECOND_NS);

        client_send(&guest, (struct wr_message){ .kind = WR_TICKETS, .request = 6 });
        client_expect(&guest, WR_DONE);
        client_send(&guest,
                    (struct wr_message){ .kind = WR_TICKET_REVOKE, .request = 6, .ticket_revoke = { ticket.id } });
        client_expect_refusal(&guest, WEIR_E_USAGE, "no ticket");
        client_redeem(&guest, &ticket, 7);
        client_expect(&guest, WR_DONE);
        client_close(&owner);
        client_close(&guest);
        broker_end(&broker);
}

Test(broker_ticket, is_made_only_of_what_its_creator_may)
{
        given.package = CAMERA;
        given.policy = "[topic.\"cam/front\"]\nsubscribe = [\"package:" CAMERA "\"]\n";
        struct broker broker = broker_begin();
        struct client camera = client_at(broker.package_socket, "camera");

        client_ticket(&camera, "cam/front", READ, 1, 60 * SECOND_NS);
        client_send(&camera, ticket_of("cam/front", READ | WR_MAY_STALL, 1, SECOND_NS));
        client_expect_denied(&camera, "no 'stall'");
        client_send(&camera, ticket_of("cam/front", WRITE, 1, SECOND_NS));
        client_expect_denied(&camera, "no 'publish'");
        client_send(&camera, ticket_of("lidar/*", READ, 1, SECOND_NS));
        client_expect_denied(&camera, "no 'subscribe'");
        client_close(&camera);
        broker_end(&broker);
}

Test(broker_ticket, without_map_is_offered_to_who_may_not_map)
{
        given.package = CAMERA;
        given.policy = "[topic.\"cam/front\"]\nsubscribe = [\"package:" CAMERA "\"]\nmap = [\"user:root\"]\n";
        struct broker broker = broker_begin();
        struct client camera = client_at(broker.package_socket, "camera");

        client_send(&camera, ticket_of("cam/front", READ, 1, SECOND_NS));
        client_expect_denied(&camera, "hand on what you have: --no-map");
        client_ticket(&camera, "cam/front", READ & ~(uint32_t)WR_MAY_MAP, 1, SECOND_NS);
        client_close(&camera);
        broker_end(&broker);
}

Test(broker_ticket, with_a_key_wrong_by_one_bit_is_an_unknown_one)
{
        struct broker broker = broker_begin();
        struct client owner = client_begin(&broker, "owner");
        struct wr_ticket ticket = client_ticket(&owner, "cam/front", READ, 1, 60 * SECOND_NS), wrong;
        struct wr_message mute = { .kind = WR_REDEEM, .request = 5, .redeem = { ticket.id, 7, "" } };

        for (size_t bit = 0; bit < sizeof(ticket.key) * 8; bit += 41) {
                wrong = ticket;
                wrong.key[bit / 8] ^= (uint8_t)(1u << (bit % 8));
                client_redeem(&owner, &wrong, 7);
                client_expect_denied(&owner, "knows no such ticket");
        }
        wrong = ticket;
        wrong.id ^= 1;
        client_redeem(&owner, &wrong, 7);
        client_expect_denied(&owner, "knows no such ticket");
        client_send(&owner, mute);
        client_expect_denied(&owner, "knows no such ticket");
        memset(mute.redeem.key, 'g', 64);
        client_send(&owner, mute);
        client_expect_denied(&owner, "knows no such ticket");
        client_redeem(&owner, &ticket, 7); /* none of this used it up */
        client_expect(&owner, WR_DONE);
        client_close(&owner);
        broker_end(&broker);
}

/* The broker reads its clock once a turn. */
static void
turn_pass(struct client *client)
{
        uint64_t before = client_status(client).uptime_ns;

        while (client_status(client).uptime_ns == before)
                ;
}

Test(broker_ticket, that_expired_says_so)
{
        struct broker broker = broker_begin();
        struct client owner = client_begin(&broker, "owner");
        struct wr_ticket ticket = client_ticket(&owner, "cam/front", READ, 1, 1);

        turn_pass(&owner);
        client_redeem(&owner, &ticket, 7);
        client_expect_denied(&owner, "expired");
        client_close(&owner);
        broker_end(&broker);
}

Test(broker_ticket, has_so_many_uses_and_who_comes_back_takes_none)
{
        struct broker broker = broker_begin();
        struct client owner = client_begin(&broker, "owner"), first = client_begin(&broker, "first"),
                      second = client_begin(&broker, "second");
        struct wr_ticket ticket = client_ticket(&owner, "cam/front", READ, 1, 60 * SECOND_NS);

        client_redeem(&first, &ticket, 7);
        client_expect(&first, WR_DONE);
        client_redeem(&first, &ticket, 7);
        client_expect_refusal(&first, WEIR_E_USAGE, "redeemed a ticket already");
        client_redeem(&second, &ticket, 8);
        client_expect_denied(&second, "used up");
        client_redeem(&second, &ticket, 7); /* while the first is there */
        client_expect_denied(&second, "used up");
        client_close(&first);
        client_status_when(&owner, 2);
        client_redeem(&second, &ticket, 8);
        client_expect_denied(&second, "used up");
        client_redeem(&second, &ticket, 7);
        client_expect(&second, WR_DONE);
        client_close(&owner);
        client_close(&second);
        broker_end(&broker);
}

Test(broker_ticket, without_counted_uses_is_redeemed_any_number_of_times)
{
        struct broker broker = broker_begin();
        struct client owner = client_begin(&broker, "owner");
        struct wr_ticket ticket = client_ticket(&owner, "cam/front", READ, 0, 60 * SECOND_NS);

        for (uint64_t i = 1; i <= 2 * WR_TICKET_USES_MAX + 3; i++) {
                struct client guest = client_begin(&broker, "guest");

                client_redeem(&guest, &ticket, i);
                client_expect(&guest, WR_DONE);
                client_close(&guest);
                client_status_when(&owner, 1);
        }
        client_send(&owner, (struct wr_message){ .kind = WR_TICKETS, .request = 6 });
        client_expect(&owner, WR_TICKET_ROW);
        cr_assert(eq(u32, owner.message.ticket_row.used, 2 * WR_TICKET_USES_MAX + 3));
        cr_assert(eq(u32, owner.message.ticket_row.sessions, 0));
        client_expect(&owner, WR_DONE);
        client_close(&owner);
        broker_end(&broker);
}

Test(broker_ticket, outlives_its_creators_connection_and_not_the_broker)
{
        struct broker broker = broker_begin();
        struct client owner = client_begin(&broker, "owner"), guest = client_begin(&broker, "guest");
        struct wr_ticket ticket = client_ticket(&owner, "cam/front", READ, 1, 60 * SECOND_NS);

        client_close(&owner);
        client_status_when(&guest, 1);
        client_redeem(&guest, &ticket, 7);
        client_expect(&guest, WR_DONE);
        client_close(&guest);
        broker_end(&broker);
        broker = broker_begin();
        guest = client_begin(&broker, "guest");
        client_redeem(&guest, &ticket, 7);
        client_expect_denied(&guest, "started anew");
        client_close(&guest);
        broker_end(&broker);
}

Test(broker_ticket, requests_that_make_no_sense_are_refused)
{
        struct broker broker = broker_begin();
        struct client owner = client_begin(&broker, "owner");

        client_send(&owner, ticket_of("cam//front", READ, 1, SECOND_NS));
        client_expect_refusal(&owner, WEIR_E_USAGE, "no topic");
        client_send(&owner, ticket_of("cam/front", 0, 1, SECOND_NS));
        client_expect_refusal(&owner, WEIR_E_USAGE, "needs a right");
        client_send(&owner, ticket_of("cam/front", 64, 1, SECOND_NS));
        client_expect_refusal(&owner, WEIR_E_USAGE, "needs a right");
        client_send(&owner, ticket_of("cam/front", READ, 1, 0));
        client_expect_refusal(&owner, WEIR_E_USAGE, "time to live");
        client_send(&owner, ticket_of("cam/front", READ, WR_TICKET_USES_MAX + 1, SECOND_NS));
        client_expect_refusal(&owner, WEIR_E_USAGE, "at most 64 uses");
        client_close(&owner);
        broker_end(&broker);
}

Test(broker_ticket, one_identity_has_so_many_and_those_that_ended_count_no_more)
{
        struct broker broker = broker_begin();
        struct client owner = client_begin(&broker, "owner");
        uint64_t last = client_ticket(&owner, "cam/front", READ, 1, INT64_MAX).id;

        for (int i = 1; i < WR_TICKETS_ACCOUNT_MAX; i++)
                client_ticket(&owner, "cam/front", READ, 1, INT64_MAX);
        client_send(&owner, ticket_of("cam/front", READ, 1, SECOND_NS));
        client_expect_refusal(&owner, WEIR_E_QUOTA, "weir ticket revoke");
        /* Each that is revoked makes room; they are remembered, and the oldest of them forgotten. */
        for (int i = 0; i < WR_TICKETS_MAX; i++) {
                client_send(&owner,
                            (struct wr_message){ .kind = WR_TICKET_REVOKE, .request = 6, .ticket_revoke = { last } });
                client_expect(&owner, WR_DONE);
                last = client_ticket(&owner, "cam/front", READ, 1, INT64_MAX).id;
        }
        client_send(&owner, ticket_of("cam/front", READ, 1, SECOND_NS));
        client_expect_refusal(&owner, WEIR_E_QUOTA, "weir ticket ls");
        client_close(&owner);
        broker_end(&broker);
}
