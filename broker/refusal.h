/*
 * The last refusals, for `weir who --denied`: who asked, for which topic, and what it was told. What is refused again
 * in the same words is counted, not kept again, so that one client that tries for ever does not push out the others.
 */
#ifndef WR_REFUSAL_H
#define WR_REFUSAL_H

#include "broker/quota.h"
#include "bus/message.h"

enum { WR_REFUSALS_KEPT = 64 };

struct wr_refusal {
        uint64_t serial; /* from 1, in the order of their first time */
        int64_t at_ns;   /* the last time */
        enum weir_result result;
        uint32_t pid, times;
        char account[WR_QUOTA_KEY]; /* key of who was refused; "": nobody knows */
        char topic[208];            /* "": it was not about one */
        char name[64], identity[256], sentence[768];
};

struct wr_refusals {
        uint64_t count; /* ever noted */
        struct wr_refusal *ring;
};

/* serial, at_ns and times are set here. Without memory nothing is kept. */
void
wr_refusal_note(struct wr_refusals *refusals, const struct wr_refusal *refusal, int64_t now_ns);

/* The oldest that is kept with a serial above `after`; NULL: none. */
const struct wr_refusal *
wr_refusal_next(const struct wr_refusals *refusals, uint64_t after);

/* The topic that a request is about; "" for others and for NULL. */
const char *
wr_refusal_topic(const struct wr_message *request);

void
wr_refusal_close(struct wr_refusals *refusals);

#endif
