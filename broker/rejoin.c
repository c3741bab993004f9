/*
 * Clients that come back, each telling what it has:
 *
 *      HOLDS (source, lane, pair)...  SUBSCRIBE     a subscription, and the lanes that it reads already
 *      REJOIN                         OPENED        a publication
 *
 * The broker before us is gone: the lanes that it made lie in the memory of their two ends and flow on, and we only
 * learn what there is. A publication whose segment we do not have is foreign. The two ends of a pair come in any order;
 * whoever comes second finds the other. Rights and quotas are asked for as for anything new: what a client says of
 * itself grants it nothing, and a lane that it makes up has no readers.
 *
 * Or we live, and the client lost patience with us: we still have what is its, with its older connection, whose end we
 * have yet to see, or which is away. All is as it was, so it goes over to the new connection, lanes with their pairs
 * and subscriptions with theirs; the other ends need not hear of it.
 *
 * Nobody may come back with what is another's. Trusted is what the kernel says of both connections: the account (user,
 * package, confinement) and the process. No two processes have one number at a time, and the older one lives: its end
 * ends its session. Of the messages only the names are believed, which have to be those that we gave, random all of
 * them; and the terms have to be the same.
 */
#include "broker/handlers.h"

#include "named-objects/sentence.h"

#include "bus/topic.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* What a lane that is held counts for in the quota, until its pair is entered and counts for itself: the least page
 * that it can be read by. */
enum { HOLD_BYTES = 4096, FREE_MAX = 1024 /* that a session may say for nothing, of pairs that are here */ };

/* The subscription's id is drawn when all that it holds has been said: nobody can aim at a place in the table. */
static uint64_t
key_of(const struct wr_subscription *subscription, uint64_t lane)
{
        return XXH3_64bits_withSeed(&lane, sizeof(lane), subscription->node.key);
}

static struct wr_hold *
hold_of(const struct wr_subscription *subscription, uint64_t lane)
{
        struct wr_node *node =
                wr_table_find(&subscription->session->server->registry.holds, key_of(subscription, lane));

        for (; node; node = wr_table_next(node)) {
                struct wr_hold *hold = WR_TABLE_OWNER(node, struct wr_hold, node);

                if (hold->subscription == subscription && hold->lane == lane)
                        return hold;
        }
        return NULL;
}

static void
hold_drop(struct wr_hold *hold)
{
        struct wr_server *server = hold->session->server;
        struct wr_pairing *pairing = hold->is_charged ? NULL : wr_registry_pairing(&server->registry, hold->pair);

        wr_list_remove(&hold->link);
        wr_table_remove(&server->registry.holds, &hold->node);
        hold->session->free_holds -= !hold->is_charged;
        if (hold->is_charged)
                wr_quota_return(&server->accounts, hold->session->account, WR_QUOTA_ALLOCATED_BYTES, HOLD_BYTES);
        if (pairing)
                pairing->is_claimed = false;
        free(hold);
}

/* Another connection of the process that this one is of. */
static bool
is_same_process(const struct wr_session *session, const struct wr_session *older)
{
        if (session->relay || older->relay) /* what an agent has is not its client's to come back with */
                return false;
        return older != session && !older->is_dead && !session->is_by_ticket && older->account == session->account &&
               older->identity.pid == session->identity.pid;
}

/* The pair that the message names, which the client has by an earlier connection. Its page is charged, so to say so
 * costs nothing more: a client whose quota is used up comes back, too. Once only of each. */
static struct wr_pairing *
claimable(const struct wr_session *session, const struct wr_message_holds *holds)
{
        struct wr_pairing *pairing = wr_registry_pairing(&session->server->registry, holds->pair);

        if (session->free_holds >= FREE_MAX)
                return NULL;
        return pairing && !pairing->is_claimed && is_same_process(session, pairing->subscription->session) ? pairing
                                                                                                           : NULL;
}

void
wr_rejoin_holds(struct wr_session *session, const struct wr_message *message)
{
        const struct wr_message_holds *holds = &message->holds;
        struct wr_accounts *accounts = &session->server->accounts;
        struct wr_pairing *claimed = claimable(session, holds);
        struct wr_hold *hold;
        char sentence[512];

        if (!claimed && wr_quota_charge(accounts, session->account, WR_QUOTA_ALLOCATED_BYTES, HOLD_BYTES, sentence,
                                        sizeof(sentence)) < 0) {
                session->is_hold_refused = true;
                wr_session_refuse(session, message->request, WEIR_E_QUOTA, "%s", sentence);
                return;
        }
        hold = malloc(sizeof(*hold));
        if (!hold) {
                if (!claimed)
                        wr_quota_return(accounts, session->account, WR_QUOTA_ALLOCATED_BYTES, HOLD_BYTES);
                wr_session_cut(session, message->request, WEIR_E_NO_MEMORY,
                               "the broker has no memory for a lane that is held: come again");
                return;
        }
        *hold = (struct wr_hold){ .session = session,
                                  .source = holds->source,
                                  .lane = holds->lane,
                                  .pair = holds->pair,
                                  .is_charged = !claimed };
        session->free_holds += !hold->is_charged;
        if (claimed)
                claimed->is_claimed = true;
        wr_list_append(&session->holds, &hold->link);
}

void
wr_rejoin_take(struct wr_session *session, struct wr_subscription *subscription)
{
        struct wr_table *table = &session->server->registry.holds;

        while (!wr_list_empty(&session->holds)) {
                struct wr_hold *hold = WR_LIST_OWNER(wr_list_pop(&session->holds), struct wr_hold, link);

                if (hold_of(subscription, hold->lane)) { /* said twice */
                        hold_drop(hold);
                        continue;
                }
                hold->subscription = subscription;
                wr_list_append(&subscription->holds, &hold->link);
                wr_table_insert(table, &hold->node, key_of(subscription, hold->lane));
        }
}

void
wr_rejoin_forget(struct wr_link *holds)
{
        while (!wr_list_empty(holds))
                hold_drop(WR_LIST_OWNER(holds->next, struct wr_hold, link));
}

uint64_t
wr_rejoin_held(const struct wr_subscription *subscription, uint64_t lane)
{
        const struct wr_hold *hold = lane ? hold_of(subscription, lane) : NULL;

        return hold ? hold->pair : 0;
}

/* What it has of that lane has ended. */
static void
part(struct wr_subscription *subscription, uint64_t lane, const char *text)
{
        struct wr_message message = { .kind = WR_LANE_ENDED };

        message.lane_ended.subscription = subscription->node.key;
        message.lane_ended.lane = lane;
        message.lane_ended.reason = WEIR_E_CLOSED;
        message.lane_ended.publishers = wr_registry_publishers_left(subscription);
        wr_sentence(message.lane_ended.text, sizeof(message.lane_ended.text), "%s", text);
        wr_session_send(subscription->session, &message);
}

/* A reader whose connection we lost: its publisher was told, and looks at its page no more. */
static bool
is_lost(const struct wr_publication *publication, uint64_t pair)
{
        for (int i = 0; i < WR_LOST_PAIRS; i++)
                if (publication->lost_pairs[i] == pair)
                        return true;
        return false;
}

bool
wr_rejoin_pair(struct wr_publication *publication, struct wr_subscription *subscription)
{
        struct wr_hold *hold = hold_of(subscription, publication->geometry.lane);
        struct wr_hold held;
        char text[512];

        if (!hold)
                return false;
        held = *hold;
        hold_drop(hold);
        if (held.source != publication->source)
                return false;
        if (publication->is_foreign && !is_lost(publication, held.pair) &&
            wr_pairing_enter(publication, subscription, held.pair))
                return true;
        /* A reader that we cut, or that was away for long, of a lane that we made: its publisher was told that it is
         * gone and looks at its page no more. So what it has of the lane ends, and it gets the lane anew. */
        wr_sentence(text, sizeof(text), "the broker lost this subscriber of '%s' for a moment: it joins again",
                    publication->topic->name);
        part(subscription, held.lane, text);
        return false;
}

static void
part_all(struct wr_subscription *subscription, struct wr_link *holds)
{
        char text[512];

        wr_sentence(text, sizeof(text), "a publisher of '%s' left while this subscriber was away from the broker",
                    subscription->name);
        WR_LIST_EACH(link, holds)
        {
                struct wr_hold *hold = WR_LIST_OWNER(link, struct wr_hold, link);
                bool may_come = hold->subscription ? hold->is_charged : hold_of(subscription, hold->lane) != NULL;

                if (may_come) /* its publisher, which has yet to come back to a new broker */
                        continue;
                part(subscription, hold->lane, text);
                hold_drop(hold);
        }
}

void
wr_rejoin_settle(struct wr_subscription *subscription)
{
        part_all(subscription, &subscription->holds);
}

/* ---- subscriptions */

bool
wr_rejoin_has_endpoints(const struct wr_session *session)
{
        WR_LIST_EACH(link, &session->publications)
        {
                if (WR_LIST_OWNER(link, struct wr_publication, session_link)->state != WR_PUBLICATION_GRANTED)
                        return true;
        }
        WR_LIST_EACH(link, &session->subscriptions)
        {
                const struct wr_subscription *subscription = WR_LIST_OWNER(link, struct wr_subscription, session_link);

                if (!subscription->is_closing || subscription->revoked_until_ns != 0)
                        return true;
        }
        return false;
}

/* Something of it went over to another connection. The rest may follow; until then it is away. */
static void
older_leave(struct wr_session *older)
{
        if (!older->is_away || !wr_rejoin_has_endpoints(older))
                wr_session_doom(older);
}

struct wr_subscription *
wr_rejoin_own(const struct wr_session *session, const struct wr_message_subscribe *subscribe)
{
        struct wr_subscription *subscription = wr_registry_subscription(&session->server->registry, subscribe->again);

        if (!subscription || !is_same_process(session, subscription->session))
                return NULL;
        if (subscription->is_closing && subscription->revoked_until_ns == 0)
                return NULL; /* it had closed that one */
        return wr_subscription_is_as(subscription, subscribe) ? subscription : NULL;
}

/* Pairs of this very subscription, that the client was given. */
static void
holds_mark(struct wr_session *session, const struct wr_subscription *subscription)
{
        WR_LIST_EACH(link, &session->holds)
        {
                struct wr_hold *hold = WR_LIST_OWNER(link, struct wr_hold, link);
                struct wr_pairing *pairing = wr_registry_pairing(&session->server->registry, hold->pair);

                if (!pairing || pairing->subscription != subscription || pairing->state < WR_PAIRING_GIVEN ||
                    pairing->publication->geometry.lane != hold->lane || pairing->publication->source != hold->source)
                        continue;
                pairing->is_held = true;
                hold_drop(hold);
        }
}

/* The rules changed while it was away, or what it was told of that was lost. */
static void
revoked_tell(struct wr_subscription *subscription)
{
        struct wr_message message = { .kind = WR_REVOKED };
        char sentence[768];
        bool is_granted = (subscription->topic ? wr_subscription_permitted : wr_subscription_could)(
                subscription->session, subscription->name, subscription->reliable, sentence, sizeof(sentence));

        if (is_granted)
                wr_sentence(sentence, sizeof(sentence),
                            "the right to subscribe to '%s' was withdrawn for a while: open it anew",
                            subscription->name);
        message.revoked.endpoint = subscription->node.key;
        wr_sentence(message.revoked.text, sizeof(message.revoked.text), "%s", sentence);
        wr_session_send(subscription->session, &message);
}

/* Who rested on a ticket has to have redeemed it again by now. */
static bool
has_lost_right(const struct wr_subscription *subscription)
{
        const struct wr_session *session = subscription->session;
        bool is_reliable = subscription->reliable;
        char sentence[768];

        if (subscription->topic)
                return !wr_subscription_permitted(session, subscription->name, is_reliable, sentence, sizeof(sentence));
        WR_LIST_EACH(link, &subscription->pairings)
        {
                const struct wr_pairing *pairing = WR_LIST_OWNER(link, struct wr_pairing, subscription_link);

                if (!pairing->is_over && !wr_subscription_permitted(session, pairing->publication->topic->name,
                                                                    is_reliable, sentence, sizeof(sentence)))
                        return true;
        }
        return !wr_subscription_could(session, subscription->name, is_reliable, sentence, sizeof(sentence));
}

void
wr_rejoin_subscription(struct wr_session *session, uint32_t request, struct wr_subscription *subscription)
{
        struct wr_session *older = subscription->session;
        struct wr_message message = { .kind = WR_SUBSCRIBED, .request = request };

        wr_list_remove(&subscription->session_link);
        wr_list_append(&session->subscriptions, &subscription->session_link);
        subscription->session = session;
        WR_LIST_EACH(link, &subscription->holds)
        {
                WR_LIST_OWNER(link, struct wr_hold, link)->session = session;
        }
        message.subscribed.subscription = subscription->node.key;
        wr_session_send(session, &message);
        if (subscription->is_closing)
                revoked_tell(subscription);
        holds_mark(session, subscription);
        part_all(subscription, &session->holds);
        wr_pairing_come_back(subscription, older);
        older_leave(older);
        if (subscription->is_closing)
                wr_subscription_settle(subscription);
        else if (has_lost_right(subscription))
                wr_reload_subscription(subscription);
        wr_session_pump(session);
        wr_pairing_tick(session);
}

/* ---- publications */

/* Terms and memory are what we granted, whatever it says now. */
static bool
is_own(const struct wr_session *session, const struct wr_message_rejoin *rejoin,
       const struct wr_publication *publication)
{
        return is_same_process(session, publication->session) && publication->source == rejoin->source &&
               strcmp(publication->topic->name, rejoin->topic) == 0 && publication->state != WR_PUBLICATION_MOVED &&
               (publication->state != WR_PUBLICATION_GRANTED || publication->follows);
}

/* All lanes of this publisher: what it moved away from, and what it was to move to. */
static void
take_over(struct wr_session *session, struct wr_session *older, uint64_t source)
{
        WR_LIST_EACH(link, &older->publications)
        {
                struct wr_publication *publication = WR_LIST_OWNER(link, struct wr_publication, session_link);

                if (publication->source != source)
                        continue;
                wr_list_remove(&publication->session_link);
                wr_list_append(&session->publications, &publication->session_link);
                publication->session = session;
        }
}

/* It says where it is: in the successor, of which LANE_MOVED may have been lost, or still in the lane before it. */
static void
move_settle(struct wr_publication *publication, bool is_new)
{
        if (publication->follows && is_new)
                wr_subscription_join(publication, 0); /* those that read the lane before it, first */
        if (publication->follows)
                wr_move_complete(publication->follows);
        else if (publication->successor)
                wr_move_abandon(publication);
}

static void
come_back(struct wr_session *session, uint32_t request, struct wr_publication *publication)
{
        struct wr_session *older = publication->session;
        struct wr_message opened = { .kind = WR_OPENED, .request = request };
        bool is_new = publication->state == WR_PUBLICATION_GRANTED; /* READY was lost */
        enum weir_result result = is_new ? wr_publication_live(publication) : WEIR_OK;

        take_over(session, older, publication->source);
        older_leave(older);
        if (result < 0) {
                struct wr_publication *before = publication->follows;

                wr_session_refuse(session, request, result, "the lane of '%s' could not be sealed. Open it anew",
                                  publication->topic->name);
                wr_publication_end(publication, result, "");
                if (before) /* its publisher has left it */
                        wr_publication_end(before, result, "");
                return;
        }
        wr_list_remove(&publication->errand.link);
        wr_list_remove(&publication->opening_link);
        publication->state = WR_PUBLICATION_OPEN;
        opened.opened.lane = publication->geometry.lane;
        wr_session_send(session, &opened);
        move_settle(publication, is_new);
        publication = wr_registry_publication(&session->server->registry, opened.opened.lane);
        if (publication) /* it had to move on and could not: then it has ended */
                wr_pairing_resume(publication);
}

/* False after a refusal. */
static bool
request_sound(struct wr_session *session, const struct wr_message *message, const struct wr_publication *known)
{
        const struct wr_message_rejoin *rejoin = &message->rejoin;
        const char *why;

        if (!wr_topic_valid(rejoin->topic, &why))
                wr_session_refuse(session, message->request, WEIR_E_USAGE, "'%s' is no topic: %s", rejoin->topic, why);
        else if (rejoin->lane == 0 || rejoin->source == 0 || (known && !is_own(session, rejoin, known)))
                wr_session_refuse(session, message->request, WEIR_E_USAGE,
                                  "'%s': that lane is here already, and not this connection's to come back with. Open "
                                  "the publisher anew",
                                  rejoin->topic);
        else if (rejoin->hash > 2 || rejoin->refuse_reliable > 1)
                wr_session_refuse(session, message->request, WEIR_E_USAGE,
                                  "'%s': hash is 0 to 2 and refuse_reliable 0 or 1", rejoin->topic);
        else
                return true;
        return false;
}

static bool
request_permitted(struct wr_session *session, const struct wr_message *message)
{
        char sentence[768];

        if (wr_publication_permitted(session, message->rejoin.topic, sentence, sizeof(sentence)))
                return true;
        wr_session_refuse(session, message->request, WEIR_E_DENIED, "%s", sentence);
        return false;
}

void
wr_rejoin_publication(struct wr_session *session, const struct wr_message *message)
{
        const struct wr_message_rejoin *rejoin = &message->rejoin;
        struct wr_message opened = { .kind = WR_OPENED, .request = message->request };
        struct wr_publication *publication = wr_registry_publication(&session->server->registry, rejoin->lane);
        char sentence[512];

        if (!request_sound(session, message, publication) || !request_permitted(session, message))
                return;
        if (publication) {
                come_back(session, message->request, publication);
                return;
        }
        if (wr_publication_charge(session, rejoin->segment_bytes, sentence, sizeof(sentence)) < 0) {
                wr_session_refuse(session, message->request, WEIR_E_QUOTA, "%s", sentence);
                return;
        }
        publication = wr_registry_rejoin(&session->server->registry, session, rejoin);
        if (!publication) {
                wr_publication_discharge(session, rejoin->segment_bytes, 1);
                wr_session_refuse(session, message->request, WEIR_E_NO_MEMORY,
                                  "the broker has no memory for a lane. Close some, and open it anew");
                return;
        }
        wr_list_append(&session->publications, &publication->session_link);
        opened.opened.lane = rejoin->lane;
        wr_session_send(session, &opened);
        wr_watch_publication_joined(publication);
        wr_subscription_join(publication, 0);
}
