/* The policy file changes while clients are there: who keeps what, who is told, and what an error does not touch. */
#include "tests/fault/broker_other.h"

TestSuite(broker_reload, .fini = kit_clean, .timeout = 60);

static char text[1024];

/* Lists of users; "me" is the user of this test. */
static const char *
lists(const char *publish_list, const char *subscribe_list)
{
        static const char *const names[] = { "publish", "subscribe" };
        const char *given_lists[] = { publish_list, subscribe_list };
        size_t length = (size_t)snprintf(text, sizeof(text), "[topic.\"cam\"]\n");
        struct wr_sid self = wr_user_self();
        char name[WR_SID_TEXT_MAX];

        wr_user_text(&self, name, sizeof(name));
        for (int i = 0; i < 2; i++)
                if (strcmp(given_lists[i], "me") == 0)
                        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s = [\"user:%s\"]\n",
                                                   names[i], name);
                else
                        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s = [%s]\n", names[i],
                                                   given_lists[i]);
        return text;
}

static struct broker
broker_with(const char *policy)
{
        given.policy = policy;
        given.has_file = true;
        return broker_begin();
}

static void
reload(struct client *client)
{
        client_send(client, (struct wr_message){ .kind = WR_RELOAD, .request = 7 });
        client_expect(client, WR_DONE);
}

static void
reload_with(const struct broker *broker, struct client *client, const char *policy)
{
        broker_write_policy(broker, policy);
        reload(client);
}

static void
expect_revoked(struct client *client, uint64_t endpoint, const char *words)
{
        client_expect(client, WR_REVOKED);
        cr_assert(eq(u64, client->message.revoked.endpoint, endpoint));
        cr_assert(strstr(client->message.revoked.text, words) != NULL, "'%s' has '%s'", client->message.revoked.text,
                  words);
}

/* The lane moves on without who lost the right: this publisher does what it is asked to. */
static void
lane_moves(struct client *camera, uint64_t lane)
{
        uint64_t successor;

        client_expect(camera, WR_LANE_GRANT);
        cr_assert(eq(u64, camera->message.lane_grant.follows, lane));
        successor = camera->message.lane_grant.lane;
        client_send(camera, (struct wr_message){ .kind = WR_READY, .ready = { successor } });
        client_send(camera, (struct wr_message){ .kind = WR_LANE_MOVED, .lane_moved = { lane, successor } });
}

static void
expect_lane_ended(struct client *client, uint64_t lane)
{
        client_expect(client, WR_LANE_ENDED);
        cr_assert(eq(u64, client->message.lane_ended.lane, lane));
        cr_assert(eq(int, client->message.lane_ended.reason, WEIR_E_DENIED));
        cr_assert(eq(uint, client->message.lane_ended.publishers, 0));
}

Test(broker_reload, new_rules_hold_for_who_asks_from_now_on)
{
        struct broker broker = broker_with(lists("", "me"));
        struct client client = client_begin(&broker, "c");

        client_send(&client, publish("cam"));
        client_expect_refusal(&client, WEIR_E_DENIED, "no 'publish'");
        reload_with(&broker, &client, lists("me", ""));
        client_publish(&client, "cam");
        client_send(&client, subscribe("cam"));
        client_expect_refusal(&client, WEIR_E_DENIED, "no 'subscribe' (policy.conf:3)");
        client_close(&client);
        broker_end(&broker);
}

Test(broker_reload, who_keeps_the_right_is_told_nothing)
{
        struct broker broker = broker_with(lists("me", "me"));
        struct client camera = client_begin(&broker, "camera"), viewer = client_begin(&broker, "viewer");

        client_publish(&camera, "cam");
        client_send(&viewer, subscribe("cam"));
        client_expect(&viewer, WR_SUBSCRIBED);
        pair_up(&camera, &viewer);
        reload_with(&broker, &viewer, "");
        cr_assert(eq(uint, client_status(&viewer).pairs, 1));
        client_status(&camera); /* the next thing that it hears is the answer */
        client_close(&camera);
        client_close(&viewer);
        broker_end(&broker);
}

Test(broker_reload, a_subscriber_that_lost_its_right_is_told_and_leaves_when_it_gave_all_back)
{
        struct broker broker = broker_with(lists("me", "me"));
        struct client camera = client_begin(&broker, "camera"), viewer = client_begin(&broker, "viewer");
        struct client admin = client_begin(&broker, "admin");
        uint64_t lane = client_publish(&camera, "cam"), pair, subscription;

        client_send(&viewer, subscribe("cam"));
        client_expect(&viewer, WR_SUBSCRIBED);
        subscription = viewer.message.subscribed.subscription;
        pair = pair_up(&camera, &viewer);
        reload_with(&broker, &admin, lists("me", ""));
        expect_revoked(&viewer, subscription, "no 'subscribe' (policy.conf:3). Grant it: weir access allow cam");
        expect_lane_ended(&viewer, lane);
        lane_moves(&camera, lane);
        cr_assert(eq(uint, client_status(&camera).pairs, 1), "it has yet to give back what it took");
        client_send(&viewer, (struct wr_message){ .kind = WR_PAIR_DONE, .pair_done = { pair } });
        client_expect(&camera, WR_PAIR_REMOVED);
        cr_assert(eq(u64, camera.message.pair_removed.pair, pair));
        cr_assert(eq(int, camera.message.pair_removed.reason, WEIR_E_DENIED));
        cr_assert(eq(uint, client_status(&camera).subscriptions, 0));
        client_publish(&camera, "cam"); /* another lane: not for the viewer */
        client_send(&viewer,
                    (struct wr_message){ .kind = WR_CLOSE_SUBSCRIPTION, .close_subscription = { subscription } });
        client_status(&viewer);
        client_close(&admin);
        client_close(&camera);
        client_close(&viewer);
        broker_end(&broker);
}

Test(broker_reload, a_subscriber_that_holds_on_to_what_it_lost_is_forgotten)
{
        given.revoke_ns = 1;
        struct broker broker = broker_with(lists("me", "me"));
        struct client camera = client_begin(&broker, "camera"), viewer = client_begin(&broker, "viewer");
        struct client admin = client_begin(&broker, "admin");
        uint64_t pair, lane = client_publish(&camera, "cam");

        client_send(&viewer, subscribe("cam"));
        client_expect(&viewer, WR_SUBSCRIBED);
        pair = pair_up(&camera, &viewer);
        reload_with(&broker, &admin, lists("me", ""));
        lane_moves(&camera, lane);
        client_expect(&camera, WR_PAIR_REMOVED);
        cr_assert(eq(u64, camera.message.pair_removed.pair, pair));
        cr_assert(eq(int, camera.message.pair_removed.reason, WEIR_E_DENIED));
        cr_assert(eq(uint, client_status(&camera).subscriptions, 0));
        client_send(&viewer, (struct wr_message){ .kind = WR_PAIR_DONE, .pair_done = { pair } });
        client_close(&admin);
        client_close(&camera);
        client_close(&viewer);
        broker_end(&broker);
}

/* A publisher that has no memory to move on, or says so: who lost the right would read on for ever. */
Test(broker_reload, a_publisher_that_gives_each_successor_back_loses_its_lane)
{
        given.revoke_ns = INT64_C(60000000000); /* else a slow machine forgets the viewer before */
        struct broker broker = broker_with(lists("me", "me"));
        struct client camera = client_begin(&broker, "camera"), viewer = client_begin(&broker, "viewer");
        struct client admin = client_begin(&broker, "admin");
        uint64_t lane = client_publish(&camera, "cam");

        client_send(&viewer, subscribe("cam"));
        client_expect(&viewer, WR_SUBSCRIBED);
        pair_up(&camera, &viewer);
        reload_with(&broker, &admin, lists("me", ""));
        for (int i = 0; i < 3; i++) {
                client_expect(&camera, WR_LANE_GRANT);
                cr_assert(eq(u64, camera.message.lane_grant.follows, lane));
                client_send(&camera, (struct wr_message){ .kind = WR_CLOSE_LANE,
                                                          .close_lane = { camera.message.lane_grant.lane } });
                /* Asked again at once, the two would go on at the speed of their connection. */
                cr_assert(eq(uint, client_status(&camera).lanes, 1));
        }
        expect_revoked(&camera, lane, "has no memory for another one");
        expect_revoked(&viewer, viewer.message.subscribed.subscription, "no 'subscribe'");
        client_close(&admin);
        client_close(&camera);
        client_close(&viewer);
        broker_end(&broker);
}

Test(broker_reload, what_a_publisher_wished_for_and_gave_back_does_not_count_against_it)
{
        struct broker broker = broker_with(lists("me", "me"));
        struct client camera = client_begin(&broker, "camera"), viewer = client_begin(&broker, "viewer");
        struct client admin = client_begin(&broker, "admin");
        uint64_t lane = client_publish(&camera, "cam");

        client_send(&viewer, subscribe("cam"));
        client_expect(&viewer, WR_SUBSCRIBED);
        pair_up(&camera, &viewer);
        for (int i = 0; i < 4; i++) {
                client_send(&camera, (struct wr_message){ .kind = WR_MOVE, .request = 9, .move = { .lane = lane } });
                client_expect(&camera, WR_LANE_GRANT);
                client_send(&camera, (struct wr_message){ .kind = WR_CLOSE_LANE,
                                                          .close_lane = { camera.message.lane_grant.lane } });
        }
        reload_with(&broker, &admin, lists("me", ""));
        client_expect(&camera, WR_LANE_GRANT); /* it is asked, and not said to have no memory */
        cr_assert(eq(u64, camera.message.lane_grant.follows, lane));
        client_close(&admin);
        client_close(&camera);
        client_close(&viewer);
        broker_end(&broker);
}

Test(broker_reload, a_subscriber_whose_lane_is_on_its_way_does_not_get_it)
{
        struct broker broker = broker_with(lists("me", "me"));
        struct client camera = client_begin(&broker, "camera"), viewer = client_begin(&broker, "viewer");
        uint64_t lane = client_publish(&camera, "cam"), subscription, pair;

        client_send(&viewer, subscribe("cam"));
        client_expect(&viewer, WR_SUBSCRIBED);
        subscription = viewer.message.subscribed.subscription;
        client_expect(&camera, WR_PAIR_ADDED);
        pair = camera.message.pair_added.pair;
        broker_write_policy(&broker, lists("me", ""));
        client_send(&camera, (struct wr_message){ .kind = WR_RELOAD, .request = 7 });
        client_expect(&camera, WR_PAIR_REMOVED);
        client_expect(&camera, WR_DONE);
        expect_revoked(&viewer, subscription, "no 'subscribe'");
        expect_lane_ended(&viewer, 0);
        client_send(&camera, ack(lane, pair)); /* which was on its way */
        cr_assert(eq(uint, client_status(&camera).subscriptions, 0));
        client_status(&viewer);
        client_close(&camera);
        client_close(&viewer);
        broker_end(&broker);
}

Test(broker_reload, a_reliable_subscriber_needs_stall_from_now_on)
{
        struct broker broker = broker_with("");
        struct client viewer = client_begin(&broker, "viewer");
        struct wr_message reliable = subscribe("cam");

        reliable.subscribe.delivery = 1;
        client_send(&viewer, reliable);
        client_expect(&viewer, WR_SUBSCRIBED);
        broker_write_policy(&broker, lists("me", "me"));
        client_send(&viewer, (struct wr_message){ .kind = WR_RELOAD, .request = 7 });
        expect_revoked(&viewer, viewer.message.subscribed.subscription, "no 'stall'");
        client_expect(&viewer, WR_DONE);
        client_close(&viewer);
        broker_end(&broker);
}

Test(broker_reload, a_publisher_that_lost_its_right_is_told_and_its_readers_leave_it)
{
        struct broker broker = broker_with(lists("me", "me"));
        struct client camera = client_begin(&broker, "camera"), viewer = client_begin(&broker, "viewer");
        struct client own = client_begin(&broker, "own");
        uint64_t lane = client_publish(&camera, "cam"), pair;

        client_send(&viewer, subscribe("cam"));
        client_expect(&viewer, WR_SUBSCRIBED);
        pair = pair_up(&camera, &viewer);
        reload_with(&broker, &own, lists("\"user:4242\"", "me"));
        expect_revoked(&camera, lane, "no 'publish' (policy.conf:2)");
        cr_assert(eq(uint, client_status(&camera).lanes, 0));
        cr_assert(eq(u64, client_status(&camera).reserve_bytes, 0), "its quota is back");
        client_send(&camera, (struct wr_message){ .kind = WR_CLOSE_LANE, .close_lane = { lane } });
        client_send(&camera, publish("cam"));
        client_expect_refusal(&camera, WEIR_E_DENIED, "no 'publish'");
        client_send(&viewer, (struct wr_message){ .kind = WR_PAIR_DONE, .pair_done = { pair } });
        expect_lane_ended(&viewer, lane);
        client_status(&viewer);
        client_close(&own);
        client_close(&camera);
        client_close(&viewer);
        broker_end(&broker);
}

Test(broker_reload, readers_of_a_revoked_publisher_are_told_why)
{
        struct broker broker = broker_with(lists("me", "me"));
        struct client camera = client_begin(&broker, "camera"), viewer = client_begin(&broker, "viewer");
        uint64_t lane = client_publish(&camera, "cam");

        client_send(&viewer, subscribe("cam"));
        client_expect(&viewer, WR_SUBSCRIBED);
        pair_up(&camera, &viewer);
        broker_write_policy(&broker, lists("", "me"));
        client_send(&camera, (struct wr_message){ .kind = WR_RELOAD, .request = 7 });
        expect_lane_ended(&viewer, lane);
        cr_assert(strstr(viewer.message.lane_ended.text, "the publisher of 'cam' may publish it no longer: camera") !=
                  NULL);
        expect_revoked(&camera, lane, "no 'publish'");
        client_expect(&camera, WR_DONE);
        client_close(&camera);
        client_close(&viewer);
        broker_end(&broker);
}

Test(broker_reload, a_lane_that_is_still_being_opened_is_refused)
{
        struct broker broker = broker_with(lists("me", "me"));
        struct client camera = client_begin(&broker, "camera"), own = client_begin(&broker, "own");
        uint64_t lane;

        client_send(&camera, publish("cam"));
        client_expect(&camera, WR_LANE_GRANT);
        lane = camera.message.lane_grant.lane;
        reload_with(&broker, &own, lists("", "me"));
        client_expect_refusal(&camera, WEIR_E_DENIED, "no 'publish'");
        cr_assert(eq(u32, camera.message.request, 2));
        client_send(&camera, ready(lane)); /* which was on its way */
        cr_assert(eq(uint, client_status(&camera).lanes, 0));
        client_close(&camera);
        client_close(&own);
        broker_end(&broker);
}

Test(broker_reload, a_lane_whose_readers_are_being_attached_is_refused)
{
        struct broker broker = broker_with(lists("me", "me"));
        struct client camera = client_begin(&broker, "camera"), viewer = client_begin(&broker, "viewer");
        uint64_t lane, pair;

        client_send(&viewer, subscribe("cam"));
        client_expect(&viewer, WR_SUBSCRIBED);
        client_send(&camera, publish("cam"));
        client_expect(&camera, WR_LANE_GRANT);
        lane = camera.message.lane_grant.lane;
        client_send(&camera, ready(lane));
        client_expect(&camera, WR_PAIR_ADDED);
        pair = camera.message.pair_added.pair;
        broker_write_policy(&broker, lists("", "me"));
        client_send(&viewer, (struct wr_message){ .kind = WR_RELOAD, .request = 7 });
        expect_lane_ended(&viewer, 0);
        client_expect(&viewer, WR_DONE);
        client_expect_refusal(&camera, WEIR_E_DENIED, "no 'publish'");
        client_send(&camera, ack(lane, pair));
        cr_assert(eq(uint, client_status(&camera).lanes, 0));
        client_close(&camera);
        client_close(&viewer);
        broker_end(&broker);
}

Test(broker_reload, an_error_names_its_line_and_keeps_all_of_the_old_policy)
{
        struct broker broker = broker_with(lists("me", "me"));
        struct client camera = client_begin(&broker, "camera");
        char expected[256];

        client_publish(&camera, "cam");
        broker_write_policy(&broker, "[topic.\"cam\"]\npublish = []\n[quota]\nlanes = many\n");
        client_send(&camera, (struct wr_message){ .kind = WR_RELOAD, .request = 7 });
        snprintf(expected, sizeof(expected), "%s:4:9: expected a value", broker.policy);
        client_expect_refusal(&camera, WEIR_E_USAGE, expected);
        cr_assert(eq(uint, client_status(&camera).lanes, 1));
        client_publish(&camera, "cam");
        unlink(broker.policy);
        client_send(&camera, (struct wr_message){ .kind = WR_RELOAD, .request = 7 });
        client_expect_refusal(&camera, WEIR_E_USAGE, "cannot be read");
        client_publish(&camera, "cam");
        client_close(&camera);
        broker_end(&broker);
}

Test(broker_reload, quotas_follow_the_file)
{
        struct broker broker = broker_with("[quota]\nlanes = 1\n");
        struct client client = client_begin(&broker, "c");

        client_publish(&client, "a");
        client_send(&client, publish("b"));
        client_expect_refusal(&client, WEIR_E_QUOTA, "holds 1 of 1 lanes");
        reload_with(&broker, &client, "[quota]\nlanes = 2\n");
        client_publish(&client, "b");
        reload_with(&broker, &client, "[quota]\nlanes = 1\n");
        cr_assert(eq(uint, client_status(&client).lanes, 2), "what is held stays");
        client_send(&client, publish("c"));
        client_expect_refusal(&client, WEIR_E_QUOTA, "holds 2 of 1 lanes");
        client_close(&client);
        broker_end(&broker);
}

/* A broker that waited for a writer would answer nobody any more. */
Test(broker_reload, a_policy_that_became_no_file_is_an_error)
{
        struct broker broker = broker_with(lists("me", ""));
        struct client client = client_begin(&broker, "c");

        broker_policy_spoil(&broker);
        client_send(&client, (struct wr_message){ .kind = WR_RELOAD, .request = 7 });
        client_expect_refusal(&client, WEIR_E_USAGE, "cannot be read: it is no plain file");
        client_publish(&client, "cam");
        client_close(&client);
        broker_policy_clear(&broker);
        broker_end(&broker);
}

Test(broker_reload, only_the_own_users_full_trust_may_ask_for_it)
{
        stranger_given();
        struct broker broker = broker_with("");
        struct client stranger = stranger_begin(&broker);

        client_send(&stranger, (struct wr_message){ .kind = WR_RELOAD });
        client_expect_refusal(&stranger, WEIR_E_DENIED, "may reload its policy");
        client_close(&stranger);
        broker_end(&broker);
}

Test(broker_reload, the_systems_word_reloads)
{
        struct broker broker = broker_with(lists("", ""));
        struct client client = client_begin(&broker, "c");
        enum wr_message_kind answer = WR_REFUSAL;

        broker_write_policy(&broker, "");
        broker_tell_to_reload(&broker);
        for (int i = 0; i < 100000 && answer == WR_REFUSAL; i++) {
                client_send(&client, subscribe("cam"));
                answer = client_receive(&client);
                sched_yield();
        }
        cr_assert(eq(int, answer, WR_SUBSCRIBED));
        client_close(&client);
        broker_end(&broker);
}

static char log_path[160];

/* Until the broker has written these words into its log. */
static void
log_await(const char *words)
{
        int64_t until_ns = wr_clock_ns() + PATIENCE_NS;
        char said[8192] = "";

        while (strstr(said, words) == NULL) {
                FILE *file = fopen(log_path, "r");

                cr_assert(lt(i64, wr_clock_ns(), until_ns), "'%s' is not in: %s", words, said);
                said[file ? fread(said, 1, sizeof(said) - 1, file) : 0] = '\0';
                if (file)
                        fclose(file);
                sched_yield();
        }
}

static struct broker
broker_heard(const char *policy)
{
        snprintf(log_path, sizeof(log_path), "%s.log", kit_file());
        setenv("TEST_BROKER_LOG", log_path, 1);
        return broker_with(policy);
}

Test(broker_reload, the_systems_word_with_an_error_keeps_the_old_policy_and_is_logged_with_its_place)
{
        struct broker broker = broker_heard(lists("me", ""));
        struct client client = client_begin(&broker, "c");
        char expected[320];

        client_publish(&client, "cam");
        broker_write_policy(&broker, "[topic.\"cam\"]\npublish = []\nsubscribe = [\"everybody\"]\n");
        broker_tell_to_reload(&broker);
        snprintf(expected, sizeof(expected), "the old policy stays: %s:3:14: expected user:NAME", broker.policy);
        log_await(expected);
        cr_assert(eq(uint, client_status(&client).lanes, 1));
        client_publish(&client, "cam");
        client_send(&client, subscribe("cam"));
        client_expect_refusal(&client, WEIR_E_DENIED, "no 'subscribe' (policy.conf:3)");
        broker_write_policy(&broker, lists("", ""));
        broker_tell_to_reload(&broker);
        log_await("policy reloaded");
        client_expect(&client, WR_REVOKED);
        client_expect(&client, WR_REVOKED);
        cr_assert(eq(uint, client_status(&client).lanes, 0));
        client_close(&client);
        broker_end(&broker);
        remove(log_path);
}

#ifndef _WIN32 /* mount namespaces */
/* From the broker's place a process with a mount namespace of its own is in a sandbox that nobody vouches for. */
Test(broker_reload, a_sandbox_that_is_admitted_no_longer_is_cut)
{
        if (geteuid() != 0)
                cr_skip_test("only root makes a mount namespace without a user namespace");

        struct broker broker = broker_with("[topic.\"cam\"]\nsubscribe = [\"confined:*\"]\n");
        struct client own = client_begin(&broker, "own"), sandboxed;

        cr_assert(eq(int, unshare(CLONE_NEWNS), 0));
        sandboxed = client_begin(&broker, "sandboxed");
        client_send(&sandboxed, subscribe("cam"));
        client_expect(&sandboxed, WR_SUBSCRIBED);
        reload_with(&broker, &own, "");
        client_expect_refusal(&sandboxed, WEIR_E_DENIED, "a sandbox that nobody vouches for");
        while (client_receive(&sandboxed) != 0)
                ;
        client_close(&own);
        client_close(&sandboxed);
        broker_end(&broker);
}
#endif
