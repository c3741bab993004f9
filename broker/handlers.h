/* What a session's messages lead to: one handler per kind, in the file of its noun. The message is whole and may come
 * now; whatever it names has yet to be found and compared with its owner. */
#ifndef WR_HANDLERS_H
#define WR_HANDLERS_H

#include "broker/server.h"

typedef void
wr_handler(struct wr_session *session, const struct wr_message *message);

/* publication.c */
wr_handler wr_publication_request, wr_publication_ready, wr_publication_close, wr_publication_evict;

/* The lane is over: its subscribers are told `reason` and `text`, everything is returned, it is freed. */
void
wr_publication_end(struct wr_publication *publication, enum weir_result reason, const char *text);

/* Both quotas of a lane or none. */
enum weir_result
wr_publication_charge(struct wr_session *session, uint64_t segment_bytes, char *sentence, size_t room);

void
wr_publication_discharge(struct wr_session *session, uint64_t segment_bytes, uint64_t lanes);

/* Memory for the lane, and its way to the publisher. On a failure the caller takes it back. */
enum weir_result
wr_publication_grant(struct wr_publication *publication, uint32_t request);

/* Its publisher has mapped the lane that it was granted: sealed, it is there for others. */
enum weir_result
wr_publication_live(struct wr_publication *publication);

/* Do the rules of now let it publish there? The sentence of a refusal is the policy's. */
bool
wr_publication_permitted(const struct wr_session *session, const char *topic, char *sentence, size_t room);

/* One pair fewer that OPENED waits for, or the deadline: says OPENED when it is time. */
void
wr_publication_settle(struct wr_publication *publication, bool is_late);

/* subscription.c */
wr_handler wr_subscription_request, wr_subscription_close;

/* As wr_publication_permitted. */
bool
wr_subscription_permitted(const struct wr_session *session, const char *topic, bool is_reliable, char *sentence,
                          size_t room);

/* As wr_subscription_permitted, for a pattern: might there be a topic that it is granted? */
bool
wr_subscription_could(const struct wr_session *session, const char *pattern, bool is_reliable, char *sentence,
                      size_t room);

/* Is that what it was granted for: the same name, type and terms? */
bool
wr_subscription_is_as(const struct wr_subscription *subscription, const struct wr_message_subscribe *subscribe);

/* A lane went live: it is brought together with everybody who subscribed to its topic, and OPENED waits for them.
 * since: a serial; only with those who came later. */
void
wr_subscription_join(struct wr_publication *publication, uint64_t since);

/* The rules changed for a pattern: topics that it lost end for it, topics that it gained join. */
void
wr_subscription_recheck(struct wr_subscription *subscription);

/* Every tick: what it lost the right to and still holds on to ends when its time is up. May free it. */
void
wr_subscription_tick(struct wr_subscription *subscription);

/* Over at once, with all its pairs; their publishers are told `reason`. */
void
wr_subscription_end(struct wr_subscription *subscription, enum weir_result reason);

/* Frees a subscription that is closing and has no pair left. */
void
wr_subscription_settle(struct wr_subscription *subscription);

/* rejoin.c */
wr_handler wr_rejoin_holds, wr_rejoin_publication;

/* Has it lanes or subscriptions that it could come back with? */
bool
wr_rejoin_has_endpoints(const struct wr_session *session);

/* The subscription that this client had by an earlier connection, on the same terms. NULL: there is none, and what it
 * asks for is new. */
struct wr_subscription *
wr_rejoin_own(const struct wr_session *session, const struct wr_message_subscribe *subscribe);

/* It goes over to this connection, with the pairs that its client says it holds, and with those on their way to it. */
void
wr_rejoin_subscription(struct wr_session *session, uint32_t request, struct wr_subscription *subscription);

/* What it was not charged for is settled, now that all lanes that are here have been looked at. */
void
wr_rejoin_settle(struct wr_subscription *subscription);

/* What the session said with HOLDS is this subscription's from now on. */
void
wr_rejoin_take(struct wr_session *session, struct wr_subscription *subscription);

/* Does it read this lane already, by its own word? Then the pair is entered, and nothing needs to be sent. */
bool
wr_rejoin_pair(struct wr_publication *publication, struct wr_subscription *subscription);

/* The pair by which it reads that lane, by its own word and not yet entered; 0: none. */
uint64_t
wr_rejoin_held(const struct wr_subscription *subscription, uint64_t lane);

void
wr_rejoin_forget(struct wr_link *holds);

/* move.c */
wr_handler wr_move_request, wr_move_done;

/* What a successor is to have; 0: as the lane has it. request: of who asked, 0: nobody. */
struct wr_move_wish {
        uint64_t memory_max, ring_bytes;
        uint32_t request;
};

/*
 * A successor for this lane. Its publisher gets it, its readers are invited when the publisher has mapped it. WEIR_OK
 * also when one is on its way.
 */
enum weir_result
wr_move_begin(struct wr_publication *publication, const struct wr_move_wish *wish, char *sentence, size_t room);

/* It has moved: its publisher wrote END, and the successor, which is live, goes on. May free it. */
void
wr_move_complete(struct wr_publication *publication);

/* Its publisher came back by another connection and has let go of the successor that it was given. */
void
wr_move_abandon(struct wr_publication *publication);

/* Moves it on without those who lost their right to it. Without memory for that the lane ends. May free it. */
void
wr_move_away(struct wr_publication *publication);

/* Its publisher closed the successor before it had moved: it is asked again a second later, not at once. */
void
wr_move_refused(struct wr_publication *publication);

/* Not yet a second behind that. */
bool
wr_move_is_early(const struct wr_publication *publication);

/* What had to wait for that second. May free it. */
void
wr_move_tick(struct wr_publication *publication);

/* Will this lane, or what becomes of it, bring the subscription a LANE_ADDED or a LANE_ENDED? */
bool
wr_move_brings(const struct wr_publication *publication, const struct wr_subscription *subscription);

/* The pair that it has in the lane before this one, or 0. */
uint64_t
wr_move_follows(const struct wr_publication *publication, const struct wr_subscription *subscription);

/* pairing.c */
wr_handler wr_pairing_ack, wr_pairing_ready, wr_pairing_done;

/* Bring a live lane and a subscription together, or tell the subscriber why not. */
void
wr_pairing_begin(struct wr_publication *publication, struct wr_subscription *subscription, bool is_awaited);

/* A pair that an earlier broker made: both ends know of it. False: they are told nothing, it could not be entered. */
bool
wr_pairing_enter(struct wr_publication *publication, struct wr_subscription *subscription, uint64_t id);

/* WEIR_E_TYPE with a sentence: it is not the type that was asked for. */
enum weir_result
wr_pairing_type(const struct wr_publication *publication, const struct wr_subscription *subscription, char *text,
                size_t room);

/* Its publisher came back by another connection, on which pairs that it was not told of, or did not answer for, are
 * added anew. Of those that ended meanwhile it learns from their pages and life-lines, as when a broker dies. */
void
wr_pairing_resume(struct wr_publication *publication);

/* Its subscription came back from `older` by another connection, and has the pairs that are marked as held. What was on
 * its way goes this way. Of what it has and is over it is told once more; what it has no more is removed. */
void
wr_pairing_come_back(struct wr_subscription *subscription, struct wr_session *older);

/* Every tick: a subscriber that did all it was asked to gets one more lane, whoever else does not answer. */
void
wr_pairing_tick(struct wr_session *session);

/* Tell the subscriber, once, that the lane is over for it. */
void
wr_pairing_tell_subscriber(struct wr_pairing *pairing, enum weir_result reason, const char *text);

/* Tell the publisher, if it knows of the pair, that it is over; then forget the pair. */
void
wr_pairing_remove(struct wr_pairing *pairing, enum weir_result reason);

/* Forget the pair without a word: whoever had to know does. */
void
wr_pairing_forget(struct wr_pairing *pairing);

/* watch.c */
wr_handler wr_watch_request, wr_watch_peer;

/* Whoever watches and may see it is told, once of each. text of a leave: the sentence. */
void
wr_watch_publication_joined(struct wr_publication *publication);

void
wr_watch_publication_left(struct wr_publication *publication, enum weir_result reason, const char *text);

void
wr_watch_subscription_joined(const struct wr_subscription *subscription);

void
wr_watch_subscription_left(const struct wr_subscription *subscription, enum weir_result reason);

/* There may be room again for a session that missed something: then all that is there is listed anew. */
void
wr_watch_catch_up(struct wr_session *session);

/* The session watches no more. */
void
wr_watch_end(struct wr_session *session);

/* listing.c */
wr_handler wr_listing_request, wr_listing_status, wr_listing_stats, wr_listing_tickets;

/* listing.c, listing_who.c */
wr_handler wr_listing_who, wr_listing_pair_stats;

/* Keeps what a session was refused, for whoever asks WHO. */
void
wr_listing_refused(const struct wr_session *session, enum weir_result result, const char *topic, const char *sentence);

/* The answer to WATCH, which lists what is there. pattern "": of all that the session watches; nobody asked. */
void
wr_listing_watch(struct wr_session *session, uint32_t request, const char *pattern);

/* Sends as much of the list as the queue takes. */
void
wr_listing_go_on(struct wr_session *session);

#endif
