/* What listing.c, which walks, and listing_who.c, which tells WHO's rows, share. */
#ifndef WR_LISTING_H
#define WR_LISTING_H

#include "broker/handlers.h"

/* Is there room for another row? */
bool
wr_listing_has_room(const struct wr_session *session);

/* May the asker see connections and refusals of this account: its own, or all as full trust of the broker's user? */
bool
wr_listing_may_know(const struct wr_session *asker, const char *account);

/* Is it what was asked for? */
bool
wr_listing_matches(const struct wr_session *session, const char *name);

/* May it observe this topic? */
bool
wr_listing_sees(const struct wr_session *session, const char *topic);

/* watch.c: one that is there already, to a session that began to watch. */
void
wr_watch_list_publication(struct wr_session *session, const struct wr_publication *publication);

void
wr_watch_list_subscription(struct wr_session *session, const struct wr_subscription *subscription);

/* watch.c: does it watch a topic of this name? */
bool
wr_watch_matches(const struct wr_session *session, const char *name);

/* watch.c: all that was there has been told. */
void
wr_watch_list_end(struct wr_session *session);

/* Is this pair part of what is listed: always, or, of a pattern, if its topic is? */
bool
wr_listing_reads(const struct wr_session *asker, const struct wr_pairing *pairing);

/* Connections without endpoints; refusals. False: stopped before the end, the queue is full. */
bool
wr_listing_sessions_go_on(struct wr_session *session);

bool
wr_listing_refusals_go_on(struct wr_session *session);

void
wr_listing_seat_publication(struct wr_session *asker, const struct wr_publication *publication);

void
wr_listing_seat_subscription(struct wr_session *asker, const struct wr_subscription *subscription);

#endif
