#include "clients/c/event.h"

#include "clients/c/error.h"

#include <stdio.h>
#include <stdlib.h>

enum weir_result
wr_events_open(struct wr_events *events)
{
        events->ring = calloc(WR_EVENTS_MAX, sizeof *events->ring);
        if (!events->ring)
                return wr_error(WEIR_E_NO_MEMORY, "no memory for the events of a bus");
        return WEIR_OK;
}

void
wr_events_close(struct wr_events *events)
{
        free(events->ring);
        events->ring = NULL;
        events->count = 0;
}

static void
event_set(struct wr_event *to, const struct weir_event *from)
{
        to->open = *from;
        snprintf(to->topic, sizeof to->topic, "%s", from->topic ? from->topic : "");
        snprintf(to->text, sizeof to->text, "%s", from->text ? from->text : "");
}

/* The strings move with the event: whoever hands it out points it at them. */
static const struct weir_event *
event_open(struct wr_event *event)
{
        event->open.topic = event->topic;
        event->open.text = event->text;
        return &event->open;
}

void
wr_events_push(struct wr_events *events, const struct weir_event *event)
{
        if (!events->ring)
                return;
        if (events->count == WR_EVENTS_MAX) {
                events->first = (events->first + 1) % WR_EVENTS_MAX;
                events->count -= 1;
        }
        event_set(&events->ring[(events->first + events->count) % WR_EVENTS_MAX], event);
        events->count += 1;
}

const struct weir_event *
wr_events_pop(struct wr_events *events)
{
        if (events->count == 0)
                return NULL;
        events->now = events->ring[events->first];
        events->first = (events->first + 1) % WR_EVENTS_MAX;
        events->count -= 1;
        return event_open(&events->now);
}

void
wr_events_forget(struct wr_events *events, const void *endpoint)
{
        uint32_t kept = 0;

        for (uint32_t i = 0; i < events->count; i++) {
                const struct wr_event *event = &events->ring[(events->first + i) % WR_EVENTS_MAX];

                if (event->open.publisher == endpoint || event->open.subscriber == endpoint)
                        continue;
                if (kept != i)
                        events->ring[(events->first + kept) % WR_EVENTS_MAX] = *event;
                kept += 1;
        }
        events->count = kept;
}

const struct weir_event *
wr_events_say(struct wr_events *events, const struct weir_event *event)
{
        event_set(&events->now, event);
        return event_open(&events->now);
}
