/*
 * The queue behind weir_next(): what happened, in order. Frames and room are not in it; they are looked for
 * (clients/c/wait.h), so that they can never be out of date.
 */
#ifndef WR_EVENT_H
#define WR_EVENT_H

#include <weir/weir.h>

#include <stdbool.h>

enum {
        WR_EVENTS_MAX = 256,
        WR_EVENTS_WATCHED_MAX = 16384, /* of who watches others: at first all of them come at once */
        WR_EVENT_TEXT_MAX = 512,
        WR_EVENT_TOPIC_MAX = 208
};

struct wr_event {
        struct weir_event open; /* topic and text point into the event itself */
        char text[WR_EVENT_TEXT_MAX], topic[WR_EVENT_TOPIC_MAX];
};

/* A ring, made at once so that nothing is allocated when memory is short; only who watches lets it grow. Guarded by the
 * bus's lock. */
struct wr_events {
        struct wr_event *ring, now; /* now: what weir_next() answered last */
        uint32_t first, count;
        uint32_t room, most; /* it has, it may have */
};

enum weir_result
wr_events_open(struct wr_events *events);

void
wr_events_close(struct wr_events *events);

/* A copy of the event enters. Who never asks loses the oldest. topic and text may be NULL. */
void
wr_events_push(struct wr_events *events, const struct weir_event *event);

/* The oldest event, valid until the next call; NULL: none. */
const struct weir_event *
wr_events_pop(struct wr_events *events);

/* An endpoint goes: nobody may be led to it any more. */
void
wr_events_forget(struct wr_events *events, const void *endpoint);

/* Fills `now` with an event that was looked for. */
const struct weir_event *
wr_events_say(struct wr_events *events, const struct weir_event *event);

#endif
