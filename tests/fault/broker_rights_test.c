/* Who may what, through the whole broker: a package comes through its own socket, everybody else through the door. */
#include "tests/fault/broker_other.h"

#define CAMERA "org.weir.Camera"

TestSuite(broker_rights, .fini = kit_clean, .timeout = 60);

static const char *
policy_of(const char *publish_list, const char *subscribe_list)
{
        static char text[512];

        snprintf(text, sizeof(text), "[topic.\"cam/front\"]\npublish = [%s]\nsubscribe = [%s]\n", publish_list,
                 subscribe_list);
        return text;
}

static const char *
own_user(void)
{
        static char text[128];
        struct wr_sid self = wr_user_self();
        char name[100];

        wr_user_text(&self, name, sizeof(name));
        snprintf(text, sizeof(text), "\"user:%s\"", name);
        return text;
}

/* Each may what its entry says, and no more: on Linux a package and the own user, on Windows a group and a user. */
Test(broker_rights, who_has_a_grant_publishes_and_who_has_another_subscribes)
{
        grantee_given();
        given.policy = policy_of(grantee_entry(), own_user());
        struct broker broker = broker_begin();
        struct client camera = grantee_begin(&broker), viewer = client_begin(&broker, "viewer");
        struct wr_message reliable = subscribe("cam/front");

        grantee_expect(&camera);
        client_publish(&camera, "cam/front");
        client_send(&viewer, subscribe("cam/front"));
        client_expect(&viewer, WR_SUBSCRIBED);
        pair_up(&camera, &viewer);
        reliable.subscribe.delivery = 1;
        client_send(&viewer, reliable);
        client_expect_refusal(&viewer, WEIR_E_DENIED, "no 'stall'");
        client_close(&camera);
        client_close(&viewer);
        broker_end(&broker);
}

Test(broker_rights, who_has_no_grant_is_told_the_line_that_is_missing)
{
        char words[1024];

        stranger_given();
        given.policy = policy_of("\"package:" CAMERA "\"", "");
        struct broker broker = broker_begin();
        struct client stranger = stranger_begin(&broker);

        client_send(&stranger, subscribe("cam/front"));
        snprintf(words, sizeof(words),
                 "denied: 'cam/front' grants %s no 'subscribe' (policy.conf:3). "
                 "Grant it: weir access allow cam/front %s --read",
                 stranger_text(), stranger_option());
        client_expect_refusal(&stranger, WEIR_E_DENIED, words);
        client_send(&stranger, subscribe("other"));
        snprintf(words, sizeof(words), "Grant it: weir access allow other %s --read", stranger_option());
        client_expect_refusal(&stranger, WEIR_E_DENIED, words);
        client_send(&stranger, publish("cam/front"));
        client_expect_refusal(&stranger, WEIR_E_DENIED, "no 'publish'");
        client_close(&stranger);
        broker_end(&broker);
}

Test(broker_rights, reliable_needs_stall)
{
        stranger_given();
        given.policy = policy_of("", stranger_entry());
        struct broker broker = broker_begin();
        struct client stranger = stranger_begin(&broker);
        struct wr_message reliable = subscribe("cam/front");

        reliable.subscribe.delivery = 1;
        client_send(&stranger, reliable);
        client_expect_refusal(&stranger, WEIR_E_DENIED, "no 'stall'");
        client_send(&stranger, subscribe("cam/front"));
        client_expect(&stranger, WR_SUBSCRIBED);
        client_close(&stranger);
        broker_end(&broker);
}

Test(broker_rights, an_entry_excludes_the_own_user_too)
{
        given.policy = policy_of("\"package:" CAMERA "\"", "");
        struct broker broker = broker_begin();
        struct client client = client_begin(&broker, "c");

        client_send(&client, subscribe("cam/front"));
        client_expect_refusal(&client, WEIR_E_DENIED, "no 'subscribe'");
        client_send(&client, subscribe("free"));
        client_expect(&client, WR_SUBSCRIBED);
        client_close(&client);
        broker_end(&broker);
}

Test(broker_rights, a_package_sees_only_the_topics_that_it_may_observe)
{
        given.package = CAMERA;
        given.policy = policy_of("\"package:" CAMERA "\"", own_user());
        struct broker broker = broker_begin();
        struct client camera = client_at(broker.package_socket, "camera"), own = client_begin(&broker, "own");

        client_publish(&camera, "cam/front");
        client_publish(&own, "secret");
        client_send(&camera, (struct wr_message){ .kind = WR_LIST });
        client_expect(&camera, WR_TOPIC);
        cr_assert(eq(str, camera.message.topic.topic, "cam/front"));
        client_expect(&camera, WR_DONE);
        client_status(&camera);
        cr_assert(eq(str, camera.message.state.policy, "?"), "where the rules stand is none of its business");
        client_send(&own, (struct wr_message){ .kind = WR_LIST });
        client_expect(&own, WR_TOPIC);
        client_expect(&own, WR_TOPIC);
        client_expect(&own, WR_DONE);
        client_close(&camera);
        client_close(&own);
        broker_end(&broker);
}

Test(broker_rights, a_package_socket_is_opened_on_demand_and_again)
{
        struct broker broker = broker_begin();
        struct client own = client_begin(&broker, "own"), camera;
        struct wr_message wanted = { .kind = WR_PACKAGE_SOCKET, .package_socket = { .package = CAMERA } };
        char *path = wanted.package_socket.path;

        snprintf(path, sizeof(wanted.package_socket.path), "%s", broker.package_socket);
        for (int i = 0; i < 3; i++) {
                client_send(&own, wanted);
                client_expect(&own, WR_DONE);
                camera = client_at(broker.package_socket, "camera");
                cr_assert(strstr(camera.message.welcome.identity, "package:" CAMERA) != NULL);
                client_close(&camera);
        }
        strcpy(wanted.package_socket.package, "no/package");
        client_send(&own, wanted);
        client_expect_refusal(&own, WEIR_E_USAGE, "no name of a package");
        strcpy(wanted.package_socket.package, CAMERA);
        strcpy(path, "relative/bus");
        client_send(&own, wanted);
        client_expect_refusal(&own, WEIR_E_USAGE, PLACE_WORDS);
        snprintf(path, sizeof(wanted.package_socket.path), "%s", broker.address);
        client_send(&own, wanted);
        client_expect_refusal(&own, WEIR_E_USAGE, "the broker's own socket");
        strcpy(path, "/nowhere/at/all/bus");
        client_send(&own, wanted);
        client_receive(&own);
        cr_assert(eq(int, own.message.kind, WR_REFUSAL));
        client_close(&own);
        broker_end(&broker);
}

/* A broker at an address of its own that is told to open the package socket of the first. */
static enum weir_result
second_broker(const struct broker *first, char *sentence, size_t room)
{
        static struct wr_server server;
        struct wr_log log = { .object = WR_NO_OBJECT };
        struct wr_server_options options = { 0 };
        struct wr_policy *policy;
        enum weir_result result;
        char address[192], socket[512];
        const char *sockets[] = { socket, NULL };

        snprintf(address, sizeof(address), "%s-second", first->address);
        snprintf(socket, sizeof(socket), "%s=%s", CAMERA, first->package_socket);
        cr_assert(
                eq(int, wr_policy_parse(&policy, "", 0, "/test/second.conf", wr_user_self(), sentence, room), WEIR_OK));
        options.address = address;
        options.package_sockets = sockets;
        result = wr_server_open(&server, &options, policy, &log, sentence, room);
        if (result == WEIR_OK)
                wr_server_close(&server);
        return result;
}

Test(broker_rights, a_second_broker_does_not_take_the_package_socket_of_the_first)
{
        given.package = CAMERA;
        given.policy = policy_of("\"package:" CAMERA "\"", own_user());
        struct broker broker = broker_begin();
        char sentence[1024] = "", pid[32];
        struct client camera;

        cr_assert(eq(int, second_broker(&broker, sentence, sizeof(sentence)), WEIR_E_DENIED));
        cr_assert(strstr(sentence, broker.package_socket) != NULL && strstr(sentence, "another broker") != NULL, "%s",
                  sentence);
        snprintf(pid, sizeof(pid), "(pid %u)", (unsigned)broker.child.pid);
        cr_assert(strstr(sentence, pid) != NULL, "'%s' has '%s'", sentence, pid);
        camera = client_at(broker.package_socket, "camera");
        cr_assert(strstr(camera.message.welcome.identity, "package:" CAMERA) != NULL);
        client_close(&camera);
        broker_stop(&broker);
        cr_assert(eq(int, kit_end(&broker.child), 0));
        cr_assert(eq(int, second_broker(&broker, sentence, sizeof(sentence)), WEIR_OK), "%s", sentence);
        broker_tidy(&broker);
}

Test(broker_rights, where_the_rules_stand_is_told_to_the_system_by_the_broker_of_another_user_and_to_nobody_else)
{
        struct wr_sid self = wr_user_self();

        given.own_user = 4242;
        given.policy = policy_of(own_user(), own_user());
        struct broker broker = broker_begin();
        struct client guest = client_begin(&broker, "guest");

        client_status(&guest);
        cr_assert(eq(str, guest.message.state.policy, wr_user_is_system(&self) ? "/test/policy.conf" : "?"));
        client_close(&guest);
        broker_end(&broker);
}

Test(broker_rights, who_is_not_the_own_user_may_neither_stop_the_broker_nor_open_sockets)
{
        stranger_given();
        struct broker broker = broker_begin();
        struct client stranger = stranger_begin(&broker);
        struct wr_message wanted = { .kind = WR_PACKAGE_SOCKET, .package_socket = { .package = CAMERA } };

        client_send(&stranger, (struct wr_message){ .kind = WR_STOP });
        client_expect_refusal(&stranger, WEIR_E_DENIED, "full-trust");
        snprintf(wanted.package_socket.path, sizeof(wanted.package_socket.path), "%s/more", broker.package_directory);
        client_send(&stranger, wanted);
        client_expect_refusal(&stranger, WEIR_E_DENIED, "full-trust");
        cr_assert(eq(uint, client_status(&stranger).sessions, 1), "it is still there");
        client_close(&stranger);
        broker_end(&broker);
}

/* Behind a restart its own publishers may come later than those that it may not have. */
Test(broker_rights, a_pattern_of_an_earlier_broker_is_not_refused_for_what_is_there_first)
{
        static char text[256];
        struct wr_message again = subscribe("**");

        snprintf(text, sizeof(text), "[topic.\"raw\"]\npublish = [%s]\nsubscribe = [\"user:4242\"]\n", own_user());
        given.policy = text;
        struct broker broker = broker_begin();
        struct client publisher = client_begin(&broker, "raw"), recorder = client_begin(&broker, "recorder");

        client_publish(&publisher, "raw");
        client_send(&recorder, again);
        client_expect_refusal(&recorder, WEIR_E_DENIED, "'raw' grants");
        again.subscribe.again = 1;
        client_send(&recorder, again);
        client_expect(&recorder, WR_SUBSCRIBED);
        cr_assert(zero(uint, recorder.message.subscribed.lanes));
        client_send(&publisher, publish("cam"));
        client_expect(&publisher, WR_LANE_GRANT);
        client_send(&publisher, ready(publisher.message.lane_grant.lane));
        pair_up(&publisher, &recorder);
        client_expect(&publisher, WR_OPENED);
        client_close(&publisher);
        client_close(&recorder);
        broker_end(&broker);
}
