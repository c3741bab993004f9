/*
 * W1 to W6 of bus/pair.h for as many lanes as one thread sleeps on. Several threads may sleep on one pair: a thread
 * in weir_take(), one in weir_next(), the one behind weir_wakeup(). The pair's `waiting` stays odd until the last of
 * them has gone, and each that comes makes it a new odd number, so that the next frame wakes again; a wake wakes all.
 */
#include "clients/c/wait.h"

#include "clients/c/publisher.h"
#include "clients/c/subscriber.h"

#include <string.h>

enum {
        TOO_MANY_NS = 1000000, /* a look at those that did not fit */
        FRUITLESS_MAX = 64,
        FRUITLESS_NS = 10000000,
};

void
wr_wait_begin(struct wr_wait *wait, struct weir *bus)
{
        wait->lane_count = wait->pair_count = 0;
        wait->too_many = false;
        wait->count = 1;
        wait->words[0] = (struct wr_signal_wait){ &bus->poke, wr_load32_acquire(&bus->poke), true };
}

static bool
wait_has_room(struct wr_wait *wait)
{
        if (wait->count < WR_SIGNAL_WAIT_MAX)
                return true;
        wait->too_many = true;
        return false;
}

/* The subscriber's lock is held. */
static void
wait_add_lane(struct wr_wait *wait, struct wr_lane_link *lane)
{
        struct wr_pair_reader *pair = &lane->reader.pair;

        if (!wait_has_room(wait))
                return;
        lane->sleepers += 1;
        wr_add32(&lane->references, 1);
        wait->lanes[wait->lane_count++] = lane;
        wait->words[wait->count++] = (struct wr_signal_wait){ &pair->words->wake, wr_pair_sleep_arm(pair), false };
}

void
wr_wait_add_subscriber(struct wr_wait *wait, struct weir_subscriber *s)
{
        pthread_mutex_lock(&s->lock);
        for (uint32_t i = 0; i < s->lane_count; i++)
                wait_add_lane(wait, s->lanes[i]);
        for (struct wr_lane_link *lane = s->arrivals; lane; lane = lane->next)
                wait_add_lane(wait, lane);
        pthread_mutex_unlock(&s->lock);
}

void
wr_wait_add_publisher(struct wr_wait *wait, struct weir_publisher *p)
{
        pthread_mutex_lock(&p->lock);
        for (struct wr_pair_link *link = p->links; link; link = link->next) {
                if (wr_load32(&link->room_armed) == 0 || !wait_has_room(wait))
                        continue;
                wr_add32(&link->references, 1);
                wait->pairs[wait->pair_count++] = link;
                wait->words[wait->count++] =
                        (struct wr_signal_wait){ &link->pair.words->space, link->room_value, false };
        }
        pthread_mutex_unlock(&p->lock);
}

void
wr_wait_add_bus(struct wr_wait *wait, struct weir *bus)
{
        pthread_mutex_lock(&bus->lock);
        for (struct weir_publisher *p = bus->publishers; p; p = p->next)
                if (wr_load32(&p->room_wanted))
                        wr_wait_add_publisher(wait, p);
        for (struct weir_subscriber *s = bus->subscribers; s; s = s->next)
                wr_wait_add_subscriber(wait, s);
        pthread_mutex_unlock(&bus->lock);
}

void
wr_wait_sleep(struct wr_wait *wait, int64_t timeout_ns, uint32_t tries)
{
        size_t count = wait->count;

        if (wait->too_many && timeout_ns > TOO_MANY_NS)
                timeout_ns = TOO_MANY_NS;
        if (tries > FRUITLESS_MAX) {
                count = 1;
                if (timeout_ns > FRUITLESS_NS)
                        timeout_ns = FRUITLESS_NS;
        }
        wr_signal_wait(wait->words, count, timeout_ns);
}

void
wr_wait_end(struct wr_wait *wait)
{
        for (size_t i = 0; i < wait->lane_count; i++) {
                struct wr_lane_link *lane = wait->lanes[i];

                pthread_mutex_lock(&lane->subscriber->lock);
                lane->sleepers -= 1;
                if (lane->sleepers == 0)
                        wr_pair_sleep_disarm(&lane->reader.pair);
                pthread_mutex_unlock(&lane->subscriber->lock);
                wr_subscriber_lane_drop(lane);
        }
        for (size_t i = 0; i < wait->pair_count; i++)
                wr_control_link_drop(wait->pairs[i]);
        wait->lane_count = wait->pair_count = 0;
}

bool
wr_wait_has_something(struct weir *bus)
{
        bool found;

        pthread_mutex_lock(&bus->lock);
        found = bus->events.count > 0 || wr_load32(&bus->interrupted) != 0 || wr_load32(&bus->closed) != 0;
        for (struct weir_publisher *p = bus->publishers; p && !found; p = p->next)
                found = wr_publisher_has_room(p);
        for (struct weir_subscriber *s = bus->subscribers; s && !found; s = s->next)
                found = wr_subscriber_ready(s);
        pthread_mutex_unlock(&bus->lock);
        return found;
}
