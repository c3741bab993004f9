/*
 * Subscribers of our publishers, as the control thread sees them: added by the broker, removed by it or by their own
 * death (life-line). Attaching and detaching change what the publishing thread works on, so each is a change that is
 * listed, applied under the latch by whoever gets it first, and settled here.
 *
 *      PAIR_ADDED    map the page, list ATTACH  ...applied...  PAIR_ACK, event JOINED
 *      PAIR_REMOVED  list DETACH                ...applied...  event LEFT, page unmapped by the last who sleeps on it
 */
#include "clients/c/publisher.h"

#include "named-objects/sentence.h"
#include "named-objects/signal.h"

#include <stdio.h>
#include <stdlib.h>

static struct weir_publisher *
publisher_of(struct wr_control *c, uint64_t lane)
{
        for (struct weir_publisher *p = c->publishers; p; p = p->control_next) {
                bool found;

                wr_publisher_moved(c, p);
                wr_mutex_lock(&p->lock);
                found = p->lane == lane || (p->next_lane && p->next_lane->lane == lane);
                wr_mutex_unlock(&p->lock);
                if (found)
                        return p;
        }
        return NULL;
}

size_t
wr_control_objects_due(enum wr_message_kind kind)
{
        bool has_page = kind == WR_PAIR_ADDED || kind == WR_LANE_ADDED;

        return wr_message_descriptors(kind) + (has_page ? WR_SIGNAL_OBJECTS : 0);
}

void
wr_control_link_drop(struct wr_pair_link *link)
{
        if (wr_add32(&link->references, UINT32_MAX) != 1)
                return;
        wr_helpers_forget(&link->publisher->bus->helpers, &link->helped);
        if (link->before)
                wr_control_link_drop(link->before);
        wr_signal_unbind(&link->pair.words->wake, &link->pair.words->space);
        wr_region_unmap(link->page, link->page_bytes);
        wr_publisher_drop(link->publisher);
        free(link);
}

/* The far end of a relayed publisher looks for itself. */
static void
pair_ack(struct wr_control *c, const struct weir_publisher *p, uint64_t lane, uint64_t pair, enum weir_result result,
         const struct wr_lane_start *start)
{
        if (p && p->relayed)
                return;
        wr_control_send(c, &(struct wr_message){ .kind = WR_PAIR_ACK,
                                                 .pair_ack = { lane, pair, result, start->position, start->sequence,
                                                               start->format } });
}

static void
change_list(struct weir_publisher *p, struct wr_pair_link *link, enum wr_change change)
{
        struct wr_pair_link **end;

        wr_mutex_lock(&p->lock);
        link->change = change;
        link->next_change = NULL;
        for (end = &p->changes; *end; end = &(*end)->next_change)
                ;
        *end = link;
        wr_store32(&p->changes_due, 1);
        wr_mutex_unlock(&p->lock);
}

/* ---- attaching ---- */

static enum weir_result
page_map(struct wr_pair_link *link, const struct wr_message_pair_added *m, wr_object page)
{
        uint64_t words = wr_pair_words_bytes(m->announcements);
        enum weir_result result = wr_region_check(page, m->page_bytes, false);

        if (result < 0)
                return result;
        if (m->words_offset % WR_LINE_BYTES != 0 || words > m->page_bytes || m->words_offset > m->page_bytes - words)
                return WEIR_E_CORRUPT;
        result = wr_region_map(page, m->page_bytes, true, &link->page);
        if (result < 0)
                return result;
        link->page_bytes = m->page_bytes;
        link->pair.words = (struct wr_pair_words *)(void *)((uint8_t *)link->page + m->words_offset);
        return WEIR_OK;
}

static enum weir_result
link_create(struct wr_control *c, struct weir_publisher *p, const struct wr_message_pair_added *m, wr_object *objects,
            struct wr_pair_link **out)
{
        struct wr_pair_link *link = calloc(1, sizeof *link);
        enum weir_result result;

        if (!link)
                return WEIR_E_NO_MEMORY;
        link->pair = (struct wr_pair_writer){
                .announcement_count = m->announcements, .reliable = m->reliable != 0, .id = m->pair, .user = link
        };
        link->pair.follows = m->follows;
        link->lane = m->lane;
        link->follows = m->follows;
        link->is_follower = m->follows != 0;
        link->history = m->history;
        link->references = 1;
        snprintf(link->name, sizeof link->name, "%s", m->name);
        result = page_map(link, m, objects[0]);
        if (result == WEIR_OK)
                result = wr_signal_bind(&link->pair.words->wake, &link->pair.words->space, WR_SIGNAL_PUBLISHER,
                                        &objects[2]);
        if (result == WEIR_OK) {
                link->peer = wr_control_peer(c, m->peer, objects[1]);
                objects[1] = WR_NO_OBJECT;
                result = link->peer ? WEIR_OK : WEIR_E_NO_MEMORY;
        }
        if (result < 0) {
                if (link->page) {
                        wr_signal_unbind(&link->pair.words->wake, &link->pair.words->space);
                        wr_region_unmap(link->page, link->page_bytes);
                }
                free(link);
                return result;
        }
        link->era = c->era;
        link->publisher = p;
        wr_add32(&p->references, 1);
        *out = link;
        return WEIR_OK;
}

void
wr_control_pair_added(struct wr_control *c, const struct wr_message_pair_added *m, wr_object *objects)
{
        struct weir_publisher *p = publisher_of(c, m->lane);
        struct wr_pair_link *link;
        char sentence[256];
        enum weir_result result = p ? WEIR_OK : WEIR_E_CLOSED;

        if (result == WEIR_OK && m->reliable && p->options.refuse_reliable && !p->relayed)
                result = WEIR_E_DENIED;
        if (result == WEIR_OK && !wr_control_has_objects(c, 1, sentence, sizeof sentence))
                result = WEIR_E_QUOTA;
        if (result == WEIR_OK)
                result = link_create(c, p, m, objects, &link);
        if (result < 0) {
                pair_ack(c, p, m->lane, m->pair, result, &(struct wr_lane_start){ 0, 0, 0 });
                return;
        }
        link->control_next = p->control_links;
        p->control_links = link;
        change_list(p, link, WR_CHANGE_ATTACH);
        wr_control_publisher_settle(c, p);
}

/* ---- what was applied ---- */

void
wr_control_link_refuse(struct wr_control *c, const struct wr_pair_link *link)
{
        if (link->era == c->era) /* else it was asked on an earlier connection, and there is nobody to answer */
                pair_ack(c, link->publisher, link->lane, link->pair.id, WEIR_E_CLOSED,
                         &(struct wr_lane_start){ 0, 0, 0 });
}

void
wr_control_link_forget(struct wr_control *c, struct weir_publisher *p, struct wr_pair_link *link)
{
        struct wr_pair_link **at = &p->control_links;

        while (*at != link)
                at = &(*at)->control_next;
        *at = link->control_next;
        wr_control_peer_drop(c, link->peer);
        wr_control_link_drop(link);
}

static void
joined_or_left(struct wr_control *c, const struct weir_publisher *p, const struct wr_pair_link *link, uint32_t kind)
{
        char text[WR_EVENT_TEXT_MAX];
        const char *how = "joined";

        if (wr_load32(&link->is_follower) || p->relayed)
                return;
        if (kind == WEIR_LEFT)
                how = link->reason == WEIR_OK          ? "left"
                      : link->reason == WEIR_E_EVICTED ? "was evicted and left"
                      : link->reason == WEIR_E_DENIED  ? "lost its right, or was not ready when the lane moved"
                                                       : "died";
        snprintf(text, sizeof text, "subscriber '%s' of '%s' %s", link->name, p->topic, how);
        wr_bus_tell(c->bus, &(struct weir_event){ .kind = kind,
                                                  .reason = kind == WEIR_LEFT ? link->reason : WEIR_OK,
                                                  .publisher = (struct weir_publisher *)(uintptr_t)p,
                                                  .user = p->options.user,
                                                  .topic = p->topic,
                                                  .text = text,
                                                  .source = link->pair.id,
                                                  .count = wr_load32(&p->link_count) });
}

void
wr_control_link_left(struct wr_control *c, const struct weir_publisher *p, const struct wr_pair_link *link)
{
        for (const struct wr_pair_link *other = p->control_links; other; other = other->control_next)
                if (other->follows == link->pair.id)
                        return;
        joined_or_left(c, p, link, WEIR_LEFT);
}

static void
attach_applied(struct wr_control *c, struct weir_publisher *p, struct wr_pair_link *link)
{
        if (link->era == c->era)
                pair_ack(c, p, link->lane, link->pair.id, link->result, &link->start);
        else
                link->leaving =
                        true; /* the broker of that connection never told the subscriber of it, nor does another */
        if (link->result < 0) {
                wr_control_link_forget(c, p, link);
                return;
        }
        link->attached = true;
        joined_or_left(c, p, link, WEIR_JOINED);
        if (link->leaving) /* it was gone before it came */
                change_list(p, link, WR_CHANGE_DETACH);
}

static void
detach_applied(struct wr_control *c, struct weir_publisher *p, struct wr_pair_link *link)
{
        joined_or_left(c, p, link, WEIR_LEFT); /* and pokes a publisher that sleeps for room */
        wr_control_link_forget(c, p, link);
}

static void
settle_applied(struct wr_control *c, struct weir_publisher *p)
{
        struct wr_pair_link *link, *next;

        wr_mutex_lock(&p->lock);
        wr_publisher_unlist(&p->applied); /* those are wr_publisher_moved()'s */
        link = p->applied;
        p->applied = NULL;
        wr_store32(&p->applied_due, 0);
        wr_mutex_unlock(&p->lock);
        for (; link; link = next) {
                next = link->next_change;
                if (link->attached)
                        detach_applied(c, p, link);
                else
                        attach_applied(c, p, link);
        }
}

void
wr_control_publisher_settle(struct wr_control *c, struct weir_publisher *p)
{
        /* Twice at most: attaching may list a detachment. */
        for (int turn = 0; turn < 2; turn++) {
                if (wr_load32(&p->changes_due) && wr_latch_visit(&p->latch)) {
                        wr_publisher_apply(p);
                        wr_latch_depart(&p->latch);
                }
                wr_publisher_moved(c, p);
                if (wr_load32(&p->applied_due))
                        settle_applied(c, p);
        }
        if (wr_load32(&p->changes_due))
                c->retry = true; /* the publishing thread is busy; it may also do it itself */
}

/* ---- leaving ---- */

static void
link_leave(struct weir_publisher *p, struct wr_pair_link *link, int32_t reason)
{
        if (link->leaving)
                return;
        link->leaving = true;
        link->reason = reason;
        if (link->attached)
                change_list(p, link, WR_CHANGE_DETACH);
}

void
wr_control_pair_removed(struct wr_control *c, const struct wr_message_pair_removed *m)
{
        struct weir_publisher *p = publisher_of(c, m->lane);

        if (!p)
                return;
        for (struct wr_pair_link *link = p->control_links; link; link = link->control_next)
                if (link->pair.id == m->pair)
                        link_leave(p, link, m->reason);
        wr_control_publisher_settle(c, p);
}

bool
wr_control_pairs_revoked(struct wr_control *c, const struct wr_message_revoked *m)
{
        struct weir_publisher *p = publisher_of(c, m->endpoint);

        if (!p)
                return false;
        if (wr_load32(&p->revoked))
                return true;
        wr_sentence(p->revoked_text, sizeof p->revoked_text, "%s", m->text);
        wr_store32_release(&p->revoked, 1);
        for (struct wr_pair_link *link = p->control_links; link; link = link->control_next)
                link_leave(p, link, WEIR_E_DENIED); /* the broker took them away with the lane */
        wr_control_publisher_settle(c, p);
        wr_bus_tell(c->bus, &(struct weir_event){ .kind = WEIR_REVOKED,
                                                  .reason = WEIR_E_DENIED,
                                                  .publisher = p,
                                                  .user = p->options.user,
                                                  .topic = p->topic,
                                                  .text = m->text });
        return true;
}

/* Its process is seen to end before the broker says that it closed: who gave all back has closed. */
static int32_t
reason_of_dead(const struct wr_pair_link *link)
{
        const struct wr_pair_words *words = link->pair.words;

        return words && wr_load_acquire(&words->state) == WR_PAIR_RELEASED ? WEIR_OK : WEIR_E_CLOSED;
}

void
wr_control_pairs_dead(struct wr_control *c, struct wr_peer *peer)
{
        for (struct weir_publisher *p = c->publishers; p; p = p->control_next) {
                for (struct wr_pair_link *link = p->control_links; link; link = link->control_next)
                        if (link->peer == peer)
                                link_leave(p, link, reason_of_dead(link));
                wr_control_publisher_settle(c, p);
        }
}

/* Nobody enters the latch any more. What the broker still waits for is answered. */
void
wr_control_pairs_close(struct wr_control *c, struct weir_publisher *p)
{
        wr_publisher_abandon(c, p);
        wr_publisher_moved(c, p);
        wr_mutex_lock(&p->lock);
        p->links = p->changes = p->applied = p->retired = NULL;
        wr_store32(&p->link_count, 0);
        wr_mutex_unlock(&p->lock);
        while (p->control_links) {
                struct wr_pair_link *link = p->control_links;

                if (!link->attached)
                        wr_control_link_refuse(c, link);
                wr_control_link_forget(c, p, link);
        }
}

/* Readers from the time of an earlier broker: nobody may tell us of their end, so we look for it in their pages. */
static bool
orphans_look(struct wr_control *c, struct weir_publisher *p)
{
        bool any = false;

        for (struct wr_pair_link *link = p->control_links; link; link = link->control_next) {
                if (link->era == c->era && c->phase == WR_PHASE_SERVED)
                        continue;
                any = true;
                if (wr_load_acquire(&link->pair.words->state) == WR_PAIR_RELEASED)
                        link_leave(p, link, WEIR_OK);
        }
        if (any)
                wr_control_publisher_settle(c, p);
        return any;
}

bool
wr_control_pairs_tick(struct wr_control *c, int64_t now_ns)
{
        bool wanted = false;

        for (struct weir_publisher *p = c->publishers; p; p = p->control_next) {
                wanted |= orphans_look(c, p);
                if (wr_load32(&p->room_wanted) == 0 && wr_load32(&p->wakes_due) == 0 && wr_load32(&p->sleeping) == 0)
                        continue;
                wanted = true;
                if (!wr_latch_visit(&p->latch))
                        continue;
                wr_store32(&p->wakes_due, 0);
                wr_lane_wake_owed(&p->writer, wr_signal_raise);
                if (wr_load32(&p->room_wanted))
                        wr_publisher_charge(p, now_ns);
                wr_publisher_unpin(c, p, now_ns);
                wr_latch_depart(&p->latch);
                if (wr_load32(&p->room_now))
                        wr_bus_poke(c->bus);
        }
        return wanted;
}
