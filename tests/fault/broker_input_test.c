/* What no client of ours sends: each kind of nonsense gets one clear answer, and the others never notice. */
#include "tests/fault/broker_other.h"

TestSuite(broker_input, .fini = kit_clean, .timeout = 60);

/* Bytes as they are, from a client that was welcomed or not. */
static void
send_bytes(struct client *client, const void *bytes, size_t size)
{
        cr_assert(client_say(client, bytes, size));
}

/* The bytes lead to one refusal with these words and the end; another client is served before and after. */
static void
expect_cut(const void *bytes, size_t size, bool greeted, enum weir_result result, const char *words)
{
        struct broker broker = broker_begin();
        struct client honest = client_begin(&broker, "honest");
        struct client client = greeted ? client_begin(&broker, "hostile") : client_connect(broker.address);

        send_bytes(&client, bytes, size);
        client_expect_refusal(&client, result, words);
        client_expect_end(&client);
        cr_assert(eq(uint, client_status_when(&honest, 1).sessions, 1));
        client_close(&client);
        client_close(&honest);
        broker_end(&broker);
}

static size_t
hello_bytes(uint8_t *bytes)
{
        struct wr_message message = hello("hostile");

        return wr_message_encode(&message, bytes);
}

Test(broker_input, wrong_magic_is_refused)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        size_t size = hello_bytes(bytes);

        bytes[0] = 'w';
        expect_cut(bytes, size, false, WEIR_E_CORRUPT, "does not begin with WEIR");
}

Test(broker_input, another_protocol_version_is_refused_with_both_named)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        size_t size = hello_bytes(bytes);

        bytes[4] = 7;
        expect_cut(bytes, size, false, WEIR_E_VERSION, "you speak protocol 7, this broker speaks 1");
}

Test(broker_input, another_layout_is_refused_with_both_named)
{
        struct wr_message message = hello("future");
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        char words[64];

        message.hello.layout = 77;
        snprintf(words, sizeof(words), "layout 77, this broker's has %d", WR_LAYOUT);
        expect_cut(bytes, wr_message_encode(&message, bytes), false, WEIR_E_VERSION, words);
}

Test(broker_input, a_truncated_message_is_refused)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        size_t size = hello_bytes(bytes);

        expect_cut(bytes, size / 2, false, WEIR_E_CORRUPT, "size");
        expect_cut(bytes, 3, false, WEIR_E_CORRUPT, "header");
}

Test(broker_input, an_oversized_message_is_refused)
{
        static uint8_t bytes[WR_ENDPOINT_BYTES_MAX];

        hello_bytes(bytes);
        expect_cut(bytes, sizeof(bytes), false, WEIR_E_CORRUPT, "larger than any message");
}

Test(broker_input, an_unknown_kind_is_refused)
{
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        size_t size = hello_bytes(bytes);

        bytes[6] = 0xee;
        expect_cut(bytes, size, true, WEIR_E_CORRUPT, "unknown kind");
}

Test(broker_input, a_message_that_is_the_brokers_to_send_is_refused)
{
        struct wr_message message = { .kind = WR_WELCOME };
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];

        expect_cut(bytes, wr_message_encode(&message, bytes), true, WEIR_E_CORRUPT, "WELCOME is the broker's");
}

Test(broker_input, nothing_comes_before_hello_and_hello_comes_once)
{
        struct wr_message early = subscribe("t"), again = hello("twice");
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];

        expect_cut(bytes, wr_message_encode(&early, bytes), false, WEIR_E_CORRUPT, "SUBSCRIBE came before HELLO");
        expect_cut(bytes, wr_message_encode(&again, bytes), true, WEIR_E_CORRUPT, "a second HELLO");
}

Test(broker_input, an_answer_that_was_not_asked_for_is_refused)
{
        struct wr_message message = ready(1234);
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];

        expect_cut(bytes, wr_message_encode(&message, bytes), true, WEIR_E_CORRUPT, "READY");
        message = ack(1, 2);
        expect_cut(bytes, wr_message_encode(&message, bytes), true, WEIR_E_CORRUPT, "PAIR_ACK");
        message = pair_ready(5, WEIR_OK);
        expect_cut(bytes, wr_message_encode(&message, bytes), true, WEIR_E_CORRUPT, "PAIR_READY");
}

Test(broker_input, what_belongs_to_another_client_cannot_be_touched)
{
        struct broker broker = broker_begin();
        struct client owner = client_begin(&broker, "owner"), subscriber = client_begin(&broker, "s");
        struct client thief = client_begin(&broker, "thief");
        uint64_t lane = client_publish(&owner, "t"), pair, subscription;

        client_send(&subscriber, subscribe("t"));
        client_expect(&subscriber, WR_SUBSCRIBED);
        subscription = subscriber.message.subscribed.subscription;
        pair = pair_up(&owner, &subscriber);
        client_send(&thief, (struct wr_message){ .kind = WR_CLOSE_LANE, .close_lane = { lane } });
        client_send(&thief, (struct wr_message){ .kind = WR_EVICT, .evict = { lane, pair } });
        client_send(&thief, (struct wr_message){ .kind = WR_PAIR_DONE, .pair_done = { pair } });
        client_send(&thief,
                    (struct wr_message){ .kind = WR_CLOSE_SUBSCRIPTION, .close_subscription = { subscription } });
        client_send(&thief, (struct wr_message){ .kind = WR_STATS, .stats = { .endpoint = lane, .frames = 666 } });
        struct wr_message_state state = client_status(&thief);
        cr_assert(eq(uint, state.lanes, 1));
        cr_assert(eq(uint, state.pairs, 1));
        cr_assert(eq(uint, state.subscriptions, 1));
        client_send(&owner, (struct wr_message){ .kind = WR_LIST, .list = { .endpoints = 1 } });
        client_expect(&owner, WR_ENDPOINT);
        cr_assert(eq(u64, owner.message.endpoint.frames, 0));
        client_close(&owner);
        client_close(&subscriber);
        client_close(&thief);
        broker_end(&broker);
}

Test(broker_input, a_client_that_says_nothing_is_cut_at_the_deadline)
{
        given.greet_ns = 20 * 1000000;
        struct broker broker = broker_begin();
        struct client silent = client_connect(broker.address);

        client_expect_silence_cut(&silent);
        client_close(&silent);
        broker_end(&broker);
}

Test(broker_input, silent_clients_do_not_delay_the_others)
{
        struct broker broker = broker_begin();
        struct client silent[40], honest;

        for (int i = 0; i < 40; i++)
                silent[i] = client_connect(broker.address);
        honest = client_begin(&broker, "honest");
        cr_assert(eq(uint, client_status(&honest).sessions, 1 + 40 * SILENT_IS_SESSION));
        for (int i = 0; i < 40; i++)
                client_close(&silent[i]);
        client_status_when(&honest, 1);
        client_close(&honest);
        broker_end(&broker);
}

Test(broker_input, objects_of_a_client_never_enter_the_broker)
{
        struct broker broker = broker_begin();
        struct client honest = client_begin(&broker, "honest"), first = client_begin(&broker, "first");
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        size_t before, size = hello_bytes(bytes);

        client_close(&first); /* with it came what stays */
        client_status_when(&honest, 1);
        before = broker_descriptors(&broker);
        for (int round = 0; round < 20; round++) {
                struct client client = client_connect(broker.address);
                const char *words = client_say_with_objects(&client, bytes, size);

                if (words != NULL) {
                        client_expect_refusal(&client, WEIR_E_CORRUPT, words);
                        client_expect_end(&client);
                }
                client_close(&client);
        }
        broker_expect_descriptors(&broker, &honest, before);
        client_close(&honest);
        broker_end(&broker);
}

Test(broker_input, a_flood_is_slowed_down_and_nobody_else_is)
{
        given.policy = "[quota]\nmessages_per_second = 50\n";
        struct broker broker = broker_begin();
        struct client flood = client_begin(&broker, "flood");
        struct wr_watch watch = { .object = flood.socket, .write = true };
        struct wr_message message = { .kind = WR_PONG };
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        size_t size = wr_message_encode(&message, bytes);
        enum weir_result result;
        int sent = 0;

        /* Until there is no room for half the time in which one more may be said: the broker has stopped to read. */
        while (sent < 1000000 && (result = wr_endpoint_send(flood.socket, bytes, size, NULL, 0)) >= 0) {
                sent += result == WEIR_OK;
                if (result == WEIR_OK)
                        continue;
                wr_watch_wait(&watch, 1, 10000000);
                if (!watch.writable)
                        break;
        }
        cr_assert(eq(int, result, WEIR_FULL));
        cr_assert(lt(int, sent, 1000000));
        client_send(&flood, (struct wr_message){ .kind = WR_BYE }); /* taken when there is room: not cut, slowed */
        client_close(&flood);
        broker_end(&broker);
}

Test(broker_input, a_client_that_does_not_read_is_cut_and_its_queue_stays_bounded)
{
        given.policy = "[quota]\nmessages_per_second = 1000000\n";
        struct broker broker = broker_begin();
        struct client honest = client_begin(&broker, "honest"), deaf = client_begin(&broker, "deaf");
        struct wr_message message = { .kind = WR_STATUS };
        uint8_t bytes[WR_MESSAGE_BYTES_MAX];
        size_t size = wr_message_encode(&message, bytes);

        while (client_say(&deaf, bytes, size))
                ; /* waits while the broker is busy, ends when it has cut us */
        client_status_when(&honest, 1);
        client_close(&deaf);
        client_close(&honest);
        broker_end(&broker);
}

Test(broker_input, topics_that_break_the_grammar_are_refused_and_the_conversation_goes_on)
{
        static const char *const names[] = { "", "/", "a//b", "a/..", "cam/**x", "a\nb", "\xff" };
        struct broker broker = broker_begin();
        struct client client = client_begin(&broker, "c");

        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
                client_send(&client, publish(names[i]));
                client_expect_refusal(&client, WEIR_E_USAGE, "is no topic");
                cr_assert(eq(uint, client.message.request, 2));
                client_send(&client, subscribe(names[i]));
                client_expect_refusal(&client, WEIR_E_USAGE, "is no topic");
        }
        client_send(&client, publish("cam/*")); /* a pattern is for subscribers only */
        client_expect_refusal(&client, WEIR_E_USAGE, "is no topic");
        cr_assert(eq(uint, client_status(&client).topics, 0));
        client_close(&client);
        broker_end(&broker);
}

Test(broker_input, options_out_of_range_are_refused)
{
        struct broker broker = broker_begin();
        struct client client = client_begin(&broker, "c");
        struct wr_message message = publish("t");

        message.publish.require = 3;
        client_send(&client, message);
        client_expect_refusal(&client, WEIR_E_NO_PATH, "TCP is required");
        message = publish("t");
        message.publish.hash = 3;
        client_send(&client, message);
        client_expect_refusal(&client, WEIR_E_USAGE, "hash");
        message = publish("t");
        message.publish.memory_max = 4096;
        client_send(&client, message);
        client_expect_refusal(&client, WEIR_E_QUOTA, "memory_max of 4096");
        message = publish("t");
        message.publish.memory_max = UINT64_MAX;
        client_send(&client, message);
        client_expect_refusal(&client, WEIR_E_QUOTA, "Lower memory_max");
        message.publish.memory_max = UINT64_C(1) << 40;
        client_send(&client, message);
        client_expect_refusal(&client, WEIR_E_QUOTA, "reserve_bytes");
        message = subscribe("t");
        message.subscribe.require = 5;
        client_send(&client, message);
        client_expect_refusal(&client, WEIR_E_NO_PATH, "path 5 was required");
        message = subscribe("t");
        message.subscribe.delivery = 2;
        client_send(&client, message);
        client_expect_refusal(&client, WEIR_E_USAGE, "delivery");
        message = subscribe("t");
        message.subscribe.frames_max = 1025;
        client_send(&client, message);
        client_expect_refusal(&client, WEIR_E_USAGE, "frames_max");
        client_send(&client, (struct wr_message){ .kind = WR_LIST, .list = { .pattern = "a***" } });
        client_expect_refusal(&client, WEIR_E_USAGE, "no pattern");
        client_send(&client, (struct wr_message){ .kind = WR_TICKET });
        client_expect_refusal(&client, WEIR_E_USAGE, "no topic");
        cr_assert(eq(u64, client_status(&client).reserve_bytes, 0));
        client_close(&client);
        broker_end(&broker);
}

#ifndef _WIN32 /* where the number of objects has no limit */
Test(broker_input, without_a_descriptor_left_a_client_is_told_so)
{
        given.descriptors = WR_SERVER_DESCRIPTORS_MIN;
        struct broker broker = broker_begin();
        struct client clients[60];
        int count = 0;

        for (bool refused = false; !refused && count < 60; count++) {
                clients[count] = client_connect(broker.address);
                client_send(&clients[count], hello("many"));
                refused = client_receive(&clients[count]) == WR_REFUSAL;
        }
        cr_assert(lt(int, count, 60));
        cr_assert(eq(int, clients[count - 1].message.refusal.result, WEIR_E_QUOTA), "%s",
                  clients[count - 1].message.refusal.sentence);
        cr_assert(strstr(clients[count - 1].message.refusal.sentence, "descriptor") != NULL);
        client_status(&clients[0]); /* the others are served on */
        for (int i = 0; i < count; i++)
                client_close(&clients[i]);
        broker_end(&broker);
}
#endif
