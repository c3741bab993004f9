/* What listing.c, which walks, and listing_who.c, which tells WHO's rows, share. */
#ifndef WR_LISTING_H
#define WR_LISTING_H

#include "broker/handlers.h"

enum { WR_LISTING_PATH_SHM = 1 };

/* Is there room for another row? */
bool
wr_listing_has_room(const struct wr_session *session);

/* May the asker see connections and refusals of this account: its own, or all as full trust of the broker's user? */
bool
wr_listing_may_know(const struct wr_session *asker, const char *account);

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
