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

/* Over at once, with all its pairs; their publishers are told `reason`. */
void
wr_subscription_end(struct wr_subscription *subscription, enum weir_result reason);

/* Frees a subscription that is closing and has no pair left. */
void
wr_subscription_settle(struct wr_subscription *subscription);

/* pairing.c */
wr_handler wr_pairing_ack, wr_pairing_ready, wr_pairing_done;

/* Bring a live lane and a subscription together, or tell the subscriber why not. */
void
wr_pairing_begin(struct wr_publication *publication, struct wr_subscription *subscription, bool is_awaited);

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

/* listing.c */
wr_handler wr_listing_request, wr_listing_status, wr_listing_stats;

/* listing.c, listing_who.c */
wr_handler wr_listing_who, wr_listing_pair_stats;

/* Keeps what a session was refused, for whoever asks WHO. */
void
wr_listing_refused(const struct wr_session *session, enum weir_result result, const char *topic, const char *sentence);

/* Sends as much of the list as the queue takes. */
void
wr_listing_go_on(struct wr_session *session);

#endif
