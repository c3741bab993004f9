/*
 * WATCH: who publishes and who subscribes, told as it happens to sessions that asked and may observe the topic.
 *
 *      WATCH   ->  WATCHED (listed) for each endpoint that is there   ->  WATCHED (all)   ->  DONE
 *              ->  WATCHED (joined, left) from now on
 *
 * The list goes out in pieces (listing.c) while endpoints come and go. One that came meanwhile is told as such and not
 * listed; one that left before its turn is neither listed nor told of. A lane that follows another is the same endpoint
 * in another place, which is nobody's news. A subscription with a pattern is nobody's
 * topic: its own identity is told of it, and full trust of the broker's user.
 *
 * Who does not read for a while (a stopped process) is not cut for what it watches: it misses, and when there is room
 * again it gets a mark and then all that is there.
 */
#include "broker/listing.h"

#include "broker/relaying.h"
#include "named-objects/sentence.h"

#include "bus/os/printf.h"
#include "bus/topic.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { WATCHES_MAX = 16, ROOM_BYTES = WR_QUEUE_BYTES_MAX / 4 * 3 /* the rest is for what nobody may miss */ };
enum role { ROLE_PUBLISHER = 1, ROLE_SUBSCRIBER = 2 }; /* as WEIR_SEAT_... */

struct watch {
        struct wr_link link;
        char pattern[WR_TOPIC_MAX + 8];
};

void
wr_watch_end(struct wr_session *session)
{
        WR_LIST_EACH(link, &session->watches)
        {
                wr_list_remove(link);
                free(WR_LIST_OWNER(link, struct watch, link));
        }
        wr_quota_return(&session->server->accounts, session->account, WR_QUOTA_SUBSCRIPTIONS,
                        session->watch_count * WR_QUOTA_PATTERN);
        session->watch_count = 0;
        session->is_watch_behind = false;
        wr_list_remove(&session->watching_link);
}

static bool
is_watched(const struct wr_session *session, const char *pattern)
{
        WR_LIST_EACH(link, &session->watches)
        {
                if (strcmp(WR_LIST_OWNER(link, struct watch, link)->pattern, pattern) == 0)
                        return true;
        }
        return false;
}

/* False: refused. */
static bool
watch_add(struct wr_session *session, uint32_t request, const char *pattern)
{
        struct watch *watch;
        char sentence[512];
        const char *why;

        if (!wr_topic_pattern_valid(pattern, &why)) {
                wr_session_refuse(session, request, WEIR_E_USAGE, "'%s' is no pattern: %s", pattern, why);
                return false;
        }
        if (is_watched(session, pattern))
                return true;
        if (session->watch_count == WATCHES_MAX) {
                wr_session_refuse(session, request, WEIR_E_QUOTA,
                                  "a connection watches at most %d patterns. Use one that matches more, such as '**'",
                                  WATCHES_MAX);
                return false;
        }
        if (wr_quota_charge(&session->server->accounts, session->account, WR_QUOTA_SUBSCRIPTIONS, WR_QUOTA_PATTERN,
                            sentence, sizeof(sentence)) < 0) {
                wr_session_refuse(session, request, WEIR_E_QUOTA, "%s", sentence);
                return false;
        }
        watch = calloc(1, sizeof(*watch));
        if (!watch) {
                wr_quota_return(&session->server->accounts, session->account, WR_QUOTA_SUBSCRIPTIONS, WR_QUOTA_PATTERN);
                wr_session_refuse(session, request, WEIR_E_NO_MEMORY,
                                  "the broker has no memory left to watch with: watch fewer patterns");
                return false;
        }
        wr_sentence(watch->pattern, sizeof(watch->pattern), "%s", pattern);
        wr_list_append(&session->watches, &watch->link);
        session->watch_count++;
        if (session->watch_count == 1)
                wr_list_append(&session->server->watching, &session->watching_link);
        return true;
}

void
wr_watch_request(struct wr_session *session, const struct wr_message *message)
{
        struct wr_message done = { .kind = WR_DONE, .request = message->request };

        if (message->watch.pattern[0] == '\0') {
                wr_watch_end(session);
                wr_session_send(session, &done);
        } else if (watch_add(session, message->request, message->watch.pattern)) {
                wr_listing_watch(session, message->request, message->watch.pattern);
        }
}

/* ---- what is told ---------------------------------------------------------------------------------------------- */

static struct wr_message
publication_message(const struct wr_publication *publication, enum wr_watched what, uint32_t left)
{
        struct wr_message message = { .kind = WR_WATCHED };
        struct wr_message_watched *watched = &message.watched;

        watched->what = what;
        watched->role = ROLE_PUBLISHER;
        watched->pid = publication->session->identity.pid;
        watched->count = publication->topic->publication_count - left;
        watched->source = publication->source;
        memcpy(watched->topic, publication->topic->name, sizeof(watched->topic));
        return message;
}

/* Of the same name that are there now; `without` one that leaves. */
static uint32_t
subscriptions_now(const struct wr_subscription *subscription, bool without)
{
        const struct wr_link *list = &subscription->topic->subscriptions;
        uint32_t count = 0;

        WR_LIST_EACH(link, list)
        {
                const struct wr_subscription *other = WR_LIST_OWNER(link, struct wr_subscription, topic_link);

                count += !other->is_closing && !(without && other == subscription);
        }
        return count;
}

static struct wr_message
subscription_message(const struct wr_subscription *subscription, enum wr_watched what, uint32_t left)
{
        struct wr_message message = { .kind = WR_WATCHED };
        struct wr_message_watched *watched = &message.watched;

        watched->what = what;
        watched->role = ROLE_SUBSCRIBER;
        watched->pid = subscription->session->identity.pid;
        watched->count = subscription->topic ? subscriptions_now(subscription, left > 0) : 1 - left;
        watched->source = subscription->node.key;
        memcpy(watched->topic, subscription->name, sizeof(watched->topic));
        return message;
}

__attribute__((format(WR_PRINTF, 3, 4))) static void
text_set(struct wr_message *message, const struct wr_session *owner, const char *how, ...)
{
        char said[WR_TOPIC_MAX + 64];
        va_list arguments;

        va_start(arguments, how);
        vsnprintf(said, sizeof(said), how, arguments);
        va_end(arguments);
        wr_sentence(message->watched.text, sizeof(message->watched.text), "%s: %s", said, owner->who);
}

void
wr_watch_list_publication(struct wr_session *session, const struct wr_publication *publication)
{
        struct wr_message message = publication_message(publication, WR_WATCHED_LISTED, 0);

        if (publication->serial >= session->listing.limit || !publication->is_announced || publication->follows)
                return;
        text_set(&message, publication->session, "a publisher of '%s'", publication->topic->name);
        session->listing.count++;
        wr_session_send(session, &message);
}

void
wr_watch_list_subscription(struct wr_session *session, const struct wr_subscription *subscription)
{
        struct wr_message message = subscription_message(subscription, WR_WATCHED_LISTED, 0);

        if (subscription->serial >= session->listing.limit || subscription->is_closing)
                return;
        text_set(&message, subscription->session, "a subscriber of '%s'", subscription->name);
        session->listing.count++;
        wr_session_send(session, &message);
}

void
wr_watch_catch_up(struct wr_session *session)
{
        struct wr_message message = { .kind = WR_WATCHED };

        if (session->listing.phase != WR_LISTING_NONE || !wr_listing_has_room(session))
                return;
        session->is_watch_behind = false;
        message.watched.what = WR_WATCHED_ALL;
        message.watched.reason = WEIR_E_HELD;
        wr_sentence(message.watched.text, sizeof(message.watched.text),
                    "comings and goings were missed, since they were not read: all that is there follows");
        wr_session_send(session, &message);
        wr_listing_watch(session, 0, "");
}

bool
wr_watch_matches(const struct wr_session *session, const char *name)
{
        WR_LIST_EACH(link, &session->watches)
        {
                const char *pattern = WR_LIST_OWNER(link, struct watch, link)->pattern;

                wr_quota_match(&session->server->accounts, session->account, pattern, name);
                if (wr_topic_matches(pattern, name))
                        return true;
        }
        return false;
}

void
wr_watch_list_end(struct wr_session *session)
{
        struct wr_message message = { .kind = WR_WATCHED };

        message.watched.what = WR_WATCHED_ALL;
        message.watched.count = session->listing.count;
        memcpy(message.watched.topic, session->listing.pattern, sizeof(message.watched.topic));
        wr_sentence(message.watched.text, sizeof(message.watched.text), "all that is there on '%s' was told",
                    session->listing.pattern);
        wr_session_send(session, &message);
}

/* ---- to whom --------------------------------------------------------------------------------------------------- */

/* The list of this pattern has not come to it yet: then it is not known there, and may as well have never been. */
static bool
is_before_its_turn(const struct wr_session *session, const char *pattern, const struct wr_message *message,
                   uint64_t serial)
{
        const char *listed = session->listing.pattern;

        if (message->watched.what != WR_WATCHED_LEFT || session->listing.phase == WR_LISTING_NONE ||
            !session->listing.watch || (listed[0] != '\0' && strcmp(listed, pattern) != 0) ||
            serial >= session->listing.limit)
                return false;
        if (message->watched.role == ROLE_PUBLISHER)
                return session->listing.phase == WR_LISTING_PUBLICATIONS && serial > session->listing.serial;
        return session->listing.phase == WR_LISTING_PUBLICATIONS || serial > session->listing.serial;
}

static bool
is_for(const struct wr_session *session, const struct wr_message *message, uint64_t serial)
{
        WR_LIST_EACH(link, &session->watches)
        {
                const char *pattern = WR_LIST_OWNER(link, struct watch, link)->pattern;

                wr_quota_match(&session->server->accounts, session->account, pattern, message->watched.topic);
                if (wr_topic_matches(pattern, message->watched.topic) &&
                    !is_before_its_turn(session, pattern, message, serial))
                        return true;
        }
        return false;
}

static void
tell_one(struct wr_session *session, const struct wr_message *message)
{
        if (session->connection.queued_bytes >= ROOM_BYTES)
                session->is_watch_behind = true;
        if (!session->is_watch_behind)
                wr_session_send(session, message);
}

/* owner: of a subscription with a pattern; NULL: the topic decides who may see it. */
static void
tell(struct wr_server *server, const struct wr_message *message, uint64_t serial, const struct wr_session *owner)
{
        WR_LIST_EACH(link, &server->watching)
        {
                struct wr_session *session = WR_LIST_OWNER(link, struct wr_session, watching_link);

                if (is_for(session, message, serial) && (owner ? wr_listing_may_know(session, owner->account->key)
                                                               : wr_listing_sees(session, message->watched.topic)))
                        tell_one(session, message);
        }
}

void
wr_watch_publication_joined(struct wr_publication *publication)
{
        struct wr_message message = publication_message(publication, WR_WATCHED_JOINED, 0);

        publication->is_announced = true;
        if (publication->follows)
                return;
        text_set(&message, publication->session, "a publisher of '%s' joined", publication->topic->name);
        tell(publication->session->server, &message, publication->serial, NULL);
}

void
wr_watch_publication_left(struct wr_publication *publication, enum weir_result reason, const char *text)
{
        struct wr_message message = publication_message(publication, WR_WATCHED_LEFT, 1);

        if (!publication->is_announced)
                return;
        publication->is_announced = false;
        if (publication->follows || publication->state == WR_PUBLICATION_MOVED)
                return; /* the other one stays, or is told of */
        if (publication->successor)
                publication->successor->is_announced = false;
        message.watched.reason = reason;
        wr_sentence(message.watched.text, sizeof(message.watched.text), "%s", text);
        tell(publication->session->server, &message, publication->serial, NULL);
}

void
wr_watch_subscription_joined(const struct wr_subscription *subscription)
{
        struct wr_session *session = subscription->session;
        struct wr_message message = subscription_message(subscription, WR_WATCHED_JOINED, 0);

        text_set(&message, session, "a subscriber of '%s' joined", subscription->name);
        tell(session->server, &message, subscription->serial, subscription->topic ? NULL : session);
}

void
wr_watch_subscription_left(const struct wr_subscription *subscription, enum weir_result reason)
{
        struct wr_session *session = subscription->session;
        struct wr_message message = subscription_message(subscription, WR_WATCHED_LEFT, 1);

        message.watched.reason = reason;
        text_set(&message, session, "the subscriber of '%s' %s", subscription->name,
                 reason == WEIR_OK         ? "closed"
                 : reason == WEIR_E_DENIED ? "may subscribe to it no longer"
                                           : "died");
        tell(session->server, &message, subscription->serial, subscription->topic ? NULL : session);
}

/* ---- PEER ------------------------------------------------------------------------------------------------------ */

static const struct wr_session *
owner_of(const struct wr_session *asker, uint64_t source)
{
        const struct wr_registry *registry = &asker->server->registry;
        const struct wr_subscription *subscription = wr_registry_subscription(registry, source);
        const struct wr_pairing *pairing = wr_registry_pairing(registry, source);

        /* A reader of our own lane, or of the one that our agent has for us, has shown itself by reading it. */
        if (pairing)
                return wr_relaying_asker(pairing->publication->session) == wr_relaying_asker(asker)
                               ? pairing->subscription->session
                               : NULL;
        if (subscription && (subscription->topic ? wr_listing_sees(asker, subscription->name)
                                                 : wr_listing_may_know(asker, subscription->session->account->key)))
                return subscription->session;
        WR_LIST_EACH(link, &registry->publications)
        {
                const struct wr_publication *publication = WR_LIST_OWNER(link, struct wr_publication, link);

                if (publication->source == source && wr_listing_sees(asker, publication->topic->name))
                        return publication->session;
        }
        return NULL;
}

void
wr_watch_peer(struct wr_session *session, const struct wr_message *message)
{
        const struct wr_session *owner = owner_of(session, message->peer.source);
        struct wr_message answer = { .kind = WR_DONE, .request = message->request };

        if (owner) {
                answer.kind = WR_PEER_IS;
                answer.peer_is.pid = owner->identity.pid;
                memcpy(answer.peer_is.name, owner->name, sizeof(answer.peer_is.name));
                memcpy(answer.peer_is.identity, owner->identity_text, sizeof(answer.peer_is.identity));
        } else {
                answer.done.result = WEIR_E_CLOSED;
        }
        wr_session_send(session, &answer);
}
