/*
 * How a subscriber goes from one lane of a publisher to the next (bus/lane_successor.c).
 *
 *      control thread    a lane comes that follows one of ours: it is kept beside that one, whose page then says that
 *                        we have it. There may be several; which one it is, only END says.
 *      taking thread     END: the one that it names takes the old one's place in the list, without a word to the user
 *      stranded          END names a lane that has not come. It may be on its way, or its broker died: it is waited
 *                        for, so long that a client that comes back to a new broker gets it. Then the user is told of
 *                        the gap.
 *
 * A follower may be over before the lane that it follows. What then becomes of it says its `first`:
 *
 *      not begun         its publisher gave it up or died before it went over. Nothing is in it and nothing will be, so
 *                        it goes at once: else a publisher could fill our memory and descriptors with such lanes.
 *      begun             its publisher went over and died behind that: END in the lane before names it, and what it
 *                        holds was promised. It stays until that END is read.
 *
 * A publisher may lie about that and let each of them begin, or move on and on while nobody takes. So all that wait for
 * an end are counted, and no more of one publisher are mapped than WR_LANES_IN_ROW_MAX.
 */
#include "clients/c/subscriber.h"

#include "bus/os/clock.h"
#include "clients/c/error.h"
#include "clients/c/relayed_numbers.h"
#include "named-objects/sentence.h"
#include "named-objects/signal.h"

#include <stddef.h>

#define STRANDED_NS INT64_C(2000000000)

/* ---- in the taking thread ---- */

static bool
leap(struct wr_lane_link *next, const struct wr_lane_link *lane)
{
        return wr_lane_reader_leap(&next->reader, &lane->reader);
}

/* The follower that END names, off the list; NULL: it has not come. Lock held. */
static struct wr_lane_link *
follower_take(struct wr_lane_link *lane)
{
        struct wr_lane_link **at = &lane->followers, *next;

        while (*at && !wr_lane_reader_follow(&(*at)->reader, &lane->reader))
                at = &(*at)->next_follower;
        if (!*at) /* the one that it names will not come any more where a later one is here */
                for (at = &lane->followers; *at && !((*at)->leaps && leap(*at, lane));)
                        at = &(*at)->next_follower;
        next = *at;
        if (next)
                *at = next->next_follower;
        return next;
}

static void
place_take(struct weir_subscriber *s, const struct wr_lane_link *lane, struct wr_lane_link *next)
{
        for (uint32_t i = 0; i < s->lane_count; i++)
                if (s->lanes[i] == lane)
                        s->lanes[i] = next;
}

/* Its loss is told in the control thread, where the deadline is kept. */
static void
strand_begin(struct wr_control *c, struct wr_job *job)
{
        struct wr_lane_link *lane =
                (struct wr_lane_link *)(void *)((char *)job - offsetof(struct wr_lane_link, strand));

        for (const struct wr_lane_link *listed = c->stranded; listed; listed = listed->next_stranded)
                if (listed == lane) { /* what came was another one: it waits on, for no longer than before */
                        wr_subscriber_lane_drop(lane);
                        return;
                }
        lane->next_stranded = c->stranded;
        c->stranded = lane;
        c->stranded_ns = wr_clock_ns();
        lane->stranded_until_ns = c->stranded_ns + STRANDED_NS;
}

/* A reliable subscriber is told of what it missed before it gets any further frame. */
static enum weir_result
gap_tell(struct weir_subscriber *s, const struct wr_lane_link *lane, uint64_t gap, uint64_t behind)
{
        char text[WR_EVENT_TEXT_MAX];

        wr_sentence(text, sizeof text,
                    "publisher '%s' of '%s' went on before this subscriber came back, which lost %llu "
                    "frame%s behind frame %llu",
                    lane->name, lane->topic, (unsigned long long)gap, wr_s(gap), (unsigned long long)behind);
        wr_bus_tell(s->bus, &(struct weir_event){ .kind = WEIR_EVICTED,
                                                  .reason = WEIR_E_EVICTED,
                                                  .user = s->options.user,
                                                  .subscriber = s,
                                                  .topic = lane->topic,
                                                  .text = text,
                                                  .source = lane->source,
                                                  .count = s->lane_count });
        return wr_error(WEIR_E_EVICTED, "%s", text);
}

enum weir_result
wr_lane_gap(struct weir_subscriber *s, struct wr_lane_link *lane)
{
        uint64_t behind, gap = wr_relayed_numbers_gap(lane->numbers, lane->reader.sequence, &behind);

        return gap > 0 ? gap_tell(s, lane, gap, behind) : WEIR_OK;
}

enum weir_result
wr_lane_go_on(struct weir_subscriber *s, struct wr_lane_link *lane)
{
        enum weir_result result = WEIR_EMPTY;
        struct wr_lane_link *next;
        uint64_t gap;

        wr_mutex_lock(&s->lock);
        next = follower_take(lane);
        if (next)
                place_take(s, lane, next);
        else
                wr_store32(&lane->stranded, 1);
        wr_mutex_unlock(&s->lock);
        if (!next) {
                wr_add32(&lane->references, 1); /* the control thread's, until it has come or is given up */
                lane->strand.run = strand_begin;
                wr_control_post(&s->bus->control, &lane->strand);
                return WEIR_EMPTY;
        }
        wr_bus_poke(s->bus); /* who armed the old lane, we perhaps, would sleep on a word that nobody changes again */
        gap = next->reader.sequence - lane->reader.sequence; /* it was attached when the lane had begun */
        if (lane->reader.reliable && next->reader.sequence != 0 && (int64_t)gap > 0)
                result = gap_tell(s, lane, gap, lane->reader.sequence - 1);
        next->format = lane->format; /* the same pointer, if it is the same format */
        wr_lane_followers_drop(lane);
        wr_subscriber_add_up(s, lane);
        wr_store_release(&lane->reader.pair.words->state, WR_PAIR_LEAVING);
        if (wr_pair_room_due(&lane->reader.pair))
                wr_signal_raise(&lane->reader.pair.words->space);
        wr_subscriber_lane_drop(lane);
        return result;
}

static void
follower_leave(struct wr_lane_link *follower)
{
        wr_store_release(&follower->reader.pair.words->state, WR_PAIR_LEAVING);
        if (wr_pair_room_due(&follower->reader.pair))
                wr_signal_raise(&follower->reader.pair.words->space);
        wr_subscriber_lane_drop(follower);
}

/* Nothing follows it any more; what was to, before the rest. */
static struct wr_lane_link *
followers_take(struct wr_lane_link *lane, struct wr_lane_link *rest)
{
        struct wr_lane_link **end, *taken;

        wr_mutex_lock(&lane->subscriber->lock);
        lane->has_left = true;
        for (end = &lane->followers; *end; end = &(*end)->next_follower)
                ;
        *end = rest;
        taken = lane->followers;
        lane->followers = NULL;
        wr_mutex_unlock(&lane->subscriber->lock);
        return taken;
}

void
wr_lane_followers_drop(struct wr_lane_link *lane)
{
        struct wr_lane_link *list = followers_take(lane, NULL), *follower;

        while ((follower = list)) { /* those that were to follow it, too */
                list = followers_take(follower, follower->next_follower);
                follower_leave(follower);
        }
}

/* ---- in the control thread ---- */

static bool
has_begun(const struct wr_lane_link *lane)
{
        return wr_load_acquire(&lane->reader.control->first) != 0;
}

/*
 * The lane of the same publisher that is to be read before this one: the one that it follows, or the latest one that we
 * have. A publisher's frames come in order, so it waits for that one's end in either case. None is behind a follower
 * that did not begin: its publisher never was there.
 */
static struct wr_lane_link *
before(const struct weir_subscriber *s, const struct wr_lane_link *lane)
{
        struct wr_lane_link *latest = NULL;

        if (lane->reader.geometry.follows == 0)
                return NULL;
        for (struct wr_lane_link *old = s->control_lanes; old; old = old->control_next) {
                if (old == lane || old->source != lane->source ||
                    old->reader.geometry.epoch >= lane->reader.geometry.epoch)
                        continue;
                if (old->reader.geometry.lane == lane->reader.geometry.follows)
                        return old;
                if (old->reader.geometry.follows != 0 && !has_begun(old))
                        continue;
                if (!latest || old->reader.geometry.epoch > latest->reader.geometry.epoch)
                        latest = old;
        }
        return latest;
}

bool
wr_lane_follow(struct weir_subscriber *s, struct wr_lane_link *lane)
{
        struct wr_lane_link *old = before(s, lane);
        bool follows = false;

        if (!old)
                return false;
        wr_mutex_lock(&s->lock);
        if (!old->has_left) {
                follows = true;
                lane->leaps = old->reader.geometry.lane != lane->reader.geometry.follows;
                lane->next_follower = old->followers;
                old->followers = lane;
                if (!lane->leaps)
                        wr_lane_reader_ready(&old->reader, lane->reader.geometry.lane);
                wr_store32_release(&old->stranded, 0); /* if it waits for one: it looks whether it is this one */
        } else { /* too late, but what was taken before is not given out again, and the gap is counted */
                if (!wr_lane_reader_follow(&lane->reader, &old->reader))
                        wr_lane_reader_leap(&lane->reader, &old->reader);
        }
        wr_mutex_unlock(&s->lock);
        if (follows)
                wr_bus_poke(s->bus);
        return follows;
}

bool
wr_lane_may_follow(struct weir_subscriber *s, uint64_t source)
{
        uint32_t count = 0;

        wr_mutex_lock(&s->lock);
        for (const struct wr_lane_link *lane = s->control_lanes; lane; lane = lane->control_next)
                count += lane->source == source && !lane->has_left;
        wr_mutex_unlock(&s->lock);
        return count < WR_LANES_IN_ROW_MAX;
}

/* Where it is listed as a follower, or NULL: the taking thread has it, or it follows nothing. Lock held. */
static struct wr_lane_link **
follower_place(const struct weir_subscriber *s, const struct wr_lane_link *lane)
{
        for (struct wr_lane_link *old = s->control_lanes; old; old = old->control_next)
                for (struct wr_lane_link **at = &old->followers; *at; at = &(*at)->next_follower)
                        if (*at == lane)
                                return at;
        return NULL;
}

bool
wr_lane_forgo(struct wr_lane_link *lane)
{
        struct weir_subscriber *s = lane->subscriber;
        struct wr_lane_link **at;

        if (lane->reader.geometry.follows == 0 || has_begun(lane))
                return false;
        wr_mutex_lock(&s->lock);
        at = follower_place(s, lane);
        if (at)
                *at = lane->next_follower;
        wr_mutex_unlock(&s->lock);
        if (!at)
                return false;
        wr_lane_followers_drop(lane);
        follower_leave(lane);
        return true;
}

int64_t
wr_lanes_stranded(struct wr_control *c, int64_t now_ns)
{
        struct wr_lane_link **at = &c->stranded, *lane;
        int64_t again_ns = INT64_MAX;
        char text[WR_EVENT_TEXT_MAX];

        while ((lane = *at)) {
                if (wr_load32(&lane->stranded) && now_ns < lane->stranded_until_ns) {
                        if (again_ns > lane->stranded_until_ns)
                                again_ns = lane->stranded_until_ns;
                        at = &lane->next_stranded;
                        continue;
                }
                *at = lane->next_stranded;
                if (wr_load32(&lane->stranded)) {
                        wr_sentence(text, sizeof text,
                                    "publisher '%s' of '%s' went on in a lane that never came here: what it published "
                                    "behind frame %llu is lost to this subscriber",
                                    lane->name, lane->topic, (unsigned long long)lane->reader.sequence - 1);
                        wr_control_lane_over(c, lane, WEIR_E_EVICTED, text);
                }
                wr_subscriber_lane_drop(lane);
        }
        return again_ns;
}
