/* Who is relayed, why, and how a relay ends; its clients speak record by record. */
#include "tests/fault/relay_fixture.h"

#include "bus/format.h"

enum { LARGE = 1 << 20, SMALL = 100 };

static uint8_t sent[LARGE], got[LARGE];

#ifdef _WIN32
static const bool counts_threads = false; /* each that ever slept leaves the process an event, for the next one */
#else
static const bool counts_threads = true;
#endif

TestSuite(broker_relay, .fini = kit_clean, .timeout = 60);

static void
fill(uint8_t *bytes, size_t size, unsigned seed)
{
        for (size_t i = 0; i < size; i++)
                bytes[i] = (uint8_t)(i * 7 + (i >> 8) + seed);
}

static struct broker
begin(void)
{
        given.policy = no_map();
        return broker_begin();
}

Test(broker_relay, who_may_subscribe_and_not_map_is_relayed_and_told_by_which_line)
{
        struct broker broker = begin();
        struct client client = client_begin(&broker, "reader");
        struct relayed relayed;

        client_send(&client, subscribe("t"));
        client_expect(&client, WR_RELAY);
        cr_assert(eq(u32, client.message.relay.path, WR_PATH_PIPE));
        cr_assert(eq(str, client.message.relay.why, "pipe: has 'subscribe', not 'map' (policy.conf:4)"));
        cr_assert(ne(u64, client.message.relay.id, 0));
        relayed_adopt(&relayed, &client);
        relayed_begin(&relayed);
        relayed_close(&relayed);
        client_close(&client);
        broker_end(&broker);
}

Test(broker_relay, frames_go_from_one_relayed_client_to_another_small_and_large)
{
        static const size_t sizes[] = { 0, 1, SMALL, 4096, 4097, 70000, LARGE };
        struct broker broker = begin();
        struct client writer = client_begin(&broker, "writer"), reader = client_begin(&broker, "reader");
        struct relayed *in = calloc(1, sizeof(*in)), *out = calloc(1, sizeof(*out));

        relayed_open(in, &reader, subscribe("t"));
        relayed_open(out, &writer, publish("t"));
        for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
                fill(sent, sizes[i], i);
                relayed_frame(out, sent, sizes[i]);
                relayed_take(in, got, sizes[i]);
                cr_assert(zero(int, memcmp(sent, got, sizes[i])));
                cr_assert(eq(u64, in->record.frame.sequence, i + 1));
                cr_assert(eq(u32, in->record.frame.flags, WR_RECORD_HASHED));
                cr_assert(eq(u64, in->record.frame.hash, wr_hash_two("", 0, sent, sizes[i])));
        }
        relayed_close(in);
        relayed_close(out);
        free(in);
        free(out);
        client_close(&reader);
        client_close(&writer);
        broker_end(&broker);
}

Test(broker_relay, shared_memory_that_is_required_and_not_granted_is_refused_with_the_line_that_is_missing)
{
        struct broker broker = begin();
        struct client client = client_begin(&broker, "reader");
        struct wr_message message = subscribe("t"), other = publish("t");

        message.subscribe.require = other.publish.require = WR_PATH_SHM;
        client_send(&client, message);
        client_expect_refusal(&client, WEIR_E_NO_PATH, "no 'map' (policy.conf:4). Grant it: weir access allow t");
        client_send(&client, other);
        client_expect_refusal(&client, WEIR_E_NO_PATH, "no path: denied: 't' grants");
        client_close(&client);
        broker_end(&broker);
}

Test(broker_relay, a_pipe_is_had_by_who_asks_for_it_and_shared_memory_by_who_does_not)
{
        struct broker broker = begin();
        struct client client = client_begin(&broker, "reader");
        struct wr_message message = subscribe("open");
        struct relayed relayed;

        message.subscribe.require = WR_PATH_PIPE;
        client_send(&client, message);
        client_expect(&client, WR_RELAY);
        cr_assert(eq(str, client.message.relay.why, "pipe: .require asks for it"));
        relayed_adopt(&relayed, &client);
        client_send(&client, subscribe("open"));
        client_expect(&client, WR_SUBSCRIBED);
        message.subscribe.require = WR_PATH_TCP;
        client_send(&client, message);
        client_expect_refusal(&client, WEIR_E_NO_PATH, "connected by a pipe, and TCP is required");
        message.subscribe.require = 77;
        client_send(&client, message);
        client_expect_refusal(&client, WEIR_E_NO_PATH, "path 77 was required");
        relayed_close(&relayed);
        client_close(&client);
        broker_end(&broker);
}

Test(broker_relay, who_says_that_it_cannot_map_is_relayed_where_it_may)
{
        struct broker broker = begin();
        struct client client = client_connect(broker.address);
        struct wr_message greeting = hello("sandboxed");
        struct relayed relayed;

        greeting.hello.flags = WR_HELLO_NO_MEMORY;
        client_send(&client, greeting);
        client_expect(&client, WR_WELCOME);
        client_send(&client, publish("open"));
        client_expect(&client, WR_RELAY);
        cr_assert(strstr(client.message.relay.why, "cannot map memory") != NULL, "%s", client.message.relay.why);
        relayed_adopt(&relayed, &client);
        relayed_begin(&relayed);
        relayed_close(&relayed);
        client_close(&client);
        broker_end(&broker);
}

Test(broker_relay, without_the_right_itself_there_is_no_relay)
{
        struct broker broker = begin();
        struct client client = client_begin(&broker, "reader");
        struct wr_message reliable = subscribe("u");

        reliable.subscribe.delivery = 1;
        client_send(&client, reliable);
        client_expect_refusal(&client, WEIR_E_DENIED, "no 'stall'");
        client_close(&client);
        broker_end(&broker);
}

Test(broker_relay, each_relay_counts_for_a_connection_of_its_client)
{
        static char policy[2048];
        struct relayed relayed[3];

        snprintf(policy, sizeof(policy), "%s[quota]\nconnections = 4\n", no_map());
        given.policy = policy;
        struct broker broker = broker_begin();
        struct client client = client_begin(&broker, "reader");

        for (int i = 0; i < 3; i++)
                relayed_open(&relayed[i], &client, subscribe("t"));
        client_send(&client, subscribe("t"));
        client_expect_refusal(&client, WEIR_E_QUOTA, "connections");
        relayed_close(&relayed[0]);
        client_status_when(&client, 3);
        relayed_open(&relayed[0], &client, subscribe("t"));
        for (int i = 0; i < 3; i++)
                relayed_close(&relayed[i]);
        client_status_when(&client, 1);
        client_close(&client);
        broker_end(&broker);
}

static const char *
one_a_second(void)
{
        static char policy[2048];

        snprintf(policy, sizeof(policy), "%s[quota]\nconnections = 4\nrelays_per_second = 1\n", no_map());
        return policy;
}

/* Four at once, as many as it may have connections. */
static void
turns_use_up(struct client *client)
{
        struct relayed relayed;

        for (int i = 0; i < 4; i++) {
                relayed_open(&relayed, client, subscribe("t"));
                relayed_close(&relayed);
                client_status_when(client, 1);
        }
}

Test(broker_relay, who_opens_one_after_the_other_waits_for_its_turn)
{
        given.policy = one_a_second();
        struct broker broker = broker_begin();
        struct client client = client_begin(&broker, "restless");
        int64_t began_ns = wr_clock_ns();
        struct relayed relayed;

        turns_use_up(&client);
        relayed_open(&relayed, &client, subscribe("t"));
        cr_assert(ge(i64, wr_clock_ns() - began_ns, 990000000));
        relayed_close(&relayed);
        client_close(&client);
        broker_end(&broker);
}

Test(broker_relay, who_does_not_wait_for_its_turn_is_refused_with_the_line_that_helps)
{
        given.policy = one_a_second();
        struct broker broker = broker_begin();
        struct client client = client_begin(&broker, "restless");
        const char *refusal = client.message.refusal.sentence;
        struct relayed relayed;
        int opened = 0;

        turns_use_up(&client);
        do {
                client_send(&client, subscribe("t"));
                if (client_receive(&client) == WR_RELAY) {
                        relayed_adopt(&relayed, &client);
                        relayed_close(&relayed); /* its agent finds that out in time */
                        opened += 1;
                        continue;
                }
                cr_assert(eq(int, client.message.kind, WR_REFUSAL));
                cr_assert(eq(int, client.message.refusal.result, WEIR_E_QUOTA));
        } while (client.message.kind == WR_RELAY || strstr(refusal, "connections"));
        cr_assert(ge(int, opened, 2), "two seconds' worth of them");
        cr_assert(strstr(refusal, "raise relays_per_second under [quota]") != NULL, "%s", refusal);
        client_close(&client);
        broker_end(&broker);
}

Test(broker_relay, a_key_is_believed_from_the_brokers_own_process_alone)
{
        struct broker broker = begin();
        struct client client = client_begin(&broker, "reader"), forger = client_connect(broker.address);
        struct wr_message greeting = hello("forger");
        struct relayed relayed;

        client_send(&client, subscribe("t"));
        client_expect(&client, WR_RELAY);
        relayed_adopt(&relayed, &client);
        greeting.hello.flags = WR_HELLO_STANDS_IN;
        memset(greeting.hello.key, '0', 32);
        client_send(&forger, greeting);
        client_expect_refusal(&forger, WEIR_E_DENIED, "no relay waits for an agent with this key");
        client_expect_end(&forger);
        relayed_begin(&relayed);
        relayed_close(&relayed);
        client_close(&forger);
        client_close(&client);
        broker_end(&broker);
}

Test(broker_relay, a_client_that_goes_takes_its_relay_along)
{
        struct broker broker = begin();
        struct client watcher = client_begin(&broker, "watcher"), client;
        struct relayed relayed;
        size_t before;

        client_status(&watcher); /* it has been welcomed, with all that goes with it */
        before = broker_descriptors(&broker);
        client = client_begin(&broker, "reader");
        relayed_open(&relayed, &client, subscribe("t"));
        client_status_when(&watcher, 3);
        client_close(&client);
        relayed_expect_end(&relayed);
        client_status_when(&watcher, 1);
        if (counts_threads)
                broker_expect_descriptors(&broker, &watcher, before);
        relayed_close(&relayed);
        client_close(&watcher);
        broker_end(&broker);
}

Test(broker_relay, a_client_that_goes_before_its_agent_came_leaves_nothing_behind)
{
        struct broker broker = begin();
        struct client watcher = client_begin(&broker, "watcher");
        size_t before;

        client_status(&watcher); /* it has been welcomed, with all that goes with it */
        before = broker_descriptors(&broker);
        for (int i = 0; i < 20; i++) {
                struct client client = client_begin(&broker, "reader");

                client_send(&client, subscribe("t"));
                client_close(&client);
        }
        client_status_when(&watcher, 1);
        if (counts_threads)
                broker_expect_descriptors(&broker, &watcher, before);
        client_close(&watcher);
        broker_end(&broker);
}

Test(broker_relay, a_stream_that_ends_takes_its_agent_along_and_the_client_stays)
{
        struct broker broker = begin();
        struct client client = client_begin(&broker, "reader");
        struct relayed relayed;

        for (int i = 0; i < 5; i++) {
                relayed_open(&relayed, &client, i % 2 ? publish("t") : subscribe("t"));
                relayed_close(&relayed);
                client_status_when(&client, 1);
        }
        client_close(&client);
        broker_end(&broker);
}

Test(broker_relay, a_broker_that_stops_leaves_no_agent_behind)
{
        struct broker broker = begin();
        struct client client = client_begin(&broker, "reader");
        struct relayed at_work, silent;

        relayed_open(&at_work, &client, publish("t"));
        client_send(&client, subscribe("t"));
        client_expect(&client, WR_RELAY);
        relayed_adopt(&silent, &client);
        broker_end(&broker); /* its exit under a sanitizer would tell of what is left */
        relayed_expect_end(&at_work);
        relayed_expect_end(&silent);
        relayed_close(&at_work);
        relayed_close(&silent);
        client_close(&client);
}

Test(broker_relay, a_goodbye_is_answered)
{
        struct broker broker = begin();
        struct client client = client_begin(&broker, "reader");
        struct relayed relayed;

        relayed_open(&relayed, &client, subscribe("t"));
        cr_assert(relayed_say(&relayed, (struct wr_record){ .kind = WR_RECORD_CLOSED }));
        relayed_expect(&relayed, WR_RECORD_CLOSED);
        cr_assert(eq(int, relayed.record.closed.reason, WEIR_OK));
        relayed_expect_end(&relayed);
        relayed_close(&relayed);
        client_close(&client);
        broker_end(&broker);
}

Test(broker_relay, a_relayed_reader_is_listed_as_what_it_is)
{
        struct broker broker = begin();
        struct client client = client_begin(&broker, "reader");
        struct wr_message list = { .kind = WR_LIST, .request = 4, .list = { .endpoints = 1 } };
        struct relayed relayed;

        relayed_open(&relayed, &client, subscribe("t"));
        client_send(&client, list);
        client_expect(&client, WR_ENDPOINT);
        cr_assert(eq(u32, client.message.endpoint.path, WR_PATH_PIPE));
        cr_assert(eq(str, client.message.endpoint.why, "pipe: has 'subscribe', not 'map' (policy.conf:4)"));
        cr_assert(eq(str, client.message.endpoint.name, "reader"));
        client_expect(&client, WR_DONE);
        relayed_close(&relayed);
        client_close(&client);
        broker_end(&broker);
}

Test(broker_relay, a_reload_that_takes_subscribe_away_ends_it_with_the_sentence)
{
        given.policy = no_map();
        given.has_file = true;
        struct broker broker = broker_begin();
        struct client client = client_begin(&broker, "reader");
        struct wr_message reload = { .kind = WR_RELOAD, .request = 5 };
        struct relayed relayed;

        relayed_open(&relayed, &client, subscribe("t"));
        broker_write_policy(&broker, "[topic.\"t\"]\npublish = []\nsubscribe = []\n");
        client_send(&client, reload);
        client_expect(&client, WR_DONE);
        relayed_expect(&relayed, WR_RECORD_CLOSED);
        cr_assert(eq(int, relayed.record.closed.reason, WEIR_E_DENIED));
        cr_assert(strstr(relayed.record.closed.text, "no 'subscribe' (policy.conf:3)") != NULL, "%s",
                  relayed.record.closed.text);
        relayed_expect_end(&relayed);
        relayed_close(&relayed);
        client_close(&client);
        broker_end(&broker);
}

Test(broker_relay, a_block_that_is_larger_than_the_memory_is_refused_before_a_byte_of_it_is_read)
{
        struct broker broker = begin();
        struct client client = client_begin(&broker, "writer");
        struct wr_record record = { .kind = WR_RECORD_FRAME, .bytes = UINT64_C(1) << 40 };
        struct relayed relayed;

        relayed_open(&relayed, &client, publish("t"));
        record.frame.sequence = 1;
        cr_assert(relayed_say(&relayed, record));
        relayed_expect(&relayed, WR_RECORD_CLOSED);
        cr_assert(eq(int, relayed.record.closed.reason, WEIR_E_TOO_LARGE));
        cr_assert(strstr(relayed.record.closed.text, "memory_max") != NULL, "%s", relayed.record.closed.text);
        relayed_expect_end(&relayed);
        relayed_close(&relayed);
        client_close(&client);
        broker_end(&broker);
}

/* More than one lap of a lane has room for. A publisher of its own lane is told so, and tries again after some frames;
 * here the frames that follow wait behind the format. */
Test(broker_relay, formats_that_change_with_each_frame_hold_nothing_up)
{
        enum { CHANGES = 40 };
        struct broker broker = begin();
        struct client writer = client_begin(&broker, "writer"), reader = client_begin(&broker, "reader");
        struct relayed *in = calloc(1, sizeof(*in)), *out = calloc(1, sizeof(*out));
        char type[32];

        relayed_open(in, &reader, subscribe("t"));
        relayed_open(out, &writer, publish("t"));
        for (int i = 0; i < CHANGES; i++) {
                struct wr_format_parts parts = { .type = type, .encoding = "" };
                struct wr_record format = { .kind = WR_RECORD_FORMAT };
                uint8_t bytes[256];

                snprintf(type, sizeof(type), "t/%d", i);
                format.bytes = wr_format_bytes(&parts);
                wr_format_encode(&parts, bytes);
                cr_assert(relayed_say(out, format) && relayed_write(out, bytes, format.bytes));
                fill(sent, SMALL, (unsigned)i);
                relayed_frame(out, sent, SMALL);
        }
        for (int i = 0; i < CHANGES; i++) {
                struct wr_format_parts parts;
                enum wr_record_kind kind;

                while ((kind = relayed_next(in)) == WR_RECORD_LANE)
                        ;
                cr_assert(kind == WR_RECORD_FORMAT, "%d: %s", i, wr_record_name(kind));
                relayed_payload(in, got, in->record.bytes);
                cr_assert(eq(int, wr_format_decode(got, in->record.bytes, &parts), WEIR_OK));
                snprintf(type, sizeof(type), "t/%d", i);
                cr_assert(eq(str, (char *)(uintptr_t)parts.type, type));
                fill(sent, SMALL, (unsigned)i);
                relayed_take(in, got, SMALL);
                cr_assert(zero(int, memcmp(sent, got, SMALL)));
        }
        relayed_close(in);
        relayed_close(out);
        free(in);
        free(out);
        client_close(&reader);
        client_close(&writer);
        broker_end(&broker);
}

/* Lines of the broker's log that have these words. */
static int
log_count(const char *words)
{
        FILE *file = fopen(kit_file(), "r");
        char line[1024];
        int count = 0;

        cr_assert(file != NULL);
        while (fgets(line, sizeof(line), file))
                count += strstr(line, words) != NULL;
        fclose(file);
        return count;
}

Test(broker_relay, the_log_has_one_line_of_a_client_that_died_and_none_of_its_agent)
{
        enum { DEATHS = 3 };
        struct broker broker;
        struct client client, witness;
        struct relayed relayed;

        setenv("TEST_BROKER_LOG", kit_file(), 1);
        broker = begin();
        witness = client_begin(&broker, "witness");
        for (int i = 0; i < DEATHS; i++) {
                client = client_begin(&broker, "brief");
                client_send(&client, subscribe("t")); /* its agent finds nobody, now and then */
                client_close(&client);
                client_status_when(&witness, 1);
                client = client_begin(&broker, "reader");
                relayed_open(&relayed, &client, subscribe("t"));
                client_close(&client);
                relayed_close(&relayed);
                client_status_when(&witness, 1);
        }
        cr_assert(eq(int, log_count("gone: brief"), DEATHS));
        cr_assert(eq(int, log_count("gone: reader"), DEATHS));
        cr_assert(eq(int, log_count("cut "), 0));
        client_close(&witness);
        broker_end(&broker);
}
