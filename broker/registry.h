/*
 * What there is: topics, the lanes published on them, the subscriptions, and the pairs of both. Only that: no
 * message is sent from here and no descriptor opened, though the entries carry theirs.
 *
 *      topic ---< publication (a lane) ---< pairing >--- subscription >--- topic, or a pattern
 *
 * A topic exists while it has a publication or a subscription of its own. A subscription with a pattern belongs to no
 * topic: it stands in a list that each lane that goes live is held against, so it costs nothing per topic that exists.
 */
#ifndef WR_REGISTRY_H
#define WR_REGISTRY_H

#include "broker/list.h"
#include "broker/table.h"
#include "bus/lane.h"
#include "bus/message.h"
#include "named-objects/region.h"
#include "named-objects/signal.h"

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
        uint32_t retired_count; /* publications that moved */
        struct wr_link publications, subscriptions;
        char name[WR_TOPIC_MAX + 8];
};

enum wr_publication_state {
        WR_PUBLICATION_GRANTED, /* the publisher has yet to map it: nobody else knows of it */
        WR_PUBLICATION_OPENING, /* live; the pairs that were there are being attached */
        WR_PUBLICATION_OPEN,
        WR_PUBLICATION_MOVED /* its successor goes on; it stays until its readers have released what they have of it */
};

enum { WR_LOST_PAIRS = 16 };

struct wr_publication {
        struct wr_link link, topic_link, session_link, opening_link;
        struct wr_node node; /* key: the lane's id */
        uint64_t serial, source;
        struct wr_topic *topic;
        struct wr_session *session;
        struct wr_link pairings;
        uint32_t pairing_count;
        uint32_t pattern_count; /* of its pairings: those of subscriptions with a pattern */
        uint64_t mark;          /* scratch of whoever walks over all: a serial drawn for that walk */
        struct wr_lane_geometry geometry;
        struct wr_errand errand;
        enum wr_publication_state state;
        wr_object writable, read_only; /* the segment */
        uint32_t request;              /* of PUBLISH, answered by OPENED */
        uint32_t awaited;              /* pairs that OPENED waits for */
        int64_t opening_until_ns;
        struct wr_publication *follows, *successor; /* while it moves: both are there */
        uint64_t memory_max;                        /* as it asked for */
        uint32_t history, loans_max;
        bool refuse_reliable;
        bool is_announced;      /* to who watches */
        bool is_foreign;        /* an earlier broker made its segment: we cannot give it to anybody */
        bool is_lane_charged;   /* a lane and its successor count for one */
        bool must_move;         /* somebody who has it mapped lost the right to it */
        unsigned moves_refused; /* by its publisher, which gave the successor back */
        int64_t move_after_ns;  /* it is not asked again sooner; 0: nobody waits for it */
        bool is_ending;
        uint64_t lost_pairs[WR_LOST_PAIRS]; /* of a foreign lane: its publisher has let go of them; the newest */
        uint32_t lost_count;
        struct wr_message_stats stats;
        char type[128];
};

struct wr_subscription {
        struct wr_link link, topic_link, session_link; /* topic_link: of the topic, or of registry->patterns */
        struct wr_node node;
        uint64_t serial;
        struct wr_topic *topic; /* NULL: `name` is a pattern */
        struct wr_session *session;
        struct wr_link pairings;
        struct wr_link holds; /* lanes that it read under an earlier broker and that are not here yet; rejoin.c */
        uint32_t pairing_count;
        uint32_t frames_max, history;
        bool reliable;
        bool is_closing;          /* its last pairs are being released */
        int64_t revoked_until_ns; /* the right was withdrawn: then its pairs end whatever it holds; 0: it was not */
        uint32_t charged;         /* what it counts for in WR_QUOTA_SUBSCRIPTIONS */
        uint32_t revoked_count;   /* pairings of a pattern whose topic it lost the right to */
        struct wr_message_stats stats;
        size_t prefix; /* bytes of `name` in front of its first '*' */
        char type[128];
        char name[WR_TOPIC_MAX + 8]; /* topic or pattern */
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
        bool is_awaited;          /* by OPENED */
        bool is_pinning;          /* the lane moved because of what it has out */
        bool is_overdue;          /* others of its subscriber hold all pages, and their publishers do not answer */
        bool is_over;             /* the subscriber was told that the lane ended for it; it may still have blocks out */
        bool is_claimed;          /* somebody says that he has it and did not pay for saying so; rejoin.c */
        bool is_held;             /* its subscriber came back with it; while that is being handled */
        int64_t revoked_until_ns; /* as of a subscription, where a pattern lost the right to this topic only */
        wr_object page;           /* until both ends have mapped it */
        struct wr_signal_pair signals; /* and what goes beside it */
        uint64_t page_bytes, words_offset;
        struct wr_lane_start start;
        struct wr_message_pair_stats stats; /* as the publisher told last */
};

/* What a client says that it has from an earlier broker or connection; rejoin.c. */
struct wr_hold {
        struct wr_link link; /* of the session until it subscribes, then of the subscription */
        struct wr_node node;
        struct wr_session *session;
        const struct wr_subscription *subscription;
        uint64_t source, lane, pair;
        bool is_charged; /* else its pair is here, and was claimed by it */
};

struct wr_registry {
        struct wr_link topics, publications, subscriptions;
        struct wr_link patterns; /* subscriptions with one */
        struct wr_table topics_by_name, publications_by_lane, subscriptions_by_id, pairings_by_id;
        struct wr_table holds; /* of all subscriptions, by subscription and lane; rejoin.c */
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

/* The lane that is to go on in place of this one. NULL: no memory. */
struct wr_publication *
wr_registry_succeed(struct wr_registry *registry, struct wr_publication *publication,
                    const struct wr_lane_geometry *plan);

/* A lane that an earlier broker made. NULL: no memory. */
struct wr_publication *
wr_registry_rejoin(struct wr_registry *registry, struct wr_session *session, const struct wr_message_rejoin *rejoin);

/* It moved: from now on it counts for nothing in its topic, and only its pairings keep it. */
void
wr_registry_retire(struct wr_registry *registry, struct wr_publication *publication);

/* Its pairings have been removed before. Its descriptors are the caller's. */
void
wr_registry_unpublish(struct wr_registry *registry, struct wr_publication *publication);

struct wr_publication *
wr_registry_publication(const struct wr_registry *registry, uint64_t lane);

/* name: a topic or a pattern; its grammar was checked. NULL: no memory. */
struct wr_subscription *
wr_registry_subscribe(struct wr_registry *registry, const char *name, struct wr_session *session);

void
wr_registry_unsubscribe(struct wr_registry *registry, struct wr_subscription *subscription);

struct wr_subscription *
wr_registry_subscription(const struct wr_registry *registry, uint64_t id);

/* Is this topic what the subscription is for? */
bool
wr_registry_hears(const struct wr_subscription *subscription, const char *topic);

/* Subscriptions of the topic, and those whose pattern has a lane of it. */
uint32_t
wr_registry_readers(const struct wr_topic *topic);

/* NULL: no memory. Chooses the page's size and where in it the pair's words lie. */
struct wr_pairing *
wr_registry_pair(struct wr_registry *registry, struct wr_publication *publication,
                 struct wr_subscription *subscription);

/* A pair that an earlier broker made, under the id that it gave. NULL: no memory, or that id is in use. */
struct wr_pairing *
wr_registry_pair_again(struct wr_registry *registry, struct wr_publication *publication,
                       struct wr_subscription *subscription, uint64_t id);

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
