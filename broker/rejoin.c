/*
 * Clients that come back. The broker before us is gone; the lanes that it made lie in the memory of their two ends and
 * flow on. We hold nothing of them, so we only learn what there is:
 *
 *      HOLDS (source, lane, pair)...  SUBSCRIBE     a subscription, and the lanes that it reads already
 *      REJOIN                         OPENED        a publication whose segment we do not have: it is foreign
 *
 * The two ends of a pair come in any order; whoever comes second finds the other. Rights and quotas are asked for as
 * for anything new: what a client says of itself grants it nothing, and a lane that it makes up has no readers.
 */
#include "broker/handlers.h"

#include "named-objects/sentence.h"

#include "bus/topic.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { HOLDS_MAX = 4096 /* of a session, between two SUBSCRIBEs */ };

struct hold {
        struct wr_link link;
        uint64_t source, lane, pair;
};

void
wr_rejoin_holds(struct wr_session *session, const struct wr_message *message)
{
        const struct wr_message_holds *holds = &message->holds;
        struct hold *hold = session->hold_count < HOLDS_MAX ? malloc(sizeof(*hold)) : NULL;

        if (!hold) {
                wr_session_cut(session, message->request, WEIR_E_QUOTA,
                               "more than %d lanes are held by one subscription, or no memory is left", HOLDS_MAX);
                return;
        }
        *hold = (struct hold){ .source = holds->source, .lane = holds->lane, .pair = holds->pair };
        wr_list_append(&session->holds, &hold->link);
        session->hold_count++;
}

void
wr_rejoin_take(struct wr_session *session, struct wr_subscription *subscription)
{
        while (!wr_list_empty(&session->holds)) {
                struct wr_link *link = session->holds.next;

                wr_list_remove(link);
                wr_list_append(&subscription->holds, link);
        }
        session->hold_count = 0;
}

void
wr_rejoin_forget(struct wr_link *holds)
{
        while (!wr_list_empty(holds))
                free(WR_LIST_OWNER(wr_list_pop(holds), struct hold, link));
}

static struct hold *
hold_of(const struct wr_subscription *subscription, uint64_t lane)
{
        WR_LIST_EACH(link, &subscription->holds)
        {
                struct hold *hold = WR_LIST_OWNER(link, struct hold, link);

                if (hold->lane == lane)
                        return hold;
        }
        return NULL;
}

uint64_t
wr_rejoin_held(const struct wr_subscription *subscription, uint64_t lane)
{
        const struct hold *hold = lane ? hold_of(subscription, lane) : NULL;

        return hold ? hold->pair : 0;
}

/* A reader that we cut, or that lost us, of a lane that we made: its publisher was told that it is gone and looks at
 * its page no more. So what it has of the lane ends, and it gets the lane anew. */
static void
part(const struct wr_publication *publication, struct wr_subscription *subscription)
{
        struct wr_message message = { .kind = WR_LANE_ENDED };

        message.lane_ended.subscription = subscription->node.key;
        message.lane_ended.lane = publication->geometry.lane;
        message.lane_ended.reason = WEIR_E_CLOSED;
        message.lane_ended.publishers = wr_registry_publishers_left(subscription);
        wr_sentence(message.lane_ended.text, sizeof(message.lane_ended.text),
                    "the broker lost this subscriber of '%s' for a moment: it joins again", publication->topic->name);
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
        struct hold *hold = hold_of(subscription, publication->geometry.lane);
        bool is_entered = false;

        if (!hold)
                return false;
        wr_list_remove(&hold->link);
        if (hold->source == publication->source && publication->is_foreign && !is_lost(publication, hold->pair))
                is_entered = wr_pairing_enter(publication, subscription, hold->pair);
        else if (hold->source == publication->source)
                part(publication, subscription);
        free(hold);
        return is_entered;
}

/* ---- publications */

/*
 * A client that lost patience with us comes back before we have seen the end of its older connection: what that one
 * said counts no more, and whoever reads the lane need not hear of it. False: the lane is another's.
 */
static bool
forget_older(struct wr_session *session, uint64_t lane)
{
        struct wr_publication *publication = wr_registry_publication(&session->server->registry, lane);

        if (!publication)
                return true;
        if (publication->session == session || publication->session->account != session->account ||
            publication->session->identity.pid != session->identity.pid)
                return false;
        wr_session_doom(publication->session);
        wr_publication_end_unheard(publication);
        return true;
}

/* False after a refusal. */
static bool
request_sound(struct wr_session *session, const struct wr_message *message)
{
        const struct wr_message_rejoin *rejoin = &message->rejoin;
        const char *why;

        if (!wr_topic_valid(rejoin->topic, &why))
                wr_session_refuse(session, message->request, WEIR_E_USAGE, "'%s' is no topic: %s", rejoin->topic, why);
        else if (rejoin->lane == 0 || rejoin->source == 0 || !forget_older(session, rejoin->lane))
                wr_session_refuse(session, message->request, WEIR_E_USAGE, "'%s': that lane is here already",
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
        struct wr_publication *publication;
        char sentence[512];

        if (!request_sound(session, message) || !request_permitted(session, message))
                return;
        if (wr_publication_charge(session, rejoin->segment_bytes, sentence, sizeof(sentence)) < 0) {
                wr_session_refuse(session, message->request, WEIR_E_QUOTA, "%s", sentence);
                return;
        }
        publication = wr_registry_rejoin(&session->server->registry, session, rejoin);
        if (!publication) {
                wr_publication_discharge(session, rejoin->segment_bytes, 1);
                wr_session_refuse(session, message->request, WEIR_E_NO_MEMORY, "the broker has no memory for a lane");
                return;
        }
        wr_list_append(&session->publications, &publication->session_link);
        opened.opened.lane = rejoin->lane;
        wr_session_send(session, &opened);
        wr_watch_publication_joined(publication);
        wr_subscription_join(publication, 0);
}
