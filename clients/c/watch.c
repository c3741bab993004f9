/*
 * Watching others' endpoints. What is watched is kept with the bus, so that a broker that comes back can be asked for
 * it again; what the broker tells becomes events, in its order.
 */
#include "bus/topic.h"
#include "clients/c/bus.h"
#include "clients/c/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WATCHES_MAX = 16 /* as the broker's */ };
#define ANSWER_TIMEOUT_NS INT64_C(2000000000)

struct wr_watch_wish {
        struct wr_watch_wish *next;
        char pattern[208];
};

void
wr_watch_free(struct weir *bus)
{
        struct wr_watch_wish *wish;

        while ((wish = bus->watches)) {
                bus->watches = wish->next;
                free(wish);
        }
}

static struct wr_watch_wish *
wish_find(const struct weir *bus, const char *pattern)
{
        struct wr_watch_wish *wish = bus->watches;

        while (wish && strcmp(wish->pattern, pattern) != 0)
                wish = wish->next;
        return wish;
}

/* The broker agreed. */
static void
wish_keep(struct weir *bus, struct wr_watch_wish *wish)
{
        wr_mutex_lock(&bus->lock);
        if (!wish_find(bus, wish->pattern)) {
                wish->next = bus->watches;
                bus->watches = wish;
                wish = NULL;
        }
        wr_mutex_unlock(&bus->lock);
        free(wish);
}

void
wr_watch_told(struct wr_control *c, const struct wr_message_watched *m)
{
        static const uint32_t kinds[] = {
                [WR_WATCHED_LISTED] = WEIR_LISTED,
                [WR_WATCHED_JOINED] = WEIR_JOINED,
                [WR_WATCHED_LEFT] = WEIR_LEFT,
                [WR_WATCHED_ALL] = WEIR_LISTED,
        };

        if (m->what >= sizeof kinds / sizeof *kinds || kinds[m->what] == 0)
                return;
        wr_bus_tell(c->bus, &(struct weir_event){ .kind = kinds[m->what],
                                                  .reason = m->reason,
                                                  .topic = m->topic,
                                                  .text = m->text,
                                                  .source = m->source,
                                                  .count = m->count,
                                                  .role = m->role,
                                                  .pid = m->pid });
}

void
wr_watch_again(struct wr_control *c, void (*ask)(struct wr_control *c, const struct wr_message *watch))
{
        struct wr_message messages[WATCHES_MAX];
        int count = 0;

        wr_mutex_lock(&c->bus->lock);
        for (const struct wr_watch_wish *wish = c->bus->watches; wish && count < WATCHES_MAX; wish = wish->next) {
                messages[count].kind = WR_WATCH;
                messages[count].request = 0; /* the question's, when it is asked */
                messages[count].watch.reserved = 0;
                memcpy(messages[count++].watch.pattern, wish->pattern, sizeof wish->pattern);
        }
        wr_mutex_unlock(&c->bus->lock); /* sending may tell of a broker that is lost */
        for (int i = 0; i < count; i++)
                ask(c, &messages[i]);
}

static bool
watch_answer(struct wr_control *c, struct wr_question *q, const struct wr_message *m, wr_object *objects)
{
        (void)c, (void)objects;
        q->result = m->kind == WR_DONE && m->done.result >= 0 ? WEIR_OK : WEIR_E_SYSTEM;
        snprintf(q->sentence, sizeof q->sentence, "the broker answered WATCH with %s", wr_message_name(m->kind));
        return true;
}

static enum weir_result
watch_ask(struct weir *bus, const char *pattern)
{
        struct wr_question q = { .answer = watch_answer, .message.kind = WR_WATCH };

        snprintf(q.message.watch.pattern, sizeof q.message.watch.pattern, "%s", pattern);
        return wr_control_ask(&bus->control, &q, ANSWER_TIMEOUT_NS);
}

/* Events that are in the queue stay, and so does its room. */
static enum weir_result
watch_end(struct weir *bus)
{
        wr_mutex_lock(&bus->lock);
        wr_watch_free(bus);
        wr_mutex_unlock(&bus->lock);
        return watch_ask(bus, "");
}

enum weir_result WEIR_CALL
weir_watch(struct weir *bus, const char *pattern)
{
        struct wr_watch_wish *wish;
        const char *why = NULL;
        enum weir_result result = wr_bus_check(bus);

        if (result < 0)
                return result;
        if (!pattern)
                return watch_end(bus);
        if (!wr_topic_pattern_valid(pattern, &why))
                return wr_error(WEIR_E_USAGE, "'%.200s' is no pattern of topics: %s", pattern, why);
        wish = calloc(1, sizeof *wish);
        if (!wish)
                return wr_error(WEIR_E_NO_MEMORY, "no memory to watch '%s'", pattern);
        snprintf(wish->pattern, sizeof wish->pattern, "%s", pattern);
        wr_mutex_lock(&bus->lock);
        bus->events.most = WR_EVENTS_WATCHED_MAX; /* what is there comes before the answer */
        wr_mutex_unlock(&bus->lock);
        result = watch_ask(bus, pattern);
        if (result < 0)
                free(wish);
        else
                wish_keep(bus, wish);
        return result;
}
