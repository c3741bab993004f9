/*
 * What there is: topics, the lanes published on them, the subscriptions, and the pairs of both. Only that: no
 * message is sent from here and no descriptor opened, though the entries carry theirs.
 *
 *      topic ---< publication (a lane) ---< pairing >--- subscription >--- topic
 *
 * A topic exists while it has a publication or a subscription.
 */
#ifndef WR_REGISTRY_H
#define WR_REGISTRY_H

#include "broker/list.h"
#include "broker/table.h"
#include "bus/lane.h"
#include "bus/message.h"
#include "named-objects/region.h"

struct wr_session;
struct wr_server;

/* Something that goes to a session with descriptors, one at a time; see session.h. */
struct wr_errand {
        struct wr_link link;
        /* WEIR_OK: sent, and the session now owes an answer. WEIR_FULL: later. Else: there was nothing to send. */
        enum weir_result (*run)(struct wr_session *session, struct wr_errand *errand);
};

struct wr_topic {
        struct wr_link link; /* in the registry, by age */
        struct wr_node node;
        uint64_t serial;
        uint32_t publication_count, subscription_count;
        struct wr_link publications, subscriptions;
        char name[WR_TOPIC_MAX + 8];
};

enum wr_publication_state {
        WR_PUBLICATION_GRANTED, /* the publisher has yet to map it: nobody else knows of it */
        WR_PUBLICATION_OPENING, /* live; the pairs that were there are being attached */
        WR_PUBLICATION_OPEN
};

struct wr_publication {
        struct wr_link link, topic_link, session_link, opening_link;
        struct wr_node node; /* key: the lane's id */
        uint64_t serial, source;
        struct wr_topic *topic;
        struct wr_session *session;
        struct wr_link pairings;
        uint32_t pairing_count;
        struct wr_lane_geometry geometry;
        struct wr_errand errand;
        enum wr_publication_state state;
        wr_object writable, read_only; /* the segment */
        uint32_t request;              /* of PUBLISH, answered by OPENED */
        uint32_t awaited;              /* pairs that OPENED waits for */
        int64_t opening_until_ns;
        bool refuse_reliable;
        struct wr_message_stats stats;
        char type[128];
};

struct wr_subscription {
        struct wr_link link, topic_link, session_link;
        struct wr_node node;
        uint64_t serial;
        struct wr_topic *topic;
        struct wr_session *session;
        struct wr_link pairings;
        uint32_t pairing_count;
        uint32_t frames_max, history;
        bool reliable;
        bool is_closing;          /* its last pairs are being released */
        int64_t revoked_until_ns; /* the right was withdrawn: then its pairs end whatever it holds; 0: it was not */
        struct wr_message_stats stats;
        char type[128];
};

enum wr_pairing_state {
        WR_PAIRING_NEW,   /* the publisher has yet to be told */
        WR_PAIRING_ADDED, /* PAIR_ADDED was sent */
        WR_PAIRING_ACKED, /* attached; the subscriber has yet to be told */
        WR_PAIRING_GIVEN, /* LANE_ADDED was sent */
        WR_PAIRING_LIVE
};

struct wr_pairing {
        struct wr_link publication_link, subscription_link;
        struct wr_node node;
        struct wr_publication *publication;
        struct wr_subscription *subscription;
        struct wr_errand errand;
        enum wr_pairing_state state;
        bool is_awaited; /* by OPENED */
        bool is_overdue; /* others of its subscriber hold all pages, and their publishers do not answer */
        bool is_over;    /* the subscriber was told that the lane ended for it; it may still have blocks out */
        wr_object page;  /* until both ends have mapped it */
        uint64_t page_bytes, words_offset;
        struct wr_lane_start start;
        struct wr_message_pair_stats stats; /* as the publisher told last */
};

struct wr_registry {
        struct wr_link topics, publications, subscriptions;
        struct wr_table topics_by_name, publications_by_lane, subscriptions_by_id, pairings_by_id;
        uint64_t serial, pairs_made;
        uint64_t (*random)(void); /* for ids; a test may put its own here */
};

enum weir_result
wr_registry_open(struct wr_registry *registry, uint64_t (*random)(void));

/* Everything in it has been removed before. */
void
wr_registry_close(struct wr_registry *registry);

struct wr_topic *
wr_registry_topic(const struct wr_registry *registry, const char *name);

/* NULL: no memory. The lane's id, source, epoch and first position are chosen here; the rest is the caller's. */
struct wr_publication *
wr_registry_publish(struct wr_registry *registry, const char *topic, struct wr_session *session,
                    const struct wr_lane_geometry *plan);

/* Its pairings have been removed before. Its descriptors are the caller's. */
void
wr_registry_unpublish(struct wr_registry *registry, struct wr_publication *publication);

struct wr_publication *
wr_registry_publication(const struct wr_registry *registry, uint64_t lane);

/* NULL: no memory. */
struct wr_subscription *
wr_registry_subscribe(struct wr_registry *registry, const char *topic, struct wr_session *session);

void
wr_registry_unsubscribe(struct wr_registry *registry, struct wr_subscription *subscription);

struct wr_subscription *
wr_registry_subscription(const struct wr_registry *registry, uint64_t id);

/* NULL: no memory. Chooses the page's size and where in it the pair's words lie. */
struct wr_pairing *
wr_registry_pair(struct wr_registry *registry, struct wr_publication *publication,
                 struct wr_subscription *subscription);

void
wr_registry_unpair(struct wr_registry *registry, struct wr_pairing *pairing);

struct wr_pairing *
wr_registry_pairing(const struct wr_registry *registry, uint64_t id);

/* Bytes of the page for a pair of this subscription. */
uint64_t
wr_registry_page_bytes(const struct wr_subscription *subscription);

/* Lanes that this subscription still reads. */
uint32_t
wr_registry_publishers_left(const struct wr_subscription *subscription);

#endif
