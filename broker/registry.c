/*
 * Ids are random: a client that guesses finds nothing, and none is met again after a restart. Whatever a client names
 * by an id is looked up here and then compared with the session that owns it.
 */
#include "broker/registry.h"

#include "bus/topic.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { PAGE_BYTES = 4096 };

enum weir_result
wr_registry_open(struct wr_registry *registry, uint64_t (*random)(void))
{
        *registry = (struct wr_registry){ .random = random };
        wr_list_clear(&registry->topics);
        wr_list_clear(&registry->publications);
        wr_list_clear(&registry->subscriptions);
        wr_list_clear(&registry->patterns);
        if (wr_table_open(&registry->topics_by_name) < 0 || wr_table_open(&registry->publications_by_lane) < 0 ||
            wr_table_open(&registry->subscriptions_by_id) < 0 || wr_table_open(&registry->pairings_by_id) < 0 ||
            wr_table_open(&registry->holds) < 0) {
                wr_registry_close(registry);
                return WEIR_E_NO_MEMORY;
        }
        registry->serial = 1;
        return WEIR_OK;
}

void
wr_registry_close(struct wr_registry *registry)
{
        assert(registry->topics_by_name.count == 0 && registry->pairings_by_id.count == 0 &&
               registry->holds.count == 0);
        wr_table_close(&registry->topics_by_name);
        wr_table_close(&registry->publications_by_lane);
        wr_table_close(&registry->subscriptions_by_id);
        wr_table_close(&registry->pairings_by_id);
        wr_table_close(&registry->holds);
}

/* An id that the table does not have; 0 means none. */
static uint64_t
id_new(const struct wr_registry *registry, const struct wr_table *table)
{
        uint64_t id;

        do {
                id = registry->random();
        } while (id == 0 || wr_table_find(table, id));
        return id;
}

static uint64_t
hash_of(const char *name)
{
        return XXH3_64bits(name, strlen(name));
}

struct wr_topic *
wr_registry_topic(const struct wr_registry *registry, const char *name)
{
        struct wr_node *node = wr_table_find(&registry->topics_by_name, hash_of(name));

        for (; node; node = wr_table_next(node)) {
                struct wr_topic *topic = WR_TABLE_OWNER(node, struct wr_topic, node);

                if (strcmp(topic->name, name) == 0)
                        return topic;
        }
        return NULL;
}

static struct wr_topic *
topic_get(struct wr_registry *registry, const char *name)
{
        struct wr_topic *topic = wr_registry_topic(registry, name);

        if (topic)
                return topic;
        topic = calloc(1, sizeof(*topic));
        if (!topic)
                return NULL;
        assert(strlen(name) < sizeof(topic->name)); /* the grammar was checked */
        strcpy(topic->name, name);
        topic->serial = registry->serial++;
        wr_list_clear(&topic->publications);
        wr_list_clear(&topic->subscriptions);
        wr_list_append(&registry->topics, &topic->link);
        wr_table_insert(&registry->topics_by_name, &topic->node, hash_of(name));
        return topic;
}

static void
topic_drop(struct wr_registry *registry, struct wr_topic *topic)
{
        if (topic->publication_count + topic->retired_count + topic->subscription_count > 0)
                return;
        wr_table_remove(&registry->topics_by_name, &topic->node);
        wr_list_remove(&topic->link);
        free(topic);
}

/*
 * The first position of a lane: a multiple of a header's size, between 2^31 and 2^32. So it is at least one lap up
 * (no ring is larger), and every commit word has a high bit beside its kind: cleared memory with a stray low bit in
 * it is not taken for a frame.
 */
static uint64_t
start_position(uint64_t random)
{
        uint64_t top = UINT64_C(1) << 31;

        return (top | (random & (top - 1))) & ~(uint64_t)(WR_HEADER_BYTES - 1);
}

/* With the geometry of `plan`, that it knows its lane's id included. */
static struct wr_publication *
publication_enter(struct wr_registry *registry, const char *topic, struct wr_session *session, uint64_t source,
                  const struct wr_lane_geometry *plan)
{
        struct wr_publication *publication = calloc(1, sizeof(*publication));

        if (!publication)
                return NULL;
        publication->topic = topic_get(registry, topic);
        if (!publication->topic) {
                free(publication);
                return NULL;
        }
        publication->serial = registry->serial++;
        publication->session = session;
        publication->source = source;
        publication->writable = publication->read_only = WR_NO_OBJECT;
        publication->geometry = *plan;
        wr_list_clear(&publication->pairings);
        wr_list_clear(&publication->errand.link);
        wr_list_clear(&publication->session_link);
        wr_list_clear(&publication->opening_link);
        wr_list_append(&registry->publications, &publication->link);
        wr_list_append(&publication->topic->publications, &publication->topic_link);
        publication->topic->publication_count++;
        wr_table_insert(&registry->publications_by_lane, &publication->node, publication->geometry.lane);
        return publication;
}

struct wr_publication *
wr_registry_publish(struct wr_registry *registry, const char *topic, struct wr_session *session,
                    const struct wr_lane_geometry *plan)
{
        struct wr_lane_geometry geometry = *plan;

        geometry.lane = id_new(registry, &registry->publications_by_lane);
        geometry.epoch = 1;
        geometry.follows = 0;
        geometry.start = start_position(registry->random());
        return publication_enter(registry, topic, session, id_new(registry, &registry->publications_by_lane),
                                 &geometry);
}

struct wr_publication *
wr_registry_succeed(struct wr_registry *registry, struct wr_publication *publication,
                    const struct wr_lane_geometry *plan)
{
        struct wr_lane_geometry geometry = *plan;
        struct wr_publication *successor;

        geometry.lane = id_new(registry, &registry->publications_by_lane);
        geometry.epoch = publication->geometry.epoch + 1;
        geometry.follows = publication->geometry.lane;
        geometry.start = start_position(registry->random());
        successor = publication_enter(registry, publication->topic->name, publication->session, publication->source,
                                      &geometry);
        if (!successor)
                return NULL;
        successor->memory_max = publication->memory_max;
        successor->history = publication->history;
        successor->loans_max = publication->loans_max;
        successor->refuse_reliable = publication->refuse_reliable;
        memcpy(successor->type, publication->type, sizeof(successor->type));
        successor->follows = publication;
        publication->successor = successor;
        return successor;
}

struct wr_publication *
wr_registry_rejoin(struct wr_registry *registry, struct wr_session *session, const struct wr_message_rejoin *rejoin)
{
        struct wr_lane_geometry geometry = { .lane = rejoin->lane,
                                             .epoch = rejoin->epoch,
                                             .segment_bytes = rejoin->segment_bytes,
                                             .ring_bytes = rejoin->ring_bytes,
                                             .hash = rejoin->hash };
        struct wr_publication *publication =
                publication_enter(registry, rejoin->topic, session, rejoin->source, &geometry);

        if (!publication)
                return NULL;
        publication->state = WR_PUBLICATION_OPEN;
        publication->is_foreign = publication->is_lane_charged = true;
        publication->memory_max = rejoin->memory_max;
        publication->history = rejoin->history;
        publication->loans_max = rejoin->loans_max;
        publication->refuse_reliable = rejoin->refuse_reliable != 0;
        publication->stats.endpoint = rejoin->lane;
        memcpy(publication->type, rejoin->type, sizeof(publication->type));
        return publication;
}

static void
publication_part(struct wr_publication *publication)
{
        if (publication->follows)
                publication->follows->successor = NULL;
        if (publication->successor)
                publication->successor->follows = NULL;
        publication->follows = publication->successor = NULL;
}

void
wr_registry_retire(struct wr_registry *registry, struct wr_publication *publication)
{
        (void)registry;
        publication_part(publication);
        publication->state = WR_PUBLICATION_MOVED;
        wr_list_remove(&publication->link);
        wr_list_remove(&publication->topic_link);
        publication->topic->publication_count--;
        publication->topic->retired_count++;
}

void
wr_registry_unpublish(struct wr_registry *registry, struct wr_publication *publication)
{
        assert(publication->pairing_count == 0);
        publication_part(publication);
        wr_table_remove(&registry->publications_by_lane, &publication->node);
        wr_list_remove(&publication->link);
        wr_list_remove(&publication->topic_link);
        wr_list_remove(&publication->session_link);
        wr_list_remove(&publication->opening_link);
        wr_list_remove(&publication->errand.link);
        *(publication->state == WR_PUBLICATION_MOVED ? &publication->topic->retired_count
                                                     : &publication->topic->publication_count) -= 1;
        topic_drop(registry, publication->topic);
        free(publication);
}

struct wr_publication *
wr_registry_publication(const struct wr_registry *registry, uint64_t lane)
{
        struct wr_node *node = wr_table_find(&registry->publications_by_lane, lane);

        return node ? WR_TABLE_OWNER(node, struct wr_publication, node) : NULL;
}

struct wr_subscription *
wr_registry_subscribe(struct wr_registry *registry, const char *name, struct wr_session *session)
{
        struct wr_subscription *subscription = calloc(1, sizeof(*subscription));

        if (!subscription)
                return NULL;
        assert(strlen(name) < sizeof(subscription->name));
        strcpy(subscription->name, name);
        subscription->prefix = wr_topic_prefix(name);
        if (name[subscription->prefix] == '\0')
                subscription->topic = topic_get(registry, name);
        if (name[subscription->prefix] == '\0' && !subscription->topic) {
                free(subscription);
                return NULL;
        }
        subscription->serial = registry->serial++;
        subscription->session = session;
        wr_list_clear(&subscription->pairings);
        wr_list_clear(&subscription->holds);
        wr_list_clear(&subscription->session_link);
        wr_list_append(&registry->subscriptions, &subscription->link);
        wr_list_append(subscription->topic ? &subscription->topic->subscriptions : &registry->patterns,
                       &subscription->topic_link);
        if (subscription->topic)
                subscription->topic->subscription_count++;
        wr_table_insert(&registry->subscriptions_by_id, &subscription->node,
                        id_new(registry, &registry->subscriptions_by_id));
        return subscription;
}

void
wr_registry_unsubscribe(struct wr_registry *registry, struct wr_subscription *subscription)
{
        assert(subscription->pairing_count == 0);
        wr_table_remove(&registry->subscriptions_by_id, &subscription->node);
        wr_list_remove(&subscription->link);
        wr_list_remove(&subscription->topic_link);
        wr_list_remove(&subscription->session_link);
        if (subscription->topic) {
                subscription->topic->subscription_count--;
                topic_drop(registry, subscription->topic);
        }
        free(subscription);
}

bool
wr_registry_hears(const struct wr_subscription *subscription, const char *topic)
{
        if (strncmp(subscription->name, topic, subscription->prefix) != 0)
                return false; /* most patterns of most brokers part here */
        return subscription->topic ? topic[subscription->prefix] == '\0' : wr_topic_matches(subscription->name, topic);
}

uint32_t
wr_registry_readers(const struct wr_topic *topic)
{
        uint32_t most = 0; /* a pattern reads every lane of the topic: the fullest one knows of all of them */

        WR_LIST_EACH(link, &topic->publications)
        {
                const struct wr_publication *publication = WR_LIST_OWNER(link, struct wr_publication, topic_link);

                if (publication->pattern_count > most)
                        most = publication->pattern_count;
        }
        return topic->subscription_count + most;
}

struct wr_subscription *
wr_registry_subscription(const struct wr_registry *registry, uint64_t id)
{
        struct wr_node *node = wr_table_find(&registry->subscriptions_by_id, id);

        return node ? WR_TABLE_OWNER(node, struct wr_subscription, node) : NULL;
}

uint64_t
wr_registry_page_bytes(const struct wr_subscription *subscription)
{
        uint64_t words = wr_pair_words_bytes(subscription->frames_max);

        return (words + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static struct wr_pairing *
pairing_enter(struct wr_registry *registry, struct wr_publication *publication, struct wr_subscription *subscription,
              uint64_t id)
{
        struct wr_pairing *pairing = calloc(1, sizeof(*pairing));
        uint64_t positions;

        if (!pairing)
                return NULL;
        pairing->publication = publication;
        pairing->subscription = subscription;
        pairing->page = WR_NO_OBJECT;
        pairing->signals = WR_SIGNAL_NONE;
        pairing->page_bytes = wr_registry_page_bytes(subscription);
        /* Staggered: the same offset in 64 pages would put all their words into one set of the cache. */
        positions = (pairing->page_bytes - wr_pair_words_bytes(subscription->frames_max)) / WR_LINE_BYTES + 1;
        pairing->words_offset = registry->pairs_made++ % positions * WR_LINE_BYTES;
        wr_list_clear(&pairing->errand.link);
        wr_list_append(&publication->pairings, &pairing->publication_link);
        wr_list_append(&subscription->pairings, &pairing->subscription_link);
        publication->pairing_count++;
        publication->pattern_count += !subscription->topic;
        subscription->pairing_count++;
        wr_table_insert(&registry->pairings_by_id, &pairing->node, id);
        return pairing;
}

struct wr_pairing *
wr_registry_pair(struct wr_registry *registry, struct wr_publication *publication, struct wr_subscription *subscription)
{
        return pairing_enter(registry, publication, subscription, id_new(registry, &registry->pairings_by_id));
}

struct wr_pairing *
wr_registry_pair_again(struct wr_registry *registry, struct wr_publication *publication,
                       struct wr_subscription *subscription, uint64_t id)
{
        return id == 0 || wr_registry_pairing(registry, id) ? NULL
                                                            : pairing_enter(registry, publication, subscription, id);
}

void
wr_registry_unpair(struct wr_registry *registry, struct wr_pairing *pairing)
{
        wr_table_remove(&registry->pairings_by_id, &pairing->node);
        wr_list_remove(&pairing->publication_link);
        wr_list_remove(&pairing->subscription_link);
        wr_list_remove(&pairing->errand.link);
        pairing->publication->pairing_count--;
        pairing->publication->pattern_count -= !pairing->subscription->topic;
        pairing->subscription->revoked_count -= pairing->revoked_until_ns != 0;
        pairing->subscription->pairing_count--;
        free(pairing);
}

struct wr_pairing *
wr_registry_pairing(const struct wr_registry *registry, uint64_t id)
{
        struct wr_node *node = wr_table_find(&registry->pairings_by_id, id);

        return node ? WR_TABLE_OWNER(node, struct wr_pairing, node) : NULL;
}

uint32_t
wr_registry_publishers_left(const struct wr_subscription *subscription)
{
        uint32_t left = 0;

        WR_LIST_EACH(link, &subscription->pairings)
        {
                if (!WR_LIST_OWNER(link, struct wr_pairing, subscription_link)->is_over)
                        left++;
        }
        return left;
}
