/*
 * WHO: every connection by what it does, how far behind it is and what it has out; or the last refusals.
 *
 *      a connection without endpoints    to itself, and to full trust of the broker's own user
 *      a publisher, a subscriber         to who may observe the topic
 *      a refusal                         to who was refused, and to full trust of the broker's own user
 *
 * How far behind is what the publisher of each pair told last (PAIR_STATS, each second): the broker maps nothing. Of a
 * relayed subscriber that is how far its agent is; what is behind it, on the stream and with the client, the agent
 * tells (STATS).
 */
#include "broker/listing.h"

#include "named-objects/sentence.h"

#include <string.h>

enum role { ROLE_NONE, ROLE_PUBLISHER, ROLE_SUBSCRIBER }; /* as WEIR_SEAT_... */

bool
wr_listing_may_know(const struct wr_session *asker, const char *account)
{
        /* By a ticket one has its creator's account, and knows nothing of it. */
        return !asker->is_by_ticket &&
               (wr_policy_is_own(asker->server->policy, &asker->identity) || strcmp(asker->account->key, account) == 0);
}

static struct wr_message
seat_of(const struct wr_session *asker, const struct wr_session *owner, const struct wr_message_stats *stats)
{
        struct wr_message message = { .kind = WR_SEAT, .request = asker->listing.request };
        const struct wr_server *server = asker->server;
        struct wr_message_seat *seat = &message.seat;

        seat->session = owner->id;
        seat->pid = owner->identity.pid;
        /* Its HELLO was due so long after it connected. */
        seat->age_ns = server->now_ns - (owner->greet_until_ns - server->greet_ns);
        if (stats) {
                seat->id = stats->endpoint;
                seat->path = wr_relaying_path(owner, NULL, 0);
                seat->frames = stats->frames;
                seat->lost = stats->lost;
                seat->out = stats->out;
                seat->lag_frames = stats->lag_frames;
                seat->lag_ns = stats->lag_ns;
        }
        memcpy(seat->name, owner->name, sizeof(seat->name));
        memcpy(seat->identity, owner->identity_text, sizeof(seat->identity));
        return message;
}

static void
pair_add(struct wr_message_seat *seat, const struct wr_pairing *pairing)
{
        const struct wr_message_pair_stats *stats = &pairing->stats;

        seat->lag_frames += stats->lag_frames;
        seat->held += stats->held;
        seat->held_bytes += stats->held_bytes;
        if (stats->lag_ns > seat->lag_ns)
                seat->lag_ns = stats->lag_ns;
}

void
wr_listing_seat_publication(struct wr_session *asker, const struct wr_publication *publication)
{
        struct wr_message message = seat_of(asker, publication->session, &publication->stats);
        struct wr_message_seat *seat = &message.seat;

        seat->role = ROLE_PUBLISHER;
        seat->peers = publication->pairing_count;
        memcpy(seat->topic, publication->topic->name, sizeof(seat->topic));
        WR_LIST_EACH(link, &publication->pairings)
        {
                pair_add(seat, WR_LIST_OWNER(link, struct wr_pairing, publication_link));
        }
        wr_session_send(asker, &message);
}

void
wr_listing_seat_subscription(struct wr_session *asker, const struct wr_subscription *subscription)
{
        struct wr_message message = seat_of(asker, subscription->session, &subscription->stats);
        struct wr_message_seat *seat = &message.seat;

        seat->role = ROLE_SUBSCRIBER;
        seat->delivery = subscription->reliable;
        seat->peers = wr_registry_publishers_left(subscription);
        memcpy(seat->topic, subscription->name, sizeof(seat->topic));
        WR_LIST_EACH(link, &subscription->pairings)
        {
                const struct wr_pairing *pairing = WR_LIST_OWNER(link, struct wr_pairing, subscription_link);

                if (wr_listing_reads(asker, pairing))
                        pair_add(seat, pairing);
        }
        wr_session_send(asker, &message);
}

static bool
has_endpoints(const struct wr_session *session)
{
        return !wr_list_empty(&session->publications) || !wr_list_empty(&session->subscriptions);
}

/* Nothing of its own, and no agent has anything for it. An agent is no connection of its own. */
static bool
is_bare(const struct wr_session *session)
{
        if (!session->is_greeted || session->is_doomed || session->relay || has_endpoints(session))
                return false;
        WR_LIST_EACH(link, &session->relays)
        {
                const struct wr_relay *relay = WR_LIST_OWNER(link, struct wr_relay, client_link);

                if (relay->agent && has_endpoints(relay->agent))
                        return false;
        }
        return true;
}

bool
wr_listing_sessions_go_on(struct wr_session *session)
{
        WR_LIST_EACH(link, &session->server->sessions)
        {
                const struct wr_session *other = WR_LIST_OWNER(link, struct wr_session, link);
                struct wr_message message;

                if (other->serial <= session->listing.serial || !is_bare(other) ||
                    !wr_listing_may_know(session, other->account->key))
                        continue;
                if (!wr_listing_has_room(session))
                        return false;
                message = seat_of(session, other, NULL);
                wr_session_send(session, &message);
                session->listing.serial = other->serial;
        }
        return true;
}

static void
refusal_tell(struct wr_session *session, const struct wr_refusal *refusal)
{
        struct wr_message message = { .kind = WR_REFUSED, .request = session->listing.request };
        struct wr_message_refused *refused = &message.refused;

        refused->age_ns = session->server->now_ns - refusal->at_ns;
        refused->result = refusal->result;
        refused->pid = refusal->pid;
        refused->times = refusal->times;
        memcpy(refused->topic, refusal->topic, sizeof(refused->topic));
        memcpy(refused->name, refusal->name, sizeof(refused->name));
        memcpy(refused->identity, refusal->identity, sizeof(refused->identity));
        memcpy(refused->sentence, refusal->sentence, sizeof(refused->sentence));
        wr_session_send(session, &message);
}

/* A refusal without a topic is about the connection: it is listed where all is. */
static bool
is_wanted(const struct wr_session *session, const char *topic)
{
        return topic[0] ? wr_listing_matches(session, topic) : strcmp(session->listing.pattern, "**") == 0;
}

bool
wr_listing_refusals_go_on(struct wr_session *session)
{
        const struct wr_refusal *refusal;

        while ((refusal = wr_refusal_next(&session->server->refused, session->listing.serial))) {
                if (!wr_listing_has_room(session))
                        return false;
                if (wr_listing_may_know(session, refusal->account) && is_wanted(session, refusal->topic))
                        refusal_tell(session, refusal);
                session->listing.serial = refusal->serial;
        }
        return true;
}

void
wr_listing_pair_stats(struct wr_session *session, const struct wr_message *message)
{
        struct wr_pairing *pairing = wr_registry_pairing(&session->server->registry, message->pair_stats.pair);

        if (pairing && pairing->publication->session == session)
                pairing->stats = message->pair_stats;
}

void
wr_listing_refused(const struct wr_session *session, enum weir_result result, const char *topic, const char *sentence)
{
        struct wr_refusal refusal = { .result = result, .pid = session->identity.pid };

        wr_sentence(refusal.account, sizeof(refusal.account), "%s", session->account->key);
        wr_sentence(refusal.topic, sizeof(refusal.topic), "%s", topic);
        memcpy(refusal.name, session->name, sizeof(refusal.name));
        memcpy(refusal.identity, session->identity_text, sizeof(refusal.identity));
        if (!refusal.identity[0]) /* not greeted yet */
                wr_sentence(refusal.identity, sizeof(refusal.identity), "%s", session->account->key);
        wr_sentence(refusal.sentence, sizeof(refusal.sentence), "%s", sentence);
        wr_refusal_note(&session->server->refused, &refusal, session->server->now_ns);
}
