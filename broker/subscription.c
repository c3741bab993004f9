/*
 * SUBSCRIBE -> grammar, policy, quota -> SUBSCRIBED with the number of lanes that are there -> a pair for each.
 * After CLOSE_SUBSCRIPTION it takes no more lanes, and ends when the last frame of the last pair was released.
 */
#include "broker/handlers.h"

#include "bus/topic.h"

#include <inttypes.h>
#include <string.h>

enum { FRAMES_DEFAULT = 16, FRAMES_MAX = 1024, DELIVERY_RELIABLE = 1, PATH_SHM = 1 };

static bool
request_sound(struct wr_session *session, const struct wr_message *message)
{
        const struct wr_message_subscribe *subscribe = &message->subscribe;
        const char *why;

        if (!wr_topic_valid(subscribe->topic, &why))
                wr_session_refuse(session, message->request, WEIR_E_USAGE, "'%s' is no topic: %s", subscribe->topic,
                                  why);
        else if (subscribe->require > PATH_SHM)
                wr_session_refuse(session, message->request, WEIR_E_NO_PATH,
                                  "no path: this broker offers shared memory only, and path %" PRIu32
                                  " was required. Leave .require at 0",
                                  subscribe->require);
        else if (subscribe->delivery > DELIVERY_RELIABLE)
                wr_session_refuse(session, message->request, WEIR_E_USAGE, "'%s': delivery is 0 or 1",
                                  subscribe->topic);
        else if (subscribe->frames_max > FRAMES_MAX)
                wr_session_refuse(session, message->request, WEIR_E_USAGE,
                                  "'%s': frames_max is %" PRIu32 ", the most is %d", subscribe->topic,
                                  subscribe->frames_max, FRAMES_MAX);
        else
                return true;
        return false;
}

bool
wr_subscription_permitted(const struct wr_session *session, const char *topic, bool is_reliable, char *sentence,
                          size_t room)
{
        const struct wr_policy *policy = session->server->policy;

        return wr_policy_decide(policy, &session->identity, topic, WR_MAY_SUBSCRIBE, sentence, room) &&
               wr_policy_decide(policy, &session->identity, topic, WR_MAY_MAP, sentence, room) &&
               (!is_reliable || wr_policy_decide(policy, &session->identity, topic, WR_MAY_STALL, sentence, room));
}

static bool
request_permitted(struct wr_session *session, const struct wr_message *message)
{
        bool is_reliable = message->subscribe.delivery == DELIVERY_RELIABLE;
        char sentence[768];

        if (wr_subscription_permitted(session, message->subscribe.topic, is_reliable, sentence, sizeof(sentence)))
                return true;
        wr_session_refuse(session, message->request, WEIR_E_DENIED, "%s", sentence);
        return false;
}

static struct wr_subscription *
create(struct wr_session *session, const struct wr_message_subscribe *subscribe)
{
        struct wr_subscription *subscription =
                wr_registry_subscribe(&session->server->registry, subscribe->topic, session);

        if (!subscription)
                return NULL;
        subscription->frames_max = subscribe->frames_max ? subscribe->frames_max : FRAMES_DEFAULT;
        subscription->history = subscribe->history;
        subscription->reliable = subscribe->delivery == DELIVERY_RELIABLE;
        subscription->stats.endpoint = subscription->node.key;
        memcpy(subscription->type, subscribe->type, sizeof(subscription->type));
        wr_list_append(&session->subscriptions, &subscription->session_link);
        return subscription;
}

static bool
is_live(const struct wr_publication *publication)
{
        return publication->state != WR_PUBLICATION_GRANTED;
}

static void
pair_all(struct wr_subscription *subscription, uint32_t request)
{
        struct wr_message message = { .kind = WR_SUBSCRIBED, .request = request };
        struct wr_link *publications = &subscription->topic->publications;

        message.subscribed.subscription = subscription->node.key;
        WR_LIST_EACH(link, publications)
        {
                if (is_live(WR_LIST_OWNER(link, struct wr_publication, topic_link)))
                        message.subscribed.lanes++;
        }
        wr_session_send(subscription->session, &message);
        WR_LIST_EACH(link, publications)
        {
                struct wr_publication *publication = WR_LIST_OWNER(link, struct wr_publication, topic_link);

                if (is_live(publication))
                        wr_pairing_begin(publication, subscription, false);
        }
}

void
wr_subscription_request(struct wr_session *session, const struct wr_message *message)
{
        struct wr_accounts *accounts = &session->server->accounts;
        struct wr_subscription *subscription;
        char sentence[512];

        if (!request_sound(session, message) || !request_permitted(session, message))
                return;
        if (wr_quota_charge(accounts, session->account, WR_QUOTA_SUBSCRIPTIONS, 1, sentence, sizeof(sentence)) < 0) {
                wr_session_refuse(session, message->request, WEIR_E_QUOTA, "%s", sentence);
                return;
        }
        subscription = create(session, &message->subscribe);
        if (!subscription) {
                wr_quota_return(accounts, session->account, WR_QUOTA_SUBSCRIPTIONS, 1);
                wr_session_refuse(session, message->request, WEIR_E_NO_MEMORY,
                                  "the broker has no memory for a subscription of '%s'", message->subscribe.topic);
                return;
        }
        pair_all(subscription, message->request);
}

void
wr_subscription_settle(struct wr_subscription *subscription)
{
        struct wr_session *session = subscription->session;

        if (!subscription->is_closing || subscription->pairing_count > 0)
                return;
        wr_quota_return(&session->server->accounts, session->account, WR_QUOTA_SUBSCRIPTIONS, 1);
        wr_registry_unsubscribe(&session->server->registry, subscription);
}

void
wr_subscription_close(struct wr_session *session, const struct wr_message *message)
{
        struct wr_subscription *subscription =
                wr_registry_subscription(&session->server->registry, message->close_subscription.subscription);

        if (!subscription || subscription->session != session || subscription->is_closing)
                return;
        subscription->is_closing = true;
        WR_LIST_EACH(link, &subscription->pairings)
        {
                struct wr_pairing *pairing = WR_LIST_OWNER(link, struct wr_pairing, subscription_link);

                /* A lane that the client has not heard of has nothing out; of the others it says PAIR_DONE. */
                if (pairing->state < WR_PAIRING_GIVEN)
                        wr_pairing_remove(pairing, WEIR_OK);
        }
        wr_subscription_settle(subscription);
}

void
wr_subscription_end(struct wr_subscription *subscription, enum weir_result reason)
{
        WR_LIST_EACH(link, &subscription->pairings)
        {
                wr_pairing_remove(WR_LIST_OWNER(link, struct wr_pairing, subscription_link), reason);
        }
        subscription->is_closing = true;
        wr_subscription_settle(subscription);
}
