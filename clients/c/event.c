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
        events->room = events->most = WR_EVENTS_MAX;
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

static struct wr_event *
event_at(const struct wr_events *events, uint32_t index)
{
        return &events->ring[(events->first + index) % events->room];
}

/* Twice the room, in order. False: no more is to be had. */
static bool
events_grow(struct wr_events *events)
{
        struct wr_event *ring;

        if (events->room >= events->most || !(ring = calloc(2 * (size_t)events->room, sizeof *ring)))
                return false;
        for (uint32_t i = 0; i < events->count; i++)
                ring[i] = *event_at(events, i);
        free(events->ring);
        events->ring = ring;
        events->room *= 2;
        events->first = 0;
        return true;
}

void
wr_events_push(struct wr_events *events, const struct weir_event *event)
{
        if (!events->ring)
                return;
        if (events->count == events->room && !events_grow(events)) {
                events->first = (events->first + 1) % events->room;
                events->count -= 1;
        }
        event_set(event_at(events, events->count), event);
        events->count += 1;
}

const struct weir_event *
wr_events_pop(struct wr_events *events)
{
        if (events->count == 0)
                return NULL;
        events->now = *event_at(events, 0);
        events->first = (events->first + 1) % events->room;
        events->count -= 1;
        return event_open(&events->now);
}

void
wr_events_forget(struct wr_events *events, const void *endpoint)
{
        uint32_t kept = 0;

        for (uint32_t i = 0; i < events->count; i++) {
                const struct wr_event *event = event_at(events, i);

                if (event->open.publisher == endpoint || event->open.subscriber == endpoint)
                        continue;
                if (kept != i)
                        *event_at(events, kept) = *event;
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
