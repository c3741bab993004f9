/* The door of TCP: who has no key learns nothing and keeps nothing, and who has one gets its ticket's rights alone. */
#include "bus/os/thread.h"
#include "bus/transport/handshake.h"
#include "named-objects/datagrams.h"
#include "named-objects/stream_tcp.h"
#include "tests/fault/broker_fixture.h"

#include <weir/weir.h>

#define SECOND_NS INT64_C(1000000000)

enum { READ = WR_MAY_SUBSCRIBE | WR_MAY_OBSERVE };

TestSuite(broker_tcp, .fini = kit_clean, .timeout = 60);

/* ---- a client of TCP, byte by byte ----------------------------------------------------------------------------- */

static struct wr_ticket
ticket_new(struct client *client, const char *topic, uint32_t rights, uint32_t uses, int64_t ttl_ns)
{
        struct wr_message message = { .kind = WR_TICKET, .request = 4, .ticket = { rights, uses, ttl_ns, "" } };
        struct wr_ticket ticket;
        const char *why = "";

        snprintf(message.ticket.topic, sizeof(message.ticket.topic), "%s", topic);
        client_send(client, message);
        client_expect(client, WR_TICKET_IS);
        cr_assert(eq(int, wr_ticket_read(&ticket, client->message.ticket_is.text, &why), WEIR_OK), "%s", why);
        cr_assert(ne(u16, ticket.port, 0));
        return ticket;
}

static wr_object
tcp_connect(const struct wr_ticket *ticket)
{
        wr_object stream;

        cr_assert(eq(int, wr_stream_tcp_connect(&stream, ticket->port), WEIR_OK));
        return stream;
}

/* False: the broker hung up. */
static bool
tcp_write(wr_object stream, const void *bytes, size_t size)
{
        size_t done;
        unsigned ready;

        for (size_t at = 0; at < size; at += done) {
                struct wr_span span = { (uint8_t *)(uintptr_t)bytes + at, size - at };
                enum weir_result result = wr_stream_write(stream, &span, 1, &done);

                if (result < 0)
                        return false;
                if (result == WEIR_FULL)
                        cr_assert(eq(int,
                                     wr_stream_wait(stream, WR_STREAM_WRITE, WR_NO_OBJECT, wr_clock_ns() + PATIENCE_NS,
                                                    &ready),
                                     WEIR_OK));
        }
        return true;
}

/* So many bytes, or fewer where it hung up before. */
static size_t
tcp_read(wr_object stream, void *bytes, size_t size)
{
        size_t done, at = 0;
        unsigned ready;

        while (at < size) {
                struct wr_span span = { (uint8_t *)bytes + at, size - at };
                enum weir_result result = wr_stream_read(stream, &span, 1, &done);

                if (result < 0)
                        return at;
                at += done;
                if (result == WEIR_EMPTY)
                        cr_assert(eq(int,
                                     wr_stream_wait(stream, WR_STREAM_READ, WR_NO_OBJECT, wr_clock_ns() + PATIENCE_NS,
                                                    &ready),
                                     WEIR_OK),
                                  "the broker says nothing, and does not hang up");
        }
        return at;
}

static void
tcp_expect_end(wr_object stream)
{
        uint8_t byte;

        cr_assert(eq(sz, tcp_read(stream, &byte, 1), 0), "the broker says something");
        wr_object_close(stream);
}

static void
hello_make(const struct wr_ticket *ticket, uint64_t redeemer, uint8_t bytes[WR_HANDSHAKE_HELLO_BYTES])
{
        struct wr_handshake_hello hello = {
                .version = WR_HANDSHAKE_VERSION, .purpose = WR_HANDSHAKE_CONTROL, .id = ticket->id, .redeemer = redeemer
        };

        memset(hello.nonce, 0x5a, sizeof(hello.nonce));
        wr_handshake_hello_write(&hello, bytes);
}

/* What a client sends until it has proven its key; kept, to be replayed. */
struct said {
        uint8_t hello[WR_HANDSHAKE_HELLO_BYTES], proof[WR_HANDSHAKE_CLIENT_BYTES];
};

static wr_object
shake_hands(const struct wr_ticket *ticket, uint64_t redeemer, struct said *said)
{
        wr_object stream = tcp_connect(ticket);
        uint8_t answer[WR_HANDSHAKE_BROKER_BYTES];

        hello_make(ticket, redeemer, said->hello);
        cr_assert(tcp_write(stream, said->hello, sizeof(said->hello)));
        cr_assert(eq(sz, tcp_read(stream, answer, sizeof(answer)), sizeof(answer)));
        cr_assert(wr_handshake_client(ticket->key, said->hello, answer, said->proof));
        cr_assert(tcp_write(stream, said->proof, sizeof(said->proof)));
        return stream;
}

struct talk {
        struct wr_datagrams datagrams;
        struct wr_message message;
};

static enum wr_message_kind
talk_receive(struct talk *talk)
{
        uint8_t bytes[WR_DATAGRAM_MAX];
        size_t size;
        unsigned ready;

        for (;;) {
                enum weir_result result = wr_datagrams_receive(&talk->datagrams, bytes, sizeof(bytes), &size);

                if (result < 0)
                        return (enum wr_message_kind)0;
                if (result == WEIR_EMPTY) {
                        cr_assert(eq(int,
                                     wr_stream_wait(talk->datagrams.stream, WR_STREAM_READ, WR_NO_OBJECT,
                                                    wr_clock_ns() + PATIENCE_NS, &ready),
                                     WEIR_OK));
                        continue;
                }
                cr_assert(eq(int, wr_message_decode(bytes, size, &talk->message, NULL), WEIR_OK));
                if (talk->message.kind != WR_PING)
                        return talk->message.kind;
        }
}

static void
talk_expect(struct talk *talk, enum wr_message_kind kind)
{
        enum wr_message_kind got = talk_receive(talk);

        cr_assert(got == kind, "expected %s, got %s %s", wr_message_name(kind), wr_message_name(got),
                  got == WR_REFUSAL ? talk->message.refusal.sentence : "");
}

static void
talk_send(struct talk *talk, struct wr_message message)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];

        cr_assert(eq(int, wr_datagrams_send(&talk->datagrams, bytes, wr_message_encode(&message, bytes)), WEIR_OK));
}

static void
talk_expect_refusal(struct talk *talk, const char *words)
{
        talk_expect(talk, WR_REFUSAL);
        cr_assert(strstr(talk->message.refusal.sentence, words) != NULL, "'%s' has '%s'",
                  talk->message.refusal.sentence, words);
}

/* The handshake is behind it; nothing was said. */
static struct talk
talk_open(const struct wr_ticket *ticket, uint64_t redeemer)
{
        struct talk talk;
        struct said said;

        wr_datagrams_open(&talk.datagrams, shake_hands(ticket, redeemer, &said));
        return talk;
}

static struct talk
talk_begin(const struct wr_ticket *ticket, uint64_t redeemer)
{
        struct talk talk = talk_open(ticket, redeemer);

        talk_send(&talk, hello("far"));
        talk_expect(&talk, WR_WELCOME);
        return talk;
}

static void
talk_close(struct talk *talk)
{
        wr_object_close(talk->datagrams.stream);
}

/* ---- those who have a ticket ----------------------------------------------------------------------------------- */

static struct broker
tcp_broker(void)
{
        given.tcp = true;
        return broker_begin();
}

Test(broker_tcp, the_holder_of_a_ticket_has_its_rights_and_no_other)
{
        struct broker broker = tcp_broker();
        struct client owner = client_begin(&broker, "owner");
        struct wr_ticket ticket = ticket_new(&owner, "cam/front", READ, 1, 60 * SECOND_NS);
        struct talk talk = talk_begin(&ticket, 7);

        client_publish(&owner, "cam/front");
        client_publish(&owner, "secret");
        cr_assert(strstr(talk.message.welcome.identity, "over TCP") != NULL, "%s", talk.message.welcome.identity);
        talk_send(&talk, (struct wr_message){ .kind = WR_LIST });
        talk_expect(&talk, WR_TOPIC);
        cr_assert(eq(str, talk.message.topic.topic, "cam/front"));
        talk_expect(&talk, WR_DONE);
        talk_send(&talk, subscribe("secret"));
        talk_expect_refusal(&talk, "the ticket grants subscribe, observe on 'cam/front', and nothing else");
        talk_send(&talk, publish("cam/front"));
        talk_expect_refusal(&talk, "the ticket grants");
        talk_close(&talk);
        client_close(&owner);
        broker_end(&broker);
}

Test(broker_tcp, its_creators_other_powers_do_not_come_with_a_ticket)
{
        struct broker broker = tcp_broker();
        struct client owner = client_begin(&broker, "owner");
        struct wr_ticket ticket = ticket_new(&owner, "cam/front", READ, 1, 60 * SECOND_NS);
        struct talk talk = talk_begin(&ticket, 7);
        struct wr_message more = { .kind = WR_TICKET, .ticket = { READ, 1, SECOND_NS, "cam/front" } };

        talk_send(&talk, (struct wr_message){ .kind = WR_STOP });
        talk_expect_refusal(&talk, "full-trust");
        talk_send(&talk, (struct wr_message){ .kind = WR_RELOAD });
        talk_expect_refusal(&talk, "full-trust");
        talk_send(&talk, more);
        talk_expect_refusal(&talk, "makes no other");
        talk_send(&talk, (struct wr_message){ .kind = WR_TICKETS });
        talk_expect(&talk, WR_DONE);
        talk_send(&talk, (struct wr_message){ .kind = WR_TICKET_REVOKE, .ticket_revoke = { ticket.id } });
        talk_expect_refusal(&talk, "no ticket");
        talk_send(&talk, (struct wr_message){ .kind = WR_REDEEM, .redeem = { ticket.id, 7, "" } });
        talk_expect_refusal(&talk, "opened by a ticket");
        talk_send(&talk, (struct wr_message){ .kind = WR_WHO });
        talk_expect(&talk, WR_DONE);
        talk_send(&talk, (struct wr_message){ .kind = WR_WHO, .who = { 1, "" } });
        talk_expect(&talk, WR_DONE);
        talk_send(&talk, (struct wr_message){ .kind = WR_STATUS });
        talk_expect(&talk, WR_STATE);
        cr_assert(eq(str, talk.message.state.policy, "?"));
        cr_assert(eq(u32, talk.message.state.tcp_port, ticket.port));
        talk_close(&talk);
        client_close(&owner);
        broker_end(&broker);
}

Test(broker_tcp, a_ticket_that_ended_says_why_to_who_has_its_key)
{
        struct broker broker = tcp_broker();
        struct client owner = client_begin(&broker, "owner");
        struct wr_ticket used = ticket_new(&owner, "cam/front", READ, 1, 60 * SECOND_NS),
                         expired = ticket_new(&owner, "cam/front", READ, 1, 1),
                         revoked = ticket_new(&owner, "cam/front", READ, 0, 60 * SECOND_NS);
        struct talk talk = talk_begin(&used, 7), other = talk_open(&used, 8), live = talk_begin(&revoked, 7);

        talk_expect_refusal(&other, "used up");
        cr_assert(eq(int, talk_receive(&other), 0));
        talk_close(&other);
        talk_close(&talk);
        client_status_when(&owner, 2);
        talk = talk_begin(&used, 7); /* who comes back */
        talk_close(&talk);
        other = talk_open(&expired, 7);
        talk_expect_refusal(&other, "expired");
        talk_close(&other);
        client_send(&owner,
                    (struct wr_message){ .kind = WR_TICKET_REVOKE, .request = 6, .ticket_revoke = { revoked.id } });
        client_expect(&owner, WR_DONE);
        talk_send(&live, subscribe("cam/front"));
        talk_expect_refusal(&live, "the ticket for 'cam/front' was revoked: ask who gave it");
        other = talk_open(&revoked, 9);
        talk_expect_refusal(&other, "revoked");
        talk_close(&other);
        talk_close(&live);
        client_close(&owner);
        broker_end(&broker);
}

/* ---- as much as they may hold ---------------------------------------------------------------------------------- */

static void
expect_no_room(const struct broker *broker, const char *words)
{
        struct client refused = client_knock(broker);

        client_expect_refusal(&refused, WEIR_E_QUOTA, words);
        client_close(&refused);
}

Test(broker_tcp, holders_of_tickets_leave_their_creator_half_of_its_connections)
{
        given.policy = "[quota]\nconnections = 9\n";
        struct broker broker = tcp_broker();
        struct client owner = client_begin(&broker, "owner"), own[3];
        struct wr_ticket ticket = ticket_new(&owner, "cam/front", READ, 0, 60 * SECOND_NS),
                         other = ticket_new(&owner, "cam/back", READ, 1, 60 * SECOND_NS);
        struct talk talk = talk_begin(&ticket, 7), more;

        for (int i = 0; i < 4; i++) { /* each a relay: it counts for a connection */
                talk_send(&talk, subscribe("cam/front"));
                talk_expect(&talk, WR_RELAY);
        }
        talk_send(&talk, subscribe("cam/front"));
        talk_expect_refusal(&talk, "by tickets over TCP (half of its quota), holds 5 of 5 connections and asks for 1"
                                   " more. Close some, revoke a ticket (weir ticket ls), or raise connections under"
                                   " [quota]");
        more = talk_open(&other, 8);
        talk_expect_refusal(&more, "holds 5 of 5 connections");
        talk_close(&more);
        for (size_t i = 0; i < 3; i++)
                own[i] = client_begin(&broker, "own");
        expect_no_room(&broker, "holds 9 of 9 connections");
        talk_close(&talk);
        client_status_when(&owner, 4);
        talk = talk_begin(&other, 8); /* what its holder had has been given back, to both */
        for (size_t i = 0; i < 3; i++)
                client_close(&own[i]);
        talk_close(&talk);
        client_close(&owner);
        broker_end(&broker);
}

Test(broker_tcp, one_ticket_without_counted_uses_keeps_the_holders_of_others_not_out)
{
        struct broker broker = tcp_broker();
        struct client owner = client_begin(&broker, "owner");
        struct wr_ticket ticket = ticket_new(&owner, "cam/front", READ, 0, 60 * SECOND_NS),
                         other = ticket_new(&owner, "cam/front", READ, WR_TICKET_USES_MAX, 60 * SECOND_NS);
        struct talk talks[WR_TICKET_TCP_MAX + 1], more;
        struct client local = client_begin(&broker, "local");

        for (uint64_t i = 0; i < WR_TICKET_TCP_MAX; i++)
                talks[i] = talk_begin(&ticket, i + 1);
        more = talk_open(&ticket, 99);
        talk_expect_refusal(&more, "quota: 16 connections over TCP were opened by the ticket for 'cam/front'");
        talk_close(&more);
        talks[WR_TICKET_TCP_MAX] = talk_begin(&other, 1);
        /* It is closed, and there is room for another. */
        talk_close(&talks[0]);
        client_status_when(&owner, WR_TICKET_TCP_MAX + 2);
        talks[0] = talk_begin(&ticket, 99);
        for (size_t i = 0; i <= WR_TICKET_TCP_MAX; i++)
                talk_close(&talks[i]);
        client_close(&local);
        client_close(&owner);
        broker_end(&broker);
}

/* ---- those who have none --------------------------------------------------------------------------------------- */

Test(broker_tcp, what_is_no_handshake_is_hung_up_on_at_its_first_wrong_byte)
{
        static const struct {
                const char *bytes;
                size_t size;
        } openings[] = { { "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 35 },
                         { "\x16\x03\x01\x02", 4 },
                         { "W ", 2 },
                         { "WEIR-TCQ", 8 },
                         { "WEIR-TCP\x02\0\0\0", 12 },
                         { "SSH-2.0-x\r\n", 11 } };
        struct broker broker = tcp_broker();
        struct client owner = client_begin(&broker, "owner");
        struct wr_ticket ticket = ticket_new(&owner, "cam/front", READ, 1, 60 * SECOND_NS);
        unsigned seed = 0x7e1e;

        for (size_t i = 0; i < sizeof(openings) / sizeof(*openings); i++) {
                int64_t begun_ns = wr_clock_ns();
                wr_object stream = tcp_connect(&ticket);

                tcp_write(stream, openings[i].bytes, openings[i].size);
                tcp_expect_end(stream);
                cr_assert(lt(i64, wr_clock_ns() - begun_ns, WR_TCP_PATIENCE_NS), "opening %zu", i);
        }
        for (int i = 0; i < 200; i++) {
                uint8_t garbage[256];
                wr_object stream = tcp_connect(&ticket);

                for (size_t j = 0; j < sizeof(garbage); j++)
                        garbage[j] = (uint8_t)((seed = seed * 1103515245 + 12345) >> 16);
                garbage[0] |= 0x80; /* not the one in 256 that begins well and waits for more */
                tcp_write(stream, garbage, 1 + seed % sizeof(garbage));
                tcp_expect_end(stream);
        }
        cr_assert(eq(u32, client_status(&owner).sessions, 1));
        client_close(&owner);
        broker_end(&broker);
}

Test(broker_tcp, a_conversation_that_is_cut_at_any_byte_harms_nobody)
{
        struct broker broker = tcp_broker();
        struct client owner = client_begin(&broker, "owner");
        struct wr_ticket ticket = ticket_new(&owner, "cam/front", READ, 1, 60 * SECOND_NS);
        uint8_t hello_bytes[WR_HANDSHAKE_HELLO_BYTES], answer[WR_HANDSHAKE_BROKER_BYTES],
                proof[WR_HANDSHAKE_CLIENT_BYTES];
        struct talk talk;

        hello_make(&ticket, 7, hello_bytes);
        for (size_t size = 0; size < sizeof(hello_bytes); size++) {
                wr_object stream = tcp_connect(&ticket);

                cr_assert(tcp_write(stream, hello_bytes, size));
                wr_object_close(stream);
        }
        for (size_t size = 0; size < sizeof(proof); size++) {
                wr_object stream = tcp_connect(&ticket);

                cr_assert(tcp_write(stream, hello_bytes, sizeof(hello_bytes)));
                cr_assert(eq(sz, tcp_read(stream, answer, sizeof(answer)), sizeof(answer)));
                cr_assert(wr_handshake_client(ticket.key, hello_bytes, answer, proof));
                cr_assert(tcp_write(stream, proof, size));
                wr_object_close(stream);
        }
        talk = talk_begin(&ticket, 7); /* none of it used the ticket up */
        talk_close(&talk);
        client_close(&owner);
        broker_end(&broker);
}

Test(broker_tcp, who_says_nothing_is_hung_up_on_and_keeps_nobody_out)
{
        struct broker broker = tcp_broker();
        struct client owner = client_begin(&broker, "owner");
        struct wr_ticket ticket = ticket_new(&owner, "cam/front", READ, 0, 60 * SECOND_NS);
        wr_object silent[3 * WR_TCP_STRANGERS_MAX];
        uint8_t hello_bytes[WR_HANDSHAKE_HELLO_BYTES];

        hello_make(&ticket, 7, hello_bytes);
        for (size_t i = 0; i < sizeof(silent) / sizeof(*silent); i++) {
                struct talk talk;

                silent[i] = tcp_connect(&ticket);
                tcp_write(silent[i], hello_bytes, i % sizeof(hello_bytes));
                if (i % 16 != 0)
                        continue;
                talk = talk_begin(&ticket, i + 1);
                talk_close(&talk);
        }
        for (size_t i = 0; i < sizeof(silent) / sizeof(*silent); i++)
                tcp_expect_end(silent[i]);
        client_close(&owner);
        broker_end(&broker);
}

Test(broker_tcp, a_key_that_is_wrong_by_one_bit_or_an_unknown_id_opens_nothing)
{
        struct broker broker = tcp_broker();
        struct client owner = client_begin(&broker, "owner");
        struct wr_ticket ticket = ticket_new(&owner, "cam/front", READ, 1, 60 * SECOND_NS), wrong = ticket;
        uint8_t hello_bytes[WR_HANDSHAKE_HELLO_BYTES], answer[WR_HANDSHAKE_BROKER_BYTES], forged[sizeof(answer)],
                proof[WR_HANDSHAKE_CLIENT_BYTES] = { 0 };

        hello_make(&ticket, 7, hello_bytes);
        for (size_t bit = 0; bit < sizeof(ticket.key) * 8; bit += 37) {
                struct wr_ticket_verifier verifier;
                wr_object stream = tcp_connect(&ticket);

                wrong = ticket;
                wrong.key[bit / 8] ^= (uint8_t)(1u << (bit % 8));
                cr_assert(tcp_write(stream, hello_bytes, sizeof(hello_bytes)));
                cr_assert(eq(sz, tcp_read(stream, answer, sizeof(answer)), sizeof(answer)));
                cr_assert(not(wr_handshake_client(wrong.key, hello_bytes, answer, proof)));
                /* It goes on all the same. */
                cr_assert(wr_ticket_verifier_make(&verifier, wrong.key));
                cr_assert(wr_handshake_broker(&verifier, hello_bytes, answer, forged));
                cr_assert(wr_handshake_client(wrong.key, hello_bytes, forged, proof));
                tcp_write(stream, proof, sizeof(proof));
                tcp_expect_end(stream);
        }
        wrong = ticket;
        wrong.id ^= 1;
        hello_make(&wrong, 7, hello_bytes);
        for (int purpose = WR_HANDSHAKE_CONTROL; purpose <= WR_HANDSHAKE_STREAM; purpose++) {
                wr_object stream = tcp_connect(&ticket);

                hello_bytes[12] = (uint8_t)purpose;
                tcp_write(stream, hello_bytes, sizeof(hello_bytes));
                tcp_expect_end(stream);
        }
        client_close(&owner);
        broker_end(&broker);
}

Test(broker_tcp, a_conversation_that_was_overheard_is_of_no_use)
{
        struct broker broker = tcp_broker();
        struct client owner = client_begin(&broker, "owner");
        struct wr_ticket ticket = ticket_new(&owner, "cam/front", READ, 0, 60 * SECOND_NS);
        uint8_t answer[WR_HANDSHAKE_BROKER_BYTES];
        struct said said;
        wr_object stream;

        wr_object_close(shake_hands(&ticket, 7, &said));
        stream = tcp_connect(&ticket);
        cr_assert(tcp_write(stream, said.hello, sizeof(said.hello)));
        cr_assert(eq(sz, tcp_read(stream, answer, sizeof(answer)), sizeof(answer)));
        tcp_write(stream, said.proof, sizeof(said.proof));
        tcp_expect_end(stream);
        client_close(&owner);
        broker_end(&broker);
}

Test(broker_tcp, behind_the_handshake_a_length_that_cannot_be_is_the_end)
{
        static const uint8_t lengths[][4] = { { 0 }, { 1, 8 }, { 0xff, 0xff, 0xff, 0xff } };
        struct broker broker = tcp_broker();
        struct client owner = client_begin(&broker, "owner");
        struct wr_ticket ticket = ticket_new(&owner, "cam/front", READ, 0, 60 * SECOND_NS);

        for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
                struct talk talk = talk_begin(&ticket, i + 1);

                tcp_write(talk.datagrams.stream, lengths[i], sizeof(lengths[i]));
                talk_expect_refusal(&talk, "not a message of weir");
                cr_assert(eq(int, talk_receive(&talk), 0));
                talk_close(&talk);
        }
        client_close(&owner);
        broker_end(&broker);
}

/* ---- who squats on the port ------------------------------------------------------------------------------------ */

static char squatted[WR_TICKET_TEXT_MAX];

static void *
victim(void *result)
{
        struct weir *bus = NULL;

        *(enum weir_result *)result =
                weir_open(&bus, WEIR_OPTIONS(.ticket = squatted, .open_timeout_ns = SECOND_NS / 2));
        weir_close(bus);
        return NULL;
}

Test(broker_tcp, whoever_squats_on_the_port_learns_nothing)
{
        struct wr_ticket ticket = { .id = 9, .address = "" };
        uint8_t heard[4096], client[WR_HMAC_BYTES], answer[WR_HANDSHAKE_BROKER_BYTES];
        enum weir_result result = WEIR_OK;
        wr_object listener, stream = WR_NO_OBJECT;
        wr_thread thread;
        size_t size;

        memset(ticket.key, 0xc3, sizeof(ticket.key));
        memset(answer, 0x3c, sizeof(answer));
        cr_assert(wr_ticket_client_key(ticket.key, client));
        cr_assert(eq(int, wr_stream_tcp_listen(&listener, &ticket.port), WEIR_OK));
        cr_assert(wr_ticket_write(&ticket, squatted, sizeof(squatted)));
        unsetenv("WEIR_BROKER");
        cr_assert(wr_thread_start(&thread, victim, &result, 0));
        while (wr_stream_tcp_accept(listener, &stream) == WEIR_EMPTY) {
                struct wr_watch watch = { .object = listener, .read = true };

                wr_watch_wait(&watch, 1, PATIENCE_NS);
        }
        cr_assert(eq(sz, tcp_read(stream, heard, WR_HANDSHAKE_HELLO_BYTES), WR_HANDSHAKE_HELLO_BYTES));
        tcp_write(stream, answer, sizeof(answer));
        size = WR_HANDSHAKE_HELLO_BYTES + tcp_read(stream, heard + WR_HANDSHAKE_HELLO_BYTES, 1024);
        cr_assert(eq(sz, size, WR_HANDSHAKE_HELLO_BYTES), "it says more to one who proved nothing");
        for (size_t i = 0; i + 8 <= size; i++) {
                cr_assert(ne(int, memcmp(heard + i, ticket.key, 8), 0));
                cr_assert(ne(int, memcmp(heard + i, client, 8), 0));
        }
        wr_object_close(stream);
        wr_object_close(listener);
        wr_thread_join(thread);
        cr_assert(eq(int, result, WEIR_E_NO_BROKER));
}
