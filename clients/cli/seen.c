/*
 * A publisher keeps its source when its broker is another one. A subscriber gets a new one: it is known again by its
 * process and its topic, so that of several alike one is as good as another.
 */
#include "clients/cli/seen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct seen_end {
        uint64_t source;
        uint32_t role, pid;
        bool in_doubt;
        char topic[208], who[256];
};

static struct seen_end *
find(struct seen *seen, const struct weir_event *event)
{
        for (size_t i = 0; i < seen->count; i++)
                if (seen->ends[i].source == event->source && seen->ends[i].role == event->role)
                        return &seen->ends[i];
        return NULL;
}

/* One that is in doubt, and may be the subscriber that comes now. */
static struct seen_end *
find_alike(struct seen *seen, const struct weir_event *event)
{
        for (size_t i = 0; i < seen->count && event->role == WEIR_SEAT_SUBSCRIBER; i++) {
                struct seen_end *end = &seen->ends[i];

                if (end->in_doubt && end->role == event->role && end->pid == event->pid &&
                    strcmp(end->topic, event->topic) == 0)
                        return end;
        }
        return NULL;
}

static void
forget(struct seen *seen, struct seen_end *end)
{
        size_t behind = seen->count - (size_t)(end - seen->ends) - 1;

        memmove(end, end + 1, behind * sizeof *end);
        seen->count--;
}

/* "a publisher of 'cam': weir pub (pid 7, ...)": who that is, which a topic's name may not be taken for. */
static const char *
who_of(const struct weir_event *event)
{
        const char *topic = strstr(event->text, event->topic);
        const char *colon = topic != NULL ? strstr(topic + strlen(event->topic), ": ") : NULL;

        return colon != NULL ? colon + 2 : "";
}

/* Without memory for it, it is news once more when it is listed again. */
static void
add(struct seen *seen, const struct weir_event *event)
{
        struct seen_end *end;

        if (seen->count == seen->room) {
                size_t room = seen->room * 2 + 16;
                struct seen_end *grown = realloc(seen->ends, room * sizeof *grown);

                if (grown == NULL)
                        return;
                seen->ends = grown;
                seen->room = room;
        }
        end = &seen->ends[seen->count++];
        *end = (struct seen_end){ .source = event->source, .role = event->role, .pid = event->pid };
        snprintf(end->topic, sizeof end->topic, "%s", event->topic);
        snprintf(end->who, sizeof end->who, "%s", who_of(event));
}

bool
seen_note(struct seen *seen, const struct weir_event *event)
{
        struct seen_end *end = find(seen, event);

        if (event->kind == WEIR_LEFT) {
                if (end != NULL)
                        forget(seen, end);
                return true;
        }
        if (end == NULL)
                end = find_alike(seen, event);
        if (end == NULL) {
                add(seen, event);
                return true;
        }
        end->source = event->source;
        end->in_doubt = false;
        return false;
}

void
seen_doubt(struct seen *seen)
{
        for (size_t i = 0; i < seen->count; i++)
                seen->ends[i].in_doubt = true;
}

/* Of one role on one topic. */
static uint64_t
count_alike(const struct seen *seen, const struct seen_end *end)
{
        uint64_t count = 0;

        for (size_t i = 0; i < seen->count; i++)
                count += seen->ends[i].role == end->role && strcmp(seen->ends[i].topic, end->topic) == 0;
        return count;
}

bool
seen_left(struct seen *seen, struct weir_event *event)
{
        struct seen_end *end = seen->ends;

        while (end < seen->ends + seen->count && !end->in_doubt)
                end++;
        if (seen->count == 0 || end == seen->ends + seen->count)
                return false;
        memcpy(seen->topic, end->topic, sizeof seen->topic);
        snprintf(seen->text, sizeof seen->text, "the %s of '%s' is not there any more: %s",
                 end->role == WEIR_SEAT_PUBLISHER ? "publisher" : "subscriber", seen->topic, end->who);
        *event = (struct weir_event){ .kind = WEIR_LEFT,
                                      .reason = WEIR_E_CLOSED,
                                      .topic = seen->topic,
                                      .text = seen->text,
                                      .source = end->source,
                                      .count = count_alike(seen, end) - 1,
                                      .role = end->role,
                                      .pid = end->pid };
        forget(seen, end);
        return true;
}

void
seen_free(struct seen *seen)
{
        free(seen->ends);
        *seen = (struct seen){ .count = 0 };
}
