/*
 * What a publisher does when there is no room: try again for a moment, then sleep on the `space` words of its
 * subscribers, and charge those that hold it up, so that none does for longer than stall_ns.
 *
 *      under the latch: wake whom WEIR_MORE left asleep, charge, arm, full fence, try once more
 *      outside of it:   sleep; a reader that takes or releases changes `space` (wr_pair_room_due)
 *
 * With WEIR_NOW the pairs stay armed behind the call, and weir_next() sleeps on them: WEIR_ROOM.
 */
#include "clients/c/publisher.h"

#include "clients/c/error.h"
#include "clients/c/wait.h"
#include "named-objects/signal.h"

#include <stdio.h>

enum {
        FRUITLESS_MAX = 64,
        FRUITLESS_NS = 10000000,
        SPIN_NS = 20000,
        TRIES_PER_LOOK = 16, /* at the clock, while spinning */
        SLICE_NS = 10000000, /* of sleep, so that charging goes on */
};

/* Latch held. */
static enum weir_result
try_once(struct weir_publisher *p, struct wr_want *want)
{
        enum weir_result result;

        if (atomic_load_explicit(&p->returned, memory_order_relaxed))
                wr_loans_collect(p);
        if (want->lend) {
                result = wr_lane_lend(&p->writer, want->size, want->align, &want->offset);
                wr_store32(&p->filling, result == WEIR_OK);
                if (result == WEIR_OK)
                        p->full_since_ns = 0;
                else if (result != WEIR_FULL || wr_lane_roomy(&p->writer)) /* else it is the ring that is full */
                        result = wr_publisher_grow(p, want->size, result);
        } else {
                result = wr_lane_publish(&p->writer, want->data, want->size, want->about, wr_clock_fast_ns(&p->clock));
        }
        if (result != WEIR_OK)
                return result;
        if (!want->lend) {
                p->wake_owed = want->more;
                if (!want->more)
                        wr_publisher_wake(p);
        }
        if (p->charging)
                wr_publisher_went_through(p);
        return WEIR_OK;
}

static enum weir_result
enter_and_try(struct weir_publisher *p, struct wr_want *want)
{
        enum weir_result result;

        wr_publisher_enter(p);
        result = try_once(p, want);
        wr_publisher_leave(p);
        return result;
}

static void
room_arm(struct weir_publisher *p)
{
        wr_mutex_lock(&p->lock);
        for (struct wr_pair_link *link = p->links; link; link = link->next) {
                if (wr_load32(&link->room_armed))
                        wr_pair_room_disarm(&link->pair);
                link->room_value = wr_pair_room_arm(&link->pair);
                wr_store32(&link->room_armed, 1);
        }
        wr_mutex_unlock(&p->lock);
}

/* All that read it: relays, or nobody. */
static bool
readers_fence(struct weir_publisher *p)
{
        bool all = true;

        wr_mutex_lock(&p->lock);
        for (struct wr_pair_link *link = p->links; link && all; link = link->next)
                all = wr_pair_fences(&link->pair.words->settles);
        wr_mutex_unlock(&p->lock);
        return all;
}

static void
room_disarm(struct weir_publisher *p)
{
        wr_mutex_lock(&p->lock);
        for (struct wr_pair_link *link = p->links; link; link = link->next) {
                if (wr_load32(&link->room_armed))
                        wr_pair_room_disarm(&link->pair);
                wr_store32(&link->room_armed, 0);
        }
        wr_store32(&p->room_wanted, 0);
        wr_store32(&p->room_now, 0);
        wr_mutex_unlock(&p->lock);
}

void
wr_publisher_went_through(struct weir_publisher *p)
{
        p->charging = false;
        p->fruitless = 0;
        wr_store(&p->room_after, 0);
        wr_lane_uncharge(&p->writer, wr_clock_ns());
        room_disarm(p);
}

/* In the control thread: the broker and the user hear of it. */
static void
evicted_tell(struct wr_control *c, struct wr_job *job)
{
        struct wr_pair_link *link =
                (struct wr_pair_link *)(void *)((char *)job - offsetof(struct wr_pair_link, evicted));
        struct weir_publisher *p = link->publisher;
        char text[WR_EVENT_TEXT_MAX];

        if (wr_load32(&p->closed) == 0) {
                wr_control_send(c, &(struct wr_message){ .kind = WR_EVICT, .evict = { p->lane, link->pair.id } });
                snprintf(text, sizeof text,
                         "subscriber '%s' of '%s' held its publisher up for more than %.1f s and was evicted",
                         link->name, p->topic, (double)p->options.stall_ns / 1e9);
                wr_bus_tell(c->bus, &(struct weir_event){ .kind = WEIR_EVICTED,
                                                          .reason = WEIR_E_EVICTED,
                                                          .publisher = p,
                                                          .user = p->options.user,
                                                          .topic = p->topic,
                                                          .text = text,
                                                          .source = link->pair.id,
                                                          .count = 1 });
        }
        wr_control_link_drop(link);
}

void
wr_publisher_charge(struct weir_publisher *p, int64_t now_ns)
{
        struct wr_pair_writer *pair;

        p->charging = true;
        if (p->relayed) /* its one reader waits for the stream: who is at fault there is charged there */
                return;
        while ((pair = wr_lane_charge(&p->writer, now_ns, p->options.stall_ns))) {
                struct wr_pair_link *link = pair->user;

                wr_store32(&p->room_now, 1);
                wr_add32(&link->references, 1); /* the job's */
                link->evicted.run = evicted_tell;
                wr_control_post(&p->bus->control, &link->evicted);
        }
        wr_publisher_lengthen(p, now_ns);
}

/* The last thing before giving up or sleeping: whoever makes room from now on changes a word we sleep on. */
static enum weir_result
arm_and_try(struct weir_publisher *p, struct wr_want *want, struct wr_wait *wait)
{
        enum weir_result result;

        wr_publisher_enter(p);
        if (p->wake_owed)
                wr_publisher_wake(p);
        p->wake_owed = false;
        wr_publisher_charge(p, wr_clock_ns());
        room_arm(p);
        wr_wait_settle(wr_publisher_fences(p) || readers_fence(p));
        result = try_once(p, want);
        if (result == WEIR_FULL && wait) {
                wr_wait_add_publisher(wait, p);
                if (p->full_since_ns != 0 && wr_clock_ns() - p->full_since_ns >= SLICE_NS)
                        wr_publisher_tick(p); /* the control thread looks whether somebody pins it */
        }
        wr_publisher_leave(p);
        return result;
}

static void
tick_begin(struct wr_control *c, struct wr_job *job)
{
        struct weir_publisher *p =
                (struct weir_publisher *)(void *)((char *)job - offsetof(struct weir_publisher, tick));

        wr_store32_release(&p->tick_posted, 0); /* the list is done with the job: it may be written again */
        if (c->tick_ns == 0)
                c->tick_ns = wr_clock_ns();
        wr_publisher_drop(p);
}

void
wr_publisher_tick(struct weir_publisher *p)
{
        if (wr_load32_acquire(&p->tick_posted))
                return;
        wr_store32(&p->tick_posted, 1);
        wr_add32(&p->references, 1); /* the job's */
        p->tick.run = tick_begin;
        wr_control_post(&p->bus->control, &p->tick);
}

/* It was armed by an earlier call and no reader has moved since, so asking again needs no system call. */
static bool
is_awaiting_room(struct weir_publisher *p)
{
        if (wr_load32(&p->room_wanted) == 0 || p->wake_owed)
                return false;
        wr_publisher_enter(p);
        wr_publisher_charge(p, wr_clock_ns());
        wr_publisher_leave(p);
        return !wr_publisher_has_room(p);
}

/* No time to wait: weir_next() is to tell when there is room, the control thread charges meanwhile. A reader that says
 * so again and again, and there is none, is believed 100 times a second, not more. */
static enum weir_result
full_now(struct weir_publisher *p, struct wr_want *want)
{
        enum weir_result result;

        if (is_awaiting_room(p))
                return WEIR_FULL;
        p->fruitless += 1;
        if (p->fruitless > FRUITLESS_MAX)
                wr_store(&p->room_after, (uint64_t)wr_clock_ns() + FRUITLESS_NS);
        wr_store32(&p->room_now, 0);
        wr_store32(&p->room_wanted, 1);
        result = arm_and_try(p, want, NULL);
        if (result != WEIR_FULL)
                return result;
        wr_publisher_tick(p);
        wr_bus_poke(p->bus); /* a sleeping weir_next() takes the words into its sleep */
        return WEIR_FULL;
}

static enum weir_result
spin(struct weir_publisher *p, struct wr_want *want, int64_t deadline_ns)
{
        int64_t until_ns = wr_clock_ns() + SPIN_NS;
        enum weir_result result = WEIR_FULL;

        if (until_ns > deadline_ns)
                until_ns = deadline_ns;
        while (result == WEIR_FULL && wr_clock_ns() < until_ns) {
                for (int i = 0; i < TRIES_PER_LOOK; i++)
                        wr_pause();
                wr_publisher_enter(p);
                if (wr_lane_roomy(&p->writer))
                        result = try_once(p, want);
                wr_publisher_leave(p);
        }
        return result;
}

static enum weir_result
sleep_and_try(struct weir_publisher *p, struct wr_want *want, int64_t deadline_ns)
{
        struct wr_wait wait;
        enum weir_result result;
        uint32_t tries = 0;

        for (;;) {
                int64_t left_ns;

                wr_wait_begin(&wait, p->bus);
                if (wr_load32(&p->bus->interrupted))
                        return WEIR_INTERRUPTED;
                if (wr_load32(&p->bus->closed))
                        return wr_error(WEIR_E_CLOSED, "the bus was closed");
                if (wr_load32(&p->revoked))
                        return wr_publisher_check(p);
                result = arm_and_try(p, want, &wait);
                left_ns = deadline_ns == WEIR_FOREVER ? SLICE_NS : deadline_ns - wr_clock_ns();
                if (result == WEIR_FULL && left_ns > 0)
                        wr_wait_sleep(&wait, left_ns < SLICE_NS ? left_ns : SLICE_NS, tries++);
                wr_wait_end(&wait);
                if (result != WEIR_FULL || left_ns <= 0)
                        return result;
        }
}

enum weir_result
wr_publisher_try(struct weir_publisher *p, struct wr_want *want, int64_t timeout_ns)
{
        int64_t deadline_ns;
        enum weir_result result = wr_publisher_is_beyond(p, want->size) ? WEIR_E_TOO_LARGE : enter_and_try(p, want);

        if (result != WEIR_FULL)
                return result;
        wr_store(&p->full, wr_load(&p->full) + 1);
        if (timeout_ns <= 0)
                return full_now(p, want);
        deadline_ns = wr_bus_deadline(timeout_ns);
        if (!readers_fence(p)) /* a relay would be kept from the processor, and sleeps until it has more to do */
                result = spin(p, want, deadline_ns);
        if (result != WEIR_FULL)
                return result;
        wr_store(&p->waits, wr_load(&p->waits) + 1);
        wr_store32(&p->sleeping, 1); /* before the try: who discards a loan later sees it, or the try sees the loan */
        result = sleep_and_try(p, want, deadline_ns);
        wr_store32(&p->sleeping, 0);
        return result == WEIR_FULL ? full_now(p, want) : result;
}

bool
wr_publisher_has_room(struct weir_publisher *p)
{
        bool found = false, is_early;

        if (wr_load32(&p->room_wanted) == 0)
                return false;
        wr_mutex_lock(&p->lock);
        found = wr_load32(&p->room_now) != 0;
        is_early = wr_load(&p->room_after) != 0 && (uint64_t)wr_clock_ns() < wr_load(&p->room_after);
        for (struct wr_pair_link *link = p->links; link && !found && !is_early; link = link->next)
                found = wr_load32(&link->room_armed) && wr_load32(&link->pair.words->space) != link->room_value;
        wr_mutex_unlock(&p->lock);
        return found;
}
