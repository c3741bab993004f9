/*
 * The policy file is read again. Nothing changes before all of it is known to hold:
 *
 *      read, check             an error: the old policy stays, and its sentence says which line is wrong
 *      package sockets         those that the new file adds are opened, those that it no longer has are closed;
 *                              one that cannot be opened is an error like any other, unless the old one had it
 *      swap, quotas            what is held above a lowered limit stays; nothing is charged until it is below
 *      sockets that are gone   are opened anew, whoever asked for them, as far as that can be: whoever has such a
 *                              place by now, a package perhaps, is not to say which rules hold
 *      live grants             every connection, lane and subscription is asked for again
 *
 * A publisher that lost its right is told (REVOKED), its lane ends, and its readers leave it at once. A subscriber is
 * told likewise and gets no further lane. Its pairs stay until it gave back what it has out, so that no program reads
 * memory that changes under it, but not longer than server->revoke_ns: then its publishers are told to forget it,
 * whatever it holds. What it has mapped stays mapped, so the lane moves on (move.c) and it is not invited. A
 * subscription with a pattern is asked about topic by topic: it leaves those that it lost in the same way, and joins
 * those that it gained.
 */
#include "broker/handlers.h"

#include "named-objects/endpoint.h"
#include "named-objects/sentence.h"

#include <string.h>

enum { SENTENCE_ROOM = 768 };

/* ---- package sockets ------------------------------------------------------------------------------------------ */

static bool
is_listed(const struct wr_policy *policy, const char *wanted, const char *path)
{
        const char *package, *socket;

        for (size_t i = 0; wr_policy_socket(policy, i, &package, &socket); i++)
                if (strcmp(package, wanted) == 0 && strcmp(socket, path) == 0)
                        return true;
        return false;
}

static bool
is_open(const struct wr_server *server, const char *package, const char *path)
{
        WR_LIST_EACH(link, &server->listeners)
        {
                const struct wr_listener *listener = WR_LIST_OWNER(link, struct wr_listener, link);

                if (listener->package && strcmp(listener->package, package) == 0 && strcmp(listener->path, path) == 0)
                        return true;
        }
        return false;
}

/* A socket may have been removed under its listener. Those of a service manager are not ours to make. */
static void
sockets_restore(struct wr_server *server)
{
        uint32_t left = server->listener_count; /* what is opened anew goes to the end, and is not looked at again */

        WR_LIST_EACH(link, &server->listeners)
        {
                struct wr_listener *listener = WR_LIST_OWNER(link, struct wr_listener, link);
                char package[WR_PACKAGE_MAX + 1], path[sizeof(listener->path)], sentence[SENTENCE_ROOM];
                enum weir_result result;

                if (left == 0)
                        break;
                left--;
                if (!listener->package || listener->is_passed ||
                    wr_endpoint_owns(listener->hook.object, listener->path))
                        continue;
                wr_sentence(package, sizeof(package), "%s", listener->package); /* it goes as the new one comes */
                wr_sentence(path, sizeof(path), "%s", listener->path);
                wr_sentence(sentence, sizeof(sentence), "no memory");
                result = (listener->is_of_policy ? wr_listener_open_listed
                                                 : wr_listener_open)(server, package, path, sentence, sizeof(sentence));
                if (result < 0)
                        wr_log_line(&server->log, NULL, server->now_ns, WR_LOG_WARNING,
                                    "the socket of package %s is gone, and cannot be opened anew: %s", package,
                                    sentence);
        }
}

/* Those that a policy asks for are there afterwards, and of those that only a policy asked for no others. */
static enum weir_result
sockets_follow(struct wr_server *server, const struct wr_policy *policy, char *sentence, size_t room)
{
        const char *package, *socket;
        enum weir_result result = WEIR_OK;

        for (size_t i = 0; result == WEIR_OK && wr_policy_socket(policy, i, &package, &socket); i++) {
                if (is_open(server, package, socket))
                        continue;
                if (is_listed(server->policy, package, socket)) /* it is in force already */
                        wr_listener_try_listed(server, package, socket);
                else
                        result = wr_listener_open_listed(server, package, socket, sentence, room);
        }
        WR_LIST_EACH(link, &server->listeners)
        {
                struct wr_listener *listener = WR_LIST_OWNER(link, struct wr_listener, link);

                if (result == WEIR_OK && listener->is_of_policy &&
                    !is_listed(policy, listener->package, listener->path))
                        wr_listener_close(listener);
        }
        return result;
}

/* ---- live grants ---------------------------------------------------------------------------------------------- */

static void
told(struct wr_session *session, uint64_t endpoint, const char *topic, const char *text)
{
        struct wr_message message = { .kind = WR_REVOKED };

        message.revoked.endpoint = endpoint;
        wr_sentence(message.revoked.text, sizeof(message.revoked.text), "%s", text);
        wr_session_send(session, &message);
        wr_log_line(&session->server->log, session->account, session->server->now_ns, WR_LOG_WARNING, "revoked %s: %s",
                    session->who, text);
        wr_listing_refused(session, WEIR_E_DENIED, topic, text);
}

/* One that is still being opened is refused like a request of now. */
static void
revoke_publication(struct wr_publication *publication, const char *sentence)
{
        struct wr_session *session = publication->session;
        char text[512];

        if (publication->state == WR_PUBLICATION_OPEN)
                told(session, publication->geometry.lane, publication->topic->name, sentence);
        else
                wr_session_refuse(session, publication->request, WEIR_E_DENIED, "%s", sentence);
        wr_sentence(text, sizeof(text), "the publisher of '%s' may publish it no longer: %s", publication->topic->name,
                    session->who);
        wr_publication_end(publication, WEIR_E_DENIED, text);
}

static void
revoke_subscription(struct wr_subscription *subscription, const char *sentence)
{
        struct wr_session *session = subscription->session;

        told(session, subscription->node.key, subscription->name, sentence);
        wr_watch_subscription_left(subscription, WEIR_E_DENIED);
        subscription->is_closing = true;
        subscription->revoked_until_ns = session->server->now_ns + session->server->revoke_ns;
        WR_LIST_EACH(link, &subscription->pairings)
        {
                struct wr_pairing *pairing = WR_LIST_OWNER(link, struct wr_pairing, subscription_link);
                bool is_known = pairing->state >= WR_PAIRING_GIVEN;

                pairing->publication->must_move |= is_known && !pairing->is_over;
                wr_pairing_tell_subscriber(pairing, WEIR_E_DENIED, sentence);
                if (!is_known)
                        wr_pairing_remove(pairing, WEIR_E_DENIED);
        }
        wr_subscription_settle(subscription);
}

void
wr_reload_subscription(struct wr_subscription *subscription)
{
        char sentence[SENTENCE_ROOM];

        if (!(subscription->topic ? wr_subscription_permitted : wr_subscription_could)(
                    subscription->session, subscription->name, subscription->reliable, sentence, sizeof(sentence)))
                revoke_subscription(subscription, sentence);
        else if (!subscription->topic)
                wr_subscription_recheck(subscription);
}

void
wr_reload_recheck(struct wr_server *server)
{
        struct wr_registry *registry = &server->registry;
        char sentence[SENTENCE_ROOM];

        WR_LIST_EACH(link, &server->sessions)
        {
                struct wr_session *session = WR_LIST_OWNER(link, struct wr_session, link);

                if (!session->is_by_ticket && !session->relay &&
                    !wr_policy_admits(server->policy, &session->identity, sentence, sizeof(sentence)))
                        wr_session_cut(session, 0, WEIR_E_DENIED, "%s", sentence);
        }
        WR_LIST_EACH(link, &registry->publications)
        {
                struct wr_publication *publication = WR_LIST_OWNER(link, struct wr_publication, link);

                if (!wr_publication_permitted(publication->session, publication->topic->name, sentence,
                                              sizeof(sentence)))
                        revoke_publication(publication, sentence);
        }
        WR_LIST_EACH(link, &registry->subscriptions)
        {
                struct wr_subscription *subscription = WR_LIST_OWNER(link, struct wr_subscription, link);

                if (!subscription->is_closing)
                        wr_reload_subscription(subscription);
        }
        WR_LIST_EACH(link, &registry->publications)
        {
                wr_move_away(WR_LIST_OWNER(link, struct wr_publication, link));
        }
}

void
wr_reload_tick(struct wr_server *server)
{
        WR_LIST_EACH(link, &server->registry.subscriptions)
        {
                wr_subscription_tick(WR_LIST_OWNER(link, struct wr_subscription, link));
        }
        WR_LIST_EACH(link, &server->registry.publications)
        {
                wr_move_tick(WR_LIST_OWNER(link, struct wr_publication, link));
        }
}

/* ---- the whole ------------------------------------------------------------------------------------------------ */

static void
take_over(struct wr_server *server, struct wr_policy *policy)
{
        struct wr_policy *old = server->policy;

        server->policy = policy;
        server->accounts.limits = wr_policy_limits(policy);
        wr_policy_close(old);
        wr_reload_recheck(server);
}

enum weir_result
wr_reload_run(struct wr_server *server, const char *who, char *sentence, size_t room)
{
        struct wr_policy *policy = NULL;
        char lost[SENTENCE_ROOM];
        enum weir_result result;

        wr_sentence(sentence, room, "the policy could not be read again");
        result = wr_policy_load_again(&policy, server->policy, sentence, room);
        if (result == WEIR_OK)
                result = sockets_follow(server, policy, sentence, room);
        if (result == WEIR_OK)
                result = wr_listener_admit(server, policy, sentence, room);
        if (result < 0 && policy) {
                sockets_follow(server, server->policy, lost, sizeof(lost));
                wr_listener_admit(server, server->policy, lost, sizeof(lost));
        }
        if (result < 0) {
                wr_policy_close(policy);
                wr_log_line(&server->log, NULL, server->now_ns, WR_LOG_WARNING,
                            "reload asked for by %s: the old policy stays: %s", who, sentence);
                return result;
        }
        take_over(server, policy);
        sockets_restore(server);
        wr_log_line(&server->log, NULL, server->now_ns, WR_LOG_NOTICE, "policy reloaded for %s: %s", who,
                    wr_policy_path(server->policy)[0] ? wr_policy_path(server->policy) : "no file, the default");
        return WEIR_OK;
}
