/*
 * A lane's way into the world:
 *
 *      PUBLISH  ->  grammar, policy, plan, quota  ->  LANE_GRANT (writable)
 *      READY    ->  seal, check, a read-only descriptor in place of the writable one: from here on nobody, the broker
 *                   included, can get another writable mapping; only now may a subscriber hear of it
 *      the subscriptions that were there have been sent the lane, or 500 ms have passed  ->  OPENED
 */
#include "broker/handlers.h"
#include "broker/relaying.h"

#include "named-objects/sentence.h"

#include "bus/topic.h"

#include <inttypes.h>
#include <string.h>

enum { OPENING_NS = 500 * 1000000 };

#define MEMORY_DEFAULT (UINT64_C(1) << 30)
#define MEMORY_MOST    (UINT64_C(1) << 46) /* half of a process's address space */

static enum weir_result
grant_send(struct wr_session *session, struct wr_errand *errand)
{
        struct wr_publication *publication = WR_LIST_OWNER(errand, struct wr_publication, errand);
        const struct wr_lane_geometry *g = &publication->geometry;
        struct wr_message message = { .kind = WR_LANE_GRANT, .request = publication->request };

        message.lane_grant = (struct wr_message_lane_grant){
                .source = publication->source,
                .lane = g->lane,
                .epoch = g->epoch,
                .follows = g->follows,
                .segment_bytes = g->segment_bytes,
                .ring_offset = g->ring_offset,
                .ring_bytes = g->ring_bytes,
                .heap_offset = g->heap_offset,
                .heap_bytes = g->heap_bytes,
                .start = g->start,
                .inline_max = g->inline_max,
                .hash = g->hash,
        };
        return wr_session_send_objects(session, &message, &publication->writable, 1, WR_READY, g->lane);
}

/* Everything about the request that needs no rights: false after a refusal. */
static bool
request_sound(struct wr_session *session, const struct wr_message *message)
{
        const struct wr_message_publish *publish = &message->publish;
        const char *why;

        if (!wr_topic_valid(publish->topic, &why))
                wr_session_refuse(session, message->request, WEIR_E_USAGE, "'%s' is no topic: %s", publish->topic, why);
        else if (publish->hash > 2 || publish->refuse_reliable > 1)
                wr_session_refuse(session, message->request, WEIR_E_USAGE,
                                  "'%s': hash is 0 to 2 and refuse_reliable 0 or 1", publish->topic);
        else
                return true;
        return false;
}

bool
wr_publication_permitted(const struct wr_session *session, const char *topic, char *sentence, size_t room)
{
        const struct wr_session *asker = wr_relaying_asker(session);

        return wr_tickets_decide(asker, topic, WR_MAY_PUBLISH, sentence, room) &&
               (session->relay || wr_tickets_decide(asker, topic, WR_MAY_MAP, sentence, room));
}

static bool
request_permitted(struct wr_session *session, const struct wr_message *message)
{
        const struct wr_relay_wish wish = { .message = message,
                                            .topic = message->publish.topic,
                                            .require = message->publish.require,
                                            .rights = WR_MAY_PUBLISH };
        char sentence[768];

        if (wr_tickets_decide(wr_relaying_asker(session), wish.topic, WR_MAY_PUBLISH, sentence, sizeof(sentence)))
                return wr_relaying_choose(session, &wish) == WEIR_OK;
        wr_session_refuse(session, message->request, WEIR_E_DENIED, "%s", sentence);
        return false;
}

enum weir_result
wr_publication_charge(struct wr_session *session, uint64_t segment_bytes, char *sentence, size_t room)
{
        struct wr_accounts *accounts = &session->server->accounts;
        enum weir_result result = wr_quota_charge(accounts, session->account, WR_QUOTA_LANES, 1, sentence, room);

        if (result < 0)
                return result;
        result = wr_quota_charge(accounts, session->account, WR_QUOTA_RESERVE_BYTES, segment_bytes, sentence, room);
        if (result < 0)
                wr_quota_return(accounts, session->account, WR_QUOTA_LANES, 1);
        return result;
}

void
wr_publication_discharge(struct wr_session *session, uint64_t segment_bytes, uint64_t lanes)
{
        wr_quota_return(&session->server->accounts, session->account, WR_QUOTA_LANES, lanes);
        wr_quota_return(&session->server->accounts, session->account, WR_QUOTA_RESERVE_BYTES, segment_bytes);
}

enum weir_result
wr_publication_grant(struct wr_publication *publication, uint32_t request)
{
        struct wr_session *session = publication->session;
        enum weir_result result =
                wr_region_create(&publication->writable, "weir-lane", publication->geometry.segment_bytes);

        if (result < 0)
                return result;
        publication->request = request;
        publication->stats.endpoint = publication->geometry.lane;
        publication->errand.run = grant_send;
        wr_list_append(&session->publications, &publication->session_link);
        wr_session_errand(session, &publication->errand);
        return WEIR_OK;
}

static void
create(struct wr_session *session, const struct wr_message *message, const struct wr_lane_geometry *plan)
{
        const struct wr_message_publish *publish = &message->publish;
        struct wr_registry *registry = &session->server->registry;
        struct wr_publication *publication = wr_registry_publish(registry, publish->topic, session, plan);
        enum weir_result result = WEIR_E_NO_MEMORY;

        if (publication) {
                publication->is_lane_charged = true;
                publication->memory_max = publish->memory_max ? publish->memory_max : MEMORY_DEFAULT;
                publication->history = publish->history;
                publication->loans_max = publish->loans_max;
                publication->refuse_reliable = publish->refuse_reliable != 0;
                memcpy(publication->type, publish->type, sizeof(publication->type));
                result = wr_publication_grant(publication, message->request);
        }
        if (result < 0) {
                wr_session_refuse(session, message->request, result,
                                  result == WEIR_E_QUOTA ? "the broker has no descriptor left for a lane of %" PRIu64
                                                           " bytes. Raise its limit of open files (ulimit -n)"
                                                         : "the broker has no memory for a lane of %" PRIu64
                                                           " bytes. Lower memory_max",
                                  plan->segment_bytes);
                if (publication)
                        wr_registry_unpublish(registry, publication);
                wr_publication_discharge(session, plan->segment_bytes, 1);
        }
}

void
wr_publication_request(struct wr_session *session, const struct wr_message *message)
{
        const struct wr_message_publish *publish = &message->publish;
        uint64_t memory_max = publish->memory_max ? publish->memory_max : MEMORY_DEFAULT;
        struct wr_lane_geometry plan = { .hash = publish->hash };
        char sentence[512];

        if (!request_sound(session, message) || !request_permitted(session, message))
                return;
        if (memory_max > MEMORY_MOST ||
            wr_lane_geometry_plan(&plan, memory_max, 0, publish->history, publish->loans_max) < 0) {
                wr_session_refuse(session, message->request, WEIR_E_QUOTA,
                                  "quota: memory_max of %" PRIu64 " bytes does not fit %" PRIu32 " frames of history"
                                  " and %" PRIu32 " loans. %s memory_max",
                                  memory_max, publish->history, publish->loans_max,
                                  memory_max > MEMORY_MOST ? "Lower" : "Raise");
                return;
        }
        if (wr_publication_charge(session, plan.segment_bytes, sentence, sizeof(sentence)) < 0) {
                wr_session_refuse(session, message->request, WEIR_E_QUOTA, "%s", sentence);
                return;
        }
        create(session, message, &plan);
}

/* The order of the design: seal, check, hand out read-only. */
enum weir_result
wr_publication_live(struct wr_publication *publication)
{
        uint64_t bytes = publication->geometry.segment_bytes;
        enum weir_result result = wr_region_seal(publication->writable);

        if (result == WEIR_OK)
                result = wr_region_check(publication->writable, bytes, true);
        if (result == WEIR_OK)
                result = wr_region_read_only(publication->writable, &publication->read_only);
        wr_object_close(publication->writable);
        publication->writable = WR_NO_OBJECT;
        return result;
}

/* A lane of this session, or NULL. */
static struct wr_publication *
own(struct wr_session *session, uint64_t lane)
{
        struct wr_publication *publication = wr_registry_publication(&session->server->registry, lane);

        return publication && publication->session == session ? publication : NULL;
}

void
wr_publication_ready(struct wr_session *session, const struct wr_message *message)
{
        struct wr_publication *publication = own(session, message->ready.lane);
        struct wr_server *server = session->server;
        enum weir_result result;

        if (session->owes != WR_READY || session->owes_id != message->ready.lane ||
            (publication && publication->state != WR_PUBLICATION_GRANTED)) {
                wr_session_cut(session, message->request, WEIR_E_CORRUPT, "READY for a lane that was not granted");
                return;
        }
        if (!publication) { /* revoked while it was being mapped */
                wr_session_answered(session, WR_READY, message->ready.lane);
                return;
        }
        result = wr_publication_live(publication);
        if (result < 0) {
                wr_session_refuse(session, publication->request, result, "the lane of '%s' could not be sealed",
                                  publication->topic->name);
                wr_publication_end(publication, result, "");
                wr_session_answered(session, WR_READY, message->ready.lane);
                return;
        }
        publication->state = WR_PUBLICATION_OPENING;
        publication->opening_until_ns = server->now_ns + OPENING_NS;
        wr_list_append(&server->opening, &publication->opening_link);
        publication->awaited = 1; /* this function, so that a pair refused at once does not settle it early */
        if (publication->geometry.follows == 0) /* else it joined long ago */
                wr_watch_publication_joined(publication);
        wr_subscription_join(publication, 0);
        wr_session_answered(session, WR_READY, message->ready.lane);
        publication->awaited--;
        wr_publication_settle(publication, false);
}

void
wr_publication_settle(struct wr_publication *publication, bool is_late)
{
        struct wr_message message = { .kind = WR_OPENED, .request = publication->request };

        if (publication->state != WR_PUBLICATION_OPENING || (publication->awaited > 0 && !is_late))
                return;
        publication->state = WR_PUBLICATION_OPEN;
        wr_list_remove(&publication->opening_link);
        if (publication->geometry.follows != 0)
                return; /* its publisher was never closed: it needs no word of this */
        message.opened.lane = publication->geometry.lane;
        WR_LIST_EACH(link, &publication->pairings)
        {
                if (WR_LIST_OWNER(link, struct wr_pairing, publication_link)->state >= WR_PAIRING_GIVEN)
                        message.opened.pairs++;
        }
        wr_session_send(publication->session, &message);
}

/* Who came while a lane moved came behind its successor; a foreign lane moves because of who came before. */
static uint64_t
newcomers_since(const struct wr_publication *publication, uint64_t successor)
{
        return publication->is_foreign ? 0 : successor;
}

/* It ends before it has moved. Who came meanwhile was promised what becomes of it: it gets a pair, to be told by. */
static void
forsake(struct wr_publication *publication)
{
        uint64_t since = newcomers_since(publication, publication->successor->serial);

        publication->successor->follows = NULL;
        publication->successor = NULL;
        wr_subscription_join(publication, since);
}

void
wr_publication_end(struct wr_publication *publication, enum weir_result reason, const char *text)
{
        struct wr_session *session = publication->session;
        struct wr_publication *before = publication->follows;
        uint64_t serial = publication->serial;
        bool has_moved = publication->state == WR_PUBLICATION_MOVED; /* its readers find that out in the lane */

        if (!has_moved && !publication->follows)
                wr_watch_publication_left(publication, reason, text);
        /* It ends: no OPENED may come out of the pairs that are taken away below. */
        publication->is_ending = true;
        wr_list_remove(&publication->opening_link);
        if (!has_moved)
                publication->state = WR_PUBLICATION_OPEN;
        if (publication->successor)
                forsake(publication);
        else if (publication->is_foreign && publication->move_after_ns != 0)
                wr_subscription_join(publication, 0); /* who waited for the next successor is to hear of the end */
        WR_LIST_EACH(link, &publication->pairings)
        {
                struct wr_pairing *pairing = WR_LIST_OWNER(link, struct wr_pairing, publication_link);
                struct wr_subscription *subscription = pairing->subscription;

                if (!has_moved)
                        wr_pairing_tell_subscriber(pairing, reason, text);
                wr_pairing_forget(pairing);
                wr_subscription_settle(subscription);
        }
        wr_object_close(publication->writable);
        wr_object_close(publication->read_only);
        wr_publication_discharge(session, publication->geometry.segment_bytes, publication->is_lane_charged);
        wr_registry_unpublish(&session->server->registry, publication);
        if (before && !before->is_ending)
                wr_subscription_join(before, newcomers_since(before, serial)); /* it stays where it is, for them too */
}

/* Of a relayed publisher: its agent's. False: there is none. */
static bool
relayed_close(const struct wr_session *client, const struct wr_message *message)
{
        const struct wr_publication *publication =
                wr_registry_publication(&client->server->registry, message->close_lane.lane);
        struct wr_session *agent = publication ? publication->session : NULL;

        if (!agent || !wr_relaying_is_of(agent, client))
                return false;
        wr_publication_close(agent, message);
        wr_relaying_closed(agent);
        return true;
}

void
wr_publication_close(struct wr_session *session, const struct wr_message *message)
{
        struct wr_publication *publication = own(session, message->close_lane.lane), *successor;
        char text[512];

        if (relayed_close(session, message))
                return;
        if (publication) { /* else it ended while the message was on its way */
                wr_sentence(text, sizeof(text), "the publisher of '%s' closed: %s", publication->topic->name,
                            session->who);
                successor = publication->successor;
                if (publication->follows)
                        wr_move_refused(publication->follows);
                wr_publication_end(publication, WEIR_OK, text);
                if (successor)
                        wr_publication_end(successor, WEIR_OK, text);
        }
        wr_session_answered(session, WR_READY, message->close_lane.lane); /* it will not map what it closed */
}

void
wr_publication_evict(struct wr_session *session, const struct wr_message *message)
{
        struct wr_pairing *pairing = wr_registry_pairing(&session->server->registry, message->evict.pair);
        char text[512];

        if (!pairing || pairing->publication->session != session ||
            pairing->publication->geometry.lane != message->evict.lane || pairing->is_over)
                return;
        wr_sentence(text, sizeof(text),
                    "evicted from '%s': as a reliable subscriber it let its publisher wait for longer than stall_ns",
                    pairing->publication->topic->name);
        wr_log_line(&session->server->log, pairing->subscription->session->account, session->server->now_ns,
                    WR_LOG_WARNING, "%s: %s", pairing->subscription->session->who, text);
        wr_pairing_tell_subscriber(pairing, WEIR_E_EVICTED, text);
        /* Where the subscriber knows the lane, the pair stays until it has released what it has out: the publisher
         * may not reuse that. */
        if (pairing->state < WR_PAIRING_GIVEN) {
                struct wr_subscription *subscription = pairing->subscription;

                wr_pairing_remove(pairing, WEIR_E_EVICTED);
                wr_subscription_settle(subscription);
        }
}
