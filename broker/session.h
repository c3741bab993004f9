/*
 * A session: one client's conversation, from the accepted connection to goodbye. It decodes, checks that the message
 * may come now, and hands it to the handler of its kind. Handlers answer through the functions below and never see
 * the socket. A session is never freed inside a handler: it is doomed, and the server buries it at the turn's end.
 *
 * Errands: what goes out with descriptors. One at a time per connection, since descriptors in flight are counted per
 * sending user: the next waits as plain state until the client answered the one before.
 */
#ifndef WR_SESSION_H
#define WR_SESSION_H

#include "broker/connection.h"
#include "broker/quota.h"
#include "broker/registry.h"
#include "broker/tickets.h"
#include "named-objects/identity.h"

#include "bus/os/printf.h"

enum wr_listing {
        WR_LISTING_NONE,
        WR_LISTING_TOPICS,
        WR_LISTING_SESSIONS,
        WR_LISTING_PUBLICATIONS,
        WR_LISTING_SUBSCRIPTIONS,
        WR_LISTING_REFUSALS,
        WR_LISTING_TICKETS
};

struct wr_relay;

struct wr_session {
        struct wr_link link, greeting_link, paused_link, doomed_link, away_link;
        struct wr_server *server;
        uint64_t id, serial;
        const struct wr_message *asking; /* what is being handled; NULL: nothing */
        struct wr_connection connection;
        struct wr_hook process; /* ends with the client's process */
        struct wr_identity identity;
        struct wr_account *account;
        wr_object lifeline;             /* the end that its peers watch */
        struct wr_ticket_entry *ticket; /* that it has redeemed, or NULL */
        bool is_by_ticket; /* over TCP: the identity is that of the ticket's creator, and it may what the ticket grants
                            */
        struct wr_link relays;  /* of its endpoints; relaying.h */
        struct wr_relay *relay; /* that it stands in for, or NULL */
        bool is_agent;          /* it stands in for another one, or did: that one's end is told, not its own */
        bool has_no_memory;     /* it said that it cannot map others' */
        bool is_uncharged;      /* it may be an agent: its connection is not charged before it said hello */
        bool is_greeted, said_bye, is_doomed;
        bool is_cut;        /* we ended it */
        bool is_dead;       /* its process ended */
        bool is_away;       /* its client hung up and lives: what it has waits for it. Doomed, and not buried */
        bool is_collecting; /* errands are appended and not run: who appends them walks over what they may end */
        int64_t away_until_ns;
        bool ping_out; /* an unanswered PING: a stopped client gets no second one */
        int64_t greet_until_ns;
        struct wr_link errands;
        enum wr_message_kind owes; /* the answer that ends the errand in flight; 0: none; WR_HELLO: any message */
        uint64_t owes_id;
        struct wr_link publications, subscriptions;
        struct wr_link holds;   /* said by HOLDS, of the SUBSCRIBE that comes next; rejoin.c */
        uint32_t free_holds;    /* of them and of its subscriptions': that were not charged */
        bool is_hold_refused;   /* there was no room for one of them: it may hold more than it could say */
        struct wr_link unpaged; /* errands of its pairings that wait for a page; see pairing.c */
        uint32_t pages;         /* that are open for its pairings */
        struct wr_link watches; /* patterns; see watch.c */
        uint32_t watch_count;
        bool is_watch_behind;         /* it did not read: what it missed is made good by a list of all that is there */
        struct wr_link watching_link; /* in server->watching while it has any */
        struct {
                enum wr_listing phase;
                uint32_t request;
                bool who;        /* SEAT instead of ENDPOINT */
                bool watch;      /* WATCHED instead of ENDPOINT */
                uint32_t count;  /* told so far */
                uint64_t serial; /* of the last that was told */
                uint64_t limit;  /* watching: younger ones have been told as they came */
                char pattern[WR_TOPIC_MAX + 8];
        } listing;
        char name[64];
        char identity_text[256]; /* made once: it may look into the system's list of users */
        char who[384];           /* "name (pid 12, user:alice)": for logs and sentences */
};

/* A connection that was just accepted; takes socket and process over. NULL: no memory or no room; both are closed. */
struct wr_session *
wr_session_open(struct wr_server *server, wr_object socket, wr_object process, const struct wr_identity *identity,
                struct wr_account *account);

/* A stream whose other end proved the key of this ticket. It takes the stream over; its connection is yet to be
 * charged. NULL: as above. */
struct wr_session *
wr_session_open_by_ticket(struct wr_server *server, wr_object stream, const struct wr_ticket_entry *entry);

/* The server's: takes everything back that the session held, tells its peers, frees it. One whose client lives and
 * published something goes away first: its lanes stay for a while, should it come back (rejoin.c). */
void
wr_session_bury(struct wr_session *session);

/* Its end is decided: nothing is sent to it or read from it any more. May be told twice; one that is away stays away no
 * longer. */
void
wr_session_doom(struct wr_session *session);

/* A last REFUSAL, and doom. */
__attribute__((format(WR_PRINTF, 4, 5))) void
wr_session_cut(struct wr_session *session, uint32_t request, enum weir_result result, const char *format, ...);

/* A message to the client. One that does not read its messages is cut. */
void
wr_session_send(struct wr_session *session, const struct wr_message *message);

/* No to one request; logged. The conversation goes on. */
__attribute__((format(WR_PRINTF, 4, 5))) void
wr_session_refuse(struct wr_session *session, uint32_t request, enum weir_result result, const char *format, ...);

/* Sends it now if nothing is in flight, else in its turn. */
void
wr_session_errand(struct wr_session *session, struct wr_errand *errand);

/* For an errand: the message with its objects; the session then owes `answer` for `id`. */
enum weir_result
wr_session_send_objects(struct wr_session *session, const struct wr_message *message, const wr_object *objects,
                        size_t count, enum wr_message_kind answer, uint64_t id);

/* The answer of an errand came. */
void
wr_session_answered(struct wr_session *session, enum wr_message_kind answer, uint64_t id);

/* Goes on with errands and a listing that waited for room. */
void
wr_session_pump(struct wr_session *session);

/* Reads again after a pause. */
void
wr_session_resume(struct wr_session *session);

#endif
