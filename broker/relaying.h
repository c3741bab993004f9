/*
 * Relayed endpoints: who may not map memory, or cannot, gets a stream of bytes in place of a lane. At the broker's end
 * of it stands an agent, a client of this broker in a thread of its own (broker/relay/), which publishes or subscribes
 * for it. This file decides who is relayed, has agents started, and believes them.
 *
 *      client                  broker                                    agent
 *      PUBLISH, SUBSCRIBE ->   may it, and by which path?
 *                              a stream, a key; the agent is started  -> connects
 *                       <---   RELAY, with its end of the stream         HELLO, standing in, with the key
 *                              its identity is the client's           <-
 *
 * Whose session ends takes the other one along. A key is good once, for a connection of this very process. The agent is
 * asked for all rights that its client is, but for 'map', and what it holds counts for its client.
 */
#ifndef WR_RELAYING_H
#define WR_RELAYING_H

#include "broker/list.h"
#include "broker/registry.h"
#include "bus/message.h"
#include "named-objects/region.h"

struct wr_server;
struct wr_session;

enum { WR_RELAYS_MAX = 256, WR_RELAY_KEY_ROOM = 40, WR_RELAY_WHY_ROOM = 192 };

/* As WEIR_ANY_PATH and so on. */
enum wr_path { WR_PATH_ANY = 0, WR_PATH_SHM = 1, WR_PATH_PIPE = 2, WR_PATH_TCP = 3 };

/* What an agent is to do. */
struct wr_relay_order {
        uint64_t id;
        const char *address;
        wr_object stream; /* its end; the starter's from WEIR_OK on */
        int64_t turn_ns;  /* not before this */
        char key[WR_RELAY_KEY_ROOM];
        struct wr_message request; /* PUBLISH or SUBSCRIBE, as it came */
};

/* Whoever starts agents: the program that links both rooms. All calls come from the server's thread. */
struct wr_relay_starter {
        /* Does not wait for the agent. On a failure the stream stays the caller's. */
        enum weir_result (*start)(struct wr_relay_starter *starter, const struct wr_relay_order *order, char *sentence,
                                  size_t room);
        /* Its stream ends, and so does it, soon. One that has ended already is no failure. */
        void (*stop)(struct wr_relay_starter *starter, uint64_t id);
        /* Every tick: what agents that have ended left behind is given back. */
        void (*reap)(struct wr_relay_starter *starter);
        /* All streams end, and all agents have when this returns. The server listens no more. */
        void (*stop_all)(struct wr_relay_starter *starter);
};

struct wr_relay {
        struct wr_link link, client_link; /* of the server; of the client's session */
        struct wr_errand errand;
        struct wr_session *client, *agent; /* agent: NULL until it came */
        uint64_t id;
        int64_t until_ns; /* the agent has to be here by then */
        bool is_told;     /* RELAY was sent: from then on the stream alone says how it goes */
        enum wr_path path;
        uint32_t request;            /* of its client */
        bool is_charged;             /* a connection, to the client's account; the agent's session takes it over */
        bool is_connected;           /* over TCP: the client came for it */
        wr_object far_end;           /* until it was sent */
        struct wr_relay_order order; /* order.stream: of TCP, WR_NO_OBJECT until its client connected for it */
        char why[WR_RELAY_WHY_ROOM];
};

/* What was asked for. rights: WR_MAY_... that it takes, without WR_MAY_MAP. */
struct wr_relay_wish {
        const struct wr_message *message;
        const char *topic;
        uint32_t require, rights;
        bool is_pattern;
};

/*
 * By which path? The rights that it takes in any case have been asked for.
 *
 * WEIR_OK      shared memory
 * WEIR_FULL    it is relayed: the request is answered by RELAY, or was refused
 * WEIR_E_...   there is no path for it: the request was refused
 */
enum weir_result
wr_relaying_choose(struct wr_session *session, const struct wr_relay_wish *wish);

/* Whose rights count: of an agent its client's, else its own. */
const struct wr_session *
wr_relaying_asker(const struct wr_session *session);

/* Does this connection come from an agent that is awaited? Then it is not charged to the broker's own account. */
bool
wr_relaying_expects(const struct wr_server *server, uint32_t pid);

/* At HELLO. False: it was cut. */
bool
wr_relaying_greet(struct wr_session *session, const struct wr_message *hello);

/* The key of a relay over TCP that waits for its client's second connection; NULL: none of this id does. */
const char *
wr_relaying_key(const struct wr_server *server, uint64_t id);

/* A second connection over TCP shows the key of a relay: its agent is started. False: there is no such key, and the
 * stream stays the caller's. */
bool
wr_relaying_connected(struct wr_server *server, const char *key, wr_object stream);

/* The session ends: so do its relays, or the one that it stands in for. */
void
wr_relaying_leave(struct wr_session *session);

/* Is this an agent in this client's name? */
bool
wr_relaying_is_of(const struct wr_session *agent, const struct wr_session *client);

/* Its client has closed what it stood in for, and waits for no agent that may have yet to see the end of the stream. */
void
wr_relaying_closed(struct wr_session *agent);

/* Every tick: agents that did not come. */
void
wr_relaying_tick(struct wr_server *server);

/* The path of what this session has, and why: for lists. */
enum wr_path
wr_relaying_path(const struct wr_session *session, char *why, size_t room);

#endif
