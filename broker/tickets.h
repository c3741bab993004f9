/*
 * Tickets: a grant as a line of text that its holder may hand on through any channel. What a ticket gives is what its
 * creator may do now, narrowed to its topic and rights; whoever redeems it over the broker's own socket has that beside
 * what the rules give it.
 *
 *      new       its creator may do it all, or there is none; the key is told once and only its verifier is kept
 *      redeemed  until it expires, and so many times as it has uses; who comes back by another connection says the same
 *                `redeemer` and uses none up, unless its earlier connection is still there
 *      revoked   nobody redeems it any more, and what was opened by it ends as if the rules had changed
 *
 * Tickets live in the broker's memory alone and end with it. One that ended is remembered for a while, so that its
 * holder is told why; the oldest make room for new ones.
 */
#ifndef WR_TICKETS_H
#define WR_TICKETS_H

#include "broker/policy.h"
#include "bus/message.h"
#include "bus/transport/ticket.h"

struct wr_server;
struct wr_session;

enum {
        WR_TICKETS_MAX = 1024,       /* of a broker */
        WR_TICKETS_ACCOUNT_MAX = 64, /* of one identity, that can still be redeemed */
        WR_TICKET_USES_MAX = 64,
        WR_TICKET_TCP_MAX = 16, /* connections over TCP at once by one whose uses are not counted */
};

enum wr_ticket_state { WR_TICKET_VALID = 0, WR_TICKET_USED_UP = 1, WR_TICKET_EXPIRED = 2, WR_TICKET_REVOKED = 3 };

/* Who redeemed it, so that it may come back. */
struct wr_ticket_use {
        uint64_t redeemer;
        struct wr_session *session; /* NULL: gone */
};

struct wr_ticket_entry {
        struct wr_link link;
        uint64_t id, serial;
        struct wr_ticket_verifier verifier;
        uint32_t rights, uses, used; /* uses: 0: any number */
        uint32_t sessions;           /* that have redeemed it and are there */
        uint32_t sessions_tcp;       /* of them, over TCP */
        int64_t made_ns, expires_ns; /* INT64_MAX: never */
        int64_t ended_ns;            /* 0: it has not */
        bool is_revoked;
        struct wr_account *account;         /* its creator's */
        struct wr_account *holders_account; /* of those who come by it over TCP */
        struct wr_identity *creator;
        struct wr_ticket_use holders[WR_TICKET_USES_MAX]; /* a ring where the uses are not counted */
        char topic[208], who[384], identity[256];
};

struct wr_tickets {
        struct wr_link list; /* in the order of their making */
        uint32_t count;
        uint64_t made;
};

void
wr_tickets_open(struct wr_tickets *tickets);

/* The keys' verifiers are wiped. Before the accounts are closed. */
void
wr_tickets_close(struct wr_tickets *tickets);

/* Of TICKET, REDEEM, TICKET_REVOKE. */
void
wr_tickets_make(struct wr_session *session, const struct wr_message *message);

void
wr_tickets_redeem(struct wr_session *session, const struct wr_message *message);

void
wr_tickets_revoke(struct wr_session *session, const struct wr_message *message);

/* The next rows of a list that began; false: no room for more now. */
bool
wr_tickets_go_on(struct wr_session *session);

/* NULL: there is none. */
struct wr_ticket_entry *
wr_tickets_find(const struct wr_tickets *tickets, uint64_t id);

/* Its key was proven: the session has it from now on, or the sentence says why not. */
enum weir_result
wr_tickets_give(struct wr_session *session, struct wr_ticket_entry *entry, uint64_t redeemer, char *sentence,
                size_t room);

/* The session ends. */
void
wr_tickets_leave(struct wr_session *session);

/* Every tick: those that expired are told to the log, those that ended long ago are forgotten. */
void
wr_tickets_tick(struct wr_server *server);

/* As wr_policy_decide and wr_policy_could, by the session's ticket, too. */
bool
wr_tickets_decide(const struct wr_session *session, const char *topic, enum wr_right right, char *sentence,
                  size_t room);

bool
wr_tickets_could(const struct wr_session *session, const char *pattern, uint32_t rights);

#endif
