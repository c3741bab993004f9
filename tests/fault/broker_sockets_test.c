/* The sockets of packages follow the policy file: who has their places, and who is let in there. */
#include "named-objects/lock.h"
#include "tests/fault/broker_other.h"

#ifndef _WIN32
#        include <sys/stat.h>
#endif

#define CAMERA "org.weir.Camera"

TestSuite(broker_sockets, .fini = kit_clean, .timeout = 60);

static char first[192], second[192]; /* places that the policy file may ask for */

static struct broker
begin(void)
{
        struct broker broker;

        given.policy = "";
        given.has_file = true;
        broker = broker_begin();
        snprintf(first, sizeof(first), "%s" BELOW "first", broker.package_directory);
        snprintf(second, sizeof(second), "%s" BELOW "second", broker.package_directory);
        return broker;
}

static void
reload_with(const struct broker *broker, struct client *client, const char *policy)
{
        broker_write_policy(broker, policy);
        client_send(client, (struct wr_message){ .kind = WR_RELOAD });
        client_expect(client, WR_DONE);
}

static void
expect_served(const char *place)
{
        struct client client = client_at(place, "client");

        client_close(&client);
}

/* The policy file that asks for one or two. */
static const char *
sockets(const char *camera, const char *other)
{
        static char text[1024];

        snprintf(text, sizeof(text), "[package.\"%s\"]\nsocket = '%s'\n%s%s%s", CAMERA, camera,
                 other ? "[package.\"org.b\"]\nsocket = '" : "", other ? other : "", other ? "'\n" : "");
        return text;
}

Test(broker_sockets, package_sockets_follow_the_file)
{
        given.package = "org.given";
        struct broker broker = begin();
        struct client own = client_begin(&broker, "own"), camera, other;

        reload_with(&broker, &own, sockets(first, NULL));
        camera = client_at(first, "camera");
        cr_assert(strstr(camera.message.welcome.identity, "package:" CAMERA) != NULL);
        reload_with(&broker, &own, sockets(first, second));
        other = client_at(second, "other");
        cr_assert(strstr(other.message.welcome.identity, "package:org.b") != NULL);
        reload_with(&broker, &own, "");
        cr_assert(not(place_is_taken(first)));
        cr_assert(not(place_is_taken(second)));
        client_status(&camera); /* who came through it stays */
        client_close(&other);
        other = client_at(broker.package_socket, "other"); /* of the command line: not the file's to take */
        client_close(&camera);
        client_close(&other);
        client_close(&own);
        broker_end(&broker);
}

/* Somebody stopped: to see that for certain takes as long as our own clients wait for us. */
Test(broker_sockets, a_socket_whose_holder_says_nothing_is_refused_before_clients_lose_patience)
{
        struct broker broker = begin();
        struct client own = client_begin(&broker, "own");
        char path[1536];
        int64_t began_ns;
        wr_object lock;

        reload_with(&broker, &own, sockets(second, NULL)); /* which makes the directory */
        cr_assert(eq(int, wr_endpoint_lock_path(first, 0, path, sizeof(path), NULL, 0), WEIR_OK));
        cr_assert(eq(int, wr_lock_take(&lock, path), WEIR_OK));
        broker_write_policy(&broker, sockets(second, first));
        began_ns = wr_clock_ns();
        client_send(&own, (struct wr_message){ .kind = WR_RELOAD });
        client_expect_refusal(&own, WEIR_E_DENIED, "is served by another broker");
        cr_assert(lt(i64, wr_clock_ns() - began_ns, INT64_C(1500000000)));
        wr_lock_give(lock, path);
        reload_with(&broker, &own, sockets(second, first));
        expect_served(first);
        client_close(&own);
        broker_end(&broker);
}

#ifndef _WIN32 /* a pipe cannot be removed under who listens */
Test(broker_sockets, a_package_socket_that_was_removed_comes_back)
{
        given.package = "org.given";
        struct broker broker = begin();
        struct client own = client_begin(&broker, "own");

        reload_with(&broker, &own, sockets(first, NULL));
        cr_assert(unlink(first) == 0 && unlink(broker.package_socket) == 0);
        reload_with(&broker, &own, sockets(first, NULL));
        expect_served(first);
        expect_served(broker.package_socket); /* of the command line */
        client_close(&own);
        broker_end(&broker);
        cr_assert(not(place_is_taken(first)), "what was opened anew is removed at the end");
}

Test(broker_sockets, who_has_the_place_of_a_removed_socket_keeps_no_rule_in_force)
{
        struct broker broker = begin();
        struct client own = client_begin(&broker, "own");

        reload_with(&broker, &own, sockets(first, NULL));
        cr_assert(unlink(first) == 0 && mkdir(first, 0700) == 0); /* as it may, to whom the directory was given */
        reload_with(&broker, &own, sockets(first, second));
        expect_served(second);
        cr_assert(rmdir(first) == 0);
        reload_with(&broker, &own, sockets(first, second));
        expect_served(first);
        client_close(&own);
        broker_end(&broker);
}
#endif

Test(broker_sockets, who_has_the_place_of_a_socket_keeps_no_broker_from_its_work)
{
        struct broker broker = broker_there();
        struct client own;

        snprintf(second, sizeof(second), "%s" BELOW "second", broker.package_directory);
        given.policy = sockets(place_of_nobody(&broker), second);
        given.has_file = true;
        broker = broker_begin();
        own = client_begin(&broker, "own");
        expect_served(second);
        broker_write_policy(&broker, sockets(place_of_nobody(&broker), second));
        client_send(&own, (struct wr_message){ .kind = WR_RELOAD });
        client_expect(&own, WR_DONE);
        expect_served(second);
        client_close(&own);
        broker_end(&broker);
}

Test(broker_sockets, a_socket_that_cannot_be_opened_keeps_all_of_the_old_policy)
{
        struct broker broker = begin();
        struct client own = client_begin(&broker, "own");

        reload_with(&broker, &own, sockets(first, NULL));
        broker_write_policy(&broker, sockets(second, place_of_nobody(&broker)));
        client_send(&own, (struct wr_message){ .kind = WR_RELOAD });
        client_expect(&own, WR_REFUSAL);
        cr_assert(not(place_is_taken(second)), "what was opened for it is closed again");
        expect_served(first);
        client_close(&own);
        broker_end(&broker);
}
