/*
 * One lane, one subscriber, and the page between them:
 *
 *      NEW    the page is made and goes to the publisher, with the subscriber's life-line      PAIR_ADDED
 *      ADDED  it maps the page, attaches, and says where the subscriber begins                 PAIR_ACK
 *      ACKED  only now the subscriber gets lane, page and the publisher's life-line            LANE_ADDED
 *      GIVEN  it has mapped both; whatever the publisher does now, it can read to the end      PAIR_READY
 *      LIVE   the page is sealed and our descriptor of it closed: memory only, from here on
 *
 * The publisher comes first so that nobody reads a lane whose publisher does not look at its page. Each arrow may
 * wait for the other descriptors on its way to the same client, so a stopped publisher delays its own lane only.
 *
 * Each open page is a descriptor of ours, so a subscriber that does not answer may not hold many: with PAGES_MAX of
 * them open, its other pairings stay NEW, in session->unpaged, until one of these is LIVE. Where only publishers are
 * waited for, the tick lets one more begin. A publisher owes one PAIR_ACK at most; when several come at once for a
 * subscriber that is above the bound and still has something to answer, their pairings begin anew. So all the pages
 * there are: PAGES_MAX and one for each subscribing session, one for each publishing session.
 */
#include "broker/handlers.h"

#include "named-objects/sentence.h"

#include <string.h>

enum { PAGES_MAX = 4 };

static enum weir_result
page_make(struct wr_pairing *pairing)
{
        enum weir_result result;

        if (pairing->page != WR_NO_OBJECT)
                return WEIR_OK;
        result = wr_region_create(&pairing->page, "weir-pair", pairing->page_bytes);
        if (result < 0)
                return result;
        pairing->subscription->session->pages++;
        result = wr_region_allocate(pairing->page, pairing->page_bytes);
        return result < 0 ? result : wr_signal_create(&pairing->signals);
}

static void
page_close(struct wr_pairing *pairing)
{
        if (pairing->page == WR_NO_OBJECT)
                return;
        wr_object_close(pairing->page);
        wr_signal_close(&pairing->signals);
        pairing->page = WR_NO_OBJECT;
        pairing->subscription->session->pages--;
}

/* The pairings of this subscriber that waited for a page go on. Only where nobody walks over pairings: it may end
 * some. */
static void
pages_free(struct wr_session *session)
{
        while (session->pages < PAGES_MAX && !wr_list_empty(&session->unpaged)) {
                struct wr_errand *errand = WR_LIST_OWNER(session->unpaged.next, struct wr_errand, link);

                wr_list_remove(&errand->link);
                wr_session_errand(WR_LIST_OWNER(errand, struct wr_pairing, errand)->publication->session, errand);
        }
}

/* There is something that it has yet to read or to answer. */
static bool
is_behind(const struct wr_session *session)
{
        return session->owes != 0 || !wr_list_empty(&session->errands);
}

void
wr_pairing_tick(struct wr_session *session)
{
        pages_free(session);
        if (!is_behind(session) && !wr_list_empty(&session->unpaged)) {
                struct wr_errand *errand = WR_LIST_OWNER(session->unpaged.next, struct wr_errand, link);
                struct wr_pairing *pairing = WR_LIST_OWNER(errand, struct wr_pairing, errand);

                pairing->is_overdue = true;
                wr_list_remove(&errand->link);
                wr_session_errand(pairing->publication->session, errand);
        }
}

static void
fail(struct wr_pairing *pairing, enum weir_result reason, const char *text)
{
        struct wr_subscription *subscription = pairing->subscription;

        wr_pairing_tell_subscriber(pairing, reason, text);
        wr_pairing_remove(pairing, reason);
        wr_subscription_settle(subscription);
}

/* Sends `count` objects, and behind them those of the pair's words for this end; objects: with room for both. */
static enum weir_result
send_with_signals(struct wr_session *session, struct wr_pairing *pairing, enum wr_signal_end end,
                  const struct wr_message *message, wr_object *objects, size_t count)
{
        enum wr_message_kind answer = end == WR_SIGNAL_PUBLISHER ? WR_PAIR_ACK : WR_PAIR_READY;
        enum weir_result result;

        if (wr_signal_grant(&pairing->signals, end, &objects[count]) < 0)
                return WEIR_FULL; /* no descriptors now: the next tick tries again */
        result = wr_session_send_objects(session, message, objects, count + WR_SIGNAL_OBJECTS, answer,
                                         pairing->node.key);
        wr_signal_grant_close(&objects[count]);
        return result;
}

static enum weir_result
to_publisher(struct wr_session *session, struct wr_errand *errand)
{
        struct wr_pairing *pairing = WR_LIST_OWNER(errand, struct wr_pairing, errand);
        const struct wr_subscription *subscription = pairing->subscription;
        struct wr_message message = { .kind = WR_PAIR_ADDED };
        wr_object objects[2 + WR_SIGNAL_OBJECTS];
        enum weir_result result;

        if (pairing->page == WR_NO_OBJECT && subscription->session->pages >= PAGES_MAX && !pairing->is_overdue) {
                wr_list_append(&subscription->session->unpaged, &errand->link);
                return WEIR_EMPTY;
        }
        result = page_make(pairing);
        if (result < 0) {
                fail(pairing, result,
                     "the broker has no memory or no descriptor left for the page of this pair. Close some"
                     " subscriptions, or raise its limit of open files (ulimit -n)");
                return result;
        }
        message.pair_added = (struct wr_message_pair_added){
                .lane = pairing->publication->geometry.lane,
                .pair = pairing->node.key,
                .follows = wr_move_follows(pairing->publication, subscription),
                .peer = subscription->session->id,
                .words_offset = pairing->words_offset,
                .page_bytes = pairing->page_bytes,
                .announcements = subscription->frames_max,
                .reliable = subscription->reliable,
                .history = subscription->history,
        };
        memcpy(message.pair_added.name, subscription->session->name, sizeof(message.pair_added.name));
        objects[0] = pairing->page;
        objects[1] = subscription->session->lifeline;
        result = send_with_signals(session, pairing, WR_SIGNAL_PUBLISHER, &message, objects, 2);
        if (result == WEIR_OK)
                pairing->state = WR_PAIRING_ADDED;
        return result;
}

/* OPENED need not wait for this pair any more. */
static void
settle(struct wr_pairing *pairing)
{
        if (!pairing->is_awaited)
                return;
        pairing->is_awaited = false;
        pairing->publication->awaited--;
        wr_publication_settle(pairing->publication, false);
}

static enum weir_result
to_subscriber(struct wr_session *session, struct wr_errand *errand)
{
        struct wr_pairing *pairing = WR_LIST_OWNER(errand, struct wr_pairing, errand);
        const struct wr_publication *publication = pairing->publication;
        const struct wr_lane_geometry *g = &publication->geometry;
        const struct wr_subscription *subscription = pairing->subscription;
        wr_object objects[3 + WR_SIGNAL_OBJECTS] = { publication->read_only, pairing->page,
                                                     publication->session->lifeline };
        struct wr_message message = { .kind = WR_LANE_ADDED };
        enum weir_result result;

        message.lane_added = (struct wr_message_lane_added){
                .subscription = subscription->node.key,
                .source = publication->source,
                .peer = publication->session->id,
                .pair = pairing->node.key,
                .words_offset = pairing->words_offset,
                .page_bytes = pairing->page_bytes,
                .announcements = subscription->frames_max,
                .reliable = subscription->reliable,
                .position = pairing->start.position,
                .sequence = pairing->start.sequence,
                .format = pairing->start.format,
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
        memcpy(message.lane_added.topic, publication->topic->name, sizeof(message.lane_added.topic));
        memcpy(message.lane_added.type, publication->type, sizeof(message.lane_added.type));
        memcpy(message.lane_added.name, publication->session->name, sizeof(message.lane_added.name));
        result = send_with_signals(session, pairing, WR_SIGNAL_SUBSCRIBER, &message, objects, 3);
        if (result != WEIR_OK)
                return result;
        pairing->state = WR_PAIRING_GIVEN;
        settle(pairing); /* not before: a publisher that closed by now would take its lane away from this reader */
        return WEIR_OK;
}

/* The subscriber hears of a lane that does not come to it. */
static void
decline(struct wr_subscription *subscription, enum weir_result reason, const char *text)
{
        struct wr_message message = { .kind = WR_LANE_ENDED };

        message.lane_ended.subscription = subscription->node.key;
        message.lane_ended.reason = reason;
        message.lane_ended.publishers = wr_registry_publishers_left(subscription);
        wr_sentence(message.lane_ended.text, sizeof(message.lane_ended.text), "%s", text);
        wr_log_line(&subscription->session->server->log, subscription->session->account,
                    subscription->session->server->now_ns, WR_LOG_WARNING, "refused %s: %s", subscription->session->who,
                    text);
        wr_listing_refused(subscription->session, reason, subscription->name, text);
        wr_session_send(subscription->session, &message);
}

enum weir_result
wr_pairing_type(const struct wr_publication *publication, const struct wr_subscription *subscription, char *text,
                size_t room)
{
        if (!subscription->type[0] || strcmp(subscription->type, publication->type) == 0)
                return WEIR_OK;
        if (text)
                wr_sentence(text, room, "type mismatch on '%s': %s publishes '%s', the subscriber asked for '%s'",
                            publication->topic->name, publication->session->name,
                            publication->type[0] ? publication->type : "bytes", subscription->type);
        return WEIR_E_TYPE;
}

/* It has this lane; or it was evicted from the one before, or lost its right to it: then it is not invited again. */
static bool
is_done_with(const struct wr_publication *publication, const struct wr_subscription *subscription)
{
        WR_LIST_EACH(link, &subscription->pairings)
        {
                const struct wr_pairing *pairing = WR_LIST_OWNER(link, struct wr_pairing, subscription_link);

                if (pairing->publication == publication ||
                    (pairing->publication->source == publication->source && pairing->is_over))
                        return true;
        }
        return false;
}

/* What speaks against this pair; WEIR_OK if nothing, and then its page is charged, if it is to have one. */
static enum weir_result
admit(const struct wr_publication *publication, struct wr_subscription *subscription, char *text, size_t room,
      bool has_page)
{
        struct wr_session *session = subscription->session;
        const char *topic = publication->topic->name;

        if (wr_pairing_type(publication, subscription, text, room) < 0)
                return WEIR_E_TYPE;
        if (subscription->reliable && publication->refuse_reliable) {
                wr_sentence(text, room,
                            "denied: the publisher %s of '%s' waits for nobody (.refuse_reliable). Subscribe with"
                            " .delivery = WEIR_LOSSY",
                            publication->session->name, topic);
                return WEIR_E_DENIED;
        }
        if (!has_page)
                return WEIR_OK;
        return wr_quota_charge(&session->server->accounts, session->account, WR_QUOTA_ALLOCATED_BYTES,
                               wr_registry_page_bytes(subscription), text, room);
}

bool
wr_pairing_enter(struct wr_publication *publication, struct wr_subscription *subscription, uint64_t id)
{
        struct wr_session *session = subscription->session;
        struct wr_accounts *accounts = &session->server->accounts;
        uint64_t bytes = wr_registry_page_bytes(subscription);
        struct wr_pairing *pairing;
        char text[512];

        if (wr_quota_charge(accounts, session->account, WR_QUOTA_ALLOCATED_BYTES, bytes, text, sizeof(text)) < 0)
                return false;
        pairing = wr_registry_pair_again(&session->server->registry, publication, subscription, id);
        if (!pairing) {
                wr_quota_return(accounts, session->account, WR_QUOTA_ALLOCATED_BYTES, bytes);
                return false;
        }
        pairing->state = WR_PAIRING_LIVE;
        return true;
}

void
wr_pairing_begin(struct wr_publication *publication, struct wr_subscription *subscription, bool is_awaited)
{
        struct wr_session *session = subscription->session;
        struct wr_pairing *pairing;
        char text[512];
        enum weir_result reason;

        if (wr_rejoin_pair(publication, subscription) || publication->successor ||
            is_done_with(publication, subscription))
                return; /* it reads it already; or the successor is what it gets, and then it is asked for that */
        if (publication->follows && wr_move_follows(publication, subscription) == 0)
                return; /* a newcomer: when the lane has begun, so that it gets all that is published from then on */
        if (publication->is_foreign && !publication->is_ending && wr_move_is_early(publication))
                return; /* the tick invites it */
        reason = admit(publication, subscription, text, sizeof(text),
                       !publication->is_foreign || publication->is_ending);
        if (reason == WEIR_OK && publication->is_foreign && !publication->is_ending) {
                reason = wr_move_begin(publication, &(struct wr_move_wish){ 0 }, text, sizeof(text));
                if (reason == WEIR_OK)
                        return;
        }
        if (reason < 0) {
                decline(subscription, reason, text);
                return;
        }
        pairing = wr_registry_pair(&session->server->registry, publication, subscription);
        if (!pairing) {
                wr_quota_return(&session->server->accounts, session->account, WR_QUOTA_ALLOCATED_BYTES,
                                wr_registry_page_bytes(subscription));
                decline(subscription, WEIR_E_NO_MEMORY,
                        "the broker has no memory left for a pair: close some subscriptions");
                return;
        }
        pairing->is_awaited = is_awaited;
        publication->awaited += is_awaited;
        pairing->errand.run = to_publisher;
        if (!publication->is_ending)
                wr_session_errand(publication->session, &pairing->errand);
}

static void
begin_anew(struct wr_pairing *pairing)
{
        struct wr_publication *publication = pairing->publication;
        struct wr_subscription *subscription = pairing->subscription;
        bool is_awaited = pairing->is_awaited;

        publication->awaited++; /* ours, so that OPENED does not come out between the two */
        wr_pairing_remove(pairing, WEIR_OK);
        wr_pairing_begin(publication, subscription, is_awaited);
        publication->awaited--;
        wr_publication_settle(publication, false);
}

void
wr_pairing_resume(struct wr_publication *publication)
{
        struct wr_session *session = publication->session;
        struct wr_link *link = publication->pairings.next;

        session->is_collecting = true; /* to send one errand may fail, and end the pairing of another */
        /* Only those of now: who begins anew stands behind them. */
        for (uint32_t left = publication->pairing_count; left > 0; left--) {
                struct wr_pairing *pairing = WR_LIST_OWNER(link, struct wr_pairing, publication_link);

                link = link->next;
                if (pairing->state == WR_PAIRING_NEW) {
                        wr_list_remove(&pairing->errand.link);
                        wr_session_errand(session, &pairing->errand);
                } else if (pairing->state == WR_PAIRING_ADDED &&
                           (session->owes != WR_PAIR_ACK || session->owes_id != pairing->node.key)) {
                        begin_anew(pairing); /* it has the page or not: it is told that this pair is none */
                }
        }
        session->is_collecting = false;
        if (session->owes == 0)
                wr_session_pump(session);
}

static void
acked(struct wr_pairing *pairing, const struct wr_message_pair_ack *ack)
{
        struct wr_subscription *subscription = pairing->subscription;
        struct wr_session *subscriber = subscription->session;

        if (ack->result < 0) {
                fail(pairing, (enum weir_result)ack->result, "the publisher could not attach this subscriber");
                pages_free(subscriber);
        } else if (subscriber->pages > PAGES_MAX && is_behind(subscriber)) {
                begin_anew(pairing);
        } else {
                pairing->start = (struct wr_lane_start){ ack->position, ack->sequence, ack->format };
                pairing->state = WR_PAIRING_ACKED;
                pairing->errand.run = to_subscriber;
                wr_session_errand(subscriber, &pairing->errand);
        }
}

/* Why a pair ends whose subscriber is done with it. */
static enum weir_result
done_reason(const struct wr_pairing *pairing)
{
        if (!pairing->is_over)
                return WEIR_OK;
        return pairing->subscription->revoked_until_ns || pairing->revoked_until_ns ? WEIR_E_DENIED : WEIR_E_EVICTED;
}

/* LANE_ENDED, which was told to the connection before, may have been lost. */
static void
tell_again(struct wr_pairing *pairing)
{
        enum weir_result reason = done_reason(pairing);
        char text[512];

        if (!pairing->is_over)
                return;
        wr_sentence(text, sizeof(text), "this subscriber %s '%s' while it was away from the broker",
                    reason == WEIR_E_DENIED ? "lost its right to" : "was evicted from",
                    pairing->publication->topic->name);
        pairing->is_over = false;
        wr_pairing_tell_subscriber(pairing, reason, text);
}

/* Its client has mapped lane and page, whether we heard PAIR_READY or not. */
static void
keep(struct wr_pairing *pairing)
{
        enum weir_result result = pairing->state == WR_PAIRING_GIVEN ? wr_region_seal(pairing->page) : WEIR_OK;

        if (result < 0) {
                wr_pairing_tell_subscriber(pairing, result, "the page of this pair could not be sealed");
                wr_pairing_remove(pairing, result);
                return;
        }
        page_close(pairing);
        pairing->state = WR_PAIRING_LIVE;
        tell_again(pairing);
}

/* What its subscriber was told of and does not hold: it is done with it, or LANE_ADDED was lost and comes once more.
 * Had it been done with a lane so quickly, it finds in the page that it was. */
static void
miss(struct wr_pairing *pairing)
{
        bool was_lost = pairing->state == WR_PAIRING_GIVEN && !pairing->is_over &&
                        pairing->publication->state != WR_PUBLICATION_MOVED;

        if (!was_lost) {
                wr_pairing_remove(pairing, done_reason(pairing));
                return;
        }
        pairing->state = WR_PAIRING_ACKED;
        pairing->errand.run = to_subscriber;
        wr_list_append(&pairing->subscription->session->errands, &pairing->errand.link);
}

void
wr_pairing_come_back(struct wr_subscription *subscription, struct wr_session *older)
{
        struct wr_session *session = subscription->session;

        WR_LIST_EACH(link, &older->unpaged)
        {
                if (WR_LIST_OWNER(link, struct wr_pairing, errand.link)->subscription != subscription)
                        continue;
                wr_list_remove(link);
                wr_list_append(&session->unpaged, link);
        }
        WR_LIST_EACH(link, &subscription->pairings)
        {
                struct wr_pairing *pairing = WR_LIST_OWNER(link, struct wr_pairing, subscription_link);
                bool is_known = pairing->state >= WR_PAIRING_GIVEN;
                bool is_held = pairing->is_held || (is_known && session->is_hold_refused);

                pairing->is_held = false;
                older->pages -= pairing->page != WR_NO_OBJECT;
                session->pages += pairing->page != WR_NO_OBJECT;
                if (is_held) {
                        keep(pairing);
                } else if (is_known) {
                        miss(pairing);
                } else if (pairing->state == WR_PAIRING_ACKED) {
                        wr_list_remove(&pairing->errand.link);
                        wr_list_append(&session->errands, &pairing->errand.link);
                }
        }
}

void
wr_pairing_ack(struct wr_session *session, const struct wr_message *message)
{
        const struct wr_message_pair_ack *ack = &message->pair_ack;
        struct wr_pairing *pairing = wr_registry_pairing(&session->server->registry, ack->pair);

        if (session->owes != WR_PAIR_ACK || session->owes_id != ack->pair) {
                wr_session_cut(session, message->request, WEIR_E_CORRUPT, "PAIR_ACK for a pair that was not added");
                return;
        }
        /* The pair may be gone: its subscriber closed while PAIR_ADDED was on its way. */
        if (pairing)
                acked(pairing, ack);
        wr_session_answered(session, WR_PAIR_ACK, ack->pair);
}

void
wr_pairing_ready(struct wr_session *session, const struct wr_message *message)
{
        const struct wr_message_pair_ready *ready = &message->pair_ready;
        struct wr_pairing *pairing = wr_registry_pairing(&session->server->registry, ready->pair);
        enum weir_result result = (enum weir_result)ready->result;

        if (session->owes != WR_PAIR_READY || session->owes_id != ready->pair) {
                wr_session_cut(session, message->request, WEIR_E_CORRUPT, "PAIR_READY for a lane that was not added");
                return;
        }
        if (pairing && result >= 0)
                result = wr_region_seal(pairing->page);
        if (pairing && result < 0) {
                fail(pairing, result, "the lane or its page could not be mapped");
        } else if (pairing) {
                page_close(pairing);
                pairing->state = WR_PAIRING_LIVE;
        }
        wr_session_answered(session, WR_PAIR_READY, ready->pair);
        pages_free(session);
}

void
wr_pairing_done(struct wr_session *session, const struct wr_message *message)
{
        struct wr_pairing *pairing = wr_registry_pairing(&session->server->registry, message->pair_done.pair);
        struct wr_subscription *subscription;

        if (!pairing || pairing->subscription->session != session)
                return; /* its lane ended before */
        subscription = pairing->subscription;
        wr_pairing_remove(pairing, done_reason(pairing));
        wr_subscription_settle(subscription);
}

void
wr_pairing_tell_subscriber(struct wr_pairing *pairing, enum weir_result reason, const char *text)
{
        struct wr_message message = { .kind = WR_LANE_ENDED };

        if (pairing->is_over)
                return;
        pairing->is_over = true;
        message.lane_ended.subscription = pairing->subscription->node.key;
        message.lane_ended.lane = pairing->state >= WR_PAIRING_GIVEN ? pairing->publication->geometry.lane : 0;
        message.lane_ended.reason = reason;
        message.lane_ended.publishers = wr_registry_publishers_left(pairing->subscription);
        wr_sentence(message.lane_ended.text, sizeof(message.lane_ended.text), "%s", text);
        wr_session_send(pairing->subscription->session, &message);
}

void
wr_pairing_remove(struct wr_pairing *pairing, enum weir_result reason)
{
        struct wr_message message = { .kind = WR_PAIR_REMOVED };

        if (pairing->publication->is_foreign)
                pairing->publication->lost_pairs[pairing->publication->lost_count++ % WR_LOST_PAIRS] =
                        pairing->node.key;
        if (pairing->state != WR_PAIRING_NEW) {
                message.pair_removed.lane = pairing->publication->geometry.lane;
                message.pair_removed.pair = pairing->node.key;
                message.pair_removed.reason = reason;
                wr_session_send(pairing->publication->session, &message);
        }
        wr_pairing_forget(pairing);
}

void
wr_pairing_forget(struct wr_pairing *pairing)
{
        struct wr_session *session = pairing->subscription->session;
        struct wr_publication *publication = pairing->publication;

        wr_list_remove(&pairing->errand.link);
        page_close(pairing);
        wr_quota_return(&session->server->accounts, session->account, WR_QUOTA_ALLOCATED_BYTES, pairing->page_bytes);
        settle(pairing);
        wr_registry_unpair(&session->server->registry, pairing);
        if (publication->state == WR_PUBLICATION_MOVED && publication->pairing_count == 0 && !publication->is_ending)
                wr_publication_end(publication, WEIR_OK, "");
}
