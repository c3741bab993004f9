/*
 * A simulated client: a process with at most one connection, that reads, thinks, answers, and does something of its
 * own now and then. What it knows it learned from messages alone.
 *
 *      sim_client.c     its life: connecting, reading, sending, hanging up, dying
 *      sim_reply.c      what it does about a message: as libweir does, or by its traits
 *      sim_wish.c       what it wants of its own: endpoints, lists, evictions
 *      sim_mischief.c   what no client should do
 */
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H

#include "tests/simulation/sim.h"

enum { PUBS_MAX = 3, SUBS_MAX = 3, LINKS_MAX = 128, OUTBOX_MAX = 256 };

enum stage { STAGE_NONE, STAGE_ASKED, STAGE_GRANTED, STAGE_OPEN };

struct client_pub {
        enum stage stage;
        const char *topic, *type;
        uint64_t source, epoch, segment_bytes;
        uint32_t request;
        uint64_t lane;
        bool is_unwanted;                    /* it is closed as soon as it is granted */
        uint64_t successor, successor_bytes; /* 0: none */
        int64_t moves_ns;                    /* when it writes END; 0: the successor is not ready */
};

struct client_sub {
        enum stage stage;
        struct wr_message_subscribe wish; /* as it was asked for */
        uint32_t request;
        uint64_t id;
        bool is_unwanted;
};

/* A pair that it knows of, as publisher or as subscriber. */
struct client_link {
        uint64_t pair, lane, source, subscription; /* subscription 0: it is the publisher */
};

struct client_letter {
        int64_t due_ns;
        size_t size;
        bool has_objects;
        uint8_t bytes[WR_MESSAGE_BYTES_MAX + 64];
};

struct sim_client {
        unsigned index, identity, traits;
        struct sim_object *process;
        struct sim_line *line;
        struct sim_object *held;  /* its life-line */
        bool is_coming_back;      /* to another broker, with what it had */
        bool is_welcome, is_gone; /* gone: does not come back */
        int64_t next_ns, frozen_until_ns;
        bool is_deaf;
        uint32_t requests;
        struct client_pub pubs[PUBS_MAX];
        struct client_sub subs[SUBS_MAX];
        struct client_link links[LINKS_MAX];
        unsigned link_count;
        struct client_letter outbox[OUTBOX_MAX];
        unsigned letter_count;
        unsigned late_wishes; /* in the calm */
        uint64_t seen[4];     /* ids of others, for who meddles */
};

extern struct sim_client sim_clients[SIM_CLIENTS_MAX];

bool
sim_client_has(const struct sim_client *client, enum sim_trait trait);

/* How long it thinks this time. */
int64_t
sim_client_think_ns(const struct sim_client *client);

/* Sends it when it is due, in its turn. */
void
sim_client_write(struct sim_client *client, const struct wr_message *message, int64_t after_ns);

void
sim_client_write_bytes(struct sim_client *client, const void *bytes, size_t size, bool has_objects);

/* A request number of its own. */
uint32_t
sim_client_request(struct sim_client *client);

void
sim_client_hang_up(struct sim_client *client);

/* The broker is gone: what is open flows on, and the next broker will be told of it. */
void
sim_client_lose_broker(struct sim_client *client);

void
sim_client_die(struct sim_client *client);

void
sim_client_forget_link(struct sim_client *client, uint64_t pair);

/* PAIR_DONE for all that it has of a subscription (0: nothing). */
void
sim_client_release(struct sim_client *client, uint64_t subscription, int64_t after_ns);

/* ---- sim_reply.c */

void
sim_client_reply(struct sim_client *client, struct sim_packet *packet);

/* ---- sim_wish.c */

void
sim_client_wish(struct sim_client *client);

void
sim_client_publish(struct sim_client *client);

void
sim_client_subscribe(struct sim_client *client);

/* Tells a broker that made none of it what it has. */
void
sim_client_rejoin(struct sim_client *client);

/* ---- sim_mischief.c */

void
sim_client_mischief(struct sim_client *client);

#endif
