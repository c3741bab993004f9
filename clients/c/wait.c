/*
 * W1 to W6 of bus/pair.h for as many lanes as one thread sleeps on. Several threads may sleep on one pair: a thread
 * in weir_take(), one in weir_next(), the one behind weir_wakeup(). The pair's `waiting` stays odd until the last of
 * them has gone, and each that comes makes it a new odd number, so that the next frame wakes again; a wake wakes all.
 *
 *      words                               the thread sleeps on
 *      as many as the kernel takes         all of them
 *      more                                a bell of its own, the bus's word and as many lanes as go in; helpers
 *                                          ring the bell for the others
 *      more than one, and no futex_waitv   the bell; a helper for each word rings it
 */
#include "clients/c/wait.h"

#include "bus/os/barrier.h"
#include "bus/os/clock.h"
#include "clients/c/publisher.h"
#include "clients/c/subscriber.h"

#include <stdlib.h>
#include <string.h>

enum {
        TOO_MANY_NS = 1000000, /* a look at those that nobody can sleep on */
        FRUITLESS_MAX = 64,
        FRUITLESS_NS = 10000000,
};

/* ---- what is slept on ---- */

void
wr_wait_settle(bool fences)
{
        if (fences)
                wr_fence();
        else
                wr_pair_settle();
}

void
wr_wait_begin(struct wr_wait *wait, struct weir *bus)
{
        wait->bus = bus;
        wait->words = wait->few;
        wait->room = WR_SIGNAL_WAIT_MAX;
        wait->too_many = false;
        wait->peers_fence = true;
        wait->count = 1;
        wait->few[0] = (struct wr_wait_word){ { &bus->poke, wr_load32_acquire(&bus->poke), true }, NULL, NULL };
}

/* Room for one word more; else it is left out, and the sleep is short. */
static bool
wait_has_room(struct wr_wait *wait)
{
        struct wr_wait_word *before = wait->words == wait->few ? NULL : wait->words, *words;

        if (wait->count < wait->room)
                return true;
        words = realloc(before, 4 * wait->room * sizeof *words);
        if (!words) {
                wait->too_many = true;
                return false;
        }
        if (!before)
                memcpy(words, wait->few, sizeof wait->few);
        wait->words = words;
        wait->room *= 4;
        return true;
}

/* The subscriber's lock is held. */
static void
wait_add_lane(struct wr_wait *wait, struct wr_lane_link *lane)
{
        struct wr_pair_reader *pair = &lane->reader.pair;

        if (!wait_has_room(wait))
                return;
        wait->peers_fence = wait->peers_fence && wr_pair_fences(&pair->words->writer_settles);
        lane->sleepers += 1;
        wr_add32(&lane->references, 1);
        wait->words[wait->count++] =
                (struct wr_wait_word){ { &pair->words->wake, wr_pair_sleep_arm(pair), false }, lane, NULL };
}

void
wr_wait_add_subscriber(struct wr_wait *wait, struct weir_subscriber *s)
{
        wr_mutex_lock(&s->lock);
        for (uint32_t i = 0; i < s->lane_count; i++)
                wait_add_lane(wait, s->lanes[i]);
        for (struct wr_lane_link *lane = s->arrivals; lane; lane = lane->next)
                wait_add_lane(wait, lane);
        wr_mutex_unlock(&s->lock);
}

void
wr_wait_add_publisher(struct wr_wait *wait, struct weir_publisher *p)
{
        wr_mutex_lock(&p->lock);
        for (struct wr_pair_link *link = p->links; link; link = link->next) {
                if (wr_load32(&link->room_armed) == 0 || !wait_has_room(wait))
                        continue;
                wr_add32(&link->references, 1);
                wait->words[wait->count++] =
                        (struct wr_wait_word){ { &link->pair.words->space, link->room_value, false }, NULL, link };
        }
        wr_mutex_unlock(&p->lock);
}

void
wr_wait_add_bus(struct wr_wait *wait, struct weir *bus)
{
        wr_mutex_lock(&bus->lock);
        for (struct weir_publisher *p = bus->publishers; p; p = p->next)
                if (wr_load32(&p->room_wanted))
                        wr_wait_add_publisher(wait, p);
        for (struct weir_subscriber *s = bus->subscribers; s; s = s->next)
                wr_wait_add_subscriber(wait, s);
        wr_mutex_unlock(&bus->lock);
}

/* ---- the sleep ---- */

static int64_t
shorter(int64_t a_ns, int64_t b_ns)
{
        return a_ns < b_ns ? a_ns : b_ns;
}

static bool
differ(const struct wr_wait_word *words, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (wr_load32_acquire(words[i].signal.word) != words[i].signal.value)
                        return true;
        return false;
}

/* Sleeps on `own`; nobody can be found to sleep on `rest`. */
static void
sleep_and_look(const struct wr_signal_wait *own, size_t count, const struct wr_wait_word *rest, size_t rest_count,
               int64_t timeout_ns)
{
        int64_t until_ns = wr_bus_deadline(timeout_ns), left_ns = timeout_ns;

        while (left_ns > 0 && !differ(rest, rest_count)) {
                if (wr_signal_wait(own, count, shorter(left_ns, TOO_MANY_NS)) != WEIR_EMPTY)
                        return;
                left_ns = until_ns == WEIR_FOREVER ? WEIR_FOREVER : until_ns - wr_clock_ns();
        }
}

static struct wr_helped *
helped_of(struct wr_wait *wait, const struct wr_wait_word *word)
{
        if (word->lane)
                return &word->lane->helped;
        return word->pair ? &word->pair->helped : &wait->bus->poked;
}

static void
sleep_with_help(struct wr_wait *wait, int64_t timeout_ns)
{
        struct wr_signal_wait own[WR_SIGNAL_WAIT_MAX];
        wr_word32 bell = 0;
        size_t own_count = wr_signal_wait_many(), rest_count = wait->count - (own_count - 1), called = 0;
        const struct wr_wait_word *rest = &wait->words[own_count - 1];
        struct wr_call *calls = malloc(rest_count * sizeof *calls);

        own[0] = (struct wr_signal_wait){ &bell, 0, true };
        for (size_t i = 1; i < own_count; i++)
                own[i] = wait->words[i - 1].signal;
        for (size_t i = 0; calls && i < rest_count; i++)
                calls[i] = (struct wr_call){ .helped = helped_of(wait, &rest[i]),
                                             .word = rest[i].signal.word,
                                             .value = rest[i].signal.value,
                                             .is_private = rest[i].signal.is_private,
                                             .bell = &bell };
        if (calls)
                called = wr_helpers_call(&wait->bus->helpers, calls, rest_count);
        if (called == rest_count)
                wr_signal_wait(own, own_count, timeout_ns);
        else
                sleep_and_look(own, own_count, &rest[called], rest_count - called, timeout_ns);
        wr_helpers_recall(&wait->bus->helpers, calls, called);
        free(calls);
}

void
wr_wait_sleep(struct wr_wait *wait, int64_t timeout_ns, uint32_t tries)
{
        struct wr_signal_wait words[WR_SIGNAL_WAIT_MAX];

        if (wait->too_many)
                timeout_ns = shorter(timeout_ns, TOO_MANY_NS);
        if (tries > FRUITLESS_MAX) {
                wr_signal_wait(&wait->words[0].signal, 1, shorter(timeout_ns, FRUITLESS_NS));
        } else if (wait->count > wr_signal_wait_many()) {
                sleep_with_help(wait, timeout_ns);
        } else {
                for (size_t i = 0; i < wait->count; i++)
                        words[i] = wait->words[i].signal;
                wr_signal_wait(words, wait->count, timeout_ns);
        }
}

/* From here on as many lanes as are of one subscriber. Let go of outside of its lock: that may be its end. */
static size_t
wait_end_lanes(struct wr_wait *wait, size_t first)
{
        struct weir_subscriber *s = wait->words[first].lane->subscriber;
        size_t end;

        wr_mutex_lock(&s->lock);
        for (end = first; end < wait->count; end++) {
                struct wr_lane_link *lane = wait->words[end].lane;

                if (!lane || lane->subscriber != s)
                        break;
                lane->sleepers -= 1;
                if (lane->sleepers == 0)
                        wr_pair_sleep_disarm(&lane->reader.pair);
        }
        wr_mutex_unlock(&s->lock);
        for (size_t i = first; i < end; i++)
                wr_subscriber_lane_drop(wait->words[i].lane);
        return end;
}

void
wr_wait_end(struct wr_wait *wait)
{
        for (size_t i = 1; i < wait->count;) {
                if (wait->words[i].lane)
                        i = wait_end_lanes(wait, i);
                else
                        wr_control_link_drop(wait->words[i++].pair);
        }
        if (wait->words != wait->few)
                free(wait->words);
        wait->words = wait->few;
        wait->count = 1;
}

bool
wr_wait_has_something(struct weir *bus)
{
        bool found;

        wr_mutex_lock(&bus->lock);
        found = bus->events.count > 0 || wr_load32(&bus->interrupted) != 0 || wr_load32(&bus->closed) != 0;
        if (!found && bus->told)
                found = wr_subscriber_ready(bus->told); /* it may well have more: that spares a look at all others */
        for (struct weir_publisher *p = bus->publishers; p && !found; p = p->next)
                found = wr_publisher_has_room(p);
        for (struct weir_subscriber *s = bus->subscribers; s && !found; s = s->next)
                found = wr_subscriber_ready(s);
        wr_mutex_unlock(&bus->lock);
        return found;
}
