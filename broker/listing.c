/*
 * What is there, as far as the asker may see it: topics on which it has observe. A subscription with a pattern is seen
 * by who may see one of the topics whose lanes it has, by its own identity, and by full trust of the broker's user. A
 * list is sent in pieces as large as the client's queue takes; meanwhile nothing more is read from it. Where it stands
 * is a serial number, so that whatever comes and goes between two pieces does no harm.
 */
#include "broker/listing.h"

#include "named-objects/sentence.h"
#include "named-objects/user.h"

#include "bus/topic.h"

#include <string.h>

enum { PIECE_BYTES = WR_QUEUE_BYTES_MAX / 2 };

bool
wr_listing_sees(const struct wr_session *session, const char *topic)
{
        return (!session->is_by_ticket && wr_policy_is_own(session->server->policy, &session->identity)) ||
               wr_tickets_decide(session, topic, WR_MAY_OBSERVE, NULL, 0);
}

bool
wr_listing_matches(const struct wr_session *session, const char *name)
{
        if (session->listing.pattern[0] == '\0')
                return wr_watch_matches(session, name);
        wr_quota_match(&session->server->accounts, session->account, session->listing.pattern, name);
        return wr_topic_matches(session->listing.pattern, name);
}

static bool
is_listed(const struct wr_session *session, const struct wr_topic *topic)
{
        return wr_listing_matches(session, topic->name) && wr_listing_sees(session, topic->name);
}

bool
wr_listing_reads(const struct wr_session *asker, const struct wr_pairing *pairing)
{
        return pairing->subscription->topic || is_listed(asker, pairing->publication->topic);
}

static bool
is_subscription_listed(const struct wr_session *session, const struct wr_subscription *subscription)
{
        if (subscription->topic)
                return is_listed(session, subscription->topic);
        if (wr_listing_matches(session, subscription->name) &&
            wr_listing_may_know(session, subscription->session->account->key))
                return true;
        WR_LIST_EACH(link, &subscription->pairings)
        {
                if (wr_listing_reads(session, WR_LIST_OWNER(link, struct wr_pairing, subscription_link)))
                        return true;
        }
        return false;
}

/* The type of its oldest lane. */
static const char *
type_of(const struct wr_topic *topic)
{
        if (wr_list_empty(&topic->publications))
                return "";
        return WR_LIST_OWNER(topic->publications.next, struct wr_publication, topic_link)->type;
}

static void
topic_tell(struct wr_session *session, const struct wr_topic *topic)
{
        struct wr_message message = { .kind = WR_TOPIC, .request = session->listing.request };

        message.topic.publishers = topic->publication_count;
        message.topic.subscribers = wr_registry_readers(topic);
        memcpy(message.topic.topic, topic->name, sizeof(message.topic.topic));
        wr_sentence(message.topic.type, sizeof(message.topic.type), "%s", type_of(topic));
        wr_session_send(session, &message);
}

/* What both kinds of endpoint have in common. */
static struct wr_message
endpoint_of(const struct wr_session *asker, const struct wr_session *owner, const char *topic,
            const struct wr_message_stats *stats, const char *type)
{
        struct wr_message message = { .kind = WR_ENDPOINT, .request = asker->listing.request };
        struct wr_message_endpoint *endpoint = &message.endpoint;

        *endpoint = (struct wr_message_endpoint){
                .id = stats->endpoint,
                .pid = owner->identity.pid,
                .frames = stats->frames,
                .bytes = stats->bytes,
                .lost = stats->lost,
                .skipped = stats->skipped,
                .corrupt = stats->corrupt,
                .full = stats->full,
                .waits = stats->waits,
                .out = stats->out,
                .copied_bytes = stats->copied_bytes,
                .lag_frames = stats->lag_frames,
                .lag_ns = stats->lag_ns,
        };
        wr_sentence(endpoint->topic, sizeof(endpoint->topic), "%s", topic);
        memcpy(endpoint->type, type, sizeof(endpoint->type));
        memcpy(endpoint->name, owner->name, sizeof(endpoint->name));
        memcpy(endpoint->identity, owner->identity_text, sizeof(endpoint->identity));
        endpoint->path = wr_relaying_path(owner, endpoint->why, sizeof(endpoint->why));
        return message;
}

/* How far behind: of all the readers together, or of all the lanes; the oldest frame of the worst. */
static void
lag_add(struct wr_message_endpoint *endpoint, const struct wr_pairing *pairing)
{
        endpoint->lag_frames += pairing->stats.lag_frames;
        if (pairing->stats.lag_ns > endpoint->lag_ns)
                endpoint->lag_ns = pairing->stats.lag_ns;
}

static void
publication_tell(struct wr_session *session, const struct wr_publication *publication)
{
        struct wr_message message = endpoint_of(session, publication->session, publication->topic->name,
                                                &publication->stats, publication->type);

        message.endpoint.source = publication->source;
        message.endpoint.publishes = 1;
        message.endpoint.peers = publication->pairing_count;
        message.endpoint.memory_bytes = publication->geometry.segment_bytes;
        WR_LIST_EACH(link, &publication->pairings)
        {
                lag_add(&message.endpoint, WR_LIST_OWNER(link, struct wr_pairing, publication_link));
        }
        wr_session_send(session, &message);
}

static void
subscription_tell(struct wr_session *session, const struct wr_subscription *subscription)
{
        struct wr_message message = endpoint_of(session, subscription->session, subscription->name,
                                                &subscription->stats, subscription->type);

        message.endpoint.delivery = subscription->reliable;
        message.endpoint.peers = wr_registry_publishers_left(subscription);
        WR_LIST_EACH(link, &subscription->pairings)
        {
                const struct wr_pairing *pairing = WR_LIST_OWNER(link, struct wr_pairing, subscription_link);

                if (wr_listing_reads(session, pairing))
                        lag_add(&message.endpoint, pairing);
        }
        wr_session_send(session, &message);
}

bool
wr_listing_has_room(const struct wr_session *session)
{
        return !session->is_doomed && session->connection.queued_bytes < PIECE_BYTES;
}

/* Each returns false when it had to stop before the end. */
static bool
topics_go_on(struct wr_session *session)
{
        WR_LIST_EACH(link, &session->server->registry.topics)
        {
                const struct wr_topic *topic = WR_LIST_OWNER(link, struct wr_topic, link);

                if (topic->serial <= session->listing.serial || !is_listed(session, topic))
                        continue;
                if (!wr_listing_has_room(session))
                        return false;
                topic_tell(session, topic);
                session->listing.serial = topic->serial;
        }
        return true;
}

static bool
publications_go_on(struct wr_session *session)
{
        WR_LIST_EACH(link, &session->server->registry.publications)
        {
                const struct wr_publication *publication = WR_LIST_OWNER(link, struct wr_publication, link);

                if (publication->serial <= session->listing.serial || !is_listed(session, publication->topic))
                        continue;
                if (!wr_listing_has_room(session))
                        return false;
                (session->listing.who     ? wr_listing_seat_publication
                 : session->listing.watch ? wr_watch_list_publication
                                          : publication_tell)(session, publication);
                session->listing.serial = publication->serial;
        }
        return true;
}

static bool
subscriptions_go_on(struct wr_session *session)
{
        WR_LIST_EACH(link, &session->server->registry.subscriptions)
        {
                const struct wr_subscription *subscription = WR_LIST_OWNER(link, struct wr_subscription, link);

                if (subscription->serial <= session->listing.serial || !is_subscription_listed(session, subscription))
                        continue;
                if (!wr_listing_has_room(session))
                        return false;
                (session->listing.who     ? wr_listing_seat_subscription
                 : session->listing.watch ? wr_watch_list_subscription
                                          : subscription_tell)(session, subscription);
                session->listing.serial = subscription->serial;
        }
        return true;
}

/* The phase behind one that has ended. */
static enum wr_listing
next_phase(enum wr_listing phase)
{
        switch (phase) {
        case WR_LISTING_SESSIONS: return WR_LISTING_PUBLICATIONS;
        case WR_LISTING_PUBLICATIONS: return WR_LISTING_SUBSCRIPTIONS;
        default: return WR_LISTING_NONE;
        }
}

/* False: stopped before the end of the phase. */
static bool
phase_go_on(struct wr_session *session)
{
        switch (session->listing.phase) {
        case WR_LISTING_TOPICS: return topics_go_on(session);
        case WR_LISTING_SESSIONS: return wr_listing_sessions_go_on(session);
        case WR_LISTING_PUBLICATIONS: return publications_go_on(session);
        case WR_LISTING_SUBSCRIPTIONS: return subscriptions_go_on(session);
        case WR_LISTING_REFUSALS: return wr_listing_refusals_go_on(session);
        case WR_LISTING_TICKETS: return wr_tickets_go_on(session);
        default: return true;
        }
}

void
wr_listing_go_on(struct wr_session *session)
{
        struct wr_message done = { .kind = WR_DONE, .request = session->listing.request };

        while (session->listing.phase != WR_LISTING_NONE) {
                if (!phase_go_on(session))
                        return;
                session->listing.phase = next_phase(session->listing.phase);
                session->listing.serial = 0;
        }
        if (session->listing.watch)
                wr_watch_list_end(session);
        wr_session_send(session, &done);
        wr_connection_read(&session->connection, true);
}

static void
begin(struct wr_session *session, uint32_t request, const char *pattern, enum wr_listing phase)
{
        const char *why;

        if (pattern[0] != '\0' && !wr_topic_pattern_valid(pattern, &why)) {
                wr_session_refuse(session, request, WEIR_E_USAGE, "'%s' is no pattern: %s", pattern, why);
                return;
        }
        session->listing.phase = phase;
        session->listing.request = request;
        session->listing.serial = 0;
        session->listing.count = 0;
        session->listing.limit = session->server->registry.serial;
        wr_sentence(session->listing.pattern, sizeof(session->listing.pattern), "%s", pattern);
        wr_connection_read(&session->connection, false); /* else what it sends meanwhile would wake us for nothing */
        wr_listing_go_on(session);
}

void
wr_listing_request(struct wr_session *session, const struct wr_message *message)
{
        session->listing.who = session->listing.watch = false;
        begin(session, message->request, message->list.pattern[0] ? message->list.pattern : "**",
              message->list.endpoints ? WR_LISTING_PUBLICATIONS : WR_LISTING_TOPICS);
}

void
wr_listing_watch(struct wr_session *session, uint32_t request, const char *pattern)
{
        session->listing.who = false;
        session->listing.watch = true;
        begin(session, request, pattern, WR_LISTING_PUBLICATIONS);
}

void
wr_listing_who(struct wr_session *session, const struct wr_message *message)
{
        const char *pattern = message->who.pattern[0] ? message->who.pattern : "**";

        session->listing.who = true;
        session->listing.watch = false;
        begin(session, message->request, pattern,
              message->who.refusals        ? WR_LISTING_REFUSALS
              : strcmp(pattern, "**") == 0 ? WR_LISTING_SESSIONS
                                           : WR_LISTING_PUBLICATIONS);
}

void
wr_listing_tickets(struct wr_session *session, const struct wr_message *message)
{
        session->listing.who = session->listing.watch = false;
        begin(session, message->request, "**", WR_LISTING_TICKETS);
}

/* Where the rules stand is for who could read them anyway. Others are not left to think that there are none. */
static const char *
policy_path_for(const struct wr_session *session)
{
        const struct wr_policy *policy = session->server->policy;
        bool is_root = session->identity.trust == WR_TRUST_FULL && wr_user_is_system(&session->identity.user);

        return !session->is_by_ticket && (is_root || wr_policy_is_own(policy, &session->identity))
                       ? wr_policy_path(policy)
                       : "?";
}

static uint32_t
package_sockets(const struct wr_server *server)
{
        uint32_t count = 0;

        WR_LIST_EACH(link, &server->listeners)
        {
                count += WR_LIST_OWNER(link, struct wr_listener, link)->package != NULL;
        }
        return count;
}

void
wr_listing_status(struct wr_session *session, const struct wr_message *message)
{
        struct wr_server *server = session->server;
        struct wr_message answer = { .kind = WR_STATE, .request = message->request };
        struct wr_message_state *state = &answer.state;

        state->pid = wr_user_process();
        state->scope = server->scope;
        state->uptime_ns = (uint64_t)(server->now_ns - server->started_ns);
        state->sessions = server->session_count;
        state->topics = (uint32_t)server->registry.topics_by_name.count;
        state->lanes = (uint32_t)server->registry.publications_by_lane.count;
        state->pairs = (uint32_t)server->registry.pairings_by_id.count;
        state->subscriptions = (uint32_t)server->registry.subscriptions_by_id.count;
        state->refusals = (uint32_t)server->refusals;
        state->tcp_port = server->tcp_port;
        state->package_sockets = package_sockets(server);
        state->reserve_bytes = server->accounts.held[WR_QUOTA_RESERVE_BYTES];
        wr_sentence(state->version, sizeof(state->version), "%s", WEIR_VERSION_TEXT);
        wr_sentence(state->address, sizeof(state->address), "%s", server->address);
        wr_sentence(state->policy, sizeof(state->policy), "%s", policy_path_for(session));
        wr_session_send(session, &answer);
}

void
wr_listing_stats(struct wr_session *session, const struct wr_message *message)
{
        struct wr_registry *registry = &session->server->registry;
        struct wr_publication *publication = wr_registry_publication(registry, message->stats.endpoint);
        struct wr_subscription *subscription = wr_registry_subscription(registry, message->stats.endpoint);

        if (publication && publication->session == session)
                publication->stats = message->stats;
        else if (subscription && subscription->session == session)
                subscription->stats = message->stats;
}
