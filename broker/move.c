/*
 * A lane moves: a fresh segment follows it, and its readers go over when they hold both.
 *
 *      move_begin     plan, quota, memory  ->  LANE_GRANT that names the lane it follows
 *      READY          sealed and announced as any lane; each reader of the old one gets the successor, and says in its
 *                     old page that it holds it (not to us: who waits for the readers is the publisher)
 *      LANE_MOVED     the publisher wrote END: the old lane counts for nothing any more, and ends with its last reader;
 *                     only now newcomers are invited
 *
 * A publisher without memory for it closes the successor instead (CLOSE_LANE), and is asked again a second later; where
 * a right was withdrawn, the third time ends the lane.
 *
 * Asked for by newcomers of a foreign lane, by a publisher whose lane is too small or pinned away, and by a policy that
 * took a right away. While both lanes are there their identity is charged for the memory of both, and for one lane.
 */
#include "broker/handlers.h"

#include "named-objects/sentence.h"

#include <inttypes.h>

enum {
        PINNED_MAX = 2, /* moves that one subscriber may cause while what it pinned before still lives */
        REFUSED_MAX = 3 /* successors that a publisher gives back until a withdrawn right ends its lane */
};

#define REFUSED_NS INT64_C(1000000000)

#define MEMORY_MOST (UINT64_C(1) << 46)

uint64_t
wr_move_follows(const struct wr_publication *publication, const struct wr_subscription *subscription)
{
        if (publication->follows)
                WR_LIST_EACH(link, &subscription->pairings)
                {
                        const struct wr_pairing *pairing = WR_LIST_OWNER(link, struct wr_pairing, subscription_link);

                        if (pairing->publication == publication->follows && pairing->state >= WR_PAIRING_GIVEN)
                                return pairing->node.key;
                }
        return wr_rejoin_held(subscription, publication->geometry.follows);
}

bool
wr_move_brings(const struct wr_publication *publication, const struct wr_subscription *subscription)
{
        if (wr_rejoin_held(subscription, publication->geometry.lane))
                return false;
        return !publication->successor || publication->successor->state == WR_PUBLICATION_GRANTED;
}

/* What it does not say is as the lane has it. */
static enum weir_result
plan(const struct wr_publication *publication, const struct wr_move_wish *wish, struct wr_lane_geometry *geometry,
     char *sentence, size_t room)
{
        uint64_t memory_max = wish->memory_max ? wish->memory_max : publication->memory_max;
        uint64_t ring_bytes = wish->ring_bytes ? wish->ring_bytes : publication->geometry.ring_bytes;

        *geometry = (struct wr_lane_geometry){ .hash = publication->geometry.hash };
        if (memory_max <= MEMORY_MOST && wr_lane_geometry_plan(geometry, memory_max, ring_bytes, publication->history,
                                                               publication->loans_max) == WEIR_OK)
                return WEIR_OK;
        wr_sentence(sentence, room,
                    "quota: memory_max of %" PRIu64 " bytes does not fit the ring, the history and the loans of '%s'. "
                    "%s it",
                    memory_max, publication->topic->name, memory_max > MEMORY_MOST ? "Lower" : "Raise");
        return WEIR_E_QUOTA;
}

enum weir_result
wr_move_begin(struct wr_publication *publication, const struct wr_move_wish *wish, char *sentence, size_t room)
{
        struct wr_session *session = publication->session;
        struct wr_accounts *accounts = &session->server->accounts;
        struct wr_publication *successor;
        struct wr_lane_geometry geometry;
        enum weir_result result;

        if (publication->successor)
                return WEIR_OK;
        result = plan(publication, wish, &geometry, sentence, room);
        if (result == WEIR_OK)
                result = wr_quota_charge(accounts, session->account, WR_QUOTA_RESERVE_BYTES, geometry.segment_bytes,
                                         sentence, room);
        if (result < 0)
                return result;
        successor = wr_registry_succeed(&session->server->registry, publication, &geometry);
        result = successor ? wr_publication_grant(successor, wish->request) : WEIR_E_NO_MEMORY;
        if (result == WEIR_OK) {
                if (wish->memory_max)
                        successor->memory_max = wish->memory_max;
                return WEIR_OK;
        }
        if (successor)
                wr_registry_unpublish(&session->server->registry, successor);
        wr_quota_return(accounts, session->account, WR_QUOTA_RESERVE_BYTES, geometry.segment_bytes);
        wr_sentence(sentence, room,
                    "the broker has no memory or no descriptor left for a lane of %" PRIu64
                    " bytes. Lower memory_max, or raise its limit of open files (ulimit -n)",
                    geometry.segment_bytes);
        return result;
}

/* Its publisher gave the successor back, having no memory for it. At once it would have none again. */
void
wr_move_refused(struct wr_publication *publication)
{
        /* Asked for by the publisher itself, it was a wish; by newcomers, they wait; by a right withdrawn, it stays so.
         */
        bool must_move = publication->successor->request == 0 && !publication->is_foreign;

        publication->must_move |= must_move;
        if (publication->must_move && publication->moves_refused < REFUSED_MAX)
                publication->moves_refused++;
        publication->move_after_ns = publication->session->server->now_ns + REFUSED_NS;
}

bool
wr_move_is_early(const struct wr_publication *publication)
{
        return publication->session->server->now_ns < publication->move_after_ns;
}

/* False: the sentence says why it cannot. */
static bool
moves_away(struct wr_publication *publication, char *sentence, size_t room)
{
        if (publication->moves_refused == REFUSED_MAX) {
                wr_sentence(sentence, room, "its publisher has no memory for another one");
                return false;
        }
        return wr_move_begin(publication, &(struct wr_move_wish){ 0 }, sentence, room) == WEIR_OK;
}

void
wr_move_away(struct wr_publication *publication)
{
        struct wr_session *session = publication->session;
        struct wr_message message = { .kind = WR_REVOKED };
        char sentence[512], text[512];

        if (!publication->must_move || publication->successor || publication->follows ||
            publication->state != WR_PUBLICATION_OPEN || session->is_doomed || wr_move_is_early(publication))
                return; /* it moves when it has been opened, and once more when it has moved: the tick looks */
        if (moves_away(publication, sentence, sizeof(sentence))) {
                publication->must_move = false;
                return;
        }
        wr_sentence(
                text, sizeof(text),
                "the lane of '%s' ends: a subscriber lost its right to it, and it cannot move on without that one: %s",
                publication->topic->name, sentence);
        wr_log_line(&session->server->log, session->account, session->server->now_ns, WR_LOG_WARNING, "%s: %s",
                    session->who, text);
        message.revoked.endpoint = publication->geometry.lane;
        wr_sentence(message.revoked.text, sizeof(message.revoked.text), "%s", text);
        wr_session_send(session, &message);
        wr_publication_end(publication, WEIR_E_DENIED, text);
}

void
wr_move_abandon(struct wr_publication *publication)
{
        struct wr_publication *successor = publication->successor;
        /* Newcomers are invited anew below; what a right was withdrawn for is looked after by the tick. */
        bool must_move = successor->request == 0 && !publication->is_foreign;

        wr_publication_end(successor, WEIR_OK, "its publisher came back without it");
        publication->must_move |= must_move;
}

void
wr_move_tick(struct wr_publication *publication)
{
        if (publication->move_after_ns != 0 && !wr_move_is_early(publication) && !publication->follows) {
                publication->move_after_ns = 0;
                if (publication->is_foreign && !publication->successor && !publication->is_ending)
                        wr_subscription_join(publication, 0); /* who came meanwhile waits for the next lane */
        }
        wr_move_away(publication);
}

/* Lanes of this publisher that moved because of this subscriber, and that are still there. */
static uint32_t
pinned_by(const struct wr_publication *publication, const struct wr_subscription *subscription)
{
        uint32_t count = 0;

        WR_LIST_EACH(link, &subscription->pairings)
        {
                const struct wr_pairing *pairing = WR_LIST_OWNER(link, struct wr_pairing, subscription_link);

                count += pairing->publication->state == WR_PUBLICATION_MOVED &&
                         pairing->publication->source == publication->source && pairing->is_pinning;
        }
        return count;
}

/* A subscriber that had its share of moves stays behind in the old lane, and is told why. */
static void
pinning_note(struct wr_publication *publication, uint64_t pair)
{
        struct wr_pairing *pairing = wr_registry_pairing(&publication->session->server->registry, pair);
        char text[512];

        if (!pairing || pairing->publication != publication)
                return;
        if (pinned_by(publication, pairing->subscription) < PINNED_MAX) {
                pairing->is_pinning = true;
                return;
        }
        wr_sentence(text, sizeof(text),
                    "evicted from '%s': the frames that it keeps have filled %d lanes of this publisher. Release them "
                    "sooner, or copy them",
                    publication->topic->name, PINNED_MAX);
        wr_pairing_tell_subscriber(pairing, WEIR_E_EVICTED, text);
}

void
wr_move_request(struct wr_session *session, const struct wr_message *message)
{
        const struct wr_message_move *move = &message->move;
        const struct wr_move_wish wish = { move->memory_max, move->ring_bytes, message->request };
        struct wr_publication *publication = wr_registry_publication(&session->server->registry, move->lane);
        char sentence[512];

        if (!publication || publication->session != session || publication->state != WR_PUBLICATION_OPEN ||
            publication->follows || publication->successor) {
                wr_session_refuse(session, message->request, WEIR_E_USAGE, "that lane cannot move now");
                return;
        }
        if (move->pinned_by)
                pinning_note(publication, move->pinned_by);
        if (wr_move_begin(publication, &wish, sentence, sizeof(sentence)) < 0)
                wr_session_refuse(session, message->request, WEIR_E_QUOTA, "%s", sentence);
}

void
wr_move_complete(struct wr_publication *publication)
{
        struct wr_publication *successor = publication->successor;

        wr_publication_settle(successor, true);
        successor->stats = publication->stats;
        successor->stats.endpoint = successor->geometry.lane;
        successor->is_lane_charged = publication->is_lane_charged;
        publication->is_lane_charged = false;
        wr_registry_retire(&publication->session->server->registry, publication);
        publication->is_ending = true; /* not by one of these, while they are walked over */
        wr_object_close(publication->read_only);
        publication->read_only = WR_NO_OBJECT;
        WR_LIST_EACH(link, &publication->pairings)
        {
                struct wr_pairing *pairing = WR_LIST_OWNER(link, struct wr_pairing, publication_link);

                if (pairing->state < WR_PAIRING_GIVEN) /* it never heard of this lane */
                        wr_pairing_forget(pairing);
        }
        publication->is_ending = false;
        if (publication->pairing_count == 0)
                wr_publication_end(publication, WEIR_OK, "");
        wr_subscription_join(successor, 0);
        wr_move_away(successor);
}

void
wr_move_done(struct wr_session *session, const struct wr_message *message)
{
        struct wr_publication *publication =
                wr_registry_publication(&session->server->registry, message->lane_moved.lane);
        struct wr_publication *successor = publication ? publication->successor : NULL;

        if (!publication)
                return; /* said to the broker before us, or it ended meanwhile */
        if (publication->session != session)
                return; /* another connection's, whose end we have yet to see */
        if (publication->follows || !successor || successor->geometry.lane != message->lane_moved.successor ||
            successor->state == WR_PUBLICATION_GRANTED) {
                wr_session_cut(session, message->request, WEIR_E_CORRUPT, "LANE_MOVED for a lane that did not move");
                return;
        }
        wr_move_complete(publication);
}
