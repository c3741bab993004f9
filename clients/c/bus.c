/*
 * Opening and closing a bus, and what all of its parts share.
 *
 *      weir_open     event queue -> control thread -> broker (embedded first, if asked for)
 *      weir_close    wakeup thread -> endpoints -> helpers -> control thread; the last reference frees the rest
 *
 * A frame that is out keeps its subscriber, the lane behind it and the control thread: the thread holds the life-line
 * by which the publisher knows that somebody still reads the block.
 */
#include "clients/c/bus.h"

#include "bus/os/barrier.h"
#include "bus/os/clock.h"
#include "clients/c/error.h"
#include "clients/c/options.h"
#include "clients/c/publisher.h"
#include "clients/c/subscriber.h"
#include "named-objects/fork.h"
#include "named-objects/signal.h"

#include <stdlib.h>
#include <string.h>

enum { VERSION = 0x000100 };

void
wr_bus_poke(struct weir *bus)
{
        wr_add32(&bus->poke, 1);
        wr_signal_raise_private(&bus->poke);
}

void
wr_bus_tell(struct weir *bus, const struct weir_event *event)
{
        wr_mutex_lock(&bus->lock);
        wr_events_push(&bus->events, event);
        wr_mutex_unlock(&bus->lock);
        wr_bus_poke(bus);
}

void
wr_bus_hold(struct weir *bus)
{
        wr_add32(&bus->references, 1);
}

void
wr_bus_drop(struct weir *bus)
{
        if (wr_add32(&bus->references, UINT32_MAX) != 1)
                return;
        wr_events_close(&bus->events);
        wr_watch_free(bus);
        wr_mutex_destroy(&bus->lock);
        wr_mutex_destroy(&bus->wakeup.lock);
        wr_helpers_free(&bus->helpers);
        wr_hmac_wipe(&bus->held, sizeof bus->held);
        free(bus);
}

enum weir_result
wr_bus_forked(void)
{
        return wr_error(WEIR_E_USAGE, "this is a forked child, and the object belongs to its parent: "
                                      "open a bus of its own in the child");
}

enum weir_result
wr_bus_check(const struct weir *bus)
{
        if (!bus)
                return wr_error(WEIR_E_USAGE, "the bus is NULL");
        if (!wr_fork_same(bus->generation))
                return wr_bus_forked();
        if (wr_load32(&bus->closed) != 0)
                return wr_error(WEIR_E_CLOSED, "the bus was closed");
        return WEIR_OK;
}

int64_t
wr_bus_deadline(int64_t timeout_ns)
{
        int64_t now_ns;

        if (timeout_ns == WEIR_FOREVER)
                return WEIR_FOREVER;
        now_ns = wr_clock_ns();
        return timeout_ns > WEIR_FOREVER - now_ns ? WEIR_FOREVER : now_ns + (timeout_ns < 0 ? 0 : timeout_ns);
}

/* Registers this process for the barriers that its lanes use. Where it has several threads the kernel takes some ten
 * milliseconds for that: so now, while it may still have one, and not in the control thread at the first lane. */
static void
barriers_register(void)
{
        wr_barrier_available();
        wr_barrier_system_available();
}

static enum weir_result
bus_create(struct weir **out)
{
        struct weir *bus = calloc(1, sizeof *bus);
        enum weir_result result;

        if (!bus)
                return wr_error(WEIR_E_NO_MEMORY, "no memory for a bus");
        bus->references = 1;
        bus->generation = wr_fork_generation();
        wr_mutex_init(&bus->lock);
        wr_wakeup_init(&bus->wakeup);
        wr_helpers_open(&bus->helpers);
        result = bus->generation == 0 ? wr_error(WEIR_E_SYSTEM, "cannot mark memory to be wiped in a forked child "
                                                                "(MADV_WIPEONFORK): Linux 4.14 is needed")
                                      : wr_events_open(&bus->events);
        if (result < 0) {
                wr_bus_drop(bus);
                return result;
        }
        *out = bus;
        return WEIR_OK;
}

/* weir_broker_embed leaves its reason in our sentence; a function of the user's may leave none. */
static enum weir_result
bus_embed(const struct weir_options *o)
{
        int result;

        if (!o->embed)
                return WEIR_OK;
        wr_error(WEIR_OK, "%s", "");
        result = o->embed(o->address);
        if (result == WEIR_OK || result == WEIR_FULL) /* FULL: another process is the broker, so connect to it */
                return WEIR_OK;
        if (weir_error()[0])
                return (enum weir_result)result;
        return wr_error((enum weir_result)result, "cannot embed a broker at %s: %s; weir_broker_error() says why",
                        o->address ? o->address : "the default address", weir_result_text(result));
}

static enum weir_result
environment_check(void)
{
        const char *path = getenv("WEIR_PATH");

        if (!path || !path[0] || wr_control_maps_nothing())
                return WEIR_OK;
        return wr_error(WEIR_E_USAGE, "WEIR_PATH '%.64s': expected pipe or tcp", path);
}

enum weir_result
wr_bus_open(struct weir **out, const struct weir_options *options, const char *key)
{
        struct weir_options o;
        struct weir *bus = NULL;
        enum weir_result result;

        if (!out)
                return wr_error(WEIR_E_USAGE, "weir_open has nowhere to put the bus");
        *out = NULL;
        result = wr_options_read(&o, sizeof o, options, "weir_options");
        if (result == WEIR_OK)
                result = environment_check();
        if (result < 0)
                return result;
        if (o.flags != 0)
                return wr_error(WEIR_E_USAGE, "weir_options.flags has no meaning yet: leave it 0");
        barriers_register();
        result = bus_create(&bus);
        if (result < 0)
                return result;
        memcpy(bus->stands_in, key, strnlen(key, sizeof bus->stands_in - 1));
        if (o.ticket)
                result = wr_ticket_hold(bus, o.ticket);
        if (result == WEIR_OK)
                result = bus_embed(&o);
        if (result == WEIR_OK)
                result = wr_control_open(bus, &o);
        if (result < 0) {
                wr_bus_drop(bus);
                return result;
        }
        result = wr_ticket_present(bus);
        if (result < 0)
                weir_close(bus);
        else
                *out = bus;
        return result;
}

enum weir_result WEIR_CALL
weir_open(struct weir **out, const struct weir_options *options)
{
        return wr_bus_open(out, options, "");
}

/* Closes what is left open; the objects stay until their own close call, whenever that comes. */
static void
bus_close_endpoints(struct weir *bus)
{
        struct weir_publisher *p;
        struct weir_subscriber *s;

        for (;;) {
                wr_mutex_lock(&bus->lock);
                p = bus->publishers;
                s = bus->subscribers;
                wr_mutex_unlock(&bus->lock);
                if (!p && !s)
                        return;
                wr_left_add(p ? &p->left : &s->left);
                if (p)
                        wr_publisher_shut(p);
                else
                        wr_subscriber_shut(s);
        }
}

void WEIR_CALL
weir_close(struct weir *bus)
{
        if (!bus || !wr_fork_same(bus->generation) || wr_load32(&bus->closed) != 0)
                return;
        wr_store32_release(&bus->closed, 1);
        wr_bus_poke(bus);
        wr_wakeup_close(bus);
        bus_close_endpoints(bus);
        wr_helpers_close(&bus->helpers);
        wr_control_close(&bus->control);
        wr_mutex_lock(&bus->lock);
        wr_events_close(&bus->events);
        wr_mutex_unlock(&bus->lock);
        wr_bus_drop(bus);
}

void WEIR_CALL
weir_interrupt(struct weir *bus, int on)
{
        if (!bus || !wr_fork_same(bus->generation))
                return;
        wr_store32_release(&bus->interrupted, on ? 1 : 0);
        if (on)
                wr_bus_poke(bus);
}

int64_t WEIR_CALL
weir_now(void)
{
        return wr_clock_ns();
}

uint32_t WEIR_CALL
weir_version(void)
{
        return VERSION;
}
