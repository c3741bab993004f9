/*
 * weir_next(): one answer to "what happened on this bus". What happened once comes from the event queue, in order;
 * room and frames are looked for on the spot, so what it says of them is always true now. Frames come last, and
 * subscribers in turn, so that a busy topic hides neither the others nor who comes and goes.
 */
#include "bus/os/clock.h"
#include "clients/c/error.h"
#include "clients/c/publisher.h"
#include "clients/c/subscriber.h"
#include "clients/c/wait.h"

enum { SPIN_LOOKS = 200, SPIN_NS = 20000 };

/* The bus's lock is held. */
static bool
next_room(struct weir *bus, struct weir_event *event)
{
        struct weir_publisher *p = bus->publishers;

        while (p && !wr_publisher_has_room(p))
                p = p->next;
        if (!p)
                return false;
        wr_store32(&p->room_wanted, 0);
        *event = (struct weir_event){ .kind = WEIR_ROOM,
                                      .publisher = p,
                                      .user = p->options.user,
                                      .topic = p->topic,
                                      .source = p->source,
                                      .count = wr_load32(&p->link_count) };
        return true;
}

/* The bus's lock is held. The look begins behind who was told last, so that the others have their turn. */
static bool
next_frames(struct weir *bus, struct weir_event *event)
{
        struct weir_subscriber *first = bus->told && bus->told->next ? bus->told->next : bus->subscribers, *s = first;

        while (s && !wr_subscriber_ready(s)) {
                s = s->next ? s->next : bus->subscribers;
                if (s == first)
                        return false;
        }
        if (!s)
                return false;
        bus->told = s;
        *event = (struct weir_event){
                .kind = WEIR_FRAMES, .subscriber = s, .user = s->options.user, .topic = s->topic, .count = 1
        };
        return true;
}

static enum weir_result
next_now(struct weir *bus, const struct weir_event **e)
{
        struct weir_event event;
        enum weir_result result = WEIR_OK;

        if (wr_load32(&bus->interrupted))
                return WEIR_INTERRUPTED;
        wr_mutex_lock(&bus->lock);
        if ((*e = wr_events_pop(&bus->events)) == NULL) {
                if (next_room(bus, &event) || next_frames(bus, &event))
                        *e = wr_events_say(&bus->events, &event);
                else
                        result = WEIR_EMPTY;
        }
        wr_mutex_unlock(&bus->lock);
        return result;
}

static enum weir_result
next_wait(struct weir *bus, int64_t timeout_ns, const struct weir_event **e)
{
        int64_t deadline_ns = wr_bus_deadline(timeout_ns), spin_ns = wr_bus_deadline(SPIN_NS);
        enum weir_result result = WEIR_EMPTY;
        struct wr_wait wait;
        uint32_t tries = 0;

        for (int look = 0; look < SPIN_LOOKS && result == WEIR_EMPTY && wr_clock_ns() < spin_ns; look++) {
                wr_pause();
                result = next_now(bus, e);
        }
        while (result == WEIR_EMPTY) {
                int64_t left_ns = deadline_ns == WEIR_FOREVER ? WEIR_FOREVER : deadline_ns - wr_clock_ns();

                wr_wait_begin(&wait, bus);
                if (wr_load32(&bus->closed))
                        return wr_error(WEIR_E_CLOSED, "the bus was closed");
                wr_wait_add_bus(&wait, bus);
                wr_wait_settle(bus->stands_in[0] || wait.peers_fence);
                result = next_now(bus, e);
                if (result == WEIR_EMPTY && left_ns > 0) {
                        wr_wait_sleep(&wait, left_ns, tries++);
                        result = next_now(bus, e); /* what woke us, before anything else is done */
                }
                wr_wait_end(&wait);
                if (result == WEIR_EMPTY && left_ns <= 0)
                        break;
        }
        return result;
}

enum weir_result WEIR_CALL
weir_next(struct weir *bus, int64_t timeout_ns, const struct weir_event **e)
{
        enum weir_result result = wr_bus_check(bus);

        if (result < 0)
                return result;
        if (!e)
                return wr_error(WEIR_E_USAGE, "weir_next has nowhere to put the event");
        *e = NULL;
        result = next_now(bus, e);
        if (result == WEIR_EMPTY && timeout_ns > 0)
                result = next_wait(bus, timeout_ns, e);
        wr_wakeup_settle(bus);
        return result;
}
