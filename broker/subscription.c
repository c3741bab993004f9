/*
 * SUBSCRIBE -> grammar, policy, quota -> SUBSCRIBED with the number of lanes that are there -> a pair for each.
 * After CLOSE_SUBSCRIPTION it takes no more lanes, and ends when the last frame of the last pair was released.
 *
 * A pattern gets the lanes of every topic that it matches and that the policy grants; the others are passed over
 * without a word, and so are types that it did not ask for. Only when there are lanes and every one of them is passed
 * over, or when no rule could ever grant it anything, it is refused: silence would look like an idle topic. Each lane
 * that goes live is held against all patterns, so a pattern counts for several subscriptions of its identity.
 */
#include "broker/handlers.h"
#include "broker/relaying.h"

#include "bus/topic.h"

#include <inttypes.h>
#include <string.h>

enum { FRAMES_DEFAULT = 16, FRAMES_MAX = 1024, DELIVERY_RELIABLE = 1 };

static bool
request_sound(struct wr_session *session, const struct wr_message *message)
{
        const struct wr_message_subscribe *subscribe = &message->subscribe;
        const char *why;

        if (!wr_topic_pattern_valid(subscribe->topic, &why)) /* each topic is a pattern, too */
                wr_session_refuse(session, message->request, WEIR_E_USAGE, "'%s' is no topic and no pattern: %s",
                                  subscribe->topic, why);
        else if (subscribe->delivery > DELIVERY_RELIABLE)
                wr_session_refuse(session, message->request, WEIR_E_USAGE, "'%s': delivery is 0 or 1",
                                  subscribe->topic);
        else if (subscribe->frames_max > FRAMES_MAX)
                wr_session_refuse(session, message->request, WEIR_E_USAGE,
                                  "'%s': frames_max is %" PRIu32
                                  ", the most is %d: lower it, and copy what is kept for longer",
                                  subscribe->topic, subscribe->frames_max, FRAMES_MAX);
        else
                return true;
        return false;
}

/* By whichever path. */
static bool
may_subscribe(const struct wr_session *session, const char *topic, bool is_reliable, char *sentence, size_t room)
{
        const struct wr_session *asker = wr_relaying_asker(session);

        return wr_tickets_decide(asker, topic, WR_MAY_SUBSCRIBE, sentence, room) &&
               (!is_reliable || wr_tickets_decide(asker, topic, WR_MAY_STALL, sentence, room));
}

bool
wr_subscription_permitted(const struct wr_session *session, const char *topic, bool is_reliable, char *sentence,
                          size_t room)
{
        return may_subscribe(session, topic, is_reliable, sentence, room) &&
               (session->relay || wr_tickets_decide(session, topic, WR_MAY_MAP, sentence, room));
}

static bool
is_pattern(const char *topic)
{
        return strchr(topic, '*') != NULL;
}

bool
wr_subscription_could(const struct wr_session *session, const char *pattern, bool is_reliable, char *sentence,
                      size_t room)
{
        uint32_t rights = WR_MAY_SUBSCRIBE | (session->relay ? 0 : WR_MAY_MAP) | (is_reliable ? WR_MAY_STALL : 0);

        return wr_tickets_could(wr_relaying_asker(session), pattern, rights) ||
               wr_subscription_permitted(session, pattern, is_reliable, sentence, room);
}

static bool
request_permitted(struct wr_session *session, const struct wr_message *message)
{
        const char *topic = message->subscribe.topic;
        bool is_reliable = message->subscribe.delivery == DELIVERY_RELIABLE;
        struct wr_relay_wish wish = { .message = message,
                                      .topic = topic,
                                      .require = message->subscribe.require,
                                      .rights = WR_MAY_SUBSCRIBE | (is_reliable ? WR_MAY_STALL : 0),
                                      .is_pattern = is_pattern(topic) };
        char sentence[768];

        if ((wish.is_pattern && wr_tickets_could(wr_relaying_asker(session), topic, wish.rights)) ||
            may_subscribe(session, topic, is_reliable, sentence, sizeof(sentence)))
                return wr_relaying_choose(session, &wish) == WEIR_OK;
        wr_session_refuse(session, message->request, WEIR_E_DENIED, "%s", sentence);
        return false;
}

static uint32_t
frames_of(const struct wr_message_subscribe *subscribe)
{
        return subscribe->frames_max ? subscribe->frames_max : FRAMES_DEFAULT;
}

bool
wr_subscription_is_as(const struct wr_subscription *subscription, const struct wr_message_subscribe *subscribe)
{
        return strcmp(subscription->name, subscribe->topic) == 0 && strcmp(subscription->type, subscribe->type) == 0 &&
               subscription->reliable == (subscribe->delivery == DELIVERY_RELIABLE) &&
               subscription->frames_max == frames_of(subscribe) && subscription->history == subscribe->history;
}

static struct wr_subscription *
create(struct wr_session *session, const struct wr_message_subscribe *subscribe, uint32_t charged)
{
        struct wr_subscription *subscription =
                wr_registry_subscribe(&session->server->registry, subscribe->topic, session);

        if (!subscription)
                return NULL;
        subscription->frames_max = frames_of(subscribe);
        subscription->history = subscribe->history;
        subscription->reliable = subscribe->delivery == DELIVERY_RELIABLE;
        subscription->charged = charged;
        subscription->stats.endpoint = subscription->node.key;
        memcpy(subscription->type, subscribe->type, sizeof(subscription->type));
        wr_list_append(&session->subscriptions, &subscription->session_link);
        wr_rejoin_take(session, subscription);
        return subscription;
}

static bool
is_live(const struct wr_publication *publication)
{
        return publication->state != WR_PUBLICATION_GRANTED;
}

static bool
hears(const struct wr_subscription *subscription, const struct wr_publication *publication)
{
        struct wr_session *session = subscription->session;

        if (!subscription->topic)
                wr_quota_match(&session->server->accounts, session->account, subscription->name,
                               publication->topic->name);
        return wr_registry_hears(subscription, publication->topic->name);
}

/* What a pattern passes over without a word. The sentence of why may be NULL. */
static enum weir_result
pass_over(const struct wr_publication *publication, const struct wr_subscription *subscription, char *sentence,
          size_t room)
{
        const char *topic = publication->topic->name;

        if (!wr_subscription_permitted(subscription->session, topic, subscription->reliable, sentence, room))
                return WEIR_E_DENIED;
        return subscription->type[0] ? wr_pairing_type(publication, subscription, sentence, room) : WEIR_OK;
}

/* The lanes that are there for it, in their order. NULL behind the last; `after` NULL: the first. */
static struct wr_publication *
next_lane(const struct wr_subscription *subscription, const struct wr_publication *after)
{
        struct wr_registry *registry = &subscription->session->server->registry;
        struct wr_topic *topic = subscription->topic;
        struct wr_link *list = topic ? &topic->publications : &registry->publications;
        const struct wr_link *link = !after ? list : topic ? &after->topic_link : &after->link;

        for (link = link->next; link != list; link = link->next) {
                struct wr_publication *publication = topic ? WR_LIST_OWNER(link, struct wr_publication, topic_link)
                                                           : WR_LIST_OWNER(link, struct wr_publication, link);

                if (is_live(publication) && (topic || hears(subscription, publication)))
                        return publication;
        }
        return NULL;
}

/* How many lanes it gets; those that it passes over get the mark. 0 with a sentence: there are some, but none for it.
 */
static uint32_t
lanes_choose(const struct wr_subscription *subscription, uint64_t mark, enum weir_result *reason, char *sentence,
             size_t room)
{
        uint32_t count = 0;

        *reason = WEIR_OK;
        for (struct wr_publication *lane = next_lane(subscription, NULL); lane; lane = next_lane(subscription, lane)) {
                enum weir_result result = WEIR_OK;

                if (!subscription->topic)
                        result = pass_over(lane, subscription, *reason == WEIR_OK ? sentence : NULL,
                                           *reason == WEIR_OK ? room : 0);
                lane->mark = result < 0 ? mark : 0;
                count += result >= 0 && wr_move_brings(lane, subscription);
                if (*reason == WEIR_OK)
                        *reason = result;
        }
        return count;
}

static void
pair_all(struct wr_subscription *subscription, uint32_t request, uint32_t count, uint64_t mark)
{
        struct wr_message message = { .kind = WR_SUBSCRIBED, .request = request };

        message.subscribed.subscription = subscription->node.key;
        message.subscribed.lanes = count;
        wr_session_send(subscription->session, &message);
        for (struct wr_publication *lane = next_lane(subscription, NULL); lane; lane = next_lane(subscription, lane))
                if (lane->mark != mark)
                        wr_pairing_begin(lane, subscription, false);
        wr_watch_subscription_joined(subscription);
}

static void
subscribe(struct wr_session *session, const struct wr_message *message)
{
        struct wr_accounts *accounts = &session->server->accounts;
        uint32_t charged = is_pattern(message->subscribe.topic) ? WR_QUOTA_PATTERN : 1, count;
        uint64_t mark = session->server->registry.serial++;
        struct wr_subscription *subscription;
        enum weir_result reason;
        char sentence[768];

        if (!request_sound(session, message) || !request_permitted(session, message))
                return;
        if (wr_quota_charge(accounts, session->account, WR_QUOTA_SUBSCRIPTIONS, charged, sentence, sizeof(sentence)) <
            0) {
                wr_session_refuse(session, message->request, WEIR_E_QUOTA, "%s", sentence);
                return;
        }
        subscription = create(session, &message->subscribe, charged);
        if (!subscription) {
                wr_quota_return(accounts, session->account, WR_QUOTA_SUBSCRIPTIONS, charged);
                wr_session_refuse(session, message->request, WEIR_E_NO_MEMORY,
                                  "the broker has no memory for a subscription of '%s'. Close some",
                                  message->subscribe.topic);
                return;
        }
        count = lanes_choose(subscription, mark, &reason, sentence, sizeof(sentence));
        if (count == 0 && reason < 0 && !message->subscribe.again) {
                wr_session_refuse(session, message->request, reason, "%s", sentence);
                subscription->is_closing = true;
                wr_subscription_settle(subscription);
                return;
        }
        pair_all(subscription, message->request, count, mark);
        wr_rejoin_settle(subscription);
}

void
wr_subscription_request(struct wr_session *session, const struct wr_message *message)
{
        struct wr_subscription *own = wr_rejoin_own(session, &message->subscribe);

        if (own)
                wr_rejoin_subscription(session, message->request, own);
        else
                subscribe(session, message);
        wr_rejoin_forget(&session->holds); /* of one that was refused: they are not the next one's */
        session->is_hold_refused = false;
}

void
wr_subscription_join(struct wr_publication *publication, uint64_t since)
{
        WR_LIST_EACH(link, &publication->topic->subscriptions)
        {
                struct wr_subscription *subscription = WR_LIST_OWNER(link, struct wr_subscription, topic_link);

                if (!subscription->is_closing && subscription->serial > since)
                        wr_pairing_begin(publication, subscription, true);
        }
        WR_LIST_EACH(link, &publication->session->server->registry.patterns)
        {
                struct wr_subscription *subscription = WR_LIST_OWNER(link, struct wr_subscription, topic_link);

                if (!subscription->is_closing && subscription->serial > since && hears(subscription, publication) &&
                    pass_over(publication, subscription, NULL, 0) >= 0)
                        wr_pairing_begin(publication, subscription, true);
        }
}

void
wr_subscription_recheck(struct wr_subscription *subscription)
{
        struct wr_server *server = subscription->session->server;
        uint64_t mark = server->registry.serial++;
        char sentence[768];

        WR_LIST_EACH(link, &subscription->pairings)
        {
                struct wr_pairing *pairing = WR_LIST_OWNER(link, struct wr_pairing, subscription_link);
                const char *topic = pairing->publication->topic->name;

                pairing->publication->mark = mark;
                if (pairing->is_over || wr_subscription_permitted(subscription->session, topic, subscription->reliable,
                                                                  sentence, sizeof(sentence)))
                        continue;
                wr_pairing_tell_subscriber(pairing, WEIR_E_DENIED, sentence);
                if (pairing->state < WR_PAIRING_GIVEN) {
                        wr_pairing_remove(pairing, WEIR_E_DENIED);
                        continue;
                }
                pairing->publication->must_move = true;
                pairing->revoked_until_ns = server->now_ns + server->revoke_ns;
                subscription->revoked_count++;
        }
        for (struct wr_publication *lane = next_lane(subscription, NULL); lane; lane = next_lane(subscription, lane))
                if (lane->mark != mark && pass_over(lane, subscription, NULL, 0) >= 0)
                        wr_pairing_begin(lane, subscription, false);
}

void
wr_subscription_tick(struct wr_subscription *subscription)
{
        int64_t now_ns = subscription->session->server->now_ns;

        if (subscription->revoked_until_ns != 0 && subscription->revoked_until_ns <= now_ns) {
                wr_subscription_end(subscription, WEIR_E_DENIED);
                return;
        }
        if (subscription->revoked_count == 0)
                return;
        WR_LIST_EACH(link, &subscription->pairings)
        {
                struct wr_pairing *pairing = WR_LIST_OWNER(link, struct wr_pairing, subscription_link);

                if (pairing->revoked_until_ns != 0 && pairing->revoked_until_ns <= now_ns)
                        wr_pairing_remove(pairing, WEIR_E_DENIED);
        }
        wr_subscription_settle(subscription);
}

void
wr_subscription_settle(struct wr_subscription *subscription)
{
        struct wr_session *session = subscription->session;

        if (!subscription->is_closing || subscription->pairing_count > 0)
                return;
        wr_quota_return(&session->server->accounts, session->account, WR_QUOTA_SUBSCRIPTIONS, subscription->charged);
        wr_rejoin_forget(&subscription->holds);
        wr_registry_unsubscribe(&session->server->registry, subscription);
}

void
wr_subscription_close(struct wr_session *session, const struct wr_message *message)
{
        struct wr_subscription *subscription =
                wr_registry_subscription(&session->server->registry, message->close_subscription.subscription);

        if (subscription && wr_relaying_is_of(subscription->session, session)) {
                struct wr_session *agent = subscription->session;

                wr_subscription_end(subscription, WEIR_OK);
                wr_relaying_closed(agent);
                return;
        }
        if (!subscription || subscription->session != session || subscription->is_closing)
                return;
        subscription->is_closing = true;
        wr_watch_subscription_left(subscription, WEIR_OK);
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
        if (!subscription->is_closing)
                wr_watch_subscription_left(subscription, reason);
        subscription->is_closing = true;
        wr_subscription_settle(subscription);
}
